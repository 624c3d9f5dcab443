//! Guards: how much may change within the hour before a person is asked, in and out.
//!
//! What is too much stops and is asked about once: links of records that went or changed are suspect until the
//! answer, and are neither told anything nor believed; what would be written is held. The numbers are counted in
//! the database, for all processes together.

pub use crate::measure::Measure;

use std::{collections::BTreeSet, time::Duration};

use mittler_core::{ConnectionId, Kind, LinkId, Time};
use mittler_store::{
    Clock, Result, Tx,
    guards::{Limit, Verdict, Weighed},
    links::{Known, LinkState},
    reviews::{NewReview, ReviewState},
};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::{
    push::item::{Item, before},
    question::QuestionKind,
};

/// The code of a link whose record was not found where it was.
pub(crate) const ABSENT: &str = "absent_there";

/// Links whose record was deleted with many others.
pub(crate) const MASS_DELETION: &str = "mass_deletion";

/// Links whose record was not found, twice, as many others were not.
pub(crate) const MASS_ABSENCE: &str = "mass_absence";

/// Links whose record was changed with many others.
pub(crate) const MASS_CHANGE: &str = "mass_change";

/// Links whose record is to get back what it had: what is read of it next is noted, and makes no claim.
pub(crate) const PUT_BACK: &str = "put_back";

/// How long what a person let through is not counted.
pub(crate) const LET_THROUGH: Duration = Duration::from_hours(24);

const HOUR: Duration = Duration::from_hours(1);

/// The section `[guards]` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guards {
    pub deletions_in: Limit,
    pub changes_in: Limit,
    pub updates_out: Limit,
    pub clears_out: Limit,
    pub archives_out: Limit,
}

impl Default for Guards {
    fn default() -> Self {
        let limit = |number, percent| Limit { number, percent };
        Guards {
            deletions_in: limit(50, 2),
            changes_in: limit(500, 20),
            updates_out: limit(500, 10),
            clears_out: limit(100, 2),
            archives_out: limit(10, 1),
        }
    }
}

impl Guards {
    pub fn limit(&self, measure: Measure) -> Limit {
        match measure {
            Measure::DeletionsIn => self.deletions_in,
            Measure::ChangesIn => self.changes_in,
            Measure::UpdatesOut => self.updates_out,
            Measure::ClearsOut => self.clears_out,
            Measure::ArchivesOut => self.archives_out,
        }
    }

    /// Counts `n` more and says whether they may happen; asks where they may not. `record` stands for all of them.
    pub(crate) async fn weigh(
        &self,
        tx: &mut Tx,
        measure: Measure,
        (connection, remote_type): (ConnectionId, &str),
        (n, record): (usize, Uuid),
        now: Time,
    ) -> Result<Verdict> {
        let what = measure.of(connection, remote_type);
        let Weighed { verdict, n } = tx.weigh(what, n, self.limit(measure), now).await?;
        if verdict == Verdict::Hold {
            let of = tx.links_of_type(connection, remote_type).await?;
            tx.ask(&[NewReview {
                id: what.question(),
                question: question_of(measure).name().into(),
                record,
                connection: Some(connection.0),
                candidates: json!({ "remote_type": remote_type, "n": n, "of": of }),
                reason: measure.name().into(),
                asked_at: now.0,
            }])
            .await?;
        }
        Ok(verdict)
    }

    /// Weighs records that went, each with why that is known; marks their links, and gives those to ask about one
    /// by one.
    pub(crate) async fn lose<'l>(
        &self,
        tx: &mut Tx,
        (connection, remote_type): (ConnectionId, &str),
        mut gone: Vec<(&'l Known, &'static str)>,
        now: Time,
    ) -> Result<Vec<(&'l Known, &'static str)>> {
        let Some((first, _)) = gone.first() else { return Ok(gone) };
        let place = (connection, remote_type);
        let new = gone.iter().filter(|(link, _)| !is_held(link)).count();
        let verdict = self.weigh(tx, Measure::DeletionsIn, place, (new, first.record), now).await?;
        if verdict != Verdict::Hold {
            let links: Vec<LinkId> = gone.iter().map(|(link, _)| LinkId(link.id)).collect();
            // Whoever was erased or left out there meanwhile is asked nothing more.
            let marked = tx.mark_gone(&links).await?;
            gone.retain(|(link, _)| marked.contains(&LinkId(link.id)));
            return Ok(if verdict == Verdict::Pass { gone } else { Vec::new() });
        }
        tx.gather_deletions(connection, remote_type, now.minus(HOUR), (MASS_DELETION, ABSENT, MASS_ABSENCE)).await?;
        for code in [MASS_DELETION, MASS_ABSENCE] {
            let absent = code == MASS_ABSENCE;
            let links = gone.iter().filter(|(_, why)| (*why == ABSENT) == absent);
            let links: Vec<(LinkId, i64)> = links.map(|(link, _)| (LinkId(link.id), link.written_at)).collect();
            tx.mark_suspect(&links, code, now).await?;
        }
        self.note_held(tx, Measure::DeletionsIn, place, &[MASS_DELETION, MASS_ABSENCE]).await?;
        Ok(Vec::new())
    }

    /// Which of the links whose records changed are not to be believed until somebody answers. `weight`: how many
    /// changed that are read together with these.
    pub(crate) async fn doubt(
        &self,
        tx: &mut Tx,
        (connection, remote_type): (ConnectionId, &str),
        changed: &[(LinkId, Uuid, i64)],
        weight: usize,
        now: Time,
    ) -> Result<BTreeSet<Uuid>> {
        let Some((_, record, _)) = changed.first() else { return Ok(BTreeSet::new()) };
        let place = (connection, remote_type);
        let verdict = self.weigh(tx, Measure::ChangesIn, place, (weight, *record), now).await?;
        if verdict != Verdict::Hold {
            return Ok(BTreeSet::new());
        }
        let links: Vec<(LinkId, i64)> = changed.iter().map(|(link, _, written_at)| (*link, *written_at)).collect();
        tx.mark_suspect(&links, MASS_CHANGE, now).await?;
        self.note_held(tx, Measure::ChangesIn, place, &[MASS_CHANGE]).await?;
        Ok(links.into_iter().map(|(link, _)| link.0).collect())
    }

    /// Takes those writes out that would be too much, each with what it is too much of. What is new in the CRM is
    /// never too much, and what is only filled there neither.
    pub(crate) async fn hold_writes(
        &self,
        tx: &mut Tx,
        place: (ConnectionId, &str),
        writes: &mut [Vec<Item>],
        now: Time,
    ) -> Result<Vec<(Item, Measure)>> {
        let mut held = Vec::new();
        for measure in [Measure::ArchivesOut, Measure::ClearsOut, Measure::UpdatesOut] {
            let counts = |item: &Item| is_counted(item) && covers(measure, item);
            let n = writes.iter().flatten().filter(|item| counts(item)).count();
            let Some(first) = writes.iter().flatten().find(|item| counts(item)) else { continue };
            let record = first.link.record.0;
            if self.weigh(tx, measure, place, (n, record), now).await? != Verdict::Hold {
                continue;
            }
            for part in writes.iter_mut() {
                held.extend(part.extract_if(.., |item| counts(item)).map(|item| (item, measure)));
            }
        }
        Ok(held)
    }

    /// The question says how many links it is about by now.
    async fn note_held(
        &self,
        tx: &mut Tx,
        measure: Measure,
        (connection, remote_type): (ConnectionId, &str),
        codes: &[&str],
    ) -> Result<()> {
        let mut n = 0;
        for code in codes {
            n += tx.count_suspects(connection, remote_type, code).await?;
        }
        let of = tx.links_of_type(connection, remote_type).await?;
        let candidates = json!({ "remote_type": remote_type, "n": n, "of": of });
        tx.note_held(measure.of(connection, remote_type).question(), &candidates).await
    }
}

/// Whether a write is new: what is tried again was counted before, or is perhaps written.
fn is_counted(item: &Item) -> bool {
    !item.creates && item.link.attempt == 0 && item.link.open_intent.is_none()
}

/// Whether a link waits already for the answer about many that went.
fn is_held(link: &Known) -> bool {
    link.state == LinkState::Suspect && matches!(link.code.as_deref(), Some(MASS_DELETION | MASS_ABSENCE))
}

/// Questions about many that went end by themselves once all of them are there again.
pub(crate) async fn end_restored(
    tx: &mut Tx,
    clock: &Clock,
    connection: ConnectionId,
    remote_type: &str,
) -> Result<()> {
    for (measure, codes) in
        [(Measure::DeletionsIn, &[MASS_DELETION, MASS_ABSENCE][..]), (Measure::ChangesIn, &[MASS_CHANGE][..])]
    {
        let mut left = 0;
        for code in codes {
            left += tx.count_suspects(connection, remote_type, code).await?;
        }
        let question = measure.of(connection, remote_type).question();
        if left == 0 && tx.review(question).await?.is_some_and(|line| line.state == ReviewState::Open) {
            tx.answer(question, &json!({ "answer": "restored_there" }), clock.now()).await?;
            // What is too much another day is asked anew, under another id than this answer has.
            tx.rename_review(question, clock.id()).await?;
        }
    }
    Ok(())
}

/// Whether a write is one of those that are counted.
fn covers(measure: Measure, item: &Item) -> bool {
    let mut fields = item.planned.0.iter();
    match measure {
        Measure::ArchivesOut => item.archives(),
        Measure::ClearsOut => fields.any(|(_, value)| value.is_none()),
        Measure::UpdatesOut => {
            // What we made of visits - tasks, notes, the state of a membership - goes on with them.
            if !matches!(item.link.kind, Kind::Person | Kind::Organisation | Kind::Fair) {
                return false;
            }
            let before = before(&item.link, &item.planned);
            fields.any(|(name, value)| before.get(name).is_some_and(|had| value.as_ref() != Some(had)))
        }
        Measure::DeletionsIn | Measure::ChangesIn => false,
    }
}

/// What is asked where it is too much.
fn question_of(measure: Measure) -> QuestionKind {
    match measure {
        Measure::DeletionsIn => QuestionKind::MassDeletion,
        Measure::ChangesIn => QuestionKind::MassChange,
        Measure::UpdatesOut | Measure::ClearsOut | Measure::ArchivesOut => QuestionKind::MassWrite,
    }
}
