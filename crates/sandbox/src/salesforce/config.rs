//! What may differ from org to org, and every fact about the vendor that is not certain.

use serde::{Deserialize, Serialize};

use super::schema::{Field, Kind};

/// A field an admin added.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each flag is a flag of the vendor, on its own")]
pub struct CustomField {
    pub object: String,
    pub name: String,
    pub kind: Kind,
    pub length: usize,
    pub required: bool,
    pub unique: bool,
    pub external_id: bool,
    pub case_sensitive: bool,
    /// Values of a picklist.
    pub values: Vec<String>,
    pub restricted: bool,
}

impl Default for CustomField {
    fn default() -> CustomField {
        CustomField {
            object: String::new(),
            name: String::new(),
            kind: Kind::String,
            length: 255,
            required: false,
            unique: false,
            external_id: false,
            case_sensitive: false,
            values: Vec::new(),
            restricted: false,
        }
    }
}

impl CustomField {
    /// The key under which Mittler finds its own records: unique, so that two writers cannot both create one.
    pub fn external_key(object: &str, name: &str) -> CustomField {
        CustomField {
            object: object.to_owned(),
            name: name.to_owned(),
            length: 64,
            unique: true,
            external_id: true,
            ..CustomField::default()
        }
    }

    pub(super) fn to_field(&self) -> Field {
        let mut field = Field::new(&self.name, self.kind, self.length);
        field.nillable = field.nillable && !self.required;
        field.unique = self.unique;
        field.external_id = self.external_id;
        field.case_sensitive = self.case_sensitive;
        field.values.clone_from(&self.values);
        field.restricted = self.restricted;
        field
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateAction {
    Off,
    /// The caller may repeat with `allowSave=true`.
    Alert,
    Block,
}

/// Finds records with the same e-mail address, or the same name at the same company.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DuplicateRule {
    pub object: String,
    pub name: String,
    pub matching_rule: String,
    pub action: DuplicateAction,
    /// Where duplicates are searched; a contact may turn out to be a known lead.
    pub against: Vec<String>,
}

impl DuplicateRule {
    pub fn standard(object: &str, action: DuplicateAction) -> DuplicateRule {
        DuplicateRule {
            object: object.to_owned(),
            name: format!("Standard_{object}_Duplicate_Rule"),
            matching_rule: format!("Standard_{object}_Match_Rule_v1_1"),
            action,
            against: vec![object.to_owned()],
        }
    }
}

/// An admin's rule: records whose field is empty, or contains a text, are refused with the admin's words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ValidationRule {
    pub object: String,
    pub field: String,
    /// Refuse values that contain this; without it, refuse empty ones.
    #[serde(default)]
    pub contains: Option<String>,
    pub message: String,
}

/// What happens to a campaign member whose status is not one of the campaign's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownMemberStatus {
    Refuse,
    UseDefault,
    Accept,
}

/// Which rows fail when one external id comes twice in one collections call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepeatedKey {
    All,
    AllButFirst,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each flag is a flag of the vendor, on its own")]
pub struct Config {
    /// Fields beyond the standard ones. Default: unique external id `Mittler_Id__c` on Lead, Contact, Account, Campaign.
    pub custom_fields: Vec<CustomField>,
    /// Fields that field-level security hides from the integration user, as `Lead.Phone`. Default: none.
    pub hidden_fields: Vec<String>,
    /// Default: none.
    pub validation_rules: Vec<ValidationRule>,
    /// Idle seconds until an access token expires. Default 7200, the vendor's default session policy.
    pub session_seconds: i64,
    /// Whether a refresh replaces the refresh token; using a replaced one revokes the whole grant. Default off.
    pub rotate_refresh_tokens: bool,
    /// Whether client credentials have a run-as user. Default on.
    pub client_credentials_user: bool,
    /// Public key of the JWT bearer flow. Without one any well-formed assertion with the right issuer, subject,
    /// audience and expiry is accepted, so that a demo needs no key pair.
    pub jwt_public_key_pem: Option<String>,
    /// How far ahead `exp` of an assertion may lie; `None` sets no bound. The vendor says 3 minutes, yet clients that
    /// work in production send 5, and one of them counts in milliseconds, which lies thousands of years ahead: a bound
    /// would shut them out. Default none.
    pub jwt_max_ahead_seconds: Option<i64>,
    /// API calls per rolling 24 hours. Default 100 000.
    pub daily_api_limit: u64,
    /// Upper bound of records per query page, whatever the caller asks. Default 2000.
    pub max_page_size: usize,
    /// Lower bound of `batchSize`. Default 200; tests set less to see several pages.
    pub min_page_size: usize,
    /// Seconds until a query locator expires. Default two days.
    pub locator_seconds: i64,
    /// Owner that the active lead assignment rule gives; `None` means there is no active rule. A user name or the
    /// developer name of a queue.
    pub lead_assignment_owner: Option<String>,
    /// Whether assignment rules also run on update. Default off.
    pub assignment_on_update: bool,
    /// Default on.
    pub lead_owner_may_be_queue: bool,
    /// Default: none active.
    pub duplicate_rules: Vec<DuplicateRule>,
    /// Default `refuse`.
    pub unknown_member_status: UnknownMemberStatus,
    /// Default `all`.
    pub repeated_key: RepeatedKey,
    /// Whether a value of the wrong JSON type fails a whole collections call with 400 rather than its row. Default on.
    pub parser_error_fails_collection: bool,
    /// Whether text loses surrounding white space, as the vendor's API does. Default on.
    pub trim_text: bool,
    /// Whether `Sforce-Call-Options` counts on composite resources; it is not documented to. Default off.
    pub composite_carries_client: bool,
    /// Most object types in one mixed collections call. Default 10 runs of the same type.
    pub max_type_chunks: usize,
    /// Whether a `lock_row` fault is met by a customer's trigger, which wraps it in
    /// `CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY`. Default off.
    pub locks_in_triggers: bool,
    /// Seconds a bulk job takes from upload to completion. Default 0.
    pub bulk_seconds: i64,
    /// Delay before the first redelivery of an outbound message, doubled up to two hours. Default 1000.
    pub outbound_retry_ms: i64,
    /// Most outbound notifications in one message. Default 100.
    pub outbound_batch: usize,
}

impl Default for Config {
    fn default() -> Config {
        let keyed = ["Lead", "Contact", "Account", "Campaign"];
        Config {
            custom_fields: keyed.iter().map(|object| CustomField::external_key(object, "Mittler_Id__c")).collect(),
            hidden_fields: Vec::new(),
            validation_rules: Vec::new(),
            session_seconds: 7200,
            rotate_refresh_tokens: false,
            client_credentials_user: true,
            jwt_public_key_pem: None,
            jwt_max_ahead_seconds: None,
            daily_api_limit: 100_000,
            max_page_size: 2000,
            min_page_size: 200,
            locator_seconds: 2 * 24 * 3600,
            lead_assignment_owner: None,
            assignment_on_update: false,
            lead_owner_may_be_queue: true,
            duplicate_rules: Vec::new(),
            unknown_member_status: UnknownMemberStatus::Refuse,
            repeated_key: RepeatedKey::All,
            parser_error_fails_collection: true,
            trim_text: true,
            composite_carries_client: false,
            max_type_chunks: 10,
            locks_in_triggers: false,
            bulk_seconds: 0,
            outbound_retry_ms: 1000,
            outbound_batch: 100,
        }
    }
}
