//! Whether a CRM can be written to: pauses, states of connections, and when a day ends.

use std::time::Duration;

use jiff::tz::TimeZone;
use mittler_connector::{Error as CrmError, Resets};
use mittler_core::Time;
use mittler_store::{
    Result,
    connections::{ConnectionState, Notes},
};
use tracing::{debug, warn};

use crate::{connections::Connection, push::pusher::Pusher};

/// First wait for a CRM that is not there; each further one is twice as long, up to the longest.
const DEAD: Duration = Duration::from_millis(800);

const LONGEST: Duration = Duration::from_mins(1);

/// Calls in a row that end without an answer and do not yet make a CRM one that is not there.
const BROKEN: u32 = 2;

/// How long a daily limit is waited for that ends at no known time.
const HOUR: Duration = Duration::from_hours(1);

impl Pusher {
    /// A CRM that does not work waits at its connection, not on a hundred thousand links.
    pub(crate) async fn pause(&self, connection: &Connection, error: &CrmError) -> Result<(Time, String)> {
        let now = self.clock.now();
        let jitter = Duration::from_millis(fastrand::u64(0..500));
        let (state, wait) = match error {
            CrmError::Limited { bucket, retry_after } => {
                let resets = connection.connector.profile().budget(bucket).map(|budget| budget.resets);
                let wait = match (retry_after, resets) {
                    (Some(wait), _) => *wait,
                    (None, Some(Resets::Midnight)) => self.rest_of_the_day(connection, now).await?,
                    (None, Some(Resets::Rolling(window))) => window.min(HOUR),
                    (None, None) => Duration::from_secs(10),
                };
                (ConnectionState::Waiting, wait)
            }
            CrmError::Unavailable { .. } | CrmError::TooBroad { .. } => {
                let doubled = DEAD * 2_u32.saturating_pow(connection.failed(now).min(16) - 1);
                let said = if let CrmError::Unavailable { retry_after, .. } = error { *retry_after } else { None };
                (ConnectionState::Waiting, said.unwrap_or(doubled.min(LONGEST)))
            }
            CrmError::Reauthorise { .. } => {
                connection.forget_account();
                (ConnectionState::Reauthorise, Duration::from_mins(1))
            }
            CrmError::Configuration { .. } | CrmError::Protocol { .. } => {
                (ConnectionState::Misconfigured, Duration::from_mins(1))
            }
            // The links themselves say when to look. Once is a line that broke; the next batches may go on.
            CrmError::Unknown { .. } => {
                let others = connection.failed(now).min(16) - 1;
                let wait = if others < BROKEN { Duration::ZERO } else { DEAD * 2_u32.pow(others - BROKEN) };
                (ConnectionState::Waiting, wait.min(LONGEST))
            }
            CrmError::BatchRefused { .. } | CrmError::CursorExpired { .. } => (ConnectionState::Ready, Duration::ZERO),
        };
        let until = now.plus(wait + jitter);
        let code = error.code().to_owned();
        debug!(connection.id = %connection.id, state = state.name(), code, "the CRM does not answer as hoped");
        if wait > Duration::ZERO {
            connection.pause(until, &code);
            if let CrmError::Limited { bucket, .. } = error {
                // The other processes must not try it, either.
                let (id, bucket) = (connection.id, *bucket);
                self.store.write(async move |tx| tx.block_budget(id, bucket, until).await).await?;
            }
            self.note_state(connection, state, &code, reason(error), until).await?;
        }
        Ok((until, code))
    }

    /// Writes down that a connection does not work, and why; the same is not said over and over.
    pub(crate) async fn note_state(
        &self,
        connection: &Connection,
        state: ConnectionState,
        code: &str,
        reason: Option<String>,
        until: Time,
    ) -> Result<()> {
        if !connection.is_news(state, code, until) {
            return Ok(());
        }
        if state != ConnectionState::Waiting {
            warn!(connection.id = %connection.id, state = state.name(), code, "the CRM refuses to work with this connection");
        }
        let (id, code) = (connection.id, code.to_owned());
        let reason = reason.map(|text| nobodys(&text));
        self.store
            .write(async move |tx| tx.set_connection_state(id, state, Some(&code), reason.as_deref(), until).await)
            .await
    }

    /// A write came through: the connection works, but for the types that wait.
    pub(crate) async fn note_ready(&self, connection: &Connection) -> Result<()> {
        connection.worked();
        let now = self.clock.now();
        if connection.closed_types(now).1.is_some()
            || connection.has_closed_lookups(now)
            || !connection.is_news(ConnectionState::Ready, "", Time(0))
        {
            return Ok(());
        }
        let id = connection.id;
        self.store.write(async move |tx| tx.set_connection_ready(id).await.map(|_| ())).await
    }
}

impl Pusher {
    /// Until when nobody calls this CRM, and why: as this process knows, or as another one noted. What
    /// an administrator must put right is tried by each, so that it goes on at once when it is.
    pub async fn paused(&self, connection: &Connection) -> Result<Option<(Time, String)>> {
        Ok(self.notes(connection).await?.err())
    }

    /// What other processes noted of a connection; or, if nobody calls its CRM, until when and why.
    pub(crate) async fn notes(
        &self,
        connection: &Connection,
    ) -> Result<std::result::Result<Option<Notes>, (Time, String)>> {
        let now = self.clock.now();
        let told = self.store.connection_notes(connection.id).await?;
        if let Some(told) = &told {
            connection.hear_of_retry(told.retried_at);
        }
        if let Some(known) = connection.paused(now) {
            return Ok(Err(known));
        }
        if let Some(told) =
            told.as_ref().filter(|told| told.state == ConnectionState::Waiting && told.paused_until > now.0)
        {
            let (until, code) = (Time(told.paused_until), told.code.clone().unwrap_or_default());
            connection.pause(until, &code);
            return Ok(Err((until, code)));
        }
        Ok(Ok(told))
    }

    /// How long a daily limit lasts from now.
    pub(crate) async fn rest_of_the_day(&self, connection: &Connection, now: Time) -> Result<Duration> {
        let zone = match connection.time_zone() {
            Some(zone) => Some(zone),
            None => self.store.time_zone_of(connection.id).await?,
        };
        Ok(zone.and_then(|zone| next_midnight(now, &zone)).map_or(HOUR, |midnight| midnight.since(now)))
    }

    /// Keeps in which time zone the account's days begin, while it can be asked.
    pub(crate) async fn learn_time_zone(&self, connection: &Connection) -> Result<()> {
        if !connection.connector.profile().resets_at_midnight() || connection.time_zone().is_some() {
            return Ok(());
        }
        let id = connection.id;
        let kept = if connection.is_account_told() { None } else { self.store.time_zone_of(id).await? };
        if let Some(kept) = kept {
            connection.set_time_zone(kept);
            return Ok(());
        }
        let Some(told) = connection.ask_time_zone().await else { return Ok(()) };
        let name = told.clone();
        self.store.write(async move |tx| tx.set_time_zone(id, &name).await).await?;
        connection.set_time_zone(told);
        Ok(())
    }
}

/// A CRM's words without addresses: what is noted of a connection is about nobody.
fn nobodys(text: &str) -> String {
    let words = text.split_inclusive(char::is_whitespace);
    words.map(|word| if word.contains('@') { "… " } else { word }).collect::<String>().trim_end().to_owned()
}

fn reason(error: &CrmError) -> Option<String> {
    match error {
        CrmError::Configuration { message, .. } => Some(message.clone()),
        CrmError::Reauthorise { .. } => Some("the CRM rejected the credentials; connect again".into()),
        _ => None,
    }
}

/// When the next day begins in a time zone; `None` if there is no such zone.
fn next_midnight(now: Time, zone: &str) -> Option<Time> {
    let here = now.timestamp().to_zoned(TimeZone::get(zone).ok()?);
    Some(here.tomorrow().ok()?.start_of_day().ok()?.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    #[test]
    fn a_day_ends_where_the_account_is() {
        for (now, zone, then) in [
            ("2026-11-26T22:59:59Z", "Europe/Berlin", "2026-11-26T23:00:00Z"),
            ("2026-11-26T23:00:00Z", "Europe/Berlin", "2026-11-27T23:00:00Z"),
            ("2026-11-26T12:00:00Z", "America/New_York", "2026-11-27T05:00:00Z"),
            // The day on which clocks are put forward has 23 hours.
            ("2026-03-28T23:30:00Z", "Europe/Berlin", "2026-03-29T22:00:00Z"),
        ] {
            assert_eq!(next_midnight(at(now), zone), Some(at(then)), "{now} {zone}");
        }
        assert_eq!(next_midnight(at("2026-11-26T12:00:00Z"), "Europe/Bielefeld"), None);
    }
}
