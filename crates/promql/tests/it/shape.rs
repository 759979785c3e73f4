//! The shape of a tree as text with every parenthesis, from our parser and from promql-parser: two readings of
//! one expression are the same if their shapes are.

use assurance_promql as ours;
use promql_parser::label as theirs_label;
use promql_parser::parser as theirs;

fn millis(value: std::time::Duration) -> i64 {
    i64::try_from(value.as_millis()).expect("a length within bounds")
}

fn number(value: f64) -> String {
    format!("{value:?}")
}

fn modifiers(offset: i64, at: Option<String>) -> String {
    let mut out = String::new();
    if offset != 0 {
        out.push_str(&format!(" offset {offset}"));
    }
    if let Some(at) = at {
        out.push_str(&format!(" @ {at}"));
    }
    out
}

fn series(mut matchers: Vec<String>) -> String {
    matchers.sort();
    matchers.join(",")
}

fn our_offset(offset: Option<&ours::DurationExpr>) -> i64 {
    offset.map_or(0, |o| o.literal().expect("a literal").as_millis())
}

fn our_at(at: Option<ours::At>) -> Option<String> {
    at.map(|at| match at {
        ours::At::Time(time) => time.as_millis().to_string(),
        ours::At::Start => "start".to_owned(),
        ours::At::End => "end".to_owned(),
    })
}

fn our_series(selector: &ours::VectorSelector) -> String {
    series(
        selector.matchers.iter().map(|m| format!("{}{}{:?}", m.name(), m.op().as_str(), m.value())).collect(),
    )
}

fn our_length(length: &ours::DurationExpr) -> i64 {
    length.literal().expect("a literal").as_millis()
}

/// The shape of our tree.
pub(crate) fn of_ours(expr: &ours::Expr) -> String {
    use ours::ExprKind as K;
    match &expr.kind {
        K::Number(value) => number(*value),
        K::String(text) => format!("{text:?}"),
        K::Vector(selector) => format!(
            "{{{}}}{}",
            our_series(selector),
            modifiers(our_offset(selector.offset.as_ref()), our_at(selector.at))
        ),
        K::Matrix(matrix) => format!(
            "{{{}}}[{}]{}",
            our_series(&matrix.selector),
            our_length(&matrix.range),
            modifiers(our_offset(matrix.selector.offset.as_ref()), our_at(matrix.selector.at))
        ),
        K::Subquery(subquery) => format!(
            "({})[{}:{}]{}",
            of_ours(&subquery.expr),
            our_length(&subquery.range),
            subquery.step.as_ref().map_or(0, our_length),
            modifiers(our_offset(subquery.offset.as_ref()), our_at(subquery.at))
        ),
        K::Negate(inner) => format!("(- {})", of_ours(inner)),
        // promql-parser leaves `+` out.
        K::Plus(inner) => of_ours(inner),
        K::Paren(inner) => format!("(paren {})", of_ours(inner)),
        K::Binary(binary) => {
            let matching = &binary.matching;
            let cardinality = match matching.cardinality {
                ours::Cardinality::ManyToOne => format!(" left {:?}", matching.copied),
                ours::Cardinality::OneToMany => format!(" right {:?}", matching.copied),
                _ => String::new(),
            };
            let on = if matching.explicit {
                format!(" {} {:?}", matching.grouping.include, matching.grouping.labels)
            } else {
                String::new()
            };
            format!(
                "({} {}{}{on}{cardinality} {:?} {:?} {})",
                of_ours(&binary.left),
                binary.op.as_str(),
                if binary.returns_bool { " bool" } else { "" },
                matching.fill_left,
                matching.fill_right,
                of_ours(&binary.right)
            )
        }
        K::Aggregate(aggregate) => format!(
            "({} {} {:?} {} {})",
            aggregate.op.as_str(),
            aggregate.grouping.include,
            aggregate.grouping.labels,
            aggregate.param.as_ref().map(of_ours).unwrap_or_default(),
            of_ours(&aggregate.expr)
        ),
        K::Call(call) => {
            let args: Vec<String> = call.args.iter().map(of_ours).collect();
            format!("({} {})", call.function.name(), args.join(" "))
        }
        other => panic!("{other:?} has no shape"),
    }
}

fn their_offset(offset: Option<&theirs::Offset>) -> i64 {
    match offset {
        None => 0,
        Some(theirs::Offset::Pos(value)) => millis(*value),
        Some(theirs::Offset::Neg(value)) => -millis(*value),
    }
}

fn their_at(at: Option<&theirs::AtModifier>) -> Option<String> {
    at.map(|at| match at {
        theirs::AtModifier::Start => "start".to_owned(),
        theirs::AtModifier::End => "end".to_owned(),
        theirs::AtModifier::At(time) => match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => millis(since).to_string(),
            Err(before) => (-millis(before.duration())).to_string(),
        },
    })
}

fn their_series(selector: &theirs::VectorSelector) -> String {
    let mut all: Vec<String> = selector.name.iter().map(|name| format!("__name__={name:?}")).collect();
    for matcher in &selector.matchers.matchers {
        let op = match matcher.op {
            theirs_label::MatchOp::Equal => "=",
            theirs_label::MatchOp::NotEqual => "!=",
            theirs_label::MatchOp::Re(_) => "=~",
            theirs_label::MatchOp::NotRe(_) => "!~",
        };
        all.push(format!("{}{op}{:?}", matcher.name, matcher.value));
    }
    series(all)
}

fn their_labels(modifier: &theirs::LabelModifier) -> (bool, &Vec<String>) {
    (modifier.is_include(), &modifier.labels().labels)
}

/// The shape of promql-parser's tree.
pub(crate) fn of_theirs(expr: &theirs::Expr) -> String {
    use theirs::Expr as E;
    match expr {
        E::NumberLiteral(value) => number(value.val),
        E::StringLiteral(text) => format!("{:?}", text.val),
        E::VectorSelector(selector) => format!(
            "{{{}}}{}",
            their_series(selector),
            modifiers(their_offset(selector.offset.as_ref()), their_at(selector.at.as_ref()))
        ),
        E::MatrixSelector(matrix) => format!(
            "{{{}}}[{}]{}",
            their_series(&matrix.vs),
            millis(matrix.range),
            modifiers(their_offset(matrix.vs.offset.as_ref()), their_at(matrix.vs.at.as_ref()))
        ),
        E::Subquery(subquery) => format!(
            "({})[{}:{}]{}",
            of_theirs(&subquery.expr),
            millis(subquery.range),
            subquery.step.map_or(0, millis),
            modifiers(their_offset(subquery.offset.as_ref()), their_at(subquery.at.as_ref()))
        ),
        E::Unary(unary) => format!("(- {})", of_theirs(&unary.expr)),
        E::Paren(paren) => format!("(paren {})", of_theirs(&paren.expr)),
        E::Binary(binary) => {
            let modifier = binary.modifier.as_ref();
            let of_vectors = binary.lhs.value_type() == theirs::value::ValueType::Vector
                && binary.rhs.value_type() == theirs::value::ValueType::Vector;
            let cardinality = match modifier.map(|m| &m.card) {
                Some(theirs::VectorMatchCardinality::ManyToOne(labels)) => {
                    format!(" left {:?}", labels.labels)
                }
                Some(theirs::VectorMatchCardinality::OneToMany(labels)) => {
                    format!(" right {:?}", labels.labels)
                }
                _ => String::new(),
            };
            let on = match modifier.and_then(|m| m.matching.as_ref()).map(their_labels) {
                // Where there is nothing to match, or nothing ignored, the word says nothing.
                Some((include, labels))
                    if of_vectors && (include || !labels.is_empty() || !cardinality.is_empty()) =>
                {
                    format!(" {include} {labels:?}")
                }
                _ => String::new(),
            };
            let fill = modifier.map(|m| m.fill_values.clone()).unwrap_or_default();
            format!(
                "({} {}{}{on}{} {:?} {:?} {})",
                of_theirs(&binary.lhs),
                binary.op,
                if modifier.is_some_and(|m| m.return_bool) { " bool" } else { "" },
                if of_vectors { cardinality } else { String::new() },
                fill.lhs,
                fill.rhs,
                of_theirs(&binary.rhs)
            )
        }
        E::Aggregate(aggregate) => {
            let none = (true, &Vec::new());
            let (include, labels) = aggregate.modifier.as_ref().map_or(none, their_labels);
            format!(
                "({} {include} {labels:?} {} {})",
                aggregate.op,
                aggregate.param.as_ref().map(|p| of_theirs(p)).unwrap_or_default(),
                of_theirs(&aggregate.expr)
            )
        }
        E::Call(call) => {
            let args: Vec<String> = call.args.args.iter().map(|arg| of_theirs(arg)).collect();
            format!("({} {})", call.func.name, args.join(" "))
        }
        E::Extension(_) => panic!("an extension has no shape"),
    }
}
