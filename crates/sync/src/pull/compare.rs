//! What remote records that are where they were say anew.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use mittler_connector::{Histories, RemoteRecord};
use mittler_core::{
    Field, LinkId, RecordId, RemoteFields, RemoteValue, Time,
    mapping::{Object, Wanted},
    plan::{self, HeldField},
};
use mittler_store::{
    derived_id,
    links::{Known, LinkState, Shown, link_id},
    moved::Replacement,
    reviews::NewReview,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    connections::Connection,
    guard::PUT_BACK,
    lift::{RemoteLifter, Times, owner_ids},
    pull::taking::Taking,
    push::pusher::{Pusher, Stopped},
};

/// Within this time a field that changes back and forth is counted.
const HOUR: Duration = Duration::from_hours(1);

/// So many changes back within the hour, and a person is asked which value holds.
const FLIPS: usize = 3;

/// How long a hook may take from the change that it tells of.
const HINT_LAG: Duration = Duration::from_secs(3);

/// Records of one read whose fields' history is asked for.
const HISTORIES: usize = 200;

/// A link whose record shows something else than was known.
struct Compared<'a> {
    link: &'a Known,
    record: &'a RemoteRecord,
    object: &'a Object,
    lifter: RemoteLifter<'a>,
    news: RemoteFields,
}

/// What the comparison of the records of one read depends on.
struct ReadContext {
    connection: Arc<Connection>,
    /// When the read began.
    begun: Time,
    /// When the first hook came that told of a change, and was not yet read for.
    hinted: Option<Time>,
    /// What was written lately, by record of ours.
    written: HashMap<Uuid, Vec<Replacement>>,
    /// Up to when all changes of the type were read.
    followed: Time,
    /// Addresses of the CRM's users by their ids.
    owners: HashMap<String, String>,
    histories: Histories,
}

impl ReadContext {
    /// Between which times each field of the news was changed.
    fn times(&self, link: &Known, record: &RemoteRecord, news: &RemoteFields, written: &[Replacement]) -> Times {
        let last = |name: &str| {
            let mine = written.iter().filter(|one| one.link == link.id && one.fields.0.0.contains_key(name));
            mine.map(|one| one.begun_at).max().unwrap_or(0)
        };
        let hinted = self.hinted.map_or(0, |at| at.minus(HINT_LAG).0);
        let base = self.followed.0.max(link.seen_at).max(hinted);
        let after = news.0.keys().map(|name| (name.clone(), Time(base.max(last(name))))).collect();
        let stamp = record.modified_at.map(|at| (at, self.connection.connector.profile().stamp_resolution));
        // A value that it shows no more was changed since it was read: the next look says when.
        let history = self.histories.get(&record.id).into_iter().flatten();
        let exact = history.filter(|(name, (value, _))| news.0.get(*name) == Some(value));
        let exact = exact.map(|(name, (_, at))| (name.clone(), *at)).collect();
        Times { read: self.connection.in_its_time(self.begun), stamp, after, exact }
    }
}

impl Pusher {
    /// What records that are where they were say anew.
    pub(super) async fn compare(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        links: Vec<(Known, &RemoteRecord)>,
        (begun, hinted): (Time, Option<Time>),
        taking: &mut Taking,
    ) -> Result<(), Stopped> {
        let mut all = Vec::new();
        for (link, record) in &links {
            if matches!(link.state, LinkState::Gone | LinkState::Suspect) {
                taking.revived.push((LinkId(link.id), RecordId(link.record)));
            }
            if link.state == LinkState::Suspect && link.code.as_deref() == Some(PUT_BACK) {
                taking.put_back.insert(link.id);
            }
            let Some(object) = connection.mapping.object_for(remote_type, &link.fields) else { continue };
            let lifter = RemoteLifter::new(&self.country, object, &record.fields, &link.fields);
            if let Some(news) = news(&lifter, link, record) {
                all.push(Compared { link, record, object, lifter, news });
            }
        }
        let context = self.context(connection, remote_type, &all, (begun, hinted)).await?;
        for one in all {
            self.take_up(one, &context, taking);
        }
        Ok(())
    }

    /// Reads what the comparison of all of them depends on.
    async fn context(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        all: &[Compared<'_>],
        (begun, hinted): (Time, Option<Time>),
    ) -> Result<ReadContext, Stopped> {
        let changed: Vec<&Known> = all.iter().filter(|it| !it.news.is_empty()).map(|it| it.link).collect();
        let written = self.written_lately(&changed, begun).await?;
        let followed = match connection.connector.profile().feed_of(remote_type) {
            Some(feed) => self.store.cursor(connection.id, &feed.name).await?.map_or(Time(0), |it| it.followed),
            None => Time(0),
        };
        let owners: Vec<String> = all.iter().flat_map(|it| owner_ids(it.object, std::iter::once(it.record))).collect();
        let owners = connection.owner_names(&owners, begun).await?;
        let several = all.iter().map(|it| {
            let taken = it.news.0.keys().filter(|name| it.object.takes(name)).cloned().collect();
            (it.record.id.clone(), taken)
        });
        let several = several.filter(|(_, taken): &(String, BTreeSet<String>)| taken.len() > 1).collect();
        let histories = histories(connection, remote_type, several).await;
        let connection = Arc::clone(connection);
        Ok(ReadContext { connection, begun, hinted, written, followed, owners, histories })
    }

    /// Notes what one record shows, and takes its news up as what the CRM says.
    fn take_up(&self, one: Compared<'_>, context: &ReadContext, taking: &mut Taking) {
        let Compared { link, record, object, lifter, mut news } = one;
        let written = context.written.get(&link.record).map_or(&[][..], Vec::as_slice);
        let mut sent = link.sent.0.clone();
        // Two automations that fight through us are told apart from people by how often they do it.
        let flips = |(name, theirs): &(&String, &RemoteValue)| {
            object.takes(name) && self.flips(link, &lifter, object, name, theirs, written) >= FLIPS
        };
        let contested: Vec<String> = news.0.iter().filter(flips).map(|(name, _)| name.clone()).collect();
        for (name, theirs) in &news.0 {
            // What is taken up counts as written: who empties it in another CRM means this one, too. What is
            // not, and was never written, is theirs: it is seen, and not ours to clear one day.
            if object.pushes(name) && (object.takes(name) || sent.0.contains_key(name)) {
                sent.0.insert(name.clone(), lifter.as_ours(name, theirs));
            }
        }
        let wanted = if contested.is_empty() { Wanted::default() } else { object.project(&link.fields) };
        for name in contested {
            news.0.remove(&name);
            let hash = plan::value_hash(wanted.fields.0.get(&name).unwrap_or(&None));
            let reason = "the CRM and another source change this field back and forth".to_owned();
            let held = HeldField { code: "contested".into(), reason, hash };
            if let Some((field, _)) = object.shows(&name) {
                let review = ask_contested(link, &field, &name, context.connection.id, context.begun);
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
            seen_at: context.begun.0,
        });
        let times = context.times(link, record, &news, written);
        let before = shown_before(link, &lifter);
        // What the mapping does not take up, such as an owner that the CRM chose, is no statement.
        let said = lifter.changed(context.connection.id, record, &news, &before, &context.owners, &times);
        taking.statements.extend(said.into_iter().map(|said| (link.id, RecordId(link.record), said)));
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
        eye: &RemoteLifter<'_>,
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
            let there = RemoteLifter::new(&self.country, object, &one.fields.0, &link.fields);
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

/// What the CRM had in each field before it was changed, as far as is known: what was seen last, or what was written
/// since.
fn shown_before(link: &Known, lifter: &RemoteLifter<'_>) -> RemoteFields {
    let mut before = link.sent.0.clone();
    let seen = link.seen.0.0.iter().filter(|(_, value)| value.is_some());
    before.0.extend(seen.map(|(name, value)| (name.clone(), value.clone())));
    let sent_since = link.sent.0.0.iter().filter(|(name, _)| !lifter.is_seen_as_sent(name, link));
    before.0.extend(sent_since.map(|(name, value)| (name.clone(), value.clone())));
    before
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
fn news(eye: &RemoteLifter<'_>, link: &Known, record: &RemoteRecord) -> Option<RemoteFields> {
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
