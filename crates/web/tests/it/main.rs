//! What clients read, in the shapes of Prometheus 3.5; what people read; and who is let in. The router stands over
//! a real pipeline with a clock that stands still; no sockets.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod alertmanager;
mod api;
mod bounds;
mod cors;
mod encoding;
mod endpoints;
mod errors;
mod federate;
mod page;
mod pages;
mod queries;
mod remote_write;
mod routes;
mod service;
mod stage;
mod starting;
mod stats;
mod status_api;
mod status_page;
mod strangers;
mod twin;
mod world;
