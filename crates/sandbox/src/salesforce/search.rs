//! Answering SOQL from the org's records.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::ids;
use super::org::Org;
use super::schema::{Field, Kind, Object};
use super::soql::{Compare, Condition, Literal, Order, Query};
use super::tables::Row;
use super::values;

/// A condition whose fields and literals are known to fit the org.
enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Compare(Path, Compare, Value),
    In(Path, HashSet<String>, bool),
}

/// Relationship fields to follow, then the field to read.
struct Path {
    links: Vec<Field>,
    field: Field,
}

/// Matching rows, in order, rendered.
pub struct Found {
    pub records: Vec<Value>,
    pub total: usize,
}

fn no_column(name: &str, object: &str) -> Failure {
    let message = format!(
        "No such column '{name}' on entity '{object}'. If you are attempting to use a custom field, be sure to append \
         the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate \
         names."
    );
    Failure::new(400, "INVALID_FIELD", message)
}

/// How values compare in a set: without case, numbers by value.
fn key(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_lowercase(),
        Value::Number(number) => number.as_f64().unwrap_or_default().to_string(),
        other => other.to_string(),
    }
}

impl Org {
    pub fn search(&self, query: &Query, with_deleted: bool, version: &str) -> Result<Found, Failure> {
        let object = self.query_object(&query.object)?;
        let paths: Vec<Path> = self.selected(&object, query)?;
        let rows = self.matching(query, &object, with_deleted)?;
        if query.count {
            return Ok(Found { total: rows.len(), records: Vec::new() });
        }
        let records: Vec<Value> = rows.iter().map(|row| self.render(&object, row, &paths, version)).collect();
        Ok(Found { total: records.len(), records })
    }

    fn query_object(&self, name: &str) -> Result<Arc<Object>, Failure> {
        self.schema.object(name).cloned().ok_or_else(|| {
            let message = format!(
                "sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to \
                 append the '__c' after the entity name."
            );
            Failure::new(400, "INVALID_TYPE", message)
        })
    }

    fn matching(&self, query: &Query, object: &Object, with_deleted: bool) -> Result<Vec<&Row>, Failure> {
        let test = query.condition.as_ref().map(|condition| self.test(object, condition)).transpose()?;
        let order = query.order.iter().map(|order| Ok((self.sort_path(object, order)?, order)));
        let order: Vec<(Path, &Order)> = order.collect::<Result<_, Failure>>()?;
        let by_index =
            query.condition.as_ref().filter(|_| !with_deleted).and_then(|condition| self.indexed(object, condition));
        let holds = |row: &&Row| test.as_ref().is_none_or(|test| self.holds(test, row));
        let mut rows: Vec<&Row> = if let Some(ids) = &by_index {
            ids.iter().filter_map(|id| self.tables.get(&object.name, id)).filter(holds).collect()
        } else {
            let rows = self.tables.rows(&object.name).map(|(_, row)| row);
            rows.filter(|row| with_deleted || !row.is_deleted()).filter(holds).collect()
        };
        rows.sort_by(|left, right| self.compare_rows(&order, left, right));
        let limit = query.limit.unwrap_or(usize::MAX);
        Ok(rows.into_iter().skip(query.offset).take(limit).collect())
    }

    /// Ids among which all matching rows are, if the condition pins an indexed field to some values.
    fn indexed(&self, object: &Object, condition: &Condition) -> Option<BTreeSet<String>> {
        let (name, literals) = match condition {
            Condition::All(all) => return all.iter().find_map(|condition| self.indexed(object, condition)),
            Condition::Compare(name, Compare::Equal, literal) => (name, std::slice::from_ref(literal)),
            Condition::In { field, values, negated: false } => (field, values.as_slice()),
            _ => return None,
        };
        let field = object.field(name).filter(|field| self.tables.is_indexed(&object.name, field))?;
        let mut ids = BTreeSet::new();
        for literal in literals {
            let value = fit(field, literal).ok().filter(|value| !value.is_null())?;
            ids.extend(self.tables.lookup(&object.name, field, &value));
        }
        Some(ids)
    }

    fn selected(&self, object: &Object, query: &Query) -> Result<Vec<Path>, Failure> {
        let mut paths = Vec::new();
        for name in &query.fields {
            let wanted: fn(&Field) -> bool = match name.as_str() {
                "FIELDS(ALL)" => |_| true,
                "FIELDS(STANDARD)" => |field| !field.is_custom(),
                "FIELDS(CUSTOM)" => Field::is_custom,
                name => {
                    paths.push(self.path(object, name)?);
                    continue;
                }
            };
            if query.limit.is_none_or(|limit| limit > 200) && name != "FIELDS(STANDARD)" {
                let message = "The SOQL FIELDS function must have a LIMIT of at most 200";
                return Err(Failure::new(400, "MALFORMED_QUERY", message));
            }
            let fields = object.fields.iter().filter(|field| wanted(field)).cloned();
            paths.extend(fields.map(|field| Path { links: Vec::new(), field }));
        }
        Ok(paths)
    }

    fn path(&self, object: &Object, name: &str) -> Result<Path, Failure> {
        let mut parts: Vec<&str> = name.split('.').collect();
        // A name may start with the object itself, as in `Lead.Email`.
        if parts.len() > 1 && parts[0].eq_ignore_ascii_case(&object.name) {
            parts.remove(0);
        }
        let last = parts.pop().unwrap_or_default();
        let mut candidates: Vec<&Object> = vec![object];
        let mut links = Vec::new();
        for part in parts {
            let link = candidates.iter().find_map(|object| object.relationship(part)).ok_or_else(|| {
                let message = format!("Didn't understand relationship '{part}' in field path.");
                Failure::new(400, "INVALID_FIELD", message)
            })?;
            candidates =
                link.reference_to.iter().filter_map(|target| self.schema.object(target).map(AsRef::as_ref)).collect();
            links.push(link.clone());
        }
        let field = candidates.iter().find_map(|object| object.field(last));
        let shown = candidates.first().map_or("Name", |object| object.name.as_str());
        let field = field.cloned().ok_or_else(|| no_column(last, shown))?;
        Ok(Path { links, field })
    }

    fn filter_path(&self, object: &Object, name: &str) -> Result<Path, Failure> {
        let path = self.path(object, name)?;
        if path.field.filterable() {
            return Ok(path);
        }
        let message = format!("field '{name}' can not be filtered in a query call");
        Err(Failure::new(400, "INVALID_FIELD", message))
    }

    fn sort_path(&self, object: &Object, order: &Order) -> Result<Path, Failure> {
        let path = self.path(object, &order.field)?;
        if path.field.filterable() {
            return Ok(path);
        }
        let message = format!("field '{}' can not be sorted in a query call", order.field);
        Err(Failure::new(400, "MALFORMED_QUERY", message))
    }

    fn test(&self, object: &Object, condition: &Condition) -> Result<Test, Failure> {
        let several = |conditions: &[Condition]| -> Result<Vec<Test>, Failure> {
            conditions.iter().map(|condition| self.test(object, condition)).collect()
        };
        Ok(match condition {
            Condition::All(all) => Test::All(several(all)?),
            Condition::Any(any) => Test::Any(several(any)?),
            Condition::Not(inner) => Test::Not(Box::new(self.test(object, inner)?)),
            Condition::Compare(name, compare, literal) => {
                let path = self.filter_path(object, name)?;
                let value = fit(&path.field, literal)?;
                if *compare == Compare::Like && !(path.field.is_text() || path.field.kind == Kind::Picklist) {
                    let message = format!("invalid operator on {name}");
                    return Err(Failure::new(400, "INVALID_QUERY_FILTER_OPERATOR", message));
                }
                Test::Compare(path, *compare, value)
            }
            Condition::In { field, values, negated } => {
                let path = self.filter_path(object, field)?;
                let values = values.iter().map(|literal| Ok(key(&fit(&path.field, literal)?)));
                let values = values.collect::<Result<_, Failure>>()?;
                Test::In(path, values, *negated)
            }
            Condition::InQuery { field, query, negated } => {
                let path = self.filter_path(object, field)?;
                Test::In(path, self.inner_values(query)?, *negated)
            }
        })
    }

    /// The values a semi-join compares with.
    fn inner_values(&self, query: &Query) -> Result<HashSet<String>, Failure> {
        let [field] = query.fields.as_slice() else {
            return Err(Failure::new(400, "MALFORMED_QUERY", "a nested query selects exactly one field"));
        };
        let object = self.query_object(&query.object)?;
        let path = self.path(&object, field)?;
        let rows = self.matching(query, &object, false)?;
        Ok(rows
            .into_iter()
            .map(|row| self.read(&path, row))
            .filter(|value| !value.is_null())
            .map(|v| key(&v))
            .collect())
    }

    fn read(&self, path: &Path, row: &Row) -> Value {
        let mut row = row;
        for link in &path.links {
            match self.parent(row, link) {
                Some(parent) => row = parent,
                None => return Value::Null,
            }
        }
        values::shown(&path.field, row)
    }

    fn parent(&self, row: &Row, link: &Field) -> Option<&Row> {
        let id = row.get(&link.name).as_str()?;
        self.tables.get(&self.schema.by_id(id)?.name, id)
    }

    fn holds(&self, test: &Test, row: &Row) -> bool {
        match test {
            Test::All(all) => all.iter().all(|test| self.holds(test, row)),
            Test::Any(any) => any.iter().any(|test| self.holds(test, row)),
            Test::Not(inner) => !self.holds(inner, row),
            Test::Compare(path, compare, wanted) => compares(&self.read(path, row), *compare, wanted),
            Test::In(path, values, negated) => values.contains(&key(&self.read(path, row))) != *negated,
        }
    }

    fn compare_rows(&self, order: &[(Path, &Order)], left: &Row, right: &Row) -> Ordering {
        for (path, order) in order {
            let (one, other) = (self.read(path, left), self.read(path, right));
            let by_null = if order.nulls_last {
                one.is_null().cmp(&other.is_null())
            } else {
                other.is_null().cmp(&one.is_null())
            };
            let by_value = compare_values(&one, &other).unwrap_or(Ordering::Equal);
            let by_value = if order.descending { by_value.reverse() } else { by_value };
            let ordering = by_null.then(by_value);
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        Ordering::Equal
    }

    fn render(&self, object: &Object, row: &Row, paths: &[Path], version: &str) -> Value {
        let mut record = record_of(&object.name, row, version);
        for path in paths {
            self.render_path(&mut record, row, &path.links, path, version);
        }
        Value::Object(record)
    }

    fn render_path(&self, into: &mut Map<String, Value>, row: &Row, links: &[Field], path: &Path, version: &str) {
        let Some((link, rest)) = links.split_first() else {
            into.insert(path.field.name.clone(), values::shown(&path.field, row));
            return;
        };
        let name = link.relationship.clone().unwrap_or_default();
        let parent = self.parent(row, link);
        let Some(parent) = parent else {
            into.entry(name).or_insert(Value::Null);
            return;
        };
        let object = self.schema.by_id(parent.text("Id")).map_or("Name", |object| object.name.as_str());
        let nested = into.entry(name).or_insert_with(|| Value::Object(record_of(object, parent, version)));
        if let Value::Object(nested) = nested {
            self.render_path(nested, parent, rest, path, version);
        }
    }
}

/// The chosen fields of one record, as row reads and retrieves show them.
pub fn show(object: &Object, row: &Row, fields: &[&Field], version: &str) -> Value {
    let mut record = record_of(&object.name, row, version);
    for field in fields {
        record.insert(field.name.clone(), values::shown(field, row));
    }
    Value::Object(record)
}

fn record_of(object: &str, row: &Row, version: &str) -> Map<String, Value> {
    let url = format!("/services/data/{version}/sobjects/{object}/{}", row.text("Id"));
    let mut record = Map::new();
    record.insert("attributes".to_owned(), json!({"type": object, "url": url}));
    record
}

/// The literal as a value of the field, or the vendor's refusal of a literal of another type.
fn fit(field: &Field, literal: &Literal) -> Result<Value, Failure> {
    let wrong = |wanted: &str, hint: &str| {
        let message = format!("value of filter criterion for field '{}' must be of type {wanted}{hint}", field.name);
        Err(Failure::new(400, "INVALID_FIELD", message))
    };
    let unquoted = " and should not be enclosed in quotes";
    match (field.kind, literal) {
        (_, Literal::Null) => Ok(Value::Null),
        (Kind::Boolean, Literal::Bool(value)) => Ok(json!(value)),
        (Kind::Boolean, _) => wrong("boolean", unquoted),
        (Kind::Int | Kind::Double | Kind::Currency | Kind::Percent, Literal::Number(number)) => Ok(json!(number)),
        (Kind::Int | Kind::Double | Kind::Currency | Kind::Percent, _) => wrong("double", unquoted),
        (Kind::Datetime, Literal::Time(text)) => match values::parse_datetime(text) {
            Some(time) => Ok(json!(values::datetime(time))),
            None => wrong("dateTime", ""),
        },
        (Kind::Datetime, _) => wrong("dateTime", unquoted),
        (Kind::Date, Literal::Time(text)) => match values::parse_date(text) {
            Some(day) => Ok(json!(day.to_string())),
            None => wrong("date", ""),
        },
        (Kind::Date, _) => wrong("date", unquoted),
        (Kind::Id | Kind::Reference, Literal::Text(text)) => match ids::parse(text) {
            Some(id) => Ok(json!(id)),
            None if text.is_empty() => Ok(Value::Null),
            None => {
                let message = format!("invalid ID field: {text}");
                Err(Failure::new(400, "INVALID_QUERY_FILTER_OPERATOR", message))
            }
        },
        (_, Literal::Text(text)) if text.is_empty() => Ok(Value::Null),
        (_, Literal::Text(text)) => Ok(json!(text)),
        _ => wrong("string", " and should be enclosed in quotes"),
    }
}

fn compare_values(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.to_lowercase().cmp(&right.to_lowercase())),
        (Value::Number(left), Value::Number(right)) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        _ => None,
    }
}

fn compares(value: &Value, compare: Compare, wanted: &Value) -> bool {
    if compare == Compare::Like {
        let (Some(text), Some(pattern)) = (value.as_str(), wanted.as_str()) else { return false };
        return like(&text.to_lowercase(), &pattern.to_lowercase());
    }
    // An id compares exactly; both sides already have their 18 characters and its case cannot differ.
    let ordering = compare_values(value, wanted);
    match compare {
        Compare::Equal => ordering == Some(Ordering::Equal),
        Compare::NotEqual => ordering != Some(Ordering::Equal),
        _ if value.is_null() || wanted.is_null() => false,
        Compare::Less => ordering.is_some_and(Ordering::is_lt),
        Compare::LessOrEqual => ordering.is_some_and(Ordering::is_le),
        Compare::Greater => ordering.is_some_and(Ordering::is_gt),
        Compare::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
        Compare::Like => false,
    }
}

/// `%` is any run of letters, `_` any letter, a backslash takes the next one literally.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut parts: Vec<Option<Option<char>>> = Vec::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        parts.push(match letter {
            '%' => None,
            '_' => Some(None),
            '\\' => Some(letters.next()),
            letter => Some(Some(letter)),
        });
    }
    let (mut at, mut part, mut retry) = (0, 0, None);
    while at < text.len() {
        match parts.get(part) {
            Some(None) => {
                retry = Some((at, part));
                part += 1;
            }
            Some(Some(wanted)) if wanted.is_none_or(|wanted| wanted == text[at]) => {
                at += 1;
                part += 1;
            }
            _ => {
                let Some((from, star)) = retry else { return false };
                at = from + 1;
                part = star + 1;
                retry = Some((from + 1, star));
            }
        }
    }
    parts[part..].iter().all(Option::is_none)
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn like_knows_both_wildcards_and_escapes() {
        assert!(like("acme gmbh", "acme%"));
        assert!(like("acme gmbh", "%gm_h"));
        assert!(like("a%b", "a\\%b"));
        assert!(!like("axb", "a\\%b"));
        assert!(!like("acme", "acme_"));
        assert!(like("", "%"));
    }
}
