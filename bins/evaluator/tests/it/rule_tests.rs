//! `test rules`: what it says, its exit codes, and the same verdict as promtool file by file.

use std::path::{Path, PathBuf};
use std::process::Command;

use insta::assert_snapshot;
use serde_json::Value;

use crate::peers::installed;
use crate::process::{Ran, evaluator, run};
use crate::start::write;

const RULES: &str = "
groups:
- name: a
  interval: 30s
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - alert: JobDown
    expr: job:up:sum == 0
    for: 2m
    labels: {severity: critical}
    annotations: {summary: '{{ $labels.job }} is down'}
  - alert: JobHalfDown
    expr: job:up:sum == 1
";

const TESTS: &str = "
rule_files: ['rul*.yml']
evaluation_interval: 1m
tests:
- name: all down
  input_series:
  - {series: 'up{job=\"x\",instance=\"1\"}', values: '1 0x10'}
  - {series: 'up{job=\"x\",instance=\"2\"}', values: '1 0x10'}
  alert_rule_test:
  - {eval_time: 2m, alertname: JobDown}
  - eval_time: 3m
    alertname: JobDown
    exp_alerts: [{exp_labels: {job: x, severity: critical}, exp_annotations: {summary: x is down}}]
- promql_expr_test:
  - {expr: vector(1), eval_time: 0s, exp_samples: [{value: 1}]}
";

fn folder(tests: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path().join("rules.yml"), RULES);
    write(folder.path().join("tests.yml"), tests);
    folder
}

fn test(folder: &Path, args: &[&str]) -> Ran {
    run(evaluator().args(["test", "rules"]).args(args), folder, "")
}

#[test]
fn tests_that_pass() {
    let folder = folder(TESTS);
    assert_snapshot!(test(folder.path(), &["tests.yml"]).shown());
    let ran = test(folder.path(), &["--ignore-group-intervals", "tests.yml"]);
    assert!(ran.code == Some(0) && ran.stderr.is_empty(), "{}", ran.shown());
}

#[test]
fn tests_that_fail_and_files_that_are_none() {
    let folder = folder(&TESTS.replace("eval_time: 3m", "eval_time: 150s").replace("x is down", "y is down"));
    write(folder.path().join("broken.yml"), "rule_file: [rules.yml]\n");
    assert_snapshot!(test(folder.path(), &["tests.yml", "broken.yml", "absent.yml"]).shown());
    assert_snapshot!(test(folder.path(), &["--diff", "tests.yml"]).stderr);
}

#[test]
fn a_test_that_only_promtool_passes_is_told_so() {
    // Half a minute after it came down a server knows; promtool evaluates every minute.
    let tests = TESTS
        .replace("tests:\n", "tests:\n- interval: 30s\n  input_series: [{series: 'up{job=\"y\"}', values: '0 1x20'}]\n  alert_rule_test:\n  - {eval_time: 90s, alertname: JobHalfDown, exp_alerts: [{exp_labels: {job: y}}]}\n  - {eval_time: 30s, alertname: JobHalfDown}\n");
    let folder = folder(&tests);
    let ran = test(folder.path(), &["tests.yml"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("so evaluated, these tests pass"), "{}", ran.shown());
    assert_eq!(test(folder.path(), &["--ignore-group-intervals", "tests.yml"]).code, Some(0));
}

#[test]
fn only_some_tests_and_how_they_went() {
    let folder = folder(&TESTS.replace("value: 1}", "value: 2}"));
    assert_eq!(test(folder.path(), &["tests.yml"]).code, Some(1));
    let ran = test(folder.path(), &["--run", "^all", "--run", "none", "--debug", "tests.yml"]);
    assert_snapshot!(ran.shown());
    assert_eq!(test(folder.path(), &["--run", "(", "tests.yml"]).code, Some(2));
}

#[test]
fn results_for_programs() {
    let folder = folder(&TESTS.replace("value: 1}", "value: 2}"));
    let ran = test(folder.path(), &["-o", "json", "--junit", "junit.xml", "tests.yml", "absent.yml"]);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &json["v"], &json["passed"]), (Some(1), &1.into(), &false.into()));
    assert_eq!(json["files"][0]["tests"][0]["passed"], true);
    let failure = &json["files"][0]["tests"][1]["failures"][0];
    assert_eq!(failure["line"], 15);
    assert_eq!((&failure["expected"][0], &failure["got"][0]), (&"{} 2".into(), &"{} 1".into()));
    assert!(json["files"][1]["errors"][0]["message"].as_str().unwrap().contains("absent.yml"));
    assert_eq!(json["coverage"]["proven"], 2);
    assert_eq!(json["coverage"]["not_proven"][0]["rule"], "JobHalfDown");
    let xml = fs_err::read_to_string(folder.path().join("junit.xml")).unwrap();
    let timestamp = xml.find("timestamp=\"").unwrap() + 11;
    assert_snapshot!(xml.replace(&xml[timestamp..timestamp + 19], "[now]"));
}

#[test]
fn rules_that_no_test_proves_may_fail_it() {
    let folder = folder(TESTS);
    assert_eq!(test(folder.path(), &["--min-coverage", "66", "tests.yml"]).code, Some(0));
    let ran = test(folder.path(), &["--min-coverage", "67", "tests.yml"]);
    assert!(ran.code == Some(1) && ran.stderr.contains("66.7 %"), "{}", ran.shown());
}

#[test]
fn unknown_keys_of_rule_files_may_be_passed_over() {
    let folder = folder(TESTS);
    write(folder.path().join("rules.yml"), &RULES.replace("interval: 30s", "owner: me"));
    let ran = test(folder.path(), &["tests.yml"]);
    assert!(ran.code == Some(1) && ran.stderr.contains("owner"), "{}", ran.shown());
    assert_eq!(test(folder.path(), &["--ignore-unknown-fields", "tests.yml"]).code, Some(0));
}

#[test]
fn experimental_functions_are_enabled_by_prometheus_name() {
    let folder = folder(TESTS);
    write(
        folder.path().join("rules.yml"),
        &RULES.replace("sum by (job) (up)", "sort_by_label(sum by (job) (up), 'job')"),
    );
    let feature = "--enable-feature=promql-experimental-functions,no-such-feature";
    let config = "rule_files: [rules.yml]\nscrape_configs: []\n";
    write(folder.path().join("prometheus.yml"), config);
    for args in [
        &["test", "rules", "tests.yml"][..],
        &["check", "rules", "rules.yml"],
        &["check", "config", "prometheus.yml"],
    ] {
        let refused = run(evaluator().args(args), folder.path(), "");
        assert!(refused.code == Some(1) && refused.stderr.contains("sort_by_label"), "{}", refused.shown());
        let taken = run(evaluator().args(args).arg(feature), folder.path(), "");
        assert_eq!(taken.code, Some(0), "{}", taken.shown());
    }
    let told = test(folder.path(), &[feature, "tests.yml"]);
    assert!(told.stderr.contains("unknown option \"no-such-feature\""), "{}", told.shown());
}

/// The nth occurrence of a text replaced, if there is one.
fn nth_replaced(text: &str, from: &str, n: usize, to: &str) -> Option<String> {
    let (at, _) = text.match_indices(from).nth(n)?;
    Some(format!("{}{to}{}", &text[..at], &text[at + from.len()..]))
}

/// A test file as it is, and with one fault each.
fn variants(text: &str) -> Vec<String> {
    let mut all = vec![text.to_owned()];
    let faults = [
        ("exp_alerts:", 0, "exp_alerts: [] #"),
        ("eval_time: ", 1, "eval_time: 1"),
        ("eval_time: ", 0, "eval_time: 7m #"),
        ("severity: ", 0, "severity: un"),
        ("value: ", 0, "value: 17"),
        ("alertname: ", 0, "alertname: Not"),
        ("values: ", 0, "valuess: "),
        ("values: '", 0, "values: 'x "),
        ("rule_files:", 0, "rule_files: [none.yml] #"),
        ("tests:", 0, "group_eval_order: [a, a]\ntests:"),
        ("job=\"", 0, "job=\"x"),
    ];
    all.extend(faults.iter().filter_map(|(from, n, to)| nth_replaced(text, from, *n, to)));
    all
}

#[test]
fn verdicts_are_promtools() {
    if !installed("promtool") {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (mut compared, mut failing) = (0, 0);
    for from in ["crates/policy/pack/rules", "fixtures/rules/unit"] {
        let mut files: Vec<PathBuf> =
            fs_err::read_dir(root.join(from)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let folder = tempfile::tempdir().unwrap();
        for file in files.iter().filter(|file| file.is_file()) {
            fs_err::copy(file, folder.path().join(file.file_name().unwrap())).unwrap();
        }
        for file in files.iter().filter(|file| file.to_string_lossy().ends_with("_test.yml")) {
            for text in variants(&fs_err::read_to_string(file).unwrap()) {
                write(folder.path().join("now.yml"), &text);
                let theirs =
                    run(Command::new("promtool").args(["test", "rules", "now.yml"]), folder.path(), "");
                let ours = test(folder.path(), &["--ignore-group-intervals", "now.yml"]);
                let (theirs_shown, ours_shown) = (theirs.shown(), ours.shown());
                assert_eq!(
                    ours.code,
                    theirs.code,
                    "{}:\n{text}\npromtool: {theirs_shown}\nwe: {ours_shown}",
                    file.display()
                );
                compared += 1;
                failing += usize::from(ours.code != Some(0));
            }
        }
    }
    assert!(compared > 50 && failing > 30, "only {compared} files compared, {failing} of them failing");
}
