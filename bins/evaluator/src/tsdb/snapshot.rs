//! `tsdb snapshot`: a copy of a store that a server may be writing to.

use std::ffi::OsString;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use assurance_disk::Disk;
use assurance_metrics_model::Timestamp;
use assurance_pipeline::{MAX_STATE_BYTES, STATE_FILE};
use assurance_storage::{Storage, StorageError};
use assurance_tsdb::inspect::{Inspection, Snapshot as Copied};
use assurance_tsdb::{Config, Store};
use clap::Parser;
use serde_json::json;

use super::text::human;
use super::{open, print, say};
use crate::args::Output;
use crate::exit;
use crate::wire::fail;

#[derive(Clone, Debug, Parser)]
pub(crate) struct Snapshot {
    /// The directory that --storage.tsdb.path names; a server may be running on it.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Where the copy goes: not there yet, or empty. On the same file system finished days take no space twice.
    #[arg(value_name = "TO")]
    to: PathBuf,
    /// Only days that are finished, not what the log holds.
    #[arg(long)]
    skip_head: bool,
    /// For people or for programs.
    #[arg(short, long, default_value = "text")]
    output: Output,
}

/// Why there is no copy: the exit code, and what to tell.
struct NoCopy {
    code: u8,
    message: String,
}

impl NoCopy {
    fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl From<StorageError> for NoCopy {
    fn from(error: StorageError) -> Self {
        Self::new(exit::IO, error.to_string())
    }
}

impl From<std::io::Error> for NoCopy {
    fn from(error: std::io::Error) -> Self {
        Self::new(exit::IO, error.to_string())
    }
}

/// What a copy holds that was opened once.
struct Opened {
    segment_samples: u64,
    /// A segment may have some of them too.
    log_samples: u64,
    last: Option<Timestamp>,
    /// What its start tells of damage that was in the store as well.
    damage: Vec<String>,
}

pub(crate) fn run(args: &Snapshot) -> ExitCode {
    if let Err(code) = open(&args.directory) {
        return code;
    }
    let mut opened = None;
    let taken = take(&args.directory, &args.to, !args.skip_head, |copy| {
        opened = Some(opens(copy)?);
        Ok(())
    });
    let (copied, opened) = match (taken, opened) {
        (Ok(copied), Some(opened)) => (copied, opened),
        (Err(NoCopy { code, message }), _) => return fail(code, &message),
        (Ok(_), None) => return fail(exit::IO, "the copy was not opened"),
    };
    let to = args.to.display();
    match args.output {
        Output::Text => {
            let until = opened.last.map(|last| format!(" until {last}")).unwrap_or_default();
            print(&format!(
                "{to}: {} samples in finished days, {} in the log{until}; {} in {} files, {} of them linked\n",
                opened.segment_samples,
                opened.log_samples,
                human(copied.bytes),
                copied.linked + copied.copied,
                copied.linked,
            ));
        }
        Output::Json => print(&format!(
            "{:#}\n",
            json!({
                "directory": to.to_string(),
                "segmentSamples": opened.segment_samples,
                "logSamples": opened.log_samples,
                "last": opened.last.map(Timestamp::as_millis),
                "bytes": copied.bytes,
                "linked": copied.linked,
                "copied": copied.copied,
                "tornBytes": copied.torn,
                "retries": copied.retries,
                "damage": opened.damage,
            })
        )),
    }
    for damage in &opened.damage {
        say(&format!("error: {damage}"));
    }
    if opened.damage.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(exit::INTEGRITY) }
}

/// Copies a store to `to`, which comes into being as a whole: what is being copied stands beside it and has
/// `.partial` at the end of its name. `check` sees it before.
fn take(
    from: &Path,
    to: &Path,
    with_log: bool,
    check: impl FnOnce(&Path) -> Result<(), NoCopy>,
) -> Result<Copied, NoCopy> {
    let usage = |message: String| Err(NoCopy::new(exit::CONFIGURATION, message));
    match fs_err::read_dir(to).map(|mut entries| entries.next().is_some()) {
        Ok(true) => {
            return usage(format!("{} is not empty; give a directory that is not there yet", to.display()));
        }
        Ok(false) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return usage(format!("{error}; give a directory that is not there yet")),
    }
    let Some(name) = to.file_name() else {
        return usage(format!("{} has no name; give a directory that is not there yet", to.display()));
    };
    let mut partial = OsString::from(name);
    partial.push(".partial");
    let partial = to.with_file_name(partial);
    if fs_err::symlink_metadata(&partial).is_ok() {
        return usage(format!(
            "{} is there: another snapshot is being taken, or one was interrupted; remove it if none is",
            partial.display()
        ));
    }
    let copied = fill(from, &partial, with_log).and_then(|copied| {
        check(&partial)?;
        // In the place of an empty directory or of none, and of nothing else.
        fs_err::rename(&partial, to)?;
        let above = to.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs_err::File::open(above)?.sync_all()?;
        Ok(copied)
    });
    if copied.is_err() {
        // The error that is told is the first.
        let _left_behind = fs_err::remove_dir_all(&partial);
    }
    copied
}

/// Copies a store to a directory below its `snapshots`, and gives its name, as Prometheus makes it. The copy is
/// listed, and not opened: who asks is the server that has the same in memory already.
pub(crate) fn take_named(directory: &Path, with_log: bool, now: Timestamp) -> Result<String, String> {
    let seconds = Timestamp::from_secs(now.as_millis().div_euclid(1000));
    let date: String = seconds.to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let chance = RandomState::new().build_hasher().finish();
    let name = format!("{date}-{chance:016x}");
    let taken = take(directory, &directory.join("snapshots").join(&name), with_log, |copy| {
        let listing = Inspection::new(Arc::new(Disk::open(copy)?)).list()?;
        for finding in &listing.findings {
            tracing::warn!(%finding, "a snapshot has damage that its store has");
        }
        Ok(())
    });
    match taken {
        Ok(copied) => {
            tracing::info!(name, bytes = copied.bytes, linked = copied.linked, "a snapshot was taken");
            Ok(name)
        }
        Err(error) => Err(error.message),
    }
}

fn fill(from: &Path, partial: &Path, with_log: bool) -> Result<Copied, NoCopy> {
    let here = Arc::new(Disk::open(from)?.with_open_files(super::MAX_OPEN_FILES));
    let there = Disk::create(partial)?;
    let inspection = Inspection::new(Arc::clone(&here) as Arc<dyn Storage>);
    let copied = inspection.snapshot(&there, with_log, &mut |name| here.link_to(name, &there))?;
    match here.read(STATE_FILE, MAX_STATE_BYTES) {
        Ok(alerts) if with_log => there.publish(STATE_FILE, &mut &alerts[..])?,
        Ok(_) => {}
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error.into()),
    }
    Ok(copied)
}

/// Opens a copy as a server would.
fn opens(copy: &Path) -> Result<Opened, NoCopy> {
    let disk = Arc::new(Disk::open(copy)?);
    let unusable = |error| NoCopy::new(exit::IO, format!("the copy does not open: {error}"));
    let (store, recovery) =
        Store::open(Config::default(), Arc::clone(&disk) as Arc<dyn Storage>).map_err(unusable)?;
    let damaged = recovery.damaged.iter().map(|(file, reason)| format!("{file}: {reason}"));
    let opened = Opened {
        segment_samples: recovery.segment_samples,
        log_samples: recovery.samples,
        last: store.stats().max_time,
        damage: damaged.chain(recovery.quarantined.iter().map(ToString::to_string)).collect(),
    };
    drop(store);
    disk.remove("lock")?;
    Ok(opened)
}
