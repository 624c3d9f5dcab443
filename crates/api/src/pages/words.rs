//! What codes, fields and kinds are called.

use super::Lang;

type Words = &'static [(&'static str, &'static str, &'static str)];

fn look_up(words: Words, code: &str, lang: Lang) -> String {
    let found = words.iter().find(|(known, ..)| *known == code);
    found.map_or_else(|| code.replace('_', " "), |(_, german, english)| lang.say(german, english).to_owned())
}

const KINDS: Words = &[
    ("person", "Personen", "People"),
    ("organisation", "Firmen", "Companies"),
    ("fair", "Messen", "Fairs"),
    ("participation", "Messebesuche", "Visits"),
    ("activity", "Aktivitäten", "Activities"),
    ("association", "Verknüpfungen", "Associations"),
];

pub(crate) fn kind(code: &str, lang: Lang) -> String {
    look_up(KINDS, code, lang)
}

const KIND: Words = &[
    ("person", "Person", "Person"),
    ("organisation", "Firma", "Company"),
    ("fair", "Messe", "Fair"),
    ("participation", "Messebesuch", "Visit"),
    ("activity", "Aktivität", "Activity"),
    ("association", "Verknüpfung", "Association"),
    ("email", "E-Mail", "E-mail"),
    ("task", "Aufgabe", "Task"),
    ("note", "Notiz", "Note"),
];

/// One thing of a kind.
pub(crate) fn one(code: &str, lang: Lang) -> String {
    look_up(KIND, code, lang)
}

const FIELDS: Words = &[
    ("salutation", "Anrede", "Salutation"),
    ("title", "Titel", "Title"),
    ("first_name", "Vorname", "First name"),
    ("last_name", "Nachname", "Last name"),
    ("emails", "E-Mail", "E-mail"),
    ("phones", "Telefon", "Phone"),
    ("position", "Position", "Position"),
    ("department", "Abteilung", "Department"),
    ("company", "Firma", "Company"),
    ("organisation", "Firma (Datensatz)", "Company (record)"),
    ("street", "Straße", "Street"),
    ("postal_code", "PLZ", "Postal code"),
    ("city", "Ort", "City"),
    ("state", "Bundesland", "State"),
    ("country", "Land", "Country"),
    ("website", "Website", "Website"),
    ("language", "Sprache", "Language"),
    ("owner", "Zuständig", "Owner"),
    ("owner_reason", "Zuständig, weil", "Owner, because"),
    ("opt_out", "Widerspruch Werbung", "Objects to advertising"),
    ("name", "Name", "Name"),
    ("core_name", "Namenskern", "Core name"),
    ("legal_form", "Rechtsform", "Legal form"),
    ("domain", "Domain", "Domain"),
    ("vat_id", "USt-IdNr.", "VAT id"),
    ("register", "Handelsregister", "Register"),
    ("organiser", "Veranstalter", "Organiser"),
    ("starts", "Beginn", "Starts"),
    ("ends", "Ende", "Ends"),
    ("time_zone", "Zeitzone", "Time zone"),
    ("place", "Ort", "Place"),
    ("person", "Person", "Person"),
    ("fair", "Messe", "Fair"),
    ("at", "Zeitpunkt", "At"),
    ("status", "Status", "Status"),
    ("badge", "Badge", "Badge"),
    ("interest", "Interesse", "Interest"),
    ("priority", "Priorität", "Priority"),
    ("note", "Notiz", "Note"),
    ("activity_type", "Art", "Type"),
    ("subject", "Betreff", "Subject"),
    ("body", "Text", "Text"),
    ("due", "Fällig", "Due"),
    ("direction", "Richtung", "Direction"),
    ("message_id", "Message-ID", "Message id"),
    ("from", "Von", "From"),
    ("to", "Zu", "To"),
];

/// Where a field stands when a person reads a record; custom ones come last.
pub(crate) fn place(code: &str) -> usize {
    FIELDS.iter().position(|(known, ..)| *known == code).unwrap_or(FIELDS.len())
}

/// A record's field. Custom ones keep the end of their name.
pub(crate) fn field(code: &str, lang: Lang) -> String {
    look_up(FIELDS, code.strip_prefix("x.").map_or(code, |rest| rest.rsplit('.').next().unwrap_or(rest)), lang)
}

/// What a column can mean.
pub(crate) const MEANINGS: Words = &[
    ("salutation", "Anrede", "Salutation"),
    ("title", "Titel", "Title"),
    ("first_name", "Vorname", "First name"),
    ("last_name", "Nachname", "Last name"),
    ("full_name", "Ganzer Name", "Full name"),
    ("gender_code", "Geschlecht (1 männlich, 2 weiblich)", "Gender (1 male, 2 female)"),
    ("email", "E-Mail", "E-mail"),
    ("phone", "Telefon", "Phone"),
    ("area_code", "Vorwahl", "Area code"),
    ("extension", "Durchwahl", "Extension"),
    ("mobile", "Mobil", "Mobile"),
    ("fax", "Fax", "Fax"),
    ("company", "Firma", "Company"),
    ("position", "Position", "Position"),
    ("department", "Abteilung", "Department"),
    ("street", "Straße", "Street"),
    ("house_number", "Hausnummer", "House number"),
    ("address_extra", "Adresszusatz", "Address line 2"),
    ("postal_code", "PLZ", "Postal code"),
    ("city", "Ort", "City"),
    ("state", "Bundesland", "State"),
    ("country", "Land", "Country"),
    ("website", "Website", "Website"),
    ("vat_id", "USt-IdNr.", "VAT id"),
    ("language", "Sprache", "Language"),
    ("badge", "Badge-Nummer", "Badge number"),
    ("external_id", "Nummer in der Quelle", "Id in the source"),
    ("scanned_at", "Zeit des Scans", "Time of the scan"),
    ("scanned_time", "Uhrzeit des Scans", "Time of day of the scan"),
    ("scanned_by", "Gescannt von", "Scanned by"),
    ("interest", "Interesse", "Interest"),
    ("priority", "Priorität", "Priority"),
    ("note", "Notiz", "Note"),
    ("newsletter", "Newsletter", "Newsletter"),
    ("owner", "Zuständig (E-Mail)", "Owner (e-mail)"),
];

const SOURCES: Words = &[
    ("person", "von Hand", "by hand"),
    ("crm", "CRM", "CRM"),
    ("own_mail", "eigene Mail", "own mail"),
    ("form", "Formular", "form"),
    ("badge", "Badge-Scan", "badge scan"),
    ("organiser", "Veranstalter", "organiser"),
    ("rule", "Regel", "rule"),
    ("generated", "Modell", "model"),
];

pub(crate) fn source(code: &str, lang: Lang) -> String {
    look_up(SOURCES, code, lang)
}

const LABELS: Words = &[
    ("work", "geschäftlich", "work"),
    ("direct", "Durchwahl", "direct"),
    ("mobile", "mobil", "mobile"),
    ("fax", "Fax", "fax"),
    ("private", "privat", "private"),
    ("other", "weitere", "other"),
];

pub(crate) fn label(code: &str, lang: Lang) -> String {
    look_up(LABELS, code, lang)
}

const RUNS: Words = &[
    ("import", "Liste", "List"),
    ("mails", "Mails", "Mails"),
    ("leads", "Einzelne Leads", "Single leads"),
    ("receiving", "wird angenommen", "being received"),
    ("reading", "wird gelesen", "being read"),
    ("open", "läuft", "open"),
    ("done", "fertig", "done"),
];

pub(crate) fn run(code: &str, lang: Lang) -> String {
    look_up(RUNS, code, lang)
}

const STATES: Words = &[
    ("written", "übertragen", "written"),
    ("waiting", "wartet", "waiting"),
    ("open", "wartet", "waiting"),
    ("refused", "abgelehnt", "refused"),
    ("gone", "dort gelöscht", "gone there"),
    ("created", "angelegt", "created"),
    ("updated", "geändert", "updated"),
    ("unchanged", "unverändert", "unchanged"),
    ("unknown", "Ausgang unbekannt", "outcome unknown"),
    ("lost", "verloren gegangen", "lost"),
    ("busy", "dort beschäftigt", "busy there"),
    ("review", "Rückfrage", "question"),
    ("parked", "geparkt", "parked"),
    ("ready", "bereit", "ready"),
    ("reauthorise", "neu anmelden", "authorise again"),
    ("misconfigured", "falsch eingerichtet", "misconfigured"),
    ("off", "aus", "off"),
    ("dry_run", "Probelauf", "dry run"),
    ("create_only", "nur anlegen", "create only"),
    ("update_only", "nur ändern", "update only"),
    ("fill_empty", "nur Leeres füllen", "fill empty only"),
    ("full", "voll", "full"),
    ("done", "fertig", "done"),
];

pub(crate) fn state(code: &str, lang: Lang) -> String {
    look_up(STATES, code, lang)
}

const CODES: Words = &[
    ("no_name_and_no_email", "weder Name noch E-Mail-Adresse", "neither a name nor an e-mail address"),
    ("test_entry", "Testeintrag des Standpersonals", "a test of the stand crew"),
    ("header_row", "wiederholte Überschrift", "a repeated heading"),
    ("header_repeated", "wiederholte Überschrift", "a repeated heading"),
    ("footer", "Fußzeile, kein Lead", "a footer, no lead"),
    ("blank", "leere Zeile", "an empty row"),
    ("not_an_object", "kein JSON-Objekt", "no JSON object"),
    ("columns_missing", "Zeile hat zu wenige Zellen", "the row has too few cells"),
    ("columns_excess", "Zeile hat zu viele Zellen", "the row has too many cells"),
    ("quote_unclosed", "Anführungszeichen nicht geschlossen", "a quotation mark is never closed"),
    ("row_too_long", "Zeile ist länger als 1 MB", "the row is longer than 1 MB"),
    ("cell_too_long", "Zelle hat mehr als 1.000 Zeichen", "the cell has more than 1,000 characters"),
    ("too_many_columns", "mehr als 2.000 Spalten", "more than 2,000 columns"),
    ("too_many_members", "mehr als 2.000 Angaben", "more than 2,000 members"),
    ("not_a_mail", "keine Mail", "no mail"),
    ("nested_too_deep", "Mail aus zu vielen Teilen in Teilen", "a mail of too many parts within parts"),
    ("own_mail", "Mail aus dem eigenen Haus", "a mail of your own house"),
    ("own_staff", "jemand aus dem eigenen Haus", "one of your own people"),
    ("sender_missing", "Mail ohne Absender", "a mail without a sender"),
    ("empty", "nichts darin", "nothing in it"),
    ("need_refused", "wartet auf einen abgelehnten Datensatz", "waits for a record that was refused"),
    ("mode", "Betriebsart erlaubt es nicht", "the mode does not allow it"),
    ("suppressed", "gesperrt (Widerspruch oder Löschung)", "suppressed (objection or erasure)"),
    ("rate_limited", "Limit des CRM erreicht", "the CRM's limit is reached"),
    ("unavailable", "CRM antwortet nicht", "the CRM does not answer"),
    ("reauthorise", "Anmeldung am CRM abgelaufen", "the CRM wants a new authorisation"),
    ("review", "wartet auf eine Antwort", "waits for an answer"),
    ("unmapped", "kein Feld zugeordnet", "no field is mapped"),
    ("refused", "vom CRM abgelehnt", "refused by the CRM"),
    ("need_open", "wartet auf einen anderen Datensatz", "waits for another record"),
    ("INVALID_EMAIL", "E-Mail-Adresse dort ungültig", "the e-mail address is invalid there"),
    ("phone_name", "gleiche Telefonnummer und gleicher Nachname", "same phone number and surname"),
    ("domain_name", "gleiche Firmendomain und gleicher Name", "same company domain and name"),
    ("name_company", "gleicher Name und gleiche Firma", "same name and company"),
    ("email", "gleiche E-Mail-Adresse", "same e-mail address"),
    ("domain", "gleiche Domain", "same domain"),
    ("company_name", "gleicher Firmenname", "same company name"),
    ("panicked", "Programmfehler", "a defect of the program"),
    ("unreadable", "nicht lesbar", "cannot be read"),
];

/// The reason behind a code; one we have no words for stays as it is.
pub(crate) fn code(code: &str, lang: Lang) -> String {
    CODES
        .iter()
        .find(|(known, ..)| *known == code)
        .map_or_else(|| code.to_owned(), |(_, german, english)| lang.say(german, english).to_owned())
}

const QUESTIONS: Words = &[
    ("same_person", "Ist das dieselbe Person?", "Is this the same person?"),
    ("same_organisation", "Ist das dieselbe Firma?", "Is this the same company?"),
    ("remote_duplicate", "Im CRM gibt es mehrere. Welcher ist es?", "The CRM has several. Which one is it?"),
    ("owner_unknown", "Wer ist zuständig?", "Who is the owner?"),
    ("deleted_there", "Im CRM gelöscht. Dort neu anlegen?", "Deleted in the CRM. Make it there again?"),
];

pub(crate) fn question(code: &str, lang: Lang) -> String {
    look_up(QUESTIONS, code, lang)
}
