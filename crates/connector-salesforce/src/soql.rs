//! Query texts: literals that cannot break out, and lists that fit into an address.

use std::fmt::Write as _;

use url::form_urlencoded::byte_serialize;

/// Address and headers together may have 16 KB; the token and the headers get the rest.
const LONGEST_QUERY: usize = 12_000;

/// A literal in quotes.
pub fn literal(text: &str) -> String {
    format!("'{}'", escaped(text))
}

/// A literal for `LIKE` that matches texts which hold `part`.
pub fn holding(part: &str) -> String {
    format!("'%{}%'", escaped(part).replace('%', r"\%").replace('_', r"\_"))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '\'' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str(r"\n"),
            '\r' => escaped.push_str(r"\r"),
            '\t' => escaped.push_str(r"\t"),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// `column IN ('a','b')`.
pub fn any_of<'t>(column: &str, texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut condition = format!("{column} IN (");
    for (index, text) in texts.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        _ = write!(condition, "{comma}{}", literal(text));
    }
    condition + ")"
}

/// A query as a parameter of an address.
pub fn encoded(query: &str) -> String {
    byte_serialize(query.as_bytes()).collect()
}

/// Splits `items` so that each part, at `cost` characters of query an item, fits into one address
/// beside `rest`.
pub fn fitting<'i, T>(items: &'i [T], rest: &str, cost: impl Fn(&T) -> String) -> Vec<&'i [T]> {
    let room = LONGEST_QUERY.saturating_sub(encoded(rest).len());
    let mut parts = Vec::new();
    let (mut from, mut used) = (0, 0);
    for (index, item) in items.iter().enumerate() {
        let needed = encoded(&cost(item)).len();
        if index > from && used + needed > room {
            parts.push(&items[from..index]);
            (from, used) = (index, 0);
        }
        used += needed;
    }
    if from < items.len() {
        parts.push(&items[from..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_cannot_break_out_of_its_quotes() {
        assert_eq!(literal(r"O'Brien \' OR Id != null"), r"'O\'Brien \\\' OR Id != null'");
        assert_eq!(literal("a\nb\u{0}"), r"'a\nb'");
        assert_eq!(holding("50%_a.de"), r"'%50\%\_a.de%'");
    }

    #[test]
    fn a_list_is_split_where_the_address_would_be_too_long() {
        let ids: Vec<String> = (0..2000).map(|index| format!("00Q5g00000{index:05}EEAV")).collect();
        let parts = fitting(&ids, "SELECT Id FROM Lead", |id| literal(id) + ",");
        assert_eq!(parts.concat(), ids);
        assert!(parts.len() > 3);
        for part in parts {
            let query = format!("SELECT Id FROM Lead WHERE {}", any_of("Id", part.iter().map(String::as_str)));
            assert!(encoded(&query).len() < 13_000);
        }
    }

    #[test]
    fn an_item_that_is_too_long_alone_is_still_asked_for() {
        let items = ["x".repeat(20_000), "y".into()];
        assert_eq!(fitting(&items, "", Clone::clone).len(), 2);
    }
}
