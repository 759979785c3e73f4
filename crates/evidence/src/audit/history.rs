//! What the leaves say, one after the other, and whether they may.

use std::collections::BTreeMap;

use assurance_metrics_model::Timestamp;

use super::log::{Log, bundle_of};
use super::signatures::{CLOCK_TOLERANCE, Era, Seen};
use super::{Class, Finding, Severity};
use crate::Day;
use crate::manifest::{
    DayLeaf, KeyRotation, Leaf, LegalHold, Purge, Retention, SealedFile, Start, SupplementLeaf,
};
use crate::names::{compressed, published_events, published_facts};

/// A day that was sealed.
#[derive(Debug)]
pub(super) struct SealedDay {
    pub(super) leaf: DayLeaf,
    pub(super) supplements: Vec<SupplementLeaf>,
    /// The leaf that gave it up, with the supplements before that.
    pub(super) purged: Option<u64>,
}

/// What was sealed.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The first day that had to be sealed. Events that were older when they were found make days before it.
    pub(super) first: Option<Day>,
    pub(super) days: BTreeMap<Day, SealedDay>,
    pub(super) eras: Vec<Era>,
    /// When each leaf says it was made, and of which day it is.
    pub(super) times: Vec<(Timestamp, Option<Day>)>,
}

impl History {
    /// Reads the leaves of a log whose entries are those of its checkpoint.
    pub(super) fn read(log: &Log, findings: &mut Vec<Finding>) -> Self {
        let reader = Reading { log, findings, expected: None, holds: BTreeMap::new() };
        reader.run()
    }

    /// Times of leaves against what witnesses saw when.
    pub(super) fn compare_times(
        &self,
        log: &Log,
        seen: &[Seen],
        now: Timestamp,
        findings: &mut Vec<Finding>,
    ) {
        for (index, (at, day)) in self.times.iter().enumerate() {
            let index = index as u64;
            let earlier = seen.iter().filter(|seen| seen.size <= index).map(|seen| seen.at).max();
            let later = seen.iter().filter(|seen| seen.size > index).map(|seen| seen.at).min();
            let message = if earlier.is_some_and(|seen| *at < seen - CLOCK_TOLERANCE) {
                format!("it says {at}, when a witness had already seen a log without it")
            } else if later.is_some_and(|seen| *at > seen + CLOCK_TOLERANCE) {
                format!("it says {at}, after a witness had seen it")
            } else if *at > now + CLOCK_TOLERANCE {
                format!("it says {at}, which is yet to come")
            } else {
                continue;
            };
            let file = bundle_of(index, log.size());
            findings.push(Finding::integrity(Class::Backdated, file, message).of_some(*day).at_leaf(index));
        }
    }
}

struct Reading<'a> {
    log: &'a Log,
    findings: &'a mut Vec<Finding>,
    /// The day that must be sealed next.
    expected: Option<Day>,
    holds: BTreeMap<String, LegalHold>,
}

impl Reading<'_> {
    fn run(mut self) -> History {
        let mut history = History::default();
        for (index, entry) in self.log.entries.iter().enumerate() {
            let index = index as u64;
            let leaf = match Leaf::decode(entry) {
                Ok(leaf) => leaf,
                Err(error) => {
                    self.find(Class::Manifest, index, None, format!("{error}"));
                    continue;
                }
            };
            if leaf.index() != index || matches!(leaf, Leaf::Start(_)) != (index == 0) {
                let message = format!("a leaf that says to be number {}", leaf.index());
                self.find(Class::Manifest, index, leaf.day(), message);
            }
            if history.times.last().is_some_and(|(last, _)| leaf.at() < *last) {
                let message = format!("it says {}, before the leaf before it", leaf.at());
                self.find(Class::Backdated, index, leaf.day(), message);
            }
            history.times.push((leaf.at(), leaf.day()));
            match leaf {
                Leaf::Start(leaf) => self.start(&leaf, &mut history),
                Leaf::Day(leaf) => self.day(index, leaf, &mut history),
                Leaf::Supplement(leaf) => self.supplement(index, leaf, &mut history),
                Leaf::KeyRotation(leaf) => self.rotation(index, &leaf, &mut history),
                Leaf::LegalHold(leaf) => {
                    self.holds.insert(leaf.id.clone(), leaf);
                }
                Leaf::Release(leaf) => {
                    if self.holds.remove(&leaf.id).is_none() {
                        self.find(
                            Class::Manifest,
                            index,
                            None,
                            format!("there is no hold {:?} to release", leaf.id),
                        );
                    }
                }
                Leaf::Purge(leaf) => self.purge(index, &leaf, &mut history),
            }
        }
        history
    }

    fn find(&mut self, class: Class, leaf: u64, day: Option<Day>, message: String) {
        let file = bundle_of(leaf, self.log.size());
        self.findings.push(Finding::integrity(class, file, message).of_some(day).at_leaf(leaf));
    }

    fn start(&mut self, leaf: &Start, history: &mut History) {
        if leaf.origin != self.log.checkpoint.origin() {
            let message = format!("the log began as {:?}", leaf.origin);
            self.find(Class::RewrittenLog, 0, None, message);
        }
        (history.first, self.expected) = (Some(leaf.first_day), Some(leaf.first_day));
        match leaf.key.parse() {
            Ok(key) => history.eras.push(Era { key, leaf: 0 }),
            Err(error) => self.find(Class::Manifest, 0, None, format!("no key: {error}")),
        }
    }

    fn day(&mut self, index: u64, leaf: DayLeaf, history: &mut History) {
        let day = leaf.day;
        if leaf.sealed_at < day.end() {
            let message = format!("{day} was sealed at {}, before it was over", leaf.sealed_at);
            self.find(Class::Backdated, index, Some(day), message);
        }
        self.names(index, day, None, &leaf.events);
        let facts = published_facts(day);
        if leaf.facts.file != facts || leaf.facts.zstd.file != compressed(&facts) {
            self.find(Class::Manifest, index, Some(day), format!("the facts of {day} are not in {facts}"));
        }
        if history.days.contains_key(&day) {
            self.find(Class::Manifest, index, Some(day), format!("{day} was sealed already"));
            return;
        }
        if history.first.is_some_and(|first| day < first) {
            history.days.insert(day, SealedDay { leaf, supplements: Vec::new(), purged: None });
            return;
        }
        if let Some(expected) = self.expected.filter(|expected| *expected < day) {
            let missing = day.since(expected);
            let days = if missing == 1 { "was".to_owned() } else { format!("and {} more were", missing - 1) };
            let file = bundle_of(index, self.log.size());
            let message = format!("{expected} {days} never sealed");
            self.findings.push(
                Finding::new(Class::MissingCalendarDay, Severity::Incomplete, file, message)
                    .of_day(expected)
                    .at_leaf(index),
            );
        }
        self.expected = Some(day.next());
        history.days.insert(day, SealedDay { leaf, supplements: Vec::new(), purged: None });
    }

    /// Names follow from the day; others would lead elsewhere.
    fn names(&mut self, index: u64, day: Day, supplement: Option<u32>, events: &SealedFile) {
        let file = published_events(day, supplement);
        if events.file != file || events.zstd.file != compressed(&file) {
            self.find(Class::Manifest, index, Some(day), format!("the events of {day} are not in {file}"));
        }
    }

    fn supplement(&mut self, index: u64, leaf: SupplementLeaf, history: &mut History) {
        self.names(index, leaf.day, Some(leaf.number), &leaf.events);
        let (day, number) = (leaf.day, leaf.number as usize);
        match history.days.get_mut(&leaf.day) {
            Some(day) if day.supplements.len() + 1 == number => day.supplements.push(leaf),
            _ => {
                let message = format!("supplement {number} of {} is not the next one", leaf.day);
                self.find(Class::Manifest, index, Some(day), message);
            }
        }
    }

    fn rotation(&mut self, index: u64, leaf: &KeyRotation, history: &mut History) {
        if history.eras.last().is_none_or(|era| era.key.to_string() != leaf.from) {
            let message = format!("{} passes the log on, and it is not the key that signs", leaf.from);
            self.find(Class::KeySwap, index, None, message);
        }
        match leaf.to.parse() {
            Ok(key) => history.eras.push(Era { key, leaf: index }),
            Err(error) => self.find(Class::Manifest, index, None, format!("no key: {error}")),
        }
    }

    fn purge(&mut self, index: u64, purge: &Purge, history: &mut History) {
        for purged in &purge.days {
            let day = purged.day;
            if let Some(hold) = self.holds.values().find(|hold| hold.covers(day)) {
                let message = format!("{day} was purged while hold {:?} was on it", hold.id);
                self.find(Class::Manifest, index, Some(day), message);
            }
            match history.days.get_mut(&day) {
                Some(sealed) if sealed.leaf.index == purged.leaf && sealed.purged.is_none() => {
                    sealed.purged = Some(index);
                    let promises = sealed.supplements.iter().map(|supplement| supplement.retention);
                    let promised = promises.fold(sealed.leaf.retention, Retention::longest);
                    if !promised.may_be_purged(day, purge.at) {
                        let message = format!(
                            "{day} was purged after fewer than the {} days that it was to be kept",
                            promised.cold_days
                        );
                        let file = bundle_of(index, self.log.size());
                        let finding = Finding::new(Class::EarlyPurge, Severity::Incomplete, file, message);
                        self.findings.push(finding.of_day(day).at_leaf(index));
                    }
                }
                _ => {
                    let message = format!("{day} is purged, and leaf {} is not its seal", purged.leaf);
                    self.find(Class::Manifest, index, Some(day), message);
                }
            }
        }
    }
}
