use assurance_evidence::{Collection, Collector, FactKind};
use assurance_metrics_model::Timestamp;
use proptest::prelude::*;

use crate::backend::{Backend, all_events, at, facts, rig, round};

fn answer(numbers: &[u32]) -> String {
    let entries: Vec<String> =
        numbers.iter().map(|n| format!(r#"{{"timestamp":"2026-01-02T10:00:00","n":{n}}}"#)).collect();
    format!("[{}]", entries.join(","))
}

fn numbers(collection: &Collection) -> Vec<u32> {
    let number = |line: &str| line.split("\"n\":").nth(1).and_then(|n| n.trim_end_matches('}').parse().ok());
    collection.events.iter().map(|event| number(event.line()).expect("a number")).collect()
}

const NOON: Timestamp = Timestamp::from_secs(1_767_355_200);

/// The new entries and the facts of the second answer after the first.
fn second(limit: usize, first: &[u32], then: &[u32], counts: [Option<u64>; 2]) -> (Vec<u32>, Vec<FactKind>) {
    let (mut collector, _) =
        Collector::start(NOON, "test", limit, answer(first).as_bytes(), counts[0]).expect("an answer");
    let collection =
        collector.handle_answer(NOON, limit, answer(then).as_bytes(), counts[1]).expect("an answer");
    (numbers(&collection), collection.facts.into_iter().map(|fact| fact.kind).collect())
}

fn no_counts(limit: usize, first: &[u32], then: &[u32]) -> (Vec<u32>, Vec<FactKind>) {
    second(limit, first, then, [None, None])
}

#[test]
fn the_first_answer_is_a_recorded_start_and_not_a_gap() {
    let (_, first) = Collector::start(NOON, "test", 3, answer(&[1, 2]).as_bytes(), Some(2)).unwrap();
    assert_eq!(numbers(&first), [1, 2]);
    let [fact] = &first.facts[..] else { panic!("{:?}", first.facts) };
    assert!(matches!(&fact.kind, FactKind::Start { entries: 2, earlier_missing: false, .. }));
    assert!(!fact.is_incomplete());
    let (_, first) = Collector::start(NOON, "test", 2, answer(&[1, 2]).as_bytes(), Some(9)).unwrap();
    assert!(matches!(&first.facts[0].kind, FactKind::Start { earlier_missing: true, .. }));
    assert_eq!(first.facts.len(), 1, "a full answer need not account for all that was counted");
}

#[test]
fn what_follows_the_overlap_is_new() {
    assert_eq!(no_counts(9, &[1, 2], &[1, 2, 3, 4]), (vec![3, 4], vec![]));
    assert_eq!(no_counts(3, &[1, 2, 3], &[3, 4, 5]), (vec![4, 5], vec![]));
    assert_eq!(no_counts(9, &[1, 2], &[1, 2]), (vec![], vec![]));
    assert_eq!(no_counts(9, &[], &[1]), (vec![1], vec![]));
    assert_eq!(no_counts(9, &[], &[]), (vec![], vec![]));
}

#[test]
fn equal_neighbours_count_as_often_as_they_occur() {
    assert_eq!(no_counts(9, &[7, 7], &[7, 7, 7]), (vec![7], vec![]));
    assert_eq!(no_counts(9, &[7], &[7, 7, 7, 8]), (vec![7, 7, 8], vec![]));
    assert_eq!(no_counts(9, &[1, 7, 7], &[1, 7, 7, 7]), (vec![7], vec![]));
}

#[test]
fn the_backends_count_decides_between_overlaps() {
    // Two entries before, four counted now: the longest overlap would hide one of the two new ones.
    assert_eq!(second(3, &[7, 7], &[7, 7, 7], [Some(2), Some(4)]).0, [7, 7]);
    assert_eq!(second(3, &[7, 7], &[7, 7, 7], [Some(2), Some(3)]).0, [7]);
}

#[test]
fn where_no_overlap_accounts_for_the_count_that_is_recorded() {
    let (new, facts) = second(2, &[7], &[7, 7], [Some(1), Some(3)]);
    assert_eq!(new, [7]);
    assert_eq!(facts, [FactKind::TotalsDisagree { since: NOON, counted: 3, accounted: 2 }]);
}

#[test]
fn a_full_answer_with_nothing_in_common_is_a_gap() {
    let (new, facts) = second(3, &[1, 2, 3], &[6, 7, 8], [Some(3), Some(8)]);
    assert_eq!(new, [6, 7, 8]);
    let [FactKind::Gap { since, before: Some(before), after: Some(after) }] = &facts[..] else {
        panic!("{facts:?}")
    };
    assert_eq!(*since, NOON);
    assert_ne!(before.sha256, after.sha256);
}

#[test]
fn a_fallen_count_or_a_short_answer_with_nothing_in_common_is_a_restart() {
    let restarted = |(new, facts): (Vec<u32>, Vec<FactKind>), all: &[u32], missing: bool| {
        assert_eq!(new, all);
        let [FactKind::Restart { earlier_missing, .. }] = &facts[..] else { panic!("{facts:?}") };
        assert_eq!(*earlier_missing, missing);
    };
    restarted(second(3, &[1, 2, 3], &[6, 7, 8], [Some(9), Some(3)]), &[6, 7, 8], true);
    restarted(no_counts(9, &[1, 2], &[6]), &[6], false);
    restarted(no_counts(9, &[1, 2], &[]), &[], false);
    // Without counts a full answer cannot tell a restart from a gap, and the gap is what is certain.
    assert!(matches!(no_counts(3, &[1, 2, 3], &[6, 7, 8]).1[..], [FactKind::Gap { .. }]));
}

#[test]
fn an_empty_list_that_is_full_the_next_time_is_a_gap() {
    assert!(matches!(no_counts(2, &[], &[1, 2]).1[..], [FactKind::Gap { before: None, .. }]));
}

#[test]
fn entries_that_vanish_from_the_beginning_are_recorded() {
    let (new, facts) = no_counts(9, &[1, 2, 3], &[3, 4]);
    assert_eq!((new, &facts[..]), (vec![4], &[FactKind::Rewritten { since: NOON, vanished: 2 }][..]));
}

#[test]
fn an_answer_that_shows_less_than_was_counted_is_recorded() {
    let (new, facts) = second(9, &[1], &[1, 2], [Some(1), Some(5)]);
    assert_eq!(new, [2]);
    assert_eq!(facts, [FactKind::TotalsDisagree { since: NOON, counted: 5, accounted: 2 }]);
    // More than was counted only means that entries came between the two questions.
    assert_eq!(second(9, &[1], &[1, 2], [Some(1), Some(1)]), (vec![2], vec![]));
}

#[test]
fn a_changed_limit_is_no_gap() {
    let (mut collector, _) = Collector::start(NOON, "test", 2, answer(&[4, 5]).as_bytes(), None).unwrap();
    let wider = collector.handle_answer(NOON, 9, answer(&[1, 2, 3, 4, 5, 6]).as_bytes(), None).unwrap();
    assert_eq!((numbers(&wider), wider.facts.len()), (vec![6], 0));
    let narrower = collector.handle_answer(NOON, 2, answer(&[6, 7]).as_bytes(), None).unwrap();
    assert_eq!((numbers(&narrower), narrower.facts.len()), (vec![7], 0));
}

#[test]
fn a_bad_answer_changes_nothing() {
    let (mut collector, _) = Collector::start(NOON, "test", 9, answer(&[1, 2]).as_bytes(), None).unwrap();
    let before = collector.clone();
    collector.handle_answer(NOON, 9, b"{\"detail\":\"err\"}", None).unwrap_err();
    collector.handle_answer(NOON, 9, b"[{\"timestamp\":\"2026-01-02T10:00:00\"},3]", None).unwrap_err();
    assert_eq!(collector, before);
    let next = collector.handle_answer(NOON, 9, answer(&[1, 2, 3]).as_bytes(), None).unwrap();
    assert_eq!((numbers(&next), next.facts.len()), (vec![3], 0));
}

#[test]
fn steps_back_futures_and_a_clock_set_back_are_recorded_and_change_no_event() {
    let entry = |at: &str| format!(r#"{{"timestamp":"{at}"}}"#);
    let body = format!(
        "[{},{},{},{}]",
        entry("2026-01-02T11:00:02"),
        entry("2026-01-02T11:00:01.5"),
        entry("2026-01-02T11:00:01"),
        entry("2026-01-02T12:01:00.001"),
    );
    let (mut collector, first) = Collector::start(NOON, "test", 9, body.as_bytes(), None).unwrap();
    assert_eq!(first.events.len(), 4);
    let [_, back, future] = &first.facts[..] else { panic!("{:?}", first.facts) };
    assert!(matches!(back.kind, FactKind::OutOfOrder { events: 2, largest_step_ms: 500, .. }), "{back:?}");
    let latest = at("2026-01-02T12:01:00.001");
    assert_eq!(future.kind, FactKind::Future { events: 1, latest });
    let before = NOON - assurance_metrics_model::Duration::from_secs(1);
    let again = collector.handle_answer(before, 9, body.as_bytes(), None).unwrap();
    assert_eq!(again.facts[0].kind, FactKind::ClockBack { from: NOON });
}

#[test]
fn several_events_of_one_type_in_one_millisecond_all_survive() {
    let now = at("2026-01-02T10:00:00Z");
    let (storage, mut exporter) = rig(1000, now);
    let mut backend = Backend::new();
    for _ in 0..5 {
        backend.write(now);
    }
    let same = backend.log[0].clone();
    backend.log.extend([same.clone(), same]);
    round(&mut exporter, now, &backend).unwrap();
    backend.log.push(backend.log[6].clone());
    let report = round(&mut exporter, now + "30s".parse().unwrap(), &backend).unwrap();
    assert_eq!(report.outcome, Ok(1));
    assert_eq!(facts(&report), [""; 0]);
    assert_eq!(all_events(&*storage), backend.log);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Entries from a small alphabet, so that neighbours are often equal. As long as the answers are long
    /// enough and the backend counts, what was collected is the log.
    #[test]
    fn collecting_gives_the_log(
        steps in prop::collection::vec(prop::collection::vec(0..3_u32, 0..5), 1..8),
        limit in 5..40_usize,
    ) {
        let mut log: Vec<u32> = Vec::new();
        let mut collected: Vec<u32> = Vec::new();
        let mut collector: Option<Collector> = None;
        let mut incomplete = false;
        for step in steps {
            log.extend(&step);
            let last = &log[log.len().saturating_sub(limit)..];
            let body = answer(last);
            let counted = Some(log.len() as u64);
            let collection = match &mut collector {
                Some(collector) => collector.handle_answer(NOON, limit, body.as_bytes(), counted).unwrap(),
                None => {
                    let (first, collection) =
                        Collector::start(NOON, "test", limit, body.as_bytes(), counted).unwrap();
                    collector = Some(first);
                    collection
                }
            };
            incomplete |= collection.facts.iter().any(assurance_evidence::Fact::is_incomplete);
            collected.extend(numbers(&collection));
        }
        prop_assert!(collected == log || incomplete, "{:?} of {:?}", collected, log);
        prop_assert!(limit <= 35 || !incomplete, "short histories are never incomplete");
    }

    /// With distinct entries there is no doubt: everything is collected, or the gap is recorded where it is.
    #[test]
    fn distinct_entries_are_collected_or_the_gap_is_recorded(
        steps in prop::collection::vec((0..6_u32, any::<bool>()), 1..12),
        limit in 1..6_usize,
    ) {
        let mut next = 0;
        let mut log: Vec<u32> = Vec::new();
        let mut collected: Vec<u32> = Vec::new();
        let mut expected: Vec<u32> = Vec::new();
        let mut incomplete = false;
        let mut collector: Option<Collector> = None;
        for (count, restart) in steps {
            if restart {
                log.clear();
            }
            log.extend(next..next + count);
            expected.extend(next..next + count);
            next += count;
            let last = &log[log.len().saturating_sub(limit)..];
            let counted = Some(log.len() as u64);
            let body = answer(last);
            let collection = match &mut collector {
                Some(collector) => collector.handle_answer(NOON, limit, body.as_bytes(), counted).unwrap(),
                None => {
                    let (first, collection) =
                        Collector::start(NOON, "test", limit, body.as_bytes(), counted).unwrap();
                    collector = Some(first);
                    expected = last.to_vec();
                    collection
                }
            };
            incomplete |= collection.facts.iter().any(assurance_evidence::Fact::is_incomplete);
            collected.extend(numbers(&collection));
        }
        prop_assert!(collected.is_sorted_by(|a, b| a < b), "doubled: {:?}", collected);
        prop_assert!(collected == expected || incomplete, "{:?} of {:?}", collected, expected);
    }
}
