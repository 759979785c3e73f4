mod error;
mod publish;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;

use assurance_metrics_model::{Duration, Timestamp};
use assurance_storage::{LockGuard, Operation, Reader, Storage, StorageError, StorageErrorKind};

pub use error::{ArchiveError, ArchiveErrorKind};
use publish::MAX_CATCH_UP_DAYS;
pub use publish::{Publication, Published};
pub use status::{OpenDayStatus, Status};

use crate::align::overlap;
use crate::cursor::{CURSOR_VERSION, Cursor, MAX_CURSOR_BYTES, Progress};
use crate::names::{
    COLD_DIRECTORY, CURSOR_FILE, LOCK_FILE, PUBLISHED_DIRECTORY, STATE_DIRECTORY, day_of_file,
    day_of_open_events, open_events, open_facts,
};
use crate::{Collection, Day, Digest, Event, Fact, FactKind};

/// When a day is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// How long after midnight a day stays open, so that events on their way still get into it.
    pub grace: Duration,
    /// How much longer a day waits for a source that cannot be read; then it is closed and recorded as
    /// incomplete.
    pub patience: Duration,
}

impl Policy {
    /// Two minutes, four times the usual interval of 30 s, and a day.
    pub const USUAL: Self =
        Self { grace: Duration::from_minutes(2), patience: Duration::from_minutes(24 * 60) };
}

/// The evidence of one source in one directory: open days in `state/`, published ones in `hot/`.
///
/// Whoever has one is its only writer. After an error of the storage it refuses everything: what is on the
/// disk is then unknown, and opening it again finds out.
#[derive(Debug)]
pub struct Archive {
    storage: Arc<dyn Storage>,
    policy: Policy,
    cursor: Option<Cursor>,
    /// Events in the open files that an interrupted run wrote and did not acknowledge.
    unconfirmed: BTreeMap<Day, Unconfirmed>,
    broken: bool,
    _lock: Box<dyn LockGuard>,
}

#[derive(Debug, Default)]
struct Unconfirmed {
    events: Vec<(Digest, Timestamp)>,
    bytes: u64,
}

impl Archive {
    /// Takes the lock, finishes a publication that was interrupted, and looks at what an interrupted
    /// collection left.
    pub fn open(storage: Arc<dyn Storage>, policy: Policy) -> Result<Self, ArchiveError> {
        let lock = storage.lock(LOCK_FILE)?;
        let cursor = read_cursor(&*storage)?;
        if cursor.is_none() {
            // The plain files of all days may be gone, and the days are known all the same.
            let mut files = storage.list(PUBLISHED_DIRECTORY)?;
            files.extend(storage.list(COLD_DIRECTORY)?);
            if let Some(latest) = files.iter().filter_map(|entry| Some(day_of_file(&entry.name)?.0)).max() {
                return Err(ArchiveError::new(CURSOR_FILE, ArchiveErrorKind::StateMissing { latest }));
            }
        }
        let mut archive =
            Self { storage, policy, cursor, unconfirmed: BTreeMap::new(), broken: false, _lock: lock };
        if let Some(cursor) = archive.cursor.clone() {
            // If the run before ended in a failed sync, what is read here may not be on the disk. It must be,
            // before anything is done because of it.
            archive.save(cursor)?;
        }
        archive.finish_publication()?;
        archive.recover()?;
        Ok(archive)
    }

    pub(crate) fn progress(&self) -> Option<&Progress> {
        self.cursor.as_ref().map(|cursor| &cursor.progress)
    }

    /// Keeps a collection: events, then facts, then the cursor, each durable before the next begins.
    ///
    /// Gives the facts that were recorded, those of the collection and those about keeping it.
    pub(crate) fn record(
        &mut self,
        now: Timestamp,
        source: &str,
        collection: Collection,
        progress: Progress,
    ) -> Result<Vec<Fact>, ArchiveError> {
        self.guarded(|archive| {
            // A log counts its days from its own first one, whether anything was collected on it or not.
            let first_open = crate::seal::first_day(&*archive.storage)
                .map_err(ArchiveError::of_log)?
                .map_or(Day::of(now), |first| first.min(Day::of(now)));
            let mut cursor = archive.cursor.clone().unwrap_or_else(|| Cursor {
                v: CURSOR_VERSION,
                source: source.to_owned(),
                progress: progress.clone(),
                first_open,
                collected: now,
                open: BTreeMap::new(),
                settled: BTreeMap::new(),
                publishing: None,
            });
            let mut facts = collection.facts;
            if cursor.source != source {
                let kind = {
                    let from = std::mem::replace(&mut cursor.source, source.to_owned());
                    FactKind::SourceChanged { from, to: source.to_owned() }
                };
                facts.push(Fact::new(now, kind));
            }
            cursor.collected = progress.collected();
            cursor.progress = progress;
            archive.commit(now, cursor, Some(&collection.events), facts)
        })
    }

    /// Acknowledges what an interrupted run left, where no collection did.
    fn settle(&mut self, now: Timestamp) -> Result<Vec<Fact>, ArchiveError> {
        match self.cursor.clone() {
            Some(cursor) if !self.unconfirmed.is_empty() => self.commit(now, cursor, None, Vec::new()),
            _ => Ok(Vec::new()),
        }
    }

    /// Keeps the events of a collection; without one only acknowledges what an interrupted one left.
    fn commit(
        &mut self,
        now: Timestamp,
        mut cursor: Cursor,
        collected: Option<&[Event]>,
        mut facts: Vec<Fact>,
    ) -> Result<Vec<Fact>, ArchiveError> {
        let mut by_day: BTreeMap<Day, Vec<&Event>> = BTreeMap::new();
        for day in self.unconfirmed.keys() {
            by_day.entry(*day).or_default();
        }
        for event in collected.unwrap_or_default() {
            by_day.entry(Day::of(event.at())).or_default().push(event);
        }
        for (day, events) in &by_day {
            self.append_events(now, *day, events, &mut cursor, &mut facts)?;
        }
        let event_days: Vec<Day> = by_day.keys().copied().collect();
        for (day, facts) in facts_by_day(&cursor, &facts, &event_days) {
            self.append_facts(day, &facts, &mut cursor)?;
        }
        if collected.is_some() {
            cursor.settled.clear();
        } else {
            for (day, left) in &self.unconfirmed {
                let settled = cursor.settled.entry(*day).or_default();
                settled.extend(left.events.iter().map(|(digest, _)| *digest));
            }
        }
        self.save(cursor)?;
        self.unconfirmed.clear();
        Ok(facts)
    }

    fn append_events(
        &self,
        now: Timestamp,
        day: Day,
        events: &[&Event],
        cursor: &mut Cursor,
        facts: &mut Vec<Fact>,
    ) -> Result<(), ArchiveError> {
        let nothing = Unconfirmed::default();
        let left = self.unconfirmed.get(&day).unwrap_or(&nothing);
        let kept = left.events.len();
        let settled = cursor.settled.get(&day).into_iter().flatten().copied();
        let known: Vec<Digest> = settled.chain(left.events.iter().map(|(digest, _)| *digest)).collect();
        let digests: Vec<Digest> = events.iter().map(|event| event.digest()).collect();
        // What the interrupted run wrote is the beginning of what is new now, if the source still shows it.
        let confirmed = overlap(&known, &digests);
        if confirmed < kept {
            let events = (kept - confirmed) as u64;
            facts.push(Fact::new(now, FactKind::Recovered { day, events }));
        }
        let fresh = &events[confirmed..];
        if kept == 0 && fresh.is_empty() {
            return Ok(());
        }
        if self.is_published(day, cursor)? {
            let events = (kept + fresh.len()) as u64;
            facts.push(Fact::new(now, FactKind::Late { day, events }));
        }
        let mut text = String::new();
        for event in fresh {
            text.push_str(event.line());
            text.push('\n');
        }
        let open = cursor.open.entry(day).or_default();
        self.append(&open_events(day), open.bytes + left.bytes, &text)?;
        open.bytes += left.bytes + text.len() as u64;
        open.events += (kept + fresh.len()) as u64;
        let instants = left.events.iter().map(|(_, at)| *at).chain(fresh.iter().map(|event| event.at()));
        for at in instants {
            open.earliest = Some(open.earliest.map_or(at, |earliest| earliest.min(at)));
            open.latest = Some(open.latest.map_or(at, |latest| latest.max(at)));
        }
        Ok(())
    }

    fn append_facts(&self, day: Day, facts: &[&Fact], cursor: &mut Cursor) -> Result<(), ArchiveError> {
        let mut text = String::new();
        for fact in facts {
            text.push_str(&line(fact)?);
        }
        let open = cursor.open.entry(day).or_default();
        self.append(&open_facts(day), open.facts_bytes, &text)?;
        open.facts_bytes += text.len() as u64;
        open.incomplete |= facts.iter().any(|fact| fact.is_incomplete());
        Ok(())
    }

    /// Appends to an open file whose first `acknowledged` bytes count, and makes it durable.
    fn append(&self, name: &str, acknowledged: u64, text: &str) -> Result<(), ArchiveError> {
        let mut file = self.storage.open_append(name)?;
        let found = file.bytes();
        if found < acknowledged {
            let kind = ArchiveErrorKind::OpenDayDamaged { acknowledged, found };
            return Err(ArchiveError::new(name, kind));
        }
        if found > acknowledged {
            file.truncate(acknowledged)?;
        }
        file.append(text.as_bytes())?;
        file.sync()?;
        Ok(())
    }

    /// Whether the day's file is published, so that what comes for it now is late.
    fn is_published(&self, day: Day, cursor: &Cursor) -> Result<bool, ArchiveError> {
        Ok(day < cursor.first_open && self.supplements(day)?.is_some())
    }

    fn save(&mut self, cursor: Cursor) -> Result<(), ArchiveError> {
        let mut text = serde_json::to_vec(&cursor).map_err(|source| unwritable(CURSOR_FILE, source))?;
        text.push(b'\n');
        self.storage.replace(CURSOR_FILE, &text)?;
        self.cursor = Some(cursor);
        Ok(())
    }

    /// Finds what the open files hold beyond what is acknowledged: whole events are kept to be confirmed by
    /// the next collection, and a torn end is cut off.
    fn recover(&mut self) -> Result<(), ArchiveError> {
        let acknowledged: BTreeMap<Day, u64> = self
            .cursor
            .iter()
            .flat_map(|cursor| cursor.open.iter().map(|(day, open)| (*day, open.bytes)))
            .collect();
        let files: BTreeMap<Day, u64> = self
            .storage
            .list(STATE_DIRECTORY)?
            .iter()
            .filter_map(|entry| Some((day_of_open_events(&entry.name)?, entry.bytes)))
            .collect();
        let days: BTreeSet<Day> = acknowledged.keys().chain(files.keys()).copied().collect();
        for day in days {
            let acknowledged = acknowledged.get(&day).copied().unwrap_or(0);
            let found = files.get(&day).copied().unwrap_or(0);
            let name = open_events(day);
            if found < acknowledged {
                let kind = ArchiveErrorKind::OpenDayDamaged { acknowledged, found };
                return Err(ArchiveError::new(name, kind));
            }
            if found > acknowledged {
                let mut tail = Vec::new();
                Reader::range(&*self.storage, &name, acknowledged, u64::MAX)
                    .read_to_end(&mut tail)
                    .map_err(|source| content_error(&name, source))?;
                let (left, valid) = whole_events(&tail, day);
                // Written again even where nothing is cut off: after a failed sync the file may read well
                // from memory without having reached the disk.
                let text = String::from_utf8_lossy(&tail[..valid]);
                self.append(&name, acknowledged, &text)?;
                if !left.events.is_empty() {
                    self.unconfirmed.insert(day, left);
                }
            }
        }
        Ok(())
    }

    /// Runs `work` unless an earlier call failed in the storage, and remembers when this one does.
    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, ArchiveError>,
    ) -> Result<T, ArchiveError> {
        if self.broken {
            return Err(ArchiveError::new(STATE_DIRECTORY, ArchiveErrorKind::Broken));
        }
        let outcome = work(self);
        self.broken = outcome.is_err();
        outcome
    }
}

/// The whole lines at the beginning of `tail` that are events of `day`, and how many bytes they take.
fn whole_events(tail: &[u8], day: Day) -> (Unconfirmed, usize) {
    let mut left = Unconfirmed::default();
    let mut valid = 0;
    for line in tail.split_inclusive(|byte| *byte == b'\n') {
        let Some(content) = line.strip_suffix(b"\n") else { break };
        let Ok(text) = std::str::from_utf8(content) else { break };
        match Event::parse(text, 0) {
            Ok(event) if Day::of(event.at()) == day && event.line() == text => {
                left.events.push((event.digest(), event.at()));
            }
            _ => break,
        }
        valid += line.len();
    }
    left.bytes = valid as u64;
    (left, valid)
}

/// Which facts go into which day: the one they were noticed on, and every open day they may be true of.
/// The recorded start goes into every day that has events from it.
fn facts_by_day<'f>(cursor: &Cursor, facts: &'f [Fact], event_days: &[Day]) -> BTreeMap<Day, Vec<&'f Fact>> {
    let mut days: BTreeMap<Day, Vec<&Fact>> = BTreeMap::new();
    for fact in facts {
        // With the clock set back the day may be closed; then the first open one carries the fact.
        let noticed = Day::of(fact.at).max(cursor.first_open);
        let mut targets = BTreeSet::from([noticed]);
        if let Some(since) = fact.since() {
            let mut day = Day::of(since).max(cursor.first_open);
            while day < noticed && noticed.since(day) <= MAX_CATCH_UP_DAYS {
                targets.insert(day);
                day = day.next();
            }
        }
        if matches!(fact.kind, FactKind::Start { .. }) {
            targets.extend(event_days.iter().filter(|day| **day <= noticed));
        }
        for day in targets {
            days.entry(day).or_default().push(fact);
        }
    }
    days
}

/// The cursor, or `None` where nothing was ever collected.
pub(crate) fn read_cursor(storage: &dyn Storage) -> Result<Option<Cursor>, ArchiveError> {
    let text = match storage.read(CURSOR_FILE, MAX_CURSOR_BYTES) {
        Ok(text) => text,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let damaged = |message| ArchiveError::new(CURSOR_FILE, ArchiveErrorKind::CursorDamaged { message });
    let cursor: Cursor = serde_json::from_slice(&text).map_err(|source| damaged(source.to_string()))?;
    if cursor.v != CURSOR_VERSION {
        return Err(damaged(format!("its version is {}, this program knows {CURSOR_VERSION}", cursor.v)));
    }
    Ok(Some(cursor))
}

/// A fact as one line of JSON.
fn line(fact: &Fact) -> Result<String, ArchiveError> {
    let mut text = serde_json::to_string(fact).map_err(|source| unwritable("a fact", source))?;
    text.push('\n');
    Ok(text)
}

fn unwritable(what: &str, source: serde_json::Error) -> ArchiveError {
    let kind = StorageErrorKind::Content(source.into());
    StorageError::new(Operation::Append, what, kind).into()
}

fn content_error(name: &str, source: std::io::Error) -> ArchiveError {
    StorageError::new(Operation::Read, name, StorageErrorKind::Content(source)).into()
}
