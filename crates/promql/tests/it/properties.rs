use std::collections::BTreeMap;

use assurance_metrics_model::{Duration, Labels, Queryable as _, Selection, TimeRange, Timestamp, Value};
use assurance_promql::{Expr, Options, QueryValue, instant, parse, range};
use assurance_promqltest::MemoryStore;
use proptest::prelude::*;

use crate::generate::{ROUNDED, store, vector};

fn float(value: &Value) -> f64 {
    if let Value::Float(v) = value { *v } else { f64::NAN }
}

/// The series that instant queries give, step by step, unless one of them fails.
fn instants(expr: &Expr, store: &MemoryStore, steps: &[Timestamp]) -> Option<Series> {
    let mut series = Series::new();
    for at in steps {
        match instant(expr, store, *at, &Options::default()).map(|answer| answer.value) {
            Ok(QueryValue::Vector(vector)) => {
                for sample in vector {
                    series.entry(sample.labels).or_default().push((*at, float(&sample.value)));
                }
            }
            Ok(other) => panic!("{other:?} is not a vector"),
            Err(_) => return None,
        }
    }
    Some(series)
}

fn ranged(expr: &Expr, store: &MemoryStore, steps: &[Timestamp]) -> Result<Series, String> {
    let (start, end) = (steps[0], steps[steps.len() - 1]);
    match range(expr, store, start, end, steps[1] - start, &Options::default()).map(|answer| answer.value) {
        Ok(QueryValue::Matrix(matrix)) => Ok(matrix
            .into_iter()
            .map(|s| (s.labels, s.samples.iter().map(|(at, v)| (*at, float(v))).collect()))
            .collect()),
        Ok(other) => panic!("{other:?} is not a matrix"),
        Err(error) => Err(error.to_string()),
    }
}

type Series = BTreeMap<Labels, Vec<(Timestamp, f64)>>;

fn alike(a: &Series, b: &Series, near: impl Fn(f64, f64) -> bool) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|((of_a, a), (of_b, b))| {
            let pairs = || a.iter().zip(b);
            let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan() || near(a, b);
            of_a == of_b && a.len() == b.len() && pairs().all(|(a, b)| a.0 == b.0 && same(a.1, b.1))
        })
}

fn steps(start: i64, step: i64) -> Vec<Timestamp> {
    (0..=6).map(|n| Timestamp::from_secs(start + step * n)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A range query is, step by step and bit by bit, what instant queries give; if one of them fails, so does
    /// the range.
    #[test]
    fn a_range_is_its_instants(store in store(1.0), text in vector(), start in 0..300i64, step in 7..60i64) {
        let expr = parse(&text).map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
        let steps = steps(start, step);
        match (ranged(&expr, &store, &steps), instants(&expr, &store, &steps)) {
            (Ok(got), Some(expected)) => {
                let same = alike(&got, &expected, |_, _| false);
                prop_assert!(same, "{}: {:?} is not {:?}", text, got, expected);
            }
            (Ok(_), None) => prop_assert!(false, "{} succeeds as a range and fails at an instant", text),
            (Err(error), expected) => prop_assert!(expected.is_none(), "{} fails as a range only: {}", text, error),
        }
    }

    /// Windows that slide add up in another order than windows alone. Two hundred seconds hold at most fourteen
    /// samples, none above twenty, and so sums of 280: fourteen roundings on either side, each 2^-53 of that, are
    /// less than 1e-12 even where nothing is compensated.
    #[test]
    fn sums_that_slide_differ_in_their_last_bits_only(
        store in store(7.0),
        function in prop::sample::select(&ROUNDED[..]),
        window in 20..200i64,
        start in 0..300i64,
        step in 7..60i64,
    ) {
        let text = format!("{function}(m[{window}s])");
        let expr = parse(&text).map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
        let steps = steps(start, step);
        let got = ranged(&expr, &store, &steps).map_err(TestCaseError::fail)?;
        let expected = instants(&expr, &store, &steps).expect("evaluates");
        let same = alike(&got, &expected, |a, b| (a - b).abs() <= 1e-12);
        prop_assert!(same, "{}: {:?} is not {:?}", text, got, expected);
    }

    /// Windows that slide give what looking at each window alone gives.
    #[test]
    fn windows_are_what_they_hold(store in store(7.0), range_secs in 20..200i64, at in 0..700i64) {
        let now = Timestamp::from_secs(at);
        let window = TimeRange::new(now - Duration::from_secs(range_secs), now);
        for (function, naive) in NAIVE {
            let expr = parse(&format!("{function}(m[{range_secs}s])")).expect("PromQL");
            let answer = instant(&expr, &store, now, &Options::default()).expect("evaluates");
            let QueryValue::Vector(vector) = answer.value else { panic!("a vector") };
            let mut got: BTreeMap<Labels, f64> = BTreeMap::new();
            for sample in vector {
                if let Value::Float(v) = sample.value {
                    got.insert(sample.labels, v);
                }
            }
            let mut expected: BTreeMap<Labels, f64> = BTreeMap::new();
            for (labels, values) in samples(&store, window) {
                if let Some(value) = naive(&values) {
                    expected.insert(labels, value);
                }
            }
            prop_assert_eq!(got.len(), expected.len(), "{}", function);
            for (labels, value) in expected {
                let close = (got[&labels] - value).abs() <= 1e-9 * value.abs().max(1.0);
                prop_assert!(close, "{}: {} instead of {}", function, got[&labels], value);
            }
        }
    }
}

type Naive = fn(&[f64]) -> Option<f64>;

const NAIVE: [(&str, Naive); 8] = [
    ("sum_over_time", |v| (!v.is_empty()).then(|| v.iter().sum())),
    ("count_over_time", |v| (!v.is_empty()).then_some(v.len() as f64)),
    ("min_over_time", |v| v.iter().copied().reduce(f64::min)),
    ("max_over_time", |v| v.iter().copied().reduce(f64::max)),
    ("avg_over_time", |v| (!v.is_empty()).then(|| v.iter().sum::<f64>() / v.len() as f64)),
    ("resets", |v| (!v.is_empty()).then(|| v.windows(2).filter(|p| p[1] < p[0]).count() as f64)),
    ("changes", |v| (!v.is_empty()).then(|| v.windows(2).filter(|p| p[1] != p[0]).count() as f64)),
    ("idelta", |v| (v.len() > 1).then(|| v[v.len() - 1] - v[v.len() - 2])),
];

/// The values of `m` inside a window, without stale markers and names.
fn samples(store: &MemoryStore, window: TimeRange) -> Vec<(Labels, Vec<f64>)> {
    let matchers = [assurance_metrics_model::Matcher::equal("__name__", "m")];
    let found = store.select(&Selection { matchers: &matchers, range: window }).expect("memory");
    found
        .iter()
        .map(|series| {
            let mut column = assurance_metrics_model::Column::new();
            series.read(window, &mut column).expect("memory");
            let values =
                (0..column.len()).filter(|i| !column.is_stale(*i)).map(|i| column.floats()[i]).collect();
            (series.labels().without(&["__name__"]), values)
        })
        .collect()
}
