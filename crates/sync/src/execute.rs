//! What an answer to a question does, in the transaction that takes the answer.

use std::time::Duration;

use mittler_core::{
    ConnectionId, Field, LinkId, RecordId, Said, Source, SourceKind, Statement, SubjectId, Time, Value, Version,
    derive::Overrides,
    job::{Lane, Task},
};
use mittler_store::{
    Clock, Result, Tx,
    decisions::NewDecision,
    derived_id,
    jobs::NewJob,
    links::{LinkCommand, LinkFact, LinkRole, LinkState, link_id},
};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::{
    apply_statements::{apply_statements, links_of},
    connections::Connections,
    guard::{ABSENT, LET_THROUGH, MASS_ABSENCE, MASS_CHANGE, MASS_DELETION, Measure, PUT_BACK},
    lookups::PAGE,
    question::{Command, Facts, Question, QuestionKind},
};

/// Verdicts of decisions: two are one, or are two; one is kept out of a CRM.
pub(crate) const SAME: &str = "same";

pub(crate) const DIFFERENT: &str = "different";

pub(crate) const LEFT_OUT: &str = "left_out";

/// How a command was answered that is stored.
pub(crate) struct Answering<'a> {
    pub clock: &'a Clock,
    pub connections: &'a Connections,
    pub overrides: &'a Overrides,
    pub question: &'a Question,
    pub actor: &'a str,
}

/// How long whoever gets a value waits for the one who gives it up, beside what the CRM takes to show that.
const GIVING_UP: Duration = Duration::from_secs(2);

impl Answering<'_> {
    pub async fn execute(&self, tx: &mut Tx, command: &Command, facts: &Facts, links: &[LinkFact]) -> Result<()> {
        if let Some(measure) = self.question.measure() {
            return self.execute_for_many(tx, command, measure).await;
        }
        let mine = self.question.connection.map(|id| (id, link_id(id, self.question.record)));
        match (command, mine) {
            (Command::Merge(record), _) => self.merge(tx, *record).await,
            (Command::Different, _) => self.tell_apart(tx).await,
            (Command::Link(remote), Some((connection, link))) => {
                let adopt =
                    LinkCommand::Adopt { remote_type: remote.remote_type.clone(), remote_id: remote.remote_id.clone() };
                tx.command_link(link, Some(&adopt)).await?;
                tx.wake_pushers([connection]);
                Ok(())
            }
            (Command::CreateAnyway, Some((connection, link))) => {
                self.tell_apart(tx).await?;
                tx.command_link(link, Some(&LinkCommand::CreateAnyway)).await?;
                tx.wake_pushers([connection]);
                Ok(())
            }
            (Command::MakeAgain, Some((connection, link))) => {
                self.tell_apart(tx).await?;
                tx.retry_links(connection, Some(link)).await?;
                tx.wake_pushers([connection]);
                Ok(())
            }
            (Command::LeaveOut, Some((connection, link))) => self.leave_out(tx, connection, link).await,
            (Command::DeleteThereToo, _) => self.delete_elsewhere(tx, links).await,
            (Command::Ours, Some((connection, link))) => self.take_ours(tx, facts.holder, connection, link).await,
            (Command::Theirs, Some((connection, link))) if self.question.kind == QuestionKind::FieldContested => {
                self.take_theirs(tx, connection, link).await
            }
            (Command::Theirs, Some((connection, link))) => {
                self.give_up(tx, self.question.record, connection, link).await
            }
            (Command::Retry, Some((connection, link))) => self.retry(tx, connection, link).await,
            // What a CRM would have to do without a connection cannot be done.
            (
                Command::Link(_)
                | Command::CreateAnyway
                | Command::MakeAgain
                | Command::LeaveOut
                | Command::Ours
                | Command::Theirs
                | Command::Retry
                | Command::Forget
                | Command::Keep
                | Command::Noted
                | Command::LetThrough
                | Command::PutBack
                | Command::Leave
                | Command::TakeBack,
                _,
            ) => Ok(()),
        }
    }

    /// What a guard stopped, of one type of a connection, goes on as a person says.
    async fn execute_for_many(&self, tx: &mut Tx, command: &Command, measure: Measure) -> Result<()> {
        let (Some(connection), Some(remote_type)) = (self.question.connection, &self.question.remote_type) else {
            return Ok(());
        };
        let now = self.clock.now();
        let through = if *command == Command::LetThrough { now.plus(LET_THROUGH) } else { Time(0) };
        tx.pass_guard(measure.of(connection, remote_type), through).await?;
        match (measure, command) {
            (Measure::DeletionsIn, Command::LetThrough) => {
                for code in [MASS_DELETION, MASS_ABSENCE] {
                    tx.lose_suspects(connection, remote_type, code).await?;
                }
                Ok(())
            }
            (Measure::DeletionsIn, Command::PutBack) => {
                let deleted = tx.suspects_of(connection, remote_type, MASS_DELETION).await?;
                let deleted: Vec<LinkId> = deleted.into_iter().map(|(link, _)| link).collect();
                tx.make_again(&deleted).await?;
                // What may be only hidden would be there twice: it is looked for again.
                tx.rename_suspects(connection, remote_type, (MASS_ABSENCE, ABSENT), now).await?;
                tx.wake_pushers([connection]);
                Ok(())
            }
            (Measure::DeletionsIn, _) => {
                let mut ids = Vec::new();
                for code in [MASS_DELETION, MASS_ABSENCE] {
                    ids.extend(tx.suspects_of(connection, remote_type, code).await?);
                    tx.rename_suspects(connection, remote_type, (code, ABSENT), Time(0)).await?;
                }
                self.read_again(tx, connection, remote_type, ids).await
            }
            (Measure::ChangesIn, _) => {
                let changed = tx.suspects_of(connection, remote_type, MASS_CHANGE).await?;
                if *command == Command::PutBack {
                    tx.rename_suspects(connection, remote_type, (MASS_CHANGE, PUT_BACK), now).await?;
                    // Just this is what the person wants: nobody asks whether it may be so much.
                    for out in [Measure::UpdatesOut, Measure::ClearsOut] {
                        tx.pass_guard(out.of(connection, remote_type), now.plus(LET_THROUGH)).await?;
                    }
                }
                self.read_again(tx, connection, remote_type, changed).await
            }
            (Measure::UpdatesOut | Measure::ClearsOut, Command::LetThrough) => {
                tx.release_held(connection, remote_type, measure.name()).await?;
                tx.wake_pushers([connection]);
                Ok(())
            }
            // Their fields stay held for the very values.
            (Measure::UpdatesOut | Measure::ClearsOut, _) => Ok(()),
            (Measure::ArchivesOut, _) => {
                for link in tx.held_writes(connection, remote_type, measure.name()).await? {
                    if *command == Command::LetThrough {
                        tx.want_again(&[link]).await?;
                    } else {
                        tx.command_link(link, None).await?;
                    }
                }
                tx.wake_pushers([connection]);
                Ok(())
            }
        }
    }

    /// What the CRM shows of links that are suspect is read at once.
    async fn read_again(
        &self,
        tx: &mut Tx,
        connection: ConnectionId,
        remote_type: &str,
        links: Vec<(LinkId, String)>,
    ) -> Result<()> {
        let now = self.clock.now();
        let ids: Vec<String> = links.into_iter().map(|(_, id)| id).collect();
        let place = (connection, remote_type);
        let reads =
            ids.chunks(PAGE).map(|ids| NewJob::read(self.clock.id(), place, ids.to_vec(), Lane::Interactive, now, now));
        tx.put_jobs(&reads.collect::<Vec<_>>()).await
    }

    fn decision(&self, record: RecordId, other: Uuid, verdict: &str) -> NewDecision {
        let review = self.question.id;
        NewDecision {
            // The same question can be answered anew after an answer was taken back.
            id: self.clock.id(),
            verdict: verdict.to_owned(),
            review,
            record: record.0,
            other,
            decided_by: self.actor.to_owned(),
            decided_at: self.clock.now().0,
        }
    }

    /// Of several candidates one is the same; nothing is said of the others. The one that was known before
    /// stays.
    async fn merge(&self, tx: &mut Tx, record: RecordId) -> Result<()> {
        let now = self.clock.now();
        let same = self.decision(record, self.question.record.0, SAME);
        let task = Task::Merge { decision: same.id };
        tx.decide(&[same]).await?;
        tx.put_jobs(&[NewJob::new(self.clock.id(), task, Lane::Interactive, now, now)]).await
    }

    async fn tell_apart(&self, tx: &mut Tx) -> Result<()> {
        let others = self.question.records.iter();
        let all: Vec<NewDecision> =
            others.map(|other| self.decision(self.question.record, other.0, DIFFERENT)).collect();
        if !all.is_empty() {
            tx.decide(&all).await?;
            self.close_answered(tx).await?;
        }
        self.settle_identity(tx, self.question.record).await
    }

    /// Another question about those who were told apart has its answer, too.
    async fn close_answered(&self, tx: &mut Tx) -> Result<()> {
        let (asked, now) = (self.question.record, self.clock.now());
        let people: Vec<RecordId> = [asked].into_iter().chain(self.question.records.iter().copied()).collect();
        let apart = tx.told_apart(&people).await?;
        for person in people {
            for line in tx.open_reviews_of(person).await? {
                let other = Question::of(&line);
                let same = matches!(other.kind, QuestionKind::SamePerson | QuestionKind::SameOrganisation);
                let answered = other.records.iter().all(|record| apart.contains(&(person, *record)));
                if same && other.connection.is_none() && !other.records.is_empty() && answered {
                    tx.answer(line.id, &said(&Command::Different, self.actor), now).await?;
                }
            }
        }
        Ok(())
    }

    /// Whoever was held until somebody said who it is goes out now.
    async fn settle_identity(&self, tx: &mut Tx, record: RecordId) -> Result<()> {
        if tx.settle_identity(record, self.question.id).await? {
            tx.wake_pushers(self.connections.all().iter().map(|connection| connection.id));
        }
        Ok(())
    }

    /// Makes due what the question is about. If nothing has changed there, it is asked again.
    async fn retry(&self, tx: &mut Tx, connection: ConnectionId, link: LinkId) -> Result<()> {
        if self.question.kind == QuestionKind::OwnerUnknown {
            tx.want_ownerless(connection.0).await?;
        }
        tx.retry_links(connection, Some(link)).await?;
        tx.wake_pushers([connection]);
        Ok(())
    }

    /// What the CRM shows in a contested field is read as if it had never been seen: so it says it anew.
    async fn take_theirs(&self, tx: &mut Tx, connection: ConnectionId, link: LinkId) -> Result<()> {
        let Some(name) = &self.question.remote_field else { return Ok(()) };
        let Some((remote_type, remote_id)) = tx.unsee_field(link, name).await? else { return Ok(()) };
        let now = self.clock.now();
        let place = (connection, remote_type.as_str());
        tx.put_jobs(&[NewJob::read(self.clock.id(), place, vec![remote_id], Lane::Interactive, now, now)]).await
    }

    /// Takes from a record the addresses that a link may not write since another record has them: a person
    /// says that they are not this one's.
    async fn give_up(&self, tx: &mut Tx, from: RecordId, connection: ConnectionId, link: LinkId) -> Result<()> {
        let Some(connection) = self.connections.get(connection) else { return Ok(()) };
        let (asked, now) = (self.question.record, self.clock.now());
        let records = tx.lock_records(&[asked, from]).await?;
        let Some(record) = records.iter().find(|record| record.id == asked) else { return Ok(()) };
        let held = tx.held(link).await?;
        let Some(object) = connection.mapping.choose(record.kind, &record.fields) else { return Ok(()) };
        let projected = object.project(&record.fields).fields;
        let taken = held.iter().filter(|(_, held)| held.code == "taken_there");
        let taken: Vec<String> = taken.filter_map(|(name, _)| projected.text(name).map(str::to_lowercase)).collect();
        let Some(loser) = records.iter().find(|record| record.id == from) else { return Ok(()) };
        let lost: Vec<Said> = loser
            .fields
            .elements(&Field::EMAILS)
            .iter()
            .filter(|element| taken.contains(&element.sourced.value.display().to_lowercase()))
            .map(|element| {
                Said::element(Field::EMAILS, element.key.clone(), element.sourced.value.clone(), "person.answer")
            })
            .collect();
        if lost.is_empty() {
            return Ok(());
        }
        let statements = taken_back(from, lost, self.actor, now);
        let statements: Vec<(RecordId, Statement)> = statements.into_iter().map(|it| (from, it)).collect();
        let changed = apply_statements(tx, &statements, self.overrides, now).await?;
        let all = self.connections.all();
        let mut links = Vec::new();
        for record in &changed {
            links.extend(links_of(&all, record, Lane::Interactive, now));
        }
        if !links.is_empty() {
            tx.want_links(&mut links).await?;
        }
        tx.wake_pushers(all.iter().map(|connection| connection.id));
        Ok(())
    }

    /// The record is kept out of a CRM. Who waited for it there is told that it does not come.
    async fn leave_out(&self, tx: &mut Tx, connection: ConnectionId, link: LinkId) -> Result<()> {
        self.tell_apart(tx).await?;
        if tx.exclude_link(link, LEFT_OUT).await? {
            let left_out = self.decision(self.question.record, connection.0, LEFT_OUT);
            tx.decide(&[left_out]).await?;
        }
        tx.wake_pushers([connection]);
        Ok(())
    }

    /// The other CRMs remove the record, too.
    async fn delete_elsewhere(&self, tx: &mut Tx, links: &[LinkFact]) -> Result<()> {
        let mut told = Vec::new();
        for link in elsewhere(self.question, links) {
            tx.command_link(LinkId(link.id), Some(&LinkCommand::Archive)).await?;
            told.push(ConnectionId(link.connection));
        }
        tx.wake_pushers(told);
        Ok(())
    }

    /// A value is our record's: the other record of ours that has it there gives it up first, since until then the
    /// CRM calls it taken.
    async fn take_ours(
        &self,
        tx: &mut Tx,
        holder: Option<RecordId>,
        connection: ConnectionId,
        link: LinkId,
    ) -> Result<()> {
        let Some(holder) = holder else { return self.retry(tx, connection, link).await };
        self.give_up(tx, holder, connection, link).await?;
        self.retry(tx, connection, link).await?;
        let lag = self.connections.get(connection).map(|it| it.connector.profile().visibility_lag);
        let until = self.clock.now().plus(GIVING_UP + lag.unwrap_or_default());
        tx.postpone_link(link, until).await
    }
}

/// The links by which other CRMs have the record that a question is about.
pub(crate) fn elsewhere<'l>(question: &Question, links: &'l [LinkFact]) -> impl Iterator<Item = &'l LinkFact> {
    let here = question.connection.map(|id| id.0);
    links.iter().filter(move |link| {
        Some(link.connection) != here
            && link.role == LinkRole::Primary
            && link.state != LinkState::Gone
            && link.remote_id.is_some()
    })
}

pub(crate) fn said(command: &Command, actor: &str) -> Json {
    let mut content = json!({ "answer": command.name(), "by": actor });
    if let Some(record) = command.record() {
        content["record"] = json!(record);
    }
    if let Some(remote) = command.remote() {
        content["remote"] = json!(remote.to_string());
    }
    content
}

/// A person says that these values are not a record's: only who held a value can take it back, so that they were
/// there is said first.
fn taken_back(record: RecordId, held: Vec<Said>, actor: &str, now: Time) -> [Statement; 2] {
    let subject = SubjectId(derived_id(&[b"person", record.0.as_bytes()]));
    let statement = |part: &[u8], at: Time, said: Vec<Said>| Statement {
        subject,
        signal: derived_id(&[part, record.0.as_bytes(), &now.0.to_be_bytes()]).into(),
        source: Source::new(SourceKind::Person, actor),
        observed_at: at,
        version: Version(at, at),
        said,
    };
    let gone = held.iter().map(|said| Said { value: None::<Value>, ..said.clone() }).collect();
    [statement(b"held", Time(now.0 - 1), held), statement(b"answer", now, gone)]
}
