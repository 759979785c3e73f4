//! `tsdb verify`: every byte of a store, and what damage costs.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use assurance_disk::Disk;
use assurance_metrics_model::Timestamp;
use assurance_pipeline::{AlertsState, MAX_STATE_BYTES, STATE_FILE};
use assurance_storage::Storage as _;
use assurance_tsdb::inspect::{Progress, Verified};
use clap::Parser;
use serde_json::json;

use super::text::{self, human};
use super::{Looking, print, unreadable, verdict};
use crate::args::Output;
use crate::exit;

/// Characters of a full progress bar.
const BAR: u64 = 30;

#[derive(Clone, Debug, Parser)]
pub(crate) struct Verify {
    #[command(flatten)]
    looking: Looking,
}

pub(crate) fn run(args: &Verify) -> ExitCode {
    let inspection = match args.looking.open() {
        Ok(inspection) => inspection,
        Err(code) => return code,
    };
    let mut bar = Bar::new();
    let verified = inspection.verify(&mut |progress| bar.show(&progress));
    bar.clear();
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => return unreadable(&error),
    };
    let alerts = alerts(&args.looking.directory);
    match args.looking.output {
        Output::Text => {
            for finding in &verified.findings {
                print(&text::finding(finding));
            }
            if let Some(reason) = &alerts {
                let help = "the next start puts it aside in quarantine/ and alerts begin anew";
                print(&format!("error: {STATE_FILE}: {reason}\n  = help: {help}\n"));
            }
            print(&summary(&verified, alerts.is_some()));
        }
        Output::Json => print(&format!("{:#}\n", json(&verified, alerts.as_deref()))),
    }
    match verdict(&verified.findings) {
        ExitCode::SUCCESS if alerts.is_none() => ExitCode::SUCCESS,
        _ => ExitCode::from(exit::INTEGRITY),
    }
}

/// What is wrong with the record of alerts beside the samples, if anything is.
fn alerts(directory: &Path) -> Option<String> {
    let read = Disk::open(directory).and_then(|disk| disk.read(STATE_FILE, MAX_STATE_BYTES));
    match read {
        Ok(bytes) => AlertsState::decode(&bytes).err().map(|error| error.to_string()),
        Err(error) if error.is_not_found() => None,
        Err(error) => Some(error.to_string()),
    }
}

fn summary(verified: &Verified, alerts: bool) -> String {
    let damage = verified.findings.iter().filter(|finding| !finding.kind.is_normal());
    let (mut count, mut lost, mut unknown) = (u64::from(alerts), 0, false);
    for finding in damage {
        count += 1;
        lost += finding.lost.samples.unwrap_or(0);
        unknown |= finding.lost.samples.is_none();
    }
    let read = format!(
        "{} read; segments: {} ({} chunks, {} samples), log files: {} ({} samples){}",
        human(verified.bytes),
        verified.segments,
        verified.chunks,
        verified.segment_samples,
        verified.logs,
        verified.log_samples,
        match (verified.first, verified.last) {
            (Some(first), Some(last)) => format!("; {first} to {last}"),
            _ => String::new(),
        }
    );
    let gone = match verified.removed {
        0 => String::new(),
        removed => format!("\nfiles that their server removed before they could be read: {removed}"),
    };
    match (count, unknown) {
        (0, _) => format!("sound: {read}{gone}\n"),
        (_, false) => format!("damaged: findings: {count}, samples lost: {lost}; {read}{gone}\n"),
        (_, true) => {
            format!("damaged: findings: {count}, samples lost: {lost} and more; {read}{gone}\n")
        }
    }
}

fn json(verified: &Verified, alerts: Option<&str>) -> serde_json::Value {
    json!({
        "sound": verified.is_sound() && alerts.is_none(),
        "findings": verified.findings.iter().map(text::finding_json).collect::<Vec<_>>(),
        "alertsState": alerts,
        "segments": verified.segments,
        "logs": verified.logs,
        "bytes": verified.bytes,
        "chunks": verified.chunks,
        "segmentSamples": verified.segment_samples,
        "logSamples": verified.log_samples,
        "first": verified.first.map(Timestamp::as_millis),
        "last": verified.last.map(Timestamp::as_millis),
        "removed": verified.removed,
    })
}

/// A bar on a terminal, nothing elsewhere.
struct Bar {
    on: bool,
    shown: Option<u64>,
}

impl Bar {
    fn new() -> Self {
        Self { on: io::stderr().is_terminal(), shown: None }
    }

    fn show(&mut self, progress: &Progress<'_>) {
        let percent = (progress.done * 100).checked_div(progress.total).unwrap_or(100).min(100);
        if !self.on || self.shown == Some(percent) {
            return;
        }
        self.shown = Some(percent);
        let filled = usize::try_from(percent * BAR / 100).unwrap_or(0);
        let bar = "#".repeat(filled);
        let width = usize::try_from(BAR).unwrap_or(0);
        let line = format!("\r\x1b[2K[{bar:<width$}] {percent:>3} %  {}", progress.file);
        let _nobody_looks = io::stderr().write_all(line.as_bytes());
    }

    fn clear(&mut self) {
        if self.on && self.shown.is_some() {
            let _nobody_looks = io::stderr().write_all(b"\r\x1b[2K");
        }
    }
}
