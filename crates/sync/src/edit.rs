//! A person's edit of a record in Mittler: what they write is a claim of the strongest source, goes to all CRMs
//! like any other change, and can be let go again.
//!
//! **Invariant:** the statement, the record that it makes, its keys, what CRMs are to be told and the entry in the
//! audit trail are one commit. An edit whose answer was lost can be sent again: what is so already changes nothing.
//!
//! **Invariant:** an edit makes nobody another person. What names another record is refused with that record.

mod plan;
mod values;

pub use self::values::editable;

use std::{collections::BTreeMap, fmt};

use mittler_core::{Field, Fields, Kind, Label, Record, RecordId, Said, SignalId, job::Lane, policy::Policy};
use mittler_identity::{Key, KeyType, identifiers, keys};
use mittler_store::{Result, Tx, audit::NewEntry, records::StatementRow};
use serde_json::json;
use uuid::Uuid;

use self::{
    plan::{Edit, Ground, Planned, plan, policy_of},
    values::{Wish, read},
};
use crate::{
    Questions,
    apply_statements::{Changed, links_of, put_changed},
    view::Preview,
};

/// The rule by which a value came from an edit.
pub const EDITED: &str = "person.edit";

/// What becomes of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It says this; a set has these elements and no others, the main one first. Blanks alone empty it.
    Set(Vec<Written>),
    /// It says nothing any more.
    Empty,
    /// What a person wrote stands no more: the field says what all other sources say.
    LetGo,
}

impl Change {
    /// One value.
    pub fn to(text: impl Into<String>) -> Change {
        Change::Set(vec![Written { text: text.into(), label: None }])
    }
}

/// A value as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub text: String,
    /// What an element of a set is for, if that is said.
    pub label: Option<Label>,
}

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    UnknownField,
    OnlyOne,
    NoLabel,
    TooLong,
    TooMany,
    Email,
    Phone,
    PostalCode,
    Country,
    Language,
    Salutation,
    Website,
    Domain,
    VatId,
    CompanyName,
    YesOrNo,
    Number,
    Date,
    /// The field's policy would not let it stand.
    Kept,
    NamesNobody,
    Forgotten,
}

impl Fault {
    pub const ALL: [Fault; 21] = [
        Fault::UnknownField,
        Fault::OnlyOne,
        Fault::NoLabel,
        Fault::TooLong,
        Fault::TooMany,
        Fault::Email,
        Fault::Phone,
        Fault::PostalCode,
        Fault::Country,
        Fault::Language,
        Fault::Salutation,
        Fault::Website,
        Fault::Domain,
        Fault::VatId,
        Fault::CompanyName,
        Fault::YesOrNo,
        Fault::Number,
        Fault::Date,
        Fault::Kept,
        Fault::NamesNobody,
        Fault::Forgotten,
    ];

    /// A stable name.
    pub fn code(self) -> &'static str {
        self.words().0
    }

    /// Its code, and what to do about it.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Fault::UnknownField => ("field_not_editable", "records of this kind have no such field that can be edited"),
            Fault::OnlyOne => ("only_one_value", "this field has one value; give one"),
            Fault::NoLabel => ("label_without_set", "only e-mail addresses and phone numbers have a label"),
            Fault::TooLong => ("too_long", "the value has more than 1,000 characters"),
            Fault::TooMany => ("too_many", "these are more than 50 values"),
            Fault::Email => ("email_invalid", "this is no e-mail address; write one such as anna@example.com"),
            Fault::Phone => {
                ("phone_invalid", "this is no phone number of the record's country; write it such as +49 711 123456")
            }
            Fault::PostalCode => ("postal_code_invalid", "this is no postcode of the record's country"),
            Fault::Country => {
                ("country_unknown", "there is no country of this name; write its name or code, such as DE")
            }
            Fault::Language => ("language_unknown", "this language is not known; write its name or code, such as de"),
            Fault::Salutation => ("salutation_unknown", "the salutation is mr, ms or divers"),
            Fault::Website => ("website_invalid", "this is no web address; write one such as www.example.com"),
            Fault::Domain => ("domain_invalid", "this is no domain of a company; write one such as example.com"),
            Fault::VatId => ("vat_id_invalid", "the VAT number's form or check digit is wrong"),
            Fault::CompanyName => ("company_name_invalid", "this is no name of a company"),
            Fault::YesOrNo => ("not_yes_or_no", "write yes or no"),
            Fault::Number => ("number_invalid", "this is no number"),
            Fault::Date => ("date_invalid", "this is no date; write it such as 2026-04-14"),
            Fault::Kept => (
                "field_keeps_its_value",
                "this field keeps the value that it has; another one can be written, not none",
            ),
            Fault::NamesNobody => ("names_nobody", "without it nothing would say who or what the record is"),
            Fault::Forgotten => {
                ("suppressed", "somebody with this address was forgotten on request; it is not taken in again")
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().1)
    }
}

/// Why an edit was not taken. Nothing of it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotEdited {
    NoSuchRecord,
    /// It became part of this record.
    MergedInto(RecordId),
    /// Visits, mails and the like are what happened.
    KindNotEdited(Kind),
    /// Somebody changed it meanwhile; it has this version now.
    ChangedMeanwhile(i64),
    Refused {
        field: String,
        fault: Fault,
    },
    /// Another record is known by the value.
    Taken {
        field: Field,
        holder: RecordId,
    },
}

impl fmt::Display for NotEdited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotEdited::NoSuchRecord => f.write_str("there is no such record"),
            NotEdited::MergedInto(record) => write!(f, "this record became part of {record}; edit that one"),
            NotEdited::KindNotEdited(kind) => {
                write!(f, "this record is of the kind {kind}; people and organisations can be edited")
            }
            NotEdited::ChangedMeanwhile(version) => {
                write!(f, "the record changed meanwhile and has version {version} now; read it again, and edit that")
            }
            NotEdited::Refused { field, fault } => write!(f, "{field}: {fault}"),
            NotEdited::Taken { field, holder } => {
                write!(
                    f,
                    "{field}: {holder} is known by this value; if the two are one, say so there, else write another"
                )
            }
        }
    }
}

pub type Taken<T> = std::result::Result<T, NotEdited>;

/// What an edit made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    pub record: Record,
    /// Whether it was not all so before.
    pub changed: bool,
}

/// Takes edits. What it needs is what answers to questions need.
#[derive(Clone)]
pub struct Editor(Questions);

impl Editor {
    pub fn of(questions: &Questions) -> Editor {
        Editor(questions.clone())
    }

    /// Edits a record of which the caller has seen a version. `actor` is a random id.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn edit(
        &self,
        id: RecordId,
        version: i64,
        changes: &BTreeMap<String, Change>,
        actor: &str,
    ) -> Result<Taken<Edited>> {
        let (this, changes, actor) = (self.clone(), changes.clone(), actor.to_owned());
        self.0.store.write(async move |tx| this.write(tx, (id, version), &changes, &actor).await).await
    }

    /// What an edit would change, and what CRMs would be told.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn preview(&self, id: RecordId, changes: &BTreeMap<String, Change>) -> Result<Taken<Preview>> {
        let heir = self.0.store.survivor(id).await?;
        if heir != id {
            return Ok(Err(NotEdited::MergedInto(heir)));
        }
        let Some(record) = self.0.store.record(id).await? else { return Ok(Err(NotEdited::NoSuchRecord)) };
        let said = self.0.store.statements(id).await?;
        match self.plan(&record, &said, changes, "preview") {
            Ok((_, planned)) => Ok(Ok(self.0.preview_of_edit(&record, &planned.after).await?)),
            Err(not) => Ok(Err(not)),
        }
    }

    /// The fields of a record of which a person's edit stands, also where it does not hold.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn edited(&self, id: RecordId) -> Result<Vec<Field>> {
        Ok(plan::edited(&self.0.store.statements(id).await?).into_iter().collect())
    }

    /// Whether what a person writes into the field stays until it is let go, whatever others say later. Else whoever
    /// says something newer has the field.
    pub fn holds(&self, field: &Field) -> bool {
        policy_of(field, &self.0.overrides) != Policy::Newest
    }

    fn plan(
        &self,
        record: &Record,
        said: &[mittler_core::Statement],
        changes: &BTreeMap<String, Change>,
        actor: &str,
    ) -> Taken<(BTreeMap<Field, Wish>, Planned)> {
        if editable(record.kind).is_empty() {
            return Err(NotEdited::KindNotEdited(record.kind));
        }
        let refused = |(field, fault)| NotEdited::Refused { field, fault };
        let wishes = read(record, changes, &self.0.country).map_err(refused)?;
        let (clock, ground) = (&self.0.clock, Ground { record, said, overrides: &self.0.overrides });
        let signals = [SignalId(clock.id()), SignalId(clock.id())];
        let planned = plan(&ground, &wishes, &Edit { actor, now: clock.now(), signals }).map_err(refused)?;
        Ok((wishes, planned))
    }

    async fn write(
        &self,
        tx: &mut Tx,
        (id, version): (RecordId, i64),
        changes: &BTreeMap<String, Change>,
        actor: &str,
    ) -> Result<Taken<Edited>> {
        let Some(record) = tx.lock_records(&[id]).await?.pop() else {
            let heir = tx.survivor(id).await?;
            return Ok(Err(if heir == id { NotEdited::NoSuchRecord } else { NotEdited::MergedInto(heir) }));
        };
        let said: Vec<_> = tx.statements_of(&[id]).await?.into_iter().map(|(_, statement)| statement).collect();
        let (wishes, planned) = match self.plan(&record, &said, changes, actor) {
            Ok(planned) => planned,
            Err(not) => return Ok(Err(not)),
        };
        if planned.is_nothing() {
            return Ok(Ok(Edited { record, changed: false }));
        }
        if record.version != version {
            return Ok(Err(NotEdited::ChangedMeanwhile(record.version)));
        }
        if let Some(not) = self.met(tx, &record, &wishes, &planned.after).await? {
            return Ok(Err(not));
        }
        self.store(tx, &record, &planned, actor).await?;
        let record = self.tell(tx, record, planned.after).await?;
        Ok(Ok(Edited { record, changed: true }))
    }

    /// Whether a value that is written names another record, or somebody who was forgotten.
    async fn met(
        &self,
        tx: &mut Tx,
        record: &Record,
        wishes: &BTreeMap<Field, Wish>,
        after: &Fields,
    ) -> Result<Option<NotEdited>> {
        let known: Vec<Uuid> = keys::of_fields(record.kind, &record.fields).iter().map(Key::id).collect();
        let named: BTreeMap<Uuid, Field> = keys::of_fields(record.kind, after)
            .iter()
            .filter(|key| !known.contains(&key.id()))
            .filter_map(|key| Some((key.id(), field_of(key.key_type)?)))
            .filter(|(_, field)| matches!(wishes.get(field), Some(Wish::One(_) | Wish::Many(_))))
            .collect();
        for row in tx.by_strong_keys(&named.keys().copied().collect::<Vec<_>>()).await? {
            if let Some(field) = named.get(&row.key).filter(|_| row.record != record.id.0) {
                return Ok(Some(NotEdited::Taken { field: field.clone(), holder: RecordId(row.record) }));
            }
        }
        let Some((kept_out, Wish::Many(list))) = self.0.forgets.as_ref().zip(wishes.get(&Field::EMAILS)) else {
            return Ok(None);
        };
        let said: Vec<Said> = list
            .iter()
            .map(|listed| Said::element(Field::EMAILS, listed.key.clone(), listed.value.clone(), EDITED))
            .collect();
        let strong = named.keys().map(|key| (*key, true));
        let entries = kept_out.entries(&identifiers(&said.iter().collect::<Vec<_>>()), strong).strong;
        let entries: Vec<Uuid> = entries.into_iter().map(|(entry, _)| entry).collect();
        let forgotten = !entries.is_empty() && !tx.suppressed(&entries).await?.is_empty();
        let field = Field::EMAILS.to_string();
        Ok(forgotten.then_some(NotEdited::Refused { field, fault: Fault::Forgotten }))
    }

    async fn store(&self, tx: &mut Tx, record: &Record, planned: &Planned, actor: &str) -> Result<()> {
        let rows = |statements: &[mittler_core::Statement]| -> Vec<StatementRow> {
            statements.iter().map(|statement| StatementRow::new(record.id, statement)).collect()
        };
        if !planned.fewer.is_empty() {
            tx.move_statements(&rows(&planned.fewer)).await?;
        }
        if !planned.dropped.is_empty() {
            tx.drop_statements(&rows(&planned.dropped)).await?;
        }
        if !planned.new.is_empty() {
            tx.put_statements(&rows(&planned.new)).await?;
        }
        tx.enter(&NewEntry {
            at: self.0.clock.now(),
            actor: actor.to_owned(),
            action: "edit".into(),
            target: record.id.to_string(),
            record: Some(record.id),
            content: json!({ "fields": planned.done }),
            salt: self.0.clock.id().simple().to_string(),
        })
        .await?;
        Ok(())
    }

    /// Writes the record as it is now, with its keys, and makes due what CRMs are to be told; gives it.
    async fn tell(&self, tx: &mut Tx, record: Record, after: Fields) -> Result<Record> {
        let now = self.0.clock.now();
        let Some(changed) = Changed::of(&record, after) else { return Ok(record) };
        put_changed(tx, std::slice::from_ref(&changed), now).await?;
        let Changed { record, says_else } = changed;
        let mut links = links_of(&self.0.connections.all(), &record, Lane::Interactive, now);
        if says_else && !links.is_empty() {
            tx.want_links(&mut links).await?;
            tx.wake_pushers(links.iter().map(|link| link.connection.into()));
        }
        Ok(record)
    }
}

/// The field whose value makes a key that names one record. What name, form and place of a company make together is
/// asked about instead: no one value of it is wrong.
fn field_of(key_type: KeyType) -> Option<Field> {
    match key_type {
        KeyType::Email => Some(Field::EMAILS),
        KeyType::VatId => Some(Field::VAT_ID),
        KeyType::Register => Some(Field::REGISTER),
        _ => None,
    }
}
