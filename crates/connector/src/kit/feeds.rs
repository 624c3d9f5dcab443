//! What changed, and from where a later run goes on.

use std::collections::BTreeSet;

use super::{Finding, Stage, Verdict, hold, not_applicable, stage::failed};
use crate::{Cursor, Error};

const HOUR: i64 = 3_600;
const NO_FEED: &str = "the profile has no feed of this type";

pub(super) async fn a_feed_that_begins_now_tells_what_follows_and_nothing_of_before(stage: &Stage) -> Finding {
    let Some(feed) = stage.feed() else { return Ok(not_applicable(NO_FEED)) };
    let before = stage.made(0).await?;
    if let Err(why) = stage.peer.turn_clock(HOUR) {
        return Ok(not_applicable(why));
    }
    let begun = stage.begin(&feed).await?;
    hold!(begun.changes.is_empty(), "the beginning tells of {:?}", begun.changes);
    let after = stage.made(1).await?;
    let run = stage.follow(&feed, &begun.safe).await?;
    hold!(run.ids.contains(&after), "{after} was created after the beginning and not told");
    hold!(!run.ids.contains(&before), "{before} is an hour older than the beginning and was told");
    if stage.kind()?.updatable {
        stage.written(&[stage.update(&before, Some("Changed"))]).await?;
        let run = stage.follow(&feed, &run.safe).await?;
        hold!(run.ids.contains(&before), "the change of {before} was not told");
    }
    Ok(Verdict::Holds)
}

pub(super) async fn what_is_committed_late_is_found_from_the_safe_cursor(stage: &Stage) -> Finding {
    let Some(feed) = stage.feed() else { return Ok(not_applicable(NO_FEED)) };
    let late = i64::try_from(stage.peer.feed().late.as_secs()).unwrap_or(i64::MAX);
    if late == 0 {
        return Ok(not_applicable("a change is there as soon as it is stamped"));
    }
    if let Err(why) = stage.peer.turn_clock(HOUR) {
        return Ok(not_applicable(why));
    }
    let begun = stage.begin(&feed).await?;
    stage.made(0).await?;
    turn(stage, HOUR)?;
    let newest = stage.made(1).await?;
    let run = stage.follow(&feed, &begun.safe).await?;
    hold!(run.ids.contains(&newest), "{newest} was not told");
    // Stamped before the newest that was told, and only committed now.
    turn(stage, -late)?;
    let hidden = stage.made(2).await?;
    turn(stage, late)?;
    let again = stage.follow(&feed, &run.safe).await?;
    hold!(again.ids.contains(&hidden), "{hidden} was committed {late} s after its stamp and is never told");
    Ok(Verdict::Holds)
}

pub(super) async fn changes_of_one_stamp_are_all_told_though_pages_end_among_them(stage: &Stage) -> Finding {
    let Some(feed) = stage.feed() else { return Ok(not_applicable(NO_FEED)) };
    let begun = stage.begin(&feed).await?;
    if let Err(why) = stage.peer.turn_clock(HOUR) {
        return Ok(not_applicable(why));
    }
    let page = stage.peer.feed().page;
    let early = stage.made(0).await?;
    turn(stage, 1)?;
    let writes: Vec<_> = (1..=page * 2 + 1).map(|n| stage.create(n)).collect();
    let mut made: BTreeSet<String> = stage.written(&writes).await?.into_iter().collect();
    turn(stage, 1)?;
    made.extend([early, stage.made(page * 2 + 2).await?]);
    let run = stage.follow(&feed, &begun.safe).await?;
    let missed: Vec<_> = made.difference(&run.ids).collect();
    hold!(missed.is_empty(), "{} of {} changes were not told: {missed:?}", missed.len(), made.len());
    hold!(run.pages > 1, "all were on one page: is the page of the peer right?");
    Ok(Verdict::Holds)
}

pub(super) async fn a_cursor_that_the_crm_does_not_know_is_an_error_and_no_silence(stage: &Stage) -> Finding {
    let Some(feed) = stage.feed() else { return Ok(not_applicable(NO_FEED)) };
    stage.made(0).await?;
    let long = "9".repeat(5_000);
    for text in ["nonsense", "", "\u{1f980}:1", "{\"at\":", "-", long.as_str()] {
        let told = stage.crm.changes(&feed, Some(&Cursor(text.to_owned())), stage.peer.now()).await;
        let error = failed(told, &format!("a feed from {text:?}"))?;
        let known = matches!(error, Error::CursorExpired { .. } | Error::Protocol { .. });
        hold!(known, "a feed from {text:?}: {error:?}");
    }
    if let Ok(expired) = stage.peer.feed().expired {
        let told = stage.crm.changes(&feed, Some(&expired), stage.peer.now()).await;
        let error = failed(told, "a feed from an expired cursor")?;
        hold!(matches!(error, Error::CursorExpired { .. }), "a feed from an expired cursor: {error:?}");
    }
    Ok(Verdict::Holds)
}

pub(super) async fn a_deletion_is_told_where_the_feed_tells_them(stage: &Stage) -> Finding {
    let Some(feed) = stage.feed() else { return Ok(not_applicable(NO_FEED)) };
    let begun = stage.begin(&feed).await?;
    let ids = stage.written(&[stage.create(0), stage.create(1)]).await?;
    stage.written(&[stage.archive(&ids[0])]).await?;
    let run = stage.follow(&feed, &begun.safe).await?;
    hold!(run.ids.contains(&ids[1]) && !run.deleted.contains(&ids[1]), "{} lives, the feed says {run:?}", ids[1]);
    let told_alive = run.ids.contains(&ids[0]) && !run.deleted.contains(&ids[0]);
    hold!(!told_alive, "{} was archived and is told as a living one", ids[0]);
    if let Err(why) = stage.peer.feed().tells_deletions {
        return Ok(not_applicable(why));
    }
    hold!(run.deleted.contains(&ids[0]), "{} was archived, and the feed does not say so", ids[0]);
    Ok(Verdict::Holds)
}

fn turn(stage: &Stage, seconds: i64) -> Result<(), String> {
    stage.peer.turn_clock(seconds).map_err(str::to_owned)
}
