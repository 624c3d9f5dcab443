//! Records: what is held to be true, each value with its source.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::IntoResponse,
};
use mittler_core::{Kind, Label, Record, RecordId, Slot, Sourced, Time};
use mittler_identity::{Key, KeyType, keys};
use mittler_store::records::RecordLine;
use mittler_sync::export::plain;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    App,
    access::{Caller, Scope},
    body::{self, At, List, Page, Params},
    problem::Problem,
    search::{self, Search},
};

/// Which records.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RecordQuery {
    /// `person`, `organisation`, `fair`, `participation`, `activity`, `association`. People if
    /// not given.
    kind: Option<String>,
    /// Only those in which each of these words stands: name, company, address, number, or a part of one. The latest,
    /// up to `limit`; there is no next part.
    search: Option<String>,
    /// Only the person with this e-mail address.
    email: Option<String>,
    /// Only the person with this badge, together with its `fair`; or with the `source`, if the badge
    /// came without one.
    badge: Option<String>,
    fair: Option<String>,
    /// Only the person with this id in its `source`.
    external_id: Option<String>,
    source: Option<String>,
    /// `next` of the part before.
    after: Option<String>,
    /// How many at most: 1 to 500, 100 if not given.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<i64>,
}

impl RecordQuery {
    /// The key that the caller asks for.
    fn key(&self) -> Option<Result<Key, Problem>> {
        let key = |key_type, scope: String, value: &str| Key {
            key_type,
            scope,
            value: keys::id_value(value).unwrap_or_else(|| value.trim().to_owned()),
        };
        if let Some(email) = &self.email {
            return Some(email_key(email).ok_or_else(|| Problem::invalid("email", "this is no e-mail address")));
        }
        if let Some(badge) = &self.badge {
            // Without a fair a badge is known in its source alone.
            let scope = match &self.fair {
                Some(fair) => keys::fair_scope(fair, None),
                None => self.source.clone().unwrap_or_default(),
            };
            return Some(Ok(key(KeyType::Badge, scope, badge)));
        }
        self.external_id.as_ref().map(|id| Ok(key(KeyType::External, self.source.clone().unwrap_or_default(), id)))
    }
}

/// The key of an e-mail address.
pub(crate) fn email_key(email: &str) -> Option<Key> {
    let email = mittler_normalise::email::read(email.trim())?;
    Some(Key { key_type: KeyType::Email, scope: String::new(), value: email.canonical() })
}

/// The record that a key names.
pub(crate) async fn find(app: &App, key: &Key) -> Result<Option<Record>, Problem> {
    let Some(id) = app.store.by_key(key.id()).await? else { return Ok(None) };
    Ok(app.store.record(id).await?)
}

/// A record in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordItem {
    #[schema(example = "rec_0190f5e2b8d97c6f8a52c9f1f0a3d111")]
    id: String,
    /// `person`, `organisation`, `fair`, `participation`, `activity`, `association`.
    kind: &'static str,
    /// A line that names it to a person.
    title: String,
    version: i64,
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<Time>,
}

impl RecordItem {
    fn of_line(kind: Kind, row: &RecordLine) -> RecordItem {
        RecordItem {
            id: RecordId(row.id).to_string(),
            kind: kind.name(),
            title: row.fields.0.title(),
            version: row.version,
            updated_at: Some(Time(row.updated_at)),
        }
    }

    fn of(record: &Record) -> RecordItem {
        RecordItem {
            id: record.id.to_string(),
            kind: record.kind.name(),
            title: record.fields.title(),
            version: record.version,
            updated_at: None,
        }
    }
}

/// List records, or find one by a key
#[utoipa::path(get, path = "/records", tag = "Records", params(RecordQuery),
    responses((status = 200, description = "Records", body = List<RecordItem>)))]
pub(crate) async fn get_records(
    State(app): State<App>,
    caller: Caller,
    Params(query): Params<RecordQuery>,
) -> Result<Json<List<RecordItem>>, Problem> {
    caller.needs(Scope::RecordsRead)?;
    if let Some(key) = query.key() {
        let found = find(&app, &key?).await?;
        return Ok(Json(List { items: found.iter().map(RecordItem::of).collect(), next: None }));
    }
    let kind = Kind::parse(query.kind.as_deref().unwrap_or("person"));
    let kind = kind.ok_or_else(|| Problem::invalid("kind", "there is no kind of record of that name"))?;
    let page = Page { after: query.after, limit: query.limit };
    let most = page.most()?;
    if let Some(text) = &query.search {
        let search = Search::of(text).ok_or_else(|| Problem::invalid("search", "give a word to look for"))?;
        let found = search::records(&app, kind, &search, usize::try_from(most).unwrap_or(0)).await?;
        let items = found.iter().map(|row| RecordItem::of_line(kind, row)).collect();
        return Ok(Json(List { items, next: None }));
    }
    let rows = app.store.record_lines(kind, page.cursor::<RecordId>()?, most + 1).await?;
    Ok(List::of(rows, most, |row| RecordId(row.id).to_string(), |row| RecordItem::of_line(kind, &row)))
}

/// A record with its values.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordView {
    id: String,
    /// `person`, `organisation`, `fair`, `participation`, `activity`, `association`.
    kind: &'static str,
    title: String,
    /// Raised with each change.
    version: i64,
    /// Since when nobody is told of this person.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    restricted_at: Option<Time>,
    /// By field; sets such as `emails` have several values, the best first.
    fields: BTreeMap<String, Vec<ValueView>>,
}

/// One value, where it came from and how sure it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ValueView {
    #[schema(value_type = serde_json::Value, example = json!("Jürgen"))]
    value: serde_json::Value,
    /// `work`, `direct`, `mobile`, `fax`, `private`, `other`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    label: Option<Label>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    primary: bool,
    source: SourceView,
    #[schema(value_type = String, format = DateTime)]
    observed_at: Time,
    /// The rule that read it, such as `csv.column`.
    how: String,
    /// 0 to 100.
    #[schema(maximum = 100)]
    confidence: u8,
    /// The input that it came from.
    signal: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceView {
    /// `person`, `crm`, `own_mail`, `form`, `badge`, `organiser`, `rule`, `generated`.
    #[schema(value_type = String)]
    kind: mittler_core::SourceKind,
    name: String,
}

impl ValueView {
    fn of(sourced: &Sourced, label: Option<Label>, primary: bool) -> ValueView {
        ValueView {
            value: plain(&sourced.value),
            label,
            primary,
            source: SourceView { kind: sourced.source.kind, name: sourced.source.name.clone() },
            observed_at: sourced.observed_at,
            how: sourced.how.clone(),
            confidence: sourced.confidence,
            signal: sourced.signal.to_string(),
        }
    }
}

impl RecordView {
    pub fn of(record: &Record, restricted_at: Option<Time>) -> RecordView {
        let values = |slot: &Slot| match slot {
            Slot::One(sourced) => vec![ValueView::of(sourced, None, false)],
            Slot::Set(elements) => {
                elements.iter().map(|one| ValueView::of(&one.sourced, one.label, one.primary)).collect()
            }
        };
        RecordView {
            restricted_at,
            id: record.id.to_string(),
            kind: record.kind.name(),
            title: record.fields.title(),
            version: record.version,
            fields: record.fields.0.iter().map(|(field, slot)| (field.to_string(), values(slot))).collect(),
        }
    }
}

/// Read a record, each value with its source
///
/// The answer's `ETag` is what an edit of it comes with.
#[utoipa::path(get, path = "/records/{id}", tag = "Records", params(("id" = String, Path, description = "rec_…")),
    responses((status = 200, description = "The record", body = RecordView, headers(("ETag" = String)))))]
pub(crate) async fn get_record(
    State(app): State<App>,
    caller: Caller,
    At(id): At<String>,
) -> Result<impl IntoResponse, Problem> {
    caller.needs(Scope::RecordsRead)?;
    let id = app.store.survivor(body::id(&id)?).await?;
    let record = app.store.record(id).await?.ok_or_else(Problem::not_found)?;
    let restricted_at = app.store.restricted_since(id).await?;
    Ok((tag(&record), Json(RecordView::of(&record, restricted_at))))
}

/// The version of a record, as a header.
pub(crate) fn tag(record: &Record) -> [(header::HeaderName, HeaderValue); 1] {
    let tag = HeaderValue::from_str(&format!("\"{}\"", record.version));
    [(header::ETAG, tag.unwrap_or(HeaderValue::from_static("\"\"")))]
}
