use assurance_metrics_model::Timestamp;
use assurance_notifier::dispatch::{SilenceError, SilenceId, SilencePhase, Suppression};
use assurance_notifier::routing::{InhibitRule, MinuteRange, MutedBy, TimeInterval, TimeSpan};

use super::world::{World, at, equal, routing, silence};

const FAST: [i64; 3] = [1, 10, 1_000];

fn inhibiting(source: &str, target: &str, equal_labels: &[&str]) -> InhibitRule {
    InhibitRule {
        source: vec![equal("alertname", source)],
        target: vec![equal("alertname", target)],
        equal: equal_labels.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn suppressions(world: &World, second: i64) -> Vec<(String, Option<Suppression>)> {
    let groups = world.dispatch.groups(at(second));
    let alerts = groups.into_iter().flat_map(|group| group.alerts);
    alerts.map(|view| (view.alert.name().to_owned(), view.suppression)).collect()
}

#[test]
fn a_source_that_fires_keeps_its_targets_quiet() {
    let mut routing = routing(FAST);
    routing.inhibit_rules.push(inhibiting("Down", "Lost", &["instance"]));
    let mut world = World::new(routing, None);
    world.fires(0, "Down/1");
    world.fires(0, "Lost/1");
    world.fires(0, "Lost/2");
    assert_eq!(world.told_until(1), ["1 team first: Down/1", "1 team first: Lost/2"]);
    let by = super::world::labels("Down/1").fingerprint();
    let quiet = suppressions(&world, 1);
    assert_eq!(quiet[1], ("Lost".to_owned(), Some(Suppression::Inhibited { by })));
    assert_eq!(quiet[2], ("Lost".to_owned(), None));
    world.ends(5, "Down/1");
    assert_eq!(
        world.told_until(11),
        ["11 team resolved: Down/1!", "11 team changed: Lost/1 Lost/2"],
        "what was inhibited is told once the source is over"
    );
}

#[test]
fn an_alert_on_both_sides_inhibits_neither_itself_nor_its_like() {
    let mut routing = routing(FAST);
    routing.inhibit_rules.push(inhibiting("A", "A", &[]));
    let mut world = World::new(routing, None);
    world.fires(0, "A/1");
    world.fires(0, "A/2");
    assert_eq!(world.told_until(1), ["1 team first: A/1 A/2"]);
}

#[test]
fn a_source_inhibits_although_nobody_hears_of_it() {
    let mut routing = routing(FAST);
    routing.inhibit_rules.push(inhibiting("Down", "Lost", &[]));
    let mut world = World::new(routing, None);
    world.dispatch.handle_silence(at(0), silence("alertname", "Down", 0, 100)).unwrap();
    world.fires(0, "Down");
    world.fires(0, "Lost");
    assert_eq!(world.told_until(90), [""; 0]);
}

#[test]
fn what_is_resolved_under_inhibition_is_never_told_as_over() {
    let mut routing = routing(FAST);
    routing.inhibit_rules.push(inhibiting("Down", "Lost", &[]));
    let mut world = World::new(routing, None);
    world.fires(0, "Lost");
    world.fires(2, "Down");
    world.ends(5, "Lost");
    let told = world.told_until(100);
    assert_eq!(told, ["1 team first: Lost", "3 team first: Down"], "as Alertmanager does it");
    world.ends(101, "Down");
    world.fires(140, "Lost");
    assert_eq!(
        world.told_until(1_000),
        ["103 team resolved: Down!"],
        "it was told that it fires and of no end, so that it is not new"
    );
    assert_eq!(world.told_until(1_100), ["1011 team repeat: Lost"]);
}

/// 09:00 to 10:00, by minutes of the day.
fn morning() -> TimeInterval {
    let times = Some(vec![MinuteRange { start: 540, end: 600 }]);
    TimeInterval { name: "morning".to_owned(), spans: vec![TimeSpan { times, ..TimeSpan::default() }] }
}

#[test]
fn a_route_is_silent_during_its_mute_intervals() {
    let mut routing = routing([10, 120, 100_000]);
    routing.time_intervals.push(morning());
    routing.root.mute_time_intervals.push("morning".to_owned());
    let mut world = World::new(routing, None);
    world.fires(540 * 60 - 10, "A/1");
    world.fires(540 * 60 - 5, "A/2");
    assert_eq!(world.told_until(541 * 60), [""; 0], "the interval begins with its first minute");
    let mute = Some(Suppression::Muted(MutedBy::Interval("morning".to_owned())));
    assert_eq!(suppressions(&world, 541 * 60), [("A".to_owned(), mute.clone()), ("A".to_owned(), mute)]);
    world.ends(598 * 60 - 1, "A/1");
    assert_eq!(world.told_until(700 * 60), ["36000 team first: A/2"], "what ended meanwhile is not told");
}

#[test]
fn a_route_speaks_in_its_active_intervals_only() {
    let mut routing = routing([10, 120, 100_000]);
    routing.time_intervals.push(morning());
    routing.root.active_time_intervals.push("morning".to_owned());
    let mut world = World::new(routing, None);
    world.fires(0, "A");
    assert_eq!(suppressions(&world, 0)[0].1, Some(Suppression::Muted(MutedBy::NoActiveInterval)));
    assert_eq!(world.told_until(600 * 60), ["32410 team first: A"]);
}

#[test]
fn a_silence_holds_from_its_beginning_to_its_end() {
    let mut world = World::new(routing(FAST), None);
    let asked = silence("instance", "1", 5, 42);
    let id = world.dispatch.handle_silence(at(0), asked).unwrap();
    let phase = |world: &World, second| world.dispatch.silence(&id).unwrap().phase(at(second));
    assert_eq!(phase(&world, 4), SilencePhase::Pending);
    assert_eq!(phase(&world, 42), SilencePhase::Active);
    world.fires(0, "A/2");
    world.fires(3, "A/1");
    world.fires(3, "B/1");
    assert_eq!(world.told_until(10), ["1 team first: A/2", "4 team first: B/1"]);
    let by = vec![id.clone()];
    assert_eq!(suppressions(&world, 10)[0].1, Some(Suppression::Silenced { by }));
    assert_eq!(world.told_until(45), [""; 0]);
    assert_eq!(phase(&world, 43), SilencePhase::Expired);
    assert_eq!(world.told_until(60), ["51 team changed: A/1 A/2"]);
}

#[test]
fn a_silence_is_ended_changed_and_forgotten() {
    let mut world = World::new(routing(FAST), None);
    let dispatch = &mut world.dispatch;
    let id = dispatch.handle_silence(at(0), silence("alertname", "A", 0, 100)).unwrap();
    let mut longer = silence("alertname", "A", 0, 200);
    longer.id = Some(id.clone());
    assert_eq!(dispatch.handle_silence(at(10), longer.clone()), Ok(id.clone()), "only its end has changed");
    assert_eq!(dispatch.silence(&id).unwrap().ends_at, at(200));
    let mut other = silence("alertname", "B", 0, 200);
    other.id = Some(id.clone());
    let new = dispatch.handle_silence(at(20), other).unwrap();
    assert_ne!(new, id, "another silence takes its place");
    assert_eq!(dispatch.silence(&id).unwrap().phase(at(20)), SilencePhase::Expired);
    assert_eq!(dispatch.silence(&new).unwrap().starts_at, at(20));
    assert_eq!(dispatch.handle_silence_end(at(30), &new), Ok(()));
    assert_eq!(dispatch.handle_silence_end(at(30), &new), Err(SilenceError::Expired(new.clone())));
    let unknown = SilenceId::new("6d1f");
    assert_eq!(dispatch.handle_silence_end(at(30), &unknown), Err(SilenceError::Unknown(unknown)));
    let five_days = 5 * 86_400;
    dispatch.handle_silence(at(five_days + 29), silence("a", "b", five_days, five_days + 60)).unwrap();
    assert!(dispatch.silence(&new).is_some(), "five days after its end it can still be looked up");
    dispatch.handle_silence(at(five_days + 31), silence("a", "c", five_days, five_days + 60)).unwrap();
    assert!(dispatch.silence(&new).is_none());
}

#[test]
fn a_silence_that_makes_no_sense_is_refused() {
    let mut world = World::new(routing(FAST), None);
    let dispatch = &mut world.dispatch;
    let mut refuse = |silence| dispatch.handle_silence(at(50), silence).unwrap_err();
    let empty = silence("alertname", "", 60, 100);
    assert_eq!(refuse(empty), SilenceError::MatchesEverything);
    assert_eq!(refuse(silence("a", "b", 70, 70)), SilenceError::Order { starts_at: at(70), ends_at: at(70) });
    assert_eq!(refuse(silence("a", "b", 0, 49)), SilenceError::Past(at(49)));
    let mut anonymous = silence("a", "b", 0, 100);
    anonymous.created_by = " ".to_owned();
    assert_eq!(refuse(anonymous), SilenceError::Anonymous);
    let mut large = silence("a", "b", 0, 100);
    large.comment = "x".repeat(17_000);
    assert_eq!(refuse(large), SilenceError::Large);
    for n in 0..1_000 {
        dispatch.handle_silence(at(50), silence("a", &n.to_string(), 0, 100)).unwrap();
    }
    let names: std::collections::BTreeSet<_> = dispatch.silences().map(|s| s.id.clone()).collect();
    assert_eq!(names.len(), 1_000);
    assert_eq!(dispatch.handle_silence(at(50), silence("a", "b", 0, 100)), Err(SilenceError::TooMany));
}

#[test]
fn who_has_no_integration_is_told_nothing_and_that_can_be_seen() {
    let mut routing = routing(FAST);
    routing.receivers[0].integrations.clear();
    let mut world = World::new(routing, None);
    world.fires(0, "A");
    assert_eq!(world.told_until(30), [""; 0]);
    assert_eq!(suppressions(&world, 30)[0].1, Some(Suppression::NobodyThere));
    assert_eq!(world.dispatch.poll_timeout().map(|due| due > Timestamp::MIN), Some(true));
}
