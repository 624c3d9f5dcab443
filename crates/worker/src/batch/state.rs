//! What everybody said is written down, and what follows from it: fields, owners, links that are due.

use std::collections::HashMap;

use mittler_core::{
    Field, Kind, Record, RecordId, Said, Source, SourceKind, Sourced, Statement, Time, Value, derive, job::Lane,
};
use mittler_store::{
    Error, Result, Tx,
    records::{RecordRow, StatementRow},
    signals::Read,
};
use mittler_sync::apply_statements::{Changed, links_of, put_changed};
use uuid::Uuid;

use super::{Did, Env, Work, add, recognise::claim};
use crate::{
    follow::{self, Lead},
    input::Input,
    stages::Enriching,
};

/// Writes statements, derives, routes, writes records, and makes links due.
pub(super) async fn state(tx: &mut Tx, env: &Env, work: &mut Work, inputs: &[&Input], now: Time) -> Result<Did> {
    let known: Vec<RecordId> = work.said.keys().filter(|id| !work.fresh.contains_key(id)).copied().collect();
    let locked: HashMap<RecordId, Record> = if known.is_empty() {
        HashMap::new()
    } else {
        tx.lock_records(&known).await?.into_iter().map(|record| (record.id, record)).collect()
    };
    // Whoever was matched has been forgotten meanwhile: what is said of them must not stay behind.
    if locked.len() < known.len() {
        return Err(Error::Raced);
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
    let mut deriving = Enriching::deriving(inputs, work.said.len());
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
    put_changed(tx, &changed, now).await?;
    deriving.end_all("derived");
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
    tx.wake_pushers(links.iter().chain(&known).map(|link| link.connection.into()));
    tx.ask(&work.reviews).await?;
    if !work.reads.is_empty() {
        tx.settle_signals(&work.reads).await?;
    }
    let end = |read: &Read| (read.id, read.code.clone().unwrap_or_else(|| read.state.name().to_owned()));
    Ok(Did { new_records: made.len(), ends: work.reads.iter().map(end).collect() })
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
