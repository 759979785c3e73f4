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
    HistogramQuantile,
    LabelJoin,
    LabelReplace,
    Pi,
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

use RangeFunction as R;

/// Every function with its name, sorted by name.
const FUNCTIONS: &[(&str, Kind)] = &[
    ("abs", Kind::Math(Math::Abs)),
    ("absent", Kind::Absent),
    ("absent_over_time", Kind::AbsentOverTime),
    ("acos", Kind::Math(Math::Acos)),
    ("acosh", Kind::Math(Math::Acosh)),
    ("asin", Kind::Math(Math::Asin)),
    ("asinh", Kind::Math(Math::Asinh)),
    ("atan", Kind::Math(Math::Atan)),
    ("atanh", Kind::Math(Math::Atanh)),
    ("avg_over_time", Kind::Range(R::Avg)),
    ("ceil", Kind::Math(Math::Ceil)),
    ("changes", Kind::Range(R::Changes)),
    ("clamp", Kind::Clamp),
    ("clamp_max", Kind::ClampMax),
    ("clamp_min", Kind::ClampMin),
    ("cos", Kind::Math(Math::Cos)),
    ("cosh", Kind::Math(Math::Cosh)),
    ("count_over_time", Kind::Range(R::Count)),
    ("day_of_month", Kind::Date(Date::DayOfMonth)),
    ("day_of_week", Kind::Date(Date::DayOfWeek)),
    ("day_of_year", Kind::Date(Date::DayOfYear)),
    ("days_in_month", Kind::Date(Date::DaysInMonth)),
    ("deg", Kind::Math(Math::Deg)),
    ("delta", Kind::Range(R::Delta)),
    ("deriv", Kind::Range(R::Deriv)),
    ("double_exponential_smoothing", Kind::Range(R::DoubleExponentialSmoothing)),
    ("exp", Kind::Math(Math::Exp)),
    ("first_over_time", Kind::Range(R::First)),
    ("floor", Kind::Math(Math::Floor)),
    ("histogram_quantile", Kind::HistogramQuantile),
    ("hour", Kind::Date(Date::Hour)),
    ("idelta", Kind::Range(R::Idelta)),
    ("increase", Kind::Range(R::Increase)),
    ("irate", Kind::Range(R::Irate)),
    ("label_join", Kind::LabelJoin),
    ("label_replace", Kind::LabelReplace),
    ("last_over_time", Kind::Range(R::Last)),
    ("ln", Kind::Math(Math::Ln)),
    ("log10", Kind::Math(Math::Log10)),
    ("log2", Kind::Math(Math::Log2)),
    ("mad_over_time", Kind::Range(R::Mad)),
    ("max_over_time", Kind::Range(R::Max)),
    ("min_over_time", Kind::Range(R::Min)),
    ("minute", Kind::Date(Date::Minute)),
    ("month", Kind::Date(Date::Month)),
    ("pi", Kind::Pi),
    ("predict_linear", Kind::Range(R::PredictLinear)),
    ("present_over_time", Kind::Range(R::Present)),
    ("quantile_over_time", Kind::Range(R::Quantile)),
    ("rad", Kind::Math(Math::Rad)),
    ("rate", Kind::Range(R::Rate)),
    ("resets", Kind::Range(R::Resets)),
    ("round", Kind::Round),
    ("scalar", Kind::Scalar),
    ("sgn", Kind::Math(Math::Sgn)),
    ("sin", Kind::Math(Math::Sin)),
    ("sinh", Kind::Math(Math::Sinh)),
    ("sort", Kind::Sort),
    ("sort_by_label", Kind::SortByLabel),
    ("sort_by_label_desc", Kind::SortByLabelDesc),
    ("sort_desc", Kind::SortDesc),
    ("sqrt", Kind::Math(Math::Sqrt)),
    ("stddev_over_time", Kind::Range(R::Stddev)),
    ("stdvar_over_time", Kind::Range(R::Stdvar)),
    ("sum_over_time", Kind::Range(R::Sum)),
    ("tan", Kind::Math(Math::Tan)),
    ("tanh", Kind::Math(Math::Tanh)),
    ("time", Kind::Time),
    ("timestamp", Kind::Timestamp),
    ("ts_of_first_over_time", Kind::Range(R::TsOfFirst)),
    ("ts_of_last_over_time", Kind::Range(R::TsOfLast)),
    ("ts_of_max_over_time", Kind::Range(R::TsOfMax)),
    ("ts_of_min_over_time", Kind::Range(R::TsOfMin)),
    ("vector", Kind::Vector),
    ("year", Kind::Date(Date::Year)),
];

impl Function {
    /// The function of this name, if it can be evaluated.
    pub fn named(name: &str) -> Option<Self> {
        let at = FUNCTIONS.binary_search_by_key(&name, |(n, _)| n).ok()?;
        Some(Self(FUNCTIONS[at].1))
    }

    /// The names of all functions, sorted.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FUNCTIONS.iter().map(|(name, _)| *name)
    }

    /// As PromQL writes it.
    pub fn name(self) -> &'static str {
        FUNCTIONS.iter().find(|(_, kind)| *kind == self.0).map_or("", |(name, _)| name)
    }

    /// What it gives.
    pub fn returns(self) -> ValueType {
        match self.0 {
            Kind::Pi | Kind::Scalar | Kind::Time => ValueType::Scalar,
            _ => ValueType::Vector,
        }
    }
}
