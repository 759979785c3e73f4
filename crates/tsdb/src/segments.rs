//! The segments of a store: which there are, and the indexes of those that were asked for.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use assurance_metrics_model::{Column, Labels, QueryError, TimeRange, Timestamp, Value};
use assurance_storage::{Storage, StorageError};

use crate::recovery::{OpenError, Recovery};
use crate::segment::blocks::Blocks;
use crate::segment::index::SegmentIndex;
use crate::segment::{DIRECTORY, Day, Segment, SegmentError};

/// Bytes of indexes kept in memory, beside those that are being read: two months of a thousand series.
const MAX_INDEX_BYTES: usize = 64 << 20;

/// Segments by day, supplements after what they supplement.
type List = Arc<[Arc<Segment>]>;

#[derive(Debug)]
pub(crate) struct Segments {
    list: RwLock<List>,
    /// Milliseconds of the newest sample in them: asked for with every sample that is appended.
    last: AtomicI64,
    /// What was read of them lately.
    pub(crate) blocks: Arc<Blocks>,
    /// Let go of, and removed once nobody reads them.
    leaving: Mutex<Vec<Arc<Segment>>>,
    /// Bytes of the indexes that segments keep.
    index_bytes: Mutex<usize>,
    /// How often an index was asked for.
    uses: AtomicU64,
}

impl Segments {
    /// Opens what is there.
    pub(crate) fn open(storage: &Arc<dyn Storage>, recovery: &mut Recovery) -> Result<Self, OpenError> {
        let mut list = Vec::new();
        let blocks = Arc::default();
        for file in storage.list(DIRECTORY)? {
            match Segment::open(storage, &blocks, &file) {
                Ok(segment) => {
                    recovery.segments += 1;
                    recovery.segment_samples += segment.samples();
                    list.push(Arc::new(segment));
                }
                Err(SegmentError::Open(error)) => return Err(error),
                Err(SegmentError::Storage(error)) => return Err(error.into()),
                Err(SegmentError::Damaged(reason)) => recovery.damaged.push((file.name, reason)),
            }
        }
        let segments = Self {
            list: RwLock::default(),
            last: AtomicI64::new(i64::MIN),
            blocks,
            leaving: Mutex::default(),
            index_bytes: Mutex::default(),
            uses: AtomicU64::new(0),
        };
        segments.set(list);
        Ok(segments)
    }

    pub(crate) fn all(&self) -> List {
        Arc::clone(&self.list.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, mut list: Vec<Arc<Segment>>) {
        list.sort_by_key(|segment| (segment.day, segment.number));
        let last = list.iter().map(|segment| segment.last().as_millis()).max();
        self.last.store(last.unwrap_or(i64::MIN), Ordering::Release);
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = list.into();
    }

    pub(crate) fn add(&self, segment: Segment) {
        let mut list = self.all().to_vec();
        list.push(Arc::new(segment));
        self.set(list);
    }

    /// Puts one segment in the place of others: whoever reads sees all of them, or it.
    pub(crate) fn replace(&self, segment: Segment, old: &[Arc<Segment>]) {
        let is_kept = |held: &&Arc<Segment>| old.iter().all(|old| old.name != held.name);
        let mut list: Vec<_> = self.all().iter().filter(is_kept).cloned().collect();
        list.push(Arc::new(segment));
        self.set(list);
        self.leave(old);
    }

    fn leave(&self, gone: &[Arc<Segment>]) {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner).extend(gone.iter().cloned());
        let mut bytes = self.index_bytes.lock().unwrap_or_else(PoisonError::into_inner);
        *bytes -= gone.iter().map(|segment| segment.kept.let_go()).sum::<usize>();
    }

    /// Lets go of segments for which `gone` says so, oldest first; returns them.
    pub(crate) fn remove_where(&self, mut gone: impl FnMut(&Segment) -> bool) -> Vec<Arc<Segment>> {
        let all = self.all();
        let (gone, kept): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|segment| gone(segment));
        if !gone.is_empty() {
            self.set(kept);
            self.leave(&gone);
        }
        gone
    }

    /// Removes the files that were let go of and that nobody reads any more.
    pub(crate) fn remove_files(&self, storage: &dyn Storage) -> Result<(), StorageError> {
        let mut leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        let mut outcome = Ok(());
        leaving.retain(|segment| {
            if Arc::strong_count(segment) > 1 || outcome.is_err() {
                return true;
            }
            match storage.remove(&segment.name) {
                Ok(()) => false,
                Err(error) if error.is_not_found() => false,
                Err(error) => {
                    outcome = Err(error);
                    true
                }
            }
        });
        outcome
    }

    /// The numbers of a day's segments, files that wait for their removal among them.
    pub(crate) fn numbers_of(&self, day: Day) -> Vec<u32> {
        let leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        let all = self.all();
        all.iter().chain(leaving.iter()).filter(|s| s.day == day).map(|s| s.number).collect()
    }

    pub(crate) fn index(&self, segment: &Segment) -> Result<Arc<SegmentIndex>, QueryError> {
        let now = self.uses.fetch_add(1, Ordering::Relaxed);
        if let Some(index) = segment.kept.get(now) {
            return Ok(index);
        }
        // Read without a lock: a slow disk holds up only those who want this one.
        let mut index = segment.read_index()?;
        let all = self.all();
        if let Some(other) = all.iter().rev().find_map(|other| other.kept.get(now)) {
            index.share_labels(&other);
        }
        let index = Arc::new(index);
        let mut bytes = self.index_bytes.lock().unwrap_or_else(PoisonError::into_inner);
        // Of one that is being let go of nothing is kept: nobody would count it any more.
        let all = self.all();
        if all.iter().any(|listed| std::ptr::eq(&**listed, segment)) {
            *bytes += segment.kept.keep(&index, now);
        }
        while *bytes > MAX_INDEX_BYTES {
            let others = all.iter().filter(|other| !std::ptr::eq(&***other, segment));
            let oldest =
                others.filter_map(|other| Some((other.kept.used()?, other))).min_by_key(|(used, _)| *used);
            let Some((_, oldest)) = oldest else { break };
            *bytes -= oldest.kept.let_go();
        }
        Ok(index)
    }

    /// The newest sample of any series; the smallest time where there is none.
    pub(crate) fn last(&self) -> Timestamp {
        Timestamp::from_millis(self.last.load(Ordering::Acquire))
    }

    /// The newest sample of a series.
    pub(crate) fn newest_of(&self, labels: &Labels) -> Result<Option<(Timestamp, Value)>, QueryError> {
        let mut newest: Option<(Timestamp, Value)> = None;
        for segment in self.all().iter().rev() {
            if newest.as_ref().is_some_and(|(at, _)| *at >= segment.last()) {
                continue;
            }
            let index = self.index(segment)?;
            let Some(place) = index.find(labels) else { continue };
            let chunks = index.chunks_in(place, TimeRange::ALL);
            let mut column = Column::new();
            segment.read_chunks(
                &index,
                chunks.end.saturating_sub(1)..chunks.end,
                TimeRange::ALL,
                &mut column,
            )?;
            if let Some(last) = column.len().checked_sub(1)
                && newest.as_ref().is_none_or(|(at, _)| *at < column.timestamps()[last])
            {
                newest = Some((column.timestamps()[last], column.value(last)));
            }
        }
        Ok(newest)
    }

    /// The samples of a series inside `range`, of all its segments, in no order.
    pub(crate) fn samples_of(
        &self,
        labels: &Labels,
        range: TimeRange,
        into: &mut Column,
    ) -> Result<(), QueryError> {
        for segment in self.all().iter().filter(|segment| segment.overlaps(range)) {
            let index = self.index(segment)?;
            if let Some(place) = index.find(labels) {
                segment.read_chunks(&index, index.chunks_in(place, range), range, into)?;
            }
        }
        Ok(())
    }
}
