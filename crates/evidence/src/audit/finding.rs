use std::fmt;

use serde::Serialize;

use crate::Day;

/// What kind of tampering, loss or gap fits what was found. The names are stable: scripts may rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Class {
    /// One bit of a file is not what it was.
    BitFlip,
    /// The end of a file is gone.
    Truncated,
    /// Lines stand in another order.
    ReorderedLines,
    /// Lines that were not sealed stand among those that were.
    InsertedLines,
    /// Sealed lines are gone.
    DeletedLines,
    /// Lines have another content.
    ChangedLines,
    /// Bytes follow the compressed frame, where most readers do not look.
    AppendedAfterFrame,
    /// Nothing is left of a day that is sealed and not purged.
    MissingDay,
    /// A file has another content and a checksum file that was made to fit it.
    ReplacedFile,
    /// A file is gone.
    MissingFile,
    /// A checksum file does not say what the sealed file has.
    ChecksumFile,
    /// A manifest is not what the log holds, or the log holds one that contradicts itself.
    Manifest,
    /// A tile, an entry bundle or a copy of a checkpoint is not what the signed tree says.
    Tile,
    /// The log's history is not the one that was signed before.
    RewrittenLog,
    /// The log is shorter than one that was signed before.
    RolledBack,
    /// Two histories of the same size were signed.
    SplitView,
    /// Times contradict those of the witnesses, or run backwards.
    Backdated,
    /// A signature by a key that the policy does not lead to.
    KeySwap,
    /// A signature that does not fit what it stands under.
    Signature,
    /// A day of the calendar was never sealed.
    MissingCalendarDay,
    /// A file that no leaf speaks of.
    ForeignFile,
    /// Events may be missing, by what was recorded when they were collected.
    Gap,
    /// The newest checkpoint is older than asked for.
    Stale,
    /// The witnesses that the policy asks for have not signed.
    Unwitnessed,
    /// A purged day whose files are still there.
    PurgeUnfinished,
    /// Published and not sealed yet.
    NotSealed,
    /// A day was purged before its time.
    EarlyPurge,
    /// The log's key was taken from the archive itself.
    UnpinnedKey,
    /// Bytes are not what they were, and what they were is not known.
    ChangedBytes,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What a finding means for the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// The witnesses that the policy asks for have not signed.
    Unwitnessed,
    /// What is there is what was sealed, and it is not everything.
    Incomplete,
    /// What is there is not what was sealed.
    Integrity,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What kind.
    pub class: Class,
    /// What it means.
    pub severity: Severity,
    /// The file, relative to the archive.
    pub file: String,
    /// The day whose evidence it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<Day>,
    /// The first line concerned, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The leaf of the log, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaf: Option<u64>,
    /// What was found, in a sentence.
    pub message: String,
}

impl Finding {
    pub(super) fn new(
        class: Class,
        severity: Severity,
        file: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            class,
            severity,
            file: file.into(),
            day: None,
            line: None,
            leaf: None,
            message: message.into(),
        }
    }

    pub(super) fn integrity(class: Class, file: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(class, Severity::Integrity, file, message)
    }

    pub(super) fn of_day(mut self, day: Day) -> Self {
        self.day = Some(day);
        self
    }

    pub(super) fn of_some(mut self, day: Option<Day>) -> Self {
        self.day = day;
        self
    }

    pub(super) fn at_line(mut self, line: Option<u64>) -> Self {
        self.line = line;
        self
    }

    pub(super) fn at_leaf(mut self, leaf: u64) -> Self {
        self.leaf = Some(leaf);
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}: {}", self.class, self.message)
    }
}
