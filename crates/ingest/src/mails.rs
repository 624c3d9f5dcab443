//! Reply mails: one message, or a mailbox file.

use bytes::Bytes;
use mittler_core::RunId;
use mittler_intake::{Problem, mail};
use tokio_util::sync::CancellationToken;

use super::{Imported, Ingest, IngestError, LeadParams, list::Repeats};
use mittler_store::runs::RunState;

impl Ingest {
    /// Takes mails in, each as an input of its own.
    pub async fn mails(&self, bytes: Bytes, params: &LeadParams) -> Result<Imported, IngestError> {
        let params = params.checked()?;
        let mails = mail::split_mbox(&bytes);
        if mails.is_empty() {
            return Err(Problem::new("empty", "there is no mail in it").into());
        }
        let scope = params.scope();
        if !bytes.trim_ascii_start().starts_with(b"From ") {
            return self.one_mail(&bytes, &params, &scope).await;
        }
        let run = RunId(self.keyed("mailbox", [scope.as_slice(), &bytes]));
        let (label, run_params, now) = (params.source.clone(), params.run_params().to_json(), self.clock.now());
        self.store
            .write(async move |tx| tx.put_run(run, "mails", &label, &run_params, RunState::Receiving, now).await)
            .await?;
        let each = || mails.iter().map(|place| mail::unstuff(bytes.get(place.clone()).unwrap_or_default()));
        let total = mails.len() as u64;
        let repeated = Repeats::among(each(), total, &CancellationToken::new())?.count;
        let signals =
            each().zip(1..).map(|(mail, place)| self.signal(run, "mail", place, &[&scope], mail.into_owned()));
        self.take_rows(run, (total, repeated), signals, |_, _| ()).await
    }

    async fn one_mail(&self, bytes: &Bytes, params: &LeadParams, scope: &[u8]) -> Result<Imported, IngestError> {
        mail::read(bytes)?;
        let run = self.run_of_today("mails", params).await?;
        let signal = self.signal(run, "mail", 1, &[scope], bytes.to_vec());
        let accepted = self.accept(signal).await?;
        let known = u64::from(accepted.known);
        let taken = (!accepted.known).then_some(accepted.id.0).into_iter().collect();
        Ok(Imported { run, rows: 1, new: 1 - known, known, repeated: 0, taken })
    }
}
