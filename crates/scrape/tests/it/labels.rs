use assurance_exposition::Format;
use assurance_metrics_model::{Duration, Labels, MetricType};
use assurance_scrape::{RelabelAction, RelabelRule, RelabelSpec, Response, ScrapeProtocol};

use crate::rig::{Rig, job, of_target, ok};

fn rule(spec: RelabelSpec) -> RelabelRule {
    RelabelRule::new(spec).expect("the rule is valid")
}

#[test]
fn clashing_labels_are_renamed_shortest_first() {
    let mut job = job();
    job.static_targets[0].labels = Labels::from_pairs([("exported_job", "x")]);
    let mut rig = Rig::new(job);
    rig.body("a{job=\"theirs\",exported_job=\"theirs too\",other=\"o\"} 1\n");
    assert_eq!(
        rig.store.names(),
        [
            r#"a{exported_exported_exported_job="theirs too",exported_exported_job="theirs",exported_job="x",instance="t:1",job="j",other="o"}"#
        ]
    );
}

#[test]
fn honour_keeps_theirs_and_an_empty_one_keeps_ours_away() {
    let mut job = job();
    job.honor_labels = true;
    let mut rig = Rig::new(job);
    rig.body("a{job=\"theirs\"} 1\nb{instance=\"\"} 1\n");
    assert_eq!(rig.store.names(), [r#"a{instance="t:1",job="theirs"}"#, r#"b{job="j"}"#]);
}

#[test]
fn metric_relabelling_drops_and_renames() {
    let mut job = job();
    job.metric_relabel = vec![
        rule(RelabelSpec {
            source_labels: Some(vec!["__name__".to_owned()]),
            regex: Some("noise_.*".to_owned()),
            action: RelabelAction::Drop,
            ..RelabelSpec::default()
        }),
        rule(RelabelSpec {
            regex: Some("pod".to_owned()),
            action: RelabelAction::LabelDrop,
            ..RelabelSpec::default()
        }),
    ];
    let mut rig = Rig::new(job);
    for _ in 0..2 {
        let report = rig.body("noise_a 1\nb{pod=\"p\"} 2\n");
        assert_eq!((report.counts.scraped, report.counts.post_relabel), (2, 1));
    }
    assert_eq!(rig.store.names(), [of_target("b")]);
    assert_eq!(rig.values("scrape_samples_scraped"), [Some(2.0), Some(2.0)]);
    assert_eq!(rig.values("scrape_samples_post_metric_relabeling"), [Some(1.0), Some(1.0)]);
    assert_eq!(rig.values("scrape_series_added"), [Some(1.0), Some(0.0)]);
    assert_eq!(rig.values("scrape_duration_seconds"), [Some(0.005), Some(0.005)]);
}

#[test]
fn a_series_without_a_name_fails_the_scrape() {
    let mut job = job();
    job.metric_relabel = vec![rule(RelabelSpec {
        regex: Some("__name__".to_owned()),
        action: RelabelAction::LabelDrop,
        ..RelabelSpec::default()
    })];
    let mut rig = Rig::new(job);
    let report = rig.body("a{b=\"c\"} 1\n");
    assert_eq!(
        report.failure.map(|f| f.to_string()).as_deref(),
        Some(r#"metric_relabel_configs left the series exposed as a{b="c"} without a name"#)
    );
}

#[test]
fn a_series_twice_in_a_body_counts_once_and_is_said() {
    let mut rig = Rig::new(job());
    let report = rig.body("a{x=\"1\",y=\"2\"} 1\nb 7\na{y=\"2\",x=\"1\"} 2\n");
    assert!(report.up());
    assert_eq!((report.counts.duplicates, report.counts.post_relabel), (1, 3));
    assert_eq!(rig.store.values(r#"a{instance="t:1",job="j",x="1",y="2"}"#), [Some(1.0)]);
    let target = rig.manager.targets().next().expect("one target");
    assert_eq!(
        target.health.last_warning.as_deref(),
        Some("1 lines left out: the body has their series already")
    );
    assert!(rig.store.refused.is_empty());
}

#[test]
fn timestamps_of_the_body_count_if_honoured() {
    let body = "a 1 1767225600123\n";
    let mut rig = Rig::new(job());
    rig.body(body);
    assert_eq!(rig.store.samples(&of_target("a")), [(123, Some(1.0))]);
    let mut job = job();
    job.honor_timestamps = false;
    let mut rig = Rig::new(job);
    rig.body(body);
    assert_eq!(rig.store.samples(&of_target("a")), [(rig.at(0), Some(1.0))]);
}

#[test]
fn the_content_type_chooses_the_format_and_the_fallback_fills_in() {
    let open = "# TYPE a counter\na_total 1.0\n# EOF\n";
    let typed = |content_type: Option<&'static str>| {
        move |at| ok(open, at).map(|r| Response { content_type: content_type.map(str::to_owned), ..r })
    };
    let mut rig = Rig::new(job());
    assert!(rig.outcome(typed(Some("application/openmetrics-text; version=1.0.0; charset=utf-8"))).up());
    let metadata: Vec<_> = rig.manager.metadata().map(|m| (m.metric, m.metadata.metric_type)).collect();
    assert_eq!(metadata, [("a", MetricType::Counter)]);
    // Text reads `# EOF` as a comment, and lacking it is no error.
    for content_type in [None, Some("application/json"), Some("garbage")] {
        assert!(rig.outcome(typed(content_type)).up(), "{content_type:?}");
        assert!(rig.outcome(|at| ok("a_total 2\n", at)).up());
    }
    let mut job = job();
    job.fallback = Format::OpenMetrics;
    let mut rig = Rig::new(job);
    let cut = rig.outcome(|at| ok("a_total 2\n", at).map(|r| Response { content_type: None, ..r }));
    assert!(!cut.up(), "OpenMetrics needs # EOF");
    assert!(rig.outcome(typed(None)).up());
}

#[test]
fn formats_are_asked_for_in_order() {
    assert_eq!(
        ScrapeProtocol::accept(&[ScrapeProtocol::PrometheusText0, ScrapeProtocol::OpenMetrics1]),
        "text/plain;version=0.0.4;q=0.3,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.2,*/*;q=0.1"
    );
    assert_eq!(ScrapeProtocol::accept(&ScrapeProtocol::ALL).matches("q=0.").count(), 5);
}

#[test]
fn extra_metrics_are_written_on_demand() {
    let mut job = job();
    job.extra_metrics = true;
    job.limits.body_size = 10;
    let mut rig = Rig::new(job.clone());
    rig.body("a 1\n");
    rig.body("a_long_name 1\n");
    assert_eq!(rig.values("scrape_timeout_seconds"), [Some(10.0), Some(10.0)]);
    assert_eq!(rig.values("scrape_sample_limit"), [Some(10_000.0), Some(10_000.0)]);
    assert_eq!(rig.values("scrape_body_size_bytes"), [Some(4.0), Some(-1.0)]);
    job.extra_metrics = false;
    rig.manager.reload(rig.now, vec![job]);
    rig.now += Duration::from_millis(1);
    rig.body("a 1\n");
    assert_eq!(rig.values("scrape_sample_limit"), [Some(10_000.0), Some(10_000.0), None]);
    assert_eq!(rig.values("scrape_series_added").len(), 3);
}

#[test]
fn metadata_is_kept_for_ten_scrapes_after_its_last_mention() {
    let mut rig = Rig::new(job());
    rig.body("# HELP a What a is.\n# TYPE a gauge\na 1\n");
    for _ in 0..10 {
        rig.body("b 1\n");
        assert_eq!(
            rig.manager.metadata().map(|m| m.metadata.help.as_str()).collect::<Vec<_>>(),
            ["What a is."]
        );
    }
    rig.body("b 1\n");
    assert_eq!(rig.manager.metadata().count(), 0);
}
