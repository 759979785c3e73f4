//! Histories into files, in whatever order they come, and whatever stops them.

use std::collections::BTreeMap;

use assurance_metrics_model::{Duration, Labels, Timestamp, Value};
use assurance_storage::{Crashing, Fault, Memory, Plan, Storage, Survival};
use assurance_tsdb::{Config, ImportConfig, ImportError, Imported, Importer, Store};
use proptest::prelude::*;

use super::{Content, content, open};
use crate::{at, put, series};

const DAY: i64 = 86_400;

/// Long after the days that are imported.
const LATER: i64 = 1000 * DAY;

/// A sample of the n-th series, in seconds.
type Sample = (usize, i64, f64);

fn labels(n: usize) -> Labels {
    series("up", &format!("host-{n}"))
}

fn config(max_bytes: usize) -> ImportConfig {
    let mut config = ImportConfig::default();
    config.max_bytes = max_bytes;
    config
}

fn try_import(
    store: &Store,
    samples: &[Sample],
    config: ImportConfig,
    now: i64,
) -> Result<Imported, ImportError> {
    let mut importer = Importer::new(store, config, at(now));
    for (line, (n, secs, value)) in (1..).zip(samples) {
        let number = importer.series(labels(*n))?;
        importer.sample(number, at(*secs), *value, line)?;
    }
    importer.finish()?;
    let done = importer.so_far().clone();
    let sum =
        done.sealed + done.logged + done.same + done.conflicting + done.ahead.count + done.undated.count;
    assert_eq!(sum, done.given, "every sample became something: {done:?}");
    Ok(done)
}

fn import(store: &Store, samples: &[Sample]) -> Imported {
    try_import(store, samples, ImportConfig::default(), LATER).expect("memory takes it")
}

/// What a store should have: of two samples of a time the first.
fn expected(samples: &[Sample]) -> Content {
    let mut all: BTreeMap<String, BTreeMap<i64, u64>> = BTreeMap::new();
    for (n, secs, value) in samples {
        let of_series = all.entry(labels(*n).to_string()).or_default();
        of_series.entry(secs * 1000).or_insert(value.to_bits());
    }
    all.into_iter().map(|(labels, samples)| (labels, samples.into_iter().collect())).collect()
}

#[test]
fn one_sample_is_a_segment() {
    let files = Memory::new();
    let (store, _) = open(&files);
    let done = import(&store, &[(0, 30, 1.5)]);
    assert_eq!((done.sealed, done.logged), (1, 0));
    assert_eq!(done.segments[0].name, "segments/1970-01-01.0");
    assert_eq!((done.first, done.last), (Some(at(30)), Some(at(30))));
    assert_eq!(content(&store), expected(&[(0, 30, 1.5)]));
    drop(store);
    assert_eq!(content(&open(&files).0), expected(&[(0, 30, 1.5)]));
}

#[test]
fn ninety_days_become_ninety_files_whatever_comes_first() {
    let days = 90;
    let times = || (0..days * 24).map(|hour| hour * 3600);
    let by_series: Vec<Sample> = (0..3).flat_map(|n| times().map(move |s| (n, s, s as f64 / 10.0))).collect();
    let by_time: Vec<Sample> = times().flat_map(|s| (0..3).map(move |n| (n, s, s as f64 / 10.0))).collect();
    let backwards: Vec<Sample> = by_series.iter().rev().copied().collect();
    let (mut images, mut late) = (Vec::new(), Vec::new());
    for samples in [&by_series, &by_time, &backwards] {
        let files = Memory::new();
        let (store, _) = open(&files);
        let done = import(&store, samples);
        assert_eq!((done.segments.len(), done.sealed), (90, 3 * 90 * 24));
        assert_eq!(content(&store), expected(samples));
        late.push(done.late);
        images.push(files.read("segments/1970-03-01.0", 1 << 20).expect("it is there"));
    }
    assert!(images[0] == images[1] && images[0] == images[2], "the files do not show how the samples came");
    assert_eq!(late[0].count + late[1].count, 0);
    // Within a day: days themselves may come in any order.
    assert_eq!((late[2].count, late[2].line), (3 * 90 * 23, 2));
}

#[test]
fn with_little_memory_days_are_written_in_parts() {
    let samples: Vec<Sample> =
        (0..20).flat_map(|n| (0..4 * 288).map(move |t| (n, t * 300, (t * t) as f64))).collect();
    let (store, _) = open(&Memory::new());
    let done = try_import(&store, &samples, config(4 << 10), LATER).expect("memory takes it");
    assert!(done.segments.len() > 8, "{}", done.segments.len());
    assert_eq!(content(&store), expected(&samples));

    // By time, days before the newest are complete when they are written.
    let mut by_time = samples;
    by_time.sort_by_key(|(n, secs, _)| (*secs, *n));
    let (store, _) = open(&Memory::new());
    let done = try_import(&store, &by_time, config(128 << 10), LATER).expect("memory takes it");
    assert_eq!(done.segments.len(), 4, "{:?}", done.segments);
    assert_eq!(content(&store), expected(&by_time));
}

#[test]
fn of_samples_of_one_time_the_first_counts_and_the_others_are_told() {
    let (store, _) = open(&Memory::new());
    let samples = [(0, 60, 1.0), (0, 60, 1.0), (0, 60, 2.0), (0, 30, 5.0), (0, 60, 3.0), (1, 60, f64::NAN)];
    let done = import(&store, &samples);
    assert_eq!((done.sealed, done.same, done.conflicting), (3, 1, 2));
    assert_eq!((done.late.count, done.late.line), (1, 4));
    let conflict = done.conflict.expect("two of them");
    assert_eq!((conflict.at, conflict.kept, conflict.refused), (at(60), Value::Float(1.0), 2.0));
    assert_eq!((conflict.labels, conflict.line, conflict.is_stored), (labels(0), 1, false));
    assert_eq!(content(&store), expected(&samples));
}

#[test]
fn what_is_stored_counts_before_what_is_imported() {
    let files = Memory::new();
    let (store, _) = open(&files);
    // One day in a segment, the next in the log.
    put(&store, &labels(0), &[(60, 1.0), (120, 2.0)]);
    store.maintain(at(2 * DAY));
    put(&store, &labels(0), &[(DAY + 60, 3.0), (DAY + 120, 4.0)]);
    let before = content(&store);
    let mut samples = vec![(0, 60, 1.0), (0, 90, 7.0), (0, 120, 9.0)];
    samples.extend([(0, DAY + 60, 3.0), (0, DAY + 90, 7.0), (0, DAY + 120, 9.0), (1, 60, 8.0)]);
    let done = import(&store, &samples);
    assert_eq!((done.sealed, done.same, done.conflicting), (3, 2, 2));
    let conflict = done.conflict.clone().expect("two of them");
    assert_eq!((conflict.kept, conflict.refused, conflict.is_stored), (Value::Float(2.0), 9.0, true));
    let mut all: Vec<Sample> = vec![(0, 60, 1.0), (0, 120, 2.0), (0, DAY + 60, 3.0), (0, DAY + 120, 4.0)];
    all.extend([(0, 90, 7.0), (0, DAY + 90, 7.0), (1, 60, 8.0)]);
    assert_eq!(content(&store), expected(&all));
    assert_ne!(before, expected(&all));
    // Again: nothing is new, and what is refused is refused again.
    let again = import(&store, &samples);
    assert_eq!((again.sealed, again.same, again.conflicting), (0, 5, 2));
    assert!(again.segments.is_empty());
    drop(store);
    assert_eq!(content(&open(&files).0), expected(&all));
}

#[test]
fn a_day_that_is_not_over_goes_on_where_the_import_ended() {
    let files = Memory::new();
    let (store, _) = open(&files);
    let samples: Vec<Sample> = (0..100).map(|n| (0, DAY + n * 30, n as f64)).collect();
    // The log has a later sample already.
    put(&store, &labels(0), &[(DAY + 5000, 1.0)]);
    let done = try_import(&store, &samples, ImportConfig::default(), DAY + 6000).expect("memory takes it");
    assert_eq!((done.sealed, done.logged), (0, 100));
    drop(store);
    let (store, recovery) = open(&files);
    assert_eq!((recovery.segments, recovery.samples), (0, 101));
    put(&store, &labels(0), &[(DAY + 6030, 2.0)]);
    let mut all = samples.clone();
    all.extend([(0, DAY + 5000, 1.0), (0, DAY + 6030, 2.0)]);
    assert_eq!(content(&store), expected(&all));
    // When it is over it is one file.
    assert_eq!(store.maintain(at(2 * DAY + 3600)).sealed, ["segments/1970-01-02.0"]);
    assert_eq!(content(&store), expected(&all));
}

#[test]
fn the_future_and_years_without_a_name_are_refused() {
    let (store, _) = open(&Memory::new());
    let now = 10 * DAY;
    let mut samples = vec![(0, now + 600, 1.0), (0, now + 601, 2.0), (0, now + DAY, 3.0), (0, 30, 4.0)];
    samples.push((0, -70_000 * 365 * DAY, 5.0));
    let done = try_import(&store, &samples, ImportConfig::default(), now).expect("memory takes it");
    assert_eq!((done.ahead.count, done.ahead.line), (2, 2));
    assert_eq!((done.undated.count, done.undated.line), (1, 5));
    assert_eq!(content(&store), expected(&[(0, now + 600, 1.0), (0, 30, 4.0)]));
}

#[test]
fn a_dry_run_finds_the_same_and_changes_nothing() {
    let files = Memory::new();
    let (store, _) = open(&files);
    put(&store, &labels(0), &[(60, 1.0)]);
    let before = content(&store);
    let samples = [(0, 60, 2.0), (0, 90, 2.0), (0, 99 * DAY, 3.0), (1, 99 * DAY + 30, 4.0)];
    let mut dry = config(1 << 20);
    dry.is_dry_run = true;
    let found = try_import(&store, &samples, dry, 99 * DAY + 60).expect("nothing is written");
    assert_eq!((found.sealed, found.logged, found.conflicting), (1, 2, 1));
    assert_eq!(content(&store), before);
    assert!(files.list("segments").expect("it lists").is_empty());
    let done = try_import(&store, &samples, config(1 << 20), 99 * DAY + 60).expect("memory takes it");
    assert_eq!((done.sealed, done.logged, done.conflict), (found.sealed, found.logged, found.conflict));
}

#[test]
fn too_many_series_and_none_at_all_are_errors() {
    let mut config = Config::default();
    config.max_series = 1;
    let (store, _) = super::open_with(config, &Memory::new());
    let mut importer = Importer::new(&store, ImportConfig::default(), at(LATER));
    assert_eq!(importer.series(labels(0)).expect("the first"), 0);
    assert_eq!(importer.series(labels(0)).expect("the same"), 0);
    let error = importer.series(labels(1)).expect_err("one too many");
    assert!(error.to_string().contains("more than 1 series"), "{error}");
    let (store, _) = open(&Memory::new());
    let error = Importer::new(&store, ImportConfig::default(), at(0)).series(Labels::empty());
    assert!(error.is_err());
}

/// Two finished days and one that is not, over a store that has some of it.
fn story() -> (Memory, Vec<Sample>, Content) {
    let files = Memory::new();
    {
        let (store, _) = open(&files);
        put(&store, &labels(0), &[(60, 1.0), (DAY + 60, 1.0)]);
        store.sync().expect("memory syncs");
    }
    let samples: Vec<Sample> = (0..2)
        .flat_map(|n| (0..3).flat_map(move |day| [(n, day * DAY + 60, 1.0), (n, day * DAY + 90, day as f64)]))
        .collect();
    let all = expected(&samples);
    (files, samples, all)
}

#[test]
fn an_import_that_a_crash_cut_off_is_completed_by_doing_it_again() {
    let now = 2 * DAY + 700;
    for fault in [Fault::Crash, Fault::Io, Fault::NoSpace, Fault::ShortWrite] {
        let mut step = 1;
        loop {
            let (files, samples, all) = story();
            let machine = Crashing::over(&files, Plan::new(step, fault));
            let outcome = Store::open(Config::default(), std::sync::Arc::new(machine.clone()))
                .map(|(store, _)| try_import(&store, &samples, ImportConfig::default(), now).map(drop));
            let is_past = machine.steps() < step;
            for survival in [Survival::Synced, Survival::Everything, Survival::Torn(step)] {
                let left = machine.after_crash(survival);
                let (store, _) = open(&left);
                // Days that are over are there as a whole or as they were.
                for day in 0..2 {
                    let range = (day * DAY * 1000)..((day + 1) * DAY * 1000);
                    let of_day = |content: &Content| -> usize {
                        content.iter().flat_map(|(_, s)| s).filter(|(at, _)| range.contains(at)).count()
                    };
                    let found = of_day(&content(&store));
                    assert!(
                        found == 1 || found == of_day(&all),
                        "{fault:?} at {step}, {survival:?}: {found}"
                    );
                }
                let again =
                    try_import(&store, &samples, ImportConfig::default(), now).expect("memory takes it");
                assert_eq!(again.conflicting, 0);
                assert_eq!(content(&store), all, "{fault:?} at step {step}, {survival:?}");
                drop(store);
                assert_eq!(content(&open(&left).0), all, "{fault:?} at step {step}, {survival:?}, reopened");
            }
            if is_past {
                assert!(matches!(outcome, Ok(Ok(()))), "nothing went wrong");
                break;
            }
            step += 1;
        }
        assert!(step > 10, "{fault:?}: there are more steps than {step}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_comes_in_whatever_order_is_there_once(
        samples in proptest::collection::vec((0..4_usize, 0..3 * DAY / 600, -3..3_i32), 1..400),
        stored in proptest::collection::vec((0..3 * DAY / 600, -3..3_i32), 0..20),
        max_bytes in prop_oneof![Just(2_usize << 10), Just(16 << 10), Just(1 << 20)],
        now in prop_oneof![Just(3 * DAY), Just(LATER)],
    ) {
        let samples: Vec<Sample> =
            samples.into_iter().map(|(n, t, v)| (n, t * 600, f64::from(v) / 4.0)).collect();
        let mut stored: Vec<(i64, f64)> = stored.into_iter().map(|(t, v)| (t * 600, f64::from(v))).collect();
        stored.sort_by_key(|(at, _)| *at);
        stored.dedup_by_key(|(at, _)| *at);
        let files = Memory::new();
        let (store, _) = open(&files);
        put(&store, &labels(0), &stored);
        let mut all: Vec<Sample> = stored.iter().map(|(at, value)| (0, *at, *value)).collect();
        all.extend(&samples);
        try_import(&store, &samples, config(max_bytes), now).expect("memory takes it");
        prop_assert_eq!(content(&store), expected(&all));
        let again = try_import(&store, &samples, config(max_bytes), now).expect("memory takes it");
        prop_assert_eq!(again.sealed + again.logged, 0);
        drop(store);
        prop_assert_eq!(content(&open(&files).0), expected(&all));
    }
}

#[test]
fn a_retention_that_counts_from_the_clock_keeps_what_it_should() {
    let mut config = Config::default();
    config.retention = Duration::from_secs(2 * DAY);
    let (store, _) = super::open_with(config, &Memory::new());
    let samples: Vec<Sample> = (0..5).map(|day| (0, day * DAY + 60, 1.0)).collect();
    let done = try_import(&store, &samples, ImportConfig::default(), 5 * DAY).expect("memory takes it");
    // Its newest day is not over yet by the clock, but for ten minutes.
    assert_eq!((done.sealed, done.logged), (4, 1));
    store.maintain(Timestamp::from_secs(5 * DAY));
    let kept: Vec<Sample> = samples[2..].to_vec();
    assert_eq!(content(&store), expected(&kept));
}
