//! The governance pack: alerting rules GA-001 to GA-012, their unit tests, and the metric contract they stand on.
//!
//! **In scope:** the pack's files, embedded as they are ([`files`]); the pack as loaded rules ([`pack`]); the
//! metric contract as data ([`MetricContract`]); whether rules can ever fire under that contract
//! ([`MetricContract::check`]); what each alert must catch, and how fast ([`intents`]); routing and escalation
//! ([`routing`], [`escalation`]); runbooks; what ids mean in older documents ([`Aliases`]); all that is known of
//! one alert ([`explain`]).
//!
//! **Out of scope:** evaluating rules (`rules`), routing alerts (`notifier`), writing the files to a disk (the edge).
//!
//! ```
//! let pack = assurance_policy::pack().map_err(|problems| problems[0].clone())?;
//! let paged = pack.alerts.iter().find(|a| a.id == "GA-001").unwrap();
//! assert_eq!(paged.name, "GovernanceOverrideActive");
//! assert_eq!(paged.severity, "critical");
//! assert_eq!(pack.contract.check(&pack.groups), []);
//! # Ok::<(), assurance_diagnostics::Diagnostic>(())
//! ```
//!
//! **Invariants.** Every file loads in Prometheus's own promtool, and means the same there. Every metric that
//! a rule reads is in the contract, with the labels it selects by. Every alert has a unit test in which it
//! fires and one in which it just does not (but the Watchdog, which always fires).

mod aliases;
mod check;
mod contract;
mod explain;
mod files;
pub mod intents;
mod pack;
mod routes;
mod statement;

pub use aliases::{AliasError, Aliases, CANONICAL, Meaning, aliases};
pub use check::{Mismatch, MismatchKind};
pub use contract::{Job, Metric, MetricContract, Original, metric_contract};
pub use explain::{ExplainError, Explained, Explanation, Promise, Told, explain};
pub use files::{files, rule_files, rule_tests, runbooks};
pub use pack::{Alert, Pack, alerts, pack, pack_intents};
pub use routes::{escalation, routing};
pub use statement::{Residual, Statement, statements};
