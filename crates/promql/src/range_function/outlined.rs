//! Functions over long windows from what a store has ready of stretches of samples, the same to the bit as from
//! the samples themselves.

use assurance_metrics_model::{Aspect, Duration, Outline, Summary, TimeRange, Timestamp};

use super::change::changed;
use super::rate::{Change, Extension, Resets};
use super::{slide, slides};
use crate::function::RangeFunction;
use crate::line::{Line, Steps};
use crate::select::{Samples, Windows};

/// Shorter windows are not asked for: a store keeps nothing ready of so few samples.
const LEAST_RANGE: Duration = Duration::from_minutes(60);

/// What a function needs to know of stretches; `None` where only samples will do.
const fn aspect(function: RangeFunction) -> Option<Aspect> {
    use RangeFunction as R;
    match function {
        R::Count | R::Present | R::First | R::Last | R::TsOfFirst | R::TsOfLast | R::Delta => {
            Some(Aspect::Ends)
        }
        R::Min | R::Max => Some(Aspect::Extremes),
        R::Changes => Some(Aspect::Changes),
        R::Resets => Some(Aspect::Resets),
        R::Rate | R::Increase => Some(Aspect::ResetValues),
        R::Sum | R::Avg => Some(Aspect::Sum),
        _ => None,
    }
}

/// The outline that a function's windows are computed from, and the stretches of each window.
pub(super) struct Plan {
    pub(super) outline: Outline,
    /// For each window, its first stretch and the one after its last.
    pub(super) stretches: Vec<(usize, usize)>,
}

impl Plan {
    /// For windows at the first so many steps; `None` where an outline is of no use.
    pub(super) fn new(
        function: RangeFunction,
        windows: &Windows,
        steps: &Steps,
        evaluated: usize,
    ) -> Option<Self> {
        let aspect = aspect(function)?;
        if windows.ends.is_some() || windows.range < LEAST_RANGE {
            return None;
        }
        let window = |step| windows.window(steps.at(step));
        let ends = |step| [window(step).after, window(step).until];
        let mut bounds: Vec<Timestamp> = (0..evaluated).flat_map(ends).collect();
        bounds.sort_unstable();
        bounds.dedup();
        let place = |at: Timestamp| bounds.partition_point(|bound| *bound < at);
        let stretches = (0..evaluated).map(|step| (place(window(step).after), place(window(step).until)));
        let stretches = stretches.collect();
        Some(Self { outline: Outline::new(bounds, aspect)?, stretches })
    }
}

/// The windows of one series, and what they are computed from.
pub(super) struct Outlined<'a> {
    pub(super) function: RangeFunction,
    pub(super) outline: &'a Outline,
    pub(super) windows: &'a Windows,
    pub(super) stretches: &'a [(usize, usize)],
    pub(super) steps: &'a Steps,
}

impl Outlined<'_> {
    /// Puts the values of all windows into a line.
    pub(super) fn evaluate(&self, line: &mut Line) {
        use RangeFunction as R;
        let parts = self.outline.parts();
        match self.function {
            R::Present => self.each(line, |_, _, _| Some(1.0)),
            R::First => self.each(line, |from, _, _| Some(parts[from].1.first.1)),
            R::Last => self.each(line, |_, to, _| Some(parts[to - 1].1.last.1)),
            R::TsOfFirst => self.each(line, |from, _, _| Some(parts[from].1.first.0.as_secs_f64())),
            R::TsOfLast => self.each(line, |_, to, _| Some(parts[to - 1].1.last.0.as_secs_f64())),
            R::Count => {
                let counts = self.running(|part| part.count as f64);
                self.each(line, |from, to, _| Some(counts[to] - counts[from]));
            }
            R::Sum => {
                let sums = self.running(|part| part.sum);
                self.each(line, |from, to, _| Some(sums[to] - sums[from]));
            }
            R::Avg => {
                let (sums, counts) = (self.running(|part| part.sum), self.running(|part| part.count as f64));
                // Nothing is lost, and nothing divided is nothing: as a mean that carries what is lost ends.
                self.each(line, |from, to, _| {
                    Some((sums[to] - sums[from]) / (counts[to] - counts[from]) + 0.0)
                });
            }
            R::Min => self.extremes(line, |part| part.min),
            R::Max => self.extremes(line, |part| part.max),
            R::Changes => self.between(line, |part| part.changes, changed),
            R::Resets => self.between(line, |part| part.resets, |before, after| after < before),
            _ => self.rates(line),
        }
    }

    /// Calls `value` with the parts of each window that has some.
    fn each(&self, line: &mut Line, mut value: impl FnMut(usize, usize, TimeRange) -> Option<f64>) {
        let parts = self.outline.parts();
        let (mut from, mut to) = (0, 0);
        for (step, (first, after)) in self.stretches.iter().enumerate() {
            from += parts[from..].iter().take_while(|(stretch, _)| stretch < first).count();
            to = to.max(from);
            to += parts[to..].iter().take_while(|(stretch, _)| stretch < after).count();
            if from < to
                && let Some(value) = value(from, to, self.windows.window(self.steps.at(step)))
            {
                line.set(step, value);
            }
        }
    }

    /// What whole numbers come to, before each part and after the last.
    fn running(&self, of: impl Fn(&Summary) -> f64) -> Vec<f64> {
        let mut sum = 0.0;
        let after = self.outline.parts().iter().map(|(_, part)| {
            sum += of(part);
            sum
        });
        std::iter::once(0.0).chain(after).collect()
    }

    fn extremes(&self, line: &mut Line, of: impl Fn(&Summary) -> f64) {
        let parts = self.outline.parts().iter();
        let (times, values): (Vec<_>, Vec<_>) = parts.map(|(_, part)| (part.first.0, of(part))).unzip();
        let samples = Samples { times: &times, values: &values };
        if let Some(mut slide) = slide(self.function, samples, slides(self.windows, self.steps)) {
            self.each(line, |from, to, _| Some(slide.at(from, to)));
        }
    }

    /// How often something happens inside of parts, and between them.
    fn between(&self, line: &mut Line, inside: impl Fn(&Summary) -> u64, happens: fn(f64, f64) -> bool) {
        let parts = self.outline.parts();
        let mut count = 0;
        let mut before: Option<f64> = None;
        let until = parts.iter().map(|(_, part)| {
            let between = before.is_some_and(|before| happens(before, part.first.1));
            before = Some(part.last.1);
            count += u64::from(between) + inside(part);
            count
        });
        let until: Vec<u64> = until.collect();
        self.each(line, |from, to, _| Some((until[to - 1] - until[from] + inside(&parts[from].1)) as f64));
    }

    fn rates(&self, line: &mut Line) {
        let parts = self.outline.parts();
        let extension = Extension::of(self.function);
        let counts = self.running(|part| part.count as f64);
        // Between parts, and inside of them: two places for each.
        let falls = self.outline.falls().iter();
        let resets = Resets::at(falls.map(|fall| (2 * fall.part + usize::from(!fall.at_start), fall.before)));
        self.each(line, |from, to, range| {
            let (first, last) = (parts[from].1.first, parts[to - 1].1.last);
            let count = counts[to] - counts[from];
            if count < 2.0 {
                return None;
            }
            let mut change = last.1 - first.1;
            if extension.counter {
                for before in resets.between(2 * from, 2 * to) {
                    change += before;
                }
            }
            let ends = Change { times: (first.0, last.0), count, first: first.1, change };
            Some(change * extension.factor(&ends, range))
        });
    }
}
