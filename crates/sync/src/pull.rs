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
    time::Duration,
};

use mittler_connector::{Cursor, Error as CrmError, Feed};
use mittler_core::{
    Kind, Time,
    job::{Lane, Place},
};
use mittler_store::jobs::NewJob;

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

/// Re-read at the start of each pull: what committed late under an earlier stamp.
const OVERLAP: Duration = Duration::from_mins(5);

/// So many of those are looked for in one go.
const SUSPECTS: i64 = 2_000;

/// What a pull found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulled {
    pub changes: usize,
    pub read: usize,
    pub claimed: usize,
    /// Where to go on in the types of which more is there than was read in one go.
    pub more: BTreeMap<String, Place>,
}

impl Pusher {
    /// Reads what changed in a CRM, of the types that are mapped and have a cursor. `from` goes on
    /// with a longer pull: only its types, from exactly there.
    pub async fn pull(&self, connection: &Arc<Connection>, from: &BTreeMap<String, Place>) -> Result<Pulled, Stopped> {
        connection.check_account().await?;
        let fields = self.want_fields_that_came(connection).await;
        self.pause_on_error(connection, fields).await?;
        let mut all = Pulled::default();
        if from.is_empty() {
            let again = self.look_for_absent(connection).await;
            self.pause_on_error(connection, again).await?;
        }
        for kind in &connection.connector.profile().kinds {
            let remote_type = kind.remote_type.as_str();
            let place = from.get(remote_type);
            if connection.mapping.object(remote_type).is_none()
                || kind.feed != Feed::Cursor
                || !matches!(kind.kind, Kind::Person | Kind::Organisation)
                || (place.is_none() && !from.is_empty())
            {
                continue;
            }
            let one = self.pull_type(connection, remote_type, place).await;
            let one = self.pause_on_error(connection, one).await?;
            all.changes += one.changes;
            all.read += one.read;
            all.claimed += one.claimed;
            all.more.extend(one.more);
        }
        Ok(all)
    }

    async fn pull_type(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        from: Option<&Place>,
    ) -> Result<Pulled, Stopped> {
        let (id, now) = (connection.id, self.clock.now());
        let lag = connection.connector.profile().visibility_lag;
        let Some((at, _)) = self.store.cursor(id, remote_type).await? else {
            // What was there before the connection is another job's: a cursor begins with today.
            let remote_type = remote_type.to_owned();
            self.store.write(async move |tx| tx.put_cursor(id, &remote_type, now.minus(lag), "", now).await).await?;
            return Ok(Pulled::default());
        };
        let mut cursor = match from {
            Some(place) => Cursor { at: place.at, id: place.id.clone() },
            None => Cursor { at: at.minus(OVERLAP), id: String::new() },
        };
        let (mut pulled, mut pages) = (Pulled::default(), Vec::new());
        for page in 1..=PAGES {
            let found = connection.connector.pull(remote_type, Some(&cursor)).await?;
            let last = found.changes.last();
            if let Some(its) = found.server_time.max(last.map(|last| last.at)) {
                connection.note_its_time(its, self.clock.now());
            }
            let Some(last) = last else { break };
            let next = Cursor { at: last.at, id: last.id.clone() };
            pulled.changes += found.changes.len();
            let ids = found.changes.iter().flat_map(|change| std::iter::once(&change.id).chain(&change.absorbed));
            let ids: Vec<String> = ids.cloned().collect::<BTreeSet<_>>().into_iter().collect();
            // The cursor never passes what the CRM may not show yet.
            let safe = found.server_time.unwrap_or_else(|| self.clock.now()).minus(lag);
            let kept = if next.at < safe { next.clone() } else { Cursor { at: safe, id: String::new() } };
            let (taking, read) = self.gather(connection, remote_type, &ids, None).await?;
            pulled.read += read;
            pages.push((taking, kept));
            if pages.iter().map(|(taking, _)| taking.shown.len()).sum::<usize>() >= TOGETHER {
                pulled.claimed += self.write_pages(connection, remote_type, &mut pages).await?;
            }
            if !found.more || next == cursor {
                break;
            }
            if page == PAGES {
                let place = Place { at: next.at, id: next.id.clone() };
                pulled.more.insert(remote_type.to_owned(), place);
            }
            cursor = next;
        }
        pulled.claimed += self.write_pages(connection, remote_type, &mut pages).await?;
        Ok(pulled)
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
            let job = NewJob::push(self.clock.id(), id, Lane::Scheduled, now);
            self.store
                .write(async move |tx| {
                    if tx.want_holding(id, &remote_type, FIELD_NOT_THERE).await? > 0 {
                        tx.put_jobs(std::slice::from_ref(&job)).await?;
                    }
                    Ok(())
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
    async fn write_pages(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        pages: &mut Vec<(Taking, Cursor)>,
    ) -> Result<usize, Stopped> {
        let mut weight: usize = pages.iter().map(|(taking, _)| taking.changed().len()).sum();
        let mut claimed = 0;
        for (taking, cursor) in pages.drain(..) {
            let first = if taking.changed().is_empty() { 0 } else { std::mem::take(&mut weight) };
            claimed += self.write_down(connection, remote_type, taking, first, Some(cursor)).await?;
        }
        Ok(claimed)
    }
}
