//! Who is who, and what is held to be true: two writers never make one person twice, nor lose what
//! one of them heard.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::future::join_all;
use mittler_core::{
    Field, Kind, RecordId, Said, SignalId, Source, SourceKind, Statement, SubjectId, Value, Version, derive::Overrides,
    key::Basis,
};
use mittler_store::{Error, records::KeyRow};
use mittler_sync::apply_statements::apply_statements;
use uuid::Uuid;

use super::{NOON, Raw, links, seconds};
use crate::support::Fresh;

stories!(
    two_who_claim_one_key_make_one_record,
    what_ten_say_of_one_record_at_once_is_all_kept,
    statements_about_a_record_that_is_gone_are_not_kept,
    weak_keys_are_shared_and_their_block_is_locked,
    records_are_listed_in_order_and_by_what_they_are_about,
    records_are_found_by_up_to_three_parts_of_what_stands_in_them,
);

async fn records_are_found_by_up_to_three_parts_of_what_stands_in_them(fresh: &Fresh) {
    let ids = [1, 2, 3].map(|n| RecordId(key(n)));
    let mut rows: Vec<_> = ids
        .iter()
        .zip(["Öde Mühle GmbH", "ÖDE MÜHLE AG", "Obermühle"])
        .map(|(id, note)| links::record(*id, note))
        .collect();
    for (at, row) in rows.iter_mut().enumerate() {
        row.updated_at += i64::try_from(at).unwrap();
    }
    fresh.store.write(async move |tx| tx.insert_records(&mut rows.clone()).await).await.unwrap();
    let find = async |like: &[&str], most: i64| {
        let like: Vec<String> = like.iter().map(|one| (*one).to_owned()).collect();
        let found = fresh.store.records_like(Kind::Person, &like, most).await.unwrap();
        found.into_iter().map(|row| RecordId(row.id)).collect::<Vec<_>>()
    };
    assert_eq!(find(&["%m_hle%"], 9).await, [ids[2], ids[1], ids[0]], "the latest first, in small letters and large");
    assert_eq!(find(&["%m_hle%"], 1).await, [ids[2]]);
    assert_eq!(find(&["%m_hle%", "%_de%", "%gmbh%"], 9).await, [ids[0]]);
    assert!(find(&["%m_hle%", "%nirgends%"], 9).await.is_empty());
    assert!(fresh.store.records_like(Kind::Fair, &[], 9).await.unwrap().is_empty());
}

fn key(n: u8) -> Uuid {
    Uuid::from_bytes([n; 16])
}

/// Many leads about one person at once, by one e-mail address and by another that some of them
/// name: matched, or made, and matched again if another was first.
async fn two_who_claim_one_key_make_one_record(fresh: &Fresh) {
    let raced = Arc::new(AtomicU64::new(0));
    let (looks, met) = (Arc::new(AtomicU64::new(0)), Arc::new(tokio::sync::Barrier::new(2)));
    let mut takers = Vec::new();
    for n in 0..24_u64 {
        let (store, raced) = (fresh.store.clone(), Arc::clone(&raced));
        let (looks, met) = (Arc::clone(&looks), Arc::clone(&met));
        // The two keys in one or the other order.
        let keys = if n % 2 == 0 { [key(1), key(2)] } else { [key(2), key(1)] };
        takers.push(async move {
            let mut runs = 0;
            let made = RecordId(Uuid::new_v4());
            loop {
                runs += 1;
                assert!(runs < 50, "no end of races");
                let (raced, looks, met) = (Arc::clone(&raced), Arc::clone(&looks), Arc::clone(&met));
                let one_by_one = store.is_sqlite();
                let end = store
                    .write(async move |tx| {
                        let known = tx.by_strong_keys(&keys).await?;
                        if let Some(row) = known.first() {
                            return Ok(RecordId(row.record));
                        }
                        // The first two have both looked, and found nothing, before one of them claims.
                        if !one_by_one && looks.fetch_add(1, Ordering::SeqCst) < 2 {
                            met.wait().await;
                        }
                        let rows = keys.map(|key| KeyRow {
                            key,
                            record: made.0,
                            key_type: "email".into(),
                            basis: Basis::Derived,
                        });
                        if tx.claim_keys(&mut rows.to_vec()).await?.len() < keys.len() {
                            raced.fetch_add(1, Ordering::SeqCst);
                            return Err(Error::Raced);
                        }
                        tx.insert_records(&mut vec![links::record(made, "made")]).await?;
                        Ok(made)
                    })
                    .await;
                match end {
                    Ok(record) => return record,
                    Err(Error::Raced) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    let records: BTreeSet<RecordId> = join_all(takers).await.into_iter().collect();
    assert_eq!(records.len(), 1, "one person became several");
    let mut raw = Raw::of(fresh).await;
    assert_eq!(raw.number("SELECT count(*) FROM record").await, 1);
    assert_eq!(raw.number("SELECT count(*) FROM record_key").await, 2);
    raw.close().await;
    let record = *records.first().unwrap();
    assert_eq!(fresh.store.by_key(key(1)).await.unwrap(), Some(record));
    assert_eq!(fresh.store.by_key(key(9)).await.unwrap(), None);
    if !fresh.store.is_sqlite() {
        assert!(raced.load(Ordering::SeqCst) > 0, "nobody met anybody: the story told nothing");
    }
    // A record that another has made under the same id is met in the same way.
    let end =
        fresh.store.write(async move |tx| tx.insert_records(&mut vec![links::record(record, "again")]).await).await;
    assert!(matches!(end, Err(Error::Raced)), "{end:?}");
}

fn statement(n: u64, email: &str) -> Statement {
    let at = NOON.plus(seconds(n));
    Statement {
        subject: SubjectId(Uuid::new_v4()),
        signal: SignalId(Uuid::new_v4()),
        source: Source::new(SourceKind::Form, "story"),
        observed_at: at,
        version: Version(at, at),
        said: vec![
            Said::element(Field::EMAILS, email, Value::text(email).unwrap(), "story"),
            Said::new(Field::NOTE, Value::text(&format!("note {n}")).unwrap(), "story"),
        ],
    }
}

async fn what_ten_say_of_one_record_at_once_is_all_kept(fresh: &Fresh) {
    let store = &fresh.store;
    let ids = links::records(store, 2).await;
    join_all((0..30_u64).map(|n| {
        let ids = ids.clone();
        async move {
            // Some speak of two records, named in one or the other order.
            let mut new = vec![(ids[0], statement(n, &format!("{n}@example.com")))];
            if n % 3 == 0 {
                new.insert(usize::from(n % 2 == 0), (ids[1], statement(n, &format!("{n}@example.org"))));
            }
            store
                .write(async move |tx| apply_statements(tx, &new, &Overrides::new(), NOON).await.map(|_| ()))
                .await
                .unwrap();
        }
    }))
    .await;
    let records = store.records(&ids).await.unwrap();
    let heard = [30, 10];
    for (record, heard) in records.iter().zip(heard) {
        assert_eq!(record.fields.elements(&Field::EMAILS).len(), heard, "what one heard was lost");
        assert_eq!(store.statements(record.id).await.unwrap().len(), heard);
    }
    assert_eq!(records[0].fields.text(&Field::NOTE), Some("note 29"));
    // Derived from all of them, not counted up: the same once more changes nothing.
    let known = store.statements(ids[0]).await.unwrap();
    assert_eq!(known[0].observed_at, NOON.plus(seconds(29)), "the latest first");
    let again: Vec<(RecordId, Statement)> = known.into_iter().map(|statement| (ids[0], statement)).collect();
    let changed = store
        .write(async move |tx| apply_statements(tx, &again, &Overrides::new(), NOON).await.map(|c| c.len()))
        .await
        .unwrap();
    assert_eq!((changed, store.record(ids[0]).await.unwrap().unwrap().version), (0, records[0].version));
}

/// Whoever was forgotten between the match and the write: what is said of them would be found by
/// nobody.
async fn statements_about_a_record_that_is_gone_are_not_kept(fresh: &Fresh) {
    let ids = links::records(&fresh.store, 1).await;
    let new =
        vec![(ids[0], statement(1, "here@example.com")), (RecordId(Uuid::new_v4()), statement(2, "gone@example.com"))];
    fresh
        .store
        .write(async move |tx| apply_statements(tx, &new, &Overrides::new(), NOON).await.map(|_| ()))
        .await
        .unwrap();
    let mut raw = Raw::of(fresh).await;
    assert_eq!(raw.number("SELECT count(*) FROM statement").await, 1);
    raw.close().await;
}

async fn weak_keys_are_shared_and_their_block_is_locked(fresh: &Fresh) {
    // Whoever makes a record on weak evidence waits for the others of its block, and then meets
    // what they made: of many at once one makes it.
    let made = join_all((0..12_u64).map(|n| {
        let store = fresh.store.clone();
        async move {
            let keys = if n % 2 == 0 { [key(3), key(4)] } else { [key(4), key(3)] };
            store
                .write(async move |tx| {
                    tx.lock_blocks(&keys).await?;
                    if let Some(known) = tx.by_weak_keys(&keys, 20).await?.first() {
                        return Ok(known.record);
                    }
                    tokio::task::yield_now().await;
                    let id = Uuid::new_v4();
                    let rows = keys.map(|key| KeyRow {
                        key,
                        record: id,
                        key_type: "phone_surname".into(),
                        basis: Basis::Derived,
                    });
                    tx.put_weak_keys(&mut rows.to_vec(), NOON).await?;
                    Ok(id)
                })
                .await
                .unwrap()
        }
    }))
    .await;
    assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), 1, "one was made twice");
    // Several may share one, and saying it again is nothing new.
    let row = KeyRow { key: key(3), record: key(9), key_type: "phone_surname".into(), basis: Basis::Derived };
    let shared = fresh
        .store
        .write(async move |tx| {
            tx.put_weak_keys(&mut vec![row.clone()], NOON).await?;
            tx.put_weak_keys(&mut vec![row.clone()], NOON).await?;
            tx.by_weak_keys(&[key(3)], 20).await
        })
        .await
        .unwrap();
    assert_eq!(shared.len(), 2);
}

async fn records_are_listed_in_order_and_by_what_they_are_about(fresh: &Fresh) {
    let store = &fresh.store;
    let ids = links::records(store, 5).await;
    let about = RecordId(Uuid::new_v4());
    let mut row = links::record(about, "call");
    (row.kind, row.person) = ("activity".into(), Some(ids[0].0));
    store.write(async move |tx| tx.insert_records(&mut vec![row.clone()]).await).await.unwrap();
    let line_ids = |lines: Vec<mittler_store::records::RecordLine>| -> Vec<RecordId> {
        lines.into_iter().map(|line| RecordId(line.id)).collect()
    };
    assert_eq!(line_ids(store.record_lines(Kind::Person, None, 3).await.unwrap()), ids[..3]);
    assert_eq!(line_ids(store.record_lines(Kind::Person, Some(ids[2]), 9).await.unwrap()), ids[3..]);
    assert_eq!(store.record_counts().await.unwrap(), [("activity".to_owned(), 1), ("person".to_owned(), 5)]);
    assert_eq!(store.new_records(NOON.plus(seconds(1))).await.unwrap(), []);
    assert_eq!(store.new_records(NOON).await.unwrap().len(), 2);
    assert_eq!(store.records_about(ids[0]).await.unwrap()[0].id, about);
    assert!(store.records_about(ids[1]).await.unwrap().is_empty());
    assert!(store.record(RecordId(Uuid::new_v4())).await.unwrap().is_none());
    // The latest first: a page ends where the next begins, also among those of one moment.
    let latest = line_ids(store.latest_records(Kind::Person, (NOON.plus(seconds(1)), Uuid::nil()), 2).await.unwrap());
    assert_eq!(latest, [ids[4], ids[3]]);
    let next = line_ids(store.latest_records(Kind::Person, (NOON, latest[1].0), 9).await.unwrap());
    assert_eq!(next, [ids[2], ids[1], ids[0]]);
    let read = store.write(async move |tx| tx.read_records(&[about]).await).await.unwrap();
    assert_eq!(read[0].kind, Kind::Activity);
}
