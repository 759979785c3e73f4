//! The tree of an expression, as Prometheus's page explains it (`web/api/v1/translate_ast.go`).

use assurance_metrics_model::{METRIC_NAME, MatchOp, Matcher, format_float};
use assurance_promql::{
    At, Binary, Call, Cardinality, DurationExpr, Expr, ExprKind, RangeEnds, ValueType, VectorSelector,
};
use serde_json::{Value, json};

pub(crate) fn tree(expr: &Expr) -> Value {
    match &expr.kind {
        ExprKind::Number(value) => number(*value),
        ExprKind::String(text) => json!({"type": "stringLiteral", "val": text}),
        ExprKind::Paren(inner) => json!({"type": "parenExpr", "expr": tree(inner)}),
        // Prometheus reads a number with its sign.
        ExprKind::Negate(inner) => match inner.kind {
            ExprKind::Number(value) => number(-value),
            _ => json!({"type": "unaryExpr", "op": "-", "expr": tree(inner)}),
        },
        ExprKind::Plus(inner) => match inner.kind {
            ExprKind::Number(value) => number(value),
            _ => json!({"type": "unaryExpr", "op": "+", "expr": tree(inner)}),
        },
        ExprKind::Vector(vector) => selector("vectorSelector", vector),
        ExprKind::Matrix(matrix) => {
            let mut node = selector("matrixSelector", &matrix.selector);
            node["range"] = millis(&matrix.range).into();
            node
        }
        ExprKind::Subquery(subquery) => json!({
            "type": "subquery",
            "expr": tree(&subquery.expr),
            "range": millis(&subquery.range),
            "step": subquery.step.as_ref().map_or(0, millis),
            "offset": subquery.offset.as_ref().map_or(0, millis),
            "timestamp": timestamp(subquery.at),
            "startOrEnd": start_or_end(subquery.at),
        }),
        ExprKind::Aggregate(aggregate) => json!({
            "type": "aggregation",
            "op": aggregate.op.as_str(),
            "expr": tree(&aggregate.expr),
            "param": aggregate.param.as_ref().map(tree),
            "grouping": aggregate.grouping.labels,
            "without": !aggregate.grouping.include,
        }),
        ExprKind::Binary(operation) => binary(operation),
        ExprKind::Call(function) => call(function),
        // Nothing is guessed about what is not known.
        _ => json!({"type": "unknown", "val": expr.to_string()}),
    }
}

fn number(value: f64) -> Value {
    json!({"type": "numberLiteral", "val": format_float(value)})
}

fn binary(binary: &Binary) -> Value {
    let both = [&binary.left, &binary.right].map(Expr::value_type) == [ValueType::Vector; 2];
    let matching = both.then(|| {
        let matching = &binary.matching;
        json!({
            "card": match matching.cardinality {
                Cardinality::OneToOne => "one-to-one",
                Cardinality::ManyToOne => "many-to-one",
                Cardinality::OneToMany => "one-to-many",
                Cardinality::ManyToMany => "many-to-many",
            },
            "labels": matching.grouping.labels,
            "on": matching.grouping.include,
            "include": matching.copied,
            "fillValues": {"lhs": matching.fill_left, "rhs": matching.fill_right},
        })
    });
    json!({
        "type": "binaryExpr",
        "op": binary.op.as_str(),
        "lhs": tree(&binary.left),
        "rhs": tree(&binary.right),
        "matching": matching,
        "bool": binary.returns_bool,
    })
}

fn call(call: &Call) -> Value {
    let (needed, most) = call.function.arguments_allowed();
    // How many may be left out; any number of further ones is -1.
    let variadic = if most == usize::MAX { -1 } else { i64::try_from(most - needed).unwrap_or(-1) };
    json!({
        "type": "call",
        "func": {
            "name": call.function.name(),
            "argTypes": call.function.arguments().iter().map(|t| t.as_str()).collect::<Vec<_>>(),
            "variadic": variadic,
            "returnType": call.function.returns().as_str(),
        },
        "args": call.args.iter().map(tree).collect::<Vec<_>>(),
    })
}

fn selector(kind: &str, selector: &VectorSelector) -> Value {
    let is_name = |m: &&Matcher| m.name() == METRIC_NAME && m.op() == MatchOp::Equal;
    let matcher = |m: &Matcher| json!({"name": m.name(), "value": m.value(), "type": m.op().as_str()});
    json!({
        "type": kind,
        "name": selector.matchers.iter().find(is_name).map_or("", Matcher::value),
        "offset": selector.offset.as_ref().map_or(0, millis),
        "matchers": selector.matchers.iter().map(matcher).collect::<Vec<_>>(),
        "timestamp": timestamp(selector.at),
        "startOrEnd": start_or_end(selector.at),
        "anchored": selector.ends == Some(RangeEnds::Anchored),
        "smoothed": selector.ends == Some(RangeEnds::Smoothed),
    })
}

/// Milliseconds; 0 for a length that is only known where the query is evaluated, as in Prometheus.
fn millis(length: &DurationExpr) -> i64 {
    match length {
        DurationExpr::Literal(duration) => duration.as_millis(),
        DurationExpr::Number(secs) => assurance_metrics_model::Timestamp::from_secs_f64(*secs).as_millis(),
        DurationExpr::Negate(inner) => -millis(inner),
        DurationExpr::Plus(inner) | DurationExpr::Paren(inner) => millis(inner),
        _ => 0,
    }
}

fn timestamp(at: Option<At>) -> Option<i64> {
    match at {
        Some(At::Time(at)) => Some(at.as_millis()),
        _ => None,
    }
}

fn start_or_end(at: Option<At>) -> Option<&'static str> {
    match at {
        Some(At::Start) => Some("start"),
        Some(At::End) => Some("end"),
        _ => None,
    }
}
