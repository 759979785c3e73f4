//! Asking witnesses for their signatures: what to send, and what to make of the answers.
//!
//! [`Asking`] holds a log as it is now; who drives it brings its requests to the witnesses, and keeps what they signed
//! with [`Asking::keep`]. Neither needs the log's key.

use std::sync::Arc;

use assurance_metrics_model::Timestamp;
use assurance_storage::{Storage, StorageError};
use assurance_tlog::note::{NoteSignature, SignedNote, VerifierKey};
use assurance_tlog::policy::Policy;
use assurance_tlog::witness::{AddCheckpoint, read_conflict, read_cosignatures};
use assurance_tlog::{Checkpoint, Tree, consistency_proof};

use crate::audit::{self, Finding};
use crate::manifest::Leaf;
use crate::names::{CHECKPOINTS_DIRECTORY, COSIGNATURES_DIRECTORY, MAX_CHECKPOINT_BYTES};
use crate::seal::{Log, SealError};

/// How often one witness is asked at most: as we think it stands, as it says it does, and once more where another
/// asked in between.
pub const MAX_TRIES: usize = 3;

/// A log whose newest checkpoint is to be cosigned.
#[derive(Debug)]
pub struct Asking {
    checkpoint: Checkpoint,
    note: SignedNote,
    tree: Tree,
    /// What was kept before: size and key.
    kept: Vec<(u64, u32)>,
}

/// What a witness's answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It signed.
    Signed(NoteSignature),
    /// It stands at another size: ask again with a proof from there.
    Again(u64),
    /// It saw more of this log than there is now, or something else: one of the two histories is false.
    Contradicts(String),
    /// It does not sign, for a reason that lies in its configuration or in its answer.
    Refused(String),
}

impl Asking {
    /// Reads the log; a finding where it is not what was signed, which no witness is asked about.
    pub fn read(storage: &dyn Storage) -> Result<Result<Self, Finding>, StorageError> {
        let log = match audit::sealed_log(storage)? {
            Ok(log) => log,
            Err(finding) => return Ok(Err(finding)),
        };
        let kept = storage.list(COSIGNATURES_DIRECTORY)?;
        let kept = kept.iter().filter_map(|entry| {
            let (size, key) = entry.name.rsplit('/').next()?.split_once('.')?;
            Some((size.parse().ok()?, u32::from_str_radix(key, 16).ok()?))
        });
        let kept = kept.collect();
        Ok(Ok(Self { checkpoint: log.checkpoint, note: log.note, tree: log.tree, kept }))
    }

    /// How many leaves the checkpoint has.
    pub fn size(&self) -> u64 {
        self.checkpoint.size()
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        self.checkpoint.origin()
    }

    /// Whether this witness's signature was kept already.
    pub fn has(&self, witness: &VerifierKey) -> bool {
        self.kept.contains(&(self.size(), witness.id()))
    }

    /// Where this witness stands, as far as we know.
    pub fn known_size(&self, witness: &VerifierKey) -> u64 {
        let sizes = self.kept.iter().filter(|(size, key)| *key == witness.id() && *size <= self.size());
        sizes.map(|(size, _)| *size).max().unwrap_or(0)
    }

    /// The body to send to a witness that stands at `old`; nothing where the log is shorter than that.
    pub fn request(&self, old: u64) -> Option<String> {
        let proof = consistency_proof(old, self.size(), &self.tree).ok()?;
        AddCheckpoint::new(old, proof, self.note.clone()).ok().map(|request| request.to_string())
    }

    /// What the answer to a request with `old` means.
    pub fn answer(&self, witness: &VerifierKey, old: u64, status: u16, body: &[u8]) -> Answer {
        let text = String::from_utf8_lossy(body);
        let said: String = text.trim().chars().filter(|c| !c.is_control()).take(200).collect();
        match status {
            200 => match read_cosignatures(&text, &self.checkpoint, std::slice::from_ref(witness)) {
                Ok(signatures) => match signatures.into_iter().next() {
                    Some(signature) => Answer::Signed(signature),
                    None => Answer::Refused("its answer has no signature".to_owned()),
                },
                Err(error) => Answer::Refused(error.to_string()),
            },
            409 => match read_conflict(&text) {
                Ok(size) if size == old => {
                    Answer::Contradicts(format!("it signed another history of {size} leaves"))
                }
                Ok(size) if size > self.size() => Answer::Contradicts(format!(
                    "it signed {size} leaves, and there are {} here: the log was rolled back",
                    self.size()
                )),
                Ok(size) => Answer::Again(size),
                Err(error) => Answer::Refused(error.to_string()),
            },
            422 => Answer::Contradicts(format!("the log did not grow from what it signed: {said}")),
            403 => Answer::Refused(format!("it does not trust the log's key: {said}")),
            404 => Answer::Refused(format!("it does not know this log: {said}")),
            _ => Answer::Refused(format!("it answered {status}: {said}")),
        }
    }

    /// Keeps what witnesses signed, each in a new file. The caller holds the archive's lock; what another kept in the
    /// meantime stays.
    pub fn keep(&self, storage: &Arc<dyn Storage>, signatures: &[NoteSignature]) -> Result<(), SealError> {
        let log = Log::open(storage.clone())?;
        for signature in signatures {
            let name = format!("{COSIGNATURES_DIRECTORY}/{}.{:08x}", self.size(), signature.id());
            match storage.read_at(&name, 0, &mut [0]) {
                Ok(_) => {}
                Err(error) if error.is_not_found() => log.add_cosignature(self.size(), signature)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// How far a policy's witnesses have followed a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Followed {
    /// The leaves of the newest checkpoint that enough of them signed.
    pub size: u64,
    /// When the last of those that made it enough signed it.
    pub at: Option<Timestamp>,
    /// How many checkpoints were made since.
    pub behind: u64,
    /// How many of them signed the newest checkpoint.
    pub witnesses: usize,
}

/// How far the policy's witnesses have followed the log. The log's keys are taken from itself: this tells its keeper
/// what is missing, and proves nothing.
pub fn followed(storage: &dyn Storage, policy: &Policy) -> Result<Result<Followed, Finding>, StorageError> {
    let log = match audit::sealed_log(storage)? {
        Ok(log) => log,
        Err(finding) => return Ok(Err(finding)),
    };
    let mut policy = policy.clone();
    for entry in &log.entries {
        let key = match Leaf::decode(entry) {
            Ok(Leaf::Start(start)) => start.key,
            Ok(Leaf::KeyRotation(rotation)) => rotation.to,
            _ => continue,
        };
        if let Ok(key) = key.parse() {
            // Which it has already, if it was pinned.
            policy = policy.clone().with_log(key).unwrap_or(policy);
        }
    }
    let sizes = storage.list(CHECKPOINTS_DIRECTORY)?;
    let mut sizes: Vec<u64> =
        sizes.iter().filter_map(|entry| entry.name.rsplit('/').next()?.parse().ok()).collect();
    sizes.sort_unstable();
    let mut followed = Followed::default();
    for size in sizes.into_iter().rev().filter(|size| *size <= log.checkpoint.size()) {
        let text = storage.read(&format!("{CHECKPOINTS_DIRECTORY}/{size}"), MAX_CHECKPOINT_BYTES)?;
        let note = SignedNote::parse(&String::from_utf8_lossy(&text)).ok();
        let note = note.map(|note| audit::with_cosignatures(storage, size, note)).transpose()?;
        let verdict = note.and_then(|note| policy.check(&note).ok());
        if let Some(verdict) = &verdict
            && followed.behind == 0
        {
            followed.witnesses = verdict.witnesses.len();
        }
        if let Some(verdict) = verdict.filter(|verdict| verdict.quorum.is_met()) {
            followed.size = size;
            let seen = verdict.witnesses.iter().map(|witness| witness.first).max();
            followed.at = seen.and_then(|secs| i64::try_from(secs).ok()).map(Timestamp::from_secs);
            break;
        }
        followed.behind += 1;
    }
    Ok(Ok(followed))
}
