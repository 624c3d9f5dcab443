//! Who was forgotten, and is not taken in again.

use std::collections::HashSet;

use mittler_core::Said;
use mittler_identity::{Key, KeyType, identifiers};
use mittler_store::{Error, Result, Tx, signals::SignalState};
use mittler_sync::keys::Entries;
use uuid::Uuid;

use super::{Env, Work, not_taken};
use crate::input::Input;

/// Who was forgotten does not come back: refused here, and at the gate once more. Somebody who only
/// shares a number or a mailbox and the surname with them is left to a person.
pub(super) async fn keep_out<'i>(
    tx: &mut Tx,
    env: &Env,
    inputs: Vec<&'i Input>,
    work: &mut Work,
) -> Result<Vec<&'i Input>> {
    (work.kept_out, _) = tx.exceptions().await?;
    if !work.kept_out {
        return Ok(inputs);
    }
    let entries: Vec<Entries> = inputs.iter().map(|input| entries_of(env, input)).collect();
    let ids = |entries: &Entries| entries.all().map(|(id, _)| id).collect();
    work.entries = inputs.iter().zip(&entries).map(|(input, entries)| (input.signal, ids(entries))).collect();
    let all: Vec<Uuid> = work.entries.values().flatten().copied().collect();
    if all.is_empty() {
        return Ok(inputs);
    }
    work.suppressed = tx.suppressed(&all).await?.into_iter().collect();
    if work.suppressed.is_empty() {
        return Ok(inputs);
    }
    let known: HashSet<Uuid> = {
        let strong =
            |input: &&Input| input.person.keys.iter().filter(|key| key.key_type.is_strong()).map(Key::id).collect();
        let strong: Vec<Uuid> = inputs.iter().flat_map(|input| -> Vec<Uuid> { strong(input) }).collect();
        tx.by_strong_keys(&strong).await?.into_iter().map(|row| row.key).collect()
    };
    let mut kept = Vec::with_capacity(inputs.len());
    for (input, entries) in inputs.into_iter().zip(entries) {
        let hit = |some: &[(Uuid, &'static str)]| some.iter().any(|(id, _)| work.suppressed.contains(id));
        if hit(&entries.strong) {
            let reason = "this person was forgotten on request and must not be taken in again";
            work.reads.push(not_taken(input.signal, SignalState::Refused, "suppressed", None, reason));
        } else if hit(&entries.weak) && !input.person.keys.iter().any(|key| known.contains(&key.id())) {
            let reason = "a person of this surname with this number or shared mailbox was forgotten on request; \
                          if this is somebody else, send it again without the number or mailbox";
            work.reads.push(not_taken(input.signal, SignalState::Parked, "suppressed_perhaps", None, reason));
        } else {
            kept.push(input);
        }
    }
    Ok(kept)
}

fn entries_of(env: &Env, input: &Input) -> Entries {
    let keys = input.person.keys.iter().filter(|key| key.key_type.is_strong() || key.key_type == KeyType::PhoneName);
    let said: Vec<&Said> = input.person.said.iter().collect();
    env.keys.entries(&identifiers(&said), keys.map(|key| (key.id(), key.key_type.is_strong())))
}

/// A person that is forgotten between the look at who is kept out and the look at who is known
/// (PostgreSQL) would be made anew: whoever is new here is looked for once more.
pub(super) async fn still_welcome(tx: &mut Tx, inputs: &[&Input], work: &Work) -> Result<()> {
    if !work.kept_out {
        return if tx.exceptions().await?.0 { Err(Error::Raced) } else { Ok(()) };
    }
    let fresh = work.persons.iter().filter(|(_, person, _)| work.fresh.contains_key(person));
    let all: Vec<Uuid> = fresh
        .filter_map(|(at, _, _)| work.entries.get(&inputs[*at].signal))
        .flatten()
        .filter(|id| !work.suppressed.contains(id))
        .copied()
        .collect();
    if !all.is_empty() && !tx.suppressed(&all).await?.is_empty() {
        return Err(Error::Raced);
    }
    Ok(())
}
