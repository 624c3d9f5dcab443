//! From CRMs to claims: what changed since the cursor, and what hooks told of.
//!
//! **Invariant:** a search or list only names ids; values come from reads by id that began after
//! the link's last write ended, and not while a write of it is open. What cannot be read for that
//! reason is read again later: the job for it is born in the transaction that moves the cursor.
//!
//! **Invariant:** our own write coming back makes neither a claim nor a plan: a value that equals
//! what was sent, under the field's equivalence, is only noted as seen. Whatever else a read shows
//! somebody put there, also if it is what we once wrote: they took back what was changed since.
//!
//! **Invariant:** whose value is newer is decided by when the field was changed, not by when its record
//! was; a CRM whose value lost is told the one that holds.

mod commit;
mod compare;
pub(crate) mod moved;
pub(crate) mod newcomers;
mod read;
mod taking;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use mittler_connector::{Change, Cursor, Error as CrmError};
use mittler_core::{Kind, Time, job::Lane};
use mittler_store::{connections::FeedCursor, jobs::NewJob};
use tracing::warn;

use crate::{
    connections::Connection,
    guard::{ABSENT, MASS_ABSENCE, MASS_DELETION},
    lookups::{PAGE, TOO_SLOW},
    pull::taking::{SURE, Taking},
    push::{
        item::FIELD_NOT_THERE,
        pusher::{Pusher, Stopped},
    },
};

/// Pages of one remote type that are read in one go; the rest comes with the next job.
const PAGES: usize = 50;

/// Records of a pull that show something new, and are weighed together, before the first is written down.
const TOGETHER: usize = 5_000;

/// So many of those are looked for in one go.
const SUSPECTS: i64 = 2_000;

/// What a pull found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulled {
    pub changes: usize,
    pub read: usize,
    pub claimed: usize,
    /// Where to go on in the feeds of which more is there than was read in one go.
    pub more: BTreeMap<String, String>,
}

/// What was read of one type, and where its feed stands when it is written down: only with the last type of a page.
struct ReadPage {
    remote_type: String,
    taking: Taking,
    cursor: Option<(String, FeedCursor)>,
}

impl Pusher {
    /// Reads what changed in a CRM, of the types that are mapped and followed. `from` goes on
    /// with a longer pull: only its feeds, from exactly there.
    pub async fn pull(&self, connection: &Arc<Connection>, from: &BTreeMap<String, String>) -> Result<Pulled, Stopped> {
        connection.check_account().await?;
        let fields = self.want_fields_that_came(connection).await;
        self.pause_on_error(connection, fields).await?;
        let mut all = Pulled::default();
        if from.is_empty() {
            let again = self.look_for_absent(connection).await;
            self.pause_on_error(connection, again).await?;
        }
        for feed in &connection.connector.profile().feeds {
            let place = from.get(&feed.name);
            let types: Vec<&str> =
                feed.remote_types.iter().map(String::as_str).filter(|it| takes(connection, it)).collect();
            if types.is_empty() || (place.is_none() && !from.is_empty()) {
                continue;
            }
            let one = match self.pull_feed(connection, &feed.name, &types, place).await {
                Err(Stopped::Crm(CrmError::CursorExpired { code })) => {
                    self.begin_anew(connection, &feed.name, &types, &code).await.map(|()| Pulled::default())
                }
                one => one,
            };
            let one = self.pause_on_error(connection, one).await?;
            all.changes += one.changes;
            all.read += one.read;
            all.claimed += one.claimed;
            all.more.extend(one.more);
        }
        Ok(all)
    }

    async fn pull_feed(
        &self,
        connection: &Arc<Connection>,
        feed: &str,
        types: &[&str],
        from: Option<&String>,
    ) -> Result<Pulled, Stopped> {
        let Some(kept) = self.store.cursor(connection.id, feed).await? else {
            // What was there before the connection is another job's.
            self.begin(connection, feed, &[]).await?;
            return Ok(Pulled::default());
        };
        let (mut cursor, mut followed) = (Cursor(from.unwrap_or(&kept.cursor).clone()), kept.followed);
        let (mut pulled, mut pages) = (Pulled::default(), Vec::new());
        for page in 1..=PAGES {
            let found = connection.connector.changes(feed, Some(&cursor), self.clock.now()).await?;
            if let Some(its) = found.server_time.max(found.changes.last().map(|last| last.at)) {
                connection.note_its_time(its, self.clock.now());
            }
            if found.changes.is_empty() && found.next.is_none() && found.safe.0 == kept.cursor {
                break;
            }
            pulled.changes += found.changes.len();
            followed = found.followed.unwrap_or(followed).max(followed);
            let stands = FeedCursor { cursor: found.safe.0, followed };
            pulled.read += self.read_page(connection, types, &found.changes, (feed, stands), &mut pages).await?;
            if pages.iter().map(|page: &ReadPage| page.taking.shown.len()).sum::<usize>() >= TOGETHER {
                pulled.claimed += self.write_pages(connection, &mut pages).await?;
            }
            let Some(next) = found.next.filter(|next| *next != cursor) else { break };
            if page == PAGES {
                pulled.more.insert(feed.to_owned(), next.0.clone());
            }
            cursor = next;
        }
        pulled.claimed += self.write_pages(connection, &mut pages).await?;
        Ok(pulled)
    }

    /// Reads what one page of changes names, type by type; the cursor stands with the last one. Gives how many were
    /// read.
    async fn read_page(
        &self,
        connection: &Arc<Connection>,
        types: &[&str],
        changes: &[Change],
        (feed, stands): (&str, FeedCursor),
        pages: &mut Vec<ReadPage>,
    ) -> Result<usize, Stopped> {
        let (mut read, begun) = (0, pages.len());
        for remote_type in types {
            let of_type = changes.iter().filter(|change| change.remote_type == *remote_type);
            let ids = of_type.flat_map(|change| std::iter::once(&change.id).chain(&change.absorbed));
            let ids: Vec<String> = ids.cloned().collect::<BTreeSet<_>>().into_iter().collect();
            if ids.is_empty() {
                continue;
            }
            let (taking, count) = self.gather(connection, remote_type, &ids, None).await?;
            read += count;
            pages.push(ReadPage { remote_type: (*remote_type).to_owned(), taking, cursor: None });
        }
        if pages.len() == begun
            && let Some(remote_type) = types.first()
        {
            pages.push(ReadPage { remote_type: (*remote_type).to_owned(), taking: Taking::default(), cursor: None });
        }
        if let Some(last) = pages.last_mut() {
            last.cursor = Some((feed.to_owned(), stands));
        }
        Ok(read)
    }

    /// Begins a feed with now, and has these records read, of which it may have missed changes.
    async fn begin(&self, connection: &Connection, feed: &str, missed: &[NewJob]) -> Result<(), Stopped> {
        let now = self.clock.now();
        let page = connection.connector.changes(feed, None, now).await?;
        let stands = FeedCursor { cursor: page.safe.0, followed: page.followed.unwrap_or(now) };
        let (id, feed, missed) = (connection.id, feed.to_owned(), missed.to_vec());
        let put = self.store.write(async move |tx| {
            tx.put_jobs(&missed).await?;
            tx.put_cursor(id, &feed, &stands, now).await
        });
        Ok(put.await?)
    }

    /// The CRM does not know any more what changed since the cursor: the feed begins with now, and all records of its
    /// types that are known are read once.
    async fn begin_anew(&self, connection: &Connection, feed: &str, types: &[&str], code: &str) -> Result<(), Stopped> {
        warn!(connection.id = %connection.id, feed, code, "the feed's cursor is too old; it begins anew, and what it may have missed is read");
        let (id, now) = (connection.id, self.clock.now());
        let mut jobs = Vec::new();
        for remote_type in types {
            let mut after = String::new();
            loop {
                let ids =
                    self.store.remote_ids_after(id, remote_type, &after, i64::try_from(PAGE).unwrap_or(100)).await?;
                let Some(last) = ids.last() else { break };
                after.clone_from(last);
                jobs.push(NewJob::read(self.clock.id(), (id, remote_type), ids, Lane::Backfill, now, now));
            }
        }
        self.begin(connection, feed, &jobs).await
    }

    /// Reads named records of one type, whether they changed, moved or went, and takes what they
    /// say. `hinted`: when the first hook came that told of a change of them and was not yet read for.
    /// Gives how many were read and how many said something new.
    pub async fn take(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        ids: &[String],
        hinted: Option<Time>,
    ) -> Result<(usize, usize), Stopped> {
        let taken = self.read_in(connection, remote_type, ids, hinted).await;
        self.pause_on_error(connection, taken).await
    }

    /// Looks once more for records that were not found a day ago.
    async fn look_for_absent(&self, connection: &Arc<Connection>) -> Result<(), Stopped> {
        let before = self.clock.now().minus(SURE);
        let mut by_type: BTreeMap<String, Vec<String>> = BTreeMap::new();
        // Also those about which somebody is asked: they may be shown again meanwhile.
        for code in [ABSENT, MASS_ABSENCE, MASS_DELETION] {
            for (remote_type, id) in self.store.suspects(connection.id, code, before, SUSPECTS).await? {
                by_type.entry(remote_type).or_default().push(id);
            }
        }
        for (remote_type, ids) in by_type {
            if connection.mapping.object(&remote_type).is_none() {
                continue;
            }
            for ids in ids.chunks(PAGE) {
                self.read_in(connection, &remote_type, ids, None).await?;
            }
        }
        Ok(())
    }

    /// Records that went without a field are told of it once the CRM shows it.
    async fn want_fields_that_came(&self, connection: &Connection) -> Result<(), Stopped> {
        let (id, now) = (connection.id, self.clock.now());
        if connection.asks_for_absent_first() {
            for remote_type in self.store.types_holding(id, FIELD_NOT_THERE).await? {
                let Some(object) = connection.mapping.object(&remote_type) else { continue };
                let fields = object.fields.keys().filter(|name| object.pushes(name)).cloned().collect();
                connection.note_absent(&remote_type, &fields);
            }
        }
        for (remote_type, absent) in connection.lacking() {
            let schema = connection.schema(&remote_type, now).await?;
            if !absent.iter().any(|name| schema.field(name).is_some()) {
                continue;
            }
            let still = absent.into_iter().filter(|name| schema.field(name).is_none()).collect();
            connection.note_absent(&remote_type, &still);
            self.store
                .write(async move |tx| {
                    tx.wake_pushers([id]);
                    tx.want_holding(id, &remote_type, FIELD_NOT_THERE).await
                })
                .await?;
        }
        Ok(())
    }

    /// A CRM that does not work is left alone by everybody for a while.
    async fn pause_on_error<T>(&self, connection: &Connection, result: Result<T, Stopped>) -> Result<T, Stopped> {
        if let Err(Stopped::Crm(CrmError::TooBroad { code })) = &result
            && code != TOO_SLOW
            && !connection.is_there().await
        {
            self.pause(connection, &CrmError::Unavailable { code: code.clone(), retry_after: None }).await?;
            return result;
        }
        if let Err(Stopped::Crm(
            error @ (CrmError::Limited { .. } | CrmError::Unavailable { .. } | CrmError::Reauthorise { .. }),
        )) = &result
        {
            self.pause(connection, error).await?;
        }
        result
    }

    /// Writes down pages that were read together, each with its cursor; gives how many records said something new.
    /// How many changed is weighed over all of them: of a flow that goes through a whole type nothing is taken up
    /// before somebody says that it should be.
    async fn write_pages(&self, connection: &Arc<Connection>, pages: &mut Vec<ReadPage>) -> Result<usize, Stopped> {
        let mut weights: BTreeMap<String, usize> = BTreeMap::new();
        for page in pages.iter() {
            *weights.entry(page.remote_type.clone()).or_default() += page.taking.changed().len();
        }
        let mut claimed = 0;
        for ReadPage { remote_type, taking, cursor } in pages.drain(..) {
            let weight = if taking.changed().is_empty() { None } else { weights.remove(&remote_type) };
            claimed += self.write_down(connection, &remote_type, taking, weight.unwrap_or(0), cursor).await?;
        }
        Ok(claimed)
    }
}

/// Whether changes of a type are taken up: it is mapped, and people speak through it.
fn takes(connection: &Connection, remote_type: &str) -> bool {
    let kind = connection.connector.profile().kind(remote_type).map(|profile| profile.kind);
    connection.mapping.object(remote_type).is_some() && matches!(kind, Some(Kind::Person | Kind::Organisation))
}
