//! A log that is stopped at every operation: what the next run completes is what an undisturbed run would have made.

use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_evidence::audit::{self, Options, Severity};
use assurance_evidence::manifest::{ClockState, LegalHold, Retention};
use assurance_evidence::seal::{Beginning, Log, SealError, Sealing, plan, prune, seal_due};
use assurance_evidence::{ArchiveError, Day, Exporter};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::{Crashing, Fault, Plan, Storage, Survival};

use crate::backend::{Backend, at, config, round};
use crate::rig::{ORIGIN, findings, key, policy};

const RETENTION: Retention = Retention { hot_days: 1, cold_days: 3 };

/// What is done on each day of the story.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Nothing,
    Rotate,
    Hold,
    Prune,
}

const STORY: &[Deed] =
    &[Deed::Nothing, Deed::Hold, Deed::Rotate, Deed::Nothing, Deed::Prune, Deed::Nothing, Deed::Prune];

#[derive(Debug)]
enum Failed {
    Seal(SealError),
    Archive(ArchiveError),
}

impl From<SealError> for Failed {
    fn from(error: SealError) -> Self {
        Self::Seal(error)
    }
}

impl From<ArchiveError> for Failed {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(error)
    }
}

struct Story {
    backend: Backend,
    now: Timestamp,
}

impl Story {
    fn begin(&self, storage: &Arc<dyn Storage>) -> Result<(), Failed> {
        if assurance_evidence::seal::is_initialised(&**storage).expect("readable") {
            Log::open(storage.clone())?;
            return Ok(());
        }
        let beginning = Beginning {
            origin: ORIGIN.to_owned(),
            at: at("2026-01-02T12:00:00Z"),
            first_day: Day::of(at("2026-01-02T12:00:00Z")),
            succeeds: None,
        };
        Log::init(storage.clone(), &beginning, &key(1))?;
        Ok(())
    }

    /// Collects, seals, and does what is to be done; all of it may be done again.
    fn day(&self, storage: &Arc<dyn Storage>, deed: Deed) -> Result<(), Failed> {
        let mut exporter = Exporter::open(storage.clone(), config(1000), self.now)?;
        round(&mut exporter, self.now, &self.backend)?;
        let mut log = Log::open(storage.clone())?;
        let current = [1, 2].map(key).into_iter().find(|key| key.verifier_key().to_string() == log.key());
        let current = current.expect("one of the two");
        let sealing = Sealing {
            now: self.now,
            retention: RETENTION,
            clock: ClockState::default(),
            software: "test 1".to_owned(),
        };
        seal_due(&**storage, &mut log, &sealing, &current)?;
        match deed {
            Deed::Rotate if log.key() == key(1).verifier_key().to_string() => {
                log.rotate(self.now, &key(1), &key(2), "yearly")?;
            }
            Deed::Hold if log.holds().is_empty() => {
                let day = Day::of(at("2026-01-03T00:00:00Z"));
                let hold = LegalHold {
                    v: 0,
                    index: 0,
                    at: self.now,
                    id: "case".to_owned(),
                    from: day,
                    to: Some(day),
                    reason: String::new(),
                    by: String::new(),
                };
                log.hold(hold, &current)?;
            }
            Deed::Prune => {
                let planned = plan(&**storage, &log, RETENTION, self.now)?;
                prune(&**storage, &mut log, &planned, RETENTION, self.now, Some(&current))?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Lives through the story with a fault at one operation. Gives the files at the end, or nothing where the fault
/// never came.
fn run(fault: Plan, survival: Survival) -> (Option<()>, BTreeMap<String, Vec<u8>>) {
    let crashing = Arc::new(Crashing::new(fault));
    let mut storage: Arc<dyn Storage> = crashing.clone();
    let mut story = Story { backend: Backend::new(), now: at("2026-01-02T12:00:00Z") };
    let mut failed = false;
    let mut again = |storage: &mut Arc<dyn Storage>,
                     work: &dyn Fn(&Arc<dyn Storage>) -> Result<(), Failed>| {
        if let Err(error) = work(storage) {
            assert!(!failed, "the fault comes once, and what it leaves must be usable: {fault:?}: {error:?}");
            failed = true;
            if crashing.has_crashed() {
                *storage = Arc::new(crashing.after_crash(survival));
            }
            // Whatever is there now is whole, and no false alarm.
            let report = audit::verify(&**storage, &Options::at(at("2030-01-01T00:00:00Z")), &mut |_| {});
            let report = report.expect("readable");
            let alarms: Vec<_> =
                report.findings.iter().filter(|finding| finding.severity == Severity::Integrity).collect();
            let begun = !storage.list("log").expect("listed").is_empty();
            assert!(!begun || alarms.is_empty(), "{fault:?} {survival:?}: {alarms:?}");
            work(storage).unwrap_or_else(|error| panic!("{fault:?} {survival:?}: {error:?}"));
        }
    };
    again(&mut storage, &|storage| story.begin(storage));
    for deed in STORY {
        for _ in 0..3 {
            story.now += Duration::from_secs(60);
            story.backend.write(story.now);
        }
        story.now = Day::of(story.now).end() + Duration::from_minutes(5);
        again(&mut storage, &|storage| story.day(storage, *deed));
    }
    let mut options = Options::at(story.now);
    options.policy = Some(policy(&key(1), None));
    let report = audit::verify(&*storage, &options, &mut |_| {}).expect("readable");
    assert_eq!(findings(&report), [""; 0], "{fault:?} {survival:?}");
    (failed.then_some(()), image(&*storage))
}

/// Every published file.
fn image(storage: &dyn Storage) -> BTreeMap<String, Vec<u8>> {
    let directories = [
        "hot",
        "cold",
        "log",
        "log/checkpoints",
        "log/tile/0",
        "log/tile/0/000.p",
        "log/tile/entries",
        "log/tile/entries/000.p",
    ];
    let mut image = BTreeMap::new();
    for directory in directories {
        for entry in storage.list(directory).expect("listed") {
            let bytes = storage.read(&entry.name, 1 << 24).expect("read");
            image.insert(entry.name, bytes);
        }
    }
    image
}

fn differing(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    names.into_iter().filter(|name| a.get(*name) != b.get(*name)).cloned().collect()
}

fn every_step(fault: Fault, survival: Survival) {
    let (_, expected) = run(Plan::new(u64::MAX, Fault::Crash), Survival::Synced);
    assert!(expected.len() > 40, "the story makes files: {}", expected.len());
    let mut step = 1;
    loop {
        let plan = Plan::new(step, fault);
        let (failed, found) = run(plan, survival);
        assert_eq!(differing(&expected, &found), [""; 0], "{plan:?} {survival:?}");
        if failed.is_none() {
            break;
        }
        step += 1;
    }
    assert!(step > 200, "only {step} operations in the story");
}

#[test]
fn stopped_anywhere_the_next_run_makes_the_same_bytes() {
    every_step(Fault::Crash, Survival::Synced);
}

#[test]
fn stopped_anywhere_with_torn_files_the_next_run_makes_the_same_bytes() {
    every_step(Fault::Crash, Survival::Torn(3));
}

#[test]
fn after_any_failed_operation_the_next_run_makes_the_same_bytes() {
    every_step(Fault::Io, Survival::Everything);
}

#[test]
fn after_a_full_disk_the_next_run_makes_the_same_bytes() {
    every_step(Fault::ShortWrite, Survival::Everything);
}
