//! Links whose remote records became others, went, or came back.

use mittler_core::{LinkId, RemoteFields, Time, Value};
use mittler_store::{
    intents::{Intent, IntentOutcome, Operation, Settled},
    leases::Receipt,
    links::{Shown, link_id},
    moved::Moved,
};

use super::{
    NOON,
    links::{LEASE, intent, lease, receipt, records, settle, want, wanted},
    seconds,
};
use crate::support::Fresh;

stories!(
    a_link_follows_its_record_unless_it_is_written_or_the_new_one_is_taken,
    a_link_that_went_comes_back,
    a_read_says_which_links_it_was_evidence_of,
    what_was_written_lately_is_known,
);

fn shown(text: &str) -> RemoteFields {
    let mut fields = RemoteFields::default();
    fields.set("note", Value::text(text).unwrap());
    fields
}

fn moved(link: LinkId, to: &str) -> Moved {
    let sent = RemoteFields::default();
    Moved { id: link.0, remote_type: "contact".into(), remote_id: to.into(), sent, seen: shown("theirs") }
}

async fn a_link_follows_its_record_unless_it_is_written_or_the_new_one_is_taken(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 4).await;
    want(store, ids.iter().map(|id| wanted(connection, *id, NOON)).collect()).await;
    let leased = lease(store, connection, NOON, 9).await;
    let receipts: Vec<Receipt> = leased.iter().map(receipt).collect();
    settle(store, &leased, receipts).await;
    let link = |n: usize| link_id(connection, ids[n]);
    // The third is being written; the fourth became what the second is.
    want(store, vec![wanted(connection, ids[2], NOON)]).await;
    assert_eq!(lease(store, connection, NOON, 9).await.len(), 1);
    let taken = link(1).0.to_string();
    let rows = vec![moved(link(0), "new"), moved(link(2), "other"), moved(link(3), &taken)];
    let all = rows.clone();
    let done = store.write(async move |tx| tx.move_links(&all).await).await.unwrap();
    assert_eq!(done, [link(0)]);
    let holders = store.write(async move |tx| tx.holders(&rows).await).await.unwrap();
    assert_eq!(holders, [(link(3).0, ids[1].0)]);
    let now = &store.link_lines(ids[0]).await.unwrap()[0];
    assert_eq!((now.remote_id.as_deref(), now.sent.0.is_empty(), now.wanted > now.done), (Some("new"), true, true));
    let known = store.links_by_remote(connection, "contact", &["new".into()]).await.unwrap();
    assert_eq!((known[0].seen.0.text("note"), known[0].busy, known[0].state.name()), (Some("theirs"), 0, "open"));
    let (a, b) = (link(0), link(2));
    let remote = store.write(async move |tx| tx.remote_ids(&[a, b]).await).await.unwrap();
    assert_eq!(remote.len(), 2);
}

async fn a_link_that_went_comes_back(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 2).await;
    want(store, ids.iter().map(|id| wanted(connection, *id, NOON)).collect()).await;
    let leased = lease(store, connection, NOON, 9).await;
    let receipts: Vec<Receipt> = leased.iter().map(receipt).collect();
    settle(store, &leased, receipts).await;
    let both = vec![link_id(connection, ids[0]), link_id(connection, ids[1])];
    let gone = both[0];
    store.write(async move |tx| tx.mark_gone(&[gone]).await).await.unwrap();
    store.write(async move |tx| tx.revive_links(&both).await).await.unwrap();
    let leased = lease(store, connection, NOON, 9).await;
    assert_eq!(leased.iter().map(|link| link.id).collect::<Vec<_>>(), [gone], "the other never went");
    assert_eq!(store.link_lines(ids[0]).await.unwrap()[0].code, None);
}

async fn a_read_says_which_links_it_was_evidence_of(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 3).await;
    want(store, ids.iter().map(|id| wanted(connection, *id, NOON)).collect()).await;
    let leased = lease(store, connection, NOON, 9).await;
    let receipts: Vec<Receipt> = leased.iter().map(receipt).collect();
    settle(store, &leased, receipts).await;
    // Of the second nobody knows how its last write ended.
    let intent = open_intent(connection, link_id(connection, ids[1]), NOON);
    store.write(async move |tx| tx.put_intents(std::slice::from_ref(&intent)).await).await.unwrap();
    let row = |n: usize, written_at: Time| Shown {
        id: link_id(connection, ids[n]).0,
        written_at: written_at.0,
        sent: shown("theirs"),
        seen: shown("theirs"),
        seen_at: NOON.0,
    };
    let rows = vec![row(0, NOON), row(1, NOON), row(2, Time(1))];
    let noted = store.write(async move |tx| tx.put_shown(&rows).await).await.unwrap();
    assert_eq!(noted, [link_id(connection, ids[0])]);
}

fn open_intent(connection: mittler_core::ConnectionId, link: LinkId, at: Time) -> Intent {
    Intent { fields: shown("ours"), ..intent(connection, link, Operation::Update, at) }
}

async fn what_was_written_lately_is_known(fresh: &Fresh) {
    let (store, connection) = (&fresh.store, super::connection());
    let ids = records(store, 1).await;
    want(store, vec![wanted(connection, ids[0], NOON)]).await;
    let link = link_id(connection, ids[0]);
    let intents: Vec<Intent> = (0..4).map(|n| open_intent(connection, link, NOON.plus(seconds(n)))).collect();
    let settled = |n: usize, outcome: IntentOutcome| Settled { id: intents[n].id, link: link.0, outcome, code: None };
    // The first is too old, the second was refused; of the third nobody knows, the fourth came.
    let ends = vec![
        settled(0, IntentOutcome::Updated),
        settled(1, IntentOutcome::Refused),
        settled(3, IntentOutcome::Updated),
    ];
    let all = intents.clone();
    store.write(async move |tx| tx.put_intents(&all).await).await.unwrap();
    let settle = store.write(async move |tx| {
        let holding = tx.hold_links(&[(link, 0)]).await?;
        tx.settle_intents(&holding, &ends, NOON.plus(LEASE)).await
    });
    settle.await.unwrap();
    let written = store.written_since(&[link.0], NOON.plus(seconds(1))).await.unwrap();
    assert_eq!(written.iter().map(|one| one.begun_at).collect::<Vec<_>>(), [intents[3].begun_at]);
    assert_eq!((written[0].link, written[0].fields.0.text("note")), (link.0, Some("ours")));
}
