//! What a witness remembers: the newest tree of each log that it cosigned.
//!
//! The protocol (c2sp.org/tlog-witness) is [`assurance_tlog::witness`]'s; this is its memory, in a directory of its
//! own. A witness that forgets would cosign a second history of a log, so nothing here begins anew by itself:
//! [`create`] is done on purpose, once in the life of a key, and a record that is missing afterwards is refused.
//!
//! ```text
//! lock                      held by the one process that cosigns
//! witness.json              whose memory it is: the key, and the logs it ever knew
//! logs/<origin hash>.json   size, root and cosigned checkpoint of one log; replaced before a cosignature leaves
//! refused/<hash>            requests that were signed by a log and do not fit what was cosigned: evidence
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_storage::{LockGuard, Storage, StorageError};
use assurance_tlog::cosignature::CosignerKey;
use assurance_tlog::note::VerifierKey;
use assurance_tlog::witness::{Decision, Refusal, Response, Stored, TreeHead, Witness, WitnessError};
use assurance_tlog::{empty_root, sha256};
use serde::{Deserialize, Serialize};

/// The version of the form of both files.
const VERSION: u32 = 1;
const LOCK: &str = "lock";
const MARKER: &str = "witness.json";
const LOGS: &str = "logs";
const REFUSED: &str = "refused";

/// The longest file of state: a checkpoint with a hundred signatures, and room; a thousand logs' names are shorter.
const MAX_STATE_BYTES: u64 = 1024 * 1024;

/// The most logs of one witness: each costs one file and a few hundred bytes of memory.
pub const MAX_LOGS: usize = 1000;

/// The most requests that are kept as evidence against logs: of 68 KiB at most each, 7 MB. Later ones are refused all
/// the same, and only told in the answer.
pub const MAX_REFUSED: usize = 100;

/// Why a witness cannot work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessStateError {
    /// A file operation failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A key is of no use.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// Nothing was ever created here.
    #[error(
        "there is no witness's state here; if this key never cosigned anything, create it with --init; if it did, \
         put the state back from a backup or make a new key, for a witness that forgets cosigns forks"
    )]
    NotCreated,
    /// The state is another witness's.
    #[error(
        "the state is of the key {expected}, not of {given}; a new key begins with a directory of its own"
    )]
    OtherKey {
        /// Whose state it is.
        expected: String,
        /// The key given.
        given: String,
    },
    /// A log was never made known.
    #[error("the log {origin:?} is not known here; if this key never cosigned it, make it known with --init")]
    UnknownLog {
        /// The log.
        origin: String,
    },
    /// A known log's record is gone.
    #[error(
        "{file}: the record of the log {origin:?} is gone; put it back from a backup, or make a new key: \
         without it a fork could be cosigned"
    )]
    RecordMissing {
        /// The file.
        file: String,
        /// The log.
        origin: String,
    },
    /// A file is not what was written.
    #[error("{file}: it is not a witness's state: {message}; put it back from a backup")]
    Damaged {
        /// The file.
        file: String,
        /// Why.
        message: String,
    },
    /// There are more logs than one witness takes.
    #[error("there are more than {MAX_LOGS} logs")]
    TooManyLogs,
    /// An earlier write failed.
    #[error("an earlier write failed, so what is on the disk is not known; start again")]
    Broken,
}

impl WitnessStateError {
    /// Whether another process has the state.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Storage(error) if matches!(error.kind, assurance_storage::StorageErrorKind::Locked { .. }))
    }

    /// Whether the state is not what it was.
    pub fn is_integrity(&self) -> bool {
        matches!(self, Self::RecordMissing { .. } | Self::Damaged { .. })
    }

    /// Whether it was asked for what cannot be, and nothing is wrong.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Witness(_)
                | Self::NotCreated
                | Self::OtherKey { .. }
                | Self::UnknownLog { .. }
                | Self::TooManyLogs
        )
    }
}

type Result<T, E = WitnessStateError> = std::result::Result<T, E>;

/// Whose memory a directory is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    v: u32,
    key: String,
    /// Every log that was ever made known, by its hash. None is ever taken away.
    logs: BTreeMap<String, String>,
}

/// What is remembered of one log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    v: u32,
    origin: String,
    size: u64,
    root: String,
    /// The checkpoint with its signatures and ours; nothing before the first.
    checkpoint: Option<String>,
}

/// Creates the memory of a key's witness for these logs, or makes further logs known to it.
///
/// Gives how many logs are new. What is known already is left alone.
pub fn create(storage: &dyn Storage, key: &VerifierKey, logs: &[VerifierKey]) -> Result<usize> {
    let _lock = storage.lock(LOCK)?;
    let mut marker = match read_marker(storage)? {
        Some(marker) => of_key(marker, key)?,
        None => Marker { v: VERSION, key: key.to_string(), logs: BTreeMap::new() },
    };
    let mut new = 0;
    for log in logs {
        let (origin, id) = (log.name().to_owned(), id_of(log.name()));
        if marker.logs.contains_key(&id) {
            continue;
        }
        if marker.logs.len() >= MAX_LOGS {
            return Err(WitnessStateError::TooManyLogs);
        }
        let record = Record {
            v: VERSION,
            origin: origin.clone(),
            size: 0,
            root: empty_root().to_string(),
            checkpoint: None,
        };
        // One that an interrupted run left says nothing yet; one that says something was cosigned.
        if read_record(storage, &origin)?.is_none() {
            save(storage, &file_of(&id), &record)?;
        }
        marker.logs.insert(id, origin);
        new += 1;
    }
    save(storage, MARKER, &marker)?;
    Ok(new)
}

/// A witness at work: the only process that writes its memory.
#[derive(Debug)]
pub struct WitnessState {
    storage: Arc<dyn Storage>,
    witness: Witness,
    records: BTreeMap<String, Record>,
    broken: bool,
    _lock: Box<dyn LockGuard>,
}

impl WitnessState {
    /// Takes the lock and reads what is remembered. Every log given must have been made known before; more keys of
    /// one origin are all trusted.
    pub fn open(storage: Arc<dyn Storage>, key: CosignerKey, logs: &[VerifierKey]) -> Result<Self> {
        let lock = storage.lock(LOCK)?;
        let marker = read_marker(&*storage)?.ok_or(WitnessStateError::NotCreated)?;
        let marker = of_key(marker, key.verifier_key())?;
        let mut witness = Witness::new(vec![key])?;
        for log in logs {
            if !marker.logs.contains_key(&id_of(log.name())) {
                return Err(WitnessStateError::UnknownLog { origin: log.name().to_owned() });
            }
            witness.add_log(log.name(), log.clone())?;
        }
        let mut records = BTreeMap::new();
        for (id, origin) in &marker.logs {
            let record = read_record(&*storage, origin)?.ok_or_else(|| WitnessStateError::RecordMissing {
                file: file_of(id),
                origin: origin.clone(),
            })?;
            // If the run before ended in a failed sync, what is read here may not be on the disk.
            save(&*storage, &file_of(id), &record)?;
            records.insert(origin.clone(), record);
        }
        Ok(Self { storage, witness, records, broken: false, _lock: lock })
    }

    /// Answers the body of an `add-checkpoint` at `now`, in seconds since 1970.
    ///
    /// The record is durable before a cosignature is returned. After an error of the storage nothing is cosigned
    /// any more: what is on the disk is not known then.
    pub fn handle(&mut self, body: &[u8], now: u64) -> Result<Response> {
        if self.broken {
            return Err(WitnessStateError::Broken);
        }
        let records = &self.records;
        let last = |origin: &str| records.get(origin).map_or(Ok(None), head);
        match self.witness.handle(body, last, now)? {
            Decision::Refuse(refusal) => {
                if matches!(refusal, Refusal::Fork { .. } | Refusal::BadProof(_)) {
                    self.keep(body)?;
                }
                Ok(refusal.response())
            }
            Decision::Sign(pending) => {
                let next = pending.next();
                let record = Record {
                    v: VERSION,
                    origin: pending.origin().to_owned(),
                    size: next.size,
                    root: next.root.to_string(),
                    checkpoint: Some(pending.cosigned().to_string()),
                };
                let (storage, records, broken) = (&*self.storage, &mut self.records, &mut self.broken);
                pending.commit(|pending| {
                    // Nothing comes between the decision and this: both have `self` to themselves.
                    *broken = true;
                    save(storage, &file_of(&id_of(pending.origin())), &record)?;
                    *broken = false;
                    records.insert(record.origin.clone(), record);
                    Ok(Stored::Yes)
                })
            }
        }
    }

    /// The newest cosigned checkpoint of the log with this hash of its origin, for monitors.
    pub fn checkpoint(&self, id: &str) -> Option<&str> {
        let record = self.records.values().find(|record| id_of(&record.origin) == id)?;
        record.checkpoint.as_deref()
    }

    /// What it cosigned last of each log: origin and size.
    pub fn sizes(&self) -> impl Iterator<Item = (&str, u64)> {
        self.records.values().map(|record| (record.origin.as_str(), record.size))
    }

    /// Whether a write failed, so that it must be started again.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    fn keep(&mut self, body: &[u8]) -> Result<()> {
        let name = format!("{REFUSED}/{}", sha256(body).to_hex());
        if self.storage.list(REFUSED)?.len() >= MAX_REFUSED {
            return Ok(());
        }
        match self.storage.publish(&name, &mut &body[..]) {
            Err(error) if !error.is_already_exists() => {
                self.broken = true;
                Err(error.into())
            }
            _ => Ok(()),
        }
    }
}

/// What names a log in addresses and files: the hash of its origin.
fn id_of(origin: &str) -> String {
    sha256(origin.as_bytes()).to_hex()
}

fn file_of(id: &str) -> String {
    format!("{LOGS}/{id}.json")
}

/// The tree that was cosigned last, if any was.
fn head(record: &Record) -> Result<Option<TreeHead>> {
    if record.checkpoint.is_none() {
        return Ok(None);
    }
    let root = record.root.parse();
    let root =
        root.map_err(|error: assurance_tlog::HashError| damaged(&file_of(&id_of(&record.origin)), &error))?;
    Ok(Some(TreeHead { size: record.size, root }))
}

fn of_key(marker: Marker, key: &VerifierKey) -> Result<Marker> {
    if marker.key == key.to_string() {
        return Ok(marker);
    }
    Err(WitnessStateError::OtherKey { expected: marker.key, given: key.to_string() })
}

fn read_marker(storage: &dyn Storage) -> Result<Option<Marker>> {
    let marker: Option<Marker> = read(storage, MARKER)?;
    match marker {
        Some(marker) if marker.v != VERSION => Err(damaged(MARKER, &version(marker.v))),
        None if !storage.list(LOGS)?.is_empty() => {
            Err(damaged(MARKER, &"it is missing, while there are records of logs"))
        }
        other => Ok(other),
    }
}

fn read_record(storage: &dyn Storage, origin: &str) -> Result<Option<Record>> {
    let file = file_of(&id_of(origin));
    let record: Option<Record> = read(storage, &file)?;
    match record {
        Some(record) if record.v != VERSION => Err(damaged(&file, &version(record.v))),
        Some(record) if record.origin != origin => Err(damaged(&file, &"it is another log's")),
        other => Ok(other),
    }
}

fn version(found: u32) -> String {
    format!("its version is {found}, this program knows {VERSION}")
}

fn read<T: for<'de> Deserialize<'de>>(storage: &dyn Storage, file: &str) -> Result<Option<T>> {
    match storage.read(file, MAX_STATE_BYTES) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| damaged(file, &error)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn save<T: Serialize>(storage: &dyn Storage, file: &str, value: &T) -> Result<()> {
    let mut text = serde_json::to_vec(value).map_err(|error| damaged(file, &error))?;
    text.push(b'\n');
    Ok(storage.replace(file, &text)?)
}

fn damaged(file: &str, message: &dyn std::fmt::Display) -> WitnessStateError {
    WitnessStateError::Damaged { file: file.to_owned(), message: message.to_string() }
}
