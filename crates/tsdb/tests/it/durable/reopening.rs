use std::sync::Arc;

use assurance_metrics_model::{Appender as _, Duration, Histogram, ResetHint, TimeRange, Value, stale_nan};
use assurance_storage::Memory;
use assurance_tsdb::{Config, OpenErrorKind, Store};

use super::{content, open, open_with};
use crate::{at, put, read, series};

#[test]
fn what_was_committed_is_there_after_opening_again() {
    let files = Memory::new();
    let (store, recovery) = open(&files);
    assert_eq!(recovery.log_files, 0, "nothing is there yet");
    put(&store, &series("up", "a"), &[(30, 1.0), (60, 0.25), (90, stale_nan())]);
    put(&store, &series("up", "b"), &[(30, -0.0), (60, f64::INFINITY)]);
    put(&store, &series("up", "a"), &[(120, 1e-300)]);
    let before = content(&store);
    drop(store);

    let (store, recovery) = open(&files);
    assert_eq!(content(&store), before);
    assert!(recovery.is_clean());
    assert_eq!((recovery.log_files, recovery.records, recovery.samples, recovery.series), (1, 3, 6, 2));
    put(&store, &series("up", "a"), &[(150, 2.0)]);
    let before = content(&store);
    drop(store);
    let (store, recovery) = open(&files);
    assert_eq!((content(&store), recovery.log_files), (before, 2));
}

#[test]
fn a_store_that_was_closed_is_read_from_a_checkpoint() {
    let files = Memory::new();
    let (store, _) = open(&files);
    put(&store, &series("up", "a"), &[(30, 1.0)]);
    assert_eq!(store.close(), Ok(()));
    drop(store);
    let (store, recovery) = open(&files);
    assert_eq!((recovery.log_files, recovery.checkpoint_bytes), (1, 0), "a short log is as good");
    for name in 0..200 {
        let samples: Vec<(i64, f64)> = (2..800).map(|n| (30 * n, f64::from(name) * 1.1)).collect();
        put(&store, &series("up", &name.to_string()), &samples);
    }
    let before = content(&store);
    assert_eq!(store.close(), Ok(()));
    put(&store, &series("up", "a"), &[(60, 1.0)]);
    drop(store);
    let (store, recovery) = open(&files);
    assert_eq!(
        (recovery.log_files, recovery.samples),
        (2, 200 * 798 + 2),
        "a checkpoint and what came after"
    );
    assert!(recovery.checkpoint_bytes * 100 > recovery.log_bytes * 99, "{recovery:?}");
    assert_eq!(content(&store).len(), before.len());
    assert!(!store.maintain(at(24_000)).is_checkpointed, "what was opened is a checkpoint already");
}

#[test]
fn histograms_are_kept_whole() {
    let files = Memory::new();
    let (store, _) = open(&files);
    let labels = series("latency", "a");
    let mut before = Vec::new();
    for n in 1..4_u32 {
        let histogram = Histogram {
            schema: 3,
            zero_threshold: 0.001,
            count: f64::from(n * 10),
            sum: f64::from(n) / 3.0,
            positive_spans: vec![assurance_metrics_model::Span { offset: -2, length: 2 }],
            positive_counts: vec![f64::from(n), f64::from(9 * n)],
            reset_hint: ResetHint::Unknown,
            ..Histogram::default()
        };
        let mut appender = store.appender();
        appender
            .append(None, &labels, at(i64::from(n)), Value::Histogram(Arc::new(histogram)))
            .expect("in order");
        appender.commit();
        before = read(&store, &[], TimeRange::ALL);
    }
    drop(store);
    assert_eq!(read(&open(&files).0, &[], TimeRange::ALL), before);
}

#[test]
fn late_samples_are_kept_and_overtaken_ones_do_not_come_back() {
    let files = Memory::new();
    let mut config = Config::default();
    config.out_of_order_window = Duration::from_secs(600);
    let (store, _) = open_with(config.clone(), &files);
    put(&store, &series("m", "a"), &[(100, 1.0), (200, 2.0)]);
    put(&store, &series("m", "a"), &[(150, 1.5), (50, 0.5)]);
    let (mut first, mut second) = (store.appender(), store.appender());
    first.append(None, &series("m", "a"), at(300), 3.0.into()).expect("in order");
    second.append(None, &series("m", "a"), at(300), 3.5.into()).expect("in order");
    second.append(None, &series("m", "b"), at(300), 9.0.into()).expect("in order");
    assert_eq!(first.commit().overtaken, 0);
    assert_eq!(second.commit().overtaken, 1);
    let before = content(&store);
    drop(store);
    assert_eq!(content(&open_with(config, &files).0), before);
}

#[test]
fn a_sample_that_was_overtaken_by_a_newer_one_does_not_come_back() {
    let files = Memory::new();
    let (store, _) = open(&files);
    let (mut first, mut second) = (store.appender(), store.appender());
    first.append(None, &series("m", "a"), at(300), 3.0.into()).expect("in order");
    second.append(None, &series("m", "a"), at(250), 2.5.into()).expect("in order");
    second.append(None, &series("m", "b"), at(250), 9.0.into()).expect("in order");
    assert_eq!(first.commit().overtaken, 0);
    assert_eq!(second.commit().overtaken, 1);
    let before = content(&store);
    drop(store);
    assert_eq!(content(&open(&files).0), before);
}

#[test]
fn a_second_instance_is_told_that_the_store_is_taken() {
    let files = Memory::new();
    let (store, _) = open(&files);
    let error = Store::open(Config::default(), Arc::new(files.clone())).expect_err("it is open");
    assert!(matches!(error.kind, OpenErrorKind::Locked { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "cannot open the sample store: lock: another process uses it; one store is for one process"
    );
    drop(store);
    open(&files);
}
