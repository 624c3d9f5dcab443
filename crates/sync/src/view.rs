//! A question side by side: what each candidate's sides say and where that comes from, the answers, and what
//! each of them would change.
//!
//! [`Questions::view`] is all that a page, the API and the command line show of a question. Values that a CRM
//! shows come from what its link has seen, else from a read that is bounded: a CRM that does not answer is said
//! to be silent, and the rest is shown.

pub use crate::preview::{Change, Place, Preview, Shown, There, WriteThere};

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use mittler_connector::{Key, RemoteRecord};
use mittler_core::{ConnectionId, Field, Fields, Record, RecordId, Source, SourceKind, Time, Value};
use mittler_store::{
    Result,
    decisions::Decision,
    links::{LinkFact, LinkState},
    reviews::ReviewState,
};
use uuid::Uuid;

use crate::{
    Connection, Questions,
    answer::takeable,
    lift::RemoteLifter,
    preview::{Ground, Remote, values_of},
    question::{Command, Question, RemoteRef},
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
    pub state: ReviewState,
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

/// One answer, and what it would do.
#[derive(Debug, Clone)]
pub struct Answer {
    pub command: Command,
    pub preview: Preview,
}

impl Questions {
    /// A question side by side; `None`: there is no such question. Asks the CRM, for a few seconds at most.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn view(&self, id: Uuid) -> Result<Option<View>> {
        let Some(line) = self.store.review(id).await? else { return Ok(None) };
        let (question, facts) = self.standing(&line).await?;
        let open = line.state == ReviewState::Open;
        let links = self.store.link_facts(question.record).await?;
        let mut ids = vec![question.record];
        ids.extend(&question.records);
        ids.extend(facts.holder);
        ids.dedup();
        let records = self.store.records(&ids).await?;
        let of = |id: RecordId| records.iter().find(|record| record.id == id);
        let names = self.store.connections().await?;
        let place = |id: Uuid| Place::among(&names, id);
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
            sides.push(Side {
                record: Some(*id),
                remote: None,
                title: record.fields.title(),
                values: values_of(&record.fields),
                known_at: places(&self.store.link_facts(*id).await?, &there),
                silent: None,
            });
        }
        if let (Some(id), Some(connection)) = (question.connection, &connection) {
            let none = Fields::default();
            let ours = of(question.record).map_or(&none, |record| &record.fields);
            sides
                .extend(remotes.iter().map(|remote| self.remote_side(connection, remote, ours, there(id, &remote.at))));
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
        let options = self.answers(&ground, &standing, open, &place, &there).await?;
        Ok(Some(View {
            kind: line.question.clone(),
            state: line.state,
            asked_at: Time(line.asked_at),
            answered_at: line.answered_at.map(Time),
            connection: question.connection.map(|id| place(id.0)),
            sides,
            options,
            decisions: standing.iter().map(|decision| decision.id).collect(),
            question,
        }))
    }

    /// The answers, each with what it would do. Of an answered question that it can be taken back.
    async fn answers(
        &self,
        ground: &Ground<'_>,
        standing: &[Decision],
        open: bool,
        place: &(impl Fn(Uuid) -> Place + Sync),
        there: &(impl Fn(ConnectionId, &RemoteRef) -> There + Sync),
    ) -> Result<Vec<Answer>> {
        let mut answers = Vec::new();
        if takeable(standing) {
            let preview = self.preview_of_taking_back(standing, place).await?;
            answers.push(Answer { command: Command::TakeBack, preview });
        }
        for command in self.offered(ground.question, ground.facts).into_iter().filter(|_| open) {
            let mut preview = self.preview(ground, &command, place).await?;
            if command == Command::Forget {
                preview.by_hand = places(ground.links, there);
            }
            answers.push(Answer { command, preview });
        }
        Ok(answers)
    }

    /// A record of the CRM as one of those that are compared.
    fn remote_side(&self, connection: &Connection, remote: &Remote, ours: &Fields, there: There) -> Side {
        let (title, values) = self.remote_values(connection, remote, ours);
        Side {
            record: remote.holder,
            remote: Some(there),
            title,
            values,
            known_at: Vec::new(),
            silent: remote.silent.clone(),
        }
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
                .filter(|id| seen(id).is_none_or(|link| link.seen.0.0.is_empty() || link.state == LinkState::Gone))
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
}

/// Where the CRMs have a record, by its links.
fn places(links: &[LinkFact], there: &impl Fn(ConnectionId, &RemoteRef) -> There) -> Vec<There> {
    let place = |link: &LinkFact| {
        let remote_id = link.remote_id.clone().filter(|_| link.state != LinkState::Gone)?;
        let remote = RemoteRef { remote_type: link.remote_type.clone(), remote_id };
        Some(there(ConnectionId(link.connection), &remote))
    };
    links.iter().filter_map(place).collect()
}
