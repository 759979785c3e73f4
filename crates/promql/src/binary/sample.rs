//! What an operator makes of two samples.

use std::sync::Arc;

use assurance_metrics_model::{Histogram, ResetHint, Value};

use crate::annotations::{Annotations, Combining};
use crate::ast::{Binary, BinaryOp, Span};
use crate::native;

/// What an operator gives: a number, or whether a comparison holds.
#[derive(Clone, Copy)]
enum Outcome {
    Number(f64),
    Holds(bool),
}

#[expect(clippy::float_cmp, reason = "PromQL's == is exact")]
fn compute(op: BinaryOp, a: f64, b: f64) -> Outcome {
    match op {
        BinaryOp::Add => Outcome::Number(a + b),
        BinaryOp::Sub => Outcome::Number(a - b),
        BinaryOp::Mul => Outcome::Number(a * b),
        BinaryOp::Div => Outcome::Number(a / b),
        BinaryOp::Mod => Outcome::Number(a % b),
        BinaryOp::Pow => Outcome::Number(a.powf(b)),
        BinaryOp::Atan2 => Outcome::Number(a.atan2(b)),
        BinaryOp::Eq => Outcome::Holds(a == b),
        BinaryOp::Ne => Outcome::Holds(a != b),
        BinaryOp::Gt => Outcome::Holds(a > b),
        BinaryOp::Lt => Outcome::Holds(a < b),
        BinaryOp::Ge => Outcome::Holds(a >= b),
        BinaryOp::Le => Outcome::Holds(a <= b),
        // Set operators take whole vectors, and trimming takes histograms.
        BinaryOp::And | BinaryOp::Or | BinaryOp::Unless | BinaryOp::TrimUpper | BinaryOp::TrimLower => {
            Outcome::Number(f64::NAN)
        }
    }
}

/// Of two scalars; a comparison gives 0 or 1.
pub(super) fn of_numbers(op: BinaryOp, a: f64, b: f64) -> f64 {
    match compute(op, a, b) {
        Outcome::Number(value) => value,
        Outcome::Holds(holds) => f64::from(u8::from(holds)),
    }
}

/// What becomes of two samples of any kind.
enum Result {
    Float(f64),
    Histogram(Histogram),
    /// A comparison.
    Holds(bool),
    /// The operator does not go with these kinds, or these layouts; it was said.
    Nothing,
}

/// A binary operator at work.
pub(super) struct Operation<'a> {
    pub(super) binary: &'a Binary,
    span: Span,
    annotations: &'a mut Annotations,
}

impl<'a> Operation<'a> {
    pub(super) fn new(binary: &'a Binary, span: Span, annotations: &'a mut Annotations) -> Self {
        Self { binary, span, annotations }
    }

    pub(super) fn drops_name(&self) -> bool {
        self.binary.returns_bool || !(self.binary.op.is_comparison() || self.binary.op.is_trim())
    }

    /// What one float becomes: `kept` where a comparison filters.
    pub(super) fn of_floats(&mut self, a: f64, b: f64, kept: f64) -> Option<f64> {
        if self.binary.op.is_trim() {
            self.incompatible("float", "float");
            return None;
        }
        match compute(self.binary.op, a, b) {
            Outcome::Holds(holds) if !self.binary.returns_bool => holds.then_some(kept),
            Outcome::Holds(holds) => Some(f64::from(u8::from(holds))),
            Outcome::Number(value) => Some(value),
        }
    }

    /// What one sample becomes.
    pub(super) fn apply(&mut self, a: &Value, b: &Value, kept: &Value) -> Option<Value> {
        if let (Value::Float(a), Value::Float(b)) = (a, b) {
            let float = if let Value::Float(kept) = kept { *kept } else { f64::NAN };
            return self.of_floats(*a, *b, float).map(Value::Float);
        }
        match self.of_any(a, b) {
            Result::Float(value) => Some(Value::Float(value)),
            Result::Histogram(histogram) => Some(Value::Histogram(Arc::new(histogram))),
            Result::Holds(holds) if self.binary.returns_bool => {
                Some(Value::Float(f64::from(u8::from(holds))))
            }
            Result::Holds(holds) => holds.then(|| kept.clone()),
            Result::Nothing => None,
        }
    }

    fn of_any(&mut self, a: &Value, b: &Value) -> Result {
        let op = self.binary.op;
        match (a, b) {
            (Value::Histogram(a), Value::Histogram(b)) => match op {
                BinaryOp::Add => self.combine(a, b, Combining::Addition),
                BinaryOp::Sub => self.combine(a, b, Combining::Subtraction),
                BinaryOp::Eq => Result::Holds(a.same_value(b)),
                BinaryOp::Ne => Result::Holds(!a.same_value(b)),
                _ => self.incompatible("histogram", "histogram"),
            },
            (Value::Histogram(histogram), Value::Float(number)) => {
                let mut histogram = (**histogram).clone();
                match op {
                    BinaryOp::Mul => histogram.scale(*number),
                    BinaryOp::Div => histogram.divide(*number),
                    BinaryOp::TrimUpper => histogram = native::trim_upper(&histogram, *number),
                    BinaryOp::TrimLower => histogram = native::trim_lower(&histogram, *number),
                    _ => return self.incompatible("histogram", "float"),
                }
                Result::Histogram(histogram)
            }
            (Value::Float(number), Value::Histogram(histogram)) if op == BinaryOp::Mul => {
                let mut histogram = (**histogram).clone();
                histogram.scale(*number);
                Result::Histogram(histogram)
            }
            (Value::Float(_), Value::Histogram(_)) => self.incompatible("float", "histogram"),
            (Value::Float(a), Value::Float(b)) => match compute(op, *a, *b) {
                Outcome::Number(value) => Result::Float(value),
                Outcome::Holds(holds) => Result::Holds(holds),
            },
            _ => Result::Nothing,
        }
    }

    fn combine(&mut self, a: &Histogram, b: &Histogram, combining: Combining) -> Result {
        let combined = if combining == Combining::Addition { a.add(b) } else { a.subtract(b) };
        let Ok(mut combined) = combined else {
            self.annotations.incompatible_layout(self.binary.op.as_str(), self.span);
            return Result::Nothing;
        };
        if combined.notes.counter_reset_collision {
            self.annotations.reset_collision(combining, self.span);
        }
        if combined.notes.reconciled_bounds {
            self.annotations.reconciled(combining, self.span);
        }
        if combining == Combining::Subtraction {
            // A difference may fall.
            combined.histogram.reset_hint = ResetHint::Gauge;
        }
        combined.histogram.compact(0);
        Result::Histogram(combined.histogram)
    }

    fn incompatible(&mut self, left: &str, right: &str) -> Result {
        self.annotations.incompatible_types(left, self.binary.op.as_str(), right, self.span);
        Result::Nothing
    }
}
