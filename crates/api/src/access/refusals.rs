//! Keys, links and sessions that open nothing: counted, logged and answered more slowly the more
//! often one source comes with them. Who comes with a right one never waits for others' wrong ones.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::http::request::Parts;

use crate::problem::Problem;

/// Who calls, as far as the network tells.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// What opened nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Key,
    Session,
    Link,
}

/// Refusals that are not slowed: a key that was just revoked, a link clicked twice.
const FREE: u32 = 5;
/// The longest that one of them waits for its answer.
const LONGEST: Duration = Duration::from_secs(2);
/// After so long without one a source begins anew.
const FORGOTTEN: Duration = Duration::from_mins(10);
/// Sources that are remembered.
const SOURCES: usize = 1_000;
/// Answers that wait at a time. More are given at once: to wait costs us a connection, too.
const WAITING: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Refusals {
    total: AtomicU64,
    waiting: AtomicUsize,
    sources: Mutex<HashMap<IpAddr, (u32, Instant)>>,
}

impl Refusals {
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Notes one, and gives the answer when it is time for it.
    pub async fn refuse(&self, what: What, parts: &Parts) -> Problem {
        self.total.fetch_add(1, Ordering::Relaxed);
        let network = parts.extensions.get::<Peer>().map(|Peer(address)| network(*address));
        let times = network.map_or(1, |network| self.again(network, Instant::now()));
        // Of an address its network is enough to see where it comes from, and is no person.
        let place = network.map(|network| network.to_string()).unwrap_or_default();
        // The first ones, and then fewer and fewer: a flood must not fill the disk.
        if times <= FREE || times.is_power_of_two() {
            tracing::warn!(what = ?what, network = place, times, "somebody came with what opens nothing");
        }
        let delay = delay(times);
        if !delay.is_zero() {
            let _slot = Slot::of(&self.waiting);
            if self.waiting.load(Ordering::Relaxed) <= WAITING {
                tokio::time::sleep(delay).await;
            }
        }
        Problem::new("unauthenticated")
    }

    /// How often this source came, now included.
    fn again(&self, network: IpAddr, now: Instant) -> u32 {
        let Ok(mut sources) = self.sources.lock() else { return 1 };
        if sources.len() >= SOURCES && !sources.contains_key(&network) {
            sources.retain(|_, (_, last)| now.duration_since(*last) < FORGOTTEN);
            // Somebody with many addresses: the source that was silent for longest makes room.
            if let Some(oldest) = sources.iter().min_by_key(|(_, (_, last))| *last).map(|(network, _)| *network)
                && sources.len() >= SOURCES
            {
                sources.remove(&oldest);
            }
        }
        let (times, last) = sources.entry(network).or_insert((0, now));
        *times = if now.duration_since(*last) < FORGOTTEN { times.saturating_add(1) } else { 1 };
        *last = now;
        *times
    }
}

/// One answer that waits, even if its caller leaves meanwhile.
struct Slot<'a>(&'a AtomicUsize);

impl Slot<'_> {
    fn of(waiting: &AtomicUsize) -> Slot<'_> {
        waiting.fetch_add(1, Ordering::Relaxed);
        Slot(waiting)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn delay(times: u32) -> Duration {
    let doublings = times.saturating_sub(FREE);
    if doublings == 0 {
        Duration::ZERO
    } else {
        (Duration::from_millis(50) * 2_u32.pow(doublings.min(10))).min(LONGEST)
    }
}

/// The network of an address: /24 and /48.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            IpAddr::from([a, b, c, 0])
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            IpAddr::from([a, b, c, 0, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_waits_longer_each_time_and_no_other_waits_for_it() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let [theirs, ours] = ["198.51.100.0", "203.0.113.0"].map(|text| text.parse().unwrap());
        let delays: Vec<Duration> = (0..20).map(|_| delay(refusals.again(theirs, now))).collect();
        assert!(delays.is_sorted() && delays[0].is_zero() && delays[19] == LONGEST, "{delays:?}");
        assert!(delay(refusals.again(ours, now)).is_zero());
        assert!(delay(refusals.again(theirs, now + FORGOTTEN)).is_zero());
    }

    #[test]
    fn sources_without_number_take_no_memory_without_number() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        for source in 0..5_000_u32 {
            refusals.again(IpAddr::from(source.to_be_bytes()), now);
        }
        assert!(refusals.sources.lock().unwrap().len() <= SOURCES);
    }

    #[test]
    fn of_an_address_only_its_network_is_kept() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("198.51.100.77"), "198.51.100.0");
        assert_eq!(of("::ffff:198.51.100.77"), "198.51.100.0");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1::");
    }
}
