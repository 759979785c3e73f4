//! The prover, by behaviour.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, in helper functions too")]

mod agree;
mod doors;
mod picture;
mod promtool;
mod replay;
mod shop;
mod verdicts;
mod worlds;
