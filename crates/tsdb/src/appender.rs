use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use assurance_metrics_model::{AppendError, AppendErrorKind, Appender, Labels, SeriesRef, Timestamp, Value};

use crate::index::Id;
use crate::series::Entry;
use crate::store::Store;

/// Collects the samples of one scrape or one rule, and commits them together. Dropped without a commit, it
/// leaves no sample behind.
#[derive(Debug)]
pub struct HeadAppender<'a> {
    store: &'a Store,
    batch: u64,
    pending: Vec<(Arc<Entry>, Timestamp, Value)>,
}

/// What a commit did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Samples now visible.
    pub samples: usize,
    /// Samples that another appender overtook between append and commit: it committed a newer sample of the
    /// same series first. Zero where one writer owns its series, as scrapes and rule groups do.
    pub overtaken: usize,
}

impl<'a> HeadAppender<'a> {
    pub(crate) fn new(store: &'a Store, batches: &AtomicU64) -> Self {
        Self { store, batch: batches.fetch_add(1, Ordering::Relaxed), pending: Vec::new() }
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
        for (entry, ..) in &self.pending {
            entry.state().clear_pending(self.batch);
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
        let hint = hint.map(|SeriesRef(raw)| Id::from_raw(raw));
        loop {
            let (id, entry) = match self.store.find_or_create(hint, labels) {
                Ok(found) => found,
                Err(kind) => return refuse(kind),
            };
            debug_assert_eq!(&entry.labels, labels, "a hint goes with the labels it was given for");
            match self.offer(&entry, at, &value) {
                Ok(Offer::Taken) => self.pending.push((entry, at, value)),
                Ok(Offer::Same) => {}
                // Retention dropped the series after it was found: the next look-up makes a new one.
                Ok(Offer::Retired) => continue,
                Err(kind) => return refuse(kind),
            }
            return Ok(SeriesRef(id.to_raw()));
        }
    }
}

enum Offer {
    Taken,
    /// This very sample is there already.
    Same,
    Retired,
}

impl HeadAppender<'_> {
    fn offer(&self, entry: &Entry, at: Timestamp, value: &Value) -> Result<Offer, AppendErrorKind> {
        let mut state = entry.state();
        if state.is_retired() {
            return Ok(Offer::Retired);
        }
        match state.newest_for(self.batch) {
            Some((newest, same)) if newest == at && same == *value => return Ok(Offer::Same),
            Some((newest, _)) if newest == at => return Err(AppendErrorKind::DuplicateTimestamp),
            Some((newest, _)) if newest > at => return Err(AppendErrorKind::OutOfOrder { newest }),
            _ => {}
        }
        state.set_pending(self.batch, at, value.clone());
        Ok(Offer::Taken)
    }
}
