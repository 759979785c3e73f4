use std::collections::{BTreeMap, BTreeSet};

use assurance_exposition::{Format, parse};
use assurance_metrics_model::{METRIC_NAME, Timestamp};
use assurance_simulator::{Command, Gate, Mode, QuarantineCause, SwitchRequest, World, WorldConfig};
use proptest::prelude::*;

use crate::{T0, an_override, original, secs, world};

fn busy(mut world: World) -> World {
    let _refused_as_original = world.create_override(secs(1), an_override());
    world.handle(secs(2), Command::PreflightFailure { gate: Gate::Network }).unwrap();
    world.switch_mode(secs(3), SwitchRequest::to(Mode::Sovereign)).unwrap();
    world.quarantine_bundle(secs(4), "bundle-x".to_owned(), QuarantineCause::SignatureInvalid).unwrap();
    world.axe_violation(secs(5), "203.0.113.9".parse().unwrap()).unwrap();
    world
}

#[test]
fn the_page_of_a_fresh_process() {
    insta::assert_snapshot!(world().metrics(T0));
}

#[test]
fn the_page_of_a_busy_process() {
    insta::assert_snapshot!(busy(world()).metrics(secs(6)));
}

#[test]
fn the_page_as_original() {
    insta::assert_snapshot!(original().metrics(T0));
    insta::assert_snapshot!(busy(original()).metrics(secs(6)));
}

/// The contract and the page name the same metrics, types, labels and label values, none more, none less.
#[test]
fn the_page_is_what_the_contract_promises() {
    let contract = assurance_policy::metric_contract().unwrap();
    let page = world().metrics(T0);
    let parsed = parse(page.as_bytes(), Format::Text);
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);

    let mut shown = BTreeMap::new();
    for family in &parsed.families {
        let series: BTreeSet<String> =
            family.samples.iter().map(|s| s.labels.without(&[METRIC_NAME]).to_string()).collect();
        shown.insert(family.name.as_ref(), (family.metadata.metric_type, series));
    }
    let promised = contract.metrics.iter().filter(|m| m.job == "brain-governance").map(|metric| {
        let mut series = BTreeSet::from(["{}".to_owned()]);
        if let Some((label, values)) = metric.labels.first_key_value() {
            series = values.iter().map(|value| format!("{{{label}=\"{value}\"}}")).collect();
        }
        (metric.name.as_str(), (metric.metric_type, series))
    });
    assert_eq!(shown, promised.collect());

    for metric in contract.metrics.iter().filter(|m| m.job == "brain-governance") {
        let Some(at_start) = metric.at_start else { continue };
        let value =
            page.lines().find(|l| l.starts_with(&metric.name)).and_then(|l| l.rsplit_once(' ')).unwrap().1;
        assert_eq!(value.parse(), Ok(at_start), "{}", metric.name);
    }
}

#[test]
fn a_process_that_is_down_shows_nothing() {
    let mut world = world();
    world.stop(secs(1)).unwrap();
    assert_eq!(world.metrics(secs(2)), "");
    world.start(secs(3)).unwrap();
    assert!(world.metrics(secs(3)).contains("sovereign_override_active 0.0\n"));
}

/// Which event moves which counter, for a process that never restarted.
const MOVED_BY: &[(&str, &[&str])] = &[
    ("sovereign_override_created_total", &["sovereign.mode_override_created"]),
    ("sovereign_override_usage_total", &["sovereign.mode_override_used"]),
    ("sovereign_mode_switch_total", &["sovereign.mode_changed"]),
    ("sovereign_mode_rollback_total", &["sovereign.mode_rollback"]),
    ("sovereign_bundle_quarantine_total", &["sovereign.bundle_quarantined"]),
    ("sovereign_bundle_signature_failure_total", &["sovereign.bundle_signature_invalid"]),
    (
        "sovereign_bundle_untrusted_source_total",
        &["sovereign.bundle_key_untrusted", "sovereign.connector_blocked"],
    ),
    ("axe_trust_violation_total", &["axe.trust_tier_violation"]),
    ("sovereign_preflight_failure_total", &["sovereign.mode_preflight_failed"]),
    ("sovereign_audit_events_total", &[""]),
];

pub(crate) fn command() -> impl Strategy<Value = Command> {
    use assurance_simulator::{ExportRequest, UntrustedReason};
    let bundle = || prop_oneof![Just("bundle-a".to_owned()), Just("bundle-core".to_owned())];
    prop_oneof![
        Just(Command::CreateOverride(an_override())),
        (0..4usize, any::<bool>()).prop_map(|(mode, token)| {
            let request = SwitchRequest::to(Mode::ALL[mode]);
            Command::SwitchMode(if token { request.using("ovr_a1b2c3d4e5f6") } else { request })
        }),
        (0..4usize).prop_map(|gate| Command::PreflightFailure { gate: Gate::ALL[gate] }),
        Just(Command::BreakNextCommit { point: "here".to_owned() }),
        bundle().prop_map(|id| Command::ValidateBundle { id }),
        (bundle(), 0..4usize).prop_map(|(id, cause)| {
            use QuarantineCause::{HashMismatch, KeyUntrusted, SignatureInvalid, Unsigned};
            let cause = [SignatureInvalid, KeyUntrusted, Unsigned, HashMismatch][cause];
            Command::QuarantineBundle { id, cause }
        }),
        (bundle(), any::<bool>()).prop_map(|(id, key)| {
            let reason = if key { UntrustedReason::KeyUntrusted } else { UntrustedReason::OriginDenied };
            Command::UntrustedSource { id, reason }
        }),
        any::<u32>().prop_map(|ip| Command::AxeViolation { ip: std::net::Ipv4Addr::from_bits(ip).into() }),
        Just(Command::ExportAudit(ExportRequest::default())),
    ]
}

fn total(page: &str, name: &str) -> f64 {
    let samples =
        page.lines().filter(|l| l.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
    samples.map(|l| l.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// What the metrics count is what the log tells: neither can say something that the other does not.
    #[test]
    fn counters_and_events_agree(steps in prop::collection::vec((command(), 0..4000i64), 1..40)) {
        let mut world = World::new(WorldConfig::default(), T0);
        let mut now = T0;
        for (command, wait) in steps {
            now = Timestamp::from_millis(now.as_millis() + wait * 1000);
            let _refused = world.handle(now, command);
        }
        let page = world.metrics(now);
        for (counter, events) in MOVED_BY {
            let told: usize = events
                .iter()
                .map(|e| world.audit_file().iter().filter(|raw| raw.contains(&format!("\"event_type\":\"{e}"))).count())
                .sum();
            prop_assert_eq!(total(&page, counter), told as f64, "{}", counter);
        }
    }
}
