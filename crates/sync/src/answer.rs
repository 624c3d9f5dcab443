//! Answers to questions: a person's word, kept with what it decided, and all that it makes necessary in one
//! commit: what is one is merged by a job, what a CRM is to be told is due.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use mittler_core::{
    ConnectionId, Field, LinkId, RecordId, Said, Source, SourceKind, Statement, SubjectId, Time, Value, Version,
    derive::Overrides,
    job::{Lane, Task},
};
use mittler_store::{
    Clock, Result, Store, Tx,
    audit::NewEntry,
    decisions::{Decision, NewDecision},
    derived_id,
    jobs::NewJob,
    links::{LinkCommand, LinkFact, link_id},
    merges::MergeTrail,
};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::{
    Keys, Pusher,
    connections::Connections,
    forget,
    guard::{ABSENT, LET_THROUGH, MASS_ABSENCE, MASS_CHANGE, MASS_DELETION, Measure, PUT_BACK},
    lookups::PAGE,
    question::{Choice, Command, Facts, Question, QuestionKind, options},
    restate::{links_of, restate},
};

/// What asks, shows and executes. Clones share it.
#[derive(Clone)]
pub struct Questions {
    pub store: Store,
    pub clock: Clock,
    pub connections: Connections,
    pub overrides: Arc<Overrides>,
    /// What forgetting a person needs; `None`: it is not offered.
    pub forgets: Option<Keys>,
    /// Where numbers are dialled of records that name no country.
    pub country: Arc<str>,
}

/// Why an answer was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    NoSuchQuestion,
    AnsweredBefore,
    /// The question has these answers.
    NoAnswerToThis(Vec<Command>),
}

type Taken<T> = std::result::Result<T, NotTaken>;

/// How a command was answered that is stored.
struct Answering<'a> {
    clock: &'a Clock,
    connections: &'a Connections,
    overrides: &'a Overrides,
    question: &'a Question,
    actor: &'a str,
}

impl Questions {
    /// With neither connections nor keys: what needs a CRM's mapping or forgets somebody is not offered.
    pub fn new(store: Store, clock: Clock) -> Questions {
        Questions {
            store,
            clock,
            connections: Connections::default(),
            overrides: Arc::default(),
            forgets: None,
            country: "DE".into(),
        }
    }

    pub fn of(pusher: &Pusher) -> Questions {
        Questions {
            store: pusher.store.clone(),
            clock: pusher.clock.clone(),
            connections: pusher.connections.clone(),
            overrides: Arc::clone(&pusher.overrides),
            forgets: Some(pusher.keys.clone()),
            country: Arc::clone(&pusher.country),
        }
    }

    /// Takes the answer to a question, once; gives the command that it is. `actor` is a random id.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn answer(&self, id: Uuid, choice: &Choice, actor: &str) -> Result<Taken<Command>> {
        if let Some(person) = self.forgetting(id, choice).await?
            && let Some(keys) = &self.forgets
        {
            // Takes the question with it.
            forget::forget(&self.store, keys, &self.clock, person, actor).await?;
            return Ok(Ok(Command::Forget));
        }
        let (this, choice, actor) = (self.clone(), choice.clone(), actor.to_owned());
        self.store
            .write(async move |tx| {
                let Some(line) = tx.review(id).await? else { return Ok(Err(NotTaken::NoSuchQuestion)) };
                let question = Question::of(&line);
                if line.state != "open" {
                    let standing = tx.standing_decisions(id).await?;
                    let back = takeable(&standing).then_some(Command::TakeBack);
                    if choice.among(back.as_slice()).is_none() {
                        return Ok(Err(NotTaken::AnsweredBefore));
                    }
                    this.take_back(tx, &question, &standing, &actor).await?;
                    return Ok(Ok(Command::TakeBack));
                }
                let links = tx.link_facts(question.record).await?;
                let record = tx.read_records(&[question.record]).await?.into_iter().next();
                let holder = holder(tx, &question).await?;
                let facts = facts(&question, record.map(|record| record.kind), &links, holder);
                let all = this.offered(&question, &facts);
                let Some(command) = choice.among(&all) else { return Ok(Err(NotTaken::NoAnswerToThis(all))) };
                let now = this.clock.now();
                let content = said(&command, &actor);
                if !tx.answer(id, &content, now).await? {
                    return Ok(Err(NotTaken::AnsweredBefore));
                }
                if command.may_be_asked_again() {
                    tx.rename_review(id, this.clock.id()).await?;
                }
                let answering = Answering {
                    clock: &this.clock,
                    connections: &this.connections,
                    overrides: &this.overrides,
                    question: &question,
                    actor: &actor,
                };
                answering.execute(tx, &command, &facts, &links).await?;
                tx.enter(&NewEntry {
                    at: now,
                    actor: actor.clone(),
                    action: "answer".into(),
                    target: id.to_string(),
                    record: Some(question.record),
                    content: json!({ "question": line.question, "answer": content }),
                    salt: this.clock.id().simple().to_string(),
                })
                .await?;
                Ok(Ok(command))
            })
            .await
    }

    /// What an answer decided stands no more. Whom it made one are two again by a job; who was kept out of a CRM
    /// waits there for another answer.
    async fn take_back(&self, tx: &mut Tx, question: &Question, standing: &[Decision], actor: &str) -> Result<()> {
        let now = self.clock.now();
        tx.undo_decisions(question.id, now).await?;
        let merged = standing.iter().find(|decision| decision.verdict == SAME);
        if let Some(merged) = merged {
            let task = Task::Merge { decision: merged.id };
            tx.put_jobs(&[NewJob::new(self.clock.id(), task, Lane::Interactive, now, now)]).await?;
        } else {
            tx.reopen_review(question.id).await?;
        }
        for decision in standing.iter().filter(|decision| decision.verdict == LEFT_OUT) {
            // They may have become another record since, which is left out in their stead.
            let record = tx.survivor(RecordId(decision.record)).await?;
            let link = link_id(decision.other.into(), record);
            let is_gone = question.kind == QuestionKind::DeletedThere || question.reason == "merged_there";
            let (state, code) = if is_gone { ("gone", "deleted_there") } else { ("refused", &*question.reason) };
            tx.include_link(link, state, Some(code)).await?;
        }
        tx.enter(&NewEntry {
            at: now,
            actor: actor.to_owned(),
            action: "take_back".into(),
            target: question.id.to_string(),
            record: Some(question.record),
            content: json!({ "question": question.kind.name() }),
            salt: self.clock.id().simple().to_string(),
        })
        .await?;
        Ok(())
    }

    /// Whom the choice forgets, if it does: that takes several transactions.
    async fn forgetting(&self, id: Uuid, choice: &Choice) -> Result<Option<RecordId>> {
        let Some(line) = self.store.review(id).await?.filter(|line| line.state == "open") else { return Ok(None) };
        let (question, facts) = self.standing(&line).await?;
        let forgets = choice.among(&self.offered(&question, &facts)) == Some(Command::Forget);
        Ok(forgets.then_some(question.record))
    }

    /// A question with how things stand.
    pub(crate) async fn standing(&self, line: &mittler_store::reviews::ReviewLine) -> Result<(Question, Facts)> {
        let question = Question::of(line);
        let links = self.store.link_facts(question.record).await?;
        let record = self.store.record(question.record).await?;
        let mut held_by = None;
        if let (QuestionKind::RemoteDuplicate, Some(connection)) = (question.kind, question.connection) {
            for remote in &question.remotes {
                let ids = std::slice::from_ref(&remote.remote_id);
                let known = self.store.links_by_remote(connection, &remote.remote_type, ids).await?;
                held_by = held_by.or(known.first().map(|known| RecordId(known.record)));
            }
        }
        let held_by = held_by.filter(|holder| *holder != question.record);
        let facts = facts(&question, record.map(|record| record.kind), &links, held_by);
        Ok((question, facts))
    }

    /// The commands that answer a question, as things stand.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn options_of(&self, line: &mittler_store::reviews::ReviewLine) -> Result<Vec<Command>> {
        if line.state != "open" {
            let standing = self.store.standing_decisions(line.id).await?;
            return Ok(takeable(&standing).then_some(Command::TakeBack).into_iter().collect());
        }
        let (question, facts) = self.standing(line).await?;
        Ok(self.offered(&question, &facts))
    }

    /// The options that can be executed here.
    pub(crate) fn offered(&self, question: &Question, facts: &Facts) -> Vec<Command> {
        let connection = question.connection.and_then(|id| self.connections.get(id));
        let mapped = |remote_type: &str| {
            let object = connection.as_ref().map(|connection| connection.mapping.object(remote_type));
            object.is_none_or(|object| object.is_some_and(|object| Some(object.kind) == facts.kind))
        };
        let mut all = options(question, facts);
        all.retain(|option| match option {
            Command::Link(remote) => mapped(&remote.remote_type),
            Command::Forget => self.forgets.is_some(),
            _ => true,
        });
        all
    }
}

/// How long whoever gets a value waits for the one who gives it up, beside what the CRM takes to show that.
const GIVING_UP: Duration = Duration::from_secs(2);

/// Verdicts of decisions: two are one, or are two; one is kept out of a CRM.
pub(crate) const SAME: &str = "same";
const DIFFERENT: &str = "different";
const LEFT_OUT: &str = "left_out";

/// Whether what an answer decided can be taken back. A merge that did not note what moved stays, and of merges that
/// go on from each other the last one goes first.
pub(crate) fn takeable(standing: &[Decision]) -> bool {
    let noted = |it: &Decision| it.moved.from.is_some() || it.moved.0 == MergeTrail::default();
    let fits = |it: &Decision| it.verdict != SAME || noted(it) && it.went_on == 0;
    !standing.is_empty() && standing.iter().all(fits)
}

/// The record of ours that is what a question's remote record is.
async fn holder(tx: &mut Tx, question: &Question) -> Result<Option<RecordId>> {
    let (QuestionKind::RemoteDuplicate, Some(connection)) = (question.kind, question.connection) else {
        return Ok(None);
    };
    let remotes: Vec<(String, String)> =
        question.remotes.iter().map(|it| (it.remote_type.clone(), it.remote_id.clone())).collect();
    let holders = tx.records_by_remote(connection, &remotes).await?;
    Ok(holders.into_iter().find(|holder| *holder != question.record))
}

fn facts(question: &Question, kind: Option<mittler_core::Kind>, links: &[LinkFact], holder: Option<RecordId>) -> Facts {
    let mine = question.connection.map(|id| link_id(id, question.record).0);
    let there = |link: &LinkFact| link.remote_id.is_some() && link.state != "gone" && link.role != "excluded";
    Facts {
        kind,
        linked: links.iter().any(|link| Some(link.id) == mine && there(link)),
        elsewhere: elsewhere(question, links).next().is_some(),
        holder,
    }
}

/// The links by which other CRMs have the record that a question is about.
fn elsewhere<'l>(question: &Question, links: &'l [LinkFact]) -> impl Iterator<Item = &'l LinkFact> {
    let here = question.connection.map(|id| id.0);
    links.iter().filter(move |link| {
        Some(link.connection) != here && link.role == "primary" && link.state != "gone" && link.remote_id.is_some()
    })
}

fn said(command: &Command, actor: &str) -> Json {
    let mut content = json!({ "answer": command.name(), "by": actor });
    if let Some(record) = command.record() {
        content["record"] = json!(record);
    }
    if let Some(remote) = command.remote() {
        content["remote"] = json!(remote.to_string());
    }
    content
}

impl Answering<'_> {
    async fn execute(&self, tx: &mut Tx, command: &Command, facts: &Facts, links: &[LinkFact]) -> Result<()> {
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
                self.push(tx, [connection]).await
            }
            (Command::CreateAnyway, Some((connection, link))) => {
                self.tell_apart(tx).await?;
                tx.command_link(link, Some(&LinkCommand::CreateAnyway)).await?;
                self.push(tx, [connection]).await
            }
            (Command::MakeAgain, Some((connection, link))) => {
                self.tell_apart(tx).await?;
                tx.retry_links(connection, Some(link)).await?;
                self.push(tx, [connection]).await
            }
            (Command::LeaveOut, Some((connection, link))) => {
                self.tell_apart(tx).await?;
                if tx.exclude_link(link, LEFT_OUT).await? {
                    let record = self.question.record;
                    let left_out = self.decision(record, connection.0, LEFT_OUT);
                    tx.decide(&[left_out]).await?;
                }
                // Who waited for it is told that it does not come.
                self.push(tx, [connection]).await
            }
            (Command::DeleteThereToo, _) => {
                let mut told = Vec::new();
                for link in elsewhere(self.question, links) {
                    tx.command_link(LinkId(link.id), Some(&LinkCommand::Archive)).await?;
                    told.push(ConnectionId(link.connection));
                }
                self.push(tx, told).await
            }
            (Command::Ours, Some((connection, link))) => {
                let gives_up = facts.holder.is_some();
                if let Some(holder) = facts.holder {
                    self.give_up(tx, holder, connection, link).await?;
                }
                self.retry(tx, connection, link).await?;
                if gives_up {
                    // The other one is told first: until then the CRM calls the value taken.
                    let lag = self.connections.get(connection).map(|it| it.connector.profile().visibility_lag);
                    let until = self.clock.now().plus(GIVING_UP + lag.unwrap_or_default());
                    tx.postpone_link(link, until).await?;
                }
                Ok(())
            }
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
                self.push(tx, [connection]).await
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
                self.push(tx, [connection]).await
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
                self.push(tx, [connection]).await
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
            self.push(tx, self.connections.all().iter().map(|connection| connection.id)).await?;
        }
        Ok(())
    }

    /// Makes due what the question is about. If nothing has changed there, it is asked again.
    async fn retry(&self, tx: &mut Tx, connection: ConnectionId, link: LinkId) -> Result<()> {
        if self.question.kind == QuestionKind::OwnerUnknown {
            tx.want_ownerless(connection.0).await?;
        }
        tx.retry_links(connection, Some(link)).await?;
        self.push(tx, [connection]).await
    }

    /// What the CRM shows in a contested field is read as if it had never been seen: so it says it anew.
    async fn take_theirs(&self, tx: &mut Tx, connection: ConnectionId, link: LinkId) -> Result<()> {
        let Some(name) = &self.question.remote_field else { return Ok(()) };
        let Some((remote_type, remote_id)) = tx.unsee_field(link, name).await? else { return Ok(()) };
        let now = self.clock.now();
        let place = (connection, remote_type.as_str());
        tx.put_jobs(&[NewJob::read(self.clock.id(), place, vec![remote_id], Lane::Interactive, now, now)]).await
    }

    async fn push(&self, tx: &mut Tx, connections: impl IntoIterator<Item = ConnectionId>) -> Result<()> {
        let now = self.clock.now();
        let pushes = connections.into_iter().map(|id| NewJob::push(self.clock.id(), id, Lane::Interactive, now));
        tx.put_jobs(&pushes.collect::<Vec<_>>()).await
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
        let changed = restate(tx, &statements, self.overrides, now).await?;
        let all = self.connections.all();
        let mut links = Vec::new();
        for record in &changed {
            links.extend(links_of(&all, record, Lane::Interactive, now));
        }
        if !links.is_empty() {
            tx.want_links(&mut links).await?;
        }
        self.push(tx, all.iter().map(|connection| connection.id)).await
    }
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

/// Marks the links of records that a CRM erased as never to be made again there, and asks whether to forget
/// them here. Gives the number of links.
///
/// # Errors
/// If the database does not answer.
pub async fn erased_there(
    store: &Store,
    clock: &Clock,
    connection: ConnectionId,
    remote_type: &str,
    ids: &[String],
) -> Result<usize> {
    let known = store.links_by_remote(connection, remote_type, ids).await?;
    let links: BTreeMap<Uuid, (RecordId, String)> =
        known.into_iter().map(|link| (link.id, (RecordId(link.record), link.remote_id))).collect();
    let (remote_type, now, count) = (remote_type.to_owned(), clock.now(), links.len());
    store
        .write(async move |tx| {
            let mut reviews = Vec::new();
            for (link, (record, remote_id)) in &links {
                tx.erase_link(LinkId(*link)).await?;
                reviews.push(mittler_store::reviews::NewReview {
                    id: derived_id(&[b"review", link.as_bytes(), b"erased_there", remote_id.as_bytes()]),
                    question: QuestionKind::ErasedThere.name().into(),
                    record: record.0,
                    connection: Some(connection.0),
                    candidates: crate::question::remotes(vec![(remote_type.clone(), remote_id.clone())]),
                    reason: "erased_there".into(),
                    asked_at: now.0,
                });
                // Whether to make it again is not to be asked any more.
                let content = json!({ "answer": "erased_there" });
                tx.answer_all(*record, connection, QuestionKind::DeletedThere.name(), &content, now).await?;
            }
            tx.ask(&reviews).await
        })
        .await?;
    Ok(count)
}
