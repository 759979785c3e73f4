use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use assurance_metrics_model::{Labels, Matcher};
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::series::Entry;

/// Slots of series that may exist at once, live or awaiting reuse: what 32 bits can number.
pub(crate) const MAX_SLOTS: usize = u32::MAX as usize;

/// Series by number and by label.
#[derive(Debug, Default)]
pub(crate) struct Index {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Slots, by the labels of their series: the labels stand in the series and nowhere else.
    by_labels: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Label name to value to the slots that have it, rising.
    postings: BTreeMap<Box<str>, BTreeMap<Box<str>, Vec<u32>>>,
    /// Grows whenever a series comes or goes.
    generation: u64,
}

#[derive(Debug)]
struct Slot {
    /// Grows when the slot is reused, so that an old number never names a new series.
    generation: u32,
    entry: Option<Arc<Entry>>,
}

/// A slot and its generation in one number, as [`SeriesRef`](assurance_metrics_model::SeriesRef) carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id {
    slot: u32,
    generation: u32,
}

impl Id {
    pub(crate) fn from_raw(raw: u64) -> Self {
        Self { slot: (raw & 0xffff_ffff) as u32, generation: (raw >> 32) as u32 }
    }

    pub(crate) fn to_raw(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.slot)
    }
}

impl Index {
    pub(crate) fn len(&self) -> usize {
        self.by_labels.len()
    }

    /// A number that stays the same as long as the series do.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn get(&self, id: Id) -> Option<&Arc<Entry>> {
        let slot = self.slots.get(id.slot as usize)?;
        slot.entry.as_ref().filter(|_| slot.generation == id.generation)
    }

    pub(crate) fn find(&self, labels: &Labels) -> Option<(Id, &Arc<Entry>)> {
        let hash = self.hasher.hash_one(labels);
        let slot = *self.by_labels.find(hash, |slot| self.labels(*slot) == Some(labels))?;
        let Slot { generation, entry } = &self.slots[slot as usize];
        Some((Id { slot, generation: *generation }, entry.as_ref()?))
    }

    fn labels(&self, slot: u32) -> Option<&Labels> {
        Some(&self.slots[slot as usize].entry.as_ref()?.labels)
    }

    /// Adds a series that is not there yet.
    pub(crate) fn insert(&mut self, labels: &Labels) -> (Id, Arc<Entry>) {
        debug_assert!(self.find(labels).is_none(), "a series stands once in the index");
        self.generation += 1;
        let entry = Arc::new(Entry::new(labels.clone()));
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, entry: None });
            u32::try_from(self.slots.len() - 1).expect("the series budget is below 2^32")
        });
        let held = &mut self.slots[slot as usize];
        held.entry = Some(Arc::clone(&entry));
        let generation = held.generation;
        let (slots, hasher) = (&self.slots, &self.hasher);
        let rehash = |slot: &u32| {
            let entry = slots[*slot as usize].entry.as_ref();
            entry.map_or(0, |entry| hasher.hash_one(&entry.labels))
        };
        self.by_labels.insert_unique(hasher.hash_one(labels), slot, rehash);
        for (name, value) in labels {
            let values = match self.postings.get_mut(name) {
                Some(values) => values,
                None => self.postings.entry(name.into()).or_default(),
            };
            let slots = match values.get_mut(value) {
                Some(slots) => slots,
                None => values.entry(value.into()).or_default(),
            };
            let at = slots.partition_point(|s| *s < slot);
            slots.insert(at, slot);
        }
        (Id { slot, generation }, entry)
    }

    /// Removes the series for which `gone` says so; returns how many went.
    pub(crate) fn remove_where(&mut self, mut gone: impl FnMut(&Entry) -> bool) -> usize {
        let before = self.len();
        for slot in 0..self.slots.len() {
            let Some(entry) = self.slots[slot].entry.take_if(|entry| gone(entry)) else { continue };
            let number = u32::try_from(slot).expect("slots are numbered by 32 bits");
            self.slots[slot].generation = self.slots[slot].generation.wrapping_add(1);
            self.free.push(number);
            let hash = self.hasher.hash_one(&entry.labels);
            if let Ok(found) = self.by_labels.find_entry(hash, |slot| *slot == number) {
                found.remove();
            }
            for (name, value) in &entry.labels {
                let Some(values) = self.postings.get_mut(name) else { continue };
                if let Some(slots) = values.get_mut(value) {
                    slots.retain(|s| *s != number);
                    if slots.is_empty() {
                        values.remove(value);
                    }
                }
                if values.is_empty() {
                    self.postings.remove(name);
                }
            }
        }
        let gone = before - self.len();
        self.generation += u64::from(gone > 0);
        gone
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.slots.iter().filter_map(|slot| slot.entry.as_ref())
    }

    /// The series that satisfy every matcher, in no particular order.
    pub(crate) fn select(&self, matchers: &[Matcher]) -> Vec<&Arc<Entry>> {
        // A matcher that a series without the label satisfies has no list; it only filters.
        let (filters, finders): (Vec<&Matcher>, Vec<&Matcher>) =
            matchers.iter().partition(|m| m.matches_empty());
        let mut lists: Vec<Vec<u32>> = finders.iter().map(|m| self.find_slots(m)).collect();
        lists.sort_by_key(Vec::len);
        let keep = |entry: &&Arc<Entry>| filters.iter().all(|m| m.matches_labels(&entry.labels));
        let Some((shortest, others)) = lists.split_first() else {
            return self.iter().filter(keep).collect();
        };
        shortest
            .iter()
            .filter(|slot| others.iter().all(|list| list.binary_search(slot).is_ok()))
            .filter_map(|slot| self.slots[*slot as usize].entry.as_ref())
            .filter(keep)
            .collect()
    }

    fn find_slots(&self, matcher: &Matcher) -> Vec<u32> {
        let Some(values) = self.postings.get(matcher.name()) else { return Vec::new() };
        let lists: Vec<&Vec<u32>> = match matcher.candidates() {
            Some(candidates) => candidates.into_iter().filter_map(|value| values.get(value)).collect(),
            None => values.iter().filter(|(value, _)| matcher.matches(value)).map(|(_, s)| s).collect(),
        };
        if let [only] = lists[..] {
            return only.clone();
        }
        let mut all: Vec<u32> = lists.into_iter().flatten().copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    pub(crate) fn label_names(&self) -> Vec<String> {
        self.postings.keys().map(ToString::to_string).collect()
    }

    pub(crate) fn label_values(&self, name: &str) -> Vec<String> {
        self.postings.get(name).map_or_else(Vec::new, |v| v.keys().map(ToString::to_string).collect())
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let postings: usize = self
            .postings
            .values()
            .flat_map(BTreeMap::iter)
            .map(|(value, slots)| value.len() + slots.capacity() * size_of::<u32>())
            .sum();
        self.slots.capacity() * size_of::<Slot>()
            + self.by_labels.allocation_size()
            + self.iter().map(|e| e.labels.heap_bytes() + size_of::<Entry>()).sum::<usize>()
            + postings
    }
}
