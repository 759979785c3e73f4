//! `tsdb import`: a history into the files of a store, in one pass.

mod told;

use std::io::{self, IsTerminal as _, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use assurance_disk::{Disk, WallClock};
use assurance_exposition::{History, HistoryError, HistoryFormat, HistorySample, NanMeans};
use assurance_metrics_model::Duration;
use assurance_storage::{Memory, Overlay, Storage};
use assurance_tsdb::{Config, ImportConfig, ImportError, Importer, OpenErrorKind, Store};
use clap::{Parser, ValueEnum};

use super::print;
use crate::args::Output;
use crate::exit;
use crate::wire::fail;

/// Samples from one sign of life to the next, on a terminal: about one in a second.
const SAMPLES_A_SIGN: u64 = 1 << 22;

#[derive(Clone, Debug, Parser)]
pub(crate) struct Import {
    /// The directory that --storage.tsdb.path names; no server may run on it. Made where it is missing.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// What to import; standard input by default, or for `-`.
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// How it is written; openmetrics by default, dump where the first line is one.
    #[arg(long)]
    format: Option<Format>,
    /// What a NaN means: Prometheus writes stale markers as NaN. Stale in a dump, a number elsewhere.
    #[arg(long, value_name = "MEANING")]
    nan: Option<Nan>,
    /// How long the server that follows will keep samples: older ones are warned of.
    #[arg(long = "storage.tsdb.retention.time", value_name = "DURATION", default_value = "90d")]
    retention: Duration,
    /// How much of the samples may wait in memory. With too little of it days get several files.
    #[arg(long, value_name = "SIZE", default_value = "256MB", value_parser = size)]
    max_memory: usize,
    /// Check everything, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// For people or for programs.
    #[arg(short, long, default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// OpenMetrics with times in seconds, ending in # EOF.
    Openmetrics,
    /// Prometheus's text format with times in milliseconds.
    Text,
    /// What promtool tsdb dump prints.
    Dump,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Nan {
    Number,
    Stale,
}

fn size(text: &str) -> Result<usize, String> {
    let bytes = assurance_config::parse_size(text).and_then(|bytes| usize::try_from(bytes).ok());
    bytes.filter(|bytes| *bytes >= 1 << 20).ok_or_else(|| "write at least 1MB, such as 512MB".to_owned())
}

pub(crate) fn run(args: &Import) -> ExitCode {
    let input: Box<dyn Read> = if args.file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        match fs_err::File::open(&args.file) {
            Ok(file) => Box::new(file),
            Err(error) => return fail(exit::IO, &error.to_string()),
        }
    };
    let store = match open(&args.directory, args.dry_run) {
        Ok(store) => store,
        Err(code) => return code,
    };
    let format = args.format.map(|format| match format {
        Format::Openmetrics => HistoryFormat::OpenMetrics,
        Format::Text => HistoryFormat::Text,
        Format::Dump => HistoryFormat::Dump,
    });
    let history = match History::new(input, format) {
        Ok(history) => history,
        Err(error) => return fail(exit::IO, &error.to_string()),
    };
    let nan = match (args.nan, history.format()) {
        (Some(Nan::Stale), _) | (None, HistoryFormat::Dump) => NanMeans::Stale,
        _ => NanMeans::Number,
    };
    let mut history = history.with_nan(nan);
    let mut config = ImportConfig::default();
    config.max_bytes = args.max_memory;
    config.is_dry_run = args.dry_run;
    let mut importer = Importer::new(&store, config, WallClock.now());
    let outcome = all(&mut history, &mut importer);
    let report = told::Report {
        args: &told::Asked { retention: args.retention, is_dry_run: args.dry_run, nan, now: WallClock.now() },
        history: *history.notes(),
        lines: history.lines(),
        series: importer.series_count(),
        done: importer.so_far(),
    };
    match outcome {
        Ok(()) => {
            match args.output {
                Output::Text => print(&report.text()),
                Output::Json => print(&format!("{:#}\n", report.json())),
            }
            report.notes().iter().for_each(|note| super::say(note));
            if report.is_complete() { ExitCode::SUCCESS } else { ExitCode::from(exit::FINDINGS) }
        }
        Err(Fault::Input(HistoryError::Parse(error))) => {
            let name =
                if args.file == Path::new("-") { "stdin".into() } else { args.file.display().to_string() };
            let place = format!("{name}:{}:{}: {}", error.line, error.column, error.kind);
            let caret = format!("{:>width$}", "^", width = error.caret() + 1);
            let help = report.hint_for(&error);
            fail(
                exit::FINDINGS,
                &format!(
                    "{place}\n  | {}\n  | {caret}\n  = help: {help}\n  = note: {}",
                    error.excerpt(),
                    report.left()
                ),
            )
        }
        Err(Fault::Input(error @ HistoryError::Read { .. })) => {
            fail(exit::IO, &format!("{error}\n  = note: {}", report.left()))
        }
        Err(Fault::Input(error)) => fail(exit::FINDINGS, &format!("{error}\n  = note: {}", report.left())),
        Err(Fault::Store(error)) => fail(exit::IO, &format!("{error}\n  = note: {}", report.left())),
    }
}

/// Why an import ended before its input did.
enum Fault {
    Input(HistoryError),
    Store(ImportError),
}

fn all(history: &mut History<Box<dyn Read>>, importer: &mut Importer<'_>) -> Result<(), Fault> {
    let mut signs = Signs::new();
    let mut known = 0;
    let mut left = SAMPLES_A_SIGN;
    while let Some(HistorySample { series, at, value, line }) = history.next_sample().map_err(Fault::Input)? {
        if series == known {
            // Both count from 0, in the order in which series come.
            importer.series(history.labels(series).clone()).map_err(Fault::Store)?;
            known += 1;
        }
        importer.sample(series, at, value, line).map_err(Fault::Store)?;
        left -= 1;
        if left == 0 {
            left = SAMPLES_A_SIGN;
            signs.show(&format!("{line} lines, {} MB, {known} series, at {at}", history.bytes() >> 20));
        }
    }
    signs.show("writing days");
    let outcome = importer.finish();
    signs.clear();
    outcome.map_err(Fault::Store)
}

/// Signs of life, where somebody watches.
struct Signs {
    is_watched: bool,
}

impl Signs {
    fn new() -> Self {
        Self { is_watched: io::stderr().is_terminal() }
    }

    fn show(&mut self, text: &str) {
        if self.is_watched {
            let _nobody_watches = write!(io::stderr(), "\r\x1b[K{text}");
        }
    }

    fn clear(&mut self) {
        self.show("");
    }
}

/// The store to import into, which nobody else has open; for a dry run, one that only looks at it.
fn open(directory: &Path, is_dry_run: bool) -> Result<Store, ExitCode> {
    let fault = |error: &dyn std::fmt::Display| {
        fail(
            exit::IO,
            &format!(
                "{}: {error}\n  = help: give a directory that this user may write to",
                directory.display()
            ),
        )
    };
    let storage: Arc<dyn Storage> = if is_dry_run {
        match Disk::open(directory) {
            Ok(disk) => Arc::new(Overlay::new(disk)),
            Err(error) if error.is_not_found() => Arc::new(Memory::new()),
            Err(error) => return Err(fault(&error)),
        }
    } else {
        Arc::new(Disk::create(directory).map_err(|error| fault(&error))?)
    };
    let (store, recovery) = Store::open(Config::default(), storage).map_err(|error| match error.kind {
        OpenErrorKind::Locked { .. } => fail(
            exit::IO,
            &format!(
                "{error}\n  = help: stop the server that runs on {} for the time of the import, or let the source write to it \
                 by remote write",
                directory.display()
            ),
        ),
        _ => fail(exit::IO, &format!("{error}\n  = note: in {}", directory.display())),
    })?;
    for (segment, reason) in &recovery.damaged {
        super::say(&format!("warning: {segment} is damaged and left as it is: {reason}"));
    }
    for part in &recovery.quarantined {
        super::say(&format!("warning: {part}"));
    }
    for torn in &recovery.torn {
        super::say(&format!("warning: {torn}"));
    }
    Ok(store)
}
