//! Which links are next.

use std::time::Duration;

use mittler_core::job::Lane;
use mittler_store::{Result, due::Due};

use crate::{
    connections::Connection,
    push::{in_flight::InFlight, pusher::Pusher},
};

/// Links that one batch takes at most, whatever one call could.
const MOST: usize = 1_000;

/// Batches of a list that one look finds.
const AHEAD: usize = 4;

/// Due links among which those are looked for that need not wait for others. Now and then, and when nothing
/// else is in hand, all are looked at.
const DEPTH: i64 = 1_000;

/// How long a batch of a list waits for more of its kind while inputs are still being read.
pub(super) const FILL: Duration = Duration::from_secs(1);

/// What a look for due links found.
pub(super) enum Next {
    Batch(Due),
    /// `fills`: there are some, for which others are waited for.
    Nothing {
        fills: bool,
    },
}

impl Pusher {
    /// The links that are next.
    ///
    /// Of a type of which many batches are under way there are more only while nothing else is due:
    /// batches that wait for one budget must not keep those of another waiting. A list in hand fills its
    /// batches, and of those that are full one look finds several.
    pub(super) async fn next(&self, connection: &Connection, hand: &mut InFlight) -> Result<Next> {
        let (id, now) = (connection.id, self.clock.now());
        let closely = connection.looks_closely(now);
        if closely {
            self.store.expire_leases(now).await?;
        }
        let depth = if closely || hand.is_idle() { i64::MAX } else { DEPTH };
        let (closed, _) = connection.closed_types(now);
        let full = hand.full(connection.concurrency.div_ceil(2));
        if let Some(due) = hand.next_ready(&[closed.as_slice(), &full].concat()) {
            return Ok(Next::Batch(due));
        }
        hand.discard_lookahead();
        let filled = connection.filled(now, FILL);
        let mut rounds = vec![full, Vec::new()];
        rounds.dedup();
        let profile = connection.connector.profile();
        // One call's worth.
        let batch = |remote_type: &str| profile.kind(remote_type).map_or(1, |kind| kind.batch).clamp(1, MOST);
        let (in_hand, most) = (hand.links(), |remote_type: &str| AHEAD * batch(remote_type));
        let (mut filling, mut found) = (Vec::new(), None);
        'found: for full in rounds {
            let mut not_now = [closed.clone(), full, filling.clone()].concat();
            while let Some(due) = self.store.due(id, now, &in_hand, &not_now, most, depth).await? {
                // More of a list are on their way while inputs are still to be read.
                let fills = due.lane == i64::from(Lane::Scheduled.number())
                    && due.links.len() < batch(&due.remote_type)
                    && !filled.contains(&due.remote_type)
                    && self.store.any_unread().await?;
                if !fills {
                    found = Some(due);
                    break 'found;
                }
                filling.push(due.remote_type.clone());
                not_now.push(due.remote_type);
            }
        }
        let fills = !filling.is_empty();
        connection.note_filling(filling, found.as_ref().map(|due| due.remote_type.as_str()), now);
        let Some(due) = found else { return Ok(Next::Nothing { fills }) };
        let size = batch(&due.remote_type);
        Ok(Next::Batch(hand.keep(due, size)))
    }
}
