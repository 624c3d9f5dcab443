//! What HubSpot can do, as data.

use std::time::Duration;

use mittler_connector::{Budget, Cost, Feed, KeyForm, KindProfile, OwnKey, OwnerLookup, Profile, Resets};
use mittler_core::Kind;

use crate::Settings;

pub const COMPANIES: &str = "companies";
pub const CONTACTS: &str = "contacts";
pub const EVENTS: &str = "marketing_events";
pub const ATTENDANCE: &str = "attendance";
pub const TASKS: &str = "tasks";
pub const EMAILS: &str = "emails";
pub const NOTES: &str = "notes";
pub const CONTACTS_TO_COMPANIES: &str = "contacts_to_companies";
pub const OWNERS: &str = "owners";

/// Records of one batch read that asks for the history of properties.
pub const HISTORY: usize = 50;
/// Inputs in one batch call of records.
pub const BATCH: usize = 100;
/// Inputs in one call that reads or writes default associations.
pub const ASSOCIATIONS: usize = 1_000;
/// Rows on one page of a search.
pub const PAGE: usize = 200;

pub const BURST: &str = "burst";
pub const DAILY: &str = "daily";
pub const SEARCH: &str = "search";

/// What a call takes.
pub const CALL: Cost = &[(BURST, 1), (DAILY, 1)];
/// Searches have a limit of their own instead of that of all calls.
pub const SEARCH_CALL: Cost = &[(SEARCH, 1), (DAILY, 1)];

pub fn is_activity(remote_type: &str) -> bool {
    matches!(remote_type, TASKS | EMAILS | NOTES)
}

/// The number under which HubSpot's pages show a type of record.
pub fn page_of(remote_type: &str) -> Option<&'static str> {
    Some(match remote_type {
        CONTACTS => "0-1",
        COMPANIES => "0-2",
        TASKS => "0-27",
        NOTES => "0-46",
        EMAILS => "0-49",
        EVENTS => "0-54",
        _ => return None,
    })
}

/// The property that holds the time of the last change.
pub fn last_modified(remote_type: &str) -> &'static str {
    if remote_type == CONTACTS { "lastmodifieddate" } else { "hs_lastmodifieddate" }
}

/// The profile of an account with these settings.
pub fn profile(settings: &Settings) -> Profile {
    Profile {
        name: "hubspot",
        kinds: kinds(settings),
        // E-mails and notes are not changed by hand in a way that matters to us.
        feeds: [COMPANIES, EVENTS, CONTACTS, TASKS].map(Feed::of).into(),
        stamp_resolution: Duration::from_millis(1),
        history: Some(HISTORY),
        visibility_lag: Duration::from_secs(10),
        read_after: Duration::ZERO,
        call_timeout: Duration::from_secs(30),
        budgets: vec![
            // The smallest plan's; larger ones are configured.
            Budget { bucket: BURST, units: 100, resets: Resets::Rolling(Duration::from_secs(10)) },
            Budget { bucket: DAILY, units: 250_000, resets: Resets::Midnight },
            // Five are allowed to the account, and other apps search too.
            Budget { bucket: SEARCH, units: 4, resets: Resets::Rolling(Duration::from_secs(1)) },
        ],
        concurrency: 4,
        owners: vec![OwnerLookup { remote_type: OWNERS, key: KeyForm::Email, name_field: "email", only_for: None }],
    }
}

fn kinds(settings: &Settings) -> Vec<KindProfile> {
    let own_key = OwnKey::Field(settings.own_key.clone());
    let record = |kind, remote_type: &str, keys: &[KeyForm]| KindProfile {
        kind,
        remote_type: remote_type.to_owned(),
        own_key: own_key.clone(),
        keys: keys.to_vec(),
        batch: BATCH,
        updatable: true,
        paired: false,
    };
    let activity = |remote_type| {
        let base = record(Kind::Activity, remote_type, &[KeyForm::Id, KeyForm::Parent]);
        match &settings.activity_key {
            None => KindProfile { own_key: OwnKey::None, ..base },
            Some(name) => KindProfile {
                own_key: OwnKey::Field(name.clone()),
                keys: vec![KeyForm::Id, KeyForm::Own, KeyForm::Parent],
                ..base
            },
        }
    };
    let pair = |kind, remote_type, batch| KindProfile {
        own_key: OwnKey::Native,
        batch,
        updatable: false,
        paired: true,
        ..record(kind, remote_type, &[KeyForm::Pair])
    };
    let company_keys = [KeyForm::Id, KeyForm::Own, KeyForm::Domain, KeyForm::Name];
    vec![
        record(Kind::Organisation, COMPANIES, &company_keys),
        KindProfile { own_key: OwnKey::Native, ..record(Kind::Fair, EVENTS, &[KeyForm::Id, KeyForm::Own]) },
        record(Kind::Person, CONTACTS, &[KeyForm::Id, KeyForm::Own, KeyForm::Email]),
        pair(Kind::Participation, ATTENDANCE, BATCH),
        activity(TASKS),
        activity(EMAILS),
        activity(NOTES),
        pair(Kind::Association, CONTACTS_TO_COMPANIES, ASSOCIATIONS),
        // Only read, to name a contact's owner.
        KindProfile {
            own_key: OwnKey::None,
            batch: 1,
            updatable: false,
            ..record(Kind::Person, OWNERS, &[KeyForm::Id, KeyForm::Email])
        },
    ]
}
