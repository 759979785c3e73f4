//! Lengths of time: in brackets, after `offset`, and computed from the query's step and range.

use assurance_metrics_model::Duration;

use crate::ast::{BinaryOp, DurationExpr};

use super::grammar::{Parser, SIGN, binds, right_strength};
use super::lexer::{Kind, Word};
use super::literal;
use super::message::{Fault, syntax};

/// A length, and how many levels its tree has.
struct Length {
    length: DurationExpr,
    height: usize,
}

/// Where a length stands, and what is wanted there: for messages.
pub(super) type Place = (&'static str, &'static str);

impl Parser<'_> {
    /// A length in brackets, which must be more than nothing where that is known.
    pub(super) fn length(&mut self, place: Place) -> Result<DurationExpr, Fault> {
        let start = self.token.start;
        let length = self.duration_expression(0, place)?.length;
        let length = self.settled(length, start)?;
        if length.literal().is_some_and(|d| d.as_millis() <= 0) {
            return Err(syntax(start..self.last_end, "duration must be greater than 0"));
        }
        Ok(length)
    }

    /// A length after `offset`. An operator behind it belongs to the value, as in `a offset 5m + 1`, but
    /// behind a parenthesis to the length, as in `a offset (5m) * 2`, which is `a offset (5m * 2)`.
    pub(super) fn offset_length(&mut self, place: Place) -> Result<DurationExpr, Fault> {
        let start = self.token.start;
        let length = match self.token.kind {
            Kind::LeftParen => {
                let Length { length, height } = self.duration_expression(0, place)?;
                if matches!(length, DurationExpr::Binary { .. }) {
                    self.bounded(height + 1, start..self.last_end)?;
                    DurationExpr::Paren(Box::new(length))
                } else {
                    length
                }
            }
            Kind::Operator(sign @ (BinaryOp::Add | BinaryOp::Sub)) => {
                self.advance();
                let inner = self.duration_operand(place)?;
                self.bounded(inner.height + 1, start..self.last_end)?;
                match plain(inner.length) {
                    // Here the sign has a meaning: what follows belongs to the value.
                    length @ DurationExpr::Paren(_) if sign == BinaryOp::Add => {
                        DurationExpr::Plus(Box::new(length))
                    }
                    length => signed(sign == BinaryOp::Sub, Length { length, height: inner.height }).length,
                }
            }
            _ => self.duration_operand(place)?.length,
        };
        self.settled(length, start)
    }

    /// Whether an operator follows that would belong to a length before it.
    pub(super) fn at_calculation(&self) -> bool {
        matches!(self.token.kind, Kind::Operator(op) if calculates(op))
    }

    /// A length as a whole: a number alone is one of seconds.
    fn settled(&self, length: DurationExpr, start: usize) -> Result<DurationExpr, Fault> {
        let secs = match plain(length) {
            DurationExpr::Number(secs) => secs,
            length => return Ok(length),
        };
        match from_secs(secs) {
            Some(length) => Ok(DurationExpr::Literal(length)),
            None => Err(syntax(start..self.last_end, "duration out of range")),
        }
    }

    fn duration_expression(&mut self, least: u8, place: Place) -> Result<Length, Fault> {
        self.enter()?;
        let start = self.token.start;
        let mut left = match self.token.kind {
            Kind::Operator(sign @ (BinaryOp::Add | BinaryOp::Sub)) => {
                self.advance();
                let inner = self.duration_expression(SIGN + 1, place)?;
                let signed = signed(sign == BinaryOp::Sub, inner);
                self.bounded(signed.height, start..self.last_end)?;
                signed
            }
            _ => self.duration_operand(place)?,
        };
        while let Kind::Operator(op) = self.token.kind {
            if !calculates(op) || !binds(op, least) {
                break;
            }
            let token = self.advance();
            let right = self.duration_expression(right_strength(op), place)?;
            let by_zero = is_zero(&right.length);
            if by_zero && matches!(op, BinaryOp::Div | BinaryOp::Mod) {
                let message = if op == BinaryOp::Div { "division by zero" } else { "modulo by zero" };
                return Err(syntax(token.start..token.end, message));
            }
            let height = self.bounded(left.height.max(right.height) + 1, token.start..token.end)?;
            let (left_side, right_side) = (Box::new(left.length), Box::new(right.length));
            let length = DurationExpr::Binary { op, left: left_side, right: right_side };
            left = Length { length, height };
        }
        self.leave();
        Ok(left)
    }

    fn duration_operand(&mut self, place: Place) -> Result<Length, Fault> {
        let token = self.token;
        let length = match token.kind {
            Kind::Number => {
                let secs = self.number()?;
                if from_secs(secs).is_none() {
                    return Err(syntax(token.start..token.end, "duration out of range"));
                }
                DurationExpr::Number(secs)
            }
            Kind::Duration => {
                let read = literal::duration(self.cut(token));
                let length = read.map_err(|message| syntax(token.start..token.end, message))?;
                self.advance();
                DurationExpr::Literal(length)
            }
            Kind::Word(word @ (Word::Step | Word::Range)) => {
                self.advance();
                self.expect(Kind::LeftParen, place.0, place.1)?;
                self.expect(Kind::RightParen, place.0, place.1)?;
                if word == Word::Step { DurationExpr::Step } else { DurationExpr::Range }
            }
            Kind::Word(word @ (Word::MinOf | Word::MaxOf)) => {
                self.advance();
                self.expect(Kind::LeftParen, place.0, place.1)?;
                let left = self.duration_expression(0, place)?;
                self.expect(Kind::Comma, place.0, place.1)?;
                let right = self.duration_expression(0, place)?;
                self.expect(Kind::RightParen, place.0, place.1)?;
                let height = self.bounded(left.height.max(right.height) + 1, token.start..self.last_end)?;
                let (left, right) = (Box::new(left.length), Box::new(right.length));
                let length = if word == Word::MinOf {
                    DurationExpr::Min(left, right)
                } else {
                    DurationExpr::Max(left, right)
                };
                return Ok(Length { length, height });
            }
            Kind::LeftParen => {
                self.advance();
                let inner = self.duration_expression(0, place)?;
                self.expect(Kind::RightParen, place.0, place.1)?;
                // Parentheses around one literal, or around parentheses, say nothing; but `(-1) ^ 2` is not
                // `-1 ^ 2`.
                let says_nothing = match &inner.length {
                    DurationExpr::Literal(length) => length.as_millis() >= 0,
                    DurationExpr::Number(value) => value.is_sign_positive(),
                    DurationExpr::Paren(_) => true,
                    _ => false,
                };
                if says_nothing {
                    return Ok(inner);
                }
                let height = self.bounded(inner.height + 1, token.start..self.last_end)?;
                return Ok(Length { length: DurationExpr::Paren(Box::new(inner.length)), height });
            }
            _ => return Err(self.unexpected(place.0, place.1)),
        };
        Ok(Length { length, height: 1 })
    }
}

const fn calculates(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod | BinaryOp::Pow
    )
}

/// A literal without its parentheses.
fn plain(length: DurationExpr) -> DurationExpr {
    match length {
        DurationExpr::Paren(inner)
            if matches!(*inner, DurationExpr::Literal(_) | DurationExpr::Number(_)) =>
        {
            *inner
        }
        length => length,
    }
}

/// A length with a sign, which goes into a literal; `+` says nothing.
fn signed(negative: bool, inner: Length) -> Length {
    if !negative {
        return inner;
    }
    match plain(inner.length) {
        DurationExpr::Literal(length) => Length { length: DurationExpr::Literal(-length), ..inner },
        DurationExpr::Number(value) => Length { length: DurationExpr::Number(-value), ..inner },
        other => Length { length: DurationExpr::Negate(Box::new(other)), height: inner.height + 1 },
    }
}

fn is_zero(length: &DurationExpr) -> bool {
    match length {
        DurationExpr::Literal(length) => length.is_zero(),
        DurationExpr::Number(value) => *value == 0.0,
        _ => false,
    }
}

/// Seconds to whole milliseconds, by way of nanoseconds as Prometheus counts.
#[expect(clippy::cast_possible_truncation, reason = "within 2^63 nanoseconds, as was checked")]
fn from_secs(secs: f64) -> Option<Duration> {
    const NANOS: f64 = 9_223_372_036_854_775_807.0;
    let nanos = (secs * 1e9).round();
    (nanos.abs() < NANOS).then(|| Duration::from_millis(nanos as i64 / 1_000_000))
}
