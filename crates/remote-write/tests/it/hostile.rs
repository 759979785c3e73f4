use std::sync::Arc;

use assurance_metrics_model::{Histogram, Labels, ResetHint, Span, Timestamp, Value};
use assurance_remote_write::{Counts, Limits, TimeSeries, decode, decode_message, encode_message};
use proptest::prelude::*;
use prost::Message as _;

use crate::{compressed, oracle};

fn small() -> Limits {
    let mut limits = Limits::default();
    limits.samples = 1000;
    limits.buckets = 1000;
    limits
}

fn counts(length: usize) -> impl Strategy<Value = Vec<f64>> {
    prop_oneof![
        prop::collection::vec((0..1000u32).prop_map(f64::from), length),
        prop::collection::vec(0.0..1e9f64, length),
    ]
}

fn side() -> impl Strategy<Value = (Vec<Span>, Vec<f64>)> {
    prop::collection::vec((0..5i32, 0..4u32), 0..4).prop_flat_map(|spans| {
        let spans: Vec<Span> = spans.into_iter().map(|(offset, length)| Span { offset, length }).collect();
        let length = spans.iter().map(|s| s.length as usize).sum();
        counts(length).prop_map(move |counts| (spans.clone(), counts))
    })
}

fn histogram() -> impl Strategy<Value = Value> {
    let hint = prop::sample::select(vec![
        ResetHint::Unknown,
        ResetHint::Reset,
        ResetHint::NoReset,
        ResetHint::Gauge,
    ]);
    (-4..=8i32, side(), side(), any::<bool>(), any::<f64>(), hint).prop_map(
        |(schema, plus, minus, extra, sum, hint)| {
            let buckets: f64 = plus.1.iter().chain(&minus.1).sum();
            Value::Histogram(Arc::new(Histogram {
                schema,
                zero_threshold: 0.001,
                zero_count: 2.0,
                count: buckets + if extra { 7.0 } else { 2.0 },
                sum,
                positive_spans: plus.0,
                positive_counts: plus.1,
                negative_spans: minus.0,
                negative_counts: minus.1,
                bounds: Vec::new(),
                reset_hint: hint,
            }))
        },
    )
}

fn series() -> impl Strategy<Value = TimeSeries> {
    let labels = prop::collection::btree_map("[a-z_.é]{1,6}", ".{1,8}", 0..5);
    let value = prop_oneof![any::<f64>().prop_map(Value::Float), Just(Value::stale()), histogram()];
    // Rising in time: floats and histograms travel in two lists.
    let samples = prop::collection::btree_map(any::<i64>(), value, 0..6);
    (labels, samples).prop_map(|(mut labels, samples)| {
        labels.insert("__name__".to_owned(), "m".to_owned());
        TimeSeries {
            labels: Labels::from_pairs(labels),
            samples: samples.into_iter().map(|(at, v)| (Timestamp::from_millis(at), v)).collect(),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// What is written reads back to the bit, with integer or float counts, and prost agrees with the bytes.
    #[test]
    fn what_is_written_reads_back(all in prop::collection::vec(series(), 0..5), integer: bool) {
        let counts = if integer { Counts::IntegerWhereWhole } else { Counts::Float };
        let message = encode_message(&all, counts);
        let read = decode_message(&message, &Limits::default()).expect("our own message");
        prop_assert_eq!(&read.refusals, &[]);
        prop_assert_eq!(&read.series, &all);
        let theirs = oracle::WriteRequest::decode(&message[..]).expect("prost reads it");
        // prost, as Prometheus, drops the sign of a zero.
        let signed = |value: &Value| match value {
            Value::Float(v) => v.to_bits() == (-0.0f64).to_bits(),
            Value::Histogram(h) => h.sum.to_bits() == (-0.0f64).to_bits(),
            _ => false,
        };
        if !read.series.iter().flat_map(|s| &s.samples).any(|(_, value)| signed(value)) {
            prop_assert_eq!(theirs.encode_to_vec(), message);
        }
    }

    /// Any bytes end in an answer or an error; so do messages with bytes changed, put in or cut off.
    #[test]
    fn no_bytes_make_it_panic(
        noise in prop::collection::vec(any::<u8>(), 0..200),
        all in prop::collection::vec(series(), 0..3),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..6),
    ) {
        let _any_answer = decode(&noise, &small());
        let _any_answer = decode_message(&noise, &small());
        let mut message = encode_message(&all, Counts::IntegerWhereWhole);
        for (at, byte, edit) in edits {
            let at = at.index(message.len() + 1);
            match edit {
                0 if at < message.len() => message[at] = byte,
                1 => message.insert(at, byte),
                _ => message.truncate(at),
            }
        }
        let read = decode(&compressed(&message), &small());
        // Where both read it, both see as many samples.
        if let (Ok(read), Ok(theirs)) = (&read, oracle::WriteRequest::decode(&message[..])) {
            let theirs: usize = theirs.timeseries.iter().map(|s| s.samples.len() + s.histograms.len()).sum();
            prop_assert_eq!(read.samples() + read.refused_samples, theirs);
        }
        let mut body = compressed(&message);
        if let Some(last) = body.last_mut() {
            *last ^= 0x55;
        }
        let _any_answer = decode(&body, &small());
    }
}
