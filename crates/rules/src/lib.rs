//! Rule files, recording and alerting rules, and the alert state machine, with time as an argument.
//!
//! **In scope:** reading rule files as Prometheus does ([`RuleFile`]), with every problem at its place;
//! evaluating groups at their instants ([`Manager`]); the life of alerts, what to send and when; what of it
//! must survive a restart ([`ManagerState`]); promtool's unit tests over the same machine ([`unit_test`]).
//!
//! **Out of scope:** evaluating expressions (`promql`), keeping samples (`tsdb`), delivering notifications
//! (`notifier`), reading files and the clock (the edge).
//!
//! ```
//! use assurance_diagnostics::Source;
//! use assurance_rules::RuleFile;
//!
//! let source = Source::new("rules.yml", "\
//! groups:
//! - name: backend
//!   rules:
//!   - alert: BackendDown
//!     expr: up{job=\"backend\"} == 0
//!     for: 2m
//! ");
//! let file = RuleFile::parse(&source).map_err(|problems| problems[0].clone())?;
//! assert_eq!(file.groups[0].rules[0].name(), "BackendDown");
//! # Ok::<(), assurance_diagnostics::Diagnostic>(())
//! ```
//!
//! **Invariants.** Time is an argument. `active_at` never moves while an alert is active, across reloads and
//! restarts too. An alert with a `for` never fires without having been pending. Whatever fired and ended is
//! told as resolved; whatever was dropped with its rule is told as dropped.

mod alert;
mod cache;
mod error;
mod evaluate;
mod event;
mod file;
mod group;
mod manager;
mod rule;
mod schedule;
mod state;
mod status;
mod store;
pub mod unit_test;
mod url;

pub use alert::{AlertState, EventKind, Phase, RESOLVED_RETENTION};
pub use error::RuleError;
pub use event::{AlertEvent, RuleId};
pub use file::{DUPLICATE_RULES, Reading, RuleFile};
pub use manager::{Config, MAX_ACTIVE_ALERTS_PER_RULE, Manager};
pub use rule::{AlertingRule, Expression, Group, RecordingRule, Rule};
pub use schedule::Schedule;
pub use state::{GroupRecord, ManagerState, Restored, Revision, RuleRecord};
pub use status::{GroupReport, GroupStatus, Health, RuleStatus, SelectorStatus};
pub use store::RuleStore;
