//! Compared with prometheus-parse 0.2.5: the same answers where that crate is right, and its wrong ones pinned.

use std::collections::BTreeMap;

use assurance_exposition::{Entry, Format, Parser};
use assurance_metrics_model::Timestamp;
use prometheus_parse::{Scrape, Value};
use proptest::prelude::*;

/// Name, labels, value, timestamp.
type Plain = (String, BTreeMap<String, String>, u64, Option<i64>);

fn ours(body: &str) -> Vec<Plain> {
    Parser::new(body.as_bytes(), Format::Text)
        .filter_map(|entry| match entry {
            Ok(Entry::Sample(s)) => Some((
                s.metric_name().into_owned(),
                s.labels().map(|(n, v)| (n.into_owned(), v.into_owned())).collect(),
                s.value.to_bits(),
                s.timestamp.map(Timestamp::as_millis),
            )),
            _ => None,
        })
        .collect()
}

fn accepts(body: &str, format: Format) -> bool {
    Parser::new(body.as_bytes(), format).all(|entry| entry.is_ok())
}

fn theirs(body: &str) -> Vec<Plain> {
    let scrape = Scrape::parse(body.lines().map(|line| Ok(line.to_owned()))).expect("never an error");
    scrape
        .samples
        .into_iter()
        .map(|s| {
            let (Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value)) = s.value else {
                panic!("no histograms here")
            };
            let labels = s.labels.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
            (s.metric, labels, value.to_bits(), Some(s.timestamp.timestamp_millis()))
        })
        .collect()
}

/// What that crate reads right: names of letters, digits and underscores, label values without any of
/// `, = } " \` and blanks, a timestamp on every line (it takes the clock's where there is none).
fn safe_body() -> impl Strategy<Value = String> {
    let name = "[a-zA-Z_][a-zA-Z0-9_]{0,8}";
    let labels = proptest::collection::btree_map("[a-z_][a-z0-9_]{0,6}x", "[^,=}\"\\\\\\s\\pC]{1,8}", 0..4);
    let value = prop_oneof![
        any::<f64>().prop_filter("a number", |v| v.is_finite()).prop_map(|v| v.to_string()),
        any::<f64>().prop_filter("a number", |v| v.is_finite()).prop_map(|v| format!("{v:e}")),
        any::<i32>().prop_map(|v| v.to_string()),
        Just("+Inf".to_owned()),
        Just("-Inf".to_owned()),
    ];
    let kind = prop_oneof![Just(""), Just("counter"), Just("gauge"), Just("untyped")];
    let line =
        (name, labels, value, 0..4_102_444_800_000_i64, kind).prop_map(|(name, labels, value, at, kind)| {
            let pairs: Vec<String> = labels.iter().map(|(n, v)| format!("{n}=\"{v}\"")).collect();
            let labels = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
            let kind = if kind.is_empty() { String::new() } else { format!("# TYPE {name} {kind}\n") };
            format!("{kind}{name}{labels} {value} {at}\n")
        });
    proptest::collection::vec(line, 0..6).prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_agree_where_the_other_is_right(body in safe_body()) {
        prop_assert!(accepts(&body, Format::Text));
        prop_assert_eq!(ours(&body), theirs(&body));
    }
}

#[test]
fn what_the_other_drops_in_silence_is_read() {
    for body in [
        "job:http:rate5m{job=\"a\"} 1 5",
        "m{path=\"/v1/{id}/x\"} 1 5",
        "m{} 1 5",
        "m {a=\"1\"} 1 5",
        "{\"http.req\",code=\"200\"} 1 5",
    ] {
        assert_eq!(theirs(body).len(), 0, "{body}");
        assert_eq!(ours(body).len(), 1, "{body}");
    }
}

#[test]
fn what_the_other_reads_wrong_is_read_right() {
    let label = |samples: Vec<Plain>, name: &str| samples[0].1.get(name).cloned();
    let some = |text: &str| Some(text.to_owned());
    for (body, name, wrong, right) in [
        ("m{path=\"/a,b\",x=\"1\"} 1 5", "path", some("/a"), some("/a,b")),
        ("m{q=\"a=b\",x=\"1\"} 1 5", "q", None, some("a=b")),
        ("m{a=\"1\", b=\"2\"} 1 5", "b", None, some("2")),
        ("m{a=\"1\", b=\"2\"} 1 5", " b", some("2"), None),
        ("m{a=\"x\\\\y\"} 1 5", "a", some("x\\\\y"), some("x\\y")),
        ("m{a=\"x\\n\"} 1 5", "a", some("x\\n"), some("x\n")),
        ("m{a=\"x\\\"\"} 1 5", "a", some("x\\"), some("x\"")),
        ("m{\"http.code\"=\"200\"} 1 5", "http.code", None, some("200")),
    ] {
        assert_eq!(label(theirs(body), name), wrong, "{body}");
        assert_eq!(label(ours(body), name), right, "{body}");
    }
}

#[test]
fn what_the_other_accepts_is_refused() {
    for body in [
        "m infinit 1",
        "1abc 2 5",
        "métrique 1 5",
        "m{a=1} 1 5",
        "m 1 foo",
        "m 1 2 3 4",
        "m 1 1520879607.789",
        "m{a=\"1\",a=\"2\"} 1 5",
        "m 1 5 # {t=\"x\"} 1",
    ] {
        assert!(!accepts(body, Format::Text), "{body}");
    }
    // It calls every one of these good, but the first, which it drops without a word.
    for body in ["1abc 2 5", "métrique 1 5", "m{a=1} 1 5", "m 1 foo", "m 1 2 3 4", "m 1 1520879607.789"] {
        assert_eq!(theirs(body).len(), 1, "{body}");
    }
}

#[test]
fn what_the_other_takes_for_milliseconds_is_seconds() {
    let body = "m 1 1520879607\n# EOF\n";
    assert_eq!(theirs(body)[0].3, Some(1_520_879_607));
    let entry = Parser::new(body.as_bytes(), Format::OpenMetrics).next();
    let Some(Ok(Entry::Sample(sample))) = entry else { panic!("a sample") };
    assert_eq!(sample.timestamp.map(Timestamp::as_millis), Some(1_520_879_607_000));
}
