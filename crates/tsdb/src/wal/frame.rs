//! What stands around the records of a log, so that damage is found and passed over.

use std::ops::Range;

use crate::bytes::Cursor;
use assurance_storage::{crc32c, crc32c_append};

pub(crate) const MAGIC: [u8; 8] = *b"asrtWAL\n";

/// The version of the format that is written, and the only one that is read.
pub(crate) const VERSION: u32 = 1;

/// Magic, version, and the sum of both.
pub(crate) const HEADER_BYTES: usize = 16;

/// Length and sum.
pub(crate) const PREFIX_BYTES: usize = 8;

/// Kind and check.
const LEAST_PAYLOAD: usize = 2;

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The samples of one commit.
    Commit = 1,
    /// Whole chunks of series, in a checkpoint.
    Chunks = 2,
}

pub(crate) fn header() -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    let sum = crc32c(&[&header[..12]]);
    header[12..].copy_from_slice(&sum.to_le_bytes());
    header
}

/// What the beginning of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    Sound,
    /// Written by another version.
    Version(u32),
    /// Not as it was written, or not the beginning of a log.
    Bad,
}

pub(crate) fn read_header(bytes: &[u8]) -> Header {
    let Some(found) = bytes.first_chunk::<HEADER_BYTES>() else { return Header::Bad };
    let mut rest = Cursor::new(&found[8..]);
    match (found.starts_with(&MAGIC), rest.u32(), rest.u32()) {
        (true, Some(VERSION), Some(sum)) if sum == crc32c(&[&found[..12]]) => Header::Sound,
        (true, Some(version), Some(sum)) if sum == crc32c(&[&found[..12]]) => Header::Version(version),
        _ => Header::Bad,
    }
}

/// Begins a record at the end of `out`; [`finish`] ends it.
pub(crate) fn begin(out: &mut Vec<u8>, kind: Kind) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; PREFIX_BYTES]);
    out.extend_from_slice(&[kind as u8, 0]);
    start
}

/// Writes length, check and sum of the record that began at `start`; `false` where it is too long to be said.
pub(crate) fn finish(out: &mut [u8], start: usize) -> bool {
    let Some((prefix, payload)) = out[start..].split_first_chunk_mut::<PREFIX_BYTES>() else { return false };
    let Ok(length) = u32::try_from(payload.len()) else { return false };
    let length = length.to_le_bytes();
    payload[1] = check(payload[0], length);
    let sum = crc32c(&[&length, payload]);
    prefix[..4].copy_from_slice(&length);
    prefix[4..].copy_from_slice(&sum.to_le_bytes());
    true
}

/// Tells a record from other bytes before its sum is made: a search after damage would take minutes without.
fn check(kind: u8, length: [u8; 4]) -> u8 {
    length.iter().fold(kind ^ 0xa5, |check, byte| check.rotate_left(1) ^ byte)
}

/// What stands before a record's content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefix {
    pub(crate) kind: Kind,
    /// Bytes of the payload: kind, check and content.
    length: u32,
    sum: u32,
}

impl Prefix {
    /// How many bytes it has.
    pub(crate) const BYTES: usize = PREFIX_BYTES + LEAST_PAYLOAD;

    /// Reads the prefix of a record, unless these bytes cannot be one's.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut from = Cursor::new(bytes);
        let (length, sum, kind, check_byte) = (from.u32()?, from.u32()?, from.byte()?, from.byte()?);
        if (length as usize) < LEAST_PAYLOAD || check_byte != check(kind, length.to_le_bytes()) {
            return None;
        }
        let kind = match kind {
            1 => Kind::Commit,
            2 => Kind::Chunks,
            _ => return None,
        };
        Some(Self { kind, length, sum })
    }

    /// The record's bytes, its prefix among them.
    pub(crate) fn record_bytes(&self) -> u64 {
        PREFIX_BYTES as u64 + u64::from(self.length)
    }

    /// The sum of the length; that of the payload continues it.
    pub(crate) fn begin_sum(&self) -> u32 {
        crc32c(&[&self.length.to_le_bytes()])
    }

    /// Whether the sum over length and payload is the one that was written.
    pub(crate) fn agrees(&self, sum: u32) -> bool {
        self.sum == sum
    }
}

/// A record of a log, as offsets into the file.
#[derive(Clone, Debug)]
pub(crate) struct Frame<Offset = u64> {
    pub(crate) kind: Kind,
    pub(crate) body: Range<Offset>,
}

impl<Offset: Copy> Frame<Offset> {
    pub(crate) fn end(&self) -> Offset {
        self.body.end
    }
}

/// The record that begins at `at` of a file that is in memory, if a sound one does.
pub(crate) fn frame_at(bytes: &[u8], at: usize) -> Option<Frame<usize>> {
    let rest = bytes.get(at..)?;
    let prefix = Prefix::read(rest)?;
    let end = usize::try_from(prefix.record_bytes()).ok()?;
    let summed = rest.get(PREFIX_BYTES..end)?;
    let sum = crc32c_append(prefix.begin_sum(), summed);
    prefix.agrees(sum).then_some(Frame { kind: prefix.kind, body: at + Prefix::BYTES..at + end })
}

/// Where the next sound record begins, at `from` or later.
pub(crate) fn next_frame(bytes: &[u8], from: usize) -> Option<usize> {
    (from..bytes.len()).find(|at| frame_at(bytes, *at).is_some())
}

/// As [`Window::is_interrupted`](super::window::Window::is_interrupted).
pub(crate) fn is_interrupted(bytes: &[u8], at: usize) -> bool {
    let rest = &bytes[at.min(bytes.len())..];
    let length = rest.first_chunk().map(|length| u32::from_le_bytes(*length) as usize);
    rest.iter().all(|byte| *byte == 0)
        || length.is_none_or(|length| length > rest.len() - PREFIX_BYTES.min(rest.len()))
}
