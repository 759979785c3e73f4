//! The buckets on one side of zero: runs of indexes, and a cell for each.

use super::Span;
use super::bounds;
use super::cell::Cell;

/// Buckets in rising order of their indexes.
#[derive(Clone, Debug, Default)]
pub(super) struct Side<C> {
    pub(super) spans: Vec<Span>,
    pub(super) cells: Vec<C>,
}

/// The indexes that spans cover. Spans that make no sense give indexes that make none, and no panic.
pub(super) fn indexes(spans: &[Span]) -> impl Iterator<Item = i32> + '_ {
    let mut next = 0i32;
    spans.iter().flat_map(move |span| {
        let first = next.wrapping_add(span.offset);
        next = first.wrapping_add_unsigned(span.length);
        (0..span.length).map(move |within| first.wrapping_add_unsigned(within))
    })
}

/// The same runs, whatever empty spans or adjacent ones they are written with.
pub(super) fn same_runs(a: &[Span], b: &[Span]) -> bool {
    a == b || normal_runs(a).eq(normal_runs(b))
}

/// First index and the one after the last, of each run; adjacent spans joined.
fn normal_runs(spans: &[Span]) -> impl Iterator<Item = (i64, i64)> + '_ {
    let mut next = 0i64;
    let mut runs = spans
        .iter()
        .map(move |span| {
            let first = next + i64::from(span.offset);
            next = first + i64::from(span.length);
            (first, next)
        })
        .filter(|(first, end)| first < end)
        .peekable();
    std::iter::from_fn(move || {
        let (first, mut end) = runs.next()?;
        while let Some((_, further)) = runs.next_if(|(begins, _)| *begins == end) {
            end = further;
        }
        Some((first, end))
    })
}

impl<C: Cell> Side<C> {
    pub(super) fn of(spans: &[Span], counts: &[f64], sign: f64) -> Self {
        Self { spans: spans.to_vec(), cells: counts.iter().map(|c| C::of(sign * c)).collect() }
    }

    /// Index and cell of each bucket.
    pub(super) fn iter(&self) -> impl Iterator<Item = (i32, C)> + '_ {
        indexes(&self.spans).zip(self.cells.iter().copied())
    }

    /// Adds buckets, making those that are missing.
    pub(super) fn absorb(&mut self, spans: &[Span], cells: impl ExactSizeIterator<Item = C>) {
        if self.spans == spans && self.cells.len() == cells.len() {
            self.cells.iter_mut().zip(cells).for_each(|(mine, theirs)| mine.join(theirs));
            return;
        }
        let mut out = Builder::with_capacity(self.cells.len().max(cells.len()));
        let mut theirs = indexes(spans).zip(cells).peekable();
        for (index, mut cell) in self.iter() {
            while let Some((before, cell)) = theirs.next_if(|(other, _)| *other < index) {
                out.push(before, cell);
            }
            if let Some((_, same)) = theirs.next_if(|(other, _)| *other == index) {
                cell.join(same);
            }
            out.push(index, cell);
        }
        theirs.for_each(|(index, cell)| out.push(index, cell));
        *self = out.side;
    }

    /// Joins buckets until there are `2^steps` times fewer.
    pub(super) fn reduce(&mut self, steps: u32) {
        let mut out = Builder::with_capacity(self.cells.len());
        for (index, cell) in self.iter() {
            out.push((index.wrapping_sub(1) >> steps.min(31)).wrapping_add(1), cell);
        }
        *self = out.side;
    }

    /// Drops empty buckets, keeping up to `max_empty` neighbouring ones between others.
    pub(super) fn compact(&mut self, max_empty: usize) {
        if self.is_compact(max_empty) {
            return;
        }
        let mut out = Builder::with_capacity(self.cells.len());
        for (index, cell) in self.iter().filter(|(_, cell)| cell.value() != 0.0) {
            out.fill(index, max_empty);
            out.push(index, cell);
        }
        *self = out.side;
    }

    fn is_compact(&self, max_empty: usize) -> bool {
        let apart = |gap: i32| usize::try_from(gap).is_ok_and(|gap| gap > max_empty);
        self.cells.iter().all(|cell| cell.value() != 0.0)
            && self.spans.iter().all(|span| span.length > 0)
            && self.spans.iter().skip(1).all(|span| apart(span.offset))
    }

    /// Takes out the buckets that begin below `threshold`, giving what they held.
    pub(super) fn split_off_below(&mut self, threshold: f64, schema: i32) -> C {
        let mut swallowed = C::default();
        let mut out = Builder::with_capacity(self.cells.len());
        for (index, cell) in self.iter() {
            if bounds::exponential(index.wrapping_sub(1), schema) < threshold {
                swallowed.join(cell);
            } else {
                out.push(index, cell);
            }
        }
        *self = out.side;
        swallowed
    }

    /// The upper bound of the populated bucket that `threshold` falls into, if it falls inside of one.
    pub(super) fn end_of_bucket_around(&self, threshold: f64, schema: i32) -> Option<f64> {
        self.iter()
            .take_while(|(index, _)| bounds::exponential(index.wrapping_sub(1), schema) < threshold)
            .filter(|(_, cell)| cell.value() != 0.0)
            .map(|(index, _)| bounds::exponential(index, schema))
            .find(|upper| *upper > threshold)
    }

    /// Adds each bucket to the one of `target` (one for each bound, and one for what is above) that holds it.
    pub(super) fn pour(&self, own_bounds: &[f64], bounds: &[f64], target: &mut [C]) {
        for (index, cell) in self.iter() {
            let upper = bounds::custom(index, own_bounds);
            if let Some(held) = target.get_mut(bounds.partition_point(|bound| *bound < upper)) {
                held.join(cell);
            }
        }
    }

    /// From a cell for each index from 0, the empty ones left out.
    pub(super) fn from_dense(cells: &[C]) -> Self {
        let mut out = Builder::with_capacity(cells.len());
        for (index, cell) in (0..).zip(cells) {
            if cell.value() != 0.0 {
                out.push(index, *cell);
            }
        }
        out.side
    }
}

/// Puts buckets one after another, with as few spans as they need.
struct Builder<C> {
    side: Side<C>,
    /// The index after the last bucket.
    next: i64,
}

impl<C: Cell> Builder<C> {
    fn with_capacity(cells: usize) -> Self {
        Self { side: Side { spans: Vec::new(), cells: Vec::with_capacity(cells) }, next: 0 }
    }

    /// Adds a bucket, or to the last one if it is that.
    fn push(&mut self, index: i32, cell: C) {
        let gap = i64::from(index) - self.next;
        match (gap, self.side.spans.last_mut(), self.side.cells.last_mut()) {
            (-1, Some(_), Some(last)) => last.join(cell),
            (0, Some(span), _) => {
                span.length += 1;
                self.grow(cell);
            }
            _ => {
                self.side.spans.push(Span { offset: clamp(gap), length: 1 });
                self.next = i64::from(index);
                self.grow(cell);
            }
        }
    }

    fn grow(&mut self, cell: C) {
        self.side.cells.push(cell);
        self.next += 1;
    }

    /// Makes the gap up to `index` empty buckets if it is no longer than `max_empty`.
    fn fill(&mut self, index: i32, max_empty: usize) {
        let gap = i64::from(index) - self.next;
        if self.side.spans.is_empty() || !usize::try_from(gap).is_ok_and(|gap| gap <= max_empty) {
            return;
        }
        if let Some(span) = self.side.spans.last_mut() {
            span.length = span.length.saturating_add(u32::try_from(gap).unwrap_or(u32::MAX));
        }
        self.side.cells.extend(std::iter::repeat_n(C::default(), usize::try_from(gap).unwrap_or(0)));
        self.next = i64::from(index);
    }
}

fn clamp(gap: i64) -> i32 {
    i32::try_from(gap).unwrap_or(if gap < 0 { i32::MIN } else { i32::MAX })
}
