//! Files that cannot be changed: so that no mistake here changes them.

use std::io::{self, Read};
use std::sync::Arc;

use assurance_storage::{AppendFile, Entry, LockGuard, Operation, Storage, StorageError, StorageErrorKind};

#[derive(Debug)]
pub(super) struct ReadOnly(Arc<dyn Storage>);

impl ReadOnly {
    pub(super) fn new(storage: Arc<dyn Storage>) -> Self {
        Self(storage)
    }
}

fn refuse<T>(operation: Operation, name: &str) -> Result<T, StorageError> {
    let kind = StorageErrorKind::Io(io::Error::other("the files are only looked at"));
    Err(StorageError::new(operation, name, kind))
}

impl Storage for ReadOnly {
    fn open_append(&self, name: &str) -> Result<Box<dyn AppendFile>, StorageError> {
        refuse(Operation::Open, name)
    }

    fn publish(&self, name: &str, _content: &mut dyn Read) -> Result<(), StorageError> {
        refuse(Operation::Publish, name)
    }

    fn replace(&self, name: &str, _content: &[u8]) -> Result<(), StorageError> {
        refuse(Operation::Replace, name)
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        self.0.read(name, max_bytes)
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        self.0.read_at(name, offset, buffer)
    }

    fn list(&self, directory: &str) -> Result<Vec<Entry>, StorageError> {
        self.0.list(directory)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        refuse(Operation::Remove, name)
    }

    fn lock(&self, name: &str) -> Result<Box<dyn LockGuard>, StorageError> {
        refuse(Operation::Lock, name)
    }
}
