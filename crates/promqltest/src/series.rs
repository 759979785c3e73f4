//! `metric{label="value"} 1+1x5 _ stale {{schema:0 count:1}}`: a series and what it holds, step by step.

use std::sync::Arc;

use assurance_metrics_model::{Duration, Histogram, Labels, METRIC_NAME, stale_nan};

use crate::histogram;
use crate::scan::Scanner;

/// Samples that one line may stand for: a script that needs more is a mistake.
pub(crate) const MAX_SLOTS: usize = 1 << 20;

/// What a series holds at one step.
#[derive(Clone, Debug, PartialEq)]
pub enum Slot {
    /// A float; the stale marker among them.
    Float(f64),
    /// A native histogram.
    Histogram {
        /// The histogram.
        histogram: Arc<Histogram>,
        /// Whether the literal names its counter reset hint: only then an expectation compares it.
        hint_named: bool,
    },
    /// Nothing: `_`.
    Empty,
}

impl Slot {
    /// What ends a series of histograms.
    pub(crate) fn stale_histogram() -> Self {
        let histogram = Arc::new(Histogram { sum: stale_nan(), ..Histogram::default() });
        Self::Histogram { histogram, hint_named: false }
    }
}

/// A series of a script.
#[derive(Clone, Debug)]
pub struct LoadedSeries {
    /// Its labels, the name among them.
    pub labels: Labels,
    /// What it holds, from the first step on.
    pub slots: Vec<Slot>,
    /// When each sample's counting began, seen from the sample's time: one entry a slot, or none at all.
    pub starts: Vec<Option<Duration>>,
}

/// Why a line is no series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct SeriesError {
    /// The byte of the line at which it is seen.
    pub at: usize,
    /// Why.
    pub kind: SeriesErrorKind,
}

/// Why a line is no series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeriesErrorKind {
    /// The part before the values is no series.
    #[error("{text:?} is no series: {expected} is expected; write metric{{label=\"value\"}}")]
    Labels {
        /// What was given.
        text: String,
        /// What would go on.
        expected: &'static str,
    },
    /// A value that is none.
    #[error(
        "{text:?} is no value; write a number, `_`, `stale`, a histogram such as {{{{schema:0 count:1}}}}, or a sequence such as 1x3, 1+2x3 or _x3"
    )]
    Value {
        /// What was given.
        text: String,
    },
    /// A native histogram that is none.
    #[error("{text:?} is not understood in a histogram: {expected} is expected")]
    Histogram {
        /// What was given.
        text: String,
        /// What would go on.
        expected: &'static str,
    },
    /// Two histograms that cannot be added or subtracted.
    #[error("the histograms of the sequence do not go together: {reason}")]
    Combine {
        /// Why.
        reason: String,
    },
    /// A start timestamp that is none.
    #[error(
        "{text:?} is no start; write a duration such as -30s, `_`, `*`, or a sequence such as -1mx3 or -30s-1mx2"
    )]
    Start {
        /// What was given.
        text: String,
    },
    /// More steps than a script may have.
    #[error("the series has more than {MAX_SLOTS} steps")]
    TooLong,
}

/// Reads a line.
///
/// # Errors
/// As [`SeriesErrorKind`] lists.
pub fn parse_series(line: &str) -> Result<LoadedSeries, SeriesError> {
    let mut scanner = Scanner::new(line);
    scanner.skip_blanks();
    let labels = labels(&mut scanner)?;
    let slots = slots(&mut scanner)?;
    Ok(LoadedSeries { labels, slots, starts: Vec::new() })
}

/// Reads `metric{label="value"}`, as PromQL writes a series.
///
/// # Errors
/// If it is none, or more than one.
pub fn parse_labels(text: &str) -> Result<Labels, SeriesError> {
    let mut scanner = Scanner::new(text);
    scanner.skip_blanks();
    let labels = labels(&mut scanner)?;
    scanner.skip_blanks();
    if scanner.is_done() { Ok(labels) } else { Err(no_series(&scanner, "nothing more")) }
}

fn no_series(scanner: &Scanner<'_>, expected: &'static str) -> SeriesError {
    let text = scanner.word().chars().take(40).collect();
    SeriesError { at: scanner.at, kind: SeriesErrorKind::Labels { text, expected } }
}

/// A metric's name, labels in braces, or both.
pub(crate) fn labels(scanner: &mut Scanner<'_>) -> Result<Labels, SeriesError> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut pairs: Vec<(String, String)> = Vec::new();
    if scanner.peek().is_some_and(|c| is_name(c) && !c.is_ascii_digit()) {
        pairs.push((METRIC_NAME.to_owned(), scanner.take_while(is_name).to_owned()));
    } else if scanner.peek() != Some('{') || scanner.rest().starts_with("{{") {
        return Err(no_series(scanner, "a metric's name or a brace"));
    }
    // `metric {a="b"} 1` has its braces behind a blank.
    let behind_name = scanner.at;
    scanner.skip_blanks();
    if scanner.rest().starts_with("{{") || !scanner.eat("{") {
        scanner.at = behind_name;
        return Ok(Labels::from_pairs(pairs));
    }
    loop {
        scanner.skip_blanks();
        if scanner.eat("}") {
            return Ok(Labels::from_pairs(pairs));
        }
        let begin = scanner.at;
        let quoted = matches!(scanner.peek(), Some('"' | '\'' | '`'));
        let name = if quoted {
            scanner.quoted().map_err(|expected| no_series(scanner, expected))?
        } else {
            scanner.take_while(|c| is_name(c) && c != ':').to_owned()
        };
        if name.is_empty() || (!quoted && name.starts_with(|c: char| c.is_ascii_digit())) {
            scanner.at = begin;
            return Err(no_series(scanner, "a label's name or `}`"));
        }
        scanner.skip_blanks();
        let (name, value) = if scanner.eat("=") && !scanner.rest().starts_with('~') {
            scanner.skip_blanks();
            (name, scanner.quoted().map_err(|expected| no_series(scanner, expected))?)
        } else if quoted && matches!(scanner.peek(), Some(',' | '}')) {
            (METRIC_NAME.to_owned(), name)
        } else {
            return Err(no_series(scanner, "`=`, since a series has no other matchers,"));
        };
        if pairs.iter().any(|(known, _)| *known == name) {
            scanner.at = begin;
            return Err(no_series(scanner, "each label once, so another name"));
        }
        pairs.push((name, value));
        scanner.skip_blanks();
        if !scanner.eat(",") && scanner.peek() != Some('}') {
            return Err(no_series(scanner, "`,` or `}`"));
        }
    }
}

/// All that is left of a line, as values.
pub(crate) fn slots(scanner: &mut Scanner<'_>) -> Result<Vec<Slot>, SeriesError> {
    let mut slots = Vec::new();
    while !scanner.is_done() {
        if !scanner.skip_blanks() {
            return Err(no_value(scanner, scanner.at));
        }
        if !scanner.is_done() {
            sequence(scanner, &mut slots)?;
        }
    }
    Ok(slots)
}

fn no_value(scanner: &mut Scanner<'_>, begin: usize) -> SeriesError {
    scanner.at = begin;
    let text = scanner.word().chars().take(40).collect();
    SeriesError { at: begin, kind: SeriesErrorKind::Value { text } }
}

/// `x3`, if it comes: three more.
fn times(scanner: &mut Scanner<'_>, begin: usize) -> Result<Option<usize>, SeriesError> {
    if !scanner.eat("x") {
        return Ok(None);
    }
    match scanner.count() {
        Some(count) if count < MAX_SLOTS => Ok(Some(count)),
        Some(_) => Err(SeriesError { at: begin, kind: SeriesErrorKind::TooLong }),
        None => Err(no_value(scanner, begin)),
    }
}

/// `1`, `_`, `stale`, `1x3`, `_x3`, `1+2x3`, `1-2x3`, `{{…}}`, `{{…}}x3`, `{{…}}+{{…}}x3`, `{{…}}-{{…}}x3`.
fn sequence(scanner: &mut Scanner<'_>, slots: &mut Vec<Slot>) -> Result<(), SeriesError> {
    let begin = scanner.at;
    if scanner.eat("_") {
        let count = times(scanner, begin)?.unwrap_or(1);
        slots.extend(std::iter::repeat_n(Slot::Empty, count));
    } else if scanner.rest().starts_with("{{") {
        histograms(scanner, slots)?;
    } else {
        let start = if scanner.eat("stale") { Some(stale_nan()) } else { scanner.signed() };
        let start = start.ok_or_else(|| no_value(scanner, begin))?;
        if let Some(count) = times(scanner, begin)? {
            slots.extend(std::iter::repeat_n(Slot::Float(start), count + 1));
        } else if matches!(scanner.peek(), Some('+' | '-')) {
            let step = scanner.signed().ok_or_else(|| no_value(scanner, begin))?;
            let count = times(scanner, begin)?.ok_or_else(|| no_value(scanner, begin))?;
            let mut current = start;
            for _ in 0..=count {
                slots.push(Slot::Float(current));
                current += step;
            }
        } else {
            slots.push(Slot::Float(start));
        }
    }
    if slots.len() > MAX_SLOTS {
        return Err(SeriesError { at: begin, kind: SeriesErrorKind::TooLong });
    }
    Ok(())
}

fn histograms(scanner: &mut Scanner<'_>, slots: &mut Vec<Slot>) -> Result<(), SeriesError> {
    let begin = scanner.at;
    let first = histogram::literal(scanner)?;
    let slot = |histogram: &Arc<Histogram>| Slot::Histogram {
        histogram: Arc::clone(histogram),
        hint_named: first.hint_named,
    };
    let mut current = Arc::new(first.histogram.clone());
    if let Some(count) = times(scanner, begin)? {
        slots.extend(std::iter::repeat_n(slot(&current), count + 1));
        return Ok(());
    }
    slots.push(slot(&current));
    let combine = if scanner.eat("+") {
        Histogram::add
    } else if scanner.eat("-") {
        Histogram::subtract
    } else {
        return Ok(());
    };
    let step = histogram::literal(scanner)?.histogram;
    let count = times(scanner, begin)?.ok_or_else(|| no_value(scanner, begin))?;
    let refused = |reason: String| SeriesError { at: begin, kind: SeriesErrorKind::Combine { reason } };
    if current.schema > step.schema && step.schema != Histogram::CUSTOM_BUCKETS {
        return Err(refused(format!("schema {} is finer than {}", current.schema, step.schema)));
    }
    for _ in 0..count {
        let next = combine(&current, &step).map_err(|error| refused(error.to_string()))?;
        current = Arc::new(next.histogram);
        slots.push(slot(&current));
    }
    Ok(())
}

/// When counting began, step by step, seen from each sample: `-30s`, `_`, `-1mx3`, `-30s-1mx2`, `_x3`, and `*`
/// for the one before.
pub(crate) fn starts(scanner: &mut Scanner<'_>) -> Result<Vec<Option<Duration>>, SeriesError> {
    let mut starts: Vec<Option<Duration>> = Vec::new();
    loop {
        scanner.skip_blanks();
        if scanner.is_done() {
            return Ok(starts);
        }
        let begin = scanner.at;
        let text = scanner.word().to_owned();
        let refused = || SeriesError { at: begin, kind: SeriesErrorKind::Start { text: text.clone() } };
        if scanner.eat("_") {
            let count = times(scanner, begin).map_err(|_error| refused())?.unwrap_or(1);
            starts.extend(std::iter::repeat_n(None, count));
        } else {
            let first = if scanner.eat("*") {
                starts.iter().rev().flatten().next().copied().unwrap_or(Duration::ZERO)
            } else {
                duration(scanner).ok_or_else(refused)?
            };
            let step = match scanner.peek() {
                Some('+' | '-') => duration(scanner).ok_or_else(refused)?,
                _ => Duration::ZERO,
            };
            let count = times(scanner, begin).map_err(|_error| refused())?;
            let mut current = first;
            for _ in 0..=count.unwrap_or(0) {
                starts.push(Some(current));
                current = Duration::from_millis(current.as_millis().saturating_add(step.as_millis()));
            }
            if count.is_none() && !step.is_zero() {
                return Err(refused());
            }
        }
        if scanner.peek().is_some_and(|c| !c.is_whitespace()) {
            return Err(refused());
        }
        if starts.len() > MAX_SLOTS {
            return Err(SeriesError { at: begin, kind: SeriesErrorKind::TooLong });
        }
    }
}

/// A duration with or without a sign, up to the `x` of a repetition.
fn duration(scanner: &mut Scanner<'_>) -> Option<Duration> {
    let negative = scanner.eat("-");
    let _positive = !negative && scanner.eat("+");
    let text = scanner.take_while(|c| c.is_ascii_alphanumeric() && c != 'x');
    let millis = text.parse::<Duration>().ok()?.as_millis();
    Some(Duration::from_millis(if negative { -millis } else { millis }))
}
