//! Files of each version of the format stay readable, and this version writes what it wrote.

use std::sync::Arc;

use assurance_metrics_model::{
    Appender as _, Duration, Histogram, ResetHint, Span, TimeRange, Timestamp, Value, stale_nan,
};
use assurance_storage::{Memory, Storage as _};
use assurance_tsdb::{Config, Store};

use crate::{at, read, series};

const V1: [(&str, &[u8]); 4] = [
    ("wal/00000000", include_bytes!("../../../../../fixtures/tsdb/v1/wal/00000000")),
    ("wal/00000001", include_bytes!("../../../../../fixtures/tsdb/v1/wal/00000001")),
    ("wal/00000002", include_bytes!("../../../../../fixtures/tsdb/v1/wal/00000002")),
    ("segments/1970-01-01.0", include_bytes!("../../../../../fixtures/tsdb/v1/segments/1970-01-01.0")),
];

/// Only segments have a second version.
const V2: [(&str, &[u8]); 4] = [
    V1[0],
    V1[1],
    V1[2],
    ("segments/1970-01-01.0", include_bytes!("../../../../../fixtures/tsdb/v2/segments/1970-01-01.0")),
];

fn histogram(n: i64) -> Value {
    let counts = [n as f64, 2.0 * n as f64];
    Value::Histogram(Arc::new(Histogram {
        schema: 1,
        zero_threshold: 0.001,
        zero_count: 1.0,
        count: 1.0 + 3.0 * n as f64,
        sum: 0.5 * n as f64,
        positive_spans: vec![Span { offset: 0, length: 1 }, Span { offset: 2, length: 1 }],
        positive_counts: counts.to_vec(),
        reset_hint: ResetHint::Unknown,
        ..Histogram::default()
    }))
}

/// One sample of every kind at a time.
fn samples(n: i64) -> Vec<(&'static str, Timestamp, Value)> {
    let now = at(600 * n);
    let odd = if n % 9 == 8 { stale_nan() } else { (40_000 + n) as f64 / 1000.0 };
    vec![
        ("counter", now, Value::Float((100_000 + 3 * n) as f64)),
        ("decimal", now + Duration::from_millis(n % 3), Value::Float(odd)),
        ("histogram", now, histogram(n / 2)),
        ("noise", now, Value::Float(1.0 / (n as f64 + 3.0))),
    ]
}

fn put(store: &Store, n: i64) {
    let mut appender = store.appender();
    for (name, at, value) in samples(n) {
        appender.append(None, &series(name, "a"), at, value).expect("in order");
    }
    appender.commit();
}

/// What the files were made from, in order: the first log file is kept from before it is removed.
fn write() -> Vec<(String, Vec<u8>)> {
    let files = Memory::new();
    let (store, _) = super::open(&files);
    (0..150).for_each(|n| put(&store, n));
    let log = files.read("wal/00000000", u64::MAX).expect("it was written");
    assert_eq!(store.maintain(at(86_400 + 660)).sealed.len(), 1);
    (150..155).for_each(|n| put(&store, n));
    let mut all = vec![("wal/00000000".to_owned(), log)];
    for (name, _) in &V1[1..] {
        all.push(((*name).to_owned(), files.read(name, u64::MAX).expect("it was written")));
    }
    all
}

/// The files of a version, the log from before the segment among them.
fn files(golden: [(&str, &[u8]); 4]) -> Memory {
    let files = Memory::new();
    for (name, bytes) in golden {
        files.replace(name, bytes).expect("memory writes");
    }
    files
}

/// The files of the newest version, the log from before the segment among them.
pub(super) fn golden() -> Memory {
    files(V2)
}

/// The files as a store leaves them.
pub(super) fn golden_store() -> Memory {
    let files = golden();
    files.remove("wal/00000000").expect("it is there");
    files
}

#[test]
fn files_of_every_version_are_read() {
    [V1, V2].into_iter().for_each(are_read);
}

fn are_read(golden: [(&str, &[u8]); 4]) {
    let files = files(golden);
    let (store, recovery) = Store::open(Config::default(), Arc::new(files)).expect("they are ours");
    assert!(recovery.is_clean());
    assert_eq!((recovery.segments, recovery.segment_samples, recovery.log_files), (1, 576, 3));
    assert_eq!((recovery.samples, recovery.series), (620, 4), "each once, also where two log files have it");
    let found = read(&store, &[], TimeRange::ALL);
    let names = found.iter().map(|(labels, _)| labels.split('{').next()).collect::<Vec<_>>();
    assert_eq!(names, ["counter", "decimal", "histogram", "noise"].map(Some));
    for (place, (_, found)) in found.iter().enumerate() {
        let expected = (0..155).map(|n| samples(n).swap_remove(place));
        assert_eq!(found.len(), 155);
        for ((at, value), (_, expected_at, expected)) in found.iter().zip(expected) {
            assert_eq!(*at, expected_at.as_millis());
            match (value, &expected) {
                // The store finds out which follow each other without a reset.
                (Value::Histogram(a), Value::Histogram(b)) => assert!(a.same_value(b), "{a:?} {b:?}"),
                _ => assert_eq!(*value, expected),
            }
        }
    }
}

#[test]
fn the_newest_version_is_written_as_ever() {
    for ((name, bytes), (golden_name, golden)) in write().iter().zip(V2) {
        assert_eq!(name, golden_name);
        assert!(bytes == golden, "{name} differs: a new format has a new version and new files");
    }
}
