//! A scripted run, stopped at every step that changes a file, and failing at every one.

use assurance_metrics_model::{Appender as _, Duration, Value, stale_nan};
use assurance_storage::{Crashing, Fault, Memory, Plan, Storage, Survival};
use assurance_tsdb::{Config, FaultKind, Store};

use super::{Content, content, open_with};
use crate::{at, series};

const DAY: i64 = 86_400;

/// Samples of one commit: series, seconds, value.
type Samples = Vec<(usize, i64, f64)>;

#[derive(Clone, Debug)]
enum Step {
    Commit(Samples),
    Sync,
    Maintain(i64),
}

fn config() -> Config {
    let mut config = Config::default();
    config.out_of_order_window = Duration::from_secs(2 * 3600);
    config
}

/// Three days of a sample every three hours, maintained now and then, with late samples, also for a day that
/// has its segment.
fn script() -> Vec<Step> {
    let mut steps = Vec::new();
    for n in 0..26 {
        let now = n * 3 * 3600 + 60;
        let mut samples: Samples = (0..3).map(|i| (i, now, n as f64 * 1.5 + i as f64)).collect();
        if n % 5 == 4 {
            samples[1].2 = stale_nan();
            samples[2].2 = 1.0 / 3.0;
        }
        if n % 4 == 3 {
            samples.push((0, now - 3600, 7.0));
        }
        if n == 20 {
            // A series that begins on a day that is finished.
            samples.extend((0..3).map(|k| (3, DAY / 2 + k * 60, k as f64)));
        }
        steps.push(Step::Commit(samples));
        if n % 3 == 1 {
            steps.push(Step::Sync);
        }
        if n % 4 == 2 {
            steps.push(Step::Maintain(now + 30));
        }
    }
    steps.push(Step::Maintain(4 * DAY));
    steps.push(Step::Commit(vec![(0, 4 * DAY, 1.0)]));
    steps.push(Step::Sync);
    steps
}

/// What was committed, and how much of it is durable.
#[derive(Debug, Default)]
struct Run {
    commits: Vec<Samples>,
    synced: usize,
    /// How many were committed before the crash, if there is one.
    before_crash: usize,
    log_faults: usize,
}

impl Run {
    fn step(&mut self, store: &Store, step: &Step) {
        match step {
            Step::Commit(samples) => {
                commit(store, samples);
                self.commits.push(samples.clone());
            }
            Step::Sync => {
                if store.sync().is_ok() {
                    self.synced = self.commits.len();
                }
            }
            Step::Maintain(now) => {
                let done = store.maintain(at(*now));
                self.log_faults += done.faults.iter().filter(|f| f.kind == FaultKind::Log).count();
            }
        }
    }
}

fn commit(store: &Store, samples: &Samples) {
    let mut appender = store.appender();
    for (i, secs, value) in samples {
        let labels = series("m", &i.to_string());
        appender.append(None, &labels, at(*secs), Value::Float(*value)).expect("within the window");
    }
    assert_eq!(appender.commit().overtaken, 0);
}

/// What a store holds that has these commits.
fn expected(commits: &[Samples]) -> Content {
    let mut all: Content = Vec::new();
    for (i, secs, value) in commits.iter().flatten() {
        let labels = series("m", &i.to_string()).to_string();
        let place = all.iter().position(|(l, _)| *l == labels).unwrap_or_else(|| {
            all.push((labels, Vec::new()));
            all.len() - 1
        });
        all[place].1.push((secs * 1000, value.to_bits()));
    }
    all.sort();
    all.iter_mut().for_each(|(_, samples)| samples.sort_unstable());
    all
}

fn run_until_crash(files: &Crashing) -> Run {
    let mut run = Run::default();
    let Ok((store, _)) = Store::open(config(), std::sync::Arc::new(files.clone())) else { return run };
    for step in script() {
        if files.has_crashed() {
            break;
        }
        run.step(&store, &step);
        if !files.has_crashed() {
            run.before_crash = run.commits.len();
            assert_eq!(content(&store), expected(&run.commits), "nothing is lost");
        }
    }
    run
}

/// How many of the commits are there, each as a whole: those up to `synced` among them.
fn check_whole(found: &Content, run: &Run, context: &str) -> Vec<Samples> {
    let has = |(i, secs, value): &(usize, i64, f64)| {
        let labels = series("m", &i.to_string()).to_string();
        let samples = found.iter().find(|(l, _)| *l == labels).map_or(&[][..], |(_, samples)| samples);
        samples.contains(&(secs * 1000, value.to_bits()))
    };
    let mut there = Vec::new();
    for (n, samples) in run.commits.iter().enumerate() {
        let count = samples.iter().filter(|sample| has(sample)).count();
        assert!(count == 0 || count == samples.len(), "{context}: commit {n} is there in part");
        assert!(count > 0 || n >= run.synced, "{context}: commit {n} of {} synced is gone", run.synced);
        if count > 0 {
            there.push(samples.clone());
        }
    }
    assert_eq!(*found, expected(&there), "{context}: nothing else is there, and nothing twice");
    there
}

#[test]
fn a_crash_at_any_step_loses_nothing_that_was_synced() {
    let counting = Crashing::counting();
    assert_eq!(run_until_crash(&counting).commits.len(), 27);
    let steps = counting.steps();
    assert!(steps > 80, "{steps} steps reach log, segments, checkpoints and removals");
    for step in 1..=steps {
        let files = Crashing::new(Plan::new(step, Fault::Crash));
        let run = run_until_crash(&files);
        assert!(files.has_crashed());
        let survivals =
            [Survival::Synced, Survival::Everything].into_iter().chain((0..2).map(Survival::Torn));
        for survival in survivals {
            let context = format!("step {step}, {survival:?}");
            let after = files.after_crash(survival);
            let (store, recovery) = open_with(config(), &after);
            assert!(recovery.damaged.is_empty(), "{context}: {recovery:?}");
            let there = check_whole(&content(&store), &run, &context);
            if survival == Survival::Everything {
                assert!(there.len() >= run.before_crash, "{context}: a killed process loses nothing");
                assert!(recovery.quarantined.is_empty(), "{context}: {recovery:?}");
            }
            if survival != Survival::Everything {
                go_on(store, &after, there, &context);
            }
        }
    }
}

/// The store that was found is as good as any.
fn go_on(store: Store, files: &Memory, mut commits: Vec<Samples>, context: &str) {
    let more = vec![(0, 4 * DAY + 600, 5.0), (7, 4 * DAY + 600, 6.0)];
    commit(&store, &more);
    commits.push(more);
    let done = store.maintain(at(5 * DAY + 8000));
    assert_eq!((done.faults, done.is_checkpointed), (Vec::new(), true), "{context}");
    assert_eq!(content(&store), expected(&commits), "{context}: after sealing what was found");
    let samples: u64 = expected(&commits).iter().map(|(_, samples)| samples.len() as u64).sum();
    assert_eq!(store.stats().samples, samples, "{context}: nothing stands twice");
    drop(store);
    let (store, recovery) = open_with(config(), files);
    assert_eq!(recovery.samples, 0, "{context}: all days are over");
    assert_eq!(content(&store), expected(&commits), "{context}: opened again");
}

#[test]
fn a_failure_at_any_step_is_shown_and_loses_nothing() {
    let counting = Crashing::counting();
    run_until_crash(&counting);
    let (mut broken, mut shown) = (0, 0);
    for step in 1..=counting.steps() {
        for fault in [Fault::Io, Fault::NoSpace, Fault::ShortWrite] {
            let context = format!("step {step}, {fault:?}");
            let files = Crashing::new(Plan::new(step, fault));
            let mut run = Run::default();
            let (store, _) = open_with(config(), &files);
            for step in script() {
                run.step(&store, &step);
                let faults = store.faults();
                shown += usize::from(!faults.is_empty());
                assert!(faults.iter().all(|f| f.is_full == (fault != Fault::Io)), "{context}: {faults:?}");
                broken += faults.iter().filter(|fault| fault.kind == FaultKind::Log).count();
            }
            assert_eq!(content(&store), expected(&run.commits), "{context}");
            for survival in [Survival::Synced, Survival::Torn(step_seed(&context))] {
                let (store, _) = open_with(config(), &files.after_crash(survival));
                check_whole(&content(&store), &run, &context);
            }
            let done = store.maintain(at(4 * DAY + 60));
            assert_eq!(done.faults, [], "{context}: the fault has passed");
            assert!(store.sync().is_ok(), "{context}");
            drop(store);
            let (store, recovery) = open_with(config(), &files.after_crash(Survival::Synced));
            assert_eq!(content(&store), expected(&run.commits), "{context}: {recovery:?}");
        }
    }
    assert!(shown > broken && broken > 0, "faults of the log and others: {shown}, {broken}");
}

fn step_seed(context: &str) -> u64 {
    context.bytes().fold(7, |seed, byte| seed * 31 % 1009 + u64::from(byte))
}

#[test]
fn files_are_found_by_a_listing() {
    let files = Memory::new();
    let (store, _) = open_with(config(), &files);
    let mut run = Run::default();
    script().iter().for_each(|step| run.step(&store, step));
    let names = |directory| {
        let files = files.list(directory).expect("memory lists");
        files.into_iter().map(|file| file.name).collect::<Vec<_>>()
    };
    let segments = ["1970-01-01.0", "1970-01-01.1", "1970-01-02.0", "1970-01-03.0"];
    assert_eq!(names("segments"), segments.map(|name| format!("segments/{name}")));
    assert_eq!(names("wal").len(), 2, "a checkpoint, and what came after it");
    assert_eq!(names("quarantine"), Vec::<String>::new());
}
