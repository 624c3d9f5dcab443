//! What merging and splitting share: whatever hangs on a record that moves is found, locked and renamed, its
//! links go with it, and the CRMs are told.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mittler_core::{Field, Kind, LinkId, Record, RecordId, Statement, Time, job::Lane};
use mittler_store::{
    Error, Result, Tx,
    jobs::NewJob,
    links::{LinkState, WantedLink},
    merges::{Inherited, MovingLink, Needs},
};
use uuid::Uuid;

use crate::{about, batch::Env, notes};

/// Whatever is about a person or names a company, with whoever came to name it while the others were looked for.
pub(crate) async fn around(
    tx: &mut Tx,
    kind: Kind,
    of: RecordId,
    naming: &[RecordId],
    begun: Time,
) -> Result<BTreeSet<RecordId>> {
    let mut around: BTreeSet<RecordId> = naming.iter().copied().filter(|id| *id != of).collect();
    if kind == Kind::Person {
        around.extend(tx.ids_about(of).await?);
    } else {
        for kind in [Kind::Person, Kind::Association] {
            around.extend(tx.naming_since(kind, of, begun).await?);
        }
    }
    Ok(around)
}

/// Locks records, of which these must be there, with all that is about a person.
///
/// # Errors
/// [`Error::Raced`] if somebody was there between the look and the locks.
pub(crate) async fn lock_all(
    tx: &mut Tx,
    all: &[RecordId],
    mut needed: impl Iterator<Item = &RecordId>,
    (kind, of): (Kind, RecordId),
) -> Result<HashMap<RecordId, Record>> {
    let locked: HashMap<RecordId, Record> =
        tx.lock_records(all).await?.into_iter().map(|record| (record.id, record)).collect();
    let missed = needed.any(|id| !locked.contains_key(id))
        || kind == Kind::Person && tx.ids_about(of).await?.iter().any(|id| !locked.contains_key(id));
    if missed { Err(Error::Raced) } else { Ok(locked) }
}

/// Whom a record is about.
pub(crate) fn person_of(record: &Record) -> Option<RecordId> {
    match record.kind {
        Kind::Association => record.fields.reference(&Field::FROM),
        _ => record.fields.reference(&Field::PERSON),
    }
}

/// What a record about, or of, the one is called once it is about the other: ids depend on what they
/// connect, so that the next input finds it. `None` leaves it where it is.
pub(crate) fn heir<'s>(
    record: &Record,
    mut said: impl Iterator<Item = &'s Statement>,
    (from, to): (RecordId, RecordId),
) -> Option<RecordId> {
    let now = |id: RecordId| if id == from { to } else { id };
    let reference = |field| record.fields.reference(&field);
    match record.kind {
        Kind::Participation => Some(about::participation_id(now(reference(Field::PERSON)?), reference(Field::FAIR)?)),
        Kind::Association => Some(about::association_id(now(reference(Field::FROM)?), now(reference(Field::TO)?))),
        Kind::Activity => {
            if let Some(fair) = reference(Field::FAIR)
                && record.id == about::task_id(about::participation_id(from, fair))
            {
                return Some(about::task_id(about::participation_id(to, fair)));
            }
            if let (Some(fair), Some(note)) = (reference(Field::FAIR), record.fields.text(&Field::BODY))
                && record.id == notes::id(about::participation_id(from, fair), note)
            {
                return Some(notes::id(about::participation_id(to, fair), note));
            }
            if let Some(message) = record.fields.text(&Field::MESSAGE_ID) {
                return Some(about::mail_of(to, message.as_bytes()));
            }
            said.find(|statement| record.id == about::mail_of(from, statement.signal.0.as_bytes()))
                .map(|statement| about::mail_of(to, statement.signal.0.as_bytes()))
        }
        Kind::Organisation | Kind::Fair | Kind::Person => None,
    }
}

/// Makes links due, which wait for others than before.
pub(crate) async fn want(tx: &mut Tx, wanted: &mut Vec<WantedLink>) -> Result<()> {
    tx.want_links(wanted).await?;
    let needs: Vec<Needs> =
        wanted.iter().map(|link| Needs { id: link.id, need_a: link.need_a, need_b: link.need_b }).collect();
    tx.put_needs(&needs).await
}

/// What a link showed and was told goes on as this one's.
pub(crate) fn inherit(id: Uuid, link: &MovingLink) -> Inherited {
    Inherited {
        id,
        remote_type: link.remote_type.clone(),
        remote_id: link.remote_id.clone(),
        sent: link.sent.0.clone(),
        seen: link.seen.0.clone(),
        written_at: link.written_at,
    }
}

/// Keeps a link out of its CRM, as one in that state was; `gone` for what was erased there.
pub(crate) async fn leave_out(tx: &mut Tx, link: LinkId, state: LinkState) -> Result<()> {
    if state == LinkState::Gone {
        return tx.erase_link(link).await;
    }
    tx.exclude_link(link, "left_out").await?;
    Ok(())
}

/// Remote records by connection and type.
pub(crate) type Remotes = BTreeMap<(Uuid, String), BTreeSet<String>>;

/// The remote records of links.
pub(crate) fn remotes<'l>(links: impl Iterator<Item = &'l MovingLink>) -> Remotes {
    let mut remotes = Remotes::new();
    for link in links {
        if let Some(id) = &link.remote_id {
            remotes.entry((link.connection, link.remote_type.clone())).or_default().insert(id.clone());
        }
    }
    remotes
}

/// Tells the CRMs of these links; whatever was read of these remote records while they moved is read once more.
pub(crate) async fn push_and_read(
    tx: &mut Tx,
    env: &Env,
    wanted: &[WantedLink],
    read: &Remotes,
    now: Time,
) -> Result<()> {
    let clock = &env.clock;
    tx.wake_pushers(wanted.iter().map(|link| link.connection.into()));
    let reads = read.iter().map(|((connection, remote_type), ids)| {
        let place = ((*connection).into(), remote_type.as_str());
        NewJob::read(clock.id(), place, ids.iter().cloned().collect(), Lane::Interactive, now, now)
    });
    tx.put_jobs(&reads.collect::<Vec<_>>()).await
}
