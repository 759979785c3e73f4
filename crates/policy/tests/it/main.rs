//! The pack against itself, its contract, its documents, and promtool.
#![expect(clippy::disallowed_methods, reason = "tests look at the files of the repository, and for promtool")]

mod aliases;
mod boundaries;
mod check;
mod contract;
mod engine;
mod intents;
mod pack;
mod promtool;
mod reference;
mod routes;
