//! The object types and properties every portal starts with.

use super::property::{Choice, Property, PropertyGroup};
use super::table::Table;

struct Type {
    id: &'static str,
    plural: &'static str,
    singular: &'static str,
    required: &'static [&'static str],
    any_of: bool,
    shown: &'static [&'static str],
    searched: &'static [&'static str],
}

const TYPES: [Type; 12] = [
    Type {
        id: "0-1",
        plural: "contacts",
        singular: "contact",
        required: &[],
        any_of: false,
        shown: &["email", "firstname", "lastname"],
        searched: &["firstname", "lastname", "email", "phone", "company", "hs_additional_emails"],
    },
    Type {
        id: "0-2",
        plural: "companies",
        singular: "company",
        required: &["domain", "name"],
        any_of: true,
        shown: &["name", "domain"],
        searched: &["name", "domain", "phone", "website"],
    },
    Type {
        id: "0-3",
        plural: "deals",
        singular: "deal",
        required: &["dealname", "dealstage", "pipeline"],
        any_of: false,
        shown: &["dealname", "amount", "closedate", "dealstage", "pipeline"],
        searched: &["dealname", "description"],
    },
    Type {
        id: "0-5",
        plural: "tickets",
        singular: "ticket",
        required: &["subject", "hs_pipeline_stage", "hs_pipeline"],
        any_of: false,
        shown: &["subject", "content", "hs_pipeline", "hs_pipeline_stage"],
        searched: &["subject", "content"],
    },
    engagement("0-46", "notes", "note", &["hs_timestamp"], &["hs_note_body"]),
    engagement("0-49", "emails", "email", &["hs_timestamp", "hs_email_direction"], &["hs_email_subject"]),
    engagement("0-27", "tasks", "task", &["hs_timestamp"], &["hs_task_subject", "hs_task_body"]),
    engagement(
        "0-18",
        "communications",
        "communication",
        &["hs_timestamp", "hs_communication_channel_type"],
        &["hs_communication_body"],
    ),
    engagement("0-48", "calls", "call", &["hs_timestamp"], &["hs_call_title", "hs_call_body"]),
    engagement("0-47", "meetings", "meeting", &["hs_timestamp"], &["hs_meeting_title", "hs_meeting_body"]),
    Type {
        id: "0-54",
        plural: "marketing_events",
        singular: "marketing_event",
        required: &["hs_event_name", "hs_event_description"],
        any_of: false,
        shown: &["hs_event_name", "hs_event_description"],
        searched: &["hs_event_name"],
    },
    Type {
        id: "0-136",
        plural: "leads",
        singular: "lead",
        required: &["hs_lead_name"],
        any_of: false,
        shown: &["hs_lead_name"],
        searched: &["hs_lead_name"],
    },
];

const fn engagement(
    id: &'static str,
    plural: &'static str,
    singular: &'static str,
    required: &'static [&'static str],
    searched: &'static [&'static str],
) -> Type {
    Type { id, plural, singular, required, any_of: false, shown: &[], searched }
}

const ENGAGEMENTS: [&str; 6] = ["notes", "emails", "tasks", "communications", "calls", "meetings"];

/// The property that carries the time of the last change; only contacts have their own name for it.
pub fn modified_name(plural: &str) -> &'static str {
    if plural == "contacts" { "lastmodifieddate" } else { "hs_lastmodifieddate" }
}

pub fn tables(first_id: u64) -> Vec<Table> {
    TYPES
        .iter()
        .map(|seed| {
            let mut table = Table::new(seed.id, seed.plural, seed.singular, first_id);
            table.engagement = ENGAGEMENTS.contains(&seed.plural);
            table.created_name = if table.engagement { "hs_createdate" } else { "createdate" };
            table.required = owned(seed.required);
            table.any_required = seed.any_of;
            table.shown = owned(seed.shown);
            table.searched = owned(seed.searched);
            let group = format!("{}information", seed.singular);
            for line in lines(seed.plural).chain(SYSTEM.lines()) {
                if let Some(property) = parse(line, &group) {
                    table.define(property);
                }
            }
            for name in [table.created_name, table.modified_name] {
                table.define(system(name, &group));
            }
            table.groups.insert(group, PropertyGroup::new("Information"));
            table
        })
        .collect()
}

/// The read-only properties a custom object gets besides the ones its schema names.
pub fn define_system(table: &mut Table, group: &str) {
    for line in SYSTEM.lines() {
        if let Some(property) = parse(line, group) {
            table.define(property);
        }
    }
    for name in [table.created_name, table.modified_name] {
        table.define(system(name, group));
    }
}

fn system(name: &str, group: &str) -> Property {
    Property { read_only: true, ..Property::new(name, name, "datetime", "date", group) }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// `name|label|type|field type[|flag…]`, where a flag is `ro` or `=` and the options.
fn parse(line: &str, group: &str) -> Option<Property> {
    let mut parts = line.trim().split('|');
    let (name, label, kind, field) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let mut property = Property::new(name, label, kind, field, group);
    property.hubspot_defined = true;
    for flag in parts {
        match flag.strip_prefix('=') {
            Some(options) => property.options = options.split(',').map(Choice::plain).collect(),
            None => property.read_only = flag == "ro",
        }
    }
    if name == "hubspot_owner_id" {
        property.external_options = true;
        property.referenced = Some("OWNER".to_owned());
    }
    Some(property)
}

fn lines(plural: &str) -> std::str::Lines<'static> {
    match plural {
        "contacts" => CONTACTS,
        "companies" => COMPANIES,
        "deals" => DEALS,
        "tickets" => TICKETS,
        "notes" => NOTES,
        "emails" => EMAILS,
        "tasks" => TASKS,
        "communications" => COMMUNICATIONS,
        "calls" => CALLS,
        "meetings" => MEETINGS,
        "marketing_events" => MARKETING_EVENTS,
        _ => LEADS,
    }
    .lines()
}

const SYSTEM: &str = "hs_object_id|Record ID|number|number|ro
hs_merged_object_ids|Merged record IDs|enumeration|checkbox|ro
hs_object_source|Record source|string|text|ro
hs_object_source_id|Record source ID|string|text|ro
hs_object_source_label|Record source label|string|text|ro
hubspot_owner_id|Owner|enumeration|select";

const CONTACTS: &str = "email|Email|string|text
firstname|First name|string|text
lastname|Last name|string|text
salutation|Salutation|string|text
jobtitle|Job title|string|text
company|Company name|string|text
phone|Phone number|string|phonenumber
mobilephone|Mobile phone number|string|phonenumber
fax|Fax number|string|phonenumber
website|Website URL|string|text
address|Street address|string|text
city|City|string|text
zip|Postal code|string|text
state|State/Region|string|text
country|Country/Region|string|text
hs_language|Preferred language|enumeration|select|=de,en,fr,it,es,nl,pl,cs
date_of_birth|Date of birth|string|text
industry|Industry|string|text
annualrevenue|Annual revenue|string|text
numemployees|Number of employees|enumeration|select|=1-5,5-25,25-50,50-100,100-500,500-1000,1000+
message|Message|string|textarea
lifecyclestage|Lifecycle stage|enumeration|radio|=subscriber,lead,marketingqualifiedlead,salesqualifiedlead,opportunity,customer,evangelist,other
hs_lead_status|Lead status|enumeration|radio|=NEW,OPEN,IN_PROGRESS,OPEN_DEAL,UNQUALIFIED,ATTEMPTED_TO_CONTACT,CONNECTED,BAD_TIMING
hs_email_optout|Unsubscribed from all email|bool|booleancheckbox|=true,false|ro
hs_additional_emails|Additional email addresses|enumeration|checkbox
associatedcompanyid|Primary associated company ID|number|number|ro
hs_calculated_merged_vids|Merged vids with timestamps|enumeration|text|ro
hs_linkedin_url|LinkedIn URL|string|text";

const COMPANIES: &str = "name|Company name|string|text
domain|Company domain name|string|text
website|Website URL|string|text
phone|Phone number|string|phonenumber
address|Street address|string|text
address2|Street address 2|string|text
city|City|string|text
zip|Postal code|string|text
state|State/Region|string|text
country|Country/Region|string|text
description|Description|string|textarea
industry|Industry|enumeration|select|=ACCOUNTING,AUTOMOTIVE,AVIATION_AEROSPACE,BANKING,CHEMICALS,COMPUTER_SOFTWARE,CONSTRUCTION,ELECTRICAL_ELECTRONIC_MANUFACTURING,FOOD_PRODUCTION,INDUSTRIAL_AUTOMATION,INFORMATION_TECHNOLOGY_AND_SERVICES,LOGISTICS_AND_SUPPLY_CHAIN,MACHINERY,MECHANICAL_OR_INDUSTRIAL_ENGINEERING,PLASTICS,WHOLESALE
type|Type|enumeration|select|=PROSPECT,PARTNER,RESELLER,VENDOR,OTHER
numberofemployees|Number of employees|number|number
annualrevenue|Annual revenue|number|number
founded_year|Year founded|string|text
lifecyclestage|Lifecycle stage|enumeration|radio|=subscriber,lead,marketingqualifiedlead,salesqualifiedlead,opportunity,customer,evangelist,other
hs_lead_status|Lead status|enumeration|radio|=NEW,OPEN,IN_PROGRESS,OPEN_DEAL,UNQUALIFIED,ATTEMPTED_TO_CONTACT,CONNECTED,BAD_TIMING
hs_additional_domains|Additional domains|enumeration|checkbox
hs_parent_company_id|Parent company|number|number|ro
linkedin_company_page|LinkedIn company page|string|text";

const DEALS: &str = "dealname|Deal name|string|text
dealstage|Deal stage|enumeration|radio|=appointmentscheduled,qualifiedtobuy,presentationscheduled,decisionmakerboughtin,contractsent,closedwon,closedlost
pipeline|Pipeline|enumeration|select|=default
amount|Amount|number|number
deal_currency_code|Currency|enumeration|select|=EUR,USD,CHF,GBP
closedate|Close date|datetime|date
dealtype|Deal type|enumeration|radio|=newbusiness,existingbusiness
description|Deal description|string|textarea
hs_priority|Priority|enumeration|select|=low,medium,high";

const TICKETS: &str = "subject|Ticket name|string|text
content|Ticket description|string|textarea
hs_pipeline|Pipeline|enumeration|select|=0
hs_pipeline_stage|Ticket status|enumeration|radio|=1,2,3,4
hs_ticket_priority|Priority|enumeration|select|=LOW,MEDIUM,HIGH,URGENT";

const NOTES: &str = "hs_timestamp|Activity date|datetime|date
hs_note_body|Note body|string|html
hs_attachment_ids|Attached file IDs|enumeration|checkbox";

const EMAILS: &str = "hs_timestamp|Activity date|datetime|date
hs_email_direction|Email direction|enumeration|select|=EMAIL,INCOMING_EMAIL,FORWARDED_EMAIL
hs_email_status|Email send status|enumeration|select|=BOUNCED,FAILED,SCHEDULED,SENDING,SENT
hs_email_subject|Email subject|string|text
hs_email_text|Email body|string|textarea
hs_email_html|Email HTML|string|html
hs_email_headers|Email headers|string|text
hs_email_from_email|Email from address|string|text|ro
hs_email_to_email|Email to address|string|text|ro
hs_attachment_ids|Attached file IDs|enumeration|checkbox";

const TASKS: &str = "hs_timestamp|Due date|datetime|date
hs_task_subject|Task title|string|text
hs_task_body|Task notes|string|html
hs_task_status|Task status|enumeration|select|=NOT_STARTED,COMPLETED,WAITING,IN_PROGRESS,DEFERRED
hs_task_priority|Priority|enumeration|select|=NONE,LOW,MEDIUM,HIGH
hs_task_type|Task type|enumeration|select|=EMAIL,CALL,TODO
hs_task_reminders|Reminder|string|text";

const COMMUNICATIONS: &str = "hs_timestamp|Activity date|datetime|date
hs_communication_channel_type|Channel type|enumeration|select|=WHATS_APP,LINKEDIN_MESSAGE,SMS
hs_communication_logged_from|Logged from|enumeration|select|=CRM
hs_communication_body|Communication body|string|html";

const CALLS: &str = "hs_timestamp|Activity date|datetime|date
hs_call_title|Call title|string|text
hs_call_body|Call notes|string|html
hs_call_duration|Call duration|number|number
hs_call_direction|Call direction|enumeration|select|=INBOUND,OUTBOUND
hs_call_status|Call status|enumeration|select|=BUSY,CANCELED,COMPLETED,CONNECTING,FAILED,IN_PROGRESS,NO_ANSWER,QUEUED,RINGING
hs_call_to_number|To number|string|phonenumber
hs_call_from_number|From number|string|phonenumber";

const MEETINGS: &str = "hs_timestamp|Activity date|datetime|date
hs_meeting_title|Meeting name|string|text
hs_meeting_body|Meeting description|string|html
hs_meeting_location|Meeting location|string|text
hs_meeting_start_time|Start time|datetime|date
hs_meeting_end_time|End time|datetime|date
hs_meeting_outcome|Meeting outcome|enumeration|select|=SCHEDULED,COMPLETED,RESCHEDULED,NO_SHOW,CANCELED";

const MARKETING_EVENTS: &str = "hs_event_name|Name|string|text
hs_event_description|Description|string|textarea
hs_event_type|Type|string|text
hs_event_organizer|Organizer|string|text
hs_event_url|URL|string|text
hs_start_datetime|Start|datetime|date
hs_end_datetime|End|datetime|date
hs_event_cancelled|Cancelled|bool|booleancheckbox|=true,false
hs_event_completed|Completed|bool|booleancheckbox|=true,false
hs_external_event_id|External event id|string|text|ro
hs_external_account_id|External account id|string|text|ro";

const LEADS: &str = "hs_lead_name|Lead name|string|text
hs_lead_label|Lead label|enumeration|select|=COLD,WARM,HOT
hs_lead_type|Lead type|enumeration|select|=NEW_BUSINESS,RE_ATTEMPTING,REFERRAL,UPSELL";
