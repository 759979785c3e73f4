//! Proofs that one event is in the log, checked with nothing but a policy.
//!
//! The file is a c2sp.org/tlog-proof: it proves the leaf that sealed the event's day. Its extra data holds that leaf,
//! the event, and the path from the event's line to the root over the day's lines that the leaf has.

use std::io::Read;

use assurance_storage::{Reader, Storage, StorageError};
use assurance_tlog::policy::{Policy, Verdict};
use assurance_tlog::proof::{MAX_EXTRA_BYTES, TlogProof, TlogProofError, TlogProofFailure};
use assurance_tlog::{Hash, ProofError, Tree, inclusion_proof, leaf_hash, verify_inclusion};
use serde::{Deserialize, Serialize};

use crate::audit::{Finding, Log, sound_log};
use crate::compress;
use crate::lines::each_line;
use crate::manifest::{Leaf, LeafError, SealedFile};
use crate::names::{in_cold, in_published};
use crate::{Day, Event};

/// The version of the extra data's form.
const EXTRA_VERSION: u32 = 1;

/// The most lines of one file that a proof is made from: 64 bytes of memory each.
const MAX_LINES: u64 = 50_000_000;

/// Which event to prove.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wanted {
    /// The first one with this `id`.
    #[non_exhaustive]
    Id {
        /// The event's `id`.
        id: String,
        /// The day to look at.
        day: Option<Day>,
    },
    /// The one on a line of a day's own file.
    #[non_exhaustive]
    Line {
        /// The day.
        day: Day,
        /// The line.
        line: u64,
    },
}

impl Wanted {
    /// The first event with this `id`, on any day or on this one.
    pub fn id(id: &str, day: Option<Day>) -> Self {
        Self::Id { id: id.to_owned(), day }
    }

    /// The event on this line of the day's own file, from 1.
    pub fn line(day: Day, line: u64) -> Self {
        Self::Line { day, line }
    }
}

/// An event that was proven.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proven {
    /// Its day.
    pub day: Day,
    /// Its line in the day's file, from 1.
    pub line: u64,
    /// The event, byte for byte.
    pub event: String,
    /// Where the leaf that sealed it stands in the log.
    pub leaf: u64,
    /// Who signed the log.
    pub verdict: Verdict,
}

/// Why no proof was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The archive could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The log is not sound, so nothing can be proven from it.
    #[error("{0}; `verify` says more")]
    Log(Finding),
    /// There is no such event.
    #[error("no sealed event is {0}")]
    NotFound(String),
    /// The file with the event is gone or not what was sealed.
    #[error("{file} is not what was sealed, in either form; `verify` says more")]
    File {
        /// The file.
        file: String,
    },
    /// The event and its leaf are too long for a proof.
    #[error("the proof would carry {bytes} bytes; {MAX_EXTRA_BYTES} are the most")]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// A hash is missing. Cannot happen for a log that was read whole.
    #[error("{0}")]
    Tree(String),
}

/// Why a proof does not hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofFailure {
    /// It is no proof.
    #[error(transparent)]
    Form(#[from] TlogProofError),
    /// It carries no event, or in a form that is not known.
    #[error("the proof carries no event in a form that is known here: {0}")]
    Extra(String),
    /// What it carries is no leaf that seals events.
    #[error("what the proof carries is no leaf of a day: {0}")]
    Leaf(#[from] LeafError),
    /// The leaf is not proven to be in a log of the policy.
    #[error(transparent)]
    Log(#[from] TlogProofFailure),
    /// The event is not proven to be in the leaf.
    #[error("the event is not in the day that was sealed: {0}")]
    Event(#[from] ProofError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Extra {
    v: u32,
    leaf: String,
    line: u64,
    event: String,
    path: Vec<String>,
}

/// Makes a proof of an event. The text is complete: nothing of the archive is needed to check it.
pub fn prove(storage: &dyn Storage, wanted: &Wanted) -> Result<String, ProveError> {
    let log = sound_log(storage)?.map_err(ProveError::Log)?;
    for (index, entry) in log.entries.iter().enumerate() {
        let Some((day, events, number)) = sealed_events(entry) else { continue };
        let of_day = match wanted {
            Wanted::Id { day: wanted, .. } => wanted.is_none_or(|wanted| wanted == day),
            Wanted::Line { day: wanted, .. } => *wanted == day && number.is_none(),
        };
        if !of_day {
            continue;
        }
        let Some(content) = content(storage, &events)? else {
            if matches!(wanted, Wanted::Id { day: None, .. }) {
                continue; // purged, or damaged: another day may have it
            }
            return Err(ProveError::File { file: in_published(&events.file) });
        };
        let line = match wanted {
            Wanted::Line { line, .. } => line.checked_sub(1).filter(|line| *line < events.lines),
            Wanted::Id { id, .. } => position(&content, id),
        };
        let Some(line) = line else { continue };
        return write(&log, index as u64, entry, &content, line);
    }
    Err(ProveError::NotFound(match wanted {
        Wanted::Id { id, .. } => format!("called {id:?}"),
        Wanted::Line { day, line } => format!("on line {line} of {day}"),
    }))
}

/// The events of a leaf, its day and, for a supplement, its number.
fn sealed_events(entry: &[u8]) -> Option<(Day, SealedFile, Option<u32>)> {
    match Leaf::decode(entry).ok()? {
        Leaf::Day(leaf) => Some((leaf.day, leaf.events, None)),
        Leaf::Supplement(leaf) => Some((leaf.day, leaf.events, Some(leaf.number))),
        _ => None,
    }
}

/// The lines of a sealed file, from whichever form is what was sealed.
fn content(storage: &dyn Storage, events: &SealedFile) -> Result<Option<Vec<u8>>, StorageError> {
    if events.lines > MAX_LINES {
        return Ok(None);
    }
    let fits = |content: &[u8]| crate::Digest::of(content) == events.sha256;
    match storage.read(&in_published(&events.file), events.bytes) {
        Ok(content) if fits(&content) => return Ok(Some(content)),
        Err(error) if !error.is_not_found() && !error.is_too_large() => return Err(error),
        _ => {}
    }
    let name = in_cold(&events.zstd.file);
    let mut content = Vec::new();
    let decoded = compress::decode(&mut Reader::new(storage, &name), |plain| {
        plain.take(events.bytes + 1).read_to_end(&mut content)
    });
    Ok((decoded.is_ok() && fits(&content)).then_some(content))
}

fn position(content: &[u8], id: &str) -> Option<u64> {
    let lines = content.split(|byte| *byte == b'\n');
    let found = lines.enumerate().find(|(_, line)| {
        // Most lines are told apart without reading them as JSON.
        memchr::memmem::find(line, id.as_bytes()).is_some()
            && std::str::from_utf8(line)
                .ok()
                .and_then(|line| Event::parse(line, 0).ok())
                .is_some_and(|event| event.id() == Some(id))
    });
    found.map(|(line, _)| line as u64)
}

fn write(log: &Log, index: u64, entry: &[u8], content: &[u8], line: u64) -> Result<String, ProveError> {
    let mut lines = Tree::new();
    let hashed = each_line(&mut &*content, true, |hash| hash.into_iter().for_each(|hash| lines.push(hash)));
    hashed.map_err(|error| ProveError::Tree(error.to_string()))?;
    let path =
        inclusion_proof(line, lines.size(), &lines).map_err(|error| ProveError::Tree(error.to_string()))?;
    let event = content.split(|byte| *byte == b'\n').nth(usize::try_from(line).unwrap_or(usize::MAX));
    let extra = Extra {
        v: EXTRA_VERSION,
        leaf: String::from_utf8_lossy(entry).into_owned(),
        line,
        event: String::from_utf8_lossy(event.unwrap_or_default()).into_owned(),
        path: path.iter().map(Hash::to_string).collect(),
    };
    let extra = serde_json::to_vec(&extra).map_err(|error| ProveError::Tree(error.to_string()))?;
    if extra.len() > MAX_EXTRA_BYTES {
        return Err(ProveError::TooLong { bytes: extra.len() });
    }
    let hashes = inclusion_proof(index, log.tree.size(), &log.tree)
        .map_err(|error| ProveError::Tree(error.to_string()))?;
    Ok(TlogProof { index, extra: Some(extra), hashes, checkpoint: log.note.clone() }.to_string())
}

/// Checks a proof with nothing but a policy.
pub fn verify_proof(text: &str, policy: &Policy) -> Result<Proven, ProofFailure> {
    let proof: TlogProof = text.parse()?;
    let extra = proof.extra.as_deref().ok_or_else(|| ProofFailure::Extra("there is none".to_owned()))?;
    let extra: Extra =
        serde_json::from_slice(extra).map_err(|error| ProofFailure::Extra(error.to_string()))?;
    if extra.v != EXTRA_VERSION {
        return Err(ProofFailure::Extra(format!("version {}", extra.v)));
    }
    let (day, events) = match Leaf::decode(extra.leaf.as_bytes())? {
        Leaf::Day(leaf) => (leaf.day, leaf.events),
        Leaf::Supplement(leaf) => (leaf.day, leaf.events),
        _ => return Err(ProofFailure::Extra("the leaf seals no events".to_owned())),
    };
    let verdict = proof.verify(extra.leaf.as_bytes(), policy)?;
    let path: Result<Vec<Hash>, _> = extra.path.iter().map(|hash| hash.parse::<Hash>()).collect();
    let path = path.map_err(|error| ProofFailure::Extra(error.to_string()))?;
    verify_inclusion(&leaf_hash(extra.event.as_bytes()), extra.line, events.lines, &events.root, &path)?;
    Ok(Proven { day, line: extra.line + 1, event: extra.event, leaf: proof.index, verdict })
}
