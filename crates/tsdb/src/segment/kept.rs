//! The index of a segment, while it stays in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::index::SegmentIndex;

/// None, or an index with its bytes and when it was used last.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Option<(Arc<SegmentIndex>, usize, u64)>>);

impl Kept {
    fn held(&self) -> MutexGuard<'_, Option<(Arc<SegmentIndex>, usize, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, now: u64) -> Option<Arc<SegmentIndex>> {
        let mut held = self.held();
        let (index, _, used) = held.as_mut()?;
        *used = now;
        Some(Arc::clone(index))
    }

    /// Keeps an index; says how many bytes that are more than before.
    pub(crate) fn keep(&self, index: &Arc<SegmentIndex>, now: u64) -> usize {
        let mut held = self.held();
        if held.is_some() {
            // Another reader was faster.
            return 0;
        }
        let bytes = index.heap_bytes();
        *held = Some((Arc::clone(index), bytes, now));
        bytes
    }

    /// When it was used last, if there is one.
    pub(crate) fn used(&self) -> Option<u64> {
        self.held().as_ref().map(|(.., used)| *used)
    }

    /// Says how many bytes are free again.
    pub(crate) fn let_go(&self) -> usize {
        self.held().take().map_or(0, |(_, bytes, _)| bytes)
    }
}
