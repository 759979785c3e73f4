//! A backend with an audit log in memory, and the loop that the edge would run.

use std::sync::Arc;

use assurance_evidence::{ArchiveError, Config, Day, Exporter, Output, Report, Response};
use assurance_metrics_model::Timestamp;
use assurance_storage::{Memory, Storage};

/// An instant, written as text.
pub(crate) fn at(text: &str) -> Timestamp {
    assurance_evidence::parse_instant(text).expect("the test writes instants")
}

/// A day, written as text.
pub(crate) fn day(text: &str) -> Day {
    text.parse().expect("the test writes days")
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Backend {
    pub(crate) log: Vec<String>,
    /// How many entries it wrote, over all restarts.
    written: usize,
    /// Whether it answers the question for its statistics.
    pub(crate) counts: bool,
    /// Whether it answers an export with its content; it fails otherwise, as the first version always does.
    pub(crate) exports: bool,
}

impl Backend {
    pub(crate) fn new() -> Self {
        Self { counts: true, ..Self::default() }
    }

    pub(crate) fn exporting() -> Self {
        Self { exports: true, ..Self::new() }
    }

    /// Writes an entry and gives it as it stands in every answer.
    pub(crate) fn write(&mut self, at: Timestamp) -> String {
        self.written += 1;
        let line = format!(
            r#"{{"id":"mode_changed_{}","timestamp":"{at}","number":{}}}"#,
            at.as_millis(),
            self.written
        );
        self.log.push(line.clone());
        line
    }

    pub(crate) fn restart(&mut self) {
        self.log.clear();
    }

    pub(crate) fn answer(&self, path: &str) -> Response {
        if path == "/api/sovereign-mode/statistics" {
            return if self.counts {
                ok(&format!(r#"{{"audit_entries":{}}}"#, self.log.len()))
            } else {
                gone()
            };
        }
        if path == "/api/sovereign-mode/audit/export" {
            return if self.exports {
                ok(&self.export())
            } else {
                Response { status: 500, body: Vec::new() }
            };
        }
        let limit = path.strip_prefix("/api/sovereign-mode/audit?limit=").expect("no other path");
        let limit: usize = limit.parse().expect("a number");
        assert!((1..=1000).contains(&limit), "the backend answers 422 to this");
        let last = &self.log[self.log.len().saturating_sub(limit)..];
        ok(&format!("[{}]", last.join(",")))
    }
}

impl Backend {
    /// All it has, and the checksum behind it.
    pub(crate) fn export(&self) -> String {
        let content = self.log.join("\n");
        format!("{content}\nSHA256:{}\n", assurance_evidence::Digest::of(content.as_bytes()))
    }
}

pub(crate) fn ok(body: &str) -> Response {
    Response { status: 200, body: body.as_bytes().to_vec() }
}

pub(crate) fn gone() -> Response {
    Response { status: 404, body: b"{\"detail\":\"Not Found\"}".to_vec() }
}

/// One round of collecting from `backend`.
pub(crate) fn round(
    exporter: &mut Exporter,
    now: Timestamp,
    backend: &Backend,
) -> Result<Report, ArchiveError> {
    round_with(exporter, now, |path| backend.answer(path))
}

/// One round with answers from wherever.
pub(crate) fn round_with(
    exporter: &mut Exporter,
    now: Timestamp,
    answer: impl Fn(&str) -> Response,
) -> Result<Report, ArchiveError> {
    exporter.handle_timeout(now);
    loop {
        let Some(Output::Get(get)) = exporter.poll_output() else { panic!("the round asks for something") };
        if let Some(report) = exporter.handle_response(now, get.id, Ok(answer(&get.path)))? {
            return Ok(report);
        }
    }
}

/// A fresh directory and an exporter with this limit.
pub(crate) fn rig(limit: usize, now: Timestamp) -> (Arc<Memory>, Exporter) {
    let storage = Arc::new(Memory::new());
    let exporter = Exporter::open(storage.clone(), config(limit), now).expect("opened");
    (storage, exporter)
}

pub(crate) fn config(limit: usize) -> Config {
    let mut config = Config::api("http://backend:8000");
    config.source = assurance_evidence::Source::Api { base: "http://backend:8000".to_owned(), limit };
    config
}

pub(crate) fn text(storage: &dyn Storage, name: &str) -> String {
    let bytes = storage.read(name, 1 << 24).unwrap_or_else(|error| panic!("{error}"));
    String::from_utf8(bytes).expect("evidence is text")
}

/// Every event in evidence, published or open, in the order of days and files; supplements after their day.
pub(crate) fn all_events(storage: &dyn Storage) -> Vec<String> {
    let mut names: Vec<(String, u8, String)> = Vec::new();
    for directory in ["hot", "state"] {
        for entry in storage.list(directory).expect("listed") {
            let bare = entry.name.rsplit('/').next().expect("a name").to_owned();
            if !bare.starts_with("audit-") || !bare.ends_with(".jsonl") || bare.contains("facts") {
                continue;
            }
            let rank = if directory == "state" { 2 } else { u8::from(bare.contains("supplement")) };
            names.push((bare[..16].to_owned(), rank, entry.name));
        }
    }
    names.sort();
    names
        .iter()
        .flat_map(|(_, _, name)| text(storage, name).lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// The names of the facts, in order.
pub(crate) fn facts(report: &Report) -> Vec<String> {
    report
        .facts
        .iter()
        .map(|fact| {
            let value = serde_json::to_value(fact).expect("facts are JSON");
            value["fact"].as_str().expect("a name").to_owned()
        })
        .collect()
}
