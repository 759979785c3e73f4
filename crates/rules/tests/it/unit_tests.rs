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
    out.push_str(&format!("unproven: {:?}\n", report.unproven));
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
    unproven: []
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
