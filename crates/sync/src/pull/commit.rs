//! Writing down what was read, with the cursor and the jobs that follow from it.

use std::{collections::BTreeSet, sync::Arc};

use mittler_connector::Cursor;
use mittler_core::{LinkId, RecordId, Statement, job::Lane};
use mittler_store::{
    jobs::NewJob,
    links::{Shown, link_id},
    moved::Moved,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    connections::Connection,
    gone::ask_gone,
    guard::{self, ABSENT},
    pull::{moved::move_all, newcomers, taking::Taking},
    push::pusher::{Pusher, Stopped},
    restate::{links_of, restate},
};

impl Pusher {
    /// Writes down what was read, with the cursor and the jobs that follow from it.
    pub(super) async fn write_down(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        taking: Taking,
        weight: usize,
        cursor: Option<Cursor>,
    ) -> Result<usize, Stopped> {
        let (id, remote_type, now) = (connection.id, remote_type.to_owned(), self.clock.now());
        let lag = connection.connector.profile().visibility_lag;
        let (overrides, connections) = (Arc::clone(&self.overrides), self.connections.all());
        let (clock, guards) = (self.clock.clone(), self.guards);
        let taking = Arc::new(taking);
        let claimed = self
            .store
            .write(async move |tx| {
                // Records before links, as everywhere.
                let records: BTreeSet<RecordId> = taking.statements.iter().map(|(_, record, _)| *record).collect();
                if !records.is_empty() {
                    tx.lock_records(&records.into_iter().collect::<Vec<_>>()).await?;
                }
                // All in one order, before any of them is written.
                let rows: Vec<Moved> = taking.moved.iter().map(|it| it.to.clone()).collect();
                let mut links: BTreeSet<Uuid> = tx.links_around(&rows).await?.into_iter().collect();
                let companies = taking.moved.iter().filter_map(|it| it.company);
                links.extend(companies.map(|company| link_id(id, company).0));
                links.extend(taking.shown.iter().map(|shown| shown.id));
                links.extend(taking.revived.iter().map(|(link, _)| link.0));
                links.extend(taking.gone.iter().map(|(link, _)| link.id));
                links.extend(taking.absent.iter().map(|link| link.id));
                let said = taking.statements.iter().map(|(_, record, _)| *record);
                links.extend(said.flat_map(|record| connections.iter().map(move |c| link_id(c.id, record).0)));
                tx.lock_links(&links.into_iter().collect::<Vec<_>>()).await?;
                let place = (id, remote_type.as_str());
                let doubted = guards.doubt(tx, place, &taking.changed(), weight, now).await?;
                let shown: Vec<Shown> =
                    taking.shown.iter().filter(|shown| !doubted.contains(&shown.id)).cloned().collect();
                let mut noted: BTreeSet<Uuid> = tx.put_shown(&shown).await?.into_iter().map(|link| link.0).collect();
                let moved = move_all(tx, &taking.moved, id, now).await?;
                noted.extend(&moved.done);
                let revived: Vec<_> = taking.revived.iter().filter(|(link, _)| !doubted.contains(&link.0)).collect();
                tx.revive_links(&revived.iter().map(|(link, _)| *link).collect::<Vec<_>>()).await?;
                for (_, record) in &revived {
                    // Who was asked what to do about the deletion has no more to say.
                    let restored = json!({ "answer": "restored_there" });
                    tx.answer_all(*record, id, "deleted_there", &restored, now).await?;
                }
                let mut reviews = moved.reviews;
                tx.mark_suspect(&taking.newly_absent(), ABSENT, now).await?;
                let gone = guards.lose(tx, place, taking.surely_gone(now), now).await?;
                tx.mark_gone(&moved.taken).await?;
                if !revived.is_empty() {
                    guard::end_restored(tx, &clock, id, &remote_type).await?;
                }
                reviews.extend(gone.iter().filter_map(|(link, code)| ask_gone(link, code, &remote_type, id, now)));
                tx.ask(&reviews).await?;
                // A read that a write overtook says nothing; it is done again.
                let mut later = taking.later.clone();
                later.extend(moved.later);
                let stale = shown.iter().filter(|shown| !noted.contains(&shown.id));
                let stale: Vec<LinkId> = stale.map(|shown| LinkId(shown.id)).collect();
                later.extend(tx.remote_ids(&stale).await?);
                let said: Vec<(RecordId, Statement)> = taking
                    .statements
                    .iter()
                    .filter(|(link, _, _)| noted.contains(link) && !taking.put_back.contains(link))
                    .map(|(_, record, statement)| (*record, statement.clone()))
                    .collect();
                let changed = restate(tx, &said, &overrides, now).await?;
                let mut links = Vec::new();
                for record in &changed {
                    links.extend(links_of(&connections, record, Lane::Scheduled, now));
                }
                let again: Vec<LinkId> =
                    taking.again.iter().filter(|id| noted.contains(*id)).copied().map(LinkId).collect();
                let contested = taking.contested.iter().filter(|(link, ..)| noted.contains(&link.0));
                let contested =
                    contested.map(|(link, name, held, review)| ((*link, name.clone(), held.clone()), review.clone()));
                let (holds, asked): (Vec<_>, Vec<_>) = contested.unzip();
                // A lead became a contact of a company that the CRM did not have before, perhaps.
                let done = taking.moved.iter().filter(|it| moved.done.contains(&it.to.id));
                let companies: BTreeSet<LinkId> =
                    done.filter_map(|it| it.company).map(|company| link_id(id, company)).collect();
                if !companies.is_empty() {
                    tx.want_unlinked(&companies.into_iter().collect::<Vec<_>>()).await?;
                }
                tx.hold_fields(&holds).await?;
                tx.ask(&asked).await?;
                tx.ask(&taking.doubles).await?;
                for (link, record, absorbed) in &taking.joined {
                    newcomers::end_absorbed(tx, *link, *record, absorbed, now).await?;
                }
                for link in &moved.done {
                    newcomers::end(tx, LinkId(*link), now).await?;
                }
                let pushes = !links.is_empty() || !again.is_empty() || !moved.done.is_empty() || !revived.is_empty();
                if !links.is_empty() {
                    tx.want_links(&mut links).await?;
                }
                if !again.is_empty() {
                    tx.want_again(&again).await?;
                }
                let mut jobs: Vec<NewJob> = Vec::new();
                if pushes {
                    jobs.extend(connections.iter().map(|c| NewJob::push(clock.id(), c.id, Lane::Scheduled, now)));
                }
                if !later.is_empty() {
                    let (due, ids) = (now.plus(lag), later.into_iter().collect());
                    jobs.push(NewJob::read(clock.id(), place, ids, Lane::Scheduled, due, now));
                }
                tx.put_jobs(&jobs).await?;
                if let Some(cursor) = &cursor {
                    tx.put_cursor(id, &remote_type, cursor.at, &cursor.id, now).await?;
                }
                let said: BTreeSet<RecordId> = said.iter().map(|(record, _)| *record).collect();
                Ok(said.len())
            })
            .await?;
        Ok(claimed)
    }
}
