//! From a store to lines, series after series, with the memory of a few of them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use assurance_exposition::{HistoryWriter, Unsayable};
use assurance_metrics_model::{
    Column, Duration, Labels, Matcher, QueryError, Queryable as _, Selection, TimeRange, Timestamp,
};
use assurance_tsdb::Store;

/// Samples that are held at once: 16 bytes each, 128 MiB. A series with more of them is held alone, and day by day.
const MAX_SAMPLES: usize = 8 << 20;

/// The time that is read at once, which is what a file of the store has.
const DAY: Duration = Duration::from_secs(86_400);

/// Prometheus's ordinary NaN, which is what readers make of all.
const ORDINARY_NAN: u64 = 0x7ff8_0000_0000_0001;

/// What was written, and what was not.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) written: u64,
    pub(super) series: u64,
    pub(super) stale: u64,
    pub(super) histograms: u64,
    /// NaNs that read back as others.
    pub(super) payloads: u64,
    pub(super) unsayable: Option<(Labels, Unsayable)>,
    pub(super) unsayable_count: u64,
}

impl Left {
    pub(super) fn is_complete(&self, stale_as_nan: bool) -> bool {
        let Self { stale, histograms, payloads, unsayable_count, .. } = self;
        histograms + payloads + unsayable_count + if stale_as_nan { 0 } else { *stale } == 0
    }
}

#[derive(Debug)]
pub(super) enum WalkError {
    Read(QueryError),
    Write(io::Error),
}

pub(super) struct Walk<'s> {
    store: &'s Store,
    /// Selectors of which a series must match one; all match where there are none.
    matches: Vec<Arc<[Matcher]>>,
    stale_as_nan: bool,
    first: Timestamp,
    last: Timestamp,
    left: Left,
}

/// Series in the order in which they are written, those of a metric together.
type Order = (String, Labels);

impl<'s> Walk<'s> {
    pub(super) fn new(store: &'s Store, mut matches: Vec<Arc<[Matcher]>>, stale_as_nan: bool) -> Self {
        if matches.is_empty() {
            matches.push(Arc::default());
        }
        let stats = store.stats();
        // Where there is nothing, the last lies before the first.
        let first = stats.min_time.unwrap_or(Timestamp::from_millis(0));
        let last = stats.max_time.unwrap_or(Timestamp::from_millis(-1));
        Self { store, matches, stale_as_nan, first, last, left: Left::default() }
    }

    pub(super) fn between(&mut self, min: Option<Timestamp>, max: Option<Timestamp>) {
        self.first = min.map_or(self.first, |min| min.max(self.first));
        self.last = max.map_or(self.last, |max| max.min(self.last));
    }

    pub(super) fn write(mut self, out: impl Write) -> Result<Left, WalkError> {
        let mut writer = HistoryWriter::new(out);
        let series = self.series()?;
        let mut from = 0;
        let mut count = series.len();
        while from < series.len() {
            let until = series.len().min(from + count);
            let (read, written) = self.batch(&series[from..until], &mut writer)?;
            from += written;
            // As many as fitted, or more where there is room.
            count = if read * 2 < MAX_SAMPLES { written * 2 } else { written };
        }
        writer.finish().map_err(WalkError::Write)?;
        Ok(self.left)
    }

    /// All series that have samples to be written.
    fn series(&self) -> Result<Vec<Order>, WalkError> {
        let mut found: BTreeMap<Order, ()> = BTreeMap::new();
        for day in self.days() {
            for matchers in &self.matches {
                let selection = Selection { matchers, range: day };
                for series in self.store.select(&selection).map_err(WalkError::Read)? {
                    let labels = series.labels();
                    found.entry((labels.metric_name().to_owned(), labels.clone())).or_default();
                }
            }
        }
        Ok(found.into_keys().collect())
    }

    fn days(&self) -> impl Iterator<Item = TimeRange> + use<> {
        let (mut next, last) = (self.first, self.last);
        std::iter::from_fn(move || {
            let start = next;
            // Days as the store cuts them.
            let day = DAY.as_millis();
            let end = Timestamp::from_millis(start.as_millis().div_euclid(day).saturating_mul(day)) + DAY;
            next = end;
            (start <= last)
                .then(|| TimeRange::closed(start, last.min(Timestamp::from_millis(end.as_millis() - 1))))
        })
    }

    /// Writes the first of these series, as many as are held at once; how many samples that were, and series.
    fn batch(
        &mut self,
        series: &[Order],
        writer: &mut HistoryWriter<impl Write>,
    ) -> Result<(usize, usize), WalkError> {
        let mut held: BTreeMap<&Labels, Column> =
            series.iter().map(|(_, labels)| (labels, Column::new())).collect();
        let mut end = series.len();
        let mut begun = false;
        let mut samples = 0;
        for day in self.days() {
            for matchers in &self.matches {
                let selection = Selection { matchers, range: day };
                for one in self.store.select(&selection).map_err(WalkError::Read)? {
                    let Some(column) = held.get_mut(one.labels()) else { continue };
                    // Read by a selector before.
                    if column.timestamps().last().is_some_and(|last| *last > day.after) {
                        continue;
                    }
                    let before = column.len();
                    one.read(day, column).map_err(WalkError::Read)?;
                    samples += column.len() - before;
                }
            }
            while samples > MAX_SAMPLES && end > 1 {
                let gone = end.div_ceil(2)..end;
                end = gone.start;
                for (_, labels) in &series[gone] {
                    samples -= held.remove(labels).map_or(0, |column| column.len());
                }
            }
            if samples > MAX_SAMPLES {
                for (_, labels) in &series[..end] {
                    let column = held.entry(labels).or_default();
                    self.one(labels, column, !begun, writer)?;
                    column.clear();
                }
                (begun, samples) = (true, 0);
            }
        }
        for (_, labels) in &series[..end] {
            self.one(labels, &held.remove(labels).unwrap_or_default(), !begun, writer)?;
        }
        Ok((samples, end))
    }

    fn one(
        &mut self,
        labels: &Labels,
        column: &Column,
        begins: bool,
        writer: &mut HistoryWriter<impl Write>,
    ) -> Result<(), WalkError> {
        if let Err(reason) = writer.series(labels) {
            self.left.unsayable_count += u64::from(begins);
            self.left.unsayable.get_or_insert_with(|| (labels.clone(), reason));
            return Ok(());
        }
        self.left.series += u64::from(begins);
        for (n, (at, value)) in column.timestamps().iter().zip(column.floats()).enumerate() {
            if column.histogram(n).is_some() {
                self.left.histograms += 1;
                continue;
            }
            if column.is_stale(n) {
                self.left.stale += 1;
                if !self.stale_as_nan {
                    continue;
                }
            } else if value.is_nan() && value.to_bits() != ORDINARY_NAN {
                self.left.payloads += 1;
            }
            self.left.written += 1;
            writer.sample(*at, *value).map_err(WalkError::Write)?;
        }
        Ok(())
    }
}
