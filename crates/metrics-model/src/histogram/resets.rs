//! Whether a counter histogram was reset between two samples.

use super::arithmetic::{Parts, common_bounds};
use super::side::Side;
use super::{Histogram, ResetHint};

impl Histogram {
    /// Whether a counter histogram was reset between `previous` and this.
    ///
    /// The hint decides if it is [`ResetHint::Reset`] or [`ResetHint::NoReset`]. Otherwise it was if any count
    /// fell, a bucket is missing, or the layout changed in a way that no joining of buckets explains. Custom
    /// buckets with other bounds are compared by the bounds that both have.
    pub fn detect_reset(&self, previous: &Self) -> bool {
        match self.reset_hint {
            ResetHint::Reset => true,
            ResetHint::NoReset => false,
            ResetHint::Unknown | ResetHint::Gauge => self.has_fallen(previous),
        }
    }

    /// What a store knows of a reset before this histogram, given the sample before it: what was said, or else
    /// what comparing the two tells. Nothing where they are laid out in different ways, as where a series
    /// begins. Prometheus's chunks keep the same (`CounterResetHeader`).
    pub fn hint_after(&self, before: Option<&Self>) -> ResetHint {
        if self.is_stale() || matches!(self.reset_hint, ResetHint::Gauge | ResetHint::Reset) {
            return self.reset_hint;
        }
        let alike = before.filter(|before| {
            !before.is_stale()
                && before.reset_hint != ResetHint::Gauge
                && before.schema == self.schema
                && before.bounds == self.bounds
                && before.zero_threshold.total_cmp(&self.zero_threshold).is_eq()
        });
        match alike {
            Some(before) if self.detect_reset(before) => ResetHint::Reset,
            Some(_) => ResetHint::NoReset,
            None => ResetHint::Unknown,
        }
    }

    fn has_fallen(&self, previous: &Self) -> bool {
        if self.count < previous.count || self.uses_custom_buckets() != previous.uses_custom_buckets() {
            return true;
        }
        if self.uses_custom_buckets() {
            return self.custom_buckets_have_fallen(previous);
        }
        if self.schema == previous.schema
            && self.zero_threshold == previous.zero_threshold
            && self.positive_spans == previous.positive_spans
            && self.negative_spans == previous.negative_spans
        {
            return self.zero_count < previous.zero_count
                || any_fell(&self.positive_counts, &previous.positive_counts)
                || any_fell(&self.negative_counts, &previous.negative_counts);
        }
        self.other_buckets_have_fallen(previous)
    }

    fn custom_buckets_have_fallen(&self, previous: &Self) -> bool {
        if self.bounds == previous.bounds {
            return buckets_fell(&self.positive_side(), &previous.positive_side());
        }
        let common = common_bounds(&self.bounds, &previous.bounds);
        let poured = |histogram: &Self| {
            let mut cells = vec![0.0; common.len() + 1];
            histogram.positive_side().pour(&histogram.bounds, &common, &mut cells);
            cells
        };
        any_fell(&poured(self), &poured(previous))
    }

    fn other_buckets_have_fallen(&self, previous: &Self) -> bool {
        // Without a new start, a counter's resolution does not get finer.
        if self.schema > previous.schema {
            return true;
        }
        let mut before = Parts::<f64>::of(previous, 1.0);
        if before.zero_threshold < self.zero_threshold {
            before.widen_zero_bucket(self.zero_threshold);
        }
        // Nor does its zero bucket get narrower, or end within what was a bucket.
        if before.zero_threshold != self.zero_threshold || self.zero_count < before.zero {
            return true;
        }
        before.reduce(self.schema);
        let negative = Side::of(&self.negative_spans, &self.negative_counts, 1.0);
        buckets_fell(&self.positive_side(), &before.positive) || buckets_fell(&negative, &before.negative)
    }

    fn positive_side(&self) -> Side<f64> {
        Side::of(&self.positive_spans, &self.positive_counts, 1.0)
    }
}

fn any_fell(now: &[f64], before: &[f64]) -> bool {
    now.iter().zip(before).any(|(now, before)| now < before)
}

/// Whether a bucket has less than before, or is missing.
fn buckets_fell(now: &Side<f64>, before: &Side<f64>) -> bool {
    let mut now = now.iter().peekable();
    before.iter().any(|(index, count)| {
        while now.next_if(|(other, _)| *other < index).is_some() {}
        now.next_if(|(other, _)| *other == index).map_or(0.0, |(_, count)| count) < count
    })
}
