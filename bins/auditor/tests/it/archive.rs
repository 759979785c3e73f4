//! A sealed and witnessed archive on the disk, the same at every run, and the binary that is asked about it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use assurance_disk::Disk;
use assurance_evidence::manifest::{ClockState, Retention};
use assurance_evidence::seal::{Beginning, Log, Sealing, seal_due};
use assurance_evidence::{Config, Day, Exporter, Output as Asked, Response, Source, parse_instant};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::Storage;
use assurance_tlog::Checkpoint;
use assurance_tlog::cosignature::{self, CosignerKey};
use assurance_tlog::note::SigningKey;
use tempfile::TempDir;

const ORIGIN: &str = "brain.example/evidence";
/// After everything in here.
pub(crate) const NOW: &str = "2026-01-05T03:00:00Z";

fn log_key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[1; 32]).expect("a key")
}

fn witness_key() -> CosignerKey {
    CosignerKey::from_seed("witness.example/w1", &[7; 32]).expect("a key")
}

/// An archive in a directory, and beside it what an auditor has: policies, and a checkpoint from before.
pub(crate) struct Archive {
    root: TempDir,
}

impl Archive {
    /// Days with so many events each, from 2026-01-02 on, sealed and witnessed. The source shows its newest `limit`.
    pub(crate) fn of(days: &[usize], limit: usize) -> Self {
        let root = tempfile::tempdir().expect("a directory");
        let archive = Self { root };
        let disk: Arc<dyn Storage> = Arc::new(Disk::create(archive.dir()).expect("created"));
        let mut now = parse_instant("2026-01-02T12:00:00Z").expect("an instant");
        let beginning =
            Beginning { origin: ORIGIN.to_owned(), at: now, first_day: Day::of(now), succeeds: None };
        Log::init(disk.clone(), &beginning, &log_key()).expect("a log");
        let mut events: Vec<String> = Vec::new();
        collect(&disk, now, &events, limit);
        for count in days {
            for _ in 0..*count {
                now += Duration::from_secs(60);
                let number = events.len() + 1;
                events.push(format!(r#"{{"id":"mode_changed_{number}","timestamp":"{now}"}}"#));
            }
            now = Day::of(now).end() + Duration::from_minutes(120);
            collect(&disk, now, &events, limit);
            let mut log = Log::open(disk.clone()).expect("the log");
            let sealing = Sealing {
                now,
                retention: Retention::USUAL,
                clock: ClockState { synchronised: Some(true), error_ms: Some(3) },
                software: "assurance-exporter 0.1.0".to_owned(),
                threads: 1,
            };
            seal_due(&*disk, &mut log, &sealing, &log_key()).expect("sealed");
            let checkpoint = Checkpoint::of_note(log.checkpoint()).expect("a checkpoint");
            let secs = u64::try_from(now.as_millis() / 1000).expect("after 1970");
            let signature = cosignature::sign(&witness_key(), &checkpoint, secs);
            log.add_cosignature(log.size(), &signature).expect("kept");
        }
        let log = format!("log {}\n", log_key().verifier_key());
        archive.write("policy", &format!("{log}witness w1 {}\nquorum w1\n", witness_key().verifier_key()));
        archive.write("no-witness", &format!("{log}quorum none\n"));
        let other = SigningKey::from_seed(ORIGIN, &[9; 32]).expect("a key");
        archive.write("other-key", &format!("log {}\nquorum none\n", other.verifier_key()));
        archive.write("kept", &archive.read("archive/log/checkpoints/2"));
        archive
    }

    /// Three days, one of them empty.
    pub(crate) fn sound() -> Self {
        Self::of(&[3, 0, 2], 1000)
    }

    /// The directory of the archive.
    pub(crate) fn dir(&self) -> PathBuf {
        self.root.path().join("archive")
    }

    /// The path of a file, from beside the archive.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).expect("text")
    }

    /// Puts something in a file's place, as no program of ours would.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        if path.exists() {
            fs_err::remove_file(&path).expect("removed");
        }
        fs_err::write(path, text).expect("written");
    }

    pub(crate) fn remove(&self, name: &str) {
        fs_err::remove_file(self.path(name)).expect("removed");
    }

    /// The auditor, run beside the archive.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assurance-auditor"));
        command.current_dir(self.root.path()).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, words: &str) -> Ran {
        self.command().args(words.split_whitespace()).output().expect("it runs").into()
    }

    /// `verify archive --at NOW` with these further words.
    pub(crate) fn verify(&self, words: &str) -> Ran {
        self.run(&format!("verify archive --at {NOW} {words}"))
    }
}

fn collect(disk: &Arc<dyn Storage>, now: Timestamp, events: &[String], limit: usize) {
    let base = "http://backend:8000".to_owned();
    let mut config = Config::api(&base);
    config.source = Source::Api { base, limit };
    // A process that another test starts holds the lock, too, from its fork until it has become the auditor.
    let mut tries = 0;
    let mut exporter = loop {
        match Exporter::open(disk.clone(), config.clone(), now) {
            Ok(exporter) => break exporter,
            Err(error) => assert!(tries < 100_000, "opened: {error}"),
        }
        tries += 1;
        std::thread::yield_now();
    };
    exporter.handle_timeout(now);
    loop {
        let Some(Asked::Get(get)) = exporter.poll_output() else { panic!("it asks") };
        let body = if get.path.ends_with("statistics") {
            format!(r#"{{"audit_entries":{}}}"#, events.len())
        } else {
            format!("[{}]", events[events.len().saturating_sub(limit)..].join(","))
        };
        let response = Response { status: 200, body: body.into_bytes() };
        if exporter.handle_response(now, get.id, Ok(response)).expect("stored").is_some() {
            return;
        }
    }
}

/// How a run ended and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Ran {
    /// All of it, for snapshots.
    pub(crate) fn all(&self) -> String {
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        format!("exit {code}\n--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr)
    }
}

/// Whether a program can be run here.
pub(crate) fn exists(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("bins/auditor is two below it")
}
