//! A rehearsal that cannot fail proves nothing: each change here must be noticed, by name.

use assurance_metrics_model::Duration;
use assurance_policy::Pack;
use assurance_rules::{AlertingRule, Rule};

use crate::{failing, pack, parse, run, scenario, text};

const GA_001: [&str; 4] = [
    "alert GA-001 fires in [T+5m, T+6m30s]",
    "alert GA-001 notifies in [T+5m, T+7m]",
    "alert GA-001 resolves in [T+1h3m, T+1h4m30s]",
    "alert GA-001 clears in [T+1h3m, T+1h6m30s]",
];

fn is(rule: &Rule, id: &str) -> bool {
    matches!(rule, Rule::Alerting(rule) if rule.labels.get("alert_id").is_some_and(|t| t.text() == id))
}

fn change(pack: &mut Pack, id: &str, change: impl Fn(&mut AlertingRule)) {
    for rule in pack.groups.iter_mut().flat_map(|group| &mut group.rules) {
        if is(rule, id)
            && let Rule::Alerting(rule) = rule
        {
            change(rule);
        }
    }
}

#[test]
fn without_its_rule_ga_001_is_missed() {
    let mut pack = pack();
    for group in &mut pack.groups {
        group.rules.retain(|rule| !is(rule, "GA-001"));
    }
    assert_eq!(failing(&run(&scenario("TABLETOP-001"), &pack, 1)), GA_001);
}

#[test]
fn a_rule_that_waits_twice_as_long_is_late() {
    let mut pack = pack();
    change(&mut pack, "GA-001", |rule| rule.hold = Duration::from_minutes(10));
    assert_eq!(failing(&run(&scenario("TABLETOP-001"), &pack, 1)), &GA_001[..2]);
}

#[test]
fn a_rule_that_does_not_keep_firing_clears_early() {
    let mut pack = pack();
    change(&mut pack, "GA-001", |rule| rule.keep_firing_for = Duration::ZERO);
    assert_eq!(failing(&run(&scenario("TABLETOP-001"), &pack, 1)), &GA_001[2..]);
}

#[test]
fn without_an_exporter_there_is_no_evidence() {
    let mut scenario = scenario("TABLETOP-001");
    scenario.environment.exporter = false;
    let report = run(&scenario, &pack(), 1);
    assert_eq!(
        failing(&report),
        [
            "no other alert fires",
            "evidence contains [sovereign.mode_override_created, sovereign.mode_override_expired]",
            "evidence is complete",
            "evidence verifies",
        ]
    );
    assert!(report.to_markdown().contains("Nothing was published."));
}

/// What is put in the place of what in the scenario's file, and which steps and claims must fail for it.
const CHANGES: &[(&str, &str, &[&str])] = &[
    // The override is used: the breach that the exercise is about not happening.
    (
        "  - at: T+1h\n    override.expire: {id: ovr_a1b2c3d4e5f6}",
        "  - at: T+30m\n    override.use: {id: ovr_a1b2c3d4e5f6, target: sovereign}",
        &[
            "alert GA-001b fires in [T+0s, T+1m10s]",
            "alert GA-001 resolves in [T+1h3m, T+1h4m30s]",
            "alert GA-001 clears in [T+1h3m, T+1h6m30s]",
            "audit contains sovereign.mode_override_created before sovereign.mode_override_expired",
            "audit contains sovereign.mode_override_expired once",
            "audit lacks sovereign.mode_override_used",
            "audit lacks sovereign.mode_changed",
            "metric sovereign_mode_switch_total unchanged",
            "metric sovereign_override_usage_total unchanged",
            "evidence contains [sovereign.mode_override_created, sovereign.mode_override_expired]",
        ],
    ),
    // Somebody else attacks meanwhile.
    (
        "  - at: T+1h\n",
        "  - {at: T+20m, axe.violation: {ip: 203.0.113.9}}\n  - at: T+1h\n",
        &["no other alert fires"],
    ),
    // Two lost scrapes change nothing.
    (
        "  lead_in: 5m\n",
        "  lead_in: 5m\n  lost_scrapes: [{job: brain-governance, from: T+3m, until: T+4m}]\n",
        &[],
    ),
    // Six minutes without any are an alert of their own; what was seen before them counts.
    (
        "  lead_in: 5m\n",
        "  lead_in: 5m\n  lost_scrapes: [{job: brain-governance, from: T+1m, until: T+7m}]\n",
        &["no other alert fires"],
    ),
    // Before anything was seen they make both alerts late.
    (
        "  lead_in: 5m\n",
        "  lead_in: 5m\n  lost_scrapes: [{job: brain-governance, from: T+0s, until: T+7m}]\n",
        &["alert GA-001b fires in [T+0s, T+1m10s]", GA_001[0], GA_001[1], "no other alert fires"],
    ),
    // A pager that is away hears of it late.
    ("  lead_in: 5m\n", "  lead_in: 5m\n  refused_deliveries: [{from: T+5m, until: T+9m}]\n", &[GA_001[1]]),
    // A restart moves no alert, but may have cost events, and the evidence says so.
    (
        "  - at: T+1h\n",
        "  - {at: T+20m, backend.stop: {}}\n  - {at: T+20m20s, backend.start: {}}\n  - at: T+1h\n",
        &["evidence is complete"],
    ),
    // A backend that is down at the end of the hour writes the expiry late.
    (
        "  - at: T+1h\n",
        "  - {at: T+59m50s, backend.stop: {}}\n  - {at: T+1h20s, backend.start: {}}\n  - at: T+1h\n",
        &["T+1h override.expire ovr_a1b2c3d4e5f6", "evidence is complete"],
    ),
];

#[test]
fn each_change_fails_the_claims_that_are_about_it_and_no_others() {
    for (from, to, wanted) in CHANGES {
        let original = text("TABLETOP-001");
        assert!(original.contains(from), "{from}");
        let scenario = parse(&original.replacen(from, to, 1)).unwrap_or_else(|flaws| panic!("{}", flaws[0]));
        let report = run(&scenario, &pack(), 1);
        assert_eq!(failing(&report), *wanted, "{to}");
        assert_eq!(report.holds, wanted.is_empty());
    }
}
