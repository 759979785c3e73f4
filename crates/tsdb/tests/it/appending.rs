use assurance_metrics_model::{
    AppendErrorKind, Appender as _, Duration, Labels, Matcher, TimeRange, Value, stale_nan,
};
use assurance_tsdb::{Config, Dropped, Store};

use crate::{at, put, read, series};

#[test]
fn nothing_is_visible_before_the_commit_and_a_dropped_appender_leaves_nothing() {
    let store = Store::new(Config::default());
    let up = series("up", "a");
    let mut appender = store.appender();
    appender.append(None, &up, at(1), Value::Float(1.0)).expect("first sample");
    assert_eq!(read(&store, &[], TimeRange::ALL), []);
    drop(appender);
    assert_eq!(read(&store, &[], TimeRange::ALL), []);
    put(&store, &up, &[(1, 2.0)]);
    assert_eq!(read(&store, &[], TimeRange::ALL), [(up.to_string(), vec![(1000, Value::Float(2.0))])]);
}

#[test]
fn refusals_say_why_and_keep_the_rest() {
    let store = Store::new(Config::default());
    let up = series("up", "a");
    let mut appender = store.appender();
    let hint = appender.append(None, &up, at(10), Value::Float(1.0)).expect("first sample");
    let again = appender.append(Some(hint), &up, at(10), Value::Float(1.0));
    assert_eq!(again, Ok(hint), "the same sample twice changes nothing");
    let kind = |r: Result<_, assurance_metrics_model::AppendError>| r.expect_err("refused").kind;
    assert_eq!(
        kind(appender.append(Some(hint), &up, at(10), Value::Float(2.0))),
        AppendErrorKind::DuplicateTimestamp
    );
    assert_eq!(
        kind(appender.append(Some(hint), &up, at(9), Value::Float(2.0))),
        AppendErrorKind::OutOfOrder { newest: at(10) }
    );
    assert_eq!(
        kind(appender.append(None, &Labels::empty(), at(9), Value::Float(2.0))),
        AppendErrorKind::NoLabels
    );
    let error = appender.append(Some(hint), &up, at(9), Value::Float(2.0)).expect_err("refused");
    assert_eq!(
        error.to_string(),
        r#"cannot append to up{instance="a"} at 1970-01-01T00:00:09Z: out of order: the newest sample is at 1970-01-01T00:00:10Z"#
    );
    assert_eq!(appender.commit().samples, 1);
}

#[test]
fn the_series_budget_refuses_new_series_and_serves_old_ones() {
    let mut config = Config::default();
    config.max_series = 1;
    let store = Store::new(config);
    put(&store, &series("up", "a"), &[(1, 1.0)]);
    let mut appender = store.appender();
    let refused = appender.append(None, &series("up", "b"), at(2), Value::Float(1.0)).expect_err("full");
    assert_eq!(refused.kind, AppendErrorKind::TooManySeries { limit: 1 });
    appender.append(None, &series("up", "a"), at(2), Value::Float(1.0)).expect("known series");
    assert_eq!(appender.commit().samples, 1);
}

#[test]
fn retention_drops_whole_chunks_and_empty_series_and_a_stale_hint_is_harmless() {
    let mut config = Config::default();
    config.retention = Duration::from_secs(1000);
    let store = Store::new(config);
    let (old, live) = (series("up", "old"), series("up", "live"));
    put(&store, &old, &[(0, 1.0)]);
    let samples: Vec<(i64, f64)> = (0..300).map(|i| (i * 10, 1.0)).collect();
    put(&store, &live, &samples);
    let mut appender = store.appender();
    let hint = appender.append(None, &old, at(1), Value::Float(1.0)).expect("in order");
    appender.commit();

    // 300 samples are chunks of 120, 120 and 60; the first ends at 1190 s.
    assert_eq!(store.apply_retention(at(2191)), Dropped { samples: 122, series: 1 });
    assert_eq!(store.apply_retention(at(2191)), Dropped::default());
    assert_eq!(store.stats().series, 1);
    assert_eq!(store.stats().samples, 180);

    // The slot is reused by another series; the old number must not reach it.
    let new = series("up", "new");
    put(&store, &new, &[(3000, 7.0)]);
    let mut appender = store.appender();
    appender.append(Some(hint), &old, at(3000), Value::Float(8.0)).expect("a new series");
    appender.commit();
    let found = read(&store, &[Matcher::equal("instance", "old")], TimeRange::ALL);
    assert_eq!(found, [(old.to_string(), vec![(3_000_000, Value::Float(8.0))])]);
    let found = read(&store, &[Matcher::equal("instance", "new")], TimeRange::ALL);
    assert_eq!(found, [(new.to_string(), vec![(3_000_000, Value::Float(7.0))])]);
}

#[test]
fn a_snapshot_outlives_retention() {
    let mut config = Config::default();
    config.retention = Duration::from_secs(10);
    let store = Store::new(config);
    put(&store, &series("up", "a"), &[(1, 1.0), (2, stale_nan())]);
    put(&store, &series("up", "b"), &[(1000, 1.0)]);
    use assurance_metrics_model::{Column, Queryable as _, Selection};
    let found = store.select(&Selection { matchers: &[], range: TimeRange::ALL }).expect("readable");
    assert_eq!(store.apply_retention(at(1000)).series, 1);
    let mut column = Column::new();
    found[0].read(TimeRange::ALL, &mut column).expect("readable");
    assert_eq!(column.len(), 2);
    assert!(column.is_stale(1) && !column.is_stale(0));
}

#[test]
fn a_reader_never_sees_half_a_commit() {
    let store = Store::new(Config::default());
    let all: Vec<Labels> = (0..50).map(|i| series("m", &i.to_string())).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..200 {
                let mut appender = store.appender();
                for labels in &all {
                    appender.append(None, labels, at(round), Value::Float(0.0)).expect("in order");
                }
                appender.commit();
            }
        });
        scope.spawn(|| {
            for _ in 0..200 {
                let found = read(&store, &[Matcher::equal("__name__", "m")], TimeRange::ALL);
                let lengths: Vec<usize> = found.iter().map(|(_, samples)| samples.len()).collect();
                assert!(lengths.is_empty() || lengths == vec![lengths[0]; 50], "{lengths:?}");
            }
        });
    });
}
