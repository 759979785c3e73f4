//! Buckets one by one, with their bounds.

use super::{Histogram, Span, bounds};

/// A bucket with its bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bucket {
    /// Where it begins.
    pub lower: f64,
    /// Where it ends.
    pub upper: f64,
    /// Whether a value equal to `lower` belongs to it.
    pub lower_inclusive: bool,
    /// Whether a value equal to `upper` belongs to it.
    pub upper_inclusive: bool,
    /// Observations in it.
    pub count: f64,
    /// Its place among the buckets of its side; 0 for the zero bucket.
    pub index: i32,
}

/// A bucket as Prometheus's HTTP API writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ApiBucket {
    /// Which bounds belong to it: 0 the upper one, 1 the lower one, 2 neither, 3 both.
    pub rule: u8,
    /// Where it begins.
    pub lower: f64,
    /// Where it ends.
    pub upper: f64,
    /// Observations in it.
    pub count: f64,
}

impl Bucket {
    /// As Prometheus's HTTP API writes it.
    pub const fn to_api(self) -> ApiBucket {
        let rule = match (self.lower_inclusive, self.upper_inclusive) {
            (false, true) => 0,
            (true, false) => 1,
            (false, false) => 2,
            (true, true) => 3,
        };
        ApiBucket { rule, lower: self.lower, upper: self.upper, count: self.count }
    }
}

/// The buckets of one side, from zero outwards (from below, with custom bounds); goes both ways.
#[derive(Clone, Debug)]
pub struct Buckets<'a> {
    schema: i32,
    bounds: &'a [f64],
    positive: bool,
    spans: &'a [Span],
    counts: &'a [f64],
    front: Cursor,
    back: Cursor,
}

/// Between two buckets.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    /// Which span it is in.
    span: usize,
    /// Buckets of that span before it.
    within: u32,
    /// Index of the bucket after it, if it were in that span.
    index: i32,
}

impl<'a> Buckets<'a> {
    fn new(histogram: &'a Histogram, positive: bool) -> Self {
        let (spans, counts) = if positive {
            (&histogram.positive_spans, &histogram.positive_counts)
        } else {
            (&histogram.negative_spans, &histogram.negative_counts)
        };
        let mut back = Cursor::default();
        let mut covered = 0usize;
        for (at, span) in spans.iter().enumerate() {
            let length = usize::try_from(span.length).unwrap_or(usize::MAX).min(counts.len() - covered);
            covered += length;
            // No longer than its span.
            let within = u32::try_from(length).unwrap_or(u32::MAX);
            let first = back.index.wrapping_add(span.offset);
            back = Cursor { span: at, within, index: first.wrapping_add_unsigned(within) };
        }
        let front = Cursor { span: 0, within: 0, index: spans.first().map_or(0, |span| span.offset) };
        let counts = &counts[..covered];
        Self { schema: histogram.schema, bounds: &histogram.bounds, positive, spans, counts, front, back }
    }

    fn bucket(&self, index: i32, count: f64) -> Bucket {
        let before = index.wrapping_sub(1);
        if self.schema == Histogram::CUSTOM_BUCKETS {
            return Bucket {
                lower: bounds::custom(before, self.bounds),
                upper: bounds::custom(index, self.bounds),
                lower_inclusive: index == 0,
                upper_inclusive: true,
                count,
                index,
            };
        }
        let (near, far) = (bounds::exponential(before, self.schema), bounds::exponential(index, self.schema));
        let (lower, upper) = if self.positive { (near, far) } else { (-far, -near) };
        Bucket { lower, upper, lower_inclusive: !self.positive, upper_inclusive: self.positive, count, index }
    }
}

impl Iterator for Buckets<'_> {
    type Item = Bucket;

    fn next(&mut self) -> Option<Bucket> {
        let (count, rest) = self.counts.split_first()?;
        self.counts = rest;
        while self.front.within >= self.spans.get(self.front.span)?.length {
            self.front.span += 1;
            self.front.within = 0;
            self.front.index = self.front.index.wrapping_add(self.spans.get(self.front.span)?.offset);
        }
        let index = self.front.index;
        self.front.within += 1;
        self.front.index = index.wrapping_add(1);
        Some(self.bucket(index, *count))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.counts.len(), Some(self.counts.len()))
    }
}

impl DoubleEndedIterator for Buckets<'_> {
    fn next_back(&mut self) -> Option<Bucket> {
        let (count, rest) = self.counts.split_last()?;
        self.counts = rest;
        while self.back.within == 0 {
            self.back.index = self.back.index.wrapping_sub(self.spans.get(self.back.span)?.offset);
            self.back.span = self.back.span.checked_sub(1)?;
            self.back.within = self.spans.get(self.back.span)?.length;
        }
        self.back.within -= 1;
        self.back.index = self.back.index.wrapping_sub(1);
        Some(self.bucket(self.back.index, *count))
    }
}

impl ExactSizeIterator for Buckets<'_> {}

impl Histogram {
    /// Positive buckets from zero outwards, or custom ones from below; empty ones within spans included.
    pub fn positive_buckets(&self) -> Buckets<'_> {
        Buckets::new(self, true)
    }

    /// Negative buckets from zero outwards, that is, falling; empty ones within spans included.
    pub fn negative_buckets(&self) -> Buckets<'_> {
        Buckets::new(self, false)
    }

    /// The bucket around zero.
    pub fn zero_bucket(&self) -> Bucket {
        Bucket {
            lower: -self.zero_threshold,
            upper: self.zero_threshold,
            lower_inclusive: true,
            upper_inclusive: true,
            count: self.zero_count,
            index: 0,
        }
    }

    /// All buckets from the most negative to the most positive, and back from the other end.
    ///
    /// The zero bucket is among them when it is populated, and those that reach into it end where it begins.
    pub fn all_buckets(&self) -> impl DoubleEndedIterator<Item = Bucket> + '_ {
        let zero = (self.zero_count > 0.0).then(|| self.zero_bucket());
        let threshold = self.zero_threshold;
        let outside = move |mut bucket: Bucket| {
            if bucket.upper < 0.0 && bucket.upper > -threshold {
                bucket.upper = -threshold;
            } else if bucket.lower > 0.0 && bucket.lower < threshold {
                bucket.lower = threshold;
            }
            bucket
        };
        let negative = self.negative_buckets().rev().map(outside);
        negative.chain(zero).chain(self.positive_buckets().map(outside))
    }

    /// Populated buckets as Prometheus's HTTP API writes them, from the most negative on.
    pub fn api_buckets(&self) -> Vec<ApiBucket> {
        self.all_buckets().filter(|bucket| bucket.count != 0.0).map(Bucket::to_api).collect()
    }
}
