//! Small changes of a rule, each of which should be noticed.

use assurance_metrics_model::{Duration, MatchOp, Matcher};
use assurance_promql::{
    AggregateOp, Binary, BinaryOp, Call, DurationExpr, Expr, ExprKind, Function, MatrixSelector,
};
use assurance_rules::{AlertingRule, Expression};

/// Mutants of one rule: the longest rules give some forty, and each costs a whole search.
pub const MAX_MUTANTS: usize = 200;

/// Numbers from which on a threshold is a length or a size, and is halved and doubled; below it is a count.
const LARGE: f64 = 60.0;

/// A rule that differs in one thing from what its author wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// What kind of thing.
    pub kind: MutantKind,
    /// What was changed into what, in words of the rule file.
    pub change: String,
    /// The rule.
    pub rule: AlertingRule,
}

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MutantKind {
    /// A number that something is compared with.
    Threshold,
    /// A comparison.
    Comparison,
    /// The range of a selector.
    Window,
    /// `for` or `keep_firing_for`.
    Hold,
    /// A condition on a label, or a label of the alert.
    Label,
    /// How series, or samples of one, are made one.
    Aggregation,
    /// One of several conditions.
    Condition,
}

impl MutantKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Threshold => "threshold",
            Self::Comparison => "comparison",
            Self::Window => "window",
            Self::Hold => "for",
            Self::Label => "label",
            Self::Aggregation => "aggregation",
            Self::Condition => "condition",
        }
    }
}

/// Every small change of a rule, in the order of its text; at most [`MAX_MUTANTS`].
pub fn mutants(rule: &AlertingRule) -> Vec<Mutant> {
    let mut all = Vec::new();
    for (kind, change, tree) in changes(rule.expression.tree()) {
        // A change may leave something that is no rule, such as an aggregation of nothing.
        if let Ok(expression) = Expression::parse(&tree.to_string()) {
            all.push(Mutant { kind, change, rule: AlertingRule { expression, ..rule.clone() } });
        }
    }
    for hold in lengths(rule.hold) {
        let change = format!("`for: {}` becomes {hold}", rule.hold);
        all.push(Mutant { kind: MutantKind::Hold, change, rule: AlertingRule { hold, ..rule.clone() } });
    }
    for keep_firing_for in lengths(rule.keep_firing_for) {
        let change = format!("`keep_firing_for: {}` becomes {keep_firing_for}", rule.keep_firing_for);
        let rule = AlertingRule { keep_firing_for, ..rule.clone() };
        all.push(Mutant { kind: MutantKind::Hold, change, rule });
    }
    for name in rule.labels.keys() {
        let mut changed = rule.clone();
        changed.labels.remove(name);
        let change = format!("the alert's label `{name}` is gone");
        all.push(Mutant { kind: MutantKind::Label, change, rule: changed });
    }
    all.truncate(MAX_MUTANTS);
    all
}

/// None, half and twice of it, where there is any.
fn lengths(length: Duration) -> Vec<Duration> {
    if length == Duration::ZERO {
        return Vec::new();
    }
    vec![Duration::ZERO, half(length), length * 2]
}

fn half(length: Duration) -> Duration {
    Duration::from_millis(length.as_millis() / 2)
}

type Change = (MutantKind, String, Expr);

/// All trees that differ from this one in one place.
fn changes(expr: &Expr) -> Vec<Change> {
    let mut all = here(expr);
    for (index, child) in expr.children().into_iter().enumerate() {
        for (kind, change, child) in changes(child) {
            all.push((kind, change, with_child(expr, index, child)));
        }
    }
    all
}

fn with_child(expr: &Expr, index: usize, child: Expr) -> Expr {
    let mut expr = expr.clone();
    let place = match &mut expr.kind {
        ExprKind::Negate(inner) | ExprKind::Plus(inner) | ExprKind::Paren(inner) => Some(&mut **inner),
        ExprKind::Subquery(subquery) => Some(&mut subquery.expr),
        ExprKind::Binary(binary) if index == 0 => Some(&mut binary.left),
        ExprKind::Binary(binary) => Some(&mut binary.right),
        ExprKind::Aggregate(aggregate) => match (&mut aggregate.param, index) {
            (Some(param), 0) => Some(param),
            _ => Some(&mut aggregate.expr),
        },
        ExprKind::Call(call) => call.args.get_mut(index),
        ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Vector(_) | ExprKind::Matrix(_) => None,
        _ => None,
    };
    if let Some(place) = place {
        *place = child;
    }
    expr
}

/// The changes of the outermost node alone.
fn here(expr: &Expr) -> Vec<Change> {
    match &expr.kind {
        ExprKind::Binary(binary) if binary.op.is_comparison() => comparison(expr, binary),
        ExprKind::Binary(binary) if binary.op.is_set() => condition(binary),
        ExprKind::Matrix(matrix) => window(expr, matrix).into_iter().chain(matchers(expr)).collect(),
        ExprKind::Vector(_) => matchers(expr),
        ExprKind::Aggregate(_) => aggregation(expr),
        ExprKind::Call(call) => over_time(expr, call),
        _ => Vec::new(),
    }
}

fn comparison(expr: &Expr, binary: &Binary) -> Vec<Change> {
    let mut all = Vec::new();
    let sides = [(0, &binary.left, &binary.right), (1, &binary.right, &binary.left)];
    let mut boundary = None;
    for (index, side, other) in sides {
        let Some(number) = number(side) else { continue };
        for changed in thresholds(number) {
            let to = Expr { kind: ExprKind::Number(changed), span: side.span };
            let change = format!("`{expr}` is held against {changed}");
            all.push((MutantKind::Threshold, change, with_child(expr, index, to)));
        }
        // No count lies on a fraction, and a point of time almost never on a whole second.
        boundary = Some(number.fract() == 0.0 && !reads_clock(other));
    }
    let (opposite, neighbour) = match binary.op {
        BinaryOp::Gt => (BinaryOp::Le, Some(BinaryOp::Ge)),
        BinaryOp::Ge => (BinaryOp::Lt, Some(BinaryOp::Gt)),
        BinaryOp::Lt => (BinaryOp::Ge, Some(BinaryOp::Le)),
        BinaryOp::Le => (BinaryOp::Gt, Some(BinaryOp::Lt)),
        BinaryOp::Eq => (BinaryOp::Ne, None),
        _ => (BinaryOp::Eq, None),
    };
    for op in [Some(opposite), neighbour.filter(|_| boundary != Some(false))].into_iter().flatten() {
        let kind = ExprKind::Binary(Box::new(Binary { op, ..binary.clone() }));
        let change = format!("`{}` becomes `{}` in `{expr}`", binary.op.as_str(), op.as_str());
        all.push((MutantKind::Comparison, change, Expr { kind, span: expr.span }));
    }
    all
}

fn number(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Number(number) => Some(*number),
        ExprKind::Negate(inner) => number(inner).map(|number| -number),
        ExprKind::Plus(inner) | ExprKind::Paren(inner) => number(inner),
        _ => None,
    }
}

fn reads_clock(expr: &Expr) -> bool {
    let is_clock = |name: &str| matches!(name, "time" | "timestamp");
    let here = matches!(&expr.kind, ExprKind::Call(call) if is_clock(call.function.name()));
    here || expr.children().into_iter().any(reads_clock)
}

fn thresholds(number: f64) -> [f64; 2] {
    if number.abs() >= LARGE || (number != 0.0 && number.abs() < 0.5) {
        [number / 2.0, number * 2.0]
    } else {
        [number - 1.0, number + 1.0]
    }
}

fn condition(binary: &Binary) -> Vec<Change> {
    let only = |side: &Expr, other: &Expr| {
        (MutantKind::Condition, format!("`{} {other}` is gone", binary.op.as_str()), side.clone())
    };
    let mut all = vec![only(&binary.left, &binary.right)];
    if binary.op != BinaryOp::Unless {
        all.push(only(&binary.right, &binary.left));
    }
    all
}

fn window(expr: &Expr, matrix: &MatrixSelector) -> Vec<Change> {
    let Some(range) = matrix.range.literal() else { return Vec::new() };
    let all = [half(range), range * 2].into_iter().filter(|range| *range > Duration::ZERO);
    all.map(|to| {
        let matrix = MatrixSelector { range: DurationExpr::Literal(to), ..matrix.clone() };
        let change = format!("`{expr}` looks back {to}");
        (MutantKind::Window, change, Expr { kind: ExprKind::Matrix(matrix), span: expr.span })
    })
    .collect()
}

fn matchers(expr: &Expr) -> Vec<Change> {
    let of = |expr: &Expr| match &expr.kind {
        ExprKind::Vector(selector) => selector.matchers.clone(),
        ExprKind::Matrix(matrix) => matrix.selector.matchers.clone(),
        _ => Vec::new(),
    };
    let with = |matchers: Vec<Matcher>| {
        let mut expr = expr.clone();
        match &mut expr.kind {
            ExprKind::Vector(selector) => selector.matchers = matchers,
            ExprKind::Matrix(matrix) => matrix.selector.matchers = matchers,
            _ => {}
        }
        expr
    };
    let mut all = Vec::new();
    for (index, matcher) in of(expr).iter().enumerate() {
        if matcher.name() == "__name__" {
            continue;
        }
        let mut fewer = of(expr);
        fewer.remove(index);
        let change = format!("`{expr}` selects by `{}` no longer", matcher.name());
        all.push((MutantKind::Label, change, with(fewer)));
        let op = match matcher.op() {
            MatchOp::Equal => MatchOp::NotEqual,
            MatchOp::NotEqual => MatchOp::Equal,
            MatchOp::Regex => MatchOp::NotRegex,
            MatchOp::NotRegex => MatchOp::Regex,
        };
        if let Ok(opposite) = Matcher::new(matcher.name(), op, matcher.value()) {
            let mut others = of(expr);
            others[index] = opposite;
            let change = format!("`{expr}` selects all others by `{}`", matcher.name());
            all.push((MutantKind::Label, change, with(others)));
        }
    }
    all
}

fn aggregation(expr: &Expr) -> Vec<Change> {
    let ExprKind::Aggregate(aggregate) = &expr.kind else { return Vec::new() };
    let mut all = Vec::new();
    let mut add = |change: String, kind: ExprKind| {
        all.push((MutantKind::Aggregation, change, Expr { kind, span: expr.span }));
    };
    if aggregate.param.is_none() {
        for op in [AggregateOp::Sum, AggregateOp::Max, AggregateOp::Min, AggregateOp::Count] {
            if op != aggregate.op {
                let mut changed = aggregate.clone();
                changed.op = op;
                let change = format!("`{}` becomes `{}` in `{expr}`", aggregate.op.as_str(), op.as_str());
                add(change, ExprKind::Aggregate(changed));
            }
        }
        add(format!("`{}` is gone from `{expr}`", aggregate.op.as_str()), aggregate.expr.kind.clone());
    }
    for (index, label) in aggregate.grouping.labels.iter().enumerate() {
        let mut changed = aggregate.clone();
        changed.grouping.labels.remove(index);
        add(format!("`{expr}` no longer groups by or without `{label}`"), ExprKind::Aggregate(changed));
    }
    all
}

/// Functions over a range that one could confuse.
const CONFUSABLE: [(&str, &str); 4] = [
    ("max_over_time", "min_over_time"),
    ("min_over_time", "max_over_time"),
    ("avg_over_time", "max_over_time"),
    ("sum_over_time", "count_over_time"),
];

fn over_time(expr: &Expr, call: &Call) -> Vec<Change> {
    let name = call.function.name();
    let other = CONFUSABLE.iter().find(|(known, _)| *known == name).map(|(_, other)| *other);
    let Some((other, function)) = other.and_then(|other| Some((other, Function::named(other)?))) else {
        return Vec::new();
    };
    let kind = ExprKind::Call(Call { function, ..call.clone() });
    let change = format!("`{name}` becomes `{other}` in `{expr}`");
    vec![(MutantKind::Aggregation, change, Expr { kind, span: expr.span })]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use assurance_diagnostics::Source;
    use assurance_rules::{Rule, RuleFile};

    use super::*;

    fn rule(expression: &str) -> AlertingRule {
        let text = format!(
            "groups: [{{name: a, rules: [{{alert: A, expr: '{expression}', for: 5m, keep_firing_for: 2m, labels: {{severity: page}}}}]}}]"
        );
        match RuleFile::parse(&Source::new("rules.yml", text)).unwrap().groups.remove(0).rules.remove(0) {
            Rule::Alerting(rule) => rule,
            Rule::Recording(_) => unreachable!("it is an alert"),
        }
    }

    fn listed(expression: &str) -> String {
        let describe = |m: &Mutant| format!("{}: {}\n", m.kind.as_str(), m.change);
        mutants(&rule(expression)).iter().map(describe).collect()
    }

    #[test]
    fn every_part_of_a_rule_is_changed() {
        insta::assert_snapshot!(listed(
            r#"sum without (gate) (increase(failures_total{job="brain"}[1h])) > 10.5"#
        ));
        insta::assert_snapshot!(listed("time() - max_over_time(seen[5m]) < 300 or up == 0"));
    }

    #[test]
    fn no_mutant_is_the_rule_itself_or_another_mutant() {
        for expression in ["rate(a[1h]) > 0.0027", "up == 0", "count by (job) (up{job=~\"a|b\"} == 1) < 2"] {
            let rule = rule(expression);
            let all = mutants(&rule);
            let distinct: BTreeSet<String> = all.iter().map(|m| format!("{:?}", m.rule)).collect();
            assert_eq!(distinct.len(), all.len(), "{expression}: {all:#?}");
            assert!(all.iter().all(|m| m.rule != rule), "{expression}");
        }
    }
}
