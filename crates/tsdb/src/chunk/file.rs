//! Chunks as bytes of a file.

use std::sync::Arc;

use assurance_metrics_model::{Column, Timestamp, Value};

use super::{Chunk, Data};
use crate::bytes::{Cursor, put_signed, put_varint, unzigzag};
use crate::histogram::{histogram, put_histogram};
use crate::packed::{CAPACITY, Packed};

const FLOATS: u8 = 0;
const PACKED: u8 = 1;
const HISTOGRAMS: u8 = 2;

/// What a chunk whose bytes begin so is called.
pub(crate) fn kind_of(tag: u8) -> Option<&'static str> {
    match tag {
        FLOATS => Some("xor"),
        PACKED => Some("packed"),
        HISTOGRAMS => Some("histogram"),
        _ => None,
    }
}

impl Chunk {
    /// Appends the chunk to `out`; how long it is must be said beside it.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let tag = match &self.data {
            Data::Floats { .. } => FLOATS,
            Data::Packed(_) => PACKED,
            Data::Histograms(_) => HISTOGRAMS,
        };
        out.push(tag);
        put_varint(out, u64::from(self.count));
        put_signed(out, self.first.as_millis());
        match &self.data {
            Data::Floats { bytes, .. } => out.extend_from_slice(bytes),
            Data::Packed(packed) => {
                put_signed(out, self.last.as_millis().wrapping_sub(self.first.as_millis()));
                packed.put(out);
            }
            Data::Histograms(all) => {
                let mut before: Option<&(Timestamp, Arc<_>)> = None;
                for sample in all {
                    let (at, histogram) = sample;
                    let from = before.map_or(self.first, |(at, _)| *at);
                    put_signed(out, at.as_millis().wrapping_sub(from.as_millis()));
                    let same = before.is_some_and(|(_, before)| Arc::ptr_eq(before, histogram));
                    out.push(u8::from(!same));
                    if !same {
                        put_histogram(out, histogram);
                    }
                    before = Some(sample);
                }
            }
        }
    }

    /// The chunk that these bytes are; `None` where they are none.
    pub(crate) fn read_from(bytes: &[u8]) -> Option<Self> {
        let mut from = Cursor::new(bytes);
        let tag = from.byte()?;
        let count: u32 = from.number()?;
        if !(1..=CAPACITY).contains(&(count as usize)) {
            return None;
        }
        let first = Timestamp::from_millis(from.signed()?);
        match tag {
            FLOATS => Self::read_floats(first, count, from.take(from.left())?),
            PACKED => {
                let last = Timestamp::from_millis(first.as_millis().wrapping_add(from.signed()?));
                let data = Data::Packed(Packed::read_from(&mut from, first.as_millis(), count as usize)?);
                (first <= last).then_some(Self { first, last, count, data })
            }
            HISTOGRAMS => Self::read_histograms(first, count, from),
            _ => None,
        }
    }

    /// Walks through the samples once, so that reading them can do without checks.
    fn read_floats(first: Timestamp, count: u32, bytes: &[u8]) -> Option<Self> {
        let mut from = Cursor::new(bytes);
        let mut last_bits = from.u64()?;
        let (mut last, mut last_delta) = (first.as_millis(), 0_i64);
        for _ in 1..count {
            last_delta = last_delta.wrapping_add(unzigzag(from.varint()?));
            last = last.wrapping_add(last_delta);
            let head = from.byte()?;
            if head == 0 {
                continue;
            }
            let (above, width) = (usize::from(head >> 4), usize::from(head & 0x0f));
            let below = 8_usize.checked_sub(above)?.checked_sub(width)?;
            let mut word = [0; 8];
            word[below..8 - above].copy_from_slice(from.take(width)?);
            if width == 0 {
                return None;
            }
            last_bits ^= u64::from_le_bytes(word);
        }
        let data = Data::Floats { bytes: bytes.to_vec(), last_delta, last_bits };
        from.is_empty().then_some(Self { first, last: Timestamp::from_millis(last), count, data })
    }

    fn read_histograms(first: Timestamp, count: u32, mut from: Cursor<'_>) -> Option<Self> {
        let mut all: Vec<(Timestamp, Arc<_>)> = Vec::with_capacity(count as usize);
        let mut at = first.as_millis();
        for _ in 0..count {
            at = at.wrapping_add(from.signed()?);
            let value = match from.byte()? {
                0 => Arc::clone(&all.last()?.1),
                1 => Arc::new(histogram(&mut from)?),
                _ => return None,
            };
            all.push((Timestamp::from_millis(at), value));
        }
        let last = Timestamp::from_millis(at);
        from.is_empty().then_some(Self { first, last, count, data: Data::Histograms(all) })
    }

    /// Samples that rise in time, all of them floats or none, as the chunks of a file that takes no more:
    /// longer ones where that takes fewer bytes.
    pub(crate) fn pieces(column: &Column) -> Vec<Self> {
        let mut pieces = Vec::new();
        let all: Vec<usize> = (0..column.len()).collect();
        for run in all.chunk_by(|a, b| column.histogram(*a).is_some() == column.histogram(*b).is_some()) {
            for piece in run.chunks(CAPACITY) {
                pieces.extend(Self::best(column, piece));
            }
        }
        pieces
    }

    /// The samples of these places as one chunk, or as halves of halves, whichever is smallest.
    fn best(column: &Column, places: &[usize]) -> Vec<Self> {
        let Some(whole) = Self::of(column, places) else { return Vec::new() };
        if places.len() <= CAPACITY / 4 || matches!(whole.data, Data::Histograms(_)) {
            return vec![whole];
        }
        let (left, right) = places.split_at(places.len() / 2);
        let mut halves = Self::best(column, left);
        halves.extend(Self::best(column, right));
        let bytes: usize = halves.iter().map(Self::file_bytes).sum();
        if bytes < whole.file_bytes() { halves } else { vec![whole] }
    }

    /// About as many as the chunk takes in a file, its entry in the index included.
    fn file_bytes(&self) -> usize {
        const BESIDE: usize = 36;
        self.heap_bytes() + BESIDE
    }

    fn of(column: &Column, places: &[usize]) -> Option<Self> {
        let (first, rest) = places.split_first()?;
        let (last, at) = (places.last()?, |place: usize| column.timestamps()[place]);
        if column.histogram(*first).is_none() {
            let times: Vec<i64> = places.iter().map(|place| at(*place).as_millis()).collect();
            let values = &column.floats()[*first..=*last];
            if let Some(packed) = Packed::new(&times, values) {
                let count = u32::try_from(places.len()).ok()?;
                return Some(Self { first: at(*first), last: at(*last), count, data: Data::Packed(packed) });
            }
        }
        let mut chunk = Self::new(at(*first), &column.value(*first))?;
        for place in rest {
            let taken = chunk.grow(at(*place), &column.value(*place));
            debug_assert!(taken, "a run is of one kind");
        }
        Some(chunk)
    }

    /// All samples, by time.
    pub(crate) fn samples(&self) -> Vec<(Timestamp, Value)> {
        let mut column = Column::new();
        self.read_all(&mut column);
        (0..column.len()).map(|n| (column.timestamps()[n], column.value(n))).collect()
    }
}
