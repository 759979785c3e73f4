//! What is said of a pack with one of each kind of mistake.
#![expect(clippy::disallowed_methods, reason = "the fixtures are files of the project")]

use std::fs;

use assurance_diagnostics::{Severity, Source};
use assurance_lint::{Input, Report, lint};

use crate::examples::input;

const DIRECTORY: &str = "../../fixtures/lint/cold-store/";

/// The names of the pack's files, rules first.
const FILES: [&str; 8] = [
    "rules.yml",
    "readme_rules.yml",
    "prometheus.yml",
    "contract.yml",
    "alertmanager.yml",
    "RUNBOOKS.md",
    "intents.yml",
    "rules_test.yml",
];

fn texts() -> Vec<(&'static str, String)> {
    let read =
        |name: &'static str| (name, fs::read_to_string(format!("{DIRECTORY}{name}")).expect("it is there"));
    FILES.into_iter().map(read).collect()
}

fn looked_at(texts: &[(&str, String)]) -> Report {
    let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    lint(&input(&files))
}

#[test]
fn every_kind_of_mistake_is_told_at_its_place() {
    insta::assert_snapshot!(looked_at(&texts()));
}

#[test]
fn the_same_files_give_the_same_report() {
    assert_eq!(looked_at(&texts()), looked_at(&texts()));
}

#[test]
fn what_is_not_given_is_not_judged() {
    let mut texts = texts();
    texts.retain(|(name, _)| name.ends_with("rules.yml"));
    let areas =
        ["selector", "absence/no", "routing", "runbook/dead", "intent", "rule/no-", "total", "window"];
    for finding in looked_at(&texts).findings {
        assert!(!areas.iter().any(|area| finding.check.id.starts_with(area)), "{}", finding.diagnostic);
    }
}

/// Every line is taken out of every file, and the file is cut at every tenth: whatever comes of it, the report's places
/// lie in the files.
#[test]
fn damaged_files_are_told_of_and_nothing_else_happens() {
    let whole = texts();
    for victim in 0..whole.len() {
        let text = whole[victim].1.clone();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for at in 0..lines.len() {
            let without = [&lines[..at], &lines[at + 1..]].concat().concat();
            let cut = (at % 10 == 0).then(|| lines[..at].concat());
            for damaged in cut.into_iter().chain([without]) {
                let mut texts = whole.clone();
                texts[victim].1 = damaged;
                for finding in looked_at(&texts).findings {
                    let file =
                        texts.iter().find(|(name, _)| *name == &*finding.diagnostic.file).expect("a file");
                    let span = finding.diagnostic.span.clone().unwrap_or(0..0);
                    assert!(file.1.get(span).is_some(), "{}", finding.diagnostic);
                }
            }
        }
    }
}

#[test]
fn an_empty_input_has_nothing_to_tell() {
    assert_eq!(lint(&Input::default()), Report::default());
    let mut input = Input::default();
    input.rules.push(Source::new("rules.yml", ""));
    assert_eq!(lint(&input).findings, []);
}

#[test]
fn more_findings_than_anybody_reads_are_counted_and_not_kept() {
    let mut text = String::from("groups:\n- name: many\n  rules:\n");
    for n in 0..1_300 {
        text += &format!("  - {{alert: A{n}, expr: up}}\n");
    }
    let mut input = Input::default();
    input.rules.push(Source::new("rules.yml", text));
    let report = lint(&input);
    assert_eq!(report.findings.len(), 5_000);
    // Without a comparison, a severity, a summary and a runbook.
    let severities = [Severity::Error, Severity::Warning, Severity::Info];
    assert_eq!(severities.map(|severity| report.count(severity)).iter().sum::<usize>(), 4 * 1_300);
    assert_eq!(report.count(Severity::Error), 1_300);
    assert!(report.to_string().contains("and 200 more that are not shown"));
}
