//! Restriction of processing (Art. 18 GDPR): a stop on telling anybody of a person, and its end.

use mittler_core::{Kind, RecordId, job::Lane};
use mittler_store::{Clock, Result, Store, audit::NewEntry};
use serde_json::json;

use crate::retry::want_held;

/// Restricts a person, or lifts it; what was held meanwhile is due then. `None` if there is no such
/// person, else whether anything changed.
///
/// # Errors
/// If the database does not answer.
pub async fn restrict(store: &Store, clock: &Clock, person: RecordId, lift: bool, actor: &str) -> Result<Option<bool>> {
    let person = store.survivor(person).await?;
    if store.record(person).await?.is_none_or(|record| record.kind != Kind::Person) {
        return Ok(None);
    }
    let (clock, actor) = (clock.clone(), actor.to_owned());
    store
        .write(async move |tx| {
            let now = clock.now();
            let changed =
                if lift { tx.lift_restriction(person).await? } else { tx.restrict(person, &actor, now).await? };
            if !changed {
                return Ok(Some(false));
            }
            if lift {
                let mut records = tx.ids_about(person).await?;
                records.push(person);
                want_held(tx, &clock, &records, "restricted", Lane::Interactive).await?;
            }
            tx.enter(&NewEntry {
                at: now,
                actor: actor.clone(),
                action: if lift { "lift_restriction" } else { "restrict" }.into(),
                target: person.to_string(),
                record: Some(person),
                content: json!({}),
                salt: clock.id().simple().to_string(),
            })
            .await?;
            Ok(Some(true))
        })
        .await
}
