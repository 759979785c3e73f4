//! The end of a series, which takes samples.

use std::sync::Arc;

use assurance_metrics_model::{Histogram, Timestamp, Value};

use super::{Chunk, Data, Histograms, MAX_SAMPLES, steps};

/// Samples that others follow. It stands in the state of its series: one allocation is all it has.
#[derive(Debug)]
pub(crate) struct Open {
    first: Timestamp,
    last: Timestamp,
    /// The bits of the last float.
    bits: u64,
    data: OpenData,
    tail: steps::Tail,
    count: u16,
}

#[derive(Debug)]
enum OpenData {
    Steps(Vec<u8>),
    /// Copied where a reader holds them.
    Histograms(Histograms),
}

impl Open {
    pub(crate) fn new(at: Timestamp, value: &Value) -> Option<Self> {
        let (mut tail, mut bits) = (steps::Tail::default(), 0);
        let data = match value {
            Value::Float(value) => {
                let mut bytes = steps::buffer();
                tail.put(&mut bytes, &mut bits, 0, *value);
                OpenData::Steps(bytes)
            }
            Value::Histogram(h) => OpenData::Histograms(Arc::new(vec![(at, Arc::clone(h))])),
            _ => return None,
        };
        Some(Self { first: at, last: at, bits, data, tail, count: 1 })
    }

    /// Appends a sample newer than the last; `false` where it is full or of the other kind.
    pub(crate) fn push(&mut self, at: Timestamp, value: &Value) -> bool {
        debug_assert!(at > self.last, "samples of a series rise in time");
        self.count < MAX_SAMPLES && self.grow(at, value)
    }

    /// As [`Self::push`], past what a chunk in memory may hold.
    pub(super) fn grow(&mut self, at: Timestamp, value: &Value) -> bool {
        match (&mut self.data, value) {
            (OpenData::Steps(bytes), Value::Float(value)) => {
                // Wraps, and so does the way back: exact also between the ends of the range.
                let interval = at.as_millis().wrapping_sub(self.last.as_millis());
                self.tail.put(bytes, &mut self.bits, interval, *value);
            }
            (OpenData::Histograms(all), Value::Histogram(h)) => {
                let last = all.last().map(|(_, last)| last);
                let reset_hint = h.hint_after(last.map(Arc::as_ref));
                let known = if reset_hint == h.reset_hint {
                    Arc::clone(h)
                } else {
                    Arc::new(Histogram { reset_hint, ..(**h).clone() })
                };
                // A histogram that stands still is kept once.
                let kept = last.filter(|last| last.same_bits(&known)).map_or(known, Arc::clone);
                Arc::make_mut(all).push((at, kept));
            }
            _ => return false,
        }
        self.last = at;
        self.count += 1;
        true
    }

    pub(crate) fn first(&self) -> Timestamp {
        self.first
    }

    pub(crate) fn last(&self) -> Timestamp {
        self.last
    }

    pub(crate) fn count(&self) -> u16 {
        self.count
    }

    pub(crate) fn last_value(&self) -> Value {
        match &self.data {
            OpenData::Steps(_) => Value::Float(f64::from_bits(self.bits)),
            OpenData::Histograms(all) => Value::Histogram(Arc::clone(&all[all.len() - 1].1)),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match &self.data {
            OpenData::Steps(bytes) => bytes.capacity(),
            OpenData::Histograms(all) => super::histogram_bytes(all),
        }
    }

    /// A copy as it is now: at most a few hundred bytes.
    pub(crate) fn copy(&self) -> Chunk {
        let data = match &self.data {
            OpenData::Steps(bytes) => Data::Steps(bytes.as_slice().into()),
            OpenData::Histograms(all) => Data::Histograms(Arc::clone(all)),
        };
        Chunk { first: self.first, last: self.last, data, count: self.count }
    }

    /// What takes no more samples, in as few bytes as they need.
    pub(crate) fn seal(self) -> Chunk {
        let data = match self.data {
            OpenData::Steps(bytes) => {
                let (times, values) = super::floats(self.count, |each| {
                    steps::read(&bytes, self.first.as_millis(), self.count, each);
                });
                Data::sealed(&times, &values)
            }
            OpenData::Histograms(mut all) => {
                if let Some(all) = Arc::get_mut(&mut all) {
                    all.shrink_to_fit();
                }
                Data::Histograms(all)
            }
        };
        Chunk { first: self.first, last: self.last, data, count: self.count }
    }
}

impl Chunk {
    /// Takes samples again, where there is room for more; `Err` gives the chunk back.
    pub(crate) fn reopen(self) -> Result<Open, Self> {
        if self.count >= MAX_SAMPLES {
            return Err(self);
        }
        let (first, last, count) = (self.first, self.last, self.count);
        let (mut tail, mut bits) = (steps::Tail::default(), 0);
        let data = match self.data {
            Data::Histograms(all) => OpenData::Histograms(all),
            Data::Floats(_) | Data::Steps(_) => {
                let mut steps = steps::buffer();
                let mut before = first.as_millis();
                self.each_float(|at, value| {
                    tail.put(&mut steps, &mut bits, at.wrapping_sub(before), value);
                    before = at;
                    true
                });
                OpenData::Steps(steps)
            }
            Data::Packed(_) => return Err(self),
        };
        Ok(Open { first, last, bits, data, tail, count })
    }
}
