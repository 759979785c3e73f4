//! Kills at every system call that matters, by strace's fault injection where strace is at hand.

use std::path::Path;
use std::process::Command;

use crate::backend::Backend;
use crate::command::{days_ago, entry, init, names, read, run};

fn strace_works() -> bool {
    let traced =
        Command::new("strace").args(["-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "true"]).output();
    traced.is_ok_and(|output| output.status.success())
}

/// `run`, with a fault. Whether it came through.
fn run_with(inject: &str, dir: &Path, url: &str) -> bool {
    let traced = Command::new("strace")
        .args(["-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", inject])
        .arg(env!("CARGO_BIN_EXE_assurance-exporter"))
        .args(["run", "--grace", "0", "--backend", url, "--dir"])
        .arg(dir)
        .output()
        .expect("strace starts");
    traced.status.success()
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

#[test]
fn whatever_call_it_is_killed_at_the_next_run_makes_it_whole() {
    if !strace_works() {
        println!("skipped: strace is not installed or may not trace here");
        return;
    }
    let backend = Backend::start();
    let mut log: Vec<String> = (1..4).map(|number| entry(number, days_ago(1, 7200))).collect();
    log.push(entry(4, days_ago(0, 0)));
    log.iter().for_each(|line| backend.write(line));
    let mut faults = 0;
    let kill = "signal=KILL";
    for (call, fault) in [
        ("fsync", kill),
        ("fsync", "error=EIO"),
        ("linkat", kill),
        ("rename,renameat,renameat2", kill),
        ("unlink,unlinkat", kill),
    ] {
        for when in 1..100 {
            let directory = tempfile::tempdir().unwrap();
            let dir = directory.path().join("evidence");
            init(&dir);
            let inject = format!("inject={call}:{fault}:when={when}");
            if run_with(&inject, &dir, &backend.url) {
                break; // the call does not occur so often
            }
            faults += 1;
            let again = run(&dir, &backend.url);
            assert_eq!(again.code, Some(0), "{inject}: {}", again.stderr);
            assert_eq!(events(&dir), log, "{inject}");
            assert_eq!(names(&dir.join("hot")).len(), 5, "{inject}");
            let check = Command::new("sh")
                .args(["-c", "sha256sum --check --strict --quiet *.sha256"])
                .current_dir(dir.join("hot"))
                .status();
            assert!(check.expect("sh starts").success(), "{inject}");
        }
    }
    assert!(faults > 30, "only {faults} faults fell into the run");
}
