//! The command line, and the one place where the environment is read.

use std::path::PathBuf;

use assurance_evidence::MAX_LIMIT;
use assurance_metrics_model::Duration;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  2  the command line or the configuration is wrong
  4  the source could not be read, or gave something that is not evidence
  5  the evidence could not be written
  6  the evidence is not what it was
  7  done, but it was recorded that events may be missing
  75 another process is writing there; try again later";

/// Preserves audit events: collects them from BRAiN into checksummed files of UTC days.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Collects once and publishes every day that is over: for a timer.
    Run(Collect),
    /// Collects again and again until SIGTERM or SIGINT, and leaves publishing to `run` or `seal`.
    Collect(Collect),
    /// Publishes every day that is over, without using the network.
    Seal(Seal),
    /// Says what was collected and what is published.
    Status(Status),
}

#[derive(Args)]
pub(crate) struct Directory {
    /// The evidence directory [default: $EVIDENCE_DIR]
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Directory {
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.clone().unwrap_or_default()
    }
}

#[derive(Args)]
pub(crate) struct Publish {
    /// How long to wait for another process that writes there
    #[arg(long, value_name = "DURATION", default_value = "15s")]
    pub(crate) wait: Duration,
    /// How long after midnight UTC a day stays open
    #[arg(long, value_name = "DURATION", default_value = "2m")]
    pub(crate) grace: Duration,
    /// How much longer a day waits for a source that cannot be read, before it is closed as incomplete
    #[arg(long, value_name = "DURATION", default_value = "1d")]
    pub(crate) patience: Duration,
    /// Does everything but change the directory, and says what it would have done [default: $DRY_RUN]
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How to print what was done
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

#[derive(Args)]
pub(crate) struct Collect {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) publish: Publish,
    /// The backend, such as http://backend:8000 [default: $BACKEND_URL]
    #[arg(long, value_name = "URL", value_parser = base_url, conflicts_with = "file")]
    pub(crate) backend: Option<String>,
    /// The backend's audit log file, instead of its API
    #[arg(long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
    /// One round only; `run` makes no more than one anyway
    #[arg(long)]
    pub(crate) once: bool,
    /// Time between two rounds of `collect`
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub(crate) interval: Duration,
    /// How many entries to ask the backend for, 1 to 1000
    #[arg(long, default_value_t = MAX_LIMIT, value_parser = limit)]
    pub(crate) limit: usize,
    /// How long to wait for each answer
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    pub(crate) timeout: Duration,
    /// A file with the token to send as `Authorization: Bearer`, read anew every round
    #[arg(long, value_name = "PATH")]
    pub(crate) token_file: Option<PathBuf>,
    /// A file with the certificates to trust, in PEM, instead of the usual ones
    #[arg(long, value_name = "PATH")]
    pub(crate) ca_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Seal {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) publish: Publish,
}

#[derive(Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Reads the command line and fills what it leaves open from the variables that the old export script knew.
pub(crate) fn parse() -> Command {
    let mut command = Cli::parse().command;
    let directory = match &mut command {
        Command::Run(collect) | Command::Collect(collect) => {
            if collect.backend.is_none() && collect.file.is_none() {
                match variable("BACKEND_URL").map(|url| base_url(&url)) {
                    Some(Ok(url)) => collect.backend = Some(url),
                    Some(Err(message)) => {
                        refuse(ErrorKind::ValueValidation, &format!("$BACKEND_URL: {message}"))
                    }
                    None => refuse(ErrorKind::MissingRequiredArgument, "give --backend URL or --file PATH"),
                }
            }
            collect.publish.dry_run |= dry_run();
            &mut collect.directory
        }
        Command::Seal(seal) => {
            seal.publish.dry_run |= dry_run();
            &mut seal.directory
        }
        Command::Status(status) => &mut status.directory,
    };
    if directory.dir.is_none() {
        directory.dir = variable("EVIDENCE_DIR").map(PathBuf::from);
    }
    if directory.dir.is_none() {
        refuse(ErrorKind::MissingRequiredArgument, "give the evidence directory with --dir PATH");
    }
    if variable("RETENTION_DAYS").is_some() {
        crate::talk::say("RETENTION_DAYS is set, but collecting and publishing never delete anything");
    }
    command
}

fn refuse(kind: ErrorKind, message: &str) -> ! {
    Cli::command().error(kind, message).exit()
}

fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the place where the environment is read")]
    let value = std::env::var(name);
    value.ok().filter(|value| !value.is_empty())
}

fn dry_run() -> bool {
    variable("DRY_RUN").is_some_and(|value| !matches!(value.as_str(), "0" | "false" | "no"))
}

fn limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| format!("the backend takes limits from 1 to {MAX_LIMIT}"))
}

/// A backend's address, as it is written into the evidence: no trailing slash, and no secrets.
fn base_url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match rest {
        None => Err(format!("{text:?} does not begin with http:// or https://")),
        Some(rest) if rest.starts_with('/') || rest.is_empty() => Err(format!("{text:?} names no host")),
        Some(rest) if rest.contains('@') => {
            Err("the address is written into the evidence, so put the secret into --token-file".to_owned())
        }
        Some(rest) if rest.contains(['?', '#', ' ']) => {
            Err(format!("{text:?} has more than scheme, host, port and path"))
        }
        Some(_) => Ok(text.trim_end_matches('/').to_owned()),
    }
}
