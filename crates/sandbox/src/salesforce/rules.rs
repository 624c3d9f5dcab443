//! What single objects demand beyond their fields: campaign members, tasks, converted leads, duplicates.

use serde_json::{Value, json};

use super::config::{DuplicateAction, DuplicateRule, UnknownMemberStatus};
use super::failure::Failure;
use super::org::{Caller, Org};
use super::schema::Object;
use super::tables::{Fields, Row};

fn text<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

impl Org {
    /// Checks and derived fields, before uniqueness.
    pub(super) fn before_save(&self, object: &Object, old: Option<&Row>, fields: &mut Fields) -> Result<(), Failure> {
        match object.name.as_str() {
            "Lead" | "Contact" => {
                if old.is_some_and(|old| old.is("IsConverted")) {
                    return Err(Failure::record(
                        "CANNOT_UPDATE_CONVERTED_LEAD",
                        "cannot reference converted lead",
                        &[],
                    ));
                }
                let name = [text(fields, "FirstName"), text(fields, "LastName")].join(" ").trim().to_owned();
                fields.insert("Name".to_owned(), json!(name));
            }
            "Task" => check_task(fields)?,
            "CampaignMember" => self.check_member(old, fields)?,
            "CampaignMemberStatus" => self.check_member_status(old, fields)?,
            _ => {}
        }
        self.check_validation_rules(object, fields)
    }

    fn check_validation_rules(&self, object: &Object, fields: &Fields) -> Result<(), Failure> {
        let broken = self.config.validation_rules.iter().filter(|rule| rule.object == object.name).find(|rule| {
            let value = text(fields, &rule.field);
            rule.contains.as_ref().map_or(value.is_empty(), |part| value.contains(part.as_str()))
        });
        match broken {
            None => Ok(()),
            Some(rule) => {
                Err(Failure::record("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message.clone(), &[&rule.field]))
            }
        }
    }

    pub(super) fn after_create(&mut self, object: &Object, id: &str) {
        match object.name.as_str() {
            "Campaign" => {
                for (order, label) in [(1, "Sent"), (2, "Responded")] {
                    self.plant(
                        "CampaignMemberStatus",
                        json!({"CampaignId": id, "Label": label, "SortOrder": order, "HasResponded": order == 2,
                            "IsDefault": order == 1}),
                    );
                }
            }
            "CampaignMemberStatus" => self.keep_one_default(id),
            _ => {}
        }
    }

    pub(super) fn after_update(&mut self, object: &Object, id: &str) {
        if object.name == "CampaignMemberStatus" {
            self.keep_one_default(id);
        }
    }

    /// A campaign has one default status; the newest claim to be it wins.
    fn keep_one_default(&mut self, id: &str) {
        let Some(row) = self.tables.get("CampaignMemberStatus", id).filter(|row| row.is("IsDefault")) else { return };
        let campaign = row.text("CampaignId").to_owned();
        let others: Vec<(String, Row)> = self
            .statuses(&campaign)
            .filter(|(other, row)| *other != id && row.is("IsDefault"))
            .map(|(other, row)| (other.clone(), row.clone()))
            .collect();
        for (other, mut row) in others {
            row.fields.insert("IsDefault".to_owned(), json!(false));
            self.tables.put("CampaignMemberStatus", &other, Some(row));
        }
    }

    fn statuses(&self, campaign: &str) -> impl Iterator<Item = (&String, &Row)> {
        self.tables.living("CampaignMemberStatus").filter(move |(_, row)| row.text("CampaignId") == campaign)
    }

    fn check_member(&self, old: Option<&Row>, fields: &mut Fields) -> Result<(), Failure> {
        let (lead, contact) = (text(fields, "LeadId").to_owned(), text(fields, "ContactId").to_owned());
        // A conversion adds the contact to a lead's member, which may still be changed afterwards.
        if old.is_none() && lead.is_empty() == contact.is_empty() {
            let message = "A campaign member needs exactly one of LeadId and ContactId";
            return Err(Failure::record("FIELD_INTEGRITY_EXCEPTION", message, &["LeadId", "ContactId"]));
        }
        let campaign = text(fields, "CampaignId").to_owned();
        if old.is_none() {
            let (name, person) = if lead.is_empty() { ("ContactId", &contact) } else { ("LeadId", &lead) };
            let field = self.schema.object("CampaignMember").and_then(|object| object.field(name));
            let members = field.map(|field| self.tables.lookup("CampaignMember", field, &json!(person)));
            let same = |id: &String| {
                self.tables.get("CampaignMember", id).is_some_and(|row| row.text("CampaignId") == campaign)
            };
            if members.unwrap_or_default().iter().any(same) {
                return Err(Failure::record("DUPLICATE_VALUE", "Already a campaign member.", &[]));
            }
        }
        let row = self.member_status(&campaign, text(fields, "Status"))?;
        let responded = row.is_some_and(|row| row.is("HasResponded"));
        if let Some(row) = row {
            fields.insert("Status".to_owned(), row.get("Label").clone());
        }
        fields.insert("HasResponded".to_owned(), json!(responded));
        if responded && fields.get("FirstRespondedDate").is_none_or(Value::is_null) {
            fields.insert("FirstRespondedDate".to_owned(), json!(self.now_text()[..10]));
        }
        Ok(())
    }

    /// The row a member's status means; `None` if the org takes unknown ones as they are.
    fn member_status(&self, campaign: &str, status: &str) -> Result<Option<&Row>, Failure> {
        let default = || self.statuses(campaign).map(|(_, row)| row).find(|row| row.is("IsDefault"));
        if status.is_empty() {
            return Ok(default());
        }
        let known =
            self.statuses(campaign).map(|(_, row)| row).find(|row| row.text("Label").eq_ignore_ascii_case(status));
        match (known, self.config.unknown_member_status) {
            (Some(row), _) => Ok(Some(row)),
            (None, UnknownMemberStatus::Accept) => Ok(None),
            (None, UnknownMemberStatus::UseDefault) => Ok(default()),
            (None, UnknownMemberStatus::Refuse) => {
                let message = format!("Status: bad value for restricted picklist field: {status}");
                Err(Failure::record("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, &["Status"]))
            }
        }
    }

    fn check_member_status(&self, old: Option<&Row>, fields: &mut Fields) -> Result<(), Failure> {
        let campaign = text(fields, "CampaignId").to_owned();
        let own = old.map(|old| old.text("Id").to_owned());
        let label = text(fields, "Label").to_owned();
        let others = || self.statuses(&campaign).filter(|(id, _)| own.as_ref() != Some(id));
        if others().any(|(_, row)| row.text("Label").eq_ignore_ascii_case(&label)) {
            let message = format!("duplicate value found: Label duplicates value {label}");
            return Err(Failure::record("DUPLICATE_VALUE", message, &["Label"]));
        }
        if let Some(old) = old {
            let lost = |name: &str| old.is(name) && fields.get(name) != Some(&json!(true));
            self.check_statuses_left(old, lost("IsDefault"), lost("HasResponded"))?;
        }
        if fields.get("SortOrder").is_none_or(Value::is_null) {
            let highest = others().filter_map(|(_, row)| row.get("SortOrder").as_i64()).max().unwrap_or(0);
            fields.insert("SortOrder".to_owned(), json!(highest + 1));
        }
        Ok(())
    }

    /// A campaign keeps one default status and one that counts as a response.
    pub(super) fn check_statuses_left(&self, row: &Row, default: bool, responded: bool) -> Result<(), Failure> {
        let (id, campaign) = (row.text("Id"), row.text("CampaignId"));
        let other = |name: &str| self.statuses(campaign).any(|(other, row)| other != id && row.is(name));
        let needed = if default && !other("IsDefault") {
            "IsDefault"
        } else if responded && !other("HasResponded") {
            "HasResponded"
        } else {
            return Ok(());
        };
        let message = format!("A campaign needs a member status with {needed}; set it on another one first");
        Err(Failure::record("FIELD_INTEGRITY_EXCEPTION", message, &[needed]))
    }

    pub(super) fn check_duplicates(
        &self,
        caller: &Caller,
        object: &Object,
        own_id: Option<&str>,
        fields: &Fields,
    ) -> Result<(), Failure> {
        let applies = |rule: &&DuplicateRule| rule.object == object.name && rule.action != DuplicateAction::Off;
        let Some(rule) = self.config.duplicate_rules.iter().find(applies).filter(|_| !caller.human) else {
            return Ok(());
        };
        let allow_save = rule.action == DuplicateAction::Alert;
        let candidates = self.candidates(rule, own_id, fields);
        if candidates.is_empty() || (allow_save && caller.allow_save) {
            return Ok(());
        }
        let message = "You're creating a duplicate record. We recommend you use an existing record instead.";
        let mut failure = Failure::record("DUPLICATES_DETECTED", message, &[]);
        failure.duplicates = Some(Box::new(json!({
            "allowSave": allow_save, "duplicateRule": rule.name, "duplicateRuleEntityType": rule.object,
            "errorMessage": message, "matchResults": self.match_results(rule, &candidates, caller.record_details),
        })));
        Err(failure)
    }

    fn candidates(&self, rule: &DuplicateRule, own_id: Option<&str>, fields: &Fields) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for object in &rule.against {
            let same = self.tables.living(object).filter(|(id, row)| {
                own_id != Some(id) && !row.is("IsConverted") && self.same_person(fields, &row.fields)
            });
            found.extend(same.map(|(id, _)| (object.clone(), id.clone())));
        }
        found
    }

    fn same_person(&self, one: &Fields, other: &Fields) -> bool {
        let same = |name: &str| {
            let (left, right) = (folded(text(one, name)), folded(text(other, name)));
            !left.is_empty() && left == right
        };
        let email = text(one, "Email").to_lowercase();
        let same_email = !email.is_empty() && email == text(other, "Email").to_lowercase();
        let company = |fields: &Fields| match text(fields, "AccountId") {
            "" => folded(text(fields, "Company")),
            id => folded(self.tables.get("Account", id).map_or("", |row| row.text("Name"))),
        };
        let same_company = !company(one).is_empty() && company(one) == company(other);
        let is_account = !one.contains_key("LastName");
        same_email || (same("Name") && (same_company || is_account))
    }

    fn match_results(&self, rule: &DuplicateRule, candidates: &[(String, String)], details: bool) -> Value {
        let of = |object: &String| -> Vec<Value> {
            let own = candidates.iter().filter(|(kind, _)| kind == object);
            own.map(|(kind, id)| {
                let url = format!("/services/data/v62.0/sobjects/{kind}/{id}");
                let mut record = json!({"attributes": {"type": kind, "url": url}, "Id": id});
                if let Some(row) = self.tables.get(kind, id).filter(|_| details) {
                    for name in ["Name", "Email", "Phone", "Company", "Title"] {
                        if let Some(value) = row.fields.get(name) {
                            record[name] = value.clone();
                        }
                    }
                }
                json!({"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": record})
            })
            .collect()
        };
        rule.against
            .iter()
            .map(|object| (object, of(object)))
            .filter(|(_, records)| !records.is_empty())
            .map(|(object, records)| {
                json!({"entityType": object, "errors": [], "matchEngine": "FuzzyMatchEngine", "size": records.len(),
                    "matchRecords": records, "rule": rule.matching_rule, "success": true})
            })
            .collect()
    }
}

/// A message that is no draft any more keeps what it says.
pub fn check_editable(object: &Object, old: &Row, given: &Fields) -> Result<(), Failure> {
    let draft = object.name != "EmailMessage" || old.text("Status") == "5";
    let free = |name: &str| name == "IsExternallyVisible" || name.ends_with("__c");
    match given.keys().find(|name| !free(name)).filter(|_| !draft) {
        None => Ok(()),
        Some(name) => {
            let message = format!("Unable to update fields: {name}. The message is no draft.");
            Err(Failure::record("INVALID_FIELD_FOR_INSERT_UPDATE", message, &[name]))
        }
    }
}

/// Letters and digits only, without case: the part of a name a fuzzy rule compares.
fn folded(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn check_task(fields: &mut Fields) -> Result<(), Failure> {
    if text(fields, "WhoId").starts_with("00Q") && !text(fields, "WhatId").is_empty() {
        let message = "You can only specify a value in the Related To field if the Name field refers to a contact";
        return Err(Failure::record("FIELD_INTEGRITY_EXCEPTION", message, &["WhatId"]));
    }
    let closed = text(fields, "Status") == "Completed";
    fields.insert("IsClosed".to_owned(), json!(closed));
    Ok(())
}
