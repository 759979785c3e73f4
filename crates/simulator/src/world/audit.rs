use std::fmt;
use std::sync::Arc;

use assurance_metrics_model::Timestamp;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{EventType, Mode, Severity};

/// Most entries the world writes before it refuses commands: at about 500 bytes each, half a gigabyte.
pub const MAX_AUDIT_ENTRIES: usize = 1_000_000;

/// Between two events of one call, in microseconds: what was measured on the original between the creation
/// of an override and its use.
const APART: i64 = 43;

/// An instant as the backend writes it: UTC without a zone, microseconds only when there are some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NaiveUtc {
    micros: i64,
}

impl NaiveUtc {
    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.micros
    }
}

impl From<Timestamp> for NaiveUtc {
    fn from(at: Timestamp) -> Self {
        Self { micros: at.as_millis().saturating_mul(1000) }
    }
}

impl fmt::Display for NaiveUtc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = Timestamp::from_secs(self.micros.div_euclid(1_000_000)).to_string();
        f.write_str(whole.trim_end_matches('Z'))?;
        match self.micros.rem_euclid(1_000_000) {
            0 => Ok(()),
            fraction => write!(f, ".{fraction:06}"),
        }
    }
}

impl Serialize for NaiveUtc {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Keys and values in the order given, whatever map the JSON crate was built with.
#[derive(Clone, Debug, Default)]
pub(super) struct Metadata(pub(super) Vec<(&'static str, Value)>);

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// What the original makes of metadata: nested once more under its own name.
#[derive(Serialize)]
struct Nested<'a> {
    metadata: &'a Metadata,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Shape<'a> {
    Flat(&'a Metadata),
    Nested(Nested<'a>),
}

/// What a part of the world wants recorded.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) kind: EventType,
    pub(super) mode_before: Option<Mode>,
    pub(super) mode_after: Option<Mode>,
    pub(super) bundle_id: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) triggered_by: &'static str,
    pub(super) error: Option<String>,
    pub(super) ipv6_related: bool,
    pub(super) metadata: Metadata,
}

impl Event {
    pub(super) fn new(kind: EventType, triggered_by: &'static str) -> Self {
        Self {
            kind,
            mode_before: None,
            mode_after: None,
            bundle_id: None,
            reason: None,
            triggered_by,
            error: None,
            ipv6_related: false,
            metadata: Metadata::default(),
        }
    }

    pub(super) fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    pub(super) fn error(mut self, error: impl Into<String>) -> Self {
        self.error = Some(error.into());
        self
    }

    pub(super) fn bundle(mut self, id: impl Into<String>) -> Self {
        self.bundle_id = Some(id.into());
        self
    }

    pub(super) fn modes(mut self, before: Mode, after: Mode) -> Self {
        self.mode_before = Some(before);
        self.mode_after = Some(after);
        self
    }

    pub(super) fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.metadata.0.push((key, value.into()));
        self
    }
}

/// The schema, in its order.
#[derive(Serialize)]
struct Wire<'a> {
    id: &'a str,
    timestamp: NaiveUtc,
    event_type: &'static str,
    severity: Severity,
    mode_before: Option<Mode>,
    mode_after: Option<Mode>,
    bundle_id: Option<&'a str>,
    reason: Option<&'a str>,
    triggered_by: &'static str,
    success: bool,
    error: Option<&'a str>,
    ipv6_related: bool,
    metadata: Shape<'a>,
}

/// One line of the log and what the world itself needs to know of it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) kind: EventType,
    pub(super) at: NaiveUtc,
    pub(super) reason: Option<Arc<str>>,
    pub(super) raw: Arc<str>,
}

/// Stamps events so that those of one millisecond keep their order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stamp {
    millis: i64,
    within: i64,
}

impl Stamp {
    pub(super) fn next(&mut self, now: Timestamp) -> NaiveUtc {
        let millis = now.as_millis();
        if millis == self.millis {
            // The last microsecond of the millisecond is shared once it is reached: stamps never run ahead.
            self.within = (self.within + APART).min(999);
        } else {
            *self = Self { millis, within: 0 };
        }
        NaiveUtc { micros: millis.saturating_mul(1000).saturating_add(self.within) }
    }
}

/// Serialises an event, once and for all.
pub(super) fn entry(event: &Event, at: NaiveUtc, nested: bool) -> Entry {
    let id = format!("{}_{}", event.kind.short(), at.as_micros().div_euclid(1000));
    let metadata = if nested {
        Shape::Nested(Nested { metadata: &event.metadata })
    } else {
        Shape::Flat(&event.metadata)
    };
    let wire = Wire {
        id: &id,
        timestamp: at,
        event_type: event.kind.as_str(),
        severity: event.kind.severity(),
        mode_before: event.mode_before,
        mode_after: event.mode_after,
        bundle_id: event.bundle_id.as_deref(),
        reason: event.reason.as_deref(),
        triggered_by: event.triggered_by,
        success: event.kind.is_success(),
        error: event.error.as_deref(),
        ipv6_related: event.ipv6_related,
        metadata,
    };
    let raw = serde_json::to_string(&wire).expect("text, numbers and maps with text keys always serialise");
    Entry { kind: event.kind, at, reason: event.reason.as_deref().map(Arc::from), raw: Arc::from(raw) }
}

/// JSON with every character outside of ASCII escaped, as Python's `json.dumps` writes it.
pub(super) fn escape_non_ascii(json: &str) -> String {
    use fmt::Write as _;
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _infallible = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}
