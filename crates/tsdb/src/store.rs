use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use assurance_metrics_model::{
    AppendErrorKind, Duration, Labels, Matcher, QueryError, Queryable, Selection, Series, TimeRange,
    Timestamp,
};

use crate::appender::{Committed, HeadAppender, Pending};
use crate::durable::Durable;
use crate::horizon::Horizon;
use crate::index::{Id, Index, MAX_SLOTS};
use crate::merged::{Merged, merge};
use crate::selections::{Found, Selections};
use crate::series::{Entry, Snapshot};

/// The oldest time a sample may have: the one before it lies outside of every left-open range.
const OLDEST: Timestamp = Timestamp::from_millis(i64::MIN + 1);

/// Most samples that room is kept for between commits: 32 bytes each, so half a MiB.
const MAX_SPARE: usize = 16_384;
/// How far ahead of the clock a sample may be: the clocks of two machines differ by less.
const MOST_AHEAD: Duration = Duration::from_minutes(10);

/// How much a [`Store`] may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How long samples are kept, counted from the newest one; 90 days by default.
    pub retention: Duration,
    /// How much older than its series' newest sample a sample may come; nothing by default, as in Prometheus.
    pub out_of_order_window: Duration,
    /// Bytes that log and segments may take; the oldest segments go first. Not bounded by default.
    pub max_bytes: Option<u64>,
    /// Series that may exist at once; 2,000,000 by default: a thousand targets of a thousand series each, twice over.
    /// A million of them take some GB with a day's samples.
    pub max_series: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            retention: Duration::from_secs(90 * 86_400),
            out_of_order_window: Duration::ZERO,
            max_bytes: None,
            max_series: 2_000_000,
        }
    }
}

/// What a store holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Series in memory: those that had samples since the last finished day.
    pub series: usize,
    /// Chunks, open ones and those of segments among them.
    pub chunks: usize,
    /// Samples that can be read; one that is both in memory and in a segment counts twice.
    pub samples: u64,
    /// Samples ever committed, those that a log gave back among them.
    pub appended: u64,
    /// Bytes of index and chunks in memory, without the allocator's own.
    pub bytes: usize,
    /// Segments: files of finished days.
    pub segments: usize,
    /// Their bytes.
    pub segment_bytes: u64,
    /// Samples in them.
    pub segment_samples: u64,
    /// Bytes written to the log since it was opened.
    pub log_bytes: u64,
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
    pub(crate) config: Config,
    pub(crate) index: RwLock<Index>,
    pub(crate) selections: Selections,
    /// Held for reading while a selection takes its snapshots and for writing during a commit, so that a
    /// selection sees whole commits. Always taken after `index`.
    pub(crate) commits: RwLock<()>,
    batches: AtomicU64,
    appended: AtomicU64,
    /// What the last commit came in, for the next one.
    spare: Mutex<Vec<Pending>>,
    /// Milliseconds of the newest sample ever committed.
    newest: AtomicI64,
    /// Milliseconds of the time before which retention has dropped samples.
    dropped: AtomicI64,
    /// What retention counts from.
    pub(crate) horizon: Horizon,
    /// Milliseconds of that, as of the last [`Store::apply_retention`].
    believed: AtomicI64,
    /// Milliseconds of the time then, if samples lay ahead of it.
    set_back: AtomicI64,
    /// The files beside it, where there are some.
    pub(crate) durable: Option<Durable>,
}

impl Store {
    /// An empty store in memory only.
    pub fn new(mut config: Config) -> Self {
        config.max_series = config.max_series.min(MAX_SLOTS);
        Self {
            config,
            index: RwLock::default(),
            selections: Selections::default(),
            commits: RwLock::default(),
            batches: AtomicU64::new(0),
            appended: AtomicU64::new(0),
            spare: Mutex::default(),
            newest: AtomicI64::new(i64::MIN),
            dropped: AtomicI64::new(OLDEST.as_millis()),
            horizon: Horizon::default(),
            believed: AtomicI64::new(i64::MAX),
            set_back: AtomicI64::new(i64::MAX),
            durable: None,
        }
    }

    /// The limits given.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Collects samples to be committed together. What is older than the last
    /// [`Store::apply_retention`] kept is refused.
    pub fn appender(&self) -> HeadAppender<'_> {
        let oldest = Timestamp::from_millis(self.dropped.load(Ordering::Relaxed));
        HeadAppender::new(self, &self.batches, oldest)
    }

    /// As [`Store::appender`], for samples of any age: what retention would drop if it were applied now is
    /// refused as well, so that nothing is taken only to be dropped.
    pub fn appender_at(&self, now: Timestamp) -> HeadAppender<'_> {
        let dropped = Timestamp::from_millis(self.dropped.load(Ordering::Relaxed));
        HeadAppender::new(self, &self.batches, self.oldest_kept(now).max(dropped))
    }

    /// The newest sample ever committed.
    pub(crate) fn newest(&self) -> Timestamp {
        Timestamp::from_millis(self.newest.load(Ordering::Relaxed))
    }

    fn oldest_kept(&self, now: Timestamp) -> Timestamp {
        let believed = Timestamp::from_millis(self.believed.load(Ordering::Relaxed));
        (self.newest().min(now).min(believed) - self.config.retention).max(OLDEST)
    }

    /// How much later than `now` the newest sample is, where that is more than clocks differ: time was set back.
    pub(crate) fn ahead_of(&self, now: Timestamp) -> Option<Duration> {
        let ahead = self.newest() - now;
        (ahead > MOST_AHEAD).then_some(ahead)
    }

    /// Whether a sample of this time lies ahead of the clock, and must not keep others from being taken.
    pub(crate) fn is_ahead(&self, at: Timestamp) -> bool {
        at > Timestamp::from_millis(self.set_back.load(Ordering::Relaxed)).saturating_add(MOST_AHEAD)
    }

    /// How much later the newest sample, or `now` if that is earlier, is than the time that retention counts from:
    /// while a clock that went far ahead is not believed.
    pub(crate) fn doubted(&self, now: Timestamp) -> Option<Duration> {
        let believed = Timestamp::from_millis(self.believed.load(Ordering::Relaxed));
        let doubted = self.newest().min(now) - believed;
        (doubted > Duration::ZERO).then_some(doubted)
    }

    /// Drops chunks whose samples are all older than the retention allows, and series of which nothing is
    /// left. The retention counts from the newest sample, or from `now` if that is earlier: a store that is
    /// filled with the past keeps it until something newer comes. What comes after more than a day without any sample
    /// counts once it has lasted for a day: a clock that is wrong costs nothing meanwhile. Segments go as a whole;
    /// their files are removed by [`Store::maintain`], once nobody reads them.
    pub fn apply_retention(&self, now: Timestamp) -> Dropped {
        let set_back = self.ahead_of(now).map_or(i64::MAX, |_| now.as_millis());
        self.set_back.store(set_back, Ordering::Relaxed);
        let newest = self.newest().min(now);
        if newest > Timestamp::MIN {
            self.believed.store(self.horizon.advance(newest).as_millis(), Ordering::Relaxed);
        }
        let oldest = self.oldest_kept(now);
        self.dropped.fetch_max(oldest.as_millis(), Ordering::Relaxed);
        let mut samples = 0;
        let mut series = 0;
        // Mostly nothing is due, and nobody waits for a look.
        if self.index().iter().any(|entry| entry.state().has_anything_before(oldest)) {
            let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
            let _commits = self.commits.write().unwrap_or_else(PoisonError::into_inner);
            series = index.remove_where(|entry| {
                let mut state = entry.state();
                samples += state.drop_before(oldest);
                state.retire_if_empty()
            });
        }
        if series > 0 {
            self.selections.forget();
        }
        if let Some(durable) = &self.durable {
            let gone = durable.segments.remove_where(|segment| segment.last() < oldest);
            samples += gone.iter().map(|segment| segment.samples()).sum::<u64>();
        }
        Dropped { samples, series }
    }

    /// Samples up to this time are gone, whatever the retention says.
    pub(crate) fn note_dropped(&self, last: Timestamp) {
        self.dropped.fetch_max(last.as_millis().saturating_add(1), Ordering::Relaxed);
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
        if let Some(durable) = &self.durable {
            durable.count(&mut stats);
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

    /// An empty list for samples, with room for as many as a commit had lately.
    pub(crate) fn spare(&self) -> Vec<Pending> {
        std::mem::take(&mut *self.spare.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn commit(&self, batch: u64, mut pending: Vec<Pending>) -> Committed {
        let takes_late = !self.config.out_of_order_window.is_zero() || self.is_ahead(self.newest());
        // Held until the samples are visible, so that they become so in the order of the log.
        let _log = self.durable.as_ref().map(|durable| durable.write(&pending, takes_late));
        let committed = self.make_visible(Some(batch), &mut pending, takes_late);
        if pending.capacity() <= MAX_SPARE {
            *self.spare.lock().unwrap_or_else(PoisonError::into_inner) = pending;
        }
        committed
    }

    pub(crate) fn make_visible(
        &self,
        batch: Option<u64>,
        pending: &mut Vec<Pending>,
        takes_late: bool,
    ) -> Committed {
        let mut committed = Committed::default();
        let mut newest = i64::MIN;
        let mut late = Vec::new();
        let _commits = self.commits.write().unwrap_or_else(PoisonError::into_inner);
        for sample in pending.drain(..) {
            let mut state = sample.entry.state();
            if let Some(batch) = batch {
                state.release(batch);
            }
            newest = newest.max(sample.at.as_millis());
            if state.push(sample.at, &sample.value) {
                committed.samples += 1;
            } else {
                drop(state);
                late.push(sample);
            }
        }
        if takes_late {
            self.merge(late, &mut committed);
        } else {
            committed.overtaken += late.len();
        }
        self.note_committed(committed.samples as u64, newest);
        committed
    }

    pub(crate) fn note_committed(&self, samples: u64, newest: i64) {
        self.appended.fetch_add(samples, Ordering::Relaxed);
        self.newest.fetch_max(newest, Ordering::Relaxed);
    }

    /// Commits samples that are not newer than what their series hold, one series after the other.
    fn merge(&self, mut late: Vec<Pending>, committed: &mut Committed) {
        late.sort_by_key(|sample| (sample.series(), sample.at));
        for group in late.chunk_by(|a, b| a.series() == b.series()) {
            let samples: Vec<_> = group.iter().map(|sample| (sample.at, sample.value.clone())).collect();
            let merged = group[0].entry.state().merge(&samples);
            committed.samples += merged.taken;
            committed.overtaken += merged.overtaken;
        }
    }

    /// Whether the index of what is in memory answers for all series.
    fn is_all_in_memory(&self, selection: &Selection<'_>) -> bool {
        let has_segments = self.durable.as_ref().is_some_and(|durable| !durable.segments.all().is_empty());
        selection.matchers.is_empty() && selection.range == TimeRange::ALL && !has_segments
    }

    /// The matching series, sorted by labels.
    fn found(&self, index: &Index, matchers: &[Matcher]) -> Found {
        self.selections.get(index.generation(), matchers, || {
            let mut found: Vec<Arc<Entry>> = index.select(matchers).into_iter().map(Arc::clone).collect();
            found.sort_by(|a, b| a.labels.cmp(&b.labels));
            found.into()
        })
    }

    /// The matching series that have a sample inside the range, as they are now, sorted by labels.
    fn selected(&self, selection: &Selection<'_>) -> Result<Selected, QueryError> {
        let (head, sealed) = {
            // Held until the snapshots are taken: a series that comes meanwhile would be missing from its commit.
            let index = self.index();
            let found = self.found(&index, selection.matchers);
            let _commits = self.commits.read().unwrap_or_else(PoisonError::into_inner);
            let snapshot = |entry: &Arc<Entry>| {
                let chunks = entry.state().snapshot(selection.range)?;
                Some(Snapshot { labels: entry.labels.clone(), chunks })
            };
            let head: Vec<Snapshot> = found.iter().filter_map(snapshot).collect();
            // At the same moment: what memory lets go of is in the list before.
            let all = self.durable.as_ref().map(|durable| durable.segments.all());
            let overlapping = all.iter().flat_map(|all| all.iter()).filter(|s| s.overlaps(selection.range));
            (head, overlapping.cloned().collect::<Vec<_>>())
        };
        match &self.durable {
            Some(durable) if !sealed.is_empty() => {
                merge(head, &durable.segments, &sealed, selection).map(Selected::Merged)
            }
            _ => Ok(Selected::Head(head)),
        }
    }
}

/// What a selection found.
enum Selected {
    /// In memory only.
    Head(Vec<Snapshot>),
    Merged(Vec<Merged>),
}

impl Selected {
    fn labels(&self) -> Vec<&Labels> {
        match self {
            Self::Head(all) => all.iter().map(|series| &series.labels).collect(),
            Self::Merged(all) => all.iter().map(Series::labels).collect(),
        }
    }
}

impl Queryable for Store {
    fn select(&self, selection: &Selection<'_>) -> Result<Vec<Box<dyn Series + '_>>, QueryError> {
        Ok(match self.selected(selection)? {
            Selected::Head(all) => all.into_iter().map(|s| Box::new(s) as Box<dyn Series>).collect(),
            Selected::Merged(all) => all.into_iter().map(|s| Box::new(s) as Box<dyn Series>).collect(),
        })
    }

    fn label_names(&self, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        if self.is_all_in_memory(selection) {
            return Ok(self.index().label_names());
        }
        let found = self.selected(selection)?;
        let names: BTreeSet<&str> =
            found.labels().into_iter().flat_map(Labels::iter).map(|(name, _)| name).collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    fn label_values(&self, name: &str, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        if self.is_all_in_memory(selection) {
            return Ok(self.index().label_values(name));
        }
        let found = self.selected(selection)?;
        let values: BTreeSet<&str> = found.labels().into_iter().filter_map(|l| l.get(name)).collect();
        Ok(values.into_iter().map(str::to_owned).collect())
    }
}
