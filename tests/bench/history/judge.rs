//! What became of the edits: the journal of both CRMs is played again, and judged with what they hold at the end.
//!
//! Truth is what people did last, in the order in which they really did it; the service's own writes change nothing
//! of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use mittler_sandbox::{
    Vendor,
    journal::{Act, By, Entry},
};
use serde_json::Value;

use super::script::{Field, Side};

/// Two edits of a field in both CRMs that are as close as this are not told apart: Salesforce's stamps are whole
/// seconds.
const CLOSE_MS: i64 = 2_000;
/// A write that was planned so shortly before somebody's edit may land after it: neither CRM can be asked to refuse it.
const CROSSED_MS: i64 = 1_500;
/// How much earlier than a hook its change may have been, and how much later it is read if the hook was lost.
const TOLD_MS: i64 = 3_000;
const READ_MS: i64 = 65_000;
/// So long ago the other CRM may have shown what we write: the time of a call and its repetition.
const UNDER_WAY_MS: i64 = 5_000;

/// Who is who, and what is known of the fields that wait for an answer.
pub struct Cast {
    /// Remote ids of the people of the script, as both CRMs had them when it began.
    pub ids: HashMap<(Side, String), usize>,
    /// How many entries the journal had then.
    pub begun: usize,
    /// Fields that the service does not tell for now, with the reason: by CRM, remote id and name of the field.
    pub held: HashMap<(Side, String, String), String>,
    /// Whether hooks were lost or late, so that changes were read together.
    pub blurs: bool,
    /// Remote ids about which an open question is: deleted or merged there.
    pub asked: HashSet<String>,
}

#[derive(Debug, Default)]
pub struct Verdict {
    /// Edits of a field in a record.
    pub edits: usize,
    /// The last edit of a field is not in both CRMs.
    pub lost: Vec<String>,
    /// A field differs between the CRMs and no question is open about it.
    pub disagreements: Vec<String>,
    /// Records that the service made of people who had one.
    pub duplicates: Vec<String>,
    /// A write that changed nothing, or wrote what the other CRM did not say.
    pub echo_writes: Vec<String>,
    /// A write over an edit that was newer.
    pub overwritten_newer: Vec<String>,
    /// The same where edit and write crossed on the way.
    pub crossed: usize,
    /// The older of two edits of a field holds, and another field of one of the records was edited meanwhile: when a
    /// field was changed is then not to be seen if its hook was lost or late.
    pub blurred: usize,
    pub close_edits: usize,
    /// Fields and people that wait for somebody's answer, by reason.
    pub held: BTreeMap<String, usize>,
    /// People whose record is gone, and nobody is asked about it.
    pub unasked: Vec<String>,
    pub writes: usize,
    /// Saves by people that changed what both CRMs have.
    pub changes: usize,
}

impl Verdict {
    pub fn is_clean(&self) -> bool {
        [&self.lost, &self.disagreements, &self.duplicates, &self.overwritten_newer].iter().all(|all| all.is_empty())
    }
}

/// What a field shows, and who put it there.
#[derive(Debug, Clone, Default)]
struct Cell {
    value: String,
    /// When somebody said so, in either CRM.
    said_ms: i64,
    by_user: bool,
    /// All that it showed: since when, what, and when that was said.
    before: Vec<(i64, String, i64)>,
}

#[derive(Debug, Clone)]
struct Edit {
    order: usize,
    at_ms: i64,
    value: String,
}

#[derive(Default)]
struct Play {
    cells: HashMap<(usize, Side, Field), Cell>,
    edits: HashMap<(usize, Side, Field), Edit>,
    /// All edits of a record, in order.
    saves: HashMap<(usize, Side), Vec<(i64, Field)>>,
    blurs: bool,
    /// Fields where an edit and a write crossed.
    crossed: HashSet<(usize, Field)>,
    gone: HashSet<(usize, Side)>,
    /// Whose record of HubSpot became another's.
    merged: HashSet<usize>,
    /// The living record of each person.
    records: HashMap<(usize, Side), (String, String)>,
    verdict: Verdict,
}

fn side(vendor: Vendor) -> Side {
    match vendor {
        Vendor::Salesforce => Side::Salesforce,
        Vendor::Hubspot => Side::Hubspot,
    }
}

fn is_person(remote_type: &str) -> bool {
    matches!(remote_type, "Lead" | "Contact" | "contacts")
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value as it is compared: what only looks different is the same.
fn plain(field: Field, value: &Value) -> String {
    let text = text(value);
    let text = text.trim();
    match field {
        Field::Phone | Field::Mobile => {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            digits.strip_prefix('0').map_or(digits.clone(), |rest| format!("49{rest}"))
        }
        Field::Website => {
            let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
            rest.strip_prefix("www.").unwrap_or(rest).trim_end_matches('/').to_lowercase()
        }
        Field::Email => text.to_lowercase(),
        _ => text.to_owned(),
    }
}

fn name_of(field: Field, remote_type: &str) -> Option<&'static str> {
    let (lead, contact, hubspot) = field.names();
    match remote_type {
        "Lead" => Some(lead),
        "Contact" => contact,
        _ => Some(hubspot),
    }
}

pub fn judge(entries: &[Entry], cast: &Cast) -> Verdict {
    // Where leads and contacts went is known before any of it is played.
    let mut ids = cast.ids.clone();
    for entry in entries.iter().skip(cast.begun) {
        let side = side(entry.vendor);
        let went = match entry.act {
            Act::Merge => entry.merged.first().cloned().map(|primary| (primary, entry.id.clone())),
            Act::Update => entry
                .fields
                .get("ConvertedContactId")
                .map(|change| (entry.id.clone(), text(&change.after)))
                .filter(|(_, contact)| !contact.is_empty()),
            _ => None,
        };
        if let Some((from, to)) = went
            && let Some(&person) = ids.get(&(side, from))
        {
            ids.insert((side, to), person);
        }
    }
    let mut play = Play { blurs: cast.blurs, ..Play::default() };
    for (order, entry) in entries.iter().enumerate().filter(|(_, entry)| is_person(&entry.r#type)) {
        match ids.get(&(side(entry.vendor), entry.id.clone())) {
            Some(&person) => play.entry(order, entry, person, &ids, order >= cast.begun),
            None if entry.act == Act::Create && order >= cast.begun => {
                play.verdict.duplicates.push(format!("{} {} was made", entry.r#type, entry.id));
            }
            None => {}
        }
    }
    play.end(cast)
}

impl Play {
    fn entry(
        &mut self,
        order: usize,
        entry: &Entry,
        person: usize,
        ids: &HashMap<(Side, String), usize>,
        counts: bool,
    ) {
        let side = side(entry.vendor);
        let user = entry.by == By::User;
        match entry.act {
            Act::Delete | Act::Erase => {
                self.gone.insert((person, side));
                return;
            }
            Act::Restore => {
                self.gone.remove(&(person, side));
                self.verdict.changes += 1;
                return;
            }
            Act::Merge => {
                let others = entry.merged.iter().skip(1).filter_map(|id| ids.get(&(side, id.clone())));
                self.merged.extend(others);
                self.verdict.changes += 1;
            }
            Act::Create | Act::Update => {}
        }
        let converted = entry.fields.get("ConvertedContactId").is_some_and(|change| !change.after.is_null());
        if converted {
            self.verdict.changes += 1;
            return;
        }
        self.records.insert((person, side), (entry.r#type.clone(), entry.id.clone()));
        let fields: Vec<(Field, String)> = Field::ALL
            .into_iter()
            .filter_map(|field| {
                let change = entry.fields.get(name_of(field, &entry.r#type)?)?;
                Some((field, plain(field, &change.after)))
            })
            .collect();
        if counts && !user && entry.act == Act::Update {
            self.verdict.writes += 1;
            if entry.fields.is_empty() {
                self.verdict.echo_writes.push(format!("#{order} {} {} changed nothing", entry.r#type, entry.id));
            }
        }
        let mut edited = false;
        for (field, value) in fields {
            let had = self.cells.get(&(person, side, field)).map(|cell| cell.value.clone()).unwrap_or_default();
            // What a record takes along when it is converted or merged is no edit, but for what it did not have.
            let copied = counts && user && entry.act != Act::Update && had == value;
            if copied {
                continue;
            }
            if !counts {
                self.put(person, side, field, value, entry.at_ms, entry.at_ms, false);
            } else if user {
                edited = true;
                self.verdict.edits += 1;
                self.saves.entry((person, side)).or_default().push((entry.at_ms, field));
                self.edits.insert((person, side, field), Edit { order, at_ms: entry.at_ms, value: value.clone() });
                self.put(person, side, field, value, entry.at_ms, entry.at_ms, true);
            } else {
                self.written(order, entry, person, field, value);
            }
        }
        self.verdict.changes += usize::from(edited && entry.act == Act::Update);
    }

    #[expect(clippy::too_many_arguments, reason = "one change of one cell")]
    fn put(&mut self, person: usize, side: Side, field: Field, value: String, at: i64, said: i64, by_user: bool) {
        let cell = self.cells.entry((person, side, field)).or_default();
        cell.before.push((at, value.clone(), said));
        (cell.value, cell.said_ms, cell.by_user) = (value, said, by_user);
    }

    /// A write of the service: what it writes must be what the other CRM says, and newer than what it replaces.
    fn written(&mut self, order: usize, entry: &Entry, person: usize, field: Field, value: String) {
        let (side, at) = (side(entry.vendor), entry.at_ms);
        let what = format!("#{order} person {person} {field:?} in {} {}", entry.r#type, entry.id);
        let other = self.cells.get(&(person, side.other(), field)).cloned().unwrap_or_default();
        let ends = other.before.iter().skip(1).map(|(since, _, _)| *since).chain([i64::MAX]);
        let said: Vec<(i64, i64)> = other
            .before
            .iter()
            .zip(ends)
            .filter(|((_, it, _), _)| *it == value)
            .map(|((_, _, said), until)| (until, *said))
            .collect();
        let Some(&(until, said)) = said.last() else {
            self.verdict.echo_writes.push(format!("{what}: {value:?} was never in the other CRM"));
            self.put(person, side, field, value, at, at, false);
            return;
        };
        if until < at - UNDER_WAY_MS {
            let behind = at - until;
            self.verdict.echo_writes.push(format!("{what}: {value:?} left the other CRM {behind} ms ago"));
        }
        let own = self.cells.get(&(person, side, field)).cloned().unwrap_or_default();
        if own.by_user && own.value != value && said < own.said_ms - CLOSE_MS {
            if own.said_ms > at - CROSSED_MS {
                self.verdict.crossed += 1;
                self.crossed.insert((person, field));
            } else if self.is_blurred(person, field, said, own.said_ms) {
                self.verdict.blurred += 1;
            } else {
                self.verdict.overwritten_newer.push(format!(
                    "{what}: {value:?}, said {} ms ago, over {:?}, said {} ms ago",
                    at - said,
                    own.value,
                    at - own.said_ms
                ));
            }
        }
        self.put(person, side, field, value, at, said, false);
    }

    /// Whether a CRM could not show which of two edits of a field was the later one.
    fn is_blurred(&self, person: usize, field: Field, older: i64, newer: i64) -> bool {
        let both = [Side::Salesforce, Side::Hubspot];
        let mut saves = both.into_iter().filter_map(|side| self.saves.get(&(person, side))).flatten();
        let meanwhile = older - TOLD_MS..newer + READ_MS;
        self.blurs && saves.any(|(at, other)| *other != field && meanwhile.contains(at))
    }

    fn end(mut self, cast: &Cast) -> Verdict {
        let mut people: Vec<usize> = cast.ids.values().copied().collect();
        people.sort_unstable();
        people.dedup();
        for person in people {
            let both = [Side::Salesforce, Side::Hubspot];
            let gone = both.into_iter().find(|side| self.gone.contains(&(person, *side)));
            if gone.is_some() || self.merged.contains(&person) {
                self.waits(person, gone, cast);
                continue;
            }
            for field in Field::ALL {
                self.compare(person, field, cast);
            }
        }
        self.verdict
    }

    /// Somebody whose record is gone: a person is to be asked.
    fn waits(&mut self, person: usize, gone: Option<Side>, cast: &Cast) {
        let why = if gone.is_some() { "deleted" } else { "merged" };
        *self.verdict.held.entry(why.to_owned()).or_default() += 1;
        let ids = cast.ids.iter().filter(|(_, it)| **it == person).map(|((_, id), _)| id);
        let now = self.records.iter().filter(|((it, _), _)| *it == person).map(|(_, (_, id))| id);
        if !ids.chain(now).any(|id| cast.asked.contains(id)) {
            self.verdict.unasked.push(format!("person {person}: {why}, and nobody is asked"));
        }
    }

    fn compare(&mut self, person: usize, field: Field, cast: &Cast) {
        let mut held = None;
        for side in [Side::Salesforce, Side::Hubspot] {
            let Some((remote_type, id)) = self.records.get(&(person, side)) else { return };
            let Some(name) = name_of(field, remote_type) else { return };
            held = held.or_else(|| cast.held.get(&(side, id.clone(), name.to_owned())));
        }
        let shown = |side| self.cells.get(&(person, side, field)).map(|cell| cell.value.clone()).unwrap_or_default();
        let (salesforce, hubspot) = (shown(Side::Salesforce), shown(Side::Hubspot));
        let of = |side| self.edits.get(&(person, side, field));
        let (a, b) = (of(Side::Salesforce), of(Side::Hubspot));
        let last = a.into_iter().chain(b).max_by_key(|edit| edit.order);
        let close = a.zip(b).is_some_and(|(a, b)| (a.at_ms - b.at_ms).abs() <= CLOSE_MS);
        let tell = |edit: Option<&Edit>| edit.map(|edit| format!("#{} {:?}", edit.order, edit.value));
        let what = format!(
            "person {person} {field:?}: Salesforce {salesforce:?}, HubSpot {hubspot:?}; edited there {:?}, {:?}",
            tell(a),
            tell(b)
        );
        let blurred = a.zip(b).is_some_and(|(a, b)| {
            let (older, newer) = (a.at_ms.min(b.at_ms), a.at_ms.max(b.at_ms));
            self.is_blurred(person, field, older, newer)
        });
        let verdict = &mut self.verdict;
        verdict.close_edits += usize::from(close);
        if let Some(code) = held {
            *verdict.held.entry(code.clone()).or_default() += 1;
        } else if salesforce != hubspot {
            verdict.disagreements.push(what);
        } else if let Some(last) = last
            && last.value != salesforce
            && !close
            && !self.crossed.contains(&(person, field))
        {
            if blurred {
                verdict.blurred += 1;
            } else {
                verdict.lost.push(what);
            }
        }
    }
}
