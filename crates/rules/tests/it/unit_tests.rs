//! Unit tests in promtool's format: what passes, what fails and how it is told.

use std::path::Path;

use assurance_diagnostics::{Diagnostic, Source};
use assurance_rules::unit_test::{self, Options, Report};

use crate::files::{fixtures, source};

/// Runs a fixture; rule files are read beside it.
#[expect(clippy::disallowed_methods, reason = "tests read their fixtures")]
pub(crate) fn run(path: &Path, options: &Options) -> Result<Report, Vec<Diagnostic>> {
    let folder = path.parent().expect("a folder");
    let load = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).map_err(|e| e.kind().to_string())?;
        Ok(vec![Source::new(name, text)])
    };
    unit_test::run(&source(path), &load, options)
}

fn print(report: &Report) -> String {
    let mut out = String::new();
    for test in &report.tests {
        out.push_str(&format!("{} ({} checks, {} failures)\n", test.name, test.checks, test.failures.len()));
        test.failures.iter().for_each(|failure| out.push_str(&format!("{failure}\n")));
    }
    report.warnings.iter().for_each(|warning| out.push_str(&format!("{warning}\n")));
    for proof in &report.proofs {
        let (line, proven) = (proof.line, proof.proof.as_str());
        out.push_str(&format!("{}:{line} {}: {proven}\n", proof.rule.file, proof.rule.rule));
    }
    out
}

fn fixture(name: &str) -> std::path::PathBuf {
    let (_, path) = fixtures("unit").into_iter().find(|(found, _)| found == name).expect("a fixture");
    path
}

#[test]
fn tests_that_pass() {
    let report = run(&fixture("pass_test"), &Options::default()).unwrap();
    insta::assert_snapshot!(print(&report), @r#"
    down for two minutes (5 checks, 0 failures)
    errors are held (3 checks, 0 failures)
    rules.yml:5 job:errors:rate5m: proven
    rules.yml:9 BackendDown: proven
    rules.yml:16 ErrorsHigh: proven
    "#);
    assert!(report.passed());
}

#[test]
fn tests_that_fail() {
    let report = run(&fixture("fail_test"), &Options::default()).unwrap();
    assert!(!report.passed());
    insta::assert_snapshot!(print(&report));
}

#[test]
fn files_that_cannot_be_run() {
    let all = fixtures("unit/broken");
    let all: Vec<_> = all.into_iter().filter(|(name, _)| name.ends_with("_test")).collect();
    assert!(all.len() >= 5, "only {} broken files found", all.len());
    let mut out = String::new();
    for (name, path) in all {
        let Err(problems) = run(&path, &Options::default()) else { panic!("{name} was run") };
        out.push_str(&format!("== {name}\n"));
        problems.iter().for_each(|problem| out.push_str(&format!("{problem}\n")));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn only_the_wanted_tests_are_run() {
    let path = fixture("fail_test");
    let rules = fixture("rules");
    let load = |_: &str| Ok(vec![source(&rules)]);
    let report =
        unit_test::run_some(&source(&path), &load, &Options::default(), &|name| name.contains("fails"))
            .unwrap();
    let names: Vec<&str> = report.tests.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["a rule that fails"]);
}

/// A group is evaluated at its own interval, as in a server; promtool's way is an option.
#[test]
fn group_intervals_are_honoured() {
    let rules = "
groups:
- name: slow
  interval: 5m
  rules:
  - {alert: BackendDown, expr: up == 0, for: 1m}
";
    let test = "
rule_files: [r]
tests:
- input_series: [{series: up, values: '0x10'}]
  alert_rule_test:
  - {eval_time: 4m, alertname: BackendDown, exp_alerts: [{}]}
";
    let load = |name: &str| Ok(vec![Source::new(name, rules)]);
    let passed = |options: &Options| {
        unit_test::run(&Source::new("t", test), &load, options).map(|report| report.passed()).unwrap()
    };
    assert!(!passed(&Options::default()), "the second evaluation is at 5m");
    assert!(passed(&Options { group_intervals: false, ..Options::default() }));
}

#[test]
fn fuzzy_comparison_forgives_the_last_bit() {
    let test = |fuzzy: bool| {
        format!(
            "fuzzy_compare: {fuzzy}\ntests:\n- promql_expr_test:\n  - {{expr: vector(0.1) + 0.2, eval_time: 0s, exp_samples: [{{value: 0.3}}]}}\n"
        )
    };
    let load = |_: &str| Ok(Vec::new());
    let passed = |text: String| {
        unit_test::run(&Source::new("t", text), &load, &Options::default()).map(|r| r.passed()).unwrap()
    };
    assert!(passed(test(true)));
    assert!(!passed(test(false)));
}

fn one(rules: &str, test: &str, options: &Options) -> Report {
    let load = |name: &str| Ok(vec![Source::new(name, rules)]);
    unit_test::run(&Source::new("t.yml", test), &load, options).unwrap_or_else(|found| panic!("{}", found[0]))
}

const DOWN: &str = "
groups:
- name: a
  rules:
  - {record: down, expr: up == 0}
  - {record: unread, expr: up}
  - {alert: BackendDown, expr: down == 0, for: 2m}
  - {alert: BackendUp, expr: up == 1}
  - {alert: Quiet, expr: up == 7}
";

/// promtool shows a query what was scraped up to the last evaluation, and no more.
#[test]
fn samples_come_into_sight_as_time_goes_on() {
    let rules = "groups: [{name: a, rules: [{record: ahead, expr: up offset -1m}]}]";
    let test = "
rule_files: [r]
tests:
- interval: 30s
  input_series: [{series: up, values: '0 1 2 3 4 5 6 7 8 9 10'}]
  promql_expr_test:
  - {expr: up, eval_time: 90s, exp_samples: [{labels: up, value: 2}]}
  - {expr: ahead, eval_time: 90s, exp_samples: [{labels: ahead, value: 2}]}
  - {expr: up offset -30s, eval_time: 0s, exp_samples: [{labels: up, value: 1}]}
";
    let report = one(rules, test, &Options::default());
    assert!(report.passed(), "{}", print(&report));
}

#[test]
fn a_test_may_begin_at_any_time() {
    for (start, passes) in [("2024-02-29T12:00:00Z", true), ("1709208000", true), ("1709208060", false)] {
        let test = format!(
            "
rule_files: [r]
tests:
- start_timestamp: {start}
  input_series: [{{series: up, values: '0x10'}}]
  alert_rule_test:
  - {{eval_time: 1m, alertname: BackendDown}}
  - {{eval_time: 2m, alertname: BackendDown, exp_alerts: [{{}}]}}
  promql_expr_test:
  - {{expr: hour(), eval_time: 1m, exp_samples: [{{value: 12}}]}}
  - {{expr: timestamp(up), eval_time: 2m, exp_samples: [{{value: 1709208120}}]}}
"
        );
        let report = one(DOWN, &test, &Options::default());
        assert_eq!(report.passed(), passes, "{start}: {}", print(&report));
    }
}

#[test]
fn an_alert_may_have_some_time_to_come() {
    let test = |within: &str| {
        format!(
            "
rule_files: [r]
tests:
- input_series: [{{series: up, values: '1 1 1 0x20'}}]
  alert_rule_test:
  - {{eval_time: 3m, alertname: BackendDown, {within}exp_alerts: [{{}}]}}
"
        )
    };
    // Down from 3m on, and firing two minutes later.
    assert!(!one(DOWN, &test(""), &Options::default()).passed());
    assert!(!one(DOWN, &test("within: 1m, "), &Options::default()).passed());
    assert!(one(DOWN, &test("within: 2m, "), &Options::default()).passed());
    insta::assert_snapshot!(print(&one(DOWN, &test("within: 1m, "), &Options::default())), @r#"
    unnamed#0 (1 checks, 1 failures)
    error: BackendDown does not fire at 3m nor within 1m after
     --> t.yml:6:32
      |
    6 |   - {eval_time: 3m, alertname: BackendDown, within: 1m, exp_alerts: [{}]}
      |                                ^^^^^^^^^^^
      |
      = help: BackendDown fires from 5m on (looked at up to 23m)
      expected:
        {alertname="BackendDown"}
      got: nothing

    r:5 down: no test that passes makes it give anything
    r:6 unread: no test names it
    r:7 BackendDown: no test that passes makes it give anything
    r:8 BackendUp: no test names it
    r:9 Quiet: no test names it
    "#);
}

#[test]
fn what_no_test_makes_fire_is_not_proven() {
    let test = "
rule_files: [r]
tests:
- input_series: [{series: up, values: '0x10'}]
  alert_rule_test:
  - {eval_time: 2m, alertname: BackendDown, exp_alerts: [{}]}
  - {eval_time: 2m, alertname: BackendUp}
";
    insta::assert_snapshot!(print(&one(DOWN, test, &Options::default())), @r#"
    unnamed#0 (2 checks, 0 failures)
    r:5 down: proven
    r:6 unread: no test names it
    r:7 BackendDown: proven
    r:8 BackendUp: no test that passes makes it give anything
    r:9 Quiet: no test names it
    "#);
    let test = format!(
        "{test}  promql_expr_test:\n  - {{expr: 'unread + 1', eval_time: 1m, exp_samples: [{{value: 1}}]}}\n"
    );
    let report = one(DOWN, &test, &Options::default());
    let unread = report.proofs.iter().find(|proof| &*proof.rule.rule == "unread").unwrap();
    assert_eq!(unread.proof, unit_test::Proof::Proven);
}

#[test]
fn what_happens_is_written_down_where_asked_for() {
    let test = "
rule_files: [r]
tests:
- input_series: [{series: up, values: '0 0 0 _ 1'}]
  alert_rule_test:
  - {eval_time: 4m, alertname: BackendUp, exp_alerts: [{}]}
";
    let report = one(DOWN, test, &Options { trace: true, ..Options::default() });
    insta::assert_snapshot!(report.tests[0].trace.join("\n"), @r#"
    0s: pending {alertname="BackendDown"} 0
    2m: firing {alertname="BackendDown"} 0
    4m: resolved {alertname="BackendDown"} 0
    4m: firing {alertname="BackendUp"} 1
    ALERTS{alertname="BackendDown",alertstate="firing"} 1@2m 1@3m stale@4m
    ALERTS{alertname="BackendDown",alertstate="pending"} 1@0s 1@1m stale@2m
    ALERTS{alertname="BackendUp",alertstate="firing"} 1@4m
    ALERTS_FOR_STATE{alertname="BackendDown"} 0@0s 0@1m 0@2m 0@3m stale@4m
    ALERTS_FOR_STATE{alertname="BackendUp"} 240@4m
    down 0@0s 0@1m 0@2m 0@3m stale@4m
    unread 0@0s 0@1m 0@2m 0@3m 1@4m
    up 0@0s 0@1m 0@2m 1@4m
    "#);
    assert!(one(DOWN, test, &Options::default()).tests[0].trace.is_empty());
}

#[test]
fn a_file_that_two_patterns_match_is_read_once() {
    let test = "rule_files: [a.yml, '*.yml']\ntests: []";
    let load = |_: &str| Ok(vec![Source::new("a.yml", DOWN)]);
    let report = unit_test::run(&Source::new("t.yml", test), &load, &Options::default()).unwrap();
    assert_eq!(report.proofs.len(), 5);
    let none = |_: &str| Ok(Vec::new());
    let report = unit_test::run(&Source::new("t.yml", test), &none, &Options::default()).unwrap();
    assert_eq!(report.warnings.len(), 2, "a pattern that matches nothing is no error, as in promtool");
}

#[test]
fn native_histograms_are_recorded_alerted_on_and_expected() {
    let rules = "
groups:
- name: a
  rules:
  - {record: latency:sum, expr: sum(latency)}
  - alert: Slow
    expr: latency
    labels: {count: '{{ $value.Count }}'}
    annotations:
      summary: '{{ $value }}'
      rate: '{{ $value | humanize }}'
      query: '{{ query \"latency\" | first | value }}'
";
    let test = "
rule_files: [r]
tests:
- input_series:
  - {series: 'latency{instance=\"x\"}', values: '{{schema:0 sum:5 count:4 buckets:[1 2 1]}}x5'}
  promql_expr_test:
  - expr: latency:sum
    eval_time: 1m
    exp_samples: [{labels: 'latency:sum', histogram: '{{schema:0 sum:5 count:4 buckets:[1 2 1]}}'}]
  - expr: latency:sum
    eval_time: 1m
    exp_samples: [{labels: 'latency:sum', histogram: '{{schema:0 sum:5 count:4 buckets:[1 1 2]}}'}]
  - {expr: latency, eval_time: 1m, exp_samples: [{labels: latency, histogram: '1'}]}
  alert_rule_test:
  - {eval_time: 1m, alertname: Slow}
";
    insta::assert_snapshot!(print(&one(rules, test, &Options::default())), @r#"
    unnamed#0 (4 checks, 3 failures)
    error: Slow fires at 1m
      --> t.yml:15:32
       |
    15 |   - {eval_time: 1m, alertname: Slow}
       |                                ^^^^
       |
       = help: Slow fires from 0s on (looked at up to 5m)
      expected: nothing
      got:
        {alertname="Slow",count="4",instance="x"}
          query: "0"
          rate: "<error expanding template: can't convert a histogram to float>"
          summary: "{count:4, sum:5, (0.5,1]:1, (1,2]:2, (2,4]:1}"

    error: the query gives other samples at 1m
      --> t.yml:10:11
       |
    10 |   - expr: latency:sum
       |           ^^^^^^^^^^^
      expected:
        latency:sum {{count:4 sum:5 buckets:[1 1 2]}}
      got:
        latency:sum {{count:4 sum:5 buckets:[1 2 1]}}

    error: "1" is not one histogram, such as {{schema:0 count:1}}
      --> t.yml:13:79
       |
    13 |   - {expr: latency, eval_time: 1m, exp_samples: [{labels: latency, histogram: '1'}]}
       |                                                                               ^^^

    r:5 latency:sum: proven
    r:6 Slow: no test that passes makes it give anything
    "#);
}

#[test]
fn a_test_has_an_end() {
    let run = |interval: &str, eval_time: &str, start: &str| {
        let test = format!(
            "
rule_files: [r]
evaluation_interval: {interval}
tests:
- start_timestamp: {start}
  alert_rule_test:
  - {{eval_time: {eval_time}, alertname: BackendDown}}
"
        );
        let load = |name: &str| Ok(vec![Source::new(name, DOWN)]);
        unit_test::run(&Source::new("t.yml", test), &load, &Options::default())
    };
    let found = run("1m", "3y", "0").unwrap_err();
    assert!(found[0].message.contains("at most 1048576 are made"), "{}", found[0]);
    // Where time ends, so does the test.
    assert!(run("200000000y", "292000000y", "8999999999999999").unwrap().passed());
}
