//! Whether an alert can fire in any world at all.

use std::sync::Arc;

use assurance_metrics_model::{Labels, METRIC_NAME};
use assurance_promql::{BinaryOp, Expr, ExprKind, ValueType, VectorSelector};

use super::ClaimRule;

/// Why none of the rules can ever give anything, if so: what they select exists in no world.
pub(super) fn why_vacuous(
    rules: &[ClaimRule],
    possible: &[&Labels],
    recorded: &[String],
) -> Option<Arc<str>> {
    let world = World { possible, recorded };
    let mut reasons = Vec::new();
    for rule in rules {
        match world.why_empty(rule.rule.expression.tree()) {
            Some(reason) => reasons.push(reason),
            None => return None,
        }
    }
    reasons.into_iter().next().map(Into::into)
}

struct World<'a> {
    possible: &'a [&'a Labels],
    recorded: &'a [String],
}

impl World<'_> {
    fn why_no_series(&self, selector: &VectorSelector) -> Option<String> {
        let named = |name: &str| {
            selector.matchers.iter().filter(|m| m.name() == METRIC_NAME).all(|m| m.matches(name))
        };
        let by_rules = self.recorded.iter().any(|name| named(name));
        let by_engine = ["ALERTS", "ALERTS_FOR_STATE"].into_iter().any(named);
        let selects = |labels: &&&Labels| selector.matchers.iter().all(|m| m.matches_labels(labels));
        if by_rules || by_engine || self.possible.iter().any(|labels| selects(&labels)) {
            return None;
        }
        Some(format!("{selector} selects what no world has"))
    }

    /// Why an expression gives nothing in any world; `None` where it may give something.
    fn why_empty(&self, expr: &Expr) -> Option<String> {
        match &expr.kind {
            ExprKind::Vector(selector) => self.why_no_series(selector),
            ExprKind::Matrix(matrix) => self.why_no_series(&matrix.selector),
            ExprKind::Subquery(subquery) => self.why_empty(&subquery.expr),
            ExprKind::Negate(inner) | ExprKind::Plus(inner) | ExprKind::Paren(inner) => self.why_empty(inner),
            ExprKind::Aggregate(aggregate) => self.why_empty(&aggregate.expr),
            ExprKind::Binary(binary) => {
                let left = self.why_empty(&binary.left);
                match binary.op {
                    BinaryOp::Or => left.and(self.why_empty(&binary.right)),
                    BinaryOp::Unless => left,
                    _ => left.or_else(|| self.why_empty(&binary.right)),
                }
            }
            ExprKind::Call(call) if call.function.name().starts_with("absent") => None,
            ExprKind::Call(call) if expr.value_type() == ValueType::Vector => {
                let mut args = call.args.iter();
                args.find_map(|arg| (arg.value_type() != ValueType::Scalar).then(|| self.why_empty(arg))?)
            }
            _ => None,
        }
    }
}
