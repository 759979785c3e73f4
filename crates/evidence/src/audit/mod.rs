//! The offline verification of an archive.
//!
//! [`verify`] believes nothing but the keys of a policy: the checkpoint must be signed by the log's key and by the
//! witnesses that the policy asks for, every entry must lead to its root, and every file must be what an entry says.
//! What differs is named by file, day and line, with the kind of tampering that fits.
//!
//! Integrity and completeness are separate verdicts: an archive can be exactly what was sealed and say of itself that
//! events may be missing.

mod bytes;
mod days;
mod file;
mod finding;
mod history;
mod lines;
mod log;
mod mend;
mod notes;
mod signatures;

use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::{Operation, Storage, StorageError, StorageErrorKind};
use assurance_tlog::note::SignedNote;
use assurance_tlog::policy::Policy;
use serde::Serialize;

pub use finding::{Class, Finding, Severity};
pub(crate) use log::Log;

use crate::Day;
use crate::names::CHECKPOINT_FILE;
use days::Days;
use history::History;
use signatures::{Inspector, Signatures};

/// What to verify against.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The time now.
    pub now: Timestamp,
    /// The log's key, the witnesses, and how many of them must have signed. Without, the archive's own key is taken,
    /// and nothing is said of witnesses.
    pub policy: Option<Policy>,
    /// A checkpoint from before, as a signed note, that the log must have grown from.
    pub since: Option<String>,
    /// How old the newest seal may be.
    pub max_age: Option<Duration>,
    /// How many days are checked at a time, each on a thread of its own; the findings are the same, in the same order.
    pub threads: usize,
}

impl Options {
    /// Verification at a time, against the archive's own key.
    pub fn at(now: Timestamp) -> Self {
        Self { now, policy: None, since: None, max_age: None, threads: 1 }
    }
}

/// How far the verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Days done.
    pub days: u64,
    /// Days in all.
    pub of: u64,
}

/// What the log is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LogReport {
    /// Its name.
    pub origin: String,
    /// Its leaves.
    pub size: u64,
    /// Its root, in base64.
    pub root: String,
    /// How many of the policy's witnesses signed its newest checkpoint.
    pub witnesses: usize,
}

/// What the verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The log; nothing where its checkpoint cannot be read.
    pub log: Option<LogReport>,
    /// Days that were sealed, purged ones among them.
    pub days: u64,
    /// Days that were purged by policy.
    pub purged_days: u64,
    /// The first day.
    pub first_day: Option<Day>,
    /// The last day.
    pub last_day: Option<Day>,
    /// Events that were verified.
    pub events: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What was found, in the order it was found.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Adds what was found of later days.
    fn add(&mut self, later: Self) {
        self.days += later.days;
        self.purged_days += later.purged_days;
        self.first_day = self.first_day.or(later.first_day);
        self.last_day = later.last_day.or(self.last_day);
        self.events += later.events;
        self.bytes += later.bytes;
        self.findings.extend(later.findings);
    }

    /// The worst of the findings.
    pub fn severity(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// Whether everything is what was sealed.
    pub fn is_intact(&self) -> bool {
        self.severity() != Some(Severity::Integrity)
    }

    /// Whether nothing says that events may be missing.
    pub fn is_complete(&self) -> bool {
        !self.findings.iter().any(|finding| finding.severity == Severity::Incomplete)
    }
}

/// Verifies an archive, and says how far it is.
///
/// An error is a failure to read; whatever is wrong with what was read is a finding.
pub fn verify(
    storage: &dyn Storage,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, StorageError> {
    let mut report = Report::default();
    let Some(log) = Log::read(storage, &mut report.findings)? else { return Ok(report) };
    let history = if log.is_whole { History::read(&log, &mut report.findings) } else { History::default() };
    let inspector = Inspector {
        storage,
        log: &log,
        eras: &history.eras,
        policy: options.policy.as_ref(),
        findings: &mut report.findings,
    };
    let signatures = inspector.inspect(options.since.as_deref().map(str::as_bytes))?;
    history.compare_times(&log, &signatures.seen, options.now, &mut report.findings);
    report.log = Some(LogReport {
        origin: log.checkpoint.origin().to_owned(),
        size: log.size(),
        root: log.checkpoint.root().to_string(),
        witnesses: signatures.witnesses,
    });
    age(options, &log, &history, &signatures, &mut report);
    if log.is_whole {
        Days::new(storage, &history, &log.entries, options.now, &mut report)
            .check(options.threads, progress)?;
    }
    Ok(report)
}

/// Whether the newest seal is recent enough: by a witness's clock, or the log's own where no witness signed.
fn age(options: &Options, log: &Log, history: &History, signatures: &Signatures, report: &mut Report) {
    let Some(max_age) = options.max_age else { return };
    let witnessed = signatures.seen.iter().filter(|seen| seen.size == log.size()).map(|seen| seen.at).max();
    let Some(newest) = witnessed.or(history.times.last().map(|(at, _)| *at)) else { return };
    if options.now - newest > max_age {
        let message = format!("the newest seal is of {newest}, longer ago than {max_age}");
        report.findings.push(Finding::new(Class::Stale, Severity::Incomplete, CHECKPOINT_FILE, message));
    }
}

/// The log as it is, where its entries are those of its checkpoint; what is wrong with it otherwise. Signatures of
/// witnesses that came later are added to its checkpoint.
pub(crate) fn sound_log(storage: &dyn Storage) -> Result<Result<Log, Finding>, StorageError> {
    let mut log = match sealed_log(storage)? {
        Ok(log) => log,
        Err(finding) => return Ok(Err(finding)),
    };
    let size = log.size();
    signatures::add_cosignatures(storage, size, &mut log.note)?;
    Ok(Ok(log))
}

/// The same, with the signatures that the log itself gave its checkpoint.
pub(crate) fn sealed_log(storage: &dyn Storage) -> Result<Result<Log, Finding>, StorageError> {
    let mut findings = Vec::new();
    let log = Log::read(storage, &mut findings)?.filter(|log| log.is_whole);
    Ok(log.ok_or_else(|| {
        let unknown =
            || Finding::integrity(Class::RewrittenLog, CHECKPOINT_FILE, "the log is not what was signed");
        findings.into_iter().next().unwrap_or_else(unknown)
    }))
}

/// A checkpoint of this size with the signatures that witnesses gave it.
pub(crate) fn with_cosignatures(
    storage: &dyn Storage,
    size: u64,
    mut note: SignedNote,
) -> Result<SignedNote, StorageError> {
    signatures::add_cosignatures(storage, size, &mut note)?;
    Ok(note)
}

/// The leaves of a log, each with its bytes.
pub fn leaves(storage: &dyn Storage) -> Result<Result<Vec<Vec<u8>>, Finding>, StorageError> {
    Ok(sound_log(storage)?.map(|log| log.entries))
}

/// The newest checkpoint, with every signature that witnesses gave it since.
pub fn witnessed_checkpoint(storage: &dyn Storage) -> Result<SignedNote, StorageError> {
    let mut findings = Vec::new();
    let Some((mut note, checkpoint)) = notes::read_checkpoint(storage, CHECKPOINT_FILE, &mut findings)?
    else {
        let found = findings.first().map(ToString::to_string).unwrap_or_default();
        let kind = StorageErrorKind::Content(std::io::Error::other(found));
        return Err(StorageError::new(Operation::Read, CHECKPOINT_FILE, kind));
    };
    signatures::add_cosignatures(storage, checkpoint.size(), &mut note)?;
    Ok(note)
}
