//! What an answer to a question would change, as things stand.

use std::collections::BTreeMap;

use mittler_connector::{Key, RemoteRecord};
use mittler_core::{
    ConnectionId, Field, Fields, Kind, Label, Record, RecordId, RemoteFields, Slot, Source, Sourced, Statement, Time,
    Value, derive,
    mapping::Object,
    plan::{self, Known as Baseline},
};
use mittler_store::{
    Result,
    connections::ConnectionRow,
    decisions::Decision,
    intents::Operation,
    links::{LinkFact, LinkRole, LinkState},
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    Connection, Mode, Questions,
    execute::SAME,
    lift::RemoteLifter,
    question::{Command, Facts, Question, RemoteRef},
};

/// A connection, by the name that people gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    pub id: ConnectionId,
    pub name: String,
}

impl Place {
    pub(crate) fn among(connections: &[ConnectionRow], id: Uuid) -> Place {
        let name = connections.iter().find(|row| row.id == id).map(|row| row.name.clone());
        Place { id: ConnectionId(id), name: name.unwrap_or_default() }
    }
}

/// A record of a CRM, and where it is found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct There {
    pub connection: Place,
    pub remote: RemoteRef,
    /// Opens it in the CRM.
    pub url: Option<String>,
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

/// What is known of one remote record.
pub(crate) struct Remote {
    pub at: RemoteRef,
    pub fields: Option<RemoteFields>,
    pub modified_at: Option<Time>,
    pub holder: Option<RecordId>,
    pub silent: Option<String>,
}

/// What previews are made of.
pub(crate) struct Ground<'a> {
    pub question: &'a Question,
    pub facts: &'a Facts,
    pub record: Option<&'a Record>,
    pub links: &'a [LinkFact],
    pub said: BTreeMap<RecordId, Vec<Statement>>,
    pub records: &'a [Record],
    pub remotes: &'a [Remote],
}

impl Questions {
    /// What changes if what an answer decided stands no more.
    pub(crate) async fn preview_of_taking_back(
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

    pub(crate) async fn preview(
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
            Command::Link(remote) => return self.preview_of_linking(ground, remote, place).await,
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
                let elsewhere = ground.links.iter().filter(|link| {
                    Some(link.connection) != here && link.role == LinkRole::Primary && link.state != LinkState::Gone
                });
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

    /// What changes if the record is a remote one from now on.
    async fn preview_of_linking(
        &self,
        ground: &Ground<'_>,
        remote: &RemoteRef,
        place: &(dyn Fn(Uuid) -> Place + Sync),
    ) -> Result<Preview> {
        let mut preview = Preview::default();
        let connection = ground.question.connection.and_then(|id| self.connections.get(id));
        let (Some(record), Some(connection)) = (ground.record, connection) else { return Ok(preview) };
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
        Ok(preview)
    }

    /// The addresses that a question's link may not write since somebody else has them there.
    async fn taken(&self, question: &Question, record: Option<&Record>) -> Result<Vec<String>> {
        let connection = question.connection.and_then(|id| self.connections.get(id));
        let (Some(record), Some(connection)) = (record, connection) else { return Ok(Vec::new()) };
        let Some(object) = connection.mapping.choose(record.kind, &record.fields) else { return Ok(Vec::new()) };
        let links = self.store.link_lines(record.id).await?;
        let mine = links.iter().find(|link| link.connection == connection.id.0 && link.role == LinkRole::Primary);
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

    /// What changes if a record says this, and what CRMs are told of it.
    pub(crate) async fn preview_of_edit(&self, record: &Record, after: &Fields) -> Result<Preview> {
        let names = self.store.connections().await?;
        let place = |id: Uuid| Place::among(&names, id);
        let links = self.store.link_facts(record.id).await?;
        let writes = self.writes(record.kind, after, &links, &[], None, &place).await?;
        Ok(Preview { changes: changes(&record.fields, after), writes, ..Preview::default() })
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
            let has = |link: &&LinkFact| link.connection == connection.id.0 && link.role != LinkRole::Duplicate;
            let mine = links.iter().find(has);
            if mine.is_some_and(|link| link.role == LinkRole::Excluded) {
                continue;
            }
            let there = |link: &&LinkFact| link.remote_id.is_some() && link.state != LinkState::Gone;
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
                    if mine.is_none_or(|link| link.state != LinkState::Gone) {
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

pub(crate) fn values_of(fields: &Fields) -> Vec<Shown> {
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
