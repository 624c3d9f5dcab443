//! The statuses that members of a campaign may have are rows of each campaign. They must be there
//! before the first member, so writing a campaign makes sure of them.

use std::collections::BTreeMap;

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

/// A campaign that is there, and the labels of the statuses that it must offer.
pub struct Campaign<'r> {
    /// Its row in the batch.
    pub row: usize,
    pub id: &'r str,
    pub labels: &'r [String],
}

/// A status to create for the campaign of a row.
struct Missing {
    row: usize,
    record: Json,
}

/// Creates the statuses that are not there yet, and gives the rows of campaigns whose statuses could not
/// be made sure of. Such a campaign is repeated as a whole, which finds the campaign by its key.
pub async fn ensure(salesforce: &Salesforce, campaigns: &[Campaign<'_>]) -> BTreeMap<usize, RowResult> {
    let mut failed = BTreeMap::new();
    let outcome = match known(salesforce, campaigns).await {
        Ok(known) => create(salesforce, missing(campaigns, &known), &mut failed).await,
        Err(error) => Err(error),
    };
    if let Err(error) = outcome {
        for campaign in campaigns {
            failed.entry(campaign.row).or_insert_with(|| RowResult::Busy { code: error.code().to_owned() });
        }
    }
    failed
}

async fn known(salesforce: &Salesforce, campaigns: &[Campaign<'_>]) -> Result<Vec<Record>> {
    let select = "SELECT CampaignId, Label, SortOrder FROM CampaignMemberStatus";
    let ids: Vec<&str> = campaigns.iter().map(|campaign| campaign.id).collect();
    let mut found = Vec::new();
    for part in soql::fitting(&ids, select, |id| soql::literal(id) + ",") {
        let query = format!("{select} WHERE {}", soql::any_of("CampaignId", part.iter().copied()));
        found.append(&mut query_all(salesforce, &query, Deleted::Hidden).await?);
    }
    Ok(found)
}

fn missing(campaigns: &[Campaign<'_>], known: &[Record]) -> Vec<Missing> {
    let mut missing = Vec::new();
    for campaign in campaigns {
        let theirs: Vec<&Record> = known
            .iter()
            .filter(|status| wire::text(status, "CampaignId").is_some_and(|id| same_id(id, campaign.id)))
            .collect();
        let mut last = theirs.iter().filter_map(|status| status.get("SortOrder")?.as_i64()).max().unwrap_or(0);
        for label in campaign.labels {
            if theirs.iter().any(|status| wire::text(status, "Label").is_some_and(|known| same(known, label))) {
                continue;
            }
            last += 1;
            // "Sent" alone waits for a response; every other status tells of one.
            let record = json!({"attributes": {"type": "CampaignMemberStatus"}, "CampaignId": campaign.id,
                "Label": label, "SortOrder": last, "HasResponded": !same(label, "Sent")});
            missing.push(Missing { row: campaign.row, record });
        }
    }
    missing
}

/// Tells in `failed` of the campaigns whose statuses were refused.
async fn create(salesforce: &Salesforce, missing: Vec<Missing>, failed: &mut BTreeMap<usize, RowResult>) -> Result<()> {
    for part in missing.chunks(BATCH) {
        let records: Vec<&Json> = part.iter().map(|missing| &missing.record).collect();
        let body = json!({"allOrNone": false, "records": records});
        let call = Call::write(Method::POST, salesforce.url("composite/sobjects"), body);
        let answer = salesforce.send(salesforce.with_headers(call)).await?;
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
                    failed.insert(missing.row, RowResult::Refused(Refusal { code, message, fields }));
                }
                other => drop(failed.insert(missing.row, other)),
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
