//! A timeline as text: one line a fact.

use std::fmt;
use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels};
use assurance_policy::intents::AbsenceForm;
use assurance_promql::parse_selector;

use super::{Absence, Event, Hold, Slots, Span, Stream, Timeline};

/// The longest text: a day's worth of facts every second.
const MAX_BYTES: usize = 8 << 20;

/// The longest world, in milliseconds: a year.
const MAX_END: i64 = 366 * 86_400_000;

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the timeline: {message}")]
pub struct TimelineError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it, and what to write.
    pub message: String,
}

/// Milliseconds as a duration with its sign.
struct Time(i64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Duration::from_millis(self.0).fmt(f)
    }
}

fn time(text: &str) -> Result<i64, String> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let millis = digits.parse::<Duration>().map_err(|error| error.to_string())?.as_millis();
    Ok(if negative { -millis } else { millis })
}

fn span(text: &str) -> Result<Span, String> {
    let (from, until) = text.split_once("..").ok_or("write FROM..UNTIL")?;
    let until = if until == "end" { i64::MAX } else { time(until)? };
    Ok(Span { from: time(from)?, until })
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.until == i64::MAX {
            return write!(f, "{}..end", Time(self.from));
        }
        write!(f, "{}..{}", Time(self.from), Time(self.until))
    }
}

impl fmt::Display for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} +{}", Time(self.interval), Time(self.phase))
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.labels.is_empty() {
            return f.write_str(&self.source);
        }
        write!(f, "{} {}", self.labels, self.source)
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "timeline 1")?;
        writeln!(f, "end {}", Time(self.end))?;
        if self.base != 0 {
            writeln!(f, "base {}", self.base)?;
        }
        writeln!(f, "scrape {}", self.scrape)?;
        writeln!(f, "eval {}", self.eval)?;
        for event in &self.events {
            writeln!(f, "event {} {}", Time(event.at), self.streams[usize::from(event.stream)])?;
        }
        for hold in &self.holds {
            writeln!(f, "hold {} {}", hold.span, self.states[usize::from(hold.state)])?;
        }
        self.downs.iter().try_for_each(|span| writeln!(f, "down {span}"))?;
        self.absences.iter().try_for_each(|a| writeln!(f, "absence {} {}", a.span, a.form.as_str()))?;
        self.lost.iter().try_for_each(|at| writeln!(f, "lost {}", Time(*at)))?;
        self.late.iter().try_for_each(|(at, by)| writeln!(f, "late {} +{}", Time(*at), Time(*by)))?;
        self.skipped.iter().try_for_each(|at| writeln!(f, "skipped {}", Time(*at)))?;
        self.away.iter().try_for_each(|span| writeln!(f, "away {span}"))
    }
}

/// What is collected while lines are read.
#[derive(Default)]
struct Reading {
    streams: Vec<Stream>,
    states: Vec<Arc<str>>,
    end: Option<i64>,
    base: u64,
    scrape: Option<Slots>,
    eval: Option<Slots>,
    events: Vec<Event>,
    holds: Vec<Hold>,
    downs: Vec<Span>,
    lost: Vec<i64>,
    late: Vec<(i64, i64)>,
    skipped: Vec<i64>,
    away: Vec<Span>,
    absences: Vec<Absence>,
}

impl Timeline {
    /// Reads what [`Timeline`] prints. Blank lines and those that begin with `#` are skipped.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn parse(text: &str) -> Result<Self, TimelineError> {
        let fail = |line: usize, message: String| TimelineError { line, message };
        if text.len() > MAX_BYTES {
            return Err(fail(1, format!("more than {MAX_BYTES} bytes; it is no timeline")));
        }
        let mut reading = Reading::default();
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        let mut facts = lines.by_ref().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        match facts.next() {
            Some((_, "timeline 1")) => {}
            Some((at, _)) => return Err(fail(at, "a timeline begins with `timeline 1`".into())),
            None => return Err(fail(1, "the text is empty; a timeline begins with `timeline 1`".into())),
        }
        let mut last = 1;
        for (at, line) in facts {
            last = at;
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            reading.fact(word, rest.trim()).map_err(|message| fail(at, message))?;
        }
        let missing = |what: &str| fail(last, format!("the timeline says no `{what}`; add a line for it"));
        let end = reading.end.ok_or_else(|| missing("end"))?;
        let mut timeline = Self {
            streams: reading.streams.into(),
            states: reading.states.into(),
            end,
            base: reading.base,
            scrape: reading.scrape.ok_or_else(|| missing("scrape"))?,
            eval: reading.eval.ok_or_else(|| missing("eval"))?,
            events: reading.events,
            holds: reading.holds,
            downs: reading.downs,
            lost: reading.lost,
            late: reading.late,
            skipped: reading.skipped,
            away: reading.away,
            absences: reading.absences,
        };
        timeline.normalise();
        Ok(timeline)
    }
}

impl Reading {
    fn fact(&mut self, word: &str, rest: &str) -> Result<(), String> {
        match word {
            "end" => {
                let end = time(rest)?;
                if !(1..=MAX_END).contains(&end) {
                    return Err(format!("a world lasts from 1ms to {}", Time(MAX_END)));
                }
                self.end = Some(end);
            }
            "base" => self.base = rest.parse().map_err(|_error| "write a whole number".to_owned())?,
            "scrape" => self.scrape = Some(slots(rest)?),
            "eval" => self.eval = Some(slots(rest)?),
            "event" => {
                let (at, stream) = rest.split_once(' ').ok_or("write TIME EVENT")?;
                let stream = self.stream(stream.trim())?;
                self.events.push(Event { at: time(at)?, stream });
            }
            "hold" => {
                let (at, state) = rest.split_once(' ').ok_or("write FROM..UNTIL STATE")?;
                let state = self.state(state.trim())?;
                self.holds.push(Hold { span: span(at)?, state });
            }
            "down" => self.downs.push(span(rest)?),
            "away" => self.away.push(span(rest)?),
            "lost" => self.lost.push(time(rest)?),
            "skipped" => self.skipped.push(time(rest)?),
            "late" => {
                let (slot, by) = rest.split_once(" +").ok_or("write SLOT +LATENESS")?;
                self.late.push((time(slot)?, time(by)?));
            }
            "absence" => {
                let (at, form) = rest.split_once(' ').ok_or("write FROM..UNTIL FORM")?;
                let form = AbsenceForm::ALL.into_iter().find(|known| known.as_str() == form.trim());
                let form = form.ok_or("the forms are down, removed, empty, garbage")?;
                self.absences.push(Absence { span: span(at)?, form });
            }
            _ => return Err(format!("`{word}` is no fact of a timeline")),
        }
        Ok(())
    }

    fn stream(&mut self, text: &str) -> Result<u16, String> {
        let (labels, source) = match text.strip_prefix('{') {
            None => (Labels::empty(), text),
            Some(_) => {
                let close = closing(text).ok_or("the labels do not end")?;
                let matchers = parse_selector(&text[..=close]).map_err(|error| error.to_string())?;
                let pairs = matchers.iter().map(|matcher| (matcher.name(), matcher.value()));
                (Labels::from_pairs(pairs), text[close + 1..].trim())
            }
        };
        let stream = Stream { source: source.into(), labels };
        let known = self.streams.iter().position(|known| *known == stream);
        let index = known.unwrap_or_else(|| {
            self.streams.push(stream);
            self.streams.len() - 1
        });
        u16::try_from(index).map_err(|_error| "more than 65,536 kinds of events".to_owned())
    }

    fn state(&mut self, text: &str) -> Result<u16, String> {
        let known = self.states.iter().position(|known| **known == *text);
        let index = known.unwrap_or_else(|| {
            self.states.push(text.into());
            self.states.len() - 1
        });
        u16::try_from(index).map_err(|_error| "more than 65,536 states".to_owned())
    }
}

fn slots(text: &str) -> Result<Slots, String> {
    let (interval, phase) = text.split_once(" +").ok_or("write INTERVAL +PHASE")?;
    let slots = Slots { interval: time(interval)?, phase: time(phase)? };
    if slots.interval <= 0 || !(0..slots.interval).contains(&slots.phase) {
        return Err("an interval is longer than 0s, and its phase shorter than it".into());
    }
    Ok(slots)
}

/// Where the `}` of a label set stands that `text` begins with.
fn closing(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}
