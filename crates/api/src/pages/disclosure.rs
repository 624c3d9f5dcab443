//! What is held about one person, as a page for that person: to be printed, or sent as one file. It loads nothing.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, html};
use mittler_core::{RecordId, Time};
use mittler_sync::export::{Export, InputPart, NoContent, RecipientPart, RecordPart, ValuePart};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Lang, fragments::code, words};

const CSS: &str = include_str!("assets/disclosure.css");

/// What such a page may load: nothing, but for the style that it carries.
pub(crate) fn policy() -> String {
    let style = STANDARD.encode(Sha256::digest(CSS));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

type Words = &'static [(&'static str, &'static str, &'static str)];

fn say(words: Words, code: &str, lang: Lang) -> String {
    let known = words.iter().find(|(known, ..)| *known == code);
    known.map_or_else(|| code.replace(['_', '.'], " "), |(_, german, english)| lang.say(german, english).to_owned())
}

const TABLES: Words = &[
    ("record", "Datensätze", "Records"),
    ("statement", "Aussagen", "Statements"),
    ("signal", "Eingaben", "Inputs"),
    ("run", "Namen von Listen", "Names of lists"),
    ("record_key", "Schlüssel", "Keys"),
    ("weak_key", "Schlüssel zum Vorschlagen", "Keys that propose"),
    ("link", "Verbindungen zu CRMs", "Links to CRMs"),
    ("lease", "Laufende Aufrufe", "Calls that are under way"),
    ("intent", "Protokoll der Schreibvorgänge", "Log of writes"),
    ("review", "Fragen", "Questions"),
    ("decision", "Entscheidungen", "Decisions"),
    ("audit_content", "Inhalte des Protokolls", "Contents of the audit trail"),
    ("restriction", "Einschränkung", "Restriction"),
    ("purpose", "Zwecke", "Purposes"),
    ("suppression", "Sperreinträge", "Entries that keep out"),
    ("audit", "Protokoll", "Audit trail"),
    ("idempotency", "Wiederholte Aufrufe", "Repeated calls"),
    ("job", "Aufträge", "Jobs"),
];

/// What the rows of a table are.
pub(super) fn table(name: &str, lang: Lang) -> String {
    say(TABLES, name, lang)
}

const HOW: Words = &[
    ("deleted", "gelöscht", "deleted"),
    ("emptied", "geleert", "emptied"),
    ("struck out", "herausgestrichen", "struck out"),
    ("label emptied", "Name entfernt", "name removed"),
    ("added", "angelegt", "added"),
    ("may still be written to", "wird vielleicht noch beschrieben", "may still be written to"),
];

/// What becomes of them.
pub(super) fn how(code: &str, lang: Lang) -> String {
    say(HOW, code, lang)
}

const PARTS: Words = &[
    ("records", "Werte, die jetzt gelten", "Values that hold now"),
    ("statements", "Was gesagt wurde", "What was said"),
    ("inputs", "Eingaben", "Inputs"),
    ("inputs.content", "Inhalte der Eingaben", "Contents of inputs"),
    ("lists", "Listen mit Ihrem Namen", "Lists that bear your name"),
    ("recipients", "Empfänger: Datensätze in CRMs", "Recipients: records in CRMs"),
    ("recipients.writes", "Protokoll der Schreibvorgänge", "Log of writes"),
    ("recipients.writes.fields", "Werte der Schreibvorgänge", "Values of writes"),
    ("keys", "Schlüssel zum Wiedererkennen", "Keys to recognise you"),
    ("keys.former", "Schlüssel früherer Werte", "Keys of former values"),
    ("questions", "Fragen an unsere Mitarbeiter", "Questions to our staff"),
    ("decisions", "Entscheidungen", "Decisions"),
    ("restriction", "Einschränkung und Widerspruch", "Restriction and objection"),
    ("purposes", "Zwecke", "Purposes"),
    ("acts", "Protokoll", "Audit trail"),
    ("kept", "Wann es gelöscht wird", "When it is deleted"),
    ("left_out", "Was hier nicht steht", "What is not in here"),
];

const SINCE: Words = &[
    ("received_at", "nach dem Eingang", "after it came in"),
    ("begun_at", "nach dem Schreiben", "after the write"),
    ("answered_at", "nach der Antwort", "after the answer"),
    ("replaced", "nachdem der Wert ersetzt wurde", "after the value was replaced"),
];

const BECAUSE: Words = &[
    (
        "keyed_hashes",
        "Prüfwerte mit Schlüssel; niemand kann daraus erkennen, zu wem sie gehören",
        "Keyed hashes; nobody can tell from them whose they are",
    ),
    (
        "ids_alone",
        "Nur Nummern und Codes; worum es ging, steht im Protokoll",
        "Ids and codes alone; what they were about is in the audit trail",
    ),
];

const INPUTS: Words = &[
    ("lead", "einzelne Eingabe", "single input"),
    ("lead_row", "Zeile einer Liste", "row of a list"),
    ("mail", "E-Mail", "e-mail"),
];

const KEYS: Words = &[
    ("email", "E-Mail-Adresse", "e-mail address"),
    ("badge", "Badge", "badge"),
    ("external", "Nummer in der Quelle", "id in the source"),
    ("vat_id", "USt-IdNr.", "VAT number"),
    ("register", "Handelsregisternummer", "register number"),
    ("company_at", "Firmenname mit Ort", "company name with place"),
    ("phone_name", "Telefonnummer und Nachname", "phone and surname"),
    ("domain_name", "Mail-Domain und Nachname", "mail domain and surname"),
    ("name_company", "Name und Firma", "name and company"),
    ("domain", "Domain", "domain"),
    ("company_name", "Firmenname", "company name"),
];

const BASES: Words = &[
    ("derived", "aus den Werten abgeleitet", "derived from the values"),
    ("asserted", "von der Quelle angegeben", "given by the source"),
    ("former", "aus einem früheren Wert", "of a former value"),
    ("contested", "ein anderer Datensatz hat ihn", "another record holds it"),
];

const VERDICTS: Words = &[
    ("same", "Zwei Datensätze sind eine Person oder Firma", "Two records are one person or company"),
    ("different", "Zwei Datensätze sind zwei", "Two records are two"),
    ("left_out", "Steht nicht in diesem CRM", "Is left out of this CRM"),
];

const ACTS: Words = &[
    ("restrict", "Verarbeitung eingeschränkt", "Processing restricted"),
    ("lift_restriction", "Einschränkung aufgehoben", "Restriction lifted"),
    ("export", "Auskunft erteilt", "Data given out"),
    ("edit", "Bearbeitet", "Edited"),
    ("merge", "Zusammengeführt", "Merged"),
    ("answer", "Frage beantwortet", "Question answered"),
];

const OPERATIONS: Words = &[
    ("create", "angelegt", "create"),
    ("update", "geändert", "update"),
    ("archive", "gelöscht", "archive"),
    ("under_way", "läuft gerade", "under way"),
];

fn no_content(why: NoContent, lang: Lang) -> &'static str {
    match why {
        NoContent::Deleted => lang.say("Der Inhalt ist gelöscht.", "The content is deleted."),
        NoContent::AnotherPersonsMail => lang.say(
            "Jemand anderes hat diese Mail geschrieben; ihr Inhalt ist hier nicht wiedergegeben.",
            "Somebody else wrote this mail; its content is not shown here.",
        ),
        NoContent::PerhapsAboutAnother => lang.say(
            "Nur eine Telefonnummer stimmt überein; der Inhalt betrifft vielleicht jemand anderen und ist hier nicht wiedergegeben.",
            "A phone number alone is the same; the content may be about somebody else and is not shown here.",
        ),
    }
}

/// How a page is written.
struct Style {
    lang: Lang,
    zone: TimeZone,
}

impl Style {
    fn time(&self, at: Time) -> String {
        let form = self.lang.say("%d.%m.%Y %H:%M", "%-d %b %Y, %H:%M");
        at.timestamp().to_zoned(self.zone.clone()).strftime(form).to_string()
    }

    /// Moments as people read them; whatever else as it is.
    fn value(&self, value: &Value) -> String {
        let moment = value.as_str().and_then(|text| text.parse().ok());
        moment.map_or_else(|| plain(value), |at| self.time(at))
    }

    fn part(&self, code: &str) -> String {
        say(PARTS, code, self.lang)
    }
}

/// The page as one file.
pub(crate) fn page(export: &Export, lang: Lang, time_zone: &str) -> String {
    let style = Style { lang, zone: TimeZone::get(time_zone).unwrap_or(TimeZone::UTC) };
    let title = lang.say("Auskunft über gespeicherte Daten", "Information on stored data");
    let content = html! {
        (DOCTYPE)
        html lang=(lang.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) ": " (export.title) }
                // It has nothing in it that would be escaped.
                style { (CSS) }
            }
            body {
                h1 { (title) }
                p { strong { (export.title) } " · " code { (export.person) } " · " (style.time(export.made_at)) }
                p { (lang.say(
                    "Nach Artikel 15 DSGVO: alles, was zu Ihrer Person gespeichert ist, woher es stammt, wer es bekommen hat und wann es gelöscht wird.",
                    "By Article 15 GDPR: everything that is stored about you, where it comes from, who was given it, and when it is deleted.")) }
                (held(&style, export))
                (told(&style, export))
                (decided(&style, export))
                (ends(&style, export))
            }
        }
    };
    content.into_string()
}

/// Values, what was said, and what came in.
fn held(style: &Style, export: &Export) -> Markup {
    let lang = style.lang;
    html! {
        h2 { (style.part("records")) }
        @for record in &export.records { (one_record(style, record)) }
        h2 { (style.part("purposes")) }
        @if export.purposes.iter().all(String::is_empty) {
            p { (lang.say("Kein besonderer Zweck angegeben.", "No particular purpose was given.")) }
        } @else {
            ul { @for purpose in export.purposes.iter().filter(|it| !it.is_empty()) { li { (purpose) } } }
        }
        h2 { (style.part("statements")) }
        table {
            thead { tr { th { (lang.say("Stand", "As of")) } th { (lang.say("Quelle", "Source")) } th { (lang.say("Gesagt wurde", "It was said")) } } }
            tbody { @for statement in &export.statements { tr {
                td { (style.time(statement.observed_at)) }
                td { (words::source(&code(&statement.source.kind), lang)) " " small { (statement.source.name) } br; small { code { (statement.input) } } }
                td { dl { @for said in &statement.says {
                    dt { (words::field(&said.field, lang)) }
                    dd { @match &said.value {
                        Some(value) => (style.value(value)),
                        None => { (lang.say("(leer)", "(empty)")) @if let Some(element) = &said.element { " " (element) } },
                    } }
                } } }
            } } }
        }
        h2 { (style.part("inputs")) }
        @if export.inputs.is_empty() { p { (lang.say("Keine.", "None.")) } }
        @for input in &export.inputs { (one_input(style, input)) }
        @if !export.lists.is_empty() {
            h2 { (style.part("lists")) }
            ul { @for list in &export.lists { li { (list.name) } } }
        }
    }
}

fn one_record(style: &Style, record: &RecordPart) -> Markup {
    let lang = style.lang;
    html! {
        h3 { (words::one(&record.kind, lang)) @if !record.title.is_empty() { ": " (record.title) } }
        p { small { code { (record.id) } " · " (lang.say("seit", "since")) " " (style.time(record.made_at))
            @if let Some(into) = &record.merged_into { " · " (lang.say("aufgegangen in", "became part of")) " " code { (into) } } } }
        @if !record.values.is_empty() {
            table {
                thead { tr { th { (lang.say("Feld", "Field")) } th { (lang.say("Wert", "Value")) } th { (lang.say("Quelle", "Source")) } th { (lang.say("Stand", "As of")) } } }
                tbody { @for value in &record.values { (one_value(style, value)) } }
            }
        }
    }
}

fn one_value(style: &Style, value: &ValuePart) -> Markup {
    let lang = style.lang;
    html! { tr {
        th { (words::field(&value.field, lang)) }
        td { (style.value(&value.value)) @if let Some(label) = &value.label { " (" (words::label(&code(label), lang)) ")" } }
        td { (words::source(&code(&value.source.kind), lang)) " " small { (value.source.name) } }
        td { (style.time(value.observed_at)) }
    } }
}

fn one_input(style: &Style, input: &InputPart) -> Markup {
    let lang = style.lang;
    html! {
        h3 { (say(INPUTS, &input.kind, lang)) ": " (input.list) }
        p { (style.time(input.received_at)) " · " (words::row(&input.state, lang))
            @if let Some(code) = &input.code { " · " (words::code(code, lang)) }
            " · " small { code { (input.id) } } }
        p { small {
            @if let Some(at) = input.content_deleted_at { (lang.say("Inhalt wird gelöscht am", "content is deleted on")) " " (style.time(at)) " · " }
            (lang.say("Eintrag wird gelöscht am", "entry is deleted on")) " " (style.time(input.deleted_at))
        } }
        @if let Some(content) = &input.content { pre { (content) } }
        @if input.content_base64.is_some() {
            p { (lang.say("Der Inhalt ist kein Text; er steht in der JSON-Fassung dieser Auskunft.", "The content is no text; it is in the JSON form of this.")) }
        }
        @if let Some(why) = input.no_content { p { (no_content(why, lang)) } }
    }
}

/// Who was told what.
fn told(style: &Style, export: &Export) -> Markup {
    let lang = style.lang;
    html! {
        h2 { (style.part("recipients")) }
        @if export.recipients.is_empty() { p { (lang.say("Kein CRM hat etwas bekommen.", "No CRM was given anything.")) } }
        @for one in &export.recipients { (recipient(style, one, &export.records)) }
    }
}

fn recipient(style: &Style, one: &RecipientPart, records: &[RecordPart]) -> Markup {
    let lang = style.lang;
    html! {
        h3 { (one.connection) " (" (one.crm) "): " (one.remote_type) @if let Some(id) = &one.remote_id { " " code { (id) } } }
        p { (title(records, one.record)) " · " (words::state(&one.state, lang))
            @if let Some(code) = &one.code { " · " (words::code(code, lang)) }
            @if let Some(at) = one.written_at { " · " (lang.say("geschrieben", "written")) " " (style.time(at)) } }
        (fields(lang.say("Mitgeteilt", "Told"), &one.sent))
        (fields(lang.say("Dort zuletzt gesehen", "Last seen there"), &one.seen))
        @if !one.writes.is_empty() {
            table {
                thead { tr { th { (lang.say("Zeit", "Time")) } th { (lang.say("Vorgang", "Operation")) } th { (lang.say("Werte", "Values")) } } }
                tbody { @for write in &one.writes { tr {
                    td { (style.time(write.begun_at)) }
                    td { (say(OPERATIONS, &write.operation, lang)) ": "
                        @if write.outcome == "under_way" { (say(OPERATIONS, "under_way", lang)) } @else { (words::state(&write.outcome, lang)) } }
                    td {
                        @if write.values_deleted { (lang.say("gelöscht", "deleted")) }
                        (fields("", &write.fields))
                        small { (lang.say("Werte bis", "values until")) " " (style.time(write.values_deleted_at)) ", "
                            (lang.say("Eintrag bis", "entry until")) " " (style.time(write.deleted_at)) }
                    }
                } } }
            }
        }
    }
}

fn title(records: &[RecordPart], id: RecordId) -> Markup {
    let known = records.iter().find(|record| record.id == id).filter(|record| !record.title.is_empty());
    html! { @match known { Some(record) => (record.title), None => code { (id) } } }
}

fn fields(head: &str, fields: &BTreeMap<String, Value>) -> Markup {
    html! { @if !fields.is_empty() {
        @if !head.is_empty() { p { strong { (head) } } }
        dl { @for (name, value) in fields { dt { (name) } dd { (plain(value)) } } }
    } }
}

/// What was asked, decided and done.
fn decided(style: &Style, export: &Export) -> Markup {
    let lang = style.lang;
    html! {
        h2 { (style.part("restriction")) }
        @match &export.restriction {
            Some(it) => p { (lang.say("Eingeschränkt seit", "Restricted since")) " " (style.time(it.since)) @if let Some(reason) = &it.reason { ": " (reason) } },
            None => p { (lang.say("Die Verarbeitung ist nicht eingeschränkt.", "Processing is not restricted.")) },
        }
        @match &export.objection {
            Some(it) => p { (words::field(&it.field, lang)) ": " (style.value(&it.value)) " (" (style.time(it.observed_at)) ")" },
            None => p { (lang.say("Ein Widerspruch ist nicht bekannt.", "No objection is known.")) },
        }
        @if !export.questions.is_empty() {
            h2 { (style.part("questions")) }
            table { tbody { @for question in &export.questions { tr {
                td { (style.time(question.asked_at)) }
                td { (words::question(&question.question, lang)) br; small { (words::question_reason(&question.reason, lang)) " " (plain(&question.candidates)) } }
                td { @if let Some(at) = question.answered_at { (style.time(at)) " " (plain(&question.answer)) } @else { (lang.say("offen", "open")) } }
            } } } }
        }
        @if !export.decisions.is_empty() {
            h2 { (style.part("decisions")) }
            table { tbody { @for it in &export.decisions { tr {
                td { (style.time(it.decided_at)) }
                td { (say(VERDICTS, &it.verdict, lang)) br; small { code { (it.record) } " · " code { (it.other) } }
                    @if let Some(at) = it.taken_back_at { br; (lang.say("zurückgenommen", "taken back")) " " (style.time(at)) } }
                td { small { (plain(&it.moved)) } }
            } } } }
        }
        h2 { (style.part("keys")) }
        table { tbody { @for key in &export.keys { tr {
            td { (say(KEYS, &key.kind, lang)) }
            td { (if key.strong { lang.say("benennt eine Person", "names one person") } else { lang.say("schlägt vor", "proposes") }) }
            td { (say(BASES, &key.basis, lang)) }
        } } } }
        h2 { (style.part("acts")) }
        table { tbody { @for act in &export.acts { tr {
            td { (style.time(act.at)) } td { (say(ACTS, &act.action, lang)) } td { small { (act.actor) } } td { small { (plain(&act.content)) } }
        } } } }
    }
}

/// How long it stays, what is missing, and what else the person may ask.
fn ends(style: &Style, export: &Export) -> Markup {
    let lang = style.lang;
    html! {
        h2 { (style.part("kept")) }
        table { tbody { @for kept in &export.kept { tr {
            td { (style.part(kept.part)) }
            td { @match (kept.days, kept.since) {
                (Some(days), Some(since)) => { (days) " " (lang.say("Tage", "days")) " " (say(SINCE, since, lang)) },
                _ => (lang.say("bis Sie vergessen werden", "until you are forgotten")),
            } }
        } } } }
        h2 { (style.part("left_out")) }
        ul { @for out in &export.left_out { li { (table(out.table, lang)) ": " (say(BECAUSE, out.because, lang)) } } }
        h2 { (lang.say("Ihre Rechte", "Your rights")) }
        p { (lang.say(
            "Sie können verlangen, dass wir Daten berichtigen (Art. 16), löschen (Art. 17) oder ihre Verarbeitung einschränken (Art. 18), der Verarbeitung widersprechen (Art. 21) und sich bei einer Aufsichtsbehörde beschweren (Art. 77). Datensätze werden nach Regeln zusammengeführt; im Zweifel entscheidet ein Mensch. Eine automatisierte Entscheidung mit rechtlicher Wirkung findet hier nicht statt.",
            "You may ask us to correct data (Art. 16), to erase them (Art. 17) or to restrict their processing (Art. 18), object to processing (Art. 21), and complain to a supervisory authority (Art. 77). Records are merged by rules; in doubt a person decides. No automated decision with legal effect is made here.")) }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(members) if members.is_empty() => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_reaches_the_page_as_it_is() {
        assert!(!CSS.contains(['<', '>', '&', '"', '\'']), "it would be escaped, and be another than its hash says");
    }

    #[test]
    fn moments_are_written_as_people_read_them() {
        let style = Style { lang: Lang::De, zone: TimeZone::get("Europe/Berlin").unwrap() };
        let written = |text: &str| style.value(&Value::from(text));
        assert_eq!(written("2026-04-24T22:00:00.000000Z"), "25.04.2026 00:00");
        for as_it_is in ["2026-12-07", "Ulm", "+49731123456", ""] {
            assert_eq!(written(as_it_is), as_it_is);
        }
    }

    #[test]
    fn every_part_and_every_table_has_its_words_in_both_languages() {
        for (table, part) in mittler_sync::export::PARTS {
            assert!(TABLES.iter().any(|(known, ..)| known == table), "{table}");
            assert!(PARTS.iter().any(|(known, ..)| known == part), "{part}");
        }
        for out in mittler_sync::export::LEFT_OUT {
            assert!(TABLES.iter().any(|(known, ..)| *known == out.table), "{}", out.table);
            assert!(BECAUSE.iter().any(|(known, ..)| *known == out.because), "{}", out.because);
        }
        for kind in mittler_identity::KeyType::ALL {
            assert!(KEYS.iter().any(|(known, ..)| *known == kind.name()), "{}", kind.name());
        }
    }
}
