use assurance_promql::{BinaryOp, Expr, ExprKind, VectorSelector};

use super::Bench;
use crate::catalog;
use crate::found::{Found, words};
use crate::measure::{
    DIFFERENCE, Measure, conditions, constant, measure, measures, metric_name, readings, walk,
};
use crate::subject::Subject;

pub(super) fn check(bench: &Bench<'_>, subject: &Subject<'_>, found: &mut Found) {
    let tree = subject.rule.expression().tree();
    for measure in measures(tree) {
        functions(bench, subject, &measure, found);
    }
    walk(tree, &mut |part| rate_of_sum(subject, part, found));
    for condition in conditions(tree) {
        bare(bench, subject, condition.left, found);
        let Some(measure) = measure(condition.left).filter(Measure::counts) else { continue };
        if measure.function == DIFFERENCE {
            born_late(bench, subject, &measure, "the difference", found);
        }
        let any = measure.events(condition.limit, measure.window) < 1.0;
        if any && matches!(condition.op, BinaryOp::Gt | BinaryOp::Ge | BinaryOp::Ne) {
            restart(bench, subject, &measure, found);
        }
    }
}

fn functions(bench: &Bench<'_>, subject: &Subject<'_>, measure: &Measure<'_>, found: &mut Found) {
    let Some(name) = metric_name(measure.selector) else { return };
    let counter = bench.world.is_counter(measure.selector);
    let at = subject.expr(measure.span);
    let function = measure.function;
    match (function, counter) {
        ("delta" | "idelta" | "deriv" | "predict_linear", Some(true)) => {
            let message = format!("{function}() of the counter {name} takes a restart for a fall");
            let help = match function {
                "idelta" => "use irate() times the interval",
                "delta" => "use increase()",
                _ => "use rate()",
            };
            found.rule(&catalog::COUNTER_DELTA, subject, at, words(message, "", help));
        }
        ("increase" | "rate" | "irate", Some(false)) => {
            let message = format!("{function}() of {name}, which is no counter");
            let label = "every fall counts as a restart";
            found.rule(&catalog::COUNTER_RATE_OF_GAUGE, subject, at, words(message, label, ""));
        }
        _ => {}
    }
    // Whatever looks for a change misses what came before the first sample.
    if matches!(function, "increase" | "rate" | "irate" | "delta" | "idelta" | "changes") {
        born_late(bench, subject, measure, &format!("{function}()"), found);
    }
}

/// A counter whose first event is its first sample.
fn born_late(bench: &Bench<'_>, subject: &Subject<'_>, measure: &Measure<'_>, what: &str, found: &mut Found) {
    let late = bench.world.metric(measure.selector).filter(|metric| metric.lazy);
    let Some(metric) = late.filter(|_| bench.world.is_counter(measure.selector) == Some(true)) else {
        return;
    };
    let label = match metric.labels.is_empty() {
        true => "the series begins with its first event".to_owned(),
        false => {
            let labels: Vec<&str> = metric.labels.keys().map(String::as_str).collect();
            format!("each {} begins with its first event", labels.join(", "))
        }
    };
    let message = format!("{what} does not see the first event of {}", metric.name);
    let at = subject.expr(measure.span);
    found.rule(&catalog::COUNTER_BORN_LATE, subject, at, words(message, label, ""));
}

/// Whatever is summed first hides the restart of its parts.
fn rate_of_sum(subject: &Subject<'_>, part: &Expr, found: &mut Found) {
    let ExprKind::Call(call) = &part.kind else { return };
    if !matches!(call.function.name(), "increase" | "rate" | "irate") {
        return;
    }
    let Some(ExprKind::Subquery(subquery)) = call.args.first().map(|arg| &arg.kind) else { return };
    let mut sums = None;
    walk(&subquery.expr, &mut |inner| {
        if let ExprKind::Aggregate(aggregate) = &inner.kind {
            sums = sums.or(Some((aggregate.op.as_str(), inner.span)));
        }
    });
    if let Some((op, span)) = sums {
        let function = call.function.name();
        let message = format!("{function}() of {op}(): one restart, or one instance less, counts as a leap");
        let help = format!("turn it around: {op}({function}(…))");
        found.rule(&catalog::COUNTER_RATE_OF_SUM, subject, subject.expr(span), words(message, "", help));
    }
}

/// A counter that is compared as it stands.
fn bare(bench: &Bench<'_>, subject: &Subject<'_>, left: &Expr, found: &mut Found) {
    fn inner(expr: &Expr) -> Option<(&VectorSelector, assurance_promql::Span)> {
        match &expr.kind {
            ExprKind::Vector(selector) => Some((selector, expr.span)),
            ExprKind::Paren(part) | ExprKind::Plus(part) => inner(part),
            ExprKind::Aggregate(aggregate) if aggregate.op.as_str() != "count" => inner(&aggregate.expr),
            ExprKind::Binary(binary) if matches!(binary.op, BinaryOp::Mul | BinaryOp::Div) => {
                match (constant(&binary.left), constant(&binary.right)) {
                    (None, Some(_)) => inner(&binary.left),
                    (Some(_), None) => inner(&binary.right),
                    _ => None,
                }
            }
            _ => None,
        }
    }
    let Some((selector, span)) = inner(left) else { return };
    if bench.world.is_counter(selector) == Some(true) {
        let name = metric_name(selector).unwrap_or_default();
        let message = format!("{name} is a counter, and its value says when the process started");
        found.rule(&catalog::COUNTER_BARE, subject, subject.expr(span), words(message, "", ""));
    }
}

/// 1, restart, 1: an event that repeats at every start is never an increase.
fn restart(bench: &Bench<'_>, subject: &Subject<'_>, measure: &Measure<'_>, found: &mut Found) {
    let Some(metric) = bench.world.metric(measure.selector).filter(|metric| !metric.restored) else { return };
    let tree = subject.rule.expression().tree();
    let companion = readings(tree)
        .iter()
        .filter_map(|reading| bench.world.metric(reading.selector))
        .any(|other| other.restored && other.source == metric.source);
    if companion {
        return;
    }
    let contract = bench.world.contract.map(|contract| &contract.metrics);
    let beside = contract.into_iter().flatten().find(|m| {
        m.restored
            && m.source == metric.source
            && m.job == metric.job
            && m.name.ends_with("_timestamp_seconds")
    });
    let help = match beside {
        Some(other) => format!("also ask `time() - {} < {}`", other.name, seconds(measure)),
        None => String::new(),
    };
    let message = format!("a restart hides events of {}: its count begins anew", metric.name);
    let label = "1, restart, 1 again is no increase";
    found.rule(
        &catalog::COUNTER_RESTART_HIDES,
        subject,
        subject.expr(measure.span),
        words(message, label, help),
    );
}

fn seconds(measure: &Measure<'_>) -> i64 {
    measure.window.as_millis() / 1000
}
