//! What is known of the samples of a chunk without decoding them.

use assurance_metrics_model::{Column, Summary, Timestamp};

use crate::bytes::{Cursor, put_float};

const KNOWN: u8 = 1;
const MIN_IS_FIRST: u8 = 2;
const MAX_IS_LAST: u8 = 4;
const HAS_RESETS: u8 = 8;
const LAST_IS_FIRST: u8 = 16;

/// The values of a [`Summary`]; count and times stand beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Values {
    pub(crate) first: f64,
    pub(crate) last: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) resets: f64,
}

/// What the floats of a column come to, stale markers left out: nothing where there are none. Histograms, and
/// numbers that are none, have no smallest: `Err`.
pub(crate) fn summarise(column: &Column) -> Result<Option<Summary>, ()> {
    if !column.is_float() {
        return Err(());
    }
    let mut summary: Option<Summary> = None;
    for (n, (at, value)) in column.timestamps().iter().zip(column.floats()).enumerate() {
        if column.is_stale(n) {
            continue;
        }
        if value.is_nan() {
            return Err(());
        }
        let one = Summary {
            count: 1,
            first: (*at, *value),
            last: (*at, *value),
            min: *value,
            max: *value,
            resets: 0.0,
        };
        summary = Some(summary.map_or(one, |before| join(before, one)));
    }
    Ok(summary)
}

/// The summary of samples that follow each other.
pub(crate) fn join(before: Summary, after: Summary) -> Summary {
    let fell = if after.first.1 < before.last.1 { before.last.1 } else { 0.0 };
    Summary {
        count: before.count + after.count,
        first: before.first,
        last: after.last,
        min: before.min.min(after.min),
        max: before.max.max(after.max),
        resets: before.resets + fell + after.resets,
    }
}

impl Values {
    /// Those of a whole chunk, if no sample of it is left out.
    pub(crate) fn of(column: &Column) -> Option<Self> {
        let summary = summarise(column).ok().flatten()?;
        (summary.count == column.len() as u64).then_some(Self {
            first: summary.first.1,
            last: summary.last.1,
            min: summary.min,
            max: summary.max,
            resets: summary.resets,
        })
    }

    pub(crate) fn summary(&self, count: u32, first: Timestamp, last: Timestamp) -> Summary {
        Summary {
            count: u64::from(count),
            first: (first, self.first),
            last: (last, self.last),
            min: self.min,
            max: self.max,
            resets: self.resets,
        }
    }

    pub(crate) fn put(values: Option<&Self>, out: &mut Vec<u8>) {
        let Some(values) = values else { return out.push(0) };
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let flags = KNOWN
            | flag(same(values.min, values.first), MIN_IS_FIRST)
            | flag(same(values.max, values.last), MAX_IS_LAST)
            | flag(!same(values.resets, 0.0), HAS_RESETS)
            | flag(same(values.last, values.first), LAST_IS_FIRST);
        out.push(flags);
        put_float(out, values.first);
        let others = [
            (flags & LAST_IS_FIRST == 0, values.last),
            (flags & MIN_IS_FIRST == 0, values.min),
            (flags & MAX_IS_LAST == 0, values.max),
            (flags & HAS_RESETS != 0, values.resets),
        ];
        for (_, value) in others.iter().filter(|(stands, _)| *stands) {
            put_float(out, *value);
        }
    }

    pub(crate) fn read(from: &mut Cursor<'_>) -> Option<Option<Self>> {
        let flags = from.byte()?;
        if flags == 0 {
            return Some(None);
        }
        let first = from.float()?;
        let mut unless = |flag: u8, else_value: f64| {
            if flags & flag == 0 { from.float() } else { Some(else_value) }
        };
        let last = unless(LAST_IS_FIRST, first)?;
        let min = unless(MIN_IS_FIRST, first)?;
        let max = unless(MAX_IS_LAST, last)?;
        let resets = if flags & HAS_RESETS == 0 { 0.0 } else { from.float()? };
        Some(Some(Self { first, last, min, max, resets }))
    }
}
