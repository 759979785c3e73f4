//! Days to which samples keep coming late.

use assurance_metrics_model::{Duration, Matcher, Queryable as _, Selection, TimeRange};
use assurance_storage::{Crashing, Fault, Plan, Storage as _, Survival};
use assurance_tsdb::{Config, Maintenance, Store};

use super::{Content, content, copy, open_with};
use crate::{at, put, series};

const DAY: i64 = 86_400;

fn config() -> Config {
    let mut config = Config::default();
    config.out_of_order_window = Duration::from_secs(60 * DAY);
    config
}

/// On each day some samples, and some for the first day, also of a series that it does not have yet.
fn live(store: &Store, day: i64) -> Maintenance {
    feed(store, day);
    keep(store, day)
}

fn keep(store: &Store, day: i64) -> Maintenance {
    store.maintain(at((day + 2) * DAY + 700))
}

fn feed(store: &Store, day: i64) {
    let name = format!("late-{}", day % 3);
    put(store, &series("m", "a"), &[(day * DAY, 1.0), (day * DAY + 60, day as f64)]);
    put(store, &series("m", "a"), &[(1000 - day * 7, -(day as f64)), (DAY - 100 + day, 0.5)]);
    put(store, &series("m", &name), &[(day * 11 + 1, 3.0)]);
}

fn names(files: &Crashing) -> Vec<String> {
    let files = files.list("segments").expect("it lists");
    files.into_iter().filter_map(|f| f.name.strip_prefix("segments/1970-01-01").map(str::to_owned)).collect()
}

#[test]
fn a_day_with_many_supplements_is_written_anew() {
    let files = Crashing::counting();
    let (store, _) = open_with(config(), &files);
    let mut joined = Vec::new();
    for day in 1..30 {
        let before: usize = content(&store).iter().map(|(_, samples)| samples.len()).sum();
        let done = live(&store, day);
        assert_eq!(done.faults, []);
        joined.extend(done.joined);
        let after: usize = content(&store).iter().map(|(_, samples)| samples.len()).sum();
        assert_eq!(after, before + 5, "day {day}");
        assert!(names(&files).len() <= 8, "{:?}", names(&files));
        assert_eq!(store.stats().samples, after as u64, "nothing stands twice");
    }
    assert!(joined.len() >= 3 && joined.iter().all(|name| name.contains("1970-01-01")), "{joined:?}");
    let before = content(&store);
    drop(store);
    assert_eq!(content(&open_with(config(), &files).0), before);
}

#[test]
fn who_reads_meanwhile_reads_on() {
    let files = Crashing::counting();
    let (store, _) = open_with(config(), &files);
    let mut day = 1;
    while names(&files).len() < 8 {
        live(&store, day);
        day += 1;
    }
    let matchers = [Matcher::equal("instance", "a")];
    let found = store.select(&Selection { matchers: &matchers, range: TimeRange::ALL }).expect("readable");
    assert!(!live(&store, day).joined.is_empty());
    assert_eq!(names(&files).len(), 9, "what is read stays");
    let mut column = assurance_metrics_model::Column::new();
    found[0].read(TimeRange::ALL, &mut column).expect("the files are still there");
    assert_eq!(column.len() as i64, (day - 1) * 4);
    drop(found);
    store.maintain(at((day + 2) * DAY + 760));
    assert_eq!(names(&files).len(), 1);
}

#[test]
fn a_crash_or_fault_while_a_day_is_written_anew_loses_nothing() {
    let run = |files: &Crashing| -> (Store, i64) {
        let (store, _) = open_with(config(), files);
        let mut day = 1;
        while names(files).len() < 8 {
            live(&store, day);
            day += 1;
        }
        (store, day)
    };
    let files = Crashing::counting();
    let (store, last) = run(&files);
    feed(&store, last);
    let before = files.steps();
    assert!(!keep(&store, last).joined.is_empty());
    let expected: Content = content(&store);
    for step in before + 1..=files.steps() {
        for fault in [Fault::Crash, Fault::Io, Fault::NoSpace] {
            let context = format!("step {step}, {fault:?}");
            let files = Crashing::counting();
            let (store, _) = run(&files);
            feed(&store, last);
            files.replan(Plan::new(step, fault));
            keep(&store, last);
            if fault != Fault::Crash {
                assert_eq!(content(&store), expected, "{context}");
                assert_eq!(store.maintain(at((last + 2) * DAY + 760)).faults, [], "{context}");
                assert!(names(&files).len() <= 8, "{context}");
            }
            drop(store);
            let (store, recovery) = open_with(config(), &copy(&files.after_crash(Survival::Everything)));
            assert!(recovery.damaged.is_empty(), "{context}");
            assert_eq!(content(&store), expected, "{context}");
            assert_eq!(store.maintain(at((last + 2) * DAY + 760)).faults, [], "{context}");
            assert_eq!(content(&store), expected, "{context}");
        }
    }
}
