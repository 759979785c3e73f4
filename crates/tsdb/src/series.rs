use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assurance_metrics_model::{
    Column, Histogram, Labels, QueryError, ResetHint, Series, TimeRange, Timestamp, Value,
};

use crate::appender::same;
use crate::chunk::{Chunk, MAX_SAMPLES, Open};
use crate::horizon::DOUBTED_AFTER;

/// One series of the head.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) labels: Labels,
    state: Mutex<State>,
}

/// What is known of a series. Every series that exists has one: its size is held by a test.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Oldest first; they do not overlap. Readers hold the whole list, so that they need not count every chunk
    /// of it.
    sealed: Option<Arc<Vec<Chunk>>>,
    /// Takes what comes in order.
    open: Option<Open>,
    pending: Option<Pending>,
    /// Samples that appenders hold and have not committed; [`RETIRED`] once the index has let go of this entry,
    /// and samples must go to a new one.
    held: u32,
    /// The log file that has named the series last, and its number there.
    named: Option<(NonZeroU32, u32)>,
    /// How often samples came or went elsewhere than at the end.
    merges: u32,
}

const RETIRED: u32 = u32::MAX;

/// The newest sample of an appender that has not committed yet.
#[derive(Clone, Copy, Debug)]
struct Pending {
    /// Which appender.
    batch: NonZeroU32,
    /// Where it has the sample.
    place: u32,
}

/// A number that most likely is another for each of 2^32 others that follow each other.
fn short(number: u64) -> NonZeroU32 {
    let low = number % u64::from(u32::MAX);
    u32::try_from(low + 1).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN)
}

/// How much of a series there was at a moment: far smaller than a copy of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    sealed: usize,
    /// Samples of the open chunk.
    open: u16,
    merges: u32,
}

/// Chunks of a series at one moment, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chunks {
    sealed: Option<Arc<Vec<Chunk>>>,
    /// A copy of what was open.
    open: Option<Chunk>,
}

impl Chunks {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Chunk> {
        self.sealed.iter().flat_map(|sealed| sealed.iter()).chain(&self.open)
    }

    pub(crate) fn len(&self) -> usize {
        self.sealed.as_ref().map_or(0, |sealed| sealed.len()) + usize::from(self.open.is_some())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn read(&self, range: TimeRange, into: &mut Column) {
        let sealed = self.sealed.as_deref().map(Vec::as_slice).unwrap_or_default();
        let from = sealed.partition_point(|chunk| chunk.last() <= range.after);
        let to = sealed.partition_point(|chunk| chunk.first() <= range.until);
        let sealed = sealed.get(from..to).unwrap_or_default();
        let is_inside = |chunk: &&Chunk| range.after < chunk.last() && chunk.first() <= range.until;
        let open = self.open.as_ref().filter(is_inside);
        // Looks at every chunk before it reads one: memory is waited for once, and not chunk by chunk.
        let (count, _seen) = sealed.iter().chain(open).fold((0, 0), |(count, seen), chunk| {
            (count + chunk.count() as usize, std::hint::black_box(seen ^ chunk.look()))
        });
        into.reserve(count);
        for chunk in sealed.iter().chain(open) {
            chunk.read(range, into);
        }
    }
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
    fn sealed(&self) -> &[Chunk] {
        self.sealed.as_deref().map(Vec::as_slice).unwrap_or_default()
    }

    /// Changes the list of all chunks elsewhere than at its end.
    fn edit<R>(&mut self, change: impl FnOnce(&mut Vec<Chunk>) -> R) -> R {
        self.merges = self.merges.wrapping_add(1);
        let mut all = self.sealed.take().map(Arc::unwrap_or_clone).unwrap_or_default();
        all.extend(self.open.take().map(|open| open.copy()));
        let outcome = change(&mut all);
        match all.pop().map(Chunk::reopen) {
            Some(Ok(open)) => self.open = Some(open),
            Some(Err(full)) => all.push(full),
            None => {}
        }
        if !all.is_empty() {
            all.shrink_to_fit();
            self.sealed = Some(Arc::new(all));
        }
        outcome
    }

    /// Where appender `batch` has the newest sample of the series that it has not committed.
    pub(crate) fn pending_of(&self, batch: u64) -> Option<usize> {
        self.pending.filter(|pending| pending.batch == short(batch)).map(|pending| pending.place as usize)
    }

    pub(crate) fn set_pending(&mut self, batch: u64, place: usize) {
        // Past 2^32 samples of one appender what it repeats is found by the commit only.
        self.pending = u32::try_from(place).ok().map(|place| Pending { batch: short(batch), place });
    }

    /// Keeps the series for a sample that will be committed.
    pub(crate) fn hold(&mut self) {
        self.held += 1;
    }

    /// Lets go of one sample held by appender `batch`.
    pub(crate) fn release(&mut self, batch: u64) {
        self.held = self.held.saturating_sub(1);
        if self.pending_of(batch).is_some() {
            self.pending = None;
        }
    }

    pub(crate) fn newest(&self) -> Option<(Timestamp, Value)> {
        match &self.open {
            Some(open) => Some((open.last(), open.last_value())),
            None => self.sealed().last().map(|chunk| (chunk.last(), chunk.last_value())),
        }
    }

    fn last(&self) -> Option<Timestamp> {
        self.open.as_ref().map(Open::last).or_else(|| self.sealed().last().map(Chunk::last))
    }

    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.sealed().first().map(Chunk::first).or_else(|| self.open.as_ref().map(Open::first))
    }

    /// The committed value at this very time.
    pub(crate) fn value_at(&self, at: Timestamp, scratch: &mut Column) -> Option<Value> {
        let open = self.open.as_ref().filter(|open| open.first() <= at);
        if let Some(open) = open.filter(|open| open.last() <= at) {
            return (open.last() == at).then(|| open.last_value());
        }
        let copy = open.map(Open::copy);
        let before = self.sealed().partition_point(|chunk| chunk.first() <= at).checked_sub(1);
        let chunk = copy.as_ref().or_else(|| Some(&self.sealed()[before?]))?;
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
        self.last().is_none_or(|newest| newest < at) || (takes_late && self.value_at(at, scratch).is_none())
    }

    /// The series' number in a log file, or what `name` gives it.
    pub(crate) fn number_in(&mut self, file: u64, name: impl FnOnce() -> u32) -> u32 {
        match self.named {
            Some((named, number)) if named == short(file) => number,
            _ => {
                let number = name();
                self.named = Some((short(file), number));
                number
            }
        }
    }

    /// All chunks, as they are now.
    pub(crate) fn all_chunks(&self) -> Chunks {
        Chunks { sealed: self.sealed.clone(), open: self.open.as_ref().map(Open::copy) }
    }

    /// How much there is now, for [`Self::chunks_at`].
    pub(crate) fn mark(&self) -> Mark {
        let open = self.open.as_ref().map_or(0, Open::count);
        Mark { sealed: self.sealed().len(), open, merges: self.merges }
    }

    /// What was there at a mark; where samples came or went elsewhere than at the end since, what is there now.
    pub(crate) fn chunks_at(&self, mark: Mark) -> Chunks {
        let Mark { sealed, open, merges } = mark;
        let now = self.all_chunks();
        if merges != self.merges || self.mark() == mark {
            return now;
        }
        let part = now.iter().nth(sealed).filter(|_| open > 0).map(|chunk| {
            let samples = chunk.samples();
            Chunk::build(&samples[..samples.len().min(open.into())]).into_iter().next()
        });
        let sealed = self.sealed()[..sealed].to_vec();
        let sealed = (!sealed.is_empty()).then(|| Arc::new(sealed));
        Chunks { sealed, open: part.flatten() }
    }

    /// Takes back chunks that were written to a file; what is there already is not taken twice.
    pub(crate) fn restore(&mut self, chunks: Vec<Chunk>) -> u64 {
        let (mut taken, mut newer) = (0, Vec::new());
        for chunk in chunks {
            if newer.is_empty() && self.last().is_some_and(|last| chunk.first() <= last) {
                taken += self.merge(&chunk.samples()).taken as u64;
            } else {
                taken += u64::from(chunk.count());
                newer.push(chunk);
            }
        }
        if !newer.is_empty() {
            self.edit(|all| all.append(&mut newer));
        }
        taken
    }

    /// Commits one sample in order; `false` where it is not newer than all that is there.
    pub(crate) fn push(&mut self, at: Timestamp, value: &Value) -> bool {
        if self.last().is_some_and(|last| last >= at) {
            return false;
        }
        // After a long silence another one begins: what lies between two samples of a chunk counts as covered.
        if let Some(open) = &mut self.open
            && at - open.last() <= DOUBTED_AFTER
            && open.push(at, value)
        {
            return true;
        }
        let full = std::mem::replace(&mut self.open, Open::new(at, value));
        debug_assert!(self.open.is_some(), "every kind of value has a chunk");
        if let Some(full) = full {
            // Copies the list where a reader holds it, which no other sample of the series does meanwhile.
            let sealed = Arc::make_mut(self.sealed.get_or_insert_default());
            if sealed.len() == sealed.capacity() {
                // Not twice as many: what most series have is a day of chunks, and then the segment has it.
                sealed.reserve_exact(sealed.len() / 4 + 1);
            }
            sealed.push(full.seal());
        }
        true
    }

    /// Commits samples that are older than the newest; they rise in time.
    pub(crate) fn merge(&mut self, late: &[(Timestamp, Value)]) -> Merged {
        let mut merged = Merged::default();
        self.edit(|chunks| {
            let mut rest = late;
            while let Some((at, _)) = rest.first() {
                let next = chunks.partition_point(|chunk| chunk.first() <= *at);
                let until = chunks.get(next).map(Chunk::first);
                let run = rest.partition_point(|(at, _)| until.is_none_or(|until| *at < until));
                let (run, after) = rest.split_at(run);
                rest = after;
                place(chunks, next, run, &mut merged);
            }
        });
        merged
    }

    /// Whether [`State::drop_before`] would drop a chunk, or nothing is left to keep the series for.
    pub(crate) fn has_anything_before(&self, oldest: Timestamp) -> bool {
        let first = self.sealed().first().map(Chunk::last).or_else(|| self.open.as_ref().map(Open::last));
        first.is_none_or(|last| last < oldest)
    }

    /// Drops whole chunks whose every sample is before `oldest`; returns how many samples went.
    pub(crate) fn drop_before(&mut self, oldest: Timestamp) -> u64 {
        if self.oldest().is_none_or(|first| oldest <= first) {
            return 0;
        }
        let gone = self.sealed().partition_point(|chunk| chunk.last() < oldest);
        let is_open_gone = self.last().is_some_and(|last| last < oldest);
        if gone == 0 && !is_open_gone {
            return 0;
        }
        self.edit(|all| {
            let gone = all.partition_point(|chunk| chunk.last() < oldest);
            all.drain(..gone).map(|chunk| u64::from(chunk.count())).sum()
        })
    }

    /// A number that stays the same as long as samples come at the end only.
    pub(crate) fn merges(&self) -> u32 {
        self.merges
    }

    /// Samples between these times, both included.
    pub(crate) fn count_between(&self, first: Timestamp, last: Timestamp) -> u64 {
        let count = |chunk: &Chunk| {
            if first <= chunk.first() && chunk.last() <= last {
                return u64::from(chunk.count());
            }
            let mut column = Column::new();
            chunk.read(TimeRange::closed(first, last), &mut column);
            column.len() as u64
        };
        let sealed = &self.sealed()[between(self.sealed(), first, last)];
        let open = self.open.as_ref().filter(|open| open.first() <= last && first <= open.last());
        sealed.iter().map(count).sum::<u64>() + open.map_or(0, |open| count(&open.copy()))
    }

    /// Drops the samples between these times, both included.
    pub(crate) fn drop_between(&mut self, first: Timestamp, last: Timestamp) {
        self.edit(|all| {
            let chunks = between(all, first, last);
            let mut kept = Vec::new();
            for chunk in &all[chunks.clone()] {
                // Only the first and the last of them can have others.
                if chunk.first() < first || last < chunk.last() {
                    kept.extend(chunk.samples().into_iter().filter(|(at, _)| *at < first || last < *at));
                }
            }
            all.splice(chunks, Chunk::build(&kept));
        });
    }

    /// Marks a series without samples as no longer in the index; says whether it did.
    pub(crate) fn retire_if_empty(&mut self) -> bool {
        let is_empty = self.last().is_none() && self.held == 0;
        if is_empty {
            self.held = RETIRED;
        }
        is_empty
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.held == RETIRED
    }

    pub(crate) fn samples(&self) -> u64 {
        let sealed: u64 = self.sealed().iter().map(|chunk| u64::from(chunk.count())).sum();
        sealed + self.open.as_ref().map_or(0, |open| u64::from(open.count()))
    }

    pub(crate) fn chunks(&self) -> usize {
        self.sealed().len() + usize::from(self.open.is_some())
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let sealed = self.sealed.as_ref().map_or(0, |sealed| {
            // Two reference counts stand before the list.
            let list =
                2 * size_of::<usize>() + size_of::<Vec<Chunk>>() + sealed.capacity() * size_of::<Chunk>();
            list + sealed.iter().map(Chunk::heap_bytes).sum::<usize>()
        });
        sealed + self.open.as_ref().map_or(0, Open::heap_bytes)
    }

    /// The chunks as they are now; `None` where no sample of `range` can lie among them.
    pub(crate) fn snapshot(&self, range: TimeRange) -> Option<Chunks> {
        let from = self.sealed().partition_point(|chunk| chunk.last() <= range.after);
        let to = self.sealed().partition_point(|chunk| chunk.first() <= range.until);
        let open = self.open.as_ref().filter(|open| open.first() <= range.until);
        let in_open = open.is_some_and(|open| range.after < open.last());
        (from < to || in_open).then(|| Chunks { sealed: self.sealed.clone(), open: open.map(Open::copy) })
    }
}

/// The chunks with samples between these times, both included.
fn between(chunks: &[Chunk], first: Timestamp, last: Timestamp) -> Range<usize> {
    let from = chunks.partition_point(|chunk| chunk.last() < first);
    let to = chunks.partition_point(|chunk| chunk.first() <= last);
    from..to.max(from)
}

/// Takes samples that lie before the beginning of chunk `next` and not before that of the one before it.
fn place(chunks: &mut Vec<Chunk>, next: usize, mut run: &[(Timestamp, Value)], merged: &mut Merged) {
    if let Some(before) = next.checked_sub(1) {
        if run[0].0 <= chunks[before].last() {
            return rebuild(chunks, before..next, run, merged);
        }
        match chunks[before].clone().reopen() {
            Err(_full) => {}
            Ok(mut open) => {
                while let Some((at, value)) = run.first()
                    && open.push(*at, value)
                {
                    merged.taken += 1;
                    run = &run[1..];
                }
                chunks[before] = open.copy();
            }
        }
    }
    if run.is_empty() {
        return;
    }
    // Chunks of a few samples each would cost more than they hold.
    let most = usize::from(MAX_SAMPLES);
    let fits = chunks.get(next).is_some_and(|c| c.count() as usize + run.len() <= most);
    rebuild(chunks, next..next + usize::from(fits), run, merged);
}

/// Replaces chunks by their samples and these, in order.
fn rebuild(chunks: &mut Vec<Chunk>, range: Range<usize>, run: &[(Timestamp, Value)], merged: &mut Merged) {
    let mut column = Column::new();
    for chunk in &chunks[range.clone()] {
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
    chunks.splice(range, Chunk::build(&all));
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
        self.chunks.read(range, into);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_small() {
        // With the two reference counts before it: what an allocator gives for 136 bytes and no more.
        assert_eq!(size_of::<Entry>(), 120);
        assert_eq!(size_of::<Chunk>(), 48);
    }

    fn times(chunks: &Chunks) -> Vec<i64> {
        let mut column = Column::new();
        chunks.read(TimeRange::ALL, &mut column);
        column.timestamps().iter().map(|at| at.as_millis()).collect()
    }

    #[test]
    fn a_mark_gives_what_was_there_whatever_came_since() {
        let value = |n: i64| Value::Float(if n % 7 == 0 { 0.1 } else { 5.0 });
        for held in [0, 1, 60, 119, 120, 121, 250] {
            let mut state = State::default();
            let push = |state: &mut State, n: i64| state.push(Timestamp::from_millis(n * 1000), &value(n));
            (0..held).for_each(|n| assert!(push(&mut state, n)));
            let mark = state.mark();
            let expected: Vec<i64> = (0..held).map(|n| n * 1000).collect();
            for more in [0, 1, 70, 300] {
                (0..more).for_each(|n| assert!(push(&mut state, held + 1000 * (more + 1) + n)));
                assert_eq!(times(&state.chunks_at(mark)), expected, "{held} and {more} more");
            }
            if held > 0 {
                assert_eq!(state.merge(&[(Timestamp::from_millis(-1), Value::Float(1.0))]).taken, 1);
                assert_eq!(times(&state.chunks_at(mark)), times(&state.all_chunks()), "late ones are there");
            }
        }
    }
}
