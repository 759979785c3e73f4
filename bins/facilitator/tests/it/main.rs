//! The program as scripts and people call it.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, in helper functions too")]
#![expect(clippy::disallowed_methods, reason = "tests write scenario files and read what the program wrote")]

use std::path::Path;
use std::process::Command;

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

fn facilitator(args: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_assurance-facilitator")).args(args).output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A scenario in a file of its own, and what the program makes of it.
fn with_file(text: &str, args: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yml");
    std::fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    let args: Vec<&str> = args.iter().map(|arg| if *arg == "FILE" { path } else { arg }).collect();
    let mut run = facilitator(&args);
    run.stderr = run.stderr.replace(path, "mine.yml");
    run
}

const SMALL: &str = "\
id: TABLETOP-900
title: A small scenario
summary: Used where a whole exercise would be too much.
clock: {t0: 2026-01-02T10:00:00Z, startex: 2026-01-02T10:01:00Z, endex: 2026-01-02T10:10:00Z}
world:
  - at: T+0s
    axe.violation: {ip: 203.0.113.9}
claims:
  - alert GA-003 fires in [T+0s, T+1m10s]
  - evidence verifies
";

#[test]
fn help_is_what_the_documents_promise() {
    for args in [&["--help"][..], &["list", "--help"], &["show", "--help"], &["rehearse", "--help"]] {
        let run = facilitator(args);
        assert_eq!(run.code, 0);
        insta::assert_snapshot!(run.stdout);
    }
}

#[test]
fn list_has_a_line_for_each_scenario() {
    let run = facilitator(&["list"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(run.stdout, "TABLETOP-001\tAn owner override that nobody asked for\n");
    let json: serde_json::Value = serde_json::from_str(&facilitator(&["list", "-o", "json"]).stdout).unwrap();
    assert_eq!(json[0]["id"], "TABLETOP-001");
}

#[test]
fn show_prints_the_scenario_with_its_answers() {
    let run = facilitator(&["show", "TABLETOP-001"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.starts_with("# TABLETOP-001: An owner override that nobody asked for\n"));
    assert!(run.stdout.contains("it has the answers"));
}

#[test]
fn a_rehearsal_that_holds_exits_with_0() {
    let run = facilitator(&["rehearse", "TABLETOP-001"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("**Rehearsed: every claim holds.**"), "{}", run.stdout);
    assert_eq!(facilitator(&["rehearse", "--all"]).stdout, run.stdout, "there is one");
    assert_eq!(facilitator(&["rehearse", "TABLETOP-001"]).stdout, run.stdout, "the same bytes each time");
    assert_ne!(facilitator(&["rehearse", "TABLETOP-001", "--seed", "2"]).stdout, run.stdout);
}

#[test]
fn a_claim_that_fails_exits_with_1_and_is_named() {
    let wrong = SMALL.replace("GA-003", "GA-002");
    let run = with_file(&wrong, &["rehearse", "FILE"]);
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
    assert!(run.stdout.contains("- `alert GA-002 fires in [T+0s, T+1m10s]`: never\n"), "{}", run.stdout);
    assert_eq!(with_file(SMALL, &["rehearse", "FILE"]).code, 0);
}

#[test]
fn json_is_one_object_or_a_list_of_them() {
    let one: serde_json::Value =
        serde_json::from_str(&facilitator(&["rehearse", "TABLETOP-001", "-o", "json"]).stdout).unwrap();
    assert_eq!((&one["scenario"], &one["holds"]), (&"TABLETOP-001".into(), &true.into()));
    let all: serde_json::Value =
        serde_json::from_str(&facilitator(&["rehearse", "--all", "-o", "json"]).stdout).unwrap();
    assert_eq!(all, serde_json::Value::from(vec![one]));
}

#[test]
fn junit_is_written_beside_the_report_also_when_a_claim_fails() {
    let folder = tempfile::tempdir().unwrap();
    let junit = folder.path().join("junit.xml");
    let wrong = SMALL.replace("GA-003", "GA-002");
    let run = with_file(&wrong, &["rehearse", "FILE", "--junit", junit.to_str().unwrap()]);
    assert_eq!(run.code, 1);
    let xml = std::fs::read_to_string(&junit).unwrap();
    assert!(xml.contains(r#"<testsuite name="TABLETOP-900" tests="3" failures="1">"#), "{xml}");
    assert!(xml.contains(r#"<failure message="never"/>"#), "{xml}");
}

#[test]
fn a_flawed_scenario_exits_with_2_and_shows_where() {
    let run = with_file(&SMALL.replace("alert GA-003 fires", "alert GA-03 fire"), &["rehearse", "FILE"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    insta::assert_snapshot!(run.stderr);
}

#[test]
fn what_cannot_be_done_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("no").join("junit.xml");
    let long = folder.path().join("long.yml");
    std::fs::write(&long, vec![b'#'; (1 << 20) + 1]).unwrap();
    let cases: [(&[&str], i32, &str); 7] = [
        (&["rehearse", "TABLETOP-01"], 2, "there is no scenario `TABLETOP-01`; did you mean `TABLETOP-001`?"),
        (&["show", "nothing"], 2, "there is no scenario `nothing`; there are TABLETOP-001, and files"),
        (&["rehearse", "missing.yml"], 5, "cannot read missing.yml: "),
        (&["rehearse", long.to_str().unwrap()], 2, "is longer than 1048576 bytes"),
        (&["rehearse"], 2, "required"),
        (&["rehearse", "--all", "TABLETOP-001"], 2, "cannot be used with"),
        (&["rehearse", "TABLETOP-001", "--junit", nowhere.to_str().unwrap()], 5, "cannot write "),
    ];
    for (args, code, words) in cases {
        let run = facilitator(args);
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{args:?}");
        assert!(run.stderr.contains(words), "{args:?}: {}", run.stderr);
    }
    assert!(!Path::new("missing.yml").exists());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::process::Stdio;
    let mut child = Command::new(env!("CARGO_BIN_EXE_assurance-facilitator"))
        .args(["rehearse", "TABLETOP-001"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
