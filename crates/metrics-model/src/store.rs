use std::fmt;
use std::sync::Arc;

use crate::{Histogram, Labels, Matcher, Outline, TimeRange, Timestamp, Value, is_stale_nan};

/// A store's own number for a series: a hint that saves the look-up by labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesRef(pub u64);

/// Takes samples. Nothing is visible to readers until the store's own commit, so that a scrape or a rule
/// group appears as a whole or not at all.
pub trait Appender {
    /// Appends one sample and returns the series' number, to be passed as `hint` next time.
    ///
    /// `labels` must be the whole label set also where a hint is given: a store may have forgotten the
    /// number. Same timestamp and same value again is accepted and changes nothing.
    ///
    /// # Errors
    /// As [`AppendErrorKind`] lists. The appender stays usable, and the samples before are kept.
    fn append(
        &mut self,
        hint: Option<SeriesRef>,
        labels: &Labels,
        at: Timestamp,
        value: Value,
    ) -> Result<SeriesRef, AppendError>;
}

/// A sample that a store refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot append to {labels} at {at}: {kind}")]
pub struct AppendError {
    /// The series.
    pub labels: Labels,
    /// The sample's time.
    pub at: Timestamp,
    /// Why.
    pub kind: AppendErrorKind,
}

/// Why a store refused a sample.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendErrorKind {
    /// A sample of this series is newer, by more than the out-of-order window allows.
    #[error("out of order: the newest sample is at {newest}")]
    OutOfOrder {
        /// The series' newest sample.
        newest: Timestamp,
    },
    /// The series has another value at this very time.
    #[error("a different value is already stored for this timestamp")]
    DuplicateTimestamp,
    /// The sample is older than anything the store may still accept.
    #[error("out of bounds: samples before {oldest} are no longer accepted")]
    OutOfBounds {
        /// The oldest acceptable time.
        oldest: Timestamp,
    },
    /// The series budget is used up.
    #[error("series limit of {limit} reached; drop series by relabelling, or raise the limit")]
    TooManySeries {
        /// The budget.
        limit: usize,
    },
    /// The label set is empty or has no metric name where one is needed.
    #[error("series has no labels")]
    NoLabels,
    /// The store cannot write.
    #[error("storage failed: {reason}")]
    Storage {
        /// What failed.
        reason: Arc<str>,
    },
}

/// Which series to read and for what time.
#[derive(Clone, Debug)]
pub struct Selection<'a> {
    /// Conditions that all hold.
    pub matchers: &'a [Matcher],
    /// The samples wanted; a store may skip series that have none inside.
    pub range: TimeRange,
}

/// Gives samples. Implemented by `tsdb`, by test stores, and by services that embed the rule engine.
pub trait Queryable {
    /// The matching series, in the order of their labels, as they are now: later appends may or may not
    /// show in them.
    ///
    /// # Errors
    /// If the store cannot read, or refuses the size of the answer.
    fn select(&self, selection: &Selection<'_>) -> Result<Vec<Box<dyn Series + '_>>, QueryError>;

    /// The label names of matching series (all series for no matchers), sorted, each once.
    ///
    /// # Errors
    /// As [`Queryable::select`].
    fn label_names(&self, selection: &Selection<'_>) -> Result<Vec<String>, QueryError>;

    /// The values of one label over matching series, sorted, each once.
    ///
    /// # Errors
    /// As [`Queryable::select`].
    fn label_values(&self, name: &str, selection: &Selection<'_>) -> Result<Vec<String>, QueryError>;
}

/// One series of a [`Queryable`], ready to be read.
pub trait Series: Send {
    /// Its labels, the metric name among them.
    fn labels(&self) -> &Labels;

    /// Appends the samples inside `range` to `into`, oldest first. Stale markers are included: the engine
    /// gives them their meaning. Reading twice gives the same samples.
    ///
    /// # Errors
    /// If the store cannot read.
    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError>;

    /// Fills an outline, which is empty, with the samples inside its range: for readers who need to know of
    /// stretches of samples only what a store may have ready.
    ///
    /// `false` where the samples must be read instead, because the outline does not fit them or is no less work;
    /// what it holds has no meaning then.
    ///
    /// # Errors
    /// If the store cannot read. Samples that need not be read may be damaged without notice.
    fn outline(&self, _into: &mut Outline) -> Result<bool, QueryError> {
        Ok(false)
    }
}

/// Samples of one series as columns, oldest first: what the engine computes on.
///
/// The float column always has one entry a sample, which is a NaN of no meaning where the sample is a
/// histogram; histograms stand in their own sparse column, by index, rising.
#[derive(Clone, Debug, Default)]
pub struct Column {
    timestamps: Vec<Timestamp>,
    floats: Vec<f64>,
    histograms: Vec<(u32, Arc<Histogram>)>,
    /// Whether any float is the stale marker: found out while it is at hand, and not by another walk.
    has_marker: bool,
}

impl Column {
    /// No samples.
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes all samples and keeps the memory.
    pub fn clear(&mut self) {
        self.timestamps.clear();
        self.floats.clear();
        self.histograms.clear();
        self.has_marker = false;
    }

    /// Makes room for so many samples more.
    pub fn reserve(&mut self, additional: usize) {
        self.timestamps.reserve(additional);
        self.floats.reserve(additional);
    }

    /// How many samples.
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// Whether every sample is a float.
    pub fn is_float(&self) -> bool {
        self.histograms.is_empty()
    }

    /// Whether every sample is a float, and none the stale marker: the columns can be computed on as they are.
    pub fn is_plain(&self) -> bool {
        self.is_float() && !self.has_marker
    }

    /// Appends a float.
    pub fn push_float(&mut self, at: Timestamp, value: f64) {
        self.has_marker |= is_stale_nan(value);
        self.timestamps.push(at);
        self.floats.push(value);
    }

    /// Appends floats with their times in milliseconds since 1970, as many as the shorter of both has.
    pub fn extend_floats(&mut self, millis: &[i64], values: &[f64]) {
        let count = millis.len().min(values.len());
        self.timestamps.extend(millis[..count].iter().map(|at| Timestamp::from_millis(*at)));
        self.floats.extend_from_slice(&values[..count]);
        // A loop without an exit looks at several at once.
        let stale = values[..count].iter().fold(false, |stale, value| stale | is_stale_nan(*value));
        self.has_marker |= stale;
    }

    /// Appends a sample of either kind.
    ///
    /// # Panics
    /// If the column holds 2^32 samples already: 34 GiB, far past every query limit.
    pub fn push(&mut self, at: Timestamp, value: &Value) {
        match value {
            Value::Float(v) => self.push_float(at, *v),
            Value::Histogram(h) => {
                let index =
                    u32::try_from(self.timestamps.len()).expect("fewer than 2^32 samples in a column");
                self.histograms.push((index, Arc::clone(h)));
                self.push_float(at, f64::NAN);
            }
        }
    }

    /// The times of the samples.
    pub fn timestamps(&self) -> &[Timestamp] {
        &self.timestamps
    }

    /// The float values, aligned with the times; meaningless where [`Column::histogram`] is `Some`.
    pub fn floats(&self) -> &[f64] {
        &self.floats
    }

    /// The histogram at an index, or `None` where that sample is a float.
    pub fn histogram(&self, index: usize) -> Option<&Arc<Histogram>> {
        if self.histograms.is_empty() {
            return None;
        }
        let index = u32::try_from(index).ok()?;
        let at = self.histograms.binary_search_by_key(&index, |(i, _)| *i).ok()?;
        Some(&self.histograms[at].1)
    }

    /// The value at an index.
    ///
    /// # Panics
    /// If `index` is not below [`Column::len`].
    pub fn value(&self, index: usize) -> Value {
        match self.histogram(index) {
            Some(h) => Value::Histogram(Arc::clone(h)),
            None => Value::Float(self.floats[index]),
        }
    }

    /// Whether the sample at an index ends the series.
    ///
    /// # Panics
    /// If `index` is not below [`Column::len`].
    pub fn is_stale(&self, index: usize) -> bool {
        match self.histogram(index) {
            Some(h) => is_stale_nan(h.sum),
            None => is_stale_nan(self.floats[index]),
        }
    }
}

/// A read that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// Why.
    pub kind: QueryErrorKind,
}

/// Why a read failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryErrorKind {
    /// The selection matches more series than a query may touch.
    #[error("the selector matches more than {limit} series; add label matchers")]
    TooManySeries {
        /// The limit.
        limit: usize,
    },
    /// The store cannot read.
    #[error("storage failed: {reason}")]
    Storage {
        /// What failed.
        reason: Arc<str>,
    },
}

impl From<QueryErrorKind> for QueryError {
    fn from(kind: QueryErrorKind) -> Self {
        Self { kind }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for QueryError {}
