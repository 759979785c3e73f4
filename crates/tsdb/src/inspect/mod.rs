//! Reading the files of a store without owning it, also while another process writes to them.
//!
//! An [`Inspection`] takes no lock and changes nothing. Files come and go meanwhile: segments are added and, by
//! retention, removed; a checkpoint takes the place of the log files before it. So the log is read before the
//! segments are looked for, and read again if it was replaced meanwhile: what was committed before is found in the
//! one or the other. A file that is gone when it is to be read was removed, and is never damage.
//!
//! ```
//! use std::sync::Arc;
//! use assurance_metrics_model::{Appender, Labels, Timestamp};
//! use assurance_storage::Memory;
//! use assurance_tsdb::inspect::Inspection;
//! use assurance_tsdb::{Config, Store};
//!
//! let files = Memory::new();
//! let (store, _) = Store::open(Config::default(), Arc::new(files.clone()))?;
//! let mut appender = store.appender();
//! appender.append(None, &Labels::from_pairs([("__name__", "up")]), Timestamp::from_secs(30), 1.0.into())?;
//! appender.commit();
//!
//! // `store` still has them open.
//! let inspection = Inspection::new(Arc::new(files));
//! assert_eq!(inspection.list()?.logs[0].samples, 1);
//! assert!(inspection.verify(&mut |_| {})?.is_sound());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod analyze;
mod dump;
mod finding;
mod list;
mod logs;
mod readonly;
mod snapshot;
mod sources;
mod verify;
mod walk;

use std::sync::Arc;

use assurance_storage::{Entry, Storage, StorageError};

pub use analyze::{Analysis, ChunkUse, MetricUse};
pub use dump::{DumpError, Dumped, Take};
pub use finding::{Finding, FindingKind, Lost};
pub use list::{Listing, SegmentInfo};
pub use logs::{LogInfo, LogKind};
pub use snapshot::{Link, Snapshot};
pub use verify::{Progress, Verified};

use crate::segment::DIRECTORY as SEGMENTS;
use crate::wal::{DIRECTORY as LOG, file_number};

/// How often what is replaced meanwhile is read anew: a checkpoint is made once a minute at most.
const MAX_TRIES: usize = 100;

/// Findings of one file that are told one by one; of more, how many there are and what they cost.
const MAX_FINDINGS: usize = 100;

/// The files of a store, to be looked at.
#[derive(Clone, Debug)]
pub struct Inspection {
    storage: Arc<dyn Storage>,
}

impl Inspection {
    /// Looks at the files of the store that `storage` holds. Nothing in it is changed.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage: Arc::new(readonly::ReadOnly::new(storage)) }
    }

    /// Log files in the order of their numbers, what is none after them.
    fn log_files(&self) -> Result<Vec<Entry>, StorageError> {
        let mut files = self.storage.list(LOG)?;
        files.sort_by_key(|file| (file_number(&file.name).unwrap_or(u64::MAX), file.name.clone()));
        Ok(files)
    }

    fn segment_files(&self) -> Result<Vec<Entry>, StorageError> {
        self.storage.list(SEGMENTS)
    }
}

/// Tries again what a file that vanished has stopped.
fn settled<T>(mut read: impl FnMut() -> Result<T, StorageError>) -> Result<T, StorageError> {
    for _ in 1..MAX_TRIES {
        match read() {
            Err(error) if error.is_not_found() => {}
            other => return other,
        }
    }
    read()
}
