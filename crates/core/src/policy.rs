//! How one of several claims wins: a pure function of the set of claims.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::Claim;

/// Which of several claims of one field wins. Each is a total order that ends with the claim id,
/// so the winner does not depend on the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// The strongest source; among equals the newest.
    Ranked,
    /// The newest; at the same time the strongest source. A guess wins only where nobody said
    /// anything.
    Newest,
    /// The first value of the strongest source; clearing it does not count.
    FillEmpty,
}

impl Policy {
    /// `Greater` if `a` wins over `b`.
    pub fn compare(self, a: &Claim<'_>, b: &Claim<'_>) -> Ordering {
        let stronger = || b.kind().rank().cmp(&a.kind().rank());
        let newer = || a.statement.observed_at.cmp(&b.statement.observed_at);
        let order = match self {
            Policy::Ranked => stronger().then_with(newer),
            Policy::Newest => b.kind().is_guess().cmp(&a.kind().is_guess()).then_with(newer).then_with(stronger),
            Policy::FillEmpty => stronger().then_with(|| newer().reverse()),
        };
        order.then_with(|| a.tie(b))
    }

    /// Whether "there is no value" competes like a value.
    pub fn clears(self) -> bool {
        self != Policy::FillEmpty
    }
}
