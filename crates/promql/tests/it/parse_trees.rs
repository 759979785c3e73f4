//! How expressions are understood, and where their parts stand.

use assurance_metrics_model::Duration;
use assurance_promql::{
    Cardinality, DurationExpr, Expr, ExprKind, Features, Span, ValueType, parse, parse_selector, parse_with,
};

fn read(text: &str) -> Expr {
    parse_with(text, Features::all()).unwrap_or_else(|error| panic!("{}", error.to_diagnostic(text)))
}

/// The expression with a parenthesis around every operation.
fn bracketed(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Binary(binary) => {
            format!("[{} {} {}]", bracketed(&binary.left), binary.op.as_str(), bracketed(&binary.right))
        }
        ExprKind::Negate(inner) => format!("[-{}]", bracketed(inner)),
        _ => expr.to_string(),
    }
}

#[test]
fn operators_bind_as_in_prometheus() {
    for (text, understood) in [
        ("1 + 2 * 3", "[1 + [2 * 3]]"),
        ("1 * 2 + 3", "[[1 * 2] + 3]"),
        ("1 - 2 - 3", "[[1 - 2] - 3]"),
        ("2 ^ 3 ^ 4", "[2 ^ [3 ^ 4]]"),
        ("-1 ^ 2", "[-[1 ^ 2]]"),
        ("2 ^ -1 * 3", "[[2 ^ -1] * 3]"),
        ("-a * b", "[[-a] * b]"),
        ("-a ^ b ^ c", "[-[a ^ [b ^ c]]]"),
        ("a atan2 b * c", "[[a atan2 b] * c]"),
        ("a == b + c", "[a == [b + c]]"),
        ("a </ b + c", "[a </ [b + c]]"),
        ("a </ b >/ c > d", "[[[a </ b] >/ c] > d]"),
        ("a and b or c unless d", "[[a and b] or [c unless d]]"),
        ("a unless b and c", "[[a unless b] and c]"),
        ("a or b == c", "[a or [b == c]]"),
        ("a % b / c", "[[a % b] / c]"),
        ("-a offset 5m", "[-a offset 5m]"),
        ("a offset 5m ^ 2", "[a offset 5m ^ 2]"),
        ("a @ 1 + 2", "[a @ 1.000 + 2]"),
    ] {
        assert_eq!(bracketed(&read(text)), understood, "{text}");
    }
}

#[test]
fn words_with_a_meaning_are_names_too() {
    for word in [
        "sum",
        "avg",
        "topk",
        "offset",
        "by",
        "without",
        "and",
        "or",
        "unless",
        "start",
        "end",
        "step",
        "range",
        "min_of",
        "fill",
        "fill_left",
        "anchored",
        "smoothed",
        "limitk",
        "Sum",
        "OFFSET",
    ] {
        for text in [
            word.to_owned(),
            format!("{word}{{{word}=\"x\"}}"),
            format!("{word} + {word}"),
            format!("-{word}[5m:]"),
        ] {
            if text.starts_with('-') {
                continue;
            }
            let expr = read(&text);
            let name = expr.selectors()[0].matchers[0].value().to_owned();
            assert_eq!(name, word, "{text}");
        }
        let grouped = format!("sum by ({word}) (x) + ignoring ({word}) group_left ({word}) y");
        assert_eq!(read(&grouped).to_string(), grouped);
    }
    for word in ["bool", "on", "ignoring", "group_left", "group_right", "atan2"] {
        assert!(parse(word).is_err(), "{word}");
        read(&format!("sum by ({word}) (x{{{word}=\"y\"}})"));
    }
}

fn spans_of(expr: &Expr, into: &mut Vec<Span>) {
    into.push(expr.span);
    for child in expr.children() {
        spans_of(child, into);
    }
}

/// Every part of an expression, as it is cut out of the text.
fn parts(text: &str) -> Vec<String> {
    let mut spans = Vec::new();
    spans_of(&read(text), &mut spans);
    spans.into_iter().map(|span| text[span.bytes()].to_owned()).collect()
}

#[test]
fn every_part_knows_where_it_stands() {
    assert_eq!(
        parts(" sum by (a) ( rate( x{a = \"b\"} [5m] offset 1m ) ) / -( y @ 5 ) "),
        [
            "sum by (a) ( rate( x{a = \"b\"} [5m] offset 1m ) ) / -( y @ 5 )",
            "sum by (a) ( rate( x{a = \"b\"} [5m] offset 1m ) )",
            "rate( x{a = \"b\"} [5m] offset 1m )",
            "x{a = \"b\"} [5m] offset 1m",
            "-( y @ 5 )",
            "( y @ 5 )",
            "y @ 5",
        ]
    );
    assert_eq!(
        parts("max_over_time((a + 1)[5m:1m] @ end())"),
        ["max_over_time((a + 1)[5m:1m] @ end())", "(a + 1)[5m:1m] @ end()", "(a + 1)", "a + 1", "a", "1"]
    );
    assert_eq!(parts("(sum(foo) )"), ["(sum(foo) )", "sum(foo)", "foo"]);
    assert_eq!(parts("sum(foo) by (a) # end"), ["sum(foo) by (a)", "foo"]);
    assert_eq!(parts("- 5 + +6"), ["- 5 + +6", "- 5", "+6"]);
}

#[test]
fn lines_and_columns_count_bytes_from_one() {
    let text = "  foo\n  + on (a) # é\r\n\n\t\"é\" == é_bar";
    assert!(parse(text).is_err());
    let text = "  foo{a=\"é\"} > \n  bool on (a) # é\n\n\tbar\n";
    let expr = read(text);
    let ExprKind::Binary(binary) = &expr.kind else { panic!("{expr}") };
    let place = |span: Span| (span.line, span.column);
    assert_eq!(place(expr.span), (1, 3));
    assert_eq!(place(binary.left.span), (1, 3));
    assert_eq!((place(binary.op_span), &text[binary.op_span.bytes()]), ((1, 15), ">"));
    assert_eq!(place(binary.right.span), (4, 2));
}

#[test]
fn the_selector_in_a_range_knows_where_it_stands() {
    let text = "rate( up{a=\"b\"}  [5m] offset 5m)";
    let expr = read(text);
    let ExprKind::Matrix(matrix) = &expr.children()[0].kind else { panic!("{expr}") };
    assert_eq!(&text[matrix.selector_span.bytes()], "up{a=\"b\"}");
    assert_eq!((matrix.selector_span.line, matrix.selector_span.column), (1, 7));
}

#[test]
fn lengths_are_literals_where_they_are_written_as_one() {
    let range = |text: &str| match read(text).kind {
        ExprKind::Matrix(matrix) => matrix.range,
        other => panic!("{other:?}"),
    };
    for text in ["x[5m]", "x[300]", "x[(300)]", "x[((5m))]", "x[+5m]", "x[--300]", "x[300.0000004]"] {
        assert_eq!(range(text).literal(), Some(Duration::from_secs(300)), "{text}");
    }
    assert!(matches!(range("x[5m * 2]"), DurationExpr::Binary { .. }));
    assert!(matches!(range("x[step()]"), DurationExpr::Step));
}

#[test]
fn what_cannot_be_matched_has_no_matching() {
    let matching = |text: &str| match read(text).kind {
        ExprKind::Binary(binary) => binary.matching,
        other => panic!("{other:?}"),
    };
    assert_eq!(matching("1 + on() a"), matching("1 + a"));
    assert_eq!(matching("a + ignoring() b"), matching("a + b"));
    assert_ne!(matching("a + on() b"), matching("a + b"));
    assert_eq!(matching("a and b").cardinality, Cardinality::ManyToMany);
    assert_eq!(matching("a + fill(1) b").fill_left, Some(1.0));
    assert_eq!(matching("a + fill_right(1) b").fill_left, None);
}

#[test]
fn the_order_of_matchers_does_not_matter() {
    assert_eq!(read("x{b=\"1\",a=\"2\"}"), read("{a='2', \"x\", b=`1`,}"));
    assert_ne!(read("x{b=\"1\"}"), read("x{b=\"2\"}"));
}

#[test]
fn selectors_alone_are_read_for_the_api() {
    let matchers = parse_selector("up{job=~\"a|b\"}").expect("a selector");
    assert_eq!(matchers.len(), 2);
    for text in ["up[5m]", "up offset 5m", "up @ 5", "sum(up)", "1", "{}", "up up", "(up)", "up smoothed"] {
        assert!(parse_selector(text).is_err(), "{text}");
    }
}

#[test]
fn types_are_known() {
    for (text, of) in [
        ("1 + 2", ValueType::Scalar),
        ("\"x\"", ValueType::String),
        ("(1 + x)", ValueType::Vector),
        ("x[5m]", ValueType::Matrix),
        ("x[5m:]", ValueType::Matrix),
        ("scalar(x)", ValueType::Scalar),
        ("min_of(step(), 5)", ValueType::Scalar),
    ] {
        assert_eq!(read(text).value_type(), of, "{text}");
    }
}

#[test]
fn texts_have_the_escapes_of_go() {
    let text = |text: &str| match read(text).kind {
        ExprKind::String(value) => value,
        other => panic!("{other:?}"),
    };
    let all = "\u{7}\u{8}\u{c}\n\r\t\u{b}\\";
    assert_eq!(text(r#""\a\b\f\n\r\t\v\\""#), all);
    assert_eq!(text(r"'\a\b\f\n\r\t\v\\'"), all);
    assert_eq!(text(r#""\"'`""#), "\"'`");
    assert_eq!(text(r#"'\'"`'"#), "'\"`");
    assert_eq!(text(r#"`\n"'`"#), "\\n\"'");
    assert_eq!(text("`a\nb`"), "a\nb");
    assert_eq!(text(r#""\x41\101\u00e9\U0001F600é""#), "AAé😀é");
    // Bytes of one character.
    assert_eq!(text(r#""\xc3\xa9\303\251""#), "éé");
    assert!(parse(r#""\xc3""#).is_err());
}
