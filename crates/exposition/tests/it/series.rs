//! What a scraper leans on: the series' text as a key, types by line, and the short way for known series.

use assurance_exposition::{Entry, Format, Limits, Parser, Sample};
use assurance_metrics_model::{MetricType, Timestamp};

fn samples(body: &str, format: Format) -> Vec<Sample<'_>> {
    Parser::new(body.as_bytes(), format)
        .filter_map(|entry| match entry.expect("good") {
            Entry::Sample(sample) => Some(sample),
            _ => None,
        })
        .collect()
}

#[test]
fn the_series_ends_with_the_labels_whatever_follows() {
    let body = concat!(
        "# TYPE a counter\n",
        r#"a_total{x="} # {"} 1 2 # {y="}"} 3 4"#,
        "\na_total 1 # {} 1\n",
        "# TYPE \"b.c\" gauge\n",
        r#"{"b.c",x="1"} 1"#,
        "\n# EOF\n"
    );
    let series: Vec<&[u8]> = samples(body, Format::OpenMetrics).iter().map(|s| s.series).collect();
    assert_eq!(series, [br#"a_total{x="} # {"}"#.as_slice(), b"a_total", br#"{"b.c",x="1"}"#]);
}

#[test]
fn labels_come_as_written_and_as_prometheus_keeps_them() {
    let body = concat!(
        "# TYPE a histogram\n",
        r#"a_bucket{le="1",b="x\"y",empty="",quantile="1"} 1"#,
        "\n# TYPE s summary\n",
        "s{quantile=\"1e0\",le=\"1\"} 1\n",
        "# TYPE g gauge\n",
        "g{le=\"1\",quantile=\"1\"} 1\n",
    );
    let samples = samples(body, Format::Text);
    let raw: Vec<String> = samples[0].labels().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(raw, ["le=1", "b=x\"y", "empty=", "quantile=1"]);
    let kept: Vec<String> = samples.iter().map(|s| s.to_labels().to_string()).collect();
    assert_eq!(
        kept,
        [
            r#"a_bucket{b="x\"y",le="1.0",quantile="1"}"#,
            r#"s{le="1",quantile="1.0"}"#,
            r#"g{le="1",quantile="1"}"#
        ]
    );
}

#[test]
fn bounds_take_the_form_that_prometheus_gives_them() {
    for (written, kept) in [
        ("0", "0.0"),
        ("-1", "-1.0"),
        ("0.1", "0.1"),
        ("10", "10.0"),
        ("1000000", "1e+06"),
        ("0.00001", "1e-05"),
        ("+Inf", "+Inf"),
        ("inf", "+Inf"),
        ("NaN", "NaN"),
        ("odd", "odd"),
        ("1_0", "1_0"),
        ("1e999", "1e999"),
        ("+nan", "+nan"),
    ] {
        let body = format!("# TYPE a histogram\na_bucket{{le=\"{written}\"}} 1\n");
        assert_eq!(samples(&body, Format::Text)[0].to_labels().get("le"), Some(kept));
    }
}

#[test]
fn samples_know_the_type_of_their_family() {
    let body = concat!(
        "before 1\n",
        "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\na 1\na_other 1\n",
        "# TYPE b counter\nb 1\nb_created 1\nbc 1\n",
        "# TYPE c summary\nc{quantile=\"0\"} 1\nc_sum 1\nc_count 1\nc_bucket 1\n",
    );
    let types: Vec<(String, MetricType)> =
        samples(body, Format::Text).iter().map(|s| (s.metric_name().into_owned(), s.metric_type)).collect();
    let known: Vec<(&str, MetricType)> =
        types.iter().filter(|(_, t)| *t != MetricType::Unknown).map(|(n, t)| (n.as_str(), *t)).collect();
    assert_eq!(
        known,
        [
            ("a_bucket", MetricType::Histogram),
            ("a_sum", MetricType::Histogram),
            ("a_count", MetricType::Histogram),
            ("b", MetricType::Counter),
            ("c", MetricType::Summary),
            ("c_sum", MetricType::Summary),
            ("c_count", MetricType::Summary),
        ]
    );
}

#[test]
fn births_are_told_apart() {
    let body = "# TYPE a counter\na_total 1\na_created 1.5\n# TYPE b_created gauge\nb_created 1\n# EOF\n";
    let births: Vec<bool> = samples(body, Format::OpenMetrics).iter().map(Sample::is_created).collect();
    assert_eq!(births, [false, true, false]);
}

#[test]
fn nan_is_never_the_stale_marker() {
    for text in ["NaN", "nan", "NAN"] {
        let body = format!("a {text}\n");
        assert_eq!(samples(&body, Format::Text)[0].value.to_bits(), 0x7ff8_0000_0000_0001);
    }
}

#[test]
fn positions_are_those_of_the_lines() {
    let body = b"# TYPE a gauge\n\na 1\na{b=\"1\n2\"} 2\n  c 3\n";
    let mut parser = Parser::new(body, Format::Text);
    let mut places = Vec::new();
    while let Some(entry) = parser.next() {
        if let Entry::Sample(sample) = entry.expect("good") {
            places.push(parser.position(sample.offset));
        }
    }
    assert_eq!(places, [(3, 1), (4, 1), (6, 3)]);
}

/// Reads a body with something expected on every line, and counts how often that came.
fn expecting(body: &str, expected: &[u8], format: Format) -> (Vec<String>, usize) {
    let mut parser = Parser::new(body.as_bytes(), format);
    let mut out = Vec::new();
    let mut known = 0;
    let shown = |series: &[u8], value: f64, timestamp| {
        format!("{} {value} {timestamp:?}", String::from_utf8_lossy(series))
    };
    loop {
        if let Some(line) = parser.next_known(expected) {
            known += 1;
            out.push(shown(expected, line.value, line.timestamp));
            continue;
        }
        out.push(match parser.next() {
            None => return (out, known),
            Some(Ok(Entry::Sample(s))) => shown(s.series, s.value, s.timestamp),
            Some(Ok(entry)) => format!("{entry:?}"),
            Some(Err(error)) => error.to_string(),
        });
    }
}

#[test]
fn expecting_a_series_changes_nothing_but_the_time() {
    let body = concat!(
        "# TYPE a counter\na 1\na{} 2\na {x=\"1\"} 3\na{x=\"1\"} 4\na{x=\"1\"}5\na{x=\"1\"} 6 7\na{x=\"1\",y=\"2\"} 8\n",
        "a{x=\"1\"} nope\na\nab 9\na\t10\n{\"a\",x=\"1\"} 11\na{x=\"}\"} 12\n",
    );
    for format in [Format::Text, Format::OpenMetrics] {
        let (usual, none) = expecting(body, b"", format);
        assert_eq!(none, 0);
        let series = ["a", "a{}", "a {x=\"1\"}", "a{x=\"1\"}", "{\"a\",x=\"1\"}", "a{x=\"}\"}", "zzz"];
        for expected in series {
            assert_eq!(expecting(body, expected.as_bytes(), format).0, usual, "{expected}");
        }
    }
    assert_eq!(expecting(body, b"a{x=\"1\"}", Format::Text).1, 3);
    assert_eq!(expecting(body, b"a", Format::Text).1, 2);
}

#[test]
fn a_known_line_is_read_as_any_other() {
    let mut parser = Parser::new(b"a 1\na 1.5 7\na  -2\ta\na NaN\na 1e2 \na 3", Format::Text);
    assert_eq!(parser.next_known(b"a"), None, "the first line is where the body is looked at");
    parser.next();
    let line = parser.next_known(b"a").expect("it is as expected");
    assert_eq!((line.value, line.timestamp), (1.5, Some(Timestamp::from_millis(7))));
    assert_eq!(parser.next_known(b"a"), None, "something follows the number");
    assert!(matches!(parser.next(), Some(Err(_))));
    assert_eq!(parser.next_known(b"a"), None, "not a number");
    assert!(matches!(parser.next(), Some(Ok(Entry::Sample(s))) if s.value.is_nan()));
    assert_eq!(parser.next_known(b"a").map(|l| l.value), Some(100.0));
    assert_eq!(parser.next_known(b"a").map(|l| l.value), Some(3.0), "the last line needs no end");
    assert_eq!(parser.next_known(b"a"), None);
    assert!(parser.next().is_none());
}

#[test]
fn limits_hold_for_known_lines() {
    let body = b"a 1\na 10000000000\n";
    let limits = |max_line_bytes| Limits { max_line_bytes, ..Limits::DEFAULT };
    for (limit, known) in [(13, false), (14, true)] {
        let mut parser = Parser::with_limits(body, Format::Text, limits(limit));
        parser.next();
        assert_eq!(parser.next_known(b"a").is_some(), known, "{limit}");
    }
    let short = Limits { max_body_bytes: 3, ..Limits::DEFAULT };
    let mut parser = Parser::with_limits(body, Format::Text, short);
    assert_eq!(parser.next_known(b"a"), None);
    assert!(matches!(parser.next(), Some(Err(_))));
    assert_eq!(parser.next_known(b"a"), None, "nothing follows a body that is too long");
}

#[test]
fn a_family_of_the_very_name_comes_first() {
    let body = "# TYPE a_count gauge\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 1\n";
    let parsed = assurance_exposition::parse(body.as_bytes(), Format::Text);
    let samples: Vec<(&str, usize)> =
        parsed.families.iter().map(|f| (f.name.as_str(), f.samples.len())).collect();
    assert_eq!(samples, [("a_count", 1), ("a", 1)]);
}
