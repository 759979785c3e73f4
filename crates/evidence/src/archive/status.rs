use assurance_metrics_model::Timestamp;
use assurance_storage::Storage;
use serde::Serialize;

use super::{ArchiveError, read_cursor};
use crate::Day;
use crate::instant::rfc3339;
use crate::verify::published_days;

/// Where a collection stands. Reading it takes no lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The version of this form.
    pub v: u32,
    /// Where the events come from; `None` where nothing was ever collected.
    pub source: Option<String>,
    /// The last collection.
    #[serde(with = "rfc3339::option")]
    pub collected: Option<Timestamp>,
    /// The first day that is not closed.
    pub first_open: Option<Day>,
    /// Days with events or facts that are not published.
    pub open: Vec<OpenDayStatus>,
    /// How many days are published.
    pub published_days: u64,
    /// The first of them.
    pub first_published: Option<Day>,
    /// The last of them.
    pub last_published: Option<Day>,
}

/// A day that is not published yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OpenDayStatus {
    /// The day.
    pub day: Day,
    /// How many events are acknowledged.
    pub events: u64,
    /// Whether a fact says that events may be missing.
    pub incomplete: bool,
}

impl Status {
    /// Of the evidence in `storage`.
    pub fn read(storage: &dyn Storage) -> Result<Self, ArchiveError> {
        let cursor = read_cursor(storage)?;
        let published = published_days(storage)?;
        let open = cursor.iter().flat_map(|cursor| &cursor.open).map(|(day, open)| OpenDayStatus {
            day: *day,
            events: open.events,
            incomplete: open.incomplete,
        });
        Ok(Self {
            v: 1,
            open: open.collect(),
            source: cursor.as_ref().map(|cursor| cursor.source.clone()),
            collected: cursor.as_ref().map(|cursor| cursor.collected),
            first_open: cursor.as_ref().map(|cursor| cursor.first_open),
            published_days: published.len() as u64,
            first_published: published.first().copied(),
            last_published: published.last().copied(),
        })
    }
}
