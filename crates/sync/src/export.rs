//! Everything that is held about one person, for that person (Art. 15 GDPR).

mod form;

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use mittler_core::{
    ConnectionId, Element, Field, Fields, Kind, LinkId, RecordId, RemoteFields, RunId, SignalId, Slot, Sourced,
    Statement, Time, Value, key::Basis,
};
use mittler_store::{
    Clock, Result, Store,
    audit::NewEntry,
    connections::ConnectionRow,
    dossier::{Dossier, HeldDecision, HeldInput, HeldLink, HeldQuestion, HeldRecord, HeldWrite},
    intents::{Intent, IntentOutcome},
    records::KeyRow,
    retention::Retention,
    signals::SignalState,
};
use serde_json::{Value as Json, json};
use uuid::Uuid;

pub use form::{
    ActPart, DecisionPart, Export, InputPart, KeptPart, KeyPart, LeftOutPart, ListPart, NoContent, QuestionPart,
    RecipientPart, RecordPart, RestrictionPart, SaidPart, SourcePart, StatementPart, ValuePart, WritePart,
};

use crate::traces::{Traces, labels, not_taken};

/// Each table that holds personal data, and the part of the export in which its rows are. A test holds this against the
/// tables of the database: a new one has to be here, or its reason in [`LEFT_OUT`].
pub const PARTS: &[(&str, &str)] = &[
    ("record", "records"),
    ("statement", "statements"),
    ("signal", "inputs"),
    ("run", "lists"),
    ("link", "recipients"),
    ("intent", "recipients"),
    ("lease", "recipients"),
    ("record_key", "keys"),
    ("weak_key", "keys"),
    ("review", "questions"),
    ("decision", "decisions"),
    ("restriction", "restriction"),
    ("purpose", "purposes"),
    ("audit_content", "acts"),
];

/// What holds something that once came from a person and is not shown.
pub const LEFT_OUT: &[LeftOutPart] = &[
    LeftOutPart {
        table: "suppression",
        because: "keyed_hashes",
        why: "keyed hashes that keep out who was forgotten; nobody can tell from them whose they are",
    },
    LeftOutPart {
        table: "idempotency",
        because: "keyed_hashes",
        why: "keyed hashes of calls that may be sent again; nobody can tell from them who they were about",
    },
    LeftOutPart {
        table: "audit",
        because: "ids_alone",
        why: "ids and codes of acts; what they were about is in `acts`",
    },
    LeftOutPart { table: "job", because: "ids_alone", why: "work to do, as ids alone; it ends when it is done" },
];

/// Everything that is held about a person. `None` if there is no such person.
///
/// It is read in one transaction, which also notes in the audit trail that it was given.
///
/// # Errors
/// If the database does not answer.
pub async fn export(
    store: &Store,
    clock: &Clock,
    retention: Retention,
    person: RecordId,
    actor: &str,
) -> Result<Option<Export>> {
    let person = store.survivor(person).await?;
    if store.record(person).await?.is_none_or(|record| record.kind != Kind::Person) {
        return Ok(None);
    }
    let about = store.rehearse(async move |tx| tx.lock_person(person).await).await?;
    let traces = Traces::of(&about.statements);
    let (texts, lists) = (not_taken(store, &traces).await?, labels(store, &traces).await?);
    let connections = store.connections().await?;
    let (actor, salt, now) = (actor.to_owned(), clock.id().simple().to_string(), clock.now());
    let read = store
        .write(async move |tx| {
            let about = tx.lock_person(person).await?;
            let dossier = tx.dossier(&about, &texts, &lists).await?;
            tx.enter(&NewEntry {
                at: now,
                actor: actor.clone(),
                action: "export".into(),
                target: person.to_string(),
                record: Some(person),
                content: json!({}),
                salt: salt.clone(),
            })
            .await?;
            Ok(dossier)
        })
        .await?;
    Ok(Some(Shower { person, now, retention, connections, traces }.show(read)))
}

/// A value as JSON has it.
pub fn plain(value: &Value) -> Json {
    match value {
        Value::Int(int) => (*int).into(),
        Value::Bool(truth) => (*truth).into(),
        Value::Money { amount, currency } => json!({"amount": amount.to_string(), "currency": currency}),
        other => other.display().into(),
    }
}

/// Makes the form out of what was read.
struct Shower {
    person: RecordId,
    now: Time,
    retention: Retention,
    connections: Vec<ConnectionRow>,
    traces: Traces,
}

impl Shower {
    fn show(&self, read: Dossier) -> Export {
        let own = read.records.iter().find(|record| record.id == self.person.0);
        let objection = own.and_then(|record| Some((Field::OPT_OUT, record.fields.0.sourced(&Field::OPT_OUT)?)));
        let reason = read.acts.iter().rev().find(|act| act.action == "restrict");
        let reason = reason.and_then(|act| act.content.0["reason"].as_str().map(str::to_owned));
        let restriction = read.restrictions.first().map(|it| RestrictionPart {
            since: Time(it.restricted_at),
            by: it.restricted_by.clone(),
            reason,
        });
        let persons: Vec<Uuid> = read.records.iter().map(|record| record.id).collect();
        Export {
            made_at: self.now,
            person: self.person,
            title: own.map(|record| record.fields.0.title()).unwrap_or_default(),
            objection: objection.map(|(field, sourced)| value(&field, sourced, None)),
            statements: read.statements.iter().map(|(record, statement)| said(*record, statement)).collect(),
            inputs: read.inputs.into_iter().map(|input| self.input(input, &persons)).collect(),
            lists: read.lists.into_iter().map(|(id, name)| ListPart { id: RunId(id), name }).collect(),
            recipients: self.recipients(read.links, &read.writes, &read.under_way),
            keys: keys(&read.keys, &read.weak_keys),
            questions: read.questions.into_iter().map(|question| self.question(question)).collect(),
            decisions: read.decisions.into_iter().map(|decision| self.decision(decision)).collect(),
            records: read.records.into_iter().map(record).collect(),
            restriction,
            purposes: read.purposes,
            acts: read
                .acts
                .into_iter()
                .map(|it| ActPart { at: Time(it.at), actor: it.actor, action: it.action, content: it.content.0 })
                .collect(),
            kept: kept(self.retention),
            left_out: LEFT_OUT.to_vec(),
        }
    }

    fn input(&self, input: HeldInput, persons: &[Uuid]) -> InputPart {
        let received_at = Time(input.received_at);
        let of_another = input.record.is_some_and(|record| !persons.contains(&record));
        let no_content = match &input.content {
            None => Some(NoContent::Deleted),
            Some(_) if input.kind == "mail" && of_another => Some(NoContent::AnotherPersonsMail),
            Some(content) if matches!(input.state, SignalState::Refused | SignalState::Parked) => {
                (!self.traces.by_address(content)).then_some(NoContent::PerhapsAboutAnother)
            }
            Some(_) => None,
        };
        let kept = input.content.is_some();
        let bytes = input.content.filter(|_| no_content.is_none());
        let (content, content_base64) = match bytes.map(String::from_utf8) {
            None => (None, None),
            Some(Ok(text)) => (Some(text), None),
            Some(Err(bytes)) => (None, Some(STANDARD.encode(bytes.into_bytes()))),
        };
        InputPart {
            id: SignalId(input.id),
            list: input.label,
            kind: input.kind,
            line: input.line,
            received_at,
            state: input.state.name().to_owned(),
            code: input.code,
            field: input.field,
            reason: input.reason,
            remarks: input.remarks.0,
            content,
            content_base64,
            no_content,
            content_deleted_at: kept.then(|| received_at.plus(self.retention.content)),
            deleted_at: received_at.plus(self.retention.signal),
        }
    }

    fn connection(&self, id: Uuid) -> (String, String) {
        let known = self.connections.iter().find(|it| it.id == id);
        known.map_or_else(|| (ConnectionId(id).to_string(), String::new()), |it| (it.name.clone(), it.crm.clone()))
    }

    fn recipients(&self, links: Vec<HeldLink>, writes: &[HeldWrite], under_way: &[Intent]) -> Vec<RecipientPart> {
        let part = |link: HeldLink| {
            let (connection, crm) = self.connection(link.connection);
            let ended = writes.iter().filter(|write| write.link == link.id).map(|write| self.write(write));
            let at_work = under_way.iter().filter(|write| write.link == link.id).map(|write| self.begun(write));
            RecipientPart {
                connection,
                crm,
                writes: ended.chain(at_work).collect(),
                link: LinkId(link.id),
                record: RecordId(link.record),
                role: link.role.name().to_owned(),
                remote_type: link.remote_type,
                remote_id: link.remote_id,
                state: link.state.name().to_owned(),
                code: link.code,
                reason: link.reason,
                written_at: (link.written_at > 0).then_some(Time(link.written_at)),
                sent: remote(&link.sent.0),
                seen: remote(&link.seen.0),
                held: link.held.0.into_iter().map(|(name, held)| (name, held.code)).collect(),
            }
        };
        links.into_iter().map(part).collect()
    }

    fn write(&self, write: &HeldWrite) -> WritePart {
        let begun_at = Time(write.begun_at);
        WritePart {
            begun_at,
            ended_at: write.settled_at.map(Time),
            operation: write.operation.name().to_owned(),
            outcome: write.outcome.map_or("open", IntentOutcome::name).to_owned(),
            code: write.code.clone(),
            fields: remote(&write.fields.0),
            before: remote(&write.before.0),
            values_deleted: write.emptied != 0,
            values_deleted_at: begun_at.plus(self.retention.intent_values),
            deleted_at: begun_at.plus(self.retention.intent),
        }
    }

    fn begun(&self, write: &Intent) -> WritePart {
        let begun_at = Time(write.begun_at);
        WritePart {
            begun_at,
            ended_at: None,
            operation: write.operation.name().to_owned(),
            outcome: "under_way".into(),
            code: None,
            fields: remote(&write.fields),
            before: remote(&write.before),
            values_deleted: false,
            values_deleted_at: begun_at.plus(self.retention.intent_values),
            deleted_at: begun_at.plus(self.retention.intent),
        }
    }

    fn question(&self, question: HeldQuestion) -> QuestionPart {
        QuestionPart {
            connection: question.connection.map(|id| self.connection(id).0),
            deleted_at: question.answered_at.map(|at| Time(at).plus(self.retention.signal)),
            question: question.question,
            record: RecordId(question.record),
            state: question.state.name().to_owned(),
            reason: question.reason,
            candidates: question.candidates.0,
            asked_at: Time(question.asked_at),
            answered_at: question.answered_at.map(Time),
            answer: question.answer.0,
        }
    }

    fn decision(&self, decision: HeldDecision) -> DecisionPart {
        let moved = decision.moved.0;
        let other = match decision.verdict.as_str() {
            "left_out" => self.connection(decision.other).0,
            _ => RecordId(decision.other).to_string(),
        };
        let there = moved.links.iter().map(|link| {
            json!({ "connection": self.connection(link.connection.0).0, "remote_type": link.remote_type,
                    "remote_id": link.remote_id })
        });
        DecisionPart {
            verdict: decision.verdict,
            record: RecordId(decision.record),
            other,
            decided_by: decision.decided_by,
            decided_at: Time(decision.decided_at),
            taken_back_at: decision.undone_at.map(Time),
            moved: json!({ "records": moved.records.keys().collect::<Vec<_>>(), "questions": moved.reviews,
                           "recipients": there.collect::<Vec<_>>(), "before": moved.older }),
        }
    }
}

fn record(record: HeldRecord) -> RecordPart {
    RecordPart {
        id: RecordId(record.id),
        kind: record.kind,
        title: record.fields.0.title(),
        merged_into: record.merged_into.map(RecordId),
        made_at: Time(record.created_at),
        changed_at: Time(record.updated_at),
        unsure_until: (record.unsure_until > 0).then_some(Time(record.unsure_until)),
        values: values(&record.fields.0),
    }
}

fn values(fields: &Fields) -> Vec<ValuePart> {
    let of = |(field, slot): (&Field, &Slot)| match slot {
        Slot::One(sourced) => vec![value(field, sourced, None)],
        Slot::Set(elements) => elements.iter().map(|one| value(field, &one.sourced, Some(one))).collect(),
    };
    fields.0.iter().flat_map(of).collect()
}

fn value(field: &Field, sourced: &Sourced, element: Option<&Element>) -> ValuePart {
    ValuePart {
        field: field.to_string(),
        value: plain(&sourced.value),
        label: element.and_then(|element| element.label),
        source: SourcePart { kind: sourced.source.kind, name: sourced.source.name.clone() },
        observed_at: sourced.observed_at,
        how: sourced.how.clone(),
        confidence: sourced.confidence,
        input: sourced.signal,
    }
}

fn said(record: RecordId, statement: &Statement) -> StatementPart {
    let says = statement.said.iter().map(|said| SaidPart {
        field: said.field.to_string(),
        element: said.key.clone(),
        value: said.value.as_ref().map(plain),
        label: said.label,
        how: said.how.clone(),
        confidence: said.confidence,
    });
    StatementPart {
        record,
        source: SourcePart { kind: statement.source.kind, name: statement.source.name.clone() },
        observed_at: statement.observed_at,
        input: statement.signal,
        says: says.collect(),
    }
}

fn remote(fields: &RemoteFields) -> BTreeMap<String, Json> {
    fields.0.iter().map(|(name, value)| (name.clone(), value.as_ref().map_or(Json::Null, plain))).collect()
}

fn keys(strong: &[KeyRow], weak: &[KeyRow]) -> Vec<KeyPart> {
    let part = |row: &KeyRow, strong| KeyPart {
        record: RecordId(row.record),
        kind: row.key_type.clone(),
        strong,
        basis: basis(row.basis).into(),
    };
    let all = strong.iter().map(|row| part(row, true)).chain(weak.iter().map(|row| part(row, false)));
    let mut keys: Vec<KeyPart> = all.collect();
    keys.sort();
    keys
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Derived => "derived",
        Basis::Asserted => "asserted",
        Basis::Former => "former",
        Basis::Contested => "contested",
    }
}

/// When each part is deleted by itself.
fn kept(retention: Retention) -> Vec<KeptPart> {
    let days = |kept: Duration| Some(kept.as_secs() / 86_400);
    let until = |part, kept, since| KeptPart { part, days: days(kept), since: Some(since) };
    let forgotten = |part| KeptPart { part, days: None, since: None };
    vec![
        forgotten("records"),
        forgotten("statements"),
        until("inputs.content", retention.content, "received_at"),
        until("inputs", retention.signal, "received_at"),
        until("lists", retention.signal, "received_at"),
        forgotten("recipients"),
        until("recipients.writes.fields", retention.intent_values, "begun_at"),
        until("recipients.writes", retention.intent, "begun_at"),
        forgotten("keys"),
        until("keys.former", retention.signal, "replaced"),
        until("questions", retention.signal, "answered_at"),
        forgotten("decisions"),
        forgotten("restriction"),
        forgotten("purposes"),
        forgotten("acts"),
    ]
}
