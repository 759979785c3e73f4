//! How expressions print: canonical PromQL, which parses to the same tree.

use std::fmt;

use assurance_metrics_model::{Duration, METRIC_NAME, MatchOp, Quoted, format_float, is_legacy_label_name};

use crate::ast::*;

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

fn write_modifiers(f: &mut fmt::Formatter<'_>, at: Option<At>, offset: Duration) -> fmt::Result {
    match at {
        Some(At::Time(time)) => write!(f, " @ {:.3}", time.as_secs_f64())?,
        Some(At::Start) => f.write_str(" @ start()")?,
        Some(At::End) => f.write_str(" @ end()")?,
        None => {}
    }
    if offset.is_zero() { Ok(()) } else { write!(f, " offset {offset}") }
}

impl VectorSelector {
    fn write_series(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = self.matchers.iter().position(|m| {
            m.name() == METRIC_NAME
                && m.op() == MatchOp::Equal
                && assurance_metrics_model::is_legacy_metric_name(m.value())
                && !crate::lower::is_keyword(m.value())
        });
        if let Some(at) = bare {
            f.write_str(self.matchers[at].value())?;
            if self.matchers.len() == 1 {
                return Ok(());
            }
        }
        f.write_str("{")?;
        let rest = self.matchers.iter().enumerate().filter(|(n, _)| Some(*n) != bare);
        for (n, (_, matcher)) in rest.enumerate() {
            if n > 0 {
                f.write_str(",")?;
            }
            write!(f, "{}{}", Name(matcher.name()), matcher.op().as_str())?;
            write!(f, "{}", Quoted(matcher.value()))?;
        }
        f.write_str("}")
    }
}

impl fmt::Display for VectorSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_series(f)?;
        write_modifiers(f, self.at, self.offset)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => f.write_str(&format_float(*value)),
            Self::String(text) => write!(f, "{}", Quoted(text)),
            Self::Vector(selector) => selector.fmt(f),
            Self::Matrix(matrix) => {
                matrix.selector.write_series(f)?;
                write!(f, "[{}]", matrix.range)?;
                write_modifiers(f, matrix.selector.at, matrix.selector.offset)
            }
            Self::Subquery(subquery) => {
                write!(f, "{}[{}:", subquery.expr, subquery.range)?;
                if let Some(step) = subquery.step {
                    write!(f, "{step}")?;
                }
                f.write_str("]")?;
                write_modifiers(f, subquery.at, subquery.offset)
            }
            Self::Negate(inner) => write!(f, "-{inner}"),
            Self::Paren(inner) => write!(f, "({inner})"),
            Self::Binary(binary) => binary.fmt(f),
            Self::Aggregate(aggregate) => aggregate.fmt(f),
            Self::Call(call) => {
                write!(f, "{}(", call.function.name())?;
                for (n, arg) in call.args.iter().enumerate() {
                    write!(f, "{}{arg}", if n > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.left, self.op.as_str())?;
        if self.returns_bool {
            f.write_str(" bool")?;
        }
        let matching = &self.matching;
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
        write!(f, " {}", self.right)
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.op.as_str())?;
        if !self.grouping.include || !self.grouping.labels.is_empty() {
            f.write_str(if self.grouping.include { " by " } else { " without " })?;
            write_names(f, &self.grouping.labels)?;
            f.write_str(" ")?;
        }
        f.write_str("(")?;
        if let Some(param) = &self.param {
            write!(f, "{param}, ")?;
        }
        write!(f, "{})", self.expr)
    }
}
