//! What tables are made of.

use std::fmt::Write as _;

use assurance_metrics_model::Timestamp;
use assurance_tsdb::inspect::Finding;
use serde_json::{Value, json};

/// Rows under headings, each column as wide as it needs to be; numbers stand right.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<bool>,
}

impl Table {
    /// A heading that begins with `>` is of a column of numbers.
    pub(super) fn new(headings: &[&str]) -> Self {
        let right = headings.iter().map(|heading| heading.starts_with('>')).collect();
        let row = headings.iter().map(|heading| heading.trim_start_matches('>').to_owned()).collect();
        Self { rows: vec![row], right }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    pub(super) fn finish(self) -> String {
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        let widths: Vec<usize> = (0..self.right.len()).map(|column| width(column).unwrap_or(0)).collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), right) in row.iter().zip(&widths).zip(&self.right) {
                let _infallible =
                    if *right { write!(line, "{cell:>width$}  ") } else { write!(line, "{cell:<width$}  ") };
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// Bytes as they are, or for people.
pub(super) fn bytes(bytes: u64, for_people: bool) -> String {
    if !for_people { bytes.to_string() } else { human(bytes) }
}

#[expect(clippy::cast_precision_loss, reason = "a tenth is all that is shown")]
pub(super) fn human(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut size, mut unit) = (bytes as f64, 0);
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes}B") } else { format!("{size:.1}{}", UNITS[unit]) }
}

/// Milliseconds since 1970, or for people.
pub(super) fn time(at: Option<Timestamp>, for_people: bool) -> String {
    match at {
        None => "-".to_owned(),
        Some(at) if for_people => at.to_string(),
        Some(at) => at.as_millis().to_string(),
    }
}

/// Bytes of a sample.
pub(super) fn each(bytes: u64, samples: u64) -> String {
    per_sample(bytes, samples).map_or_else(|| "-".to_owned(), |each| format!("{each:.2}"))
}

#[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
pub(super) fn per_sample(bytes: u64, samples: u64) -> Option<f64> {
    (samples > 0).then(|| bytes as f64 / samples as f64)
}

/// A finding for people: where, what, what it costs, what to do.
pub(super) fn finding(finding: &Finding) -> String {
    let level = if finding.kind.is_normal() { "info" } else { "error" };
    let mut out = format!("{level}: {finding}\n");
    let mut note = |text: &str| {
        let _infallible = writeln!(out, "  = {text}");
    };
    if let Some(series) = &finding.series {
        note(&format!("series: {series}"));
    }
    if let Some(day) = &finding.day {
        note(&format!("day: {day}"));
    }
    if !finding.kind.is_normal() {
        match finding.lost.samples {
            Some(0) => note("lost: no sample"),
            _ => note(&format!("lost: {}", finding.lost)),
        }
    }
    note(&format!("help: {}", finding.kind.advice()));
    out
}

/// A finding for programs.
pub(super) fn finding_json(finding: &Finding) -> Value {
    json!({
        "kind": finding.kind.as_str(),
        "normal": finding.kind.is_normal(),
        "file": finding.file,
        "offset": finding.offset,
        "bytes": finding.bytes,
        "day": finding.day,
        "series": finding.series.as_ref().map(ToString::to_string),
        "what": finding.what,
        "lost": {
            "samples": finding.lost.samples,
            "first": finding.lost.first.map(Timestamp::as_millis),
            "last": finding.lost.last.map(Timestamp::as_millis),
        },
        "help": finding.kind.advice(),
    })
}
