//! One segment in place of the many that a day has when samples keep coming late.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assurance_metrics_model::{Column, Labels, QueryError, TimeRange, Timestamp, Value};
use assurance_storage::{Operation, StorageError, StorageErrorKind};

use crate::durable::Durable;
use crate::seal::publish;
use crate::segment::{Day, Segment};

/// Segments that a day may have: each costs a look-up in every query over that day. A day that gets one supplement
/// after the other is written anew with every eighth of them.
const MAX_SEGMENTS: usize = 8;

/// Days written anew at once, so that a call of maintenance ends: late samples for every day of a retention of 90 days
/// are dealt with in as many calls as there are between two supplements of one day.
const MAX_DAYS: usize = 16;

impl Durable {
    /// Writes days anew that have too many segments; returns the names of the new ones. A day that cannot be read
    /// completely stays as it is.
    pub(crate) fn compact(&self) -> Result<Vec<String>, StorageError> {
        let mut days: BTreeMap<Day, Vec<Arc<Segment>>> = BTreeMap::new();
        for segment in self.segments.all().iter() {
            days.entry(segment.day).or_default().push(Arc::clone(segment));
        }
        let is_due = |segments: &[Arc<Segment>]| {
            segments.len() > MAX_SEGMENTS && segments.iter().all(|segment| segment.damage().is_none())
        };
        days.retain(|_, segments| is_due(segments));
        let mut names = Vec::new();
        for (day, segments) in days.into_iter().take(MAX_DAYS) {
            names.extend(self.join(day, &segments)?);
        }
        Ok(names)
    }

    fn join(&self, day: Day, segments: &[Arc<Segment>]) -> Result<Option<String>, StorageError> {
        let mut all: BTreeSet<Labels> = BTreeSet::new();
        for segment in segments {
            // Whoever reads it is told, and it is damaged from then on.
            let Ok(index) = self.segments.index(segment) else { return Ok(None) };
            all.extend(index.all_labels().cloned());
        }
        let failed = RefCell::new(None);
        let series = all.into_iter().map_while(|labels| match self.column_of(&labels, segments) {
            Ok(column) => Some((labels, column)),
            Err(error) => {
                failed.replace(Some(error));
                None
            }
        });
        let joined = publish(self, day, series)?;
        if failed.into_inner().is_some() {
            // It is not whole, and nobody has seen it. Were it left by a crash, the others would still have all.
            self.storage.remove(&joined.name)?;
            return Ok(None);
        }
        let (held, name) = (segments.iter().map(|s| s.samples()).sum::<u64>(), joined.name.clone());
        if joined.samples() > held {
            let kind = StorageErrorKind::Io(std::io::Error::other("there is more in it than in its parts"));
            return Err(StorageError::new(Operation::Read, name, kind));
        }
        self.segments.replace(joined, segments);
        Ok(Some(name))
    }

    /// A series' samples in all of these segments; of one time, the one written first.
    fn column_of(&self, labels: &Labels, segments: &[Arc<Segment>]) -> Result<Column, QueryError> {
        let mut samples: Vec<(Timestamp, usize, Value)> = Vec::new();
        for (rank, segment) in segments.iter().enumerate() {
            let index = self.segments.index(segment)?;
            let Some(place) = index.find(labels) else { continue };
            let mut column = Column::new();
            let chunks = index.chunks_in(place, TimeRange::ALL);
            segment.read_chunks(&index, chunks, TimeRange::ALL, &mut column)?;
            samples.extend((0..column.len()).map(|n| (column.timestamps()[n], rank, column.value(n))));
        }
        samples.sort_by_key(|(at, rank, _)| (*at, *rank));
        samples.dedup_by_key(|(at, ..)| *at);
        let mut whole = Column::new();
        samples.iter().for_each(|(at, _, value)| whole.push(*at, value));
        Ok(whole)
    }
}
