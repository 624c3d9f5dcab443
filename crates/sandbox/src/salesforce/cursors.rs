//! Query results that are read page by page.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::failure::Failure;
use super::ids;

struct Cursor {
    records: Vec<Value>,
    user: String,
    expires_ms: i64,
    page: usize,
}

/// Open locators. A locator belongs to the user who opened it and dies after the configured time.
#[derive(Default)]
pub struct Cursors {
    open: BTreeMap<String, Cursor>,
    opened: u64,
}

/// Who pages, when, and how.
pub struct Reader<'a> {
    pub user: &'a str,
    pub now_ms: i64,
    pub version: &'a str,
}

impl Cursors {
    /// The first page of a result.
    pub fn open(&mut self, records: Vec<Value>, page: usize, lifetime_seconds: i64, reader: &Reader<'_>) -> Value {
        if records.len() <= page {
            return json!({"totalSize": records.len(), "done": true, "records": records});
        }
        self.open.retain(|_, cursor| cursor.expires_ms > reader.now_ms);
        self.opened += 1;
        let locator = ids::nth("01g", self.opened);
        let expires_ms = reader.now_ms.saturating_add(lifetime_seconds.saturating_mul(1000));
        let cursor = Cursor { records, user: reader.user.to_owned(), expires_ms, page };
        let body = cursor.page_from(0, &locator, reader.version);
        self.open.insert(locator, cursor);
        body
    }

    /// The page that a locator of the form `01g...-500` names.
    pub fn next(&self, locator: &str, reader: &Reader<'_>) -> Result<Value, Failure> {
        let invalid = || Failure::new(400, "INVALID_QUERY_LOCATOR", "invalid query locator");
        let (id, from) = locator.split_once('-').ok_or_else(invalid)?;
        let from: usize = from.parse().map_err(|_| invalid())?;
        let mine = |cursor: &&Cursor| cursor.user == reader.user && cursor.expires_ms > reader.now_ms;
        let cursor = self.open.get(id).filter(mine).filter(|cursor| from <= cursor.records.len());
        Ok(cursor.ok_or_else(invalid)?.page_from(from, id, reader.version))
    }
}

impl Cursor {
    fn page_from(&self, from: usize, locator: &str, version: &str) -> Value {
        let end = (from + self.page).min(self.records.len());
        let done = end == self.records.len();
        let mut body = json!({"totalSize": self.records.len(), "done": done, "records": self.records[from..end]});
        if !done {
            body["nextRecordsUrl"] = json!(format!("/services/data/{version}/query/{locator}-{end}"));
        }
        body
    }
}
