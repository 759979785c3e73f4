//! What is in memory as one file of the log, in place of all files before it.

use std::io::{self, Read};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use assurance_storage::StorageError;

use crate::durable::Durable;
use crate::faults::FaultKind;
use crate::series::{Entry, Mark};
use crate::store::Store;
use crate::wal::frame::{Kind, begin, finish, header};
use crate::wal::record::put_chunks;
use crate::wal::{DIRECTORY, file_name, file_number};

/// Bytes of series that a record takes before the next one begins: what is lost at most when a bit flips.
const RECORD_BYTES: usize = 256 << 10;

/// What there was of each series at one moment; copied when its turn comes.
type Snapshot = Vec<(Arc<Entry>, Mark)>;

impl Store {
    /// Writes what is in memory to a file, lets commits go on in a file after it: those before it are superfluous.
    pub(crate) fn checkpoint(&self, durable: &Durable) -> Result<(), StorageError> {
        let number = durable.log().restart();
        // Whatever is in the files before this one is visible: commits hold the log until they are.
        let mut content = Content::new(self.whole());
        durable.storage.publish(&file_name(number), &mut content)?;
        durable.checkpoint_bytes.store(content.bytes, Ordering::Relaxed);
        durable.faults().clear(FaultKind::Checkpoint);
        let log = durable.log();
        if !log.is_missing_some() {
            durable.faults().clear(FaultKind::Log);
        }
        durable.checkpoint.store(number, Ordering::Relaxed);
        Ok(())
    }

    /// All chunks, at a moment between two commits.
    fn whole(&self) -> Snapshot {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let _commits = self.commits.read().unwrap_or_else(PoisonError::into_inner);
        index.iter().map(|entry| (Arc::clone(entry), entry.state().mark())).collect()
    }
}

impl Durable {
    /// Removes log files that say what the newest checkpoint says.
    pub(crate) fn remove_superfluous_log(&self) -> Result<(), StorageError> {
        let checkpoint = self.checkpoint.load(Ordering::Relaxed);
        if checkpoint == 0 {
            return Ok(());
        }
        let files = self.storage.list(DIRECTORY)?;
        let is_before = |name: &str| file_number(name).is_some_and(|number| number < checkpoint);
        files.iter().filter(|file| is_before(&file.name)).try_for_each(|file| self.storage.remove(&file.name))
    }
}

/// The bytes of a checkpoint, made while they are read.
struct Content {
    series: std::vec::IntoIter<(Arc<Entry>, Mark)>,
    buffer: Vec<u8>,
    at: usize,
    /// Bytes given so far.
    bytes: u64,
}

impl Content {
    fn new(series: Snapshot) -> Self {
        Self { series: series.into_iter(), buffer: header().to_vec(), at: 0, bytes: 0 }
    }

    /// Makes the next record; leaves the buffer empty after the last one.
    fn next_record(&mut self) -> io::Result<()> {
        self.buffer.clear();
        self.at = 0;
        let start = begin(&mut self.buffer, Kind::Chunks);
        let empty = self.buffer.len();
        for (entry, mark) in self.series.by_ref() {
            let chunks = entry.state().chunks_at(mark);
            if chunks.is_empty() {
                continue;
            }
            put_chunks(&mut self.buffer, &entry.labels, &chunks);
            if self.buffer.len() >= RECORD_BYTES {
                break;
            }
        }
        if self.buffer.len() == empty {
            self.buffer.clear();
        } else if !finish(&mut self.buffer, start) {
            return Err(io::Error::other("a series takes more than 4 GiB"));
        }
        Ok(())
    }
}

impl Read for Content {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.buffer.len() {
            self.next_record()?;
        }
        let count = into.len().min(self.buffer.len() - self.at);
        into[..count].copy_from_slice(&self.buffer[self.at..self.at + count]);
        self.at += count;
        self.bytes += count as u64;
        Ok(count)
    }
}
