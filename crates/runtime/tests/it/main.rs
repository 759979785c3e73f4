//! The edge: what is waited for ends, what is read is bounded, what is configured is taken as a whole.

mod client;
mod driver;
mod peer;
mod server;
mod setup;
mod web_config;
