//! What a query costs, counted at the store: for `stats`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration as StdDuration;

use assurance_metrics_model::{Column, Labels, Outline, QueryError, Queryable, Selection, Series, TimeRange};
use serde::Serialize;
use tokio::time::Instant;

/// `data.stats`
#[derive(Debug, Serialize)]
pub(crate) struct Stats {
    timings: Timings,
    samples: Samples,
}

/// Seconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Timings {
    eval_total_time: f64,
    /// Sorting is part of the evaluation here.
    result_sort_time: f64,
    query_preparation_time: f64,
    inner_eval_time: f64,
    exec_queue_time: f64,
    exec_total_time: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Samples {
    /// Read from the store, or told of in its summaries. Each counts once, however many steps it serves.
    total_queryable_samples: u64,
    /// Read for one selector and series at once, at most; what summaries tell of is not read.
    peak_samples: u64,
}

/// A store, and how much of it is read.
pub(crate) struct Counted<'a, Q> {
    store: &'a Q,
    samples: AtomicU64,
    peak: AtomicU64,
    selecting_micros: AtomicU64,
}

impl<'a, Q> Counted<'a, Q> {
    pub(crate) fn new(store: &'a Q) -> Self {
        Self {
            store,
            samples: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            selecting_micros: AtomicU64::new(0),
        }
    }

    pub(crate) fn stats(&self, queued: StdDuration, evaluated: StdDuration) -> Stats {
        let prepared = StdDuration::from_micros(self.selecting_micros.load(Ordering::Relaxed));
        Stats {
            timings: Timings {
                eval_total_time: evaluated.as_secs_f64(),
                result_sort_time: 0.0,
                query_preparation_time: prepared.as_secs_f64(),
                inner_eval_time: evaluated.saturating_sub(prepared).as_secs_f64(),
                exec_queue_time: queued.as_secs_f64(),
                exec_total_time: (queued + evaluated).as_secs_f64(),
            },
            samples: Samples {
                total_queryable_samples: self.samples.load(Ordering::Relaxed),
                peak_samples: self.peak.load(Ordering::Relaxed),
            },
        }
    }

    fn count(&self, samples: u64) {
        self.samples.fetch_add(samples, Ordering::Relaxed);
        self.peak.fetch_max(samples, Ordering::Relaxed);
    }
}

impl<Q: Queryable + Sync> Queryable for Counted<'_, Q> {
    fn select(&self, selection: &Selection<'_>) -> Result<Vec<Box<dyn Series + '_>>, QueryError> {
        let began = Instant::now();
        let found = self.store.select(selection)?;
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.selecting_micros.fetch_add(micros, Ordering::Relaxed);
        let counted = found
            .into_iter()
            .map(|series| Box::new(CountedSeries { series, counted: self }) as Box<dyn Series + '_>);
        Ok(counted.collect())
    }

    fn label_names(&self, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        self.store.label_names(selection)
    }

    fn label_values(&self, name: &str, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        self.store.label_values(name, selection)
    }
}

struct CountedSeries<'a, Q> {
    series: Box<dyn Series + 'a>,
    counted: &'a Counted<'a, Q>,
}

impl<Q: Sync> Series for CountedSeries<'_, Q> {
    fn labels(&self) -> &Labels {
        self.series.labels()
    }

    fn read(&self, range: TimeRange, into: &mut Column) -> Result<(), QueryError> {
        let before = into.len();
        self.series.read(range, into)?;
        self.counted.count((into.len() - before) as u64);
        Ok(())
    }

    fn outline(&self, into: &mut Outline) -> Result<bool, QueryError> {
        let filled = self.series.outline(into)?;
        if filled {
            let told = into.parts().iter().map(|(_, part)| part.count).sum();
            self.counted.samples.fetch_add(told, Ordering::Relaxed);
            self.counted.peak.fetch_max(into.size() as u64, Ordering::Relaxed);
        }
        Ok(filled)
    }
}
