//! What the exporter left behind, read back as an auditor would.

use assurance_evidence::{
    Day, Digest, Fact, FactKind, FileVerdict, PUBLISHED_DIRECTORY, VerifyError, published_days, verify_day,
};
use assurance_storage::{Storage, StorageError};
use serde::{Deserialize, Serialize};

/// Longest published file that is read back: 64 MiB hold a hundred thousand events, more than a day of 3,000
/// steps can bring about.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// The evidence of a rehearsal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// Every published file but the checksums beside them.
    pub files: Vec<EvidenceFile>,
    /// Whether every file is what its checksum says; false where there is none.
    pub intact: bool,
    /// Whether every day says of itself that nothing may be missing; false where there is none.
    pub complete: bool,
    /// The types of the events, in the order of the files.
    #[serde(skip)]
    pub(crate) events: Vec<String>,
}

/// One published file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EvidenceFile {
    /// Its name, relative to the evidence directory.
    pub name: String,
    /// Its length.
    pub bytes: usize,
    /// Its lines.
    pub lines: usize,
    /// SHA-256 of what was read back.
    pub sha256: String,
    /// Whether that is what its checksum says.
    pub intact: bool,
}

/// Evidence that cannot be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Reading failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Verifying failed.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A line is not what it should be.
    #[error("{name}: line {line} cannot be read: {source}")]
    Line {
        /// The file.
        name: String,
        /// From 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
}

#[derive(Deserialize)]
struct EventLine {
    event_type: String,
}

impl Evidence {
    /// Everything that is published.
    pub(crate) fn read(storage: &dyn Storage) -> Result<Self, EvidenceError> {
        let days = published_days(storage)?;
        let mut evidence = Self { intact: !days.is_empty(), complete: !days.is_empty(), ..Self::default() };
        for day in days {
            evidence.read_day(storage, day)?;
        }
        Ok(evidence)
    }

    fn read_day(&mut self, storage: &dyn Storage, day: Day) -> Result<(), EvidenceError> {
        let report = verify_day(storage, day)?;
        self.intact &= report.is_intact();
        let mut summary = None;
        for check in report.files {
            if check.verdict == FileVerdict::Missing {
                continue;
            }
            let name = check.name;
            let bytes = storage.read(&name, MAX_FILE_BYTES)?;
            let text = String::from_utf8_lossy(&bytes);
            for (index, line) in text.lines().enumerate() {
                let wrong = |source| EvidenceError::Line { name: name.clone(), line: index + 1, source };
                if name.ends_with(".facts.jsonl") {
                    let fact: Fact = serde_json::from_str(line).map_err(wrong)?;
                    if let FactKind::Day(day) = fact.kind {
                        summary = Some(day.complete);
                    }
                } else {
                    let event: EventLine = serde_json::from_str(line).map_err(wrong)?;
                    self.events.push(event.event_type);
                }
            }
            self.files.push(EvidenceFile {
                bytes: bytes.len(),
                lines: text.lines().count(),
                sha256: Digest::of(&bytes).to_string(),
                intact: check.verdict == FileVerdict::Intact,
                name,
            });
        }
        self.complete &= summary == Some(true);
        Ok(())
    }

    /// Where files are published.
    pub(crate) const DIRECTORY: &'static str = PUBLISHED_DIRECTORY;
}

#[cfg(test)]
mod tests {
    use assurance_storage::Memory;

    use super::*;

    const EVENTS: &str = "{\"timestamp\":\"2026-01-02T10:00:00\",\"event_type\":\"axe.request_blocked\"}\n";

    /// A published day, whose sidecars are made for `stamped` and whose facts call it complete or not.
    fn published(stamped: &str, complete: bool) -> Memory {
        let storage = Memory::new();
        let sha256 = Digest::of(EVENTS.as_bytes());
        let facts = format!(
            "{{\"v\":1,\"at\":\"2026-01-03T00:02:00Z\",\"fact\":\"day\",\"day\":\"2026-01-02\",\"file\":\"audit-2026-01-02.jsonl\",\
             \"sha256\":\"{sha256}\",\"bytes\":1,\"events\":1,\"earliest\":null,\"latest\":null,\
             \"collected_until\":\"2026-01-03T00:02:00Z\",\"complete\":{complete}}}\n"
        );
        let files = [
            ("audit-2026-01-02.jsonl", EVENTS, stamped),
            ("audit-2026-01-02.facts.jsonl", &facts, facts.as_str()),
        ];
        for (name, content, stamped) in files {
            let sidecar = format!("{}  {name}\n", Digest::of(stamped.as_bytes()));
            storage.publish(&format!("hot/{name}"), &mut content.as_bytes()).unwrap();
            storage.publish(&format!("hot/{name}.sha256"), &mut sidecar.as_bytes()).unwrap();
        }
        storage
    }

    #[test]
    fn a_day_that_is_whole_is_read_back() {
        let evidence = Evidence::read(&published(EVENTS, true)).unwrap();
        assert!(evidence.intact && evidence.complete);
        assert_eq!(evidence.events, ["axe.request_blocked"]);
        assert_eq!(evidence.files.len(), 2);
    }

    #[test]
    fn a_file_that_differs_from_its_checksum_is_named() {
        let evidence = Evidence::read(&published("something else", true)).unwrap();
        assert!(!evidence.intact);
        let touched: Vec<&str> =
            evidence.files.iter().filter(|f| !f.intact).map(|f| f.name.as_str()).collect();
        assert_eq!(touched, ["hot/audit-2026-01-02.jsonl"]);
    }

    #[test]
    fn a_day_that_says_so_is_incomplete() {
        let evidence = Evidence::read(&published(EVENTS, false)).unwrap();
        assert!(evidence.intact && !evidence.complete);
    }

    #[test]
    fn nothing_is_neither_intact_nor_complete() {
        let evidence = Evidence::read(&Memory::new()).unwrap();
        assert!(!evidence.intact && !evidence.complete);
    }

    #[test]
    fn a_line_that_is_no_event_is_an_error() {
        let storage = Memory::new();
        storage.publish("hot/audit-2026-01-02.jsonl", &mut &b"{}\n"[..]).unwrap();
        let error = Evidence::read(&storage).unwrap_err();
        assert!(
            error.to_string().starts_with("hot/audit-2026-01-02.jsonl: line 1 cannot be read"),
            "{error}"
        );
    }
}
