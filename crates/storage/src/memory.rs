use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::crashing::{Control, Fault, Stop, Survival};
use crate::{
    AppendFile, Entry, LockGuard, Operation, Storage, StorageError, StorageErrorKind, check_directory,
    check_name,
};

/// A [`Storage`] in memory, for simulations and tests. Clones share the same files.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    image: Arc<Mutex<Image>>,
}

/// The files, as running programs see them and as they would be after a power cut.
#[derive(Debug, Default)]
struct Image {
    /// Names as programs see them, and the file each names.
    live: BTreeMap<String, Node>,
    /// Names as they are on the disk.
    durable: BTreeMap<String, Node>,
    locks: BTreeSet<String>,
    control: Control,
}

/// A file's content, shared by the names that point to it and by open handles.
type Node = Arc<Mutex<Content>>;

#[derive(Debug, Default)]
struct Content {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// Bytes from here on have been written and not synced. A failed sync moves this without moving the
    /// bytes, as kernels mark pages clean whose writing failed.
    dirty_from: usize,
}

impl Content {
    fn complete(bytes: Vec<u8>) -> Self {
        Self { durable: bytes.clone(), dirty_from: bytes.len(), live: bytes }
    }

    fn sync(&mut self) {
        let from = self.dirty_from.min(self.live.len());
        self.durable.resize(from, 0);
        self.durable.extend_from_slice(&self.live[from..]);
        self.dirty_from = self.live.len();
    }

    fn lose_dirty(&mut self) {
        self.dirty_from = self.live.len();
    }

    fn truncate(&mut self, to: usize) {
        self.live.truncate(to);
        self.dirty_from = self.dirty_from.min(to);
    }

    fn after_crash(&self, survival: Survival, name: &str) -> Vec<u8> {
        let safe = self.dirty_from.min(self.durable.len());
        match survival {
            Survival::Synced => self.durable.clone(),
            Survival::Everything => {
                // What a failed sync lost is not coming back, whatever else survives.
                let mut bytes = self.durable[..safe].to_vec();
                bytes.resize(self.dirty_from, 0);
                bytes.extend_from_slice(&self.live[self.dirty_from..]);
                bytes
            }
            // An unsynced truncation may not have reached the disk either.
            Survival::Torn(_) if survival.choose(&format!("{name} old"), 4) == 0 => self.durable.clone(),
            Survival::Torn(_) => {
                let mut bytes = self.durable[..safe].to_vec();
                bytes.resize(self.dirty_from, 0);
                let written = &self.live[self.dirty_from..];
                let keep = survival.choose(name, written.len() as u64 + 1);
                let keep = usize::try_from(keep).unwrap_or(0);
                bytes.extend_from_slice(&written[..keep]);
                if survival.choose(&format!("{name} zeros"), 2) == 1 {
                    bytes.resize(self.live.len(), 0);
                }
                bytes
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with_control(control: Control) -> Self {
        Self { image: Arc::new(Mutex::new(Image { control, ..Image::default() })) }
    }

    /// A copy of the files as programs see them, sharing nothing with this one, and under `control`.
    pub(crate) fn copy_with_control(&self, control: Control) -> Self {
        self.copy(control, |_, node| lock(node).live.clone(), |image| image.live.clone())
    }

    /// The files as a machine finds them after a power cut now.
    pub(crate) fn after_crash(&self, survival: Survival) -> Self {
        self.copy(
            Control::default(),
            |name, node| lock(node).after_crash(survival, name),
            |image| {
                let mut names = image.durable.clone();
                for (name, node) in &image.live {
                    let same = image.durable.get(name).is_some_and(|old| Arc::ptr_eq(old, node));
                    if !same && survival.keeps_name(name) {
                        names.insert(name.clone(), node.clone());
                    }
                }
                for name in image.durable.keys() {
                    if !image.live.contains_key(name) && survival.keeps_name(name) {
                        names.remove(name);
                    }
                }
                names
            },
        )
    }

    fn copy(
        &self,
        control: Control,
        content: impl Fn(&str, &Node) -> Vec<u8>,
        names: impl Fn(&Image) -> BTreeMap<String, Node>,
    ) -> Self {
        let image = lock(&self.image);
        let files: BTreeMap<String, Node> = names(&image)
            .iter()
            .map(|(name, node)| {
                let bytes = content(name, node);
                (name.clone(), Arc::new(Mutex::new(Content::complete(bytes))))
            })
            .collect();
        // Names point to the same node in both images, so that a later change shows as a difference.
        let copy = Image { live: files.clone(), durable: files, locks: BTreeSet::new(), control };
        Self { image: Arc::new(Mutex::new(copy)) }
    }

    pub(crate) fn control<T>(&self, read: impl FnOnce(&mut Control) -> T) -> T {
        read(&mut lock(&self.image).control)
    }

    /// One step of an operation: `Ok` to go on, or the fault that is planned for it.
    fn step(&self, operation: Operation, name: &str) -> Result<(), (Stop, StorageError)> {
        self.control(Control::step).map_err(|stop| (stop, StorageError::new(operation, name, stop.to_kind())))
    }

    fn plain_step(&self, operation: Operation, name: &str) -> Result<(), StorageError> {
        self.step(operation, name).map_err(|(_, error)| error)
    }

    fn alive(&self, operation: Operation, name: &str) -> Result<(), StorageError> {
        if self.control(|control| control.is_down()) {
            return Err(StorageError::new(operation, name, StorageErrorKind::Crashed));
        }
        Ok(())
    }

    fn node(&self, operation: Operation, name: &str) -> Result<Node, StorageError> {
        check(operation, name)?;
        self.alive(operation, name)?;
        lock(&self.image)
            .live
            .get(name)
            .cloned()
            .ok_or_else(|| StorageError::new(operation, name, StorageErrorKind::NotFound))
    }
}

fn check(operation: Operation, name: &str) -> Result<(), StorageError> {
    check_name(name).map_err(|kind| StorageError::new(operation, name, kind))
}

impl Storage for Memory {
    fn open_append(&self, name: &str) -> Result<Box<dyn AppendFile>, StorageError> {
        check(Operation::Open, name)?;
        self.plain_step(Operation::Open, name)?;
        let node = lock(&self.image).live.entry(name.to_owned()).or_default().clone();
        Ok(Box::new(MemoryFile { memory: self.clone(), name: name.to_owned(), node, poisoned: false }))
    }

    fn publish(&self, name: &str, content: &mut dyn Read) -> Result<(), StorageError> {
        let operation = Operation::Publish;
        check(operation, name)?;
        if lock(&self.image).live.contains_key(name) {
            self.settle(operation, name)?;
            return Err(StorageError::new(operation, name, StorageErrorKind::AlreadyExists));
        }
        let mut bytes = Vec::new();
        content
            .read_to_end(&mut bytes)
            .map_err(|source| StorageError::new(operation, name, StorageErrorKind::Content(source)))?;
        self.plain_step(operation, name)?; // the temporary file is written
        self.plain_step(operation, name)?; // and synced
        self.plain_step(operation, name)?; // the name appears
        lock(&self.image).live.insert(name.to_owned(), Arc::new(Mutex::new(Content::complete(bytes))));
        self.settle(operation, name)
    }

    fn replace(&self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        let operation = Operation::Replace;
        check(operation, name)?;
        self.plain_step(operation, name)?; // the temporary file is written
        self.plain_step(operation, name)?; // and synced
        self.plain_step(operation, name)?; // the name moves
        let node = Arc::new(Mutex::new(Content::complete(content.to_vec())));
        lock(&self.image).live.insert(name.to_owned(), node);
        self.settle(operation, name)
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        let node = self.node(Operation::Read, name)?;
        let content = lock(&node);
        if content.live.len() as u64 > max_bytes {
            return Err(StorageError::new(Operation::Read, name, StorageErrorKind::TooLarge { max_bytes }));
        }
        Ok(content.live.clone())
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        let node = self.node(Operation::Read, name)?;
        let content = lock(&node);
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.live.len());
        let count = buffer.len().min(content.live.len() - start);
        buffer[..count].copy_from_slice(&content.live[start..start + count]);
        Ok(count)
    }

    fn list(&self, directory: &str) -> Result<Vec<Entry>, StorageError> {
        check_directory(directory).map_err(|kind| StorageError::new(Operation::List, directory, kind))?;
        self.alive(Operation::List, directory)?;
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let image = lock(&self.image);
        let files = image
            .live
            .iter()
            .filter(|(name, _)| name.strip_prefix(prefix.as_str()).is_some_and(|rest| !rest.contains('/')));
        Ok(files
            .map(|(name, node)| Entry { name: name.clone(), bytes: lock(node).live.len() as u64 })
            .collect())
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        let operation = Operation::Remove;
        check(operation, name)?;
        self.plain_step(operation, name)?;
        if lock(&self.image).live.remove(name).is_none() {
            self.settle(operation, name)?;
            return Err(StorageError::new(operation, name, StorageErrorKind::NotFound));
        }
        self.settle(operation, name)
    }

    fn lock(&self, name: &str) -> Result<Box<dyn LockGuard>, StorageError> {
        check(Operation::Lock, name)?;
        self.alive(Operation::Lock, name)?;
        if !lock(&self.image).locks.insert(name.to_owned()) {
            let kind = StorageErrorKind::Locked { holder: None };
            return Err(StorageError::new(Operation::Lock, name, kind));
        }
        Ok(Box::new(MemoryLock { memory: self.clone(), name: name.to_owned() }))
    }
}

impl Memory {
    /// The directory sync that ends an operation: the name on the disk becomes the name programs see.
    fn settle(&self, operation: Operation, name: &str) -> Result<(), StorageError> {
        self.plain_step(operation, name)?;
        self.settle_name(name);
        Ok(())
    }

    fn settle_name(&self, name: &str) {
        let mut image = lock(&self.image);
        match image.live.get(name).cloned() {
            Some(node) => image.durable.insert(name.to_owned(), node),
            None => image.durable.remove(name),
        };
    }
}

#[derive(Debug)]
struct MemoryFile {
    memory: Memory,
    name: String,
    node: Node,
    poisoned: bool,
}

impl MemoryFile {
    fn usable(&self, operation: Operation) -> Result<(), StorageError> {
        if self.poisoned {
            return Err(StorageError::new(operation, &self.name, StorageErrorKind::Poisoned));
        }
        Ok(())
    }
}

impl AppendFile for MemoryFile {
    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.usable(Operation::Append)?;
        let outcome = self.memory.step(Operation::Append, &self.name);
        let written = match &outcome {
            // A machine that stops while writing may have written any part; the survival decides.
            Ok(()) | Err((Stop::Now(Fault::Crash), _)) => bytes,
            Err((Stop::Now(Fault::ShortWrite), _)) => &bytes[..bytes.len() / 2],
            Err((Stop::Now(Fault::Io | Fault::NoSpace) | Stop::Down, _)) => &[],
        };
        lock(&self.node).live.extend_from_slice(written);
        outcome.map_err(|(_, error)| error)
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.usable(Operation::Sync)?;
        match self.memory.step(Operation::Sync, &self.name) {
            Ok(()) => {
                lock(&self.node).sync();
                self.memory.settle_name(&self.name);
                Ok(())
            }
            Err((stop, error)) => {
                self.poisoned = true;
                if !matches!(stop, Stop::Down | Stop::Now(Fault::Crash)) {
                    lock(&self.node).lose_dirty();
                }
                Err(error)
            }
        }
    }

    fn truncate(&mut self, bytes: u64) -> Result<(), StorageError> {
        let operation = Operation::Truncate;
        self.usable(operation)?;
        let length = self.bytes();
        if bytes > length {
            let kind = StorageErrorKind::TooShort { bytes: length, wanted: bytes };
            return Err(StorageError::new(operation, &self.name, kind));
        }
        self.memory.plain_step(operation, &self.name)?;
        lock(&self.node).truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
        Ok(())
    }

    fn bytes(&self) -> u64 {
        lock(&self.node).live.len() as u64
    }
}

#[derive(Debug)]
struct MemoryLock {
    memory: Memory,
    name: String,
}

impl LockGuard for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        lock(&self.memory.image).locks.remove(&self.name);
    }
}

impl Stop {
    fn to_kind(self) -> StorageErrorKind {
        match self {
            Self::Down | Self::Now(Fault::Crash) => StorageErrorKind::Crashed,
            Self::Now(Fault::Io) => StorageErrorKind::Io(io::Error::other("input/output error (simulated)")),
            Self::Now(Fault::NoSpace | Fault::ShortWrite) => StorageErrorKind::NoSpace,
        }
    }
}
