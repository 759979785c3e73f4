//! Kills at every system call that matters, by strace's fault injection where strace is at hand.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::backend::Backend;
use crate::command::{assert_sound, audited, days_ago, entry, exporter, init, names, on, ran, read};

fn strace_works() -> bool {
    let traced =
        Command::new("strace").args(["-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "true"]).output();
    traced.is_ok_and(|output| output.status.success())
}

/// A command with a fault. Whether it came through.
fn with_fault(inject: &str, dir: &Path, command: &[&str]) -> bool {
    let traced = Command::new("strace")
        .args(["-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", inject])
        .arg(env!("CARGO_BIN_EXE_assurance-exporter"))
        .args(command)
        .arg("--dir")
        .arg(dir)
        .output()
        .expect("strace starts");
    traced.status.success()
}

fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).expect("created");
    for entry in fs_err::read_dir(from).expect("read") {
        let entry = entry.expect("read");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs_err::copy(entry.path(), target).expect("copied");
        }
    }
}

/// Every event in evidence.
fn events(dir: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for below in ["hot", "state"] {
        for name in names(&dir.join(below)) {
            if name.ends_with(".jsonl") && !name.contains("facts") {
                lines.extend(read(dir.join(below).join(name)).lines().map(str::to_owned));
            }
        }
    }
    lines.sort();
    lines
}

fn sums_are_right(dir: &Path, context: &str) {
    let check = Command::new("sh")
        .args([
            "-c",
            "for d in hot cold; do (cd $d && sha256sum --check --strict --quiet *.sha256) || exit; done",
        ])
        .current_dir(dir)
        .status();
    assert!(check.expect("sh starts").success(), "{context}");
}

/// Kills at every call of these kinds, and has whatever comes next make it whole.
fn at_every_call(
    template: &Path,
    command: &[&str],
    calls: &[(&str, &str)],
    check: impl Fn(&Path, &str),
) -> usize {
    let mut faults = 0;
    for (call, fault) in calls {
        for when in 1..200 {
            let directory = tempfile::tempdir().expect("a directory");
            let dir = directory.path().join("evidence");
            copy(template, &dir);
            let inject = format!("inject={call}:{fault}:when={when}");
            if with_fault(&inject, &dir, command) {
                break; // the call does not occur so often
            }
            faults += 1;
            // Whoever looks in between finds nothing that was tampered with.
            let report = audited(&dir);
            assert!(report.is_intact(), "{command:?} {inject}: {:#?}", report.findings);
            check(&dir, &format!("{command:?} {inject}"));
        }
    }
    faults
}

/// A directory with a log, into which a day that is over, one without events, and the present one were collected.
struct Collected {
    directory: tempfile::TempDir,
    backend: Backend,
    log: Vec<String>,
}

impl Collected {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let backend = Backend::start();
        let mut log: Vec<String> = (1..4).map(|number| entry(number, days_ago(2, 7200))).collect();
        log.push(entry(4, days_ago(0, 0)));
        log.iter().for_each(|line| backend.write(line));
        init(&directory.path().join("evidence"));
        Self { directory, backend, log }
    }

    fn dir(&self) -> PathBuf {
        self.directory.path().join("evidence")
    }

    fn collect(&self, dir: &Path) {
        let collected = on(dir, &["collect", "--once", "--backend", &self.backend.url]);
        assert_eq!(collected.code, Some(0), "{}", collected.stderr);
    }
}

const KILL: &str = "signal=KILL";
const CALLS: [(&str, &str); 5] = [
    ("fsync,fdatasync", KILL),
    ("fsync,fdatasync", "error=EIO"),
    ("linkat", KILL),
    ("rename,renameat,renameat2", KILL),
    ("unlink,unlinkat", KILL),
];

#[test]
fn whatever_call_collecting_is_killed_at_the_next_run_makes_it_whole() {
    if !strace_works() {
        println!("skipped: strace is not installed or may not trace here");
        return;
    }
    let world = Collected::new();
    let url = world.backend.url.as_str();
    let check = |dir: &Path, context: &str| {
        let again = on(dir, &["run", "--grace", "0", "--backend", url]);
        assert_eq!(again.code, Some(0), "{context}: {}", again.stderr);
        assert_eq!(events(dir), world.log, "{context}");
        assert_sound(dir, context);
    };
    let collect = ["collect", "--once", "--backend", url];
    let faults = at_every_call(&world.dir(), &collect, &CALLS, check);
    assert!(faults > 6, "only {faults} faults fell into the collection");
}

#[test]
fn whatever_call_sealing_is_killed_at_the_next_run_makes_it_whole() {
    if !strace_works() {
        println!("skipped: strace is not installed or may not trace here");
        return;
    }
    let world = Collected::new();
    world.collect(&world.dir());
    let seal = ["seal", "--grace", "0"];
    let check = |dir: &Path, context: &str| {
        let again = on(dir, &seal);
        assert_eq!(again.code, Some(0), "{context}: {}", again.stderr);
        assert_eq!(events(dir), world.log, "{context}");
        assert_eq!((names(&dir.join("hot")).len(), names(&dir.join("cold")).len()), (5, 5), "{context}");
        sums_are_right(dir, context);
        assert_sound(dir, context);
    };
    let faults = at_every_call(&world.dir(), &seal, &CALLS, check);
    assert!(faults > 40, "only {faults} faults fell into the seal");
}

#[test]
fn whatever_call_changing_the_log_is_killed_at_it_is_done_or_not_done() {
    if !strace_works() {
        println!("skipped: strace is not installed or may not trace here");
        return;
    }
    let world = Collected::new();
    let dir = world.dir();
    let run = ["run", "--grace", "0", "--hot-days", "0", "--cold-days", "1", "--backend", &world.backend.url];
    assert_eq!(on(&dir, &run).code, Some(0));
    let new = world.directory.path().join("new.key");
    crate::command::keygen(&new);
    let new = new.display().to_string();
    let calls =
        [("fsync", KILL), ("linkat", KILL), ("rename,renameat,renameat2", KILL), ("unlink,unlinkat", KILL)];
    let prune = ["prune", "--hot-days", "0", "--cold-days", "1"];
    let pruned = |dir: &Path, context: &str| {
        let again = on(dir, &prune);
        assert_eq!(again.code, Some(0), "{context}: {}", again.stderr);
        assert_eq!((names(&dir.join("hot")).len(), names(&dir.join("cold")).len()), (0, 0), "{context}");
        assert_sound(dir, context);
    };
    assert!(at_every_call(&dir, &prune, &calls, pruned) > 10);
    let rotated = |dir: &Path, context: &str| {
        // Either key opens it, and exactly one signs it.
        let held = |key: Option<&str>| {
            let hold = ["hold", "add", "--id", "i", "--from", "2026-01-01", "--reason", "r", "--by", "b"];
            let mut command = exporter();
            command.args(hold).arg("--dir").arg(dir).args(key.iter().flat_map(|key| ["--key", key]));
            ran(&mut command).code
        };
        let (old, by_new) = (held(None), held(Some(&new)));
        assert!(
            matches!((old, by_new), (Some(0), Some(2)) | (Some(2), Some(0))),
            "{context}: {old:?} {by_new:?}"
        );
        assert_sound(dir, context);
    };
    let rotate = ["rotate", "--new-key", &new, "--reason", "r"];
    assert!(at_every_call(&dir, &rotate, &calls[..3], rotated) > 5);
}
