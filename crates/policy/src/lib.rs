//! The governance pack: alerting rules GA-001 to GA-012, their unit tests, and the metric contract they stand on.
//!
//! **In scope:** the pack's files, embedded as they are ([`files`]); the pack as loaded rules ([`pack`]); the
//! metric contract as data ([`MetricContract`]); whether rules can ever fire under that contract
//! ([`MetricContract::check`]); what each alert must catch, and how fast ([`intents`]).
//!
//! **Out of scope:** evaluating rules (`rules`), runbooks (they are documents, in `docs/operations/runbooks`),
//! writing the files to a disk (the edge).
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

mod check;
mod contract;
mod files;
pub mod intents;
mod pack;

pub use check::{Mismatch, MismatchKind};
pub use contract::{Job, Metric, MetricContract, Original, metric_contract};
pub use files::{files, rule_files, rule_tests};
pub use pack::{Alert, Pack, alerts, pack};
