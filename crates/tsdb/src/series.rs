use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assurance_metrics_model::{
    Column, Histogram, Labels, QueryError, ResetHint, Series, TimeRange, Timestamp, Value,
};

use crate::appender::same;
use crate::chunk::{Chunk, MAX_SAMPLES};
use crate::horizon::DOUBTED_AFTER;

/// Chunks of a series, oldest first.
pub(crate) type Chunks = Arc<Vec<Arc<Chunk>>>;

/// One series of the head.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) labels: Labels,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// Oldest first; they do not overlap, and none is empty. The last one takes what comes in order. Readers
    /// hold the whole list, so that they need not count every chunk of it.
    chunks: Chunks,
    /// Samples ever committed, those dropped since among them.
    committed: u64,
    /// Samples dropped by retention.
    dropped: u64,
    /// The newest sample of an appender that has not committed yet, and which appender that is.
    pending: Option<(u64, Timestamp, Value)>,
    /// Samples that appenders hold and have not committed.
    held: u32,
    /// Whether the index has let go of this entry; samples must go to a new one.
    retired: bool,
    /// The log file that has named the series last, and its number there.
    named: Option<(u64, u32)>,
    /// How often samples came or went elsewhere than at the end.
    merges: u64,
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

/// What became of samples that came late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Merged {
    pub(crate) taken: usize,
    /// Samples at whose time another appender committed another value meanwhile.
    pub(crate) overtaken: usize,
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

    /// Keeps the series for a sample that will be committed.
    pub(crate) fn hold(&mut self) {
        self.held += 1;
    }

    /// Lets go of one sample held by appender `batch`.
    pub(crate) fn release(&mut self, batch: u64) {
        self.held = self.held.saturating_sub(1);
        if self.pending.as_ref().is_some_and(|(owner, ..)| *owner == batch) {
            self.pending = None;
        }
    }

    pub(crate) fn newest(&self) -> Option<(Timestamp, Value)> {
        let chunk = self.chunks.last()?;
        Some((chunk.last(), chunk.last_value()))
    }

    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        Some(self.chunks.first()?.first())
    }

    /// The committed value at this very time.
    pub(crate) fn value_at(&self, at: Timestamp, scratch: &mut Column) -> Option<Value> {
        let next = self.chunks.partition_point(|chunk| chunk.first() <= at);
        let chunk = &self.chunks[next.checked_sub(1)?];
        if chunk.last() < at {
            return None;
        }
        scratch.clear();
        chunk.read(TimeRange::closed(at, at), scratch);
        (!scratch.is_empty()).then(|| scratch.value(0))
    }

    /// Whether a commit now would take a sample of this time. Samples of one commit do not count: they are
    /// no obstacle to each other.
    pub(crate) fn accepts(&self, at: Timestamp, takes_late: bool, scratch: &mut Column) -> bool {
        let newest = self.chunks.last().map(|chunk| chunk.last());
        newest.is_none_or(|newest| newest < at) || (takes_late && self.value_at(at, scratch).is_none())
    }

    /// The series' number in a log file, or what `name` gives it.
    pub(crate) fn number_in(&mut self, file: u64, name: impl FnOnce() -> u32) -> u32 {
        match self.named {
            Some((named, number)) if named == file => number,
            _ => {
                let number = name();
                self.named = Some((file, number));
                number
            }
        }
    }

    /// The chunks that begin before a time.
    pub(crate) fn chunks_before(&self, end: Timestamp) -> &[Arc<Chunk>] {
        &self.chunks[..self.chunks.partition_point(|chunk| chunk.first() < end)]
    }

    /// All chunks, as they are now.
    pub(crate) fn all_chunks(&self) -> Chunks {
        Arc::clone(&self.chunks)
    }

    /// Takes back chunks that were written to a file; what is there already is not taken twice.
    pub(crate) fn restore(&mut self, chunks: Vec<Chunk>) -> u64 {
        let before = self.committed;
        for chunk in chunks {
            if self.chunks.last().is_none_or(|last| last.last() < chunk.first()) {
                self.committed += u64::from(chunk.count());
                Arc::make_mut(&mut self.chunks).push(Arc::new(chunk));
            } else {
                self.merge(&chunk.samples());
            }
        }
        self.committed - before
    }

    /// Commits one sample in order; `false` where it is not newer than all that is there.
    pub(crate) fn push(&mut self, at: Timestamp, value: &Value) -> bool {
        // Copies the list where a reader holds it, which no other sample of the series does meanwhile.
        let chunks = Arc::make_mut(&mut self.chunks);
        if let Some(last) = chunks.last_mut() {
            if last.last() >= at {
                return false;
            }
            // Copies the chunk where a reader holds it: at most one chunk's bytes, and no reader waits.
            let last = Arc::make_mut(last);
            // After a long silence another one begins: what lies between two samples of a chunk counts as covered.
            if at - last.last() <= DOUBTED_AFTER && last.push(at, value) {
                self.committed += 1;
                return true;
            }
            last.seal();
        }
        let chunk = Chunk::new(at, value);
        debug_assert!(chunk.is_some(), "every kind of value has a chunk");
        chunks.extend(chunk.map(Arc::new));
        self.committed += 1;
        true
    }

    /// Commits samples that are older than the newest; they rise in time.
    pub(crate) fn merge(&mut self, late: &[(Timestamp, Value)]) -> Merged {
        self.merges += 1;
        let mut merged = Merged::default();
        let mut rest = late;
        while let Some((at, _)) = rest.first() {
            let next = self.chunks.partition_point(|chunk| chunk.first() <= *at);
            let until = self.chunks.get(next).map(|chunk| chunk.first());
            let run = rest.partition_point(|(at, _)| until.is_none_or(|until| *at < until));
            let (run, after) = rest.split_at(run);
            rest = after;
            self.place(next, run, &mut merged);
        }
        self.committed += merged.taken as u64;
        merged
    }

    /// Takes samples that lie before the beginning of chunk `next` and not before that of the one before it.
    fn place(&mut self, next: usize, mut run: &[(Timestamp, Value)], merged: &mut Merged) {
        if let Some(before) = next.checked_sub(1) {
            if run[0].0 <= self.chunks[before].last() {
                return self.rebuild(before..next, run, merged);
            }
            let chunk = Arc::make_mut(&mut Arc::make_mut(&mut self.chunks)[before]);
            while let Some((at, value)) = run.first()
                && chunk.push(*at, value)
            {
                merged.taken += 1;
                run = &run[1..];
            }
        }
        if run.is_empty() {
            return;
        }
        // Chunks of a few samples each would cost more than they hold.
        let fits =
            self.chunks.get(next).is_some_and(|c| c.count() as usize + run.len() <= MAX_SAMPLES as usize);
        self.rebuild(next..next + usize::from(fits), run, merged);
    }

    /// Replaces chunks by their samples and these, in order.
    fn rebuild(&mut self, range: Range<usize>, run: &[(Timestamp, Value)], merged: &mut Merged) {
        let mut column = Column::new();
        for chunk in &self.chunks[range.clone()] {
            chunk.read_all(&mut column);
        }
        let mut all = Vec::with_capacity(column.len() + run.len());
        // What a histogram follows may change: it is found out anew.
        let old_value = |n: usize| match column.value(n) {
            Value::Histogram(h) if h.reset_hint == ResetHint::NoReset => {
                Value::Histogram(Arc::new(Histogram { reset_hint: ResetHint::Unknown, ..(*h).clone() }))
            }
            value => value,
        };
        let mut old = (0..column.len()).map(|n| (column.timestamps()[n], old_value(n))).peekable();
        for (at, value) in run {
            while let Some(sample) = old.next_if(|(old, _)| old < at) {
                all.push(sample);
            }
            match old.peek() {
                Some((old, held)) if old == at => merged.overtaken += usize::from(!same(held, value)),
                _ => {
                    merged.taken += 1;
                    all.push((*at, value.clone()));
                }
            }
        }
        all.extend(old);
        Arc::make_mut(&mut self.chunks).splice(range, Chunk::build(&all).into_iter().map(Arc::new));
    }

    /// Whether [`State::drop_before`] would drop a chunk, or nothing is left to keep the series for.
    pub(crate) fn has_anything_before(&self, oldest: Timestamp) -> bool {
        self.chunks.first().is_none_or(|chunk| chunk.last() < oldest)
    }

    /// Drops whole chunks whose every sample is before `oldest`; returns how many samples went.
    pub(crate) fn drop_before(&mut self, oldest: Timestamp) -> u64 {
        let gone = self.chunks.partition_point(|chunk| chunk.last() < oldest);
        let samples: u64 = self.chunks[..gone].iter().map(|chunk| u64::from(chunk.count())).sum();
        if gone > 0 {
            Arc::make_mut(&mut self.chunks).drain(..gone);
        }
        self.dropped += samples;
        self.merges += u64::from(samples > 0);
        samples
    }

    /// A number that stays the same as long as samples come at the end only.
    pub(crate) fn merges(&self) -> u64 {
        self.merges
    }

    /// The chunks with samples between these times, both included.
    fn chunks_between(&self, first: Timestamp, last: Timestamp) -> Range<usize> {
        let from = self.chunks.partition_point(|chunk| chunk.last() < first);
        let to = self.chunks.partition_point(|chunk| chunk.first() <= last);
        from..to.max(from)
    }

    /// Samples between these times, both included.
    pub(crate) fn count_between(&self, first: Timestamp, last: Timestamp) -> u64 {
        let chunks = &self.chunks[self.chunks_between(first, last)];
        let count = |chunk: &Arc<Chunk>| {
            if first <= chunk.first() && chunk.last() <= last {
                return u64::from(chunk.count());
            }
            let mut column = Column::new();
            chunk.read(TimeRange::closed(first, last), &mut column);
            column.len() as u64
        };
        chunks.iter().map(count).sum()
    }

    /// Drops the samples between these times, both included.
    pub(crate) fn drop_between(&mut self, first: Timestamp, last: Timestamp) {
        let chunks = self.chunks_between(first, last);
        let before: u64 = self.chunks[chunks.clone()].iter().map(|chunk| u64::from(chunk.count())).sum();
        let mut kept = Vec::new();
        for chunk in &self.chunks[chunks.clone()] {
            // Only the first and the last of them can have others.
            if chunk.first() < first || last < chunk.last() {
                kept.extend(chunk.samples().into_iter().filter(|(at, _)| *at < first || last < *at));
            }
        }
        self.dropped += before - kept.len() as u64;
        self.merges += 1;
        Arc::make_mut(&mut self.chunks).splice(chunks, Chunk::build(&kept).into_iter().map(Arc::new));
    }

    /// Marks a series without samples as no longer in the index; says whether it did.
    pub(crate) fn retire_if_empty(&mut self) -> bool {
        self.retired = self.chunks.is_empty() && self.held == 0;
        self.retired
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.retired
    }

    pub(crate) fn samples(&self) -> u64 {
        self.committed - self.dropped
    }

    pub(crate) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(|c| c.heap_bytes() + size_of::<Chunk>()).sum();
        chunks + self.chunks.capacity() * size_of::<Arc<Chunk>>()
    }

    /// The chunks as they are now; `None` where no sample of `range` can lie among them.
    pub(crate) fn snapshot(&self, range: TimeRange) -> Option<Chunks> {
        let from = self.chunks.partition_point(|chunk| chunk.last() <= range.after);
        let to = self.chunks.partition_point(|chunk| chunk.first() <= range.until);
        (from < to).then(|| Arc::clone(&self.chunks))
    }
}

/// A series as a selection saw it.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) labels: Labels,
    pub(crate) chunks: Chunks,
}

impl Series for Snapshot {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
        let from = self.chunks.partition_point(|chunk| chunk.last() <= range.after);
        let to = self.chunks.partition_point(|chunk| chunk.first() <= range.until);
        let chunks = self.chunks.get(from..to).unwrap_or_default();
        // Looks at every chunk before it reads one: memory is waited for once, and not chunk by chunk.
        let (count, _seen) = chunks.iter().fold((0, 0), |(count, seen), chunk| {
            (count + chunk.count() as usize, std::hint::black_box(seen ^ chunk.look()))
        });
        into.reserve(count);
        for chunk in chunks {
            chunk.read(range, into);
        }
        Ok(())
    }
}
