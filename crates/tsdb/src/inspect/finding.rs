//! What is wrong with a file, what that costs, and what can be done.

use std::fmt;

use assurance_metrics_model::{Labels, Timestamp};

/// Something in a file that is not as it was written, or not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// The file.
    pub file: String,
    /// The byte at which it begins.
    pub offset: u64,
    /// How many bytes it is about.
    pub bytes: u64,
    /// The UTC day of the file, of a segment.
    pub day: Option<String>,
    /// The series, where one alone is concerned.
    pub series: Option<Labels>,
    /// What is wrong, in words.
    pub what: String,
    /// What it costs.
    pub lost: Lost,
}

/// Samples that no query finds in this file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// How many; `None` where that cannot be known.
    pub samples: Option<u64>,
    /// None of them is older, as far as that is known.
    pub first: Option<Timestamp>,
    /// None of them is newer.
    pub last: Option<Timestamp>,
}

/// Which sort of finding it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FindingKind {
    /// The file could not be read to its end.
    Unreadable,
    /// Not a file of this store, where only such are.
    Foreign,
    /// Written by another version of the program.
    Version,
    /// The header of a file is damaged.
    Header,
    /// The end of a segment is missing or damaged.
    End,
    /// The index of a segment is damaged.
    Index,
    /// A chunk of a segment is damaged.
    Chunk,
    /// The summary of a chunk is not what its samples come to.
    Summary,
    /// Samples, series or chunks are not in their order, or not where they belong.
    Order,
    /// What the end of a segment says of it is not what is in it.
    Totals,
    /// A record of a log file is damaged.
    Record,
    /// A record of a log file needs another that is damaged.
    Names,
    /// A log file that takes no more records ends within one.
    TornEnd,
    /// The newest log file ends within a record: it is being written, or its writer was stopped meanwhile.
    TornTail,
}

impl FindingKind {
    /// Its name for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Foreign => "foreign_file",
            Self::Version => "other_version",
            Self::Header => "header",
            Self::End => "end",
            Self::Index => "index",
            Self::Chunk => "chunk",
            Self::Summary => "summary",
            Self::Order => "order",
            Self::Totals => "totals",
            Self::Record => "record",
            Self::Names => "names",
            Self::TornEnd => "torn_end",
            Self::TornTail => "torn_tail",
        }
    }

    /// Whether it belongs to the life of a store: nothing that was acknowledged is lost.
    pub fn is_normal(self) -> bool {
        self == Self::TornTail
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Unreadable => {
                "check the permissions and the disk (dmesg, smartctl); restore the file from a snapshot if the disk lost it"
            }
            Self::Foreign => "move it out of the directory: a server does not start as long as it is there",
            Self::Version => {
                "use the program that wrote it: a server of this version does not start as long as it is there"
            }
            Self::Header | Self::End => {
                "a server leaves the file out of its answers: restore it from a snapshot, or move it away"
            }
            Self::Index => {
                "queries of its day fail: restore it from a snapshot, or move it away to go on without its samples"
            }
            Self::Chunk => {
                "queries that need it fail: restore the file from a snapshot; without one, dump what can be read of \
                 the file before moving it away"
            }
            Self::Summary | Self::Order | Self::Totals => {
                "answers from this file may be wrong: restore it from a snapshot, and check the machine's memory"
            }
            Self::Record | Self::Names | Self::TornEnd => {
                "the next start copies it to quarantine/ and goes on without it; a snapshot taken before may have \
                 its samples"
            }
            Self::TornTail => {
                "nothing: it is being written, or was when its writer stopped; the next start cuts it off"
            }
        }
    }
}

impl Finding {
    pub(super) fn new(
        kind: FindingKind,
        file: &str,
        offset: u64,
        bytes: u64,
        what: impl Into<String>,
    ) -> Self {
        let (file, what) = (file.to_owned(), what.into());
        // Nothing was expected in somebody else's file.
        let samples = (kind == FindingKind::Foreign).then_some(0);
        let lost = Lost { samples, ..Lost::default() };
        Self { kind, file, offset, bytes, day: None, series: None, what, lost }
    }

    pub(super) fn of_day(mut self, day: &str) -> Self {
        self.day = Some(day.to_owned());
        self
    }

    pub(super) fn costs(
        mut self,
        samples: Option<u64>,
        first: Option<Timestamp>,
        last: Option<Timestamp>,
    ) -> Self {
        self.lost = Lost { samples, first, last };
        self
    }
}

/// The finding in one line, without what to do.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} bytes at byte {}: {}", self.file, self.bytes, self.offset, self.what)
    }
}

/// `120 samples from … to …`.
impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.samples {
            Some(1) => f.write_str("1 sample")?,
            Some(samples) => write!(f, "{samples} samples")?,
            None => f.write_str("an unknown number of samples")?,
        }
        match (self.first, self.last) {
            (Some(first), Some(last)) if first == last => write!(f, " at {first}"),
            (Some(first), Some(last)) => write!(f, " from {first} to {last}"),
            (Some(first), None) => write!(f, " after {first}"),
            (None, Some(last)) => write!(f, " before {last}"),
            (None, None) => Ok(()),
        }
    }
}
