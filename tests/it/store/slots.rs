//! The schedule: whoever looks first starts a slot, and nobody starts it again.

use std::time::Duration;

use mittler_store::Clock;
use mittler_sync::Connections;
use mittler_worker::schedule::{Intervals, start_slots};

use super::Raw;
use crate::support::{Fresh, dice};

stories!(two_schedulers_start_each_of_a_thousand_slots_once);

/// A year and more, so that both changes of a year's daylight saving time lie in it: as slots are
/// counted from 1970 in UTC, none of them is missing or there twice on those days. The clocks of
/// the two differ by up to ten minutes, and by another amount each time.
async fn two_schedulers_start_each_of_a_thousand_slots_once(fresh: &Fresh) {
    let every = Duration::from_hours(9);
    let intervals = Intervals { pull: Duration::ZERO, retain: every };
    let other = if fresh.store.is_sqlite() { fresh.store.clone() } else { fresh.again().await };
    let (clocks, stores) = ([Clock::default(), Clock::default()], [fresh.store.clone(), other.clone()]);
    let connections = Connections::default();
    let mut ahead = [Duration::ZERO; 2];
    let (mut started, mut dice) = (0, dice());
    for _ in 0..1000 {
        for (clock, ahead) in clocks.iter().zip(&mut ahead) {
            let now = Duration::from_secs(dice.u64(0..600));
            clock.advance((every + now).saturating_sub(std::mem::replace(ahead, now)));
        }
        // Each looks twice, as a process does that was started again.
        let look = |n: usize| start_slots(&stores[n % 2], &clocks[n % 2], &connections, intervals);
        let (a, b, c, d) = tokio::join!(look(0), look(1), look(0), look(1));
        started += a.unwrap() + b.unwrap() + c.unwrap() + d.unwrap();
    }
    let mut raw = Raw::of(fresh).await;
    let slots = raw.number("SELECT count(*) FROM slot").await;
    let between = raw.number("SELECT max(slot_at) - min(slot_at) FROM slot").await;
    assert_eq!(between, (slots - 1) * i64::try_from(every.as_micros()).unwrap(), "a slot is missing");
    assert!((1000..=1002).contains(&slots), "{slots} slots");
    assert_eq!(i64::try_from(started).unwrap(), slots);
    assert_eq!(raw.number("SELECT count(*) FROM job").await, slots, "each started once");
    raw.close().await;
    if !fresh.store.is_sqlite() {
        other.close().await;
    }
}
