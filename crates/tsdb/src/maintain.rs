//! What is to be done from time to time.

use std::sync::PoisonError;

use assurance_metrics_model::Timestamp;

use crate::faults::{Fault, FaultKind};
use crate::store::{Dropped, Store};

/// What [`Store::maintain`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Maintenance {
    /// What retention removed.
    pub dropped: Dropped,
    /// Whether a checkpoint took the place of the log files before it.
    pub is_checkpointed: bool,
    /// What does not work now, as [`Store::faults`] says.
    pub faults: Vec<Fault>,
}

impl Store {
    /// Does what is due: retention, and, where the log is broken, a new one.
    pub fn maintain(&self, now: Timestamp) -> Maintenance {
        let mut done = Maintenance { dropped: self.apply_retention(now), ..Maintenance::default() };
        let Some(durable) = &self.durable else { return done };
        let _alone = durable.maintenance.lock().unwrap_or_else(PoisonError::into_inner);
        if durable.faults().get(FaultKind::Log).is_some() {
            match self.checkpoint(durable) {
                Ok(()) => done.is_checkpointed = true,
                Err(error) => drop(durable.note(FaultKind::Log, now, &error)),
            }
        }
        done.faults = self.faults();
        done
    }
}
