use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// The label that holds a metric's name.
pub const METRIC_NAME: &str = "__name__";

/// Names and values of one series, sorted by name, each name once, none with an empty value.
///
/// One shared allocation: names and values follow each other, each behind its length. Cloning copies a
/// pointer; equality and hashing read the bytes; order is Prometheus's, label by label.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Labels(Arc<str>);

/// Longest text of one label name or value: 2^36 - 1 bytes, what the length prefix can say. Every room
/// that takes labels from outside has a far smaller limit of its own.
const MAX_PREFIX_DIGITS: u32 = 6;

impl Labels {
    /// No labels.
    pub fn empty() -> Self {
        Self(Arc::from(""))
    }

    /// From names and values in any order. A name given twice keeps its last value; an empty value leaves
    /// the label out, as in PromQL.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut builder = LabelsBuilder::new();
        for (name, value) in pairs {
            builder.set(name.as_ref(), value.as_ref());
        }
        builder.build()
    }

    /// From pairs the caller knows to be sorted by name, without duplicates or empty values: no sorting, one
    /// allocation.
    ///
    /// # Panics
    /// In debug builds, if the pairs are not so.
    pub fn from_sorted<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)> + Clone) -> Self {
        debug_assert!(
            {
                let mut before = None;
                pairs.clone().into_iter().all(|(name, value)| {
                    let rising = before.is_none_or(|b| b < name);
                    before = Some(name);
                    rising && !value.is_empty()
                })
            },
            "labels must be sorted by name, unique and not empty"
        );
        let mut text = String::new();
        for (name, value) in pairs {
            push_sized(&mut text, name);
            push_sized(&mut text, value);
        }
        Self(Arc::from(text))
    }

    /// The value of a label, or `None` where it is absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        for (n, v) in self {
            match n.cmp(name) {
                Ordering::Less => {}
                Ordering::Equal => return Some(v),
                Ordering::Greater => return None,
            }
        }
        None
    }

    /// The value of a label, or `""` where it is absent: what matchers and templates see.
    pub fn get_or_empty(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The metric's name, or `""`.
    pub fn metric_name(&self) -> &str {
        self.get_or_empty(METRIC_NAME)
    }

    /// Names and values in order of the names.
    pub fn iter(&self) -> LabelsIter<'_> {
        LabelsIter { rest: &self.0 }
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A builder that starts from these labels.
    pub fn to_builder(&self) -> LabelsBuilder {
        LabelsBuilder { pairs: self.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect() }
    }

    /// Without the named labels.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        if !self.iter().any(|(n, _)| names.contains(&n)) {
            return self.clone();
        }
        Self::from_sorted(self.iter().filter(|(n, _)| !names.contains(n)))
    }

    /// Only the named labels.
    #[must_use]
    pub fn only(&self, names: &[&str]) -> Self {
        Self::from_sorted(self.iter().filter(|(n, _)| names.contains(n)))
    }

    /// With one label set, or removed by an empty value.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut builder = self.to_builder();
        builder.set(name, value);
        builder.build()
    }

    /// A 64-bit fingerprint of names and values (FNV-1a over `name 0xff value 0xff`): the same on every
    /// machine and in every version, so that it may be shown and stored. Not secure against collisions that
    /// somebody makes on purpose.
    pub fn fingerprint(&self) -> u64 {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut eat = |byte: u8| {
            hash ^= u64::from(byte);
            hash = hash.wrapping_mul(0x0000_0100_0000_01b3);
        };
        for (name, value) in self {
            name.bytes().for_each(&mut eat);
            eat(0xff);
            value.bytes().for_each(&mut eat);
            eat(0xff);
        }
        hash
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        // Two reference counts stand before the text.
        self.0.len() + 2 * size_of::<usize>()
    }
}

/// Writes a length as base-64 digits in ASCII, bit 6 meaning "more follow", then the text: the whole stays
/// valid UTF-8, so that it can be cut without checks or unsafe code.
fn push_sized(out: &mut String, text: &str) {
    let mut rest = text.len();
    assert!(rest < 1 << (6 * MAX_PREFIX_DIGITS), "label text longer than 64 GiB");
    loop {
        let digit = (rest & 0x3f) as u8;
        rest >>= 6;
        out.push(char::from(if rest == 0 { digit } else { digit | 0x40 }));
        if rest == 0 {
            break;
        }
    }
    out.push_str(text);
}

fn take_sized(text: &str) -> Option<(&str, &str)> {
    let mut length = 0;
    let mut shift = 0;
    for (at, byte) in text.bytes().enumerate() {
        length |= usize::from(byte & 0x3f) << shift;
        shift += 6;
        if byte & 0x40 == 0 {
            return text[at + 1..].split_at_checked(length);
        }
    }
    None
}

/// Names and values of [`Labels`] in order.
#[derive(Clone, Debug)]
pub struct LabelsIter<'a> {
    rest: &'a str,
}

impl<'a> Iterator for LabelsIter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = take_sized(self.rest)?;
        let (value, rest) = take_sized(rest)?;
        self.rest = rest;
        Some((name, value))
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = (&'a str, &'a str);
    type IntoIter = LabelsIter<'a>;

    fn into_iter(self) -> LabelsIter<'a> {
        self.iter()
    }
}

impl Default for Labels {
    fn default() -> Self {
        Self::empty()
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Label by label, first by name, then by value; a prefix comes first (Prometheus `labels.Compare`).
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

/// As PromQL writes a series: `name{a="1",b="2"}`, `{a="1"}` without a name, `{}` for none; names that are
/// not legacy ones are quoted.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.metric_name();
        let bare = !name.is_empty() && is_legacy_metric_name(name);
        if bare {
            f.write_str(name)?;
            if self.len() == 1 {
                return Ok(());
            }
        }
        f.write_str("{")?;
        let mut first = true;
        if !bare && !name.is_empty() {
            write!(f, "{}", Quoted(name))?;
            first = false;
        }
        for (name, value) in self.iter().filter(|(n, _)| *n != METRIC_NAME) {
            if !first {
                f.write_str(",")?;
            }
            first = false;
            if is_legacy_label_name(name) {
                f.write_str(name)?;
            } else {
                write!(f, "{}", Quoted(name))?;
            }
            write!(f, "={}", Quoted(value))?;
        }
        f.write_str("}")
    }
}

/// A text in double quotes, with the escapes of PromQL and Go: what a label's value looks like.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                '\r' => f.write_str("\\r")?,
                c if c.is_control() => write!(f, "\\u{:04x}", c as u32)?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self::from_pairs(pairs)
    }
}

/// Collects names and values in any order, then builds [`Labels`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelsBuilder {
    pairs: Vec<(String, String)>,
}

impl LabelsBuilder {
    /// No labels yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a label, replacing an earlier value; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        match self.pairs.iter().position(|(n, _)| n == name) {
            Some(at) if value.is_empty() => {
                self.pairs.swap_remove(at);
            }
            Some(at) => value.clone_into(&mut self.pairs[at].1),
            None if value.is_empty() => {}
            None => self.pairs.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Removes a label, if it is there.
    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.set(name, "")
    }

    /// The value set so far, or `None`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Names and values set so far, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// The labels, sorted.
    pub fn build(mut self) -> Labels {
        self.pairs.sort_unstable();
        Labels::from_sorted(self.pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())))
    }
}

/// Whether `name` matches `[a-zA-Z_:][a-zA-Z0-9_:]*`, which needs no quotes as a metric name.
pub fn is_legacy_metric_name(name: &str) -> bool {
    is_legacy(name, true)
}

/// Whether `name` matches `[a-zA-Z_][a-zA-Z0-9_]*`, which needs no quotes as a label name.
pub fn is_legacy_label_name(name: &str) -> bool {
    is_legacy(name, false)
}

fn is_legacy(name: &str, colon: bool) -> bool {
    !name.is_empty()
        && name.bytes().enumerate().all(|(at, b)| {
            b.is_ascii_alphabetic() || b == b'_' || (b == b':' && colon) || (b.is_ascii_digit() && at > 0)
        })
}
