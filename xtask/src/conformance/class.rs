//! What an evaluation exercises. Each counts once, for the first class it belongs to, in the order of [`Class::ALL`].

use std::collections::HashSet;

use assurance_metrics_model::METRIC_NAME;
use assurance_promqltest::{Command, Eval, Expected, Load, Script, Slot};

/// What an evaluation exercises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Samples with start timestamps (`@st`) are loaded, or `start_timestamp()` is called.
    StartTimestamp,
    /// The modifiers `fill`, `fill_left` and `fill_right`.
    FillModifier,
    /// The modifiers `anchored` and `smoothed`.
    ExtendedRange,
    /// The operators `</` and `>/`.
    HistogramTrim,
    /// Calculated durations: an operator or a call within brackets or behind `offset`; and what came with them, the
    /// functions `start`, `end`, `range` and `step`.
    DurationExpr,
    /// A function or aggregation that Prometheus calls experimental.
    ExperimentalFunction,
    /// A native histogram is expected, or the expression names a metric of which some are loaded.
    NativeHistogram,
    /// All others.
    Float,
}

/// What Prometheus calls experimental and knows under no other class.
const EXPERIMENTAL: &[&str] = &[
    "double_exponential_smoothing",
    "first_over_time",
    "histogram_quantiles",
    "info",
    "limit_ratio",
    "limitk",
    "mad_over_time",
    "max_of",
    "min_of",
    "sort_by_label",
    "sort_by_label_desc",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
];

impl Class {
    pub(crate) const ALL: &[Self] = &[
        Self::StartTimestamp,
        Self::FillModifier,
        Self::ExtendedRange,
        Self::HistogramTrim,
        Self::DurationExpr,
        Self::ExperimentalFunction,
        Self::NativeHistogram,
        Self::Float,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::StartTimestamp => "start-timestamp",
            Self::FillModifier => "fill-modifier",
            Self::ExtendedRange => "extended-range",
            Self::HistogramTrim => "histogram-trim",
            Self::DurationExpr => "duration-expr",
            Self::ExperimentalFunction => "experimental-function",
            Self::NativeHistogram => "native-histogram",
            Self::Float => "float",
        }
    }
}

/// The class of each evaluation of a script.
pub(crate) fn classes(script: &Script) -> Vec<Class> {
    let mut data = Data::default();
    let mut classes = Vec::new();
    for (_, command) in &script.commands {
        match command {
            Command::Clear => data = Data::default(),
            Command::Load(load) => data.add(load),
            Command::Eval(eval) => classes.push(class(eval, &data)),
        }
    }
    classes
}

/// What is loaded.
#[derive(Default)]
struct Data {
    starts: bool,
    /// Metrics with native histograms.
    histograms: HashSet<String>,
}

impl Data {
    fn add(&mut self, load: &Load) {
        for series in &load.series {
            self.starts |= !series.starts.is_empty();
            if series.slots.iter().any(|slot| matches!(slot, Slot::Histogram { .. })) {
                self.histograms.extend(series.labels.get(METRIC_NAME).map(str::to_owned));
            }
        }
    }
}

fn class(eval: &Eval, data: &Data) -> Class {
    let tokens = tokens(&eval.expr);
    let word = |names: &[&str]| tokens.iter().any(|token| names.contains(&token.as_str()));
    let called = |names: &[&str]| {
        tokens.windows(2).any(|pair| {
            names.contains(&pair[0].as_str()) && matches!(pair[1].as_str(), "(" | "by" | "without")
        })
    };
    let expected = match &eval.expected {
        Expected::Series { series, .. } => series.iter().any(|(_, slots)| has_histogram(slots)),
        _ => false,
    };
    if data.starts || called(&["start_timestamp"]) {
        Class::StartTimestamp
    } else if called(&["fill", "fill_left", "fill_right"]) {
        Class::FillModifier
    } else if word(&["anchored", "smoothed"]) {
        Class::ExtendedRange
    } else if word(&["</", ">/"]) {
        Class::HistogramTrim
    } else if calculates_durations(&tokens) {
        Class::DurationExpr
    } else if called(EXPERIMENTAL) {
        Class::ExperimentalFunction
    } else if expected || tokens.iter().any(|token| data.histograms.contains(token)) {
        Class::NativeHistogram
    } else {
        Class::Float
    }
}

fn has_histogram(slots: &[Slot]) -> bool {
    slots.iter().any(|slot| matches!(slot, Slot::Histogram { .. }))
}

fn calculates_durations(tokens: &[String]) -> bool {
    let is_operator = |token: &str| matches!(token, "+" | "-" | "*" | "/" | "%" | "^" | "(");
    let mut brackets = false;
    for (at, token) in tokens.iter().enumerate() {
        let next = |n: usize| tokens.get(at + n).map_or("", String::as_str);
        let before = at.checked_sub(1).map_or("", |before| tokens[before].as_str());
        match token.to_ascii_lowercase().as_str() {
            "[" => brackets = true,
            "]" => brackets = false,
            token if brackets && is_operator(token) => return true,
            "offset" => {
                let signed = matches!(next(1), "+" | "-");
                let first = if signed { next(2) } else { next(1) };
                let call = first.starts_with(|c: char| c.is_ascii_alphabetic());
                if first == "(" || call {
                    return true;
                }
            }
            "start" | "end" | "range" | "step" if before != "@" && next(1) == "(" && next(2) == ")" => {
                return true;
            }
            _ => {}
        }
    }
    false
}

/// Words, numbers and operators; quoted texts are left out.
fn tokens(expr: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = expr.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' | '\'' | '`' => {
                let mut escaped = false;
                let closing = rest.char_indices().skip(1).find(|(_, c)| {
                    let closes = *c == first && !escaped;
                    escaped = *c == '\\' && !escaped && first != '`';
                    closes
                });
                closing.map_or(rest.len(), |(at, quote)| at + quote.len_utf8())
            }
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '.') => rest
                .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.' | ':'))
                .unwrap_or(rest.len()),
            _ if rest.starts_with("</") || rest.starts_with(">/") => 2,
            c => c.len_utf8(),
        };
        if !matches!(first, '"' | '\'' | '`') {
            tokens.push(rest[..end].to_owned());
        }
        rest = rest[end..].trim_start();
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(text: &str) -> Vec<&'static str> {
        let script = Script::parse("x.test", text).expect(text);
        classes(&script).into_iter().map(Class::name).collect()
    }

    fn class_of_expr(expr: &str) -> &'static str {
        class_of(&format!("load 1m\n  h {{{{}}}}\n  m 1\n\neval instant at 0 {expr}\n"))[0]
    }

    #[test]
    fn an_expression_belongs_to_the_first_class_that_it_exercises() {
        for (expr, class) in [
            ("m", "float"),
            ("sum_over_time(m[5m:1m] offset -5m @ start())", "float"),
            ("m offset 5m * 2", "float"),
            ("m + fill", "float"),
            (r#"m{a="h smoothed </ \" info(m)"}"#, "float"),
            ("h", "native-histogram"),
            ("rate(h[5m])", "native-histogram"),
            ("limitk by (a) (1, h)", "experimental-function"),
            ("info(m)", "experimental-function"),
            ("min_of(1, 2)", "experimental-function"),
            ("rate(m[5m * 2])", "duration-expr"),
            ("rate(m[step()])", "duration-expr"),
            ("m offset (1m)", "duration-expr"),
            ("m offset -STEP()", "duration-expr"),
            ("m * range()", "duration-expr"),
            ("h </ 3", "histogram-trim"),
            ("h >/ min_of(1, 2)", "histogram-trim"),
            ("rate(h[5m * 2] anchored)", "extended-range"),
            ("m + on (a) fill_left(0) h smoothed", "fill-modifier"),
            ("start_timestamp(m)", "start-timestamp"),
        ] {
            assert_eq!(class_of_expr(expr), class, "{expr}");
        }
    }

    #[test]
    fn what_is_loaded_and_expected_counts_up_to_the_next_clear() {
        let text = "load_with_nhcb 1m
  c_bucket{le=\"+Inf\"} 1

eval instant at 0 c
eval instant at 0 c_bucket
eval instant at 0 vector(1)
  {} {{}}

load 1m
  m@st 1s
  m 1

eval instant at 0 c
clear
eval instant at 0 c
";
        let native = "native-histogram";
        assert_eq!(class_of(text), [native, "float", native, "start-timestamp", "float"]);
    }
}
