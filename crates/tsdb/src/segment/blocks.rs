//! Parts of segments that were read lately: the series of a selector lie side by side in each file.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;

/// What is read at once: a dozen series with a day of a sample every 30 s.
pub(crate) const BLOCK_BYTES: u64 = 32 << 10;

/// Blocks kept: 4 MiB, one for each day of a retention of 90 days and some more.
const MAX_BLOCKS: usize = 128;

/// A file and a block of it.
type Key = (u64, u64);

#[derive(Debug, Default)]
pub(crate) struct Blocks {
    files: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_key: HashMap<Key, Arc<[u8]>>,
    /// Oldest first.
    order: VecDeque<Key>,
}

impl Blocks {
    /// A number for a file: files of the same name that follow each other have others.
    pub(crate) fn register(&self) -> u64 {
        self.files.fetch_add(1, Ordering::Relaxed)
    }

    /// The bytes of a file in this range, whole blocks being read by `read`; of the last one, which the file's
    /// end cuts short, as much as there is.
    pub(crate) fn get<E>(
        &self,
        file: u64,
        range: Range<u64>,
        mut read: impl FnMut(Range<u64>) -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, E> {
        if range.end - range.start >= BLOCK_BYTES {
            return read(range);
        }
        let mut bytes = Vec::new();
        for block in range.start / BLOCK_BYTES..range.end.div_ceil(BLOCK_BYTES) {
            let start = block * BLOCK_BYTES;
            let key = (file, block);
            let held = match self.held(key) {
                Some(held) => held,
                None => self.keep(key, read(start..start + BLOCK_BYTES)?),
            };
            let within = |offset: u64| {
                usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX).min(held.len())
            };
            bytes.extend_from_slice(&held[within(range.start)..within(range.end)]);
        }
        Ok(bytes)
    }

    fn held(&self, key: Key) -> Option<Arc<[u8]>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.by_key.get(&key).map(Arc::clone)
    }

    fn keep(&self, key: Key, bytes: Vec<u8>) -> Arc<[u8]> {
        let bytes: Arc<[u8]> = bytes.into();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.by_key.insert(key, Arc::clone(&bytes)).is_none() {
            kept.order.push_back(key);
        }
        if kept.order.len() > MAX_BLOCKS
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.by_key.remove(&oldest);
        }
        bytes
    }
}
