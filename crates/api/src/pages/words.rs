//! What codes, fields and kinds are called.

use mittler_store::intents::Operation;
use mittler_sync::edit::Fault;

use super::Lang;

type Words = &'static [(&'static str, &'static str, &'static str)];

fn look_up(words: Words, code: &str, lang: Lang) -> String {
    let found = words.iter().find(|(known, ..)| *known == code);
    found.map_or_else(|| code.replace('_', " "), |(_, german, english)| lang.say(german, english).to_owned())
}

/// Like [`look_up`], for closed sets of codes: one that this version has no words for is shown within a
/// sentence, never bare.
fn look_up_or_say(words: Words, code: &str, lang: Lang, german: &str, english: &str) -> String {
    let found = words.iter().find(|(known, ..)| *known == code);
    found.map_or_else(
        || format!("{} ({code})", lang.say(german, english)),
        |(_, german, english)| lang.say(german, english).to_owned(),
    )
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
    look_up_or_say(RUNS, code, lang, "ein Vorgang ohne Beschreibung", "a run without a description")
}

const STATES: Words = &[
    ("written", "übertragen", "written"),
    ("waiting", "wartet", "waiting"),
    ("open", "wartet", "waiting"),
    ("refused", "abgelehnt", "refused"),
    ("held", "zurückgehalten", "held"),
    ("gone", "dort gelöscht", "gone there"),
    ("suspect", "dort nicht zu sehen", "not seen there"),
    ("excluded", "herausgehalten", "left out"),
    ("exists", "gab es dort schon", "existed there"),
    ("found", "dort gefunden", "found there"),
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
    look_up_or_say(STATES, code, lang, "ein Stand ohne Beschreibung", "a state without a description")
}

const ROWS: Words = &[
    ("new", "noch zu lesen", "still to read"),
    ("done", "übernommen", "taken"),
    ("refused", "nicht übernommen", "not taken"),
    ("parked", "geparkt", "parked"),
];

/// What became of a row of a list.
pub(crate) fn row(code: &str, lang: Lang) -> String {
    look_up_or_say(ROWS, code, lang, "ein Stand ohne Beschreibung", "a state without a description")
}

const CONNECTIONS: Words = &[
    ("waiting", "CRM antwortet nicht", "the CRM does not answer"),
    ("reauthorise", "braucht neue Zugangsdaten", "needs new credentials"),
    ("misconfigured", "falsch eingerichtet", "misconfigured"),
];

/// Why a webhook was refused.
const HOOK_CAUSES: Words = &[
    (
        "signature",
        "Signatur oder Geheimnis passt nicht; Geheimnis und öffentliche Adresse prüfen",
        "signature or secret does not fit; check the secret and the public address",
    ),
    (
        "stale",
        "zu alt oder unserer Uhr voraus; Uhr prüfen",
        "signed too long ago, or ahead of our clock; check the clock",
    ),
    ("account", "von einem anderen Konto", "another account's"),
    ("form", "nicht in der Form des CRMs", "not in the CRM's form"),
];

pub(crate) fn hook_cause(cause: &str, lang: Lang) -> String {
    look_up(HOOK_CAUSES, cause, lang)
}

/// What is the matter with a connection.
pub(crate) fn connection(state: &str, lang: Lang) -> String {
    look_up_or_say(CONNECTIONS, state, lang, "Stand ohne Beschreibung", "a state without a description")
}

/// Every code that an input, record, link, connection or job can have, in both languages. The test
/// below looks for them in the sources of the crates that give them.
const CODES: Words = &[
    (
        "identity_unsure",
        "vielleicht schon bekannt: wartet auf die Antwort, wer es ist",
        "perhaps known already: waits for the answer who it is",
    ),
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
    (
        "quote_then_text",
        "Text hinter einem geschlossenen Anführungszeichen; innerhalb einer Zelle wird es verdoppelt",
        "text behind a closed quotation mark; within a cell it is written twice",
    ),
    ("not_corrected", "Zeile noch nicht korrigiert", "the row is not corrected yet"),
    ("row_too_long", "Zeile ist länger als 1 MB", "the row is longer than 1 MB"),
    ("value_too_long", "ein Wert ist länger als 32 KB", "a value is longer than 32 KB"),
    (
        "name_too_long",
        "der Name einer Spalte ist länger als 1.000 Zeichen",
        "the name of a column is longer than 1,000 characters",
    ),
    ("mail_too_long", "Mail ist länger als 50 MB", "the mail is longer than 50 MB"),
    (
        "mail_text_too_long",
        "Text der Mail ist länger als 1 MB (als HTML 4 MB)",
        "the text of the mail is longer than 1 MB (4 MB as HTML)",
    ),
    ("cell_too_long", "Zelle hat mehr als 1.000 Zeichen", "the cell has more than 1,000 characters"),
    ("too_many_columns", "mehr als 2.000 Spalten", "more than 2,000 columns"),
    ("too_many_members", "mehr als 2.000 Angaben", "more than 2,000 members"),
    ("not_a_mail", "keine Mail", "no mail"),
    ("nested_too_deep", "Mail aus zu vielen Teilen in Teilen", "a mail of too many parts within parts"),
    ("own_mail", "Mail aus dem eigenen Haus", "a mail of your own house"),
    ("row_repeated", "steht schon weiter oben in der Liste", "an earlier row of the list says the same"),
    ("row_known", "kam schon mit einem früheren Import", "an earlier import had brought it"),
    ("own_staff", "jemand aus dem eigenen Haus", "one of your own people"),
    ("sender_missing", "Mail ohne Absender", "a mail without a sender"),
    ("empty", "nichts darin", "nothing in it"),
    ("need_refused", "wartet auf einen abgelehnten Datensatz", "waits for a record that was refused"),
    // Inputs.
    (
        "not_text",
        "keine Textdatei; die Liste bitte zuerst als CSV speichern",
        "no text file; save the list as CSV first",
    ),
    (
        "no_header",
        "keine Zeile sieht nach Überschriften aus; die Namen der Spalten bitte in die erste Zeile schreiben",
        "no row looks like a header; put the names of the columns into the first row",
    ),
    ("unknown_encoding", "diese Kodierung gibt es nicht", "there is no encoding of this name"),
    ("unknown_delimiter", "das kann kein Trennzeichen sein", "this cannot be a delimiter"),
    ("not_json", "kein lesbares JSON", "no readable JSON"),
    (
        "json_too_deep",
        "Listen und Objekte stecken zu tief ineinander",
        "lists and objects stand too deep within each other",
    ),
    ("unknown_column", "die Liste hat keine Spalte dieses Namens", "the list has no column of that name"),
    ("too_many", "zu viele auf einmal", "too many at once"),
    ("cut_off", "die Übertragung brach ab", "the transfer broke off"),
    ("broken_form", "das Formular kam nicht ganz an", "the form did not arrive whole"),
    ("run_unreadable", "die Angaben zum Import sind nicht lesbar", "the parameters of the import cannot be read"),
    ("layout_missing", "zum Import fehlen die Spalten", "the import has no column layout"),
    (
        "content_gone",
        "Inhalt nach Ablauf der Frist gelöscht; bitte noch einmal schicken",
        "the content has outlived its retention; send it again",
    ),
    ("not_taken", "konnte nicht gespeichert werden", "could not be stored"),
    ("auto_reply", "automatische Antwort", "an automatic reply"),
    ("auto_generated", "automatisch erzeugte Mail", "a generated mail"),
    ("out_of_office", "Abwesenheitsnotiz", "an out-of-office note"),
    // Remarks on inputs that were taken.
    ("country_unknown", "Land unter diesem Namen nicht bekannt", "the country is not known by this name"),
    ("country_inferred", "Land aus den anderen Angaben erschlossen", "the country was inferred from the rest"),
    ("postcode_zero_restored", "führende Null der PLZ ergänzt", "the postcode had lost its leading zero"),
    ("postcode_short", "deutsche PLZ haben fünf Ziffern", "a German postcode has five digits"),
    ("postcode_city_swapped", "PLZ und Ort waren vertauscht", "postcode and city were swapped"),
    ("email_invalid", "keine E-Mail-Adresse; weggelassen", "no e-mail address; it was left out"),
    ("email_domain_mistyped", "Domain der E-Mail-Adresse sieht vertippt aus", "the mail domain looks mistyped"),
    ("email_website_swapped", "E-Mail-Adresse und Website waren vertauscht", "e-mail address and website were swapped"),
    ("time_unreadable", "Zeit des Scans nicht lesbar", "the time of the scan cannot be read"),
    ("last_name_is_no_name", "der Nachname ist kein Name", "the last name is no name"),
    ("names_swapped", "Vor- und Nachname waren vertauscht", "first and last name were swapped"),
    ("name_from_email", "Nachname aus der E-Mail-Adresse gelesen", "the last name was read from the mail address"),
    ("letters_lost", "ein Buchstabe des Namens ging beim Export verloren", "the export lost a letter of the name"),
    ("two_persons", "die Zeile nennt zwei Personen; nicht getrennt", "the row names two persons; they were not parted"),
    ("initials_only", "der Name ist nur ein Anfangsbuchstabe", "the name is an initial"),
    ("phone_unreadable", "Telefonnummer nicht lesbar; weggelassen", "a phone number cannot be read; it was left out"),
    ("private_number_left_out", "als privat bezeichnete Nummer weggelassen", "a number marked as private was left out"),
    ("company_from_domain", "Firma aus der Domain erschlossen", "the company was inferred from the domain"),
    ("website_unreadable", "keine Web-Adresse; weggelassen", "no web address; it was left out"),
    (
        "opt_out_in_column",
        "laut dieser Spalte abgelehnt: gilt als Widerspruch",
        "refused in this column: taken as an objection",
    ),
    (
        "consent_unclear",
        "es geht um eine Einwilligung, der Wert ist nicht verständlich: vor Werbung bitte prüfen",
        "this is about consent, the value is not understood: check before advertising",
    ),
    ("opt_out_in_note", "laut Notiz keine Werbung erwünscht", "the note says that no advertising is wanted"),
    ("competitor_in_note", "laut Notiz ein Mitbewerber", "the note calls the visitor a competitor"),
    ("vat_id_invalid", "USt-IdNr. stimmt nicht", "the VAT id is not valid"),
    ("encoding_repaired", "doppelt kodierter Text repariert", "the text was encoded twice and has been repaired"),
    // Links and their fields.
    ("mode", "Betriebsart erlaubt es nicht", "the mode does not allow it"),
    ("mode_off", "Verbindung ist ausgeschaltet", "the connection is switched off"),
    ("mode_dry_run", "Probelauf: es wird nichts geschrieben", "dry run: nothing is written"),
    ("mode_update_only", "Betriebsart legt nichts neu an", "the mode creates nothing"),
    ("mode_fill_empty", "Betriebsart füllt nur leere Felder", "the mode fills empty fields only"),
    ("left_out", "aus diesem CRM herausgehalten", "left out of this CRM"),
    ("erased_there", "dort auf Verlangen gelöscht", "erased there on request"),
    ("archived", "von hier aus dort gelöscht", "deleted there from here"),
    ("chosen_not_found", "der gewählte Datensatz ist dort nicht", "the chosen record is not there"),
    ("mode_create_only", "Betriebsart ändert nichts Vorhandenes", "the mode changes nothing that exists"),
    (
        "restricted",
        "Verarbeitung eingeschränkt (Art. 18 DSGVO): es wird nichts übermittelt",
        "processing is restricted (Art. 18 GDPR): nothing is passed on",
    ),
    ("purpose", "Zweck wird von dieser Verbindung nicht bedient", "the connection does not serve the purpose"),
    ("pilot", "gehört nicht zum Probebetrieb", "is not part of the pilot"),
    ("field_not_allowed", "Feld ist für diese Verbindung nicht freigegeben", "the connection may not write this field"),
    ("not_found_there", "dort nicht gefunden, und wird nicht angelegt", "not found there, and not to be created"),
    ("CONFLICT", "ein Wert ist dort schon vergeben", "a value is taken there already"),
    ("same_name", "dort heißt eine Firma genauso", "a company there has the same name"),
    ("several_found", "dort gibt es mehrere", "there are several"),
    (
        "linked_to_another_record",
        "dort schon mit einem anderen Datensatz verknüpft",
        "linked to another record of ours already",
    ),
    ("remote_taken", "dort schon mit einem anderen Datensatz verknüpft", "linked to another record of ours already"),
    (
        "merged_here",
        "hier zusammengeführt, dort sind es noch zwei; bitte dort zusammenführen",
        "made one here, and still two there; please merge them there",
    ),
    (
        "made_meanwhile",
        "dort im selben Augenblick von jemandem angelegt; bitte dort zusammenführen",
        "made there by somebody at the same moment; please merge them there",
    ),
    ("taken_there", "ein anderer Datensatz dort hat diesen Wert", "another record there has this value"),
    ("deleted_there", "dort gelöscht", "deleted there"),
    (
        "mass_deletion",
        "mit vielen anderen dort gelöscht: es wird gefragt",
        "deleted there with many others: it is asked about",
    ),
    (
        "mass_absence",
        "mit vielen anderen dort nicht zu finden: es wird gefragt",
        "not found there with many others: it is asked about",
    ),
    (
        "mass_change",
        "mit vielen anderen dort geändert: es wird gefragt",
        "changed there with many others: it is asked about",
    ),
    ("put_back", "wird dort wiederhergestellt", "is put back there"),
    ("deletions_in", "dort gelöscht oder nicht mehr zu finden", "deleted there or not found any more"),
    ("changes_in", "dort geändert", "changed there"),
    ("updates_out", "sehr viele Werte würden auf einmal ersetzt", "very many values would be replaced at once"),
    ("clears_out", "sehr viele Felder würden auf einmal geleert", "very many fields would be emptied at once"),
    ("archives_out", "sehr viele würden auf einmal gelöscht", "very many would be deleted at once"),
    ("absent_there", "dort nicht gefunden: gelöscht oder verborgen", "not found there: deleted or hidden"),
    ("superseded", "durch einen neueren Versuch ersetzt", "replaced by a newer try"),
    ("too_late", "Zeit war abgelaufen; wird wiederholt", "its time was over; it is repeated"),
    ("lease_too_short", "Zeit reichte nicht; wird wiederholt", "there was not enough time; it is repeated"),
    ("outcome_unknown", "Ausgang unbekannt; es wird nachgesehen", "the outcome is not known; it is looked up"),
    ("no_outcome", "CRM sagte nichts dazu; es wird nachgesehen", "the CRM said nothing of it; it is looked up"),
    ("missing_outcome", "CRM sagte nichts dazu; es wird nachgesehen", "the CRM said nothing of it; it is looked up"),
    ("not_sent", "noch nicht abgeschickt", "not sent yet"),
    ("pushed_by_another", "ein anderer Prozess schreibt gerade", "another process is writing"),
    ("pulled_by_another", "ein anderer Prozess liest gerade", "another process is reading"),
    ("lease_over", "Zeit war um; es wird nachgesehen", "time was up; it is looked up"),
    ("too_slow", "dauerte zu lange; wird einzeln wiederholt", "took too long; repeated one by one"),
    ("owner_unknown", "diese Zuständige kennt das CRM nicht", "the CRM does not know this owner"),
    (
        "objection_untold",
        "hat der Werbung widersprochen; dem CRM sagt das kein Feld der Zuordnung",
        "objects to advertising; no field of the mapping tells the CRM",
    ),
    ("no_company", "keine Firma angegeben", "no company is given"),
    ("owner_without_address", "Zuständige ohne E-Mail-Adresse", "an owner without an e-mail address"),
    ("duplicate_in_batch", "doppelt in einer Sendung; wird wiederholt", "twice in one batch; it is repeated"),
    ("batch_too_large", "Sendung zu groß", "the batch is too large"),
    ("mixed_batch", "Sendung gemischt", "a mixed batch"),
    ("not_writable", "Feld dort nicht änderbar", "the field cannot be written there"),
    ("not_updateable", "dort nicht änderbar", "cannot be changed there"),
    ("not_archivable", "dort nicht löschbar", "cannot be deleted there"),
    ("unsupported_value", "dieser Wert passt dort nicht", "this value does not fit there"),
    ("unsupported_key", "danach kann dort nicht gesucht werden", "it cannot be searched for that there"),
    ("name_mismatch", "die Namen stimmen nicht überein", "the names do not agree"),
    // Connections and jobs.
    ("token_rejected", "Zugangsdaten abgelehnt", "the credentials were rejected"),
    ("token_rejected_twice", "Zugangsdaten abgelehnt", "the credentials were rejected"),
    ("token_timeout", "Anmeldung dauerte zu lange", "the sign-in took too long"),
    ("unreadable_token", "Anmeldung gab keine lesbare Antwort", "the sign-in gave no readable answer"),
    ("invalid_grant", "Zugangsdaten gelten nicht mehr", "the credentials are no longer valid"),
    ("not_connected", "keine Verbindung zum CRM", "no connection to the CRM"),
    ("connection_lost", "Verbindung zum CRM brach ab", "the connection to the CRM broke off"),
    ("answer_too_large", "Antwort des CRM zu groß", "the CRM's answer is too large"),
    ("unreadable_answer", "Antwort des CRM nicht lesbar", "the CRM's answer cannot be read"),
    ("timeout", "CRM antwortete nicht rechtzeitig", "the CRM did not answer in time"),
    ("redirected", "CRM verweist anderswohin", "the CRM points elsewhere"),
    (
        "remote_type_unknown",
        "die Zuordnung nennt einen Typ, den es dort nicht gibt",
        "the mapping names a type that is not there",
    ),
    ("unknown_type", "diesen Typ gibt es dort nicht", "there is no such type there"),
    ("secret_unreadable", "gespeicherte Zugangsdaten nicht lesbar", "the stored credentials cannot be read"),
    (
        "secret_of_another_key",
        "Zugangsdaten mit anderem Schlüssel versiegelt",
        "the credentials were sealed with another key",
    ),
    ("secret_too_short", "gespeicherte Zugangsdaten unvollständig", "the stored credentials are incomplete"),
    ("not_sealed", "Zugangsdaten konnten nicht versiegelt werden", "the credentials could not be sealed"),
    ("no_randomness", "Betriebssystem gibt keine Zufallszahlen", "the operating system gives no random numbers"),
    ("field_not_there", "dieses Feld zeigt das CRM nicht", "the CRM does not show this field"),
    (
        "lookup_too_slow",
        "die Suche danach dauert dem CRM zu lange; sie ruht eine Stunde",
        "looking it up takes the CRM too long; it is left for an hour",
    ),
    (
        "mode_takes_nothing",
        "die Verbindung nimmt in dieser Betriebsart nichts entgegen",
        "the connection takes nothing in this mode",
    ),
    ("no_such_connection", "diese Verbindung ist nicht eingerichtet", "there is no such connection"),
    ("database", "Datenbank antwortet nicht", "the database does not answer"),
    ("store", "Datenbank nahm es nicht an", "the database did not take it"),
    ("token_with_control_characters", "das Token enthält Steuerzeichen", "the token has control characters"),
    ("unreadable_cursor", "der gemerkte Lesestand ist nicht lesbar", "the kept position cannot be read"),
    (
        "unknown_task",
        "diese Programmversion kennt die Arbeit nicht",
        "this version of the program does not know this work",
    ),
    ("workers_lost", "mehrere Versuche endeten ohne Ergebnis", "several tries ended without an end"),
    ("panic", "Programmfehler", "a defect of the program"),
    ("being_written", "ein CRM wird gerade beschrieben; danach", "a CRM is being written to; after that"),
    ("no_connection_of_account", "dieses Konto ist hier nicht verbunden", "this account is not connected here"),
    ("not_before", "noch nicht an der Reihe", "not due yet"),
    ("more", "es gibt noch mehr", "there is more"),
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
    // Questions.
    (
        "several records have a strong key of it",
        "mehrere Datensätze haben ein eindeutiges Merkmal davon",
        "several records have a unique feature of it",
    ),
    ("several records come into question", "mehrere Datensätze kommen in Frage", "several records come into question"),
    ("merged_there", "im CRM zusammengeführt, hier sind es noch zwei", "merged in the CRM, and still two here"),
    (
        "suppressed_perhaps",
        "vielleicht jemand, der auf Verlangen gelöscht wurde",
        "perhaps somebody who was erased on request",
    ),
    ("protocol", "Antwort des CRM nicht wie vereinbart", "the CRM's answer is not as agreed"),
    (
        "contested",
        "mehrere Stellen ändern dieses Feld immer wieder gegeneinander",
        "several places keep changing this field against each other",
    ),
    (
        "required_there",
        "Pflichtfeld im CRM; es kann dort nicht leer werden",
        "the CRM requires this field; it cannot be emptied there",
    ),
    ("too_broad", "die Suche im CRM fand zu viele", "the search in the CRM found too many"),
    // What CRMs say most often; their own message is shown beside it.
    ("DUPLICATES_DETECTED", "eine Dublettenregel des CRM hat angeschlagen", "a duplicate rule of the CRM objects"),
    (
        "DUPLICATE_VALUE",
        "diesen Wert hat dort schon ein anderer Datensatz",
        "another record there has this value already",
    ),
    ("DUPLICATE_EXTERNAL_ID", "dieses Kennzeichen gibt es dort mehrfach", "several records there have this key"),
    ("REQUIRED_FIELD_MISSING", "im CRM fehlt ein Pflichtfeld", "a field that the CRM requires is missing"),
    ("REQUIRED_FIELD", "im CRM fehlt ein Pflichtfeld", "a field that the CRM requires is missing"),
    (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "eine Prüfregel des CRM lehnt es ab",
        "a validation rule of the CRM refuses it",
    ),
    ("INVALID_OPTION", "diese Auswahl gibt es dort nicht", "there is no such option there"),
    ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "diese Auswahl gibt es dort nicht", "there is no such option there"),
    ("INVALID_INTEGER", "dort muss es eine ganze Zahl sein", "it must be a whole number there"),
    ("INVALID_NAME", "diesen Namen gibt es dort nicht", "there is no such name there"),
    ("STRING_TOO_LONG", "für das Feld im CRM zu lang", "too long for the CRM's field"),
    ("OBJECT_NOT_FOUND", "diesen Datensatz gibt es dort nicht", "there is no such record there"),
    ("ENTITY_IS_DELETED", "dort gelöscht", "deleted there"),
    (
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "dem Zugang fehlt dort das Recht dazu",
        "the account there lacks the permission",
    ),
    (
        "UNABLE_TO_LOCK_ROW",
        "Datensatz dort gerade in Arbeit; wird wiederholt",
        "the record is busy there; it is repeated",
    ),
    ("LOCKED", "Datensatz dort gesperrt", "the record is locked there"),
    ("MIGRATING", "das CRM zieht gerade um; wird wiederholt", "the CRM is moving its data; it is repeated"),
    ("MIXED_BATCH", "Sendung gemischt", "a mixed batch"),
    ("UNKNOWN_ERROR", "das CRM nennt keinen Grund", "the CRM names no reason"),
    ("panicked", "Programmfehler", "a defect of the program"),
    ("unreadable", "nicht lesbar", "cannot be read"),
];

/// The words for a code, if there are any.
pub(crate) fn known_code(code: &str, lang: Lang) -> Option<String> {
    if let Some(status) = code.strip_prefix("http_") {
        return Some(format!("{} {status}", lang.say("CRM antwortete mit", "the CRM answered with")));
    }
    let found = CODES.iter().find(|(known, ..)| *known == code);
    found.map(|(_, german, english)| lang.say(german, english).to_owned())
}

/// The reason behind a code. One that we have no words for - CRMs have many, and their makers add more -
/// is shown within a sentence that says whose it is.
pub(crate) fn code(code: &str, lang: Lang) -> String {
    known_code(code, lang).unwrap_or_else(|| {
        let said = if code.bytes().any(|byte| byte.is_ascii_uppercase()) {
            lang.say("Meldung des CRM", "message of the CRM")
        } else {
            lang.say("ein Grund ohne Beschreibung", "a reason without a description")
        };
        format!("{said} ({code})")
    })
}

/// How the reason of a question begins when two were met by what they share.
const MET: Words = &[
    (
        "another name or mailbox, but the same",
        "anderer Name oder anderes Postfach, aber gleich",
        "another name or mailbox, but the same",
    ),
    (
        "the names the other way round, but the same",
        "Vor- und Nachname vertauscht, aber gleich",
        "the names the other way round, but the same",
    ),
    ("same", "gleich", "same"),
];

/// What two were met by.
const SHARED: Words = &[
    ("e-mail address", "E-Mail-Adresse", "e-mail address"),
    ("former address", "frühere Adresse", "former address"),
    ("badge", "Badge", "badge"),
    ("id in the source", "Nummer in der Quelle", "id in the source"),
    ("VAT number", "USt-IdNr.", "VAT number"),
    ("register number", "Handelsregisternummer", "register number"),
    (
        "company name with legal form and place or domain",
        "Firmenname mit Rechtsform und Ort oder Domain",
        "company name with legal form and place or domain",
    ),
    ("phone and surname", "Telefonnummer und Nachname", "phone and surname"),
    (
        "mail domain, surname and initial",
        "Mail-Domain, Nachname und Anfangsbuchstabe",
        "mail domain, surname and initial",
    ),
    ("name and company", "Name und Firma", "name and company"),
    ("domain", "Domain", "domain"),
    ("company name", "Firmenname", "company name"),
];

/// Why a question is asked: a code, or what the two that it is about have in common.
pub(crate) fn question_reason(reason: &str, lang: Lang) -> String {
    if let Some(words) = known_code(reason, lang) {
        return words;
    }
    let met = MET.iter().find_map(|(start, german, english)| {
        let mut rest = reason.strip_prefix(start)?.strip_prefix(' ')?;
        let mut shared = Vec::new();
        loop {
            // "company name" begins like a longer one.
            let begins = SHARED.iter().filter(|(phrase, ..)| {
                rest.strip_prefix(phrase).is_some_and(|after| after.is_empty() || after.starts_with(", "))
            });
            let (phrase, german, english) = begins.max_by_key(|(phrase, ..)| phrase.len())?;
            shared.push(lang.say(german, english));
            rest = &rest[phrase.len()..];
            match rest.strip_prefix(", ") {
                Some(after) => rest = after,
                None => break,
            }
        }
        Some(format!("{}: {}", lang.say(german, english), shared.join(", ")))
    });
    met.unwrap_or_else(|| code(reason, lang))
}

/// Whether a code says all there is to say: its reason would be the same in English. The CRM's own
/// words are never left out.
pub(crate) fn is_ours(code: &str) -> bool {
    code != "refused"
        && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && CODES.iter().any(|(known, ..)| *known == code)
}

/// Problems of a call that a page makes, by cause, field or code.
const FAILURES: Words = &[
    ("too_large", "Die Datei ist zu groß.", "The file is too large."),
    (
        "unauthenticated",
        "Die Anmeldung ist abgelaufen; bitte neu anmelden.",
        "The session has ended; please sign in again.",
    ),
    ("csrf", "Die Anmeldung ist abgelaufen; bitte neu anmelden.", "The session has ended; please sign in again."),
    (
        "unavailable",
        "Die Datenbank antwortet nicht. Bitte gleich noch einmal versuchen.",
        "The database does not answer. Please try again in a moment.",
    ),
    ("internal", "Ein Fehler von Mittler; er steht im Protokoll.", "A defect of Mittler; it has been logged."),
    ("not_found", "Das gibt es nicht mehr.", "This is no longer there."),
    ("unreadable", "Die Datei ist nicht lesbar.", "The file cannot be read."),
    ("source", "Der Name der Quelle hat 1 bis 100 Zeichen.", "Name the source in 1 to 100 characters."),
    (
        "default_country",
        "Ein Land dieses Kürzels gibt es nicht; gemeint sind zwei Buchstaben, etwa DE.",
        "There is no country of that code; it is two letters, such as DE.",
    ),
    (
        "time_zone",
        "Diese Zeitzone gibt es nicht; gemeint ist etwas wie Europe/Berlin.",
        "There is no such time zone; one is Europe/Berlin.",
    ),
    ("fair.name", "Der Name der Messe hat 1 bis 200 Zeichen.", "Name the fair in 1 to 200 characters."),
    ("fair.ends", "Die Messe endet vor ihrem Beginn.", "The fair ends before it starts."),
    ("file", "Bitte eine Datei auswählen.", "Please choose a file."),
    ("columns", "Der Import hat keine Spalte dieses Namens.", "The import has no column of that name."),
];

/// Words for what can be wrong with an upload.
pub(crate) fn failures(lang: Lang) -> std::collections::BTreeMap<&'static str, &'static str> {
    let said = FAILURES.iter().map(|(code, german, english)| (*code, lang.say(german, english)));
    let causes = [
        "empty",
        "not_text",
        "no_header",
        "name_too_long",
        "too_many_columns",
        "unknown_encoding",
        "unknown_delimiter",
        "broken_form",
        "cut_off",
    ];
    let whole = CODES.iter().filter(|(code, ..)| causes.contains(code));
    whole.map(|(code, german, english)| (*code, lang.say(german, english))).chain(said).collect()
}

/// What becomes of rows and mails. These words, and no others, stand beside the numbers of a preview, of
/// an import and of Today.
const COUNTS: Words = &[
    ("rows", "Eingänge", "inputs"),
    ("taken", "übernommen", "taken"),
    ("not_taken", "nicht übernommen", "not taken"),
    ("skipped", "nichts zu übernehmen", "nothing to take"),
    ("repeated", "doppelt in der Liste", "repeated in the list"),
    ("known", "schon bekannt", "known already"),
    ("waiting", "noch zu lesen", "still to read"),
    ("people", "Personen", "people"),
];

pub(crate) fn count(code: &str, lang: Lang) -> String {
    look_up(COUNTS, code, lang)
}

const QUESTIONS: Words = &[
    ("same_person", "Ist das dieselbe Person?", "Is this the same person?"),
    ("same_organisation", "Ist das dieselbe Firma?", "Is this the same company?"),
    ("remote_duplicate", "Im CRM gibt es mehrere. Welcher ist es?", "The CRM has several. Which one is it?"),
    ("owner_unknown", "Wer ist zuständig?", "Who is the owner?"),
    (
        "objection_untold",
        "Widerspruch gegen Werbung: im CRM von Hand eintragen",
        "Objection to advertising: enter it in the CRM by hand",
    ),
    (
        "field_contested",
        "Mehrere Stellen ändern ein Feld gegeneinander. Welcher Wert gilt?",
        "Several places change a field against each other. Which value holds?",
    ),
    (
        "mass_deletion",
        "Im CRM sind auf einmal sehr viele verschwunden. Ist das richtig?",
        "Very many have gone from the CRM at once. Is that right?",
    ),
    (
        "mass_change",
        "Im CRM wurden auf einmal sehr viele geändert. Gilt das?",
        "Very many were changed in the CRM at once. Does that hold?",
    ),
    (
        "mass_write",
        "Im CRM würde auf einmal sehr viel geändert. Darf das sein?",
        "Very much would be changed in the CRM at once. May it?",
    ),
    ("deleted_there", "Im CRM gelöscht. Was soll geschehen?", "Deleted in the CRM. What is to be done?"),
    (
        "erased_there",
        "Im CRM auf Verlangen gelöscht. Auch hier vergessen?",
        "Erased in the CRM on request. Forget here, too?",
    ),
];

/// What is wrong with a value that somebody typed, and what to do.
const EDIT_FAULTS: Words = &[
    ("field_not_editable", "Dieses Feld lässt sich hier nicht bearbeiten.", "This field cannot be edited here."),
    (
        "only_one_value",
        "Dieses Feld hat einen Wert; bitte nur einen eintragen.",
        "This field has one value; enter one.",
    ),
    (
        "label_without_set",
        "Nur E-Mail-Adressen und Telefonnummern haben eine Angabe, wofür sie sind.",
        "Only e-mail addresses and phone numbers say what they are for.",
    ),
    ("too_long", "Der Wert ist länger als 1.000 Zeichen.", "The value has more than 1,000 characters."),
    ("too_many", "Das sind mehr als 50 Werte.", "These are more than 50 values."),
    (
        "email_invalid",
        "Das ist keine E-Mail-Adresse; gemeint ist etwas wie anna@example.com.",
        "This is no e-mail address; write one such as anna@example.com.",
    ),
    (
        "phone_invalid",
        "Das ist keine Telefonnummer in diesem Land; bitte etwa so schreiben: +49 711 123456.",
        "This is no phone number of the record's country; write it such as +49 711 123456.",
    ),
    (
        "postal_code_invalid",
        "Das ist keine Postleitzahl des Landes, das eingetragen ist.",
        "This is no postcode of the record's country.",
    ),
    (
        "country_unknown",
        "Dieses Land ist nicht bekannt; bitte Name oder Kürzel eintragen, etwa DE.",
        "There is no country of this name; write its name or code, such as DE.",
    ),
    (
        "language_unknown",
        "Diese Sprache ist nicht bekannt; bitte Name oder Kürzel eintragen, etwa de.",
        "This language is not known; write its name or code, such as de.",
    ),
    ("salutation_unknown", "Die Anrede ist Herr, Frau oder divers.", "The salutation is Mr, Ms or diverse."),
    (
        "website_invalid",
        "Das ist keine Web-Adresse; gemeint ist etwas wie www.example.com.",
        "This is no web address; write one such as www.example.com.",
    ),
    (
        "domain_invalid",
        "Das ist keine Domain einer Firma; gemeint ist etwas wie example.com.",
        "This is no domain of a company; write one such as example.com.",
    ),
    (
        "vat_id_invalid",
        "Form oder Prüfziffer der USt-IdNr. stimmt nicht.",
        "The VAT number's form or check digit is wrong.",
    ),
    ("company_name_invalid", "Das ist kein Name einer Firma.", "This is no name of a company."),
    ("not_yes_or_no", "Bitte ja oder nein eintragen.", "Enter yes or no."),
    ("number_invalid", "Das ist keine Zahl.", "This is no number."),
    (
        "date_invalid",
        "Das ist kein Datum; bitte etwa so schreiben: 14.04.2026.",
        "This is no date; write it such as 2026-04-14.",
    ),
    (
        "field_keeps_its_value",
        "Dieses Feld behält seinen Wert; es lässt sich ändern, aber nicht leeren.",
        "This field keeps the value that it has; another one can be written, not none.",
    ),
    (
        "names_nobody",
        "Ohne diese Angabe sagt nichts mehr, um wen oder was es geht.",
        "Without it nothing would say who or what the record is.",
    ),
    (
        "suppressed",
        "Jemand mit dieser Adresse wurde auf Verlangen vergessen; sie wird nicht wieder aufgenommen.",
        "Somebody with this address was forgotten on request; it is not taken in again.",
    ),
];

/// What is wrong with a value that somebody typed.
pub(crate) fn edit_fault(fault: Fault, lang: Lang) -> String {
    look_up_or_say(EDIT_FAULTS, fault.code(), lang, "Das geht hier nicht", "This cannot be here")
}

const ANSWERS: Words = &[
    ("merge", "Ja, dieselbe", "Yes, the same"),
    ("different", "Nein, verschieden", "No, different"),
    ("link", "Dieser ist es", "It is this one"),
    ("create_anyway", "Trotzdem anlegen", "Create anyway"),
    ("leave_out", "Aus diesem CRM heraushalten", "Leave out of this CRM"),
    ("make_again", "Dort neu anlegen", "Make it there again"),
    ("delete_there_too", "Auch in den anderen CRMs löschen", "Delete in the other CRMs, too"),
    ("forget", "Auch hier vergessen", "Forget here, too"),
    ("keep", "Hier behalten", "Keep here"),
    ("ours", "Der Wert ist unserer", "The value is ours"),
    ("theirs", "Der Wert ist der andere", "The value is theirs"),
    ("noted", "Erledigt", "Noted"),
    ("retry", "Noch einmal", "Try again"),
    ("let_through", "Ja, so übernehmen", "Yes, let it through"),
    ("put_back", "Dort wiederherstellen", "Put it back there"),
    ("leave", "Nein, so lassen", "No, leave it as it is"),
    ("take_back", "Antwort zurücknehmen", "Take the answer back"),
    ("restored_there", "Hat sich erledigt: im CRM wieder da", "Settled: back in the CRM"),
    ("merged_there", "Hat sich erledigt: im CRM zusammengeführt", "Settled: merged in the CRM"),
    ("erased_there", "Hat sich erledigt: im CRM auf Verlangen gelöscht", "Settled: erased in the CRM on request"),
    ("taken_back", "Hat sich erledigt: eine Antwort wurde zurückgenommen", "Settled: an answer was taken back"),
];

/// What a CRM would be told.
pub(crate) fn operation(operation: Operation, lang: Lang) -> &'static str {
    match operation {
        Operation::Create => lang.say("neu anlegen", "create"),
        Operation::Update => lang.say("ändern", "update"),
        Operation::Archive => lang.say("löschen", "archive"),
    }
}

/// What the button of an answer says.
pub(crate) fn answer(code: &str, lang: Lang) -> String {
    look_up_or_say(ANSWERS, code, lang, "Antwort", "Answer")
}

pub(crate) fn question(code: &str, lang: Lang) -> String {
    look_up_or_say(QUESTIONS, code, lang, "Eine Frage ohne Beschreibung", "A question without a description")
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path};

    use super::*;

    /// Crates whose codes people read.
    const CRATES: [&str; 10] = [
        "intake",
        "enrich",
        "store",
        "queue",
        "connector",
        "connector-hubspot",
        "connector-salesforce",
        "sync",
        "worker",
        "ingest",
    ];
    /// What stands before a code.
    const BEFORE: [&str; 12] = [
        "Problem::new(\"",
        "code: \"",
        "code: Some(\"",
        "remark(\"",
        "settled(&link, Some(\"",
        "settled(link, Some(\"",
        "settled_as(&link, \"",
        "cause: Some(\"",
        "Planned::Wait(link, visible, \"",
        "reason: \"",
        "refused(\"",
        "refused(\"parked\", \"",
    ];
    /// Codes for the log or for programs alone.
    const NOT_READ: [&str; 1] = ["parked"];

    fn sources(folder: &Path, texts: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                sources(&path, texts);
            } else if std::path::Path::new(&name).extension().is_some_and(|end| end == "rs") && !name.contains("tests")
            {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]\nmod").next().unwrap_or_default();
                // Calls that were broken into lines read as one.
                let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect();
                texts.push(lines.join(" ").replace("( ", "("));
            }
        }
    }

    #[test]
    fn every_code_of_the_crates_has_words_in_both_languages() {
        let texts = all_sources();
        let mut codes = BTreeMap::new();
        for (text, before) in texts.iter().flat_map(|text| BEFORE.map(|before| (text, before))) {
            for rest in text.split(before).skip(1) {
                let code: String = rest.chars().take_while(|c| *c != '"').collect();
                // Whole sentences are no codes.
                if code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                    codes.insert(code, before);
                }
            }
        }
        assert!(codes.len() > 60, "the sources are not written as this test thinks: {codes:?}");
        let wordless: Vec<_> = codes
            .iter()
            .filter(|(found, _)| !NOT_READ.contains(&found.as_str()))
            .filter(|(found, _)| !CODES.iter().any(|(known, ..)| known == found))
            .collect();
        assert!(wordless.is_empty(), "these have no words: {wordless:?}");
    }

    fn all_sources() -> Vec<String> {
        let mut texts = Vec::new();
        for name in CRATES {
            let place = if name.contains('/') { name.to_owned() } else { format!("{name}/src") };
            sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(place), &mut texts);
        }
        texts
    }

    #[test]
    fn every_question_that_is_asked_has_words_in_both_languages() {
        let texts = all_sources();
        let mut asked: Vec<String> = texts
            .iter()
            .flat_map(|text| text.split("question: \"").skip(1))
            .map(|rest| rest.chars().take_while(|c| *c != '"').collect())
            .collect();
        asked.extend(["same_person".to_owned(), "same_organisation".to_owned()]);
        assert!(asked.len() > 4, "the sources are not written as this test thinks: {asked:?}");
        for one in asked {
            assert!(QUESTIONS.iter().any(|(known, ..)| *known == one), "no words for the question {one}");
        }
    }

    #[test]
    fn whatever_two_are_met_by_is_said_in_german() {
        let decide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../identity/src/decide.rs");
        let text = fs::read_to_string(decide).unwrap();
        let starts = text.split("reason(\"").skip(1).filter_map(|rest| rest.split('"').next());
        let shared: Vec<&str> = text
            .split_once("fn reason(")
            .unwrap()
            .1
            .split("=> \"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert!(shared.len() > 9, "the source is not written as this test thinks: {shared:?}");
        for start in starts {
            let reason = format!("{start} {}", shared.join(", "));
            let german = question_reason(&reason, Lang::De);
            assert!(!german.contains("ohne Beschreibung"), "{german}");
            assert_eq!(
                german.matches(", ").count(),
                question_reason(&reason, Lang::En).matches(", ").count(),
                "{german}"
            );
        }
        assert_eq!(
            question_reason("same phone and surname, domain", Lang::De),
            "gleich: Telefonnummer und Nachname, Domain"
        );
        let whole = text.split("why: \"").skip(1).filter_map(|rest| rest.split('"').next());
        for why in whole {
            assert!(known_code(why, Lang::De).is_some(), "no words for {why}");
        }
    }

    #[test]
    fn a_code_without_words_is_never_shown_bare() {
        assert_eq!(code("LATEST_WHIM", Lang::De), "Meldung des CRM (LATEST_WHIM)");
        assert_eq!(code("of_tomorrow", Lang::En), "a reason without a description (of_tomorrow)");
        for said in [state, run, row, question, answer, connection, question_reason] {
            for lang in [Lang::De, Lang::En] {
                let text = said("of_tomorrow", lang);
                assert!(text.ends_with(" (of_tomorrow)"), "{text}");
            }
        }
    }

    #[test]
    fn every_kind_of_record_has_its_words() {
        for kind in mittler_core::Kind::ALL {
            for words in [KINDS, KIND] {
                assert!(words.iter().any(|(known, ..)| *known == kind.name()), "{}", kind.name());
            }
        }
    }

    #[test]
    fn whatever_is_wrong_with_an_edit_is_said_in_both_languages() {
        for fault in Fault::ALL {
            assert!(EDIT_FAULTS.iter().any(|(known, ..)| *known == fault.code()), "no words for {fault:?}");
        }
    }

    #[test]
    fn no_code_is_told_twice_and_none_without_words() {
        for words in [CODES, MET, SHARED, FAILURES, STATES, ROWS, CONNECTIONS, QUESTIONS, ANSWERS, RUNS, EDIT_FAULTS] {
            for (place, (code, german, english)) in words.iter().enumerate() {
                assert!(!german.is_empty() && !english.is_empty(), "{code}");
                assert!(!words[..place].iter().any(|(other, ..)| other == code), "{code} twice");
            }
        }
    }
}
