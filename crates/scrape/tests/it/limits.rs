use assurance_scrape::{JobConfig, ScrapeLimits};

use crate::rig::{Rig, job, of_target};

fn limited(change: impl FnOnce(&mut ScrapeLimits)) -> JobConfig {
    let mut job = job();
    change(&mut job.limits);
    job
}

/// The body of the second scrape crosses the limit: nothing of it is stored, the series before end, and the
/// reason is told.
fn refuses(job: JobConfig, body: &str, want: &str) {
    let mut rig = Rig::new(job.clone());
    assert!(rig.body("ok 1\n").up());
    let report = rig.body(body);
    assert_eq!(report.failure.as_ref().map(ToString::to_string).as_deref(), Some(want));
    assert_eq!(rig.store.names(), [of_target("ok")], "nothing of the body is stored");
    assert_eq!(rig.values("ok"), [Some(1.0), None]);
    assert_eq!(rig.values("up"), [Some(1.0), Some(0.0)]);
    let target = rig.manager.targets().next().expect("one target");
    assert_eq!(target.health.last_error.as_deref(), Some(want));
    assert_eq!(target.health.history.len(), 1);
    assert_eq!(target.series, 1, "the cache is as before");
    assert!(rig.body("ok 2\n").up(), "the next scrape is judged by itself");
    assert_eq!(rig.values("ok"), [Some(1.0), None, Some(2.0)]);

    let mut unlimited = job;
    unlimited.limits = limited(|limits| {
        (limits.body_size, limits.samples, limits.labels) = (0, 0, 0);
        (limits.label_name_length, limits.label_value_length, limits.targets) = (0, 0, 0);
    })
    .limits;
    assert!(Rig::new(unlimited).body(body).up(), "zero is no limit");
}

#[test]
fn body_size() {
    refuses(
        limited(|l| l.body_size = 8),
        "ok 1\na 234\n",
        "body size limit exceeded: more than 8 bytes; raise body_size_limit, or expose less",
    );
}

#[test]
fn samples() {
    refuses(
        limited(|l| l.samples = 2),
        "ok 1\na 1\nb 1\nc 1\n",
        "sample limit exceeded: 4 samples, 2 are allowed; raise sample_limit, or drop series in metric_relabel_configs",
    );
    let mut rig = Rig::new(limited(|l| l.samples = 2));
    assert!(rig.body("a 1\nb 1\n").up(), "the limit itself is allowed");
    rig.body("a 1\nb 1\nc 1\n");
    assert_eq!(rig.values("scrape_samples_scraped"), [Some(2.0), Some(3.0)]);
}

#[test]
fn label_count() {
    refuses(
        limited(|l| l.labels = 4),
        "ok 1\na{x=\"1\",y=\"2\"} 1\n",
        "label limit exceeded: metric a has 5 labels, 4 are allowed by label_limit",
    );
}

#[test]
fn label_name_length() {
    refuses(
        limited(|l| l.label_name_length = 10),
        "ok 1\na{abcdefghijk=\"1\"} 1\n",
        "label name length limit exceeded: metric a has a label name of 11 bytes (abcdefghijk), 10 are allowed by label_name_length_limit",
    );
}

#[test]
fn label_value_length() {
    refuses(
        limited(|l| l.label_value_length = 5),
        "ok 1\na{b=\"123456\"} 1\n",
        "label value length limit exceeded: metric a, label \"b\" has a value of 6 bytes, 5 are allowed by label_value_length_limit",
    );
    // The name is a label's value too.
    refuses(
        limited(|l| l.label_value_length = 5),
        "ok 1\nabcdef 1\n",
        "label value length limit exceeded: metric abcdef, label \"__name__\" has a value of 6 bytes, 5 are allowed by label_value_length_limit",
    );
}

#[test]
fn a_body_that_cannot_be_read_is_refused_whole() {
    let mut rig = Rig::new(job());
    rig.body("ok 1\n");
    let report = rig.body("ok 2\nnew 1\nbroken{ 1\n");
    let reason = report.failure.expect("it failed").to_string();
    assert!(reason.starts_with("cannot parse the body: line 3, column "), "{reason}");
    assert_eq!(report.counts.scraped, 2);
    assert_eq!(rig.values("ok"), [Some(1.0), None]);
    assert_eq!(rig.store.names(), [of_target("ok")]);
}

#[test]
fn zero_lifts_the_bounds_of_the_parser_too() {
    let long = "v".repeat(70_000);
    let body = format!("a{{b=\"{long}\"}} 1\n");
    assert!(!Rig::new(job()).body(&body).up());
    assert!(Rig::new(limited(|l| l.label_value_length = 0)).body(&body).up());
}

#[test]
fn defaults_are_finite() {
    let limits = ScrapeLimits::default();
    assert_eq!((limits.body_size, limits.samples), (10 << 20, 10_000));
    assert_eq!((limits.labels, limits.label_name_length, limits.label_value_length), (64, 512, 4096));
    assert!(limits.targets > 0 && limits.keep_dropped_targets > 0);
}

#[test]
fn what_the_store_refuses_is_counted_and_the_rest_kept() {
    let mut rig = Rig::new(job());
    rig.store.max_series = Some(2);
    let report = rig.body("a 1\nb 1\nc 1\n");
    assert!(report.up());
    assert_eq!(report.counts.refused, 6, "c, and the five series about the scrape");
    assert_eq!(report.counts.added, 2);
    let target = rig.manager.targets().next().expect("one target");
    assert_eq!(
        target.health.last_warning.as_deref(),
        Some(
            "6 samples refused by the store, the first: cannot append to c{instance=\"t:1\",job=\"j\"} at 2026-01-01T00:00:20.343Z: series limit of 2 reached; drop series by relabelling, or raise the limit"
        )
    );
    assert_eq!(rig.store.names(), [of_target("a"), of_target("b")]);
}

#[test]
fn history_is_bounded() {
    let mut rig = Rig::new(job());
    for _ in 0..20 {
        rig.fail();
    }
    let target = rig.manager.targets().next().expect("one target");
    let health = target.health;
    assert_eq!((health.history.len(), health.failures, health.failures_in_a_row), (16, 20, 20));
    assert_eq!(health.history.back().map(|f| f.reason.as_str()), Some("connection refused"));
    assert_eq!(health.history.back().map(|f| Some(f.at)), Some(health.last_scrape));
    rig.body("a 1\n");
    let target = rig.manager.targets().next().expect("one target");
    assert_eq!((target.health.failures, target.health.failures_in_a_row), (20, 0));
    assert_eq!(target.health.last_error, None);
    assert_eq!(target.health.since, target.health.last_scrape);
}
