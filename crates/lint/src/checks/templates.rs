use std::collections::BTreeSet;
use std::ops::Range;

use assurance_promql::{BinaryOp, ExprKind};
use assurance_rules::AlertingRule;

use super::Bench;
use crate::catalog;
use crate::flow::Flow;
use crate::found::{Found, words};
use crate::measure::{conditions, measure};
use crate::subject::Subject;

/// Kinds of templates: the key in the rule.
const LABELS: &str = "labels";
const ANNOTATIONS: &str = "annotations";

pub(super) fn check(bench: &Bench<'_>, subject: &Subject<'_>, alert: &AlertingRule, found: &mut Found) {
    let flows = bench.world.flows(alert.expression.tree());
    let fraction = fraction(alert);
    let labels = alert.labels.iter().map(|(name, t)| (LABELS, name, t));
    let annotations = alert.annotations.iter().map(|(name, t)| (ANNOTATIONS, name, t));
    for (kind, name, template) in labels.chain(annotations) {
        let text = template.text();
        let at = |part: &Range<usize>| subject.template(kind, name, part);
        for finding in template.findings() {
            use assurance_template::FindingKind as F;
            let check = match finding.kind {
                F::PrintsList | F::PrintsSample => &catalog::TEMPLATE_PRINTS_QUERY,
                F::PrintsLabels | F::PrintsAlert => &catalog::TEMPLATE_PRINTS_STRUCTURE,
                _ => &catalog::TEMPLATE_FAILS,
            };
            let message = format!("{name} {}", finding.kind);
            let help = finding.kind.help().unwrap_or_default();
            found.rule(check, subject, at(&finding.span), words(message, "", help));
        }
        for label in template.labels() {
            let place = place_of_label(text, label);
            unknown_label(subject, alert, &flows, label, at(&place), found);
        }
        for action in actions(text) {
            let inner = text[action.clone()].trim_matches(['{', '}', '-', ' ']);
            let bare = matches!(inner, "$value" | ".Value");
            if kind == LABELS && mentions_value(inner) {
                let message = format!("label {name} changes with the value: each change is another alert");
                found.rule(&catalog::TEMPLATE_VALUE_IN_LABEL, subject, at(&action), words(message, "", ""));
            } else if let Some(function) = fraction.filter(|_| bare) {
                let message = format!("the value of {function} is printed with all of its digits");
                let help = "write `{{ $value | printf \"%.0f\" }}`, or `| humanize`";
                found.rule(&catalog::TEMPLATE_UNROUNDED, subject, at(&action), words(message, "", help));
            }
        }
        external(bench, subject, text, &at, found);
    }
}

/// What makes the alert's value a number with many digits.
fn fraction(alert: &AlertingRule) -> Option<&'static str> {
    conditions(alert.expression.tree()).into_iter().find_map(|condition| {
        let measured = measure(condition.left).filter(|m| !m.rounded);
        let function = measured.map(|m| m.function).filter(|f| {
            matches!(*f, "increase" | "rate" | "irate" | "delta" | "idelta" | "deriv" | "predict_linear")
        });
        function
            .map(|f| match f {
                "increase" => "increase()",
                "rate" => "rate()",
                "irate" => "irate()",
                "delta" => "delta()",
                "idelta" => "idelta()",
                "deriv" => "deriv()",
                _ => "predict_linear()",
            })
            .or_else(|| {
                let mut left = condition.left;
                while let ExprKind::Paren(inner) = &left.kind {
                    left = inner;
                }
                match &left.kind {
                    ExprKind::Binary(binary) if binary.op == BinaryOp::Div => Some("a division"),
                    _ => None,
                }
            })
    })
}

fn mentions_value(action: &str) -> bool {
    let word = |at: usize, len: usize| {
        let next = action[at + len..].chars().next();
        next.is_none_or(|c| !c.is_alphanumeric() && c != '_')
    };
    action.match_indices("$value").any(|(at, w)| word(at, w.len()))
        || action == ".Value"
        || action.starts_with(".Value ")
}

fn actions(text: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find("{{").map(|n| at + n) {
        let end = text[start..].find("}}").map_or(text.len(), |n| start + n + 2);
        out.push(start..end);
        at = end;
    }
    out
}

fn place_of_label(text: &str, label: &str) -> Range<usize> {
    for prefix in ["$labels.", ".Labels."] {
        for (at, _) in text.match_indices(prefix) {
            let start = at + prefix.len();
            let rest = &text[start..];
            if rest.starts_with(label)
                && rest[label.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_')
            {
                return start..start + label.len();
            }
        }
    }
    let quoted = format!("\"{label}\"");
    text.find(&quoted).map_or(0..text.len(), |at| at + 1..at + 1 + label.len())
}

fn unknown_label(
    subject: &Subject<'_>,
    alert: &AlertingRule,
    flows: &[Flow],
    label: &str,
    at: Option<Range<usize>>,
    found: &mut Found,
) {
    if flows.is_empty() || flows.iter().any(|flow| flow.can_have(label)) || label == "alertname" {
        return;
    }
    if let Some(span) = flows.iter().find_map(|flow| flow.lost_at(label)) {
        let what = alert.expression.text().get(span.bytes()).unwrap_or_default();
        let shown: String = what.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = format!("the expression drops label {label}, so this prints nothing");
        let help =
            format!("keep it: add it to `by (…)` or take it out of `without (…)` in `{}`", cut(&shown));
        found.rule(&catalog::TEMPLATE_DROPPED_LABEL, subject, at, words(message, "", help));
        return;
    }
    let message = format!("no series of the expression has label {label}, so this prints nothing");
    let known: BTreeSet<&str> = flows
        .iter()
        .filter_map(Flow::possible)
        .flatten()
        .map(String::as_str)
        .filter(|name| !name.starts_with("__"))
        .collect();
    let help = if alert.labels.contains_key(label) {
        "labels that the rule itself adds are not in $labels; write the text out".to_owned()
    } else if known.is_empty() {
        "the result has no labels at all".to_owned()
    } else {
        format!("it has {}", known.into_iter().collect::<Vec<_>>().join(", "))
    };
    found.rule(&catalog::TEMPLATE_UNKNOWN_LABEL, subject, at, words(message, "", help));
}

/// Bytes of an expression that a line of help shows.
const MAX_SHOWN: usize = 60;

fn cut(text: &str) -> String {
    if text.len() <= MAX_SHOWN {
        return text.to_owned();
    }
    let end = (0..=MAX_SHOWN).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..end])
}

/// `$externalLabels.x`, where the configuration has no such label.
fn external(
    bench: &Bench<'_>,
    subject: &Subject<'_>,
    text: &str,
    at: &dyn Fn(&Range<usize>) -> Option<Range<usize>>,
    found: &mut Found,
) {
    let Some(config) = bench.world.config else { return };
    for prefix in ["$externalLabels.", ".ExternalLabels."] {
        for (start, _) in text.match_indices(prefix) {
            let start = start + prefix.len();
            let len =
                text[start..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len() - start);
            let label = &text[start..start + len];
            if !label.is_empty() && config.global.external_labels.get(label).is_none() {
                let message =
                    format!("the configuration has no external label {label}, so this prints nothing");
                let place = at(&(start..start + len));
                found.rule(&catalog::TEMPLATE_EXTERNAL_LABEL, subject, place, words(message, "", ""));
            }
        }
    }
}
