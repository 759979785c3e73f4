use assurance_diagnostics::Source;
use assurance_policy::{MismatchKind, metric_contract, pack};
use assurance_rules::RuleFile;

/// What the contract says of one expression.
fn check(expression: &str) -> Vec<String> {
    let text = format!("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: '{expression}'\n");
    let file = RuleFile::parse(&Source::new("r.yml", text)).unwrap_or_else(|p| panic!("{}", p[0]));
    let contract = metric_contract().expect("the contract is sound");
    contract.check(&file.groups).iter().map(ToString::to_string).collect()
}

#[test]
fn every_selector_of_the_pack_can_find_something() {
    let pack = pack().unwrap_or_else(|problems| panic!("{}", problems[0]));
    assert_eq!(pack.contract.check(&pack.groups), []);
}

#[test]
fn selectors_that_can_never_find_anything_are_found() {
    let shown = [
        r#"up{job="brain_governance"} == 0"#,
        r#"increase(sovereign_bundle_quarantined_total[5m]) > 0"#,
        r#"increase(axe_trust_violation_total{trust_tier="internal"}[5m]) > 0"#,
        r#"increase(sovereign_preflight_failure_total{gate=~"dns.*"}[1h]) > 0"#,
        r#"sovereign_override_active{gate="dmz_gate"} == 1"#,
        r#"sovereign_mode_switch_total{mode="online"} > 1"#,
        r#"time() - governance_evidence_last_publish_timestamp_seconds{job="brain-governance"} > 1"#,
        r#"completely_different_metric > 0"#,
        r#"sovereign_override_active == 1 and on () axe_trust_violation_totl > 0"#,
    ]
    .map(|expression| {
        let found = check(expression);
        assert_eq!(found.len(), 1, "{expression}: {found:?}");
        found.concat()
    });
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn selectors_that_can_find_something_are_not() {
    for expression in [
        r#"sovereign_override_active{instance="anything:8000",component="sovereign-mode"} == 1"#,
        r#"up{job=~"brain-.*"} == 0 or absent(up{job="brain-evidence"})"#,
        r#"sovereign_preflight_failure_total{gate!="dmz_gate",region=""} > 1"#,
        r#"{__name__=~"sovereign_.*_total",reason="origin_denied"} > 1"#,
        r#"ALERTS{alertname="X",severity="critical",team="a"}"#,
        r#"scrape_duration_seconds{job="brain-governance"} > 5"#,
        "vector(1)",
    ] {
        assert_eq!(check(expression), [""; 0], "{expression}");
    }
}

#[test]
fn metrics_that_rules_record_are_known() {
    let text = "groups:\n- name: g\n  rules:\n  - record: job:x:sum\n    expr: sum(up)\n  - alert: A\n    expr: job:x:sum{team=\"a\"} > 1\n  - alert: B\n    expr: job:y:sum > 1\n";
    let file = RuleFile::parse(&Source::new("r.yml", text)).unwrap();
    let found = metric_contract().unwrap().check(&file.groups);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].rule.as_str(), &found[0].kind),
        ("B", &MismatchKind::UnknownMetric { suggestion: None })
    );
}
