//! From memory into files.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use assurance_metrics_model::{AppendError, Column, Labels, QueryError, TimeRange, Timestamp, Value};
use hashbrown::HashMap;

use super::{Conflict, ImportError, ImportErrorKind, Imported, ImportedSegment, Importer};
use crate::appender::Pending;
use crate::seal::{LEAST_WAIT, publish};
use crate::segment::writer::{Made, Samples as _};
use crate::segment::{Day, file_name};
use crate::store::Store;

/// The share of the memory that runs may take: what is over it is packed into short chunks.
const RUN_SHARE: usize = 4;

/// Samples of a day that is not over that are committed at once.
const COMMIT_SAMPLES: usize = 10_000;

/// Whether the day of a time has no name that a segment could have.
pub(crate) fn is_undated(at: i64) -> bool {
    file_name(Day::of(Timestamp::from_millis(at)), 0).is_none()
}

impl Importer<'_> {
    pub(super) fn keep_to_size(&mut self) -> Result<(), ImportError> {
        if self.run_bytes > self.config.max_bytes / RUN_SHARE {
            self.close_all()?;
        }
        if self.made_bytes + self.run_bytes > self.config.max_bytes {
            self.flush(false)?;
        }
        Ok(())
    }

    /// Makes chunks of all runs, and lets go of their memory.
    fn close_all(&mut self) -> Result<(), ImportError> {
        for series in std::mem::take(&mut self.open) {
            self.close(series)?;
            self.lanes[series as usize].release();
        }
        self.run_bytes = 0;
        Ok(())
    }

    /// Writes what waits, day by day. Where memory is short and the newest day is but a part, that one waits on:
    /// what comes by time comes there.
    pub(super) fn flush(&mut self, all: bool) -> Result<(), ImportError> {
        self.close_all()?;
        let mut days: BTreeMap<Day, usize> = BTreeMap::new();
        for (day, bytes) in self.lanes.iter().flat_map(super::Lane::days) {
            *days.entry(day).or_default() += bytes;
        }
        if !all
            && let Some((newest, bytes)) = days.last_key_value().map(|(day, bytes)| (*day, *bytes))
            && bytes < self.config.max_bytes / 2
        {
            days.remove(&newest);
        }
        let mut order: Vec<usize> = (0..self.lanes.len()).collect();
        order.sort_by(|a, b| self.lanes[*a].labels.cmp(&self.lanes[*b].labels));
        for day in days.into_keys() {
            self.write(day, &order)?;
        }
        self.made_bytes = self.lanes.iter().flat_map(super::Lane::days).map(|(_, bytes)| bytes).sum();
        Ok(())
    }

    fn write(&mut self, day: Day, order: &[usize]) -> Result<(), ImportError> {
        let is_over = self.store.durable.is_some() && day.last().saturating_add(LEAST_WAIT) < self.now;
        let has_samples = self.store.has_samples_of(day);
        let mut series: Vec<(Labels, Made)> = Vec::new();
        let mut columns: Vec<(Labels, Column)> = Vec::new();
        for lane in order {
            let lane = &mut self.lanes[*lane];
            let Some(waiting) = lane.take(day) else { continue };
            let (labels, line, done) = (&lane.labels, waiting.line, &mut self.done);
            let mut made = waiting.finish(|double| done.double(labels, double))?;
            if has_samples || !is_over {
                let mut column = Column::new();
                made.read(&mut column);
                if has_samples && let Some(new) = self.store.new_of(labels, day, line, &column, done) {
                    column = new;
                    made = column.clone().made()?;
                }
                if !is_over && !column.is_empty() {
                    columns.push((labels.clone(), column));
                    continue;
                }
            }
            if let (Some(first), Some(last)) = (made.refs.first(), made.refs.last()) {
                done.note_range(Some(first.first), Some(last.last));
                series.push((labels.clone(), made));
            }
        }
        if is_over { self.seal(day, series) } else { self.append(&columns) }
    }

    fn seal(&mut self, day: Day, series: Vec<(Labels, Made)>) -> Result<(), ImportError> {
        let Some(durable) = self.store.durable.as_ref().filter(|_| !series.is_empty()) else {
            return Ok(());
        };
        let samples: u64 = series.iter().map(|(_, made)| made.samples()).sum();
        let lasts = series.iter().filter_map(|(_, made)| Some(made.refs.last()?.last));
        let last = lasts.max().unwrap_or(Timestamp::MIN);
        self.done.sealed += samples;
        if self.config.is_dry_run {
            return Ok(());
        }
        let segment = publish(durable, day, series.into_iter()).map_err(|error| {
            self.done.sealed -= samples;
            ImportErrorKind::Storage(error)
        })?;
        let name = segment.name.clone();
        durable.segments.add(segment);
        self.store.note_newest(Some(last));
        self.done.segments.push(ImportedSegment { name, samples, last });
        Ok(())
    }

    /// Writes samples of a day that is not over where what is scraped goes.
    fn append(&mut self, columns: &[(Labels, Column)]) -> Result<(), ImportError> {
        for (labels, column) in columns {
            let times = column.timestamps();
            self.done.note_range(times.first().copied(), times.last().copied());
            self.done.logged += column.len() as u64;
            if !self.config.is_dry_run {
                self.store.take(labels, column)?;
            }
        }
        Ok(())
    }
}

impl Store {
    /// Commits samples whose times are free, however old they are.
    fn take(&self, labels: &Labels, column: &Column) -> Result<(), ImportError> {
        let refused = |kind| {
            let at = column.timestamps().first().copied().unwrap_or(Timestamp::MIN);
            ImportErrorKind::Append(AppendError { labels: labels.clone(), at, kind })
        };
        let samples: Vec<usize> = (0..column.len()).collect();
        for samples in samples.chunks(COMMIT_SAMPLES) {
            let (_, entry) = self.find_or_create(None, labels).map_err(refused)?;
            let sample = |n: &usize| {
                let (at, value) = (column.timestamps()[*n], column.value(*n));
                Pending { entry: Arc::clone(&entry), at, value }
            };
            let mut pending: Vec<Pending> = samples.iter().map(sample).collect();
            // Held until the samples are visible, as in every commit.
            let _log = self.durable.as_ref().map(|durable| durable.write(&pending, true));
            self.make_visible(None, &mut pending, true);
        }
        Ok(())
    }

    /// Whether a sample of this day may be there.
    fn has_samples_of(&self, day: Day) -> bool {
        let range = TimeRange::closed(day.start(), day.last());
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let is_sealed =
            || self.durable.as_ref().is_some_and(|d| d.segments.all().iter().any(|s| s.overlaps(range)));
        index.iter().any(|entry| entry.state().snapshot(range).is_some()) || is_sealed()
    }

    /// Those samples that the store has not; `None` where that is all of them.
    fn new_of(
        &self,
        labels: &Labels,
        day: Day,
        line: u64,
        column: &Column,
        done: &mut Imported,
    ) -> Option<Column> {
        let held = match self.held(labels, day) {
            Ok(held) => held,
            Err(error) => {
                // What cannot be read is written again.
                let reason: Arc<str> = error.to_string().into();
                if !done.unreadable.contains(&reason) {
                    done.unreadable.push(reason);
                }
                return None;
            }
        };
        if held.is_empty() {
            return None;
        }
        let mut new = Column::new();
        for (n, (at, value)) in column.timestamps().iter().zip(column.floats()).enumerate() {
            match held.get(at) {
                None => new.push(*at, &column.value(n)),
                Some(kept) if *kept == Value::Float(*value) => done.same += 1,
                Some(kept) => done.refuse(|| Conflict {
                    labels: labels.clone(),
                    at: *at,
                    kept: kept.clone(),
                    refused: *value,
                    line,
                    is_stored: true,
                }),
            }
        }
        Some(new)
    }

    /// The samples of a series and day, those that answers have.
    fn held(&self, labels: &Labels, day: Day) -> Result<HashMap<Timestamp, Value>, QueryError> {
        let range = TimeRange::closed(day.start(), day.last());
        let mut column = Column::new();
        if let Some(durable) = &self.durable {
            durable.segments.samples_of(labels, range, &mut column)?;
        }
        {
            let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, entry)) = index.find(labels)
                && let Some(chunks) = entry.state().snapshot(range)
            {
                chunks.iter().for_each(|chunk| chunk.read(range, &mut column));
            }
        }
        let mut held = HashMap::with_capacity(column.len());
        for (n, at) in column.timestamps().iter().enumerate() {
            held.entry(*at).or_insert_with(|| column.value(n));
        }
        Ok(held)
    }
}
