use assurance_metrics_model::{Histogram, ResetHint, Span, is_stale_nan};
use assurance_promqltest::{
    Command, LoadedSeries, Script, SeriesErrorKind, Slot, parse_histogram, parse_labels, parse_series,
};

fn show(slot: &Slot) -> String {
    match slot {
        Slot::Float(v) if is_stale_nan(*v) => "stale".to_owned(),
        Slot::Float(v) => v.to_string(),
        Slot::Histogram { histogram, .. } => histogram.test_expression(),
        Slot::Empty => "_".to_owned(),
    }
}

fn slots(values: &str) -> Vec<String> {
    parse_series(&format!("m {values}")).expect(values).slots.iter().map(show).collect()
}

#[test]
fn sequences_stand_for_their_values() {
    for (written, meant) in [
        ("1 2 -3", vec!["1", "2", "-3"]),
        ("_ 1 _x2", vec!["_", "1", "_", "_"]),
        ("1x2", vec!["1", "1", "1"]),
        ("1+2x3", vec!["1", "3", "5", "7"]),
        ("10-5x2", vec!["10", "5", "0"]),
        ("-1-1x1", vec!["-1", "-2"]),
        ("1e2+1e1x1", vec!["100", "110"]),
        ("stale NaN +Inf -inf", vec!["stale", "NaN", "inf", "-inf"]),
        ("0x2", vec!["0", "0", "0"]),
        (".5 1. 1e-1", vec!["0.5", "1", "0.1"]),
        ("Infx1", vec!["inf", "inf"]),
    ] {
        assert_eq!(slots(written), meant, "{written}");
    }
}

#[test]
fn histograms_stand_in_sequences() {
    for (written, meant) in [
        ("{{}} _ {{ }}", vec!["{{}}", "_", "{{}}"]),
        ("{{count:1}}x1 2", vec!["{{count:1}}", "{{count:1}}", "2"]),
        (
            "{{schema:1 count:1 sum:2 buckets:[1]}}+{{schema:1 count:2 sum:1 buckets:[1 1]}}x2",
            vec![
                "{{schema:1 count:1 sum:2 buckets:[1]}}",
                "{{schema:1 count:3 sum:3 buckets:[2 1]}}",
                "{{schema:1 count:5 sum:4 buckets:[3 2]}}",
            ],
        ),
        (
            "{{count:5 z_bucket:2 z_bucket_w:0.5 n_buckets:[3]}}-{{count:2 z_bucket:1 z_bucket_w:0.5 n_buckets:[1]}}x1 stale",
            vec![
                "{{count:5 z_bucket:2 z_bucket_w:0.5 n_buckets:[3]}}",
                "{{count:3 z_bucket:1 z_bucket_w:0.5 n_buckets:[2]}}",
                "stale",
            ],
        ),
        // The finer one is made as coarse as the first: indices 0, 1, 2, 3 lie in 0, 1, 1, 2.
        (
            "{{schema:0 buckets:[1]}}+{{schema:1 buckets:[1 1 1 1]}}x1",
            vec!["{{buckets:[1]}}", "{{buckets:[2 2 1]}}"],
        ),
        (
            "{{counter_reset_hint:gauge}}+{{}}x1",
            vec!["{{counter_reset_hint:gauge}}", "{{counter_reset_hint:gauge}}"],
        ),
        (
            "{{schema:-53 custom_values:[1 2] buckets:[1]}}+{{schema:-53 custom_values:[1 2] buckets:[1] offset:2}}x1",
            vec![
                "{{schema:-53 custom_values:[1 2] buckets:[1]}}",
                "{{schema:-53 custom_values:[1 2] buckets:[1 0 1]}}",
            ],
        ),
    ] {
        assert_eq!(slots(written), meant, "{written}");
    }
}

#[test]
fn a_literal_names_every_part_of_a_histogram() {
    let text = "{{schema:2 sum:5.5 count:4 z_bucket:1 z_bucket_w:0.1 buckets:[1 2] offset:-3 n_buckets:[3 0 1] n_offset:1 counter_reset_hint:not_reset}}";
    let meant = Histogram {
        schema: 2,
        sum: 5.5,
        count: 4.0,
        zero_count: 1.0,
        zero_threshold: 0.1,
        positive_spans: vec![Span { offset: -3, length: 2 }],
        positive_counts: vec![1.0, 2.0],
        negative_spans: vec![Span { offset: 1, length: 3 }],
        negative_counts: vec![3.0, 0.0, 1.0],
        bounds: Vec::new(),
        reset_hint: ResetHint::NoReset,
    };
    assert_eq!(parse_histogram(text).expect("reads"), meant);
    assert_eq!(parse_histogram(&meant.test_expression()).expect("reads"), meant);
    let custom = "{{schema:-53 count:3 sum:-Inf custom_values:[0.5 1 2.5] buckets:[1 2]}}";
    let meant = parse_histogram(custom).expect("reads");
    assert_eq!((meant.schema, meant.bounds.as_slice()), (-53, [0.5, 1.0, 2.5].as_slice()));
    assert_eq!(parse_histogram(&meant.test_expression()).expect("reads"), meant);
}

#[test]
fn series_may_have_blanks_quotes_and_braces_in_their_labels() {
    for (line, labels) in [
        (r#"m{a="x y",b="}"} 1"#, r#"m{a="x y",b="}"}"#),
        (r#"m {a="1"} 1"#, r#"m{a="1"}"#),
        (r#"{a="1"} 1"#, r#"{a="1"}"#),
        (r#"{"utf.8",a="1"} 1"#, r#"{"utf.8",a="1"}"#),
        (r#"m{"utf.8"='1', } 1"#, r#"m{"utf.8"="1"}"#),
        (r#"m{a="\u00e9\x41\101\"",b=`\n`} 1"#, r#"m{a="éAA\"",b="\\n"}"#),
        (r#"m{a="",b="1"} 1"#, r#"m{b="1"}"#),
        (r#"m{a="\a\b\f\v\r\t\\\'\U0001F600"} 1"#, r#"m{a="\u0007\u0008\u000c\u000b\r\t\\'😀"}"#),
        ("{} 1", "{}"),
        ("a:b {{}}", "a:b"),
    ] {
        assert_eq!(parse_series(line).expect(line).labels.to_string(), labels);
    }
    assert_eq!(parse_labels(" m{ a = \"1\" } ").expect("reads").to_string(), r#"m{a="1"}"#);
}

#[test]
fn what_is_no_series_is_refused() {
    for (line, at) in [
        ("m{a=~\"x\"} 1", 4),
        ("m{a!=\"x\"} 1", 3),
        ("m{a=\"x\" b=\"x\"} 1", 8),
        ("m{a=\"x\",a=\"y\"} 1", 8),
        ("m{a=\"\\q\"} 1", 7),
        ("m{ 1", 3),
        ("1m 1", 0),
        ("m one", 2),
        ("m 1+x3", 2),
        ("m 1+2", 2),
        ("m 1x", 2),
        ("m 1y", 3),
        ("m 1 2x9999999999", 4),
        ("m {{schema:0}", 12),
        ("m {{schema:x}}", 11),
        ("m {{shema:0}}", 4),
        ("m {{sum:1 sum:2}}", 10),
        ("m {{buckets:1}}", 12),
        ("m {{buckets:[1 a]}}", 15),
        ("m {{counter_reset_hint:maybe}}", 23),
        ("m {{}}+{{}}", 2),
        ("m {{}}+1x3", 7),
        ("m {{schema:-53}}+{{schema:1}}x1", 2),
        ("m {{schema:3}}+{{schema:1}}x1", 2),
    ] {
        let error = parse_series(line).expect_err(line);
        assert_eq!(error.at, at, "{line}: {error}");
    }
    assert!(parse_labels("m{} 1").is_err());
    assert!(parse_histogram("{{}} 1").is_err());
    assert_eq!(parse_series("m 1x1048576").expect_err("too long").kind, SeriesErrorKind::TooLong);
}

fn loaded(text: &str) -> Vec<LoadedSeries> {
    let script = Script::parse("x.test", text).unwrap_or_else(|error| panic!("{error}"));
    let loads = script.commands.into_iter().filter_map(|(_, command)| match command {
        Command::Load(load) => Some(load.series),
        _ => None,
    });
    loads.flatten().collect()
}

#[test]
fn start_timestamps_stand_beside_their_samples() {
    let text = "load 1m\n  m{a=\"1\"}@st _ -1m -30s-1mx2 * _x2 1s+1sx1 0s\n  m{a=\"1\"} 1x9 1\n  n 1\n";
    let series = loaded(text);
    let starts: Vec<_> = series[0].starts.iter().map(|s| s.map(|d| d.as_millis() / 1000)).collect();
    let wanted = [None, Some(-60), Some(-30), Some(-90), Some(-150), Some(-150), None, None];
    assert_eq!(starts[..8], wanted);
    assert_eq!(starts[8..], [Some(1), Some(2), Some(0)]);
    assert!(series[1].starts.is_empty());
}

#[test]
fn classic_histograms_are_loaded_as_native_ones_too() {
    let text = "load_with_nhcb 1m
  h_bucket{le=\"+Inf\",a=\"1\"} 4 _ 8
  h_bucket{le=\"1\",a=\"1\"}    1 _ 3
  h_bucket{le=\"0.5\",a=\"1\"}  1 _ 2
  h_bucket{le=\"soon\",a=\"1\"} 9 9 9
  h_bucket{le=\"1.0\",a=\"1\"}  9 _ 9
  h_count{a=\"1\"}            4 _ 8
  h_sum{a=\"1\"}              2 _ 5
  h_bucket{le=\"1\",a=\"2\"}    1.5
  other                    1 2 3
";
    let series = loaded(text);
    assert_eq!(series.len(), 11, "the classic ones stay");
    let shown: Vec<_> = series[9..]
        .iter()
        .map(|s| format!("{} {}", s.labels, s.slots.iter().map(show).collect::<Vec<_>>().join(" ")))
        .collect();
    assert_eq!(
        shown,
        [
            "h{a=\"1\"} {{schema:-53 count:4 sum:2 custom_values:[0.5 1] buckets:[1 0 3]}} _ {{schema:-53 count:8 sum:5 custom_values:[0.5 1] buckets:[2 1 5]}}",
            "h{a=\"2\"} {{schema:-53 count:1.5 custom_values:[1] buckets:[1.5]}}",
        ]
    );
    assert_eq!(loaded(&text.replace("load_with_nhcb", "load")).len(), 9);
}

#[test]
fn a_comment_or_a_command_ends_no_series() {
    let text = "load 1m\n  # a comment\n  load 1\n  eval 2\n  clear 3\neval instant at 0 eval\n  eval 2\n  # more\n  expect no_warn\nclear\n";
    let script = Script::parse("x.test", text).unwrap_or_else(|error| panic!("{error}"));
    let lines: Vec<usize> = script.commands.iter().map(|(line, _)| *line).collect();
    assert_eq!((lines, script.evals()), (vec![1, 6, 10], 1));
    assert_eq!(loaded(text).len(), 3);
}

#[test]
fn a_script_that_is_none_is_refused_with_its_line_and_column() {
    let bad = [
        "evil 1\n",
        "clear all\n",
        "\n# fine\nload soon\n  m 1\n",
        "load 1m\n  m 1\n  m{a=~\"x\"} 1\n",
        "load 1m\n  m\n",
        "load 1m\n  é{} 1\n",
        "load 1m\n  {\"é\"} 1 two\n",
        "load 1m\n  m@st soon\n  m 1\n",
        "load 1m\n  m@st 1s+1s\n  m 1\n",
        "load 1m\n  m@st 1s\n  n 1\n",
        "load 1m\n  m@st 1s\n",
        "load 1m\n  m@st 1s\n  m 1 2\n",
        "load_with_nhcb 1m\n  m_bucket 1\n",
        "load_with_nhcb 1m\n  m_sum 1\n",
        "load_with_nhcb 1m\n  m_bucket{le=\"1\"} 2\n  m_bucket{le=\"2\"} 1\n",
        "load_with_nhcb 1m\n  m_bucket{le=\"+Inf\"} 2\n  m_count 1\n",
        "eval instant 5m m\n",
        "eval instant at soon m\n",
        "eval instant at 0\n",
        "eval range from 0 to 1m m\n",
        "eval_loudly instant at 0 m\n",
        "eval_ordered range from 0 to 1m step 1m m\n",
        "eval instant at 0 m\n  expect trouble\n",
        "eval instant at 0 m\n  expect warn msg trouble\n",
        "eval instant at 0 m\n  expect warn regex: (\n",
        "eval instant at 0 m\n  expect no_warn msg: trouble\n",
        "eval instant at 0 m\n  expect warn\n  expect no_warn\n",
        "eval instant at 0 m\n  expect fail\n  expect fail\n",
        "eval instant at 0 m\n  expect fail\n  m 1\n",
        "eval instant at 0 m\n  expected_fail_message no\n",
        "eval instant at 0 m\n  m nine\n",
        "eval instant at 0 m\n  m 1 2\n",
        "eval instant at 0 m\n  m _\n",
        "eval instant at 0 m\n  m 1\n  m 1\n",
        "eval range from 0 to 1m step 1m m\n  m 1x2\n",
        "eval range from 0 to 1m step 1m m\n  expect ordered\n",
        "eval instant at 0 \"a\"\n  expect string a\n",
        "eval instant at 0 m[1m]\n  expect range vector from 0 to 1m\n",
        "eval range from 0 to 1m step 1m m\n  expect range vector from 0 to 1m step 1m\n",
    ];
    let said: Vec<String> =
        bad.iter().map(|text| Script::parse("x.test", text).expect_err(text).to_string()).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn the_later_line_of_a_series_counts() {
    let series = loaded("load 1m\n  m 1\n  n 1\n  m 2 3\n");
    let shown: Vec<_> = series.iter().map(|s| (s.labels.to_string(), s.slots.len())).collect();
    assert_eq!(shown, [("m".to_owned(), 2), ("n".to_owned(), 1)]);
}

#[test]
fn older_forms_say_what_expect_says() {
    for (old, new) in [
        (
            "eval_fail instant at 0 m\n  expected_fail_message no\n",
            "eval instant at 0 m\n  expect fail msg: no\n",
        ),
        (
            "eval_fail instant at 0 m\n  expected_fail_regexp no+\n",
            "eval instant at 0 m\n  expect fail regex: no+\n",
        ),
        ("eval_fail instant at 0 m\n", "eval instant at 0 m\n  expect fail\n"),
        ("eval_warn instant at 0 m\n", "eval instant at 0 m\n  expect warn\n"),
        ("eval_info instant at 0 m\n", "eval instant at 0 m\n  expect info\n"),
        ("eval_ordered instant at 0 m\n", "eval instant at 0 m\n  expect ordered\n"),
        ("eval instant at 5m m\n", "eval   instant  at\t300   m\n"),
        ("eval range from 1m to 1h step 1m30s m\n", "eval range  from 60 to  3600 step 90  m\n"),
    ] {
        let read = |text| format!("{:?}", Script::parse("x.test", text).expect(text).commands);
        assert_eq!(read(old), read(new), "{old}");
    }
}
