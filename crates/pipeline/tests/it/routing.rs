//! Alerts on their way through the routes, and what a restart makes of it.

use std::sync::Arc;

use assurance_metrics_model::{Duration, Matcher, Timestamp};
use assurance_notifier::Outcome;
use assurance_notifier::dispatch::{AckTarget, NewSilence, Plan};
use assurance_notifier::routing::{
    Chain, Escalation, Integration, IntegrationKind, ReceiverDefinition, Route, Routing, Step, Unless,
};
use assurance_pipeline::{AlertsState, AskError, EventKind, Output, Pipeline};
use proptest::prelude::*;

use crate::world::{START, World, at, routed_config};

const RULES: &str = "
groups:
- name: overrides
  rules:
  - alert: Override
    expr: override == 1
    labels: {severity: critical}
";

/// Active from the second minute to the eighth.
fn body(now: Timestamp) -> Option<String> {
    let second = (now - START).as_millis() / 1000;
    Some(format!("override {}\n", u8::from((60..480).contains(&second))))
}

fn plan() -> Arc<Plan> {
    let way = |kind, description: &str| Integration {
        kind,
        index: 0,
        description: description.to_owned(),
        send_resolved: true,
    };
    let mut root = Route::new("team");
    root.group_wait = Duration::from_secs(10);
    root.group_interval = Duration::from_secs(60);
    let routing = Routing {
        root,
        receivers: vec![
            ReceiverDefinition {
                name: "team".to_owned(),
                integrations: vec![
                    way(IntegrationKind::Webhook, "webhook"),
                    way(IntegrationKind::Slack, "slack:#incidents"),
                ],
            },
            ReceiverDefinition {
                name: "senior".to_owned(),
                integrations: vec![way(IntegrationKind::Webhook, "webhook")],
            },
        ],
        inhibit_rules: Vec::new(),
        time_intervals: Vec::new(),
        resolve_timeout: Duration::from_minutes(5),
    };
    let step =
        Step { after: Duration::from_secs(120), unless: Unless::Acknowledged, notify: "senior".to_owned() };
    let chain = Chain {
        name: "critical".to_owned(),
        matchers: vec![Matcher::equal("severity", "critical")],
        receivers: Vec::new(),
        steps: vec![step],
    };
    Arc::new(Plan::new(routing, Some(Escalation { chains: vec![chain] })))
}

fn told(world: &World<'_>) -> Vec<(i64, String)> {
    let line = |(at, told): &(Timestamp, Arc<assurance_notifier::dispatch::Notification>)| {
        let names: Vec<&str> = told.alerts.iter().map(|alert| alert.name()).collect();
        ((*at - START).as_millis() / 1000, format!("{} {} {}", told.receiver, told.reason, names.join(" ")))
    };
    world.told.iter().map(line).collect()
}

fn firing_since(world: &World<'_>) -> i64 {
    let mut alerts = world.pipeline.rules().alerts();
    let fired = alerts.next().and_then(|alert| alert.fired_at).expect("it fires");
    (fired - START).as_millis() / 1000
}

#[test]
fn alerts_are_told_by_routes_and_to_whoever_hears_of_all() {
    let mut world = World::routed(RULES, &body, Some(plan()));
    world.restart(RULES);
    world.run_until(at(200));
    let fired = firing_since(&world);
    world.run_until(at(800));
    let over = world.received.iter().find(|(_, alert)| alert.status.as_str() == "resolved").unwrap().0;
    let over = (over - START).as_millis() / 1000;
    let look = fired + 10 + (over - fired - 10 + 59) / 60 * 60;
    assert_eq!(
        told(&world),
        [
            (fired + 10, "team first Override".to_owned()),
            (fired + 130, "senior escalation: step 1 of critical Override".to_owned()),
            (look, "team resolved Override".to_owned()),
            (look, "senior resolved Override".to_owned()),
        ],
    );
    assert_eq!(world.heard()[0].0, fired, "who hears of all alerts hears at once");
    let history = world.pipeline.notifier().history();
    let lost = history.filter(
        |record| matches!(&record.outcome, Outcome::Undeliverable { to } if to == "slack:#incidents"),
    );
    assert_eq!(lost.count(), 2, "what nothing delivers to is on record");
    let undeliverable: Vec<_> = world.pipeline.notifier().undeliverable().collect();
    assert_eq!(undeliverable, [("team/slack[0]", 2)]);
    let metric = |name: &str, labels: &[(&str, &str)]| {
        let families = world.pipeline.self_metrics();
        let family = families.into_iter().find(|family| family.name == name).expect(name);
        let text = assurance_exposition::encode(&[family], assurance_exposition::Format::Text);
        let labels: Vec<String> = labels.iter().map(|(n, v)| format!("{n}=\"{v}\"")).collect();
        let wanted =
            if labels.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", labels.join(",")) };
        let line = text.lines().find(|line| line.starts_with(&format!("{wanted} "))).map(str::to_owned);
        line.unwrap_or_else(|| panic!("no {wanted} in {text}")).rsplit(' ').next().unwrap().to_owned()
    };
    let told_total = "assurance_notify_notifications_total";
    assert_eq!(metric(told_total, &[("reason", "first"), ("receiver", "team")]), "2");
    assert_eq!(metric(told_total, &[("reason", "escalation"), ("receiver", "senior")]), "1");
    assert_eq!(metric(told_total, &[("reason", "repeat"), ("receiver", "team")]), "0");
    assert_eq!(metric("assurance_notify_undeliverable_alerts_total", &[("receiver", "team/slack[0]")]), "2");
    assert_eq!(metric("alertmanager_silences", &[("state", "active")]), "0");
    assert_eq!(metric("assurance_notify_alerts", &[]), "0");
    let events = world.pipeline.events_since(0);
    assert_eq!(events.filter(|event| matches!(event.kind, EventKind::Notified(_))).count(), 6);
}

#[test]
fn an_acknowledgement_and_a_silence_survive_and_are_heeded() {
    let mut world = World::routed(RULES, &body, Some(plan()));
    world.restart(RULES);
    world.run_until(at(150));
    let print = world.pipeline.dispatch().unwrap().groups(world.now)[0].alerts[0].fingerprint;
    let taken = world.pipeline.handle_ack(world.now, &AckTarget::Alert(print), "kim", "on it").unwrap();
    assert_eq!(taken.alerts, [print]);
    let silence = NewSilence {
        id: None,
        matchers: vec![Matcher::equal("severity", "critical")],
        starts_at: world.now,
        ends_at: at(3_600),
        created_by: "kim".to_owned(),
        comment: "known".to_owned(),
    };
    let id = world.pipeline.handle_silence(world.now, silence).unwrap();
    world.run_until(world.now);
    world.restart(RULES);
    let dispatch = world.pipeline.dispatch().unwrap();
    assert!(dispatch.silence(&id).is_some(), "both were written down at once");
    assert!(dispatch.groups(world.now)[0].alerts[0].acknowledged.is_some());
    world.run_until(at(800));
    let fired = told(&world)[0].0;
    assert_eq!(told(&world), [(fired, "team first Override".to_owned())]);
    world.pipeline.handle_silence_end(world.now, &id).unwrap();
    assert!(world.pipeline.handle_silence_end(world.now, &id).is_err());
}

#[test]
fn nobody_is_told_by_routes_before_it_is_written_down() {
    let mut world = World::routed(RULES, &body, Some(plan()));
    world.restart(RULES);
    // Up to the instant of the first notification, then by hand.
    let is_told = |world: &World<'_>| {
        let mut events = world.pipeline.events_since(0);
        events.any(|event| matches!(event.kind, EventKind::Notified(_)))
    };
    while !is_told(&world) {
        world.run_until(world.now);
        world.now = world.pipeline.poll_timeout().expect("something is always due");
        assert!(world.now < at(200), "nobody is told");
        world.pipeline.handle_timeout(world.now);
    }
    let mut record = None;
    while let Some(output) = world.pipeline.poll_output(world.now) {
        match output {
            Output::Keep(kept) => record = Some(kept),
            Output::Deliver(delivery) => panic!("it is sent first: {delivery:?}"),
            _ => {}
        }
    }
    let record = record.expect("it is asked for at once");
    let state = AlertsState::decode(&record.bytes).unwrap();
    assert_eq!(state.undelivered.notifications.len(), 1);
    assert_eq!(state.dispatch.unwrap().groups[0].log.len(), 2, "both integrations count as told");
    world.pipeline.handle_kept(world.now, record.number, Ok(()));
    let sent = world.pipeline.poll_output(world.now);
    assert!(matches!(&sent, Some(Output::Deliver(delivery)) if delivery.notification.is_some()), "{sent:?}");
}

#[test]
fn who_routes_elsewhere_says_so() {
    let mut world = World::new(RULES, &body);
    let refused = world.pipeline.handle_ack(at(0), &AckTarget::Alert(1), "kim", "");
    assert_eq!(refused, Err(AskError::NotRouted));
    assert!(world.pipeline.dispatch().is_none());
}

#[test]
fn a_reload_keeps_groups_and_may_take_the_routes_away() {
    let mut world = World::routed(RULES, &body, Some(plan()));
    world.restart(RULES);
    world.run_until(at(150));
    assert_eq!(world.told.len(), 1);
    world.pipeline.reload(world.now, routed_config(RULES, Some(&plan())));
    world.run_until(at(230));
    let lines = told(&world);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[1].1, "senior escalation: step 1 of critical Override", "the group goes on");
    world.pipeline.reload(world.now, routed_config(RULES, None));
    assert!(world.pipeline.dispatch().is_none());
    world.run_until(at(800));
    assert_eq!(world.told.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Killed at any moment: nothing is forgotten, and told twice only what was taken less than a second before
    /// the kill, as that is written down once a second.
    #[test]
    fn a_kill_neither_repeats_nor_forgets(kills in prop::collection::btree_set(0..700_000i64, 0..4)) {
        let mut world = World::routed(RULES, &body, Some(plan()));
        world.restart(RULES);
        for kill in &kills {
            world.run_until(START + Duration::from_millis(*kill));
            world.now = START + Duration::from_millis(*kill);
            world.restart(RULES);
        }
        world.run_until(at(800));
        let mut told_at = std::collections::BTreeMap::new();
        world.told.retain(|(at, told)| {
            let first = *told_at.entry(told.number).or_insert(*at);
            let killed = kills.iter().map(|kill| START + Duration::from_millis(*kill));
            first == *at || !killed.into_iter().any(|kill| (first..=first + Duration::from_secs(1)).contains(&kill))
        });
        let told: Vec<String> = told(&world).into_iter().map(|(_, line)| line).collect();
        prop_assert_eq!(told, [
            "team first Override",
            "senior escalation: step 1 of critical Override",
            "team resolved Override",
            "senior resolved Override",
        ]);
    }
}

#[test]
fn a_pipeline_without_routes_is_as_it_was() {
    let store = Arc::new(assurance_tsdb::Store::new(assurance_tsdb::Config::default()));
    let pipeline = Pipeline::new(routed_config(RULES, None), store, START);
    assert!(pipeline.dispatch().is_none());
    assert_eq!(pipeline.notifier().receivers().count(), 1);
}
