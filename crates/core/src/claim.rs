//! What a source said about a subject, and where it came from.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Field, SignalId, SubjectId, Time, Value};

/// Who says so, by how much it weighs. The strongest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// A person working in Mittler.
    Person,
    /// A value in a CRM.
    Crm,
    /// What a customer wrote of themselves in a mail.
    OwnMail,
    /// A form that the customer filled in, or an internal tool's call.
    Form,
    /// A badge scanned at a stand.
    Badge,
    /// The organiser's export.
    Organiser,
    /// Derived by a rule of ours.
    Rule,
    /// Made by a model.
    Generated,
}

/// The weight of a source; lower is stronger.
pub type Rank = u8;

impl SourceKind {
    pub fn rank(self) -> Rank {
        match self {
            SourceKind::Person => 0,
            SourceKind::Crm => 1,
            SourceKind::OwnMail => 2,
            SourceKind::Form => 3,
            SourceKind::Badge | SourceKind::Organiser => 4,
            SourceKind::Rule => 5,
            SourceKind::Generated => 6,
        }
    }

    /// A row that somebody wrote down once, and that comes again in the next list as it was: it adds, and
    /// does not correct.
    pub fn is_list(self) -> bool {
        self.rank() >= SourceKind::Form.rank()
    }

    /// A guess never displaces what anybody really said.
    pub fn is_guess(self) -> bool {
        matches!(self, SourceKind::Rule | SourceKind::Generated)
    }
}

/// Where a statement came from: kind and a name that tells which (a file's label, a connection's
/// id, an operator's random id - never a person's name).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    pub kind: SourceKind,
    pub name: String,
}

impl Source {
    pub fn new(kind: SourceKind, name: impl Into<String>) -> Source {
        Source { kind, name: name.into() }
    }
}

/// Which of several statements of one source is the latest: the vendor's time, then the start of
/// the read; for sources without versions the time of receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Version(pub Time, pub Time);

/// The role of an element within its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    Work,
    Direct,
    Mobile,
    Fax,
    Private,
    Other,
}

/// One field of one statement. For set fields `key` names the element (the normalised value).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Said {
    pub field: Field,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `None`: the source says that there is no value (any more).
    pub value: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub primary: bool,
    /// 0 to 100: how sure the reading is.
    pub confidence: u8,
    /// The rule that read or made the value: `csv.column`, `mail.signature`, `name.split`.
    pub how: String,
    /// A rule's or model's own value within a statement of a stronger source: it weighs as the
    /// weaker of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<SourceKind>,
    /// When the value was set, where that is not just the time of the statement: a CRM tells when a
    /// record was last changed, and not which of its fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<Interval>,
    /// With no value: somebody put another element in the place of this one. What a list says later
    /// does not bring it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaced: bool,
}

/// When something happened, as far as it is known: not before `since`, and not after `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Interval {
    pub since: Time,
    pub until: Time,
}

impl Interval {
    /// A moment that is known.
    pub fn at(at: Time) -> Interval {
        Interval { since: at, until: at }
    }

    /// Whether it is known about as well as the clocks of CRMs tell, some of which count in seconds.
    pub fn is_narrow(self) -> bool {
        self.until.since(self.since) <= NARROW
    }
}

/// The coarsest clock of a CRM counts in seconds, and its reads are not instantaneous.
const NARROW: Duration = Duration::from_secs(2);

impl Said {
    pub fn new(field: Field, value: Value, how: impl Into<String>) -> Said {
        Said {
            field,
            key: None,
            value: Some(value),
            label: None,
            primary: false,
            confidence: 100,
            how: how.into(),
            made_by: None,
            set: None,
            replaced: false,
        }
    }

    pub fn element(field: Field, key: impl Into<String>, value: Value, how: impl Into<String>) -> Said {
        Said { key: Some(key.into()), ..Said::new(field, value, how) }
    }

    #[must_use]
    pub fn labelled(mut self, label: Label) -> Said {
        self.label = Some(label);
        self
    }

    #[must_use]
    pub fn primary(mut self) -> Said {
        self.primary = true;
        self
    }

    #[must_use]
    pub fn sure(mut self, confidence: u8) -> Said {
        self.confidence = confidence.min(100);
        self
    }

    /// Says that an element, or whatever of a label a field showed, is no more.
    pub fn cleared(field: Field, key: Option<String>, label: Option<Label>, how: impl Into<String>) -> Said {
        Said { key, value: None, label, ..Said::new(field, Value::Bool(false), how) }
    }

    /// Marks the value as made by a rule, so that it never displaces what somebody said.
    #[must_use]
    pub fn by_rule(mut self) -> Said {
        self.made_by = Some(SourceKind::Rule);
        self
    }
}

/// All that one signal says about one subject: one row of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub subject: SubjectId,
    pub signal: SignalId,
    pub source: Source,
    /// When the source observed it: the field's time, else the record's, else the receipt; never
    /// later than the receipt plus five minutes.
    pub observed_at: Time,
    pub version: Version,
    pub said: Vec<Said>,
}

/// The identity of a claim: saying the same again is the same claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClaimId(pub Uuid);

/// One field of one statement with all that a policy weighs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim<'s> {
    pub id: ClaimId,
    pub statement: &'s Statement,
    pub said: &'s Said,
}

impl Statement {
    pub fn claims(&self) -> impl Iterator<Item = Claim<'_>> {
        self.said.iter().map(|said| Claim { id: claim_id(self, said), statement: self, said })
    }
}

impl Claim<'_> {
    /// When its value was set, as far as that is known.
    pub fn set(&self) -> Interval {
        self.said.set.unwrap_or(Interval::at(self.statement.observed_at))
    }

    /// The end of every order: time of receipt, then the signal, whose ids count up line by line, then
    /// the claim id; for the same claim heard twice, whatever tells the two apart, so that it does not
    /// matter which came first.
    pub fn tie(&self, other: &Claim<'_>) -> std::cmp::Ordering {
        let first = |claim: &Claim<'_>| (claim.statement.version.1, claim.statement.signal, claim.id);
        first(self)
            .cmp(&first(other))
            .then_with(|| self.statement.observed_at.cmp(&other.statement.observed_at))
            .then_with(|| self.statement.source.cmp(&other.statement.source))
            .then_with(|| self.said.cmp(other.said))
    }

    pub fn kind(&self) -> SourceKind {
        let own = self.statement.source.kind;
        self.said.made_by.map_or(own, |made_by| own.max(made_by))
    }

    pub fn sourced(&self, value: &Value) -> Sourced {
        Sourced {
            value: value.clone(),
            source: Source::new(self.kind(), self.statement.source.name.clone()),
            observed_at: self.set().until,
            signal: self.statement.signal,
            subject: self.statement.subject,
            confidence: self.said.confidence,
            how: self.said.how.clone(),
        }
    }
}

fn claim_id(statement: &Statement, said: &Said) -> ClaimId {
    let mut hash = Sha256::new();
    hash.update(statement.subject.0.as_bytes());
    hash.update(said.field.as_str().as_bytes());
    hash.update([0]);
    hash.update(said.key.as_deref().unwrap_or("").as_bytes());
    hash.update([0]);
    hash.update(statement.version.0.0.to_be_bytes());
    hash.update(statement.version.1.0.to_be_bytes());
    if let Ok(value) = serde_json::to_vec(&said.value) {
        hash.update(&value);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    ClaimId(Uuid::from_bytes(id))
}

/// A value with its provenance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sourced {
    pub value: Value,
    pub source: Source,
    pub observed_at: Time,
    pub signal: SignalId,
    pub subject: SubjectId,
    pub confidence: u8,
    pub how: String,
}
