use assurance_metrics_model::MatchOp;
use assurance_promql::BinaryOp;
use assurance_rules::AlertingRule;

use super::Bench;
use super::thresholds::claims;
use crate::catalog;
use crate::found::{Found, words};
use crate::measure::{Measure, conditions, measure};
use crate::subject::Subject;

/// A count that each label value must reach alone, although the text speaks of all together.
pub(super) fn check(bench: &Bench<'_>, subject: &Subject<'_>, alert: &AlertingRule, found: &mut Found) {
    for condition in conditions(alert.expression.tree()) {
        if !matches!(condition.op, BinaryOp::Gt | BinaryOp::Ge) {
            continue;
        }
        let Some(measured) = measure(condition.left).filter(Measure::counts) else { continue };
        if measured.events(condition.limit, measured.window) < 1.0 {
            continue;
        }
        let Some(metric) = bench.world.metric(measured.selector) else { continue };
        let split: Vec<(&str, usize)> = metric
            .labels
            .iter()
            .filter(|(label, values)| values.len() > 1 && survives(&measured, label))
            .map(|(label, values)| (label.as_str(), values.len()))
            .collect();
        if split.is_empty() || names_one(subject, &split) {
            continue;
        }
        let names: Vec<&str> = split.iter().map(|(label, _)| *label).collect();
        let names = names.join(", ");
        let parts: usize = split.iter().map(|(_, values)| values).product();
        let events = measured.events(condition.limit, measured.window);
        let most = (events.floor() * count(parts)).max(0.0);
        let message = format!(
            "each {names} is counted alone, and the text speaks of all: {most:.0} in {} may pass unseen",
            measured.window
        );
        let label = format!("{parts} values of {names}");
        let help =
            format!("write `sum without ({names}) (…)`, or name {names} in the text: \"per {}\"", split[0].0);
        found.rule(
            &catalog::TOTAL_PER_LABEL,
            subject,
            subject.expr(measured.span),
            words(message, label, help),
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "label values are counted in tens")]
fn count(parts: usize) -> f64 {
    parts as f64
}

/// Whether the result still has a label.
fn survives(measured: &Measure<'_>, label: &str) -> bool {
    let pinned = |m: &assurance_metrics_model::Matcher| m.name() == label && m.op() == MatchOp::Equal;
    !measured.selector.matchers.iter().any(pinned)
        && measured.aggregations.iter().all(|aggregate| {
            let named = aggregate.grouping.labels.iter().any(|l| l == label);
            let keeps_all = matches!(aggregate.op.as_str(), "topk" | "bottomk" | "limitk" | "limit_ratio");
            keeps_all || named == aggregate.grouping.include
        })
}

/// Whether the text that states the count says of which label it is, or, where none states it, any text.
fn names_one(subject: &Subject<'_>, split: &[(&str, usize)]) -> bool {
    let named = |text: &str| {
        let text = text.to_lowercase();
        split.iter().any(|(label, _)| {
            let spoken = label.to_lowercase().replace('_', " ");
            text.contains(&label.to_lowercase()) || text.contains(&spoken)
        })
    };
    let claims = claims(subject);
    if claims.is_empty() {
        return subject.prose().iter().any(|prose| named(prose.text));
    }
    claims.iter().all(|claim| {
        let sentence = claim.prose.text.get(claim.rate.sentence.clone()).unwrap_or_default();
        per(sentence, split)
    })
}

/// "Per gate", "for each gate", "for the same gate", "by gate".
fn per(sentence: &str, split: &[(&str, usize)]) -> bool {
    let sentence = sentence.to_lowercase();
    split.iter().any(|(label, _)| {
        let forms = [label.to_lowercase(), label.to_lowercase().replace('_', " ")];
        // `target_mode` is spoken of as a mode.
        let last = label.rsplit('_').next().unwrap_or(label).to_lowercase();
        let before = ["per ", "each ", "every ", "one ", "same ", "single ", "by ", "any ", "a "];
        forms
            .iter()
            .chain([&last])
            .any(|form| before.iter().any(|b| sentence.contains(&format!("{b}{form}"))))
    })
}
