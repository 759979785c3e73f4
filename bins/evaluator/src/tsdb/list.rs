//! `tsdb list`: which files there are, and what they hold.

use std::fmt::Write as _;
use std::process::ExitCode;

use assurance_metrics_model::Timestamp;
use assurance_tsdb::inspect::{Listing, LogInfo, SegmentInfo};
use clap::Parser;
use serde_json::{Value, json};

use super::text::{self, Table, bytes, each, per_sample, time};
use super::{Looking, print, tell, unreadable};
use crate::args::Output;

#[derive(Clone, Debug, Parser)]
pub(crate) struct List {
    #[command(flatten)]
    looking: Looking,
    /// Sizes with units, and times as dates.
    #[arg(short = 'r', long)]
    human_readable: bool,
}

pub(crate) fn run(args: &List) -> ExitCode {
    let inspection = match args.looking.open() {
        Ok(inspection) => inspection,
        Err(code) => return code,
    };
    let listing = match inspection.list() {
        Ok(listing) => listing,
        Err(error) => return unreadable(&error),
    };
    match args.looking.output {
        Output::Text => print(&table(&listing, args.human_readable)),
        Output::Json => print(&format!("{:#}\n", json(&listing))),
    }
    tell(&listing.findings, 0, &[])
}

fn table(listing: &Listing, human: bool) -> String {
    let mut segments = Table::new(&[
        "SEGMENT",
        ">SAMPLES",
        ">SERIES",
        ">CHUNKS",
        ">SIZE",
        ">B/SAMPLE",
        "FIRST TIME",
        "LAST TIME",
    ]);
    for one in &listing.segments {
        segments.row(vec![
            format!("{}.{}", one.day, one.number),
            one.samples.to_string(),
            one.series.to_string(),
            one.chunks.to_string(),
            bytes(one.bytes, human),
            each(one.bytes, one.samples),
            time(Some(one.first), human),
            time(Some(one.last), human),
        ]);
    }
    let mut logs = Table::new(&[
        "LOG FILE",
        "KIND",
        ">RECORDS",
        ">SAMPLES",
        ">SERIES",
        ">SIZE",
        "FIRST TIME",
        "LAST TIME",
        "STATE",
    ]);
    for one in &listing.logs {
        logs.row(vec![
            one.file.clone(),
            one.kind.as_str().to_owned(),
            one.records.to_string(),
            one.samples.to_string(),
            one.series.to_string(),
            bytes(one.bytes, human),
            time(one.first, human),
            time(one.last, human),
            state(one),
        ]);
    }
    let mut quarantine = Table::new(&["QUARANTINE", ">SIZE"]);
    for (file, size) in &listing.quarantine {
        quarantine.row(vec![file.clone(), bytes(*size, human)]);
    }
    let mut out = String::new();
    for table in [segments, logs, quarantine] {
        if !table.is_empty() {
            out.push_str(&table.finish());
            out.push('\n');
        }
    }
    let totals = Totals::of(listing);
    let _infallible = writeln!(
        out,
        "days: {}, samples: {}, {} ({} B/sample); log: {}{}",
        totals.days,
        totals.samples,
        text::human(totals.segment_bytes),
        each(totals.segment_bytes, totals.samples),
        text::human(totals.log_bytes),
        match (totals.first, totals.last) {
            (Some(first), Some(last)) => format!("; {first} to {last}"),
            _ => String::new(),
        },
    );
    out
}

fn state(log: &LogInfo) -> String {
    match (log.damaged, log.torn) {
        (0, 0) => "whole".to_owned(),
        (0, torn) => format!("{torn} bytes of a record that is not whole"),
        (damaged, _) => format!("{damaged} bytes damaged"),
    }
}

/// Everything together.
struct Totals {
    samples: u64,
    days: usize,
    segment_bytes: u64,
    log_bytes: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Totals {
    fn of(listing: &Listing) -> Self {
        let mut days: Vec<&str> = listing.segments.iter().map(|segment| &*segment.day).collect();
        days.dedup();
        let sealed = |time: fn(&SegmentInfo) -> Timestamp| listing.segments.iter().map(time);
        let logged = |time: fn(&LogInfo) -> Option<Timestamp>| listing.logs.iter().filter_map(time);
        Self {
            samples: listing.segments.iter().map(|segment| segment.samples).sum(),
            days: days.len(),
            segment_bytes: listing.segments.iter().map(|segment| segment.bytes).sum(),
            log_bytes: listing.logs.iter().map(|log| log.bytes).sum(),
            first: sealed(|segment| segment.first).chain(logged(|log| log.first)).min(),
            last: sealed(|segment| segment.last).chain(logged(|log| log.last)).max(),
        }
    }
}

fn json(listing: &Listing) -> Value {
    let segments: Vec<Value> = listing
        .segments
        .iter()
        .map(|one| {
            json!({
                "file": one.file,
                "day": one.day,
                "number": one.number,
                "bytes": one.bytes,
                "indexBytes": one.index_bytes,
                "samples": one.samples,
                "series": one.series,
                "chunks": one.chunks,
                "bytesPerSample": per_sample(one.bytes, one.samples),
                "first": one.first.as_millis(),
                "last": one.last.as_millis(),
            })
        })
        .collect();
    let logs: Vec<Value> = listing
        .logs
        .iter()
        .map(|one| {
            json!({
                "file": one.file,
                "kind": one.kind.as_str(),
                "bytes": one.bytes,
                "records": one.records,
                "samples": one.samples,
                "series": one.series,
                "first": one.first.map(Timestamp::as_millis),
                "last": one.last.map(Timestamp::as_millis),
                "tornBytes": one.torn,
                "damagedBytes": one.damaged,
            })
        })
        .collect();
    let quarantine: Vec<Value> =
        listing.quarantine.iter().map(|(file, bytes)| json!({"file": file, "bytes": bytes})).collect();
    let totals = Totals::of(listing);
    json!({
        "segments": segments,
        "logs": logs,
        "quarantine": quarantine,
        "findings": listing.findings.iter().map(text::finding_json).collect::<Vec<_>>(),
        "totals": {
            "segmentSamples": totals.samples,
            "segmentBytes": totals.segment_bytes,
            "logBytes": totals.log_bytes,
            "days": totals.days,
            "first": totals.first.map(Timestamp::as_millis),
            "last": totals.last.map(Timestamp::as_millis),
        },
    })
}
