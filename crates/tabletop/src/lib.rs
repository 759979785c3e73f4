//! Exercises as data: scenarios rehearsed in virtual time, their claims checked, their report written.
//!
//! **In scope:** the scenario file ([`Scenario::parse`], with every flaw at its place); running it against the
//! simulated backend with the rules of the pack ([`rehearse`]); the [`Report`] as Markdown, JSON and JUnit XML;
//! the scenarios that come with this crate ([`scenarios`]).
//!
//! **Out of scope:** the backend and the clock (`simulator`), the rules (`policy`), files and the terminal (the
//! binary). Participants, decisions and scores: a rehearsal has no people in it, and says so.
//!
//! ```
//! use assurance_diagnostics::Source;
//! use assurance_tabletop::{Scenario, rehearse, scenarios};
//!
//! let pack = assurance_policy::pack().map_err(|problems| problems[0].clone())?;
//! let (name, text) = scenarios()[0];
//! let scenario = Scenario::parse(&Source::new(name, text), &pack).map_err(|problems| problems[0].clone())?;
//! let report = rehearse(&scenario, &pack, 1)?;
//! assert!(report.holds, "{}", report.to_markdown());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Invariants:** what a scenario says of alerts is asked of the rules that run in production, never written
//! down by hand. The same scenario, pack and seed give the same bytes. Nothing that was not measured is
//! reported as if it were.

mod check;
mod claim;
mod evidence;
mod junit;
mod lower;
mod markdown;
mod raw;
mod rehearse;
mod report;
mod scenario;
mod scenarios;
mod when;

pub use claim::{Change, Claim};
pub use evidence::{Evidence, EvidenceError, EvidenceFile};
pub use junit::to_junit;
pub use rehearse::{RehearsalError, rehearse};
pub use report::{Checked, InjectReport, Line, Milestone, Report};
pub use scenario::{Action, Environment, Inject, MAX_SPAN, Role, Scenario, Step, Trigger};
pub use scenarios::scenarios;
pub use when::{ExerciseClock, Origin, When, WhenError, Window};
