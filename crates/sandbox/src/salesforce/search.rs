//! Answering SOQL from the org's records.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::compare::{compare_values, compares, fit, in_span, key};
use super::failure::Failure;
use super::org::Org;
use super::schema::{Field, Kind, Object};
use super::soql::{Compare, Condition, Count, Literal, Order, Query};
use super::tables::Row;
use super::values;

/// A condition whose fields and literals are known to fit the org.
enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Compare(Path, Compare, Value),
    In(Path, HashSet<String>, bool),
    /// Compares with a span of days, from the first value up to but not including the second.
    Span(Path, Compare, Value, Value),
    Includes(Path, Vec<Vec<String>>, bool),
}

/// What a query shows of each row: paths, and for each child query the rows that point to the row.
struct Selection<'a> {
    paths: Vec<Path>,
    children: Vec<Child<'a>>,
}

struct Child<'a> {
    name: String,
    object: Arc<Object>,
    link: Field,
    query: &'a Query,
    selection: Selection<'a>,
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

impl Org {
    pub fn search(&self, query: &Query, with_deleted: bool, version: &str) -> Result<Found, Failure> {
        let object = self.query_object(&query.object)?;
        let selection = self.selection(&object, query)?;
        let rows = self.matching(query, &object, with_deleted, None)?;
        if query.count {
            return Ok(Found { total: rows.len(), records: Vec::new() });
        }
        if !query.counts.is_empty() {
            return Ok(Found { total: 1, records: vec![self.counted(&object, &query.counts, &rows)?] });
        }
        let show = |row: &&Row| self.render(&object, row, &selection, with_deleted, version);
        let records: Vec<Value> = rows.iter().map(show).collect::<Result<_, _>>()?;
        Ok(Found { total: records.len(), records })
    }

    /// Empty values do not count.
    fn counted(&self, object: &Object, counts: &[Count], rows: &[&Row]) -> Result<Value, Failure> {
        let mut record = json!({"attributes": {"type": "AggregateResult"}});
        for count in counts {
            let path = self.path(object, &count.field)?;
            record[&count.name] = json!(rows.iter().filter(|row| !self.read(&path, row).is_null()).count());
        }
        Ok(record)
    }

    fn selection<'a>(&self, object: &Object, query: &'a Query) -> Result<Selection<'a>, Failure> {
        let children = query.children.iter().map(|query| {
            let found = self.schema.child_link(&object.name, &query.object);
            let found = found.and_then(|(child, link)| {
                let child = self.schema.object(&child)?.clone();
                let link = child.field(&link)?.clone();
                Some((child.listed_under(&link)?, child, link))
            });
            let (name, child, link) = found.ok_or_else(|| {
                let message = format!("Didn't understand relationship '{}' in FROM part of query call.", query.object);
                Failure::new(400, "INVALID_TYPE", message)
            })?;
            let selection = self.selection(&child, query)?;
            Ok(Child { name, object: child, link, query, selection })
        });
        Ok(Selection { paths: self.selected(object, query)?, children: children.collect::<Result<_, Failure>>()? })
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

    /// The rows a query finds, all of them or only those whose link is `parent`.
    fn matching(
        &self,
        query: &Query,
        object: &Object,
        with_deleted: bool,
        parent: Option<(&Field, &str)>,
    ) -> Result<Vec<&Row>, Failure> {
        let test = query.condition.as_ref().map(|condition| self.test(object, condition)).transpose()?;
        let order = query.order.iter().map(|order| Ok((self.sort_path(object, order)?, order)));
        let order: Vec<(Path, &Order)> = order.collect::<Result<_, Failure>>()?;
        let by_index =
            query.condition.as_ref().filter(|_| !with_deleted).and_then(|condition| self.indexed(object, condition));
        let by_index = match parent {
            Some((link, id)) if !with_deleted && self.tables.is_indexed(&object.name, link) => {
                Some(self.tables.lookup(&object.name, link, &json!(id)).into_iter().collect())
            }
            _ => by_index,
        };
        let holds = |row: &&Row| {
            !self.hidden.contains(row.text("Id"))
                && parent.is_none_or(|(link, id)| row.text(&link.name) == id)
                && test.as_ref().is_none_or(|test| self.holds(test, row))
        };
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
            Condition::Compare(name, compare, Literal::Days(first, last)) => {
                let path = self.filter_path(object, name)?;
                let (start, end) = self.days(&path.field, *first, *last)?;
                Test::Span(path, *compare, start, end)
            }
            Condition::Includes { field, sets, negated } => {
                let path = self.filter_path(object, field)?;
                if path.field.kind != Kind::Multipicklist {
                    let message = format!("includes or excludes operator only valid on multipicklist field: {field}");
                    return Err(Failure::new(400, "INVALID_QUERY_FILTER_OPERATOR", message));
                }
                let sets = sets.iter().map(|set| set.split(';').map(str::to_lowercase).collect());
                Test::Includes(path, sets.collect(), *negated)
            }
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

    /// Where the first day begins and the day after the last one, in the time zone of the user.
    fn days(&self, field: &Field, first: i32, last: i32) -> Result<(Value, Value), Failure> {
        let user = self.tables.get("User", &super::org::integration_user());
        let zone = user.map_or("UTC", |user| user.text("TimeZoneSidKey"));
        let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
        let today = self.clock.now().to_zoned(zone.clone()).date();
        let at = |days: i32| -> Option<Value> {
            let day = today.checked_add(jiff::Span::new().days(days)).ok()?;
            match field.kind {
                Kind::Date => Some(json!(day.to_string())),
                Kind::Datetime => Some(json!(values::datetime(day.to_zoned(zone.clone()).ok()?.timestamp()))),
                _ => None,
            }
        };
        at(first).zip(at(last + 1)).ok_or_else(|| {
            let message = format!("value of filter criterion for field '{}' is no date", field.name);
            Failure::new(400, "INVALID_FIELD", message)
        })
    }

    /// The values a semi-join compares with.
    fn inner_values(&self, query: &Query) -> Result<HashSet<String>, Failure> {
        let [field] = query.fields.as_slice() else {
            return Err(Failure::new(400, "MALFORMED_QUERY", "a nested query selects exactly one field"));
        };
        let object = self.query_object(&query.object)?;
        let path = self.path(&object, field)?;
        let rows = self.matching(query, &object, false, None)?;
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
            Test::Span(path, compare, start, end) => in_span(&self.read(path, row), *compare, start, end),
            Test::Includes(path, sets, negated) => {
                let value = self.read(path, row);
                let chosen: Vec<String> =
                    value.as_str().unwrap_or_default().split(';').map(str::to_lowercase).collect();
                sets.iter().any(|set| set.iter().all(|wanted| chosen.contains(wanted))) != *negated
            }
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

    fn render(
        &self,
        object: &Object,
        row: &Row,
        selection: &Selection<'_>,
        with_deleted: bool,
        version: &str,
    ) -> Result<Value, Failure> {
        let mut record = record_of(&object.name, row, version);
        for path in &selection.paths {
            self.render_path(&mut record, row, &path.links, path, version);
        }
        for child in &selection.children {
            let rows = self.matching(child.query, &child.object, with_deleted, Some((&child.link, row.text("Id"))))?;
            let show = |row: &&Row| self.render(&child.object, row, &child.selection, with_deleted, version);
            let records: Vec<Value> = rows.iter().map(show).collect::<Result<_, _>>()?;
            // A parent without children has no empty result but none.
            let nested = json!({"totalSize": records.len(), "done": true, "records": records});
            record.insert(child.name.clone(), if records.is_empty() { Value::Null } else { nested });
        }
        Ok(Value::Object(record))
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
