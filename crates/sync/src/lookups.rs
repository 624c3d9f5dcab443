//! Reading by keys: no fields that the CRM does not show, and in parts where it is too much at once.
//!
//! **Invariant:** a look-up that takes the CRM too long stops itself alone, as this form of key of this type;
//! other look-ups, types and links go on.

use std::time::Duration;

use mittler_connector::{Error as CrmError, Key, KeyForm, RemoteRecord, Result};
use mittler_core::Time;

use crate::connections::{Connection, locked};

/// Records that are read by id in one transaction.
pub(crate) const PAGE: usize = 200;

/// How long a form of look-up is left alone that takes the CRM too long.
pub(crate) const LEFT: Duration = Duration::from_hours(1);
/// Keys that may take too long alone before the rest of a look-up is left for later.
const MOST_SLOW: usize = 3;
/// What waits for a look-up says so.
pub(crate) const TOO_SLOW: &str = "lookup_too_slow";

/// What was found, and what could not be looked up.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub records: Vec<RemoteRecord>,
    /// Keys that take the CRM too long: whether it has somebody by them is not known.
    pub slow: Vec<Key>,
    /// Whether this form of look-up was closed by it.
    pub closed: bool,
}

impl Connection {
    /// Reads records by keys of one form, with those of the fields that the CRM shows. What is too much for one
    /// call is asked in halves.
    pub(crate) async fn find(
        &self,
        remote_type: &str,
        keys: &[Key],
        fields: &[String],
        own_key: Option<&str>,
        now: Time,
    ) -> Result<Found> {
        let mut found = Found::default();
        let Some(form) = keys.first().map(Key::form) else { return Ok(found) };
        if self.is_closed_lookup(remote_type, form, now) {
            found.slow = keys.to_vec();
            return Ok(found);
        }
        let mut todo = vec![keys.to_vec()];
        let (mut answers, mut asked) = (false, false);
        while let Some(mut part) = todo.pop() {
            match self.read_visible(remote_type, &part, fields, own_key, now).await {
                Ok(records) => {
                    answers = true;
                    found.records.extend(records);
                    continue;
                }
                Err(CrmError::TooBroad { code }) => {
                    // A CRM that answers nothing at all is away; no shorter question helps.
                    if !answers && !asked && !self.is_there().await {
                        return Err(CrmError::Unavailable { code, retry_after: None });
                    }
                    asked = true;
                }
                Err(other) => return Err(other),
            }
            if part.len() > 1 {
                let half = part.split_off(part.len() / 2);
                todo.extend([half, part]);
                continue;
            }
            found.slow.extend(part);
            if !answers || found.slow.len() >= MOST_SLOW {
                found.slow.extend(todo.drain(..).flatten());
            }
        }
        if !answers && !found.slow.is_empty() {
            locked(&self.closed_lookups).insert((remote_type.to_owned(), form), now.plus(LEFT));
            found.closed = true;
        }
        Ok(found)
    }

    /// A description of the CRM's that is older than a change of rights names fields that it shows no more: then
    /// it is asked for anew, once.
    async fn read_visible(
        &self,
        remote_type: &str,
        keys: &[Key],
        fields: &[String],
        own_key: Option<&str>,
        now: Time,
    ) -> Result<Vec<RemoteRecord>> {
        let visible = self.visible_fields(remote_type, fields, own_key, now).await?;
        let refused = match self.connector.read(remote_type, keys, &visible).await {
            Err(refused @ CrmError::Configuration { .. }) => refused,
            other => return other,
        };
        self.forget_schema(remote_type);
        let now_visible = self.visible_fields(remote_type, fields, own_key, now).await?;
        if now_visible == visible {
            return Err(refused);
        }
        self.connector.read(remote_type, keys, &now_visible).await
    }

    /// Those of the fields that the CRM describes. Our own key is asked for in any case: without it people would
    /// be made twice. Names with an underscore in front are no fields of the CRM's.
    pub(crate) async fn visible_fields(
        &self,
        remote_type: &str,
        fields: &[String],
        own_key: Option<&str>,
        now: Time,
    ) -> Result<Vec<String>> {
        let schema = self.schema(remote_type, now).await?;
        let shown = |name: &&String| name.starts_with('_') || schema.field(name).is_some();
        let mut visible: Vec<String> = fields.iter().filter(shown).cloned().collect();
        visible.extend(own_key.map(str::to_owned));
        Ok(visible)
    }

    /// Whether the CRM answers anything.
    pub(crate) async fn is_there(&self) -> bool {
        self.connector.account().await.is_ok()
    }

    fn is_closed_lookup(&self, remote_type: &str, form: KeyForm, now: Time) -> bool {
        let closed = locked(&self.closed_lookups);
        closed.get(&(remote_type.to_owned(), form)).is_some_and(|until| *until > now && until.since(now) <= LEFT)
    }

    pub(crate) fn has_closed_lookups(&self, now: Time) -> bool {
        locked(&self.closed_lookups).values().any(|until| *until > now && until.since(now) <= LEFT)
    }
}
