//! What is told about each fixture file.

use std::path::{Path, PathBuf};

use assurance_diagnostics::Source;
use assurance_rules::{Reading, Rule, RuleFile};

/// The fixtures of a folder, in order.
pub(crate) fn fixtures(folder: &str) -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/rules").join(folder);
    let entries = fs_err_read_dir(&root);
    let mut all: Vec<(String, PathBuf)> = entries
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "yml"))
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path))
        .collect();
    all.sort();
    all
}

#[expect(clippy::disallowed_methods, reason = "tests read their fixtures")]
fn fs_err_read_dir(root: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root).expect("the fixture folder");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

#[expect(clippy::disallowed_methods, reason = "tests read their fixtures")]
pub(crate) fn source(path: &Path) -> Source {
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    Source::new(name, std::fs::read_to_string(path).expect("a readable fixture"))
}

fn print(problems: &[assurance_diagnostics::Diagnostic]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn bad_files() {
    let all = fixtures("bad");
    assert!(all.len() >= 35, "only {} bad files found", all.len());
    for (name, path) in all {
        let source = source(&path);
        let Err(problems) = RuleFile::parse(&source) else { panic!("{name} was accepted") };
        for problem in &problems {
            assert!(problem.line().is_some(), "{name}: no line: {problem}");
            assert!(problem.help.is_some(), "{name}: no remedy: {problem}");
        }
        insta::assert_snapshot!(format!("bad__{name}"), print(&problems));
    }
}

#[test]
fn odd_files() {
    let all = fixtures("odd");
    assert!(all.len() >= 10, "only {} odd files found", all.len());
    for (name, path) in all {
        let source = source(&path);
        let file = RuleFile::parse(&source).unwrap_or_else(|problems| panic!("{name}: {}", print(&problems)));
        assert!(!file.warnings.is_empty(), "{name}: nothing was said");
        insta::assert_snapshot!(format!("odd__{name}"), print(&file.warnings));
    }
}

#[test]
fn good_files() {
    let all = fixtures("good");
    assert!(all.len() >= 7, "only {} good files found", all.len());
    let mut out = String::new();
    for (name, path) in all {
        let source = source(&path);
        let file = RuleFile::parse(&source).unwrap_or_else(|problems| panic!("{name}: {}", print(&problems)));
        assert_eq!(print(&file.warnings), "", "{name}");
        out.push_str(&format!("{name}\n"));
        for group in &file.groups {
            out.push_str(&format!(
                "  group {:?} interval {:?} limit {} offset {:?}\n",
                group.name,
                group.interval.map(|i| i.to_string()),
                group.limit,
                group.query_offset.map(|o| o.to_string()),
            ));
            for rule in &group.rules {
                out.push_str(&format!(
                    "    line {} {} {:?} = {} {}\n",
                    rule.line(),
                    if rule.is_alerting() { "alert" } else { "record" },
                    rule.name(),
                    rule.expression(),
                    rule.label_texts(),
                ));
                if let Rule::Alerting(rule) = rule {
                    out.push_str(&format!("      for {} keep {}\n", rule.hold, rule.keep_firing_for));
                    for (name, template) in &rule.annotations {
                        out.push_str(&format!("      {name}: {:?}\n", template.text()));
                    }
                }
            }
        }
    }
    insta::assert_snapshot!(out);
}

#[test]
fn a_file_is_named_as_the_user_wrote_it() {
    let text = "groups:\n- name: a\n  rules:\n  - record: b\n    expr: up\n";
    let file = RuleFile::parse(&Source::new("./rules/../a.yml", text)).unwrap();
    assert_eq!(file.groups[0].file, "./rules/../a.yml");
}

#[test]
fn unknown_keys_are_passed_over_where_asked_for() {
    let text = "
owner: me
groups:
- name: a
  team: b
  rules:
  - {alert: A, expr: up == 0, runbook: here, labels: {x: y}}
";
    let source = Source::new("rules.yml", text);
    let mut reading = Reading::default();
    assert!(RuleFile::parse_with(&source, reading).is_err());
    reading.ignore_unknown_fields = true;
    let file = RuleFile::parse_with(&source, reading).unwrap();
    assert_eq!(file.groups[0].rules[0].label_texts().to_string(), r#"{x="y"}"#);
}
