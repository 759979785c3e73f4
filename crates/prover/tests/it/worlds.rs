//! Worlds: how they are written down, made, counted and made smaller.

use std::ops::ControlFlow;

use assurance_diagnostics::Source;
use assurance_policy::intents::Intents;
use assurance_prover::claim::{Claim, ClaimErrorKind};
use assurance_prover::exhaustive::{Exhaustive, Scope};
use assurance_prover::fast::Engine;
use assurance_prover::generate::Generator;
use assurance_prover::judge::{Judge, VerdictKind};
use assurance_prover::search::{Findings, Seeded, Worlds, search};
use assurance_prover::shrink::shrink;
use assurance_prover::timeline::Timeline;

use crate::doors::{contract, flawed, groups, intents, repaired};

/// Worlds of each claim in these tests.
const WORLDS: u64 = 400;

const IDS: [&str; 6] = ["FORCED", "SEAL", "OPEN", "BADGES", "VISITS", "DOWN"];

fn go(_: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn tried(claim: &Claim, seed: u64, range: std::ops::Range<u64>) -> Findings {
    let generator = Generator::new(claim);
    let worlds = Seeded { generator: &generator, seed };
    search(claim, &worlds, range, &mut Engine::new(claim), &mut go)
}

#[test]
fn what_is_printed_is_read_back() {
    for id in IDS {
        let claim = flawed(id);
        let generator = Generator::new(&claim);
        for index in 0..WORLDS {
            let timeline = generator.timeline(3, index);
            let text = timeline.to_string();
            let read = Timeline::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(claim.adopt(&read), timeline, "{text}");
            let mut again = timeline.clone();
            again.normalise();
            assert_eq!(again, timeline);
        }
    }
}

#[test]
fn flawed_texts_are_told_with_their_line() {
    for (text, line, message) in [
        ("", 1, "the text is empty"),
        ("timeline 2", 1, "a timeline begins with `timeline 1`"),
        ("timeline 1\nend 5m\nscrape 30s +0s", 3, "says no `eval`"),
        ("timeline 1\nend 5m\nscrape 30s +31s\neval 30s +0s", 3, "its phase shorter than it"),
        ("timeline 1\n# a word\n\nend 5x", 4, "\"5x\" is not a duration"),
        ("timeline 1\nnoise 5m", 2, "`noise` is no fact of a timeline"),
        ("timeline 1\nabsence 1m..2m odd", 2, "the forms are down, removed, empty, garbage"),
        ("timeline 1\nevent 1m {door=\"}", 2, "the labels do not end"),
        ("timeline 1\nend 2y", 2, "a world lasts from 1ms"),
    ] {
        let error = Timeline::parse(text).unwrap_err();
        assert_eq!(error.line, line, "{text:?}: {error}");
        assert!(error.message.contains(message), "{text:?}: {error}");
    }
}

#[test]
fn worlds_depend_on_seed_and_number_only_and_stay_within_the_environment() {
    for id in IDS {
        let claim = flawed(id);
        let generator = Generator::new(&claim);
        let mut reused = generator.blank();
        let (mut lost, mut restarts, mut away, mut busy) = (0, 0, 0, 0);
        for index in (0..WORLDS).rev() {
            generator.fill(9, index, &mut reused);
            assert_eq!(reused, generator.timeline(9, index));
            let environment = &claim.environment;
            let interval = reused.scrape.interval;
            let mut run = 1_u32;
            for pair in reused.lost.windows(2) {
                run = if pair[1] - pair[0] == interval { run + 1 } else { 1 };
                assert!(run <= environment.scrape.lost.max_consecutive, "{reused}");
                assert!(run > 1 || pair[1] - pair[0] > 4 * interval, "more than a fifth is lost: {reused}");
            }
            assert!(reused.late.iter().all(|(_, by)| *by <= environment.scrape.jitter.as_millis()));
            assert!(reused.away.len() <= 1);
            assert!(reused.away.iter().all(|span| span.from >= 4 * interval), "{reused}");
            for (at, down) in reused.downs.iter().enumerate() {
                let within_hour =
                    reused.downs[at..].iter().filter(|other| other.from - down.from < 3_600_000);
                assert!(within_hour.count() <= 2, "{reused}");
                assert!(down.until - down.from <= environment.process.restarts.downtime.to.as_millis());
            }
            lost += u32::from(!reused.lost.is_empty());
            restarts += u32::from(!reused.downs.is_empty());
            away += u32::from(!reused.away.is_empty());
            busy += u32::from(
                !(reused.events.is_empty() && reused.holds.is_empty() && reused.absences.is_empty()),
            );
        }
        let least = u32::try_from(WORLDS / 12).unwrap();
        assert!(
            lost > least && restarts > least && away > least && busy > 6 * least,
            "{id}: {lost} {restarts} {away} {busy}"
        );
    }
    let claim = flawed("SEAL");
    let generator = Generator::new(&claim);
    assert_ne!(generator.timeline(1, 0), generator.timeline(2, 0));
}

#[test]
fn every_flaw_is_found_and_no_repair_is_blamed() {
    use VerdictKind::{FalseAlarm, Flap, Identity, Late, Missed, SilentOnNoData, Vacuous};
    for (id, kinds) in [
        ("FORCED", [Missed].as_slice()),
        ("SEAL", &[Missed]),
        ("OPEN", &[Missed, Late, Flap]),
        ("BADGES", &[Missed]),
        ("VISITS", &[FalseAlarm]),
        ("MANY", &[FalseAlarm]),
        ("GONE", &[Vacuous]),
        ("DOWN", &[SilentOnNoData]),
    ] {
        let found = tried(&flawed(id), 1, 0..WORLDS);
        for kind in kinds {
            assert!(found.of(*kind).is_some(), "{id}: no {kind} in {:?}", found.counts);
        }
    }
    let some = crate::doors::own(
        "{id: X, alert: A, violation: {kind: event, source: door.forced}, detect_within: 130s, labels_required: [door]}",
        "{alert: A, expr: 'max(door_forced_last_timestamp_seconds) > time() - 300'}",
    );
    assert!(tried(&some, 1, 0..WORLDS).of(Identity).is_some());
    for id in ["FORCED", "SEAL", "OPEN", "VISITS", "DOWN", "PULSE"] {
        let found = tried(&repaired(id), 1, 0..2 * WORLDS);
        let wrong = found.counterexamples().map(|f| format!("#{} {}\n{}", f.index, f.verdict, f.timeline));
        let wrong: Vec<String> = wrong.collect();
        assert!(wrong.is_empty(), "{id}: {}", wrong.join("\n"));
        assert!(found.violated > WORLDS / 3, "{id}: only {} worlds ask anything of it", found.violated);
    }
}

#[test]
fn how_a_search_is_divided_does_not_matter() {
    let claim = flawed("OPEN");
    let whole = tried(&claim, 5, 0..300);
    let mut joined = tried(&claim, 5, 200..300);
    joined.merge(tried(&claim, 5, 0..50));
    joined.merge(tried(&claim, 5, 50..200));
    assert_eq!(joined, whole);
    assert!(whole.of(VerdictKind::Late).is_some());
}

#[test]
fn a_search_can_be_ended() {
    let claim = flawed("SEAL");
    let generator = Generator::new(&claim);
    let worlds = Seeded { generator: &generator, seed: 1 };
    let mut told = 0;
    let mut stop = |more| {
        told += more;
        ControlFlow::Break(())
    };
    let found = search(&claim, &worlds, 0..1_000_000, &mut Engine::new(&claim), &mut stop);
    assert_eq!((found.worlds, told), (1000, 1000));
}

#[test]
fn what_is_shrunk_is_simple_and_still_wrong() {
    let claim = flawed("SEAL");
    let mut engine = Engine::new(&claim);
    let restart = "timeline 1\nend 30m\nbase 1\nscrape 30s +7.200s\neval 30s +11s\n";
    let restart = restart.replace("7.200s", "7s200ms")
        + "event 1m3s seal.broken\nevent 9m12s500ms seal.broken\nevent 9m14s seal.broken\nevent 20m seal.broken\n\
           down 9m..9m10s100ms\ndown 25m..25m1s\nlost 5m7s200ms\nlate 6m7s200ms +700ms\nskipped 12m11s\n";
    let timeline = claim.adopt(&Timeline::parse(&restart).unwrap());
    let small = shrink(&claim, &timeline, VerdictKind::Missed, &mut engine);
    let mut judge = Judge::new(&claim);
    assert!(judge.judge(&small, engine.run(&small), None).iter().any(|v| v.kind == VerdictKind::Missed));
    assert!(small.events.len() <= 2 && small.downs.len() <= 1, "{small}");
    assert_eq!(
        (small.base, small.lost.len(), small.late.len(), small.skipped.len()),
        (0, 0, 0, 0),
        "{small}"
    );
    assert!(small.end < timeline.end / 2, "{small}");
    assert_eq!(shrink(&claim, &small, VerdictKind::Missed, &mut engine), small, "it cannot be made simpler");
    // What is not wrong stays as it is.
    assert_eq!(shrink(&claim, &timeline, VerdictKind::Vacuous, &mut engine), timeline);
}

#[test]
fn a_small_scope_has_each_world_once_and_holds_for_the_repaired_rules() {
    let claim = repaired("SEAL");
    let mut scope = Scope::new(30_000);
    scope.span = 60_000;
    let all = Exhaustive::new(&claim, scope);
    // Nothing, one event at two instants, two at three pairs of them; no restart, or one of two lengths at two.
    let (happenings, restarts, phases) = (1 + 2 + 3, 1 + 4, 1);
    // Seven scrapes until the deadline: none lost, one, two in a row, two that are five apart or more.
    let lost = 1 + 7 + 6 + 3;
    assert_eq!(all.len(), happenings * restarts * phases * lost, "{}", all.describe());
    let mut seen = std::collections::BTreeSet::new();
    let mut timeline = all.blank();
    for index in 0..all.len() {
        Worlds::fill(&all, index, &mut timeline);
        seen.insert(timeline.to_string());
    }
    // Where the process is away, nothing happens in it: 8 of 30 ways to combine both are the same as others.
    assert_eq!(seen.len() as u64, (happenings * restarts - 8) * lost);
    let found = search(&claim, &all, 0..all.len(), &mut Engine::new(&claim), &mut go);
    assert_eq!((found.worlds, found.counterexamples().count()), (all.len(), 0));
    assert_eq!(all.describe(), "≤2 events, ≤1 restart, ≤2 lost scrapes, 30s grid within 1m");
    let claim = flawed("SEAL");
    let all = Exhaustive::new(&claim, scope);
    let found = search(&claim, &all, 0..all.len(), &mut Engine::new(&claim), &mut go);
    assert!(found.of(VerdictKind::Missed).is_some());
}

#[test]
fn claims_that_cannot_be_made_say_why() {
    let (file, contract) = (intents(), contract());
    let rules = groups(
        "groups:\n- name: g\n  rules:\n  - {alert: DoorForcd, expr: up}\n  - {alert: DoorOpen, expr: up, labels: {a: b}}\n",
    );
    let made = |text: &str| {
        let text = format!("version: 1\nintents:\n- {text}\n");
        let intents = Intents::parse(&Source::new("i.yml", text)).unwrap();
        Claim::new(&intents.intents[0], &file.environment, &rules, &contract).unwrap_err()
    };
    let wrong = made("{id: X, alert: DoorForced, violation: {kind: never}, detect_within: 1m}");
    assert_eq!(
        wrong.to_string(),
        "intent X: no rule makes the alert \"DoorForced\"; did you mean \"DoorForcd\"?"
    );
    let wrong = made("{id: X, alert: DoorOpen, match: {a: c}, violation: {kind: never}, detect_within: 1m}");
    assert!(matches!(wrong.kind, ClaimErrorKind::NoMatch { .. }), "{wrong}");
    for (violation, suggestion) in [
        ("{kind: event, source: door.forcd}", "did you mean \"door.forced\"?"),
        ("{kind: event, metric: door_forced}", "moved by door_forced"),
        ("{kind: state, metric: door_opn}", "did you mean \"door_open\"?"),
        ("{kind: absence, of: 'job:dors', for: 1m}", "did you mean \"doors\"?"),
    ] {
        let wrong = made(&format!("{{id: X, alert: DoorOpen, violation: {violation}, detect_within: 1m}}"));
        assert!(wrong.to_string().contains(suggestion), "{wrong}");
    }
}

#[cfg(feature = "proptest")]
proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn strategies_give_worlds_that_ask_something(timeline in assurance_prover::strategies::violated(flawed("SEAL"))) {
        let claim = flawed("SEAL");
        assert!(assurance_prover::judge::must_tell(&claim, &claim.adopt(&timeline)));
    }
}
