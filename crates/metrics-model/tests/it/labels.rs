use std::collections::BTreeMap;

use assurance_metrics_model::{Labels, is_legacy_label_name, is_legacy_metric_name};
use proptest::prelude::*;

#[test]
fn labels_print_as_promql_writes_series() {
    for (pairs, text) in [
        (vec![], "{}"),
        (vec![("__name__", "up")], "up"),
        (vec![("b", "2"), ("__name__", "up"), ("a", "1")], r#"up{a="1",b="2"}"#),
        (vec![("a", "1")], r#"{a="1"}"#),
        (vec![("__name__", "http.req"), ("a.b", "x")], r#"{"http.req","a.b"="x"}"#),
        (vec![("a", "q\"\\\n\u{7}é")], r#"{a="q\"\\\n\u0007é"}"#),
    ] {
        assert_eq!(Labels::from_pairs(pairs).to_string(), text);
    }
}

#[test]
fn an_empty_value_is_an_absent_label() {
    let labels = Labels::from_pairs([("a", ""), ("b", "2"), ("b", "3"), ("c", "4"), ("c", "")]);
    assert_eq!(labels.to_string(), r#"{b="3"}"#);
    assert_eq!((labels.get("a"), labels.get_or_empty("a")), (None, ""));
    assert!(labels.with("b", "").is_empty());
}

#[test]
fn legacy_names_need_no_quotes() {
    assert_eq!(
        ["a:b", "_x1", ":", "1a", "a.b", ""].map(is_legacy_metric_name),
        [true, true, true, false, false, false]
    );
    assert_eq!(["a:b", "_x1", "1a", "é", ""].map(is_legacy_label_name), [false, true, false, false, false]);
}

#[test]
fn the_fingerprint_is_the_same_for_ever() {
    let labels = Labels::from_pairs([("alertname", "GovernanceOverrideActive"), ("severity", "critical")]);
    assert_eq!(labels.fingerprint(), 0xda95_d688_0522_9384);
    // Where a name ends matters.
    assert_ne!(
        Labels::from_pairs([("a", "bc")]).fingerprint(),
        Labels::from_pairs([("ab", "c")]).fingerprint()
    );
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    let text = prop_oneof!["[a-c]{1,2}", "\\PC{1,8}", "é{60,70}", "x{4000,4200}"];
    prop::collection::vec((text.clone(), prop_oneof![text, Just(String::new())]), 0..8)
}

proptest! {
    /// Labels are a map from names to values that are not empty, in order.
    #[test]
    fn labels_are_a_sorted_map(pairs in pairs()) {
        let labels = Labels::from_pairs(pairs.iter().map(|(n, v)| (n, v)));
        let mut map: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, value) in &pairs {
            if value.is_empty() {
                map.remove(name.as_str());
            } else {
                map.insert(name, value);
            }
        }
        prop_assert_eq!(labels.iter().collect::<Vec<_>>(), map.clone().into_iter().collect::<Vec<_>>());
        prop_assert_eq!(labels.len(), map.len());
        for (name, value) in &map {
            prop_assert_eq!(labels.get(name), Some(*value));
        }
        prop_assert_eq!(labels.get("no such label"), None);
        prop_assert_eq!(labels.to_builder().build(), labels);
    }

    /// Order, equality and fingerprints agree with those of the plain pairs.
    #[test]
    fn order_is_that_of_the_pairs(a in pairs(), b in pairs()) {
        let (a, b) = (Labels::from_pairs(a), Labels::from_pairs(b));
        let plain = |l: &Labels| l.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect::<Vec<_>>();
        prop_assert_eq!(a.cmp(&b), plain(&a).cmp(&plain(&b)));
        prop_assert_eq!(a == b, plain(&a) == plain(&b));
        prop_assert_eq!(a == b, a.fingerprint() == b.fingerprint());
    }

    #[test]
    fn without_and_only_divide_the_labels(pairs in pairs()) {
        let labels = Labels::from_pairs(pairs);
        let names: Vec<&str> = labels.iter().map(|(n, _)| n).step_by(2).collect();
        let (kept, rest) = (labels.only(&names), labels.without(&names));
        prop_assert_eq!(kept.len() + rest.len(), labels.len());
        prop_assert_eq!(Labels::from_pairs(kept.iter().chain(rest.iter())), labels);
    }
}
