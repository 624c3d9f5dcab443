//! Writing down how calls ended.

use std::sync::Arc;

use mittler_connector::{Error as CrmError, Key};
use mittler_core::{LinkId, mapping::Object};
use mittler_store::{
    Clock, Error as StoreError, Tx,
    intents::Intent,
    leases::{LockedLinks, Receipt},
    links::LinkState,
    reviews::NewReview,
};
use uuid::Uuid;

use crate::{
    pull::newcomers,
    push::{batch::Batch, item::Item, pusher::Run},
};

#[derive(Default)]
pub(super) struct Received {
    pub receipts: Vec<Receipt>,
    /// How each write ended.
    pub ended: Vec<Intent>,
    pub reviews: Vec<NewReview>,
    pub adopt: Vec<(Item, Key, String)>,
    /// Those whose record became another, and the CRM's word for it.
    pub follow: Vec<(Item, String)>,
    pub created: Vec<LinkId>,
    /// Companies that were made: their remote ids.
    pub companies: Vec<String>,
    /// Rows that came through.
    pub good: usize,
    /// Rows, or all of them, for which the CRM is not set up: the code and its words.
    pub closed: Option<(String, String)>,
    pub error: Option<CrmError>,
}

impl Batch {
    /// Receipts of a batch together; if the database refuses them - another link has a remote id
    /// already - each by itself, so that one cannot spoil the others.
    pub(super) async fn commit(&self, lease: Uuid, object: &Object, received: Received) -> Run<()> {
        let Received { receipts, ended, reviews, created, companies, .. } = received;
        let taken = |receipt: &Receipt| Receipt {
            remote_id: None,
            state: LinkState::Refused,
            code: Some("remote_taken".into()),
            reason: Some("another record of ours is already linked to this record of the CRM".into()),
            ..receipt.clone()
        };
        let end = |ended: Arc<Vec<Intent>>, receipts: Arc<Vec<Receipt>>| {
            let (clock, reviews, created) = (self.pusher.clock.clone(), reviews.clone(), created.clone());
            let (connection, remote_type, companies) = (self.connection.id, object.remote.clone(), companies.clone());
            self.pusher.store.write(async move |tx| {
                write_receipts(tx, &clock, lease, &receipts, &ended, &created).await?;
                tx.ask(&reviews).await?;
                newcomers::note(tx, (connection, &remote_type), &companies, clock.now()).await?;
                tx.end_lease(lease).await
            })
        };
        let (ended, receipts) = (Arc::new(ended), Arc::new(receipts));
        match end(Arc::clone(&ended), Arc::clone(&receipts)).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Statement(_)) => {}
            Err(error) => return Err(error.into()),
        }
        // The lease goes on until the last is written: what a process that ends here leaves is open.
        let mut rest = Arc::unwrap_or_clone(ended);
        for receipt in receipts.iter() {
            let own: Vec<Intent> = rest.extract_if(.., |end| end.link == receipt.id).collect();
            let one = |receipt: Receipt| {
                let (clock, own, created) = (self.pusher.clock.clone(), own.clone(), created.clone());
                self.pusher.store.write(async move |tx| {
                    write_receipts(tx, &clock, lease, std::slice::from_ref(&receipt), &own, &created).await
                })
            };
            match one(receipt.clone()).await {
                Ok(()) => {}
                Err(StoreError::Statement(_)) => one(taken(receipt)).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(end(Arc::new(rest), Arc::default()).await?)
    }
}

/// Writes receipts and the ends of writes under a lease. Whoever went without a record that is there now is
/// told of it.
async fn write_receipts(
    tx: &mut Tx,
    clock: &Clock,
    lease: Uuid,
    receipts: &[Receipt],
    ended: &[Intent],
    created: &[LinkId],
) -> mittler_store::Result<()> {
    let done = match tx.hold_lease(lease).await? {
        Some(holding) => {
            let done = tx.put_receipts(&holding, receipts).await?;
            tx.put_intents(&known(&holding, ended)).await?;
            done
        }
        // Taken over: the intents are open, and who has the links now looks first.
        None => Vec::new(),
    };
    let lost: Vec<Receipt> =
        receipts.iter().filter(|it| it.written_at > 0 && !done.contains(&LinkId(it.id))).cloned().collect();
    if !lost.is_empty() {
        crate::forget::enter_lost(tx, clock, &lost).await?;
    }
    let made: Vec<LinkId> = created.iter().copied().filter(|id| done.contains(id)).collect();
    if !made.is_empty() {
        tx.want_dependants(&made).await?;
    }
    Ok(())
}

/// The ends of the writes to links that are still there to be written to.
fn known(holding: &LockedLinks, ended: &[Intent]) -> Vec<Intent> {
    ended.iter().filter(|end| holding.has(LinkId(end.link))).cloned().collect()
}
