//! `tsdb`: looks at the files of a sample store, as promtool's commands of these names do at a Prometheus's.

mod export;
mod import;
mod list;
mod text;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use assurance_disk::Disk;
use assurance_storage::{Storage, StorageError};
use assurance_tsdb::inspect::{Finding, Inspection};
use clap::{Args, Subcommand};

use crate::args::Output;
use crate::exit;
use crate::wire::fail;

/// What is done with the files of a store. Each has its arguments and its `run` in a file of its own.
#[derive(Debug, Subcommand)]
pub(crate) enum Tsdb {
    /// List the files: which days, how many samples, how much space.
    List(list::List),
    /// Write samples as OpenMetrics.
    Export(export::Export),
    /// Take a history from OpenMetrics, Prometheus's text or a dump of promtool's.
    Import(import::Import),
}

pub(crate) fn run(what: Tsdb) -> ExitCode {
    match what {
        Tsdb::List(args) => list::run(&args),
        Tsdb::Export(args) => export::run(&args),
        Tsdb::Import(args) => import::run(&args),
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

/// The files of a store, or the exit code of a command that said why there are none.
fn open(directory: &Path) -> Result<Arc<dyn Storage>, ExitCode> {
    let disk = Disk::open(directory).map_err(|error| fail(exit::IO, &error.to_string()))?;
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

/// How a command ends that met these.
fn verdict(findings: &[Finding]) -> ExitCode {
    let damage = findings.iter().any(|finding| !finding.kind.is_normal());
    if damage { ExitCode::from(exit::INTEGRITY) } else { ExitCode::SUCCESS }
}
