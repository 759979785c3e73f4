//! Chunks as bytes of a file.

use std::sync::Arc;

use assurance_metrics_model::{Column, Timestamp, Value};

use super::{Chunk, Data, Open, xor};
use crate::bytes::{Cursor, put_signed, put_varint};
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
            Data::Floats(_) | Data::Steps(_) => FLOATS,
            Data::Packed(_) => PACKED,
            Data::Histograms(_) => HISTOGRAMS,
        };
        out.push(tag);
        put_varint(out, u64::from(self.count));
        put_signed(out, self.first.as_millis());
        match &self.data {
            Data::Floats(bytes) => out.extend_from_slice(bytes),
            Data::Steps(_) => {
                let (times, values) = super::floats(self.count, |each| self.each_float(each));
                xor::put_floats(out, &times, &values);
            }
            Data::Packed(packed) => {
                put_signed(out, self.last.as_millis().wrapping_sub(self.first.as_millis()));
                packed.put(out);
            }
            Data::Histograms(all) => {
                let mut before: Option<&(Timestamp, Arc<_>)> = None;
                for sample in all.iter() {
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
        let count: u16 = from.number()?;
        if !(1..=CAPACITY).contains(&count.into()) {
            return None;
        }
        let first = Timestamp::from_millis(from.signed()?);
        match tag {
            FLOATS => Self::read_floats(first, count, from.take(from.left())?),
            PACKED => {
                let last = Timestamp::from_millis(first.as_millis().wrapping_add(from.signed()?));
                let data = Data::Packed(Packed::read_from(&mut from, first.as_millis(), count.into())?);
                (first <= last).then_some(Self { first, last, data, count })
            }
            HISTOGRAMS => Self::read_histograms(first, count, from),
            _ => None,
        }
    }

    fn read_floats(first: Timestamp, count: u16, bytes: &[u8]) -> Option<Self> {
        let last = Timestamp::from_millis(xor::check(bytes, first.as_millis(), count)?);
        Some(Self { first, last, data: Data::Floats(bytes.into()), count })
    }

    fn read_histograms(first: Timestamp, count: u16, mut from: Cursor<'_>) -> Option<Self> {
        let mut all: Vec<(Timestamp, Arc<_>)> = Vec::with_capacity(count.into());
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
        from.is_empty().then(|| Self { first, last, data: Data::Histograms(Arc::new(all)), count })
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
        BESIDE
            + match &self.data {
                Data::Packed(packed) => packed.file_bytes(),
                Data::Floats(bytes) | Data::Steps(bytes) => bytes.len(),
                Data::Histograms(all) => super::histogram_bytes(all),
            }
    }

    fn of(column: &Column, places: &[usize]) -> Option<Self> {
        let (first, rest) = places.split_first()?;
        let (last, at) = (places.last()?, |place: usize| column.timestamps()[place]);
        if column.histogram(*first).is_none() {
            let times: Vec<i64> = places.iter().map(|place| at(*place).as_millis()).collect();
            let values = &column.floats()[*first..=*last];
            let data = Packed::new(&times, values).map_or_else(
                || {
                    let mut bytes = Vec::new();
                    xor::put_floats(&mut bytes, &times, values);
                    Data::Floats(bytes.into())
                },
                Data::Packed,
            );
            let count = u16::try_from(places.len()).ok()?;
            return Some(Self { first: at(*first), last: at(*last), data, count });
        }
        let mut open = Open::new(at(*first), &column.value(*first))?;
        for place in rest {
            let taken = open.grow(at(*place), &column.value(*place));
            debug_assert!(taken, "a run is of one kind");
        }
        Some(open.seal())
    }

    /// All samples, by time.
    pub(crate) fn samples(&self) -> Vec<(Timestamp, Value)> {
        let mut column = Column::new();
        self.read_all(&mut column);
        (0..column.len()).map(|n| (column.timestamps()[n], column.value(n))).collect()
    }
}
