use std::hash::BuildHasher as _;

use assurance_metrics_model::{Labels, SeriesRef, Timestamp};
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use crate::birth::Role;

/// How many vanished counters a target remembers, so that one that comes back is not taken for new: 16 bytes
/// of value and time and a hash each, below 512 KiB a target. When full, the half that vanished
/// first is forgotten.
const MAX_REMEMBERED_COUNTERS: usize = 10_000;

/// A text that a series was exposed as, and what became of it.
#[derive(Debug)]
struct Raw {
    text: Box<[u8]>,
    /// `None` where relabelling drops it.
    series: Option<u32>,
    /// Number of the scrape that saw it last.
    seen: u32,
    /// Where it stood in the last scrape: where to look for its successor.
    position: u32,
}

/// A series of the target.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    pub(crate) reference: Option<SeriesRef>,
    /// Its value in the last scrape that succeeded.
    pub(crate) last: f64,
    /// Pairs a counter with its `_created`.
    pub(crate) link: u64,
    /// Number of the scrape that saw it last.
    pub(crate) seen: u32,
    pub(crate) role: Role,
    /// It was in the last scrape that succeeded.
    pub(crate) present: bool,
    /// Its newest sample is alive, and must be ended by a stale marker.
    pub(crate) alive: bool,
}

/// A counter that vanished.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    /// What it stood at, if the process that counts now is still the same.
    pub(crate) value: Option<f64>,
    pub(crate) written: Timestamp,
}

/// Finds the series for the bytes of a sample's line.
///
/// In steady state bodies repeat themselves: the k-th sample is the k-th sample of the last scrape, one
/// comparison of bytes. Otherwise a hash of the bytes finds it. Only text never seen is read as labels.
///
/// Holds exactly the texts of the last successful scrape that had a body, so that its size is bounded by that
/// body.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    raws: Slab<Raw>,
    by_text: HashTable<u32>,
    series: Slab<Series>,
    by_labels: HashTable<u32>,
    /// Texts of the last successful scrape in their order.
    order: Vec<u32>,
    hasher: DefaultHashBuilder,
    /// Counters that are no longer in `series`, by the fingerprint of their labels.
    gone: HashMap<u64, Gone>,
    /// Number of the scrape under way.
    scrape: u32,
}

/// Where the walk through a body stands, and what it added, so that a failed scrape can be undone.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    cursor: usize,
    order: Vec<u32>,
    new_raws: Vec<u32>,
    new_series: Vec<u32>,
    distinct: usize,
}

impl Walk {
    fn clear(&mut self) {
        self.cursor = 0;
        self.order.clear();
        self.new_raws.clear();
        self.new_series.clear();
        self.distinct = 0;
    }
}

/// What the cache knows of a sample's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Series(u32),
    Dropped,
    Unknown,
}

impl Cache {
    pub(crate) fn begin(&mut self, walk: &mut Walk) {
        walk.clear();
        self.scrape = self.scrape.wrapping_add(1);
    }

    /// The text that comes next if the body repeats the last one; empty if there is none.
    pub(crate) fn expected(&self, walk: &Walk) -> &[u8] {
        self.order.get(walk.cursor).map_or(&[], |id| &self.raws.get(*id).text)
    }

    /// Looks a text up and moves the walk past it.
    pub(crate) fn find(&mut self, walk: &mut Walk, text: &[u8]) -> Found {
        if let Some(id) = self.order.get(walk.cursor) {
            let raw = self.raws.get_mut(*id);
            if *raw.text == *text {
                walk.cursor += 1;
                walk.order.push(*id);
                raw.seen = self.scrape;
                return raw.series.map_or(Found::Dropped, Found::Series);
            }
        }
        let hash = self.hasher.hash_one(text);
        let Some(id) = self.by_text.find(hash, |id| *self.raws.get(*id).text == *text).copied() else {
            return Found::Unknown;
        };
        let raw = self.raws.get_mut(id);
        walk.cursor = raw.position as usize + 1;
        walk.order.push(id);
        raw.seen = self.scrape;
        raw.series.map_or(Found::Dropped, Found::Series)
    }

    /// Remembers a text that [`Cache::find`] did not know, and the series it stands for, if any.
    pub(crate) fn add(
        &mut self,
        walk: &mut Walk,
        text: &[u8],
        series: Option<(Labels, Role, u64)>,
    ) -> Option<u32> {
        let series = series.map(|(labels, role, link)| self.series_for(walk, labels, role, link));
        let raw = Raw { text: text.into(), series, seen: self.scrape, position: 0 };
        let id = self.raws.insert(raw);
        let hash = self.hasher.hash_one(text);
        let raws = &self.raws;
        let hasher = &self.hasher;
        self.by_text.insert_unique(hash, id, |id| hasher.hash_one(&*raws.get(*id).text));
        walk.order.push(id);
        walk.new_raws.push(id);
        series
    }

    fn series_for(&mut self, walk: &mut Walk, labels: Labels, role: Role, link: u64) -> u32 {
        let hash = self.hasher.hash_one(&labels);
        if let Some(id) = self.by_labels.find(hash, |id| self.series.get(*id).labels == labels) {
            return *id;
        }
        let series = Series {
            labels,
            reference: None,
            last: f64::NAN,
            link,
            // Not this one: it has not been counted yet.
            seen: self.scrape.wrapping_sub(1),
            role,
            present: false,
            alive: false,
        };
        let id = self.series.insert(series);
        let (all, hasher) = (&self.series, &self.hasher);
        self.by_labels.insert_unique(hash, id, |id| hasher.hash_one(&all.get(*id).labels));
        walk.new_series.push(id);
        id
    }

    /// Counts a series as seen in this scrape; `false` if it was already.
    pub(crate) fn see(&mut self, walk: &mut Walk, id: u32) -> bool {
        let series = self.series.get_mut(id);
        if series.seen == self.scrape {
            return false;
        }
        series.seen = self.scrape;
        walk.distinct += 1;
        true
    }

    pub(crate) fn series(&self, id: u32) -> &Series {
        self.series.get(id)
    }

    pub(crate) fn series_mut(&mut self, id: u32) -> &mut Series {
        self.series.get_mut(id)
    }

    pub(crate) fn all_series_mut(&mut self) -> impl Iterator<Item = &mut Series> {
        self.series.iter_mut()
    }

    /// How many series are remembered.
    pub(crate) fn len(&self) -> usize {
        self.series.len
    }

    /// What a counter stood at when it vanished.
    pub(crate) fn gone(&self, labels: &Labels) -> Option<Gone> {
        if self.gone.is_empty() { None } else { self.gone.get(&labels.fingerprint()).copied() }
    }

    /// A new process counts anew: what the old one hid says nothing of it.
    pub(crate) fn forget_gone(&mut self) {
        self.gone.clear();
    }

    fn remember_gone(gone: &mut HashMap<u64, Gone>, series: &Series, value: Option<f64>, at: Timestamp) {
        if gone.len() >= MAX_REMEMBERED_COUNTERS {
            // The older half at once, so that a body of ever new names costs no search for each of them.
            let mut times: Vec<Timestamp> = gone.values().map(|g| g.written).collect();
            let (_, median, _) = times.select_nth_unstable(MAX_REMEMBERED_COUNTERS / 2);
            let median = *median;
            gone.retain(|_, g| g.written > median);
        }
        gone.insert(series.labels.fingerprint(), Gone { value, written: at });
    }

    /// Undoes the walk of a scrape that failed.
    pub(crate) fn undo(&mut self, walk: &mut Walk) {
        for id in walk.new_raws.drain(..) {
            self.remove_raw(id);
        }
        for id in walk.new_series.drain(..) {
            self.remove_series(id);
        }
    }

    /// Makes the walk's body the one that the next is compared with. `vanished` is called for each series
    /// that is no longer there, and `keep` keeps what was not seen for a later scrape. If the process
    /// `restarted`, it does not hide what it does not show: it has not counted it yet.
    pub(crate) fn finish(
        &mut self,
        walk: &mut Walk,
        at: Timestamp,
        keep: bool,
        restarted: bool,
        mut vanished: impl FnMut(&mut Series),
    ) {
        if walk.distinct != self.series.len {
            for id in self.series.ids() {
                let Some(series) = self.series.try_get_mut(id).filter(|s| s.seen != self.scrape) else {
                    continue;
                };
                vanished(series);
                if series.present && series.role == Role::Counter {
                    let value = (!restarted).then_some(series.last);
                    Self::remember_gone(&mut self.gone, series, value, at);
                }
                series.present = false;
                if !keep {
                    self.remove_series(id);
                }
            }
        }
        if keep {
            return;
        }
        if !walk.new_raws.is_empty() || self.order != walk.order {
            for id in self.raws.ids() {
                if self.raws.try_get(id).is_some_and(|raw| raw.seen != self.scrape) {
                    self.remove_raw(id);
                }
            }
            for (position, id) in walk.order.iter().enumerate() {
                self.raws.get_mut(*id).position = u32::try_from(position).unwrap_or(u32::MAX);
            }
            std::mem::swap(&mut self.order, &mut walk.order);
        }
    }

    /// Forgets what texts mean, and keeps the series: relabelling changed.
    pub(crate) fn forget_texts(&mut self) {
        self.raws = Slab::default();
        self.by_text.clear();
        self.order.clear();
    }

    fn remove_raw(&mut self, id: u32) {
        if let Some(raw) = self.raws.remove(id) {
            let hash = self.hasher.hash_one(&*raw.text);
            if let Ok(entry) = self.by_text.find_entry(hash, |other| *other == id) {
                entry.remove();
            }
        }
    }

    fn remove_series(&mut self, id: u32) {
        if let Some(series) = self.series.remove(id) {
            let hash = self.hasher.hash_one(&series.labels);
            if let Ok(entry) = self.by_labels.find_entry(hash, |other| *other == id) {
                entry.remove();
            }
        }
    }
}

/// Items with small, stable numbers.
#[derive(Debug)]
struct Slab<T> {
    items: Vec<Option<T>>,
    free: Vec<u32>,
    len: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { items: Vec::new(), free: Vec::new(), len: 0 }
    }
}

impl<T> Slab<T> {
    fn insert(&mut self, item: T) -> u32 {
        self.len += 1;
        if let Some(id) = self.free.pop() {
            self.items[id as usize] = Some(item);
            return id;
        }
        let id = u32::try_from(self.items.len()).expect("a body has fewer than 2^32 lines");
        self.items.push(Some(item));
        id
    }

    fn remove(&mut self, id: u32) -> Option<T> {
        let item = self.items.get_mut(id as usize)?.take()?;
        self.free.push(id);
        self.len -= 1;
        Some(item)
    }

    fn get(&self, id: u32) -> &T {
        self.items[id as usize].as_ref().expect("numbers are only kept of items that are there")
    }

    fn get_mut(&mut self, id: u32) -> &mut T {
        self.items[id as usize].as_mut().expect("numbers are only kept of items that are there")
    }

    fn try_get(&self, id: u32) -> Option<&T> {
        self.items.get(id as usize)?.as_ref()
    }

    fn try_get_mut(&mut self, id: u32) -> Option<&mut T> {
        self.items.get_mut(id as usize)?.as_mut()
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut().flatten()
    }

    fn ids(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.items.len()).unwrap_or(u32::MAX)
    }
}
