//! Several threads find what one finds, in the same order, whichever of them is done first.

use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex};

use assurance_evidence::audit::{self, Options, Progress, Report};
use assurance_storage::{
    AppendFile, Entry, LockGuard, Memory, Operation, Storage, StorageError, StorageErrorKind,
};

use crate::rig::Rig;

const DAYS: [&str; 6] = ["2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05", "2026-01-06", "2026-01-07"];

/// The events of the first day are read only once those of another were asked for, and some cannot be read at all.
#[derive(Debug)]
struct Late {
    memory: Memory,
    first: String,
    other: String,
    unreadable: Vec<String>,
    asked: Mutex<bool>,
    now: Condvar,
}

impl Late {
    fn new(memory: &Memory, other: &str, unreadable: &[&str]) -> Self {
        let plain = |day: &str| format!("hot/audit-{day}.jsonl");
        Self {
            memory: memory.clone(),
            first: plain(DAYS[0]),
            other: plain(other),
            unreadable: unreadable.iter().map(|day| plain(day)).collect(),
            asked: Mutex::new(false),
            now: Condvar::new(),
        }
    }

    fn verify(&self, options: &Options) -> (Result<Report, String>, Vec<Progress>) {
        // One thread would wait for ever.
        *self.asked.lock().expect("no panic") = options.threads == 1;
        let mut progress = Vec::new();
        let report = audit::verify(self, options, &mut |at| progress.push(at));
        (report.map_err(|error| error.to_string()), progress)
    }
}

impl Storage for Late {
    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        let mut asked = self.asked.lock().expect("no panic");
        if name == self.other {
            *asked = true;
            self.now.notify_all();
        }
        while name == self.first && !*asked {
            asked = self.now.wait(asked).expect("no panic");
        }
        drop(asked);
        if self.unreadable.iter().any(|unreadable| unreadable == name) {
            let kind = StorageErrorKind::Content(io::Error::other("unreadable"));
            return Err(StorageError::new(Operation::Read, name, kind));
        }
        self.memory.read_at(name, offset, buffer)
    }

    fn publish(&self, name: &str, content: &mut dyn Read) -> Result<(), StorageError> {
        self.memory.publish(name, content)
    }

    fn open_append(&self, name: &str) -> Result<Box<dyn AppendFile>, StorageError> {
        self.memory.open_append(name)
    }

    fn replace(&self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        self.memory.replace(name, content)
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        self.memory.read(name, max_bytes)
    }

    fn list(&self, directory: &str) -> Result<Vec<Entry>, StorageError> {
        self.memory.list(directory)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.memory.remove(name)
    }

    fn lock(&self, name: &str) -> Result<Box<dyn LockGuard>, StorageError> {
        self.memory.lock(name)
    }
}

/// Six days with something wrong in each.
fn archive() -> (Memory, Options) {
    let memory = Memory::new();
    let mut rig = Rig::new(Arc::new(memory.clone()));
    for events in [30, 2, 0, 1, 5, 3] {
        rig.day(events);
    }
    for day in DAYS {
        for (name, content) in [
            (format!("hot/audit-{day}.jsonl.sha256"), None),
            (format!("cold/audit-{day}.leaves"), Some("other")),
            (format!("cold/audit-{day}.facts.jsonl.zst"), Some("none")),
        ] {
            memory.remove(&name).expect("there");
            if let Some(content) = content {
                memory.publish(&name, &mut content.as_bytes()).expect("removed");
            }
        }
    }
    (memory, rig.options())
}

#[test]
fn days_that_are_done_early_are_told_in_their_order() {
    let (memory, mut options) = archive();
    let (alone, steps) = Late::new(&memory, DAYS[2], &[]).verify(&options);
    let report = alone.as_ref().expect("readable");
    assert!(report.findings.len() >= 3 * DAYS.len(), "{:?}", report.findings);
    let done: Vec<u64> = steps.iter().map(|progress| progress.days).collect();
    assert_eq!(done, [0, 1, 2, 3, 4, 5, 6]);
    // The first day waits until the second is done and the third is begun.
    for threads in [2, 3, 100] {
        options.threads = threads;
        let (several, same) = Late::new(&memory, DAYS[2], &[]).verify(&options);
        assert_eq!(several, alone, "{threads} threads");
        assert_eq!(same, steps, "{threads} threads");
    }
}

#[test]
fn of_several_failures_the_first_days_is_told() {
    let (memory, mut options) = archive();
    let unreadable = [DAYS[0], DAYS[3]];
    let (alone, _) = Late::new(&memory, DAYS[3], &unreadable).verify(&options);
    assert!(alone.as_ref().is_err_and(|error| error.contains(DAYS[0])), "{alone:?}");
    for threads in [2, 3, 100] {
        options.threads = threads;
        let (several, _) = Late::new(&memory, DAYS[3], &unreadable).verify(&options);
        assert_eq!(several, alone, "{threads} threads");
    }
}
