//! What is printed: data on stdout, talk on stderr, and the exit code.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use assurance_evidence::seal::{SealError, Sealed};
use assurance_evidence::{ArchiveError, Fact, Published, Report};
use serde_json::{Value, json};

use crate::args::Format;

/// How a run ended, as scripts see it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Usage = 2,
    Source = 4,
    Storage = 5,
    Integrity = 6,
    Incomplete = 7,
    Unwitnessed = 8,
    Busy = 75,
}

impl Exit {
    /// How two things that were done count together: the first that went wrong, unless evidence is not what it was.
    pub(crate) fn and(self, then: Self) -> Self {
        if self == Self::Done || then == Self::Integrity { then } else { self }
    }
}

impl Exit {
    /// How an error counts, by what it says of itself; the storage's own is what is left.
    fn of(is_locked: bool, is_usage: bool, is_integrity: bool) -> Self {
        match (is_locked, is_usage, is_integrity) {
            (true, ..) => Self::Busy,
            (_, true, _) => Self::Usage,
            (.., true) => Self::Integrity,
            _ => Self::Storage,
        }
    }
}

impl From<&ArchiveError> for Exit {
    fn from(error: &ArchiveError) -> Self {
        Self::of(error.is_locked(), error.is_usage(), error.is_integrity())
    }
}

impl From<&SealError> for Exit {
    fn from(error: &SealError) -> Self {
        Self::of(error.is_locked(), error.is_usage(), error.is_integrity())
    }
}

pub(crate) fn exit(exit: Exit) -> ExitCode {
    ExitCode::from(exit as u8)
}

/// Says something to whoever watches. Where nobody can be told, there is nobody to tell that.
pub(crate) fn say(text: impl Display) {
    writeln!(std::io::stderr(), "assurance-exporter: {text}").ok();
}

/// Prints data. A reader that has gone away, as `head` does, has had enough.
pub(crate) fn print(text: &str) {
    writeln!(std::io::stdout(), "{text}").ok();
}

/// Tells what a round did, and how it counts.
pub(crate) fn report(report: &Report, sealed: &[Sealed], format: Format) -> Exit {
    if let Some(error) = &report.statistics {
        say(format_args!("the backend's own count is not available, so it is not compared: {error}"));
    }
    if let Some(error) = &report.export {
        say(format_args!("the backend's export does not show what the answer leaves out: {error}"));
    }
    match &report.outcome {
        Ok(events) => say(format_args!("{events} new {}", if *events == 1 { "event" } else { "events" })),
        Err(error) => say(format_args!("error: {error}; no event was recorded")),
    }
    let events = report.outcome.as_ref().ok().copied();
    done(&report.published, sealed, &report.facts, events, format);
    match &report.outcome {
        Err(_) => Exit::Source,
        Ok(_) if report.is_incomplete() => Exit::Incomplete,
        Ok(_) => Exit::Done,
    }
}

/// Prints what was published and sealed, and tells what was recorded.
pub(crate) fn done(
    published: &[Published],
    sealed: &[Sealed],
    facts: &[Fact],
    events: Option<u64>,
    format: Format,
) {
    for fact in facts {
        let text = serde_json::to_string(fact).unwrap_or_else(|error| error.to_string());
        let missing = if fact.is_incomplete() { "events may be missing: " } else { "recorded: " };
        say(format_args!("{missing}{text}"));
    }
    match format {
        Format::Text => {
            published.iter().for_each(|file| print(&file.name));
            sealed.iter().for_each(|file| print(&file.name));
        }
        Format::Json => {
            let value: Value = json!({
                "v": 1, "events": events, "published": published, "sealed": sealed, "facts": facts
            });
            print(&value.to_string());
        }
    }
}
