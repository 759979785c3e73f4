//! What is known of the samples of a chunk without decoding them.

use assurance_metrics_model::{Aspect, Column, Summary, Timestamp};

use crate::bytes::{Cursor, put_float, put_signed, put_varint};

const KNOWN: u8 = 1;
const MIN_IS_FIRST: u8 = 2;
const MAX_IS_LAST: u8 = 4;
const FALLS: u8 = 8;
const LAST_IS_FIRST: u8 = 16;
/// What version 1 did not know follows; and where smallest or largest are zero, they have the sign of the first zero.
const COUNTED: u8 = 32;
const SUMMED: u8 = 64;

/// Of a count that version 1 did not write: more than a chunk has samples.
const UNKNOWN: u32 = u32::MAX;

/// The values of a chunk, none of them NaN or a stale marker; their number and times stand beside them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Values {
    first: f64,
    last: f64,
    min: f64,
    max: f64,
    /// The value before the only fall.
    fall: f64,
    /// Of whole numbers, exact; NaN where it is not known.
    sum: f64,
    changes: u32,
    falls: u32,
}

/// The same number, the sign of zero being told apart.
fn is_same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}

impl Values {
    /// Those of a whole chunk, if all that a reader may ask can be told of it.
    pub(crate) fn of(column: &Column) -> Option<Self> {
        let values = column.floats();
        if values.iter().any(|value| value.is_nan()) {
            return None;
        }
        let (summary, sum) = Summary::of(column)?;
        let fall = values.windows(2).find(|pair| pair[1] < pair[0]).map_or(0.0, |pair| pair[0]);
        let falls = u32::try_from(summary.resets).ok()?;
        // A counter's sum is nothing that is asked for, and takes the most bytes; a constant's is known.
        let sum = sum.filter(|_| falls > 0).unwrap_or(f64::NAN);
        let fall = if falls == 1 { fall } else { 0.0 };
        let changes = u32::try_from(summary.changes).ok()?;
        let Summary { first: (_, first), last: (_, last), min, max, .. } = summary;
        Some(Self { first, last, min, max, fall, sum, changes, falls })
    }

    /// Whether an index says of a chunk what its samples come to; what version 1 did not know is not compared.
    pub(crate) fn are_right(told: Option<&Self>, column: &Column) -> bool {
        match (told, Self::of(column)) {
            (None, None) => true,
            (Some(told), Some(found)) if told.changes == UNKNOWN => {
                let ends = is_same(told.first, found.first) && is_same(told.last, found.last);
                let falls = told.falls == UNKNOWN || told.falls == found.falls;
                ends && falls && told.min == found.min && told.max == found.max
            }
            (Some(told), Some(found)) => {
                let bytes = |values: &Self| {
                    let mut out = Vec::new();
                    Self::put(Some(values), &mut out);
                    out
                };
                bytes(told) == bytes(&found)
            }
            _ => false,
        }
    }

    /// What a reader wants to know, and the value before the only fall; `None` where the samples must be read.
    pub(crate) fn summary(
        &self,
        aspect: Aspect,
        count: u32,
        first: Timestamp,
        last: Timestamp,
    ) -> Option<(Summary, Option<f64>)> {
        let count = u64::from(count);
        let sum = self.sum_of(count);
        let is_known = match aspect {
            Aspect::Ends => true,
            Aspect::Extremes => self.changes != UNKNOWN || (self.min != 0.0 && self.max != 0.0),
            Aspect::Changes => self.changes != UNKNOWN,
            Aspect::Resets => self.falls != UNKNOWN,
            Aspect::ResetValues => self.falls <= 1,
            Aspect::Sum => !sum.is_nan(),
        };
        if !is_known {
            return None;
        }
        let summary = Summary {
            count,
            first: (first, self.first),
            last: (last, self.last),
            min: self.min,
            max: self.max,
            changes: u64::from(self.changes),
            resets: u64::from(self.falls),
            sum,
        };
        Some((summary, (self.falls == 1).then_some(self.fall)))
    }

    /// The exact sum, or NaN: also that of a constant, if it is not too large, which is for those to see who add up.
    fn sum_of(&self, count: u64) -> f64 {
        if self.sum.is_nan() && is_same(self.min, self.max) && self.first.fract() == 0.0 {
            return self.first * count as f64;
        }
        self.sum
    }

    pub(crate) fn put(values: Option<&Self>, out: &mut Vec<u8>) {
        let Some(values) = values else { return out.push(0) };
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let flags = KNOWN
            | COUNTED
            | flag(is_same(values.min, values.first), MIN_IS_FIRST)
            | flag(is_same(values.max, values.last), MAX_IS_LAST)
            | flag(values.falls > 0, FALLS)
            | flag(is_same(values.last, values.first), LAST_IS_FIRST)
            | flag(!values.sum.is_nan(), SUMMED);
        out.push(flags);
        put_float(out, values.first);
        let others = [(LAST_IS_FIRST, values.last), (MIN_IS_FIRST, values.min), (MAX_IS_LAST, values.max)];
        for (_, value) in others.iter().filter(|(flag, _)| flags & flag == 0) {
            put_float(out, *value);
        }
        if values.falls > 0 {
            put_varint(out, u64::from(values.falls));
        }
        if values.falls == 1 {
            put_float(out, values.fall);
        }
        if !is_same(values.min, values.max) {
            put_varint(out, u64::from(values.changes));
        }
        if flags & SUMMED != 0 {
            #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
            put_signed(out, values.sum as i64);
        }
    }

    pub(crate) fn read(from: &mut Cursor<'_>) -> Option<Option<Self>> {
        let flags = from.byte()?;
        if flags == 0 {
            return Some(None);
        }
        let has = |flag: u8| flags & flag != 0;
        let first = from.float()?;
        let mut unless = |flag: u8, else_value: f64| {
            if has(flag) { Some(else_value) } else { from.float() }
        };
        let last = unless(LAST_IS_FIRST, first)?;
        let min = unless(MIN_IS_FIRST, first)?;
        let max = unless(MAX_IS_LAST, last)?;
        let mut values =
            Self { first, last, min, max, fall: 0.0, sum: f64::NAN, changes: UNKNOWN, falls: UNKNOWN };
        if !has(COUNTED) {
            // The sum of what stood before each fall: none fell if there is none, and nothing is below zero.
            let resets = if has(FALLS) { from.float()? } else { 0.0 };
            if resets == 0.0 && min >= 0.0 {
                values.falls = 0;
            }
            return Some(Some(values));
        }
        values.falls = if has(FALLS) { from.number()? } else { 0 };
        if values.falls == 1 {
            values.fall = from.float()?;
        }
        values.changes = if is_same(min, max) { 0 } else { from.number()? };
        if has(SUMMED) {
            values.sum = from.signed()? as f64;
        }
        Some(Some(values))
    }
}

#[cfg(test)]
mod tests {
    use assurance_metrics_model::{Column, Timestamp, stale_nan};
    use proptest::prelude::*;

    use super::{UNKNOWN, Values};
    use crate::bytes::Cursor;

    fn column(values: &[f64]) -> Column {
        let mut column = Column::new();
        for (n, value) in (0..).zip(values) {
            column.push_float(Timestamp::from_secs(n), *value);
        }
        column
    }

    fn of(values: &[f64]) -> Option<Values> {
        Values::of(&column(values))
    }

    fn bytes_of(values: Option<&Values>) -> Vec<u8> {
        let mut out = Vec::new();
        Values::put(values, &mut out);
        out
    }

    #[test]
    fn a_summary_takes_few_bytes() {
        let bytes = |values: &[f64]| bytes_of(of(values).as_ref()).len();
        assert_eq!(bytes(&[1.0; 9]), 2, "a constant");
        assert_eq!(bytes(&[70_000.0, 70_001.0, 70_002.0]), 1 + 3 + 3 + 1, "a counter");
        assert_eq!(bytes(&[5.0, 7.0, 1.0, 2.0]), 1 + 4 + 2 + 1 + 1, "a counter that starts anew");
        assert_eq!(bytes(&[0.5, 0.25, 0.75, 0.25]), 1 + 4 * 2 + 1 + 1, "a gauge");
    }

    #[test]
    fn what_cannot_be_told_is_not() {
        for odd in [f64::NAN, stale_nan()] {
            assert_eq!(of(&[1.0, odd]), None);
        }
        assert!(of(&[-0.0, 1.0, 0.0]).is_some_and(|values| values.min.is_sign_negative()));
        assert!(of(&[1.0, 0.0, -0.0]).is_some_and(|values| values.min.is_sign_positive()));
        assert!(of(&[f64::INFINITY, f64::NEG_INFINITY]).is_some_and(|values| values.sum.is_nan()));
        assert!(of(&[2.0, 1.0]).is_some_and(|values| values.sum == 3.0));
        assert!(of(&[2.0, 1.5]).is_some_and(|values| values.sum.is_nan()));
        assert!(of(&[9e15, 9e15, 0.0]).is_some_and(|values| values.sum.is_nan()));
    }

    #[test]
    fn version_1_is_read() {
        // First, last, smallest and largest, and the sum of what stood before falls.
        let read = |bytes: &[u8]| Values::read(&mut Cursor::new(bytes)).flatten();
        let falling = read(&[1 | 8, 5, 4, 1, 9, 14]).map(|values| (values.falls, values.changes));
        assert_eq!(falling, Some((UNKNOWN, UNKNOWN)));
        let rising = read(&[1 | 2 | 4, 5, 9]).map(|values| (values.falls, values.min, values.max));
        assert_eq!(rising, Some((0, 5.0, 9.0)));
    }

    #[test]
    fn wrong_summaries_are_told_from_right_ones() {
        let read = |bytes: &[u8]| Values::read(&mut Cursor::new(bytes)).flatten();
        let samples = [5.0, 9.0, 1.0, 4.0];
        let old = read(&[1 | 8, 5, 4, 1, 9, 9]);
        for right in [of(&samples), old] {
            assert!(Values::are_right(right.as_ref(), &column(&samples)));
            for others in [[5.0, 9.0, 1.0, 3.0], [5.0, 8.0, 1.0, 4.0], [5.0, 9.0, 2.0, 4.0]] {
                assert!(!Values::are_right(right.as_ref(), &column(&others)));
            }
        }
        assert!(
            !Values::are_right(of(&samples).as_ref(), &column(&[5.0, 9.0, 9.0, 1.0, 4.0])),
            "another sum"
        );
        assert!(!Values::are_right(None, &column(&samples)));
        assert!(Values::are_right(None, &column(&[stale_nan()])));
    }

    proptest! {
        #[test]
        fn what_is_put_is_read_back(values in prop::collection::vec(-3_i32..40, 1..20), scale in 1..3) {
            let values: Vec<f64> = values.iter().map(|value| f64::from(*value) / f64::from(scale)).collect();
            let put = of(&values);
            let bytes = bytes_of(put.as_ref());
            let mut from = Cursor::new(&bytes);
            let read = Values::read(&mut from).flatten();
            prop_assert!(from.is_empty());
            // Not compared as they are: NaN differs from itself.
            prop_assert_eq!(format!("{put:?}"), format!("{read:?}"));
        }
    }
}
