use std::collections::HashMap;
use std::hash::Hash;

use super::Class;

/// How the lines of a file differ from the sealed ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LineChange {
    pub(super) class: Class,
    /// The first line concerned, from 1: of the sealed lines where such are gone or changed, of the present ones
    /// otherwise.
    pub(super) line: u64,
    /// How many lines.
    pub(super) count: u64,
}

impl LineChange {
    pub(super) fn text(&self) -> String {
        let Self { line, count, .. } = self;
        let lines = if *count == 1 { "line".to_owned() } else { format!("{count} lines") };
        match self.class {
            Class::Truncated => format!("{lines} at the end, from line {line} on, are gone"),
            Class::DeletedLines => format!("{lines}, from line {line} on, gone"),
            Class::InsertedLines => format!("{lines} inserted, the first as line {line}"),
            Class::ReorderedLines => format!("{lines} in another order, from line {line} on"),
            _ => format!("{lines} changed, the first is line {line}"),
        }
    }
}

/// Compares the present lines with the sealed ones, by their hashes; `None` where they are the same.
pub(super) fn compare<H: Copy + Eq + Hash>(sealed: &[H], present: &[H]) -> Option<LineChange> {
    if sealed == present {
        return None;
    }
    let front = sealed.iter().zip(present).take_while(|(a, b)| a == b).count();
    let (sealed, present) = (&sealed[front..], &present[front..]);
    let line = front as u64 + 1;
    if present.is_empty() {
        return Some(LineChange { class: Class::Truncated, line, count: sealed.len() as u64 });
    }
    if sealed.is_empty() {
        return Some(LineChange { class: Class::InsertedLines, line, count: present.len() as u64 });
    }
    let back = sealed.iter().rev().zip(present.iter().rev()).take_while(|(a, b)| a == b).count();
    let (sealed, present) = (&sealed[..sealed.len() - back], &present[..present.len() - back]);
    let change = |class, count: usize| Some(LineChange { class, line, count: count as u64 });
    if is_within(sealed, present) {
        return change(Class::InsertedLines, present.len() - sealed.len());
    }
    if is_within(present, sealed) {
        return change(Class::DeletedLines, sealed.len() - present.len());
    }
    if have_the_same(sealed, present) {
        return change(Class::ReorderedLines, sealed.len());
    }
    if sealed.len() == present.len() {
        let differing = sealed.iter().zip(present).filter(|(a, b)| a != b).count();
        return change(Class::ChangedLines, differing);
    }
    change(Class::ChangedLines, sealed.len().max(present.len()))
}

/// Whether `some` are left when elements are taken out of `all`.
fn is_within<H: Eq>(some: &[H], all: &[H]) -> bool {
    let mut rest = all.iter();
    some.iter().all(|wanted| rest.any(|other| other == wanted))
}

fn have_the_same<H: Copy + Eq + Hash>(a: &[H], b: &[H]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut balance: HashMap<H, i64> = HashMap::new();
    for hash in a {
        *balance.entry(*hash).or_default() += 1;
    }
    for hash in b {
        *balance.entry(*hash).or_default() -= 1;
    }
    balance.values().all(|left| *left == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sealed: &str, present: &str) -> Option<(Class, u64, u64)> {
        let hashes = |text: &str| text.chars().collect::<Vec<_>>();
        compare(&hashes(sealed), &hashes(present)).map(|change| (change.class, change.line, change.count))
    }

    #[test]
    fn every_way_to_differ_has_its_name() {
        assert_eq!(of("abcdef", "abcdef"), None);
        assert_eq!(of("abcdef", "abXdef"), Some((Class::ChangedLines, 3, 1)));
        assert_eq!(of("abcdef", "abXdYf"), Some((Class::ChangedLines, 3, 2)));
        assert_eq!(of("abcdef", "abcXYdef"), Some((Class::InsertedLines, 4, 2)));
        assert_eq!(of("abcdef", "abXcYdef"), Some((Class::InsertedLines, 3, 2)));
        assert_eq!(of("abcdef", "abcdefX"), Some((Class::InsertedLines, 7, 1)));
        assert_eq!(of("abcdef", "Xabcdef"), Some((Class::InsertedLines, 1, 1)));
        assert_eq!(of("abcdef", "adef"), Some((Class::DeletedLines, 2, 2)));
        assert_eq!(of("abcdef", "bcdef"), Some((Class::DeletedLines, 1, 1)));
        assert_eq!(of("abcdef", "abcd"), Some((Class::Truncated, 5, 2)));
        assert_eq!(of("abcdef", ""), Some((Class::Truncated, 1, 6)));
        assert_eq!(of("abcdef", "abdcef"), Some((Class::ReorderedLines, 3, 2)));
        assert_eq!(of("aabb", "abab"), Some((Class::ReorderedLines, 2, 2)));
        assert_eq!(of("abcdef", "aXf"), Some((Class::ChangedLines, 2, 4)));
        // A doubled line is an inserted one.
        assert_eq!(of("abcd", "abbcd"), Some((Class::InsertedLines, 3, 1)));
    }
}
