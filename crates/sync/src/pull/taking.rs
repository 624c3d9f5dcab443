//! What reads said, before it is written down.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use mittler_core::{Kind, LinkId, RecordId, Statement, Time, plan::HeldField};
use mittler_store::{
    links::{Known, LinkState, Shown},
    moved::Moved,
    reviews::NewReview,
};
use uuid::Uuid;

use crate::guard::{ABSENT, MASS_ABSENCE, MASS_DELETION};

/// After this time a record that was not found is looked for once more: one that is not there then is gone.
pub(crate) const SURE: Duration = Duration::from_hours(24);

/// What reads said, before it is written down.
#[derive(Default)]
pub(crate) struct Taking {
    pub shown: Vec<Shown>,
    /// By link: what its record now says.
    pub statements: Vec<(Uuid, RecordId, Statement)>,
    pub moved: Vec<Move>,
    pub gone: Vec<(Known, &'static str)>,
    /// Records that were not found where they were.
    pub absent: Vec<Known>,
    /// Links whose records get back what they had: what they show makes no claim.
    pub put_back: BTreeSet<Uuid>,
    pub revived: Vec<(LinkId, RecordId)>,
    /// Links that said something: they are told if something else holds.
    pub again: BTreeSet<Uuid>,
    /// Fields that change back and forth: they are held, and a person is asked.
    pub contested: Vec<(LinkId, String, HeldField, NewReview)>,
    /// Questions about companies that nobody here knows.
    pub doubles: Vec<NewReview>,
    /// Companies that took up others of the CRM's: their links and records, and whom they took up.
    pub joined: Vec<(LinkId, RecordId, Vec<String>)>,
    /// Remote ids that could not be read now.
    pub later: BTreeSet<String>,
}

impl Taking {
    /// Links whose records were found until now, each with when it was last written.
    pub fn newly_absent(&self) -> Vec<(LinkId, i64)> {
        let new = self.absent.iter().filter(|link| !matches!(link.state, LinkState::Gone | LinkState::Suspect));
        new.map(|link| (LinkId(link.id), link.written_at)).collect()
    }

    /// Links whose records were changed: with their record, and when they were last written.
    pub fn changed(&self) -> Vec<(LinkId, Uuid, i64)> {
        let said: HashMap<Uuid, Uuid> = self.statements.iter().map(|(link, record, _)| (*link, record.0)).collect();
        let shown = self.shown.iter().filter(|shown| !self.put_back.contains(&shown.id));
        shown.filter_map(|shown| Some((LinkId(shown.id), *said.get(&shown.id)?, shown.written_at))).collect()
    }

    /// Links whose records are gone since this read, and why: it showed them deleted, or they were not found the
    /// second time.
    pub fn surely_gone(&self, now: Time) -> Vec<(&Known, &'static str)> {
        let shown =
            self.gone.iter().map(|(link, code)| (link, *code)).filter(|(link, _)| link.state != LinkState::Gone);
        let again = self.absent.iter().filter(|link| {
            link.state == LinkState::Suspect
                && matches!(link.code.as_deref(), Some(ABSENT | MASS_ABSENCE | MASS_DELETION))
                && link.suspect_at <= now.minus(SURE).0
        });
        shown.chain(again.map(|link| (link, ABSENT))).collect()
    }
}

/// A link whose record became another there.
pub(crate) struct Move {
    pub to: Moved,
    pub record: RecordId,
    pub kind: Kind,
    /// The company that it hangs on: a conversion may have made it there.
    pub company: Option<RecordId>,
    /// How much of the link's record survived in what it became.
    pub survival: Survival,
}

/// Of two of ours that became one there, the one with more of this keeps it: the own key that the CRM shows,
/// then the e-mail address, then the number of fields that are as they were.
pub(super) type Survival = (bool, bool, usize);
