//! Series by the bytes that name them.

use std::hash::BuildHasher;

use assurance_metrics_model::Labels;
use hashbrown::{DefaultHashBuilder, HashTable};

/// A way to write a series.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) bytes: Box<[u8]>,
    pub(crate) series: u32,
    /// The text that stood in the line after it the last time: itself, where series stand one after the other; its
    /// neighbour, where the lines of a moment do.
    next: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    hasher: DefaultHashBuilder,
    texts: Vec<Text>,
    by_bytes: HashTable<u32>,
    series: Vec<Labels>,
    by_labels: HashTable<u32>,
    /// The text of the last line.
    last: usize,
}

impl Table {
    /// What the next line is likely to begin with.
    #[inline]
    pub(crate) fn expected(&self) -> Option<&Text> {
        self.texts.get(self.texts.get(self.last)?.next as usize)
    }

    /// Says that it did.
    #[inline]
    pub(crate) fn advance(&mut self) {
        self.last = self.texts[self.last].next as usize;
    }

    /// The series that these bytes name, if they did before.
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(bytes);
        let place = *self.by_bytes.find(hash, |n| *self.texts[*n as usize].bytes == *bytes)?;
        self.follow(place);
        Some(self.texts[place as usize].series)
    }

    fn follow(&mut self, place: u32) {
        if let Some(last) = self.texts.get_mut(self.last) {
            last.next = place;
        }
        self.last = place as usize;
    }

    /// Texts that name series: at least as many as there are of these.
    pub(crate) const fn len(&self) -> usize {
        self.texts.len()
    }

    /// Adds what [`Self::find`] did not find; the number of the series, which another text may name as well.
    pub(crate) fn add(&mut self, bytes: &[u8], labels: Labels) -> u32 {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let hash = self.hasher.hash_one(&labels);
        let series = match self.by_labels.find(hash, |n| self.series[*n as usize] == labels) {
            Some(series) => *series,
            None => {
                let series = number(self.series.len());
                self.series.push(labels);
                let (all, hasher) = (&self.series, &self.hasher);
                self.by_labels.insert_unique(hash, series, |n| hasher.hash_one(&all[*n as usize]));
                series
            }
        };
        let place = number(self.texts.len());
        self.texts.push(Text { bytes: bytes.into(), series, next: place });
        let (texts, hasher) = (&self.texts, &self.hasher);
        self.by_bytes.insert_unique(self.hasher.hash_one(bytes), place, |n| {
            hasher.hash_one(&*texts[*n as usize].bytes)
        });
        self.follow(place);
        series
    }

    pub(crate) fn labels(&self, series: u32) -> &Labels {
        &self.series[series as usize]
    }
}
