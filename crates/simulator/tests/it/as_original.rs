use assurance_simulator::{
    AuditRefusal, Command, ExportRequest, Gate, GateState, Mode, QuarantineCause, Refusal, SwitchRequest,
    UntrustedReason,
};

use crate::{T0, an_override, json, original, sample, secs, types};

#[test]
fn an_override_is_made_and_used_within_one_call() {
    let mut world = original();
    assert_eq!(world.create_override(T0, an_override()), Err(Refusal::NoStandaloneOverride));
    world.handle(T0, Command::SetGate { gate: Gate::Dmz, state: GateState::Fail }).unwrap();
    let mut switch = SwitchRequest::to(Mode::Sovereign);
    switch.override_reason = Some("because I can, today".to_owned());
    world.switch_mode(T0, switch).unwrap();
    assert_eq!(
        types(&world),
        ["sovereign.mode_preflight_failed", "sovereign.mode_override_used", "sovereign.mode_changed"],
        "its creation is no event"
    );
    assert_eq!(sample(&mut world, T0, "sovereign_override_active"), Some(0.0));
    assert_eq!(sample(&mut world, T0, "sovereign_override_usage_total"), Some(1.0));
    let used = json(world.audit(2, None)[0]);
    assert_eq!(used["metadata"]["metadata"]["override_granted_by"], "owner");
    assert_eq!(used["triggered_by"], "system");
}

#[test]
fn labelled_counters_appear_with_their_first_event() {
    let mut world = original();
    let series = r#"axe_trust_violation_total{trust_tier="external"}"#;
    assert_eq!(sample(&mut world, T0, series), None);
    world.axe_violation(secs(1), "203.0.113.9".parse().unwrap()).unwrap();
    assert_eq!(sample(&mut world, secs(1), series), Some(1.0));
}

#[test]
fn bundle_events_are_never_written_and_one_bundle_counts_once() {
    let mut world = original();
    for at in [secs(1), secs(2)] {
        world.quarantine_bundle(at, "bundle-x".to_owned(), QuarantineCause::SignatureInvalid).unwrap();
        assert_eq!(sample(&mut world, at, "sovereign_bundle_quarantine_total"), Some(1.0));
        assert_eq!(sample(&mut world, at, "sovereign_bundle_signature_failure_total"), Some(1.0));
    }
    world.untrusted_source(secs(3), "bundle-y".to_owned(), UntrustedReason::OriginDenied).unwrap();
    assert_eq!(types(&world), [""; 0]);
}

#[test]
fn export_and_governance_status_always_fail() {
    let mut world = original();
    let refused = world.export_audit(T0, &ExportRequest::default()).unwrap_err();
    assert_eq!(refused, Refusal::Audit(AuditRefusal::NotAwaitable));
    assert_eq!(refused.to_string(), "object list can't be used in 'await' expression");
    assert_eq!(world.governance_status(), Err(AuditRefusal::NotAwaitable));
    assert_eq!(types(&world), [""; 0]);
}

#[test]
fn filters_know_no_other_names() {
    let mut world = original();
    world.switch_mode(T0, SwitchRequest::to(Mode::Offline)).unwrap();
    assert_eq!(world.audit(10, Some("sovereign.mode_changed")).len(), 1);
    assert_eq!(world.audit(10, Some("mode_changed")).len(), 0);
}
