//! The `load`/`clear`/`eval` script language of Prometheus's PromQL tests, and its series notation, over any
//! store it can fill.
//!
//! **In scope:** reading scripts ([`Script`]) and series ([`parse_series`]); running a script over a [`Store`]
//! ([`run`]); [`MemoryStore`], the simplest store there is. Rule unit tests and scenarios use the same
//! notation.
//!
//! **Out of scope:** evaluating (`promql`). Histogram literals (`{{schema:0 …}}`) are read as unsupported, and
//! a script's result says so.
//!
//! ```
//! use assurance_promql::Options;
//! use assurance_promqltest::{MemoryStore, Script, run};
//!
//! let script = Script::parse("up.test", "
//! load 30s
//!   up{job=\"brain\"} 1 1 0 stale
//!
//! eval instant at 1m up == 0
//!   up{job=\"brain\"} 0
//!
//! eval instant at 2m up
//! ")?;
//! let outcome = run(&script, &mut MemoryStore::default(), &Options::default());
//! assert_eq!((outcome.passed(), outcome.failures().count()), (2, 0));
//! # Ok::<(), assurance_promqltest::ScriptError>(())
//! ```
//!
//! **Invariants.** Every line of a script is a command, part of one, blank or a comment; anything else is an
//! error with its line. An evaluation passes only if every expected sample is there and nothing else is.

mod compare;
mod memory;
mod run;
mod script;
mod series;

pub use memory::MemoryStore;
pub use run::{Failure, Outcome, Store, run};
pub use script::{Command, Eval, EvalTime, Expectation, Expected, Fails, Load, Script, ScriptError};
pub use series::{LoadedSeries, SeriesError, Slot, parse_labels, parse_series};
