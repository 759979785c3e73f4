//! What the evidence adds up to: counts for metrics that neither a restart nor a purge takes back.
//!
//! Everything is derived from what is durable: the files of open, published and sealed days, the cursor and the log.
//! What sealed days add up to is kept in `state/tally.json`, because they are long, and may be purged; it is written
//! after what it counts, so a crash makes it older and never wrong. Without it all is counted anew from what is there.

mod counts;
mod reading;

use std::collections::{BTreeMap, BTreeSet};

use assurance_metrics_model::Timestamp;
use assurance_storage::{Entry, Storage, StorageError};
use assurance_tlog::Checkpoint;
use assurance_tlog::note::SignedNote;
use serde::{Deserialize, Serialize};

pub use counts::{Counts, Moment, SIGNALS, Signal};

use crate::archive::read_cursor;
use crate::cursor::Cursor;
use crate::manifest::{Leaf, LeafError, SealedFile};
use crate::names::{
    CHECKPOINT_FILE, CURSOR_FILE, PUBLISHED_DIRECTORY, day_of_published, open_events, open_facts,
    published_events, published_facts,
};
use crate::{ArchiveError, Day, Digest, audit};
use reading::Source;

/// What sealed days add up to.
const TALLY_FILE: &str = "state/tally.json";
const VERSION: u32 = 1;
/// Some 40 counts for each of a few open days are 10 kB; a hundred times that is no tally.
const MAX_TALLY_BYTES: u64 = 1024 * 1024;
/// How often evidence that changes while it is read is read again.
const TRIES: usize = 10;

/// Why nothing could be counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TallyError {
    /// A file operation failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The cursor cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A leaf cannot be read.
    #[error(transparent)]
    Leaf(#[from] LeafError),
    /// The log is not what was signed.
    #[error("{0}")]
    Log(String),
    /// A file cannot be read.
    #[error("{file}: {message}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        message: String,
    },
    /// It never stood still.
    #[error("the evidence changed each time it was read; try again")]
    Moving,
}

/// What the evidence adds up to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    v: u32,
    /// How many leaves are counted.
    leaves: u64,
    /// Of all sealed files.
    total: Counts,
    /// Of files that are open or published and not sealed, by the name that they are published under.
    files: BTreeMap<String, Part>,
    /// When the log began, in milliseconds.
    begun: Option<i64>,
    /// When a day was last sealed, in milliseconds.
    sealed_at: Option<i64>,
    /// The first and the last sealed day: all between are sealed, too.
    sealed: Option<(Day, Day)>,
    /// Supplements that are sealed.
    supplements: BTreeMap<Day, u32>,
    sealed_days: u64,
    purged_days: u64,
    incomplete_days: u64,
    #[serde(skip)]
    now: Now,
}

/// What is not worth keeping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Now {
    collected: Option<Timestamp>,
    open_days: u64,
    open_incomplete: u64,
}

/// The counted beginning of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    bytes: u64,
    counts: Counts,
}

impl Tally {
    /// What was counted before; nothing where that is not known.
    pub fn load(storage: &dyn Storage) -> Result<Self, StorageError> {
        let text = match storage.read(TALLY_FILE, MAX_TALLY_BYTES) {
            Ok(text) => text,
            Err(error) if error.is_not_found() => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        // It is derived: what cannot be read is counted anew.
        let tally = serde_json::from_slice(&text).ok().filter(|tally: &Self| tally.v == VERSION);
        Ok(tally.unwrap_or_default())
    }

    /// Counts what is new. Takes no lock: what changes meanwhile is read again.
    pub fn update(&mut self, storage: &dyn Storage) -> Result<(), TallyError> {
        for _ in 0..TRIES {
            let before = stamp(storage)?;
            let mut next = self.clone();
            let advanced = next.advance(storage);
            if stamp(storage)? == before {
                advanced?;
                *self = next;
                return Ok(());
            }
        }
        Err(TallyError::Moving)
    }

    /// All events and everything in them.
    pub fn counts(&self) -> Counts {
        let mut all = self.total.clone();
        self.files.values().for_each(|part| all.merge(&part.counts));
        all
    }

    /// The log's beginning.
    pub fn begun(&self) -> Option<Timestamp> {
        self.begun.map(Timestamp::from_millis)
    }

    /// When events were last collected without an error; the log's beginning before that.
    pub fn collected(&self) -> Option<Timestamp> {
        self.now.collected.or(self.begun())
    }

    /// When a day or a supplement was last sealed; the log's beginning before that.
    pub fn last_sealed(&self) -> Option<Timestamp> {
        self.sealed_at.map(Timestamp::from_millis).or(self.begun())
    }

    /// How many leaves the log has.
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Days that were sealed, purged ones among them.
    pub fn sealed_days(&self) -> u64 {
        self.sealed_days
    }

    /// Days that were given up.
    pub fn purged_days(&self) -> u64 {
        self.purged_days
    }

    /// Days of which it is recorded that events may be missing.
    pub fn incomplete_days(&self) -> u64 {
        self.incomplete_days + self.now.open_incomplete
    }

    /// Days with something in them that is not published yet.
    pub fn open_days(&self) -> u64 {
        self.now.open_days
    }

    fn advance(&mut self, storage: &dyn Storage) -> Result<(), TallyError> {
        self.v = VERSION;
        let size = size(storage)?;
        if size < self.leaves {
            *self = Self { v: VERSION, ..Self::default() }; // another log than was counted
        }
        if size > self.leaves {
            let entries = audit::leaves(storage)?.map_err(|finding| TallyError::Log(finding.to_string()))?;
            let skipped = usize::try_from(self.leaves).unwrap_or(usize::MAX);
            for entry in entries.iter().skip(skipped) {
                self.seal(storage, &Leaf::decode(entry)?)?;
                self.leaves += 1;
            }
        }
        let cursor = read_cursor(storage)?;
        let published = storage.list(PUBLISHED_DIRECTORY)?;
        let mut seen = BTreeSet::new();
        if let Some(cursor) = &cursor {
            self.open(storage, cursor, &published, &mut seen)?;
        }
        self.published(storage, &published, &mut seen)?;
        self.files.retain(|file, _| seen.contains(file));
        self.now = Now {
            collected: cursor.as_ref().map(|cursor| cursor.collected),
            open_days: cursor.as_ref().map_or(0, |cursor| cursor.open.len() as u64),
            open_incomplete: cursor
                .iter()
                .flat_map(|cursor| cursor.open.values())
                .filter(|day| day.incomplete)
                .count() as u64,
        };
        Ok(())
    }

    /// Counts a leaf, and what it sealed.
    fn seal(&mut self, storage: &dyn Storage, leaf: &Leaf) -> Result<(), TallyError> {
        match leaf {
            Leaf::Start(start) => self.begun = Some(start.at.as_millis()),
            Leaf::Day(leaf) => {
                self.add(storage, leaf.day, &leaf.events)?;
                let facts = &leaf.facts;
                let source = Source { day: leaf.day, published: &facts.file, open: None, facts: true };
                let known = self.take(storage, &source, facts.bytes)?;
                self.total.merge(&known.unwrap_or_else(|| Counts::of_facts(leaf.day, facts)));
                let first = self.sealed.map_or(leaf.day, |(first, _)| first);
                self.sealed = Some((first, leaf.day));
                self.sealed_at = Some(leaf.sealed_at.as_millis());
                self.sealed_days += 1;
                self.incomplete_days += u64::from(!leaf.complete);
            }
            Leaf::Supplement(leaf) => {
                self.add(storage, leaf.day, &leaf.events)?;
                self.supplements.insert(leaf.day, leaf.number);
                self.sealed_at = Some(leaf.sealed_at.as_millis());
            }
            Leaf::Purge(purge) => self.purged_days += purge.days.len() as u64,
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, storage: &dyn Storage, day: Day, sealed: &SealedFile) -> Result<(), TallyError> {
        let source = Source { day, published: &sealed.file, open: None, facts: false };
        let known = self.take(storage, &source, sealed.bytes)?;
        // Of a day that was purged before it was counted, only the number of its events is left.
        self.total.merge(&known.unwrap_or_else(|| Counts::of_events(sealed.lines)));
        Ok(())
    }

    /// The counts of a whole file, which then is no longer one of those that are not sealed.
    fn take(
        &mut self,
        storage: &dyn Storage,
        source: &Source<'_>,
        bytes: u64,
    ) -> Result<Option<Counts>, TallyError> {
        let known = self.extend(storage, source, bytes)?;
        let part = self.files.remove(source.published);
        Ok(part.filter(|_| known).map(|part| part.counts))
    }

    /// Counts a file up to here; says whether it could be read.
    fn extend(&mut self, storage: &dyn Storage, source: &Source<'_>, bytes: u64) -> Result<bool, TallyError> {
        let part = self.files.entry(source.published.to_owned()).or_default();
        if part.bytes > bytes {
            *part = Part::default(); // put back from a backup
        }
        if part.bytes < bytes {
            match source.count(storage, part.bytes, bytes)? {
                Some(counts) => part.counts.merge(&counts),
                None => return Ok(false),
            }
            part.bytes = bytes;
        }
        Ok(true)
    }

    fn is_sealed(&self, day: Day) -> bool {
        self.sealed.is_some_and(|(first, last)| first <= day && day <= last)
    }

    /// The name that a day's open events will be published under. Of a day whose plain files are gone, the log knows
    /// what there was.
    fn next_name(&self, day: Day, published: &[Entry]) -> String {
        let of_day = || {
            published
                .iter()
                .filter_map(|entry| day_of_published(&entry.name))
                .filter(move |(of, _)| *of == day)
        };
        let there = self.is_sealed(day) || of_day().any(|(_, rest)| rest == ".jsonl");
        let last = of_day().filter_map(|(_, rest)| supplement(rest)).max();
        let last = last.max(self.supplements.get(&day).copied()).unwrap_or(0);
        published_events(day, there.then_some(last + 1))
    }

    /// Open days, by the names that they will be published under.
    fn open(
        &mut self,
        storage: &dyn Storage,
        cursor: &Cursor,
        published: &[Entry],
        seen: &mut BTreeSet<String>,
    ) -> Result<(), TallyError> {
        for (day, open) in &cursor.open {
            let intended = cursor.publishing.as_ref().filter(|intent| intent.day == *day);
            let events =
                intended.map_or_else(|| self.next_name(*day, published), |intent| intent.file.clone());
            let facts = published_facts(*day);
            for (name, bytes, open, facts) in [
                (&events, open.bytes, open_events(*day), false),
                (&facts, open.facts_bytes, open_facts(*day), true),
            ] {
                if bytes == 0 {
                    continue;
                }
                let source = Source { day: *day, published: name, open: Some(&open), facts };
                if !self.extend(storage, &source, bytes)? {
                    let message = "it is shorter than what was acknowledged".to_owned();
                    return Err(TallyError::Unreadable { file: open, message });
                }
                seen.insert(name.clone());
            }
        }
        Ok(())
    }

    /// What is published and not sealed.
    fn published(
        &mut self,
        storage: &dyn Storage,
        published: &[Entry],
        seen: &mut BTreeSet<String>,
    ) -> Result<(), TallyError> {
        for entry in published {
            let Some((day, rest)) = day_of_published(&entry.name) else { continue };
            let bare = entry.name.rsplit('/').next().unwrap_or(&entry.name);
            let sealed = match rest {
                ".jsonl" | ".facts.jsonl" => self.is_sealed(day),
                _ => match supplement(rest) {
                    Some(number) => self.supplements.get(&day).is_some_and(|sealed| number <= *sealed),
                    None => continue,
                },
            };
            if sealed || seen.contains(bare) {
                continue;
            }
            let source = Source { day, published: bare, open: None, facts: rest == ".facts.jsonl" };
            self.extend(storage, &source, entry.bytes)?;
            seen.insert(bare.to_owned());
        }
        Ok(())
    }
}

/// Brings the kept tally up to date. The caller holds the archive's lock.
pub fn keep(storage: &dyn Storage) -> Result<(), TallyError> {
    let before = Tally::load(storage)?;
    let mut tally = before.clone();
    tally.update(storage)?;
    tally.now = Now::default();
    if tally != before {
        let mut text = serde_json::to_vec(&tally).map_err(|error| TallyError::Unreadable {
            file: TALLY_FILE.to_owned(),
            message: error.to_string(),
        })?;
        text.push(b'\n');
        storage.replace(TALLY_FILE, &text)?;
    }
    Ok(())
}

/// The number in `.supplement-N.jsonl`.
fn supplement(rest: &str) -> Option<u32> {
    rest.strip_prefix(".supplement-")?.strip_suffix(".jsonl")?.parse().ok()
}

/// How many leaves the checkpoint says there are.
fn size(storage: &dyn Storage) -> Result<u64, TallyError> {
    let text = match storage.read(CHECKPOINT_FILE, 64 * 1024) {
        Ok(text) => text,
        Err(error) if error.is_not_found() => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let bad = |message: String| TallyError::Unreadable { file: CHECKPOINT_FILE.to_owned(), message };
    let note = SignedNote::parse(&String::from_utf8_lossy(&text)).map_err(|error| bad(error.to_string()))?;
    Ok(Checkpoint::of_note(&note).map_err(|error| bad(error.to_string()))?.size())
}

/// Changes whenever what is counted does: the commit points of collecting, publishing and sealing.
fn stamp(storage: &dyn Storage) -> Result<[Option<Digest>; 2], StorageError> {
    let digest = |name| match storage.read(name, crate::cursor::MAX_CURSOR_BYTES) {
        Ok(text) => Ok(Some(Digest::of(&text))),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    };
    Ok([digest(CURSOR_FILE)?, digest(CHECKPOINT_FILE)?])
}
