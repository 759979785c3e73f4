use super::Bench;
use crate::catalog;
use crate::found::{Found, words};
use crate::subject::Subject;

/// What a rule adds to its series or alerts.
pub(super) fn check(bench: &Bench<'_>, subject: &Subject<'_>, found: &mut Found) {
    if let Some(config) = bench.world.config {
        for (name, value) in &subject.rule.label_texts() {
            if let Some(external) = config.global.external_labels.get(name) {
                let message = format!("label {name}={value:?} hides the external label {name}={external:?}");
                let at = subject.value(&["labels", name]);
                found.rule(&catalog::LABEL_EXTERNAL, subject, at, words(message, "", ""));
            }
        }
    }
    let Some(alert) = subject.alert() else { return };
    if !alert.labels.contains_key("severity") {
        let message = format!("{} has no label severity", alert.alert);
        found.rule(&catalog::LABEL_NO_SEVERITY, subject, subject.name(), words(message, "", ""));
    }
    if !["summary", "message", "title"].iter().any(|name| alert.annotations.contains_key(*name)) {
        let message = format!("{} has no summary", alert.alert);
        found.rule(&catalog::ANNOTATION_NO_SUMMARY, subject, subject.name(), words(message, "", ""));
    }
}
