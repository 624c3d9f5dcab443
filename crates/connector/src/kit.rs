//! What every connector must do, as properties that are proved against its CRM: a sandbox, or a real account.
//!
//! A connector's tests implement [`Peer`] and call [`prove`]. Each property has a fresh account and a connector whose
//! calls go over a [`Line`], which cuts, garbles and answers in the CRM's place; so the peer need not be able to fail.
//!
//! **Invariant:** a property that a CRM cannot be asked about is "not applicable", with the reason, and the test names
//! it: none is passed by not being looked at.

mod calls;
mod failures;
mod feeds;
mod hooks;
mod line;
mod reads;
mod setup;
mod stage;
mod writes;

use std::{fmt::Write as _, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use mittler_core::{RemoteFields, Time};
use secrecy::SecretString;

use crate::{
    Connector, Cursor, Key, RawHook,
    http::{Dialect, Http},
};

pub use line::{Asked, Break, Line, To, Wire};
pub use stage::Stage;

/// An account of the CRM that the properties may write to, and what only the CRM's own side knows.
#[async_trait]
pub trait Peer: Send + Sync {
    /// Where it answers, without a slash at the end.
    fn base_url(&self) -> String;

    fn dialect(&self) -> Dialect;

    fn token(&self) -> SecretString;

    /// The connector, for this account at another address. It takes the hooks of [`Peer::hooks`].
    fn connect(&self, http: Http, base_url: &str) -> Arc<dyn Connector>;

    /// Whether a request may change something there.
    fn writes(&self, asked: &Asked) -> bool;

    /// How the CRM answers this request in such a case; or why it never does.
    fn answer(&self, case: Case, asked: &Asked) -> Result<Wire, &'static str>;

    /// What is written to prove the properties of writes.
    fn subject(&self) -> Subject;

    /// Records of the type that the CRM itself counts as being there.
    async fn count(&self, remote_type: &str) -> usize;

    /// Makes a record of any type that the profile names, or names one that is there: keys that find it, one of each
    /// form of the profile.
    async fn find_me(&self, crm: &dyn Connector, remote_type: &str) -> Vec<Key>;

    /// Its clock.
    fn now(&self) -> Time;

    /// Sets its clock on or back and lets it stand from then on; or why it cannot.
    fn turn_clock(&self, seconds: i64) -> Result<(), &'static str>;

    /// Returns when searches show what was written by now, which takes `lag` at most.
    async fn settle(&self, lag: Duration);

    /// How a feed of the CRM behaves.
    fn feed(&self) -> FeedFacts;

    /// The table of the default mapping.
    fn default_mapping(&self) -> &'static str;

    /// Hooks of this account; or why there are none.
    fn hooks(&self) -> Result<Hooks, &'static str>;
}

/// What a CRM answers when something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// The account has no calls left for now.
    Limited,
    /// The access token is no good any more.
    TokenRejected,
    /// No call of ours is let in until a person acts: locked out, switched off, not permitted.
    Shut,
    /// A success that holds nothing but errors.
    ErrorInside,
    /// It refuses, with a code that it has never used before.
    UnknownCode,
    /// It is down for a while.
    Down,
}

/// The remote type that most properties write to: a person or company, with our own key if any type has one.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    pub remote_type: &'static str,
    /// Of the n-th record: the CRM takes them, and takes no two for the same.
    pub fields: fn(usize) -> RemoteFields,
    /// A text field among them that can be changed and emptied.
    pub field: &'static str,
    /// The CRM refuses the record that has them.
    pub bad: fn(usize) -> RemoteFields,
    /// An id of the CRM's form that no record has.
    pub missing_id: &'static str,
}

/// What only the vendor knows of its feeds.
#[derive(Debug, Clone)]
pub struct FeedFacts {
    /// How long after its stamp a change may be committed.
    pub late: Duration,
    /// Changes on one page at most.
    pub page: usize,
    /// A cursor that was good once; or why none goes bad.
    pub expired: Result<Cursor, &'static str>,
    /// Whether it tells of records that were deleted; or why not.
    pub tells_deletions: Result<(), &'static str>,
}

/// Hooks as the CRM sends them.
#[derive(Debug, Clone)]
pub struct Hooks {
    /// When they arrive.
    pub now: Time,
    pub genuine: RawHook,
    /// What the genuine one tells of.
    pub remote_type: String,
    pub id: String,
    /// The same with a proof that is not the CRM's.
    pub forged: RawHook,
    /// Genuine, and of long ago; or why no age is told.
    pub stale: Result<RawHook, &'static str>,
    /// Genuine, of another account; or why that cannot be.
    pub foreign: Result<RawHook, &'static str>,
}

/// The state in which an account is wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// With all that a connection needs.
    Ready,
    /// As it is before `mittler connect`.
    Bare,
}

/// What became of one property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    NotApplicable(String),
    Broken(String),
}

/// An error is why the property does not hold.
type Finding = Result<Verdict, String>;
type Check = fn(Arc<Stage>) -> Pin<Box<dyn Future<Output = Finding> + Send>>;

struct Property {
    name: &'static str,
    account: Account,
    check: Check,
}

macro_rules! properties {
    ($($module:ident on $account:ident { $($name:ident)* })*) => {
        &[$($(Property {
            name: stringify!($name),
            account: Account::$account,
            check: |stage| Box::pin(async move { $module::$name(&stage).await }),
        }),*),*]
    };
}

const PROPERTIES: &[Property] = properties! {
    writes on Ready {
        each_write_has_one_outcome_in_the_order_of_the_batch
        a_full_batch_is_written_and_each_row_has_its_own_id
        one_bad_row_does_not_spoil_the_others
        a_repeated_create_finds_the_first_record
        our_key_finds_the_record_that_was_created_with_it
        an_update_changes_what_was_sent_and_nothing_else
        an_emptied_field_reads_as_none
        an_update_of_a_record_that_is_no_more_says_gone
        an_archived_record_is_there_no_more
    }
    failures on Ready {
        an_unreadable_success_of_a_write_is_unknown
        a_connection_that_is_cut_after_the_commit_is_unknown
        a_connection_that_is_cut_before_the_commit_is_unknown_too
        a_host_that_nobody_listens_at_is_unavailable
        an_error_inside_a_success_is_no_success
        an_unknown_code_never_counts_as_success
        a_spent_limit_is_told_with_its_bucket_and_wait_and_not_tried_again
        an_outage_is_unavailable_to_a_read_and_no_result_to_a_write
        a_rejected_token_is_replaced_once_and_the_call_done_once
        a_token_that_is_rejected_twice_needs_a_person
        an_account_that_is_shut_is_not_asked_again
    }
    calls on Ready {
        every_call_asks_for_a_permit_with_a_cost_in_buckets_of_the_profile
        an_account_has_one_id_whenever_it_is_asked
        the_schema_knows_each_field_that_the_default_mapping_writes
        the_history_names_the_last_value_and_when_it_was_set
    }
    reads on Ready {
        a_read_gives_the_asked_fields_and_the_key_that_found_them
        a_missing_id_is_absent_and_no_error
        a_blank_key_finds_nothing_and_does_not_spoil_the_others
        each_form_of_key_in_the_profile_finds_its_record
    }
    feeds on Ready {
        a_feed_that_begins_now_tells_what_follows_and_nothing_of_before
        what_is_committed_late_is_found_from_the_safe_cursor
        changes_of_one_stamp_are_all_told_though_pages_end_among_them
        a_cursor_that_the_crm_does_not_know_is_an_error_and_no_silence
        a_deletion_is_told_where_the_feed_tells_them
    }
    hooks on Ready {
        a_genuine_hook_names_account_type_and_id
        a_forged_hook_is_refused
        a_hook_of_long_ago_is_refused
        a_hook_of_another_account_is_refused
        what_is_no_hook_at_all_is_refused_and_never_a_panic
    }
    setup on Bare {
        a_check_changes_nothing_and_what_is_missing_is_made_once
    }
};

/// Proves all properties, each on an account that `open` gives. `not_applicable`: the properties that this CRM cannot
/// be asked about; others that are not are a failure, as is one of these that is.
///
/// # Panics
/// With everything that does not hold.
pub async fn prove<F>(not_applicable: &[&str], open: impl Fn(Account) -> F)
where
    F: Future<Output = Arc<dyn Peer>>,
{
    let (mut told, mut wrong) = (String::new(), String::new());
    for property in PROPERTIES {
        let verdict = property.look(open(property.account).await).await;
        let expected = not_applicable.contains(&property.name);
        let line = match &verdict {
            Verdict::Holds => format!("holds: {}", property.name),
            Verdict::NotApplicable(why) => format!("not applicable: {}: {why}", property.name),
            Verdict::Broken(why) => format!("BROKEN: {}: {why}", property.name),
        };
        _ = writeln!(told, "{line}");
        match verdict {
            Verdict::Holds if expected => _ = writeln!(wrong, "is applicable: {}", property.name),
            Verdict::NotApplicable(_) if !expected => _ = writeln!(wrong, "{line}"),
            Verdict::Broken(_) => _ = writeln!(wrong, "{line}"),
            Verdict::Holds | Verdict::NotApplicable(_) => {}
        }
    }
    let unknown = |name: &&&str| !PROPERTIES.iter().any(|property| property.name == **name);
    for name in not_applicable.iter().filter(unknown) {
        _ = writeln!(wrong, "is no property: {name}");
    }
    assert!(wrong.is_empty(), "{wrong}\nall of them:\n{told}");
}

impl Property {
    async fn look(&self, peer: Arc<dyn Peer>) -> Verdict {
        let stage = match Stage::open(peer).await {
            Ok(stage) => Arc::new(stage),
            Err(error) => return Verdict::Broken(format!("the line does not open: {error}")),
        };
        match tokio::spawn((self.check)(stage)).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(why)) => Verdict::Broken(why),
            Err(panic) => Verdict::Broken(format!("it panicked: {panic}")),
        }
    }
}

/// The property cannot be asked about.
fn not_applicable(why: impl Into<String>) -> Verdict {
    Verdict::NotApplicable(why.into())
}

/// Ends a property that does not hold.
macro_rules! hold {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err(format!($($why)+));
        }
    };
}
use hold;
