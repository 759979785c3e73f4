use std::collections::BTreeMap;

use super::Bench;
use crate::catalog;
use crate::found::{Found, words};
use crate::subject::Subject;

/// Rules that make the same alerts or series, in one file or in several.
pub(super) fn check(bench: &Bench<'_>, found: &mut Found) {
    let mut labels: BTreeMap<(bool, &str, String), &Subject<'_>> = BTreeMap::new();
    let mut texts: BTreeMap<(bool, &str, String), &Subject<'_>> = BTreeMap::new();
    for subject in bench.subjects {
        let rule = subject.rule;
        let (alerting, name) = (rule.is_alerting(), rule.name());
        let same_labels = (alerting, name, rule.label_texts().to_string());
        let hold = subject.alert().map(|alert| alert.hold);
        let severity = subject.label("severity");
        let same_text = (alerting, name, format!("{} {hold:?} {severity:?}", rule.expression().canonical()));
        let first = labels.get(&same_labels).or_else(|| texts.get(&same_text).filter(|_| alerting));
        if let Some(first) = first {
            let what = if alerting { "alert" } else { "recorded metric" };
            let place = format!("{}:{}", first.source.name(), first.rule.line());
            let message = format!("{what} {name} is made twice, first in {place}");
            let help = "remove one of the two, or tell them apart by a label";
            found.rule(&catalog::RULE_DUPLICATE, subject, subject.name(), words(message, "", help));
        } else {
            labels.insert(same_labels, subject);
            texts.insert(same_text, subject);
        }
    }
}
