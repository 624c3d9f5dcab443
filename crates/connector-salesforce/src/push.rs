//! Writing: one collections call for a batch, and single calls for the few rows that Salesforce
//! says more about alone.

use std::{collections::HashSet, fmt::Write as _};

use mittler_connector::{
    Error, Key, Outcome, Refusal, Result, RowResult, Write,
    http::{Answer, Call, Effect},
};
use mittler_core::{RemoteFields, Value, remote::RemoteType};
use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use crate::{
    Assignment, Salesforce, Types, plain_name, read, refusal,
    statuses::{self, Campaign},
    wire::{self, Record},
};

pub async fn push(salesforce: &Salesforce, remote_type: &str, batch: &[Write]) -> Result<Vec<Outcome>> {
    let Some(first) = batch.first() else { return Ok(Vec::new()) };
    if batch.iter().any(|write| std::mem::discriminant(write) != std::mem::discriminant(first)) {
        let message = "creates, updates and archives do not go together".into();
        return Err(Error::BatchRefused { code: "MIXED_BATCH".into(), message, fields: Vec::new() });
    }
    let types = types_if_clearing(salesforce, remote_type, batch).await?;
    let mut keys = HashSet::new();
    let mut rows: Vec<Row> = batch.iter().map(|write| Row::new(write, types.as_ref(), &mut keys)).collect();
    let writer = Writer { salesforce, remote_type: plain_name(remote_type)?, own_key: salesforce.own_key(remote_type) };
    writer.together(&mut rows).await?;
    writer.alone(&mut rows).await?;
    writer.lost(&mut rows).await;
    if remote_type == "Campaign" {
        offer_statuses(salesforce, &mut rows).await;
    }
    Ok(rows.into_iter().map(Row::outcome).collect())
}

/// A null clears any field but a check box, which has to become false: only then are types needed.
async fn types_if_clearing(salesforce: &Salesforce, remote_type: &str, batch: &[Write]) -> Result<Option<Types>> {
    let clears = |fields: &RemoteFields| fields.0.values().any(Option::is_none);
    if !batch.iter().filter_map(Write::fields).any(clears) {
        return Ok(None);
    }
    salesforce.types(remote_type, &[]).await.map(Some)
}

/// Makes sure of the member statuses of the campaigns that are there now.
async fn offer_statuses(salesforce: &Salesforce, rows: &mut [Row<'_>]) {
    let mut campaigns: Vec<Campaign<'_>> = Vec::new();
    for (row, of) in rows.iter().enumerate().filter(|(_, of)| !of.statuses.is_empty()) {
        campaigns.extend(of.written_id().map(|id| Campaign { row, id, labels: &of.statuses }));
    }
    if campaigns.is_empty() {
        return;
    }
    for (row, result) in statuses::ensure(salesforce, &campaigns).await {
        rows[row].result = Some(result);
    }
}

/// One write on its way.
struct Row<'w> {
    write: &'w Write,
    body: Record,
    /// Needs a call of its own.
    single: bool,
    allow_duplicate: bool,
    /// Member statuses that a campaign must offer.
    statuses: Vec<String>,
    result: Option<RowResult>,
}

impl<'w> Row<'w> {
    fn new(write: &'w Write, types: Option<&Types>, keys: &mut HashSet<&'w str>) -> Row<'w> {
        let mut row = Row {
            write,
            body: Record::new(),
            single: false,
            allow_duplicate: matches!(write, Write::Create { allow_duplicate: true, .. }),
            statuses: Vec::new(),
            result: None,
        };
        for (name, value) in write.fields().iter().flat_map(|fields| &fields.0) {
            if name == statuses::FIELD {
                row.statuses = statuses::labels(value.as_ref());
            } else {
                row.take(name, value.as_ref(), types);
            }
        }
        // The same key twice in one call fails for both; the second finds the first one's record.
        let repeated = matches!(write, Write::Create { own_key, .. } if !keys.insert(own_key));
        row.single = row.allow_duplicate || repeated;
        if let Write::Update { id, .. } = write
            && row.body.is_empty()
        {
            row.result.get_or_insert(RowResult::Written { id: id.clone(), created: false, shown: None });
        }
        row
    }

    fn take(&mut self, name: &str, value: Option<&Value>, types: Option<&Types>) {
        let is_flag = types.is_some_and(|types| types.get(name) == Some(&RemoteType::Bool));
        match wire::encode(value) {
            Ok(Json::Null) if is_flag => drop(self.body.insert(name.to_owned(), json!(false))),
            Ok(json) => drop(self.body.insert(name.to_owned(), json)),
            Err(()) => {
                let (code, message) = ("UNSUPPORTED_VALUE".into(), "Salesforce has no form for this value".into());
                self.result = Some(RowResult::Refused(Refusal { code, message, fields: vec![name.to_owned()] }));
            }
        }
    }

    fn written_id(&self) -> Option<&str> {
        match &self.result {
            Some(RowResult::Written { id, .. }) => Some(id),
            _ => None,
        }
    }

    /// Gone, or refused with the bad reference that collections show for an id that is no more.
    fn is_lost(&self) -> bool {
        match (&self.result, self.write) {
            (Some(RowResult::Gone { .. }), _) => true,
            (Some(RowResult::Refused(refusal)), Write::Update { .. } | Write::Archive { .. }) => {
                refusal.code == "INVALID_CROSS_REFERENCE_KEY" && refusal.fields.is_empty()
            }
            _ => false,
        }
    }

    /// How the CRM, as it is now, knows the record.
    fn key(&self) -> Key {
        match self.write {
            Write::Create { own_key, .. } => Key::Own(own_key.clone()),
            Write::Update { id, .. } | Write::Archive { id, .. } => Key::Id(id.clone()),
        }
    }

    fn outcome(self) -> Outcome {
        // Every row was either sent or answered without sending; this is a row that was neither.
        let unsent = || RowResult::Busy { code: "not_sent".into() };
        Outcome { tag: self.write.tag(), result: self.result.unwrap_or_else(unsent) }
    }
}

struct Writer<'s> {
    salesforce: &'s Salesforce,
    remote_type: &'s str,
    own_key: Option<&'s str>,
}

impl Writer<'_> {
    async fn together(&self, rows: &mut [Row<'_>]) -> Result<()> {
        let mut chosen: Vec<&mut Row> = rows.iter_mut().filter(|row| row.result.is_none() && !row.single).collect();
        let Some(first) = chosen.first() else { return Ok(()) };
        let call = match (first.write, self.own_key) {
            (Write::Create { .. }, Some(own_key)) => {
                self.collection(Method::PATCH, &format!("/{}/{own_key}", self.remote_type), &chosen)
            }
            (Write::Create { .. }, None) => self.collection(Method::POST, "", &chosen),
            (Write::Update { .. }, _) => self.collection(Method::PATCH, "", &chosen),
            (Write::Archive { .. }, _) => self.removal(&chosen),
        };
        let answer = self.salesforce.send(self.salesforce.with_headers(call)).await?;
        if !answer.status.is_success() {
            return Err(refusal::of_call(&answer, Effect::Write));
        }
        let told: Vec<wire::Row> = serde_json::from_slice(&answer.body).map_err(|_| unreadable())?;
        if told.len() != chosen.len() {
            return Err(unreadable());
        }
        for (row, told) in chosen.iter_mut().zip(told) {
            let result = if told.success { written(row, told)? } else { refusal::of_row(told.errors) };
            // The collection does not name the likely duplicates; a call of its own does.
            if matches!(result, RowResult::Candidates { .. }) {
                row.single = true;
            } else {
                row.result = Some(result);
            }
        }
        Ok(())
    }

    fn collection(&self, method: Method, path: &str, rows: &[&mut Row<'_>]) -> Call {
        let records: Vec<Json> = rows.iter().map(|row| self.record(row)).collect();
        let body = json!({"allOrNone": false, "records": records});
        Call::write(method, self.salesforce.url(&format!("composite/sobjects{path}")), body)
    }

    fn record(&self, row: &Row<'_>) -> Json {
        let mut record = row.body.clone();
        record.insert("attributes".into(), json!({"type": self.remote_type}));
        match (row.write, self.own_key) {
            (Write::Create { own_key, .. }, Some(field)) => drop(record.insert(field.into(), json!(own_key))),
            (Write::Create { .. }, None) | (Write::Archive { .. }, _) => {}
            (Write::Update { id, .. }, _) => drop(record.insert("id".into(), json!(id))),
        }
        Json::Object(record)
    }

    fn removal(&self, rows: &[&mut Row<'_>]) -> Call {
        let ids: Vec<String> = rows
            .iter()
            .filter_map(|row| match row.write {
                Write::Archive { id, .. } => Some(in_path(id)),
                Write::Create { .. } | Write::Update { .. } => None,
            })
            .collect();
        let url = self.salesforce.url(&format!("composite/sobjects?ids={}&allOrNone=false", ids.join(",")));
        Call { effect: Effect::Write, ..Call::read(Method::DELETE, url) }
    }

    /// The rows that go one by one: after the collection, or instead of it.
    async fn alone(&self, rows: &mut [Row<'_>]) -> Result<()> {
        let sent = rows.iter().any(|row| row.result.is_some() || !row.single);
        let mut may_fail = !sent;
        for row in rows.iter_mut().filter(|row| row.result.is_none()) {
            match self.single(row).await {
                Ok(result) => row.result = Some(result),
                // Nothing of the batch was written before: the error is the batch's.
                Err(error) if may_fail => return Err(error),
                // Others were written, and this row is safe to repeat: by its key, by its id, or
                // because nothing happened.
                Err(error) if self.repeatable(row) || !matches!(error, Error::Unknown { .. }) => {
                    row.result = Some(RowResult::Busy { code: error.code().to_owned() });
                }
                Err(error) => return Err(error),
            }
            may_fail = false;
        }
        Ok(())
    }

    fn repeatable(&self, row: &Row<'_>) -> bool {
        self.own_key.is_some() || !matches!(row.write, Write::Create { .. })
    }

    async fn single(&self, row: &Row<'_>) -> Result<RowResult> {
        let base = self.salesforce.url(&format!("sobjects/{}", self.remote_type));
        let body = Json::Object(row.body.clone());
        let call = match (row.write, self.own_key) {
            (Write::Create { own_key, .. }, Some(field)) => {
                Call::write(Method::PATCH, format!("{base}/{field}/{}", in_path(own_key)), body)
            }
            (Write::Create { .. }, None) => Call::write(Method::POST, base, body),
            (Write::Update { id, .. }, _) => Call::write(Method::PATCH, format!("{base}/{}", in_path(id)), body),
            (Write::Archive { id, .. }, _) => {
                let url = format!("{base}/{}", in_path(id));
                Call { effect: Effect::Write, ..Call::read(Method::DELETE, url) }
            }
        };
        let call =
            if row.allow_duplicate { call.header("Sforce-Duplicate-Rule-Header", "allowSave=true") } else { call };
        let answer = self.salesforce.send(self.salesforce.with_headers(call)).await?;
        if !answer.status.is_success() {
            return refusal::of_single(&answer);
        }
        self.single_written(row, &answer).await
    }

    async fn single_written(&self, row: &Row<'_>, answer: &Answer) -> Result<RowResult> {
        if answer.status != StatusCode::NO_CONTENT {
            return written(row, serde_json::from_slice(&answer.body).map_err(|_| unreadable())?);
        }
        if let Write::Update { id, .. } | Write::Archive { id, .. } = row.write {
            return Ok(RowResult::Written { id: id.clone(), created: false, shown: None });
        }
        // Old API versions update by key without naming the record.
        let found = read::read(self.salesforce, self.remote_type, &[row.key()], &[]).await.unwrap_or_default();
        let record = found.into_iter().find(|record| !record.gone).ok_or_else(unreadable)?;
        Ok(RowResult::Written { id: record.id, created: false, shown: None })
    }

    /// Where converted and merged records went, and whether a bad reference was the record itself.
    /// Salesforce has already refused these rows, so a failure of the look-up changes nothing.
    async fn lost(&self, rows: &mut [Row<'_>]) {
        let keys: Vec<Key> = rows.iter().filter(|row| row.is_lost()).map(Row::key).collect();
        let Ok(found) = read::read(self.salesforce, self.remote_type, &keys, &[]).await else { return };
        for row in rows.iter_mut().filter(|row| row.is_lost()) {
            let key = row.key();
            let mut known = found.iter().filter(|record| record.key == key);
            match &mut row.result {
                Some(RowResult::Gone { successor, .. }) => {
                    *successor = known.find_map(|record| record.successor.clone());
                }
                Some(RowResult::Refused(refusal)) if known.clone().all(|record| record.gone) => {
                    let successor = known.find_map(|record| record.successor.clone());
                    row.result = Some(RowResult::Gone { successor, code: std::mem::take(&mut refusal.code) });
                }
                _ => {}
            }
        }
    }
}

impl Salesforce {
    /// Absent, Salesforce's assignment rules would be on, and might replace the owner that we send.
    pub(crate) fn with_headers(&self, call: Call) -> Call {
        let assign = match &self.settings.assignment {
            Assignment::Off => "FALSE",
            Assignment::On => "TRUE",
            Assignment::Rule(id) => id,
        };
        call.header("Sforce-Auto-Assign", assign).header("Sforce-Call-Options", self.client_option())
    }
}

fn written(row: &Row<'_>, told: wire::Row) -> Result<RowResult> {
    let known = match row.write {
        Write::Create { .. } => None,
        Write::Update { id, .. } | Write::Archive { id, .. } => Some(id.clone()),
    };
    // Collections leave `created` out where there is no upsert.
    let created = told.created.unwrap_or(known.is_none());
    let id = told.id.or(known).ok_or_else(unreadable)?;
    Ok(RowResult::Written { id, created, shown: None })
}

/// A success that cannot be read: nobody knows what was written.
fn unreadable() -> Error {
    Error::Unknown { code: "unreadable_answer".into() }
}

fn in_path(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            _ = write!(path, "%{byte:02X}");
        }
    }
    path
}
