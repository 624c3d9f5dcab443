//! Creating, changing, removing.

use std::collections::BTreeSet;

use super::{Finding, Stage, Verdict, hold, not_applicable, stage::own_key};
use crate::{Error, Key, OwnKey, RowResult, Write};

pub(super) async fn each_write_has_one_outcome_in_the_order_of_the_batch(stage: &Stage) -> Finding {
    let before = stage.count().await;
    let rows = stage.kind()?.batch.clamp(1, 5);
    // Tags that do not rise with the rows: an answer that was sorted by them is noticed.
    let mut batch: Vec<Write> = (0..rows).map(|n| stage.create(n)).collect();
    batch.reverse();
    let outcomes = stage.push(&batch).await.map_err(|error| format!("{error:?}"))?;
    let tags: Vec<_> = outcomes.iter().map(|outcome| outcome.tag).collect();
    let sent: Vec<_> = batch.iter().map(Write::tag).collect();
    hold!(tags == sent, "the outcomes are of {tags:?}, the batch was {sent:?}");
    let created = outcomes.iter().all(|outcome| matches!(outcome.result, RowResult::Written { created: true, .. }));
    hold!(created, "not all were created: {outcomes:?}");
    let there = stage.count().await;
    hold!(there == before + rows, "{rows} were created, and {there} are there instead of {before} before");
    let none = stage.push(&[]).await;
    hold!(none.as_ref().is_ok_and(Vec::is_empty), "an empty batch: {none:?}");
    Ok(Verdict::Holds)
}

pub(super) async fn a_full_batch_is_written_and_each_row_has_its_own_id(stage: &Stage) -> Finding {
    let rows = stage.kind()?.batch;
    let batch: Vec<Write> = (0..rows).map(|n| stage.create(n)).collect();
    let outcomes = stage.push(&batch).await.map_err(|error| format!("a batch of {rows}: {error:?}"))?;
    hold!(outcomes.len() == rows, "{} outcomes for {rows} rows", outcomes.len());
    let mut ids = Vec::new();
    for outcome in &outcomes {
        let RowResult::Written { id, .. } = &outcome.result else { return Err(format!("not written: {outcome:?}")) };
        ids.push(id.clone());
    }
    let distinct: BTreeSet<&String> = ids.iter().collect();
    hold!(distinct.len() == rows, "{} ids for {rows} rows", distinct.len());
    stage.settle().await;
    for n in BTreeSet::from([0, rows / 2, rows - 1]) {
        let expected = (stage.subject.fields)(n).text(stage.subject.field).map(str::to_owned);
        let shown = stage.text(&ids[n]).await?;
        hold!(shown == expected, "row {n} is said to be {}, which holds {shown:?} and not {expected:?}", ids[n]);
    }
    Ok(Verdict::Holds)
}

pub(super) async fn one_bad_row_does_not_spoil_the_others(stage: &Stage) -> Finding {
    let before = stage.count().await;
    let bad = stage.create_of(1, (stage.subject.bad)(1));
    let alone = stage.push(std::slice::from_ref(&bad)).await;
    let refused = match &alone {
        Ok(outcomes) => matches!(&outcomes[..], [only] if is_refusal(&only.result)),
        Err(error) => matches!(error, Error::BatchRefused { .. }),
    };
    hold!(refused, "a bad row alone: {alone:?}");
    if stage.kind()?.batch < 3 {
        return Ok(not_applicable("a batch has no other rows"));
    }
    let batch = [stage.create(0), bad, stage.create(2)];
    match stage.push(&batch).await {
        Ok(outcomes) => {
            let results: Vec<&RowResult> = outcomes.iter().map(|outcome| &outcome.result).collect();
            let [RowResult::Written { .. }, bad, RowResult::Written { .. }] = results[..] else {
                return Err(format!("good, bad, good: {outcomes:?}"));
            };
            hold!(is_refusal(bad), "the bad row: {bad:?}");
            hold!(stage.count().await == before + 2, "two rows were written, and it counts otherwise");
        }
        Err(Error::BatchRefused { .. }) => {
            hold!(stage.count().await == before, "the batch was refused, and something of it was written");
        }
        Err(other) => return Err(format!("good, bad, good: {other:?}")),
    }
    Ok(Verdict::Holds)
}

fn is_refusal(result: &RowResult) -> bool {
    matches!(result, RowResult::Refused(_) | RowResult::Misconfigured { .. })
}

pub(super) async fn a_repeated_create_finds_the_first_record(stage: &Stage) -> Finding {
    if !stage.kind()?.own_key.recognises_repetition() {
        return Ok(not_applicable("the profile does not promise it"));
    }
    let first = stage.made(0).await?;
    let before = stage.count().await;
    let again = stage.push(&[stage.create(0)]).await.map_err(|error| format!("the repetition: {error:?}"))?;
    let found = matches!(&again[..], [only]
        if matches!(&only.result, RowResult::Written { id, created: false, .. } if *id == first));
    hold!(found, "the first is {first}, the repetition says {again:?}");
    hold!(stage.count().await == before, "the repetition made a second record");
    Ok(Verdict::Holds)
}

pub(super) async fn our_key_finds_the_record_that_was_created_with_it(stage: &Stage) -> Finding {
    let kind = stage.kind()?;
    match &kind.own_key {
        OwnKey::None | OwnKey::Native => return Ok(not_applicable("the profile names no field of ours")),
        OwnKey::Field(_) | OwnKey::Searchable(_) => {}
    }
    let ids = stage.written(&[stage.create(0), stage.create(1)]).await?;
    let key = Key::Own(own_key(1));
    let found = stage.read(&[key.clone(), Key::Own("kit-never".into())]).await?;
    let found: Vec<_> = found.iter().map(|record| (&record.key, &record.id)).collect();
    hold!(found == [(&key, &ids[1])], "looked for {}, found {found:?}", ids[1]);
    Ok(Verdict::Holds)
}

pub(super) async fn an_update_changes_what_was_sent_and_nothing_else(stage: &Stage) -> Finding {
    if !stage.kind()?.updatable {
        return Ok(not_applicable("the profile says that it cannot be changed"));
    }
    let ids = stage.written(&[stage.create(0), stage.create(1)]).await?;
    let fields: Vec<String> = (stage.subject.fields)(0).0.into_keys().collect();
    let whole = async |id: &str| {
        let read = stage.crm.read(stage.subject.remote_type, &[Key::Id(id.to_owned())], &fields).await;
        let mut read = read.map_err(|error| format!("{error:?}"))?;
        read.pop().map(|record| record.fields).ok_or_else(|| format!("{id} is not shown"))
    };
    let (mut expected, other) = (whole(&ids[0]).await?, whole(&ids[1]).await?);
    let before = stage.count().await;
    let outcomes = stage.push(&[stage.update(&ids[0], Some("Changed"))]).await.map_err(|error| format!("{error:?}"))?;
    let written = matches!(&outcomes[..], [only]
        if matches!(&only.result, RowResult::Written { id, created: false, .. } if *id == ids[0]));
    hold!(written, "the update: {outcomes:?}");
    expected.set(stage.subject.field, mittler_core::Value::Text("Changed".into()));
    let shown = whole(&ids[0]).await?;
    hold!(shown == expected, "expected {expected:?}, shown {shown:?}");
    hold!(whole(&ids[1]).await? == other, "another record changed");
    hold!(stage.count().await == before, "the update made a record");
    Ok(Verdict::Holds)
}

pub(super) async fn an_emptied_field_reads_as_none(stage: &Stage) -> Finding {
    if !stage.kind()?.updatable {
        return Ok(not_applicable("the profile says that it cannot be changed"));
    }
    let id = stage.made(0).await?;
    hold!(stage.text(&id).await?.is_some(), "the field was empty before");
    stage.written(&[stage.update(&id, None)]).await?;
    let shown = stage.text(&id).await?;
    hold!(shown.is_none(), "it was emptied and reads as {shown:?}");
    Ok(Verdict::Holds)
}

pub(super) async fn an_update_of_a_record_that_is_no_more_says_gone(stage: &Stage) -> Finding {
    if !stage.kind()?.updatable {
        return Ok(not_applicable("the profile says that it cannot be changed"));
    }
    let ids = stage.written(&[stage.create(0), stage.create(1)]).await?;
    stage.written(&[stage.archive(&ids[0])]).await?;
    let gone = |result: &RowResult| matches!(result, RowResult::Gone { .. });
    for id in [ids[0].as_str(), stage.subject.missing_id] {
        let alone = stage.push(&[stage.update(id, Some("Changed"))]).await;
        hold!(matches!(&alone, Ok(rows) if rows.len() == 1 && gone(&rows[0].result)), "{id} alone: {alone:?}");
    }
    if stage.kind()?.batch < 2 {
        return Ok(Verdict::Holds);
    }
    let batch = [stage.update(&ids[0], Some("Changed")), stage.update(&ids[1], Some("Changed"))];
    match stage.push(&batch).await {
        Ok(rows) => {
            let here = matches!(&rows[1].result, RowResult::Written { id, .. } if *id == ids[1]);
            hold!(gone(&rows[0].result) && here, "one that is gone and one that is there: {rows:?}");
        }
        Err(error) => hold!(matches!(error, Error::BatchRefused { .. }), "{error:?}"),
    }
    Ok(Verdict::Holds)
}

pub(super) async fn an_archived_record_is_there_no_more(stage: &Stage) -> Finding {
    let ids = stage.written(&[stage.create(0), stage.create(1)]).await?;
    let before = stage.count().await;
    stage.written(&[stage.archive(&ids[0])]).await?;
    hold!(stage.count().await + 1 == before, "it counts as many as before");
    let keys: Vec<Key> = ids.iter().map(|id| Key::Id(id.clone())).collect();
    let found = stage.read(&keys).await?;
    let living: Vec<_> = found.iter().filter(|record| !record.gone).map(|record| &record.id).collect();
    hold!(living == [&ids[1]], "{} was archived, there are {living:?}", ids[0]);
    let again = stage.push(&[stage.archive(&ids[0])]).await;
    let is_gone = matches!(&again, Ok(rows) if rows.len() == 1
        && matches!(rows[0].result, RowResult::Written { .. } | RowResult::Gone { .. }));
    hold!(is_gone, "archived again: {again:?}");
    // What is created anew under the key of an archived record is never silently the archived one.
    if stage.kind()?.own_key.recognises_repetition()
        && let Ok(rows) = stage.push(&[stage.create(0)]).await
        && let [only] = &rows[..]
        && let RowResult::Written { id, .. } = &only.result
    {
        let found = stage.read(&[Key::Id(id.clone())]).await?;
        hold!(found.iter().any(|record| !record.gone), "{id} is said to be written and is not there");
    }
    Ok(Verdict::Holds)
}
