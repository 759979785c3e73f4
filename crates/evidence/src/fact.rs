use assurance_metrics_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::instant::rfc3339;
use crate::{Day, Digest, Event};

/// The version of the facts' form, in every line as `v`.
pub const FACTS_VERSION: u32 = 1;

/// Something about the collection itself that a reader of the day's events must know.
///
/// One JSON object a line in `audit-<day>.facts.jsonl`; the last line of a published file is the day's
/// summary ([`FactKind::Day`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fact {
    /// [`FACTS_VERSION`].
    pub v: u32,
    /// When it was noticed.
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
    /// What was noticed.
    #[serde(flatten)]
    pub kind: FactKind,
}

impl Fact {
    /// A fact noticed at `at`.
    pub fn new(at: Timestamp, kind: FactKind) -> Self {
        Self { v: FACTS_VERSION, at, kind }
    }

    /// Whether it says that events are, or may be, missing.
    pub fn is_incomplete(&self) -> bool {
        match &self.kind {
            FactKind::Gap { .. }
            | FactKind::Restart { .. }
            | FactKind::Rewritten { .. }
            | FactKind::TotalsDisagree { .. }
            | FactKind::Unread { .. }
            | FactKind::DamagedLine { .. } => true,
            FactKind::Rotated { lost, .. } => *lost,
            FactKind::Day(day) => !day.complete,
            FactKind::Start { .. }
            | FactKind::SourceChanged { .. }
            | FactKind::Exported { .. }
            | FactKind::Compacted { .. }
            | FactKind::OutOfOrder { .. }
            | FactKind::Future { .. }
            | FactKind::Late { .. }
            | FactKind::ClockBack { .. }
            | FactKind::Recovered { .. } => false,
        }
    }

    /// The instant since which it may be true, when that is before it was noticed.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        match &self.kind {
            FactKind::Gap { since, .. }
            | FactKind::Restart { since, .. }
            | FactKind::Rewritten { since, .. }
            | FactKind::TotalsDisagree { since, .. }
            | FactKind::Unread { since }
            | FactKind::Rotated { since, .. } => Some(*since),
            _ => None,
        }
    }
}

/// The event on one side of a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Neighbour {
    /// Its `id`, which need not be unique.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// Its own timestamp.
    #[serde(with = "rfc3339")]
    pub timestamp: Timestamp,
    /// SHA-256 of its line.
    pub sha256: Digest,
}

impl From<&Event> for Neighbour {
    fn from(event: &Event) -> Self {
        Self { id: event.id().map(str::to_owned), timestamp: event.at(), sha256: event.digest() }
    }
}

/// What was noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FactKind {
    /// The first collection into this directory. Not a gap: nothing was promised before it.
    Start {
        /// Where the events come from.
        source: String,
        /// How many events there were.
        entries: u64,
        /// Whether the source may hold older events than it showed.
        earlier_missing: bool,
    },
    /// The source has another name than at the last collection.
    SourceChanged {
        /// Before.
        from: String,
        /// Now.
        to: String,
    },
    /// The new answer has nothing in common with the last one: more events came in between than one answer
    /// holds. How many are missing is unknown.
    Gap {
        /// The last collection.
        #[serde(with = "rfc3339")]
        since: Timestamp,
        /// The last event before, if any.
        before: Option<Neighbour>,
        /// The first event after, if any.
        after: Option<Neighbour>,
    },
    /// The backend lost its list: it was started anew. Events between the last collection and the restart may
    /// be missing.
    Restart {
        /// The last collection.
        #[serde(with = "rfc3339")]
        since: Timestamp,
        /// The last event before, if any.
        before: Option<Neighbour>,
        /// The first event after, if any.
        after: Option<Neighbour>,
        /// Whether the new list, too, may already have been longer than one answer.
        earlier_missing: bool,
    },
    /// The backend's list only grows at its end, and yet entries are gone from its beginning.
    Rewritten {
        /// The last collection.
        #[serde(with = "rfc3339")]
        since: Timestamp,
        /// How many entries of the last answer are no longer in the list. They are in the evidence.
        vanished: u64,
    },
    /// The backend's own count does not fit what it showed.
    TotalsDisagree {
        /// The last collection.
        #[serde(with = "rfc3339")]
        since: Timestamp,
        /// How many entries it said there are, before it was asked for them.
        counted: u64,
        /// How many entries are accounted for.
        accounted: u64,
    },
    /// What one answer of the read API no longer held was taken from the backend's export, whose checksum agreed.
    Exported {
        /// The last collection.
        #[serde(with = "rfc3339")]
        since: Timestamp,
        /// How many events.
        events: u64,
    },
    /// Events had line breaks between their tokens; white space outside of strings was removed from them.
    Compacted {
        /// How many.
        events: u64,
    },
    /// Events follow others with a later timestamp. They are kept in the order of the source.
    OutOfOrder {
        /// How many.
        events: u64,
        /// The first of them.
        first: Neighbour,
        /// The largest step back, in milliseconds.
        largest_step_ms: i64,
    },
    /// Events carry a timestamp in the future.
    Future {
        /// How many.
        events: u64,
        /// The latest timestamp.
        #[serde(with = "rfc3339")]
        latest: Timestamp,
    },
    /// Events arrived for a day that is already published; they go into a supplement.
    Late {
        /// The day.
        day: Day,
        /// How many.
        events: u64,
    },
    /// The clock of this machine stands before the last collection.
    ClockBack {
        /// The last collection.
        #[serde(with = "rfc3339")]
        from: Timestamp,
    },
    /// Events that an interrupted run had written but not yet acknowledged were kept.
    Recovered {
        /// The day.
        day: Day,
        /// How many.
        events: u64,
    },
    /// The day was closed although the source could not be read after its end.
    Unread {
        /// The last collection.
        #[serde(with = "rfc3339")]
        since: Timestamp,
    },
    /// The log file was replaced or cut short.
    Rotated {
        /// The last collection.
        #[serde(with = "rfc3339")]
        since: Timestamp,
        /// How far the old file had been read.
        offset: u64,
        /// Whether the rest of the old file could not be found.
        lost: bool,
    },
    /// A line of the log file is not an event. It was skipped.
    DamagedLine {
        /// Where the line begins in the file.
        offset: u64,
        /// Its length, without the newline.
        bytes: u64,
        /// SHA-256 of it.
        sha256: Digest,
        /// Its beginning.
        text: String,
    },
    /// The summary that ends a published day.
    Day(DaySummary),
}

impl FactKind {
    /// The word that stands for it in `fact`.
    pub fn name(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.get("fact").and_then(|name| name.as_str()).unwrap_or_default().to_owned()
    }
}

/// What a published day holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DaySummary {
    /// The day.
    pub day: Day,
    /// The file of its events, beside this one.
    pub file: String,
    /// SHA-256 of it.
    pub sha256: Digest,
    /// Its length.
    pub bytes: u64,
    /// Its lines.
    pub events: u64,
    /// The earliest timestamp in it.
    #[serde(with = "rfc3339::option")]
    pub earliest: Option<Timestamp>,
    /// The latest timestamp in it.
    #[serde(with = "rfc3339::option")]
    pub latest: Option<Timestamp>,
    /// The last collection before the day was closed.
    #[serde(with = "rfc3339")]
    pub collected_until: Timestamp,
    /// Whether no fact of the day says that events may be missing.
    pub complete: bool,
}
