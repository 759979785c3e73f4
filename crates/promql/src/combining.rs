//! Sums and means of native histograms, and what is to be said of them.

use assurance_metrics_model::{CompensatedHistogram, Histogram, HistogramMean, Incompatible, ResetHint};

/// A histogram between two samples, at a share of the time from one to the other.
pub(crate) struct Between {
    pub(crate) histogram: Histogram,
    /// Custom bounds differed, and were brought together: in subtracting, in adding.
    pub(crate) reconciled: (bool, bool),
}

/// On the line between two histograms; of a counter that started anew, on the line from nothing to the later.
///
/// # Errors
/// If exponential and custom buckets meet.
pub(crate) fn between(
    before: &Histogram,
    after: &Histogram,
    share: f64,
    counter: bool,
) -> Result<Between, Incompatible> {
    let mut histogram = after.clone();
    if counter && after.detect_reset(before) {
        histogram.scale(share);
        return Ok(Between { histogram, reconciled: (false, false) });
    }
    let subtracted = histogram.subtract_assign(before)?.reconciled_bounds;
    histogram.scale(share);
    let added = histogram.add_assign(before)?.reconciled_bounds;
    Ok(Between { histogram, reconciled: (subtracted, added) })
}

/// Adds histograms up, or averages them.
pub(crate) struct HistogramSum {
    average: bool,
    state: State,
    reset: bool,
    not_reset: bool,
    reconciled: bool,
}

enum State {
    Empty,
    Sum(CompensatedHistogram),
    Mean(HistogramMean),
}

/// The sum or mean.
pub(crate) struct Aggregated {
    pub(crate) histogram: Histogram,
    /// Some histogram was known to follow a reset, and some other not to.
    pub(crate) collision: bool,
    /// Custom bounds differed, and were brought together.
    pub(crate) reconciled: bool,
}

impl HistogramSum {
    pub(crate) fn new(average: bool) -> Self {
        Self { average, state: State::Empty, reset: false, not_reset: false, reconciled: false }
    }

    /// # Errors
    /// If exponential and custom buckets meet.
    pub(crate) fn add(&mut self, histogram: &Histogram) -> Result<(), Incompatible> {
        self.reset |= histogram.reset_hint == ResetHint::Reset;
        self.not_reset |= histogram.reset_hint == ResetHint::NoReset;
        let notes = match &mut self.state {
            State::Sum(sum) => sum.add(histogram)?,
            State::Mean(mean) => mean.add(histogram)?,
            State::Empty if self.average => {
                self.state = State::Mean(HistogramMean::new(histogram));
                return Ok(());
            }
            State::Empty => {
                self.state = State::Sum(CompensatedHistogram::new(histogram));
                return Ok(());
            }
        };
        self.reconciled |= notes.reconciled_bounds;
        Ok(())
    }

    /// `None` where nothing was added.
    pub(crate) fn finish(self) -> Option<Aggregated> {
        let histogram = match self.state {
            State::Empty => return None,
            State::Sum(sum) => sum.total(),
            State::Mean(mean) => mean.mean(),
        };
        Some(Aggregated { histogram, collision: self.reset && self.not_reset, reconciled: self.reconciled })
    }
}
