//! A question side by side: what each candidate's sides say and where that comes from, the answers, and what
//! each of them would change.
//!
//! [`Questions::view`] is all that a page, the API and the command line show of a question. Values that a CRM
//! shows come from what its link has seen, else from a read that is bounded: a CRM that does not answer is said
//! to be silent, and the rest is shown.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use mittler_connector::{Key, RemoteRecord};
use mittler_core::{
    ConnectionId, Field, Fields, Kind, Label, Record, RecordId, RemoteFields, Slot, Source, SourceKind, Sourced,
    Statement, Time, Value, derive,
    mapping::Object,
    plan::{self, Known as Baseline},
};
use mittler_store::{Result, decisions::Decision, links::LinkFact};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    Connection, Mode, Questions,
    answer::{SAME, takeable},
    lift::RemoteLifter,
    question::{Command, Facts, Question, RemoteRef},
};

/// How long a CRM may take to show a record to somebody who is waiting for it.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long a page waits for what only makes it better.
const PAGE_PATIENCE: Duration = Duration::from_millis(500);
/// Remote records that one question reads at most.
const MOST: usize = 20;

/// A question with all that is needed to answer it.
#[derive(Debug, Clone)]
pub struct View {
    pub question: Question,
    /// Its stored kind: [`QuestionKind::Other`](crate::question::QuestionKind::Other) has a name, too.
    pub kind: String,
    /// `open`, `answered`
    pub state: String,
    pub asked_at: Time,
    pub answered_at: Option<Time>,
    /// Which CRM it is about.
    pub connection: Option<Place>,
    /// The record that is asked about first, then candidates.
    pub sides: Vec<Side>,
    pub options: Vec<Answer>,
    /// What the answer decided, as far as that stands.
    pub decisions: Vec<Uuid>,
}

/// A connection, by the name that people gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    pub id: ConnectionId,
    pub name: String,
}

/// A record of a CRM, and where it is found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct There {
    pub connection: Place,
    pub remote: RemoteRef,
    /// Opens it in the CRM.
    pub url: Option<String>,
}

/// One of those that are compared.
#[derive(Debug, Clone)]
pub struct Side {
    /// A record of ours; of a remote one, the record that it is linked to.
    pub record: Option<RecordId>,
    /// A record of the CRM; `None`: it is one of ours.
    pub remote: Option<There>,
    /// Names it to a person.
    pub title: String,
    pub values: Vec<Shown>,
    /// Where a record of ours is known.
    pub known_at: Vec<There>,
    /// Why there are no values: a stable code of the CRM's silence.
    pub silent: Option<String>,
}

/// One value of a side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub field: Field,
    pub label: Option<Label>,
    pub value: String,
    /// Who says so.
    pub source: Source,
    /// `None`: the CRM shows it, and it is not known since when.
    pub at: Option<Time>,
}

/// One answer, and what it would do.
#[derive(Debug, Clone)]
pub struct Answer {
    pub command: Command,
    pub preview: Preview,
}

/// What an answer would change, as things stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// Records that become the first of them.
    pub merges: Vec<RecordId>,
    /// Records that come out of the first of them again.
    pub splits: Vec<RecordId>,
    /// Values that change in the record that stays.
    pub changes: Vec<Change>,
    /// What CRMs are told.
    pub writes: Vec<WriteThere>,
    /// What no program can do: to be erased by hand.
    pub by_hand: Vec<There>,
}

/// A field before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub field: Field,
    pub before: Vec<String>,
    pub after: Vec<String>,
}

/// One write to a CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteThere {
    pub connection: Place,
    pub operation: Operation,
    pub remote_type: String,
    pub remote_id: Option<String>,
    /// The CRM's names of the fields.
    pub fields: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    Create,
    Update,
    Archive,
}

/// What is known of one remote record.
struct Remote {
    at: RemoteRef,
    fields: Option<RemoteFields>,
    modified_at: Option<Time>,
    holder: Option<RecordId>,
    silent: Option<String>,
}

/// What previews are made of.
struct Ground<'a> {
    question: &'a Question,
    facts: &'a Facts,
    record: Option<&'a Record>,
    links: &'a [LinkFact],
    said: BTreeMap<RecordId, Vec<Statement>>,
    records: &'a [Record],
    remotes: &'a [Remote],
}

impl Questions {
    /// A question side by side; `None`: there is no such question. Asks the CRM, for a few seconds at most.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn view(&self, id: Uuid) -> Result<Option<View>> {
        let Some(line) = self.store.review(id).await? else { return Ok(None) };
        let (question, facts) = self.standing(&line).await?;
        let open = line.state == "open";
        let links = self.store.link_facts(question.record).await?;
        let mut ids = vec![question.record];
        ids.extend(&question.records);
        ids.extend(facts.holder);
        ids.dedup();
        let records = self.store.records(&ids).await?;
        let of = |id: RecordId| records.iter().find(|record| record.id == id);
        let names = self.store.connections().await?;
        let place = |id: Uuid| Place {
            id: ConnectionId(id),
            name: names.iter().find(|row| row.id == id).map(|row| row.name.clone()).unwrap_or_default(),
        };
        let connection = question.connection.and_then(|id| self.connections.get(id));
        let begun = tokio::time::Instant::now();
        let remotes = self.remotes(&question, connection.as_ref(), of(question.record)).await?;
        let accounts = self.accounts(begun + PATIENCE).await;
        let there = |id: ConnectionId, remote: &RemoteRef| There {
            connection: place(id.0),
            remote: remote.clone(),
            url: self.connections.get(id).and_then(|connection| {
                let account = accounts.get(&id.0).map(String::as_str);
                connection.connector.record_url(account, &remote.remote_type, &remote.remote_id)
            }),
        };
        let mut sides = Vec::new();
        for id in &ids {
            let Some(record) = of(*id) else { continue };
            let known = self.store.link_facts(*id).await?;
            let known_at = known.iter().filter_map(|link| {
                let remote_id = link.remote_id.clone().filter(|_| link.state != "gone")?;
                let remote = RemoteRef { remote_type: link.remote_type.clone(), remote_id };
                Some(there(ConnectionId(link.connection), &remote))
            });
            sides.push(Side {
                record: Some(*id),
                remote: None,
                title: record.fields.title(),
                values: values_of(&record.fields),
                known_at: known_at.collect(),
                silent: None,
            });
        }
        if let (Some(id), Some(connection)) = (question.connection, &connection) {
            let none = Fields::default();
            let ours = of(question.record).map_or(&none, |record| &record.fields);
            for remote in &remotes {
                let (title, values) = self.remote_values(connection, remote, ours);
                sides.push(Side {
                    record: remote.holder,
                    remote: Some(there(id, &remote.at)),
                    title,
                    values,
                    known_at: Vec::new(),
                    silent: remote.silent.clone(),
                });
            }
        }
        let mut said = BTreeMap::new();
        for id in &ids {
            said.insert(*id, self.store.statements(*id).await?);
        }
        let ground = Ground {
            question: &question,
            facts: &facts,
            record: of(question.record),
            links: &links,
            said,
            records: &records,
            remotes: &remotes,
        };
        let standing = if open { Vec::new() } else { self.store.standing_decisions(id).await? };
        let mut options = Vec::new();
        if takeable(&standing) {
            let preview = self.preview_of_taking_back(&standing, &place).await?;
            options.push(Answer { command: Command::TakeBack, preview });
        }
        for command in self.offered(&question, &facts).into_iter().filter(|_| open) {
            let mut preview = self.preview(&ground, &command, &place).await?;
            if command == Command::Forget {
                let known = links.iter().filter(|link| link.state != "gone");
                let remote = |link: &LinkFact| {
                    let remote_id = link.remote_id.clone()?;
                    let remote = RemoteRef { remote_type: link.remote_type.clone(), remote_id };
                    Some(there(ConnectionId(link.connection), &remote))
                };
                preview.by_hand = known.filter_map(remote).collect();
            }
            options.push(Answer { command, preview });
        }
        Ok(Some(View {
            kind: line.question.clone(),
            state: line.state.clone(),
            asked_at: Time(line.asked_at),
            answered_at: line.answered_at.map(Time),
            connection: question.connection.map(|id| place(id.0)),
            sides,
            options,
            decisions: standing.iter().map(|decision| decision.id).collect(),
            question,
        }))
    }

    /// Where people see these records of a CRM, in their order; nothing where that is not known. Waits for
    /// no CRM for longer than a page may take.
    pub async fn record_urls(&self, remotes: &[(ConnectionId, RemoteRef)]) -> Vec<Option<String>> {
        let accounts = self.accounts(tokio::time::Instant::now() + PAGE_PATIENCE).await;
        let url = |(id, remote): &(ConnectionId, RemoteRef)| {
            let account = accounts.get(&id.0).map(String::as_str);
            self.connections.get(*id)?.connector.record_url(account, &remote.remote_type, &remote.remote_id)
        };
        remotes.iter().map(url).collect()
    }

    /// The ids of accounts that are known, or are told in time: addresses name them.
    async fn accounts(&self, until: tokio::time::Instant) -> BTreeMap<Uuid, String> {
        let now = self.clock.now();
        let mut accounts = BTreeMap::new();
        for connection in self.connections.all().iter().filter(|connection| connection.paused(now).is_none()) {
            if let Ok(Ok(account)) = tokio::time::timeout_at(until, connection.account()).await {
                accounts.insert(connection.id.0, account.to_owned());
            }
        }
        accounts
    }

    /// What the CRM shows of the remote records of a question.
    async fn remotes(
        &self,
        question: &Question,
        connection: Option<&Arc<Connection>>,
        record: Option<&Record>,
    ) -> Result<Vec<Remote>> {
        let Some(connection) = connection else { return Ok(Vec::new()) };
        let mut by_type: BTreeMap<&str, Vec<&RemoteRef>> = BTreeMap::new();
        for remote in question.remotes.iter().take(MOST) {
            by_type.entry(&remote.remote_type).or_default().push(remote);
        }
        let none = Fields::default();
        let ours = record.map_or(&none, |record| &record.fields);
        let mut all = Vec::new();
        for (remote_type, remotes) in by_type {
            let ids: Vec<String> = remotes.iter().map(|remote| remote.remote_id.clone()).collect();
            let known = self.store.links_by_remote(connection.id, remote_type, &ids).await?;
            let seen = |id: &str| known.iter().find(|link| link.remote_id == id);
            let unseen: Vec<Key> = ids
                .iter()
                .filter(|id| seen(id).is_none_or(|link| link.seen.0.0.is_empty() || link.state == "gone"))
                .map(|id| Key::Id(id.clone()))
                .collect();
            let read = self.read(connection, remote_type, &unseen, ours).await;
            for remote in remotes {
                let link = seen(&remote.remote_id);
                let key = Key::Id(remote.remote_id.clone());
                let mut one = Remote {
                    at: remote.clone(),
                    fields: link.map(|link| link.seen.0.clone()).filter(|seen| !seen.0.is_empty()),
                    modified_at: None,
                    holder: link.map(|link| RecordId(link.record)),
                    silent: None,
                };
                if unseen.contains(&key) {
                    match &read {
                        Ok(records) => match records.iter().find(|record| record.key == key) {
                            Some(record) if !record.gone => {
                                one.fields = Some(record.fields.clone());
                                one.modified_at = record.modified_at;
                            }
                            _ => one.silent = Some("not_found_there".into()),
                        },
                        Err(code) => one.silent = Some(code.clone()),
                    }
                }
                all.push(one);
            }
        }
        Ok(all)
    }

    /// Reads records while somebody waits; else the code of what is in the way.
    async fn read(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        keys: &[Key],
        ours: &Fields,
    ) -> std::result::Result<Vec<RemoteRecord>, String> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        if let Some((_, code)) = connection.paused(self.clock.now()) {
            return Err(code);
        }
        let names = match connection.mapping.object_for(remote_type, ours) {
            Some(_) => connection.mapping.field_names(remote_type),
            None => return Err("unmapped".into()),
        };
        match tokio::time::timeout(PATIENCE, connection.connector.read(remote_type, keys, &names)).await {
            Ok(Ok(records)) => Ok(records),
            Ok(Err(error)) => Err(error.code().to_owned()),
            Err(_) => Err("timeout".into()),
        }
    }

    /// The values of a remote record in our words, and the line that names it.
    fn remote_values(&self, connection: &Connection, remote: &Remote, ours: &Fields) -> (String, Vec<Shown>) {
        let object = connection.mapping.object_for(&remote.at.remote_type, ours);
        let (Some(object), Some(fields)) = (object, &remote.fields) else { return (String::new(), Vec::new()) };
        let source = Source::new(SourceKind::Crm, connection.name.clone());
        let said = RemoteLifter::new(&self.country, object, fields, ours).read(fields);
        let mut values: Vec<Shown> = Vec::new();
        for one in &said {
            let Some(value) = one.value.as_ref().filter(|value| !matches!(value, Value::Ref(_))) else { continue };
            values.push(Shown {
                field: one.field.clone(),
                label: one.label,
                value: value.display(),
                source: source.clone(),
                at: remote.modified_at,
            });
        }
        let text = |field: &Field| values.iter().find(|shown| shown.field == *field).map(|shown| shown.value.as_str());
        let name: Vec<&str> = [Field::FIRST_NAME, Field::LAST_NAME].iter().filter_map(text).collect();
        let title = if name.is_empty() {
            [Field::NAME, Field::EMAILS].iter().find_map(text).unwrap_or_default().to_owned()
        } else {
            name.join(" ")
        };
        (title, values)
    }

    /// What changes if what an answer decided stands no more.
    async fn preview_of_taking_back(
        &self,
        standing: &[Decision],
        place: &(dyn Fn(Uuid) -> Place + Sync),
    ) -> Result<Preview> {
        let mut preview = Preview::default();
        let Some(merged) = standing.iter().find(|decision| decision.verdict == SAME) else { return Ok(preview) };
        let Some((from, moved)) = merged.moved.from.and_then(|from| Some((from, merged.moved.records.get(&from)?)))
        else {
            return Ok(preview);
        };
        let to = self.store.survivor(moved.heir).await?;
        let Some(record) = self.store.record(to).await? else { return Ok(preview) };
        let mut said = self.store.statements(to).await?;
        said.retain(|statement| !moved.subjects.contains(&statement.subject.0));
        let after = derive(&said, &self.overrides);
        preview.splits = vec![to, from];
        preview.changes = changes(&record.fields, &after);
        let links = self.store.link_facts(to).await?;
        preview.writes = self.writes(record.kind, &after, &links, &[], None, place).await?;
        Ok(preview)
    }

    async fn preview(
        &self,
        ground: &Ground<'_>,
        command: &Command,
        place: &(dyn Fn(Uuid) -> Place + Sync),
    ) -> Result<Preview> {
        let (question, connection) = (ground.question, ground.question.connection);
        let mut preview = Preview::default();
        match command {
            Command::Merge(other) => {
                let Some(stays) = ground.records.iter().find(|record| record.id == *other) else { return Ok(preview) };
                preview.merges = vec![*other, question.record];
                let said = [other, &question.record].into_iter().filter_map(|id| ground.said.get(id)).flatten();
                let after = derive(&said.cloned().collect::<Vec<_>>(), &self.overrides);
                preview.changes = changes(&stays.fields, &after);
                let links = self.store.link_facts(*other).await?;
                preview.writes = self.writes(stays.kind, &after, &links, ground.links, None, place).await?;
            }
            Command::Link(remote) => {
                let (Some(record), Some(connection)) =
                    (ground.record, connection.and_then(|id| self.connections.get(id)))
                else {
                    return Ok(preview);
                };
                let shown = ground.remotes.iter().find(|one| one.at == *remote);
                let object = connection.mapping.object_for(&remote.remote_type, &record.fields);
                let (Some(object), Some(fields)) = (object, shown.and_then(|one| one.fields.as_ref())) else {
                    return Ok(preview);
                };
                let mut said = ground.said.get(&record.id).cloned().unwrap_or_default();
                said.push(self.claims(&connection, object, remote, fields, &record.fields));
                let after = derive(&said, &self.overrides);
                preview.changes = changes(&record.fields, &after);
                let told = (connection.id.0, remote, fields);
                preview.writes = self.writes(record.kind, &after, ground.links, &[], Some(told), place).await?;
            }
            Command::CreateAnyway | Command::MakeAgain => {
                let (Some(record), Some(connection)) =
                    (ground.record, connection.and_then(|id| self.connections.get(id)))
                else {
                    return Ok(preview);
                };
                preview.writes.extend(creates(&connection, record.kind, &record.fields, place));
            }
            Command::DeleteThereToo => {
                let here = connection.map(|id| id.0);
                let elsewhere = ground
                    .links
                    .iter()
                    .filter(|link| Some(link.connection) != here && link.role == "primary" && link.state != "gone");
                for link in elsewhere.filter(|link| link.remote_id.is_some()) {
                    preview.writes.push(WriteThere {
                        connection: place(link.connection),
                        operation: Operation::Archive,
                        remote_type: link.remote_type.clone(),
                        remote_id: link.remote_id.clone(),
                        fields: Vec::new(),
                    });
                }
            }
            Command::Ours | Command::Theirs => {
                let loser = if *command == Command::Ours { ground.facts.holder } else { Some(question.record) };
                let loser = ground.records.iter().find(|record| Some(record.id) == loser);
                let taken = self.taken(question, ground.record).await?;
                if let Some(loser) = loser {
                    let before: Vec<String> = addresses(&loser.fields);
                    let after = before.iter().filter(|one| !taken.contains(&one.to_lowercase())).cloned().collect();
                    preview.changes = vec![Change { field: Field::EMAILS, before, after }];
                }
            }
            Command::Different
            | Command::LeaveOut
            | Command::Forget
            | Command::Keep
            | Command::Noted
            | Command::Retry
            | Command::LetThrough
            | Command::PutBack
            | Command::Leave
            | Command::TakeBack => {}
        }
        Ok(preview)
    }

    /// The addresses that a question's link may not write since somebody else has them there.
    async fn taken(&self, question: &Question, record: Option<&Record>) -> Result<Vec<String>> {
        let connection = question.connection.and_then(|id| self.connections.get(id));
        let (Some(record), Some(connection)) = (record, connection) else { return Ok(Vec::new()) };
        let Some(object) = connection.mapping.choose(record.kind, &record.fields) else { return Ok(Vec::new()) };
        let links = self.store.link_lines(record.id).await?;
        let mine = links.iter().find(|link| link.connection == connection.id.0 && link.role == "primary");
        let projected = object.project(&record.fields).fields;
        let held = mine.into_iter().flat_map(|link| &link.held.0).filter(|(_, held)| held.code == "taken_there");
        Ok(held.filter_map(|(name, _)| projected.text(name).map(str::to_lowercase)).collect())
    }

    /// What a remote record would say once it is linked.
    fn claims(
        &self,
        connection: &Connection,
        object: &Object,
        remote: &RemoteRef,
        fields: &RemoteFields,
        ours: &Fields,
    ) -> Statement {
        let record = RemoteRecord {
            key: Key::Id(remote.remote_id.clone()),
            id: remote.remote_id.clone(),
            fields: fields.clone(),
            modified_at: None,
            gone: false,
            successor: None,
            absorbed: Vec::new(),
        };
        let eye = RemoteLifter::new(&self.country, object, fields, ours);
        eye.all(connection.id, &record, &std::collections::HashMap::new(), self.clock.now())
    }

    /// What each connection would be told of a record with these fields. `spare`: links of a record that
    /// becomes this one, which lend theirs where it has none. `told`: a remote record that it is from now on.
    async fn writes(
        &self,
        kind: Kind,
        after: &Fields,
        links: &[LinkFact],
        spare: &[LinkFact],
        told: Option<(Uuid, &RemoteRef, &RemoteFields)>,
        place: &(dyn Fn(Uuid) -> Place + Sync),
    ) -> Result<Vec<WriteThere>> {
        let mut writes = Vec::new();
        for connection in self.connections.all() {
            if matches!(connection.mode, Mode::Off | Mode::DryRun) {
                continue;
            }
            let has = |link: &&LinkFact| link.connection == connection.id.0 && link.role != "duplicate";
            let mine = links.iter().find(has);
            if mine.is_some_and(|link| link.role == "excluded") {
                continue;
            }
            let there = |link: &&LinkFact| link.remote_id.is_some() && link.state != "gone";
            let link = mine.filter(there).or_else(|| spare.iter().filter(has).find(there));
            let (remote_type, remote_id, sent, seen) = match (told, link) {
                (Some((id, remote, fields)), _) if id == connection.id.0 => {
                    let seen = fields.clone();
                    (remote.remote_type.clone(), remote.remote_id.clone(), RemoteFields::default(), seen)
                }
                (_, Some(link)) => {
                    let Some(remote_id) = link.remote_id.clone() else { continue };
                    let ids = std::slice::from_ref(&remote_id);
                    let known = self.store.links_by_remote(connection.id, &link.remote_type, ids).await?;
                    let Some(known) = known.into_iter().next() else { continue };
                    (link.remote_type.clone(), remote_id, known.sent.0, known.seen.0)
                }
                (_, None) => {
                    if mine.is_none_or(|link| link.state != "gone") {
                        writes.extend(creates(&connection, kind, after, place));
                    }
                    continue;
                }
            };
            let Some(object) = connection.mapping.object_for(&remote_type, after) else { continue };
            let mut wanted = object.project(after);
            for name in &wanted.create_only {
                wanted.fields.0.remove(name);
            }
            // Where it hangs is another link's affair.
            wanted.fields.0.retain(|_, value| !matches!(value, Some(Value::Ref(_))));
            let baseline = Baseline { sent: &sent, seen: &seen };
            let differs = plan::plan(&wanted.fields, baseline, &plan::Held::default(), |_| false);
            if !differs.is_empty() {
                writes.push(WriteThere {
                    connection: place(connection.id.0),
                    operation: Operation::Update,
                    remote_type,
                    remote_id: Some(remote_id),
                    fields: differs.0.into_keys().collect(),
                });
            }
        }
        Ok(writes)
    }
}

fn creates(
    connection: &Connection,
    kind: Kind,
    fields: &Fields,
    place: &(dyn Fn(Uuid) -> Place + Sync),
) -> Option<WriteThere> {
    let object = connection.mapping.choose(kind, fields).filter(|object| object.create)?;
    let may = matches!(connection.mode, Mode::CreateOnly | Mode::FillEmpty | Mode::Full);
    may.then(|| WriteThere {
        connection: place(connection.id.0),
        operation: Operation::Create,
        remote_type: object.remote.clone(),
        remote_id: None,
        fields: object.project(fields).fields.0.into_keys().collect(),
    })
}

fn values_of(fields: &Fields) -> Vec<Shown> {
    let shown = |field: &Field, label: Option<Label>, one: &Sourced| {
        (!matches!(one.value, Value::Ref(_))).then(|| Shown {
            field: field.clone(),
            label,
            value: one.value.display(),
            source: one.source.clone(),
            at: Some(one.observed_at),
        })
    };
    let mut values = Vec::new();
    for (field, slot) in &fields.0 {
        match slot {
            Slot::One(one) => values.extend(shown(field, None, one)),
            Slot::Set(elements) => {
                values.extend(elements.iter().filter_map(|one| shown(field, one.label, &one.sourced)));
            }
        }
    }
    values
}

fn addresses(fields: &Fields) -> Vec<String> {
    fields.elements(&Field::EMAILS).iter().map(|element| element.sourced.value.display()).collect()
}

/// The fields that say something else, without where a record hangs.
fn changes(before: &Fields, after: &Fields) -> Vec<Change> {
    let mut by_field: BTreeMap<Field, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for shown in values_of(before) {
        by_field.entry(shown.field).or_default().0.push(shown.value);
    }
    for shown in values_of(after) {
        by_field.entry(shown.field).or_default().1.push(shown.value);
    }
    let changed = by_field.into_iter().filter(|(_, (before, after))| before != after);
    changed.map(|(field, (before, after))| Change { field, before, after }).collect()
}
