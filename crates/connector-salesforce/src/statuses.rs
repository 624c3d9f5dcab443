//! The statuses that members of a campaign may have are rows of each campaign. They must be there
//! before the first member, so writing a campaign makes sure of them.

use mittler_connector::{
    Error, Refusal, Result, RowResult,
    http::{Call, Effect},
};
use mittler_core::Value;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::{
    Salesforce,
    profile::BATCH,
    push::{Row, with_headers},
    read::{Deleted, query_all, same_id},
    refusal, soql,
    wire::{self, Record},
};

/// Labels with `;` between them; no field of Salesforce's.
pub const FIELD: &str = "_member_statuses";

pub fn labels(value: Option<&Value>) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for label in value.and_then(Value::as_text).unwrap_or_default().split(';').map(str::trim) {
        if !label.is_empty() && !labels.iter().any(|known| same(known, label)) {
            labels.push(label.to_owned());
        }
    }
    labels
}

/// A status to create for the campaign of a row.
struct Missing {
    row: usize,
    record: Json,
}

/// Creates the statuses that are not there yet. A campaign whose statuses could not be made sure
/// of is repeated as a whole, which finds the campaign by its key.
pub async fn ensure(salesforce: &Salesforce, rows: &mut [Row<'_>]) {
    let asked = |row: &&Row<'_>| row.written_id().is_some() && !row.statuses.is_empty();
    let campaigns: Vec<String> =
        rows.iter().filter(asked).filter_map(|row| row.written_id().map(str::to_owned)).collect();
    if campaigns.is_empty() {
        return;
    }
    let outcome = match known(salesforce, &campaigns).await {
        Ok(known) => create(salesforce, rows, missing(rows, &known)).await,
        Err(error) => Err(error),
    };
    let Err(error) = outcome else { return };
    for row in rows.iter_mut().filter(|row| row.written_id().is_some() && !row.statuses.is_empty()) {
        row.result = Some(RowResult::Busy { code: error.code().to_owned() });
    }
}

async fn known(salesforce: &Salesforce, campaigns: &[String]) -> Result<Vec<Record>> {
    let select = "SELECT CampaignId, Label, SortOrder FROM CampaignMemberStatus";
    let mut found = Vec::new();
    for part in soql::fitting(campaigns, select, |id| soql::literal(id) + ",") {
        let query = format!("{select} WHERE {}", soql::any_of("CampaignId", part.iter().map(String::as_str)));
        found.append(&mut query_all(salesforce, &query, Deleted::Hidden).await?);
    }
    Ok(found)
}

fn missing(rows: &[Row<'_>], known: &[Record]) -> Vec<Missing> {
    let mut missing = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let Some(campaign) = row.written_id() else { continue };
        let theirs: Vec<&Record> = known
            .iter()
            .filter(|status| wire::text(status, "CampaignId").is_some_and(|id| same_id(id, campaign)))
            .collect();
        let mut last = theirs.iter().filter_map(|status| status.get("SortOrder")?.as_i64()).max().unwrap_or(0);
        for label in &row.statuses {
            if theirs.iter().any(|status| wire::text(status, "Label").is_some_and(|known| same(known, label))) {
                continue;
            }
            last += 1;
            // "Sent" alone waits for a response; every other status tells of one.
            let record = json!({"attributes": {"type": "CampaignMemberStatus"}, "CampaignId": campaign,
                "Label": label, "SortOrder": last, "HasResponded": !same(label, "Sent")});
            missing.push(Missing { row: index, record });
        }
    }
    missing
}

async fn create(salesforce: &Salesforce, rows: &mut [Row<'_>], missing: Vec<Missing>) -> Result<()> {
    for part in missing.chunks(BATCH) {
        let records: Vec<&Json> = part.iter().map(|missing| &missing.record).collect();
        let body = json!({"allOrNone": false, "records": records});
        let call = Call::write(Method::POST, salesforce.url("composite/sobjects"), body);
        let answer = salesforce.send(with_headers(salesforce, call)).await?;
        if !answer.status.is_success() {
            return Err(refusal::of_call(&answer, Effect::Write));
        }
        let told: Vec<wire::Row> = serde_json::from_slice(&answer.body).unwrap_or_default();
        if told.len() != part.len() {
            return Err(Error::Unknown { code: "unreadable_answer".into() });
        }
        for (missing, told) in part.iter().zip(told).filter(|(_, told)| !told.success) {
            match refusal::of_row(told.errors) {
                // Somebody else made it meanwhile.
                RowResult::Exists { .. } => {}
                // The campaign itself is there: it goes on without its statuses.
                RowResult::Refused(Refusal { code, message, .. }) | RowResult::Misconfigured { code, message } => {
                    let fields = vec![FIELD.to_owned()];
                    rows[missing.row].result = Some(RowResult::Refused(Refusal { code, message, fields }));
                }
                other => rows[missing.row].result = Some(other),
            }
        }
    }
    Ok(())
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_split_trimmed_and_named_once() {
        let value = Value::Text("Sent; Visited booth;;sent ;Registered".into());
        assert_eq!(labels(Some(&value)), ["Sent", "Visited booth", "Registered"]);
        assert!(labels(None).is_empty());
    }
}
