use assurance_metrics_model::Timestamp;
use assurance_storage::StorageError;

use crate::manifest::LeafError;
use crate::{ArchiveError, Day};

/// The log could not be read or continued.
#[derive(Debug, thiserror::Error)]
#[error("{}{kind}", if place.is_empty() { String::new() } else { format!("{place}: ") })]
#[non_exhaustive]
pub struct SealError {
    /// The file, relative to the evidence directory; empty where the kind names it.
    pub place: String,
    /// Why.
    pub kind: SealErrorKind,
}

/// Why the log could not be read or continued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealErrorKind {
    /// A file operation failed.
    #[error("{0}")]
    Storage(StorageError),
    /// The evidence could not be published before.
    #[error("{0}")]
    Archive(ArchiveError),
    /// There is no log.
    #[error("there is no log here; create it once, with `init`")]
    NotInitialised,
    /// There is a log already.
    #[error("there is a log here already; it is never created anew")]
    Exists,
    /// There is a log, and what is known of it is gone.
    #[error(
        "it is missing, while there is a log: put it back from a backup; if its key is lost too, begin a new log with `init --succeeds`"
    )]
    StateMissing,
    /// The state is none.
    #[error("it is not the state of a log: {message}; put it back from a backup")]
    StateDamaged {
        /// Why.
        message: String,
    },
    /// The checkpoint is none, or not the one that was signed last.
    #[error(
        "it is not the checkpoint that was signed last: {message}; find out who changed it, and put it back from a backup"
    )]
    Checkpoint {
        /// Why.
        message: String,
    },
    /// The key is not the log's.
    #[error("key {given} is not the log's; {wanted} signs it")]
    OtherKey {
        /// The key given.
        given: String,
        /// The log's key.
        wanted: String,
    },
    /// A published name is taken by other content.
    #[error(
        "it exists with other content than belongs there; move it away and find out who wrote it, it is never overwritten"
    )]
    Conflict,
    /// A file is not what it was published as.
    #[error("it is not what was published, so it is not sealed; put it back from a backup")]
    Changed,
    /// A leaf cannot be made.
    #[error("{0}")]
    Leaf(LeafError),
    /// The tree cannot grow.
    #[error("{0}; put the log back from a backup")]
    Tree(String),
    /// The clock stands before the newest leaf.
    #[error(
        "the clock says {now}, and the newest leaf is of {newest}; set the clock right, the log's times never run back"
    )]
    ClockBack {
        /// The present instant.
        now: Timestamp,
        /// The newest leaf.
        newest: Timestamp,
    },
    /// A hold has a name that is taken.
    #[error("hold {id:?} exists already; release it, or choose another name")]
    HoldExists {
        /// Its name.
        id: String,
    },
    /// There is no such hold.
    #[error("there is no hold {id:?}; `hold list` shows those that are")]
    NoSuchHold {
        /// Its name.
        id: String,
    },
    /// A file could not be removed where nothing can be.
    #[error(
        "it cannot be removed: {source}; if the directory is append-only, take that away for the time of pruning (chattr -a)"
    )]
    CannotRemove {
        /// Why.
        source: StorageError,
    },
    /// The facts of a published day are not what the archive writes.
    #[error("{day} has facts that cannot be read: {message}; put its file back from a backup")]
    Facts {
        /// The day.
        day: Day,
        /// Why.
        message: String,
    },
}

impl SealError {
    pub(super) fn new(place: impl Into<String>, kind: SealErrorKind) -> Self {
        Self { place: place.into(), kind }
    }

    /// Whether another process holds the lock.
    pub fn is_locked(&self) -> bool {
        match &self.kind {
            SealErrorKind::Storage(error) => {
                matches!(error.kind, assurance_storage::StorageErrorKind::Locked { .. })
            }
            SealErrorKind::Archive(error) => error.is_locked(),
            _ => false,
        }
    }

    /// Whether it was asked for what cannot be, and nothing is wrong.
    pub fn is_usage(&self) -> bool {
        match &self.kind {
            SealErrorKind::Archive(error) => error.is_usage(),
            SealErrorKind::NotInitialised
            | SealErrorKind::Exists
            | SealErrorKind::OtherKey { .. }
            | SealErrorKind::HoldExists { .. }
            | SealErrorKind::NoSuchHold { .. } => true,
            _ => false,
        }
    }

    /// Whether the evidence or the log is not what it was.
    pub fn is_integrity(&self) -> bool {
        match &self.kind {
            SealErrorKind::Archive(error) => error.is_integrity(),
            SealErrorKind::StateMissing
            | SealErrorKind::StateDamaged { .. }
            | SealErrorKind::Checkpoint { .. }
            | SealErrorKind::Conflict
            | SealErrorKind::Changed
            | SealErrorKind::Tree(_) => true,
            _ => false,
        }
    }
}

impl From<StorageError> for SealError {
    fn from(error: StorageError) -> Self {
        Self::new("", SealErrorKind::Storage(error))
    }
}

impl From<ArchiveError> for SealError {
    fn from(error: ArchiveError) -> Self {
        Self::new("", SealErrorKind::Archive(error))
    }
}

impl From<LeafError> for SealError {
    fn from(error: LeafError) -> Self {
        Self::new("", SealErrorKind::Leaf(error))
    }
}
