use std::fmt;
use std::sync::Arc;

use assurance_metrics_model::Timestamp;
use assurance_storage::{StorageError, StorageErrorKind};

/// What a [`Store`](crate::Store) cannot do at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FaultKind {
    /// Samples were taken and can be read that could not be written to the log: they are lost if the process
    /// ends before [`Store::maintain`](crate::Store::maintain) has saved them.
    Log,
    /// A finished day could not be written; its samples stay in memory and in the log.
    Segment,
    /// A checkpoint could not be written: log files stay that it would make superfluous.
    Checkpoint,
    /// Log or segment files that are no longer needed could not be removed: they take space and nothing else.
    Removal,
    /// A segment is damaged and left out of answers.
    Damaged,
}

/// Something that does not work, since when and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// What does not work.
    pub kind: FaultKind,
    /// The file.
    pub file: String,
    /// When it began: the time of the newest sample then, or that of the call where it has one.
    pub since: Timestamp,
    /// Why, as a sentence without a full stop.
    pub reason: Arc<str>,
    /// Whether the device is full: what a person can do something about.
    pub is_full: bool,
}

impl Fault {
    pub(crate) fn new(kind: FaultKind, since: Timestamp, error: &StorageError) -> Self {
        Self {
            kind,
            file: error.name.clone(),
            since,
            reason: error.to_string().into(),
            is_full: matches!(error.kind, StorageErrorKind::NoSpace),
        }
    }

    pub(crate) fn damaged(file: &str, since: Timestamp, reason: &Arc<str>) -> Self {
        let (file, reason) = (file.to_owned(), Arc::clone(reason));
        Self { kind: FaultKind::Damaged, file, since, reason, is_full: false }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            FaultKind::Log => "samples are in memory only",
            FaultKind::Segment => "finished days stay in memory and in the log",
            FaultKind::Checkpoint => "the log cannot be shortened",
            FaultKind::Removal => "files that are no longer needed stay",
            FaultKind::Damaged => "a finished day is left out of answers",
        };
        write!(f, "{what} since {}: {}", self.since, self.reason)
    }
}

impl std::error::Error for Fault {}

/// What does not work, one entry for each kind and, where files are damaged, each file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Notes a fault; one that lasts keeps its beginning.
    pub(crate) fn note(&mut self, mut fault: Fault) {
        let alike = |held: &&mut Fault| {
            held.kind == fault.kind && (held.kind != FaultKind::Damaged || held.file == fault.file)
        };
        match self.0.iter_mut().find(alike) {
            Some(held) => {
                fault.since = held.since;
                *held = fault;
            }
            None => self.0.push(fault),
        }
    }

    pub(crate) fn clear(&mut self, kind: FaultKind) {
        self.0.retain(|fault| fault.kind != kind);
    }

    pub(crate) fn get(&self, kind: FaultKind) -> Option<&Fault> {
        self.0.iter().find(|fault| fault.kind == kind)
    }

    pub(crate) fn all(&self) -> Vec<Fault> {
        self.0.clone()
    }
}
