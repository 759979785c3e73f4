//! A history on its way into a store's files.

mod error;
mod flush;
mod lane;

use std::sync::Arc;

use assurance_metrics_model::{Column, Duration, Labels, Timestamp, Value};
use hashbrown::HashMap;

pub use self::error::{ImportError, ImportErrorKind};
use self::lane::{Double, Lane, Pushed};
use crate::store::Store;

/// How far ahead of the clock a sample may be: Prometheus lets clocks differ so much when it scrapes.
const MAX_AHEAD: Duration = Duration::from_minutes(10);

/// How an import is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportConfig {
    /// Bytes of samples that may wait in memory; 256 MiB by default, some 300 million samples of steady series in
    /// chunks. With more, the days so far are written, and what comes later of them makes further segments.
    pub max_bytes: usize,
    /// Find out what would be written, and write nothing.
    pub is_dry_run: bool,
}

impl Default for ImportConfig {
    fn default() -> Self {
        Self { max_bytes: 256 << 20, is_dry_run: false }
    }
}

/// How often something was met, and first in which line of the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct First {
    /// How often.
    pub count: u64,
    /// The line of the first; 0 where there is none.
    pub line: u64,
}

impl First {
    const fn note(&mut self, line: u64) {
        if self.count == 0 {
            self.line = line;
        }
        self.count += 1;
    }
}

/// A sample that was refused, because the series has another value at its time.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Conflict {
    /// The series.
    pub labels: Labels,
    /// The time.
    pub at: Timestamp,
    /// What is kept.
    pub kept: Value,
    /// What is not.
    pub refused: f64,
    /// Where the series begins this day in the input: the refused sample is in this line or after it.
    pub line: u64,
    /// Whether what is kept was in the store before, and not in the input.
    pub is_stored: bool,
}

/// A file that an import wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportedSegment {
    /// Its name.
    pub name: String,
    /// Its samples.
    pub samples: u64,
    /// The last one's time.
    pub last: Timestamp,
}

/// What an import did so far.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Imported {
    /// Samples that were given: the sum of what follows, once the import is finished.
    pub given: u64,
    /// Samples in segments.
    pub sealed: u64,
    /// Samples of days that are not over, in the log and in memory.
    pub logged: u64,
    /// Samples that were there already, with the same value.
    pub same: u64,
    /// Samples at whose time the series has another value.
    pub conflicting: u64,
    /// The first of them.
    pub conflict: Option<Conflict>,
    /// Samples from the future: taken, they would keep out what is measured until then.
    pub ahead: First,
    /// Samples of years that have not four digits.
    pub undated: First,
    /// Samples that a later line's sample of their series precedes. They are taken.
    pub late: First,
    /// Days whose stored samples cannot be read: what was given is written beside them.
    pub unreadable: Vec<Arc<str>>,
    /// Segments, in the order they were written.
    pub segments: Vec<ImportedSegment>,
    /// The oldest sample that was given and taken.
    pub first: Option<Timestamp>,
    /// The newest.
    pub last: Option<Timestamp>,
}

/// Takes a history, in whatever order its samples come, and writes it as whole days.
///
/// Series that come one after the other, and samples that come by time, take least. Nothing else may write into the
/// store meanwhile. A day that is over goes into a segment, which is there as a whole or not at all; the others go
/// where what is scraped goes. A sample counts as there if the store has its series, time and value, so that an
/// import that was cut off is completed by doing it again.
#[derive(Debug)]
pub struct Importer<'s> {
    store: &'s Store,
    config: ImportConfig,
    now: Timestamp,
    /// Milliseconds from which on a sample is of the future.
    ahead: i64,
    lanes: Vec<Lane>,
    numbers: HashMap<Labels, u32>,
    /// Numbers of lanes whose runs have memory.
    open: Vec<u32>,
    /// Bytes of runs.
    run_bytes: usize,
    /// Bytes of chunks that wait.
    made_bytes: usize,
    scratch: Column,
    done: Imported,
}

impl<'s> Importer<'s> {
    /// Imports into a store; `now` tells which days are over.
    pub fn new(store: &'s Store, config: ImportConfig, now: Timestamp) -> Self {
        let ahead = now.saturating_add(MAX_AHEAD).as_millis();
        Self {
            store,
            config,
            now,
            ahead,
            lanes: Vec::new(),
            numbers: HashMap::new(),
            open: Vec::new(),
            run_bytes: 0,
            made_bytes: 0,
            scratch: Column::new(),
            done: Imported::default(),
        }
    }

    /// What was done so far; what waits in memory is in none of its sums.
    pub const fn so_far(&self) -> &Imported {
        &self.done
    }

    /// Series so far.
    pub const fn series_count(&self) -> usize {
        self.lanes.len()
    }

    /// The number of a series, which is added where it is new; they are counted from 0.
    ///
    /// # Errors
    /// If there are more than the store may have, or it has no labels.
    pub fn series(&mut self, labels: Labels) -> Result<u32, ImportError> {
        if let Some(number) = self.numbers.get(&labels) {
            return Ok(*number);
        }
        let limit = self.store.config().max_series;
        let number = u32::try_from(self.lanes.len()).ok().filter(|n| (*n as usize) < limit);
        let number = number.ok_or(ImportErrorKind::TooManySeries { limit })?;
        if labels.is_empty() {
            return Err(ImportErrorKind::NoLabels.into());
        }
        self.numbers.insert(labels.clone(), number);
        self.lanes.push(Lane::new(labels));
        Ok(number)
    }

    /// Takes a sample of a series that was added; `line` is where it stands in the input.
    ///
    /// # Errors
    /// If days had to be written and could not be. The import is over then.
    ///
    /// # Panics
    /// If no series has this number.
    #[inline]
    pub fn sample(&mut self, series: u32, at: Timestamp, value: f64, line: u64) -> Result<(), ImportError> {
        let lane = &mut self.lanes[series as usize];
        self.done.given += 1;
        // Growing is rare: the memory that runs take is counted then.
        if !lane.run_is_full() {
            match lane.push(at.as_millis(), value) {
                Pushed::Taken => return Ok(()),
                Pushed::Late => {
                    self.done.late.note(line);
                    return Ok(());
                }
                Pushed::Full | Pushed::Elsewhere => {}
            }
        }
        self.push(series, at, value, line)
    }

    #[cold]
    fn push(&mut self, series: u32, at: Timestamp, value: f64, line: u64) -> Result<(), ImportError> {
        let at = at.as_millis();
        loop {
            let lane = &mut self.lanes[series as usize];
            let before = lane.run_bytes();
            let pushed = lane.push(at, value);
            let after = lane.run_bytes();
            if before == 0 && after > 0 {
                self.open.push(series);
            }
            self.run_bytes += after - before;
            match pushed {
                Pushed::Taken => break,
                Pushed::Late => {
                    self.done.late.note(line);
                    break;
                }
                Pushed::Full => self.close(series)?,
                Pushed::Elsewhere => {
                    self.close(series)?;
                    if at > self.ahead {
                        self.done.ahead.note(line);
                        return Ok(());
                    }
                    if flush::is_undated(at) {
                        self.done.undated.note(line);
                        return Ok(());
                    }
                    let end = self.ahead.saturating_add(1);
                    self.made_bytes += self.lanes[series as usize].turn(at, end, line);
                }
            }
        }
        self.keep_to_size()
    }

    /// Makes chunks of a run.
    fn close(&mut self, series: u32) -> Result<(), ImportError> {
        let done = &mut self.done;
        let mut double = |labels: &Labels, double: Double| done.double(labels, double);
        self.made_bytes += self.lanes[series as usize].close(&mut self.scratch, &mut double)?;
        Ok(())
    }

    /// Writes what waits, and makes it durable; [`Importer::so_far`] has the sums then.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(&mut self) -> Result<(), ImportError> {
        self.flush(true)?;
        self.store.sync().map_err(|fault| ImportErrorKind::Log(fault).into())
    }
}

impl Imported {
    fn double(&mut self, labels: &Labels, double: Double) {
        if double.kept.to_bits() == double.refused.to_bits() {
            self.same += 1;
            return;
        }
        let Double { at, kept, refused, line } = double;
        let kept = Value::Float(kept);
        self.refuse(|| Conflict { labels: labels.clone(), at, kept, refused, line, is_stored: false });
    }

    fn refuse(&mut self, conflict: impl FnOnce() -> Conflict) {
        self.conflicting += 1;
        self.conflict.get_or_insert_with(conflict);
    }

    fn note_range(&mut self, first: Option<Timestamp>, last: Option<Timestamp>) {
        self.first = match (self.first, first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.last = self.last.max(last);
    }
}
