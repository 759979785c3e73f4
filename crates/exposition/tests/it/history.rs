//! Streams of samples: what is read, what is refused and where, and back from what was written.

use std::io::Read;

use assurance_exposition::{
    History, HistoryError, HistoryFormat, HistoryWriter, NanMeans, ParseErrorKind, Unsayable,
};
use assurance_metrics_model::{Labels, Timestamp, is_stale_nan};
use proptest::prelude::*;

/// Series, milliseconds, bits of the value and line.
type Row = (String, i64, u64, u64);

fn rows(text: impl Read, format: Option<HistoryFormat>) -> Result<Vec<Row>, HistoryError> {
    let mut history = History::new(text, format)?;
    let mut rows = Vec::new();
    while let Some(sample) = history.next_sample()? {
        let labels = history.labels(sample.series).to_string();
        rows.push((labels, sample.at.as_millis(), sample.value.to_bits(), sample.line));
    }
    assert!(matches!(history.next_sample(), Ok(None)), "the end is the end");
    Ok(rows)
}

fn row(labels: &str, millis: i64, value: f64, line: u64) -> Row {
    (labels.to_owned(), millis, value.to_bits(), line)
}

/// Gives a few bytes at a time.
struct Drops<'a>(&'a [u8], usize);

impl Read for Drops<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(self.0.len()).min(into.len());
        into[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

const OPEN: &str = "\
# HELP a Some help.
# TYPE a counter
a_total{x=\"1\"} 1 1700000000
a_total{x=\"1\"} 2 1700000030.5
a_total{x=\"1\"} 2.5 1700000060.123999
a_total{x=\"2\"} 7 1700000000
a_created{x=\"2\"} 1.7e9 1.7e9
# TYPE h histogram
h_bucket{le=\"1\"} 3 1700000000 # {trace_id=\"z\"} 0.5 1700000000
h_bucket{le=\"1\"} NaN 1700000030
b 1 -0.5
# TYPE a counter
a_total{x=\"1\"} -Inf 1700000090
\"# EOF\"
";

#[test]
fn open_metrics_is_read_as_promtool_reads_it() {
    let text = OPEN.replace("\"# EOF\"", "# EOF");
    let x1 = r#"a_total{x="1"}"#;
    let expected = vec![
        row(x1, 1_700_000_000_000, 1.0, 3),
        row(x1, 1_700_000_030_500, 2.0, 4),
        row(x1, 1_700_000_060_123, 2.5, 5),
        row(r#"a_total{x="2"}"#, 1_700_000_000_000, 7.0, 6),
        row(r#"a_created{x="2"}"#, 1_700_000_000_000, 1.7e9, 7),
        row(r#"h_bucket{le="1.0"}"#, 1_700_000_000_000, 3.0, 9),
        (r#"h_bucket{le="1.0"}"#.to_owned(), 1_700_000_030_000, 0x7ff8_0000_0000_0001, 10),
        row("b", -500, 1.0, 11),
        row(x1, 1_700_000_090_000, f64::NEG_INFINITY, 13),
    ];
    for drops in [1, 2, 3, 7, 64, 4096] {
        let read = rows(Drops(text.as_bytes(), drops), None).expect("it is well formed");
        assert_eq!(read, expected, "{drops} bytes at a time");
    }
    let mut history = History::new(text.as_bytes(), None).expect("it can be read").with_nan(NanMeans::Stale);
    let mut stale = 0;
    while let Some(sample) = history.next_sample().expect("it is well formed") {
        stale += usize::from(is_stale_nan(sample.value));
    }
    let notes = history.notes();
    assert_eq!(stale, 1);
    assert_eq!((notes.nans.count, notes.nans.line), (1, 10));
    assert_eq!((notes.exemplars.count, notes.exemplars.line), (1, 9));
    assert_eq!((notes.split.count, notes.split.line), (1, 12));
    assert_eq!((history.lines(), history.bytes()), (14, text.len() as u64));
}

#[test]
fn text_tells_milliseconds_and_may_have_blanks() {
    let text = "# comment\n\n  a{x=\"1\", y=\"2\",} 1 1700000000001\na{x=\"1\",y=\"2\"}\t2\t1700000000002 \n\
                a {y=\"2\",x=\"1\"} 3 1700000000003\nb 4 5\nb 5 6\nb{x=\"line\nfeed\"} 6 7\nc 1 2";
    let a = r#"a{x="1",y="2"}"#;
    let expected = vec![
        row(a, 1_700_000_000_001, 1.0, 3),
        row(a, 1_700_000_000_002, 2.0, 4),
        row(a, 1_700_000_000_003, 3.0, 5),
        row("b", 5, 4.0, 6),
        row("b", 6, 5.0, 7),
        row("b{x=\"line\\nfeed\"}", 7, 6.0, 8),
        row("c", 2, 1.0, 10),
    ];
    for drops in [1, 5, 4096] {
        let read = rows(Drops(text.as_bytes(), drops), Some(HistoryFormat::Text)).expect("it is well formed");
        assert_eq!(read, expected);
    }
}

#[test]
fn a_dump_is_known_by_its_first_line() {
    let text = "{Zone=\"z\", __name__=\"up\"} 1 1700000000000\n{Zone=\"z\", __name__=\"up\"} NaN 1700000030000\n\
                {__name__=\"h\"} {count:3, sum:4} 1700000000000\n{__name__=\"b\", a=\"\\u00e9\\\\\"} 1e+06 -5\n";
    let mut history = History::new(text.as_bytes(), None).expect("it can be read");
    assert_eq!(history.format(), HistoryFormat::Dump);
    let mut seen = Vec::new();
    while let Some(sample) = history.next_sample().expect("it is well formed") {
        seen.push((history.labels(sample.series).to_string(), sample.at.as_millis(), sample.line));
    }
    let up = r#"up{Zone="z"}"#.to_owned();
    let b = r#"b{a="é\\"}"#.to_owned();
    assert_eq!(seen, [(up.clone(), 1_700_000_000_000, 1), (up, 1_700_000_030_000, 2), (b, -5, 4)]);
    assert_eq!((history.notes().histograms.count, history.notes().histograms.line), (1, 3));
}

#[test]
fn what_is_wrong_is_said_where_it_is() {
    use HistoryFormat::{Dump, OpenMetrics, Text};
    type Check = fn(&ParseErrorKind) -> bool;
    let cases: &[(HistoryFormat, &str, usize, usize, Check)] = &[
        (OpenMetrics, "a 1 1\na 2 2", 3, 1, |k| matches!(k, ParseErrorKind::MissingEof)),
        (OpenMetrics, "a 1 1\n# EOF\na 2 2\n", 3, 1, |k| matches!(k, ParseErrorKind::AfterEof)),
        (OpenMetrics, "a 1 1\na 2\n# EOF\n", 2, 4, |k| matches!(k, ParseErrorKind::MissingTime)),
        (OpenMetrics, "a 1 1\na 2  2\n# EOF\n", 2, 4, |k| matches!(k, ParseErrorKind::TrailingText { .. })),
        (OpenMetrics, "a 1 1\na  2 2\n# EOF\n", 2, 3, |k| matches!(k, ParseErrorKind::ExpectedSpace { .. })),
        (OpenMetrics, "a 1 1\na x 2\n# EOF\n", 2, 3, |k| matches!(k, ParseErrorKind::BadValue { .. })),
        (OpenMetrics, "a 1 1\na 1 x\n# EOF\n", 2, 5, |k| matches!(k, ParseErrorKind::BadSeconds { .. })),
        (OpenMetrics, "a 1 1\na{b=\"c} 1 1\n# EOF\n", 2, 5, |k| {
            matches!(k, ParseErrorKind::UnterminatedQuote)
        }),
        (OpenMetrics, "a 1 1\n\n# EOF\n", 2, 1, |k| matches!(k, ParseErrorKind::BlankLine)),
        (OpenMetrics, "a 1 1\n# what\n# EOF\n", 2, 1, |k| matches!(k, ParseErrorKind::Comment)),
        (OpenMetrics, "a 1 1\n# TYPE a what\n# EOF\n", 2, 10, |k| {
            matches!(k, ParseErrorKind::BadType { .. })
        }),
        (OpenMetrics, "a 1 1\r\n# EOF\n", 1, 5, |k| matches!(k, ParseErrorKind::BadSeconds { .. })),
        (OpenMetrics, "a 1 1 # {t=\"1\"\n# EOF\n", 1, 15, |_| true),
        (Text, "a 1 1\n\n\na 1\n", 4, 4, |k| matches!(k, ParseErrorKind::MissingTime)),
        (Text, "a 1 1\na 1 1.5\n", 2, 5, |k| matches!(k, ParseErrorKind::BadMilliseconds { .. })),
        (Text, "a 1 1\na{b=\"c} 1 1\n", 2, 5, |k| matches!(k, ParseErrorKind::UnterminatedQuote)),
        (Text, "a 1 1\na0x 1e999 1\n", 2, 5, |k| matches!(k, ParseErrorKind::BeyondRange { .. })),
        (Dump, "{__name__=\"a\"} 1 1\n{__name__=\"a\"} 1\n", 2, 17, |k| {
            matches!(k, ParseErrorKind::ExpectedSpace { .. })
        }),
        (Dump, "{__name__=\"a\"} 1 1\nb 1 1\n", 2, 1, |k| {
            matches!(k, ParseErrorKind::UnexpectedStart { .. })
        }),
        (Dump, "{__name__=\"a\"} 1 1.5\n", 1, 18, |k| matches!(k, ParseErrorKind::BadMilliseconds { .. })),
    ];
    for (format, text, line, column, is_right) in cases {
        for drops in [1, 4096] {
            match rows(Drops(text.as_bytes(), drops), Some(*format)) {
                Err(HistoryError::Parse(error)) => {
                    assert_eq!((error.line, error.column), (*line, *column), "{text:?}: {error}");
                    assert!(is_right(&error.kind), "{text:?}: {error}");
                }
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn bytes_that_are_no_text_and_lines_without_end_are_refused() {
    let error = rows(&b"a 1 1\na{b=\"\xff\"} 1 1\n# EOF\n"[..], None).expect_err("no UTF-8");
    assert!(error.to_string().starts_with("line 2, column 6: the text is not UTF-8"), "{error}");
    let endless = b"a 1 1\n".chain(std::io::repeat(b'x'));
    let error = rows(endless, None).expect_err("no line feed comes");
    assert!(error.to_string().contains("line 2, column 1: the line is longer"), "{error}");
}

#[test]
fn a_stream_that_fails_is_no_end() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _into: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("unplugged"))
        }
    }
    let error = rows(b"a 1 1\n".chain(Broken), None).expect_err("it breaks off");
    assert_eq!(error.to_string(), "cannot read on after line 1: unplugged");
}

#[test]
fn what_open_metrics_has_no_words_for_is_refused() {
    let mut writer = HistoryWriter::new(Vec::new());
    assert_eq!(writer.series(&Labels::from_pairs([("a", "b")])), Err(Unsayable::NoName));
    let reserved = Labels::from_pairs([("__name__", "x"), ("__a", "b")]);
    assert_eq!(writer.series(&reserved), Err(Unsayable::Reserved));
    assert_eq!(writer.finish().expect("memory takes it"), b"# EOF\n");
}

#[test]
fn times_are_written_so_that_prometheus_reads_them_too() {
    let mut writer = HistoryWriter::new(Vec::new());
    writer.series(&Labels::from_pairs([("__name__", "x")])).expect("it has a name");
    let mut expected = Vec::new();
    let mut at = 1_700_000_000_000;
    for step in 0..20_000 {
        at += 1 + step % 997;
        expected.push(at);
        writer.sample(Timestamp::from_millis(at), 1.0).expect("memory takes it");
    }
    let text = writer.finish().expect("memory takes it");
    let read: Vec<i64> = rows(&text[..], None).expect("as written").iter().map(|row| row.1).collect();
    assert_eq!(read, expected);
    let text = String::from_utf8(text).expect("text");
    #[expect(clippy::cast_possible_truncation, reason = "as Prometheus does")]
    let theirs = text.lines().filter(|line| *line != "# EOF").map(|line| {
        let seconds: f64 = line.rsplit(' ').next().expect("a time").parse().expect("a number");
        (seconds * 1000.0) as i64
    });
    assert_eq!(theirs.collect::<Vec<i64>>(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_written_reads_back_to_the_bit(
        series in proptest::collection::vec(
            (
                "[a-zA-Z_:][a-zA-Z0-9_:]{0,8}|\\PC{1,5}",
                proptest::collection::btree_map("[a-zA-Y][a-z]{0,3}|[é.]{1,3}", "\\PC{1,6}|[\n\"\\\\]{1,3}", 0..4),
                proptest::collection::vec((-4_000_000_000_000_i64..4_000_000_000_000, any::<f64>()), 1..6),
            ),
            1..6,
        ),
        drops in 1..200_usize,
    ) {
        let mut writer = HistoryWriter::new(Vec::new());
        let mut expected = Vec::new();
        for (name, pairs, samples) in &series {
            let pairs = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()));
            let labels = Labels::from_pairs(pairs.chain([("__name__", name.as_str())]));
            writer.series(&labels).expect("it has a name");
            for (at, value) in samples {
                writer.sample(Timestamp::from_millis(*at), *value).expect("memory takes it");
                let bits = if value.is_nan() { 0x7ff8_0000_0000_0001 } else { value.to_bits() };
                expected.push((labels.to_string(), *at, bits, expected.len() as u64 + 1));
            }
        }
        let text = writer.finish().expect("memory takes it");
        prop_assert_eq!(rows(Drops(&text, drops), None).expect("as written"), expected);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(
        bytes in proptest::collection::vec(prop_oneof![
            Just(b"a{b=\"c\"} 1 2\n".to_vec()), Just(b"{__name__=\"a\"} 1 2\n".to_vec()),
            Just(b"# EOF\n".to_vec()), Just(b"# TYPE a counter\n".to_vec()),
            proptest::collection::vec(prop_oneof![Just(b'{'), Just(b'"'), Just(b'\\'), Just(b'\n'), Just(b' '), any::<u8>()], 0..12),
        ], 0..12).prop_map(|parts| parts.concat()),
        drops in 1..50_usize,
    ) {
        for format in [None, Some(HistoryFormat::Text), Some(HistoryFormat::Dump)] {
            let (a, b) = (rows(&bytes[..], format), rows(Drops(&bytes, drops), format));
            prop_assert_eq!(format!("{:?}", a), format!("{:?}", b));
        }
    }
}
