//! `cargo xtask bench evidence`: what sealing and verifying cost, beside `sha256sum` over the same bytes.
//!
//! What is compared is the time that passes, since an auditor checks as many days at a time as there are processors;
//! processor time stands beside it, for when the machine does other things. All of it in one run, on a real directory.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration as Wall, Instant};

use assurance_disk::Disk;
use assurance_evidence::audit::{Options, verify};
use assurance_evidence::manifest::{ClockState, Retention};
use assurance_evidence::proof::{Wanted, prove, verify_proof};
use assurance_evidence::seal::{Beginning, Log, Sealing, plan, prune, seal_due};
use assurance_evidence::{Config, Day, Exporter, FetchError, Output, parse_instant};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::{Memory, Storage};
use assurance_tlog::Checkpoint;
use assurance_tlog::cosignature::{self, CosignerKey};
use assurance_tlog::note::SigningKey;
use assurance_tlog::policy::Policy;

const ORIGIN: &str = "brain.example/evidence";
const FILE: &str = "/var/log/brain/audit.jsonl";
/// As many days as most machines have processors, or a multiple of it: with three on two processors, one of them would
/// have nothing to do for a quarter of the time, which seven years do not know.
const DAYS: usize = 8;
/// What is aimed at: so many times what `sha256sum` does.
const GOAL: f64 = 1.6;
/// Two leap days among them.
const SEVEN_YEARS: usize = 2557;

type Failure = Box<dyn std::error::Error>;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark shows what it measured")]
fn main() -> std::process::ExitCode {
    let number = |name: &str, usual: usize| {
        let args: Vec<String> = std::env::args().collect();
        let given = args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1));
        given.and_then(|text| text.parse().ok()).unwrap_or(usual)
    };
    let mut say = |line: String| println!("{line}");
    let result = throughput(number("--days", DAYS), number("--events", 200_000), &mut say)
        .and_then(|()| seven_years(number("--metadata-days", SEVEN_YEARS), &mut say))
        .and_then(|()| proofs(number("--proof-events", 100_000), &mut say));
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[1; 32]).expect("a key")
}

fn witness(number: u8) -> CosignerKey {
    CosignerKey::from_seed(&format!("witness.example/w{number}"), &[100 + number; 32]).expect("a key")
}

/// The log's key, and all of so many witnesses.
fn policy(witnesses: u8) -> Policy {
    let mut text = format!("log {}\n", key().verifier_key());
    for number in 0..witnesses {
        text.push_str(&format!("witness w{number} {}\n", witness(number).verifier_key()));
    }
    if witnesses > 0 {
        let names: Vec<String> = (0..witnesses).map(|number| format!("w{number}")).collect();
        text.push_str(&format!("group every all {}\nquorum every\n", names.join(" ")));
    } else {
        text.push_str("quorum none\n");
    }
    text.parse().expect("a policy")
}

/// An archive that grows day by day.
struct Archive {
    storage: Arc<dyn Storage>,
    log: Log,
    now: Timestamp,
    /// What the followed file holds.
    file: Vec<u8>,
    random: u64,
}

impl Archive {
    fn new(storage: Arc<dyn Storage>) -> Result<Self, Failure> {
        let now = parse_instant("2026-01-01T00:00:00Z").expect("an instant");
        let beginning =
            Beginning { origin: ORIGIN.to_owned(), at: now, first_day: Day::of(now), succeeds: None };
        let log = Log::init(storage.clone(), &beginning, &key())?;
        let mut archive = Self { storage, log, now, file: Vec::new(), random: 1 };
        archive.collect()?;
        Ok(archive)
    }

    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// Events of some 510 bytes, spread over a day, and then the next day begins.
    fn day(&mut self, events: usize) -> Result<(), Failure> {
        let start = self.now.as_millis();
        for number in 0..events {
            let at = Timestamp::from_millis(start + (number as i64 * 86_000_000) / events as i64);
            let (a, b, c, d) = (self.random(), self.random(), self.random(), self.random());
            let kind = ["mode_changed", "override_set", "policy_violated", "gate_decided"][(a % 4) as usize];
            let line = format!(
                r#"{{"id":"{kind}_{}_{number}","timestamp":"{at}","event_type":"{kind}","severity":"warning","actor":"system:governance","success":true,"reason":"the gate decided on what the policy says about this kind of action and its risk","metadata":{{"trace":"{b:016x}{c:016x}","policy":"policy-{}","risk":0.{},"agent":"agent-{}","mode":"supervised","previous":"autonomous","digest":"{d:016x}{a:016x}{b:016x}{c:016x}"}},"component":"sovereign_mode","environment":"production","version":"1.4.2"}}"#,
                at.as_millis(),
                b % 40,
                c % 1000,
                d % 300,
            );
            self.file.extend_from_slice(line.as_bytes());
            self.file.push(b'\n');
        }
        self.now = Day::of(self.now).end() + Duration::from_minutes(90);
        self.collect()?;
        self.now = Day::of(self.now).start();
        Ok(())
    }

    fn collect(&mut self) -> Result<(), Failure> {
        let mut exporter = Exporter::open(self.storage.clone(), Config::file(FILE), self.now)?;
        loop {
            exporter.handle_timeout(self.now);
            let report = loop {
                let Some(Output::Read(read)) = exporter.poll_output() else { break None };
                let piece = if read.path == FILE {
                    let start = usize::try_from(read.offset)?.min(self.file.len());
                    let end = self.file.len().min(start + usize::try_from(read.max_bytes)?);
                    Ok(self.file[start..end].to_vec())
                } else {
                    Err(FetchError::NoFile)
                };
                if let Some(report) = exporter.handle_piece(self.now, read.id, piece)? {
                    break Some(report);
                }
            };
            if report.is_none_or(|report| report.outcome.is_ok_and(|events| events == 0)) {
                return Ok(());
            }
        }
    }

    fn seal(&mut self) -> Result<(), Failure> {
        let sealing = Sealing {
            now: self.now + Duration::from_minutes(120),
            retention: Retention::USUAL,
            clock: ClockState::default(),
            software: "bench".to_owned(),
            threads: threads(),
        };
        seal_due(&*self.storage, &mut self.log, &sealing, &key())?;
        Ok(())
    }

    fn witness(&self, number: u8) -> Result<(), Failure> {
        let checkpoint = Checkpoint::of_note(self.log.checkpoint())?;
        let secs = u64::try_from(self.now.as_millis() / 1000)? + 7300;
        let signature = cosignature::sign(&witness(number), &checkpoint, secs);
        Ok(self.log.add_cosignature(self.log.size(), &signature)?)
    }

    fn verify(&self, witnesses: u8) -> Result<(), Failure> {
        let mut options = Options::at(self.now + Duration::from_minutes(180));
        options.policy = Some(policy(witnesses));
        options.threads = threads();
        let report = verify(&*self.storage, &options, &mut |_| {})?;
        match report.findings.first() {
            Some(finding) => Err(format!("what was made does not verify: {finding}").into()),
            None => Ok(()),
        }
    }
}

/// What something took: on the clock, and of processors, its children's included.
struct Cost {
    wall: Wall,
    cpu: f64,
}

fn cost(work: impl FnOnce() -> Result<(), Failure>) -> Result<Cost, Failure> {
    let (before, started) = (cpu()?, now());
    work()?;
    Ok(Cost { wall: started.elapsed(), cpu: cpu()? - before })
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
fn now() -> Instant {
    Instant::now()
}

/// Seconds of this process and of the children it waited for; the kernel counts in hundredths.
fn cpu() -> Result<f64, Failure> {
    let stat = fs_err::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = fields.get(11..15).ok_or("no times in /proc/self/stat")?;
    Ok(ticks.iter().filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0)
}

fn throughput(days: usize, events: usize, say: &mut dyn FnMut(String)) -> Result<(), Failure> {
    let root = tempdir()?;
    let disk: Arc<dyn Storage> = Arc::new(Disk::create(root.join("evidence"))?);
    let mut archive = Archive::new(disk)?;
    for _ in 0..days {
        archive.day(events)?;
    }
    let mut files = Vec::new();
    let mut bytes = 0;
    for entry in archive.storage.list("hot")? {
        if entry.name.ends_with(".jsonl") {
            bytes += entry.bytes;
            files.push(root.join("evidence").join(entry.name));
        }
    }
    let all = days * events;
    say(format!(
        "{days} days of {events} events, {:.1} MB, {} bytes an event",
        bytes as f64 / 1e6,
        bytes / all.max(1) as u64
    ));
    sha256sum(&files)?; // so that all of them read from memory
    let theirs = cost(|| sha256sum(&files))?;
    let seal = cost(|| archive.seal())?;
    let verify = cost(|| archive.verify(0))?;
    for file in &files {
        fs_err::remove_file(file)?;
    }
    // From what is left after ninety days.
    archive.now += Duration::from_secs(91 * 86_400);
    let cold = cost(|| archive.verify(0))?;
    let line = |name: &str, cost: &Cost, goal: bool| {
        let (cpu, wall) = (theirs.cpu / cost.cpu, theirs.wall.as_secs_f64() / cost.wall.as_secs_f64());
        let mark = if goal && wall < GOAL { " !" } else { "" };
        format!(
            "{name:24} {:7.2} s cpu {:7.2} s wall {:7.0} MB/s {:9.0} events/s {wall:6.2} x sha256sum, {cpu:.2} by cpu{mark}",
            cost.cpu,
            cost.wall.as_secs_f64(),
            bytes as f64 / 1e6 / cost.wall.as_secs_f64(),
            all as f64 / cost.wall.as_secs_f64(),
        )
    };
    say(line("sha256sum", &theirs, false));
    say(line("seal", &seal, true));
    say(line("verify, both forms", &verify, true));
    say(line("verify, compressed only", &cold, true));
    fs_err::remove_dir_all(&root)?;
    Ok(())
}

fn tempdir() -> Result<std::path::PathBuf, Failure> {
    let root = std::env::temp_dir().join(format!("assurance-bench-evidence-{}", std::process::id()));
    fs_err::create_dir(&root)?;
    Ok(root)
}

fn sha256sum(files: &[impl AsRef<Path>]) -> Result<(), Failure> {
    let paths = files.iter().map(AsRef::as_ref);
    let status = Command::new("sha256sum").args(paths).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err("sha256sum failed".into()) }
}

fn seven_years(days: usize, say: &mut dyn FnMut(String)) -> Result<(), Failure> {
    let mut archive = Archive::new(Arc::new(Memory::new()))?;
    for _ in 0..days {
        archive.day(0)?;
        archive.seal()?;
        archive.witness(0)?;
        archive.witness(1)?;
    }
    let there = cost(|| archive.verify(2))?;
    say(format!(
        "{days} days with 3 signatures each, empty ones: {:.2} s cpu, {:.2} s wall",
        there.cpu,
        there.wall.as_secs_f64()
    ));
    let far = archive.now + Duration::from_secs(2558 * 86_400);
    let planned = plan(&*archive.storage, &archive.log, Retention::USUAL, far)?;
    archive.now = far;
    let storage = archive.storage.clone();
    prune(&*storage, &mut archive.log, &planned, Retention::USUAL, far, Some(&key()))?;
    archive.witness(0)?;
    archive.witness(1)?;
    let purged = cost(|| archive.verify(2))?;
    say(format!(
        "the same, purged: {:.2} s cpu, {:.2} s wall (goal 1 s){}",
        purged.cpu,
        purged.wall.as_secs_f64(),
        if purged.cpu < 1.0 { "" } else { " !" }
    ));
    Ok(())
}

fn proofs(events: usize, say: &mut dyn FnMut(String)) -> Result<(), Failure> {
    let mut archive = Archive::new(Arc::new(Memory::new()))?;
    archive.day(events)?;
    archive.seal()?;
    let wanted = Wanted::line("2026-01-01".parse()?, events as u64 / 2);
    for witnesses in [0, 3] {
        for number in 0..witnesses {
            archive.witness(number)?;
        }
        let text = prove(&*archive.storage, &wanted)?;
        let proven = verify_proof(&text, &policy(witnesses))?;
        let event = proven.event.len();
        say(format!(
            "proof of one of {events} events a day, {witnesses} witnesses: {} bytes, {event} of them the event itself",
            text.len()
        ));
    }
    Ok(())
}
