//! What a CRM connector is: one trait, its vocabulary, its errors, and the one HTTP client that
//! all connectors use.
//!
//! Adding a CRM is one new crate that implements [`Connector`], and one line in the server.
//!
//! **Invariant:** connectors translate. They do not schedule, retry, throttle or store: pacing,
//! authorisation and timeouts live in [`http`], retries and batching in the sync crate.
//!
//! **Invariant:** what a CRM cannot do is a value in its [`Profile`], never a default method.
//!
//! **Invariant:** a write that may have been committed is never reported as failed: it is
//! [`Error::Unknown`], and the caller looks before it decides.

pub mod cursor;
mod error;
pub mod http;
#[cfg(feature = "kit")]
pub mod kit;
pub mod oauth;
mod profile;
pub mod settings;

use std::collections::BTreeMap;

use async_trait::async_trait;
use mittler_core::{RemoteFields, RemoteSchema, RemoteValue, Time};
use serde::Serialize;
use uuid::Uuid;

pub use error::{Error, Result};
pub use profile::{Bucket, Budget, Cost, Feed, KeyForm, KindProfile, OwnKey, OwnerLookup, Profile, Resets, Usage};
pub use settings::{Crm, Settings};

/// One CRM account.
#[async_trait]
pub trait Connector: Send + Sync {
    /// What the engine must know before calling. Capabilities are data, not methods.
    fn profile(&self) -> &Profile;

    /// The fields of one remote type: for the mapping check and for drift.
    async fn describe(&self, remote_type: &str) -> Result<RemoteSchema>;

    /// What changed since the cursor, oldest first, of a feed that the profile names; `None` begins the feed with
    /// `now`, our clock, and gives its first cursor. Values come from [`Connector::read`] alone.
    ///
    /// # Errors
    /// [`Error::CursorExpired`] if the CRM does not know any more what changed since then.
    async fn changes(&self, feed: &str, since: Option<&Cursor>, now: Time) -> Result<ChangePage>;

    /// The only source of values: finds records by keys of one form that the profile names, and
    /// returns the named fields. Several records for one key are normal; a record names the key
    /// that found it. A key that finds nothing is absent from the answer.
    async fn read(&self, remote_type: &str, keys: &[Key], fields: &[String]) -> Result<Vec<RemoteRecord>>;

    /// When each of the named fields was last set, by record and field: of several that changed, nobody else knows
    /// which did when. At most as many records as the profile says; records or fields of which it is not known are
    /// absent. Called only if the profile says that the CRM keeps a history of fields.
    async fn history(&self, remote_type: &str, ids: &[String], fields: &[String]) -> Result<Histories>;

    /// Writes at most the profile's batch of one remote type, all of them [`Write::Create`] or
    /// all [`Write::Update`] or all [`Write::Archive`], with one call where the vendor has a batch
    /// call. One outcome per write, in the order of the batch, never fewer.
    async fn push(&self, remote_type: &str, batch: &[Write]) -> Result<Vec<Outcome>>;

    /// Authenticates a webhook as the vendor allows and says what it tells, and what to answer.
    fn receive(&self, hook: &RawHook, now: Time) -> std::result::Result<Received, NotAuthentic>;

    /// Where a person finds a record in the CRM's own pages; `None` if it is not known, or has none.
    /// `account`: the account's id, where it is known.
    fn record_url(&self, account: Option<&str>, remote_type: &str, id: &str) -> Option<String>;

    /// Checks what the connection needs in the CRM beside its records (own key fields), and makes what is missing if
    /// that is wished and the API can do it. Gives a step for each thing that was made or is still missing.
    async fn setup(&self, wish: SetupWish) -> Result<Vec<SetupStep>>;

    /// Who the credentials belong to: to make sure that it is the configured account.
    async fn account(&self) -> Result<Account>;
}

/// Whether [`Connector::setup`] may change the CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupWish {
    Check,
    Apply,
}

/// One thing that a connection needs in its CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetupStep {
    pub state: StepState,
    /// What it is and, where a person has to do it, how: a sentence.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// It was missing, and is there now.
    Made,
    /// It is missing; [`SetupWish::Apply`] makes it.
    Missing,
    /// A person has to do it.
    ByHand,
}

impl SetupStep {
    pub fn by_hand(text: impl Into<String>) -> SetupStep {
        SetupStep { state: StepState::ByHand, text: text.into() }
    }
}

/// What is known of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id, in one form only: two accounts are the same if their ids are equal.
    pub id: String,
    /// In which its days begin, by IANA name, if the CRM tells.
    pub time_zone: Option<String>,
}

/// How to find a remote record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The CRM's own id.
    Id(String),
    /// Our id, in the field that the profile names.
    Own(String),
    /// An e-mail address, lower-cased.
    Email(String),
    /// A company's domain.
    Domain(String),
    /// A name, exactly. Users, queues, fairs, organisations.
    Name(String),
    /// Two remote ids where a record is a pair of others: campaign and lead, event and contact.
    Pair(String, String),
    /// All records of the type that hang on this parent id (activities).
    Parent(String),
}

impl Key {
    pub fn form(&self) -> KeyForm {
        match self {
            Key::Id(_) => KeyForm::Id,
            Key::Own(_) => KeyForm::Own,
            Key::Email(_) => KeyForm::Email,
            Key::Domain(_) => KeyForm::Domain,
            Key::Name(_) => KeyForm::Name,
            Key::Pair(..) => KeyForm::Pair,
            Key::Parent(_) => KeyForm::Parent,
        }
    }
}

/// The last value of a field, as the CRM keeps it, and when it was set; by record and field.
pub type Histories = BTreeMap<String, BTreeMap<String, (RemoteValue, Time)>>;

/// A record as the CRM shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRecord {
    /// The key it was found by. An alias (merged-away id) still names the key that was asked for.
    pub key: Key,
    /// The CRM's own id of the record, which differs from an asked id after a merge.
    pub id: String,
    /// Only fields that were asked for; `None` is empty in the CRM.
    pub fields: RemoteFields,
    /// When the CRM last changed it, if it says so.
    pub modified_at: Option<Time>,
    /// Deleted, archived or merged away: no longer writable.
    pub gone: bool,
    /// Salesforce: the contact a lead was converted to. Otherwise: the id it was merged into.
    pub successor: Option<(String, String)>,
    /// Ids of records of this type that were merged into it, where the CRM names them.
    pub absorbed: Vec<String>,
}

/// One write of a batch. `tag` comes back in the outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Creates the record; where the profile names an own key field, as an upsert by `own_key`, so
    /// that a repetition finds the first one.
    Create {
        tag: Uuid,
        own_key: String,
        fields: RemoteFields,
        /// A person knows what resembles it there: no duplicate rule is to stop it.
        allow_duplicate: bool,
    },
    Update {
        tag: Uuid,
        id: String,
        fields: RemoteFields,
    },
    Archive {
        tag: Uuid,
        id: String,
    },
}

impl Write {
    pub fn tag(&self) -> Uuid {
        match self {
            Write::Create { tag, .. } | Write::Update { tag, .. } | Write::Archive { tag, .. } => *tag,
        }
    }

    pub fn fields(&self) -> Option<&RemoteFields> {
        match self {
            Write::Create { fields, .. } | Write::Update { fields, .. } => Some(fields),
            Write::Archive { .. } => None,
        }
    }
}

/// What became of one write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub tag: Uuid,
    pub result: RowResult,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowResult {
    /// Written. `created` tells a create from an update where the CRM says so.
    Written { id: String, created: bool, shown: Option<RemoteFields> },
    /// The CRM will not take it as it is.
    Refused(Refusal),
    /// A record with the same unique value exists: adopt it if e-mail or own key agree.
    Exists { id: Option<String>, code: String, message: String },
    /// A duplicate rule found likely candidates: they go through the decision.
    /// `found`: their remote types and ids; `may_save`: whether [`Write::Create`] may insist.
    Candidates { found: Vec<(String, String)>, may_save: bool, code: String },
    /// The record is gone or no longer writable (deleted, merged, converted).
    Gone { successor: Option<(String, String)>, code: String },
    /// Not now: a lock, a busy trigger. The same write is worth repeating.
    Busy { code: String },
    /// The CRM is not set up for it: a permission, a field that is missing, a full storage. No fault
    /// of the record, which waits until an administrator acts.
    Misconfigured { code: String, message: String },
}

/// Why a CRM refused a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The vendor's code: `REQUIRED_FIELD_MISSING`, `INVALID_EMAIL`.
    pub code: String,
    /// The vendor's words. May hold personal data: stored, never logged.
    pub message: String,
    /// The fields it named.
    pub fields: Vec<String>,
}

/// Where a feed stopped. Only the connector understands it; it puts overlap, ties and lag inside.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// One page of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePage {
    pub changes: Vec<Change>,
    /// Go on from here at once: more is there.
    pub next: Option<Cursor>,
    /// A later run that begins here misses nothing. It may be told of some changes again.
    pub safe: Cursor,
    /// Each change up to then is in this page or in one before it, as far as the CRM's stamps tell.
    pub followed: Option<Time>,
    /// The CRM's own clock at the answer, if it told.
    pub server_time: Option<Time>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub remote_type: String,
    pub id: String,
    pub at: Time,
    pub deleted: bool,
    /// As [`RemoteRecord::absorbed`]: a merge whose hook was lost is noticed by it.
    pub absorbed: Vec<String>,
}

/// A webhook request as it came: raw bytes, because signatures cover them.
#[derive(Debug, Clone)]
pub struct RawHook {
    pub method: String,
    /// The full address that the vendor called, as configured (not from Host headers).
    pub uri: String,
    /// The part of the path after the connection's own, holding a secret where the vendor signs
    /// nothing.
    pub path_secret: String,
    /// Names lower-cased.
    pub headers: Vec<(String, String)>,
    pub body: bytes::Bytes,
}

impl RawHook {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What an authentic webhook tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub events: Vec<HookEvent>,
    /// Media type and body to answer with; `None`: an empty 200.
    pub answer: Option<(&'static str, String)>,
}

/// A hint that a remote record changed: "read id X not before T".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookEvent {
    /// The account that the event belongs to, as [`Account::id`] has it.
    pub account: String,
    /// Names the event for de-duplication; repeats of a delivery have the same.
    pub key: String,
    pub remote_type: String,
    pub id: String,
    pub at: Time,
    pub deleted: bool,
    /// It was deleted because somebody asked to be forgotten there.
    pub erased: bool,
    /// Says that we caused it ourselves.
    pub own_echo: bool,
}

/// Why a webhook could not be authenticated. For whoever runs the service: its sender is answered the same for
/// every cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum NotAuthentic {
    /// Signature or secret do not fit: another secret, another address than the one that is signed.
    #[error("the signature or secret of the webhook does not fit")]
    Signature,
    /// Signed too long ago, or ahead of our clock.
    #[error("the webhook was signed too long ago, or ahead of our clock")]
    Stale,
    /// Of an account that the connection is not configured for.
    #[error("the webhook is another account's")]
    Account,
    /// Not of the form that the vendor sends.
    #[error("the webhook does not have the vendor's form")]
    Form,
}

impl NotAuthentic {
    pub const ALL: [NotAuthentic; 4] =
        [NotAuthentic::Signature, NotAuthentic::Stale, NotAuthentic::Account, NotAuthentic::Form];

    /// A stable, short word.
    pub fn code(self) -> &'static str {
        match self {
            NotAuthentic::Signature => "signature",
            NotAuthentic::Stale => "stale",
            NotAuthentic::Account => "account",
            NotAuthentic::Form => "form",
        }
    }
}
