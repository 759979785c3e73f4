use assurance_metrics_model::{Histogram, Span};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{NanObservations, fraction, quantile, trim_lower, trim_upper, variance};

const INF: f64 = f64::INFINITY;

fn buckets(offset: i32, counts: &[f64]) -> (Vec<Span>, Vec<f64>) {
    (vec![Span { offset, length: u32::try_from(counts.len()).expect("few") }], counts.to_vec())
}

/// With a zero bucket of some width and count, and buckets from 1 and from -1 outwards.
fn exponential(schema: i32, sum: f64, zero: (f64, f64), positive: &[f64], negative: &[f64]) -> Histogram {
    let count = zero.1 + positive.iter().chain(negative).sum::<f64>();
    let ((positive_spans, positive_counts), (negative_spans, negative_counts)) =
        (buckets(0, positive), buckets(0, negative));
    Histogram {
        schema,
        count,
        sum,
        zero_threshold: zero.0,
        zero_count: zero.1,
        positive_spans,
        positive_counts,
        negative_spans: if negative.is_empty() { Vec::new() } else { negative_spans },
        negative_counts,
        ..Histogram::default()
    }
}

fn custom(sum: f64, bounds: &[f64], counts: &[f64]) -> Histogram {
    let (positive_spans, positive_counts) = buckets(0, counts);
    Histogram {
        schema: Histogram::CUSTOM_BUCKETS,
        count: counts.iter().sum(),
        sum,
        positive_spans,
        positive_counts,
        bounds: bounds.to_vec(),
        ..Histogram::default()
    }
}

#[track_caller]
fn assert_near(got: f64, expected: f64) {
    let near = got == expected
        || (got.is_nan() && expected.is_nan())
        || (got - expected).abs() <= 1e-9 * expected.abs().max(1e-9);
    assert!(near, "{got} is not {expected}");
}

/// Count, sum, zero count, and populated buckets from below as upper bound and count.
#[track_caller]
fn assert_kept(got: &Histogram, count: f64, sum: f64, populated: &[(f64, f64)]) {
    assert_near(got.count, count);
    assert_near(got.sum, sum);
    let kept: Vec<_> = got.all_buckets().filter(|b| b.count != 0.0).collect();
    assert_eq!(kept.len(), populated.len(), "{got}");
    for (bucket, (upper, count)) in kept.iter().zip(populated) {
        assert_near(bucket.upper, *upper);
        assert_near(bucket.count, *count);
    }
}

#[test]
fn quantiles_are_interpolated_on_the_scale_of_the_bucket() {
    let value = |q, h: &Histogram| {
        let (value, nan) = quantile(q, h);
        assert_eq!(nan, NanObservations::None);
        value
    };
    let positive = exponential(0, 100.0, (0.001, 2.0), &[2.0, 3.0, 0.0, 1.0, 4.0], &[]);
    assert_near(value(0.083_333_333_333_333_33, &positive), 0.0005);
    assert_near(value(0.632_080_208_393_429_7, &positive), 6.0);
    assert_near(value(0.0, &positive), 0.0);
    assert_near(value(1.0, &positive), 16.0);
    let empty_first = exponential(0, 12.0, (0.0, 0.0), &[0.0, 0.0, 4.0], &[]);
    assert_near(value(0.0, &empty_first), 2.0);
    let miscounted = Histogram { count: 3.0, ..empty_first };
    assert_near(value(0.0, &miscounted), 2.0 * 2f64.powf(0.25));

    let middle = |schema, negative: bool| {
        let counts: &[f64] = &[0.0, 0.0, 5.0];
        let (positive, negative): (&[f64], &[f64]) = if negative { (&[], counts) } else { (counts, &[]) };
        value(0.5, &exponential(schema, 4.0, (0.0, 0.0), positive, negative))
    };
    assert_near(middle(-1, false), 8.0);
    assert_near(middle(0, false), 2.828_427_124_746_19);
    assert_near(middle(1, false), 1.681_792_830_507_429_2);
    assert_near(middle(-1, true), -8.0);
    assert_near(middle(0, true), -2.828_427_124_746_19);
    assert_near(middle(1, true), -1.681_792_830_507_429_2);

    let negative = exponential(0, -1.0, (0.5, 4.0), &[], &[4.0]);
    assert_near(value(0.75, &negative), -0.25);
    let both = exponential(0, 0.0, (0.5, 4.0), &[4.0], &[4.0]);
    assert_near(value(0.5, &both), 0.0);
}

#[test]
fn quantiles_of_custom_buckets_are_those_of_classic_ones() {
    let value = |q, h: &Histogram| quantile(q, h).0;
    let histogram = custom(1.0, &[5.0, 10.0], &[2.0, 4.0, 2.0]);
    assert_near(value(0.125, &histogram), 2.5);
    assert_near(value(0.5, &histogram), 7.5);
    assert_near(value(0.99, &histogram), 10.0);
    let below_zero = custom(1.0, &[-5.0, 10.0], &[2.0, 2.0, 0.0]);
    assert_near(value(0.1, &below_zero), -5.0);
    assert_near(value(0.75, &below_zero), 2.5);
}

#[test]
fn quantiles_beyond_and_of_nothing() {
    let one = exponential(0, 1.0, (0.0, 0.0), &[1.0], &[]);
    assert_near(quantile(-0.1, &one).0, -INF);
    assert_near(quantile(1.1, &one).0, INF);
    assert_near(quantile(f64::NAN, &one).0, f64::NAN);
    assert_near(quantile(0.5, &Histogram::default()).0, f64::NAN);
    // The count says more than the buckets hold, without there being NaN.
    assert_near(quantile(0.1, &Histogram { count: 20.0, ..one }).0, 1.0);
}

#[test]
fn nan_observations_are_larger_than_all_others() {
    let mut histogram = exponential(0, f64::NAN, (0.0, 0.0), &[4.0, 4.0], &[]);
    let (all, nan) = quantile(0.75, &histogram);
    assert_eq!(nan, NanObservations::None, "the sum is NaN when infinities met, too");
    assert_near(all, 2f64.sqrt());
    histogram.count = 10.0;
    let (skewed, nan) = quantile(0.6, &histogram);
    assert_eq!(nan, NanObservations::Skew);
    assert_near(skewed, 2f64.sqrt());
    let (value, nan) = quantile(0.9, &histogram);
    assert_eq!(nan, NanObservations::Decide);
    assert!(value.is_nan());

    let (value, nan) = fraction(0.0, INF, &histogram);
    assert_near(value, 0.8);
    assert!(nan);
    histogram.count = 8.0;
    assert!(!fraction(0.0, INF, &histogram).1);
    histogram.count = 10.0;
    histogram.sum = 10.0;
    assert!(!fraction(0.0, INF, &histogram).1, "without NaN in the sum there is none");
}

#[test]
fn fractions_are_the_inverse_of_quantiles() {
    let histogram = exponential(0, 100.0, (0.001, 2.0), &[2.0, 3.0, 0.0, 1.0, 4.0], &[]);
    for (lower, upper, expected) in [
        (0.0, INF, 1.0),
        (-INF, 0.0, 0.0),
        (-0.001, 0.0, 0.0),
        (0.0, 0.001, 1.0 / 6.0),
        (0.001, INF, 5.0 / 6.0),
        (0.0, 0.0005, 1.0 / 12.0),
        (1.0, 2.0, 0.25),
        (0.0, 1.5, 0.479_573_958_513_622_4),
        (1.5, 2.0, 0.103_759_374_819_710_91),
        (1.0, 8.0, 1.0 / 3.0),
        (0.0, 6.0, 0.632_080_208_393_429_7),
        (42.0, 3.0, 0.0),
        (42.0, 42.0, 0.0),
        (3.0, f64::NAN, f64::NAN),
        (f64::NAN, 42.0, f64::NAN),
        (-INF, INF, 1.0),
    ] {
        assert_near(fraction(lower, upper, &histogram).0, expected);
    }
    let negative = exponential(1, 4.0, (0.0, 0.0), &[], &[0.0, 0.0, 5.0]);
    assert_near(fraction(-1.681_792_830_507_429_2, 0.0, &negative).0, 0.5);
    assert_near(fraction(1.0, 2.0, &Histogram::default()).0, f64::NAN);
    assert_near(fraction(0.0, 8.0, &Histogram { count: 4.0, ..histogram }).0, 1.0);
}

#[test]
fn fractions_of_custom_buckets_are_those_of_classic_ones() {
    let above = custom(1.0, &[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0, 94.0]);
    assert_near(fraction(0.0, 1.5, &above).0, 0.02);
    assert_near(fraction(4.0, 5.0, &above).0, 0.0);
    assert_near(fraction(-INF, INF, &above).0, 1.0);
    let below = custom(1.0, &[-3.0, -2.0, -1.0], &[10.0, 2.0, 3.0, 85.0]);
    assert_near(fraction(-4.0, -2.0, &below).0, 0.02);
    assert_near(fraction(-INF, -1.5, &below).0, 0.135);
    let across = custom(1.0, &[-2.0, -1.0, 0.0, 1.0], &[5.0, 5.0, 5.0, 5.0, 80.0]);
    assert_near(fraction(-1.0, 1.0, &across).0, 0.1);
}

#[test]
fn the_variance_takes_buckets_at_their_middle() {
    let histogram = exponential(2, 10.0, (0.0, 0.0), &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0], &[]);
    assert_near(variance(&histogram), 1.163_807_968_526_718);
    let fine = exponential(8, 10.0, (0.0, 0.0), &[1.0, 2.0, 3.0, 4.0], &[]);
    assert_near(variance(&fine), 2.397_112_337_013_944_7e-5);
    let negative = exponential(0, -100.0, (0.0, 0.0), &[], &[0.0, 0.0, 0.0, 0.0, 10.0]);
    assert_near(variance(&negative), 1.725_830_020_304_794);
    let around_zero = exponential(0, 6.0, (0.5, 2.0), &[], &[]);
    assert_near(variance(&around_zero), 9.0);
    assert_near(variance(&custom(8.0, &[2.0, 4.0, 6.0], &[0.0, 1.0, 1.0])), 1.0);
    assert_near(variance(&custom(8.0, &[2.0], &[0.0, 1.0])), INF);
    assert_near(variance(&Histogram::default()), f64::NAN);
}

#[test]
fn trimming_cuts_exponential_buckets_on_their_scale() {
    let histogram = exponential(0, 123.75, (0.001, 1.0), &[2.0, 4.0, 8.0, 16.0], &[1.0, 2.0]);
    for same in [trim_lower(&histogram, -INF), trim_upper(&histogram, INF)] {
        assert_eq!(same, histogram, "nothing cut off, nothing estimated");
    }
    assert_kept(&trim_lower(&histogram, INF), 0.0, 0.0, &[]);
    assert_kept(&trim_upper(&histogram, -INF), 0.0, 0.0, &[]);
    assert_kept(
        &trim_lower(&histogram, 0.0),
        30.5,
        120.208_402_801_713_08,
        &[(0.001, 0.5), (1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 16.0)],
    );
    assert_kept(
        &trim_upper(&histogram, 0.0),
        3.5,
        -3.535_783_905_932_737_7,
        &[(-1.0, 2.0), (-0.5, 1.0), (0.001, 0.5)],
    );
    assert_kept(
        &trim_upper(&histogram, 2f64.sqrt()),
        8.0,
        0.257_093_886_536_119_8,
        &[(-1.0, 2.0), (-0.5, 1.0), (0.001, 1.0), (1.0, 2.0), (2.0, 2.0)],
    );
    assert_kept(&trim_lower(&histogram, 2.0), 24.0, 113.137_084_989_847_61, &[(4.0, 8.0), (8.0, 16.0)]);
    assert_kept(&trim_upper(&histogram, -1.0), 2.0, -2.828_427_124_746_190_2, &[(-1.0, 2.0)]);

    let fine = exponential(2, 12.8, (0.001, 1.0), &[1.0, 2.0, 4.0, 7.0, 3.0], &[1.0, 5.0, 3.0, 1.0]);
    let upper = trim_upper(&fine, -1.3);
    assert_near(upper.count, 2.457_860_520_955_24);
    assert_near(upper.sum, -3.518_930_798_359_506_6);
    let lower = trim_lower(&fine, 1.13);
    assert_near(lower.count, 14.589_417_818_876_296);
    assert_near(lower.sum, 22.168_126_492_693_734);
}

#[test]
fn trimming_the_zero_bucket() {
    let alone = exponential(0, 0.0, (0.1, 5.0), &[], &[]);
    assert_kept(&trim_upper(&alone, -0.05), 1.25, -0.09375, &[(0.1, 1.25)]);
    assert_kept(&trim_upper(&alone, -0.1), 0.0, 0.0, &[]);
    assert_eq!(trim_lower(&alone, -0.1), alone);
    assert_eq!(trim_upper(&alone, 0.1), alone);
    assert_kept(&trim_lower(&alone, 0.05), 1.25, 0.09375, &[(0.1, 1.25)]);

    let positive = exponential(0, 8.0, (0.5, 2.0), &[10.0], &[]);
    assert_kept(&trim_lower(&positive, 0.5), 10.0, 7.071_067_811_865_475_5, &[(1.0, 10.0)]);
    assert_kept(&trim_upper(&positive, 0.25), 1.0, 0.125, &[(0.5, 1.0)]);
    assert_kept(&trim_upper(&positive, -0.25), 0.0, 0.0, &[]);
    let negative = exponential(0, -8.0, (0.5, 2.0), &[], &[10.0]);
    assert_kept(&trim_lower(&negative, -0.25), 1.0, -0.125, &[(0.5, 1.0)]);
    assert_kept(&trim_lower(&negative, 0.25), 0.0, 0.0, &[]);
    let exact = exponential(0, 0.0, (0.0, 5.0), &[], &[]);
    assert_kept(&trim_upper(&exact, 0.0), 0.0, 0.0, &[]);
    assert_eq!(trim_lower(&exact, 0.0), exact);
    assert!(trim_upper(&alone, f64::NAN).zero_count.is_nan());
}

#[test]
fn trimming_cuts_custom_buckets_evenly() {
    let histogram = custom(172.5, &[5.0, 10.0, 15.0, 20.0], &[1.0, 6.0, 4.0, 3.0, 1.0]);
    assert_kept(&trim_upper(&histogram, 15.0), 11.0, 97.5, &[(5.0, 1.0), (10.0, 6.0), (15.0, 4.0)]);
    assert_kept(&trim_lower(&histogram, 15.0), 4.0, 72.5, &[(20.0, 3.0), (INF, 1.0)]);
    assert_kept(&trim_upper(&histogram, 13.0), 9.4, 75.1, &[(5.0, 1.0), (10.0, 6.0), (15.0, 2.4)]);
    assert_kept(&trim_lower(&histogram, 13.0), 5.6, 94.9, &[(15.0, 1.6), (20.0, 3.0), (INF, 1.0)]);
    assert_eq!(trim_lower(&histogram, 0.0), histogram);
    assert_kept(&trim_upper(&histogram, 0.0), 0.0, 0.0, &[]);
    let all_bounded = &[(5.0, 1.0), (10.0, 6.0), (15.0, 4.0), (20.0, 3.0)];
    assert_kept(&trim_upper(&histogram, 50.0), 14.0, 150.0, all_bounded);
    let trimmed = trim_lower(&histogram, 15.0);
    assert_eq!(trimmed.bounds, histogram.bounds);
    assert_eq!(trimmed.positive_spans, [Span { offset: 3, length: 2 }]);
}

#[test]
fn trimming_buckets_without_an_end() {
    let negative = custom(172.5, &[-10.0, 5.0], &[2.0, 1.0]);
    assert_kept(&trim_upper(&negative, 2.0), 2.8, -23.2, &[(-10.0, 2.0), (5.0, 0.8)]);
    assert_kept(&trim_upper(&negative, -15.0), 2.0, -30.0, &[(-10.0, 2.0)]);

    let one = custom(100.0, &[], &[100.0]);
    assert_kept(&trim_upper(&one, 10.0), 0.0, 0.0, &[]);
    assert_kept(&trim_lower(&one, 10.0), 0.0, 0.0, &[]);
    assert_eq!(trim_upper(&one, INF), one);
    assert_eq!(trim_lower(&one, -INF), one);

    let zero = custom(33.0, &[0.0], &[1.0, 100.0]);
    assert_kept(&trim_upper(&zero, 10.0), 1.0, 0.0, &[(0.0, 1.0)]);
    assert_kept(&trim_upper(&zero, -10.0), 1.0, -10.0, &[(0.0, 1.0)]);
    assert_kept(&trim_lower(&zero, -10.0), 100.0, 0.0, &[(INF, 100.0)]);
    assert_kept(&trim_lower(&zero, 10.0), 100.0, 1000.0, &[(INF, 100.0)]);

    let positive = custom(33.0, &[5.0], &[1.0, 100.0]);
    assert_kept(&trim_upper(&positive, 10.0), 1.0, 2.5, &[(5.0, 1.0)]);
    assert_kept(&trim_upper(&positive, 2.0), 0.4, 0.4, &[(5.0, 0.4)]);
    assert_kept(&trim_upper(&positive, 0.0), 0.0, 0.0, &[]);
    assert_kept(&trim_upper(&positive, -10.0), 0.0, 0.0, &[]);
    assert_kept(&trim_lower(&positive, -10.0), 100.0, 500.0, &[(INF, 100.0)]);
    assert_eq!(trim_lower(&positive, 0.0), positive);
    assert_kept(&trim_lower(&positive, 2.0), 100.6, 502.1, &[(5.0, 0.6), (INF, 100.0)]);
}

fn counts() -> impl Strategy<Value = Vec<f64>> {
    vec((0u32..50).prop_map(f64::from), 0..6)
}

fn any_exponential() -> impl Strategy<Value = Histogram> {
    let width = prop::sample::select(vec![0.001, 0.02]);
    (-2i32..=4, 0u32..9, width, counts(), counts()).prop_map(|(schema, zero, width, positive, negative)| {
        exponential(schema, 1.0, (width, f64::from(zero)), &positive, &negative)
    })
}

fn any_histogram() -> impl Strategy<Value = Histogram> {
    let any_custom = (prop::collection::btree_set(-8i32..8, 0..6), vec((0u32..50).prop_map(f64::from), 7))
        .prop_map(|(bounds, counts)| {
            let bounds: Vec<f64> = bounds.into_iter().map(f64::from).collect();
            custom(1.0, &bounds, &counts[..=bounds.len()])
        });
    prop_oneof![any_exponential(), any_custom]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12800))]

    #[test]
    fn quantiles_rise(histogram in any_histogram(), a in 0.0f64..=1.0, b in 0.0f64..=1.0) {
        let (low, high) = (quantile(a.min(b), &histogram).0, quantile(a.max(b), &histogram).0);
        prop_assert!(histogram.count == 0.0 || low <= high * (1.0 + 1e-9 * high.signum()) + 1e-9, "{low} > {high}");
    }

    #[test]
    fn a_fraction_up_to_a_quantile_is_that_quantile(
        histogram in any_exponential(),
        q in 0.01f64..0.99,
    ) {
        prop_assume!(histogram.count > 0.0);
        let (value, _) = quantile(q, &histogram);
        let (back, _) = fraction(f64::NEG_INFINITY, value, &histogram);
        prop_assert!((back - q).abs() < 1e-9, "{back} is not {q}");
    }

    #[test]
    fn fractions_on_both_sides_are_all(histogram in any_histogram(), value in -10.0f64..10.0) {
        prop_assume!(histogram.count > 0.0);
        let below = fraction(f64::NEG_INFINITY, value, &histogram).0;
        let above = fraction(value, f64::INFINITY, &histogram).0;
        prop_assert!((below + above - 1.0).abs() < 1e-9);
    }

    #[test]
    fn trimming_on_both_sides_keeps_every_observation(
        histogram in any_exponential(),
        value in -10.0f64..10.0,
    ) {
        let (below, above) = (trim_upper(&histogram, value), trim_lower(&histogram, value));
        prop_assert!((below.count + above.count - histogram.count).abs() < 1e-9);
        if histogram.count > 0.0 {
            let share = fraction(f64::NEG_INFINITY, value, &histogram).0;
            prop_assert!((below.count - share * histogram.count).abs() < 1e-9);
        }
    }
}
