use crate::exact::{EXACT, extremes, whole_sum};
use crate::{Column, TimeRange, Timestamp};

/// What a reader wants to know of stretches of samples beside their number, their first and their last: a store
/// keeps some of it ready, and decodes samples for the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// Nothing more.
    Ends,
    /// The smallest and the largest value.
    Extremes,
    /// How often the value changes.
    Changes,
    /// How often it falls.
    Resets,
    /// The value before each fall, one by one: their sum depends on the order of its additions.
    ResetValues,
    /// The sum, of whole numbers that are small enough for it to be exact.
    Sum,
}

/// Floats that follow each other, stale markers left out. What the [`Aspect`] does not ask for has no meaning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// How many samples; at least one.
    pub count: u64,
    /// First sample.
    pub first: (Timestamp, f64),
    /// Last sample.
    pub last: (Timestamp, f64),
    /// Smallest value; of equals (zero has two signs) the first, NaN only where there is nothing else.
    pub min: f64,
    /// Largest value; likewise.
    pub max: f64,
    /// How often a value differs from the one before; NaN does not differ from NaN.
    pub changes: u64,
    /// How often a value is less than the one before.
    pub resets: u64,
    /// The sum.
    pub sum: f64,
}

/// A value that was followed by a smaller one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fall {
    /// Where among [`Outline::parts`] the smaller one is.
    pub part: usize,
    /// Whether the smaller one is the first of its part: the fall lies between two parts.
    pub at_start: bool,
    /// The larger one.
    pub before: f64,
}

/// The samples of one series by stretches of time instead of one by one; every answer made from it is the same,
/// to the bit, as one made from the samples.
///
/// The stretches lie between neighbouring bounds: after one, up to and with the next.
#[derive(Clone, Debug)]
pub struct Outline {
    bounds: Vec<Timestamp>,
    aspect: Aspect,
    parts: Vec<(usize, Summary)>,
    falls: Vec<Fall>,
    /// The stretch of the sample that came last.
    stretch: usize,
    /// What the sum of any of the samples is not beyond, either side of zero.
    reach: f64,
    fits: bool,
}

impl Outline {
    /// Empty; bounds rise. `None` where they are less than two.
    pub fn new(bounds: Vec<Timestamp>, aspect: Aspect) -> Option<Self> {
        let rise = bounds.len() > 1 && bounds.is_sorted_by(|a, b| a < b);
        rise.then_some(Self {
            bounds,
            aspect,
            parts: Vec::new(),
            falls: Vec::new(),
            stretch: 0,
            reach: 0.0,
            fits: true,
        })
    }

    /// Removes all samples and keeps the memory.
    pub fn clear(&mut self) {
        self.parts.clear();
        self.falls.clear();
        (self.stretch, self.reach, self.fits) = (0, 0.0, true);
    }

    /// What is asked for.
    pub fn aspect(&self) -> Aspect {
        self.aspect
    }

    /// What all stretches cover together.
    pub fn range(&self) -> TimeRange {
        TimeRange::new(self.bounds[0], self.bounds[self.bounds.len() - 1])
    }

    /// The bounds.
    pub fn bounds(&self) -> &[Timestamp] {
        &self.bounds
    }

    /// The stretches that have samples, by their place, rising.
    pub fn parts(&self) -> &[(usize, Summary)] {
        &self.parts
    }

    /// Where values fall, for [`Aspect::ResetValues`].
    pub fn falls(&self) -> &[Fall] {
        &self.falls
    }

    /// Whether the aspect can be told of all that was added; if not, the samples must be read.
    pub fn fits(&self) -> bool {
        self.fits
    }

    /// How many numbers it holds, about: what it counts against a limit on samples.
    pub fn size(&self) -> usize {
        self.parts.len() + self.falls.len()
    }

    /// Adds samples that are newer than all before; histograms do not fit.
    pub fn push_column(&mut self, column: &Column) {
        if !column.is_float() {
            self.fits = false;
            return;
        }
        let (times, values) = (column.timestamps(), column.floats());
        if column.is_plain() {
            return self.push(times, values);
        }
        let mut from = 0;
        while from < times.len() {
            let stale = (from..times.len()).take_while(|at| column.is_stale(*at)).count();
            from += stale;
            let run = (from..times.len()).take_while(|at| !column.is_stale(*at)).count();
            self.push(&times[from..from + run], &values[from..from + run]);
            from += run;
        }
    }

    fn push(&mut self, mut times: &[Timestamp], mut values: &[f64]) {
        while let Some(first) = times.first() {
            self.go_to(*first);
            let until = self.bounds[self.stretch + 1];
            let inside = times.partition_point(|at| *at <= until);
            let (run, rest) = values.split_at(inside);
            if let Some(summary) = self.summarise(&times[..inside], run) {
                self.add(summary);
                if self.aspect == Aspect::ResetValues {
                    self.note_falls(run);
                }
            }
            (times, values) = (&times[inside..], rest);
        }
    }

    /// Adds samples of one stretch, newer than all before, of which `fall` is the only value before a fall.
    ///
    /// # Panics
    /// In debug builds, if they are of more than one stretch.
    pub fn push_summary(&mut self, summary: &Summary, fall: Option<f64>) {
        self.go_to(summary.first.0);
        debug_assert!(summary.last.0 <= self.bounds[self.stretch + 1], "a bound divides what is summarised");
        if self.aspect == Aspect::Sum {
            self.reach(summary.count as f64 * summary.min.abs().max(summary.max.abs()));
        }
        self.add(*summary);
        if self.aspect == Aspect::ResetValues {
            let part = self.parts.len() - 1;
            self.falls.extend(fall.map(|before| Fall { part, at_start: false, before }));
        }
    }

    fn go_to(&mut self, at: Timestamp) {
        while self.stretch + 2 < self.bounds.len() && self.bounds[self.stretch + 1] < at {
            self.stretch += 1;
        }
        debug_assert!(self.range().contains(at), "a sample is outside of all stretches");
    }

    fn add(&mut self, summary: Summary) {
        let part = self.parts.len();
        match self.parts.last_mut() {
            Some((stretch, before)) => {
                let (last, inside) = (before.last.1, *stretch == self.stretch);
                if self.aspect == Aspect::ResetValues && summary.first.1 < last {
                    let part = if inside { part - 1 } else { part };
                    self.falls.push(Fall { part, at_start: !inside, before: last });
                }
                if inside {
                    before.join(&summary);
                } else {
                    self.parts.push((self.stretch, summary));
                }
            }
            None => self.parts.push((self.stretch, summary)),
        }
    }

    fn note_falls(&mut self, values: &[f64]) {
        // Most counters never fall: a loop without an exit finds that out several at a time.
        if !values.windows(2).fold(false, |falls, pair| falls | (pair[1] < pair[0])) {
            return;
        }
        let part = self.parts.len() - 1;
        let falls = values.windows(2).filter(|pair| pair[1] < pair[0]);
        self.falls.extend(falls.map(|pair| Fall { part, at_start: false, before: pair[0] }));
    }

    /// Takes note of what sums may come to.
    fn reach(&mut self, more: f64) {
        self.reach += more;
        self.fits &= self.reach < EXACT;
    }

    fn summarise(&mut self, times: &[Timestamp], values: &[f64]) -> Option<Summary> {
        let mut summary = Summary::of_ends(times, values)?;
        match self.aspect {
            Aspect::Ends | Aspect::ResetValues => {}
            Aspect::Extremes => (summary.min, summary.max) = extremes(values),
            Aspect::Changes => summary.changes = changes(values),
            Aspect::Resets => summary.resets = resets(values),
            Aspect::Sum => match whole_sum(values) {
                Some(sum) => {
                    summary.sum = sum;
                    self.reach(values.iter().map(|value| value.abs()).sum());
                }
                None => self.fits = false,
            },
        }
        Some(summary)
    }
}

fn smaller(before: f64, after: f64) -> f64 {
    if after < before || before.is_nan() { after } else { before }
}

fn larger(before: f64, after: f64) -> f64 {
    if after > before || before.is_nan() { after } else { before }
}

#[expect(clippy::float_cmp, reason = "any difference is a change")]
fn changed(before: f64, after: f64) -> bool {
    before != after && !(before.is_nan() && after.is_nan())
}

fn changes(values: &[f64]) -> u64 {
    values.windows(2).map(|pair| u64::from(changed(pair[0], pair[1]))).sum()
}

fn resets(values: &[f64]) -> u64 {
    values.windows(2).map(|pair| u64::from(pair[1] < pair[0])).sum()
}

impl Summary {
    fn of_ends(times: &[Timestamp], values: &[f64]) -> Option<Self> {
        let (first, last) = (*times.first()?, *times.last()?);
        let (first_value, last_value) = (*values.first()?, *values.last()?);
        Some(Self {
            count: values.len() as u64,
            first: (first, first_value),
            last: (last, last_value),
            min: f64::NAN,
            max: f64::NAN,
            changes: 0,
            resets: 0,
            sum: 0.0,
        })
    }

    /// Of the floats of a column, whatever the aspect; the sum is `None` where it may not be exact. `None` for all
    /// where there are none, or histograms or stale markers among them.
    pub fn of(column: &Column) -> Option<(Self, Option<f64>)> {
        if !column.is_plain() {
            return None;
        }
        let values = column.floats();
        let mut summary = Self::of_ends(column.timestamps(), values)?;
        (summary.min, summary.max) = extremes(values);
        summary.changes = changes(values);
        summary.resets = resets(values);
        let sum = whole_sum(values);
        summary.sum = sum.unwrap_or(f64::NAN);
        Some((summary, sum))
    }

    /// Takes up samples that follow these.
    fn join(&mut self, after: &Self) {
        self.changes += after.changes + u64::from(changed(self.last.1, after.first.1));
        self.resets += after.resets + u64::from(after.first.1 < self.last.1);
        self.count += after.count;
        self.last = after.last;
        self.min = smaller(self.min, after.min);
        self.max = larger(self.max, after.max);
        self.sum += after.sum;
    }
}
