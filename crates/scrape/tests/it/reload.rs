use assurance_metrics_model::{Duration, Labels};
use assurance_scrape::{CounterBirth, RelabelAction, RelabelRule, RelabelSpec};

use crate::rig::{Rig, group, job, of_target};

#[test]
fn the_same_jobs_change_nothing() {
    let mut rig = Rig::new(job());
    rig.body("a 1\n");
    let hints = rig.store.without_hint;
    let due = rig.manager.poll_timeout();
    rig.manager.reload(rig.now, vec![job()]);
    assert_eq!(rig.manager.poll_timeout(), due);
    let report = rig.body("a 2\n");
    assert_eq!((report.counts.added, report.counts.stale), (0, 0));
    assert_eq!(rig.store.without_hint, hints);
    assert_eq!(report.id.sequence, 2);
}

#[test]
fn a_request_under_way_is_still_answered() {
    let mut rig = Rig::new(job());
    let request = rig.request();
    rig.manager.reload(rig.now, vec![job()]);
    let answer = crate::rig::ok("a 1\n", rig.now);
    assert!(rig.manager.handle_response(rig.now, request.id, answer, &mut rig.store).is_some());
}

#[test]
fn new_metric_relabelling_takes_hold_and_ends_what_it_drops() {
    let mut rig = Rig::new(job());
    rig.body("a 1\nb 1\n");
    let mut changed = job();
    changed.metric_relabel = vec![
        RelabelRule::new(RelabelSpec {
            source_labels: Some(vec!["__name__".to_owned()]),
            regex: Some("a".to_owned()),
            action: RelabelAction::Drop,
            ..RelabelSpec::default()
        })
        .expect("the rule is valid"),
    ];
    rig.manager.reload(rig.now, vec![changed]);
    rig.body("a 2\nb 2\n");
    assert_eq!(rig.values("a"), [Some(1.0), None]);
    assert_eq!(rig.values("b"), [Some(1.0), Some(2.0)]);
}

#[test]
fn another_interval_keeps_the_target_and_moves_its_slots() {
    let mut rig = Rig::new(job());
    rig.body("a 1\n");
    let mut faster = job();
    faster.scrape_interval = Duration::from_secs(10);
    rig.manager.reload(rig.now, vec![faster]);
    let target = rig.manager.targets().next().expect("one target");
    assert_eq!((target.target, target.health.scrapes), (0, 1));
    assert!(target.next_scrape - rig.now <= Duration::from_secs(10));
    let before = rig.now;
    rig.body("a 2\n");
    assert!(rig.now - before <= Duration::from_secs(10));
    assert_eq!(rig.values("a"), [Some(1.0), Some(2.0)]);
}

#[test]
fn jobs_may_change_places() {
    let mut other = job();
    other.job_name = "k".to_owned();
    other.static_targets = vec![group(&["k:1"])];
    let mut rig = Rig::of(vec![job(), other.clone()]);
    rig.body("a 1\n");
    rig.body("a 1\n");
    rig.manager.reload(rig.now, vec![other, job()]);
    let jobs: Vec<_> = rig.manager.targets().map(|t| (t.job, t.health.scrapes)).collect();
    assert_eq!(jobs, [("j", 1), ("k", 1)]);
    rig.body("a 2\n");
    rig.body("a 2\n");
    assert_eq!(rig.values("a"), [Some(1.0), Some(2.0)]);
    assert_eq!(rig.store.values(r#"a{instance="k:1",job="k"}"#), [Some(1.0), Some(2.0)]);
}

#[test]
fn new_labels_make_another_target() {
    let mut rig = Rig::new(job());
    rig.body("a 1\n");
    let mut labelled = job();
    labelled.static_targets[0].labels = Labels::from_pairs([("env", "prod")]);
    labelled.counter_birth = CounterBirth::Unknown;
    rig.manager.reload(rig.now, vec![labelled]);
    rig.now += Duration::from_millis(1);
    rig.manager.handle_timeout(rig.now, &mut rig.store);
    assert_eq!(rig.values("a"), [Some(1.0), None]);
    rig.body("a 2\n");
    assert_eq!(rig.store.values(r#"a{env="prod",instance="t:1",job="j"}"#), [Some(2.0)]);
    assert_eq!(rig.store.names().len(), 2);
    assert!(rig.store.names().contains(&of_target("a")));
}
