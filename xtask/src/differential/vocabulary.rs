//! The words of PromQL as Prometheus 2.42 knows them, sorted by what they take.

/// Functions of a range of samples.
pub(crate) const OVER_TIME: &[&str] = &[
    "avg_over_time",
    "changes",
    "count_over_time",
    "delta",
    "deriv",
    "idelta",
    "increase",
    "irate",
    "last_over_time",
    "max_over_time",
    "min_over_time",
    "present_over_time",
    "rate",
    "resets",
    "stddev_over_time",
    "stdvar_over_time",
    "sum_over_time",
];

/// Those that make sense for counters.
pub(crate) const OF_COUNTERS: &[&str] = &["increase", "irate", "rate", "resets"];

/// Functions of each value by itself.
pub(crate) const POINTWISE: &[&str] = &[
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "deg", "exp", "floor",
    "ln", "log10", "log2", "rad", "sgn", "sin", "sinh", "sqrt", "tan", "tanh",
];

/// Functions of a time in seconds.
pub(crate) const DATES: &[&str] =
    &["day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year"];

/// Functions of native histograms, which give nothing for floats.
pub(crate) const OF_HISTOGRAMS: &[&str] = &["histogram_count", "histogram_sum"];

pub(crate) const AGGREGATIONS: &[&str] = &["avg", "count", "group", "max", "min", "stddev", "stdvar", "sum"];

pub(crate) const ARITHMETIC: &[&str] = &["+", "-", "*", "/", "%", "^", "atan2"];
pub(crate) const COMPARISONS: &[&str] = &["==", "!=", ">", "<", ">=", "<="];
pub(crate) const SETS: &[&str] = &["and", "or", "unless"];

/// What else is generated.
pub(crate) const REST: &[&str] = &[
    "absent",
    "absent_over_time",
    "bottomk",
    "clamp",
    "clamp_max",
    "clamp_min",
    "count_values",
    "histogram_fraction",
    "histogram_quantile",
    "holt_winters",
    "label_join",
    "label_replace",
    "pi",
    "predict_linear",
    "quantile",
    "quantile_over_time",
    "round",
    "scalar",
    "sort",
    "sort_desc",
    "time",
    "timestamp",
    "topk",
    "vector",
    "unary -",
    "unary +",
    "bool",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "offset",
    "offset negative",
    "@",
    "@ start()",
    "@ end()",
    "subquery",
    "subquery, default step",
    "subquery in a subquery",
    "no parentheses",
    "matcher =",
    "matcher !=",
    "matcher =~",
    "matcher !~",
];

/// Everything that must occur.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    [OVER_TIME, POINTWISE, DATES, OF_HISTOGRAMS, AGGREGATIONS, ARITHMETIC, COMPARISONS, SETS, REST]
        .into_iter()
        .flatten()
        .copied()
}
