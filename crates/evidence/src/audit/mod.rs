//! The offline verification of an archive.

mod bytes;
mod file;
mod finding;
mod lines;
mod log;
mod signatures;

pub use finding::{Class, Finding, Severity};
