//! Links: what is wanted, what was planned, and who may write.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use mittler_core::{
    ConnectionId, Field, Fields, Kind, LinkId, RecordId, RemoteFields, SignalId, Slot, Source, SourceKind, Sourced,
    SubjectId, Time, Value,
    plan::{Held, HeldField},
};
use mittler_store::{
    Store,
    decisions::NewDecision,
    due::DueLink,
    intents::{Intent, IntentOutcome, Operation, Settled},
    leases::{Lease, Receipt},
    links::{LinkState, Shown, WantedLink, link_id},
    records::RecordRow,
    reviews::NewReview,
};
use serde_json::json;
use uuid::Uuid;

use super::{NOON, Raw, seconds};
use crate::support::Fresh;

stories!(
    what_many_want_at_once_is_exact_and_nobody_is_in_the_way,
    a_link_wanted_twice_in_one_go_is_one_link,
    links_that_are_there_are_not_raised_when_only_missing_ones_are_made,
    no_more_links_are_leased_than_asked_for,
    a_lease_is_of_one_stage_and_type_and_waits_for_what_is_needed,
    what_changes_during_the_call_stays_due,
    a_lost_lease_writes_nothing,
    a_link_is_in_one_lease_whoever_looks_for_it,
    who_has_read_a_link_writes_nothing_once_another_has_written_it,
    what_was_about_to_be_written_is_open_once_its_lease_is_over,
    an_intent_stays_open_until_it_is_settled,
    a_read_older_than_a_write_is_no_evidence,
    links_are_wanted_again_by_name_by_connection_and_by_need,
    what_was_refused_held_or_lost_is_done_again,
    what_is_held_is_counted_with_the_age_of_its_first,
    who_was_erased_in_a_crm_is_never_tried_again_there,
    a_retry_shuts_out_a_write_that_is_still_under_way_to_a_record_that_is_gone,
    retries_and_receipts_at_once_leave_every_link_due_or_done,
);

pub const LEASE: Duration = Duration::from_secs(30);

pub fn fields(value: &str) -> Fields {
    let sourced = Sourced {
        value: Value::text(value).unwrap(),
        source: Source::new(SourceKind::Form, "story"),
        observed_at: NOON,
        signal: SignalId(Uuid::nil()),
        subject: SubjectId(Uuid::nil()),
        confidence: 100,
        how: "story".into(),
    };
    Fields([(Field::NOTE, Slot::One(sourced))].into())
}

pub fn record(id: RecordId, value: &str) -> RecordRow {
    RecordRow {
        id: id.0,
        kind: "person".into(),
        version: 1,
        fields: fields(value),
        person: None,
        created_at: NOON.0,
        updated_at: NOON.0,
        unsure_until: 0,
    }
}

pub fn value_of(fields: &Fields) -> String {
    fields.text(&Field::NOTE).unwrap_or_default().to_owned()
}

pub fn wanted(connection: ConnectionId, record: RecordId, now: Time) -> WantedLink {
    WantedLink {
        id: link_id(connection, record).0,
        connection: connection.0,
        record: record.0,
        kind: "person".into(),
        stage: 2,
        lane: 1,
        remote_type: "contact".into(),
        need_a: None,
        need_b: None,
        created_at: now.0,
    }
}

/// A write to a link of which nobody knows the end.
pub fn intent(connection: ConnectionId, link: LinkId, operation: Operation, at: Time) -> Intent {
    Intent {
        id: Uuid::now_v7(),
        link: link.0,
        connection: connection.0,
        operation,
        remote_type: "contact".into(),
        fields: RemoteFields::default(),
        before: RemoteFields::default(),
        begun_at: at.0,
        settled_at: None,
        outcome: None,
        code: None,
    }
}

/// The CRM took what was planned.
pub fn receipt(link: &DueLink) -> Receipt {
    let mut sent = RemoteFields::default();
    if let Some(value) = Value::text(&value_of(&link.fields)) {
        sent.set("note", value);
    }
    Receipt {
        id: link.id.0,
        epoch: link.epoch,
        remote_type: link.remote_type.clone(),
        remote_id: Some(link.id.0.to_string()),
        sent,
        held: Held::new(),
        done: Some(link.wanted),
        next_at: 0,
        attempt: 0,
        state: LinkState::Open,
        code: None,
        reason: None,
        written_at: NOON.0,
    }
}

pub async fn records(store: &Store, n: usize) -> Vec<RecordId> {
    let mut ids: Vec<RecordId> = (0..n).map(|_| RecordId(Uuid::new_v4())).collect();
    ids.sort();
    let rows: Vec<RecordRow> = ids.iter().map(|id| record(*id, "1")).collect();
    store.write(async move |tx| tx.insert_records(&mut rows.clone()).await).await.unwrap();
    ids
}

pub async fn want(store: &Store, links: Vec<WantedLink>) {
    store.write(async move |tx| tx.want_links(&mut links.clone()).await).await.unwrap();
}

/// Links under one lease.
#[derive(Debug)]
pub struct Batch {
    pub lease: Lease,
    pub links: Vec<DueLink>,
}

impl std::ops::Deref for Batch {
    type Target = Vec<DueLink>;

    fn deref(&self) -> &Vec<DueLink> {
        &self.links
    }
}

/// Leases what can be leased, once what has outlived its time is over.
pub async fn lease(store: &Store, connection: ConnectionId, now: Time, most: usize) -> Batch {
    store.expire_leases(now).await.unwrap();
    let due = store.due(connection, now, &[], &[], |_| most, i64::MAX).await.unwrap();
    let (links, _) = store.due_links(&due.map_or_else(Vec::new, |due| due.links), now).await.unwrap();
    begin(store, connection, links, now).await
}

/// Begins a lease of those of the links that are still to be had.
async fn begin(store: &Store, connection: ConnectionId, mut links: Vec<DueLink>, now: Time) -> Batch {
    let lease = Lease { id: Uuid::now_v7(), connection, until: now.plus(LEASE) };
    let read: Vec<_> = links.iter().map(|link| (link.id, link.epoch)).collect();
    let begun = store.write(async move |tx| {
        let holding = tx.hold_links(&read).await?;
        let held: Vec<LinkId> = read.iter().map(|(id, _)| *id).filter(|id| holding.has(*id)).collect();
        if !held.is_empty() {
            let writes: Vec<Intent> = held.iter().map(|id| intent(connection, *id, Operation::Update, now)).collect();
            tx.begin_lease(lease, &writes).await?;
        }
        Ok(held)
    });
    let held = begun.await.unwrap();
    links.retain(|link| held.contains(&link.id));
    Batch { lease, links }
}

/// Writes receipts and ends the lease; gives the links that were written.
pub async fn settle(store: &Store, batch: &Batch, receipts: Vec<Receipt>) -> Vec<LinkId> {
    let lease = batch.lease.id;
    let settle = store.write(async move |tx| {
        let Some(holding) = tx.hold_lease(lease).await? else { return Ok(Vec::new()) };
        let written = tx.put_receipts(&holding, &receipts).await?;
        tx.end_lease(lease).await?;
        Ok(written)
    });
    settle.await.unwrap()
}

async fn what_many_want_at_once_is_exact_and_nobody_is_in_the_way(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 120).await;
    let runs = Arc::new(AtomicU64::new(0));
    let writers = (0..16_usize).map(|writer| {
        let (ids, runs) = (ids.clone(), Arc::clone(&runs));
        async move {
            // Each in an order of its own; one in four is a worker that leases and settles.
            let mut links: Vec<WantedLink> = ids.iter().map(|id| wanted(connection, *id, NOON)).collect();
            fastrand::shuffle(&mut links);
            for _ in 0..3 {
                let (links, runs) = (links.clone(), Arc::clone(&runs));
                store
                    .write(async move |tx| {
                        runs.fetch_add(1, Ordering::SeqCst);
                        tx.want_links(&mut links.clone()).await
                    })
                    .await
                    .unwrap();
                if writer % 4 == 0 {
                    let leased = lease(store, connection, NOON, 50).await;
                    let mut receipts: Vec<Receipt> = leased.iter().map(receipt).collect();
                    fastrand::shuffle(&mut receipts);
                    assert_eq!(settle(store, &leased, receipts).await.len(), leased.len());
                }
            }
        }
    });
    join_all(writers).await;
    let mut raw = Raw::of(fresh).await;
    assert_eq!(
        raw.number("SELECT count(*) FROM link WHERE wanted = 48").await,
        120,
        "a wish was lost, or counted twice"
    );
    assert_eq!(runs.load(Ordering::SeqCst), 48, "writers were in each other's way");
    raw.close().await;
}

async fn a_link_wanted_twice_in_one_go_is_one_link(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 2).await;
    let one = wanted(connection, ids[0], NOON);
    want(store, vec![WantedLink { lane: 2, ..one.clone() }, one.clone(), wanted(connection, ids[1], NOON), one]).await;
    let mut raw = Raw::of(fresh).await;
    assert_eq!(raw.number("SELECT count(*) FROM link WHERE wanted = 1 AND lane = 1").await, 2);
    raw.close().await;
}

async fn links_that_are_there_are_not_raised_when_only_missing_ones_are_made(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 3).await;
    want(store, vec![wanted(connection, ids[0], NOON)]).await;
    let leased = lease(store, connection, NOON, 9).await;
    settle(store, &leased, vec![receipt(&leased[0])]).await;
    let all: Vec<WantedLink> = ids.iter().map(|id| wanted(connection, *id, NOON)).collect();
    store.write(async move |tx| tx.add_links(&mut all.clone()).await).await.unwrap();
    store.write(async move |tx| tx.add_links(&mut Vec::new()).await).await.unwrap();
    let due = store.due(connection, NOON, &[], &[], |_| 9, i64::MAX).await.unwrap().unwrap();
    let mut missing: Vec<Uuid> = ids[1..].iter().map(|id| link_id(connection, *id).0).collect();
    let mut found = due.links;
    missing.sort();
    found.sort();
    assert_eq!(found, missing);
}

/// As for jobs: a planner must not run the limited subquery once per row.
async fn no_more_links_are_leased_than_asked_for(fresh: &Fresh) {
    let connection = super::connection();
    let ids = records(&fresh.store, 60).await;
    want(&fresh.store, vec![wanted(connection, ids[0], NOON)]).await;
    let mut raw = Raw::of(fresh).await;
    raw.run("ANALYZE").await;
    want(&fresh.store, ids[1..].iter().map(|id| wanted(connection, *id, NOON)).collect()).await;
    if !fresh.store.is_sqlite() {
        let name = fresh.url().rsplit('/').next().unwrap();
        for off in ["enable_hashagg", "enable_hashjoin", "enable_mergejoin", "enable_material", "enable_sort"] {
            raw.run(&format!("ALTER DATABASE \"{name}\" SET {off} = off")).await;
        }
    }
    let store = if fresh.store.is_sqlite() { fresh.store.clone() } else { fresh.again().await };
    let mut all = Vec::new();
    for _ in 0..10 {
        let leased = lease(&store, connection, NOON, 6).await;
        assert_eq!(leased.len(), 6);
        all.extend(leased.iter().map(|link| link.id));
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 60, "a link was leased twice");
    if !store.is_sqlite() {
        store.close().await;
    }
    raw.close().await;
}

async fn a_lease_is_of_one_stage_and_type_and_waits_for_what_is_needed(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 5).await;
    let needed = link_id(connection, ids[0]).0;
    let other = link_id(connection, ids[1]).0;
    want(
        store,
        vec![
            WantedLink { stage: 0, remote_type: "company".into(), ..wanted(connection, ids[0], NOON) },
            WantedLink { stage: 0, remote_type: "event".into(), ..wanted(connection, ids[1], NOON) },
            WantedLink { need_a: Some(needed), ..wanted(connection, ids[2], NOON) },
            WantedLink { need_a: Some(needed), need_b: Some(other), ..wanted(connection, ids[3], NOON) },
            WantedLink { lane: 0, ..wanted(connection, ids[4], NOON) },
        ],
    )
    .await;
    want(store, vec![wanted(super::connection(), ids[0], NOON)]).await; // another account's
    let of = |leased: &[DueLink]| leased.iter().map(|link| link.record).collect::<Vec<_>>();
    let urgent = lease(store, connection, NOON, 9).await;
    assert_eq!(of(&urgent), [ids[4]], "the urgent lane first");
    assert_eq!((urgent[0].kind, value_of(&urgent[0].fields).as_str()), (Kind::Person, "1"));
    let company = lease(store, connection, NOON, 9).await;
    let event = lease(store, connection, NOON, 9).await;
    let mut both = [of(&company), of(&event)].concat();
    both.sort();
    assert_eq!((company.len(), event.len(), both), (1, 1, vec![ids[0], ids[1]]), "one type at a time");
    assert!(lease(store, connection, NOON, 9).await.is_empty(), "what they need is not there");
    // One need is written, the other is refused: both are no reason to wait any more.
    let company = if of(&company) == [ids[0]] { company } else { event };
    assert_eq!(settle(store, &company, vec![receipt(&company[0])]).await.len(), 1);
    assert_eq!(of(&lease(store, connection, NOON, 9).await), [ids[2]]);
    let gone = link_id(connection, ids[1]);
    store.write(async move |tx| tx.mark_gone(&[gone]).await).await.unwrap();
    assert_eq!(of(&lease(store, connection, NOON, 9).await), [ids[3]]);
}

async fn what_changes_during_the_call_stays_due(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 2).await;
    want(store, ids.iter().map(|id| wanted(connection, *id, NOON)).collect()).await;
    let leased = lease(store, connection, NOON, 9).await;
    want(store, vec![wanted(connection, ids[0], NOON)]).await;
    let soon = NOON.plus(LEASE.min(Duration::from_secs(1)));
    assert_eq!(store.next_link(connection, NOON).await.unwrap(), Some(soon));
    let mut receipts: Vec<Receipt> = leased.iter().map(receipt).collect();
    receipts.sort_by_key(|receipt| receipt.id != link_id(connection, ids[0]).0);
    // The CRM refused a field of the second: it is not planned again until it changes.
    let held = HeldField { code: "refused".into(), reason: "no".into(), hash: "h".into() };
    receipts[1].held.insert("phone".into(), held.clone());
    assert_eq!(settle(store, &leased, receipts).await.len(), 2);
    assert_eq!(store.next_link(connection, NOON).await.unwrap(), Some(Time(0)));
    let again = lease(store, connection, NOON, 9).await;
    assert_eq!(again.iter().map(|link| link.record).collect::<Vec<_>>(), [ids[0]]);
    assert_eq!((again[0].wanted, again[0].sent.text("note")), (2, Some("1")));
    // Not done after all, and not before a time.
    let mut later = receipt(&again[0]);
    (later.done, later.next_at, later.attempt, later.written_at) = (None, NOON.plus(seconds(60)).0, 3, 0);
    (later.code, later.reason) = (Some("unknown".into()), Some("cut off".into()));
    assert_eq!(settle(store, &again, vec![later]).await.len(), 1);
    assert!(lease(store, connection, NOON.plus(seconds(59)), 9).await.is_empty());
    let last = lease(store, connection, NOON.plus(seconds(60)), 9).await;
    assert_eq!(last[0].attempt, 3);
    let lines = store.link_lines(ids[1]).await.unwrap();
    assert_eq!((lines[0].held.0.get("phone"), lines[0].written_at), (Some(&held), NOON.0));
    let listed = store.links_waiting(Some(connection), None, 9).await.unwrap();
    assert_eq!(listed.len(), 2, "what is due, and what was written but for what is held");
    assert_eq!(store.links_waiting(None, Some(LinkId(listed[1].id)), 9).await.unwrap().len(), 0);
    let waiting: Vec<_> = listed.into_iter().filter(|line| line.wanted > line.done).collect();
    assert_eq!(waiting.iter().map(|line| line.record).collect::<Vec<_>>(), [ids[0].0]);
    assert_eq!(waiting[0].written_at, NOON.0, "a look does not take back when it was written");
}

async fn a_lost_lease_writes_nothing(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 2).await;
    want(store, ids.iter().map(|id| wanted(connection, *id, NOON)).collect()).await;
    let lost = lease(store, connection, NOON, 9).await;
    let holding = async |batch: &Batch| {
        let lease = batch.lease.id;
        let held = store.write(async move |tx| tx.hold_lease(lease).await).await.unwrap();
        held.map(|held| batch.iter().filter(|link| held.has(link.id)).count())
    };
    assert_eq!(holding(&lost).await, Some(2));
    store.expire_leases(NOON.plus(LEASE).minus(seconds(1))).await.unwrap();
    assert_eq!(holding(&lost).await, Some(2), "its time is not over");
    let later = NOON.plus(LEASE);
    let first = lease(store, connection, later, 1).await;
    assert_eq!(first.len(), 1);
    assert_eq!(holding(&lost).await, None, "its time was over, and another has one of them");
    assert_eq!(settle(store, &lost, lost.iter().map(receipt).collect()).await, []);
    let second = lease(store, connection, later, 9).await;
    assert_eq!(second.len(), 1, "one is leased, and none was written");
    // What is given back is due again when it is to be; what is being written is not given back by others.
    settle(store, &first, vec![receipt(&first[0])]).await;
    want(store, vec![wanted(connection, first[0].record, NOON)]).await;
    let (read, _) = store.due_links(&[first[0].id.0, second[0].id.0], later).await.unwrap();
    let all: Vec<_> = read.iter().map(|link| (link.id, link.epoch)).collect();
    let release = store.write(async move |tx| {
        let holding = tx.hold_links(&all).await?;
        tx.release_links(&holding, &all, later.plus(seconds(3)), Some("waits")).await
    });
    release.await.unwrap();
    assert!(lease(store, connection, later.plus(seconds(2)), 9).await.is_empty());
    let again = lease(store, connection, later.plus(seconds(3)), 9).await;
    assert_eq!(again.iter().map(|link| link.id).collect::<Vec<_>>(), [first[0].id]);
}

/// Two that look for due links at the same time find the same.
async fn a_link_is_in_one_lease_whoever_looks_for_it(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 30).await;
    want(store, ids.iter().map(|id| wanted(connection, *id, NOON)).collect()).await;
    let found = store.due(connection, NOON, &[], &[], |_| 30, i64::MAX).await.unwrap().unwrap().links;
    let (links, kept_out) = store.due_links(&found, NOON).await.unwrap();
    assert!(!kept_out);
    let begun = join_all((0..8).map(|n| begin(store, connection, links[n..n + 10].to_vec(), NOON))).await;
    let mut all: Vec<LinkId> = begun.iter().flat_map(|batch| batch.iter().map(|link| link.id)).collect();
    all.sort();
    let once = all.len();
    all.dedup();
    assert_eq!((all.len(), once), (17, 17), "each of the first seventeen has somebody, and nobody else");
    // What one has in hand is looked past, though nobody else could know.
    let rest = store.due(connection, NOON, &[], &[], |_| 30, i64::MAX).await.unwrap().unwrap().links;
    let (hand, others) = rest.split_at(6);
    assert_eq!(store.due(connection, NOON, hand, &[], |_| 30, i64::MAX).await.unwrap().unwrap().links, others);
    assert_eq!(store.due(connection, NOON, &rest, &[], |_| 30, i64::MAX).await.unwrap(), None);
}

async fn who_has_read_a_link_writes_nothing_once_another_has_written_it(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 2).await;
    want(store, ids.iter().map(|id| wanted(connection, *id, NOON)).collect()).await;
    let read = async || {
        let ids: Vec<Uuid> = ids.iter().map(|id| link_id(connection, *id).0).collect();
        store.due_links(&ids, NOON).await.unwrap().0
    };
    let late = read().await;
    let other = lease(store, connection, NOON, 1).await;
    assert_eq!(begin(store, connection, late.clone(), NOON).await.len(), 1, "the other is being written");
    assert_eq!(settle(store, &other, other.iter().map(receipt).collect()).await.len(), 1);
    want(store, vec![wanted(connection, other[0].record, NOON)]).await;
    assert_eq!(begin(store, connection, late.clone(), NOON).await.len(), 0, "its time is another by now");
    let receipts: Vec<Receipt> = late.iter().map(receipt).collect();
    let all: Vec<_> = receipts.iter().map(Receipt::of).collect();
    let written = store.write(async move |tx| {
        let holding = tx.hold_links(&all).await?;
        tx.put_receipts(&holding, &receipts).await
    });
    assert_eq!(written.await.unwrap(), []);
    assert_eq!(begin(store, connection, read().await, NOON).await.len(), 1, "read anew it can be had");
}

async fn what_was_about_to_be_written_is_open_once_its_lease_is_over(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 2).await;
    want(store, ids.iter().map(|id| wanted(connection, *id, NOON)).collect()).await;
    let due = store.due(connection, NOON, &[], &[], |_| 9, i64::MAX).await.unwrap().unwrap();
    let (batch, _) = store.due_links(&due.links, NOON).await.unwrap();
    assert!(batch.iter().all(|link| link.open_intent.is_none()));
    let at = NOON.plus(seconds(1));
    let written =
        |n: usize| Intent { fields: receipt(&batch[n]).sent, ..intent(connection, batch[n].id, Operation::Create, at) };
    // Of the third somebody was forgotten while the lease began.
    let forgotten = LinkId(Uuid::now_v7());
    let both = vec![written(0), written(1), intent(connection, forgotten, Operation::Create, at)];
    let (id, noted) = (Uuid::now_v7(), both.clone());
    let begun = Lease { id, connection, until: NOON.plus(LEASE) };
    store.write(async move |tx| tx.begin_lease(begun, &noted).await).await.unwrap();
    assert!(store.intents(batch[0].id, 9).await.unwrap().is_empty(), "it is with the lease as yet");
    // The worker dies after the first answer.
    let end = both[0].clone().ended(IntentOutcome::Created, None, NOON.plus(seconds(2)));
    let (one, first) = (receipt(&batch[0]), batch[0].id);
    let half = store.write(async move |tx| {
        let holding = tx.hold_lease(id).await?.unwrap();
        assert!(!holding.has(forgotten));
        tx.put_intents(std::slice::from_ref(&end)).await?;
        tx.put_receipts(&holding, std::slice::from_ref(&one)).await
    });
    assert_eq!(half.await.unwrap(), [first]);
    // Whoever has read the second before does not know what becomes of it.
    let before = (batch[1].id, store.due_links(&[batch[1].id.0], NOON).await.unwrap().0[0].epoch);
    let next = lease(store, connection, NOON.plus(LEASE), 9).await;
    assert_eq!(next.iter().map(|link| link.id).collect::<Vec<_>>(), [batch[1].id]);
    let held = store.write(async move |tx| tx.hold_links(&[before]).await);
    assert!(!held.await.unwrap().has(before.0));
    assert!(store.intents(forgotten, 9).await.unwrap().is_empty(), "it was to be forgotten");
    let open = next[0].open_intent.as_ref().unwrap();
    assert_eq!(
        (open.id, open.operation.name(), &open.fields, open.begun_at),
        (both[1].id, "create", &both[1].fields, NOON.plus(seconds(1)))
    );
    let lines = store.intents(first, 9).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.outcome.map(IntentOutcome::name)).collect::<Vec<_>>(), [Some("created")]);
}

async fn an_intent_stays_open_until_it_is_settled(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 1).await;
    want(store, vec![wanted(connection, ids[0], NOON)]).await;
    let link = link_id(connection, ids[0]);
    let intents = vec![
        intent(connection, link, Operation::Create, NOON),
        intent(connection, link, Operation::Update, NOON.plus(seconds(1))),
    ];
    let both = intents.clone();
    store.write(async move |tx| tx.put_intents(&both).await).await.unwrap();
    // Who takes the link sees the last of them.
    let open = async || store.due_links(&[link.0], NOON).await.unwrap().0.remove(0).open_intent.map(|open| open.id);
    assert_eq!(open().await, Some(intents[1].id));
    let end = |n: usize, outcome: IntentOutcome, code: Option<&str>| Settled {
        id: intents[n].id,
        link: link.0,
        outcome,
        code: code.map(str::to_owned),
    };
    let settle = async |ends: Vec<Settled>, at: Time| {
        let settle = store.write(async move |tx| {
            let holding = tx.hold_links(&[(link, 0)]).await?;
            tx.settle_intents(&holding, &ends, at).await
        });
        settle.await.unwrap();
    };
    settle(vec![end(1, IntentOutcome::Unknown, Some("timeout"))], NOON.plus(seconds(2))).await;
    // What is settled stays as it was settled.
    settle(vec![end(1, IntentOutcome::Created, None), end(0, IntentOutcome::Created, None)], NOON.plus(seconds(9)))
        .await;
    let lines = store.intents(link, 9).await.unwrap();
    let ends: Vec<_> = lines
        .iter()
        .map(|line| (line.outcome.map(IntentOutcome::name), line.code.as_deref(), line.settled_at))
        .collect();
    let at = |n| Some(NOON.plus(seconds(n)).0);
    assert_eq!(ends, [(Some("unknown"), Some("timeout"), at(2)), (Some("created"), None, at(9))]);
    // The same page by page, by the time at which each ended.
    let first = store.writes_before(link, (Time::MAX, Uuid::max()), 1).await.unwrap().remove(0);
    assert_eq!(first.outcome.map(IntentOutcome::name), Some("created"));
    let before = (Time(first.settled_at.unwrap()), first.id);
    let rest = store.writes_before(link, before, 9).await.unwrap();
    assert_eq!(rest.iter().map(|line| line.outcome.map(IntentOutcome::name)).collect::<Vec<_>>(), [Some("unknown")]);
    let before = (Time(rest[0].settled_at.unwrap()), rest[0].id);
    assert!(store.writes_before(link, before, 9).await.unwrap().is_empty());
    assert_eq!(store.last_answers(NOON).await.unwrap(), [(connection.0, NOON.plus(seconds(9)).0)]);
    assert!(store.last_answers(NOON.plus(seconds(60))).await.unwrap().is_empty());
    let counts = store.intent_counts(NOON.plus(seconds(1))).await.unwrap();
    assert_eq!(counts, [(connection.0, "contact".to_owned(), "unknown".to_owned(), 1)]);
    assert_eq!(open().await, None);
}

async fn who_was_erased_in_a_crm_is_never_tried_again_there(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 1).await;
    want(store, vec![wanted(connection, ids[0], NOON)]).await;
    let leased = lease(store, connection, NOON, 9).await;
    settle(store, &leased, vec![receipt(&leased[0])]).await;
    let link = leased[0].id;
    let held = HeldField { code: "contested".into(), reason: String::new(), hash: "1".into() };
    let holds = vec![(link, "note".to_owned(), held.clone())];
    let known = store
        .write(async move |tx| {
            tx.hold_fields(&holds).await?;
            tx.held(link).await
        })
        .await
        .unwrap();
    assert_eq!(known.get("note"), Some(&held));
    let review = Uuid::new_v4();
    let question = NewReview {
        id: review,
        question: "deleted_there".into(),
        record: ids[0].0,
        connection: Some(connection.0),
        candidates: json!({}),
        reason: "deleted_there".into(),
        asked_at: NOON.0,
    };
    let decision = NewDecision {
        id: Uuid::new_v4(),
        verdict: "left_out".into(),
        review,
        record: ids[0].0,
        other: connection.0,
        decided_by: "system".into(),
        decided_at: NOON.0,
    };
    let (record, standing) = (ids[0], decision.id);
    let (answered, retried) = store
        .write(async move |tx| {
            tx.ask(std::slice::from_ref(&question)).await?;
            tx.decide(std::slice::from_ref(&decision)).await?;
            tx.erase_link(link).await?;
            let said = json!({ "answer": "erased_there" });
            let answered = tx.answer_all(record, connection, "deleted_there", &said, NOON).await?;
            Ok((answered, tx.retry_links(connection, None).await?))
        })
        .await
        .unwrap();
    assert_eq!((answered, retried), (1, 0), "the question is over, and nothing makes it again");
    let stand = store.standing_decisions(review).await.unwrap();
    assert_eq!(stand.iter().map(|it| it.id).collect::<Vec<_>>(), [standing]);
    let erased = store.link_lines(ids[0]).await.unwrap().remove(0);
    assert_eq!((erased.role.name(), erased.code.as_deref()), ("excluded", Some("erased_there")));
    assert!(erased.held.0.is_empty() && erased.sent.0.is_empty());
    want(store, vec![wanted(connection, ids[0], NOON)]).await;
    assert!(lease(store, connection, NOON, 9).await.is_empty(), "it is written again");
}

async fn a_read_older_than_a_write_is_no_evidence(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 1).await;
    want(store, vec![wanted(connection, ids[0], NOON)]).await;
    let leased = lease(store, connection, NOON, 9).await;
    let (link, remote) = (leased[0].id, leased[0].id.0.to_string());
    let known = async || store.links_by_remote(connection, "contact", std::slice::from_ref(&remote)).await.unwrap();
    assert!(known().await.is_empty());
    let show = async |note: &str, written_at: Time| {
        let mut seen = RemoteFields::default();
        seen.set("note", Value::text(note).unwrap());
        let shown =
            vec![Shown { id: link.0, written_at: written_at.0, sent: seen.clone(), seen, seen_at: written_at.0 }];
        store.write(async move |tx| tx.put_shown(&shown).await).await.unwrap();
    };
    settle(store, &leased, vec![receipt(&leased[0])]).await;
    show("too old", Time(0)).await;
    assert_eq!(known().await[0].sent.0.text("note"), Some("1"), "a read from before the write");
    show("theirs", NOON).await;
    let now = known().await.remove(0);
    assert_eq!((now.seen.0.text("note"), now.sent.0.text("note"), now.busy), (Some("theirs"), Some("theirs"), 0));
    want(store, vec![wanted(connection, ids[0], NOON)]).await;
    lease(store, connection, NOON, 9).await;
    show("meanwhile", NOON).await;
    assert_eq!(known().await[0].seen.0.text("note"), Some("theirs"), "while somebody writes");
    let mut seen = RemoteFields::default();
    seen.set("note", Value::text("ours").unwrap());
    store.write(async move |tx| tx.put_seen(&[(link, seen.clone(), NOON)]).await).await.unwrap();
    assert_eq!(known().await[0].seen.0.text("note"), Some("ours"));
    let counterparts = store.counterparts(connection, &ids).await.unwrap();
    assert_eq!((counterparts[0].remote_id.as_ref(), counterparts[0].state.name()), (Some(&remote), "open"));
    assert!(store.counterparts(super::connection(), &ids).await.unwrap().is_empty());
}

async fn links_are_wanted_again_by_name_by_connection_and_by_need(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 3).await;
    let person = ids[0];
    let activity = RecordId(Uuid::new_v4());
    let about = vec![RecordRow { kind: "activity".into(), ..record(activity, "call") }];
    store.write(async move |tx| tx.insert_records(&mut about.clone()).await).await.unwrap();
    let need = Some(link_id(connection, person).0);
    let mut links: Vec<WantedLink> = ids.iter().map(|id| wanted(connection, *id, NOON)).collect();
    links.push(WantedLink { stage: 4, kind: "activity".into(), need_a: need, ..wanted(connection, activity, NOON) });
    want(store, links).await;
    // The person is refused; the activity goes without.
    let leased = lease(store, connection, NOON, 9).await;
    let refused = |link: &DueLink, code: &str, state: LinkState| Receipt {
        code: Some(code.into()),
        state,
        remote_id: None,
        ..receipt(link)
    };
    let receipts = leased
        .iter()
        .map(|link| if link.record == person { refused(link, "required", LinkState::Refused) } else { receipt(link) })
        .collect();
    assert_eq!(settle(store, &leased, receipts).await.len(), 3);
    let leased = lease(store, connection, NOON, 9).await;
    assert_eq!(leased.len(), 1);
    settle(store, &leased, vec![refused(&leased[0], "need_refused", LinkState::Open)]).await;
    assert!(lease(store, connection, NOON, 9).await.is_empty());
    let counts = store.link_counts().await.unwrap();
    let of = |kind: &str| counts.iter().find(|count| count.kind == kind).map(|c| (c.total, c.due, c.refused)).unwrap();
    assert_eq!((of("person"), of("activity")), ((3, 0, 1), (1, 0, 0)));
    let open = store.backlog().await.unwrap();
    assert_eq!(open.iter().map(|it| (it.stage, it.due, it.refused)).collect::<Vec<_>>(), [(2, 0, 1)]);
    let refused = store.waiting_counts().await.unwrap();
    assert_eq!(refused.iter().map(|w| (w.code.as_deref(), w.count)).collect::<Vec<_>>().len(), 2);
    // The person was corrected and is written: what went without is completed.
    let link = link_id(connection, person);
    store.write(async move |tx| tx.want_again(&[link]).await).await.unwrap();
    let leased = lease(store, connection, NOON, 9).await;
    assert_eq!(leased.iter().map(|link| link.record).collect::<Vec<_>>(), [person]);
    settle(store, &leased, vec![receipt(&leased[0])]).await;
    store.write(async move |tx| tx.want_dependants(&[link]).await).await.unwrap();
    let leased = lease(store, connection, NOON, 9).await;
    assert_eq!(leased.iter().map(|link| link.record).collect::<Vec<_>>(), [activity]);
    settle(store, &leased, vec![receipt(&leased[0])]).await;
    store.write(async move |tx| tx.want_dependants(&[link]).await).await.unwrap();
    assert!(lease(store, connection, NOON, 9).await.is_empty(), "once");
    // Gone there: nothing is written until somebody decides.
    let gone = link_id(connection, ids[1]);
    store.write(async move |tx| tx.mark_gone(&[gone]).await).await.unwrap();
    assert_eq!(store.link_lines(ids[1]).await.unwrap()[0].code.as_deref(), Some("deleted_there"));
    want(store, vec![wanted(connection, ids[1], NOON)]).await;
    assert!(lease(store, connection, NOON, 9).await.is_empty(), "the record changed, and that decides nothing");
    assert_eq!(store.next_link(connection, NOON).await.unwrap(), None);
    // Another mode or mapping: all but that one, slice by slice.
    let slice =
        async |after: Uuid| store.write(async move |tx| tx.want_slice(connection, after, true, 2).await).await.unwrap();
    let mut after = slice(Uuid::nil()).await;
    let mut slices = 1;
    while let Some(last) = after {
        after = slice(last).await;
        slices += 1;
    }
    assert_eq!((slices, lease(store, connection, NOON, 9).await.len()), (2, 2), "of one stage and type");
    assert_eq!(store.link_lines(ids[1]).await.unwrap()[0].code.as_deref(), Some("deleted_there"));
}

/// The one link of a record.
async fn line(store: &Store, record: RecordId) -> mittler_store::links::LinkLine {
    store.link_lines(record).await.unwrap().remove(0)
}

async fn retry(store: &Store, connection: ConnectionId, link: Option<LinkId>) -> u64 {
    store.write(async move |tx| tx.retry_links(connection, link).await).await.unwrap()
}

async fn what_is_held_is_counted_with_the_age_of_its_first(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    assert!(store.held_links().await.unwrap().is_empty());
    let ids = records(store, 3).await;
    let later = NOON.plus(seconds(60));
    let links =
        vec![wanted(connection, ids[0], NOON), wanted(connection, ids[1], later), wanted(connection, ids[2], later)];
    let stage = links[0].stage;
    want(store, links).await;
    let leased = lease(store, connection, later, 9).await;
    let receipts = leased.iter().map(|link| match link.record {
        it if it == ids[2] => receipt(link),
        _ => Receipt { state: LinkState::Held, code: Some("pilot".into()), ..receipt(link) },
    });
    settle(store, &leased, receipts.collect()).await;
    let held = store.held_links().await.unwrap();
    let held: Vec<_> = held.iter().map(|held| (held.connection, held.stage, held.count, held.oldest)).collect();
    assert_eq!(held, [(connection.0, stage, 2, NOON.0)]);
}

async fn what_was_refused_held_or_lost_is_done_again(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 4).await;
    let [refused, held, gone, fine] = [ids[0], ids[1], ids[2], ids[3]];
    let visit = RecordId(Uuid::new_v4());
    let about = vec![RecordRow { kind: "participation".into(), person: Some(gone.0), ..record(visit, "visit") }];
    store.write(async move |tx| tx.insert_records(&mut about.clone()).await).await.unwrap();
    let mut links: Vec<WantedLink> = ids.iter().map(|id| wanted(connection, *id, NOON)).collect();
    let need = Some(link_id(connection, gone).0);
    links.push(WantedLink { stage: 3, kind: "participation".into(), need_b: need, ..wanted(connection, visit, NOON) });
    want(store, links).await;
    let field = HeldField { code: "refused".into(), reason: "restricted picklist".into(), hash: "x".into() };
    let leased = lease(store, connection, NOON, 9).await;
    let receipts = leased.iter().map(|link| match link.record {
        it if it == refused => Receipt {
            state: LinkState::Refused,
            code: Some("REQUIRED".into()),
            reason: Some("a name is missing".into()),
            remote_id: None,
            attempt: 5,
            ..receipt(link)
        },
        it if it == held => Receipt { held: [("Industry".to_owned(), field.clone())].into(), ..receipt(link) },
        _ => receipt(link),
    });
    settle(store, &leased, receipts.collect()).await;
    let participation = lease(store, connection, NOON, 9).await;
    settle(store, &participation, vec![receipt(&participation[0])]).await;
    store.write(async move |tx| tx.mark_gone(&[link_id(connection, gone)]).await).await.unwrap();
    let waiting = store.waiting_counts().await.unwrap();
    let mut states: Vec<&str> = waiting.iter().map(|row| row.state.name()).collect();
    states.sort_unstable();
    assert_eq!(states, ["gone", "held", "refused"]);
    let listed = store.links_waiting(Some(connection), None, 9).await.unwrap();
    assert_eq!(
        listed.iter().map(|link| RecordId(link.record)).collect::<std::collections::BTreeSet<_>>(),
        [refused, held, gone].into()
    );

    assert_eq!(retry(store, super::connection(), None).await, 0, "of another connection");
    assert_eq!(retry(store, connection, Some(link_id(connection, fine))).await, 0, "nothing is wrong with it");
    assert_eq!(store.link_connection(link_id(connection, fine)).await.unwrap(), Some(connection));
    assert_eq!(store.link_connection(LinkId(Uuid::new_v4())).await.unwrap(), None);
    assert_eq!(retry(store, connection, Some(link_id(connection, refused))).await, 1);
    let again = lease(store, connection, NOON, 9).await;
    assert_eq!(again.iter().map(|link| (link.record, link.attempt)).collect::<Vec<_>>(), [(refused, 0)]);
    settle(store, &again, vec![receipt(&again[0])]).await;

    assert_eq!(retry(store, connection, None).await, 2);
    let anew = line(store, gone).await;
    assert_eq!((anew.remote_id, anew.sent.0, anew.written_at, anew.code), (None, RemoteFields::default(), 0, None));
    let other = line(store, held).await;
    assert!(other.held.0.is_empty() && other.remote_id.is_some() && other.written_at > 0, "{other:?}");
    let mut again = lease(store, connection, NOON, 9).await;
    again.links.sort_by_key(|link| link.record != held);
    assert_eq!(
        again.iter().map(|link| link.record).collect::<Vec<_>>(),
        [held, gone],
        "the visit waits for its person"
    );
    // It is made again: under another id there, and the old one may belong to somebody else by now.
    let made = Receipt { remote_id: Some("made again".into()), ..receipt(&again[1]) };
    assert_eq!(settle(store, &again, vec![receipt(&again[0]), made]).await.len(), 2);
    let hanging = lease(store, connection, NOON, 9).await;
    assert_eq!(hanging.iter().map(|link| link.record).collect::<Vec<_>>(), [visit], "it hangs on the new one");
    settle(store, &hanging, vec![receipt(&hanging[0])]).await;
    assert_eq!(retry(store, connection, None).await, 0, "nothing is left to be done again");
}

async fn a_retry_shuts_out_a_write_that_is_still_under_way_to_a_record_that_is_gone(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 1).await;
    want(store, vec![wanted(connection, ids[0], NOON)]).await;
    let first = lease(store, connection, NOON, 9).await;
    settle(store, &first, vec![receipt(&first[0])]).await;
    want(store, vec![wanted(connection, ids[0], NOON)]).await;
    let writing = lease(store, connection, NOON, 9).await;
    let gone = link_id(connection, ids[0]);
    store.write(async move |tx| tx.mark_gone(&[gone]).await).await.unwrap();
    assert_eq!(retry(store, connection, None).await, 1);
    assert!(lease(store, connection, NOON, 9).await.is_empty(), "the write is still under way");
    assert_eq!(settle(store, &writing, vec![receipt(&writing[0])]).await, [], "it would bring the old id back");
    assert_eq!(line(store, ids[0]).await.remote_id, None);
    let late = NOON.plus(LEASE * 2);
    assert_eq!(lease(store, connection, late, 9).await.len(), 1);
}

async fn retries_and_receipts_at_once_leave_every_link_due_or_done(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 40).await;
    want(store, ids.iter().map(|id| wanted(connection, *id, NOON)).collect()).await;
    let leased = lease(store, connection, NOON, 40).await;
    let refusals: Vec<Receipt> =
        leased.iter().map(|link| Receipt { state: LinkState::Refused, remote_id: None, ..receipt(link) }).collect();
    settle(store, &leased, refusals).await;
    let people = join_all((0..8).map(|_| retry(store, connection, None)));
    let workers = join_all((0..8).map(|_| async move {
        let leased = lease(store, connection, NOON, 7).await;
        tokio::task::yield_now().await;
        settle(store, &leased, leased.iter().map(receipt).collect()).await.len()
    }));
    futures_util::join!(people, workers);
    // Whatever came first: who is not written yet is leased now, and then all are.
    let rest = lease(store, connection, NOON, 40).await;
    settle(store, &rest, rest.iter().map(receipt).collect()).await;
    for id in ids {
        let link = line(store, id).await;
        assert_eq!((link.state.name(), link.wanted, link.remote_id.is_some()), ("open", link.done, true), "{link:?}");
    }
}
