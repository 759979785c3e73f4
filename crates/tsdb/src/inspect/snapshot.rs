//! A copy of a store that another process may be writing to.

use std::io;

use assurance_storage::{Operation, Reader, Storage, StorageError, StorageErrorKind};

use super::{FindingKind, Inspection, LogKind, MAX_TRIES};
use crate::segment::parse_name;
use crate::wal::DIRECTORY as LOG;

/// Puts the file of this name into the copy without copying its bytes, which nobody changes any more; `false`
/// where that cannot be done, and they are copied.
pub type Link<'l> = dyn FnMut(&str) -> Result<bool, StorageError> + 'l;

/// What [`Inspection::snapshot`] copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Files that are linked: their bytes are shared with the store.
    pub linked: usize,
    /// Files that are copied.
    pub copied: usize,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Bytes at the ends of log files that are left out: a record that was not whole yet.
    pub torn: u64,
    /// How often the log was copied anew because a checkpoint replaced it meanwhile.
    pub retries: usize,
}

impl Inspection {
    /// Copies the store into `to`, which is empty: every sample that was committed before the call is in the
    /// copy, unless retention removes it meanwhile. Segments and checkpoints are linked, log files are copied to
    /// the end of their last whole record. Without `with_log`, segments alone.
    ///
    /// The log comes first, all of it as it is at one moment: what it does not have any more is in a segment, and
    /// those are looked for afterwards.
    ///
    /// # Errors
    /// If a file cannot be read, linked or written. What is in `to` then is of no use.
    pub fn snapshot(
        &self,
        to: &dyn Storage,
        with_log: bool,
        link: &mut Link<'_>,
    ) -> Result<Snapshot, StorageError> {
        let mut snapshot = Snapshot::default();
        if with_log {
            self.snapshot_log(to, link, &mut snapshot)?;
        }
        for _ in 0..MAX_TRIES {
            let held = to.list(crate::segment::DIRECTORY)?;
            let is_new = |name: &str| held.iter().all(|file| file.name != name);
            let mut all = self.segment_files()?;
            all.retain(|file| parse_name(&file.name).is_some() && is_new(&file.name));
            if all.is_empty() {
                return Ok(snapshot);
            }
            for file in all {
                match self.put(&file.name, to, link, &mut snapshot) {
                    Ok(()) => snapshot.bytes += file.bytes,
                    // Removed by retention meanwhile.
                    Err(error) if error.is_not_found() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Err(busy(crate::segment::DIRECTORY))
    }

    fn snapshot_log(
        &self,
        to: &dyn Storage,
        link: &mut Link<'_>,
        snapshot: &mut Snapshot,
    ) -> Result<(), StorageError> {
        let names = || -> Result<Vec<String>, StorageError> {
            Ok(self.log_files()?.into_iter().map(|file| file.name).collect())
        };
        for _ in 0..MAX_TRIES {
            let before = names()?;
            let mut copied = snapshot.clone();
            let outcome = before.iter().enumerate().try_for_each(|(place, name)| {
                self.copy_log(name, place + 1 == before.len(), to, link, &mut copied)
            });
            match outcome {
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
                // Nothing came and nothing went: this is all there was when it was listed.
                Ok(()) if names()? == before => {
                    *snapshot = copied;
                    return Ok(());
                }
                Ok(()) => {}
            }
            snapshot.retries += 1;
            for file in to.list(LOG)? {
                to.remove(&file.name)?;
            }
        }
        Err(busy(LOG))
    }

    fn copy_log(
        &self,
        name: &str,
        is_newest: bool,
        to: &dyn Storage,
        link: &mut Link<'_>,
        snapshot: &mut Snapshot,
    ) -> Result<(), StorageError> {
        let (log, bytes) = self.read_log(name, is_newest)?;
        if log
            .findings
            .iter()
            .any(|finding| matches!(finding.kind, FindingKind::Foreign | FindingKind::Version))
        {
            let kind =
                StorageErrorKind::Io(io::Error::other("not a file of this store, or of another version"));
            return Err(StorageError::new(Operation::Read, name, kind));
        }
        // A start cuts off what is damaged at the end of a file: of the copy, and not of the store's own.
        let is_final = log.info.kind == LogKind::Checkpoint && log.findings.is_empty();
        if is_final && link(name)? {
            snapshot.linked += 1;
        } else {
            to.publish(name, &mut &bytes[..log.whole])?;
            snapshot.copied += 1;
        }
        snapshot.bytes += log.whole as u64;
        snapshot.torn += (bytes.len() - log.whole) as u64;
        Ok(())
    }

    /// Links a file that does not change any more, or copies it.
    fn put(
        &self,
        name: &str,
        to: &dyn Storage,
        link: &mut Link<'_>,
        snapshot: &mut Snapshot,
    ) -> Result<(), StorageError> {
        if link(name)? {
            snapshot.linked += 1;
            return Ok(());
        }
        match to.publish(name, &mut Reader::new(&*self.storage, name)) {
            Ok(()) => {
                snapshot.copied += 1;
                Ok(())
            }
            // What stopped the copy may be that the file is gone, or that it goes while it is copied.
            Err(_) if !self.segment_files()?.iter().any(|file| file.name == name) => {
                Err(StorageError::new(Operation::Read, name, StorageErrorKind::NotFound))
            }
            Err(error) => Err(error),
        }
    }
}

fn busy(name: &str) -> StorageError {
    let error = io::Error::other("files come and go faster than they can be copied; try again");
    StorageError::new(Operation::Read, name, StorageErrorKind::Io(error))
}
