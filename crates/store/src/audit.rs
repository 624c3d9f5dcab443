//! What people and rules did that is no write to a CRM: a chain of hashes.
//!
//! An entry holds ids, codes and a salted commitment to its content; content and salt lie in a
//! side row that erasure deletes, and the chain still verifies.

use std::collections::HashMap;

use mittler_core::{RecordId, Time};
use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use sqlx::FromRow;

use crate::{Result, Store, Tx};

#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Entry {
    pub seq: i64,
    pub at: i64,
    pub actor: String,
    pub action: String,
    pub target: String,
    pub commitment: String,
    pub hash: String,
}

/// What is to be entered. `salt` is random.
#[derive(Debug, Clone)]
pub struct NewEntry {
    pub at: Time,
    /// `system`, `cli`, an operator's random id, an API key's id.
    pub actor: String,
    pub action: String,
    /// An id.
    pub target: String,
    pub record: Option<RecordId>,
    pub content: Json,
    pub salt: String,
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn chain(previous: &str, entry: &Entry) -> String {
    digest(&[
        previous,
        &entry.seq.to_string(),
        &entry.at.to_string(),
        &entry.actor,
        &entry.action,
        &entry.target,
        &entry.commitment,
    ])
}

impl Tx {
    pub async fn enter(&mut self, new: &NewEntry) -> Result<i64> {
        // One chain has one end: who writes it waits for whoever is writing it.
        if let crate::Db::Postgres(c) = self.db() {
            sqlx::query("SELECT pg_advisory_xact_lock(7206201417)").execute(c).await?;
        }
        let last = fetch_all!(self, (i64, String), "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?;
        let (seq, previous) = match last.into_iter().next() {
            Some(last) => last,
            None => begin(fetch_all!(self, (String,), "SELECT value FROM setting WHERE name = 'audit_begins_after'")?),
        };
        let content = new.content.to_string();
        let mut entry = Entry {
            seq: seq + 1,
            at: new.at.0,
            actor: new.actor.clone(),
            action: new.action.clone(),
            target: new.target.clone(),
            commitment: digest(&[&new.salt, &content]),
            hash: String::new(),
        };
        entry.hash = chain(&previous, &entry);
        execute!(
            self,
            "INSERT INTO audit (seq, at, actor, action, target, commitment, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            entry.seq,
            entry.at,
            entry.actor.clone(),
            entry.action.clone(),
            entry.target.clone(),
            entry.commitment.clone(),
            entry.hash.clone(),
        )?;
        execute!(
            self,
            "INSERT INTO audit_content (seq, record, salt, content) VALUES ($1, $2, $3, $4)",
            entry.seq,
            new.record.map(|id| id.0),
            new.salt.clone(),
            crate::Document(&new.content),
        )?;
        Ok(entry.seq)
    }

    /// Ends the oldest entries, with their content, and notes where the chain begins now.
    pub(crate) async fn shorten_audit(&mut self, before: Time, most: i64) -> Result<u64> {
        let ended = fetch_all!(
            self,
            (i64, String),
            "SELECT seq, hash FROM audit WHERE at < $1 AND NOT EXISTS (SELECT 1 FROM audit younger WHERE younger.seq < audit.seq AND younger.at >= $1)
             ORDER BY seq LIMIT $2",
            before.0,
            most,
        )?;
        let Some((seq, hash)) = ended.into_iter().next_back() else { return Ok(0) };
        execute!(
            self,
            "INSERT INTO setting (name, value) VALUES ('audit_begins_after', $1)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            format!("{seq} {hash}"),
        )?;
        execute!(self, "DELETE FROM audit_content WHERE seq <= $1", seq)?;
        execute!(self, "DELETE FROM audit WHERE seq <= $1", seq)
    }
}

/// The entry that the chain goes on from, once its beginning has outlived its time.
fn begin(setting: Vec<(String,)>) -> (i64, String) {
    let noted = setting.into_iter().next().unwrap_or_default().0;
    let (seq, hash) = noted.split_once(' ').unwrap_or_default();
    (seq.parse().unwrap_or(0), hash.to_owned())
}

impl Store {
    pub async fn audit_entries(&self, after: i64, most: i64) -> Result<Vec<Entry>> {
        fetch_all!(
            self,
            Entry,
            "SELECT seq, at, actor, action, target, commitment, hash FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2",
            after,
            most,
        )
    }

    /// The first entry that does not fit the chain, or whose content, if it is still there, is not
    /// what was committed to; `None` if all do.
    pub async fn verify_audit(&self) -> Result<Option<i64>> {
        let setting = fetch_all!(self, (String,), "SELECT value FROM setting WHERE name = 'audit_begins_after'")?;
        let (mut last, mut previous) = begin(setting);
        loop {
            let entries = self.audit_entries(last, 1000).await?;
            let Some(end) = entries.last() else { return Ok(None) };
            let contents = fetch_all!(
                self,
                (i64, String, sqlx::types::Json<Json>),
                "SELECT seq, salt, content FROM audit_content WHERE seq > $1 AND seq <= $2",
                last,
                end.seq,
            )?;
            let committed: HashMap<i64, String> = contents
                .into_iter()
                .map(|(seq, salt, content)| (seq, digest(&[&salt, &content.0.to_string()])))
                .collect();
            for entry in entries {
                let kept = committed.get(&entry.seq).is_none_or(|commitment| *commitment == entry.commitment);
                if entry.seq != last + 1 || entry.hash != chain(&previous, &entry) || !kept {
                    return Ok(Some(entry.seq));
                }
                (previous, last) = (entry.hash, entry.seq);
            }
        }
    }
}
