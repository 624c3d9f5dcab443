//! E-mail addresses: found in a cell, checked, and turned into the key they are recognised by.
//!
//! **Invariant:** a stored address differs from what was written in nothing but case and what
//! stood around it. Dots and plus signs are only dropped in keys.

use std::{collections::HashSet, str::FromStr, sync::LazyLock};

use email_address::EmailAddress;

pub use crate::freemail::is_free_mail;

/// One address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// As written, lower-cased.
    pub address: String,
    /// The domain in its ASCII form.
    pub domain: String,
    /// The name of "Veit Müller <v.mueller@example.de>".
    pub display_name: Option<String>,
}

/// Mailboxes of a task, not of a person: `info@`, `einkauf@`.
const ROLES: &str = "
abteilung accounting accounts acquisti admin administration agb anfrage anfragen angebot angebote
auftrag auftraege ausbildung backoffice bestellung bestellungen bewerbung bewerbungen billing
booking buchhaltung buero bureau career careers commercial compta comptabilite contact contabilita
contact-us customerservice datenschutz disposition einkauf einkaeufer empfang export event events
faktura feedback finance firma gf gl hallo hello help helpdesk hotline hr hostmaster import info
infos inkoop innendienst instandhaltung it invoice invoices jobs karriere kontakt konstruktion
kundendienst kundenservice kundenbetreuung lager legal logistik mail mailbox marketing messe messen
moin newsletter noreply no-reply nicht-antworten office order orders orga personal post postmaster
postfach praktikum presse press produktion projekte purchasing qm rechnung rechnungen rechnungswesen
reklamation rezeption sales secretary sekretariat service shop support team technik technical
termine ufficio versand vertrieb verkauf verwaltung verwaltungs vente ventes webmaster website
werkstatt zentrale zentral";
static ROLE_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| ROLES.split_ascii_whitespace().collect());

impl Email {
    /// The address with its domain in ASCII: equal for all ways to write one mailbox's address.
    pub fn key(&self) -> String {
        format!("{}@{}", self.local(), self.domain)
    }

    /// Like [`Email::key`], and without what the big free mailers ignore: dots and `+tag` of
    /// Google, `+tag` of the others.
    pub fn canonical(&self) -> String {
        let local = self.local();
        let bare = local.split('+').next().filter(|bare| !bare.is_empty()).unwrap_or(local);
        match self.domain.as_str() {
            "gmail.com" | "googlemail.com" => format!("{}@gmail.com", bare.replace('.', "")),
            _ => format!("{bare}@{}", self.domain),
        }
    }

    pub fn local(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// A mailbox of a task or a team. It never tells who wrote.
    pub fn is_role(&self) -> bool {
        let local = self.local();
        let first = local.split(['.', '-', '_', '+']).next().unwrap_or(local);
        let is = |word: &str| ROLE_WORDS.contains(word);
        is(local) || (is(first) && local.len() > first.len() && !self.looks_personal())
    }

    /// "office.berlin@" is a role, "mail.mueller@" hardly: only words that are roles or places
    /// follow a role, and we know no places, so anything after a dot counts but initials.
    fn looks_personal(&self) -> bool {
        let rest = self.local().split(['.', '-', '_', '+']).nth(1).unwrap_or("");
        rest.len() == 1
    }

    /// Domain of the company: the registrable one, unless anybody may have an address there.
    pub fn company_domain(&self) -> Option<String> {
        company_domain(&self.domain)
    }
}

/// The registrable domain in ASCII, lower-cased; `None` for free mail and what is no domain.
pub fn company_domain(host: &str) -> Option<String> {
    let host = ascii_domain(host.trim().trim_end_matches('.'))?;
    let domain = psl::domain_str(&host)?.to_owned();
    (!is_free_mail(&domain) && !is_free_mail(&host)).then_some(domain)
}

/// The host of a web address as people write it: `www.x.de`, `https://x.de/kontakt`.
pub fn host_of(website: &str) -> Option<String> {
    let text = website.trim().to_lowercase();
    let rest = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or("").trim_end_matches('.');
    let plain = host.strip_prefix("www.").unwrap_or(host);
    let known = plain.contains('.') && !plain.contains([' ', '@', ',', ';']);
    known.then(|| ascii_domain(plain)).flatten()
}

pub fn ascii_domain(domain: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii(domain).ok()?;
    let labels_fit = ascii.split('.').all(|label| {
        !label.is_empty()
            && label.len() < 64
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    });
    (labels_fit && ascii.len() < 254).then_some(ascii)
}

/// Reads one address, in any of the forms `a@b.de`, `mailto:a@b.de`, `Name <a@b.de>`.
pub fn read(text: &str) -> Option<Email> {
    let text = mittler_core::value::clean(text);
    let (name, inner) = match (text.find('<'), text.rfind('>')) {
        (Some(open), Some(close)) if open < close => (text[..open].trim(), &text[open + 1..close]),
        _ => ("", text.as_str()),
    };
    let inner = inner.trim().trim_matches(['"', '\'', '<', '>', ',', ';', '(', ')']);
    let inner = match inner.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => inner.get(7..)?,
        _ => inner,
    };
    let inner = inner.split('?').next()?.trim().trim_end_matches('.');
    let (local, host) = inner.rsplit_once('@')?;
    let domain = ascii_domain(host)?;
    let dotted = domain.split_once('.').is_some_and(|(name, tld)| !name.is_empty() && tld.len() > 1);
    let parsed = EmailAddress::from_str(&format!("{local}@{domain}")).is_ok();
    if !dotted || !parsed || local.contains(char::is_whitespace) {
        return None;
    }
    let name = name.trim_matches(|c: char| c == '"' || c == '\'' || c.is_whitespace());
    Some(Email { address: inner.to_lowercase(), domain, display_name: (!name.is_empty()).then(|| name.to_owned()) })
}

/// All addresses of a cell, and how many pieces with an `@` could not be read.
pub fn read_all(cell: &str) -> (Vec<Email>, usize) {
    if let Some(only) = read(cell) {
        return (vec![only], 0);
    }
    let pieces: Vec<&str> = cell.split([';', ',', '|', '\n']).filter(|piece| !piece.trim().is_empty()).collect();
    let pieces = match pieces.as_slice() {
        [one] if one.matches('@').count() > 1 => one.split(['/', ' ']).filter(|piece| !piece.is_empty()).collect(),
        _ => pieces,
    };
    let mut found: Vec<Email> = Vec::new();
    let mut bad = 0;
    for piece in pieces {
        match read(piece) {
            Some(email) if found.iter().any(|known| known.key() == email.key()) => {}
            Some(email) => found.push(email),
            None => bad += 1,
        }
    }
    (found, bad)
}

/// Whether a text is the address of one person, and no mailbox that several read.
pub fn is_personal(address: &str) -> bool {
    read(address).is_some_and(|email| !email.is_role())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_found_in_what_people_put_around_it() {
        let forms = [
            "c.thielges@moseltal-kt.example",
            " C.Thielges@Moseltal-KT.example ",
            "mailto:c.thielges@moseltal-kt.example",
            "<c.thielges@moseltal-kt.example>",
            "Clemens Thielges <c.thielges@moseltal-kt.example>",
        ];
        for form in forms {
            assert_eq!(read(form).unwrap().address, "c.thielges@moseltal-kt.example", "{form}");
        }
        assert_eq!(read(forms[4]).unwrap().display_name.as_deref(), Some("Clemens Thielges"));
    }

    #[test]
    fn what_is_no_address_is_not_repaired() {
        for text in
            ["t.ehrenreich.altmuehl-laser.example", "l.baumgärtel@altmuehl laser.example", "test@test", "@x.de", ""]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn both_ways_to_write_an_umlaut_domain_are_one_key() {
        let unicode = read("info@müllenborn-fördertechnik.example").unwrap();
        let ascii = read(&format!("info@{}", unicode.domain)).unwrap();
        assert!(unicode.domain.starts_with("xn--"));
        assert_eq!(unicode.key(), ascii.key());
        assert_eq!(unicode.address, "info@müllenborn-fördertechnik.example");
    }

    #[test]
    fn two_addresses_in_a_cell_are_two_addresses() {
        let (found, bad) = read_all("b.luedenbach@ob-walzen.example; gf@ob-walzen.example");
        assert_eq!((found.len(), bad), (2, 0));
        assert!(!found[0].is_role() && found[1].is_role());
    }

    #[test]
    fn a_mailbox_of_a_task_is_no_person() {
        for role in
            ["info@x.de", "EINKAUF@x.de", "sales-de@x.de", "bewerbung@x.de", "no-reply@x.de", "office.wien@x.at"]
        {
            assert!(read(role).unwrap().is_role(), "{role}");
        }
        for person in ["infantino@x.de", "m.post@x.de", "hans.office@x.de", "piet@x.nl"] {
            assert!(!read(person).unwrap().is_role(), "{person}");
        }
    }

    #[test]
    fn dots_and_plus_are_dropped_only_in_the_key() {
        let email = read("Wibke.Steenbock+messe@googlemail.com").unwrap();
        assert_eq!(email.address, "wibke.steenbock+messe@googlemail.com");
        assert_eq!(email.canonical(), "wibkesteenbock@gmail.com");
    }

    #[test]
    fn a_free_mailer_is_no_company() {
        assert_eq!(read("a@gmx.de").unwrap().company_domain(), None);
        assert_eq!(read("a@mail.nordwerk.co.uk").unwrap().company_domain().as_deref(), Some("nordwerk.co.uk"));
        assert_eq!(
            host_of("https://www.Huber-Rosenheim.example/kontakt?x=1").as_deref(),
            Some("huber-rosenheim.example")
        );
        assert_eq!(host_of("e.krammer@murtal-hb.example"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*") {
            if let Some(email) = read(&text) {
                prop_assert_eq!(read(&email.address).map(|again| again.key()), Some(email.key()));
            }
            let _ = (read_all(&text), host_of(&text), company_domain(&text));
        }
    }
}
