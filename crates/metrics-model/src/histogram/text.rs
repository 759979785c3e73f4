//! Histograms as Prometheus writes them in values and in messages.

use std::fmt;

use super::{Bucket, Histogram, ResetHint, Span};

/// Empty buckets between two others that [`Histogram::test_expression`] writes out; beyond, it says how many.
const MAX_WRITTEN_GAP: i32 = 1 << 12;

/// A float as Go's `%g` writes it: the shortest digits that read back, with an exponent from 1e21 and below 1e-4.
struct General(f64);

impl fmt::Display for General {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0;
        if value.is_nan() {
            return f.write_str("NaN");
        }
        if value.is_infinite() {
            return f.write_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        }
        if value == 0.0 || (1e-4..1e21).contains(&value.abs()) {
            return write!(f, "{value}");
        }
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
        write!(f, "{digits}e{sign}{exponent:0>2}")
    }
}

/// `(1,2]:3`.
impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = if self.lower_inclusive { '[' } else { '(' };
        let close = if self.upper_inclusive { ']' } else { ')' };
        write!(f, "{open}{},{}{close}:{}", General(self.lower), General(self.upper), General(self.count))
    }
}

/// `{count:4, sum:5, [-1,1]:2, (1,2]:2}`, populated buckets only, as in the labels of `count_values`.
impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{count:{}, sum:{}", General(self.count), General(self.sum))?;
        let zero = (self.zero_count != 0.0).then(|| self.zero_bucket());
        let buckets = self.negative_buckets().rev().chain(zero).chain(self.positive_buckets());
        for bucket in buckets.filter(|bucket| bucket.count != 0.0) {
            write!(f, ", {bucket}")?;
        }
        f.write_str("}")
    }
}

impl Histogram {
    /// As a literal of the language of tests: `{{schema:1 count:4 sum:5 buckets:[2 2]}}`.
    pub fn test_expression(&self) -> String {
        let mut parts = Vec::new();
        if self.schema != 0 {
            parts.push(format!("schema:{}", self.schema));
        }
        for (key, number) in [
            ("count", self.count),
            ("sum", self.sum),
            ("z_bucket", self.zero_count),
            ("z_bucket_w", self.zero_threshold),
        ] {
            if number != 0.0 {
                parts.push(format!("{key}:{}", General(number)));
            }
        }
        if self.uses_custom_buckets() {
            parts.push(format!("custom_values:[{}]", words(self.bounds.iter().map(|b| General(*b)))));
        }
        match self.reset_hint {
            ResetHint::Unknown => {}
            ResetHint::Reset => parts.push("counter_reset_hint:reset".to_owned()),
            ResetHint::NoReset => parts.push("counter_reset_hint:not_reset".to_owned()),
            ResetHint::Gauge => parts.push("counter_reset_hint:gauge".to_owned()),
        }
        write_side(&mut parts, ["offset", "buckets"], &self.positive_spans, &self.positive_counts);
        write_side(&mut parts, ["n_offset", "n_buckets"], &self.negative_spans, &self.negative_counts);
        format!("{{{{{}}}}}", parts.join(" "))
    }
}

/// One side from its first populated bucket to its last one.
fn write_side(parts: &mut Vec<String>, [offset, buckets]: [&str; 2], spans: &[Span], counts: &[f64]) {
    let populated = super::side::indexes(spans).zip(counts).filter(|(_, count)| **count != 0.0);
    let mut next: Option<i32> = None;
    let mut written = Vec::new();
    for (index, count) in populated {
        match next.map(|next| index.wrapping_sub(next)) {
            None if index != 0 => parts.push(format!("{offset}:{index}")),
            None => {}
            Some(gap @ 0..=MAX_WRITTEN_GAP) => written.extend((0..gap).map(|_| "0".to_owned())),
            Some(gap) => written.push(format!("({gap} empty)")),
        }
        written.push(General(*count).to_string());
        next = Some(index.wrapping_add(1));
    }
    if !written.is_empty() {
        parts.push(format!("{buckets}:[{}]", written.join(" ")));
    }
}

fn words(items: impl Iterator<Item = impl fmt::Display>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(" ")
}
