//! A series whose samples are in memory and in segments.

use std::ops::Range;
use std::sync::Arc;

use assurance_metrics_model::{
    Column, Labels, QueryError, Selection, Series, Summary, TimeRange, Timestamp, Value,
};
use hashbrown::HashMap;

use crate::segment::Segment;
use crate::segment::index::SegmentIndex;
use crate::segment::summary::{join, summarise};
use crate::segments::Segments;
use crate::series::{Chunks, Snapshot};

/// Samples that rise in time and stand in one place.
#[derive(Debug)]
enum Part {
    Head(Chunks),
    Sealed { segment: Arc<Segment>, index: Arc<SegmentIndex>, chunks: Range<usize> },
}

impl Part {
    fn first(&self) -> Timestamp {
        let first = match self {
            Self::Head(chunks) => chunks.first(),
            Self::Sealed { index, chunks, .. } => {
                index.chunks(chunks.clone()).first().map(|chunk| chunk.first)
            }
        };
        first.unwrap_or(Timestamp::MAX)
    }

    fn last(&self) -> Timestamp {
        let last = match self {
            Self::Head(chunks) => chunks.last(),
            Self::Sealed { index, chunks, .. } => index.chunks(chunks.clone()).last().map(|chunk| chunk.last),
        };
        last.unwrap_or(Timestamp::MIN)
    }

    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
        match self {
            Self::Head(chunks) => {
                chunks.read(range, into);
                Ok(())
            }
            Self::Sealed { segment, index, chunks } => {
                segment.read_chunks(index, within(index, chunks, range), range, into)
            }
        }
    }

    /// What the samples inside `range` come to; `Err` where that cannot be said.
    fn summary(&self, range: TimeRange) -> Result<Option<Summary>, ()> {
        let decoded = |read: &mut dyn FnMut(&mut Column) -> Result<(), QueryError>| {
            let mut column = Column::new();
            // Whoever reads the samples is told why they cannot be read.
            read(&mut column).map_err(drop)?;
            summarise(&column)
        };
        let Self::Sealed { segment, index, chunks } = self else {
            return decoded(&mut |column| self.read(range, column));
        };
        let mut summary: Option<Summary> = None;
        for place in within(index, chunks, range) {
            let chunk = index.chunks(place..place + 1)[0];
            let is_whole = range.contains(chunk.first) && range.contains(chunk.last);
            let next = match chunk.values.filter(|_| is_whole) {
                Some(values) => Some(values.summary(chunk.count, chunk.first, chunk.last)),
                None => decoded(&mut |column| segment.read_chunks(index, place..place + 1, range, column))?,
            };
            summary = both(summary, next);
        }
        Ok(summary)
    }
}

fn both(before: Option<Summary>, after: Option<Summary>) -> Option<Summary> {
    match (before, after) {
        (Some(before), Some(after)) => Some(join(before, after)),
        (before, after) => before.or(after),
    }
}

/// Those of the chunks that may have samples in `range`.
fn within(index: &SegmentIndex, chunks: &Range<usize>, range: TimeRange) -> Range<usize> {
    let all = index.chunks(chunks.clone());
    let from = all.partition_point(|chunk| chunk.last <= range.after);
    let to = all.partition_point(|chunk| chunk.first <= range.until);
    chunks.start + from..chunks.start + to.max(from)
}

/// A series as a selection saw it.
#[derive(Debug)]
pub(crate) struct Merged {
    labels: Labels,
    /// By their first sample; where they overlap, the one that was written first counts.
    parts: Vec<(usize, Part)>,
}

impl Merged {
    /// The parts that may have samples in `range`, those that overlap together.
    fn groups(&self, range: TimeRange) -> Vec<Vec<&(usize, Part)>> {
        let mut groups: Vec<Vec<&(usize, Part)>> = Vec::new();
        let mut last = Timestamp::MIN;
        let inside = |part: &&(usize, Part)| part.1.first() <= range.until && part.1.last() > range.after;
        for part in self.parts.iter().filter(inside) {
            match groups.last_mut() {
                Some(group) if part.1.first() <= last => group.push(part),
                _ => groups.push(vec![part]),
            }
            last = last.max(part.1.last());
        }
        groups
    }
}

impl Series for Merged {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
        for group in self.groups(range) {
            if let [(_, only)] = group[..] {
                only.read(range, into)?;
                continue;
            }
            let mut samples: Vec<(Timestamp, usize, Value)> = Vec::new();
            for (rank, part) in group {
                let mut column = Column::new();
                part.read(range, &mut column)?;
                let read = (0..column.len()).map(|n| (column.timestamps()[n], *rank, column.value(n)));
                samples.extend(read);
            }
            samples.sort_by_key(|(at, rank, _)| (*at, *rank));
            samples.dedup_by_key(|(at, ..)| *at);
            samples.iter().for_each(|(at, _, value)| into.push(*at, value));
        }
        Ok(())
    }

    fn summary(&self, range: TimeRange) -> Option<Summary> {
        let mut summary = None;
        for group in self.groups(range) {
            // Where parts overlap, one sample may stand in both.
            let [(_, only)] = group[..] else { return None };
            summary = both(summary, only.summary(range).ok()?);
        }
        summary
    }
}

/// Joins what was found in memory with what is in these segments; sorted by labels.
pub(crate) fn merge(
    head: Vec<Snapshot>,
    segments: &Segments,
    chosen: &[Arc<Segment>],
    selection: &Selection<'_>,
) -> Result<Vec<Merged>, QueryError> {
    let mut all: Vec<Merged> = Vec::with_capacity(head.len());
    let mut places: HashMap<Labels, usize> = HashMap::with_capacity(head.len());
    let mut add = |labels: &Labels, rank, part| match places.get(labels) {
        Some(place) => all[*place].parts.push((rank, part)),
        None => {
            places.insert(labels.clone(), all.len());
            all.push(Merged { labels: labels.clone(), parts: vec![(rank, part)] });
        }
    };
    for (rank, segment) in chosen.iter().enumerate() {
        let index = segments.index(segment)?;
        for place in &*index.select(selection.matchers) {
            let chunks = index.chunks_in(*place, selection.range);
            if !chunks.is_empty() {
                let (segment, index) = (Arc::clone(segment), Arc::clone(&index));
                let labels = index.labels(*place).clone();
                add(&labels, rank, Part::Sealed { segment, index, chunks });
            }
        }
    }
    for series in head {
        add(&series.labels, chosen.len(), Part::Head(series.chunks));
    }
    for series in &mut all {
        series.parts.sort_by_key(|(rank, part)| (part.first(), *rank));
    }
    all.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(all)
}
