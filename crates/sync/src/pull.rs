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

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use mittler_connector::{Cursor, Error as CrmError, Feed, Histories, Key, RemoteRecord};
use mittler_core::{
    Field, Kind, LinkId, RecordId, RemoteFields, RemoteValue, Statement, Time,
    job::{Lane, Place},
    mapping::{Object, Wanted},
    plan::{self, HeldField},
};
use mittler_store::{
    derived_id,
    jobs::NewJob,
    links::{Known, Shown, link_id},
    moved::{Moved, Replacement},
    reviews::NewReview,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    batch::FIELD_NOT_THERE,
    connections::Connection,
    eye::{Eye, Times, owner_ids},
    guard::{self, MASS_ABSENCE, MASS_DELETION, PUT_BACK},
    lookups::TOO_SLOW,
    moved::{Move, move_all},
    newcomers,
    push::{Pusher, Stopped},
    restate::{links_of, restate},
};

/// Pages of one remote type that are read in one go; the rest comes with the next job.
const PAGES: usize = 50;
/// Records of a pull that show something new, and are weighed together, before the first is written down.
const TOGETHER: usize = 5_000;
/// Re-read at the start of each pull: what committed late under an earlier stamp.
const OVERLAP: Duration = Duration::from_mins(5);
/// Within this time a field that changes back and forth is counted.
const HOUR: Duration = Duration::from_hours(1);
/// So many changes back within the hour, and a person is asked which value holds.
const FLIPS: usize = 3;
/// How long a hook may take from the change that it tells of.
const HINT_LAG: Duration = Duration::from_secs(3);
/// Records of one read whose fields' history is asked for.
const HISTORIES: usize = 200;
/// The code of a link whose record was not found where it was.
pub(crate) const ABSENT: &str = "absent_there";
/// After this time a record that was not found is looked for once more: one that is not there then is gone.
const SURE: Duration = Duration::from_hours(24);
/// So many of those are looked for in one go.
const SUSPECTS: i64 = 2_000;
/// Records that are read by id in one transaction.
pub(crate) const PAGE: usize = 200;

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
pub(crate) struct Taking {
    shown: Vec<Shown>,
    /// By link: what its record now says.
    pub statements: Vec<(Uuid, RecordId, Statement)>,
    pub moved: Vec<Move>,
    pub gone: Vec<(Known, &'static str)>,
    /// Records that were not found where they were.
    pub absent: Vec<Known>,
    /// Links whose records get back what they had: what they show makes no claim.
    put_back: BTreeSet<Uuid>,
    revived: Vec<(LinkId, RecordId)>,
    /// Links that said something: they are told if something else holds.
    again: BTreeSet<Uuid>,
    /// Fields that change back and forth: they are held, and a person is asked.
    contested: Vec<(LinkId, String, HeldField, NewReview)>,
    /// Questions about companies that nobody here knows.
    doubles: Vec<NewReview>,
    /// Companies that took up others of the CRM's: their links and records, and whom they took up.
    joined: Vec<(LinkId, RecordId, Vec<String>)>,
    /// Remote ids that could not be read now.
    pub later: BTreeSet<String>,
}

impl Taking {
    /// Links whose records were found until now, each with when it was last written.
    fn newly_absent(&self) -> Vec<(LinkId, i64)> {
        let new = self.absent.iter().filter(|link| !matches!(link.state.as_str(), "gone" | "suspect"));
        new.map(|link| (LinkId(link.id), link.written_at)).collect()
    }

    /// Links whose records were changed: with their record, and when they were last written.
    fn changed(&self) -> Vec<(LinkId, Uuid, i64)> {
        let said: HashMap<Uuid, Uuid> = self.statements.iter().map(|(link, record, _)| (*link, record.0)).collect();
        let shown = self.shown.iter().filter(|shown| !self.put_back.contains(&shown.id));
        shown.filter_map(|shown| Some((LinkId(shown.id), *said.get(&shown.id)?, shown.written_at))).collect()
    }

    /// Links whose records are gone since this read, and why: it showed them deleted, or they were not found the
    /// second time.
    fn surely_gone(&self, now: Time) -> Vec<(&Known, &'static str)> {
        let shown = self.gone.iter().map(|(link, code)| (link, *code)).filter(|(link, _)| link.state != "gone");
        let again = self.absent.iter().filter(|link| {
            link.state == "suspect"
                && matches!(link.code.as_deref(), Some(ABSENT | MASS_ABSENCE | MASS_DELETION))
                && link.suspect_at <= now.minus(SURE).0
        });
        shown.chain(again.map(|link| (link, ABSENT))).collect()
    }
}

impl Pusher {
    /// Reads what changed in a CRM, of the types that are mapped and have a cursor. `from` goes on
    /// with a longer pull: only its types, from exactly there.
    pub async fn pull(&self, connection: &Arc<Connection>, from: &BTreeMap<String, Place>) -> Result<Pulled, Stopped> {
        connection.check_account().await?;
        let fields = self.want_fields_that_came(connection).await;
        self.heed(connection, fields).await?;
        let mut all = Pulled::default();
        if from.is_empty() {
            let again = self.look_for_absent(connection).await;
            self.heed(connection, again).await?;
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
        self.heed(connection, taken).await
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
    async fn heed<T>(&self, connection: &Connection, result: Result<T, Stopped>) -> Result<T, Stopped> {
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

    /// The same, for who heeds what the CRM answers by themselves; moves a cursor with it.
    pub(crate) async fn read_in(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        ids: &[String],
        hinted: Option<Time>,
    ) -> Result<(usize, usize), Stopped> {
        let (taking, read) = self.gather(connection, remote_type, ids, hinted).await?;
        let weight = taking.changed().len();
        let claimed = self.write_down(connection, remote_type, taking, weight, None).await?;
        Ok((read, claimed))
    }

    /// Reads records by id; gives what they say, and how many there were.
    async fn gather(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        ids: &[String],
        hinted: Option<Time>,
    ) -> Result<(Taking, usize), Stopped> {
        let begun = self.clock.now();
        self.store.expire_leases(begun).await?;
        let known = self.store.links_by_remote(connection.id, remote_type, ids).await?;
        let mut taking = Taking::default();
        if let Some(object) = connection.mapping.object(remote_type).filter(|it| it.kind == Kind::Organisation) {
            let unknown = ids.iter().filter(|id| !known.iter().any(|link| link.remote_id == **id));
            let unknown: Vec<String> = unknown.cloned().collect();
            match hinted {
                _ if unknown.is_empty() => {}
                Some(_) => taking.later.extend(self.note_newcomers(connection, remote_type, unknown).await?),
                None => taking.doubles = self.meet_newcomers(connection, object, unknown).await?,
            }
        }
        // Who is being written now, or was perhaps, is read when that has ended.
        let (free, busy): (Vec<Known>, Vec<Known>) =
            known.into_iter().partition(|link| link.busy == 0 && link.written_at < begun.0);
        taking.later.extend(busy.into_iter().map(|link| link.remote_id));
        let keys: Vec<Key> = free.iter().map(|link| Key::Id(link.remote_id.clone())).collect();
        let records = if keys.is_empty() {
            Vec::new()
        } else {
            let fields = connection.mapping.field_names(remote_type);
            let found = connection.find(remote_type, &keys, &fields, None, begun).await?;
            if !found.slow.is_empty() {
                return Err(Stopped::Crm(CrmError::TooBroad { code: TOO_SLOW.into() }));
            }
            found.records
        };
        self.sort(connection, remote_type, free, &records, (begun, hinted), &mut taking).await?;
        Ok((taking, records.len()))
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

    /// What each link's record shows, or what became of it.
    async fn sort(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        links: Vec<Known>,
        records: &[RemoteRecord],
        (begun, hinted): (Time, Option<Time>),
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
                    _ => {
                        if !record.absorbed.is_empty() && Kind::parse(&link.kind) == Some(Kind::Organisation) {
                            taking.joined.push((LinkId(link.id), RecordId(link.record), record.absorbed.clone()));
                        }
                        here.push((link, *record));
                    }
                },
                None => taking.absent.push(link),
            }
        }
        self.compare(connection, remote_type, here, (begun, hinted), taking).await?;
        self.follow(connection, remote_type, moved, begun, taking).await
    }

    /// What records that are where they were say anew.
    async fn compare(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        links: Vec<(Known, &RemoteRecord)>,
        (begun, hinted): (Time, Option<Time>),
        taking: &mut Taking,
    ) -> Result<(), Stopped> {
        let mut all = Vec::new();
        for (link, record) in &links {
            if matches!(link.state.as_str(), "gone" | "suspect") {
                taking.revived.push((LinkId(link.id), RecordId(link.record)));
            }
            if link.state == "suspect" && link.code.as_deref() == Some(PUT_BACK) {
                taking.put_back.insert(link.id);
            }
            let Some(object) = connection.mapping.object_for(remote_type, &link.fields) else { continue };
            let eye = Eye::new(&self.country, object, &record.fields, &link.fields);
            if let Some(news) = news(&eye, link, record) {
                all.push((link, *record, object, eye, news));
            }
        }
        let changed: Vec<&Known> = all.iter().filter(|it| !it.4.is_empty()).map(|it| it.0).collect();
        let written = self.written_lately(&changed, begun).await?;
        let followed = self.store.cursor(connection.id, remote_type).await?.map_or(Time(0), |(at, _)| at);
        let owners: Vec<String> = all.iter().flat_map(|it| owner_ids(it.2, std::iter::once(it.1))).collect();
        let owners = connection.owner_names(&owners, begun).await?;
        let several = all.iter().map(|(_, record, object, _, news)| {
            let taken = news.0.keys().filter(|name| object.takes(name)).cloned().collect();
            (record.id.clone(), taken)
        });
        let several = several.filter(|(_, taken): &(String, BTreeSet<String>)| taken.len() > 1).collect();
        let mut histories = histories(connection, remote_type, several).await;
        for (link, record, object, eye, mut news) in all {
            let mut sent = link.sent.0.clone();
            let written = written.get(&link.record).map_or(&[][..], Vec::as_slice);
            // Two automations that fight through us are told apart from people by how often they do it.
            let mut contested = Vec::new();
            for (name, theirs) in &news.0 {
                if object.takes(name) && self.flips(link, &eye, object, name, theirs, written) >= FLIPS {
                    contested.push(name.clone());
                }
            }
            for (name, theirs) in &news.0 {
                // What is taken up counts as written: who empties it in another CRM means this one, too. What is
                // not, and was never written, is theirs: it is seen, and not ours to clear one day.
                if object.pushes(name) && (object.takes(name) || sent.0.contains_key(name)) {
                    sent.0.insert(name.clone(), eye.as_ours(name, theirs));
                }
            }
            let wanted = if contested.is_empty() { Wanted::default() } else { object.project(&link.fields) };
            for name in contested {
                news.0.remove(&name);
                let hash = plan::value_hash(wanted.fields.0.get(&name).unwrap_or(&None));
                let reason = "the CRM and another source change this field back and forth".to_owned();
                let held = HeldField { code: "contested".into(), reason, hash };
                if let Some((field, _)) = object.shows(&name) {
                    let review = ask_contested(link, &field, &name, connection.id, begun);
                    taking.contested.push((LinkId(link.id), name, held, review));
                }
            }
            // What a CRM says may lose against another source: then it is told what holds.
            if news.0.keys().any(|name| object.takes(name)) {
                taking.again.insert(link.id);
            }
            taking.shown.push(Shown {
                id: link.id,
                written_at: link.written_at,
                sent,
                seen: record.fields.clone(),
                seen_at: begun.0,
            });
            let mut before = link.sent.0.clone();
            before
                .0
                .extend(link.seen.0.0.iter().filter(|(_, value)| value.is_some()).map(|(n, v)| (n.clone(), v.clone())));
            before.0.extend(
                link.sent
                    .0
                    .0
                    .iter()
                    .filter(|(name, _)| !eye.is_seen_as_sent(name, link))
                    .map(|(n, v)| (n.clone(), v.clone())),
            );
            let last = |name: &str| {
                let mine = written.iter().filter(|one| one.link == link.id && one.fields.0.0.contains_key(name));
                mine.map(|one| one.begun_at).max().unwrap_or(0)
            };
            let base = followed.0.max(link.seen_at).max(hinted.map_or(0, |at| at.minus(HINT_LAG).0));
            let after = news.0.keys().map(|name| (name.clone(), Time(base.max(last(name))))).collect();
            let stamp = record.modified_at.map(|at| (at, connection.connector.profile().stamp_resolution));
            let mut exact = histories.remove(&record.id).unwrap_or_default();
            // A value that it shows no more was changed since it was read: the next look says when.
            exact.retain(|name, (value, _)| news.0.get(name) == Some(value));
            let exact = exact.into_iter().map(|(name, (_, at))| (name, at)).collect();
            let times = Times { read: connection.in_its_time(begun), stamp, after, exact };
            // What the mapping does not take up, such as an owner that the CRM chose, is no statement.
            let said = eye.changed(connection.id, record, &news, &before, &owners, &times);
            taking.statements.extend(said.into_iter().map(|said| (link.id, RecordId(link.record), said)));
        }
        Ok(())
    }

    /// What was written lately to any CRM about the records of these links, by record.
    async fn written_lately(&self, links: &[&Known], now: Time) -> Result<HashMap<Uuid, Vec<Replacement>>, Stopped> {
        let mut records: HashMap<Uuid, Uuid> = HashMap::new();
        for link in links {
            records.insert(link.id, link.record);
            for other in self.connections.all() {
                records.insert(link_id(other.id, RecordId(link.record)).0, link.record);
            }
        }
        let ids: Vec<Uuid> = records.keys().copied().collect();
        let mut written: HashMap<Uuid, Vec<Replacement>> = HashMap::new();
        for one in self.store.written_since(&ids, now.minus(HOUR)).await? {
            if let Some(record) = records.get(&one.link) {
                written.entry(*record).or_default().push(one);
            }
        }
        Ok(written)
    }

    /// How often within the hour a field went back to what it had been, counting this time; 0 unless the
    /// CRM replaced what we had written there.
    fn flips(
        &self,
        link: &Known,
        eye: &Eye<'_>,
        object: &Object,
        name: &str,
        theirs: &RemoteValue,
        written: &[Replacement],
    ) -> usize {
        // Nothing is known to be sent where a person has said that what the CRM shows holds.
        if !link.sent.0.0.contains_key(name) {
            return 0;
        }
        let (Some(field), true) =
            (object.shows(name), written.iter().any(|one| one.link == link.id && one.fields.0.0.contains_key(name)))
        else {
            return 0;
        };
        let (mut had, mut flips) = (BTreeSet::new(), 0);
        for one in written {
            let Some(connection) = self.connections.get(one.connection.into()) else { continue };
            let Some(object) = connection.mapping.object_for(&one.remote_type, &link.fields) else { continue };
            let there = Eye::new(&self.country, object, &one.fields.0, &link.fields);
            let same = one.fields.0.0.iter().filter(|(name, _)| object.shows(name).as_ref() == Some(&field));
            for (name, value) in same {
                let value = there.display(name, value);
                flips += usize::from(had.contains(&value));
                had.insert(value);
                if let Some(before) = one.before.0.0.get(name) {
                    had.insert(there.display(name, before));
                }
            }
        }
        if had.contains(&eye.display(name, theirs)) { flips + 1 } else { 0 }
    }

    /// Writes down what was read, with the cursor and the jobs that follow from it.
    async fn write_down(
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

/// When fields of records of which several changed were last set, each with its value, by the records' ids. It only
/// makes a time more exact: without it the look goes on.
async fn histories(
    connection: &Connection,
    remote_type: &str,
    mut several: Vec<(String, BTreeSet<String>)>,
) -> Histories {
    let mut histories = Histories::new();
    let Some(together) = connection.connector.profile().history else { return histories };
    several.truncate(HISTORIES);
    for part in several.chunks(together) {
        let (ids, names): (Vec<String>, Vec<BTreeSet<String>>) = part.iter().cloned().unzip();
        let names: Vec<String> = names.into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect();
        match connection.connector.history(remote_type, &ids, &names).await {
            Ok(found) => histories.extend(found),
            Err(error) => {
                tracing::debug!(code = error.code(), "the history of fields was not read");
                break;
            }
        }
    }
    histories
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
    let gone = Gone { link: LinkId(link.id), record: RecordId(link.record), kind, remote_type, id: &link.remote_id };
    gone.ask(code, connection, now)
}

/// A record that the CRM has no more.
pub(crate) struct Gone<'a> {
    pub link: LinkId,
    pub record: RecordId,
    pub kind: Kind,
    pub remote_type: &'a str,
    pub id: &'a str,
}

impl Gone<'_> {
    /// The same question, whether a read found it or a write.
    pub(crate) fn ask(&self, code: &str, connection: mittler_core::ConnectionId, now: Time) -> Option<NewReview> {
        matches!(self.kind, Kind::Person | Kind::Organisation | Kind::Fair).then(|| NewReview {
            id: derived_id(&[b"review", self.link.0.as_bytes(), code.as_bytes(), self.id.as_bytes()]),
            question: "deleted_there".into(),
            record: self.record.0,
            connection: Some(connection.0),
            candidates: json!({ "remote_type": self.remote_type, "ids": [self.id] }),
            reason: code.to_owned(),
            asked_at: now.0,
        })
    }
}

/// The question whose value holds in a field that two sides change back and forth. One for the field of a
/// record, whichever of the CRMs is the next to change it.
fn ask_contested(
    link: &Known,
    field: &Field,
    name: &str,
    connection: mittler_core::ConnectionId,
    now: Time,
) -> NewReview {
    NewReview {
        id: derived_id(&[b"review", link.record.as_bytes(), b"contested", field.as_str().as_bytes()]),
        question: "field_contested".into(),
        record: link.record,
        connection: Some(connection.0),
        candidates: json!({ "field": field, "remote_field": name, "ids": [link.remote_id] }),
        reason: "contested".into(),
        asked_at: now.0,
    }
}

/// The fields in which the CRM says something that it did not show before and that we did not
/// write; `None` if it shows just what it showed.
fn news(eye: &Eye<'_>, link: &Known, record: &RemoteRecord) -> Option<RemoteFields> {
    let differs = |name: &String, theirs: &Option<mittler_core::Value>| {
        // What was never read was not seen empty either: then only what we wrote is known. What was seen
        // before we wrote something else there is news if it is there again.
        let seen = link.seen.0.0.get(name).filter(|_| eye.is_seen_as_sent(name, link));
        match (seen, link.sent.0.0.get(name)) {
            (Some(seen), _) if eye.same(name, theirs, seen) => false,
            // What only they ever had there they may empty: that we never wrote it does not make it known.
            (Some(_), None) => true,
            (_, sent) => !eye.same(name, theirs, sent.unwrap_or(&None)),
        }
    };
    let fields = record.fields.0.iter().filter(|(name, theirs)| differs(name, theirs));
    let news: RemoteFields = fields.map(|(name, value)| (name.clone(), value.clone())).collect();
    (!news.is_empty() || record.fields != link.seen.0).then_some(news)
}
