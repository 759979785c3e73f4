//! The backend's export of its whole audit log: one event a line, and their checksum behind them.
//!
//! It closes a gap that the read API leaves: what came between two answers with nothing in common is in it.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;

use crate::align::end_of_occurrence;
use crate::source::{SourceErrorKind, excerpt};
use crate::{Digest, Event};

/// The longest export that is taken: 130,000 events of the usual 500 bytes. It is held while it is aligned.
pub const MAX_EXPORT_BYTES: u64 = 64 * 1024 * 1024;

pub(crate) const EXPORT_PATH: &str = "/api/sovereign-mode/audit/export";
/// Everything, with a checksum.
pub(crate) const EXPORT_REQUEST: &str =
    r#"{"start_time":null,"end_time":null,"event_types":null,"include_hash":true}"#;

/// What the last line begins with; a SHA-256 in hexadecimal follows.
const TRAILER: &str = "SHA256:";

/// An export that is what its checksum says.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    events: Vec<Event>,
    /// Of the events as the read API spells them.
    digests: Vec<Digest>,
}

/// What an export shows of what an answer does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bridge {
    /// What came between the last answer and the new one.
    pub(crate) missing: Vec<Event>,
    /// Whether the last answer is in it: otherwise the list begins anew, and all of it is missing.
    pub(crate) joined: bool,
    /// How long the backend's list was with the new answer.
    pub(crate) length: u64,
}

/// What an export says of itself, if it does, before or behind its events.
#[derive(Deserialize)]
struct About {
    event_count: u64,
    content_hash: Option<String>,
}

impl Export {
    /// Reads an export. All or nothing: one line that is no event, or a checksum that differs, makes it an error.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, SourceErrorKind> {
        let text = std::str::from_utf8(body)
            .map_err(|source| SourceErrorKind::NotUtf8 { offset: source.valid_up_to() })?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let (content, trailer) = text.rsplit_once('\n').unwrap_or(("", text));
        let Some(expected) = trailer.strip_prefix(TRAILER) else {
            let found = excerpt(trailer.as_bytes());
            // The metadata alone: an export that can be checked against nothing.
            let alone = content.is_empty() && serde_json::from_str::<About>(trailer).is_ok();
            return Err(if alone {
                SourceErrorKind::ExportWithoutContent
            } else {
                SourceErrorKind::ExportTruncated { found }
            });
        };
        let mut lines: Vec<&str> = content.split('\n').filter(|line| !line.is_empty()).collect();
        let about = |line: Option<&&str>| line.and_then(|line| serde_json::from_str::<About>(line).ok());
        let mut said = about(lines.first());
        if said.is_some() {
            lines.remove(0);
        } else if let Some(behind) = about(lines.last()) {
            said = Some(behind);
            lines.pop();
        }
        let found = Digest::of(lines.join("\n").as_bytes()).to_string();
        let said_hash = said.as_ref().and_then(|about| about.content_hash.as_deref());
        for expected in std::iter::once(expected).chain(said_hash) {
            if !expected.eq_ignore_ascii_case(&found) {
                return Err(SourceErrorKind::ExportDiffers { expected: excerpt(expected.as_bytes()), found });
            }
        }
        if let Some(about) = said.filter(|about| about.event_count != lines.len() as u64) {
            let (counted, found) = (about.event_count, lines.len() as u64);
            return Err(SourceErrorKind::ExportMiscounts { counted, found });
        }
        let events: Vec<Event> = lines
            .iter()
            .enumerate()
            .map(|(index, line)| Event::parse(line, index))
            .collect::<Result<_, _>>()?;
        let digests = lines.iter().map(|line| Digest::of(as_answered(line).as_bytes())).collect();
        Ok(Self { events, digests })
    }

    /// Finds what is between the last answer and the new one.
    ///
    /// `whole` says that the last answer was the whole list, so it stands at the beginning if it stands anywhere.
    /// Nothing where the new answer is not in the export: then it says nothing about what came before it.
    pub(crate) fn bridge(&self, last: &[Digest], whole: bool, answer: &[Digest]) -> Option<Bridge> {
        let end = end_of_occurrence(answer, &self.digests)?;
        let begin = end - answer.len();
        let before = &self.digests[..begin];
        let from = match last {
            [] => None,
            _ if whole => before.starts_with(last).then_some(last.len()),
            _ => end_of_occurrence(last, before),
        };
        let missing: Range<usize> = from.unwrap_or(0)..begin;
        Some(Bridge { missing: self.events[missing].to_vec(), joined: from.is_some(), length: end as u64 })
    }
}

/// A line of an export as the read API spells it: characters beyond ASCII as themselves, not escaped.
fn as_answered(line: &str) -> Cow<'_, str> {
    if !line.contains("\\u") {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((c, length)) = beyond_ascii(rest) {
            out.push(c);
            rest = &rest[length..];
        } else {
            // The backslash and what it escapes, which may be another backslash.
            let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
            out.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character that `\uXXXX`, or a pair of them, stands for, if the read API would not escape it.
fn beyond_ascii(text: &str) -> Option<(char, usize)> {
    const ESCAPE: usize = 6;
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let first = unit(text)?;
    let second = text.get(ESCAPE..).and_then(unit);
    let c = char::decode_utf16(std::iter::once(first).chain(second)).next()?.ok()?;
    let length = if c.len_utf16() == 2 { 2 * ESCAPE } else { ESCAPE };
    (u32::from(c) >= 0x7f).then_some((c, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u32, reason: &str) -> String {
        format!(r#"{{"id":"a_{number}","timestamp":"2026-01-02T12:00:00.{number:06}","reason":"{reason}"}}"#)
    }

    fn body(lines: &[String]) -> String {
        let content = lines.join("\n");
        let newline = if lines.is_empty() { "" } else { "\n" };
        format!("{content}{newline}{TRAILER}{}\n", Digest::of(content.as_bytes()))
    }

    #[test]
    fn what_lies_between_two_answers_is_found_in_the_spelling_of_either() {
        let exported: Vec<String> =
            (0..10).map(|n| line(n, "gr\\u00fcn \\ud83d\\ude00 \\\\u00fc \\u0007")).collect();
        let answered: Vec<Digest> =
            (0..10).map(|n| Digest::of(line(n, "grün 😀 \\\\u00fc \\u0007").as_bytes())).collect();
        let export = Export::parse(body(&exported).as_bytes()).unwrap();
        let bridge = export.bridge(&answered[1..3], false, &answered[6..9]).unwrap();
        let missing: Vec<&str> = bridge.missing.iter().map(Event::line).collect();
        assert_eq!(missing, exported[3..6], "in the bytes of the export");
        assert!(bridge.joined);
        assert_eq!(bridge.length, 9);
        // A list that began anew has nothing of the last answer.
        let other = [Digest::of(b"other")];
        let bridge = export.bridge(&other, false, &answered[6..9]).unwrap();
        assert_eq!((bridge.missing.len(), bridge.joined), (6, false));
        // The whole list stands at the beginning or nowhere.
        assert_eq!(export.bridge(&answered[..2], true, &answered[6..9]).unwrap().missing.len(), 4);
        assert!(!export.bridge(&answered[1..3], true, &answered[6..9]).unwrap().joined);
        // An answer that is not in the export has nothing to do with it.
        assert_eq!(export.bridge(&answered[1..3], false, &other), None);
    }

    #[test]
    fn an_export_is_taken_whole_or_not_at_all() {
        let lines = [line(1, "one"), line(2, "two")];
        let good = body(&lines);
        assert_eq!(Export::parse(good.as_bytes()).unwrap().events.len(), 2);
        assert_eq!(Export::parse(body(&[]).as_bytes()).unwrap().events.len(), 0);
        for at in 0..good.len() - 1 {
            assert!(Export::parse(&good.as_bytes()[..at]).is_err(), "cut after {at} bytes");
            let mut changed = good.clone().into_bytes();
            changed[at] ^= 1;
            // In the checksum, the other case of a letter is the same digit; one bit makes no other case.
            assert!(Export::parse(&changed).is_err(), "changed at {at}");
        }
        let hash = Digest::of(lines.join("\n").as_bytes());
        let about = |count: u32, hash: &str| format!(r#"{{"event_count":{count},"content_hash":"{hash}"}}"#);
        let with = |about: String| format!("{about}\n{good}");
        assert!(Export::parse(with(about(2, &hash.to_string())).as_bytes()).is_ok());
        let miscounted = Export::parse(with(about(3, &hash.to_string())).as_bytes()).unwrap_err();
        assert_eq!(miscounted, SourceErrorKind::ExportMiscounts { counted: 3, found: 2 });
        let other = Export::parse(with(about(2, "00")).as_bytes()).unwrap_err();
        assert!(matches!(other, SourceErrorKind::ExportDiffers { .. }));
        let alone = Export::parse(about(2, "00").as_bytes()).unwrap_err();
        assert_eq!(alone, SourceErrorKind::ExportWithoutContent);
    }
}
