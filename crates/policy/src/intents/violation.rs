use std::collections::BTreeMap;

use assurance_metrics_model::Duration;

/// What must be caught.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Violation {
    /// Each event counts.
    Event(EventSelector),
    /// A state that lasts.
    State {
        /// The gauge that shows it.
        metric: String,
        /// Its value while it lasts.
        is: f64,
        /// What ends sooner need not be told, but may.
        min_hold: Duration,
    },
    /// More events than allowed within a span of time; rates are counted as well.
    Count {
        /// The events.
        events: EventSelector,
        /// The span.
        over: Duration,
        /// How many are still allowed.
        more_than: f64,
        /// Whether all are counted together.
        group: Aggregation,
        /// Where the count is exceeded for less, it need not be told, but may.
        min_hold: Duration,
    },
    /// Nothing is heard.
    Absence {
        /// Of what.
        of: Subject,
        /// For how long at least.
        hold: Duration,
        /// How it can come about.
        forms: Vec<AbsenceForm>,
    },
    /// One event after another.
    Sequence {
        /// What comes first.
        first: EventSelector,
        /// What must not follow.
        then: EventSelector,
        /// How soon after it.
        within: Duration,
    },
    /// Nothing: the alert must not fire, whatever these events do.
    Never(Option<EventSelector>),
    /// Everything: the alert must fire all the time, as a sign of life.
    Always,
}

/// Which events are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventSelector {
    /// The audit event: it moves every metric of the contract whose `source` names it.
    pub source: Option<String>,
    /// Without a source: the metric that counts them.
    pub metric: Option<String>,
    /// The values of their labels; a label that is not named takes any.
    pub labels: BTreeMap<String, Vec<String>>,
}

/// How events are counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aggregation {
    /// All of one process.
    Total,
    /// Those of each value of a label by themselves.
    By(String),
}

/// What falls silent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// A scrape job, `job:NAME`.
    Job(String),
    /// Events: the last one is too long ago.
    Events(EventSelector),
}

/// How a job can fall silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AbsenceForm {
    /// The target does not answer.
    Down,
    /// The target is gone from the configuration or from service discovery.
    Removed,
    /// The target answers, with nothing in it.
    Empty,
    /// The target answers, with what is no exposition.
    Garbage,
}

impl AbsenceForm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Down, Self::Removed, Self::Empty, Self::Garbage];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Removed => "removed",
            Self::Empty => "empty",
            Self::Garbage => "garbage",
        }
    }
}

impl Violation {
    /// As `kind` names it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Event(_) => "event",
            Self::State { .. } => "state",
            Self::Count { .. } => "count",
            Self::Absence { .. } => "absence",
            Self::Sequence { .. } => "sequence",
            Self::Never(_) => "never",
            Self::Always => "always",
        }
    }
}
