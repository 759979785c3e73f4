use std::sync::Arc;

use assurance_metrics_model::{
    Histogram, HistogramError, MetricType, Span, Value, format_float, is_stale_nan, parse_float, stale_nan,
};
use proptest::prelude::*;

#[test]
fn the_stale_marker_is_one_nan_among_many() {
    assert!(is_stale_nan(stale_nan()) && stale_nan().is_nan());
    assert!(!is_stale_nan(f64::NAN));
    assert_eq!(Value::stale(), Value::Float(stale_nan()));
    assert_ne!(Value::stale(), Value::Float(f64::NAN));
    assert_ne!(Value::Float(0.0), Value::Float(-0.0), "values are compared by their bits");
    let ended = Histogram { sum: stale_nan(), ..Histogram::default() };
    assert!(Value::Histogram(Arc::new(ended)).is_stale());
}

#[test]
fn floats_print_as_the_api_prints_them() {
    for (value, text) in [
        (f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (1.0, "1"),
        (-0.0, "-0"),
        (0.1, "0.1"),
        (1e21, "1000000000000000000000"),
        (1e-7, "0.0000001"),
    ] {
        assert_eq!(format_float(value), text);
    }
}

#[test]
fn histograms_must_fit_together() {
    let good = Histogram {
        positive_spans: vec![Span { offset: 0, length: 2 }],
        positive_counts: vec![1.0, 2.0],
        ..Histogram::default()
    };
    assert_eq!(good.validate(), Ok(()));
    let short = Histogram { positive_counts: vec![1.0], ..good.clone() };
    assert_eq!(short.validate(), Err(HistogramError::SpanLength { side: "positive", spans: 2, counts: 1 }));
    let odd = Histogram { schema: 9, ..good.clone() };
    assert_eq!(odd.validate(), Err(HistogramError::Schema { schema: 9 }));
    let custom = Histogram { schema: Histogram::CUSTOM_BUCKETS, bounds: vec![1.0, 1.0], ..good };
    assert_eq!(custom.validate(), Err(HistogramError::Bounds { index: 1, bound: 1.0 }));
}

#[test]
fn metric_types_read_their_own_names_and_untyped() {
    for name in ["counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset", "unknown"]
    {
        assert_eq!(name.parse::<MetricType>().map(MetricType::as_str), Ok(name));
    }
    assert_eq!("untyped".parse(), Ok(MetricType::Unknown));
    assert!("Counter".parse::<MetricType>().is_err());
}

proptest! {
    #[test]
    fn a_printed_float_reads_back(value in any::<f64>()) {
        let back = parse_float(&format_float(value)).expect("reads");
        prop_assert!(back.to_bits() == value.to_bits() || (back.is_nan() && value.is_nan()));
    }
}
