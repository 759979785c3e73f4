//! Where a counter that is seen for the first time, or after a restart, stood at 0.
//!
//! The idea: write what a scraper would have read if the target had shown the counter from its start. So a 0
//! is only written where it is known, never before the last scrape that succeeded, and never where the series
//! already has a sample.

use assurance_metrics_model::{Duration, MetricType, Timestamp};

/// Two start times of one process may differ by this much: exporters that subtract an uptime in whole seconds
/// from the clock are off by less than one.
const START_JITTER: Duration = Duration::from_secs(1);

/// A target's clock may be behind ours by this much, and its restarts are still recognised. A start time
/// further back than the last successful scrape and this belongs to another process behind the same address
/// (a load balancer), which did not start since.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);

/// If this many counters kept their value over a restart, and more kept than fell, the counters are not the
/// process's own: an exporter restarted, and what it reports on did not. Sixteen is more than a governed
/// service has counters that came back to their old value by chance within one interval.
const OUTLIVING_COUNTERS: usize = 16;

/// What a series is to counter birth, known from its name and type alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Starts at 0 and only grows.
    Counter,
    /// `…_created`: says when a counter started.
    Created,
    /// `process_start_time_seconds`.
    ProcessStart,
    Other,
}

impl Role {
    /// The role of a series by the name it is exposed under and the type of its family.
    ///
    /// A counter is what `# TYPE` says: a counter's samples, and the `_bucket`, `_count` and `_sum` of a
    /// histogram or summary. Without a type, a name that ends in `_total` is one, as the naming rules of
    /// Prometheus and OpenMetrics reserve it; nothing else is guessed.
    pub(crate) fn of(name: &str, metric_type: MetricType) -> Self {
        if name == "process_start_time_seconds" {
            return Self::ProcessStart;
        }
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        let counts = match metric_type {
            MetricType::Counter => !ends(&["_created"]),
            MetricType::Histogram => ends(&["_bucket", "_count", "_sum"]),
            MetricType::Summary => ends(&["_count", "_sum"]),
            MetricType::Unknown => ends(&["_total"]),
            _ => false,
        };
        // In the text format, `_created` is a gauge of its own.
        let has_births = matches!(
            metric_type,
            MetricType::Counter | MetricType::Histogram | MetricType::Summary | MetricType::Gauge
        );
        if counts {
            Self::Counter
        } else if has_births && ends(&["_created"]) {
            Self::Created
        } else {
            Self::Other
        }
    }

    /// The name shared by a counter's samples and its `_created`.
    pub(crate) fn family(name: &str) -> &str {
        ["_total", "_bucket", "_count", "_sum", "_created"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(name)
    }
}

/// What is known of a target at one scrape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contact {
    /// Time of the samples of the last scrape that succeeded.
    pub(crate) last_success: Timestamp,
    /// Time of the samples of this scrape.
    pub(crate) at: Timestamp,
    /// When the process started, if it did so since `last_success`.
    pub(crate) restarted_at: Option<Timestamp>,
    /// The process says when it started, so that no restart means: the same process.
    pub(crate) start_is_told: bool,
}

/// What was known of a series before this scrape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Before {
    /// Never seen, as far as remembered.
    Never,
    /// In the last scrape that succeeded. `written` is the time of its newest sample, a stale marker included.
    Present { written: Timestamp },
    /// Seen, and absent from the last scrape that succeeded. `value` is what this very process showed last.
    Vanished { value: Option<f64>, written: Timestamp },
}

/// When the counter itself started, by its `_created`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Created {
    /// Not told, or the same as in the last scrape.
    Unchanged,
    /// Seen for the first time in this scrape.
    First(Timestamp),
    /// Another time than in the last scrape, and a later one.
    Later(Timestamp),
}

/// Where to write a 0 for a counter that now stands at `value`, if anywhere.
pub(crate) fn zero_at(contact: &Contact, value: f64, before: Before, created: Created) -> Option<Timestamp> {
    // A counter at 0 says so itself; below 0, or NaN, it is none.
    if value.is_nan() || value <= 0.0 {
        return None;
    }
    let written = match before {
        Before::Never => Timestamp::MIN,
        Before::Present { written } | Before::Vanished { written, .. } => written,
    };
    let after = written.max(contact.last_success);
    if let Created::Later(start) = created {
        return strictly_between(start, after, contact.at);
    }
    if let Some(start) = contact.restarted_at {
        let start = match created {
            Created::First(own) if !matches!(before, Before::Present { .. }) => own,
            _ => start,
        };
        return strictly_between(start, after, contact.at);
    }
    match before {
        Before::Present { .. } => return None,
        // The same process shows a series again that it had hidden: not born, only back.
        Before::Vanished { value: Some(old), .. } if contact.start_is_told && value >= old => return None,
        Before::Vanished { .. } | Before::Never => {}
    }
    if let Created::First(start) = created
        && start < contact.last_success - MAX_CLOCK_SKEW
    {
        // It existed when it was not shown, so that its absence says nothing about its value.
        return None;
    }
    if written < contact.last_success {
        return (contact.last_success < contact.at).then_some(contact.last_success);
    }
    // The stale marker stands at the very time the series was found absent.
    strictly_between(contact.last_success, after, contact.at)
}

fn strictly_between(wanted: Timestamp, after: Timestamp, before: Timestamp) -> Option<Timestamp> {
    let tick = Duration::from_millis(1);
    let (first, last) = (after + tick, before - tick);
    (first <= last).then(|| wanted.clamp(first, last))
}

/// Whether a start time that differs from the one of the last successful scrape tells of a new start since.
pub(crate) fn started_anew(old: Timestamp, new: Timestamp, last_success: Timestamp) -> bool {
    new > old && (new - old > START_JITTER || new > last_success) && new > last_success - MAX_CLOCK_SKEW
}

/// Whether the counters of a restarted target outlive its process, by how many kept their value and how many
/// fell.
pub(crate) const fn counters_outlive_process(held: usize, fell: usize) -> bool {
    held >= OUTLIVING_COUNTERS && held > fell
}
