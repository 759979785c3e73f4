//! A client that never waits for ever and never reads without a limit.

mod client;
mod decode;
mod tls;

pub use client::{Client, ClientError, ClientErrorKind, Limits, Response};
