//! `{{schema:1 count:3 sum:5 buckets:[1 2] offset:3}}`: native histograms as scripts write them.

use assurance_metrics_model::{Histogram, ResetHint, Span};

use crate::compare::agree;
use crate::scan::Scanner;
use crate::series::{SeriesError, SeriesErrorKind};

/// What was read.
#[derive(Clone, Debug)]
pub(crate) struct Literal {
    pub(crate) histogram: Histogram,
    /// Whether the counter reset hint is named.
    pub(crate) hint_named: bool,
}

/// Reads a histogram's literal, as [`Histogram::test_expression`] writes it.
///
/// # Errors
/// If it is none.
pub fn parse_histogram(text: &str) -> Result<Histogram, SeriesError> {
    let mut scanner = Scanner::new(text);
    scanner.skip_blanks();
    let literal = literal(&mut scanner)?;
    scanner.skip_blanks();
    if scanner.is_done() { Ok(literal.histogram) } else { Err(refused(&scanner, "nothing more")) }
}

fn refused(scanner: &Scanner<'_>, expected: &'static str) -> SeriesError {
    let text = scanner.word().chars().take(40).collect();
    SeriesError { at: scanner.at, kind: SeriesErrorKind::Histogram { text, expected } }
}

pub(crate) fn literal(scanner: &mut Scanner<'_>) -> Result<Literal, SeriesError> {
    const KEYS: &str = "schema, sum, count, z_bucket, z_bucket_w, buckets, offset, n_buckets, n_offset, custom_values, counter_reset_hint or `}}`";
    if !scanner.eat("{{") {
        return Err(refused(scanner, "`{{`"));
    }
    let mut histogram = Histogram::default();
    let (mut offset, mut n_offset) = (0, 0);
    let mut named: Vec<&str> = Vec::new();
    loop {
        scanner.skip_blanks();
        if scanner.eat("}}") {
            break;
        }
        let begin = scanner.at;
        let key = scanner.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        if named.contains(&key) {
            scanner.at = begin;
            return Err(refused(scanner, "each part once, so another"));
        }
        if !scanner.eat(":") {
            scanner.at = begin;
            return Err(refused(scanner, KEYS));
        }
        match key {
            "schema" => histogram.schema = integer(scanner)?,
            "sum" => histogram.sum = number(scanner)?,
            "count" => histogram.count = number(scanner)?,
            "z_bucket" => histogram.zero_count = number(scanner)?,
            "z_bucket_w" => histogram.zero_threshold = number(scanner)?,
            "buckets" => histogram.positive_counts = list(scanner)?,
            "n_buckets" => histogram.negative_counts = list(scanner)?,
            "offset" => offset = integer(scanner)?,
            "n_offset" => n_offset = integer(scanner)?,
            "custom_values" => histogram.bounds = list(scanner)?,
            "counter_reset_hint" => histogram.reset_hint = hint(scanner)?,
            _ => {
                scanner.at = begin;
                return Err(refused(scanner, KEYS));
            }
        }
        named.push(key);
    }
    histogram.positive_spans = span(offset, &histogram.positive_counts);
    histogram.negative_spans = span(n_offset, &histogram.negative_counts);
    Ok(Literal { histogram, hint_named: named.contains(&"counter_reset_hint") })
}

fn number(scanner: &mut Scanner<'_>) -> Result<f64, SeriesError> {
    scanner.signed().ok_or_else(|| refused(scanner, "a number"))
}

fn integer(scanner: &mut Scanner<'_>) -> Result<i32, SeriesError> {
    scanner.integer().ok_or_else(|| refused(scanner, "a whole number"))
}

fn list(scanner: &mut Scanner<'_>) -> Result<Vec<f64>, SeriesError> {
    if !scanner.eat("[") {
        return Err(refused(scanner, "a list such as [1 2 3]"));
    }
    let mut numbers = Vec::new();
    loop {
        scanner.skip_blanks();
        if scanner.eat("]") {
            return Ok(numbers);
        }
        numbers.push(scanner.signed().ok_or_else(|| refused(scanner, "a number or `]`"))?);
    }
}

fn hint(scanner: &mut Scanner<'_>) -> Result<ResetHint, SeriesError> {
    let begin = scanner.at;
    match scanner.take_while(|c| c.is_ascii_alphabetic() || c == '_') {
        "unknown" => Ok(ResetHint::Unknown),
        "reset" => Ok(ResetHint::Reset),
        "not_reset" => Ok(ResetHint::NoReset),
        "gauge" => Ok(ResetHint::Gauge),
        _ => {
            scanner.at = begin;
            Err(refused(scanner, "unknown, reset, not_reset or gauge"))
        }
    }
}

fn span(offset: i32, counts: &[f64]) -> Vec<Span> {
    match u32::try_from(counts.len()) {
        Ok(length @ 1..) => vec![Span { offset, length }],
        _ => Vec::new(),
    }
}

/// The populated buckets with their indices.
fn populated(spans: &[Span], counts: &[f64]) -> Vec<(i64, f64)> {
    let mut next = 0;
    let mut indices = Vec::with_capacity(counts.len());
    for span in spans {
        next += i64::from(span.offset);
        indices.extend((next..).take(span.length as usize));
        next += i64::from(span.length);
    }
    indices.into_iter().zip(counts.iter().copied()).filter(|(_, count)| *count != 0.0).collect()
}

/// Whether two histograms are the same but for rounding, for how their buckets are laid out in spans, and, unless
/// it was named, for their counter reset hint.
pub(crate) fn histograms_agree(wanted: &Histogram, found: &Histogram, hint_named: bool) -> bool {
    let buckets = |spans: (&[Span], &[Span]), counts: (&[f64], &[f64])| {
        let (wanted, found) = (populated(spans.0, counts.0), populated(spans.1, counts.1));
        wanted.len() == found.len() && wanted.iter().zip(&found).all(|(w, f)| w.0 == f.0 && agree(w.1, f.1))
    };
    wanted.schema == found.schema
        && agree(wanted.count, found.count)
        && agree(wanted.sum, found.sum)
        && wanted.zero_threshold.total_cmp(&found.zero_threshold).is_eq()
        && agree(wanted.zero_count, found.zero_count)
        && (wanted.schema != Histogram::CUSTOM_BUCKETS || wanted.bounds == found.bounds)
        && buckets(
            (&wanted.positive_spans, &found.positive_spans),
            (&wanted.positive_counts, &found.positive_counts),
        )
        && buckets(
            (&wanted.negative_spans, &found.negative_spans),
            (&wanted.negative_counts, &found.negative_counts),
        )
        && (!hint_named || wanted.reset_hint == found.reset_hint)
}
