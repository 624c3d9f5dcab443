//! By what texts are recognised as being about a person: inputs to which no record leads, and the names of lists.

use std::collections::BTreeSet;

use mittler_core::{Field, Said, Statement, Value};
use mittler_store::{Result, Store};
use uuid::Uuid;

/// Inputs whose content is searched at once.
const PAGE: i64 = 200;

/// By what a text is recognised as being about the person: addresses of theirs alone, and numbers.
pub(crate) struct Traces {
    addresses: Vec<String>,
    numbers: Vec<String>,
    /// Surnames, by the words that they are made of.
    surnames: BTreeSet<BTreeSet<String>>,
}

impl Traces {
    pub(crate) fn of(statements: &[Statement]) -> Traces {
        Traces::of_said(&statements.iter().flat_map(|statement| &statement.said).collect::<Vec<_>>())
    }

    /// Of what is known of somebody who has no record.
    pub(crate) fn of_said(all: &[&Said]) -> Traces {
        let said = || all.iter().copied();
        let texts = |said: &Said| -> Vec<String> {
            said.key.clone().into_iter().chain(said.value.as_ref().map(Value::display)).collect()
        };
        let known = mittler_identity::identifiers(all).into_iter();
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

    /// Whether an address of theirs alone stands in it; a number may be a colleague's, too.
    pub(crate) fn by_address(&self, content: &[u8]) -> bool {
        let text = String::from_utf8_lossy(content).to_lowercase();
        self.addresses.iter().any(|address| text.contains(address.as_str()))
    }

    fn are_in(&self, content: &[u8]) -> bool {
        if self.by_address(content) {
            return true;
        }
        let text = String::from_utf8_lossy(content).to_lowercase();
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
pub(crate) async fn not_taken(store: &Store, traces: &Traces) -> Result<Vec<Uuid>> {
    let (mut found, mut after) = (Vec::new(), Uuid::nil());
    loop {
        let page = store.contents_not_taken(after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        after = *last;
        found.extend(page.iter().filter(|(_, content)| traces.are_in(content)).map(|(id, _)| *id));
    }
}

/// Runs that are labelled with the person's name, address or number.
pub(crate) async fn labels(store: &Store, traces: &Traces) -> Result<Vec<Uuid>> {
    let (mut found, mut after) = (Vec::new(), Uuid::nil());
    loop {
        let page = store.run_labels(after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        after = *last;
        found.extend(page.iter().filter(|(_, label)| traces.name(label)).map(|(id, _)| *id));
    }
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
