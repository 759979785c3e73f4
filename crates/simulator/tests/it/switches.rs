use assurance_metrics_model::Duration;
use assurance_simulator::{
    BundleRefusal, Command, Gate, GateState, Health, Mode, Outcome, QuarantineCause, Refusal, SwitchRequest,
    Switched, World,
};

use crate::{T0, an_override, field, json, sample, secs, types, world};

fn gate(world: &mut World, gate: Gate, state: GateState) {
    assert_eq!(world.handle(T0, Command::SetGate { gate, state }), Ok(Outcome::Done));
}

#[test]
fn a_clean_switch_is_preflight_then_change() {
    let mut world = world();
    let request = SwitchRequest::to(Mode::Sovereign).because("planned maintenance");
    let switched = world.switch_mode(T0, request).unwrap();
    assert_eq!(switched, Switched { from: Mode::Online, to: Mode::Sovereign, override_used: None });
    assert_eq!(types(&world), ["sovereign.mode_preflight_ok", "sovereign.mode_changed"]);
    let change = json(world.audit(1, None)[0]);
    assert_eq!(change["mode_before"], "online");
    assert_eq!(change["mode_after"], "sovereign");
    assert_eq!(change["bundle_id"], "bundle-core");
    assert_eq!(change["reason"], "planned maintenance");
    assert_eq!(sample(&mut world, T0, r#"sovereign_mode_switch_total{target_mode="sovereign"}"#), Some(1.0));
    assert!(world.status().is_sovereign);
}

#[test]
fn to_where_it_is_nothing_happens_unless_forced() {
    let mut world = world();
    world.switch_mode(T0, SwitchRequest::to(Mode::Online)).unwrap();
    assert_eq!(types(&world), [""; 0]);
    world.switch_mode(T0, SwitchRequest { force: true, ..SwitchRequest::to(Mode::Online) }).unwrap();
    assert_eq!(types(&world), ["sovereign.mode_preflight_ok", "sovereign.mode_changed"]);
}

#[test]
fn each_blocking_gate_counts_and_one_event_names_them() {
    let mut world = world();
    gate(&mut world, Gate::Network, GateState::Fail);
    gate(&mut world, Gate::Ipv6, GateState::Fail);
    gate(&mut world, Gate::Dmz, GateState::Warning);
    let Err(Refusal::Blocked(preflight)) = world.switch_mode(T0, SwitchRequest::to(Mode::Sovereign)) else {
        panic!("two gates fail");
    };
    assert_eq!(preflight.blocking_reasons, ["network_gate failed", "ipv6_gate failed"]);
    assert_eq!(preflight.warnings, ["dmz_gate passed with a warning"]);
    assert!(preflight.override_required && !preflight.can_proceed);
    assert_eq!(world.mode(), Mode::Online);
    let event = json(world.audit(1, None)[0]);
    assert_eq!(event["event_type"], "sovereign.mode_preflight_failed");
    assert_eq!(event["metadata"]["blocking_gates"], serde_json::json!(["network_gate", "ipv6_gate"]));
    assert_eq!(event["ipv6_related"], true);
    for (name, count) in
        [("network_gate", 1.0), ("ipv6_gate", 1.0), ("dmz_gate", 0.0), ("bundle_trust_gate", 0.0)]
    {
        let series = format!("sovereign_preflight_failure_total{{gate=\"{name}\"}}");
        assert_eq!(sample(&mut world, T0, &series), Some(count), "{series}");
    }
}

#[test]
fn dry_runs_count_too() {
    let mut world = world();
    for gate in Gate::ALL {
        let Ok(Outcome::Preflight(run)) = world.handle(T0, Command::PreflightFailure { gate }) else {
            panic!("a dry run is answered");
        };
        assert!(!run.can_proceed);
        let series = format!("sovereign_preflight_failure_total{{gate=\"{}\"}}", gate.as_str());
        assert_eq!(sample(&mut world, T0, &series), Some(1.0), "{series}");
    }
    assert!(world.preflight(T0, Mode::Sovereign).unwrap().can_proceed, "the forced failure was for once");
}

#[test]
fn into_quarantine_the_way_is_always_open() {
    let mut world = world();
    for blocked in Gate::ALL {
        gate(&mut world, blocked, GateState::Fail);
    }
    world.switch_mode(T0, SwitchRequest::to(Mode::Quarantine)).unwrap();
    assert_eq!(types(&world), ["sovereign.mode_preflight_warning", "sovereign.mode_changed"]);
    assert!(world.switch_mode(T0, SwitchRequest::to(Mode::Online)).is_err(), "out of it, gates block");
}

#[test]
fn a_failed_commit_is_rolled_back_and_has_spent_its_override() {
    let mut world = world();
    let token = world.create_override(T0, an_override()).unwrap().id;
    world.handle(T0, Command::BreakNextCommit { point: "network guard".to_owned() }).unwrap();
    let refused = world.switch_mode(secs(1), SwitchRequest::to(Mode::Sovereign).using(token)).unwrap_err();
    assert_eq!(refused.to_string(), "switch to sovereign failed at network guard and was rolled back");
    assert_eq!(
        types(&world)[2..],
        ["sovereign.mode_override_used", "sovereign.mode_commit_failed", "sovereign.mode_rollback"]
    );
    assert_eq!(world.mode(), Mode::Online);
    assert!(world.live_override().is_none());
    assert_eq!(sample(&mut world, secs(1), "sovereign_mode_rollback_total"), Some(1.0));
    assert_eq!(
        sample(&mut world, secs(1), "sovereign_mode_rollback_last_timestamp_seconds"),
        Some(secs(1).as_secs_f64())
    );
    assert_eq!(
        sample(&mut world, secs(1), r#"sovereign_mode_switch_total{target_mode="sovereign"}"#),
        Some(0.0)
    );
    let status = world.governance_status().unwrap();
    assert_eq!(status.overall_governance, Health::Critical);
    assert_eq!(status.critical_events_24h.len(), 1);
    world.switch_mode(secs(2), SwitchRequest::to(Mode::Sovereign)).expect("only one commit was to fail");
}

#[test]
fn only_a_validated_bundle_runs() {
    let mut world = world();
    let with =
        |id: &str| SwitchRequest { bundle_id: Some(id.to_owned()), ..SwitchRequest::to(Mode::Sovereign) };
    let unknown = BundleRefusal::Unknown { id: "bundle-x".to_owned() };
    assert_eq!(world.switch_mode(T0, with("bundle-x")), Err(Refusal::Bundle(unknown)));
    world.quarantine_bundle(T0, "bundle-x".to_owned(), QuarantineCause::Unsigned).unwrap();
    let bad = BundleRefusal::Quarantined { id: "bundle-x".to_owned() };
    assert_eq!(world.switch_mode(T0, with("bundle-x")), Err(Refusal::Bundle(bad)));
    world.validate_bundle(T0, "bundle-x".to_owned()).unwrap();
    world.switch_mode(T0, with("bundle-x")).unwrap();
    assert_eq!(world.status().active_bundle.unwrap().id, "bundle-x");
}

#[test]
fn after_an_unused_override_all_is_healthy_again() {
    let mut world = world();
    let live = world.create_override(T0, an_override()).unwrap();
    let during = world.governance_status().unwrap();
    assert_eq!(
        (during.overall_governance, during.g2_mode_governance.override_active),
        (Health::Warning, true)
    );
    world.advance(live.expires_at);
    let after = world.governance_status().unwrap();
    assert_eq!(
        (after.overall_governance, after.g2_mode_governance.override_active),
        (Health::Healthy, false)
    );
    let summary = world.metrics_summary();
    assert_eq!((summary.override_active, summary.override_usage_total), (false, 0));
}

#[test]
fn the_status_forgets_after_a_day() {
    let mut world = world();
    world.handle(T0, Command::PreflightFailure { gate: Gate::Network }).unwrap();
    let failures =
        |world: &World| world.governance_status().unwrap().g2_mode_governance.preflight_failures_24h;
    world.advance(secs(86_400) - Duration::from_millis(1));
    assert_eq!(failures(&world), 1);
    world.advance(secs(86_400));
    assert_eq!(failures(&world), 0);
}

#[test]
fn a_call_from_the_past_happens_now() {
    let mut world = world();
    world.advance(secs(60));
    world.switch_mode(secs(10), SwitchRequest::to(Mode::Offline)).unwrap();
    assert_eq!(field(world.audit(1, None)[0], "timestamp"), "2025-12-25T14:16:23.000043");
}
