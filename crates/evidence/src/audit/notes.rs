//! Checkpoints as files, and what is wrong with one whose text is known.

use assurance_storage::{Storage, StorageError};
use assurance_tlog::Checkpoint;
use assurance_tlog::note::{self, SignedNote, VerifierKey};

use super::bytes::{Change, difference};
use super::log::{read_entries, root_of};
use super::mend::mend;
use super::{Class, Finding};
use crate::manifest::Leaf;
use crate::names::{CHECKPOINT_FILE, CHECKPOINTS_DIRECTORY, MAX_CHECKPOINT_BYTES};

/// How the leaves that bring keys begin.
const KINDS_WITH_KEYS: [&[u8]; 2] = [br#"{"kind":"start","#, br#"{"kind":"key_rotation","#];

type Read = (SignedNote, Checkpoint);

/// The newest checkpoint, or the copy of it that was made at the same time, if that one is whole and the file is not.
///
/// Which of the two is whole is asked of the keys that the archive itself names: whether those may be believed is
/// another question, which comes later.
pub(super) fn newest(
    storage: &dyn Storage,
    findings: &mut Vec<Finding>,
) -> Result<Option<Read>, StorageError> {
    if let Ok(bytes) = storage.read(CHECKPOINT_FILE, MAX_CHECKPOINT_BYTES)
        && !is_whole(storage, &bytes)?
    {
        for entry in storage.list(CHECKPOINTS_DIRECTORY)? {
            let Ok(copy) = storage.read(&entry.name, MAX_CHECKPOINT_BYTES) else { continue };
            let Some(exact) = difference(&mut &copy[..], &mut &bytes[..]).ok().flatten() else { continue };
            let class = match exact.change {
                Change::BitFlip { .. } => Class::BitFlip,
                Change::Truncated { .. } => Class::Truncated,
                _ => continue,
            };
            // Cut to nothing it is the beginning of every copy; the last one that is whole was the newest.
            if is_whole(storage, &copy)?
                && is_newest(storage, &copy)?
                && let Ok(read) = parse_checkpoint(&copy)
            {
                let message = format!("{}; {} has it whole", exact.change.text(), entry.name);
                findings.push(Finding::integrity(class, CHECKPOINT_FILE, message));
                return Ok(Some(read));
            }
        }
    }
    read_checkpoint(storage, CHECKPOINT_FILE, findings)
}

/// Whether no copy is of a larger log.
fn is_newest(storage: &dyn Storage, copy: &[u8]) -> Result<bool, StorageError> {
    let Ok((_, checkpoint)) = parse_checkpoint(copy) else { return Ok(false) };
    let sizes = storage.list(CHECKPOINTS_DIRECTORY)?;
    let mut sizes = sizes.iter().filter_map(|entry| entry.name.rsplit('/').next()?.parse::<u64>().ok());
    Ok(sizes.all(|size| size <= checkpoint.size()))
}

/// Whether bytes are a checkpoint of the entries that are there, signed by a key that they name.
fn is_whole(storage: &dyn Storage, bytes: &[u8]) -> Result<bool, StorageError> {
    let Ok((note, checkpoint)) = parse_checkpoint(bytes) else { return Ok(false) };
    if checkpoint.size() > super::log::MAX_LEAVES {
        return Ok(false);
    }
    let entries = read_entries(storage, checkpoint.size(), &mut Vec::new())?;
    let keys: Vec<VerifierKey> = entries
        .iter()
        .filter(|entry| KINDS_WITH_KEYS.iter().any(|kind| entry.starts_with(kind)))
        .filter_map(|entry| match Leaf::decode(entry).ok()? {
            Leaf::Start(leaf) => leaf.key.parse().ok(),
            Leaf::KeyRotation(leaf) => leaf.to.parse().ok(),
            _ => None,
        })
        .collect();
    Ok(root_of(&entries) == checkpoint.root() && note::verify(&note, &keys).is_ok())
}

/// What is wrong with a checkpoint whose text and signers are known, where one bit is, or where its end is gone. One
/// whose bit was found is whole again: its signatures say so.
pub(super) fn damage(
    bytes: &[u8],
    checkpoint: &Checkpoint,
    signers: &[VerifierKey],
) -> Option<(Class, String, Option<SignedNote>)> {
    let is_right = |tried: &[u8]| {
        parse_checkpoint(tried).is_ok_and(|(note, found)| {
            found == *checkpoint
                && note.signatures().len() >= signers.len()
                && signers.iter().all(|key| note::verify(&note, std::slice::from_ref(key)).is_ok())
        })
    };
    if is_cut(bytes, checkpoint, signers) {
        // What two keys had signed may still have the signature of the first.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let left = parse_checkpoint(&bytes[..whole]).ok().map(|(note, _)| note);
        return Some((Class::Truncated, Change::Truncated { at: bytes.len() as u64 }.text(), left));
    }
    let mut mended = bytes.to_vec();
    let change = mend(&mut mended, is_right)?;
    Some((Class::BitFlip, change.text(), parse_checkpoint(&mended).ok().map(|(note, _)| note)))
}

/// Whether bytes are the beginning of a note with signatures of these keys, in this order.
fn is_cut(bytes: &[u8], checkpoint: &Checkpoint, signers: &[VerifierKey]) -> bool {
    let text = format!("{checkpoint}\n");
    let Some(rest) = bytes.strip_prefix(text.as_bytes()) else { return text.as_bytes().starts_with(bytes) };
    let line = format!("\u{2014} {} ", checkpoint.origin());
    // Four bytes of the key's number and 64 of the signature are 92 characters.
    let full = line.len() + 92 + 1;
    let lines: Vec<&[u8]> = rest.split_inclusive(|byte| *byte == b'\n').collect();
    let begins = |found: &[u8]| found.starts_with(line.as_bytes()) || line.as_bytes().starts_with(found);
    let is_by = |found: &[u8], key: &VerifierKey| {
        let text = [text.as_bytes(), found].concat();
        parse_checkpoint(&text).is_ok_and(|(note, _)| note::verify(&note, std::slice::from_ref(key)).is_ok())
    };
    match lines.split_last() {
        None => true,
        Some((last, before)) if last.ends_with(b"\n") => {
            before.len() + 1 < signers.len()
                && lines.iter().zip(signers).all(|(found, key)| is_by(found, key))
        }
        Some((last, before)) => {
            before.len() < signers.len()
                && begins(last)
                && last.len() < full
                && before.iter().zip(signers).all(|(found, key)| is_by(found, key))
        }
    }
}

/// A checkpoint file as a note and what it says; a finding where it is missing or no checkpoint.
pub(super) fn read_checkpoint(
    storage: &dyn Storage,
    name: &str,
    findings: &mut Vec<Finding>,
) -> Result<Option<(SignedNote, Checkpoint)>, StorageError> {
    let bytes = match storage.read(name, MAX_CHECKPOINT_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => {
            findings.push(Finding::integrity(Class::MissingFile, name, "the checkpoint is gone"));
            return Ok(None);
        }
        Err(error) if error.is_too_large() => {
            let message = format!("longer than the {MAX_CHECKPOINT_BYTES} bytes that a checkpoint may have");
            findings.push(Finding::integrity(Class::Signature, name, message));
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    match parse_checkpoint(&bytes) {
        Ok(parsed) => Ok(Some(parsed)),
        Err(message) => {
            findings.push(Finding::integrity(Class::Signature, name, message));
            Ok(None)
        }
    }
}

/// A signed note that is a checkpoint.
pub(super) fn parse_checkpoint(bytes: &[u8]) -> Result<(SignedNote, Checkpoint), String> {
    let text = std::str::from_utf8(bytes).map_err(|_source| "not a checkpoint: it is no text".to_owned())?;
    let note = SignedNote::parse(text).map_err(|error| format!("not a checkpoint: {error}"))?;
    let checkpoint = Checkpoint::of_note(&note).map_err(|error| format!("not a checkpoint: {error}"))?;
    Ok((note, checkpoint))
}
