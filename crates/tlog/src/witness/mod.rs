//! How logs get cosignatures (c2sp.org/tlog-witness): the request, the witness that decides, the answer.
//!
//! The witness has no memory of its own. Whoever drives it looks up what it cosigned last, asks
//! [`Witness::decide`], and hands [`Pending::commit`] a way to compare and persist in one step; only that gives
//! the cosignature out.

mod answer;
mod machine;
mod request;

pub use answer::{AnswerError, MAX_ANSWER_BYTES, read_conflict, read_cosignatures};
pub use machine::{
    Decision, Pending, Refusal, Response, SIZE_CONTENT_TYPE, Stored, TreeHead, Witness, WitnessError,
};
pub use request::{AddCheckpoint, MAX_REQUEST_BYTES, RequestError, RequestErrorKind};

use crate::hash::sha256;

/// The path, below a witness's monitoring prefix, of the latest checkpoint it cosigned for a log.
#[must_use]
pub fn checkpoint_path(origin: &str) -> String {
    format!("{}/checkpoint", sha256(origin.as_bytes()).to_hex())
}
