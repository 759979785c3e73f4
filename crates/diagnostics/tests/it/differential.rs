//! Two readers of YAML, one meaning: what this room reads is what `serde_yaml` reads by itself, as long as
//! nothing is merged.

use std::path::Path;

use assurance_diagnostics::Source;
use assurance_diagnostics::yaml::parse;
use proptest::prelude::*;
use serde_yaml::Value;

/// Absent values are `Null` and empty texts, lists and mappings stay what they are.
fn both(text: &str) -> (Result<Value, String>, Result<Value, String>) {
    let ours = parse::<Value>(&Source::new("f", text)).map_err(|problem| problem.to_string());
    (ours, serde_yaml::from_str(text).map_err(|error| error.to_string()))
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9f64..1e9).prop_map(Value::from),
        "[ -~é漢\n\t]{0,12}".prop_map(Value::from),
        "(yes|no|on|~|null|true|0x1f|1e3|-|\\.5|1_000|<<|: |# |- a|\\[|\\{|\\*a|&a|!x|%|@|`|'|\"|\\\\)"
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map("[ -~é\n]{0,8}", inner, 0..5).prop_map(|pairs| {
                let pairs = pairs.into_iter().filter(|(key, _)| key != "<<");
                Value::Mapping(pairs.map(|(key, value)| (Value::from(key), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_yaml_writes_is_read_as_it_reads_it(value in value()) {
        let text = serde_yaml::to_string(&value).expect("a value can be written");
        let (ours, theirs) = both(&text);
        prop_assert_eq!(theirs.as_ref(), Ok(&value), "the oracle does not read what it wrote: {:?}", &text);
        prop_assert_eq!(ours, theirs, "{:?}", text);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test may look at the files of the repository")]
fn the_yaml_files_of_this_repository_are_read_as_serde_yaml_reads_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut read = 0;
    for folder in ["fixtures/config/good", "crates/policy/pack", "crates/policy/pack/rules"] {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "yml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            if text.contains("<<:") {
                continue;
            }
            let (ours, theirs) = both(&text);
            assert_eq!(ours, theirs, "{}", path.display());
            read += 1;
        }
    }
    assert!(read > 5, "only {read} files were found");
}

#[test]
fn odd_but_valid_documents_mean_the_same_to_both() {
    for text in [
        "a: b # c\n",
        "? a\n: b\n",
        "a:\n- b\n-\n- ''\n",
        "[a, b: c, {d: e}]\n",
        "{a: 1, b: [ ], c: }\n",
        "a: |+\n  x\n\n\nb: >-\n  y\n  z\n\n   more\n",
        "\"a b\": 'it''s'\n",
        "a: &x [1, 2]\nb: *x\n",
        "&k key: value\nother: *k\n",
        "- - - a\n  - b\n- c\n",
        "a: !!str 5\nb: !!int '6'\n",
        "a: ''\nb: \"\"\nc:\n",
        "a: 1.0\nb: .inf\nc: -.INF\nd: 0o17\ne: 017\nf: 1e400\n",
        "a: 2001-01-01\nb: 12:30:45\nc: 1,000\n",
        "text: a\n  b\n\n  c\n",
        "---\na: b\n...\n",
        "%YAML 1.1\n---\na: b\n",
        "true: 1\n5: 2\n~: 3\n",
        "a: \"\\u00e9\\x41\\n\\\n   b\"\n",
    ] {
        let (ours, theirs) = both(text);
        assert!(theirs.is_ok(), "{text:?}: {theirs:?}");
        assert_eq!(ours, theirs, "{text:?}");
    }
}
