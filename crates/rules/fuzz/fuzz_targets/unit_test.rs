//! Any text as a file of unit tests over fixed rules: it is run, or refused with problems that can be shown.
#![no_main]

use assurance_diagnostics::Source;
use assurance_rules::unit_test::{Options, run};
use libfuzzer_sys::fuzz_target;

const RULES: &str = r#"
groups:
- name: g
  interval: 30s
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - alert: Down
    expr: up == 0
    for: 1m
    keep_firing_for: 1m
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.job }} is {{ $value }}"}
"#;

/// Whether a number of more than four digits, or of days or longer, is in the text: a timeline of the million
/// evaluations that a test may make takes seconds, in which thousands of short ones are tried.
fn long(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = bytes.windows(5).any(|five| five.iter().all(u8::is_ascii_digit));
    digits
        || bytes
            .windows(2)
            .any(|two| two[0].is_ascii_digit() && matches!(two[1], b'd' | b'w' | b'y' | b'e' | b'_'))
}

fuzz_target!(|text: &str| {
    if long(text) {
        return;
    }
    let mut options = Options::default();
    options.promql.max_samples = 20_000;
    options.trace = true;
    let load = |_name: &str| Ok(vec![Source::new("rules.yml", RULES)]);
    match run(&Source::new("test.yml", text), &load, &options) {
        Ok(report) => {
            for failure in report.tests.iter().flat_map(|test| &test.failures) {
                assert!(!failure.as_diff().is_empty());
            }
        }
        Err(problems) => assert!(!problems.is_empty() && problems.iter().all(|p| !p.to_string().is_empty())),
    }
});
