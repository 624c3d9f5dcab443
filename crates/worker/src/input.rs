//! From a stored signal to what it says: bytes, layout and context in, drafts out. No database.

use std::collections::BTreeSet;

use mittler_core::{Field, Said, Source, SourceKind, Time, Value, job::Lane, trace::SignalTrace};
use mittler_enrich::{Context, Draft, Fair, RunParams, Way, is_own, not_own_staff, read_lead, read_reply};
use mittler_intake::{Problem, csv, json, mail};
use mittler_store::signals::Unread;
use uuid::Uuid;

/// A mail that becomes an activity.
#[derive(Debug, Clone)]
pub struct Reply {
    pub subject: String,
    pub body: String,
    pub at: Time,
    pub message_id: Option<String>,
}

/// One signal, read.
#[derive(Debug, Clone)]
pub struct Input {
    pub signal: Uuid,
    pub trace: SignalTrace,
    pub single: bool,
    pub received_at: Time,
    pub observed_at: Time,
    /// From when on it can be followed up.
    pub follow_from: Time,
    pub source: Source,
    pub person: Draft,
    pub organisation: Option<Draft>,
    pub participation: Option<Vec<Said>>,
    pub reply: Option<Reply>,
    pub fair: Option<Fair>,
    pub time_zone: String,
    pub remarks: serde_json::Value,
    /// By which ways they do not want to be reached.
    pub refused: BTreeSet<Way>,
    /// For mails, the address that the statement is about.
    pub mailbox: Option<String>,
    /// For what the person came in.
    pub purpose: Option<String>,
}

impl Input {
    /// Somebody may be waiting for what was sent singly.
    pub fn lane(&self) -> Lane {
        if self.single { Lane::Interactive } else { Lane::Scheduled }
    }
}

/// What a signal turned out to be.
#[derive(Debug, Clone)]
pub enum Reading {
    Input(Box<Input>),
    /// Read, and nothing follows from it: automatic mail, mail of our own people.
    Nothing {
        signal: Uuid,
        code: &'static str,
    },
    Problem {
        signal: Uuid,
        problem: Problem,
    },
    /// Reading it failed in a way that is a defect of ours: parked for a person.
    Broken {
        signal: Uuid,
    },
}

impl Reading {
    /// The input that was read.
    pub fn signal(&self) -> Uuid {
        match self {
            Reading::Input(input) => input.signal,
            Reading::Nothing { signal, .. } | Reading::Problem { signal, .. } | Reading::Broken { signal } => *signal,
        }
    }
}

const FIVE_MINUTES: std::time::Duration = std::time::Duration::from_mins(5);

/// Reads one signal. Never fails as a whole: a problem is a reading too, and so is a defect of ours
/// that this one input meets; the others of its batch are none the worse. People of `own_domains`
/// are no leads.
pub fn read(unread: &Unread, own_domains: &[String]) -> Reading {
    guarded(unread, |unread| try_read(unread, own_domains))
}

fn guarded(unread: &Unread, read: impl Fn(&Unread) -> Result<Reading, Problem>) -> Reading {
    let Ok(read) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| read(unread))) else {
        return Reading::Broken { signal: unread.id };
    };
    match read {
        Ok(reading) => reading,
        // Blank rows, repeated headings and footers are no leads: counted, and nothing follows.
        Err(problem) => match csv::NO_LEAD.into_iter().find(|code| *code == problem.code) {
            Some(code) => Reading::Nothing { signal: unread.id, code },
            None => Reading::Problem { signal: unread.id, problem },
        },
    }
}

fn try_read(unread: &Unread, own_domains: &[String]) -> Result<Reading, Problem> {
    let params = RunParams::of_json(&unread.params.0)
        .ok_or_else(|| Problem::new("run_unreadable", "the parameters of the import cannot be read"))?;
    let content = unread
        .content
        .as_deref()
        .ok_or_else(|| Problem::new("content_gone", "the content has outlived its retention; send it again"))?;
    let received_at = Time(unread.received_at);
    let ctx = Context {
        source: params.source.clone(),
        default_country: non_empty(&params.default_country, "DE"),
        time_zone: non_empty(&params.time_zone, "Europe/Berlin"),
        fair: params.fair.as_ref().map(Fair::scope),
        received_at,
    };
    let base = Input {
        signal: unread.id,
        trace: unread.trace(),
        single: unread.kind == "lead",
        received_at,
        observed_at: received_at,
        follow_from: received_at,
        source: Source::new(params.source_kind.unwrap_or(SourceKind::Form), params.source.clone()),
        person: Draft::default(),
        organisation: None,
        participation: None,
        reply: None,
        fair: params.fair.clone(),
        time_zone: ctx.time_zone.clone(),
        remarks: serde_json::Value::Array(Vec::new()),
        refused: BTreeSet::new(),
        mailbox: None,
        purpose: params.purpose.clone(),
    };
    match unread.kind.as_str() {
        "mail" => read_mail(content, &ctx, base, own_domains),
        "lead_row" => {
            let layout = params
                .layout
                .as_ref()
                .ok_or_else(|| Problem::new("layout_missing", "the import has no column layout"))?;
            lead(&csv::read_row(layout, content)?, &ctx, base, own_domains)
        }
        _ => {
            let value: serde_json::Value = serde_json::from_slice(content)
                .map_err(|_| Problem::new("not_json", "the lead is not readable as JSON"))?;
            lead(&json::read(&value)?, &ctx, base, own_domains)
        }
    }
}

fn lead(raw: &mittler_intake::RawLead, ctx: &Context, base: Input, own_domains: &[String]) -> Result<Reading, Problem> {
    let reading = not_own_staff(read_lead(raw, ctx)?, own_domains)?;
    let observed_at = reading.at.unwrap_or_else(|| undated(&base)).min(base.received_at.plus(FIVE_MINUTES));
    Ok(Reading::Input(Box::new(Input {
        observed_at,
        follow_from: reading.at.map_or(base.received_at, |_| observed_at),
        person: reading.person,
        organisation: reading.organisation,
        participation: reading.participation,
        refused: reading.refused,
        remarks: serde_json::to_value(&reading.remarks).unwrap_or_default(),
        ..base
    })))
}

/// When a row without a time was observed: whenever its list is imported, by the end of the fair. Else last
/// year's list would displace what people said since.
fn undated(base: &Input) -> Time {
    let fair = base.fair.as_ref().filter(|_| !base.single);
    let last = fair.and_then(|fair| fair.ends.or(fair.starts)).and_then(|day| day.tomorrow().ok());
    let zone = jiff::tz::TimeZone::get(&base.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let ended = last.and_then(|day| day.to_zoned(zone).ok()).map(|zoned| Time::from(zoned.timestamp()));
    ended.map_or(base.received_at, |ended| ended.min(base.received_at))
}

fn read_mail(content: &[u8], ctx: &Context, base: Input, own_domains: &[String]) -> Result<Reading, Problem> {
    let mail = mail::read(&mail::unstuff(content))?;
    if mail.from.as_ref().is_some_and(|from| is_own(&from.address, own_domains)) {
        return Ok(Reading::Nothing { signal: base.signal, code: "own_mail" });
    }
    let reading = read_reply(&mail, ctx)?;
    if let Some(code) = reading.automatic {
        return Ok(Reading::Nothing { signal: base.signal, code });
    }
    let at = reading.at.unwrap_or(base.received_at).min(base.received_at.plus(FIVE_MINUTES));
    let mut person = reading.person;
    if reading.opt_out && !person.said.iter().any(|said| said.field == Field::OPT_OUT) {
        person.said.push(Said::new(Field::OPT_OUT, Value::Bool(true), "mail.objection"));
    }
    Ok(Reading::Input(Box::new(Input {
        observed_at: at,
        follow_from: at,
        source: Source::new(SourceKind::OwnMail, base.source.name.clone()),
        person,
        organisation: reading.organisation,
        reply: Some(Reply { subject: reading.subject, body: reading.newest, at, message_id: reading.message_id }),
        remarks: serde_json::to_value(&reading.remarks).unwrap_or_default(),
        mailbox: Some(reading.sender),
        fair: None,
        ..base
    })))
}

fn non_empty(text: &str, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unread(kind: &str, content: &str) -> Unread {
        Unread {
            id: Uuid::nil(),
            run: Uuid::nil(),
            kind: kind.into(),
            content: Some(content.as_bytes().to_vec()),
            line: 1,
            received_at: 0,
            params: serde_json::from_value(serde_json::json!({ "source": "s" })).unwrap(),
            trace: None,
        }
    }

    #[test]
    fn people_of_the_own_house_are_no_leads() {
        let own = ["drehmark.example".to_owned()];
        let mail = |from: &str| unread("mail", &format!("From: J. Reiling <{from}>\nSubject: x\n\nText\n"));
        for from in ["j.reiling@drehmark.example", "J.Reiling@Mail.Drehmark.example"] {
            assert!(matches!(read(&mail(from), &own), Reading::Nothing { code: "own_mail", .. }), "{from}");
        }
        let lead = |email: &str| unread("lead", &format!(r#"{{"last_name":"Reiling","email":"{email}"}}"#));
        let Reading::Problem { problem, .. } = read(&lead("messe@drehmark.example"), &own) else {
            panic!("the row was taken");
        };
        assert_eq!(problem.code, "own_staff");
        for other in ["j@nicht-drehmark.example", "j@drehmark.example.com"] {
            assert!(matches!(read(&mail(other), &own), Reading::Input(_)), "{other}");
            assert!(matches!(read(&lead(other), &own), Reading::Input(_)), "{other}");
        }
        assert!(matches!(read(&mail("j@drehmark.example"), &[]), Reading::Input(_)));
    }

    #[test]
    fn an_input_that_makes_a_reader_panic_is_a_reading_too() {
        let unread = Unread {
            id: Uuid::from_u128(7),
            run: Uuid::nil(),
            kind: "lead".into(),
            line: 1,
            received_at: 0,
            content: None,
            params: mittler_store::Json(serde_json::Value::Null),
            trace: None,
        };
        let reading = guarded(&unread, |_| panic!("a defect of ours"));
        assert!(matches!(reading, Reading::Broken { signal } if signal == unread.id), "{reading:?}");
        assert!(matches!(read(&unread, &[]), Reading::Problem { .. }));
    }
}
