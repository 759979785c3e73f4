use std::collections::BTreeSet;
use std::io::Read;
use std::sync::{Mutex, PoisonError};

use crate::{AppendFile, Entry, LockGuard, Memory, Operation, Storage, StorageError, StorageErrorKind};

/// Shows another [`Storage`] and keeps every change in memory: for finding out what would happen.
///
/// A file that is appended to is copied first, and must not be longer than [`Overlay::MAX_COPIED_BYTES`].
#[derive(Debug)]
pub struct Overlay<S> {
    below: S,
    above: Memory,
    removed: Mutex<BTreeSet<String>>,
}

impl<S: Storage> Overlay<S> {
    /// The longest file that is copied into memory: a busy day of a million events of 500 bytes.
    pub const MAX_COPIED_BYTES: u64 = 512 * 1024 * 1024;

    /// Nothing changed yet.
    pub fn new(below: S) -> Self {
        Self { below, above: Memory::new(), removed: Mutex::default() }
    }

    fn is_removed(&self, name: &str) -> bool {
        self.removed.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// What `read` gives above, or else below where the file was not removed.
    fn either<T>(
        &self,
        name: &str,
        read: impl Fn(&dyn Storage) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        match read(&self.above) {
            Err(error) if error.is_not_found() && !self.is_removed(name) => read(&self.below),
            other => other,
        }
    }

    fn exists(&self, name: &str) -> Result<bool, StorageError> {
        match self.either(name, |storage| storage.read_at(name, 0, &mut [0])) {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl<S: Storage> Storage for Overlay<S> {
    fn open_append(&self, name: &str) -> Result<Box<dyn AppendFile>, StorageError> {
        if self.above.read_at(name, 0, &mut [0]).is_err() && !self.is_removed(name) {
            match self.below.read(name, Self::MAX_COPIED_BYTES) {
                Ok(content) => self.above.replace(name, &content)?,
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        self.above.open_append(name)
    }

    fn publish(&self, name: &str, content: &mut dyn Read) -> Result<(), StorageError> {
        if self.exists(name)? {
            return Err(StorageError::new(Operation::Publish, name, StorageErrorKind::AlreadyExists));
        }
        self.above.publish(name, content)
    }

    fn replace(&self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        self.above.replace(name, content)
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        self.either(name, |storage| storage.read(name, max_bytes))
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        match self.above.read_at(name, offset, buffer) {
            Err(error) if error.is_not_found() && !self.is_removed(name) => {
                self.below.read_at(name, offset, buffer)
            }
            other => other,
        }
    }

    fn list(&self, directory: &str) -> Result<Vec<Entry>, StorageError> {
        let mut entries = self.above.list(directory)?;
        let shown: BTreeSet<String> = entries.iter().map(|entry| entry.name.clone()).collect();
        let below = self.below.list(directory)?.into_iter();
        entries.extend(below.filter(|entry| !shown.contains(&entry.name) && !self.is_removed(&entry.name)));
        entries.sort();
        Ok(entries)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        if !self.exists(name)? {
            return Err(StorageError::new(Operation::Remove, name, StorageErrorKind::NotFound));
        }
        match self.above.remove(name) {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
        self.removed.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        Ok(())
    }

    /// Takes the lock in memory only: looking does not keep others from working.
    fn lock(&self, name: &str) -> Result<Box<dyn LockGuard>, StorageError> {
        self.above.lock(name)
    }
}
