use assurance_metrics_model::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::source::{SourceErrorKind, excerpt};
use crate::{Digest, parse_instant};

/// One audit event, as it stood in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    line: Box<str>,
    at: Timestamp,
    digest: Digest,
    id: Option<Box<str>>,
    event_type: Option<Box<str>>,
    compacted: bool,
}

/// What is read of an event. Everything else stays bytes.
#[derive(Deserialize)]
struct Probe {
    timestamp: Option<Value>,
    id: Option<Value>,
    event_type: Option<Value>,
}

impl Event {
    /// The JSON object as it was sent, without a newline in or after it.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// When it happened, by its own `timestamp`.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// SHA-256 of the line.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Its `id`. Not unique: two events of one type in one millisecond share it.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Its `event_type`.
    pub fn event_type(&self) -> Option<&str> {
        self.event_type.as_deref()
    }

    /// Whether it had line breaks between its tokens, so that white space outside of strings was removed to
    /// make it one line. Without line breaks every byte is kept.
    pub fn was_compacted(&self) -> bool {
        self.compacted
    }

    /// Reads one JSON value, the `index`-th of its source.
    pub(crate) fn parse(raw: &str, index: usize) -> Result<Self, SourceErrorKind> {
        if !raw.starts_with('{') {
            return Err(SourceErrorKind::NotAnObject { index, found: excerpt(raw.as_bytes()) });
        }
        let probe: Probe = serde_json::from_str(raw)
            .map_err(|source| SourceErrorKind::BadElement { index, message: source.to_string() })?;
        let timestamp = probe.timestamp.unwrap_or_default();
        if timestamp.is_null() {
            return Err(SourceErrorKind::NoTimestamp { index, found: excerpt(raw.as_bytes()) });
        }
        let Some(at) = timestamp.as_str().and_then(parse_instant) else {
            let text = excerpt(timestamp.to_string().as_bytes());
            return Err(SourceErrorKind::BadTimestamp { index, text });
        };
        let compacted = raw.contains(['\n', '\r']);
        let line: Box<str> = if compacted { compact(raw).into() } else { raw.into() };
        let text = |value: Option<Value>| match value {
            Some(Value::String(text)) => Some(text.into_boxed_str()),
            _ => None,
        };
        Ok(Self {
            digest: Digest::of(line.as_bytes()),
            line,
            at,
            id: text(probe.id),
            event_type: text(probe.event_type),
            compacted,
        })
    }
}

/// Removes white space outside of strings. JSON allows no raw line break inside of one, so the result is one
/// line.
fn compact(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut in_string = false;
    let mut escaped = false;
    for c in raw.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if matches!(c, ' ' | '\t' | '\n' | '\r') {
            continue;
        } else {
            in_string = c == '"';
        }
        out.push(c);
    }
    out
}

/// Reads an answer of `GET /api/sovereign-mode/audit`: a JSON array of objects that carry a `timestamp`.
///
/// All or nothing: one element that is not an event makes the whole answer an error.
pub fn parse_answer(body: &[u8]) -> Result<Vec<Event>, SourceErrorKind> {
    let text = std::str::from_utf8(body)
        .map_err(|source| SourceErrorKind::NotUtf8 { offset: source.valid_up_to() })?;
    let trimmed = text.trim_start();
    match trimmed.bytes().next() {
        Some(b'[') => {}
        None => return Err(SourceErrorKind::Empty),
        Some(b'<') => return Err(SourceErrorKind::Html { found: excerpt(trimmed.as_bytes()) }),
        Some(_) => return Err(SourceErrorKind::NotAnArray { found: excerpt(trimmed.as_bytes()) }),
    }
    let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|source| not_json(&source))?;
    elements.iter().enumerate().map(|(index, raw)| Event::parse(raw.get(), index)).collect()
}

/// Reads an answer of `GET /api/sovereign-mode/statistics`: the length of the backend's audit log.
pub fn parse_statistics(body: &[u8]) -> Result<u64, SourceErrorKind> {
    #[derive(Deserialize)]
    struct Statistics {
        audit_entries: u64,
    }
    let statistics: Statistics = serde_json::from_slice(body).map_err(|source| not_json(&source))?;
    Ok(statistics.audit_entries)
}

fn not_json(source: &serde_json::Error) -> SourceErrorKind {
    let (line, column) = (source.line(), source.column());
    if source.is_eof() {
        SourceErrorKind::Truncated { line, column }
    } else {
        // The position is printed once, by the error around it.
        let message = source.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
        SourceErrorKind::NotJson { line, column, message }
    }
}
