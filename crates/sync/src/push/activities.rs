//! Which activity of a person in the CRM is one that Mittler would write.

use mittler_connector::RemoteRecord;
use mittler_core::{
    Field, Kind, RemoteFields, RemoteSchema, Value,
    mapping::{Object, fit},
    value::clean,
};
use mittler_store::due::DueLink;

use crate::lift::shows;

/// Whether an activity is looked for in the CRM only in case that a database was lost which had told of it: that the
/// look takes too long is no reason to make none.
pub(super) fn is_sought_for_a_loss(link: &DueLink) -> bool {
    link.kind == Kind::Activity && link.open_intent.is_none()
}

/// What of an activity was told by a database that is not there any more: all that this one would tell. Whoever works
/// on it there has it as they want it, and hears of what changes from now on.
pub(super) fn told_before(
    object: &Object,
    schema: &RemoteSchema,
    link: &DueLink,
    record: &RemoteRecord,
) -> RemoteFields {
    let mut told = object.project(&link.fields).fields;
    fit(&mut told, schema);
    for (name, value) in &mut told.0 {
        if matches!(value, Some(Value::Ref(_))) {
            *value = record.fields.get(name).cloned();
        }
    }
    told
}

/// Days between which two tasks of the same words are due that may be one: the same fair's, told again, not last year's.
pub(super) const SAME_TASK_DAYS: i32 = 90;

/// How well the words of an activity there are those that we would write: 1 if they are the same, 2 if only the subject
/// of a task is - whoever works on a task writes into it.
pub(super) fn says_the_same(
    object: &Object,
    schema: &RemoteSchema,
    link: &DueLink,
    record: &RemoteRecord,
) -> Option<usize> {
    let mut ours = object.project(&link.fields).fields;
    fit(&mut ours, schema);
    let (mut subject, mut body) = (None, None);
    for name in ours.0.keys() {
        let text = |fields: &RemoteFields| fields.text(name).map(clean).filter(|text| !text.is_empty());
        let same = || text(&ours).map(|said| text(&record.fields).is_some_and(|theirs| theirs == said));
        match object.shows(name) {
            Some((field, _)) if field == Field::SUBJECT => subject = same(),
            Some((field, _)) if field == Field::BODY => body = same(),
            _ => {}
        }
    }
    let task = link.fields.text(&Field::ACTIVITY_TYPE) == Some("task");
    let due = |value: Option<&Value>| value.and_then(day);
    let theirs = shows(object, record, &Field::DUE);
    let apart = match (due(link.fields.value(&Field::DUE)), due(theirs.as_ref())) {
        (Some(ours), Some(theirs)) => (ours - theirs).get_days().abs(),
        _ => 0,
    };
    if apart > SAME_TASK_DAYS {
        return None;
    }
    match (subject, body) {
        (None | Some(true), Some(true)) | (Some(true), None) => Some(1),
        (Some(true), Some(false)) if task => Some(2),
        _ => None,
    }
}

pub(super) fn day(value: &Value) -> Option<jiff::civil::Date> {
    match value {
        Value::Date(date) => Some(*date),
        Value::Instant { at, .. } => Some(at.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date()),
        other => other.as_text()?.get(..10)?.parse().ok(),
    }
}
