//! Webhooks: whose they are, and what they tell.

use bytes::Bytes;
use mittler_core::Time;

use super::{Finding, Stage, Verdict, hold, not_applicable};
use crate::{NotAuthentic, RawHook, Received};

pub(super) async fn a_genuine_hook_names_account_type_and_id(stage: &Stage) -> Finding {
    let hooks = match stage.peer.hooks() {
        Ok(hooks) => hooks,
        Err(why) => return Ok(not_applicable(why)),
    };
    let account = stage.crm.account().await.map_err(|error| format!("{error:?}"))?.id;
    let received = stage.crm.receive(&hooks.genuine, hooks.now).map_err(|error| format!("it was refused: {error}"))?;
    hold!(!received.events.is_empty(), "it tells nothing");
    for event in &received.events {
        let named = (event.account.as_str(), event.remote_type.as_str(), event.id.as_str());
        let expected = (account.as_str(), hooks.remote_type.as_str(), hooks.id.as_str());
        hold!(named == expected, "it is of {expected:?}, and tells of {named:?}");
        hold!(!event.key.is_empty(), "a repetition of {event:?} is not known by its key");
    }
    let again = stage.crm.receive(&hooks.genuine, hooks.now);
    hold!(again.as_ref() == Ok(&received), "repeated, it tells {again:?} in place of {received:?}");
    Ok(Verdict::Holds)
}

pub(super) async fn a_forged_hook_is_refused(stage: &Stage) -> Finding {
    let hooks = match stage.peer.hooks() {
        Ok(hooks) => hooks,
        Err(why) => return Ok(not_applicable(why)),
    };
    let received = stage.crm.receive(&hooks.forged, hooks.now);
    hold!(received == Err(NotAuthentic::Signature), "{received:?}");
    let unproved = RawHook { headers: Vec::new(), path_secret: String::new(), ..hooks.genuine };
    let received = stage.crm.receive(&unproved, hooks.now);
    hold!(received == Err(NotAuthentic::Signature), "without any proof: {received:?}");
    Ok(Verdict::Holds)
}

pub(super) async fn a_hook_of_long_ago_is_refused(stage: &Stage) -> Finding {
    let (late, now) = match stage.peer.hooks().and_then(|hooks| Ok((hooks.stale?, hooks.now))) {
        Ok(known) => known,
        Err(why) => return Ok(not_applicable(why)),
    };
    is(stage, &late, now, NotAuthentic::Stale)
}

pub(super) async fn a_hook_of_another_account_is_refused(stage: &Stage) -> Finding {
    let (foreign, now) = match stage.peer.hooks().and_then(|hooks| Ok((hooks.foreign?, hooks.now))) {
        Ok(known) => known,
        Err(why) => return Ok(not_applicable(why)),
    };
    // What names its account may as well be left to the caller, who compares.
    let own = stage.crm.account().await.map_err(|error| format!("{error:?}"))?.id;
    match stage.crm.receive(&foreign, now) {
        Err(why) => hold!(why == NotAuthentic::Account, "it is refused for {why}"),
        Ok(received) => hold!(is_of_others(&received, &own), "it is told as our own: {received:?}"),
    }
    Ok(Verdict::Holds)
}

fn is_of_others(received: &Received, own: &str) -> bool {
    !received.events.is_empty() && received.events.iter().all(|event| event.account != own)
}

pub(super) async fn what_is_no_hook_at_all_is_refused_and_never_a_panic(stage: &Stage) -> Finding {
    let hooks = match stage.peer.hooks() {
        Ok(hooks) => hooks,
        Err(why) => return Ok(not_applicable(why)),
    };
    for body in [&b""[..], b"\xff\xfe\x00", b"[", b"<", b"null", b"{}"] {
        let hook = RawHook { body: Bytes::copy_from_slice(body), ..hooks.genuine.clone() };
        let received = stage.crm.receive(&hook, hooks.now);
        let harmless = received.as_ref().map_or(true, |received| received.events.is_empty());
        hold!(harmless, "{body:?} tells {received:?}");
    }
    for now in [Time(i64::MIN), Time(0), Time::MAX, Time(i64::MAX)] {
        _ = stage.crm.receive(&hooks.genuine, now);
    }
    Ok(Verdict::Holds)
}

fn is(stage: &Stage, hook: &RawHook, now: Time, expected: NotAuthentic) -> Finding {
    let received = stage.crm.receive(hook, now);
    hold!(received == Err(expected), "{received:?}");
    Ok(Verdict::Holds)
}
