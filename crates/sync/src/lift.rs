//! What the values that a CRM shows say, read with the record beside them.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use mittler_connector::RemoteRecord;
use mittler_core::{
    ConnectionId, Field, Fields, Interval, RemoteFields, Said, Source, SourceKind, Statement, SubjectId, Time, Value,
    Version, mapping::Object, remote::RemoteValue, value::clean,
};
use mittler_normalise::values::normalise;
use mittler_store::{derived_id, links::Known};

/// Reads the fields of one remote record.
pub struct RemoteLifter<'a> {
    object: &'a Object,
    record: &'a Fields,
    /// Where its numbers are dialled: the country that it shows, else that of our record.
    country: String,
}

impl<'a> RemoteLifter<'a> {
    pub fn new(country: &str, object: &'a Object, shown: &RemoteFields, record: &'a Fields) -> RemoteLifter<'a> {
        let mut eye = RemoteLifter { object, record, country: country.to_owned() };
        let told = eye.read(shown).into_iter().find(|said| said.field == Field::COUNTRY);
        eye.country = match told.and_then(|said| said.value) {
            Some(Value::Choice(code)) => code,
            _ => record.text(&Field::COUNTRY).unwrap_or(country).to_owned(),
        };
        eye
    }

    /// What these values say. Of numbers and addresses a CRM's one field shows the main one; as a
    /// mere further one it would stay behind a list's, and an edit in the CRM would be written over.
    pub fn read(&self, fields: &RemoteFields) -> Vec<Said> {
        let said = self.object.lift(fields, self.record).into_iter();
        said.map(|said| normalise(said, &self.country))
            .map(|said| if said.field.is_set() { said.primary() } else { said })
            .collect()
    }

    /// What some of the values that a record shows say, without those that stand in for something nobody knows:
    /// a CRM that insists on a surname was given the address, and does not know one now.
    fn told(&self, some: &RemoteFields, shown: &RemoteFields) -> Vec<Said> {
        let all = self.read(shown);
        let mut said = self.read(some);
        for (own, otherwise) in self.object.stand_ins().filter(|(own, _)| self.record.value(own).is_none()) {
            let others = all.iter().filter(|said| said.field == otherwise).filter_map(|said| said.value.as_ref());
            let known = self.record.elements(&otherwise).iter().map(|element| &element.sourced.value);
            let others: Vec<&Value> = others.chain(known).chain(self.record.value(&otherwise)).collect();
            let is_one = |value: &Value| others.iter().any(|other| same_text(value, other));
            said.retain(|said| said.field != own || !said.value.as_ref().is_some_and(is_one));
        }
        said
    }

    fn one(&self, name: &str, value: &RemoteValue) -> Option<Said> {
        let one = RemoteFields(BTreeMap::from([(name.to_owned(), value.clone())]));
        self.read(&one).into_iter().next().filter(|said| said.value.is_some())
    }

    /// Their value as we would write it: what they only write differently is not written again.
    pub fn as_ours(&self, name: &str, value: &RemoteValue) -> RemoteValue {
        let said = self.one(name, value).and_then(|said| said.value);
        said.and_then(|said| self.object.shape(name, said, self.record)).or_else(|| value.clone())
    }

    /// The values that only look different from how we would write them, as we would: who takes
    /// these as sent does not put a right number into another form.
    pub fn in_our_form(&self, shown: &RemoteFields) -> RemoteFields {
        let pushed = shown.0.iter().filter(|(name, value)| value.is_some() && self.object.pushes(name));
        let ours = pushed.map(|(name, value)| (name, value, self.as_ours(name, value)));
        ours.filter(|(_, theirs, ours)| theirs != &ours).map(|(name, _, ours)| (name.clone(), ours)).collect()
    }

    /// A value as it is compared with what other CRMs have in the same field of ours.
    pub fn display(&self, name: &str, value: &RemoteValue) -> String {
        self.one(name, value)
            .and_then(|said| said.value)
            .or_else(|| value.clone())
            .map_or(String::new(), |it| it.display())
    }

    /// Whether what was last read of a field is what was last written to it, too; else it was written after
    /// it was read, and what it showed before is no knowledge of what it has.
    pub fn is_seen_as_sent(&self, name: &str, link: &Known) -> bool {
        let (Some(sent), Some(seen)) = (link.sent.0.0.get(name), link.seen.0.0.get(name)) else { return true };
        self.same(name, sent, seen) || self.same(name, sent, &self.as_ours(name, seen))
    }

    /// Whether two values of a field are one: as its type is compared, in the forms that a CRM is
    /// known to give values.
    pub fn same(&self, name: &str, a: &RemoteValue, b: &RemoteValue) -> bool {
        let (a, b) = match (a, b) {
            // A box that nobody ticked says nothing.
            (None, None | Some(Value::Bool(false))) | (Some(Value::Bool(false)), None) => return true,
            (Some(one), Some(other)) if one.same(other) || spaced(one) == spaced(other) => return true,
            (Some(_), Some(_)) => (self.one(name, a), self.one(name, b)),
            _ => return false,
        };
        let (Some(a), Some(b)) = (a, b) else { return false };
        let (Some(one), Some(other)) = (&a.value, &b.value) else { return false };
        if one.same(other) {
            return true;
        }
        let (one, other) = (one.display(), other.display());
        if a.field == Field::PHONES {
            let (one, other) = (digits(&one), digits(&other));
            return one.len() > 4 && one == other;
        }
        a.field == Field::WEBSITE && address(&one) == address(&other)
    }

    /// The statement of a remote record that shows these values for the first time.
    pub fn all(
        &self,
        connection: ConnectionId,
        record: &RemoteRecord,
        owners: &HashMap<String, String>,
        begun: Time,
    ) -> Statement {
        let mut said = self.told(&record.fields, &record.fields);
        said.extend(self.owner(&record.fields, owners));
        // A box that nobody ticked says nothing, least of all against an objection.
        said.retain(|said| said.value.as_ref().is_some_and(|value| *value != Value::Bool(false)));
        statement(connection, self.object, record, said, begun)
    }

    /// The statements of a remote record whose `news` nobody knew. Who empties a field says that
    /// what it showed is no more, and who puts something else there that it is not what it was; that it
    /// showed it is said first, since only who held a value can take it back.
    pub fn changed(
        &self,
        connection: ConnectionId,
        record: &RemoteRecord,
        news: &RemoteFields,
        before: &RemoteFields,
        owners: &HashMap<String, String>,
        times: &Times,
    ) -> Vec<Statement> {
        let (mut held, mut said) = (Vec::new(), Vec::new());
        for (name, value) in &news.0 {
            let one = RemoteFields(BTreeMap::from([(name.clone(), value.clone())]));
            let was = before.0.get(name).map(|was| RemoteFields(BTreeMap::from([(name.clone(), was.clone())])));
            let was: Vec<Said> =
                was.iter().flat_map(|was| self.read(was)).filter(|said| said.value.is_some()).collect();
            let mut now = self.told(&one, &record.fields);
            now.extend(self.owner(&one, owners));
            let is_empty = self.one(name, value).is_none();
            let others = was.iter().filter(|was| was.field.is_set() && now.iter().all(|now| now.key != was.key));
            let others: Vec<Said> = others
                .map(|was| Said {
                    replaced: !is_empty,
                    ..Said::cleared(was.field.clone(), was.key.clone(), None, was.how.clone())
                })
                .collect();
            now.extend(others);
            if let Some((field, labels)) = self.object.shows(name).filter(|(field, _)| is_empty && field.is_set()) {
                // Of several that it may show it showed one: the others do not come up in its place.
                let labels = if labels.is_empty() { vec![None] } else { labels.into_iter().map(Some).collect() };
                now.extend(labels.into_iter().map(|label| Said::cleared(field.clone(), None, label, "crm.emptied")));
            }
            let set = times.of(name);
            said.extend(now.into_iter().map(|said| Said { set: Some(set), ..said }));
            if is_empty || was.iter().any(|said| said.field.is_set()) {
                held.extend(was);
            }
        }
        if said.is_empty() {
            return Vec::new();
        }
        let now = statement(connection, self.object, record, said, times.read);
        let mut statements = Vec::new();
        if !held.is_empty() {
            let at = Time(now.observed_at.0 - 1);
            let signal = derived_id(&[b"held", now.subject.0.as_bytes(), &times.read.0.to_be_bytes()]).into();
            statements.push(Statement { signal, observed_at: at, version: Version(at, at), said: held, ..now.clone() });
        }
        statements.push(now);
        statements
    }

    fn owner(&self, fields: &RemoteFields, owners: &HashMap<String, String>) -> Option<Said> {
        let (_, id) = self.object.told_owners().find_map(|name| fields.0.get_key_value(name))?;
        let owner = match id {
            Some(id) => Some(Value::Text(owners.get(&id.display())?.clone())),
            None => None,
        };
        Some(Said { value: owner, ..Said::new(Field::OWNER, Value::Bool(true), "crm.owner") })
    }
}

/// When the fields of a record that a read showed changed were changed.
///
/// A CRM says when it last changed a record, and not which of its fields: what changed did so after the last
/// look that showed what it was before. The one field that changed did so at the record's time; of several
/// nobody knows which.
#[derive(Debug, Clone)]
pub struct Times {
    /// When the read began, by the CRM's clock.
    pub read: Time,
    /// The record's own time, and how much later within the CRM's clock it may have been.
    pub stamp: Option<(Time, Duration)>,
    /// For each field that changed: it did so after this.
    pub after: BTreeMap<String, Time>,
    /// Where the CRM keeps a history of its fields.
    pub exact: BTreeMap<String, Time>,
}

impl Times {
    /// When a field was set.
    fn of(&self, name: &str) -> Interval {
        if let Some(at) = self.exact.get(name) {
            return Interval::at((*at).min(self.read));
        }
        let (stamp, until) = match self.stamp {
            Some((stamp, resolution)) => (stamp, stamp.plus(resolution).min(self.read)),
            None => (Time(0), self.read),
        };
        let after = self.after.get(name).copied().unwrap_or(Time(0));
        let since = if self.after.len() == 1 { after.max(stamp) } else { after };
        Interval { since: since.min(until), until }
    }
}

/// The ids of those who own these records.
pub fn owner_ids<'r>(object: &Object, records: impl Iterator<Item = &'r RemoteRecord>) -> Vec<String> {
    let ids = records.flat_map(|record| object.told_owners().filter_map(|name| record.fields.get(name)));
    ids.map(Value::display).collect()
}

fn statement(
    connection: ConnectionId,
    object: &Object,
    record: &RemoteRecord,
    said: Vec<Said>,
    begun: Time,
) -> Statement {
    let observed = record.modified_at.unwrap_or(begun).min(begun);
    let subject: SubjectId = crm_subject(connection, &object.remote, &record.id);
    Statement {
        subject,
        signal: derived_id(&[b"read", subject.0.as_bytes(), &begun.0.to_be_bytes()]).into(),
        source: Source::new(SourceKind::Crm, connection.to_string()),
        observed_at: observed,
        version: Version(observed, begun),
        said,
    }
}

/// Ends, line breaks and doubled spaces are what CRMs change in texts.
fn spaced(value: &Value) -> String {
    clean(&value.display()).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn same_text(one: &Value, other: &Value) -> bool {
    spaced(one).to_lowercase() == spaced(other).to_lowercase()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// A web address without what does not matter: scheme, `www.`, case of the host, the last slash.
fn address(text: &str) -> String {
    let text = text.trim().trim_end_matches('/');
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.to_lowercase();
    format!("{}/{path}", host.strip_prefix("www.").unwrap_or(&host))
}

/// What a remote record says of one of our fields.
pub(crate) fn shows(object: &Object, record: &RemoteRecord, field: &Field) -> Option<Value> {
    object.lift(&record.fields, &Fields::default()).into_iter().find(|said| said.field == *field)?.value
}

/// The subject that one remote record is.
pub fn crm_subject(connection: mittler_core::ConnectionId, remote_type: &str, id: &str) -> SubjectId {
    SubjectId(derived_id(&[b"crm", connection.0.as_bytes(), remote_type.as_bytes(), id.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use mittler_core::mapping::Mapping;

    use super::*;

    const FILE: &str = r#"
        [[object]]
        kind = "person"
        remote = "contacts"
        [object.fields.lastname]
        from = "last_name"
        [object.fields.phone]
        from = "phones[work]"
        [object.fields.country]
        from = "country"
        [object.fields.website]
        from = "website"
        [object.fields.due]
        from = "due"
    "#;

    fn times() -> Times {
        Times { read: Time(1_000), stamp: None, after: BTreeMap::new(), exact: BTreeMap::new() }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as fields hold it")]
    fn text(text: &str) -> RemoteValue {
        Some(Value::Text(text.into()))
    }

    fn fields(all: &[(&str, RemoteValue)]) -> RemoteFields {
        all.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    #[test]
    fn values_are_compared_as_their_fields_are() {
        let (mapping, record) = (Mapping::parse(FILE).unwrap(), Fields::default());
        let eye = RemoteLifter::new("DE", mapping.object("contacts").unwrap(), &RemoteFields::default(), &record);
        let same = |name, a, b| eye.same(name, &text(a), &text(b));
        assert!(same("phone", "0711 123-45", "+4971112345") && !same("phone", "+4971112345", "+4971112346"));
        assert!(
            same("country", "Germany", "Germany ") && eye.same("country", &text("Germany"), &Some(Value::choice("DE")))
        );
        assert!(same("website", "https://www.Acme.de/", "acme.de") && !same("website", "acme.de/a", "acme.de/A"));
        assert!(same("lastname", "von  der Heide\r\n", "von der Heide"));
        // What a person corrects in a name is a correction.
        assert!(!same("lastname", "MÜLLER", "Müller") && !same("lastname", "C++", "C#") && !same("lastname", "", "x"));
        let day = Some(Value::Date("2026-04-20".parse().unwrap()));
        assert!(eye.same("due", &day, &Some(Value::instant("2026-04-20T00:00:00Z".parse().unwrap()))));
        assert!(!eye.same("lastname", &None, &text("x")));
    }

    #[test]
    fn a_number_is_read_in_the_country_that_is_shown_beside_it() {
        let (mapping, record) = (Mapping::parse(FILE).unwrap(), Fields::default());
        let shown = fields(&[("phone", text("01 5550900")), ("country", text("Austria"))]);
        let eye = RemoteLifter::new("DE", mapping.object("contacts").unwrap(), &shown, &record);
        assert_eq!(eye.as_ours("phone", &shown.0["phone"]), text("+4315550900"));
        assert_eq!(eye.as_ours("country", &shown.0["country"]), Some(Value::choice("AT")));
    }

    #[test]
    fn what_a_crm_was_given_for_want_of_a_name_is_no_name() {
        let file = FILE.replace("from = \"last_name\"", "from = \"last_name\"\notherwise = \"emails\"")
            + "[object.fields.email]\nfrom = \"emails\"\n";
        let mapping = Mapping::parse(&file).unwrap();
        let object = mapping.object("contacts").unwrap();
        let last_name = |shown: &RemoteFields, record: &Fields| {
            let record_there = RemoteRecord {
                key: mittler_connector::Key::Id("1".into()),
                id: "1".into(),
                fields: shown.clone(),
                modified_at: None,
                gone: false,
                successor: None,
                absorbed: Vec::new(),
            };
            let eye = RemoteLifter::new("DE", object, shown, record);
            let all = eye.all(ConnectionId(uuid::Uuid::nil()), &record_there, &HashMap::new(), Time(1_000));
            let changed = eye.changed(
                ConnectionId(uuid::Uuid::nil()),
                &record_there,
                shown,
                &RemoteFields::default(),
                &HashMap::new(),
                &times(),
            );
            let of = |said: &[Said]| said.iter().find(|said| said.field == Field::LAST_NAME).cloned();
            let value = |said: Option<Said>| said.and_then(|said| said.value);
            assert_eq!(value(of(&all.said)), changed.first().and_then(|one| value(of(&one.said))));
            of(&all.said).and_then(|said| said.value)
        };
        let stands_in = fields(&[("lastname", text("anna@x.example")), ("email", text("Anna@x.example"))]);
        assert_eq!(last_name(&stands_in, &Fields::default()), None);
        let named = fields(&[("lastname", text("Kranich")), ("email", text("anna@x.example"))]);
        assert_eq!(last_name(&named, &Fields::default()), text("Kranich"));
    }

    #[test]
    fn an_emptied_number_takes_back_what_was_there() {
        let (mapping, record) = (Mapping::parse(FILE).unwrap(), Fields::default());
        let news = fields(&[("phone", None), ("lastname", None)]);
        let before = fields(&[("phone", text("+49711123456")), ("lastname", text("Müller"))]);
        let eye = RemoteLifter::new("DE", mapping.object("contacts").unwrap(), &news, &record);
        let shown = RemoteRecord {
            key: mittler_connector::Key::Id("1".into()),
            id: "1".into(),
            fields: news.clone(),
            modified_at: None,
            gone: false,
            successor: None,
            absorbed: Vec::new(),
        };
        let connection = ConnectionId(uuid::Uuid::nil());
        let all = eye.changed(connection, &shown, &news, &before, &HashMap::new(), &times());
        let [held, now] = all.as_slice() else { panic!("{all:?}") };
        assert!(held.version < now.version && held.said.len() == 2);
        let phone = now.said.iter().find(|said| said.field == Field::PHONES).unwrap();
        assert_eq!((phone.key.as_deref(), &phone.value), (Some("+49711123456"), &None));
        let fields = mittler_core::derive(&all, &mittler_core::derive::Overrides::new());
        assert!(fields.0.is_empty(), "{fields:?}");
    }
}
