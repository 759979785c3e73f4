use std::collections::BTreeMap;

use assurance_metrics_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::instant::rfc3339;
use crate::tail::Tail;
use crate::{Collector, Day, Digest};

/// The version of the cursor's form.
pub(crate) const CURSOR_VERSION: u32 = 1;

/// The largest cursor that is read: 1,000 digests of 67 bytes and some hundred open days of 300 bytes are
/// about 100 KiB; a hundred times that is not a cursor.
pub(crate) const MAX_CURSOR_BYTES: u64 = 10 * 1024 * 1024;

/// Everything a collection needs to go on, in `state/cursor.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor {
    pub(crate) v: u32,
    /// The name of the source.
    pub(crate) source: String,
    pub(crate) progress: Progress,
    /// Every day before this one is closed; it and those after are open.
    pub(crate) first_open: Day,
    /// The latest collection.
    #[serde(with = "rfc3339")]
    pub(crate) collected: Timestamp,
    /// Days with events or facts that are not published.
    pub(crate) open: BTreeMap<Day, OpenDay>,
    /// Events that an interrupted collection wrote and that were acknowledged without one: the next collection brings
    /// them again, first of all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) settled: BTreeMap<Day, Vec<Digest>>,
    /// A publication that has begun and must be finished before anything else.
    pub(crate) publishing: Option<Intent>,
}

/// How far the source has been read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Progress {
    Api(Collector),
    File(Tail),
}

impl Progress {
    pub(crate) fn collected(&self) -> Timestamp {
        match self {
            Self::Api(collector) => collector.collected(),
            Self::File(tail) => tail.collected(),
        }
    }
}

/// How much of a day's open files is acknowledged. What follows in the files is not.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenDay {
    pub(crate) bytes: u64,
    pub(crate) events: u64,
    pub(crate) facts_bytes: u64,
    #[serde(with = "rfc3339::option")]
    pub(crate) earliest: Option<Timestamp>,
    #[serde(with = "rfc3339::option")]
    pub(crate) latest: Option<Timestamp>,
    pub(crate) incomplete: bool,
}

/// What is being published, written down first so that an interrupted publication is finished and not begun
/// anew under another name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Intent {
    pub(crate) day: Day,
    /// The bare name of the events' file.
    pub(crate) file: String,
    pub(crate) sha256: Digest,
    pub(crate) bytes: u64,
    /// The facts file: the open facts up to here, and then this line. A supplement has none.
    pub(crate) facts: Option<IntendedFacts>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntendedFacts {
    pub(crate) file: String,
    pub(crate) sha256: Digest,
    pub(crate) bytes: u64,
    pub(crate) summary: String,
}
