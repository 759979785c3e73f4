//! What is to be done from time to time.

use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::StorageError;

use crate::durable::Durable;
use crate::faults::{Fault, FaultKind};
use crate::store::{Dropped, Store};
use crate::wal;

/// Log files that a checkpoint takes the place of, however short they are: each start of the process leaves
/// one behind.
const MAX_LOG_FILES: usize = 64;

/// Bytes of log, without the names of series, that a checkpoint takes the place of, or an eighth of what it has itself,
/// if that is more. Where 20 million samples of 7,000 series are in memory, a checkpoint of 22 MB is read in 0.06 s, and
/// this much log, 1.3 million samples, in less than half a second; at most eight times the log's bytes are written.
const MIN_LOG_BYTES: u64 = 3 << 20;

/// Bytes of log that are read at the next start as fast as a checkpoint of them would be written now.
const WORTH_CLOSING_BYTES: u64 = 256 << 10;

/// What [`Store::maintain`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Maintenance {
    /// What retention, by time and by size, removed.
    pub dropped: Dropped,
    /// Segments written.
    pub sealed: Vec<String>,
    /// Segments written in place of several ones of the same day.
    pub joined: Vec<String>,
    /// Whether a checkpoint took the place of the log files before it.
    pub is_checkpointed: bool,
    /// How much later than the time given the newest sample is: the clock was set back. Series whose samples lie ahead
    /// are taken up all the same.
    pub ahead: Option<Duration>,
    /// How far time went ahead without samples: retention waits for a day before it believes that.
    pub doubted: Option<Duration>,
    /// What does not work now, as [`Store::faults`] says.
    pub faults: Vec<Fault>,
}

impl Store {
    /// Does what is due at `now`: retention by time and by size; segments of days that are over, for longer than
    /// samples may come late, at least ten minutes and at most a day; a checkpoint in place of the log files that this makes
    /// superfluous, or that writes failed to go to. To be called every minute or so; two calls at once
    /// are made one after the other. Samples can be read and committed meanwhile.
    ///
    /// What fails is a [`Fault`], in the answer and in [`Store::faults`], and is tried again in the next call.
    pub fn maintain(&self, now: Timestamp) -> Maintenance {
        let Some(durable) = &self.durable else { return self.retain(now) };
        let _alone: MutexGuard<'_, ()> = durable.maintenance.lock().unwrap_or_else(PoisonError::into_inner);
        let mut done = self.retain(now);
        let days = self.days_due(durable, now);
        let mut sealed = Ok(());
        for day in &days {
            match self.seal(durable, *day) {
                Ok(name) => done.sealed.extend(name),
                Err(error) => {
                    sealed = Err(error);
                    break;
                }
            }
        }
        // Then: a full disk must not keep a day from being sealed.
        if sealed.is_ok() {
            sealed = durable.compact().map(|names| done.joined = names);
        }
        durable.settle(FaultKind::Segment, now, sealed);
        let is_wanted = |kind| durable.faults().get(kind).is_some();
        let is_broken = is_wanted(FaultKind::Log);
        let is_due = is_broken || is_wanted(FaultKind::Checkpoint) || !days.is_empty();
        if is_due || durable.has_much_log() {
            match self.checkpoint(durable) {
                Ok(()) => done.is_checkpointed = true,
                Err(error) => {
                    let kind = if is_broken { FaultKind::Log } else { FaultKind::Checkpoint };
                    durable.note(kind, now, &error);
                }
            }
        }
        let by_size = self.keep_to_size(durable);
        let removed = by_size.and_then(|samples| {
            done.dropped.samples += samples;
            durable.segments.remove_files(&*durable.storage)?;
            durable.remove_superfluous_log()
        });
        durable.settle(FaultKind::Removal, now, removed);
        done.faults = self.faults();
        done
    }

    fn retain(&self, now: Timestamp) -> Maintenance {
        let dropped = self.apply_retention(now);
        let (ahead, doubted) = (self.ahead_of(now), self.doubted(now));
        Maintenance { dropped, ahead, doubted, ..Maintenance::default() }
    }

    /// Writes what is in memory in place of the log, so that opening reads it several times as fast: for a process
    /// that ends. Does nothing where the log is short, and for a store in memory.
    ///
    /// # Errors
    /// If it cannot be written: then the log has it all, unless that is what failed before.
    pub fn close(&self) -> Result<(), Fault> {
        let Some(durable) = &self.durable else { return Ok(()) };
        let _alone: MutexGuard<'_, ()> = durable.maintenance.lock().unwrap_or_else(PoisonError::into_inner);
        let is_saved = durable.faults().get(FaultKind::Log).is_none();
        if is_saved && durable.log().since_checkpoint < WORTH_CLOSING_BYTES {
            return Ok(());
        }
        let written = self.checkpoint(durable).and_then(|()| durable.remove_superfluous_log());
        let kind = if is_saved { FaultKind::Checkpoint } else { FaultKind::Log };
        written.map_err(|error| durable.note(kind, self.newest(), &error))
    }

    /// Lets go of the oldest segments until all files together are not larger than they may be; returns the
    /// samples that went.
    fn keep_to_size(&self, durable: &Durable) -> Result<u64, StorageError> {
        let Some(max_bytes) = self.config.max_bytes else { return Ok(0) };
        let log: u64 = durable.storage.list(wal::DIRECTORY)?.iter().map(|file| file.bytes).sum();
        let segments: u64 = durable.segments.all().iter().map(|segment| segment.bytes).sum();
        let mut excess = (log + segments).saturating_sub(max_bytes);
        let gone = durable.segments.remove_where(|segment| {
            let goes = excess > 0;
            if goes {
                excess = excess.saturating_sub(segment.bytes);
            }
            goes
        });
        if let Some(last) = gone.iter().map(|segment| segment.last()).max() {
            self.note_dropped(last);
        }
        Ok(gone.iter().map(|segment| segment.samples()).sum())
    }
}

impl Durable {
    /// Notes a failure, or that there is none any more.
    fn settle(&self, kind: FaultKind, now: Timestamp, outcome: Result<(), StorageError>) {
        match outcome {
            Ok(()) => self.faults().clear(kind),
            Err(error) => drop(self.note(kind, now, &error)),
        }
    }

    /// Whether opening would take longer than need be.
    fn has_much_log(&self) -> bool {
        let enough = (self.checkpoint_bytes.load(Ordering::Relaxed) / 8).max(MIN_LOG_BYTES);
        self.log().since_checkpoint >= enough || self.has_many_log_files()
    }

    fn has_many_log_files(&self) -> bool {
        self.storage.list(wal::DIRECTORY).is_ok_and(|files| files.len() > MAX_LOG_FILES)
    }
}
