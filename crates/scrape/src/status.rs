use std::collections::VecDeque;

use assurance_metrics_model::{Duration, Labels, Metadata, Timestamp};

use crate::TargetError;

/// How many failures of a target are remembered: an hour of a target that is down at 30 s is 120, and the
/// last sixteen show its pattern on one page.
pub const MAX_REMEMBERED_FAILURES: usize = 16;

/// Whether a target answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Health {
    /// Not scraped yet.
    #[default]
    Unknown,
    /// The last scrape succeeded.
    Up,
    /// The last scrape failed.
    Down,
}

impl Health {
    /// The word of Prometheus's API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A scrape that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailureRecord {
    /// The time of its samples.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// What is known of a target's scrapes.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TargetHealth {
    /// Whether it answers.
    pub health: Health,
    /// Since when it is so.
    pub since: Option<Timestamp>,
    /// Why the last scrape failed.
    pub last_error: Option<String>,
    /// What is odd about the last scrape although it succeeded: lines left out, samples refused.
    pub last_warning: Option<String>,
    /// The time of the last scrape's samples.
    pub last_scrape: Option<Timestamp>,
    /// How long the last scrape took.
    pub last_duration: Duration,
    /// Numbers of the last scrape.
    pub last_counts: crate::ScrapeCounts,
    /// Scrapes so far.
    pub scrapes: u64,
    /// Failed scrapes so far.
    pub failures: u64,
    /// Failed scrapes since the last that succeeded.
    pub failures_in_a_row: u64,
    /// Scrapes that were due and not made, because the one before was still under way or the caller came late.
    pub missed: u64,
    /// The last failures, oldest first, at most [`MAX_REMEMBERED_FAILURES`].
    pub history: VecDeque<FailureRecord>,
}

/// A target that is scraped.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TargetStatus<'a> {
    /// Its number, the same as in [`ScrapeId`](crate::ScrapeId).
    pub target: u64,
    /// The job's name.
    pub job: &'a str,
    /// Its labels before relabelling.
    pub discovered: &'a Labels,
    /// The labels its series get.
    pub labels: &'a Labels,
    /// What is requested.
    pub url: &'a str,
    /// Time between two scrapes.
    pub interval: Duration,
    /// Time one scrape may take.
    pub timeout: Duration,
    /// When it is scraped next.
    pub next_scrape: Timestamp,
    /// Whether a scrape is under way.
    pub in_flight: bool,
    /// How many series of it are remembered.
    pub series: usize,
    /// What is known of its scrapes.
    pub health: &'a TargetHealth,
}

/// A target that relabelling dropped.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DroppedTarget<'a> {
    /// The job's name.
    pub job: &'a str,
    /// Its labels before relabelling.
    pub discovered: &'a Labels,
}

/// A target that cannot be scraped.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct InvalidTarget<'a> {
    /// The job's name.
    pub job: &'a str,
    /// Its labels before relabelling.
    pub discovered: &'a Labels,
    /// Why not.
    pub reason: &'a TargetError,
}

/// A job and what it found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JobStatus<'a> {
    /// The job's name.
    pub job: &'a str,
    /// Targets that are scraped.
    pub targets: usize,
    /// Targets that relabelling dropped, also those beyond what is kept for display.
    pub dropped: usize,
    /// Targets that cannot be scraped.
    pub invalid: usize,
    /// Why no target of the job is scraped, if so.
    pub error: Option<String>,
    /// Files that cannot be read: pattern or path, and why.
    pub file_errors: Vec<(&'a str, &'a str)>,
}

/// What a target said of a metric family.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TargetMetadata<'a> {
    /// The target's number.
    pub target: u64,
    /// The labels of the target.
    pub labels: &'a Labels,
    /// The family's name.
    pub metric: &'a str,
    /// Type, help and unit.
    pub metadata: &'a Metadata,
}
