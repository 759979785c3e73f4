use std::fmt;

/// How much of a wrong answer an error shows.
const EXCERPT_CHARS: usize = 80;

/// The source did not give evidence. Nothing was written, and the cursor did not move.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {kind}")]
#[non_exhaustive]
pub struct SourceError {
    /// The URL or file.
    pub place: String,
    /// What is wrong with it.
    pub kind: SourceErrorKind,
}

impl SourceError {
    /// An error of the source at `place`.
    pub fn new(place: impl Into<String>, kind: SourceErrorKind) -> Self {
        Self { place: place.into(), kind }
    }
}

/// What is wrong with a source or its answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// No answer at all.
    #[error("no answer: {message}; check that the backend runs and that the address is right")]
    Unreachable {
        /// What the connection said.
        message: String,
    },
    /// Nothing was asked, for a reason on this side.
    #[error("it could not be asked: {message}; check the flags and the files they name")]
    NotAsked {
        /// The reason.
        message: String,
    },
    /// An answer, but not 200.
    #[error("{}", status_text(*status, found))]
    Status {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        found: String,
    },
    /// An empty body.
    #[error("the answer is empty where a JSON array is expected; look at the backend's log")]
    Empty,
    /// A page for people.
    #[error(
        "the answer is a web page, not JSON: {found}; it may come from a proxy or a sign-in page, check the address and the token"
    )]
    Html {
        /// The beginning of the body.
        found: String,
    },
    /// JSON, but no array.
    #[error("the answer is not a JSON array of events: {found}; look at the backend's log")]
    NotAnArray {
        /// The beginning of the body.
        found: String,
    },
    /// JSON that ends too early.
    #[error(
        "the answer ends in the middle, at line {line} column {column}; the connection may have been cut, try again"
    )]
    Truncated {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Not JSON.
    #[error(
        "the answer is not JSON at line {line} column {column}: {message}; check that the address is the backend's"
    )]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What was expected.
        message: String,
    },
    /// Not text.
    #[error("the answer is not UTF-8 at byte {offset}; check that the address is the backend's")]
    NotUtf8 {
        /// From 0.
        offset: usize,
    },
    /// An element that is not an object.
    #[error("element {index} of the answer is not an event but {found}; look at the backend's log")]
    NotAnObject {
        /// From 0.
        index: usize,
        /// The beginning of the element.
        found: String,
    },
    /// An element that is an object and cannot be read.
    #[error("element {index} of the answer cannot be read: {message}; look at the backend's log")]
    BadElement {
        /// From 0.
        index: usize,
        /// Why.
        message: String,
    },
    /// An element without the field that says when it happened.
    #[error("element {index} of the answer has no timestamp: {found}; an event must say when it happened")]
    NoTimestamp {
        /// From 0.
        index: usize,
        /// The beginning of the element.
        found: String,
    },
    /// A timestamp that is not an instant.
    #[error(
        "element {index} of the answer has the timestamp {text}, which is not RFC 3339 such as 2026-01-02T03:04:05.678901Z (no zone means UTC)"
    )]
    BadTimestamp {
        /// From 0.
        index: usize,
        /// What it says, as JSON.
        text: String,
    },
    /// More bytes than are taken.
    #[error("the answer is longer than {max_bytes} bytes; ask for fewer entries at a time")]
    TooLong {
        /// The bound.
        max_bytes: u64,
    },
    /// An export that tells of its content, and does not give it.
    #[error("the export gives the checksum of its content and not the content; it cannot close a gap")]
    ExportWithoutContent,
    /// An export without its end.
    #[error(
        "the export does not end in its checksum but in {found:?}; the connection may have been cut, try again"
    )]
    ExportTruncated {
        /// The beginning of its last line.
        found: String,
    },
    /// An export that is not what its checksum says.
    #[error("the export's checksum is {expected:?}, and its content has {found}; nothing of it is taken")]
    ExportDiffers {
        /// What it says.
        expected: String,
        /// What it has.
        found: String,
    },
    /// An export that has another number of events than it says.
    #[error("the export counts {counted} events and has {found}; nothing of it is taken")]
    ExportMiscounts {
        /// What it says.
        counted: u64,
        /// What it has.
        found: u64,
    },
    /// The log file is not there.
    #[error("there is no such file; check the path, and that the backend writes its audit log there")]
    NoFile,
}

fn status_text(status: u16, found: &str) -> String {
    let next = match status {
        401 | 403 => "give a token that may read the audit log (--token-file)",
        404 => "check that the address is the backend's own, without /api/…",
        422 => "the backend takes limits from 1 to 1000, check --limit",
        429 | 503 => "the backend is busy, try again later",
        300..=399 => "redirects are not followed, give the final address",
        500..=599 => "the backend failed, look at its log",
        _ => "check the address",
    };
    if found.is_empty() {
        format!("the backend answered with status {status}; {next}")
    } else {
        format!("the backend answered with status {status}: {found}; {next}")
    }
}

/// The beginning of `bytes` on one line, with white space joined and control characters escaped.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    // Four bytes a character at most, and one character more to see whether something follows.
    let head = &bytes[..bytes.len().min((EXCERPT_CHARS + 1) * 4)];
    let text = String::from_utf8_lossy(head);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == EXCERPT_CHARS {
            out.push('…');
            break;
        }
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// Why the edge could not bring what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchError {
    /// No answer: refused, timed out, not resolved, not trusted.
    Unreachable(String),
    /// Nothing was asked, because a token, certificate or file cannot be used.
    NotAsked(String),
    /// The answer was longer than asked for.
    TooLong,
    /// The file does not exist.
    NoFile,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(message) | Self::NotAsked(message) => f.write_str(message),
            Self::TooLong => f.write_str("the answer is too long"),
            Self::NoFile => f.write_str("there is no such file"),
        }
    }
}

impl std::error::Error for FetchError {}

impl FetchError {
    pub(crate) fn into_kind(self, max_bytes: u64) -> SourceErrorKind {
        match self {
            Self::Unreachable(message) => SourceErrorKind::Unreachable { message },
            Self::NotAsked(message) => SourceErrorKind::NotAsked { message },
            Self::TooLong => SourceErrorKind::TooLong { max_bytes },
            Self::NoFile => SourceErrorKind::NoFile,
        }
    }
}
