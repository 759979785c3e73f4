//! `tsdb export`: what is in a store as OpenMetrics, for promtool, for others, and for `tsdb import`.

mod walk;

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use assurance_disk::Disk;
use assurance_metrics_model::{Matcher, Timestamp};
use assurance_storage::{Overlay, Storage as _};
use assurance_tsdb::{Config, Store};
use clap::Parser;

use self::walk::{Left, Walk, WalkError};
use super::say;
use crate::exit;
use crate::wire::fail;

/// How often a store is opened anew whose files a running server replaces meanwhile: it does so once a minute.
const MAX_TRIES: usize = 10;

/// What is written at once.
const BLOCK_BYTES: usize = 256 << 10;

#[derive(Clone, Debug, Parser)]
pub(crate) struct Export {
    /// The directory that --storage.tsdb.path names; a server may be running on it.
    #[arg(value_name = "DIR", default_value = "data")]
    directory: PathBuf,
    /// A selector of series, such as up{job="brain"}; all by default, may be given more than once.
    #[arg(long = "match", value_name = "SELECTOR", value_parser = selector)]
    matches: Vec<Selector>,
    /// Leave out what is older: RFC 3339, or milliseconds since 1970 as promtool takes them.
    #[arg(long, value_name = "TIME", value_parser = time)]
    min_time: Option<Timestamp>,
    /// Leave out what is newer.
    #[arg(long, value_name = "TIME", value_parser = time)]
    max_time: Option<Timestamp>,
    /// Write stale markers as NaN, for `tsdb import --nan stale`. Prometheus takes them for numbers.
    #[arg(long)]
    stale_as_nan: bool,
    /// A file to write, which must not exist; standard output by default.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

type Selector = Arc<[Matcher]>;

fn selector(text: &str) -> Result<Selector, String> {
    assurance_promql::parse_selector(text).map(Arc::from).map_err(|error| error.to_string())
}

fn time(text: &str) -> Result<Timestamp, String> {
    match text.parse() {
        Ok(millis) => Ok(Timestamp::from_millis(millis)),
        Err(_no_number) => text.parse().map_err(|error| format!("{error}")),
    }
}

pub(crate) fn run(args: &Export) -> ExitCode {
    let store = match open(&args.directory) {
        Ok(store) => store,
        Err(code) => return code,
    };
    let out: Box<dyn Write> = match &args.output {
        None => Box::new(io::stdout().lock()),
        Some(path) => match fs_err::File::create_new(path) {
            Ok(file) => Box::new(file),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let help = "name a new file, or remove this one";
                return fail(
                    exit::CONFIGURATION,
                    &format!("{} is there already\n  = help: {help}", path.display()),
                );
            }
            Err(error) => return fail(exit::IO, &error.to_string()),
        },
    };
    let mut walk = Walk::new(&store, args.matches.clone(), args.stale_as_nan);
    walk.between(args.min_time, args.max_time);
    match walk.write(BufWriter::with_capacity(BLOCK_BYTES, out)) {
        Ok(left) => tell(&left, args.stale_as_nan),
        // Whoever read it has seen enough.
        Err(WalkError::Write(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(WalkError::Write(error)) => {
            fail(exit::IO, &format!("cannot write on: {error}; what was written is incomplete"))
        }
        Err(WalkError::Read(error)) => fail(
            exit::IO,
            &format!(
                "{error}; what was written is incomplete\n  = help: `tsdb verify` tells what is damaged; retention may also have \
                 removed the day meanwhile: try again"
            ),
        ),
    }
}

/// Says what could not be written.
fn tell(left: &Left, stale_as_nan: bool) -> ExitCode {
    say(&format!("{} samples of {} series", left.written, left.series));
    if left.stale > 0 {
        let what = if stale_as_nan {
            "are written as NaN: import them with --nan stale"
        } else {
            "are left out, as OpenMetrics has none: the series end without them; --stale-as-nan writes them as NaN"
        };
        say(&format!("note: {} stale markers {what}", left.stale));
    }
    if left.histograms > 0 {
        say(&format!(
            "warning: {} samples of native histograms are left out, as OpenMetrics has none; remote write has, and `tsdb snapshot` \
             copies all",
            left.histograms
        ));
    }
    if left.payloads > 0 {
        say(&format!("warning: {} NaNs are written, but not what their bits say beside that", left.payloads));
    }
    if let Some((labels, reason)) = &left.unsayable {
        say(&format!(
            "warning: {} series are left out, the first is {labels}: {reason}",
            left.unsayable_count
        ));
    }
    if left.is_complete(stale_as_nan) { ExitCode::SUCCESS } else { ExitCode::from(exit::INCOMPLETE) }
}

/// The store as it is now. Nothing is locked or changed, so that a server may run on it.
fn open(directory: &Path) -> Result<Store, ExitCode> {
    let mut tries = 0;
    loop {
        // What a look at the files would change stays in memory.
        super::open(directory)?;
        let disk = Disk::open(directory).map_err(|error| fail(exit::IO, &error.to_string()))?;
        let storage = Arc::new(Overlay::new(disk.with_open_files(super::MAX_OPEN_FILES)));
        let segments = || storage.list("segments");
        let before = segments();
        let opened = Store::open(Config::default(), Arc::clone(&storage) as _);
        tries += 1;
        // A day that went from the log to a segment between two looks would be in neither.
        let is_settled = opened.is_ok() && matches!((&before, segments()), (Ok(a), Ok(b)) if *a == b);
        match opened {
            Ok((store, recovery)) if is_settled || tries == MAX_TRIES => {
                for (segment, reason) in &recovery.damaged {
                    say(&format!("warning: {segment} is damaged and left out: {reason}"));
                }
                for part in &recovery.quarantined {
                    say(&format!("warning: a part of the log is damaged and left out: {part}"));
                }
                return Ok(store);
            }
            Err(error) if tries == MAX_TRIES => return Err(fail(exit::IO, &error.to_string())),
            _ => {}
        }
    }
}
