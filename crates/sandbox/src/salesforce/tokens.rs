//! SOQL as words, quoted texts and symbols, and the refusals of what is none.

use super::failure::Failure;

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    Word(String),
    Text(String),
    Symbol(&'static str),
}

pub fn malformed(message: impl Into<String>) -> Failure {
    Failure::new(400, "MALFORMED_QUERY", message)
}

/// SOQL is larger than what the sandbox answers; who meets the difference should not search for a mistake of his own.
pub fn unknown(part: &str) -> Failure {
    malformed(format!("this may be valid SOQL, but the sandbox does not know {part}"))
}

const SYMBOLS: [&str; 10] = ["<=", ">=", "!=", "<>", "=", "<", ">", "(", ")", ","];

pub fn tokens(text: &str) -> Result<Vec<Token>, Failure> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let (literal, after) = quoted(&rest[1..])?;
            tokens.push(Token::Text(literal));
            rest = after;
        } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            tokens.push(Token::Symbol(symbol));
            rest = &rest[symbol.len()..];
        } else {
            let word = |c: char| c.is_alphanumeric() || "_.:+-".contains(c);
            let end = rest.find(|c: char| !word(c)).unwrap_or(rest.len());
            if end == 0 {
                return Err(malformed(format!("unexpected token: '{first}'")));
            }
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// Reads to the closing quote and resolves escapes. `\_` and `\%` stay as they are, for `LIKE`.
fn quoted(text: &str) -> Result<(String, &str), Failure> {
    let mut literal = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' => return Ok((literal, &text[at + 1..])),
            '\\' => match letters.next().map(|(_, escaped)| escaped) {
                Some(escaped @ ('\'' | '"' | '\\')) => literal.push(escaped),
                Some('n' | 'N') => literal.push('\n'),
                Some('r' | 'R') => literal.push('\r'),
                Some('t' | 'T') => literal.push('\t'),
                Some(escaped @ ('_' | '%')) => literal.extend(['\\', escaped]),
                _ => return Err(malformed("invalid escape sequence in string literal")),
            },
            letter => literal.push(letter),
        }
    }
    Err(malformed("unexpected end of query: string literal is not closed"))
}
