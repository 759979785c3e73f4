//! Runs a script, command by command.

use std::sync::Arc;

use assurance_metrics_model::{Duration, Histogram, Labels, Queryable, Timestamp, Value};
use assurance_promql::{self as promql, Expr, Options, ParseError, QueryValue};

use crate::MemoryStore;
use crate::compare::{compare, compare_annotations, compare_step};
use crate::evaluation::{Eval, EvalTime, Expected};
use crate::script::{Command, Load, Script};
use crate::series::Slot;

/// What a script loads.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The series.
    pub labels: Labels,
    /// When.
    pub at: Timestamp,
    /// What.
    pub value: Value,
    /// When counting began, where the script says so (`@st`).
    pub start: Option<Timestamp>,
}

/// A store that a script can fill.
pub trait Store {
    /// Forgets everything.
    ///
    /// # Errors
    /// In words, if that does not work.
    fn clear(&mut self) -> Result<(), String>;

    /// Adds the samples of one `load`, visible at once. Those of one series come in the order of time, unless a
    /// second `load` begins anew.
    ///
    /// # Errors
    /// In words, if the store refuses one.
    fn append(&mut self, samples: &mut dyn Iterator<Item = Sample>) -> Result<(), String>;

    /// The store to read from.
    fn queryable(&self) -> &dyn Queryable;
}

impl Store for MemoryStore {
    fn clear(&mut self) -> Result<(), String> {
        Self::clear(self);
        Ok(())
    }

    fn append(&mut self, samples: &mut dyn Iterator<Item = Sample>) -> Result<(), String> {
        samples.for_each(|sample| self.put(&sample.labels, sample.at, sample.value));
        Ok(())
    }

    fn queryable(&self) -> &dyn Queryable {
        self
    }
}

/// What a histogram looks like in an answer that does not show all of it; `None` where it shows all.
pub(crate) type Shown<'a> = Option<&'a dyn Fn(&Histogram) -> Histogram>;

/// Something that takes samples and answers queries: the engine over a [`Store`], or a server far away.
pub trait Subject {
    /// Forgets everything.
    ///
    /// # Errors
    /// In words, if that does not work.
    fn clear(&mut self) -> Result<(), String>;

    /// Takes the samples of one `load`.
    ///
    /// # Errors
    /// In words, if one is refused.
    fn load(&mut self, samples: &mut dyn Iterator<Item = Sample>) -> Result<(), String>;

    /// Answers an instant query.
    ///
    /// # Errors
    /// If it fails.
    fn instant(&mut self, expr: &str, at: Timestamp) -> Result<Answered, Refused>;

    /// Answers a range query.
    ///
    /// # Errors
    /// If it fails.
    fn range(
        &mut self,
        expr: &str,
        start: Timestamp,
        end: Timestamp,
        step: Duration,
    ) -> Result<Answered, Refused>;

    /// What of a histogram its answers show, in a form that can be compared with them; `None`: all.
    fn shown(&self, _histogram: &Histogram) -> Option<Histogram> {
        None
    }

    /// Whether it can be asked about times before 1970.
    fn knows_before_1970(&self) -> bool {
        true
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The result.
    pub value: QueryValue,
    /// What may make it wrong.
    pub warnings: Vec<String>,
    /// What may surprise.
    pub infos: Vec<String>,
}

/// A query that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub message: String,
}

/// The engine over a store.
struct Local<'a> {
    store: &'a mut dyn Store,
    options: &'a Options,
}

/// The one place where scripts parse PromQL.
fn parse(expr: &str) -> Result<Expr, ParseError> {
    promql::parse_with(expr, promql::Features::all())
}

impl Local<'_> {
    fn answer(
        expr: &str,
        evaluate: impl FnOnce(&Expr) -> Result<promql::Answer, promql::EvalError>,
    ) -> Result<Answered, Refused> {
        let expr = parse(expr).map_err(|error| Refused { message: error.to_string() })?;
        let promql::Answer { value, warnings, infos, .. } =
            evaluate(&expr).map_err(|error| Refused { message: error.to_string() })?;
        Ok(Answered { value, warnings, infos })
    }
}

impl Subject for Local<'_> {
    fn clear(&mut self) -> Result<(), String> {
        self.store.clear()
    }

    fn load(&mut self, samples: &mut dyn Iterator<Item = Sample>) -> Result<(), String> {
        self.store.append(samples)
    }

    fn instant(&mut self, expr: &str, at: Timestamp) -> Result<Answered, Refused> {
        Self::answer(expr, |expr| promql::instant(expr, self.store.queryable(), at, self.options))
    }

    fn range(
        &mut self,
        expr: &str,
        start: Timestamp,
        end: Timestamp,
        step: Duration,
    ) -> Result<Answered, Refused> {
        let store = self.store.queryable();
        Self::answer(expr, |expr| promql::range(expr, store, start, end, step, self.options))
    }
}

/// Something that did not go as expected.
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
}

/// How one evaluation went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The line of the command.
    pub line: usize,
    /// What is wrong with the values, if something is.
    pub values: Option<Failure>,
    /// What is wrong with warnings and infos, though the values are right.
    pub annotations: Option<Failure>,
}

/// What came of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Each evaluation, in the order of the script.
    pub verdicts: Vec<Verdict>,
    /// Each load and clear that failed. Evaluations after it go on with what is there.
    pub loads: Vec<Failure>,
}

impl Outcome {
    /// Evaluations made.
    pub fn evals(&self) -> usize {
        self.verdicts.len()
    }

    /// Evaluations with the right values.
    pub fn passed(&self) -> usize {
        self.verdicts.iter().filter(|v| v.values.is_none()).count()
    }

    /// Evaluations with the right values, warnings and infos.
    pub fn strict(&self) -> usize {
        self.verdicts.iter().filter(|v| v.values.is_none() && v.annotations.is_none()).count()
    }

    /// Evaluations with wrong values, and loads that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.loads.iter().chain(self.verdicts.iter().filter_map(|v| v.values.as_ref()))
    }

    /// Evaluations whose warnings or infos are not as expected, though the values are.
    pub fn annotations(&self) -> impl Iterator<Item = &Failure> {
        self.verdicts.iter().filter_map(|v| v.annotations.as_ref())
    }
}

/// Runs a script over a store, which it empties first.
pub fn run(script: &Script, store: &mut dyn Store, options: &Options) -> Outcome {
    run_on(script, &mut Local { store, options })
}

/// Runs a script on anything that answers, which it empties first.
pub fn run_on(script: &Script, subject: &mut dyn Subject) -> Outcome {
    let mut outcome = Outcome::default();
    let failure = |line: usize, what: &str, refused: Refused| Failure {
        file: Arc::clone(&script.name),
        line,
        what: what.to_owned(),
        reason: refused.message,
    };
    let plain = |message: String| Refused { message };
    if let Err(reason) = subject.clear() {
        outcome.loads.push(failure(1, "clear", plain(reason)));
    }
    for (line, command) in &script.commands {
        match command {
            Command::Clear => {
                if let Err(reason) = subject.clear() {
                    outcome.loads.push(failure(*line, "clear", plain(reason)));
                }
            }
            Command::Load(load) => {
                if let Err(reason) = subject.load(&mut samples(load)) {
                    outcome.loads.push(failure(*line, "load", plain(reason)));
                }
            }
            Command::Eval(eval) => {
                let (values, annotations) = match evaluate(eval, subject) {
                    Ok(annotated) => (None, annotated.err().map(plain)),
                    Err(wrong) => (Some(wrong), None),
                };
                let failure = |refused| failure(*line, &eval.expr, refused);
                outcome.verdicts.push(Verdict {
                    line: *line,
                    values: values.map(failure),
                    annotations: annotations.map(failure),
                });
            }
        }
    }
    outcome
}

/// The samples of a load, series by series.
fn samples(load: &Load) -> impl Iterator<Item = Sample> {
    load.series.iter().flat_map(|series| {
        (0..).zip(&series.slots).filter_map(|(n, slot)| {
            let value = match slot {
                Slot::Float(value) => Value::Float(*value),
                Slot::Histogram { histogram, .. } => Value::Histogram(Arc::clone(histogram)),
                Slot::Empty => return None,
            };
            let at = Timestamp::EPOCH + load.step * n;
            let index = usize::try_from(n).unwrap_or(usize::MAX);
            let start = series.starts.get(index).copied().flatten().map(|before| at + before);
            // 1970 itself means that nobody knows, as in Prometheus.
            let start = start.filter(|start| *start != Timestamp::EPOCH);
            Some(Sample { labels: series.labels.clone(), at, value, start })
        })
    })
}

/// Whether the values are right; inside, whether warnings and infos are.
fn evaluate(eval: &Eval, subject: &mut dyn Subject) -> Result<Result<(), String>, Refused> {
    let answered = match eval.at {
        EvalTime::Instant(at) => subject.instant(&eval.expr, at),
        EvalTime::Range(steps) => subject.range(&eval.expr, steps.start, steps.end, steps.step),
    };
    let wrong = |message: String| Refused { message };
    let answer = match (&eval.expected, answered) {
        (Expected::Fail(_), Ok(answer)) => {
            return Err(wrong(format!("it succeeded with {:?}", answer.value)));
        }
        (Expected::Fail(text), Err(refused)) if text.matches(&refused.message) => return Ok(Ok(())),
        (Expected::Fail(_), Err(refused)) => {
            return Err(wrong(format!("the error is {:?}", refused.message)));
        }
        (_, Err(refused)) => return Err(refused),
        (_, Ok(answer)) => answer,
    };
    compare_shown(subject, |shown| compare(&answer.value, eval, shown)).map_err(wrong)?;
    if let EvalTime::Instant(at) = eval.at
        && is_repeated(eval)
    {
        let start = at - Duration::from_minutes(1);
        let start = if start < Timestamp::EPOCH && !subject.knows_before_1970() { at } else { start };
        let again = subject
            .range(&eval.expr, start, at + Duration::from_minutes(1), Duration::from_minutes(1))
            .map_err(|refused| Refused { message: format!("as a range: {}", refused.message) })?;
        if !eval.ordered {
            compare_shown(subject, |shown| compare_step(&again.value, at, eval, shown))
                .map_err(|reason| wrong(format!("as a range: {reason}")))?;
        }
    }
    Ok(compare_annotations(eval, &answer))
}

fn compare_shown(
    subject: &dyn Subject,
    compare: impl FnOnce(Shown<'_>) -> Result<(), String>,
) -> Result<(), String> {
    if subject.shown(&Histogram::default()).is_none() {
        return compare(None);
    }
    compare(Some(&|histogram| subject.shown(histogram).unwrap_or_else(|| histogram.clone())))
}

/// Whether an instant evaluation is made once more, as the middle step of a range: not if it gives a text or a
/// range vector, and not if its value depends on the range.
fn is_repeated(eval: &Eval) -> bool {
    let depends = ["start()", "end()", "range()", "step()"].iter().any(|call| eval.expr.contains(call));
    !depends && matches!(eval.expected, Expected::Scalar(_) | Expected::Series { range: None, .. })
}
