//! The file operations that must survive a crash, as one small trait with a double that crashes at any of them.
//!
//! **In scope:** the trait [`Storage`] over relative names (append and sync, publish under a name that must
//! not exist, replace a small file, read, list, lock, remove) and what each of them promises; [`Memory`],
//! which keeps everything in memory; [`Crashing`], which keeps a live and a durable image and fails or stops
//! at a chosen step; [`Overlay`], which shows another storage and changes nothing in it; and [`crc32c`], by which damage is found.
//!
//! **Out of scope:** a real file system (`disk`), what the bytes mean (`evidence`, `tsdb`).
//!
//! ```
//! use assurance_storage::{Memory, Storage, StorageErrorKind};
//!
//! let storage = Memory::new();
//! storage.publish("hot/day.jsonl", &mut &b"{}\n"[..])?;
//! let again = storage.publish("hot/day.jsonl", &mut &b"other\n"[..]).unwrap_err();
//! assert!(matches!(again.kind, StorageErrorKind::AlreadyExists));
//! assert_eq!(storage.read("hot/day.jsonl", 1024)?, b"{}\n");
//! # Ok::<(), assurance_storage::StorageError>(())
//! ```
//!
//! **Invariants.** What was published is never overwritten. Nothing is durable before the call that says so
//! returned. A handle whose sync failed refuses every further call, because after a failed sync the kernel
//! may report pages as clean that never reached the disk.

mod checksum;
mod crashing;
mod error;
mod memory;
mod name;
mod overlay;
mod reader;

pub use checksum::{crc32c, crc32c_append};
pub use crashing::{Crashing, Fault, Plan, Survival};
pub use error::{Operation, StorageError, StorageErrorKind};
pub use memory::Memory;
pub use name::{MAX_NAME_BYTES, TEMPORARY_PREFIX, check_directory, check_name};
pub use overlay::Overlay;
pub use reader::Reader;

use std::fmt::Debug;
use std::io::Read;

/// One file of a directory listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The whole name, with the directory that was listed.
    pub name: String,
    /// Its length in bytes at the time of listing.
    pub bytes: u64,
}

/// Where files live that must survive a crash.
///
/// Names are relative, with `/` between components (see [`check_name`]); directories come into being with
/// the first file in them. "Durable" means that the effect is still there after a power cut.
///
/// A writer holds a [lock](Storage::lock) over the names it changes: the trait promises what happens at a
/// crash, not what happens between two writers.
pub trait Storage: Debug + Send + Sync {
    /// Opens a file for appending and creates it when missing. The position is the file's end.
    ///
    /// The name of a new file is durable once the first [`AppendFile::sync`] returned.
    fn open_append(&self, name: &str) -> Result<Box<dyn AppendFile>, StorageError>;

    /// Writes a complete file under a name that must not exist.
    ///
    /// On return name and content are durable. No reader ever sees a part of it: at a crash either the whole
    /// file is there or nothing. After an error the file may be there or not, but never in part.
    ///
    /// An existing name is [`StorageErrorKind::AlreadyExists`], found before `content` is read: the file stays
    /// untouched, and its name is durable on return, so that whoever was interrupted can try again, compare,
    /// and go on.
    fn publish(&self, name: &str, content: &mut dyn Read) -> Result<(), StorageError>;

    /// Puts a small file in the place of another, or creates it.
    ///
    /// On return the new content is durable. At a crash or error, either the old or the new content is there.
    fn replace(&self, name: &str, content: &[u8]) -> Result<(), StorageError>;

    /// Reads a whole file; one longer than `max_bytes` is [`StorageErrorKind::TooLarge`].
    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, StorageError>;

    /// Reads from `offset` into `buffer` and says how many bytes came; 0 at the end and beyond.
    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError>;

    /// The files directly in a directory (`""` for the root), sorted by name; empty when it does not exist.
    ///
    /// Subdirectories and left-over temporary files are not listed.
    fn list(&self, directory: &str) -> Result<Vec<Entry>, StorageError>;

    /// Removes a file; on return the removal is durable. A missing file is [`StorageErrorKind::NotFound`],
    /// and its absence is durable on return: whoever removed it may have been stopped before it was.
    fn remove(&self, name: &str) -> Result<(), StorageError>;

    /// Takes an exclusive lock, held until the guard is dropped or the process ends, however it ends.
    ///
    /// Does not wait: a lock that another holds is [`StorageErrorKind::Locked`]. The file stays behind.
    fn lock(&self, name: &str) -> Result<Box<dyn LockGuard>, StorageError>;
}

/// A file open for appending.
pub trait AppendFile: Debug + Send + Sync {
    /// Appends bytes. They are not durable before [`sync`](AppendFile::sync) returns; at a crash any prefix
    /// of what was not synced may survive, and zeros may stand where bytes were.
    ///
    /// After an error some of the bytes may be in the file: [`truncate`](AppendFile::truncate) to the last
    /// known length before appending again.
    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError>;

    /// Makes everything appended or truncated so far durable, and the file's name with it, even if another
    /// process created it and stopped before that.
    fn sync(&mut self) -> Result<(), StorageError>;

    /// Cuts the file to `bytes`, which must not be more than its length. Durable after the next sync.
    fn truncate(&mut self, bytes: u64) -> Result<(), StorageError>;

    /// The present length in bytes.
    fn bytes(&self) -> u64;
}

/// A lock that is held. Dropping it releases the lock.
pub trait LockGuard: Debug + Send + Sync {}
