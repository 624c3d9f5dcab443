//! The spans of links on their way to a CRM: what was planned, what was called, what was written down.

use std::collections::HashMap;

use mittler_connector::RowResult;
use mittler_store::{due::DueLink, stage, trace::Stage};
use uuid::Uuid;

use crate::{
    connections::Connection,
    push::item::{Item, Planned, Written},
};

/// One stage of several links, of those whose trace is known.
#[derive(Default)]
pub(super) struct Stages(HashMap<Uuid, Stage>);

impl Stages {
    pub fn plan(connection: &Connection, due: &[DueLink]) -> Stages {
        let begin = |link: &DueLink| {
            let trace = link.trace.as_deref()?;
            let stage = stage!("plan", connection = connection.name, object = link.remote_type, link = %link.id,
                record = %link.record, attempt = link.attempt);
            Some((link.id.0, stage.of(trace)))
        };
        Stages(due.iter().filter_map(begin).collect())
    }

    pub fn call(connection: &Connection, remote_type: &str, items: &[Item]) -> Stages {
        let begin = |item: &Item| {
            let trace = item.link.trace.as_deref()?;
            let stage = stage!("call", connection = connection.name, object = remote_type, link = %item.link.id,
                record = %item.link.record, intent = %item.intent, operation = operation(item), together = items.len());
            Some((item.link.id.0, stage.of(trace)))
        };
        Stages(items.iter().filter_map(begin).collect())
    }

    pub fn receipt(connection: &Connection, remote_type: &str, written: &[(Item, Written)]) -> Stages {
        let begin = |(item, _): &(Item, Written)| {
            let trace = item.link.trace.as_deref()?;
            let stage = stage!("receipt", connection = connection.name, object = remote_type, link = %item.link.id,
                record = %item.link.record, intent = %item.intent);
            Some((item.link.id.0, stage.of(trace)))
        };
        Stages(written.iter().filter_map(begin).collect())
    }

    pub fn end(&mut self, link: Uuid, code: &str) {
        if let Some(stage) = self.0.remove(&link) {
            stage.end(code);
        }
    }

    /// Of those that were planned; the others were settled before.
    pub fn end_planned(&mut self, planned: &[Planned]) {
        if self.0.is_empty() {
            return;
        }
        for one in planned {
            match one {
                Planned::Write(item) => self.end(item.link.id.0, operation(item)),
                Planned::Settle(receipt, _) => self.end(receipt.id, receipt.code.as_deref().unwrap_or("unchanged")),
                Planned::Wait(link, _, code) => self.end(link.id.0, code),
            }
        }
    }

    /// What the CRM answered, or that it did not.
    pub fn end_called(&mut self, written: &[(Item, Written)]) {
        if self.0.is_empty() {
            return;
        }
        for (item, written) in written {
            self.end(item.link.id.0, answer(written));
        }
    }
}

fn operation(item: &Item) -> &'static str {
    match (item.archives(), item.creates) {
        (true, _) => "archive",
        (false, true) => "create",
        (false, false) => "update",
    }
}

fn answer(written: &Written) -> &str {
    match written {
        Written::Row(RowResult::Written { created: true, .. }) => "created",
        Written::Row(RowResult::Written { created: false, .. }) => "written",
        Written::Row(RowResult::Refused(refusal)) => &refusal.code,
        Written::Row(
            RowResult::Exists { code, .. }
            | RowResult::Candidates { code, .. }
            | RowResult::Gone { code, .. }
            | RowResult::Busy { code }
            | RowResult::Misconfigured { code, .. },
        )
        | Written::Unknown(code) => code,
        Written::NotBegun => "not_begun",
        Written::Nothing(error) => error.code(),
    }
}
