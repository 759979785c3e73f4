//! A full chunk of floats that are decimals with few digits: as whole numbers, in as few bits as they need.
//!
//! Values become whole numbers by a power of ten, times the distances between them. Each is written as what
//! it exceeds the smallest of the chunk by, or as its distance from the one before, whichever needs fewer
//! bits: all in the same number of bits, so that reading is a loop without a branch. What cannot be written
//! so and read back to the bit stays as it was.

use crate::chunk::MAX_SAMPLES;

/// The capacity of what a chunk is read into.
pub(crate) const CAPACITY: usize = MAX_SAMPLES as usize;

/// Largest power of ten that values are multiplied by: nanounits.
const MAX_EXPONENT: u8 = 9;

/// Whole numbers up to here are exact in a float.
const MAX_WHOLE: f64 = 9_007_199_254_740_992.0;

/// Widest numbers that one load of eight bytes holds at any bit: 64 - 7.
const MAX_WIDTH: u32 = 57;

/// Bytes after the last number, so that it can be loaded by eight.
const PADDING: usize = 8;

/// A full chunk of floats.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    times: Run,
    values: Run,
    /// Values are whole numbers divided by ten to this power.
    exponent: u8,
    last_bits: u64,
    /// The numbers of the times, then those of the values, then padding.
    bytes: Box<[u8]>,
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

/// Samples read from a chunk.
pub(crate) struct Samples {
    pub(crate) times: [i64; CAPACITY],
    pub(crate) values: [f64; CAPACITY],
}

impl Samples {
    pub(crate) const fn new() -> Self {
        Self { times: [0; CAPACITY], values: [0.0; CAPACITY] }
    }
}

impl Packed {
    /// `None` where the samples are not exactly decimals of few digits, or would need too many bits.
    pub(crate) fn new(times: &[i64], values: &[f64]) -> Option<Self> {
        let last_bits = values.last()?.to_bits();
        let (exponent, whole) = whole_numbers(values)?;
        let mut bits = Bits::default();
        let times = bits.distances(times)?;
        let raw = Width::of_numbers(&whole)?;
        let stepped = Width::of_distances(&whole);
        let values = match stepped {
            Some(stepped) if stepped.width < raw.width => bits.distances(&whole)?,
            _ => bits.numbers(&whole, raw),
        };
        Some(Self { times, values, exponent, last_bits, bytes: bits.finish() })
    }

    pub(crate) fn last_bits(&self) -> u64 {
        self.last_bits
    }

    pub(crate) fn look(&self) -> u8 {
        self.bytes.first().copied().unwrap_or_default()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Reads the first `count` samples.
    pub(crate) fn read(&self, count: usize, into: &mut Samples) {
        self.times.read(&self.bytes, &mut into.times[..count], |number| number);
        let values = &mut into.values[..count];
        if self.exponent == 0 {
            self.values.read(&self.bytes, values, as_float);
        } else {
            let divisor = 10_f64.powi(i32::from(self.exponent));
            self.values.read(&self.bytes, values, |number| as_float(number) / divisor);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers were exact floats when they were written")]
#[inline]
fn as_float(number: i64) -> f64 {
    number as f64
}

/// The smallest power of ten that makes all values whole, and what it makes of them.
fn whole_numbers(values: &[f64]) -> Option<(u8, Vec<i64>)> {
    let mut exponent = 0;
    for value in values {
        while whole(*value, exponent).is_none() {
            exponent += 1;
            if exponent > MAX_EXPONENT {
                return None;
            }
        }
    }
    let whole: Option<Vec<i64>> = values.iter().map(|value| whole(*value, exponent)).collect();
    Some((exponent, whole?))
}

#[expect(clippy::cast_possible_truncation, reason = "bounded by 2^53, and compared with what it came from")]
fn whole(value: f64, exponent: u8) -> Option<i64> {
    let divisor = 10_f64.powi(i32::from(exponent));
    let scaled = (value * divisor).round();
    if scaled.is_nan() || scaled.abs() > MAX_WHOLE {
        return None;
    }
    let number = scaled as i64;
    // To the bit: a negative zero is none of these.
    ((as_float(number) / divisor).to_bits() == value.to_bits()).then_some(number)
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

    fn finish(mut self) -> Box<[u8]> {
        if self.filled > 0 {
            self.bytes.push((self.pending & 0xff) as u8);
        }
        self.bytes.extend([0; PADDING]);
        self.bytes.into_boxed_slice()
    }
}

/// A width in bits, which is at most 64.
fn narrow(width: u32) -> u8 {
    u8::try_from(width).unwrap_or(u8::MAX)
}

/// Eight bytes of which the number wanted begins within the first.
#[inline]
fn word(bytes: &[u8], bit: usize) -> u64 {
    let at = bit / 8;
    let eight = bytes.get(at..at + 8).and_then(<[u8]>::first_chunk::<8>);
    u64::from_le_bytes(*eight.unwrap_or(&[0; 8])) >> (bit % 8)
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
    use proptest::prelude::*;

    use super::{CAPACITY, Packed, Samples};

    fn round_trip(times: &[i64], values: &[f64]) -> bool {
        let Some(packed) = Packed::new(times, values) else { return false };
        let mut samples = Samples::new();
        packed.read(times.len(), &mut samples);
        assert_eq!(&samples.times[..times.len()], times);
        let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&samples.values[..values.len()]), bits(values));
        assert_eq!(packed.last_bits(), values[values.len() - 1].to_bits());
        true
    }

    #[test]
    fn a_counter_on_a_steady_scrape_takes_the_bits_of_its_steps() {
        let times: Vec<i64> = (0..120).map(|n| 1_700_000_000_000 + 30_000 * n).collect();
        let values: Vec<f64> = (0..120).map(|n| 1e6 + f64::from(n) * 3.0).collect();
        assert!(round_trip(&times, &values));
        let packed = Packed::new(&times, &values).expect("whole numbers");
        assert_eq!(packed.heap_bytes(), super::PADDING, "times and values are steady");
    }

    #[test]
    fn decimals_are_exact_and_what_is_no_decimal_is_left() {
        let times: Vec<i64> = (0..4).collect();
        assert!(round_trip(&times, &[0.1, 0.25, -17.75, 3.0]));
        for odd in [f64::NAN, f64::INFINITY, -0.0, 1.0 / 3.0, 1e300, 5e-324] {
            assert!(Packed::new(&times, &[1.0, odd, 2.0, 3.0]).is_none(), "{odd}");
        }
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
