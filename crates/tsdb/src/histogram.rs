//! Native histograms as bytes, whole.

use assurance_metrics_model::{Histogram, ResetHint, Span};

use crate::bytes::{Cursor, put_count, put_float, put_signed, put_varint};

pub(crate) fn put_histogram(out: &mut Vec<u8>, histogram: &Histogram) {
    put_signed(out, i64::from(histogram.schema));
    out.push(match histogram.reset_hint {
        ResetHint::Reset => 1,
        ResetHint::NoReset => 2,
        ResetHint::Gauge => 3,
        _ => 0,
    });
    for value in [histogram.zero_threshold, histogram.zero_count, histogram.count, histogram.sum] {
        put_float(out, value);
    }
    for spans in [&histogram.positive_spans, &histogram.negative_spans] {
        put_count(out, spans.len());
        for span in spans {
            put_signed(out, i64::from(span.offset));
            put_varint(out, u64::from(span.length));
        }
    }
    for floats in [&histogram.positive_counts, &histogram.negative_counts, &histogram.bounds] {
        put_count(out, floats.len());
        for value in floats {
            put_float(out, *value);
        }
    }
}

pub(crate) fn histogram(from: &mut Cursor<'_>) -> Option<Histogram> {
    let schema = i32::try_from(from.signed()?).ok()?;
    let reset_hint = match from.byte()? {
        0 => ResetHint::Unknown,
        1 => ResetHint::Reset,
        2 => ResetHint::NoReset,
        3 => ResetHint::Gauge,
        _ => return None,
    };
    let (zero_threshold, zero_count) = (from.float()?, from.float()?);
    let (count, sum) = (from.float()?, from.float()?);
    let (positive_spans, negative_spans) = (spans(from)?, spans(from)?);
    let (positive_counts, negative_counts, bounds) = (floats(from)?, floats(from)?, floats(from)?);
    Some(Histogram {
        schema,
        zero_threshold,
        zero_count,
        count,
        sum,
        positive_spans,
        positive_counts,
        negative_spans,
        negative_counts,
        bounds,
        reset_hint,
    })
}

fn spans(from: &mut Cursor<'_>) -> Option<Vec<Span>> {
    let count = from.count()?;
    (0..count)
        .map(|_| Some(Span { offset: i32::try_from(from.signed()?).ok()?, length: from.number()? }))
        .collect()
}

fn floats(from: &mut Cursor<'_>) -> Option<Vec<f64>> {
    let count = from.count()?;
    (0..count).map(|_| from.float()).collect()
}
