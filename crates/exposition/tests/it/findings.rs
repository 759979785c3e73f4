//! What lint says.

use std::fmt::Write as _;

use assurance_exposition::{Format, lint, parse};

fn findings(body: &str, format: Format) -> String {
    let parsed = parse(body.as_bytes(), format);
    assert_eq!(parsed.errors, []);
    lint(&parsed).iter().fold(String::new(), |mut out, finding| {
        let _infallible = writeln!(out, "{finding}");
        out
    })
}

#[test]
fn bad_names_and_missing_help_are_found() {
    let body = "\
gate_opened 1
# HELP calls Calls.
# TYPE calls counter
calls 1
# HELP level_total Level.
# TYPE level_total gauge
level_total 1
# HELP queue_count Queue.
# TYPE queue_count gauge
queue_count{le=\"1\",quantile=\"0.5\"} 1
# HELP a_gauge_b Type in the middle.
# TYPE a_gauge_b gauge
a_gauge_b 1
# HELP job:rate Recording rule.
# TYPE job:rate gauge
job:rate 1
# HELP gateOpen Camel.
# TYPE gateOpen gauge
gateOpen{gateName=\"x\",ok=\"y\"} 1
# HELP took_milliseconds Not a base unit.
# TYPE took_milliseconds gauge
took_milliseconds 1
# HELP uptime_hours Not a base unit either.
# TYPE uptime_hours gauge
uptime_hours 1
# HELP delay_ms Abbreviated.
# TYPE delay_ms gauge
delay_ms 1
";
    insta::assert_snapshot!(findings(body, Format::Text));
}

#[test]
fn lines_in_the_wrong_place_are_found() {
    let body = "\
# HELP a_total A.
# HELP a_total A again.
# TYPE a_total counter
# TYPE a_total counter
a_total{x=\"1\"} 1
# HELP b B.
# TYPE b gauge
b 1
a_total{x=\"2\"} 1
a_total{x=\"2\"} 2
# HELP b Late.
b 1
b 1 1000
";
    insta::assert_snapshot!(findings(body, Format::Text));
}

#[test]
fn counters_of_open_metrics_have_their_suffix_in_the_samples() {
    let body = "# TYPE a counter\n# HELP a A.\na_total 1\n# TYPE b_total gauge\n# HELP b_total B.\nb_total 1\n# EOF\n";
    insta::assert_snapshot!(findings(body, Format::OpenMetrics), @"line 4: b_total: only a counter's name should end in _total");
}

#[test]
fn a_clean_body_has_no_findings() {
    let body = "\
# HELP brain_gates_opened_total Decision gates opened.
# TYPE brain_gates_opened_total counter
brain_gates_opened_total{gate=\"DG-1\"} 3
# HELP brain_audit_delay_seconds How long the audit log lags behind.
# TYPE brain_audit_delay_seconds histogram
brain_audit_delay_seconds_bucket{le=\"1.0\"} 3
brain_audit_delay_seconds_bucket{le=\"+Inf\"} 3
brain_audit_delay_seconds_sum 0.5
brain_audit_delay_seconds_count 3
";
    assert_eq!(findings(body, Format::Text), "");
}
