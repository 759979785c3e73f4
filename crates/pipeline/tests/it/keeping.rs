//! What is written down before anyone is told, and what comes back.

use std::collections::BTreeSet;

use assurance_metrics_model::{Duration, Timestamp};
use assurance_notifier::Delivery;
use assurance_pipeline::{AlertsState, Output, Record};
use assurance_rules::Phase;
use assurance_scrape::Response;
use proptest::prelude::*;

use crate::world::{START, World, at};

const RULES: &str = "
groups:
- name: overrides
  rules:
  - alert: Override
    expr: override == 1
  - alert: LongOverride
    expr: override == 1
    for: 2m
    keep_firing_for: 90s
  - record: copy
    expr: override
";

fn active(_: Timestamp) -> Option<String> {
    Some("override 1\n".to_owned())
}

/// What is asked for now, without being done; scrapes are.
fn asked(world: &mut World<'_>) -> (Vec<Record>, Vec<Delivery>) {
    let (mut records, mut deliveries) = (Vec::new(), Vec::new());
    while let Some(output) = world.pipeline.poll_output(world.now) {
        match output {
            Output::Keep(record) => records.push(record),
            Output::Deliver(delivery) => deliveries.push(delivery),
            Output::Scrape(request) => {
                let body = active(world.now).unwrap_or_default().into_bytes();
                let duration = Duration::ZERO;
                let response =
                    Response { status: 200, content_type: None, body, started: world.now, duration };
                world.pipeline.handle_scrape(world.now, request.id, Ok(response));
            }
            Output::ReadFiles(_) => unreachable!("no lists are configured"),
        }
    }
    (records, deliveries)
}

/// The record of the first alert, at the moment at which it is asked for.
fn first_record<'a>() -> (World<'a>, Record) {
    let mut world = World::new(RULES, &active);
    world.restart(RULES);
    loop {
        let (mut records, deliveries) = asked(&mut world);
        assert!(deliveries.is_empty(), "told before anything was written down");
        // The first may be about series alone.
        if let Some(record) = records.pop() {
            let state = AlertsState::decode(&record.bytes).expect("as it was written");
            if !state.undelivered.is_empty() {
                return (world, record);
            }
            world.pipeline.handle_kept(world.now, record.number, Ok(()));
        }
        world.now = world.pipeline.poll_timeout().expect("a scrape is due").max(world.now);
        assert!(world.now < at(120), "no alert comes");
        world.pipeline.handle_timeout(world.now);
    }
}

#[test]
fn nobody_is_told_before_it_is_written_down() {
    let (mut world, record) = first_record();
    let state = AlertsState::decode(&record.bytes).unwrap();
    let rules = &state.rules.groups[0].rules;
    assert_eq!(rules.iter().map(|rule| rule.alerts.len()).sum::<usize>(), 2);
    assert_eq!(state.undelivered.alerts[0].1[0].name(), "Override");
    world.now += Duration::from_secs(1);
    world.pipeline.handle_timeout(world.now);
    let (records, deliveries) = asked(&mut world);
    assert!(records.is_empty() && deliveries.is_empty(), "one record is under way");
    world.pipeline.handle_kept(world.now, record.number, Ok(()));
    let (_, deliveries) = asked(&mut world);
    assert_eq!(deliveries.len(), 1);
    assert_eq!(deliveries[0].alerts[0].name(), "Override");
}

#[test]
fn a_disk_that_fails_keeps_nobody_from_being_told() {
    let (mut world, record) = first_record();
    world.pipeline.handle_kept(world.now, record.number, Err("no space is left".to_owned()));
    let (_, deliveries) = asked(&mut world);
    assert_eq!(deliveries.len(), 1);
    let fault = world.pipeline.storage_faults();
    assert!(fault[0].contains("no space is left"), "{fault:?}");
    let since = world.pipeline.state_fault().unwrap().since;
    // It is tried again a second later, no sooner.
    world.now += Duration::from_millis(999);
    assert!(asked(&mut world).0.is_empty());
    let due = world.pipeline.poll_timeout().unwrap();
    assert_eq!(due, world.now + Duration::from_millis(1));
    world.now = due;
    let again = asked(&mut world).0.remove(0);
    world.pipeline.handle_kept(world.now, again.number, Err("no space is left".to_owned()));
    assert_eq!(world.pipeline.state_fault().unwrap().since, since, "a fault that lasts keeps its beginning");
    world.now += Duration::from_secs(1);
    let again = asked(&mut world).0.remove(0);
    world.pipeline.handle_kept(world.now, again.number, Ok(()));
    assert!(world.pipeline.storage_faults().is_empty());
}

#[test]
fn a_disk_that_does_not_answer_is_waited_for_five_seconds() {
    let (mut world, record) = first_record();
    let asked_at = world.now;
    world.now = asked_at + Duration::from_millis(4999);
    assert!(asked(&mut world).1.is_empty());
    let due = world.pipeline.poll_timeout().unwrap();
    assert_eq!(due, asked_at + Duration::from_secs(5));
    world.now = due;
    world.pipeline.handle_timeout(world.now);
    assert_eq!(asked(&mut world).1.len(), 1);
    assert!(world.pipeline.state_fault().unwrap().to_string().contains("does not answer"));
    assert!(world.pipeline.poll_timeout().unwrap() > world.now, "it would spin");
    world.pipeline.handle_kept(world.now, record.number, Ok(()));
    assert!(world.pipeline.state_fault().is_none());
}

#[test]
fn what_no_receiver_took_is_sent_after_a_restart() {
    let mut world = World::new(RULES, &active);
    world.takes = &|_| false;
    world.restart(RULES);
    world.run_until(at(45));
    assert!(world.received.is_empty());
    let restored = world.restart(RULES);
    assert_eq!((restored.notifications, restored.rules.alerts), (1, 2));
    world.takes = &|_| true;
    world.run_until(at(46));
    assert_eq!(world.heard().len(), 1, "{:?}", world.received);
    let began = world.received[0].1.starts_at;
    // What was taken is not sent a third time, but for the resends of every minute.
    world.restart(RULES);
    world.run_until(at(55));
    assert_eq!(world.received.len(), 1, "since {began}: {:?}", world.received);
}

#[test]
fn a_rule_that_has_changed_starts_anew() {
    let since = |world: &World<'_>, name: &str| {
        let mut alerts = world.pipeline.rules().alerts();
        alerts.find(|alert| alert.labels.get("alertname") == Some(name)).map(|alert| alert.active_at)
    };
    let mut world = World::new(RULES, &active);
    world.restart(RULES);
    world.run_until(at(60));
    let before = since(&world, "LongOverride");
    assert!(before.is_some());
    for changed in [
        RULES.replace("for: 2m", "for: 3m"),
        RULES.replace("override == 1\n    for", "override > 0\n    for"),
    ] {
        let restored = world.restart(&changed);
        assert_eq!(restored.rules.changed.len(), 1, "{restored:?}");
        assert_eq!(restored.rules.changed[0].2, "LongOverride");
        assert_eq!(since(&world, "LongOverride"), None);
        assert!(since(&world, "Override").is_some(), "the other rule is as it was");
    }
    // Only what is said of an alert, not when it is one.
    let described = RULES.replace("for: 2m", "for: 2m\n    annotations: {summary: new}");
    assert!(world.restart(&described).rules.changed.is_empty());
    assert_eq!(since(&world, "LongOverride"), before);
}

/// Down for longer than a query looks back, it sees nothing before its first scrape: not that all is well.
#[test]
fn after_a_long_downtime_nothing_is_resolved_before_the_first_scrape() {
    let mut world = World::new(RULES, &active);
    world.restart(RULES);
    world.run_until(at(300));
    let since = |world: &World<'_>| -> Vec<_> {
        world.pipeline.rules().alerts().map(|alert| (alert.phase, alert.active_at)).collect()
    };
    let before = since(&world);
    // Wherever the restart falls between evaluations and scrapes.
    for second in 0..30 {
        world.now = at(1000 * (second + 1) + second);
        world.restart(RULES);
        world.pipeline.handle_timeout(world.now);
        world.run_until(world.now + Duration::from_secs(75));
        assert_eq!(since(&world), before, "restart at second {second}");
    }
    assert_eq!(world.heard().len(), 2, "{:?}", world.heard());
}

/// A target that is gone must not silence the rules.
#[test]
fn rules_wait_for_a_first_scrape_no_longer_than_it_may_take() {
    let mut world = World::new(RULES, &active);
    world.restart(RULES);
    world.run_until(at(300));
    world.now = at(1000);
    world.restart(RULES);
    let until = world.now + Duration::from_secs(30 + 10 + 30);
    while world.now < until {
        while let Some(output) = world.pipeline.poll_output(world.now) {
            if let Output::Keep(record) = output {
                world.pipeline.handle_kept(world.now, record.number, Ok(()));
            }
        }
        let next = world.pipeline.poll_timeout().expect("a scrape is due");
        assert!(next >= world.now, "it would spin");
        world.now = next;
        world.pipeline.handle_timeout(world.now);
    }
    assert_eq!(world.pipeline.rules().alerts().count(), 1, "the condition is not seen; one is held");
}

/// No event tells that a held alert's condition is back.
#[test]
fn a_hold_that_has_ended_is_written_down() {
    let rules = "groups:\n- name: g\n  rules: [{alert: A, expr: override == 1, keep_firing_for: 10m}]\n";
    let body = |now: Timestamp| {
        let second = (now - START).as_millis() / 1000;
        Some(format!("override {}\n", u8::from(!(90..150).contains(&second))))
    };
    let mut world = World::new(rules, &body);
    world.restart(rules);
    let held = |world: &World<'_>| {
        world.pipeline.rules().alerts().next().expect("it fires").keep_firing_since.is_some()
    };
    while !(world.now > at(90) && held(&world)) {
        world.run_until(world.now + Duration::from_secs(1));
        world.now += Duration::from_secs(1);
    }
    while held(&world) {
        world.run_until(world.now + Duration::from_millis(100));
        world.now += Duration::from_millis(100);
    }
    world.restart(rules);
    assert!(!held(&world), "the hold that has ended is back");
}

#[test]
fn what_stays_the_same_is_not_written_again() {
    let mut world = World::new(RULES, &active);
    world.restart(RULES);
    world.run_until(at(300));
    let before = world.records;
    world.run_until(at(300 + 3600));
    // Every 90 seconds each alert is sent again, and then taken: two records.
    let records = world.records - before;
    assert!(records <= 160, "{records} records in an hour");
    assert!(records >= 60, "{records} records in an hour do not know what was sent");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Wherever it is stopped without a word, receivers hear of everything, with the same beginnings, and no
    /// alert's `active_at` moves.
    #[test]
    fn a_stop_at_any_moment_changes_nothing_that_is_told(
        phases in prop::collection::vec((any::<bool>(), 1_i64..12), 1..8),
        cuts in prop::collection::vec(0_i64..1_200_000, 1..5),
        refuses in 0_i64..4,
    ) {
        let body = |now: Timestamp| {
            let mut left = (now - START).as_millis() / 30_000;
            let mut on = false;
            for (is_on, steps) in &phases {
                if left < 0 { break; }
                on = *is_on;
                left -= steps;
            }
            Some(format!("override {}\n", u8::from(on)))
        };
        let takes = move |now: Timestamp| (now.as_millis() / 1000) % 4 >= refuses;
        let end = at(1200);
        let told = |world: &World<'_>| -> BTreeSet<_> {
            let alerts = world.received.iter().map(|(_, alert)| alert);
            alerts.map(|a| (a.name().to_owned(), a.status.as_str(), a.starts_at)).collect()
        };
        let since = |world: &World<'_>| -> BTreeSet<_> {
            let alerts = world.pipeline.rules().alerts();
            alerts.map(|a| (a.labels.clone(), a.phase == Phase::Firing, a.active_at, a.keep_firing_since)).collect()
        };
        let mut whole = World::new(RULES, &body);
        whole.restart(RULES);
        whole.run_until(end);
        let mut cut = World::new(RULES, &body);
        cut.takes = &takes;
        cut.restart(RULES);
        let mut cuts = cuts;
        cuts.sort_unstable();
        for millis in cuts {
            cut.run_until(START + Duration::from_millis(millis));
            cut.now = cut.now.max(START + Duration::from_millis(millis));
            let before = since(&cut);
            cut.restart(RULES);
            prop_assert_eq!(before, since(&cut));
        }
        cut.run_until(end);
        prop_assert_eq!(since(&whole), since(&cut));
        cut.takes = &|_| true;
        cut.run_until(end + Duration::from_secs(61));
        let (whole, cut) = (told(&whole), told(&cut));
        prop_assert!(whole.is_subset(&cut), "{:?}\n{:?}", whole, cut);
    }
}
