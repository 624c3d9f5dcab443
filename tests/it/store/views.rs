//! What people look at: inputs by run, pages that neither repeat nor skip, and the correction of
//! what was not taken.

use mittler_core::{RunId, SignalId, Time};
use mittler_store::{
    Bytes, Store,
    runs::{RunCounts, RunState},
    signals::{NewSignal, Read, SignalState},
};
use serde_json::json;
use uuid::Uuid;

use super::{NOON, seconds};
use crate::support::Fresh;

stories!(
    a_run_is_read_counted_and_closed,
    what_was_not_taken_is_shown_and_can_be_read_again,
    what_was_brought_before_is_known_by_its_key,
    an_input_is_read_by_one,
    a_run_is_listed_and_can_be_corrected,
);

async fn import(store: &Store, n: u8) -> (RunId, Vec<Uuid>) {
    let run = RunId(Uuid::new_v4());
    let signals: Vec<NewSignal> = (0..n)
        .map(|line| NewSignal {
            id: Uuid::now_v7(),
            run: run.0,
            kind: "lead_row".into(),
            line: i64::from(line),
            dedup: Uuid::new_v4(),
            received_at: NOON.0,
            content: Bytes(vec![line, 0, 255]),
            trace: None,
        })
        .collect();
    let ids = signals.iter().map(|signal| signal.id).collect();
    store
        .write(async move |tx| {
            tx.put_run(run, "import", "list.csv", &json!({ "fair": "Hannover" }), RunState::Receiving, NOON).await?;
            tx.put_signals(&signals).await?;
            tx.set_run_state(run, RunState::Reading, None).await
        })
        .await
        .unwrap();
    (run, ids)
}

fn read(id: Uuid, state: SignalState, code: Option<&str>) -> Read {
    Read {
        id,
        state,
        code: code.map(str::to_owned),
        field: code.map(|_| "email".to_owned()),
        reason: code.map(|_| "no address".to_owned()),
        remarks: json!(["guessed"]),
        record: None,
    }
}

async fn settle(store: &Store, read: Vec<Read>) {
    store.write(async move |tx| tx.settle_signals(&read).await).await.unwrap();
}

async fn finish(store: &Store) -> u64 {
    store.write(async move |tx| tx.finish_runs(NOON).await).await.unwrap()
}

async fn a_run_is_read_counted_and_closed(fresh: &Fresh) {
    let store = &fresh.store;
    let (run, ids) = import(store, 4).await;
    assert_eq!(finish(store).await, 0, "nothing of it was read");
    settle(
        store,
        vec![
            read(ids[0], SignalState::Done, None),
            read(ids[1], SignalState::Refused, Some("no_address")),
            read(ids[2], SignalState::Parked, None),
        ],
    )
    .await;
    assert_eq!(finish(store).await, 0, "one is unread");
    assert_eq!(
        store.run_counts(run).await.unwrap(),
        RunCounts { rows: 4, waiting: 1, taken: 1, refused: 1, parked: 1, ..RunCounts::default() }
    );
    // What became no input counts as well.
    store.write(async move |tx| tx.set_run_arrived(run, 3, 2).await).await.unwrap();
    settle(store, vec![read(ids[3], SignalState::Done, Some("blank"))]).await;
    let counts = store.run_counts(run).await.unwrap();
    assert_eq!((counts.rows, counts.known, counts.repeated, counts.skipped), (9, 3, 2, 1));
    assert_eq!((counts.inputs(), counts.not_taken(), store.run_people(run).await.unwrap()), (4, 2, 0));
    assert_eq!(store.run_counts(RunId(Uuid::new_v4())).await.unwrap(), RunCounts::default());
    assert_eq!(finish(store).await, 1);
    let closed = store.run(run).await.unwrap().unwrap();
    assert_eq!((closed.state.name(), closed.finished_at), ("done", Some(NOON.0)));
    let counts = store.signal_counts(NOON).await.unwrap();
    assert_eq!(store.signal_states().await.unwrap(), counts);
    assert_eq!(counts, [("done".to_owned(), 2), ("parked".to_owned(), 1), ("refused".to_owned(), 1)]);
    assert!(store.signal_counts(NOON.plus(seconds(1))).await.unwrap().is_empty());
    assert!(store.run(RunId(Uuid::new_v4())).await.unwrap().is_none());
    assert!(store.run_links(run).await.unwrap().is_empty(), "no CRM is told of a run without records");
}

async fn what_was_not_taken_is_shown_and_can_be_read_again(fresh: &Fresh) {
    let store = &fresh.store;
    let (run, ids) = import(store, 5).await;
    settle(
        store,
        vec![
            read(ids[0], SignalState::Done, None),
            read(ids[1], SignalState::Refused, Some("no_address")),
            read(ids[2], SignalState::Parked, Some("not_taken")),
            read(ids[3], SignalState::Refused, Some("suppressed")),
        ],
    )
    .await;
    // Pages: by line, and by line and id.
    let lines = store.signal_lines(run, false, -1, 3).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.id).collect::<Vec<_>>(), ids[..3]);
    let rest = store.signal_lines(run, true, 1, 9).await.unwrap();
    assert_eq!(rest.iter().map(|line| line.id).collect::<Vec<_>>(), ids[2..4]);
    let page = store.run_lines(run, false, (-1, Uuid::nil()), 2).await.unwrap();
    let next = store.run_lines(run, false, (page[1].line, page[1].id), 9).await.unwrap();
    assert_eq!(page.iter().chain(&next).map(|line| line.id).collect::<Vec<_>>(), ids);
    assert_eq!(store.run_lines(run, true, (-1, Uuid::nil()), 9).await.unwrap().len(), 3);
    let line = store.signal_line(SignalId(ids[1])).await.unwrap().unwrap();
    assert_eq!(
        (line.code.as_deref(), line.field.as_deref(), line.remarks.0),
        (Some("no_address"), Some("email"), json!(["guessed"]))
    );
    assert!(store.signal_line(SignalId(Uuid::new_v4())).await.unwrap().is_none());
    // Of who is kept out nothing is kept.
    let page = async |after| store.refused_contents(run, after, 2).await.unwrap();
    let first = page((i64::MIN, Uuid::nil())).await;
    let rest = page((first[1].line, first[1].id)).await;
    let contents: Vec<_> = first.into_iter().chain(rest).map(|row| (row.line, row.content)).collect();
    assert_eq!(contents, [(1, Some(vec![1, 0, 255])), (2, Some(vec![2, 0, 255])), (3, None)]);
    assert_eq!(store.signal_content(SignalId(ids[1])).await.unwrap(), Some(vec![1, 0, 255]));
    assert_eq!(store.signal_content(SignalId(ids[3])).await.unwrap(), None);

    let all = ids.clone();
    assert_eq!(store.write(async move |tx| tx.reopen_signals(&all).await).await.unwrap(), 2, "those with content");
    let named: Vec<SignalId> = ids.iter().copied().map(SignalId).collect();
    let unread = store.unread(&named).await.unwrap();
    assert_eq!(unread.iter().map(|unread| unread.id).collect::<Vec<_>>(), [ids[1], ids[2], ids[4]]);
    assert_eq!(unread[0].params.0, json!({ "fair": "Hannover" }));
    let line = store.signal_line(SignalId(ids[1])).await.unwrap().unwrap();
    assert_eq!((line.state.name(), line.code, line.reason), ("new", None, None));
}

async fn what_was_brought_before_is_known_by_its_key(fresh: &Fresh) {
    let (store, run, key) = (&fresh.store, RunId(Uuid::new_v4()), Uuid::new_v4());
    let (id, kind, content) = (Uuid::now_v7(), "lead_row".to_owned(), Bytes(vec![7]));
    let signal = NewSignal { id, run: run.0, kind, line: 1, dedup: key, received_at: NOON.0, content, trace: None };
    let put = store.write(async move |tx| {
        tx.put_run(run, "import", "list.csv", &json!({}), RunState::Receiving, NOON).await?;
        tx.put_signals(std::slice::from_ref(&signal)).await
    });
    assert_eq!(put.await.unwrap(), [id]);
    assert_eq!(store.known_keys(&[Uuid::new_v4(), key]).await.unwrap(), [key]);
    assert!(store.known_keys(&[]).await.unwrap().is_empty());
}

/// Two jobs that name the same inputs: the second finds that they are read.
async fn an_input_is_read_by_one(fresh: &Fresh) {
    let store = &fresh.store;
    let (_, ids) = import(store, 10).await;
    let readers = (0..6).map(|n| {
        let mut ids = ids.clone();
        if n % 2 == 0 {
            ids.reverse();
        }
        async move {
            store
                .write(async move |tx| {
                    let mine = tx.lock_unread(&ids).await?;
                    tokio::task::yield_now().await;
                    let reads: Vec<Read> = mine.iter().map(|id| read(*id, SignalState::Done, None)).collect();
                    tx.settle_signals(&reads).await?;
                    Ok(mine.len())
                })
                .await
                .unwrap()
        }
    });
    let read: Vec<usize> = futures_util::future::join_all(readers).await;
    assert_eq!(read.iter().sum::<usize>(), 10, "{read:?}");
}

async fn a_run_is_listed_and_can_be_corrected(fresh: &Fresh) {
    let store = &fresh.store;
    for n in 0..3 {
        let (id, at) = (RunId(Uuid::new_v4()), NOON.plus(seconds(n)));
        let label = format!("run {n}");
        store
            .write(async move |tx| tx.put_run(id, "form", &label.clone(), &json!({}), RunState::Reading, at).await)
            .await
            .unwrap();
    }
    let labels = |runs: Vec<mittler_store::runs::Run>| runs.into_iter().map(|run| run.label).collect::<Vec<_>>();
    assert_eq!(labels(store.run_list(None, 2).await.unwrap()), ["run 2", "run 1"]);
    let nil = Uuid::nil();
    assert_eq!(labels(store.run_list(Some((NOON.plus(seconds(1)), nil)), 9).await.unwrap()), ["run 0"]);
    assert!(store.run_list(Some((Time(0), nil)), 9).await.unwrap().is_empty());
    // Some begin at one moment: pages neither repeat nor skip them.
    for n in 0..5 {
        let id = RunId(Uuid::new_v4());
        store
            .write(async move |tx| {
                tx.put_run(id, "form", &format!("twin {n}"), &json!({}), RunState::Reading, NOON.minus(seconds(1)))
                    .await
            })
            .await
            .unwrap();
    }
    let (mut seen, mut before) = (Vec::new(), Some((NOON, nil)));
    loop {
        let page = store.run_list(before, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some((Time(last.created_at), last.id));
        seen.extend(labels(page));
    }
    seen.sort_unstable();
    assert_eq!(seen, ["twin 0", "twin 1", "twin 2", "twin 3", "twin 4"]);
    let id = RunId(store.run_list(None, 1).await.unwrap()[0].id);
    store.write(async move |tx| tx.set_run_params(id, &json!({ "fair": "Köln" })).await).await.unwrap();
    assert_eq!(store.run(id).await.unwrap().unwrap().params.0, json!({ "fair": "Köln" }));
}
