//! Forgetting a person: out of the database, and not back in.

use std::{collections::BTreeSet, time::Duration};

use mittler_core::{Field, Kind, RecordId, Said, Statement, Value};
use mittler_store::{
    Clock, Result, Store, Tx,
    audit::NewEntry,
    forget::{About, Removed},
    leases::Receipt,
};
use serde_json::json;
use tracing::warn;
use uuid::Uuid;

use crate::keys::{Entries, Keys};

/// How long a call that is under way is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is asked whether it has ended.
const LOOK: Duration = Duration::from_millis(100);
/// A write whose end is not known may still happen for so long.
const YOUNG: Duration = Duration::from_secs(30);
/// Inputs whose content is searched at once.
const PAGE: i64 = 200;

/// Removes a person and keeps them out; says per table what was done. `None` if there is no such
/// person.
///
/// In two steps: first nothing more may be told to any CRM, and nothing more be taken in; then
/// calls that are under way come to their ends, and everything is removed. A call that outlasts the
/// wait is entered into the audit trail when it ends.
///
/// What a CRM holds stays there: erasing it is that system's own act, and the list of links that
/// goes with the answer says where the person is known.
///
/// # Errors
/// If the database does not answer. Whoever repeats the call finishes the work.
pub async fn forget(
    store: &Store,
    keys: &Keys,
    clock: &Clock,
    person: RecordId,
    actor: &str,
) -> Result<Option<Vec<Removed>>> {
    let person = store.survivor(person).await?;
    if store.record(person).await?.is_none_or(|record| record.kind != Kind::Person) {
        return Ok(None);
    }
    let (mut known, mut added) = keep_out(store, keys, clock, person).await?;
    let begun = tokio::time::Instant::now();
    let mut under_way;
    loop {
        let now = clock.now();
        under_way = store.calls_under_way(person, now, now.minus(YOUNG)).await?;
        if under_way == 0 || begun.elapsed() >= PATIENCE {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    // Whoever was at it meanwhile may have made more due, or said more.
    let again = keep_out(store, keys, clock, person).await?;
    known.statements.extend(again.0.statements);
    added += again.1;
    let traces = Traces::of(&known.statements);
    let (inputs, labels) = (not_taken(store, &traces).await?, labels(store, &traces).await?);
    let (actor, salt) = (actor.to_owned(), clock.id().simple().to_string());
    let (keys, clock) = (keys.clone(), clock.clone());
    let removed = store
        .write(async move |tx| {
            let now = clock.now();
            let about = tx.lock_person(person).await?;
            let entries: Vec<_> = entries_of(&keys, &about).all().collect();
            let kept_out = added + tx.suppress(&entries, now).await?;
            let mut removed = tx.forget(person).await?;
            let searched = tx.empty_signals(&inputs).await?;
            if let Some(signals) = removed.iter_mut().find(|one| one.table == "signal") {
                signals.rows += searched;
            }
            removed.push(Removed {
                table: "run".into(),
                rows: tx.empty_labels(&labels).await?,
                how: "label emptied".into(),
            });
            removed.push(Removed { table: "suppression".into(), rows: kept_out, how: "added".into() });
            if under_way > 0 {
                let rows = u64::try_from(under_way).unwrap_or(0);
                removed.push(Removed { table: "link".into(), rows, how: "may still be written to".into() });
            }
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

/// The first step: commits who is kept out, and that no CRM is to be told more.
async fn keep_out(store: &Store, keys: &Keys, clock: &Clock, person: RecordId) -> Result<(About, u64)> {
    let (keys, now) = (keys.clone(), clock.now());
    store
        .write(async move |tx| {
            let about = tx.lock_person(person).await?;
            let entries: Vec<_> = entries_of(&keys, &about).all().collect();
            let added = tx.suppress(&entries, now).await?;
            tx.want_no_more(&about.records).await?;
            Ok((about, added))
        })
        .await
}

fn entries_of(keys: &Keys, about: &About) -> Entries {
    let known = about.keys.iter().map(|row| (row.key, row.key_type != PHONE_NAME));
    keys.entries(&identifiers(&about.statements), known)
}

/// The type of the one kept key that relatives and colleagues may share.
const PHONE_NAME: &str = "phone_name";

fn identifiers(statements: &[Statement]) -> Vec<mittler_identity::Identifier> {
    let said: Vec<&Said> = statements.iter().flat_map(|statement| &statement.said).collect();
    mittler_identity::identifiers(&said)
}

/// By what a text is recognised as being about the person: addresses of theirs alone, and numbers.
struct Traces {
    addresses: Vec<String>,
    numbers: Vec<String>,
    /// Surnames, by the words that they are made of.
    surnames: BTreeSet<BTreeSet<String>>,
}

impl Traces {
    fn of(statements: &[Statement]) -> Traces {
        let said = || statements.iter().flat_map(|statement| &statement.said);
        let texts = |said: &Said| -> Vec<String> {
            said.key.clone().into_iter().chain(said.value.as_ref().map(Value::display)).collect()
        };
        let known = identifiers(statements).into_iter();
        let mut addresses: Vec<String> = known.filter(|it| it.kind == "email").map(|it| it.value).collect();
        // The last places of a number are the same with and without country and area.
        let mut numbers: Vec<String> = said()
            .filter(|said| said.field == Field::PHONES)
            .flat_map(texts)
            .map(|text| text.chars().filter(char::is_ascii_digit).collect::<String>())
            .filter(|digits| digits.len() >= NUMBER)
            .map(|digits| digits[digits.len() - NUMBER..].to_owned())
            .collect();
        for some in [&mut addresses, &mut numbers] {
            some.sort();
            some.dedup();
        }
        let surnames = said().filter(|said| said.field == Field::LAST_NAME).flat_map(texts);
        let surnames = surnames.map(|name| words(&name)).filter(|words| words.iter().any(|word| word.len() > 2));
        Traces { addresses, numbers, surnames: surnames.collect() }
    }

    /// A list is perhaps named after whom it is about: "Müller_Hans.csv".
    fn name(&self, label: &str) -> bool {
        let said = words(label);
        self.are_in(label.as_bytes()) || self.surnames.iter().any(|name| name.is_subset(&said))
    }

    fn are_in(&self, content: &[u8]) -> bool {
        let text = String::from_utf8_lossy(content).to_lowercase();
        if self.addresses.iter().any(|address| text.contains(address.as_str())) {
            return true;
        }
        // What people put between digits is left out; what else stands between keeps numbers apart.
        let digits: String =
            text.chars().filter(|c| !matches!(c, ' ' | '-' | '/' | '(' | ')' | '.' | '\u{a0}')).collect();
        self.numbers.iter().any(|number| digits.contains(number.as_str()))
    }
}

/// The words of a text, however umlauts are written in it.
fn words(text: &str) -> BTreeSet<String> {
    let mut folded = text.to_lowercase();
    for (written, as_letters) in
        [("a\u{308}", "ae"), ("o\u{308}", "oe"), ("u\u{308}", "ue"), ("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")]
    {
        folded = folded.replace(written, as_letters);
    }
    folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// So many places of a number tell it from others.
const NUMBER: usize = 8;

/// Inputs that were not taken and are about the person: no record leads to them.
async fn not_taken(store: &Store, traces: &Traces) -> Result<Vec<Uuid>> {
    let (mut found, mut after) = (Vec::new(), Uuid::nil());
    loop {
        let page = store.contents_not_taken(after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        after = *last;
        found.extend(page.iter().filter(|(_, content)| traces.are_in(content)).map(|(id, _)| *id));
    }
}

/// Runs that are labelled with the person's name, address or number.
async fn labels(store: &Store, traces: &Traces) -> Result<Vec<Uuid>> {
    let (mut found, mut after) = (Vec::new(), Uuid::nil());
    loop {
        let page = store.run_labels(after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        after = *last;
        found.extend(page.iter().filter(|(_, label)| traces.name(label)).map(|(id, _)| *id));
    }
}

/// Notes writes that ended when their links were gone: the person was forgotten during the call.
/// The CRM has what it was told, and somebody is to erase it there.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn enter_lost(tx: &mut Tx, clock: &Clock, written: &[Receipt]) -> Result<()> {
    let ids: Vec<Uuid> = written.iter().map(|receipt| receipt.id).collect();
    let there = tx.links_there(&ids).await?;
    for receipt in written.iter().filter(|receipt| !there.contains(&receipt.id)) {
        warn!(link.id = %receipt.id, receipt.remote_type, "a record was written to the CRM while its person was forgotten; erase it there");
        tx.enter(&NewEntry {
            at: clock.now(),
            actor: "system".into(),
            action: "written_after_forgetting".into(),
            target: mittler_core::LinkId(receipt.id).to_string(),
            record: None,
            content: json!({ "remote_type": receipt.remote_type, "remote_id": receipt.remote_id }),
            salt: clock.id().simple().to_string(),
        })
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_recognised_by_address_and_by_number_however_it_is_written() {
        let traces = Traces {
            addresses: vec!["anna@specht.example".into()],
            numbers: vec!["15550900".into()],
            surnames: BTreeSet::new(),
        };
        for text in ["x;Anna@Specht.Example;y", "Tel. 0711 / 555-09 00", "+49 (711) 5550900", "+497115550900"] {
            assert!(traces.are_in(text.as_bytes()), "{text}");
        }
        for text in ["anna@meise.example", "0711 55509", "1555;0900"] {
            assert!(!traces.are_in(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_label_is_recognised_by_the_surname_however_it_is_written() {
        let surnames = ["Müller", "von der Heide"].map(words).into();
        let traces = Traces { addresses: Vec::new(), numbers: Vec::new(), surnames };
        for label in ["Müller_Hans.csv", "liste mueller", "HEIDE, von der.xlsx", "Mu\u{308}ller.csv"] {
            assert!(traces.name(label), "{label}");
        }
        for label in ["Müllerei 2026.csv", "Heidenheim.csv", "messe-leads.csv"] {
            assert!(!traces.name(label), "{label}");
        }
    }
}
