//! What an answer tells of the writes of a batch, and one outcome for each of them.

use std::collections::BTreeMap;

use mittler_connector::{
    Error, Outcome, Refusal, Result, RowResult, Write,
    http::{Answer, Call},
};
use uuid::Uuid;

use crate::{
    errors,
    wire::{self, Batch},
};

/// The answer to a write.
pub enum Answered<T> {
    Rows(Batch<T>),
    /// A batch of one that was refused, with what that says of its record.
    Lone(Vec<Outcome>),
}

/// Reads the answer to a write; what is no success is an error, but for a batch of one.
pub fn read_write<T: serde::de::DeserializeOwned>(
    call: &Call,
    answer: &Answer,
    batch: &[Write],
    creating: bool,
) -> Result<Answered<T>> {
    if answer.status.is_success() {
        return wire::parse(answer).map(Answered::Rows).ok_or_else(|| errors::unreadable(call));
    }
    match (batch, errors::lone(answer, creating)) {
        ([only], Some(result)) => Ok(Answered::Lone(vec![Outcome { tag: only.tag(), result }])),
        _ => Err(errors::failed(call, answer)),
    }
}

/// What an answer told of the writes so far.
#[derive(Debug, Default)]
pub struct Outcomes {
    outcomes: BTreeMap<Uuid, RowResult>,
    /// Results and errors that name no write.
    loose: Vec<RowResult>,
}

impl Outcomes {
    pub fn tell(&mut self, tag: Uuid, result: RowResult) {
        self.outcomes.insert(tag, result);
    }

    pub fn add(&mut self, tags: Vec<Uuid>, result: RowResult) {
        if tags.is_empty() {
            self.loose.push(result);
            return;
        }
        self.outcomes.extend(tags.into_iter().map(|tag| (tag, result.clone())));
    }

    pub fn knows(&self, tag: Uuid) -> bool {
        self.outcomes.contains_key(&tag)
    }

    /// Whether every result and error so far named its write.
    pub fn names_all(&self) -> bool {
        self.loose.is_empty()
    }

    /// One outcome per write. A write that nothing was told of may have been done.
    pub fn in_order(mut self, batch: &[Write]) -> Result<Vec<Outcome>> {
        let mut outcome = |write: &Write| {
            let result = self.outcomes.remove(&write.tag());
            let result = result.ok_or_else(|| Error::Unknown { code: "missing_outcome".into() })?;
            Ok(Outcome { tag: write.tag(), result })
        };
        batch.iter().map(&mut outcome).collect()
    }
}

/// One outcome per write, where what names no write is given to the writes that nothing else
/// names - if there is only one way to do that.
pub fn settle(mut told: Outcomes, batch: &[Write]) -> Result<Vec<Outcome>> {
    let open: Vec<Uuid> = batch.iter().map(Write::tag).filter(|tag| !told.knows(*tag)).collect();
    let loose = std::mem::take(&mut told.loose);
    let one = open.len() == 1;
    let alike = loose.iter().all(|result| *result == loose[0] && is_refusal(result));
    if open.len() == loose.len() && (one || alike) {
        for (tag, result) in open.into_iter().zip(loose) {
            told.tell(tag, result);
        }
    }
    told.in_order(batch)
}

fn is_refusal(result: &RowResult) -> bool {
    matches!(result, RowResult::Refused(_) | RowResult::Misconfigured { .. })
}

/// A batch that is refused before anything is sent.
pub fn local(code: &str) -> Error {
    Error::BatchRefused { code: code.to_owned(), message: String::new(), fields: Vec::new() }
}

/// A write that is refused before anything is sent.
pub fn refused(code: &str, message: &str, fields: &[&str]) -> RowResult {
    RowResult::Refused(refusal(code, message, fields))
}

pub fn refusal(code: &str, message: &str, fields: &[&str]) -> Refusal {
    Refusal {
        code: code.to_owned(),
        message: message.to_owned(),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use mittler_core::RemoteFields;

    use super::*;

    pub(crate) fn create(tag: u128, own_key: &str) -> Write {
        Write::Create {
            tag: Uuid::from_u128(tag),
            own_key: own_key.into(),
            fields: RemoteFields::default(),
            allow_duplicate: false,
        }
    }

    fn written(id: &str) -> RowResult {
        RowResult::Written { id: id.into(), created: true, shown: None }
    }

    fn unknown<T>() -> Result<T> {
        Err(Error::Unknown { code: "missing_outcome".into() })
    }

    #[test]
    fn outcomes_come_in_the_order_of_the_batch() {
        let batch = [create(1, "a"), create(2, "b")];
        let mut told = Outcomes::default();
        told.tell(Uuid::from_u128(2), written("20"));
        told.tell(Uuid::from_u128(1), written("10"));
        let outcomes = settle(told, &batch).unwrap();
        assert_eq!(
            outcomes.iter().map(|outcome| outcome.result.clone()).collect::<Vec<_>>(),
            [written("10"), written("20")]
        );
    }

    #[test]
    fn a_write_that_nothing_was_told_of_makes_the_call_unknown() {
        let batch = [create(1, "a"), create(2, "b")];
        let mut told = Outcomes::default();
        told.tell(Uuid::from_u128(1), written("10"));
        assert_eq!(settle(told, &batch), unknown());
    }

    #[test]
    fn the_last_open_write_gets_the_last_open_result() {
        let batch = [create(1, "a"), create(2, "b")];
        let mut told = Outcomes::default();
        told.tell(Uuid::from_u128(1), written("10"));
        told.add(vec![], refused("INVALID_EMAIL", "", &["email"]));
        assert_eq!(settle(told, &batch).unwrap()[1].result, refused("INVALID_EMAIL", "", &["email"]));
    }

    #[test]
    fn open_results_are_not_given_away_at_a_guess() {
        let batch = [create(1, "a"), create(2, "b")];
        let mut told = Outcomes::default();
        told.add(vec![], written("10"));
        told.add(vec![], written("20"));
        assert_eq!(settle(told, &batch), unknown());
    }
}
