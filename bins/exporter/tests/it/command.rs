//! Starting the binary, and what came of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assurance_disk::{Disk, WallClock};
use assurance_evidence::audit::{self, Options, Report};
use assurance_metrics_model::{Duration, Timestamp};

/// The binary with an environment that says nothing.
pub(crate) fn exporter() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assurance-exporter"));
    for variable in ["BACKEND_URL", "EVIDENCE_DIR", "RETENTION_DAYS", "DRY_RUN", "CREDENTIALS_DIRECTORY"] {
        command.env_remove(variable);
    }
    command
}

pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("stdout is text"),
            stderr: String::from_utf8(output.stderr).expect("stderr is text"),
        }
    }
}

pub(crate) fn ran(command: &mut Command) -> Ran {
    command.output().expect("the binary starts").into()
}

/// Creates the log of a directory, unless it has one.
pub(crate) fn init(dir: &Path) {
    if !dir.join("state/log.json").exists() {
        let made = ran(exporter().arg("init").arg("--dir").arg(dir));
        assert_eq!(made.code, Some(0), "{}", made.stderr);
    }
}

/// One round of `run` into `dir` from `url`. Without a grace, so that yesterday is over right after midnight.
pub(crate) fn run(dir: &Path, url: &str) -> Ran {
    init(dir);
    ran(exporter().arg("run").arg("--dir").arg(dir).args(["--backend", url, "--grace", "0"]))
}

/// The names below `dir`, sorted.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs_err::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("read").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Every file below `dir` with its bytes. Locks are left out: taking one writes into it.
pub(crate) fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut left = vec![dir.to_owned()];
    while let Some(below) = left.pop() {
        let Ok(entries) = fs_err::read_dir(&below) else { continue };
        for entry in entries {
            let path = entry.expect("read").path();
            if path.is_dir() {
                left.push(path);
            } else if !path.ends_with("state/lock") {
                let bytes = fs_err::read(&path).unwrap_or_else(|error| panic!("{error}"));
                all.insert(path, bytes);
            }
        }
    }
    all
}

pub(crate) fn read(path: impl AsRef<Path>) -> String {
    fs_err::read_to_string(path.as_ref()).unwrap_or_else(|error| panic!("{error}"))
}

/// So many days ago, at this time of the day.
pub(crate) fn days_ago(days: i64, seconds_of_day: i64) -> Timestamp {
    let midnight = WallClock.now().as_millis().div_euclid(86_400_000) * 86_400_000;
    Timestamp::from_millis(midnight) - Duration::from_secs(86_400) * days
        + Duration::from_secs(seconds_of_day)
}

/// `2026-01-02`.
pub(crate) fn day(at: Timestamp) -> String {
    at.to_string()[..10].to_owned()
}

/// An entry as the backend writes it: without a zone, with microseconds.
pub(crate) fn entry(number: u32, at: Timestamp) -> String {
    let at = at.to_string();
    let at = at.trim_end_matches('Z');
    format!(
        r#"{{"id":"mode_changed_{number}","timestamp":"{at}.{number:06}","event_type":"sovereign.mode_changed","metadata":{{"metadata":{{}}}}}}"#
    )
}

/// What an auditor finds, who is given the log's first key. That key is the pinned one.
pub(crate) fn audited(dir: &Path) -> Report {
    let policy = format!("log {}quorum none\n", read(dir.join("log/vkey")));
    let mut options = Options::at(WallClock.now());
    options.policy = Some(policy.parse().expect("a policy"));
    let disk = Disk::open(dir).expect("the archive opens");
    audit::verify(&disk, &options, &mut |_| {}).expect("the archive is read")
}

/// Everything is what was sealed, and all of it.
pub(crate) fn assert_sound(dir: &Path, context: &str) {
    let findings = audited(dir).findings;
    assert!(findings.is_empty(), "{context}: {findings:#?}");
}

/// A key in a file beside the archives.
pub(crate) fn keygen(file: &Path) -> String {
    let made = ran(exporter().arg("keygen").arg(file));
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    made.stdout.trim_end().to_owned()
}

/// A command on a directory.
pub(crate) fn on(dir: &Path, arguments: &[&str]) -> Ran {
    ran(exporter().args(arguments).arg("--dir").arg(dir))
}
