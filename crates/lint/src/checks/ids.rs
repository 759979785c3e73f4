use std::collections::BTreeMap;

use super::Bench;
use super::thresholds::meaning;
use crate::catalog;
use crate::found::{Found, words};
use crate::measure::{Measure, conditions, measure};
use crate::subject::Subject;

/// The label by which an alert is known outside of the rules.
const ID: &str = "alert_id";

pub(super) fn check(bench: &Bench<'_>, found: &mut Found) {
    let mut by_id: BTreeMap<&str, Vec<&Subject<'_>>> = BTreeMap::new();
    let mut by_name: BTreeMap<&str, &Subject<'_>> = BTreeMap::new();
    for (subject, alert) in bench.alerts() {
        if !alert.alert.contains([':']) && assurance_metrics_model::is_legacy_metric_name(&alert.alert) {
        } else {
            let message = format!("alert name {:?} is no plain identifier", alert.alert);
            found.rule(&catalog::NAME_ALERT, subject, subject.name(), words(message, "", ""));
        }
        let Some(id) = subject.label(ID) else { continue };
        let at = subject.value(&["labels", ID]);
        if let Some(first) = by_name.get(alert.alert.as_str())
            && let Some(other) = first.label(ID).filter(|other| *other != id)
        {
            let message = format!("{} has the id {other} too, in {}", alert.alert, place(first));
            found.rule(&catalog::ID_TWO_IDS, subject, at.clone(), words(message, "", ""));
        }
        by_name.entry(&alert.alert).or_insert(subject);
        let known = by_id.entry(id).or_default();
        if let Some(other) = known.iter().find(|other| other.rule.name() != alert.alert) {
            let message = format!("{id} is {} in {}", other.rule.name(), place(other));
            found.rule(&catalog::ID_OTHER_ALERT, subject, at, words(message, differs(other, subject), ""));
        } else if let Some(other) = known.iter().find(|other| contradicts(other, subject)) {
            let message = format!("{id} has another condition in {}", place(other));
            found.rule(
                &catalog::ID_OTHER_THRESHOLD,
                subject,
                at,
                words(message, differs(other, subject), ""),
            );
        }
        known.push(subject);
    }
}

fn place(subject: &Subject<'_>) -> String {
    format!("{}:{}", subject.source.name(), subject.rule.line())
}

/// Rules of one alert that no label tells apart, and that do not ask the same.
fn contradicts(left: &Subject<'_>, right: &Subject<'_>) -> bool {
    let (Some(one), Some(other)) = (left.alert(), right.alert()) else { return false };
    let told_apart =
        one.labels.iter().any(|(name, value)| other.labels.get(name).is_some_and(|v| v != value));
    !told_apart
        && (left.rule.expression().canonical() != right.rule.expression().canonical()
            || one.hold != other.hold)
}

/// What the two conditions are, in words.
fn differs(there: &Subject<'_>, here: &Subject<'_>) -> String {
    let words = |subject: &Subject<'_>| {
        let tree = subject.rule.expression().tree();
        let first = conditions(tree).into_iter().next()?;
        let measured = measure(first.left).filter(Measure::counts)?;
        let name = crate::measure::metric_name(measured.selector)?.to_owned();
        Some((name, meaning(&first, &measured)))
    };
    match (words(there), words(here)) {
        (Some((one, there)), Some((other, here))) if one == other => format!("there {there}; here {here}"),
        (Some((one, there)), Some((other, here))) => format!("there {one}, {there}; here {other}, {here}"),
        _ => String::new(),
    }
}
