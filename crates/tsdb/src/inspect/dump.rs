//! All samples of a store, series by series.

use std::io;

use assurance_metrics_model::{Column, Labels, Matcher, QueryError, Series, TimeRange, Timestamp, Value};
use assurance_storage::StorageError;

use super::sources::{Found, Sources};
use super::{Finding, FindingKind, Inspection, settled};
use crate::recovery::OpenError;
use crate::segment::index::{ChunkRef, SUM_BYTES};

/// What [`Inspection::dump`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dumped {
    /// Series that had samples.
    pub series: u64,
    /// Samples, each counted once.
    pub samples: u64,
    /// What could not be read, and is missing.
    pub findings: Vec<Finding>,
    /// Findings that are left out of these, of so many thousands that each says the same.
    pub findings_more: u64,
    /// Segments that retention removed meanwhile: of some series their samples were given, of others not.
    pub removed: Vec<String>,
}

/// Why the samples of a store cannot be given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// The files cannot be read, or are none of a store.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Whoever takes the samples does not.
    #[error("cannot write: {0}")]
    Output(io::Error),
}

impl DumpError {
    /// Of a store in memory.
    pub(super) fn query(error: &QueryError) -> Self {
        Self::Output(io::Error::other(error.to_string()))
    }
}

impl From<StorageError> for DumpError {
    fn from(error: StorageError) -> Self {
        Self::Open(error.into())
    }
}

/// Takes samples of a series: those of one series follow each other, and rise in time.
pub type Take<'t> = dyn FnMut(&Labels, &Column) -> io::Result<()> + 't;

impl Inspection {
    /// Gives every sample inside `range` of the series that one of the `selectors` matches (all series for none)
    /// to `take`, each once, as a query would see them: series in the order of their labels, samples by time.
    ///
    /// What the log holds is in memory meanwhile, as it is in a server; of segments, little.
    ///
    /// # Errors
    /// If files cannot be read or are none of a store, and if `take` fails. Damage is no error: it stands in
    /// [`Dumped::findings`], and the rest is given.
    pub fn dump(
        &self,
        selectors: &[Vec<Matcher>],
        range: TimeRange,
        take: &mut Take<'_>,
    ) -> Result<Dumped, DumpError> {
        let head = self.head()?;
        let (mut segments, findings) = settled(|| self.open_segments())?;
        segments.retain(|segment| segment.overlaps(range));
        let mut sources = Sources::new(&self.storage, &segments, Some(&head.store))
            .map_err(|error| DumpError::query(&error))?;
        let mut dumped = Dumped::default();
        dumped.findings.extend(head.findings.into_iter().chain(findings));
        while let Some(found) = sources.next() {
            let matches =
                |all: &Vec<Matcher>| all.iter().all(|matcher| matcher.matches_labels(&found.labels));
            if !selectors.is_empty() && !selectors.iter().any(matches) {
                continue;
            }
            let samples = Dump { sources: &mut sources, range, take }.series(&found)?;
            dumped.samples += samples;
            dumped.series += u64::from(samples > 0);
        }
        dumped.findings.append(&mut sources.findings);
        dumped.findings_more = sources.more;
        dumped.removed.append(&mut sources.removed);
        Ok(dumped)
    }
}

/// Samples of one series in one place.
struct Part<'f> {
    first: Timestamp,
    last: Timestamp,
    /// Where times are the same, the smallest counts.
    rank: usize,
    from: Place<'f>,
}

enum Place<'f> {
    Segment(usize, &'f [ChunkRef]),
    Head(Column),
}

struct Dump<'d, 't, 'h> {
    sources: &'d mut Sources<'h>,
    range: TimeRange,
    take: &'d mut Take<'t>,
}

impl Dump<'_, '_, '_> {
    /// Gives the samples of a series, and says how many.
    fn series(&mut self, found: &Found<'_>) -> Result<u64, DumpError> {
        let mut parts = Vec::new();
        for (rank, (place, sealed)) in found.sealed.iter().enumerate() {
            if let (Some(first), Some(last)) = (sealed.chunks.first(), sealed.chunks.last()) {
                let (first, last) = (first.first, last.last);
                parts.push(Part { first, last, rank, from: Place::Segment(*place, &sealed.chunks) });
            }
        }
        parts.extend(found.head.as_deref().and_then(|series| self.head(series)));
        parts.sort_by_key(|part| (part.first, part.rank));
        let mut samples = 0;
        let mut rest = parts.as_slice();
        while let Some(first) = rest.first() {
            let mut last = first.last;
            let overlapping = rest[1..].iter().take_while(|part| {
                let overlaps = part.first <= last;
                last = if overlaps { last.max(part.last) } else { last };
                overlaps
            });
            let (group, after) = rest.split_at(1 + overlapping.count());
            samples += self.group(&found.labels, group)?;
            rest = after;
        }
        Ok(samples)
    }

    /// What memory has of a series: some hours, or days that no segment was made of yet.
    fn head(&mut self, series: &dyn Series) -> Option<Part<'static>> {
        let mut column = Column::new();
        if let Err(error) = series.read(self.range, &mut column) {
            let finding =
                Finding::new(FindingKind::Unreadable, crate::wal::DIRECTORY, 0, 0, error.to_string());
            self.sources.note(finding);
        }
        let (first, last) = (*column.timestamps().first()?, *column.timestamps().last()?);
        Some(Part { first, last, rank: usize::MAX, from: Place::Head(column) })
    }

    fn group(&mut self, labels: &Labels, group: &[Part<'_>]) -> Result<u64, DumpError> {
        if let [only] = group {
            return self.each(labels, &only.from, |dump, column| dump.give(labels, column));
        }
        let mut all: Vec<(Timestamp, usize, Value)> = Vec::new();
        for part in group {
            self.each(labels, &part.from, |_, column| {
                all.extend((0..column.len()).map(|n| (column.timestamps()[n], part.rank, column.value(n))));
                Ok(0)
            })?;
        }
        all.sort_by_key(|(at, rank, _)| (*at, *rank));
        all.dedup_by_key(|(at, ..)| *at);
        let mut column = Column::new();
        all.iter().for_each(|(at, _, value)| column.push(*at, value));
        self.give(labels, &column)
    }

    /// Gives what is inside the range to `then`, chunk by chunk.
    fn each(
        &mut self,
        labels: &Labels,
        from: &Place<'_>,
        mut then: impl FnMut(&mut Self, &Column) -> Result<u64, DumpError>,
    ) -> Result<u64, DumpError> {
        let (place, chunks) = match from {
            Place::Head(column) => return then(self, column),
            Place::Segment(place, chunks) => (*place, *chunks),
        };
        let (mut samples, mut column) = (0, Column::new());
        for at in chunks {
            if at.first > self.range.until || at.last <= self.range.after {
                continue;
            }
            match self.sources.with(place, |walk| walk.chunk(at)) {
                None => break,
                Some(Ok(chunk)) => {
                    column.clear();
                    chunk.read(self.range, &mut column);
                    samples += then(self, &column)?;
                }
                Some(Err(what)) => {
                    let name = self.sources.name(place);
                    let bytes = u64::from(at.bytes) + SUM_BYTES as u64;
                    let mut finding = Finding::new(FindingKind::Chunk, name, at.offset, bytes, what);
                    finding.series = Some(labels.clone());
                    let samples = Some(u64::from(at.count));
                    let finding = finding.on(name).costs(samples, Some(at.first), Some(at.last));
                    self.sources.note(finding);
                }
            }
        }
        Ok(samples)
    }

    fn give(&mut self, labels: &Labels, column: &Column) -> Result<u64, DumpError> {
        if !column.is_empty() {
            (self.take)(labels, column).map_err(DumpError::Output)?;
        }
        Ok(column.len() as u64)
    }
}
