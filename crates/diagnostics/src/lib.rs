//! Where in which file, what is wrong, what to try: carets into YAML and PromQL, and the one door to YAML.
//!
//! **In scope:** [`Source`], a named text; [`Diagnostic`], a finding in it that prints itself with the line
//! and carets below it; [`yaml`], which reads YAML into any `serde` type and finds the place of every value
//! again; [`suggest`], the name that was probably meant.
//!
//! **Out of scope:** reading files (the edge does), colours (the caller's terminal), and what any file means.
//!
//! ```
//! use assurance_diagnostics::{Source, yaml};
//!
//! #[derive(Debug, serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Rule { expr: String }
//!
//! let source = Source::new("rules.yml", "exp: up == 0\n");
//! let problem = yaml::parse::<Rule>(&source).unwrap_err();
//! assert_eq!(problem.to_string(), "\
//! error: unknown field `exp`
//!  --> rules.yml:1:1
//!   |
//! 1 | exp: up == 0
//!   | ^^^
//!   |
//!   = help: did you mean `expr`?
//! ");
//! ```
//!
//! **Invariants.** A [`Diagnostic`] carries what it prints: it outlives its [`Source`]. Every span lies
//! inside its text and on character boundaries. No input makes this room panic, loop or grow without bound.

mod diagnostic;
mod render;
mod source;
mod suggest;
pub mod yaml;

pub use diagnostic::{Diagnostic, Severity};
pub use source::Source;
pub use suggest::suggest;
