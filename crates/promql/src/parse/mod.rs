//! Text to tree: an own lexer and a parser by operator precedence, which knows where every part stands.

mod checks;
mod durations;
mod grammar;
mod lexer;
mod literal;
mod message;
mod selector;

use assurance_metrics_model::Matcher;

use crate::ast::{Expr, ExprKind, VectorSelector};
use crate::error::{ParseError, ParseErrorKind};

pub(crate) use message::help;

/// Longest expression: 64 KiB. The longest of 1,182 published rules has 2 KiB.
pub const MAX_EXPRESSION_BYTES: usize = 1 << 16;

/// Most levels of a tree: each costs some kilobytes of stack at most, here and in evaluation, so that 256
/// levels stay below the 2 MiB a thread has. `a + b + c` has three levels, since it is `(a + b) + c`.
pub const MAX_DEPTH: usize = 256;

/// Which parts of the language may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Functions and aggregations that Prometheus has behind `promql-experimental-functions`.
    pub experimental_functions: bool,
}

impl Features {
    /// The whole language.
    pub const fn all() -> Self {
        Self { experimental_functions: true }
    }
}

/// Reads an expression, in the language that needs no feature to be enabled.
///
/// # Errors
/// With the place and the reason, if the text is no PromQL or is too large.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    parse_with(text, Features::default())
}

/// Reads an expression.
///
/// # Errors
/// With the place and the reason, if the text is no PromQL, is too large, or needs a feature that is not
/// among `features`.
pub fn parse_with(text: &str, features: Features) -> Result<Expr, ParseError> {
    if text.len() > MAX_EXPRESSION_BYTES {
        let kind = ParseErrorKind::TooLarge {
            what: "the expression's length in bytes",
            limit: MAX_EXPRESSION_BYTES,
        };
        return Err(ParseError { span: 0..text.len(), kind });
    }
    read(text, features).map_err(|fault| *fault)
}

fn read(text: &str, features: Features) -> Result<Expr, message::Fault> {
    let mut expr = grammar::Parser::new(text, features).whole()?;
    checks::check(&mut expr)?;
    Ok(expr)
}

/// Reads a series selector, as the API's `match[]` takes it.
///
/// # Errors
/// As [`parse`], and if the expression is anything but a plain selector.
pub fn parse_selector(text: &str) -> Result<Vec<Matcher>, ParseError> {
    let expr = parse(text)?;
    match expr.kind {
        ExprKind::Vector(VectorSelector { matchers, offset: None, at: None, ends: None }) => Ok(matchers),
        _ => {
            let message = format!(
                "expected a series selector such as up{{job=\"x\"}}, got {} expression",
                expr.value_type().described()
            );
            Err(*message::syntax(expr.span.bytes(), message))
        }
    }
}

/// Whether a word alone is not read as a metric's name.
pub(crate) fn is_reserved(word: &str) -> bool {
    use crate::ast::BinaryOp;
    use lexer::Word;
    matches!(
        lexer::meaning(word),
        None | Some(
            Word::Bool
                | Word::On
                | Word::Ignoring
                | Word::GroupLeft
                | Word::GroupRight
                | Word::Operator(BinaryOp::Atan2)
        )
    )
}
