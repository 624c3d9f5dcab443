//! What the people of both CRMs do: a seeded list of steps, drawn before anything runs.

use std::time::Duration;

use fastrand::Rng;

use crate::people::letters;

/// A field that both CRMs have and either may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    FirstName,
    LastName,
    Email,
    Position,
    Phone,
    Mobile,
    Street,
    PostalCode,
    City,
    Website,
}

impl Field {
    pub const ALL: [Field; 10] = [
        Field::FirstName,
        Field::LastName,
        Field::Email,
        Field::Position,
        Field::Phone,
        Field::Mobile,
        Field::Street,
        Field::PostalCode,
        Field::City,
        Field::Website,
    ];

    /// What it is called on a lead, on a contact of Salesforce, and in HubSpot.
    pub fn names(self) -> (&'static str, Option<&'static str>, &'static str) {
        match self {
            Field::FirstName => ("FirstName", Some("FirstName"), "firstname"),
            Field::LastName => ("LastName", Some("LastName"), "lastname"),
            Field::Email => ("Email", Some("Email"), "email"),
            Field::Position => ("Title", Some("Title"), "jobtitle"),
            Field::Phone => ("Phone", Some("Phone"), "phone"),
            Field::Mobile => ("MobilePhone", Some("MobilePhone"), "mobilephone"),
            Field::Street => ("Street", Some("MailingStreet"), "address"),
            Field::PostalCode => ("PostalCode", Some("MailingPostalCode"), "zip"),
            Field::City => ("City", Some("MailingCity"), "city"),
            Field::Website => ("Website", None, "website"),
        }
    }

    /// With how often each is drawn.
    const WEIGHTS: [(Field, u32); 10] = [
        (Field::Position, 30),
        (Field::City, 20),
        (Field::Phone, 12),
        (Field::Mobile, 8),
        (Field::Street, 8),
        (Field::PostalCode, 5),
        (Field::FirstName, 5),
        (Field::LastName, 4),
        (Field::Website, 5),
        (Field::Email, 3),
    ];

    fn draw(dice: &mut Rng) -> Field {
        let mut ticket = dice.u32(0..Self::WEIGHTS.iter().map(|(_, weight)| weight).sum());
        for (field, weight) in Self::WEIGHTS {
            if ticket < weight {
                return field;
            }
            ticket -= weight;
        }
        Field::Position
    }

    /// Neither CRM insists on it, and nobody is known by it.
    fn may_be_empty(self) -> bool {
        !matches!(self, Field::LastName | Field::Email)
    }

    /// A value that nobody else ever has.
    fn invent(self, number: usize) -> String {
        match self {
            Field::FirstName => format!("Vor{}", letters(number).to_lowercase()),
            Field::LastName => format!("Nach{}", letters(number).to_lowercase()),
            Field::Email => format!("neu{number}@verlauf.example"),
            Field::Position => format!("Leitung {}", letters(number)),
            // Some as people type them.
            Field::Phone if number.is_multiple_of(3) => format!("0711 {:07}", 3_000_000 + number),
            Field::Phone => format!("+49711{:07}", 3_000_000 + number),
            Field::Mobile => format!("+49151{:08}", 30_000_000 + number),
            Field::Street => format!("Gasse {number}"),
            Field::PostalCode => format!("{:05}", 10_000 + number % 80_000),
            Field::City => format!("Stadt {}", letters(number)),
            Field::Website => format!("https://www.seite{number}.example"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    Salesforce,
    Hubspot,
}

impl Side {
    pub fn other(self) -> Side {
        match self {
            Side::Salesforce => Side::Hubspot,
            Side::Hubspot => Side::Salesforce,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// An empty text clears.
    Edit(Vec<(Field, String)>),
    /// To one of the values that the field had, the youngest being number 0.
    PutBack(Field, usize),
    Delete,
    Restore,
    /// The other's record of HubSpot becomes one with this one's, which is the main one.
    Merge(usize),
    /// The lead becomes a contact.
    Convert,
}

/// Somebody does something to a person's record in one of the CRMs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// After the step before.
    pub wait: Duration,
    pub person: usize,
    pub side: Side,
    pub what: What,
}

/// Somebody's state as the script leaves it.
#[derive(Clone, Copy, Default)]
struct Fate {
    converted: bool,
    /// Their record in this CRM is deleted for now.
    gone: Option<Side>,
    /// Their record of HubSpot became another's.
    merged: bool,
}

impl Fate {
    fn is_there(self, side: Side) -> bool {
        self.gone != Some(side) && !(self.merged && side == Side::Hubspot)
    }
}

/// `edits` steps about `people` people; `first` numbers the values, so that no two scripts share one.
pub fn script(seed: u64, edits: usize, people: usize, first: usize) -> Vec<Step> {
    let mut dice = Rng::with_seed(seed);
    let mut fates = vec![Fate::default(); people];
    let (mut steps, mut number): (Vec<Step>, usize) = (Vec::new(), first);
    while steps.len() < edits {
        let (person, wait) = (dice.usize(0..people), pause(&mut dice));
        let fate = fates[person];
        let side = if dice.bool() { Side::Salesforce } else { Side::Hubspot };
        let step = |side, what| Step { wait, person, side, what };
        let mut value = |field: Field| {
            number += 1;
            field.invent(number)
        };
        if let Some(side) = fate.gone.filter(|_| dice.f64() < 0.3) {
            fates[person].gone = None;
            steps.push(step(side, What::Restore));
            continue;
        }
        if !fate.is_there(side) {
            continue;
        }
        match dice.u32(0..100) {
            0..66 => {
                let field = Field::draw(&mut dice);
                let mut edits = vec![(field, value(field))];
                // Some save two fields at once.
                let second = Field::draw(&mut dice);
                if dice.u32(0..100) < 20 && second != field {
                    edits.push((second, value(second)));
                }
                steps.push(step(side, What::Edit(edits)));
            }
            66..74 => {
                let field = Field::draw(&mut dice);
                if field.may_be_empty() {
                    steps.push(step(side, What::Edit(vec![(field, String::new())])));
                }
            }
            74..82 => steps.push(step(side, What::PutBack(Field::draw(&mut dice), dice.usize(1..3)))),
            // The same field in both CRMs, one soon after the other.
            82..92 => {
                let field = Field::draw(&mut dice);
                steps.push(step(side, What::Edit(vec![(field, value(field))])));
                if fate.is_there(side.other()) && field != Field::Email {
                    let wait = Duration::from_millis(dice.u64(50..5_000));
                    let what = What::Edit(vec![(field, value(field))]);
                    steps.push(Step { wait, person, side: side.other(), what });
                }
            }
            92..95 if fate.gone.is_none() && !fate.merged => {
                fates[person].gone = Some(side);
                steps.push(step(side, What::Delete));
            }
            95..97 => {
                let other = dice.usize(0..people);
                let whole = |fate: Fate| fate.gone.is_none() && !fate.merged;
                if other != person && whole(fate) && whole(fates[other]) {
                    fates[other].merged = true;
                    steps.push(step(Side::Hubspot, What::Merge(other)));
                }
            }
            97.. if !fate.converted && fate.is_there(Side::Salesforce) => {
                fates[person].converted = true;
                steps.push(step(Side::Salesforce, What::Convert));
            }
            _ => {}
        }
    }
    steps.truncate(edits);
    steps
}

/// Half of the steps follow at once, so that they meet what is under way.
fn pause(dice: &mut Rng) -> Duration {
    Duration::from_millis(match dice.u32(0..100) {
        0..50 => dice.u64(0..150),
        50..85 => dice.u64(200..1_000),
        _ => dice.u64(1_500..3_000),
    })
}

/// One who comes in as a lead before the script begins.
pub fn lead(seed: u64, person: usize, first: usize) -> serde_json::Value {
    let number = first + person;
    serde_json::json!({
        "external_id": format!("verlauf-{seed}-{number}"),
        "first_name": Field::FirstName.invent(number), "last_name": Field::LastName.invent(number),
        "email": address(number), "company": format!("Werk {} GmbH", letters(number)),
        "position": Field::Position.invent(number), "phone": Field::Phone.invent(number),
        "street": Field::Street.invent(number), "postal_code": Field::PostalCode.invent(number),
        "city": Field::City.invent(number),
    })
}

/// The address by which they are found once both CRMs have them.
pub fn address(number: usize) -> String {
    format!("gast{number}@betrieb-{}.example", letters(number).to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_script_and_everything_happens_in_some() {
        let of = |seed| script(seed, 40, 6, 0);
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert!((1..50).all(|seed| of(seed).len() == 40));
        let all: Vec<Step> = (1..50).flat_map(of).collect();
        let some = |of: fn(&What) -> bool| all.iter().any(|step| of(&step.what));
        assert!(some(|what| matches!(what, What::Delete)) && some(|what| matches!(what, What::Restore)));
        assert!(some(|what| matches!(what, What::Merge(_))) && some(|what| matches!(what, What::Convert)));
        assert!(some(|what| matches!(what, What::PutBack(..))));
        assert!(some(|what| matches!(what, What::Edit(all) if all.iter().any(|(_, value)| value.is_empty()))));
    }
}
