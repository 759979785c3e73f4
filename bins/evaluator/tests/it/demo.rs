//! The demonstration ends well, and notices when a part of it is missing.

use crate::process::{evaluator, run};

/// The steps in the order they must be told.
const STEPS: [&str; 12] = [
    "scraped",
    "created",
    "seen",
    "pending",
    "firing",
    "delivered",
    "expired",
    "inactive",
    "resolved",
    "preserved",
    "verified",
    "sealed",
];

#[test]
fn the_whole_story_is_told_and_every_step_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(evaluator().arg("demo").env("TMPDIR", folder.path()), folder.path(), "");
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    let mut rest = ran.stdout.as_str();
    for step in STEPS {
        let found = rest.split_once(&format!("Z  {step} "));
        rest = found.unwrap_or_else(|| panic!("no step {step} where it belongs:\n{}", ran.shown())).1;
    }
    assert!(ran.stdout.contains("audit-2026-03-14.jsonl: OK"), "sha256sum agrees:\n{}", ran.stdout);
    assert!(rest.contains("2 events are what assurance/demo signed"), "and so does the seal:\n{rest}");
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0, "it leaves nothing behind");
}

/// Runs without a part; it must fail, naming the step that did not happen.
fn without(part: &str, step: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ran = run(evaluator().args(["demo", "--without", part]), folder.path(), "");
    assert_eq!(ran.code, Some(1), "{}", ran.shown());
    assert!(ran.stderr.contains(&format!("the step `{step}` did not happen within")), "{}", ran.shown());
    assert!(!ran.stdout.contains("Detected, preserved"), "{}", ran.shown());
}

#[test]
fn without_the_rule_nothing_becomes_pending() {
    without("rule", "pending");
}

#[test]
fn without_the_receiver_nothing_is_delivered() {
    without("receiver", "delivered");
}

#[test]
fn without_the_exporter_nothing_is_preserved() {
    without("exporter", "preserved");
}
