use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};

use assurance_metrics_model::Timestamp;
use assurance_storage::{Operation, Reader, Storage, StorageError, StorageErrorKind};
use assurance_tlog::Hash;
use assurance_tlog::note::SigningKey;
use serde::Serialize;

use super::ahead::{Ahead, Begun, Due, Prepared};
use super::publish::{checksum, digest, of_content, publish};
use super::{Log, SealError, SealErrorKind};
use crate::archive::read_cursor;
use crate::compress::{self, Frame, FrameReader};
use crate::cursor::{MAX_CURSOR_BYTES, Progress};
use crate::fact::DaySummary;
use crate::lines::LineHashes;
use crate::manifest::{
    ClockState, Compressed, DayLeaf, LEAF_VERSION, Leaf, MAX_BYTES_WITH_FACTS, Retention, SealedFacts,
    SealedFile, SupplementLeaf, Totals,
};
use crate::names::{
    CURSOR_FILE, PUBLISHED_DIRECTORY, compressed, day_of_published, in_cold, in_published, leaves,
    published_events, published_facts, sidecar, sidecar_line,
};
use crate::{Day, Digest, Fact, FactKind};

/// The most days sealed in one commit: what the archive publishes at most in one go.
const MAX_DAYS: usize = 400;

/// What sealing needs to know besides the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealing {
    /// The present instant.
    pub now: Timestamp,
    /// How long the days are kept.
    pub retention: Retention,
    /// What the machine knows of its clock.
    pub clock: ClockState,
    /// Name and version of the program.
    pub software: String,
    /// How many threads hash and compress, beside the one that writes; what is written is the same, in the same order.
    /// With 1, the one that writes does it all.
    pub threads: usize,
}

/// A day, or a supplement to one, that was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Sealed {
    /// The day.
    pub day: Day,
    /// Which supplement, where it is one.
    pub supplement: Option<u32>,
    /// The leaf.
    pub leaf: u64,
    /// The compressed file, relative to the evidence directory.
    pub name: String,
    /// How many events it has.
    pub events: u64,
}

/// Seals everything that is published and not sealed yet: one commit, one signature.
///
/// Nothing due is nothing done, however often it is called.
pub fn seal_due(
    storage: &dyn Storage,
    log: &mut Log,
    sealing: &Sealing,
    key: &SigningKey,
) -> Result<Vec<Sealed>, SealError> {
    let due = due(storage, log)?;
    let mut all = Vec::new();
    for batch in due.chunks(MAX_DAYS) {
        let provenance = Provenance::read(storage)?;
        let files = batch.iter().map(|due| (published_events(due.day, due.supplement), due.bytes)).collect();
        let (sealed, made) = Ahead::of(storage, files, sealing.threads, |ahead| {
            let (mut sealed, mut made) = (Vec::new(), Vec::new());
            for (at, Due { day, supplement, .. }) in batch.iter().enumerate() {
                let index = log.size() + made.len() as u64;
                let unit = Unit { storage, sealing, provenance: &provenance, index, day: *day };
                let prepared = ahead.take(at);
                let (leaf, events) = match supplement {
                    None => unit.day(prepared)?,
                    Some(number) => unit.supplement(*number, prepared)?,
                };
                let name = in_cold(&compressed(&published_events(*day, *supplement)));
                sealed.push(Sealed { day: *day, supplement: *supplement, leaf: index, name, events });
                made.push(leaf);
            }
            Ok::<_, SealError>((sealed, made))
        })?;
        log.commit(made, &[key])?;
        all.extend(sealed);
    }
    Ok(all)
}

/// What is published and no leaf seals, days before their supplements.
fn due(storage: &dyn Storage, log: &Log) -> Result<Vec<Due>, SealError> {
    let sealed: BTreeSet<(Day, Option<u32>)> = log
        .leaves()
        .iter()
        .filter_map(|leaf| match leaf {
            Leaf::Day(leaf) => Some((leaf.day, None)),
            Leaf::Supplement(leaf) => Some((leaf.day, Some(leaf.number))),
            _ => None,
        })
        .collect();
    let first_open = read_cursor(storage)?.map(|cursor| cursor.first_open);
    let mut due = BTreeSet::new();
    for entry in storage.list(PUBLISHED_DIRECTORY)? {
        let Some((day, rest)) = day_of_published(&entry.name) else { continue };
        let supplement = match rest.strip_prefix(".supplement-").and_then(|rest| rest.strip_suffix(".jsonl"))
        {
            Some(number) => match number.parse() {
                Ok(number) => Some(number),
                Err(_) => continue,
            },
            None if rest == ".jsonl" => None,
            None => continue,
        };
        if first_open.is_none_or(|first_open| day >= first_open) {
            // Whoever put it there, it was not the archive: the day is still open.
            return Err(SealError::new(entry.name, SealErrorKind::Conflict));
        }
        if !sealed.contains(&(day, supplement)) {
            due.insert(Due { day, supplement, bytes: entry.bytes });
        }
    }
    Ok(due.into_iter().collect())
}

/// Where the events come from.
struct Provenance {
    source: String,
    cursor: Option<Digest>,
    totals: Option<Totals>,
}

impl Provenance {
    fn read(storage: &dyn Storage) -> Result<Self, SealError> {
        let Some(cursor) = read_cursor(storage)? else {
            return Ok(Self { source: String::new(), cursor: None, totals: None });
        };
        let totals = match &cursor.progress {
            Progress::Api(collector) => collector.totals(),
            Progress::File(_) => None,
        };
        let digest = Digest::of(&storage.read(CURSOR_FILE, MAX_CURSOR_BYTES)?);
        Ok(Self { source: cursor.source, cursor: Some(digest), totals })
    }
}

/// One file that is being sealed.
struct Unit<'a> {
    storage: &'a dyn Storage,
    sealing: &'a Sealing,
    provenance: &'a Provenance,
    index: u64,
    day: Day,
}

impl Unit<'_> {
    fn day(&self, prepared: Prepared) -> Result<(Leaf, u64), SealError> {
        let events = self.events(&published_events(self.day, None), prepared)?;
        let lines = events.lines;
        let facts = self.facts(&published_facts(self.day))?;
        let summary = facts.summary;
        if summary.sha256 != events.sha256 {
            return Err(SealError::new(in_published(&events.file), SealErrorKind::Changed));
        }
        let leaf = DayLeaf {
            v: LEAF_VERSION,
            index: self.index,
            day: self.day,
            events,
            earliest: summary.earliest,
            latest: summary.latest,
            facts: facts.sealed,
            complete: summary.complete,
            source: self.provenance.source.clone(),
            collected_until: summary.collected_until,
            cursor: self.provenance.cursor,
            totals: self.provenance.totals,
            clock: self.sealing.clock,
            retention: self.sealing.retention,
            sealed_at: self.sealing.now,
            software: self.sealing.software.clone(),
        };
        Ok((Leaf::Day(leaf), lines))
    }

    fn supplement(&self, number: u32, prepared: Prepared) -> Result<(Leaf, u64), SealError> {
        let events = self.events(&published_events(self.day, Some(number)), prepared)?;
        let lines = events.lines;
        let leaf = SupplementLeaf {
            v: LEAF_VERSION,
            index: self.index,
            day: self.day,
            number,
            events,
            retention: self.sealing.retention,
            sealed_at: self.sealing.now,
            software: self.sealing.software.clone(),
        };
        Ok((Leaf::Supplement(leaf), lines))
    }

    /// Hashes and compresses a published file of events, and keeps the hashes of its lines.
    fn events(&self, bare: &str, prepared: Prepared) -> Result<SealedFile, SealError> {
        let sha256 = checksum(self.storage, bare)?;
        let (bytes, lines, root) = match prepared.hashed {
            Some(hashed) if hashed.sha256 == sha256 => {
                publish(self.storage, &in_cold(&leaves(bare)), &hashed.leaves)?;
                hashed.summary
            }
            _ => self.leaves(bare, sha256)?,
        };
        let zstd = self.compress(bare, sha256, bytes, prepared.begun)?;
        Ok(SealedFile { file: bare.to_owned(), bytes, lines, sha256, root, zstd })
    }

    /// Hashes a published file of events as the hashes of its lines are published.
    fn leaves(&self, bare: &str, sha256: Digest) -> Result<(u64, u64, Hash), SealError> {
        let (name, kept) = (in_published(bare), in_cold(&leaves(bare)));
        let mut content = Reader::new(self.storage, &name);
        let mut hashes = LineHashes::new(&mut content, sha256);
        let published = match self.storage.publish(&kept, &mut hashes) {
            // Not read then, or not to its end.
            Err(error) if error.is_already_exists() => {
                content = Reader::new(self.storage, &name);
                hashes = LineHashes::new(&mut content, sha256);
                of_content(&name, &mut hashes).map(Some)
            }
            other => other.map(|()| None).map_err(SealError::from),
        };
        if hashes.is_changed() {
            return Err(SealError::new(name, SealErrorKind::Changed));
        }
        if let Some((wanted, _)) = published?
            && digest(self.storage, &kept)?.0 != wanted
        {
            return Err(SealError::new(kept, SealErrorKind::Conflict));
        }
        Ok(hashes.summary())
    }

    fn compress(
        &self,
        bare: &str,
        sha256: Digest,
        bytes: u64,
        begun: Option<Begun>,
    ) -> Result<Compressed, SealError> {
        let file = compressed(bare);
        let (plain, cold) = (in_published(bare), in_cold(&file));
        let (frame, pushed) = match begun {
            Some(begun) if begun.bytes == bytes => (begun.frame, begun.pushed),
            _ => (Frame::new(bytes).map_err(|source| content_error(&plain, source))?, 0),
        };
        let mut content = Reader::range(self.storage, &plain, pushed, u64::MAX);
        match self.storage.publish(&cold, &mut FrameReader::new(frame, &mut content)) {
            Ok(()) => {}
            Err(error) if error.is_already_exists() => self.holds(&cold, sha256)?,
            Err(error) => return Err(error.into()),
        }
        let (zstd, length) = digest(self.storage, &cold)?;
        publish(self.storage, &in_cold(&sidecar(&file)), sidecar_line(&file, zstd).as_bytes())?;
        Ok(Compressed { file, bytes: length, sha256: zstd })
    }

    /// Whether a frame that is there already, which another version may have made, holds this content.
    fn holds(&self, cold: &str, sha256: Digest) -> Result<(), SealError> {
        let decoded = compress::decode(&mut Reader::new(self.storage, cold), |content| {
            Digest::of_reader(content).map(|(digest, _)| digest)
        });
        match decoded {
            Ok(decoded) if decoded.value == sha256 && decoded.trailing == 0 => Ok(()),
            _ => Err(SealError::new(cold, SealErrorKind::Conflict)),
        }
    }

    fn facts(&self, bare: &str) -> Result<ReadFacts, SealError> {
        let name = in_published(bare);
        let (mut kinds, mut first, mut lines, mut room) = (BTreeMap::new(), Vec::new(), 0, 0);
        let mut summary = None;
        for line in BufReader::new(Reader::new(self.storage, &name)).lines() {
            let line = line.map_err(|source| content_error(&name, source))?;
            lines += 1;
            let fact: Fact =
                serde_json::from_str(&line).map_err(|source| self.unreadable(source.to_string()))?;
            if let FactKind::Day(day) = fact.kind {
                summary = Some(day);
                continue;
            }
            *kinds.entry(fact.kind.name()).or_default() += 1;
            room += line.len();
            // The rest of a leaf is some 1,500 bytes.
            if room < MAX_BYTES_WITH_FACTS - 4096 {
                first.push(fact);
            } else {
                room = MAX_BYTES_WITH_FACTS; // so that the first ones are the first ones
            }
        }
        let summary = summary.ok_or_else(|| self.unreadable("its summary is missing".to_owned()))?;
        let (sha256, bytes) = digest(self.storage, &name)?;
        if sha256 != checksum(self.storage, bare)? {
            return Err(SealError::new(name, SealErrorKind::Changed));
        }
        let zstd = self.compress(bare, sha256, bytes, None)?;
        let sealed = SealedFacts { file: bare.to_owned(), bytes, lines, sha256, zstd, kinds, first };
        Ok(ReadFacts { sealed, summary })
    }

    fn unreadable(&self, message: String) -> SealError {
        SealError::new("", SealErrorKind::Facts { day: self.day, message })
    }
}

struct ReadFacts {
    sealed: SealedFacts,
    summary: DaySummary,
}

fn content_error(name: &str, source: std::io::Error) -> SealError {
    StorageError::new(Operation::Read, name, StorageErrorKind::Content(source)).into()
}
