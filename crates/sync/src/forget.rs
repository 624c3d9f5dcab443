//! Forgetting a person: out of the database, and not back in.

use mittler_core::RecordId;
use mittler_store::{Clock, Result, Store, audit::NewEntry, forget::Removed};
use serde_json::json;

use crate::keys::Keys;

/// Removes a person and suppresses their addresses; says per table what was done. `None` if there
/// is no such record.
///
/// What a CRM holds stays there: erasing it is that system's own act, and the list of links that
/// goes with the answer says where the person is known.
pub async fn forget(
    store: &Store,
    keys: &Keys,
    clock: &Clock,
    person: RecordId,
    actor: &str,
) -> Result<Option<Vec<Removed>>> {
    let Some(record) = store.record(person).await? else { return Ok(None) };
    let entries = keys.suppressions_of(&record.fields);
    let (now, actor, salt) = (clock.now(), actor.to_owned(), clock.id().simple().to_string());
    let removed = store
        .write(async move |tx| {
            let kept_out = tx.suppress(&entries, now).await?;
            let mut removed = tx.forget(person).await?;
            removed.push(Removed { table: "suppression".into(), rows: kept_out, how: "added".into() });
            tx.enter(&NewEntry {
                at: now,
                actor: actor.clone(),
                action: "forget".into(),
                target: person.to_string(),
                record: None,
                content: json!({ "tables": removed }),
                salt: salt.clone(),
            })
            .await?;
            Ok(removed)
        })
        .await?;
    store.checkpoint().await?;
    Ok(Some(removed))
}
