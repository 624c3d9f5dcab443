//! For what people came in, as their runs say.

use std::collections::BTreeSet;

use mittler_core::RecordId;
use mittler_store::{Result, Tx, bounds::PurposeRow};
use mittler_sync::retry::want_held;

use crate::input::Input;

/// The purposes that a batch names.
#[derive(Debug, Default)]
pub struct Named {
    /// Of people who are new, who are known for what their run names.
    first: Vec<PurposeRow>,
    /// Of people who get a further purpose, if some were named before.
    more: Vec<PurposeRow>,
}

impl Named {
    pub fn of(
        inputs: &[&Input],
        persons: &[(usize, RecordId, Option<RecordId>)],
        is_new: impl Fn(RecordId) -> bool,
    ) -> Named {
        let (mut first, mut more) = (BTreeSet::new(), BTreeSet::new());
        for (at, person, _) in persons {
            let purpose = inputs[*at].purpose.clone();
            let some = if purpose.is_some() && is_new(*person) { &mut first } else { &mut more };
            some.insert(PurposeRow { record: person.0, purpose: purpose.unwrap_or_default() });
        }
        // A new person without a purpose has nothing that this could add to, unless the batch has both.
        let both: BTreeSet<_> = first.iter().map(|row: &PurposeRow| row.record).collect();
        more.retain(|row: &PurposeRow| !is_new(RecordId(row.record)) || both.contains(&row.record));
        Named { first: first.into_iter().collect(), more: more.into_iter().collect() }
    }

    /// Keeps them; what was held for want of a purpose is due again.
    pub async fn note(&self, tx: &mut Tx) -> Result<()> {
        if !self.first.is_empty() {
            tx.put_purposes(&self.first).await?;
        }
        if self.more.is_empty() || tx.add_purposes(&self.more).await? == 0 {
            return Ok(());
        }
        let people: Vec<RecordId> = self.more.iter().map(|row| RecordId(row.record)).collect();
        want_held(tx, &people, "purpose").await
    }
}
