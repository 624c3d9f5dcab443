//! Writing down what was read, with the cursor and the jobs that follow from it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use mittler_core::{ConnectionId, LinkId, RecordId, Statement, Time, derive::Overrides, job::Lane};
use mittler_store::{
    Clock, Result, Tx,
    connections::FeedCursor,
    jobs::NewJob,
    links::{Shown, link_id},
    moved::Moved,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    apply_statements::{apply_statements, links_of},
    connections::Connection,
    gone::ask_gone,
    guard::{self, ABSENT, Guards},
    pull::{
        moved::{MovedLinks, move_all},
        newcomers,
        taking::Taking,
    },
    push::pusher::{Pusher, Stopped},
};

impl Pusher {
    /// Writes down what was read, with the cursor and the jobs that follow from it.
    pub(super) async fn write_down(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        taking: Taking,
        weight: usize,
        cursor: Option<(String, FeedCursor)>,
    ) -> std::result::Result<usize, Stopped> {
        let lag = connection.connector.profile().visibility_lag;
        let commit = Commit {
            connection: connection.id,
            remote_type: remote_type.to_owned(),
            taking: Arc::new(taking),
            overrides: Arc::clone(&self.overrides),
            connections: self.connections.all(),
            clock: self.clock.clone(),
            guards: self.guards,
            now: self.clock.now(),
            lag,
        };
        Ok(self.store.write(async move |tx| commit.write(tx, weight, cursor.as_ref()).await).await?)
    }
}

/// What was read of one type, on its way into the database.
#[derive(Clone)]
struct Commit {
    connection: ConnectionId,
    remote_type: String,
    taking: Arc<Taking>,
    overrides: Arc<Overrides>,
    connections: Vec<Arc<Connection>>,
    clock: Clock,
    guards: Guards,
    now: Time,
    /// How long the CRM may not show yet what was written to it.
    lag: Duration,
}

impl Commit {
    /// Gives how many records said something new.
    async fn write(&self, tx: &mut Tx, weight: usize, cursor: Option<&(String, FeedCursor)>) -> Result<usize> {
        let (taking, now) = (&*self.taking, self.now);
        let place = (self.connection, self.remote_type.as_str());
        self.lock(tx).await?;
        let doubted = self.guards.doubt(tx, place, &taking.changed(), weight, now).await?;
        let shown: Vec<Shown> = taking.shown.iter().filter(|shown| !doubted.contains(&shown.id)).cloned().collect();
        let mut noted: BTreeSet<Uuid> = tx.put_shown(&shown).await?.into_iter().map(|link| link.0).collect();
        let moved = move_all(tx, &taking.moved, self.connection, now).await?;
        noted.extend(&moved.done);
        let revived = self.revive(tx, &doubted).await?;
        self.lose(tx, &moved, revived).await?;
        // A read that a write overtook says nothing; it is done again.
        let mut later = taking.later.clone();
        later.extend(moved.later.iter().cloned());
        let stale = shown.iter().filter(|shown| !noted.contains(&shown.id));
        let stale: Vec<LinkId> = stale.map(|shown| LinkId(shown.id)).collect();
        later.extend(tx.remote_ids(&stale).await?);
        let said: Vec<(RecordId, Statement)> = taking
            .statements
            .iter()
            .filter(|(link, _, _)| noted.contains(link) && !taking.put_back.contains(link))
            .map(|(_, record, statement)| (*record, statement.clone()))
            .collect();
        let changed = apply_statements(tx, &said, &self.overrides, now).await?;
        let mut links = Vec::new();
        for record in &changed {
            links.extend(links_of(&self.connections, record, Lane::Scheduled, now));
        }
        let again: Vec<LinkId> = taking.again.iter().filter(|id| noted.contains(*id)).copied().map(LinkId).collect();
        self.want_companies(tx, &moved.done).await?;
        self.ask(tx, &noted, &moved.done).await?;
        let pushes = !links.is_empty() || !again.is_empty() || !moved.done.is_empty() || revived;
        if !links.is_empty() {
            tx.want_links(&mut links).await?;
        }
        if !again.is_empty() {
            tx.want_again(&again).await?;
        }
        if pushes {
            tx.wake_pushers(self.connections.iter().map(|connection| connection.id));
        }
        if !later.is_empty() {
            self.read_later(tx, later).await?;
        }
        if let Some((feed, cursor)) = cursor {
            tx.put_cursor(self.connection, feed, cursor, now).await?;
        }
        let said: BTreeSet<RecordId> = said.iter().map(|(record, _)| *record).collect();
        Ok(said.len())
    }

    /// Records before links, as everywhere, and all of them in one order before any is written.
    async fn lock(&self, tx: &mut Tx) -> Result<()> {
        let (taking, id) = (&*self.taking, self.connection);
        let records: BTreeSet<RecordId> = taking.statements.iter().map(|(_, record, _)| *record).collect();
        if !records.is_empty() {
            tx.lock_records(&records.into_iter().collect::<Vec<_>>()).await?;
        }
        let rows: Vec<Moved> = taking.moved.iter().map(|it| it.to.clone()).collect();
        let mut links: BTreeSet<Uuid> = tx.links_around(&rows).await?.into_iter().collect();
        let companies = taking.moved.iter().filter_map(|it| it.company);
        links.extend(companies.map(|company| link_id(id, company).0));
        links.extend(taking.shown.iter().map(|shown| shown.id));
        links.extend(taking.revived.iter().map(|(link, _)| link.0));
        links.extend(taking.gone.iter().map(|(link, _)| link.id));
        links.extend(taking.absent.iter().map(|link| link.id));
        let said = taking.statements.iter().map(|(_, record, _)| *record);
        links.extend(said.flat_map(|record| self.connections.iter().map(move |c| link_id(c.id, record).0)));
        tx.lock_links(&links.into_iter().collect::<Vec<_>>()).await
    }

    /// Records that are there again: who was asked what to do about their deletion has no more to say. Gives whether
    /// there are any.
    async fn revive(&self, tx: &mut Tx, doubted: &BTreeSet<Uuid>) -> Result<bool> {
        let revived: Vec<_> = self.taking.revived.iter().filter(|(link, _)| !doubted.contains(&link.0)).collect();
        tx.revive_links(&revived.iter().map(|(link, _)| *link).collect::<Vec<_>>()).await?;
        for (_, record) in &revived {
            let restored = json!({ "answer": "restored_there" });
            tx.answer_all(*record, self.connection, "deleted_there", &restored, self.now).await?;
        }
        Ok(!revived.is_empty())
    }

    /// Records that are not there any more, surely or perhaps, and the questions about them.
    async fn lose(&self, tx: &mut Tx, moved: &MovedLinks, revived: bool) -> Result<()> {
        let (taking, id, remote_type, now) = (&*self.taking, self.connection, self.remote_type.as_str(), self.now);
        tx.mark_suspect(&taking.newly_absent(), ABSENT, now).await?;
        let gone = self.guards.lose(tx, (id, remote_type), taking.surely_gone(now), now).await?;
        tx.mark_gone(&moved.taken).await?;
        if revived {
            guard::end_restored(tx, &self.clock, id, remote_type).await?;
        }
        let mut reviews = moved.reviews.clone();
        reviews.extend(gone.iter().filter_map(|(link, code)| ask_gone(link, code, remote_type, id, now)));
        tx.ask(&reviews).await
    }

    /// A lead became a contact of a company that the CRM did not have before, perhaps.
    async fn want_companies(&self, tx: &mut Tx, done: &[Uuid]) -> Result<()> {
        let done = self.taking.moved.iter().filter(|it| done.contains(&it.to.id));
        let companies: BTreeSet<LinkId> =
            done.filter_map(|it| it.company).map(|company| link_id(self.connection, company)).collect();
        if !companies.is_empty() {
            tx.want_unlinked(&companies.into_iter().collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    /// Questions about contested fields and doubled companies; those that a merge has answered end.
    async fn ask(&self, tx: &mut Tx, noted: &BTreeSet<Uuid>, moved: &[Uuid]) -> Result<()> {
        let taking = &*self.taking;
        let contested = taking.contested.iter().filter(|(link, ..)| noted.contains(&link.0));
        let contested =
            contested.map(|(link, name, held, review)| ((*link, name.clone(), held.clone()), review.clone()));
        let (holds, asked): (Vec<_>, Vec<_>) = contested.unzip();
        tx.hold_fields(&holds).await?;
        tx.ask(&asked).await?;
        tx.ask(&taking.doubles).await?;
        for (link, record, absorbed) in &taking.joined {
            newcomers::end_absorbed(tx, *link, *record, absorbed, self.now).await?;
        }
        for link in moved {
            newcomers::end(tx, LinkId(*link), self.now).await?;
        }
        Ok(())
    }

    /// Reads what could not be read now.
    async fn read_later(&self, tx: &mut Tx, ids: BTreeSet<String>) -> Result<()> {
        let (due, ids) = (self.now.plus(self.lag), ids.into_iter().collect());
        let place = (self.connection, self.remote_type.as_str());
        tx.put_jobs(&[NewJob::read(self.clock.id(), place, ids, Lane::Scheduled, due, self.now)]).await
    }
}
