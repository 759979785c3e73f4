use assurance_metrics_model::Duration;
use serde::Deserialize;

use super::read::{duration, durations, maybe_duration};

/// The world in which the intents must hold: what may go wrong, and how much of it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Environment {
    /// How the targets are scraped.
    pub scrape: ScrapeEnvironment,
    /// How the rules are evaluated.
    pub eval: EvalEnvironment,
    /// What the scraped process does.
    pub process: ProcessEnvironment,
    /// What the monitoring does.
    pub monitor: MonitorEnvironment,
    /// Where counters may stand when the world begins.
    pub counter_base: Vec<u64>,
    /// How events reach metrics that another process derives from them.
    pub collection: CollectionEnvironment,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            scrape: ScrapeEnvironment::default(),
            eval: EvalEnvironment::default(),
            process: ProcessEnvironment::default(),
            monitor: MonitorEnvironment::default(),
            counter_base: vec![0, 1, 100, 1_000_000],
            collection: CollectionEnvironment::default(),
        }
    }
}

/// How the targets are scraped.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ScrapeEnvironment {
    /// How often; `None` where the contract's job says it, or 30 s.
    #[serde(deserialize_with = "maybe_duration")]
    pub interval: Option<Duration>,
    /// When within the interval.
    pub phase: Phase,
    /// How much later than its slot a scrape may begin.
    #[serde(deserialize_with = "duration")]
    pub jitter: Duration,
    /// Scrapes that fail although the process is up.
    pub lost: Loss,
}

impl Default for ScrapeEnvironment {
    fn default() -> Self {
        Self {
            interval: None,
            phase: Phase::Any,
            jitter: Duration::from_secs(2),
            lost: Loss { max_consecutive: 2, max_ratio: 0.2 },
        }
    }
}

/// How the rules are evaluated.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct EvalEnvironment {
    /// How often, for groups that do not say it.
    #[serde(deserialize_with = "duration")]
    pub interval: Duration,
    /// When within the interval.
    pub phase: Phase,
    /// Evaluations that do not take place.
    pub skipped: Loss,
}

impl Default for EvalEnvironment {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(30),
            phase: Phase::Any,
            skipped: Loss { max_consecutive: 1, max_ratio: 0.1 },
        }
    }
}

/// When within an interval something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// At any instant of it, the same each time.
    Any,
    /// So long after its beginning.
    Fixed(Duration),
}

/// How much may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Loss {
    /// In a row.
    pub max_consecutive: u32,
    /// Of all, from 0 to 1.
    pub max_ratio: f64,
}

impl Loss {
    /// So many in a row, and such a part of all.
    pub const fn new(max_consecutive: u32, max_ratio: f64) -> Self {
        Self { max_consecutive, max_ratio }
    }
}

impl Default for Loss {
    fn default() -> Self {
        Self { max_consecutive: 0, max_ratio: 0.2 }
    }
}

/// What the scraped process does.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ProcessEnvironment {
    /// How often it may restart, and how long that may take.
    pub restarts: Restarts,
    /// What a restart does to counters of which no contract says it.
    pub counters: Counters,
    /// When series exist of which no contract says it.
    pub created: Birth,
}

impl Default for ProcessEnvironment {
    fn default() -> Self {
        Self { restarts: Restarts::default(), counters: Counters::InMemory, created: Birth::Lazy }
    }
}

/// Restarts of the process.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Restarts {
    /// Within any hour.
    pub max_per_hour: u32,
    /// How long it is away, from and to.
    pub downtime: Span,
}

impl Default for Restarts {
    fn default() -> Self {
        Self { max_per_hour: 2, downtime: Span { from: Duration::ZERO, to: Duration::from_secs(90) } }
    }
}

/// From and to, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// The least.
    pub from: Duration,
    /// The most.
    pub to: Duration,
}

impl Span {
    /// From and to.
    pub const fn new(from: Duration, to: Duration) -> Self {
        Self { from, to }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (from, to) = durations(deserializer)?;
        if from > to {
            return Err(serde::de::Error::custom(
                "the first duration is the longer one; write [least, most]",
            ));
        }
        Ok(Self { from, to })
    }
}

/// What a restart does to counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counters {
    /// They begin at 0 again.
    InMemory,
    /// They go on.
    Persisted,
}

/// When a series exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Birth {
    /// From its first event.
    Lazy,
    /// From the start.
    Eager,
}

/// What the monitoring itself does.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct MonitorEnvironment {
    /// How often it may restart, and how long that may take.
    pub restarts: MonitorRestarts,
    /// What a restart does to pending and firing alerts.
    pub state: MonitorState,
}

impl Default for MonitorEnvironment {
    fn default() -> Self {
        Self { restarts: MonitorRestarts::default(), state: MonitorState::Restored }
    }
}

/// Restarts of the monitoring.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct MonitorRestarts {
    /// In one timeline.
    pub max: u32,
    /// How long it is away, from and to.
    pub downtime: Span,
}

impl Default for MonitorRestarts {
    fn default() -> Self {
        Self { max: 1, downtime: Span { from: Duration::ZERO, to: Duration::from_secs(120) } }
    }
}

/// What a restart of the monitoring does to its alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MonitorState {
    /// They go on as they were.
    Restored,
    /// They begin anew.
    Lost,
}

/// How events reach metrics that another process derives from them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CollectionEnvironment {
    /// How often that process asks for events.
    #[serde(deserialize_with = "duration")]
    pub interval: Duration,
    /// The scrape jobs whose metrics are derived.
    pub jobs: Vec<String>,
}

impl Default for CollectionEnvironment {
    fn default() -> Self {
        Self { interval: Duration::from_secs(30), jobs: Vec::new() }
    }
}
