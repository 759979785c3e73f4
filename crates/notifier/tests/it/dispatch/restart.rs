use std::sync::Arc;

use assurance_notifier::Alert;
use assurance_notifier::dispatch::{AckTarget, Dispatch, Notification, Plan, Restored};
use assurance_notifier::routing::Route;
use proptest::prelude::*;

use super::properties::{Act, act, chained, play};
use super::world::{World, at, equal, firing, hook, labels, routing, silence};

/// Another machine with the same plan that goes on where this one stopped.
fn restarted(dispatch: &Dispatch, second: i64) -> Dispatch {
    let mut next = Dispatch::with_plan(Arc::clone(dispatch.plan()), at(second));
    next.restore_state(at(second), dispatch.export_state());
    next
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whenever it stops and starts again, it goes on as if it had not.
    #[test]
    fn a_restart_of_the_dispatch_changes_nothing(
        acts in prop::collection::vec(act(), 1..60),
        stops in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let unbroken = play(&acts, |_, _| {});
        let stops: Vec<usize> = stops.iter().map(|stop| stop.index(acts.len())).collect();
        let broken = play(&acts, |world, step| {
            if stops.contains(&step) {
                let second = world.second;
                world.world.dispatch = restarted(&world.world.dispatch, second);
            }
        });
        prop_assert_eq!(broken.all, unbroken.all);
        let state = unbroken.world.dispatch.export_state();
        prop_assert_eq!(broken.world.dispatch.export_state(), state);
    }
}

#[test]
fn a_state_holds_everything_at_the_time_of_the_export() {
    let acts = [Act::Fire(0), Act::Fire(1), Act::Wait(50), Act::Silence(1), Act::Ack(0), Act::Wait(3)];
    let mut world = play(&acts, |_, _| {}).world;
    world.dispatch.handle_timeout(at(5_000));
    let state = world.dispatch.export_state();
    assert!(!state.waiting.is_empty(), "notifications that nobody has taken out are part of it");
    let mut next = Dispatch::with_plan(Arc::clone(world.dispatch.plan()), at(5_000));
    let restored = next.restore_state(at(5_000), state.clone());
    assert_eq!(restored, Restored { alerts: 2, groups: 2, moved: 0 });
    assert_eq!(next.export_state(), state);
}

#[test]
fn a_night_asleep_is_held_against_nobody() {
    let mut world = World::new(routing([10, 120, 3_600]), None);
    let alert = Alert { ends_at: at(240), ..firing("A", 0) };
    world.alert(0, &alert);
    assert_eq!(world.told_until(200), ["10 team first: A"]);
    world.dispatch = restarted(&world.dispatch, 30_000);
    assert_eq!(
        world.told_until(30_030),
        ["30000 team repeat: A"],
        "what fell due is done; the alert is as valid as it was"
    );
    assert_eq!(world.told_until(31_000), ["30120 team resolved: A!"], "and then nobody spoke of it");
}

#[test]
fn another_plan_moves_alerts_to_their_new_routes() {
    let mut world = World::new(routing([10, 120, 3_600]), None);
    world.fires(0, "A/1");
    world.fires(0, "A/2");
    world.fires(0, "B/1");
    world.dispatch.handle_silence(at(0), silence("alertname", "B", 0, 9_000)).unwrap();
    world.run_until(100);
    world.dispatch.handle_ack(at(100), &AckTarget::Alert(labels("A/1").fingerprint()), "kim", "").unwrap();
    let mut other = routing([10, 120, 3_600]);
    let first = other.root.inherit(vec![equal("instance", "1")]);
    other.root.routes.push(Route { receiver: "first".to_owned(), ..first });
    other.receivers.push(hook("first", true));
    let restored = world.dispatch.reload(at(100), Arc::new(Plan::new(other, None)));
    assert_eq!(restored, Restored { alerts: 3, groups: 2, moved: 2 });
    assert_eq!(
        world.told_until(300),
        ["10 team first: A/1 A/2", "100 first first: A/1"],
        "what stays is not told again, what moves is told at once, and silences hold"
    );
    let groups = world.dispatch.groups(at(300));
    let moved = groups.iter().find(|group| &*group.receiver == "first").expect("the new group");
    assert!(moved.alerts[0].acknowledged.is_some());
    let counts: Vec<u64> = world.dispatch.told().filter(|(.., n)| *n > 0).map(|(.., n)| n).collect();
    assert_eq!(counts, [1, 1], "counters go on");
}

#[test]
fn a_chain_goes_on_after_a_restart() {
    let (routing, escalation) = chained();
    let mut world = World::new(routing, escalation);
    world.fires(0, "A/1/severity=critical");
    world.run_until(7);
    world.dispatch = restarted(&world.dispatch, 400);
    let told: Vec<Notification> = {
        world.run_until(400);
        std::mem::take(&mut world.told)
    };
    let lines: Vec<String> = told.iter().map(super::world::line).collect();
    assert_eq!(
        lines,
        [
            "3 team first: A/1",
            "400 team repeat: A/1",
            "400 senior escalation: step 1 of critical: A/1",
            "400 manager escalation: step 2 of critical: A/1",
        ],
        "late, but each told once"
    );
    assert_eq!(told.iter().map(|told| told.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
}
