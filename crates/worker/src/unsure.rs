//! What is done with people who may be somebody known: by default nothing is made of them in a CRM for a day.

use std::{fmt, str::FromStr, time::Duration};

use mittler_core::Time;
use serde::Deserialize;

/// Longer than any question waits; counted from when they came in.
const FOR_GOOD: Duration = Duration::from_hours(100 * 8_760);

/// What becomes of people who may be somebody known, before anybody has said whether they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Unsure {
    /// They are written at once; the question comes afterwards.
    Write,
    /// Nothing is made of them in a CRM until somebody answers.
    Hold,
    /// As [`Unsure::Hold`], but they are written after that time, and the question stays.
    HoldFor(Duration),
}

impl Default for Unsure {
    fn default() -> Self {
        Unsure::HoldFor(Duration::from_hours(24))
    }
}

impl Unsure {
    /// Until when somebody who came in now is held.
    pub fn until(self, now: Time) -> Time {
        match self {
            Unsure::Write => Time(0),
            Unsure::Hold => now.plus(FOR_GOOD),
            Unsure::HoldFor(time) => now.plus(time),
        }
    }
}

/// What `identity.unsure` cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotUnsure(String);

impl fmt::Display for NotUnsure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not one of \"hold 24h\" (any number of hours, or of days as \"hold 3d\"), \"hold\" and \"write\"",
            self.0
        )
    }
}

impl std::error::Error for NotUnsure {}

impl FromStr for Unsure {
    type Err = NotUnsure;

    fn from_str(text: &str) -> Result<Self, NotUnsure> {
        let wrong = || NotUnsure(text.to_owned());
        match text.trim() {
            "write" => return Ok(Unsure::Write),
            "hold" => return Ok(Unsure::Hold),
            _ => {}
        }
        let time = text.trim().strip_prefix("hold ").ok_or_else(wrong)?.trim();
        let (number, hours) = match (time.strip_suffix('h'), time.strip_suffix('d')) {
            (Some(number), _) => (number, 1),
            (None, Some(number)) => (number, 24),
            (None, None) => return Err(wrong()),
        };
        let number: u64 = number.trim().parse().map_err(|_| wrong())?;
        // A year is longer than any question waits.
        let hours = number.checked_mul(hours).filter(|hours| (1..=8_760).contains(hours)).ok_or_else(wrong)?;
        Ok(Unsure::HoldFor(Duration::from_hours(hours)))
    }
}

impl TryFrom<String> for Unsure {
    type Error = NotUnsure;

    fn try_from(text: String) -> Result<Self, NotUnsure> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_held_for_hours_days_for_good_or_not_at_all() {
        let read = |text: &str| text.parse::<Unsure>();
        assert_eq!(read("hold 24h"), Ok(Unsure::default()));
        assert_eq!(read("hold 2d"), Ok(Unsure::HoldFor(Duration::from_hours(48))));
        assert_eq!((read("hold"), read("write")), (Ok(Unsure::Hold), Ok(Unsure::Write)));
        for text in
            ["", "hold 24", "hold h", "hold 0h", "hold -1h", "hold 24 hours", "hold 9999999999999999999h", "holds"]
        {
            assert!(read(text).unwrap_err().to_string().contains("hold 24h"), "{text}");
        }
        let now = Time::from_millis(5);
        assert_eq!((Unsure::Write.until(now), Unsure::Hold.until(now)), (Time(0), now.plus(FOR_GOOD)));
    }
}
