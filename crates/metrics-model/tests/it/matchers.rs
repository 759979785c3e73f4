use assurance_metrics_model::{Labels, MatchOp, Matcher};
use proptest::prelude::*;

use MatchOp::{Equal, NotEqual, NotRegex, Regex};

#[test]
fn matchers_see_an_absent_label_as_empty() {
    let labels = Labels::from_pairs([("job", "brain-governance")]);
    for (name, op, value, expected) in [
        ("job", Equal, "brain-governance", true),
        ("job", Equal, "brain_governance", false),
        ("job", NotEqual, "brain_governance", true),
        ("gone", Equal, "", true),
        ("gone", NotEqual, "x", true),
        ("gone", NotEqual, "", false),
        ("gone", Regex, ".*", true),
        ("gone", Regex, ".+", false),
        ("gone", NotRegex, ".+", true),
        ("job", Regex, "brain", false),
        ("job", Regex, "brain-.*", true),
        ("job", Regex, "prometheus|brain-governance", true),
        ("job", Regex, "prometheus|brain", false),
        ("job", NotRegex, "prometheus|brain", true),
    ] {
        let matcher = Matcher::new(name, op, value).expect("compiles");
        assert_eq!(matcher.matches_labels(&labels), expected, "{matcher}");
    }
}

#[test]
fn regular_expressions_are_anchored_and_dot_matches_line_ends() {
    let matches =
        |pattern: &str, value: &str| Matcher::new("l", Regex, pattern).expect("compiles").matches(value);
    assert!(matches("a.b", "a\nb"));
    assert!(!matches("a|b.", "xa"));
    assert!(matches("(?i)ABC", "abc"));
    assert!(matches("a-b|c#d", "c#d"));
    assert!(matches("", "") && !matches("", "x"));
}

#[test]
fn a_bad_expression_is_refused_with_the_reason() {
    for (pattern, reason) in [
        ("a)|(b", "unopened group"),
        ("[", "unclosed character class"),
        ("(a", "unclosed group"),
        ("(?:x{1000}){1000}", "it compiles to more than 1048576 bytes"),
    ] {
        let error = Matcher::new("l", Regex, pattern).expect_err(pattern);
        assert_eq!(error.reason, reason);
    }
}

#[test]
fn an_index_can_look_candidates_up() {
    let candidates = |op, value: &str| {
        let matcher = Matcher::new("l", op, value).expect("compiles");
        matcher.candidates().map(|all| all.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(candidates(Equal, "a"), Some(vec!["a".to_owned()]));
    assert_eq!(candidates(Regex, "a|b"), Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(candidates(Regex, "a.*"), None);
    assert_eq!(candidates(NotEqual, "a"), None);
}

proptest! {
    /// The short cut for alternations answers as the engine does.
    #[test]
    fn alternations_match_what_the_engine_matches(parts in prop::collection::vec("[ab-]{0,2}", 1..5), value in "[ab-]{0,2}") {
        let pattern = parts.join("|");
        let quick = Matcher::new("l", Regex, &pattern).expect("compiles");
        let engine = Matcher::new("l", Regex, &format!("(?:{pattern})")).expect("compiles");
        prop_assert_eq!(quick.matches(&value), engine.matches(&value));
    }
}
