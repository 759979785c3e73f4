//! Every bit and every length of small files: what is wrong is found, and nothing wrong is answered.

use assurance_metrics_model::{Appender, Column, Queryable as _, Selection, TimeRange, stale_nan};
use assurance_storage::{Crashing, Fault, Memory, Plan, Storage as _, Survival};
use assurance_tsdb::{Config, FaultKind, OpenErrorKind, Recovery, Store};

use super::{Content, content, copy, open};
use crate::{at, put, series};

/// A store with a log of a few commits, and what it holds after each.
fn small_log() -> (Memory, Vec<Content>) {
    let files = Memory::new();
    let (store, _) = open(&files);
    let mut contents = vec![content(&store)];
    for n in 0..5_i64 {
        put(&store, &series("up", "a"), &[(30 * n + 1, n as f64), (30 * n + 2, 0.5)]);
        contents.push(content(&store));
        put(&store, &series("up", &format!("new-{n}")), &[(30 * n + 1, stale_nan())]);
        contents.push(content(&store));
    }
    (files, contents)
}

const LOG: &str = "wal/00000000";

fn with_file(name: &str, bytes: &[u8], others: &Memory) -> Memory {
    let files = copy(others);
    files.replace(name, bytes).expect("memory writes");
    files
}

/// Whether all samples of `part` are in `whole`.
fn is_part(part: &Content, whole: &Content) -> bool {
    part.iter().all(|(labels, samples)| {
        let held = whole.iter().find(|(l, _)| l == labels);
        held.is_some_and(|(_, held)| samples.iter().all(|sample| held.contains(sample)))
    })
}

#[test]
fn a_log_cut_anywhere_holds_the_commits_before_the_cut() {
    let (files, contents) = small_log();
    let bytes = files.read(LOG, u64::MAX).expect("it was written");
    let mut seen = 0;
    for length in 0..bytes.len() {
        let cut = with_file(LOG, &bytes[..length], &files);
        let (store, recovery) = open(&cut);
        let found = content(&store);
        let commits = contents.iter().position(|content| *content == found).expect("whole commits");
        assert!(commits >= seen, "more bytes, more commits");
        seen = commits;
        assert!(recovery.quarantined.is_empty(), "a cut is no damage: {recovery:?}");
        let torn: u64 = recovery.torn.iter().map(|torn| torn.offset + torn.bytes).sum();
        assert!(torn == 0 || torn == length as u64, "{recovery:?}");
        // What was cut off is not found again, and the store goes on.
        put(&store, &series("up", "a"), &[(1000, 1.0)]);
        let before = content(&store);
        drop(store);
        let (store, recovery) = open(&cut);
        assert!(recovery.is_clean(), "{recovery:?}");
        assert_eq!(content(&store), before);
    }
    assert_eq!(seen, contents.len() - 2, "all but the last commit");
}

#[test]
fn a_flipped_bit_anywhere_in_a_log_is_found_and_costs_one_commit_at_most() {
    let (files, contents) = small_log();
    let bytes = files.read(LOG, u64::MAX).expect("it was written");
    let whole = contents.last().expect("commits were made");
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << bit;
            let damaged = with_file(LOG, &flipped, &files);
            let (store, recovery) = open(&damaged);
            assert!(!recovery.is_clean(), "byte {place}, bit {bit}: {recovery:?}");
            let found = content(&store);
            assert!(is_part(&found, whole), "byte {place}, bit {bit}: {found:?}");
            let samples = |content: &Content| content.iter().map(|(_, samples)| samples.len()).sum::<usize>();
            // The first commit names the series that the others need.
            let is_first = recovery.quarantined.iter().any(|bad| bad.offset == 16);
            assert!(is_first || samples(whole) - samples(&found) <= 2, "byte {place}, bit {bit}");
            for bad in &recovery.quarantined {
                let copy = bad.copy.as_ref().expect("there is room");
                let copy = damaged.read(copy, u64::MAX).expect("it was copied");
                let (from, to) = (bad.offset as usize, (bad.offset + bad.bytes) as usize);
                assert_eq!(copy, flipped[from..to], "the copy is what was there");
            }
        }
    }
}

/// Records longer than what is read at once, and damage far from the beginning.
#[test]
fn a_long_log_with_damage_loses_what_is_damaged() {
    let files = Memory::new();
    let (store, _) = open(&files);
    let labels: Vec<_> = (0..20_000).map(|n| series("a_metric_with_a_long_name", &n.to_string())).collect();
    let mut ends = Vec::new();
    for n in 0..8_i64 {
        let mut appender = store.appender();
        for (k, labels) in labels.iter().enumerate() {
            appender.append(None, labels, at(30 * n), (k as f64 * 1.1 + n as f64).into()).expect("in order");
        }
        appender.commit();
        ends.push(files.read(LOG, u64::MAX).expect("it was written").len());
    }
    drop(store);
    assert!(ends[0] > 1 << 20 && ends[7] - ends[0] > 1 << 19, "{ends:?}");
    let mut bytes = files.read(LOG, u64::MAX).expect("it was written");
    bytes[ends[3] + 5000] ^= 1;
    bytes.truncate(ends[7] - 1);
    let damaged = with_file(LOG, &bytes, &files);
    let (store, recovery) = open(&damaged);
    let [bad] = &recovery.quarantined[..] else { panic!("one place: {recovery:?}") };
    assert_eq!((bad.offset as usize, bad.bytes as usize), (ends[3], ends[4] - ends[3]));
    let copy = damaged.read(bad.copy.as_ref().expect("there is room"), u64::MAX).expect("it was copied");
    assert_eq!(copy, bytes[ends[3]..ends[4]]);
    assert_eq!((recovery.torn[0].offset as usize, recovery.samples), (ends[6], 20_000 * 6));
    let times: Vec<i64> = content(&store)[19_999].1.iter().map(|(at, _)| at / 30_000).collect();
    assert_eq!(times, [0, 1, 2, 3, 5, 6]);
}

#[test]
fn damage_is_told_with_file_and_place() {
    let (files, _) = small_log();
    let mut bytes = files.read(LOG, u64::MAX).expect("it was written");
    bytes[40] ^= 1;
    bytes.truncate(bytes.len() - 3);
    let (_, recovery) = open(&with_file(LOG, &bytes, &files));
    let told: Vec<String> = recovery.quarantined.iter().map(ToString::to_string).collect();
    assert_eq!(
        told[0],
        "wal/00000000: 51 bytes from byte 16 on cannot be read (its sum does not match); they are copied to \
         quarantine/wal-00000000.16-67, the rest is kept"
    );
    assert_eq!(
        recovery.torn[0].to_string(),
        "wal/00000000: 46 bytes from byte 374 on were not written completely and are cut off"
    );
}

#[test]
fn a_recovery_that_is_interrupted_or_fails_is_done_by_the_next() {
    let (files, _) = small_log();
    let mut bytes = files.read(LOG, u64::MAX).expect("it was written");
    bytes[200] ^= 1;
    bytes.truncate(bytes.len() - 3);
    let damaged = with_file(LOG, &bytes, &files);
    let (store, recovery) = open(&copy(&damaged));
    assert_eq!((recovery.quarantined.len(), recovery.torn.len()), (1, 1));
    let whole = content(&store);
    for fault in [Fault::Crash, Fault::NoSpace] {
        let mut step = 0;
        loop {
            step += 1;
            let files = Crashing::over(&damaged, Plan::new(step, fault));
            let opened = Store::open(Config::default(), std::sync::Arc::new(files.clone()));
            if let Ok((store, _)) = &opened {
                assert_eq!(content(store), whole, "step {step}: it goes on with what it could read");
            }
            drop(opened);
            let is_done = files.steps() < step;
            let (store, recovery) = open(&files.after_crash(Survival::Synced));
            assert_eq!(recovery.quarantined.len(), 1, "step {step}");
            assert_eq!(content(&store), whole, "step {step}, {fault:?}");
            if is_done {
                break;
            }
        }
        assert_eq!(step, 8, "publishing takes four steps, cutting three");
    }
}

/// A store whose only files are a segment of one day and an empty log.
fn small_segment() -> (Memory, String, Content) {
    let files = Memory::new();
    let (store, _) = open(&files);
    for n in 0..60_i64 {
        put(&store, &series("up", "a"), &[(600 * n, if n == 7 { stale_nan() } else { n as f64 })]);
        put(&store, &series("up", "b"), &[(600 * n, 1.0 / (n as f64 + 3.0))]);
    }
    let done = store.maintain(at(2 * 86_400));
    assert_eq!(done.sealed, ["segments/1970-01-01.0"]);
    let whole = content(&store);
    (files, done.sealed[0].clone(), whole)
}

/// What can be read, and how many series cannot.
fn readable(store: &Store) -> (Content, usize) {
    let Ok(found) = store.select(&Selection { matchers: &[], range: TimeRange::ALL }) else {
        return (Vec::new(), 1);
    };
    let (mut content, mut failed) = (Vec::new(), 0);
    for series in found {
        let mut column = Column::new();
        if series.read(TimeRange::ALL, &mut column).is_err() {
            failed += 1;
            continue;
        }
        let bits = |n: usize| (column.timestamps()[n].as_millis(), column.floats()[n].to_bits());
        content.push((series.labels().to_string(), (0..column.len()).map(bits).collect()));
    }
    (content, failed)
}

fn open_damaged(files: &Memory) -> Result<(Store, Recovery), OpenErrorKind> {
    Store::open(Config::default(), std::sync::Arc::new(files.clone())).map_err(|error| error.kind)
}

#[test]
fn a_flipped_bit_anywhere_in_a_segment_is_found_and_never_answered() {
    let (files, name, whole) = small_segment();
    let bytes = files.read(&name, u64::MAX).expect("it was written");
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (place % 8);
        let (store, recovery) =
            open_damaged(&with_file(&name, &flipped, &files)).expect("damage is no error");
        let (found, failed) = readable(&store);
        assert!(failed > 0 || !recovery.damaged.is_empty(), "byte {place} is found");
        assert!(found.iter().all(|series| whole.contains(series)), "byte {place}: only whole series");
        let faults = store.faults();
        assert!(
            faults.iter().any(|fault| fault.kind == FaultKind::Damaged && fault.file == name),
            "{faults:?}"
        );
    }
}

#[test]
fn a_segment_cut_anywhere_is_reported_and_left_where_it_is() {
    let (files, name, _) = small_segment();
    let bytes = files.read(&name, u64::MAX).expect("it was written");
    for length in 0..bytes.len() {
        let cut = with_file(&name, &bytes[..length], &files);
        match open_damaged(&cut) {
            Ok((store, recovery)) => {
                assert_eq!(recovery.damaged.len(), 1, "{length} bytes");
                assert_eq!(readable(&store), (Vec::new(), 0));
                // The day can be written again, beside it.
                put(&store, &series("up", "a"), &[(30, 1.0)]);
                assert_eq!(store.maintain(at(2 * 86_400)).sealed, ["segments/1970-01-01.1"]);
            }
            Err(kind) => assert!(matches!(kind, OpenErrorKind::Foreign) && length < 8, "{length}: {kind}"),
        }
        assert_eq!(cut.read(&name, u64::MAX).expect("it is still there"), &bytes[..length]);
    }
}

#[test]
fn files_of_others_are_refused() {
    for (name, content) in [
        ("wal/00000000", &b"\x00\x00\x00\x1cprometheus has no header"[..]),
        ("wal/checkpoint.00000004", b""),
        ("segments/01HZ", b"x"),
        (
            "segments/2026-01-02.0",
            b"not a segment at all, and longer than a header is, so that both ends are read",
        ),
    ] {
        let files = Memory::new();
        files.replace(name, content).expect("memory writes");
        let error = Store::open(Config::default(), std::sync::Arc::new(files)).expect_err("it is not ours");
        assert!(matches!(error.kind, OpenErrorKind::Foreign), "{error}");
        assert_eq!(error.file, name);
    }
}
