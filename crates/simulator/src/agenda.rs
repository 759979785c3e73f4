use std::collections::BTreeMap;

use assurance_metrics_model::Timestamp;

/// What is going to happen: by time, and what is planned for one instant in the order of planning.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    planned: BTreeMap<(Timestamp, u64), T>,
    number: u64,
}

impl<T> Agenda<T> {
    pub(crate) fn new() -> Self {
        Self { planned: BTreeMap::new(), number: 0 }
    }

    pub(crate) fn plan(&mut self, at: Timestamp, what: T) {
        self.number += 1;
        self.planned.insert((at, self.number), what);
    }

    /// When the first of it is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.planned.keys().next().map(|(at, _)| *at)
    }

    /// The first, if it is due.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<T> {
        let entry = self.planned.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }

    /// Forgets some of it.
    pub(crate) fn retain(&mut self, mut keeps: impl FnMut(&T) -> bool) {
        self.planned.retain(|_, what| keeps(what));
    }

    pub(crate) fn clear(&mut self) {
        self.planned.clear();
    }
}
