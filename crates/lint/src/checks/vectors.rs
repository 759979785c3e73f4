use assurance_promql::{AggregateOp, Binary, Expr, ExprKind, ValueType};

use super::Bench;
use crate::catalog;
use crate::flow::Flow;
use crate::found::{Found, words};
use crate::measure::walk;
use crate::subject::Subject;

/// Two vectors that are joined.
pub(super) fn check(bench: &Bench<'_>, subject: &Subject<'_>, found: &mut Found) {
    walk(subject.rule.expression().tree(), &mut |part| {
        let ExprKind::Binary(binary) = &part.kind else { return };
        let vectors = [&binary.left, &binary.right].iter().all(|side| side.value_type() == ValueType::Vector);
        if !vectors || binary.op.as_str() == "or" {
            return;
        }
        if let Some((label, has, lacks)) = never_matches(bench, binary) {
            let message = format!("the sides of `{}` never match: only one of them has label {label}", binary.op.as_str());
            let text = subject.rule.expression().text();
            let part = |expr: &Expr| text.get(expr.span.bytes()).unwrap_or_default().to_owned();
            let said = format!("`{}` has it, `{}` does not", part(has), part(lacks));
            let help = format!("match `ignoring ({label})` or `on (…)`, with group_left() where one side has more");
            found.rule(&catalog::VECTOR_NO_MATCH, subject, subject.expr(binary.op_span), words(message, said, help));
        } else if !binary.matching.explicit && !binary.op.is_set() && fragile(binary) {
            let message = "one side drops labels by name and the other has all of them: a new label ends the match";
            let at = subject.expr(binary.op_span);
            found.rule(&catalog::VECTOR_FRAGILE, subject, at, words(message, "", ""));
        }
    });
}

/// A label that every element of one side has and none of the other, where both must agree on it.
fn never_matches<'e>(bench: &Bench<'_>, binary: &'e Binary) -> Option<(String, &'e Expr, &'e Expr)> {
    let (left, right) = (bench.world.flows(&binary.left), bench.world.flows(&binary.right));
    let grouping = &binary.matching.grouping;
    let compared = |label: &str| {
        label != "__name__" && grouping.labels.iter().any(|l| l == label) == grouping.include
    };
    let lacking = |has: &[Flow], lacks: &[Flow]| {
        let first = has.first()?;
        let mut sure = first.sure.iter().filter(|l| has.iter().all(|f| f.sure.contains(*l)) && compared(l));
        sure.find(|label| !lacks.is_empty() && lacks.iter().all(|flow| !flow.can_have(label))).cloned()
    };
    if let Some(label) = lacking(&left, &right) {
        return Some((label, &binary.left, &binary.right));
    }
    lacking(&right, &left).map(|label| (label, &binary.right, &binary.left))
}

/// `a / sum without (x) (b)`: whatever label comes later stands on one side only.
fn fragile(binary: &Binary) -> bool {
    fn side(expr: &Expr) -> Option<bool> {
        match &expr.kind {
            ExprKind::Paren(inner) => side(inner),
            ExprKind::Aggregate(aggregate) if aggregate.op != AggregateOp::Topk => {
                Some(!aggregate.grouping.include)
            }
            _ => None,
        }
    }
    matches!((side(&binary.left), side(&binary.right)), (Some(true), None) | (None, Some(true)))
}
