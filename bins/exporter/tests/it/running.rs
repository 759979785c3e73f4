use std::process::Stdio;
use std::time::Duration;

use crate::backend::Backend;
use crate::command::{Ran, day, days_ago, entry, exporter, init, names, ran, read, run};

/// Waits until something holds, two minutes at most: long enough for a machine that does ten other things.
fn wait_until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..6000 {
        if holds() {
            return;
        }
        #[expect(clippy::disallowed_methods, reason = "another process is waited for")]
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{what} did not happen within two minutes");
}

#[test]
fn collecting_goes_on_until_it_is_told_to_end_and_leaves_the_directory_free_between_rounds() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    let backend = Backend::start();
    init(dir);
    let child = exporter()
        .args(["collect", "--interval", "100ms", "--backend", &backend.url, "--dir"])
        .arg(dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let open = dir.join(format!("state/audit-{}.open.jsonl", day(days_ago(0, 0))));
    let mut expected = String::new();
    for number in 1..4 {
        let line = entry(number, days_ago(0, 0));
        backend.write(&line);
        expected.push_str(&format!("{line}\n"));
        wait_until("the entry in the open day", || {
            fs_err::read_to_string(&open).is_ok_and(|content| content == expected)
        });
    }
    // A source that fails for a while does not end it.
    backend.with(|script| script.instead = Some((500, Vec::new())));
    let asked = backend.with(|script| script.requests.len());
    wait_until("another round", || backend.with(|script| script.requests.len() > asked + 4));
    backend.with(|script| script.instead = None);
    // Another process gets its turn.
    let sealed = ran(exporter().args(["seal", "--dir"]).arg(dir));
    assert_eq!(sealed.code, Some(0), "{}", sealed.stderr);
    let terminated = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(terminated.unwrap().success());
    let ended: Ran = child.wait_with_output().unwrap().into();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{}", ended.stderr);
    assert_eq!(read(open), expected);
}

#[test]
fn a_gap_during_a_long_collection_shows_in_its_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::start();
    init(directory.path());
    backend.write(&entry(1, days_ago(0, 0)));
    let child = exporter()
        .args(["collect", "--interval", "100ms", "--backend", &backend.url, "--dir"])
        .arg(directory.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let cursor = directory.path().join("state/cursor.json");
    wait_until("the first round", || cursor.exists());
    backend.with(|script| script.log.clear());
    let facts = directory.path().join(format!("state/audit-{}.open.facts.jsonl", day(days_ago(0, 0))));
    wait_until("the restart on record", || {
        fs_err::read_to_string(&facts).is_ok_and(|facts| facts.contains("restart"))
    });
    // The record comes before the round's end, which another round begins after.
    let asked = backend.with(|script| script.requests.len());
    wait_until("another round", || backend.with(|script| script.requests.len() > asked + 2));
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let ended: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(7), "{}", ended.stderr);
}

#[test]
fn the_variables_of_the_old_script_are_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("evidence");
    let backend = Backend::start();
    init(&dir);
    let from_variables = ran(exporter()
        .arg("run")
        .env("BACKEND_URL", format!("{}/", backend.url))
        .env("EVIDENCE_DIR", &dir)
        .env("RETENTION_DAYS", "90")
        .env("DRY_RUN", "false"));
    assert_eq!(from_variables.code, Some(0), "{}", from_variables.stderr);
    assert_eq!(names(&dir), ["log", "state"]);
    // A flag goes before a variable, also where they would exclude each other.
    let log = directory.path().join("log");
    fs_err::write(&log, "").unwrap();
    let other = directory.path().join("other");
    init(&other);
    let from_flags = ran(exporter()
        .args(["run", "--file"])
        .arg(&log)
        .arg("--dir")
        .arg(&other)
        .env("BACKEND_URL", "http://127.0.0.1:9")
        .env("EVIDENCE_DIR", &dir));
    assert_eq!(from_flags.code, Some(0), "{}", from_flags.stderr);
    assert_eq!(names(&other), ["log", "state"]);
    let wrong = ran(exporter().arg("run").env("BACKEND_URL", "backend").env("EVIDENCE_DIR", &dir));
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("$BACKEND_URL"), "{}", wrong.stderr);
    let wrong = ran(exporter().arg("seal").env("RETENTION_DAYS", "long").env("EVIDENCE_DIR", &dir));
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("$RETENTION_DAYS"), "{}", wrong.stderr);
}

#[test]
fn the_status_is_told_to_people_and_programs() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    let status = |format: &str| ran(exporter().args(["status", "-o", format, "--dir"]).arg(dir));
    assert_eq!(status("text").stdout, "nothing was collected yet\nlog         none; create it with `init`\n");
    let backend = Backend::start();
    backend.write(&entry(1, days_ago(1, 0)));
    backend.write(&entry(2, days_ago(0, 0)));
    run(dir, &backend.url);
    let text = status("text");
    assert_eq!(text.code, Some(0));
    let yesterday = day(days_ago(1, 0));
    assert!(text.stdout.contains(&format!("source      {}\n", backend.url)), "{}", text.stdout);
    assert!(
        text.stdout.contains(&format!("published   1 days, {yesterday} to {yesterday}\n")),
        "{}",
        text.stdout
    );
    assert!(
        text.stdout.contains(&format!("open        {}, 1 events\n", day(days_ago(0, 0)))),
        "{}",
        text.stdout
    );
    let json: serde_json::Value = serde_json::from_str(&status("json").stdout).unwrap();
    assert_eq!((&json["v"], &json["published_days"]), (&1.into(), &1.into()), "{json}");
    assert_eq!(json["open"][0]["events"], 1, "{json}");
    assert_eq!((&json["log"]["size"], &json["log"]["last_sealed"]), (&2.into(), &yesterday.clone().into()));
    let sealed =
        format!("sealed      to {yesterday}\nlog         assurance/evidence, 2 leaves, not witnessed\n");
    assert!(text.stdout.ends_with(&sealed), "{}", text.stdout);
}

#[test]
fn a_run_is_told_to_programs() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::start();
    init(directory.path());
    backend.write(&entry(1, days_ago(1, 0)));
    let told = ran(exporter()
        .args(["run", "--grace", "0", "-o", "json", "--backend", &backend.url, "--dir"])
        .arg(directory.path()));
    let json: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!((&json["v"], &json["events"]), (&1.into(), &1.into()), "{json}");
    assert_eq!(json["published"][0]["day"], day(days_ago(1, 0)), "{json}");
    assert_eq!(json["facts"][0]["fact"], "start", "{json}");
    assert_eq!((&json["sealed"][0]["leaf"], &json["sealed"][0]["events"]), (&1.into(), &1.into()), "{json}");
}

#[test]
fn the_help_is_what_it_is() {
    for arguments in [&["--help"][..], &["run", "--help"], &["status", "--help"]] {
        let help = ran(exporter().args(arguments).env("COLUMNS", "100"));
        assert_eq!(help.code, Some(0));
        insta::assert_snapshot!(arguments.join(" "), help.stdout);
    }
}
