use assurance_tabletop::{Report, scenarios};
use proptest::prelude::*;

use crate::{failing, pack, parse, run, scenario};

#[test]
fn every_scenario_has_its_id_as_its_name_and_holds() {
    let pack = pack();
    for (file, text) in scenarios() {
        let scenario = parse(text).unwrap_or_else(|flaws| panic!("{}", flaws[0]));
        assert_eq!(format!("{}.yml", scenario.id), *file);
        let report = run(&scenario, &pack, 1);
        assert!(report.holds, "{file}: {:?}", failing(&report));
    }
}

/// A scenario of ten minutes: its steps and its claims.
fn short(world: &str, claims: &str) -> Report {
    let text = format!(
        "
id: TABLETOP-901
title: Ten minutes
summary: Whatever a test needs.
clock: {{t0: 2026-01-02T10:00:00Z, startex: 2026-01-02T10:01:00Z, endex: 2026-01-02T10:10:00Z}}
world:
{world}
claims:
{claims}
"
    );
    run(&parse(&text).unwrap_or_else(|flaws| panic!("{}", flaws[0])), &pack(), 1)
}

const CREATED: &str = "  - audit contains sovereign.mode_override_created";

#[test]
fn a_refusal_holds_only_where_one_is_expected() {
    let create = |at: u32, refused: bool| {
        format!(
            "  - {{at: T+{at}m, refused: {refused}, override.create: {{id: o, reason: long enough to pass, ttl: 30m}}}}\n"
        )
    };
    let report = short(&(create(0, false) + &create(1, true)), CREATED);
    assert!(report.holds, "{:?}", failing(&report));
    assert!(report.steps[1].measured.starts_with("refused: override o lives until"));
    let report = short(&(create(0, false) + &create(1, false)), CREATED);
    assert_eq!(failing(&report), ["T+1m override.create o for 30m by api"]);
    let report = short(&create(0, true), CREATED);
    assert_eq!(failing(&report), ["T+0s override.create o for 30m by api"]);
    // Equal steps at one instant are told apart by their order.
    let report = short(&(create(0, false) + &create(0, true)), CREATED);
    assert!(report.holds, "{:?}", failing(&report));
}

#[test]
fn claims_about_the_log_fail_where_the_log_says_otherwise() {
    let world = "
  - {at: T+1m, axe.violation: {ip: 203.0.113.9}}
  - {at: T+2m, axe.violation: {ip: 203.0.113.9}}
  - {at: T+3m, mode.switch: {target: offline}}";
    let right = "
  - audit contains axe.trust_tier_violation 2 times
  - audit contains axe.trust_tier_violation before sovereign.mode_changed
  - audit contains axe.trust_tier_violation before axe.request_blocked
  - audit lacks sovereign.mode_rollback";
    assert_eq!(failing(&short(world, right)), [""; 0]);
    let wrong = [
        "audit contains axe.trust_tier_violation once",
        "audit contains axe.trust_tier_violation 3 times",
        "audit contains sovereign.mode_changed before axe.trust_tier_violation",
        "audit contains axe.request_blocked before axe.trust_tier_violation",
        "audit contains sovereign.mode_changed before sovereign.mode_rollback",
        "audit contains sovereign.mode_rollback before sovereign.mode_changed",
        "audit contains sovereign.mode_rollback",
        "audit lacks sovereign.mode_changed",
    ];
    let claims: String = wrong.iter().map(|claim| format!("  - {claim}\n")).collect();
    assert_eq!(failing(&short(world, &claims)), wrong);
}

#[test]
fn claims_about_metrics_fail_where_samples_say_otherwise() {
    let world = "  - {at: T+1m, axe.violation: {ip: 203.0.113.9}}";
    let right = "
  - metric sovereign_override_active unchanged
  - metric axe_trust_violation_total is 0 at T+1m
  - metric axe_trust_violation_total is 1 at T+2m
  - metric sovereign_mode_switch_total{target_mode=~\"off.*\"} is 0 at T+5m";
    assert_eq!(failing(&short(world, right)), [""; 0]);
    let wrong = [
        "metric axe_trust_violation_total unchanged",
        "metric axe_trust_violation_total is 2 at T+2m",
        "metric axe_trust_violation_total{trust_tier=\"local\"} is 0 at T+2m",
        "metric axe_trust_violation_total{trust_tier=\"local\"} unchanged",
    ];
    let claims: String = wrong.iter().map(|claim| format!("  - '{claim}'\n")).collect();
    let report = short(world, &claims);
    assert_eq!(failing(&report), wrong);
    assert!(report.claims[0].measured.contains(" went from 0 to 1 at T+1m"), "{}", report.claims[0].measured);
    assert_eq!(report.claims[2].measured, "no such series");
}

/// Every action, each once, with claims about what follows.
#[test]
fn a_day_on_which_everything_happens() {
    let text = "
id: TABLETOP-902
title: Everything
summary: Every action once.
clock: {t0: 2026-01-02T10:00:00Z, startex: 2026-01-02T10:01:00Z, endex: 2026-01-02T11:00:00Z}
world:
  - {at: T+0s, gate.set: {gate: dmz_gate, state: fail}}
  - {at: T+1m, mode.switch: {target: sovereign, reason: blocked}, refused: true}
  - {at: T+2m, override.create: {id: ovr_1, reason: long enough to pass, ttl: 30m}}
  - {at: T+3m, override.use: {id: ovr_1, target: sovereign}}
  - {at: T+4m, gate.set: {gate: dmz_gate, state: pass}}
  - {at: T+5m, mode.preflight: {target: online}}
  - {at: T+6m, gate.fail_once: {gate: ipv6_gate}}
  - {at: T+7m, commit.break_next: {point: network guard}}
  - {at: T+8m, mode.switch: {target: online}, refused: true}
  - {at: T+9m, mode.switch: {target: online, force: true, reason: again}}
  - {at: T+10m, bundle.quarantine: {id: bundle-x, cause: hash_mismatch}}
  - {at: T+11m, bundle.validate: {id: bundle-x}}
  - {at: T+12m, bundle.refuse: {id: bundle-y, reason: origin_denied}}
  - {at: T+13m, axe.violation: {ip: '2001:db8::7'}}
  - {at: T+14m, axe.violation: {ip: 127.0.0.1}, refused: true}
  - {at: T+15m, audit.export: {}}
  - {at: T+16m, backend.restart: {}}
  - {at: T+17m, backend.stop: {}}
  - {at: T+17m20s, backend.start: {}}
claims:
  - alert GA-001 never fires
  - alert GA-002 fires in [T+10m, T+11m10s]
  - alert GA-002b never
  - alert GA-003 notifies in [T+13m, T+14m15s]
  - alert GA-010 fires in [T+12m, T+13m10s]
  - alert GA-011 fires in [T+8m, T+9m10s]
  - audit contains sovereign.mode_preflight_failed 3 times
  - audit contains sovereign.mode_override_used before sovereign.mode_changed
  - audit contains sovereign.mode_changed 2 times
  - audit contains sovereign.mode_commit_failed once before sovereign.mode_rollback
  - audit lacks sovereign.mode_override_expired
  - metric sovereign_override_usage_total is 1 at T+10m
  - metric sovereign_override_usage_total is 1 at T+19m
  - metric up{job=\"brain-governance\"} is 1 at E+50m
  - evidence contains [sovereign.governance_audit_exported, sovereign.connector_blocked]
  - evidence verifies
";
    let scenario = parse(text).unwrap_or_else(|flaws| panic!("{}", flaws[0]));
    for seed in 0..4 {
        let report = run(&scenario, &pack(), seed);
        assert_eq!(failing(&report), [""; 0], "seed {seed}");
        assert!(!report.evidence.complete, "a restart may have cost events, and the evidence says so");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Claims are about what must hold, not about one lucky phase.
    #[test]
    fn the_first_scenario_holds_for_every_seed(seed in any::<u64>()) {
        let report = run(&scenario("TABLETOP-001"), &pack(), seed);
        prop_assert!(report.holds, "{:?}", failing(&report));
    }
}
