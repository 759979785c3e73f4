//! What floats come to where the order of looking at them does not matter: several at a time.

/// Below this, sums of whole numbers are exact in whatever order they are made.
pub(crate) const EXACT: f64 = 9_007_199_254_740_992.0;

/// Numbers looked at side by side.
const LANES: usize = 8;

/// The smallest and the largest number: of zeros the first, whatever its sign, NaN only where there is nothing else.
pub fn extremes(values: &[f64]) -> (f64, f64) {
    let Some(any) = values.iter().copied().find(|value| !value.is_nan()) else { return (f64::NAN, f64::NAN) };
    let (mut min, mut max) = ([any; LANES], [any; LANES]);
    let mut take = |values: &[f64]| {
        for ((min, max), value) in min.iter_mut().zip(&mut max).zip(values) {
            // NaN is neither less nor more.
            *min = if *value < *min { *value } else { *min };
            *max = if *value > *max { *value } else { *max };
        }
    };
    let (whole, rest) = values.as_chunks::<LANES>();
    whole.iter().for_each(|values| take(values));
    take(rest);
    let min = min.into_iter().fold(any, |a, b| if b < a { b } else { a });
    let max = max.into_iter().fold(any, |a, b| if b > a { b } else { a });
    let first_of = |value: f64| if value == 0.0 { first_zero(values) } else { value };
    (first_of(min), first_of(max))
}

fn first_zero(values: &[f64]) -> f64 {
    values.iter().copied().find(|value| *value == 0.0).unwrap_or_default()
}

/// The sum of whole numbers, which is exact; `None` where one is not whole, or it might not be.
pub fn whole_sum(values: &[f64]) -> Option<f64> {
    let (mut sum, mut reach) = ([0.0; LANES], [0.0; LANES]);
    let mut take = |values: &[f64]| {
        let mut whole = true;
        for ((sum, reach), value) in sum.iter_mut().zip(&mut reach).zip(values) {
            whole &= is_whole(*value);
            *sum += *value;
            *reach += value.abs();
        }
        whole
    };
    let (whole, rest) = values.as_chunks::<LANES>();
    // Fractions are mostly seen early.
    for some in whole.chunks(LANES) {
        if !some.iter().fold(true, |whole, values| whole & take(values)) {
            return None;
        }
    }
    let is_exact = take(rest) && reach.iter().sum::<f64>() < EXACT;
    is_exact.then(|| sum.iter().fold(0.0, |sum, more| sum + more))
}

/// Whether a number is whole and below 2^51 either side of zero: so that adding as much as makes all digits after
/// the point go away changes nothing.
fn is_whole(value: f64) -> bool {
    const NO_FRACTIONS: f64 = 6_755_399_441_055_744.0;
    #[expect(clippy::float_cmp, reason = "a whole number is exactly what it is without its fraction")]
    let same = (value + NO_FRACTIONS) - NO_FRACTIONS == value;
    same && value.abs() < EXACT / 4.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{extremes, is_whole, whole_sum};

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            6 => (-9_i32..9).prop_map(f64::from),
            2 => any::<f64>(),
            1 => Just(-0.0),
            1 => Just(f64::NAN),
            1 => Just(f64::INFINITY),
            1 => Just(f64::NEG_INFINITY),
            1 => (0_i64..1 << 60).prop_map(|value| value as f64 / 4.0),
        ]
    }

    proptest! {
        #[test]
        fn several_at_a_time_are_as_one_by_one(values in prop::collection::vec(value(), 0..40)) {
            let fold = |better: fn(f64, f64) -> bool| {
                let first = values.iter().copied().fold(f64::NAN, |a, b| {
                    if better(b, a) || a.is_nan() { b } else { a }
                });
                if first.is_nan() { f64::NAN.to_bits() } else { first.to_bits() }
            };
            let (min, max) = extremes(&values);
            let bits = |value: f64| if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
            prop_assert_eq!((bits(min), bits(max)), (fold(|b, a| b < a), fold(|b, a| b > a)));
        }

        #[test]
        fn whole_numbers_add_up(values in prop::collection::vec(value(), 0..40)) {
            let whole = values.iter().all(|value| value.fract() == 0.0);
            let reach: f64 = values.iter().map(|value| value.abs()).sum();
            match whole_sum(&values) {
                Some(sum) => {
                    prop_assert!(whole);
                    prop_assert_eq!(sum.to_bits(), values.iter().fold(0.0, |sum, value| sum + value).to_bits());
                }
                None => prop_assert!(!whole || reach >= 2_251_799_813_685_248.0),
            }
        }
    }

    #[test]
    fn what_is_not_whole_is_not() {
        for value in [0.5, -0.5, 1e15 + 0.5, f64::NAN, f64::INFINITY, 5e-324, 9e15] {
            assert!(!is_whole(value), "{value}");
        }
        for value in [0.0, -0.0, 1.0, -7.0, 1e15] {
            assert!(is_whole(value), "{value}");
        }
    }
}
