//! Alerts through whole evaluations.

use assurance_metrics_model::Timestamp;
use assurance_rules::{Config, EventKind, Health, MAX_ACTIVE_ALERTS_PER_RULE, Phase};

use crate::bench::{Bench, config, draw};

const DOWN: &str = r#"
groups:
- name: backend
  interval: 30s
  rules:
  - alert: BackendDown
    expr: up == 0
    for: 1m
    labels:
      severity: critical
      host: '{{ $labels.instance }}'
    annotations:
      summary: '{{ $labels.job }} at {{ $labels.instance }} ({{ $externalLabels.site }}) is {{ $value }}'
      others: '{{ with query "up" }}{{ len . }} in all{{ end }}'
"#;

#[test]
fn from_pending_to_resolved() {
    let mut bench = Bench::new(DOWN);
    bench
        .load(&[("__name__", "up"), ("job", "a"), ("instance", "x")], "1 0 0 0 0 0 0 1 1 1 1 1")
        .load(&[("__name__", "up"), ("job", "a"), ("instance", "y")], "1 1 0 1 1 1 1 1 1 1 1 1");
    let events = bench.run_to(330);
    insta::assert_snapshot!(draw(&events), @r#"
    0:30 pending {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:30 ends -
    1:00 pending {alertname="BackendDown",host="y",instance="y",job="a",severity="critical"} value 0 active 1:00 ends -
    1:30 firing! {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:30 ends 5:30
    1:30 withdrawn {alertname="BackendDown",host="y",instance="y",job="a",severity="critical"} value 0 active 1:00 ends -
    3:00 resend! {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:30 ends 7:00
    3:30 resolved! {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:30 ends 3:30
    5:00 resend! {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:30 ends 3:30
    "#);
    insta::assert_snapshot!(bench.store.dump("ALERTS"), @r#"
    ALERTS{alertname="BackendDown",alertstate="firing",host="x",instance="x",job="a",severity="critical"} 1:30=1 2:00=1 2:30=1 3:00=1 3:30=stale
    ALERTS{alertname="BackendDown",alertstate="pending",host="x",instance="x",job="a",severity="critical"} 0:30=1 1:00=1 1:30=stale
    ALERTS{alertname="BackendDown",alertstate="pending",host="y",instance="y",job="a",severity="critical"} 1:00=1 1:30=stale
    "#);
    insta::assert_snapshot!(bench.store.dump("ALERTS_FOR_STATE"), @r#"
    ALERTS_FOR_STATE{alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} 0:30=30 1:00=30 1:30=30 2:00=30 2:30=30 3:00=30 3:30=stale
    ALERTS_FOR_STATE{alertname="BackendDown",host="y",instance="y",job="a",severity="critical"} 1:00=60 1:30=stale
    "#);
    let firing = events.iter().find(|e| e.kind == EventKind::Firing).expect("it fired");
    insta::assert_snapshot!(format!("{:?}\n{}", firing.alert.annotations, firing.generator_url), @r#"
    {"others": "2 in all", "summary": "a at x (north) is 0"}
    http://localhost:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1
    "#);
}

#[test]
fn a_series_that_vanishes_resolves_its_alert() {
    let mut bench = Bench::new(DOWN);
    bench.load(&[("__name__", "up"), ("job", "a"), ("instance", "x")], "0 0 0 0 stale");
    insta::assert_snapshot!(draw(&bench.run_to(180)), @r#"
    0:00 pending {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:00 ends -
    1:00 firing! {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:00 ends 5:00
    2:00 resolved! {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:00 ends 2:00
    "#);
}

#[test]
fn an_alert_is_held_over_a_gap() {
    let text = DOWN.replace("for: 1m", "for: 0s\n    keep_firing_for: 90s");
    let mut bench = Bench::new(&text);
    bench.load(&[("__name__", "up"), ("job", "a"), ("instance", "x")], "0 1 1 0 1 1 1 1");
    insta::assert_snapshot!(draw(&bench.run_to(210)), @r#"
    0:00 firing! {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:00 ends 4:00
    0:30 held {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:00 ends 4:00
    1:30 resend! {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:00 ends 5:30
    2:00 held {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:00 ends 5:30
    3:00 resend! {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:00 ends 7:00
    3:30 resolved! {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:00 ends 3:30
    "#);
}

#[test]
fn the_status_shows_alerts_and_health() {
    let mut bench = Bench::new(DOWN);
    let before = bench.manager.groups().next().expect("a group");
    assert_eq!(before.rules[0].health, Health::Unknown);
    assert_eq!(before.rules[0].phase(), Phase::Inactive);
    bench.load(&[("__name__", "up"), ("job", "a"), ("instance", "x")], "0 0 0 0 0");
    bench.run_to(60);
    let group = bench.manager.groups().next().expect("a group");
    let rule = &group.rules[0];
    assert_eq!((rule.health, rule.phase(), rule.results), (Health::Ok, Phase::Firing, 1));
    assert_eq!(rule.last_evaluation, Some(Timestamp::from_secs(60)));
    assert_eq!(group.next_evaluation, Timestamp::from_secs(90));
    assert_eq!(bench.manager.alerts().count(), 1);
}

#[test]
fn a_template_that_fails_is_shown_and_noted() {
    let text = DOWN.replace("{{ $labels.job }} at", "{{ humanize $labels.job }} at");
    let mut bench = Bench::new(&text);
    bench.load(&[("__name__", "up"), ("job", "a"), ("instance", "x")], "0");
    let events = bench.run_to(0);
    insta::assert_snapshot!(
        events[0].alert.annotations["summary"],
        @r#"<error expanding template: cannot read "a" as a number>"#
    );
    let group = bench.manager.groups().next().expect("a group");
    insta::assert_snapshot!(group.rules[0].notes.join("\n"), @r#"annotation "summary": cannot read "a" as a number"#);
    assert_eq!(group.rules[0].health, Health::Ok, "the alert is there all the same");
}

#[test]
fn alerts_that_cannot_be_told_apart_are_an_error() {
    let text = DOWN.replace("host: '{{ $labels.instance }}'", "instance: all");
    let mut bench = Bench::new(&text);
    bench
        .load(&[("__name__", "up"), ("job", "a"), ("instance", "x")], "0 0 0 0 0 0")
        .load(&[("__name__", "up"), ("job", "a"), ("instance", "y")], "1 1 1 0 0 1");
    let events = bench.run_to(150);
    // While the evaluation fails, the state stands still.
    insta::assert_snapshot!(draw(&events), @r#"
    0:00 pending {alertname="BackendDown",instance="all",job="a",severity="critical"} value 0 active 0:00 ends -
    1:00 firing! {alertname="BackendDown",instance="all",job="a",severity="critical"} value 0 active 0:00 ends 5:00
    2:30 resend! {alertname="BackendDown",instance="all",job="a",severity="critical"} value 0 active 0:00 ends 6:30
    "#);
    let failures: Vec<_> =
        bench.reports.iter().flat_map(|r| &r.failures).map(|(_, e)| e.to_string()).collect();
    insta::assert_snapshot!(failures.join("\n"), @r#"
    vector contains metrics with the same labelset after applying rule labels: {alertname="BackendDown",instance="all",job="a",severity="critical"}
    vector contains metrics with the same labelset after applying rule labels: {alertname="BackendDown",instance="all",job="a",severity="critical"}
    "#);
}

#[test]
fn a_limit_of_the_group_drops_all_alerts_of_the_rule() {
    let text = DOWN.replace("interval: 30s", "interval: 30s\n  limit: 1");
    let mut bench = Bench::new(&text);
    bench
        .load(&[("__name__", "up"), ("job", "a"), ("instance", "x")], "0 0 0 0 0")
        .load(&[("__name__", "up"), ("job", "a"), ("instance", "y")], "1 1 1 0 1");
    insta::assert_snapshot!(draw(&bench.run_to(120)), @r#"
    0:00 pending {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:00 ends -
    1:00 firing! {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:00 ends 5:00
    1:30 dropped {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:00 ends 5:00
    2:00 pending {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 2:00 ends -
    "#);
    let failures: Vec<_> =
        bench.reports.iter().flat_map(|r| &r.failures).map(|(_, e)| e.to_string()).collect();
    insta::assert_snapshot!(failures.join("\n"), @"exceeded limit of 1 with 2 alerts");
}

#[test]
fn too_many_alerts_are_an_error_and_change_nothing() {
    let config = Config { max_active_alerts_per_rule: 1, ..config(DOWN) };
    assert!(Config::new(Vec::new()).max_active_alerts_per_rule == MAX_ACTIVE_ALERTS_PER_RULE);
    let mut bench = Bench::with(config);
    bench
        .load(&[("__name__", "up"), ("job", "a"), ("instance", "x")], "0 0 0 0 0")
        .load(&[("__name__", "up"), ("job", "a"), ("instance", "y")], "1 1 1 0 1");
    insta::assert_snapshot!(draw(&bench.run_to(120)), @r#"
    0:00 pending {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:00 ends -
    1:00 firing! {alertname="BackendDown",host="x",instance="x",job="a",severity="critical"} value 0 active 0:00 ends 5:00
    "#);
    let group_failures: u64 = bench.manager.groups().flat_map(|g| g.rules).map(|r| r.failures).sum();
    assert_eq!(group_failures, 1);
}

#[test]
fn an_expression_that_fails_leaves_alerts_as_they_are() {
    let mut bench = Bench::new(DOWN);
    bench.load(&[("__name__", "up"), ("job", "a"), ("instance", "x")], "0 0 0 0 0");
    bench.run_to(60);
    let broken =
        DOWN.replace("expr: up == 0", "expr: label_replace(up == 0, \"a b\", \"$1\", \"job\", \"(\")");
    bench.manager.reload(config(&broken), bench.now);
    assert_eq!(draw(&bench.run_to(120)), "");
    let group = bench.manager.groups().next().expect("a group");
    assert_eq!(group.rules[0].health, Health::Err);
    assert_eq!(group.rules[0].phase(), Phase::Firing);
    assert!(group.rules[0].last_error.is_some());
}
