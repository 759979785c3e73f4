use std::sync::Arc;

use assurance_metrics_model::{Column, Histogram, Timestamp, Value, stale_nan};

#[test]
fn a_column_keeps_floats_and_histograms_apart() {
    let mut column = Column::new();
    let histogram = Arc::new(Histogram { count: 3.0, ..Histogram::default() });
    let values =
        [Value::Float(1.0), Value::Histogram(Arc::clone(&histogram)), Value::stale(), Value::Float(2.0)];
    for (secs, value) in (0..).zip(&values) {
        column.push(Timestamp::from_secs(secs), value);
    }
    assert_eq!(column.len(), 4);
    assert!(!column.is_float());
    assert_eq!((0..4).map(|i| column.value(i)).collect::<Vec<_>>(), values);
    assert_eq!(
        (0..4).map(|i| column.histogram(i).is_some()).collect::<Vec<_>>(),
        [false, true, false, false]
    );
    assert_eq!((0..4).map(|i| column.is_stale(i)).collect::<Vec<_>>(), [false, false, true, false]);
    column.clear();
    assert!(column.is_empty() && column.is_float());
}

#[test]
fn a_histogram_may_carry_the_stale_marker_in_its_sum() {
    let mut column = Column::new();
    let ended = Histogram { sum: stale_nan(), ..Histogram::default() };
    column.push(Timestamp::EPOCH, &Value::Histogram(Arc::new(ended)));
    assert!(column.is_stale(0));
}

#[test]
fn a_column_without_markers_and_histograms_is_plain() {
    let (times, values) = ([1, 2, 3], [1.0, f64::NAN, 2.0]);
    let mut column = Column::new();
    column.extend_floats(&times, &values);
    column.push_float(Timestamp::from_millis(4), f64::NAN);
    assert!(column.is_plain());
    column.push_float(Timestamp::from_millis(5), stale_nan());
    assert!(!column.is_plain());
    column.clear();
    assert!(column.is_plain(), "what is gone does not count");
    column.extend_floats(&times, &[1.0, stale_nan(), 2.0]);
    assert!(!column.is_plain());
    column.clear();
    column.push(Timestamp::EPOCH, &Value::Histogram(Arc::new(Histogram::default())));
    assert!(!column.is_plain());
}
