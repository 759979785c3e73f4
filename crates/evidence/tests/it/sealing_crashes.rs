//! A log that is stopped at every operation: what the next run completes is what an undisturbed run would have made.

use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_evidence::audit::{self, Options, Severity};
use assurance_evidence::manifest::{ClockState, LegalHold, Retention};
use assurance_evidence::seal::{Beginning, Log, Sealing, plan, prune, seal_due};
use assurance_evidence::{Day, Exporter};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::{Crashing, Fault, Memory, Plan, Storage, Survival};

use crate::backend::{Backend, at, config, round};
use crate::rig::{ORIGIN, findings, key, policy};

const RETENTION: Retention = Retention { hot_days: 1, cold_days: 3 };

/// A fault that never comes.
const NEVER: Plan = Plan::new(u64::MAX, Fault::Crash);

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

type Failed = Box<dyn std::error::Error>;

#[derive(Clone)]
struct Story {
    backend: Backend,
    now: Timestamp,
    threads: usize,
}

impl Story {
    /// What happens in the world until there is something to be done.
    fn turn_to(&mut self, deed: Option<Deed>) {
        if deed.is_none() {
            return; // it begins at noon
        }
        for _ in 0..3 {
            self.now += Duration::from_secs(60);
            self.backend.write(self.now);
        }
        self.now = Day::of(self.now).end() + Duration::from_minutes(5);
    }

    /// Creates the log, or does what is to be done on a day; all of it may be done again.
    fn live(&self, storage: &Arc<dyn Storage>, deed: Option<Deed>) -> Result<(), Failed> {
        match deed {
            None => self.begin(storage),
            Some(deed) => self.day(storage, deed),
        }
    }

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
            threads: self.threads,
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

/// Where the story stands before a day, and what the day is about to do.
struct Chapter {
    files: Memory,
    story: Story,
    /// What an undisturbed day makes of the files.
    after: BTreeMap<String, Vec<u8>>,
}

/// The undisturbed story, day by day. Between two days everything is durable, so a fault in one of them finds what
/// the days before have left, whenever it comes: no day needs to be lived through again for a fault in a later one.
fn chapters(threads: usize) -> Vec<Chapter> {
    let mut story = Story { backend: Backend::new(), now: at("2026-01-02T12:00:00Z"), threads };
    let mut chapters = Vec::new();
    let mut files = Memory::new();
    for deed in std::iter::once(None).chain(STORY.iter().copied().map(Some)) {
        story.turn_to(deed);
        let counting = Crashing::over(&files, NEVER);
        let storage: Arc<dyn Storage> = Arc::new(counting.clone());
        story.live(&storage, deed).expect("nothing fails");
        let after = image(&*storage);
        let durable = counting.after_crash(Survival::Synced);
        assert_eq!(differing(&after, &image(&durable)), [""; 0], "a day leaves nothing that could be lost");
        chapters.push(Chapter { files, story: story.clone(), after });
        files = durable;
    }
    let mut options = Options::at(story.now);
    options.policy = Some(policy(&key(1), None));
    let report = audit::verify(&files, &options, &mut |_| {}).expect("readable");
    assert_eq!(findings(&report), [""; 0]);
    chapters
}

/// One day with a fault at one operation, and again after it. Whether the fault came.
fn disturbed(chapter: &Chapter, deed: Option<Deed>, fault: Plan, survival: Survival) -> bool {
    let crashing = Crashing::over(&chapter.files, fault);
    let mut storage: Arc<dyn Storage> = Arc::new(crashing.clone());
    let failed = chapter.story.live(&storage, deed).is_err();
    if failed {
        if crashing.has_crashed() {
            storage = Arc::new(crashing.after_crash(survival));
        }
        // Whatever is there now is whole, and no false alarm.
        let report = audit::verify(&*storage, &Options::at(at("2030-01-01T00:00:00Z")), &mut |_| {});
        let report = report.expect("readable");
        let alarms: Vec<_> =
            report.findings.iter().filter(|finding| finding.severity == Severity::Integrity).collect();
        let begun = !storage.list("log").expect("listed").is_empty();
        assert!(!begun || alarms.is_empty(), "{fault:?} {survival:?}: {alarms:?}");
        // The fault comes once, and what it leaves must be usable.
        let again = chapter.story.live(&storage, deed);
        again.unwrap_or_else(|error| panic!("{deed:?} {fault:?} {survival:?}: {error}"));
    }
    // The state is compared as well: from here on the story goes on as the undisturbed one does.
    let found = image(&*storage);
    assert_eq!(differing(&chapter.after, &found), [""; 0], "{deed:?} {fault:?} {survival:?}");
    failed
}

/// Every file but the lock.
fn image(storage: &dyn Storage) -> BTreeMap<String, Vec<u8>> {
    let directories = [
        "state",
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
    every_step_on(1, fault, survival);
}

fn every_step_on(threads: usize, fault: Fault, survival: Survival) {
    let chapters = chapters(threads);
    let published = chapters.last().map_or(0, |last| last.after.len());
    assert!(published > 40, "the story makes files: {published}");
    let deeds = std::iter::once(None).chain(STORY.iter().copied().map(Some));
    let mut steps = 0;
    for (chapter, deed) in chapters.iter().zip(deeds) {
        let mut step = 1;
        while disturbed(chapter, deed, Plan::new(step, fault), survival) {
            step += 1;
        }
        steps += step - 1;
    }
    assert!(steps > 200, "only {steps} operations in the story");
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

#[test]
fn stopped_anywhere_while_others_compute_the_next_run_makes_the_same_bytes() {
    every_step_on(3, Fault::Crash, Survival::Torn(5));
    let (alone, several) = (chapters(1), chapters(3));
    for (alone, several) in alone.iter().zip(&several) {
        assert_eq!(differing(&alone.after, &several.after), [""; 0]);
    }
}
