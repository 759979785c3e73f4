//! Little-endian bytes for records, and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_metrics_model::{Labels, Timestamp};

#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn number(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// All bits of it.
    pub(crate) fn float(&mut self, value: f64) {
        self.0.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    pub(crate) fn time(&mut self, time: Option<Timestamp>) {
        self.byte(u8::from(time.is_some()));
        if let Some(time) = time {
            self.number(time.as_millis());
        }
    }

    pub(crate) fn unsigned(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn option<T>(&mut self, one: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.byte(u8::from(one.is_some()));
        if let Some(one) = one {
            write(self, one);
        }
    }

    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_le_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn labels(&mut self, labels: &Labels) {
        self.count(labels.len());
        for (name, value) in labels {
            self.text(name);
            self.text(value);
        }
    }

    pub(crate) fn pairs(&mut self, pairs: &BTreeMap<String, String>) {
        self.count(pairs.len());
        for (name, value) in pairs {
            self.text(name);
            self.text(value);
        }
    }

    pub(crate) fn list<T>(&mut self, all: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.count(all.len());
        for one in all {
            each(self, one);
        }
    }
}

/// `None` wherever the bytes are not what is read.
#[derive(Debug)]
pub(crate) struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn number(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn float(&mut self) -> Option<f64> {
        self.array().map(|bits| f64::from_bits(u64::from_le_bytes(bits)))
    }

    #[expect(clippy::option_option, reason = "the outer says whether it could be read")]
    pub(crate) fn time(&mut self) -> Option<Option<Timestamp>> {
        match self.byte()? {
            0 => Some(None),
            1 => self.number().map(|millis| Some(Timestamp::from_millis(millis))),
            _ => None,
        }
    }

    /// A time that is there.
    pub(crate) fn instant(&mut self) -> Option<Timestamp> {
        self.time()?
    }

    pub(crate) fn unsigned(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn place(&mut self) -> Option<usize> {
        usize::try_from(self.unsigned()?).ok()
    }

    pub(crate) fn shared(&mut self) -> Option<Arc<str>> {
        self.text().map(Arc::from)
    }

    #[expect(clippy::option_option, reason = "the outer says whether it could be read")]
    pub(crate) fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(u64::from_le_bytes(self.array()?)).ok()
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        let count = self.count()?;
        std::str::from_utf8(self.take(count)?).ok().map(str::to_owned)
    }

    pub(crate) fn labels(&mut self) -> Option<Labels> {
        Some(Labels::from_pairs(self.list(|from| Some((from.text()?, from.text()?)))?))
    }

    pub(crate) fn pairs(&mut self) -> Option<BTreeMap<String, String>> {
        Some(self.list(|from| Some((from.text()?, from.text()?)))?.into_iter().collect())
    }

    /// Memory grows with what is there, not with what a count says.
    pub(crate) fn list<T>(&mut self, mut each: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.count()?).map(|_| each(self)).collect()
    }
}
