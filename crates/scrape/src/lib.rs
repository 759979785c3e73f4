//! Targets, relabelling, schedule, limits, staleness and counter birth, as a machine without sockets or clock.
//!
//! **In scope:** which targets there are ([`JobConfig`], [`TargetGroup`], [`FileSd`], relabelling), when each is
//! scraped, what becomes of a body: all of its samples, or none and the reason; `up` and its companions, stale
//! markers, the 0 of a counter that began. [`Manager`] is the machine: call [`Manager::handle_timeout`] when
//! [`Manager::poll_timeout`] says so, carry out what [`Manager::poll_output`] gives, and bring the outcome to
//! [`Manager::handle_response`] or [`Manager::handle_file_sd`].
//!
//! **Out of scope:** sockets, credentials and files (the edge), reading the formats (`exposition`), keeping
//! samples (`tsdb`), the configuration file (`config`).
//!
//! ```
//! use assurance_metrics_model::{AppendError, Appender, Duration, Labels, SeriesRef, Timestamp, Value};
//! use assurance_scrape::{JobConfig, Manager, Output, Response, TargetGroup};
//!
//! #[derive(Default)]
//! struct Lines(Vec<String>);
//!
//! impl Appender for Lines {
//!     fn append(
//!         &mut self,
//!         _hint: Option<SeriesRef>,
//!         labels: &Labels,
//!         _at: Timestamp,
//!         value: Value,
//!     ) -> Result<SeriesRef, AppendError> {
//!         let Value::Float(value) = value else { unreachable!("the formats carry floats") };
//!         self.0.push(format!("{labels} {value}"));
//!         Ok(SeriesRef(0))
//!     }
//! }
//!
//! let mut job = JobConfig::new("brain-governance");
//! job.static_targets = vec![TargetGroup { targets: vec!["backend:8000".into()], ..TargetGroup::default() }];
//! let mut scrape = Manager::new(vec![job], &Labels::empty(), Timestamp::EPOCH);
//! let mut store = Lines::default();
//!
//! let due = scrape.poll_timeout().expect("one target, one first scrape");
//! scrape.handle_timeout(due, &mut store);
//! let Some(Output::Scrape(request)) = scrape.poll_output() else { panic!("it is due") };
//! assert_eq!(request.url, "http://backend:8000/metrics");
//!
//! let response = Response {
//!     status: 200,
//!     content_type: Some("text/plain".into()),
//!     body: b"sovereign_override_active 0\n".to_vec(),
//!     started: due,
//!     duration: Duration::from_millis(3),
//! };
//! let report = scrape.handle_response(due, request.id, Ok(response), &mut store).expect("it is awaited");
//! assert!(report.up());
//! assert_eq!(store.0[0], r#"sovereign_override_active{instance="backend:8000",job="brain-governance"} 0"#);
//! assert_eq!(store.0[1], r#"up{instance="backend:8000",job="brain-governance"} 1"#);
//! ```
//!
//! # Counter birth
//!
//! Prometheus cannot see the first increment of a counter that was not there before: `increase()` needs two
//! samples. A scraper knows more than the samples say. With [`CounterBirth::Zero`] it writes, for a counter
//! that now stands above 0, one sample of 0, as the target would have shown it:
//!
//! | what happened since the last scrape that succeeded | the 0 is written at |
//! |---|---|
//! | first contact with the target | nowhere: nothing is known |
//! | the counter was absent, the process did not restart visibly | the last successful scrape |
//! | the counter was absent, the process restarted | the start of the process, or the counter's own |
//! | the counter was there, the process or the counter (`_created`) restarted | that start |
//! | the same process hides a counter and shows it again, not below its old value | nowhere: it was not born |
//! | absent, though its `_created` says that it existed | nowhere |
//! | it has timestamps of its own, or stands at 0 | nowhere |
//!
//! A start is held strictly between the two scrapes, so that a clock that is off cannot move it out of order.
//! Failed scrapes in between change nothing of this: the last one that succeeded counts, as what the counter
//! counts now happened after it. A restart is visible by `process_start_time_seconds`, if the target has
//! exactly one and relabelling keeps it, or by `_created`. If at a restart at least 16 counters kept their
//! values, and more kept than fell, an exporter restarted and what it reports on did not: then only counters
//! that fell get a 0.
//!
//! What is a counter: see `# TYPE`; without one, a name that ends in `_total`. An application that restores
//! counters from disk, or an exporter whose subject appears late, should be scraped with
//! [`CounterBirth::Unknown`], which writes what Prometheus would write, and nothing else.
//!
//! # Where Prometheus is followed, and where not
//!
//! Labels, relabelling, `honor_labels`, staleness, report series and the meaning of each limit are those of
//! Prometheus 3. Different on purpose: limits are finite unless set to 0; a body without a known content type
//! is read as the job's fallback, text unless told otherwise, as in Prometheus 2; end markers of removed
//! targets are written at once; a refused body ends all series, where Prometheus spares those that stood before
//! the fault. A series twice in one body counts once, the first time, and the target says
//! so in [`TargetHealth::last_warning`]; samples that the store refuses are counted there too, and the others
//! of the scrape are kept.
//!
//! **Invariants.** A scrape is stored as a whole or not at all. What is left out is counted and said. A series
//! that got a sample and vanished ends with exactly one stale marker. Samples of one target never go back in
//! time, even if the clock does. Memory of a target is bounded by its last successful body, and a sample of a
//! series that is known allocates nothing. No clock is read.

mod birth;
mod cache;
mod exposed;
mod file_sd;
mod ingest;
mod job;
mod manager;
mod metadata;
mod pool;
mod relabel;
mod report;
mod schedule;
mod status;
mod target;
mod tracked;

pub use file_sd::{DiscoveredFile, parse_file_sd};
pub use job::{
    Auth, CounterBirth, Credential, DEFAULT_BODY_SIZE_LIMIT, DEFAULT_KEEP_DROPPED_TARGETS,
    DEFAULT_LABEL_LIMIT, DEFAULT_LABEL_NAME_LENGTH_LIMIT, DEFAULT_LABEL_VALUE_LENGTH_LIMIT,
    DEFAULT_SAMPLE_LIMIT, DEFAULT_TARGET_LIMIT, FileSd, HttpConfig, JobConfig, ScrapeLimits, ScrapeProtocol,
    Secret, TargetGroup, TlsConfig, TlsVersion,
};
pub use manager::{Manager, Output, ReadFiles, Request, Response, ScrapeId};
pub use relabel::{
    RelabelAction, RelabelError, RelabelErrorKind, RelabelField, RelabelRule, RelabelSpec, relabel,
    relabel_builder,
};
pub use report::{ScrapeCounts, ScrapeError, ScrapeFailure, ScrapeReport};
pub use status::{
    DroppedTarget, FailureRecord, Health, InvalidTarget, JobStatus, MAX_REMEMBERED_FAILURES, TargetHealth,
    TargetMetadata, TargetStatus,
};
pub use target::TargetError;
