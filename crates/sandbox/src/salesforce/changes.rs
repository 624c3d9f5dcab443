//! Which records changed or went away in a span of time.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::failure::Failure;
use super::org::Org;
use super::tables::Row;
use super::values;

const DAY: i64 = 24 * 3600;

struct Span {
    start: Timestamp,
    end: Timestamp,
}

impl Span {
    fn holds(&self, row: &Row) -> bool {
        let time = values::parse_datetime(row.text("SystemModstamp"));
        time.is_some_and(|time| self.start <= time && time < self.end)
    }
}

/// Reads `start` and `end`; seconds are ignored, and the span is longer than a minute.
fn span(org: &Org, call: &Call, days: i64) -> Result<Span, Failure> {
    let invalid = |message: &str| Failure::new(400, "INVALID_REPLICATION_DATE", message);
    // A `+` that a client forgot to encode arrives as a blank.
    let read = |name| call.param(name).and_then(|text| values::parse_datetime(&text.replace(' ', "+")));
    let (Some(start), Some(end)) = (read("start"), read("end")) else {
        return Err(invalid("startDate and endDate are required datetimes"));
    };
    let whole_minute = |time: Timestamp| values::plus_seconds(time, -time.as_second().rem_euclid(60));
    let (start, end) = (whole_minute(start), whole_minute(end));
    if end.as_second() - start.as_second() < 60 {
        return Err(invalid("endDate must be at least one minute greater than startDate"));
    }
    if start < values::plus_seconds(org.clock.now(), -days * DAY) {
        return Err(invalid("startDate before org replication enabled date"));
    }
    Ok(Span { start, end })
}

fn covered(org: &Org, span: &Span) -> String {
    values::datetime(span.end.min(org.clock.now()))
}

pub fn updated(org: &Org, call: &Call, object: &str) -> Result<Reply, Failure> {
    let object = org.object(object)?;
    let span = span(org, call, 30)?;
    let ids: Vec<&String> = org
        .tables
        .living(&object.name)
        .filter(|(id, row)| span.holds(row) && !org.hidden.contains(*id))
        .map(|(id, _)| id)
        .collect();
    Ok(Reply::ok(json!({"ids": ids, "latestDateCovered": covered(org, &span)})))
}

pub fn deleted(org: &Org, call: &Call, object: &str) -> Result<Reply, Failure> {
    let object = org.object(object)?;
    let span = span(org, call, 15)?;
    let gone = org.tables.rows(&object.name).filter(|(_, row)| row.is_deleted() && span.holds(row));
    let records: Value = gone.map(|(id, row)| json!({"id": id, "deletedDate": row.get("SystemModstamp")})).collect();
    let earliest = values::plus_seconds(org.clock.now(), -15 * DAY);
    Ok(Reply::ok(json!({
        "deletedRecords": records,
        "earliestDateAvailable": values::datetime(earliest),
        "latestDateCovered": covered(org, &span),
    })))
}
