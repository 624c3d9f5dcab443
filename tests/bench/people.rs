//! Invented people and the leads that speak of them, the same for the same seed.
//!
//! Each person has an e-mail address, a phone number and a surname in a combination of its own, so that
//! a recognition by weak evidence has nothing to merge: what is doubled or merged at the end is a fault.

use fastrand::Rng;
use serde_json::{Value, json};

/// The one fair at which all of them were met.
pub const FAIR: &str = "Werkzeugtage Probe";
/// The day on which it starts and ends.
pub const FAIR_DAYS: (&str, &str) = ("2026-10-05", "2026-10-08");
const ORGANISER: &str = "Messe Probe GmbH";

const FIRST: [&str; 16] = [
    "Anna",
    "Jürgen",
    "Miriam",
    "Olaf",
    "Chiara",
    "Stéphane",
    "Katarzyna",
    "Björn",
    "Lena",
    "Tobias",
    "Ayşe",
    "Henrik",
    "Paula",
    "Rainer",
    "Svenja",
    "Matthias",
];
const LAST: [&str; 20] = [
    "Brandt",
    "Köhler",
    "Lindner",
    "Öztürk",
    "Schäfer",
    "Wagenknecht",
    "Moreau",
    "Kowalska",
    "Rossi",
    "Vogelsang",
    "Heinemann",
    "Dräger",
    "Pfeiffer",
    "Zimmermann",
    "Oberhuber",
    "Stadler",
    "Thoma",
    "Uhlig",
    "Quandt",
    "Reinhardt",
];
const TRADE: [&str; 8] = [
    "Antriebstechnik",
    "Formenbau",
    "Hydraulik",
    "Messtechnik",
    "Blechbearbeitung",
    "Robotik",
    "Gießerei",
    "Kunststoffe",
];

#[derive(Clone)]
pub struct Person {
    pub email: String,
    first: &'static str,
    last: String,
    pub company: String,
    phone: String,
    city: &'static str,
}

/// One thing that is sent. Two leads of one person share the e-mail address and nothing else that names it.
#[derive(Clone)]
pub struct Lead {
    pub person: usize,
    pub external_id: String,
    /// What a second lead says of its person, and the first does not.
    pub mobile: Option<String>,
    shouted: bool,
}

pub struct Population {
    pub people: Vec<Person>,
    pub leads: Vec<Lead>,
}

impl Population {
    /// `leads` leads; the share `paired` of them is a second lead about somebody who has one already.
    pub fn new(seed: u64, leads: usize, paired: f64) -> Population {
        let mut dice = Rng::with_seed(seed);
        let (mut people, mut all): (Vec<Person>, Vec<Lead>) = (Vec::new(), Vec::new());
        for number in 0..leads {
            let second = !people.is_empty() && dice.f64() < paired;
            let person = if second { dice.usize(0..people.len()) } else { people.len() };
            if !second {
                people.push(Person::new(number, seed, &mut dice));
            }
            all.push(Lead {
                person,
                external_id: format!("bench-{seed}-{number}"),
                mobile: second.then(|| format!("+49 151 {:08}", 20_000_000 + number)),
                shouted: second && dice.bool(),
            });
        }
        dice.shuffle(&mut all);
        Population { people, leads: all }
    }

    fn cells(&self, lead: &Lead) -> [(&'static str, String); 8] {
        let person = &self.people[lead.person];
        let email = if lead.shouted { person.email.to_uppercase() } else { person.email.clone() };
        [
            ("external_id", lead.external_id.clone()),
            ("first_name", person.first.to_owned()),
            ("last_name", person.last.clone()),
            ("email", email),
            ("company", person.company.clone()),
            ("phone", if lead.mobile.is_some() { String::new() } else { person.phone.clone() }),
            ("mobile", lead.mobile.clone().unwrap_or_default()),
            ("city", person.city.to_owned()),
        ]
    }

    /// The body of a single post.
    pub fn body(&self, lead: &Lead) -> String {
        let cells = self.cells(lead).into_iter().filter(|(_, value)| !value.is_empty());
        Value::Object(cells.map(|(name, value)| (name.to_owned(), value.into())).collect()).to_string()
    }

    /// A list as an organiser would export it.
    pub fn csv(&self, leads: &[usize]) -> String {
        let mut text = "ID;Vorname;Nachname;E-Mail;Firma;Telefon;Mobil;Ort\r\n".to_owned();
        for &lead in leads {
            let cells = self.cells(&self.leads[lead]).map(|(_, value)| value);
            text.push_str(&cells.join(";"));
            text.push_str("\r\n");
        }
        text
    }
}

impl Person {
    fn new(number: usize, seed: u64, dice: &mut Rng) -> Person {
        let first = FIRST[dice.usize(0..FIRST.len())];
        // A surname of its own for each, so that "phone and surname" can never agree by chance.
        let last = format!("{}-{}", LAST[dice.usize(0..LAST.len())], letters(number));
        // About five people to a company.
        let company = number / 5;
        let trade = TRADE[company % TRADE.len()];
        Person {
            email: format!("p{number}.s{seed}@betrieb-{}.example", letters(company).to_lowercase()),
            first,
            last,
            company: format!("{trade} {} GmbH", letters(company)),
            phone: format!("+49 711 {:07}", 2_000_000 + number),
            city: ["Stuttgart", "Bremen", "Gera", "Ulm"][number % 4],
        }
    }
}

/// A number as a name: 0 is Aba, 1 is Abe, and so on. Digits in names would be parted from them by the reader.
pub fn letters(mut number: usize) -> String {
    let mut name = "A".to_owned();
    for _ in 0..4 {
        name.push(char::from(b"bdfgklmnprstvwz"[number % 15]));
        name.push(char::from(b"aeiou"[number / 15 % 5]));
        number /= 75;
        if number == 0 {
            break;
        }
    }
    name
}

/// The query under which single posts come in.
pub fn query() -> [(&'static str, &'static str); 7] {
    [
        ("source", "stand-app"),
        ("fair", FAIR),
        ("fair_organiser", ORGANISER),
        ("fair_starts", FAIR_DAYS.0),
        ("fair_ends", FAIR_DAYS.1),
        ("default_country", "DE"),
        ("stand_scan", "true"),
    ]
}

/// The parameters of the list.
pub fn list_params() -> Value {
    json!({"source": "organiser", "label": "bench", "default_country": "DE",
        "fair": {"name": FAIR, "organiser": ORGANISER, "starts": FAIR_DAYS.0, "ends": FAIR_DAYS.1}})
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_addresses_and_ids_are_all_different() {
        let all = Population::new(7, 20_000, 0.05);
        let distinct = |of: fn(&Person) -> String| all.people.iter().map(of).collect::<HashSet<_>>().len();
        assert_eq!(distinct(|person| person.email.clone()), all.people.len());
        assert_eq!(distinct(|person| person.last.clone()), all.people.len());
        let ids: HashSet<_> = all.leads.iter().map(|lead| &lead.external_id).collect();
        assert_eq!(ids.len(), 20_000);
        assert!(all.people.len() < 19_400 && all.people.len() > 18_600);
    }

    #[test]
    fn the_same_seed_gives_the_same_leads() {
        let bodies = |seed| {
            let all = Population::new(seed, 50, 0.1);
            all.leads.iter().map(|lead| all.body(lead)).collect::<Vec<_>>()
        };
        assert_eq!(bodies(3), bodies(3));
        assert_ne!(bodies(3), bodies(4));
    }
}
