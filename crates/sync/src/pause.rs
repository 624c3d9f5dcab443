//! Waiting for a CRM: what another process found, and when a day ends.

use std::time::Duration;

use jiff::tz::TimeZone;
use mittler_core::Time;
use mittler_store::{Result, connections::Notes};

use crate::{connections::Connection, push::Pusher};

/// How long a daily limit is waited for that ends at no known time.
const HOUR: Duration = Duration::from_hours(1);

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
        if let Some(told) = told.as_ref().filter(|told| told.state == "waiting" && told.paused_until > now.0) {
            let (until, code) = (Time(told.paused_until), told.code.clone().unwrap_or_default());
            connection.pause(until, &code);
            return Ok(Err((until, code)));
        }
        Ok(Ok(told))
    }

    /// How long a daily limit lasts from now.
    pub(crate) async fn rest_of_the_day(&self, connection: &Connection, now: Time) -> Result<Duration> {
        if !connection.connector.profile().daily_until_midnight {
            return Ok(HOUR);
        }
        let zone = match connection.time_zone() {
            Some(zone) => Some(zone),
            None => self.store.time_zone_of(connection.id).await?,
        };
        Ok(zone.and_then(|zone| next_midnight(now, &zone)).map_or(HOUR, |midnight| midnight.since(now)))
    }

    /// Keeps in which time zone the account's days begin, while it can be asked.
    pub(crate) async fn learn_time_zone(&self, connection: &Connection) -> Result<()> {
        if !connection.connector.profile().daily_until_midnight || connection.time_zone().is_some() {
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
