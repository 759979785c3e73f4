use std::collections::BTreeMap;

use assurance_simulator::{Command, QuarantineCause, Refusal, World, WorldConfig};
use proptest::prelude::*;

use crate::metrics::command;
use crate::{T0, an_override, original, sample, secs, types, world};

#[test]
fn a_restart_empties_the_list_and_keeps_the_file() {
    let mut world = world();
    world.axe_violation(secs(1), "203.0.113.9".parse().unwrap()).unwrap();
    world.restart(secs(2)).unwrap();
    assert_eq!(types(&world), [""; 0]);
    assert_eq!(world.statistics().audit_entries, 0);
    assert_eq!(world.audit_file().len(), 2);
    let counter = r#"axe_trust_violation_total{trust_tier="external"}"#;
    let last = r#"axe_trust_violation_last_timestamp_seconds{trust_tier="external"}"#;
    assert_eq!(sample(&mut world, secs(3), counter), Some(1.0));
    assert_eq!(sample(&mut world, secs(3), last), Some(secs(1).as_secs_f64()));
}

#[test]
fn a_bundle_quarantined_again_at_start_is_counted_again() {
    let mut world = world();
    for (at, count) in [(secs(1), 1.0), (secs(60), 2.0)] {
        world.restart(at).unwrap();
        world.quarantine_bundle(at, "bundle-x".to_owned(), QuarantineCause::Unsigned).unwrap();
        assert_eq!(sample(&mut world, at, "sovereign_bundle_quarantine_total"), Some(count));
        let last = sample(&mut world, at, "sovereign_bundle_quarantine_last_timestamp_seconds");
        assert_eq!(last, Some(at.as_secs_f64()));
        assert_eq!(sample(&mut world, at, "sovereign_bundles_quarantined"), Some(1.0));
    }
}

/// As original the counter is in memory, and the second quarantine looks like the first.
#[test]
fn as_original_a_restart_hides_it() {
    let mut world = original();
    for at in [secs(1), secs(60)] {
        world.restart(at).unwrap();
        world.quarantine_bundle(at, format!("bundle-{at}"), QuarantineCause::Unsigned).unwrap();
        assert_eq!(sample(&mut world, at, "sovereign_bundle_quarantine_total"), Some(1.0));
    }
}

#[test]
fn nothing_obeys_while_the_process_is_down() {
    let mut world = world();
    assert_eq!(world.start(T0), Err(Refusal::Running));
    world.stop(T0).unwrap();
    assert_eq!(world.stop(T0), Err(Refusal::Down));
    assert!(!world.is_up());
    for command in [
        Command::CreateOverride(an_override()),
        Command::SignatureFailure { id: "x".to_owned() },
        Command::AxeViolation { ip: "203.0.113.9".parse().unwrap() },
        Command::Restart,
    ] {
        assert_eq!(world.handle(T0, command), Err(Refusal::Down));
    }
    assert_eq!(world.audit_file().len(), 0);
}

#[test]
fn an_override_whose_time_ends_in_a_downtime_expires_at_the_next_start() {
    let mut world = world();
    world.create_override(T0, an_override()).unwrap();
    world.stop(secs(3000)).unwrap();
    world.advance(secs(4000));
    assert_eq!(world.audit_file().len(), 1, "nobody is there to write it");
    world.start(secs(4000)).unwrap();
    assert_eq!(types(&world), ["sovereign.mode_override_expired"]);
    let entry = crate::json(world.audit(1, None)[0]);
    assert_eq!(entry["timestamp"], "2025-12-25T15:22:03");
    assert_eq!(entry["metadata"]["expired_at"], "2025-12-25T15:15:23");
}

/// The samples of a page whose names end so.
fn ending(page: &str, suffix: &str) -> BTreeMap<String, f64> {
    let samples = page.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.rsplit_once(' '));
    samples
        .filter(|(series, _)| series.split('{').next().unwrap().ends_with(suffix))
        .map(|(series, value)| (series.to_owned(), value.parse().unwrap()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_loses_neither_counters_nor_last_times(
        steps in prop::collection::vec((command(), 0..4000i64), 1..30),
        downtime in 0..5000i64,
    ) {
        let mut world = World::new(WorldConfig::default(), T0);
        let mut now = T0;
        let mut latest = BTreeMap::new();
        let mut counted = BTreeMap::new();
        for (command, wait) in steps {
            now += assurance_metrics_model::Duration::from_secs(wait);
            let _refused = world.handle(now, command);
            let page = world.metrics(now);
            let times = ending(&page, "_last_timestamp_seconds");
            for (series, at) in &times {
                prop_assert!(latest.get(series).is_none_or(|before| before <= at), "{} went back", series);
                prop_assert!(*at <= now.as_secs_f64());
            }
            latest = times;
            counted = ending(&page, "_total");
        }
        world.stop(now).unwrap();
        let file = world.audit_file().len();
        world.start(now + assurance_metrics_model::Duration::from_secs(downtime)).unwrap();
        let page = world.metrics(now);
        prop_assert_eq!(ending(&page, "_last_timestamp_seconds"), latest);
        // An override may have expired in the downtime; nothing else is written at a start.
        let late = world.audit_file().len() - file;
        prop_assert!(late <= 1);
        for (series, value) in ending(&page, "_total") {
            let later = if series == "sovereign_audit_events_total" { late as f64 } else { 0.0 };
            prop_assert_eq!(value, counted[&series] + later, "{}", series);
        }
    }

    #[test]
    fn an_answer_has_the_newest_entries_and_never_more_than_asked(
        steps in prop::collection::vec(command(), 1..60),
        limit in 1..1001usize,
    ) {
        let mut world = World::new(WorldConfig::default(), T0);
        for command in steps {
            let _refused = world.handle(T0, command);
        }
        let answer = world.audit(limit, None);
        let file = world.audit_file();
        prop_assert_eq!(answer.len(), limit.min(file.len()));
        let newest: Vec<&str> = file[file.len() - answer.len()..].iter().map(|raw| &**raw).collect();
        prop_assert_eq!(answer, newest);
    }
}
