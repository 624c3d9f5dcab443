//! Finding records: what changed, and what they hold.

use std::time::Duration;

use mittler_connector::{
    Change, ChangePage, Cursor, Error, Key, KeyForm, RemoteRecord, Result,
    cursor::{Blur, TimeId},
    http::{Call, Effect},
};
use mittler_core::{RemoteFields, Time};
use reqwest::Method;

use crate::{
    Salesforce, Types, plain_name, refusal, soql,
    wire::{self, Found, Record},
};

/// Domains that one query looks for at most.
const DOMAINS: usize = 20;
/// Most records of one page of a query.
const PAGE: usize = 2000;

/// Whether a query also shows what lies in the recycle bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    Shown,
    Hidden,
}

/// Re-read at the start of each run: bulk jobs commit late under an earlier stamp.
const OVERLAP: Duration = Duration::from_mins(5);

pub async fn changes(salesforce: &Salesforce, feed: &str, since: Option<&Cursor>, now: Time) -> Result<ChangePage> {
    let blur = Blur { lag: salesforce.profile.visibility_lag, overlap: OVERLAP };
    let Some(cursor) = since else { return Ok(blur.begin(now)) };
    let since = TimeId::parse(cursor)?;
    let remote_type = plain_name(feed)?;
    let after = after(&since);
    let deleted = if keeps_deleted(remote_type) { ", IsDeleted" } else { "" };
    let query = format!(
        "SELECT Id, SystemModstamp{deleted} FROM {remote_type}{after} ORDER BY SystemModstamp, Id LIMIT {PAGE}"
    );
    let call = first_page(salesforce, &query, Deleted::Shown);
    let (found, server_time) = page(salesforce, call).await?;
    let changes: Option<Vec<Change>> = found.records.iter().map(|record| change(remote_type, record)).collect();
    let changes = changes.ok_or_else(|| Error::Protocol { detail: "a change without id or stamp".into() })?;
    // A page may be shorter than asked for. The rest is found from the last change.
    let more = !found.done || changes.len() == PAGE;
    Ok(blur.page(&since, changes, more, server_time, now))
}

fn after(cursor: &TimeId) -> String {
    let at = wire::instant_text(cursor.at);
    if cursor.id.is_empty() {
        return format!(" WHERE SystemModstamp >= {at}");
    }
    let id = soql::literal(&cursor.id);
    format!(" WHERE SystemModstamp > {at} OR (SystemModstamp = {at} AND Id > {id})")
}

fn change(remote_type: &str, record: &Record) -> Option<Change> {
    Some(Change {
        remote_type: remote_type.to_owned(),
        id: wire::text(record, "Id")?.to_owned(),
        at: wire::instant(wire::text(record, "SystemModstamp")?)?,
        deleted: wire::flag(record, "IsDeleted"),
        absorbed: Vec::new(),
    })
}

pub async fn read(
    salesforce: &Salesforce,
    remote_type: &str,
    keys: &[Key],
    fields: &[String],
) -> Result<Vec<RemoteRecord>> {
    let Some(form) = keys.first().map(Key::form) else { return Ok(Vec::new()) };
    let search = Search::new(salesforce, remote_type, form)?;
    // Names with an underscore in front are the mapping's own and no fields of Salesforce's.
    let fields: Vec<String> = fields.iter().filter(|field| !field.starts_with('_')).cloned().collect();
    let types = salesforce.types(remote_type, &fields).await?;
    let select = search.select(&fields)?;
    // A text that is no id would spoil the query for all others; it finds nothing.
    let askable: Vec<Key> = keys.iter().filter(|key| search.askable(key)).cloned().collect();
    let mut found = Vec::new();
    // A domain is looked for inside of addresses, for which Salesforce reads all records.
    let most = if form == KeyForm::Domain { DOMAINS } else { usize::MAX };
    for part in soql::fitting(&askable, &select, cost).into_iter().flat_map(|part| part.chunks(most)) {
        let query = format!("{select} WHERE {}", search.condition(part));
        for record in query_all(salesforce, &query, search.deleted()).await? {
            let named = part.iter().filter(|key| search.names(key, &record));
            found.extend(named.filter_map(|key| remote_record(key, &record, &fields, &types, remote_type)));
        }
    }
    Ok(found)
}

/// How records of one type are found by keys of one form.
struct Search<'s> {
    remote_type: &'s str,
    form: KeyForm,
    /// The field that holds our ids.
    own: Option<&'s str>,
}

impl<'s> Search<'s> {
    fn new(salesforce: &'s Salesforce, remote_type: &'s str, form: KeyForm) -> Result<Search<'s>> {
        let search = Search { remote_type: plain_name(remote_type)?, form, own: salesforce.own_key(remote_type) };
        let possible = match form {
            KeyForm::Own => search.own.is_some(),
            KeyForm::Pair => remote_type == "CampaignMember",
            KeyForm::Parent => remote_type == "Task",
            KeyForm::Id | KeyForm::Email | KeyForm::Domain | KeyForm::Name => true,
        };
        if possible {
            return Ok(search);
        }
        Err(Error::Protocol { detail: format!("{remote_type} is not read by {form:?}") })
    }

    /// Ids and own keys are told apart from "never was" even in the recycle bin. Anything else
    /// looks for candidates, and what is deleted is none.
    fn deleted(&self) -> Deleted {
        match self.form {
            KeyForm::Id | KeyForm::Own => Deleted::Shown,
            _ => Deleted::Hidden,
        }
    }

    fn select(&self, fields: &[String]) -> Result<String> {
        let mut columns = vec!["Id", "SystemModstamp"];
        if keeps_deleted(self.remote_type) {
            columns.push("IsDeleted");
        }
        columns.extend(match self.remote_type {
            "Lead" => &["IsConverted", "ConvertedContactId", "MasterRecordId"][..],
            "Account" | "Contact" => &["MasterRecordId"],
            _ => &[],
        });
        columns.extend(match self.form {
            KeyForm::Id => &[][..],
            KeyForm::Own => self.own.as_slice(),
            KeyForm::Email => &["Email"],
            KeyForm::Domain => &["Website"],
            KeyForm::Name => &["Name"],
            KeyForm::Pair => &["CampaignId", "LeadId", "ContactId"],
            KeyForm::Parent => &["WhoId"],
        });
        for field in fields {
            columns.push(plain_name(field)?);
        }
        let mut seen = std::collections::HashSet::new();
        columns.retain(|column| seen.insert(*column));
        Ok(format!("SELECT {} FROM {}", columns.join(", "), self.remote_type))
    }

    fn askable(&self, key: &Key) -> bool {
        if key.form() != self.form {
            return false;
        }
        match key {
            Key::Id(id) | Key::Parent(id) => is_id(id),
            Key::Pair(campaign, member) => is_id(campaign) && is_id(member),
            Key::Own(text) | Key::Email(text) | Key::Domain(text) | Key::Name(text) => !text.trim().is_empty(),
        }
    }

    fn condition(&self, keys: &[Key]) -> String {
        let texts = || keys.iter().map(single);
        match self.form {
            KeyForm::Id => soql::any_of("Id", texts()),
            KeyForm::Own => soql::any_of(self.own.unwrap_or("Id"), texts()),
            // An inactive user cannot own a record.
            KeyForm::Email if self.remote_type == "User" => {
                format!("{} AND IsActive = true", soql::any_of("Email", texts()))
            }
            KeyForm::Email => soql::any_of("Email", texts()),
            KeyForm::Name if self.remote_type == "Group" => {
                format!("{} AND Type = 'Queue'", soql::any_of("Name", texts()))
            }
            KeyForm::Name => soql::any_of("Name", texts()),
            KeyForm::Parent => soql::any_of("WhoId", texts()),
            KeyForm::Domain => {
                let like: Vec<String> =
                    texts().map(|domain| format!("Website LIKE {}", soql::holding(domain))).collect();
                like.join(" OR ")
            }
            KeyForm::Pair => pairs(keys),
        }
    }

    fn names(&self, key: &Key, record: &Record) -> bool {
        let field = |name: &str| wire::text(record, name).unwrap_or_default();
        match key {
            Key::Id(id) => same_id(id, field("Id")),
            Key::Own(own) => self.own.is_some_and(|name| field(name).eq_ignore_ascii_case(own.trim())),
            Key::Email(email) => folded(email) == folded(field("Email")),
            Key::Domain(domain) => is_on(domain, field("Website")),
            // As Salesforce compares: without regard to case.
            Key::Name(name) => folded(name) == folded(field("Name")),
            Key::Pair(campaign, member) => {
                same_id(campaign, field("CampaignId"))
                    && (same_id(member, field("LeadId")) || same_id(member, field("ContactId")))
            }
            Key::Parent(parent) => same_id(parent, field("WhoId")),
        }
    }
}

/// What one key adds to the query, about.
fn cost(key: &Key) -> String {
    match key {
        Key::Pair(campaign, member) => format!("{},{},", soql::literal(campaign), soql::literal(member)),
        Key::Domain(domain) => format!(" OR Website LIKE {}", soql::holding(domain)),
        Key::Id(text) | Key::Own(text) | Key::Email(text) | Key::Name(text) | Key::Parent(text) => {
            soql::literal(text) + ","
        }
    }
}

/// The campaigns and people of all pairs; the pairs themselves are told apart in the answer.
fn pairs(keys: &[Key]) -> String {
    let (mut campaigns, mut leads, mut contacts) = (Vec::new(), Vec::new(), Vec::new());
    for key in keys {
        let Key::Pair(campaign, member) = key else { continue };
        if !campaigns.contains(&campaign.as_str()) {
            campaigns.push(campaign);
        }
        if member.starts_with("003") { contacts.push(member.as_str()) } else { leads.push(member.as_str()) }
    }
    let people: Vec<String> = [("LeadId", leads), ("ContactId", contacts)]
        .into_iter()
        .filter(|(_, ids)| !ids.is_empty())
        .map(|(column, ids)| soql::any_of(column, ids))
        .collect();
    format!("{} AND ({})", soql::any_of("CampaignId", campaigns), people.join(" OR "))
}

fn single(key: &Key) -> &str {
    match key {
        Key::Id(text) | Key::Own(text) | Key::Email(text) | Key::Domain(text) | Key::Name(text) | Key::Parent(text) => {
            text
        }
        Key::Pair(_, member) => member,
    }
}

fn remote_record(
    key: &Key,
    record: &Record,
    fields: &[String],
    types: &Types,
    remote_type: &str,
) -> Option<RemoteRecord> {
    let converted = wire::flag(record, "IsConverted");
    let contact = wire::text(record, "ConvertedContactId").filter(|_| converted).map(|id| ("Contact", id));
    let master = wire::text(record, "MasterRecordId").map(|id| (remote_type, id));
    let shown = fields.iter().map(|name| {
        let value = record.get(name).and_then(|json| wire::decode(json, types.get(name).copied()));
        (name.clone(), value)
    });
    Some(RemoteRecord {
        key: key.clone(),
        id: wire::text(record, "Id")?.to_owned(),
        fields: shown.collect::<RemoteFields>(),
        modified_at: wire::text(record, "SystemModstamp").and_then(wire::instant),
        gone: converted || wire::flag(record, "IsDeleted"),
        successor: contact.or(master).map(|(remote_type, id)| (remote_type.to_owned(), id.to_owned())),
        absorbed: Vec::new(),
    })
}

/// All records of a query.
pub async fn query_all(salesforce: &Salesforce, query: &str, deleted: Deleted) -> Result<Vec<Record>> {
    let (mut found, _) = page(salesforce, first_page(salesforce, query, deleted)).await?;
    let mut records = std::mem::take(&mut found.records);
    while let Some(next) = found.next_records_url.filter(|_| !found.done) {
        // The token goes to no other host, whatever the answer says.
        if !next.starts_with("/services/") {
            return Err(Error::Protocol { detail: "the next page lies elsewhere".into() });
        }
        let url = format!("{}{next}", salesforce.settings.instance_url);
        (found, _) = page(salesforce, with_options(salesforce, Call::read(Method::GET, url))).await?;
        records.append(&mut found.records);
    }
    Ok(records)
}

fn first_page(salesforce: &Salesforce, query: &str, deleted: Deleted) -> Call {
    let resource = if deleted == Deleted::Shown { "queryAll" } else { "query" };
    let url = format!("{}?q={}", salesforce.url(resource), soql::encoded(query));
    with_options(salesforce, Call::read(Method::GET, url))
}

fn with_options(salesforce: &Salesforce, call: Call) -> Call {
    call.header("Sforce-Query-Options", format!("batchSize={PAGE}"))
        .header("Sforce-Call-Options", salesforce.client_option())
}

async fn page(salesforce: &Salesforce, call: Call) -> Result<(Found, Option<Time>)> {
    let answer = salesforce.send(call).await?;
    if !answer.status.is_success() {
        return Err(refusal::of_call(&answer, Effect::Read));
    }
    let found = serde_json::from_slice(&answer.body)
        .map_err(|_| Error::Protocol { detail: "an answer that is no page of a query".into() })?;
    let date = answer.header("date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    Ok((found, date.map(|date| date.timestamp().into())))
}

/// Users and groups are never deleted, and have no such field.
fn keeps_deleted(remote_type: &str) -> bool {
    !matches!(remote_type, "User" | "Group")
}

fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The last three of 18 characters are a checksum of the case of the first 15.
pub fn same_id(a: &str, b: &str) -> bool {
    a.len() >= 15 && a.get(..15) == b.get(..15)
}

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Whether a web address, written as people write them, is of the domain.
fn is_on(domain: &str, website: &str) -> bool {
    let website = folded(website);
    let after_scheme = website.split_once("://").map_or(website.as_str(), |(_, rest)| rest);
    let host = after_scheme.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let domain = folded(domain);
    host == domain || host.strip_suffix(&domain).is_some_and(|before| before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_found_in_web_addresses_as_people_write_them() {
        for website in ["acme.de", "https://www.Acme.de/kontakt", "http://shop.acme.de:8080", " ACME.DE?x "] {
            assert!(is_on("acme.de", website), "{website}");
        }
        for website in ["notacme.de", "acme.de.example", "https://example.org/acme.de", ""] {
            assert!(!is_on("acme.de", website), "{website}");
        }
    }

    #[test]
    fn ids_of_both_lengths_are_the_same_and_case_counts() {
        assert!(same_id("001A0000006Vm9r", "001A0000006Vm9rIAC"));
        assert!(!same_id("001A0000006Vm9r", "001a0000006Vm9rIAC"));
        assert!(!same_id("", ""));
    }

    #[test]
    fn a_cursor_goes_on_after_the_last_of_several_records_of_one_second() {
        let cursor = TimeId { at: Time(1_763_799_311_000_000), id: "00Q1".into() };
        let at = "2025-11-22T08:15:11.000Z";
        let expected = format!(" WHERE SystemModstamp > {at} OR (SystemModstamp = {at} AND Id > '00Q1')");
        assert_eq!(after(&cursor), expected);
        assert_eq!(after(&TimeId { id: String::new(), ..cursor }), format!(" WHERE SystemModstamp >= {at}"));
    }

    #[test]
    fn pairs_are_asked_for_by_the_kind_of_person() {
        let pair = |campaign: &str, member: &str| Key::Pair(campaign.into(), member.into());
        let keys = [pair("701A", "00QA"), pair("701A", "003B"), pair("701B", "00QC")];
        let expected = "CampaignId IN ('701A','701B') AND (LeadId IN ('00QA','00QC') OR ContactId IN ('003B'))";
        assert_eq!(pairs(&keys), expected);
    }
}
