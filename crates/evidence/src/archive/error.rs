use assurance_metrics_model::Timestamp;
use assurance_storage::{StorageError, StorageErrorKind};

use crate::Day;

/// The evidence could not be kept or published.
#[derive(Debug, thiserror::Error)]
#[error("{}{kind}", place_text(place))]
#[non_exhaustive]
pub struct ArchiveError {
    /// The file, relative to the evidence directory; empty where the kind names it.
    pub place: String,
    /// Why.
    pub kind: ArchiveErrorKind,
}

/// Why evidence could not be kept or published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveErrorKind {
    /// A file operation failed.
    #[error("{0}")]
    Storage(StorageError),
    /// Days are published, but what was read so far is not known.
    #[error(
        "it is missing, while days up to {latest} are published; put it back from a backup, or collect into a new directory"
    )]
    StateMissing {
        /// The latest published day.
        latest: Day,
    },
    /// The cursor is not one.
    #[error("it is not a cursor: {message}; put it back from a backup, or collect into a new directory")]
    CursorDamaged {
        /// Why.
        message: String,
    },
    /// An open file has lost bytes that were acknowledged.
    #[error(
        "it has {found} bytes, but {acknowledged} were acknowledged; evidence was cut off, put it back from a backup"
    )]
    OpenDayDamaged {
        /// What the cursor says.
        acknowledged: u64,
        /// What is there.
        found: u64,
    },
    /// The state of the log that the days are sealed in cannot be read.
    #[error("{message}")]
    Log {
        /// Why.
        message: String,
        /// Whether it is not what it was, rather than unreadable.
        integrity: bool,
    },
    /// A published name is taken by other content.
    #[error(
        "it exists with other content than this day has; move it away and find out who wrote it, it is never overwritten"
    )]
    Conflict,
    /// So many days are due at once that the clock is more likely wrong than the exporter late.
    #[error(
        "the clock says {now}, and the last collection was at {collected}; set the clock right, days are not published so far ahead"
    )]
    ClockJump {
        /// The present instant.
        now: Timestamp,
        /// The last collection.
        collected: Timestamp,
    },
    /// The directory belongs to a source of another kind.
    #[error(
        "this directory holds what was read from {held}, which cannot be continued from {wanted}; collect that into another directory"
    )]
    OtherSource {
        /// What the cursor says.
        held: String,
        /// What was asked for.
        wanted: String,
    },
    /// The backend gives 1 to 1,000 entries.
    #[error("a limit of {limit} is not possible; the backend takes 1 to 1000")]
    BadLimit {
        /// What was asked for.
        limit: usize,
    },
    /// An earlier call failed, and what is on the disk is unknown.
    #[error("an earlier error left its files in an unknown state; start the program again")]
    Broken,
}

fn place_text(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!("{place}: ") }
}

impl ArchiveError {
    pub(crate) fn new(place: impl Into<String>, kind: ArchiveErrorKind) -> Self {
        Self { place: place.into(), kind }
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is what errors are mapped with")]
    pub(crate) fn of_log(error: crate::seal::SealError) -> Self {
        let (message, integrity) = (error.to_string(), error.is_integrity());
        Self::new("", ArchiveErrorKind::Log { message, integrity })
    }

    /// Whether another process holds the directory, so that trying again later may do.
    pub fn is_locked(&self) -> bool {
        matches!(&self.kind, ArchiveErrorKind::Storage(error)
            if matches!(error.kind, StorageErrorKind::Locked { .. }))
    }

    /// Whether evidence is not what it was.
    pub fn is_integrity(&self) -> bool {
        matches!(
            self.kind,
            ArchiveErrorKind::StateMissing { .. }
                | ArchiveErrorKind::CursorDamaged { .. }
                | ArchiveErrorKind::OpenDayDamaged { .. }
                | ArchiveErrorKind::Conflict
                | ArchiveErrorKind::Log { integrity: true, .. }
        )
    }

    /// Whether what was asked for cannot be done at all.
    pub fn is_usage(&self) -> bool {
        matches!(self.kind, ArchiveErrorKind::OtherSource { .. } | ArchiveErrorKind::BadLimit { .. })
    }
}

impl From<StorageError> for ArchiveError {
    fn from(error: StorageError) -> Self {
        Self::new("", ArchiveErrorKind::Storage(error))
    }
}
