//! Binary operators: numbers, series with numbers, series with series.

mod matching;
mod sample;

use std::sync::Arc;

use assurance_metrics_model::Value;

use crate::ast::{Binary, Span};
use crate::error::EvalError;
use crate::eval::Evaluator;
use crate::line::{Line, Lines, Steps};
use sample::{Operation, of_numbers};

impl Evaluator<'_> {
    pub(crate) fn binary(&mut self, binary: &Binary, span: Span, steps: &Steps) -> Result<Lines, EvalError> {
        let left = self.eval(&binary.left, steps)?;
        let right = self.eval(&binary.right, steps)?;
        let mut operation = Operation::new(binary, span, &mut self.annotations);
        Ok(match (left, right) {
            (Lines::Scalar(left), Lines::Scalar(right)) => {
                Lines::Scalar(left.iter().zip(&right).map(|(a, b)| of_numbers(binary.op, *a, *b)).collect())
            }
            (Lines::Vector(lines), Lines::Scalar(numbers)) => {
                Lines::Vector(with_numbers(&mut operation, lines, &numbers, false))
            }
            (Lines::Scalar(numbers), Lines::Vector(lines)) => {
                Lines::Vector(with_numbers(&mut operation, lines, &numbers, true))
            }
            (Lines::Vector(left), Lines::Vector(right)) => Lines::Vector(if binary.op.is_set() {
                matching::set(binary, left, right, steps)
            } else {
                matching::matched(&mut operation, left, right, steps)?
            }),
            (Lines::String(_), _) | (_, Lines::String(_)) => {
                let message =
                    "binary expression must contain only scalar and instant vector types".to_owned();
                return Err(EvalError::Parameter { message });
            }
        })
    }
}

/// `-vector`
pub(crate) fn negated(mut lines: Vec<Line>) -> Vec<Line> {
    for line in &mut lines {
        line.drop_name = true;
        if line.is_float() {
            line.values.iter_mut().for_each(|v| *v = -*v);
            continue;
        }
        for step in 0..line.values.len() {
            match line.sample(step) {
                Some(Value::Histogram(histogram)) => {
                    let mut negative = (*histogram).clone();
                    negative.scale(-1.0);
                    line.set_histogram(step, Arc::new(negative));
                }
                Some(Value::Float(value)) => line.set(step, -value),
                _ => {}
            }
        }
    }
    lines
}

fn with_numbers(
    operation: &mut Operation<'_>,
    mut lines: Vec<Line>,
    numbers: &[f64],
    number_is_left: bool,
) -> Vec<Line> {
    let drop = operation.drops_name();
    for line in &mut lines {
        line.drop_name |= drop;
        if line.is_float() {
            for (step, number) in numbers.iter().enumerate() {
                if !line.present[step] {
                    continue;
                }
                let value = line.values[step];
                let (a, b) = if number_is_left { (*number, value) } else { (value, *number) };
                match operation.of_floats(a, b, value) {
                    Some(result) => line.values[step] = result,
                    None => line.present[step] = false,
                }
            }
            continue;
        }
        for (step, number) in numbers.iter().enumerate() {
            let Some(sample) = line.sample(step) else { continue };
            let number = Value::Float(*number);
            let (a, b) = if number_is_left { (&number, &sample) } else { (&sample, &number) };
            match operation.apply(a, b, &sample) {
                Some(result) => line.put(step, result),
                None => line.clear(step),
            }
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}
