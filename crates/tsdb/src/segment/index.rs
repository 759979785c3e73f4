//! The series of a segment, and where their chunks are.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use assurance_metrics_model::{Aspect, Labels, LabelsBuilder, Matcher, Summary, TimeRange, Timestamp};
use hashbrown::HashMap;

use super::summary::Values;
use crate::bytes::{Cursor, put_bytes, put_count, put_signed, put_varint};

/// Selectors whose series are kept beside an index; past it all are found again.
const MAX_SELECTORS: usize = 256;

/// A chunk of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkRef {
    /// The byte at which it begins.
    pub(crate) offset: u64,
    /// Its bytes, the sum after them not counted.
    pub(crate) bytes: u32,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) count: u32,
    pub(crate) values: Option<Values>,
}

impl ChunkRef {
    /// What a reader wants to know of its samples, and the value before their only fall.
    pub(crate) fn summary(&self, aspect: Aspect) -> Option<(Summary, Option<f64>)> {
        self.values.as_ref()?.summary(aspect, self.count, self.first, self.last)
    }
}

/// Bytes of the sum that follows each chunk.
pub(crate) const SUM_BYTES: usize = 4;

/// The series of a segment in the order of their labels, and their chunks, which stand in the file one after
/// the other.
#[derive(Debug)]
pub(crate) struct SegmentIndex {
    series: Vec<(Labels, Range<usize>)>,
    chunks: Vec<ChunkRef>,
    found: Mutex<HashMap<String, Arc<[usize]>>>,
}

/// Writes an index, series by series.
#[derive(Debug, Default)]
pub(crate) struct IndexWriter {
    bytes: Vec<u8>,
    before: Option<Labels>,
}

impl IndexWriter {
    /// Adds a series; they come in the order of their labels.
    pub(crate) fn put(&mut self, labels: &Labels, chunks: &[ChunkRef]) {
        let out = &mut self.bytes;
        let before = self.before.as_ref();
        let shared = before.map_or(0, |before| before.iter().zip(labels).take_while(|(a, b)| a == b).count());
        put_count(out, shared);
        put_count(out, labels.len() - shared);
        for (name, value) in labels.iter().skip(shared) {
            put_bytes(out, name.as_bytes());
            put_bytes(out, value.as_bytes());
        }
        put_count(out, chunks.len());
        let mut last = Timestamp::from_millis(0);
        for chunk in chunks {
            put_varint(out, u64::from(chunk.bytes));
            put_varint(out, u64::from(chunk.count));
            put_signed(out, chunk.first.as_millis().wrapping_sub(last.as_millis()));
            put_signed(out, chunk.last.as_millis().wrapping_sub(chunk.first.as_millis()));
            Values::put(chunk.values.as_ref(), out);
            last = chunk.last;
        }
        self.before = Some(labels.clone());
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads what an index says of the series after `before`, whose first chunk begins at `offset`: its labels, and
/// its chunks, which are appended. `None` where it says nothing sensible, or is not all there.
pub(crate) fn read_series(
    from: &mut Cursor<'_>,
    before: Option<&Labels>,
    offset: &mut u64,
    chunks: &mut Vec<ChunkRef>,
) -> Option<Labels> {
    let mut builder = LabelsBuilder::new();
    let shared: usize = from.number()?;
    for (name, value) in before.iter().flat_map(|before| before.iter()).take(shared) {
        builder.set(name, value);
    }
    for _ in 0..from.count()? {
        builder.set(from.text()?, from.text()?);
    }
    let mut before = 0_i64;
    for _ in 0..from.count()? {
        let (bytes, count) = (from.number()?, from.number()?);
        let first = before.wrapping_add(from.signed()?);
        let last = first.wrapping_add(from.signed()?);
        let values = Values::read(from)?;
        let (first, end) = (Timestamp::from_millis(first), Timestamp::from_millis(last));
        chunks.push(ChunkRef { offset: *offset, bytes, first, last: end, count, values });
        *offset = offset.checked_add(u64::from(bytes) + SUM_BYTES as u64)?;
        before = last;
    }
    Some(builder.build())
}

impl SegmentIndex {
    /// Reads an index whose first chunk begins at byte `offset`, the last one ending before byte `end`.
    pub(crate) fn read(bytes: &[u8], mut offset: u64, end: u64) -> Option<Self> {
        let mut from = Cursor::new(bytes);
        let mut series: Vec<(Labels, Range<usize>)> = Vec::new();
        let mut chunks = Vec::new();
        while !from.is_empty() {
            let start = chunks.len();
            let before = series.last().map(|(labels, _)| labels);
            let labels = read_series(&mut from, before, &mut offset, &mut chunks)?;
            series.push((labels, start..chunks.len()));
        }
        let sorted = series.is_sorted_by(|(a, _), (b, _)| a < b);
        (sorted && offset <= end).then_some(Self { series, chunks, found: Mutex::default() })
    }

    /// Takes the labels of another index where they are the same: most series are in every day's.
    pub(crate) fn share_labels(&mut self, other: &Self) {
        let mut others = other.all_labels().peekable();
        for (labels, _) in &mut self.series {
            while others.next_if(|other| *other < labels).is_some() {}
            if let Some(same) = others.next_if(|other| *other == labels) {
                *labels = same.clone();
            }
        }
    }

    pub(crate) fn labels(&self, series: usize) -> &Labels {
        &self.series[series].0
    }

    pub(crate) fn all_labels(&self) -> impl Iterator<Item = &Labels> {
        self.series.iter().map(|(labels, _)| labels)
    }

    pub(crate) fn chunks(&self, range: Range<usize>) -> &[ChunkRef] {
        self.chunks.get(range).unwrap_or_default()
    }

    /// The place of the series with these labels.
    pub(crate) fn find(&self, labels: &Labels) -> Option<usize> {
        self.series.binary_search_by(|(held, _)| held.cmp(labels)).ok()
    }

    /// The places of the series that satisfy every matcher; `key` is the matchers' own.
    pub(crate) fn select(&self, key: &str, matchers: &[Matcher]) -> Arc<[usize]> {
        let held = || self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = held().get(key) {
            return Arc::clone(found);
        }
        let matches = |labels: &Labels| matchers.iter().all(|matcher| matcher.matches_labels(labels));
        let found: Arc<[usize]> = (0..self.series.len()).filter(|n| matches(self.labels(*n))).collect();
        let mut held = held();
        if held.len() >= MAX_SELECTORS {
            held.clear();
        }
        held.insert(key.to_owned(), Arc::clone(&found));
        found
    }

    /// The chunks of a series that may have samples in `range`.
    pub(crate) fn chunks_in(&self, series: usize, range: TimeRange) -> Range<usize> {
        let whole = self.series[series].1.clone();
        let chunks = self.chunks(whole.clone());
        let from = chunks.partition_point(|chunk| chunk.last <= range.after);
        let to = chunks.partition_point(|chunk| chunk.first <= range.until);
        whole.start + from..whole.start + to.max(from)
    }

    /// About as many bytes as it takes in memory.
    pub(crate) fn heap_bytes(&self) -> usize {
        let labels: usize = self.all_labels().map(Labels::heap_bytes).sum();
        labels
            + self.series.capacity() * size_of::<(Labels, Range<usize>)>()
            + self.chunks.capacity() * size_of::<ChunkRef>()
    }
}
