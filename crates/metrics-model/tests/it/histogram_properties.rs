use assurance_metrics_model::{CompensatedHistogram, Histogram, HistogramMean, Span};
use proptest::collection::vec;
use proptest::prelude::*;

/// Spans and counts of one side; whole counts, so that sums are exact.
fn side() -> impl Strategy<Value = (Vec<Span>, Vec<f64>)> {
    vec((0i32..4, vec(0u32..100, 1..4)), 0..4).prop_flat_map(|runs| {
        (-20i32..20).prop_map(move |first| {
            let mut spans = Vec::new();
            for (at, (gap, counts)) in runs.iter().enumerate() {
                let offset = if at == 0 { first } else { *gap };
                spans.push(Span { offset, length: u32::try_from(counts.len()).expect("few") });
            }
            let counts = runs.iter().flat_map(|(_, counts)| counts).map(|c| f64::from(*c)).collect();
            (spans, counts)
        })
    })
}

fn exponential() -> impl Strategy<Value = Histogram> {
    let zero = (0u32..100, prop::sample::select(vec![0.0, 0.001, 0.5, 0.7, 3.0]));
    (-4i32..=8, zero, side(), side()).prop_map(|(schema, (zero, zero_threshold), positive, negative)| {
        let mut histogram = Histogram {
            schema,
            zero_threshold,
            zero_count: f64::from(zero),
            positive_spans: positive.0,
            positive_counts: positive.1,
            negative_spans: negative.0,
            negative_counts: negative.1,
            ..Histogram::default()
        };
        // No bucket begins within the zero bucket.
        let inmost = [histogram.positive_buckets().next(), histogram.negative_buckets().next()];
        for bucket in inmost.into_iter().flatten() {
            let near = bucket.lower.abs().min(bucket.upper.abs());
            histogram.zero_threshold = histogram.zero_threshold.min(near);
        }
        histogram.count = held(&histogram);
        histogram.sum = 3.0 * histogram.count;
        histogram
    })
}

fn custom() -> impl Strategy<Value = Histogram> {
    (prop::collection::btree_set(-8i32..8, 0..8), vec(0u32..100, 9)).prop_map(|(bounds, counts)| {
        let counts: Vec<f64> = counts.into_iter().take(bounds.len() + 1).map(f64::from).collect();
        Histogram {
            schema: Histogram::CUSTOM_BUCKETS,
            count: counts.iter().sum(),
            positive_spans: vec![Span { offset: 0, length: u32::try_from(counts.len()).expect("few") }],
            positive_counts: counts,
            bounds: bounds.into_iter().map(f64::from).collect(),
            ..Histogram::default()
        }
    })
}

fn pair() -> impl Strategy<Value = (Histogram, Histogram)> {
    prop_oneof![3 => (exponential(), exponential()), 1 => (custom(), custom())]
}

/// All that is in buckets.
fn held(histogram: &Histogram) -> f64 {
    let buckets = histogram.positive_counts.iter().chain(&histogram.negative_counts);
    histogram.zero_count + buckets.sum::<f64>()
}

fn compacted(mut histogram: Histogram) -> Histogram {
    histogram.compact(0);
    histogram
}

fn sum(a: &Histogram, b: &Histogram) -> Histogram {
    compacted(a.add(b).expect("one layout").histogram)
}

/// Observations up to each bound of `bounds`.
fn cumulative(histogram: &Histogram, bounds: &[f64]) -> Vec<f64> {
    let up_to = |bound: f64| histogram.all_buckets().filter(|b| b.upper <= bound).map(|b| b.count).sum();
    bounds.iter().map(|bound| up_to(*bound)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn addition_goes_either_way_and_loses_nothing((a, b) in pair()) {
        let both = sum(&a, &b);
        prop_assert!(both.same_value(&sum(&b, &a)), "{both} != {}", sum(&b, &a));
        prop_assert_eq!(held(&both), held(&a) + held(&b));
        prop_assert_eq!(both.count, a.count + b.count);
        prop_assert_eq!(both.validate(), Ok(()));
        // Wherever the outcome has a bound, both sides' counts below it add up.
        let bounds: Vec<f64> = both.all_buckets().map(|bucket| bucket.upper).collect();
        let expected: Vec<f64> =
            cumulative(&a, &bounds).iter().zip(cumulative(&b, &bounds)).map(|(a, b)| a + b).collect();
        prop_assert_eq!(cumulative(&both, &bounds), expected);
    }

    #[test]
    fn what_is_added_can_be_taken_away((a, b) in pair()) {
        let both = sum(&a, &b);
        let back = compacted(both.subtract(&b).expect("one layout").histogram);
        if both.schema == a.schema && both.zero_threshold == a.zero_threshold && both.bounds == a.bounds {
            prop_assert!(back.same_value(&compacted(a.clone())), "{back} != {a}");
        }
        prop_assert_eq!(held(&back), held(&a));
    }

    #[test]
    fn a_histogram_subtracted_from_itself_has_no_populated_bucket((a, _) in pair()) {
        let nothing = compacted(a.subtract(&a).expect("one layout").histogram);
        prop_assert_eq!((nothing.bucket_count(), nothing.count, nothing.zero_count), (0, 0.0, 0.0));
    }

    #[test]
    fn compensated_sums_and_means_of_whole_numbers_are_the_plain_ones((a, b) in pair()) {
        let both = sum(&a, &b);
        let mut total = CompensatedHistogram::new(&a);
        let mut mean = HistogramMean::new(&a);
        let notes = a.add(&b).expect("one layout").notes;
        prop_assert_eq!(total.add(&b), Ok(notes));
        prop_assert_eq!(mean.add(&b), Ok(notes));
        prop_assert!(compacted(total.total()).same_value(&both));
        let mut half = both;
        half.divide(2.0);
        prop_assert!(compacted(mean.mean()).same_value(&half));
    }

    #[test]
    fn a_counter_that_grows_was_not_reset_and_one_that_shrinks_was((a, b) in pair()) {
        let later = sum(&a, &b);
        prop_assert!(!later.detect_reset(&a), "{a} then {later}");
        if b.count > 0.0 {
            prop_assert!(a.detect_reset(&later));
        }
    }

    #[test]
    fn compacting_keeps_the_populated_buckets((a, _) in pair(), max_empty in 0usize..5) {
        let mut compact = a.clone();
        compact.compact(max_empty);
        let populated = |h: &Histogram| h.all_buckets().filter(|b| b.count != 0.0).collect::<Vec<_>>();
        prop_assert_eq!(populated(&compact), populated(&a));
        prop_assert_eq!(compact.validate(), Ok(()));
        let mut again = compact.clone();
        again.compact(max_empty);
        prop_assert_eq!(&again, &compact);
        let longest = compact.positive_counts.split(|c| *c != 0.0).map(<[f64]>::len).max();
        prop_assert!(longest.unwrap_or(0) <= max_empty);
        prop_assert!(compacted(a.clone()).same_value(&compacted(compact)));
    }

    #[test]
    fn a_coarser_resolution_keeps_the_counts(a in exponential(), schema in -4i32..=8) {
        let mut coarse = a.clone();
        coarse.reduce_resolution(schema);
        prop_assert_eq!(coarse.schema, a.schema.min(schema));
        prop_assert_eq!(held(&coarse), held(&a));
        prop_assert_eq!(coarse.validate(), Ok(()));
        let mut once = a;
        once.reduce_resolution(schema.max(-3));
        once.reduce_resolution(schema);
        prop_assert!(once.same_value(&coarse), "in one step or in two");
    }

    #[test]
    fn buckets_go_back_as_they_came((a, _) in pair()) {
        let mut back: Vec<_> = a.all_buckets().rev().collect();
        back.reverse();
        let forth: Vec<_> = a.all_buckets().collect();
        prop_assert_eq!(&forth, &back);
        prop_assert!(a.negative_buckets().map(|b| b.index).is_sorted());
        prop_assert!(a.positive_buckets().all(|b| b.lower < b.upper));
        prop_assert_eq!(forth.iter().map(|b| b.count).sum::<f64>(), held(&a));
    }
}
