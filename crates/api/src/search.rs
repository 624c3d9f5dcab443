//! Finding records by what stands in them: names, companies, addresses, numbers, and parts of those.

use mittler_core::{Field, Fields, Kind, Slot, Value};
use mittler_store::records::RecordLine;

use crate::{App, problem::Problem};

/// Records that are held against the words at most; of a search that fits more the latest are looked at.
const CANDIDATES: i64 = 2_000;
/// Words that are looked for; further ones only narrow what was found.
const WORDS: usize = 3;
/// What people look for somebody by.
const SEARCHED: [Field; 12] = [
    Field::FIRST_NAME,
    Field::LAST_NAME,
    Field::COMPANY,
    Field::NAME,
    Field::EMAILS,
    Field::PHONES,
    Field::DOMAIN,
    Field::CITY,
    Field::POSTAL_CODE,
    Field::POSITION,
    Field::SUBJECT,
    Field::PLACE,
];

/// A text that somebody looks for, in words of small letters; a number is its digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Search(Vec<Word>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Text(String),
    /// Without zeros in front: `0711` and `+49 711` are the same beginning.
    Digits(String),
}

impl Search {
    /// `None` if there is nothing in it to look for.
    pub fn of(text: &str) -> Option<Search> {
        let digits = |word: &str| -> String { word.chars().filter(char::is_ascii_digit).collect() };
        let words = text.split_whitespace().take(10).map(|word| {
            let is_number = word.chars().all(|c| c.is_ascii_digit() || "+-/()".contains(c));
            if is_number {
                Word::Digits(digits(word).trim_start_matches('0').to_owned())
            } else {
                Word::Text(word.to_lowercase())
            }
        });
        let words: Vec<Word> = words.filter(|word| !word.text().is_empty()).collect();
        (!words.is_empty()).then_some(Search(words))
    }

    /// What the database is asked for: letters that it would have to know, and signs of its patterns, stand for any.
    fn like(&self) -> Vec<String> {
        let pattern = |word: &Word| {
            let text: String = word
                .text()
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() || "@.-+&".contains(c) { c } else { '_' })
                .collect();
            format!("%{text}%")
        };
        let mut words: Vec<&Word> = self.0.iter().collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.text().len()));
        words.into_iter().take(WORDS).map(pattern).collect()
    }

    /// Whether each word stands in the values of a record.
    fn fits(&self, fields: &Fields) -> bool {
        let mut values: Vec<String> = Vec::new();
        for (_, slot) in fields.0.iter().filter(|(field, _)| SEARCHED.contains(field)) {
            match slot {
                Slot::One(one) => values.push(shown(&one.value)),
                Slot::Set(elements) => values.extend(elements.iter().map(|one| shown(&one.sourced.value))),
            }
        }
        self.0.iter().all(|word| match word {
            Word::Text(text) => values.iter().any(|value| value.contains(text.as_str())),
            Word::Digits(digits) => values.iter().any(|value| {
                value.contains(digits.as_str())
                    || value.chars().filter(char::is_ascii_digit).collect::<String>().contains(digits.as_str())
            }),
        })
    }
}

impl Word {
    fn text(&self) -> &str {
        match self {
            Word::Text(text) | Word::Digits(text) => text,
        }
    }
}

fn shown(value: &Value) -> String {
    value.display().to_lowercase()
}

/// The latest records of a kind that a search finds.
pub(crate) async fn records(app: &App, kind: Kind, search: &Search, most: usize) -> Result<Vec<RecordLine>, Problem> {
    let mut found = app.store.records_like(kind, &search.like(), CANDIDATES).await?;
    found.retain(|record| search.fits(&record.fields.0.0));
    found.truncate(most);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_its_words_and_the_digits_of_its_numbers() {
        assert_eq!(Search::of("  "), None);
        assert_eq!(Search::of("0"), None);
        let search = Search::of("Müller 0711/555-0900").unwrap();
        assert_eq!(search.0, [Word::Text("müller".into()), Word::Digits("7115550900".into())]);
        assert_eq!(search.like(), ["%7115550900%", "%m_ller%"]);
        // Signs that stand for anything in a pattern stand for themselves in the search.
        let search = Search::of("100%_a").unwrap();
        assert_eq!((search.like(), search.0), (vec!["%100__a%".to_owned()], vec![Word::Text("100%_a".into())]));
    }
}
