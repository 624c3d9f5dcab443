//! Reading SOQL: text to a syntax tree, without knowledge of the org.

use super::failure::Failure;
use super::tokens::{Token, malformed, tokens, unknown};

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// An unquoted date or datetime.
    Time(String),
    /// `LAST_N_DAYS:3` and its kin: whole days from the first to the last, counted from today.
    Days(i32, i32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare(String, Compare, Literal),
    In {
        field: String,
        values: Vec<Literal>,
        negated: bool,
    },
    InQuery {
        field: String,
        query: Box<Query>,
        negated: bool,
    },
    /// `INCLUDES ('a;b', 'c')`: the sets of values of which a record needs one.
    Includes {
        field: String,
        sets: Vec<String>,
        negated: bool,
    },
}

/// `COUNT(Id) total`: the field whose values are counted, and the name of the count.
#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    pub field: String,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub field: String,
    pub descending: bool,
    pub nulls_last: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub fields: Vec<String>,
    /// `SELECT count()`.
    pub count: bool,
    pub counts: Vec<Count>,
    /// `(SELECT Id FROM Contacts)`; their object is the name of a relationship.
    pub children: Vec<Query>,
    pub object: String,
    pub condition: Option<Condition>,
    pub order: Vec<Order>,
    pub limit: Option<usize>,
    pub offset: usize,
}

/// Clauses and selections that the vendor has beyond these.
const UNKNOWN: [&str; 8] = ["GROUP", "HAVING", "WITH", "FOR", "USING", "ALL", "UPDATE", "TYPEOF"];

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

/// Nesting that no sensible query reaches and that keeps the parser's recursion bounded.
const MAX_DEPTH: usize = 50;

pub fn parse(text: &str) -> Result<Query, Failure> {
    if text.chars().count() > 100_000 {
        return Err(malformed("SOQL statements cannot be longer than 100000 characters."));
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let query = parser.query()?;
    match parser.tokens.get(parser.at) {
        None => Ok(query),
        Some(Token::Word(word)) if UNKNOWN.iter().any(|known| known.eq_ignore_ascii_case(word)) => Err(unknown(word)),
        Some(token) => Err(malformed(format!("unexpected token: {token:?}"))),
    }
}

impl Parser {
    fn peek_word(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Word(own)) if own.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek_word(word);
        self.at += usize::from(found);
        found
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Symbol(own)) if *own == symbol);
        self.at += usize::from(found);
        found
    }

    fn expect_word(&mut self, word: &str) -> Result<(), Failure> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected(word)) }
    }

    fn expect_symbol(&mut self, symbol: &str) -> Result<(), Failure> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected(symbol)) }
    }

    fn unexpected(&self, wanted: &str) -> Failure {
        match self.tokens.get(self.at) {
            Some(Token::Word(found) | Token::Text(found)) => {
                malformed(format!("unexpected token: '{found}', expecting '{wanted}'"))
            }
            Some(Token::Symbol(found)) => malformed(format!("unexpected token: '{found}', expecting '{wanted}'")),
            None => malformed(format!("unexpected end of query, expecting '{wanted}'")),
        }
    }

    fn name(&mut self) -> Result<String, Failure> {
        match self.tokens.get(self.at) {
            Some(Token::Word(word)) if word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                self.at += 1;
                Ok(word.clone())
            }
            _ => Err(self.unexpected("a field name")),
        }
    }

    fn number(&mut self) -> Result<usize, Failure> {
        let number = match self.tokens.get(self.at) {
            Some(Token::Word(word)) => word.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.unexpected("a number"))?;
        self.at += 1;
        Ok(number)
    }

    fn query(&mut self) -> Result<Query, Failure> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(malformed("the query is nested too deeply"));
        }
        self.expect_word("SELECT")?;
        let mut query = self.selection()?;
        self.expect_word("FROM")?;
        query.object = self.name()?;
        query.condition = if self.take_word("WHERE") { Some(self.any()?) } else { None };
        if self.take_word("ORDER") {
            self.expect_word("BY")?;
            query.order.push(self.order()?);
            while self.take_symbol(",") {
                query.order.push(self.order()?);
            }
        }
        query.limit = if self.take_word("LIMIT") { Some(self.number()?) } else { None };
        query.offset = if self.take_word("OFFSET") { self.number()? } else { 0 };
        if query.offset > 2000 {
            return Err(Failure::new(400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"));
        }
        let alone = query.fields.first().filter(|_| !query.counts.is_empty() && !self.peek_word("GROUP"));
        if let Some(field) = alone {
            return Err(malformed(format!("Field must be grouped or aggregated: {field}")));
        }
        self.depth -= 1;
        Ok(query)
    }

    fn selection(&mut self) -> Result<Query, Failure> {
        let mut query = Query::default();
        loop {
            if self.take_symbol("(") {
                query.children.push(self.query()?);
                self.expect_symbol(")")?;
            } else {
                self.selected(&mut query)?;
            }
            if query.count || !self.take_symbol(",") {
                break;
            }
        }
        Ok(query)
    }

    fn selected(&mut self, query: &mut Query) -> Result<(), Failure> {
        if self.peek_word("TYPEOF") {
            return Err(unknown("TYPEOF"));
        }
        let name = self.name()?;
        if !self.take_symbol("(") {
            query.fields.push(name);
            return Ok(());
        }
        if name.eq_ignore_ascii_case("FIELDS") {
            query.fields.push(format!("FIELDS({})", self.name()?.to_uppercase()));
            return self.expect_symbol(")");
        }
        if !name.eq_ignore_ascii_case("COUNT") {
            return Err(unknown(&format!("the function {name}()")));
        }
        let first = query.fields.is_empty() && query.counts.is_empty() && query.children.is_empty();
        if first && self.take_symbol(")") {
            query.count = true;
            return Ok(());
        }
        let field = self.name()?;
        self.expect_symbol(")")?;
        let alias = if self.peek_word("FROM") { None } else { self.name().ok() };
        let name = alias.unwrap_or_else(|| format!("expr{}", query.counts.len()));
        query.counts.push(Count { field, name });
        Ok(())
    }

    fn order(&mut self) -> Result<Order, Failure> {
        let field = self.name()?;
        let descending = self.take_word("DESC");
        if !descending {
            self.take_word("ASC");
        }
        // Nulls come first unless asked otherwise, whatever the direction.
        let mut nulls_last = false;
        if self.take_word("NULLS") {
            nulls_last = self.take_word("LAST");
            if !nulls_last {
                self.expect_word("FIRST")?;
            }
        }
        Ok(Order { field, descending, nulls_last })
    }

    fn any(&mut self) -> Result<Condition, Failure> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(malformed("the query is nested too deeply"));
        }
        let first = self.term()?;
        let condition = if self.peek_word("AND") {
            let mut all = vec![first];
            while self.take_word("AND") {
                all.push(self.term()?);
            }
            Condition::All(all)
        } else if self.peek_word("OR") {
            let mut any = vec![first];
            while self.take_word("OR") {
                any.push(self.term()?);
            }
            Condition::Any(any)
        } else {
            first
        };
        // The vendor demands parentheses where AND and OR meet.
        if self.peek_word("AND") || self.peek_word("OR") {
            return Err(self.unexpected("parentheses between AND and OR"));
        }
        self.depth -= 1;
        Ok(condition)
    }

    fn term(&mut self) -> Result<Condition, Failure> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(malformed("the query is nested too deeply"));
        }
        let condition = if self.take_word("NOT") {
            Condition::Not(Box::new(self.term()?))
        } else if self.take_symbol("(") {
            let inner = self.any()?;
            self.expect_symbol(")")?;
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn comparison(&mut self) -> Result<Condition, Failure> {
        let field = self.name()?;
        if matches!(self.tokens.get(self.at), Some(Token::Symbol("("))) {
            return Err(unknown(&format!("the function {field}()")));
        }
        for (word, negated) in [("INCLUDES", false), ("EXCLUDES", true)] {
            if self.take_word(word) {
                return self.sets(field, negated);
            }
        }
        let negated = self.take_word("NOT");
        if self.take_word("IN") {
            return self.membership(field, negated);
        }
        if negated {
            return Err(self.unexpected("IN"));
        }
        let compare = self.operator()?;
        let literal = self.literal()?;
        if compare == Compare::Like && !matches!(literal, Literal::Text(_)) {
            return Err(Failure::new(400, "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on this field: LIKE"));
        }
        Ok(Condition::Compare(field, compare, literal))
    }

    fn membership(&mut self, field: String, negated: bool) -> Result<Condition, Failure> {
        self.expect_symbol("(")?;
        if self.peek_word("SELECT") {
            let query = Box::new(self.query()?);
            self.expect_symbol(")")?;
            return Ok(Condition::InQuery { field, query, negated });
        }
        let mut values = vec![self.literal()?];
        while self.take_symbol(",") {
            values.push(self.literal()?);
        }
        self.expect_symbol(")")?;
        Ok(Condition::In { field, values, negated })
    }

    fn sets(&mut self, field: String, negated: bool) -> Result<Condition, Failure> {
        self.expect_symbol("(")?;
        let mut sets = Vec::new();
        loop {
            match self.literal()? {
                Literal::Text(set) => sets.push(set),
                _ => return Err(malformed("INCLUDES and EXCLUDES compare with quoted values")),
            }
            if !self.take_symbol(",") {
                break;
            }
        }
        self.expect_symbol(")")?;
        Ok(Condition::Includes { field, sets, negated })
    }

    fn operator(&mut self) -> Result<Compare, Failure> {
        let all = [
            ("=", Compare::Equal),
            ("!=", Compare::NotEqual),
            ("<>", Compare::NotEqual),
            ("<=", Compare::LessOrEqual),
            (">=", Compare::GreaterOrEqual),
            ("<", Compare::Less),
            (">", Compare::Greater),
        ];
        for (symbol, compare) in all {
            if self.take_symbol(symbol) {
                return Ok(compare);
            }
        }
        if self.take_word("LIKE") { Ok(Compare::Like) } else { Err(self.unexpected("an operator")) }
    }

    fn literal(&mut self) -> Result<Literal, Failure> {
        let literal = match self.tokens.get(self.at) {
            Some(Token::Text(text)) => Literal::Text(text.clone()),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("null") => Literal::Null,
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") => Literal::Bool(true),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("false") => Literal::Bool(false),
            Some(Token::Word(word)) => match word.parse::<f64>() {
                Ok(number) if number.is_finite() => Literal::Number(number),
                _ if word.len() >= 10 && word.as_bytes()[0].is_ascii_digit() => Literal::Time(word.clone()),
                _ if word.starts_with(|c: char| c.is_ascii_alphabetic()) => days(word)?,
                _ => return Err(self.unexpected("a literal")),
            },
            _ => return Err(self.unexpected("a literal")),
        };
        self.at += 1;
        Ok(literal)
    }
}

/// A date literal that is a word.
fn days(word: &str) -> Result<Literal, Failure> {
    let upper = word.to_uppercase();
    match (upper.as_str(), upper.strip_prefix("LAST_N_DAYS:")) {
        ("TODAY", _) => Ok(Literal::Days(0, 0)),
        ("YESTERDAY", _) => Ok(Literal::Days(-1, -1)),
        (_, Some(number)) => match number.parse::<u16>() {
            Ok(number) if number > 0 => Ok(Literal::Days(-i32::from(number), 0)),
            _ => Err(malformed(format!("invalid number of days: {word}"))),
        },
        _ => Err(unknown(&format!("the literal {word}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_with_every_clause_is_read() {
        let query = parse(
            "select Id, Owner.Name from Lead where (Email = 'o\\'neil@x.de' OR Email IN ('a', 'b')) AND NOT \
             IsConverted = true AND SystemModstamp >= 2026-11-22T08:00:00Z ORDER BY SystemModstamp, Id DESC NULLS LAST \
             LIMIT 5 OFFSET 2",
        )
        .expect("a query");
        assert_eq!(query.fields, ["Id", "Owner.Name"]);
        assert_eq!((query.limit, query.offset, query.order.len()), (Some(5), 2, 2));
        let Some(Condition::All(all)) = query.condition else { panic!("three conditions") };
        assert_eq!(all.len(), 3);
    }

    #[test]
    fn what_is_not_soql_is_malformed() {
        for text in [
            "SELECT",
            "SELECT Id FROM Lead WHERE",
            "SELECT Id FROM Lead WHERE A = 'x",
            "DELETE FROM Lead",
            "SELECT Id FROM Lead WHERE A = 1 AND B = 2 OR C = 3",
            "SELECT Id FROM Lead LIMIT x",
        ] {
            assert_eq!(parse(text).expect_err(text).code, "MALFORMED_QUERY");
        }
        let deep = format!("SELECT Id FROM Lead WHERE {}A = 1", "(".repeat(10_000));
        assert_eq!(parse(&deep).expect_err("too deep").code, "MALFORMED_QUERY");
    }
}
