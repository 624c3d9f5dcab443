//! What stands in a signature without being the sender's: other persons' lines, adverts, groups
//! and partners of the company, mottos.

use crate::{
    company,
    name::{self, fold},
    reply::{
        doubt::{self, says},
        sentence::find,
    },
};

/// What begins an advert or another address, which goes on to the next blank line.
const ADVERTS: [&str; 21] = [
    "lieferadresse",
    "lieferanschrift",
    "rechnungsadresse",
    "rechnungsanschrift",
    "delivery address",
    "billing address",
    "shipping address",
    "wir suchen",
    "(m/w/d)",
    "(w/m/d)",
    "(m/w/x)",
    "(d/m/w)",
    "(m/f/d)",
    "(m/f/x)",
    "bewerb",
    "stellenangebot",
    "we are hiring",
    "we're hiring",
    "join our team",
    "jetzt anmelden",
    "register now",
];

/// Behind these stands a company to which the sender's own belongs, or which it works with.
const AFFILIATIONS: [&str; 58] = [
    "haendler fuer",
    "vertretung fuer",
    "vertrieb fuer",
    "partner fuer",
    "partner for",
    "berater fuer",
    "beraterin fuer",
    "distributor of",
    "distributor for",
    "dealer for",
    "consultant for",
    "contractor for",
    "supplier to",
    "lieferant der",
    "lieferant fuer",
    "kunde der",
    "kunde von",
    "customer of",
    "vormals",
    "ehemals",
    "frueher",
    "formerly",
    "former",
    "c/o",
    "unternehmen der",
    "unternehmen von",
    "unternehmen im",
    "marke der",
    "firma der",
    "betrieb der",
    "mitglied der",
    "mitglied im",
    "teil der",
    "partner der",
    "partner von",
    "partner of",
    "tochter der",
    "tochtergesellschaft der",
    "zweigniederlassung der",
    "haendler der",
    "vertretung der",
    "zertifiziert durch",
    "zertifiziert von",
    "certified by",
    "powered by",
    "member of",
    "part of",
    "a company of",
    "company of",
    "brand of",
    "division of",
    "affiliate of",
    "subsidiary of",
    "im verbund",
    "im auftrag der",
    "team der",
    "team von",
    "bank:",
];

/// Who is not the sender, before a number on the same line.
const OTHERS: [&str; 20] = [
    "in my absence",
    "in meiner abwesenheit",
    "vertreten durch",
    "backup:",
    "frau ",
    "herr ",
    "herrn ",
    "mr ",
    "mr. ",
    "mrs ",
    "mrs. ",
    "ms ",
    "ms. ",
    "bei fragen",
    "fragen z",
    "rueckfragen",
    "for questions",
    "questions about",
    "ansprechpartner",
    "contact person",
];

/// Tasks of others, unless the first line of the signature says that they are the sender's.
const TASKS: [&str; 20] = [
    "assistenz",
    "assistentin",
    "assistent",
    "assistant",
    "sekretariat",
    "sekretaerin",
    "secretary",
    "vorzimmer",
    "vertretung",
    "urlaubsvertretung",
    "stellvertret",
    "buchhaltung",
    "rechnungen",
    "rechnungsabteilung",
    "accounting",
    "accounts payable",
    "invoices",
    "personalabteilung",
    "warenannahme",
    "deputy",
];

/// Whether the line begins something beside the signature, which goes on to the next blank line.
pub fn begins(line: &str, folded: &str) -> bool {
    let heading = line.ends_with(':') && (TASKS.iter().chain(&OTHERS).any(|word| find(line, word).is_some()));
    heading || ADVERTS.iter().any(|advert| folded.contains(advert))
}

/// Whether the line is running text. "Ab 1.12. erreichen Sie unseren Notdienst unter …" states
/// nothing of its sender.
pub fn is_sentence(line: &str) -> bool {
    const GRAMMAR: [&str; 32] = [
        "ich",
        "wir",
        "sie",
        "ist",
        "sind",
        "bin",
        "bitte",
        "meine",
        "unsere",
        "unser",
        "unseren",
        "unserem",
        "nicht",
        "erreichen",
        "rufen",
        "unter",
        "wird",
        "werden",
        "haben",
        "please",
        "we",
        "you",
        "our",
        "your",
        "is",
        "are",
        "not",
        "call",
        "have",
        "will",
        "the",
        "ab",
    ];
    const OPENINGS: [&str; 6] = ["bitte", "please", "wir", "we", "besuchen", "visit"];
    let words: Vec<&str> =
        line.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())).collect();
    let grammar = words.iter().filter(|word| GRAMMAR.contains(word)).count();
    let opens = words.first().is_some_and(|first| OPENINGS.contains(&fold(first).as_str()));
    let capital = words.first().is_some_and(|first| GRAMMAR.contains(&fold(first).as_str()));
    words.len() >= 4 && (opens || grammar + usize::from(capital) >= 2)
}

/// The line up to where it speaks of somebody else and gives their number. `first`: nothing but
/// the name stood above, so that a task is the sender's own.
pub fn own_part(line: &str, first: bool) -> &str {
    let at = |word: &&str| find(line, word);
    let has_number = |at: &usize| line.get(*at..).unwrap_or("").chars().filter(char::is_ascii_digit).count() >= 3;
    let task = |at: &usize| {
        let rest = line.get(*at..).unwrap_or("");
        let heads = rest.split(' ').next().is_some_and(|word| word.ends_with(':'));
        let before = rest.split(|c: char| c.is_ascii_digit()).next().unwrap_or("");
        heads || (!first && !before.contains(['|', '·', '•']))
    };
    let other = OTHERS.iter().filter_map(at).filter(has_number);
    let tasks = TASKS.iter().filter_map(at).filter(has_number).filter(task);
    let end = other.chain(tasks).chain(named(line)).chain(carrier(line)).min().unwrap_or(line.len());
    line.get(..end).unwrap_or(line)
}

/// "Spedition: Transport AG, Tel. …": another company by its task.
fn carrier(line: &str) -> Option<usize> {
    let (label, rest) = line.split_once(':')?;
    let company = rest.split([',', '|', '(']).next().unwrap_or("").trim();
    let own = matches!(fold(label).trim(), "firma" | "company" | "firm");
    (!own && !label.contains(char::is_whitespace) && company::has_form(company)).then_some(0)
}

/// Where a person's name stands before a number: "Peter Miller, +49 …".
fn named(line: &str) -> Option<usize> {
    let until = line.find(|c: char| c.is_ascii_digit() || c == '+')?;
    let before = line.get(..until)?;
    let words: Vec<&str> = before.split_whitespace().collect();
    let pair = words.windows(2).find(|pair| {
        let last = pair[1].trim_end_matches([',', ':', '(']);
        let ends = pair[1] != last
            || pair[1] == words[words.len() - 1]
            || words.last().is_some_and(|word| word.starts_with("Tel"));
        name::is_given_name(pair[0]) && last.starts_with(char::is_uppercase) && ends && !company::has_form(before)
    })?;
    line.find(pair[0])
}

/// Whether numbers of the line hold only for some time, or did once.
pub fn is_passing(folded: &str) -> bool {
    let dated = doubt::words(folded).windows(2).any(|pair| {
        matches!(pair[0], "ab" | "from" | "seit")
            && pair[1].contains('.')
            && pair[1].starts_with(|c: char| c.is_ascii_digit())
    });
    dated || doubt::is_limited(folded) || says(folded, &["homeoffice", "home office"])
}

/// Whether the number beside these words is one of before.
pub fn is_old(folded: &str) -> bool {
    says(folded, &["alt", "alte", "bisher", "bisherige", "old", "previous", "former", "nicht mehr", "no longer"])
}

/// What stands before another company's name: "Nachgerd GmbH - Partner der Siemens AG".
pub fn without_affiliation(text: &str) -> Option<&str> {
    let names_company = |cue: &str, at: usize| {
        let rest = text.get(at + cue.len()..).unwrap_or("").trim();
        company::has_form(rest) || says(&fold(rest), &["group", "gruppe", "holding", "konzern", "unternehmensgruppe"])
    };
    let at = AFFILIATIONS
        .iter()
        .filter_map(|cue| find(text, cue).map(|at| (at, *cue)))
        .filter(|(at, cue)| names_company(cue, *at))
        .map(|(at, _)| at)
        .min()?;
    let head = text.get(..at).unwrap_or("");
    let head = head.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '.');
    let described = is_description(head) || head.is_empty();
    // "Ein", "An official", "Offizieller": what describes the tie.
    let company = [" - ", " – ", ", ", " | ", " ("].iter().filter_map(|cut| head.rfind(cut)).max();
    Some(if company::has_form(head) && !described {
        head
    } else {
        company.and_then(|cut| head.get(..cut)).unwrap_or("")
    })
}

/// Whether the text is what somebody is. Mottos and offers name jobs too: "Ihr Partner im Vertrieb".
pub fn may_be_position(text: &str) -> bool {
    const STARTS: [&str; 26] = [
        "ihr", "ihre", "ihren", "your", "wir", "we", "unser", "unsere", "our", "der", "die", "das", "the", "ein",
        "eine", "alles", "mehr", "more", "besuchen", "visit", "jetzt", "now", "fuer", "for", "mit", "with",
    ];
    const WITHIN: [&str; 18] = [
        "wir", "sie", "ihnen", "uns", "we", "you", "us", "our", "your", "ist", "sind", "are", "bitte", "please",
        "seit", "since", "ihre", "unsere",
    ];
    let words: Vec<&str> = text.split_whitespace().collect();
    let starts = words.first().is_some_and(|first| STARTS.contains(&fold(first).as_str()));
    let partner = words.windows(2).any(|pair| {
        fold(pair[0]).ends_with("partner")
            && matches!(pair[1], "der" | "des" | "von" | "of" | "für" | "for" | "im" | "in")
    });
    !starts && !partner && !text.contains(':') && !words.iter().any(|word| WITHIN.contains(word))
}

/// Whether the company's name begins as a description does: "Ein Unternehmen …", "Ihr Team der …".
pub fn is_description(text: &str) -> bool {
    const FIRST: [&str; 22] = [
        "ein",
        "eine",
        "ihr",
        "ihre",
        "your",
        "wir",
        "we",
        "unser",
        "unsere",
        "our",
        "zertifiziert",
        "certified",
        "powered",
        "member",
        "mitglied",
        "kunde",
        "euer",
        "dein",
        "c/o",
        "extern",
        "externe",
        "external",
    ];
    // "Partner der …", but not "Institut für Mikrotechnik GmbH".
    const TIES: [&str; 16] = [
        "partner",
        "team",
        "part",
        "teil",
        "kunde",
        "haendler",
        "berater",
        "beraterin",
        "vertreter",
        "vertretung",
        "consultant",
        "division",
        "office",
        "buero",
        "dealer",
        "distributor",
    ];
    let mut words = text.split_whitespace();
    let first = fold(words.next().unwrap_or(""));
    let second = words.next().unwrap_or("");
    let small = TIES.contains(&first.as_str())
        && matches!(second, "der" | "des" | "von" | "of" | "at" | "bei" | "im" | "für" | "for" | "the");
    // "Spedition: Transport AG" is who carries the goods.
    let labelled = text.split_once(':').is_some_and(|(label, _)| !matches!(fold(label).as_str(), "firma" | "company"));
    FIRST.contains(&first.as_str()) || small || labelled
}

/// "CEO at Bar Ltd", "Geschäftsführer der Huber GmbH": the position and the company.
pub fn job_at_company(text: &str) -> Option<(&str, &str)> {
    let cuts = [" bei der ", " bei ", " at ", " @ ", " der "];
    cuts.iter().find_map(|cut| {
        let (job, company) = text.split_once(cut)?;
        let whole = name::is_position(job) && (*cut != " der " || !job.contains(' '));
        (whole && !company::has_form(job) && company::has_form(company)).then_some((job, company))
    })
}

/// Whether a team signs, not a person.
pub fn is_team(line: &str) -> bool {
    let folded = fold(line.trim());
    ["ihr team", "euer team", "dein team", "your team", "das team", "the team", "ihr service-team", "ihre "]
        .iter()
        .any(|start| folded.starts_with(start) && folded.contains("team"))
        || folded.split(' ').any(|word| word == "team")
            && says(&folded, &["team der", "team von", "team at", "team of"])
}
