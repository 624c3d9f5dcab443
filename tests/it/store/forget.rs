//! Forgetting a person: gone from every table, and kept out.

mod disclosed;

use std::sync::Arc;

use mittler_core::{
    Field, Fields, LinkId, RecordId, RemoteFields, RunId, Said, SignalId, Source, SourceKind, Statement, SubjectId,
    Value, Version,
    derive::{Overrides, derive},
    job::{Lane, Task},
    key::Basis,
};
use mittler_store::{
    Bytes, Clock, Store,
    audit::NewEntry,
    bounds::PurposeRow,
    decisions::NewDecision,
    intents::{Intent, Operation},
    jobs::NewJob,
    leases::{Lease, Receipt},
    links::{WantedLink, link_id},
    merges::MergeTrail,
    records::{KeyRow, RecordRow, StatementRow},
    reviews::NewReview,
    runs::RunState,
    signals::{NewSignal, Read, SignalState},
    tables::declared,
};
use mittler_sync::{Keys, apply_statements::apply_statements, forget::forget};
use serde_json::json;
use sqlx::Row;
use uuid::Uuid;

use super::{NOON, Raw, links};
use crate::support::{Fresh, eventually};

stories!(
    a_person_is_gone_from_every_table_and_kept_out,
    nothing_is_written_about_a_person_while_they_are_forgotten,
    an_intent_of_a_person_who_is_being_forgotten_goes_with_them,
    a_key_that_is_claimed_meanwhile_goes_with_them,
    a_call_that_is_under_way_comes_to_its_end_first,
    who_has_no_address_is_kept_out_by_their_keys,
    inputs_that_were_not_taken_are_emptied_if_they_are_about_the_person,
    an_organisation_that_is_nobody_elses_goes_with_its_person,
    questions_about_others_no_longer_name_the_person,
    nobody_but_a_person_is_forgotten,
);

/// Found nowhere else; also in the forms in which a value could hide.
const CANARY: &str = "Kanarienvogel";

fn canaries() -> Vec<String> {
    let bytes = CANARY.to_lowercase().into_bytes();
    let hex: String = CANARY.bytes().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let lower_hex: String = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let decimal: String = CANARY.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(",");
    // Whatever stands before it in the coded text: the three positions of base64.
    let coded = (0..3).map(|shift| {
        let text = [vec![b' '; shift], CANARY.as_bytes().to_vec()].concat();
        let coded = base64(&text);
        coded[[0, 2, 3][shift]..coded.len() - 4].to_owned()
    });
    [CANARY.to_lowercase(), hex, lower_hex, decimal].into_iter().chain(coded).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let word = part.iter().fold(0_usize, |word, byte| word << 8 | usize::from(*byte)) << (8 * (3 - part.len()));
        for n in 0..4 {
            text.push(if n <= part.len() { char::from(DIGITS[word >> (18 - 6 * n) & 63]) } else { '=' });
        }
    }
    text
}

#[test]
fn a_hidden_value_is_found() {
    let canaries = canaries();
    for text in
        [CANARY, "x kanarienvogel", "4b616e617269656e766f67656c", "75,97,110,97,114,105,101,110,118,111,103,101,108"]
    {
        assert!(hides(text, &canaries), "{text}");
    }
    for before in ["", "a", "ab", "abc"] {
        assert!(hides(&base64(format!("{before}{CANARY} and more").as_bytes()), &canaries));
    }
    assert!(!hides("Vogel", &canaries));
}

fn hides(text: &str, canaries: &[String]) -> bool {
    let lower = text.to_lowercase();
    canaries.iter().any(|canary| text.contains(canary.as_str()) || lower.contains(canary.as_str()))
}

/// `table.column` of every value that hides the canary. Bytes are read as text, and as hex.
async fn found(raw: &mut Raw, sqlite: bool) -> Vec<String> {
    let canaries = canaries();
    let mut found = Vec::new();
    for table in declared(sqlite) {
        let columns = raw.columns(&table.name).await;
        for column in columns {
            let sql = match raw {
                Raw::Sqlite(_) => format!(
                    "SELECT CASE typeof({column}) WHEN 'blob' THEN lower(hex({column})) ELSE CAST({column} AS text) END FROM {} WHERE {column} IS NOT NULL",
                    table.name
                ),
                Raw::Postgres(_) => {
                    format!("SELECT CAST({column} AS text) FROM {} WHERE {column} IS NOT NULL", table.name)
                }
            };
            if raw.texts(&sql).await.iter().any(|text| hides(text, &canaries)) {
                found.push(format!("{}.{column}", table.name));
            }
        }
    }
    found
}

impl Raw {
    async fn columns(&mut self, table: &str) -> Vec<String> {
        match self {
            Raw::Sqlite(_) => self.texts(&format!("SELECT name FROM pragma_table_info('{table}')")).await,
            Raw::Postgres(c) => {
                let sql = "SELECT CAST(column_name AS text) FROM information_schema.columns
                           WHERE table_name = $1 AND table_schema = current_schema()";
                sqlx::query(sql).bind(table).fetch_all(c).await.unwrap().iter().map(|row| row.get(0)).collect()
            }
        }
    }
}

fn address() -> String {
    format!("{}@example.com", CANARY.to_lowercase())
}

fn said(email: &str) -> Vec<Said> {
    vec![
        Said::element(Field::EMAILS, email, Value::text(email).unwrap(), "story"),
        Said::new(Field::LAST_NAME, Value::text(email.split('@').next().unwrap()).unwrap(), "story"),
    ]
}

fn statement(signal: Uuid, email: &str) -> Statement {
    Statement {
        subject: SubjectId(Uuid::new_v4()),
        signal: SignalId(signal),
        source: Source::new(SourceKind::Form, "story"),
        observed_at: NOON,
        version: Version(NOON, NOON),
        said: said(email),
    }
}

struct Person {
    id: RecordId,
    activity: RecordId,
    link: LinkId,
    fields: Fields,
}

/// A row about this person in every table that can hold one.
async fn plant(store: &Store, email: &str) -> Person {
    let (id, activity, connection) = (RecordId(Uuid::new_v4()), RecordId(Uuid::new_v4()), super::connection());
    let (run, signals) = (Uuid::new_v4(), [Uuid::new_v4(), Uuid::new_v4()]);
    let fields = derive(&[statement(signals[0], email)], &Overrides::new());
    let mut remote = RemoteFields::default();
    remote.set("email", Value::text(email).unwrap());
    let link = link_id(connection, id);
    let (all, mail, remote_fields) = (fields.clone(), email.to_owned(), remote.clone());
    store
        .write(async move |tx| {
            tx.put_run(RunId(run), "form", "form", &json!({}), RunState::Reading, NOON).await?;
            let content = Bytes(format!("{{\"email\":\"{mail}\"}}").into_bytes());
            let rows: Vec<NewSignal> = signals
                .iter()
                .map(|signal| NewSignal {
                    id: *signal,
                    run,
                    kind: "lead".into(),
                    line: 1,
                    dedup: Uuid::new_v4(),
                    received_at: NOON.0,
                    content: content.clone(),
                    trace: None,
                })
                .collect();
            tx.put_signals(&rows).await?;
            let read = |signal: Uuid, record: Option<RecordId>| Read {
                id: signal,
                state: SignalState::Done,
                code: None,
                field: Some(mail.clone()),
                reason: Some(mail.clone()),
                remarks: json!([mail.clone()]),
                record: record.map(|id| id.0),
            };
            // One is found by its record, the other by what was said in it.
            tx.settle_signals(&[read(signals[0], Some(id)), read(signals[1], None)]).await?;
            let row = |id: RecordId, kind: &str, person: Option<RecordId>| RecordRow {
                id: id.0,
                kind: kind.into(),
                version: 1,
                fields: all.clone(),
                person: person.map(|id| id.0),
                created_at: NOON.0,
                updated_at: NOON.0,
                unsure_until: 0,
            };
            tx.insert_records(&mut vec![row(id, "person", None), row(activity, "activity", Some(id))]).await?;
            let key = |record: RecordId| KeyRow {
                key: Uuid::new_v4(),
                record: record.0,
                key_type: "email".into(),
                basis: Basis::Derived,
            };
            tx.claim_keys(&mut vec![key(id), key(activity)]).await?;
            tx.put_weak_keys(&mut vec![key(id)], NOON).await?;
            let statements: Vec<StatementRow> = [(id, signals[0]), (id, signals[1]), (activity, signals[1])]
                .iter()
                .map(|(record, signal)| StatementRow::new(*record, &statement(*signal, &mail)))
                .collect();
            tx.put_statements(&statements).await?;
            let mut wanted: Vec<WantedLink> =
                [id, activity].iter().map(|record| links::wanted(connection, *record, NOON)).collect();
            tx.want_links(&mut wanted).await?;
            let intent = |record: RecordId| Intent {
                fields: remote_fields.clone(),
                before: remote_fields.clone(),
                ..links::intent(connection, link_id(connection, record), Operation::Create, NOON)
            };
            tx.put_intents(&[intent(id), intent(activity)]).await?;
            tx.put_seen(&[(link, remote_fields.clone(), NOON)]).await?;
            tx.ask(&[NewReview {
                id: Uuid::new_v4(),
                question: "same_person".into(),
                record: id.0,
                connection: None,
                candidates: json!({ "name": mail.clone() }),
                reason: mail.clone(),
                asked_at: NOON.0,
            }])
            .await?;
            tx.restrict(id, &mail, NOON).await?;
            tx.put_purposes(&[PurposeRow { record: id.0, purpose: mail.clone() }]).await?;
            let decision = Uuid::new_v4();
            tx.decide(&[NewDecision {
                id: decision,
                verdict: "same".into(),
                review: Uuid::new_v4(),
                record: id.0,
                other: Uuid::new_v4(),
                decided_by: "system".into(),
                decided_at: NOON.0,
            }])
            .await?;
            let review = NewReview {
                id: Uuid::new_v4(),
                question: "same_person".into(),
                record: id.0,
                connection: None,
                candidates: json!({ "name": mail.clone() }),
                reason: "phone".into(),
                asked_at: NOON.0,
            };
            tx.note_moved(decision, &MergeTrail { reviews: vec![review], ..MergeTrail::default() }).await?;
            tx.enter(&NewEntry {
                at: NOON,
                actor: "system".into(),
                action: "merge".into(),
                target: id.0.to_string(),
                record: Some(id),
                content: json!({ "name": mail.clone() }),
                salt: "salt".into(),
            })
            .await?;
            let task = Task::Enrich { signals: signals.map(SignalId).to_vec() };
            tx.put_jobs(&[NewJob::new(Uuid::new_v4(), task, Lane::Scheduled, NOON, NOON)]).await?;
            Ok(())
        })
        .await
        .unwrap();
    let leased = links::lease(store, connection, NOON, 9).await;
    let receipts: Vec<_> = leased
        .iter()
        .map(|link| Receipt {
            sent: remote.clone(),
            remote_id: Some(format!("{email} {}", link.id.0)),
            reason: Some(email.to_owned()),
            ..links::receipt(link)
        })
        .collect();
    links::settle(store, &leased, receipts).await;
    Person { id, activity, link, fields }
}

/// A batch that is about to write something to each of these.
async fn about_to_write(store: &Store, people: &[(LinkId, &str)]) {
    let connection = super::connection();
    let lease = Lease { id: Uuid::now_v7(), connection, until: NOON.plus(links::LEASE) };
    let writes: Vec<Intent> = people
        .iter()
        .map(|(link, email)| {
            let mut remote = RemoteFields::default();
            remote.set("email", Value::text(email).unwrap());
            Intent {
                fields: remote.clone(),
                before: remote,
                ..links::intent(connection, *link, Operation::Update, NOON)
            }
        })
        .collect();
    store.write(async move |tx| tx.begin_lease(lease, &writes).await).await.unwrap();
}

async fn a_person_is_gone_from_every_table_and_kept_out(fresh: &Fresh) {
    let store = &fresh.store;
    let person = plant(store, &address()).await;
    let other = plant(store, "somebody@example.com").await;
    about_to_write(store, &[(person.link, &address()), (other.link, "somebody@example.com")]).await;
    // A list that is named after them, and one that is not.
    let lists = [RunId(Uuid::new_v4()), RunId(Uuid::new_v4())];
    store
        .write(async move |tx| {
            tx.put_run(lists[0], "import", &format!("{CANARY}_Liste.csv"), &json!({}), RunState::Done, NOON).await?;
            tx.put_run(lists[1], "import", "messe.csv", &json!({}), RunState::Done, NOON).await
        })
        .await
        .unwrap();
    let mut raw = Raw::of(fresh).await;
    let planted = found(&mut raw, store.is_sqlite()).await;
    let personal: Vec<String> =
        declared(store.is_sqlite()).into_iter().filter(|table| table.personal).map(|table| table.name).collect();
    // Keys are hashes, so no value can be planted in their tables; they are counted below.
    for table in personal.iter().filter(|name| !name.ends_with("_key")) {
        assert!(planted.iter().any(|column| column.starts_with(&format!("{table}."))), "nothing planted in {table}");
    }
    for column in &planted {
        assert!(
            personal.iter().any(|table| column.starts_with(&format!("{table}."))),
            "{column} is not declared as personal"
        );
    }

    let keys = Keys::derive(&[7; 32]);
    let removed = forget(store, &keys, &Clock::default(), person.id, "system").await.unwrap().unwrap().removed;
    for table in &personal {
        assert!(
            removed.iter().any(|removed| removed.table == *table && removed.rows > 0),
            "{table} is not in the list"
        );
    }
    assert_eq!(found(&mut raw, store.is_sqlite()).await, Vec::<String>::new(), "a value of the person is left");
    for (table, column) in [
        ("record", "id"),
        ("statement", "record"),
        ("record_key", "record"),
        ("weak_key", "record"),
        ("link", "record"),
        ("review", "record"),
        ("signal", "record"),
    ] {
        for id in [person.id, person.activity] {
            let literal = if store.is_sqlite() { format!("x'{}'", id.0.simple()) } else { format!("'{}'", id.0) };
            let left = raw.number(&format!("SELECT count(*) FROM {table} WHERE {column} = {literal}")).await;
            assert_eq!(left, 0, "{table} still names the person");
        }
    }
    assert!(store.intents(person.link, 9).await.unwrap().is_empty());

    let label = async |run: RunId| store.run(run).await.unwrap().unwrap().label;
    assert_eq!((label(lists[0]).await, label(lists[1]).await), ("import".to_owned(), "messe.csv".to_owned()));

    // Everybody else is as before.
    assert_eq!(store.record(other.id).await.unwrap().unwrap().fields, other.fields);
    assert_eq!(store.record(other.activity).await.unwrap().unwrap().fields, other.fields);
    assert_eq!(store.statements(other.id).await.unwrap().len(), 2);
    assert_eq!(
        (store.intents(other.link, 9).await.unwrap().len(), store.reviews_of(other.id).await.unwrap().len()),
        (1, 1)
    );
    assert_eq!(store.verify_audit().await.unwrap(), None);

    // And the person does not come back: the keyed hash of the address is known.
    let entry = keys.suppression("email", &address());
    let kept_out = store.write(async move |tx| tx.suppressed(&[entry, Uuid::nil()]).await).await.unwrap();
    assert_eq!((kept_out, store.suppression_count().await.unwrap()), (vec![entry], 3), "the address and two keys");
    assert_eq!(
        Keys::derive(&[8; 32]).suppressions_of(&person.fields).iter().filter(|(hmac, _)| *hmac == entry).count(),
        0
    );
    assert_eq!(forget(store, &keys, &Clock::default(), person.id, "system").await.unwrap(), None, "gone");
    raw.close().await;

    // Nothing is left in the bytes of the files either: not in free pages, not in the log.
    if let Some(path) = store.path() {
        let mut bytes = std::fs::read(path).unwrap();
        bytes.extend(std::fs::read(path.with_extension("db-wal")).unwrap_or_default());
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        assert!(!hides(&text, &canaries()), "the file still holds a value of the person");
    }
}

/// Starts `other` while a person is being forgotten and not yet committed, and waits for both.
/// SQLite's writer runs one after the other.
async fn while_forgotten<R: Send + 'static>(
    fresh: &Fresh,
    person: RecordId,
    other: impl Future<Output = R> + Send + 'static,
) -> R {
    let (forgotten, is_forgotten) = tokio::sync::oneshot::channel();
    let forgotten = Arc::new(std::sync::Mutex::new(Some(forgotten)));
    let go_on = Arc::new(tokio::sync::Notify::new());
    let (told, sqlite, store) = (Arc::clone(&go_on), fresh.store.is_sqlite(), fresh.store.clone());
    let forgetting = tokio::spawn(async move {
        store
            .write(async move |tx| {
                tx.forget(person).await?;
                let first = forgotten.lock().unwrap().take();
                if let Some(forgotten) = first {
                    _ = forgotten.send(());
                    if !sqlite {
                        told.notified().await;
                    }
                }
                Ok(())
            })
            .await
            .unwrap();
    });
    is_forgotten.await.unwrap();
    let other = tokio::spawn(other);
    as_far_as_it_can(fresh, &other).await;
    go_on.notify_one();
    forgetting.await.unwrap();
    other.await.unwrap()
}

/// Waits until a task has ended or waits for a lock.
async fn as_far_as_it_can<R>(fresh: &Fresh, task: &tokio::task::JoinHandle<R>) {
    if fresh.store.is_sqlite() {
        return; // it is queued behind the one that runs, and that one waits for nobody
    }
    let mut raw = Raw::of(fresh).await;
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while !task.is_finished() && raw.number(waiting).await == 0 {
        tokio::task::yield_now().await;
    }
    raw.close().await;
}

async fn left(fresh: &Fresh) -> Vec<String> {
    let mut raw = Raw::of(fresh).await;
    let found = found(&mut raw, fresh.store.is_sqlite()).await;
    raw.close().await;
    found
}

async fn nothing_is_written_about_a_person_while_they_are_forgotten(fresh: &Fresh) {
    let person = plant(&fresh.store, &address()).await;
    let (store, id) = (fresh.store.clone(), person.id);
    while_forgotten(fresh, person.id, async move {
        let new = vec![(id, statement(Uuid::new_v4(), &address()))];
        store
            .write(async move |tx| apply_statements(tx, &new, &Overrides::new(), NOON).await.map(|_| ()))
            .await
            .unwrap();
    })
    .await;
    assert_eq!(left(fresh).await, Vec::<String>::new());
}

/// A worker that has read the link notes what it is about to write only while the link is there.
async fn an_intent_of_a_person_who_is_being_forgotten_goes_with_them(fresh: &Fresh) {
    let person = plant(&fresh.store, &address()).await;
    let link = fresh.store.link_lines(person.id).await.unwrap().remove(0);
    let connection = mittler_core::ConnectionId(link.connection);
    links::want(&fresh.store, vec![links::wanted(connection, person.id, NOON)]).await;
    let read = fresh.store.due_links(&[link.id], NOON).await.unwrap().0.remove(0);
    let (store, link, epoch) = (fresh.store.clone(), read.id, read.epoch);
    let write = async move {
        let mut remote = RemoteFields::default();
        remote.set("email", Value::text(&address()).unwrap());
        store
            .write(async move |tx| {
                let lease = Lease { id: Uuid::now_v7(), connection, until: NOON.plus(links::LEASE) };
                let write =
                    Intent { fields: remote.clone(), ..links::intent(connection, link, Operation::Update, NOON) };
                let held = tx.hold_links(&[(link, epoch)]).await?.has(link);
                if held { tx.begin_lease(lease, &[write]).await } else { Ok(()) }
            })
            .await
            .unwrap();
    };
    while_forgotten(fresh, person.id, write).await;
    assert_eq!(left(fresh).await, Vec::<String>::new());
}

/// A writer that claims a key for the person and is committed before the person's row is locked.
async fn a_key_that_is_claimed_meanwhile_goes_with_them(fresh: &Fresh) {
    let person = plant(&fresh.store, &address()).await;
    let (store, id) = (fresh.store.clone(), person.id);
    let (locked, is_locked) = tokio::sync::oneshot::channel();
    let locked = Arc::new(std::sync::Mutex::new(Some(locked)));
    let go_on = Arc::new(tokio::sync::Notify::new());
    let (told, sqlite) = (Arc::clone(&go_on), store.is_sqlite());
    let writer = tokio::spawn(async move {
        store
            .write(async move |tx| {
                let key = KeyRow { key: Uuid::new_v4(), record: id.0, key_type: "email".into(), basis: Basis::Derived };
                tx.claim_keys(&mut vec![key.clone()]).await?;
                tx.put_weak_keys(&mut vec![key], NOON).await?;
                tx.lock_records(&[id]).await?;
                let activity = RecordRow {
                    kind: "activity".into(),
                    person: Some(id.0),
                    ..links::record(RecordId(Uuid::new_v4()), CANARY)
                };
                tx.insert_records(&mut vec![activity]).await?;
                let first = locked.lock().unwrap().take();
                if let Some(locked) = first {
                    _ = locked.send(());
                    if !sqlite {
                        told.notified().await;
                    }
                }
                Ok(())
            })
            .await
            .unwrap();
    });
    is_locked.await.unwrap();
    let store = fresh.store.clone();
    let forgetting = tokio::spawn(async move { store.write(async move |tx| tx.forget(id).await).await.unwrap() });
    as_far_as_it_can(fresh, &forgetting).await;
    go_on.notify_one();
    writer.await.unwrap();
    forgetting.await.unwrap();
    assert_eq!(left(fresh).await, Vec::<String>::new());
    let mut raw = Raw::of(fresh).await;
    assert_eq!(raw.number("SELECT (SELECT count(*) FROM record_key) + (SELECT count(*) FROM weak_key)").await, 0);
    raw.close().await;
}

/// The first step is committed before anything is removed; the second waits for the call.
async fn a_call_that_is_under_way_comes_to_its_end_first(fresh: &Fresh) {
    let store = &fresh.store;
    let person = plant(store, &address()).await;
    let clock = Clock::default();
    let connection = mittler_core::ConnectionId(store.link_lines(person.id).await.unwrap().remove(0).connection);
    links::want(store, vec![links::wanted(connection, person.id, NOON)]).await;
    let leased = links::lease(store, connection, clock.now(), 1).await;
    let (own, keys, now, id) = (store.clone(), Keys::derive(&[7; 32]), clock.clone(), person.id);
    let forgetting = tokio::spawn(async move { forget(&own, &keys, &now, id, "system").await.unwrap().unwrap() });
    eventually("the person is kept out", 60, async || store.suppression_count().await.unwrap() > 0).await;
    eventually("nothing is due any more", 60, async || {
        let lines = store.link_lines(id).await.unwrap();
        lines.iter().all(|line| line.wanted <= line.done)
    })
    .await;
    assert!(store.record(id).await.unwrap().is_some(), "the call that is under way was not waited for");
    let done = links::settle(store, &leased, vec![links::receipt(&leased[0])]).await;
    assert_eq!(done, [leased[0].id], "the receipt found no link");
    let removed = forgetting.await.unwrap();
    assert!(!removed.removed.iter().any(|removed| removed.how == "may still be written to"), "{removed:?}");
    assert!(store.record(id).await.unwrap().is_none());
    let ids = [leased[0].id.0];
    assert!(store.write(async move |tx| tx.links_there(&ids).await).await.unwrap().is_empty());
}

async fn who_has_no_address_is_kept_out_by_their_keys(fresh: &Fresh) {
    let store = &fresh.store;
    let (id, badge, number) = (links::records(store, 1).await[0], Uuid::new_v4(), Uuid::new_v4());
    store
        .write(async move |tx| {
            tx.claim_keys(&mut vec![KeyRow {
                key: badge,
                record: id.0,
                key_type: "badge".into(),
                basis: Basis::Asserted,
            }])
            .await?;
            tx.put_weak_keys(
                &mut vec![KeyRow { key: number, record: id.0, key_type: "phone_name".into(), basis: Basis::Derived }],
                NOON,
            )
            .await
        })
        .await
        .unwrap();
    let keys = Keys::derive(&[7; 32]);
    forget(store, &keys, &Clock::default(), id, "system").await.unwrap().unwrap();
    for key in [badge, number] {
        let entry = keys.suppression("key", &key.simple().to_string());
        assert_eq!(store.write(async move |tx| tx.suppressed(&[entry]).await).await.unwrap(), vec![entry]);
    }
}

async fn inputs_that_were_not_taken_are_emptied_if_they_are_about_the_person(fresh: &Fresh) {
    let store = &fresh.store;
    let person = plant(store, &address()).await;
    let signal = |content: String| NewSignal {
        id: Uuid::new_v4(),
        run: Uuid::new_v4(),
        kind: "lead".into(),
        line: 1,
        dedup: Uuid::new_v4(),
        received_at: NOON.0,
        content: Bytes(content.into_bytes()),
        trace: None,
    };
    let signals = [
        signal(format!("x;{};y", address().to_uppercase())),
        signal("x;somebody.else@example.com;y".into()),
        signal(format!("x;{};y", address())),
    ];
    let [refused, elses, unread] = [signals[0].id, signals[1].id, signals[2].id];
    let read = [refused, elses].map(|id| Read {
        id,
        state: SignalState::Refused,
        code: Some("header_row".into()),
        field: None,
        reason: None,
        remarks: json!([]),
        record: None,
    });
    store
        .write(async move |tx| {
            tx.put_signals(&signals).await?;
            tx.settle_signals(&read).await
        })
        .await
        .unwrap();
    forget(store, &Keys::derive(&[7; 32]), &Clock::default(), person.id, "system").await.unwrap().unwrap();
    assert_eq!(store.signal_content(SignalId(refused)).await.unwrap(), None);
    assert!(store.signal_content(SignalId(elses)).await.unwrap().is_some());
    assert!(store.signal_content(SignalId(unread)).await.unwrap().is_some(), "what nobody has read decides when it is");
}

async fn an_organisation_that_is_nobody_elses_goes_with_its_person(fresh: &Fresh) {
    let store = &fresh.store;
    let ids: Vec<RecordId> = (0..4).map(|_| RecordId(Uuid::new_v4())).collect();
    let [person, trader, firm, colleague] = ids.as_slice() else { unreachable!() };
    let (person, trader, firm, colleague) = (*person, *trader, *firm, *colleague);
    let signals = [Uuid::new_v4(), Uuid::new_v4()];
    store
        .write(async move |tx| {
            let mut rows = vec![links::record(person, "1"), links::record(colleague, "1")];
            for organisation in [trader, firm] {
                rows.push(RecordRow { kind: "organisation".into(), ..links::record(organisation, "1") });
                let mut fields = Fields::default();
                let to = Statement {
                    said: vec![Said::new(Field::TO, Value::Ref(organisation), "story")],
                    ..statement(signals[0], "x@example.com")
                };
                fields.0.extend(derive(&[to], &Overrides::new()).0);
                let association = RecordId(Uuid::new_v4());
                let row = links::record(association, "1");
                rows.push(RecordRow { kind: "association".into(), person: Some(person.0), fields, ..row });
            }
            tx.insert_records(&mut rows).await?;
            // Both come from the person's input; of the firm a colleague's says something, too.
            let said = [
                (person, signals[0]),
                (trader, signals[0]),
                (firm, signals[0]),
                (firm, signals[1]),
                (colleague, signals[1]),
            ];
            let rows: Vec<StatementRow> = said
                .iter()
                .map(|(record, signal)| StatementRow::new(*record, &statement(*signal, "x@example.com")))
                .collect();
            tx.put_statements(&rows).await
        })
        .await
        .unwrap();
    forget(store, &Keys::derive(&[7; 32]), &Clock::default(), person, "system").await.unwrap().unwrap();
    assert!(store.record(trader).await.unwrap().is_none(), "the sole trader's own firm is left");
    assert!(store.record(firm).await.unwrap().is_some() && store.record(colleague).await.unwrap().is_some());
}

async fn questions_about_others_no_longer_name_the_person(fresh: &Fresh) {
    let store = &fresh.store;
    let ids = links::records(store, 3).await;
    let (person, others) = (ids[0], [ids[1], ids[2]]);
    let review = |record: RecordId, candidates: Vec<RecordId>| NewReview {
        id: Uuid::new_v4(),
        question: "same_person".into(),
        record: record.0,
        connection: None,
        candidates: json!({ "records": candidates }),
        reason: "surname".into(),
        asked_at: NOON.0,
    };
    let asked = [review(others[0], vec![person]), review(others[1], vec![person, others[0]])];
    store.write(async move |tx| tx.ask(&asked).await).await.unwrap();
    forget(store, &Keys::derive(&[7; 32]), &Clock::default(), person, "system").await.unwrap().unwrap();
    assert!(store.reviews_of(others[0]).await.unwrap().is_empty(), "a question without candidates is none");
    let left = store.reviews_of(others[1]).await.unwrap().remove(0);
    assert_eq!(left.candidates.0, json!({ "records": [others[0]] }));
    // Who is no more is not asked about.
    let late = review(person, vec![others[0]]);
    store.write(async move |tx| tx.ask(std::slice::from_ref(&late)).await).await.unwrap();
    assert!(store.reviews_of(person).await.unwrap().is_empty());
}

async fn nobody_but_a_person_is_forgotten(fresh: &Fresh) {
    let store = &fresh.store;
    let fair = RecordId(Uuid::new_v4());
    let row = RecordRow { kind: "fair".into(), ..links::record(fair, "1") };
    store.write(async move |tx| tx.insert_records(&mut vec![row]).await).await.unwrap();
    assert_eq!(forget(store, &Keys::derive(&[7; 32]), &Clock::default(), fair, "system").await.unwrap(), None);
    assert!(store.record(fair).await.unwrap().is_some());
}
