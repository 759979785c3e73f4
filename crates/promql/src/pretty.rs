//! Expressions over several lines, as Prometheus's `/api/v1/format_query` lays them out.

use std::fmt::Write as _;

use crate::ast::{Expr, ExprKind};
use crate::print::{AggregateHead, BinaryHead, SubqueryTail};

/// Longest line that is left in one piece.
const LINE: usize = 100;

impl Expr {
    /// This expression with every part that has more than 100 characters split over lines, each level two
    /// blanks further in.
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        lay_out(self, 0, &mut out);
        out
    }
}

fn indent(level: usize, out: &mut String) {
    (0..level).for_each(|_| out.push_str("  "));
}

fn lay_out(expr: &Expr, level: usize, out: &mut String) {
    let line = expr.to_string();
    // A sign stands before its operand, however that is laid out; the others are split only where long.
    let is_signed = matches!(expr.kind, ExprKind::Negate(_) | ExprKind::Plus(_));
    if line.len() <= LINE && !is_signed {
        // Upstream's printer gives a short subquery no indentation.
        if !matches!(expr.kind, ExprKind::Subquery(_)) {
            indent(level, out);
        }
        out.push_str(&line);
        return;
    }
    match &expr.kind {
        ExprKind::Negate(inner) | ExprKind::Plus(inner) => {
            indent(level, out);
            out.push(if matches!(expr.kind, ExprKind::Negate(_)) { '-' } else { '+' });
            let mut operand = String::new();
            lay_out(inner, level, &mut operand);
            out.push_str(operand.trim());
        }
        ExprKind::Paren(inner) => {
            indent(level, out);
            out.push_str("(\n");
            lay_out(inner, level + 1, out);
            close(level, out);
        }
        ExprKind::Binary(binary) => {
            lay_out(&binary.left, level + 1, out);
            out.push('\n');
            indent(level, out);
            let _infallible = writeln!(out, "{}", BinaryHead(binary));
            lay_out(&binary.right, level + 1, out);
        }
        ExprKind::Aggregate(aggregate) => {
            indent(level, out);
            let _infallible = writeln!(out, "{}(", AggregateHead(aggregate));
            if let Some(param) = &aggregate.param {
                lay_out(param, level + 1, out);
                out.push_str(",\n");
            }
            lay_out(&aggregate.expr, level + 1, out);
            close(level, out);
        }
        ExprKind::Call(call) => {
            indent(level, out);
            let _infallible = writeln!(out, "{}(", call.function.name());
            for (n, arg) in call.args.iter().enumerate() {
                if n > 0 {
                    out.push_str(",\n");
                }
                lay_out(arg, level + 1, out);
            }
            close(level, out);
        }
        ExprKind::Subquery(subquery) => {
            lay_out(&subquery.expr, level, out);
            let _infallible = write!(out, "{}", SubqueryTail(subquery));
        }
        ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Vector(_) | ExprKind::Matrix(_) => {
            indent(level, out);
            out.push_str(&line);
        }
    }
}

fn close(level: usize, out: &mut String) {
    out.push('\n');
    indent(level, out);
    out.push(')');
}
