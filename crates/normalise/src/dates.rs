//! Times as lists write them, in the time zone of the fair.

use jiff::{Timestamp, civil, tz::TimeZone};
use mittler_core::{Time, Value};

/// A point in time and the offset in minutes that held there or was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub at: Time,
    pub offset: i16,
}

impl Moment {
    pub fn value(self) -> Value {
        Value::Instant { at: self.at, offset: self.offset }
    }
}

/// Reads ISO forms, `14.04.2026 09:04:11` and its shorter kin, Excel's serial numbers, and
/// American dates where they can mean only one day.
pub fn read(text: &str, zone: &str) -> Option<Moment> {
    let text = mittler_core::value::clean(text);
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Moment { at: at.into(), offset: written_offset(&text) });
    }
    let local = iso(&text).or_else(|| parts(&text)).or_else(|| serial(&text))?;
    in_zone(local, zone)
}

/// Whether the text is a date rather than anything else.
pub fn looks_like_date(text: &str) -> bool {
    let text = text.trim();
    parts(text).is_some() || text.parse::<civil::Date>().is_ok()
}

fn in_zone(local: civil::DateTime, zone: &str) -> Option<Moment> {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    // An hour that the clock change skips or repeats is taken as jiff's "compatible" does: no
    // shift of a few minutes at a fair is worth refusing a row.
    let zoned = local.to_zoned(zone).ok()?;
    let offset = i16::try_from(zoned.offset().seconds() / 60).unwrap_or(0);
    Some(Moment { at: zoned.timestamp().into(), offset })
}

fn written_offset(text: &str) -> i16 {
    let Some(at) = text.rfind(['+', '-']).filter(|at| *at > 10) else { return 0 };
    let sign = if text.get(at..=at) == Some("-") { -1 } else { 1 };
    let digits: String = text.get(at + 1..).unwrap_or("").chars().filter(char::is_ascii_digit).collect();
    let number =
        |range: std::ops::Range<usize>| digits.get(range).and_then(|part| part.parse::<i16>().ok()).unwrap_or(0);
    sign * (number(0..2) * 60 + number(2..4))
}

fn iso(text: &str) -> Option<civil::DateTime> {
    if text.get(..10).is_none_or(|date| date.as_bytes()[4] != b'-') {
        return None;
    }
    text.parse::<civil::DateTime>().ok().or_else(|| text.parse::<civil::Date>().ok().map(|date| date.at(0, 0, 0, 0)))
}

/// `14.04.2026 09:04:11`, `14.04.26 12:44`, `16.4.2026 9:45`, `14/04/2026`, `4/22/2026 1:05 PM`.
fn parts(text: &str) -> Option<civil::DateTime> {
    let (date, clock) = match text.split_once([' ', 'T', ',']) {
        Some((date, clock)) => (date, clock.trim_start_matches(|c: char| !c.is_ascii_digit())),
        None => (text, ""),
    };
    let sign = date.chars().find(|c| matches!(c, '.' | '/' | '-'))?;
    let numbers: Vec<i16> = date.split(sign).map(|part| part.parse::<i16>().ok()).collect::<Option<_>>()?;
    let [first, second, year] = *numbers.as_slice() else { return None };
    let year = if (0..100).contains(&year) { year + 2000 } else { year };
    let (day, month) = match sign {
        '/' if first > 12 => (first, second),
        '/' if second > 12 || first == second => (second, first),
        '/' => return None,
        _ => (first, second),
    };
    let date = civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let time = if clock.is_empty() { civil::Time::midnight() } else { clock_time(clock)? };
    (1970..2200).contains(&year).then(|| date.to_datetime(time))
}

fn clock_time(text: &str) -> Option<civil::Time> {
    let upper = text.trim().trim_end_matches("Uhr").trim().to_uppercase();
    let (digits, shift) = match (upper.strip_suffix("PM"), upper.strip_suffix("AM")) {
        (Some(digits), _) => (digits.trim(), Some(12)),
        (_, Some(digits)) => (digits.trim(), Some(0)),
        _ => (upper.as_str(), None),
    };
    let numbers: Vec<i8> =
        digits.split([':', '.']).take(3).map(|part| part.parse::<i8>().ok()).collect::<Option<_>>()?;
    let hour = *numbers.first()?;
    let hour = shift.map_or(hour, |shift| if hour == 12 { shift } else { hour.saturating_add(shift) });
    civil::Time::new(hour, *numbers.get(1)?, numbers.get(2).copied().unwrap_or(0), 0).ok()
}

/// Days since 1899-12-30, as Excel counts, rounded to the second.
fn serial(text: &str) -> Option<civil::DateTime> {
    let days: f64 = text.replace(',', ".").parse().ok()?;
    if !(25_570.0..80_000.0).contains(&days) || !text.chars().all(|c| c.is_ascii_digit() || c == ',' || c == '.') {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    let seconds = (days * 86_400.0).round() as i64;
    civil::date(1899, 12, 30).at(0, 0, 0, 0).checked_add(jiff::SignedDuration::from_secs(seconds)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn utc(text: &str) -> Option<String> {
        read(text, "Europe/Berlin").map(|moment| moment.at.timestamp().to_string())
    }

    #[test]
    fn a_time_is_read_in_every_form_a_scanner_writes() {
        for (text, expected) in [
            ("14.04.2026 09:04:11", "2026-04-14T07:04:11Z"),
            ("2026-04-14T12:38:16+02:00", "2026-04-14T10:38:16Z"),
            ("46126,52986", "2026-04-14T10:43:00Z"),
            ("14.04.26 12:44", "2026-04-14T10:44:00Z"),
            ("2026-04-16 09:38:44", "2026-04-16T07:38:44Z"),
            ("2026-04-16T07:41:10Z", "2026-04-16T07:41:10Z"),
            ("16.4.2026 9:45", "2026-04-16T07:45:00Z"),
            ("4/22/2026 1:05 PM", "2026-04-22T11:05:00Z"),
        ] {
            assert_eq!(utc(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(utc("4/5/2026 1:05 PM"), None, "the fourth of May or the fifth of April");
        assert_eq!(utc("15.04.2026 09:5"), Some("2026-04-15T07:05:00Z".into()));
        assert_eq!(utc("gestern"), None);
    }

    #[test]
    fn the_clock_change_is_the_zones() {
        assert_eq!(utc("28.03.2026 12:00").as_deref(), Some("2026-03-28T11:00:00Z"));
        assert_eq!(utc("29.03.2026 12:00").as_deref(), Some("2026-03-29T10:00:00Z"));
        assert_eq!(read("29.03.2026 12:00", "Europe/Berlin").unwrap().offset, 120);
        assert!(utc("29.03.2026 02:30").is_some(), "an hour that never was is still taken");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*", zone in "\\PC{0,12}") {
            let _ = (read(&text, &zone), looks_like_date(&text));
        }

        #[test]
        fn nothing_like_a_date_makes_it_panic(text in "[0-9./:, TZ+-]{0,25}") {
            let _ = read(&text, "Europe/Berlin");
        }
    }
}
