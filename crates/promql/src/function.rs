//! The functions that can be evaluated, by name and kind.

use crate::ast::ValueType;

/// A PromQL function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Function(pub(crate) Kind);

/// What a function does; grouped by how it is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Of each value.
    Math(Math),
    /// Of a range of samples.
    Range(RangeFunction),
    /// Of each value's time, or of the evaluation's.
    Date(Date),
    Absent,
    AbsentOverTime,
    Clamp,
    ClampMax,
    ClampMin,
    HistogramFraction,
    HistogramQuantile,
    HistogramQuantiles,
    /// Of each native histogram.
    Histogram(HistogramFunction),
    Info,
    LabelJoin,
    LabelReplace,
    MaxOf,
    MinOf,
    Pi,
    /// `start()`, `end()`, `step()`, `range()`: of the query as a whole.
    Query(QueryFunction),
    Round,
    Scalar,
    Sort,
    SortDesc,
    SortByLabel,
    SortByLabelDesc,
    Time,
    Timestamp,
    Vector,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Math {
    Abs,
    Acos,
    Acosh,
    Asin,
    Asinh,
    Atan,
    Atanh,
    Ceil,
    Cos,
    Cosh,
    Deg,
    Exp,
    Floor,
    Ln,
    Log10,
    Log2,
    Rad,
    Sgn,
    Sin,
    Sinh,
    Sqrt,
    Tan,
    Tanh,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RangeFunction {
    Avg,
    Changes,
    Count,
    Delta,
    Deriv,
    DoubleExponentialSmoothing,
    First,
    Idelta,
    Increase,
    Irate,
    Last,
    Mad,
    Max,
    Min,
    PredictLinear,
    Present,
    Quantile,
    Rate,
    Resets,
    Stddev,
    Stdvar,
    Sum,
    TsOfFirst,
    TsOfLast,
    TsOfMax,
    TsOfMin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HistogramFunction {
    Avg,
    Count,
    Stddev,
    Stdvar,
    Sum,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum QueryFunction {
    Start,
    End,
    Step,
    Range,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Date {
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    DaysInMonth,
    Hour,
    Minute,
    Month,
    Year,
}

use Kind as K;
use RangeFunction as R;
use ValueType::{Matrix as M, Scalar as S, String as L, Vector as V};

/// What a function takes and gives (Prometheus `parser.Function`).
#[derive(Debug)]
pub(crate) struct Signature {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The types of the arguments; the last one repeats where more are taken.
    pub(crate) args: &'static [ValueType],
    /// How many of `args` must be given.
    pub(crate) required: usize,
    /// How many may be given.
    pub(crate) allowed: usize,
    pub(crate) returns: ValueType,
    /// Only where experimental functions are enabled.
    pub(crate) experimental: bool,
}

const ANY: usize = usize::MAX;

const fn of(
    name: &'static str,
    kind: Kind,
    args: &'static [ValueType],
    (required, allowed): (usize, usize),
    returns: ValueType,
) -> Signature {
    Signature { name, kind, args, required, allowed, returns, experimental: false }
}

const fn experimental(
    name: &'static str,
    kind: Kind,
    args: &'static [ValueType],
    count: (usize, usize),
    returns: ValueType,
) -> Signature {
    Signature { experimental: true, ..of(name, kind, args, count, returns) }
}

/// Every function, sorted by name.
#[rustfmt::skip]
const FUNCTIONS: &[Signature] = &[
    of("abs", K::Math(Math::Abs), &[V], (1, 1), V),
    of("absent", K::Absent, &[V], (1, 1), V),
    of("absent_over_time", K::AbsentOverTime, &[M], (1, 1), V),
    of("acos", K::Math(Math::Acos), &[V], (1, 1), V),
    of("acosh", K::Math(Math::Acosh), &[V], (1, 1), V),
    of("asin", K::Math(Math::Asin), &[V], (1, 1), V),
    of("asinh", K::Math(Math::Asinh), &[V], (1, 1), V),
    of("atan", K::Math(Math::Atan), &[V], (1, 1), V),
    of("atanh", K::Math(Math::Atanh), &[V], (1, 1), V),
    of("avg_over_time", K::Range(R::Avg), &[M], (1, 1), V),
    of("ceil", K::Math(Math::Ceil), &[V], (1, 1), V),
    of("changes", K::Range(R::Changes), &[M], (1, 1), V),
    of("clamp", K::Clamp, &[V, S, S], (3, 3), V),
    of("clamp_max", K::ClampMax, &[V, S], (2, 2), V),
    of("clamp_min", K::ClampMin, &[V, S], (2, 2), V),
    of("cos", K::Math(Math::Cos), &[V], (1, 1), V),
    of("cosh", K::Math(Math::Cosh), &[V], (1, 1), V),
    of("count_over_time", K::Range(R::Count), &[M], (1, 1), V),
    of("day_of_month", K::Date(Date::DayOfMonth), &[V], (0, 1), V),
    of("day_of_week", K::Date(Date::DayOfWeek), &[V], (0, 1), V),
    of("day_of_year", K::Date(Date::DayOfYear), &[V], (0, 1), V),
    of("days_in_month", K::Date(Date::DaysInMonth), &[V], (0, 1), V),
    of("deg", K::Math(Math::Deg), &[V], (1, 1), V),
    of("delta", K::Range(R::Delta), &[M], (1, 1), V),
    of("deriv", K::Range(R::Deriv), &[M], (1, 1), V),
    experimental("double_exponential_smoothing", K::Range(R::DoubleExponentialSmoothing), &[M, S, S], (3, 3), V),
    experimental("end", K::Query(QueryFunction::End), &[], (0, 0), S),
    of("exp", K::Math(Math::Exp), &[V], (1, 1), V),
    experimental("first_over_time", K::Range(R::First), &[M], (1, 1), V),
    of("floor", K::Math(Math::Floor), &[V], (1, 1), V),
    of("histogram_avg", K::Histogram(HistogramFunction::Avg), &[V], (1, 1), V),
    of("histogram_count", K::Histogram(HistogramFunction::Count), &[V], (1, 1), V),
    of("histogram_fraction", K::HistogramFraction, &[S, S, V], (3, 3), V),
    of("histogram_quantile", K::HistogramQuantile, &[S, V], (2, 2), V),
    experimental("histogram_quantiles", K::HistogramQuantiles, &[V, L, S], (3, 12), V),
    of("histogram_stddev", K::Histogram(HistogramFunction::Stddev), &[V], (1, 1), V),
    of("histogram_stdvar", K::Histogram(HistogramFunction::Stdvar), &[V], (1, 1), V),
    of("histogram_sum", K::Histogram(HistogramFunction::Sum), &[V], (1, 1), V),
    of("hour", K::Date(Date::Hour), &[V], (0, 1), V),
    of("idelta", K::Range(R::Idelta), &[M], (1, 1), V),
    of("increase", K::Range(R::Increase), &[M], (1, 1), V),
    experimental("info", K::Info, &[V, V], (1, 2), V),
    of("irate", K::Range(R::Irate), &[M], (1, 1), V),
    of("label_join", K::LabelJoin, &[V, L, L, L], (3, ANY), V),
    of("label_replace", K::LabelReplace, &[V, L, L, L, L], (5, 5), V),
    of("last_over_time", K::Range(R::Last), &[M], (1, 1), V),
    of("ln", K::Math(Math::Ln), &[V], (1, 1), V),
    of("log10", K::Math(Math::Log10), &[V], (1, 1), V),
    of("log2", K::Math(Math::Log2), &[V], (1, 1), V),
    experimental("mad_over_time", K::Range(R::Mad), &[M], (1, 1), V),
    experimental("max_of", K::MaxOf, &[S, S], (2, 2), S),
    of("max_over_time", K::Range(R::Max), &[M], (1, 1), V),
    experimental("min_of", K::MinOf, &[S, S], (2, 2), S),
    of("min_over_time", K::Range(R::Min), &[M], (1, 1), V),
    of("minute", K::Date(Date::Minute), &[V], (0, 1), V),
    of("month", K::Date(Date::Month), &[V], (0, 1), V),
    of("pi", K::Pi, &[], (0, 0), S),
    of("predict_linear", K::Range(R::PredictLinear), &[M, S], (2, 2), V),
    of("present_over_time", K::Range(R::Present), &[M], (1, 1), V),
    of("quantile_over_time", K::Range(R::Quantile), &[S, M], (2, 2), V),
    of("rad", K::Math(Math::Rad), &[V], (1, 1), V),
    experimental("range", K::Query(QueryFunction::Range), &[], (0, 0), S),
    of("rate", K::Range(R::Rate), &[M], (1, 1), V),
    of("resets", K::Range(R::Resets), &[M], (1, 1), V),
    of("round", K::Round, &[V, S], (1, 2), V),
    of("scalar", K::Scalar, &[V], (1, 1), S),
    of("sgn", K::Math(Math::Sgn), &[V], (1, 1), V),
    of("sin", K::Math(Math::Sin), &[V], (1, 1), V),
    of("sinh", K::Math(Math::Sinh), &[V], (1, 1), V),
    of("sort", K::Sort, &[V], (1, 1), V),
    experimental("sort_by_label", K::SortByLabel, &[V, L], (1, ANY), V),
    experimental("sort_by_label_desc", K::SortByLabelDesc, &[V, L], (1, ANY), V),
    of("sort_desc", K::SortDesc, &[V], (1, 1), V),
    of("sqrt", K::Math(Math::Sqrt), &[V], (1, 1), V),
    experimental("start", K::Query(QueryFunction::Start), &[], (0, 0), S),
    of("stddev_over_time", K::Range(R::Stddev), &[M], (1, 1), V),
    of("stdvar_over_time", K::Range(R::Stdvar), &[M], (1, 1), V),
    experimental("step", K::Query(QueryFunction::Step), &[], (0, 0), S),
    of("sum_over_time", K::Range(R::Sum), &[M], (1, 1), V),
    of("tan", K::Math(Math::Tan), &[V], (1, 1), V),
    of("tanh", K::Math(Math::Tanh), &[V], (1, 1), V),
    of("time", K::Time, &[], (0, 0), S),
    of("timestamp", K::Timestamp, &[V], (1, 1), V),
    experimental("ts_of_first_over_time", K::Range(R::TsOfFirst), &[M], (1, 1), V),
    experimental("ts_of_last_over_time", K::Range(R::TsOfLast), &[M], (1, 1), V),
    experimental("ts_of_max_over_time", K::Range(R::TsOfMax), &[M], (1, 1), V),
    experimental("ts_of_min_over_time", K::Range(R::TsOfMin), &[M], (1, 1), V),
    of("vector", K::Vector, &[S], (1, 1), V),
    of("year", K::Date(Date::Year), &[V], (0, 1), V),
];

impl Function {
    /// The function of this name.
    pub fn named(name: &str) -> Option<Self> {
        let at = FUNCTIONS.binary_search_by_key(&name, |f| f.name).ok()?;
        Some(Self(FUNCTIONS[at].kind))
    }

    /// The names of all functions, sorted.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FUNCTIONS.iter().map(|f| f.name)
    }

    /// As PromQL writes it.
    pub fn name(self) -> &'static str {
        self.signature().name
    }

    /// What it gives.
    pub fn returns(self) -> ValueType {
        self.signature().returns
    }

    /// The types of its arguments; the last one may be given more often where [`Self::arguments_allowed`] is
    /// larger.
    pub fn arguments(self) -> &'static [ValueType] {
        self.signature().args
    }

    /// How many arguments it needs, and how many it takes at most.
    pub fn arguments_allowed(self) -> (usize, usize) {
        (self.signature().required, self.signature().allowed)
    }

    /// Whether it must be enabled first (Prometheus's feature `promql-experimental-functions`).
    pub fn is_experimental(self) -> bool {
        self.signature().experimental
    }

    pub(crate) fn signature(self) -> &'static Signature {
        // Every kind stands in the table: `named` alone makes functions.
        FUNCTIONS.iter().find(|f| f.kind == self.0).unwrap_or(&FUNCTIONS[0])
    }
}
