//! What is written where the formats have no common word.

use std::sync::Arc;

use assurance_exposition::{Family, FamilyExemplar, FamilySample, Format, encode, parse};
use assurance_metrics_model::{Histogram, Labels, MetricType, Span, Timestamp, Value};

fn both(families: &[Family]) -> String {
    let mut out = String::new();
    for format in [Format::Text, Format::OpenMetrics] {
        let body = encode(families, format);
        let errors = parse(body.as_bytes(), format).errors;
        assert_eq!(errors, [], "what is written must be read:\n{body}");
        out.push_str(&format!("-- {}\n{body}", format.content_type()));
    }
    out
}

fn types() -> Vec<Family> {
    let birth = 1_767_225_600.5;
    let mut gates = Family::counter("gates_total", "Gates\nopened.").with_sample(&[("gate", "DG-1")], 3.0);
    gates.push("", &[("gate", "DG-2")], 1e6);
    gates.samples.push(FamilySample::new(Labels::from_pairs([("__name__", "gates_created")]), birth));
    let mut calls = Family::counter("calls", "Not named as a counter.");
    calls.push("", &[], 5.0);
    let mut audit = Family::new("audit_seconds", MetricType::Counter, "").with_unit("seconds");
    *audit.push("_total", &[], 0.5) =
        FamilySample::new(Labels::from_pairs([("__name__", "audit_seconds_total")]), 0.5)
            .with_timestamp(Timestamp::from_millis(1500))
            .with_exemplar(FamilyExemplar {
                labels: Labels::from_pairs([("trace_id", "a\"b")]),
                value: 0.25,
                timestamp: Some(Timestamp::from_millis(1_767_225_600_050)),
            });
    let mut build = Family::new("build_info", MetricType::Info, "");
    build.push("", &[("version", "1")], 1.0);
    let mut mode = Family::new("mode", MetricType::StateSet, "").with_unit("ignored");
    mode.push("", &[("mode", "SAFE")], 0.0);
    let mut queue = Family::new("queue", MetricType::GaugeHistogram, "");
    queue.push("_bucket", &[("le", "-1.0")], 1.0);
    queue.push("_bucket", &[("le", "+Inf")], 2.0);
    queue.push("_gcount", &[], 2.0);
    queue.push("_gsum", &[], -3.5);
    let level =
        Family::gauge("level.now", "Not a legacy name.").with_sample(&[("stelle.ö", "süd\\n")], f64::NAN);
    vec![gates, calls, audit, build, mode, queue, level, Family::new("nothing", MetricType::Unknown, "")]
}

#[test]
fn every_type_in_both_formats() {
    insta::assert_snapshot!(both(&types()));
}

#[test]
fn series_keep_their_names_in_both_formats() {
    let names = |format| {
        let body = encode(&types(), format);
        let mut names: Vec<String> = parse(body.as_bytes(), format)
            .families
            .iter()
            .flat_map(|f| f.samples.iter().map(|s| s.labels.to_string()))
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(Format::Text), names(Format::OpenMetrics));
}

fn native(schema: i32, negative: bool) -> Value {
    let counts = if negative { vec![1.0, 2.0] } else { Vec::new() };
    Value::Histogram(Arc::new(Histogram {
        schema,
        zero_threshold: 0.001,
        zero_count: 1.0,
        count: 7.0 + counts.iter().sum::<f64>(),
        sum: 12.5,
        positive_spans: vec![Span { offset: 1, length: 2 }],
        positive_counts: vec![2.0, 4.0],
        negative_spans: if negative { vec![Span { offset: 0, length: 2 }] } else { Vec::new() },
        negative_counts: counts,
        ..Histogram::default()
    }))
}

#[test]
fn native_histograms_become_buckets() {
    let mut plain = Family::new("took_seconds", MetricType::Histogram, "");
    plain.push("", &[("route", "/a")], native(0, false));
    let mut negative = Family::new("drift_seconds", MetricType::Histogram, "");
    negative.push("", &[], native(1, true));
    let mut gauge = Family::new("depth", MetricType::GaugeHistogram, "");
    gauge.push("", &[], native(0, true));
    insta::assert_snapshot!(both(&[plain, negative, gauge]));
}
