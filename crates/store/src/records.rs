//! Records, their statements and the keys by which they are recognised.

use mittler_core::key::Basis;
use mittler_core::{
    Fields, Kind, Record, RecordId, Said, SignalId, Source, SourceKind, Statement, SubjectId, Time, Version,
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use crate::{Db, Document, Error, Result, Store, Tx, id_rows, packed::Packed};

/// A record to be written, or written again.
#[derive(Debug, Clone, Serialize)]
pub struct RecordRow {
    pub id: Uuid,
    pub kind: String,
    pub version: i64,
    #[serde(serialize_with = "crate::packed::serialize")]
    pub fields: Fields,
    pub person: Option<Uuid>,
    pub created_at: i64,
    pub updated_at: i64,
    /// Until when nothing is made of it in a CRM, since nobody has said who it is; 0 for all others.
    pub unsure_until: i64,
}

impl RecordRow {
    pub fn new(record: &Record, person: Option<RecordId>, now: Time) -> RecordRow {
        RecordRow {
            id: record.id.0,
            kind: record.kind.name().to_owned(),
            version: record.version,
            fields: record.fields.clone(),
            person: person.map(|id| id.0),
            created_at: now.0,
            updated_at: now.0,
            unsure_until: 0,
        }
    }
}

#[derive(FromRow)]
struct Stored {
    id: Uuid,
    kind: String,
    version: i64,
    fields: Json<Packed>,
}

impl TryFrom<Stored> for Record {
    type Error = Error;

    fn try_from(row: Stored) -> Result<Record> {
        Ok(Record {
            id: RecordId(row.id),
            kind: Kind::parse(&row.kind).ok_or(Error::Corrupt("record.kind"))?,
            version: row.version,
            fields: row.fields.0.0,
        })
    }
}

/// A statement to be written.
#[derive(Debug, Clone, Serialize)]
pub struct StatementRow {
    pub subject: Uuid,
    pub signal: Uuid,
    pub record: Uuid,
    pub source_kind: String,
    pub source_name: String,
    pub observed_at: i64,
    pub version_at: i64,
    pub version_read: i64,
    pub said: Vec<Said>,
}

impl StatementRow {
    pub fn new(record: RecordId, statement: &Statement) -> StatementRow {
        StatementRow {
            subject: statement.subject.0,
            signal: statement.signal.0,
            record: record.0,
            source_kind: code(statement.source.kind),
            source_name: statement.source.name.clone(),
            observed_at: statement.observed_at.0,
            version_at: statement.version.0.0,
            version_read: statement.version.1.0,
            said: statement.said.clone(),
        }
    }
}

#[derive(FromRow)]
struct StoredStatement {
    record: Uuid,
    subject: Uuid,
    signal: Uuid,
    source_kind: String,
    source_name: String,
    observed_at: i64,
    version_at: i64,
    version_read: i64,
    said: Json<Vec<Said>>,
}

impl TryFrom<StoredStatement> for (RecordId, Statement) {
    type Error = Error;

    fn try_from(row: StoredStatement) -> Result<Self> {
        let kind = serde_json::from_value::<SourceKind>(row.source_kind.into())
            .map_err(|_| Error::Corrupt("statement.source_kind"))?;
        let statement = Statement {
            subject: SubjectId(row.subject),
            signal: SignalId(row.signal),
            source: Source::new(kind, row.source_name),
            observed_at: Time(row.observed_at),
            version: Version(Time(row.version_at), Time(row.version_read)),
            said: row.said.0,
        };
        Ok((RecordId(row.record), statement))
    }
}

fn code(kind: SourceKind) -> String {
    serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A key that names a record.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyRow {
    pub key: Uuid,
    pub record: Uuid,
    pub key_type: String,
    #[sqlx(try_from = "String")]
    pub basis: Basis,
}

/// The advisory lock of batches; its number means nothing but that it is no hash of a key.
const LISTS: i64 = 1;

#[derive(Serialize)]
struct KeyOnly {
    key: Uuid,
}

fn keys_only(keys: &[Uuid]) -> Vec<KeyOnly> {
    keys.iter().map(|key| KeyOnly { key: *key }).collect()
}

impl Tx {
    /// Records named by strong keys.
    pub async fn by_strong_keys(&mut self, keys: &[Uuid]) -> Result<Vec<KeyRow>> {
        let keys = keys_only(keys);
        rows_all!(self, KeyRow, &keys => (key uuid),
            "SELECT k.key, k.record, k.key_type, k.basis FROM", "CROSS JOIN record_key k WHERE k.key = r.key ORDER BY k.key")
    }

    /// Records that share weak keys; of a key that very many share one more than `most`, which says so.
    pub async fn by_weak_keys(&mut self, keys: &[Uuid], most: i64) -> Result<Vec<KeyRow>> {
        let keys = keys_only(keys);
        rows_all!(self, KeyRow, &keys => (key uuid),
            "SELECT key, record, key_type, basis FROM (
               SELECT k.key, k.record, k.key_type, k.basis, row_number() OVER (PARTITION BY k.key ORDER BY k.record) AS place FROM",
            "CROSS JOIN weak_key k WHERE k.key = r.key) AS sharing WHERE place <= $2 + 1 ORDER BY key, record", most)
    }

    /// Waits for whoever else is about to create records that share these weak keys (PostgreSQL;
    /// SQLite has one writer). In order of the keys, so that two never wait for each other.
    pub async fn lock_blocks(&mut self, keys: &[Uuid]) -> Result<()> {
        #[derive(Serialize)]
        struct Lock {
            lock: i64,
        }
        let mut locks: Vec<i64> =
            keys.iter().map(|key| i64::from_be_bytes(key.as_u64_pair().0.to_be_bytes())).collect();
        locks.sort_unstable();
        locks.dedup();
        if let Db::Postgres(c) = self.db() {
            let locks: Vec<Lock> = locks.into_iter().map(|lock| Lock { lock }).collect();
            sqlx::query("SELECT pg_advisory_xact_lock(lock) FROM (SELECT lock FROM json_to_recordset($1) AS r(lock bigint) ORDER BY lock) AS ordered")
                .bind(Document(&locks))
                .execute(c)
                .await?;
        }
        Ok(())
    }

    /// Waits for whoever else writes a batch of a list (PostgreSQL; SQLite has one writer). Rows of one
    /// list name the same companies over and over: batches side by side would wait for each other's
    /// keys, meet, and do their work again.
    pub async fn lock_lists(&mut self) -> Result<()> {
        if let Db::Postgres(c) = self.db() {
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LISTS).execute(c).await?;
        }
        Ok(())
    }

    /// Claims strong keys for their records; gives the keys that were free. Whoever gets fewer back
    /// than asked has met another writer and must match again.
    pub async fn claim_keys(&mut self, keys: &mut Vec<KeyRow>) -> Result<Vec<Uuid>> {
        keys.sort();
        let claimed = rows_all!(self, (Uuid,), &*keys => (key uuid, record uuid, key_type text, basis text),
            "INSERT INTO record_key (key, record, key_type, basis) SELECT key, record, key_type, basis FROM",
            "WHERE true ON CONFLICT (key) DO NOTHING RETURNING key")?;
        Ok(claimed.into_iter().map(|row| row.0).collect())
    }

    /// Writes weak keys, or what those that are there rest on from now on.
    pub async fn put_weak_keys(&mut self, keys: &mut Vec<KeyRow>, now: Time) -> Result<()> {
        keys.sort();
        rows!(self, &*keys => (key uuid, record uuid, key_type text, basis text),
            "INSERT INTO weak_key (key, record, key_type, basis, since) SELECT key, record, key_type, basis, $2 FROM",
            "WHERE true ON CONFLICT (key, record) DO UPDATE SET basis = excluded.basis, since = excluded.since
             WHERE weak_key.basis <> excluded.basis", now.0)?;
        Ok(())
    }

    /// All keys of records: strong ones, and weak ones.
    pub async fn keys_of(&mut self, ids: &[RecordId]) -> Result<(Vec<KeyRow>, Vec<KeyRow>)> {
        let ids = id_rows(ids.iter().map(|id| id.0));
        let strong = rows_all!(self, KeyRow, &ids => (id uuid),
            "SELECT k.key, k.record, k.key_type, k.basis FROM", "CROSS JOIN record_key k WHERE k.record = r.id ORDER BY k.key")?;
        let weak = rows_all!(self, KeyRow, &ids => (id uuid),
            "SELECT k.key, k.record, k.key_type, k.basis FROM", "CROSS JOIN weak_key k WHERE k.record = r.id ORDER BY k.key")?;
        Ok((strong, weak))
    }

    /// Gives up strong keys. Each goes to whoever has waited longest for it; these are given.
    pub async fn release_keys(&mut self, keys: &[KeyRow]) -> Result<Vec<KeyRow>> {
        rows!(self, keys => (key uuid, record uuid),
            "DELETE FROM record_key WHERE (key, record) IN (SELECT r.key, r.record FROM", ")")?;
        self.hand_over(&keys.iter().map(|row| row.key).collect::<Vec<_>>()).await
    }

    /// Gives strong keys that nobody has any more to whoever has waited longest for each.
    pub(crate) async fn hand_over(&mut self, keys: &[Uuid]) -> Result<Vec<KeyRow>> {
        let free = keys_only(keys);
        let mut heirs = rows_all!(self, KeyRow, &free => (key uuid),
            "SELECT key, record, key_type, 'derived' AS basis FROM (
               SELECT k.key, k.record, k.key_type, row_number() OVER (PARTITION BY k.key ORDER BY k.since, k.record) AS place FROM",
            "CROSS JOIN weak_key k WHERE k.key = r.key AND k.basis = 'contested') AS waiting WHERE place = 1 ORDER BY key")?;
        if heirs.is_empty() {
            return Ok(heirs);
        }
        let claimed = self.claim_keys(&mut heirs).await?;
        heirs.retain(|row| claimed.contains(&row.key));
        self.drop_weak_keys(&heirs).await?;
        Ok(heirs)
    }

    pub async fn drop_weak_keys(&mut self, keys: &[KeyRow]) -> Result<()> {
        rows!(self, keys => (key uuid, record uuid),
            "DELETE FROM weak_key WHERE (key, record) IN (SELECT r.key, r.record FROM", ")")?;
        Ok(())
    }

    /// Reads records that are about to change; nobody else can change them until we commit. One that
    /// was merged into another is no more.
    pub async fn lock_records(&mut self, ids: &[RecordId]) -> Result<Vec<Record>> {
        let ids = id_rows(ids.iter().map(|id| id.0));
        let rows = match self.db() {
            Db::Sqlite(_) => rows_all!(self, Stored, &ids => (id uuid),
                "SELECT record.id, record.kind, record.version, record.fields FROM", "CROSS JOIN record WHERE record.id = r.id AND record.merged_into IS NULL ORDER BY record.id")?,
            Db::Postgres(_) => rows_all!(self, Stored, &ids => (id uuid),
                "SELECT record.id, record.kind, record.version, record.fields FROM", "CROSS JOIN record WHERE record.id = r.id AND record.merged_into IS NULL ORDER BY record.id FOR UPDATE OF record")?,
        };
        rows.into_iter().map(Record::try_from).collect()
    }

    /// Reads records as they are, without keeping others from changing them.
    pub async fn read_records(&mut self, ids: &[RecordId]) -> Result<Vec<Record>> {
        let ids = id_rows(ids.iter().map(|id| id.0));
        let rows = rows_all!(self, Stored, &ids => (id uuid),
            "SELECT record.id, record.kind, record.version, record.fields FROM", "CROSS JOIN record WHERE record.id = r.id ORDER BY record.id")?;
        rows.into_iter().map(Record::try_from).collect()
    }

    /// All that is said of the records.
    pub async fn statements_of(&mut self, ids: &[RecordId]) -> Result<Vec<(RecordId, Statement)>> {
        let ids = id_rows(ids.iter().map(|id| id.0));
        let rows = rows_all!(self, StoredStatement, &ids => (id uuid),
            "SELECT s.record, s.subject, s.signal, s.source_kind, s.source_name, s.observed_at, s.version_at, s.version_read, s.said
             FROM", "CROSS JOIN statement s WHERE s.record = r.id ORDER BY s.record, s.subject, s.signal")?;
        rows.into_iter().map(TryFrom::try_from).collect()
    }

    pub async fn put_statements(&mut self, statements: &[StatementRow]) -> Result<()> {
        rows!(self, statements => (subject uuid, signal uuid, record uuid, source_kind text, source_name text, observed_at bigint, version_at bigint, version_read bigint, said json),
            "INSERT INTO statement (subject, signal, record, source_kind, source_name, observed_at, version_at, version_read, said)
             SELECT subject, signal, record, source_kind, source_name, observed_at, version_at, version_read, said FROM",
            "WHERE true ON CONFLICT (subject, signal) DO NOTHING")?;
        Ok(())
    }

    /// Ends statements: what they say stands no more.
    pub async fn drop_statements(&mut self, statements: &[StatementRow]) -> Result<()> {
        rows!(self, statements => (subject uuid, signal uuid),
            "DELETE FROM statement WHERE (subject, signal) IN (SELECT r.subject, r.signal FROM", ")")?;
        Ok(())
    }

    /// Makes records.
    ///
    /// # Errors
    /// [`Error::Raced`] if another writer has made one of them: the same work again finds it.
    pub async fn insert_records(&mut self, records: &mut Vec<RecordRow>) -> Result<()> {
        records.sort_by_key(|record| record.id);
        let made = rows!(self, &*records => (id uuid, kind text, version bigint, fields json, person uuid, created_at bigint, updated_at bigint, unsure_until bigint),
            "INSERT INTO record (id, kind, version, fields, person, created_at, updated_at, unsure_until)
             SELECT id, kind, version, fields, person, created_at, updated_at, unsure_until FROM", "WHERE true ON CONFLICT (id) DO NOTHING")?;
        if made == records.len() as u64 { Ok(()) } else { Err(Error::Raced) }
    }

    /// Writes records again that this transaction has locked.
    pub async fn update_records(&mut self, records: &[RecordRow]) -> Result<()> {
        rows!(self, records => (id uuid, version bigint, fields json, updated_at bigint),
            "UPDATE record SET version = r.version, fields = r.fields, updated_at = r.updated_at FROM",
            "WHERE record.id = r.id")?;
        Ok(())
    }
}

/// A record for lists: without its statements.
#[derive(Debug, Clone, FromRow)]
pub struct RecordLine {
    pub id: Uuid,
    pub kind: String,
    pub version: i64,
    pub fields: Json<Packed>,
    pub created_at: i64,
    pub updated_at: i64,
}

impl Store {
    pub async fn record(&self, id: RecordId) -> Result<Option<Record>> {
        let rows = fetch_all!(self, Stored, "SELECT id, kind, version, fields FROM record WHERE id = $1", id.0)?;
        rows.into_iter().next().map(Record::try_from).transpose()
    }

    pub async fn records(&self, ids: &[RecordId]) -> Result<Vec<Record>> {
        let ids = id_rows(ids.iter().map(|id| id.0));
        let rows = rows_all!(self, Stored, &ids => (id uuid),
            "SELECT record.id, record.kind, record.version, record.fields FROM", "CROSS JOIN record WHERE record.id = r.id ORDER BY record.id")?;
        rows.into_iter().map(Record::try_from).collect()
    }

    /// All that was said of one record, the latest first.
    pub async fn statements(&self, id: RecordId) -> Result<Vec<Statement>> {
        let rows = fetch_all!(
            self,
            StoredStatement,
            "SELECT record, subject, signal, source_kind, source_name, observed_at, version_at, version_read, said
             FROM statement WHERE record = $1 ORDER BY observed_at DESC, subject, signal",
            id.0,
        )?;
        rows.into_iter()
            .map(|row| TryFrom::try_from(row).map(|(_, statement): (RecordId, Statement)| statement))
            .collect()
    }

    /// Records of a kind, by id, from after a given one. Merged-away ones are left out.
    pub async fn record_lines(&self, kind: Kind, after: Option<RecordId>, most: i64) -> Result<Vec<RecordLine>> {
        fetch_all!(
            self,
            RecordLine,
            "SELECT id, kind, version, fields, created_at, updated_at FROM record
             WHERE kind = $1 AND id > $2 AND merged_into IS NULL ORDER BY id LIMIT $3",
            kind.name().to_owned(),
            after.map_or(Uuid::nil(), |id| id.0),
            most,
        )
    }

    /// Participations, activities and associations of a person.
    pub async fn records_about(&self, person: RecordId) -> Result<Vec<Record>> {
        let rows = fetch_all!(
            self,
            Stored,
            "SELECT id, kind, version, fields FROM record WHERE person = $1 AND merged_into IS NULL ORDER BY id",
            person.0,
        )?;
        rows.into_iter().map(Record::try_from).collect()
    }

    /// The record that a strong key names, or the one that it named before.
    pub async fn by_key(&self, key: Uuid) -> Result<Option<RecordId>> {
        let rows = fetch_all!(self, (Uuid,), "SELECT record FROM record_key WHERE key = $1", key)?;
        if let Some((record,)) = rows.into_iter().next() {
            return Ok(Some(RecordId(record)));
        }
        // Who had the address before is found by it, as long as that is only one.
        let former = fetch_all!(
            self,
            (Uuid,),
            "SELECT record FROM weak_key WHERE key = $1 AND basis = 'former' ORDER BY record LIMIT 2",
            key
        )?;
        Ok(if let [(record,)] = former.as_slice() { Some(RecordId(*record)) } else { None })
    }

    /// Records by kind.
    pub async fn record_counts(&self) -> Result<Vec<(String, i64)>> {
        fetch_all!(
            self,
            (String, i64),
            "SELECT kind, count(*) FROM record WHERE merged_into IS NULL GROUP BY kind ORDER BY kind"
        )
    }
}
