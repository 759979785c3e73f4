//! `eval instant at 5m expr`, and what is expected of it.

use assurance_metrics_model::{Duration, Labels, MatchOp, Matcher, Timestamp};

use crate::scan::{self, Scanner};
use crate::script::{Fault, is_blank, time};
use crate::series::{self, Slot};

/// The words that begin an evaluation.
pub(crate) const COMMANDS: &[&str] = &["eval", "eval_fail", "eval_warn", "eval_info", "eval_ordered"];

/// When an expression is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalTime {
    /// `instant at`
    Instant(Timestamp),
    /// `range from … to … step …`
    Range(Steps),
}

/// Points in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The first step.
    pub start: Timestamp,
    /// The last step is here or before.
    pub end: Timestamp,
    /// Time between two steps.
    pub step: Duration,
}

/// An evaluation.
#[derive(Clone, Debug)]
pub struct Eval {
    /// The expression.
    pub expr: String,
    /// When.
    pub at: EvalTime,
    /// What it must give.
    pub expected: Expected,
    /// What it must say besides.
    pub annotations: Vec<Annotation>,
    /// Whether the order of the result counts.
    pub ordered: bool,
}

/// What an evaluation must give.
#[derive(Clone, Debug)]
pub enum Expected {
    /// An error.
    Fail(Text),
    /// A number.
    Scalar(f64),
    /// A text.
    String(String),
    /// Series with a value each step.
    Series {
        /// In the order of the script.
        series: Vec<(Labels, Vec<Slot>)>,
        /// The steps of the range vector that an instant query gives.
        range: Option<Steps>,
    },
}

/// How an error, a warning or an info reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// Somehow.
    Any,
    /// `msg:` so.
    Message(String),
    /// `regex:` with a part that matches.
    Regex {
        /// As the script writes it.
        pattern: String,
        /// Matches texts that have such a part.
        matcher: Matcher,
    },
}

impl Text {
    /// Whether a text reads so.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Message(message) => message == text,
            Self::Regex { matcher, .. } => matcher.matches(text),
        }
    }

    fn regex(pattern: &str) -> Result<Self, String> {
        // A part may match, as Go's MatchString has it.
        Matcher::new("text", MatchOp::Regex, &format!("(?s:.*)(?:{pattern})(?s:.*)"))
            .map(|matcher| Self::Regex { pattern: pattern.to_owned(), matcher })
            .map_err(|_error| format!("{pattern:?} is no regular expression"))
    }
}

/// A warning or info that is expected, or that none is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Annotation {
    /// Warnings, and one of them so.
    Warn(Text),
    /// Infos, and one of them so.
    Info(Text),
    /// No warning.
    NoWarn,
    /// No info.
    NoInfo,
}

pub(crate) fn parse(lines: &[&str]) -> Result<Eval, Fault> {
    const FORMS: &str = "write `eval instant at TIME EXPR` or `eval range from TIME to TIME step STEP EXPR`";
    let command = lines[0].trim();
    let (word, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let (at, expr) = eval_time(rest.trim_start()).map_err(|part| Fault::at(0, lines[0], part, FORMS))?;
    let mut eval = Eval {
        expr: expr.to_owned(),
        at,
        expected: Expected::Series { series: Vec::new(), range: None },
        annotations: Vec::new(),
        ordered: word == "eval_ordered",
    };
    match word {
        "eval_fail" => eval.expected = Expected::Fail(Text::Any),
        "eval_warn" => eval.annotations.push(Annotation::Warn(Text::Any)),
        "eval_info" => eval.annotations.push(Annotation::Info(Text::Any)),
        _ => {}
    }
    if eval.ordered && matches!(at, EvalTime::Range(_)) {
        return Err(Fault::at(0, lines[0], word, "ranges are sorted by labels, so no order can be expected"));
    }
    for (number, line) in lines.iter().enumerate().skip(1).filter(|(_, line)| !is_blank(line)) {
        let text = line.trim();
        let fault = |reason: String| Fault::at(number, line, text, reason);
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        match word {
            "expect" => expect(&mut eval, rest.trim()).map_err(fault)?,
            "expected_fail_message" => {
                fail(&mut eval, Text::Message(rest.trim().to_owned()), true).map_err(fault)?;
            }
            "expected_fail_regexp" => {
                let pattern = Text::regex(rest.trim()).map_err(fault)?;
                fail(&mut eval, pattern, true).map_err(fault)?;
            }
            _ => result(&mut eval, number, line)?,
        }
    }
    Ok(eval)
}

/// When, and what; or where the command stops being understood.
fn eval_time(rest: &str) -> Result<(EvalTime, &str), &str> {
    // The next word as a time, and what is behind it.
    let moment = |rest: &'_ str| -> Option<(Timestamp, usize)> {
        let end = rest.find(char::is_whitespace)?;
        Some((time(&rest[..end])?, end))
    };
    let keyword = |rest: &'_ str, words: &[&str]| -> Option<usize> {
        let mut left = rest;
        for word in words {
            left = left.trim_start().strip_prefix(word)?;
            if !left.starts_with(char::is_whitespace) {
                return None;
            }
        }
        Some(rest.len() - left.trim_start().len())
    };
    if let Some(end) = keyword(rest, &["instant", "at"]) {
        let rest = &rest[end..];
        let (at, end) = moment(rest).ok_or(rest)?;
        let expr = rest[end..].trim();
        return if expr.is_empty() { Err(expr) } else { Ok((EvalTime::Instant(at), expr)) };
    }
    let rest = &rest[keyword(rest, &["range", "from"]).ok_or(rest)?..];
    let (start, end) = moment(rest).ok_or(rest)?;
    let rest = &rest[end..];
    let rest = &rest[keyword(rest, &["to"]).ok_or(rest)?..];
    let (last, end) = moment(rest).ok_or(rest)?;
    let rest = &rest[end..];
    let rest = &rest[keyword(rest, &["step"]).ok_or(rest)?..];
    let (step, end) = moment(rest).ok_or(rest)?;
    let expr = rest[end..].trim();
    if expr.is_empty() {
        return Err(expr);
    }
    Ok((EvalTime::Range(Steps { start, end: last, step: step - Timestamp::EPOCH }), expr))
}

fn fail(eval: &mut Eval, text: Text, old_form: bool) -> Result<(), String> {
    match &eval.expected {
        Expected::Fail(Text::Any) if old_form => {}
        Expected::Series { series, range: None } if series.is_empty() && !old_form => {}
        Expected::Fail(_) => return Err("a failure is expected already".to_owned()),
        _ if old_form => return Err("this belongs to eval_fail; write `expect fail msg: …`".to_owned()),
        _ => return Err("a result is expected already".to_owned()),
    }
    eval.expected = Expected::Fail(text);
    Ok(())
}

fn expect(eval: &mut Eval, text: &str) -> Result<(), String> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    match word {
        "string" => {
            let mut scanner = Scanner::new(rest);
            let text = scanner.quoted().ok().filter(|_| scanner.is_done());
            let text = text.ok_or_else(|| format!("{rest:?} is no quoted text"))?;
            return replace(eval, Expected::String(text));
        }
        "range" => return expect_range(eval, rest),
        _ => {}
    }
    let described = match rest.split_once(':') {
        None if rest.is_empty() => Text::Any,
        Some(("msg", message)) => Text::Message(message.trim().to_owned()),
        Some(("regex", pattern)) => Text::regex(pattern.trim())?,
        _ => return Err(format!("{rest:?} describes no text; write `msg: TEXT` or `regex: PATTERN`")),
    };
    let annotation = match word {
        "fail" => return fail(eval, described, false),
        "warn" => Annotation::Warn(described),
        "info" => Annotation::Info(described),
        "no_warn" | "no_info" | "ordered" if described != Text::Any => {
            return Err(format!("{word} has no text"));
        }
        "no_warn" => Annotation::NoWarn,
        "no_info" => Annotation::NoInfo,
        "ordered" if matches!(eval.at, EvalTime::Range(_)) => {
            return Err("ranges are sorted by labels, so no order can be expected".to_owned());
        }
        "ordered" => {
            eval.ordered = true;
            return Ok(());
        }
        other => {
            return Err(format!(
                "{other:?} cannot be expected; use fail, warn, no_warn, info, no_info, ordered, string or range vector"
            ));
        }
    };
    let contradicts = |known: &Annotation| {
        matches!(
            (known, &annotation),
            (Annotation::Warn(_), Annotation::NoWarn)
                | (Annotation::NoWarn, Annotation::Warn(_))
                | (Annotation::Info(_), Annotation::NoInfo)
                | (Annotation::NoInfo, Annotation::Info(_))
        )
    };
    if eval.annotations.iter().any(contradicts) {
        return Err(format!("{word} contradicts what is expected already"));
    }
    eval.annotations.push(annotation);
    Ok(())
}

/// `range vector from TIME to TIME step STEP`: what an instant query of a range gives, which is evaluated at the
/// end of it.
fn expect_range(eval: &mut Eval, rest: &str) -> Result<(), String> {
    const FORM: &str = "write `expect range vector from TIME to TIME step STEP`";
    let words: Vec<&str> = rest.split_whitespace().collect();
    let ["vector", "from", start, "to", end, "step", step] = words[..] else { return Err(FORM.to_owned()) };
    let (Some(start), Some(end), Some(step)) = (time(start), time(end), time(step)) else {
        return Err(FORM.to_owned());
    };
    if matches!(eval.at, EvalTime::Range(_)) {
        return Err("only instant queries give a range vector".to_owned());
    }
    match &mut eval.expected {
        Expected::Series { range: range @ None, series } if series.is_empty() => {
            *range = Some(Steps { start, end, step: step - Timestamp::EPOCH });
            eval.at = EvalTime::Instant(end);
            Ok(())
        }
        _ => Err("another result is expected already".to_owned()),
    }
}

fn replace(eval: &mut Eval, expected: Expected) -> Result<(), String> {
    match &eval.expected {
        Expected::Series { series, range: None } if series.is_empty() => {
            eval.expected = expected;
            Ok(())
        }
        _ => Err("another result is expected already".to_owned()),
    }
}

fn result(eval: &mut Eval, number: usize, line: &str) -> Result<(), Fault> {
    let text = line.trim();
    if let Some(value) = scan::number(text) {
        return replace(eval, Expected::Scalar(value))
            .map_err(|reason| Fault::at(number, line, text, reason));
    }
    let Expected::Series { series, range } = &mut eval.expected else {
        return Err(Fault::at(number, line, text, "nothing more is expected of this evaluation"));
    };
    let found = series::parse_series(line).map_err(|error| Fault::series(number, &error))?;
    let wanted = match (eval.at, *range) {
        (EvalTime::Instant(_), None) => 1,
        (EvalTime::Range(steps), _) | (EvalTime::Instant(_), Some(steps)) => {
            let span = (steps.end - steps.start).as_millis();
            usize::try_from(span.checked_div(steps.step.as_millis()).unwrap_or(0) + 1).unwrap_or(0)
        }
    };
    let problem = if found.slots.is_empty() {
        "the series has no values; write one a step".to_owned()
    } else if found.slots.len() > wanted {
        format!(
            "{} values for {wanted} {}; for a range in an instant query write `expect range vector …`",
            found.slots.len(),
            if wanted == 1 { "step" } else { "steps" }
        )
    } else if found.slots.iter().all(|slot| *slot == Slot::Empty) {
        "the series has no value but `_`, and a result has no series without values".to_owned()
    } else if series.iter().any(|(known, _)| *known == found.labels) {
        "the series is expected already".to_owned()
    } else {
        series.push((found.labels, found.slots));
        return Ok(());
    };
    Err(Fault::at(number, line, text, problem))
}
