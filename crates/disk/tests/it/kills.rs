//! Kills at every system call of a run, by strace's fault injection where strace is at hand.

use std::path::{Path, PathBuf};
use std::process::Command;

use assurance_disk::Disk;
use assurance_storage::{Storage, StorageError};

const DIRECTORY: &str = "ASSURANCE_DISK_TEST_DIRECTORY";

/// What is killed: run as a process of its own by the test below, and as an ordinary test doing nothing.
#[test]
fn victim() {
    #[expect(clippy::disallowed_methods, reason = "the parent test hands over its directory this way")]
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    // A fault that is not a kill ends the run like any error of the storage does.
    if let Err(error) = life(&directory) {
        println!("{error}");
    }
}

fn life(directory: &str) -> Result<(), StorageError> {
    let disk = Disk::create(directory)?;
    let mut log = disk.open_append("state/log")?;
    log.append(b"event\n")?;
    log.sync()?;
    disk.replace("state/cursor", b"1")?;
    disk.publish("hot/day", &mut &b"whole\n"[..])?;
    disk.publish("hot/day.sha256", &mut &b"sum\n"[..])
}

fn run_victim(directory: &Path, inject: &str) -> (bool, String) {
    let strace = Command::new("strace")
        .args(["-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", inject])
        .arg(std::env::current_exe().expect("the test's own path"))
        .args(["--exact", "kills::victim", "--test-threads=1", "--nocapture"])
        .env(DIRECTORY, directory)
        .output()
        .expect("strace starts");
    (strace.status.success(), String::from_utf8_lossy(&strace.stdout).into_owned())
}

fn state(directory: &Path) -> (Option<String>, Option<String>, Option<String>, Option<String>) {
    let read = |name: &str| fs_err::read_to_string(directory.join(name)).ok();
    (read("state/log"), read("state/cursor"), read("hot/day"), read("hot/day.sha256"))
}

fn strace_works() -> bool {
    let traced =
        Command::new("strace").args(["-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "true"]).output();
    traced.is_ok_and(|output| output.status.success())
}

#[test]
fn whatever_call_it_is_killed_at_nothing_torn_is_visible_and_the_next_run_finishes() {
    if !strace_works() {
        println!("skipped: strace is not installed or may not trace here");
        return;
    }
    let mut killed = 0;
    // Each at every count it occurs, until a run comes through.
    for call in ["mkdir,mkdirat", "openat", "write", "fsync", "linkat", "renameat,renameat2", "ftruncate"] {
        for (fault, faults_to_try) in [("signal=KILL", 40), ("error=EIO", 40), ("error=ENOSPC", 40)] {
            for when in 1..=faults_to_try {
                // Opening fails in the dynamic linker too, which is no business of ours.
                if call == "openat" && fault != "signal=KILL" {
                    break;
                }
                let directory = tempfile::tempdir().unwrap();
                let root: PathBuf = directory.path().join("root");
                let inject = format!("inject={call}:{fault}:when={when}");
                let (survived, _) = run_victim(&root, &inject);
                let (log, cursor, day, sum) = state(&root);
                assert!(cursor.is_none() || cursor.as_deref() == Some("1"), "{inject}");
                assert!(cursor.is_none() || log.as_deref() == Some("event\n"), "{inject}");
                assert!(day.is_none() || (day.as_deref() == Some("whole\n") && cursor.is_some()), "{inject}");
                assert!(sum.is_none() || (sum.as_deref() == Some("sum\n") && day.is_some()), "{inject}");
                if survived && sum.is_some() {
                    break; // the call does not occur so often
                }
                killed += 1;
            }
        }
    }
    println!("{killed} faults fell into the run");
    assert!(killed > 60, "only {killed} faults fell into the run");
}

#[test]
fn a_full_device_and_a_failing_one_are_told_apart_and_named() {
    if !strace_works() {
        println!("skipped: strace is not installed or may not trace here");
        return;
    }
    for (inject, said) in [
        ("inject=linkat:error=EDQUOT:when=1", "cannot publish {}/hot/day: no space is left; free some"),
        ("inject=fsync:error=ENOSPC:when=1+", ": no space is left; free some"),
        ("inject=renameat,renameat2:error=EIO:when=1", "cannot replace {}/state/cursor: Input/output error"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        let (_, output) = run_victim(&root, inject);
        let said = said.replace("{}", &root.display().to_string());
        assert!(output.contains(&said), "{inject}: {output}");
    }
}
