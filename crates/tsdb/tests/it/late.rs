use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_metrics_model::{
    AppendErrorKind, Appender as _, Column, Duration, Histogram, Labels, Queryable as _, ResetHint,
    Selection, TimeRange, Timestamp, Value, stale_nan,
};
use assurance_tsdb::{Config, Dropped, Store};
use proptest::prelude::*;

use crate::{at, put, read, series};

/// A store that takes samples of any age.
fn any_age() -> Store {
    let mut config = Config::default();
    config.out_of_order_window = "100y".parse().expect("a duration");
    config.retention = "100y".parse().expect("a duration");
    Store::new(config)
}

fn offer(store: &Store, labels: &Labels, at: Timestamp, value: Value) -> Result<usize, AppendErrorKind> {
    let mut appender = store.appender();
    appender.append(None, labels, at, value).map_err(|error| error.kind)?;
    Ok(appender.commit().samples)
}

fn seconds(store: &Store) -> Vec<i64> {
    read(store, &[], TimeRange::ALL).into_iter().flat_map(|(_, s)| s).map(|(at, _)| at / 1000).collect()
}

fn histogram(count: f64) -> Value {
    Value::Histogram(Arc::new(Histogram { count, sum: 2.0 * count, ..Histogram::default() }))
}

#[test]
fn samples_of_1970_come_after_those_of_2026() {
    let store = any_age();
    let up = series("up", "a");
    let now = at(1_795_000_000);
    put(&store, &up, &[(1_795_000_000, 1.0)]);
    put(&store, &up, &[(0, 1.0), (30, 2.0), (60, stale_nan())]);
    put(&store, &up, &[(-30, 5.0)]);
    assert_eq!(offer(&store, &up, Timestamp::EPOCH, Value::Float(1.0)), Ok(0), "the same once more");
    assert_eq!(
        offer(&store, &up, Timestamp::EPOCH, Value::Float(9.0)),
        Err(AppendErrorKind::DuplicateTimestamp)
    );
    assert_eq!(seconds(&store), [-30, 0, 30, 60, 1_795_000_000]);
    assert_eq!(store.apply_retention(now), Dropped::default());
    assert_eq!(store.appender_at(now).append(None, &up, at(15), Value::Float(1.0)).map(|_| ()), Ok(()));
}

#[test]
fn the_window_is_counted_from_the_newest_sample_of_the_series() {
    let mut config = Config::default();
    config.out_of_order_window = Duration::from_secs(100);
    let store = Store::new(config);
    let up = series("up", "a");
    put(&store, &up, &[(1000, 1.0)]);
    put(&store, &series("up", "other"), &[(5000, 1.0)]);
    assert_eq!(offer(&store, &up, at(900), Value::Float(1.0)), Ok(1));
    assert_eq!(
        offer(&store, &up, at(899), Value::Float(1.0)),
        Err(AppendErrorKind::OutOfOrder { newest: at(1000) })
    );
    assert_eq!(
        offer(&store, &series("up", "new"), at(5), Value::Float(1.0)),
        Ok(1),
        "a series' first sample"
    );
}

#[test]
fn what_retention_would_drop_is_refused_and_not_taken_to_be_dropped() {
    let mut config = Config::default();
    config.out_of_order_window = "100y".parse().expect("a duration");
    config.retention = Duration::from_secs(1000);
    let store = Store::new(config);
    let up = series("up", "a");
    put(&store, &up, &[(10_000, 1.0)]);
    let refused = |now, secs| {
        let mut appender = store.appender_at(at(now));
        appender.append(None, &up, at(secs), Value::Float(1.0)).map(|_| ()).map_err(|error| error.kind)
    };
    assert_eq!(refused(20_000, 8999), Err(AppendErrorKind::OutOfBounds { oldest: at(9000) }));
    assert_eq!(refused(20_000, 9000), Ok(()));
    assert_eq!(refused(9500, 8500), Ok(()), "a sample from the future does not age the others");
    // Once retention has been applied, its limit holds for everybody.
    store.apply_retention(at(20_000));
    assert_eq!(
        offer(&store, &up, at(8999), Value::Float(1.0)),
        Err(AppendErrorKind::OutOfBounds { oldest: at(9000) })
    );
}

#[test]
fn the_ends_of_time_neither_overflow_nor_lie() {
    let store = any_age();
    let up = series("up", "a");
    let (first, last) = (Timestamp::from_millis(i64::MIN + 1), Timestamp::MAX);
    assert_eq!(
        offer(&store, &up, Timestamp::MIN, Value::Float(1.0)),
        Err(AppendErrorKind::OutOfBounds { oldest: first })
    );
    for (time, value) in [(first, 1.0), (last, 3.0)] {
        assert_eq!(offer(&store, &up, time, Value::Float(value)), Ok(1));
    }
    assert!(matches!(
        offer(&store, &up, Timestamp::from_millis(-5), Value::Float(1.0)),
        Err(AppendErrorKind::OutOfOrder { .. })
    ));
    let found = read(&store, &[], TimeRange::ALL).remove(0).1;
    let times: Vec<i64> = found.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [i64::MIN + 1, i64::MAX]);
    assert_eq!(store.apply_retention(Timestamp::MIN), Dropped::default());
    assert_eq!(
        store.apply_retention(Timestamp::MAX).samples,
        1,
        "a chunk ends where there was a long silence, so that what is old can go"
    );
}

#[test]
fn one_appender_meets_its_own_samples_in_any_order() {
    let store = any_age();
    let up = series("up", "a");
    let mut appender = store.appender();
    let mut append = |secs, value| {
        appender.append(None, &up, at(secs), Value::Float(value)).map(|_| ()).map_err(|error| error.kind)
    };
    assert_eq!(append(20, 1.0), Ok(()));
    assert_eq!(append(10, 1.0), Ok(()));
    assert_eq!(append(30, 1.0), Ok(()));
    assert_eq!(append(10, 1.0), Ok(()), "the same once more");
    for secs in [10, 20, 30] {
        assert_eq!(append(secs, 2.0), Err(AppendErrorKind::DuplicateTimestamp), "{secs}");
    }
    assert_eq!(append(25, 4.0), Ok(()));
    assert_eq!(append(25, 5.0), Err(AppendErrorKind::DuplicateTimestamp));
    assert_eq!(appender.commit().samples, 4);
    assert_eq!(seconds(&store), [10, 20, 25, 30]);
}

#[test]
fn two_appenders_cannot_store_two_values_for_one_time() {
    let store = any_age();
    let up = series("up", "a");
    put(&store, &up, &[(100, 1.0)]);
    let (mut one, mut two, mut three) = (store.appender(), store.appender(), store.appender());
    for (appender, value) in [(&mut one, 1.0), (&mut two, 2.0), (&mut three, 1.0)] {
        appender.append(None, &up, at(50), Value::Float(value)).expect("nothing is committed there");
    }
    assert_eq!((one.commit().samples, 0), (1, 0));
    let second = two.commit();
    assert_eq!((second.samples, second.overtaken), (0, 1));
    let third = three.commit();
    assert_eq!((third.samples, third.overtaken), (0, 0), "the same value twice is one sample");
    assert_eq!(read(&store, &[], TimeRange::ALL)[0].1[0], (50_000, Value::Float(1.0)));
    assert_eq!(store.stats().samples, 2);
}

#[test]
fn a_series_stays_while_an_appender_holds_a_late_sample_of_it() {
    let mut config = Config::default();
    config.out_of_order_window = "1y".parse().expect("a duration");
    config.retention = Duration::from_secs(1000);
    let store = Store::new(config);
    let up = series("up", "a");
    put(&store, &up, &[(100, 1.0)]);
    let mut appender = store.appender();
    appender.append(None, &up, at(50), Value::Float(2.0)).expect("in the window");
    put(&store, &series("up", "b"), &[(9000, 1.0)]);
    assert_eq!(store.apply_retention(at(9000)), Dropped { samples: 1, series: 0 });
    assert_eq!(appender.commit().samples, 1);
    assert_eq!(read(&store, &[], TimeRange::ALL)[0].1, [(50_000, Value::Float(2.0))]);
}

/// Without what the store finds out of resets: the model takes samples as they are given.
fn as_given(series: Vec<(String, Vec<(i64, Value)>)>) -> Vec<(String, Vec<(i64, Value)>)> {
    let given = |value| match value {
        Value::Histogram(h) => {
            Value::Histogram(Arc::new(Histogram { reset_hint: ResetHint::Unknown, ..(*h).clone() }))
        }
        other => other,
    };
    let series = series.into_iter();
    series.map(|(name, all)| (name, all.into_iter().map(|(at, v)| (at, given(v))).collect())).collect()
}

#[test]
fn a_float_marker_ends_a_series_of_histograms_also_when_it_comes_late() {
    let store = any_age();
    let labels = series("h", "a");
    for (secs, value) in [
        (0, histogram(1.0)),
        (5, histogram(1.0)),
        (10, histogram(1.0)),
        (30, histogram(3.0)),
        (20, Value::stale()),
    ] {
        assert_eq!(offer(&store, &labels, at(secs), value), Ok(1));
    }
    let found = store.select(&Selection { matchers: &[], range: TimeRange::ALL }).expect("readable");
    let mut column = Column::new();
    found[0].read(TimeRange::ALL, &mut column).expect("readable");
    let stale: Vec<bool> = (0..column.len()).map(|n| column.is_stale(n)).collect();
    assert_eq!(stale, [false, false, false, true, false]);
    assert!(column.histogram(2).is_some() && column.histogram(3).is_none());
    assert!(
        column.histogram(1).zip(column.histogram(2)).is_some_and(|(a, b)| Arc::ptr_eq(a, b)),
        "a histogram that stands still is kept once"
    );
    assert_eq!(offer(&store, &labels, at(20), histogram(2.0)), Err(AppendErrorKind::DuplicateTimestamp));
}

#[test]
fn the_past_in_reverse_makes_no_crumbs() {
    let store = any_age();
    let up = series("up", "a");
    for n in (0..1200).rev() {
        put(&store, &up, &[(n * 30, 1.0)]);
    }
    let stats = store.stats();
    assert_eq!(stats.samples, 1200);
    assert!(stats.chunks <= 20, "{} chunks", stats.chunks);
    assert_eq!(seconds(&store), (0..1200).map(|n| n * 30).collect::<Vec<_>>());
}

#[derive(Clone, Debug)]
enum Step {
    Append { series: usize, slot: i64, value: Value },
    Commit,
    Rollback,
    Query { after: i64, len: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![
        6 => (0..4i32).prop_map(|v| Value::Float(f64::from(v))),
        1 => any::<f64>().prop_map(Value::Float),
        1 => Just(Value::stale()),
        3 => (0..4i32).prop_map(|c| histogram(f64::from(c))),
    ];
    prop_oneof![
        // Slots far apart and close by: appends, inserts, splits and gaps of chunks.
        20 => (0..2usize, prop_oneof![0..400i64, 200..240i64, Just(-50i64), 9000..9400i64], value)
            .prop_map(|(series, slot, value)| Step::Append { series, slot, value }),
        2 => Just(Step::Commit),
        1 => Just(Step::Rollback),
        1 => (-100..500i64, 0..9500i64).prop_map(|(after, len)| Step::Query { after, len }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Samples in any order, floats and histograms, committed and rolled back, while an old selection is kept:
    /// the store answers as a map from time to value does, and the selection as it did at first.
    #[test]
    fn a_store_without_order_answers_as_a_naive_model(steps in prop::collection::vec(step(), 1..2500)) {
        let store = any_age();
        let mut model: Vec<BTreeMap<i64, Value>> = vec![BTreeMap::new(); 2];
        let mut pending = model.clone();
        let mut appender = store.appender();
        let mut kept: Option<(Vec<Box<dyn assurance_metrics_model::Series + '_>>, usize)> = None;
        for step in steps {
            match step {
                Step::Append { series: i, slot, value } => {
                    let at = slot * 30_000 + slot % 3;
                    let held = pending[i].get(&at).or(model[i].get(&at));
                    let expected = match held {
                        None => Ok(()),
                        Some(held) if *held == value => Ok(()),
                        Some(_) => Err(AppendErrorKind::DuplicateTimestamp),
                    };
                    let labels = series("m", &i.to_string());
                    let got = appender
                        .append(None, &labels, Timestamp::from_millis(at), value.clone())
                        .map(|_| ())
                        .map_err(|error| error.kind);
                    prop_assert_eq!(&got, &expected);
                    if got.is_ok() {
                        pending[i].insert(at, value);
                    }
                }
                Step::Commit => {
                    let new: usize =
                        pending.iter().zip(&model).map(|(p, m)| p.keys().filter(|at| !m.contains_key(at)).count()).sum();
                    let committed = appender.commit();
                    prop_assert_eq!((committed.samples, committed.overtaken), (new, 0));
                    appender = store.appender();
                    for (model, pending) in model.iter_mut().zip(&mut pending) {
                        model.append(pending);
                    }
                }
                Step::Rollback => {
                    drop(appender);
                    appender = store.appender();
                    pending.iter_mut().for_each(BTreeMap::clear);
                }
                Step::Query { after, len } => {
                    let range = TimeRange::new(
                        Timestamp::from_millis(after * 30_000),
                        Timestamp::from_millis((after + len) * 30_000),
                    );
                    let expected: Vec<(String, Vec<(i64, Value)>)> = model
                        .iter()
                        .enumerate()
                        .map(|(i, samples)| {
                            let inside = samples.iter().filter(|(at, _)| range.contains(Timestamp::from_millis(**at)));
                            (series("m", &i.to_string()).to_string(), inside.map(|(at, v)| (*at, v.clone())).collect())
                        })
                        .filter(|(_, samples): &(String, Vec<(i64, Value)>)| !samples.is_empty())
                        .collect();
                    let found: Vec<_> =
                        read(&store, &[], range).into_iter().filter(|(_, samples)| !samples.is_empty()).collect();
                    prop_assert_eq!(as_given(found), expected);
                    if let Some((selection, length)) = &kept {
                        let mut column = Column::new();
                        for series in selection {
                            series.read(TimeRange::ALL, &mut column).expect("readable");
                        }
                        prop_assert_eq!(column.len(), *length);
                    }
                    let selection =
                        store.select(&Selection { matchers: &[], range: TimeRange::ALL }).expect("readable");
                    kept = Some((selection, model.iter().map(BTreeMap::len).sum()));
                }
            }
        }
        let stats = store.stats();
        prop_assert_eq!(stats.samples as usize, model.iter().map(BTreeMap::len).sum::<usize>());
    }
}

#[test]
fn a_histogram_knows_from_the_one_before_it_whether_it_was_reset_and_finds_out_anew_when_another_comes_between()
 {
    let store = any_age();
    let labels = series("h", "a");
    let put = |secs: i64, count: f64| {
        assert_eq!(offer(&store, &labels, at(secs), histogram(count)), Ok(1));
    };
    put(0, 4.0);
    put(10, 5.0);
    put(30, 6.0);
    put(40, 1.0);
    let hints = || {
        let found = store.select(&Selection { matchers: &[], range: TimeRange::ALL }).expect("readable");
        let mut column = Column::new();
        found[0].read(TimeRange::ALL, &mut column).expect("readable");
        let hint = |n| column.histogram(n).map(|h| h.reset_hint);
        (0..column.len()).map(hint).collect::<Option<Vec<_>>>().expect("histograms")
    };
    use ResetHint::{NoReset, Reset, Unknown};
    assert_eq!(hints(), [Unknown, NoReset, NoReset, Reset]);
    // What was said once may be said again.
    assert!(offer(&store, &labels, at(30), histogram(6.0)).is_ok());
    put(20, 9.0);
    assert_eq!(hints(), [Unknown, NoReset, NoReset, Reset, Reset]);
}
