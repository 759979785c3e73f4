//! All series of a store in the order of their labels, wherever their samples are, with little in memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::iter::Peekable;
use std::sync::Arc;

use assurance_metrics_model::{Labels, QueryError, Queryable as _, Selection, Series, TimeRange};
use assurance_storage::{Operation, Storage, StorageError, StorageErrorKind};

use super::walk::{Sealed, Walk, block_bytes};
use super::{Finding, FindingKind, Inspection, MAX_TRIES};
use crate::recovery::{OpenError, OpenErrorKind, Progress, Recovery, replay};
use crate::segment::Segment;
use crate::store::{Config, Store};
use crate::wal::DIRECTORY as LOG;

/// Findings that are told one by one: a few thousand damaged chunks say what a thousand say.
const MAX_FINDINGS: usize = 1000;

/// What the log files hold, as a store has it that opened them.
pub(super) struct Head {
    pub(super) store: Store,
    pub(super) findings: Vec<Finding>,
    /// Bytes of the log files.
    pub(super) bytes: u64,
}

impl Inspection {
    /// Reads the log files: all of one moment.
    pub(super) fn head(&self) -> Result<Head, OpenError> {
        let names = || -> Result<Vec<String>, StorageError> {
            Ok(self.log_files()?.into_iter().map(|file| file.name).collect())
        };
        for _ in 0..MAX_TRIES {
            let before = names()?;
            let store = Store::new(Config { max_series: usize::MAX, ..Config::default() });
            let mut recovery = Recovery::default();
            match replay(&store, &*self.storage, &mut recovery, &Progress::default()) {
                Err(OpenError { kind: OpenErrorKind::Storage(error), .. }) if error.is_not_found() => {
                    continue;
                }
                other => other?,
            };
            if names()? == before {
                match self.log_findings(&before, recovery.is_clean()) {
                    Err(error) if error.is_not_found() => continue,
                    other => return Ok(Head { store, findings: other?, bytes: recovery.log_bytes }),
                }
            }
        }
        let busy = io::Error::other("log files come and go faster than they can be read; try again");
        Err(StorageError::new(Operation::Read, LOG, StorageErrorKind::Io(busy)).into())
    }

    /// What is wrong with these log files, unless nothing is.
    fn log_findings(&self, names: &[String], is_clean: bool) -> Result<Vec<Finding>, StorageError> {
        let mut findings = Vec::new();
        for (place, name) in names.iter().enumerate().filter(|_| !is_clean) {
            findings.extend(self.read_log(name, place + 1 == names.len())?.0.findings);
        }
        Ok(findings)
    }
}

/// A series and where its samples are.
pub(super) struct Found<'h> {
    pub(super) labels: Labels,
    /// By segment, which come in the order in which they count.
    pub(super) sealed: Vec<(usize, Sealed)>,
    pub(super) head: Option<Box<dyn Series + 'h>>,
}

/// The series of segments and of what the log holds.
pub(super) struct Sources<'h> {
    walks: Vec<Option<Walk>>,
    names: Vec<String>,
    next: BinaryHeap<Reverse<(Labels, usize)>>,
    pending: Vec<Option<Sealed>>,
    head: Peekable<std::vec::IntoIter<Box<dyn Series + 'h>>>,
    pub(super) findings: Vec<Finding>,
    /// Findings that are left out of these.
    pub(super) more: u64,
    /// Segments that were removed while they were read.
    pub(super) removed: Vec<String>,
}

impl<'h> Sources<'h> {
    pub(super) fn new(
        storage: &Arc<dyn Storage>,
        segments: &[Arc<Segment>],
        head: Option<&'h Store>,
    ) -> Result<Self, QueryError> {
        let all = Selection { matchers: &[], range: TimeRange::ALL };
        let head = head.map(|store| store.select(&all)).transpose()?.unwrap_or_default();
        let block = block_bytes(segments.len());
        let walks = segments.iter().map(|s| Some(Walk::new(storage, &s.name, &s.footer, block))).collect();
        let mut sources = Self {
            walks,
            names: segments.iter().map(|segment| segment.name.clone()).collect(),
            next: BinaryHeap::new(),
            pending: segments.iter().map(|_| None).collect(),
            head: head.into_iter().peekable(),
            findings: Vec::new(),
            more: 0,
            removed: Vec::new(),
        };
        for (place, segment) in segments.iter().enumerate() {
            let footer = segment.footer;
            let sum = sources.with(place, |walk| walk.index_is_sound(footer.index_sum, &mut |_| {}));
            if sum == Some(false) {
                let (from, bytes) = (footer.index_offset, footer.index_bytes);
                let what = "the sum of the index does not match";
                let finding = Finding::new(FindingKind::Index, &segment.name, from, bytes, what);
                let cost = (Some(footer.samples), Some(footer.first), Some(footer.last));
                sources.findings.push(finding.on(&segment.name).costs(cost.0, cost.1, cost.2));
                sources.walks[place] = None;
            }
            sources.advance(place);
        }
        Ok(sources)
    }

    /// Reads from a segment; one that cannot be read is left out from here on.
    pub(super) fn with<T>(
        &mut self,
        place: usize,
        read: impl FnOnce(&mut Walk) -> Result<T, StorageError>,
    ) -> Option<T> {
        match read(self.walks[place].as_mut()?) {
            Ok(read) => Some(read),
            Err(error) => {
                let name = &self.names[place];
                if error.is_not_found() {
                    self.removed.push(name.clone());
                } else {
                    let finding = Finding::new(FindingKind::Unreadable, name, 0, 0, error.to_string());
                    self.findings.push(finding.on(name));
                }
                self.walks[place] = None;
                None
            }
        }
    }

    fn advance(&mut self, place: usize) {
        match self.with(place, Walk::next).flatten() {
            Some(Ok(sealed)) => {
                self.next.push(Reverse((sealed.labels.clone(), place)));
                self.pending[place] = Some(sealed);
            }
            Some(Err(())) => {
                let name = &self.names[place];
                let what = "the sum of the index matches, but a series in it cannot be read";
                self.findings.push(Finding::new(FindingKind::Index, name, 0, 0, what).on(name));
                self.walks[place] = None;
            }
            None => {}
        }
    }

    /// The next series.
    pub(super) fn next(&mut self) -> Option<Found<'h>> {
        let sealed = self.next.peek().map(|Reverse((labels, _))| labels);
        let held = self.head.peek().map(|series| series.labels());
        let labels = [sealed, held].into_iter().flatten().min()?.clone();
        let head = self.head.next_if(|series| *series.labels() == labels);
        let mut found = Found { labels, sealed: Vec::new(), head };
        while let Some(Reverse((labels, place))) = self.next.peek() {
            if *labels != found.labels {
                break;
            }
            let place = *place;
            self.next.pop();
            found.sealed.extend(self.pending[place].take().map(|sealed| (place, sealed)));
            self.advance(place);
        }
        Some(found)
    }

    /// Notes what a reader met.
    pub(super) fn note(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else {
            self.more += 1;
        }
    }

    /// The name of a segment.
    pub(super) fn name(&self, place: usize) -> &str {
        &self.names[place]
    }
}
