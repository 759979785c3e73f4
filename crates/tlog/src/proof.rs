//! Proofs that travel alone (c2sp.org/tlog-proof): an entry's place, the hashes up to the root, the checkpoint.

use std::fmt;
use std::str::FromStr;

use crate::hash::{Hash, leaf_hash};
use crate::merkle::{MAX_PROOF_HASHES, ProofError, verify_inclusion};
use crate::note::{MAX_NOTE_BYTES, NoteError, SignedNote};
use crate::policy::{CheckError, Policy, Verdict};
use crate::text;

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// The longest extra data: as much as an entry may have.
pub const MAX_EXTRA_BYTES: usize = 65_535;

/// The longest proof: extra data in base64, 64 lines of hash and index, and a note.
pub const MAX_PROOF_BYTES: usize = MAX_EXTRA_BYTES.div_ceil(3) * 4 + 4096 + MAX_NOTE_BYTES;

/// A proof that an entry is in a log, as a file `.tlog-proof`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Where in the log the entry stands, from 0.
    pub index: u64,
    /// Data for whoever made the proof. Nothing proves it.
    pub extra: Option<Vec<u8>>,
    /// From the entry's sibling up to the root's child.
    pub hashes: Vec<Hash>,
    /// The log's checkpoint, with the signatures of log and witnesses.
    pub checkpoint: SignedNote,
}

/// A text that is no proof, and in which line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("proof, line {line}: {kind}")]
#[non_exhaustive]
pub struct TlogProofError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub kind: TlogProofErrorKind,
}

/// What is wrong with a proof's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlogProofErrorKind {
    /// It is too long.
    #[error("a proof of {0} bytes is more than the {MAX_PROOF_BYTES} that are read")]
    TooLong(usize),
    /// It is of another format or version.
    #[error("the first line must be \"{HEADER}\"")]
    Header,
    /// The extra data is no base64, or too long.
    #[error("the extra data must be base64 of at most {MAX_EXTRA_BYTES} bytes")]
    Extra,
    /// There is no index where one must be.
    #[error("\"{0}\" must be \"index\" and a decimal number")]
    Index(String),
    /// A line is no hash.
    #[error("\"{0}\" is no hash (base64 of 32 bytes)")]
    Hash(String),
    /// There are more hashes than any tree is high.
    #[error("there are more than {MAX_PROOF_HASHES} hashes")]
    TooManyHashes,
    /// The text ends before the checkpoint.
    #[error("the text ends before the blank line and the checkpoint")]
    Short,
    /// The checkpoint is no signed note.
    #[error("the checkpoint is no signed note: {0}")]
    Note(NoteError),
}

/// Why a proof does not show what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlogProofFailure {
    /// The checkpoint may not be believed.
    #[error(transparent)]
    Checkpoint(#[from] CheckError),
    /// The log signed it, but too few witnesses did.
    #[error("{missing} more of the policy's witnesses must have cosigned the checkpoint")]
    Quorum {
        /// The fewest further cosignatures that would do.
        missing: usize,
        /// What was found.
        verdict: Box<Verdict>,
    },
    /// The hashes do not lead from the entry to the checkpoint's root.
    #[error(transparent)]
    Inclusion(#[from] ProofError),
}

impl TlogProof {
    /// Reads a proof.
    ///
    /// # Errors
    ///
    /// When it is not exactly of the form that c2sp.org/tlog-proof describes.
    pub fn parse(proof: &str) -> Result<Self, TlogProofError> {
        if proof.len() > MAX_PROOF_BYTES {
            return Err(TlogProofError { line: 1, kind: TlogProofErrorKind::TooLong(proof.len()) });
        }
        let mut lines = Lines { rest: proof, number: 0 };
        if lines.next()? != HEADER {
            return Err(lines.error(TlogProofErrorKind::Header));
        }
        let mut line = lines.next()?;
        let mut extra = None;
        if let Some(base64) = line.strip_prefix("extra ") {
            // The length is looked at first, so that nothing is decoded only to be refused.
            let fits = base64.len() <= MAX_EXTRA_BYTES.div_ceil(3) * 4;
            let bytes = fits.then(|| text::base64_decode(base64)).flatten();
            extra = Some(bytes.ok_or_else(|| lines.error(TlogProofErrorKind::Extra))?);
            line = lines.next()?;
        }
        let index = line.strip_prefix("index ").and_then(text::decimal);
        let index = index.ok_or_else(|| lines.error(TlogProofErrorKind::Index(text::excerpt(line))))?;
        let mut hashes = Vec::new();
        loop {
            let line = lines.next()?;
            if line.is_empty() {
                break;
            }
            if hashes.len() == MAX_PROOF_HASHES {
                return Err(lines.error(TlogProofErrorKind::TooManyHashes));
            }
            let Ok(hash) = line.parse() else {
                return Err(lines.error(TlogProofErrorKind::Hash(text::excerpt(line))));
            };
            hashes.push(hash);
        }
        let before = lines.number;
        let checkpoint = SignedNote::parse(lines.rest).map_err(|error| TlogProofError {
            line: before + error.line.unwrap_or(1),
            kind: TlogProofErrorKind::Note(NoteError { line: None, ..error }),
        })?;
        Ok(Self { index, extra, hashes, checkpoint })
    }

    /// Verifies that an entry with this content is in a log that the policy trusts, and that enough witnesses
    /// saw the checkpoint.
    ///
    /// # Errors
    ///
    /// When any of that is not so.
    pub fn verify(&self, entry: &[u8], policy: &Policy) -> Result<Verdict, TlogProofFailure> {
        self.verify_leaf(&leaf_hash(entry), policy)
    }

    /// As [`verify`](Self::verify), given the entry's [leaf hash](crate::leaf_hash).
    ///
    /// # Errors
    ///
    /// When any of that is not so.
    pub fn verify_leaf(&self, leaf: &Hash, policy: &Policy) -> Result<Verdict, TlogProofFailure> {
        let verdict = policy.check(&self.checkpoint)?;
        let checkpoint = &verdict.checkpoint;
        verify_inclusion(leaf, self.index, checkpoint.size(), &checkpoint.root(), &self.hashes)?;
        match verdict.quorum {
            crate::policy::Quorum::Missing(missing) => {
                Err(TlogProofFailure::Quorum { missing, verdict: Box::new(verdict) })
            }
            _ => Ok(verdict),
        }
    }
}

struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<&'a str, TlogProofError> {
        self.number += 1;
        let (line, rest) = self.rest.split_once('\n').ok_or_else(|| self.error(TlogProofErrorKind::Short))?;
        self.rest = rest;
        Ok(line)
    }

    fn error(&self, kind: TlogProofErrorKind) -> TlogProofError {
        TlogProofError { line: self.number, kind }
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", text::base64_encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for TlogProof {
    type Err = TlogProofError;

    fn from_str(proof: &str) -> Result<Self, TlogProofError> {
        Self::parse(proof)
    }
}
