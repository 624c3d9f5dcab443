//! Faults on request, and the counters of vendor calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Vendor {
    Salesforce,
    Hubspot,
}

/// What goes wrong. The first eight exist for both vendors, the rest for one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// 429 for HubSpot, 403 `REQUEST_LIMIT_EXCEEDED` for Salesforce.
    RateLimited,
    ServerError,
    /// The call succeeds after [`Fault::ms`].
    Slow,
    /// 503 with an HTML page, as an edge proxy answers.
    HtmlError,
    /// The connection is closed and nothing was done.
    CutBefore,
    /// The work is done and kept, then the connection is closed without an answer.
    CutAfter,
    /// The work is done and kept, and the edge answers 502 with an HTML page: a known answer to an unknown outcome.
    BadGatewayAfter,
    /// The access token counts as expired for this call.
    Unauthorized,
    /// Salesforce: `UNABLE_TO_LOCK_ROW`; in collections it hits one row.
    LockRow,
    /// Salesforce: 403 `ConcurrentPerOrgLongTxn Limit exceeded`, over in seconds.
    ConcurrentLimit,
    /// HubSpot: 423.
    #[serde(rename = "locked_423")]
    Locked423,
    /// HubSpot: 477.
    #[serde(rename = "migrating_477")]
    Migrating477,
}

/// A fault that has been drawn for one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    pub kind: FaultKind,
    /// Delay of [`FaultKind::Slow`].
    pub ms: u64,
}

/// A standing order for faults, as `POST /_sandbox/faults` takes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    pub vendor: Vendor,
    pub kind: FaultKind,
    /// Share of matching calls that fail, 0 to 1; without `nth` and `share` every matching call fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Fail once, at the nth matching call counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Only these call kinds match; empty means all except `token`.
    #[serde(default)]
    pub calls: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Delay of `slow`.
    #[serde(default = "default_ms")]
    pub ms: u64,
}

fn default_ms() -> u64 {
    1000
}

struct Armed {
    rule: FaultRule,
    seen: u64,
    fired: u64,
    dice: fastrand::Rng,
}

/// The armed faults; shared by clones.
#[derive(Clone)]
pub struct Faults {
    seed: u64,
    armed: Arc<Mutex<Vec<Armed>>>,
}

impl Faults {
    pub fn new(seed: u64) -> Faults {
        Faults { seed, armed: Arc::default() }
    }

    pub fn add(&self, rule: FaultRule) {
        let mut armed = lock(&self.armed);
        // Without a seed of its own each rule gets another one, else two rules with equal shares would fire together.
        let seed = rule.seed.unwrap_or(self.seed.wrapping_add(armed.len() as u64));
        armed.push(Armed { rule, seen: 0, fired: 0, dice: fastrand::Rng::with_seed(seed) });
    }

    pub fn clear(&self) {
        lock(&self.armed).clear();
    }

    /// Decides whether this call fails. The first rule that fires wins; later rules do not see the call.
    pub fn draw(&self, vendor: Vendor, call_kind: &str) -> Option<Fault> {
        lock(&self.armed).iter_mut().find_map(|armed| armed.draw(vendor, call_kind))
    }

    /// The rules with how many calls each has seen and spoilt.
    pub fn list(&self) -> serde_json::Value {
        lock(&self.armed)
            .iter()
            .map(|armed| serde_json::json!({"rule": armed.rule, "seen": armed.seen, "fired": armed.fired}))
            .collect()
    }
}

impl Armed {
    fn draw(&mut self, vendor: Vendor, call_kind: &str) -> Option<Fault> {
        let named = self.rule.calls.iter().any(|kind| kind == call_kind);
        let matches = named || (self.rule.calls.is_empty() && call_kind != "token");
        if self.rule.vendor != vendor || !matches {
            return None;
        }
        self.seen += 1;
        let fires = match (self.rule.nth, self.rule.share) {
            (Some(nth), _) => self.seen == nth,
            (None, Some(share)) => self.dice.f64() < share,
            (None, None) => true,
        };
        if !fires {
            return None;
        }
        self.fired += 1;
        Some(Fault { kind: self.rule.kind, ms: self.rule.ms })
    }
}

/// How often each kind of call arrived; shared by clones.
#[derive(Clone, Default)]
pub struct Calls {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    by_kind: BTreeMap<Vendor, BTreeMap<String, u64>>,
    /// `kind type`, where a call is about one type of records or one pair of types.
    by_type: BTreeMap<Vendor, BTreeMap<String, u64>>,
    limited: BTreeMap<Vendor, u64>,
}

impl Calls {
    pub fn count(&self, vendor: Vendor, call_kind: &str, remote_type: Option<&str>) {
        let mut counts = lock(&self.counts);
        *counts.by_kind.entry(vendor).or_default().entry(call_kind.to_owned()).or_default() += 1;
        if let Some(remote_type) = remote_type {
            let name = format!("{call_kind} {remote_type}");
            *counts.by_type.entry(vendor).or_default().entry(name).or_default() += 1;
        }
    }

    pub fn of(&self, vendor: Vendor, call_kind: &str) -> u64 {
        lock(&self.counts).by_kind.get(&vendor).and_then(|kinds| kinds.get(call_kind)).copied().unwrap_or(0)
    }

    /// Calls of all kinds.
    pub fn all(&self, vendor: Vendor) -> u64 {
        lock(&self.counts).by_kind.get(&vendor).map_or(0, |kinds| kinds.values().sum())
    }

    /// Calls of one kind about one type: `batch_upsert` and `contacts`, `associations_batch_default` and
    /// `contacts/companies`.
    pub fn of_type(&self, vendor: Vendor, call_kind: &str, remote_type: &str) -> u64 {
        let name = format!("{call_kind} {remote_type}");
        lock(&self.counts).by_type.get(&vendor).and_then(|names| names.get(&name)).copied().unwrap_or(0)
    }

    /// Counts an answer that refused a call for want of calls left.
    pub(crate) fn count_limited(&self, vendor: Vendor) {
        *lock(&self.counts).limited.entry(vendor).or_default() += 1;
    }

    /// Calls that were refused with 429: over a limit, or on request.
    pub fn limited(&self, vendor: Vendor) -> u64 {
        lock(&self.counts).limited.get(&vendor).copied().unwrap_or(0)
    }

    pub fn total(&self, vendor: Vendor) -> u64 {
        lock(&self.counts).by_kind.get(&vendor).map_or(0, |kinds| kinds.values().sum())
    }

    pub fn reset(&self) {
        *lock(&self.counts) = Counts::default();
    }

    /// By kind for each vendor; under `types` the same again by kind and type, under `limited` the calls among them
    /// that were refused with 429.
    pub fn to_json(&self) -> serde_json::Value {
        let counts = lock(&self.counts);
        let all = |counts: &BTreeMap<Vendor, BTreeMap<String, u64>>| {
            let of = |vendor| counts.get(&vendor).cloned().unwrap_or_default();
            serde_json::json!({"salesforce": of(Vendor::Salesforce), "hubspot": of(Vendor::Hubspot)})
        };
        let mut by_kind = all(&counts.by_kind);
        by_kind["types"] = all(&counts.by_type);
        let limited = |vendor| counts.limited.get(&vendor).copied().unwrap_or(0);
        by_kind["limited"] = serde_json::json!({
            "salesforce": limited(Vendor::Salesforce), "hubspot": limited(Vendor::Hubspot),
        });
        by_kind
    }
}

/// A lock whose holder panicked still guards plain data, and the panic itself has been reported.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
