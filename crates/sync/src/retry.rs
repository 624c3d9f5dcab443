//! Doing again what a CRM refused, holds or has deleted.

use mittler_core::{ConnectionId, LinkId, RecordId, job::Lane};
use mittler_store::{Clock, Result, Store, Tx, connections::Lifted, jobs::NewJob};

/// What a retry did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retried {
    /// Links that were refused, held or lost, and are planned anew.
    pub links: u64,
    /// What held the connection up, and does no longer.
    pub lifted: Lifted,
}

/// Makes due whatever of a connection was refused, held or lost, lifts what holds it up, and makes the job that
/// tries it. Running processes hear of it with their next job of the connection, and forget what they knew of
/// its CRM.
///
/// # Errors
/// If the database does not answer.
pub async fn retry_connection(store: &Store, clock: &Clock, connection: ConnectionId) -> Result<Retried> {
    let now = clock.now();
    // Two transactions: each locks its links in their order.
    let lifted = store.write(async move |tx| tx.lift_pause(connection, now).await).await?;
    let job = clock.id();
    let links = store
        .write(async move |tx| {
            let links = tx.retry_links(connection, None).await?;
            tx.put_jobs(&[NewJob::push(job, connection, Lane::Interactive, now)]).await?;
            Ok(links)
        })
        .await?;
    Ok(Retried { links, lifted })
}

/// Makes one link due that was refused, held or lost, together with the job that writes it; gives whether it was.
///
/// # Errors
/// If the database does not answer.
pub async fn retry_link(store: &Store, clock: &Clock, connection: ConnectionId, link: LinkId) -> Result<bool> {
    let (now, job) = (clock.now(), clock.id());
    store
        .write(async move |tx| {
            let links = tx.retry_links(connection, Some(link)).await?;
            if links > 0 {
                tx.put_jobs(&[NewJob::push(job, connection, Lane::Interactive, now)]).await?;
            }
            Ok(links > 0)
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
