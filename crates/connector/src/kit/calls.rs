//! Calls of every kind: what they cost, and what the CRM says of itself.

use mittler_core::mapping::Mapping;

use super::{Finding, Stage, Verdict, hold, not_applicable};
use crate::{Key, SetupWish};

pub(super) async fn every_call_asks_for_a_permit_with_a_cost_in_buckets_of_the_profile(stage: &Stage) -> Finding {
    let profile = stage.crm.profile();
    if profile.budgets.is_empty() {
        return Ok(not_applicable("the profile has no budgets"));
    }
    let words = |error: crate::Error| format!("{error:?}");
    stage.crm.account().await.map_err(words)?;
    stage.crm.setup(SetupWish::Check).await.map_err(words)?;
    stage.crm.describe(stage.subject.remote_type).await.map_err(words)?;
    let id = stage.made(0).await?;
    stage.read(&[Key::Id(id.clone())]).await?;
    if stage.kind()?.updatable {
        stage.written(&[stage.update(&id, None)]).await?;
    }
    if let Some(feed) = stage.feed() {
        let begun = stage.begin(&feed).await?;
        stage.follow(&feed, &begun.safe).await?;
    }
    for kind in &profile.kinds {
        for key in stage.peer.find_me(&*stage.crm, &kind.remote_type).await {
            stage.crm.read(&kind.remote_type, &[key], &[]).await.map_err(words)?;
        }
    }
    stage.written(&[stage.archive(&id)]).await?;
    let (asked, permits) = (stage.line.take_asked(), stage.meter.take());
    hold!(asked.len() == permits.len(), "{} requests had {} permits", asked.len(), permits.len());
    for (cost, asked) in permits.iter().zip(&asked) {
        let call = format!("{} {}", asked.method, asked.path);
        hold!(!cost.is_empty(), "{call} costs nothing");
        for (bucket, units) in *cost {
            hold!(profile.budget(bucket).is_some(), "{call} costs of {bucket}, which the profile does not name");
            hold!(*units > 0, "{call} costs nothing of {bucket}");
        }
    }
    Ok(Verdict::Holds)
}

pub(super) async fn an_account_has_one_id_whenever_it_is_asked(stage: &Stage) -> Finding {
    let first = stage.crm.account().await.map_err(|error| format!("{error:?}"))?;
    let again = stage.crm.account().await.map_err(|error| format!("{error:?}"))?;
    hold!(first == again, "{first:?}, and then {again:?}");
    hold!(!first.id.is_empty() && first.id.trim() == first.id, "the id is {:?}", first.id);
    Ok(Verdict::Holds)
}

pub(super) async fn the_schema_knows_each_field_that_the_default_mapping_writes(stage: &Stage) -> Finding {
    let mapping = Mapping::parse(stage.peer.default_mapping()).map_err(|error| format!("the mapping: {error:?}"))?;
    for object in &mapping.objects {
        let kind = stage.crm.profile().kind(&object.remote);
        let kind = kind.ok_or_else(|| format!("the profile does not name {}", object.remote))?;
        let schema =
            stage.crm.describe(&object.remote).await.map_err(|error| format!("{}: {error:?}", object.remote))?;
        hold!(schema.remote_type == object.remote, "{} is described as {}", object.remote, schema.remote_type);
        let fatal: Vec<_> =
            object.check(&schema, kind.own_key.field()).into_iter().filter(|finding| finding.fatal).collect();
        hold!(fatal.is_empty(), "{}: {fatal:?}", object.remote);
    }
    Ok(Verdict::Holds)
}

pub(super) async fn the_history_names_the_last_value_and_when_it_was_set(stage: &Stage) -> Finding {
    if stage.crm.profile().history.is_none() {
        return Ok(not_applicable("the profile says that no history of fields is kept"));
    }
    let id = stage.made(0).await?;
    if let Err(why) = stage.peer.turn_clock(60) {
        return Ok(not_applicable(why));
    }
    let changed_at = stage.peer.now();
    stage.written(&[stage.update(&id, Some("Changed"))]).await?;
    let (ids, fields) = ([id.clone()], [stage.subject.field.to_owned()]);
    let histories = stage.crm.history(stage.subject.remote_type, &ids, &fields).await;
    let histories = histories.map_err(|error| format!("{error:?}"))?;
    let last = histories.get(&id).and_then(|fields| fields.get(stage.subject.field));
    let (value, at) = last.ok_or_else(|| format!("nothing is told of the field: {histories:?}"))?;
    hold!(value.as_ref().and_then(|value| value.as_text()) == Some("Changed"), "the last value is told as {value:?}");
    let off = at.since(changed_at).max(changed_at.since(*at));
    hold!(off <= stage.crm.profile().stamp_resolution, "set at {changed_at:?}, told as {at:?}");
    Ok(Verdict::Holds)
}
