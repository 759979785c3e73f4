//! An intent with the rules, the metrics and the world that it is claimed for, ready to be tried.

mod compile;
mod vacuous;

use std::fmt;
use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_policy::intents::{Environment, Intent};
use assurance_rules::AlertingRule;

use crate::timeline::{Stream, Timeline};

/// When a world begins, unless told otherwise: 2026-01-01T00:00:00Z. Late enough after 1970 that a gauge at 0
/// means long ago.
pub const ORIGIN: Timestamp = Timestamp::from_secs(1_767_225_600);

/// What is taken of a counter series that appears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CounterBirth {
    /// It stood at 0 in the scrape before, and at the process's start where that is told.
    #[default]
    Zero,
    /// Nothing, as in Prometheus.
    Unknown,
}

/// An intent that is to be tried.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// What is promised.
    pub intent: Intent,
    /// The world in which it must hold.
    pub environment: Environment,
    /// The rules that keep the promise.
    pub rules: Vec<ClaimRule>,
    /// What can happen; those that the intent is about, and those that rules confuse them with.
    pub streams: Arc<[Stream]>,
    /// What each of `streams` is to the intent.
    pub roles: Vec<Role>,
    /// What can last: names of gauges.
    pub states: Arc<[Arc<str>]>,
    /// The scrape jobs.
    pub jobs: Vec<ClaimJob>,
    /// The series of the jobs' targets that matter: those that a rule selects and those that a violation moves.
    pub series: Vec<SeriesPlan>,
    /// The absolute time of a timeline's 0.
    pub origin: Timestamp,
    /// What the scraper takes of counters that appear.
    pub birth: CounterBirth,
    /// How far back the rules look, in milliseconds.
    pub window: i64,
    /// Why the rules cannot be evaluated by the fast engine, if so.
    pub needs_full: Option<Arc<str>>,
    /// Why the alert can never fire, if so.
    pub vacuous: Option<Arc<str>>,
    /// How alerts are routed, where that is part of the claim.
    pub routing: Option<Routing>,
}

/// An alerting rule, and how its group is evaluated.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClaimRule {
    /// The rule.
    pub rule: AlertingRule,
    /// Its file.
    pub file: Arc<str>,
    /// Its group.
    pub group: Arc<str>,
    /// How often the group is evaluated, in milliseconds.
    pub interval: i64,
    /// How far before each instant it looks, in milliseconds.
    pub query_offset: i64,
}

/// What an event is to the intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It is, or counts to, a violation.
    Violation,
    /// It may happen, and is none.
    Noise,
    /// It begins a sequence.
    First,
    /// It ends a sequence.
    Then,
}

/// A scrape job with its one target.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimJob {
    /// Its name.
    pub name: Arc<str>,
    /// Where the metrics are.
    pub metrics_path: Arc<str>,
    /// The target's address, its label `instance`.
    pub instance: Arc<str>,
    /// The labels of the target, `job` and `instance` among them.
    pub target: Labels,
    /// How often it is scraped, in milliseconds.
    pub interval: i64,
    /// How often it collects events that happen elsewhere, in milliseconds; `None` where they happen in it. Such a
    /// process lives on when the other restarts.
    pub collects: Option<i64>,
    /// Index of the series that tells when the process started.
    pub process_start: Option<usize>,
}

/// A series and how it moves.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SeriesPlan {
    /// Its labels as stored, name and target's labels among them.
    pub labels: Labels,
    /// Its labels as exposed, without its name and the target's.
    pub exposed: Labels,
    /// Its name.
    pub name: Arc<str>,
    /// Index of its job.
    pub job: usize,
    /// What moves it.
    pub moves: Moves,
    /// Whether it is a counter.
    pub is_counter: bool,
    /// Whether it exists only from its first event on.
    pub lazy: bool,
    /// Whether it outlives a restart.
    pub restored: bool,
    /// Whether a rule selects it.
    pub selected: bool,
    /// Whether it is written by the scraper, and not exposed (`up`).
    pub of_scraper: bool,
}

/// What moves a series.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Moves {
    /// It counts events of these streams.
    Counter(Vec<u16>),
    /// The time of the last of them; `never` before the first, in seconds.
    LastTime {
        /// The streams.
        streams: Vec<u16>,
        /// What it shows before the first; `None` for the world's beginning.
        never: Option<f64>,
    },
    /// It has a value while a state lasts, and another otherwise.
    State {
        /// Which state.
        state: u16,
        /// Its value meanwhile.
        is: f64,
        /// Its value otherwise.
        otherwise: f64,
    },
    /// When the process started.
    ProcessStart,
    /// Whether the scrape succeeded.
    Up,
    /// Nothing.
    Constant(f64),
}

/// What a notification of an alert looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notified {
    /// The receiver, by name.
    pub receiver: Arc<str>,
    /// Its integrations, as `kind` or `kind:detail`.
    pub integrations: Vec<Arc<str>>,
    /// From the evaluation that fires to the notification.
    pub wait: Duration,
}

impl Notified {
    /// A notification of a receiver.
    pub fn new(receiver: &str, integrations: &[&str], wait: Duration) -> Self {
        Self {
            receiver: receiver.into(),
            integrations: integrations.iter().map(|&i| i.into()).collect(),
            wait,
        }
    }
}

/// Who is notified of an alert with these labels.
type Route = dyn Fn(&Labels) -> Vec<Notified> + Send + Sync;

/// Tells for an alert's labels who is notified, and how soon.
#[derive(Clone)]
pub struct Routing(pub Arc<Route>);

impl fmt::Debug for Routing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Routing(..)")
    }
}

/// A claim that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("intent {id}: {kind}")]
pub struct ClaimError {
    /// The intent's id.
    pub id: String,
    /// Why.
    pub kind: ClaimErrorKind,
}

/// Why a claim cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimErrorKind {
    /// No rule has the alert's name.
    #[error("no rule makes the alert {alert:?}{}", near(.suggestion.as_deref()))]
    NoRule {
        /// The name.
        alert: String,
        /// A rule of a similar name.
        suggestion: Option<String>,
    },
    /// Rules have the name, but not the labels.
    #[error("no rule that makes the alert {alert:?} has the labels of `match`")]
    NoMatch {
        /// The name.
        alert: String,
    },
    /// The contract knows no metric that the intent is about.
    #[error("no metric of the contract is moved by {what}{}; add one, or name another", near(.suggestion.as_deref()))]
    NoMetric {
        /// What the intent names.
        what: String,
        /// Something similar.
        suggestion: Option<String>,
    },
    /// A job that is not in the contract.
    #[error("the contract has no job {job:?}{}", near(.suggestion.as_deref()))]
    NoJob {
        /// Its name.
        job: String,
        /// A similar one.
        suggestion: Option<String>,
    },
    /// More of something than a claim may have.
    #[error("{given} {what} are more than the {limit} of one claim; narrow the intent's labels, or the rule")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        given: usize,
        /// The limit.
        limit: usize,
    },
}

fn near(suggestion: Option<&str>) -> String {
    suggestion.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default()
}

impl Claim {
    /// The claim with another absolute beginning.
    #[must_use]
    pub fn with_origin(mut self, origin: Timestamp) -> Self {
        self.origin = origin;
        self
    }

    /// The claim with a scraper that takes other things of counters that appear.
    #[must_use]
    pub fn with_birth(mut self, birth: CounterBirth) -> Self {
        self.birth = birth;
        self
    }

    /// The claim with routes.
    #[must_use]
    pub fn with_routing(mut self, routing: Routing) -> Self {
        self.routing = Some(routing);
        self
    }

    /// How often the targets are scraped, in milliseconds.
    pub fn scrape_interval(&self) -> i64 {
        self.jobs.first().map_or(30_000, |job| job.interval)
    }

    /// The longest interval at which one of the rules is evaluated, in milliseconds.
    pub fn eval_interval(&self) -> i64 {
        self.rules.iter().map(|rule| rule.interval).max().unwrap_or(30_000)
    }

    /// The same world in the terms of this claim: events and states by their names, those that it does not know
    /// left out.
    #[must_use]
    pub fn adopt(&self, timeline: &Timeline) -> Timeline {
        let mut adopted = timeline.clone();
        if !Arc::ptr_eq(&timeline.streams, &self.streams) {
            adopted.streams = Arc::clone(&self.streams);
            adopted.events.clear();
            for event in &timeline.events {
                let stream = &timeline.streams[usize::from(event.stream)];
                let known = self.streams.iter().position(|known| known == stream);
                if let Some(stream) = known.and_then(|index| u16::try_from(index).ok()) {
                    adopted.events.push(crate::timeline::Event { at: event.at, stream });
                }
            }
        }
        if !Arc::ptr_eq(&timeline.states, &self.states) {
            adopted.states = Arc::clone(&self.states);
            adopted.holds.clear();
            for hold in &timeline.holds {
                let state = &timeline.states[usize::from(hold.state)];
                let known = self.states.iter().position(|known| known == state);
                if let Some(state) = known.and_then(|index| u16::try_from(index).ok()) {
                    adopted.holds.push(crate::timeline::Hold { span: hold.span, state });
                }
            }
        }
        adopted.normalise();
        adopted
    }
}
