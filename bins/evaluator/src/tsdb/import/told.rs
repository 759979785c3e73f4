//! What an import says when it is done, or cannot go on.

use std::fmt::Write as _;

use assurance_exposition::{HistoryNotes, NanMeans, ParseError, ParseErrorKind};
use assurance_metrics_model::{Duration, Timestamp, Value, format_float};
use assurance_tsdb::Imported;
use serde_json::json;

/// What was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) retention: Duration,
    pub(super) is_dry_run: bool,
    pub(super) nan: NanMeans,
    pub(super) now: Timestamp,
}

#[derive(Debug)]
pub(super) struct Report<'r> {
    pub(super) args: &'r Asked,
    pub(super) history: HistoryNotes,
    pub(super) lines: u64,
    pub(super) series: usize,
    pub(super) done: &'r Imported,
}

impl Report<'_> {
    /// Whether every sample is in the store now.
    pub(super) fn is_complete(&self) -> bool {
        self.missing() == 0
    }

    fn missing(&self) -> u64 {
        let Imported { conflicting, ahead, undated, .. } = self.done;
        conflicting + ahead.count + undated.count + self.history.histograms.count
    }

    fn new(&self) -> u64 {
        self.done.sealed + self.done.logged
    }

    pub(super) fn text(&self) -> String {
        let Imported { given, same, first, last, segments, logged, .. } = self.done;
        let mut out = String::new();
        let verb = if self.args.is_dry_run { "would be imported" } else { "imported" };
        // Writing to a string cannot fail.
        let _infallible = write!(out, "{} of {given} samples of {} series {verb}", self.new(), self.series);
        if let (Some(first), Some(last)) = (first, last) {
            let _infallible = write!(out, ", from {first} to {last}");
        }
        out.push('\n');
        if *same > 0 {
            let _infallible = writeln!(out, "{same} samples were there already");
        }
        if !segments.is_empty() {
            let samples: u64 = segments.iter().map(|segment| segment.samples).sum();
            let _infallible =
                writeln!(out, "{samples} samples in {} new segments of finished days", segments.len());
        }
        if *logged > 0 {
            let _infallible =
                writeln!(out, "{logged} samples of days that are not over, for the server to go on from");
        }
        if self.missing() > 0 {
            let _infallible = writeln!(out, "{} samples are missing", self.missing());
        }
        out
    }

    pub(super) fn json(&self) -> serde_json::Value {
        let Imported { given, sealed, logged, same, conflicting, ahead, undated, late, first, last, .. } =
            self.done;
        let HistoryNotes { nans, exemplars, histograms, split, .. } = self.history;
        let segments: Vec<_> =
            self.done.segments.iter().map(|s| json!({ "name": s.name, "samples": s.samples })).collect();
        json!({
            "dryRun": self.args.is_dry_run,
            "lines": self.lines,
            "series": self.series,
            "samples": given,
            "sealed": sealed,
            "logged": logged,
            "same": same,
            "conflicting": conflicting,
            "ahead": ahead.count,
            "undated": undated.count,
            "outOfOrder": late.count,
            "olderThanRetention": self.beyond_retention().0,
            "nan": nans.count,
            "exemplars": exemplars.count,
            "nativeHistograms": histograms.count,
            "splitFamilies": split.count,
            "minTime": first.map(Timestamp::as_millis),
            "maxTime": last.map(Timestamp::as_millis),
            "segments": segments,
        })
    }

    /// What a person should know, a line each.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let done = self.done;
        if let Some(conflict) = &done.conflict {
            let number = |value: &Value| match value {
                Value::Float(value) => format_float(*value),
                _ => "a histogram".to_owned(),
            };
            let whose = if conflict.is_stored { "the store has" } else { "an earlier line has" };
            notes.push(format!(
                "error: {} samples are not taken, as their series have other values at their times; the first is {} at {}, in \
                 line {} or after it: {whose} {}, the input has {}",
                done.conflicting,
                conflict.labels,
                conflict.at,
                conflict.line,
                number(&conflict.kept),
                format_float(conflict.refused),
            ));
        }
        let ahead = done.ahead;
        if ahead.count > 0 {
            notes.push(format!(
                "error: {} samples are not taken, as they are from the future, the first in line {}; OpenMetrics tells times in \
                 seconds, text in milliseconds (--format text)",
                ahead.count, ahead.line
            ));
        }
        let undated = done.undated;
        if undated.count > 0 {
            notes.push(format!(
                "error: {} samples are not taken, as their years have not four digits, the first in line {}",
                undated.count, undated.line
            ));
        }
        let histograms = self.history.histograms;
        if histograms.count > 0 {
            notes.push(format!(
                "error: {} native histograms are not taken, the first in line {}; a dump does not tell all of them, remote \
                 write does",
                histograms.count, histograms.line
            ));
        }
        let (old, days) = self.beyond_retention();
        if old > 0 {
            notes.push(format!(
                "warning: {old} samples in {days} segments are older than {}: a server removes them at once, unless it is started \
                 with a longer --storage.tsdb.retention.time",
                self.args.retention
            ));
        }
        for reason in &done.unreadable {
            notes.push(format!(
                "warning: samples were written beside stored ones that cannot be read: {reason}"
            ));
        }
        let late = done.late;
        if late.count > 0 {
            notes.push(format!(
                "note: {} samples stood after later ones of their series, the first in line {}; they are taken",
                late.count, late.line
            ));
        }
        let nans = self.history.nans;
        if nans.count > 0 {
            let (taken, other) = match self.args.nan {
                NanMeans::Stale => ("stale markers", "--nan number takes them as numbers"),
                NanMeans::Number => ("numbers", "--nan stale takes them as the ends of series"),
            };
            notes.push(format!(
                "note: {} samples are NaN, the first in line {}; they are taken as {taken}, {other}",
                nans.count, nans.line
            ));
        }
        let exemplars = self.history.exemplars;
        if exemplars.count > 0 {
            notes.push(format!(
                "note: {} exemplars are left out, the first in line {}; their samples are taken",
                exemplars.count, exemplars.line
            ));
        }
        let split = self.history.split;
        if split.count > 0 {
            notes.push(format!(
                "note: {} families stand in several places, the first in line {}; each is taken as one",
                split.count, split.line
            ));
        }
        notes
    }

    /// Samples, and segments, that a server with this retention removes.
    fn beyond_retention(&self) -> (u64, usize) {
        let newest = self.done.last.unwrap_or(self.args.now).min(self.args.now);
        let oldest = newest - self.args.retention;
        let old = self.done.segments.iter().filter(|segment| segment.last < oldest);
        old.fold((0, 0), |(samples, count), segment| (samples + segment.samples, count + 1))
    }

    pub(super) fn hint_for(&self, error: &ParseError) -> String {
        let hint = error.hint();
        match error.kind {
            ParseErrorKind::MissingEof => {
                format!("{hint}; say --format text for Prometheus's text format, which has no such line")
            }
            _ => format!("{hint}; then import again"),
        }
    }

    /// What an import that cannot go on leaves.
    pub(super) fn left(&self) -> String {
        if self.args.is_dry_run || self.new() == 0 {
            return "nothing was written".to_owned();
        }
        let Imported { sealed, logged, segments, .. } = self.done;
        let names = match &segments[..] {
            [] => String::new(),
            [only] => format!(" ({})", only.name),
            [first, .., last] => format!(" ({} to {})", first.name, last.name),
        };
        let log = if *logged == 0 { String::new() } else { format!(", and {logged} samples in the log") };
        format!(
            "before that {} segments{names} with {sealed} samples were written{log}, nothing of later lines; importing again \
             passes over what is there",
            segments.len()
        )
    }
}
