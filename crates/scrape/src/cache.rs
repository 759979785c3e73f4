use std::hash::BuildHasher as _;
use std::num::NonZeroU32;
use std::ops::Range;

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
    /// Where the text stands in the arena.
    start: u32,
    len: NonZeroU32,
    /// [`DROPPED`] where relabelling drops it.
    series: u32,
    /// Number of the scrape that saw it last, or that saw it stray from the tape.
    seen: u32,
    /// Where it stood in the last scrape: where to look for its successor.
    position: u32,
}

const DROPPED: u32 = u32::MAX;

impl Raw {
    fn found(&self) -> Found {
        if self.series == DROPPED { Found::Dropped } else { Found::Series(self.series) }
    }

    fn range(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.len.get() as usize
    }
}

/// One sample of the tape: its text, and whether it is the first of its series in the body.
#[derive(Clone, Copy, Debug)]
struct Line(u32);

impl Line {
    fn new(raw: u32, first: bool) -> Self {
        Self(raw << 1 | u32::from(first))
    }

    fn raw(self) -> u32 {
        self.0 >> 1
    }

    fn first(self) -> bool {
        self.0 & 1 == 1
    }
}

/// The store's number for a series, if it has told one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference(u64);

impl Reference {
    /// A store that has this very number is asked by labels each time.
    pub(crate) const NONE: Self = Self(u64::MAX);

    pub(crate) fn get(self) -> Option<SeriesRef> {
        (self.0 != Self::NONE.0).then_some(SeriesRef(self.0))
    }
}

impl From<SeriesRef> for Reference {
    fn from(SeriesRef(number): SeriesRef) -> Self {
        Self(number)
    }
}

/// A series of the target.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    pub(crate) reference: Reference,
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
/// In steady state bodies repeat themselves: the k-th sample is the k-th sample of the last scrape. So the last
/// body is kept as a tape, whose texts follow each other in memory, and as long as a body follows it, a sample
/// costs the comparison of its bytes: nothing is hashed, and nothing is written down, for what the tape says of
/// the lines before holds for this body as well. Once a body strays, what was left out is made up for, and a
/// hash of the bytes finds the text. Only text never seen is read as labels. What is found by hash is made when
/// it is needed, and kept until a body follows the tape again.
///
/// Holds exactly the texts of the last successful scrape that had a body, so that its size is bounded by that
/// body.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    /// The texts of the tape in the order of their last lines; behind them those that the scrape under way added.
    texts: Vec<u8>,
    tape: Vec<Line>,
    /// Series that the tape names.
    tape_series: usize,
    raws: Slab<Raw>,
    /// All of `raws`, or nothing.
    by_text: HashTable<u32>,
    series: Slab<Series>,
    /// All of `series`, or nothing.
    by_labels: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Counters that are no longer in `series`, by the fingerprint of their labels.
    gone: HashMap<u64, Gone>,
    /// Number of the scrape under way.
    scrape: u32,
}

/// Where the walk through a body stands, and what it added, so that a failed scrape can be undone.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// The line of the tape that comes next if the body repeats it.
    cursor: usize,
    /// The body is no longer the tape's. Only then what follows is kept.
    strayed: bool,
    /// Texts in their order, and whether each is the first of its series.
    order: Vec<(u32, bool)>,
    new_raws: Vec<u32>,
    new_series: Vec<u32>,
    distinct: usize,
    /// Bytes of the arena without the walk's own.
    arena: usize,
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
        walk.order.clear();
        walk.new_raws.clear();
        walk.new_series.clear();
        *walk = Walk {
            order: std::mem::take(&mut walk.order),
            new_raws: std::mem::take(&mut walk.new_raws),
            new_series: std::mem::take(&mut walk.new_series),
            arena: self.texts.len(),
            ..Walk::default()
        };
        self.scrape = self.scrape.wrapping_add(1);
    }

    /// The text that comes next if the body repeats the last one; empty if there is none.
    #[inline]
    pub(crate) fn expected(&self, walk: &Walk) -> &[u8] {
        self.tape.get(walk.cursor).map_or(&[], |line| self.text(line.raw()))
    }

    /// Moves the walk past the text that was [expected](Self::expected) and came, and tells whether it is the
    /// first of its series in this body.
    #[inline]
    pub(crate) fn follow(&mut self, walk: &mut Walk) -> (Found, bool) {
        let line = self.tape[walk.cursor];
        walk.cursor += 1;
        let found = self.raws.get(line.raw()).found();
        if walk.strayed {
            return (found, self.mark(walk, line.raw(), found));
        }
        (found, line.first())
    }

    /// Looks a text up and moves the walk past it; tells whether it is the first of its series in this body.
    pub(crate) fn find(&mut self, walk: &mut Walk, text: &[u8]) -> (Found, bool) {
        if self.tape.get(walk.cursor).is_some() && self.expected(walk) == text {
            return self.follow(walk);
        }
        self.stray(walk);
        self.index_texts();
        let hash = self.hasher.hash_one(text);
        let found = self.by_text.find(hash, |id| self.text(*id) == text).copied();
        let Some(id) = found else { return (Found::Unknown, true) };
        let raw = self.raws.get(id);
        let found = raw.found();
        // A text of this very walk has no place on the tape.
        if (raw.start as usize) < walk.arena {
            walk.cursor = raw.position as usize + 1;
        }
        let first = self.mark(walk, id, found);
        (found, first)
    }

    fn text(&self, raw: u32) -> &[u8] {
        &self.texts[self.raws.get(raw).range()]
    }

    fn index_texts(&mut self) {
        if self.by_text.is_empty() && self.raws.len > 0 {
            let (raws, texts, hasher) = (&self.raws, &self.texts, &self.hasher);
            let hash = |id: &u32| hasher.hash_one(&texts[raws.get(*id).range()]);
            self.by_text.reserve(raws.len, hash);
            for id in raws.ids().filter(|id| raws.try_get(*id).is_some()) {
                self.by_text.insert_unique(hash(&id), id, hash);
            }
        }
    }

    fn index_labels(&mut self) {
        if self.by_labels.is_empty() && self.series.len > 0 {
            let (series, hasher) = (&self.series, &self.hasher);
            let hash = |id: &u32| hasher.hash_one(&series.get(*id).labels);
            self.by_labels.reserve(series.len, hash);
            for id in series.ids().filter(|id| series.try_get(*id).is_some()) {
                self.by_labels.insert_unique(hash(&id), id, hash);
            }
        }
    }

    /// Makes up for what was left out while the body followed the tape.
    fn stray(&mut self, walk: &mut Walk) {
        if !std::mem::replace(&mut walk.strayed, true) {
            for at in 0..walk.cursor {
                let raw = self.tape[at].raw();
                let found = self.raws.get(raw).found();
                self.mark(walk, raw, found);
            }
        }
    }

    /// Writes down that a text was seen; tells whether it is the first of its series.
    fn mark(&mut self, walk: &mut Walk, raw: u32, found: Found) -> bool {
        self.raws.get_mut(raw).seen = self.scrape;
        let first = match found {
            Found::Series(id) => self.see(walk, id),
            Found::Dropped | Found::Unknown => false,
        };
        walk.order.push((raw, first));
        first
    }

    /// Remembers a text that [`Cache::find`] did not know, and the series it stands for, if any; tells whether
    /// it is the first of its series in this body.
    pub(crate) fn add(
        &mut self,
        walk: &mut Walk,
        text: &[u8],
        series: Option<(Labels, Role, u64)>,
    ) -> (Found, bool) {
        let series = series.map(|(labels, role, link)| self.series_for(walk, labels, role, link));
        self.index_texts();
        let number = |bytes: usize| u32::try_from(bytes).expect("two bodies have fewer than 2^32 bytes");
        let raw = Raw {
            start: number(self.texts.len()),
            len: NonZeroU32::new(number(text.len())).expect("a sample has a name"),
            series: series.unwrap_or(DROPPED),
            seen: self.scrape,
            position: 0,
        };
        let found = raw.found();
        self.texts.extend_from_slice(text);
        let id = self.raws.insert(raw);
        let hash = self.hasher.hash_one(text);
        let (raws, texts, hasher) = (&self.raws, &self.texts, &self.hasher);
        let rehash = |id: &u32| hasher.hash_one(&texts[raws.get(*id).range()]);
        self.by_text.insert_unique(hash, id, rehash);
        walk.new_raws.push(id);
        (found, self.mark(walk, id, found))
    }

    fn series_for(&mut self, walk: &mut Walk, labels: Labels, role: Role, link: u64) -> u32 {
        self.index_labels();
        let hash = self.hasher.hash_one(&labels);
        if let Some(id) = self.by_labels.find(hash, |id| self.series.get(*id).labels == labels) {
            return *id;
        }
        let series = Series {
            labels,
            reference: Reference::NONE,
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
    fn see(&mut self, walk: &mut Walk, id: u32) -> bool {
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
        if self.texts.len() > walk.arena {
            self.texts.truncate(walk.arena);
            self.texts.shrink_to_fit();
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
        let whole = walk.cursor == self.tape.len() && self.tape_series == self.series.len;
        if whole && !walk.strayed {
            self.by_text = HashTable::new();
            self.by_labels = HashTable::new();
            return;
        }
        self.stray(walk);
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
        if !keep {
            self.record(walk);
        }
    }

    /// Makes the tape anew.
    fn record(&mut self, walk: &Walk) {
        for id in self.raws.ids() {
            if self.raws.try_get(id).is_some_and(|raw| raw.seen != self.scrape) {
                self.remove_raw(id);
            }
        }
        let mut texts = Vec::with_capacity(self.raws.iter().map(|raw| raw.range().len()).sum());
        self.tape = Vec::with_capacity(walk.order.len());
        // A text may stand in the body twice: it is moved once.
        let moved = self.scrape.wrapping_add(1);
        for (position, (id, first)) in walk.order.iter().enumerate() {
            let raw = self.raws.get_mut(*id);
            if std::mem::replace(&mut raw.seen, moved) != moved {
                let start = u32::try_from(texts.len()).expect("a body has fewer than 2^32 bytes");
                texts.extend_from_slice(&self.texts[raw.range()]);
                raw.start = start;
            }
            raw.position = u32::try_from(position).expect("a body has fewer than 2^32 lines");
            self.tape.push(Line::new(*id, *first));
        }
        for raw in self.raws.iter_mut() {
            raw.seen = self.scrape;
        }
        self.texts = texts;
        self.tape_series = self.series.len;
        self.raws.items.shrink_to_fit();
        self.series.items.shrink_to_fit();
    }

    /// Forgets what texts mean, and keeps the series: relabelling changed.
    pub(crate) fn forget_texts(&mut self) {
        self.raws = Slab::default();
        self.by_text.clear();
        self.texts = Vec::new();
        self.tape = Vec::new();
        self.tape_series = 0;
    }

    fn remove_raw(&mut self, id: u32) {
        if let Some(raw) = self.raws.remove(id) {
            let hash = self.hasher.hash_one(&self.texts[raw.range()]);
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

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter().flatten()
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut().flatten()
    }

    fn ids(&self) -> Range<u32> {
        0..u32::try_from(self.items.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_line_is_small() {
        assert_eq!(size_of::<Option<Raw>>() + size_of::<Line>(), 24);
        assert_eq!(size_of::<Option<Series>>(), 48);
    }
}
