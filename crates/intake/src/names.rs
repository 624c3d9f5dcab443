//! What a column or a JSON member is called, as the exports of scanner apps, ticket shops and CRMs
//! name it: in German and English, and the most usual in French, Italian, Spanish, Dutch and Polish.

use std::{collections::HashMap, sync::LazyLock};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::LeadField;

/// How sure a name says what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Match {
    Exact,
    /// After leaving out words that add nothing: "Telefon (geschäftlich)".
    Words,
    Misspelt,
}

/// Each list is separated by `|`; case, umlauts, spaces and punctuation do not matter.
const NAMES: &[(LeadField, &str)] = &[
    (
        LeadField::ExternalId,
        "ID|Lead ID|External ID|Externe ID|Externe Nummer|Datensatz ID|Record ID|Kontakt ID|Contact ID|Lead Nummer|Leadnr|\
         Lead Number|UUID|GUID|Report ID|Source ID|Scan ID|Submission ID|Eintrag ID|Lfd ID",
    ),
    (
        LeadField::Badge,
        "Badge|Badge ID|Badge Nr|Badge Nummer|Badge Number|Badge Code|Badge No|Ticket|Ticket ID|Ticket Nr|Ticket Nummer|\
         Ticket Code|Ticket Number|Besucher ID|Besucher Nr|Besuchernummer|Besucherausweis|Visitor ID|Visitor Number|\
         Attendee ID|Attendee Number|Teilnehmer ID|Teilnehmernummer|Teilnehmer Nr|Registrierungsnummer|Registration ID|\
         Registration Number|Barcode|QR Code|Ausweisnummer|Ausweis Nr|Scancode",
    ),
    (
        LeadField::ScannedAt,
        "Scanned At|Scan Zeit|Scan Zeitpunkt|Scan Datum|Scan Date|Scan Time|Scandatum|Scan Timestamp|Gescannt am|\
         Gescannt um|Erfasst am|Erfasst um|Erfassungsdatum|Erfassungszeit|Erfassungszeitpunkt|Zeitstempel|Timestamp|Datum|\
         Date|Zeitpunkt|Datum Uhrzeit|Datum und Uhrzeit|Date Time|Datetime|Erstellt am|Erstellungsdatum|Angelegt am|\
         Created|Created At|Created On|Created Date|Create Date|Creation Date|Lead created at|First capture time|\
         Capture Time|Captured At|Capture Date|Erster Scan|First Scan|Kontaktdatum|Gesprächsdatum|Aufgenommen am",
    ),
    (LeadField::ScannedTime, "Scanned Time|Scan Uhrzeit|Uhrzeit des Scans"),
    (LeadField::GenderCode, "Gender Code|Geschlecht ISO 5218"),
    (LeadField::Salutation, "Salutation|Anrede|Gender|Geschlecht|Briefanrede Kurz|Anredeform|Appellation|Civilité"),
    (
        LeadField::Title,
        "Title|Titel|Akademischer Titel|Akademischer Grad|Akad Titel|Akad Grad|Academic Title|Title Academic Title|\
         Titel Akademischer Grad|Grad|Degree|Namenstitel|Dr Titel|Titel vor dem Namen",
    ),
    (
        LeadField::FirstName,
        "First Name|Firstname|Vorname|Vornamen|Given Name|Forename|Rufname|Prénom|Nome di battesimo|Voornaam|Fname|Ansprechpartner Vorname|\
         Vorname Ansprechpartner|Kontaktperson Vorname|Vorname Kontaktperson|Name First|Name Given|Prénoms|Imię|Imiona|Primer nombre|Nombre de pila|Nombres",
    ),
    (
        LeadField::LastName,
        "Last Name|Lastname|Nachname|Familienname|Zuname|Surname|Family Name|Nom de famille|Cognome|Achternaam|Lname|Ansprechpartner Nachname|\
         Nachname Ansprechpartner|Ansprechpartner Name|Kontaktperson Nachname|Nachname Kontaktperson|Name Last|Name Family|Nom patronymique|Apellido|Apellidos|Apellido s|Primer apellido|Nazwisko|Familienaam|Cognomi",
    ),
    (
        LeadField::FullName,
        "Full Name|Name|Vor und Nachname|Vor Nachname|Nach Vorname|Vorname und Nachname|Vorname Nachname|Vorname Name|Name Vorname|Nachname Vorname|\
         Nach und Vorname|Vollständiger Name|Voller Name|Kompletter Name|Ansprechpartner|Ansprechpartnerin|\
         Ansprechpartner in|Ansprechperson|Kontaktperson|Kontaktname|Contact Name|Contact Person|Contact Full Name|\
         Display Name|Attendee Name|Visitor Name|Name des Besuchers|Besuchername|Teilnehmername|Teilnehmer|Besucher|\
         Attendee|Visitor|First and last name|Person|Nom|Nome|Nombre|Naam|Vor und Zuname|Vor Zuname|Zu und Vorname|Vorname und Zuname|Vorname Zuname|Zuname Vorname|Zuname und Vorname|Vorname Familienname|Familienname Vorname|Nom et prénom|Prénom et nom|Nom prénom|Prénom nom|Nom complet|Nome e cognome|Cognome e nome|Nome cognome|Cognome nome|Nome completo|Nombre y apellidos|Nombre y apellido|Apellidos y nombre|Apellidos nombre|Nombre completo|Volledige naam|Voor en achternaam|Naam contactpersoon|Contactpersoon|Imię i nazwisko|Nazwisko i imię|Imię nazwisko|Nazwisko imię|Persona di contatto|Persona de contacto|Osoba kontaktowa",
    ),
    (
        LeadField::Company,
        "Company|Firma|Firmenname|Firmierung|Unternehmen|Unternehmensname|Company Name|Name der Firma|Organisation|\
         Organization|Organisation Name|Organization Name|Account|Account Name|Company Account|Arbeitgeber|Employer|\
         Institution|Betrieb|Firmenbezeichnung|Business Name|Firma Institution|Firma Organisation|Unternehmen Organisation|\
         Unternehmen Institution|Société|Entreprise|Azienda|Ditta|Bedrijf|Gesellschaft|Firma 1|Firma Unternehmen|\
         Unternehmen Firma|Firma Name|Unternehmen Name|Nom de l'entreprise|Nom de la société|Nom entreprise|Nom société|Raison sociale|Società|Ragione sociale|Nome azienda|Empresa|Compañía|Razón social|Nombre de la empresa|Bedrijfsnaam|Naam bedrijf|Organisatie|Nazwa firmy|Przedsiębiorstwo",
    ),
    (
        LeadField::Position,
        "Position|Funktion|Job Title|Jobtitle|Jobtitel|Function|Rolle|Role|Job Role|Job Position|Stelle|\
         Stellenbezeichnung|Berufsbezeichnung|Beruf|Tätigkeit|Position im Unternehmen|Funktion im Unternehmen|\
         Position Funktion|Funktion Position|Job Function|Dienststellung|Fonction|Funzione|Functie|Titel Position|\
         Titel Funktion|Occupation|Intitulé du poste|Poste occupé|Qualifica|Ruolo|Posizione|Cargo|Puesto|Puesto de trabajo|Functietitel|Stanowisko|Stanowisko pracy",
    ),
    (
        LeadField::Department,
        "Department|Abteilung|Abt|Bereich|Fachbereich|Geschäftsbereich|Division|Abteilung Bereich|Dept",
    ),
    (
        LeadField::Street,
        "Street|Straße|Str|Straße Nr|Straße und Nr|Straße Hausnummer|Straße und Hausnummer|Straße Hausnr|Straße und Hausnr|\
         Strasse Nummer|Adresse|Address|Anschrift|Street Address|Address Line 1|Address 1|Adresse 1|Adresszeile 1|\
         Adresszeile|Street Name|Straßenname|Mailing Street|Street and Number|Street Number and Name|Postadresse|Rue|Via|Street 1|Rue et numéro|Indirizzo|Indirizzo e numero civico|Calle|Dirección|Calle y número|Domicilio|Straat|Straatnaam|Straat en huisnummer|Straat huisnummer|Adres|Ulica|Ulica i numer",
    ),
    (
        LeadField::HouseNumber,
        "House Number|Hausnummer|Hausnr|Haus Nr|HNr|Street Number|House No|Street No|Huisnummer|Numero civico|Numer domu",
    ),
    (
        LeadField::AddressExtra,
        "Address Extra|Adresszusatz|Adress Zusatz|Anschriftzusatz|Address Line 2|Address 2|Adresse 2|Adresszeile 2|Street 2|\
         Straße 2|Address Addition|Zusatz|Adressergänzung|Gebäude",
    ),
    (
        LeadField::PostalCode,
        "Postal Code|Postalcode|PLZ|Postleitzahl|ZIP|ZIP Code|Postcode|ZIP Postal Code|Code Postal|CAP|NPA|Mailing Postal Code|\
         Mailing Zip|Codice postale|Codice di avviamento postale|Código postal|Kod pocztowy",
    ),
    (
        LeadField::City,
        "City|Ort|Stadt|Wohnort|Ortschaft|Town|Standort|Firmensitz|Ville|Città|Mailing City|City Town|\
         PLZ Ort|PLZ und Ort|Postleitzahl Ort|ZIP City|Commune|Localité|Comune|Ciudad|Población|Localidad|Plaats|Woonplaats|Stad|Miasto|Miejscowość",
    ),
    (
        LeadField::State,
        "State|Bundesland|Kanton|Province|Provinz|State Region|State Province|Region|Bundesstaat|Mailing State|Canton|\
         Bundesland Region|Region Bundesland|Bundesland Kanton",
    ),
    (
        LeadField::Country,
        "Country|Land|Staat|Nation|Country Region|Country Name|Country Code|Ländercode|Länderkürzel|Landescode|Länderkennzeichen|\
         LKZ|Mailing Country|Pays|Paese|Nazione|Land Country|Land Region|País|Kraj|Państwo",
    ),
    (
        LeadField::Phone,
        "Phone|Telefon|Tel|Telefonnummer|Telefonnr|Telefon Nr|Fon|Rufnummer|Festnetz|Festnetznummer|Phone Number|Telephone|\
         Telephone Number|Landline|Office Phone|Work Phone|Business Phone|Direct Phone|Direct Dial|Tel 1|\
         Telefon Festnetz|Telefonnummer Festnetz|Festnetz Telefon|Telefon direkt|Telefonnummer direkt|Phone Work|Phone Office|\
         Phone Business|Phones|Phone Numbers|Telefonnummern|\
         Telefon geschäftlich|Telefon dienstlich|Telefon Büro|Telefon Arbeit|Telefon 1|Phone 1|Téléphone|Telefono|Telefoon|Numéro de téléphone|Téléphone fixe|Téléphone professionnel|Tél|Numero di telefono|Telefono fisso|Teléfono fijo|Número de teléfono|Telefoonnummer|Vaste telefoon|Numer telefonu|Nr telefonu|Telefon stacjonarny",
    ),
    (
        LeadField::Mobile,
        "Mobile|Mobil|Mobiltelefon|Mobilnummer|Mobilnr|Mobilfunk|Mobilfunknummer|Mobil Telefon|Handy|Handynummer|Handynr|\
         Mobile Phone|Mobile Number|Mobile Phone Number|Cell|Cell Phone|Cellphone|Cell Number|Telefon mobil|Tel mobil|\
         Phone mobile|Phone cell|Mobiltelefonnummer|Telefonnummer mobil|Natel|Mobil 1|Cellulare|GSM|Téléphone portable|Téléphone mobile|Portable|Numéro de portable|Tél portable|Telefono cellulare|Numero di cellulare|Móvil|Teléfono móvil|Número de móvil|Celular|Teléfono celular|Mobiel|Mobiele telefoon|Mobiel nummer|Telefon komórkowy|Komórka|Numer komórkowy",
    ),
    (LeadField::AreaCode, "Vorwahl|Ortsvorwahl|Telefon Vorwahl|Vorwahl Telefon|Area Code"),
    (
        LeadField::Extension,
        "Durchwahl|DW|Durchwahl Nr|Durchwahlnummer|Telefon Durchwahl|Nebenstelle|Extension|Phone Extension",
    ),
    (LeadField::Fax, "Phone fax|Fax|Faxnummer|Faxnr|Telefax|Fax Number|Telefaxnummer|Fax geschäftlich"),
    (
        LeadField::Email,
        "Email|E Mail|Mail|Email Adresse|E Mail Adresse|Mailadresse|Mail Adresse|Email Address|Mail Address|Email 1|\
         E Mail 1|Elektronische Post|Courriel|Adresse Email|Business Email|Work Email|Firmen E Mail|Primary Email|\
         E Mail geschäftlich|Kontakt E Mail|Emailadress|Emails|E Mails|Email Addresses|Email Work|Email Business|Adresse e mail|Adresse électronique|Indirizzo e mail|Indirizzo email|Posta elettronica|Correo electrónico|Correo|Dirección de correo electrónico|E mailadres|Mailadres|Adres e mail|Adres email|Poczta elektroniczna",
    ),
    (
        LeadField::Website,
        "Website|Webseite|Web Seite|Homepage|URL|Web|WWW|Internet|Internetadresse|Internetseite|Website URL|Website Address|\
         Web Address|Company Website|Firmenwebsite|Webadresse|Webpage|Web Site|Domain|Company Domain|Company Domain Name",
    ),
    (
        LeadField::VatId,
        "VAT ID|VAT|USt ID|USt IdNr|UStID|Umsatzsteuer ID|Umsatzsteuer Identifikationsnummer|Umsatzsteueridentnummer|UID|\
         UID Nummer|VAT Number|VAT No|VAT Reg No|Tax ID|MwSt Nr|MwSt Nummer|ATU|TVA",
    ),
    (
        LeadField::Language,
        "Language|Sprache|Korrespondenzsprache|Preferred Language|Bevorzugte Sprache|Sprachcode|Language Code|Langue|Lingua|Locale",
    ),
    (
        LeadField::Interest,
        "Interest|Interests|Interesse|Interessen|Interessiert an|Interessengebiet|Interessengebiete|Produktinteresse|\
         Produktinteressen|Interesse an|Interested in|Product Interest|Products of Interest|Themen|Themeninteresse|\
         Interessensgebiet|Interessensgebiete|Interessenschwerpunkt|Areas of Interest|Area of Interest",
    ),
    (
        LeadField::Priority,
        "Priority|Priorität|Prio|Rating|Bewertung|Lead Rating|Lead Bewertung|Lead Qualität|Lead Quality|Leadqualität|\
         Leadklasse|Leadbewertung|Einstufung|Kategorie ABC|ABC Kategorie|ABC Einstufung|Wichtigkeit|Klassifizierung",
    ),
    (
        LeadField::Note,
        "Note|Notes|Notiz|Notizen|Bemerkung|Bemerkungen|Kommentar|Kommentare|Comment|Comments|Anmerkung|Anmerkungen|\
         Gesprächsnotiz|Gesprächsnotizen|Gesprächsinhalt|Freitext|Memo|Remarks|Remark|Messenotiz|Messenotizen|Scan Notiz|\
         Besuchsnotiz|Conversation Notes|Description|Beschreibung|Nachricht|Message|Sonstiges|Hinweis|Hinweise",
    ),
    (
        LeadField::ScannedBy,
        "Scanned By|Gescannt von|Gescannt durch|Erfasst von|Erfasst durch|Erfasser|Scanner|Dialogue Partner|\
         Gesprächspartner|Standpersonal|Standmitarbeiter|Standbesetzung|Aufgenommen von|Created By|Created By Name|\
         Erstellt von|Angelegt von|Captured By|Messemitarbeiter|Gespräch geführt von|Collected By|Scan User",
    ),
    (
        LeadField::Newsletter,
        "Newsletter|Newsletter Anmeldung|Newsletter gewünscht|Newsletter erwünscht|\
         Newsletter abonniert|Newsletter abonnieren|Newsletter ja nein|Newsletter Signup|\
         Newsletter Subscription|Subscribe to Newsletter",
    ),
    (
        LeadField::Owner,
        "Owner|Contact Owner|Lead Owner|Record Owner|Account Owner|Eigentümer|Inhaber des Kontakts|Zuständig|\
         Zuständiger Mitarbeiter|Zuständiger Vertriebler|Betreuer|Kundenbetreuer|Vertriebsmitarbeiter|Vertriebler|\
         Verantwortlich|Verantwortlicher|Vertrieb|Sales Rep|Sales Representative|Account Manager|Owner Email|\
         Außendienst|Außendienstmitarbeiter|Vertriebspartner|Bearbeiter|Assigned To|Zugewiesen an",
    ),
];

/// Words that add nothing to a name. Not among them: private, company, billing, second.
const EMPTY_WORDS: &[&str] = &[
    "geschäftlich",
    "geschäftl",
    "gesch",
    "dienstl",
    "dienstlich",
    "beruflich",
    "büro",
    "business",
    "work",
    "office",
    "arbeit",
    "nr",
    "nummer",
    "number",
    "no",
    "kontakt",
    "contact",
    "contacts",
    "besucher",
    "besuchers",
    "visitor",
    "teilnehmer",
    "attendee",
    "lead",
    "leads",
    "person",
    "personal",
    "personen",
    "data",
    "daten",
    "pflichtfeld",
    "optional",
    "required",
    "feld",
    "field",
    "der",
    "die",
    "das",
    "des",
    "the",
    "of",
    "your",
    "ihr",
    "ihre",
    "ihren",
    "bitte",
    "und",
    "and",
    "scan",
    "badge",
    "haupt",
    "primary",
    "main",
    "standard",
    "mailing",
    "angabe",
    "angaben",
    "value",
    "text",
    "c",
    "crm",
    "messe",
    "messekontakt",
    "wert",
    "inkl",
    "incl",
    "mit",
];

static BY_NAME: LazyLock<HashMap<String, LeadField>> = LazyLock::new(|| {
    let mut by_name = HashMap::new();
    for (field, names) in NAMES {
        for name in names.split('|') {
            by_name.entry(fold(name)).or_insert(*field);
        }
    }
    by_name
});

static EMPTY: LazyLock<Vec<String>> = LazyLock::new(|| EMPTY_WORDS.iter().map(|word| fold(word)).collect());

/// What a header or member name means.
pub(crate) fn meaning(name: &str) -> Option<(LeadField, Match)> {
    if name.len() > 200 {
        return None;
    }
    let folded = fold(name);
    if let Some(field) = BY_NAME.get(&folded) {
        return Some((*field, Match::Exact));
    }
    if let Some(field) = one_of_several(&folded) {
        return Some((field, Match::Exact));
    }
    let words = words(name);
    let telling: String = words.iter().filter(|word| !EMPTY.contains(word)).map(String::as_str).collect();
    if telling != folded
        && !telling.is_empty()
        && let Some(field) = BY_NAME.get(&telling)
    {
        // "Kontakt-ID" is an id, "Messe-Datum" is not when a lead was scanned.
        return (!telling.is_empty() && safe_without_words(*field)).then_some((*field, Match::Words));
    }
    misspelt(&folded).map(|field| (field, Match::Misspelt))
}

/// "Telefon 2", "E-Mail 3": a further one of what a person may have several of.
fn one_of_several(folded: &str) -> Option<LeadField> {
    let name = folded.strip_suffix(|c: char| ('2'..='9').contains(&c))?;
    let field = *BY_NAME.get(name)?;
    matches!(field, LeadField::Phone | LeadField::Mobile | LeadField::Fax | LeadField::Email).then_some(field)
}

/// Short general names change their meaning with the word beside them.
fn safe_without_words(field: LeadField) -> bool {
    !matches!(
        field,
        LeadField::ExternalId
            | LeadField::Badge
            | LeadField::ScannedAt
            | LeadField::ScannedBy
            | LeadField::Owner
            | LeadField::Priority
    )
}

/// One letter too many, too few or wrong in a long name, if only one field is that near.
fn misspelt(folded: &str) -> Option<LeadField> {
    if folded.len() < 7 || folded.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut near: Vec<LeadField> = BY_NAME
        .iter()
        .filter(|(name, _)| name.len() >= 7 && name.len().abs_diff(folded.len()) <= 1)
        .filter(|(name, _)| strsim::osa_distance(name, folded) == 1)
        .map(|(_, field)| *field)
        .collect();
    near.sort_unstable();
    near.dedup();
    match near.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

/// Letters and digits only, in lower case, umlauts as their vowels however they are written.
pub(crate) fn fold(name: &str) -> String {
    let plain: String = name
        .replace('ß', "ss")
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric())
        .collect();
    plain.replace("ae", "a").replace("oe", "o").replace("ue", "u")
}

/// "firstName" as "first Name".
pub fn part_camel_case(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    for c in text.chars() {
        if before.is_lowercase() && c.is_uppercase() {
            spaced.push(' ');
        }
        spaced.push(c);
        before = c;
    }
    spaced
}

/// Folded words; "firstName" and "address_line_1" are several.
fn words(name: &str) -> Vec<String> {
    part_camel_case(name).split(|c: char| !c.is_alphanumeric()).map(fold).filter(|word| !word.is_empty()).collect()
}

/// "Dr.", "Prof. Dr.-Ing.", "Dipl.-Kfm.", "M.Sc.".
pub(crate) fn is_degree(value: &str) -> bool {
    const DEGREES: &[&str] = &[
        "dr",
        "prof",
        "professor",
        "dipl",
        "mag",
        "ing",
        "msc",
        "bsc",
        "mba",
        "phd",
        "ma",
        "ba",
        "beng",
        "meng",
        "llm",
        "di",
        "habil",
        "hc",
        "med",
        "rer",
        "nat",
        "phil",
        "jur",
        "pd",
        "doc",
        "univ",
        "fh",
        "th",
        "tu",
        "kfm",
        "inf",
        "btriebsw",
        "bw",
        "betriebsw",
        "wirt",
        "wirting",
        "chem",
        "phys",
        "math",
        "kffr",
        "des",
        "oec",
        "pol",
    ];
    let mut words = value
        .split(|c: char| c.is_whitespace() || matches!(c, '-' | ',' | '(' | ')' | '/'))
        .map(|word| word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>())
        .filter(|word| !word.is_empty())
        .peekable();
    words.peek().is_some() && words.all(|word| DEGREES.contains(&word.as_str()) || word.starts_with("dipl"))
}
