//! What goes and what stays: retention by time and by size, readers, other versions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use assurance_metrics_model::{
    Appender as _, Column, Duration, Matcher, Queryable as _, Selection, TimeRange,
};
use assurance_storage::{Crashing, Fault, Memory, Plan, Storage as _, Survival};
use assurance_tsdb::{Config, FaultKind, OpenErrorKind, Store};

use super::{content, open, open_with};
use crate::{at, put, series};

const DAY: i64 = 86_400;

/// Days of a sample every ten minutes, sealed.
fn fill(store: &Store, days: i64) {
    let mut appender = store.appender();
    for n in 0..days * 144 {
        let value = (n * n % 1009) as f64;
        appender.append(None, &series("m", "a"), at(600 * n), value.into()).expect("in order");
    }
    appender.commit();
    store.maintain(at(days * DAY + 660));
}

fn names(files: &Memory) -> Vec<String> {
    let files = files.list("segments").expect("memory lists");
    files.into_iter().map(|file| file.name.replace("segments/", "")).collect()
}

#[test]
fn segments_older_than_the_retention_go() {
    let files = Memory::new();
    fill(&open(&files).0, 4);
    assert_eq!(names(&files), ["1970-01-01.0", "1970-01-02.0", "1970-01-03.0", "1970-01-04.0"]);
    let mut config = Config::default();
    config.retention = Duration::from_secs(2 * DAY);
    let (store, _) = open_with(config, &files);
    let done = store.maintain(at(4 * DAY + 700));
    assert_eq!(done.dropped.samples, 144, "two days before the newest sample");
    assert_eq!(names(&files), ["1970-01-02.0", "1970-01-03.0", "1970-01-04.0"]);
    assert_eq!(content(&store)[0].1[0].0, DAY * 1000);
    let refused = store.appender().append(None, &series("m", "a"), at(60), 1.0.into());
    assert!(refused.is_err(), "what would be dropped at once is not taken");
}

#[test]
fn the_oldest_segments_go_when_there_are_too_many_bytes() {
    let files = Memory::new();
    let (store, _) = open(&files);
    fill(&store, 5);
    let stats = store.stats();
    assert_eq!((stats.segments, stats.segment_samples, stats.samples, stats.series), (5, 720, 720, 0));
    drop(store);
    let mut config = Config::default();
    config.max_bytes = Some(stats.segment_bytes / 5 * 3);
    let (store, _) = open_with(config, &files);
    let done = store.maintain(at(5 * DAY + 700));
    assert!(done.dropped.samples >= 288, "{done:?}");
    assert!(!names(&files).contains(&"1970-01-01.0".to_owned()));
    assert!(names(&files).contains(&"1970-01-05.0".to_owned()));
    let bytes: u64 = ["wal", "segments"]
        .iter()
        .flat_map(|directory| files.list(directory).expect("memory lists"))
        .map(|file| file.bytes)
        .sum();
    assert!(bytes <= stats.segment_bytes / 5 * 3);
}

#[test]
fn a_reader_keeps_the_segment_that_it_reads() {
    let files = Memory::new();
    fill(&open(&files).0, 2);
    let mut config = Config::default();
    config.retention = Duration::from_secs(DAY);
    let (store, _) = open_with(config, &files);
    let matchers = [Matcher::equal("instance", "a")];
    let found = store.select(&Selection { matchers: &matchers, range: TimeRange::ALL }).expect("readable");
    let mut dropped = 0;
    for half in 5..=8 {
        put(&store, &series("m", "b"), &[(half * DAY / 2, 1.0)]);
        let done = store.maintain(at(half * DAY / 2 + 1));
        assert_eq!(done.faults, []);
        dropped += done.dropped.samples;
    }
    assert_eq!(dropped, 288 + 1, "and one of the other series, whose day is as old by then");
    let mut column = Column::new();
    found[0].read(TimeRange::ALL, &mut column).expect("the file is still there");
    assert_eq!(column.len(), 288);
    assert_eq!(content(&store).len(), 1, "others do not see it any more");
    drop(found);
    store.maintain(at(4 * DAY + 2));
    assert!(
        names(&files).iter().all(|name| !name.starts_with("1970-01-01") && !name.starts_with("1970-01-02"))
    );
}

#[test]
fn a_file_that_cannot_be_removed_is_shown_and_tried_again() {
    let files = Crashing::counting();
    let mut config = Config::default();
    config.retention = Duration::from_secs(DAY * 6 / 5);
    let (store, _) = open_with(config, &files);
    fill(&store, 1);
    let end = DAY * 9 / 4;
    for before in [DAY * 3 / 2, DAY * 2 + 700] {
        put(&store, &series("m", "b"), &[(before, 1.0)]);
        assert_eq!(store.maintain(at(before)).dropped.samples, 0);
    }
    put(&store, &series("m", "b"), &[(end, 1.0)]);
    files.replan(Plan::new(files.steps() + 1, Fault::Io));
    let done = store.maintain(at(end));
    let [fault] = &done.faults[..] else { panic!("one fault: {:?}", done.faults) };
    assert_eq!(
        (fault.kind, fault.since, &*fault.file),
        (FaultKind::Removal, at(end), "segments/1970-01-01.0")
    );
    assert_eq!(
        fault.to_string(),
        "files that are no longer needed stay since 1970-01-03T06:00:00Z: cannot remove segments/1970-01-01.0: \
         input/output error (simulated)"
    );
    assert_eq!(store.maintain(at(end + 1)).faults, []);
    assert!(files.list("segments").expect("it lists").iter().all(|file| !file.name.contains("01-01")));
}

#[test]
fn another_version_is_refused_by_its_number() {
    let files = Memory::new();
    let (store, _) = open(&files);
    fill(&store, 1);
    put(&store, &series("m", "b"), &[(2 * DAY, 1.0)]);
    drop(store);
    let log = files.list("wal").expect("memory lists").pop().expect("there is one").name;
    for name in [log.as_str(), "segments/1970-01-01.0"] {
        let mut bytes = files.read(name, u64::MAX).expect("it was written");
        let whole = bytes.clone();
        bytes[8] = 9;
        let sum = castagnoli(&bytes[..12]);
        bytes[12..16].copy_from_slice(&sum.to_le_bytes());
        files.replace(name, &bytes).expect("memory writes");
        let error = Store::open(Config::default(), Arc::new(files.clone())).expect_err("it is not known");
        let expected = if name == log { 1 } else { 2 };
        assert!(
            matches!(error.kind, OpenErrorKind::Version { found: 9, supported } if supported == expected),
            "{error}"
        );
        assert_eq!(error.file, name);
        files.replace(name, &whole).expect("memory writes");
    }
    open(&files);
}

/// Bit by bit, as the standard says.
fn castagnoli(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0x82f6_3b78 * (sum & 1)))
    })
}

/// One writes, one maintains, one reads, and the power fails again and again: whoever reads sees whole commits,
/// each sample once, none missing.
#[test]
fn readers_writers_and_maintenance_work_side_by_side() {
    let files = Crashing::counting();
    let (store, _) = open(&files);
    let done = AtomicBool::new(false);
    let (newest, rounds) = (AtomicI64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..4000_i64 {
                let mut appender = store.appender();
                for name in ["a", "b"] {
                    appender
                        .append(None, &series("m", name), at(120 * n), (n as f64).into())
                        .expect("in order");
                }
                appender.commit();
                newest.store(120 * n, Ordering::Release);
                // Not faster than the others, which may get little of the machine.
                let seen = rounds.load(Ordering::Acquire);
                while n % 360 == 0 && rounds.load(Ordering::Acquire) < seen + 2 {
                    std::thread::yield_now();
                }
            }
            done.store(true, Ordering::Release);
        });
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                assert_eq!(store.maintain(at(newest.load(Ordering::Acquire))).faults, []);
                assert!(store.sync().is_ok());
                rounds.fetch_add(1, Ordering::Release);
            }
        });
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                let found = content(&open(&files.after_crash(Survival::Synced)).0);
                let [(_, a), (_, b)] = &found[..] else { continue };
                assert_eq!(a, b, "whole commits survive");
            }
        });
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                let found = content(&store);
                let [(_, a), (_, b)] = &found[..] else { continue };
                assert_eq!(a, b, "whole commits");
                assert!(a.iter().enumerate().all(|(n, (at, _))| *at == 120_000 * n as i64), "all, each once");
            }
        });
    });
    let before = content(&store);
    assert_eq!(before[0].1.len(), 4000);
    assert!(store.stats().segments >= 4, "days were sealed meanwhile");
    drop(store);
    assert_eq!(content(&open(&files.after_crash(Survival::Everything)).0), before);
}
