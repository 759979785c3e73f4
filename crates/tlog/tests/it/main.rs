//! Trees, notes, policies and witnesses: against the definitions, against published vectors, against other
//! people's implementations, and against hostile input.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

mod hostile;
mod kit;
mod merkle;
mod notes;
mod policies;
mod proofs;
mod rivals;
mod tiling;
mod vectors;
mod witnesses;
