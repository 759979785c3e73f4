use std::os::fd::OwnedFd;

use assurance_storage::{AppendFile, Operation, StorageError, StorageErrorKind};

use crate::system;

/// A file open for appending.
#[derive(Debug)]
pub(crate) struct DiskFile {
    pub(crate) path: String,
    pub(crate) fd: OwnedFd,
    /// Its directory, until the first sync has made the name durable.
    pub(crate) directory: Option<OwnedFd>,
    pub(crate) bytes: u64,
    pub(crate) poisoned: bool,
}

impl DiskFile {
    fn error(&self, operation: Operation, kind: StorageErrorKind) -> StorageError {
        StorageError::new(operation, &self.path, kind)
    }

    fn usable(&self, operation: Operation) -> Result<(), StorageError> {
        if self.poisoned { Err(self.error(operation, StorageErrorKind::Poisoned)) } else { Ok(()) }
    }
}

impl AppendFile for DiskFile {
    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.usable(Operation::Append)?;
        match system::write_all(&self.fd, bytes) {
            Ok(()) => {
                self.bytes += bytes.len() as u64;
                Ok(())
            }
            Err((written, kind)) => {
                self.bytes += written;
                Err(self.error(Operation::Append, kind))
            }
        }
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.usable(Operation::Sync)?;
        let directory = self.directory.take();
        system::sync(&self.fd).and_then(|()| directory.map_or(Ok(()), system::sync)).map_err(|kind| {
            self.poisoned = true;
            self.error(Operation::Sync, kind)
        })
    }

    fn truncate(&mut self, bytes: u64) -> Result<(), StorageError> {
        let operation = Operation::Truncate;
        self.usable(operation)?;
        if bytes > self.bytes {
            let kind = StorageErrorKind::TooShort { bytes: self.bytes, wanted: bytes };
            return Err(self.error(operation, kind));
        }
        rustix::fs::ftruncate(&self.fd, bytes).map_err(|errno| self.error(operation, system::kind(errno)))?;
        self.bytes = bytes;
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }
}
