//! What changed after a cursor, by search.
//!
//! A search sorts by one property only. So a page that is cut off within a time stamp gives the
//! rows before that stamp alone, and a page that is all one stamp is asked for again, sorted by id.
//! Every page starts from the cursor instead of an offset: the 10,000 results that a search shows
//! are never reached.

use std::time::Duration;

use mittler_connector::{
    Change, ChangePage, Cursor, Error, Result,
    cursor::{Blur, TimeId},
    http::{Answer, Call},
};
use mittler_core::Time;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    HubSpot, errors,
    profile::{PAGE, SEARCH_CALL, last_modified},
    read::{MERGED, absorbed},
    wire::{self, Listed, Record},
};

/// Re-read at the start of each run: what committed late under an earlier stamp.
const OVERLAP: Duration = Duration::from_mins(5);

impl HubSpot {
    pub(crate) async fn changes_of(&self, remote_type: &str, since: Option<&Cursor>, now: Time) -> Result<ChangePage> {
        let blur = Blur { lag: self.profile.visibility_lag, overlap: OVERLAP };
        let Some(cursor) = since else { return Ok(blur.begin(now)) };
        let since = TimeId::parse(cursor)?;
        let property = last_modified(remote_type);
        let (found, mut cut, time) = self.search(remote_type, property, property, after(property, &since)).await?;
        let Some(edge) = found.last().map(|change| change.at).filter(|_| cut) else {
            return Ok(blur.page(&since, sorted(found), cut, time, now));
        };
        if found.iter().any(|change| change.at != edge) {
            let whole = found.into_iter().filter(|change| change.at != edge).collect();
            return Ok(blur.page(&since, sorted(whole), true, time, now));
        }
        let last = if since.at.millis() == edge.millis() { since.id.as_str() } else { "" };
        let ties = json!([{"filters": [equals(property, edge), beyond(last)]}]);
        let (found, more_ties, time) = self.search(remote_type, property, "hs_object_id", ties).await?;
        // What has a later stamp follows.
        cut |= more_ties;
        Ok(blur.page(&since, sorted(found), cut, time, now))
    }

    async fn search(
        &self,
        remote_type: &str,
        property: &str,
        sort: &str,
        groups: Value,
    ) -> Result<(Vec<Change>, bool, Option<Time>)> {
        let body = json!({
            "filterGroups": groups,
            "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
            "properties": [property, MERGED],
            "limit": PAGE,
        });
        let call = Call::read(Method::POST, self.paths.objects(&[remote_type, "search"])).body(body).cost(SEARCH_CALL);
        let answer = self.http.send(&call).await?;
        if !answer.status.is_success() {
            return Err(errors::failed(&call, &answer));
        }
        let listed: Listed<Record> = wire::parse(&answer).ok_or_else(|| errors::unreadable(&call))?;
        let cut = listed.after().is_some();
        let changes = listed.results.into_iter().map(|record| {
            let at = record.modified_at(property).ok_or_else(|| Error::Protocol { detail: "no_stamp".into() })?;
            // Searches never show what was deleted; webhooks and reading tell.
            let absorbed = absorbed(&record);
            Ok(Change { remote_type: remote_type.to_owned(), id: record.id, at, deleted: record.archived, absorbed })
        });
        Ok((changes.collect::<Result<_>>()?, cut, server_time(&answer)))
    }
}

/// Later than the cursor, or as late with a higher id.
fn after(property: &str, TimeId { at, id }: &TimeId) -> Value {
    let compared = |operator: &str| json!({"propertyName": property, "operator": operator, "value": at.millis().max(0).to_string()});
    if id.is_empty() {
        return json!([{"filters": [compared("GTE")]}]);
    }
    json!([{"filters": [equals(property, *at), beyond(id)]}, {"filters": [compared("GT")]}])
}

fn equals(property: &str, at: Time) -> Value {
    json!({"propertyName": property, "operator": "EQ", "value": at.millis().to_string()})
}

fn beyond(id: &str) -> Value {
    let id = if id.is_empty() { "0" } else { id };
    json!({"propertyName": "hs_object_id", "operator": "GT", "value": id})
}

/// By time, then by id as a number: the last one is where the next page starts.
fn sorted(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_by_cached_key(|change| (change.at, change.id.parse::<u64>().unwrap_or(u64::MAX)));
    changes
}

fn server_time(answer: &Answer) -> Option<Time> {
    let date = jiff::fmt::rfc2822::parse(answer.header("date")?).ok()?;
    Some(date.timestamp().into())
}

#[cfg(test)]
mod tests {
    use reqwest::{StatusCode, header::HeaderMap};

    use super::*;

    #[test]
    fn the_search_starts_after_the_cursor_in_time_and_id() {
        let cursor = |id: &str| TimeId { at: Time::from_millis(5), id: id.into() };
        let both = after("lastmodifieddate", &cursor("7"));
        assert_eq!(both[0]["filters"][0]["operator"], "EQ");
        assert_eq!(both[0]["filters"][1], json!({"propertyName": "hs_object_id", "operator": "GT", "value": "7"}));
        assert_eq!(both[1]["filters"][0], json!({"propertyName": "lastmodifieddate", "operator": "GT", "value": "5"}));
        let overlap = after("lastmodifieddate", &cursor(""));
        assert_eq!(overlap[0]["filters"][0]["operator"], "GTE");
    }

    #[test]
    fn the_server_tells_its_time_with_every_answer() {
        let mut headers = HeaderMap::new();
        headers.insert("date", "Sun, 22 Nov 2026 10:33:40 GMT".parse().unwrap());
        let answer = Answer { status: StatusCode::OK, headers, body: "{}".into() };
        assert_eq!(server_time(&answer), "2026-11-22T10:33:40Z".parse().ok());
    }
}
