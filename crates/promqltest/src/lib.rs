//! The `load`/`clear`/`eval` script language of Prometheus's PromQL tests, and its series notation, over any
//! store it can fill.
//!
//! **In scope:** reading scripts ([`Script`]), series ([`parse_series`]) and histograms ([`parse_histogram`]);
//! running a script over a [`Store`] ([`run`]) or on anything else that answers queries ([`run_on`]);
//! [`MemoryStore`], the simplest store there is. Rule unit tests and scenarios use the same notation.
//!
//! **Out of scope:** evaluating (`promql`); the expression of an evaluation is read when the script is run.
//!
//! # The language
//! ```text
//! load 30s                                       # or load_with_nhcb: classic histograms once more, native
//!   up{job="brain"}     1 1x3 0+2x5 _ _x2 stale
//!   seconds             {{schema:0 count:3 sum:5 buckets:[1 2]}}x2 {{}}+{{count:1 sum:1}}x5
//!   total@st            -30s -30s-30sx2          # when counting began, seen from each sample
//!   total               1+1x3
//!
//! eval instant at 1m up == 0                     # or: eval range from 0 to 5m step 1m up
//!   expect warn msg: PromQL warning: …           # fail, warn, info: also regex:, or alone
//!   expect no_info                               # no_warn, ordered
//!   expect string "a"                            # or: expect range vector from 0 to 1m step 30s
//!   up{job="brain"} 0                            # a series with a value each step, or a number alone
//!
//! clear
//! ```
//! A blank line ends a command. `eval_fail`, `eval_warn`, `eval_info`, `eval_ordered`, `expected_fail_message` and
//! `expected_fail_regexp` are the older forms of what `expect` says.
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
//! error with its line and column. An evaluation passes only if every expected sample is there and nothing else
//! is, and if an instant one gives the same as the middle step of a range. [`parse_histogram`] reads what
//! [`Histogram::test_expression`](assurance_metrics_model::Histogram::test_expression) writes.

mod compare;
mod evaluation;
mod histogram;
mod memory;
mod nhcb;
mod run;
mod scan;
mod script;
mod series;

pub use evaluation::{Annotation, Eval, EvalTime, Expected, Steps, Text};
pub use histogram::parse_histogram;
pub use memory::MemoryStore;
pub use run::{Answered, Failure, Outcome, Refused, Sample, Store, Subject, Verdict, run, run_on};
pub use script::{Command, Load, Script, ScriptError};
pub use series::{LoadedSeries, SeriesError, SeriesErrorKind, Slot, parse_labels, parse_series};
