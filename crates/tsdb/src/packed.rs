//! A full chunk of floats that are decimals with few digits: as whole numbers, in as few bits as they need.
//!
//! Values become whole numbers by a power of ten, times the distances between them. Each is written as what
//! it exceeds the smallest of the chunk by, or as its distance from the one before, whichever needs fewer
//! bits: all in the same number of bits, so that reading is a loop without a branch. The few values that cannot
//! be written so and read back to the bit, stale markers among them, stand beside as they are; a chunk with
//! more of them stays as it was.

use std::sync::Arc;

use crate::bytes::{Cursor, put_count, put_signed, put_varint};

/// Most samples of a chunk: four of those in memory, which a file may join into one.
pub(crate) const CAPACITY: usize = 480;

/// Most values that are no decimals, for one that is: 16 bytes each in memory.
const MAX_EXCEPTIONS: usize = 8;

/// Largest power of ten that values are multiplied by: nanounits.
pub(crate) const MAX_EXPONENT: u8 = 9;

/// Whole numbers up to here are exact in a float.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// Widest numbers that one load of eight bytes holds at any bit: 64 - 7.
const MAX_WIDTH: u32 = 57;

/// What stands before exceptions and bits takes less, but for numbers that are very large.
const HEAD_BYTES: usize = 24;

/// A full chunk of floats: one allocation, shared with whoever reads, of the bytes that stand in files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed(Arc<[u8]>);

/// What the first bytes of a chunk say of the others.
#[derive(Debug)]
struct View<'a> {
    times: Run,
    values: Run,
    /// Values are whole numbers divided by ten to this power.
    exponent: u8,
    /// Values that are no such numbers: where, and their bits.
    exceptions: Exceptions<'a>,
    /// The numbers of the times, then those of the values.
    bits: &'a [u8],
}

#[derive(Clone, Debug)]
struct Exceptions<'a> {
    left: usize,
    from: Cursor<'a>,
}

impl Iterator for Exceptions<'_> {
    type Item = (usize, u64);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some((self.from.number()?, self.from.u64()?))
    }
}

/// Numbers of equal width.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The first number, or the smallest, where they are no distances.
    base: i64,
    /// The smallest distance; zero where they are none.
    least: i64,
    /// Bits of each.
    width: u8,
    /// Whether each is the distance from the one before.
    distances: bool,
    /// The bit at which it begins.
    from: u32,
}

impl Packed {
    /// `None` where too many of the samples are no decimals of few digits, or would need too many bits.
    pub(crate) fn new(times: &[i64], values: &[f64]) -> Option<Self> {
        let Decimals { exponent, whole, exceptions } = Decimals::new(values)?;
        let mut bits = Bits::default();
        let times = bits.distances(times)?;
        let raw = Width::of_numbers(&whole)?;
        let stepped = Width::of_distances(&whole);
        let values = match stepped {
            Some(stepped) if stepped.width < raw.width => bits.distances(&whole)?,
            _ => bits.numbers(&whole, raw),
        };
        let bits = bits.finish();
        let mut out = Vec::with_capacity(bits.len() + HEAD_BYTES + exceptions.len() * 10);
        out.extend_from_slice(&[exponent, times.width]);
        put_signed(&mut out, times.least);
        out.push(values.width << 1 | u8::from(values.distances));
        put_signed(&mut out, values.base);
        if values.distances {
            put_signed(&mut out, values.least);
        }
        put_count(&mut out, exceptions.len());
        for (place, bits) in exceptions {
            put_varint(&mut out, u64::from(place));
            out.extend_from_slice(&bits.to_le_bytes());
        }
        out.extend_from_slice(&bits);
        Some(Self(out.into()))
    }

    /// Appends what tells how to read the bits, then the bits.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    /// What [`Self::put`] wrote, to the end; the first time and the count stand before it.
    pub(crate) fn read_from(from: &mut Cursor<'_>, first: i64, count: usize) -> Option<Self> {
        let bytes = from.take(from.left())?;
        let view = View::new(bytes, first, count)?;
        let wide = u32::from(view.times.width).max(u32::from(view.values.width)) > MAX_WIDTH;
        let numbers = count - usize::from(view.values.distances);
        let expected = (view.values.from as usize + usize::from(view.values.width) * numbers).div_ceil(8);
        let places = view.exceptions.clone().all(|(place, _)| place < count);
        let sound = places && !wide && view.exponent <= MAX_EXPONENT && view.bits.len() == expected;
        sound.then(|| Self(bytes.into()))
    }

    pub(crate) fn look(&self) -> u8 {
        self.0.first().copied().unwrap_or_default()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        // Two reference counts stand before the bytes.
        self.0.len() + 2 * size_of::<usize>()
    }

    /// Bytes in a file.
    pub(crate) fn file_bytes(&self) -> usize {
        self.0.len()
    }

    /// Reads all samples of a chunk that begins at `first`.
    pub(crate) fn read(&self, first: i64, times: &mut [i64], values: &mut [f64]) {
        let view = View::new(&self.0, first, times.len());
        debug_assert!(view.is_some(), "what was written or checked can be read");
        let Some(view) = view else { return };
        view.times.read(view.bits, times, |number| number);
        if view.exponent == 0 {
            view.values.read(view.bits, values, as_float);
        } else {
            let divisor = POWERS[usize::from(view.exponent)];
            view.values.read(view.bits, values, |number| as_float(number) / divisor);
        }
        for (place, bits) in view.exceptions {
            if let Some(value) = values.get_mut(place) {
                *value = f64::from_bits(bits);
            }
        }
    }
}

impl<'a> View<'a> {
    #[inline]
    fn new(bytes: &'a [u8], first: i64, count: usize) -> Option<Self> {
        let mut from = Cursor::new(bytes);
        let (exponent, width) = (from.byte()?, from.byte()?);
        let times = Run { base: first, least: from.signed()?, width, distances: true, from: 0 };
        let tag = from.byte()?;
        let (width, distances) = (tag >> 1, tag & 1 == 1);
        let base = from.signed()?;
        let least = if distances { from.signed()? } else { 0 };
        let steps = u32::try_from(count.checked_sub(1)?).ok()?;
        let start = u32::from(times.width) * steps;
        let values = Run { base, least, width, distances, from: start };
        let left = from.count()?;
        let exceptions = Exceptions { left, from };
        for _ in 0..left {
            from.varint()?;
            from.u64()?;
        }
        Some(Self { times, values, exponent, exceptions, bits: from.take(from.left())? })
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers were exact floats when they were written")]
#[inline]
fn as_float(number: i64) -> f64 {
    number as f64
}

/// Values as whole numbers, but for a few.
struct Decimals {
    /// The smallest power of ten that makes them whole.
    exponent: u8,
    whole: Vec<i64>,
    exceptions: Vec<(u16, u64)>,
}

impl Decimals {
    fn new(values: &[f64]) -> Option<Self> {
        let allowed = values.len() / MAX_EXCEPTIONS;
        let (mut exponent, mut odd) = (0, 0);
        for value in values {
            match (exponent..=MAX_EXPONENT).find(|exponent| whole(*value, *exponent).is_some()) {
                Some(needed) => exponent = needed,
                None => odd += 1,
            }
            if odd > allowed {
                return None;
            }
        }
        let mut exceptions = Vec::new();
        let numbers = values.iter().map(|value| whole(*value, exponent));
        // In the place of an exception stands its neighbour, which takes no bits of its own.
        let mut before = numbers.clone().flatten().next()?;
        let mut all = Vec::with_capacity(values.len());
        for (place, number) in numbers.enumerate() {
            match number {
                Some(number) => before = number,
                None => exceptions.push((u16::try_from(place).ok()?, values[place].to_bits())),
            }
            all.push(before);
        }
        (exceptions.len() <= allowed).then_some(Self { exponent, whole: all, exceptions })
    }
}

/// What values are multiplied by.
const POWERS: [f64; MAX_EXPONENT as usize + 1] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// The whole number that, divided by ten to `exponent`, is `value` to the bit: a negative zero has none.
#[expect(clippy::cast_possible_truncation, reason = "bounded by 2^53, and compared with what it came from")]
pub(crate) fn whole(value: f64, exponent: u8) -> Option<i64> {
    let scaled = value * POWERS[usize::from(exponent)];
    if scaled.is_nan() || scaled.abs() > MAX_WHOLE {
        return None;
    }
    // Rounds, and wrongly at worst just below a half, which is no whole number either way.
    let number = (scaled + 0.5_f64.copysign(scaled)) as i64;
    (decimal(number, exponent).to_bits() == value.to_bits()).then_some(number)
}

/// The way back from [`whole`].
#[inline]
pub(crate) fn decimal(number: i64, exponent: u8) -> f64 {
    if exponent == 0 { as_float(number) } else { as_float(number) / POWERS[usize::from(exponent)] }
}

/// How wide numbers are once the smallest is taken off.
#[derive(Clone, Copy)]
struct Width {
    least: i64,
    width: u32,
}

impl Width {
    fn of(numbers: impl Iterator<Item = i64> + Clone) -> Option<Self> {
        let least = numbers.clone().min().unwrap_or(0);
        let most = numbers.max().unwrap_or(0);
        let width = 64 - most.checked_sub(least)?.leading_zeros();
        (width <= MAX_WIDTH).then_some(Self { least, width })
    }

    fn of_numbers(numbers: &[i64]) -> Option<Self> {
        Self::of(numbers.iter().copied())
    }

    fn of_distances(numbers: &[i64]) -> Option<Self> {
        // A distance that does not fit is taken for a wide one.
        Self::of(numbers.windows(2).map(|pair| pair[1].saturating_sub(pair[0])))
    }
}

/// Numbers being written.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits that do not fill a byte yet: fewer than eight.
    pending: u128,
    filled: u32,
    /// Bits written.
    at: u32,
}

impl Bits {
    fn put(&mut self, number: u64, width: u32) {
        self.pending |= u128::from(number) << self.filled;
        self.filled += width;
        self.at += width;
        while self.filled >= 8 {
            self.bytes.push((self.pending & 0xff) as u8);
            self.pending >>= 8;
            self.filled -= 8;
        }
    }

    fn numbers(&mut self, numbers: &[i64], Width { least, width }: Width) -> Run {
        let run = Run { base: least, least: 0, width: narrow(width), distances: false, from: self.at };
        for number in numbers {
            self.put(number.wrapping_sub(least).cast_unsigned(), width);
        }
        run
    }

    fn distances(&mut self, numbers: &[i64]) -> Option<Run> {
        let Width { least, width } = Width::of_distances(numbers)?;
        let base = *numbers.first()?;
        let run = Run { base, least, width: narrow(width), distances: true, from: self.at };
        for pair in numbers.windows(2) {
            self.put(pair[1].checked_sub(pair[0])?.wrapping_sub(least).cast_unsigned(), width);
        }
        Some(run)
    }

    fn finish(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.bytes.push((self.pending & 0xff) as u8);
        }
        self.bytes
    }
}

/// A width in bits, which is at most 64.
fn narrow(width: u32) -> u8 {
    u8::try_from(width).unwrap_or(u8::MAX)
}

/// Eight bytes of which the number wanted begins within the first.
#[inline]
fn word(bytes: &[u8], bit: usize) -> u64 {
    let rest = bytes.get(bit / 8..).unwrap_or_default();
    let word = rest.first_chunk().map_or_else(|| last_word(rest), |eight| u64::from_le_bytes(*eight));
    word >> (bit % 8)
}

/// Fewer than eight bytes, which are the last.
#[cold]
fn last_word(rest: &[u8]) -> u64 {
    let mut eight = [0; 8];
    eight[..rest.len()].copy_from_slice(rest);
    u64::from_le_bytes(eight)
}

impl Run {
    /// Gives each number to `each`, as it was written.
    #[inline]
    fn numbers(&self, bytes: &[u8], count: usize, mut each: impl FnMut(usize, i64)) {
        let width = usize::from(self.width);
        if width == 0 {
            (0..count).for_each(|place| each(place, 0));
            return;
        }
        let mask = u64::MAX >> (64 - width);
        let mut bit = self.from as usize;
        let mut place = 0;
        // As many at once as one load of eight bytes holds wherever it begins.
        let at_once = (64 - 7) / width;
        while at_once > 1 && place + at_once <= count {
            let mut word = word(bytes, bit);
            for n in 0..at_once {
                each(place + n, (word & mask).cast_signed());
                word >>= width;
            }
            bit += at_once * width;
            place += at_once;
        }
        for place in place..count {
            each(place, (word(bytes, bit) & mask).cast_signed());
            bit += width;
        }
    }

    #[inline]
    fn read<T>(&self, bytes: &[u8], into: &mut [T], make: impl Fn(i64) -> T) {
        if !self.distances {
            self.numbers(bytes, into.len(), |place, number| {
                into[place] = make(self.base.wrapping_add(number));
            });
            return;
        }
        let Some((first, rest)) = into.split_first_mut() else { return };
        *first = make(self.base);
        let mut sum = self.base;
        self.numbers(bytes, rest.len(), |place, number| {
            sum = sum.wrapping_add(self.least).wrapping_add(number);
            rest[place] = make(sum);
        });
    }
}

#[cfg(test)]
mod tests {
    use assurance_metrics_model::stale_nan;
    use proptest::prelude::*;

    use super::{CAPACITY, Packed};
    use crate::bytes::Cursor;

    fn round_trip(times: &[i64], values: &[f64]) -> bool {
        let Some(packed) = Packed::new(times, values) else { return false };
        let (mut read_times, mut read_values) = (vec![0; times.len()], vec![0.0; times.len()]);
        packed.read(times[0], &mut read_times, &mut read_values);
        assert_eq!(read_times, times);
        let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read_values), bits(values));
        let mut out = Vec::new();
        packed.put(&mut out);
        let again = Packed::read_from(&mut Cursor::new(&out), times[0], times.len()).expect("as written");
        assert_eq!(again, packed);
        true
    }

    #[test]
    fn a_counter_on_a_steady_scrape_takes_the_bits_of_its_steps() {
        let times: Vec<i64> = (0..120).map(|n| 1_700_000_000_000 + 30_000 * n).collect();
        let values: Vec<f64> = (0..120).map(|n| 1e6 + f64::from(n) * 3.0).collect();
        assert!(round_trip(&times, &values));
        let packed = Packed::new(&times, &values).expect("whole numbers");
        assert_eq!(packed.file_bytes(), 11, "times and values are steady");
    }

    #[test]
    fn decimals_are_exact_and_what_is_no_decimal_is_left() {
        let times: Vec<i64> = (0..4).collect();
        assert!(round_trip(&times, &[0.1, 0.25, -17.75, 3.0]));
        for odd in [f64::NAN, f64::INFINITY, -0.0, 1.0 / 3.0, 1e300, 5e-324] {
            assert!(Packed::new(&times, &[1.0, odd, 2.0, 3.0]).is_none(), "{odd}");
        }
    }

    #[test]
    fn a_few_values_that_are_no_decimals_stand_beside_the_others() {
        let times: Vec<i64> = (0..40).collect();
        let mut values: Vec<f64> = (0..40).map(f64::from).collect();
        (values[0], values[7], values[39]) = (f64::NAN, -0.0, stale_nan());
        assert!(round_trip(&times, &values));
        let packed = Packed::new(&times, &values).expect("mostly whole numbers");
        assert_eq!(super::View::new(&packed.0, 0, 40).map(|view| view.exceptions.count()), Some(3));
        values[8..13].fill(f64::INFINITY);
        assert!(Packed::new(&times, &values).is_none(), "more than an eighth");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn what_is_packed_reads_back_to_the_bit(
            start in -4_000_000_000_000_i64..4_000_000_000_000,
            steps in proptest::collection::vec(1_i64..2_000_000, 1..CAPACITY),
            numbers in proptest::collection::vec(-1_000_000_000_000_i64..1_000_000_000_000, CAPACITY),
            exponent in 0_i32..6,
        ) {
            let times: Vec<i64> = steps
                .iter()
                .scan(start, |at, step| { *at += step; Some(*at) })
                .collect();
            #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
            let values: Vec<f64> =
                numbers[..times.len()].iter().map(|n| *n as f64 / 10_f64.powi(exponent)).collect();
            prop_assert!(round_trip(&times, &values));
        }

        #[test]
        fn any_floats_read_back_or_stay(values in proptest::collection::vec(any::<f64>(), 1..CAPACITY)) {
            let times: Vec<i64> = (0..).take(values.len()).collect();
            round_trip(&times, &values);
        }
    }
}
