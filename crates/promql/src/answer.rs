use assurance_metrics_model::{Duration, Labels, Timestamp, Value};

use crate::ast::ValueType;

/// Bounds and defaults of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How old a sample may be to count as a series' value now; 5 minutes by default.
    pub lookback: Duration,
    /// The step of subqueries that name none; 1 minute by default.
    pub subquery_step: Duration,
    /// Samples that one query may read and hold at once: 50 million by default, as in Prometheus, some 800 MB.
    pub max_samples: usize,
    /// Points of one series in a range query; 11,000 by default, as in Prometheus: a minute's resolution for a
    /// week, an hour's for a year.
    pub max_points: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lookback: Duration::from_minutes(5),
            subquery_step: Duration::from_minutes(1),
            max_samples: 50_000_000,
            max_points: 11_000,
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
