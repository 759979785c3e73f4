use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_scrape::{Manager, Output, Response};

use crate::rig::{Memory, Rig, START, group, job, of_target, ok};

/// The phase of each target: its first slot after the start, in milliseconds.
fn phases(manager: &Manager) -> Vec<i64> {
    manager.targets().map(|t| (t.next_scrape - START).as_millis()).collect()
}

#[test]
fn targets_spread_over_the_interval_and_keep_their_phase() {
    let mut job = job();
    let names: Vec<String> = (0..1000).map(|n| format!("host-{n}:9100")).collect();
    job.static_targets = vec![group(&names.iter().map(String::as_str).collect::<Vec<_>>())];
    let first = phases(&Manager::new(vec![job.clone()], &Labels::empty(), START));
    assert!(first.iter().all(|phase| (0..30_000).contains(phase)));
    // Ten slices of 3 s hold a hundred each; chance alone stays within five deviations of about 10.
    let mut slices = [0_i32; 10];
    for phase in &first {
        slices[usize::try_from(phase / 3000).unwrap()] += 1;
    }
    assert!(slices.iter().all(|n| (n - 100).abs() < 50), "{slices:?}");

    let later = START + Duration::from_secs(3600 * 24 + 7);
    let again = Manager::new(vec![job.clone()], &Labels::empty(), later);
    let again: Vec<_> =
        again.targets().map(|t| (t.next_scrape - START).as_millis().rem_euclid(30_000)).collect();
    assert_eq!(first, again, "a restart keeps the phase");

    let other = Manager::new(vec![job], &Labels::from_pairs([("replica", "b")]), START);
    assert_ne!(first, phases(&other), "a replica has phases of its own");
}

#[test]
fn timestamps_are_the_slots_within_two_milliseconds() {
    let mut rig = Rig::new(job());
    let slot = rig.manager.poll_timeout().expect("due");
    rig.outcome(|at| ok("a 1\n", at + Duration::from_millis(2)));
    rig.outcome(|at| ok("a 1\n", at + Duration::from_millis(3)));
    let first = (slot - START).as_millis();
    assert_eq!(rig.store.samples(&of_target("a")), [(first, Some(1.0)), (first + 30_003, Some(1.0))]);
}

#[test]
fn one_scrape_at_a_time_and_none_is_queued_twice() {
    let mut rig = Rig::new(job());
    let request = rig.request();
    // The answer takes longer than the interval, though shorter than the edge's grace.
    let late = rig.now + Duration::from_secs(12);
    assert!(rig.manager.poll_timeout().is_some_and(|next| next > late), "it waits for the answer");
    rig.manager.handle_timeout(late, &mut rig.store);
    assert!(rig.manager.poll_output().is_none());
    assert!(rig.manager.handle_response(late, request.id, ok("a 1\n", rig.now), &mut rig.store).is_some());
    assert!(
        rig.manager.handle_response(late, request.id, ok("a 1\n", rig.now), &mut rig.store).is_none(),
        "an answer counts once"
    );
}

#[test]
fn a_scrape_nobody_answers_is_given_up_and_a_late_answer_ignored() {
    let mut rig = Rig::new(job());
    let request = rig.request();
    let slot = rig.now;
    let (reports, _) = rig.wake();
    let report = &reports[0];
    assert_eq!(report.at, slot);
    assert_eq!(
        report.failure.as_ref().map(ToString::to_string),
        Some(format!("no answer until {}, the scrape's deadline", slot + Duration::from_secs(10)))
    );
    assert!(rig.manager.handle_response(rig.now, request.id, ok("a 1\n", slot), &mut rig.store).is_none());
    let next = rig.request();
    assert!(rig.manager.handle_response(rig.now, request.id, ok("a 1\n", slot), &mut rig.store).is_none());
    let report = rig.manager.handle_response(rig.now, next.id, ok("a 1\n", rig.now), &mut rig.store);
    assert!(report.is_some_and(|report| report.up()), "the next scrape is answered by its own answer only");
    assert_eq!(rig.values("up"), [Some(0.0), Some(1.0)]);
}

#[test]
fn slots_slept_through_are_counted_and_not_caught_up() {
    let mut rig = Rig::new(job());
    rig.body("a 1\n");
    rig.now += Duration::from_secs(30 * 10 + 7);
    rig.body("a 1\n");
    let target = rig.manager.targets().next().expect("one target");
    assert_eq!(target.health.missed, 9);
    assert_eq!(target.health.scrapes, 2);
    assert_eq!(target.next_scrape, rig.now + Duration::from_secs(23), "the phase stays");
}

#[test]
fn a_clock_that_steps_back_does_not_take_samples_with_it() {
    let mut rig = Rig::new(job());
    rig.body("a 1\n");
    let first = rig.now;
    let report = rig.outcome(|_| ok("a 2\n", Timestamp::EPOCH));
    assert!(report.at > first);
    assert_eq!(rig.values("a"), [Some(1.0), Some(2.0)]);
    assert!(rig.store.refused.is_empty());
}

#[test]
fn a_status_other_than_200_fails_the_scrape() {
    let mut rig = Rig::new(job());
    let report = rig.outcome(|at| ok("a 1\n", at).map(|r| Response { status: 404, ..r }));
    assert_eq!(report.failure.map(|f| f.to_string()).as_deref(), Some("server returned HTTP status 404"));
    assert_eq!(rig.store.names(), Vec::<String>::new());
}

#[test]
fn nothing_is_due_without_targets() {
    let mut job = job();
    job.static_targets.clear();
    let mut manager = Manager::new(vec![job], &Labels::empty(), START);
    assert_eq!(manager.poll_timeout(), None);
    assert!(manager.handle_timeout(START, &mut Memory::default()).is_empty());
    assert!(!matches!(manager.poll_output(), Some(Output::Scrape(_))));
}

#[test]
fn a_phase_may_be_imposed_and_changed() {
    let mut timed = job();
    timed.phase = Some(Duration::from_millis(12_345));
    let mut rig = Rig::new(timed.clone());
    assert_eq!(rig.manager.poll_timeout(), Some(START + Duration::from_millis(12_345)));
    timed.phase = Some(Duration::from_millis(-1));
    rig.manager.reload(START, vec![timed]);
    assert_eq!(rig.manager.poll_timeout(), Some(START + Duration::from_millis(29_999)));
}
