//! Who may call and what they were answered; questions and their answers; and the trail of it.

use futures_util::future::join_all;
use mittler_core::RecordId;
use mittler_store::{Error, Store, access::Reserved, audit::NewEntry, merges::Replaced, reviews::NewReview};
use serde_json::json;
use uuid::Uuid;

use super::{NOON, Raw, links, seconds};
use crate::support::Fresh;

stories!(
    a_repeated_call_gets_the_first_answer,
    a_key_whose_process_died_is_taken_over_after_a_minute,
    a_revoked_key_opens_nothing,
    a_link_is_used_once_and_a_session_ends,
    sessions_are_listed_while_they_live_and_ended_by_one_or_all,
    a_question_is_asked_once_and_answered_once,
    the_trail_is_a_chain_that_shows_every_edit,
    the_trail_holds_after_its_content_was_erased,
);

async fn reserve(store: &Store, key: Uuid, fingerprint: Uuid, at: u64) -> Reserved {
    let (now, minute) = (NOON.plus(seconds(at)), seconds(60));
    store.write(async move |tx| tx.reserve_answer(key, fingerprint, now, now.minus(minute)).await).await.unwrap()
}

async fn a_repeated_call_gets_the_first_answer(fresh: &Fresh) {
    let store = &fresh.store;
    let (key, fingerprint, other) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    // Many at once, each with one of two contents: one may do its work.
    let both = [fingerprint, other];
    let all = join_all((0..20).map(|n| reserve(store, key, both[n % 2], 0))).await;
    assert_eq!(all.iter().filter(|one| **one == Reserved::Ours).count(), 1, "{all:?}");
    let first = both[all.iter().position(|one| *one == Reserved::Ours).unwrap() % 2];
    let second = if first == fingerprint { other } else { fingerprint };
    for (n, one) in all.iter().enumerate().filter(|(_, one)| **one != Reserved::Ours) {
        let expected = if both[n % 2] == first { Reserved::InFlight } else { Reserved::Other };
        assert_eq!(*one, expected, "the {n}th");
    }
    // The answer counts for who reserved, and stays.
    let answer = async |at: u64, status: i64| {
        let reserved = NOON.plus(seconds(at));
        store.write(async move |tx| tx.put_answer(key, reserved, status, &json!({ "n": status })).await).await.unwrap()
    };
    assert!(!answer(1, 201).await, "that reservation is not there");
    assert!(answer(0, 202).await);
    assert!(!answer(0, 203).await, "an answer is given once");
    let known = Reserved::Answered { status: 202, answer: json!({ "n": 202 }) };
    assert_eq!(reserve(store, key, first, 500).await, known);
    assert_eq!(reserve(store, key, second, 500).await, Reserved::Other);
}

async fn a_key_whose_process_died_is_taken_over_after_a_minute(fresh: &Fresh) {
    let store = &fresh.store;
    let (key, fingerprint, other) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    assert_eq!(reserve(store, key, fingerprint, 0).await, Reserved::Ours);
    assert_eq!(reserve(store, key, fingerprint, 60).await, Reserved::InFlight);
    assert_eq!(reserve(store, key, other, 61).await, Reserved::Other, "its body may have been taken");
    let all = join_all((0..10).map(|_| reserve(store, key, fingerprint, 61))).await;
    assert_eq!(all.iter().filter(|one| **one == Reserved::Ours).count(), 1, "{all:?}");
    // It was not dead after all: its answer comes too late and changes nothing.
    let late = store.write(async move |tx| tx.put_answer(key, NOON, 500, &json!({})).await).await.unwrap();
    let freed = store.write(async move |tx| tx.release_answer(key, NOON).await).await.unwrap();
    assert!(!late && !freed);
    let now = NOON.plus(seconds(61));
    // What was refused is corrected and sent again with the same key.
    assert!(store.write(async move |tx| tx.release_answer(key, now).await).await.unwrap());
    assert_eq!(reserve(store, key, other, 62).await, Reserved::Ours);
}

async fn a_revoked_key_opens_nothing(fresh: &Fresh) {
    let store = &fresh.store;
    let id = Uuid::new_v4();
    let scopes = vec!["leads:write".to_owned()];
    store.write(async move |tx| tx.put_api_key(id, "tool", "hash", &scopes, NOON).await).await.unwrap();
    assert_eq!(store.api_key("hash").await.unwrap().unwrap().scopes.0, ["leads:write"]);
    assert!(store.api_key("other").await.unwrap().is_none());
    assert!(store.write(async move |tx| tx.revoke_api_key(id, NOON).await).await.unwrap());
    assert!(!store.write(async move |tx| tx.revoke_api_key(id, NOON).await).await.unwrap());
    assert!(store.api_key("hash").await.unwrap().is_none());
    assert_eq!(store.api_keys().await.unwrap()[0].revoked_at, Some(NOON.0), "it stays in the list");
}

async fn sessions_are_listed_while_they_live_and_ended_by_one_or_all(fresh: &Fresh) {
    let store = &fresh.store;
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    store
        .write(async move |tx| {
            tx.put_session("over", "session", one, NOON).await?;
            tx.put_session("cookie", "session", one, NOON.plus(seconds(60))).await?;
            tx.put_session("unused", "link", other, NOON.plus(seconds(30))).await
        })
        .await
        .unwrap();
    let living = async || {
        let rows = store.sessions(NOON).await.unwrap();
        rows.into_iter().map(|row| (row.operator, row.kind)).collect::<Vec<_>>()
    };
    assert_eq!(living().await, [(one, "session".to_owned()), (other, "link".to_owned())]);
    let end = async |whose: Option<Uuid>| store.write(async move |tx| tx.end_sessions(whose).await).await.unwrap();
    assert_eq!(end(Some(Uuid::from_u128(3))).await, 0);
    assert_eq!(end(Some(one)).await, 2);
    assert_eq!(store.session("cookie", NOON).await.unwrap(), None);
    assert_eq!(living().await, [(other, "link".to_owned())]);
    assert_eq!(end(None).await, 1);
    assert_eq!(living().await, []);
}

async fn a_link_is_used_once_and_a_session_ends(fresh: &Fresh) {
    let store = &fresh.store;
    let operator = Uuid::new_v4();
    let ends = NOON.plus(seconds(60));
    store
        .write(async move |tx| {
            tx.put_session("one-time", "link", operator, ends).await?;
            tx.put_session("too-late", "link", operator, ends).await?;
            tx.put_session("cookie", "session", operator, ends).await
        })
        .await
        .unwrap();
    let follow = async |hash: &'static str, at| store.write(async move |tx| tx.use_link(hash, at).await).await.unwrap();
    let uses = join_all((0..20).map(|_| follow("one-time", NOON))).await;
    assert_eq!(uses.into_iter().flatten().collect::<Vec<_>>(), [operator], "used more than once");
    assert_eq!(follow("too-late", ends).await, None);
    assert_eq!(follow("cookie", NOON).await, None, "a session is no link");
    assert_eq!(store.session("too-late", NOON).await.unwrap(), None, "a link is no session");
    assert_eq!(store.session("cookie", NOON).await.unwrap(), Some(operator));
    assert_eq!(store.session("cookie", ends).await.unwrap(), None);
    store.write(async move |tx| tx.end_session("cookie").await).await.unwrap();
    assert_eq!(store.session("cookie", NOON).await.unwrap(), None);
}

async fn a_question_is_asked_once_and_answered_once(fresh: &Fresh) {
    let store = &fresh.store;
    let record = links::records(store, 1).await[0];
    let review = NewReview {
        id: Uuid::new_v4(),
        question: "same_person".into(),
        record: record.0,
        connection: None,
        candidates: json!({ "records": [record] }),
        reason: "surname_differs".into(),
        asked_at: NOON.0,
    };
    let id = review.id;
    join_all((0..10).map(|_| {
        let review = review.clone();
        async move { store.write(async move |tx| tx.ask(std::slice::from_ref(&review)).await).await.unwrap() }
    }))
    .await;
    assert_eq!(store.review_count().await.unwrap(), 1);
    assert_eq!(store.reviews_by_question().await.unwrap(), [(review.question.clone(), 1, review.asked_at)]);
    assert_eq!(store.reviews_open(None, 9).await.unwrap()[0].candidates.0, review.candidates);
    assert!(store.reviews_open(Some(id), 9).await.unwrap().is_empty());
    assert_eq!(store.review(id).await.unwrap().map(|one| one.question).as_deref(), Some("same_person"));
    assert!(store.review(Uuid::new_v4()).await.unwrap().is_none());
    let answers = join_all((0..10).map(|n| async move {
        store.write(async move |tx| tx.answer(id, &json!({ "by": n }), NOON).await).await.unwrap()
    }))
    .await;
    assert_eq!(answers.iter().filter(|taken| **taken).count(), 1, "two answers were taken");
    let mut raw = Raw::of(fresh).await;
    let n = answers.iter().position(|taken| *taken).unwrap();
    let kept = raw.texts("SELECT CAST(answer AS text) FROM review").await;
    assert!(kept[0].ends_with(&format!("{n}}}")), "{kept:?}");
    raw.close().await;
    // What was answered is not asked again.
    let several = review.clone();
    store.write(async move |tx| tx.ask(std::slice::from_ref(&review)).await).await.unwrap();
    assert_eq!(store.review_count().await.unwrap(), 0);
    assert_eq!(store.reviews_of(record).await.unwrap()[0].state.name(), "answered");
    // A question names what its candidates became.
    let candidates = links::records(store, 2).await;
    let (gone, heir) = (candidates[0], candidates[1]);
    let several = NewReview { id: Uuid::new_v4(), candidates: json!({ "records": candidates }), ..several };
    let id = several.id;
    store.write(async move |tx| tx.ask(std::slice::from_ref(&several)).await).await.unwrap();
    let replaced = Replaced { id: gone.0, heir: heir.0 };
    store.write(async move |tx| tx.move_reviews(&[replaced]).await).await.unwrap();
    assert_eq!(store.review(id).await.unwrap().unwrap().candidates.0, json!({ "records": [heir] }));
}

fn entry(n: u64, record: Option<RecordId>) -> NewEntry {
    NewEntry {
        at: NOON.plus(seconds(n)),
        actor: "system".into(),
        action: "merge".into(),
        target: n.to_string(),
        record,
        content: json!({ "surname": "Müller", "name": n, "a": [1, { "z": null, "b": true }] }),
        salt: format!("salt {n}"),
    }
}

async fn the_trail_is_a_chain_that_shows_every_edit(fresh: &Fresh) {
    let store = &fresh.store;
    assert_eq!(store.verify_audit().await.unwrap(), None);
    // Many at once: one chain all the same, without gaps.
    let seqs = join_all(
        (0..40).map(|n| async move { store.write(async move |tx| tx.enter(&entry(n, None)).await).await.unwrap() }),
    )
    .await;
    let mut sorted = seqs.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=40).collect::<Vec<_>>());
    // What fails leaves no gap.
    let failed = store
        .write(async move |tx| {
            tx.enter(&entry(99, None)).await?;
            Err::<(), _>(Error::Corrupt("on purpose"))
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(store.verify_audit().await.unwrap(), None);
    assert_eq!(store.audit_entries(38, 9).await.unwrap().iter().map(|e| e.seq).collect::<Vec<_>>(), [39, 40]);

    let mut raw = Raw::of(fresh).await;
    let edits = [
        ("at", "at + 1", "at - 1"),
        ("actor", "'else'", "'system'"),
        ("action", "'else'", "'merge'"),
        ("target", "target || 'x'", "substr(target, 1, length(target) - 1)"),
        ("commitment", "'x' || commitment", "substr(commitment, 2)"),
        ("hash", "'x' || hash", "substr(hash, 2)"),
        ("seq", "1000", "7"),
    ];
    for (column, edit, undo) in edits {
        raw.run(&format!("UPDATE audit SET {column} = {edit} WHERE seq = 7")).await;
        let found = store.verify_audit().await.unwrap();
        assert!(found.is_some_and(|seq| seq == 7 || seq == 8), "{column} was edited, and {found:?} found");
        raw.run(&format!("UPDATE audit SET {column} = {undo} WHERE seq IN (7, 1000)")).await;
        assert_eq!(store.verify_audit().await.unwrap(), None, "after {column}");
    }
    // What an entry stands for is committed to as well.
    let text = if store.is_sqlite() { "" } else { "::json" };
    raw.run(&format!("UPDATE audit_content SET content = '{{\"name\": 0}}'{text} WHERE seq = 9")).await;
    assert_eq!(store.verify_audit().await.unwrap(), Some(9), "edited content");
    raw.run("DELETE FROM audit_content WHERE seq = 9").await;
    raw.run("DELETE FROM audit WHERE seq = 20").await;
    assert_eq!(store.verify_audit().await.unwrap(), Some(21), "an entry that was taken out");
    raw.close().await;
}

async fn the_trail_holds_after_its_content_was_erased(fresh: &Fresh) {
    let store = &fresh.store;
    let ids = links::records(store, 2).await;
    for n in 0..6_u64 {
        let record = ids[usize::from(n % 2 == 0)];
        store.write(async move |tx| tx.enter(&entry(n, Some(record))).await).await.unwrap();
    }
    let person = ids[0];
    store.write(async move |tx| tx.forget(person).await).await.unwrap();
    let mut raw = Raw::of(fresh).await;
    assert_eq!(raw.number("SELECT count(*) FROM audit_content").await, 3);
    assert_eq!(raw.number("SELECT count(*) FROM audit").await, 6);
    raw.close().await;
    assert_eq!(store.verify_audit().await.unwrap(), None);
}
