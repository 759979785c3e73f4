//! The same verdict as `promtool check rules` on every fixture whose syntax it knows.

use std::fmt::Write as _;
use std::process::Command;

use assurance_metrics_model::{Duration, Timestamp};
use assurance_rules::unit_test::Options;
use assurance_rules::{Phase, RuleFile};

use crate::bench::Bench;
use crate::files::{fixtures, source};

/// Files on which promtool 2.42 and we differ, and why.
const DIFFER: [(&str, &str); 6] = [
    (
        "expression-gives-a-range",
        "Prometheus finds out at the first evaluation, which fails, as all later ones",
    ),
    (
        "expression-gives-a-string",
        "Prometheus finds out at the first evaluation, which fails, as all later ones",
    ),
    ("two-documents", "Prometheus reads the first and drops the others without a word"),
    ("newer-keys", "promtool 2.42 does not know query_offset and group labels"),
    ("group-label-overridden", "promtool 2.42 does not know group labels"),
    ("names-to-quote", "promtool 2.42 does not know UTF-8 names"),
];

fn is_installed() -> bool {
    Command::new("promtool").arg("--version").output().is_ok_and(|out| out.status.success())
}

#[test]
fn verdicts_agree_with_promtool() {
    if !is_installed() {
        println!("skipped: promtool is not in PATH");
        return;
    }
    let mut compared = 0;
    for folder in ["bad", "odd", "good"] {
        for (name, path) in fixtures(folder) {
            let ours = RuleFile::parse(&source(&path)).is_ok();
            let out = Command::new("promtool").args(["check", "rules"]).arg(&path).output().unwrap();
            let theirs = out.status.success();
            let said = String::from_utf8_lossy(&out.stderr).into_owned();
            match DIFFER.iter().find(|(known, _)| *known == name) {
                // A newer promtool may agree.
                Some((_, reason)) if ours != theirs => println!("{folder}/{name} differs: {reason}"),
                _ => assert_eq!(ours, theirs, "{folder}/{name}: promtool says {said}"),
            }
            compared += 1;
        }
    }
    assert!(compared > 50, "only {compared} files compared");
}

const LIFE: &str = r#"
groups:
- name: life
  interval: 30s
  rules:
  - record: copy
    expr: source
    labels: {origin: source}
  - alert: Waiting
    expr: copy > 5
    for: 90s
    keep_firing_for: 1m
    labels:
      level: '{{ if gt $value 8.0 }}high{{ else }}low{{ end }}'
    annotations:
      summary: '{{ $labels.instance }} is {{ $value }} ({{ $labels.nothing }}), {{ query "sum(source)" | first | value }} in all'
  - alert: Immediate
    expr: source == 9
"#;

/// Numbers that are the same on every run: any full-period generator will do for timelines.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).expect("31 bits")
}

fn words(state: &mut u64, count: usize) -> String {
    let mut all = vec!["7"];
    while all.len() < count {
        // Runs of one word, so that alerts live to see their `for`; gaps stay far below the lookback.
        let word = ["1", "7", "7", "9", "9", "_", "stale"][next(state) % 7];
        let run = 1 + next(state) % 5;
        all.extend(std::iter::repeat_n(word, run));
        all.push("7");
    }
    all.truncate(count);
    all.join(" ")
}

/// A test for promtool that expects exactly what our engine gave, at every step of one timeline.
#[expect(clippy::unwrap_used, reason = "writing to a string cannot fail")]
fn expectations(bench: &mut Bench, timelines: &[(&str, String)], steps: usize) -> (String, usize) {
    let mut out = "- interval: 30s\n  input_series:\n".to_owned();
    for (instance, words) in timelines {
        bench.load(&[("__name__", "source"), ("instance", instance)], words);
        writeln!(out, "  - {{series: 'source{{instance=\"{instance}\"}}', values: '{words}'}}").unwrap();
    }
    let mut alerts = String::new();
    let mut series = String::new();
    let mut firing = 0;
    for step in 0..steps {
        let seconds = 30 * i64::try_from(step).expect("a small number");
        bench.run_to(seconds);
        for name in ["Waiting", "Immediate"] {
            writeln!(alerts, "  - eval_time: {seconds}s\n    alertname: {name}\n    exp_alerts:").unwrap();
            let fires = bench.manager.alerts().filter(|a| a.phase == Phase::Firing);
            for alert in fires.filter(|a| a.labels.get("alertname") == Some(name)) {
                firing += 1;
                writeln!(alerts, "    - exp_labels:").unwrap();
                for (name, value) in alert.labels.iter().filter(|(name, _)| *name != "alertname") {
                    writeln!(alerts, "        {name}: '{value}'").unwrap();
                }
                writeln!(alerts, "      exp_annotations:").unwrap();
                for (name, value) in &alert.annotations {
                    writeln!(alerts, "        {name}: '{value}'").unwrap();
                }
            }
        }
        for name in ["ALERTS", "copy"] {
            writeln!(series, "  - expr: {name}\n    eval_time: {seconds}s\n    exp_samples:").unwrap();
            for (labels, value) in bench.store.at(name, Timestamp::EPOCH + Duration::from_secs(seconds)) {
                writeln!(series, "    - {{labels: '{labels}', value: {value}}}").unwrap();
            }
        }
    }
    (format!("{out}  alert_rule_test:\n{alerts}  promql_expr_test:\n{series}"), firing)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "promtool reads files")]
fn alerts_live_as_in_promtool() {
    if !is_installed() {
        println!("skipped: promtool is not in PATH");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yml"), LIFE).unwrap();
    let mut text = "rule_files: [rules.yml]\nevaluation_interval: 30s\ntests:\n".to_owned();
    let mut state = 20_240_229;
    let mut firing = 0;
    for _ in 0..12 {
        let timelines = [("x", words(&mut state, 60)), ("y", words(&mut state, 60))];
        let (test, fired) = expectations(&mut Bench::new(LIFE), &timelines, 60);
        text.push_str(&test);
        firing += fired;
    }
    assert!(firing > 500, "only {firing} firing alerts make a poor comparison");
    std::fs::write(folder.path().join("test.yml"), &text).unwrap();
    let out = Command::new("promtool")
        .args(["test", "rules", "test.yml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said: String = String::from_utf8_lossy(&out.stderr).chars().take(3000).collect();
    assert!(out.status.success(), "promtool disagrees:\n{said}");
    let report = crate::unit_tests::run(&folder.path().join("test.yml"), &Options::default()).unwrap();
    assert!(report.passed(), "we disagree with ourselves: {}", report.tests[0].failures[0]);
}

#[test]
fn unit_tests_pass_and_fail_as_in_promtool() {
    if !is_installed() {
        println!("skipped: promtool is not in PATH");
        return;
    }
    let options = Options { group_intervals: false, ..Options::default() };
    for (name, path) in fixtures("unit").into_iter().filter(|(name, _)| name.ends_with("_test")) {
        let ours = crate::unit_tests::run(&path, &options).is_ok_and(|report| report.passed());
        let out = Command::new("promtool").args(["test", "rules"]).arg(&path).output().unwrap();
        assert_eq!(ours, out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
    }
}
