//! Prometheus's remote-write messages, in and out.
//!
//! **In scope:** version 1 (`prometheus.WriteRequest`, protobuf in snappy's block format): [`decode`] and
//! [`encode`], for floats, stale markers and native histograms of every kind; what a message may hold at most
//! ([`Limits`]).
//!
//! **Out of scope:** HTTP (`web`), storing (`tsdb`), version 2 (`io.prometheus.write.v2.Request`). Exemplars and
//! metadata are counted, not kept.
//!
//! ```
//! use assurance_metrics_model::{Labels, Timestamp};
//! use assurance_remote_write::{Counts, Limits, TimeSeries, decode, encode};
//!
//! let labels = Labels::from_pairs([("__name__", "up"), ("job", "brain-governance")]);
//! let sent = TimeSeries { labels, samples: vec![(Timestamp::EPOCH, 1.0.into())] };
//! let body = encode(std::slice::from_ref(&sent), Counts::Float)?;
//! let message = decode(&body, &Limits::default())?;
//! assert_eq!(message.series, [sent]);
//! assert!(message.refusals.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Invariants.** Nothing is believed: no allocation follows a length that the message merely claims, and any
//! bytes end in an answer or a typed error. A message that is no message is refused whole; a series or sample
//! that cannot be stored is refused by its name, and the others are kept. What is left out is counted.

mod block;
mod decode;
mod encode;
mod error;
mod histogram;
mod labels;
mod wire;

pub use decode::{Limits, MAX_REFUSALS, TimeSeries, WriteRequest, decode, decode_message};
pub use encode::{Counts, EncodeError, encode, encode_message};
pub use error::{DecodeError, HistogramFault, Refusal, RefusalKind, WireFault};
