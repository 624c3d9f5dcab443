//! Running text as sentences, and where in them a phrase stands.

use crate::name::fold;

/// Where the folded cue stands in the text, as a position in the text itself.
pub fn find(text: &str, cue: &str) -> Option<usize> {
    if !fold(text).contains(cue.trim()) {
        return None;
    }
    text.char_indices().map(|(at, _)| at).find(|at| {
        let starts_word = text
            .get(..*at)
            .and_then(|head| head.chars().next_back())
            .is_none_or(|c| !c.is_alphanumeric() || cue.starts_with(' '));
        let tail: String = text.get(*at..).unwrap_or("").chars().take(cue.chars().count() + 8).collect();
        let spaced = if cue.starts_with(' ') { format!(" {}", fold(&tail)) } else { fold(&tail) };
        (starts_word || cue.starts_with("nummer"))
            && spaced.starts_with(cue)
            && (!cue.starts_with(' ') || tail.starts_with(' '))
    })
}

/// Sentences of a text with hard line breaks. A full stop after a number or a short word ends none:
/// "4. Mai", "Tel. 0711".
pub fn sentences(body: &str) -> Vec<String> {
    let mut all = Vec::new();
    for paragraph in body.split("\n\n") {
        let words: Vec<&str> = paragraph.split_whitespace().collect();
        let mut sentence: Vec<&str> = Vec::new();
        for (at, word) in words.iter().enumerate() {
            sentence.push(word);
            let bare = word.trim_end_matches(['.', '!', '?', ';', ')']);
            let closes = word.ends_with(['!', '?', ';'])
                || (word.ends_with('.') && bare.chars().count() > 3)
                || word.ends_with(").");
            let dotted_number = word.ends_with('.') && bare.chars().all(|c| c.is_ascii_digit()) && bare.len() < 3;
            let number_end = word.ends_with('.') && bare.chars().any(|c| c.is_ascii_digit()) && !dotted_number;
            let next_capital = words
                .get(at + 1)
                .is_none_or(|next| next.starts_with(|c: char| c.is_uppercase() || c == '"' || c == '„'));
            if (closes && !dotted_number || number_end) && (next_capital || word.ends_with(';')) {
                all.push(sentence.join(" "));
                sentence.clear();
            }
        }
        if !sentence.is_empty() {
            all.push(sentence.join(" "));
        }
    }
    all
}

pub fn is_month(word: &str) -> bool {
    const MONTHS: &str = " januar februar maerz april mai juni juli august september oktober november dezember january february march may june july october december montag dienstag mittwoch donnerstag freitag ";
    let word = fold(word.trim_matches(|c: char| !c.is_alphabetic()));
    !word.is_empty() && MONTHS.contains(&format!(" {word} "))
}
