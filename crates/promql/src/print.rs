//! How expressions print: canonical PromQL as Prometheus writes it, which parses to the same tree.

use std::fmt;

use assurance_metrics_model::{
    METRIC_NAME, MatchOp, Matcher, Quoted, format_float, is_legacy_label_name, is_legacy_metric_name,
};

use crate::ast::{
    Aggregate, At, Binary, BinaryOp, Call, Cardinality, DurationExpr, Expr, ExprKind, MatrixSelector,
    RangeEnds, Subquery, VectorSelector,
};
use crate::function::Kind;

struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_legacy_label_name(self.0) { f.write_str(self.0) } else { write!(f, "{}", Quoted(self.0)) }
    }
}

fn write_names(f: &mut fmt::Formatter<'_>, names: &[String]) -> fmt::Result {
    f.write_str("(")?;
    for (n, name) in names.iter().enumerate() {
        write!(f, "{}{}", if n > 0 { ", " } else { "" }, Name(name))?;
    }
    f.write_str(")")
}

fn write_at(f: &mut fmt::Formatter<'_>, at: Option<At>) -> fmt::Result {
    match at {
        Some(At::Time(time)) => write!(f, " @ {:.3}", time.as_secs_f64()),
        Some(At::Start) => f.write_str(" @ start()"),
        Some(At::End) => f.write_str(" @ end()"),
        None => Ok(()),
    }
}

fn write_offset(f: &mut fmt::Formatter<'_>, offset: Option<&DurationExpr>) -> fmt::Result {
    offset.map_or(Ok(()), |offset| write!(f, " offset {offset}"))
}

fn write_ends(f: &mut fmt::Formatter<'_>, ends: Option<RangeEnds>) -> fmt::Result {
    match ends {
        Some(RangeEnds::Anchored) => f.write_str(" anchored"),
        Some(RangeEnds::Smoothed) => f.write_str(" smoothed"),
        None => Ok(()),
    }
}

impl fmt::Display for DurationExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(length) => length.fmt(f),
            Self::Number(value) => f.write_str(&format_float(*value)),
            Self::Step => f.write_str("step()"),
            Self::Range => f.write_str("range()"),
            Self::Negate(inner) => write!(f, "-{inner}"),
            Self::Plus(inner) => write!(f, "+{inner}"),
            Self::Paren(inner) => write!(f, "({inner})"),
            Self::Binary { op, left, right } => write!(f, "{left} {} {right}", op.as_str()),
            Self::Min(left, right) => write!(f, "min_of({left}, {right})"),
            Self::Max(left, right) => write!(f, "max_of({left}, {right})"),
        }
    }
}

/// A matcher as it prints inside braces.
pub(crate) struct Inside<'a>(pub(crate) &'a Matcher);

impl fmt::Display for Inside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", Name(self.0.name()), self.0.op().as_str(), Quoted(self.0.value()))
    }
}

impl VectorSelector {
    /// The name, where it can stand before the braces: one name, which is not read as something else there.
    fn bare_name(&self) -> Option<usize> {
        let mut names = (0..).zip(&self.matchers).filter(|(_, matcher)| matcher.name() == METRIC_NAME);
        let (at, name) = names.next()?;
        let only = names.next().is_none();
        let bare = only
            && name.op() == MatchOp::Equal
            && is_legacy_metric_name(name.value())
            && !crate::parse::is_reserved(name.value());
        bare.then_some(at)
    }

    fn write_series(&self, f: &mut fmt::Formatter<'_>, bare: Option<usize>) -> fmt::Result {
        if let Some(at) = bare {
            f.write_str(self.matchers[at].value())?;
            if self.matchers.len() == 1 {
                return Ok(());
            }
        }
        f.write_str("{")?;
        let rest = self.matchers.iter().enumerate().filter(|(n, _)| Some(*n) != bare);
        for (n, (_, matcher)) in rest.enumerate() {
            write!(f, "{}{}", if n > 0 { "," } else { "" }, Inside(matcher))?;
        }
        f.write_str("}")
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, bare: Option<usize>) -> fmt::Result {
        self.write_series(f, bare)?;
        write_at(f, self.at)?;
        write_ends(f, self.ends)?;
        write_offset(f, self.offset.as_ref())
    }
}

impl fmt::Display for VectorSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, self.bare_name())
    }
}

impl fmt::Display for MatrixSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.selector.write_series(f, self.selector.bare_name())?;
        write!(f, "[{}]", self.range)?;
        write_ends(f, self.selector.ends)?;
        write_at(f, self.selector.at)?;
        write_offset(f, self.selector.offset.as_ref())
    }
}

/// The range of a subquery, and what stands behind it.
pub(crate) struct SubqueryTail<'a>(pub(crate) &'a Subquery);

impl fmt::Display for SubqueryTail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}:", self.0.range)?;
        if let Some(step) = &self.0.step {
            write!(f, "{step}")?;
        }
        f.write_str("]")?;
        write_at(f, self.0.at)?;
        write_offset(f, self.0.offset.as_ref())
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.function.name())?;
        for (n, arg) in self.args.iter().enumerate() {
            f.write_str(if n > 0 { ", " } else { "" })?;
            match &arg.kind {
                // Labels only: a name before the braces would be an error there.
                ExprKind::Vector(selector) if n == 1 && self.function.0 == Kind::Info => {
                    selector.write(f, None)?;
                }
                _ => arg.fmt(f)?,
            }
        }
        f.write_str(")")
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number(value) => f.write_str(&format_float(*value)),
            ExprKind::String(text) => write!(f, "{}", Quoted(text)),
            ExprKind::Vector(selector) => selector.fmt(f),
            ExprKind::Matrix(matrix) => matrix.fmt(f),
            ExprKind::Subquery(subquery) => write!(f, "{}{}", subquery.expr, SubqueryTail(subquery)),
            ExprKind::Negate(inner) => write!(f, "-{inner}"),
            ExprKind::Plus(inner) => write!(f, "+{inner}"),
            ExprKind::Paren(inner) => write!(f, "({inner})"),
            ExprKind::Binary(binary) => {
                match binary.left.kind {
                    // A sign would be read as that of the power.
                    ExprKind::Number(f64::INFINITY) if binary.op == BinaryOp::Pow => f.write_str("Inf")?,
                    _ => binary.left.fmt(f)?,
                }
                write!(f, " {} {}", BinaryHead(binary), binary.right)
            }
            ExprKind::Aggregate(aggregate) => {
                write!(f, "{}(", AggregateHead(aggregate))?;
                if let Some(param) = &aggregate.param {
                    write!(f, "{param}, ")?;
                }
                write!(f, "{})", aggregate.expr)
            }
            ExprKind::Call(call) => call.fmt(f),
        }
    }
}

/// An operator and how its sides are matched.
pub(crate) struct BinaryHead<'a>(pub(crate) &'a Binary);

impl fmt::Display for BinaryHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.op.as_str())?;
        if self.0.returns_bool {
            f.write_str(" bool")?;
        }
        let matching = &self.0.matching;
        if matching.explicit {
            f.write_str(if matching.grouping.include { " on " } else { " ignoring " })?;
            write_names(f, &matching.grouping.labels)?;
        }
        let side = match matching.cardinality {
            Cardinality::ManyToOne => " group_left ",
            Cardinality::OneToMany => " group_right ",
            Cardinality::OneToOne | Cardinality::ManyToMany => "",
        };
        if !side.is_empty() {
            f.write_str(side)?;
            write_names(f, &matching.copied)?;
        }
        match (matching.fill_left, matching.fill_right) {
            (Some(left), Some(right)) if left.to_bits() == right.to_bits() => {
                write!(f, " fill ({})", format_float(left))
            }
            (left, right) => {
                left.map_or(Ok(()), |value| write!(f, " fill_left ({})", format_float(value)))?;
                right.map_or(Ok(()), |value| write!(f, " fill_right ({})", format_float(value)))
            }
        }
    }
}

/// An aggregation's operator and grouping.
pub(crate) struct AggregateHead<'a>(pub(crate) &'a Aggregate);

impl fmt::Display for AggregateHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.op.as_str())?;
        let grouping = &self.0.grouping;
        if !grouping.include || !grouping.labels.is_empty() {
            f.write_str(if grouping.include { " by " } else { " without " })?;
            write_names(f, &grouping.labels)?;
            f.write_str(" ")?;
        }
        Ok(())
    }
}
