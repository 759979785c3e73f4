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
        ("[90s]) == 1", "[90s]) == 2"),
        ("for: 5m", "for: 4m"),
        ("keep_firing_for: 2m", "keep_firing_for: 0s"),
        ("> 5.5", "> 4.5"),
        ("> 10.5", "> 9.5"),
        ("> 20.5", "> 19.5"),
        ("< 300", "< 240"),
        ("[1h]", "[2h]"),
        (
            "last_over_time(sovereign_bundle_quarantine_last_timestamp_seconds{job=\"brain-governance\"}[5m])",
            "sovereign_bundle_quarantine_last_timestamp_seconds",
        ),
        (",trust_tier=\"external\"", ""),
        ("sum without (gate) ", ""),
        ("sum without (target_mode) ", ""),
        ("or on (job) absent", "or absent"),
        ("26 * 3600", "27 * 3600"),
        ("vector(1)", "vector(1) > 1"),
        ("An override on", "The override on"),
    ] {
        assert!(rule_files().iter().any(|(_, text)| text.contains(from)), "no rule has {from}");
        assert!(!run(from, to).is_empty(), "{from} → {to}");
    }
}
