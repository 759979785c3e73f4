use std::collections::BTreeMap;

use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::{Storage, StorageError};
use assurance_tlog::Checkpoint;
use assurance_tlog::note::{self, NoteSignature, SignedNote, VerifierKey, VerifyError};
use assurance_tlog::policy::{Policy, Quorum};

use super::log::{Log, parse_checkpoint, read_checkpoint};
use super::{Class, Finding, Severity};
use crate::names::{CHECKPOINT_FILE, CHECKPOINTS_DIRECTORY, COSIGNATURES_DIRECTORY, LOG_KEY_FILE};

/// A key is a few hundred bytes long.
const MAX_KEY_BYTES: u64 = 4096;

/// How far the clocks of a log and of its witnesses may be apart before one of them must be wrong.
pub(super) const CLOCK_TOLERANCE: Duration = Duration::from_minutes(10);

/// A key of the log, and since when it signs.
#[derive(Clone, Debug)]
pub(super) struct Era {
    pub(super) key: VerifierKey,
    /// The leaf that brought it: the log's first, or a rotation.
    pub(super) leaf: u64,
}

/// When a witness saw the log, and how large it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) size: u64,
    pub(super) at: Timestamp,
}

/// What the signatures say.
#[derive(Debug, Default)]
pub(super) struct Signatures {
    /// What the witnesses of the policy signed.
    pub(super) seen: Vec<Seen>,
    /// How many of the policy's witnesses cosigned the newest checkpoint.
    pub(super) witnesses: usize,
}

pub(super) struct Inspector<'a> {
    pub(super) storage: &'a dyn Storage,
    pub(super) log: &'a Log,
    /// Oldest first; empty where the entries cannot be believed.
    pub(super) eras: &'a [Era],
    pub(super) policy: Option<&'a Policy>,
    pub(super) findings: &'a mut Vec<Finding>,
}

impl Inspector<'_> {
    pub(super) fn inspect(mut self, since: Option<&[u8]>) -> Result<Signatures, StorageError> {
        let Some(pinned) = self.pinned_key()? else { return Ok(Signatures::default()) };
        let copies = self.copies()?;
        self.follow_rotations(&pinned, &copies);
        let current = self.key_for(self.log.size()).unwrap_or(pinned);
        if !self.is_signed(CHECKPOINT_FILE, &self.log.note, &current) {
            return Ok(Signatures::default());
        }
        for (size, (name, note, checkpoint)) in &copies {
            self.judge(name, *size, note, checkpoint, &current);
        }
        if let Some(since) = since {
            self.since(since, &current);
        }
        self.witnesses(&copies, &current)
    }

    /// The key that the policy names for this log, or what the archive says of itself.
    fn pinned_key(&mut self) -> Result<Option<VerifierKey>, StorageError> {
        let origin = self.log.checkpoint.origin();
        if let Some(policy) = self.policy {
            let mut keys = policy.logs().iter().map(|log| &log.key).filter(|key| key.name() == origin);
            let first = keys.next().cloned();
            let pinned =
                self.eras.iter().rev().find(|era| policy.logs().iter().any(|log| log.key == era.key));
            let key = pinned.map(|era| era.key.clone()).or(first);
            if key.is_none() {
                let message =
                    format!("the log calls itself {origin:?}, and the policy has no log of that name");
                self.findings.push(Finding::integrity(Class::KeySwap, CHECKPOINT_FILE, message));
            }
            return Ok(key);
        }
        let message = "no policy was given, so the key is the one the archive brings: it proves that nothing was \
                       changed since, by anyone without that key";
        self.findings.push(Finding::new(Class::UnpinnedKey, Severity::Info, LOG_KEY_FILE, message));
        if let Some(era) = self.eras.last() {
            return Ok(Some(era.key.clone()));
        }
        let text = match self.storage.read(LOG_KEY_FILE, MAX_KEY_BYTES) {
            Ok(text) => text,
            Err(error) if error.is_not_found() => {
                let message = "the log's key is gone; give a policy that has it";
                self.findings.push(Finding::integrity(Class::MissingFile, LOG_KEY_FILE, message));
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        match String::from_utf8_lossy(&text).trim_end().parse() {
            Ok(key) => Ok(Some(key)),
            Err(error) => {
                let message = format!("no key: {error}");
                self.findings.push(Finding::integrity(Class::Signature, LOG_KEY_FILE, message));
                Ok(None)
            }
        }
    }

    /// The immutable copies of checkpoints, by the size that their names tell.
    fn copies(&mut self) -> Result<Copies, StorageError> {
        let mut copies = Copies::new();
        for entry in self.storage.list(CHECKPOINTS_DIRECTORY)? {
            let bare = entry.name.rsplit('/').next().unwrap_or_default();
            let Some(size) = bare.parse::<u64>().ok().filter(|size| size.to_string() == bare) else {
                let message = "copies of checkpoints are named by their size";
                self.findings.push(Finding::integrity(Class::ForeignFile, &entry.name, message));
                continue;
            };
            let Some((note, checkpoint)) = read_checkpoint(self.storage, &entry.name, self.findings)? else {
                continue;
            };
            copies.insert(size, (entry.name, note, checkpoint));
        }
        Ok(copies)
    }

    /// Every rotation after the pinned key must be signed by the key before it.
    fn follow_rotations(&mut self, pinned: &VerifierKey, copies: &Copies) {
        let Some(known) = self.eras.iter().position(|era| era.key == *pinned) else {
            if !self.eras.is_empty() {
                let message = format!(
                    "the log's history begins with key {} and never comes to the policy's key {pinned}",
                    self.eras[0].key
                );
                self.findings.push(Finding::integrity(Class::KeySwap, CHECKPOINT_FILE, message));
            }
            return;
        };
        for pair in self.eras[known..].windows(2) {
            let [before, after] = pair else { continue };
            let size = after.leaf + 1;
            let current = (CHECKPOINT_FILE.to_owned(), self.log.note.clone(), self.log.checkpoint.clone());
            let (name, note, checkpoint) = match copies.get(&size) {
                Some(copy) => copy,
                None if self.log.size() == size => &current,
                None => {
                    let name = format!("{CHECKPOINTS_DIRECTORY}/{size}");
                    let message = format!(
                        "the checkpoint in which {} passes the log on to {} is gone, so nothing shows that it did",
                        before.key, after.key
                    );
                    self.findings.push(Finding::integrity(Class::KeySwap, name, message).at_leaf(after.leaf));
                    continue;
                }
            };
            let root = self.log.root_at(size);
            let signed = note::verify(note, std::slice::from_ref(&before.key)).is_ok();
            if !signed || root != Some(checkpoint.root()) {
                let message = format!("{} did not sign that {} takes its place", before.key, after.key);
                self.findings.push(Finding::integrity(Class::KeySwap, name, message).at_leaf(after.leaf));
            }
        }
    }

    /// The key that signs a log of this size. The rotation itself is signed by both.
    fn key_for(&self, size: u64) -> Option<VerifierKey> {
        self.eras.iter().rev().find(|era| era.leaf < size).map(|era| era.key.clone())
    }

    /// Whether a key signed a note, and nobody else whose signature it claims did not.
    fn is_signed(&mut self, name: &str, note: &SignedNote, key: &VerifierKey) -> bool {
        let (class, message) = match note::verify(note, std::slice::from_ref(key)) {
            Ok(_) => return true,
            Err(VerifyError::Unsigned { .. }) => {
                (Class::KeySwap, format!("it is not signed by {key}, which signs at this size"))
            }
            Err(error) => (Class::Signature, format!("{error}")),
        };
        self.findings.push(Finding::integrity(class, name, message));
        false
    }

    /// Compares an earlier checkpoint with what the log says today.
    fn judge(
        &mut self,
        name: &str,
        size: u64,
        note: &SignedNote,
        checkpoint: &Checkpoint,
        current: &VerifierKey,
    ) {
        let key = self.key_for(size).unwrap_or_else(|| current.clone());
        if checkpoint.size() != size {
            let message = format!("it is a checkpoint of {} leaves", checkpoint.size());
            self.findings.push(Finding::integrity(Class::Signature, name, message));
        } else if self.is_signed(name, note, &key) {
            self.compare(name, checkpoint);
        }
    }

    /// Compares a checkpoint whose signature is good with what the log says today.
    fn compare(&mut self, name: &str, checkpoint: &Checkpoint) {
        let (now, size) = (self.log.size(), checkpoint.size());
        let finding = if checkpoint.origin() != self.log.checkpoint.origin() {
            let message = format!("it is a checkpoint of another log, {:?}", checkpoint.origin());
            Finding::integrity(Class::ForeignFile, name, message)
        } else if size > now {
            let message =
                format!("{size} leaves were signed, and now there are {now}: the log was rolled back");
            Finding::integrity(Class::RolledBack, name, message)
        } else if !self.log.is_whole || self.log.root_at(size) == Some(checkpoint.root()) {
            return;
        } else if size == now {
            let message = format!("another history of {size} leaves was signed: two views of the log exist");
            Finding::integrity(Class::SplitView, name, message)
        } else {
            let message =
                format!("the first {size} leaves are not those that were signed: history was rewritten");
            Finding::integrity(Class::RewrittenLog, name, message)
        };
        self.findings.push(finding);
    }

    /// A checkpoint that the auditor kept.
    fn since(&mut self, note: &[u8], current: &VerifierKey) {
        const NAME: &str = "the checkpoint kept from before";
        match parse_checkpoint(note) {
            Ok((note, checkpoint)) => {
                let key = self.key_for(checkpoint.size()).unwrap_or_else(|| current.clone());
                if self.is_signed(NAME, &note, &key) {
                    self.compare(NAME, &checkpoint);
                }
            }
            Err(message) => self.findings.push(Finding::integrity(Class::Signature, NAME, message)),
        }
    }

    /// Who of the policy's witnesses saw what, and whether they are enough.
    fn witnesses(&mut self, copies: &Copies, current: &VerifierKey) -> Result<Signatures, StorageError> {
        let mut signatures = Signatures::default();
        let Some(policy) = self.policy else { return Ok(signatures) };
        let keys: Vec<VerifierKey> = policy.witnesses().map(|witness| witness.key.clone()).collect();
        let mut note = self.log.note.clone();
        for entry in self.storage.list(COSIGNATURES_DIRECTORY)? {
            let Some((size, signature)) = self.cosignature(&entry.name)? else { continue };
            let over = match copies.get(&size) {
                _ if size == self.log.size() => &self.log.note,
                Some((_, note, _)) => note,
                None => {
                    if size > self.log.size() {
                        let message = format!(
                            "a witness signed {size} leaves, and now there are {}: the log was rolled back",
                            self.log.size()
                        );
                        self.findings.push(Finding::integrity(Class::RolledBack, &entry.name, message));
                    }
                    continue;
                }
            };
            match verify_one(over, signature.clone(), &keys) {
                Verified::By(at) => {
                    signatures.seen.push(Seen { size, at });
                    if size == self.log.size() {
                        note.add(signature).ok();
                    }
                }
                Verified::Unknown => {}
                Verified::False(name) => {
                    let message = format!(
                        "{name} did not sign this: the signature was changed, or the log was after it signed"
                    );
                    self.findings.push(Finding::integrity(Class::RewrittenLog, &entry.name, message));
                }
            }
        }
        for signature in self.log.note.signatures() {
            if let Verified::By(at) = verify_one(&self.log.note, signature.clone(), &keys) {
                signatures.seen.push(Seen { size: self.log.size(), at });
            }
        }
        let grown = policy.clone().with_log(current.clone()).unwrap_or_else(|_known| policy.clone());
        match grown.check(&note) {
            Ok(verdict) => {
                signatures.witnesses = verdict.witnesses.len();
                if let Quorum::Missing(missing) = verdict.quorum {
                    let message = format!(
                        "{} of the policy's witnesses signed it, and at least {missing} more must",
                        verdict.witnesses.len()
                    );
                    self.findings.push(Finding::new(
                        Class::Unwitnessed,
                        Severity::Unwitnessed,
                        CHECKPOINT_FILE,
                        message,
                    ));
                }
            }
            Err(error) => {
                let message = format!("{error}");
                self.findings.push(Finding::integrity(Class::Signature, CHECKPOINT_FILE, message));
            }
        }
        Ok(signatures)
    }

    /// A cosignature's file, named by the size it is over and the witness's key.
    fn cosignature(&mut self, name: &str) -> Result<Option<(u64, NoteSignature)>, StorageError> {
        let bare = name.rsplit('/').next().unwrap_or_default();
        let size = bare.split_once('.').and_then(|(size, _)| size.parse::<u64>().ok());
        let text = self.storage.read(name, MAX_KEY_BYTES)?;
        let line = String::from_utf8_lossy(&text);
        let signature = line.strip_suffix('\n').and_then(|line| line.parse::<NoteSignature>().ok());
        let parsed = size.zip(signature);
        let named =
            |(size, signature): &(u64, NoteSignature)| bare == format!("{size}.{:08x}", signature.id());
        if !parsed.as_ref().is_some_and(named) {
            let message = "not the line of a cosignature under its size and key";
            self.findings.push(Finding::integrity(Class::Signature, name, message));
            return Ok(None);
        }
        Ok(parsed)
    }
}

type Copies = BTreeMap<u64, (String, SignedNote, Checkpoint)>;

enum Verified {
    By(Timestamp),
    Unknown,
    False(String),
}

/// Whether one signature is a witness's, of this very text.
fn verify_one(note: &SignedNote, signature: NoteSignature, keys: &[VerifierKey]) -> Verified {
    let name = signature.name().to_owned();
    let text = format!("{}\n{signature}\n", note.text());
    let Ok(alone) = SignedNote::parse(&text) else { return Verified::False(name) };
    match note::verify(&alone, keys) {
        Ok(verified) => match verified.first().and_then(|signature| signature.time) {
            Some(secs) => Verified::By(Timestamp::from_secs(i64::try_from(secs).unwrap_or(i64::MAX / 1000))),
            None => Verified::Unknown,
        },
        Err(VerifyError::Unsigned { .. }) => Verified::Unknown,
        Err(_) => Verified::False(name),
    }
}

/// Adds the signatures of witnesses that came after the checkpoint was written.
pub(super) fn add_cosignatures(
    storage: &dyn Storage,
    size: u64,
    note: &mut SignedNote,
) -> Result<(), StorageError> {
    let of_this_size = format!("{COSIGNATURES_DIRECTORY}/{size}.");
    for entry in storage.list(COSIGNATURES_DIRECTORY)? {
        if !entry.name.starts_with(&of_this_size) {
            continue;
        }
        let text = storage.read(&entry.name, MAX_KEY_BYTES)?;
        if let Ok(signature) = String::from_utf8_lossy(&text).trim_end().parse() {
            // One that does not fit any more is one that no reader would take.
            note.add(signature).ok();
        }
    }
    Ok(())
}
