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
    for row in rows(state, "Lead").iter().chain(rows(state, "Contact")) {
        let (id, email) = (text(row, "Id"), text(row, "Email"));
        if email.is_empty() {
            shelf.strangers.push(format!("person {id} without an address"));
        } else {
            people.insert(id, email);
            shelf.add(Thing::Person, email);
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
    for row in living("contacts") {
        let (id, email) = (text(row, "id"), text(&row["properties"], "email"));
        if email.is_empty() {
            shelf.strangers.push(format!("contact {id} without an address"));
        } else {
            people.insert(id, email);
            shelf.add(Thing::Person, email);
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
}

impl Ledger {
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
                "Lead": [{"Id": "00Q1", "Email": "a@x.example"}],
                "Task": [{"Id": "00T1", "WhoId": "00Q1"}],
                "CampaignMember": [{"Id": "00v1", "CampaignId": "7011", "LeadId": "00Q1"}],
                "Campaign": [{"Id": "7011", "Name": "Fair"}]
            },
            "hubspot": {
                "contacts": [{"id": "1", "properties": {"email": "a@x.example"}}],
                "tasks": [{"id": "2", "associations": {"contacts": [{"id": "1"}]}}],
                "marketing_events": [{"id": "3", "event": {"eventName": "Fair"}, "attendance": [{"contactId": "1"}]}]
            }
        })
    }

    fn judge(state: &Value) -> Verdict {
        let sent: HashSet<String> = ["a@x.example".to_owned()].into();
        Ledger { attempted: sent.clone(), accepted: sent }.judge(&Books::of(state))
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
