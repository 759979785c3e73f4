use std::collections::BTreeMap;

use assurance_diagnostics::Source;
use assurance_diagnostics::yaml::{Bool, MAX_BYTES, deserialize_bool, parse};
use serde::Deserialize;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    #[serde(default)]
    limit: u32,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    kind: Kind,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    expr: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "deserialize_bool")]
    keep: bool,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Alerting,
    Recording,
}

fn bad(text: &str) -> String {
    parse::<File>(&Source::new("rules.yml", text)).expect_err("the text is flawed").to_string()
}

fn good(text: &str) -> File {
    parse::<File>(&Source::new("rules.yml", text)).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn a_sound_file_is_read() {
    let file = good(
        "groups:\n- name: a\n  limit: 5\n  kind: recording\n  rules:\n  - expr: up == 0\n    keep: yes\n    labels: {severity: 1, team: yes}\n",
    );
    let labels = [("severity", "1"), ("team", "yes")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(
        file.groups,
        [Group {
            name: "a".to_owned(),
            limit: 5,
            kind: Kind::Recording,
            rules: vec![Rule { expr: "up == 0".to_owned(), labels: labels.into(), keep: true }],
        }]
    );
}

#[test]
fn empty_texts_and_absent_values_give_defaults() {
    for text in
        ["", "# only a comment\n", "---\n", "groups:\n", "groups: ~\n", "groups: null\n", "groups: []\n"]
    {
        assert_eq!(good(text), File::default(), "{text:?}");
    }
    assert_eq!(good("groups:\n- name: a\n  rules:\n"), good("groups: [{name: a}]"));
}

/// Each kind of flaw, and a text that has it.
const FLAWED: &[(&str, &str)] = &[
    ("tab as indentation", "groups:\n\t- name: a\n"),
    ("tab inside a mapping", "groups:\n- name: a\n\tlimit: 5\n"),
    (
        "duplicate key at depth",
        "groups:\n- name: a\n  rules:\n  - expr: up\n    labels:\n      a: b\n      c: d\n      a: e\n",
    ),
    ("duplicate key on top", "groups: []\ngroups: []\n"),
    ("duplicate key in other quotes", "groups: []\n'groups': []\n"),
    ("unknown field with a near one", "groups:\n- name: a\n  rule: []\n"),
    ("unknown field with none near", "groups:\n- name: a\n  colour: red\n"),
    ("unknown field on top", "group: []\n"),
    ("wrong type text for number", "groups:\n- name: a\n  limit: many\n"),
    ("wrong type negative", "groups:\n- name: a\n  limit: -1\n"),
    ("wrong type list for text", "groups:\n- name: [a]\n"),
    ("wrong type text for list", "groups: all\n"),
    ("wrong type whole document", "just words\n"),
    ("missing field", "groups:\n- name: a\n- limit: 1\n  rules: []\n"),
    ("unknown variant", "groups:\n- name: a\n  kind: alert\n"),
    ("not a boolean", "groups:\n- name: a\n  rules:\n  - expr: up\n    keep: maybe\n"),
    ("bad indentation", "groups:\n- name: a\n   limit: 1\n"),
    ("bad outdent", "groups:\n  - name: a\n    rules: []\n   - name: b\n"),
    ("colon in plain text", "groups:\n- name: a: b\n"),
    ("unclosed quote", "groups:\n- name: \"a\n"),
    ("unclosed bracket", "groups: [\n"),
    ("template without quotes", "groups:\n- name: {{ $labels.x }}\n"),
    ("reserved character", "groups:\n- name: @a\n"),
    ("two documents", "groups: []\n---\ngroups: []\n"),
    ("unknown anchor", "groups: *nobody\n"),
    ("alias inside itself", "groups: &g\n- *g\n"),
    ("merge of text", "groups:\n- <<: a\n  name: b\n"),
    ("merge brings unknown field", "groups:\n- <<: {colour: red}\n  name: b\n"),
    ("unknown tag", "groups: !secret x\n"),
    ("control character", "groups: \"a\u{1b}b\"\n"),
    ("zero byte", "groups: []\0\nmore: x\n"),
    ("list as key", "[a]: b\n"),
    ("letters outside of ascii", "größe: 漢字\n"),
];

#[test]
fn every_kind_of_flaw_says_where_what_and_what_next() {
    let mut shown = String::new();
    for (kind, text) in FLAWED {
        shown.push_str(&format!("# {kind}\n{}\n", bad(text)));
    }
    insta::assert_snapshot!(shown);
}

/// A type that reads a text and then refuses it, as durations and regular expressions do.
#[derive(Debug)]
struct Even(#[expect(dead_code, reason = "only read, never looked at")] u32);

impl<'de> Deserialize<'de> for Even {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.parse().map_err(serde::de::Error::custom)?;
        if number % 2 == 1 {
            return Err(serde::de::Error::custom(format!("{number} is not even")));
        }
        Ok(Self(number))
    }
}

#[test]
fn what_a_type_refuses_itself_is_shown_at_the_value() {
    let shown = [
        "a: {b: [2, 4], c: [6, 7, 8]}\n",
        "a:\n  b:\n  - 2\n  - 'x'\n",
        "base: &base {k: [1]}\na:\n  <<: *base\n",
        "a: &a\n  b: [2]\nc: {d: [5]}\n",
    ]
    .map(|text| {
        let read = parse::<BTreeMap<String, BTreeMap<String, Vec<Even>>>>(&Source::new("f.yml", text));
        read.expect_err("there is an odd number").to_string()
    });
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn bombs_are_defused() {
    let mut aliases = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    let mut merges = String::from("a0: &a0 {x: y}\n");
    for level in 1..=30 {
        let before = format!("*a{},", level - 1).repeat(9);
        aliases.push_str(&format!("a{level}: &a{level} [{before}]\n"));
        merges.push_str(&format!("a{level}: &a{level} {{<<: [{before}]}}\n"));
    }
    let texts = [aliases, merges, "- ".repeat(5000), "[".repeat(5000), "{a: ".repeat(5000)];
    insta::assert_snapshot!(texts.map(|t| bad(&t)).join("\n"));
}

#[test]
fn a_file_has_a_largest_size() {
    insta::assert_snapshot!(bad(&"#".repeat(MAX_BYTES + 1)));
    assert_eq!(good(&"#".repeat(MAX_BYTES)), File::default());
}

#[test]
fn merges_apply_in_order_and_own_keys_win() {
    let text = "a: &a {x: 1, y: 1}\nb: &b {<<: *a, y: 2, z: 2}\nc: {<<: [*b, {z: 3, w: 3}], x: 4}\n";
    let read: BTreeMap<String, BTreeMap<String, u32>> = parse(&Source::new("f", text)).unwrap();
    let wanted = [("x", 4), ("y", 2), ("z", 2), ("w", 3)].map(|(k, v)| (k.to_owned(), v));
    assert_eq!(read["c"], BTreeMap::from(wanted));
}

#[test]
fn a_quoted_merge_key_is_a_key() {
    let read: BTreeMap<String, String> = parse(&Source::new("f", "'<<': x\n")).unwrap();
    assert_eq!(read["<<"], "x");
}

#[test]
fn aliases_of_text_numbers_and_lists_are_read() {
    let text = "a: &a 5\nb: *a\nc: &c [1, *a]\nd: *c\n";
    #[derive(Debug, PartialEq, Deserialize)]
    struct All {
        a: u8,
        b: u8,
        c: Vec<u8>,
        d: Vec<u8>,
    }
    let read: All = parse(&Source::new("f", text)).unwrap();
    assert_eq!(read, All { a: 5, b: 5, c: vec![1, 5], d: vec![1, 5] });
}

#[test]
fn booleans_as_prometheus_reads_them() {
    for (text, wanted) in [
        ("true", true),
        ("True", true),
        ("TRUE", true),
        ("yes", true),
        ("Yes", true),
        ("on", true),
        ("ON", true),
        ("y", true),
        ("false", false),
        ("no", false),
        ("NO", false),
        ("off", false),
        ("n", false),
    ] {
        let read: BTreeMap<String, Bool> = parse(&Source::new("f", format!("a: {text}\n"))).unwrap();
        assert_eq!(read["a"], Bool(wanted), "{text}");
    }
    for text in ["1", "maybe", "tRue", "[]"] {
        assert!(
            parse::<BTreeMap<String, Bool>>(&Source::new("f", format!("a: {text}\n"))).is_err(),
            "{text}"
        );
    }
}

#[test]
fn scalars_keep_their_text_and_their_type() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Bool(bool),
        Int(i64),
        Float(f64),
        Text(String),
    }
    let cases: &[(&str, Any)] = &[
        ("5", Any::Int(5)),
        ("-5", Any::Int(-5)),
        ("0x1f", Any::Int(31)),
        ("1e3", Any::Float(1000.0)),
        (".5", Any::Float(0.5)),
        ("true", Any::Bool(true)),
        ("'5'", Any::Text("5".into())),
        ("!!str 5", Any::Text("5".into())),
        ("\"tab\\tquote\\\" é 漢\\n\"", Any::Text("tab\tquote\" é 漢\n".into())),
        ("5m", Any::Text("5m".into())),
        ("a, b] {c}", Any::Text("a, b] {c}".into())),
        ("a#b", Any::Text("a#b".into())),
        ("12:30", Any::Text("12:30".into())),
        ("|\n  a: b\n  - c\n", Any::Text("a: b\n- c\n".into())),
    ];
    for (text, wanted) in cases {
        let read: BTreeMap<String, Any> =
            parse(&Source::new("f", format!("a: {text}\n"))).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(&read["a"], wanted, "{text}");
    }
}

#[test]
fn long_keys_are_read() {
    let key = "k".repeat(900);
    let read: BTreeMap<String, u8> = parse(&Source::new("f", format!("{key}: 1\n"))).unwrap();
    assert_eq!(read[&key], 1);
}
