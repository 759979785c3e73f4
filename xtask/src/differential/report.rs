//! What a run says in the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::tolerate::{EXCUSES, MAX_SHARE};
use super::{Mismatch, vocabulary};

/// Occurrences that every word of the language must have in a full run.
const ENOUGH: usize = 20;

/// A full run has at least this many queries; a smaller one need not have every word.
const FULL: usize = 5000;

#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) queries: usize,
    pub(crate) ranges: usize,
    pub(crate) found: usize,
    /// Of those found, answered alike to the last bit.
    pub(crate) identical: usize,
    pub(crate) errors: usize,
    pub(crate) words: BTreeMap<&'static str, usize>,
    pub(crate) excused: BTreeMap<&'static str, usize>,
    pub(crate) mismatches: Vec<Mismatch>,
}

impl Report {
    /// Everything that makes a run fail.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !self.mismatches.is_empty() {
            faults.push(format!("{} queries are answered differently", self.mismatches.len()));
        }
        let share = |count: usize| count as f64 / self.queries.max(1) as f64;
        if share(self.found) < 0.6 {
            faults.push(format!("only {} of {} queries find anything", self.found, self.queries));
        }
        for (name, count) in &self.excused {
            if share(*count) > MAX_SHARE {
                faults.push(format!("{name} excuses {count} queries, more than {}%", MAX_SHARE * 100.0));
            }
        }
        if self.queries >= FULL {
            let rare = vocabulary::all().filter(|word| self.count(word) < ENOUGH);
            faults.extend(rare.map(|word| format!("{word} occurs {} times only", self.count(word))));
        }
        faults
    }

    fn count(&self, word: &str) -> usize {
        self.words.get(word).copied().unwrap_or_default()
    }

    /// The tables.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let percent = |count: usize| 100.0 * count as f64 / self.queries.max(1) as f64;
        let mut line = |text: String| {
            out.push_str(&text);
            out.push('\n');
        };
        line("queries in which each word occurs:".to_owned());
        let words: Vec<String> =
            vocabulary::all().map(|word| format!("{word:<23}{:>5}", self.count(word))).collect();
        for row in words.chunks(3) {
            line(format!("  {}", row.join("   ")));
        }
        line(format!(
            "{} queries, {} of them over a range; {} ({:.1}%) find something, {} of which are \
             alike to the last bit, {} ({:.1}%) are refused by both",
            self.queries,
            self.ranges,
            self.found,
            percent(self.found),
            self.identical,
            self.errors,
            percent(self.errors)
        ));
        for (name, reason, _) in EXCUSES {
            let count = self.excused.get(name).copied().unwrap_or_default();
            line(format!("excused {count} ({:.2}%) for {name}: {reason}", percent(count)));
        }
        for mismatch in &self.mismatches {
            let _infallible = write!(out, "\n{mismatch}");
        }
        out
    }
}
