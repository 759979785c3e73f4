use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use assurance_metrics_model::{
    AppendError, AppendErrorKind, Appender, Column, Histogram, Labels, SeriesRef, Timestamp, Value,
};
use hashbrown::HashMap;

use crate::index::Id;
use crate::series::Entry;
use crate::store::Store;

/// Collects the samples of one scrape, one rule or one message, and commits them together. Dropped without a
/// commit, it leaves no sample behind.
#[derive(Debug)]
pub struct HeadAppender<'a> {
    store: &'a Store,
    batch: u64,
    /// Samples before it are refused.
    oldest: Timestamp,
    pending: Vec<Pending>,
    /// Where a sample stands in `pending`, by series and time: kept once a sample came late, which may meet
    /// another one of its time.
    places: Option<HashMap<(usize, Timestamp), usize>>,
    scratch: Column,
}

/// A sample that waits for its commit.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) entry: Arc<Entry>,
    pub(crate) at: Timestamp,
    pub(crate) value: Value,
}

impl Pending {
    /// A number for the series: its entry lives as long as this does.
    pub(crate) fn series(&self) -> usize {
        Arc::as_ptr(&self.entry).addr()
    }
}

/// What a commit did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Samples now visible.
    pub samples: usize,
    /// Samples that another appender overtook between append and commit: it committed a newer sample of the
    /// same series first, or another value for the same time. Zero where one writer owns its series, as
    /// scrapes and rule groups do.
    pub overtaken: usize,
}

impl<'a> HeadAppender<'a> {
    pub(crate) fn new(store: &'a Store, batches: &AtomicU64, oldest: Timestamp) -> Self {
        Self {
            store,
            batch: batches.fetch_add(1, Ordering::Relaxed),
            oldest,
            pending: store.spare(),
            places: None,
            scratch: Column::new(),
        }
    }

    /// Makes the samples visible, all at once.
    pub fn commit(mut self) -> Committed {
        let pending = std::mem::take(&mut self.pending);
        self.store.commit(self.batch, pending)
    }

    /// Samples collected so far.
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether none is collected yet.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

impl Drop for HeadAppender<'_> {
    fn drop(&mut self) {
        for Pending { entry, .. } in &self.pending {
            entry.state().release(self.batch);
        }
    }
}

impl Appender for HeadAppender<'_> {
    fn append(
        &mut self,
        hint: Option<SeriesRef>,
        labels: &Labels,
        at: Timestamp,
        value: Value,
    ) -> Result<SeriesRef, AppendError> {
        let refuse = |kind| Err(AppendError { labels: labels.clone(), at, kind });
        if labels.is_empty() {
            return refuse(AppendErrorKind::NoLabels);
        }
        if at < self.oldest {
            return refuse(AppendErrorKind::OutOfBounds { oldest: self.oldest });
        }
        let hint = hint.map(|SeriesRef(raw)| Id::from_raw(raw));
        loop {
            let (id, entry) = match self.store.find_or_create(hint, labels) {
                Ok(found) => found,
                Err(kind) => return refuse(kind),
            };
            debug_assert_eq!(&entry.labels, labels, "a hint goes with the labels it was given for");
            match self.offer(&entry, at, &value) {
                Ok(Offer::Taken) => self.keep(Pending { entry, at, value }),
                Ok(Offer::Same) => {}
                // Retention dropped the series after it was found: the next look-up makes a new one.
                Ok(Offer::Retired) => continue,
                Err(kind) => return refuse(kind),
            }
            return Ok(SeriesRef(id.to_raw()));
        }
    }
}

/// Equal to the bit, but for what the store has found out about a reset since.
pub(crate) fn same(held: &Value, value: &Value) -> bool {
    match (held, value) {
        (Value::Histogram(held), Value::Histogram(given)) if held.reset_hint != given.reset_hint => {
            held.same_bits(&Histogram { reset_hint: held.reset_hint, ..(**given).clone() })
        }
        _ => held == value,
    }
}

enum Offer {
    Taken,
    /// This very sample is there already.
    Same,
    Retired,
}

impl Offer {
    /// What is to be done where a sample of this time is there.
    fn beside(held: &Value, value: &Value) -> Result<Self, AppendErrorKind> {
        if same(held, value) { Ok(Self::Same) } else { Err(AppendErrorKind::DuplicateTimestamp) }
    }
}

impl HeadAppender<'_> {
    fn offer(&mut self, entry: &Arc<Entry>, at: Timestamp, value: &Value) -> Result<Offer, AppendErrorKind> {
        let mut state = entry.state();
        if state.is_retired() {
            return Ok(Offer::Retired);
        }
        let sealed = self.store.sealed_newest(&entry.labels, at)?;
        let pending = state.pending_of(self.batch).and_then(|place| self.pending.get(place));
        // What it holds itself is newer than what is committed.
        let newest = pending.map_or_else(|| state.newest(), |own| Some((own.at, own.value.clone())));
        let newest = [newest, sealed].into_iter().flatten().max_by_key(|(at, _)| *at);
        match newest {
            Some((newest, held)) if newest == at => return Offer::beside(&held, value),
            Some((newest, _)) if newest > at => {
                let is_late = at < newest - self.store.config().out_of_order_window;
                // A clock that was ahead for a while must not silence the series until then.
                if is_late && !self.store.is_ahead(newest) {
                    return Err(AppendErrorKind::OutOfOrder { newest });
                }
                if let Some(held) = state.value_at(at, &mut self.scratch) {
                    return Offer::beside(&held, value);
                }
                if let Some(held) = self.store.sealed_value(&entry.labels, at)? {
                    return Offer::beside(&held, value);
                }
                if let Some(held) = pending_at(&mut self.places, &self.pending, entry, at) {
                    return Offer::beside(held, value);
                }
            }
            _ => state.set_pending(self.batch, self.pending.len()),
        }
        state.hold();
        Ok(Offer::Taken)
    }

    fn keep(&mut self, pending: Pending) {
        if let Some(places) = &mut self.places {
            places.insert((pending.series(), pending.at), self.pending.len());
        }
        self.pending.push(pending);
    }
}

/// The value that waits to be committed for a series and time.
fn pending_at<'p>(
    places: &mut Option<HashMap<(usize, Timestamp), usize>>,
    pending: &'p [Pending],
    entry: &Arc<Entry>,
    at: Timestamp,
) -> Option<&'p Value> {
    let places = places
        .get_or_insert_with(|| pending.iter().enumerate().map(|(n, p)| ((p.series(), p.at), n)).collect());
    let place = *places.get(&(Arc::as_ptr(entry).addr(), at))?;
    pending.get(place).map(|pending| &pending.value)
}
