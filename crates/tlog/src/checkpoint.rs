use std::fmt;
use std::str::FromStr;

use crate::hash::Hash;
use crate::merkle::MAX_TREE_SIZE;
use crate::note::{MAX_KEY_NAME_BYTES, NoteError, SignedNote, SigningKey};
use crate::text;

/// What a log says of itself at one moment (c2sp.org/tlog-checkpoint): who it is, how long, and with which root.
///
/// Its text, which is what gets signed, is what `Display` gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

/// A text that is no checkpoint, and in which line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("checkpoint, line {line}: {kind}")]
#[non_exhaustive]
pub struct CheckpointError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub kind: CheckpointErrorKind,
}

/// What is wrong with a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointErrorKind {
    /// The text ends before its third line, or in the midst of one.
    #[error(
        "the text ends here; origin, size and root must stand in a line each, every line ended by a line feed"
    )]
    Short,
    /// The origin is empty, too long, or has characters a note may not have.
    #[error("\"{0}\" is no origin: it must be 1 to {MAX_KEY_NAME_BYTES} bytes without control characters")]
    Origin(String),
    /// The size is no decimal number without leading zeroes, or too large.
    #[error("\"{0}\" is no size (a decimal number of at most 2^63 - 1)")]
    Size(String),
    /// The root is no hash.
    #[error("\"{0}\" is no root (base64 of 32 bytes)")]
    Root(String),
    /// An extension line is empty or has characters a note may not have.
    #[error("\"{0}\" is no extension line: it must not be empty or have control characters")]
    Extension(String),
}

impl CheckpointErrorKind {
    fn at(self, line: usize) -> CheckpointError {
        CheckpointError { line, kind: self }
    }
}

fn plain(line: &str) -> bool {
    !line.is_empty() && !line.contains(|c: char| c < ' ')
}

impl Checkpoint {
    /// The checkpoint of a log with this origin, size and root.
    ///
    /// # Errors
    ///
    /// When the origin cannot be a line of a note, or the size is beyond what a log may have.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        if !plain(origin) || origin.len() > MAX_KEY_NAME_BYTES {
            return Err(CheckpointErrorKind::Origin(text::excerpt(origin)).at(1));
        }
        if size > MAX_TREE_SIZE {
            return Err(CheckpointErrorKind::Size(size.to_string()).at(2));
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions: Vec::new() })
    }

    /// Adds lines after the root. The specification advises against them: monitors cannot audit them.
    ///
    /// # Errors
    ///
    /// When a line is empty or has control characters.
    pub fn with_extensions(mut self, extensions: Vec<String>) -> Result<Self, CheckpointError> {
        for (place, line) in extensions.iter().enumerate() {
            if !plain(line) {
                return Err(CheckpointErrorKind::Extension(text::excerpt(line)).at(4 + place));
            }
        }
        self.extensions = extensions;
        Ok(self)
    }

    /// Which log.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root over them.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.root
    }

    /// Further lines, whose meaning is the log's own.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Signs it with the log's key or keys.
    ///
    /// # Errors
    ///
    /// When there are no keys, or too many.
    pub fn sign(&self, keys: &[&SigningKey]) -> Result<SignedNote, NoteError> {
        SignedNote::sign(&self.to_string(), keys)
    }

    /// The checkpoint that a note carries. It says nothing of whether the note may be believed.
    ///
    /// # Errors
    ///
    /// When the note's text is no checkpoint.
    pub fn of_note(note: &SignedNote) -> Result<Self, CheckpointError> {
        note.text().parse()
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.split_inclusive('\n').zip(1..).map(|(line, number)| {
            line.strip_suffix('\n').ok_or_else(|| CheckpointErrorKind::Short.at(number))
        });
        let mut next = |number| lines.next().unwrap_or(Err(CheckpointErrorKind::Short.at(number)));
        let (origin, size, root) = (next(1)?, next(2)?, next(3)?);
        let parsed =
            text::decimal(size).ok_or_else(|| CheckpointErrorKind::Size(text::excerpt(size)).at(2))?;
        let Ok(root) = root.parse() else {
            return Err(CheckpointErrorKind::Root(text::excerpt(root)).at(3));
        };
        let extensions = lines.map(|line| line.map(str::to_owned)).collect::<Result<_, _>>()?;
        Self::new(origin, parsed, root)?.with_extensions(extensions)
    }
}
