//! Kills at random moments of everything that writes: 200 of them here, thousands by `cargo xtask kill-evidence`.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use assurance_evidence::audit::{Class, Finding};

use crate::backend::Backend;
use crate::command::{audited, day, days_ago, entry, exporter, init, keygen, ran};

/// So many runs on one archive, then another: what a run costs grows with the archive.
const RUNS_PER_ARCHIVE: u32 = 200;
/// A run that is not killed comes after so many that are.
const RUNS_PER_CHECK: u32 = 10;
/// How many days events are of, today among them.
const DAYS: usize = 7;
/// So short that pruning has something to do: the oldest of the days is given up.
const KEEP: [&str; 4] = ["--hot-days", "2", "--cold-days", "5"];

/// Within so many microseconds the first is killed. How long a run takes depends on the machine: the time grows with
/// each that was killed and shrinks with each that had ended, so that about half of them are killed anywhere.
const FIRST_KILLED_WITHIN: u64 = 30_000;
const KILLED_WITHIN: std::ops::RangeInclusive<u64> = 1_000..=300_000;

/// Splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// One archive that is killed again and again.
struct Victim {
    directory: tempfile::TempDir,
    backend: Backend,
    /// Events by how many days ago they happened.
    written: [u64; DAYS],
    key: PathBuf,
    /// The key that an interrupted rotation may have passed the log to.
    next: Option<PathBuf>,
    holds: u32,
    killed_within: u64,
}

impl Victim {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let dir = directory.path().join("evidence");
        init(&dir);
        let key = dir.join("state/log.key");
        let backend = Backend::start();
        let killed_within = FIRST_KILLED_WITHIN;
        Self { directory, backend, written: [0; DAYS], key, next: None, holds: 0, killed_within }
    }

    fn dir(&self) -> PathBuf {
        self.directory.path().join("evidence")
    }

    fn happens(&mut self, ago: u64) {
        self.written[usize::try_from(ago).expect("few")] += 1;
        let number = u32::try_from(self.written.iter().sum::<u64>()).expect("few");
        self.backend.write(&entry(number, days_ago(i64::try_from(ago).expect("few"), 0)));
    }

    fn run(&self) -> Vec<String> {
        let mut command = self.command(&["run", "--grace", "0", "--backend", &self.backend.url]);
        command.extend(KEEP.map(str::to_owned));
        command
    }

    fn command(&self, words: &[&str]) -> Vec<String> {
        let key = self.key.display().to_string();
        words.iter().copied().chain(["--key", &key]).map(str::to_owned).collect()
    }

    /// Whatever may write, most often what a timer starts.
    fn anything(&mut self, random: &mut Random) -> Vec<String> {
        match random.below(100) {
            0..60 => self.run(),
            60..70 => ["collect", "--once", "--backend", &self.backend.url].map(str::to_owned).to_vec(),
            70..80 => self.command(&["seal", "--grace", "0"]),
            80..86 => {
                self.holds += 1;
                let id = format!("h{}", self.holds);
                self.command(&[
                    "hold",
                    "add",
                    "--id",
                    &id,
                    "--from",
                    "2026-01-01",
                    "--to",
                    "2026-01-02",
                    "--reason",
                    "r",
                    "--by",
                    "b",
                ])
            }
            86..90 => {
                let id = format!("h{}", self.holds);
                self.command(&["hold", "release", "--id", &id, "--reason", "r", "--by", "b"])
            }
            90..96 => {
                let mut command = self.command(&["prune"]);
                command.extend(KEEP.map(str::to_owned));
                command
            }
            _ => {
                let next = self.directory.path().join(format!("{}.key", random.below(u64::MAX)));
                keygen(&next);
                let command =
                    self.command(&["rotate", "--new-key", &next.display().to_string(), "--reason", "r"]);
                self.next = Some(next);
                command
            }
        }
    }

    /// Starts it, and kills it after some time. Whether it was killed.
    fn killed(&mut self, command: &[String], random: &mut Random) -> bool {
        let mut child = exporter()
            .args(command)
            .arg("--dir")
            .arg(self.dir())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        #[expect(clippy::disallowed_methods, reason = "a moment of another process's life")]
        std::thread::sleep(Duration::from_micros(random.below(self.killed_within)));
        child.kill().expect("it is ours");
        let killed = child.wait().expect("it ends").code().is_none();
        let within = if killed { self.killed_within * 11 / 10 } else { self.killed_within * 9 / 10 };
        self.killed_within = within.clamp(*KILLED_WITHIN.start(), *KILLED_WITHIN.end());
        killed
    }

    /// Finds out which key the log has after a rotation that was killed: only that one can seal what is new.
    fn settle_key(&mut self) {
        let Some(next) = self.next.take() else { return };
        let before = std::mem::replace(&mut self.key, next);
        self.happens(1);
        let tried = ran(exporter().args(self.run()).arg("--dir").arg(self.dir()));
        match tried.code {
            Some(0) => {}
            Some(2) => self.key = before,
            other => panic!("{other:?}: {}", tried.stderr),
        }
    }

    /// Runs once without a kill. Then everything that happened is there, and an auditor has nothing to say.
    fn check(&mut self, context: &str) {
        self.settle_key();
        let whole = ran(exporter().args(self.run()).arg("--dir").arg(self.dir()));
        assert_eq!(whole.code, Some(0), "{context}: {}", whole.stderr);
        let report = audited(&self.dir());
        // Where pruning was killed, it says so of itself, and the next one goes on.
        let expected = |finding: &Finding| finding.class == Class::PurgeUnfinished;
        assert!(report.findings.iter().all(expected), "{context}: {:#?}", report.findings);
        let all: u64 = self.written[1..].iter().sum();
        // Of a day that was given up there is what came later.
        let given_up = if report.purged_days == 0 { 0 } else { self.written[DAYS - 1] };
        assert!((all - given_up..=all).contains(&report.events), "{context}: {} of {all}", report.events);
        let open = self.dir().join(format!("state/audit-{}.open.jsonl", day(days_ago(0, 0))));
        let open = fs_err::read_to_string(open).unwrap_or_default().lines().count();
        assert_eq!(open as u64, self.written[0], "{context}");
    }
}

/// How many kills: what the variable says, for `cargo xtask kill-evidence`, or a few.
fn runs() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "a longer campaign is asked for by a variable")]
    let runs = std::env::var("ASSURANCE_KILL_RUNS");
    runs.ok().and_then(|runs| runs.parse().ok()).unwrap_or(200)
}

#[test]
fn killed_at_random_moments_it_loses_nothing_and_verifies() {
    let mut random = Random(2026);
    let (mut killed, runs) = (0, runs());
    let mut victim = Victim::new();
    for run in 1..=runs {
        victim.happens(random.below(DAYS as u64));
        let command = victim.anything(&mut random);
        killed += u32::from(victim.killed(&command, &mut random));
        if victim.next.is_some() || run % RUNS_PER_CHECK == 0 {
            victim.check(&format!("run {run}, {}", command.join(" ")));
        }
        if run % RUNS_PER_ARCHIVE == 0 {
            println!("{run} of {runs} runs, {killed} killed before they had ended");
            victim = Victim::new();
        }
    }
    assert!(killed > runs / 4, "only {killed} of {runs} were killed before they had ended");
}
