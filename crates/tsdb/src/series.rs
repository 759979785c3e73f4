use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assurance_metrics_model::{Column, Labels, QueryError, Series, TimeRange, Timestamp, Value};

use crate::chunk::Chunk;

/// One series of the head.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) labels: Labels,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// Chunks that take no more samples, oldest first.
    sealed: Vec<Arc<Chunk>>,
    open: Option<Chunk>,
    /// Samples ever committed, those dropped since among them.
    committed: u64,
    /// Samples dropped by retention.
    dropped: u64,
    /// The newest sample of an appender that has not committed yet, and which appender that is.
    pending: Option<(u64, Timestamp, Value)>,
    /// Whether the index has let go of this entry; samples must go to a new one.
    retired: bool,
}

impl Entry {
    pub(crate) fn new(labels: Labels) -> Self {
        Self { labels, state: Mutex::new(State::default()) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held leaves whole samples behind: every change is one push.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The newest sample that appender `batch` must follow: its own pending one, or the committed one.
    pub(crate) fn newest_for(&self, batch: u64) -> Option<(Timestamp, Value)> {
        match &self.pending {
            Some((owner, at, value)) if *owner == batch => Some((*at, value.clone())),
            _ => self.newest(),
        }
    }

    pub(crate) fn set_pending(&mut self, batch: u64, at: Timestamp, value: Value) {
        self.pending = Some((batch, at, value));
    }

    pub(crate) fn clear_pending(&mut self, batch: u64) {
        if self.pending.as_ref().is_some_and(|(owner, ..)| *owner == batch) {
            self.pending = None;
        }
    }

    pub(crate) fn newest(&self) -> Option<(Timestamp, Value)> {
        let chunk = self.open.as_ref().or_else(|| self.sealed.last().map(|c| &**c))?;
        Some((chunk.last(), chunk.last_value()))
    }

    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        let chunk = self.sealed.first().map(|c| &**c).or(self.open.as_ref())?;
        Some(chunk.first())
    }

    /// Commits one sample; `false` where another appender committed a newer one meanwhile.
    pub(crate) fn push(&mut self, at: Timestamp, value: &Value) -> bool {
        if self.newest().is_some_and(|(newest, _)| newest >= at) {
            return false;
        }
        if !self.open.as_mut().is_some_and(|open| open.push(at, value)) {
            if let Some(mut full) = self.open.take() {
                full.seal();
                self.sealed.push(Arc::new(full));
            }
            self.open = Chunk::new(at, value);
            debug_assert!(self.open.is_some(), "every kind of value has a chunk");
        }
        self.committed += 1;
        true
    }

    /// Drops whole chunks whose every sample is before `oldest`; returns how many samples went.
    pub(crate) fn drop_before(&mut self, oldest: Timestamp) -> u64 {
        let gone = self.sealed.partition_point(|chunk| chunk.last() < oldest);
        let mut samples: u64 = self.sealed.drain(..gone).map(|chunk| u64::from(chunk.count())).sum();
        if self.sealed.is_empty()
            && let Some(open) = self.open.take_if(|open| open.last() < oldest)
        {
            samples += u64::from(open.count());
        }
        self.dropped += samples;
        samples
    }

    /// Marks a series without samples as no longer in the index; says whether it did.
    pub(crate) fn retire_if_empty(&mut self) -> bool {
        self.retired = self.sealed.is_empty() && self.open.is_none() && self.pending.is_none();
        self.retired
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.retired
    }

    pub(crate) fn samples(&self) -> u64 {
        self.committed - self.dropped
    }

    pub(crate) fn chunks(&self) -> usize {
        self.sealed.len() + usize::from(self.open.is_some())
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let sealed: usize = self.sealed.iter().map(|c| c.heap_bytes() + size_of::<Chunk>()).sum();
        sealed + self.open.as_ref().map_or(0, Chunk::heap_bytes)
    }

    /// The part of the series that holds `range`, as it is now; `None` where no sample can lie inside.
    pub(crate) fn snapshot(&self, range: TimeRange) -> Option<Vec<Part>> {
        let from = self.sealed.partition_point(|chunk| chunk.last() <= range.after);
        let mut parts: Vec<Part> = self.sealed[from..]
            .iter()
            .take_while(|chunk| chunk.first() <= range.until)
            .map(|chunk| Part { chunk: Arc::clone(chunk) })
            .collect();
        if let Some(open) = &self.open
            && open.last() > range.after
            && open.first() <= range.until
        {
            // At most one chunk's bytes: a copy costs less than keeping writers out.
            parts.push(Part { chunk: Arc::new(open.clone()) });
        }
        (!parts.is_empty()).then_some(parts)
    }
}

#[derive(Debug)]
pub(crate) struct Part {
    chunk: Arc<Chunk>,
}

/// A series as a selection saw it.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) labels: Labels,
    pub(crate) parts: Vec<Part>,
}

impl Series for Snapshot {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
        for Part { chunk } in &self.parts {
            if chunk.last() > range.after && chunk.first() <= range.until {
                chunk.read(range, into);
            }
        }
        Ok(())
    }
}
