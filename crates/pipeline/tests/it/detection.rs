use assurance_pipeline::EventKind;

use crate::world::{World, at};

const OVERRIDE: &str = "
groups:
  - name: override
    rules:
      - alert: GovernanceOverrideActive
        expr: max_over_time(sovereign_override_active[90s]) == 1
        for: 5m
        keep_firing_for: 2m
        labels: {severity: critical}
        annotations: {summary: 'Override active on {{ $labels.instance }}'}
";

fn gauge(active: bool) -> Option<String> {
    Some(format!("# TYPE sovereign_override_active gauge\nsovereign_override_active {}\n", u8::from(active)))
}

#[test]
fn an_override_is_paged_within_its_budget_and_resolved_after_it() {
    let body = |now| gauge(now >= at(600) && now < at(4200));
    let mut world = World::new(OVERRIDE, &body);
    world.run_until(at(6000));
    let heard = world.heard();
    let lines: Vec<&str> = heard.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(lines, ["GovernanceOverrideActive firing", "GovernanceOverrideActive resolved"]);
    let (fired, resolved) = (heard[0].0 - 600, heard[1].0 - 4200);
    assert!((300..=390).contains(&fired), "fired {fired} s after the override began");
    assert!((180..=270).contains(&resolved), "resolved {resolved} s after the override ended");
    let alert = &world.received[0].1;
    assert_eq!(
        alert.labels.to_string(),
        r#"{alertname="GovernanceOverrideActive",cluster="brain",instance="backend:8000",job="brain-governance",severity="critical"}"#
    );
    assert_eq!(alert.annotations["summary"], "Override active on backend:8000");
}

#[test]
fn the_same_inputs_give_the_same_events() {
    let body = |now| gauge(now >= at(600)).filter(|_| now < at(3000) || now > at(3300));
    let mut runs = (0..2).map(|_| {
        let mut world = World::new(OVERRIDE, &body);
        world.run_until(at(4000));
        (world.pipeline.events_since(0).cloned().collect::<Vec<_>>(), world.received)
    });
    let (first, second) = (runs.next().expect("two runs"), runs.next().expect("two runs"));
    assert!(first.0.len() > 4, "the run has events: {:?}", first.0);
    assert_eq!(first, second);
}

#[test]
fn a_target_that_goes_down_and_comes_back_is_told_once_each() {
    let body = |now| gauge(false).filter(|_| now < at(300) || now > at(600));
    let mut world = World::new(OVERRIDE, &body);
    world.run_until(at(900));
    let kinds: Vec<String> = world
        .pipeline
        .events_since(0)
        .map(|event| match &event.kind {
            EventKind::TargetUp { .. } => "up".to_owned(),
            EventKind::TargetDown { reason, .. } => format!("down: {reason}"),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(kinds, ["up", "down: connection refused", "up"]);
    let next = world.pipeline.events_since(1).next().expect("two more");
    assert_eq!(next.sequence, 1);
}

#[test]
fn a_rule_sees_what_an_earlier_rule_of_its_group_wrote() {
    let rules = "
groups:
  - name: chain
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - alert: AnythingUp
        expr: job:up:sum > 0
";
    let body = |_| gauge(false);
    let mut world = World::new(rules, &body);
    world.run_until(at(120));
    let heard = world.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].0 <= 60, "the alert fires in the evaluation that first recorded its input: {heard:?}");
}

#[test]
fn a_receiver_that_was_away_hears_of_it_when_it_is_back() {
    let body = |now| gauge(now >= at(600));
    let mut world = World::new(OVERRIDE, &body);
    let takes = |now| now >= at(1500);
    world.takes = &takes;
    world.run_until(at(2000));
    let heard = world.heard();
    assert_eq!(heard.len(), 1);
    assert!((1500..=1560).contains(&heard[0].0), "{heard:?}");
    let sent =
        world.pipeline.self_metrics().into_iter().find(|f| f.name == "prometheus_notifications_errors_total");
    assert!(sent.expect("counted").samples[0].labels.get("receiver").is_some());
}

#[test]
fn a_first_violation_counts_although_its_series_is_new() {
    let rules = "
groups:
  - name: axe
    rules:
      - alert: GovernanceAXETrustViolation
        expr: increase(axe_trust_violation_total[5m]) > 0
";
    let body = |now| {
        let mut body = "# TYPE axe_trust_violation_total counter\n".to_owned();
        if now >= at(700) {
            body.push_str("axe_trust_violation_total{trust_tier=\"external\"} 1\n");
        }
        Some(body)
    };
    let mut world = World::new(rules, &body);
    world.run_until(at(900));
    let heard = world.heard();
    assert_eq!(heard.len(), 1, "the first increment of a series born at 1 is seen: {heard:?}");
    assert!((700..=760).contains(&heard[0].0), "{heard:?}");
}

#[test]
fn rules_that_are_held_miss_their_instants_while_scrapes_go_on() {
    let body = |_| gauge(false);
    let mut world = World::new(OVERRIDE, &body);
    world.run_until(at(300));
    let samples = world.pipeline.store().stats().samples;
    let group = |world: &World<'_>| {
        let group = world.pipeline.rules().groups().next().expect("one group");
        (group.evaluations, group.missed)
    };
    let before = group(&world);
    world.pipeline.hold_rules(at(390));
    world.run_until(at(389));
    assert_eq!(group(&world), before);
    assert!(world.pipeline.store().stats().samples > samples, "scrapes went on");
    world.run_until(at(390));
    assert_eq!(group(&world), (before.0 + 1, before.1 + 2), "three instants passed, the newest counts");
}
