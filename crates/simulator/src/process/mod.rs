//! Any scraped process before the pipeline that runs in production, on a virtual clock.
//!
//! Where [`World`](crate::World) is one backend in every detail, here a process is no more than what it shows
//! at `/metrics`, as a function of time. What the pipeline then sees is up to [`Surroundings`]: how late a
//! scrape begins, whether it arrives, and as what. Schedules, counter birth, staleness, `up`, rules and
//! notifications are production's own.

mod monitor;
mod scripted;

use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_notifier::AlertStatus;
use assurance_rules::EventKind;

pub use monitor::{Monitor, MonitorConfig, MonitorError, Outage};
pub use scripted::{Scripted, State};

/// What the monitored processes and the network between do.
pub trait Surroundings {
    /// What the process at this URL shows when asked at this instant; `None` while nobody answers there.
    fn page(&mut self, url: &str, at: Timestamp) -> Option<String>;

    /// What becomes of the scrape of a job that is due at this instant.
    fn passage(&mut self, _job: &str, _due: Timestamp) -> Passage {
        Passage::default()
    }

    /// How long a delivery takes that begins now, and whether the receiver takes it.
    fn delivery(&mut self, _at: Timestamp) -> (Duration, bool) {
        (Duration::ZERO, true)
    }
}

/// What becomes of one scrape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    /// How much later than due the request is made; the page is of then.
    pub delay: Duration,
    /// How long the answer takes. Longer than the job's timeout is a failure.
    pub latency: Duration,
    /// What arrives.
    pub fate: Fate,
}

/// What arrives of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// The page.
    #[default]
    Whole,
    /// Nothing, until the timeout.
    Lost,
    /// A page without a line, with status 200.
    Empty,
    /// Something else, with status 200: the page of a proxy.
    Garbage,
    /// Status 503.
    Refused,
}

/// Something that monitoring did, in the order in which it did.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Observed,
}

/// What monitoring did.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Observed {
    /// The outcome of a scrape became known.
    Scraped {
        /// The job's name.
        job: String,
        /// The time of its samples.
        stamp: Timestamp,
        /// Why it failed, if it did.
        failure: Option<String>,
    },
    /// Rules were evaluated.
    Evaluated {
        /// The group's name.
        group: String,
        /// The instant of which.
        of: Timestamp,
    },
    /// An alert changed its state.
    Alert {
        /// How.
        kind: EventKind,
        /// Its labels.
        labels: Labels,
        /// The value of its expression.
        value: f64,
    },
    /// A receiver took word of an alert: of each of its states once, not of what was sent again.
    Notified {
        /// The receiver's name.
        receiver: String,
        /// The alert's labels.
        labels: Labels,
        /// What was said.
        status: AlertStatus,
    },
    /// The evaluator stopped.
    Stopped,
    /// The evaluator began anew.
    Started {
        /// Alerts that it remembered.
        alerts: usize,
    },
}
