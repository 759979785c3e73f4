use std::process::Command;

use crate::backend::Backend;
use crate::command::{contents, day, days_ago, entry, exporter, init, names, ran, read, run};

#[test]
fn a_day_that_is_over_is_published_once_and_sha256sum_agrees() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("evidence");
    let backend = Backend::start();
    let (before, yesterday) = (days_ago(3, 3600), days_ago(1, 7200));
    let lines = [entry(1, before), entry(2, yesterday), entry(3, yesterday)];
    lines.iter().for_each(|line| backend.write(line));

    let first = run(&dir, &backend.url);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let expected: Vec<String> =
        [before, yesterday].iter().map(|at| format!("hot/audit-{}.jsonl", day(*at))).collect();
    let sealed = expected.iter().map(|name| format!("{}.zst", name.replace("hot", "cold")));
    let told: Vec<String> = expected.iter().cloned().chain(sealed).collect();
    assert_eq!(first.stdout.lines().collect::<Vec<_>>(), told);
    assert!(first.stderr.contains("3 new events"), "{}", first.stderr);
    let of_yesterday = read(dir.join(&expected[1]));
    assert_eq!(of_yesterday, format!("{}\n{}\n", lines[1], lines[2]));

    let published = names(&dir.join("hot"));
    assert_eq!(published.len(), 10);
    let sums: Vec<&String> = published.iter().filter(|name| name.ends_with(".sha256")).collect();
    let check = Command::new("sha256sum")
        .args(["--check", "--strict"])
        .args(sums)
        .current_dir(dir.join("hot"))
        .output()
        .expect("sha256sum is part of every Linux");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    assert_eq!(String::from_utf8_lossy(&check.stdout).matches(": OK").count(), 4);

    let second = run(&dir, &backend.url);
    assert_eq!((second.code, second.stdout.as_str()), (Some(0), ""), "{}", second.stderr);
    assert!(second.stderr.contains("0 new events"), "{}", second.stderr);
    assert_eq!(names(&dir.join("hot")), published);
    assert_eq!(read(dir.join(&expected[1])), of_yesterday);
}

#[test]
fn late_events_become_a_supplement() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::start();
    let yesterday = days_ago(1, 7200);
    backend.write(&entry(1, yesterday));
    run(directory.path(), &backend.url);
    backend.write(&entry(2, yesterday));
    let late = run(directory.path(), &backend.url);
    assert_eq!(late.code, Some(0), "{}", late.stderr);
    let name = format!("hot/audit-{}.supplement-1.jsonl", day(yesterday));
    let sealed = format!("cold/audit-{}.supplement-1.jsonl.zst", day(yesterday));
    assert_eq!(late.stdout, format!("{name}\n{sealed}\n"));
    assert_eq!(read(directory.path().join(name)), format!("{}\n", entry(2, yesterday)));
    assert!(late.stderr.contains(r#""fact":"late""#), "{}", late.stderr);
}

#[test]
fn a_restarted_backend_is_recorded_and_exits_with_7() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::start();
    backend.write(&entry(1, days_ago(0, 0)));
    assert_eq!(run(directory.path(), &backend.url).code, Some(0));
    backend.with(|script| script.log.clear());
    backend.write(&entry(2, days_ago(0, 1)));
    let restarted = run(directory.path(), &backend.url);
    assert_eq!(restarted.code, Some(7), "{}", restarted.stderr);
    assert!(restarted.stderr.contains(r#"events may be missing: {"v":1,"#), "{}", restarted.stderr);
    assert!(restarted.stderr.contains(r#""fact":"restart""#), "{}", restarted.stderr);
    // It is recorded once, not in every run.
    assert_eq!(run(directory.path(), &backend.url).code, Some(0));
}

#[test]
fn more_events_than_one_answer_holds_are_a_gap_and_exit_with_7() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::start();
    init(directory.path());
    let collect = |limit: &str| {
        ran(exporter()
            .args(["run", "--limit", limit, "--backend", &backend.url, "--dir"])
            .arg(directory.path()))
    };
    backend.write(&entry(1, days_ago(0, 0)));
    assert_eq!(collect("3").code, Some(0));
    (2..8).for_each(|number| backend.write(&entry(number, days_ago(0, 0))));
    let gap = collect("3");
    assert_eq!(gap.code, Some(7), "{}", gap.stderr);
    assert!(gap.stderr.contains(r#""fact":"gap""#), "{}", gap.stderr);
}

#[test]
fn a_published_file_that_was_put_there_by_another_is_a_conflict() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    let backend = Backend::start();
    init(dir);
    backend.write(&entry(1, days_ago(1, 0)));
    let collected = ran(exporter().args(["collect", "--once", "--backend", &backend.url, "--dir"]).arg(dir));
    assert_eq!((collected.code, collected.stdout.as_str()), (Some(0), ""), "{}", collected.stderr);
    assert_eq!(names(&dir.join("hot")), [""; 0], "collecting leaves publishing to others");

    // What stands where a day belongs that is not over was not put there by us.
    let today = format!("hot/audit-{}.jsonl", day(days_ago(0, 0)));
    fs_err::create_dir_all(dir.join("hot")).unwrap();
    fs_err::write(dir.join(&today), "forged\n").unwrap();
    let refused = ran(exporter().args(["seal", "--grace", "0", "--dir"]).arg(dir));
    assert_eq!(refused.code, Some(6), "{}", refused.stderr);
    assert!(refused.stderr.contains(&today), "{}", refused.stderr);
    assert_eq!(names(&dir.join("cold")), [""; 0]);
    fs_err::remove_file(dir.join(&today)).unwrap();

    let sealed = ran(exporter().args(["seal", "--grace", "0", "--dir"]).arg(dir));
    assert_eq!(sealed.code, Some(0), "{}", sealed.stderr);
    let cursor = read(dir.join("state/cursor.json"));
    let rewound = cursor.replace(
        &format!("\"first_open\":\"{}\"", day(days_ago(0, 0))),
        &format!("\"first_open\":\"{}\"", day(days_ago(1, 0))),
    );
    assert_ne!(cursor, rewound);
    fs_err::write(dir.join("state/cursor.json"), rewound).unwrap();
    let conflict = ran(exporter().args(["seal", "--grace", "0", "--dir"]).arg(dir));
    assert_eq!(conflict.code, Some(6), "{}", conflict.stderr);
    assert!(conflict.stderr.contains("exists with other content"), "{}", conflict.stderr);
}

#[test]
fn a_dry_run_says_what_it_would_do_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    let backend = Backend::start();
    backend.write(&entry(1, days_ago(1, 0)));
    init(dir);
    let before = contents(dir);
    let name = day(days_ago(1, 0));
    let name = format!("hot/audit-{name}.jsonl\ncold/audit-{name}.jsonl.zst\n");
    for dry in [
        exporter().args(["run", "--grace", "0", "--dry-run", "--backend", &backend.url, "--dir"]).arg(dir),
        exporter()
            .args(["run", "--grace", "0", "--backend", &backend.url, "--dir"])
            .arg(dir)
            .env("DRY_RUN", "true"),
    ] {
        let dry = ran(dry);
        assert_eq!((dry.code, &dry.stdout), (Some(0), &name), "{}", dry.stderr);
        assert!(dry.stderr.contains("dry run"), "{}", dry.stderr);
        assert_eq!(contents(dir), before);
    }
    let wet = run(dir, &backend.url);
    assert_eq!(wet.stdout, name);
    assert_eq!(names(dir), ["cold", "hot", "log", "state"]);
}

#[test]
fn the_log_file_is_followed_through_a_rotation() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("evidence");
    let log = directory.path().join("audit.jsonl");
    let yesterday = days_ago(1, 0);
    init(&dir);
    let collect = || ran(exporter().args(["run", "--grace", "0", "--dir"]).arg(&dir).arg("--file").arg(&log));
    let missing = collect();
    assert_eq!(missing.code, Some(4), "{}", missing.stderr);
    assert!(missing.stderr.contains("there is no such file; check the path"), "{}", missing.stderr);

    fs_err::write(&log, format!("{}\n", entry(1, yesterday))).unwrap();
    assert_eq!(collect().code, Some(0));
    fs_err::write(&log, format!("{}\n{}\n", entry(1, yesterday), entry(2, yesterday))).unwrap();
    fs_err::rename(&log, directory.path().join("audit.jsonl.1")).unwrap();
    fs_err::write(&log, format!("{}\n", entry(3, yesterday))).unwrap();
    let rotated = collect();
    assert_eq!(rotated.code, Some(0), "{}", rotated.stderr);
    assert!(rotated.stderr.contains(r#""fact":"rotated""#), "{}", rotated.stderr);
    let supplement = dir.join(format!("hot/audit-{}.supplement-1.jsonl", day(yesterday)));
    assert_eq!(read(supplement), format!("{}\n{}\n", entry(2, yesterday), entry(3, yesterday)));
}
