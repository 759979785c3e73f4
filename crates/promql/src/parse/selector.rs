//! Selectors, and what stands behind an expression: ranges, subqueries, `offset`, `@`, `anchored`, `smoothed`.

use assurance_metrics_model::{METRIC_NAME, MatchOp, Matcher, Timestamp, format_float};

use crate::ast::{
    At, BinaryOp, DurationExpr, Expr, ExprKind, MatrixSelector, RangeEnds, Subquery, VectorSelector,
};

use super::durations::Place;
use super::grammar::{Parsed, Parser};
use super::lexer::{Kind, Word};
use super::message::{Fault, syntax};

const MATCHING: &str = "label matching";

/// Where a length is read, and what is said to be wanted where there is none.
const RANGE: Place = ("subquery or range selector", "number, duration, step(), or range()");
const STEP: Place = ("subquery selector", "number, duration, step(), range(), or \"]\"");
const OFFSET: Place = ("offset", "number, duration, step(), or range()");

fn is_name(matcher: &Matcher) -> bool {
    matcher.name() == METRIC_NAME && matcher.op() == MatchOp::Equal
}

/// Where an expression keeps its offset, if it can have one.
fn offset_of(expr: &mut Expr) -> Option<&mut Option<DurationExpr>> {
    match &mut expr.kind {
        ExprKind::Vector(selector) => Some(&mut selector.offset),
        ExprKind::Matrix(matrix) => Some(&mut matrix.selector.offset),
        ExprKind::Subquery(subquery) => Some(&mut subquery.offset),
        _ => None,
    }
}

impl Parser<'_> {
    /// `name{matchers}`, or either.
    pub(super) fn selector(&mut self) -> Result<Parsed, Fault> {
        let start = self.token.start;
        let mut name = None;
        if self.token.kind != Kind::LeftBrace {
            let token = self.advance();
            name = Some(self.cut(token));
        }
        let mut matchers: Vec<Matcher> = Vec::new();
        if self.token.kind == Kind::LeftBrace {
            self.advance();
            while !self.eat(Kind::RightBrace) {
                matchers.push(self.matcher()?);
                if !self.eat(Kind::Comma) && self.token.kind != Kind::RightBrace {
                    return Err(self.unexpected(MATCHING, "\",\" or \"}\""));
                }
            }
        }
        // One order for one meaning: the same selector is the same tree, however it is written. Conditions on one
        // label keep theirs, which `absent` looks at.
        if matchers.len() > 1 {
            matchers.sort_by_cached_key(|m| (!is_name(m), m.name().to_owned()));
        }
        if let Some(name) = name {
            if let Some(other) = matchers.iter().find(|m| m.name() == METRIC_NAME) {
                let message = format!("metric name must not be set twice: {name:?} or {:?}", other.value());
                return Err(syntax(start..self.last_end, message));
            }
            matchers.insert(0, Matcher::equal(METRIC_NAME, name));
        }
        let selector = VectorSelector { matchers, offset: None, at: None, ends: None };
        self.node(ExprKind::Vector(selector), start, 0)
    }

    /// `label="value"`, or a metric's name in quotes.
    fn matcher(&mut self) -> Result<Matcher, Fault> {
        let first = self.token;
        let label = match first.kind {
            Kind::String => self.string()?,
            Kind::Word(_) => {
                self.advance();
                self.cut(first).to_owned()
            }
            _ => return Err(self.unexpected(MATCHING, "identifier or \"}\"")),
        };
        let op = match self.token.kind {
            Kind::Equal => MatchOp::Equal,
            Kind::Operator(BinaryOp::Ne) => MatchOp::NotEqual,
            Kind::Matches => MatchOp::Regex,
            Kind::MatchesNot => MatchOp::NotRegex,
            _ if first.kind == Kind::String => return Ok(Matcher::equal(METRIC_NAME, &label)),
            _ => return Err(self.unexpected(MATCHING, "label matching operator")),
        };
        self.advance();
        if self.token.kind != Kind::String {
            return Err(self.unexpected(MATCHING, "string"));
        }
        let value = self.string()?;
        Matcher::new(&label, op, &value)
            .map_err(|error| syntax(first.start..self.last_end, error.to_string()))
    }

    /// What stands behind an operand, in any order and number; whether it may is seen one by one.
    pub(super) fn suffixes(&mut self, mut parsed: Parsed) -> Result<Parsed, Fault> {
        loop {
            match self.token.kind {
                Kind::LeftBracket => parsed = self.bracket(parsed)?,
                Kind::At => self.at(&mut parsed.expr)?,
                Kind::Word(Word::Offset) => self.offset(&mut parsed.expr)?,
                Kind::Word(Word::Anchored) => self.ends(&mut parsed.expr, RangeEnds::Anchored)?,
                Kind::Word(Word::Smoothed) => self.ends(&mut parsed.expr, RangeEnds::Smoothed)?,
                _ => break,
            }
        }
        // Printed, the offset stands last, so that an operator behind it would become a part of it.
        if self.at_calculation()
            && let Some(place) = offset_of(&mut parsed.expr)
            && matches!(place, Some(DurationExpr::Paren(_)))
            && let Some(length) = place.take()
        {
            *place = Some(DurationExpr::Plus(Box::new(length)));
        }
        Ok(parsed)
    }

    /// `[range]` or `[range:step]`.
    fn bracket(&mut self, parsed: Parsed) -> Result<Parsed, Fault> {
        let open = self.advance().start;
        let range = self.length(RANGE)?;
        let start = parsed.expr.span.start as usize;
        if self.eat(Kind::RightBracket) {
            return self.matrix(parsed, range, open);
        }
        self.expect(Kind::Colon, "subquery or range", "\":\" or \"]\"")?;
        let mut step = None;
        if !self.eat(Kind::RightBracket) {
            step = Some(self.length(STEP)?);
            self.expect(Kind::RightBracket, "subquery selector", "\"]\"")?;
        }
        let subquery = Subquery { expr: *parsed.expr, range, step, offset: None, at: None };
        self.node(ExprKind::Subquery(Box::new(subquery)), start, parsed.height)
    }

    fn matrix(&mut self, parsed: Parsed, range: DurationExpr, open: usize) -> Result<Parsed, Fault> {
        let selector_span = parsed.expr.span;
        let fault = match parsed.expr.kind {
            ExprKind::Vector(selector) if selector.offset.is_some() => {
                "no offset modifiers allowed before range"
            }
            ExprKind::Vector(selector) if matches!(selector.at, Some(At::Time(_))) => {
                "no @ modifiers allowed before range"
            }
            ExprKind::Vector(selector) => {
                let matrix = MatrixSelector { selector, selector_span, range };
                return self.node(ExprKind::Matrix(matrix), selector_span.start as usize, parsed.height - 1);
            }
            _ => "ranges only allowed for vector selectors",
        };
        Err(syntax(open..self.last_end, fault))
    }

    /// Makes the expression reach to the last token.
    fn stretch(&self, expr: &mut Expr) {
        expr.span = self.span_from(expr.span.start as usize);
    }

    fn offset(&mut self, expr: &mut Expr) -> Result<(), Fault> {
        self.advance();
        let offset = self.offset_length(OFFSET)?;
        let span = expr.span.bytes();
        let Some(place) = offset_of(expr) else {
            let message = "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery";
            return Err(syntax(span, message));
        };
        if place.is_some() {
            return Err(syntax(span, "offset may not be set multiple times"));
        }
        // No offset at all is what `offset 0s` means, and how it prints.
        if offset.literal().is_none_or(|length| !length.is_zero()) {
            *place = Some(offset);
        }
        self.stretch(expr);
        Ok(())
    }

    fn at(&mut self, expr: &mut Expr) -> Result<(), Fault> {
        self.advance();
        let at = match self.token.kind {
            Kind::Word(word @ (Word::Start | Word::End)) => {
                self.advance();
                self.expect(Kind::LeftParen, "@", "timestamp")?;
                self.expect(Kind::RightParen, "@", "timestamp")?;
                if word == Word::Start { At::Start } else { At::End }
            }
            _ => {
                let start = self.token.start;
                let secs = self.signed_number("@", "timestamp")?;
                // 2^63: what the milliseconds of a timestamp are counted in.
                if secs.is_nan() || secs.abs() >= 9_223_372_036_854_775_808.0 {
                    let shown = if secs.is_finite() { format!("{secs:.6}") } else { format_float(secs) };
                    let message = format!("timestamp out of bounds for @ modifier: {shown}");
                    return Err(syntax(start..self.last_end, message));
                }
                At::Time(Timestamp::from_secs_f64(secs))
            }
        };
        let place = match &mut expr.kind {
            ExprKind::Vector(selector) => &mut selector.at,
            ExprKind::Matrix(matrix) => &mut matrix.selector.at,
            ExprKind::Subquery(subquery) => &mut subquery.at,
            _ => {
                let message = "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery";
                return Err(syntax(expr.span.bytes(), message));
            }
        };
        if place.is_some() {
            return Err(syntax(expr.span.bytes(), "@ <timestamp> may not be set multiple times"));
        }
        *place = Some(at);
        self.stretch(expr);
        Ok(())
    }

    fn ends(&mut self, expr: &mut Expr, ends: RangeEnds) -> Result<(), Fault> {
        let word = match ends {
            RangeEnds::Anchored => "anchored",
            RangeEnds::Smoothed => "smoothed",
        };
        let token = self.advance();
        let place = match &mut expr.kind {
            ExprKind::Vector(selector) => &mut selector.ends,
            ExprKind::Matrix(matrix) => &mut matrix.selector.ends,
            ExprKind::Subquery(_) => {
                let message = format!("{word} modifier is not supported for subqueries");
                return Err(syntax(expr.span.bytes(), message));
            }
            _ => return Err(syntax(token.start..token.end, format!("{word} modifier not implemented"))),
        };
        if place.is_some_and(|given| given != ends) {
            let message = "anchored and smoothed modifiers cannot be used together";
            return Err(syntax(expr.span.bytes(), message));
        }
        *place = Some(ends);
        self.stretch(expr);
        Ok(())
    }
}
