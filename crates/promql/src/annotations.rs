//! Warnings and infos of an evaluation: what is said once, wherever it happens.

use std::collections::BTreeMap;
use std::fmt::Display;

use assurance_metrics_model::format_float;

use crate::ast::Span;

/// What an evaluation has to say besides its result. A message is said once, with the place where it was last
/// true, as Prometheus does (`util/annotations`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Annotations {
    warnings: BTreeMap<String, Span>,
    infos: BTreeMap<String, Span>,
}

/// How histograms were combined, as messages name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Combining {
    Addition,
    Subtraction,
    Aggregation,
}

impl Combining {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Subtraction => "subtraction",
            Self::Aggregation => "aggregation",
        }
    }
}

/// `for metric name "x"`, where there is one.
fn of_metric(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" for metric name {name:?}") }
}

impl Annotations {
    fn warn(&mut self, span: Span, message: impl Display) {
        self.warnings.insert(format!("PromQL warning: {message}"), span);
    }

    fn info(&mut self, span: Span, message: impl Display) {
        self.infos.insert(format!("PromQL info: {message}"), span);
    }

    /// The messages with their places: warnings, infos.
    pub(crate) fn into_texts(self) -> (Vec<String>, Vec<String>) {
        let texts = |messages: BTreeMap<String, Span>| {
            messages
                .into_iter()
                .map(|(message, span)| match span.line {
                    0 => message,
                    line => format!("{message} ({line}:{})", span.column),
                })
                .collect()
        };
        (texts(self.warnings), texts(self.infos))
    }

    pub(crate) fn quantile(&mut self, q: f64, span: Span) {
        if !(0.0..=1.0).contains(&q) {
            self.warn(span, format!("quantile value should be between 0 and 1, got {}", format_float(q)));
        }
    }

    pub(crate) fn ratio(&mut self, ratio: f64, span: Span) {
        let cap = if ratio > 0.0 { 1 } else { -1 };
        let got = format_float(ratio);
        self.warn(span, format!("ratio value should be between -1 and 1, got {got}, capping to {cap}"));
    }

    pub(crate) fn sort_is_ineffective(&mut self, span: Span) {
        let what = "sort is ineffective for range queries since results are always ordered by labels";
        self.warn(span, what);
    }

    pub(crate) fn bad_bucket_label(&mut self, bound: &str, metric: &str, span: Span) {
        let of = of_metric(metric);
        let bad = format!("bucket label \"le\" is missing or has a malformed value of {bound:?}{of}");
        self.warn(span, bad);
    }

    pub(crate) fn mixed_in_range(&mut self, metric: &str, span: Span) {
        self.warn(span, format!("encountered a mix of histograms and floats for metric name {metric:?}"));
    }

    pub(crate) fn mixed_in_aggregation(&mut self, span: Span) {
        self.warn(span, "encountered a mix of histograms and floats for aggregation");
    }

    pub(crate) fn classic_and_native(&mut self, metric: &str, span: Span) {
        self.warn(
            span,
            format!("vector contains a mix of classic and native histograms{}", of_metric(metric)),
        );
    }

    pub(crate) fn not_a_counter(&mut self, metric: &str, span: Span) {
        self.warn(span, format!("this native histogram metric is not a counter: {metric:?}"));
    }

    pub(crate) fn not_a_gauge(&mut self, metric: &str, span: Span) {
        self.warn(span, format!("this native histogram metric is not a gauge: {metric:?}"));
    }

    pub(crate) fn exponential_and_custom(&mut self, metric: &str, span: Span) {
        self.warn(
            span,
            format!(
                "vector contains a mix of histograms with exponential and custom buckets schemas for metric name {metric:?}"
            ),
        );
    }

    pub(crate) fn incompatible_layout(&mut self, operator: &str, span: Span) {
        self.warn(span, format!("incompatible bucket layout encountered for binary operator {operator}"));
    }

    pub(crate) fn reset_collision(&mut self, combining: Combining, span: Span) {
        self.warn(span, format!("conflicting counter resets during histogram {}", combining.as_str()));
    }

    pub(crate) fn reconciled(&mut self, combining: Combining, span: Span) {
        self.info(span, format!("mismatched custom buckets were reconciled during {}", combining.as_str()));
    }

    pub(crate) fn possible_non_counter(&mut self, metric: &str, span: Span) {
        self.info(
            span,
            format!(
                "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {metric:?}"
            ),
        );
    }

    pub(crate) fn incompatible_types(&mut self, left: &str, operator: &str, right: &str, span: Span) {
        self.info(
            span,
            format!(
                "incompatible sample types encountered for binary operator {operator:?}: {left} {operator} {right}"
            ),
        );
    }

    pub(crate) fn ignored_in_aggregation(&mut self, operator: &str, span: Span) {
        self.info(span, format!("ignored histogram in {operator} aggregation"));
    }

    pub(crate) fn ignored_in_range(&mut self, metric: &str, span: Span) {
        self.info(
            span,
            format!(
                "ignored histograms in a range containing both floats and histograms for metric name {metric:?}"
            ),
        );
    }

    pub(crate) fn forced_monotonic(&mut self, metric: &str, span: Span) {
        self.info(
            span,
            format!(
                "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){}",
                of_metric(metric)
            ),
        );
    }

    pub(crate) fn quantile_is_nan(&mut self, metric: &str, span: Span) {
        let of = of_metric(metric);
        self.info(span, format!("input to histogram_quantile has NaN observations, result is NaN{of}"));
    }

    pub(crate) fn quantile_is_skewed(&mut self, metric: &str, span: Span) {
        let of = of_metric(metric);
        self.info(
            span,
            format!("input to histogram_quantile has NaN observations, result is skewed higher{of}"),
        );
    }

    pub(crate) fn fraction_has_nan(&mut self, metric: &str, span: Span) {
        self.info(
            span,
            format!(
                "input to histogram_fraction has NaN observations, which are excluded from all fractions{}",
                of_metric(metric)
            ),
        );
    }
}
