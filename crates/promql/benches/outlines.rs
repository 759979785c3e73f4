//! Nanoseconds a sample of long windows over 90 sealed days, from summaries and from the samples themselves.
//!
//! The best of several rounds counts: the machine may be busy with other things.
#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]
#![expect(clippy::cast_precision_loss, reason = "figures are shown with few digits")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration as StdDuration, Instant};

use assurance_metrics_model::{
    Appender as _, Column, Duration, Labels, QueryError, Queryable, Selection, Series, SeriesRef, TimeRange,
    Timestamp, Value,
};
use assurance_promql::{Answer, Options, instant, parse, range};
use assurance_storage::Memory;
use assurance_tsdb::{Config, Store};

const DAYS: i64 = 90;
const DAY_MILLIS: i64 = 86_400_000;
const STEP_MILLIS: i64 = 30_000;
const ROUNDS: usize = 15;

/// A store without its summaries.
struct Plain<'a>(&'a Store);

struct PlainSeries<'a>(Box<dyn Series + 'a>);

impl Queryable for Plain<'_> {
    fn select(&self, selection: &Selection<'_>) -> Result<Vec<Box<dyn Series + '_>>, QueryError> {
        let found = self.0.select(selection)?.into_iter();
        Ok(found.map(|series| Box::new(PlainSeries(series)) as Box<dyn Series>).collect())
    }

    fn label_names(&self, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        self.0.label_names(selection)
    }

    fn label_values(&self, name: &str, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        self.0.label_values(name, selection)
    }
}

impl Series for PlainSeries<'_> {
    fn labels(&self) -> &Labels {
        self.0.labels()
    }

    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
        self.0.read(range, into)
    }
}

/// Names, how many series each, and the value of the `n`-th sample.
type Kind = (&'static str, usize, fn(i64) -> f64);

const KINDS: [Kind; 4] = [
    ("risk_score", 4, |n| (n * 7919 % 1013) as f64 / 1000.0),
    ("up", 8, |n| if n % 5003 < 4 { 0.0 } else { 1.0 }),
    ("gate_decisions_total", 8, |n| ((n % 70_000) * 100 + n * n % 13) as f64),
    ("gate_latency_seconds_bucket", 8, |n| (n * 3 + n * n % 13) as f64),
];

fn fill(store: &Store) {
    let mut all = Vec::new();
    for (name, count, value) in KINDS {
        for i in 0..count {
            let labels = [("__name__", name.to_owned()), ("gate", format!("gate-{i}"))];
            all.push((Labels::from_pairs(labels), value, None::<SeriesRef>));
        }
    }
    for n in 0..DAYS * DAY_MILLIS / STEP_MILLIS {
        let at = Timestamp::from_millis(n * STEP_MILLIS);
        let mut appender = store.appender();
        for (i, (labels, value, hint)) in (0..).zip(&mut all) {
            *hint = Some(appender.append(*hint, labels, at, Value::Float(value(n + i))).expect("in order"));
        }
        appender.commit();
        if n % (DAY_MILLIS / STEP_MILLIS) == 30 {
            assert_eq!(store.maintain(at).faults, []);
        }
    }
}

fn main() {
    let files = Memory::new();
    let (store, _) = Store::open(Config::default(), Arc::new(files)).expect("memory can be read");
    fill(&store);
    let stats = store.stats();
    println!(
        "{} segments, {:.3} B/sample",
        stats.segments,
        stats.segment_bytes as f64 / stats.samples as f64
    );
    println!("{:<58} {:>10} {:>10} {:>9}", "", "µs", "ns/sample", "samples'");
    let per_day = (DAY_MILLIS / STEP_MILLIS) as f64;
    let end = Timestamp::from_millis(DAYS * DAY_MILLIS - 1000);
    let day = Duration::from_secs(86_400);
    for (text, series) in [
        ("max_over_time(risk_score[90d])", 4),
        ("sum(count_over_time(gate_latency_seconds_bucket[90d]))", 8),
        ("increase(gate_decisions_total[90d])", 8),
        ("avg_over_time(up[90d])", 8),
        ("changes(up[30d])", 8),
        ("quantile_over_time(0.99, risk_score[30d])", 4),
        ("increase(gate_decisions_total[1h])", 8),
    ] {
        let days = if text.contains("90d") {
            90.0
        } else if text.contains("30d") {
            30.0
        } else {
            1.0 / 24.0
        };
        row(&store, text, days * per_day * f64::from(series), |expr, store| {
            instant(expr, store, end, &Options::default()).expect("it can be evaluated")
        });
    }
    for (text, series, step) in [
        ("sum by (gate) (increase(gate_decisions_total[7d]))", 8, day),
        ("max_over_time(risk_score[7d])", 4, Duration::from_secs(3600)),
    ] {
        row(&store, text, 90.0 * per_day * f64::from(series), |expr, store| {
            range(expr, store, end - day * 83, end, step, &Options::default()).expect("it can be evaluated")
        });
    }
}

fn row(
    store: &Store,
    text: &str,
    samples: f64,
    ask: impl Fn(&assurance_promql::Expr, &dyn Queryable) -> Answer,
) {
    let expr = parse(text).expect("it is PromQL");
    let best = |store: &dyn Queryable| {
        let times = (0..ROUNDS).map(|_| time(|| drop(black_box(ask(&expr, store)))));
        times.min().unwrap_or_default().as_nanos() as f64
    };
    let (ours, plain) = (best(store), best(&Plain(store)));
    println!("{text:<58} {:>10.1} {:>10.4} {:>9.3}", ours / 1e3, ours / samples, plain / samples);
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn time(run: impl FnOnce()) -> StdDuration {
    let start = Instant::now();
    run();
    start.elapsed()
}
