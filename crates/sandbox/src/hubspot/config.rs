//! What the HubSpot half can be told to do differently. Every fact of the vendor that is only inferred or that
//! depends on the portal is a field here, with the likelier behaviour as its default.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of the vendor, each of them unsure")]
pub struct Config {
    pub portal_id: u64,
    pub app_id: u64,
    pub client_id: String,
    /// Also the key of the webhook signatures.
    pub client_secret: String,
    /// Accepted at the authorisation page; empty accepts every one.
    pub redirect_uris: Vec<String>,
    /// The static token; it never expires.
    pub access_token: String,
    /// A refresh token that is valid from the start.
    pub refresh_token: String,
    /// The `hapikey` of the webhook settings.
    pub developer_key: String,
    /// What both the static token and the app are granted.
    pub scopes: Vec<String>,
    /// What the app may have for itself, by client credentials and without a portal.
    pub app_scopes: Vec<String>,
    /// The simulated human, who installed the app and whose edits [`super::Hubspot::edit`] makes.
    pub user_id: u64,
    pub user_email: String,
    pub time_zone: String,
    /// The first id of every object type. It is the same for all, so that ids collide between types as they may in
    /// a portal, and it does not fit 32 bits.
    pub first_id: u64,
    pub token_life_seconds: i64,
    /// Unknown whether a refresh ever hands out another refresh token; observed is that it does not.
    pub rotate_refresh_tokens: bool,
    /// A custom property `mittler_id` with unique values exists from the start on contacts and companies.
    pub mittler_id: bool,
    pub limits: Limits,
    /// How long a write stays invisible to search.
    pub search_lag_ms: i64,
    /// Trace ids make a batch update answer row by row, as they are known to do for create and upsert.
    pub trace_ids_on_update: bool,
    /// Status of a batch that failed in part; only the v3 specification names it.
    pub partial_status: u16,
    /// A lifecycle stage that would go back is refused; otherwise it is left as it is without a word.
    pub reject_lifecycle_backward: bool,
    /// The first company a contact is associated with becomes its primary company.
    pub first_company_is_primary: bool,
    /// A GDPR deletion puts the address of a contact that existed on the blocklist as well.
    pub gdpr_blocks_known_emails: bool,
    /// `category` of the 409 for a property name that is taken.
    pub property_conflict_category: String,
    /// Initial values of a new record are reported as property changes too.
    pub property_events_on_create: bool,
    /// `sourceId` is missing from creation events.
    pub creation_without_source_id: bool,
    pub webhooks: Webhooks,
}

/// 0 means unlimited.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Per ten seconds for the static token.
    pub burst: u64,
    /// Per ten seconds for an app's OAuth token.
    pub burst_oauth: u64,
    /// Per ten seconds for the associations API, which is exempt from `burst`.
    pub burst_associations: u64,
    pub search_per_second: u64,
    pub daily: u64,
    pub search_window: usize,
    pub unique_properties: usize,
    pub merges: usize,
    /// Values that the history of a property shows. The API's own documents name no bound; this is the fewest that
    /// a portal's exports are known to hold.
    pub history: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            burst: 190,
            burst_oauth: 110,
            burst_associations: 150,
            search_per_second: 5,
            daily: 625_000,
            search_window: 10_000,
            unique_properties: 10,
            merges: 250,
            history: 20,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Webhooks {
    /// Where events go; loopback only. Without it nothing is delivered.
    pub target_url: Option<String>,
    pub subscriptions: Vec<Subscription>,
    /// Events are collected this long before a batch leaves.
    pub gather_ms: i64,
    pub batch_size: usize,
    pub concurrency: usize,
    pub timeout_ms: u64,
    /// Pauses before the attempts 1 to 10; each is varied by a quarter either way.
    pub retry_pauses_ms: Vec<i64>,
    /// Share of events that are delivered twice.
    pub duplicates: f64,
    /// Events leave in random order.
    pub reorder: bool,
    /// Share of events that are lost on the way.
    pub lost: f64,
    /// Share of events that leave alone and late, by up to `late_ms`.
    pub late: f64,
    pub late_ms: i64,
}

impl Default for Webhooks {
    fn default() -> Webhooks {
        Webhooks {
            target_url: None,
            subscriptions: Vec::new(),
            gather_ms: 50,
            batch_size: 100,
            concurrency: 10,
            timeout_ms: 5000,
            retry_pauses_ms: [1, 5, 15, 30, 60, 120, 180, 240, 300, 420].map(|minutes| minutes * 60_000).to_vec(),
            duplicates: 0.0,
            reorder: false,
            lost: 0.0,
            late: 0.0,
            late_ms: 0,
        }
    }
}

/// What the app wants to hear of. Without `property_name` a change of any property matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    #[serde(default)]
    pub id: u64,
    pub event_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property_name: Option<String>,
    /// Of the generic `object.…` events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_type_id: Option<String>,
    #[serde(default)]
    pub active: bool,
}

impl Subscription {
    pub fn to(event_type: &str) -> Subscription {
        Subscription {
            id: 0,
            event_type: event_type.to_owned(),
            property_name: None,
            object_type_id: None,
            active: true,
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            portal_id: 147_258_369,
            app_id: 8_800_202,
            client_id: "11111111-aaaa-4bbb-8ccc-000000000001".to_owned(),
            client_secret: "22222222-aaaa-4bbb-8ccc-000000000002".to_owned(),
            redirect_uris: Vec::new(),
            access_token: "pat-eu1-00000000-0000-4000-8000-000000000003".to_owned(),
            refresh_token: "eu1-sandbox-refresh-0001".to_owned(),
            developer_key: "eu1-sandbox-developer-0001".to_owned(),
            scopes: ALL_SCOPES.iter().map(|&scope| scope.to_owned()).collect(),
            app_scopes: APP_SCOPES.iter().map(|&scope| scope.to_owned()).collect(),
            user_id: 7_700_101,
            user_email: "vertrieb-sued@example.com".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            first_id: 5_790_000_001,
            token_life_seconds: 1800,
            rotate_refresh_tokens: false,
            mittler_id: false,
            limits: Limits::default(),
            search_lag_ms: 2000,
            trace_ids_on_update: true,
            partial_status: 207,
            reject_lifecycle_backward: false,
            first_company_is_primary: false,
            gdpr_blocks_known_emails: false,
            property_conflict_category: "OBJECT_ALREADY_EXISTS".to_owned(),
            property_events_on_create: true,
            creation_without_source_id: false,
            webhooks: Webhooks::default(),
        }
    }
}

const ALL_SCOPES: [&str; 26] = [
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.leads.read",
    "crm.objects.leads.write",
    "crm.objects.custom.read",
    "crm.objects.custom.write",
    "crm.objects.owners.read",
    "crm.lists.read",
    "crm.lists.write",
    "crm.objects.marketing_events.read",
    "crm.objects.marketing_events.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "crm.schemas.companies.read",
    "crm.schemas.companies.write",
    "crm.schemas.deals.read",
    "crm.schemas.deals.write",
    "crm.schemas.custom.read",
    "crm.schemas.custom.write",
    "tickets",
    "sales-email-read",
];

const APP_SCOPES: &[&str] = &[
    "developer.webhooks_journal.read",
    "developer.webhooks_journal.subscriptions.read",
    "developer.webhooks_journal.subscriptions.write",
    "developer.webhooks_journal.snapshots.read",
    "developer.webhooks_journal.snapshots.write",
];
