use assurance_diagnostics::Source;
use assurance_diagnostics::yaml::{PathSegment, locate, locate_key, locate_within, parse};
use proptest::prelude::*;

fn path(text: &str) -> Vec<PathSegment> {
    text.split('.').map(|part| part.parse::<usize>().map_or_else(|_| part.into(), Into::into)).collect()
}

/// The text at a path's value.
fn value<'a>(source: &'a Source, at: &str) -> Option<&'a str> {
    locate(source, &path(at)).map(|span| &source.text()[span])
}

const STYLES: &str = r#"plain: a b  # comment
single: 'it''s'
double: "say \"hi\""
literal: |
  one
    two

  three
folded: >-

  one
  two

  three
anchored: &x !!str 5
alias: *x
list:
- a
- - b
- k: v
  l: [1, {m: n}]
empty:
flow: {a: , b: [ ]}
later: |2
   x
  y
"#;

#[test]
fn every_style_of_value_is_found() {
    let source = Source::new("f", STYLES);
    for (at, text) in [
        ("plain", "a b"),
        ("single", "'it''s'"),
        ("double", r#""say \"hi\"""#),
        ("literal", "one\n    two\n\n  three"),
        ("folded", "one\n  two\n\n  three"),
        ("anchored", "5"),
        ("alias", "*x"),
        ("list", "a\n- - b\n- k: v\n  l: [1, {m: n}]"),
        ("list.1", "b"),
        ("list.1.0", "b"),
        ("list.2", "k: v\n  l: [1, {m: n}]"),
        ("list.2.l", "[1, {m: n}]"),
        ("list.2.l.1", "{m: n}"),
        ("list.2.l.1.m", "n"),
        ("empty", ""),
        ("flow.a", ""),
        ("flow.b", "[ ]"),
        ("later", " x\n  y"),
    ] {
        assert_eq!(value(&source, at), Some(text), "{at}");
    }
    for at in ["nothing", "list.3", "list.k", "plain.x", "list.2.l.m"] {
        assert_eq!(value(&source, at), None, "{at}");
    }
}

#[test]
fn keys_are_found_and_list_items_stand_for_themselves() {
    let source = Source::new("f", STYLES);
    for (at, text) in [("literal", "literal"), ("list.2.l", "l"), ("list.0", "a"), ("flow.a", "a")] {
        let span = locate_key(&source, &path(at)).expect(at);
        assert_eq!(&source.text()[span], text, "{at}");
    }
}

#[test]
fn merged_and_aliased_values_are_found_where_they_are_written() {
    let text = "base: &b {x: 1, y: 2}\nmore: &m\n  <<: *b\n  z: 3\nuse:\n  <<: [*m, {w: 4}]\n  y: 5\n";
    let source = Source::new("f", text);
    assert_eq!(value(&source, "use.x"), Some("1"));
    assert_eq!(value(&source, "use.y"), Some("5"));
    assert_eq!(value(&source, "use.z"), Some("3"));
    assert_eq!(value(&source, "use.w"), Some("4"));
    assert_eq!(value(&source, "use.v"), None);
}

#[test]
fn byte_order_mark_and_other_letters_do_not_shift_places() {
    let source = Source::new("f", "\u{feff}größe: 'ж'\nañb: cé\n");
    assert_eq!(value(&source, "größe"), Some("'ж'"));
    assert_eq!(value(&source, "añb"), Some("cé"));
}

/// The file's text for every occurrence of `part` in the value at `at`.
fn within(text: &str, at: &str, part: &str) -> String {
    let source = Source::new("f", text);
    let read: std::collections::BTreeMap<String, String> = parse(&source).expect("a flat mapping");
    let offset = read[at].find(part).expect("the value holds the part");
    let span = locate_within(&source, &path(at), offset, part.len()).expect("the path exists");
    source.text()[span].to_owned()
}

#[test]
fn parts_are_found_through_every_style() {
    for (text, part, found) in [
        ("e: up == 0 or foo\n", "foo", "foo"),
        ("e: up == 0\n   or foo\n", "foo", "foo"),
        ("e: up == 0\n   or foo\n", "0 or", "0\n   or"),
        ("e: up\n\n\n   or foo\n", "foo", "foo"),
        ("e: 'it''s foo'\n", "foo", "foo"),
        ("e: 'it''s foo'\n", "'", "''"),
        ("e: \"a{b=\\\"c\\\"} or foo\"\n", "foo", "foo"),
        ("e: \"a{b=\\\"c\\\"} or foo\"\n", "\"c\"", "\\\"c\\\""),
        ("e: \"a\n  b foo\"\n", "foo", "foo"),
        ("e: |\n  up == 0\n    or foo\n", "foo", "foo"),
        ("e: |\n\n  up == 0\n  or foo\n\n\n", "foo", "foo"),
        ("e: |+\n\n  up == 0\n  or foo\n\n\n", "foo", "foo"),
        ("e: |\r\n  up == 0\r\n  or foo\r\n", "foo", "foo"),
        ("e: |2\n   up\n  foo\n", "foo", "foo"),
        ("e: >\n  up == 0\n  or foo\n", "foo", "foo"),
        ("e: >\n  up == 0\n  or foo\n", "0 or", "0\n  or"),
        ("e: >-\n\n  up\n\n\n  == 0\n     or\n  foo\n", "foo", "foo"),
        ("e: >\n  up   ==\n  foo  bar\n", "foo", "foo"),
        ("e: &x !!str foo\n", "foo", "foo"),
        ("e: |\n  größe\n  ≥ foo\n", "foo", "foo"),
        ("e: größe\n\n  ≥ foo\n", "foo", "foo"),
    ] {
        assert_eq!(within(text, "e", part), found, "{text:?}");
    }
}

#[test]
fn what_cannot_be_followed_gives_the_whole_value() {
    assert_eq!(within("e: \"a\\x41 foo\"\n", "e", "foo"), "\"a\\x41 foo\"");
}

#[test]
fn offsets_behind_the_value_give_its_end() {
    for text in ["e: rate(foo\n", "e: 'rate(foo'\n", "e: |\n  rate(foo\n\n\nf: x\n"] {
        let source = Source::new("f", text);
        let end = text.find("foo").expect("it is there") + 3;
        assert_eq!(locate_within(&source, &path("e"), 8, 1), Some(end..end), "{text:?}");
        assert_eq!(locate_within(&source, &path("e"), usize::MAX, 9), Some(end..end), "{text:?}");
    }
}

/// YAML-like text that is often valid and often not.
fn yamlish() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("a"),
        Just("key"),
        Just(": "),
        Just(":"),
        Just("\n"),
        Just("\n  "),
        Just("- "),
        Just("'"),
        Just("\""),
        Just("|\n"),
        Just(">-\n"),
        Just("&x "),
        Just("*x"),
        Just("<<: "),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(", "),
        Just("#"),
        Just("\t"),
        Just("é"),
        Just("漢"),
        Just("\r\n"),
        Just("---\n"),
        Just("!!str "),
        Just("!"),
        Just("? "),
        Just("\\"),
        Just("~"),
        Just("5"),
        Just("\u{feff}"),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_reading_or_locating_panic(text in yamlish(), at in 0usize..50, len in 0usize..50) {
        let source = Source::new("f", text.as_str());
        let read = parse::<serde_yaml_value::Any>(&source);
        if let Err(problem) = &read {
            prop_assert!(problem.to_string().starts_with("error: "));
        }
        for steps in [vec![], path("a"), path("key"), path("0"), path("a.key"), path("0.a")] {
            for span in [
                locate(&source, &steps),
                locate_key(&source, &steps),
                locate_within(&source, &steps, at, len),
            ].into_iter().flatten() {
                prop_assert!(source.text().get(span.clone()).is_some(), "{span:?} of {text:?}");
            }
        }
    }

    #[test]
    fn every_part_of_a_literal_block_is_exact(
        first in "[a-zé漢]{1,6}",
        lines in proptest::collection::vec("( {0,3}[a-z=é漢(){}]{1,6}){1,2}|", 0..6),
        from in 0.0f64..1.0,
        len in 1usize..10,
    ) {
        let lines: Vec<&str> = [first.as_str()].into_iter().chain(lines.iter().map(String::as_str)).collect();
        let value = lines.join("\n") + "\n";
        let mut text = String::from("e: |\n");
        for line in &lines {
            text.push_str(if line.is_empty() { "" } else { "    " });
            text.push_str(line);
            text.push('\n');
        }
        let source = Source::new("f", text.as_str());
        let value = value.trim_end_matches('\n');
        // Any run of characters in the value.
        let starts: Vec<usize> = value.char_indices().map(|(at, _)| at).collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index below the length")]
        let from = starts[(from * starts.len() as f64) as usize];
        let part: String = value[from..].chars().take(len).collect();
        let span = locate_within(&source, &path("e"), from, part.len()).expect("the path exists");
        let found = source.text()[span].lines().enumerate().map(|(at, line)| {
            if at == 0 { line } else { line.strip_prefix("    ").unwrap_or(line) }
        }).collect::<Vec<_>>().join("\n");
        prop_assert_eq!(found.trim_end_matches('\n'), part.trim_end_matches('\n'));
    }

    #[test]
    fn a_folded_plain_or_quoted_text_is_followed_word_by_word(
        words in proptest::collection::vec("[a-zé漢]{1,5}", 2..8),
        breaks in proptest::collection::vec(0usize..4, 8),
        style in 0usize..4,
        pick in 0usize..8,
    ) {
        let (open, close, indent) = [("", "", "  "), ("'", "'", "  "), ("\"", "\"", "  "), (">\n  ", "", "  ")][style];
        let mut text = format!("e: {open}");
        for (at, word) in words.iter().enumerate() {
            if at > 0 {
                match breaks[at] {
                    0 => text.push(' '),
                    n => { text.push_str(&"\n".repeat(n)); text.push_str(indent); }
                }
            }
            text.push_str(word);
        }
        text.push_str(close);
        text.push('\n');
        let source = Source::new("f", text.as_str());
        let read: std::collections::BTreeMap<String, String> = parse(&source).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let wanted = pick % words.len();
        let word = words[wanted].as_str();
        let value = &read["e"];
        let nth = value.split([' ', '\n']).filter(|w| !w.is_empty()).nth(wanted);
        prop_assert_eq!(nth, Some(word));
        let offset = nth.map_or(0, |w| w.as_ptr() as usize - value.as_ptr() as usize);
        let span = locate_within(&source, &path("e"), offset, word.len()).expect("the path exists");
        prop_assert_eq!(&source.text()[span], word, "{:?}", text);
    }
}

/// Any document, so that reading goes through the whole of it.
mod serde_yaml_value {
    use std::collections::BTreeMap;

    #[derive(Debug, serde::Deserialize)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only read, never looked at")]
    pub(crate) enum Any {
        Null(()),
        Bool(bool),
        Number(f64),
        Text(String),
        List(Vec<Any>),
        Map(BTreeMap<String, Any>),
    }
}

#[test]
fn a_comment_behind_a_quoted_value_is_not_part_of_it() {
    for (text, expected) in [
        ("expr: 'it''s # up' # second\n", "'it''s # up'"),
        ("expr: \"a \\\" # b\"   # second\n", "\"a \\\" # b\""),
        ("expr: ''\n", "''"),
        ("expr: !!str 'up' # second\n", "'up'"),
    ] {
        let source = Source::new("rules.yml", text);
        let found = value(&source, "expr");
        assert_eq!(found, Some(expected), "{text}");
        let comments = assurance_diagnostics::yaml::comments(&source);
        let count = usize::from(text.contains("second"));
        assert_eq!(comments.len(), count, "{text}: {comments:?}");
    }
}
