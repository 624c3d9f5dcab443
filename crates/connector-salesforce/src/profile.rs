//! What the engine must know about Salesforce before it calls.
//!
//! Users, queues and member statuses are no record kinds: they are read and written, but not
//! listed here.

use std::time::Duration;

use mittler_connector::{Budget, Cost, Feed, KeyForm, KindProfile, OwnKey, OwnerLookup, Profile, Resets};
use mittler_core::Kind;

use crate::Settings;

/// Most records of one collections call.
pub const BATCH: usize = 200;

/// The types whose changes are asked for.
const FOLLOWED: [&str; 6] = ["Account", "Campaign", "Lead", "Contact", "CampaignMember", "Task"];

pub const BURST: &str = "burst";
pub const DAILY: &str = "daily";

/// What a call takes.
pub const CALL: Cost = &[(BURST, 1), (DAILY, 1)];

/// The profile of an account with these settings.
pub fn profile(settings: &Settings) -> Profile {
    let own = || OwnKey::Field(settings.own_key.clone());
    let task = settings.activity_key.clone().map_or(OwnKey::None, OwnKey::Field);
    let task_keys = match task {
        OwnKey::None => vec![KeyForm::Id, KeyForm::Parent],
        _ => vec![KeyForm::Id, KeyForm::Own, KeyForm::Parent],
    };
    let named = vec![KeyForm::Id, KeyForm::Own, KeyForm::Name];
    let mailed = || vec![KeyForm::Id, KeyForm::Own, KeyForm::Email];
    Profile {
        name: "salesforce",
        kinds: vec![
            kind(Kind::Organisation, "Account", own(), vec![KeyForm::Id, KeyForm::Own, KeyForm::Domain, KeyForm::Name]),
            kind(Kind::Fair, "Campaign", own(), named),
            kind(Kind::Person, "Lead", own(), mailed()),
            kind(Kind::Person, "Contact", own(), mailed()),
            kind(Kind::Participation, "CampaignMember", OwnKey::None, vec![KeyForm::Id, KeyForm::Pair]),
            kind(Kind::Activity, "Task", task, task_keys),
        ],
        feeds: FOLLOWED.map(Feed::of).into(),
        // SOQL shows what is committed; the lag covers a call that we gave up on and that commits later.
        stamp_resolution: Duration::from_secs(1),
        // Field history is an option of each field there, and off at first.
        history: None,
        visibility_lag: Duration::from_secs(10),
        read_after: Duration::ZERO,
        call_timeout: Duration::from_mins(1),
        budgets: vec![
            Budget { bucket: BURST, units: 25, resets: Resets::Rolling(Duration::from_secs(1)) },
            Budget { bucket: DAILY, units: 100_000, resets: Resets::Rolling(Duration::from_hours(24)) },
        ],
        // Half of what a developer organisation allows of calls over 20 seconds would be two; short
        // calls are not limited, and collections of 200 rarely are long ones.
        concurrency: 4,
        owners: vec![
            OwnerLookup { remote_type: "User", key: KeyForm::Email, name_field: "Email", only_for: None },
            OwnerLookup { remote_type: "Group", key: KeyForm::Name, name_field: "Name", only_for: Some("Lead") },
        ],
    }
}

fn kind(kind: Kind, remote_type: &str, own_key: OwnKey, keys: Vec<KeyForm>) -> KindProfile {
    KindProfile { kind, remote_type: remote_type.into(), own_key, keys, batch: BATCH, updatable: true, paired: false }
}
