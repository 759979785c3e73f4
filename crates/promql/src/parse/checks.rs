//! Types: what may stand where, seen once the whole tree is there.

use crate::ast::{
    Aggregate, AggregateOp, Binary, Call, Cardinality, Expr, ExprKind, RangeEnds, ValueType, VectorSelector,
};
use crate::function::{Kind, RangeFunction};

use super::message::{Fault, evaluation, syntax};

/// Whether every part has the type that its place wants, and what the expression evaluates to. Matching that
/// says nothing is taken out of the tree, so that what means the same is the same.
pub(super) fn check(expr: &mut Expr) -> Result<ValueType, Fault> {
    let span = expr.span;
    match &mut expr.kind {
        ExprKind::Number(_) => Ok(ValueType::Scalar),
        ExprKind::String(_) => Ok(ValueType::String),
        ExprKind::Vector(selector) => {
            check_selector(selector, span.bytes())?;
            Ok(ValueType::Vector)
        }
        ExprKind::Matrix(matrix) => {
            check_selector(&matrix.selector, matrix.selector_span.bytes())?;
            Ok(ValueType::Matrix)
        }
        ExprKind::Paren(inner) => check(inner),
        ExprKind::Negate(inner) | ExprKind::Plus(inner) => match check(inner)? {
            of @ (ValueType::Scalar | ValueType::Vector) => Ok(of),
            other => {
                let message = format!(
                    "unary expression only allowed on expressions of type scalar or instant vector, got {:?}",
                    other.described()
                );
                Err(syntax(span.bytes(), message))
            }
        },
        ExprKind::Subquery(subquery) => match check(&mut subquery.expr)? {
            ValueType::Vector => Ok(ValueType::Matrix),
            other => {
                let message =
                    format!("subquery is only allowed on instant vector, got {} instead", other.as_str());
                Err(syntax(span.bytes(), message))
            }
        },
        ExprKind::Aggregate(aggregate) => check_aggregate(aggregate),
        ExprKind::Binary(binary) => check_binary(binary, span.bytes()),
        ExprKind::Call(call) => check_call(call, span.bytes()),
    }
}

fn check_selector(selector: &VectorSelector, span: std::ops::Range<usize>) -> Result<(), Fault> {
    if selector.matchers.iter().any(|matcher| !matcher.matches_empty()) {
        return Ok(());
    }
    Err(syntax(span, "vector selector must contain at least one non-empty matcher"))
}

fn expect(expr: &mut Expr, wanted: ValueType, place: &str) -> Result<(), Fault> {
    let got = check(expr)?;
    if got == wanted {
        return Ok(());
    }
    let (wanted, got) = (wanted.described(), got.described());
    Err(syntax(expr.span.bytes(), format!("expected type {wanted} in {place}, got {got}")))
}

fn check_aggregate(aggregate: &mut Aggregate) -> Result<ValueType, Fault> {
    expect(&mut aggregate.expr, ValueType::Vector, "aggregation expression")?;
    if let Some(param) = &mut aggregate.param {
        let wanted =
            if aggregate.op == AggregateOp::CountValues { ValueType::String } else { ValueType::Scalar };
        expect(param, wanted, "aggregation parameter")?;
    }
    Ok(ValueType::Vector)
}

fn check_binary(binary: &mut Binary, span: std::ops::Range<usize>) -> Result<ValueType, Fault> {
    let (left, right) = (check(&mut binary.left)?, check(&mut binary.right)?);
    let op = binary.op;
    let of_scalars = left == ValueType::Scalar && right == ValueType::Scalar;
    let operator = || binary.op_span.bytes();
    if binary.returns_bool && !op.is_comparison() {
        return Err(syntax(operator(), "bool modifier can only be used on comparison operators"));
    }
    if op.is_comparison() && of_scalars && !binary.returns_bool {
        return Err(syntax(operator(), "comparisons between scalars must use BOOL modifier"));
    }
    let matching = &mut binary.matching;
    if matching.grouping.include
        && let Some(label) = matching.grouping.labels.iter().find(|label| matching.copied.contains(label))
    {
        let message = format!("label {label:?} must not occur in ON and GROUP clause at once");
        return Err(syntax(operator(), message));
    }
    for (side, of) in [(&binary.left, left), (&binary.right, right)] {
        if !matches!(of, ValueType::Scalar | ValueType::Vector) {
            let message = "binary expression must contain only scalar and instant vector types";
            return Err(syntax(side.span.bytes(), message));
        }
    }
    let filled = matching.fill_left.is_some() || matching.fill_right.is_some();
    let grouped = matches!(matching.cardinality, Cardinality::ManyToOne | Cardinality::OneToMany);
    if left == ValueType::Vector && right == ValueType::Vector {
        if op.is_set() && grouped {
            let message = format!("no grouping allowed for {:?} operation", op.as_str());
            return Err(syntax(span, message));
        }
        if op.is_set() && filled {
            return Err(syntax(span, "filling in missing series not allowed for set operators"));
        }
        // `ignoring ()` is how vectors are matched anyway.
        matching.explicit = matching.grouping.include || grouped || !matching.grouping.labels.is_empty();
        return Ok(ValueType::Vector);
    }
    if !matching.grouping.labels.is_empty() {
        return Err(syntax(span, "vector matching only allowed between instant vectors"));
    }
    if filled {
        return Err(syntax(span, "filling in missing series only allowed between instant vectors"));
    }
    if op.is_set() {
        let message = format!("set operator {:?} not allowed in binary scalar expression", op.as_str());
        return Err(syntax(span, message));
    }
    matching.explicit = false;
    matching.grouping.include = false;
    matching.cardinality = Cardinality::OneToOne;
    matching.copied.clear();
    Ok(if of_scalars { ValueType::Scalar } else { ValueType::Vector })
}

fn check_call(call: &mut Call, span: std::ops::Range<usize>) -> Result<ValueType, Fault> {
    let function = call.function;
    let name = function.name();
    let got = call.args.len();
    let (required, allowed) = function.arguments_allowed();
    if got < required || got > allowed {
        let (bound, count) = match (required, allowed) {
            (a, b) if a == b => ("", a),
            (a, _) if got < a => ("at least ", a),
            (_, b) => ("at most ", b),
        };
        let message = format!("expected {bound}{count} argument(s) in call to {name:?}, got {got}");
        return Err(syntax(span, message));
    }
    let wanted = function.arguments();
    for (n, arg) in call.args.iter_mut().enumerate() {
        let wanted = wanted.get(n).or(wanted.last()).copied().unwrap_or(ValueType::Scalar);
        if function.0 == Kind::Info && n == 1 {
            check_label_selector(arg)?;
            continue;
        }
        expect(arg, wanted, &format!("call to function {name:?}"))?;
        if let ExprKind::Matrix(matrix) = &arg.unparenthesised().kind {
            check_ends(matrix.selector.ends, function.0, name, arg)?;
        }
    }
    Ok(function.returns())
}

/// The second argument of `info`: labels, which need not select anything by themselves.
fn check_label_selector(arg: &Expr) -> Result<(), Fault> {
    if matches!(arg.kind, ExprKind::Vector(_)) {
        return Ok(());
    }
    let got = arg.value_type();
    let message = if got == ValueType::Vector {
        "expected label selectors only".to_owned()
    } else {
        format!("expected type instant vector in call to function \"info\", got {}", got.described())
    };
    Err(evaluation(arg.span.bytes(), message))
}

fn check_ends(ends: Option<RangeEnds>, kind: Kind, name: &str, arg: &Expr) -> Result<(), Fault> {
    use RangeFunction::{Changes, Delta, Increase, Rate, Resets};
    let (word, functions, allowed) = match ends {
        None => return Ok(()),
        Some(RangeEnds::Smoothed) => {
            ("smoothed", "delta, increase, rate", matches!(kind, Kind::Range(Delta | Increase | Rate)))
        }
        Some(RangeEnds::Anchored) => (
            "anchored",
            "changes, delta, increase, rate, resets",
            matches!(kind, Kind::Range(Changes | Delta | Increase | Rate | Resets)),
        ),
    };
    if allowed {
        return Ok(());
    }
    let message = format!("{word} modifier can only be used with: {functions} - not with {name}");
    Err(evaluation(arg.span.bytes(), message))
}
