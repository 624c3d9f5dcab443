//! Answers to questions: a person's word, kept with what it decided, and all that it makes necessary in one
//! commit: what is one is merged by a job, what a CRM is to be told is due.

use std::{collections::BTreeMap, sync::Arc};

use mittler_core::{
    ConnectionId, LinkId, RecordId,
    derive::Overrides,
    job::{Lane, Task},
};
use mittler_store::{
    Clock, Result, Store, Tx,
    audit::NewEntry,
    decisions::Decision,
    derived_id,
    jobs::NewJob,
    links::{LinkFact, LinkRole, LinkState, link_id},
    merges::MergeTrail,
    reviews::ReviewState,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Keys, Pusher,
    connections::Connections,
    execute::{Answering, LEFT_OUT, SAME, elsewhere, said},
    forget,
    question::{Choice, Command, Facts, Question, QuestionKind, options},
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
                if line.state != ReviewState::Open {
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
        let Some(line) = self.store.review(id).await?.filter(|line| line.state == ReviewState::Open) else {
            return Ok(None);
        };
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
        if line.state != ReviewState::Open {
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
    let there =
        |link: &LinkFact| link.remote_id.is_some() && link.state != LinkState::Gone && link.role != LinkRole::Excluded;
    Facts {
        kind,
        linked: links.iter().any(|link| Some(link.id) == mine && there(link)),
        elsewhere: elsewhere(question, links).next().is_some(),
        holder,
    }
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
