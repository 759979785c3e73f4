//! Where the events of lawful archives come from: a backend that shows its newest ones, or a log file that rotates.

use assurance_evidence::{ArchiveError, Config, Exporter, FetchError, Output, Response, Source};
use assurance_metrics_model::Timestamp;

use crate::rng::Rng;

const FILE: &str = "/var/log/brain/audit.jsonl";

#[derive(Clone, Debug)]
pub(crate) struct Backend {
    /// What it shows, oldest first.
    events: Vec<String>,
    written: u64,
    /// Whether it is a file.
    is_file: bool,
    /// What was rotated away.
    rotated: Option<Vec<String>>,
    /// How many events one answer has at most.
    limit: usize,
}

impl Backend {
    pub(crate) fn new(is_file: bool, limit: usize) -> Self {
        Self { events: Vec::new(), written: 0, is_file, rotated: None, limit }
    }

    pub(crate) fn write(&mut self, at: Timestamp, rng: &mut Rng) {
        self.written += 1;
        let (number, noise) = (self.written, rng.next());
        let kind = ["mode_changed", "override_set", "policy_violated"][rng.below(3)];
        let id = format!("{kind}_{}", at.as_millis());
        self.events
            .push(format!(r#"{{"id":"{id}","timestamp":"{at}","number":{number},"details":"{noise:x}"}}"#));
    }

    /// A restart of the backend, or the rotation of the file.
    pub(crate) fn restart(&mut self) {
        let events = std::mem::take(&mut self.events);
        self.rotated = Some(events);
    }

    fn text(&self, path: &str) -> Option<String> {
        let lines = if path == FILE { &self.events } else { self.rotated.as_ref()? };
        Some(lines.iter().map(|line| format!("{line}\n")).collect())
    }

    fn answer(&self, path: &str) -> Response {
        let body = if path.ends_with("/statistics") {
            format!(r#"{{"audit_entries":{}}}"#, self.events.len())
        } else {
            let last = &self.events[self.events.len().saturating_sub(self.limit)..];
            format!("[{}]", last.join(","))
        };
        Response { status: 200, body: body.into_bytes() }
    }
}

pub(crate) fn config(backend: &Backend) -> Config {
    if backend.is_file {
        return Config::file(FILE);
    }
    let base = "http://backend:8000".to_owned();
    let mut config = Config::api(&base);
    config.source = Source::Api { base, limit: backend.limit };
    config
}

/// One round of collecting.
pub(crate) fn collect(
    exporter: &mut Exporter,
    now: Timestamp,
    backend: &Backend,
) -> Result<(), ArchiveError> {
    exporter.handle_timeout(now);
    loop {
        let report = match exporter.poll_output() {
            Some(Output::Get(get)) => exporter.handle_response(now, get.id, Ok(backend.answer(&get.path)))?,
            Some(Output::Read(read)) => {
                let piece = backend.text(&read.path).ok_or(FetchError::NoFile).map(|text| {
                    let start = usize::try_from(read.offset).unwrap_or(usize::MAX).min(text.len());
                    let most = usize::try_from(read.max_bytes).unwrap_or(usize::MAX);
                    text.as_bytes()[start..text.len().min(start.saturating_add(most))].to_vec()
                });
                exporter.handle_piece(now, read.id, piece)?
            }
            _ => return Ok(()),
        };
        if report.is_some() {
            return Ok(());
        }
    }
}
