//! How one of several claims wins: a pure function of the set of claims.
//!
//! It is a choice and no order of pairs: of three claims the first may be surely older than the second
//! while nobody knows how either stands to the third.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::Claim;

/// Which of several claims of one field wins. Each choice ends with the claim id, so the winner does
/// not depend on the order of arrival.
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
    /// The claim that wins over all others; `None` without any.
    ///
    /// The newest is the one that was surely set after the others. Where that is not known - the times
    /// in which two may have been set overlap - the stronger source has it, then the one whose time is
    /// known to the moment, then the one that was received last.
    pub fn choose<'s>(self, claims: impl IntoIterator<Item = Claim<'s>>) -> Option<Claim<'s>> {
        let mut claims: Vec<Claim<'s>> = claims.into_iter().collect();
        match self {
            Policy::Newest if claims.iter().any(|claim| !claim.kind().is_guess()) => {
                claims.retain(|claim| !claim.kind().is_guess());
            }
            Policy::Newest => {}
            Policy::Ranked | Policy::FillEmpty => {
                let strongest = claims.iter().map(|claim| claim.kind().rank()).min()?;
                claims.retain(|claim| claim.kind().rank() == strongest);
            }
        }
        if self == Policy::FillEmpty {
            return claims.into_iter().min_by(|a, b| a.set().until.cmp(&b.set().until).then_with(|| a.tie(b)));
        }
        let latest = claims.iter().map(|claim| claim.set().since).max()?;
        claims.into_iter().filter(|claim| claim.set().until >= latest).max_by(Self::among_equals)
    }

    /// Which of two claims that may have been made at the same time wins.
    fn among_equals(a: &Claim<'_>, b: &Claim<'_>) -> Ordering {
        let stronger = b.kind().rank().cmp(&a.kind().rank());
        let narrow = || a.set().is_narrow().cmp(&b.set().is_narrow());
        stronger.then_with(narrow).then_with(|| a.tie(b)).then_with(|| a.set().cmp(&b.set()))
    }

    /// The claims in the order in which they win: each one wins over all that follow.
    pub fn order(self, mut claims: Vec<Claim<'_>>) -> Vec<Claim<'_>> {
        let mut ordered = Vec::with_capacity(claims.len());
        while let Some(best) = self.choose(claims.iter().cloned()) {
            if let Some(at) = claims.iter().position(|claim| *claim == best) {
                claims.swap_remove(at);
            }
            ordered.push(best);
        }
        ordered
    }

    /// Whether "there is no value" competes like a value.
    pub fn clears(self) -> bool {
        self != Policy::FillEmpty
    }
}
