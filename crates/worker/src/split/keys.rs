//! Whose keys are whose.

use std::collections::HashSet;

use mittler_core::{Fields, Record, RecordId, derive, key::Basis};
use mittler_identity::keys;
use mittler_store::{Result, Tx, records::KeyRow};
use mittler_sync::follow::follow_keys;
use uuid::Uuid;

use super::{Split, by_subject};

impl Split<'_> {
    /// Each has the keys of what it says and those that it had before. What only the two together said names
    /// neither.
    pub(super) async fn keys(&self, tx: &mut Tx, records: &[Record]) -> Result<()> {
        let derived = |id: RecordId| -> HashSet<Uuid> {
            let record = records.iter().find(|record| record.id == id);
            record.map_or_else(HashSet::new, |record| self.key_ids(&record.fields))
        };
        let (theirs, mut others) = (derived(self.from), derived(self.to));
        // A company keeps the keys of all its places and spellings.
        let said = by_subject(self.parts.fields.get(&self.to).into_iter().flatten())
            .into_values()
            .map(|said| self.key_ids(&derive(&said, &self.env.overrides)));
        others.extend(said.flatten());
        let then = |rows: &[KeyRow], of: RecordId| -> HashSet<Uuid> {
            rows.iter().filter(|row| row.record == of.0).map(|row| row.key).collect()
        };
        let (strong_rows, weak_rows) = (&self.moved.strong_keys, &self.moved.weak_keys);
        let (strong_then, weak_then) = (then(strong_rows, self.from), then(weak_rows, self.from));
        others.extend(then(strong_rows, self.to));
        others.extend(then(weak_rows, self.to));
        let mine = |row: &KeyRow| KeyRow { record: self.from.0, ..row.clone() };
        let (strong, weak) = tx.keys_of(&[self.to]).await?;
        let (back, rest): (Vec<KeyRow>, Vec<KeyRow>) = strong
            .into_iter()
            .partition(|row| strong_then.contains(&row.key) || theirs.contains(&row.key) && !others.contains(&row.key));
        tx.put_strong_keys(&back.iter().map(mine).collect::<Vec<_>>()).await?;
        let of_both = |row: &KeyRow| row.basis == Basis::Derived && !others.contains(&row.key);
        tx.release_keys(&rest.into_iter().filter(of_both).collect::<Vec<_>>()).await?;
        // What another answer has given back since is nobody's here.
        let here: HashSet<Uuid> = weak.iter().map(|row| row.key).collect();
        let weak_back = weak_rows.iter().filter(|row| row.record == self.from.0 && here.contains(&row.key));
        tx.put_weak_keys(&mut weak_back.map(mine).collect(), self.now).await?;
        let (dropped, stays): (Vec<KeyRow>, Vec<KeyRow>) = weak
            .into_iter()
            .partition(|row| of_both(row) || weak_then.contains(&row.key) && !others.contains(&row.key));
        tx.drop_weak_keys(&dropped).await?;
        let two = records.iter().filter(|record| [self.from, self.to].contains(&record.id));
        follow_keys(tx, two, self.now).await?;
        let (_, weak) = tx.keys_of(&[self.to]).await?;
        let former_then: HashSet<Uuid> =
            stays.iter().filter(|row| row.basis == Basis::Former).map(|row| row.key).collect();
        let former = weak.into_iter().filter(|row| row.basis == Basis::Former && !former_then.contains(&row.key));
        tx.drop_weak_keys(&former.collect::<Vec<_>>()).await
    }

    fn key_ids(&self, fields: &Fields) -> HashSet<Uuid> {
        keys::of_fields(self.kind, fields).iter().map(mittler_identity::Key::id).collect()
    }
}
