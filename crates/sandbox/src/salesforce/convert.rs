//! Turning a lead into account, contact and opportunity, and merging two records.

use serde_json::{Value, json};

use super::failure::Failure;
use super::org::{Caller, Org};
use super::tables::{Fields, Row};

/// What a conversion is asked to do.
#[derive(Clone, Debug, Default)]
pub struct Conversion {
    pub lead: String,
    pub account: Option<String>,
    pub contact: Option<String>,
    pub status: String,
    pub without_opportunity: bool,
    pub opportunity_name: Option<String>,
    pub owner: Option<String>,
    pub overwrite_source: bool,
}

/// Where the lead went.
#[derive(Clone, Debug)]
pub struct Converted {
    pub account: String,
    pub contact: String,
    pub opportunity: Option<String>,
}

fn copied(lead: &Row, pairs: &[(&str, &str)]) -> Fields {
    let filled = pairs.iter().filter(|(from, _)| !lead.get(from).is_null());
    filled.map(|(from, to)| ((*to).to_owned(), lead.get(from).clone())).collect()
}

const TO_ACCOUNT: [(&str, &str); 9] = [
    ("Company", "Name"),
    ("Street", "BillingStreet"),
    ("City", "BillingCity"),
    ("State", "BillingState"),
    ("PostalCode", "BillingPostalCode"),
    ("Country", "BillingCountry"),
    ("Phone", "Phone"),
    ("Website", "Website"),
    ("Industry", "Industry"),
];
const TO_CONTACT: [(&str, &str); 14] = [
    ("Salutation", "Salutation"),
    ("FirstName", "FirstName"),
    ("LastName", "LastName"),
    ("Title", "Title"),
    ("Email", "Email"),
    ("Phone", "Phone"),
    ("MobilePhone", "MobilePhone"),
    ("Street", "MailingStreet"),
    ("City", "MailingCity"),
    ("State", "MailingState"),
    ("PostalCode", "MailingPostalCode"),
    ("Country", "MailingCountry"),
    ("LeadSource", "LeadSource"),
    ("Description", "Description"),
];

impl Org {
    /// All or nothing: a refusal leaves no half-converted lead.
    pub fn convert(&mut self, caller: &Caller, wish: &Conversion) -> Result<Converted, Failure> {
        let start = self.tables.savepoint();
        let converted = self.convert_steps(caller, wish);
        if converted.is_err() {
            self.tables.roll_back(start);
        }
        converted
    }

    fn convert_steps(&mut self, caller: &Caller, wish: &Conversion) -> Result<Converted, Failure> {
        let lead = self.row("Lead", &wish.lead)?.clone();
        if lead.is("IsConverted") {
            return Err(Failure::record("CANNOT_UPDATE_CONVERTED_LEAD", "lead is already converted", &[]));
        }
        let reached = |row: &Row| row.is("IsConverted") && row.text("MasterLabel") == wish.status;
        if !self.tables.living("LeadStatus").any(|(_, row)| reached(row)) {
            let message = format!("invalid convertedStatus: {}", wish.status);
            return Err(Failure::record("INVALID_STATUS", message, &["convertedStatus"]));
        }
        let lead_owner = Some(lead.text("OwnerId")).filter(|id| id.starts_with("005")).map(str::to_owned);
        let Some(owner) = wish.owner.clone().or(lead_owner) else {
            let message = "Converted objects can only be owned by users. Specify the ownerId.";
            return Err(Failure::record("FIELD_INTEGRITY_EXCEPTION", message, &["OwnerId"]));
        };
        let account = match &wish.account {
            Some(id) => self.row("Account", id).map(|_| id.clone())?,
            None => self.new_from(caller, "Account", copied(&lead, &TO_ACCOUNT), &owner)?,
        };
        let contact = if let Some(id) = &wish.contact {
            self.fill_contact(caller, id, &lead, wish.overwrite_source)?
        } else {
            let mut fields = copied(&lead, &TO_CONTACT);
            fields.insert("AccountId".to_owned(), json!(account));
            self.new_from(caller, "Contact", fields, &owner)?
        };
        let opportunity = if wish.without_opportunity {
            None
        } else {
            let name = wish.opportunity_name.clone().unwrap_or_else(|| lead.text("Company").to_owned());
            let fields = json!({"Name": name, "AccountId": account, "StageName": "Prospecting",
                "CloseDate": self.now_text()[..10]});
            Some(self.new_from(caller, "Opportunity", fields.as_object().cloned().unwrap_or_default(), &owner)?)
        };
        let converted = Converted { account, contact, opportunity };
        self.close_lead(caller, &wish.lead, lead, &wish.status, &converted);
        Ok(converted)
    }

    fn new_from(&mut self, caller: &Caller, object: &str, mut fields: Fields, owner: &str) -> Result<String, Failure> {
        fields.insert("OwnerId".to_owned(), json!(owner));
        // A conversion is no new contact in the eyes of duplicate rules: the lead was there before.
        let caller = Caller { human: true, ..caller.clone() };
        self.create(&caller, object, &fields)
    }

    /// An existing contact keeps what it has and takes the lead's source only on request.
    fn fill_contact(
        &mut self,
        caller: &Caller,
        id: &str,
        lead: &Row,
        overwrite_source: bool,
    ) -> Result<String, Failure> {
        let contact = self.row("Contact", id)?;
        let mut fields = copied(lead, &TO_CONTACT);
        fields.retain(|name, _| contact.get(name).is_null() || (overwrite_source && name == "LeadSource"));
        let caller = Caller { human: true, ..caller.clone() };
        self.update(&caller, "Contact", id, &fields)?;
        Ok(id.to_owned())
    }

    fn close_lead(&mut self, caller: &Caller, id: &str, mut lead: Row, status: &str, converted: &Converted) {
        let today = self.now_text()[..10].to_owned();
        for (name, value) in [
            ("IsConverted", json!(true)),
            ("Status", json!(status)),
            ("ConvertedDate", json!(today)),
            ("ConvertedAccountId", json!(converted.account)),
            ("ConvertedContactId", json!(converted.contact)),
            ("ConvertedOpportunityId", json!(converted.opportunity)),
        ] {
            lead.fields.insert(name.to_owned(), value);
        }
        self.stamp(&mut lead.fields, &caller.user);
        lead.client.clone_from(&caller.client);
        self.tables.put("Lead", id, Some(lead));
        let field = self.schema.object("CampaignMember").and_then(|object| object.field("LeadId")).cloned();
        let members = field.map(|field| self.tables.lookup("CampaignMember", &field, &json!(id))).unwrap_or_default();
        for member in members {
            if let Some(mut row) = self.tables.get("CampaignMember", &member).cloned() {
                row.fields.insert("ContactId".to_owned(), json!(converted.contact));
                self.stamp(&mut row.fields, &caller.user);
                self.tables.put("CampaignMember", &member, Some(row));
            }
        }
    }

    /// The loser goes to the recycle bin and names the winner, which takes what it lacked.
    pub fn merge(&mut self, caller: &Caller, object: &str, loser: &str, winner: &str) -> Result<(), Failure> {
        let lost = self.row(object, loser)?.clone();
        let mut kept = self.row(object, winner)?.clone();
        if loser == winner {
            return Err(Failure::record("INVALID_CROSS_REFERENCE_KEY", "a record cannot be merged with itself", &[]));
        }
        let unique: Vec<String> =
            self.object(object)?.fields.iter().filter(|f| f.unique).map(|f| f.name.clone()).collect();
        for (name, value) in &lost.fields {
            if kept.get(name).is_null() && !unique.contains(name) && name != "MasterRecordId" {
                kept.fields.insert(name.clone(), value.clone());
            }
        }
        self.stamp(&mut kept.fields, &caller.user);
        self.tables.put(object, winner, Some(kept));
        self.delete(caller, object, loser)?;
        if let Some(mut row) = self.tables.get(object, loser).cloned() {
            row.fields.insert("MasterRecordId".to_owned(), json!(winner));
            self.tables.put(object, loser, Some(row));
        }
        Ok(())
    }

    /// What a person does in the user interface. Besides fields it understands `IsDeleted`, true for the recycle
    /// bin and false for out of it, `IsConverted: true` on a lead, and `MasterRecordId` as a merge into that record; an
    /// empty id creates.
    pub fn human_edit(&mut self, object: &str, id: &str, mut fields: Fields) -> Result<String, Failure> {
        let caller = Caller {
            user: super::org::human_user(),
            client: None,
            assign: super::org::Assign::Never,
            allow_save: true,
            record_details: false,
            human: true,
        };
        if id.is_empty() {
            return self.create(&caller, object, &fields);
        }
        let id = super::ids::parse(id).ok_or_else(Failure::no_resource)?;
        if let Some(winner) = fields.get("MasterRecordId").and_then(Value::as_str).and_then(super::ids::parse) {
            self.merge(&caller, object, &id, &winner)?;
        } else if fields.get("IsDeleted") == Some(&json!(true)) {
            self.delete(&caller, object, &id)?;
        } else if fields.get("IsDeleted") == Some(&json!(false)) {
            self.undelete(&caller, object, &id)?;
        } else if object.eq_ignore_ascii_case("Lead") && fields.remove("IsConverted") == Some(json!(true)) {
            let status = super::catalog::LEAD_STATES.last().copied().unwrap_or_default();
            let owner = Some(caller.user.clone());
            let wish = Conversion {
                lead: id.clone(),
                status: status.to_owned(),
                owner,
                without_opportunity: true,
                ..Conversion::default()
            };
            self.convert(&caller, &wish)?;
        } else if object.eq_ignore_ascii_case("User") {
            self.edit_user(&caller, &id, fields)?;
        } else {
            self.update(&caller, object, &id, &fields)?;
        }
        Ok(id)
    }

    /// Users are no business of the API here, but an admin can for example deactivate one.
    fn edit_user(&mut self, caller: &Caller, id: &str, fields: Fields) -> Result<(), Failure> {
        let mut row = self.row("User", id)?.clone();
        row.fields.extend(fields);
        self.stamp(&mut row.fields, &caller.user);
        self.tables.put("User", id, Some(row));
        Ok(())
    }
}
