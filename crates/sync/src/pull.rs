//! From CRMs to claims: what changed since the cursor, and what hooks told of.
//!
//! **Invariant:** a search or list only names ids; values come from reads by id that began after
//! the link's last write ended, and not while a write of it is open. What cannot be read for that
//! reason is read again later: the job for it is born in the transaction that moves the cursor.
//!
//! **Invariant:** our own write coming back makes neither a claim nor a plan: a value that equals
//! what was sent, under the field's equivalence, is only noted as seen; one that equals what we
//! wrote shortly before that came late, and is written over.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use mittler_connector::{Cursor, Error as CrmError, Feed, Key, RemoteRecord};
use mittler_core::{
    Kind, LinkId, RecordId, RemoteFields, Statement, Time,
    job::{Lane, Place, Task},
};
use mittler_store::{
    Tx, derived_id,
    jobs::NewJob,
    links::{Known, Shown, link_id},
    moved::{Moved, Told},
    reviews::NewReview,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    connections::Connection,
    eye::{Eye, owner_ids},
    push::{Pusher, Stopped},
    restate::{links_of, restate},
};

/// Pages of one remote type that are read in one go; the rest comes with the next job.
const PAGES: usize = 50;
/// Re-read at the start of each pull: what committed late under an earlier stamp.
const OVERLAP: Duration = Duration::from_mins(5);
/// How late a write of ours may still come to be seen. What a person sets later is theirs, also if
/// we once wrote the same.
const LATE: Duration = Duration::from_hours(1);
/// Records that became others that became others.
const HOPS: usize = 5;

/// What a pull found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulled {
    pub changes: usize,
    pub read: usize,
    pub claimed: usize,
    /// Where to go on in the types of which more is there than was read in one go.
    pub more: BTreeMap<String, Place>,
}

/// What reads said, before it is written down.
#[derive(Default)]
struct Taking {
    shown: Vec<Shown>,
    /// By link: what its record now says.
    statements: Vec<(Uuid, RecordId, Statement)>,
    moved: Vec<(Moved, RecordId, Kind)>,
    gone: Vec<(Known, &'static str)>,
    revived: Vec<LinkId>,
    /// Links that show what we wrote before the last time.
    repaired: BTreeSet<Uuid>,
    /// Remote ids that could not be read now.
    later: BTreeSet<String>,
}

impl Pusher {
    /// Reads what changed in a CRM, of the types that are mapped and have a cursor. `from` goes on
    /// with a longer pull: only its types, from exactly there.
    pub async fn pull(&self, connection: &Arc<Connection>, from: &BTreeMap<String, Place>) -> Result<Pulled, Stopped> {
        connection.check_account().await?;
        let mut all = Pulled::default();
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
            let one = self.heed(connection, one).await?;
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
        let mut pulled = Pulled::default();
        for page in 1..=PAGES {
            let found = connection.connector.pull(remote_type, Some(&cursor)).await?;
            let Some(last) = found.changes.last() else { break };
            let next = Cursor { at: last.at, id: last.id.clone() };
            pulled.changes += found.changes.len();
            let ids: Vec<String> = found.changes.iter().map(|change| change.id.clone()).collect();
            // The cursor never passes what the CRM may not show yet.
            let safe = found.server_time.unwrap_or_else(|| self.clock.now()).minus(lag);
            let kept = if next.at < safe { next.clone() } else { Cursor { at: safe, id: String::new() } };
            let (read, claimed) = self.read_in(connection, remote_type, &ids, Some(kept)).await?;
            pulled.read += read;
            pulled.claimed += claimed;
            if !found.more || next == cursor {
                break;
            }
            if page == PAGES {
                let place = Place { at: next.at, id: next.id.clone() };
                pulled.more.insert(remote_type.to_owned(), place);
            }
            cursor = next;
        }
        Ok(pulled)
    }

    /// Reads named records of one type, whether they changed, moved or went, and takes what they
    /// say. Gives how many were read and how many said something new.
    pub async fn take(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        ids: &[String],
    ) -> Result<(usize, usize), Stopped> {
        let taken = self.read_in(connection, remote_type, ids, None).await;
        self.heed(connection, taken).await
    }

    /// A CRM that does not work is left alone by everybody for a while.
    async fn heed<T>(&self, connection: &Connection, result: Result<T, Stopped>) -> Result<T, Stopped> {
        if let Err(Stopped::Crm(
            error @ (CrmError::Limited { .. } | CrmError::Unavailable { .. } | CrmError::Reauthorise { .. }),
        )) = &result
        {
            self.pause(connection, error).await?;
        }
        result
    }

    /// The same, for who heeds what the CRM answers by themselves; moves a cursor with it.
    pub(crate) async fn read_in(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        ids: &[String],
        cursor: Option<Cursor>,
    ) -> Result<(usize, usize), Stopped> {
        let begun = self.clock.now();
        self.store.expire_leases(begun).await?;
        let known = self.store.links_by_remote(connection.id, remote_type, ids).await?;
        let mut taking = Taking::default();
        // Who is being written now, or was perhaps, is read when that has ended.
        let (free, busy): (Vec<Known>, Vec<Known>) =
            known.into_iter().partition(|link| link.busy == 0 && link.written_at < begun.0);
        taking.later.extend(busy.into_iter().map(|link| link.remote_id));
        let keys: Vec<Key> = free.iter().map(|link| Key::Id(link.remote_id.clone())).collect();
        let records = if keys.is_empty() {
            Vec::new()
        } else {
            let fields = connection.mapping.field_names(remote_type);
            connection.connector.read(remote_type, &keys, &fields).await?
        };
        self.sort(connection, remote_type, free, &records, begun, &mut taking).await?;
        let claimed = self.write_down(connection, remote_type, taking, cursor).await?;
        Ok((records.len(), claimed))
    }

    /// What each link's record shows, or what became of it.
    async fn sort(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        links: Vec<Known>,
        records: &[RemoteRecord],
        begun: Time,
        taking: &mut Taking,
    ) -> Result<(), Stopped> {
        let by_id: HashMap<&str, &RemoteRecord> = records
            .iter()
            .filter_map(|record| match &record.key {
                Key::Id(id) => Some((id.as_str(), record)),
                _ => None,
            })
            .collect();
        let (mut here, mut moved) = (Vec::new(), Vec::new());
        for link in links {
            match by_id.get(link.remote_id.as_str()) {
                Some(record) => match &record.successor {
                    Some(next) if record.gone || record.id != link.remote_id => moved.push((link, next.clone())),
                    _ if record.gone => taking.gone.push((link, "deleted_there")),
                    _ => here.push((link, *record)),
                },
                None => taking.gone.push((link, "deleted_there")),
            }
        }
        self.compare(connection, remote_type, here, begun, taking).await?;
        self.follow(connection, moved, begun, taking).await
    }

    /// What records that are where they were say anew.
    async fn compare(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        links: Vec<(Known, &RemoteRecord)>,
        begun: Time,
        taking: &mut Taking,
    ) -> Result<(), Stopped> {
        let mut all = Vec::new();
        for (link, record) in &links {
            if link.state == "gone" {
                taking.revived.push(LinkId(link.id));
            }
            let Some(object) = connection.mapping.object_for(remote_type, &link.fields) else { continue };
            let eye = Eye::new(&self.country, object, &record.fields, &link.fields);
            if let Some(news) = news(&eye, link, record) {
                all.push((link, *record, object, eye, news));
            }
        }
        let asking: Vec<Uuid> = all.iter().filter(|it| !it.4.is_empty()).map(|it| it.0.id).collect();
        let mut told: HashMap<Uuid, Vec<Told>> = HashMap::new();
        for one in self.store.told_since(&asking, begun.minus(LATE)).await? {
            told.entry(one.link).or_default().push(one);
        }
        let owners: Vec<String> = all.iter().flat_map(|it| owner_ids(it.2, std::iter::once(it.1))).collect();
        let owners = connection.owner_names(&owners, begun).await?;
        for (link, record, object, eye, mut news) in all {
            let mut sent = link.sent.0.clone();
            // Our own earlier write that came late, or that somebody brought back right away.
            let late: Vec<String> = news
                .0
                .iter()
                .filter(|(name, theirs)| {
                    let mut ours = told.get(&link.id).into_iter().flatten().filter_map(|one| one.fields.0.0.get(*name));
                    theirs.is_some() && ours.any(|ours| eye.same(name, ours, theirs))
                })
                .map(|(name, _)| name.clone())
                .collect();
            for name in late {
                if let Some(theirs) = news.0.remove(&name) {
                    sent.0.insert(name, theirs);
                    taking.repaired.insert(link.id);
                }
            }
            for (name, theirs) in &news.0 {
                // What we never wrote is theirs: it is seen, and not ours to clear one day. But what
                // we would only write differently counts as written.
                let ours = eye.as_ours(name, theirs);
                let formats = object.takes(name) && ours != *theirs;
                if object.pushes(name) && (formats || sent.0.contains_key(name)) {
                    sent.0.insert(name.clone(), ours);
                }
            }
            taking.shown.push(Shown { id: link.id, written_at: link.written_at, sent, seen: record.fields.clone() });
            let mut before = link.sent.0.clone();
            before
                .0
                .extend(link.seen.0.0.iter().filter(|(_, value)| value.is_some()).map(|(n, v)| (n.clone(), v.clone())));
            // What the mapping does not take up, such as an owner that the CRM chose, is no statement.
            let said = eye.changed(connection.id, record, &news, &before, &owners, begun);
            taking.statements.extend(said.into_iter().map(|said| (link.id, RecordId(link.record), said)));
        }
        Ok(())
    }

    /// Goes after records that were merged or converted, and reads what they are now.
    async fn follow(
        &self,
        connection: &Arc<Connection>,
        mut moved: Vec<(Known, (String, String))>,
        begun: Time,
        taking: &mut Taking,
    ) -> Result<(), Stopped> {
        for _ in 0..HOPS {
            if moved.is_empty() {
                return Ok(());
            }
            let mut by_type: BTreeMap<String, Vec<(Known, String)>> = BTreeMap::new();
            for (link, (remote_type, id)) in std::mem::take(&mut moved) {
                by_type.entry(remote_type).or_default().push((link, id));
            }
            for (remote_type, links) in by_type {
                let mapped = connection.mapping.objects.iter().any(|object| {
                    object.remote == remote_type && links.iter().all(|(link, _)| link.kind == object.kind.name())
                });
                if !mapped {
                    taking.gone.extend(links.into_iter().map(|(link, _)| (link, "became_unmapped")));
                    continue;
                }
                let ids: BTreeSet<&String> = links.iter().map(|(_, id)| id).collect();
                let keys: Vec<Key> = ids.into_iter().cloned().map(Key::Id).collect();
                let fields = connection.mapping.field_names(&remote_type);
                let records = connection.connector.read(&remote_type, &keys, &fields).await?;
                let Some(first) = connection.mapping.object(&remote_type) else { continue };
                let owners = connection.owner_names(&owner_ids(first, records.iter()), begun).await?;
                for (link, id) in links {
                    match records.iter().find(|record| record.key == Key::Id(id.clone())) {
                        Some(record) if !record.gone && record.id == id => {
                            let Some(object) = connection.mapping.object_for(&remote_type, &link.fields) else {
                                continue;
                            };
                            let eye = Eye::new(&self.country, object, &record.fields, &link.fields);
                            let said = eye.all(connection.id, record, &owners, begun);
                            let kind = object.kind;
                            if matches!(kind, Kind::Person | Kind::Organisation) {
                                taking.statements.push((link.id, RecordId(link.record), said));
                            }
                            let it = Moved {
                                id: link.id,
                                remote_type: remote_type.clone(),
                                remote_id: id,
                                sent: eye.in_our_form(&record.fields),
                                seen: record.fields.clone(),
                            };
                            taking.moved.push((it, RecordId(link.record), kind));
                        }
                        Some(RemoteRecord { successor: Some(next), .. }) => moved.push((link, next.clone())),
                        _ => taking.gone.push((link, "deleted_there")),
                    }
                }
            }
        }
        taking.gone.extend(moved.into_iter().map(|(link, _)| (link, "deleted_there")));
        Ok(())
    }

    /// Writes down what was read, with the cursor and the jobs that follow from it.
    async fn write_down(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        taking: Taking,
        cursor: Option<Cursor>,
    ) -> Result<usize, Stopped> {
        let (id, remote_type, now) = (connection.id, remote_type.to_owned(), self.clock.now());
        let lag = connection.connector.profile().visibility_lag;
        let (overrides, connections) = (Arc::clone(&self.overrides), self.connections.all());
        let clock = self.clock.clone();
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
                let rows: Vec<Moved> = taking.moved.iter().map(|(it, _, _)| it.clone()).collect();
                let mut links: BTreeSet<Uuid> = tx.links_around(&rows).await?.into_iter().collect();
                links.extend(taking.shown.iter().map(|shown| shown.id));
                links.extend(taking.revived.iter().map(|link| link.0));
                links.extend(taking.gone.iter().map(|(link, _)| link.id));
                let said = taking.statements.iter().map(|(_, record, _)| *record);
                links.extend(said.flat_map(|record| connections.iter().map(move |c| link_id(c.id, record).0)));
                tx.lock_links(&links.into_iter().collect::<Vec<_>>()).await?;
                let mut noted: BTreeSet<Uuid> =
                    tx.put_shown(&taking.shown).await?.into_iter().map(|link| link.0).collect();
                let moved = move_all(tx, &taking, id, now).await?;
                noted.extend(&moved.done);
                tx.revive_links(&taking.revived).await?;
                let mut reviews = moved.reviews;
                let gone: Vec<&(Known, &str)> = taking.gone.iter().filter(|(link, _)| link.state != "gone").collect();
                let mut lost: Vec<LinkId> = gone.iter().map(|(link, _)| LinkId(link.id)).collect();
                lost.extend(moved.taken);
                tx.mark_gone(&lost).await?;
                reviews.extend(gone.iter().filter_map(|(link, code)| ask_gone(link, code, &remote_type, id, now)));
                tx.ask(&reviews).await?;
                // A read that a write overtook says nothing; it is done again.
                let mut later = taking.later.clone();
                later.extend(moved.later);
                let stale = taking.shown.iter().filter(|shown| !noted.contains(&shown.id));
                let stale: Vec<LinkId> = stale.map(|shown| LinkId(shown.id)).collect();
                later.extend(tx.remote_ids(&stale).await?);
                let said: Vec<(RecordId, Statement)> = taking
                    .statements
                    .iter()
                    .filter(|(link, _, _)| noted.contains(link))
                    .map(|(_, record, statement)| (*record, statement.clone()))
                    .collect();
                let changed = restate(tx, &said, &overrides, now).await?;
                let mut links = Vec::new();
                for record in &changed {
                    links.extend(links_of(&connections, record, Lane::Scheduled, now));
                }
                let repaired: Vec<LinkId> =
                    taking.repaired.iter().filter(|id| noted.contains(*id)).copied().map(LinkId).collect();
                let pushes =
                    !links.is_empty() || !repaired.is_empty() || !moved.done.is_empty() || !taking.revived.is_empty();
                if !links.is_empty() {
                    tx.want_links(&mut links).await?;
                }
                if !repaired.is_empty() {
                    tx.want_again(&repaired).await?;
                }
                let mut jobs: Vec<NewJob> = Vec::new();
                if pushes {
                    jobs.extend(connections.iter().map(|c| NewJob::push(clock.id(), c.id, Lane::Scheduled, now)));
                }
                if !later.is_empty() {
                    let (due, ids) = (now.plus(lag), later.into_iter().collect());
                    let task = Task::Read { connection: id, remote_type: remote_type.clone(), ids, not_before: due };
                    jobs.push(NewJob::new(clock.id(), task, Lane::Scheduled, due, now));
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

/// What became of the links whose records moved.
#[derive(Default)]
struct MovedLinks {
    done: Vec<Uuid>,
    /// Second links of a record that has one less there now.
    united: Vec<LinkId>,
    /// Another link has their new record.
    taken: Vec<LinkId>,
    /// Their old remote ids, to be read again: they are being written.
    later: Vec<String>,
    reviews: Vec<NewReview>,
}

async fn move_all(
    tx: &mut Tx,
    taking: &Taking,
    connection: mittler_core::ConnectionId,
    now: Time,
) -> mittler_store::Result<MovedLinks> {
    let mut moved = MovedLinks::default();
    let mut rest: Vec<&(Moved, RecordId, Kind)> = taking.moved.iter().collect();
    // A second time: what the first move brought together is seen only then.
    for _ in 0..2 {
        let rows: Vec<Moved> = rest.iter().map(|(it, _, _)| it.clone()).collect();
        let united = tx.unite_links(&rows).await?;
        rest.retain(|(it, _, _)| !united.contains(&LinkId(it.id)));
        moved.united.extend(united);
        // Of two that became one, the first has it.
        let mut targets = BTreeSet::new();
        let first = rest.iter().filter(|(it, _, _)| targets.insert((it.remote_type.as_str(), it.remote_id.as_str())));
        let rows: Vec<Moved> = first.map(|(it, _, _)| it.clone()).collect();
        moved.done.extend(tx.move_links(&rows).await?.into_iter().map(|link| link.0));
        rest.retain(|(it, _, _)| !moved.done.contains(&it.id));
        if rest.is_empty() {
            break;
        }
    }
    for link in &moved.united {
        // Whoever was asked about the two has answered by merging them there.
        let asked = derived_id(&[b"review", link.0.as_bytes(), b"merged_here"]);
        tx.answer(asked, &json!({ "answer": "merged_there" }), now).await?;
    }
    let rows: Vec<Moved> = rest.iter().map(|(it, _, _)| it.clone()).collect();
    let holders: HashMap<Uuid, Uuid> = tx.holders(&rows).await?.into_iter().collect();
    let mut busy = Vec::new();
    for (it, record, kind) in rest {
        let Some(holder) = holders.get(&it.id).filter(|holder| **holder != record.0) else {
            busy.push(LinkId(it.id));
            continue;
        };
        moved.taken.push(LinkId(it.id));
        moved.reviews.push(NewReview {
            id: derived_id(&[b"review", it.id.as_bytes(), b"merged_there", it.remote_id.as_bytes()]),
            question: format!("same_{kind}"),
            record: record.0,
            connection: Some(connection.0),
            candidates: json!({ "records": [RecordId(*holder)], "remote_type": it.remote_type, "ids": [it.remote_id] }),
            reason: "merged_there".into(),
            asked_at: now.0,
        });
    }
    moved.later = tx.remote_ids(&busy).await?;
    Ok(moved)
}

/// The question what to do about a record that the CRM has no more. Activities and memberships that
/// somebody removed there are just removed.
fn ask_gone(
    link: &Known,
    code: &str,
    remote_type: &str,
    connection: mittler_core::ConnectionId,
    now: Time,
) -> Option<NewReview> {
    let kind = Kind::parse(&link.kind)?;
    matches!(kind, Kind::Person | Kind::Organisation | Kind::Fair).then(|| NewReview {
        id: derived_id(&[b"review", link.id.as_bytes(), code.as_bytes(), link.remote_id.as_bytes()]),
        question: "deleted_there".into(),
        record: link.record,
        connection: Some(connection.0),
        candidates: json!({ "remote_type": remote_type, "ids": [link.remote_id] }),
        reason: code.to_owned(),
        asked_at: now.0,
    })
}

/// The fields in which the CRM says something that it did not show before and that we did not
/// write; `None` if it shows just what it showed.
fn news(eye: &Eye<'_>, link: &Known, record: &RemoteRecord) -> Option<RemoteFields> {
    if record.fields == link.seen.0 {
        return None;
    }
    let differs = |name: &String, theirs: &Option<mittler_core::Value>| {
        // What was never read was not seen empty either: then only what we wrote is known.
        let seen = link.seen.0.0.get(name).is_some_and(|seen| eye.same(name, theirs, seen));
        !seen && !eye.same(name, theirs, link.sent.0.0.get(name).unwrap_or(&None))
    };
    let fields = record.fields.0.iter().filter(|(name, theirs)| differs(name, theirs));
    Some(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
}
