use std::collections::BTreeSet;

use assurance_metrics_model::MatchOp;
use assurance_promql::{AggregateOp, Binary, BinaryOp, Expr, ExprKind, ValueType};

use super::Bench;
use crate::catalog;
use crate::flow::Flow;
use crate::found::{Found, words};
use crate::measure::{constant, walk};
use crate::subject::Subject;

/// Two vectors that are joined.
pub(super) fn check(bench: &Bench<'_>, subject: &Subject<'_>, found: &mut Found) {
    walk(subject.rule.expression().tree(), &mut |part| {
        division(subject, part, found);
        sampled(subject, part, found);
        startup(bench, subject, part, found);
        let ExprKind::Binary(binary) = &part.kind else { return };
        let vectors = [&binary.left, &binary.right].iter().all(|side| side.value_type() == ValueType::Vector);
        if !vectors || binary.op.as_str() == "or" {
            return;
        }
        if let Some((label, has, lacks)) = never_matches(bench, binary) {
            let message = format!(
                "the sides of `{}` never match: only one of them has label {label}",
                binary.op.as_str()
            );
            let text = subject.rule.expression().text();
            let part = |expr: &Expr| text.get(expr.span.bytes()).unwrap_or_default().to_owned();
            let said = format!("`{}` has it, `{}` does not", part(has), part(lacks));
            let help =
                format!("match `ignoring ({label})` or `on (…)`, with group_left() where one side has more");
            found.rule(
                &catalog::VECTOR_NO_MATCH,
                subject,
                subject.expr(binary.op_span),
                words(message, said, help),
            );
        } else if !binary.matching.explicit && !binary.op.is_set() && fragile(binary) {
            let message =
                "one side drops labels by name and the other has all of them: a new label ends the match";
            let at = subject.expr(binary.op_span);
            found.rule(&catalog::VECTOR_FRAGILE, subject, at, words(message, "", ""));
        }
    });
}

/// A label that every element of one side has and none of the other, where both must agree on it.
fn never_matches<'e>(bench: &Bench<'_>, binary: &'e Binary) -> Option<(String, &'e Expr, &'e Expr)> {
    let (left, right) = (bench.world.flows(&binary.left), bench.world.flows(&binary.right));
    let grouping = &binary.matching.grouping;
    let compared =
        |label: &str| label != "__name__" && grouping.labels.iter().any(|l| l == label) == grouping.include;
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

/// One division by zero makes a whole sum no number.
fn division(subject: &Subject<'_>, part: &Expr, found: &mut Found) {
    let ExprKind::Aggregate(aggregate) = &part.kind else { return };
    if !matches!(
        aggregate.op,
        AggregateOp::Sum | AggregateOp::Avg | AggregateOp::Stddev | AggregateOp::Stdvar
    ) {
        return;
    }
    let mut inner = &aggregate.expr;
    while let ExprKind::Paren(next) = &inner.kind {
        inner = next;
    }
    let ExprKind::Binary(binary) = &inner.kind else { return };
    let divides = matches!(binary.op, BinaryOp::Div | BinaryOp::Mod);
    if divides && constant(&binary.right).is_none() && !guarded(&binary.right) {
        let message =
            format!("one series that divides by 0 makes the whole {}() no number", aggregate.op.as_str());
        let at = subject.expr(binary.right.span);
        found.rule(&catalog::VECTOR_DIVISION, subject, at, words(message, "", ""));
    }
}

/// Whether a divisor cannot be 0: it is compared, or clamped.
fn guarded(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Paren(inner) => guarded(inner),
        ExprKind::Binary(binary) => binary.op.is_comparison() && !binary.returns_bool,
        ExprKind::Call(call) => call.function.name().starts_with("clamp"),
        _ => false,
    }
}

/// Other series at every evaluation, and so other alerts.
fn sampled(subject: &Subject<'_>, part: &Expr, found: &mut Found) {
    let ExprKind::Aggregate(aggregate) = &part.kind else { return };
    let op = aggregate.op.as_str();
    if subject.alert().is_some() && matches!(op, "topk" | "bottomk" | "limitk" | "limit_ratio") {
        let message = format!(
            "{op}() gives other series from one evaluation to the next, and each is an alert of its own"
        );
        let start = part.span.start;
        let end = start + u32::try_from(op.len()).unwrap_or(0);
        let at = subject.expr(assurance_promql::Span { end, ..part.span });
        found.rule(&catalog::VECTOR_SAMPLED, subject, at, words(message, "", ""));
    }
}

/// After a start, the targets of one job may all be there and those of the other not yet.
fn startup(bench: &Bench<'_>, subject: &Subject<'_>, part: &Expr, found: &mut Found) {
    let ExprKind::Binary(binary) = &part.kind else { return };
    let Some(alert) = subject.alert().filter(|alert| alert.hold.is_zero()) else { return };
    let arithmetic = !binary.op.is_set() && !binary.op.is_comparison() && !binary.op.is_trim();
    let aggregated = |expr: &Expr| {
        let mut inner = expr;
        while let ExprKind::Paren(next) = &inner.kind {
            inner = next;
        }
        matches!(&inner.kind, ExprKind::Aggregate(_)).then(|| jobs(bench, inner))
    };
    let (Some(left), Some(right)) = (aggregated(&binary.left), aggregated(&binary.right)) else { return };
    if arithmetic && !left.is_empty() && !right.is_empty() && left.is_disjoint(&right) {
        let message = format!(
            "after a start, job {} may be there as a whole and job {} only in part",
            left.iter().next().map_or("", String::as_str),
            right.iter().next().map_or("", String::as_str)
        );
        let help = format!("add a `for` to {}, one scrape at least", alert.alert);
        found.rule(&catalog::VECTOR_STARTUP, subject, subject.expr(binary.op_span), words(message, "", help));
    }
}

/// The jobs that are named, by condition or by contract.
fn jobs(bench: &Bench<'_>, expr: &Expr) -> BTreeSet<String> {
    let named = expr.selectors().into_iter().flat_map(|selector| {
        let mut jobs: BTreeSet<String> =
            bench.world.jobs_of(selector).into_iter().map(str::to_owned).collect();
        if jobs.is_empty() {
            let equal = selector.matchers.iter().filter(|m| m.name() == "job" && m.op() == MatchOp::Equal);
            jobs.extend(equal.map(|m| m.value().to_owned()));
        }
        jobs
    });
    named.collect()
}
