//! Drafts become records, in one transaction: recognise, claim keys, state, derive, make links due.
//!
//! Everything is set-based; decisions within a batch see those made before them in memory.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use mittler_core::{
    ConnectionId, Field, Kind, Record, RecordId, Said, Source, SourceKind, Sourced, Statement, SubjectId, Time, Value,
    Version, derive, derive::Overrides, job::Lane, key::Basis,
};
use mittler_enrich::Draft;
use mittler_identity::{Candidate, Decision, Facts, Key, KeyType, decide, identifiers};
use mittler_store::{
    Clock, Result, Tx, derived_id, derived_near,
    jobs::{NewJob, Taken},
    records::{KeyRow, RecordRow, StatementRow},
    reviews::NewReview,
    signals::{NOT_TAKEN, Read},
};
use mittler_sync::{
    Connection, Keys,
    follow::follow_keys,
    keys::Entries,
    restate::{Changed, links_of},
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    follow::{self, FollowUp, Lead, Routing},
    input::{Fair, Input, Reading},
    notes,
    purpose::Named,
    unsure::Unsure,
};

/// A weak key that more records share proposes none of them.
const MANY: u32 = 20;

/// What a batch needs besides its inputs.
#[derive(Clone)]
pub struct Env {
    pub clock: Clock,
    pub keys: Keys,
    pub connections: Vec<Arc<Connection>>,
    pub overrides: Arc<Overrides>,
    pub routing: Arc<Routing>,
    pub follow_up: Arc<FollowUp>,
    pub unsure: Unsure,
}

/// What a batch did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Did {
    pub new_records: usize,
    /// Where links became due.
    pub pushes: Vec<ConnectionId>,
    /// Whether somebody may be waiting for it: a lead that was sent singly, a mail.
    pub urgent: bool,
}

/// One record on its way through the batch.
#[derive(Debug, Default)]
struct Work {
    /// Records made by this batch, with their kinds and whom they are about.
    fresh: BTreeMap<RecordId, (Kind, Option<RecordId>)>,
    /// People made by this batch who may be somebody known.
    unsure: BTreeSet<RecordId>,
    said: BTreeMap<RecordId, Vec<Statement>>,
    strong: HashMap<Uuid, RecordId>,
    weak: HashMap<Uuid, BTreeMap<RecordId, Basis>>,
    /// Who had the strong keys when they were looked up.
    holders: BTreeMap<Uuid, RecordId>,
    facts: HashMap<RecordId, Facts>,
    /// Names that somebody wrote of organisations, for rows that only show a domain.
    names: HashMap<RecordId, String>,
    new_strong: Vec<KeyRow>,
    new_weak: Vec<KeyRow>,
    reviews: Vec<NewReview>,
    reads: Vec<Read>,
    /// Person of each input, for the second half.
    persons: Vec<(usize, RecordId, Option<RecordId>)>,
    lanes: BTreeMap<RecordId, Lane>,
    /// Whether anybody is kept out.
    kept_out: bool,
    /// The entries under which the person of each input would be kept out, by signal.
    entries: HashMap<Uuid, Vec<Uuid>>,
    /// Those of them that somebody is kept out under.
    suppressed: HashSet<Uuid>,
    /// Tasks made by this batch: of which person, from which input.
    tasks: Vec<(RecordId, RecordId, usize)>,
}

/// Batches of more readings than this go one after the other.
pub(crate) const FEW: usize = 20;

/// Reads a batch of signals into records and ends their job, all in the caller's transaction.
pub async fn enrich(tx: &mut Tx, env: &Env, readings: &[Reading], job: Option<&Taken>) -> Result<Did> {
    if readings.len() > FEW {
        tx.lock_lists().await?;
    }
    let now = env.clock.now();
    let ids: Vec<Uuid> = readings.iter().map(Reading::signal).collect();
    let unread: HashSet<Uuid> = tx.lock_unread(&ids).await?.into_iter().collect();
    let mut work = Work::default();
    let mut inputs: Vec<&Input> = Vec::new();
    for reading in readings.iter().filter(|reading| unread.contains(&reading.signal())) {
        match reading {
            Reading::Input(input) => inputs.push(input),
            Reading::Nothing { signal, code } => work.reads.push(done(*signal, Some(code), None, json!([]))),
            Reading::Problem { signal, problem } => work.reads.push(Read {
                id: *signal,
                state: "refused".into(),
                code: Some(problem.code.clone()),
                field: problem.field.clone(),
                reason: Some(problem.reason.clone()),
                remarks: json!([]),
                record: None,
            }),
            Reading::Broken { signal } => work.reads.push(Read {
                id: *signal,
                state: "parked".into(),
                code: Some("not_taken".into()),
                field: None,
                reason: Some(NOT_TAKEN.into()),
                remarks: json!([]),
                record: None,
            }),
        }
    }
    let inputs = keep_out(tx, env, inputs, &mut work).await?;
    recognise(tx, env, &inputs, &mut work, now).await?;
    let purposes = Named::of(&inputs, &work.persons, |person| work.fresh.contains_key(&person));
    graph(tx, env, &inputs, &mut work).await?;
    let did = state(tx, env, &mut work, &inputs, now).await?;
    purposes.note(tx, &env.clock).await?;
    if let Some(job) = job {
        tx.end_job(job.id, job.attempt).await?;
    }
    Ok(did)
}

fn done(signal: Uuid, code: Option<&str>, record: Option<RecordId>, remarks: serde_json::Value) -> Read {
    Read {
        id: signal,
        state: "done".into(),
        code: code.map(str::to_owned),
        field: None,
        reason: None,
        remarks,
        record: record.map(|id| id.0),
    }
}

/// Who was forgotten does not come back: refused here, and at the gate once more. Somebody who only
/// shares a number or a mailbox and the surname with them is left to a person.
async fn keep_out<'i>(tx: &mut Tx, env: &Env, inputs: Vec<&'i Input>, work: &mut Work) -> Result<Vec<&'i Input>> {
    (work.kept_out, _) = tx.exceptions().await?;
    if !work.kept_out {
        return Ok(inputs);
    }
    let entries: Vec<Entries> = inputs.iter().map(|input| entries_of(env, input)).collect();
    let ids = |entries: &Entries| entries.all().map(|(id, _)| id).collect();
    work.entries = inputs.iter().zip(&entries).map(|(input, entries)| (input.signal, ids(entries))).collect();
    let all: Vec<Uuid> = work.entries.values().flatten().copied().collect();
    if all.is_empty() {
        return Ok(inputs);
    }
    work.suppressed = tx.suppressed(&all).await?.into_iter().collect();
    if work.suppressed.is_empty() {
        return Ok(inputs);
    }
    let known: HashSet<Uuid> = {
        let strong =
            |input: &&Input| input.person.keys.iter().filter(|key| key.key_type.is_strong()).map(Key::id).collect();
        let strong: Vec<Uuid> = inputs.iter().flat_map(|input| -> Vec<Uuid> { strong(input) }).collect();
        tx.by_strong_keys(&strong).await?.into_iter().map(|row| row.key).collect()
    };
    let mut kept = Vec::with_capacity(inputs.len());
    for (input, entries) in inputs.into_iter().zip(entries) {
        let hit = |some: &[(Uuid, &'static str)]| some.iter().any(|(id, _)| work.suppressed.contains(id));
        let refused = |state: &str, code: &str, reason: &str| Read {
            id: input.signal,
            state: state.into(),
            code: Some(code.into()),
            field: None,
            reason: Some(reason.into()),
            remarks: json!([]),
            record: None,
        };
        if hit(&entries.strong) {
            let reason = "this person was forgotten on request and must not be taken in again";
            work.reads.push(refused("refused", "suppressed", reason));
        } else if hit(&entries.weak) && !input.person.keys.iter().any(|key| known.contains(&key.id())) {
            let reason = "a person of this surname with this number or shared mailbox was forgotten on request; \
                          if this is somebody else, send it again without the number or mailbox";
            work.reads.push(refused("parked", "suppressed_perhaps", reason));
        } else {
            kept.push(input);
        }
    }
    Ok(kept)
}

fn entries_of(env: &Env, input: &Input) -> Entries {
    let keys = input.person.keys.iter().filter(|key| key.key_type.is_strong() || key.key_type == KeyType::PhoneName);
    let said: Vec<&Said> = input.person.said.iter().collect();
    env.keys.entries(&identifiers(&said), keys.map(|key| (key.id(), key.key_type.is_strong())))
}

/// A person that is forgotten between the look at who is kept out and the look at who is known
/// (PostgreSQL) would be made anew: whoever is new here is looked for once more.
async fn still_welcome(tx: &mut Tx, inputs: &[&Input], work: &Work) -> Result<()> {
    if !work.kept_out {
        return if tx.exceptions().await?.0 { Err(mittler_store::Error::Raced) } else { Ok(()) };
    }
    let fresh = work.persons.iter().filter(|(_, person, _)| work.fresh.contains_key(person));
    let all: Vec<Uuid> = fresh
        .filter_map(|(at, _, _)| work.entries.get(&inputs[*at].signal))
        .flatten()
        .filter(|id| !work.suppressed.contains(id))
        .copied()
        .collect();
    if !all.is_empty() && !tx.suppressed(&all).await?.is_empty() {
        return Err(mittler_store::Error::Raced);
    }
    Ok(())
}

/// Decides who everybody is.
async fn recognise(tx: &mut Tx, env: &Env, inputs: &[&Input], work: &mut Work, now: Time) -> Result<()> {
    let drafts = || inputs.iter().flat_map(|input| std::iter::once(&input.person).chain(&input.organisation));
    // Records that only weak evidence could join must not be made twice at the same time.
    let only_weak = drafts().filter(|draft| !draft.keys.iter().any(|key| key.key_type.is_strong()));
    let blocks: Vec<Uuid> = only_weak.flat_map(|draft| draft.keys.iter().map(Key::id)).collect();
    if !blocks.is_empty() {
        tx.lock_blocks(&blocks).await?;
    }
    let (strong, weak): (BTreeSet<Uuid>, BTreeSet<Uuid>) = drafts().flat_map(|draft| &draft.keys).fold(
        (BTreeSet::new(), BTreeSet::new()),
        |(mut strong, mut weak), key| {
            if key.key_type.is_strong() {
                strong.insert(key.id())
            } else {
                weak.insert(key.id())
            };
            (strong, weak)
        },
    );
    let strong: Vec<Uuid> = strong.into_iter().collect();
    work.holders = holders(tx, &strong).await?;
    work.strong = work.holders.iter().map(|(key, record)| (*key, *record)).collect();
    // A strong key may be one that somebody had before.
    let weak: Vec<Uuid> = weak.into_iter().chain(strong).collect();
    for row in tx.by_weak_keys(&weak, i64::from(MANY)).await? {
        work.weak.entry(row.key).or_default().insert(RecordId(row.record), row.basis);
    }
    let met: BTreeSet<RecordId> =
        work.strong.values().copied().chain(work.weak.values().flat_map(BTreeMap::keys).copied()).collect();
    if !met.is_empty() {
        for record in tx.read_records(&met.into_iter().collect::<Vec<_>>()).await? {
            work.facts.insert(record.id, Facts::of_fields(&record.fields));
            if let Some(name) = record.fields.sourced(&Field::NAME).filter(|name| !name.source.kind.is_guess()) {
                work.names.insert(record.id, name.value.display());
            }
        }
    }
    for (at, input) in inputs.iter().enumerate() {
        let organisation =
            input.organisation.as_ref().map(|draft| who(env, work, input, Kind::Organisation, draft, now));
        let person = who(env, work, input, Kind::Person, &input.person, now);
        work.persons.push((at, person, organisation));
        work.reads.push(done(input.signal, None, Some(person), input.remarks.clone()));
        let lane = if input.single { Lane::Interactive } else { Lane::Scheduled };
        for record in [Some(person), organisation].into_iter().flatten() {
            work.lanes.entry(record).and_modify(|known| *known = lane.min(*known)).or_insert(lane);
        }
    }
    still_welcome(tx, inputs, work).await
}

/// Who has these strong keys.
async fn holders(tx: &mut Tx, keys: &[Uuid]) -> Result<BTreeMap<Uuid, RecordId>> {
    Ok(tx.by_strong_keys(keys).await?.into_iter().map(|row| (row.key, RecordId(row.record))).collect())
}

/// Claims the keys of the drafts, once the records they are about are locked: a re-derivation that holds
/// its record and wants one of these keys waits for nobody who waits for that record.
async fn claim(tx: &mut Tx, work: &mut Work, now: Time) -> Result<()> {
    // Decided was by who had the keys before the records were locked.
    if !work.holders.is_empty() {
        let known: Vec<Uuid> = work.holders.keys().copied().collect();
        if holders(tx, &known).await? != work.holders {
            return Err(mittler_store::Error::Raced);
        }
    }
    if !work.new_strong.is_empty() {
        let asked = work.new_strong.len();
        if tx.claim_keys(&mut work.new_strong).await?.len() < asked {
            return Err(mittler_store::Error::Raced);
        }
        // Keys that are of values of before for the same record are its own again.
        let again = work.new_strong.iter().filter(|row| work.weak.contains_key(&row.key)).cloned();
        let again: Vec<KeyRow> = again.collect();
        if !again.is_empty() {
            tx.drop_weak_keys(&again).await?;
        }
    }
    if !work.new_weak.is_empty() {
        tx.put_weak_keys(&mut work.new_weak, now).await?;
    }
    Ok(())
}

/// The record a draft is about: a known one, or a new one with perhaps a question.
fn who(env: &Env, work: &mut Work, input: &Input, kind: Kind, draft: &Draft, now: Time) -> RecordId {
    let mut met: BTreeMap<RecordId, Vec<KeyType>> = BTreeMap::new();
    for key in &draft.keys {
        let id = key.id();
        if let Some(record) = work.strong.get(&id).filter(|_| key.key_type.is_strong()) {
            met.entry(*record).or_default().push(key.key_type);
        }
        // A switchboard or a large firm proposes nobody in particular.
        let sharing = work.weak.get(&id).filter(|records| records.len() <= MANY as usize);
        for (record, basis) in sharing.into_iter().flatten() {
            match (key.key_type.is_strong(), basis) {
                (false, _) => met.entry(*record).or_default().push(key.key_type),
                (true, Basis::Former) => met.entry(*record).or_default().push(KeyType::Former),
                // Whoever holds the key is met by it; whether the two are one was asked.
                (true, _) => {}
            }
        }
    }
    let facts = Facts::of_said(&draft.said);
    let candidates: Vec<Candidate> = met
        .into_iter()
        .map(|(record, met_by)| Candidate {
            record,
            met_by,
            facts: work.facts.get(&record).cloned().unwrap_or_default(),
        })
        .collect();
    let decision = decide(kind, &facts, &candidates);
    let record = match decision {
        Decision::Match { record, .. } => {
            // The next one of this batch is compared with what this one added.
            work.facts.entry(record).or_default().absorb(facts);
            record
        }
        Decision::New | Decision::Propose { .. } => {
            let record = RecordId(env.clock.id_of(class(kind)));
            work.fresh.insert(record, (kind, None));
            work.facts.insert(record, facts);
            if let Decision::Propose { candidates, why } = &decision {
                if kind == Kind::Person {
                    work.unsure.insert(record);
                }
                work.reviews.push(NewReview {
                    id: derived_id(&[b"review", input.signal.as_bytes(), kind.name().as_bytes()]),
                    question: format!("same_{kind}"),
                    record: record.0,
                    connection: None,
                    candidates: json!({ "records": candidates }),
                    reason: why.clone(),
                    asked_at: now.0,
                });
            }
            record
        }
    };
    for key in &draft.keys {
        let id = key.id();
        let basis = key.key_type.basis();
        let row = KeyRow { key: id, record: record.0, key_type: key.key_type.name().to_owned(), basis };
        if key.key_type.is_strong() {
            match work.strong.get(&id) {
                None => {
                    work.strong.insert(id, record);
                    work.new_strong.push(row);
                }
                // A key that another record has stays there: the question is asked above. Should it be
                // given up there, it is this one's.
                Some(holder) if *holder != record && work.fresh.contains_key(&record) => {
                    work.weak.entry(id).or_default().insert(record, Basis::Contested);
                    work.new_weak.push(KeyRow { basis: Basis::Contested, ..row });
                }
                Some(_) => {}
            }
        } else if let std::collections::btree_map::Entry::Vacant(e) = work.weak.entry(id).or_default().entry(record) {
            e.insert(basis);
            work.new_weak.push(row);
        }
    }
    if kind == Kind::Organisation {
        let written = draft.said.iter().find(|said| said.field == Field::NAME && said.made_by.is_none());
        if let Some(name) = written.and_then(|said| said.value.as_ref()) {
            work.names.entry(record).or_insert_with(|| name.display());
        }
    }
    let subject = match (&input.mailbox, kind) {
        (Some(mailbox), Kind::Person) => derived_id(&[b"mailbox", mailbox.as_bytes()]),
        _ => derived_near(input.signal, class(kind), &[b"lead", input.signal.as_bytes(), kind.name().as_bytes()]),
    };
    let statement = Statement {
        subject: SubjectId(subject),
        signal: input.signal.into(),
        source: input.source.clone(),
        observed_at: input.observed_at,
        version: Version(input.observed_at, input.received_at),
        said: draft.said.clone(),
    };
    work.said.entry(record).or_default().push(statement);
    record
}

/// Fair, participation, task, mail and association of each input, by ids that depend on what they
/// connect.
async fn graph(tx: &mut Tx, env: &Env, inputs: &[&Input], work: &mut Work) -> Result<()> {
    let mut ids: BTreeSet<RecordId> = BTreeSet::new();
    let persons = std::mem::take(&mut work.persons);
    for (at, person, organisation) in &persons {
        let input = inputs[*at];
        if let Some(fair) = input.fair.as_ref().filter(|_| input.participation.is_some()) {
            let fair = fair_id(fair);
            let visit = participation_id(*person, fair);
            ids.extend([fair, visit, task_id(visit)]);
            ids.extend(notes::of(input.participation.as_deref()).map(|note| notes::id(visit, &note)));
        }
        ids.extend(organisation.map(|organisation| association_id(*person, organisation)));
        ids.extend(input.reply.as_ref().map(|_| mail_id(*person, input)));
    }
    let mut told = notes::Told::default();
    let existing: HashMap<RecordId, String> = if ids.is_empty() {
        HashMap::new()
    } else {
        let known = tx.read_records(&ids.into_iter().collect::<Vec<_>>()).await?;
        told = notes::Told::of(&known);
        let subject = |record: &Record| record.fields.text(&Field::SUBJECT).unwrap_or_default().to_owned();
        known.iter().map(|record| (record.id, subject(record))).collect()
    };
    for (at, person, organisation) in persons {
        let input = inputs[at];
        if let Some(organisation) = organisation {
            name_company(work, person, input, organisation);
            let said = vec![Said::new(Field::ORGANISATION, Value::Ref(organisation), "company.recognised")];
            add(work, person, input, "organisation_of", said, input.source.clone());
            let id = association_id(person, organisation);
            if !existing.contains_key(&id) && !work.fresh.contains_key(&id) {
                work.fresh.insert(id, (Kind::Association, Some(person)));
                let said = vec![reference(Field::FROM, person), reference(Field::TO, organisation)];
                add(work, id, input, "association", said, input.source.clone());
            }
        }
        if let (Some(fair), Some(said)) = (&input.fair, &input.participation) {
            participate(env, work, (at, input), person, fair, said, &existing);
            let further = told.further(input, (person, fair_id(fair)), fair, said);
            if let Some((id, said)) = further.filter(|(id, _)| env.follow_up.enabled && !existing.contains_key(id)) {
                work.fresh.insert(id, (Kind::Activity, Some(person)));
                add(work, id, input, "note", said, input.source.clone());
            }
        }
        if let Some(reply) = &input.reply {
            let id = mail_id(person, input);
            if !existing.contains_key(&id) && !work.fresh.contains_key(&id) {
                work.fresh.insert(id, (Kind::Activity, Some(person)));
                let text = |field, text: &str| Value::text(text).map(|value| Said::new(field, value, "mail"));
                let said = [
                    Some(reference(Field::PERSON, person)),
                    Some(Said::new(Field::ACTIVITY_TYPE, Value::choice("email"), "mail")),
                    Some(Said::new(Field::STATUS, Value::choice("completed"), "mail")),
                    Some(Said::new(Field::DIRECTION, Value::choice("incoming"), "mail")),
                    Some(Said::new(Field::AT, Value::instant(reply.at), "mail")),
                    Some(Said::new(Field::DUE, Value::Date(follow::day(reply.at, &input.time_zone)), "mail")),
                    text(Field::SUBJECT, &reply.subject).or_else(|| text(Field::SUBJECT, "E-Mail")),
                    text(Field::BODY, &reply.body),
                    reply.message_id.as_deref().and_then(|id| text(Field::MESSAGE_ID, id)),
                ];
                add(work, id, input, "mail", said.into_iter().flatten().collect(), input.source.clone());
            }
        }
    }
    Ok(())
}

/// A row whose company was only guessed from a domain gets the name that somebody wrote of it.
fn name_company(work: &mut Work, person: RecordId, input: &Input, organisation: RecordId) {
    let Some(name) = work.names.get(&organisation).cloned() else { return };
    let statements = work.said.get_mut(&person).into_iter().flatten();
    let mine = statements.filter(|statement| statement.signal.0 == input.signal);
    for said in mine
        .flat_map(|statement| &mut statement.said)
        .filter(|said| said.field == Field::COMPANY && said.how == "company.domain")
    {
        said.value = Some(Value::Text(name.clone()));
        said.how = "company.recognised".into();
    }
}

fn participate(
    env: &Env,
    work: &mut Work,
    (at, input): (usize, &Input),
    person: RecordId,
    fair: &Fair,
    said: &[Said],
    existing: &HashMap<RecordId, String>,
) {
    let fair_record = fair_id(fair);
    if !existing.contains_key(&fair_record) && !work.fresh.contains_key(&fair_record) {
        work.fresh.insert(fair_record, (Kind::Fair, None));
        let text =
            |field, text: Option<&str>| text.and_then(Value::text).map(|value| Said::new(field, value, "import"));
        let date =
            |field, date: Option<jiff::civil::Date>| date.map(|date| Said::new(field, Value::Date(date), "import"));
        let said = [
            text(Field::NAME, Some(&fair.name)),
            text(Field::ORGANISER, fair.organiser.as_deref()),
            text(Field::PLACE, fair.place.as_deref()),
            text(Field::TIME_ZONE, Some(&input.time_zone)),
            date(Field::STARTS, fair.starts),
            date(Field::ENDS, fair.ends),
        ];
        add(work, fair_record, input, "fair", said.into_iter().flatten().collect(), input.source.clone());
    }
    let participation = participation_id(person, fair_record);
    let known = existing.contains_key(&participation) || work.fresh.contains_key(&participation);
    let mut stated = said.to_vec();
    stated.extend([reference(Field::PERSON, person), reference(Field::FAIR, fair_record)]);
    // When a later part of the lead came is no time of the visit.
    if !known && !stated.iter().any(|said| said.field == Field::AT) {
        stated.push(Said::new(Field::AT, Value::instant(input.observed_at), "import.received").by_rule());
    }
    if !stated.iter().any(|said| said.field == Field::STATUS) {
        stated.push(Said::new(Field::STATUS, Value::choice("attended"), "import").by_rule());
    }
    let value = |field: &Field| stated.iter().find(|said| said.field == *field).and_then(|said| said.value.clone());
    let (interest, priority, note) = (value(&Field::INTEREST), value(&Field::PRIORITY), value(&Field::NOTE));
    add(work, participation, input, "participation", stated, input.source.clone());
    if !known {
        work.fresh.insert(participation, (Kind::Participation, Some(person)));
    }
    let task = task_id(participation);
    if !env.follow_up.enabled {
        return;
    }
    let draft_text = |field: &Field| {
        let said = input.person.said.iter().find(|said| said.field == *field && said.value.is_some());
        said.and_then(|said| said.value.as_ref()).map(Value::display).unwrap_or_default()
    };
    let name = [Field::FIRST_NAME, Field::LAST_NAME]
        .iter()
        .map(&draft_text)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let name = if name.is_empty() { draft_text(&Field::EMAILS) } else { name };
    let company = draft_text(&Field::COMPANY);
    let subject = |name: &str, company: &str| {
        let parts = [("name", name.to_owned()), ("company", company.to_owned()), ("fair", fair.name.clone())];
        follow::subject(&env.follow_up.subject, &BTreeMap::from(parts))
    };
    let mut named = Said::new(Field::SUBJECT, Value::Text(subject(&name, &company)), "follow_up");
    if known || existing.contains_key(&task) {
        // Who was a badge alone when the task was made has a name now.
        if !name.is_empty() && existing.get(&task).is_some_and(|told| *told == subject("", "")) {
            add(work, task, input, "task", vec![named], Source::new(SourceKind::Rule, "follow_up"));
        }
        return;
    }
    if name.is_empty() {
        // Until somebody says whose badge it is.
        named.made_by = Some(SourceKind::Generated);
    }
    work.fresh.insert(task, (Kind::Activity, Some(person)));
    work.tasks.push((task, person, at));
    let urgent = priority.as_ref().is_some_and(|value| value.display().trim_start().starts_with(['A', 'a', '1']));
    let days = if urgent { env.follow_up.due_days_urgent } else { env.follow_up.due_days };
    let due = follow::working_days_after(follow::day(input.follow_from, &input.time_zone), days);
    let lines = [("Interesse", &interest), ("Priorität", &priority), ("Notiz", &note)];
    let body: Vec<String> = lines
        .iter()
        .filter_map(|(label, value)| value.as_ref().map(|value| format!("{label}: {}", value.display())))
        .collect();
    let mut said = vec![
        reference(Field::PERSON, person),
        reference(Field::FAIR, fair_record),
        Said::new(Field::ACTIVITY_TYPE, Value::choice("task"), "follow_up"),
        Said::new(Field::STATUS, Value::choice("open"), "follow_up"),
        named,
        Said::new(Field::DUE, Value::Date(due), "follow_up"),
    ];
    said.extend(Value::text(&body.join("\n")).map(|value| Said::new(Field::BODY, value, "follow_up")));
    add(work, task, input, "task", said, Source::new(SourceKind::Rule, "follow_up"));
}

pub fn reference(field: Field, record: RecordId) -> Said {
    Said::new(field, Value::Ref(record), "import")
}

fn add(work: &mut Work, record: RecordId, input: &Input, subject: &str, said: Vec<Said>, source: Source) {
    let parts: [&[u8]; 4] = [b"lead", input.signal.as_bytes(), subject.as_bytes(), record.0.as_bytes()];
    let statement = Statement {
        subject: SubjectId(derived_near(input.signal, 0, &parts)),
        signal: input.signal.into(),
        source,
        observed_at: input.observed_at,
        version: Version(input.observed_at, input.received_at),
        said,
    };
    work.said.entry(record).or_default().push(statement);
    let lane = if input.single { Lane::Interactive } else { Lane::Scheduled };
    work.lanes.entry(record).or_insert(lane);
}

/// Writes statements, derives, routes, writes records, and makes links due.
async fn state(tx: &mut Tx, env: &Env, work: &mut Work, inputs: &[&Input], now: Time) -> Result<Did> {
    let known: Vec<RecordId> = work.said.keys().filter(|id| !work.fresh.contains_key(id)).copied().collect();
    let locked: HashMap<RecordId, Record> = if known.is_empty() {
        HashMap::new()
    } else {
        tx.lock_records(&known).await?.into_iter().map(|record| (record.id, record)).collect()
    };
    // Whoever was matched has been forgotten meanwhile: what is said of them must not stay behind.
    if locked.len() < known.len() {
        return Err(mittler_store::Error::Raced);
    }
    claim(tx, work, now).await?;
    let mut before: HashMap<RecordId, Vec<Statement>> = HashMap::new();
    if !known.is_empty() {
        for (id, statement) in tx.statements_of(&known).await? {
            before.entry(id).or_default().push(statement);
        }
    }
    route(env, work, inputs, &before, now);
    let rows: Vec<StatementRow> = work
        .said
        .iter()
        .flat_map(|(id, said)| said.iter().map(|statement| StatementRow::new(*id, statement)))
        .collect();
    if !rows.is_empty() {
        tx.put_statements(&rows).await?;
    }
    let (mut made, mut changed): (Vec<(Record, Option<RecordId>)>, Vec<Changed>) = (Vec::new(), Vec::new());
    for (id, said) in &work.said {
        if let Some((kind, person)) = work.fresh.get(id) {
            let fields = derive(said, &env.overrides);
            made.push((Record { id: *id, kind: *kind, version: 1, fields }, *person));
        } else if let Some(record) = locked.get(id) {
            let mut all = before.remove(id).unwrap_or_default();
            all.extend(said.iter().cloned());
            changed.extend(Changed::of(record, derive(&all, &env.overrides)));
        }
    }
    if !made.is_empty() {
        let mut rows: Vec<RecordRow> =
            made.iter().map(|(record, person)| RecordRow::new(record, *person, now)).collect();
        for row in rows.iter_mut().filter(|row| work.unsure.contains(&RecordId(row.id))) {
            row.unsure_until = env.unsure.until(now).0;
        }
        tx.insert_records(&mut rows).await?;
    }
    if !changed.is_empty() {
        let rows: Vec<RecordRow> = changed.iter().map(|it| RecordRow::new(&it.record, None, now)).collect();
        tx.update_records(&rows).await?;
        follow_keys(tx, changed.iter().map(|it| &it.record), now).await?;
    }
    let (mut links, mut known) = (Vec::new(), Vec::new());
    let made_records = made.iter().map(|(record, _)| (record, true));
    for (record, says_else) in made_records.chain(changed.iter().map(|it| (&it.record, it.says_else))) {
        let lane = work.lanes.get(&record.id).copied().unwrap_or(Lane::Scheduled);
        let to = if says_else { &mut links } else { &mut known };
        to.extend(links_of(&env.connections, record, lane, now));
    }
    // A connection that is new has none of them yet.
    tx.add_links(&mut known).await?;
    if !links.is_empty() {
        tx.want_links(&mut links).await?;
    }
    let due: BTreeSet<Uuid> = links.iter().chain(&known).map(|link| link.connection).collect();
    tx.ask(&work.reviews).await?;
    if !work.reads.is_empty() {
        tx.settle_signals(&work.reads).await?;
    }
    let lane = work.lanes.values().min().copied().unwrap_or(Lane::Scheduled);
    let jobs: Vec<NewJob> =
        due.iter().map(|connection| NewJob::push(env.clock.id(), (*connection).into(), lane, now)).collect();
    tx.put_jobs(&jobs).await?;
    let pushes = due.into_iter().map(ConnectionId).collect();
    let urgent = lane == Lane::Interactive;
    Ok(Did { new_records: made.len(), pushes, urgent })
}

/// Names an owner for persons that are new, as a rule's word, and for each new task: of a person who
/// was known before it is whose person it is, else whom the rules name for this fair.
fn route(env: &Env, work: &mut Work, inputs: &[&Input], before: &HashMap<RecordId, Vec<Statement>>, now: Time) {
    let mut routed: Vec<(RecordId, RecordId, usize)> = std::mem::take(&mut work.tasks);
    let by_signal: HashMap<Uuid, usize> = inputs.iter().enumerate().map(|(at, input)| (input.signal, at)).collect();
    for (id, said) in &work.said {
        if matches!(work.fresh.get(id), Some((Kind::Person, _)))
            && let Some(at) = said.first().and_then(|statement| by_signal.get(&statement.signal.0))
        {
            routed.push((*id, *id, *at));
        }
    }
    for (record, person, at) in routed {
        let input = inputs[at];
        let mut said = before.get(&person).cloned().unwrap_or_default();
        said.extend(work.said.get(&person).into_iter().flatten().cloned());
        let fields = derive(&said, &env.overrides);
        let account_owner = fields.reference(&Field::ORGANISATION).and_then(|organisation| {
            let statements = before.get(&organisation)?;
            derive(statements, &env.overrides).text(&Field::OWNER).map(str::to_owned)
        });
        let named = fields.sourced(&Field::OWNER).filter(|owner| !is_routed(owner));
        let owner = if let Some(owner) = named {
            Some((owner.value.display(), "named by the source".to_owned()))
        } else {
            let interest = text_of(input.participation.as_deref(), &Field::INTEREST);
            let lead = Lead {
                person: &fields,
                interest: interest.as_deref(),
                fair: input.fair.as_ref().map(|fair| fair.name.as_str()),
                account_owner: account_owner.as_deref(),
                today: follow::day(now, &input.time_zone),
            };
            follow::owner(&env.routing, lead)
        };
        let Some((owner, why)) = owner else { continue };
        let said = vec![
            Said::new(Field::OWNER, Value::Text(owner), "routing").by_rule(),
            Said::new(Field::OWNER_REASON, Value::Text(why), "routing").by_rule(),
        ];
        add(work, record, input, "owner", said, Source::new(SourceKind::Rule, "routing"));
    }
}

/// Whether an owner was named by these rules before; they are asked anew for each fair.
fn is_routed(owner: &Sourced) -> bool {
    owner.source.kind == SourceKind::Rule
}

fn text_of(said: Option<&[Said]>, field: &Field) -> Option<String> {
    said?.iter().find(|said| said.field == *field)?.value.as_ref().map(Value::display)
}

fn fair_id(fair: &Fair) -> RecordId {
    RecordId(derived_id(&[b"fair", fair.scope().as_bytes()]))
}

pub fn participation_id(person: RecordId, fair: RecordId) -> RecordId {
    about_person(person, Kind::Participation, &[b"participation", person.0.as_bytes(), fair.0.as_bytes()])
}

pub fn task_id(participation: RecordId) -> RecordId {
    about_person(participation, Kind::Activity, &[b"task", participation.0.as_bytes()])
}

pub fn association_id(person: RecordId, organisation: RecordId) -> RecordId {
    about_person(person, Kind::Association, &[b"association", person.0.as_bytes(), organisation.0.as_bytes()])
}

fn mail_id(person: RecordId, input: &Input) -> RecordId {
    let message = input.reply.as_ref().and_then(|reply| reply.message_id.as_deref());
    mail_of(person, message.map_or(&input.signal.as_bytes()[..], str::as_bytes))
}

/// `known_by`: its message id, or else the input that it came with.
pub fn mail_of(person: RecordId, known_by: &[u8]) -> RecordId {
    about_person(person, Kind::Activity, &[b"mail", person.0.as_bytes(), known_by])
}

/// The id of what is about somebody, beside theirs.
pub fn about_person(person: RecordId, kind: Kind, parts: &[&[u8]]) -> RecordId {
    RecordId(derived_near(person.0, class(kind), parts))
}

/// Where records of a kind lie among those of their millisecond.
fn class(kind: Kind) -> u8 {
    u8::try_from(kind.stage()).unwrap_or(u8::MAX)
}
