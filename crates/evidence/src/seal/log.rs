use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_metrics_model::Timestamp;
use assurance_storage::{Storage, StorageError};
use assurance_tlog::note::{NoteSignature, SignedNote, SigningKey, VerifierKey, verify};
use assurance_tlog::tiles::{MAX_BUNDLE_BYTES, TilePath, TileSource, grow};
use assurance_tlog::{Checkpoint, Hash, empty_root};
use serde::{Deserialize, Serialize};

use super::publish::publish;
use super::{SealError, SealErrorKind};
use crate::Day;
use crate::archive::read_cursor;
use crate::instant::rfc3339;
use crate::manifest::{KeyRotation, LEAF_VERSION, Leaf, LegalHold, Release, Start, Succession};
use crate::names::{
    CHECKPOINT_FILE, CHECKPOINTS_DIRECTORY, COSIGNATURES_DIRECTORY, LOG_DIRECTORY, LOG_KEY_FILE,
    LOG_STATE_FILE, MAX_CHECKPOINT_BYTES, in_published, manifest,
};
use crate::verify::published_days;

/// The longest state: some 400 days of 16 KiB are 7 MB, and a few times that is not one.
const MAX_STATE_BYTES: u64 = 32 * 1024 * 1024;
/// The version of the state's form.
const STATE_VERSION: u32 = 1;

/// How a log begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// Its name: a host and a path, by which its key is known too.
    pub origin: String,
    /// When.
    pub at: Timestamp,
    /// The first day to be sealed.
    pub first_day: Day,
    /// The log that it goes on from, where that one's key was lost.
    pub succeeds: Option<Succession>,
}

/// The transparency log of one archive: appends leaves, and signs what it then has.
///
/// Its caller holds the archive's lock. After an error nothing is known of the files: open it again.
#[derive(Debug)]
pub struct Log {
    storage: Arc<dyn Storage>,
    state: State,
    /// The newest checkpoint.
    note: SignedNote,
    leaves: Vec<Leaf>,
}

/// What is known of the log besides its files, in `state/log.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    v: u32,
    origin: String,
    #[serde(with = "rfc3339")]
    inception: Timestamp,
    first_day: Day,
    /// The key that signs now.
    key: String,
    size: u64,
    root: String,
    /// A commit that has begun and must be finished before anything else.
    pending: Option<Pending>,
}

/// Everything a commit needs to be carried out, so that finishing it makes the same bytes, and needs no key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pending {
    leaves: Vec<String>,
    checkpoint: String,
    /// The key that signs afterwards.
    key: String,
}

impl Log {
    /// Creates a log, once. Where there are files of one already, it is refused.
    pub fn init(
        storage: Arc<dyn Storage>,
        beginning: &Beginning,
        key: &SigningKey,
    ) -> Result<Self, SealError> {
        if is_initialised(&*storage)? {
            return Err(SealError::new(LOG_STATE_FILE, SealErrorKind::Exists));
        }
        if has_log_files(&*storage)? {
            return Err(SealError::new(CHECKPOINT_FILE, SealErrorKind::Exists));
        }
        let start = Leaf::Start(Start {
            v: LEAF_VERSION,
            at: beginning.at,
            origin: beginning.origin.clone(),
            key: key.verifier_key().to_string(),
            first_day: beginning.first_day,
            succeeds: beginning.succeeds.clone(),
        });
        let state = State {
            v: STATE_VERSION,
            origin: beginning.origin.clone(),
            inception: beginning.at,
            first_day: beginning.first_day,
            key: key.verifier_key().to_string(),
            size: 0,
            root: empty_root().to_string(),
            pending: None,
        };
        let note = Checkpoint::new(&beginning.origin, 0, empty_root())
            .map_err(|error| SealError::new("", SealErrorKind::Tree(error.to_string())))
            .and_then(|checkpoint| sign(&checkpoint, &[key]))?;
        let mut log = Self { storage, state, note, leaves: Vec::new() };
        log.commit(vec![start], &[key])?;
        Ok(log)
    }

    /// Opens the log, and finishes a commit that was interrupted.
    pub fn open(storage: Arc<dyn Storage>) -> Result<Self, SealError> {
        let Some(state) = read_state(&*storage)? else {
            let (place, kind) = if has_log_files(&*storage)? {
                (LOG_STATE_FILE, SealErrorKind::StateMissing)
            } else {
                ("", SealErrorKind::NotInitialised)
            };
            return Err(SealError::new(place, kind));
        };
        let note = match read_note(&*storage)? {
            Some(note) => note,
            None => match &state.pending {
                // The very first commit was interrupted.
                Some(pending) if state.size == 0 => parse_note(&pending.checkpoint)?,
                _ => return Err(bad_checkpoint("it is gone")),
            },
        };
        let mut log = Self { storage, state, note, leaves: Vec::new() };
        // If the run before ended in a failed sync, what is read here may not be on the disk.
        log.save()?;
        log.check()?;
        if log.state.pending.is_some() {
            log.finish()?;
        }
        log.leaves = log.read_leaves()?;
        log.copies(&log.leaves)?;
        Ok(log)
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.state.origin
    }

    /// How many leaves it has.
    pub fn size(&self) -> u64 {
        self.state.size
    }

    /// The key that signs it now.
    pub fn key(&self) -> &str {
        &self.state.key
    }

    /// The newest checkpoint, as the log signed it.
    pub fn checkpoint(&self) -> &SignedNote {
        &self.note
    }

    /// What was sealed and said, in order.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The first day that is to be sealed.
    pub fn first_day(&self) -> Day {
        self.state.first_day
    }

    /// The holds that are in force, by their names.
    pub fn holds(&self) -> BTreeMap<&str, &LegalHold> {
        holds_of(&self.leaves)
    }

    /// Keeps days from being purged.
    pub fn hold(&mut self, mut hold: LegalHold, key: &SigningKey) -> Result<(), SealError> {
        if self.holds().contains_key(hold.id.as_str()) {
            return Err(SealError::new("", SealErrorKind::HoldExists { id: hold.id }));
        }
        (hold.v, hold.index) = (LEAF_VERSION, self.size());
        self.commit(vec![Leaf::LegalHold(hold)], &[key])
    }

    /// Ends a hold.
    pub fn release(&mut self, mut release: Release, key: &SigningKey) -> Result<(), SealError> {
        if !self.holds().contains_key(release.id.as_str()) {
            return Err(SealError::new("", SealErrorKind::NoSuchHold { id: release.id }));
        }
        (release.v, release.index) = (LEAF_VERSION, self.size());
        self.commit(vec![Leaf::Release(release)], &[key])
    }

    /// Passes the log from one key to another. The checkpoint that has this leaf is signed by both.
    pub fn rotate(
        &mut self,
        at: Timestamp,
        from: &SigningKey,
        to: &SigningKey,
        reason: &str,
    ) -> Result<(), SealError> {
        let leaf = Leaf::KeyRotation(KeyRotation {
            v: LEAF_VERSION,
            index: self.size(),
            at,
            from: from.verifier_key().to_string(),
            to: to.verifier_key().to_string(),
            reason: reason.to_owned(),
        });
        self.commit(vec![leaf], &[from, to])
    }

    /// Appends leaves and signs the log with them: the first key must be the one that signs it now, the last one
    /// signs it from now on.
    pub fn commit(&mut self, leaves: Vec<Leaf>, keys: &[&SigningKey]) -> Result<(), SealError> {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(()) };
        if first.verifier_key().to_string() != self.state.key {
            let (given, wanted) = (first.verifier_key().to_string(), self.state.key.clone());
            return Err(SealError::new("", SealErrorKind::OtherKey { given, wanted }));
        }
        let newest = self.leaves.last().map(Leaf::at);
        if let Some((newest, leaf)) = newest.zip(leaves.iter().min_by_key(|leaf| leaf.at()))
            && leaf.at() < newest
        {
            return Err(SealError::new("", SealErrorKind::ClockBack { now: leaf.at(), newest }));
        }
        let entries = leaves.iter().map(Leaf::encode).collect::<Result<Vec<_>, _>>()?;
        let grown = self.grow(&entries)?;
        let checkpoint = Checkpoint::new(&self.state.origin, grown.size, grown.root)
            .map_err(|error| SealError::new("", SealErrorKind::Tree(error.to_string())))?;
        let note = sign(&checkpoint, keys)?;
        self.state.pending = Some(Pending {
            leaves: entries.iter().map(|entry| String::from_utf8_lossy(entry).into_owned()).collect(),
            checkpoint: note.to_string(),
            key: last.verifier_key().to_string(),
        });
        self.save()?;
        self.finish()?;
        self.leaves.extend(leaves);
        Ok(())
    }

    /// Keeps what a witness signed, beside the checkpoint of this size.
    pub fn add_cosignature(&self, size: u64, signature: &NoteSignature) -> Result<(), SealError> {
        let name = format!("{COSIGNATURES_DIRECTORY}/{size}.{:08x}", signature.id());
        publish(&*self.storage, &name, format!("{signature}\n").as_bytes())
    }

    /// Carries out a commit that is decided. Every step finds out whether it was done before.
    fn finish(&mut self) -> Result<(), SealError> {
        let Some(pending) = self.state.pending.clone() else { return Ok(()) };
        let note = parse_note(&pending.checkpoint)?;
        let grown = self.grow(&pending.leaves)?;
        let leaves = pending.leaves.iter().map(|leaf| Leaf::decode(leaf.as_bytes()));
        // Before the checkpoint, so that no sealed day is ever without its copy.
        self.copies(&leaves.collect::<Result<Vec<_>, _>>()?)?;
        for (path, bytes) in &grown.files {
            publish(&*self.storage, &format!("{LOG_DIRECTORY}/{path}"), bytes)?;
        }
        self.storage.replace(CHECKPOINT_FILE, pending.checkpoint.as_bytes())?;
        if self.state.size == 0 {
            publish(&*self.storage, LOG_KEY_FILE, format!("{}\n", self.state.key).as_bytes())?;
        }
        self.note = note;
        (self.state.size, self.state.root) = (grown.size, grown.root.to_string());
        self.state.key = pending.key;
        self.state.pending = None;
        // Before the state forgets what is pending, so that no size is ever without its copy.
        self.copy_checkpoint()?;
        self.save()
    }

    fn copy_checkpoint(&self) -> Result<(), SealError> {
        let name = format!("{CHECKPOINTS_DIRECTORY}/{}", self.state.size);
        publish(&*self.storage, &name, self.note.to_string().as_bytes())
    }

    /// Copies of the leaves beside the plain files of their days, where those are.
    fn copies(&self, leaves: &[Leaf]) -> Result<(), SealError> {
        let published: Vec<String> = self
            .storage
            .list(crate::names::PUBLISHED_DIRECTORY)?
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        for leaf in leaves {
            let file = match leaf {
                Leaf::Day(leaf) => &leaf.events.file,
                Leaf::Supplement(leaf) => &leaf.events.file,
                _ => continue,
            };
            let (plain, copy) = (in_published(file), in_published(&manifest(file)));
            if published.contains(&plain) && !published.contains(&copy) {
                let mut bytes = leaf.encode()?;
                bytes.push(b'\n');
                publish(&*self.storage, &copy, &bytes)?;
            }
        }
        Ok(())
    }

    /// The checkpoint must be the one that was signed last, or that is being signed.
    fn check(&self) -> Result<(), SealError> {
        let checkpoint =
            Checkpoint::of_note(&self.note).map_err(|error| bad_checkpoint(error.to_string()))?;
        if checkpoint.origin() != self.state.origin {
            return Err(bad_checkpoint(format!("it is of another log, {:?}", checkpoint.origin())));
        }
        if let Some(pending) = &self.state.pending
            && self.note.to_string() == pending.checkpoint
        {
            return Ok(());
        }
        let key: VerifierKey = self.state.key.parse().map_err(|error: assurance_tlog::note::KeyError| {
            SealError::new(LOG_STATE_FILE, SealErrorKind::StateDamaged { message: error.to_string() })
        })?;
        verify(&self.note, &[key]).map_err(|error| bad_checkpoint(error.to_string()))?;
        if checkpoint.size() != self.state.size || checkpoint.root().to_string() != self.state.root {
            return Err(bad_checkpoint(format!(
                "it has {} leaves and root {}, and {} leaves with root {} were signed",
                checkpoint.size(),
                checkpoint.root(),
                self.state.size,
                self.state.root
            )));
        }
        Ok(())
    }

    fn grow<B: AsRef<[u8]>>(&self, entries: &[B]) -> Result<assurance_tlog::tiles::Growth, SealError> {
        let root: Hash = self.state.root.parse().map_err(|error: assurance_tlog::HashError| {
            SealError::new(LOG_STATE_FILE, SealErrorKind::StateDamaged { message: error.to_string() })
        })?;
        grow(&Files(&*self.storage), self.state.size, &root, entries)
            .map_err(|error| SealError::new(LOG_DIRECTORY, SealErrorKind::Tree(error.to_string())))
    }

    fn read_leaves(&self) -> Result<Vec<Leaf>, SealError> {
        let log = match crate::audit::sound_log(&*self.storage)? {
            Ok(log) => log,
            Err(finding) => {
                return Err(SealError::new("", SealErrorKind::Tree(finding.to_string())));
            }
        };
        log.entries.iter().map(|entry| Leaf::decode(entry).map_err(SealError::from)).collect()
    }

    fn save(&self) -> Result<(), SealError> {
        let mut text = serde_json::to_vec(&self.state).map_err(|source| {
            let message = source.to_string();
            SealError::new(LOG_STATE_FILE, SealErrorKind::StateDamaged { message })
        })?;
        text.push(b'\n');
        Ok(self.storage.replace(LOG_STATE_FILE, &text)?)
    }
}

/// The holds that leaves leave in force, by their names.
pub fn holds_of(leaves: &[Leaf]) -> BTreeMap<&str, &LegalHold> {
    let mut holds = BTreeMap::new();
    for leaf in leaves {
        match leaf {
            Leaf::LegalHold(hold) => {
                holds.insert(hold.id.as_str(), hold);
            }
            Leaf::Release(release) => {
                holds.remove(release.id.as_str());
            }
            _ => {}
        }
    }
    holds
}

/// Whether a log was created here.
pub fn is_initialised(storage: &dyn Storage) -> Result<bool, StorageError> {
    match storage.read_at(LOG_STATE_FILE, 0, &mut [0]) {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// The first day that a new log can seal: today, or, where days were published without one, the first of those that
/// follow each other without a gap up to the open ones.
pub fn first_day_of(storage: &dyn Storage, now: Timestamp) -> Result<Day, SealError> {
    let Some(cursor) = read_cursor(storage)? else { return Ok(Day::of(now)) };
    let mut first = cursor.first_open;
    for day in published_days(storage)?.into_iter().rev() {
        if day.next() == first {
            first = day;
        }
    }
    Ok(first)
}

/// The first day that the log is to seal; nothing where there is no log.
pub(crate) fn first_day(storage: &dyn Storage) -> Result<Option<Day>, SealError> {
    Ok(read_state(storage)?.map(|state| state.first_day))
}

/// How many supplements the log has of a day, or `None` where the day is not sealed in it.
pub(crate) fn supplements(storage: &dyn Storage, day: Day) -> Result<Option<u32>, SealError> {
    if !is_initialised(storage)? {
        return Ok(None);
    }
    let Ok(entries) = crate::audit::leaves(storage)? else { return Ok(None) };
    let mut count = None;
    for entry in entries {
        match Leaf::decode(&entry)? {
            Leaf::Day(leaf) if leaf.day == day => count = Some(0),
            Leaf::Supplement(leaf) if leaf.day == day => count = Some(leaf.number),
            _ => {}
        }
    }
    Ok(count)
}

fn has_log_files(storage: &dyn Storage) -> Result<bool, StorageError> {
    Ok(!storage.list(LOG_DIRECTORY)?.is_empty() || !storage.list(CHECKPOINTS_DIRECTORY)?.is_empty())
}

fn read_state(storage: &dyn Storage) -> Result<Option<State>, SealError> {
    let text = match storage.read(LOG_STATE_FILE, MAX_STATE_BYTES) {
        Ok(text) => text,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let damaged = |message| SealError::new(LOG_STATE_FILE, SealErrorKind::StateDamaged { message });
    let state: State = serde_json::from_slice(&text).map_err(|source| damaged(source.to_string()))?;
    if state.v != STATE_VERSION {
        return Err(damaged(format!("its version is {}, this program knows {STATE_VERSION}", state.v)));
    }
    Ok(Some(state))
}

fn read_note(storage: &dyn Storage) -> Result<Option<SignedNote>, SealError> {
    match storage.read(CHECKPOINT_FILE, MAX_CHECKPOINT_BYTES) {
        Ok(text) => parse_note(&String::from_utf8_lossy(&text)).map(Some),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn parse_note(text: &str) -> Result<SignedNote, SealError> {
    SignedNote::parse(text).map_err(|error| bad_checkpoint(error.to_string()))
}

fn bad_checkpoint(message: impl Into<String>) -> SealError {
    SealError::new(CHECKPOINT_FILE, SealErrorKind::Checkpoint { message: message.into() })
}

fn sign(checkpoint: &Checkpoint, keys: &[&SigningKey]) -> Result<SignedNote, SealError> {
    checkpoint.sign(keys).map_err(|error| SealError::new("", SealErrorKind::Tree(error.to_string())))
}

/// The log's files as its tree reads them.
#[derive(Debug)]
struct Files<'s>(&'s dyn Storage);

impl TileSource for Files<'_> {
    type Error = StorageError;

    fn tile(&self, path: &TilePath) -> Result<Vec<u8>, StorageError> {
        self.0.read(&format!("{LOG_DIRECTORY}/{path}"), MAX_BUNDLE_BYTES as u64)
    }
}
