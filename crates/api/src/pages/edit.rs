//! The form by which a person edits a record. It works without a script; what was typed is lost to no conflict.

use std::collections::BTreeMap;

use axum::{
    extract::{FromRequest as _, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use maud::{Markup, html};
use mittler_core::{Field, Label, Record, RecordId, Value};
use mittler_sync::edit::{Change, Editor, NotEdited, Written, editable};

use super::{Asked, Lang, PageProblem, Visitor, fragments::code, words};
use crate::{
    App,
    body::{self, At},
    problem::Problem,
    rest::edits,
};

/// Bytes that the form may have.
const FORM: usize = 64 * 1024;
/// Before the name of a field: its value, what the page showed, the labels and the first of a set.
const VALUE: &str = "f:";
const SHOWN: &str = "was:";
const LABEL: &str = "label:";
const FIRST: &str = "first:";

const LABELS: [Label; 6] = [Label::Work, Label::Direct, Label::Mobile, Label::Fax, Label::Private, Label::Other];

/// What one field of the form holds: of a set each element with the code of its label, else one value.
type Typed = Vec<(String, String)>;

/// A form as it was sent.
struct Sent {
    version: i64,
    typed: BTreeMap<Field, Typed>,
    /// What the page had shown in each field.
    shown: BTreeMap<Field, String>,
    /// The field that is to be let go.
    field: Option<String>,
}

impl Sent {
    async fn of(app: &App, visitor: &Visitor, request: Request) -> Result<Sent, Problem> {
        body::needs_type(request.headers(), &["application/x-www-form-urlencoded"])?;
        let request = request.map(|body| axum::body::Body::new(http_body_util::Limited::new(body, FORM)));
        let form = axum::Form::<Vec<(String, String)>>::from_request(request, app).await;
        let axum::Form(pairs) = form.map_err(|_| Problem::new("unreadable"))?;
        let one = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        visitor.session.check_csrf(one("csrf"))?;
        let version = one("version").and_then(|version| version.parse().ok()).ok_or(Problem::new("unreadable"))?;
        let (mut typed, mut shown) = (BTreeMap::<Field, Typed>::new(), BTreeMap::new());
        for (name, value) in &pairs {
            if let Some(field) = name.strip_prefix(VALUE) {
                typed.entry(Field::named(field)).or_default().push((value.clone(), String::new()));
            } else if let Some(field) = name.strip_prefix(LABEL) {
                // Each label follows its value.
                let last = typed.get_mut(&Field::named(field)).and_then(|typed| typed.last_mut());
                last.ok_or(Problem::new("unreadable"))?.1.clone_from(value);
            } else if let Some(field) = name.strip_prefix(SHOWN) {
                shown.insert(Field::named(field), value.replace("\r\n", "\n"));
            }
        }
        for (field, typed) in &mut typed {
            let first = one(&format!("{FIRST}{field}")).and_then(|place| place.parse::<usize>().ok());
            if let Some(place) = first.filter(|place| *place < typed.len()) {
                typed[..=place].rotate_right(1);
            }
            typed.retain(|(value, _)| !field.is_set() || !value.trim().is_empty());
        }
        Ok(Sent { version, typed, shown, field: one("field").map(str::to_owned) })
    }

    /// Whether the form says something else of a field than the page had shown.
    fn is_changed(&self, field: &Field) -> bool {
        self.typed.get(field).is_some_and(|typed| Some(&plain(typed)) != self.shown.get(field))
    }

    /// The fields that were changed.
    fn changes(&self) -> BTreeMap<String, Change> {
        let changed = self.typed.iter().filter(|(field, _)| self.is_changed(field));
        let written = |(text, label): &(String, String)| Written {
            text: text.clone(),
            label: serde_json::from_value(label.as_str().into()).ok(),
        };
        changed.map(|(field, typed)| (field.to_string(), Change::Set(typed.iter().map(written).collect()))).collect()
    }
}

/// One text for what a field holds, to tell whether it was changed.
fn plain(typed: &Typed) -> String {
    let lines: Vec<String> =
        typed.iter().map(|(value, label)| format!("{label} {}", value.trim()).trim().to_owned()).collect();
    lines.join("\n").replace("\r\n", "\n")
}

/// What a field of a record holds now.
fn present(record: &Record, field: &Field) -> Typed {
    if field.is_set() {
        let elements = record.fields.elements(field).iter();
        let label = |label: Option<Label>| label.map(|label| code(&label)).unwrap_or_default();
        return elements.map(|element| (element.sourced.value.display(), label(element.label))).collect();
    }
    vec![(record.fields.value(field).map(Value::display).unwrap_or_default(), String::new())]
}

/// The fields of a record that the form has.
fn fields(record: &Record) -> Vec<Field> {
    let custom = record.fields.0.keys().filter(|field| {
        let is_plain = |value: &Value| {
            !matches!(value, Value::Ref(_) | Value::Instant { .. } | Value::Money { .. } | Value::Blob { .. })
        };
        field.is_custom() && record.fields.value(field).is_some_and(is_plain)
    });
    editable(record.kind).iter().chain(custom).cloned().collect()
}

/// What the form is shown with, beside the record.
#[derive(Default)]
struct Again<'a> {
    sent: Option<&'a Sent>,
    /// The field that was refused.
    refused: Option<&'a str>,
}

/// The part of the record's page; nothing for kinds that are not edited.
pub(super) async fn section(app: &App, visitor: &Visitor, record: &Record) -> Result<Markup, PageProblem> {
    if editable(record.kind).is_empty() {
        return Ok(html! {});
    }
    let form = form(app, visitor, record, &Again::default()).await?;
    Ok(html! {
        details id="edit" { summary { (visitor.lang.say("Bearbeiten", "Edit")) } (form) }
    })
}

async fn form(app: &App, visitor: &Visitor, record: &Record, again: &Again<'_>) -> Result<Markup, PageProblem> {
    let (lang, editor) = (visitor.lang, Editor::of(&app.questions));
    let edited = editor.edited(record.id).await?;
    let (stay, newest): (Vec<Field>, Vec<Field>) = fields(record).into_iter().partition(|field| editor.holds(field));
    // The parts of a name go with it, and have no button of their own.
    let gone = edited.iter().filter(|field| field.is_custom() || stay.contains(field) || newest.contains(field));
    let part = |fields: &[Field], legend: &str| {
        html! {
            @if !fields.is_empty() {
                fieldset {
                    legend { (legend) }
                    div.grid { @for field in fields { (entry(lang, record, field, again)) } }
                }
            }
        }
    };
    Ok(html! {
        form method="post" action=(format!("/records/{}/edit", record.id)) {
            input type="hidden" name="csrf" value=(visitor.session.csrf());
            input type="hidden" name="version" value=(record.version);
            // Whoever presses Enter in a field saves: this button is the form's first.
            p { button { (lang.say("Speichern", "Save")) } " " span.hint { (lang.say(
                "Geht an alle CRMs. Ein leeres Feld wird überall geleert.",
                "Goes to all CRMs. An empty field is emptied everywhere.")) } }
            (part(&newest, lang.say(
                "Gilt, bis ein CRM, eine Mail oder eine Liste etwas Neueres sagt",
                "Holds until a CRM, a mail or a list says something newer")))
            (part(&stay, lang.say("Gilt, bis es hier geändert oder zurückgenommen wird", "Holds until it is changed or taken back here")))
            @if !edited.is_empty() {
                fieldset {
                    legend { (lang.say("Von Hand eingetragen", "Entered by hand")) }
                    p.hint { (lang.say(
                        "Wer einen Eintrag zurücknimmt, bekommt, was alle anderen Quellen sagen.",
                        "Who takes an entry back gets what all other sources say.")) }
                    p { @for field in gone {
                        button.small name="field" value=(field) formaction=(format!("/records/{}/let-go", record.id)) {
                            (words::field(field.as_str(), lang)) ": " (lang.say("zurücknehmen", "take back"))
                        } " "
                    } }
                }
            }
        }
    })
}

/// One field with its present value, or with what was typed into it.
fn entry(lang: Lang, record: &Record, field: &Field, again: &Again<'_>) -> Markup {
    let now = present(record, field);
    let typed = again.sent.filter(|sent| sent.is_changed(field)).and_then(|sent| sent.typed.get(field)).unwrap_or(&now);
    let refused = again.refused == Some(field.as_str());
    let name = words::field(field.as_str(), lang);
    let value = typed.first().map_or("", |(value, _)| value.as_str());
    html! {
        @if field.is_set() {
            (set(lang, field, &name, typed, refused))
        } @else {
            label { (name)
                @match choices(field) {
                    Some(choices) => {
                        select name=(format!("{VALUE}{field}")) aria-invalid=[refused.then_some("true")] {
                            @for (code, german, english) in choices {
                                option value=(code) selected[*code == value] { (lang.say(german, english)) }
                            }
                        }
                    },
                    None => input name=(format!("{VALUE}{field}")) value=(value) maxlength="1000" aria-invalid=[refused.then_some("true")];
                }
            }
        }
        input type="hidden" name=(format!("{SHOWN}{field}")) value=(plain(&now));
    }
}

/// Each element with what it is for and whether it is the first, and room for one more.
fn set(lang: Lang, field: &Field, name: &str, typed: &Typed, refused: bool) -> Markup {
    let blank = (String::new(), String::new());
    html! {
        fieldset.set {
            legend { (name) }
            @for (place, (value, label)) in typed.iter().chain([&blank]).enumerate() {
                div.row {
                    input name=(format!("{VALUE}{field}")) value=(value) maxlength="1000" aria-label=(name) aria-invalid=[refused.then_some("true")]
                        placeholder=[(place == typed.len()).then_some(lang.say("noch eine", "one more"))];
                    select name=(format!("{LABEL}{field}")) aria-label=(lang.say("wofür", "what for")) {
                        option value="" { "–" }
                        @for known in LABELS {
                            option value=(code(&known)) selected[code(&known) == *label] { (words::label(&code(&known), lang)) }
                        }
                    }
                    label { input type="radio" name=(format!("{FIRST}{field}")) value=(place) checked[place == 0];
                        (lang.say("zuerst", "first")) }
                }
            }
        }
    }
}

type Choices = &'static [(&'static str, &'static str, &'static str)];

/// The values of a field that has but a few.
fn choices(field: &Field) -> Option<Choices> {
    const SALUTATION: Choices =
        &[("", "–", "–"), ("mr", "Herr", "Mr"), ("ms", "Frau", "Ms"), ("divers", "divers", "diverse")];
    const YES_OR_NO: Choices = &[("", "–", "–"), ("true", "ja", "yes"), ("false", "nein", "no")];
    match field.as_str() {
        "salutation" => Some(SALUTATION),
        "opt_out" => Some(YES_OR_NO),
        _ => None,
    }
}

/// Saves what was changed.
pub(crate) async fn save(
    State(app): State<App>,
    visitor: Visitor,
    Asked(At(id)): Asked<At<String>>,
    request: Request,
) -> Result<Response, PageProblem> {
    let (id, sent) = (body::id::<RecordId>(&id)?, Sent::of(&app, &visitor, request).await?);
    let changes = sent.changes();
    take(&app, &visitor, id, &sent, &changes).await
}

/// Lets a field go.
pub(crate) async fn let_go(
    State(app): State<App>,
    visitor: Visitor,
    Asked(At(id)): Asked<At<String>>,
    request: Request,
) -> Result<Response, PageProblem> {
    let (id, sent) = (body::id::<RecordId>(&id)?, Sent::of(&app, &visitor, request).await?);
    let field = sent.field.clone().ok_or(Problem::new("unreadable"))?;
    take(&app, &visitor, id, &sent, &BTreeMap::from([(field, Change::LetGo)])).await
}

async fn take(
    app: &App,
    visitor: &Visitor,
    id: RecordId,
    sent: &Sent,
    changes: &BTreeMap<String, Change>,
) -> Result<Response, PageProblem> {
    let not = match edits::edit(app, id, sent.version, changes, &visitor.session.operator.to_string()).await? {
        Ok(_) => return Ok(Redirect::to(&format!("/records/{id}")).into_response()),
        Err(NotEdited::NoSuchRecord) => return Err(Problem::not_found().into()),
        Err(not) => not,
    };
    let record = app.store.record(id).await?.ok_or_else(Problem::not_found)?;
    let refused = match &not {
        NotEdited::Refused { field, .. } => Some(field.as_str()),
        NotEdited::Taken { field, .. } => Some(field.as_str()),
        _ => None,
    };
    let form = match not {
        NotEdited::MergedInto(_) | NotEdited::KindNotEdited(_) => html! {},
        _ => form(app, visitor, &record, &Again { sent: Some(sent), refused }).await?,
    };
    let (lang, title) = (visitor.lang, record.fields.title());
    let content = html! {
        p.crumb { a href=(format!("/records/{id}")) { (title) } }
        h1 { (title) " " small { (lang.say("nicht gespeichert", "not saved")) } }
        p.notice role="alert" { (why(lang, &not)) }
        (form)
    };
    let status = match not {
        NotEdited::Refused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::CONFLICT,
    };
    Ok((status, visitor.page(&title, &content)).into_response())
}

/// Why an edit was not taken, and what to do.
fn why(lang: Lang, not: &NotEdited) -> Markup {
    let link = |record: &RecordId| html! { a href=(format!("/records/{record}")) { (lang.say("diesen Datensatz", "this record")) } };
    match not {
        NotEdited::NoSuchRecord => {
            html! { (lang.say("Diesen Datensatz gibt es nicht mehr.", "This record is no more.")) }
        }
        NotEdited::MergedInto(record) => html! {
            (lang.say("Er ist inzwischen in einem anderen aufgegangen; bitte ändern Sie ", "It became part of another; please edit ")) (link(record)) "."
        },
        NotEdited::KindNotEdited(kind) => html! {
            (words::kind(kind.name(), lang)) ": " (lang.say(
                "was geschehen ist, wird nicht bearbeitet. Bearbeiten lassen sich Personen und Firmen.",
                "what happened is not edited. People and companies can be."))
        },
        NotEdited::ChangedMeanwhile(_) => html! { (lang.say(
        "Der Datensatz hat sich geändert, während Sie daran waren. Unten steht, was jetzt gilt; was Sie geändert hatten, ist noch eingetragen. Bitte vergleichen und noch einmal speichern.",
        "The record changed while you were at it. Below stands what holds now; what you had changed is still entered. Please compare, and save again.")) },
        NotEdited::Refused { field, fault } => html! {
            strong { (words::field(field, lang)) } ": " (words::edit_fault(*fault, lang))
        },
        NotEdited::Taken { field, holder } => html! {
            strong { (words::field(field.as_str(), lang)) } ": " (lang.say("Damit ist schon jemand bekannt; bitte vergleichen Sie ", "Somebody is known by this already; please compare ")) (link(holder)) "."
        },
    }
}
