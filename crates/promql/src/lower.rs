//! The one door to promql-parser: its tree goes in, ours comes out, or the construct we cannot evaluate.

use std::ops::Range;
use std::time::{Duration as StdDuration, UNIX_EPOCH};

use assurance_metrics_model::{Duration, METRIC_NAME, MatchOp, Matcher, Timestamp};
use promql_parser::label as theirs_label;
use promql_parser::parser as theirs;

use crate::ast::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Call, Cardinality, Expr, Grouping, MatrixSelector,
    Subquery, ValueType, VectorMatching, VectorSelector,
};
use crate::error::{ParseError, ParseErrorKind};
use crate::function::Function;
use crate::literals;

/// Longest expression: 64 KiB. The longest of 1,182 published rules has 2 KiB.
pub const MAX_EXPRESSION_BYTES: usize = 1 << 16;

/// Deepest nesting of a tree: each level costs some hundred bytes of stack here and in evaluation, so that 256
/// levels stay far below the 2 MiB a thread has.
pub const MAX_DEPTH: usize = 256;

/// What promql-parser says where it has nothing to say.
const SAYS_NOTHING: &str = "invalid promql query";

/// Reads an expression.
///
/// # Errors
/// With the place and the reason, if the text is no PromQL, is too large, or has a construct that this engine
/// does not evaluate.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    let whole = 0..text.len();
    if text.len() > MAX_EXPRESSION_BYTES {
        let kind = ParseErrorKind::TooLarge {
            what: "the expression's length in bytes",
            limit: MAX_EXPRESSION_BYTES,
        };
        return Err(ParseError { span: whole, kind });
    }
    check_brackets(text)?;
    if let Some((span, message)) = literals::first_fault(text) {
        return Err(ParseError { span, kind: ParseErrorKind::Syntax { message } });
    }
    let tree = theirs::parse(text).map_err(|message| {
        let (span, message) = place(text, message);
        let message = in_prometheus_words(&message);
        ParseError { span, kind: ParseErrorKind::Syntax { message } }
    })?;
    lower(&tree, 0).map_err(|kind| {
        let span = match &kind {
            ParseErrorKind::Unsupported { construct } => {
                quoted(construct).and_then(|word| find_word(text, word))
            }
            _ => None,
        };
        ParseError { span: span.unwrap_or(whole), kind }
    })
}

/// Reads a series selector, as the API's `match[]` takes it.
///
/// # Errors
/// As [`parse`], and if the expression is anything but a plain selector.
pub fn parse_selector(text: &str) -> Result<Vec<Matcher>, ParseError> {
    match parse(text)? {
        Expr::Vector(VectorSelector { matchers, offset, at: None }) if offset.is_zero() => Ok(matchers),
        other => {
            let message = format!(
                "expected a series selector such as up{{job=\"x\"}}, got {} expression",
                other.value_type().described()
            );
            Err(ParseError { span: 0..text.len(), kind: ParseErrorKind::Syntax { message } })
        }
    }
}

/// Words that cannot be written as a bare metric name everywhere.
pub(crate) fn is_keyword(word: &str) -> bool {
    const KEYWORDS: [&str; 17] = [
        "and",
        "or",
        "unless",
        "atan2",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "bool",
        "offset",
        "start",
        "end",
        "inf",
        "nan",
        "step",
    ];
    let lower = word.to_ascii_lowercase();
    KEYWORDS.contains(&lower.as_str()) || AggregateOp::ALL.iter().any(|op| op.as_str() == lower)
}

/// Finds the first bracket, brace or quote that has no partner, and too deep a nesting.
fn check_brackets(text: &str) -> Result<(), ParseError> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut chars = text.char_indices();
    let syntax = |span, message: String| Err(ParseError { span, kind: ParseErrorKind::Syntax { message } });
    while let Some((at, c)) = chars.next() {
        match c {
            '"' | '\'' | '`' => {
                let mut closed = false;
                while let Some((_, inner)) = chars.next() {
                    if inner == '\\' && c != '`' {
                        chars.next();
                    } else if inner == c {
                        closed = true;
                        break;
                    } else if inner == '\n' && c != '`' {
                        break;
                    }
                }
                if !closed {
                    return syntax(at..at + 1, "unterminated quoted string".to_owned());
                }
            }
            '#' => {
                for (_, c) in chars.by_ref() {
                    if c == '\n' {
                        break;
                    }
                }
            }
            '(' | '[' | '{' => {
                open.push((at, c));
                if open.len() > MAX_DEPTH {
                    let kind = ParseErrorKind::TooLarge { what: "nesting depth", limit: MAX_DEPTH };
                    return Err(ParseError { span: at..at + 1, kind });
                }
            }
            ')' | ']' | '}' => {
                let partner = match c {
                    ')' => '(',
                    ']' => '[',
                    _ => '{',
                };
                if open.pop().is_none_or(|(_, o)| o != partner) {
                    return syntax(at..at + 1, format!("unexpected {c:?}: it closes nothing that is open"));
                }
            }
            _ => {}
        }
    }
    match open.pop() {
        Some((at, c)) => {
            let name = match c {
                '(' => "parenthesis",
                '[' => "bracket",
                _ => "brace",
            };
            syntax(at..at + 1, format!("unclosed left {name}"))
        }
        None => Ok(()),
    }
}

/// Prometheus's names of the types, where promql-parser prints its own.
fn in_prometheus_words(message: &str) -> String {
    let mut out = message.to_owned();
    for (theirs, ours) in [("matrix", "range vector"), ("vector", "instant vector")] {
        for before in ["expected type ", "got ", "on type "] {
            out = out.replace(&format!("{before}{theirs}"), &format!("{before}{ours}"));
        }
    }
    out
}

/// Where the parser's message points, by the names in it, and the message in our words where it says nothing.
fn place(text: &str, message: String) -> (Range<usize>, String) {
    let trimmed = text.trim_end();
    let by_name = quoted(&message).and_then(|word| find_word(text, word));
    if let Some(span) = by_name {
        return (span, message);
    }
    if message != SAYS_NOTHING {
        return (0..text.len(), message);
    }
    if trimmed.is_empty() {
        return (0..text.len(), "no expression found in input".to_owned());
    }
    let operator =
        ["+", "-", "*", "/", "%", "^", "=", "<", ">", "!", ","].iter().find(|op| trimmed.ends_with(**op));
    let last_word = trimmed.rsplit(|c: char| c.is_whitespace() || c == ')').next().unwrap_or(trimmed);
    let ends_open = operator.is_some() || is_keyword(last_word);
    if ends_open {
        return (trimmed.len()..trimmed.len(), "unexpected end of input: an operand is missing".to_owned());
    }
    let at = longest_prefix(text);
    let rest = &text[at..];
    let skipped = rest.len() - rest.trim_start().len();
    let start = at + skipped;
    let length = text[start..]
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .unwrap_or(text.len() - start);
    let end = start + length.max(text[start..].chars().next().map_or(0, char::len_utf8));
    if start >= end {
        return (0..text.len(), "not a PromQL expression".to_owned());
    }
    (start..end, format!("unexpected {:?}", &text[start..end]))
}

/// The end of the longest prefix, cut where a word begins or ends, that is an expression by itself.
fn longest_prefix(text: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '.';
    let mut before = ' ';
    let mut cuts: Vec<usize> = Vec::new();
    for (at, c) in text.char_indices() {
        if !(is_word(before) && is_word(c)) {
            cuts.push(at);
        }
        before = c;
    }
    // Every try costs a parse: the last hundred cuts are enough to find the place in a line.
    let valid = cuts.iter().rev().take(100).find(|at| theirs::parse(&text[..**at]).is_ok());
    valid.copied().unwrap_or(0)
}

/// The first word in single or double quotes of a message.
fn quoted(message: &str) -> Option<&str> {
    let start = message.find(['\'', '"', '`'])?;
    let quote = message[start..].chars().next()?;
    let rest = &message[start + 1..];
    rest.find(quote).map(|end| &rest[..end]).filter(|word| !word.is_empty())
}

fn find_word(text: &str, word: &str) -> Option<Range<usize>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    text.match_indices(word)
        .find(|(at, _)| {
            let before = text[..*at].chars().next_back().is_some_and(is_word);
            let after = text[at + word.len()..].chars().next().is_some_and(is_word);
            !(before && word.starts_with(is_word) || after && word.ends_with(is_word))
        })
        .map(|(at, _)| at..at + word.len())
}

/// What was probably meant by an unknown function name.
pub(crate) fn suggestion(message: &str) -> Option<String> {
    let word = quoted(message).filter(|_| message.contains("function"))?;
    let known = Function::names().chain(AggregateOp::ALL.map(AggregateOp::as_str));
    assurance_diagnostics::suggest(word, known).map(|near| format!("did you mean `{near}`?"))
}

fn unsupported<T>(construct: impl Into<String>) -> Result<T, ParseErrorKind> {
    Err(ParseErrorKind::Unsupported { construct: construct.into() })
}

fn lower(tree: &theirs::Expr, depth: usize) -> Result<Expr, ParseErrorKind> {
    if depth > MAX_DEPTH {
        return Err(ParseErrorKind::TooLarge { what: "nesting depth", limit: MAX_DEPTH });
    }
    let next = depth + 1;
    Ok(match tree {
        theirs::Expr::NumberLiteral(number) => Expr::Number(number.val),
        theirs::Expr::StringLiteral(text) => Expr::String(text.val.clone()),
        theirs::Expr::VectorSelector(selector) => Expr::Vector(vector_selector(selector)?),
        theirs::Expr::MatrixSelector(matrix) => Expr::Matrix(MatrixSelector {
            selector: vector_selector(&matrix.vs)?,
            range: duration(matrix.range)?,
        }),
        theirs::Expr::Subquery(subquery) => Expr::Subquery(Box::new(Subquery {
            expr: lower(&subquery.expr, next)?,
            range: duration(subquery.range)?,
            step: subquery.step.map(duration).transpose()?,
            offset: offset(subquery.offset.as_ref())?,
            at: subquery.at.as_ref().map(at).transpose()?,
        })),
        theirs::Expr::Unary(unary) => Expr::Negate(Box::new(lower(&unary.expr, next)?)),
        theirs::Expr::Paren(paren) => Expr::Paren(Box::new(lower(&paren.expr, next)?)),
        theirs::Expr::Binary(binary) => Expr::Binary(Box::new(lower_binary(binary, next)?)),
        theirs::Expr::Aggregate(aggregate) => Expr::Aggregate(Box::new(lower_aggregate(aggregate, next)?)),
        theirs::Expr::Call(call) => {
            let Some(function) = Function::named(call.func.name) else {
                return unsupported(format!("function `{}`", call.func.name));
            };
            check_types(&call.args.args, &call.func.arg_types, call.func.name)?;
            let args = call.args.args.iter().map(|arg| lower(arg, next)).collect::<Result<_, _>>()?;
            Expr::Call(Call { function, args })
        }
        theirs::Expr::Extension(_) => return unsupported("an extension expression"),
    })
}

fn lower_binary(binary: &theirs::BinaryExpr, depth: usize) -> Result<Binary, ParseErrorKind> {
    let op = match binary.op.to_string().as_str() {
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Sub,
        "*" => BinaryOp::Mul,
        "/" => BinaryOp::Div,
        "%" => BinaryOp::Mod,
        "^" => BinaryOp::Pow,
        "atan2" => BinaryOp::Atan2,
        "==" => BinaryOp::Eq,
        "!=" => BinaryOp::Ne,
        ">" => BinaryOp::Gt,
        "<" => BinaryOp::Lt,
        ">=" => BinaryOp::Ge,
        "<=" => BinaryOp::Le,
        "and" => BinaryOp::And,
        "or" => BinaryOp::Or,
        "unless" => BinaryOp::Unless,
        other => return unsupported(format!("operator `{other}`")),
    };
    let mut returns_bool = false;
    let mut matching = VectorMatching {
        cardinality: if op.is_set() { Cardinality::ManyToMany } else { Cardinality::OneToOne },
        grouping: Grouping { labels: Vec::new(), include: false },
        explicit: false,
        copied: Vec::new(),
    };
    if let Some(modifier) = &binary.modifier {
        returns_bool = modifier.return_bool;
        if modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some() {
            return unsupported("the modifier `fill`");
        }
        if let Some(labels) = &modifier.matching {
            matching.explicit = true;
            matching.grouping = match labels {
                theirs::LabelModifier::Include(names) => {
                    Grouping { labels: names.labels.clone(), include: true }
                }
                theirs::LabelModifier::Exclude(names) => {
                    Grouping { labels: names.labels.clone(), include: false }
                }
            };
        }
        match &modifier.card {
            theirs::VectorMatchCardinality::ManyToOne(names) => {
                matching.cardinality = Cardinality::ManyToOne;
                matching.copied.clone_from(&names.labels);
            }
            theirs::VectorMatchCardinality::OneToMany(names) => {
                matching.cardinality = Cardinality::OneToMany;
                matching.copied.clone_from(&names.labels);
            }
            theirs::VectorMatchCardinality::OneToOne | theirs::VectorMatchCardinality::ManyToMany => {}
        }
    }
    let (left, right) = (lower(&binary.lhs, depth)?, lower(&binary.rhs, depth)?);
    let both_scalar = left.value_type() == ValueType::Scalar && right.value_type() == ValueType::Scalar;
    if op.is_comparison() && both_scalar && !returns_bool {
        return Err(ParseErrorKind::Syntax {
            message: "comparisons between scalars must use BOOL modifier".to_owned(),
        });
    }
    Ok(Binary { op, left, right, returns_bool, matching })
}

/// promql-parser lets `exp(NaN)`, `ln(-1)` and their like pass with a number for a vector.
fn check_types(
    args: &[Box<theirs::Expr>],
    wanted: &[theirs::value::ValueType],
    name: &str,
) -> Result<(), ParseErrorKind> {
    let wanted = wanted.iter().chain(std::iter::repeat_n(wanted.last(), args.len()).flatten());
    match args.iter().zip(wanted).find(|(arg, wanted)| arg.value_type() != **wanted) {
        None => Ok(()),
        Some((arg, wanted)) => {
            let got = arg.value_type();
            let message = format!("expected type {wanted} in call to function '{name}', got {got}");
            Err(ParseErrorKind::Syntax { message: in_prometheus_words(&message) })
        }
    }
}

fn lower_aggregate(aggregate: &theirs::AggregateExpr, depth: usize) -> Result<Aggregate, ParseErrorKind> {
    let name = aggregate.op.to_string();
    let Some(op) = AggregateOp::ALL.into_iter().find(|op| op.as_str() == name) else {
        return unsupported(format!("aggregation `{name}`"));
    };
    let grouping = match &aggregate.modifier {
        None => Grouping { labels: Vec::new(), include: true },
        Some(theirs::LabelModifier::Include(names)) => {
            Grouping { labels: names.labels.clone(), include: true }
        }
        Some(theirs::LabelModifier::Exclude(names)) => {
            Grouping { labels: names.labels.clone(), include: false }
        }
    };
    let param = aggregate.param.as_ref().map(|param| lower(param, depth)).transpose()?;
    // promql-parser checks the others itself, but neither `limitk` nor `limit_ratio`.
    let is_limit = matches!(op, AggregateOp::Limitk | AggregateOp::LimitRatio);
    if let Some(got) = param.as_ref().map(Expr::value_type).filter(|t| is_limit && *t != ValueType::Scalar) {
        let message = format!("expected type scalar in aggregation parameter, got {}", got.described());
        return Err(ParseErrorKind::Syntax { message });
    }
    Ok(Aggregate { op, expr: lower(&aggregate.expr, depth)?, param, grouping })
}

fn vector_selector(selector: &theirs::VectorSelector) -> Result<VectorSelector, ParseErrorKind> {
    if !selector.matchers.or_matchers.is_empty() {
        return unsupported("alternatives with `or` inside a selector");
    }
    let mut matchers = Vec::with_capacity(selector.matchers.matchers.len() + 1);
    matchers.extend(selector.name.as_ref().map(|name| Matcher::equal(METRIC_NAME, name)));
    for matcher in &selector.matchers.matchers {
        let op = match matcher.op {
            theirs_label::MatchOp::Equal => MatchOp::Equal,
            theirs_label::MatchOp::NotEqual => MatchOp::NotEqual,
            theirs_label::MatchOp::Re(_) => MatchOp::Regex,
            theirs_label::MatchOp::NotRe(_) => MatchOp::NotRegex,
        };
        let lowered = Matcher::new(&matcher.name, op, &matcher.value)
            .map_err(|error| ParseErrorKind::Syntax { message: error.to_string() })?;
        matchers.push(lowered);
    }
    Ok(VectorSelector {
        matchers,
        offset: offset(selector.offset.as_ref())?,
        at: selector.at.as_ref().map(at).transpose()?,
    })
}

fn duration(value: StdDuration) -> Result<Duration, ParseErrorKind> {
    let millis = i64::try_from(value.as_millis())
        .map_err(|_too_long| ParseErrorKind::Syntax { message: "duration out of range".to_owned() })?;
    Ok(Duration::from_millis(millis))
}

fn offset(offset: Option<&theirs::Offset>) -> Result<Duration, ParseErrorKind> {
    Ok(match offset {
        None => Duration::ZERO,
        Some(theirs::Offset::Pos(value)) => duration(*value)?,
        Some(theirs::Offset::Neg(value)) => -duration(*value)?,
    })
}

fn at(at: &theirs::AtModifier) -> Result<At, ParseErrorKind> {
    Ok(match at {
        theirs::AtModifier::Start => At::Start,
        theirs::AtModifier::End => At::End,
        theirs::AtModifier::At(time) => At::Time(match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Timestamp::EPOCH + duration(since)?,
            Err(before) => Timestamp::EPOCH - duration(before.duration())?,
        }),
    })
}
