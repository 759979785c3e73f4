//! From the files of an earlier run back to a store.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use assurance_metrics_model::{Labels, Timestamp};
use assurance_storage::{Entry, Reader, Storage, StorageError, StorageErrorKind};

use crate::appender::Pending;
use crate::chunk::Chunk;
use crate::index::MAX_SLOTS;
use crate::series;
use crate::store::Store;
use crate::wal::frame::{HEADER_BYTES, Header, Kind, MAGIC, VERSION, header, read_header};
use crate::wal::record::{Commit, chunks};
use crate::wal::window::Window;
use crate::wal::{DIRECTORY, file_number};

/// Where what cannot be read is copied to.
pub(crate) const QUARANTINE: &str = "quarantine";

/// What [`Store::open`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// Log files read.
    pub log_files: usize,
    /// Their bytes.
    pub log_bytes: u64,
    /// Those of them that are checkpoints, which are read several times as fast.
    pub checkpoint_bytes: u64,
    /// Sound records in them.
    pub records: u64,
    /// Samples taken from them; one that stands in the log twice counts once.
    pub samples: u64,
    /// Series they belong to.
    pub series: usize,
    /// Ends of log files that were not written completely: the process or the machine stopped meanwhile.
    pub torn: Vec<Torn>,
    /// Parts of log files that are damaged. They are copied and passed over; the rest is kept.
    pub quarantined: Vec<Quarantined>,
    /// Segments opened.
    pub segments: usize,
    /// Samples in them.
    pub segment_samples: u64,
    /// Segments that cannot be read, and why. They stay where they are and are left out of answers.
    pub damaged: Vec<(String, Arc<str>)>,
}

impl Recovery {
    /// Whether every byte that was written could be read: nothing is torn, quarantined or damaged.
    pub fn is_clean(&self) -> bool {
        self.torn.is_empty() && self.quarantined.is_empty() && self.damaged.is_empty()
    }
}

/// The end of a log file that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Torn {
    /// The log file.
    pub file: String,
    /// The byte at which it was cut.
    pub offset: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// A damaged part of a log file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quarantined {
    /// The log file.
    pub file: String,
    /// The byte at which the damage begins.
    pub offset: u64,
    /// How many bytes cannot be read.
    pub bytes: u64,
    /// The file they were copied to; `None` where that failed. The log file itself is not changed.
    pub copy: Option<String>,
    /// What is wrong with them.
    pub reason: &'static str,
}

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, offset, bytes } = self;
        write!(f, "{file}: {bytes} bytes from byte {offset} on were not written completely and are cut off")
    }
}

impl fmt::Display for Quarantined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, offset, bytes, copy, reason } = self;
        write!(f, "{file}: {bytes} bytes from byte {offset} on cannot be read ({reason}); ")?;
        match copy {
            Some(copy) => write!(f, "they are copied to {copy}, the rest is kept"),
            None => f.write_str("they could not be copied and stay in the file, the rest is kept"),
        }
    }
}

/// Files that cannot be opened as a [`Store`].
#[derive(Debug, thiserror::Error)]
#[error("cannot open the sample store: {file}: {kind}")]
#[non_exhaustive]
pub struct OpenError {
    /// The file.
    pub file: String,
    /// Why.
    #[source]
    pub kind: OpenErrorKind,
}

/// Why files cannot be opened as a [`Store`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// Another process has it open.
    #[error("{}; one store is for one process", holder_text(*holder))]
    Locked {
        /// Its id, where it could be read.
        holder: Option<u32>,
    },
    /// A file that this store has not written stands among its own.
    #[error("not a file of this store; move it away, or choose another directory")]
    Foreign,
    /// Another version has written it.
    #[error("written in format version {found}, and this program reads version {supported}")]
    Version {
        /// The version of the file.
        found: u32,
        /// The version that is read.
        supported: u32,
    },
    /// Whoever opens it had it stopped.
    #[error("reading was given up")]
    GivenUp,
    /// A file operation failed.
    #[error(transparent)]
    Storage(StorageError),
}

fn holder_text(holder: Option<u32>) -> String {
    holder.map_or_else(|| "another process uses it".to_owned(), |pid| format!("process {pid} uses it"))
}

impl OpenError {
    pub(crate) fn new(file: impl Into<String>, kind: OpenErrorKind) -> Self {
        Self { file: file.into(), kind }
    }
}

impl From<StorageError> for OpenError {
    fn from(error: StorageError) -> Self {
        let kind = match error.kind {
            StorageErrorKind::Locked { holder } => OpenErrorKind::Locked { holder },
            _ => return Self::new(error.name.clone(), OpenErrorKind::Storage(error)),
        };
        Self::new(error.name, kind)
    }
}

/// How far the reading of the log has come, for those who wait for it.
#[derive(Debug, Default)]
pub struct Progress {
    first: AtomicU64,
    last: AtomicU64,
    current: AtomicU64,
    is_given_up: AtomicBool,
}

impl Progress {
    /// Has the reading end at its next record, with [`OpenErrorKind::GivenUp`]: for who is told to stop meanwhile.
    pub fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
    }

    /// The numbers of the first log file, of the last one, and of the one that is being read or was read last; all
    /// are 0 where there is none.
    pub fn files(&self) -> (u64, u64, u64) {
        let [first, last, current] =
            [&self.first, &self.last, &self.current].map(|number| number.load(Ordering::Relaxed));
        (first, last, current)
    }
}

/// Reads the log files; returns the number of the next one.
pub(crate) fn replay(
    store: &Store,
    storage: &dyn Storage,
    recovery: &mut Recovery,
    progress: &Progress,
) -> Result<u64, OpenError> {
    let mut files = Vec::new();
    for file in storage.list(DIRECTORY)? {
        let Some(number) = file_number(&file.name) else {
            return Err(OpenError::new(file.name, OpenErrorKind::Foreign));
        };
        files.push((number, file));
    }
    files.sort();
    let (first, last) = (files.first(), files.last());
    progress.first.store(first.map_or(0, |(number, _)| *number), Ordering::Relaxed);
    progress.last.store(last.map_or(0, |(number, _)| *number), Ordering::Relaxed);
    for (number, Entry { name, bytes }) in &files {
        progress.current.store(*number, Ordering::Relaxed);
        recovery.log_files += 1;
        recovery.log_bytes += bytes;
        let window = Window::new(storage, name, *bytes);
        LogFile { store, storage, recovery, progress, name, window, entries: Vec::new() }.replay()?;
    }
    recovery.series = store.series_count();
    Ok(files.last().map_or(0, |(number, _)| number + 1))
}

/// A log file being read.
struct LogFile<'r> {
    store: &'r Store,
    storage: &'r dyn Storage,
    recovery: &'r mut Recovery,
    progress: &'r Progress,
    name: &'r str,
    window: Window<'r>,
    /// Its series by their numbers; `None` where the record that names them is lost.
    entries: Vec<Option<Arc<series::Entry>>>,
}

impl LogFile<'_> {
    fn replay(mut self) -> Result<(), OpenError> {
        let mut at = match read_header(self.window.bytes(0, HEADER_BYTES)?) {
            Header::Sound => HEADER_BYTES as u64,
            Header::Version(found) => {
                return Err(OpenError::new(self.name, OpenErrorKind::Version { found, supported: VERSION }));
            }
            Header::Bad => self.begin_without_header()?,
        };
        while at < self.window.end() {
            if self.progress.is_given_up.load(Ordering::Relaxed) {
                return Err(OpenError::new(self.name, OpenErrorKind::GivenUp));
            }
            let Some(frame) = self.window.frame_at(at)? else {
                let Some(next) = self.window.next_frame(at + 1)? else {
                    return Ok(self.cut(at)?);
                };
                self.quarantine(at, next, "its sum does not match");
                at = next;
                continue;
            };
            let body = self.window.body(&frame)?;
            let outcome = match frame.kind {
                Kind::Commit => Commit::read(body).ok_or(MALFORMED).and_then(|commit| self.commit(commit)),
                Kind::Chunks => chunks(body).ok_or(MALFORMED).map(|series| self.restore(series)),
            };
            if frame.kind == Kind::Chunks {
                self.recovery.checkpoint_bytes += frame.end() - at;
            }
            match outcome {
                Ok(()) => self.recovery.records += 1,
                Err(reason) => self.quarantine(at, frame.end(), reason),
            }
            at = frame.end();
        }
        Ok(())
    }

    /// Where to begin when the header is not as it was written: the file is damaged if it holds records,
    /// unfinished if it holds no more than a header, and else somebody else's.
    fn begin_without_header(&mut self) -> Result<u64, OpenError> {
        if let Some(first) = self.window.next_frame(0)? {
            self.quarantine(0, first, "the header is damaged");
            return Ok(first);
        }
        let found = self.window.bytes(0, HEADER_BYTES)?;
        let begun = header().iter().zip(found).take_while(|(written, found)| written == found).count();
        if begun >= MAGIC.len() || self.window.is_zero(begun as u64)? {
            self.cut(0)?;
            return Ok(self.window.end());
        }
        Err(OpenError::new(self.name, OpenErrorKind::Foreign))
    }

    fn commit(&mut self, commit: Commit) -> Result<(), &'static str> {
        let first = commit.named.first as usize;
        let count = first + commit.named.labels.len();
        if first > MAX_SLOTS {
            return Err(MALFORMED);
        }
        // Longer by more than these where a record that named others was lost.
        self.entries.resize(count.max(self.entries.len()), None);
        for (number, labels) in (first..).zip(&commit.named.labels) {
            self.entries[number] = Some(self.entry(labels));
        }
        let mut pending = Vec::with_capacity(commit.samples.len());
        let mut unnamed = false;
        for (number, at, value) in commit.samples {
            match self.entries.get(number as usize) {
                Some(Some(entry)) => pending.push(Pending { entry: Arc::clone(entry), at, value }),
                _ => unnamed = true,
            }
        }
        self.recovery.samples += self.store.restore(pending);
        if unnamed { Err("the record that names its series is damaged") } else { Ok(()) }
    }

    fn restore(&mut self, series: Vec<(Labels, Vec<Chunk>)>) {
        for (labels, chunks) in series {
            let newest = chunks.last().map(Chunk::last);
            self.recovery.samples += self.entry(&labels).state().restore(chunks);
            self.store.note_newest(newest);
        }
    }

    fn entry(&self, labels: &Labels) -> Arc<series::Entry> {
        self.store.entry_for(labels)
    }

    /// Notes what was not written completely, and cuts it off, so that it is not found again. What looks
    /// complete and is not is copied first.
    fn cut(&mut self, from: u64) -> Result<(), StorageError> {
        let end = self.window.end();
        if from == end {
            return Ok(());
        }
        if !self.window.is_interrupted(from)? {
            self.quarantine(from, end, "its sum does not match, and nothing sound follows");
        }
        self.recovery.torn.push(Torn { file: self.name.to_owned(), offset: from, bytes: end - from });
        // Left as it is where that fails: it is then found again.
        let _found_again = self.storage.open_append(self.name).and_then(|mut file| {
            file.truncate(from)?;
            file.sync()
        });
        Ok(())
    }

    fn quarantine(&mut self, from: u64, to: u64, reason: &'static str) {
        let file = self.name.trim_start_matches(DIRECTORY).trim_start_matches('/');
        let copy = format!("{QUARANTINE}/{DIRECTORY}-{file}.{from}-{to}");
        let mut damaged = Reader::range(self.storage, self.name, from, to);
        let copied = match self.storage.publish(&copy, &mut damaged) {
            Ok(()) => true,
            // It was found before.
            Err(error) => error.is_already_exists(),
        };
        self.recovery.quarantined.push(Quarantined {
            file: self.name.to_owned(),
            offset: from,
            bytes: to - from,
            copy: copied.then_some(copy),
            reason,
        });
    }
}

const MALFORMED: &str = "its sum matches, but it cannot be read";

impl Store {
    /// Takes samples from a log, whatever the out-of-order window; returns how many are new.
    fn restore(&self, mut pending: Vec<Pending>) -> u64 {
        self.make_visible(None, &mut pending, true).samples as u64
    }

    pub(crate) fn note_newest(&self, newest: Option<Timestamp>) {
        self.note_committed(0, newest.map_or(i64::MIN, Timestamp::as_millis));
    }

    fn entry_for(&self, labels: &Labels) -> Arc<series::Entry> {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, entry)) = index.find(labels) {
            return Arc::clone(entry);
        }
        index.insert(labels).1
    }
}
