use std::collections::BTreeMap;

use assurance_metrics_model::{AppendErrorKind, Appender as _, Duration, Value, stale_nan};
use assurance_storage::Memory;
use assurance_tsdb::Config;
use proptest::prelude::*;

use super::{Content, content, open_with};
use crate::{at, series};

const HOUR: i64 = 3600;
const WINDOW: i64 = 30 * HOUR;

#[derive(Clone, Debug)]
enum Step {
    /// Samples of one series, so many seconds after its newest, or before it.
    Append(usize, i64, f64),
    /// The sample of one series that so many came after, once more: with its value, or with another.
    Again(usize, usize, bool),
    /// A whole scrape, every 10 minutes for some time.
    Scrape(u16),
    Commit,
    Sync,
    Maintain,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![(0..9).prop_map(f64::from), any::<f64>(), Just(stale_nan()), Just(0.25)];
    let advance = prop_oneof![-40 * HOUR..40 * HOUR, 0..HOUR, Just(0)];
    prop_oneof![
        6 => (0..3_usize, advance, value).prop_map(|(i, secs, value)| Step::Append(i, secs, value)),
        3 => (0..3_usize, 0..400_usize, any::<bool>()).prop_map(|(i, back, same)| Step::Again(i, back, same)),
        2 => (1..300_u16).prop_map(Step::Scrape),
        3 => Just(Step::Commit),
        1 => Just(Step::Sync),
        2 => Just(Step::Maintain),
        1 => Just(Step::Reopen),
    ]
}

type Model = Vec<BTreeMap<i64, f64>>;

fn expected(model: &Model) -> Content {
    let whole = |(i, samples): (usize, &BTreeMap<i64, f64>)| {
        let samples: Vec<_> = samples.iter().map(|(secs, v)| (secs * 1000, v.to_bits())).collect();
        (series("m", &i.to_string()).to_string(), samples)
    };
    model.iter().enumerate().filter(|(_, samples)| !samples.is_empty()).map(whole).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever is done, in whatever order: the store holds what a map of times to values holds, refuses what
    /// that would refuse, and does so still after it was opened again.
    #[test]
    fn a_store_with_files_answers_as_a_naive_model(steps in prop::collection::vec(step(), 1..80)) {
        let files = Memory::new();
        let mut config = Config::default();
        config.out_of_order_window = Duration::from_secs(WINDOW);
        let (mut store, _) = open_with(config.clone(), &files);
        let mut model: Model = vec![BTreeMap::new(); 3];
        let mut clock = 1_000 * HOUR;
        for step in steps {
            match step {
                Step::Append(i, advance, value) => {
                    let newest = model[i].keys().next_back().copied();
                    let secs = newest.unwrap_or(clock) + advance;
                    let mut appender = store.appender();
                    let labels = series("m", &i.to_string());
                    let outcome = appender.append(None, &labels, at(secs), Value::Float(value));
                    appender.commit();
                    let refused = match (newest, model[i].get(&secs)) {
                        (Some(newest), _) if secs < newest - WINDOW => {
                            Some(AppendErrorKind::OutOfOrder { newest: at(newest) })
                        }
                        (_, Some(held)) if held.to_bits() != value.to_bits() => {
                            Some(AppendErrorKind::DuplicateTimestamp)
                        }
                        _ => None,
                    };
                    prop_assert_eq!(outcome.err().map(|error| error.kind), refused.clone());
                    if refused.is_none() {
                        model[i].insert(secs, value);
                        clock = clock.max(secs);
                    }
                }
                Step::Again(i, back, same) => {
                    let Some((secs, held)) = model[i].iter().rev().nth(back) else { continue };
                    let newest = model[i].keys().next_back().copied().unwrap_or_default();
                    let value = if same { *held } else { 0.125 };
                    let mut appender = store.appender();
                    let outcome =
                        appender.append(None, &series("m", &i.to_string()), at(*secs), Value::Float(value));
                    prop_assert_eq!(outcome.is_ok(), same && *secs >= newest - WINDOW);
                    prop_assert_eq!(appender.commit().samples, 0);
                }
                Step::Scrape(times) => {
                    let mut appender = store.appender();
                    for n in 0..i64::from(times) {
                        clock += 600;
                        for (i, samples) in model.iter_mut().enumerate() {
                            let value = if n % 37 == 36 { stale_nan() } else { n as f64 / 4.0 };
                            let labels = series("m", &i.to_string());
                            appender.append(None, &labels, at(clock), Value::Float(value)).expect("newer");
                            samples.insert(clock, value);
                        }
                    }
                    appender.commit();
                }
                Step::Commit => {
                    drop(store.appender());
                }
                Step::Sync => prop_assert!(store.sync().is_ok()),
                Step::Maintain => {
                    let done = store.maintain(at(clock));
                    prop_assert_eq!(done.faults, []);
                    prop_assert_eq!(done.dropped.samples, 0);
                }
                Step::Reopen => {
                    drop(store);
                    let (opened, recovery) = open_with(config.clone(), &files);
                    prop_assert!(recovery.is_clean(), "{:?}", recovery);
                    store = opened;
                }
            }
            prop_assert_eq!(content(&store), expected(&model));
        }
    }
}
