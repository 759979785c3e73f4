//! What holds for every body, and for every set of families.

use std::collections::{BTreeMap, BTreeSet};

use assurance_exposition::{Family, FamilyExemplar, FamilySample, Format, Parser, encode, lint, parse};
use assurance_metrics_model::{Labels, METRIC_NAME, MetricType, Timestamp};
use proptest::prelude::*;

const NORMAL_NAN: u64 = 0x7ff8_0000_0000_0001;

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<f64>().prop_map(|v| if v.is_nan() { f64::from_bits(NORMAL_NAN) } else { v }),
        4 => (-1_000_000..1_000_000_i32).prop_map(f64::from),
        1 => Just(f64::INFINITY),
        1 => Just(f64::from_bits(NORMAL_NAN)),
    ]
}

fn growing() -> impl Strategy<Value = f64> {
    number().prop_map(|v| if v.is_nan() { 0.0 } else { v.abs() })
}

/// Texts with everything that needs escaping.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,12}", "[a\\\\\"\n\r\t{}=,# é\u{0}]{0,8}", ".{0,6}"]
}

/// Names of labels that no type gives a meaning to.
fn label_name() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-z][a-zA-Z0-9_]{0,6}_", 1 => "[a-z.\\\\\"\né]{1,6}-"]
}

fn labels() -> impl Strategy<Value = BTreeMap<String, String>> {
    let value = text().prop_map(|t| if t.is_empty() { "x".to_owned() } else { t });
    proptest::collection::btree_map(label_name(), value, 0..4)
}

fn timestamp(earliest: i64) -> impl Strategy<Value = Option<Timestamp>> {
    proptest::option::of((earliest..4_102_444_800_000).prop_map(Timestamp::from_millis))
}

fn canonical(bound: f64) -> String {
    // The parser's own canonical form, through its front door.
    let body = format!("# TYPE a histogram\na_bucket{{le=\"{bound:e}\"}} 1\n");
    parse(body.as_bytes(), Format::Text).families[0].samples[0].labels.get_or_empty("le").to_owned()
}

fn sample(
    name: &str,
    labels: &BTreeMap<String, String>,
    more: Option<(&str, &str)>,
    value: f64,
    at: Option<Timestamp>,
) -> FamilySample {
    let pairs = labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).chain(more).chain([(METRIC_NAME, name)]);
    let sample = FamilySample::new(Labels::from_pairs(pairs), value);
    match at {
        Some(at) => sample.with_timestamp(at),
        None => sample,
    }
}

/// One label set of a family: what is common to all types, and numbers to make samples of.
#[derive(Clone, Debug)]
struct Group {
    labels: BTreeMap<String, String>,
    at: Option<Timestamp>,
    value: f64,
    growing: f64,
    bounds: BTreeSet<i16>,
    counts: Vec<u16>,
    created: bool,
    exemplar: Option<(BTreeMap<String, String>, f64, Option<Timestamp>)>,
}

fn group(earliest: i64) -> impl Strategy<Value = Group> {
    let exemplar_labels = proptest::collection::btree_map(label_name(), "[a-z\"\\\\\n☃]{0,9}", 0..4);
    let exemplar = proptest::option::of((exemplar_labels, number(), timestamp(earliest)));
    (
        (labels(), timestamp(earliest), number(), growing()),
        proptest::collection::btree_set(any::<i16>(), 0..4),
        proptest::collection::vec(any::<u16>(), 5),
        any::<bool>(),
        exemplar,
    )
        .prop_map(|((labels, at, value, growing), bounds, counts, created, exemplar)| Group {
            labels,
            at,
            value,
            growing,
            bounds,
            counts,
            created,
            exemplar,
        })
}

fn families(format: Format) -> impl Strategy<Value = Vec<Family>> {
    let earliest = if format == Format::Text { 0 } else { -4_102_444_800_000 };
    let types = match format {
        Format::Text => &[
            MetricType::Unknown,
            MetricType::Counter,
            MetricType::Gauge,
            MetricType::Histogram,
            MetricType::Summary,
        ][..],
        Format::OpenMetrics => &[
            MetricType::Unknown,
            MetricType::Counter,
            MetricType::Gauge,
            MetricType::Histogram,
            MetricType::GaugeHistogram,
            MetricType::Summary,
            MetricType::Info,
            MetricType::StateSet,
        ][..],
    };
    let suffix = prop_oneof![3 => "[a-z_]{0,4}y", 1 => "[. é\"\\\\\n]{1,3}z"];
    let family = (
        suffix,
        proptest::sample::select(types),
        text(),
        any::<bool>(),
        proptest::collection::vec(group(earliest), 0..4),
    );
    proptest::collection::vec(family, 0..5).prop_map(move |families| {
        families
            .into_iter()
            .enumerate()
            .map(|(n, (suffix, metric_type, help, unit, groups))| {
                let unit = unit && format == Format::OpenMetrics;
                let name = format!("m{n}{suffix}{}", if unit { "_seconds" } else { "" });
                let has_unit = unit && !matches!(metric_type, MetricType::Info | MetricType::StateSet);
                let mut family = Family::new(name, metric_type, help);
                family.metadata.unit = if has_unit { "seconds".to_owned() } else { String::new() };
                let mut seen = BTreeSet::new();
                for group in groups.into_iter().filter(|g| seen.insert(g.labels.clone())) {
                    add_group(&mut family, &group, format);
                }
                family
            })
            .collect()
    })
}

fn add_group(family: &mut Family, group: &Group, format: Format) {
    let Group { labels, at, .. } = group;
    // All samples of an info are one group, where timestamps are given to all or to none.
    let at = at.filter(|_| family.metadata.metric_type != MetricType::Info);
    let open = format == Format::OpenMetrics;
    let name = family.name.clone();
    let exemplar = |sample: FamilySample| match &group.exemplar {
        Some((labels, value, timestamp)) if open => sample.with_exemplar(FamilyExemplar {
            labels: Labels::from_pairs(labels),
            value: *value,
            timestamp: *timestamp,
        }),
        _ => sample,
    };
    let metric_type = family.metadata.metric_type;
    let mut add = |suffix: &str, more: Option<(&str, &str)>, value: f64| {
        let sample = sample(&format!("{name}{suffix}"), labels, more, value, at);
        let takes = matches!(suffix, "_bucket" | "_total");
        family.samples.push(if takes { exemplar(sample) } else { sample });
    };
    match metric_type {
        MetricType::Counter if open => add("_total", None, group.growing),
        MetricType::Counter => add("", None, group.growing),
        MetricType::Histogram | MetricType::GaugeHistogram => {
            let gauge = metric_type == MetricType::GaugeHistogram;
            let mut count = 0.0;
            for (bound, more) in group.bounds.iter().zip(&group.counts) {
                // A histogram with buckets below zero can have no sum.
                let bound = if gauge { f64::from(*bound) } else { f64::from(*bound) + 40_000.0 };
                count += f64::from(*more);
                add("_bucket", Some(("le", &canonical(bound / 16.0))), count);
            }
            count += 1.0;
            add("_bucket", Some(("le", "+Inf")), count);
            if group.created {
                let (count_suffix, sum_suffix) =
                    if gauge { ("_gcount", "_gsum") } else { ("_count", "_sum") };
                add(sum_suffix, None, group.growing);
                add(count_suffix, None, count);
            }
        }
        MetricType::Summary => {
            for quantile in ["0.0", "0.99", "1.0"].iter().take(group.counts.len() % 4) {
                add("", Some(("quantile", quantile)), group.growing);
            }
            add("_count", None, f64::from(group.counts[0]));
            add("_sum", None, group.growing);
        }
        MetricType::Info => add("_info", None, 1.0),
        MetricType::StateSet => {
            let state = format!("state{}", group.counts[0] % 3);
            add("", Some((name.as_str(), &state)), f64::from(group.counts[1] % 2));
        }
        _ => add("", None, group.value),
    }
    let born = matches!(metric_type, MetricType::Counter | MetricType::Histogram | MetricType::Summary);
    if open && born && group.created {
        add("_created", None, 1_767_225_600.25);
    }
}

fn read_again(families: &[Family], format: Format) -> Result<(), TestCaseError> {
    let body = encode(families, format);
    let parsed = parse(body.as_bytes(), format);
    prop_assert!(parsed.errors.is_empty(), "{:?}\n{}", parsed.errors, body);
    prop_assert_eq!(&parsed.families, families, "{}", body);
    Ok(())
}

/// Bodies of pieces that mean something, so that more than the first byte is looked at.
fn almost_a_body() -> impl Strategy<Value = Vec<u8>> {
    let piece = proptest::sample::select(vec![
        "a",
        "a_total",
        "a_bucket",
        "{",
        "}",
        "le",
        "=",
        "\"",
        "+Inf",
        "1",
        "0.5",
        "NaN",
        " ",
        "\t",
        "\n",
        ",",
        "\\",
        "# ",
        "HELP a x\n",
        "TYPE a histogram\n",
        "TYPE a counter\n",
        "UNIT a s\n",
        "# EOF",
        "{x=\"1\"} 1\n",
        "a_bucket{le=\"1\"} 1\n",
        " # {t=\"1\"} 1",
        "é",
        "\u{0}",
        "\r",
        "_created",
        "1e999",
        "-",
    ]);
    let piece = prop_oneof![
        9 => piece.prop_map(|p| p.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 1..4),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn look_closely(body: &[u8], format: Format) -> Result<(), TestCaseError> {
    let lines: Vec<&[u8]> = body.split(|b| *b == b'\n').collect();
    let mut items = 0;
    let mut errors = Vec::new();
    for entry in Parser::new(body, format) {
        items += 1;
        match entry {
            Ok(entry) => {
                if let assurance_exposition::Entry::Sample(sample) = entry {
                    let named = sample.labels().count();
                    prop_assert!(sample.to_labels().len() <= named + 1);
                    prop_assert!(!sample.metric_name().is_empty());
                }
            }
            Err(error) => {
                prop_assert!((1..=lines.len()).contains(&error.line), "{:?}", error);
                let width = String::from_utf8_lossy(lines[error.line - 1]).chars().count();
                prop_assert!((1..=width + 1).contains(&error.column), "{:?}", error);
                prop_assert!(error.caret() <= error.excerpt().chars().count());
                prop_assert_eq!(error.to_string().lines().count(), 1);
                errors.push(error);
            }
        }
    }
    // Every line gives at most itself and two faults of what it ends, and the body one more at its end.
    prop_assert!(items <= 3 * lines.len() + 3);
    let parsed = parse(body, format);
    if errors.len() <= 100 {
        prop_assert_eq!(errors, parsed.errors.clone());
    }
    for finding in lint(&parsed) {
        prop_assert!((1..=lines.len()).contains(&finding.line));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_read_again_is_what_was_written(families in families(Format::Text)) {
        read_again(&families, Format::Text)?;
    }

    #[test]
    fn open_metrics_read_again_is_what_was_written(families in families(Format::OpenMetrics)) {
        read_again(&families, Format::OpenMetrics)?;
    }

    #[test]
    fn any_bytes_are_read_or_refused_in_their_place(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        look_closely(&body, Format::Text)?;
        look_closely(&body, Format::OpenMetrics)?;
    }

    #[test]
    fn almost_bodies_are_read_or_refused_in_their_place(body in almost_a_body()) {
        look_closely(&body, Format::Text)?;
        look_closely(&body, Format::OpenMetrics)?;
    }

    #[test]
    fn every_float_reads_back(value in number()) {
        for format in [Format::Text, Format::OpenMetrics] {
            read_again(&[Family::gauge("g", "").with_sample(&[], value)], format)?;
        }
    }
}
