//! The samples of one series that wait to be written.

use std::io;

use assurance_metrics_model::{Column, Labels, Timestamp};

use crate::packed::CAPACITY;
use crate::segment::writer::Made;
use crate::segment::{DAY_MILLIS, Day};

/// What a day costs beside its chunks.
const DAY_BYTES: usize = size_of::<(Day, Waiting)>();

/// Bytes of a sample that is not packed yet.
const SAMPLE_BYTES: usize = size_of::<(i64, f64)>();

/// A day of a series.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    made: Made,
    /// Whether its chunks do not rise in time.
    mixed: bool,
    /// Whether a chunk that others follow was closed before it was full.
    ragged: bool,
    /// Samples of the chunk that was closed last.
    last_run: usize,
    /// The line of its first sample.
    pub(crate) line: u64,
}

/// A series.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) labels: Labels,
    /// Which times go to the run: those of its day, the end not included.
    from: i64,
    to: i64,
    /// The newest time of the run.
    last: i64,
    /// Samples of one day that are in no chunk yet, in the order they came.
    times: Vec<i64>,
    values: Vec<f64>,
    /// Whether they do not rise in time.
    unsorted: bool,
    /// The day that the run belongs to, in `days`.
    day: usize,
    days: Vec<(Day, Waiting)>,
}

/// What a push led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Taken,
    /// Taken, though a sample of a later line is older.
    Late,
    /// The run is full.
    Full,
    /// Not of this day.
    Elsewhere,
}

impl Lane {
    pub(crate) fn new(labels: Labels) -> Self {
        Self {
            labels,
            from: 0,
            to: 0,
            last: 0,
            times: Vec::new(),
            values: Vec::new(),
            unsorted: false,
            day: 0,
            days: Vec::new(),
        }
    }

    /// Takes a sample if it goes to the run.
    #[inline]
    pub(crate) fn push(&mut self, at: i64, value: f64) -> Pushed {
        if at < self.from || at >= self.to {
            return Pushed::Elsewhere;
        }
        if self.times.len() == CAPACITY {
            return Pushed::Full;
        }
        self.times.push(at);
        self.values.push(value);
        if at > self.last {
            self.last = at;
            return Pushed::Taken;
        }
        self.unsorted = true;
        if at < self.last { Pushed::Late } else { Pushed::Taken }
    }

    /// Bytes that the run takes.
    pub(crate) fn run_bytes(&self) -> usize {
        self.times.capacity() * SAMPLE_BYTES
    }

    pub(crate) fn run_is_full(&self) -> bool {
        self.times.len() == self.times.capacity()
    }

    /// Turns to the day of `at`; samples from `end` on are none of it. The run must be closed. Bytes it takes more.
    pub(crate) fn turn(&mut self, at: i64, end: i64, line: u64) -> usize {
        debug_assert!(self.times.is_empty(), "a run is of one day");
        let day = Day::of(Timestamp::from_millis(at));
        self.from = day.start().as_millis();
        self.to = self.from.saturating_add(DAY_MILLIS).min(end);
        let before = self.days.len();
        self.day = match self.days.binary_search_by_key(&day, |(day, _)| *day) {
            Ok(place) => place,
            Err(place) => {
                self.days.insert(place, (day, Waiting { line, ..Waiting::default() }));
                place
            }
        };
        let made = &self.days[self.day].1.made;
        self.last = made.refs.iter().map(|chunk| chunk.last.as_millis()).max().unwrap_or(i64::MIN);
        (self.days.len() - before) * DAY_BYTES
    }

    /// Makes chunks of the run; bytes they take. Of samples of one time the first counts: the others go to `double`,
    /// each after what it has no place beside.
    pub(crate) fn close(
        &mut self,
        scratch: &mut Column,
        double: &mut impl FnMut(&Labels, Double),
    ) -> io::Result<usize> {
        if self.times.is_empty() {
            return Ok(0);
        }
        let (_, waiting) = &mut self.days[self.day];
        scratch.clear();
        scratch.extend_floats(&self.times, &self.values);
        if self.unsorted {
            let line = waiting.line;
            sort(scratch, |rest| double(&self.labels, Double { line, ..rest }));
        }
        let first = scratch.timestamps().first().copied().unwrap_or(Timestamp::MAX);
        let last = waiting.made.refs.iter().map(|chunk| chunk.last).max();
        waiting.mixed |= last.is_some_and(|last| first <= last);
        waiting.ragged |= waiting.last_run % CAPACITY != 0;
        waiting.last_run = scratch.len();
        let before = waiting.bytes();
        waiting.made.add(scratch)?;
        self.times.clear();
        self.values.clear();
        self.unsorted = false;
        Ok(waiting.bytes() - before)
    }

    /// Lets go of the memory of the run, which must be closed.
    pub(crate) fn release(&mut self) {
        debug_assert!(self.times.is_empty(), "nothing is let go of that is in no chunk");
        (self.times, self.values) = (Vec::new(), Vec::new());
    }

    pub(crate) fn days(&self) -> impl Iterator<Item = (Day, usize)> {
        self.days.iter().map(|(day, waiting)| (*day, waiting.bytes() + DAY_BYTES))
    }

    /// Takes a day out; the run must be closed.
    pub(crate) fn take(&mut self, day: Day) -> Option<Waiting> {
        let place = self.days.binary_search_by_key(&day, |(day, _)| *day).ok()?;
        // What comes next finds its day anew.
        (self.from, self.to) = (0, 0);
        let (_, waiting) = self.days.remove(place);
        Some(waiting)
    }
}

/// A sample at whose time another one came first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Double {
    pub(crate) at: Timestamp,
    pub(crate) kept: f64,
    pub(crate) refused: f64,
    pub(crate) line: u64,
}

impl Waiting {
    fn bytes(&self) -> usize {
        self.made.bytes.capacity() + size_of_val(self.made.refs.as_slice())
    }

    /// The samples as they are to be written, each time once.
    pub(crate) fn finish(self, mut double: impl FnMut(Double)) -> io::Result<Made> {
        if !self.mixed && !self.ragged {
            return Ok(self.made);
        }
        let mut column = Column::new();
        self.made.read(&mut column);
        if self.mixed {
            sort(&mut column, |rest| double(Double { line: self.line, ..rest }));
        }
        let mut made = Made::default();
        made.add(&column)?;
        Ok(made)
    }
}

/// Puts floats in the order of their times; of those of one time the first counts.
fn sort(column: &mut Column, mut double: impl FnMut(Double)) {
    let mut places: Vec<usize> = (0..column.len()).collect();
    let times = column.timestamps();
    // Keeps the order in which samples of one time came.
    places.sort_by_key(|place| times[*place]);
    let mut sorted = Column::new();
    for place in places {
        let (at, value) = (times[place], column.floats()[place]);
        match sorted.timestamps().last() {
            Some(last) if *last == at => {
                let kept = sorted.floats()[sorted.len() - 1];
                double(Double { at, kept, refused: value, line: 0 });
            }
            _ => sorted.push_float(at, value),
        }
    }
    *column = sorted;
}
