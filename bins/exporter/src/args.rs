//! The command line, and the one place where the environment is read.

use std::path::PathBuf;

use assurance_evidence::manifest::Retention;
use assurance_evidence::{Day, MAX_LIMIT};
use assurance_metrics_model::Duration;
use assurance_tlog::note::check_key_name;
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
  8  done, but the witnesses that the policy asks for have not signed
  75 another process is writing there; try again later";

/// Preserves audit events: collects them from BRAiN into files of UTC days, and seals them in a signed log.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Makes a key for the log, in a file that only its owner can read, and prints its public half.
    Keygen(Keygen),
    /// Creates the log of a directory, once.
    Init(Init),
    /// Collects once, and publishes and seals every day that is over: for a timer.
    Run(Run),
    /// Collects again and again until SIGTERM or SIGINT, and leaves publishing and sealing to `run` or `seal`.
    Collect(Collect),
    /// Publishes and seals every day that is over, without using the network.
    Seal(Seal),
    /// Passes the log from one key to another; both sign that.
    Rotate(Rotate),
    /// Keeps days from being purged, ends that, and lists what is held.
    #[command(subcommand)]
    Hold(Hold),
    /// Removes what the retention no longer asks for: plain files of old days, and, with a leaf that says so, days.
    Prune(Prune),
    /// Says what was collected, published and sealed.
    Status(Status),
}

#[derive(Args)]
pub(crate) struct Keygen {
    /// Where to write the key; a file that is there is never overwritten
    pub(crate) file: PathBuf,
    /// The log's name: a host and a path
    #[arg(long, value_name = "NAME", default_value = "assurance/evidence", value_parser = origin)]
    pub(crate) origin: String,
}

#[derive(Args)]
pub(crate) struct Key {
    /// The file with the log's key [default: $CREDENTIALS_DIRECTORY/log-key, else state/log.key of the directory]
    #[arg(long = "key", value_name = "FILE")]
    key: Option<PathBuf>,
}

impl Key {
    /// The file to read, and whether it was named.
    pub(crate) fn path(&self, directory: &Directory) -> PathBuf {
        if let Some(key) = &self.key {
            return key.clone();
        }
        let credential = credentials_directory().map(|directory| directory.join("log-key"));
        let credential = credential.filter(|file| file.exists());
        credential
            .unwrap_or_else(|| directory.path().join(assurance_evidence::STATE_DIRECTORY).join("log.key"))
    }

    pub(crate) fn named(&self) -> Option<&PathBuf> {
        self.key.as_ref()
    }
}

#[derive(Args)]
pub(crate) struct Init {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// The log's name, by which its key is known: a host and a path [default: that of the key, or assurance/evidence]
    #[arg(long, value_name = "NAME", value_parser = origin)]
    pub(crate) origin: Option<String>,
    #[command(flatten)]
    pub(crate) key: Key,
    /// The last checkpoint of a log whose key was lost, which this one goes on from
    #[arg(long, value_name = "FILE", requires = "reason")]
    pub(crate) succeeds: Option<PathBuf>,
    /// Why it goes on
    #[arg(long, value_name = "TEXT", requires = "succeeds")]
    pub(crate) reason: Option<String>,
}

#[derive(Args)]
pub(crate) struct Sign {
    #[command(flatten)]
    pub(crate) key: Key,
    /// A tlog-policy file: exit with 8 where its witnesses have not signed
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// How many days are kept in plain form [default: 90, or $RETENTION_DAYS]
    #[arg(long, value_name = "DAYS")]
    pub(crate) hot_days: Option<u32>,
    /// How many days are kept compressed; seven years by default
    #[arg(long, value_name = "DAYS", default_value_t = Retention::USUAL.cold_days)]
    pub(crate) cold_days: u32,
}

impl Sign {
    pub(crate) fn retention(&self) -> Retention {
        Retention { hot_days: self.hot_days.unwrap_or(Retention::USUAL.hot_days), cold_days: self.cold_days }
    }
}

#[derive(Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) collect: Collect,
    #[command(flatten)]
    pub(crate) sign: Sign,
}

#[derive(Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) key: Key,
    /// The file with the key that signs from now on
    #[arg(long, value_name = "FILE")]
    pub(crate) new_key: PathBuf,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

#[derive(Subcommand)]
pub(crate) enum Hold {
    /// Keeps days from being purged.
    Add(HoldAdd),
    /// Ends a hold.
    Release(HoldRelease),
    /// Lists the holds that are in force.
    List(Status),
}

#[derive(Args)]
pub(crate) struct HoldAdd {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) key: Key,
    /// Its name
    #[arg(long)]
    pub(crate) id: String,
    /// The first day held
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Day,
    /// The last day held [default: all that come]
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Option<Day>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Who asked for it
    #[arg(long, value_name = "NAME")]
    pub(crate) by: String,
}

#[derive(Args)]
pub(crate) struct HoldRelease {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) key: Key,
    /// Its name
    #[arg(long)]
    pub(crate) id: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Who asked for it
    #[arg(long, value_name = "NAME")]
    pub(crate) by: String,
}

#[derive(Args)]
pub(crate) struct Prune {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) sign: Sign,
    /// Shows what would go and changes nothing [default: $DRY_RUN]
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How to print what goes
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
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
    /// Never asks for the backend's export, which closes gaps and which the backend records as an event
    #[arg(long)]
    pub(crate) no_export: bool,
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
    #[command(flatten)]
    pub(crate) sign: Sign,
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
        Command::Keygen(_) => return command,
        Command::Run(run) => {
            keep(&mut run.sign);
            source(&mut run.collect);
            &mut run.collect.directory
        }
        Command::Collect(collect) => {
            source(collect);
            &mut collect.directory
        }
        Command::Seal(seal) => {
            keep(&mut seal.sign);
            seal.publish.dry_run |= dry_run();
            &mut seal.directory
        }
        Command::Prune(prune) => {
            keep(&mut prune.sign);
            prune.dry_run |= dry_run();
            &mut prune.directory
        }
        Command::Init(init) => &mut init.directory,
        Command::Rotate(rotate) => &mut rotate.directory,
        Command::Hold(Hold::Add(add)) => &mut add.directory,
        Command::Hold(Hold::Release(release)) => &mut release.directory,
        Command::Hold(Hold::List(status)) | Command::Status(status) => &mut status.directory,
    };
    if directory.dir.is_none() {
        directory.dir = variable("EVIDENCE_DIR").map(PathBuf::from);
    }
    if directory.dir.is_none() {
        refuse(ErrorKind::MissingRequiredArgument, "give the evidence directory with --dir PATH");
    }
    command
}

fn source(collect: &mut Collect) {
    if collect.backend.is_none() && collect.file.is_none() {
        match variable("BACKEND_URL").map(|url| base_url(&url)) {
            Some(Ok(url)) => collect.backend = Some(url),
            Some(Err(message)) => refuse(ErrorKind::ValueValidation, &format!("$BACKEND_URL: {message}")),
            None => refuse(ErrorKind::MissingRequiredArgument, "give --backend URL or --file PATH"),
        }
    }
    collect.publish.dry_run |= dry_run();
}

/// The old script removed what was older than this. Here the plain form goes, by `prune`, and nothing else does.
fn keep(sign: &mut Sign) {
    if sign.hot_days.is_some() {
        return;
    }
    match variable("RETENTION_DAYS").map(|days| days.parse::<u32>()) {
        Some(Ok(days)) => sign.hot_days = Some(days),
        Some(Err(error)) => refuse(ErrorKind::ValueValidation, &format!("$RETENTION_DAYS: {error}")),
        None => {}
    }
}

fn refuse(kind: ErrorKind, message: &str) -> ! {
    Cli::command().error(kind, message).exit()
}

fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the place where the environment is read")]
    let value = std::env::var(name);
    value.ok().filter(|value| !value.is_empty())
}

/// Where systemd puts the credentials of the service.
pub(crate) fn credentials_directory() -> Option<PathBuf> {
    variable("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

fn dry_run() -> bool {
    variable("DRY_RUN").is_some_and(|value| !matches!(value.as_str(), "0" | "false" | "no"))
}

/// A log's name, as c2sp.org/signed-note allows it.
fn origin(text: &str) -> Result<String, String> {
    check_key_name(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
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
