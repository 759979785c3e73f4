//! Sums and means of many histograms that lose little to rounding.

use super::Histogram;
use super::arithmetic::{CombineNotes, Incompatible, Parts};
use super::cell::{Cell as _, Compensated};

/// A sum of histograms that keeps what its additions have lost.
#[derive(Clone, Debug)]
pub struct CompensatedHistogram(Parts<Compensated>);

impl CompensatedHistogram {
    /// A sum of one.
    pub fn new(first: &Histogram) -> Self {
        Self(Parts::of(first, 1.0))
    }

    /// Adds one more.
    ///
    /// # Errors
    /// If one has exponential buckets and the other custom ones; nothing has changed then.
    pub fn add(&mut self, other: &Histogram) -> Result<CombineNotes, Incompatible> {
        self.0.absorb(other, 1.0)
    }

    /// Multiplies the sum so far.
    pub fn scale(&mut self, factor: f64) {
        self.0.each_cell(|cell| cell.scale(factor));
    }

    /// Divides the sum so far.
    pub fn divide(&mut self, by: f64) {
        self.0.each_cell(|cell| cell.divide(by));
    }

    /// The sum so far; its buckets are not compacted.
    pub fn total(&self) -> Histogram {
        self.0.totals()
    }

    fn largest(&mut self) -> f64 {
        let mut largest = 0.0f64;
        self.0.each_cell(|cell| largest = largest.max(cell.value().abs()));
        largest
    }
}

/// The mean of histograms: their sum divided by how many they are, unless that sum might overflow; then it is
/// kept as a running mean from there on.
#[derive(Clone, Debug)]
pub struct HistogramMean {
    sum: CompensatedHistogram,
    histograms: f64,
    running: bool,
}

impl HistogramMean {
    /// The mean of one.
    pub fn new(first: &Histogram) -> Self {
        Self { sum: CompensatedHistogram::new(first), histograms: 1.0, running: false }
    }

    /// Takes in one more.
    ///
    /// # Errors
    /// If one has exponential buckets and the other custom ones; nothing has changed then.
    pub fn add(&mut self, other: &Histogram) -> Result<CombineNotes, Incompatible> {
        self.sum.0.check(other)?;
        if !self.running && (self.sum.largest() + other.largest()).is_infinite() {
            self.sum.divide(self.histograms);
            self.running = true;
        }
        self.histograms += 1.0;
        if !self.running {
            return self.sum.add(other);
        }
        self.sum.scale((self.histograms - 1.0) / self.histograms);
        let mut share = other.clone();
        share.divide(self.histograms);
        self.sum.add(&share)
    }

    /// The mean so far; its buckets are not compacted.
    pub fn mean(&self) -> Histogram {
        let mut mean = self.sum.clone();
        if !self.running {
            mean.divide(self.histograms);
        }
        mean.total()
    }
}
