//! The ledger: what was sent, what was accepted, what the CRMs hold, and where the three disagree.
//!
//! It reads the CRMs' own state and nothing that the service says of itself.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

/// What one CRM must hold for everybody, once each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    Person,
    Task,
    Attendance,
}

impl Thing {
    const ALL: [Thing; 3] = [Thing::Person, Thing::Task, Thing::Attendance];
}

/// What one CRM holds, by e-mail address.
#[derive(Debug, Default)]
pub struct Shelf {
    counts: HashMap<(Thing, String), usize>,
    /// Things that belong to nobody, by what they are.
    strangers: Vec<String>,
    /// Companies and fairs that are there more than once, by name.
    doubled: Vec<String>,
    /// The mobile number of each person, as the CRM shows it.
    mobiles: HashMap<String, String>,
    /// The companies to which each person belongs, by name.
    companies: HashMap<String, Vec<String>>,
}

/// What both CRMs hold.
#[derive(Debug)]
pub struct Books {
    pub salesforce: Shelf,
    pub hubspot: Shelf,
}

impl Books {
    /// Reads what `/_sandbox/state` returns.
    pub fn of(state: &Value) -> Books {
        Books { salesforce: salesforce(&state["salesforce"]), hubspot: hubspot(&state["hubspot"]) }
    }

    fn shelves(&self) -> [(&'static str, &Shelf); 2] {
        [("salesforce", &self.salesforce), ("hubspot", &self.hubspot)]
    }
}

fn rows<'a>(state: &'a Value, name: &str) -> &'a [Value] {
    state[name].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

impl Shelf {
    fn add(&mut self, thing: Thing, email: &str) {
        *self.counts.entry((thing, email.to_lowercase())).or_default() += 1;
    }

    fn describe<'a>(&mut self, email: &str, mobile: &str, companies: impl Iterator<Item = &'a str>) {
        let email = email.to_lowercase();
        if !mobile.is_empty() {
            self.mobiles.insert(email.clone(), mobile.to_owned());
        }
        self.companies.entry(email).or_default().extend(companies.map(str::to_owned));
    }

    /// Counts `thing` for whoever `id` is; without such a person it is a stranger.
    fn add_for(&mut self, thing: Thing, people: &HashMap<&str, &str>, id: &str, own_id: &str) {
        match people.get(id) {
            Some(email) => self.add(thing, email),
            None => self.strangers.push(format!("{thing:?} {own_id} of nobody")),
        }
    }

    fn only_once<'a>(&mut self, what: &str, names: impl Iterator<Item = &'a str>) {
        let mut seen = HashSet::new();
        let doubled = names.filter(|name| !name.is_empty() && !seen.insert(*name));
        self.doubled.extend(doubled.map(|name| format!("{what} {name}")));
    }

    fn count(&self, thing: Thing, email: &str) -> usize {
        self.counts.get(&(thing, email.to_owned())).copied().unwrap_or(0)
    }
}

fn salesforce(state: &Value) -> Shelf {
    let mut shelf = Shelf::default();
    let mut people = HashMap::new();
    let accounts: HashMap<&str, &str> =
        rows(state, "Account").iter().map(|row| (text(row, "Id"), text(row, "Name"))).collect();
    // A Lead carries its company as text, a Contact hangs on an Account.
    let company_of = |row| match text(row, "Company") {
        "" => accounts.get(text(row, "AccountId")).copied(),
        company => Some(company),
    };
    for row in rows(state, "Lead").iter().chain(rows(state, "Contact")) {
        let (id, email) = (text(row, "Id"), text(row, "Email"));
        if email.is_empty() {
            shelf.strangers.push(format!("person {id} without an address"));
        } else {
            people.insert(id, email);
            shelf.add(Thing::Person, email);
            shelf.describe(email, text(row, "MobilePhone"), company_of(row).into_iter());
        }
    }
    for row in rows(state, "Task") {
        shelf.add_for(Thing::Task, &people, text(row, "WhoId"), text(row, "Id"));
    }
    for row in rows(state, "CampaignMember") {
        let who = [text(row, "ContactId"), text(row, "LeadId")].into_iter().find(|id| !id.is_empty());
        shelf.add_for(Thing::Attendance, &people, who.unwrap_or_default(), text(row, "Id"));
    }
    shelf.only_once("campaign", rows(state, "Campaign").iter().map(|row| text(row, "Name")));
    shelf.only_once("account", rows(state, "Account").iter().map(|row| text(row, "Name")));
    shelf
}

fn hubspot(state: &Value) -> Shelf {
    let mut shelf = Shelf::default();
    let mut people = HashMap::new();
    let living = |name| rows(state, name).iter().filter(|row| row["archived"] != true);
    let companies: HashMap<&str, &str> =
        living("companies").map(|row| (text(row, "id"), text(&row["properties"], "name"))).collect();
    for row in living("contacts") {
        let (id, email) = (text(row, "id"), text(&row["properties"], "email"));
        if email.is_empty() {
            shelf.strangers.push(format!("contact {id} without an address"));
        } else {
            people.insert(id, email);
            shelf.add(Thing::Person, email);
            let hangs_on = rows(&row["associations"], "companies").iter();
            let names = hangs_on.filter_map(|company| companies.get(text(company, "id")).copied());
            shelf.describe(email, text(&row["properties"], "mobilephone"), names);
        }
    }
    for row in living("tasks") {
        let contacts = rows(&row["associations"], "contacts");
        if contacts.is_empty() {
            shelf.strangers.push(format!("task {} of nobody", text(row, "id")));
        }
        for contact in contacts {
            shelf.add_for(Thing::Task, &people, text(contact, "id"), text(row, "id"));
        }
    }
    for event in living("marketing_events") {
        // Having registered and having come are two entries of one attendance; the same entry twice is a double.
        let (mut entries, mut known) = (HashSet::new(), HashSet::new());
        for seen in rows(event, "attendance") {
            let (contact, entry) = (text(seen, "contactId"), text(seen, "state"));
            if !entries.insert((contact, entry)) || known.insert(contact) {
                shelf.add_for(Thing::Attendance, &people, contact, text(event, "id"));
            }
        }
    }
    shelf.only_once("event", living("marketing_events").map(|row| text(&row["event"], "eventName")));
    shelf.only_once("company", living("companies").map(|row| text(&row["properties"], "name")));
    shelf
}

/// Where what was accepted and what is there disagree.
#[derive(Debug, Default, Serialize)]
pub struct Verdict {
    /// People of whom something is missing, with what and where.
    pub lost: BTreeMap<String, Vec<String>>,
    /// What is there more than once.
    pub duplicated: Vec<String>,
    /// What is there and was never sent, or belongs to nobody.
    pub unexpected: Vec<String>,
}

impl Verdict {
    /// How much of each kind is doubled in each CRM.
    pub fn duplicates(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for what in &self.duplicated {
            // "hubspot: 2 × Task of …" and "hubspot: company … twice"
            let words = what.split(' ').filter(|word| *word != "×" && word.parse::<usize>().is_err()).take(2);
            *counts.entry(words.collect::<Vec<_>>().join(" ")).or_default() += 1;
        }
        counts
    }

    pub fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.duplicated.is_empty() && self.unexpected.is_empty()
    }
}

/// Who was sent, and of whom at least one lead was accepted.
#[derive(Debug, Default, Clone)]
pub struct Ledger {
    pub attempted: HashSet<String>,
    pub accepted: HashSet<String>,
    /// What second leads said that were accepted.
    pub mobiles: HashMap<String, HashSet<String>>,
    pub companies: HashMap<String, String>,
}

/// Numbers are written in several ways, but they end alike.
fn same_number(one: &str, other: &str) -> bool {
    let end = |number: &str| {
        let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).rev().take(8).collect();
        (digits.len() == 8).then_some(digits)
    };
    end(one).is_some() && end(one) == end(other)
}

impl Ledger {
    /// A lead about this person was accepted.
    pub fn accept(&mut self, email: &str, company: &str, mobile: Option<&str>) {
        self.accepted.insert(email.to_owned());
        self.companies.insert(email.to_owned(), company.to_owned());
        if let Some(mobile) = mobile {
            self.mobiles.entry(email.to_owned()).or_default().insert(mobile.to_owned());
        }
    }

    /// What of the accepted leads about somebody a CRM does not show, beside the things that are counted.
    fn unsaid(&self, email: &str, at: &Shelf) -> Vec<&'static str> {
        let mut missing = Vec::new();
        // Several second leads say several numbers, and a CRM has room for one of them.
        if let Some(told) = self.mobiles.get(email) {
            let shown = at.mobiles.get(email);
            if !shown.is_some_and(|shown| told.iter().any(|mobile| same_number(mobile, shown))) {
                missing.push("the second lead's mobile");
            }
        }
        if let Some(company) = self.companies.get(email) {
            let shown = at.companies.get(email);
            if !shown.is_some_and(|shown| shown.iter().any(|name| name.eq_ignore_ascii_case(company))) {
                missing.push("the company");
            }
        }
        missing
    }

    pub fn judge(&self, books: &Books) -> Verdict {
        let mut verdict = Verdict::default();
        for (crm, shelf) in books.shelves() {
            for email in &self.accepted {
                for thing in Thing::ALL {
                    if shelf.count(thing, email) == 0 {
                        let missing = format!("{thing:?} in {crm}").to_lowercase();
                        verdict.lost.entry(email.clone()).or_default().push(missing);
                    }
                }
                for what in self.unsaid(email, shelf) {
                    verdict.lost.entry(email.clone()).or_default().push(format!("{what} in {crm}"));
                }
            }
            for ((thing, email), count) in &shelf.counts {
                if *count > 1 {
                    verdict.duplicated.push(format!("{crm}: {count} × {thing:?} of {email}"));
                }
                if !self.attempted.contains(email) {
                    verdict.unexpected.push(format!("{crm}: {thing:?} of {email}, who was never sent"));
                }
            }
            verdict.duplicated.extend(shelf.doubled.iter().map(|what| format!("{crm}: {what} twice")));
            verdict.unexpected.extend(shelf.strangers.iter().map(|what| format!("{crm}: {what}")));
        }
        verdict.duplicated.sort();
        verdict.unexpected.sort();
        verdict
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state() -> Value {
        json!({
            "salesforce": {
                "Lead": [{"Id": "00Q1", "Email": "a@x.example", "Company": "X GmbH", "MobilePhone": "+49 151 20000001"}],
                "Task": [{"Id": "00T1", "WhoId": "00Q1"}],
                "CampaignMember": [{"Id": "00v1", "CampaignId": "7011", "LeadId": "00Q1"}],
                "Campaign": [{"Id": "7011", "Name": "Fair"}]
            },
            "hubspot": {
                "companies": [{"id": "7", "properties": {"name": "X GmbH"}}],
                "contacts": [{"id": "1", "properties": {"email": "a@x.example", "mobilephone": "+4915120000001"},
                    "associations": {"companies": [{"id": "7"}]}}],
                "tasks": [{"id": "2", "associations": {"contacts": [{"id": "1"}]}}],
                "marketing_events": [{"id": "3", "event": {"eventName": "Fair"}, "attendance": [{"contactId": "1"}]}]
            }
        })
    }

    fn judge(state: &Value) -> Verdict {
        let sent: HashSet<String> = ["a@x.example".to_owned()].into();
        let mut ledger = Ledger { attempted: sent, ..Ledger::default() };
        ledger.accept("a@x.example", "X GmbH", None);
        ledger.accept("a@x.example", "X GmbH", Some("0151 20000001"));
        ledger.judge(&Books::of(state))
    }

    #[test]
    fn what_a_second_lead_said_and_where_somebody_belongs_are_missed() {
        for (path, value) in [
            ("/salesforce/Lead/0/MobilePhone", json!("+49 151 20000002")),
            ("/salesforce/Lead/0/MobilePhone", json!(null)),
            ("/salesforce/Lead/0/Company", json!("Y GmbH")),
            ("/hubspot/contacts/0/properties/mobilephone", json!("")),
            ("/hubspot/contacts/0/associations/companies", json!([])),
            ("/hubspot/companies/0/properties/name", json!("Y GmbH")),
        ] {
            let mut state = state();
            *state.pointer_mut(path).unwrap() = value;
            let verdict = judge(&state);
            assert_eq!(verdict.lost["a@x.example"].len(), 1, "{path}: {verdict:?}");
        }
        let mut contact = state();
        let mut row = contact["salesforce"]["Lead"][0].take();
        row["Company"] = json!(null);
        row["AccountId"] = json!("001");
        contact["salesforce"]["Lead"] = json!([]);
        contact["salesforce"]["Contact"] = json!([row]);
        assert_eq!(judge(&contact).lost["a@x.example"], ["the company in salesforce"]);
        contact["salesforce"]["Account"] = json!([{"Id": "001", "Name": "X GmbH"}]);
        assert!(judge(&contact).is_clean());
    }

    #[test]
    fn agreement_is_clean() {
        assert!(judge(&state()).is_clean());
    }

    #[test]
    fn each_missing_thing_is_lost() {
        for (crm, table) in [
            ("salesforce", "Lead"),
            ("salesforce", "Task"),
            ("salesforce", "CampaignMember"),
            ("hubspot", "contacts"),
            ("hubspot", "tasks"),
            ("hubspot", "marketing_events"),
        ] {
            let mut state = state();
            state[crm][table] = json!([]);
            assert_eq!(judge(&state).lost.len(), 1, "{crm} {table}");
        }
    }

    #[test]
    fn each_double_is_seen_and_a_stranger_too() {
        for (crm, table) in [
            ("salesforce", "Lead"),
            ("salesforce", "Task"),
            ("salesforce", "CampaignMember"),
            ("salesforce", "Campaign"),
            ("hubspot", "contacts"),
            ("hubspot", "tasks"),
            ("hubspot", "marketing_events"),
        ] {
            let mut state = state();
            let row = state[crm][table][0].clone();
            state[crm][table].as_array_mut().unwrap().push(row);
            assert!(!judge(&state).duplicated.is_empty(), "{crm} {table}");
        }
        let mut state = state();
        state["hubspot"]["contacts"][0]["properties"]["email"] = json!("b@x.example");
        assert!(!judge(&state).unexpected.is_empty());
    }
}
