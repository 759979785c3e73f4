//! A store with files beside it.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assurance_metrics_model::{AppendErrorKind, Column, Labels, QueryError, TimeRange, Timestamp, Value};
use assurance_storage::{LockGuard, Storage, StorageError};

use crate::appender::Pending;
use crate::faults::{Fault, FaultKind, Faults};
use crate::recovery::{OpenError, Progress, Recovery, replay};
use crate::segments::Segments;
use crate::store::{Config, Stats, Store};
use crate::wal::Log;

/// The file whose lock says that a process has the store open.
const LOCK: &str = "lock";

#[derive(Debug)]
pub(crate) struct Durable {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) segments: Segments,
    log: Mutex<Log>,
    faults: Mutex<Faults>,
    /// The log file of the newest checkpoint; zero where none was written since opening.
    pub(crate) checkpoint: AtomicU64,
    pub(crate) checkpoint_bytes: AtomicU64,
    /// Held by whoever syncs: one that finds nothing to do must wait for another that does it.
    syncing: Mutex<()>,
    /// Held by whoever seals, so that only one does.
    pub(crate) maintenance: Mutex<()>,
    _lock: Box<dyn LockGuard>,
}

impl Durable {
    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        // A panic inside leaves a record that was not written, or one whose samples did not become visible.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, kind: FaultKind, since: Timestamp, error: &StorageError) -> Fault {
        let fault = Fault::new(kind, since, error);
        let mut faults = self.faults();
        faults.note(fault.clone());
        faults.get(kind).cloned().unwrap_or(fault)
    }

    /// Writes what a commit will make visible; it does so also where that fails.
    pub(crate) fn write(&self, pending: &[Pending], takes_late: bool) -> MutexGuard<'_, Log> {
        let mut log = self.log();
        if pending.is_empty() {
            return log;
        }
        if let Err(error) = log.commit(pending, takes_late) {
            let newest = pending.iter().map(|sample| sample.at).max();
            self.note(FaultKind::Log, newest.unwrap_or(Timestamp::MIN), &error);
        }
        log
    }

    pub(crate) fn count(&self, stats: &mut Stats) {
        stats.log_bytes = self.log().written;
        for segment in self.segments.all().iter() {
            stats.segments += 1;
            stats.segment_bytes += segment.bytes;
            stats.segment_samples += segment.samples();
            stats.chunks += segment.chunks() as usize;
            stats.samples += segment.samples();
            stats.min_time = Some(stats.min_time.map_or(segment.first(), |min| min.min(segment.first())));
            stats.max_time = stats.max_time.max(Some(segment.last()));
        }
    }
}

impl Store {
    /// Opens a store whose samples survive the process, and makes one where there are no files yet.
    ///
    /// Samples are in a file before they are visible: a process that is killed loses none. What must survive a
    /// power cut needs [`Store::sync`]; days that are over need [`Store::maintain`].
    ///
    /// # Errors
    /// If another process has it open, if files are there that this version has not written, or if they
    /// cannot be read. Damage within files is no error: [`Recovery`] tells of it.
    pub fn open(config: Config, storage: Arc<dyn Storage>) -> Result<(Self, Recovery), OpenError> {
        Self::open_observed(config, storage, &Progress::default())
    }

    /// As [`Store::open`], for those who want to tell meanwhile how far it is.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_observed(
        config: Config,
        storage: Arc<dyn Storage>,
        progress: &Progress,
    ) -> Result<(Self, Recovery), OpenError> {
        let lock = storage.lock(LOCK)?;
        let mut store = Self::new(config);
        let mut recovery = Recovery::default();
        let segments = Segments::open(&storage, &mut recovery)?;
        store.note_newest(Some(segments.last()));
        let next = replay(&store, &*storage, &mut recovery, progress)?;
        for segment in segments.all().iter() {
            store.horizon.note(segment.first(), segment.last());
        }
        store.note_spans();
        let mut faults = Faults::default();
        for (name, reason) in &recovery.damaged {
            faults.note(Fault::damaged(name, store.newest(), reason));
        }
        store.durable = Some(Durable {
            segments,
            log: Mutex::new(Log::new(
                Arc::clone(&storage),
                next,
                recovery.log_bytes.saturating_sub(recovery.checkpoint_bytes),
            )),
            storage,
            faults: Mutex::new(faults),
            checkpoint: AtomicU64::new(0),
            checkpoint_bytes: AtomicU64::new(recovery.checkpoint_bytes),
            syncing: Mutex::default(),
            maintenance: Mutex::default(),
            _lock: lock,
        });
        Ok((store, recovery))
    }

    /// Makes everything durable that was committed before the call. Commits go on meanwhile. To be called as
    /// often as samples may be lost in a power cut: every second, say. Does nothing for a store in memory.
    ///
    /// # Errors
    /// If some samples are in memory only: this call or an earlier write failed, and [`Store::maintain`] has not
    /// saved them since. What was written after them is durable all the same.
    pub fn sync(&self) -> Result<(), Fault> {
        let Some(durable) = &self.durable else { return Ok(()) };
        let _alone: MutexGuard<'_, ()> = durable.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        let syncers = durable.log().take_unsynced();
        for syncer in syncers {
            if let Err(error) = syncer.sync() {
                // Never tried again: the kernel may call pages clean that never reached the disk.
                let mut log = durable.log();
                log.break_off();
                return Err(durable.note(FaultKind::Log, self.newest(), &error));
            }
        }
        durable.faults().get(FaultKind::Log).map_or(Ok(()), |fault| Err(fault.clone()))
    }

    /// Tells the horizon of what is in memory.
    fn note_spans(&self) {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        for entry in index.iter() {
            let chunks = entry.state().all_chunks();
            chunks.iter().for_each(|chunk| self.horizon.note(chunk.first(), chunk.last()));
        }
    }

    /// What does not work at present; empty when all does, and for a store in memory.
    pub fn faults(&self) -> Vec<Fault> {
        let Some(durable) = &self.durable else { return Vec::new() };
        // Shown as long as the segment is there: what retention removes is no fault any more.
        let mut faults = durable.faults().clone();
        for segment in durable.segments.all().iter() {
            if let Some(reason) = segment.damage() {
                faults.note(Fault::damaged(&segment.name, self.newest(), reason));
            }
        }
        faults.all()
    }

    /// The newest sample that segments have of a series; not looked for where `at` is newer than all of them,
    /// as what is scraped is.
    pub(crate) fn sealed_newest(
        &self,
        labels: &Labels,
        at: Timestamp,
    ) -> Result<Option<(Timestamp, Value)>, AppendErrorKind> {
        let Some(durable) = &self.durable else { return Ok(None) };
        if durable.segments.last() < at {
            return Ok(None);
        }
        durable.segments.newest_of(labels).map_err(|error| refused(&error))
    }

    /// The value that segments have of a series at this very time.
    pub(crate) fn sealed_value(
        &self,
        labels: &Labels,
        at: Timestamp,
    ) -> Result<Option<Value>, AppendErrorKind> {
        let Some(durable) = &self.durable else { return Ok(None) };
        let mut column = Column::new();
        durable
            .segments
            .samples_of(labels, TimeRange::closed(at, at), &mut column)
            .map_err(|error| refused(&error))?;
        Ok((!column.is_empty()).then(|| column.value(0)))
    }
}

/// A sample whose neighbours cannot be read is not taken.
fn refused(error: &QueryError) -> AppendErrorKind {
    AppendErrorKind::Storage { reason: error.to_string().into() }
}
