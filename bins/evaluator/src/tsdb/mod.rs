//! `tsdb`: looks at the files of a sample store, as promtool's commands of these names do at a Prometheus's.

mod analyze;
mod dump;
mod export;
mod import;
mod list;
mod snapshot;
mod text;
mod verify;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use assurance_disk::Disk;
use assurance_metrics_model::Matcher;
use assurance_storage::{Storage, StorageError};
use assurance_tsdb::inspect::{Finding, Inspection};
use clap::{Args, Subcommand};

use crate::args::Output;
use crate::exit;
use crate::wire::fail;

pub(crate) use snapshot::take_named;

/// What is done with the files of a store. Each has its arguments and its `run` in a file of its own.
#[derive(Debug, Subcommand)]
pub(crate) enum Tsdb {
    /// List the files: which days, how many samples, how much space.
    List(list::List),
    /// Write samples as OpenMetrics.
    Export(export::Export),
    /// Take a history from OpenMetrics, Prometheus's text or a dump of promtool's.
    Import(import::Import),
    /// Count what takes the space: labels, metrics, chunks, churn.
    Analyze(analyze::Analyze),
    /// Print samples, those of the log among them.
    Dump(dump::Dump),
    /// Read every byte, and tell of damage: where, what it costs, what to do. Exit code 6 if there is some.
    Verify(verify::Verify),
    /// Copy a store, also one that a server is writing to, into a directory that is empty or not there.
    Snapshot(snapshot::Snapshot),
}

pub(crate) fn run(what: Tsdb) -> ExitCode {
    match what {
        Tsdb::List(args) => list::run(&args),
        Tsdb::Export(args) => export::run(&args),
        Tsdb::Import(args) => import::run(&args),
        Tsdb::Analyze(args) => analyze::run(&args),
        Tsdb::Dump(args) => dump::run(&args),
        Tsdb::Verify(args) => verify::run(&args),
        Tsdb::Snapshot(args) => snapshot::run(&args),
    }
}

/// Which files, and how what was found is printed.
#[derive(Clone, Debug, Args)]
struct Looking {
    /// The directory that --storage.tsdb.path names; a server may be running on it.
    #[arg(value_name = "DIR", default_value = "data")]
    directory: PathBuf,
    /// For people or for programs.
    #[arg(short, long, default_value = "text")]
    output: Output,
}

impl Looking {
    fn open(&self) -> Result<Inspection, ExitCode> {
        open(&self.directory).map(Inspection::new)
    }
}

/// Files held open while they are read, so that one keeps its content while a server replaces it: 90 days, several each.
const MAX_OPEN_FILES: usize = 512;

/// The files of a store, or the exit code of a command that said why there are none.
fn open(directory: &Path) -> Result<Arc<dyn Storage>, ExitCode> {
    let disk = Disk::open(directory)
        .map(|disk| disk.with_open_files(MAX_OPEN_FILES))
        .map_err(|error| fail(exit::IO, &error.to_string()))?;
    let has_files = |name| disk.list(name).map(|files| !files.is_empty());
    match has_files("segments").and_then(|some| Ok(some || has_files("wal")?)) {
        Ok(true) => Ok(Arc::new(disk)),
        Ok(false) => {
            let place = directory.display();
            let help = "give the directory that serve's --storage.tsdb.path names";
            Err(fail(
                exit::IO,
                &format!("{place}: no samples here, neither in wal/ nor in segments/\n  = help: {help}"),
            ))
        }
        Err(error) => Err(fail(exit::IO, &error.to_string())),
    }
}

fn unreadable(error: &StorageError) -> ExitCode {
    fail(exit::IO, &error.to_string())
}

/// Writes to standard output; whoever reads it may leave at any time.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _reader_left = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[expect(clippy::print_stderr, reason = "talk goes to stderr")]
fn say(text: &str) {
    eprintln!("{text}");
}

/// Selectors such as `up{job="brain"}`, read.
fn selectors(texts: &[String]) -> Result<Vec<Vec<Matcher>>, ExitCode> {
    let read = |text: &String| {
        let refused = |error| fail(exit::CONFIGURATION, &format!("--match {text}: {error}"));
        assurance_promql::parse_selector(text).map_err(refused)
    };
    texts.iter().map(read).collect()
}

/// Tells what could not be read, and what came to be gone; gives the exit code for it.
fn tell(findings: &[Finding], more: u64, removed: &[String]) -> ExitCode {
    for finding in findings {
        say(text::finding(finding).trim_end());
    }
    if more > 0 {
        say(&format!("error: {more} more findings; tsdb verify tells of all files"));
    }
    for file in removed {
        say(&format!("info: {file} was removed by retention meanwhile, and is not wholly in the answer"));
    }
    verdict(findings)
}

/// How a command ends that met these.
fn verdict(findings: &[Finding]) -> ExitCode {
    let damage = findings.iter().any(|finding| !finding.kind.is_normal());
    if damage { ExitCode::from(exit::INTEGRITY) } else { ExitCode::SUCCESS }
}
