//! What is printed: data on standard output, talk on standard error, and the exit code.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::path::Path;

use assurance_metrics_model::Timestamp;
use assurance_tlog::policy::Policy;

/// How a run ended, as scripts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Usage = 2,
    Storage = 5,
    Integrity = 6,
    Incomplete = 7,
    Unwitnessed = 8,
}

/// Says something to whoever watches. Where nobody can be told, there is nobody to tell that.
pub(crate) fn say(text: impl Display) {
    writeln!(std::io::stderr(), "assurance-auditor: {text}").ok();
}

/// Prints data. A reader that has gone away, as `head` does, has had enough.
pub(crate) fn print(text: impl Display) {
    writeln!(std::io::stdout(), "{text}").ok();
}

/// Says why nothing was done.
pub(crate) fn failed(exit: Exit, text: impl Display) -> Exit {
    say(format_args!("error: {text}"));
    exit
}

/// A file that the auditor gave, as text.
pub(crate) fn read(path: &Path) -> Result<String, Exit> {
    fs_err::read_to_string(path).map_err(|error| failed(Exit::Usage, error))
}

pub(crate) fn policy(path: &Path) -> Result<Policy, Exit> {
    read(path)?.parse().map_err(|error| failed(Exit::Usage, format_args!("{}: {error}", path.display())))
}

/// The archive, to be read only.
pub(crate) fn open(path: &Path) -> Result<assurance_disk::Disk, Exit> {
    assurance_disk::Disk::open(path).map_err(|error| failed(Exit::Storage, error))
}

pub(crate) fn now() -> Timestamp {
    assurance_disk::WallClock.now()
}

/// One line that is drawn over again, on a terminal only.
pub(crate) struct Bar {
    shown: Option<String>,
}

impl Bar {
    pub(crate) fn new() -> Self {
        Self { shown: std::io::stderr().is_terminal().then(String::new) }
    }

    pub(crate) fn show(&mut self, text: String) {
        if let Some(shown) = &mut self.shown
            && *shown != text
        {
            let width = shown.len();
            write!(std::io::stderr(), "\r{text:<width$}").ok();
            *shown = text;
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(shown) = &self.shown {
            write!(std::io::stderr(), "\r{:1$}\r", "", shown.len()).ok();
        }
    }
}
