use std::sync::Arc;

use assurance_evidence::{Fact, Published, SourceError};
use assurance_metrics_model::{Labels, Timestamp};
use assurance_notifier::Alert;
use assurance_rules::AlertEvent;

use crate::{Command, Outcome, Refusal};

/// Something that happened in a simulation, in the order in which it did.
#[derive(Clone, Debug, PartialEq)]
pub struct Occurrence {
    /// When, on the virtual clock.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum What {
    /// A command of the script was carried out, or refused.
    Acted {
        /// The command.
        command: Box<Command>,
        /// What came of it.
        result: Box<Result<Outcome, Refusal>>,
    },
    /// The backend wrote an audit event.
    Audited {
        /// The event as it was written.
        raw: Arc<str>,
    },
    /// An alert changed its state. That it was sent again is no change, and not in the log.
    Alert(Box<AlertEvent>),
    /// Monitoring began to see a target.
    TargetUp {
        /// The target's labels.
        target: Labels,
    },
    /// Monitoring lost a target.
    TargetDown {
        /// The target's labels.
        target: Labels,
        /// Why the scrape failed.
        reason: String,
    },
    /// A scrape failed: lost on purpose, or because nobody answered.
    ScrapeFailed {
        /// The job's name.
        job: Arc<str>,
        /// Why.
        reason: String,
    },
    /// A receiver took a delivery.
    Delivered {
        /// The receiver's name.
        receiver: String,
        /// What it was told.
        alerts: Arc<[Alert]>,
        /// Which attempt it was.
        attempt: u32,
    },
    /// A delivery failed, to be tried again.
    DeliveryFailed {
        /// The receiver's name.
        receiver: String,
    },
    /// The exporter collected, and something came of it: events, facts, or an error.
    Collected {
        /// How many events were new, or why there are none.
        outcome: Result<u64, SourceError>,
        /// What was recorded besides.
        facts: Vec<Fact>,
    },
    /// The exporter published a day.
    Published(Published),
}
