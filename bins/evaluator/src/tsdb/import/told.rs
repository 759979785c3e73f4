//! What an import says when it is done, or cannot go on.

use std::fmt::Write as _;

use assurance_exposition::{HistoryNotes, NanMeans, ParseError, ParseErrorKind};
use assurance_metrics_model::{Duration, Timestamp, Value, format_float};
use assurance_tsdb::Imported;
use serde_json::json;

/// `1 sample`, `2 samples`.
fn some(count: u64, what: &str) -> String {
    match (count, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        _ => format!("{count} {what}s"),
    }
}

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

    fn taken(&self) -> u64 {
        self.done.sealed + self.done.logged
    }

    pub(super) fn text(&self) -> String {
        let Imported { given, same, first, last, segments, logged, .. } = self.done;
        let mut out = String::new();
        let verb = if self.args.is_dry_run { "would be imported" } else { "imported" };
        // Writing to a string cannot fail.
        let _infallible =
            write!(out, "{} of {} of {} series {verb}", self.taken(), some(*given, "sample"), self.series);
        if let (Some(first), Some(last)) = (first, last) {
            let _infallible = write!(out, ", from {first} to {last}");
        }
        out.push('\n');
        if *same > 0 {
            let _infallible = writeln!(out, "there already: {}", some(*same, "sample"));
        }
        if !segments.is_empty() {
            let samples: u64 = segments.iter().map(|segment| segment.samples).sum();
            let _infallible = writeln!(
                out,
                "finished days: {} in {}",
                some(samples, "sample"),
                some(segments.len() as u64, "new segment")
            );
        }
        if *logged > 0 {
            let _infallible = writeln!(
                out,
                "days that are not over, for the server to go on from: {}",
                some(*logged, "sample")
            );
        }
        if self.missing() > 0 {
            let _infallible = writeln!(out, "missing: {}", some(self.missing(), "sample"));
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
                "error: {} not taken, as the series has another value at the time; the first is {} at {}, in line {} or after \
                 it: {whose} {}, the input has {}",
                some(done.conflicting, "sample"),
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
                "error: {} from the future not taken, the first in line {}; OpenMetrics tells times in seconds, text in \
                 milliseconds (--format text)",
                some(ahead.count, "sample"),
                ahead.line
            ));
        }
        let undated = done.undated;
        if undated.count > 0 {
            notes.push(format!(
                "error: {} of years that have not four digits not taken, the first in line {}",
                some(undated.count, "sample"),
                undated.line
            ));
        }
        let histograms = self.history.histograms;
        if histograms.count > 0 {
            notes.push(format!(
                "error: {} not taken, the first in line {}; a dump does not tell all of them, remote write does",
                some(histograms.count, "native histogram"),
                histograms.line
            ));
        }
        let (old, days) = self.beyond_retention();
        if old > 0 {
            notes.push(format!(
                "warning: {} in {} older than {}: a server that scrapes removes them at once, unless it is started with a \
                 longer --storage.tsdb.retention.time",
                some(old, "sample"),
                some(days, "segment"),
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
                "note: {} taken that stood after later ones of the series, the first in line {}",
                some(late.count, "sample"),
                late.line
            ));
        }
        let nans = self.history.nans;
        if nans.count > 0 {
            let (taken, other) = match self.args.nan {
                NanMeans::Stale => ("ends of series", "--nan number takes them as numbers"),
                NanMeans::Number => ("numbers", "--nan stale takes them as the ends of series"),
            };
            notes.push(format!(
                "note: {} taken as {taken}, the first in line {}; {other}",
                some(nans.count, "NaN"),
                nans.line
            ));
        }
        let exemplars = self.history.exemplars;
        if exemplars.count > 0 {
            notes.push(format!(
                "note: {} left out, the first in line {}, and the samples taken",
                some(exemplars.count, "exemplar"),
                exemplars.line
            ));
        }
        let split = self.history.split;
        if split.count > 0 {
            notes.push(format!(
                "note: {} in several places taken as one, the first in line {}",
                some(split.count, "family"),
                split.line
            ));
        }
        notes
    }

    /// Samples, and segments, that a server with this retention removes.
    fn beyond_retention(&self) -> (u64, u64) {
        // A server that scrapes has samples of now.
        let oldest = self.args.now - self.args.retention;
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
        if self.args.is_dry_run || self.taken() == 0 {
            return "nothing was written".to_owned();
        }
        let Imported { sealed, logged, segments, .. } = self.done;
        let names = match &segments[..] {
            [] => String::new(),
            [only] => format!(" ({})", only.name),
            [first, .., last] => format!(" ({} to {})", first.name, last.name),
        };
        let log = if *logged == 0 {
            String::new()
        } else {
            format!(", and {} in the log", some(*logged, "sample"))
        };
        format!(
            "before that {}{names} with {} came to be{log}, and nothing of later lines; importing again passes over what \
             is there",
            some(segments.len() as u64, "segment"),
            some(*sealed, "sample")
        )
    }
}
