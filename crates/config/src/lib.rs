//! `prometheus.yml` and `alertmanager.yml` as a whole, into each room's plain configuration.
//!
//! **In scope:** every key of Prometheus's configuration file ([`load`]) and of Alertmanager's
//! ([`load_notify`]): it is done, or refused with line and remedy, or named in a warning where nothing breaks
//! without it; checks as `promtool check config` and `amtool check-config` make them, apart from looking at
//! other files; finite limits where Prometheus has none ([`assurance_scrape::ScrapeLimits`]); the escalation
//! file beside them ([`load_escalation`]), and cases of routing with what is expected of them ([`load_cases`]).
//!
//! **Out of scope:** opening files: everything is given as text, and gives paths of rule files, target lists
//! and secrets; the content of rule files (`rules`); `web-config.yml`; the command line; where alerts go and
//! when (`notifier`).
//!
//! ```
//! use assurance_diagnostics::Source;
//!
//! let source = Source::new("prometheus.yml", "\
//! global:
//!   scrape_interval: 30s
//! scrape_configs:
//!   - job_name: brain-governance
//!     static_configs:
//!       - targets: ['backend:8000']
//! rule_files: [rules/*.yml]
//! ");
//! let loaded = assurance_config::load(&source, "/etc/assurance").expect("it is valid");
//! assert_eq!(loaded.jobs[0].scrape_interval.to_string(), "30s");
//! assert_eq!(loaded.rule_files, ["/etc/assurance/rules/*.yml"]);
//!
//! let typo = Source::new("prometheus.yml", "scrape_configs:\n- job_nam: backend\n");
//! let problems = assurance_config::load(&typo, "").unwrap_err();
//! assert_eq!(problems[0].line(), Some(2));
//! assert_eq!(problems[0].help.as_deref(), Some("did you mean `job_name`?"));
//! ```
//!
//! Two things differ from Prometheus on purpose. Label names in the file must be the classic ones (letters,
//! digits, `_`), which every version of Prometheus and every tool around it takes. A limit of 0 in a job means
//! no limit, also where `global` has one.
//!
//! **Invariants.** No key is ignored in silence. A secret has no printed form, and no finding
//! of this room quotes one; a flaw of YAML itself shows the line it is in, whatever that holds. Nothing is opened, no clock or
//! environment is read: the same text and directory give the same result.

mod alerting;
mod client;
mod discovery;
mod findings;
mod load;
mod notify;
mod raw;
mod scalar;
mod scrape;

pub use alerting::{Alerting, Alertmanager};
pub use load::{Global, Loaded, Storage, load};
pub use notify::{
    CaseResult, Cases, LoadedEscalation, MAX_CASES, Notify, RouteResult, Webhook, load_cases,
    load_escalation, load_notify, notify_reference,
};
pub use scalar::parse_size;
