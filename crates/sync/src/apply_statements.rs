//! New statements about records that exist: lock, add, derive again, and tell the links.

use std::collections::{BTreeMap, BTreeSet};

use mittler_core::{
    Field, Fields, Kind, Record, RecordId, Statement, Time, derive, derive::Overrides, job::Lane, mapping::Mapping,
};
use mittler_store::{
    Result, Tx,
    links::{WantedLink, link_id},
    records::{RecordRow, StatementRow},
};

use crate::{connections::Connection, follow::follow_keys};

/// A record that was derived again, and is another than before.
#[derive(Debug)]
pub struct Changed {
    pub record: Record,
    /// Whether it says something else, so that CRMs have to be told: not only who said it, or when.
    pub says_else: bool,
}

impl Changed {
    pub fn of(record: &Record, fields: Fields) -> Option<Changed> {
        if fields == record.fields {
            return None;
        }
        let says_else = !fields.says_same(&record.fields);
        let record = Record { id: record.id, kind: record.kind, version: record.version + 1, fields };
        Some(Changed { record, says_else })
    }
}

/// Adds statements to records and derives them again; gives those that say something else than before, as
/// they are now. Statements that are known already change nothing.
pub async fn apply_statements(
    tx: &mut Tx,
    new: &[(RecordId, Statement)],
    overrides: &Overrides,
    now: Time,
) -> Result<Vec<Record>> {
    let ids: Vec<RecordId> = new.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>().into_iter().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let locked = tx.lock_records(&ids).await?;
    // Of a record that is gone, because its person was forgotten meanwhile, nothing is kept.
    let there: BTreeSet<RecordId> = locked.iter().map(|record| record.id).collect();
    let rows: Vec<StatementRow> = new
        .iter()
        .filter(|(id, _)| there.contains(id))
        .map(|(id, statement)| StatementRow::new(*id, statement))
        .collect();
    tx.put_statements(&rows).await?;
    let mut said: BTreeMap<RecordId, Vec<Statement>> = BTreeMap::new();
    for (id, statement) in tx.statements_of(&ids).await? {
        said.entry(id).or_default().push(statement);
    }
    let changed: Vec<Changed> = locked
        .iter()
        .filter_map(|record| {
            let fields = derive(said.get(&record.id).map_or(&[], Vec::as_slice), overrides);
            Changed::of(record, fields)
        })
        .collect();
    put_changed(tx, &changed, now).await?;
    Ok(changed.into_iter().filter(|it| it.says_else).map(|it| it.record).collect())
}

/// Writes records as they are now, with their keys.
///
/// # Errors
/// If the database does not answer.
pub async fn put_changed(tx: &mut Tx, changed: &[Changed], now: Time) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let rows: Vec<RecordRow> = changed.iter().map(|it| RecordRow::new(&it.record, None, now)).collect();
    tx.update_records(&rows).await?;
    follow_keys(tx, changed.iter().map(|it| &it.record), now).await
}

/// The links of a record: one for each connection that maps it, with what must be in the CRM before it.
pub fn links_of(connections: &[std::sync::Arc<Connection>], record: &Record, lane: Lane, now: Time) -> Vec<WantedLink> {
    connections
        .iter()
        .filter_map(|connection| {
            let object = connection.mapping.choose(record.kind, &record.fields)?;
            let needs = needs_of(record, &connection.mapping);
            let mut need = needs.iter().map(|id| link_id(connection.id, *id).0);
            Some(WantedLink {
                id: link_id(connection.id, record.id).0,
                connection: connection.id.0,
                record: record.id.0,
                kind: record.kind.name().to_owned(),
                stage: i64::from(record.kind.stage()),
                lane: i64::from(lane.number()),
                remote_type: object.remote.clone(),
                need_a: need.next(),
                need_b: need.next(),
                created_at: now.0,
            })
        })
        .collect()
}

/// The records that a CRM must know before this one, or that it is told of first because this one names them there.
fn needs_of(record: &Record, mapping: &Mapping) -> Vec<RecordId> {
    let fields: &[Field] = match record.kind {
        Kind::Person if mapping.refers(Kind::Person, &Field::ORGANISATION, Kind::Organisation) => {
            &[Field::ORGANISATION]
        }
        Kind::Participation => &[Field::FAIR, Field::PERSON],
        Kind::Activity => &[Field::PERSON],
        Kind::Association => &[Field::FROM, Field::TO],
        Kind::Organisation | Kind::Fair | Kind::Person => &[],
    };
    fields.iter().filter_map(|field| record.fields.reference(field)).collect()
}
