use std::ops::Range;

use assurance_diagnostics::{Source, yaml};
use assurance_policy::intents::{Intent, Intents};

use super::{Bench, conditions};
use crate::catalog;
use crate::found::{Found, Words, words};
use crate::links::links;
use crate::subject::Subject;

/// What the alerts are to catch, beside the rules that are to catch it.
pub(super) fn check(bench: &Bench<'_>, found: &mut Found) {
    let Some(source) = &bench.input.intents else { return };
    let intents = match Intents::parse(source) {
        Ok(intents) => intents.intents,
        Err(problem) => return found.refused(source, vec![problem]),
    };
    for (subject, alert) in bench.alerts() {
        if !intents.iter().any(|intent| keeps(subject, intent)) && !conditions::is_heartbeat(&alert.alert) {
            let message = format!("no intent says what {} must catch", alert.alert);
            found.rule(&catalog::RULE_NO_INTENT, subject, subject.name(), words(message, "", ""));
        }
    }
    if bench.subjects.is_empty() {
        return;
    }
    for (index, intent) in intents.iter().enumerate() {
        let at = |key: &str| yaml::locate(source, &["intents".into(), index.into(), key.into()]);
        let rules: Vec<&Subject<'_>> =
            bench.alerts().map(|(subject, _)| subject).filter(|subject| keeps(subject, intent)).collect();
        if rules.is_empty() {
            let message = format!("intent {} is kept by {}, which no rule makes", intent.id, intent.alert);
            found.push(&catalog::INTENT_NO_RULE, source, at("alert"), words(message, "", ""));
        }
        // Of several rules of one name, one that keeps the promise is enough.
        let complaints: Vec<Vec<Complaint>> =
            rules.iter().map(|rule| complaints(bench, rule, intent)).collect();
        if let Some(least) = complaints.into_iter().min_by_key(Vec::len) {
            for (key, said) in least {
                contradiction(source, at(key), said, found);
            }
        }
    }
}

fn contradiction(source: &Source, at: Option<Range<usize>>, said: Words, found: &mut Found) {
    found.push(&catalog::INTENT_CONTRADICTS, source, at, said);
}

/// Whether a rule is one that an intent is about.
fn keeps(subject: &Subject<'_>, intent: &Intent) -> bool {
    intent.alert == subject.rule.name()
        && intent.matching.iter().all(|(label, value)| subject.label(label) == Some(value.as_str()))
}

/// The intent's key that the rule cannot keep, and what to say.
type Complaint = (&'static str, Words);

fn complaints(bench: &Bench<'_>, subject: &Subject<'_>, intent: &Intent) -> Vec<Complaint> {
    let mut out = Vec::new();
    let Some(alert) = subject.alert() else { return out };
    let place = format!("{}:{}", subject.source.name(), subject.rule.line());
    if let Some(wanted) = &intent.severity {
        let has = subject.label("severity").unwrap_or_default();
        if has != wanted {
            let message = format!("{} is to be {wanted}, and the rule in {place} says {has:?}", intent.id);
            out.push(("severity", words(message, "", "")));
        }
    }
    if alert.hold > intent.detect_within {
        let message = format!(
            "{} is to be seen within {}, and the rule in {place} has `for: {}`",
            intent.id, intent.detect_within, alert.hold
        );
        out.push(("detect_within", words(message, "", "")));
    }
    let flows = bench.world.flows(alert.expression.tree());
    for label in &intent.labels_required {
        let own = alert.labels.contains_key(label) || label == "alertname";
        if !own && flows.iter().any(|flow| !flow.can_have(label)) {
            let message =
                format!("{} needs label {label}, which the rule in {place} does not give", intent.id);
            out.push(("labels_required", words(message, "", "")));
        }
    }
    if let Some(wanted) = &intent.runbook {
        let texts = || alert.annotations.values().map(assurance_template::Template::text);
        let file = format!("{wanted}.md");
        let named = texts().any(|text| text.trim() == wanted || links(text).iter().any(|l| l.file == file));
        if !named {
            let message =
                format!("{} has runbook {wanted}, which the rule in {place} does not name", intent.id);
            out.push(("runbook", words(message, "", "")));
        }
    }
    out
}
