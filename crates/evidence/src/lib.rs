//! Audit events, collection cursors, day files and their checksums, with gaps recorded as gaps.
//!
//! **In scope:** [`Collector`], which turns consecutive answers of BRAiN's audit log into the events that are
//! new in each; [`Archive`], which keeps them durably in files of UTC days and publishes a day once it is
//! over; [`Exporter`], the machine that says what to fetch when and does both; [`verify_day`].
//!
//! **Out of scope:** files (`storage`, `disk`), sockets and clocks (`runtime`), signatures and proofs.
//!
//! ```
//! use std::sync::Arc;
//! use assurance_evidence::{Config, Exporter, Output, Response, verify_day};
//! use assurance_metrics_model::{Duration, Timestamp};
//! use assurance_storage::Memory;
//!
//! let noon = Timestamp::from_secs(1_767_355_200); // 2026-01-02T12:00:00Z
//! let storage = Arc::new(Memory::new());
//! let mut exporter = Exporter::open(storage.clone(), Config::api("http://backend:8000"), noon)?;
//! for now in [noon, noon + Duration::from_secs(86_400)] {
//!     exporter.handle_timeout(now);
//!     while let Some(Output::Get(get)) = exporter.poll_output() {
//!         let body = if get.path.contains("statistics") {
//!             r#"{"audit_entries":1}"#
//!         } else {
//!             r#"[{"timestamp":"2026-01-02T11:59:00.5","event_type":"sovereign.mode_changed"}]"#
//!         };
//!         let answer = Response { status: 200, body: body.into() };
//!         exporter.handle_response(now, get.id, Ok(answer))?;
//!     }
//! }
//! assert!(verify_day(&*storage, "2026-01-02".parse()?)?.is_intact());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Invariants.** An event's bytes are never changed, but for line breaks between its tokens. An event is
//! durable before the cursor says that it was read, so a crash loses none and doubles none as long as the
//! source still shows them. A published file is never edited: what comes late goes into a supplement.
//! Whatever is not an array of events is an error and leaves no trace in the evidence. What may be missing
//! is said in the facts of every day it may be missing from.

mod align;
mod archive;
pub mod audit;
mod collector;
mod compress;
pub mod cosign;
mod cursor;
mod digest;
mod event;
mod export;
mod exporter;
mod fact;
mod instant;
mod lines;
pub mod manifest;
mod names;
pub mod proof;
pub mod seal;
mod source;
mod tail;
pub mod tally;
mod twin;
mod verify;
pub mod witness;

pub use archive::{
    Archive, ArchiveError, ArchiveErrorKind, OpenDayStatus, Policy, Publication, Published, Status,
};
pub use collector::{Collection, Collector, MAX_CLOCK_SKEW, MAX_LIMIT};
pub use digest::{Digest, DigestError};
pub use event::{Event, parse_answer, parse_statistics};
pub use export::MAX_EXPORT_BYTES;
pub use exporter::{
    Config, Exporter, FetchId, Get, MAX_ANSWER_BYTES, Output, ReadFile, Report, Response, Source,
};
pub use fact::{DaySummary, FACTS_VERSION, Fact, FactKind, Neighbour};
pub use instant::{Day, DayError, parse_instant};
pub use names::{LOCK_FILE, PUBLISHED_DIRECTORY, STATE_DIRECTORY};
pub use source::{FetchError, SourceError, SourceErrorKind};
pub use verify::{DayReport, FileCheck, FileVerdict, VerifyError, published_days, verify_day};
