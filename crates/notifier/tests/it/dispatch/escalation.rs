use assurance_metrics_model::Duration;
use assurance_notifier::dispatch::{AckError, AckTarget};
use assurance_notifier::routing::{Chain, Escalation, Routing, Step, Unless};

use super::world::{World, at, equal, hook, labels, routing, silence};

/// Five minutes without an acknowledgement: senior; 15 and 30 minutes without an end: security, manager.
fn policy() -> (Routing, Option<Escalation>) {
    let mut routing = routing([10, 120, 100_000]);
    routing.receivers.extend(["senior", "security", "manager"].map(|name| hook(name, true)));
    let step = |minutes, unless, notify: &str| Step {
        after: Duration::from_minutes(minutes),
        unless,
        notify: notify.to_owned(),
    };
    let chain = Chain {
        name: "critical".to_owned(),
        matchers: vec![equal("severity", "critical")],
        receivers: Vec::new(),
        steps: vec![
            step(5, Unless::Acknowledged, "senior"),
            step(15, Unless::Resolved, "security"),
            step(30, Unless::Resolved, "manager"),
        ],
    };
    (routing, Some(Escalation { chains: vec![chain] }))
}

fn world() -> World {
    let (routing, escalation) = policy();
    World::new(routing, escalation)
}

const A: &str = "A/1/severity=critical";
const B: &str = "A/2/severity=critical";

fn target(name: &str) -> AckTarget {
    AckTarget::Alert(labels(name).fingerprint())
}

#[test]
fn nobody_takes_it_and_everybody_is_told_once() {
    let mut world = world();
    world.fires(0, A);
    world.fires(0, "Info/1/severity=info");
    assert_eq!(
        world.told_until(5_000),
        [
            "10 team first: A/1",
            "10 team first: Info/1",
            "310 senior escalation: step 1 of critical: A/1",
            "910 security escalation: step 2 of critical: A/1",
            "1810 manager escalation: step 3 of critical: A/1",
        ],
    );
    world.ends(5_001, A);
    assert_eq!(
        world.told_until(9_000),
        [
            "5050 team resolved: A/1!",
            "5050 senior resolved: A/1!",
            "5050 security resolved: A/1!",
            "5050 manager resolved: A/1!",
        ],
        "whoever was told of it hears of its end"
    );
    world.fires(9_001, A);
    assert_eq!(world.told_until(9_400).len(), 2, "another incident begins another chain");
}

#[test]
fn an_acknowledgement_ends_what_waits_for_one() {
    let mut world = world();
    world.fires(0, A);
    world.run_until(100);
    let taken = world.dispatch.handle_ack(at(100), &target(A), "kim", "on it").unwrap();
    assert_eq!(taken.alerts, [labels(A).fingerprint()]);
    let climb = world.dispatch.groups(at(100))[0].alerts[0].climb.clone().unwrap();
    assert_eq!((climb.next, climb.due), (1, Some(at(910))), "the senior's step is passed over at once");
    assert_eq!(
        world.told_until(1_000),
        ["10 team first: A/1", "910 security escalation: step 2 of critical: A/1"],
    );
    let view = &world.dispatch.groups(at(1_000))[0].alerts[0];
    let ack = view.acknowledged.as_ref().unwrap();
    assert_eq!((&*ack.by, &*ack.comment, ack.at), ("kim", "on it", at(100)));
    let climb = view.climb.as_ref().unwrap();
    assert_eq!((climb.next, climb.due, climb.told.len()), (2, Some(at(1_810)), 1));
    let again = world.dispatch.handle_ack(at(1_000), &target(A), "lee", "");
    assert_eq!(again, Err(AckError::Already { by: "kim".into(), at: at(100) }));
    world.ends(1_001, A);
    assert_eq!(
        world.told_until(9_000),
        ["1090 team resolved: A/1!", "1090 security resolved: A/1!"],
        "the senior was never told of it"
    );
}

#[test]
fn those_who_were_told_by_a_step_hear_that_somebody_took_it() {
    let mut world = world();
    world.fires(0, A);
    world.fires(0, B);
    world.run_until(400);
    world.told.clear();
    let key = r#"{}:{alertname="A"}"#.to_owned();
    let taken = world.dispatch.handle_ack(at(400), &AckTarget::Group(key.clone()), "kim", "").unwrap();
    assert_eq!(taken.alerts.len(), 2);
    assert_eq!(world.told_until(400), ["400 senior acknowledged by kim: A/1 A/2"]);
    world.fires(450, "A/3/severity=critical");
    assert_eq!(
        world.told_until(800),
        ["490 team changed: A/1 A/2 A/3", "790 senior escalation: step 1 of critical: A/3"],
        "what joins the group later was not acknowledged"
    );
    let unknown = world.dispatch.handle_ack(at(800), &AckTarget::Group("{}:{}".to_owned()), "kim", "");
    assert_eq!(unknown, Err(AckError::Unknown));
    let late = world.dispatch.handle_ack(at(800), &AckTarget::Group(key), "kim", "").unwrap();
    assert_eq!(late.alerts.len(), 1);
}

#[test]
fn what_is_over_is_not_escalated_even_before_the_group_has_seen_it() {
    let mut world = world();
    world.fires(0, A);
    world.ends(305, A);
    assert_eq!(world.told_until(9_000), ["10 team first: A/1", "370 team resolved: A/1!"]);
    let gone = world.dispatch.handle_ack(at(9_000), &target(A), "kim", "");
    assert_eq!(gone, Err(AckError::Unknown));
}

#[test]
fn what_fires_again_before_the_group_has_seen_its_end_goes_on() {
    let mut world = world();
    world.fires(0, A);
    world.ends(305, A);
    world.run_until(306);
    assert_eq!(world.dispatch.handle_ack(at(306), &target(A), "kim", ""), Err(AckError::NotFiring));
    world.fires(320, A);
    assert_eq!(
        world.told_until(900),
        ["10 team first: A/1", "370 senior escalation: step 1 of critical: A/1"],
        "asked again with the group's next look"
    );
}

#[test]
fn steps_wait_while_nobody_is_to_be_told() {
    let mut world = world();
    world.dispatch.handle_silence(at(0), silence("instance", "1", 20, 400)).unwrap();
    world.fires(0, A);
    assert_eq!(
        world.told_until(700),
        ["10 team first: A/1", "490 senior escalation: step 1 of critical: A/1"],
    );
    let mut world = self::world();
    world.dispatch.handle_silence(at(0), silence("instance", "1", 0, 1_000)).unwrap();
    world.fires(0, A);
    assert_eq!(
        world.told_until(1_500),
        ["1090 team first: A/1", "1390 senior escalation: step 1 of critical: A/1"],
        "the chain begins when somebody is told"
    );
}

#[test]
fn alerts_that_come_to_a_step_together_are_told_together() {
    let mut world = world();
    world.fires(0, A);
    world.fires(0, B);
    world.fires(20, "A/3/severity=critical");
    world.run_until(130);
    world.told.clear();
    assert_eq!(
        world.told_until(430),
        [
            "310 senior escalation: step 1 of critical: A/1 A/2",
            "430 senior escalation: step 1 of critical: A/3",
        ],
    );
}

#[test]
fn who_takes_it_must_say_who() {
    let mut world = world();
    world.fires(0, A);
    assert_eq!(world.dispatch.handle_ack(at(1), &target(A), " ", ""), Err(AckError::Anonymous));
    let long = "x".repeat(5_000);
    assert_eq!(world.dispatch.handle_ack(at(1), &target(A), "kim", &long), Err(AckError::Long));
    assert_eq!(world.dispatch.handle_ack(at(1), &target("Z"), "kim", ""), Err(AckError::Unknown));
}

#[test]
fn an_acknowledgement_is_of_one_incident() {
    let mut world = world();
    world.fires(0, A);
    world.run_until(100);
    world.dispatch.handle_ack(at(100), &target(A), "kim", "").unwrap();
    world.ends(101, A);
    // Before the half minute at which it would be forgotten.
    world.fires(131, A);
    assert_eq!(
        world.told_until(600),
        [
            "10 team first: A/1",
            "130 team resolved: A/1!",
            "250 team first: A/1",
            "550 senior escalation: step 1 of critical: A/1",
        ],
    );
}

#[test]
fn a_reminder_to_the_same_receiver_is_followed_by_one_end() {
    let (mut routing, mut escalation) = policy();
    escalation.as_mut().unwrap().chains[0].steps[0].notify = "team".to_owned();
    // The manager asked not to hear of ends.
    routing.receivers[3] = hook("manager", false);
    let mut world = World::new(routing, escalation);
    world.fires(0, A);
    world.run_until(1_900);
    world.told.clear();
    world.ends(1_901, A);
    assert_eq!(world.told_until(3_000), ["1930 team resolved: A/1!", "1930 security resolved: A/1!"]);
}
