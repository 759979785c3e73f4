//! A series whose samples are in memory and in segments.

use std::ops::Range;
use std::sync::Arc;

use assurance_metrics_model::{
    Column, Labels, Outline, QueryError, Selection, Series, TimeRange, Timestamp, Value,
};
use hashbrown::HashMap;

use crate::segment::index::{ChunkRef, SegmentIndex};
use crate::segment::{Day, Segment};
use crate::segments::Segments;
use crate::selections::key;
use crate::series::{Chunks, Snapshot};

/// An outline is made where it saves the decoding of at least one sample in so many: taking one up in an outline
/// costs more than reading it.
const LEAST_SAVED: u64 = 2;

/// Samples that rise in time and stand in one place.
#[derive(Debug)]
enum Part {
    Head(Head),
    Sealed(Arc<Sealed>, Range<usize>),
}

/// Chunks in memory that begin on one day: what is late and waits there overlaps the segments of its own day alone.
#[derive(Debug)]
struct Head {
    chunks: Chunks,
    first: Timestamp,
    last: Timestamp,
    count: u64,
}

impl Head {
    /// The days of a series that may have samples in `range`.
    fn days(chunks: &Chunks, range: TimeRange) -> Vec<Self> {
        let mut days: Vec<Self> = Vec::new();
        for chunk in chunks.iter() {
            let (first, last, count) = (chunk.first(), chunk.last(), u64::from(chunk.count()));
            match days.last_mut() {
                Some(day) if Day::of(day.first) == Day::of(first) => {
                    day.last = last;
                    day.count += count;
                }
                _ => days.push(Self { chunks: chunks.clone(), first, last, count }),
            }
        }
        days.retain(|day| day.first <= range.until && day.last > range.after);
        days
    }

    fn read(&self, range: TimeRange, into: &mut Column) {
        let own = TimeRange::closed(self.first, self.last);
        let range = TimeRange::new(range.after.max(own.after), range.until.min(own.until));
        self.chunks.read(range, into);
    }
}

/// A segment that a selection reads.
#[derive(Debug)]
struct Sealed {
    segment: Arc<Segment>,
    index: Arc<SegmentIndex>,
}

impl Part {
    fn first(&self) -> Timestamp {
        match self {
            Self::Head(day) => day.first,
            Self::Sealed(from, some) => {
                let chunks = from.index.chunks(some.clone());
                chunks.first().map_or(Timestamp::MAX, |chunk| chunk.first)
            }
        }
    }

    fn last(&self) -> Timestamp {
        match self {
            Self::Head(day) => day.last,
            Self::Sealed(from, some) => {
                let chunks = from.index.chunks(some.clone());
                chunks.last().map_or(Timestamp::MIN, |chunk| chunk.last)
            }
        }
    }

    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
        match self {
            Self::Head(day) => {
                day.read(range, into);
                Ok(())
            }
            Self::Sealed(from, some) => {
                from.segment.read_chunks(&from.index, within(&from.index, some, range), range, into)
            }
        }
    }

    /// How many samples are read where some are in `range`, about.
    fn count(&self, range: TimeRange) -> u64 {
        match self {
            Self::Head(day) => day.count,
            Self::Sealed(from, some) => {
                let chunks = from.index.chunks(within(&from.index, some, range));
                chunks.iter().map(|chunk| u64::from(chunk.count)).sum()
            }
        }
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
    fn groups(&self, range: TimeRange) -> impl Iterator<Item = &[(usize, Part)]> {
        let to = self.parts.partition_point(|(_, part)| part.first() <= range.until);
        let from = self.parts[..to].iter().take_while(|(_, part)| part.last() <= range.after).count();
        let mut rest = &self.parts[from..to];
        std::iter::from_fn(move || {
            let mut last = rest.first()?.1.last();
            let mut count = 1;
            while let Some((_, next)) = rest.get(count)
                && next.first() <= last
            {
                last = last.max(next.last());
                count += 1;
            }
            let (group, after) = rest.split_at(count);
            rest = after;
            Some(group)
        })
    }

    /// For each chunk that overlaps nothing, whether an outline can take its summary; `None` where this would save
    /// too little.
    fn summarised(&self, outline: &Outline) -> Option<Vec<bool>> {
        let mut whole = Vec::new();
        let (mut saved, mut all) = (0, 0);
        let mut stretches = Stretches { bounds: outline.bounds(), at: 0 };
        for group in self.groups(outline.range()) {
            let [(_, Part::Sealed(from, some))] = group else {
                all += group.iter().map(|(_, part)| part.count(outline.range())).sum::<u64>();
                continue;
            };
            for chunk in from.index.chunks(within(&from.index, some, outline.range())) {
                let is_whole = stretches.hold(chunk) && chunk.summary(outline.aspect()).is_some();
                whole.push(is_whole);
                all += u64::from(chunk.count);
                saved += if is_whole { u64::from(chunk.count) } else { 0 };
            }
        }
        (saved > 0 && saved * LEAST_SAVED >= all).then_some(whole)
    }
}

/// Goes along the stretches of an outline.
struct Stretches<'a> {
    bounds: &'a [Timestamp],
    at: usize,
}

impl Stretches<'_> {
    /// Whether one stretch holds a chunk, which comes after all before it.
    fn hold(&mut self, chunk: &ChunkRef) -> bool {
        while self.at + 2 < self.bounds.len() && self.bounds[self.at + 1] < chunk.first {
            self.at += 1;
        }
        self.bounds[self.at] < chunk.first && chunk.last <= self.bounds[self.at + 1]
    }
}

fn read_group(group: &[(usize, Part)], range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
    if let [(_, only)] = group {
        return only.read(range, into);
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
    Ok(())
}

impl Series for Merged {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
        self.groups(range).try_for_each(|group| read_group(group, range, into))
    }

    fn outline(&self, into: &mut Outline) -> Result<bool, QueryError> {
        let Some(whole) = self.summarised(into) else { return Ok(false) };
        let mut whole = whole.as_slice();
        let range = into.range();
        let mut column = Column::new();
        for group in self.groups(range) {
            let [(_, Part::Sealed(from, some))] = group else {
                column.clear();
                read_group(group, range, &mut column)?;
                into.push_column(&column);
                continue;
            };
            let mut chunks = within(&from.index, some, range);
            while !chunks.is_empty() && into.fits() {
                let (here, after) = whole.split_at(chunks.len());
                let summaries = here.iter().take_while(|whole| **whole).count();
                for chunk in from.index.chunks(chunks.start..chunks.start + summaries) {
                    if let Some((summary, fall)) = chunk.summary(into.aspect()) {
                        into.push_summary(&summary, fall);
                    }
                }
                let divided = here[summaries..].iter().take_while(|whole| !**whole).count();
                chunks.start += summaries;
                if divided > 0 {
                    column.clear();
                    let run = chunks.start..chunks.start + divided;
                    from.segment.read_chunks(&from.index, run, range, &mut column)?;
                    into.push_column(&column);
                    chunks.start += divided;
                }
                whole = if chunks.is_empty() { after } else { &whole[summaries + divided..] };
            }
            if !into.fits() {
                break;
            }
        }
        Ok(into.fits())
    }
}

/// The series of a selection while they are collected.
#[derive(Default)]
struct Collected {
    all: Vec<Merged>,
    places: HashMap<Labels, usize>,
    /// The place after the last one found: series come in the same order from everywhere.
    next: usize,
}

impl Collected {
    fn of(&mut self, labels: &Labels) -> &mut Vec<(usize, Part)> {
        let place = if self.all.get(self.next).is_some_and(|series| series.labels == *labels) {
            self.next
        } else if let Some(place) = self.places.get(labels) {
            *place
        } else {
            self.places.insert(labels.clone(), self.all.len());
            self.all.push(Merged { labels: labels.clone(), parts: Vec::new() });
            self.all.len() - 1
        };
        self.next = place + 1;
        &mut self.all[place].parts
    }
}

/// Joins what was found in memory with what is in these segments; sorted by labels.
pub(crate) fn merge(
    head: Vec<Snapshot>,
    segments: &Segments,
    chosen: &[Arc<Segment>],
    selection: &Selection<'_>,
) -> Result<Vec<Merged>, QueryError> {
    let mut collected = Collected::default();
    let key = key(selection.matchers);
    for (rank, segment) in chosen.iter().enumerate() {
        collected.next = 0;
        let sealed = Arc::new(Sealed { segment: Arc::clone(segment), index: segments.index(segment)? });
        for place in &*sealed.index.select(&key, selection.matchers) {
            let chunks = sealed.index.chunks_in(*place, selection.range);
            if !chunks.is_empty() {
                let part = Part::Sealed(Arc::clone(&sealed), chunks);
                collected.of(sealed.index.labels(*place)).push((rank, part));
            }
        }
    }
    collected.next = 0;
    for Snapshot { labels, chunks } in head {
        let days = Head::days(&chunks, selection.range).into_iter();
        collected.of(&labels).extend(days.map(|day| (chosen.len(), Part::Head(day))));
    }
    for series in &mut collected.all {
        series.parts.sort_by_key(|(rank, part)| (part.first(), *rank));
    }
    collected.all.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(collected.all)
}
