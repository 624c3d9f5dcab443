//! What is about somebody: its ids, which depend on what it connects, so that the next input finds it, and
//! the references in it.

use mittler_core::{Field, Kind, RecordId, Said, Value};
use mittler_enrich::Fair;
use mittler_store::{derived_id, derived_near};

use crate::input::Input;

pub fn fair_id(fair: &Fair) -> RecordId {
    RecordId(derived_id(&[b"fair", fair.scope().as_bytes()]))
}

pub fn participation_id(person: RecordId, fair: RecordId) -> RecordId {
    about_person(person, Kind::Participation, &[b"participation", person.0.as_bytes(), fair.0.as_bytes()])
}

pub fn task_id(participation: RecordId) -> RecordId {
    about_person(participation, Kind::Activity, &[b"task", participation.0.as_bytes()])
}

pub fn association_id(person: RecordId, organisation: RecordId) -> RecordId {
    about_person(person, Kind::Association, &[b"association", person.0.as_bytes(), organisation.0.as_bytes()])
}

pub fn mail_id(person: RecordId, input: &Input) -> RecordId {
    let message = input.reply.as_ref().and_then(|reply| reply.message_id.as_deref());
    mail_of(person, message.map_or(&input.signal.as_bytes()[..], str::as_bytes))
}

/// `known_by`: its message id, or else the input that it came with.
pub fn mail_of(person: RecordId, known_by: &[u8]) -> RecordId {
    about_person(person, Kind::Activity, &[b"mail", person.0.as_bytes(), known_by])
}

/// The id of what is about somebody, beside theirs.
pub fn about_person(person: RecordId, kind: Kind, parts: &[&[u8]]) -> RecordId {
    RecordId(derived_near(person.0, class(kind), parts))
}

/// Where records of a kind lie among those of their millisecond.
pub fn class(kind: Kind) -> u8 {
    u8::try_from(kind.stage()).unwrap_or(u8::MAX)
}

pub fn reference(field: Field, record: RecordId) -> Said {
    Said::new(field, Value::Ref(record), "import")
}
