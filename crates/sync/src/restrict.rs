//! Restriction of processing (Art. 18 GDPR): a stop on telling anybody of a person, and its end.

use mittler_core::{Kind, RecordId};
use mittler_store::{Clock, Result, Store, audit::NewEntry};
use serde_json::json;

use crate::retry::want_held;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restriction {
    /// Nobody is told of the person from now on. The reason stays in the audit trail until the person is forgotten.
    Begin { reason: Option<String> },
    /// Whatever was held meanwhile is due.
    Lift,
}

/// Restricts a person, or lifts it. `None` if there is no such person, else whether anything changed.
///
/// # Errors
/// If the database does not answer.
pub async fn restrict(
    store: &Store,
    clock: &Clock,
    person: RecordId,
    wish: Restriction,
    actor: &str,
) -> Result<Option<bool>> {
    let person = store.survivor(person).await?;
    if store.record(person).await?.is_none_or(|record| record.kind != Kind::Person) {
        return Ok(None);
    }
    let (clock, actor) = (clock.clone(), actor.to_owned());
    store
        .write(async move |tx| {
            let now = clock.now();
            let changed = match wish {
                Restriction::Begin { .. } => tx.restrict(person, &actor, now).await?,
                Restriction::Lift => tx.lift_restriction(person).await?,
            };
            if !changed {
                return Ok(Some(false));
            }
            let (action, content) = match wish {
                Restriction::Begin { reason: Some(reason) } => ("restrict", json!({ "reason": reason })),
                Restriction::Begin { reason: None } => ("restrict", json!({})),
                Restriction::Lift => {
                    let mut records = tx.ids_about(person).await?;
                    records.push(person);
                    want_held(tx, &records, "restricted").await?;
                    ("lift_restriction", json!({}))
                }
            };
            tx.enter(&NewEntry {
                at: now,
                actor: actor.clone(),
                action: action.into(),
                target: person.to_string(),
                record: Some(person),
                content,
                salt: clock.id().simple().to_string(),
            })
            .await?;
            Ok(Some(true))
        })
        .await
}
