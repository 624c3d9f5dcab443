//! Doing again what a CRM refused, holds or has deleted.

use mittler_core::{ConnectionId, LinkId, RecordId, job::Lane};
use mittler_store::{Clock, Result, Store, Tx, jobs::NewJob};

/// Makes all such links of a connection due, or one, together with the job that writes them; gives
/// their number.
///
/// # Errors
/// If the database does not answer.
pub async fn retry(store: &Store, clock: &Clock, connection: ConnectionId, link: Option<LinkId>) -> Result<u64> {
    let (now, job) = (clock.now(), clock.id());
    store
        .write(async move |tx| {
            let links = tx.retry_links(connection, link).await?;
            if links > 0 {
                tx.put_jobs(&[NewJob::push(job, connection, Lane::Interactive, now)]).await?;
            }
            Ok(links)
        })
        .await
}

/// Makes due what was held of these records for one reason, together with the jobs that write it.
///
/// # Errors
/// If the database does not answer.
pub async fn want_held(tx: &mut Tx, clock: &Clock, records: &[RecordId], code: &str, lane: Lane) -> Result<()> {
    let (now, held) = (clock.now(), tx.want_held(records, code).await?);
    let pushes = held.into_iter().map(|connection| NewJob::push(clock.id(), connection, lane, now));
    tx.put_jobs(&pushes.collect::<Vec<_>>()).await
}
