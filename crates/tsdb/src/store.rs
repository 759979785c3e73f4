use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use assurance_metrics_model::{
    AppendErrorKind, Duration, Labels, QueryError, Queryable, Selection, Series, TimeRange, Timestamp, Value,
};

use crate::appender::{Committed, HeadAppender};
use crate::index::{Id, Index, MAX_SLOTS};
use crate::series::{Entry, Snapshot};

/// How much a [`Store`] may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How long samples are kept; 90 days by default.
    pub retention: Duration,
    /// Series that may exist at once; 1,000,000 by default, which is some 700 MB with a few samples each.
    pub max_series: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { retention: Duration::from_secs(90 * 86_400), max_series: 1_000_000 }
    }
}

/// What a store holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Series in the index.
    pub series: usize,
    /// Chunks, open ones among them.
    pub chunks: usize,
    /// Samples that can be read.
    pub samples: u64,
    /// Samples ever committed.
    pub appended: u64,
    /// Bytes of index and chunks, without the allocator's own.
    pub bytes: usize,
    /// The oldest sample.
    pub min_time: Option<Timestamp>,
    /// The newest sample.
    pub max_time: Option<Timestamp>,
}

/// What [`Store::apply_retention`] removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Samples, in whole chunks.
    pub samples: u64,
    /// Series of which nothing was left.
    pub series: usize,
}

/// Samples of many series in memory. Shared behind an [`Arc`]: readers and writers work side by side.
#[derive(Debug)]
pub struct Store {
    config: Config,
    index: RwLock<Index>,
    /// Held for reading while a selection takes its snapshots and for writing during a commit, so that a
    /// selection sees whole commits. Always taken after `index`.
    commits: RwLock<()>,
    batches: AtomicU64,
    appended: AtomicU64,
}

impl Store {
    /// An empty store.
    pub fn new(mut config: Config) -> Self {
        config.max_series = config.max_series.min(MAX_SLOTS);
        Self {
            config,
            index: RwLock::default(),
            commits: RwLock::default(),
            batches: AtomicU64::new(0),
            appended: AtomicU64::new(0),
        }
    }

    /// The limits given.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Collects samples to be committed together.
    pub fn appender(&self) -> HeadAppender<'_> {
        HeadAppender::new(self, &self.batches)
    }

    /// Drops chunks that ended before `now` less the retention, and series of which nothing is left.
    pub fn apply_retention(&self, now: Timestamp) -> Dropped {
        let oldest = now - self.config.retention;
        let mut samples = 0;
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let _commits = self.commits.write().unwrap_or_else(PoisonError::into_inner);
        let series = index.remove_where(|entry| {
            let mut state = entry.state();
            samples += state.drop_before(oldest);
            state.retire_if_empty()
        });
        Dropped { samples, series }
    }

    /// Counts what is held; visits every series.
    pub fn stats(&self) -> Stats {
        let index = self.index();
        let mut stats = Stats {
            series: index.len(),
            appended: self.appended.load(Ordering::Relaxed),
            bytes: index.heap_bytes(),
            ..Stats::default()
        };
        for entry in index.iter() {
            let state = entry.state();
            stats.chunks += state.chunks();
            stats.samples += state.samples();
            stats.bytes += state.heap_bytes();
            stats.min_time = match (stats.min_time, state.oldest()) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            stats.max_time = stats.max_time.max(state.newest().map(|(at, _)| at));
        }
        stats
    }

    /// How many series are in the index: cheap, for metrics.
    pub fn series_count(&self) -> usize {
        self.index().len()
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        // A panic inside leaves the index as it was or with one series more: it stays usable.
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn find_or_create(
        &self,
        hint: Option<Id>,
        labels: &Labels,
    ) -> Result<(Id, Arc<Entry>), AppendErrorKind> {
        {
            let index = self.index();
            if let Some(id) = hint
                && let Some(entry) = index.get(id)
            {
                return Ok((id, Arc::clone(entry)));
            }
            if let Some((id, entry)) = index.find(labels) {
                return Ok((id, Arc::clone(entry)));
            }
        }
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((id, entry)) = index.find(labels) {
            return Ok((id, Arc::clone(entry)));
        }
        if index.len() >= self.config.max_series {
            return Err(AppendErrorKind::TooManySeries { limit: self.config.max_series });
        }
        Ok(index.insert(labels))
    }

    pub(crate) fn commit(&self, batch: u64, pending: Vec<(Arc<Entry>, Timestamp, Value)>) -> Committed {
        let mut committed = Committed::default();
        let _commits = self.commits.write().unwrap_or_else(PoisonError::into_inner);
        for (entry, at, value) in pending {
            let mut state = entry.state();
            if state.push(at, &value) {
                committed.samples += 1;
            } else {
                committed.overtaken += 1;
            }
            state.clear_pending(batch);
        }
        self.appended.fetch_add(committed.samples as u64, Ordering::Relaxed);
        committed
    }

    /// The matching series that have a sample inside the range, as they are now, sorted by labels.
    fn snapshots(&self, selection: &Selection<'_>) -> Vec<Snapshot> {
        let index = self.index();
        let entries = index.select(selection.matchers);
        let mut found: Vec<Snapshot> = {
            let _commits = self.commits.read().unwrap_or_else(PoisonError::into_inner);
            entries
                .into_iter()
                .filter_map(|entry| {
                    let parts = entry.state().snapshot(selection.range)?;
                    Some(Snapshot { labels: entry.labels.clone(), parts })
                })
                .collect()
        };
        drop(index);
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        found
    }
}

impl Queryable for Store {
    fn select(&self, selection: &Selection<'_>) -> Result<Vec<Box<dyn Series + '_>>, QueryError> {
        Ok(self.snapshots(selection).into_iter().map(|s| Box::new(s) as Box<dyn Series>).collect())
    }

    fn label_names(&self, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        if selection.matchers.is_empty() && selection.range == TimeRange::ALL {
            return Ok(self.index().label_names());
        }
        let found = self.snapshots(selection);
        let names: BTreeSet<&str> =
            found.iter().flat_map(|s| s.labels.iter()).map(|(name, _)| name).collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    fn label_values(&self, name: &str, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        if selection.matchers.is_empty() && selection.range == TimeRange::ALL {
            return Ok(self.index().label_values(name));
        }
        let found = self.snapshots(selection);
        let values: BTreeSet<&str> = found.iter().filter_map(|s| s.labels.get(name)).collect();
        Ok(values.into_iter().map(str::to_owned).collect())
    }
}
