//! The files of the days against what their leaves say, and files that no leaf speaks of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use assurance_metrics_model::Timestamp;
use assurance_storage::{Storage, StorageError};

use super::bytes::{Change, difference};
use super::file::{FileCheck, Presence, Sealed};
use super::history::{History, SealedDay};
use super::{Class, Finding, Progress, Report, Severity};
use crate::Day;
use crate::manifest::{Leaf, Retention, SealedFile, SupplementLeaf};
use crate::names::{
    COLD_DIRECTORY, PUBLISHED_DIRECTORY, day_of_file, in_cold, in_published, leaves, manifest, sidecar,
};

pub(super) struct Days<'a> {
    pub(super) storage: &'a dyn Storage,
    pub(super) history: &'a History,
    pub(super) entries: &'a [Vec<u8>],
    pub(super) now: Timestamp,
    pub(super) report: &'a mut Report,
    /// Files that the leaves speak of.
    known: BTreeSet<String>,
}

impl<'a> Days<'a> {
    pub(super) fn new(
        storage: &'a dyn Storage,
        history: &'a History,
        entries: &'a [Vec<u8>],
        now: Timestamp,
        report: &'a mut Report,
    ) -> Self {
        Self { storage, history, entries, now, report, known: BTreeSet::new() }
    }

    /// Checks all days, so many at a time.
    pub(super) fn check(
        mut self,
        at_a_time: usize,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), StorageError> {
        let days: Vec<(Day, &'a SealedDay)> =
            self.history.days.iter().map(|(day, sealed)| (*day, sealed)).collect();
        let of = days.len() as u64;
        progress(Progress { days: 0, of });
        let threads = at_a_time.min(days.len());
        if threads > 1 {
            self.share(&days, threads, progress)?;
        } else {
            for (day, sealed) in days {
                self.one(day, sealed)?;
                progress(Progress { days: self.report.days, of });
            }
        }
        self.strangers()
    }

    /// Days on so many threads, each of which takes the next one when it is done with one, since no two are of a size.
    ///
    /// What they find is added in the order of the days. They are begun in that order, too, so that the first failure
    /// is the one that a single thread meets.
    fn share(
        &mut self,
        days: &[(Day, &'a SealedDay)],
        threads: usize,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), StorageError> {
        let of = days.len() as u64;
        let (storage, history, entries, now) = (self.storage, self.history, self.entries, self.now);
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let (sender, parts) = mpsc::channel();
            for _ in 0..threads {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some((day, sealed)) = days.get(at) else { return };
                        let mut report = Report::default();
                        let mut alone = Days::new(storage, history, entries, now, &mut report);
                        let done = alone.one(*day, sealed);
                        let known = alone.known;
                        // Nobody listens any more when an earlier day failed.
                        let failed = done.is_err();
                        if sender.send((at, done.map(|()| (report, known)))).is_err() || failed {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            let (mut waiting, mut due) = (BTreeMap::new(), 0);
            for (at, part) in parts {
                waiting.insert(at, part);
                while let Some(part) = waiting.remove(&due) {
                    let (report, known) = part?;
                    self.report.add(report);
                    self.known.extend(known);
                    due += 1;
                    progress(Progress { days: self.report.days, of });
                }
            }
            Ok(())
        })
    }

    fn one(&mut self, day: Day, sealed: &SealedDay) -> Result<(), StorageError> {
        self.report.days += 1;
        self.report.first_day = self.report.first_day.or(Some(day));
        self.report.last_day = Some(day);
        if sealed.purged.is_some() {
            self.report.purged_days += 1;
        } else {
            self.day(day, sealed)?;
        }
        let since = sealed.purged.unwrap_or(0);
        for supplement in sealed.supplements.iter().filter(|supplement| supplement.index > since) {
            self.supplement(day, supplement)?;
        }
        Ok(())
    }

    fn day(&mut self, day: Day, sealed: &SealedDay) -> Result<(), StorageError> {
        let leaf = &sealed.leaf;
        let before = self.report.findings.len();
        let presence = self.file(day, leaf.index, &leaf.events, leaf.retention)?;
        let facts = Sealed {
            day,
            leaf: leaf.index,
            plain: in_published(&leaf.facts.file),
            cold: in_cold(&leaf.facts.zstd.file),
            leaves: None,
            bytes: leaf.facts.bytes,
            lines: leaf.facts.lines,
            sha256: leaf.facts.sha256,
            root: None,
            zstd_bytes: leaf.facts.zstd.bytes,
            zstd_sha256: leaf.facts.zstd.sha256,
        };
        let facts = self.sealed(&facts, leaf.retention)?;
        if !presence.plain && !presence.cold {
            // One finding says it all.
            self.report.findings.truncate(before);
            let message = format!("neither the plain nor the compressed events of {day} are there");
            let file = in_published(&leaf.events.file);
            let finding =
                Finding::integrity(Class::MissingDay, file, message).of_day(day).at_leaf(leaf.index);
            self.report.findings.push(finding);
        } else {
            if !facts.plain && !facts.cold {
                self.missing(Class::MissingFile, day, leaf.index, &leaf.facts.file, "the facts are gone");
            }
            self.manifest(day, leaf.index, &leaf.events, leaf.retention)?;
        }
        if !leaf.complete {
            let kinds: Vec<String> = leaf.facts.kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
            let file = in_published(&leaf.facts.file);
            let message = format!("events of {day} may be missing; recorded: {}", kinds.join(", "));
            let finding = Finding::new(Class::Gap, Severity::Incomplete, file, message);
            self.report.findings.push(finding.of_day(day).at_leaf(leaf.index));
        }
        Ok(())
    }

    fn supplement(&mut self, day: Day, supplement: &SupplementLeaf) -> Result<(), StorageError> {
        let presence = self.file(day, supplement.index, &supplement.events, supplement.retention)?;
        if !presence.plain && !presence.cold {
            let message = "neither its plain nor its compressed form is there";
            let file = &supplement.events.file;
            self.missing(Class::MissingDay, day, supplement.index, file, message);
            return Ok(());
        }
        self.manifest(day, supplement.index, &supplement.events, supplement.retention)
    }

    fn missing(&mut self, class: Class, day: Day, leaf: u64, bare: &str, message: &str) {
        let finding = Finding::integrity(class, in_published(bare), message);
        self.report.findings.push(finding.of_day(day).at_leaf(leaf));
    }

    fn file(
        &mut self,
        day: Day,
        leaf: u64,
        events: &SealedFile,
        retention: Retention,
    ) -> Result<Presence, StorageError> {
        let sealed = Sealed {
            day,
            leaf,
            plain: in_published(&events.file),
            cold: in_cold(&events.zstd.file),
            leaves: Some(in_cold(&leaves(&events.file))),
            bytes: events.bytes,
            lines: events.lines,
            sha256: events.sha256,
            root: Some(events.root),
            zstd_bytes: events.zstd.bytes,
            zstd_sha256: events.zstd.sha256,
        };
        self.report.events += events.lines;
        self.report.bytes += events.bytes;
        self.sealed(&sealed, retention)
    }

    fn sealed(&mut self, sealed: &Sealed, retention: Retention) -> Result<Presence, StorageError> {
        for name in [&sealed.plain, &sealed.cold] {
            self.known.insert(name.clone());
            self.known.insert(sidecar(name));
        }
        if let Some(leaves) = &sealed.leaves {
            self.known.insert(leaves.clone());
            // The copy of the leaf has the name of the events.
            self.known.insert(manifest(&sealed.plain));
        }
        let may_be_cold = retention.may_be_cold(sealed.day, self.now);
        let findings = &mut self.report.findings;
        FileCheck { storage: self.storage, sealed, may_be_cold, findings }.run()
    }

    /// The copy of the leaf that stands beside the events.
    fn manifest(
        &mut self,
        day: Day,
        leaf: u64,
        events: &SealedFile,
        retention: Retention,
    ) -> Result<(), StorageError> {
        let name = in_published(&manifest(&events.file));
        let Some(entry) = usize::try_from(leaf).ok().and_then(|leaf| self.entries.get(leaf)) else {
            return Ok(());
        };
        let sealed = [entry.as_slice(), b"\n"].concat();
        let found = match self.storage.read(&name, 2 * crate::manifest::MAX_LEAF_BYTES as u64) {
            Ok(found) => found,
            Err(error) if error.is_not_found() && retention.may_be_cold(day, self.now) => return Ok(()),
            Err(error) if error.is_not_found() => {
                let finding = Finding::integrity(Class::MissingFile, name, "the copy of the leaf is gone");
                self.report.findings.push(finding.of_day(day).at_leaf(leaf));
                return Ok(());
            }
            Err(error) if error.is_too_large() => Vec::new(),
            Err(error) => return Err(error),
        };
        let Ok(Some(exact)) = difference(&mut &sealed[..], &mut &found[..]) else { return Ok(()) };
        let class =
            if matches!(exact.change, Change::BitFlip { .. }) { Class::BitFlip } else { Class::Manifest };
        let said = match Leaf::decode(found.strip_suffix(b"\n").unwrap_or(&found)) {
            Ok(_) => "it is another leaf than the log has",
            Err(_) => "it is not what the log has",
        };
        let message = format!("{said}: {}", exact.change.text());
        self.report.findings.push(Finding::integrity(class, name, message).of_day(day).at_leaf(leaf));
        Ok(())
    }

    /// Files of days that no leaf speaks of.
    fn strangers(&mut self) -> Result<(), StorageError> {
        for directory in [PUBLISHED_DIRECTORY, COLD_DIRECTORY] {
            for entry in self.storage.list(directory)? {
                if !self.known.contains(&entry.name) {
                    let finding = self.stranger(&entry.name);
                    self.report.findings.push(finding);
                }
            }
        }
        Ok(())
    }

    fn stranger(&self, name: &str) -> Finding {
        let Some((day, rest)) = day_of_file(name) else {
            return Finding::integrity(Class::ForeignFile, name, "no file of an archive has such a name");
        };
        let (first, last) = (self.history.first, self.history.days.keys().next_back());
        let finding = match self.history.days.get(&day) {
            Some(sealed) if sealed.purged.is_some() => {
                let message = format!("{day} was purged, and this is left of it: run `prune` again");
                Finding::new(Class::PurgeUnfinished, Severity::Info, name, message)
            }
            Some(sealed) if supplement_of(rest).is_some_and(|n| n > sealed.supplements.len()) => {
                let message = "a supplement that is not sealed yet: nothing vouches for it";
                Finding::new(Class::NotSealed, Severity::Info, name, message)
            }
            None if last.is_none_or(|last| day > *last) || first.is_none_or(|first| day < first) => {
                let message = format!("{day} is not sealed yet: nothing vouches for it");
                Finding::new(Class::NotSealed, Severity::Info, name, message)
            }
            _ => Finding::integrity(Class::ForeignFile, name, "no leaf of the log speaks of it"),
        };
        finding.of_day(day)
    }
}

/// The number in what follows the day in a supplement's name.
fn supplement_of(rest: &str) -> Option<usize> {
    rest.strip_prefix(".supplement-")?.split('.').next()?.parse().ok()
}
