//! The pack written out, and used with the tools that it is for.

use std::path::Path;
use std::process::Command;

use crate::peers::installed;
use crate::process::{Ran, evaluator, run};

fn pack(folder: &Path, args: &[&str]) -> Ran {
    run(evaluator().arg("pack").args(args), folder, "")
}

fn dumped() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = pack(folder.path(), &["dump", "governance"]);
    assert_eq!(ran.code, Some(0), "{}", ran.shown());
    folder
}

/// Files of the folder whose names end so, as arguments.
fn files(folder: &Path, inside: &str, test: impl Fn(&str) -> bool) -> Vec<String> {
    let entries = fs_err::read_dir(folder.join(inside)).expect("the folder is there");
    let mut names: Vec<String> = entries
        .map(|entry| format!("{inside}/{}", entry.expect("an entry").file_name().display()))
        .filter(|name| test(name))
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_dumped_is_complete_and_loads_here() {
    let folder = dumped();
    let governance = folder.path().join("governance");
    for (name, text) in assurance_policy::files() {
        assert_eq!(fs_err::read_to_string(governance.join(name)).expect(name), text, "{name}");
    }
    assert_eq!(files(&governance, "runbooks", |_| true).len(), 10);
    let tests = files(&governance, "rules", |name| name.ends_with("_test.yml"));
    let checked = run(evaluator().args(["check", "config", "prometheus.yml"]), &governance, "");
    assert_eq!(checked.code, Some(0), "{}", checked.shown());
    let tested = run(evaluator().args(["test", "rules"]).args(&tests), &governance, "");
    assert_eq!(tested.code, Some(0), "{}", tested.shown());
}

#[test]
fn the_tools_of_prometheus_and_alertmanager_accept_what_is_dumped() {
    let folder = dumped();
    let governance = folder.path().join("governance");
    let tests = files(&governance, "rules", |name| name.ends_with("_test.yml"));
    let rules = files(&governance, "rules", |name| !name.ends_with("_test.yml"));
    let with = |start: &[&str], files: &[String]| {
        let mut command = Command::new(start[0]);
        command.args(&start[1..]).args(files);
        let ran = run(&mut command, &governance, "");
        assert_eq!(ran.code, Some(0), "{start:?}: {}", ran.shown());
    };
    if installed("promtool") {
        with(&["promtool", "check", "rules", "--lint=all"], &rules);
        with(&["promtool", "check", "config", "prometheus.yml"], &[]);
        with(&["promtool", "test", "rules"], &tests);
    }
    if installed("amtool") {
        with(&["amtool", "check-config", "alertmanager.yml"], &[]);
    }
}

#[test]
fn nothing_is_overwritten() {
    let folder = dumped();
    let again = pack(folder.path(), &["dump", "governance"]);
    assert_eq!((again.code, again.stdout.as_str()), (Some(2), ""));
    assert!(again.stderr.contains("governance is not empty: it has"), "{}", again.stderr);
    fs_err::create_dir(folder.path().join("empty")).expect("a folder");
    assert_eq!(pack(folder.path(), &["dump", "empty"]).code, Some(0));
    fs_err::write(folder.path().join("file"), "x").expect("a file");
    let file = pack(folder.path(), &["dump", "file"]);
    assert_eq!(file.code, Some(5), "{}", file.shown());
    assert_eq!(fs_err::read_to_string(folder.path().join("file")).expect("it is there"), "x");
}

#[test]
fn an_ambiguous_id_is_explained_in_all_namespaces() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = pack(folder.path(), &["explain", "GA-006"]);
    assert_eq!(told.code, Some(0), "{}", told.shown());
    for line in ["policy:GA-006   GA-006", "readme:GA-006   GA-009", "seed:GA-006     GA-009"] {
        assert!(told.stdout.contains(line), "{}", told.stdout);
    }
    let json = pack(folder.path(), &["explain", "GA-006", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["ambiguous"], true);
    let meanings = json["meanings"].as_array().expect("a list");
    let pairs: Vec<(&str, &str)> = meanings
        .iter()
        .map(|m| (m["namespace"].as_str().expect("text"), m["id"].as_str().expect("text")))
        .collect();
    assert_eq!(pairs, [("policy", "GA-006"), ("readme", "GA-009"), ("seed", "GA-009")]);
    assert_eq!(json["alerts"][1]["rules"][0]["name"], "GovernancePreflightFailureRateVeryHigh");

    let one = pack(folder.path(), &["explain", "seed:GA-006", "-o", "json"]);
    let one: serde_json::Value = serde_json::from_str(&one.stdout).expect("JSON");
    assert_eq!((&one["ambiguous"], &one["alerts"][0]["id"]), (&false.into(), &"GA-009".into()));
    let unknown = pack(folder.path(), &["explain", "GA-0l2"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("did you mean"), "{}", unknown.stderr);
}
