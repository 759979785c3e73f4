//! The router over a real pipeline with a clock that stands still; no sockets.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod endpoints;
mod errors;
mod guards;
mod page;
mod queries;
mod service;
mod world;
