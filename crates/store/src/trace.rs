//! Spans of the way of a signal, for whoever asks for them.
//!
//! **Invariant:** a span carries ids, codes and names of the configuration, nothing of what anybody said.

use std::collections::HashMap;

use mittler_core::{
    RecordId, SignalId,
    trace::{SignalTrace, TraceParent},
};
use sqlx::FromRow;
use tracing::{Level, Span, field::display};
use uuid::Uuid;

use crate::{Result, Store, id_rows};

/// The target of all spans: whoever takes it takes nothing else.
pub const TARGET: &str = "mittler::trace";

/// The fields that say where a span belongs: its trace, its own id if that is known beforehand, and the span above it.
pub const TRACE: &str = "trace";
pub const SPAN: &str = "span";
pub const UNDER: &str = "under";

/// Whether anybody takes spans. Nothing is read for those that nobody takes.
pub fn is_on() -> bool {
    tracing::enabled!(target: TARGET, Level::INFO)
}

/// One stage of a signal's way, from when it is made until it is dropped.
#[derive(Debug)]
pub struct Stage(Span);

/// Begins a stage: its name, and the ids that are known.
#[macro_export]
macro_rules! stage {
    ($name:literal, $($fields:tt)*) => {
        $crate::trace::Stage::from(tracing::info_span!(
            target: $crate::trace::TARGET,
            parent: None,
            $name,
            trace = tracing::field::Empty,
            span = tracing::field::Empty,
            under = tracing::field::Empty,
            signal = tracing::field::Empty,
            code = tracing::field::Empty,
            $($fields)*
        ))
    };
}

impl From<Span> for Stage {
    fn from(span: Span) -> Stage {
        Stage(span)
    }
}

impl Stage {
    /// Whose stage it is. One of which that is never said is told to nobody.
    #[must_use]
    pub fn of(self, trace: &SignalTrace) -> Stage {
        self.0.record(TRACE, trace.id()).record(UNDER, trace.first_span());
        self.0.record("signal", display(trace.signal));
        self
    }

    /// The first stage of a signal, under which all others are.
    #[must_use]
    pub fn first(self, trace: &SignalTrace) -> Stage {
        self.0.record(TRACE, trace.id()).record(SPAN, trace.first_span());
        if let Some(parent) = trace.parent {
            self.0.record(UNDER, parent.span);
        }
        self.0.record("signal", display(trace.signal));
        self
    }

    /// An input that came again, in the trace of whoever brought it now.
    #[must_use]
    pub fn again(self, trace: &SignalTrace) -> Stage {
        if let Some(parent) = trace.parent {
            self.0.record(TRACE, parent.trace).record(UNDER, parent.span);
        }
        self.0.record("signal", display(trace.signal));
        self
    }

    pub fn end(self, code: &str) {
        self.0.record("code", code);
    }
}

#[derive(FromRow)]
struct TraceRow {
    record: Uuid,
    signal: Uuid,
    trace: Option<String>,
}

/// The trace of a signal, with what is stored of its caller's.
pub(crate) fn of(signal: Uuid, stored: Option<&str>) -> SignalTrace {
    SignalTrace { signal: SignalId(signal), parent: stored.and_then(TraceParent::parse) }
}

impl Store {
    /// The traces of the inputs that said something of each record last.
    pub async fn traces_of(
        &self,
        records: impl IntoIterator<Item = RecordId>,
    ) -> Result<HashMap<RecordId, SignalTrace>> {
        let records = id_rows(records.into_iter().map(|record| record.0));
        let rows = rows_all!(self, TraceRow, &records => (id uuid),
            "SELECT last.record, g.id AS signal, g.trace FROM
             (SELECT r.id AS record, (SELECT s.signal FROM statement s JOIN signal known ON known.id = s.signal
                                      WHERE s.record = r.id ORDER BY s.signal DESC LIMIT 1) AS signal FROM",
            ") AS last JOIN signal g ON g.id = last.signal")?;
        Ok(rows.into_iter().map(|row| (RecordId(row.record), of(row.signal, row.trace.as_deref()))).collect())
    }
}
