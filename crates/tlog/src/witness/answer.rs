use crate::checkpoint::Checkpoint;
use crate::cosignature;
use crate::note::{KeyKind, MAX_SIGNATURES, NoteError, NoteSignature, VerifierKey};
use crate::text;

/// The longest answer that is read: as many cosignatures as a note may have, of 8 kB each.
pub const MAX_ANSWER_BYTES: usize = MAX_SIGNATURES * 8192;

/// Why a witness's answer is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// It is too long.
    #[error("an answer of {0} bytes is more than the {MAX_ANSWER_BYTES} that are read")]
    TooLong(usize),
    /// A line is no cosignature.
    #[error("answer, line {line}: {error}")]
    Line {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        error: NoteError,
    },
    /// It does not end in a line feed.
    #[error("the answer's last line must end in a line feed: it is cut off")]
    Unterminated,
    /// A known witness's cosignature is false.
    #[error("the cosignature of {name} in the answer is false, or of another checkpoint")]
    False {
        /// The witness.
        name: String,
    },
    /// No known witness cosigned.
    #[error("the answer has no cosignature of a witness that is known here")]
    Unknown,
    /// It is not a size.
    #[error("\"{0}\" is no size (a decimal number and a line feed)")]
    Size(String),
}

/// Reads an answer 200: the cosignatures of known witnesses on the checkpoint, each verified, to be
/// [added](crate::note::SignedNote::add) to the note. Those of others are skipped.
///
/// # Errors
///
/// When it has none, or a false one.
pub fn read_cosignatures(
    answer: &str,
    checkpoint: &Checkpoint,
    witnesses: &[VerifierKey],
) -> Result<Vec<NoteSignature>, AnswerError> {
    if answer.len() > MAX_ANSWER_BYTES {
        return Err(AnswerError::TooLong(answer.len()));
    }
    if !answer.ends_with('\n') {
        return Err(AnswerError::Unterminated);
    }
    let body = checkpoint.to_string();
    let mut found = Vec::new();
    for (line, number) in answer.split_terminator('\n').zip(1..) {
        let signature: NoteSignature =
            line.parse().map_err(|error| AnswerError::Line { line: number, error })?;
        let key = witnesses.iter().find(|key| {
            key.kind() == KeyKind::CosignatureV1
                && key.id() == signature.id()
                && key.name() == signature.name()
        });
        let Some(key) = key else { continue };
        if cosignature::verify_bytes(&body, key, signature.bytes()).is_none() {
            return Err(AnswerError::False { name: key.name().to_owned() });
        }
        if !found.contains(&signature) {
            found.push(signature);
        }
    }
    if found.is_empty() { Err(AnswerError::Unknown) } else { Ok(found) }
}

/// Reads an answer 409: the size of the checkpoint that the witness cosigned last.
///
/// # Errors
///
/// When it is no size.
pub fn read_conflict(answer: &str) -> Result<u64, AnswerError> {
    let size = answer.strip_suffix('\n').and_then(text::decimal);
    size.ok_or_else(|| AnswerError::Size(text::excerpt(answer)))
}
