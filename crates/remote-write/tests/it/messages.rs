use std::sync::Arc;

use assurance_metrics_model::{
    Histogram, HistogramError, Labels, ResetHint, Span, Timestamp, Value, stale_nan,
};
use assurance_remote_write::{
    Counts, HistogramFault, Limits, RefusalKind, TimeSeries, WriteRequest, decode_message, encode_message,
};
use prost::Message as _;

use crate::oracle::{self, Count, ZeroCount, labels};
use crate::{compressed, decode};

type Pairs<'a> = &'a [(&'a [u8], &'a [u8])];

fn message(series: Vec<oracle::TimeSeries>) -> oracle::WriteRequest {
    oracle::WriteRequest { timeseries: series, metadata: Vec::new() }
}

fn one(histogram: oracle::Histogram) -> WriteRequest {
    let series = oracle::TimeSeries {
        labels: labels(&[("__name__", "h")]),
        histograms: vec![histogram],
        ..oracle::TimeSeries::default()
    };
    decode(&message(vec![series])).expect("a message")
}

fn fault(histogram: oracle::Histogram) -> HistogramFault {
    let request = one(histogram);
    assert_eq!((request.samples(), request.refused_samples), (0, 1));
    match request.refusals.into_iter().next().expect("refused").kind {
        RefusalKind::Histogram { fault, .. } => fault,
        other => panic!("{other:?}"),
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[test]
fn floats_and_markers_come_whole_and_what_is_left_out_is_counted() {
    let series = oracle::TimeSeries {
        labels: labels(&[("__name__", "up"), ("job", "a"), ("empty", "")]),
        samples: vec![
            oracle::Sample { value: 0.0, timestamp: 0 },
            oracle::Sample { value: stale_nan(), timestamp: -30_000 },
            oracle::Sample { value: 1.5, timestamp: i64::MIN },
        ],
        exemplars: vec![oracle::Exemplar::default(); 3],
        histograms: Vec::new(),
    };
    let mut message = message(vec![series]);
    message.metadata =
        vec![oracle::Metadata { metric_family_name: "up".to_owned(), ..oracle::Metadata::default() }; 2];
    let request = decode(&message).expect("a message");
    assert_eq!((request.exemplars, request.metadata, request.refused_samples), (3, 2, 0));
    let [series] = &request.series[..] else { panic!("{request:?}") };
    assert_eq!(series.labels.to_string(), r#"up{job="a"}"#, "an empty value is no label");
    let values = [(0, 0.0), (-30_000, stale_nan()), (i64::MIN, 1.5)];
    assert_eq!(series.samples, values.map(|(time, value)| (at(time), Value::Float(value))));
}

#[test]
fn labels_come_in_any_order_but_once_and_with_a_name() {
    let bad = |pairs: Pairs<'_>| {
        let label = |(n, v): &(&[u8], &[u8])| oracle::Label { name: n.to_vec(), value: v.to_vec() };
        let series = oracle::TimeSeries {
            labels: pairs.iter().map(label).collect(),
            samples: vec![oracle::Sample::default(); 2],
            ..oracle::TimeSeries::default()
        };
        let good = oracle::TimeSeries {
            labels: labels(&[("z", "1"), ("__name__", "good"), ("a", "2")]),
            samples: vec![oracle::Sample::default()],
            ..oracle::TimeSeries::default()
        };
        let request = decode(&message(vec![series, good])).expect("a message");
        assert_eq!(request.series.len(), 1, "the other series is kept");
        assert_eq!(request.series[0].labels.to_string(), r#"good{a="2",z="1"}"#);
        assert_eq!((request.refused_series, request.refused_samples), (1, 2));
        request.refusals[0].to_string()
    };
    let cases: [(Pairs<'_>, &str); 6] = [
        (&[(b"job", b"a")], r#"{job="a"}: it has no metric name; set the label __name__"#),
        (&[(b"__name__", b"")], r#"{__name__=""}: it has no metric name; set the label __name__"#),
        (&[(b"__name__", b"x"), (b"", b"v")], r#"{__name__="x", ="v"}: a label has no name"#),
        (
            &[(b"__name__", b"x"), (b"a", b"1"), (b"b", b"1"), (b"a", b"2")],
            r#"{__name__="x", a="1", b="1", a="2"}: label a is there twice"#,
        ),
        (&[(b"__name__", b"\xff")], "{__name__=\"\u{fffd}\"}: label __name__ is not valid UTF-8"),
        (&[], "{}: it has no metric name; set the label __name__"),
    ];
    for (pairs, expected) in cases {
        assert_eq!(bad(pairs), format!("series 0 of the message, {expected}"));
    }
}

#[test]
fn integer_histograms_become_counts() {
    let request = one(oracle::Histogram {
        count: Some(Count::Int(14)),
        sum: 18.4,
        schema: -1,
        zero_threshold: 0.001,
        zero_count: Some(ZeroCount::Int(2)),
        positive_spans: vec![oracle::Span { offset: -2, length: 2 }, oracle::Span { offset: 3, length: 1 }],
        positive_deltas: vec![1, 2, -1],
        negative_spans: vec![oracle::Span { offset: 0, length: 2 }],
        negative_deltas: vec![3, 0],
        reset_hint: 3,
        timestamp: -5,
        ..oracle::Histogram::default()
    });
    let expected = Histogram {
        schema: -1,
        zero_threshold: 0.001,
        zero_count: 2.0,
        count: 14.0,
        sum: 18.4,
        positive_spans: vec![Span { offset: -2, length: 2 }, Span { offset: 3, length: 1 }],
        positive_counts: vec![1.0, 3.0, 2.0],
        negative_spans: vec![Span { offset: 0, length: 2 }],
        negative_counts: vec![3.0, 3.0],
        bounds: Vec::new(),
        reset_hint: ResetHint::Gauge,
    };
    assert_eq!(request.series[0].samples, [(at(-5), Value::Histogram(Arc::new(expected)))]);
}

#[test]
fn float_custom_empty_and_ending_histograms() {
    let request = one(oracle::Histogram {
        count: Some(Count::Float(1.5)),
        zero_count: Some(ZeroCount::Float(0.0)),
        schema: Histogram::CUSTOM_BUCKETS,
        sum: 3.0,
        positive_spans: vec![oracle::Span { offset: 1, length: 2 }],
        positive_counts: vec![0.5, 1.0],
        custom_values: vec![0.1, 2.5],
        reset_hint: 1,
        timestamp: 1000,
        ..oracle::Histogram::default()
    });
    let Value::Histogram(h) = &request.series[0].samples[0].1 else { panic!("{request:?}") };
    assert_eq!((h.count, &h.bounds[..], &h.positive_counts[..]), (1.5, &[0.1, 2.5][..], &[0.5, 1.0][..]));
    assert_eq!((h.schema, h.reset_hint), (-53, ResetHint::Reset));
    for (hint, read) in [(0, ResetHint::Unknown), (2, ResetHint::NoReset), (9, ResetHint::Unknown)] {
        let request = one(oracle::Histogram { reset_hint: hint, ..oracle::Histogram::default() });
        let expected = Histogram { reset_hint: read, ..Histogram::default() };
        assert_eq!(
            request.series[0].samples,
            [(at(0), Value::Histogram(Arc::new(expected)))],
            "an empty one"
        );
    }
    let request = one(oracle::Histogram { sum: stale_nan(), ..oracle::Histogram::default() });
    assert!(request.series[0].samples[0].1.is_stale());
    let request = one(oracle::Histogram {
        count: Some(Count::Int(3)),
        zero_count: Some(ZeroCount::Int(1)),
        sum: f64::NAN,
        ..oracle::Histogram::default()
    });
    assert_eq!(request.samples(), 1, "NaN observations lie in no bucket");
}

#[test]
fn histograms_that_cannot_be_are_refused_by_their_time() {
    let spans =
        |all: &[(i32, u32)]| all.iter().map(|&(offset, length)| oracle::Span { offset, length }).collect();
    let base = oracle::Histogram { timestamp: 7, ..oracle::Histogram::default() };
    let with = |change: &dyn Fn(&mut oracle::Histogram)| {
        let mut histogram = base.clone();
        change(&mut histogram);
        fault(histogram)
    };
    assert_eq!(with(&|h| h.count = Some(Count::Int(4))), HistogramFault::Sum { buckets: 0, count: 4 });
    assert_eq!(
        with(&|h| {
            h.positive_spans = spans(&[(0, 2)]);
            h.positive_deltas = vec![1, -2];
        }),
        HistogramFault::Delta { side: "positive", index: 1 }
    );
    assert_eq!(
        with(&|h| {
            h.negative_spans = spans(&[(0, 2)]);
            h.negative_deltas = vec![i64::MAX, 1];
        }),
        HistogramFault::Delta { side: "negative", index: 1 }
    );
    assert_eq!(
        with(&|h| {
            h.positive_spans = spans(&[(i32::MAX, 1)]);
            h.positive_deltas = vec![0];
        }),
        HistogramFault::Reach { side: "positive", index: 0 }
    );
    assert_eq!(
        with(&|h| h.count = Some(Count::Float(-1.0))),
        HistogramFault::Negative { part: "count", value: -1.0 }
    );
    assert_eq!(with(&|h| h.schema = 9), HistogramFault::Parts(HistogramError::Schema { schema: 9 }));
    assert_eq!(
        with(&|h| h.positive_spans = spans(&[(0, u32::MAX)])),
        HistogramFault::Parts(HistogramError::SpanLength {
            side: "positive",
            spans: u64::from(u32::MAX),
            counts: 0
        })
    );
    let request = one(oracle::Histogram { count: Some(Count::Int(4)), timestamp: 7, ..base.clone() });
    assert_eq!(
        request.refusals[0].to_string(),
        "series 0 of the message, {__name__=\"h\"}: the histogram at 1970-01-01T00:00:00.007Z: \
         its buckets count 0 observations, and its count is 4"
    );
}

#[test]
fn floats_and_histograms_of_one_series_are_merged_by_time() {
    let float = |timestamp| oracle::Sample { value: 1.0, timestamp };
    let histogram = |timestamp| oracle::Histogram { timestamp, ..oracle::Histogram::default() };
    let series = oracle::TimeSeries {
        labels: labels(&[("__name__", "mixed")]),
        samples: vec![float(0), float(30), float(20)],
        histograms: vec![histogram(10), histogram(40)],
        ..oracle::TimeSeries::default()
    };
    let request = decode(&message(vec![series])).expect("a message");
    let times: Vec<i64> = request.series[0].samples.iter().map(|(at, _)| at.as_millis()).collect();
    assert_eq!(times, [0, 10, 30, 20, 40], "neither list is sorted anew");
}

#[test]
fn numbers_may_be_packed_or_not_and_unknown_fields_are_skipped() {
    // A histogram with unpacked deltas and counts, and with fields of every wire type that nobody knows.
    let histogram = [
        &[0x08, 3][..],                        // count_int
        &[0x5a, 2, 0x10, 2],                   // positive_spans: length 2
        &[0x60, 2, 0x60, 2],                   // positive_deltas: 1, 1
        &[0xa0, 0x06, 1],                      // field 100: a number
        &[0xa1, 0x06, 0, 0, 0, 0, 0, 0, 0, 0], // field 100: eight bytes
        &[0xa2, 0x06, 2, 0xff, 0xff],          // field 100: a text
        &[0xa5, 0x06, 0, 0, 0, 0],             // field 100: four bytes
    ]
    .concat();
    let mut series =
        oracle::TimeSeries { labels: labels(&[("__name__", "h")]), ..Default::default() }.encode_to_vec();
    series.extend([0x22, u8::try_from(histogram.len()).expect("short")]);
    series.extend(histogram);
    let mut message = vec![0x0a, u8::try_from(series.len()).expect("short")];
    message.extend(series);
    let request = decode_message(&message, &Limits::default()).expect("a message");
    let Value::Histogram(h) = &request.series[0].samples[0].1 else { panic!("{request:?}") };
    assert_eq!((&h.positive_counts[..], h.count), (&[1.0, 2.0][..], 3.0));
}

#[test]
fn what_is_written_is_what_prometheus_reads() {
    let labels = Labels::from_pairs([("__name__", "m"), ("job", "a")]);
    let histogram = Histogram {
        schema: 3,
        zero_threshold: 0.5,
        zero_count: 1.0,
        count: 6.0,
        sum: 2.0,
        positive_spans: vec![Span { offset: -1, length: 2 }],
        positive_counts: vec![3.0, 2.0],
        reset_hint: ResetHint::NoReset,
        ..Histogram::default()
    };
    let samples = vec![
        (at(-1), Value::Float(0.1)),
        (at(0), Value::stale()),
        (at(1), Value::Histogram(Arc::new(histogram.clone()))),
        (at(2), Value::Histogram(Arc::new(Histogram { count: 6.5, ..histogram }))),
    ];
    let series = TimeSeries { labels, samples };
    let bytes = encode_message(std::slice::from_ref(&series), Counts::IntegerWhereWhole);
    let read = oracle::WriteRequest::decode(&bytes[..]).expect("prost reads it");
    assert_eq!(read.encode_to_vec(), bytes, "field by field as prost writes it");
    let [whole, broken] = &read.timeseries[0].histograms[..] else { panic!("{read:?}") };
    assert_eq!((whole.count, whole.zero_count), (Some(Count::Int(6)), Some(ZeroCount::Int(1))));
    assert_eq!((&whole.positive_deltas[..], whole.positive_counts.len()), (&[3, -1][..], 0));
    assert_eq!((broken.count, broken.zero_count), (Some(Count::Float(6.5)), Some(ZeroCount::Float(1.0))));
    assert_eq!((broken.positive_deltas.len(), &broken.positive_counts[..]), (0, &[3.0, 2.0][..]));
    let back = assurance_remote_write::decode(&compressed(&bytes), &Limits::default()).expect("a message");
    assert_eq!(back.series, [series]);
}
