//! What two things are compared by.

use mittler_core::{Field, Fields, Said, Value};

use mittler_normalise::{company, email, name};

/// What two things are compared by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub emails: Vec<String>,
    pub phones: Vec<String>,
    pub company_core: Option<String>,
    pub legal_form: Option<String>,
    pub domain: Option<String>,
    pub postal_code: Option<String>,
    pub position: Option<String>,
}

/// A company's name that was only made of its domain is no evidence of its name.
pub const NAME_OF_DOMAIN: &str = "company.domain";

impl Facts {
    pub fn of_said(all: &[Said]) -> Facts {
        let one = |field: &Field| {
            let held = |said: &&Said| {
                said.field == *field && said.value.is_some() && (said.how != NAME_OF_DOMAIN || *field == Field::DOMAIN)
            };
            all.iter().find(held).and_then(|said| said.value.as_ref()).and_then(Value::as_text).map(str::to_owned)
        };
        let set = |field: &Field| {
            all.iter()
                .filter(|said| said.field == *field && said.value.is_some())
                .filter_map(|said| said.key.clone())
                .collect()
        };
        Facts::of(one, set)
    }

    pub fn of_fields(fields: &Fields) -> Facts {
        let one = |field: &Field| {
            let sourced =
                fields.sourced(field).filter(|sourced| sourced.how != NAME_OF_DOMAIN || *field == Field::DOMAIN)?;
            sourced.value.as_text().map(str::to_owned)
        };
        let set = |field: &Field| fields.elements(field).iter().map(|element| element.key.clone()).collect();
        Facts::of(one, set)
    }

    fn of(one: impl Fn(&Field) -> Option<String>, set: impl Fn(&Field) -> Vec<String>) -> Facts {
        let emails = set(&Field::EMAILS);
        let company = one(&Field::NAME)
            .or_else(|| one(&Field::COMPANY))
            .and_then(|name| company::read(&name, one(&Field::CITY).as_deref().unwrap_or("")));
        let by_mail = emails.iter().filter_map(|address| email::read(address)).find_map(|email| email.company_domain());
        Facts {
            first_name: one(&Field::FIRST_NAME),
            last_name: one(&Field::LAST_NAME),
            company_core: company.as_ref().map(|company| company.core.clone()).or_else(|| one(&Field::CORE_NAME)),
            legal_form: one(&Field::LEGAL_FORM)
                .or_else(|| company.and_then(|company| company.legal_form).map(str::to_owned)),
            domain: one(&Field::DOMAIN).or(by_mail),
            postal_code: one(&Field::POSTAL_CODE),
            position: one(&Field::POSITION),
            phones: set(&Field::PHONES),
            emails,
        }
    }

    /// Mailboxes of a person, not of a task, in the form in which they are compared.
    fn mailboxes(&self) -> Vec<email::Email> {
        self.emails.iter().filter_map(|address| email::read(address)).filter(|email| !email.is_role()).collect()
    }

    /// How the names of two persons stand to each other.
    pub(crate) fn names(&self, other: &Facts) -> Names {
        let last = both(self.last_name.as_deref(), other.last_name.as_deref());
        let first = both(self.first_name.as_deref(), other.first_name.as_deref());
        let generations = last.map(|(a, b)| (name::generation(a), name::generation(b)));
        if generations.is_some_and(|(a, b)| a.is_some() && b.is_some() && a != b) {
            return Names::Differ;
        }
        let same_last = last.map(|(a, b)| name::same_surname(a, b));
        let same_first = first.map(|(a, b)| name::same_given(a, b));
        let sure = first.is_some_and(|(a, b)| name::surely_same_given(a, b));
        match (same_last, same_first) {
            (Some(true), Some(true)) if sure => Names::Agree,
            (Some(false), Some(true)) if sure => Names::OnlyGiven,
            (Some(false), _) | (_, Some(false)) if self.names_crossed(other) => Names::Crossed,
            (Some(false), _) | (_, Some(false)) => Names::Differ,
            _ => Names::Open,
        }
    }

    /// Whether each one's first name is the other's surname.
    fn names_crossed(&self, other: &Facts) -> bool {
        let same = |a: Option<&str>, b: Option<&str>| {
            both(a, b).is_some_and(|(a, b)| {
                let ours = name::surname_keys(a);
                name::surname_keys(b).iter().any(|key| ours.contains(key))
            })
        };
        same(self.first_name.as_deref(), other.last_name.as_deref())
            && same(self.last_name.as_deref(), other.first_name.as_deref())
    }

    /// Whether the mailboxes speak against one person: each has one of a company and none is shared.
    pub(crate) fn mailboxes_differ(&self, other: &Facts) -> bool {
        let of_company = |facts: &Facts| -> Vec<email::Email> {
            facts.mailboxes().into_iter().filter(|email| email.company_domain().is_some()).collect()
        };
        none_shared(&of_company(self), &of_company(other))
    }

    /// Like [`Facts::mailboxes_differ`], with the mailboxes of free mailers too.
    pub(crate) fn personal_mailboxes_differ(&self, other: &Facts) -> bool {
        none_shared(&self.mailboxes(), &other.mailboxes())
    }

    /// Whether both have a position and neither says the other's: two of one name in one firm.
    pub(crate) fn positions_differ(&self, other: &Facts) -> bool {
        both(self.position.as_deref(), other.position.as_deref()).is_some_and(|(a, b)| {
            let (a, b) = (company::core_of(a), company::core_of(b));
            !a.contains(&b) && !b.contains(&a)
        })
    }

    /// What a record shows once `more` is said of it too, so that the next one is compared with
    /// all that is known by then. What is known already stays, but for an initial.
    pub fn absorb(&mut self, more: Facts) {
        let initial =
            |name: &Option<String>| name.as_deref().is_none_or(|name| name.trim_end_matches('.').chars().count() < 2);
        if initial(&self.first_name) && more.first_name.is_some() {
            self.first_name = more.first_name;
        }
        if initial(&self.last_name) && more.last_name.is_some() {
            self.last_name = more.last_name;
        }
        for (known, new) in [
            (&mut self.company_core, more.company_core),
            (&mut self.legal_form, more.legal_form),
            (&mut self.domain, more.domain),
            (&mut self.postal_code, more.postal_code),
            (&mut self.position, more.position),
        ] {
            if known.is_none() {
                *known = new;
            }
        }
        for (known, new) in [(&mut self.emails, more.emails), (&mut self.phones, more.phones)] {
            for one in new {
                if !known.contains(&one) {
                    known.push(one);
                }
            }
        }
    }
}

fn none_shared(ours: &[email::Email], theirs: &[email::Email]) -> bool {
    let shared = ours.iter().any(|a| theirs.iter().any(|b| a.canonical() == b.canonical()));
    !ours.is_empty() && !theirs.is_empty() && !shared
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// Surname and first name are the same, more than by an initial.
    Agree,
    /// Nothing speaks against it, but a name is missing or an initial.
    Open,
    /// The first name is the same, the surname another: married, or another person.
    OnlyGiven,
    /// First name and surname the other way round.
    Crossed,
    Differ,
}

pub(crate) fn both<'a>(a: Option<&'a str>, b: Option<&'a str>) -> Option<(&'a str, &'a str)> {
    match (a, b) {
        (Some(a), Some(b)) if !a.is_empty() && !b.is_empty() => Some((a, b)),
        _ => None,
    }
}
