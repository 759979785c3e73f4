//! Up to [`MAX_SAMPLES`] samples of one series, packed.
//!
//! The newest samples of a series are [`Open`] and written as steps ([`steps`]). A chunk that is full is written
//! anew in fewer bits, where its values are decimals ([`crate::packed`]), and as what differs from value to
//! value where not ([`xor`]): both as they stand in files. Histograms stand as they are.

mod file;
mod open;
mod steps;
mod xor;

pub(crate) use file::kind_of;

use std::mem::discriminant;
use std::sync::Arc;

use assurance_metrics_model::{Column, Histogram, TimeRange, Timestamp, Value};

pub(crate) use self::open::Open;
use crate::packed::{CAPACITY, Packed};

/// Samples in one chunk: an hour at a scrape every 30 s; few enough that reading one sample decodes little.
pub(crate) const MAX_SAMPLES: u16 = 120;

type Histograms = Arc<Vec<(Timestamp, Arc<Histogram>)>>;

/// Samples that no others follow. A clone shares them.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    first: Timestamp,
    last: Timestamp,
    data: Data,
    count: u16,
}

#[derive(Clone, Debug)]
enum Data {
    /// A copy of what is still open.
    Steps(Arc<[u8]>),
    Floats(Arc<[u8]>),
    Packed(Packed),
    Histograms(Histograms),
}

impl Data {
    fn sealed(times: &[i64], values: &[f64]) -> Self {
        let mut bytes = Vec::with_capacity(size_of_val(values));
        xor::put_floats(&mut bytes, times, values);
        // A short chunk may yet be joined with others, or take more.
        let packed = if values.len() < usize::from(MAX_SAMPLES) { None } else { Packed::new(times, values) };
        match packed.filter(|packed| packed.file_bytes() <= bytes.len()) {
            Some(packed) => Self::Packed(packed),
            None => Self::Floats(bytes.into()),
        }
    }
}

/// Collects floats.
fn floats(count: u16, read: impl FnOnce(&mut dyn FnMut(i64, f64) -> bool)) -> (Vec<i64>, Vec<f64>) {
    let count = usize::from(count);
    let (mut times, mut values) = (Vec::with_capacity(count), Vec::with_capacity(count));
    read(&mut |at, value| {
        times.push(at);
        values.push(value);
        true
    });
    (times, values)
}

fn histogram_bytes(all: &Histograms) -> usize {
    all.capacity() * size_of::<(Timestamp, Arc<Histogram>)>()
        + all.iter().map(|(_, h)| size_of_val(&**h)).sum::<usize>()
}

impl Chunk {
    /// Samples that rise in time as chunks that are as even as the limit lets them.
    pub(crate) fn build(samples: &[(Timestamp, Value)]) -> Vec<Self> {
        let mut chunks = Vec::new();
        for run in samples.chunk_by(|(_, a), (_, b)| discriminant(a) == discriminant(b)) {
            let pieces = run.len().div_ceil(MAX_SAMPLES.into());
            for piece in run.chunks(run.len().div_ceil(pieces)) {
                let Some(mut open) = piece.first().and_then(|(at, value)| Open::new(*at, value)) else {
                    continue;
                };
                for (at, value) in &piece[1..] {
                    let taken = open.push(*at, value);
                    debug_assert!(taken, "a piece is of one kind and fits");
                }
                chunks.push(open.seal());
            }
        }
        chunks
    }

    pub(crate) fn first(&self) -> Timestamp {
        self.first
    }

    pub(crate) fn last(&self) -> Timestamp {
        self.last
    }

    pub(crate) fn count(&self) -> u32 {
        self.count.into()
    }

    /// Touches what [`Chunk::read`] reads first.
    #[inline]
    pub(crate) fn look(&self) -> u8 {
        match &self.data {
            Data::Floats(bytes) | Data::Steps(bytes) => bytes.first().copied().unwrap_or_default(),
            Data::Packed(packed) => packed.look(),
            Data::Histograms(_) => 0,
        }
    }

    pub(crate) fn last_value(&self) -> Value {
        if let Data::Histograms(all) = &self.data {
            return Value::Histogram(Arc::clone(&all[all.len() - 1].1));
        }
        let mut last = f64::NAN;
        self.each_float(|_, value| {
            last = value;
            true
        });
        Value::Float(last)
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match &self.data {
            // Two reference counts stand before the bytes.
            Data::Floats(bytes) | Data::Steps(bytes) => bytes.len() + 2 * size_of::<usize>(),
            Data::Packed(packed) => packed.heap_bytes(),
            Data::Histograms(all) => histogram_bytes(all),
        }
    }

    /// Appends the samples inside `range`.
    pub(crate) fn read(&self, range: TimeRange, into: &mut Column) {
        if range.contains(self.first) && range.contains(self.last) {
            return self.read_all(into);
        }
        match &self.data {
            Data::Packed(packed) => self.packed_floats(packed, Some(range), into),
            Data::Floats(_) | Data::Steps(_) => self.each_float(|at, value| {
                let at = Timestamp::from_millis(at);
                if range.contains(at) {
                    into.push_float(at, value);
                }
                at < range.until
            }),
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
            Data::Packed(packed) => self.packed_floats(packed, None, into),
            Data::Floats(_) | Data::Steps(_) => self.each_float(|at, value| {
                into.push_float(Timestamp::from_millis(at), value);
                true
            }),
            Data::Histograms(all) => {
                for (at, histogram) in all.iter() {
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
        let count = usize::from(self.count);
        let (times, values) = (&mut times[..count], &mut values[..count]);
        packed.read(self.first.as_millis(), times, values);
        let until = |end: Timestamp| times.partition_point(|at| Timestamp::from_millis(*at) <= end);
        let (from, to) = range.map_or((0, count), |range| (until(range.after), until(range.until)));
        if from < to {
            into.extend_floats(&times[from..to], &values[from..to]);
        }
    }

    /// Gives each float to `each`, until it says `false`; histograms have none.
    #[inline]
    fn each_float(&self, mut each: impl FnMut(i64, f64) -> bool) {
        let first = self.first.as_millis();
        match &self.data {
            Data::Floats(bytes) => xor::read(bytes, first, self.count, each),
            Data::Steps(bytes) => steps::read(bytes, first, self.count, each),
            Data::Packed(packed) => {
                let (mut times, mut values) = ([0; CAPACITY], [0.0; CAPACITY]);
                let count = usize::from(self.count);
                packed.read(first, &mut times[..count], &mut values[..count]);
                let _all = times[..count].iter().zip(&values).all(|(at, value)| each(*at, *value));
            }
            Data::Histograms(_) => {}
        }
    }
}
