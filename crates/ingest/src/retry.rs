//! Reading refused rows again, after the meaning of their columns was corrected.

use std::collections::BTreeMap;

use mittler_core::{RunId, SignalId, job::Lane};
use mittler_enrich::RunParams;
use mittler_intake::LeadField;
use serde_json::Value;
use uuid::Uuid;

use super::{Ingest, IngestError, InvalidParam, ROWS, read_jobs};
use mittler_store::runs::RunState;

impl Ingest {
    /// Reads what was refused of an import again. `columns` says what columns really mean, by
    /// header. Gives the number of rows that are read again.
    ///
    /// # Errors
    /// If there is no such import, or it has no column of that name.
    pub async fn retry_import(
        &self,
        run: RunId,
        columns: &BTreeMap<String, Option<LeadField>>,
    ) -> Result<u64, IngestError> {
        let known = self.store.run(run).await?.ok_or(IngestError::NoRun)?;
        let params = corrected(known.params.0, columns)?;
        let mut refused: Vec<Uuid> = Vec::new();
        let mut after = (i64::MIN, Uuid::nil());
        loop {
            let page = self.store.run_lines(run, true, after, 1_000).await?;
            let Some(last) = page.last() else { break };
            after = (last.line, last.id);
            refused.extend(page.iter().map(|line| line.id));
        }
        let (clock, now, state) = (self.clock.clone(), self.clock.now(), known.state);
        let again = self
            .store
            .write(async move |tx| {
                tx.set_run_params(run, &params).await?;
                let mut again = 0;
                for ids in refused.chunks(ROWS) {
                    again += tx.reopen_signals(ids).await?;
                }
                let signals: Vec<SignalId> = refused.into_iter().map(SignalId).collect();
                tx.put_jobs(&read_jobs(&clock, &signals, Lane::Interactive)).await?;
                if state == RunState::Done {
                    tx.set_run_state(run, RunState::Reading, None).await?;
                    tx.finish_runs(now).await?;
                }
                Ok(again)
            })
            .await?;
        (self.wake)();
        Ok(again)
    }
}

/// The parameters, with what columns really mean.
fn corrected(kept: Value, columns: &BTreeMap<String, Option<LeadField>>) -> Result<Value, IngestError> {
    if columns.is_empty() {
        return Ok(kept);
    }
    let missing = InvalidParam { name: "columns", reason: "the import has no column of that name" };
    let mut params = RunParams::of_json(&kept).ok_or_else(|| missing.clone())?;
    let layout = params.layout.as_mut().ok_or_else(|| missing.clone())?;
    for (header, meaning) in columns {
        let mut found = false;
        for column in layout.columns.iter_mut().filter(|column| column.header == *header) {
            column.meaning = *meaning;
            found = true;
        }
        if !found {
            return Err(missing.into());
        }
    }
    Ok(params.to_json())
}
