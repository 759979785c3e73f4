//! From memory to a segment.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use assurance_metrics_model::{Column, Duration, Labels, TimeRange, Timestamp};
use assurance_storage::{Operation, StorageError, StorageErrorKind};
use hashbrown::HashMap;

use crate::durable::Durable;
use crate::segment::writer::{Content, Samples};
use crate::segment::{DIRECTORY, Day, Segment, SegmentError, file_name};
use crate::series::{Chunks, Entry};
use crate::store::Store;

/// How long after its end a day is finished at the earliest: for what is still on its way.
pub(crate) const LEAST_WAIT: Duration = Duration::from_minutes(10);

/// And at the latest: what comes later still goes to a supplement.
const MOST_WAIT: Duration = Duration::from_secs(86_400);

/// Late samples of finished days that get a segment of their own at once. Fewer wait for the next day's end,
/// so that a trickle makes one supplement a day and not one a minute.
const SUPPLEMENT_SAMPLES: u64 = 100_000;

/// A series with the chunks that hold samples of a day, as they are at one moment.
struct Snapshot {
    entry: Arc<Entry>,
    chunks: Chunks,
    /// Its samples of that day.
    samples: u64,
    /// How often late samples were merged into it.
    merges: u32,
}

impl Store {
    /// The days that are over and have samples in memory that are to be written now.
    pub(crate) fn days_due(&self, durable: &Durable, now: Timestamp) -> Vec<Day> {
        let wait = self.config.out_of_order_window.clamp(LEAST_WAIT, MOST_WAIT);
        let mut days: BTreeMap<Day, u64> = BTreeMap::new();
        {
            let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
            for entry in index.iter() {
                let state = entry.state();
                for chunk in state.all_chunks().iter().take_while(|chunk| chunk.first() < now) {
                    let (first, last) = (Day::of(chunk.first()), Day::of(chunk.last()));
                    if first.last().saturating_add(wait) >= now {
                        break;
                    }
                    if first == last {
                        *days.entry(first).or_default() += u64::from(chunk.count());
                    } else {
                        chunk
                            .samples()
                            .iter()
                            .for_each(|(at, _)| *days.entry(Day::of(*at)).or_default() += 1);
                    }
                }
            }
        }
        days.retain(|day, _| day.last().saturating_add(wait) < now && file_name(*day, 0).is_some());
        let is_new = |day: &Day| durable.segments.numbers_of(*day).is_empty();
        let late: u64 = days.iter().filter(|(day, _)| !is_new(day)).map(|(_, samples)| samples).sum();
        if !days.keys().any(is_new) && late < SUPPLEMENT_SAMPLES {
            days.clear();
        }
        days.into_keys().collect()
    }

    /// Writes what memory has of a day to a segment, and lets go of it; says whether there was anything that no
    /// segment has.
    pub(crate) fn seal(&self, durable: &Durable, day: Day) -> Result<Option<String>, StorageError> {
        let range = TimeRange::closed(day.start(), day.last());
        let snapshots = self.snapshots_of(day, range);
        let is_supplement = !durable.segments.numbers_of(day).is_empty();
        let series = snapshots.iter().filter_map(|snapshot| {
            let labels = &snapshot.entry.labels;
            let mut column = Column::new();
            snapshot.chunks.iter().for_each(|chunk| chunk.read(range, &mut column));
            if is_supplement {
                column = not_yet_sealed(durable, labels, range, column);
            }
            (!column.is_empty()).then(|| (labels.clone(), column))
        });
        let mut series = series.peekable();
        let name = if series.peek().is_some() {
            let segment = publish(durable, day, series)?;
            let name = segment.name.clone();
            durable.segments.add(segment);
            Some(name)
        } else {
            None
        };
        self.let_go(&snapshots, day);
        Ok(name)
    }

    fn snapshots_of(&self, day: Day, range: TimeRange) -> Vec<Snapshot> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let _commits = self.commits.read().unwrap_or_else(PoisonError::into_inner);
        let mut snapshots: Vec<Snapshot> = index
            .iter()
            .filter_map(|entry| {
                let state = entry.state();
                let chunks = state.snapshot(range)?;
                let samples = state.count_between(day.start(), day.last());
                let merges = state.merges();
                Some(Snapshot { entry: Arc::clone(entry), chunks, samples, merges })
            })
            .collect();
        snapshots.sort_by(|a, b| a.entry.labels.cmp(&b.entry.labels));
        snapshots
    }

    /// Drops from memory what is in a segment now. A series that samples of the day were added to meanwhile is
    /// left: what is in both places is read once.
    fn let_go(&self, snapshots: &[Snapshot], day: Day) {
        let by_entry: HashMap<usize, &Snapshot> =
            snapshots.iter().map(|snapshot| (Arc::as_ptr(&snapshot.entry).addr(), snapshot)).collect();
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let _commits = self.commits.write().unwrap_or_else(PoisonError::into_inner);
        let gone = index.remove_where(|entry| {
            let Some(snapshot) = by_entry.get(&std::ptr::from_ref(entry).addr()) else { return false };
            let mut state = entry.state();
            let samples = state.count_between(day.start(), day.last());
            if (samples, state.merges()) != (snapshot.samples, snapshot.merges) {
                return false;
            }
            state.drop_between(day.start(), day.last());
            state.retire_if_empty()
        });
        if gone > 0 {
            self.selections.forget();
        }
    }
}

/// Those samples that no segment has.
fn not_yet_sealed(durable: &Durable, labels: &Labels, range: TimeRange, column: Column) -> Column {
    let mut sealed = Column::new();
    if durable.segments.samples_of(labels, range, &mut sealed).is_err() {
        // What cannot be read is written again.
        return column;
    }
    let mut times = sealed.timestamps().to_vec();
    times.sort_unstable();
    let mut rest = Column::new();
    for (n, at) in column.timestamps().iter().enumerate() {
        if times.binary_search(at).is_err() {
            rest.push(*at, &column.value(n));
        }
    }
    rest
}

/// Writes a segment and opens it; nobody sees it yet.
pub(crate) fn publish<S: Samples>(
    durable: &Durable,
    day: Day,
    series: impl Iterator<Item = (Labels, S)>,
) -> Result<Segment, StorageError> {
    // Also past files that are not open: damaged ones, and one whose writing failed at the very end.
    let taken = durable.storage.list(DIRECTORY)?;
    let mut numbers = (0..u32::MAX).filter_map(|number| file_name(day, number));
    let name = numbers.find(|name| taken.iter().all(|file| file.name != *name)).ok_or_else(|| {
        let reason = "the day has too many segments, or no date of four digits";
        StorageError::new(Operation::Publish, DIRECTORY, StorageErrorKind::InvalidName { reason })
    })?;
    let mut content = Content::new(series);
    durable.storage.publish(&name, &mut content)?;
    let files = durable.storage.list(DIRECTORY)?;
    let file = files.iter().find(|file| file.name == name);
    let file = file.ok_or_else(|| StorageError::new(Operation::Read, &name, StorageErrorKind::NotFound))?;
    // Read back before memory lets go of what is in it.
    match Segment::open(&durable.storage, &durable.segments.blocks, file) {
        Ok(segment) => Ok(segment),
        Err(SegmentError::Storage(error)) => Err(error),
        Err(SegmentError::Open(_) | SegmentError::Damaged(_)) => {
            let kind = StorageErrorKind::Io(std::io::Error::other("what was written reads back differently"));
            Err(StorageError::new(Operation::Read, &name, kind))
        }
    }
}
