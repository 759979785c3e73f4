//! Where errors point, how long they get, and what the limits stop.

use assurance_exposition::{Format, Limits, ParseError, ParseErrorKind, Parser, parse, parse_with_limits};

fn first_error(body: &[u8], limits: Limits) -> ParseError {
    Parser::with_limits(body, Format::Text, limits).find_map(Result::err).expect("refused")
}

#[test]
fn lines_and_columns_count_characters_from_one() {
    let body = "ok 1\n\n# größe\nö{ 1\ngate{größe=\"ä\",b=x} 1\nlate{a=\"1\n2\"} y\n";
    let places: Vec<(usize, usize)> =
        parse(body.as_bytes(), Format::Text).errors.iter().map(|e| (e.line, e.column)).collect();
    // The last one's value stands on the second line of its label value.
    assert_eq!(places, [(4, 1), (5, 8), (7, 5)]);
}

#[test]
fn an_entry_over_two_lines_is_counted_as_two() {
    let errors = parse(b"a{b=\"1\n2\"} 1\nc{d=1} 1\n", Format::Text).errors;
    assert_eq!((errors[0].line, errors[0].column), (3, 5));
}

#[test]
fn one_fault_does_not_hide_the_next_nor_the_good_lines_between() {
    let parsed = parse(b"a 1\nb x\nc 2\nd{\ne 3\n", Format::Text);
    assert_eq!(parsed.errors.iter().map(|e| e.line).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(parsed.families.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["a", "c", "e"]);
}

#[test]
fn a_fault_of_an_earlier_family_is_told_at_its_line_and_costs_no_other() {
    let body = b"# TYPE a histogram\na_bucket{le=\"1\"} 1\n# TYPE b gauge\nb 1\n# EOF\n";
    let parsed = parse(body, Format::OpenMetrics);
    assert_eq!(parsed.errors.len(), 1);
    assert_eq!(parsed.errors[0].line, 2);
    assert_eq!(parsed.errors[0].kind, ParseErrorKind::MissingInfBucket { family: "a".to_owned() });
    assert_eq!(parsed.families.len(), 2);
}

#[test]
fn a_refused_bucket_is_not_missed_in_its_histogram() {
    let body =
        b"# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} x\na_count 2\na_sum 1\n# EOF\n";
    let lines: Vec<usize> = parse(body, Format::OpenMetrics).errors.iter().map(|e| e.line).collect();
    assert_eq!(lines, [3]);
}

#[test]
fn excerpts_are_short_and_show_the_place() {
    let body = format!("gate{{a=\"{}\",b=x,c=\"{}\"}} 1", "é".repeat(300), "z".repeat(300));
    let error = first_error(body.as_bytes(), Limits::DEFAULT);
    assert_eq!(error.column, 313);
    assert_eq!(error.excerpt().chars().count(), 100);
    assert_eq!(error.excerpt().chars().nth(error.caret()), Some('x'));
}

#[test]
fn excerpts_hold_nothing_that_moves_the_cursor() {
    let error = first_error(b"gate\x1b[2J{\t}\r 1", Limits::DEFAULT);
    assert_eq!(error.excerpt(), "gate\u{fffd}[2J{ }\u{fffd} 1");
    assert_eq!(error.to_string().lines().count(), 1);
}

#[test]
fn each_limit_is_held_to_the_byte() {
    let limits = Limits {
        max_body_bytes: 64,
        max_line_bytes: 40,
        max_labels: 2,
        max_name_bytes: 4,
        max_label_value_bytes: 5,
        max_errors: 3,
    };
    let verdict = |body: &str| {
        let body = format!("{body}\n");
        let text = Parser::with_limits(body.as_bytes(), Format::Text, limits).find_map(Result::err);
        let body = format!("{body}# EOF");
        let open = Parser::with_limits(body.as_bytes(), Format::OpenMetrics, limits).find_map(Result::err);
        let (text, open) = (text.map(|e| e.kind), open.map(|e| e.kind));
        assert_eq!(text, open, "{body}");
        text
    };
    assert_eq!(verdict("abcd 1"), None);
    assert_eq!(verdict("abcde 1"), Some(ParseErrorKind::NameTooLong { limit: 4 }));
    assert_eq!(verdict(r#"a{bcde="1"} 1"#), None);
    assert_eq!(verdict(r#"a{bcdef="1"} 1"#), Some(ParseErrorKind::NameTooLong { limit: 4 }));
    assert_eq!(verdict(r#"a{"b.de"="1"} 1"#), None);
    assert_eq!(verdict(r#"a{"b.def"="1"} 1"#), Some(ParseErrorKind::NameTooLong { limit: 4 }));
    assert_eq!(verdict(r#"{"a.b.c"} 1"#), Some(ParseErrorKind::NameTooLong { limit: 4 }));
    assert_eq!(verdict("# TYPE abcde gauge"), Some(ParseErrorKind::NameTooLong { limit: 4 }));
    assert_eq!(verdict("# TYPE \"a.b.c\" gauge"), Some(ParseErrorKind::NameTooLong { limit: 4 }));
    assert_eq!(verdict(r#"a{b="12345"} 1"#), None);
    assert_eq!(verdict(r#"a{b="123456"} 1"#), Some(ParseErrorKind::LabelValueTooLong { limit: 5 }));
    assert_eq!(verdict(r#"a{b="1234\n"} 1"#), Some(ParseErrorKind::LabelValueTooLong { limit: 5 }));
    assert_eq!(verdict(r#"a{b="1",c="2"} 1"#), None);
    assert_eq!(verdict(r#"a{b="1",c="2",d="3"} 1"#), Some(ParseErrorKind::TooManyLabels { limit: 2 }));
    assert_eq!(verdict(&format!("a 0.{}", "0".repeat(35))), None);
    let too_long = Some(ParseErrorKind::LineTooLong { limit: 40 });
    assert_eq!(verdict(&format!("a 0.{}", "0".repeat(36))), too_long);
    assert_eq!(verdict(&format!("# HELP a {}\na 1", "x".repeat(31))), too_long);
    assert_eq!(first_error(&[b'\n'; 65], limits).kind, ParseErrorKind::BodyTooLong { bytes: 65, limit: 64 });
    assert!(Parser::with_limits(&[b'\n'; 64], Format::Text, limits).next().is_none());
}

#[test]
fn a_body_of_errors_is_given_up() {
    let limits = Limits { max_errors: 3, ..Limits::DEFAULT };
    let errors = parse_with_limits(b"!\n!\n!\n!\n!\n", Format::Text, limits).errors;
    assert_eq!(errors.len(), 4);
    assert_eq!((errors[3].line, &errors[3].kind), (4, &ParseErrorKind::TooManyErrors { limit: 3 }));
    let errors = parse_with_limits(b"!\n!\n!\n", Format::Text, limits).errors;
    assert_eq!(errors.len(), 3);
}
