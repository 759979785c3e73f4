//! Clocks that are set forward and back: nothing that was taken is lost, and what comes afterwards is taken.

use assurance_metrics_model::{Appender as _, Duration};
use assurance_storage::Memory;
use assurance_tsdb::{Config, Store};

use super::{content, open_with};
use crate::{at, put, series};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

fn config() -> Config {
    let mut config = Config::default();
    config.retention = Duration::from_secs(10 * DAY);
    config
}

/// Scrapes and maintains every ten minutes, as a server does by its clock.
fn run(store: &Store, from: i64, until: i64) {
    for secs in (from..until).step_by(600) {
        put(store, &series("m", "a"), &[(secs, secs as f64)]);
        assert_eq!(store.maintain(at(secs)).faults, []);
    }
}

fn times(store: &Store) -> Vec<i64> {
    content(store).first().map_or_else(Vec::new, |(_, all)| all.iter().map(|(at, _)| at / 1000).collect())
}

#[test]
fn a_clock_that_goes_ahead_for_a_while_costs_no_samples() {
    for reopens in [false, true] {
        let files = Memory::new();
        let (mut store, _) = open_with(config(), &files);
        let reopen = |store: Store| {
            if !reopens {
                return store;
            }
            assert_eq!(store.close(), Ok(()));
            drop(store);
            open_with(config(), &files).0
        };
        run(&store, 0, 9 * DAY + 6 * HOUR);
        let before = times(&store);
        run(&store, YEAR, YEAR + 3 * HOUR);
        store = reopen(store);
        run(&store, YEAR + 3 * HOUR, YEAR + 23 * HOUR);
        let done = store.maintain(at(YEAR + 23 * HOUR));
        assert!(done.doubted.is_some_and(|doubted| doubted > Duration::from_secs(300 * DAY)), "{done:?}");
        store = reopen(store);
        assert_eq!(times(&store)[..before.len()], before, "reopens: {reopens}");
        // It is right again.
        let now = 9 * DAY + 6 * HOUR;
        let done = store.maintain(at(now));
        assert!(done.ahead.is_some_and(|ahead| ahead > Duration::from_secs(300 * DAY)), "{done:?}");
        assert_eq!((done.doubted, done.dropped.samples), (None, 0));
        run(&store, now, now + 3 * HOUR);
        store = reopen(store);
        store.maintain(at(now + 3 * HOUR));
        run(&store, now + 3 * HOUR, now + 3 * DAY);
        let after = times(&store);
        // Retention goes on: what is older than ten days goes, in whole days and chunks.
        let kept: Vec<i64> = (0..now + 3 * DAY).step_by(600).filter(|secs| after.contains(secs)).collect();
        assert!(kept[0] > 0 && kept[0] <= now - 7 * DAY, "{kept:?}");
        assert_eq!(kept, (kept[0]..now + 3 * DAY).step_by(600).collect::<Vec<_>>(), "without a hole");
        assert_eq!(after.len() - kept.len(), 23 * 6, "and what came meanwhile");
    }
}

#[test]
fn a_clock_that_stays_ahead_is_believed_after_a_day() {
    let files = Memory::new();
    let (store, _) = open_with(config(), &files);
    run(&store, 0, 2 * DAY);
    run(&store, YEAR, YEAR + DAY);
    assert_eq!(times(&store)[0], 0);
    run(&store, YEAR + DAY, YEAR + DAY + 600);
    assert_eq!(times(&store)[0], YEAR, "the past is older than the retention");
    assert_eq!(store.maintain(at(YEAR + DAY + 60)).doubted, None);
}

#[test]
fn a_clock_that_is_set_back_a_little_refuses_what_is_late_and_a_lot_does_not() {
    for (back, is_taken) in [(300, false), (HOUR, true), (DAY, true)] {
        let files = Memory::new();
        let (store, _) = open_with(config(), &files);
        run(&store, 0, 3 * DAY);
        let newest = 3 * DAY - 600;
        // A process that starts anew follows its clock.
        drop(store);
        let (store, _) = open_with(config(), &files);
        let now = newest - back + 7;
        assert_eq!(store.maintain(at(now)).ahead.is_some(), is_taken, "{back}");
        let labels = series("m", "a");
        let taken = store.appender().append(None, &labels, at(now), 1.0.into());
        assert_eq!(taken.is_ok(), is_taken, "{back}: {taken:?}");
        let before = times(&store).len();
        if is_taken {
            put(&store, &labels, &[(now, 1.0), (now + 15, 2.0)]);
            assert_eq!(times(&store).len(), before + 2);
            drop(store);
            assert_eq!(times(&open_with(config(), &files).0).len(), before + 2);
        }
    }
}
