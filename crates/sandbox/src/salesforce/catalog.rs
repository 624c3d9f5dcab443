//! The standard objects around trade-fair leads, with the lengths and picklists of a fresh org.

use serde_json::json;

use super::schema::{Field, Kind, Object};

fn text(name: &str, length: usize) -> Field {
    Field::new(name, Kind::String, length)
}

fn flag(name: &str) -> Field {
    Field::new(name, Kind::Boolean, 0)
}

fn phone(name: &str) -> Field {
    Field::new(name, Kind::Phone, 40)
}

fn email(name: &str) -> Field {
    Field::new(name, Kind::Email, 80).id_lookup()
}

fn long(name: &str) -> Field {
    Field::new(name, Kind::Textarea, 32_000)
}

fn day(name: &str) -> Field {
    Field::new(name, Kind::Date, 0)
}

fn moment(name: &str) -> Field {
    Field::new(name, Kind::Datetime, 0)
}

fn number(name: &str, kind: Kind) -> Field {
    Field::new(name, kind, 0)
}

fn choice(name: &str, values: &[&str]) -> Field {
    let mut field = Field::new(name, Kind::Picklist, 255);
    field.values = values.iter().map(|value| (*value).to_owned()).collect();
    field
}

fn link(name: &str, targets: &[&str]) -> Field {
    let mut field = Field::new(name, Kind::Reference, 18);
    field.reference_to = targets.iter().map(|target| (*target).to_owned()).collect();
    field.relationship = name.strip_suffix("Id").map(str::to_owned);
    field
}

fn address(prefix: &str) -> Vec<Field> {
    let compound = format!("{prefix}Address");
    let part = |name: &str, kind, length| Field::new(&format!("{prefix}{name}"), kind, length).part_of(&compound);
    vec![
        part("Street", Kind::Textarea, 255),
        part("City", Kind::String, 40),
        part("State", Kind::String, 80),
        part("PostalCode", Kind::String, 20),
        part("Country", Kind::String, 80),
        Field::new(&compound, Kind::Address, 0).read_only(),
    ]
}

fn person(name_length: usize) -> Vec<Field> {
    vec![
        choice("Salutation", &["Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."]).part_of("Name"),
        text("FirstName", 40).part_of("Name"),
        text("LastName", 80).required().part_of("Name"),
        text("Name", name_length).read_only(),
    ]
}

fn object(name: &str, prefix: &str, own: Vec<Field>) -> Object {
    let mut fields = vec![Field::new("Id", Kind::Id, 18).read_only().filled(), flag("IsDeleted").read_only()];
    fields.extend(own);
    fields.extend([
        moment("CreatedDate").read_only().filled(),
        link("CreatedById", &["User"]).read_only().filled(),
        moment("LastModifiedDate").read_only().filled(),
        link("LastModifiedById", &["User"]).read_only().filled(),
        moment("SystemModstamp").read_only().filled(),
    ]);
    Object { name: name.to_owned(), prefix: prefix.to_owned(), fields, writable: true }
}

fn fixed(mut object: Object) -> Object {
    object.writable = false;
    object
}

const SOURCES: &[&str] = &["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Trade Show", "Other"];
const RATINGS: &[&str] = &["Hot", "Warm", "Cold"];
const INDUSTRIES: &[&str] = &[
    "Agriculture",
    "Biotechnology",
    "Chemicals",
    "Construction",
    "Consulting",
    "Education",
    "Electronics",
    "Energy",
    "Engineering",
    "Finance",
    "Food & Beverage",
    "Healthcare",
    "Machinery",
    "Manufacturing",
    "Media",
    "Retail",
    "Technology",
    "Telecommunications",
    "Transportation",
    "Utilities",
    "Other",
];

/// Lead states; the last one is the one that conversion leads to.
pub const LEAD_STATES: &[&str] =
    &["Open - Not Contacted", "Working - Contacted", "Closed - Not Converted", "Qualified"];

fn lead(owner_may_be_queue: bool) -> Object {
    let owners: &[&str] = if owner_may_be_queue { &["Group", "User"] } else { &["User"] };
    let mut fields = vec![link("MasterRecordId", &["Lead"]).read_only()];
    fields.extend(person(121));
    fields.extend([text("Title", 128), text("Company", 255).required()]);
    fields.extend(address(""));
    fields.extend([
        phone("Phone"),
        phone("MobilePhone"),
        phone("Fax"),
        email("Email"),
        Field::new("Website", Kind::Url, 255),
        long("Description"),
        choice("LeadSource", SOURCES),
        choice("Status", LEAD_STATES).required().or(json!(LEAD_STATES[0])),
        choice("Industry", INDUSTRIES),
        choice("Rating", RATINGS),
        number("AnnualRevenue", Kind::Currency),
        number("NumberOfEmployees", Kind::Int),
        link("OwnerId", owners).filled(),
        flag("HasOptedOutOfEmail"),
        flag("DoNotCall"),
        flag("IsConverted").read_only(),
        day("ConvertedDate").read_only(),
        link("ConvertedAccountId", &["Account"]).read_only(),
        link("ConvertedContactId", &["Contact"]).read_only(),
        link("ConvertedOpportunityId", &["Opportunity"]).read_only(),
    ]);
    object("Lead", "00Q", fields)
}

fn contact() -> Object {
    let mut fields = vec![link("MasterRecordId", &["Contact"]).read_only(), link("AccountId", &["Account"])];
    fields.extend(person(121));
    fields.extend([text("Title", 128), text("Department", 80)]);
    fields.extend(address("Mailing"));
    fields.extend([
        phone("Phone"),
        phone("MobilePhone"),
        phone("Fax"),
        email("Email"),
        long("Description"),
        choice("LeadSource", SOURCES),
        day("Birthdate"),
        link("OwnerId", &["User"]).filled(),
        flag("HasOptedOutOfEmail"),
        flag("DoNotCall"),
    ]);
    object("Contact", "003", fields)
}

fn account() -> Object {
    let mut fields = vec![
        link("MasterRecordId", &["Account"]).read_only(),
        text("Name", 255).required(),
        choice("Type", &["Prospect", "Customer - Direct", "Customer - Channel", "Partner", "Other"]),
        link("ParentId", &["Account"]),
    ];
    fields.extend(address("Billing"));
    fields.extend(address("Shipping"));
    fields.extend([
        phone("Phone"),
        phone("Fax"),
        text("AccountNumber", 40),
        Field::new("Website", Kind::Url, 255),
        choice("Industry", INDUSTRIES),
        number("AnnualRevenue", Kind::Currency),
        number("NumberOfEmployees", Kind::Int),
        long("Description"),
        link("OwnerId", &["User"]).filled(),
    ]);
    object("Account", "001", fields)
}

fn campaign() -> Object {
    object(
        "Campaign",
        "701",
        vec![
            text("Name", 80).required(),
            link("ParentId", &["Campaign"]),
            choice("Type", &["Conference", "Webinar", "Trade Show", "Email", "Other"]),
            choice("Status", &["Planned", "In Progress", "Completed", "Aborted"]).or(json!("Planned")),
            day("StartDate"),
            day("EndDate"),
            flag("IsActive"),
            number("ActualCost", Kind::Currency),
            number("BudgetedCost", Kind::Currency),
            long("Description"),
            link("OwnerId", &["User"]).filled(),
        ],
    )
}

fn campaign_member() -> Object {
    object(
        "CampaignMember",
        "00v",
        vec![
            link("CampaignId", &["Campaign"]).required().create_only(),
            link("LeadId", &["Lead"]).create_only(),
            link("ContactId", &["Contact"]).create_only(),
            choice("Status", &["Sent", "Responded"]).or(json!(null)).with_length(40),
            flag("HasResponded").read_only(),
            day("FirstRespondedDate").read_only(),
        ],
    )
}

fn campaign_member_status() -> Object {
    object(
        "CampaignMemberStatus",
        "01Y",
        vec![
            link("CampaignId", &["Campaign"]).required().create_only(),
            text("Label", 765).required(),
            number("SortOrder", Kind::Int).filled(),
            flag("HasResponded"),
            flag("IsDefault"),
        ],
    )
}

fn task() -> Object {
    object(
        "Task",
        "00T",
        vec![
            link("WhoId", &["Contact", "Lead"]),
            link("WhatId", &["Account", "Campaign", "Opportunity"]),
            text("Subject", 255),
            day("ActivityDate"),
            choice("Status", &["Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"])
                .required()
                .or(json!("Not Started")),
            choice("Priority", &["High", "Normal", "Low"]).required().or(json!("Normal")),
            choice("TaskSubtype", &["Task", "Email", "ListEmail", "Cadence", "Call"])
                .restricted()
                .create_only()
                .or(json!("Task")),
            long("Description"),
            flag("IsClosed").read_only(),
            link("OwnerId", &["Group", "User"]).filled(),
        ],
    )
}

/// What can be changed as long as the message is a draft; see [`super::rules::check_editable`].
fn email_message() -> Object {
    object(
        "EmailMessage",
        "02s",
        vec![
            flag("Incoming"),
            Field::new("FromAddress", Kind::Email, 1000),
            text("FromName", 1000),
            text("ToAddress", 4000),
            text("CcAddress", 4000),
            text("Subject", 3000),
            long("TextBody"),
            long("HtmlBody"),
            moment("MessageDate"),
            choice("Status", &["0", "1", "2", "3", "5"]).restricted().required().or(json!("5")),
            link("RelatedToId", &["Account", "Campaign", "Opportunity"]),
            link("ParentId", &["Case"]),
            text("MessageIdentifier", 255),
            text("ThreadIdentifier", 255),
            link("ReplyToEmailMessageId", &["EmailMessage"]),
            link("ActivityId", &["Task"]).read_only(),
            long("Headers"),
            flag("IsExternallyVisible"),
        ],
    )
}

/// As far as an e-mail can belong to one.
fn case() -> Object {
    object(
        "Case",
        "500",
        vec![
            link("ContactId", &["Contact"]),
            link("AccountId", &["Account"]),
            text("Subject", 255),
            long("Description"),
            choice("Status", &["New", "Working", "Escalated", "Closed"]).required().or(json!("New")),
            choice("Origin", &["Phone", "Email", "Web"]),
            link("OwnerId", &["Group", "User"]).filled(),
        ],
    )
}

fn email_message_relation() -> Object {
    object(
        "EmailMessageRelation",
        "0EM",
        vec![
            link("EmailMessageId", &["EmailMessage"]).required().create_only(),
            link("RelationId", &["Contact", "Lead", "User"]).create_only(),
            choice("RelationType", &["FromAddress", "ToAddress", "CcAddress", "BccAddress", "OtherAddress"])
                .restricted()
                .required()
                .create_only(),
            text("RelationAddress", 500).create_only(),
        ],
    )
}

fn people_of_the_org() -> Vec<Object> {
    let user = vec![
        text("Username", 80).required(),
        text("FirstName", 40),
        text("LastName", 80).required(),
        text("Name", 121).read_only(),
        email("Email"),
        text("Alias", 8),
        choice("UserType", &["Standard"]).or(json!("Standard")),
        text("TimeZoneSidKey", 40),
        flag("IsActive"),
    ];
    let group = vec![
        text("Name", 40).required(),
        text("DeveloperName", 80),
        choice("Type", &["Regular", "Queue"]).restricted().required(),
        Field::new("Email", Kind::Email, 255),
    ];
    let organization = vec![text("Name", 80), text("InstanceName", 5), flag("IsSandbox"), text("OrganizationType", 40)];
    let lead_status = vec![
        text("MasterLabel", 255),
        text("ApiName", 255),
        number("SortOrder", Kind::Int),
        flag("IsDefault"),
        flag("IsConverted"),
    ];
    vec![
        fixed(object("User", "005", user)),
        fixed(object("Group", "00G", group)),
        fixed(object("Organization", "00D", organization)),
        fixed(object("LeadStatus", "01J", lead_status)),
    ]
}

fn opportunity() -> Object {
    object(
        "Opportunity",
        "006",
        vec![
            link("AccountId", &["Account"]),
            text("Name", 120).required(),
            choice("StageName", &["Prospecting", "Qualification", "Closed Won", "Closed Lost"]).required(),
            day("CloseDate").required(),
            number("Amount", Kind::Currency),
            link("CampaignId", &["Campaign"]),
            link("OwnerId", &["User"]).filled(),
        ],
    )
}

/// The tables that the test suite of a widespread client expects to find in its org.
fn client_test_tables() -> Vec<Object> {
    let mut ext = text("ExtId__c", 80);
    ext.external_id = true;
    let owner = || link("OwnerId", &["User"]).filled();
    vec![
        object("UpsertTable__c", "a00", vec![text("Name", 80), ext, owner()]),
        object("BigTable__c", "a01", vec![text("Name", 80), owner()]),
    ]
}

pub fn objects(lead_owner_may_be_queue: bool) -> Vec<Object> {
    let mut objects = vec![
        lead(lead_owner_may_be_queue),
        contact(),
        account(),
        campaign(),
        campaign_member(),
        campaign_member_status(),
        task(),
        email_message(),
        email_message_relation(),
        case(),
        opportunity(),
    ];
    objects.extend(people_of_the_org());
    objects.extend(client_test_tables());
    objects
}
