//! What is found, where it is said to be, and what lets it pass.

#![expect(clippy::expect_used, reason = "a test that cannot read its own files must say so")]

mod examples;
mod ignores;
mod pack;
mod reference;
mod report;
mod routes;
mod thresholds;
