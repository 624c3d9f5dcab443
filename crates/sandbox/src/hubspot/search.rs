//! Search: filters over the index, which knows the records as they were a little while ago.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::portal::Portal;
use super::request::{Answer, Outcome, Request};
use super::table::{Record, Table, View};
use super::time::{parse_date, parse_datetime};

const LONGEST: usize = 3000;
const MOST_GROUPS: usize = 5;
const MOST_FILTERS: usize = 6;
const MOST_IN_ALL: usize = 18;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    #[serde(default)]
    filter_groups: Vec<Group>,
    /// Objects or strings.
    #[serde(default)]
    sorts: Vec<Value>,
    #[serde(rename = "query")]
    words: Option<String>,
    #[serde(default)]
    properties: Vec<String>,
    limit: Option<usize>,
    /// A string by the documentation; numbers are taken too.
    #[serde(default)]
    after: Value,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    property_name: String,
    operator: String,
    value: Option<Value>,
    high_value: Option<Value>,
    values: Option<Vec<Value>>,
}

/// A filter whose property exists and whose operands fit it.
struct Test {
    name: String,
    operator: String,
    compare: Compare,
    value: String,
    high: String,
    values: Vec<String>,
    /// `associations.contact`: the type on the other side.
    linked: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Compare {
    Number,
    Time,
    /// Case matters.
    Exact,
    Text,
}

const OPERATORS: [&str; 13] = [
    "EQ",
    "NEQ",
    "LT",
    "LTE",
    "GT",
    "GTE",
    "BETWEEN",
    "IN",
    "NOT_IN",
    "HAS_PROPERTY",
    "NOT_HAS_PROPERTY",
    "CONTAINS_TOKEN",
    "NOT_CONTAINS_TOKEN",
];

impl Portal {
    pub fn search(&mut self, kind: usize, request: &Request) -> Outcome {
        if request.body.len() > LONGEST {
            return Err(Failure::invalid(format!("The request is longer than {LONGEST} characters")));
        }
        let query: Wanted = request.json()?;
        let limit = query.limit.unwrap_or(10);
        if limit > 200 {
            return Err(Failure::invalid("The limit of a search is 200"));
        }
        let offset = offset(&query.after)?;
        let window = self.config.limits.search_window;
        if window > 0 && offset + limit > window {
            return Err(Failure::invalid(format!(
                "There are more results than the {window} that can be paged through"
            )));
        }
        let groups = self.tests(kind, query.filter_groups)?;
        let sort = self.sort(kind, &query.sorts)?;
        let at = self.now - self.config.search_lag_ms;
        let table = &self.tables[kind];
        let words: Vec<String> = tokens(query.words.as_deref().unwrap_or_default()).collect();
        let mut found: Vec<&Record> = table
            .records
            .values()
            .filter(|record| record.archived.is_none() && record.created <= at)
            .filter(|record| words.is_empty() || mentions(table, record, &words, at))
            .filter(|record| groups.is_empty() || groups.iter().any(|tests| self.passes(kind, record, tests, at)))
            .collect();
        if let Some((name, descending, compare)) = sort {
            found.sort_by(|a, b| {
                let (a, b) = (table.value(a, &name, at), table.value(b, &name, at));
                match (a, b) {
                    (Some(a), Some(b)) => {
                        let order = order(compare, &a, &b).unwrap_or(Ordering::Equal);
                        if descending { order.reverse() } else { order }
                    }
                    // Records without a value stand last either way.
                    (a, b) => b.is_some().cmp(&a.is_some()),
                }
            });
        }
        let total = found.len();
        let view =
            View { properties: (!query.properties.is_empty()).then_some(&query.properties), history: &[], most: 0, at };
        let page = found.into_iter().skip(offset).take(limit);
        let results: Vec<Value> = page.map(|record| table.render(record, &view, self.config.portal_id)).collect();
        let end = offset + results.len();
        let mut body = json!({"total": total, "results": results});
        if end < total && !results.is_empty() {
            body["paging"] = json!({"next": {"after": end.to_string()}});
        }
        Ok(Answer::ok(body))
    }

    fn tests(&self, kind: usize, groups: Vec<Group>) -> Result<Vec<Vec<Test>>, Failure> {
        let in_all: usize = groups.iter().map(|group| group.filters.len()).sum();
        let fullest = groups.iter().map(|group| group.filters.len()).max().unwrap_or_default();
        if groups.len() > MOST_GROUPS || fullest > MOST_FILTERS || in_all > MOST_IN_ALL {
            return Err(Failure::invalid(format!(
                "At most {MOST_GROUPS} filterGroups with {MOST_FILTERS} filters each and {MOST_IN_ALL} in all are allowed"
            )));
        }
        groups
            .into_iter()
            .filter(|group| !group.filters.is_empty())
            .map(|group| group.filters.into_iter().map(|filter| self.test(kind, filter)).collect())
            .collect()
    }

    fn test(&self, kind: usize, filter: Filter) -> Result<Test, Failure> {
        if !OPERATORS.contains(&filter.operator.as_str()) {
            return Err(Failure::invalid(format!("Unknown operator {}", filter.operator)));
        }
        let linked = filter.property_name.strip_prefix("associations.").map(|name| self.kind(name)).transpose()?;
        let compare = match linked {
            Some(_) => Compare::Exact,
            None => self.compare(kind, &filter.property_name)?,
        };
        let operand = |value: Option<Value>| match value {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(other) => Some(other.to_string()),
        };
        let missing = |what: &str| Failure::invalid(format!("Operator {} needs {what}", filter.operator));
        let (value, high) = (operand(filter.value), operand(filter.high_value));
        let values: Option<Vec<String>> =
            filter.values.map(|values| values.into_iter().filter_map(|value| operand(Some(value))).collect());
        match filter.operator.as_str() {
            "IN" | "NOT_IN" if values.as_ref().is_none_or(Vec::is_empty) => return Err(missing("values")),
            "HAS_PROPERTY" | "NOT_HAS_PROPERTY" | "IN" | "NOT_IN" => {}
            "BETWEEN" if high.is_none() => return Err(missing("highValue")),
            _ if value.is_none() => return Err(missing("a value")),
            _ => {}
        }
        if compare == Compare::Number && value.as_ref().is_some_and(|value| value.trim().parse::<f64>().is_err()) {
            return Err(Failure::invalid(format!("{} is not a number", value.unwrap_or_default())));
        }
        Ok(Test {
            name: filter.property_name,
            operator: filter.operator,
            compare,
            value: value.unwrap_or_default(),
            high: high.unwrap_or_default(),
            values: values.unwrap_or_default(),
            linked,
        })
    }

    fn compare(&self, kind: usize, name: &str) -> Result<Compare, Failure> {
        let property = self.tables[kind].properties.get(name).filter(|property| !property.archived);
        let Some(property) = property else {
            return Err(Failure::invalid(format!(
                "There was a problem with the request: Property \"{name}\" does not exist"
            )));
        };
        Ok(match property.kind.as_str() {
            "number" => Compare::Number,
            "date" | "datetime" => Compare::Time,
            "enumeration" | "bool" => Compare::Exact,
            _ => Compare::Text,
        })
    }

    fn sort(&self, kind: usize, sorts: &[Value]) -> Result<Option<(String, bool, Compare)>, Failure> {
        let (name, descending) = match sorts {
            [] => return Ok(None),
            [Value::String(text)] => match text.strip_prefix('-') {
                Some(name) => (name, true),
                None => (text.as_str(), false),
            },
            [Value::Object(sort)] => {
                let name = sort.get("propertyName").and_then(Value::as_str).unwrap_or_default();
                (name, sort.get("direction").and_then(Value::as_str) == Some("DESCENDING"))
            }
            _ => return Err(Failure::invalid("Only one sort rule is allowed")),
        };
        Ok(Some((name.to_owned(), descending, self.compare(kind, name)?)))
    }

    fn passes(&self, kind: usize, record: &Record, tests: &[Test], at: i64) -> bool {
        tests.iter().all(|test| {
            let Some(other) = test.linked else {
                return test.holds(self.tables[kind].value(record, &test.name, at).as_deref());
            };
            let linked = self.links.get(&(kind, record.id, other));
            let to = |id: &str| id.parse().is_ok_and(|id| linked.is_some_and(|linked| linked.contains_key(&id)));
            match test.operator.as_str() {
                "EQ" => to(&test.value),
                "NEQ" => !to(&test.value),
                "IN" => test.values.iter().any(|id| to(id)),
                "NOT_IN" => !test.values.iter().any(|id| to(id)),
                "NOT_HAS_PROPERTY" => linked.is_none_or(BTreeMap::is_empty),
                _ => linked.is_some_and(|linked| !linked.is_empty()),
            }
        })
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        let Some(value) = value else {
            return matches!(self.operator.as_str(), "NOT_HAS_PROPERTY" | "NEQ" | "NOT_IN" | "NOT_CONTAINS_TOKEN");
        };
        let against = |other: &str| order(self.compare, value, other);
        match self.operator.as_str() {
            "EQ" => against(&self.value) == Some(Ordering::Equal),
            "NEQ" => against(&self.value) != Some(Ordering::Equal),
            "LT" => against(&self.value) == Some(Ordering::Less),
            "LTE" => matches!(against(&self.value), Some(Ordering::Less | Ordering::Equal)),
            "GT" => against(&self.value) == Some(Ordering::Greater),
            "GTE" => matches!(against(&self.value), Some(Ordering::Greater | Ordering::Equal)),
            "BETWEEN" => {
                matches!(against(&self.value), Some(Ordering::Greater | Ordering::Equal))
                    && matches!(against(&self.high), Some(Ordering::Less | Ordering::Equal))
            }
            "IN" => self.lists(value),
            "NOT_IN" => !self.lists(value),
            "HAS_PROPERTY" => true,
            "CONTAINS_TOKEN" => contains(value, &self.value),
            "NOT_CONTAINS_TOKEN" => !contains(value, &self.value),
            _ => false,
        }
    }

    /// A list of texts only matches when it is in lower case already.
    fn lists(&self, value: &str) -> bool {
        if self.compare == Compare::Text {
            let value = value.to_lowercase();
            return self.values.contains(&value);
        }
        self.values.iter().any(|listed| order(self.compare, value, listed) == Some(Ordering::Equal))
    }
}

fn order(compare: Compare, a: &str, b: &str) -> Option<Ordering> {
    match compare {
        Compare::Number => match (a.trim().parse::<i128>(), b.trim().parse::<i128>()) {
            (Ok(a), Ok(b)) => Some(a.cmp(&b)),
            _ => a.trim().parse::<f64>().ok()?.partial_cmp(&b.trim().parse::<f64>().ok()?),
        },
        Compare::Time => Some(instant(a)?.cmp(&instant(b)?)),
        Compare::Exact => Some(a.cmp(b)),
        Compare::Text => Some(a.to_lowercase().cmp(&b.to_lowercase())),
    }
}

fn instant(text: &str) -> Option<i64> {
    parse_datetime(text).or_else(|| parse_datetime(&parse_date(text)?.to_string()))
}

fn tokens(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '*').filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// Every token of the wanted text is a token of the value; `*` stands for any ending or beginning.
fn contains(value: &str, wanted: &str) -> bool {
    let have: Vec<String> = tokens(value).collect();
    tokens(wanted).all(|wanted| {
        have.iter().any(|word| match (wanted.strip_prefix('*'), wanted.strip_suffix('*')) {
            (Some(_), Some(_)) => word.contains(wanted.trim_matches('*')),
            (Some(ending), None) => word.ends_with(ending),
            (None, Some(beginning)) => word.starts_with(beginning),
            (None, None) => *word == wanted,
        })
    })
}

/// The free text must begin words of the properties a type is searched by.
fn mentions(table: &Table, record: &Record, words: &[String], at: i64) -> bool {
    let have: Vec<String> = table.searched.iter().filter_map(|name| record.stored(name, at)).flat_map(tokens).collect();
    words.iter().all(|wanted| have.iter().any(|word| word.starts_with(wanted.trim_matches('*'))))
}

fn offset(after: &Value) -> Result<usize, Failure> {
    let parsed = match after {
        Value::Null => Some(0),
        Value::String(text) if text.is_empty() => Some(0),
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        _ => None,
    };
    parsed.ok_or_else(|| Failure::invalid(format!("Invalid paging cursor {after}")))
}
