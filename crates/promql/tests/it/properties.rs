use std::collections::BTreeMap;

use assurance_metrics_model::{Duration, Labels, Queryable as _, Selection, TimeRange, Timestamp, Value};
use assurance_promql::{Options, QueryValue, instant, parse, range};
use assurance_promqltest::MemoryStore;
use proptest::prelude::*;

use crate::generate::{store, vector};

fn float(value: &Value) -> f64 {
    if let Value::Float(v) = value { *v } else { f64::NAN }
}

/// Windows that slide add up in another order than windows alone: the last bits may differ.
fn near(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
        || a.is_nan() && b.is_nan()
        || (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1e-6)
}

fn alike(a: &BTreeMap<Labels, Vec<(Timestamp, f64)>>, b: &BTreeMap<Labels, Vec<(Timestamp, f64)>>) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|((of_a, a), (of_b, b))| {
            let pairs = || a.iter().zip(b);
            of_a == of_b && a.len() == b.len() && pairs().all(|(a, b)| a.0 == b.0 && near(a.1, b.1))
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A range query is, step by step, what instant queries give; if one of them fails, so does the range.
    #[test]
    fn a_range_is_its_instants(store in store(), text in vector(), start in 0..300i64, step in 7..60i64) {
        let expr = parse(&text).map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
        let (start, step) = (Timestamp::from_secs(start), Duration::from_secs(step));
        let end = start + step * 6;
        let options = Options::default();
        let mut expected: BTreeMap<Labels, Vec<(Timestamp, f64)>> = BTreeMap::new();
        let mut failed = false;
        for n in 0..=6 {
            let at = start + step * n;
            match instant(&expr, &store, at, &options).map(|answer| answer.value) {
                Ok(QueryValue::Vector(vector)) => {
                    for sample in vector {
                        expected.entry(sample.labels).or_default().push((at, float(&sample.value)));
                    }
                }
                Ok(other) => prop_assert!(false, "{} gave {:?}", text, other),
                Err(_) => failed = true,
            }
        }
        match range(&expr, &store, start, end, step, &options).map(|answer| answer.value) {
            Ok(QueryValue::Matrix(matrix)) => {
                prop_assert!(!failed, "{} succeeds as a range and fails at an instant", text);
                let got: BTreeMap<Labels, Vec<(Timestamp, f64)>> = matrix
                    .into_iter()
                    .map(|s| (s.labels, s.samples.iter().map(|(at, v)| (*at, float(v))).collect()))
                    .collect();
                prop_assert!(alike(&got, &expected), "{}: {:?} is not {:?}", text, got, expected);
            }
            Ok(other) => prop_assert!(false, "{} gave {:?}", text, other),
            Err(error) => prop_assert!(failed, "{} fails as a range only: {}", text, error),
        }
    }

    /// Windows that slide give what looking at each window alone gives.
    #[test]
    fn windows_are_what_they_hold(store in store(), range_secs in 20..200i64, at in 0..700i64) {
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
