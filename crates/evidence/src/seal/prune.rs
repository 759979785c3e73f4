use std::collections::{BTreeMap, BTreeSet};

use assurance_metrics_model::Timestamp;
use assurance_storage::Storage;
use assurance_tlog::note::SigningKey;
use serde::Serialize;

use super::publish::digest;
use super::{Log, SealError, SealErrorKind};
use crate::Day;
use crate::manifest::{DayLeaf, LEAF_VERSION, Leaf, Purge, PurgedDay, Retention, SealedFile};
use crate::names::{
    COLD_DIRECTORY, PUBLISHED_DIRECTORY, compressed, in_cold, in_published, leaves, manifest, sidecar,
};

/// The most days that one leaf gives up: some 35 bytes each are half of what a leaf may have.
const MAX_PURGED_DAYS: usize = 1000;

/// What the retention no longer asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// Days whose plain files go; the compressed ones stay.
    pub cold: Vec<Day>,
    /// Days that are given up: a leaf says so, and then all their files go.
    pub purge: Vec<Day>,
    /// Days that would be given up, and are held.
    pub held: Vec<Day>,
    /// The files that go, in order, those that an interrupted run left among them.
    pub files: Vec<String>,
}

/// Decides what goes. Carrying it out is [`prune`]; showing it is all that a dry run does.
pub fn plan(
    storage: &dyn Storage,
    log: &Log,
    retention: Retention,
    now: Timestamp,
) -> Result<Plan, SealError> {
    let mut there: BTreeSet<String> = BTreeSet::new();
    for directory in [PUBLISHED_DIRECTORY, COLD_DIRECTORY] {
        there.extend(storage.list(directory)?.into_iter().map(|entry| entry.name));
    }
    let days = Days::of(log);
    let holds = log.holds();
    let mut plan = Plan::default();
    for (day, sealed) in &days.sealed {
        let (plain, cold) = sealed.files();
        let keep = sealed.retention;
        if days.purged.contains(day) {
            plan.files.extend(plain.into_iter().chain(cold).filter(|file| there.contains(file)));
            continue;
        }
        if keep.may_be_purged(*day, now) && retention.may_be_purged(*day, now) {
            if holds.values().any(|hold| hold.covers(*day)) {
                plan.held.push(*day);
            } else {
                plan.purge.push(*day);
                plan.files.extend(plain.into_iter().chain(cold).filter(|file| there.contains(file)));
                continue;
            }
        }
        if keep.may_be_cold(*day, now) && retention.may_be_cold(*day, now) {
            let files: Vec<String> = plain.into_iter().filter(|file| there.contains(file)).collect();
            if !files.is_empty() {
                plan.cold.push(*day);
                plan.files.extend(files);
            }
        }
    }
    Ok(plan)
}

/// Carries a plan out: the leaf first, then the files.
///
/// The plain form of a day goes only where the compressed one is what was sealed.
pub fn prune(
    storage: &dyn Storage,
    log: &mut Log,
    plan: &Plan,
    retention: Retention,
    now: Timestamp,
    key: Option<&SigningKey>,
) -> Result<(), SealError> {
    let days = Days::of(log);
    for day in &plan.cold {
        for file in days.sealed.get(day).iter().flat_map(|sealed| &sealed.compressed) {
            let name = in_cold(&file.0);
            if digest(storage, &name)?.0 != file.1 {
                return Err(SealError::new(name, SealErrorKind::Changed));
            }
        }
    }
    for purged in plan.purge.chunks(MAX_PURGED_DAYS) {
        let leaf = |day: &Day| days.sealed.get(day).map(|sealed| PurgedDay { day: *day, leaf: sealed.leaf });
        let purge = Leaf::Purge(Purge {
            v: LEAF_VERSION,
            index: log.size(),
            at: now,
            days: purged.iter().filter_map(leaf).collect(),
            retention,
            reason: format!("kept for {} days", retention.cold_days),
            by: "retention".to_owned(),
        });
        let Some(key) = key else {
            let wanted = log.key().to_owned();
            return Err(SealError::new("", SealErrorKind::OtherKey { given: "none".to_owned(), wanted }));
        };
        log.commit(vec![purge], &[key])?;
    }
    for file in &plan.files {
        match storage.remove(file) {
            Err(error) if error.is_not_found() => {}
            Err(source) => return Err(SealError::new(file, SealErrorKind::CannotRemove { source })),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// The days of a log.
struct Days {
    sealed: BTreeMap<Day, SealedDay>,
    purged: BTreeSet<Day>,
}

struct SealedDay {
    leaf: u64,
    /// What was promised of the day, and of its supplements.
    retention: Retention,
    /// Bare names of plain files.
    events: Vec<String>,
    facts: String,
    /// Bare names of compressed files, and their checksums.
    compressed: Vec<(String, crate::Digest)>,
}

impl Days {
    fn of(log: &Log) -> Self {
        let mut days = Self { sealed: BTreeMap::new(), purged: BTreeSet::new() };
        for leaf in log.leaves() {
            match leaf {
                Leaf::Day(leaf) => {
                    days.sealed.insert(leaf.day, SealedDay::of(leaf));
                }
                // What came after its day was given up stays.
                Leaf::Supplement(leaf) if !days.purged.contains(&leaf.day) => {
                    if let Some(day) = days.sealed.get_mut(&leaf.day) {
                        day.add(&leaf.events);
                        day.retention = day.retention.longest(leaf.retention);
                    }
                }
                Leaf::Purge(leaf) => days.purged.extend(leaf.days.iter().map(|purged| purged.day)),
                _ => {}
            }
        }
        days
    }
}

impl SealedDay {
    fn of(leaf: &DayLeaf) -> Self {
        let mut day = Self {
            leaf: leaf.index,
            retention: leaf.retention,
            events: Vec::new(),
            facts: leaf.facts.file.clone(),
            compressed: vec![(leaf.facts.zstd.file.clone(), leaf.facts.zstd.sha256)],
        };
        day.add(&leaf.events);
        day
    }

    fn add(&mut self, events: &SealedFile) {
        self.events.push(events.file.clone());
        self.compressed.push((events.zstd.file.clone(), events.zstd.sha256));
    }

    /// Plain and compressed files of the day, with all that stands beside them.
    fn files(&self) -> (Vec<String>, Vec<String>) {
        let (mut plain, mut cold) = (Vec::new(), Vec::new());
        for bare in self.events.iter().chain([&self.facts]) {
            plain.extend([in_published(bare), in_published(&sidecar(bare))]);
            let file = compressed(bare);
            cold.extend([in_cold(&file), in_cold(&sidecar(&file))]);
        }
        for bare in &self.events {
            plain.push(in_published(&manifest(bare)));
            cold.push(in_cold(&leaves(bare)));
        }
        (plain, cold)
    }
}
