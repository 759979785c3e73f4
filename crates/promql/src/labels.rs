//! Functions of labels: replacing, joining, sorting.

use std::cmp::Ordering;

use assurance_metrics_model::METRIC_NAME;
use regex::RegexBuilder;

use crate::error::EvalError;
use crate::line::Line;

/// Largest compiled regular expression of `label_replace`: 1 MiB, as of a matcher.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// Longest value that a function may make: 1 MiB, which no label needs and which a thousand of still fit.
const MAX_VALUE_BYTES: usize = 1 << 20;

fn too_long<T>(function: &'static str, label: &str) -> Result<T, EvalError> {
    Err(EvalError::LabelTooLong { function, label: label.to_owned(), limit: MAX_VALUE_BYTES })
}

fn parameter<T>(message: String) -> Result<T, EvalError> {
    Err(EvalError::Parameter { message })
}

/// `label_replace(v, dst, replacement, src, regex)`
pub(crate) fn replace(mut lines: Vec<Line>, texts: &[String]) -> Result<Vec<Line>, EvalError> {
    let [destination, replacement, source, pattern] = texts else {
        return parameter("label_replace takes five arguments".to_owned());
    };
    let build = |p: &str| RegexBuilder::new(p).size_limit(MAX_REGEX_BYTES).build();
    let Ok(regex) = build(pattern).and_then(|_alone| build(&format!("^(?s:{pattern})$"))) else {
        return parameter(format!("invalid regular expression in label_replace(): {pattern}"));
    };
    if destination.is_empty() {
        return parameter(format!("invalid destination label name in label_replace(): {destination}"));
    }
    for line in &mut lines {
        let whole = line.labels.get_or_empty(source);
        let Some(captures) = regex.captures(whole) else { continue };
        // Each reference gives at most the whole value.
        let references = replacement.matches('$').count();
        if replacement.len().saturating_add(references.saturating_mul(whole.len())) > MAX_VALUE_BYTES {
            return too_long("label_replace", destination);
        }
        let mut value = String::new();
        captures.expand(replacement, &mut value);
        line.labels = line.labels.with(destination, &value);
        if destination == METRIC_NAME {
            // The name was just given on purpose.
            line.drop_name = false;
        }
    }
    Ok(lines)
}

/// `label_join(v, dst, separator, src…)`
pub(crate) fn join(mut lines: Vec<Line>, texts: &[String]) -> Result<Vec<Line>, EvalError> {
    let [destination, separator, sources @ ..] = texts else {
        return parameter("label_join takes at least three arguments".to_owned());
    };
    if destination.is_empty() {
        return parameter(format!("invalid destination label name in label_join(): {destination}"));
    }
    if let Some(bad) = sources.iter().find(|s| s.is_empty()) {
        return parameter(format!("invalid source label name in label_join(): {bad}"));
    }
    for line in &mut lines {
        let values: Vec<&str> = sources.iter().map(|s| line.labels.get_or_empty(s)).collect();
        let length = values.iter().map(|value| value.len() + separator.len()).sum::<usize>();
        if length > MAX_VALUE_BYTES {
            return too_long("label_join", destination);
        }
        let value = values.join(separator);
        line.labels = line.labels.with(destination, &value);
        if destination == METRIC_NAME {
            line.drop_name = false;
        }
    }
    Ok(lines)
}

/// `sort_by_label`: by the labels named, numbers inside them by value, then by all labels.
pub(crate) fn sorted(mut lines: Vec<Line>, names: &[String], descending: bool) -> Vec<Line> {
    lines.sort_by(|a, b| {
        let by_names = names
            .iter()
            .map(|name| natural(a.labels.get_or_empty(name), b.labels.get_or_empty(name)))
            .find(|order| order.is_ne());
        let order = by_names.unwrap_or_else(|| a.labels.cmp(&b.labels));
        if descending { order.reverse() } else { order }
    });
    lines
}

/// Compares texts piece by piece, runs of digits as numbers: `a2` before `a10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        if a.is_empty() || b.is_empty() {
            return a.len().cmp(&b.len());
        }
        let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
        let (m, n) = (digits(a), digits(b));
        if m > 0 && n > 0 {
            let (x, y) = (a[..m].trim_start_matches('0'), b[..n].trim_start_matches('0'));
            let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
            if order.is_ne() {
                return order;
            }
            (a, b) = (&a[m..], &b[n..]);
            continue;
        }
        let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else { return Ordering::Equal };
        if x != y {
            return x.cmp(&y);
        }
        (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]);
    }
}
