use assurance_metrics_model::Labels;
use assurance_scrape::{RelabelAction, RelabelError, RelabelRule, RelabelSpec, relabel};

fn spec(action: RelabelAction) -> RelabelSpec {
    RelabelSpec { action, ..RelabelSpec::default() }
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

fn names(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|n| (*n).to_owned()).collect())
}

fn apply(labels: &[(&str, &str)], rules: &[RelabelSpec]) -> Option<String> {
    let rules: Vec<_> =
        rules.iter().map(|spec| RelabelRule::new(spec.clone()).expect("the rule is valid")).collect();
    relabel(&Labels::from_pairs(labels.iter().copied()), &rules).map(|labels| labels.to_string())
}

fn error(spec: RelabelSpec) -> RelabelError {
    RelabelRule::new(spec).expect_err("the rule is not valid")
}

const ABC: [(&str, &str); 3] = [("a", "foo"), ("b", "bar"), ("c", "baz")];

/// The cases of Prometheus's own table (`model/relabel/relabel_test.go`), as far as an action has any.
#[test]
fn actions_follow_prometheus() {
    use RelabelAction as A;
    let replace = |source: &[&str], regex: &str, target: &str, replacement: &str| RelabelSpec {
        source_labels: names(source),
        regex: text(regex),
        target_label: text(target),
        replacement: text(replacement),
        ..spec(A::Replace)
    };
    let abc = Some(r#"{a="foo",b="bar",c="baz"}"#);
    let check = |labels: &[(&str, &str)], rules: &[RelabelSpec], want: Option<&str>| {
        assert_eq!(apply(labels, rules).as_deref(), want, "{rules:?} on {labels:?}");
    };
    check(
        &ABC,
        &[replace(&["a"], "f(.*)", "d", "ch${1}-ch${1}")],
        Some(r#"{a="foo",b="bar",c="baz",d="choo-choo"}"#),
    );
    check(
        &ABC,
        &[
            RelabelSpec { separator: text(";"), ..replace(&["a", "b"], "f(.*);(.*)r", "a", "b${1}${2}m") },
            RelabelSpec { separator: text(";"), ..replace(&["c", "a"], "(b).*b(.*)ba(.*)", "d", "$1$2$2$3") },
        ],
        Some(r#"{a="boobam",b="bar",c="baz",d="boooom"}"#),
    );
    check(&ABC, &[replace(&["a"], "no-match", "d", "x")], abc);
    check(&ABC, &[replace(&["a"], "fo", "d", "unanchored")], abc);
    check(
        &ABC,
        &[replace(&["a"], "f(?P<rest>.*)", "d", "$rest $$ $9 ${10}$")],
        Some(r#"{a="foo",b="bar",c="baz",d="oo $  $"}"#),
    );
    check(
        &[("a", "some-name-value")],
        &[replace(&["a"], "some-([^-]+)-([^,]+)", "${1}", "${2}")],
        Some(r#"{a="some-name-value",name="value"}"#),
    );
    check(
        &[("a", "some-name-0")],
        &[replace(&["a"], "some-([^-]+)-([^-]+)", "${2}", "${1}")],
        Some(r#"{a="some-name-0"}"#),
    );
    check(&[("a", "foo")], &[replace(&["a"], "(f).*", "a", "$2")], Some("{}"));
    check(&[("a", "foo")], &[replace(&["missing"], "(.*)", "b", "static")], Some(r#"{a="foo",b="static"}"#));
    check(
        &[("a", "line\nbreak")],
        &[replace(&["a"], "line.break", "b", "dot")],
        Some(r#"{a="line\nbreak",b="dot"}"#),
    );

    let filter = |action, regex: &str| RelabelSpec {
        source_labels: names(&["a"]),
        regex: text(regex),
        ..spec(action)
    };
    check(&ABC, &[filter(A::Drop, ".*o.*")], None);
    check(&ABC, &[filter(A::Drop, "f|o")], abc);
    check(&ABC, &[filter(A::Keep, "no-match")], None);
    check(
        &ABC,
        &[filter(A::Keep, "f.*"), replace(&["a"], "f.*", "d", "later")],
        Some(r#"{a="foo",b="bar",c="baz",d="later"}"#),
    );
    let equal = |action| RelabelSpec {
        source_labels: names(&["__tmp_port"]),
        target_label: text("__port1"),
        ..spec(action)
    };
    let ports = [("__tmp_port", "1234"), ("__port1", "1234"), ("__port2", "5678")];
    let other = [("__tmp_port", "1234"), ("__port1", "5678")];
    check(&ports, &[equal(A::DropEqual)], None);
    check(&other, &[equal(A::DropEqual)], Some(r#"{__port1="5678",__tmp_port="1234"}"#));
    check(&other, &[equal(A::KeepEqual)], None);
    check(&ports, &[equal(A::KeepEqual)], Some(r#"{__port1="1234",__port2="5678",__tmp_port="1234"}"#));

    let hashmod = |source: &[&str]| RelabelSpec {
        source_labels: names(source),
        target_label: text("d"),
        separator: text(";"),
        modulus: Some(1000),
        ..spec(A::HashMod)
    };
    check(&ABC, &[hashmod(&["c"])], Some(r#"{a="foo",b="bar",c="baz",d="976"}"#));
    check(&[("a", "foo\nbar")], &[hashmod(&["a"])], Some(r#"{a="foo\nbar",d="734"}"#));

    check(
        &[("a", "foo"), ("b1", "bar"), ("b2", "baz")],
        &[RelabelSpec { regex: text("(b.*)"), replacement: text("bar_${1}"), ..spec(A::LabelMap) }],
        Some(r#"{a="foo",b1="bar",b2="baz",bar_b1="bar",bar_b2="baz"}"#),
    );
    check(
        &[("a", "foo"), ("__meta_my_bar", "aaa"), ("__meta_my_baz", "bbb"), ("__meta_other", "ccc")],
        &[RelabelSpec { regex: text("__meta_(my.*)"), ..spec(A::LabelMap) }],
        Some(
            r#"{__meta_my_bar="aaa",__meta_my_baz="bbb",__meta_other="ccc",a="foo",my_bar="aaa",my_baz="bbb"}"#,
        ),
    );
    let named = |action| RelabelSpec { regex: text("(b.*)"), ..spec(action) };
    let bs = [("a", "foo"), ("b1", "bar"), ("b2", "baz")];
    check(&bs, &[named(A::LabelDrop)], Some(r#"{a="foo"}"#));
    check(&bs, &[named(A::LabelKeep)], Some(r#"{b1="bar",b2="baz"}"#));
    let case = |action, target: &str| RelabelSpec {
        source_labels: names(&["foo"]),
        target_label: text(target),
        ..spec(action)
    };
    check(
        &[("foo", "bAr123Foo")],
        &[case(A::Lowercase, "lower"), case(A::Uppercase, "upper")],
        Some(r#"{foo="bAr123Foo",lower="bar123foo",upper="BAR123FOO"}"#),
    );
}

#[test]
fn rules_that_cannot_work_say_why() {
    use RelabelAction as A;
    let cases = [
        (spec(A::Replace), "action replace needs target_label"),
        (RelabelSpec { target_label: text("x"), ..spec(A::HashMod) }, "action hashmod needs modulus"),
        (RelabelSpec { target_label: text("${bad"), ..spec(A::Replace) }, "\"${bad\" is no label name"),
        (RelabelSpec { target_label: text("a-b"), ..spec(A::Lowercase) }, "\"a-b\" is no label name"),
        (RelabelSpec { target_label: text("0a"), ..spec(A::Replace) }, "\"0a\" is no label name"),
        (
            RelabelSpec { target_label: text("a$1"), modulus: Some(2), ..spec(A::HashMod) },
            "\"a$1\" is no label name",
        ),
        (RelabelSpec { replacement: text("x-$1"), ..spec(A::LabelMap) }, "\"x-$1\" is no label name"),
        (RelabelSpec { source_labels: names(&["a b"]), ..spec(A::Keep) }, "\"a b\" is no label name"),
        (
            RelabelSpec { source_labels: names(&["a"]), ..spec(A::LabelDrop) },
            "action labeldrop takes no source_labels",
        ),
        (
            RelabelSpec { replacement: text("x"), target_label: text("x"), ..spec(A::Uppercase) },
            "action uppercase takes no replacement",
        ),
        (
            RelabelSpec { regex: text("x"), target_label: text("x"), ..spec(A::KeepEqual) },
            "action keepequal takes no regex",
        ),
        (
            RelabelSpec { regex: text("(a"), ..spec(A::Keep) },
            "cannot compile regular expression \"(a\": unclosed group",
        ),
        (
            RelabelSpec { regex: text("a)|(b"), ..spec(A::Keep) },
            "cannot compile regular expression \"a)|(b\": unopened group",
        ),
        (
            RelabelSpec { regex: text("(a{1000}){1000}"), ..spec(A::Keep) },
            "cannot compile regular expression \"(a{1000}){1000}\": it compiles to more than 1048576 bytes",
        ),
    ];
    for (spec, want) in cases {
        assert_eq!(error(spec.clone()).to_string(), want, "{spec:?}");
    }
}

#[test]
fn action_words_are_read_in_any_case() {
    assert_eq!(RelabelAction::from_word("KeepEqual"), Some(RelabelAction::KeepEqual));
    assert_eq!(RelabelAction::from_word("keep_equal"), None);
    for action in RelabelAction::ALL {
        assert_eq!(RelabelAction::from_word(action.as_str()), Some(action));
    }
}
