//! Each kind of verdict, by a world in which it must be, and one in which it must just not be.

use std::sync::Arc;

use assurance_metrics_model::Duration;
use assurance_prover::claim::{Claim, Notified, Routing};
use assurance_prover::fast::Engine;
use assurance_prover::judge::{Judge, Notice, VerdictKind};
use assurance_prover::timeline::Timeline;

use crate::doors::{flawed, judged, own, repaired, told};

const FORCED: &str = "{id: X, alert: A, violation: {kind: event, source: door.forced}, detect_within: 130s, quiet_otherwise: 10m}";

#[test]
fn a_first_event_is_missed_where_series_are_born_late() {
    let claim = flawed("FORCED");
    let first = "end 10m; event 100s {door=\"front\"} door.forced";
    assert_eq!(told(&claim, first), "MISSED at 1m40s: scrapes show it, and no alert fires");
    assert_eq!(told(&repaired("FORCED"), first), "kept");
    // The second is an increase.
    let second = "end 20m; event 100s {door=\"front\"} door.forced; event 10m {door=\"front\"} door.forced";
    assert_eq!(told(&claim, second), "MISSED at 1m40s: scrapes show it, and no alert fires");
    // A deadline that the world does not live to see is none.
    assert_eq!(told(&claim, "end 3m50s; event 100s {door=\"front\"} door.forced"), "kept");
}

#[test]
fn a_restart_between_two_events_hides_the_second() {
    let world = "end 20m; event 100s seal.broken; down 10m..10m5s; event 10m8s seal.broken";
    assert_eq!(told(&flawed("SEAL"), world), "MISSED at 10m8s: scrapes show it, and no alert fires");
    assert_eq!(told(&repaired("SEAL"), world), "kept");
    // That the first is still being told does not tell of the second.
    let soon = "end 20m; event 100s seal.broken; down 361s..364s; event 365s seal.broken";
    assert_eq!(told(&flawed("SEAL"), soon), "MISSED at 6m5s: scrapes show it, and no alert fires");
    assert_eq!(told(&repaired("SEAL"), soon), "kept");
}

#[test]
fn what_dies_with_the_process_is_nobodys_fault() {
    let world = "end 10m; event 100s seal.broken; down 110s..115s";
    let forgotten = "UNOBSERVABLE at 1m40s: the process forgets it before any scrape succeeds";
    assert_eq!(told(&flawed("SEAL"), world), forgotten);
    assert_eq!(told(&repaired("SEAL"), world), "kept", "its time outlives the process");
    // Shown by one scrape, it is somebody's fault.
    let shown = "end 10m; event 100s seal.broken; down 130s..135s";
    assert_eq!(told(&flawed("SEAL"), shown), "kept");
    let claim = own(
        "{id: X, alert: A, violation: {kind: state, metric: door_open}, detect_within: 2m}",
        "{alert: A, expr: door_open == 1}",
    );
    let short = "UNOBSERVABLE at 1m35s: it is over before any scrape succeeds, and no metric remembers it";
    assert_eq!(told(&claim, "end 10m; hold 95s..115s door_open"), short);
    assert_eq!(told(&claim, "end 10m; hold 95s..125s door_open"), "kept");
}

#[test]
fn deadlines_grow_by_what_was_lost_after_the_violation_and_not_before() {
    let claim = own(
        "{id: X, alert: A, violation: {kind: event, source: door.forced}, detect_within: 45s}",
        "{alert: A, expr: 'time() - door_forced_last_timestamp_seconds < 300'}",
    );
    let event = "end 10m; event 100s {door=\"back\"} door.forced";
    // Scraped at 120 s, evaluated at 130 s.
    assert_eq!(told(&claim, event), "kept");
    assert_eq!(told(&claim, &format!("{event}; lost 2m")), "kept");
    assert_eq!(told(&claim, &format!("{event}; skipped 2m10s")), "kept");
    assert_eq!(told(&claim, &format!("{event}; down 115s..125s")), "kept");
    assert_eq!(told(&claim, &format!("{event}; away 115s..165s")), "kept");
    // A loss before is no excuse for a rule that waits for two scrapes.
    let slow = own(
        "{id: X, alert: A, violation: {kind: event, source: door.forced}, detect_within: 45s}",
        "{alert: A, expr: 'time() - door_forced_last_timestamp_seconds < 300', for: 30s}",
    );
    let late = "LATE at 1m40s by 15s: the alert fires after its deadline";
    assert_eq!(told(&slow, event), late);
    assert_eq!(told(&slow, &format!("{event}; lost 1m30s")), late);
    assert_eq!(judged(&slow, event)[0].by(), Some(Duration::from_secs(15)));
}

#[test]
fn alerts_without_cause_and_alerts_that_do_not_end_are_false() {
    let claim = own(FORCED, "{alert: A, expr: 'door_open == 1 or door_forced_total > 0'}");
    assert_eq!(told(&claim, "end 10m"), "kept");
    let endless = told(&claim, "end 20m; event 100s {door=\"back\"} door.forced");
    assert_eq!(endless, "FALSE-ALARM at 2m10s: the alert still fires long after the violation");
    let soon = "end 11m40s; event 100s {door=\"back\"} door.forced";
    assert_eq!(told(&claim, soon), "kept", "it may fire for ten minutes");
    let never = own(
        "{id: X, alert: A, violation: {kind: never}, detect_within: 1s}",
        "{alert: A, expr: 'up{job=\"doors\"} == 0'}",
    );
    assert_eq!(told(&never, "end 5m"), "kept");
    let lost = "FALSE-ALARM at 2m10s: the alert fires, and nothing was violated";
    assert_eq!(told(&never, "end 5m; lost 2m"), lost);
    // Five were allowed, whatever extrapolation makes of them.
    let claim = flawed("MANY");
    let five = (1..=5).map(|at| format!("event {}m visit", 60 + at)).collect::<Vec<_>>().join("; ");
    let told = told(&claim, &format!("end 90m; {five}"));
    assert_eq!(told, "FALSE-ALARM at 1h10m10s: the alert fires, and nothing was violated");
}

#[test]
fn one_lost_scrape_ends_an_alert_and_starts_its_wait_anew() {
    let (claim, good) = (flawed("OPEN"), repaired("OPEN"));
    assert_eq!(told(&claim, "end 20m; hold 1m..15m door_open"), "kept");
    let flap = "FLAP at 1m: the alert ends while the violation goes on";
    assert_eq!(told(&claim, "end 20m; hold 1m..15m door_open; lost 14m"), flap);
    let late = "LATE at 1m by 4m40s: the alert fires after its deadline";
    assert_eq!(told(&claim, "end 20m; hold 1m..15m door_open; lost 6m; lost 7m30s"), late);
    assert_eq!(told(&good, "end 30m; hold 1m..15m door_open; lost 14m"), "kept");
    assert_eq!(told(&good, "end 30m; hold 1m..15m door_open; lost 6m; lost 7m30s"), "kept");
    assert_eq!(told(&claim, "end 20m; hold 1m..5m59s door_open"), "kept", "shorter holds need not be told");
}

#[test]
fn an_alert_on_an_event_must_not_come_twice() {
    let claim = own(FORCED, "{alert: A, expr: 'time() - door_forced_last_timestamp_seconds < 300'}");
    let lost = "end 20m; event 100s {door=\"back\"} door.forced; lost 4m";
    assert_eq!(
        told(&claim, lost),
        "FLAP at 2m10s: the alert ends and comes again, and nothing else happened"
    );
    let twice = format!("{lost}; event 250s {{door=\"back\"}} door.forced");
    assert_eq!(told(&claim, &twice), "kept");
}

#[test]
fn an_alert_that_can_never_fire_is_vacuous() {
    let world = "end 10m; absence 1m..6m down";
    let told = told(&flawed("GONE"), world);
    assert_eq!(told, "VACUOUS at 1m: up{job=\"the_doors\"} selects what no world has");
}

#[test]
fn a_target_that_is_gone_must_not_silence_its_alert() {
    let claim = own(
        "{id: X, alert: A, violation: {kind: absence, of: 'job:doors', for: 4m}, detect_within: 5m}",
        "{alert: A, expr: 'up{job=\"doors\"} == 0', for: 2m}",
    );
    assert_eq!(told(&claim, "end 12m; absence 2m..10m down"), "kept");
    assert_eq!(told(&claim, "end 12m; absence 2m..10m garbage"), "kept");
    let removed = "SILENT-ON-NO-DATA at 2m: the target is removed, and no alert fires";
    assert_eq!(told(&claim, "end 12m; absence 2m..10m removed"), removed);
    let empty = "SILENT-ON-NO-DATA at 2m: the target is empty, and no alert fires";
    assert_eq!(told(&claim, "end 12m; absence 2m..10m empty"), empty);
    for form in ["down", "garbage", "removed", "empty"] {
        assert_eq!(told(&repaired("DOWN"), &format!("end 15m; absence 2m..12m {form}")), "kept", "{form}");
    }
}

#[test]
fn an_alert_must_say_what_it_is_about() {
    let sum = own(
        "{id: X, alert: A, violation: {kind: event, source: door.forced}, detect_within: 130s, labels_required: [instance, door]}",
        "{alert: A, expr: 'sum(time() - door_forced_last_timestamp_seconds < bool 300) > 0'}",
    );
    let world = "end 4m; event 100s {door=\"back\"} door.forced";
    let told_of = told(&sum, world);
    assert_eq!(told_of, "IDENTITY at 1m40s: the alert has no label instance, which whoever responds needs");
    // One that says it of another door is no alert about this one.
    let other =
        own(FORCED, "{alert: A, expr: 'time() - door_forced_last_timestamp_seconds{door=\"front\"} < 300'}");
    assert_eq!(told(&other, world), "MISSED at 1m40s: scrapes show it, and no alert fires");
}

fn routed(receiver: &str, wait: i64) -> Claim {
    let notified = Notified::new(receiver, &["slack:#doors"], Duration::from_secs(wait));
    own(
        "{id: X, alert: A, violation: {kind: event, source: door.forced}, detect_within: 60s, notify_within: 80s, severity: page, route: ['slack:#doors', guard]}",
        "{alert: A, expr: 'time() - door_forced_last_timestamp_seconds < 300', labels: {severity: page}}",
    )
    .with_routing(Routing(Arc::new(move |_| vec![notified.clone()])))
}

#[test]
fn an_alert_must_reach_whom_it_must_in_time() {
    let world = "end 10m; event 100s {door=\"back\"} door.forced";
    assert_eq!(told(&routed("guard", 10), world), "kept");
    assert_eq!(told(&routed("office", 10), world), "ROUTE at 1m40s: it reaches office, and not guard");
    let late = "LATE at 1m40s by 10s: the notification comes after its deadline";
    assert_eq!(told(&routed("guard", 60), world), late);
    let silent = own(FORCED, "{alert: A, expr: 'time() - door_forced_last_timestamp_seconds < 300'}")
        .with_routing(Routing(Arc::new(|_| Vec::new())));
    assert_eq!(told(&silent, world), "ROUTE at 1m40s: the alert reaches nobody");
    let severity = own(
        "{id: X, alert: A, violation: {kind: event, source: door.forced}, detect_within: 60s, severity: page}",
        "{alert: A, expr: 'time() - door_forced_last_timestamp_seconds < 300', labels: {severity: pgae}}",
    );
    assert_eq!(told(&severity, world), "ROUTE at 1m40s: its severity is \"pgae\", and \"page\" was promised");
}

#[test]
fn notices_that_were_delivered_count_instead_of_the_routes() {
    let claim = routed("office", 600);
    let text = "timeline 1\nend 10m\nscrape 30s +0s\neval 30s +10s\nevent 100s {door=\"back\"} door.forced\n";
    let timeline = claim.adopt(&Timeline::parse(text).unwrap());
    let mut engine = Engine::new(&claim);
    let run = engine.run(&timeline);
    let labels = &run.alerts[run.firings[0].alert];
    let notice = |at| Notice::new(at, labels.clone(), "guard", &["slack:#doors"]);
    let mut judge = Judge::new(&claim);
    assert_eq!(judge.judge(&timeline, run, Some(&[notice(140_000)])), []);
    let late = judge.judge(&timeline, run, Some(&[notice(190_000)]));
    assert_eq!(late.iter().map(|v| v.kind).collect::<Vec<_>>(), [VerdictKind::Late]);
    let nobody = judge.judge(&timeline, run, Some(&[]));
    assert_eq!(nobody.iter().map(|v| v.kind).collect::<Vec<_>>(), [VerdictKind::Route]);
}

#[test]
fn sequences_and_silences_and_signs_of_life() {
    let sequence = own(
        "{id: X, alert: A, violation: {kind: sequence, first: {source: seal.broken}, then: {source: door.forced}, within: 5m}, detect_within: 2m}",
        "{alert: A, expr: door_open == 1}",
    );
    let missed = "MISSED at 3m: scrapes show it, and no alert fires";
    assert_eq!(told(&sequence, "end 9m; event 1m seal.broken; event 3m {door=\"back\"} door.forced"), missed);
    assert_eq!(told(&sequence, "end 9m; event 3m seal.broken; event 1m {door=\"back\"} door.forced"), "kept");
    assert_eq!(
        told(&sequence, "end 19m; event 1m seal.broken; event 7m {door=\"back\"} door.forced"),
        "kept"
    );
    let silence = own(
        "{id: X, alert: A, violation: {kind: absence, source: seal.broken, for: 26h}, detect_within: 2m}",
        "{alert: A, expr: 'time() - seal_broken_last_timestamp_seconds > 26 * 3600'}",
    );
    assert_eq!(told(&silence, "end 12m; event -25h55m seal.broken"), "kept");
    let slow = own(
        "{id: X, alert: A, violation: {kind: absence, source: seal.broken, for: 26h}, detect_within: 2m}",
        "{alert: A, expr: 'time() - seal_broken_last_timestamp_seconds > 27 * 3600'}",
    );
    let missed = "MISSED at 5m: scrapes show it, and no alert fires";
    assert_eq!(told(&slow, "end 12m; event -25h55m seal.broken"), missed);
    assert_eq!(told(&slow, "end 12m; event -25h55m seal.broken; event 4m seal.broken"), "kept");
    assert_eq!(told(&repaired("PULSE"), "end 12m"), "kept");
    let pulse = own(
        "{id: X, alert: A, violation: {kind: always}, detect_within: 1m}",
        "{alert: A, expr: 'up{job=\"doors\"} == 1'}",
    );
    assert_eq!(
        told(&pulse, "end 12m; lost 4m"),
        "FLAP at 0s: the alert ends and comes again while the violation goes on"
    );
}

#[test]
fn counts_are_of_all_or_of_each() {
    let spread = |count: usize| {
        let readers = ["north", "south", "east", "west"];
        let event =
            |at: usize| format!("event {}s {{reader=\"{}\"}} badge.refused", 600 + 10 * at, readers[at % 4]);
        (0..count).map(event).collect::<Vec<_>>().join("; ")
    };
    let (total, each) = ("total", "reader");
    let claim = |group: &str, expr: &str| {
        own(
            &format!(
                "{{id: X, alert: A, violation: {{kind: count, source: badge.refused, over: 1h, more_than: 10, group: {group}, min_hold: 7m}}, detect_within: 7m30s, quiet_otherwise: 15m}}"
            ),
            &format!("{{alert: A, expr: '{expr}', for: 5m}}"),
        )
    };
    let (sum, by) = (
        "sum(badge_refused_total - min_over_time(badge_refused_total[1h])) > 10",
        "badge_refused_total - min_over_time(badge_refused_total[1h]) > 10",
    );
    assert_eq!(told(&claim(total, sum), &format!("end 40m; {}", spread(11))), "kept");
    assert_eq!(
        told(&claim(total, by), &format!("end 40m; {}", spread(11))),
        "MISSED at 11m40s: scrapes show it, and no alert fires"
    );
    assert_eq!(told(&claim(each, by), &format!("end 40m; {}", spread(11))), "kept");
    assert_eq!(
        told(&claim(each, sum), &format!("end 40m; {}", spread(11))),
        "FALSE-ALARM at 17m10s: the alert fires, and nothing was violated"
    );
    assert_eq!(told(&claim(total, sum), &format!("end 40m; {}", spread(10))), "kept");
}
