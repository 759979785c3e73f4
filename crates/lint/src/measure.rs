//! What an expression asks: its comparisons, and what is compared.

use assurance_metrics_model::{Duration, METRIC_NAME, MatchOp};
use assurance_promql::{Aggregate, BinaryOp, Expr, ExprKind, Span, VectorSelector};

/// A comparison with a number on which an alert depends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Condition<'a> {
    /// What is compared.
    pub(crate) left: &'a Expr,
    /// As if the number stood on the right.
    pub(crate) op: BinaryOp,
    pub(crate) limit: f64,
    /// Where the number stands.
    pub(crate) limit_span: Span,
    /// The whole comparison.
    pub(crate) span: Span,
}

/// The comparisons that must hold, or of which one must hold, for an alert to be.
pub(crate) fn conditions(expr: &Expr) -> Vec<Condition<'_>> {
    let ExprKind::Binary(binary) = &expr.kind else {
        return match &expr.kind {
            ExprKind::Paren(inner) | ExprKind::Plus(inner) => conditions(inner),
            _ => Vec::new(),
        };
    };
    match binary.op {
        BinaryOp::And | BinaryOp::Or => {
            conditions(&binary.left).into_iter().chain(conditions(&binary.right)).collect()
        }
        BinaryOp::Unless => conditions(&binary.left),
        op if op.is_comparison() && !binary.returns_bool => {
            match (constant(&binary.left), constant(&binary.right)) {
                (None, Some(limit)) => vec![Condition {
                    left: &binary.left,
                    op,
                    limit,
                    limit_span: binary.right.span,
                    span: expr.span,
                }],
                (Some(limit), None) => vec![Condition {
                    left: &binary.right,
                    op: flipped(op),
                    limit,
                    limit_span: binary.left.span,
                    span: expr.span,
                }],
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

const fn flipped(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Ge => BinaryOp::Le,
        BinaryOp::Le => BinaryOp::Ge,
        same => same,
    }
}

/// The value of an expression that reads nothing.
pub(crate) fn constant(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Number(number) => Some(*number),
        ExprKind::Paren(inner) | ExprKind::Plus(inner) => constant(inner),
        ExprKind::Negate(inner) => constant(inner).map(|value| -value),
        ExprKind::Binary(binary) => {
            let (left, right) = (constant(&binary.left)?, constant(&binary.right)?);
            Some(match binary.op {
                BinaryOp::Add => left + right,
                BinaryOp::Sub => left - right,
                BinaryOp::Mul => left * right,
                BinaryOp::Div => left / right,
                BinaryOp::Mod => left % right,
                BinaryOp::Pow => left.powf(right),
                _ => return None,
            })
        }
        _ => None,
    }
}

/// A function over a range of a selector's samples, and what is done with its result.
#[derive(Clone, Debug)]
pub(crate) struct Measure<'a> {
    pub(crate) function: &'static str,
    pub(crate) window: Duration,
    pub(crate) window_span: Span,
    pub(crate) selector: &'a VectorSelector,
    /// The call.
    pub(crate) span: Span,
    /// What the result is multiplied by.
    pub(crate) factor: f64,
    /// Aggregations around it, the outermost first.
    pub(crate) aggregations: Vec<&'a Aggregate>,
    pub(crate) rounded: bool,
}

impl Measure<'_> {
    /// Whether it counts events, or divides their count by time. What counts seconds or bytes is an amount.
    pub(crate) fn counts(&self) -> bool {
        let name = metric_name(self.selector).unwrap_or_default();
        let amount = ["_seconds_total", "_bytes_total", "_sum"].iter().any(|end| name.ends_with(end));
        matches!(self.function, "increase" | "rate" | "irate" | DIFFERENCE) && !amount
    }

    /// How many events in `per` a value stands for.
    pub(crate) fn events(&self, value: f64, per: Duration) -> f64 {
        let raw = value / self.factor;
        match self.function {
            "rate" | "irate" => raw * per.as_secs_f64(),
            _ => raw * per.as_secs_f64() / self.window.as_secs_f64(),
        }
    }
}

/// What is measured, where an expression is one measurement.
pub(crate) fn measure(expr: &Expr) -> Option<Measure<'_>> {
    match &expr.kind {
        ExprKind::Paren(inner) | ExprKind::Plus(inner) => measure(inner),
        ExprKind::Binary(binary) => {
            let scaled = |expr, by: f64| measure(expr).map(|m| Measure { factor: m.factor * by, ..m });
            match (binary.op, constant(&binary.left), constant(&binary.right)) {
                (BinaryOp::Mul, None, Some(by)) => scaled(&binary.left, by),
                (BinaryOp::Mul, Some(by), None) => scaled(&binary.right, by),
                (BinaryOp::Div, None, Some(by)) => scaled(&binary.left, 1.0 / by),
                (BinaryOp::Sub, None, None) => difference(&binary.left, &binary.right, expr.span),
                _ => None,
            }
        }
        ExprKind::Aggregate(aggregate) => {
            let mut inner = measure(&aggregate.expr)?;
            inner.aggregations.insert(0, aggregate);
            Some(inner)
        }
        ExprKind::Call(call) => match (call.function.name(), call.args.as_slice()) {
            ("round" | "ceil" | "floor", [inner, ..]) => {
                measure(inner).map(|m| Measure { rounded: true, ..m })
            }
            (function, args) => {
                let (matrix, place) = args.iter().find_map(|arg| match &arg.kind {
                    ExprKind::Matrix(matrix) => Some((matrix, arg.span)),
                    _ => None,
                })?;
                let window_start = matrix.selector_span.end;
                Some(Measure {
                    function,
                    window: matrix.range.literal()?,
                    window_span: Span { start: window_start, ..place },
                    selector: &matrix.selector,
                    span: expr.span,
                    factor: 1.0,
                    aggregations: Vec::new(),
                    rounded: false,
                })
            }
        },
        _ => None,
    }
}

/// What a counter has now less what it had at the window's beginning: a count without extrapolation.
fn difference<'a>(left: &'a Expr, right: &'a Expr, span: Span) -> Option<Measure<'a>> {
    let now = match &left.kind {
        ExprKind::Vector(selector) => selector,
        _ => measure(left).filter(|m| matches!(m.function, "last_over_time" | "max_over_time"))?.selector,
    };
    let before = measure(right).filter(|m| matches!(m.function, "min_over_time" | "first_over_time"))?;
    (before.selector.matchers == now.matchers && before.aggregations.is_empty()).then_some(Measure {
        function: DIFFERENCE,
        span,
        ..before
    })
}

/// The name of a count that is no call.
pub(crate) const DIFFERENCE: &str = "difference";

/// Calls `visit` for an expression and all of its parts.
pub(crate) fn walk<'a>(expr: &'a Expr, visit: &mut impl FnMut(&'a Expr)) {
    visit(expr);
    for child in expr.children() {
        walk(child, visit);
    }
}

/// Every measurement in an expression.
pub(crate) fn measures(expr: &Expr) -> Vec<Measure<'_>> {
    let mut all = Vec::new();
    walk(expr, &mut |part| {
        if let ExprKind::Call(_) = &part.kind {
            all.extend(
                measure(part).filter(|m| m.span.start == part.span.start && m.span.end == part.span.end),
            );
        }
    });
    all
}

/// A selector in an expression, and how it is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) selector: &'a VectorSelector,
    pub(crate) span: Span,
    /// Under `absent()` or `absent_over_time()`.
    pub(crate) absent: bool,
    /// Over a range, so that one missing sample is no missing value.
    pub(crate) ranged: bool,
}

/// Every selector in an expression.
pub(crate) fn readings(expr: &Expr) -> Vec<Reading<'_>> {
    fn go<'a>(expr: &'a Expr, absent: bool, ranged: bool, out: &mut Vec<Reading<'a>>) {
        match &expr.kind {
            ExprKind::Vector(selector) => {
                out.push(Reading { selector, span: expr.span, absent, ranged });
            }
            ExprKind::Matrix(matrix) => {
                let span = matrix.selector_span;
                out.push(Reading { selector: &matrix.selector, span, absent, ranged: true });
            }
            ExprKind::Subquery(subquery) => go(&subquery.expr, absent, true, out),
            ExprKind::Call(call) => {
                let absent = absent || call.function.name().starts_with("absent");
                call.args.iter().for_each(|arg| go(arg, absent, ranged, out));
            }
            _ => expr.children().into_iter().for_each(|child| go(child, absent, ranged, out)),
        }
    }
    let mut out = Vec::new();
    go(expr, false, false, &mut out);
    out
}

/// The metric's name, where the selector names one.
pub(crate) fn metric_name(selector: &VectorSelector) -> Option<&str> {
    selector
        .matchers
        .iter()
        .find(|m| m.name() == METRIC_NAME && m.op() == MatchOp::Equal)
        .map(assurance_metrics_model::Matcher::value)
}

/// Where the condition on a label stands in an expression's text, as near as text search gets.
pub(crate) fn matcher_place(text: &str, selector: Span, label: &str) -> std::ops::Range<usize> {
    let whole = selector.bytes();
    let Some(inside) = text.get(whole.clone()) else { return whole };
    let open = inside.find('{').unwrap_or(0);
    let boundary = |at: usize| {
        let before = inside[..at].chars().next_back();
        let after = inside[at + label.len()..].trim_start().chars().next();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_') && matches!(after, Some('=' | '!' | '"'))
    };
    let found = inside.match_indices(label).map(|(at, _)| at).find(|at| *at > open && boundary(*at));
    let Some(at) = found else { return whole };
    let quote = inside[at..].find(['"', '\'', '`']).map(|n| at + n);
    let end = quote.and_then(|q| {
        let mark = inside[q..].chars().next()?;
        inside[q + 1..].find(mark).map(|n| q + 1 + n + 1)
    });
    whole.start + at..whole.start + end.unwrap_or(at + label.len())
}
