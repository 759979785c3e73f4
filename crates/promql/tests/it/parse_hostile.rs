//! Texts that want to hurt: too deep, too long, or no expressions at all.

use assurance_promql::{Features, MAX_DEPTH, MAX_EXPRESSION_BYTES, ParseError, ParseErrorKind, parse_with};
use proptest::prelude::*;

use crate::language::{Age, vector};

/// Reads on a thread with the stack of any server thread.
fn read_on_a_small_stack(text: String) -> Result<String, ParseError> {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        // Printing and dropping need stack too.
        parse_with(&text, Features::all()).map(|expr| {
            let (printed, pretty) = (expr.to_string(), expr.pretty());
            assert_eq!(expr.clone(), expr);
            if pretty.len() > printed.len() { printed } else { pretty }
        })
    });
    thread.expect("a thread").join().expect("no overflow")
}

#[test]
fn depth_is_refused_before_it_hurts() {
    for text in [
        "(".repeat(60_000),
        "-".repeat(60_000),
        format!("{}1", "-".repeat(60_000)),
        format!("{}x", "+-".repeat(30_000)),
        format!("{}x{}", "abs(".repeat(10_000), ")".repeat(10_000)),
        format!("{}x{}", "sum by (a) (".repeat(5_000), ")".repeat(5_000)),
        format!("a{}", "+a".repeat(32_000)),
        format!("a{}", " or a".repeat(12_000)),
        format!("1{}", "^1".repeat(32_000)),
        format!("a{}", "[5m:]".repeat(12_000)),
        format!("a[{}", "(".repeat(60_000)),
        format!("a[{}1]", "-".repeat(60_000)),
        format!("a[1{}]", "+1".repeat(32_000)),
        format!("a[1{}]", "^1".repeat(32_000)),
        format!("a[{}", "min_of(1,".repeat(6_000)),
        format!("a offset {}", "(".repeat(60_000)),
    ] {
        let start = text[..text.len().min(20)].to_owned();
        let error = read_on_a_small_stack(text).expect_err("too deep");
        assert!(matches!(error.kind, ParseErrorKind::TooLarge { .. }), "{start}… {error}");
    }
}

#[test]
fn what_is_not_too_deep_is_read() {
    let levels = MAX_DEPTH - 1;
    for (text, printed) in [
        (format!("{}1{}", "(".repeat(levels), ")".repeat(levels)), None),
        (format!("{}x", "-".repeat(levels)), None),
        (format!("{}x{}", "abs(".repeat(levels), ")".repeat(levels)), None),
        (format!("{}x{}", "sum(".repeat(levels), ")".repeat(levels)), None),
        (format!("1{}", " + 1".repeat(levels)), None),
        (format!("1{}", " ^ 1".repeat(levels)), None),
        (format!("x[1{}]", " * 1".repeat(levels)), None),
        // Width is not depth.
        (format!("label_join(x, \"a\", \",\"{})", ", \"b\"".repeat(10_000)), None),
        (format!("sum by (a{}) (x)", ", a".repeat(10_000)), None),
        (format!("x{{a{}}}", "=\"\",a".repeat(5_000) + "=\"\""), None),
        ("x[(((5m)))]".to_owned(), Some("x[5m]")),
    ] {
        let read = read_on_a_small_stack(text.clone());
        let read = read.unwrap_or_else(|error| panic!("{}… {error}", &text[..20.min(text.len())]));
        if let Some(printed) = printed {
            assert_eq!(read, printed);
        }
    }
    let deeper = format!("{}1{}", "(".repeat(levels + 1), ")".repeat(levels + 1));
    assert!(read_on_a_small_stack(deeper).is_err());
}

#[test]
fn length_is_refused_before_it_is_read() {
    assert!(read_on_a_small_stack("x".repeat(MAX_EXPRESSION_BYTES)).is_ok());
    let error = read_on_a_small_stack("x".repeat(MAX_EXPRESSION_BYTES + 1)).expect_err("too long");
    assert!(matches!(error.kind, ParseErrorKind::TooLarge { .. }));
}

/// An error that can be shown.
fn check(text: &str) -> Result<(), TestCaseError> {
    if let Err(error) = parse_with(text, Features::all()) {
        prop_assert!(
            error.span.start <= error.span.end && error.span.end <= text.len(),
            "{} {:?}",
            text,
            error
        );
        prop_assert!(text.get(error.span.clone()).is_some(), "{} {:?}", text, error);
        prop_assert!(!error.to_diagnostic(text).to_string().is_empty());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}") {
        check(&text)?;
    }

    #[test]
    fn no_tokens_make_the_parser_panic(tokens in prop::collection::vec(prop::sample::select(vec![
        "(", ")", "[", "]", "{", "}", ",", ":", "@", "=", "=~", "!", "\"a\\xff\"", "'b'", "`", "\\", "#", "\n", "5m", "1e5", "0x",
        "-", "+", "^", "<", "/", "sum", "by", "rate", "x", "offset", "start", "step", "min_of", "fill", "bool", "on", "group_left",
        "anchored", "and", "atan2", "inf", "é", "a:b", "info", "topk",
    ]), 0..12), blank in prop::sample::select(vec!["", " "])) {
        check(&tokens.join(blank))?;
    }

    /// Numbers stand where lengths do, and no size of theirs is too large to be refused.
    #[test]
    fn no_number_makes_the_parser_panic(number in "[0-9]{1,25}(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,4})?(ms|s|m|h|d|w|y)?") {
        for text in [
            format!("up[{number}]"),
            format!("up[5m:{number}]"),
            format!("up offset {number}"),
            format!("up offset -{number}"),
            format!("up[(1*{number})]"),
            format!("up @ {number}"),
            format!("vector({number})"),
        ] {
            check(&text)?;
            if let Ok(expr) = parse_with(&text, Features::all()) {
                let printed = expr.to_string();
                let again = parse_with(&printed, Features::all());
                prop_assert_eq!(again.map(|e| e.to_string()), Ok(printed), "{}", text);
            }
        }
    }

    #[test]
    fn no_change_of_an_expression_makes_the_parser_panic(
        text in vector(Age::Newest),
        at in any::<prop::sample::Index>(),
        junk in "[()\\[\\]{}\"'`,+:@\\\\#-]{0,3}|é",
    ) {
        let at = at.index(text.len() + 1);
        let cut = (at..=text.len()).find(|n| text.is_char_boundary(*n)).unwrap_or(text.len());
        check(&format!("{}{junk}{}", &text[..cut], text.get(cut + 1..).unwrap_or_default()))?;
    }
}
