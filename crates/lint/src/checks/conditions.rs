use assurance_promql::{BinaryOp, Expr, ExprKind};
use assurance_rules::AlertingRule;

use super::Bench;
use crate::catalog;
use crate::found::{Found, words};
use crate::measure::{conditions, constant, metric_name};
use crate::subject::Subject;
use crate::world::World;

/// How deep recorded metrics are followed into their rules.
const MAX_RECORDED: usize = 8;

/// Parts of the names of alerts that are meant to fire always.
const HEARTBEATS: [&str; 3] = ["watchdog", "deadman", "heartbeat"];

pub(super) fn check(bench: &Bench<'_>, subject: &Subject<'_>, alert: &AlertingRule, found: &mut Found) {
    let tree = alert.expression.tree();
    if is_always(tree) {
        if !is_heartbeat(&alert.alert) {
            let message = "this is always true: the alert fires for ever";
            let at = subject.expr(tree.span);
            found.rule(&catalog::CONDITION_ALWAYS, subject, at, words(message, "", ""));
        }
        return;
    }
    bench.world.refuel();
    if !filters(bench.world, tree, MAX_RECORDED) {
        let message =
            "nothing is compared: the alert fires as soon as the series is there, whatever its value";
        found.rule(&catalog::CONDITION_MISSING, subject, subject.expr(tree.span), words(message, "", ""));
    }
    for condition in conditions(tree) {
        let Some((least, most)) = domain(condition.left) else { continue };
        let at = subject.expr(condition.span);
        match verdict(condition.op, condition.limit, least, most) {
            Some(false) => {
                let message = "this can never be true: the alert never fires";
                let label = range_in_words(least, most);
                found.rule(&catalog::CONDITION_NEVER, subject, at, words(message, label, ""));
            }
            Some(true) => {
                let message = "this is true whenever there is a value: the alert does not end";
                let label = range_in_words(least, most);
                found.rule(&catalog::CONDITION_ALWAYS, subject, at, words(message, label, ""));
            }
            None => {}
        }
    }
}

/// Whether an alert is meant to fire always, by its name.
pub(super) fn is_heartbeat(name: &str) -> bool {
    let lower = name.to_lowercase();
    HEARTBEATS.iter().any(|word| lower.contains(word))
}

/// Whether an expression reads nothing and gives something.
pub(super) fn is_always(expr: &Expr) -> bool {
    expr.selectors().is_empty()
        && match &expr.kind {
            ExprKind::Call(call) => match call.function.name() {
                "vector" => true,
                _ => expr.children().is_empty(),
            },
            ExprKind::Paren(inner) | ExprKind::Plus(inner) | ExprKind::Negate(inner) => is_always(inner),
            ExprKind::Number(_) => true,
            ExprKind::Binary(binary) if binary.op.is_comparison() && !binary.returns_bool => {
                value(&binary.left)
                    .zip(value(&binary.right))
                    .and_then(|(left, right)| verdict(binary.op, right, left, left))
                    .unwrap_or(false)
            }
            ExprKind::Binary(binary) => is_always(&binary.left) && is_always(&binary.right),
            _ => false,
        }
}

/// The value of what reads nothing, `vector(1)` included.
fn value(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Call(call) if call.function.name() == "vector" => constant(call.args.first()?),
        ExprKind::Paren(inner) => value(inner),
        _ => constant(expr),
    }
}

/// Whether an expression can give nothing although its series are there.
fn filters(world: &World<'_>, expr: &Expr, depth: usize) -> bool {
    match &expr.kind {
        ExprKind::Binary(binary) => match binary.op {
            BinaryOp::And | BinaryOp::Unless => true,
            BinaryOp::Or => filters(world, &binary.left, depth) && filters(world, &binary.right, depth),
            op if op.is_comparison() && !binary.returns_bool => true,
            _ => filters(world, &binary.left, depth) || filters(world, &binary.right, depth),
        },
        ExprKind::Call(call) => {
            call.function.name().starts_with("absent")
                || call.args.iter().any(|arg| filters(world, arg, depth))
        }
        ExprKind::Vector(selector) => match metric_name(selector) {
            // What another file records may be a condition already.
            Some(name) if name.starts_with("ALERTS") => true,
            Some(name) if name.contains(':') && world.recorded(name).is_none() => true,
            Some(name) if world.recorded(name).is_some() => {
                // Where it is not followed to its end, it may be a condition.
                let (Some(depth), Some(rules)) = (depth.checked_sub(1), world.follow(name)) else {
                    return true;
                };
                rules.iter().any(|rule| filters(world, rule.expression.tree(), depth))
            }
            Some(_) | None => false,
        },
        _ => expr.children().into_iter().any(|child| filters(world, child, depth)),
    }
}

/// The least and greatest value that an expression can have, where something is known of it.
fn domain(expr: &Expr) -> Option<(f64, f64)> {
    match &expr.kind {
        ExprKind::Paren(inner) | ExprKind::Plus(inner) => domain(inner),
        ExprKind::Vector(selector) => match metric_name(selector)? {
            "up" => Some((0.0, 1.0)),
            name if name.ends_with("_total") || name.ends_with("_bucket") => Some((0.0, f64::INFINITY)),
            _ => None,
        },
        ExprKind::Call(call) => match call.function.name() {
            "increase" | "rate" | "irate" | "changes" | "resets" => Some((0.0, f64::INFINITY)),
            "count_over_time" => Some((1.0, f64::INFINITY)),
            "absent" | "absent_over_time" | "present_over_time" => Some((1.0, 1.0)),
            "max_over_time" | "min_over_time" | "avg_over_time" | "last_over_time" => {
                let ExprKind::Matrix(matrix) = &call.args.first()?.kind else { return None };
                (metric_name(&matrix.selector)? == "up").then_some((0.0, 1.0))
            }
            _ => None,
        },
        ExprKind::Aggregate(aggregate) => match aggregate.op.as_str() {
            "count" => Some((1.0, f64::INFINITY)),
            "group" => Some((1.0, 1.0)),
            "max" | "min" | "avg" => domain(&aggregate.expr),
            "sum" => {
                domain(&aggregate.expr).filter(|(least, _)| *least >= 0.0).map(|(l, _)| (l, f64::INFINITY))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether a comparison with a number holds for all values of a range (true) or for none (false).
fn verdict(op: BinaryOp, limit: f64, least: f64, most: f64) -> Option<bool> {
    if limit.is_nan() {
        return Some(op == BinaryOp::Ne);
    }
    let (all, none) = match op {
        BinaryOp::Gt => (least > limit, most <= limit),
        BinaryOp::Ge => (least >= limit, most < limit),
        BinaryOp::Lt => (most < limit, least >= limit),
        BinaryOp::Le => (most <= limit, least > limit),
        BinaryOp::Eq => (same(least, limit) && same(most, limit), limit < least || limit > most),
        BinaryOp::Ne => (limit < least || limit > most, same(least, limit) && same(most, limit)),
        _ => return None,
    };
    if all { Some(true) } else { none.then_some(false) }
}

fn same(left: f64, right: f64) -> bool {
    left.to_bits() == right.to_bits()
}

fn range_in_words(least: f64, most: f64) -> String {
    match (same(least, most), most.is_finite()) {
        (true, _) => format!("the value is always {least}"),
        (false, true) => format!("the value lies between {least} and {most}"),
        (false, false) => format!("the value is {least} or more"),
    }
}
