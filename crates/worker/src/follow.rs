//! Whose lead is it, and what is to be done about it: the owner by policy, one follow-up task per
//! participation.

use std::collections::BTreeMap;

use jiff::{civil::Date, tz::TimeZone};
use mittler_core::{Field, Fields, Time};
use serde::{Deserialize, Serialize};

/// Who gets which lead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Routing {
    /// The first rule that fits decides.
    pub rule: Vec<Rule>,
    /// Who gets what no rule names: a person's address, or the name of a queue.
    pub otherwise: Option<String>,
    /// Absences by address; the deputy of the rule stands in.
    pub away: Vec<Away>,
}

/// All conditions that a rule names must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Shown as the reason.
    pub name: String,
    /// ISO 3166 alpha-2.
    pub country: Vec<String>,
    /// First and last postcode, compared as text.
    pub postcode: Option<(String, String)>,
    /// A word of the interest, in any case.
    pub interest: Option<String>,
    /// Name of the fair.
    pub fair: Option<String>,
    pub owner: String,
    pub deputy: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Away {
    pub who: String,
    pub from: Date,
    pub until: Date,
}

/// The follow-up task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FollowUp {
    pub enabled: bool,
    /// Working days (Monday to Friday) after the scan.
    pub due_days: u8,
    /// For leads whose priority begins with A or 1.
    pub due_days_urgent: u8,
    /// `{name}`, `{company}`, `{fair}` are filled in.
    pub subject: String,
}

impl Default for FollowUp {
    fn default() -> Self {
        FollowUp {
            enabled: true,
            due_days: 5,
            due_days_urgent: 2,
            subject: "Nachfassen: {name}, {company} ({fair})".into(),
        }
    }
}

/// What routing looks at.
#[derive(Debug, Clone, Copy)]
pub struct Lead<'a> {
    pub person: &'a Fields,
    /// Interest and fair of the participation.
    pub interest: Option<&'a str>,
    pub fair: Option<&'a str>,
    /// Owner of the account, if the CRM named one.
    pub account_owner: Option<&'a str>,
    pub today: Date,
}

/// The owner and the reason; `None` if nobody is named.
pub fn owner(routing: &Routing, lead: Lead<'_>) -> Option<(String, String)> {
    if let Some(owner) = lead.account_owner {
        return Some((owner.to_owned(), "owner of the account".into()));
    }
    for rule in &routing.rule {
        if !fits(rule, lead) {
            continue;
        }
        let reason =
            if rule.name.is_empty() { "routing rule".to_owned() } else { format!("routing rule {}", rule.name) };
        if !is_away(routing, &rule.owner, lead.today) {
            return Some((rule.owner.clone(), reason));
        }
        if let Some(deputy) = rule.deputy.as_ref().filter(|deputy| !is_away(routing, deputy, lead.today)) {
            return Some((deputy.clone(), format!("{reason}, deputy while away")));
        }
    }
    routing.otherwise.clone().map(|owner| (owner, "no rule fits".into()))
}

fn fits(rule: &Rule, lead: Lead<'_>) -> bool {
    let country = lead.person.text(&Field::COUNTRY);
    let postcode = lead.person.text(&Field::POSTAL_CODE);
    let by_country = rule.country.is_empty()
        || country.is_some_and(|country| rule.country.iter().any(|it| it.eq_ignore_ascii_case(country)));
    let by_postcode = rule.postcode.as_ref().is_none_or(|(first, last)| {
        postcode.is_some_and(|code| {
            first.as_str() <= code && &code[..code.floor_char_boundary(last.len())] <= last.as_str()
        })
    });
    let by_interest = rule.interest.as_ref().is_none_or(|word| {
        lead.interest.is_some_and(|interest| interest.to_lowercase().contains(&word.to_lowercase()))
    });
    let by_fair = rule.fair.as_ref().is_none_or(|fair| lead.fair == Some(fair));
    by_country && by_postcode && by_interest && by_fair
}

fn is_away(routing: &Routing, who: &str, today: Date) -> bool {
    routing.away.iter().any(|away| away.who == who && away.from <= today && today <= away.until)
}

/// The day of a moment where the fair is.
pub fn day(at: Time, time_zone: &str) -> Date {
    let zone = TimeZone::get(time_zone).unwrap_or(TimeZone::UTC);
    at.timestamp().to_zoned(zone).date()
}

/// `days` working days after a day.
pub fn working_days_after(day: Date, days: u8) -> Date {
    let (mut day, mut left) = (day, days);
    while left > 0 {
        let Ok(next) = day.tomorrow() else { return day };
        day = next;
        if !matches!(day.weekday(), jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday) {
            left -= 1;
        }
    }
    day
}

/// Fills the names into a template; what is not known leaves no hole.
pub fn subject(template: &str, parts: &BTreeMap<&str, String>) -> String {
    let mut text = template.to_owned();
    for (name, value) in parts {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    let text = text.replace("()", "").split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace(" ,", ",").replace(", (", " (").trim_end_matches([' ', ',', ':']).to_owned()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use mittler_core::{SignalId, Slot, Source, SourceKind, Sourced, SubjectId, Value};

    use super::*;

    fn person(country: &str, postcode: &str) -> Fields {
        let sourced = |value| Sourced {
            value,
            source: Source::new(SourceKind::Badge, "test"),
            observed_at: Time(0),
            signal: SignalId(uuid::Uuid::nil()),
            subject: SubjectId(uuid::Uuid::nil()),
            confidence: 100,
            how: "test".into(),
        };
        let mut fields = Fields::default();
        fields.0.insert(Field::COUNTRY, Slot::One(sourced(Value::choice(country))));
        fields.0.insert(Field::POSTAL_CODE, Slot::One(sourced(Value::Text(postcode.into()))));
        fields
    }

    fn routing() -> Routing {
        let rule = |name: &str, country: &str, postcode: Option<(&str, &str)>, owner: &str| Rule {
            name: name.into(),
            country: vec![country.into()],
            postcode: postcode.map(|(a, b)| (a.into(), b.into())),
            owner: owner.into(),
            deputy: Some("nord@example.com".into()),
            ..Rule::default()
        };
        Routing {
            rule: vec![
                rule("Süd", "DE", Some(("7", "9")), "sued@example.com"),
                rule("Nord", "DE", None, "nord@example.com"),
            ],
            otherwise: Some("Messeleads".into()),
            away: vec![Away { who: "sued@example.com".into(), from: date(2026, 4, 20), until: date(2026, 4, 24) }],
        }
    }

    fn owner_of(person: &Fields, today: Date) -> (String, String) {
        owner(&routing(), Lead { person, interest: None, fair: None, account_owner: None, today }).unwrap()
    }

    #[test]
    fn the_first_rule_that_fits_decides_and_says_why() {
        let today = date(2026, 4, 14);
        assert_eq!(owner_of(&person("DE", "70173"), today).0, "sued@example.com");
        assert_eq!(owner_of(&person("DE", "99867"), today), ("sued@example.com".into(), "routing rule Süd".into()));
        assert_eq!(owner_of(&person("DE", "20095"), today).0, "nord@example.com");
        assert_eq!(owner_of(&person("FR", "75001"), today), ("Messeleads".into(), "no rule fits".into()));
    }

    #[test]
    fn the_deputy_stands_in_while_the_owner_is_away() {
        let (who, why) = owner_of(&person("DE", "70173"), date(2026, 4, 21));
        assert_eq!((who.as_str(), why.as_str()), ("nord@example.com", "routing rule Süd, deputy while away"));
    }

    #[test]
    fn a_task_is_due_on_a_working_day() {
        assert_eq!(working_days_after(date(2026, 4, 17), 1), date(2026, 4, 20));
        assert_eq!(working_days_after(date(2026, 4, 14), 5), date(2026, 4, 21));
    }

    #[test]
    fn a_subject_has_no_holes() {
        let parts = BTreeMap::from([
            ("name", "Anna Müller".to_owned()),
            ("company", String::new()),
            ("fair", "BEWEGA".to_owned()),
        ]);
        let template = "Nachfassen: {name}, {company} ({fair})";
        assert_eq!(subject(template, &parts), "Nachfassen: Anna Müller (BEWEGA)");
        let nothing = parts.keys().map(|name| (*name, String::new())).collect();
        assert_eq!(subject(template, &nothing), "Nachfassen");
    }
}
