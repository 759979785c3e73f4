use std::collections::BTreeSet;
use std::io;

use assurance_storage::{Operation, Reader, Storage, StorageError, StorageErrorKind};
use serde::Serialize;

use crate::names::{MAX_SIDECAR_BYTES, PUBLISHED_DIRECTORY, day_of_published, published_events};
use crate::{Day, Digest};

/// What verifying a published day found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DayReport {
    /// The day.
    pub day: Day,
    /// Its files, sorted by name.
    pub files: Vec<FileCheck>,
}

impl DayReport {
    /// Whether every file is what its checksum says.
    pub fn is_intact(&self) -> bool {
        self.files.iter().all(|file| file.verdict == FileVerdict::Intact)
    }
}

/// What verifying a file found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileCheck {
    /// Relative to the evidence directory.
    pub name: String,
    /// What was found.
    pub verdict: FileVerdict,
}

/// Whether a file is what its checksum says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileVerdict {
    /// It is.
    Intact,
    /// It is not.
    Differs {
        /// What the sidecar says.
        expected: Digest,
        /// What the file has.
        found: Digest,
    },
    /// There is no sidecar.
    NoChecksum,
    /// There is a sidecar that is not one line of checksum, two spaces and the file's bare name.
    BadChecksum,
    /// There is a sidecar and no file, or the day's own file is not there.
    Missing,
}

/// A day could not be verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Reading failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// There is nothing of this day.
    #[error("{PUBLISHED_DIRECTORY}: nothing is published for {day}; see which days are with `status`")]
    NotPublished {
        /// The day.
        day: Day,
    },
}

/// The days that are published, in order.
pub fn published_days(storage: &dyn Storage) -> Result<Vec<Day>, StorageError> {
    let entries = storage.list(PUBLISHED_DIRECTORY)?;
    let days: BTreeSet<Day> = entries
        .iter()
        .filter_map(|entry| day_of_published(&entry.name))
        .filter(|(_, rest)| *rest == ".jsonl")
        .map(|(day, _)| day)
        .collect();
    Ok(days.into_iter().collect())
}

/// Recomputes the checksums of a published day, its facts and its supplements. The manifest of a sealed day has none:
/// it is a copy of the log's leaf, which [`crate::audit`] compares.
pub fn verify_day(storage: &dyn Storage, day: Day) -> Result<DayReport, VerifyError> {
    let names: BTreeSet<String> = storage
        .list(PUBLISHED_DIRECTORY)?
        .into_iter()
        .filter(|entry| {
            day_of_published(&entry.name)
                .is_some_and(|(of, rest)| of == day && !rest.ends_with(".manifest.json"))
        })
        .map(|entry| entry.name)
        .collect();
    if names.is_empty() {
        return Err(VerifyError::NotPublished { day });
    }
    // Files are named by themselves or by a sidecar; the day's own must be there in any case.
    let mut files: BTreeSet<String> =
        names.iter().map(|name| name.strip_suffix(".sha256").unwrap_or(name).to_owned()).collect();
    files.insert(format!("{PUBLISHED_DIRECTORY}/{}", published_events(day, None)));
    let mut checks = Vec::new();
    for name in files {
        let verdict = if names.contains(&name) { verify_file(storage, &name)? } else { FileVerdict::Missing };
        checks.push(FileCheck { name, verdict });
    }
    Ok(DayReport { day, files: checks })
}

fn verify_file(storage: &dyn Storage, name: &str) -> Result<FileVerdict, StorageError> {
    let text = match storage.read(&format!("{name}.sha256"), MAX_SIDECAR_BYTES) {
        Ok(text) => text,
        Err(error) if error.is_not_found() => return Ok(FileVerdict::NoChecksum),
        Err(StorageError { kind: StorageErrorKind::TooLarge { .. }, .. }) => {
            return Ok(FileVerdict::BadChecksum);
        }
        Err(error) => return Err(error),
    };
    let bare = name.rsplit('/').next().unwrap_or(name);
    let expected = std::str::from_utf8(&text)
        .ok()
        .and_then(|text| text.strip_suffix(&format!("  {bare}\n")))
        .and_then(|digest| digest.parse::<Digest>().ok());
    let Some(expected) = expected else { return Ok(FileVerdict::BadChecksum) };
    let (found, _) = Digest::of_reader(&mut Reader::new(storage, name)).map_err(|source| {
        let source = io::Error::other(source);
        StorageError::new(Operation::Read, name, StorageErrorKind::Content(source))
    })?;
    Ok(if found == expected { FileVerdict::Intact } else { FileVerdict::Differs { expected, found } })
}
