//! Floats that still come, as their steps: most take one byte, and a step that goes on and on takes none.
//!
//! A sample is the step from the whole number before it to its own, where both are whole at the power of ten
//! that the chunk has come to, and its interval is the one before it. Anything else has a head that says what
//! follows: how often the step before is repeated, another interval, another power of ten, or the bits that
//! differ from the value before.

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

/// A byte follows that says how often the last step is repeated, at the same interval.
const REPEAT: u8 = 0xf8;

/// Forms: a step, a power of ten and a step, bits that differ.
const STEP: u8 = 0;
const SCALED: u8 = 1;
const BITS: u8 = 2;

/// Bytes that a buffer grows by: with the first ones it fills what an allocator gives.
const GROWTH: usize = 32;
const FIRST_BYTES: usize = 24;

/// The most that a sample takes: a head, a power, and two of ten bytes.
const MOST_BYTES: usize = 22;

/// Steps from here on have a general head, and are not repeated.
const WIDE: u64 = 1 << 20;

/// What the next sample is written from, beside the bits of the last value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    /// The last interval.
    interval: i32,
    /// The last step, or [`WIDE`].
    step: u32,
    /// The power of ten that the steps have come to.
    exponent: u8,
    /// How often the step came again, as long as it does: the last byte says so, from the second time on.
    repeats: u8,
}

/// The interval that the next one is compared with; one of a month is not expected again.
fn expected(interval: i64) -> i32 {
    i32::try_from(interval).unwrap_or(0)
}

pub(super) fn buffer() -> Vec<u8> {
    Vec::with_capacity(FIRST_BYTES)
}

fn make_room(out: &mut Vec<u8>, bytes: usize) {
    if out.capacity() - out.len() < bytes {
        out.reserve_exact(bytes.max(GROWTH));
    }
}

impl Tail {
    /// Appends a value that came so long after the one before, whose bits are those of zero at first.
    pub(super) fn put(&mut self, out: &mut Vec<u8>, last: &mut u64, interval: i64, value: f64) {
        let turn = interval.wrapping_sub(self.interval.into());
        let before = f64::from_bits(*last);
        let held = whole(before, self.exponent);
        let step = |number: i64, held: Option<i64>| zigzag(number - held.unwrap_or(0));
        let difference = value.to_bits() ^ *last;
        self.interval = expected(interval);
        *last = value.to_bits();
        if let Some(number) = whole(value, self.exponent) {
            return self.put_step(out, turn, step(number, held));
        }
        (self.step, self.repeats) = (WIDE as u32, 0);
        // After a value that is no decimal, the next one most likely is none either.
        let other =
            || (self.exponent + 1..=MAX_EXPONENT).find_map(|power| Some((power, whole(value, power)?)));
        if let Some((power, number)) = held.and_then(|_| other()) {
            head(out, SCALED, turn);
            self.exponent = power;
            out.push(power);
            return put_varint(out, step(number, whole(before, power)));
        }
        head(out, BITS, turn);
        put_xor(out, difference);
    }

    fn put_step(&mut self, out: &mut Vec<u8>, turn: i64, step: u64) {
        if turn == 0 && step < WIDE && u64::from(self.step) == step {
            return self.repeat(out, step);
        }
        self.repeats = 0;
        self.step = step.min(WIDE) as u32;
        let [low, middle, high, ..] = step.to_le_bytes();
        if turn != 0 || step >= WIDE {
            head(out, STEP, turn);
            put_varint(out, step);
        } else if step < ONE_BYTE {
            make_room(out, 1);
            out.push(low);
        } else if step < 1 << 13 {
            make_room(out, 2);
            out.extend_from_slice(&[TWO_BYTES | middle, low]);
        } else {
            make_room(out, 3);
            out.extend_from_slice(&[THREE_BYTES | high, low, middle]);
        }
    }

    /// Never takes more bytes than the steps themselves.
    fn repeat(&mut self, out: &mut Vec<u8>, step: u64) {
        let is_short = step < ONE_BYTE;
        if (1..u8::MAX).contains(&self.repeats)
            && let Some(last) = out.last_mut()
        {
            self.repeats += 1;
            if is_short && self.repeats == 2 {
                *last = REPEAT;
                make_room(out, 1);
                out.push(2);
            } else {
                *last = self.repeats;
            }
            return;
        }
        self.repeats = 1;
        make_room(out, 2);
        if is_short {
            out.push(step as u8);
        } else {
            out.extend_from_slice(&[REPEAT, 1]);
        }
    }
}

fn head(out: &mut Vec<u8>, form: u8, turn: i64) {
    make_room(out, MOST_BYTES);
    out.push(GENERAL | form << 1 | u8::from(turn != 0));
    if turn != 0 {
        put_varint(out, zigzag(turn));
    }
}

/// Gives each of `count` floats to `each`, until it says `false`.
#[inline]
pub(super) fn read(bytes: &[u8], first: i64, count: u16, mut each: impl FnMut(i64, f64) -> bool) {
    let mut rest = Reader::new(bytes, 0);
    let (mut at, mut interval) = (first, 0_i64);
    let (mut number, mut step, mut repeats, mut exponent) = (0_i64, 0_i64, 0_u8, 0_u8);
    let mut value = 0_f64;
    for _ in 0..count {
        if repeats > 0 {
            repeats -= 1;
            number += step;
            value = decimal(number, exponent);
        } else {
            let head = rest.byte();
            if head < GENERAL {
                step = unzigzag(if u64::from(head) < ONE_BYTE {
                    u64::from(head)
                } else if head < THREE_BYTES {
                    u64::from(head & 0x1f) << 8 | u64::from(rest.byte())
                } else {
                    u64::from(head & 0x0f) << 16 | u64::from(rest.byte()) | u64::from(rest.byte()) << 8
                });
                number += step;
                value = decimal(number, exponent);
            } else if head == REPEAT {
                repeats = rest.byte() - 1;
                number += step;
                value = decimal(number, exponent);
            } else {
                if head & 1 == 1 {
                    let turn = unzigzag(rest.varint());
                    interval = i64::from(expected(interval)).wrapping_add(turn);
                } else {
                    interval = expected(interval).into();
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
                        step = unzigzag(rest.varint());
                        number += step;
                        value = decimal(number, exponent);
                    }
                }
            }
        }
        at = at.wrapping_add(interval);
        if !each(at, value) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use assurance_metrics_model::stale_nan;
    use proptest::prelude::*;

    use super::*;

    /// Bytes for samples after the first.
    fn round_trip(samples: &[(i64, f64)]) -> usize {
        let (mut bytes, mut tail, mut last) = (buffer(), Tail::default(), 0);
        let (mut before, mut start) = (samples[0].0, 0);
        for (n, (at, value)) in samples.iter().enumerate() {
            tail.put(&mut bytes, &mut last, at.wrapping_sub(before), *value);
            before = *at;
            start = if n == 0 { bytes.len() } else { start };
        }
        let mut found = Vec::new();
        let count = u16::try_from(samples.len()).expect("few");
        read(&bytes, samples[0].0, count, |at, value| {
            found.push((at, value.to_bits()));
            true
        });
        let expected: Vec<_> = samples.iter().map(|(at, value)| (*at, value.to_bits())).collect();
        assert_eq!(found, expected);
        bytes.len() - start
    }

    fn steady(values: impl IntoIterator<Item = f64>) -> Vec<(i64, f64)> {
        (0..).map(|n| 1_700_000_000_000 + 15_000 * n).zip(values).collect()
    }

    /// What the second sample takes tells of the interval: a head, three bytes, and the step.
    const SECOND: usize = 4;

    #[test]
    fn what_moves_takes_a_byte_and_what_is_steady_none() {
        let moving = |n: u32| 5000.0 + f64::from(n * 7 + n % 2);
        assert_eq!(round_trip(&steady((0..100).map(moving))), SECOND + 1 + 98);
        assert_eq!(round_trip(&steady((0..100).map(|n| 5000.0 + 7.0 * f64::from(n)))), SECOND + 1 + 2);
        assert_eq!(round_trip(&steady((0..100).map(|_| 0.25))), SECOND + 1 + 2);
        assert_eq!(round_trip(&steady((0..100).map(|n| f64::from(n % 2) * 3000.0))), SECOND + 2 + 2 * 98);
        assert_eq!(round_trip(&steady((0..100).map(|n| 3000.0 * f64::from(n)))), SECOND + 2 + 2);
    }

    #[test]
    fn steps_that_come_again_take_no_more_than_themselves() {
        let stairs = |again: u32| (0..100).map(move |n| f64::from(n + n / again));
        for (again, most) in [(2, 98), (3, 98), (4, 98), (10, 40)] {
            let bytes = round_trip(&steady(stairs(again)));
            assert!(bytes <= SECOND + 1 + most, "{again}: {bytes}");
        }
        // More often than a byte can tell, over more samples than a chunk of memory has.
        assert_eq!(round_trip(&steady((0..480).map(f64::from))), SECOND + 1 + 4);
    }

    #[test]
    fn odd_values_are_kept_to_the_bit() {
        let odd = [
            1.0,
            1.0,
            1.0,
            1.0,
            -0.0,
            0.0,
            f64::NAN,
            stale_nan(),
            0.5,
            1.0 / 3.0,
            2.0 / 3.0,
            7.0,
            0.125,
            1e300,
            3.0,
        ];
        round_trip(&steady(odd));
        round_trip(&[(i64::MIN, f64::MAX), (-1, f64::MIN), (0, 9e15), (i64::MAX, -9e15)]);
        let months = |n: i64| (n * 5_000_000_000, 3.0 + n as f64);
        round_trip(&(0..9).map(months).collect::<Vec<_>>());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn steps_read_back(
            samples in proptest::collection::vec((0_u8..20, -2_i32..3), 1..400),
        ) {
            let all: Vec<_> = samples
                .iter()
                .scan((0, 0), |(at, value), (late, step)| {
                    *at += if *late == 0 { 999 } else { 1000 };
                    *value += step * if *late == 1 { 100_000 } else { 1 };
                    Some((*at, f64::from(*value)))
                })
                .collect();
            round_trip(&all);
        }

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
