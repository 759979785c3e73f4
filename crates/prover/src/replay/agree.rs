//! Whether the fast engine says what the whole path shows.

use std::fmt;

use super::{Firing, Replay};
use crate::claim::Claim;
use crate::fast::Run;
use crate::timeline::Timeline;

/// A world of which the fast engine says something else than what happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// The world.
    pub timeline: Timeline,
    /// What the fast engine says.
    pub fast: Vec<Firing>,
    /// What the whole path shows.
    pub full: Vec<Firing>,
}

/// `None` where both say the same.
pub fn disagreement(timeline: &Timeline, fast: &Run, full: &Replay) -> Option<Disagreement> {
    let (fast, full) = (firings(fast), full.firings());
    (fast != full).then(|| Disagreement { timeline: timeline.clone(), fast, full })
}

/// What the fast engine says, in the terms of a replay.
pub fn firings(run: &Run) -> Vec<Firing> {
    let all = run.firings.iter().map(|firing| Firing {
        labels: run.alerts[firing.alert].clone(),
        from: firing.from,
        until: (firing.until != i64::MAX).then_some(firing.until),
    });
    let mut all: Vec<Firing> = all.collect();
    all.sort();
    all
}

impl Disagreement {
    /// What to say of it, for a claim.
    pub fn describe(&self, claim: &Claim) -> String {
        format!("{} ({}):\n{}{self}", claim.intent.id, claim.intent.alert, self.timeline)
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (who, firings) in [("the fast engine", &self.fast), ("the whole path", &self.full)] {
            writeln!(f, "{who}:")?;
            for firing in firings {
                writeln!(f, "  {} from {} until {:?}", firing.labels, firing.from, firing.until)?;
            }
        }
        Ok(())
    }
}
