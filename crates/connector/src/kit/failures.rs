//! What goes wrong on the way, and what the CRM says of it.

use super::{Break, Case, Finding, Stage, To, Verdict, hold, not_applicable, stage::failed};
use crate::{Cursor, Error, Key, Outcome, Resets, Result as CallResult, RowResult, Write};

/// Bodies in place of the CRM's words.
const GARBLED: [&str; 4] = ["<html><body>OK</body></html>", "{}", "[]", "{\"results\":"];

pub(super) async fn an_unreadable_success_of_a_write_is_unknown(stage: &Stage) -> Finding {
    stage.warm().await?;
    for (n, text) in GARBLED.into_iter().enumerate() {
        let before = stage.count().await;
        stage.line.break_next(To::Writes, 1, Break::Garbled(text));
        let error = failed(stage.push(&[stage.create(n)]).await, &format!("a create that was answered {text:?}"))?;
        broke(stage, 1)?;
        hold!(stage.count().await == before + 1, "the peer did not do the work: nothing was proved");
        hold!(matches!(error, Error::Unknown { .. }), "a create that was answered {text:?}: {error:?}");
    }
    Ok(Verdict::Holds)
}

pub(super) async fn a_connection_that_is_cut_after_the_commit_is_unknown(stage: &Stage) -> Finding {
    stage.warm().await?;
    let before = stage.count().await;
    let write = [stage.create(0)];
    stage.line.break_next(To::Writes, 1, Break::CutAfter);
    let error = failed(stage.push(&write).await, "a create without an answer")?;
    broke(stage, 1)?;
    hold!(matches!(error, Error::Unknown { .. }), "{error:?}");
    hold!(stage.count().await == before + 1, "the peer did not do the work once");
    if stage.kind()?.own_key.recognises_repetition() {
        let again = stage.push(&write).await.map_err(|error| format!("the repetition: {error:?}"))?;
        let found = matches!(&again[..], [only] if matches!(only.result, RowResult::Written { created: false, .. }));
        hold!(found && stage.count().await == before + 1, "the repetition: {again:?}");
    }
    Ok(Verdict::Holds)
}

pub(super) async fn a_connection_that_is_cut_before_the_commit_is_unknown_too(stage: &Stage) -> Finding {
    stage.warm().await?;
    let id = stage.made(0).await?;
    for write in [stage.create(1), stage.archive(&id)] {
        let before = stage.count().await;
        stage.line.break_next(To::Writes, 1, Break::CutBefore);
        let error = failed(stage.push(std::slice::from_ref(&write)).await, "a write without an answer")?;
        broke(stage, 1)?;
        // Nobody on this side can tell it from one that was done.
        hold!(matches!(error, Error::Unknown { .. }), "{write:?}: {error:?}");
        hold!(stage.count().await == before, "it was written after all");
    }
    stage.line.break_next(To::Reads, usize::MAX, Break::CutBefore);
    let fields = [stage.subject.field.to_owned()];
    let told = stage.crm.read(stage.subject.remote_type, &[Key::Id(id)], &fields).await;
    broke(stage, 1)?;
    let error = failed(told, "a read without an answer")?;
    hold!(matches!(error, Error::Unavailable { .. }), "a read: {error:?}");
    Ok(Verdict::Holds)
}

pub(super) async fn a_host_that_nobody_listens_at_is_unavailable(stage: &Stage) -> Finding {
    let crm = stage.of_nobody()?;
    let error = failed(crm.push(stage.subject.remote_type, &[stage.create(0)]).await, "a create at nobody")?;
    hold!(matches!(error, Error::Unavailable { .. }), "a create: {error:?}");
    let error = failed(crm.account().await, "an account of nobody")?;
    hold!(matches!(error, Error::Unavailable { .. }), "a read: {error:?}");
    Ok(Verdict::Holds)
}

pub(super) async fn an_error_inside_a_success_is_no_success(stage: &Stage) -> Finding {
    stage.warm().await?;
    let id = stage.made(0).await?;
    for write in [stage.create(1), stage.update(&id, Some("Changed"))] {
        if let Some(why) = refused(stage, Case::ErrorInside, &write).await? {
            return Ok(not_applicable(why));
        }
    }
    Ok(Verdict::Holds)
}

pub(super) async fn an_unknown_code_never_counts_as_success(stage: &Stage) -> Finding {
    stage.warm().await?;
    let id = stage.made(0).await?;
    for write in [stage.create(1), stage.update(&id, Some("Changed")), stage.archive(&id)] {
        if let Some(why) = refused(stage, Case::UnknownCode, &write).await? {
            return Ok(not_applicable(why));
        }
    }
    stage.line.break_next(To::Reads, usize::MAX, Break::Answered(Case::UnknownCode));
    let fields = [stage.subject.field.to_owned()];
    let told = stage.crm.read(stage.subject.remote_type, &[Key::Id(id)], &fields).await;
    broke(stage, 1)?;
    failed(told, "a read that was refused with an unknown code")?;
    Ok(Verdict::Holds)
}

/// The CRM answers a write so, and no row of it may count as written. Why it never answers so, if it never does.
async fn refused(stage: &Stage, case: Case, write: &Write) -> Result<Option<String>, String> {
    if let Some(why) = never(stage, case) {
        return Ok(Some(why));
    }
    stage.line.break_next(To::Writes, usize::MAX, Break::Answered(case));
    let told = stage.push(std::slice::from_ref(write)).await;
    broke(stage, 1)?;
    hold!(!is_success(&told), "{case:?} to {write:?}: {told:?}");
    Ok(None)
}

fn is_success(told: &CallResult<Vec<Outcome>>) -> bool {
    let Ok(rows) = told else { return false };
    rows.is_empty() || rows.iter().any(|row| matches!(row.result, RowResult::Written { .. }))
}

pub(super) async fn a_spent_limit_is_told_with_its_bucket_and_wait_and_not_tried_again(stage: &Stage) -> Finding {
    if let Some(why) = never(stage, Case::Limited) {
        return Ok(not_applicable(why));
    }
    stage.warm().await?;
    let before = stage.count().await;
    stage.line.break_next(To::Writes, usize::MAX, Break::Answered(Case::Limited));
    let error = failed(stage.push(&[stage.create(0)]).await, "a create beyond the limit")?;
    broke(stage, 1)?;
    is_limit(stage, &error)?;
    hold!(stage.count().await == before, "it was written");
    stage.line.take_asked();
    stage.line.break_next(To::All, usize::MAX, Break::Answered(Case::Limited));
    let error = failed(stage.crm.account().await, "a read beyond the limit")?;
    broke(stage, 1)?;
    is_limit(stage, &error)?;
    let asked = stage.line.take_asked().len();
    hold!(asked == 1, "it asked {asked} times");
    Ok(Verdict::Holds)
}

fn is_limit(stage: &Stage, error: &Error) -> Result<(), String> {
    let Error::Limited { bucket, retry_after } = error else { return Err(format!("{error:?}")) };
    let budget = stage.crm.profile().budget(bucket);
    let budget = budget.ok_or_else(|| format!("the profile has no bucket {bucket}"))?;
    // The caller alone knows when midnight is there.
    hold!(retry_after.is_some() || budget.resets == Resets::Midnight, "no wait is named: {error:?}");
    if let Ok(wire) = stage.peer.answer(Case::Limited, &probe())
        && let Some((_, said)) = wire.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))
    {
        let told = retry_after.map(|wait| wait.as_secs().to_string());
        hold!(told.as_ref() == Some(said), "the CRM said {said} s, the connector {told:?}");
    }
    Ok(())
}

pub(super) async fn an_outage_is_unavailable_to_a_read_and_no_result_to_a_write(stage: &Stage) -> Finding {
    if let Some(why) = never(stage, Case::Down) {
        return Ok(not_applicable(why));
    }
    stage.warm().await?;
    stage.line.break_next(To::All, usize::MAX, Break::Answered(Case::Down));
    let error = failed(stage.crm.account().await, "a read during an outage")?;
    hold!(matches!(error, Error::Unavailable { .. }), "a read: {error:?}");
    if let Some(feed) = stage.feed() {
        let begun = stage.begin(&feed).await;
        stage.line.mend();
        let cursor: Cursor = match begun {
            Ok(page) => page.safe,
            Err(_) => stage.begin(&feed).await?.safe,
        };
        stage.line.break_next(To::All, usize::MAX, Break::Answered(Case::Down));
        let told = stage.crm.changes(&feed, Some(&cursor), stage.peer.now()).await;
        let error = failed(told, "changes during an outage")?;
        hold!(matches!(error, Error::Unavailable { .. }), "changes: {error:?}");
    }
    let error = failed(stage.push(&[stage.create(0)]).await, "a create during an outage")?;
    hold!(matches!(error, Error::Unavailable { .. } | Error::Unknown { .. }), "a create: {error:?}");
    broke(stage, 1)?;
    Ok(Verdict::Holds)
}

pub(super) async fn a_rejected_token_is_replaced_once_and_the_call_done_once(stage: &Stage) -> Finding {
    if let Some(why) = never(stage, Case::TokenRejected) {
        return Ok(not_applicable(why));
    }
    stage.warm().await?;
    let before = stage.count().await;
    stage.line.break_next(To::All, 1, Break::Answered(Case::TokenRejected));
    stage.made(0).await?;
    broke(stage, 1)?;
    let replaced = stage.tokens.replaced();
    hold!(replaced == 1, "the token was replaced {replaced} times");
    hold!(stage.count().await == before + 1, "the create was not done once");
    Ok(Verdict::Holds)
}

pub(super) async fn a_token_that_is_rejected_twice_needs_a_person(stage: &Stage) -> Finding {
    if let Some(why) = never(stage, Case::TokenRejected) {
        return Ok(not_applicable(why));
    }
    stage.warm().await?;
    stage.line.break_next(To::All, usize::MAX, Break::Answered(Case::TokenRejected));
    let error = failed(stage.push(&[stage.create(0)]).await, "a create with a bad token")?;
    broke(stage, 1)?;
    hold!(matches!(error, Error::Reauthorise { .. }), "{error:?}");
    let (asked, replaced) = (stage.line.take_asked().len(), stage.tokens.replaced());
    hold!((asked, replaced) == (2, 1), "it asked {asked} times and replaced the token {replaced} times");
    Ok(Verdict::Holds)
}

pub(super) async fn an_account_that_is_shut_is_not_asked_again(stage: &Stage) -> Finding {
    if let Some(why) = never(stage, Case::Shut) {
        return Ok(not_applicable(why));
    }
    stage.warm().await?;
    stage.line.break_next(To::All, usize::MAX, Break::Answered(Case::Shut));
    let error = failed(stage.push(&[stage.create(0)]).await, "a create where nobody is let in")?;
    let asked = stage.line.take_asked().len();
    hold!(asked == 1, "it asked {asked} times");
    hold!(!error.is_passing() || matches!(error, Error::Limited { .. }), "it will be tried again at once: {error:?}");
    hold!(!matches!(error, Error::BatchRefused { .. }), "every record would be taken for bad: {error:?}");
    hold!(stage.tokens.replaced() == 0, "the token was not at fault, and was replaced");
    Ok(Verdict::Holds)
}

/// Why the CRM never answers so.
fn never(stage: &Stage, case: Case) -> Option<String> {
    stage.peer.answer(case, &probe()).err().map(str::to_owned)
}

/// A request that is asked about and never sent.
fn probe() -> super::Asked {
    super::Asked { method: reqwest::Method::GET, path: "/".into(), body: bytes::Bytes::new() }
}

/// What was to go wrong did: else the property would have proved nothing.
fn broke(stage: &Stage, least: usize) -> Result<(), String> {
    let broke = stage.line.mend();
    hold!(broke >= least, "no request of the call could be broken: is `Peer::writes` right?");
    Ok(())
}
