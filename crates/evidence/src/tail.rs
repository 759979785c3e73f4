use assurance_metrics_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::collector::note_oddities;
use crate::fact::{Fact, FactKind, Neighbour};
use crate::instant::rfc3339;
use crate::source::{SourceErrorKind, excerpt};
use crate::{Collection, Digest, Event};

/// How many bytes before the reading position are compared to recognise the file: eight events of the usual
/// 500 bytes, and timestamps make each of them unlike any other.
const CHECK_BYTES: u64 = 4096;

/// How much is read at a time, and so the longest line: a thousand times the backend's largest events.
const CHUNK_BYTES: u64 = 8 * 1024 * 1024;

/// Follows a log file of one JSON object a line, which grows at its end and may be rotated.
///
/// A rotated file is recognised by the bytes before the reading position; its rest is looked for under the
/// same name with `.1`, the place `logrotate` moves it to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tail {
    /// Up to here the file has been read.
    offset: u64,
    /// The digest of the bytes before, at most [`CHECK_BYTES`] of them.
    check: Digest,
    last: Option<Neighbour>,
    #[serde(with = "rfc3339")]
    collected: Timestamp,
    started: bool,
    /// Whether the position is inside of a line that is too long, whose rest is passed over.
    #[serde(default)]
    skipping: bool,
}

/// What a piece of the file led to.
#[derive(Debug)]
pub(crate) enum Step {
    /// Lines were read, and there may be more.
    More(Collection),
    /// Everything there is was read.
    Done(Collection),
    /// The file is not the one that was read before; look for its rest.
    LookForRest,
}

impl Tail {
    /// How much to read at a time.
    pub(crate) const PIECE_BYTES: u64 = CHECK_BYTES + CHUNK_BYTES;

    /// At the beginning of a file.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            offset: 0,
            check: Digest::of(b""),
            last: None,
            collected: now,
            started: false,
            skipping: false,
        }
    }

    pub(crate) fn collected(&self) -> Timestamp {
        self.collected
    }

    /// Where to read from: the bytes before the position are for recognition, those after it for events.
    pub(crate) fn wanted(&self) -> u64 {
        self.offset - self.check_bytes()
    }

    fn check_bytes(&self) -> u64 {
        self.offset.min(CHECK_BYTES)
    }

    /// The new bytes of `piece`, if it begins with those that were read before.
    fn recognise<'a>(&self, piece: &'a [u8]) -> Option<&'a [u8]> {
        let check = usize::try_from(self.check_bytes()).ok()?;
        let (before, after) = piece.split_at_checked(check)?;
        (Digest::of(before) == self.check).then_some(after)
    }

    /// A piece of the current file, from [`wanted`](Self::wanted).
    pub(crate) fn handle_current(
        &mut self,
        now: Timestamp,
        source: &str,
        piece: &[u8],
    ) -> Result<Step, SourceErrorKind> {
        let Some(fresh) = self.recognise(piece) else { return Ok(Step::LookForRest) };
        let mut collection = Collection::default();
        let clock_back = now < self.collected;
        if clock_back {
            collection.facts.push(Fact::new(now, FactKind::ClockBack { from: self.collected }));
        }
        let more = self.take_lines(now, piece, fresh, false, &mut collection)?;
        if !self.started {
            let entries = collection.events.len() as u64;
            let kind = FactKind::Start { source: source.to_owned(), entries, earlier_missing: false };
            collection.facts.insert(0, Fact::new(now, kind));
            self.started = true;
        }
        self.collected = now;
        Ok(if more { Step::More(collection) } else { Step::Done(collection) })
    }

    /// A piece of the rotated file, or `None` where there is none. After [`Step::Done`] the current file
    /// is read from its beginning.
    pub(crate) fn handle_rotated(
        &mut self,
        now: Timestamp,
        piece: Option<&[u8]>,
    ) -> Result<Step, SourceErrorKind> {
        let mut collection = Collection::default();
        let fresh = piece.and_then(|piece| self.recognise(piece).map(|fresh| (piece, fresh)));
        if let Some((piece, fresh)) = fresh
            && self.take_lines(now, piece, fresh, true, &mut collection)?
        {
            return Ok(Step::More(collection));
        }
        let kind = FactKind::Rotated { since: self.collected, offset: self.offset, lost: fresh.is_none() };
        collection.facts.push(Fact::new(now, kind));
        self.offset = 0;
        self.skipping = false;
        self.check = Digest::of(b"");
        Ok(Step::Done(collection))
    }

    /// Takes the complete lines of `fresh`, the end of `piece`; of a file that is finished (`all`) the last
    /// line too where it lacks its newline. Says whether there may be more.
    fn take_lines(
        &mut self,
        now: Timestamp,
        piece: &[u8],
        fresh: &[u8],
        all: bool,
        collection: &mut Collection,
    ) -> Result<bool, SourceErrorKind> {
        let full = piece.len() as u64 >= Self::PIECE_BYTES;
        let complete = fresh.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut taken = if all && !full { fresh.len() } else { complete };
        let mut offset = self.offset;
        let mut lines = &fresh[..taken];
        if full && complete == 0 {
            // No line is so long. Its beginning is on record, and what follows it is read again.
            if !self.skipping {
                let damage = damaged(offset, fresh);
                collection.facts.push(Fact::new(now, damage));
            }
            self.skipping = true;
            taken = fresh.len();
            lines = &[];
            offset += taken as u64;
        } else if self.skipping && taken > 0 {
            let rest = fresh.iter().position(|byte| *byte == b'\n').map_or(taken, |at| at + 1);
            self.skipping = false;
            lines = &fresh[rest..taken];
            offset += rest as u64;
        }
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let content = line.strip_suffix(b"\n").unwrap_or(line);
            match parse_line(content) {
                Some(Ok(event)) => collection.events.push(event),
                Some(Err(())) => {
                    collection.facts.push(Fact::new(now, damaged(offset, content)));
                }
                None => {} // an empty line says nothing
            }
            offset += line.len() as u64;
        }
        note_oddities(now, self.last.as_ref(), &collection.events, &mut collection.facts);
        if let Some(last) = collection.events.last() {
            self.last = Some(last.into());
        }
        self.offset = offset;
        let end = piece.len() - fresh.len() + taken;
        let start = end - usize::try_from(self.check_bytes()).unwrap_or(end).min(end);
        self.check = Digest::of(&piece[start..end]);
        Ok(full)
    }
}

fn damaged(offset: u64, content: &[u8]) -> FactKind {
    let (bytes, sha256) = (content.len() as u64, Digest::of(content));
    FactKind::DamagedLine { offset, bytes, sha256, text: excerpt(content) }
}

/// One line, or `None` where it is empty. What is not an event is damage: a backend that dies while writing
/// leaves half a line, and that must not stop everything after it.
fn parse_line(line: &[u8]) -> Option<Result<Event, ()>> {
    let Ok(text) = std::str::from_utf8(line) else { return Some(Err(())) };
    let text = text.trim_matches([' ', '\t', '\r']);
    if text.is_empty() {
        return None;
    }
    Some(Event::parse(text, 0).map_err(|_kind| ()))
}
