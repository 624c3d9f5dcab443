//! A person with a past: values from two sources, two CRMs, a visit, a question, a dead job.
#![allow(dead_code, reason = "the stories and the example each use a part")]

use std::time::Duration;

use mittler_core::{
    ConnectionId, Field, Fields, Kind, Label, Record, RecordId, RemoteFields, Said, SignalId, Source, SourceKind,
    Statement, SubjectId, Time, Value, Version, derive,
    job::{Lane, Task},
    key::Basis,
    plan::HeldField,
};
use mittler_identity::{Key, KeyType};
use mittler_store::{
    connections::{ConnectionRow, ConnectionState},
    intents::{Intent, IntentOutcome, Operation},
    jobs::NewJob,
    leases::Receipt,
    links::{LinkState, WantedLink, link_id},
    records::{KeyRow, RecordRow, StatementRow},
    reviews::NewReview,
};
use serde_json::json;

use crate::support::Service;

/// What a hostile lead writes into its fields.
pub const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

pub struct Seeded {
    pub person: RecordId,
    pub salesforce: ConnectionId,
    pub hubspot: ConnectionId,
}

fn text(field: Field, value: &str) -> Said {
    Said::new(field, Value::Text(value.into()), "csv.column")
}

fn element(field: Field, value: &str, label: Label) -> Said {
    Said::element(field, value.to_lowercase(), Value::Text(value.into()), "csv.column").labelled(label)
}

fn remote(fields: &[(&str, &str)]) -> RemoteFields {
    fields.iter().map(|(name, value)| ((*name).to_owned(), Some(Value::Text((*value).into())))).collect()
}

impl Service {
    /// `name` is the person's surname, as anybody may have written it.
    pub async fn seed(&self, name: &str) -> Seeded {
        let now = self.clock.now();
        let hour = Duration::from_mins(7);
        let (person, fair) = (RecordId(self.clock.id()), RecordId(self.clock.id()));
        let visit = RecordId(self.clock.id());
        let statement = |source: Source, at: Time, said: Vec<Said>| Statement {
            subject: SubjectId(self.clock.id()),
            signal: SignalId(self.clock.id()),
            source,
            observed_at: at,
            version: Version(at, at),
            said,
        };
        let badge = statement(
            Source::new(SourceKind::Badge, "hm26"),
            now.minus(hour * 3),
            vec![
                text(Field::FIRST_NAME, "Jürgen"),
                text(Field::LAST_NAME, name),
                text(Field::COMPANY, "Heide Maschinenbau GmbH & Co. KG"),
                text(Field::CITY, "Stuttgart"),
                Said::new(Field::COUNTRY, Value::choice("DE"), "csv.column"),
                text(Field::POSITION, "Leiter Einkauf"),
                element(Field::EMAILS, "J.Heide@Heide-Maschinenbau.example", Label::Work).primary(),
                element(Field::PHONES, "+4971112345678", Label::Work),
                Said::new(Field::TITLE, Value::Text("Dr.-Ing.".into()), "name.split").sure(80).by_rule(),
            ],
        );
        let mail = statement(
            Source::new(SourceKind::OwnMail, "mail"),
            now.minus(hour),
            vec![text(Field::POSITION, "Geschäftsführer"), element(Field::PHONES, "+491701234567", Label::Mobile)],
        );
        let visited = statement(
            Source::new(SourceKind::Badge, "hm26"),
            now.minus(hour * 3),
            vec![
                Said::new(Field::PERSON, Value::Ref(person), "csv.row"),
                Said::new(Field::FAIR, Value::Ref(fair), "csv.row"),
                Said::new(Field::AT, Value::instant(now.minus(hour * 3)), "csv.column"),
                text(Field::INTEREST, "Spindelpressen, Retrofit"),
            ],
        );
        let fairs = statement(
            Source::new(SourceKind::Organiser, "hm26"),
            now.minus(hour * 4),
            vec![text(Field::NAME, "Hannover Messe 2026"), text(Field::PLACE, "Hannover")],
        );
        let rows = [
            (person, Kind::Person, None, vec![badge, mail]),
            (fair, Kind::Fair, None, vec![fairs]),
            (visit, Kind::Participation, Some(person), vec![visited]),
        ];
        let salesforce = self.connection("vertrieb", "salesforce").await;
        let hubspot = self.connection("marketing", "hubspot").await;
        let email =
            Key { key_type: KeyType::Email, scope: String::new(), value: "j.heide@heide-maschinenbau.example".into() };
        let key = KeyRow { key: email.id(), record: person.0, key_type: "email".into(), basis: Basis::Derived };
        let (mut records, statements) = derived(&rows, now);
        self.store
            .write(async move |tx| {
                tx.claim_keys(&mut vec![key]).await?;
                tx.insert_records(&mut records).await?;
                tx.put_statements(&statements).await
            })
            .await
            .unwrap();
        self.link(salesforce, person, "Lead", true).await;
        self.link(hubspot, person, "contacts", false).await;
        self.troubles(person, salesforce).await;
        Seeded { person, salesforce, hubspot }
    }

    async fn connection(&self, name: &str, crm: &str) -> ConnectionId {
        let row = ConnectionRow {
            id: self.clock.id(),
            name: name.into(),
            crm: crm.into(),
            settings: no_settings(),
            mapping: String::new(),
            mode: "full".into(),
            state: ConnectionState::Ready,
            code: None,
            reason: None,
            paused_until: 0,
            updated_at: self.clock.now().0,
        };
        self.store.put_connection(&row).await.unwrap()
    }

    /// One write: accepted but for a held field, or refused.
    async fn link(&self, connection: ConnectionId, record: RecordId, remote_type: &str, good: bool) {
        let (now, id, intent) = (self.clock.now(), link_id(connection, record), self.clock.id());
        let wanted = WantedLink {
            id: id.0,
            connection: connection.0,
            record: record.0,
            kind: "person".into(),
            stage: 2,
            lane: 0,
            remote_type: remote_type.into(),
            need_a: None,
            need_b: None,
            created_at: now.0,
        };
        let remote_type = remote_type.to_owned();
        self.store.write(async move |tx| tx.want_links(&mut vec![wanted.clone()]).await).await.unwrap();
        self.store
            .write(async move |tx| {
                let fields = remote(&[("LastName", "von der Heide"), ("Title", "Geschäftsführer")]);
                let outcome = if good { IntentOutcome::Created } else { IntentOutcome::Refused };
                let code = (!good).then(|| "INVALID_EMAIL".to_owned());
                let new = Intent {
                    id: intent,
                    link: id.0,
                    connection: connection.0,
                    operation: Operation::Create,
                    remote_type: remote_type.clone(),
                    fields: fields.clone(),
                    before: RemoteFields::default(),
                    begun_at: now.0,
                    settled_at: Some(now.0),
                    outcome: Some(outcome),
                    code: code.clone(),
                };
                tx.put_intents(&[new]).await?;
                let held = HeldField {
                    code: "refused".into(),
                    reason: "bad value for restricted picklist field".into(),
                    hash: "x".into(),
                };
                let receipt = Receipt {
                    id: id.0,
                    epoch: 0,
                    remote_type,
                    remote_id: good.then(|| "00Q5g00000AbCdEFGH".to_owned()),
                    sent: if good { fields } else { RemoteFields::default() },
                    held: if good { [("Industry".to_owned(), held)].into() } else { mittler_core::plan::Held::new() },
                    done: Some(1),
                    next_at: 0,
                    attempt: 1,
                    state: if good { LinkState::Open } else { LinkState::Refused },
                    code,
                    reason: (!good).then(|| "Property values were not valid".to_owned()),
                    written_at: if good { now.0 } else { 0 },
                };
                let holding = tx.hold_links(&[receipt.of()]).await?;
                tx.put_receipts(&holding, &[receipt]).await
            })
            .await
            .unwrap();
    }

    /// An open question and a job that died.
    async fn troubles(&self, person: RecordId, connection: ConnectionId) {
        let (now, job, clock) = (self.clock.now(), self.clock.id(), self.clock.clone());
        let review = NewReview {
            id: self.clock.id(),
            question: "same_person".into(),
            record: person.0,
            connection: None,
            candidates: json!([]),
            reason: "phone_name".into(),
            asked_at: now.0,
        };
        self.store
            .write(async move |tx| {
                tx.ask(&[review]).await?;
                tx.put_jobs(&[NewJob::new(job, Task::Pull { connection }, Lane::Interactive, now, now)]).await?;
                let taken = tx.take_jobs(clock.now(), Duration::from_mins(1), 10).await?;
                let ours = taken.iter().find(|taken| taken.id.0 == job).unwrap();
                tx.fail_job(ours.id, ours.attempt, now, "panicked", 1, now).await
            })
            .await
            .unwrap();
    }

    /// Whether a person is one of others.
    pub async fn question(&self, person: RecordId, candidates: &[RecordId]) -> uuid::Uuid {
        let review = NewReview {
            id: self.clock.id(),
            question: "same_person".into(),
            record: person.0,
            connection: None,
            candidates: json!({ "records": candidates }),
            reason: "phone_name".into(),
            asked_at: self.clock.now().0,
        };
        let id = review.id;
        self.store.write(async move |tx| tx.ask(std::slice::from_ref(&review)).await).await.unwrap();
        id
    }

    /// A person and nothing else.
    pub async fn seed_person(&self, name: &str) -> RecordId {
        let (id, now) = (RecordId(self.clock.id()), self.clock.now());
        let statement = Statement {
            subject: SubjectId(self.clock.id()),
            signal: SignalId(self.clock.id()),
            source: Source::new(SourceKind::Form, "tests"),
            observed_at: now,
            version: Version(now, now),
            said: vec![text(Field::LAST_NAME, name)],
        };
        let (mut records, statements) = derived(&[(id, Kind::Person, None, vec![statement])], now);
        self.store
            .write(async move |tx| {
                tx.insert_records(&mut records).await?;
                tx.put_statements(&statements).await
            })
            .await
            .unwrap();
        id
    }
}

fn no_settings() -> mittler_store::Json<serde_json::Value> {
    mittler_store::Json(json!({}))
}

type Row = (RecordId, Kind, Option<RecordId>, Vec<Statement>);

fn derived(rows: &[Row], now: Time) -> (Vec<RecordRow>, Vec<StatementRow>) {
    let (mut records, mut statements) = (Vec::new(), Vec::new());
    for (id, kind, person, said) in rows {
        let fields: Fields = derive(said, &mittler_core::derive::Overrides::new());
        let record = Record { id: *id, kind: *kind, version: 1, fields };
        records.push(RecordRow::new(&record, *person, now));
        statements.extend(said.iter().map(|one| StatementRow::new(*id, one)));
    }
    (records, statements)
}
