//! Forgetting a person: out of the database, and not back in.

use std::time::Duration;

use mittler_core::{Field, Kind, RecordId, Said, Statement, Time};
use mittler_store::{
    Clock, Result, Store, Tx,
    audit::NewEntry,
    forget::{About, Removed},
    leases::Receipt,
};
use serde::Serialize;
use serde_json::json;
use tracing::warn;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    find::Contact,
    keys::{Entries, Keys},
    traces::{Traces, labels, not_taken},
};

/// How long a call that is under way is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is asked whether it has ended.
const LOOK: Duration = Duration::from_millis(100);
/// A write whose end is not known may still happen for so long.
const YOUNG: Duration = Duration::from_secs(30);

/// Rows of one table, and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RemovedRows {
    #[schema(example = "statement")]
    pub table: String,
    pub rows: u64,
    /// `deleted`, `emptied`, `struck out`, `added` (who is kept out from now on), `may still be written to` and the
    /// like.
    pub how: String,
}

/// A record of a CRM that is about the person. It stays there: erasing it is that system's own act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct KnownThere {
    /// The connection's name.
    pub connection: String,
    #[schema(example = "Lead")]
    pub remote_type: String,
    pub remote_id: String,
}

/// What forgetting somebody does, or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Forgotten {
    /// The person's record; none of somebody of whom there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub record: Option<RecordId>,
    /// Table by table.
    pub removed: Vec<RemovedRows>,
    /// What CRMs still hold; somebody has to erase it there.
    pub known_at: Vec<KnownThere>,
    /// So many e-mail addresses of theirs are kept out from now on. With none the next list with them makes a new
    /// record.
    pub addresses_kept_out: usize,
}

/// What is removed, and where they are known.
type Done = (Vec<Removed>, Vec<(Uuid, String, String)>);

/// Removes a person and keeps them out; says per table what was done. `None` if there is no such
/// person.
///
/// In two steps: first nothing more may be told to any CRM, and nothing more be taken in; then
/// calls that are under way come to their ends, and everything is removed. A call that outlasts the
/// wait is entered into the audit trail when it ends.
///
/// What a CRM holds stays there: erasing it is that system's own act, and the list of links that
/// goes with the answer says where the person is known.
///
/// # Errors
/// If the database does not answer. Whoever repeats the call finishes the work.
pub async fn forget(
    store: &Store,
    keys: &Keys,
    clock: &Clock,
    person: RecordId,
    actor: &str,
) -> Result<Option<Forgotten>> {
    let Some((person, addresses)) = person_of(store, person).await? else { return Ok(None) };
    let (mut known, mut added) = suppress(store, keys, clock, person).await?;
    let begun = tokio::time::Instant::now();
    let mut under_way;
    loop {
        let now = clock.now();
        under_way = store.calls_under_way(person, now, now.minus(YOUNG)).await?;
        if under_way == 0 || begun.elapsed() >= PATIENCE {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    // Whoever was at it meanwhile may have made more due, or said more.
    let again = suppress(store, keys, clock, person).await?;
    known.statements.extend(again.0.statements);
    added += again.1;
    let texts = Texts::about(store, &Traces::of(&known.statements)).await?;
    let (actor, salt) = (actor.to_owned(), clock.id().simple().to_string());
    let (keys, clock) = (keys.clone(), clock.clone());
    let done = store
        .write(async move |tx| {
            let now = clock.now();
            let mut done = remove(tx, &keys, now, person, &texts, added).await?;
            if under_way > 0 {
                let rows = u64::try_from(under_way).unwrap_or(0);
                done.0.push(Removed { table: "link".into(), rows, how: "may still be written to".into() });
            }
            enter(tx, now, &actor, person.to_string(), &done.0, salt).await?;
            Ok(done)
        })
        .await?;
    store.checkpoint().await?;
    Ok(Some(forgotten(store, Some(person), done, addresses).await?))
}

/// What [`forget`] would do now: the same, and all of it taken back.
///
/// # Errors
/// If the database does not answer.
pub async fn preview(store: &Store, keys: &Keys, clock: &Clock, person: RecordId) -> Result<Option<Forgotten>> {
    let Some((person, addresses)) = person_of(store, person).await? else { return Ok(None) };
    let about = store.rehearse(async move |tx| tx.lock_person(person).await).await?;
    let texts = Texts::about(store, &Traces::of(&about.statements)).await?;
    let (keys, now) = (keys.clone(), clock.now());
    let done = store.rehearse(async move |tx| remove(tx, &keys, now, person, &texts, 0).await).await?;
    Ok(Some(forgotten(store, Some(person), done, addresses).await?))
}

/// Forgets somebody of whom there is no record: empties inputs that were not taken and are about them, takes their
/// name from lists, and keeps their address out. A number alone keeps nobody out: families and firms share them.
///
/// # Errors
/// If the database does not answer.
pub async fn forget_stranger(
    store: &Store,
    keys: &Keys,
    clock: &Clock,
    stranger: &Contact,
    actor: &str,
) -> Result<Forgotten> {
    let removing = removing_stranger(store, keys, clock.now(), stranger).await?;
    let (actor, salt, now) = (actor.to_owned(), clock.id().simple().to_string(), clock.now());
    let removed = store
        .write(async move |tx| {
            let removed = removing.clone().run(tx).await?;
            enter(tx, now, &actor, "stranger".into(), &removed, salt).await?;
            Ok(removed)
        })
        .await?;
    store.checkpoint().await?;
    forgotten(store, None, (removed, Vec::new()), stranger.addresses()).await
}

/// What [`forget_stranger`] would do now.
///
/// # Errors
/// If the database does not answer.
pub async fn preview_stranger(store: &Store, keys: &Keys, clock: &Clock, stranger: &Contact) -> Result<Forgotten> {
    let removing = removing_stranger(store, keys, clock.now(), stranger).await?;
    let removed = store.rehearse(async move |tx| removing.run(tx).await).await?;
    forgotten(store, None, (removed, Vec::new()), stranger.addresses()).await
}

/// The living record, and how many addresses it has.
async fn person_of(store: &Store, person: RecordId) -> Result<Option<(RecordId, usize)>> {
    let person = store.survivor(person).await?;
    let record = store.record(person).await?.filter(|record| record.kind == Kind::Person);
    Ok(record.map(|record| (person, record.fields.elements(&Field::EMAILS).len())))
}

async fn forgotten(store: &Store, record: Option<RecordId>, done: Done, addresses: usize) -> Result<Forgotten> {
    let connections = store.connections().await?;
    let name = |id: Uuid| connections.iter().find(|it| it.id == id).map(|it| it.name.clone()).unwrap_or_default();
    let (removed, known) = done;
    let rows = |it: Removed| RemovedRows { table: it.table, rows: it.rows, how: it.how };
    let there =
        |(connection, remote_type, remote_id)| KnownThere { connection: name(connection), remote_type, remote_id };
    Ok(Forgotten {
        record,
        removed: removed.into_iter().map(rows).collect(),
        known_at: known.into_iter().map(there).collect(),
        addresses_kept_out: addresses,
    })
}

/// What is found by its text alone.
#[derive(Debug, Clone)]
struct Texts {
    inputs: Vec<Uuid>,
    labels: Vec<Uuid>,
}

impl Texts {
    async fn about(store: &Store, traces: &Traces) -> Result<Texts> {
        Ok(Texts { inputs: not_taken(store, traces).await?, labels: labels(store, traces).await? })
    }
}

/// The second step: removes everything. `added`: who is kept out since the first.
async fn remove(tx: &mut Tx, keys: &Keys, now: Time, person: RecordId, texts: &Texts, added: u64) -> Result<Done> {
    let about = tx.lock_person(person).await?;
    let entries: Vec<_> = entries_of(keys, &about).all().collect();
    let kept_out = added + tx.suppress(&entries, now).await?;
    let known = tx.known_there(&about.records).await?;
    let mut removed = tx.forget(person).await?;
    let searched = tx.empty_signals(&texts.inputs).await?;
    if let Some(signals) = removed.iter_mut().find(|one| one.table == "signal") {
        signals.rows += searched;
    }
    removed.push(Removed {
        table: "run".into(),
        rows: tx.empty_labels(&texts.labels).await?,
        how: "label emptied".into(),
    });
    removed.push(Removed { table: "suppression".into(), rows: kept_out, how: "added".into() });
    Ok((removed, known))
}

async fn enter(tx: &mut Tx, at: Time, actor: &str, target: String, removed: &[Removed], salt: String) -> Result<()> {
    tx.enter(&NewEntry {
        at,
        actor: actor.to_owned(),
        action: "forget".into(),
        target,
        record: None,
        content: json!({ "tables": removed }),
        salt,
    })
    .await?;
    Ok(())
}

/// What is to be done about somebody without a record.
#[derive(Clone)]
struct Stranger {
    entries: Vec<(Uuid, &'static str)>,
    texts: Texts,
    now: Time,
}

async fn removing_stranger(store: &Store, keys: &Keys, now: Time, stranger: &Contact) -> Result<Stranger> {
    let said = stranger.said();
    let entries = keys.entries(&mittler_identity::identifiers(&[&said]), std::iter::empty()).all().collect();
    Ok(Stranger { entries, texts: Texts::about(store, &Traces::of_said(&[&said])).await?, now })
}

impl Stranger {
    async fn run(self, tx: &mut Tx) -> Result<Vec<Removed>> {
        let row = |table: &str, rows, how: &str| Removed { table: table.into(), rows, how: how.into() };
        Ok(vec![
            row("signal", tx.empty_signals(&self.texts.inputs).await?, "emptied"),
            row("run", tx.empty_labels(&self.texts.labels).await?, "label emptied"),
            row("suppression", tx.suppress(&self.entries, self.now).await?, "added"),
        ])
    }
}

/// The first step: commits who is kept out, and that no CRM is to be told more.
async fn suppress(store: &Store, keys: &Keys, clock: &Clock, person: RecordId) -> Result<(About, u64)> {
    let (keys, now) = (keys.clone(), clock.now());
    store
        .write(async move |tx| {
            let about = tx.lock_person(person).await?;
            let entries: Vec<_> = entries_of(&keys, &about).all().collect();
            let added = tx.suppress(&entries, now).await?;
            tx.want_no_more(&about.records).await?;
            Ok((about, added))
        })
        .await
}

fn entries_of(keys: &Keys, about: &About) -> Entries {
    let known = about.keys.iter().map(|row| (row.key, row.key_type != PHONE_NAME));
    keys.entries(&identifiers(&about.statements), known)
}

/// The type of the one kept key that relatives and colleagues may share.
const PHONE_NAME: &str = "phone_name";

fn identifiers(statements: &[Statement]) -> Vec<mittler_identity::Identifier> {
    let said: Vec<&Said> = statements.iter().flat_map(|statement| &statement.said).collect();
    mittler_identity::identifiers(&said)
}

/// Notes writes that ended when their links were gone: the person was forgotten during the call.
/// The CRM has what it was told, and somebody is to erase it there.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn enter_lost(tx: &mut Tx, clock: &Clock, written: &[Receipt]) -> Result<()> {
    let ids: Vec<Uuid> = written.iter().map(|receipt| receipt.id).collect();
    let there = tx.links_there(&ids).await?;
    for receipt in written.iter().filter(|receipt| !there.contains(&receipt.id)) {
        warn!(link.id = %receipt.id, receipt.remote_type, "a record was written to the CRM while its person was forgotten; erase it there");
        tx.enter(&NewEntry {
            at: clock.now(),
            actor: "system".into(),
            action: "written_after_forgetting".into(),
            target: mittler_core::LinkId(receipt.id).to_string(),
            record: None,
            content: json!({ "remote_type": receipt.remote_type, "remote_id": receipt.remote_id }),
            salt: clock.id().simple().to_string(),
        })
        .await?;
    }
    Ok(())
}
