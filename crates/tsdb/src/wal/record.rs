//! What the records of a log hold.

use std::sync::Arc;

use assurance_metrics_model::{Labels, LabelsBuilder, Timestamp, Value};

use crate::bytes::{Cursor, put_bytes, put_count, put_float, put_signed, put_varint};
use crate::chunk::Chunk;
use crate::histogram::{histogram, put_histogram};
use crate::series::Chunks;

/// Labels of series that a file has not named before; they are numbered in order from `first`.
#[derive(Debug, Default)]
pub(crate) struct Named {
    pub(crate) first: u32,
    pub(crate) labels: Vec<Labels>,
}

impl Named {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(self.first));
        put_count(out, self.labels.len());
        for labels in &self.labels {
            put_labels(out, labels);
        }
    }

    fn read(from: &mut Cursor<'_>) -> Option<Self> {
        let first = from.number()?;
        let count = from.count()?;
        let labels = (0..count).map(|_| labels(from)).collect::<Option<_>>()?;
        Some(Self { first, labels })
    }
}

pub(crate) fn put_labels(out: &mut Vec<u8>, labels: &Labels) {
    put_count(out, labels.len());
    for (name, value) in labels {
        put_bytes(out, name.as_bytes());
        put_bytes(out, value.as_bytes());
    }
}

pub(crate) fn labels(from: &mut Cursor<'_>) -> Option<Labels> {
    let mut builder = LabelsBuilder::new();
    for _ in 0..from.count()? {
        builder.set(from.text()?, from.text()?);
    }
    Some(builder.build())
}

/// One sample: the series' number in its file, its time and value.
pub(crate) type Sample<'a> = (u32, Timestamp, &'a Value);

/// Writes the samples of a commit: their series as runs of numbers, their times as distances from the first
/// one's, the floats, then the histograms.
pub(crate) fn put_samples(out: &mut Vec<u8>, samples: &[Sample<'_>]) {
    let is_float = |sample: &&Sample<'_>| matches!(sample.2, Value::Float(_));
    put_column(out, samples.iter().filter(is_float));
    for (.., value) in samples {
        if let Value::Float(value) = value {
            put_float(out, *value);
        }
    }
    put_column(out, samples.iter().filter(|sample| !is_float(sample)));
    for (.., value) in samples {
        if let Value::Histogram(value) = value {
            put_histogram(out, value);
        }
    }
}

fn put_column<'a>(out: &mut Vec<u8>, samples: impl Iterator<Item = &'a Sample<'a>> + Clone) {
    put_count(out, samples.clone().count());
    let Some((_, base, _)) = samples.clone().next() else { return };
    let mut expected = 0_u32;
    let mut ids = samples.clone().map(|(id, ..)| *id).peekable();
    while let Some(start) = ids.next() {
        let mut length = 1_u32;
        while ids.next_if(|id| start.checked_add(length) == Some(*id)).is_some() {
            length += 1;
        }
        put_signed(out, i64::from(start) - i64::from(expected));
        put_varint(out, u64::from(length));
        expected = start.wrapping_add(length);
    }
    put_signed(out, base.as_millis());
    let same = samples.clone().all(|(_, at, _)| at == base);
    out.push(u8::from(!same));
    if !same {
        for (_, at, _) in samples {
            put_signed(out, at.as_millis().wrapping_sub(base.as_millis()));
        }
    }
}

/// Series' numbers and times.
fn column(from: &mut Cursor<'_>) -> Option<Vec<(u32, Timestamp)>> {
    let count: usize = from.number()?;
    if count == 0 {
        return Some(Vec::new());
    }
    let mut ids: Vec<u32> = Vec::new();
    let mut expected = 0_i64;
    while ids.len() < count {
        let start = u32::try_from(expected.checked_add(from.signed()?)?).ok()?;
        let length: u32 = from.number()?;
        let end = start.checked_add(length)?;
        // A run may be longer than the bytes that tell of it; each of its samples has a byte further on.
        if length == 0 || length as usize > count - ids.len() || length as usize > from.left() {
            return None;
        }
        ids.extend(start..end);
        expected = i64::from(end);
    }
    let base = from.signed()?;
    let same = match from.byte()? {
        0 => true,
        1 => false,
        _ => return None,
    };
    ids.into_iter()
        .map(|id| {
            let distance = if same { 0 } else { from.signed()? };
            Some((id, Timestamp::from_millis(base.wrapping_add(distance))))
        })
        .collect()
}

/// A commit as it was written.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) named: Named,
    pub(crate) samples: Vec<(u32, Timestamp, Value)>,
}

impl Commit {
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let mut from = Cursor::new(body);
        let named = Named::read(&mut from)?;
        let mut samples = Vec::new();
        for (id, at) in column(&mut from)? {
            samples.push((id, at, Value::Float(from.float()?)));
        }
        for (id, at) in column(&mut from)? {
            samples.push((id, at, Value::Histogram(Arc::new(histogram(&mut from)?))));
        }
        from.is_empty().then_some(Self { named, samples })
    }
}

/// Chunks of series, each series whole.
pub(crate) fn put_chunks(out: &mut Vec<u8>, labels: &Labels, chunks: &Chunks) {
    put_labels(out, labels);
    put_count(out, chunks.len());
    let mut bytes = Vec::new();
    for chunk in chunks.iter() {
        bytes.clear();
        chunk.put(&mut bytes);
        put_bytes(out, &bytes);
    }
}

/// Series with their chunks, as a checkpoint holds them.
pub(crate) fn chunks(body: &[u8]) -> Option<Vec<(Labels, Vec<Chunk>)>> {
    let mut from = Cursor::new(body);
    let mut series = Vec::new();
    while !from.is_empty() {
        let labels = labels(&mut from)?;
        let count = from.count()?;
        let chunks = (0..count).map(|_| Chunk::read_from(from.bytes()?)).collect::<Option<_>>()?;
        series.push((labels, chunks));
    }
    Some(series)
}
