use assurance_metrics_model::{Duration, Timestamp};

use crate::rig::{Rig, START, group, job, of_target, ok};

#[test]
fn a_series_that_vanishes_ends_once() {
    let mut rig = Rig::new(job());
    rig.body("a 1\nb 1\n");
    rig.body("b 2\n");
    rig.body("b 3\n");
    let (second, third) = (rig.at(1), rig.at(2));
    assert_eq!(rig.store.samples(&of_target("a")), [(rig.at(0), Some(1.0)), (second, None)]);
    assert_eq!(rig.store.samples(&of_target("b")).last(), Some(&(third, Some(3.0))));
}

#[test]
fn a_failed_scrape_ends_all_series_once_and_they_come_back() {
    let mut rig = Rig::new(job());
    rig.body("a 1\nb 1\n");
    assert_eq!(rig.fail().counts.stale, 2);
    assert_eq!(rig.fail().counts.stale, 0);
    let back = rig.body("a 2\nb 2\n");
    assert_eq!(back.counts.added, 0, "they were in the scrape before");
    assert_eq!(rig.values("a"), [Some(1.0), None, Some(2.0)]);
    assert_eq!(rig.values("up"), [Some(1.0), Some(0.0), Some(0.0), Some(1.0)]);
    assert_eq!(rig.values("scrape_samples_scraped"), [Some(2.0), Some(0.0), Some(0.0), Some(2.0)]);
}

#[test]
fn an_empty_body_is_a_success_that_ends_all_series() {
    let mut rig = Rig::new(job());
    rig.body("a 1\n");
    assert!(rig.body("").up());
    assert!(rig.body("").up());
    let back = rig.body("a 1\n");
    assert_eq!(back.counts.added, 0, "as in Prometheus, an empty body does not clear the cache");
    assert_eq!(rig.values("a"), [Some(1.0), None, Some(1.0)]);
    assert_eq!(rig.values("up"), [Some(1.0); 4]);
}

#[test]
fn series_with_timestamps_end_only_if_tracked() {
    let body = |at: Timestamp| format!("a 1 {}\n", at.as_millis());
    for (track, want) in [(false, 1), (true, 2)] {
        let mut job = job();
        job.track_timestamps_staleness = track;
        let mut rig = Rig::new(job);
        rig.outcome(|at| ok(&body(at), at));
        rig.body("b 1\n");
        assert_eq!(rig.values("a").len(), want, "tracked: {track}");
    }
}

#[test]
fn the_same_series_in_another_order_of_labels_goes_on() {
    let mut rig = Rig::new(job());
    rig.body("a{x=\"1\",y=\"2\"} 1\n");
    let report = rig.body("a{y=\"2\", x=\"1\"} 2\n");
    assert_eq!(report.counts.stale, 0);
    assert_eq!(rig.store.values(r#"a{instance="t:1",job="j",x="1",y="2"}"#), [Some(1.0), Some(2.0)]);
}

#[test]
fn a_removed_target_ends_its_series_and_those_about_it() {
    let mut rig = Rig::new(job());
    rig.body("a 1\n");
    let mut other = job();
    other.static_targets = vec![group(&["other:1"])];
    rig.manager.reload(rig.now, vec![other]);
    assert!(rig.manager.poll_timeout() <= Some(rig.now), "the ends are due at once");
    rig.now += Duration::from_secs(1);
    rig.manager.handle_timeout(rig.now, &mut rig.store);
    let end = ((rig.now - START).as_millis(), None);
    for name in ["a", "up", "scrape_duration_seconds", "scrape_series_added"] {
        assert_eq!(rig.store.samples(&of_target(name)).last(), Some(&end), "{name}");
        assert_eq!(rig.values(name).len(), 2, "{name}");
    }
    assert!(rig.store.refused.is_empty());
}

#[test]
fn an_answer_for_a_removed_target_is_not_stored() {
    let mut rig = Rig::new(job());
    let request = rig.request();
    rig.manager.reload(rig.now, vec![]);
    assert!(rig.manager.handle_response(rig.now, request.id, ok("a 1\n", rig.now), &mut rig.store).is_none());
    assert!(rig.store.series.is_empty());
    rig.manager.handle_timeout(rig.now, &mut rig.store);
    assert_eq!(rig.manager.poll_timeout(), None);
}

#[test]
fn finish_ends_everything_even_in_the_same_millisecond() {
    let mut rig = Rig::new(job());
    rig.body("a 1\nb 1\n");
    let counts = rig.manager.finish(rig.now, &mut rig.store);
    assert_eq!((counts.stale, counts.refused), (7, 0));
    assert!(rig.store.series.values().all(|samples| samples.last().is_some_and(|(_, v)| v.is_nan())));
    assert_eq!(rig.manager.poll_timeout(), None);
}
