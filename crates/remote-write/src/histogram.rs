//! Native histograms: integer ones come as deltas, float ones as counts; both become float counts.

use std::sync::Arc;

use assurance_metrics_model::{Histogram, ResetHint, Span, Timestamp};

use crate::wire::{Payload, Reader, Writer, unzigzag, zigzag};
use crate::{DecodeError, HistogramFault, WireFault};

/// How many buckets, spans and bounds may still be read.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) left: usize,
    pub(crate) limit: usize,
}

impl Budget {
    fn spend(&mut self) -> Result<(), DecodeError> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(DecodeError::TooMany { what: "histogram buckets", limit: self.limit }),
        }
    }
}

/// A `prometheus.Histogram` as it stands in a message.
#[derive(Debug, Default)]
struct Raw {
    /// Whether the counts are floats, and what they are.
    count: Count,
    zero: Count,
    positive_deltas: Vec<i64>,
    negative_deltas: Vec<i64>,
    at: i64,
    /// Spans, float counts, bounds and all else.
    parts: Histogram,
}

#[derive(Clone, Copy, Debug)]
enum Count {
    Integer(u64),
    Float(f64),
}

impl Default for Count {
    fn default() -> Self {
        Self::Integer(0)
    }
}

/// Reads one histogram. The outer error is the message's, the inner one the histogram's own.
pub(crate) fn read(
    reader: Reader<'_>,
    budget: &mut Budget,
) -> Result<(Timestamp, Result<Arc<Histogram>, HistogramFault>), DecodeError> {
    let raw = read_raw(reader, budget)?;
    let at = Timestamp::from_millis(raw.at);
    Ok((at, raw.finish().map(Arc::new)))
}

fn read_raw(mut reader: Reader<'_>, budget: &mut Budget) -> Result<Raw, DecodeError> {
    let mut raw = Raw::default();
    let parts = &mut raw.parts;
    while let Some((field, payload)) = reader.field()? {
        match field {
            1 => raw.count = Count::Integer(reader.number(field, payload)?),
            2 => raw.count = Count::Float(reader.double(field, payload)?),
            3 => parts.sum = reader.double(field, payload)?,
            4 => parts.schema = int32(unzigzag(reader.number(field, payload)?)),
            5 => parts.zero_threshold = reader.double(field, payload)?,
            6 => raw.zero = Count::Integer(reader.number(field, payload)?),
            7 => raw.zero = Count::Float(reader.double(field, payload)?),
            8 => parts.negative_spans.push(span(reader.message(field, payload, "span")?, budget)?),
            9 => deltas(&reader, field, payload, &mut raw.negative_deltas, budget)?,
            10 => doubles(&reader, field, payload, &mut parts.negative_counts, budget)?,
            11 => parts.positive_spans.push(span(reader.message(field, payload, "span")?, budget)?),
            12 => deltas(&reader, field, payload, &mut raw.positive_deltas, budget)?,
            13 => doubles(&reader, field, payload, &mut parts.positive_counts, budget)?,
            14 => {
                parts.reset_hint = match reader.number(field, payload)? {
                    1 => ResetHint::Reset,
                    2 => ResetHint::NoReset,
                    3 => ResetHint::Gauge,
                    // A hint that is not known yet says nothing.
                    _ => ResetHint::Unknown,
                }
            }
            15 => raw.at = reader.number(field, payload)?.cast_signed(),
            16 => doubles(&reader, field, payload, &mut parts.bounds, budget)?,
            _ => {}
        }
    }
    Ok(raw)
}

fn span(mut reader: Reader<'_>, budget: &mut Budget) -> Result<Span, DecodeError> {
    budget.spend()?;
    let mut span = Span { offset: 0, length: 0 };
    while let Some((field, payload)) = reader.field()? {
        match field {
            1 => span.offset = int32(unzigzag(reader.number(field, payload)?)),
            2 => span.length = (reader.number(field, payload)? & 0xffff_ffff) as u32,
            _ => {}
        }
    }
    Ok(span)
}

/// Protobuf cuts numbers that are too long for their field.
#[expect(clippy::cast_possible_truncation, reason = "as protobuf reads a 32-bit field")]
const fn int32(value: i64) -> i32 {
    value as i32
}

/// Numbers of a repeated field: one, or many packed.
fn deltas<'a>(
    reader: &Reader<'a>,
    field: u32,
    payload: Payload<'a>,
    into: &mut Vec<i64>,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    let mut packed = match payload {
        Payload::Varint(value) => {
            budget.spend()?;
            into.push(unzigzag(value));
            return Ok(());
        }
        Payload::Bytes(packed) => packed,
        _ => return Err(reader.fault(WireFault::FieldType { field })),
    };
    while !packed.is_empty() {
        budget.spend()?;
        into.push(unzigzag(packed.varint()?));
    }
    Ok(())
}

fn doubles<'a>(
    reader: &Reader<'a>,
    field: u32,
    payload: Payload<'a>,
    into: &mut Vec<f64>,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    let mut packed = match payload {
        Payload::Fixed64(bits) => {
            budget.spend()?;
            into.push(f64::from_bits(bits));
            return Ok(());
        }
        Payload::Bytes(packed) => packed,
        _ => return Err(reader.fault(WireFault::FieldType { field })),
    };
    while !packed.is_empty() {
        budget.spend()?;
        into.push(f64::from_bits(packed.fixed64()?));
    }
    Ok(())
}

impl Raw {
    #[expect(clippy::cast_precision_loss, reason = "float counts are what the engine computes with")]
    fn finish(self) -> Result<Histogram, HistogramFault> {
        let Self { count, zero, positive_deltas, negative_deltas, mut parts, at: _ } = self;
        match count {
            Count::Float(count) => {
                parts.count = count;
                parts.zero_count = match zero {
                    Count::Float(zero) => zero,
                    Count::Integer(zero) => zero as f64,
                };
            }
            Count::Integer(count) => {
                // As Prometheus does, a float zero count is none here.
                let zero = match zero {
                    Count::Integer(zero) => zero,
                    Count::Float(_) => 0,
                };
                let mut sum = u128::from(zero);
                parts.positive_counts = counts("positive", &positive_deltas, &mut sum)?;
                parts.negative_counts = counts("negative", &negative_deltas, &mut sum)?;
                // NaN observations are counted and lie in no bucket.
                let fits =
                    if parts.sum.is_nan() { sum <= u128::from(count) } else { sum == u128::from(count) };
                if !fits {
                    return Err(HistogramFault::Sum { buckets: sum, count });
                }
                parts.count = count as f64;
                parts.zero_count = zero as f64;
            }
        }
        for (part, value) in [("count", parts.count), ("zero count", parts.zero_count)] {
            if value < 0.0 {
                return Err(HistogramFault::Negative { part, value });
            }
        }
        parts.validate()?;
        reach("positive", &parts.positive_spans)?;
        reach("negative", &parts.negative_spans)?;
        Ok(parts)
    }
}

/// The first delta is the first count, the others are to the count before.
#[expect(clippy::cast_precision_loss, reason = "float counts are what the engine computes with")]
fn counts(side: &'static str, deltas: &[i64], sum: &mut u128) -> Result<Vec<f64>, HistogramFault> {
    let mut count: i64 = 0;
    let step = |(index, delta): (usize, &i64)| {
        let next = count.checked_add(*delta).and_then(|next| u64::try_from(next).ok());
        let next = next.ok_or(HistogramFault::Delta { side, index })?;
        count = next.cast_signed();
        *sum += u128::from(next);
        Ok(next as f64)
    };
    deltas.iter().enumerate().map(step).collect()
}

/// Every bucket must have a number: the engine counts in 32 bits.
fn reach(side: &'static str, spans: &[Span]) -> Result<(), HistogramFault> {
    let mut end: i32 = 0;
    for (index, span) in spans.iter().enumerate() {
        let next = end.checked_add(span.offset).and_then(|begin| begin.checked_add_unsigned(span.length));
        end = next.ok_or(HistogramFault::Reach { side, index })?;
    }
    Ok(())
}

/// Writes a histogram, its counts as deltas where that is asked for and they are whole.
pub(crate) fn write(writer: &mut Writer, at: Timestamp, histogram: &Histogram, integer: bool) {
    let whole = if integer { Whole::of(histogram) } else { None };
    match &whole {
        Some(whole) => writer.always_number(1, whole.count),
        None => writer.always_double(2, histogram.count),
    }
    writer.double(3, histogram.sum);
    writer.number(4, zigzag(i64::from(histogram.schema)));
    writer.double(5, histogram.zero_threshold);
    match &whole {
        Some(whole) => writer.always_number(6, whole.zero),
        None => writer.always_double(7, histogram.zero_count),
    }
    spans(writer, 8, &histogram.negative_spans);
    match &whole {
        Some(whole) => packed_deltas(writer, 9, &whole.negative),
        None => packed_doubles(writer, 10, &histogram.negative_counts),
    }
    spans(writer, 11, &histogram.positive_spans);
    match &whole {
        Some(whole) => packed_deltas(writer, 12, &whole.positive),
        None => packed_doubles(writer, 13, &histogram.positive_counts),
    }
    let hint = match histogram.reset_hint {
        ResetHint::Reset => 1,
        ResetHint::NoReset => 2,
        ResetHint::Gauge => 3,
        _ => 0,
    };
    writer.number(14, hint);
    writer.number(15, at.as_millis().cast_unsigned());
    packed_doubles(writer, 16, &histogram.bounds);
}

/// The counts of a histogram as integers, where they are.
struct Whole {
    count: u64,
    zero: u64,
    positive: Vec<i64>,
    negative: Vec<i64>,
}

impl Whole {
    fn of(histogram: &Histogram) -> Option<Self> {
        let whole = Self {
            count: integer(histogram.count)?,
            zero: integer(histogram.zero_count)?,
            positive: to_deltas(&histogram.positive_counts)?,
            negative: to_deltas(&histogram.negative_counts)?,
        };
        let buckets: f64 = histogram.positive_counts.iter().chain(&histogram.negative_counts).sum();
        let sum = buckets + histogram.zero_count;
        let fits = if histogram.sum.is_nan() { sum <= histogram.count } else { sum == histogram.count };
        fits.then_some(whole)
    }
}

/// Below 2^53 every whole float is an integer of its own.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be whole and in range"
)]
fn integer(value: f64) -> Option<u64> {
    const END: f64 = 9_007_199_254_740_992.0;
    ((0.0..END).contains(&value) && value.fract() == 0.0).then_some(value as u64)
}

fn to_deltas(counts: &[f64]) -> Option<Vec<i64>> {
    let mut before = 0;
    let step = |count: &f64| {
        let count = integer(*count)?.cast_signed();
        let delta = count - before;
        before = count;
        Some(delta)
    };
    counts.iter().map(step).collect()
}

fn spans(writer: &mut Writer, field: u32, spans: &[Span]) {
    for span in spans {
        let mut inside = Writer::default();
        inside.number(1, zigzag(i64::from(span.offset)));
        inside.number(2, u64::from(span.length));
        writer.field(field, &inside.bytes);
    }
}

fn packed_deltas(writer: &mut Writer, field: u32, deltas: &[i64]) {
    if !deltas.is_empty() {
        let mut inside = Writer::default();
        deltas.iter().for_each(|delta| inside.varint(zigzag(*delta)));
        writer.field(field, &inside.bytes);
    }
}

fn packed_doubles(writer: &mut Writer, field: u32, values: &[f64]) {
    if !values.is_empty() {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_bits().to_le_bytes()).collect();
        writer.field(field, &bytes);
    }
}
