//! Capabilities of a CRM as data.

use std::time::Duration;

use mittler_core::Kind;

/// What the engine must know about a CRM.
#[derive(Debug, Clone)]
pub struct Profile {
    /// As the registry of the server names it.
    pub name: &'static str,
    /// One entry per remote type that we read or write.
    pub kinds: Vec<KindProfile>,
    /// Where changes are learnt; hooks only hasten them.
    pub feeds: Vec<Feed>,
    /// How finely the CRM tells when it changed a record: what it says is cut to this.
    pub stamp_resolution: Duration,
    /// Records of which one call tells when their fields were last set; `None` where no history of them is kept.
    pub history: Option<usize>,
    /// How long after a write the CRM's searches and lists may not show it.
    pub visibility_lag: Duration,
    /// How long after a hook a read may still show what was there before: some CRMs send it before they commit.
    pub read_after: Duration,
    /// Longest time one call may take before it counts as unknown.
    pub call_timeout: Duration,
    /// Default budgets of an account; configuration may change the numbers.
    pub budgets: Vec<Budget>,
    /// Calls to one account at the same time.
    pub concurrency: usize,
    /// Where the owners of records are found, in this order.
    pub owners: Vec<OwnerLookup>,
}

/// A remote type that can own records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerLookup {
    pub remote_type: &'static str,
    /// By e-mail address (people) or by name (queues).
    pub key: KeyForm,
    /// The field that holds that address or name.
    pub name_field: &'static str,
    /// The only remote type that such an owner can own.
    pub only_for: Option<&'static str>,
}

impl Profile {
    pub fn budget(&self, bucket: &str) -> Option<&Budget> {
        self.budgets.iter().find(|budget| budget.bucket == bucket)
    }

    /// Whether the account's time zone tells when a budget resets.
    pub fn resets_at_midnight(&self) -> bool {
        self.budgets.iter().any(|budget| budget.resets == Resets::Midnight)
    }

    /// The feed that tells the changes of a remote type.
    pub fn feed_of(&self, remote_type: &str) -> Option<&Feed> {
        self.feeds.iter().find(|feed| feed.remote_types.iter().any(|it| it == remote_type))
    }

    pub fn kind(&self, remote_type: &str) -> Option<&KindProfile> {
        self.kinds.iter().find(|kind| kind.remote_type == remote_type)
    }
}

/// One remote type.
#[derive(Debug, Clone)]
pub struct KindProfile {
    pub kind: Kind,
    /// The CRM's name: `Lead`, `contacts`. Pairs of objects (associations, attendance) have names
    /// of our own: `attendance`, `contacts_to_companies`.
    pub remote_type: String,
    pub own_key: OwnKey,
    /// The forms of key by which `read` finds records, best first.
    pub keys: Vec<KeyForm>,
    /// Writes in one call; 1 where the vendor has no batch call.
    pub batch: usize,
    /// Whether a record can be changed after its creation.
    pub updatable: bool,
    /// Whether the record has an id of its own, or is a pair of other ids.
    pub paired: bool,
}

/// How a repetition of a create is recognised by the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnKey {
    /// A unique field of ours: a repeated create finds the first record.
    Field(String),
    /// A field of ours that is not unique: after an unknown create, wait until it would be shown, and look for it.
    Searchable(String),
    /// The call itself is idempotent on what it writes (associations, attendance).
    Native,
    /// Nothing: after an unknown create, look for it from its parent.
    None,
}

impl OwnKey {
    /// The field that shows our key, if there is one.
    pub fn field(&self) -> Option<&str> {
        match self {
            OwnKey::Field(field) | OwnKey::Searchable(field) => Some(field),
            OwnKey::Native | OwnKey::None => None,
        }
    }

    /// Whether the CRM recognises a repeated create. Who does not makes a second record.
    pub fn recognises_repetition(&self) -> bool {
        match self {
            OwnKey::Field(_) | OwnKey::Native => true,
            OwnKey::Searchable(_) | OwnKey::None => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyForm {
    Id,
    Own,
    Email,
    Domain,
    Name,
    Pair,
    Parent,
}

/// One stream of changes that the CRM can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    pub name: String,
    /// The remote types whose changes it tells.
    pub remote_types: Vec<String>,
}

impl Feed {
    /// A feed of one remote type, of the same name.
    pub fn of(remote_type: &str) -> Feed {
        Feed { name: remote_type.to_owned(), remote_types: vec![remote_type.to_owned()] }
    }
}

/// The connector's own name of one limit of its CRM; nobody else knows what it means.
pub type Bucket = &'static str;

/// What one call takes from each bucket, in units.
pub type Cost = &'static [(Bucket, u32)];

/// A limit of an account: so many units until it resets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    pub bucket: Bucket,
    /// 0: no limit.
    pub units: u32,
    pub resets: Resets,
}

/// When a spent budget is full again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resets {
    /// Units come back as the window moves on.
    Rolling(Duration),
    /// At midnight, in the account's time zone.
    Midnight,
}

impl Budget {
    /// The time within which the units may be spent.
    pub fn window(&self) -> Duration {
        match self.resets {
            Resets::Rolling(window) => window,
            Resets::Midnight => Duration::from_hours(24),
        }
    }
}

/// What a CRM says about a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub bucket: Bucket,
    pub used: u64,
    pub allowed: u64,
}
