//! From CRMs to claims: what changed since the cursor, and what hooks told of.
//!
//! **Invariant:** a search or list only names ids; values come from reads by id that began after
//! the link's last write ended, and not while a write of it is open.
//!
//! **Invariant:** our own write coming back makes neither a claim nor a plan: a value that equals
//! what was sent, under the field's equivalence, is only noted as seen.

use std::{collections::HashMap, sync::Arc, time::Duration};

use mittler_connector::{Cursor, Feed, Key, RemoteRecord};
use mittler_core::{
    Kind, LinkId, RecordId, RemoteFields, Source, SourceKind, Statement, Time, Value, Version, job::Lane,
    mapping::Object,
};
use mittler_store::{
    derived_id,
    links::{Known, Shown},
};

use crate::{
    connections::Connection,
    push::{Pusher, Stopped},
    resolve::crm_subject,
    restate::{links_of, restate},
    shown,
};

/// Pages of one remote type that are read in one go; the rest comes with the next job.
const PAGES: usize = 50;
/// Re-read at each pull: what committed late under an earlier stamp.
const OVERLAP: Duration = Duration::from_mins(5);

/// What a pull found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pulled {
    pub changes: usize,
    pub read: usize,
    pub claimed: usize,
    /// More is there than was read in one go.
    pub more: bool,
}

impl Pusher {
    /// Reads what changed in a CRM, of the types that are mapped and have a cursor.
    pub async fn pull(&self, connection: &Arc<Connection>) -> Result<Pulled, Stopped> {
        connection.check_account().await?;
        let mut all = Pulled::default();
        for kind in &connection.connector.profile().kinds {
            let Some(object) = connection.mapping.object(&kind.remote_type) else { continue };
            if kind.feed != Feed::Cursor || !matches!(kind.kind, Kind::Person | Kind::Organisation) {
                continue;
            }
            let one = self.pull_type(connection, object).await?;
            all.changes += one.changes;
            all.read += one.read;
            all.claimed += one.claimed;
            all.more |= one.more;
        }
        Ok(all)
    }

    async fn pull_type(&self, connection: &Arc<Connection>, object: &Object) -> Result<Pulled, Stopped> {
        let (id, remote_type, now) = (connection.id, object.remote.clone(), self.clock.now());
        let lag = connection.connector.profile().visibility_lag;
        let Some((at, _)) = self.store.cursor(id, &remote_type).await? else {
            // What was there before the connection is another job's: a cursor begins with today.
            self.store.write(async move |tx| tx.put_cursor(id, &remote_type, now.minus(lag), "", now).await).await?;
            return Ok(Pulled::default());
        };
        let mut cursor = Cursor { at: at.minus(OVERLAP), id: String::new() };
        let mut pulled = Pulled::default();
        for page in 1..=PAGES {
            let found = connection.connector.pull(&object.remote, Some(&cursor)).await?;
            let Some(last) = found.changes.last() else { break };
            let next = Cursor { at: last.at, id: last.id.clone() };
            pulled.changes += found.changes.len();
            let ids: Vec<String> =
                found.changes.iter().filter(|change| !change.deleted).map(|change| change.id.clone()).collect();
            let gone: Vec<String> =
                found.changes.iter().filter(|change| change.deleted).map(|change| change.id.clone()).collect();
            // The cursor never passes what the CRM may not show yet.
            let safe = found.server_time.unwrap_or_else(|| self.clock.now()).minus(lag);
            let kept = if next.at < safe { next.clone() } else { Cursor { at: safe, id: String::new() } };
            let (read, claimed) = self.take(connection, object, &ids, &gone, Some(kept)).await?;
            pulled.read += read;
            pulled.claimed += claimed;
            if !found.more || next == cursor {
                break;
            }
            pulled.more = page == PAGES;
            cursor = next;
        }
        Ok(pulled)
    }

    /// Reads named records of one type and takes what they say; moves the cursor in the same
    /// transaction. Gives how many were read and how many said something new.
    pub async fn take(
        &self,
        connection: &Arc<Connection>,
        object: &Object,
        ids: &[String],
        gone: &[String],
        cursor: Option<Cursor>,
    ) -> Result<(usize, usize), Stopped> {
        let begun = self.clock.now();
        let known = self.store.links_by_remote(connection.id, &object.remote, ids).await?;
        let known: HashMap<String, Known> =
            known.into_iter().filter(|link| link.busy == 0).map(|link| (link.remote_id.clone(), link)).collect();
        let keys: Vec<Key> = known.keys().cloned().map(Key::Id).collect();
        let mut fields = object.field_names();
        fields.sort();
        let records = if keys.is_empty() {
            Vec::new()
        } else {
            connection.connector.read(&object.remote, &keys, &fields).await?
        };
        let (mut statements, mut shown) = (Vec::new(), Vec::new());
        for record in records.iter().filter(|record| !record.gone) {
            let Key::Id(asked) = &record.key else { continue };
            let Some(link) = known.get(asked).filter(|link| link.written_at < begun.0) else { continue };
            let Some(news) = news(link, record) else { continue };
            // What we never sent stays theirs: it is seen, not sent.
            let mut sent = link.sent.0.clone();
            for (name, value) in &mut sent.0 {
                if let Some(theirs) = news.0.get(name) {
                    value.clone_from(theirs);
                }
            }
            shown.push(Shown { id: link.id, written_at: link.written_at, sent, seen: record.fields.clone() });
            // What the mapping does not take up, such as an owner that the CRM chose, is no statement.
            let statement = self.changed(connection, object, record, &news, begun);
            if !statement.said.is_empty() {
                statements.push((RecordId(link.record), statement));
            }
        }
        let (read, claimed, now) = (records.len(), statements.len(), self.clock.now());
        let missing = self.store.links_by_remote(connection.id, &object.remote, gone).await?;
        let missing: Vec<LinkId> = missing.into_iter().map(|link| LinkId(link.id)).collect();
        let (id, remote_type, overrides) = (connection.id, object.remote.clone(), Arc::clone(&self.overrides));
        let connections = self.connections.all();
        self.store
            .write(async move |tx| {
                let changed = restate(tx, &statements, &overrides, now).await?;
                let mut links = Vec::new();
                for record in &changed {
                    links.extend(links_of(&connections, record, Lane::Scheduled, now));
                }
                if !links.is_empty() {
                    tx.want_links(&mut links).await?;
                    let jobs: Vec<_> = connections
                        .iter()
                        .map(|c| {
                            let task = mittler_core::job::Task::Push { connection: c.id };
                            let job = derived_id(&[b"push", c.id.0.as_bytes(), &begun.0.to_be_bytes()]);
                            mittler_store::jobs::NewJob::new(job, task, Lane::Scheduled, now, now)
                        })
                        .collect();
                    tx.put_jobs(&jobs).await?;
                }
                tx.put_shown(&shown, now).await?;
                tx.mark_gone(&missing).await?;
                if let Some(cursor) = &cursor {
                    tx.put_cursor(id, &remote_type, cursor.at, &cursor.id, now).await?;
                }
                Ok(())
            })
            .await?;
        Ok((read, claimed))
    }

    fn changed(
        &self,
        connection: &Connection,
        object: &Object,
        record: &RemoteRecord,
        news: &RemoteFields,
        begun: Time,
    ) -> Statement {
        let observed = record.modified_at.unwrap_or(begun).min(begun);
        let subject = crm_subject(connection.id, &object.remote, &record.id);
        let said = object.lift(news, None).into_iter().map(|said| shown(&*self.judge, said)).collect();
        Statement {
            subject,
            signal: derived_id(&[b"read", subject.0.as_bytes(), &begun.0.to_be_bytes()]).into(),
            source: Source::new(SourceKind::Crm, connection.id.to_string()),
            observed_at: observed,
            version: Version(observed, begun),
            said,
        }
    }
}

/// The fields in which the CRM says something that it did not show before and that we did not
/// write; `None` if it shows just what it showed.
fn news(link: &Known, record: &RemoteRecord) -> Option<RemoteFields> {
    if record.fields == link.seen.0 {
        return None;
    }
    let differs = |name: &String, theirs: &Option<Value>| {
        let (seen, sent) = (link.seen.0.0.get(name).unwrap_or(&None), link.sent.0.0.get(name).unwrap_or(&None));
        !equivalent(theirs.as_ref(), seen.as_ref()) && !equivalent(theirs.as_ref(), sent.as_ref())
    };
    Some(
        record
            .fields
            .0
            .iter()
            .filter(|(name, theirs)| differs(name, theirs))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect(),
    )
}

/// Whether a CRM that lower-cases, trims or formats would make the one of the other.
fn equivalent(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        // A box that nobody ticked says nothing.
        (None, None | Some(Value::Bool(false))) | (Some(Value::Bool(false)), None) => true,
        (Some(a), Some(b)) if a.same(b) => true,
        (Some(a), Some(b)) => {
            let (a, b) = (folded(&a.display()), folded(&b.display()));
            !a.is_empty() && a == b
        }
        _ => false,
    }
}

fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric() || matches!(c, '@' | '.')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn what_the_crm_only_formats_is_our_own_value() {
        assert!(equivalent(Some(&text("Anna@Example.com")), Some(&text("anna@example.com "))));
        assert!(equivalent(Some(&text("+49 711 123-45")), Some(&text("+4971112345"))));
        assert!(!equivalent(Some(&text("+4971112345")), Some(&text("+4971112346"))));
        assert!(!equivalent(None, Some(&text("x"))));
    }
}
