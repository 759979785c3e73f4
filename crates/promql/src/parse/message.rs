//! The words of errors: Prometheus's own where it has any, since its clients know them; and what to do.

use std::ops::Range;

use crate::ast::AggregateOp;
use crate::error::{ParseError, ParseErrorKind};
use crate::function::Function;

use super::lexer::{Kind, Word};

/// An error in a small place: what may nest deeply hands it on at every level.
pub(super) type Fault = Box<ParseError>;

/// A fault at `span`.
#[cold]
pub(super) fn syntax(span: Range<usize>, message: impl Into<String>) -> Fault {
    Box::new(ParseError { span, kind: ParseErrorKind::Syntax { message: message.into() } })
}

/// What reads, and could never be evaluated.
pub(super) fn evaluation(span: Range<usize>, message: impl Into<String>) -> Fault {
    Box::new(ParseError { span, kind: ParseErrorKind::Evaluation { message: message.into() } })
}

/// A character as Go's `%q` prints it.
pub(super) fn quoted_char(c: char) -> String {
    // Rust escapes a double quote in a character too.
    if c == '"' { "'\"'".to_owned() } else { format!("{c:?}") }
}

/// Longest piece of a text that is shown in a message.
const SHOWN: usize = 10;

/// What a token is called in `unexpected …`.
pub(super) fn described(kind: Kind, text: &str) -> String {
    let quoted = || match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{:?}...", &text[..at]),
        None => format!("{text:?}"),
    };
    match kind {
        Kind::End => "end of input".to_owned(),
        Kind::Operator(op) => format!("<op:{}>", op.as_str()),
        Kind::At => "<op:@>".to_owned(),
        Kind::Matches | Kind::MatchesNot => format!("<op:{text}>"),
        Kind::Number => format!("number {}", quoted()),
        Kind::Duration => format!("duration {}", quoted()),
        Kind::String => format!("string {}", quoted()),
        Kind::Metric => format!("metric identifier {text:?}"),
        Kind::Word(Word::Plain | Word::MinOf | Word::MaxOf) => format!("identifier {text:?}"),
        Kind::Word(Word::Operator(_)) => format!("<op:{text}>"),
        Kind::Word(Word::Aggregate(_)) => format!("<aggr:{text}>"),
        Kind::Word(Word::Start | Word::End | Word::Step | Word::Range) => quoted(),
        Kind::Word(_) => format!("<{text}>"),
        _ => quoted(),
    }
}

/// The first word in double quotes of a message.
fn quoted(message: &str) -> Option<&str> {
    let rest = &message[message.find('"')? + 1..];
    rest.find('"').map(|end| &rest[..end]).filter(|word| !word.is_empty())
}

/// What to do about a fault, where its message is one that has an answer.
pub(crate) fn help(message: &str) -> Option<String> {
    if message.starts_with("unknown function") {
        let known = Function::names().chain(AggregateOp::ALL.map(AggregateOp::as_str));
        let near = assurance_diagnostics::suggest(quoted(message)?, known)?;
        return Some(format!("did you mean `{near}`?"));
    }
    let says = |part: &str| message.contains(part);
    let help = if message == "unexpected end of input" {
        "the expression stops where an operand is wanted"
    } else if message.starts_with("unexpected right parenthesis") {
        "it closes nothing that is open"
    } else if says("expected type range vector") && says("got instant vector") {
        "a range is missing: add how far to look back, such as [5m]"
    } else if says("expected type instant vector") && says("got range vector") {
        "leave the range out, or put a function such as rate() around it"
    } else if says("expected type instant vector") && says("got scalar") {
        "vector() makes an instant vector of a number"
    } else if says("comparisons between scalars must use BOOL modifier") {
        "write `bool` after the operator"
    } else if says("at least one non-empty matcher") {
        "name the metric, or a label that must be there: otherwise every series is read"
    } else if says("is not enabled") || says("is experimental and must be enabled") {
        "experimental functions must be enabled first"
    } else if message.starts_with("bad number or duration syntax") {
        "write a number, or whole numbers with the units y, w, d, h, m, s, ms, such as 1h30m"
    } else if says("modifier must be preceded by") {
        "write it right after the selector, inside of any function and parentheses"
    } else {
        return None;
    };
    Some(help.to_owned())
}
