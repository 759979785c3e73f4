//! Runs a script, command by command.

use std::sync::Arc;

use assurance_metrics_model::{Labels, MatchOp, Matcher, Queryable, Timestamp, Value};
use assurance_promql::{self as promql, Answer, Options, ParseErrorKind};

use crate::MemoryStore;
use crate::compare::compare;
use crate::script::{Command, Eval, EvalTime, Expectation, Expected, Fails, Script};
use crate::series::Slot;

/// A store that a script can fill.
pub trait Store {
    /// Forgets everything.
    fn clear(&mut self);

    /// Adds samples, visible at once. Those of one series come in the order of time, unless a second `load`
    /// begins anew.
    ///
    /// # Errors
    /// In words, if the store refuses one.
    fn append(&mut self, samples: &mut dyn Iterator<Item = (Labels, Timestamp, Value)>)
    -> Result<(), String>;

    /// The store to read from.
    fn queryable(&self) -> &dyn Queryable;
}

impl Store for MemoryStore {
    fn clear(&mut self) {
        Self::clear(self);
    }

    fn append(
        &mut self,
        samples: &mut dyn Iterator<Item = (Labels, Timestamp, Value)>,
    ) -> Result<(), String> {
        samples.for_each(|(labels, at, value)| self.put(&labels, at, value));
        Ok(())
    }

    fn queryable(&self) -> &dyn Queryable {
        self
    }
}

/// An evaluation that did not give what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The script's file.
    pub file: Arc<str>,
    /// The line of the command.
    pub line: usize,
    /// The expression, or what was to be loaded.
    pub what: String,
    /// Why.
    pub reason: String,
    /// Whether it needs something that this engine or notation does not do, and says so.
    pub unsupported: bool,
}

/// What came of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    evals: usize,
    failed_evals: usize,
    failed: Vec<Failure>,
    /// Evaluations with the right values, but other warnings or infos than expected.
    annotations: Vec<Failure>,
}

impl Outcome {
    /// Evaluations made.
    pub fn evals(&self) -> usize {
        self.evals
    }

    /// Evaluations with the right result.
    pub fn passed(&self) -> usize {
        self.evals - self.failed_evals
    }

    /// Evaluations with a wrong result, and series that could not be loaded.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.failed.iter()
    }

    /// Evaluations whose warnings or infos are not as expected, though the values are.
    pub fn annotations(&self) -> impl Iterator<Item = &Failure> {
        self.annotations.iter()
    }
}

/// Runs a script over a store, which it empties first.
pub fn run(script: &Script, store: &mut dyn Store, options: &Options) -> Outcome {
    let mut outcome = Outcome::default();
    store.clear();
    for (line, command) in &script.commands {
        let failure = |what: &str, reason: String, unsupported: bool| Failure {
            file: Arc::clone(&script.name),
            line: *line,
            what: what.to_owned(),
            reason,
            unsupported,
        };
        match command {
            Command::Clear => store.clear(),
            Command::Load(load) => {
                for series in &load.series {
                    let samples = (0..).zip(&series.slots).filter_map(|(n, slot)| match slot {
                        Slot::Float(v) => {
                            Some((series.labels.clone(), Timestamp::EPOCH + load.step * n, Value::Float(*v)))
                        }
                        Slot::Empty => None,
                    });
                    if let Err(reason) = store.append(&mut { samples }) {
                        outcome.failed.push(failure(&format!("load {}", series.labels), reason, false));
                    }
                }
                for (line, error) in &load.unsupported {
                    let mut failed = failure("load", error.to_string(), true);
                    failed.line = *line;
                    outcome.failed.push(failed);
                }
            }
            Command::Eval(eval) => {
                outcome.evals += 1;
                match evaluate(eval, store.queryable(), options) {
                    Ok(annotated) => {
                        if let Err(reason) = annotated {
                            outcome.annotations.push(failure(&eval.expr, reason, false));
                        }
                    }
                    Err((reason, unsupported)) => {
                        outcome.failed_evals += 1;
                        outcome.failed.push(failure(&eval.expr, reason, unsupported));
                    }
                }
            }
        }
    }
    outcome
}

/// Whether the values are right; inside, whether warnings and infos are.
fn evaluate(
    eval: &Eval,
    store: &dyn Queryable,
    options: &Options,
) -> Result<Result<(), String>, (String, bool)> {
    if let Expected::Series { unsupported: Some(error), .. } = &eval.expected {
        return Err((error.to_string(), true));
    }
    let mut unsupported = false;
    let answer = promql::parse(&eval.expr)
        .map_err(|error| {
            unsupported = matches!(error.kind, ParseErrorKind::Unsupported { .. });
            error.to_string()
        })
        .and_then(|expr| {
            let answer = match eval.at {
                EvalTime::Instant(at) => promql::instant(&expr, store, at, options),
                EvalTime::Range { start, end, step } => {
                    promql::range(&expr, store, start, end, step, options)
                }
            };
            answer.map_err(|error| {
                unsupported = matches!(error, promql::EvalError::Histogram { .. });
                error.to_string()
            })
        });
    match (&eval.expected, answer) {
        (Expected::Fail(_), Ok(answer)) => Err((format!("it succeeded with {:?}", answer.value), false)),
        (Expected::Fail(_), Err(error)) if unsupported => Err((error, true)),
        (Expected::Fail(Fails::Anyhow), Err(_)) => Ok(Ok(())),
        (Expected::Fail(Fails::Message(wanted)), Err(error)) if error == *wanted => Ok(Ok(())),
        (Expected::Fail(Fails::Regex(pattern)), Err(error)) => {
            match Matcher::new("error", MatchOp::Regex, &format!(".*(?:{pattern}).*")) {
                Ok(matcher) if matcher.matches(&error) => Ok(Ok(())),
                Ok(_) => Err((format!("the error is {error:?}"), false)),
                Err(bad) => Err((bad.to_string(), false)),
            }
        }
        (Expected::Fail(Fails::Message(_)), Err(error)) => Err((format!("the error is {error:?}"), false)),
        (_, Err(error)) => Err((error, unsupported)),
        (expected, Ok(answer)) => {
            compare(&answer.value, expected, eval.at, eval.ordered).map_err(|reason| (reason, false))?;
            Ok(annotations(eval, &answer))
        }
    }
}

fn annotations(eval: &Eval, answer: &Answer) -> Result<(), String> {
    for expectation in &eval.expectations {
        let (holds, wanted) = match expectation {
            Expectation::Warn => (!answer.warnings.is_empty(), "a warning"),
            Expectation::NoWarn => (answer.warnings.is_empty(), "no warning"),
            Expectation::Info => (!answer.infos.is_empty(), "an info"),
            Expectation::NoInfo => (answer.infos.is_empty(), "no info"),
        };
        if !holds {
            return Err(format!("expected {wanted}: {:?} {:?}", answer.warnings, answer.infos));
        }
    }
    Ok(())
}
