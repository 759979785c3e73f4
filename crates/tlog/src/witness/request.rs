use std::fmt;
use std::str::FromStr;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::hash::Hash;
use crate::merkle::MAX_PROOF_HASHES;
use crate::note::{MAX_NOTE_BYTES, NoteError, SignedNote};
use crate::text;

/// The longest request: the old size, 63 lines of hash, and a note.
pub const MAX_REQUEST_BYTES: usize = 4096 + MAX_NOTE_BYTES;

/// A request to cosign a checkpoint: the body of `POST <prefix>/add-checkpoint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    old: u64,
    proof: Vec<Hash>,
    note: SignedNote,
    checkpoint: Checkpoint,
}

/// A body that is no such request, and in which line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("request, line {line}: {kind}")]
#[non_exhaustive]
pub struct RequestError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub kind: RequestErrorKind,
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestErrorKind {
    /// It is too long.
    #[error("a request of {0} bytes is more than the {MAX_REQUEST_BYTES} that are read")]
    TooLong(usize),
    /// It is not text.
    #[error("the request is not UTF-8")]
    Encoding,
    /// The first line is not the old size.
    #[error("\"{0}\" must be \"old\" and a decimal number")]
    Old(String),
    /// A line is no hash.
    #[error("\"{0}\" is no hash (base64 of 32 bytes)")]
    Hash(String),
    /// There are more hashes than the protocol allows.
    #[error("there are more than {MAX_PROOF_HASHES} lines of proof")]
    TooManyHashes,
    /// The text ends before the checkpoint.
    #[error("the request ends before the blank line and the checkpoint")]
    Short,
    /// The checkpoint is no signed note.
    #[error("the checkpoint is no signed note: {0}")]
    Note(NoteError),
    /// The note is no checkpoint.
    #[error("the signed note is no checkpoint: {0}")]
    Checkpoint(CheckpointError),
}

impl AddCheckpoint {
    /// A request to cosign this checkpoint, which is consistent with the tree of `old` leaves as the proof shows.
    ///
    /// # Errors
    ///
    /// When the note is no checkpoint, or there are more hashes than the protocol allows.
    pub fn new(old: u64, proof: Vec<Hash>, note: SignedNote) -> Result<Self, RequestError> {
        let before = 2 + proof.len();
        if proof.len() > MAX_PROOF_HASHES {
            let line = 2 + MAX_PROOF_HASHES;
            return Err(RequestError { line, kind: RequestErrorKind::TooManyHashes });
        }
        let checkpoint = Checkpoint::of_note(&note).map_err(|error| RequestError {
            line: before + error.line,
            kind: RequestErrorKind::Checkpoint(error),
        })?;
        Ok(Self { old, proof, note, checkpoint })
    }

    /// Reads a request's body.
    ///
    /// # Errors
    ///
    /// When it is not exactly of the form that c2sp.org/tlog-witness describes.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let error = |line, kind| RequestError { line, kind };
        if body.len() > MAX_REQUEST_BYTES {
            return Err(error(1, RequestErrorKind::TooLong(body.len())));
        }
        let body = std::str::from_utf8(body).map_err(|utf8| {
            let before = body.iter().take(utf8.valid_up_to()).filter(|byte| **byte == b'\n').count();
            error(before + 1, RequestErrorKind::Encoding)
        })?;
        let short = |line| error(line, RequestErrorKind::Short);
        let (first, mut rest) = body.split_once('\n').ok_or_else(|| short(1))?;
        let old = first.strip_prefix("old ").and_then(text::decimal);
        let old = old.ok_or_else(|| error(1, RequestErrorKind::Old(text::excerpt(first))))?;
        let mut proof = Vec::new();
        loop {
            let number = 2 + proof.len();
            let (line, after) = rest.split_once('\n').ok_or_else(|| short(number))?;
            rest = after;
            if line.is_empty() {
                break;
            }
            if proof.len() == MAX_PROOF_HASHES {
                return Err(error(number, RequestErrorKind::TooManyHashes));
            }
            let Ok(hash) = line.parse() else {
                return Err(error(number, RequestErrorKind::Hash(text::excerpt(line))));
            };
            proof.push(hash);
        }
        let before = 2 + proof.len();
        let note = SignedNote::parse(rest).map_err(|note| {
            let line = before + note.line.unwrap_or(1);
            error(line, RequestErrorKind::Note(NoteError { line: None, ..note }))
        })?;
        Self::new(old, proof, note)
    }

    /// The size of the tree that the proof starts from.
    #[must_use]
    pub fn old(&self) -> u64 {
        self.old
    }

    /// The consistency proof.
    #[must_use]
    pub fn proof(&self) -> &[Hash] {
        &self.proof
    }

    /// The signed checkpoint.
    #[must_use]
    pub fn note(&self) -> &SignedNote {
        &self.note
    }

    /// What the note says, not verified.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.note)
    }
}

impl FromStr for AddCheckpoint {
    type Err = RequestError;

    fn from_str(body: &str) -> Result<Self, RequestError> {
        Self::parse(body.as_bytes())
    }
}
