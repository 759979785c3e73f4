//! Scripts as Prometheus's `promqltest` reads them.

use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels, Timestamp};

use crate::series::{self, LoadedSeries, SeriesError, Slot};

/// A script, ready to be run.
#[derive(Clone, Debug)]
pub struct Script {
    /// Its file's name, for messages.
    pub name: Arc<str>,
    /// What it does, with the line of each command.
    pub commands: Vec<(usize, Command)>,
}

/// One command.
#[derive(Clone, Debug)]
pub enum Command {
    /// Forget everything.
    Clear,
    /// Add series.
    Load(Load),
    /// Evaluate and compare.
    Eval(Box<Eval>),
}

/// `load 30s`
#[derive(Clone, Debug)]
pub struct Load {
    /// Time between two values; the first is at 1970-01-01T00:00:00Z.
    pub step: Duration,
    /// The series.
    pub series: Vec<LoadedSeries>,
    /// Series that could not be read, by line.
    pub unsupported: Vec<(usize, SeriesError)>,
}

/// When an expression is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalTime {
    /// `instant at`
    Instant(Timestamp),
    /// `range from … to … step …`
    Range {
        /// The first step.
        start: Timestamp,
        /// The last step is here or before.
        end: Timestamp,
        /// Time between two steps.
        step: Duration,
    },
}

/// `eval instant at 5m expr`, and what is expected of it.
#[derive(Clone, Debug)]
pub struct Eval {
    /// The expression.
    pub expr: String,
    /// When.
    pub at: EvalTime,
    /// What it must give.
    pub expected: Expected,
    /// Whether warnings and infos are as expected, by the lines that say so.
    pub expectations: Vec<Expectation>,
    /// Whether the order of the result counts.
    pub ordered: bool,
}

/// What an evaluation must give.
#[derive(Clone, Debug)]
pub enum Expected {
    /// An error.
    Fail(Fails),
    /// A number.
    Scalar(f64),
    /// A text.
    String(String),
    /// Series with a value each step.
    Series {
        /// In the order of the script.
        series: Vec<(Labels, Vec<Slot>)>,
        /// First step and step of range results that an instant query gives.
        range: Option<(Timestamp, Duration)>,
        /// Series that could not be read, and why.
        unsupported: Option<SeriesError>,
    },
}

/// How an expected error reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fails {
    /// Any.
    Anyhow,
    /// With this message.
    Message(String),
    /// With a message that matches.
    Regex(String),
}

/// An expectation besides the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// At least one warning.
    Warn,
    /// At least one info.
    Info,
    /// No warning.
    NoWarn,
    /// No info.
    NoInfo,
}

/// A script that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {reason}")]
pub struct ScriptError {
    /// The script's file.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what is understood instead.
    pub reason: String,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// With the line that is not understood.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScriptError> {
        let name: Arc<str> = Arc::from(name);
        let lines: Vec<&str> = text.lines().collect();
        let mut commands = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            let line = lines[at].trim();
            if line.is_empty() || line.starts_with('#') {
                at += 1;
                continue;
            }
            let end = block_end(&lines, at);
            let block = &lines[at + 1..end];
            let failed = |(offset, reason): (usize, String)| ScriptError {
                file: Arc::clone(&name),
                line: at + 1 + offset,
                reason,
            };
            let word = line.split_whitespace().next().unwrap_or_default();
            let command = match word {
                "clear" => Command::Clear,
                "load" | "load_with_nhcb" => Command::Load(load(line, block, at + 1).map_err(failed)?),
                word if word.starts_with("eval") => {
                    Command::Eval(Box::new(eval(line, block).map_err(failed)?))
                }
                _ => return Err(failed((0, format!("{word:?} is no command; use load, clear or eval")))),
            };
            commands.push((at + 1, command));
            at = end;
        }
        Ok(Self { name, commands })
    }
}

/// Lines that belong to a command: those after it up to a blank one or the next command.
fn block_end(lines: &[&str], at: usize) -> usize {
    let more = lines[at + 1..].iter().take_while(|line| {
        let line = line.trim();
        !line.is_empty() && line != "clear" && !line.starts_with("load ") && !line.starts_with("eval")
    });
    at + 1 + more.count()
}

type Problem = (usize, String);

fn load(line: &str, block: &[&str], first_line: usize) -> Result<Load, Problem> {
    let step = line.split_whitespace().nth(1).unwrap_or_default();
    let step: Duration = step.parse().map_err(|error| (0, format!("load needs a step: {error}")))?;
    let mut load = Load { step, series: Vec::new(), unsupported: Vec::new() };
    for (offset, text) in (1..).zip(block) {
        let text = text.trim();
        if text.starts_with('#') {
            continue;
        }
        match series::parse_series(text) {
            Ok(series) => load.series.push(series),
            Err(error @ SeriesError::Histogram { .. }) => load.unsupported.push((first_line + offset, error)),
            Err(error) => return Err((offset, error.to_string())),
        }
    }
    Ok(load)
}

fn eval(line: &str, block: &[&str]) -> Result<Eval, Problem> {
    let (command, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let (at, expr) = eval_time(rest.trim()).ok_or((
        0,
        "write `eval instant at TIME EXPR` or `eval range from TIME to TIME step STEP EXPR`".to_owned(),
    ))?;
    let mut eval = Eval {
        expr: expr.to_owned(),
        at,
        expected: Expected::Series { series: Vec::new(), range: None, unsupported: None },
        expectations: Vec::new(),
        ordered: command == "eval_ordered",
    };
    match command {
        "eval" | "eval_ordered" => {}
        "eval_fail" => eval.expected = Expected::Fail(Fails::Anyhow),
        "eval_warn" => eval.expectations.push(Expectation::Warn),
        "eval_info" => eval.expectations.push(Expectation::Info),
        other => return Err((0, format!("{other:?} is no command"))),
    }
    for (offset, text) in (1..).zip(block) {
        let text = text.trim();
        if text.starts_with('#') {
            continue;
        }
        if let Some(expectation) = text.strip_prefix("expect ") {
            expect(&mut eval, expectation.trim()).map_err(|reason| (offset, reason))?;
        } else if let Some(message) = text.strip_prefix("expected_fail_message ") {
            eval.expected = Expected::Fail(Fails::Message(message.trim().to_owned()));
        } else if let Some(pattern) = text.strip_prefix("expected_fail_regexp ") {
            eval.expected = Expected::Fail(Fails::Regex(pattern.trim().to_owned()));
        } else {
            result_line(&mut eval, text).map_err(|reason| (offset, reason))?;
        }
    }
    Ok(eval)
}

fn eval_time(rest: &str) -> Option<(EvalTime, &str)> {
    if let Some(rest) = rest.strip_prefix("instant at ") {
        let (at, expr) = rest.trim().split_once(char::is_whitespace)?;
        return Some((EvalTime::Instant(time(at)?), expr.trim()));
    }
    let rest = rest.strip_prefix("range from ")?.trim();
    let (start, rest) = rest.split_once(char::is_whitespace)?;
    let (end, rest) = rest.trim().strip_prefix("to ")?.trim().split_once(char::is_whitespace)?;
    let (step, expr) = rest.trim().strip_prefix("step ")?.trim().split_once(char::is_whitespace)?;
    let step = time(step)? - Timestamp::EPOCH;
    Some((EvalTime::Range { start: time(start)?, end: time(end)?, step }, expr.trim()))
}

/// A duration since 1970, or plain seconds.
fn time(text: &str) -> Option<Timestamp> {
    if let Ok(secs) = text.parse::<f64>() {
        return Some(Timestamp::from_secs_f64(secs));
    }
    match text.strip_prefix('-') {
        Some(before) => Some(Timestamp::EPOCH - before.parse::<Duration>().ok()?),
        None => Some(Timestamp::EPOCH + text.parse::<Duration>().ok()?),
    }
}

fn expect(eval: &mut Eval, text: &str) -> Result<(), String> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    match word {
        "ordered" => eval.ordered = true,
        "fail" => {
            eval.expected = Expected::Fail(match rest.split_once(':') {
                Some(("msg", message)) => Fails::Message(message.trim().to_owned()),
                Some(("regex", pattern)) => Fails::Regex(pattern.trim().to_owned()),
                _ => Fails::Anyhow,
            });
        }
        "warn" => eval.expectations.push(Expectation::Warn),
        "info" => eval.expectations.push(Expectation::Info),
        "no_warn" => eval.expectations.push(Expectation::NoWarn),
        "no_info" => eval.expectations.push(Expectation::NoInfo),
        "string" => match assurance_promql::parse(rest) {
            Ok(assurance_promql::Expr::String(text)) => eval.expected = Expected::String(text),
            _ => return Err(format!("{rest:?} is no quoted text")),
        },
        "range" => {
            let words: Vec<&str> = rest.split_whitespace().collect();
            let ["vector", "from", start, "to", _end, "step", step] = words[..] else {
                return Err("write `expect range vector from TIME to TIME step STEP`".to_owned());
            };
            let (Some(start), Some(step)) = (time(start), time(step)) else {
                return Err("the times of the range vector are none".to_owned());
            };
            if let Expected::Series { range, .. } = &mut eval.expected {
                *range = Some((start, step - Timestamp::EPOCH));
            }
        }
        other => return Err(format!("{other:?} cannot be expected")),
    }
    Ok(())
}

fn result_line(eval: &mut Eval, text: &str) -> Result<(), String> {
    let Expected::Series { series, unsupported, .. } = &mut eval.expected else {
        return Err("nothing more is expected of this evaluation".to_owned());
    };
    let is_series = text.contains('{') || text.split_whitespace().nth(1).is_some();
    if !is_series && let Some(value) = series::number(text) {
        eval.expected = Expected::Scalar(value);
        return Ok(());
    }
    match series::parse_series(text) {
        Ok(found) => series.push((found.labels, found.slots)),
        Err(error @ SeriesError::Histogram { .. }) => *unsupported = Some(error),
        Err(error) => return Err(error.to_string()),
    }
    Ok(())
}
