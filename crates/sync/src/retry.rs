//! Doing again what a CRM refused, holds or has deleted.

use mittler_core::{
    ConnectionId, LinkId,
    job::{Lane, Task},
};
use mittler_store::{Clock, Result, Store, jobs::NewJob};

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
                tx.put_jobs(&[NewJob::new(job, Task::Push { connection }, Lane::Interactive, now, now)]).await?;
            }
            Ok(links)
        })
        .await
}
