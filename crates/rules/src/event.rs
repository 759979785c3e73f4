use std::sync::Arc;

use assurance_metrics_model::Timestamp;

use crate::{AlertState, EventKind};

/// Which rule something is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId {
    /// The file of its group.
    pub file: Arc<str>,
    /// The name of its group.
    pub group: Arc<str>,
    /// Its own name.
    pub rule: Arc<str>,
}

/// Something that happened to an alert, and the alert as it was then.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertEvent {
    /// What happened.
    pub kind: EventKind,
    /// Whether receivers are to be told now.
    pub notify: bool,
    /// The evaluation at which it happened.
    pub at: Timestamp,
    /// The rule of the alert.
    pub rule: RuleId,
    /// Where its expression can be looked at.
    pub generator_url: Arc<str>,
    /// The alert after it.
    pub alert: AlertState,
}
