//! Bytes a sample in the log and in a segment, and the time to open a store again: 100 series of a governed
//! system, scraped every 30 s for a day.
#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]
#![expect(clippy::cast_precision_loss, reason = "figures are shown with few digits")]

use std::sync::Arc;
use std::time::Instant;

use assurance_metrics_model::{Appender as _, Labels, SeriesRef, Timestamp, Value};
use assurance_storage::{Memory, Storage as _};
use assurance_tsdb::{Config, Store};

const SCRAPES: i64 = 2880;
const STEP_MILLIS: i64 = 30_000;

/// How a series moves.
#[derive(Clone, Copy)]
enum Kind {
    /// Mostly 0, seldom 1 for a while.
    Flag(f64),
    /// Rises by whole numbers, by so much a scrape.
    Counter(f64),
    /// Wanders, with three decimals.
    Gauge(f64),
    /// Rises with three decimals.
    Sum(f64),
}

struct Moving {
    labels: Labels,
    kind: Kind,
    value: u64,
    hint: Option<SeriesRef>,
}

/// A small generator of numbers (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}

fn governed() -> Vec<Moving> {
    let mut all = Vec::new();
    let mut add = |name: &str, labels: &[(&str, String)], kind: Kind| {
        let fixed = [("__name__", name), ("instance", "gov-0:9100"), ("job", "governance")];
        let own = labels.iter().map(|(name, value)| (*name, value.as_str()));
        let value = if matches!(kind, Kind::Flag(_)) { 0 } else { 500_000 };
        let labels = Labels::from_pairs(fixed.into_iter().chain(own));
        all.push(Moving { labels, kind, value, hint: None });
    };
    for s in 0..4 {
        add("sovereign_override_active", &[("system", format!("sys-{s}"))], Kind::Flag(0.0005));
        add("risk_score", &[("system", format!("sys-{s}"))], Kind::Gauge(1.0));
    }
    for g in 0..8 {
        for (decision, rate) in [("allow", 30.0), ("deny", 0.6), ("escalate", 0.05)] {
            let labels = [("gate", format!("gate-{g}")), ("decision", decision.to_owned())];
            add("gate_decisions_total", &labels, Kind::Counter(rate));
        }
        add("audit_lag_seconds", &[("node", format!("node-{g}"))], Kind::Gauge(30.0));
    }
    for q in 0..10 {
        for (severity, rate) in [("low", 0.08), ("high", 0.01)] {
            let labels = [("policy", format!("pol-{q}")), ("severity", severity.to_owned())];
            add("policy_violations_total", &labels, Kind::Counter(rate));
        }
    }
    for g in 0..4 {
        for (k, le) in ["0.005", "0.01", "0.05", "0.1", "0.5", "1", "5", "+Inf"].into_iter().enumerate() {
            let labels = [("gate", format!("gate-{g}")), ("le", le.to_owned())];
            add("gate_latency_seconds_bucket", &labels, Kind::Counter(3.0 * (k as f64 + 1.0)));
        }
        add("gate_latency_seconds_sum", &[("gate", format!("gate-{g}"))], Kind::Sum(4.0));
        add("gate_latency_seconds_count", &[("gate", format!("gate-{g}"))], Kind::Counter(24.0));
    }
    all
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small positive numbers")]
fn advance(kind: Kind, value: u64, random: &mut Random) -> (u64, f64) {
    let whole = |value: u64| (value, value as f64);
    let milli = |value: u64| (value, value as f64 / 1000.0);
    match kind {
        Kind::Flag(rate) => {
            let flips =
                (random.below(1_000_000) as f64) < rate * 1e6 || (value == 1 && random.below(20) == 0);
            whole(if flips { 1 - value } else { value })
        }
        Kind::Counter(rate) => {
            let step = random.below(2_000_000) as f64 / 1e6 * rate + random.below(1000) as f64 / 1000.0;
            whole(value + step as u64)
        }
        Kind::Gauge(rate) => {
            let up = value + random.below((2000.0 * rate) as u64 + 1);
            milli(up.saturating_sub((1000.0 * rate) as u64).min(2_000_000))
        }
        Kind::Sum(rate) => milli(value + random.below((2000.0 * rate) as u64)),
    }
}

fn scrape(store: &Store, all: &mut [Moving], at: i64, random: &mut Random) {
    let mut appender = store.appender();
    for series in all {
        let (value, shown) = advance(series.kind, series.value, random);
        series.value = value;
        let at = Timestamp::from_millis(at);
        let outcome = appender.append(series.hint, &series.labels, at, Value::Float(shown));
        series.hint = Some(outcome.expect("in order"));
    }
    appender.commit();
}

fn bytes(files: &Memory, directory: &str) -> f64 {
    files.list(directory).expect("memory lists").iter().map(|file| file.bytes).sum::<u64>() as f64
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn main() {
    let files = Memory::new();
    let open = || Store::open(Config::default(), Arc::new(files.clone())).expect("it can be opened");
    let memory = Store::new(Config::default());
    let (mut all, mut random) = (governed(), Random(7));
    let start = Instant::now();
    for n in 0..SCRAPES {
        scrape(&memory, &mut all, n * STEP_MILLIS, &mut random);
    }
    let in_memory = start.elapsed().as_nanos() as f64;
    let (store, _) = open();
    (all, random) = (governed(), Random(7));
    let start = Instant::now();
    for n in 0..SCRAPES {
        scrape(&store, &mut all, n * STEP_MILLIS, &mut random);
    }
    let samples = SCRAPES as f64 * all.len() as f64;
    println!("{} series, {samples} samples", all.len());
    println!("commit, in memory             {:>8.0} ns/sample", in_memory / samples);
    let each = start.elapsed().as_nanos() as f64 / samples;
    println!("commit, with the log          {each:>8.0} ns/sample");
    println!("log                           {:>8.3} B/sample", bytes(&files, "wal") / samples);
    println!("memory                        {:>8.3} B/sample", store.stats().bytes as f64 / samples);
    drop(store);

    let start = Instant::now();
    let (store, recovery) = open();
    let each = start.elapsed().as_secs_f64() / recovery.samples as f64 * 1e6;
    println!("opening, from the log         {:>8.0} ms for 1 million samples", each * 1e3);

    store.close().expect("memory takes it");
    println!("checkpoint                    {:>8.3} B/sample", bytes(&files, "wal") / samples);
    drop(store);
    let start = Instant::now();
    let (store, recovery) = open();
    let each = start.elapsed().as_secs_f64() / recovery.samples as f64 * 1e6;
    println!("opening, from a checkpoint    {:>8.0} ms for 1 million samples", each * 1e3);

    let start = Instant::now();
    let done = store.maintain(Timestamp::from_secs(86_400 + 660));
    assert_eq!(done.sealed.len(), 1, "the day is over");
    println!("sealing                       {:>8.0} ns/sample", start.elapsed().as_nanos() as f64 / samples);
    println!("segment                       {:>8.3} B/sample", bytes(&files, "segments") / samples);
    drop(store);
    let start = Instant::now();
    let (store, _) = open();
    println!("opening, from the segment     {:>8.3} ms", start.elapsed().as_secs_f64() * 1e3);
    read(&store, samples);
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn read(store: &Store, samples: f64) {
    use assurance_metrics_model::{Column, Queryable as _, Selection, TimeRange};
    let mut column = Column::new();
    let mut best = f64::INFINITY;
    for _ in 0..9 {
        let start = Instant::now();
        let found =
            store.select(&Selection { matchers: &[], range: TimeRange::ALL }).expect("it can be read");
        for series in &found {
            column.clear();
            series.read(TimeRange::ALL, &mut column).expect("it can be read");
        }
        best = best.min(start.elapsed().as_nanos() as f64 / samples);
    }
    println!("reading the segment           {best:>8.2} ns/sample");
}
