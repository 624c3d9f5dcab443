//! Leads that come as JSON.

use axum::{
    Json,
    extract::{Request, State},
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use jiff::civil::Date;
use mittler_core::{RecordId, RunId, SignalId, Time};
use mittler_intake::json;
use mittler_store::{Accepted, signals::SignalLine};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    App,
    access::{Caller, Scope},
    body::{self, Answer, At, Params},
    problem::Problem,
};
use mittler_ingest::{FairParams, Ingest, LeadParams};

/// Where leads or mails come from, and how to read them.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LeadQuery {
    /// Name of the source: the scope of its external ids. No person's name. `api` if not given.
    #[param(example = "messe-app")]
    source: Option<String>,
    /// Country of phone numbers and addresses that name none, ISO 3166 alpha-2. `DE` if not given.
    #[param(pattern = "^[A-Za-z]{2}$", example = "DE")]
    default_country: Option<String>,
    /// IANA time zone of times without an offset. `Europe/Berlin` if not given.
    #[param(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// Name of the fair where the leads were met. Badge numbers are known within their fair; those of
    /// leads without one within their source.
    fair: Option<String>,
    /// This and the other parameters of a fair come with its name alone.
    fair_organiser: Option<String>,
    fair_place: Option<String>,
    #[param(value_type = Option<String>, format = Date)]
    fair_starts: Option<Date>,
    #[param(value_type = Option<String>, format = Date)]
    fair_ends: Option<Date>,
    /// The values were scanned from badges; otherwise somebody typed them into a form.
    #[serde(default)]
    stand_scan: bool,
    /// For what the people may be told of: only connections that serve it, or all, are told.
    purpose: Option<String>,
}

impl LeadQuery {
    /// # Errors
    /// If something is said of a fair that has no name.
    pub fn params(self, source: &str) -> Result<LeadParams, Problem> {
        let usual = LeadParams::of(source);
        let of_a_fair = [
            ("fair_organiser", self.fair_organiser.is_some()),
            ("fair_place", self.fair_place.is_some()),
            ("fair_starts", self.fair_starts.is_some()),
            ("fair_ends", self.fair_ends.is_some()),
        ];
        if let Some((name, _)) = of_a_fair.iter().find(|(_, said)| *said && self.fair.is_none()) {
            return Err(Problem::invalid(*name, "say which fair it is, too: fair=its name"));
        }
        let fair = self.fair.map(|name| FairParams {
            name,
            organiser: self.fair_organiser,
            place: self.fair_place,
            starts: self.fair_starts,
            ends: self.fair_ends,
        });
        Ok(LeadParams {
            source: self.source.unwrap_or(usual.source),
            default_country: self.default_country.unwrap_or(usual.default_country),
            time_zone: self.time_zone.unwrap_or(usual.time_zone),
            fair,
            stand_scan: self.stand_scan,
            purpose: self.purpose,
        })
    }
}

/// A lead that came in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AcceptedLead {
    #[schema(example = "sig_0190f5e2b8d97c6f8a52c9f1f0a3d111")]
    id: String,
    /// The same lead was accepted before, under this id.
    known: bool,
}

impl From<Accepted> for AcceptedLead {
    fn from(accepted: Accepted) -> Self {
        AcceptedLead { id: accepted.id.to_string(), known: accepted.known }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AcceptedLeads {
    /// In the order in which they were sent.
    leads: Vec<AcceptedLead>,
}

/// What leads may look like; any other member is kept as an attribute.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes a body that is read member by member")]
pub(crate) struct LeadBody {
    #[schema(example = "Jürgen")]
    first_name: Option<String>,
    #[schema(example = "von der Heide")]
    last_name: Option<String>,
    #[schema(example = "j.vonderheide@example.com")]
    email: Option<String>,
    #[schema(example = "0711 123456-78")]
    phone: Option<String>,
    #[schema(example = "Heide Maschinenbau GmbH & Co. KG")]
    company: Option<String>,
    position: Option<String>,
    city: Option<String>,
    country: Option<String>,
    badge: Option<String>,
    external_id: Option<String>,
    scanned_at: Option<String>,
    note: Option<String>,
}

/// One lead, several, or several under a name.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, clippy::large_enum_variant, reason = "describes a body that is read member by member")]
pub(crate) enum LeadsBody {
    One(LeadBody),
    Several(Vec<LeadBody>),
    Named { leads: Vec<LeadBody> },
}

/// Send leads
///
/// One object, an array of them, or `{"leads": […]}` with up to 1,000. Members have our names, their
/// usual German or English names, or any other: then they are kept as attributes. The answer comes
/// after the leads are durable; each is read by itself, and a bad one is refused alone: one with a
/// value of more than 32 KB, too, or with more than 2,000 members.
#[utoipa::path(post, path = "/leads", tag = "Leads", params(LeadQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "A repetition with the same key and body is given the first answer"),
        ("traceparent" = Option<String>, Header, description = "W3C Trace Context: the trace that the leads belong to")),
    request_body(content = LeadsBody, content_type = "application/json"),
    responses((status = 202, description = "Accepted, durably", body = AcceptedLeads)))]
pub(crate) async fn post_leads(
    State(app): State<App>,
    caller: Caller,
    Params(query): Params<LeadQuery>,
    request: Request,
) -> Result<Response, Problem> {
    caller.needs(Scope::LeadsWrite)?;
    body::needs_type(request.headers(), &["application/json"])?;
    let (headers, said) = (request.headers().clone(), format!("{query:?}"));
    let bytes = body::read(request, app.settings.body_limit).await?;
    let ingest = app.ingest.clone().within(body::parent(&headers));
    let work = accept(ingest, bytes.clone(), query.params("api")?);
    body::once(&app, &caller, &headers, "leads", &[said.as_bytes(), &bytes], work).await
}

async fn accept(ingest: Ingest, bytes: Bytes, params: LeadParams) -> Result<Answer, Problem> {
    let mut leads = json::open(&bytes)?;
    let accepted = if leads.len() == 1 {
        let lead = leads.remove(0);
        json::read(&lead)?;
        vec![ingest.lead(lead, &params).await?]
    } else {
        ingest.leads(leads, &params).await?
    };
    Answer::accepted(AcceptedLeads { leads: accepted.into_iter().map(AcceptedLead::from).collect() })
}

/// What became of one lead, row or mail.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Signal {
    id: String,
    /// Import or day that it belongs to.
    run: String,
    /// `lead`, `lead_row`, `mail`.
    kind: String,
    /// Line in its file, or place in its call.
    line: i64,
    #[schema(value_type = String, format = DateTime)]
    received_at: Time,
    /// `new`, `done`, `refused`, `parked`. What is new was not read yet; of the last two see code and reason.
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The person whose record it led to.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    /// What a person may want to know of it, though it was taken.
    #[schema(value_type = Vec<mittler_ingest::RemarkBody>)]
    remarks: serde_json::Value,
}

impl From<SignalLine> for Signal {
    fn from(line: SignalLine) -> Self {
        Signal {
            id: SignalId(line.id).to_string(),
            run: RunId(line.run).to_string(),
            kind: line.kind,
            line: line.line,
            received_at: Time(line.received_at),
            state: line.state.name().to_owned(),
            code: line.code,
            field: line.field,
            reason: line.reason,
            record: line.record.map(|id| RecordId(id).to_string()),
            remarks: line.remarks.0,
        }
    }
}

/// Ask what became of a lead, row or mail
#[utoipa::path(get, path = "/leads/{signal}", tag = "Leads", params(("signal" = String, Path, description = "sig_…")),
    responses((status = 200, description = "What became of it", body = Signal)))]
pub(crate) async fn get_lead(
    State(app): State<App>,
    caller: Caller,
    At(signal): At<String>,
) -> Result<Json<Signal>, Problem> {
    caller.needs(Scope::RecordsRead)?;
    let line = app.store.signal_line(body::id::<SignalId>(&signal)?).await?;
    Ok(Json(line.ok_or_else(Problem::not_found)?.into()))
}

/// Fetch a lead, row or mail as it came
///
/// Its bytes are kept for their retention, two weeks by default.
#[utoipa::path(get, path = "/leads/{signal}/content", tag = "Leads", params(("signal" = String, Path, description = "sig_…")),
    responses((status = 200, description = "The bytes", content_type = "application/octet-stream")))]
pub(crate) async fn get_content(
    State(app): State<App>,
    caller: Caller,
    At(signal): At<String>,
) -> Result<Response, Problem> {
    caller.needs(Scope::RecordsRead)?;
    let content = app.store.signal_content(body::id::<SignalId>(&signal)?).await?;
    let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::CONTENT_DISPOSITION, "attachment")];
    Ok((headers, content.ok_or_else(Problem::not_found)?).into_response())
}
