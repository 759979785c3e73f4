use std::collections::BTreeMap;

use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::{Storage, StorageError};
use assurance_tlog::Checkpoint;
use assurance_tlog::note::{self, NoteSignature, SignedNote, VerifierKey, VerifyError};
use assurance_tlog::policy::{Policy, Quorum};

use super::bytes::{Change, difference};
use super::log::Log;
use super::mend::mend;
use super::notes::{damage, parse_checkpoint};
use super::{Class, Finding, Severity};
use crate::names::{
    CHECKPOINT_FILE, CHECKPOINTS_DIRECTORY, COSIGNATURES_DIRECTORY, LOG_KEY_FILE, MAX_CHECKPOINT_BYTES,
};

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
        if !self.log.is_whole {
            // That was said. Which keys it was passed on to stands in what is missing, so that nothing can be said of
            // signatures but that a known key's is false.
            if let Err(error @ VerifyError::False { .. }) = note::verify(&self.log.note, &[pinned]) {
                let message = error.to_string();
                self.findings.push(Finding::integrity(Class::Signature, CHECKPOINT_FILE, message));
            }
            return Ok(Signatures::default());
        }
        self.key_file()?;
        let copies = self.copies(&pinned)?;
        self.follow_rotations(&pinned, &copies);
        let current = self.key_for(self.log.size()).unwrap_or(pinned);
        let is_signed = self.is_signed(CHECKPOINT_FILE, &self.log.note, &current);
        for (size, copy) in &copies {
            self.judge(*size, copy, &current);
        }
        if let Some(since) = since {
            self.since(since, &current);
        }
        self.witnesses(is_signed, &current)
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

    /// The key that the archive brings must be the one that its log began with.
    fn key_file(&mut self) -> Result<(), StorageError> {
        let Some(first) = self.eras.first() else { return Ok(()) };
        let found = match self.storage.read(LOG_KEY_FILE, MAX_KEY_BYTES) {
            Ok(found) => found,
            Err(error) if error.is_not_found() => return Ok(()), // it is a convenience
            Err(error) if error.is_too_large() => Vec::new(),
            Err(error) => return Err(error),
        };
        let sealed = format!("{}\n", first.key);
        if let Ok(Some(exact)) = difference(&mut sealed.as_bytes(), &mut &found[..]) {
            let class = match exact.change {
                Change::BitFlip { .. } => Class::BitFlip,
                Change::Truncated { .. } => Class::Truncated,
                _ => Class::KeySwap,
            };
            let message = format!("it is not the key that the log began with: {}", exact.change.text());
            self.findings.push(Finding::integrity(class, LOG_KEY_FILE, message));
        }
        Ok(())
    }

    /// The immutable copies of checkpoints, by the size that their names tell.
    fn copies(&mut self, pinned: &VerifierKey) -> Result<Copies, StorageError> {
        let mut copies = Copies::new();
        for entry in self.storage.list(CHECKPOINTS_DIRECTORY)? {
            let bare = entry.name.rsplit('/').next().unwrap_or_default();
            let Some(size) = bare.parse::<u64>().ok().filter(|size| size.to_string() == bare) else {
                let message = "copies of checkpoints are named by their size";
                self.findings.push(Finding::integrity(Class::ForeignFile, &entry.name, message));
                continue;
            };
            let bytes = match self.storage.read(&entry.name, MAX_CHECKPOINT_BYTES) {
                Ok(bytes) => bytes,
                Err(error) if error.is_too_large() => Vec::new(),
                Err(error) => return Err(error),
            };
            let signers = self.signers_of(size, pinned);
            let parsed = parse_checkpoint(&bytes);
            let is_signed = |note: &SignedNote| {
                signers.iter().all(|key| note::verify(note, std::slice::from_ref(key)).is_ok())
            };
            let is_good =
                parsed.as_ref().is_ok_and(|(note, checkpoint)| checkpoint.size() == size && is_signed(note));
            if !is_good && let Some((class, message, left)) = self.damage(size, &bytes, &signers) {
                self.findings.push(Finding::integrity(class, &entry.name, message));
                let left = left.and_then(|note| Some((Checkpoint::of_note(&note).ok()?, note)));
                if let Some((checkpoint, note)) = left {
                    copies.insert(size, Copy { name: entry.name, note, checkpoint, is_good: true });
                }
                continue;
            }
            match parsed {
                Ok((note, checkpoint)) => {
                    copies.insert(size, Copy { name: entry.name, note, checkpoint, is_good });
                }
                Err(message) => {
                    self.findings.push(Finding::integrity(Class::Signature, &entry.name, message));
                }
            }
        }
        Ok(copies)
    }

    /// Who has signed the checkpoint of this size, in order: both keys, where one passes the log on to the other.
    fn signers_of(&self, size: u64, pinned: &VerifierKey) -> Vec<VerifierKey> {
        let passes_on = self.eras.iter().any(|era| era.leaf > 0 && era.leaf + 1 == size);
        let before = if passes_on { self.key_for(size - 1) } else { None };
        let signers: Vec<VerifierKey> = before.into_iter().chain(self.key_for(size)).collect();
        if signers.is_empty() { vec![pinned.clone()] } else { signers }
    }

    /// What is wrong with the copy of a checkpoint whose text follows from the log.
    fn damage(
        &self,
        size: u64,
        bytes: &[u8],
        signers: &[VerifierKey],
    ) -> Option<(Class, String, Option<SignedNote>)> {
        let root = self.log.root_at(size)?;
        let checkpoint = Checkpoint::new(self.log.checkpoint.origin(), size, root).ok()?;
        damage(bytes, &checkpoint, signers)
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
            let (name, note, checkpoint) = match copies.get(&size) {
                Some(copy) => (copy.name.as_str(), &copy.note, &copy.checkpoint),
                None if self.log.size() == size => (CHECKPOINT_FILE, &self.log.note, &self.log.checkpoint),
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
    fn judge(&mut self, size: u64, copy: &Copy, current: &VerifierKey) {
        let Copy { name, note, checkpoint, is_good } = copy;
        let key = self.key_for(size).unwrap_or_else(|| current.clone());
        if checkpoint.size() != size {
            let message = format!("it is a checkpoint of {} leaves", checkpoint.size());
            self.findings.push(Finding::integrity(Class::Signature, name, message));
        } else if *is_good || self.is_beyond(checkpoint, note, &key) || self.is_signed(name, note, &key) {
            self.compare(name, checkpoint);
        }
    }

    /// Whether a checkpoint is of a longer log, and signed by a key that this one has not come to: it was passed on
    /// after the place that it was rolled back to.
    fn is_beyond(&self, checkpoint: &Checkpoint, note: &SignedNote, key: &VerifierKey) -> bool {
        checkpoint.size() > self.log.size()
            && matches!(note::verify(note, std::slice::from_ref(key)), Err(VerifyError::Unsigned { .. }))
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
                if self.is_beyond(&checkpoint, &note, &key) || self.is_signed(NAME, &note, &key) {
                    self.compare(NAME, &checkpoint);
                }
            }
            Err(message) => self.findings.push(Finding::integrity(Class::Signature, NAME, message)),
        }
    }

    /// Who of the policy's witnesses saw what, and whether they are enough.
    fn witnesses(&mut self, is_signed: bool, current: &VerifierKey) -> Result<Signatures, StorageError> {
        let mut signatures = Signatures::default();
        let Some(policy) = self.policy else { return Ok(signatures) };
        let keys: Vec<VerifierKey> = policy.witnesses().map(|witness| witness.key.clone()).collect();
        let mut note = self.log.note.clone();
        for entry in self.storage.list(COSIGNATURES_DIRECTORY)? {
            let Some((size, signature, at)) = self.cosignature(&entry.name, &keys)? else { continue };
            signatures.seen.push(Seen { size, at });
            if size == self.log.size() {
                note.add(signature).ok();
            }
        }
        for signature in self.log.note.signatures() {
            if let Verified::By(at) = verify_one(self.log.note.text(), signature, &keys) {
                signatures.seen.push(Seen { size: self.log.size(), at });
            }
        }
        if !is_signed {
            return Ok(signatures); // which was said
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

    /// A cosignature's file, named by the size it is over and the witness's key; nothing where it says nothing of
    /// this log.
    fn cosignature(
        &mut self,
        name: &str,
        keys: &[VerifierKey],
    ) -> Result<Option<(u64, NoteSignature, Timestamp)>, StorageError> {
        let Some((size, id)) = cosignature_name(name) else {
            let message = "cosignatures are named by a size and a key";
            self.findings.push(Finding::integrity(Class::ForeignFile, name, message));
            return Ok(None);
        };
        let Some(root) = self.log.root_at(size) else {
            let now = self.log.size();
            let message =
                format!("a witness signed {size} leaves, and now there are {now}: the log was rolled back");
            self.findings.push(Finding::integrity(Class::RolledBack, name, message));
            return Ok(None);
        };
        let text = match self.storage.read(name, MAX_KEY_BYTES) {
            Ok(text) => text,
            Err(error) if error.is_too_large() => Vec::new(),
            Err(error) => return Err(error),
        };
        let Ok(over) = Checkpoint::new(self.log.checkpoint.origin(), size, root) else { return Ok(None) };
        let over = over.to_string();
        let by_witness = |text: &[u8]| {
            let signature = signature_line(text).filter(|signature| signature.id() == id)?;
            match verify_one(&over, &signature, keys) {
                Verified::By(at) => Some((size, signature, at)),
                _ => None,
            }
        };
        if let Some(seen) = by_witness(&text) {
            return Ok(Some(seen));
        }
        let parsed = signature_line(&text);
        let (class, message) = match parsed.filter(|signature| signature.id() == id) {
            // Of a witness that the policy does not know.
            Some(_) if !keys.iter().any(|key| key.id() == id) => return Ok(None),
            parsed => {
                if let Some(change) = mend(&mut text.clone(), |tried| by_witness(tried).is_some()) {
                    (Class::BitFlip, change.text())
                } else if let Some(signature) = parsed {
                    let name = signature.name();
                    let message = format!(
                        "{name} did not sign this: the signature was changed, or the log was after it signed"
                    );
                    (Class::RewrittenLog, message)
                } else {
                    (Class::Signature, "not the line of a cosignature by this key".to_owned())
                }
            }
        };
        self.findings.push(Finding::integrity(class, name, message));
        Ok(None)
    }
}

/// The size and the key's number in the name of a cosignature.
fn cosignature_name(name: &str) -> Option<(u64, u32)> {
    let bare = name.rsplit('/').next()?;
    let (size, id) = bare.split_once('.')?;
    let named = (size.parse().ok()?, u32::from_str_radix(id, 16).ok()?);
    (bare == format!("{}.{:08x}", named.0, named.1)).then_some(named)
}

fn signature_line(text: &[u8]) -> Option<NoteSignature> {
    std::str::from_utf8(text).ok()?.strip_suffix('\n')?.parse().ok()
}

/// The copy of a checkpoint.
struct Copy {
    name: String,
    note: SignedNote,
    checkpoint: Checkpoint,
    /// Whether it is of the size that its name tells, and signed by whom it must be.
    is_good: bool,
}

type Copies = BTreeMap<u64, Copy>;

enum Verified {
    By(Timestamp),
    No,
}

/// Whether one signature is a witness's, of this very text.
fn verify_one(text: &str, signature: &NoteSignature, keys: &[VerifierKey]) -> Verified {
    let text = format!("{text}\n{signature}\n");
    let Ok(alone) = SignedNote::parse(&text) else { return Verified::No };
    match note::verify(&alone, keys) {
        Ok(verified) => match verified.first().and_then(|signature| signature.time) {
            Some(secs) => Verified::By(Timestamp::from_secs(i64::try_from(secs).unwrap_or(i64::MAX / 1000))),
            None => Verified::No,
        },
        Err(_) => Verified::No,
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
