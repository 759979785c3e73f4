//! Samples in time: a head in memory with an inverted index, readable while it is written.
//!
//! **In scope:** [`Store`], which takes samples through [`HeadAppender`] (an
//! [`Appender`](assurance_metrics_model::Appender)) and gives them back as a
//! [`Queryable`](assurance_metrics_model::Queryable); floats and native histograms; samples that come late, within
//! [`Config::out_of_order_window`]; the series budget; retention.
//!
//! **Out of scope:** evaluating queries (`promql`), and when to scrape or to drop what is old: the caller
//! passes the time. The head lives in memory: a restart begins empty.
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
//! **Invariants.** A commit becomes visible as a whole: a selection sees all of a scrape or none of it. What
//! a selection saw stays readable until it is dropped, also while retention removes it from the store. The
//! samples of a series rise strictly in time, in whatever order they came. Values keep their bits, stale markers
//! among them, and a time has one value. A refused sample is an error, never a silent drop.

mod appender;
mod bytes;
mod checkpoint;
mod chunk;
mod crc;
mod durable;
mod faults;
mod histogram;
mod index;
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
pub use maintain::Maintenance;
pub use recovery::{OpenError, OpenErrorKind, Quarantined, Recovery, Torn};
pub use store::{Config, Dropped, Stats, Store};
