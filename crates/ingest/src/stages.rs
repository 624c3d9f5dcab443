//! The first span of each input: from when it was at the door until it was durable.

use mittler_core::{
    SignalId,
    trace::{SignalTrace, TraceParent},
};
use mittler_store::{
    Accepted,
    signals::NewSignal,
    stage,
    trace::{self, Stage},
};
use uuid::Uuid;

/// Inputs that are about to be stored. Empty if nobody takes spans.
pub(super) struct Accepting(Vec<(Uuid, Stage)>);

impl Accepting {
    pub fn all(signals: &[NewSignal]) -> Accepting {
        let signals = if trace::is_on() { signals } else { &[] };
        Accepting(signals.iter().map(|signal| (signal.id, stage!("accept", run = %signal.run))).collect())
    }

    /// `accepted`: what became of each, in order. What was known before has a trace already; only a caller's own
    /// trace is told that it came again.
    pub fn end(self, accepted: &[Accepted], parent: Option<TraceParent>) {
        for ((_, stage), accepted) in self.0.into_iter().zip(accepted) {
            let trace = SignalTrace { signal: accepted.id, parent };
            match (accepted.known, parent) {
                (false, _) => stage.first(&trace).end("accepted"),
                (true, Some(_)) => stage.again(&trace).end("known"),
                (true, None) => {}
            }
        }
    }

    /// The same, where only the ids of the new ones are known.
    pub fn end_new(self, new: &std::collections::HashSet<Uuid>, parent: Option<TraceParent>) {
        for (id, stage) in self.0.into_iter().filter(|(id, _)| new.contains(id)) {
            stage.first(&SignalTrace { signal: SignalId(id), parent }).end("accepted");
        }
    }
}
