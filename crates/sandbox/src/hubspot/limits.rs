//! Rate limits: a rolling ten-second bucket for each app, a second for search, a day for the account.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

use super::portal::Portal;
use super::request::Request;
use super::table::Actor;
use super::time::next_midnight;

#[derive(Default)]
pub struct Meters {
    recent: HashMap<Bucket, VecDeque<i64>>,
    today: u64,
    midnight: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Bucket {
    Static,
    OAuth,
    Associations,
    Search,
}

/// The headers of an answer and, over a limit, its whole body.
pub struct Metered {
    pub headers: Vec<(&'static str, String)>,
    pub refused: Option<Value>,
}

const BURST_MS: i64 = 10_000;

impl Portal {
    /// Counts the call, or refuses it without counting.
    pub fn meter(&mut self, request: &Request, static_token: bool) -> Metered {
        let limits = &self.config.limits;
        let search = request.path.call_kind(&request.method) == "search";
        let (bucket, most, window) = if search {
            (Bucket::Search, limits.search_per_second, 1000)
        } else if request.path.about_associations() {
            (Bucket::Associations, limits.burst_associations, BURST_MS)
        } else if static_token {
            (Bucket::Static, limits.burst, BURST_MS)
        } else {
            (Bucket::OAuth, limits.burst_oauth, BURST_MS)
        };
        let daily = limits.daily;
        let now = self.now;
        if now >= self.meters.midnight {
            self.meters.today = 0;
            self.meters.midnight = next_midnight(now, &self.config.time_zone);
        }
        let recent = self.meters.recent.entry(bucket).or_default();
        while recent.front().is_some_and(|&then| then <= now - window) {
            recent.pop_front();
        }
        let policy = if most > 0 && recent.len() as u64 >= most {
            Some(if search { ("SECONDLY", "secondly") } else { ("TEN_SECONDLY_ROLLING", "ten_secondly_rolling") })
        } else if daily > 0 && self.meters.today >= daily {
            Some(("DAILY", "daily"))
        } else {
            None
        };
        if policy.is_none() {
            if most > 0 {
                recent.push_back(now);
            }
            self.meters.today += 1;
        }
        let used = recent.len() as u64;
        let mut headers = Vec::new();
        if !search && most > 0 {
            headers.push(("x-hubspot-ratelimit-max", most.to_string()));
            headers.push(("x-hubspot-ratelimit-remaining", most.saturating_sub(used).to_string()));
            headers.push(("x-hubspot-ratelimit-interval-milliseconds", window.to_string()));
        }
        if !search && static_token && daily > 0 {
            headers.push(("x-hubspot-ratelimit-daily", daily.to_string()));
            headers.push(("x-hubspot-ratelimit-daily-remaining", daily.saturating_sub(self.meters.today).to_string()));
        }
        let refused = policy.map(|(policy, words)| self.over_limit(policy, words));
        Metered { headers, refused }
    }

    pub fn over_limit(&mut self, policy: &str, words: &str) -> Value {
        let mut body = json!({"status": "error", "message": format!("You have reached your {words} limit."),
            "errorType": "RATE_LIMIT", "correlationId": self.uuid(), "policyName": policy});
        if policy != "SECONDLY" {
            body["requestId"] = self.uuid().into();
        }
        body
    }

    /// The person behind [`super::Hubspot::edit`] for the length of one change.
    pub fn as_user<T>(&mut self, change: impl FnOnce(&mut Portal) -> T) -> T {
        self.actor = Actor::User(self.config.user_id);
        let result = change(self);
        self.actor = Actor::App(self.config.app_id);
        result
    }
}
