//! Who it is: the decision whether a draft is about a record we know.
//!
//! **Invariant:** pure and independent of the candidates' order. Two records wrongly joined are
//! worse than two that wait for a person's word, so every doubt is a proposal.

use std::collections::BTreeMap;

use mittler_core::{Kind, RecordId};
use mittler_normalise::{
    company,
    name::{self, fold},
};

pub use crate::facts::Facts;
use crate::{
    KeyType,
    facts::{Names, both},
};

/// A record that shares a key with the draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub record: RecordId,
    pub met_by: Vec<KeyType>,
    pub facts: Facts,
}

/// What is to be done with a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Match {
        record: RecordId,
        why: String,
    },
    /// Create a new record and ask a person.
    Propose {
        candidates: Vec<RecordId>,
        why: String,
    },
    New,
}

/// What one candidate's evidence amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// Strong and not contradicted.
    Sure(String),
    /// Enough weak evidence, if nobody else comes into question.
    Likely(String),
    Doubtful(String),
    No,
}

/// Decides; the order of the candidates does not matter.
pub fn decide(kind: Kind, facts: &Facts, candidates: &[Candidate]) -> Decision {
    let mut judged: BTreeMap<RecordId, (Vec<KeyType>, &Facts)> = BTreeMap::new();
    for candidate in candidates {
        judged.entry(candidate.record).or_insert_with(|| (Vec::new(), &candidate.facts)).0.extend(&candidate.met_by);
    }
    let verdicts: Vec<(RecordId, Verdict)> = judged
        .into_iter()
        .map(|(record, (mut met_by, theirs))| {
            met_by.sort();
            met_by.dedup();
            let verdict = match kind {
                Kind::Person => person(facts, &met_by, theirs),
                Kind::Organisation => organisation(facts, &met_by, theirs),
                _ if met_by.iter().any(|key| key.is_strong()) => Verdict::Sure(reason("same", &met_by)),
                _ => Verdict::No,
            };
            (record, verdict)
        })
        .collect();
    settle(&verdicts)
}

fn settle(verdicts: &[(RecordId, Verdict)]) -> Decision {
    let sure: Vec<_> = verdicts
        .iter()
        .filter_map(|(record, verdict)| if let Verdict::Sure(why) = verdict { Some((*record, why)) } else { None })
        .collect();
    match sure.as_slice() {
        [(record, why)] => return Decision::Match { record: *record, why: (*why).clone() },
        [] => {}
        many => {
            let candidates = many.iter().map(|(record, _)| *record).collect();
            return Decision::Propose { candidates, why: "several records have a strong key of it".into() };
        }
    }
    let open: Vec<_> = verdicts
        .iter()
        .filter_map(|(record, verdict)| match verdict {
            Verdict::Likely(why) => Some((*record, why, true)),
            Verdict::Doubtful(why) => Some((*record, why, false)),
            Verdict::Sure(_) | Verdict::No => None,
        })
        .collect();
    match open.as_slice() {
        [] => Decision::New,
        [(record, why, true)] => Decision::Match { record: *record, why: (*why).clone() },
        [(record, why, false)] => Decision::Propose { candidates: vec![*record], why: (*why).clone() },
        many => {
            let candidates = many.iter().map(|(record, ..)| *record).collect();
            Decision::Propose { candidates, why: "several records come into question".into() }
        }
    }
}

fn person(ours: &Facts, met_by: &[KeyType], theirs: &Facts) -> Verdict {
    let strong: Vec<KeyType> = met_by
        .iter()
        .copied()
        .filter(|key| matches!(key, KeyType::Email | KeyType::Badge | KeyType::External))
        .collect();
    let names = ours.names(theirs);
    if !strong.is_empty() {
        // Two lists may both count from 1: an id alone joins nobody whose name or mailbox speaks
        // against it, while a surname may change behind one address.
        let doubtful = match names {
            Names::Differ | Names::Crossed => true,
            Names::OnlyGiven => !strong.contains(&KeyType::Email),
            Names::Open => !strong.contains(&KeyType::Email) && ours.personal_mailboxes_differ(theirs),
            Names::Agree => false,
        };
        return if doubtful {
            Verdict::Doubtful(reason("another name or mailbox, but the same", &strong))
        } else {
            Verdict::Sure(reason("same", &strong))
        };
    }
    if met_by.contains(&KeyType::Former) {
        // An address passes to a successor; who still uses an old one has the old name.
        let same_surname =
            both(ours.last_name.as_deref(), theirs.last_name.as_deref()).is_some_and(|(a, b)| name::same_surname(a, b));
        match names {
            Names::Agree => return Verdict::Likely(reason("same", met_by)),
            Names::Open if same_surname => return Verdict::Likely(reason("same", met_by)),
            Names::Open | Names::Crossed => return Verdict::Doubtful(reason("same", met_by)),
            Names::OnlyGiven | Names::Differ => {}
        }
    }
    let by_phone = met_by.contains(&KeyType::PhoneName);
    // A company's name and its domain are one piece of evidence, not two.
    let by_company = met_by.contains(&KeyType::DomainName) || met_by.contains(&KeyType::NameCompany);
    if !by_phone && !by_company || matches!(names, Names::Differ | Names::OnlyGiven) {
        return Verdict::No;
    }
    if names == Names::Crossed {
        return Verdict::Doubtful(reason("the names the other way round, but the same", met_by));
    }
    let why = reason("same", met_by);
    let contradicted = ours.mailboxes_differ(theirs) || ours.positions_differ(theirs);
    if names == Names::Agree && by_phone && by_company && !contradicted {
        Verdict::Likely(why)
    } else {
        Verdict::Doubtful(why)
    }
}

fn organisation(ours: &Facts, met_by: &[KeyType], theirs: &Facts) -> Verdict {
    let same_core =
        both(ours.company_core.as_deref(), theirs.company_core.as_deref()).map(|(a, b)| company::same_core(a, b));
    let same_form = both(ours.legal_form.as_deref(), theirs.legal_form.as_deref()).map(|(a, b)| fold(a) == fold(b));
    let same_domain = both(ours.domain.as_deref(), theirs.domain.as_deref()).map(|(a, b)| a == b);
    let same_place = both(ours.postal_code.as_deref(), theirs.postal_code.as_deref()).map(|(a, b)| a == b);
    let has = |key: KeyType| met_by.contains(&key);
    let why = reason("same", met_by);
    if has(KeyType::Register) || has(KeyType::VatId) {
        // A group may share one VAT number; a renamed company keeps its domain or place.
        let stranger = same_core == Some(false) && same_domain != Some(true) && same_place != Some(true);
        return if stranger && !has(KeyType::Register) { Verdict::Doubtful(why) } else { Verdict::Sure(why) };
    }
    if has(KeyType::CompanyAt) {
        return if same_core == Some(false) || same_form == Some(false) {
            Verdict::Doubtful(why)
        } else {
            Verdict::Sure(why)
        };
    }
    if has(KeyType::Domain) {
        return match (same_core, same_form) {
            (Some(false), _) | (Some(true), Some(false)) => Verdict::Doubtful(why),
            (Some(true) | None, _) => Verdict::Likely(why),
        };
    }
    if !has(KeyType::CompanyName) || same_core == Some(false) || same_form == Some(false) {
        return Verdict::No;
    }
    match (same_place, same_domain) {
        (Some(true), _) | (_, Some(true)) => Verdict::Likely(why),
        (Some(false), _) | (_, Some(false)) => Verdict::No,
        // A name of several words with its legal form is hardly borne twice; "Huber GmbH" is.
        (None, None)
            if same_form == Some(true) && ours.company_core.as_deref().is_some_and(|core| core.contains(' ')) =>
        {
            Verdict::Likely(why)
        }
        (None, None) => Verdict::Doubtful(why),
    }
}

/// In words: what two have in common.
pub fn reason(start: &str, met_by: &[KeyType]) -> String {
    let words: Vec<&str> = met_by
        .iter()
        .map(|key| match key {
            KeyType::Email => "e-mail address",
            KeyType::Badge => "badge",
            KeyType::External => "id in the source",
            KeyType::VatId => "VAT number",
            KeyType::Register => "register number",
            KeyType::CompanyAt => "company name with legal form and place or domain",
            KeyType::PhoneName => "phone and surname",
            KeyType::DomainName => "mail domain, surname and initial",
            KeyType::NameCompany => "name and company",
            KeyType::Domain => "domain",
            KeyType::CompanyName => "company name",
            KeyType::Former => "former address",
        })
        .collect();
    format!("{start} {}", words.join(", "))
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
