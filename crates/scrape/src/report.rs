use std::sync::Arc;

use assurance_exposition::ParseError;
use assurance_metrics_model::{AppendError, Duration, Timestamp};

use crate::ScrapeId;

/// What the edge says when it has no response to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapeError {
    /// What failed, for people: `connection refused`, `timeout after 10s`.
    pub reason: String,
    /// When the attempt began.
    pub started: Timestamp,
    /// How long it took.
    pub duration: Duration,
}

impl ScrapeError {
    /// An attempt that failed.
    pub fn new(reason: impl Into<String>, started: Timestamp, duration: Duration) -> Self {
        Self { reason: reason.into(), started, duration }
    }
}

/// Why a scrape failed as a whole: `up` is 0, and nothing of its body is stored.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScrapeFailure {
    /// No response arrived.
    #[error("{reason}")]
    Transport {
        /// What the edge says.
        reason: String,
    },
    /// The edge did not even report a failure.
    #[error("no answer until {deadline}, the scrape's deadline")]
    NoAnswer {
        /// When the answer was due.
        deadline: Timestamp,
    },
    /// The server answered with something else than 200.
    #[error("server returned HTTP status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// `body_size_limit`
    #[error("body size limit exceeded: more than {limit} bytes; raise body_size_limit, or expose less")]
    BodySize {
        /// The limit.
        limit: u64,
    },
    /// The body cannot be read.
    #[error("cannot parse the body: {source}")]
    Parse {
        /// Where and why.
        source: Box<ParseError>,
    },
    /// `sample_limit`
    #[error(
        "sample limit exceeded: {samples} samples, {limit} are allowed; raise sample_limit, or drop series in metric_relabel_configs"
    )]
    Samples {
        /// Samples in the body after relabelling.
        samples: u64,
        /// The limit.
        limit: u64,
    },
    /// `label_limit`
    #[error("label limit exceeded: metric {metric} has {labels} labels, {limit} are allowed by label_limit")]
    Labels {
        /// The metric's name.
        metric: String,
        /// How many labels it has.
        labels: u64,
        /// The limit.
        limit: u64,
    },
    /// `label_name_length_limit`
    #[error(
        "label name length limit exceeded: metric {metric} has a label name of {length} bytes ({start}), {limit} are allowed by label_name_length_limit"
    )]
    LabelName {
        /// The metric's name.
        metric: String,
        /// The beginning of the name.
        start: String,
        /// How long it is.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// `label_value_length_limit`
    #[error(
        "label value length limit exceeded: metric {metric}, label {name:?} has a value of {length} bytes, {limit} are allowed by label_value_length_limit"
    )]
    LabelValue {
        /// The metric's name.
        metric: String,
        /// The label's name.
        name: String,
        /// How long its value is.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// Relabelling took a series' name away.
    #[error("metric_relabel_configs left the series exposed as {series} without a name")]
    NoName {
        /// As exposed, shortened.
        series: String,
    },
    /// `target_limit`
    #[error("target limit exceeded: the job has {targets} targets, {limit} are allowed by target_limit")]
    Targets {
        /// How many targets the job has.
        targets: u64,
        /// The limit.
        limit: u64,
    },
}

/// What became of one scrape.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScrapeReport {
    /// Which scrape.
    pub id: ScrapeId,
    /// The job's name.
    pub job: Arc<str>,
    /// The time of its samples.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// Bytes of the body, decompressed.
    pub body_bytes: u64,
    /// Why it failed; `None` is success, `up` 1.
    pub failure: Option<ScrapeFailure>,
    /// What was counted.
    pub counts: ScrapeCounts,
    /// Why the store refused the first of `counts.refused` samples.
    pub first_refusal: Option<AppendError>,
}

impl ScrapeReport {
    /// Whether the scrape succeeded.
    pub const fn up(&self) -> bool {
        self.failure.is_none()
    }
}

/// Numbers of one scrape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScrapeCounts {
    /// Samples in the body.
    pub scraped: u64,
    /// Samples left after relabelling.
    pub post_relabel: u64,
    /// Series that were not in the scrape before.
    pub added: u64,
    /// Series ended by a stale marker.
    pub stale: u64,
    /// Samples of 0 written for counters that began.
    pub births: u64,
    /// Lines left out because the body has their series already, as in Prometheus: the first one counts.
    pub duplicates: u64,
    /// Samples the store refused.
    pub refused: u64,
}
