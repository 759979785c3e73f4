//! What fails, and what happens while files are written.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use assurance_metrics_model::{Appender as _, Duration};
use assurance_storage::{
    AppendFile, Crashing, Entry, Fault, LockGuard, Memory, Operation, Plan, Storage, StorageError,
    StorageErrorKind, Survival,
};
use assurance_tsdb::{Config, FaultKind, Store};

use super::{content, copy, open, open_with};
use crate::{at, put, series};

const DAY: i64 = 86_400;

#[test]
fn a_log_file_that_failed_is_not_written_to_again_and_another_is_begun_at_once() {
    for fault in [Fault::NoSpace, Fault::Io, Fault::ShortWrite] {
        let files = Crashing::counting();
        let (store, _) = open(&files);
        put(&store, &series("m", "a"), &[(1, 1.0)]);
        files.replan(Plan::new(files.steps() + 1, fault));
        put(&store, &series("m", "a"), &[(2, 2.0)]);
        let after_fault = files.list("wal").expect("it lists");
        put(&store, &series("m", "a"), &[(3, 3.0)]);
        let refused = store.sync().expect_err("a sample is in memory only");
        assert_eq!((refused.kind, refused.since), (FaultKind::Log, at(2)), "{fault:?}");
        let logs = files.list("wal").expect("it lists");
        assert_eq!((&logs[..1], logs.len()), (&after_fault[..], 2), "{fault:?}");
        assert_eq!(store.faults(), [refused]);
        assert_eq!(content(&store)[0].1.len(), 3, "memory has all");
        let (cut_off, _) = open(&files.after_crash(Survival::Synced));
        let times: Vec<_> = content(&cut_off)[0].1.iter().map(|(at, _)| *at).collect();
        assert_eq!(times, [1000, 3000], "{fault:?}: what came before and after is durable");
        let done = store.maintain(at(60));
        assert_eq!((done.is_checkpointed, done.faults), (true, Vec::new()));
        assert!(store.sync().is_ok());
        put(&store, &series("m", "a"), &[(70, 4.0)]);
        assert!(store.sync().is_ok());
        let (after, recovery) = open(&files.after_crash(Survival::Synced));
        assert!(recovery.is_clean(), "{recovery:?}");
        assert_eq!(content(&after), content(&store));
    }
}

/// Files on a device that is full until somebody makes room.
#[derive(Clone, Debug, Default)]
struct Full {
    files: Memory,
    is_full: Arc<AtomicBool>,
}

impl Full {
    fn set(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    fn check(&self, operation: Operation, name: &str) -> Result<(), StorageError> {
        let is_full = self.is_full.load(Ordering::Relaxed);
        let full = || Err(StorageError::new(operation, name, StorageErrorKind::NoSpace));
        if is_full { full() } else { Ok(()) }
    }
}

#[derive(Debug)]
struct FullFile(Full, String, Box<dyn AppendFile>);

impl AppendFile for FullFile {
    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.0.check(Operation::Append, &self.1)?;
        self.2.append(bytes)
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.2.sync()
    }

    fn truncate(&mut self, bytes: u64) -> Result<(), StorageError> {
        self.2.truncate(bytes)
    }

    fn bytes(&self) -> u64 {
        self.2.bytes()
    }
}

impl Storage for Full {
    fn open_append(&self, name: &str) -> Result<Box<dyn AppendFile>, StorageError> {
        // As on a real device: there is room for a name, and none for bytes.
        Ok(Box::new(FullFile(self.clone(), name.to_owned(), self.files.open_append(name)?)))
    }

    fn publish(&self, name: &str, content: &mut dyn Read) -> Result<(), StorageError> {
        self.check(Operation::Publish, name)?;
        self.files.publish(name, content)
    }

    fn replace(&self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        self.check(Operation::Replace, name)?;
        self.files.replace(name, content)
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        self.files.read(name, max_bytes)
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        self.files.read_at(name, offset, buffer)
    }

    fn list(&self, directory: &str) -> Result<Vec<Entry>, StorageError> {
        self.files.list(directory)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.files.remove(name)
    }

    fn lock(&self, name: &str) -> Result<Box<dyn LockGuard>, StorageError> {
        self.files.lock(name)
    }
}

#[test]
fn a_full_device_costs_nothing_once_there_is_room_again() {
    let device = Full::default();
    let (store, _) = open(&device);
    put(&store, &series("m", "a"), &[(1, 1.0)]);
    device.set(true);
    for minute in 1..=1000 {
        put(&store, &series("m", "a"), &[(minute * 60, minute as f64)]);
        put(&store, &series("m", "b"), &[(minute * 60, minute as f64)]);
        let done = store.maintain(at(minute * 60));
        let [fault] = &done.faults[..] else { panic!("one fault: {:?}", done.faults) };
        assert_eq!((fault.kind, fault.since, fault.is_full), (FaultKind::Log, at(60), true));
    }
    assert_eq!(device.list("wal").expect("it lists").len(), 1, "no heap of empty files");
    device.set(false);
    let done = store.maintain(at(60_060));
    assert_eq!((done.is_checkpointed, done.faults), (true, Vec::new()));
    assert!(store.sync().is_ok());
    put(&store, &series("m", "a"), &[(60_061, 2.0)]);
    let (after, recovery) = open(&copy(&device));
    assert!(recovery.is_clean(), "{recovery:?}");
    assert_eq!(content(&after), content(&store));
    assert_eq!(content(&after)[1].1.len(), 1000);
}

#[test]
fn a_file_whose_sync_failed_is_given_up_with_what_it_lost() {
    let files = Crashing::counting();
    let (store, _) = open(&files);
    put(&store, &series("m", "a"), &[(1, 1.0)]);
    files.replan(Plan::new(files.steps() + 1, Fault::Io));
    assert_eq!(store.sync().expect_err("it failed").since, at(1));
    assert!(store.sync().is_err(), "it is not tried again");
    put(&store, &series("m", "a"), &[(2, 2.0)]);
    assert_eq!(content(&open(&files.after_crash(Survival::Synced)).0), []);
    store.maintain(at(3));
    assert!(store.sync().is_ok());
    assert_eq!(content(&open(&files.after_crash(Survival::Synced)).0), content(&store));
}

type Hook = Box<dyn FnOnce(&Store) + Send>;

/// Files that do something while one is being published.
#[derive(Clone, Default)]
struct Interrupting {
    files: Memory,
    store: Arc<OnceLock<Arc<Store>>>,
    /// What to do, and the directory whose publishing it interrupts.
    hook: Arc<Mutex<Option<(&'static str, Hook)>>>,
}

impl std::fmt::Debug for Interrupting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interrupting")
    }
}

impl Storage for Interrupting {
    fn publish(&self, name: &str, content: &mut dyn Read) -> Result<(), StorageError> {
        self.files.publish(name, content)?;
        let mut hook = self.hook.lock().expect("nobody panics");
        if hook.as_ref().is_some_and(|(directory, _)| name.starts_with(directory))
            && let (Some((_, run)), Some(store)) = (hook.take(), self.store.get())
        {
            run(store);
        }
        Ok(())
    }

    fn open_append(&self, name: &str) -> Result<Box<dyn AppendFile>, StorageError> {
        self.files.open_append(name)
    }

    fn replace(&self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        self.files.replace(name, content)
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        self.files.read(name, max_bytes)
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        self.files.read_at(name, offset, buffer)
    }

    fn list(&self, directory: &str) -> Result<Vec<Entry>, StorageError> {
        self.files.list(directory)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.files.remove(name)
    }

    fn lock(&self, name: &str) -> Result<Box<dyn LockGuard>, StorageError> {
        self.files.lock(name)
    }
}

#[test]
fn samples_that_come_while_a_day_is_written_are_kept() {
    for directory in ["segments", "wal"] {
        let files = Interrupting::default();
        let mut config = Config::default();
        config.out_of_order_window = Duration::from_secs(2 * DAY);
        let (store, _) = Store::open(config.clone(), Arc::new(files.clone())).expect("no files yet");
        let store = Arc::new(store);
        files.store.set(Arc::clone(&store)).expect("once");
        for n in 0..300 {
            put(&store, &series("m", "a"), &[(600 * n, n as f64)]);
        }
        let hook: Hook = Box::new(|store: &Store| {
            put(store, &series("m", "a"), &[(4 * DAY, 1.0)]);
            put(store, &series("m", "a"), &[(3 * DAY, 5.0), (3 * DAY + 1, 5.5)]);
            let mut appender = store.appender();
            appender
                .append(None, &series("m", "b"), at(90), 7.0.into())
                .expect("a new series may begin early");
            appender.commit();
        });
        *files.hook.lock().expect("nobody panics") = Some((directory, hook));
        put(&store, &series("m", "a"), &[(2 * DAY + 60, 9.0)]);
        assert_eq!(store.maintain(at(4 * DAY + 700)).faults, []);
        assert!(files.hook.lock().expect("nobody panics").is_none(), "it came meanwhile");
        let before = content(&store);
        assert_eq!(before.iter().map(|(_, samples)| samples.len()).sum::<usize>(), 305, "{directory}");
        let (again, _) = open_with(config, &copy(&files));
        assert_eq!(content(&again), before, "{directory}");
        assert_eq!(store.maintain(at(9 * DAY)).faults, []);
        assert_eq!(content(&store), before);
    }
}

#[test]
fn a_late_sample_for_a_day_that_is_being_written_is_not_dropped_with_it() {
    let files = Interrupting::default();
    let mut config = Config::default();
    config.out_of_order_window = Duration::from_secs(DAY);
    let (store, _) = Store::open(config, Arc::new(files.clone())).expect("no files yet");
    let store = Arc::new(store);
    files.store.set(Arc::clone(&store)).expect("once");
    put(&store, &series("m", "a"), &[(0, 1.0), (600, 2.0), (DAY - 1, 3.0)]);
    let hook: Hook = Box::new(|store: &Store| put(store, &series("m", "a"), &[(300, 1.5)]));
    *files.hook.lock().expect("nobody panics") = Some(("segments", hook));
    assert_eq!(store.maintain(at(3 * DAY)).sealed, ["segments/1970-01-01.0"]);
    let times: Vec<i64> = content(&store)[0].1.iter().map(|(at, _)| at / 1000).collect();
    assert_eq!(times, [0, 300, 600, DAY - 1]);
    // It is written with the next day that is over.
    put(&store, &series("m", "b"), &[(3 * DAY, 1.0)]);
    assert_eq!(store.maintain(at(5 * DAY)).sealed, ["segments/1970-01-01.1", "segments/1970-01-04.0"]);
    assert_eq!(store.stats().samples, 5, "nothing twice");
}
