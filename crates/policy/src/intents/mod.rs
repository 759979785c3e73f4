//! What each alert must catch, how fast, and in which world that is claimed.

mod environment;
mod read;
mod violation;

use std::collections::BTreeMap;

use assurance_metrics_model::Duration;

pub use environment::{
    Birth, CollectionEnvironment, Counters, Environment, EvalEnvironment, Loss, MonitorEnvironment,
    MonitorRestarts, MonitorState, Phase, ProcessEnvironment, Restarts, ScrapeEnvironment, Span,
};
pub use violation::{AbsenceForm, Aggregation, EventSelector, Subject, Violation};

/// Intents in one file: some hundred alerts are a large organisation.
pub const MAX_INTENTS: usize = 1000;

/// An intents file: the world that is claimed, and what is claimed of each alert.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Intents {
    /// The format of the file: 1.
    pub version: u32,
    /// The world in which the intents must hold.
    pub environment: Environment,
    /// One for each promise, in the order of the file.
    pub intents: Vec<Intent>,
}

/// What one alert promises.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Intent {
    /// Its id, such as `GA-003`; unique in the file.
    pub id: String,
    /// The same alert's ids elsewhere, by namespace.
    pub aliases: BTreeMap<String, String>,
    /// The label `alertname` of the rules that keep the promise.
    pub alert: String,
    /// Labels, as the rule writes them, that tell rules of one name apart (`match`).
    pub matching: BTreeMap<String, String>,
    /// What must be caught.
    pub violation: Violation,
    /// From the violation to the first evaluation at which the alert fires.
    pub detect_within: Duration,
    /// From the violation to the notification.
    pub notify_within: Option<Duration>,
    /// From the end of the violation to the end of the alert.
    pub clear_within: Option<Duration>,
    /// An alert that fires although nothing was violated for this long is a false alarm. Without it, only one
    /// that fires before anything ever was.
    pub quiet_otherwise: Option<Duration>,
    /// Labels that whoever responds needs.
    pub labels_required: Vec<String>,
    /// The value of the label `severity`.
    pub severity: Option<String>,
    /// Whom it must reach: receivers, or their integrations as `kind` or `kind:detail`.
    pub route: Vec<String>,
    /// The runbook.
    pub runbook: Option<String>,
    /// What must not make the alert end while the violation goes on.
    pub must_survive: Survival,
}

/// What an alert outlives while its violation goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Survival {
    /// Scrapes lost in a row; `None` for all that the environment loses.
    pub lost_scrapes: Option<u32>,
    /// Restarts of the process; `None` for all that the environment has.
    pub restarts: Option<u32>,
}

impl Intents {
    /// The intent of an id.
    pub fn intent(&self, id: &str) -> Option<&Intent> {
        self.intents.iter().find(|intent| intent.id == id)
    }
}
