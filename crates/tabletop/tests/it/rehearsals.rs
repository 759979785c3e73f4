use assurance_tabletop::scenarios;
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

#[test]
fn a_refusal_holds_only_where_one_is_expected() {
    let text = |refused: bool| {
        format!(
            "
id: TABLETOP-901
title: The backend refuses
summary: A second override while one lives.
clock: {{t0: 2026-01-02T10:00:00Z, startex: 2026-01-02T10:01:00Z, endex: 2026-01-02T10:10:00Z}}
world:
  - {{at: T+0s, override.create: {{id: ovr_1, reason: long enough to pass, ttl: 30m}}}}
  - {{at: T+1m, refused: {refused}, override.create: {{id: ovr_2, reason: long enough to pass, ttl: 30m}}}}
claims:
  - audit contains sovereign.mode_override_created once
"
        )
    };
    let report = run(&parse(&text(true)).unwrap(), &pack(), 1);
    assert!(report.holds, "{:?}", failing(&report));
    assert!(report.steps[1].measured.starts_with("refused: override ovr_1 lives until"));
    let report = run(&parse(&text(false)).unwrap(), &pack(), 1);
    assert_eq!(failing(&report), ["T+1m override.create ovr_2 for 30m by api"]);
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
  - metric sovereign_override_usage_total is 0 at T+19m
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
