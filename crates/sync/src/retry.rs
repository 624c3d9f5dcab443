//! Doing again what a CRM refused, holds or has deleted.

use mittler_core::{ConnectionId, LinkId, RecordId};
use mittler_store::{Clock, Result, Store, Tx, connections::Lifted};

/// What a retry did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retried {
    /// Links that were refused, held or lost, and are planned anew.
    pub links: u64,
    /// What held the connection up, and does no longer.
    pub lifted: Lifted,
}

/// Makes due whatever of a connection was refused, held or lost, and lifts what holds it up. Running processes hear
/// of it within a second, and forget what they knew of its CRM.
///
/// # Errors
/// If the database does not answer.
pub async fn retry_connection(store: &Store, clock: &Clock, connection: ConnectionId) -> Result<Retried> {
    let now = clock.now();
    // Two transactions: each locks its links in their order.
    let lifted = store.write(async move |tx| tx.lift_pause(connection, now).await).await?;
    let links = store
        .write(async move |tx| {
            tx.wake_pushers([connection]);
            tx.retry_links(connection, None).await
        })
        .await?;
    Ok(Retried { links, lifted })
}

/// Makes one link due that was refused, held or lost; gives whether it was.
///
/// # Errors
/// If the database does not answer.
pub async fn retry_link(store: &Store, connection: ConnectionId, link: LinkId) -> Result<bool> {
    store
        .write(async move |tx| {
            tx.wake_pushers([connection]);
            Ok(tx.retry_links(connection, Some(link)).await? > 0)
        })
        .await
}

/// Makes due what was held of these records for one reason.
///
/// # Errors
/// If the database does not answer.
pub async fn want_held(tx: &mut Tx, records: &[RecordId], code: &str) -> Result<()> {
    let held = tx.want_held(records, code).await?;
    tx.wake_pushers(held);
    Ok(())
}
