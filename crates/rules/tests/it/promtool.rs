//! The same verdict as `promtool check rules` on every fixture whose syntax it knows.

use std::process::Command;

use assurance_rules::RuleFile;

use crate::files::{fixtures, source};

/// Files on which promtool 2.42 and we differ, and why.
const DIFFER: [(&str, &str); 5] = [
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
