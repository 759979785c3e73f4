//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const EXIT_CODES: &str = "\
Exit codes:
  0  every step went as written and every claim holds
  1  a step or a claim does not
  2  the command line or a scenario is wrong
  5  a file could not be read or written";

/// Rehearses the response: runs tabletop exercises on a virtual clock and reports.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists the scenarios that come with this program.
    List(List),
    /// Prints a scenario for those who conduct it, answers included, in Markdown.
    Show(Show),
    /// Runs scenarios against the rules of the pack in virtual time, and reports what was measured.
    Rehearse(Rehearse),
}

#[derive(Args)]
pub(crate) struct List {
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

#[derive(Args)]
pub(crate) struct Show {
    /// The scenario's id, or its file (*.yml)
    #[arg(value_name = "ID|FILE")]
    pub(crate) scenario: String,
}

#[derive(Args)]
pub(crate) struct Rehearse {
    /// The scenario's id, or its file (*.yml)
    #[arg(value_name = "ID|FILE", required_unless_present = "all")]
    pub(crate) scenario: Option<String>,
    /// Every scenario that comes with this program
    #[arg(long, conflicts_with = "scenario")]
    pub(crate) all: bool,
    /// How to print the report: Markdown, or JSON, one object or a list of them with --all
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
    /// Also write the claims as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// What decides latencies and the phases of scrapes and evaluations
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

pub(crate) fn parse() -> Command {
    Cli::parse().command
}
