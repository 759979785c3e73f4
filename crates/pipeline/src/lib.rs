//! Scrape, store, rules and notifier as one deterministic machine, driven by whoever owns the clock.
//!
//! **In scope:** the order in which things happen. [`Pipeline`] says what to do next ([`Pipeline::poll_output`]:
//! a scrape, a file list, a delivery) and when to come back ([`Pipeline::poll_timeout`]); the driver does it
//! and reports ([`Pipeline::handle_scrape`], [`Pipeline::handle_file_sd`], [`Pipeline::handle_delivery`]). Where
//! alerts are to survive a restart, [`Pipeline::keep_state`] puts back those of the run before, and records of
//! them are among what is to be done ([`AlertsState`]).
//! The live service and the simulator drive the very same machine.
//!
//! **Out of scope:** sockets, files and sleeping (`runtime`); a virtual world (`simulator`); HTTP (`web`).
//!
//! ```
//! use std::sync::Arc;
//! use assurance_metrics_model::{Duration, Timestamp};
//! use assurance_pipeline::{Config, Output, Pipeline};
//! use assurance_scrape::{JobConfig, Response, TargetGroup};
//! use assurance_tsdb::Store;
//!
//! let mut job = JobConfig::new("brain-governance");
//! job.static_targets.push(TargetGroup { targets: vec!["backend:8000".to_owned()], ..TargetGroup::default() });
//! let mut config = Config::default();
//! config.scrape.push(job);
//!
//! let start = Timestamp::from_secs(1_000_000);
//! let store = Arc::new(Store::new(assurance_tsdb::Config::default()));
//! let mut pipeline = Pipeline::new(config, Arc::clone(&store), start);
//!
//! // The driver's loop: do what there is to do, then jump (or sleep) to the next wake-up.
//! let mut now = start;
//! while store.stats().samples == 0 {
//!     while let Some(output) = pipeline.poll_output(now) {
//!         if let Output::Scrape(request) = output {
//!             let body = b"sovereign_override_active 0\n".to_vec();
//!             let duration = Duration::from_millis(3);
//!             let response = Response { status: 200, content_type: None, body, started: now, duration };
//!             pipeline.handle_scrape(now, request.id, Ok(response));
//!         }
//!     }
//!     now = pipeline.poll_timeout().expect("a job is always due again").max(now);
//!     pipeline.handle_timeout(now);
//! }
//! assert_eq!(store.series_count(), 6, "the gauge, up, and four series about the scrape");
//! ```
//!
//! **Invariants.** The same inputs at the same times give the same outputs: nothing here reads a clock or
//! draws a random number. Time never runs backwards inside: an earlier `now` counts as the latest one. A
//! scrape's samples, and a rule's, are committed before anything later reads the store. What fires is in the
//! store before it is in a delivery, and written
//! down before it is sent, for as long as the disk answers.

mod bytes;
mod dispatching;
mod event;
mod keeping;
mod machine;
mod metrics;
mod record;
mod record_dispatch;

pub use dispatching::AskError;
pub use event::{Event, EventKind, MAX_EVENTS};
pub use keeping::{FaultWatch, Record, StateFault};
pub use machine::{Config, Output, Pipeline, Restored};
pub use record::{AlertsState, MAX_STATE_BYTES, STATE_FILE, StateError};
