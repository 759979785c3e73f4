//! Files that are looked at: every damage is found, what is shown is what a query sees, nothing is changed.

use std::io;
use std::sync::Arc;

use assurance_metrics_model::{
    Appender as _, Column, Histogram, Labels, Matcher, TimeRange, Value, stale_nan,
};
use assurance_storage::{Memory, Storage as _};
use assurance_tsdb::Store;
use assurance_tsdb::inspect::{Finding, FindingKind, Inspection, Verified};

use super::golden::{golden, golden_store};
use super::{copy, open};
use crate::{at, put, read, series};

fn inspection(files: &Memory) -> Inspection {
    Inspection::new(Arc::new(files.clone()))
}

fn verify(files: &Memory) -> Verified {
    inspection(files).verify(&mut |_| {}).expect("memory can be listed")
}

type Samples = Vec<(String, Vec<(i64, Value)>)>;

fn dump(files: &Memory, selectors: &[Vec<Matcher>], range: TimeRange) -> (Samples, Vec<Finding>) {
    let mut all: Samples = Vec::new();
    let dumped = inspection(files)
        .dump(selectors, range, &mut |labels: &Labels, column: &Column| -> io::Result<()> {
            let samples = (0..column.len()).map(|n| (column.timestamps()[n].as_millis(), column.value(n)));
            let labels = labels.to_string();
            match all.last_mut() {
                Some((last, held)) if *last == labels => held.extend(samples),
                _ => all.push((labels, samples.collect())),
            }
            Ok(())
        })
        .expect("memory can be read");
    assert_eq!(dumped.series, all.len() as u64);
    assert_eq!(dumped.samples, all.iter().map(|(_, samples)| samples.len() as u64).sum::<u64>());
    (all, dumped.findings)
}

/// What a store that opens a copy of the files answers.
fn answered(files: &Memory, matchers: &[Matcher], range: TimeRange) -> Samples {
    let (store, _) = open(&copy(files));
    read(&store, matchers, range)
}

/// Segments that overlap, a checkpoint, a log with a sample twice, a store that is still open.
fn store() -> (Memory, Store) {
    let files = Memory::new();
    let mut config = assurance_tsdb::Config::default();
    config.out_of_order_window = assurance_metrics_model::Duration::from_secs(86_400);
    let (store, _) = super::open_with(config, &files);
    for n in 0..300_i64 {
        put(&store, &series("up", "a"), &[(600 * n + 1, if n % 50 == 7 { stale_nan() } else { n as f64 })]);
        put(&store, &series("noise", &format!("i{}", n % 3)), &[(600 * n, 1.0 / (n as f64 + 3.0))]);
    }
    assert_eq!(store.maintain(at(3 * 86_400)).sealed.len(), 2);
    // A supplement, and what is in memory only.
    put(&store, &series("up", "a"), &[(100_000, 0.5)]);
    put(&store, &series("up", "b"), &[(90_000, 0.5), (200_000, 7.0)]);
    put(&store, &series("up", "a"), &[(250_000, 1.0)]);
    store.maintain(at(4 * 86_400 + 90_000));
    put(&store, &series("up", "a"), &[(400_000, 1.0)]);
    put(&store, &series("late", "a"), &[(360_000, 1.0)]);
    (files, store)
}

#[test]
fn what_is_listed_is_what_was_written() {
    let (files, store) = store();
    let listing = inspection(&files).list().expect("memory can be listed");
    let stats = store.stats();
    assert_eq!(listing.segments.len(), stats.segments);
    assert!(listing.segments.len() > 3, "two days, and supplements: {listing:?}");
    assert_eq!(listing.segments.iter().map(|one| one.samples).sum::<u64>(), stats.segment_samples);
    assert_eq!(listing.segments.iter().map(|one| one.bytes).sum::<u64>(), stats.segment_bytes);
    assert_eq!(listing.segments[0].day, "1970-01-01");
    assert_eq!(listing.logs.iter().map(|log| log.last).max().flatten(), stats.max_time);
    let kinds: Vec<&str> = listing.logs.iter().map(|log| log.kind.as_str()).collect();
    assert_eq!(kinds, ["empty", "log"], "all was in segments when the checkpoint was made");
    let golden = inspection(&golden_store()).list().expect("memory can be listed");
    let kinds: Vec<&str> = golden.logs.iter().map(|log| log.kind.as_str()).collect();
    assert_eq!(kinds, ["checkpoint", "log"]);
    assert_eq!((listing.logs[1].records, listing.logs[1].samples, listing.logs[1].series), (2, 2, 2));
    assert!(listing.findings.is_empty());
}

#[test]
fn a_dump_is_what_a_query_sees_each_sample_once() {
    let (files, _store) = store();
    let from_a = vec![Matcher::equal("instance", "a")];
    for range in
        [TimeRange::ALL, TimeRange::closed(at(90_000), at(100_000)), TimeRange::closed(at(7), at(6_001))]
    {
        assert_eq!(dump(&files, &[], range), (answered(&files, &[], range), Vec::new()));
        let (found, _) = dump(&files, std::slice::from_ref(&from_a), range);
        assert_eq!(found, answered(&files, &from_a, range));
    }
    // Selectors are joined; a series that both match is there once.
    let both = [from_a, vec![Matcher::equal("__name__", "up")]];
    let (found, _) = dump(&files, &both, TimeRange::ALL);
    let names: Vec<&str> = found.iter().map(|(labels, _)| labels.as_str()).collect();
    assert_eq!(names, ["late{instance=\"a\"}", "up{instance=\"a\"}", "up{instance=\"b\"}"]);
}

#[test]
fn a_dump_between_a_segment_and_its_checkpoint_has_each_sample_once() {
    let files = golden();
    let (found, findings) = dump(&files, &[], TimeRange::ALL);
    assert_eq!(found, answered(&files, &[], TimeRange::ALL));
    assert!(found.iter().all(|(_, samples)| samples.len() == 155), "{found:?}");
    assert!(findings.is_empty());
}

#[test]
fn looking_changes_nothing() {
    let (files, _store) = store();
    files.replace("wal/00000009", b"asrtWAL\n\x01").expect("memory writes");
    let all = |files: &Memory| -> Vec<(String, Vec<u8>)> {
        let names = ["", "wal", "segments", "quarantine"].map(|name| files.list(name).expect("it lists"));
        names
            .concat()
            .into_iter()
            .map(|f| (f.name.clone(), files.read(&f.name, u64::MAX).unwrap_or_default()))
            .collect()
    };
    let before = all(&files);
    inspection(&files).list().expect("it lists");
    inspection(&files).analyze(None, &[], 10).expect("it reads");
    dump(&files, &[], TimeRange::ALL);
    verify(&files);
    assert_eq!(all(&files), before);
}

#[test]
fn a_whole_store_is_sound() {
    let (files, store) = store();
    let verified = verify(&files);
    assert!(verified.is_sound() && verified.findings.is_empty(), "{verified:?}");
    assert_eq!(verified.segment_samples, store.stats().segment_samples);
    let lists = ["wal", "segments"].map(|name| files.list(name).expect("it lists"));
    assert_eq!(verified.bytes, lists.concat().iter().map(|file| file.bytes).sum::<u64>(), "every byte");
    assert_eq!((verified.first, verified.last), (Some(at(0)), Some(at(400_000))));
    assert!(verify(&golden()).findings.is_empty());
}

/// A day with chunks of every kind, a checkpoint and a log, in as few bytes as that takes.
fn small() -> Memory {
    let files = Memory::new();
    let (store, _) = open(&files);
    let mut next = 0_i64;
    let mut commit = |store: &Store, step: i64| {
        let mut appender = store.appender();
        let histogram = Histogram { count: 1.0, sum: next as f64, zero_count: 1.0, ..Histogram::default() };
        let value = if next == 3 { stale_nan() } else { 1.0 / (next as f64 + 3.0) };
        for (name, value) in [
            ("d", Value::Float(next as f64)),
            ("h", Value::Histogram(Arc::new(histogram))),
            ("x", Value::Float(value)),
        ] {
            appender
                .append(None, &Labels::from_pairs([("a", name)]), at(next * step), value)
                .expect("in order");
        }
        appender.commit();
        next += 1;
    };
    (0..6).for_each(|_| commit(&store, 17_280));
    assert_eq!(store.maintain(at(86_400 + 660)).sealed.len(), 1);
    (0..3).for_each(|_| commit(&store, 17_280));
    files
}

#[test]
fn every_flipped_bit_is_found() {
    let files = small();
    let names = ["wal", "segments"].map(|name| files.list(name).expect("it lists")).concat();
    let newest =
        names.iter().rfind(|file| file.name.starts_with("wal")).expect("there is a log").name.clone();
    let mut kinds = std::collections::BTreeSet::new();
    for file in names {
        let bytes = files.read(&file.name, u64::MAX).expect("it was written");
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[place] ^= 1 << bit;
                files.replace(&file.name, &flipped).expect("memory writes");
                let verified = verify(&files);
                let found: Vec<_> = verified.findings.iter().filter(|f| f.file == file.name).collect();
                assert_eq!(found.len(), verified.findings.len(), "{}: {verified:?}", file.name);
                assert!(!found.is_empty(), "{} byte {place} bit {bit} is not found", file.name);
                // The one that is never called damage: a last record whose length says that it is still written.
                let is_normal = found.iter().all(|finding| finding.kind.is_normal());
                assert!(!is_normal || file.name == newest, "{} byte {place}: {found:?}", file.name);
                kinds.extend(found.iter().map(|finding| finding.kind));
            }
            // Nobody falls over it.
            inspection(&files).list().expect("it lists");
        }
        files.replace(&file.name, &bytes).expect("memory writes");
    }
    for kind in [
        FindingKind::Header,
        FindingKind::End,
        FindingKind::Index,
        FindingKind::Chunk,
        FindingKind::Record,
        FindingKind::TornEnd,
        FindingKind::TornTail,
    ] {
        assert!(kinds.contains(&kind), "{kind:?} of {kinds:?}");
    }
}

#[test]
fn every_cut_is_found_or_ends_between_records() {
    let files = golden_store();
    for name in ["wal/00000002", "wal/00000001", "segments/1970-01-01.0"] {
        let bytes = files.read(name, u64::MAX).expect("it was written");
        for length in 0..bytes.len() {
            files.replace(name, &bytes[..length]).expect("memory writes");
            let verified = verify(&files);
            let listing = inspection(&files).list().expect("it lists");
            let whole = listing.logs.iter().any(|log| log.file == name && log.torn == 0 && log.damaged == 0);
            assert!(!verified.findings.is_empty() || whole, "{name}, {length} bytes: {verified:?}");
            if name == "wal/00000002" {
                assert!(verified.is_sound(), "the newest log may end anywhere: {verified:?}");
            }
        }
        files.replace(name, &bytes).expect("memory writes");
    }
}

#[test]
fn damage_is_told_with_what_it_costs() {
    let (files, _store) = store();
    let name = "segments/1970-01-01.0";
    let mut bytes = files.read(name, u64::MAX).expect("it was written");
    bytes[30] ^= 1;
    files.replace(name, &bytes).expect("memory writes");
    let verified = verify(&files);
    let [finding] = &verified.findings[..] else { panic!("{verified:?}") };
    assert_eq!(finding.kind, FindingKind::Chunk);
    assert_eq!(
        (finding.file.as_str(), finding.offset, finding.day.as_deref()),
        (name, 16, Some("1970-01-01"))
    );
    assert_eq!(finding.series.as_ref().map(ToString::to_string).as_deref(), Some("noise{instance=\"i0\"}"));
    assert_eq!(finding.lost.to_string(), "48 samples from 1970-01-01T00:00:00Z to 1970-01-01T23:30:00Z");
    // The others are shown.
    let (found, findings) = dump(&files, &[], TimeRange::ALL);
    let whole = answered(&files, &[Matcher::equal("__name__", "up")], TimeRange::ALL);
    assert_eq!(found.into_iter().filter(|(labels, _)| labels.starts_with("up")).collect::<Samples>(), whole);
    assert_eq!(findings, verified.findings);

    let listing = inspection(&files).list().expect("it lists");
    let newest = listing.logs.last().expect("there is one").file.clone();
    let mut bytes = files.read(&newest, u64::MAX).expect("it is there");
    bytes[20] ^= 1;
    files.replace(&newest, &bytes).expect("memory writes");
    let verified = verify(&files);
    let record = verified.findings.iter().find(|finding| finding.file == newest).expect("it is damaged");
    assert_eq!((record.kind, record.offset, record.lost.samples), (FindingKind::Record, 16, None));
    assert_eq!(record.lost.to_string(), "an unknown number of samples before 1970-01-05T04:00:00Z");
}

#[test]
fn a_summary_that_lies_is_found() {
    // As a faulty memory or program might write it: all sums match.
    let files = golden_store();
    let name = "segments/1970-01-01.0";
    let mut bytes = files.read(name, u64::MAX).expect("it was written");
    let end = bytes.len() - 64;
    let u64_at = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight"));
    let (from, length) = (u64_at(&bytes, end) as usize, u64_at(&bytes, end + 8) as usize);
    let sum = |bytes: &[u8]| assurance_storage::crc32c(&[bytes]).to_le_bytes();
    let whole = bytes.clone();
    let samples = dump(&files, &[], TimeRange::ALL).0;
    let mut kinds = std::collections::BTreeSet::new();
    for place in from..from + length {
        bytes.clone_from(&whole);
        bytes[place] ^= 2;
        let index = sum(&bytes[from..from + length]);
        bytes[end + 48..end + 52].copy_from_slice(&index);
        let footer = sum(&bytes[end..end + 52]);
        bytes[end + 52..end + 56].copy_from_slice(&footer);
        files.replace(name, &bytes).expect("memory writes");
        let verified = verify(&files);
        kinds.extend(verified.findings.iter().map(|finding| finding.kind));
        // What cannot be found: another value of a label is another series, in its place in the order. Else
        // it says the same in other words.
        let is_text = whole[place].is_ascii_alphanumeric() || whole[place] == b'_';
        assert!(
            !verified.is_sound() || is_text || dump(&files, &[], TimeRange::ALL).0 == samples,
            "byte {place} of the index: {verified:?}"
        );
    }
    for kind in [FindingKind::Summary, FindingKind::Index, FindingKind::Chunk, FindingKind::Order] {
        assert!(kinds.contains(&kind), "{kind:?} of {kinds:?}");
    }
    bytes.clone_from(&whole);
    bytes[end + 16] ^= 1;
    let footer = sum(&bytes[end..end + 52]);
    bytes[end + 52..end + 56].copy_from_slice(&footer);
    files.replace(name, &bytes).expect("memory writes");
    assert_eq!(verify(&files).findings.iter().map(|f| f.kind).collect::<Vec<_>>(), [FindingKind::Totals]);
}

#[test]
fn files_of_others_are_told() {
    let (files, _store) = store();
    files.replace("wal/checkpoint.00000004", b"").expect("memory writes");
    files.replace("segments/01HZ", b"x").expect("memory writes");
    let found: Vec<_> = verify(&files).findings.into_iter().map(|f| (f.kind, f.file)).collect();
    assert_eq!(
        found,
        [
            (FindingKind::Foreign, "wal/checkpoint.00000004".to_owned()),
            (FindingKind::Foreign, "segments/01HZ".to_owned())
        ]
    );
}

#[test]
fn an_analysis_says_where_every_byte_goes() {
    let (files, store) = store();
    let analysis = inspection(&files).analyze(None, &[], 10).expect("it reads");
    let stats = store.stats();
    assert_eq!((analysis.samples, analysis.series), (stats.segment_samples, 6));
    // All but the headers and ends of the files.
    assert_eq!(analysis.bytes, stats.segment_bytes - 80 * stats.segments as u64);
    assert_eq!(analysis.metrics.iter().map(|metric| metric.bytes).sum::<u64>(), analysis.bytes);
    assert_eq!(analysis.metrics[0].name, "noise", "what is no decimal takes most");
    assert_eq!(analysis.kinds.iter().map(|kind| kind.samples).sum::<u64>(), analysis.samples);
    assert_eq!(analysis.fill.iter().map(|(_, chunks)| chunks).sum::<u64>(), listed_chunks(&files));
    assert_eq!(analysis.cardinality, [("noise".to_owned(), 3), ("up".to_owned(), 2), ("late".to_owned(), 1)]);
    assert_eq!(analysis.names, [("instance".to_owned(), 5), ("__name__".to_owned(), 3)]);
    assert_eq!(analysis.pairs[0].1, 3);
    let only = inspection(&files).analyze(Some("1970-01-01.0"), &[vec![Matcher::equal("__name__", "up")]], 1);
    let only = only.expect("it reads");
    assert_eq!((only.segments, only.series, only.samples, only.log_samples), (1, 1, 144, 0));
    assert_eq!(only.names.len(), 1, "as many as asked for");
}

fn listed_chunks(files: &Memory) -> u64 {
    let listing = inspection(files).list().expect("it lists");
    listing.segments.iter().map(|one| u64::from(one.chunks)).sum()
}

#[test]
fn churn_is_the_time_in_which_series_are_not_there() {
    let files = Memory::new();
    let (store, _) = open(&files);
    // Each of ten instances lives for a tenth of the time.
    for n in 0..1000_i64 {
        put(&store, &series("up", &format!("i{}", n / 100)), &[(60 * n, 1.0)]);
        put(&store, &series("stays", "always"), &[(60 * n, 1.0)]);
    }
    let analysis = inspection(&files).analyze(None, &[], 3).expect("it reads");
    assert_eq!(analysis.churning_pairs, [(("__name__".to_owned(), "up".to_owned()), 9)]);
    assert_eq!(analysis.churning_names[0].1, 9);
}
