//! Random expressions and data.

use assurance_metrics_model::{Labels, Timestamp, Value, stale_nan};
use assurance_promqltest::MemoryStore;
use proptest::prelude::*;

/// Series `m{a,b}` and `n{a}` with gaps, resets and ends, a sample every 15 s for at most ten minutes. Some
/// values are whole numbers divided by `divisor`.
pub(crate) fn store(divisor: f64) -> impl Strategy<Value = MemoryStore> {
    let value = prop_oneof![
        3 => (0..20i32).prop_map(|v| Some(f64::from(v))),
        2 => Just(None),
        1 => Just(Some(stale_nan())),
        1 => (-100..100i32).prop_map(move |v| Some(f64::from(v) / divisor)),
    ];
    let series = prop::collection::vec(value, 0..40);
    prop::collection::vec(series, 6).prop_map(|all| {
        let mut store = MemoryStore::default();
        for (n, samples) in all.into_iter().enumerate() {
            let labels = if n < 4 {
                let (a, b) = ((n % 2).to_string(), (n / 2).to_string());
                Labels::from_pairs([("__name__", "m"), ("a", a.as_str()), ("b", b.as_str())])
            } else {
                Labels::from_pairs([("__name__", "n"), ("a", (n % 2).to_string().as_str())])
            };
            for (at, value) in (0..).zip(samples) {
                if let Some(value) = value {
                    store.put(&labels, Timestamp::from_secs(at * 15), Value::Float(value));
                }
            }
        }
        store
    })
}

fn selector() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("m".to_owned()),
        Just("n".to_owned()),
        Just("m{a=\"0\"}".to_owned()),
        Just("m{b=~\"0|2\"}".to_owned()),
        Just("m offset 30s".to_owned()),
        Just("n @ 120".to_owned()),
    ]
}

fn matrix() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("m[1m]".to_owned()),
        Just("n[3m]".to_owned()),
        Just("m{a=\"1\"}[2m] offset 1m".to_owned()),
        Just("m[2m:20s]".to_owned()),
        Just("n[2m] @ 200".to_owned()),
        Just("sum(m)[1m:30s]".to_owned()),
    ]
}

/// Functions whose last bits depend on the order in which a window is added up.
pub(crate) const ROUNDED: [&str; 4] = ["sum_over_time", "avg_over_time", "stddev_over_time", "deriv"];

/// An instant vector. Of whole numbers it is the same however a window came to be; [`ROUNDED`] are not in it.
pub(crate) fn vector() -> impl Strategy<Value = String> {
    let functions = prop::sample::select(vec![
        "rate",
        "increase",
        "delta",
        "irate",
        "idelta",
        "resets",
        "changes",
        "sum_over_time",
        "avg_over_time",
        "min_over_time",
        "max_over_time",
        "count_over_time",
        "last_over_time",
        "present_over_time",
        "absent_over_time",
    ]);
    let leaf = prop_oneof![
        selector(),
        (functions, matrix()).prop_map(|(f, m)| format!("{f}({m})")),
        Just("vector(time())".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        let aggregation = prop::sample::select(vec!["sum", "avg", "min", "max", "count", "group", "stddev"]);
        let grouping = prop::sample::select(vec!["", " by (a) ", " without (b) ", " by (a, b) "]);
        let operator = prop::sample::select(vec!["+", "-", "*", "/", "%", ">", "<=", "==", "> bool"]);
        let function = prop::sample::select(vec!["abs", "ceil", "sgn", "absent", "timestamp", "-"]);
        let number = prop::sample::select(vec!["0", "1", "2.5", "-3", "time()"]);
        let set = prop::sample::select(vec!["and on (a)", "or", "unless on (a)"]);
        prop_oneof![
            (aggregation, grouping, inner.clone()).prop_map(|(op, by, e)| format!("{op}{by}({e})")),
            (inner.clone(), operator.clone(), number).prop_map(|(e, op, n)| format!("({e} {op} {n})")),
            (inner.clone(), operator, inner.clone())
                .prop_map(|(l, op, r)| format!("(sum by (a) ({l}) {op} sum by (a) ({r}))")),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l} * on (a) group_left () {r})")),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l} > on (a) {r})")),
            (inner.clone(), set, inner.clone()).prop_map(|(l, op, r)| format!("({l} {op} {r})")),
            (function, inner.clone()).prop_map(|(f, e)| format!("{f}({e})")),
            inner.clone().prop_map(|e| format!("topk by (a) (1, {e})")),
            inner.prop_map(|e| format!("label_replace({e}, \"c\", \"$1\", \"a\", \"(.*)\")")),
        ]
    })
}
