//! What a series costs in memory, counted by the allocator.

use allocation_counter::measure;
use assurance_metrics_model::{Appender as _, Labels, SeriesRef, Timestamp, Value};
use assurance_tsdb::{Config, Store};

const SERIES: usize = 4_000;

/// Bytes a series beside its labels: with one sample, just before and after its first chunk is full, and for each
/// further chunk.
const FIRST_SAMPLE: i64 = 300;
const FULL_CHUNK: i64 = 400;
const SEALED_CHUNK: i64 = 500;
const EACH_CHUNK: i64 = 160;

/// Labels as a service has them, some 130 bytes.
fn labels(n: usize) -> Labels {
    let (service, route) = (format!("svc-{:02}", n % 17), format!("/api/v1/r{:03}", n % 50));
    let (instance, name) =
        (format!("10.0.0.{}:9100", n / 1000), format!("app_f{:03}_requests_total", n % 1000));
    Labels::from_pairs([
        ("__name__", name.as_str()),
        ("code", ["200", "204", "400", "404", "500"][n % 5]),
        ("instance", &instance),
        ("job", "services"),
        ("method", ["GET", "POST", "PUT", "DELETE"][n % 4]),
        ("route", &route),
        ("service", &service),
    ])
}

/// Counters of many speeds, gauges that stand still, and gauges that move by thousandths.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn value(series: usize, n: u64) -> f64 {
    let noise = (series as u64 * 7919 + n * 104_729) % 20_011;
    match series % 5 {
        0 => (series % 3) as f64,
        1 => (500_000 + noise) as f64 / 1000.0,
        _ => (series as u64 * 31 % 2_000_000 + n * (series as u64 * 7 % 120)) as f64,
    }
}

struct Load {
    store: Store,
    labels: Vec<Labels>,
    hints: Vec<Option<SeriesRef>>,
}

impl Load {
    fn new() -> Self {
        let labels: Vec<Labels> = (0..SERIES).map(labels).collect();
        Self { store: Store::new(Config::default()), labels, hints: vec![None; SERIES] }
    }

    /// One scrape of all series every 15 s.
    fn scrape(&mut self, n: u64) {
        let at = Timestamp::from_millis(1_700_000_000_000 + 15_000 * n.cast_signed());
        let mut appender = self.store.appender();
        for (series, labels) in self.labels.iter().enumerate() {
            let value = Value::Float(value(series, n));
            let taken = appender.append(self.hints[series], labels, at, value);
            self.hints[series] = Some(taken.expect("in order"));
        }
        appender.commit();
    }

    fn scrapes(&mut self, scrapes: std::ops::Range<u64>) -> i64 {
        measure(|| scrapes.for_each(|n| self.scrape(n))).bytes_current
    }
}

/// Bytes a series that scrapes added to what is held.
#[expect(clippy::cast_possible_wrap, reason = "a small number")]
fn each(bytes: i64) -> i64 {
    bytes / SERIES as i64
}

#[test]
fn a_series_costs_what_its_samples_do_and_little_more() {
    let mut load = Load::new();
    // Labels are not among it: whoever appends shares them.
    let mut held = load.scrapes(0..1);
    assert!(each(held) < FIRST_SAMPLE, "a series with one sample takes {} bytes", each(held));
    held += load.scrapes(1..119);
    assert!(each(held) < FULL_CHUNK, "with a chunk that is full soon it takes {}", each(held));
    held += load.scrapes(119..150);
    assert!(each(held) < SEALED_CHUNK, "with a chunk that is full it takes {}", each(held));
    let before = held;
    held += load.scrapes(150..150 + 2 * 120);
    let more = each(held - before) / 2;
    assert!(more < EACH_CHUNK, "each further chunk takes {more}");
    let own: usize = load.labels.iter().map(Labels::heap_bytes).sum();
    let told = i64::try_from(load.store.stats().bytes - own).expect("a small number");
    // Names in lists and room that is kept for the next commit are not told of.
    let rest = each(held - told);
    assert!((0..90).contains(&rest), "it says {} and takes {}", each(told), each(held));
}

#[test]
fn appending_to_an_open_chunk_allocates_for_the_commit_alone() {
    let mut load = Load::new();
    load.scrapes(0..10);
    let mut most = 0;
    for n in 10..110 {
        most = most.max(measure(|| load.scrape(n)).count_total);
    }
    // Chunks grow by 32 bytes, and most samples take one or two; the list of the commit is used again.
    assert!(most < SERIES as u64 / 4, "{most} allocations for {SERIES} samples");
    let all: u64 = (110..118).map(|n| measure(|| load.scrape(n)).count_total).sum();
    assert!(all < SERIES as u64, "{all} allocations for {} samples", 8 * SERIES);
}
