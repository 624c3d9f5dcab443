//! The records of the org, with an index and an undo journal.
//!
//! **Invariant:** every change goes through [`Tables::put`], so that index and journal never miss one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::ids;
use super::schema::{Field, Object};

pub type Fields = Map<String, Value>;

#[derive(Clone, Debug)]
pub struct Row {
    pub fields: Fields,
    /// What the last writer called itself in `Sforce-Call-Options`.
    pub client: Option<String>,
}

impl Row {
    pub fn get(&self, field: &str) -> &Value {
        self.fields.get(field).unwrap_or(&Value::Null)
    }

    pub fn text(&self, field: &str) -> &str {
        self.get(field).as_str().unwrap_or_default()
    }

    pub fn is(&self, field: &str) -> bool {
        self.get(field) == &Value::Bool(true)
    }

    pub fn is_deleted(&self) -> bool {
        self.is("IsDeleted")
    }
}

#[derive(Default)]
struct Table {
    rows: BTreeMap<String, Row>,
    /// Field, folded value, ids of living rows.
    index: HashMap<String, HashMap<String, BTreeSet<String>>>,
    created: u64,
}

struct Undo {
    object: String,
    id: String,
    before: Option<Row>,
}

/// A place in the journal to roll back to.
#[derive(Clone, Copy)]
pub struct Savepoint(usize);

#[derive(Default)]
pub struct Tables {
    by_object: BTreeMap<String, Table>,
    journal: Vec<Undo>,
    indexed: HashMap<String, Vec<Field>>,
}

/// How values of an indexed field are compared: without case, unless the field says otherwise.
pub fn fold(field: &Field, value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        // 9 and 9.0 are one number, however a caller wrote it.
        Value::Number(number) => number.as_f64()?.to_string(),
        _ => return None,
    };
    Some(if field.case_sensitive { text } else { text.to_lowercase() })
}

impl Tables {
    pub fn new<'a>(objects: impl Iterator<Item = &'a Object>) -> Tables {
        let parents = ["CampaignId", "LeadId", "ContactId", "AccountId"];
        let mut tables = Tables::default();
        for object in objects {
            let indexed = |field: &&Field| field.indexed() || parents.contains(&field.name.as_str());
            let fields = object.fields.iter().filter(indexed).cloned().collect();
            tables.indexed.insert(object.name.clone(), fields);
            tables.by_object.insert(object.name.clone(), Table::default());
        }
        tables
    }

    pub fn next_id(&mut self, object: &Object) -> String {
        let table = self.by_object.entry(object.name.clone()).or_default();
        table.created += 1;
        ids::nth(&object.prefix, table.created)
    }

    pub fn get(&self, object: &str, id: &str) -> Option<&Row> {
        self.by_object.get(object)?.rows.get(id)
    }

    /// All rows with deleted ones, in the order of their ids.
    pub fn rows(&self, object: &str) -> impl Iterator<Item = (&String, &Row)> {
        self.by_object.get(object).into_iter().flat_map(|table| table.rows.iter())
    }

    pub fn living(&self, object: &str) -> impl Iterator<Item = (&String, &Row)> {
        self.rows(object).filter(|(_, row)| !row.is_deleted())
    }

    /// Whether [`Tables::lookup`] finds what a query would; queries compare without case.
    pub fn is_indexed(&self, object: &str, field: &Field) -> bool {
        let fields = self.indexed.get(object).map(Vec::as_slice).unwrap_or_default();
        !field.case_sensitive && fields.iter().any(|indexed| indexed.name == field.name)
    }

    /// Ids of living rows whose indexed field has this value.
    pub fn lookup(&self, object: &str, field: &Field, value: &Value) -> Vec<String> {
        let Some(key) = fold(field, value) else { return Vec::new() };
        self.by_object
            .get(object)
            .and_then(|table| table.index.get(&field.name)?.get(&key))
            .map(|ids| ids.iter().cloned().collect())
            .unwrap_or_default()
    }

    pub fn put(&mut self, object: &str, id: &str, row: Option<Row>) {
        let before = self.swap(object, id, row);
        self.journal.push(Undo { object: object.to_owned(), id: id.to_owned(), before });
    }

    fn swap(&mut self, object: &str, id: &str, row: Option<Row>) -> Option<Row> {
        let fields = self.indexed.get(object).map(Vec::as_slice).unwrap_or_default();
        let table = self.by_object.entry(object.to_owned()).or_default();
        let keys = |row: Option<&Row>| -> Vec<Option<String>> {
            let row = row.filter(|row| !row.is_deleted());
            fields.iter().map(|field| fold(field, row?.get(&field.name))).collect()
        };
        let after = keys(row.as_ref());
        let before = match row {
            Some(row) => table.rows.insert(id.to_owned(), row),
            None => table.rows.remove(id),
        };
        for (field, (was, is)) in fields.iter().zip(keys(before.as_ref()).into_iter().zip(after)) {
            if was == is {
                continue;
            }
            let values = table.index.entry(field.name.clone()).or_default();
            if let Some(ids) = was.and_then(|was| values.get_mut(&was)) {
                ids.remove(id);
            }
            if let Some(is) = is {
                values.entry(is).or_default().insert(id.to_owned());
            }
        }
        before
    }

    pub fn savepoint(&self) -> Savepoint {
        Savepoint(self.journal.len())
    }

    pub fn roll_back(&mut self, savepoint: Savepoint) {
        while self.journal.len() > savepoint.0 {
            if let Some(undo) = self.journal.pop() {
                self.swap(&undo.object, &undo.id, undo.before);
            }
        }
    }

    /// Ends the transaction and tells which records it changed, each once, with what they were before.
    pub fn commit(&mut self) -> BTreeMap<(String, String), Option<Row>> {
        let mut changed = BTreeMap::new();
        for undo in self.journal.drain(..) {
            changed.entry((undo.object, undo.id)).or_insert(undo.before);
        }
        changed
    }
}
