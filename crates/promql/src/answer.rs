use std::fmt;
use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels, Timestamp, Value};

use crate::ast::ValueType;

/// Says whether a query was given up; asked now and then while it is evaluated.
pub type Cancelled = Arc<dyn Fn() -> bool + Send + Sync>;

/// Bounds and defaults of an evaluation.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// How old a sample may be to count as a series' value now; 5 minutes by default.
    pub lookback: Duration,
    /// The step of subqueries that name none; 1 minute by default.
    pub subquery_step: Duration,
    /// Samples that one query may hold at once: 50 million by default, as in Prometheus, some 800 MB. A
    /// histogram counts as 20.
    pub max_samples: usize,
    /// Memory that the samples and labels of one query may take at once: 2 GiB by default. The samples at their
    /// limit take 450 MB; the rest is for labels that `label_replace` and its kin make.
    pub max_bytes: usize,
    /// Points of one series in a range query; 11,001 by default, which Prometheus's API allows: a minute's
    /// resolution for a week, an hour's for a year.
    pub max_points: usize,
    /// Ends the evaluation with [`EvalError::Cancelled`](crate::EvalError::Cancelled) where it says so: a
    /// deadline that passed, a client that left.
    pub cancelled: Option<Cancelled>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("lookback", &self.lookback)
            .field("subquery_step", &self.subquery_step)
            .field("max_samples", &self.max_samples)
            .field("max_bytes", &self.max_bytes)
            .field("max_points", &self.max_points)
            .field("cancelled", &self.cancelled.is_some())
            .finish()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lookback: Duration::from_minutes(5),
            subquery_step: Duration::from_minutes(1),
            max_samples: 50_000_000,
            max_bytes: 2 << 30,
            max_points: 11_001,
            cancelled: None,
        }
    }
}

/// What an evaluation gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The result.
    pub value: QueryValue,
    /// What may make the result wrong.
    pub warnings: Vec<String>,
    /// What may surprise.
    pub infos: Vec<String>,
    /// For each selector of the expression, in the order of [`Expr::selectors`](crate::Expr::selectors), how
    /// many series it found.
    pub selected: Vec<usize>,
}

/// The result of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryValue {
    /// A number.
    Scalar {
        /// The evaluation's time.
        at: Timestamp,
        /// The number.
        value: f64,
    },
    /// A text.
    String {
        /// The evaluation's time.
        at: Timestamp,
        /// The text.
        text: String,
    },
    /// One sample of each series.
    Vector(Vec<VectorSample>),
    /// Samples of each series, sorted by labels.
    Matrix(Vec<MatrixSeries>),
}

impl QueryValue {
    /// Its type.
    pub const fn value_type(&self) -> ValueType {
        match self {
            Self::Scalar { .. } => ValueType::Scalar,
            Self::String { .. } => ValueType::String,
            Self::Vector(_) => ValueType::Vector,
            Self::Matrix(_) => ValueType::Matrix,
        }
    }
}

/// One element of a vector.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorSample {
    /// The series.
    pub labels: Labels,
    /// The evaluation's time.
    pub at: Timestamp,
    /// The value.
    pub value: Value,
}

/// One series of a matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSeries {
    /// The series.
    pub labels: Labels,
    /// Its samples, oldest first.
    pub samples: Vec<(Timestamp, Value)>,
}
