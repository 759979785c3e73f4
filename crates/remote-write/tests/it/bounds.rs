use assurance_remote_write::{
    DecodeError, Limits, MAX_REFUSALS, RefusalKind, WireFault, decode, decode_message,
};
use prost::Message as _;

use crate::compressed;
use crate::oracle::{self, labels};

/// How a limit is set, what is just enough, and what is said below.
type Case<'a> = (&'a dyn Fn(&mut Limits, usize), usize, fn(usize) -> DecodeError);

fn limits(change: impl Fn(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

fn series(name: &str, samples: usize, histograms: usize) -> oracle::TimeSeries {
    let histogram = oracle::Histogram {
        count: Some(oracle::Count::Int(2)),
        positive_spans: vec![oracle::Span { offset: 0, length: 2 }],
        positive_deltas: vec![1, 0],
        ..oracle::Histogram::default()
    };
    oracle::TimeSeries {
        labels: labels(&[("__name__", name)]),
        samples: vec![oracle::Sample::default(); samples],
        exemplars: Vec::new(),
        histograms: vec![histogram; histograms],
    }
}

#[test]
fn each_limit_holds_at_its_number_and_not_before() {
    let message =
        oracle::WriteRequest { timeseries: vec![series("a", 2, 1), series("b", 0, 1)], metadata: Vec::new() }
            .encode_to_vec();
    let body = compressed(&message);
    // Each histogram has a span and two deltas.
    let cases: [Case<'_>; 5] = [
        (&|l, n| l.compressed_bytes = n, body.len(), |limit| DecodeError::Compressed {
            bytes: limit + 1,
            limit,
        }),
        (&|l, n| l.decompressed_bytes = n, message.len(), |limit| DecodeError::Decompressed {
            bytes: limit + 1,
            limit,
        }),
        (&|l, n| l.series = n, 2, |limit| DecodeError::TooMany { what: "series", limit }),
        (&|l, n| l.samples = n, 4, |limit| DecodeError::TooMany { what: "samples", limit }),
        (&|l, n| l.buckets = n, 6, |limit| DecodeError::TooMany { what: "histogram buckets", limit }),
    ];
    for (set, enough, error) in cases {
        assert_eq!(decode(&body, &limits(|l| set(l, enough))).map(|r| r.samples()), Ok(4));
        assert_eq!(decode(&body, &limits(|l| set(l, enough - 1))), Err(error(enough - 1)));
    }
}

#[test]
fn labels_beyond_their_limits_are_refused_by_name() {
    let message = oracle::WriteRequest {
        timeseries: vec![oracle::TimeSeries {
            labels: labels(&[("__name__", "name"), ("ab", "c")]),
            samples: vec![oracle::Sample::default()],
            ..oracle::TimeSeries::default()
        }],
        metadata: Vec::new(),
    }
    .encode_to_vec();
    let refusal =
        |limits: &Limits| decode_message(&message, limits).expect("a message").refusals.pop().map(|r| r.kind);
    let name = |l: &mut Limits, n| l.label_name_bytes = n;
    let long = |part, label: &str, bytes, limit| {
        Some(RefusalKind::LongLabel { part, label: label.to_owned(), bytes, limit })
    };
    assert_eq!(refusal(&limits(|l| name(l, 8))), None);
    assert_eq!(refusal(&limits(|l| name(l, 7))), long("name", "__name__", 8, 7));
    assert_eq!(refusal(&limits(|l| l.label_value_bytes = 4)), None);
    assert_eq!(refusal(&limits(|l| l.label_value_bytes = 3)), long("value", "__name__", 4, 3));
    assert_eq!(refusal(&limits(|l| l.labels = 2)), None);
    assert_eq!(refusal(&limits(|l| l.labels = 1)), Some(RefusalKind::TooManyLabels { count: 2, limit: 1 }));
}

#[test]
fn refusals_are_told_up_to_a_number_and_counted_beyond_it() {
    let nameless = oracle::TimeSeries { samples: vec![oracle::Sample::default(); 2], ..Default::default() };
    let mut bad = series("h", 0, 150);
    bad.histograms.iter_mut().for_each(|h| h.count = None);
    let mut timeseries = vec![nameless; 60];
    timeseries.push(bad);
    let message = oracle::WriteRequest { timeseries, metadata: Vec::new() }.encode_to_vec();
    let request = decode_message(&message, &Limits::default()).expect("a message");
    assert_eq!(request.refusals.len(), MAX_REFUSALS);
    assert_eq!((request.refused_series, request.refused_samples), (60, 120 + 150));
}

#[test]
fn bytes_that_are_no_message_are_refused_with_their_place() {
    let fault = |bytes: &[u8]| decode_message(bytes, &Limits::default()).expect_err("no message").to_string();
    let cases: [(&[u8], &str); 9] = [
        (&[0x0a], "it ends too early at byte 1, in a write request"),
        (&[0x0a, 5, 1], "it ends too early at byte 2, in a write request"),
        (&[0x0a, 2, 0x0a, 1], "it ends too early at byte 4, in a series"),
        (&[0x08, 1], "field 1 is of another type at byte 2, in a write request"),
        (&[0x0a, 2, 0x10, 1], "field 2 is of another type at byte 4, in a series"),
        (&[0x00, 1], "a field has no valid number at byte 0, in a write request"),
        (&[0x0b, 0x0c], "a field has the unknown wire type 3 at byte 0, in a write request"),
        (
            &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
            "a number is too long at byte 1, in a write request",
        ),
        (&[0x0a, 4, 0x12, 2, 0x09, 0], "it ends too early at byte 5, in a sample"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(fault(bytes), format!("not a prometheus.WriteRequest: {expected}"));
    }
    let wrong = DecodeError::Wire { at: 0, of: "write request", fault: WireFault::WireType { wire_type: 7 } };
    assert_eq!(decode_message(&[0x0f], &Limits::default()), Err(wrong));
    assert_eq!(
        decode_message(&[], &Limits::default()).map(|r| r.series.len()),
        Ok(0),
        "an empty message is one"
    );
    for body in [&b""[..], b"\xff\xff\xff\xff\xff\xff", b"\x05\xf0", b"not snappy at all"] {
        let error = decode(body, &Limits::default()).expect_err("not snappy");
        assert!(matches!(error, DecodeError::Snappy { .. } | DecodeError::Decompressed { .. }), "{error:?}");
    }
}

#[test]
fn a_header_that_lies_costs_nothing() {
    // Four gigabytes, says the header.
    let error = decode(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0], &Limits::default()).expect_err("too long");
    assert_eq!(error, DecodeError::Decompressed { bytes: u32::MAX as usize, limit: 64 << 20 });
}
