//! Samples in promtool's series notation.

use std::fmt::Write as _;

use assurance_metrics_model::{Duration, Timestamp, is_stale_nan};

/// Steps of one series in one test: promtool makes a sample of each, gaps included. 200,000 steps are a day
/// and a half at 500 ms, and some 10 MB in promtool.
pub const MAX_STEPS: i64 = 200_000;

/// The longest step at which all of these instants fall, counted from an origin.
pub(super) fn step(origin: Timestamp, instants: impl Iterator<Item = Timestamp>) -> Duration {
    let common = instants.map(|at| (at - origin).as_millis()).fold(0, gcd);
    Duration::from_millis(if common == 0 { 1000 } else { common })
}

fn gcd(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.abs()
}

/// Samples, oldest first and none before the origin, as one line of steps.
pub(super) fn values(origin: Timestamp, step: Duration, samples: &[(Timestamp, f64)]) -> String {
    let mut items: Vec<Item> = Vec::new();
    let mut next = 0;
    for (at, value) in samples {
        let index = (*at - origin).as_millis() / step.as_millis();
        let gap = index - next;
        if gap > 0 {
            items.push(Item { what: What::Nothing, count: gap });
        }
        next = index + 1;
        let what = if is_stale_nan(*value) { What::Stale } else { What::Value(*value) };
        match items.last_mut() {
            Some(last) if last.what.is_same(what) => last.count += 1,
            _ => items.push(Item { what, count: 1 }),
        }
    }
    let mut out = String::new();
    for item in &items {
        if !out.is_empty() {
            out.push(' ');
        }
        item.write(&mut out);
    }
    out
}

#[derive(Clone, Copy)]
enum What {
    Nothing,
    Stale,
    Value(f64),
}

impl What {
    fn is_same(self, other: Self) -> bool {
        matches!((self, other), (Self::Value(a), Self::Value(b)) if a.to_bits() == b.to_bits())
    }
}

struct Item {
    what: What,
    count: i64,
}

impl Item {
    fn write(&self, out: &mut String) {
        // Writing to a String cannot fail.
        let _infallible = match (self.what, self.count) {
            (What::Nothing, 1) => write!(out, "_"),
            (What::Nothing, count) => write!(out, "_x{count}"),
            (What::Stale, _) => write!(out, "stale"),
            (What::Value(value), 1) => write!(out, "{}", number(value)),
            // `1x2` is three samples: the first, and two more.
            (What::Value(value), count) => write!(out, "{}x{}", number(value), count - 1),
        };
    }
}

/// A value as promtool reads it.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Inf".to_owned() } else { "-Inf".to_owned() }
    } else {
        // The shortest that reads back, with an exponent where it is long.
        let text = format!("{value:?}");
        text.strip_suffix(".0").unwrap_or(&text).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use assurance_metrics_model::stale_nan;

    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn scrapes_on_a_fine_grid_are_short_to_write() {
        let samples = [
            (at(12), 0.0),
            (at(42), 0.0),
            (at(72), stale_nan()),
            (at(102), 1.0),
            (at(108), 1.0),
            (at(114), 1.0),
            (at(120), 2.5),
        ];
        let step = step(at(0), samples.iter().map(|(at, _)| *at));
        assert_eq!(step, Duration::from_secs(6));
        assert_eq!(values(at(0), step, &samples), "_x2 0 _x4 0 _x4 stale _x4 1x2 2.5");
    }

    #[test]
    fn the_notation_is_read_back_as_it_was() {
        let samples = [(at(3), f64::NAN), (at(6), f64::INFINITY), (at(9), -1e300), (at(12), 1e-7)];
        let step = step(at(0), samples.iter().map(|(at, _)| *at));
        let line = format!("a {}", values(at(0), step, &samples));
        assert_eq!(line, "a _ NaN Inf -1e300 1e-7");
        let read = assurance_promqltest::parse_series(&line).unwrap();
        assert_eq!(read.slots.len(), 5);
    }
}
