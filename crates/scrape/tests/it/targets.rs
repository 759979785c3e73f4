use assurance_metrics_model::{Duration, Labels};
use assurance_scrape::{JobConfig, Output, RelabelAction, RelabelRule, RelabelSpec, TargetGroup};

use crate::rig::{Rig, group, job};

fn rule(spec: RelabelSpec) -> RelabelRule {
    RelabelRule::new(spec).expect("the rule is valid")
}

fn set(target: &str, value: &str) -> RelabelRule {
    rule(RelabelSpec {
        target_label: Some(target.to_owned()),
        replacement: Some(value.to_owned()),
        ..RelabelSpec::default()
    })
}

#[test]
fn a_target_gets_job_instance_and_the_labels_of_its_group() {
    let mut job = JobConfig::new("brain-governance");
    job.metrics_path = "/api/sovereign-mode/metrics".to_owned();
    job.static_targets = vec![TargetGroup {
        labels: Labels::from_pairs([("layer", "governance")]),
        ..group(&["backend:8000"])
    }];
    let rig = Rig::new(job);
    let target = rig.manager.targets().next().expect("one target");
    assert_eq!(target.url, "http://backend:8000/api/sovereign-mode/metrics");
    assert_eq!(
        target.labels.to_string(),
        r#"{instance="backend:8000",job="brain-governance",layer="governance"}"#
    );
    assert_eq!(
        target.discovered.to_string(),
        concat!(
            r#"{__address__="backend:8000",__metrics_path__="/api/sovereign-mode/metrics","#,
            r#"__scheme__="http",__scrape_interval__="1m",__scrape_timeout__="10s","#,
            r#"job="brain-governance",layer="governance"}"#
        )
    );
}

#[test]
fn special_labels_make_the_request() {
    let mut job = job();
    job.params.insert("module".to_owned(), vec!["http_2xx".to_owned(), "second".to_owned()]);
    job.params.insert("q".to_owned(), vec!["a b&c".to_owned()]);
    job.relabel = vec![
        set("__scheme__", "https"),
        set("__metrics_path__", "probe me"),
        set("__param_target", "example.org/x"),
        set("__param_module", "tcp"),
        set("__address__", "127.0.0.1:9115"),
        set("__scrape_interval__", "1m"),
        set("__scrape_timeout__", "20s"),
        set("__tmp", "internal"),
        set("__meta_x", "meta"),
    ];
    let mut rig = Rig::new(job);
    let request = rig.request();
    assert_eq!(
        request.url,
        "https://127.0.0.1:9115/probe%20me?module=tcp&module=second&q=a+b%26c&target=example.org%2Fx"
    );
    assert_eq!(request.timeout, Duration::from_secs(20));
    assert_eq!(request.deadline, rig.now + Duration::from_secs(20));
    let header = |name: &str| {
        request.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).expect("the header is there")
    };
    assert_eq!(header("X-Prometheus-Scrape-Timeout-Seconds"), "20");
    assert!(header("Accept").starts_with("application/openmetrics-text;version=1.0.0"));
    assert_eq!(header("Accept-Encoding"), "gzip");
    let target = rig.manager.targets().next().expect("one target");
    assert_eq!(target.interval, Duration::from_minutes(1));
    assert_eq!(target.labels.to_string(), r#"{instance="127.0.0.1:9115",job="j"}"#);
}

#[test]
fn a_label_of_the_group_wins_over_the_job() {
    let mut job = job();
    job.static_targets[0].labels =
        Labels::from_pairs([("job", "mine"), ("instance", "me"), ("__scheme__", "https")]);
    let rig = Rig::new(job);
    let target = rig.manager.targets().next().expect("one target");
    assert_eq!(target.labels.to_string(), r#"{instance="me",job="mine"}"#);
    assert_eq!(target.url, "https://t:1/metrics");
}

#[test]
fn dropped_targets_are_kept_for_display_and_counted_beyond() {
    let mut job = job();
    job.limits.keep_dropped_targets = 2;
    job.static_targets = vec![group(&["a:1", "b:1", "c:1", "t:1"])];
    job.relabel = vec![rule(RelabelSpec {
        source_labels: Some(vec!["__address__".to_owned()]),
        regex: Some("t:1".to_owned()),
        action: RelabelAction::Keep,
        ..RelabelSpec::default()
    })];
    let rig = Rig::new(job);
    assert_eq!(rig.manager.targets().count(), 1);
    let dropped: Vec<_> = rig.manager.dropped_targets().map(|d| d.discovered.get("__address__")).collect();
    assert_eq!(dropped, [Some("a:1"), Some("b:1")]);
    assert_eq!(rig.manager.jobs().next().map(|j| (j.targets, j.dropped)), Some((1, 3)));
}

#[test]
fn the_same_target_listed_twice_is_one() {
    let mut job = job();
    job.static_targets = vec![group(&["t:1", "t:1"]), group(&["t:1"])];
    assert_eq!(Rig::new(job).manager.targets().count(), 1);
}

#[test]
fn targets_that_cannot_be_scraped_say_why() {
    let cases = [
        (set("__address__", ""), "target has no address; relabelling must leave __address__ set"),
        (
            set("__address__", "t:1/metrics"),
            "\"t:1/metrics\" is no address; write host:port, and the path as metrics_path",
        ),
        (set("__scheme__", "ftp"), "scheme \"ftp\" is not http or https"),
        (set("__scrape_interval__", "0s"), "__scrape_interval__ is zero"),
        (set("__scrape_timeout__", "1m"), "scrape timeout 1m is greater than the interval 30s"),
        (
            set("__scrape_timeout__", "soon"),
            "__scrape_timeout__: \"soon\" is not a duration; write whole numbers with the units y, w, d, h, m, s, ms, largest first, such as 1h30m",
        ),
    ];
    for (rule, want) in cases {
        let mut job = job();
        job.relabel = vec![rule];
        let rig = Rig::new(job);
        assert_eq!(rig.manager.targets().count(), 0);
        let invalid: Vec<_> = rig.manager.invalid_targets().map(|t| t.reason.to_string()).collect();
        assert_eq!(invalid, [want]);
    }
}

#[test]
fn too_many_targets_fail_all_of_the_job_without_a_request() {
    let mut job = job();
    job.static_targets = vec![group(&["a:1", "t:1"])];
    job.limits.targets = 1;
    let mut rig = Rig::new(job);
    let mut failures = 0;
    while failures < 2 {
        let (reports, outputs) = rig.wake();
        assert!(outputs.iter().all(|o| !matches!(o, Output::Scrape(_))));
        for report in reports {
            let failure = report.failure.expect("it failed");
            assert_eq!(
                failure.to_string(),
                "target limit exceeded: the job has 2 targets, 1 are allowed by target_limit"
            );
            failures += 1;
        }
    }
    assert_eq!(rig.values("up"), [Some(0.0)]);
    let status = rig.manager.jobs().next().expect("one job");
    assert!(status.error.is_some_and(|e| e.contains("target_limit")));
}
