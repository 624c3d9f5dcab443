//! Queues without a leader.
//!
//! A killed broker can come back with a quorum queue that has no leader, for good (seen with 3.10;
//! rabbitmq/rabbitmq-server#10070, #15725): it can be declared, but confirms nothing, delivers nothing
//! and takes no consumer. Since a queue only holds ids of rows that are sent again, it is removed and
//! declared anew. To remove one that was only slow costs nothing but time.

use std::collections::HashMap;

use super::{Trouble, link::Link, topology};

/// Sessions in a row in which a queue did not answer before it counts as stuck.
const STUCK: u32 = 2;

/// How many sessions of one role in a row ended because a queue did not answer.
#[derive(Debug, Default)]
pub(super) struct Mute(HashMap<String, u32>);

impl Mute {
    /// Counts a session that ended by [`Trouble::Mute`]. Other troubles say nothing about a queue.
    pub fn noticed(&mut self, trouble: &Trouble) {
        if let Trouble::Mute(queue) = trouble {
            *self.0.entry(queue.clone()).or_default() += 1;
        }
    }

    pub fn answered(&mut self, queue: &str) {
        self.0.remove(queue);
    }

    fn take_stuck(&mut self) -> Option<String> {
        let (stuck, _) = self.0.iter().find(|(_, sessions)| **sessions >= STUCK)?;
        let stuck = stuck.clone();
        self.answered(&stuck);
        Some(stuck)
    }

    /// Removes what is stuck; whoever used it declares it in the next session.
    pub async fn remove_stuck(&mut self, link: &Link) -> Result<(), Trouble> {
        while let Some(queue) = self.take_stuck() {
            tracing::warn!(queue, "the queue does not answer; it is removed and declared anew");
            topology::remove(link, &queue).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_stuck_after_two_sessions_in_a_row_each_queue_for_itself() {
        let mut mute = Mute::default();
        let silent = |queue: &str| Trouble::Mute(queue.to_owned());
        mute.noticed(&silent("jobs"));
        mute.noticed(&silent("jobs.urgent"));
        mute.noticed(&Trouble::passing("the connection is gone"));
        assert_eq!(mute.take_stuck(), None);
        mute.answered("jobs");
        mute.noticed(&silent("jobs"));
        mute.noticed(&silent("jobs.urgent"));
        assert_eq!(mute.take_stuck().as_deref(), Some("jobs.urgent"));
        assert_eq!(mute.take_stuck(), None, "it was counted anew, and the other queue has answered between");
    }
}
