//! The command line.

use std::path::PathBuf;

use assurance_evidence::Day;
use assurance_metrics_model::{Duration, Timestamp};
use clap::{Args, Parser, Subcommand, ValueEnum};

const EXIT_CODES: &str = "\
Exit codes:
  0  everything is what was sealed, and all of it
  2  the command line or the policy file is wrong
  5  the archive could not be read
  6  integrity: something is not what was sealed
  7  incomplete: what is there is what was sealed, and events may be missing, or the newest seal is too old
  8  the witnesses that the policy asks for have not signed";

/// Checks an archive of audit evidence offline, without trusting whoever keeps it.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check every day, every line, every checksum, the log, its signatures and its witnesses.
    Verify(Verify),
    /// Write a small proof that one event is in the log, which can be checked without the archive.
    Prove(Prove),
    /// Check such a proof with nothing but a policy file.
    VerifyProof(VerifyProof),
    /// Show what the log holds.
    Show(Show),
}

#[derive(Debug, Args)]
#[group(id = "place", required = true, multiple = false)]
pub(crate) struct Archive {
    /// The archive
    #[arg(value_name = "DIR")]
    archive: Option<PathBuf>,
    /// The archive
    #[arg(long = "dir", value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Archive {
    pub(crate) fn path(&self) -> PathBuf {
        self.archive.clone().or_else(|| self.dir.clone()).unwrap_or_default()
    }
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) archive: Archive,
    /// The log's key, the witnesses and how many of them must have signed: a tlog-policy file that you did not get
    /// from the archive
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// A checkpoint of this log that you kept from before: the log must have grown from it
    #[arg(long, value_name = "FILE")]
    pub(crate) since: Option<PathBuf>,
    /// How old the newest seal may be, such as 26h
    #[arg(long, value_name = "DURATION")]
    pub(crate) max_age: Option<Duration>,
    /// The time that ages are counted to [default: now]
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) at: Option<Timestamp>,
    /// How to print the findings
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Prove {
    #[command(flatten)]
    pub(crate) archive: Archive,
    /// The event: its `id`, or its day and line, such as 2026-01-02:17
    #[arg(long, value_name = "ID|DAY:LINE")]
    pub(crate) event: String,
    /// Look for the `id` on this day only
    #[arg(long, value_name = "DAY")]
    pub(crate) day: Option<Day>,
    /// Where to write the proof [default: standard output]
    #[arg(short = 'O', long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyProof {
    /// The proof
    pub(crate) proof: PathBuf,
    /// The log's key, the witnesses and how many of them must have signed: a tlog-policy file
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// How to print what was proven
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) archive: Archive,
    /// One leaf in full, by its day or its number
    #[arg(long, value_name = "DAY|NUMBER")]
    pub(crate) leaf: Option<String>,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

fn instant(text: &str) -> Result<Timestamp, String> {
    assurance_evidence::parse_instant(text).ok_or_else(|| "write a time as 2026-01-02T15:04:05Z".to_owned())
}
