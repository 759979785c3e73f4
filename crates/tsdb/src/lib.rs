//! Samples in time: a head in memory, a log that survives the process, a file for each finished day.
//!
//! **In scope:** [`Store`], which takes samples through [`HeadAppender`] (an
//! [`Appender`](assurance_metrics_model::Appender)) and gives them back as a
//! [`Queryable`](assurance_metrics_model::Queryable); floats and native histograms; samples that come late, within
//! [`Config::out_of_order_window`]; the series budget; retention by time and by size; the write-ahead log, its
//! checkpoints and its [`Recovery`]; sealed day segments; [`Importer`], which takes a history; and, in [`inspect`],
//! reading, verifying and copying the files of a store that another process has open. [`Store::new`] keeps
//! everything in memory,
//! [`Store::open`] has files beside it.
//!
//! **Out of scope:** evaluating queries (`promql`), what a file is (`storage`, `disk`), and when to scrape, to sync
//! or to maintain: the caller passes the time.
//!
//! Who has files calls [`Store::sync`] every second or so, what a power cut may cost, and [`Store::maintain`] every
//! minute; both may take as long as the disk does, and neither holds up readers or writers meanwhile. The bytes
//! of the files are described in `docs/reference/store-format.md`.
//!
//! ```
//! use assurance_metrics_model::{Appender, Column, Labels, Matcher, Queryable, Selection, TimeRange, Timestamp};
//! use assurance_tsdb::{Config, Store};
//!
//! let store = Store::new(Config::default());
//! let up = Labels::from_pairs([("__name__", "up"), ("job", "brain-governance")]);
//! let mut appender = store.appender();
//! let series = appender.append(None, &up, Timestamp::from_secs(30), 1.0.into())?;
//! appender.append(Some(series), &up, Timestamp::from_secs(60), 0.0.into())?;
//! appender.commit();
//!
//! let matchers = [Matcher::equal("__name__", "up")];
//! let mut column = Column::new();
//! for series in store.select(&Selection { matchers: &matchers, range: TimeRange::ALL })? {
//!     series.read(TimeRange::ALL, &mut column)?;
//! }
//! assert_eq!(column.floats(), [1.0, 0.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With files:
//!
//! ```
//! use std::sync::Arc;
//! use assurance_metrics_model::{Appender, Labels, Timestamp};
//! use assurance_storage::Memory;
//! use assurance_tsdb::{Config, Store};
//!
//! let files = Memory::new(); // or `assurance_disk::Disk`
//! let (store, recovery) = Store::open(Config::default(), Arc::new(files.clone()))?;
//! assert_eq!(recovery.samples, 0);
//! let mut appender = store.appender();
//! appender.append(None, &Labels::from_pairs([("__name__", "up")]), Timestamp::from_secs(30), 1.0.into())?;
//! appender.commit(); // survives the process
//! store.sync()?; // survives the machine
//! drop(store);
//! let (_store, recovery) = Store::open(Config::default(), Arc::new(files))?;
//! assert_eq!(recovery.samples, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Invariants.** A commit becomes visible as a whole: a selection sees all of a scrape or none of it. What
//! a selection saw stays readable until it is dropped, also while retention removes it from the store. The
//! samples of a series rise strictly in time, in whatever order they came. Values keep their bits, stale markers
//! among them, and a time has one value. A refused sample is an error, never a silent drop.
//!
//! With files: what is visible survives the process, and what was visible before a successful [`Store::sync`] survives
//! the machine, whole commits only. A write that fails loses nothing from memory; it is a [`Fault`] until a
//! checkpoint has saved what is missing. A file whose write or sync failed is not written to again. Nothing damaged is
//! answered, and nothing damaged is deleted.

mod appender;
mod bytes;
mod checkpoint;
mod chunk;
mod compact;
mod durable;
mod faults;
mod histogram;
mod horizon;
mod import;
mod index;
pub mod inspect;
mod maintain;
mod merged;
mod packed;
mod recovery;
mod seal;
mod segment;
mod segments;
mod selections;
mod series;
mod store;
mod wal;

pub use appender::{Committed, HeadAppender};
pub use faults::{Fault, FaultKind};
pub use import::{
    Conflict, First, ImportConfig, ImportError, ImportErrorKind, Imported, ImportedSegment, Importer,
};
pub use maintain::Maintenance;
pub use recovery::{OpenError, OpenErrorKind, Progress, Quarantined, Recovery, Torn};
pub use store::{Config, Dropped, Stats, Store};
