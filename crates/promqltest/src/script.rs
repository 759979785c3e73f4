//! Scripts as Prometheus's `promqltest` reads them.

use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels, Timestamp};

use crate::evaluation::{self, Eval};
use crate::nhcb;
use crate::scan::Scanner;
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
    /// The series. Behind `load_with_nhcb`, the native forms of the classic histograms are among them.
    pub series: Vec<LoadedSeries>,
}

/// A script that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {reason}")]
pub struct ScriptError {
    /// The script's file.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The character of the line, from 1.
    pub column: usize,
    /// What is wrong, and what is understood instead.
    pub reason: String,
}

/// A fault: the line it is in, counted from the command's, the byte of that line, and what is wrong.
pub(crate) struct Fault {
    pub(crate) line: usize,
    pub(crate) at: usize,
    pub(crate) reason: String,
}

impl Fault {
    /// A fault at a part of a line.
    pub(crate) fn at(line: usize, whole: &str, part: &str, reason: impl Into<String>) -> Self {
        let at = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
        Self { line, at: if at <= whole.len() { at } else { 0 }, reason: reason.into() }
    }

    /// A series that cannot be read, in a line that it begins.
    pub(crate) fn series(line: usize, error: &SeriesError) -> Self {
        Self { line, at: error.at, reason: error.to_string() }
    }
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// With the line and the column of what is not understood.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScriptError> {
        let name: Arc<str> = Arc::from(name);
        let lines: Vec<&str> = text.lines().collect();
        let mut commands = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            if is_blank(lines[at]) {
                at += 1;
                continue;
            }
            let end = block_end(&lines, at);
            let command = command(&lines[at..end]).map_err(|fault| {
                let line = lines[at + fault.line];
                let before = line.get(..fault.at).unwrap_or(line);
                ScriptError {
                    file: Arc::clone(&name),
                    line: at + 1 + fault.line,
                    column: before.chars().count() + 1,
                    reason: fault.reason,
                }
            })?;
            commands.push((at + 1, command));
            at = end;
        }
        Ok(Self { name, commands })
    }

    /// How many evaluations it makes.
    pub fn evals(&self) -> usize {
        self.commands.iter().filter(|(_, command)| matches!(command, Command::Eval(_))).count()
    }
}

/// Whether a line says nothing.
pub(crate) fn is_blank(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

/// The line after a command's last one: a blank one, or that of the next command.
fn block_end(lines: &[&str], at: usize) -> usize {
    let more = lines[at + 1..].iter().take_while(|line| !line.trim().is_empty() && !begins_command(line));
    at + 1 + more.count()
}

/// Whether a line within a block begins the next command: a series may be called `load`, but no series is called
/// `load` and has a duration as its only value.
fn begins_command(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let (word, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match word {
        "clear" => second.is_empty(),
        "load" | "load_with_nhcb" => {
            second.parse::<Duration>().is_ok() && second.parse::<f64>().is_err() && words.next().is_none()
        }
        word => evaluation::COMMANDS.contains(&word) && matches!(second, "instant" | "range"),
    }
}

fn command(lines: &[&str]) -> Result<Command, Fault> {
    let line = lines[0].trim();
    match line.split_whitespace().next().unwrap_or_default() {
        "clear" if line == "clear" => Ok(Command::Clear),
        "load" => Ok(Command::Load(load(lines)?)),
        "load_with_nhcb" => {
            let mut load = load(lines)?;
            let converted = nhcb::convert(&load.series)
                .map_err(|reason| Fault::at(0, lines[0], line, format!("load_with_nhcb: {reason}")))?;
            load.series.extend(converted);
            Ok(Command::Load(load))
        }
        word if evaluation::COMMANDS.contains(&word) => {
            Ok(Command::Eval(Box::new(evaluation::parse(lines)?)))
        }
        word => {
            let reason = format!(
                "{word:?} is no command; use load, load_with_nhcb, clear, eval instant or eval range"
            );
            Err(Fault::at(0, lines[0], line, reason))
        }
    }
}

fn load(lines: &[&str]) -> Result<Load, Fault> {
    let command = lines[0].trim();
    let step = command.split_once(char::is_whitespace).map_or("", |(_, step)| step.trim());
    let step: Duration = step
        .parse()
        .map_err(|error| Fault::at(0, lines[0], step, format!("load needs a step, such as 30s: {error}")))?;
    let mut series: Vec<LoadedSeries> = Vec::new();
    let mut by_default: Vec<Option<Duration>> = Vec::new();
    let mut announced: Option<Starts> = None;
    for (number, line) in lines.iter().enumerate().skip(1).filter(|(_, line)| !is_blank(line)) {
        if let Some(starts) = start_line(number, line)? {
            if let Some(lonely) = announced.take() {
                return Err(lonely.fault("is not followed by the samples of its series"));
            }
            match starts.labels {
                Some(_) => announced = Some(starts),
                None => by_default = starts.starts,
            }
            continue;
        }
        let mut one = series::parse_series(line).map_err(|error| Fault::series(number, &error))?;
        if one.slots.is_empty() {
            return Err(Fault::at(number, line, &line[line.len()..], "the series has no values"));
        }
        if let Some(starts) = announced.take() {
            if starts.labels.as_ref() != Some(&one.labels) {
                return Err(starts.fault("is not followed by the samples of its series"));
            }
            if starts.starts.len() != one.slots.len() {
                let counts = format!("has {} starts for {} values", starts.starts.len(), one.slots.len());
                return Err(starts.fault(&counts));
            }
            one.starts = starts.starts;
        } else if !by_default.is_empty() {
            one.starts = by_default.iter().copied().cycle().take(one.slots.len()).collect();
        }
        ends_as_it_was(&mut one.slots);
        match series.iter_mut().find(|known| known.labels == one.labels) {
            // The later line counts, as in Prometheus, whose own tests have such series.
            Some(known) => *known = one,
            None => series.push(one),
        }
    }
    match announced {
        Some(lonely) => Err(lonely.fault("is not followed by the samples of its series")),
        None => Ok(Load { step, series }),
    }
}

/// `metric{…}@st -30s-1mx2`, or `@st …` for all series that follow and have none of their own.
struct Starts {
    line: usize,
    labels: Option<Labels>,
    starts: Vec<Option<Duration>>,
}

impl Starts {
    fn fault(&self, what: &str) -> Fault {
        Fault { line: self.line, at: 0, reason: format!("the line of start timestamps {what}") }
    }
}

fn start_line(number: usize, line: &str) -> Result<Option<Starts>, Fault> {
    let mut scanner = Scanner::new(line);
    scanner.skip_blanks();
    let labels = if scanner.rest().starts_with("@st") {
        None
    } else {
        match series::labels(&mut scanner) {
            Ok(labels) => Some(labels),
            // It is told when the line is read as a series.
            Err(_error) => return Ok(None),
        }
    };
    if !scanner.eat("@st") {
        return Ok(None);
    }
    let starts = series::starts(&mut scanner).map_err(|error| Fault::series(number, &error))?;
    Ok(Some(Starts { line: number, labels, starts }))
}

/// A series of histograms is ended by a histogram.
fn ends_as_it_was(slots: &mut [Slot]) {
    let mut histograms = false;
    for slot in slots {
        match slot {
            Slot::Histogram { .. } => histograms = true,
            Slot::Float(value) if histograms && assurance_metrics_model::is_stale_nan(*value) => {
                *slot = Slot::stale_histogram();
            }
            Slot::Float(_) => histograms = false,
            Slot::Empty => {}
        }
    }
}

/// A duration since 1970, or plain seconds.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    if let Ok(secs) = text.parse::<f64>() {
        return secs.is_finite().then(|| Timestamp::from_secs_f64(secs));
    }
    match text.strip_prefix('-') {
        Some(before) => Some(Timestamp::EPOCH - before.parse::<Duration>().ok()?),
        None => Some(Timestamp::EPOCH + text.parse::<Duration>().ok()?),
    }
}
