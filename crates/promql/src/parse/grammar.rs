//! Expressions: what stands first, what binds how strongly, and what belongs to a call.

use std::ops::Range;

use assurance_metrics_model::Duration;

use crate::ast::{
    Aggregate, AggregateOp, Binary, BinaryOp, Call, Cardinality, Expr, ExprKind, Grouping, Span,
    VectorMatching,
};
use crate::error::{ParseError, ParseErrorKind};
use crate::function::{self, Function};

use super::lexer::{Kind, Lexer, Token, Word, meaning};
use super::message::{Fault, described, evaluation, syntax};
use super::{Features, MAX_DEPTH, literal};

/// How strongly an operator binds.
const fn strength(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And | BinaryOp::Unless => 2,
        BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Gt
        | BinaryOp::Lt
        | BinaryOp::Ge
        | BinaryOp::Le
        | BinaryOp::TrimUpper
        | BinaryOp::TrimLower => 3,
        BinaryOp::Add | BinaryOp::Sub => 4,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod | BinaryOp::Atan2 => SIGN,
        BinaryOp::Pow => POWER,
    }
}

/// A sign binds as `*` does, so that `-1^2` is `-(1^2)`.
pub(super) const SIGN: u8 = 5;
pub(super) const POWER: u8 = 6;

/// The least strength that an operator's right operand is read with.
pub(super) const fn right_strength(op: BinaryOp) -> u8 {
    if matches!(op, BinaryOp::Pow) { POWER } else { strength(op) + 1 }
}

pub(super) const fn binds(op: BinaryOp, least: u8) -> bool {
    strength(op) >= least
}

/// An expression, and how many levels its tree has.
pub(super) struct Parsed {
    pub(super) expr: Box<Expr>,
    pub(super) height: usize,
}

/// Whose arguments are being read.
#[derive(Clone, Copy)]
enum Callee<'a> {
    Function(&'a str),
    Aggregate(AggregateOp),
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    lexer: Lexer<'a>,
    /// The token that is looked at.
    pub(super) token: Token,
    /// Where the token before it ended.
    pub(super) last_end: usize,
    /// Why the token is none, where it is not.
    fault: Option<Fault>,
    /// How many levels are being read.
    depth: usize,
    /// How many of them are aggregations.
    aggregations: usize,
    features: Features,
    /// Where each line starts, but the first.
    lines: Vec<usize>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, features: Features) -> Self {
        let lexer = Lexer::new(text);
        let token = Token { kind: Kind::Fault, start: 0, end: 0 };
        let lines = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        let mut parser =
            Self { text, lexer, token, last_end: 0, fault: None, depth: 0, aggregations: 0, features, lines };
        parser.advance();
        parser
    }

    /// The whole text, which is one expression.
    pub(super) fn whole(mut self) -> Result<Expr, Fault> {
        if self.token.kind == Kind::End {
            return Err(syntax(0..self.text.len(), "no expression found in input"));
        }
        let parsed = self.expression(0)?;
        if self.token.kind == Kind::End { Ok(*parsed.expr) } else { Err(self.unexpected("", "")) }
    }

    // Tokens.

    /// Goes on to the next token. What is no token is a fault once it is wanted: one that the parser sees
    /// before comes first.
    pub(super) fn advance(&mut self) -> Token {
        let next = self.lexer.next().unwrap_or_else(|fault| {
            let (start, end) = (fault.span.start, fault.span.end);
            self.fault = Some(fault);
            Token { kind: Kind::Fault, start, end }
        });
        self.last_end = self.token.end;
        std::mem::replace(&mut self.token, next)
    }

    /// Goes on if the token is of this kind.
    pub(super) fn eat(&mut self, kind: Kind) -> bool {
        let found = self.token.kind == kind;
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect(&mut self, kind: Kind, place: &str, wanted: &str) -> Result<(), Fault> {
        if self.eat(kind) { Ok(()) } else { Err(self.unexpected(place, wanted)) }
    }

    pub(super) fn cut(&self, token: Token) -> &'a str {
        &self.text[token.start..token.end]
    }

    /// The token cannot stand here.
    #[cold]
    pub(super) fn unexpected(&self, place: &str, wanted: &str) -> Fault {
        if let Some(fault) = &self.fault {
            return fault.clone();
        }
        let mut message = format!("unexpected {}", described(self.token.kind, self.cut(self.token)));
        let place = if place.is_empty() && self.aggregations > 0 { "aggregation" } else { place };
        for (before, part) in [(" in ", place), (", expected ", wanted)] {
            if !part.is_empty() {
                message.push_str(before);
                message.push_str(part);
            }
        }
        syntax(self.token.start..self.token.end, message)
    }

    /// From a byte to the end of the token before this one.
    pub(super) fn span_from(&self, start: usize) -> Span {
        self.span(start..self.last_end)
    }

    #[expect(clippy::cast_possible_truncation, reason = "an expression has 64 KiB at most")]
    pub(super) fn span(&self, bytes: Range<usize>) -> Span {
        let line = self.lines.partition_point(|at| *at <= bytes.start);
        let before = if line == 0 { 0 } else { self.lines[line - 1] };
        Span {
            start: bytes.start as u32,
            end: bytes.end as u32,
            line: line as u32 + 1,
            column: (bytes.start - before) as u32 + 1,
        }
    }

    // Levels.

    pub(super) fn enter(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        self.bounded(self.depth, self.token.start..self.token.end).map(drop)
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// A number of levels, where it is not too large.
    #[expect(clippy::unused_self, reason = "stands among its kin")]
    pub(super) fn bounded(&self, levels: usize, span: Range<usize>) -> Result<usize, Fault> {
        if levels <= MAX_DEPTH {
            return Ok(levels);
        }
        let kind = ParseErrorKind::TooLarge { what: "nesting depth", limit: MAX_DEPTH };
        Err(Box::new(ParseError { span, kind }))
    }

    /// A node from `start` to the last token.
    pub(super) fn node(&self, kind: ExprKind, start: usize, below: usize) -> Result<Parsed, Fault> {
        let height = self.bounded(below + 1, start..self.last_end)?;
        Ok(Parsed { expr: Box::new(Expr { kind, span: self.span_from(start) }), height })
    }

    // Operators.

    /// An expression of operators that bind at least as strongly as `least`.
    fn expression(&mut self, least: u8) -> Result<Parsed, Fault> {
        self.enter()?;
        let mut left = self.operand()?;
        loop {
            let op = match self.token.kind {
                Kind::Operator(op) | Kind::Word(Word::Operator(op)) if binds(op, least) => op,
                _ => break,
            };
            left = self.binary(left, op)?;
        }
        self.leave();
        Ok(left)
    }

    fn binary(&mut self, left: Parsed, op: BinaryOp) -> Result<Parsed, Fault> {
        let token = self.advance();
        let op_span = self.span(token.start..token.end);
        let (returns_bool, matching) = self.modifiers(op)?;
        let right = self.expression(right_strength(op))?;
        let start = left.expr.span.start as usize;
        let below = left.height.max(right.height);
        let (left, right) = (*left.expr, *right.expr);
        let binary = Box::new(Binary { op, left, right, op_span, returns_bool, matching });
        self.node(ExprKind::Binary(binary), start, below)
    }

    /// `bool`, `on`, `group_left`, `fill` and their kin, after an operator.
    fn modifiers(&mut self, op: BinaryOp) -> Result<(bool, VectorMatching), Fault> {
        let mut matching = VectorMatching {
            cardinality: if op.is_set() { Cardinality::ManyToMany } else { Cardinality::OneToOne },
            grouping: Grouping { labels: Vec::new(), include: false },
            explicit: false,
            copied: Vec::new(),
            fill_left: None,
            fill_right: None,
        };
        let returns_bool = self.eat(Kind::Word(Word::Bool));
        if let Kind::Word(word @ (Word::On | Word::Ignoring)) = self.token.kind {
            self.advance();
            matching.grouping = Grouping { labels: self.grouping_labels()?, include: word == Word::On };
            matching.explicit = true;
            if let Kind::Word(word @ (Word::GroupLeft | Word::GroupRight)) = self.token.kind {
                self.advance();
                matching.cardinality =
                    if word == Word::GroupLeft { Cardinality::ManyToOne } else { Cardinality::OneToMany };
                if self.token.kind == Kind::LeftParen {
                    matching.copied = self.grouping_labels()?;
                }
            }
        }
        self.fills(&mut matching)?;
        Ok((returns_bool, matching))
    }

    /// `fill(0)`, or `fill_left(0)` and `fill_right(0)`. Without a parenthesis these are metrics' names.
    fn fills(&mut self, matching: &mut VectorMatching) -> Result<(), Fault> {
        while let Kind::Word(word @ (Word::Fill | Word::FillLeft | Word::FillRight)) = self.token.kind {
            if !self.is_called() {
                break;
            }
            let given = match word {
                Word::Fill => matching.fill_left.is_some() || matching.fill_right.is_some(),
                Word::FillLeft => matching.fill_left.is_some(),
                _ => matching.fill_right.is_some(),
            };
            if given {
                return Err(self.unexpected("", ""));
            }
            self.advance();
            self.expect(Kind::LeftParen, "fill modifier", "\"(\"")?;
            let value = self.signed_number("fill modifier", "number")?;
            self.expect(Kind::RightParen, "fill modifier", "\")\"")?;
            if word != Word::FillRight {
                matching.fill_left = Some(value);
            }
            if word != Word::FillLeft {
                matching.fill_right = Some(value);
            }
        }
        Ok(())
    }

    /// `(a, b)`, where a keyword is a name like any other.
    fn grouping_labels(&mut self) -> Result<Vec<String>, Fault> {
        const PLACE: &str = "grouping opts";
        self.expect(Kind::LeftParen, PLACE, "\"(\"")?;
        let mut labels = Vec::new();
        while !self.eat(Kind::RightParen) {
            let token = self.token;
            labels.push(match token.kind {
                Kind::String => self.string()?,
                Kind::Word(_) | Kind::Metric => self.cut(token).to_owned(),
                Kind::Number if self.cut(token).as_bytes()[0].is_ascii_alphabetic() => {
                    self.cut(token).to_owned()
                }
                _ => return Err(self.unexpected(PLACE, "label")),
            });
            if token.kind != Kind::String {
                self.advance();
            }
            if labels.last().is_some_and(String::is_empty) {
                return Err(syntax(token.start..token.end, "invalid label name for grouping: \"\""));
            }
            if !self.eat(Kind::Comma) && self.token.kind != Kind::RightParen {
                return Err(self.unexpected(PLACE, "\",\" or \")\""));
            }
        }
        Ok(labels)
    }

    // Operands.

    /// What an operator works on, with its signs and with all that stands behind it.
    fn operand(&mut self) -> Result<Parsed, Fault> {
        let start = self.token.start;
        let negative = match self.token.kind {
            Kind::Operator(BinaryOp::Sub) => true,
            Kind::Operator(BinaryOp::Add) => false,
            _ => {
                let first = self.first()?;
                return self.suffixes(first);
            }
        };
        self.advance();
        let inner = self.expression(SIGN + 1)?;
        self.signed(negative, start, inner)
    }

    fn signed(&self, negative: bool, start: usize, mut inner: Parsed) -> Result<Parsed, Fault> {
        let kind = match inner.expr.kind {
            // A signed number is a number, as in Prometheus's tree.
            ExprKind::Number(value) => {
                inner.expr.kind = ExprKind::Number(if negative { -value } else { value });
                inner.expr.span = self.span_from(start);
                return Ok(inner);
            }
            _ if negative => ExprKind::Negate(inner.expr),
            _ => ExprKind::Plus(inner.expr),
        };
        self.node(kind, start, inner.height)
    }

    fn first(&mut self) -> Result<Parsed, Fault> {
        let token = self.token;
        match token.kind {
            Kind::LeftParen => {
                self.advance();
                let inner = self.expression(0)?;
                self.expect(Kind::RightParen, "", "")?;
                self.node(ExprKind::Paren(inner.expr), token.start, inner.height)
            }
            Kind::Number | Kind::Duration => {
                let value = self.number()?;
                self.node(ExprKind::Number(value), token.start, 0)
            }
            Kind::String => {
                let text = self.string()?;
                self.node(ExprKind::String(text), token.start, 0)
            }
            Kind::LeftBrace | Kind::Metric => self.selector(),
            Kind::Word(word) => self.named(word),
            _ => Err(self.unexpected("", "")),
        }
    }

    /// What starts with a word: a call, an aggregation, or a selector.
    fn named(&mut self, word: Word) -> Result<Parsed, Fault> {
        match word {
            Word::Aggregate(op) if self.is_called() || self.is_grouped() => self.aggregate(op),
            Word::Plain | Word::Start | Word::End | Word::Step | Word::Range | Word::MinOf | Word::MaxOf
                if self.is_called() =>
            {
                self.call()
            }
            Word::Bool
            | Word::On
            | Word::Ignoring
            | Word::GroupLeft
            | Word::GroupRight
            | Word::Operator(BinaryOp::Atan2) => Err(self.unexpected("", "")),
            _ => self.selector(),
        }
    }

    /// Whether a parenthesis follows.
    fn is_called(&self) -> bool {
        self.lexer.rest().starts_with('(')
    }

    /// Whether `by` or `without` follows.
    fn is_grouped(&self) -> bool {
        let rest = self.lexer.rest();
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
        let word = &rest[..length.unwrap_or(rest.len())];
        matches!(meaning(word), Some(Word::By | Word::Without))
    }

    fn call(&mut self) -> Result<Parsed, Fault> {
        let token = self.advance();
        let (args, below) = self.arguments(Callee::Function(self.cut(token)))?;
        self.called(token, args, below)
    }

    /// The call of the function at `token`.
    fn called(&self, token: Token, args: Vec<Expr>, below: usize) -> Result<Parsed, Fault> {
        let name = self.cut(token);
        let Some(function) = Function::named(name) else {
            let message = format!("unknown function with name {name:?}");
            return Err(syntax(token.start..token.end, message));
        };
        if function.is_experimental() && !self.features.experimental_functions {
            return Err(syntax(token.start..token.end, format!("function {name:?} is not enabled")));
        }
        if function.0 == function::Kind::Info
            && let Some(Expr { kind: ExprKind::Vector(_), span }) = args.get(1)
            && !self.text[span.bytes()].starts_with('{')
        {
            let message = "expected label selectors only, got vector selector instead";
            return Err(syntax(span.bytes(), message));
        }
        self.node(ExprKind::Call(Call { function, args }), token.start, below)
    }

    fn arguments(&mut self, callee: Callee<'_>) -> Result<(Vec<Expr>, usize), Fault> {
        self.expect(Kind::LeftParen, "", "")?;
        let mut args = Vec::new();
        let mut below = 0;
        if self.eat(Kind::RightParen) {
            return Ok((args, below));
        }
        loop {
            self.check_name(callee, args.len())?;
            let arg = self.expression(0)?;
            below = below.max(arg.height);
            args.push(*arg.expr);
            let comma = self.token;
            if !self.eat(Kind::Comma) {
                break;
            }
            if self.token.kind == Kind::RightParen {
                let message = "trailing commas not allowed in function call args";
                return Err(syntax(comma.start..comma.end, message));
            }
        }
        self.expect(Kind::RightParen, "", "")?;
        Ok((args, below))
    }

    /// Refuses the name of a label that is no UTF-8, in the words that an evaluation would use.
    fn check_name(&self, callee: Callee<'_>, index: usize) -> Result<(), Fault> {
        if self.token.kind != Kind::String || literal::unquote(self.cut(self.token)).is_ok() {
            return Ok(());
        }
        let text = self.cut(self.token);
        let message = match (callee, index) {
            (Callee::Aggregate(AggregateOp::CountValues), 0) => format!("invalid label name {text}"),
            (Callee::Function(name @ ("label_replace" | "label_join")), 1) => {
                format!("invalid destination label name in {name}(): {text}")
            }
            (Callee::Function(name @ "label_join"), 3..) | (Callee::Function(name @ "label_replace"), 3) => {
                format!("invalid source label name in {name}(): {text}")
            }
            _ => return Ok(()),
        };
        Err(evaluation(self.token.start..self.token.end, message))
    }

    fn aggregate(&mut self, op: AggregateOp) -> Result<Parsed, Fault> {
        let start = self.advance().start;
        self.aggregations += 1;
        let mut grouping = self.aggregate_grouping()?;
        let (args, below) = self.arguments(Callee::Aggregate(op))?;
        if grouping.is_none() {
            grouping = self.aggregate_grouping()?;
        }
        self.aggregations -= 1;
        self.aggregated(op, start, grouping, args, below)
    }

    fn aggregated(
        &self,
        op: AggregateOp,
        start: usize,
        grouping: Option<Grouping>,
        args: Vec<Expr>,
        below: usize,
    ) -> Result<Parsed, Fault> {
        let whole = start..self.last_end;
        let takes_parameter = takes_parameter(op);
        let wanted = 1 + usize::from(takes_parameter);
        let got = args.len();
        if got == 0 {
            return Err(syntax(whole, "no arguments for aggregate expression provided"));
        }
        let experimental = matches!(op, AggregateOp::Limitk | AggregateOp::LimitRatio);
        if experimental && !self.features.experimental_functions {
            let name = op.as_str();
            let message = format!(
                "{name}() is experimental and must be enabled with --enable-feature=promql-experimental-functions"
            );
            return Err(syntax(whole, message));
        }
        let mut args = args.into_iter();
        let param = if takes_parameter { args.next() } else { None };
        let (Some(expr), true) = (args.next(), got == wanted) else {
            let message = format!(
                "wrong number of arguments for aggregate expression provided, expected {wanted}, got {got}"
            );
            return Err(syntax(whole, message));
        };
        let grouping = grouping.unwrap_or(Grouping { labels: Vec::new(), include: true });
        let aggregate = Box::new(Aggregate { op, expr, param, grouping });
        self.node(ExprKind::Aggregate(aggregate), start, below)
    }

    fn aggregate_grouping(&mut self) -> Result<Option<Grouping>, Fault> {
        let Kind::Word(word @ (Word::By | Word::Without)) = self.token.kind else {
            return Ok(None);
        };
        self.advance();
        Ok(Some(Grouping { labels: self.grouping_labels()?, include: word == Word::By }))
    }

    // Literals.

    /// The number at this token, or the seconds of a duration.
    pub(super) fn number(&mut self) -> Result<f64, Fault> {
        let token = self.token;
        let text = self.cut(token);
        let value = match token.kind {
            Kind::Duration => literal::duration(text).map(Duration::as_secs_f64),
            _ => literal::number(text),
        };
        let value = value.map_err(|message| syntax(token.start..token.end, message))?;
        self.advance();
        Ok(value)
    }

    /// A number with or without a sign.
    pub(super) fn signed_number(&mut self, place: &str, wanted: &str) -> Result<f64, Fault> {
        let negative = self.token.kind == Kind::Operator(BinaryOp::Sub);
        if negative || self.token.kind == Kind::Operator(BinaryOp::Add) {
            self.advance();
        }
        if !matches!(self.token.kind, Kind::Number | Kind::Duration) {
            return Err(self.unexpected(place, wanted));
        }
        let value = self.number()?;
        Ok(if negative { -value } else { value })
    }

    /// The text at this token.
    pub(super) fn string(&mut self) -> Result<String, Fault> {
        let token = self.token;
        let text = self.cut(token);
        let value = literal::unquote(text).map_err(|escape| {
            let message = format!(
                "invalid UTF-8 in {text}: escape {} is a byte outside ASCII; write the character itself, or \\u and its code",
                &text[escape.clone()]
            );
            syntax(token.start + escape.start..token.start + escape.end, message)
        })?;
        self.advance();
        Ok(value)
    }
}

const fn takes_parameter(op: AggregateOp) -> bool {
    matches!(
        op,
        AggregateOp::Topk
            | AggregateOp::Bottomk
            | AggregateOp::Quantile
            | AggregateOp::CountValues
            | AggregateOp::Limitk
            | AggregateOp::LimitRatio
    )
}
