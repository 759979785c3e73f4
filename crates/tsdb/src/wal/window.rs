//! A log file read from its beginning to its end, a piece of it in memory at a time.

use std::ops::Range;

use assurance_storage::{Storage, StorageError, crc32c_append};

use super::frame::{Frame, PREFIX_BYTES, Prefix};

/// What is read at once. A record that is longer is in memory as a whole, once its sum was found right: a commit of
/// 100,000 samples takes some 400 KiB, a record of a checkpoint 256 KiB and one series.
const PIECE_BYTES: usize = 1 << 20;

/// A file, and the part of it that is in memory.
#[derive(Debug)]
pub(crate) struct Window<'s> {
    storage: &'s dyn Storage,
    name: &'s str,
    /// Length of the file.
    end: u64,
    /// Where in the file the piece begins.
    start: u64,
    piece: Vec<u8>,
}

impl<'s> Window<'s> {
    pub(crate) fn new(storage: &'s dyn Storage, name: &'s str, bytes: u64) -> Self {
        Self { storage, name, end: bytes, start: 0, piece: Vec::new() }
    }

    /// The length of the file.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// So many bytes from `at` on; fewer where the file ends before.
    pub(crate) fn bytes(&mut self, at: u64, count: usize) -> Result<&[u8], StorageError> {
        let count = usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX).min(count);
        if at < self.start || at + count as u64 > self.start + self.piece.len() as u64 {
            self.load(at, count)?;
        }
        let from = usize::try_from(at - self.start).unwrap_or(usize::MAX).min(self.piece.len());
        Ok(&self.piece[from..(from + count).min(self.piece.len())])
    }

    /// Puts what begins at `at` into the piece, keeping what of it is there already.
    fn load(&mut self, at: u64, count: usize) -> Result<(), StorageError> {
        let held = self.start..self.start + self.piece.len() as u64;
        let kept =
            if held.contains(&at) { usize::try_from(at - self.start).unwrap_or(0) } else { self.piece.len() };
        self.piece.drain(..kept);
        self.start = at;
        let left = usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX);
        let wanted = count.max(PIECE_BYTES.min(left));
        // One long record must not be paid for to the end of the file.
        self.piece.shrink_to(wanted);
        let mut filled = self.piece.len().min(wanted);
        self.piece.resize(wanted, 0);
        while filled < count {
            let read = self.storage.read_at(self.name, at + filled as u64, &mut self.piece[filled..])?;
            if read == 0 {
                // Shorter than it was when it was listed.
                self.end = at + filled as u64;
                break;
            }
            filled += read;
        }
        self.piece.truncate(filled);
        Ok(())
    }

    /// The record that begins at `at`, if a sound one does.
    pub(crate) fn frame_at(&mut self, at: u64) -> Result<Option<Frame>, StorageError> {
        let Some(prefix) = Prefix::read(self.bytes(at, Prefix::BYTES)?) else { return Ok(None) };
        let end = at + prefix.record_bytes();
        if end > self.end {
            return Ok(None);
        }
        let mut sum = prefix.begin_sum();
        let mut summed = at + PREFIX_BYTES as u64;
        // In pieces, so that bytes that only look like a record of gigabytes are not taken into memory.
        while summed < end {
            let piece =
                self.bytes(summed, usize::try_from(end - summed).unwrap_or(usize::MAX).min(PIECE_BYTES))?;
            if piece.is_empty() {
                return Ok(None);
            }
            sum = crc32c_append(sum, piece);
            summed += piece.len() as u64;
        }
        let body = at + Prefix::BYTES as u64..end;
        Ok(prefix.agrees(sum).then_some(Frame { kind: prefix.kind, body }))
    }

    /// What a record holds.
    pub(crate) fn body(&mut self, frame: &Frame) -> Result<&[u8], StorageError> {
        let Range { start, end } = frame.body;
        self.bytes(start, usize::try_from(end - start).unwrap_or(usize::MAX))
    }

    /// Where the next sound record begins, at `from` or later.
    pub(crate) fn next_frame(&mut self, from: u64) -> Result<Option<u64>, StorageError> {
        for at in from..self.end {
            if self.frame_at(at)?.is_some() {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// Whether the record at `at` says that it is longer than what is left of the file, as one does whose
    /// writing was interrupted; or nothing but zeros is left.
    pub(crate) fn is_interrupted(&mut self, at: u64) -> Result<bool, StorageError> {
        let left = self.end.saturating_sub(at);
        let length = self.bytes(at, 4)?.first_chunk().map(|length| u64::from(u32::from_le_bytes(*length)));
        if length.is_none_or(|length| length > left.saturating_sub(PREFIX_BYTES as u64)) {
            return Ok(true);
        }
        self.is_zero(at)
    }

    /// Whether nothing but zeros follows, if anything does.
    pub(crate) fn is_zero(&mut self, mut at: u64) -> Result<bool, StorageError> {
        while at < self.end {
            let piece = self.bytes(at, PIECE_BYTES)?;
            if piece.is_empty() || piece.iter().any(|byte| *byte != 0) {
                return Ok(piece.is_empty());
            }
            at += piece.len() as u64;
        }
        Ok(true)
    }
}
