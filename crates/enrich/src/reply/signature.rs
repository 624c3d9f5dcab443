//! The grammar of a signature: name, position, company, numbers, and the legal notice, whose
//! persons are not the sender.

pub mod asides;

use mittler_core::Label;

use crate::{
    company::{self, Company},
    email,
    name::{self, Name, fold},
    phone::{self, Phone},
    reply::digits,
};

/// Longer lines are no lines of a signature: a legal notice at best, a pasted log at worst.
const LONGEST_LINE: usize = 1_000;

/// What a signature says of its sender and the sender's company.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signature {
    pub name: Option<Name>,
    pub position: Option<String>,
    pub company: Option<Company>,
    pub phones: Vec<Phone>,
    /// Numbers of the company, not of the sender: the switchboard.
    pub switchboards: Vec<Phone>,
    pub website: Option<String>,
    pub street: Option<String>,
    pub postal_code: Option<String>,
    pub city: Option<String>,
    pub vat_id: Option<String>,
    pub register: Option<String>,
}

const JOBS: &str = "leiter leitung geschaeftsfuehr prokurist manager direktor director head chef einkauf einkaeufer vertrieb verkauf ingenieur
techniker konstrukt meister referent assist officer ceo cto coo cfo founder gruender president engineer buyer berater consultant
inhaber vorstand sachbearbeit entwickl planer koordinat hoofd directeur directrice responsable titolare responsabile dyrektor
kierownik spezialist specialist analyst architekt architect partner sekretaer lead monteur elektriker laborant vorbereitung buchhalt
controll marketing gesellschafter beauftragt fachkraft administrator trainee student azubi acheteur acheteuse jednatel inkoop inkoper verkoop sales
direttore direttrice kaufmann kauffrau kaufm. disponent logistik instandhalt produktion qualitaet service owner supervisor innendienst
aussendienst entwicklung forschung projekt personal finanz rechnungswesen instandsetz aussenhandel export import strategi";

/// Whether the text names a job.
pub fn names_job(text: &str) -> bool {
    let folded = fold(text);
    JOBS.split_ascii_whitespace().any(|word| folded.contains(word))
}

/// Numbers beside these words are not the sender's.
const NOT_THE_SENDERS: [&str; 22] = [
    "zentrale",
    "empfang",
    "sekretariat",
    "vorzimmer",
    "bereitschaft",
    "notfall",
    "notdienst",
    "hotline",
    "support",
    "helpdesk",
    "kundendienst",
    "serviceline",
    "switchboard",
    "reception",
    "standard",
    "assistenz",
    "assistentin",
    "vertretung",
    "stoerung",
    "centralino",
    "accueil",
    "main",
];

/// Words that make a line part of the legal notice.
const LEGAL: [&str; 31] = [
    "amtsgericht",
    "registergericht",
    "handelsregister",
    "hrb",
    "hra",
    "sitz der gesellschaft",
    "sitz:",
    "ust-id",
    "ustid",
    "ust.-id",
    "umsatzsteuer",
    "steuernummer",
    "st.-nr",
    "vat",
    "uid",
    "mwst",
    "aufsichtsrat",
    "pers. haft",
    "persoenlich haftend",
    "komplementaer",
    "registered",
    "siret",
    "siren",
    "rcs",
    "kvk",
    "btw",
    "p.iva",
    "partita iva",
    "iban",
    "firmenbuch",
    "krs",
];

/// Where the mail ends for our purpose.
const AFTERWORD: [&str; 11] = [
    "diese e-mail",
    "diese mail",
    "diese nachricht",
    "this e-mail",
    "this email",
    "this message",
    "der inhalt dieser",
    "vertraulich",
    "hinweis:",
    "bitte denken sie",
    "please consider",
];

/// Numbers beside these words are no phone numbers, even where they begin with a zero.
const NO_PHONE: [&str; 24] = [
    "konto",
    "blz",
    "iban",
    "kunde",
    "lieferant",
    "iso",
    "steuer",
    "rechnung",
    "auftrag",
    "bestell",
    "artikel",
    "angebot",
    "ticket",
    "projekt",
    "zertifi",
    "personalnr",
    "raum",
    "stand",
    "halle",
    "customer",
    "order",
    "invoice",
    "account",
    "duns",
];

/// Reads the lines from the sender's name on.
pub fn read(lines: &[&str], country: &str) -> Signature {
    let mut signature = Signature::default();
    let mut base: Option<String> = None;
    let mut aside = false;
    for line in lines.iter().filter(|line| line.len() <= LONGEST_LINE) {
        let line = line.trim().trim_start_matches(['*', '•']).trim_end_matches('*').trim();
        let folded = fold(line);
        if AFTERWORD.iter().any(|start| folded.starts_with(start)) {
            break;
        }
        // An advert or another's block ends with its paragraph.
        aside &= !line.is_empty();
        if line.is_empty() || is_tail(&folded) {
            continue;
        }
        if is_legal(line, &folded) {
            signature.vat_id = signature.vat_id.take().or_else(|| company::vat_id_in(line));
            signature.register = signature.register.take().or_else(|| company::register_in(line));
            continue;
        }
        aside |= asides::begins(line, &folded);
        if aside || asides::is_sentence(line) {
            continue;
        }
        let line = asides::own_part(line, signature.is_bare());
        for segment in line.split(['|', '·', '•', '\t']).map(str::trim).filter(|segment| !segment.is_empty()) {
            signature.segment(segment, &mut base, country);
        }
    }
    signature
}

impl Signature {
    /// Nothing but the name stood above so far.
    fn is_bare(&self) -> bool {
        self.position.is_none() && self.company.is_none() && self.phones.is_empty()
    }

    fn segment(&mut self, text: &str, base: &mut Option<String>, country: &str) {
        if let Some(own) = asides::without_affiliation(text) {
            if !own.is_empty() {
                self.segment(own, base, country);
            }
            return;
        }
        if let Some((job, company)) = asides::job_at_company(text) {
            self.segment(job, base, country);
            self.segment(company, base, country);
            return;
        }
        // "Leiterin F&E, Theta AG, Bahnhofstrasse 1": a job before the company is no part of its name.
        if let Some((job, rest)) = text.split_once(", ")
            && names_job(job)
            && !company::has_form(job)
            && company::has_form(rest)
        {
            self.segment(job, base, country);
            self.segment(rest, base, country);
            return;
        }
        // "89073 Ulm" and "D-89073 Ulm" would pass for numbers: what is a place is none.
        if let Some((place, others)) = place_parts(text) {
            self.address(&place);
            for other in others {
                self.segment(other, base, country);
            }
            return;
        }
        if self.numbers(text, base, country) {
            return;
        }
        let labels = ["web:", "Web:", "W:", "w:", "Internet:", "Website:", "Homepage:"];
        let text = labels.iter().find_map(|label| text.strip_prefix(label)).unwrap_or(text).trim();
        if text.contains('@') || email::host_of(text).is_some() {
            if !text.contains('@') && self.website.is_none() {
                self.website = Some(text.to_lowercase());
            }
            return;
        }
        if let Some((company, rest)) = company_of(text) {
            self.company.get_or_insert(company);
            self.address(rest);
            return;
        }
        if self.address(text) {
            return;
        }
        let short = text.chars().count() <= 90 && text.split_whitespace().count() <= 9;
        let plain = text.starts_with(char::is_alphabetic)
            && !text.chars().any(|c| c.is_ascii_digit())
            && !text.ends_with(['.', '!', '?', ':']);

        // Without a word for a job it may as well be a company without a legal form, or a motto.
        if self.position.is_none() && short && plain && names_job(text) && asides::may_be_position(text) {
            self.position = Some(text.to_owned());
        }
    }

    /// Takes the numbers of a segment; whether there were any.
    fn numbers(&mut self, text: &str, base: &mut Option<String>, country: &str) -> bool {
        let mut any = false;
        let mut foreign = false;
        let passing = asides::is_passing(&fold(text));
        for (piece, phone) in phone::read_pieces(text, country) {
            if !is_dialable(&piece) {
                continue;
            }
            let folded = fold(&piece);
            foreign = passing
                || NOT_THE_SENDERS.iter().any(|word| folded.contains(word))
                || asides::is_old(&folded)
                || digits::is_cut_off(&piece);
            let Some(phone) = phone.or_else(|| extension(&piece, base.as_deref(), country)) else { continue };
            any = true;
            if phone.is_service() {
                continue;
            }
            if phone.label != Label::Fax
                && piece.contains('-')
                && piece.chars().filter(char::is_ascii_digit).count() > 6
            {
                *base = piece.rfind('-').and_then(|at| piece.get(..=at)).map(str::to_owned);
            }
            match phone.label {
                // A fax is the company's machine, a private number was not meant for us.
                Label::Fax | Label::Private => {}
                _ if foreign && (folded.contains("zentrale") || folded.contains("switchboard")) => {
                    push(&mut self.switchboards, phone);
                }
                _ if foreign => {}
                _ => push(&mut self.phones, phone),
            }
        }
        any || foreign
    }

    /// Takes street, postcode and place of a segment; whether there was a place.
    fn address(&mut self, text: &str) -> bool {
        let parts: Vec<&str> = text.split([',', ';']).map(str::trim).collect();
        let found = parts.iter().enumerate().find_map(|(at, part)| postcode_and_city(part).map(|place| (at, place)));
        if let Some((at, (postal_code, city))) = found {
            if at > 0 && self.street.is_none() {
                self.street = parts.get(at - 1).filter(|street| is_street(street)).map(|street| (*street).to_owned());
            }
            self.postal_code.get_or_insert(postal_code);
            self.city.get_or_insert(city);
            return true;
        }
        if is_street(text) {
            self.street.get_or_insert(text.to_owned());
            return true;
        }
        false
    }
}

/// Street and place of a segment, and its other parts, if one of them is a place or surely a street.
fn place_parts(text: &str) -> Option<(String, Vec<&str>)> {
    let is_place = |part: &&str| postcode_and_city(part).is_some() || (is_street(part) && names_street(&fold(part)));
    let (places, others): (Vec<&str>, Vec<&str>) = text.split([',', ';']).map(str::trim).partition(is_place);
    (!places.is_empty()).then(|| (places.join(", "), others))
}

/// Whether the digits of a piece may be a phone number: they begin as one is dialled, or a word
/// beside them says so. Postcodes, dates and the numbers of customers, banks and norms do neither.
fn is_dialable(piece: &str) -> bool {
    let at = piece.find(|c: char| c.is_ascii_digit() || c == '+').unwrap_or(piece.len());
    let (before, digits) = piece.split_at(at);
    // The D of "D-89073" is the country's: a letter alone names no phone.
    let word = before.split(|c: char| !c.is_alphabetic()).rfind(|word| !word.is_empty()).unwrap_or("");
    if phone::label_of(piece).1 && word.chars().count() > 1 {
        return true;
    }
    let folded = fold(before);
    let named =
        folded.split(|c: char| !c.is_alphanumeric()).any(|word| NO_PHONE.iter().any(|known| names_number(word, known)));
    digits.starts_with(['+', '0']) && !named && !holds_date(digits)
}

/// "kunden", "kundennummer" and "kunde" for "kunde", but no "kundendienst".
fn names_number(word: &str, known: &str) -> bool {
    let counted = ["nr", "nummer", "number", "no", "id"].iter().any(|end| word.ends_with(end));
    word.strip_prefix(known).is_some_and(|rest| rest.len() <= 2 || counted)
}

/// "06.-09.10.2026", "01.05.2026".
fn holds_date(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).any(|word| {
        let parts: Vec<&str> = word.trim_end_matches('.').split('.').collect();
        let [day, month, year] = parts.as_slice() else { return false };
        let within = |part: &str, most: u32| part.parse().is_ok_and(|n: u32| (1..=most).contains(&n));
        within(day, 31) && within(month, 12) && matches!(year.len(), 2 | 4)
    })
}

fn push(phones: &mut Vec<Phone>, phone: Phone) {
    if !phones.iter().any(|known| known.e164 == phone.e164) {
        phones.push(phone);
    }
}

/// "Durchwahl: -258": the last group of the number above, replaced.
fn extension(piece: &str, base: Option<&str>, country: &str) -> Option<Phone> {
    let digits: String = piece.chars().filter(char::is_ascii_digit).collect();
    let before = piece.split(|c: char| c.is_ascii_digit()).next()?.trim_end();
    let dash = before.ends_with('-') || phone::label_of(piece).0 == Some(Label::Direct);
    if !dash || digits.is_empty() || digits.len() > 5 {
        return None;
    }
    let mut phone = phone::read(&format!("{}{digits}", base?.split(':').next_back()?.trim()), country)?;
    phone.label = Label::Direct;
    Some(phone)
}

/// The company of a segment, and what follows its name.
fn company_of(text: &str) -> Option<(Company, &str)> {
    if !company::has_form(text) || names_only_jobs(text) || asides::is_description(text) {
        return None;
    }
    let company = company::read(text, "")?;
    company.legal_form?;
    let rest = text.get(company.name.len()..).unwrap_or("").trim_start_matches([',', ' ', '-', '–']);
    Some((company, rest))
}

/// "Leiter AG" is hardly a company, but "Inhaber e.K." none at all.
fn names_only_jobs(text: &str) -> bool {
    text.split_whitespace().count() < 2
}

fn is_street(text: &str) -> bool {
    let folded = fold(text);
    let number = text.split_whitespace().skip(1).any(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let first_number = text.starts_with(|c: char| c.is_ascii_digit());
    (number || first_number)
        && (names_street(&folded)
            || (number
                && !first_number
                && text.split_whitespace().count() <= 5
                && text.split(' ').next_back().is_some_and(is_house_number)))
}

fn names_street(folded: &str) -> bool {
    const WORDS: [&str; 19] = [
        "str.", "strasse", "weg ", "allee", "platz", "gasse", "ring ", "damm", "ufer", "rue ", "via ", "avenue",
        "street", "road", "laan", "straat", "chaussee", "ulica", "ul. ",
    ];
    WORDS.iter().any(|word| folded.contains(word))
}

fn is_house_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit()) && word.len() <= 5
}

/// "D-50679 Köln", "73430 Aalen", "CH-8406 Winterthur".
fn postcode_and_city(text: &str) -> Option<(String, String)> {
    let (code, city) = text.trim().split_once(' ')?;
    let code = crate::country::postcode(code).0;
    let digits = (4..=5).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
    let named = city.trim().starts_with(char::is_uppercase) && !city.chars().any(|c| c.is_ascii_digit());
    (digits && named).then(|| (code, city.trim().to_owned()))
}

fn is_tail(folded: &str) -> bool {
    folded.starts_with("von meinem ")
        || folded.starts_with("gesendet von")
        || folded.starts_with("sent from")
        || folded.starts_with("envoye de")
        || folded.starts_with("--")
}

/// Whether the line belongs to the legal notice. "Geschäftsführer" alone is a position;
/// "Geschäftsführer: Bruno Kneule" is not.
pub fn is_legal(line: &str, folded: &str) -> bool {
    let words: Vec<&str> = folded.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | ':'))).collect();
    let named = LEGAL.iter().any(|word| {
        if word.contains([' ', ':']) {
            folded.contains(word)
        } else {
            words.iter().any(|known| known.starts_with(word) && known.len() <= word.len() + 9)
        }
    });
    if named || folded.contains("che-") {
        return true;
    }
    let management = [
        "geschaeftsfuehr",
        "vorstand",
        "managing director",
        "gf",
        "inhaber",
        "vorsitz",
        "geschaeftsleitung",
        "geschaeftsf.",
        "vertretungsberechtigt",
    ];
    let Some(word) = management.iter().find(|word| folded.starts_with(**word)) else { return false };
    let rest = line.split_once(':');
    let after_space = line.split_whitespace().nth(1).unwrap_or("");
    rest.is_some() || name::is_given_name(after_space) || (*word == "gf" && line.split_whitespace().count() > 2)
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
