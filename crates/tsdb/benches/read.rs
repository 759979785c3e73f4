//! Nanoseconds a sample for reading one series of 90 days whole, by the kind of signal, and bytes a sample.
//!
//! The best of several rounds counts: the machine may be busy with other things, and a reader is never faster
//! than it can be.
#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]
#![expect(clippy::cast_precision_loss, reason = "figures are shown with few digits")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use assurance_metrics_model::{
    Appender as _, Column, Labels, Matcher, Queryable as _, Selection, TimeRange, Timestamp, Value,
};
use assurance_tsdb::{Config, Store};

/// 90 days at a scrape every 30 s.
const SAMPLES: i64 = 90 * 2880;
const ROUNDS: usize = 15;

fn main() {
    let steady = |n: i64| n * 30_000;
    let jitter = |n: i64| n * 30_000 + (n * 7919) % 7 - 3;
    println!("{:<28} {:>10} {:>10}", "one series, 90 days", "ns/sample", "B/sample");
    row("a gauge that stands still", steady, |_| 1.0);
    row("a counter", steady, |n| (n * n % 1013 + n * 100) as f64);
    row("a counter, times jitter", jitter, |n| (n * n % 1013 + n * 100) as f64);
    row("a noisy float", steady, |n| (n as f64 * 0.1).sin());
}

fn row(name: &str, at: impl Fn(i64) -> i64, value: impl Fn(i64) -> f64) {
    let store = Store::new(Config::default());
    let labels = Labels::from_pairs([("__name__", "m")]);
    let mut appender = store.appender();
    let mut hint = None;
    for n in 0..SAMPLES {
        let sample = (Timestamp::from_millis(at(n)), Value::Float(value(n)));
        hint = Some(appender.append(hint, &labels, sample.0, sample.1).expect("in order"));
    }
    appender.commit();
    let matchers = [Matcher::equal("__name__", "m")];
    let selection = Selection { matchers: &matchers, range: TimeRange::ALL };
    let mut column = Column::new();
    let best = (0..ROUNDS).map(|_| {
        let found = store.select(&selection).expect("memory can be read");
        column.clear();
        time(|| found[0].read(TimeRange::ALL, black_box(&mut column)).expect("memory can be read"))
    });
    let best = best.min().unwrap_or_default();
    assert_eq!(column.len(), usize::try_from(SAMPLES).expect("positive"));
    let each = best.as_nanos() as f64 / SAMPLES as f64;
    println!("{name:<28} {each:>10.2} {:>10.2}", store.stats().bytes as f64 / SAMPLES as f64);
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn time(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}
