//! Which jobs may start now.
//!
//! **Invariant:** each lane of the shared workers has one slot that no other lane takes, so that neither a
//! list keeps a single lead waiting, nor single leads a list.
//!
//! **Invariant:** jobs that call a CRM run in slots of their connection. A CRM that is slow, or has a backlog,
//! holds these and nothing else.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Jobs of one connection that run at once, by what their topics begin with.
const OF_CONNECTION: [(&str, usize); 2] = [("pull:", 1), ("read:", 4)];
/// Jobs of all connections that run at once.
const MOST_OF_CONNECTIONS: usize = 256;

/// The jobs in hand of one carrier.
#[derive(Debug, Clone, Default)]
pub(crate) struct InHand(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    urgent: usize,
    other: usize,
    topics: BTreeMap<String, usize>,
}

/// A slot that a job has while this lives.
#[derive(Debug)]
pub(crate) struct Slot {
    of: InHand,
    job: Held,
}

#[derive(Debug)]
enum Held {
    Urgent,
    Other,
    Topic(String),
}

/// Slots of shared workers that are free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Free {
    pub urgent: usize,
    /// Free for either.
    pub any: usize,
    /// That is kept for what is not urgent.
    pub kept: usize,
}

impl Free {
    /// How much else may start once so much that is urgent does.
    pub fn others(self, urgent: usize) -> usize {
        self.any.saturating_sub(urgent).max(self.kept)
    }

    pub fn is_none(self) -> bool {
        self.urgent == 0 && self.others(0) == 0
    }

    /// Whether something that is due may be left for want of a slot.
    pub fn is_short(self) -> bool {
        self.urgent == 0 || self.others(0) == 0
    }
}

impl InHand {
    pub fn begin_shared(&self, urgent: bool) -> Slot {
        self.begin(if urgent { Held::Urgent } else { Held::Other })
    }

    pub fn begin_topic(&self, topic: String) -> Slot {
        self.begin(Held::Topic(topic))
    }

    fn begin(&self, job: Held) -> Slot {
        let mut counts = self.counts();
        match &job {
            Held::Urgent => counts.urgent += 1,
            Held::Other => counts.other += 1,
            Held::Topic(topic) => *counts.topics.entry(topic.clone()).or_default() += 1,
        }
        drop(counts);
        Slot { of: self.clone(), job }
    }

    pub fn free(&self, workers: usize) -> Free {
        let counts = self.counts();
        let any = workers.max(1).saturating_sub(counts.urgent + counts.other);
        Free { urgent: any.max(usize::from(counts.urgent == 0)), any, kept: usize::from(counts.other == 0) }
    }

    /// Topics of which no more can start.
    pub fn full(&self) -> Vec<String> {
        let counts = self.counts();
        let most =
            |topic: &str| OF_CONNECTION.iter().find(|(begins, _)| topic.starts_with(begins)).map_or(1, |it| it.1);
        counts
            .topics
            .iter()
            .filter(|(topic, running)| **running >= most(topic))
            .map(|(topic, _)| topic.clone())
            .collect()
    }

    /// How many more jobs of connections may start.
    pub fn free_of_connections(&self) -> usize {
        MOST_OF_CONNECTIONS.saturating_sub(self.counts().topics.values().sum())
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.of.counts();
        match &self.job {
            Held::Urgent => counts.urgent -= 1,
            Held::Other => counts.other -= 1,
            Held::Topic(topic) => {
                if let Some(running) = counts.topics.get_mut(topic) {
                    *running -= 1;
                }
                counts.topics.retain(|_, running| *running > 0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_lane_takes_the_last_slot_of_the_other() {
        let hand = InHand::default();
        assert_eq!(hand.free(2), Free { urgent: 2, any: 2, kept: 1 });
        let lists = [hand.begin_shared(false), hand.begin_shared(false)];
        assert_eq!(hand.free(2), Free { urgent: 1, any: 0, kept: 0 }, "a single lead still goes");
        let lead = hand.begin_shared(true);
        assert!(hand.free(2).is_none());
        drop(lists);
        assert_eq!(hand.free(1).others(0), 1, "and a list beside single leads");
        drop(lead);
        assert_eq!(hand.free(2), Free { urgent: 2, any: 2, kept: 1 });
    }

    #[test]
    fn a_connection_has_slots_of_its_own() {
        let hand = InHand::default();
        let slots: Vec<Slot> = ["read:a", "read:a", "read:a", "read:a", "pull:b", "read:b"]
            .map(|topic| hand.begin_topic(topic.to_owned()))
            .into();
        assert_eq!(hand.full(), ["pull:b", "read:a"]);
        drop(slots);
        assert!(hand.full().is_empty());
    }
}
