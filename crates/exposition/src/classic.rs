//! A native histogram as classic buckets, for formats that know no other.

use assurance_metrics_model::{Histogram, Span};

/// Upper bounds and cumulative counts of the populated buckets, bounds rising, without the last one (`+Inf`),
/// which holds [`Histogram::count`].
pub(crate) fn buckets(histogram: &Histogram) -> Vec<(f64, f64)> {
    let bound = |index: i64| {
        if histogram.schema == Histogram::CUSTOM_BUCKETS {
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            histogram.bounds.get(index).copied().unwrap_or(f64::INFINITY)
        } else {
            #[expect(clippy::cast_precision_loss, reason = "indices of buckets that can exist are small")]
            let exponent = index as f64 * f64::from(-histogram.schema).exp2();
            exponent.exp2()
        }
    };
    let mut single: Vec<(f64, f64)> = Vec::new();
    for (index, count) in indexed(&histogram.negative_spans, &histogram.negative_counts) {
        // Below zero a bucket reaches from -bound(i) up to -bound(i - 1).
        single.push((-bound(index - 1), count));
    }
    single.reverse();
    if histogram.zero_count > 0.0 {
        single.push((histogram.zero_threshold, histogram.zero_count));
    }
    single.extend(
        indexed(&histogram.positive_spans, &histogram.positive_counts).map(|(i, count)| (bound(i), count)),
    );

    let mut out: Vec<(f64, f64)> = Vec::with_capacity(single.len());
    let mut total = 0.0;
    for (bound, count) in single {
        total += count;
        match out.last_mut() {
            Some(last) if last.0 >= bound => last.1 = total,
            _ if bound == f64::INFINITY => {}
            _ => out.push((bound, total)),
        }
    }
    out
}

/// The indices that spans give to counts.
fn indexed<'a>(spans: &'a [Span], counts: &'a [f64]) -> impl Iterator<Item = (i64, f64)> + 'a {
    let mut next: i64 = 0;
    let indices = spans.iter().flat_map(move |span| {
        let start = next + i64::from(span.offset);
        next = start + i64::from(span.length);
        start..next
    });
    indices.zip(counts.iter().copied())
}

#[cfg(test)]
mod tests {
    use assurance_metrics_model::{Histogram, Span};

    use super::buckets;

    #[test]
    fn exponential_buckets_accumulate_from_the_lowest() {
        let histogram = Histogram {
            schema: 0,
            zero_threshold: 0.001,
            zero_count: 2.0,
            count: 10.0,
            positive_spans: vec![Span { offset: 0, length: 2 }, Span { offset: 1, length: 1 }],
            positive_counts: vec![1.0, 2.0, 3.0],
            negative_spans: vec![Span { offset: 1, length: 2 }],
            negative_counts: vec![1.0, 1.0],
            ..Histogram::default()
        };
        // Positive indices 0, 1, 3 end at 1, 2, 8; negative indices 1, 2 end at -1, -2.
        let expected = [(-2.0, 1.0), (-1.0, 2.0), (0.001, 4.0), (1.0, 5.0), (2.0, 7.0), (8.0, 10.0)];
        assert_eq!(buckets(&histogram), expected);
    }

    #[test]
    fn custom_buckets_take_their_bounds_and_leave_infinity_out() {
        let histogram = Histogram {
            schema: Histogram::CUSTOM_BUCKETS,
            count: 6.0,
            positive_spans: vec![Span { offset: 0, length: 3 }],
            positive_counts: vec![1.0, 2.0, 3.0],
            bounds: vec![0.5, 2.0],
            ..Histogram::default()
        };
        assert_eq!(buckets(&histogram), [(0.5, 1.0), (2.0, 3.0)]);
    }
}
