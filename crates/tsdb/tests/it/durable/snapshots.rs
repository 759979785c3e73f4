//! Copies of a store that is written to: whatever happens meanwhile, they hold what was there when they began.

use std::io::Read;
use std::sync::{Arc, Mutex};

use assurance_metrics_model::TimeRange;
use assurance_storage::{AppendFile, Entry, LockGuard, Memory, Storage, StorageError};
use assurance_tsdb::inspect::{Inspection, Snapshot};
use assurance_tsdb::{Config, Store};

use super::{Content, content, open, open_with};
use crate::{at, put, series};

/// A store that goes on while its files are read: each time a reader comes, it does the next of its deeds.
#[derive(Debug)]
struct Busy {
    files: Memory,
    store: Store,
    /// Readers that come before the deeds begin, and those that came.
    steps: Mutex<(u32, u32)>,
    deeds: fn(&Store, u32),
}

impl Busy {
    fn step(&self) {
        let mut steps = self.steps.lock().expect("deeds do not fail");
        if steps.1 >= steps.0 {
            (self.deeds)(&self.store, steps.1 - steps.0);
        }
        steps.1 += 1;
    }
}

impl Storage for Busy {
    fn open_append(&self, name: &str) -> Result<Box<dyn AppendFile>, StorageError> {
        self.files.open_append(name)
    }
    fn publish(&self, name: &str, content: &mut dyn Read) -> Result<(), StorageError> {
        self.files.publish(name, content)
    }
    fn replace(&self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        self.files.replace(name, content)
    }
    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        self.step();
        self.files.read(name, max_bytes)
    }
    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        self.step();
        self.files.read_at(name, offset, buffer)
    }
    fn list(&self, directory: &str) -> Result<Vec<Entry>, StorageError> {
        self.step();
        self.files.list(directory)
    }
    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.files.remove(name)
    }
    fn lock(&self, name: &str) -> Result<Box<dyn LockGuard>, StorageError> {
        self.files.lock(name)
    }
}

/// A store with a finished day, a day that could be finished, and a log.
fn busy(wait: u32, deeds: fn(&Store, u32)) -> (Arc<Busy>, Content) {
    let files = Memory::new();
    let (store, _) = open(&files);
    for n in 0..61_i64 {
        put(&store, &series("up", "a"), &[(1440 * n, n as f64)]);
        put(&store, &series("up", "b"), &[(1440 * n, 0.5)]);
    }
    assert_eq!(store.maintain(at(86_400 + 700)).sealed.len(), 1);
    for n in 120..130_i64 {
        put(&store, &series("up", "a"), &[(1440 * n, n as f64)]);
    }
    let before = content(&store);
    (Arc::new(Busy { files, store, steps: Mutex::new((wait, 0)), deeds }), before)
}

fn snapshot(busy: &Arc<Busy>) -> (Memory, Snapshot) {
    let to = Memory::new();
    let inspection = Inspection::new(Arc::clone(busy) as Arc<dyn Storage>);
    let snapshot = inspection.snapshot(&to, true, &mut |_| Ok(false)).expect("memory can be read");
    (to, snapshot)
}

/// Everything of `before` is in the copy, and the copy is sound.
fn holds(copy: &Memory, before: &Content) -> Content {
    let (store, recovery) = open(copy);
    assert!(recovery.is_clean(), "{recovery:?}");
    let found = content(&store);
    for (labels, samples) in before {
        let held = found.iter().find(|(l, _)| l == labels).map(|(_, held)| held);
        let held = held.unwrap_or_else(|| panic!("{labels} is missing"));
        assert!(samples.iter().all(|sample| held.contains(sample)), "{labels}: {held:?}");
    }
    found
}

#[test]
fn a_copy_of_a_store_that_rests_is_the_store() {
    let (busy, before) = busy(u32::MAX, |_, _| {});
    let (copy, snapshot) = snapshot(&busy);
    assert_eq!(holds(&copy, &before), before);
    assert_eq!((snapshot.copied, snapshot.linked, snapshot.retries, snapshot.torn), (3, 0, 0, 0));
    for directory in ["wal", "segments"] {
        for file in copy.list(directory).expect("it lists") {
            let of = |files: &Memory| files.read(&file.name, u64::MAX).expect("both have it");
            assert_eq!(of(&copy), of(&busy.files), "{}", file.name);
        }
    }
}

/// At whatever moment of the copy the store seals a day, makes its checkpoint and removes its log: nothing that
/// was there before is missing.
#[test]
fn a_copy_during_maintenance_misses_nothing() {
    let mut retried = 0;
    for wait in 0.. {
        let (busy, before) = busy(wait, |store, deed| {
            if deed == 0 {
                put(store, &series("up", "late"), &[(200_000, 1.0)]);
                assert_eq!(
                    store.maintain(at(3 * 86_400 + 700)).sealed.len(),
                    2,
                    "sealed, and the log replaced"
                );
            }
        });
        let (copy, snapshot) = snapshot(&busy);
        holds(&copy, &before);
        retried += snapshot.retries;
        let steps = *busy.steps.lock().expect("deeds do not fail");
        if steps.1 <= wait {
            assert!(wait > 5, "there were some moments: {wait}");
            break;
        }
    }
    assert!(retried > 0, "the log went while it was copied");
}

/// The same where samples are committed at every step, and a checkpoint made at every third of the first ones.
#[test]
fn a_copy_of_a_store_that_never_rests_is_one_moment_of_it() {
    for wait in 0..12 {
        let (busy, before) = busy(wait, |store, deed| {
            let n = 131 + i64::from(deed);
            put(store, &series("up", "a"), &[(1440 * n, 1.0)]);
            put(store, &series("up", "b"), &[(1440 * n, 1.0)]);
            if deed < 9 && deed % 3 == 0 {
                store.maintain(at(1440 * n));
            }
        });
        let (copy, _) = snapshot(&busy);
        let found = holds(&copy, &before);
        let last = |instance: &str| {
            let labels = series("up", instance).to_string();
            let found = found.iter().find(|(l, _)| *l == labels);
            found.and_then(|(_, samples)| samples.last()).map_or(0, |(at, _)| *at)
        };
        // No commit without the one before it: b's last sample is never newer than a's.
        assert!(last("a") >= last("b"), "{found:?}");
    }
}

#[test]
fn what_retention_removes_meanwhile_is_no_fault() {
    for wait in 0..12 {
        let (busy, _) = busy(wait, |store, deed| {
            if deed == 0 {
                store.maintain(at(400 * 86_400));
            }
        });
        put(&busy.store, &series("up", "a"), &[(399 * 86_400, 1.0)]);
        let (copy, _) = snapshot(&busy);
        let (store, recovery) = open_with(Config::default(), &copy);
        assert!(recovery.is_clean(), "{wait}: {recovery:?}");
        let found = content(&store);
        let last = found.iter().flat_map(|(_, samples)| samples).map(|(at, _)| *at).max();
        assert_eq!(last, Some(399 * 86_400_000), "{wait}: {found:?}");
    }
}

/// A directory that is changed while it is listed: what comes and goes meanwhile may be in the list or not.
#[derive(Debug)]
struct Hasty {
    files: Memory,
    /// How many listings are such, and how many were made.
    hasty: u32,
    listings: Mutex<u32>,
}

impl Storage for Hasty {
    fn open_append(&self, name: &str) -> Result<Box<dyn AppendFile>, StorageError> {
        self.files.open_append(name)
    }
    fn publish(&self, name: &str, content: &mut dyn Read) -> Result<(), StorageError> {
        self.files.publish(name, content)
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
        let mut found = self.files.list(directory)?;
        let mut listings = self.listings.lock().expect("nothing fails meanwhile");
        if directory == "wal" {
            // The checkpoint came behind the reader, and what it replaced went before it was reached.
            *listings += 1;
            found.retain(|file| *listings > self.hasty || !file.name.ends_with('1'));
        }
        Ok(found)
    }
    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.files.remove(name)
    }
    fn lock(&self, name: &str) -> Result<Box<dyn LockGuard>, StorageError> {
        self.files.lock(name)
    }
}

#[test]
fn a_listing_that_misses_a_checkpoint_is_not_relied_on() {
    let (busy, _) = busy(u32::MAX, |_, _| {});
    put(&busy.store, &series("up", "a"), &[(190_000, 1.0)]);
    let before = content(&busy.store);
    let names: Vec<String> = busy.files.list("wal").expect("it lists").into_iter().map(|f| f.name).collect();
    assert_eq!(names, ["wal/00000001", "wal/00000002"]);
    let files = |hasty| Arc::new(Hasty { files: busy.files.clone(), hasty, listings: Mutex::default() });
    let to = Memory::new();
    let snapshot =
        Inspection::new(files(1)).snapshot(&to, true, &mut |_| Ok(false)).expect("memory can be read");
    assert_eq!(snapshot.retries, 1);
    assert_eq!(holds(&to, &before), before);
    let mut samples = 0;
    // The log is listed before it is read, for being read, and after.
    let dumped = Inspection::new(files(2)).dump(&[], TimeRange::ALL, &mut |_, column| {
        samples += column.len();
        Ok(())
    });
    assert!(dumped.expect("memory can be read").findings.is_empty());
    assert_eq!(samples, before.iter().map(|(_, samples)| samples.len()).sum::<usize>());
}

#[test]
fn a_record_that_is_being_written_is_left_out_of_the_copy_alone() {
    let (busy, before) = busy(u32::MAX, |_, _| {});
    let newest = busy.files.list("wal").expect("it lists").pop().expect("there is a log").name;
    let mut bytes = busy.files.read(&newest, u64::MAX).expect("it is there");
    bytes.extend_from_slice(&[200, 0, 0, 0, 1, 2, 3]);
    busy.files.replace(&newest, &bytes).expect("memory writes");
    let (copy, snapshot) = snapshot(&busy);
    assert_eq!(snapshot.torn, 7);
    assert_eq!(holds(&copy, &before), before);
    assert_eq!(busy.files.read(&newest, u64::MAX).expect("it is there"), bytes);
}
