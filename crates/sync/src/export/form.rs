//! The form in which a person gets what is held about them.

use std::collections::BTreeMap;

use mittler_core::{Label, LinkId, RecordId, RunId, SignalId, SourceKind, Time};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Everything that is held about one person (Art. 15 GDPR).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Export {
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Time,
    /// The person's record. Who was merged with somebody is shown with all that was merged.
    #[schema(value_type = String, example = "rec_0190f5e2b8d97c6f8a52c9f1f0a3d111")]
    pub person: RecordId,
    /// The person's name.
    pub title: String,
    /// What is held to be true: the person, their visits, mails, tasks and associations, a company that nobody else
    /// spoke of, and what was merged.
    pub records: Vec<RecordPart>,
    /// All that was said, by which input, and when.
    pub statements: Vec<StatementPart>,
    /// What came in, with its content while that is kept.
    pub inputs: Vec<InputPart>,
    /// Lists and mailboxes that bear the person's name.
    pub lists: Vec<ListPart>,
    /// Who was told what: the records of the CRMs.
    pub recipients: Vec<RecipientPart>,
    /// By what the person is recognised. The values are hashes and lead back to nobody; they are left out.
    pub keys: Vec<KeyPart>,
    pub questions: Vec<QuestionPart>,
    pub decisions: Vec<DecisionPart>,
    /// Since when nobody is told of the person (Art. 18).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restriction: Option<RestrictionPart>,
    /// The objection to advertising (Art. 21), as it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objection: Option<ValuePart>,
    /// For what the data may be used. Empty: nothing was said.
    pub purposes: Vec<String>,
    /// What people and rules did with the data that is no write to a CRM.
    pub acts: Vec<ActPart>,
    /// How long each of it is kept.
    pub kept: Vec<KeptPart>,
    /// What is not in here, and why.
    pub left_out: Vec<LeftOutPart>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RecordPart {
    #[schema(value_type = String)]
    pub id: RecordId,
    /// `person`, `organisation`, `fair`, `participation`, `activity`, `association`.
    pub kind: String,
    pub title: String,
    /// It became part of this record.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub merged_into: Option<RecordId>,
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Time,
    /// Until when nothing is made of it in a CRM, since nobody has said who it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub unsure_until: Option<Time>,
    pub values: Vec<ValuePart>,
}

/// A value that holds now, and where it came from.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ValuePart {
    #[schema(example = "position")]
    pub field: String,
    pub value: Value,
    /// `work`, `direct`, `mobile`, `fax`, `private`, `other`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub label: Option<Label>,
    pub source: SourcePart,
    #[schema(value_type = String, format = DateTime)]
    pub observed_at: Time,
    /// The rule that read it.
    pub how: String,
    /// 0 to 100.
    #[schema(maximum = 100)]
    pub confidence: u8,
    /// The input that it came from.
    #[schema(value_type = String)]
    pub input: SignalId,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SourcePart {
    /// `person`, `crm`, `own_mail`, `form`, `badge`, `organiser`, `rule`, `generated`.
    #[schema(value_type = String)]
    pub kind: SourceKind,
    pub name: String,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StatementPart {
    #[schema(value_type = String)]
    pub record: RecordId,
    pub source: SourcePart,
    #[schema(value_type = String, format = DateTime)]
    pub observed_at: Time,
    #[schema(value_type = String)]
    pub input: SignalId,
    pub says: Vec<SaidPart>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SaidPart {
    pub field: String,
    /// Of a list of addresses or numbers, which one it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element: Option<String>,
    /// None: that there is no such value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub value: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub label: Option<Label>,
    pub how: String,
    #[schema(maximum = 100)]
    pub confidence: u8,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InputPart {
    #[schema(value_type = String)]
    pub id: SignalId,
    /// The name of the list, mailbox or form.
    pub list: String,
    /// `lead`, `lead_row`, `mail`.
    pub kind: String,
    pub line: i64,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Time,
    /// `new`, `done`, `refused`, `parked`.
    pub state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub remarks: Value,
    /// The bytes as they came, if they are text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The bytes as they came, if they are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(content_encoding = "base64")]
    pub content_base64: Option<String>,
    /// Why there is no content.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub no_content: Option<NoContent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub content_deleted_at: Option<Time>,
    #[schema(value_type = String, format = DateTime)]
    pub deleted_at: Time,
}

/// Why the content of an input is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoContent {
    /// It has outlived its time.
    Deleted,
    /// Somebody else wrote it, and speaks of the person.
    AnotherPersonsMail,
    /// A number of the person's stands in it, which may be their firm's or family's: somebody has to read it first.
    PerhapsAboutAnother,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ListPart {
    #[schema(value_type = String)]
    pub id: RunId,
    pub name: String,
}

/// The person, or what is about them, in one CRM.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RecipientPart {
    /// The connection's name.
    pub connection: String,
    /// `salesforce`, `hubspot` and the like.
    pub crm: String,
    #[schema(value_type = String)]
    pub link: LinkId,
    #[schema(value_type = String)]
    pub record: RecordId,
    pub role: String,
    pub remote_type: String,
    /// Its id in the CRM; none: the CRM has nothing of it from us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<String>,
    pub state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub written_at: Option<Time>,
    /// What the CRM was told, by its own field names.
    pub sent: BTreeMap<String, Value>,
    /// What the CRM last showed.
    pub seen: BTreeMap<String, Value>,
    /// Fields that are not sent for now, and why.
    pub held: BTreeMap<String, String>,
    pub writes: Vec<WritePart>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WritePart {
    #[schema(value_type = String, format = DateTime)]
    pub begun_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Time>,
    pub operation: String,
    /// How it ended. `under_way`: a call is being made; `open`: nobody knows.
    pub outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    pub fields: BTreeMap<String, Value>,
    pub before: BTreeMap<String, Value>,
    /// The values were deleted, as their time was over.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub values_deleted: bool,
    #[schema(value_type = String, format = DateTime)]
    pub values_deleted_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub deleted_at: Time,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct KeyPart {
    #[schema(value_type = String)]
    pub record: RecordId,
    /// `email`, `badge`, `phone_name` and the like.
    pub kind: String,
    /// Whether it names one person, or proposes several.
    pub strong: bool,
    /// `derived` from what is said, `asserted` by a source, `former`, or `contested` with another record.
    pub basis: String,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QuestionPart {
    pub question: String,
    /// The record that was asked about; of another than the person's the person is a candidate.
    #[schema(value_type = String)]
    pub record: RecordId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    pub state: String,
    pub reason: String,
    pub candidates: Value,
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub answered_at: Option<Time>,
    pub answer: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deleted_at: Option<Time>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DecisionPart {
    /// `same`, `different`, `left_out`.
    pub verdict: String,
    #[schema(value_type = String)]
    pub record: RecordId,
    /// The other record, or the connection that it is left out of.
    pub other: String,
    pub decided_by: String,
    #[schema(value_type = String, format = DateTime)]
    pub decided_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub taken_back_at: Option<Time>,
    /// What a merge moved, so that it can be taken back: records, questions, and the records of CRMs.
    pub moved: Value,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RestrictionPart {
    #[schema(value_type = String, format = DateTime)]
    pub since: Time,
    pub by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ActPart {
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// A random id of who did it, `cli` or `system`.
    pub actor: String,
    pub action: String,
    pub content: Value,
}

/// How long a part is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeptPart {
    /// The part, such as `inputs.content`.
    pub part: &'static str,
    /// Days; none: until the person is forgotten, or what it is about is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u64>,
    /// `received_at`, `begun_at`, `answered_at`, `replaced`. From when they are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct LeftOutPart {
    /// The table of the database.
    pub table: &'static str,
    /// Stable; the pages have words for it.
    pub because: &'static str,
    pub why: &'static str,
}
