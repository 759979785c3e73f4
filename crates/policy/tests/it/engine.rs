//! The pack's unit tests on our own engine: it must find them passing, as promtool does.

use assurance_diagnostics::Source;
use assurance_policy::{rule_files, rule_tests};
use assurance_rules::unit_test::{self, Options};

/// Runs the tests of all rule files that have `from` in them, with `to` in its place; says what failed.
fn run(from: &str, to: &str) -> Vec<String> {
    // As promtool does: every group at every instant of the test.
    let options = Options { group_intervals: false, ..Options::default() };
    let load = |name: &str| {
        let file = format!("rules/{name}");
        let (_, rules) = rule_files().iter().find(|(n, _)| *n == file).ok_or("there is no such rule file")?;
        Ok(vec![Source::new(file, rules.replace(from, to))])
    };
    let mut found = Vec::new();
    for ((_, rules), (name, text)) in rule_files().iter().zip(rule_tests()) {
        if !rules.contains(from) {
            continue;
        }
        let report = unit_test::run(&Source::new(*name, *text), &load, &options)
            .unwrap_or_else(|problems| panic!("{}", problems[0]));
        assert!(report.tests.iter().all(|test| test.checks > 0), "{name} has a test that checks nothing");
        found.extend(report.tests.iter().flat_map(|test| &test.failures).map(ToString::to_string));
    }
    found
}

#[test]
fn our_engine_finds_every_unit_test_passing() {
    let found = run("", "");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_unit_tests_notice_a_change_of_any_rule() {
    for (from, to) in [
        ("[5m]) == 1", "[5m]) == 2"),
        ("[5m]) == 1", "[1m]) == 1"),
        ("last_over_time(sovereign_override_active", "max_over_time(sovereign_override_active"),
        ("for: 5m", "for: 4m"),
        ("for: 10m", "for: 9m"),
        ("for: 2m", "for: 1m"),
        ("for: 15m", "for: 14m"),
        ("keep_firing_for: 3m", "keep_firing_for: 0s"),
        ("keep_firing_for: 5m", "keep_firing_for: 0s"),
        ("> 5.5", "> 4.5"),
        ("> 5.5", "> 6.5"),
        ("> 10.5", "> 9.5"),
        ("> 10.5", "> 11.5"),
        ("> 20.5", "> 19.5"),
        ("> 20.5", "> 21.5"),
        ("< 18.5", "< 17.5"),
        ("< 18.5", "< 19.5"),
        ("< 600", "< 540"),
        ("< 600", "< 660"),
        ("[8m]", "[4m]"),
        ("[8m]", "[16m]"),
        ("[1h]", "[2h]"),
        ("[1m])", "[30s])"),
        ("[1m])", "[2m])"),
        ("[5m]) == 1", "[10m]) == 1"),
        ("[5m]) > 0", "[10m]) > 0"),
        ("[1h]", "[30m]"),
        ("min_over_time", "max_over_time"),
        ("[5m]) > 0", "[1m]) > 0"),
        (",trust_tier=\"external\"", ""),
        ("sum without (gate) ", ""),
        ("sum without (target_mode) ", ""),
        ("unless on (job, instance)", "unless on (job)"),
        ("or absent_over_time(up{job=\"brain-governance\"}[1h])", ""),
        ("or on (job) absent_over_time", "unless on (job) absent_over_time"),
        ("26 * 3600", "27 * 3600"),
        ("[3d]", "[2d]"),
        ("[26h]", "[13h]"),
        ("vector(1)", "vector(1) > 1"),
        ("An override on", "The override on"),
        ("{{ else }}Job", "{{ else }}The job"),
        ("impact: >-", "impact: >-\n        Indeed:"),
        ("sum without (gate) (instance_gate", "sum without (instance) (instance_gate"),
        ("and sovereign_override_active", "or sovereign_override_active"),
        ("avg_over_time(up", "min_over_time(up"),
        ("[1d]", "[2d]"),
    ] {
        assert!(rule_files().iter().any(|(_, text)| text.contains(from)), "no rule has {from}");
        assert!(!run(from, to).is_empty(), "{from} → {to}");
    }
}
