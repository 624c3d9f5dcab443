//! Times as HubSpot writes and reads them. Inside, a time is milliseconds since 1970.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, civil};

/// `2026-01-01T00:00:00.000Z`.
pub fn iso(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |time| format!("{time:.3}"))
}

/// ISO 8601 or milliseconds.
pub fn parse_datetime(text: &str) -> Option<i64> {
    if let Ok(ms) = text.parse::<i64>() {
        return Some(ms);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_millisecond());
    }
    let date = text.parse::<civil::Date>().ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

/// `YYYY-MM-DD`, or the milliseconds of midnight UTC; kept as the former.
pub fn parse_date(text: &str) -> Option<civil::Date> {
    if let Ok(ms) = text.parse::<i64>() {
        let zoned = Timestamp::from_millisecond(ms).ok()?.to_zoned(TimeZone::UTC);
        return (zoned.time() == civil::Time::midnight()).then(|| zoned.date());
    }
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}

/// The next midnight in the portal's time zone; an unknown zone counts as UTC.
pub fn next_midnight(ms: i64, zone: &str) -> i64 {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let midnight = Timestamp::from_millisecond(ms)
        .ok()
        .and_then(|time| time.to_zoned(zone.clone()).date().checked_add(1.day()).ok())
        .and_then(|tomorrow| tomorrow.to_zoned(zone).ok());
    midnight.map_or(ms.saturating_add(86_400_000), |midnight| midnight.timestamp().as_millisecond())
}
