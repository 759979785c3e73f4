//! Up to [`MAX_SAMPLES`] samples of one series, packed.
//!
//! Floats: each timestamp as the zigzag varint of its delta's delta, then the value xor its predecessor as
//! one byte (empty bytes at the top in the high nibble, bytes that follow in the low one) and those bytes.
//! A gauge that stands still on a steady scrape takes two bytes a sample. A chunk that is full is written anew
//! in fewer bits, where its values are decimals ([`crate::packed`]). Histograms stand as they are.

mod file;

pub(crate) use file::kind_of;

use std::mem::discriminant;
use std::sync::Arc;

use assurance_metrics_model::{Column, Histogram, TimeRange, Timestamp, Value};

use crate::bytes::{put_varint, unzigzag, zigzag};
use crate::packed::{CAPACITY, Packed};

/// Samples in one chunk: an hour at a scrape every 30 s; few enough that reading one sample decodes little.
pub(crate) const MAX_SAMPLES: u32 = 120;

#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    first: Timestamp,
    last: Timestamp,
    count: u32,
    data: Data,
}

#[derive(Clone, Debug)]
enum Data {
    Floats {
        bytes: Vec<u8>,
        last_delta: i64,
        last_bits: u64,
    },
    /// Takes no more samples.
    Packed(Packed),
    Histograms(Vec<(Timestamp, Arc<Histogram>)>),
}

impl Chunk {
    pub(crate) fn new(at: Timestamp, value: &Value) -> Option<Self> {
        let data = match value {
            Value::Float(v) => {
                let mut bytes = Vec::with_capacity(64);
                bytes.extend_from_slice(&v.to_bits().to_le_bytes());
                Data::Floats { bytes, last_delta: 0, last_bits: v.to_bits() }
            }
            Value::Histogram(h) => Data::Histograms(vec![(at, Arc::clone(h))]),
            _ => return None,
        };
        Some(Self { first: at, last: at, count: 1, data })
    }

    /// Appends a sample newer than the last; `false` where the chunk is full or of the other kind.
    pub(crate) fn push(&mut self, at: Timestamp, value: &Value) -> bool {
        debug_assert!(at > self.last, "samples of a series rise in time");
        self.count < MAX_SAMPLES && self.grow(at, value)
    }

    /// As [`Self::push`], past what a chunk in memory may hold.
    fn grow(&mut self, at: Timestamp, value: &Value) -> bool {
        match (&mut self.data, value) {
            (Data::Floats { bytes, last_delta, last_bits }, Value::Float(v)) => {
                // Wraps, and so does the way back: exact also between the ends of the range.
                let delta = at.as_millis().wrapping_sub(self.last.as_millis());
                put_varint(bytes, zigzag(delta.wrapping_sub(*last_delta)));
                put_xor(bytes, v.to_bits() ^ *last_bits);
                *last_delta = delta;
                *last_bits = v.to_bits();
            }
            (Data::Histograms(all), Value::Histogram(h)) => {
                let last = all.last().map(|(_, last)| last);
                let reset_hint = h.hint_after(last.map(Arc::as_ref));
                let known = if reset_hint == h.reset_hint {
                    Arc::clone(h)
                } else {
                    Arc::new(Histogram { reset_hint, ..(**h).clone() })
                };
                // A histogram that stands still is kept once.
                let kept = last.filter(|last| last.same_bits(&known)).map_or(known, Arc::clone);
                all.push((at, kept));
            }
            _ => return false,
        }
        self.last = at;
        self.count += 1;
        true
    }

    /// Samples that rise in time as chunks that are as even as the limit lets them.
    pub(crate) fn build(samples: &[(Timestamp, Value)]) -> Vec<Self> {
        let mut chunks = Vec::new();
        for run in samples.chunk_by(|(_, a), (_, b)| discriminant(a) == discriminant(b)) {
            let pieces = run.len().div_ceil(MAX_SAMPLES as usize);
            for piece in run.chunks(run.len().div_ceil(pieces)) {
                let Some(mut chunk) = piece.first().and_then(|(at, value)| Self::new(*at, value)) else {
                    continue;
                };
                for (at, value) in &piece[1..] {
                    let taken = chunk.push(*at, value);
                    debug_assert!(taken, "a piece is of one kind and fits");
                }
                chunk.seal();
                chunks.push(chunk);
            }
        }
        chunks
    }

    /// Gives back memory kept for growth; for a chunk that takes no more samples.
    pub(crate) fn seal(&mut self) {
        if let Some(packed) = self.packed() {
            self.data = Data::Packed(packed);
            return;
        }
        match &mut self.data {
            Data::Packed(_) => {}
            Data::Floats { bytes, .. } => bytes.shrink_to_fit(),
            Data::Histograms(all) => all.shrink_to_fit(),
        }
    }

    /// A full chunk in fewer bits, if that can be.
    fn packed(&self) -> Option<Packed> {
        let Data::Floats { bytes, .. } = &self.data else { return None };
        if self.count < MAX_SAMPLES {
            return None;
        }
        let (mut times, mut values) = (Vec::new(), Vec::new());
        self.floats(bytes, |at, value| {
            times.push(at.as_millis());
            values.push(value);
            true
        });
        Packed::new(&times, &values).filter(|packed| packed.heap_bytes() <= bytes.len())
    }

    pub(crate) fn first(&self) -> Timestamp {
        self.first
    }

    pub(crate) fn last(&self) -> Timestamp {
        self.last
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Touches what [`Chunk::read`] reads first.
    #[inline]
    pub(crate) fn look(&self) -> u8 {
        match &self.data {
            Data::Floats { bytes, .. } => bytes.first().copied().unwrap_or_default(),
            Data::Packed(packed) => packed.look(),
            Data::Histograms(_) => 0,
        }
    }

    pub(crate) fn last_value(&self) -> Value {
        match &self.data {
            Data::Floats { last_bits, .. } => Value::Float(f64::from_bits(*last_bits)),
            Data::Packed(packed) => {
                let (mut times, mut values) = ([0; CAPACITY], [0.0; CAPACITY]);
                let count = self.count as usize;
                packed.read(&mut times[..count], &mut values[..count]);
                Value::Float(values[count - 1])
            }
            Data::Histograms(all) => Value::Histogram(Arc::clone(&all[all.len() - 1].1)),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match &self.data {
            Data::Floats { bytes, .. } => bytes.capacity(),
            Data::Packed(packed) => packed.heap_bytes(),
            Data::Histograms(all) => all.iter().map(|(_, h)| size_of_val(&**h)).sum(),
        }
    }

    /// Appends the samples inside `range`.
    pub(crate) fn read(&self, range: TimeRange, into: &mut Column) {
        if range.contains(self.first) && range.contains(self.last) {
            return self.read_all(into);
        }
        match &self.data {
            Data::Floats { bytes, .. } => self.floats(bytes, |at, value| {
                if range.contains(at) {
                    into.push_float(at, value);
                }
                at < range.until
            }),
            Data::Packed(packed) => self.packed_floats(packed, Some(range), into),
            Data::Histograms(all) => {
                for (at, histogram) in all.iter().filter(|(at, _)| range.contains(*at)) {
                    into.push(*at, &Value::Histogram(Arc::clone(histogram)));
                }
            }
        }
    }

    /// Appends all samples.
    pub(crate) fn read_all(&self, into: &mut Column) {
        match &self.data {
            Data::Floats { bytes, .. } => self.floats(bytes, |at, value| {
                into.push_float(at, value);
                true
            }),
            Data::Packed(packed) => self.packed_floats(packed, None, into),
            Data::Histograms(all) => {
                for (at, histogram) in all {
                    into.push(*at, &Value::Histogram(Arc::clone(histogram)));
                }
            }
        }
    }

    /// Appends the samples inside `range`, or all.
    fn packed_floats(&self, packed: &Packed, range: Option<TimeRange>, into: &mut Column) {
        // The smaller ones are what memory is full of, and are cleared in a third of the time.
        if self.count <= MAX_SAMPLES {
            self.unpack::<{ MAX_SAMPLES as usize }>(packed, range, into);
        } else {
            self.unpack::<CAPACITY>(packed, range, into);
        }
    }

    fn unpack<const N: usize>(&self, packed: &Packed, range: Option<TimeRange>, into: &mut Column) {
        let (mut times, mut values) = ([0; N], [0.0; N]);
        let count = self.count as usize;
        let (times, values) = (&mut times[..count], &mut values[..count]);
        packed.read(times, values);
        let until = |end: Timestamp| times.partition_point(|at| Timestamp::from_millis(*at) <= end);
        let (from, to) = range.map_or((0, count), |range| (until(range.after), until(range.until)));
        if from < to {
            into.extend_floats(&times[from..to], &values[from..to]);
        }
    }

    /// Gives each float to `each`, until it says `false`.
    #[inline]
    fn floats(&self, bytes: &[u8], mut each: impl FnMut(Timestamp, f64) -> bool) {
        let mut rest = Reader { bytes, at: 8 };
        let mut bits = first_bits(bytes);
        let mut at = self.first.as_millis();
        let mut delta: i64 = 0;
        let mut more = each(self.first, f64::from_bits(bits));
        for _ in 1..self.count {
            if !more {
                return;
            }
            delta = delta.wrapping_add(unzigzag(rest.varint()));
            at = at.wrapping_add(delta);
            bits ^= rest.xor();
            more = each(Timestamp::from_millis(at), f64::from_bits(bits));
        }
    }
}

fn first_bits(bytes: &[u8]) -> u64 {
    let mut head = [0; 8];
    head.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(head)
}

/// Zero is the byte 0. Otherwise the bytes from the first to the last that is not zero.
fn put_xor(out: &mut Vec<u8>, xor: u64) {
    if xor == 0 {
        out.push(0);
        return;
    }
    let above = xor.leading_zeros() / 8;
    let below = xor.trailing_zeros() / 8;
    let width = 8 - above - below;
    out.push((above << 4 | width) as u8);
    let bytes = (xor >> (below * 8)).to_le_bytes();
    out.extend_from_slice(&bytes[..width as usize]);
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    #[inline]
    fn byte(&mut self) -> u8 {
        let byte = self.bytes[self.at];
        self.at += 1;
        byte
    }

    #[inline]
    fn varint(&mut self) -> u64 {
        let first = self.byte();
        if first < 0x80 { u64::from(first) } else { self.long_varint(first) }
    }

    fn long_varint(&mut self, first: u8) -> u64 {
        let mut value = u64::from(first & 0x7f);
        let mut shift = 7;
        loop {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return value;
            }
            shift += 7;
        }
    }

    #[inline]
    fn xor(&mut self) -> u64 {
        let head = self.byte();
        if head == 0 {
            return 0;
        }
        let (above, width) = (u32::from(head >> 4), u32::from(head & 0x0f));
        let word = match self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
            // One load where eight bytes are left; what belongs to the samples after it is cut off.
            Some(eight) => u64::from_le_bytes(*eight) & (u64::MAX >> (64 - 8 * width)),
            None => {
                let mut eight = [0; 8];
                let rest = &self.bytes[self.at..self.at + width as usize];
                eight[..rest.len()].copy_from_slice(rest);
                u64::from_le_bytes(eight)
            }
        };
        self.at += width as usize;
        word << (8 * (8 - above - width))
    }
}
