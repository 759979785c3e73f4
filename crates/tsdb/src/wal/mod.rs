//! The log of what was committed since the last checkpoint, in files that each stand alone.

pub(crate) mod frame;
pub(crate) mod record;
pub(crate) mod window;

use std::sync::{Arc, Mutex, PoisonError};

use assurance_metrics_model::Column;
use assurance_storage::{AppendFile, Operation, Storage, StorageError, StorageErrorKind};

use crate::appender::Pending;

use self::frame::{Kind, begin, finish, header};
use self::record::{Named, Sample, put_samples};

/// Where log files are.
pub(crate) const DIRECTORY: &str = "wal";

/// A file that has reached this takes no more records: 64 MiB, some 20 million samples of a scrape.
pub(crate) const MAX_FILE_BYTES: u64 = 64 << 20;

/// The longest file that is inspected as a whole: a checkpoint of 20 million series with a day of chunks each.
pub(crate) const MAX_READ_BYTES: u64 = 64 << 30;

/// Numbers of log files have eight digits at least, so that names sort as numbers do.
pub(crate) fn file_name(number: u64) -> String {
    format!("{DIRECTORY}/{number:08}")
}

/// The number in a log file's name.
pub(crate) fn file_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(DIRECTORY)?.strip_prefix('/')?;
    let number: u64 = digits.parse().ok()?;
    (file_name(number) == name).then_some(number)
}

/// A second handle of a file, so that a sync holds up no commit.
#[derive(Debug)]
pub(crate) struct Syncer(Mutex<Box<dyn AppendFile>>);

impl Syncer {
    fn open(storage: &dyn Storage, name: &str) -> Result<Arc<Self>, StorageError> {
        Ok(Arc::new(Self(Mutex::new(storage.open_append(name)?))))
    }

    pub(crate) fn sync(&self) -> Result<(), StorageError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).sync()
    }
}

/// The file that commits go to.
#[derive(Debug)]
struct Current {
    number: u64,
    file: Box<dyn AppendFile>,
    syncer: Arc<Syncer>,
    /// Series named so far.
    series: u32,
    is_dirty: bool,
    /// Whether a record was written.
    is_used: bool,
}

/// The log. Whoever holds it commits: its order is the order in which samples become visible.
#[derive(Debug)]
pub(crate) struct Log {
    storage: Arc<dyn Storage>,
    /// The number of the next file.
    next: u64,
    current: Option<Current>,
    /// Files that take no more and are not durable yet.
    unsynced: Vec<Arc<Syncer>>,
    /// A write failed: a checkpoint must save what is missing.
    is_missing_some: bool,
    /// The file that was begun after it failed too: nothing more is written until then.
    is_broken: bool,
    buffer: Vec<u8>,
    scratch: Column,
    /// Bytes ever written.
    pub(crate) written: u64,
    /// Bytes of samples that opening would have to read beside the newest checkpoint.
    pub(crate) since_checkpoint: u64,
}

impl Log {
    /// A log whose files begin with number `next`, after others of so many bytes; none
    /// is made before there is something to write.
    pub(crate) fn new(storage: Arc<dyn Storage>, next: u64, since_checkpoint: u64) -> Self {
        Self {
            storage,
            next,
            current: None,
            unsynced: Vec::new(),
            is_missing_some: false,
            is_broken: false,
            buffer: Vec::new(),
            scratch: Column::new(),
            written: 0,
            since_checkpoint,
        }
    }

    /// Writes what a commit of these samples will make visible.
    ///
    /// After an error the file is left as it is. The next commit begins another one; where that fails as well,
    /// nothing more is written: a full disk is not asked at every commit.
    pub(crate) fn commit(&mut self, pending: &[Pending], takes_late: bool) -> Result<(), StorageError> {
        if self.is_broken {
            return Ok(());
        }
        let outcome = self.try_commit(pending, takes_late);
        if outcome.is_err() {
            let unused = self.current.take_if(|current| !current.is_used);
            if let Some(current) = unused {
                // Nothing in it is relied on. It would be one more at each attempt.
                let _left_over = self.storage.remove(&file_name(current.number));
            }
            self.close();
            self.give_up();
        }
        outcome
    }

    fn try_commit(&mut self, pending: &[Pending], takes_late: bool) -> Result<(), StorageError> {
        self.make_room()?;
        let Some(current) = &mut self.current else { return Ok(()) };
        let (samples, named) = number(pending, takes_late, current, &mut self.scratch);
        if samples.is_empty() {
            return Ok(());
        }
        let out = &mut self.buffer;
        let start = begin(out, Kind::Commit);
        named.put(out);
        let names = out.len() - start;
        put_samples(out, &samples);
        if !finish(out, start) {
            let kind = StorageErrorKind::TooLarge { max_bytes: u64::from(u32::MAX) };
            return Err(StorageError::new(Operation::Append, file_name(current.number), kind));
        }
        current.is_dirty = true;
        let outcome = current.file.append(out);
        current.is_used |= outcome.is_ok();
        self.written += out.len() as u64;
        // Each file names its series anew: where they are many, that alone must not make the next checkpoint due.
        self.since_checkpoint += (out.len() - names) as u64;
        out.clear();
        outcome
    }

    /// Opens a file where there is none that takes more.
    fn make_room(&mut self) -> Result<(), StorageError> {
        if self.current.as_ref().is_some_and(|current| current.file.bytes() < MAX_FILE_BYTES) {
            return Ok(());
        }
        self.close();
        let number = self.next;
        self.next += 1;
        let name = file_name(number);
        let file = self.storage.open_append(&name)?;
        let syncer = Syncer::open(&*self.storage, &name).inspect_err(|_error| {
            let _left_over = self.storage.remove(&name);
        })?;
        self.buffer.clear();
        self.buffer.extend_from_slice(&header());
        self.current = Some(Current { number, file, syncer, series: 0, is_dirty: false, is_used: false });
        Ok(())
    }

    /// Lets the present file take no more; the next commit opens another.
    fn close(&mut self) {
        if let Some(current) = self.current.take()
            && current.is_dirty
        {
            self.unsynced.push(current.syncer);
        }
    }

    /// Gives up the present file for good: what it holds is not relied on.
    pub(crate) fn break_off(&mut self) {
        self.current = None;
        self.unsynced.clear();
        self.give_up();
    }

    fn give_up(&mut self) {
        self.is_broken = self.is_missing_some;
        self.is_missing_some = true;
        self.buffer.clear();
    }

    /// Whether something was committed since the last [`Log::restart`] that no file is known to hold.
    pub(crate) fn is_missing_some(&self) -> bool {
        self.is_missing_some
    }

    /// What must be synced for everything committed so far to be durable.
    pub(crate) fn take_unsynced(&mut self) -> Vec<Arc<Syncer>> {
        let mut syncers = std::mem::take(&mut self.unsynced);
        if let Some(current) = &mut self.current
            && current.is_dirty
        {
            current.is_dirty = false;
            syncers.push(Arc::clone(&current.syncer));
        }
        syncers
    }

    /// Begins anew in another file, after a place for a checkpoint, whose number it returns.
    pub(crate) fn restart(&mut self) -> u64 {
        self.close();
        let number = self.next;
        self.next += 1;
        self.is_broken = false;
        self.is_missing_some = false;
        self.since_checkpoint = 0;
        self.buffer.clear();
        number
    }
}

/// The samples that will be taken, with the numbers of their series, and the series that the file has to name.
fn number<'p>(
    pending: &'p [Pending],
    takes_late: bool,
    current: &mut Current,
    scratch: &mut Column,
) -> (Vec<Sample<'p>>, Named) {
    let mut named = Named { first: current.series, labels: Vec::new() };
    let mut samples = Vec::with_capacity(pending.len());
    for sample in pending {
        let mut state = sample.entry.state();
        if !state.accepts(sample.at, takes_late, scratch) {
            continue;
        }
        let number = state.number_in(current.number, || {
            named.labels.push(sample.entry.labels.clone());
            current.series += 1;
            current.series - 1
        });
        samples.push((number, sample.at, &sample.value));
    }
    (samples, named)
}
