//! What a push has in hand: the batches that are under way, and links that were found with them.

use std::collections::{BTreeMap, VecDeque};

use mittler_store::due::Due;
use uuid::Uuid;

/// The batches of one push, and those that are to follow. Nobody else in this process takes their links up.
#[derive(Debug, Default)]
pub struct InFlight {
    running: BTreeMap<Uuid, Due>,
    ready: VecDeque<Due>,
}

impl InFlight {
    pub fn begin(&mut self, batch: Uuid, due: Due) {
        self.running.insert(batch, due);
    }

    pub fn end(&mut self, batch: Uuid) {
        self.running.remove(&batch);
    }

    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// All links that are not to be found once more.
    pub fn links(&self) -> Vec<Uuid> {
        self.running.values().chain(&self.ready).flat_map(|due| due.links.iter().copied()).collect()
    }

    /// Remote types of which so many batches are under way.
    pub fn full(&self, enough: usize) -> Vec<String> {
        let mut batches: BTreeMap<&str, usize> = BTreeMap::new();
        for due in self.running.values() {
            *batches.entry(&due.remote_type).or_default() += 1;
        }
        batches.into_iter().filter(|(_, n)| *n >= enough).map(|(remote_type, _)| remote_type.to_owned()).collect()
    }

    /// Splits what was found into batches; what does not fill one is left to be found again, with more
    /// of its kind. Gives the first batch.
    pub fn keep(&mut self, mut found: Due, size: usize) -> Due {
        let rest = found.links.split_off(size.min(found.links.len()));
        let full = rest.chunks_exact(size.max(1));
        self.ready.extend(full.map(|links| Due {
            lane: found.lane,
            remote_type: found.remote_type.clone(),
            links: links.to_vec(),
        }));
        found
    }

    /// The next batch that was found already, if its type may go.
    pub fn next_ready(&mut self, not_now: &[String]) -> Option<Due> {
        let at = self.ready.iter().position(|due| !not_now.contains(&due.remote_type))?;
        self.ready.remove(at)
    }

    /// There may be more urgent ones by now.
    pub fn discard_lookahead(&mut self) {
        self.ready.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(remote_type: &str, links: std::ops::Range<u128>) -> Due {
        Due { lane: 1, remote_type: remote_type.into(), links: links.map(Uuid::from_u128).collect() }
    }

    #[test]
    fn only_full_batches_are_kept_for_later() {
        let mut hand = InFlight::default();
        assert_eq!(hand.keep(part("Lead", 0..25), 10), part("Lead", 0..10));
        assert_eq!(hand.links().len(), 10, "the last five are found again, with more of their kind");
        assert_eq!(hand.next_ready(&["Lead".into()]), None);
        assert_eq!(hand.next_ready(&[]), Some(part("Lead", 10..20)));
        assert_eq!(hand.next_ready(&[]), None);
        assert_eq!(hand.keep(part("Lead", 0..3), 10), part("Lead", 0..3));
        hand.keep(part("Task", 0..30), 10);
        hand.discard_lookahead();
        assert_eq!(hand.next_ready(&[]), None);
    }

    #[test]
    fn a_type_is_full_with_so_many_batches() {
        let mut hand = InFlight::default();
        assert!(hand.is_idle());
        hand.begin(Uuid::from_u128(1), part("Lead", 0..2));
        hand.begin(Uuid::from_u128(2), part("Lead", 2..4));
        hand.begin(Uuid::from_u128(3), part("Task", 4..5));
        assert_eq!((hand.full(2), hand.full(3)), (vec!["Lead".to_owned()], vec![]));
        hand.end(Uuid::from_u128(2));
        assert_eq!((hand.full(2), hand.links().len()), (vec![], 3));
    }
}
