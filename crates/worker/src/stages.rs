//! The spans of inputs that a job reads.

use std::collections::HashMap;

use mittler_store::{
    jobs::ClaimedJob,
    signals::Unread,
    stage,
    trace::{self, Stage},
};
use uuid::Uuid;

use crate::input::Input;

/// The code of an input that could not be processed.
pub(crate) const NOT_TAKEN: &str = "not_taken";

/// One stage of several inputs. Empty if nobody takes spans.
pub(crate) struct Enriching(HashMap<Uuid, Stage>);

impl Enriching {
    pub fn all(job: &ClaimedJob, unread: &[Unread]) -> Enriching {
        let unread = if trace::is_on() { unread } else { &[] };
        let each = unread.iter().map(|one| {
            let stage = stage!("enrich", job = %job.id, attempt = job.attempt, inputs = unread.len());
            (one.id, stage.of(&one.trace()))
        });
        Enriching(each.collect())
    }

    /// The derivation of records from what these inputs say, with what follows from them.
    pub fn deriving(inputs: &[&Input], records: usize) -> Enriching {
        let inputs = if trace::is_on() { inputs } else { &[] };
        let each = inputs
            .iter()
            .map(|input| (input.signal, stage!("derive", inputs = inputs.len(), records).of(&input.trace)));
        Enriching(each.collect())
    }

    /// What became of some of them, once that is durable.
    pub fn end(&mut self, ends: &[(Uuid, String)]) {
        for (signal, code) in ends {
            if let Some(stage) = self.0.remove(signal) {
                stage.end(code);
            }
        }
    }

    /// The rest of them ends the same way.
    pub fn end_all(&mut self, code: &str) {
        for (_, stage) in self.0.drain() {
            stage.end(code);
        }
    }
}
