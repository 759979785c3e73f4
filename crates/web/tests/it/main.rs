//! What clients read, in the shapes of Prometheus 3.5; what people read; and who is let in. The router stands over
//! a real pipeline with a clock that stands still; no sockets.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod api;
mod endpoints;
mod errors;
mod guard;
mod page;
mod queries;
mod service;
mod stage;
mod status_page;
mod strangers;
mod world;
