//! `metric{label="value"} 1+1x5 _ stale`: a series and what it holds, step by step.

use assurance_metrics_model::{Labels, METRIC_NAME, MatchOp, stale_nan};

/// Samples that one line may stand for: a script that needs more is a mistake.
const MAX_SLOTS: usize = 1 << 20;

/// What a series holds at one step.
#[derive(Clone, Copy, Debug)]
pub enum Slot {
    /// A float; the stale marker among them.
    Float(f64),
    /// Nothing: `_`.
    Empty,
}

/// A series of a script.
#[derive(Clone, Debug)]
pub struct LoadedSeries {
    /// Its labels, the name among them.
    pub labels: Labels,
    /// What it holds, from the first step on.
    pub slots: Vec<Slot>,
}

/// Why a line is no series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeriesError {
    /// The part before the values is no series.
    #[error("{text:?} is no series; write metric{{label=\"value\"}}")]
    Labels {
        /// What was given.
        text: String,
    },
    /// A value that is none.
    #[error("{text:?} is no value; write a number, `_`, `stale`, or a sequence such as 1+2x3")]
    Value {
        /// What was given.
        text: String,
    },
    /// A native histogram.
    #[error("histogram literals are not supported yet: {text}")]
    Histogram {
        /// What was given, shortened.
        text: String,
    },
    /// More steps than a script may have.
    #[error("the series has more than {MAX_SLOTS} steps")]
    TooLong,
}

/// Reads a line.
///
/// # Errors
/// As [`SeriesError`] lists.
pub fn parse_series(line: &str) -> Result<LoadedSeries, SeriesError> {
    let (series, values) = split(line);
    let labels = parse_labels(series)?;
    if values.contains("{{") {
        return Err(SeriesError::Histogram { text: values.chars().take(40).collect() });
    }
    let mut slots = Vec::new();
    for word in values.split_whitespace() {
        sequence(word, &mut slots)?;
    }
    Ok(LoadedSeries { labels, slots })
}

/// Reads `metric{label="value"}`, as PromQL writes a series.
///
/// # Errors
/// If it is no selector of equalities alone.
pub fn parse_labels(text: &str) -> Result<Labels, SeriesError> {
    let refused = || SeriesError::Labels { text: text.to_owned() };
    if text.trim() == "{}" {
        return Ok(Labels::empty());
    }
    let matchers = assurance_promql::parse_selector(text.trim()).map_err(|_not_one| refused())?;
    if matchers.iter().any(|m| m.op() != MatchOp::Equal) {
        return Err(refused());
    }
    // A series written without a name has none.
    Ok(Labels::from_pairs(
        matchers.iter().map(|m| (m.name(), m.value())).filter(|(n, v)| *n != METRIC_NAME || !v.is_empty()),
    ))
}

/// The series and the values of a line: the first blank outside of braces and quotes parts them.
pub(crate) fn split(line: &str) -> (&str, &str) {
    let (mut depth, mut quote) = (0, None);
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(q), '\\') if q != '`' => escaped = true,
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') => depth -= 1,
            (None, c) if c.is_whitespace() && depth == 0 => {
                // `metric {a="b"} 1` has its braces behind a blank.
                let rest = line[at..].trim_start();
                if !rest.starts_with('{') || rest.starts_with("{{") {
                    return (&line[..at], rest);
                }
            }
            (None, _) => {}
        }
    }
    (line, "")
}

/// `1`, `_`, `stale`, `1x3`, `_x3`, `1+2x3`, `1-2x3`.
fn sequence(word: &str, slots: &mut Vec<Slot>) -> Result<(), SeriesError> {
    let refused = || SeriesError::Value { text: word.to_owned() };
    let (value, times) = match word.rsplit_once('x') {
        Some((value, times)) => (value, Some(times.parse::<usize>().map_err(|_source| refused())?)),
        None => (word, None),
    };
    let room = MAX_SLOTS.saturating_sub(slots.len());
    if times.unwrap_or(1) >= room {
        return Err(SeriesError::TooLong);
    }
    if value == "_" {
        slots.extend(std::iter::repeat_n(Slot::Empty, times.unwrap_or(1)));
        return Ok(());
    }
    if let Some(value) = number(value) {
        // `1x3` is 1 and three times more.
        slots.extend(std::iter::repeat_n(Slot::Float(value), times.map_or(1, |t| t + 1)));
        return Ok(());
    }
    let times = times.ok_or_else(refused)?;
    // The sign that parts start and step is the last one that begins no number and no exponent.
    let at = value
        .char_indices()
        .skip(1)
        .find(|(at, c)| matches!(c, '+' | '-') && !value[..*at].ends_with(['e', 'E']))
        .map(|(at, _)| at)
        .ok_or_else(refused)?;
    let (start, step) = (
        number(&value[..at]).ok_or_else(refused)?,
        number(value[at..].trim_start_matches('+')).ok_or_else(refused)?,
    );
    let mut current = start;
    for _ in 0..=times {
        slots.push(Slot::Float(current));
        current += step;
    }
    Ok(())
}

pub(crate) fn number(text: &str) -> Option<f64> {
    if text == "stale" {
        return Some(stale_nan());
    }
    match assurance_promql::parse(text).ok()? {
        assurance_promql::Expr::Number(value) => Some(value),
        assurance_promql::Expr::Negate(inner) => match *inner {
            assurance_promql::Expr::Number(value) => Some(-value),
            _ => None,
        },
        _ => None,
    }
}
