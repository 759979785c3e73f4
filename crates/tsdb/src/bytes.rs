//! Numbers as bytes, and back with every bound checked.

use assurance_metrics_model::{STALE_NAN_BITS, stale_nan};

use crate::packed::whole;

pub(crate) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

pub(crate) const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// Seven bits a byte, the lowest first; the top bit says that more follow.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, zigzag(value));
}

pub(crate) fn put_count(out: &mut Vec<u8>, count: usize) {
    put_varint(out, count as u64);
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_count(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// A tag from here on has an exponent and a number of bytes: `DECIMAL + 7 * exponent + bytes - 1`.
const DECIMAL: u8 = 128;
/// Largest power of ten tried: with more digits a number is as long as its eight bytes.
const MAX_EXPONENT: u8 = 9;
const WIDEST: u8 = 7;
/// From here on, what most counters and latencies are takes a byte less: the tag has the highest bits of a whole
/// number, two bytes the others.
const SHORT: u8 = 198;
/// From here on the number is of thousandths.
const SHORT_MILLI: u8 = 230;
const STALE: u8 = 254;
const RAW: u8 = 255;

/// A float that stands for itself: a small whole number as one byte, a decimal as its digits, anything else,
/// to the bit, as eight bytes.
pub(crate) fn put_float(out: &mut Vec<u8>, value: f64) {
    if value.to_bits() == STALE_NAN_BITS {
        return out.push(STALE);
    }
    let decimal = (0..=MAX_EXPONENT).find_map(|exponent| Some((exponent, whole(value, exponent)?)));
    if let Some((exponent, number)) = decimal {
        if exponent == 0 && (0..i64::from(DECIMAL)).contains(&number) {
            return out.push(number.to_le_bytes()[0]);
        }
        let digits = zigzag(number);
        let bytes = (8 - digits.leading_zeros() / 8).max(1) as u8;
        if bytes == 3
            && let Some(tag) = short_tag(number, exponent)
        {
            out.push(tag);
            return out.extend_from_slice(&number.to_le_bytes()[..2]);
        }
        if bytes <= WIDEST {
            out.push(DECIMAL + WIDEST * exponent + bytes - 1);
            return out.extend_from_slice(&digits.to_le_bytes()[..usize::from(bytes)]);
        }
    }
    out.push(RAW);
    out.extend_from_slice(&value.to_le_bytes());
}

/// The tag of a number that two more bytes complete.
fn short_tag(number: i64, exponent: u8) -> Option<u8> {
    let high = u8::try_from(number >> 16).ok()?;
    match exponent {
        0 => Some(SHORT.saturating_add(high)).filter(|tag| *tag < SHORT_MILLI),
        3 => Some(SHORT_MILLI.saturating_add(high)).filter(|tag| *tag < STALE),
        _ => None,
    }
}

/// Reads what was put; `None` means that it is not there as it should be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes that are left.
    pub(crate) fn left(self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.take(4)?.first_chunk()?))
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(*self.take(8)?.first_chunk()?))
    }

    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        self.varint().map(unzigzag)
    }

    /// A number of things that take at least one byte each: never more than could follow.
    pub(crate) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.varint()?).ok()?;
        (count <= self.rest.len()).then_some(count)
    }

    /// A number that is not followed by as many bytes.
    pub(crate) fn number<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(self.varint()?).ok()
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let count = self.count()?;
        self.take(count)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        str::from_utf8(self.bytes()?).ok()
    }

    pub(crate) fn float(&mut self) -> Option<f64> {
        match self.byte()? {
            tag @ 0..DECIMAL => Some(f64::from(tag)),
            STALE => Some(stale_nan()),
            RAW => Some(f64::from_bits(self.u64()?)),
            tag @ SHORT.. => {
                let (high, exponent) =
                    if tag < SHORT_MILLI { (tag - SHORT, 0) } else { (tag - SHORT_MILLI, 3) };
                let low = u16::from_le_bytes(*self.take(2)?.first_chunk()?);
                Some(crate::packed::decimal(i64::from(high) << 16 | i64::from(low), exponent))
            }
            tag => {
                let (exponent, bytes) = ((tag - DECIMAL) / WIDEST, (tag - DECIMAL) % WIDEST + 1);
                let mut digits = [0; 8];
                digits[..usize::from(bytes)].copy_from_slice(self.take(usize::from(bytes))?);
                let number = unzigzag(u64::from_le_bytes(digits));
                (exponent <= MAX_EXPONENT).then(|| crate::packed::decimal(number, exponent))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Cursor, put_float, put_signed, put_varint};

    fn float_bytes(value: f64) -> usize {
        let mut out = Vec::new();
        put_float(&mut out, value);
        let mut cursor = Cursor::new(&out);
        assert_eq!(cursor.float().map(f64::to_bits), Some(value.to_bits()), "{value}");
        assert!(cursor.is_empty());
        out.len()
    }

    #[test]
    fn floats_take_the_bytes_of_their_digits() {
        let odd = [f64::NAN, -0.0, f64::INFINITY, f64::MIN_POSITIVE, 1.0 / 3.0, 9e300];
        assert_eq!(odd.map(float_bytes), [9; 6]);
        assert_eq!([0.0, 1.0, 127.0, f64::from_bits(0x7ff0_0000_0000_0002)].map(float_bytes), [1; 4]);
        assert_eq!([2_097_151.0, 1_572.863, 500_000.0, 32_768.0, 32.768].map(float_bytes), [3; 5]);
        assert_eq!([2_097_152.0, 1_572.864, -500_000.0, 327.68].map(float_bytes), [4; 4]);
        assert_eq!([128.0, -1.0, 0.25, 123_456.0, 1_700_000_000.123].map(float_bytes), [3, 2, 2, 3, 7]);
    }

    proptest! {
        #[test]
        fn what_is_put_is_read_back(value: f64, whole: i32, unsigned: u64, signed: i64) {
            float_bytes(value);
            float_bytes(f64::from(whole) / 1000.0);
            float_bytes(f64::from(whole >> 10));
            float_bytes(f64::from(whole >> 10) / 1000.0);
            let mut out = Vec::new();
            put_varint(&mut out, unsigned);
            put_signed(&mut out, signed);
            let mut cursor = Cursor::new(&out);
            prop_assert_eq!((cursor.varint(), cursor.signed()), (Some(unsigned), Some(signed)));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut cursor = Cursor::new(&bytes);
            while cursor.float().is_some() && cursor.varint().is_some() && cursor.text().is_some() {}
        }
    }
}
