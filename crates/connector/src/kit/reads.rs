//! Finding and reading.

use std::collections::BTreeSet;

use super::{Finding, Stage, Verdict, hold};
use crate::{Key, KeyForm};

pub(super) async fn a_read_gives_the_asked_fields_and_the_key_that_found_them(stage: &Stage) -> Finding {
    let ids = stage.written(&[stage.create(0), stage.create(1), stage.create(2)]).await?;
    // Not in the order in which they were made.
    let keys = [2, 0].map(|n: usize| Key::Id(ids[n].clone()));
    let found = stage.read(&keys).await?;
    hold!(found.len() == 2, "two were asked for: {found:?}");
    for (key, n) in keys.iter().zip([2, 0]) {
        let named: Vec<_> = found.iter().filter(|record| record.key == *key).collect();
        let [record] = named[..] else { return Err(format!("{key:?} is answered {} times", named.len())) };
        hold!(record.id == ids[n] && !record.gone, "{key:?} is answered by {record:?}");
        let fields: Vec<_> = record.fields.0.keys().collect();
        hold!(fields == [stage.subject.field], "{} was asked for, and {fields:?} answered", stage.subject.field);
        let (expected, shown) = ((stage.subject.fields)(n), record.fields.text(stage.subject.field));
        hold!(shown == expected.text(stage.subject.field), "{key:?} shows {shown:?}");
    }
    let bare = stage.crm.read(stage.subject.remote_type, &keys, &[]).await.map_err(|error| format!("{error:?}"))?;
    hold!(bare.len() == 2 && bare.iter().all(|record| record.fields.is_empty()), "no field was asked for: {bare:?}");
    let none = stage.read(&[]).await?;
    hold!(none.is_empty(), "no key was asked for: {none:?}");
    Ok(Verdict::Holds)
}

pub(super) async fn a_missing_id_is_absent_and_no_error(stage: &Stage) -> Finding {
    let id = stage.made(0).await?;
    for missing in [stage.subject.missing_id, "no id", "", "' OR Id != '"] {
        let found = stage.read(&[Key::Id(missing.to_owned()), Key::Id(id.clone())]).await;
        let found = found.map_err(|error| format!("{missing:?} beside one that is there: {error}"))?;
        let found: Vec<_> = found.iter().map(|record| &record.id).collect();
        hold!(found == [&id], "{missing:?} and {id} found {found:?}");
        let alone = stage.read(&[Key::Id(missing.to_owned())]).await?;
        hold!(alone.is_empty(), "{missing:?} found {alone:?}");
    }
    Ok(Verdict::Holds)
}

pub(super) async fn a_blank_key_finds_nothing_and_does_not_spoil_the_others(stage: &Stage) -> Finding {
    for kind in &stage.crm.profile().kinds {
        let remote_type = &kind.remote_type;
        let keys = stage.peer.find_me(&*stage.crm, remote_type).await;
        stage.settle().await;
        for key in keys {
            let both = [blank(key.form()), key.clone()];
            let found = stage.crm.read(remote_type, &both, &[]).await;
            let found = found.map_err(|error| format!("{remote_type} by {both:?}: {error:?}"))?;
            let named: Vec<_> = found.iter().map(|record| &record.key).collect();
            hold!(named == [&key], "{remote_type} by {both:?} found what {named:?} name");
            let alone = stage.crm.read(remote_type, &both[..1], &[]).await;
            let alone = alone.map_err(|error| format!("{remote_type} by {:?}: {error:?}", both[0]))?;
            hold!(alone.is_empty(), "{remote_type} by {:?} found {alone:?}", both[0]);
        }
    }
    Ok(Verdict::Holds)
}

fn blank(form: KeyForm) -> Key {
    let text = String::new;
    match form {
        KeyForm::Id => Key::Id(text()),
        KeyForm::Own => Key::Own(text()),
        KeyForm::Email => Key::Email(text()),
        KeyForm::Domain => Key::Domain(text()),
        KeyForm::Name => Key::Name(text()),
        KeyForm::Pair => Key::Pair(text(), text()),
        KeyForm::Parent => Key::Parent(text()),
    }
}

pub(super) async fn each_form_of_key_in_the_profile_finds_its_record(stage: &Stage) -> Finding {
    for kind in &stage.crm.profile().kinds {
        let remote_type = &kind.remote_type;
        let keys = stage.peer.find_me(&*stage.crm, remote_type).await;
        stage.settle().await;
        let mut ids = BTreeSet::new();
        for form in &kind.keys {
            let key = keys.iter().find(|key| key.form() == *form);
            let key = key.ok_or_else(|| format!("the peer has no key of form {form:?} for {remote_type}"))?;
            let found = stage.crm.read(remote_type, std::slice::from_ref(key), &[]).await;
            let found = found.map_err(|error| format!("{remote_type} by {form:?}: {error:?}"))?;
            let [record] = &found[..] else { return Err(format!("{remote_type} by {key:?}: {found:?}")) };
            hold!(record.key == *key, "{remote_type} by {key:?} names {:?}", record.key);
            hold!(!record.gone, "{remote_type} by {key:?} is gone");
            ids.insert(record.id.clone());
        }
        hold!(ids.len() <= 1, "{remote_type}: keys of one record found {ids:?}");
        let more = keys.iter().filter(|key| !kind.keys.contains(&key.form())).count();
        hold!(more == 0, "{more} keys of {remote_type} are of forms that the profile does not name");
    }
    Ok(Verdict::Holds)
}
