//! The cursor of a feed that is asked for by time: "changed since", sorted by stamp and id.
//!
//! Overlap, ties and lag are the connector's to know. What it keeps is a text that nobody else takes apart.

use std::time::Duration;

use mittler_core::Time;

use crate::{Change, ChangePage, Cursor, Error, Result};

/// The last change that was read: its stamp, and its id among those of the same stamp. Without an id it is the
/// beginning of that stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeId {
    pub at: Time,
    pub id: String,
}

impl TimeId {
    pub fn begin(at: Time) -> TimeId {
        TimeId { at, id: String::new() }
    }

    /// # Errors
    /// [`Error::CursorExpired`] for what is no cursor of this form: the feed begins anew.
    pub fn parse(cursor: &Cursor) -> Result<TimeId> {
        let parts = cursor.0.split_once(':').and_then(|(at, id)| Some((at.parse().ok()?, id)));
        let (at, id) = parts.ok_or_else(|| Error::CursorExpired { code: "unreadable_cursor".into() })?;
        Ok(TimeId { at: Time(at), id: id.to_owned() })
    }

    pub fn cursor(&self) -> Cursor {
        Cursor(format!("{}:{}", self.at.0, self.id))
    }
}

/// What a vendor's "changed since" does not promise.
#[derive(Debug, Clone, Copy)]
pub struct Blur {
    /// How long a change may be there and not be shown yet.
    pub lag: Duration,
    /// How long after its stamp a change may be committed.
    pub overlap: Duration,
}

impl Blur {
    /// The cursor of a feed that begins now.
    pub fn begin(self, now: Time) -> ChangePage {
        let followed = now.minus(self.lag);
        let safe = TimeId::begin(followed.minus(self.overlap)).cursor();
        ChangePage { changes: Vec::new(), next: None, safe, followed: Some(followed), server_time: None }
    }

    /// The changes of one answer that was asked for with `since`, oldest first. `more`: others follow at once.
    pub fn page(
        self,
        since: &TimeId,
        changes: Vec<Change>,
        more: bool,
        server_time: Option<Time>,
        now: Time,
    ) -> ChangePage {
        // What has an id goes on exactly behind a change: what was committed late lies before it.
        let begun = if since.id.is_empty() { since.at } else { since.at.minus(self.overlap) };
        let last = changes.last().map(|change| TimeId { at: change.at, id: change.id.clone() });
        let shown = server_time.unwrap_or(now).minus(self.lag);
        let followed = last.as_ref().map(|last| last.at.min(shown));
        let safe = followed.map_or(begun, |followed| followed.minus(self.overlap).max(begun));
        let next = last.filter(|last| more && last != since).map(|last| last.cursor());
        ChangePage { changes, next, safe: TimeId::begin(safe).cursor(), followed, server_time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLUR: Blur = Blur { lag: Duration::from_secs(10), overlap: Duration::from_mins(5) };

    fn at(seconds: i64) -> Time {
        Time(seconds * 1_000_000)
    }

    fn change(id: &str, seconds: i64) -> Change {
        Change { remote_type: "Lead".into(), id: id.into(), at: at(seconds), deleted: false, absorbed: Vec::new() }
    }

    fn safe(page: &ChangePage) -> Time {
        TimeId::parse(&page.safe).unwrap().at
    }

    #[test]
    fn a_later_run_reads_again_what_may_have_been_committed_late() {
        let since = TimeId::begin(at(1_000));
        let page = BLUR.page(&since, vec![change("1", 1_100), change("2", 2_000)], false, Some(at(2_100)), at(9));
        assert_eq!((safe(&page), page.followed, &page.next), (at(1_700), Some(at(2_000)), &None));
        // What the CRM may not show yet was not followed.
        let page = BLUR.page(&since, vec![change("2", 2_000)], false, None, at(2_001));
        assert_eq!((safe(&page), page.followed), (at(1_691), Some(at(1_991))));
        let empty = BLUR.page(&since, Vec::new(), false, None, at(2_000));
        assert_eq!((safe(&empty), empty.followed), (at(1_000), None));
    }

    #[test]
    fn a_run_that_is_not_at_its_end_goes_on_from_the_last_change_and_is_safe_before_it() {
        let since = TimeId::begin(at(1_000));
        let page = BLUR.page(&since, vec![change("1", 1_100), change("2", 1_500)], true, Some(at(9_000)), at(9_000));
        let next = TimeId::parse(page.next.as_ref().unwrap()).unwrap();
        assert_eq!((&next, safe(&page)), (&TimeId { at: at(1_500), id: "2".into() }, at(1_200)));
        assert_eq!(safe(&BLUR.page(&next, vec![change("3", 1_501)], true, None, at(9_000))), at(1_201));
    }

    #[test]
    fn a_cursor_never_turns_in_a_circle() {
        let since = TimeId { at: at(1_000), id: "2".into() };
        assert_eq!(BLUR.page(&since, vec![change("2", 1_000)], true, Some(at(1_001)), at(0)).next, None);
    }
}
