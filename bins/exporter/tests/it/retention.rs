use std::path::Path;
use std::process::Command;

use assurance_evidence::audit::Class;

use crate::backend::Backend;
use crate::command::{
    Ran, assert_sound, audited, contents, day, days_ago, entry, exporter, init, names, on, ran,
};

const KEEP: [&str; 4] = ["--hot-days", "3", "--cold-days", "7"];

/// An archive with an event on each of these days, sealed under a retention of 3 and 7 days.
fn archive(dir: &Path, days: &[i64]) {
    let backend = Backend::start();
    init(dir);
    for ago in days {
        backend.write(&entry(1, days_ago(*ago, 0)));
    }
    let sealed =
        ran(exporter().args(["run", "--grace", "0", "--backend", &backend.url, "--dir"]).arg(dir).args(KEEP));
    assert_eq!(sealed.code, Some(0), "{}", sealed.stderr);
}

fn prune(dir: &Path, more: &[&str]) -> Ran {
    ran(exporter().arg("prune").arg("--dir").arg(dir).args(KEEP).args(more))
}

fn of_day(names: &[String], ago: i64) -> Vec<&String> {
    names.iter().filter(|name| name.contains(&day(days_ago(ago, 0)))).collect()
}

#[test]
fn what_is_no_longer_kept_goes_by_a_plan_that_a_dry_run_prints() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    archive(dir, &[10, 5, 2, 1]);
    let before = contents(dir);
    let dry = prune(dir, &["--dry-run"]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert!(dry.stderr.contains("dry run: nothing is changed"), "{}", dry.stderr);
    assert_eq!(contents(dir), before);
    let variable = ran(exporter().args(["prune", "--dir"]).arg(dir).args(KEEP).env("DRY_RUN", "1"));
    assert_eq!((variable.code, &variable.stdout), (Some(0), &dry.stdout), "{}", variable.stderr);
    assert_eq!(contents(dir), before);

    let pruned = prune(dir, &[]);
    assert_eq!((pruned.code, &pruned.stdout), (Some(0), &dry.stdout), "{}", pruned.stderr);
    let gone: Vec<String> = before
        .keys()
        .filter(|file| !file.exists())
        .map(|file| file.strip_prefix(dir).unwrap().display().to_string())
        .collect();
    let mut told: Vec<String> = pruned.stdout.lines().map(str::to_owned).collect();
    told.sort();
    assert_eq!(gone, told, "what was printed is what went");
    let (hot, cold) = (names(&dir.join("hot")), names(&dir.join("cold")));
    assert_eq!((of_day(&hot, 10).len(), of_day(&cold, 10).len()), (0, 0));
    assert_eq!((of_day(&hot, 5).len(), of_day(&cold, 5).len()), (0, 5));
    assert_eq!((of_day(&hot, 2).len(), of_day(&cold, 2).len()), (5, 5));
    let report = audited(dir);
    assert_eq!((report.purged_days, report.days), (1, 4), "{report:#?}");
    assert!(report.is_intact() && report.is_complete(), "{report:#?}");
    let again = prune(dir, &[]);
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), ""), "{}", again.stderr);
}

#[test]
fn a_held_day_is_not_given_up_until_it_is_released() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    archive(dir, &[10, 9, 1]);
    let held = day(days_ago(10, 0));
    let hold = [
        "hold",
        "add",
        "--id",
        "case-7",
        "--from",
        &held,
        "--to",
        &held,
        "--reason",
        "a lawsuit",
        "--by",
        "legal",
    ];
    assert_eq!(on(dir, &["hold", "list"]).stdout, "");
    let added = on(dir, &hold);
    assert_eq!(added.code, Some(0), "{}", added.stderr);
    let twice = on(dir, &hold);
    assert_eq!(twice.code, Some(2), "{}", twice.stderr);
    assert!(twice.stderr.contains("exists already"), "{}", twice.stderr);
    let listed = on(dir, &["hold", "list"]).stdout;
    assert_eq!(listed, format!("case-7  from {held} to {held}, by legal: a lawsuit\n"));
    let json: serde_json::Value =
        serde_json::from_str(&on(dir, &["hold", "list", "-o", "json"]).stdout).unwrap();
    assert_eq!((&json["id"], &json["to"]), (&"case-7".into(), &held.as_str().into()));

    let pruned = prune(dir, &[]);
    assert_eq!(pruned.code, Some(0), "{}", pruned.stderr);
    let told = format!("given up: {}; held: {held}", day(days_ago(9, 0)));
    assert!(pruned.stderr.contains(&told), "{}", pruned.stderr);
    let cold = names(&dir.join("cold"));
    assert_eq!((of_day(&cold, 10).len(), of_day(&cold, 9).len()), (5, 0));
    assert_sound(dir, "with a hold");

    let release = ["hold", "release", "--id", "case-7", "--reason", "settled", "--by", "legal"];
    assert_eq!(on(dir, &release).code, Some(0));
    let none = on(dir, &release);
    assert_eq!(none.code, Some(2), "{}", none.stderr);
    assert!(none.stderr.contains("there is no hold \"case-7\""), "{}", none.stderr);
    assert_eq!(on(dir, &["hold", "list"]).stdout, "");
    assert_eq!(prune(dir, &[]).code, Some(0));
    assert_eq!(of_day(&names(&dir.join("cold")), 10).len(), 0);
    assert_sound(dir, "after the release");
}

#[test]
fn the_retention_that_a_day_was_sealed_with_is_its_least() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    archive(dir, &[6, 1]);
    // Asked for less than was promised, nothing goes that was promised.
    let eager = on(dir, &["prune", "--hot-days", "0", "--cold-days", "0"]);
    assert_eq!(eager.code, Some(0), "{}", eager.stderr);
    assert_eq!(of_day(&names(&dir.join("cold")), 6).len(), 5);
    assert_eq!(of_day(&names(&dir.join("hot")), 1).len(), 5);
    // And asked for more, it stays longer.
    let usual = ran(exporter().args(["prune", "--dir"]).arg(dir).env("RETENTION_DAYS", "90"));
    assert_eq!((usual.code, usual.stdout.as_str()), (Some(0), ""), "{}", usual.stderr);
    assert_sound(dir, "after both");
}

#[test]
fn the_days_of_the_old_script_are_those_in_plain_form() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    let backend = Backend::start();
    init(dir);
    backend.write(&entry(1, days_ago(5, 0)));
    let run = |days: &str, command: &[&str]| {
        ran(exporter().args(command).arg("--dir").arg(dir).env("RETENTION_DAYS", days))
    };
    assert_eq!(run("2", &["run", "--grace", "0", "--backend", &backend.url]).code, Some(0));
    assert_eq!(run("30", &["prune"]).stdout, "");
    let pruned = run("2", &["prune"]);
    assert_eq!(pruned.stdout.lines().count(), 5, "{}", pruned.stdout);
    assert!(pruned.stdout.lines().all(|file| file.starts_with("hot/")), "{}", pruned.stdout);
    assert_sound(dir, "without its plain form");
    // What was read is known to be missing, although nothing plain is left.
    let cursor = dir.join("state/cursor.json");
    let kept = fs_err::read(&cursor).unwrap();
    fs_err::remove_file(&cursor).unwrap();
    assert_eq!(run("2", &["seal"]).code, Some(6));
    fs_err::write(&cursor, kept).unwrap();
    // A flag goes before the variable.
    let flag =
        ran(exporter().args(["prune", "--hot-days", "30", "--dir"]).arg(dir).env("RETENTION_DAYS", "2"));
    assert_eq!((flag.code, flag.stdout.as_str()), (Some(0), ""), "{}", flag.stderr);
}

#[test]
fn what_comes_late_for_a_day_that_is_no_longer_plain_or_not_there_is_a_supplement() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    let backend = Backend::start();
    init(dir);
    let run = || {
        ran(exporter().args(["run", "--grace", "0", "--backend", &backend.url, "--dir"]).arg(dir).args(KEEP))
    };
    let days = [10, 5];
    days.iter().for_each(|ago| backend.write(&entry(1, days_ago(*ago, 0))));
    assert_eq!(run().code, Some(0));
    assert_eq!(prune(dir, &[]).code, Some(0));
    for number in 1..3 {
        days.iter().for_each(|ago| backend.write(&entry(1 + number, days_ago(*ago, 0))));
        let late = run();
        assert_eq!(late.code, Some(0), "{}", late.stderr);
        assert_eq!(late.stderr.matches(r#""fact":"late""#).count(), 2, "{}", late.stderr);
        for ago in days {
            let name = format!("cold/audit-{}.supplement-{number}.jsonl.zst", day(days_ago(ago, 0)));
            assert!(late.stdout.contains(&name), "{}", late.stdout);
        }
        let report = audited(dir);
        let left = |class| report.findings.iter().all(|finding| finding.class == class);
        assert!(left(Class::PurgeUnfinished), "{report:#?}");
        // What comes for a day that was given up goes with it.
        assert_eq!(prune(dir, &[]).code, Some(0));
        assert_sound(dir, "after the supplements");
    }
}

fn chattr(change: &str, dir: &Path) -> bool {
    Command::new("chattr").arg(change).arg(dir).output().is_ok_and(|output| output.status.success())
}

#[test]
fn an_append_only_directory_takes_what_is_sealed_and_gives_nothing_up() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    let cold = dir.join("cold");
    fs_err::create_dir(&cold).unwrap();
    if !chattr("+a", &cold) {
        println!("skipped: chattr +a is not permitted here");
        return;
    }
    archive(dir, &[10, 1]);
    let sound = audited(dir);
    let before = contents(dir);
    let pruned = prune(dir, &[]);
    let after = contents(dir);
    assert!(chattr("-a", &cold));
    assert!(sound.findings.is_empty(), "{sound:#?}");
    assert_ne!(pruned.code, Some(0), "{}", pruned.stderr);
    assert!(pruned.stderr.contains("chattr -a"), "{}", pruned.stderr);
    let cold_of = |all: &std::collections::BTreeMap<_, _>| {
        all.keys().filter(|file: &&std::path::PathBuf| file.starts_with(&cold)).count()
    };
    assert_eq!(cold_of(&before), cold_of(&after));
    // Whatever it did before it was refused, it is done the rest of once it may.
    let rest = prune(dir, &[]);
    assert_eq!(rest.code, Some(0), "{}", rest.stderr);
    assert_eq!(of_day(&names(&cold), 10).len(), 0);
    let report = audited(dir);
    assert!(
        report.is_intact() && !report.findings.iter().any(|f| f.class == Class::PurgeUnfinished),
        "{report:#?}"
    );
}
