//! Answers to questions: a person's word, kept with what it decided.

use mittler_core::{
    ConnectionId, LinkId, RecordId,
    job::{Lane, Task},
};
use mittler_store::{
    Clock, Result, Store, Tx,
    audit::NewEntry,
    decisions::{NewDecision, candidates},
    derived_id,
    jobs::NewJob,
    links::link_id,
    reviews::ReviewLine,
};
use serde_json::{Value as Json, json};
use uuid::Uuid;

/// What a person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is the same as this candidate.
    Same(RecordId),
    /// It is none of the candidates.
    Different,
    /// Seen; nothing is to be done.
    Noted,
    /// Try again.
    Retry,
}

/// Why an answer was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    NoSuchQuestion,
    AnsweredBefore,
    /// The question asks for something else.
    NoAnswerToThis,
}

impl Answer {
    fn name(self) -> &'static str {
        match self {
            Answer::Same(_) => "same",
            Answer::Different => "different",
            Answer::Noted => "noted",
            Answer::Retry => "retry",
        }
    }

    fn fits(self, review: &ReviewLine) -> bool {
        let of_ours = matches!(review.question.as_str(), "same_person" | "same_organisation");
        match self {
            Answer::Same(record) => of_ours && candidates(&review.candidates.0).contains(&record),
            Answer::Different => of_ours,
            Answer::Noted => !of_ours,
            Answer::Retry => !of_ours && review.connection.is_some(),
        }
    }
}

/// Takes the answer to a question, once, together with all that it makes necessary: what is one is
/// merged by a job, what is to be tried again is due. `actor` is a random id.
///
/// # Errors
/// If the database does not answer.
pub async fn answer(
    store: &Store,
    clock: &Clock,
    id: Uuid,
    answer: Answer,
    actor: &str,
) -> Result<std::result::Result<(), NotTaken>> {
    let (clock, actor) = (clock.clone(), actor.to_owned());
    store
        .write(async move |tx| {
            let Some(review) = tx.review(id).await? else { return Ok(Err(NotTaken::NoSuchQuestion)) };
            if review.state != "open" {
                return Ok(Err(NotTaken::AnsweredBefore));
            }
            if !answer.fits(&review) {
                return Ok(Err(NotTaken::NoAnswerToThis));
            }
            let now = clock.now();
            let content = said(answer, &actor);
            if !tx.answer(id, &content, now).await? {
                return Ok(Err(NotTaken::AnsweredBefore));
            }
            match answer {
                Answer::Same(_) | Answer::Different => decide(tx, &clock, &review, answer, &actor).await?,
                Answer::Noted => {}
                Answer::Retry => retry(tx, &clock, &review).await?,
            }
            tx.enter(&NewEntry {
                at: now,
                actor: actor.clone(),
                action: "answer".into(),
                target: id.to_string(),
                record: Some(RecordId(review.record)),
                content: json!({ "question": review.question, "answer": content }),
                salt: clock.id().simple().to_string(),
            })
            .await?;
            Ok(Ok(()))
        })
        .await
}

fn said(answer: Answer, actor: &str) -> Json {
    let mut content = json!({ "answer": answer.name(), "by": actor });
    if let Answer::Same(record) = answer {
        content["record"] = json!(record);
    }
    content
}

/// Of several candidates one is the same; nothing is said of the others.
async fn decide(tx: &mut Tx, clock: &Clock, review: &ReviewLine, answer: Answer, actor: &str) -> Result<()> {
    let now = clock.now();
    let decision = |record: RecordId, other: RecordId, verdict: &str| NewDecision {
        id: derived_id(&[b"decision", review.id.as_bytes(), record.0.as_bytes(), other.0.as_bytes()]),
        verdict: verdict.to_owned(),
        review: review.id,
        record: record.0,
        other: other.0,
        decided_by: actor.to_owned(),
        decided_at: now.0,
        moved: json!({}),
    };
    let asked = RecordId(review.record);
    if let Answer::Same(record) = answer {
        // The one that was known before stays.
        let same = decision(record, asked, "same");
        let task = Task::Merge { decision: same.id };
        tx.decide(&[same]).await?;
        return tx.put_jobs(&[NewJob::new(clock.id(), task, Lane::Interactive, now, now)]).await;
    }
    let all: Vec<NewDecision> =
        candidates(&review.candidates.0).into_iter().map(|other| decision(asked, other, "different")).collect();
    tx.decide(&all).await
}

/// Makes due what the question is about. If nothing has changed there, it is asked again.
async fn retry(tx: &mut Tx, clock: &Clock, review: &ReviewLine) -> Result<()> {
    let Some(connection) = review.connection.map(ConnectionId) else { return Ok(()) };
    tx.rename_review(review.id, clock.id()).await?;
    if review.question == "owner_unknown" {
        tx.want_ownerless(connection.0).await?;
    }
    let link: LinkId = link_id(connection, RecordId(review.record));
    tx.retry_links(connection, Some(link)).await?;
    let now = clock.now();
    tx.put_jobs(&[NewJob::push(clock.id(), connection, Lane::Interactive, now)]).await
}
