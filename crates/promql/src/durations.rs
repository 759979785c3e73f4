//! Lengths of time that depend on the query.

use assurance_metrics_model::Duration;

use crate::ast::{BinaryOp, DurationExpr};
use crate::error::EvalError;
use crate::eval::Query;
use crate::numbers::{go_max, go_min};

/// The longest length: some 292 years, as Prometheus's.
const MAX_SECONDS: f64 = 9_223_372_036.0;

impl DurationExpr {
    /// The length in a query.
    ///
    /// # Errors
    /// If it divides by zero, or is no length that can be counted in milliseconds.
    pub(crate) fn in_query(&self, query: &Query) -> Result<Duration, EvalError> {
        if let Self::Literal(duration) = self {
            return Ok(*duration);
        }
        let seconds = self.seconds(query)?;
        if !seconds.is_finite() || seconds.abs() > MAX_SECONDS {
            let message = format!("duration {self} is out of range");
            return Err(EvalError::Parameter { message });
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded above, and rounded on purpose")]
        let millis = (seconds * 1000.0).round() as i64;
        Ok(Duration::from_millis(millis))
    }

    fn seconds(&self, query: &Query) -> Result<f64, EvalError> {
        Ok(match self {
            Self::Literal(duration) => duration.as_secs_f64(),
            Self::Number(seconds) => *seconds,
            Self::Step => query.step.as_secs_f64(),
            Self::Range => (query.end - query.start).as_secs_f64(),
            Self::Negate(inner) => -inner.seconds(query)?,
            Self::Plus(inner) | Self::Paren(inner) => inner.seconds(query)?,
            Self::Min(left, right) => go_min(left.seconds(query)?, right.seconds(query)?),
            Self::Max(left, right) => go_max(left.seconds(query)?, right.seconds(query)?),
            Self::Binary { op, left, right } => {
                let (left, right) = (left.seconds(query)?, right.seconds(query)?);
                match op {
                    BinaryOp::Add => left + right,
                    BinaryOp::Sub => left - right,
                    BinaryOp::Mul => left * right,
                    BinaryOp::Div | BinaryOp::Mod if right == 0.0 => {
                        let what = if *op == BinaryOp::Div { "division" } else { "modulo" };
                        return Err(EvalError::Parameter { message: format!("{what} by zero") });
                    }
                    BinaryOp::Div => left / right,
                    BinaryOp::Mod => left % right,
                    BinaryOp::Pow => left.powf(right),
                    other => {
                        let message = format!("unexpected duration expression operator {:?}", other.as_str());
                        return Err(EvalError::Parameter { message });
                    }
                }
            }
        })
    }
}
