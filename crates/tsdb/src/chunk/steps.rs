//! Floats that still come, as their steps: most take one byte.
//!
//! A sample is the step from the whole number before it to its own, where both are whole at the power of ten
//! that the chunk has come to, and its interval is the one before it. Anything else has a head that says what
//! follows: another interval, another power of ten, or the bits that differ from the value before.

use crate::bytes::{put_varint, unzigzag, zigzag};
use crate::chunk::xor::{Reader, put_xor};
use crate::packed::{MAX_EXPONENT, decimal, whole};

/// Heads below it are the step.
const ONE_BYTE: u64 = 0xc0;
/// From here on a head has the highest five bits of a step, and one byte follows.
const TWO_BYTES: u8 = 0xc0;
/// From here on it has the highest four, and two bytes follow.
const THREE_BYTES: u8 = 0xe0;
/// From here on it says what follows: `GENERAL | form << 1 | whether the interval changes`.
const GENERAL: u8 = 0xf0;

/// Forms: a step, a power of ten and a step, bits that differ.
const STEP: u8 = 0;
const SCALED: u8 = 1;
const BITS: u8 = 2;

/// Bytes that a buffer grows by: with the first ones it fills what an allocator gives.
const GROWTH: usize = 32;
const FIRST_BYTES: usize = 24;

/// The most that a sample takes: a head, a power, and two of ten bytes.
const MOST_BYTES: usize = 22;

/// What the next step is taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) delta: i64,
    pub(super) bits: u64,
}

pub(super) fn buffer() -> Vec<u8> {
    Vec::with_capacity(FIRST_BYTES)
}

fn make_room(out: &mut Vec<u8>, bytes: usize) {
    if out.capacity() - out.len() < bytes {
        out.reserve_exact(bytes.max(GROWTH));
    }
}

/// Appends a value that came so long after the one before.
pub(super) fn put(out: &mut Vec<u8>, tail: &mut Tail, exponent: &mut u8, delta: i64, value: f64) {
    let turn = delta.wrapping_sub(tail.delta);
    let before = f64::from_bits(tail.bits);
    let held = whole(before, *exponent);
    let step = |number: i64, held: Option<i64>| zigzag(number - held.unwrap_or(0));
    let difference = value.to_bits() ^ tail.bits;
    tail.delta = delta;
    tail.bits = value.to_bits();
    if let Some(number) = whole(value, *exponent) {
        let step = step(number, held);
        if turn == 0 && step < 1 << 20 {
            let [low, middle, high, ..] = step.to_le_bytes();
            if step < ONE_BYTE {
                make_room(out, 1);
                out.push(low);
            } else if step < 1 << 13 {
                make_room(out, 2);
                out.extend_from_slice(&[TWO_BYTES | middle, low]);
            } else {
                make_room(out, 3);
                out.extend_from_slice(&[THREE_BYTES | high, low, middle]);
            }
            return;
        }
        head(out, STEP, turn);
        return put_varint(out, step);
    }
    // After a value that is no decimal, the next one most likely is none either.
    let other = || (*exponent + 1..=MAX_EXPONENT).find_map(|power| Some((power, whole(value, power)?)));
    if let Some((power, number)) = held.and_then(|_| other()) {
        head(out, SCALED, turn);
        *exponent = power;
        out.push(power);
        return put_varint(out, step(number, whole(before, power)));
    }
    head(out, BITS, turn);
    put_xor(out, difference);
}

fn head(out: &mut Vec<u8>, form: u8, turn: i64) {
    make_room(out, MOST_BYTES);
    out.push(GENERAL | form << 1 | u8::from(turn != 0));
    if turn != 0 {
        put_varint(out, zigzag(turn));
    }
}

/// Gives each of `count` floats to `each`, until it says `false`; what a next step would be taken from.
#[inline]
pub(super) fn read(
    bytes: &[u8],
    first: i64,
    count: u16,
    mut each: impl FnMut(i64, f64) -> bool,
) -> (Tail, u8) {
    let mut rest = Reader::new(bytes, 0);
    let (mut at, mut delta, mut number, mut exponent) = (first, 0_i64, 0_i64, 0_u8);
    let mut value = 0_f64;
    for _ in 0..count {
        let head = rest.byte();
        if head < GENERAL {
            let step = if u64::from(head) < ONE_BYTE {
                u64::from(head)
            } else if head < THREE_BYTES {
                u64::from(head & 0x1f) << 8 | u64::from(rest.byte())
            } else {
                u64::from(head & 0x0f) << 16 | u64::from(rest.byte()) | u64::from(rest.byte()) << 8
            };
            number += unzigzag(step);
            value = decimal(number, exponent);
        } else {
            if head & 1 == 1 {
                delta = delta.wrapping_add(unzigzag(rest.varint()));
            }
            match head >> 1 & 3 {
                BITS => {
                    value = f64::from_bits(value.to_bits() ^ rest.xor());
                    number = 0;
                }
                form => {
                    if form == SCALED {
                        exponent = rest.byte();
                        number = whole(value, exponent).unwrap_or(0);
                    }
                    number += unzigzag(rest.varint());
                    value = decimal(number, exponent);
                }
            }
        }
        at = at.wrapping_add(delta);
        if !each(at, value) {
            break;
        }
    }
    (Tail { delta, bits: value.to_bits() }, exponent)
}

#[cfg(test)]
mod tests {
    use assurance_metrics_model::stale_nan;
    use proptest::prelude::*;

    use super::*;

    /// Bytes for samples after the first.
    fn round_trip(samples: &[(i64, f64)]) -> usize {
        let (mut bytes, mut tail, mut exponent) = (buffer(), Tail::default(), 0);
        let (mut before, mut start) = (samples[0].0, 0);
        for (n, (at, value)) in samples.iter().enumerate() {
            put(&mut bytes, &mut tail, &mut exponent, at.wrapping_sub(before), *value);
            before = *at;
            start = if n == 0 { bytes.len() } else { start };
        }
        let mut found = Vec::new();
        let count = u16::try_from(samples.len()).expect("few");
        let end = read(&bytes, samples[0].0, count, |at, value| {
            found.push((at, value.to_bits()));
            true
        });
        let expected: Vec<_> = samples.iter().map(|(at, value)| (*at, value.to_bits())).collect();
        assert_eq!(found, expected);
        assert_eq!(end, (tail, exponent), "writing can go on where reading ended");
        bytes.len() - start
    }

    fn steady(values: impl IntoIterator<Item = f64>) -> Vec<(i64, f64)> {
        (0..).map(|n| 1_700_000_000_000 + 15_000 * n).zip(values).collect()
    }

    #[test]
    fn what_is_steady_takes_a_byte() {
        // The second sample tells of the interval.
        assert_eq!(round_trip(&steady((0..100).map(|n| 5000.0 + 7.0 * f64::from(n)))), 98 + 5);
        assert_eq!(round_trip(&steady((0..100).map(|_| 0.25))), 98 + 5);
        assert_eq!(round_trip(&steady((0..100).map(|n| f64::from(n % 2) * 3000.0))), 2 * 98 + 6);
    }

    #[test]
    fn odd_values_are_kept_to_the_bit() {
        let odd = [1.0, -0.0, 0.0, f64::NAN, stale_nan(), 0.5, 1.0 / 3.0, 2.0 / 3.0, 7.0, 0.125, 1e300, 3.0];
        round_trip(&steady(odd));
        round_trip(&[(i64::MIN, f64::MAX), (-1, f64::MIN), (0, 9e15), (i64::MAX, -9e15)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_samples_read_back(
            samples in proptest::collection::vec(
                (any::<i64>(), prop_oneof![any::<f64>(), (-1e6_f64..1e6).prop_map(|v| (v * 100.0).round() / 100.0)]),
                1..120,
            ),
        ) {
            round_trip(&samples);
        }
    }
}
