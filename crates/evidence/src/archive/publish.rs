use std::io::{self, Read};

use assurance_metrics_model::Timestamp;
use assurance_storage::{Reader, StorageError};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Archive, ArchiveError, ArchiveErrorKind, content_error, line};
use crate::cursor::{Cursor, IntendedFacts, Intent, OpenDay};
use crate::fact::DaySummary;
use crate::names::{
    COLD_DIRECTORY, PUBLISHED_DIRECTORY, day_of_file, in_published, open_events, open_facts,
    published_events, published_facts, sidecar, sidecar_line,
};
use crate::{Day, Digest, Fact, FactKind};

/// The most days published in one go, and the most days one fact is written into. A machine may have been off for a year; a clock that is further ahead
/// than that is wrong, and publishing cannot be undone.
pub(super) const MAX_CATCH_UP_DAYS: i64 = 400;

/// A day, or a supplement to one, that was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Published {
    /// The day.
    pub day: Day,
    /// The file of its events, relative to the evidence directory.
    pub name: String,
    /// SHA-256 of it.
    pub sha256: Digest,
    /// Its length.
    pub bytes: u64,
}

/// What a round of publishing did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Publication {
    /// The files, in the order they were published.
    pub published: Vec<Published>,
    /// What was noticed while doing so.
    pub facts: Vec<Fact>,
}

impl Archive {
    /// Publishes every day that is over, and supplements for what came late.
    ///
    /// A day is over when its midnight and the grace have passed and the source was read after that; where
    /// the source cannot be read, after the patience. Nothing due is nothing done, however often it is called.
    pub fn publish_due(&mut self, now: Timestamp) -> Result<Publication, ArchiveError> {
        self.guarded(|archive| {
            let facts = archive.settle(now)?;
            let mut publication = Publication { facts, ..Publication::default() };
            while let Some(day) = archive.next_due(now)? {
                archive.publish_day(now, day, &mut publication)?;
            }
            Ok(publication)
        })
    }

    fn next_due(&self, now: Timestamp) -> Result<Option<Day>, ArchiveError> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let due = |day: &Day| self.is_due(cursor, *day, now);
        if let Some((day, _)) = cursor.open.range(..cursor.first_open).find(|(day, _)| due(day)) {
            return Ok(Some(*day));
        }
        if !due(&cursor.first_open) {
            return Ok(None);
        }
        if Day::of(now).since(cursor.first_open) > MAX_CATCH_UP_DAYS {
            let kind = ArchiveErrorKind::ClockJump { now, collected: cursor.collected };
            return Err(ArchiveError::new(PUBLISHED_DIRECTORY, kind));
        }
        Ok(Some(cursor.first_open))
    }

    fn is_due(&self, cursor: &Cursor, day: Day, now: Timestamp) -> bool {
        let over = day.end() + self.policy.grace;
        now >= over && (cursor.collected >= over || now >= over + self.policy.patience)
    }

    fn publish_day(
        &mut self,
        now: Timestamp,
        day: Day,
        publication: &mut Publication,
    ) -> Result<(), ArchiveError> {
        let Some(mut cursor) = self.cursor.clone() else { return Ok(()) };
        if day >= cursor.first_open && cursor.collected < day.end() + self.policy.grace {
            let fact = Fact::new(now, FactKind::Unread { since: cursor.collected });
            self.append_facts(day, &[&fact], &mut cursor)?;
            publication.facts.push(fact);
        }
        let intent = self.intend(now, day, &cursor)?;
        publication.published.push(Published {
            day,
            name: in_published(&intent.file),
            sha256: intent.sha256,
            bytes: intent.bytes,
        });
        cursor.publishing = Some(intent);
        self.save(cursor)?;
        self.finish_publication()
    }

    /// Decides the names and contents of what is published for `day`.
    fn intend(&self, now: Timestamp, day: Day, cursor: &Cursor) -> Result<Intent, ArchiveError> {
        let open = cursor.open.get(&day).cloned().unwrap_or_default();
        let name = open_events(day);
        let (sha256, found) = digest_of(&mut self.open_file(&name, open.bytes), &name)?;
        if found < open.bytes {
            let kind = ArchiveErrorKind::OpenDayDamaged { acknowledged: open.bytes, found };
            return Err(ArchiveError::new(name, kind));
        }
        let supplements = self.supplements(day)?;
        let supplement = match supplements {
            Some(count) if day < cursor.first_open => Some(count + 1),
            Some(_) => {
                let place = in_published(&published_events(day, None));
                return Err(ArchiveError::new(place, ArchiveErrorKind::Conflict));
            }
            None => None,
        };
        let file = published_events(day, supplement);
        let facts = match supplement {
            Some(_) => None,
            None => Some(self.intend_facts(now, day, cursor, &open, &file, sha256)?),
        };
        Ok(Intent { day, file, sha256, bytes: open.bytes, facts })
    }

    fn intend_facts(
        &self,
        now: Timestamp,
        day: Day,
        cursor: &Cursor,
        open: &OpenDay,
        file: &str,
        sha256: Digest,
    ) -> Result<IntendedFacts, ArchiveError> {
        let summary = DaySummary {
            day,
            file: file.to_owned(),
            sha256,
            bytes: open.bytes,
            events: open.events,
            earliest: open.earliest,
            latest: open.latest,
            collected_until: cursor.collected,
            complete: !open.incomplete,
        };
        let summary = line(&Fact::new(now, FactKind::Day(summary)))?;
        let name = open_facts(day);
        let mut content = self.open_file(&name, open.facts_bytes).chain(summary.as_bytes());
        let (sha256, found) = digest_of(&mut content, &name)?;
        let acknowledged = open.facts_bytes + summary.len() as u64;
        if found < acknowledged {
            return Err(ArchiveError::new(name, ArchiveErrorKind::OpenDayDamaged { acknowledged, found }));
        }
        Ok(IntendedFacts { file: published_facts(day), sha256, bytes: open.facts_bytes, summary })
    }

    /// The acknowledged part of an open file; one that was never written is empty.
    fn open_file<'s>(&'s self, name: &'s str, acknowledged: u64) -> Reader<'s> {
        Reader::range(&*self.storage, name, 0, acknowledged)
    }

    /// How many supplements a published day has, or `None` where it is not published.
    ///
    /// Its plain files may be gone, and after a purge all of them: then the log knows.
    pub(super) fn supplements(&self, day: Day) -> Result<Option<u32>, ArchiveError> {
        let (mut published, mut highest) = (false, 0);
        for directory in [PUBLISHED_DIRECTORY, COLD_DIRECTORY] {
            for entry in self.storage.list(directory)? {
                let Some((_, rest)) = day_of_file(&entry.name).filter(|(of, _)| *of == day) else {
                    continue;
                };
                published |= rest == ".jsonl" || rest == ".jsonl.zst";
                let number = rest.strip_prefix(".supplement-").and_then(|rest| rest.split('.').next());
                highest = highest.max(number.and_then(|number| number.parse().ok()).unwrap_or(0));
            }
        }
        let sealed = crate::seal::supplements(&*self.storage, day).map_err(ArchiveError::of_log)?;
        let known = published || sealed.is_some();
        Ok(known.then_some(highest.max(sealed.unwrap_or(0))))
    }

    /// Carries out what the cursor says is being published. Every step finds out whether it was done before.
    pub(super) fn finish_publication(&mut self) -> Result<(), ArchiveError> {
        let Some(mut cursor) = self.cursor.clone() else { return Ok(()) };
        let Some(intent) = cursor.publishing.take() else { return Ok(()) };
        let (events, facts) = (open_events(intent.day), open_facts(intent.day));
        self.publish_once(&intent.file, intent.sha256, &mut self.open_file(&events, intent.bytes))?;
        if let Some(intended) = &intent.facts {
            let open = self.open_file(&facts, intended.bytes);
            let mut content = open.chain(intended.summary.as_bytes());
            self.publish_once(&intended.file, intended.sha256, &mut content)?;
        }
        // A supplement's day may have open facts only by way of damage: facts go into open days.
        self.remove_if_there(&events)?;
        self.remove_if_there(&facts)?;
        cursor.open.remove(&intent.day);
        if intent.day >= cursor.first_open {
            cursor.first_open = intent.day.next();
        }
        self.save(cursor)
    }

    /// Publishes a file and its checksum, unless this very content is there already.
    fn publish_once(&self, bare: &str, expected: Digest, content: &mut dyn Read) -> Result<(), ArchiveError> {
        let name = in_published(bare);
        let mut content = Checked { content, hasher: Sha256::new(), expected };
        self.publish_or_compare(&name, expected, &mut content)?;
        let text = sidecar_line(bare, expected);
        let name = in_published(&sidecar(bare));
        self.publish_or_compare(&name, Digest::of(text.as_bytes()), &mut text.as_bytes())
    }

    fn publish_or_compare(
        &self,
        name: &str,
        expected: Digest,
        content: &mut dyn Read,
    ) -> Result<(), ArchiveError> {
        match self.storage.publish(name, content) {
            Ok(()) => Ok(()),
            Err(error) => match digest_of(&mut Reader::new(&*self.storage, name), name) {
                Ok((found, _)) if found == expected && error.is_already_exists() => Ok(()),
                Ok(_) if error.is_already_exists() => {
                    Err(ArchiveError::new(name, ArchiveErrorKind::Conflict))
                }
                _ => Err(error.into()),
            },
        }
    }

    fn remove_if_there(&self, name: &str) -> Result<(), StorageError> {
        match self.storage.remove(name) {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }
}

fn digest_of(content: &mut dyn Read, name: &str) -> Result<(Digest, u64), ArchiveError> {
    Digest::of_reader(content).map_err(|source| content_error(name, source))
}

/// Passes content on and fails at its end if it is not what was expected, so that wrong content is never
/// published: publishing links the file only after the end was reached.
struct Checked<'c> {
    content: &'c mut dyn Read,
    hasher: Sha256,
    expected: Digest,
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() && self.expected != Digest::from(self.hasher.clone()) {
            return Err(io::Error::other("the open day's file is not what was to be published"));
        }
        Ok(count)
    }
}
