use std::collections::BTreeMap;

use assurance_metrics_model::{Appender as _, Duration, Matcher, TimeRange, Timestamp, Value, stale_nan};
use assurance_tsdb::{Config, Store};
use proptest::prelude::*;

use crate::{read, series};

#[derive(Clone, Debug)]
enum Step {
    Append { series: usize, advance_ms: i64, value: f64 },
    Commit,
    Rollback,
    Retention { advance_s: i64 },
    Query { instance: Option<usize>, back_s: i64, len_s: i64 },
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![(0..50i32).prop_map(f64::from), any::<f64>(), Just(stale_nan()), Just(f64::NAN), Just(0.1),]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..3usize, prop_oneof![Just(30_000i64), -40_000..90_000i64], value())
            .prop_map(|(series, advance_ms, value)| Step::Append { series, advance_ms, value }),
        4 => Just(Step::Commit),
        1 => Just(Step::Rollback),
        1 => (0..4000i64).prop_map(|advance_s| Step::Retention { advance_s }),
        3 => (prop::option::of(0..3usize), 0..20_000i64, 0..20_000i64)
            .prop_map(|(instance, back_s, len_s)| Step::Query { instance, back_s, len_s }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Random appends in and out of order, commits, rollbacks, retention and queries: the store answers as a
    /// map from time to value does, except that retention may keep up to a chunk more.
    #[test]
    fn the_store_answers_as_a_naive_model(steps in prop::collection::vec(step(), 1..600)) {
        let mut config = Config::default();
        config.retention = Duration::from_secs(7200);
        let store = Store::new(config);
        let mut model: Vec<BTreeMap<Timestamp, f64>> = vec![BTreeMap::new(); 3];
        let mut pending: Vec<Vec<(Timestamp, f64)>> = vec![Vec::new(); 3];
        let mut clock = [Timestamp::from_secs(100_000); 3];
        let mut now = Timestamp::from_secs(100_000);
        let mut cut = Timestamp::MIN;
        let mut appender = store.appender();
        for step in steps {
            match step {
                Step::Append { series: i, advance_ms, value } => {
                    let at = clock[i] + Duration::from_millis(advance_ms);
                    let newest = pending[i].last().map(|(at, _)| *at).or(model[i].keys().next_back().copied());
                    let labels = series("m", &i.to_string());
                    let accepted = appender.append(None, &labels, at, Value::Float(value)).is_ok();
                    let same = |newest| {
                        let old = pending[i].last().map(|(_, v)| *v).or(model[i].get(&newest).copied());
                        newest == at && old.map(f64::to_bits) == Some(value.to_bits())
                    };
                    let expected = newest.is_none_or(|newest| newest < at || same(newest));
                    prop_assert_eq!(accepted, expected);
                    if accepted && newest.is_none_or(|newest| newest < at) {
                        pending[i].push((at, value));
                        clock[i] = at;
                        now = now.max(at);
                    }
                }
                Step::Commit => {
                    appender.commit();
                    appender = store.appender();
                    for (model, pending) in model.iter_mut().zip(&mut pending) {
                        model.extend(pending.drain(..));
                    }
                }
                Step::Rollback => {
                    drop(appender);
                    appender = store.appender();
                    pending.iter_mut().for_each(Vec::clear);
                }
                Step::Retention { advance_s } => {
                    now += Duration::from_secs(advance_s);
                    store.apply_retention(now);
                    cut = now - Duration::from_secs(7200);
                }
                Step::Query { instance, back_s, len_s } => {
                    let after = now - Duration::from_secs(back_s);
                    let range = TimeRange::new(after, after + Duration::from_secs(len_s));
                    let matchers: Vec<Matcher> =
                        instance.iter().map(|i| Matcher::equal("instance", &i.to_string())).collect();
                    let found = read(&store, &matchers, range);
                    for (i, model) in model.iter().enumerate() {
                        if instance.is_some_and(|only| only != i) {
                            continue;
                        }
                        let labels = series("m", &i.to_string()).to_string();
                        let got: Vec<(i64, u64)> = found
                            .iter()
                            .filter(|(l, _)| *l == labels)
                            .flat_map(|(_, samples)| samples)
                            .map(|(at, value)| match value {
                                Value::Float(v) => (*at, v.to_bits()),
                                _ => (*at, 0),
                            })
                            .collect();
                        let expected: Vec<(i64, u64)> = model
                            .iter()
                            .filter(|(at, _)| range.contains(**at))
                            .map(|(at, v)| (at.as_millis(), v.to_bits()))
                            .collect();
                        let kept = expected.iter().filter(|(at, _)| *at >= cut.as_millis()).count();
                        prop_assert!(expected.ends_with(&got), "{got:?} is no tail of {expected:?}");
                        prop_assert!(got.len() >= kept, "retention dropped what is younger than its limit");
                    }
                }
            }
            if matches!(step, Step::Retention { .. }) {
                // What retention dropped may be appended anew, older than before: follow the store.
                for (i, model) in model.iter_mut().enumerate() {
                    let labels = series("m", &i.to_string()).to_string();
                    let left: Vec<i64> = read(&store, &[], TimeRange::ALL)
                        .into_iter()
                        .filter(|(l, _)| *l == labels)
                        .flat_map(|(_, samples)| samples)
                        .map(|(at, _)| at)
                        .collect();
                    prop_assert!(model.keys().all(|at| *at < cut || left.contains(&at.as_millis())));
                    model.retain(|at, _| left.contains(&at.as_millis()));
                }
            }
        }
    }
}
