use assurance_promqltest::{Script, SeriesError, Slot, parse_series};

fn slots(values: &str) -> Vec<String> {
    let series = parse_series(&format!("m {values}")).expect("reads");
    let shown = series.slots.iter().map(|slot| match slot {
        Slot::Float(v) if assurance_metrics_model::is_stale_nan(*v) => "stale".to_owned(),
        Slot::Float(v) => v.to_string(),
        Slot::Empty => "_".to_owned(),
    });
    shown.collect()
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
        ("stale NaN +Inf", vec!["stale", "NaN", "inf"]),
        ("0x2", vec!["0", "0", "0"]),
    ] {
        assert_eq!(slots(written), meant, "{written}");
    }
}

#[test]
fn series_may_have_blanks_quotes_and_braces_in_their_labels() {
    for (line, labels) in [
        (r#"m{a="x y",b="}"} 1"#, r#"m{a="x y",b="}"}"#),
        (r#"m {a="1"} 1"#, r#"m{a="1"}"#),
        (r#"{a="1"} 1"#, r#"{a="1"}"#),
        (r#"{"utf.8",a="1"} 1"#, r#"{"utf.8",a="1"}"#),
    ] {
        assert_eq!(parse_series(line).expect("reads").labels.to_string(), labels);
    }
}

#[test]
fn what_is_no_series_is_refused() {
    for line in ["m{a=~\"x\"} 1", "m{ 1", "m one", "m 1+x3", "m 1x", "m 1x9999999999", "m{} {{schema:0}}"] {
        assert!(parse_series(line).is_err(), "{line}");
    }
    assert!(matches!(parse_series("m {{schema:0}}"), Err(SeriesError::Histogram { .. })));
    assert_eq!(parse_series("m 1x1048576").expect_err("too long"), SeriesError::TooLong);
}

#[test]
fn a_script_that_is_none_is_refused_with_its_line() {
    let bad = [
        "evil 1\n",
        "\n# fine\nload soon\n  m 1\n",
        "load 1m\n  m 1\n  m{a=~\"x\"} 1\n",
        "eval instant 5m m\n",
        "eval range from 0 to 1m m\n",
        "eval_loudly instant at 0 m\n",
        "eval instant at 0 m\n  expect trouble\n",
        "eval instant at 0 m\n  expect fail\n  m 1\n",
        "eval instant at 0 m\n  m nine\n",
        "eval instant at 0 \"a\"\n  expect string a\n",
    ];
    let said: Vec<String> =
        bad.iter().map(|text| Script::parse("x.test", text).expect_err(text).to_string()).collect();
    insta::assert_snapshot!(said.join("\n"));
}
