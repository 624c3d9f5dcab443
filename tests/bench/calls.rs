//! Whether calls come in full batches: per type and operation, what was written against the calls that wrote it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::tables::Tables;

/// CRM, type and operation.
type What = (String, String, Operation);

/// Writes that came through.
pub type Written = BTreeMap<What, u64>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Creates and upserts.
    Create,
    Update,
    /// A pair: an association, an attendance.
    Pair,
}

/// What was written since then, from the service's own intents.
pub async fn written(database: &str, since_micros: i64) -> anyhow::Result<Written> {
    let mut tables = Tables::open(database).await?;
    let sql = format!(
        "SELECT c.crm, i.remote_type, i.operation, CAST(COUNT(*) AS TEXT) FROM intent i \
         JOIN connection c ON c.id = i.connection \
         WHERE i.begun_at >= {since_micros} AND i.outcome IN ('created', 'updated') \
         GROUP BY c.crm, i.remote_type, i.operation"
    );
    let rows = tables.texts(&sql).await?;
    tables.close().await;
    let mut written = Written::new();
    for row in rows {
        let [crm, remote_type, operation, count] = &row[..] else { continue };
        let (remote_type, pair) = match remote_type.as_str() {
            "contacts_to_companies" => ("contacts/companies", true),
            "attendance" => ("attendance", true),
            other => (other, false),
        };
        let operation = match operation.as_str() {
            _ if pair => Operation::Pair,
            "create" => Operation::Create,
            _ => Operation::Update,
        };
        *written.entry((crm.clone(), remote_type.to_owned(), operation)).or_default() += count.parse().unwrap_or(0);
    }
    Ok(written)
}

/// Most records of one call, as the vendors document it.
fn batch(crm: &str, remote_type: &str) -> u64 {
    match (crm, remote_type) {
        ("salesforce", _) => 200,
        (_, "contacts/companies") => 1_000,
        _ => 100,
    }
}

enum Sort {
    Batch(Operation),
    /// A write of one record: the vendor has no batch call for it, or what is written needs another one.
    Single,
    Read,
}

fn sort(kind: &str) -> Sort {
    match kind {
        "batch_create" | "batch_upsert" | "collections_create" | "collections_upsert" | "marketing_event_upsert" => {
            Sort::Batch(Operation::Create)
        }
        "batch_update" | "collections_update" => Sort::Batch(Operation::Update),
        "attendance" | "associations_batch_default" | "associations_batch_create" => Sort::Batch(Operation::Pair),
        "create"
        | "update"
        | "upsert"
        | "composite"
        | "marketing_event_create"
        | "marketing_event_update"
        | "associations_create" => Sort::Single,
        _ => Sort::Read,
    }
}

/// The table: `calls` has `kind type` to count for each CRM. Each line of batches says whether it is within
/// ceil(records / batch) + 1 calls.
pub fn table(calls: &Value, written: &Written) -> Value {
    let mut batched: BTreeMap<What, (u64, Map<String, Value>)> = BTreeMap::new();
    for key in written.keys() {
        batched.insert(key.clone(), Default::default());
    }
    let (mut single, mut reads) = (Vec::new(), BTreeMap::<String, Map<String, Value>>::new());
    for (crm, kinds) in calls.as_object().into_iter().flatten() {
        for (name, count) in kinds.as_object().into_iter().flatten() {
            let (kind, remote_type) = name.split_once(' ').unwrap_or((name, ""));
            // The vendor counts attendance as a call about its event.
            let remote_type = if kind == "attendance" { "attendance" } else { remote_type };
            match sort(kind) {
                Sort::Batch(operation) => {
                    let line = batched.entry((crm.clone(), remote_type.to_owned(), operation)).or_default();
                    line.0 += count.as_u64().unwrap_or(0);
                    line.1.insert(kind.to_owned(), count.clone());
                }
                Sort::Single => {
                    single.push(json!({"crm": crm, "type": remote_type, "call": kind, "calls": count}));
                }
                Sort::Read => {
                    reads.entry(format!("{crm} {remote_type}")).or_default().insert(kind.to_owned(), count.clone());
                }
            }
        }
    }
    let lines: Vec<Value> = batched
        .into_iter()
        .map(|((crm, remote_type, operation), (calls, kinds))| {
            let records = written.get(&(crm.clone(), remote_type.clone(), operation)).copied().unwrap_or(0);
            let batch = batch(&crm, &remote_type);
            let bound = records.div_ceil(batch) + 1;
            json!({
                "crm": crm, "type": remote_type, "operation": operation, "records": records, "calls": calls,
                "batch": batch, "bound": bound, "within": calls <= bound, "by": kinds,
            })
        })
        .collect();
    let within = lines.iter().all(|line| line["within"] == true);
    json!({"all_within": within, "batched_writes": lines, "writes_without_a_batch_call": single, "reads": reads})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_within_its_bound_up_to_one_call_more_than_full_batches_need() {
        let key = |kind: &str, operation| ("hubspot".to_owned(), kind.to_owned(), operation);
        let written = Written::from([
            (key("contacts", Operation::Create), 201),
            (key("contacts/companies", Operation::Pair), 1_000),
            (key("attendance", Operation::Pair), 100),
        ]);
        let calls = json!({"hubspot": {
            "batch_upsert contacts": 4, "associations_batch_default contacts/companies": 3,
            "attendance marketing_events": 2, "marketing_event_create marketing_events": 1, "batch_read contacts": 3,
        }});
        let table = table(&calls, &written);
        let of = |name: &str| {
            table["batched_writes"].as_array().unwrap().iter().find(|line| line["type"] == name).unwrap().clone()
        };
        assert_eq!((of("contacts")["bound"].as_u64(), of("contacts")["within"].as_bool()), (Some(4), Some(true)));
        assert_eq!(of("contacts/companies")["within"], false);
        assert_eq!((of("attendance")["calls"].as_u64(), of("attendance")["within"].as_bool()), (Some(2), Some(true)));
        assert_eq!(table["all_within"], false);
        assert_eq!(table["writes_without_a_batch_call"][0]["calls"], 1);
        assert_eq!(table["reads"]["hubspot contacts"]["batch_read"], 3);
    }
}
