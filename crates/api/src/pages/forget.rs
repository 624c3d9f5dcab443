//! What a person may ask for, as buttons on their page: what is held about them, a stop on telling anybody, and to be
//! forgotten - which is asked twice, with what it will remove.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use mittler_core::{Kind, Record, RecordId};
use mittler_sync::{forget::Forgotten, restrict::Restriction, rights::Whom};

use super::{Asked, Lang, PageProblem, Visitor, disclosure, login::Confirmed};
use crate::{
    App,
    body::{self, At},
    problem::Problem,
    rest::rights,
};

/// The part of a person's page; nothing for other records.
pub(super) fn section(visitor: &Visitor, record: &Record, restricted: bool) -> Markup {
    if record.kind != Kind::Person {
        return html! {};
    }
    let (lang, id) = (visitor.lang, record.id);
    let csrf = html! { input type="hidden" name="csrf" value=(visitor.session.csrf()); };
    let export = format!("/api/v1/records/{id}/export");
    html! {
        section id="rights" {
            h2 { (lang.say("Rechte der Person", "Rights of the person")) }
            p {
                a.button href=(format!("{export}?format=html&lang={}", lang.code())) { (lang.say("Auskunft (Art. 15)", "What is held (Art. 15)")) } " "
                a href=(export) download=(format!("{id}.json")) { (lang.say("als JSON", "as JSON")) }
            }
            @if restricted {
                form method="post" action=(format!("/records/{id}/lift")) { (csrf)
                    p { button { (lang.say("Einschränkung aufheben", "Lift the restriction")) } " "
                        span.hint { (lang.say("Was zurückgehalten wurde, wird dann übertragen.", "What was held is written then.")) } }
                }
            } @else {
                form method="post" action=(format!("/records/{id}/restrict")) { (csrf)
                    label { (lang.say("Grund (bleibt im Protokoll, bis die Person vergessen wird)", "Reason (stays in the audit trail until the person is forgotten)"))
                        input name="reason" maxlength="500"; }
                    p { button { (lang.say("Verarbeitung einschränken (Art. 18)", "Restrict processing (Art. 18)")) } " "
                        span.hint { (lang.say("Bis zur Aufhebung erfährt kein CRM etwas.", "No CRM is told anything until it is lifted.")) } }
                }
            }
            p { a href=(format!("/records/{id}/forget")) { (lang.say("Vergessen (Art. 17) …", "Forget (Art. 17) …")) } }
        }
    }
}

/// Shows what forgetting the person removes, and asks.
pub(crate) async fn ask(
    State(app): State<App>,
    visitor: Visitor,
    Asked(At(id)): Asked<At<String>>,
) -> Result<Markup, PageProblem> {
    let (lang, id) = (visitor.lang, body::id::<RecordId>(&id)?);
    let preview = app.rights.preview_forgetting(&Whom::Record(id)).await?.ok_or_else(Problem::not_found)?;
    let id = preview.record.unwrap_or(id);
    let record = app.store.record(id).await?.ok_or_else(Problem::not_found)?;
    let title = record.fields.title();
    let content = html! {
        p.crumb { a href=(format!("/records/{id}")) { (title) } }
        h1 { (title) " " small { (lang.say("vergessen?", "forget?")) } }
        p.notice { (lang.say(
            "Das lässt sich nicht zurücknehmen. Wer vergessen ist, wird aus allen Tabellen entfernt und kommt mit denselben Adressen nicht wieder herein.",
            "This cannot be taken back. Who is forgotten is removed from every table, and does not come in again with the same addresses.")) }
        (what(lang, &preview, lang.say("Entfernt wird", "What is removed"), lang.say("Das bleibt in den CRMs und ist dort zu löschen", "This stays in the CRMs; erase it there")))
        form method="post" action=(format!("/records/{id}/forget")) {
            input type="hidden" name="csrf" value=(visitor.session.csrf());
            p { button { (lang.say("Ja, vergessen", "Yes, forget")) } " " a.button href=(format!("/records/{id}")) { (lang.say("Abbrechen", "Cancel")) } }
        }
    };
    Ok(visitor.page(&title, &content))
}

pub(crate) async fn forget(
    State(app): State<App>,
    visitor: Visitor,
    Asked(At(id)): Asked<At<String>>,
    form: Confirmed,
) -> Result<Markup, PageProblem> {
    visitor.session.check_csrf(Some(&form.csrf))?;
    let (lang, id) = (visitor.lang, body::id::<RecordId>(&id)?);
    let done = app.rights.forget(&Whom::Record(id), &visitor.session.operator.to_string()).await?;
    let done = done.ok_or_else(Problem::not_found)?;
    let title = lang.say("Vergessen", "Forgotten");
    let content = html! {
        p.crumb { a href="/records?kind=person" { (lang.say("Personen", "People")) } }
        h1 { (title) }
        (what(lang, &done, lang.say("Entfernt wurde", "What was removed"), lang.say("Das steht noch in den CRMs und ist dort zu löschen", "This is still in the CRMs; erase it there")))
    };
    Ok(visitor.page(title, &content))
}

/// What is removed or was, and what CRMs go on holding.
fn what(lang: Lang, done: &Forgotten, removed: &str, there: &str) -> Markup {
    html! {
        h2 { (removed) }
        div.table { table {
            thead { tr { th { (lang.say("Was", "What")) } th.n { (lang.say("Zeilen", "Rows")) } th { (lang.say("Wie", "How")) } } }
            tbody { @for one in done.removed.iter().filter(|one| one.rows > 0) {
                tr { td { (disclosure::table(&one.table, lang)) } td.n { (one.rows) } td { (disclosure::how(&one.how, lang)) } }
            } }
        } }
        @if done.addresses_kept_out == 0 {
            p.hint { (lang.say(
                "Keine E-Mail-Adresse ist bekannt: nichts hält die Person draußen, die nächste Liste mit ihr legt sie neu an.",
                "No e-mail address is known: nothing keeps the person out, and the next list with them makes a new record.")) }
        }
        h2 { (there) }
        @if done.known_at.is_empty() {
            p.empty { (lang.say("Nichts.", "Nothing.")) }
        } @else {
            div.table { table {
                thead { tr { th { "CRM" } th { (lang.say("Art", "Type")) } th { "Id" } } }
                tbody { @for one in &done.known_at {
                    tr { td { (one.connection) } td { (one.remote_type) } td { code { (one.remote_id) } } }
                } }
            } }
        }
    }
}

/// Tells nobody of the person from now on.
pub(crate) async fn restrict(
    State(app): State<App>,
    visitor: Visitor,
    Asked(At(id)): Asked<At<String>>,
    form: Confirmed,
) -> Result<Response, PageProblem> {
    let reason = rights::reason(Some(form.reason.clone()))?;
    change(&app, &visitor, &id, &form, Restriction::Begin { reason }).await
}

pub(crate) async fn lift(
    State(app): State<App>,
    visitor: Visitor,
    Asked(At(id)): Asked<At<String>>,
    form: Confirmed,
) -> Result<Response, PageProblem> {
    change(&app, &visitor, &id, &form, Restriction::Lift).await
}

async fn change(
    app: &App,
    visitor: &Visitor,
    id: &str,
    form: &Confirmed,
    wish: Restriction,
) -> Result<Response, PageProblem> {
    visitor.session.check_csrf(Some(&form.csrf))?;
    let id = body::id::<RecordId>(id)?;
    let changed = app.rights.restrict(id, wish, &visitor.session.operator.to_string()).await?;
    changed.ok_or_else(Problem::not_found)?;
    app.ingest.wake();
    Ok(Redirect::to(&format!("/records/{id}")).into_response())
}
