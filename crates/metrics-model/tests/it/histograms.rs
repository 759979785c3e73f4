use assurance_metrics_model::{
    ApiBucket, ClassicError, CompensatedHistogram, Histogram, HistogramError, HistogramMean, Incompatible,
    ResetHint, Span, stale_nan,
};

/// Buckets without gaps from index `first` on; count and sum are those of the positive ones.
fn exponential(schema: i32, first: i32, counts: &[f64]) -> Histogram {
    let spans = vec![Span { offset: first, length: u32::try_from(counts.len()).expect("few") }];
    let count = counts.iter().sum();
    Histogram {
        schema,
        count,
        sum: count,
        positive_spans: spans,
        positive_counts: counts.to_vec(),
        ..Default::default()
    }
}

fn custom(bounds: &[f64], counts: &[f64]) -> Histogram {
    Histogram { bounds: bounds.to_vec(), ..exponential(Histogram::CUSTOM_BUCKETS, 0, counts) }
}

fn with_zero(mut histogram: Histogram, threshold: f64, count: f64) -> Histogram {
    histogram.zero_threshold = threshold;
    histogram.zero_count = count;
    histogram
}

fn sum(a: &Histogram, b: &Histogram) -> Histogram {
    let mut sum = a.add(b).expect("one layout").histogram;
    sum.compact(0);
    sum
}

/// Lower bounds, upper bounds and counts.
fn populated(histogram: &Histogram) -> Vec<(f64, f64, f64)> {
    histogram.all_buckets().filter(|b| b.count != 0.0).map(|b| (b.lower, b.upper, b.count)).collect()
}

#[test]
fn buckets_come_from_the_most_negative_to_the_most_positive_and_back() {
    let histogram = Histogram {
        zero_threshold: 0.6,
        zero_count: 7.0,
        positive_spans: vec![Span { offset: 0, length: 1 }, Span { offset: 1, length: 2 }],
        positive_counts: vec![1.0, 0.0, 3.0],
        negative_spans: vec![Span { offset: -1, length: 0 }, Span { offset: 2, length: 2 }],
        negative_counts: vec![4.0, 5.0],
        ..Histogram::default()
    };
    let buckets: Vec<_> = histogram.all_buckets().map(|b| (b.lower, b.upper, b.count, b.index)).collect();
    let expected = [
        (-4.0, -2.0, 5.0, 2),
        (-2.0, -1.0, 4.0, 1),
        (-0.6, 0.6, 7.0, 0),
        // Cut where the zero bucket ends.
        (0.6, 1.0, 1.0, 0),
        (2.0, 4.0, 0.0, 2),
        (4.0, 8.0, 3.0, 3),
    ];
    assert_eq!(buckets, expected);
    let mut back: Vec<_> =
        histogram.all_buckets().rev().map(|b| (b.lower, b.upper, b.count, b.index)).collect();
    back.reverse();
    assert_eq!(back, expected);
    assert_eq!(histogram.positive_buckets().next().map(|b| b.lower), Some(0.5), "as it is, when asked alone");
    assert_eq!(histogram.positive_buckets().len(), 3);
}

#[test]
fn spans_without_counts_or_out_of_order_do_not_panic() {
    let odd = Histogram {
        positive_spans: vec![Span { offset: i32::MAX, length: u32::MAX }, Span { offset: -9, length: 3 }],
        positive_counts: vec![1.0, 2.0],
        negative_counts: vec![1.0],
        ..Histogram::default()
    };
    assert_eq!(odd.all_buckets().count(), 2);
    assert_eq!(odd.all_buckets().rev().count(), 2);
    let mut sum = odd.add(&exponential(0, 0, &[1.0])).expect("one layout").histogram;
    sum.compact(3);
    assert!(!odd.detect_reset(&odd));
    assert!(odd.test_expression().starts_with("{{"));
}

#[test]
fn the_api_names_which_bounds_belong_to_a_bucket() {
    let both = Histogram {
        negative_spans: vec![Span { offset: 0, length: 1 }],
        negative_counts: vec![1.0],
        ..with_zero(exponential(0, 1, &[2.0, 0.0]), 0.001, 3.0)
    };
    let rules: Vec<_> = both.api_buckets().into_iter().map(|b| (b.rule, b.count)).collect();
    assert_eq!(rules, [(1, 1.0), (3, 3.0), (0, 2.0)]);
    assert_eq!(
        custom(&[5.0], &[1.0, 2.0]).api_buckets(),
        [
            ApiBucket { rule: 3, lower: f64::NEG_INFINITY, upper: 5.0, count: 1.0 },
            ApiBucket { rule: 0, lower: 5.0, upper: f64::INFINITY, count: 2.0 },
        ]
    );
}

#[test]
fn a_negative_factor_makes_a_gauge_and_a_division_by_zero_leaves_no_buckets() {
    let mut histogram = with_zero(exponential(0, 0, &[2.0, 4.0]), 0.1, 1.0);
    histogram.scale(0.5);
    assert_eq!((histogram.reset_hint, histogram.count), (ResetHint::Unknown, 3.0));
    histogram.scale(-2.0);
    assert_eq!((histogram.reset_hint, &histogram.positive_counts[..]), (ResetHint::Gauge, &[-2.0, -4.0][..]));
    histogram.divide(-2.0);
    assert_eq!((histogram.zero_count, histogram.sum, histogram.positive_counts[1]), (0.5, 3.0, 2.0));
    let mut fresh = exponential(0, 0, &[1.0]);
    fresh.divide(2.0);
    assert_eq!(fresh.reset_hint, ResetHint::Unknown);
    fresh.divide(-2.0);
    assert_eq!(fresh.reset_hint, ResetHint::Gauge);
    histogram.divide(0.0);
    assert_eq!((histogram.count, histogram.zero_count), (f64::INFINITY, f64::INFINITY));
    assert_eq!(histogram.bucket_count() + histogram.positive_spans.len(), 0);
}

#[test]
fn missing_buckets_are_made() {
    let a = exponential(0, 2, &[1.0, 2.0]);
    let b = exponential(0, -1, &[4.0, 0.0, 8.0, 16.0]);
    assert_eq!(sum(&a, &b).positive_counts, [4.0, 8.0, 17.0, 2.0]);
    assert_eq!(
        sum(&a, &b).positive_spans,
        [Span { offset: -1, length: 1 }, Span { offset: 1, length: 3 }],
        "as few spans as there are runs"
    );
    assert!(sum(&a, &b).same_value(&sum(&b, &a)));
}

#[test]
fn the_coarser_resolution_wins() {
    let fine = exponential(1, 1, &[1.0, 2.0, 4.0]);
    let coarse = exponential(0, 1, &[8.0]);
    let added = sum(&fine, &coarse);
    assert_eq!(added.schema, 0);
    assert_eq!(populated(&added), [(1.0, 2.0, 11.0), (2.0, 4.0, 4.0)]);
    assert!(added.same_value(&sum(&coarse, &fine)));
    let mut coarser = fine;
    coarser.reduce_resolution(-1);
    assert_eq!(populated(&coarser), [(1.0, 4.0, 7.0)]);
    coarser.reduce_resolution(3);
    assert_eq!(coarser.schema, -1, "nothing makes it finer again");
}

#[test]
fn the_wider_zero_bucket_swallows_what_is_inside_and_ends_where_a_bucket_ends() {
    let narrow = with_zero(exponential(0, -1, &[1.0, 2.0, 4.0]), 0.001, 8.0);
    let wide = with_zero(exponential(0, 2, &[16.0]), 0.6, 32.0);
    let added = sum(&narrow, &wide);
    assert_eq!((added.zero_threshold, added.zero_count), (1.0, 8.0 + 1.0 + 2.0 + 32.0));
    assert_eq!(populated(&added)[1..], [(1.0, 2.0, 4.0), (2.0, 4.0, 16.0)]);
    assert!(added.same_value(&sum(&wide, &narrow)));

    let empty_there = with_zero(exponential(0, -1, &[1.0, 0.0, 4.0]), 0.001, 8.0);
    let added = sum(&empty_there, &wide);
    assert_eq!((added.zero_threshold, added.zero_count), (0.6, 41.0), "an empty bucket may be cut through");

    let mut negative = narrow.clone();
    std::mem::swap(&mut negative.positive_spans, &mut negative.negative_spans);
    std::mem::swap(&mut negative.positive_counts, &mut negative.negative_counts);
    let added = sum(&negative, &wide);
    assert_eq!((added.zero_threshold, added.zero_count), (1.0, 43.0));
    assert_eq!(populated(&added)[0], (-2.0, -1.0, 4.0));
}

#[test]
fn custom_buckets_meet_at_the_bounds_that_both_have() {
    let coarse = custom(&[2.0, 4.0, 6.0], &[1.0, 2.0, 5.0, 7.0]);
    let fine = custom(
        &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
        &[10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0],
    );
    let difference = fine.subtract(&coarse).expect("both custom");
    assert!(difference.notes.reconciled_bounds && !difference.notes.counter_reset_collision);
    assert_eq!(difference.histogram.bounds, [2.0, 4.0, 6.0]);
    assert_eq!(difference.histogram.positive_counts, [29.0, 68.0, 105.0, 233.0]);

    let nothing_common = sum(&custom(&[1.0], &[1.0, 2.0]), &custom(&[2.0], &[3.0, 4.0]));
    assert_eq!((nothing_common.bounds.len(), &nothing_common.positive_counts[..]), (0, &[10.0][..]));

    let same = coarse.add(&coarse).expect("both custom");
    assert!(!same.notes.reconciled_bounds);
    assert_eq!(same.histogram.positive_counts, [2.0, 4.0, 10.0, 14.0]);
}

#[test]
fn exponential_and_custom_buckets_do_not_add_up() {
    let (a, b) = (exponential(0, 0, &[1.0]), custom(&[1.0], &[1.0]));
    assert_eq!(a.add(&b), Err(Incompatible));
    let mut unchanged = b.clone();
    assert_eq!(unchanged.subtract_assign(&a), Err(Incompatible));
    assert_eq!(unchanged, b);
    assert_eq!(CompensatedHistogram::new(&a).add(&b), Err(Incompatible));
    assert_eq!(HistogramMean::new(&b).add(&a), Err(Incompatible));
}

#[test]
fn reset_hints_add_up() {
    use ResetHint::{Gauge, NoReset, Reset, Unknown};
    for (a, b, outcome, collision) in [
        (Reset, Reset, Reset, false),
        (NoReset, NoReset, NoReset, false),
        (Reset, NoReset, Unknown, true),
        (NoReset, Reset, Unknown, true),
        (Unknown, Reset, Unknown, false),
        (NoReset, Unknown, Unknown, false),
        (Gauge, NoReset, Gauge, false),
        (Reset, Gauge, Gauge, false),
        (Unknown, Gauge, Gauge, false),
    ] {
        let hinted = |reset_hint| Histogram { reset_hint, ..Histogram::default() };
        let added = hinted(a).add(&hinted(b)).expect("one layout");
        let got = (added.histogram.reset_hint, added.notes.counter_reset_collision);
        assert_eq!(got, (outcome, collision), "{a:?} and {b:?}");
    }
}

#[test]
fn a_compensated_sum_keeps_what_a_plain_one_loses() {
    let [big, one, less] = [1e100, 1.0, -1e100].map(|count| exponential(0, 0, &[count, count]));
    let mut total = CompensatedHistogram::new(&big);
    for histogram in [&one, &less, &one] {
        let _notes = total.add(histogram).expect("one layout");
    }
    assert_eq!(total.total().positive_counts, [2.0, 2.0]);
    assert_eq!(sum(&sum(&sum(&big, &one), &less), &one).positive_counts, [1.0, 1.0]);

    let mut total = CompensatedHistogram::new(&one);
    for histogram in [&big, &less] {
        let _notes = total.add(histogram).expect("one layout");
    }
    assert_eq!(total.total().positive_counts, [1.0, 1.0], "the small number came first");

    let mut total = CompensatedHistogram::new(&exponential(0, 1, &[1.0]));
    let both_in_one = exponential(1, 1, &[1.0, 1e100]);
    for histogram in [&both_in_one, &exponential(0, 1, &[-1e100])] {
        let _notes = total.add(histogram).expect("one layout");
    }
    assert_eq!(total.total().positive_counts, [2.0], "lost while buckets were joined");

    let mut total = CompensatedHistogram::new(&big);
    for histogram in [&one, &less, &one] {
        let _notes = total.add(histogram).expect("one layout");
    }
    // What was lost stays with its bucket when buckets are joined and moved.
    let _notes = total.add(&exponential(-1, 0, &[0.0, 3.0])).expect("one layout");
    assert_eq!(total.total().positive_counts, [2.0, 5.0]);
}

#[test]
fn a_mean_survives_what_a_sum_does_not() {
    let [small, large] = [1.0, 3.0].map(|count| exponential(0, 0, &[count]));
    let mut mean = HistogramMean::new(&small);
    let _notes = mean.add(&large).expect("one layout");
    assert_eq!((mean.mean().count, &mean.mean().positive_counts[..]), (2.0, &[2.0][..]));

    let huge = exponential(0, 0, &[f64::MAX / 1.5]);
    let mut mean = HistogramMean::new(&huge);
    for _ in 0..3 {
        let _notes = mean.add(&huge).expect("one layout");
    }
    let ratio = mean.mean().positive_counts[0] / huge.positive_counts[0];
    assert!((ratio - 1.0).abs() < 1e-12, "{ratio}");
    assert!(!mean.mean().overflows());
}

#[test]
fn a_counter_that_falls_was_reset() {
    let before = with_zero(exponential(1, 1, &[1.0, 2.0, 4.0]), 0.25, 1.0);
    let later = |change: &dyn Fn(&mut Histogram)| {
        let mut later = before.clone();
        change(&mut later);
        later.detect_reset(&before)
    };
    assert!(!later(&|_| {}));
    assert!(!later(&|h| h.positive_counts[1] = 3.0));
    assert!(!later(&|h| h.sum = -9.0), "sums of counters may fall");
    assert!(later(&|h| h.positive_counts[1] = 1.0));
    assert!(later(&|h| h.zero_count = 0.0));
    assert!(later(&|h| h.count = 1.0));
    assert!(later(&|h| h.reset_hint = ResetHint::Reset));
    assert!(!later(&|h| (h.reset_hint, h.count) = (ResetHint::NoReset, 0.0)));
    assert!(later(&|h| (h.reset_hint, h.count) = (ResetHint::Gauge, 0.0)));
    assert!(later(&|h| h.schema = 2), "a resolution gets finer only with a new start");
    assert!(later(&|h| h.zero_threshold = 0.1), "and a zero bucket narrower");
    assert!(!later(&|h| (h.zero_threshold, h.zero_count) = (0.3, 1.0)));
    assert!(!later(&|h| h.zero_threshold = 0.5));
    assert!(later(&|h| (h.zero_threshold, h.zero_count) = (1.2, 99.0)), "it ends within a populated bucket");
    assert!(!later(&|h| h.reduce_resolution(0)));
    assert!(later(&|h| {
        h.reduce_resolution(0);
        h.positive_counts[0] = 2.0;
    }));
    assert!(later(&|h| {
        h.positive_spans = vec![Span { offset: 2, length: 2 }];
        h.positive_counts = vec![9.0, 9.0];
    }));
    assert!(!later(&|h| {
        h.positive_spans = vec![Span { offset: 0, length: 5 }];
        h.positive_counts = vec![0.0, 1.0, 2.0, 4.0, 1.0];
    }));
}

#[test]
fn custom_counters_are_compared_by_common_bounds() {
    let before = custom(&[2.0, 4.0, 6.0], &[1.0, 2.0, 5.0, 7.0]);
    let fell_between = custom(&[2.0, 3.0, 4.0, 6.0], &[1.0, 0.0, 1.0, 5.0, 8.0]);
    assert!(fell_between.detect_reset(&before));
    assert!(!custom(&[2.0, 3.0, 4.0, 6.0], &[1.0, 1.0, 1.0, 5.0, 8.0]).detect_reset(&before));
    assert!(!before.detect_reset(&before));
    assert!(custom(&[2.0, 4.0, 6.0], &[1.0, 3.0, 4.0, 7.0]).detect_reset(&before));
    assert!(exponential(0, 0, &[50.0]).detect_reset(&before));
}

#[test]
fn compact_drops_and_keeps_empty_buckets() {
    let loose = exponential(0, 3, &[0.0, 1.0, 0.0, 0.0, 2.0, 0.0]);
    let mut none = loose.clone();
    none.compact(0);
    assert_eq!(none.positive_counts, [1.0, 2.0]);
    assert_eq!(none.positive_spans, [Span { offset: 4, length: 1 }, Span { offset: 2, length: 1 }]);
    let mut one = loose;
    one.compact(1);
    assert_eq!(one, none);
    one.compact(2);
    assert_eq!(one.positive_counts, [1.0, 0.0, 0.0, 2.0]);
    assert_eq!(one.positive_spans, [Span { offset: 4, length: 4 }]);
    assert!(!one.same_value(&none), "an empty bucket is a bucket");
}

#[test]
fn values_are_the_same_however_their_spans_are_cut() {
    let one = exponential(0, 0, &[1.0, 2.0]);
    let cut = |spans: &[(i32, u32)]| Histogram {
        positive_spans: spans.iter().map(|&(offset, length)| Span { offset, length }).collect(),
        reset_hint: ResetHint::Gauge,
        ..one.clone()
    };
    assert!(one.same_value(&cut(&[(0, 1), (0, 1)])));
    assert!(one.same_value(&cut(&[(-1, 0), (1, 1), (0, 0), (0, 1)])));
    assert!(!one.same_value(&cut(&[(0, 1), (1, 1)])));
    assert!(!one.same_value(&cut(&[(0, 1), (1, 0), (0, 1)])), "an empty span still moves the next one");
    let three = |spans: &[(i32, u32)]| Histogram { positive_counts: vec![1.0; 3], ..cut(spans) };
    assert!(!three(&[(0, 1), (1, 2)]).same_value(&three(&[(0, 2), (1, 1)])));
    let nan = Histogram { sum: f64::NAN, ..one.clone() };
    assert!(nan.same_value(&nan));
    assert!(!nan.same_value(&one));
    let zero = Histogram { sum: 0.0, ..one };
    assert!(!zero.same_value(&Histogram { sum: -0.0, ..zero.clone() }), "to the bit");
}

#[test]
fn histograms_print_as_prometheus_prints_them() {
    let histogram = Histogram {
        negative_spans: vec![Span { offset: 0, length: 2 }],
        negative_counts: vec![1.0, 3e21],
        sum: -1e-5,
        ..with_zero(exponential(0, 1, &[2.0, 0.0, 0.5]), 0.001, 5.0)
    };
    assert_eq!(
        histogram.to_string(),
        "{count:2.5, sum:-1e-05, [-2,-1):3e+21, [-1,-0.5):1, [-0.001,0.001]:5, (1,2]:2, (4,8]:0.5}"
    );
    assert_eq!(custom(&[5.0], &[1.0, 2.0]).to_string(), "{count:3, sum:3, [-Inf,5]:1, (5,+Inf]:2}");
    assert_eq!(Histogram::default().to_string(), "{count:0, sum:0}");
}

#[test]
fn histograms_are_written_for_tests() {
    let histogram = Histogram {
        negative_spans: vec![Span { offset: 0, length: 2 }],
        negative_counts: vec![1.0, 3.0],
        positive_spans: vec![Span { offset: -2, length: 2 }, Span { offset: 2, length: 1 }],
        positive_counts: vec![0.0, 1.0, 2.0],
        reset_hint: ResetHint::NoReset,
        ..with_zero(exponential(1, 0, &[7.0]), 0.001, 5.0)
    };
    assert_eq!(
        histogram.test_expression(),
        "{{schema:1 count:7 sum:7 z_bucket:5 z_bucket_w:0.001 counter_reset_hint:not_reset offset:-1 \
         buckets:[1 0 0 2] n_buckets:[1 3]}}"
    );
    assert_eq!(
        custom(&[5.0, 10.0], &[1.0, 0.0, 2.0]).test_expression(),
        "{{schema:-53 count:3 sum:3 custom_values:[5 10] buckets:[1 0 2]}}"
    );
    assert_eq!(Histogram::default().test_expression(), "{{}}");
    let far = Histogram {
        positive_spans: vec![Span { offset: 0, length: 1 }, Span { offset: 1_000_000_000, length: 1 }],
        positive_counts: vec![1.0, 2.0],
        ..Histogram::default()
    };
    assert_eq!(far.test_expression(), "{{buckets:[1 (1000000000 empty) 2]}}");
}

#[test]
fn classic_buckets_become_custom_ones() {
    let inf = f64::INFINITY;
    let whole =
        Histogram::from_classic_buckets(&[(inf, 10.0), (1.0, 2.0), (2.0, 2.0), (3.0, 5.0)], None, 7.0);
    assert_eq!(
        whole,
        Ok(Histogram { count: 10.0, sum: 7.0, ..custom(&[1.0, 2.0, 3.0], &[2.0, 0.0, 3.0, 5.0]) })
    );
    let fractions = Histogram::from_classic_buckets(&[(1.0, 0.5), (2.0, 0.5)], Some(2.0), 1.0).expect("fits");
    assert_eq!((fractions.count, &fractions.bounds[..]), (2.0, &[1.0, 2.0][..]));
    assert_eq!(fractions.positive_counts, [0.5, 1.5], "the empty one between is left out");
    assert_eq!(fractions.validate(), Ok(()));
    for (buckets, count, error) in [
        (vec![(1.0, 2.0), (2.0, 1.0)], None, ClassicError::Falling { bound: 2.0, count: 1.0, before: 2.0 }),
        (vec![(1.0, 2.0), (1.0, 3.0)], None, ClassicError::Twice { bound: 1.0 }),
        (vec![(f64::NAN, 2.0)], None, ClassicError::Bound),
        (vec![(1.0, -2.0)], None, ClassicError::Count { bound: 1.0, count: -2.0 }),
        (vec![(1.0, 2.0)], Some(1.0), ClassicError::Total { buckets: 2.0, count: 1.0 }),
        (vec![(inf, 2.0)], Some(3.0), ClassicError::Total { buckets: 2.0, count: 3.0 }),
    ] {
        assert_eq!(Histogram::from_classic_buckets(&buckets, count, 0.0), Err(error));
    }
    let alone = Histogram::from_classic_buckets(&[], Some(3.0), 1.0).expect("fits");
    assert_eq!((alone.bounds.len(), &alone.positive_counts[..]), (0, &[3.0][..]));
}

#[test]
fn parts_that_do_not_fit_are_named() {
    let ok = exponential(0, -3, &[1.0, 2.0]);
    assert_eq!(ok.validate(), Ok(()));
    let spans = vec![Span { offset: 0, length: 1 }, Span { offset: -1, length: 1 }];
    let backwards = Histogram { positive_spans: spans, ..ok.clone() };
    assert_eq!(
        backwards.validate(),
        Err(HistogramError::SpanOffset { side: "positive", index: 1, offset: -1 })
    );
    let negative = Histogram { positive_counts: vec![1.0, -2.0], ..ok.clone() };
    assert_eq!(negative.validate(), Err(HistogramError::Count { side: "positive", index: 1, count: -2.0 }));
    let bounded = Histogram { bounds: vec![1.0], ..ok };
    assert!(matches!(bounded.validate(), Err(HistogramError::Foreign { layout: "exponential", .. })));
    let fits = custom(&[1.0], &[1.0, 2.0]);
    assert_eq!(fits.validate(), Ok(()));
    assert!(matches!(
        Histogram { zero_count: 1.0, ..fits.clone() }.validate(),
        Err(HistogramError::Foreign { layout: "custom", part: "zero count" })
    ));
    let beyond = Histogram { positive_spans: vec![Span { offset: 1, length: 2 }], ..fits };
    assert_eq!(beyond.validate(), Err(HistogramError::TooFewBounds { bounds: 1, reach: 3 }));
}

#[test]
fn the_stale_marker_in_the_sum_ends_a_series() {
    assert!(Histogram { sum: stale_nan(), ..Histogram::default() }.is_stale());
    assert!(!Histogram { sum: f64::NAN, ..Histogram::default() }.is_stale());
}
