use assurance_metrics_model::{Labels, Timestamp};
use assurance_notifier::dispatch::{Reason, Refusal};
use assurance_notifier::routing::{GroupBy, Route};
use assurance_notifier::{Alert, AlertStatus};

use super::world::{World, at, equal, firing, hook, labels, over, routing, secs, timed};

/// The waits of the governance pack by severity, and what follows from them for an alert that fires at 0 and ends
/// just after its third look: first told, more told, told again, told as over.
#[test]
fn each_severity_has_its_times() {
    const TABLE: [(&str, [i64; 3], [i64; 4]); 4] = [
        ("critical", [10, 120, 3_600], [10, 130, 10 + 120 + 3_600 + 120, 3_970]),
        ("warning", [60, 600, 14_400], [60, 660, 60 + 600 + 14_400 + 600, 16_260]),
        ("info", [300, 1_800, 43_200], [300, 2_100, 300 + 1_800 + 43_200 + 1_800, 48_900]),
        ("none", [30, 300, 14_400], [30, 330, 30 + 300 + 14_400 + 300, 15_330]),
    ];
    let mut all = routing(TABLE[3].1);
    all.root.group_by = GroupBy::Labels(["alertname", "severity"].map(str::to_owned).to_vec());
    for (severity, waits, _) in &TABLE[..3] {
        let route = all.root.inherit(vec![equal("severity", severity)]);
        all.root.routes.push(Route { receiver: (*severity).to_owned(), ..timed(route, *waits) });
        all.receivers.push(hook(severity, true));
    }
    for (severity, waits, [first, more, again, end]) in TABLE {
        let receiver = if severity == "none" { "team" } else { severity };
        let mut world = World::new(all.clone(), None);
        let name = |instance: i32| format!("A/{instance}/severity={severity}");
        world.fires(0, &name(1));
        world.fires(waits[0] + 1, &name(2));
        world.ends(again + 1, &name(1));
        world.ends(again + 2, &name(2));
        assert_eq!(
            world.told_until(200_000),
            [
                format!("{first} {receiver} first: A/1"),
                format!("{more} {receiver} changed: A/1 A/2"),
                format!("{again} {receiver} repeat: A/1 A/2"),
                format!("{end} {receiver} resolved: A/1! A/2!"),
            ],
            "{severity}"
        );
    }
}

#[test]
fn what_fires_within_the_wait_is_told_together() {
    let mut world = World::new(routing([10, 120, 3_600]), None);
    world.fires(0, "A/2");
    world.fires(9, "A/1");
    world.fires(5, "B/1");
    assert_eq!(world.told_until(20), ["10 team first: A/1 A/2", "19 team first: B/1"]);
}

#[test]
fn what_has_been_firing_for_longer_than_the_wait_is_told_at_once() {
    let mut world = World::new(routing([10, 120, 3_600]), None);
    world.alert(100, &firing("A/1", 90));
    assert_eq!(world.told_until(100), [""; 0], "ten seconds are not more than ten");
    assert_eq!(world.told_until(110), ["110 team first: A/1"]);
    world.alert(200, &firing("B/1", 189));
    assert_eq!(world.told_until(200), ["200 team first: B/1"]);
    world.alert(201, &firing("B/2", 1));
    assert_eq!(world.told_until(400), ["320 team changed: B/1 B/2"], "a known group keeps its interval");
}

#[test]
fn a_repeat_needs_more_than_its_interval() {
    let mut world = World::new(routing([1, 10, 30]), None);
    world.fires(0, "A");
    assert_eq!(world.told_until(90), ["1 team first: A", "41 team repeat: A", "81 team repeat: A"]);
    let mut world = World::new(routing([1, 10, 29]), None);
    world.fires(0, "A");
    assert_eq!(world.told_until(70), ["1 team first: A", "31 team repeat: A", "61 team repeat: A"]);
}

#[test]
fn an_end_is_told_once_and_what_is_over_leaves() {
    let mut world = World::new(routing([1, 10, 1_000]), None);
    world.fires(0, "A/1");
    world.fires(0, "A/2");
    world.ends(5, "A/1");
    assert_eq!(world.told_until(12), ["1 team first: A/1 A/2", "11 team resolved: A/1! A/2"]);
    world.ends(13, "A/1");
    world.ends(14, "A/2");
    assert_eq!(world.told_until(21), ["21 team resolved: A/1! A/2!"], "it was said to be over once more");
    world.ends(22, "A/1");
    assert_eq!(world.told_until(500), [""; 0], "nobody knows of it any more");
    assert_eq!((world.dispatch.group_count(), world.dispatch.alert_count()), (0, 0));
}

#[test]
fn who_wants_no_ends_is_told_none() {
    let mut quiet = routing([1, 10, 30]);
    quiet.receivers = vec![hook("team", false)];
    let mut world = World::new(quiet, None);
    world.fires(0, "A/1");
    world.fires(0, "A/2");
    world.ends(5, "A/1");
    world.ends(15, "A/2");
    world.fires(25, "A/2");
    assert_eq!(
        world.told_until(60),
        ["1 team first: A/1 A/2", "31 team first: A/2"],
        "the log took the end that was not told, so that the next alert is new"
    );
}

#[test]
fn what_fires_again_before_anyone_looked_has_never_ended() {
    let mut world = World::new(routing([1, 10, 1_000]), None);
    world.fires(0, "A");
    world.ends(3, "A");
    world.fires(7, "A");
    assert_eq!(world.told_until(60), ["1 team first: A"]);
}

#[test]
fn what_ends_before_anyone_looked_is_never_told() {
    let mut world = World::new(routing([10, 20, 1_000]), None);
    world.fires(0, "A");
    world.ends(9, "A");
    assert_eq!(world.told_until(100), [""; 0]);
}

/// Alertmanager removes empty groups every 30 seconds only; until then they keep their pace.
#[test]
fn an_empty_group_lives_until_the_next_half_minute() {
    let mut world = World::new(routing([1, 100, 1_000]), None);
    world.fires(0, "A");
    world.ends(50, "A");
    assert_eq!(world.told_until(101), ["1 team first: A", "101 team resolved: A!"]);
    assert_eq!(world.dispatch.group_count(), 1);
    world.fires(119, "A");
    assert_eq!(world.told_until(202), ["201 team first: A"], "it joined the old group, just in time");
    world.ends(202, "A");
    assert_eq!(world.told_until(329), ["301 team resolved: A!"]);
    assert_eq!(world.dispatch.group_count(), 1);
    world.fires(331, "A");
    assert_eq!(world.told_until(400), ["332 team first: A"], "a new group waits as new ones do");
}

#[test]
fn nobody_speaks_of_it_again_so_it_is_over() {
    let mut world = World::new(routing([1, 10, 1_000]), None);
    let alert = Alert { ends_at: at(240), ..firing("A", 0) };
    let endless = Alert { ends_at: Timestamp::MIN, ..firing("B", 0) };
    world.alert(0, &alert);
    world.alert(0, &endless);
    world.alert(60, &Alert { ends_at: at(300), ..alert });
    world.alert(100, &endless);
    let told = world.told_until(600);
    assert_eq!(told[2..], ["301 team resolved: A!", "401 team resolved: B!"], "{told:?}");
}

/// Two who speak of the same alert: the earlier beginning and the later end that somebody said.
#[test]
fn states_that_overlap_are_merged() {
    let mut world = World::new(routing([1, 10, 1_000]), None);
    world.alert(10, &Alert { ends_at: at(250), ..firing("A", 10) });
    world.alert(20, &Alert { ends_at: at(100), ..firing("A", 20) });
    world.run_until(245);
    assert_eq!(world.told.len(), 1);
    world.run_until(260);
    let end = &world.told[1].alerts[0];
    assert_eq!((end.starts_at, end.ends_at, end.status), (at(10), at(250), AlertStatus::Resolved));
    // An end that was only guessed gives way.
    world.alert(300, &Alert { ends_at: Timestamp::MIN, ..firing("B", 300) });
    world.alert(310, &Alert { ends_at: at(400), ..firing("B", 300) });
    let told = world.told_until(700);
    assert_eq!(told[2..], ["301 team first: B", "401 team resolved: B!"], "{told:?}");
}

#[test]
fn a_route_that_continues_tells_both() {
    let mut both = routing([1, 10, 1_000]);
    let first = both.root.inherit(vec![equal("instance", "1")]);
    both.root.routes.push(Route { receiver: "first".to_owned(), continues: true, ..first.clone() });
    both.root.routes.push(Route { receiver: "second".to_owned(), group_wait: secs(3), ..first });
    both.receivers.extend([hook("first", true), hook("second", true)]);
    let mut world = World::new(both, None);
    world.fires(0, "A/1");
    world.fires(0, "A/2");
    world.run_until(5);
    assert_eq!(world.told[0].group_key(), r#"{}:{alertname="A"}"#);
    assert_eq!(world.told[1].group_key(), r#"{}/{instance="1"}:{alertname="A"}"#);
    assert_eq!(world.told_until(5), ["1 team first: A/2", "1 first first: A/1", "3 second first: A/1"],);
}

#[test]
fn alerts_come_in_the_order_of_job_and_instance() {
    let mut world = World::new(routing([1, 10, 1_000]), None);
    for name in ["A/2/job=b", "A/1/job=b", "A/9/job=a", "A", "A/0", "A/0/zone=x"] {
        world.fires(0, name);
    }
    let mut told = world.told_until(1);
    assert_eq!(told.pop().as_deref(), Some("1 team first: A/9 A/1 A/2 A/0 A/0 A"));
    let mut world = World::new(routing([1, 10, 1_000]), None);
    world.fires(0, "A/1/job=b");
    world.fires(0, "A/2/job=b/severity=page");
    world.run_until(1);
    assert_eq!(world.told[0].common_labels(), labels("A/job=b"));
}

#[test]
fn what_is_too_much_is_refused_by_name() {
    let mut each = routing([1, 10, 1_000]);
    each.root.group_by = GroupBy::All;
    let mut world = World::new(each, None);
    let mut alerts: Vec<Alert> = (0..10_001).map(|n| firing(&format!("A/{n}"), 0)).collect();
    let refused = world.dispatch.handle_alerts(at(0), &alerts);
    assert_eq!(refused.len(), 1);
    assert_eq!((&refused[0].labels, refused[0].why), (&labels("A/10000"), Refusal::Groups));
    assert_eq!(world.dispatch.counters().refused, 1);
    let mut world = World::new(routing([1, 10, 1_000]), None);
    alerts.push(over("A/5", 0, 0));
    let refused = world.dispatch.handle_alerts(at(0), &alerts);
    assert_eq!(refused.len(), 1, "what is in the group already may change");
    assert_eq!(refused[0].why, Refusal::Group);
    world.run_until(1);
    assert_eq!((world.told[0].alerts.len(), &world.told[0].reason), (10_000, &Reason::First));
    let nothing = World::new(routing([1, 10, 1_000]), None);
    assert_eq!(nothing.dispatch.poll_timeout(), None);
    assert_eq!(Labels::empty(), labels("A").without(&["alertname"]));
}
