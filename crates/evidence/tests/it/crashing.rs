//! Crashes and errors at every operation: after the next runs every event is there once, or the facts say
//! that some may be missing.

use std::sync::Arc;

use assurance_evidence::{Archive, ArchiveError, Exporter, Fact, Policy, published_days, verify_day};
use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::{Crashing, Fault, Memory, Plan, Storage, Survival};
use proptest::prelude::*;

use crate::backend::{Backend, all_events, at, config, round, text};

/// What happens between two rounds.
#[derive(Clone, Debug)]
struct Step {
    /// Entries written, each so many seconds after the one before.
    entries: Vec<i64>,
    restart: bool,
    /// Time until the round.
    seconds: i64,
}

/// A source that lives its own life, whatever happens to the exporter.
struct World {
    backend: Backend,
    now: Timestamp,
    /// Every entry that was ever in an answer, in order: what evidence has to hold.
    expected: Vec<String>,
    pending: Vec<String>,
}

const LIMIT: usize = 6;

impl World {
    fn new() -> Self {
        Self {
            backend: Backend::new(),
            now: at("2026-01-02T23:50:00Z"),
            expected: Vec::new(),
            pending: Vec::new(),
        }
    }

    fn live(&mut self, step: &Step) {
        if step.restart {
            self.backend.restart();
        }
        for seconds in &step.entries {
            self.now += Duration::from_secs(*seconds);
            let line = self.backend.write(self.now);
            self.pending.push(line);
        }
        self.now += Duration::from_secs(step.seconds);
    }

    fn collect(&mut self, storage: &Arc<dyn Storage>, facts: &mut Vec<Fact>) -> Result<(), ArchiveError> {
        let mut exporter = Exporter::open(storage.clone(), config(LIMIT), self.now)?;
        let report = round(&mut exporter, self.now, &self.backend)?;
        assert!(report.outcome.is_ok());
        facts.extend(report.facts);
        self.expected.append(&mut self.pending);
        Ok(())
    }
}

/// Every fact in evidence, published or open.
fn all_facts(storage: &dyn Storage) -> Vec<Fact> {
    let mut facts = Vec::new();
    for directory in ["hot", "state"] {
        for entry in storage.list(directory).expect("listed") {
            if entry.name.ends_with(".facts.jsonl") {
                let lines = text(storage, &entry.name);
                facts.extend(lines.lines().map(|line| serde_json::from_str::<Fact>(line).expect("a fact")));
            }
        }
    }
    facts
}

/// Lives through `steps` and a quiet end, in which every day is published, with a fault at one operation;
/// opens again, and goes on. `None` if the fault never came.
///
/// What publishes may come before what collects.
fn run(steps: &[Step], plan: Plan, survival: Survival, publishes_first: bool) -> Option<()> {
    let crashing = Arc::new(Crashing::new(plan));
    let mut storage: Arc<dyn Storage> = crashing.clone();
    let mut world = World::new();
    let mut failed = false;
    let end = Step { entries: Vec::new(), restart: false, seconds: 86_400 + 600 };
    for step in steps.iter().chain([&end]) {
        world.live(step);
        let mut facts = Vec::new();
        if world.collect(&storage, &mut facts).is_err() {
            assert!(!failed, "the fault comes once, and what it leaves must be usable");
            failed = true;
            if crashing.has_crashed() {
                storage = Arc::new(crashing.after_crash(survival));
            }
            if publishes_first {
                let mut archive =
                    Archive::open(storage.clone(), Policy::USUAL).expect("usable after the fault");
                archive.publish_due(world.now).expect("published after the fault");
            }
            // The program is started again at once.
            world.collect(&storage, &mut facts).expect("evidence is usable after the fault");
        }
    }
    check(&world, &*storage, plan, survival);
    if failed && !crashing.has_crashed() {
        // After an error that was no crash the power goes at last: what was acknowledged is on the disk.
        check(&world, &crashing.after_crash(Survival::Synced), plan, Survival::Synced);
    }
    failed.then_some(())
}

fn check(world: &World, storage: &dyn Storage, plan: Plan, survival: Survival) {
    let what = format!("{plan:?}, {survival:?}");
    let mut found = all_events(storage);
    let mut expected = world.expected.clone();
    found.sort();
    expected.sort();
    let incomplete = all_facts(storage).iter().any(Fact::is_incomplete);
    if incomplete {
        let mut once = found.clone();
        once.dedup();
        assert_eq!(once, found, "an event is doubled: {what}");
        assert!(found.iter().all(|line| expected.contains(line)), "an event is made up: {what}");
    } else {
        assert_eq!(found, expected, "{what}");
    }
    for day in published_days(storage).expect("listed") {
        let report = verify_day(storage, day).expect("read");
        assert!(report.is_intact(), "{what}: {report:?}");
        let events = text(storage, &format!("hot/audit-{day}.jsonl"));
        let prefix = format!("\"timestamp\":\"{day}T");
        assert!(events.lines().all(|line| line.contains(&prefix)), "{what}: {events}");
    }
    let open: Vec<_> = storage.list("state").expect("listed").into_iter().map(|entry| entry.name).collect();
    assert!(open.iter().all(|name| !name.ends_with(".open.jsonl")), "{what}: {open:?}");
}

fn history() -> Vec<Step> {
    let step = |entries: &[i64], restart, seconds| Step { entries: entries.to_vec(), restart, seconds };
    vec![
        step(&[1, 0], false, 1),
        step(&[1, 0, 0], false, 30),
        step(&[570, 0, 60], false, 100), // over midnight
        step(&[-300, 1], false, 300),    // late for the day before, then published
        step(&[], false, 30),
        step(&[-86_000, 0], false, 86_100), // for a published day
        step(&[1], true, 30),
        step(&[1, 1], false, 86_400),
    ]
}

fn faults() -> impl Iterator<Item = (Fault, Survival)> {
    let crashes = [Survival::Synced, Survival::Torn(1), Survival::Torn(2)].into_iter();
    let errors = [Fault::Io, Fault::ShortWrite];
    crashes.map(|survival| (Fault::Crash, survival)).chain(errors.map(|fault| (fault, Survival::Everything)))
}

#[test]
fn the_history_without_a_fault_is_kept_whole_but_for_the_restart() {
    assert_eq!(run(&history(), Plan::new(u64::MAX, Fault::Crash), Survival::Synced, false), None);
}

#[test]
fn whatever_operation_it_stops_at_nothing_is_lost_or_doubled() {
    let mut operations = 0;
    for (fault, survival) in faults() {
        for publishes_first in [false, true] {
            let mut step = 1;
            while run(&history(), Plan::new(step, fault), survival, publishes_first).is_some() {
                step += 1;
            }
            operations = step - 1;
        }
    }
    assert!(operations > 100, "only {operations} operations in the history");
}

#[test]
fn a_restart_of_both_in_the_same_moment_keeps_what_was_written() {
    // The exporter dies after it wrote events and before it acknowledged them, and the backend with it.
    let mut kept = 0;
    for step in 1..200 {
        let crashing = Arc::new(Crashing::new(Plan::new(step, Fault::Crash)));
        let mut storage: Arc<dyn Storage> = crashing.clone();
        let mut world = World::new();
        let mut facts = Vec::new();
        world.live(&Step { entries: vec![1], restart: false, seconds: 1 });
        if world.collect(&storage, &mut facts).is_err() {
            continue; // before the first collection nothing was promised
        }
        world.live(&Step { entries: vec![1, 1], restart: false, seconds: 1 });
        if world.collect(&storage, &mut facts).is_ok() {
            break;
        }
        storage = Arc::new(crashing.after_crash(Survival::Everything));
        let written = all_events(&*storage).len();
        world.backend.restart();
        world.collect(&storage, &mut facts).unwrap();
        assert_eq!(all_events(&*storage).len(), written.max(1), "what was written stays");
        assert!(facts.iter().any(Fact::is_incomplete), "the restart is recorded");
        kept += usize::from(written == 3);
    }
    assert!(kept > 0, "no crash fell between writing and acknowledging");
}

#[test]
fn bytes_that_only_seem_to_be_written_are_written_again() {
    // A failed sync: the file reads well until the power goes. What is acknowledged later must not depend
    // on those pages.
    for step in 1..60 {
        let crashing = Arc::new(Crashing::new(Plan::new(step, Fault::Io)));
        let storage: Arc<dyn Storage> = crashing.clone();
        let mut world = World::new();
        let mut facts = Vec::new();
        world.live(&Step { entries: vec![1, 1], restart: false, seconds: 1 });
        let first = world.collect(&storage, &mut facts);
        if first.is_err() {
            world.collect(&storage, &mut facts).unwrap();
        }
        let after: Memory = crashing.after_crash(Survival::Synced);
        assert_eq!(all_events(&after), world.expected, "step {step}");
        Exporter::open(Arc::new(after), config(LIMIT), world.now).unwrap();
    }
}

#[test]
fn a_power_cut_while_recovering_from_a_failed_sync_loses_nothing() {
    // What an error left may read well and not be on the disk. A recovery must not build on it.
    let over_midnight = [
        Step { entries: vec![1, 1], restart: false, seconds: 1 },
        Step { entries: vec![600, 1], restart: false, seconds: 300 },
    ];
    let mut faults = 0;
    for first in 1..200 {
        for second in 1..40 {
            let what = format!("an error at {first}, a power cut {second} later");
            let crashing = Arc::new(Crashing::new(Plan::new(first, Fault::Io)));
            let mut storage: Arc<dyn Storage> = crashing.clone();
            let mut world = World::new();
            let mut failed = false;
            for step in &over_midnight {
                world.live(step);
                let mut facts = Vec::new();
                while let Err(error) = world.collect(&storage, &mut facts) {
                    if crashing.has_crashed() {
                        storage = Arc::new(crashing.after_crash(Survival::Synced));
                        world.collect(&storage, &mut facts).unwrap_or_else(|error| panic!("{what}: {error}"));
                        break;
                    }
                    assert!(!failed, "{what}: {error}");
                    failed = true;
                    crashing.replan(Plan::new(crashing.steps() + second, Fault::Crash));
                }
            }
            if !failed {
                assert!(faults > 1000, "only {faults} pairs of faults fell into the history");
                return;
            }
            faults += 1;
            world.live(&Step { entries: Vec::new(), restart: false, seconds: 86_400 });
            if world.collect(&storage, &mut Vec::new()).is_err() {
                storage = Arc::new(crashing.after_crash(Survival::Synced));
                world.collect(&storage, &mut Vec::new()).unwrap_or_else(|error| panic!("{what}: {error}"));
            }
            check(&world, &*storage, Plan::new(first, Fault::Io), Survival::Synced);
        }
    }
    panic!("the history has more steps than were tried");
}

fn step() -> impl Strategy<Value = Step> {
    let entry = prop_oneof![4 => 0..100_i64, 1 => -400..0_i64, 1 => Just(40_000_i64)];
    let seconds = prop_oneof![3 => 1..60_i64, 1 => 20_000..90_000_i64];
    (prop::collection::vec(entry, 0..5), prop::bool::weighted(0.1), seconds)
        .prop_map(|(entries, restart, seconds)| Step { entries, restart, seconds })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_history_survives_any_fault(
        steps in prop::collection::vec(step(), 1..7),
        at_step in 1..160_u64,
        fault in prop_oneof![
            3 => Just(Fault::Crash), 1 => Just(Fault::Io), 1 => Just(Fault::NoSpace), 1 => Just(Fault::ShortWrite)
        ],
        survival in prop_oneof![
            Just(Survival::Synced), Just(Survival::Everything), any::<u64>().prop_map(Survival::Torn)
        ],
    ) {
        run(&steps, Plan::new(at_step, fault), survival, at_step % 2 == 0);
    }
}
