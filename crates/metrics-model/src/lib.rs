//! Labels, samples, matchers, time, and the two traits between those who write samples and those who read them.
//!
//! **In scope:** the vocabulary every other room speaks: [`Timestamp`] and [`Duration`] in milliseconds,
//! sorted [`Labels`], [`Value`] (a float, or a native [`Histogram`] with its arithmetic), the stale marker, metric
//! [`Metadata`], [`Matcher`]s, the traits [`Appender`] and [`Queryable`], and [`Outline`]s of what need not be read.
//!
//! **Out of scope:** parsing exposition (`exposition`), keeping samples (`tsdb`), evaluating (`promql`).
//!
//! ```
//! use assurance_metrics_model::{Labels, Matcher, MatchOp, Timestamp, Duration};
//!
//! let labels = Labels::from_pairs([("job", "brain-governance"), ("__name__", "up")]);
//! assert_eq!(labels.to_string(), r#"up{job="brain-governance"}"#);
//! assert!(Matcher::new("job", MatchOp::Regex, "brain-.*")?.matches_labels(&labels));
//! assert_eq!(Timestamp::from_millis(0) + "5m".parse::<Duration>()?, Timestamp::from_millis(300_000));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Invariants.** Labels are sorted by name, names are unique, and an empty value means the label is
//! absent. Time is an argument: nothing here reads a clock. Timestamps are UTC milliseconds and may be
//! negative; ranges are left-open, as in Prometheus 3.

mod exact;
mod histogram;
mod instant;
mod labels;
mod matcher;
mod metadata;
mod outline;
mod store;
mod time;
mod value;

pub use exact::{extremes, whole_sum};
pub use histogram::{
    ApiBucket, Bucket, Buckets, ClassicError, CombineNotes, Combined, CompensatedHistogram, Histogram,
    HistogramError, HistogramMean, Incompatible, ResetHint, Span,
};
pub use instant::TimestampError;
pub use labels::{
    Labels, LabelsBuilder, LabelsIter, METRIC_NAME, Quoted, is_legacy_label_name, is_legacy_metric_name,
};
pub use matcher::{MatchOp, Matcher, MatcherError};
pub use metadata::{Metadata, MetricType, UnknownMetricType};
pub use outline::{Aspect, Fall, Outline, Summary};
pub use store::{
    AppendError, AppendErrorKind, Appender, Column, QueryError, QueryErrorKind, Queryable, Selection, Series,
    SeriesRef,
};
pub use time::{Duration, DurationError, TimeRange, Timestamp};
pub use value::{STALE_NAN_BITS, Value, format_float, is_stale_nan, parse_float, stale_nan};
