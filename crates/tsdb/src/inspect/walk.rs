//! A segment from its first series to its last, with little of it in memory.

use std::sync::Arc;

use assurance_metrics_model::Labels;
use assurance_storage::{Storage, StorageError, crc32c, crc32c_append};

use crate::bytes::Cursor;
use crate::chunk::Chunk;
use crate::segment::index::{ChunkRef, SUM_BYTES, read_series};
use crate::segment::{Footer, HEADER_BYTES, read_fully};

/// What is read of a file at once where one file is read.
pub(super) const BLOCK_BYTES: usize = 1 << 20;

/// What is held of all files together where many are read side by side.
const ALL_BLOCK_BYTES: usize = 32 << 20;

/// The least that is read at once: opening a file takes as long as reading this.
const LEAST_BLOCK_BYTES: usize = 32 << 10;

/// The longest entry of a series in an index: a day of chunks takes 10 KiB, labels at most some hundred.
const MAX_ENTRY_BYTES: usize = 64 << 20;

/// Bytes of the index that are looked at first for the next series.
const ENTRY_BYTES: usize = 4 << 10;

/// What is read of each of so many files at once.
pub(super) fn block_bytes(files: usize) -> usize {
    (ALL_BLOCK_BYTES / files.max(1)).clamp(LEAST_BLOCK_BYTES, BLOCK_BYTES)
}

/// A part of a file, read ahead.
struct Window {
    storage: Arc<dyn Storage>,
    name: Arc<str>,
    /// Where the buffer begins in the file.
    start: u64,
    /// Nothing is read from here on.
    end: u64,
    buffer: Vec<u8>,
    block: usize,
}

impl Window {
    fn new(storage: &Arc<dyn Storage>, name: &Arc<str>, start: u64, end: u64, block: usize) -> Self {
        let (storage, name) = (Arc::clone(storage), Arc::clone(name));
        Self { storage, name, start, end, buffer: Vec::new(), block }
    }

    /// The bytes from `offset` on, at least `want` of them unless the end comes before.
    fn at(&mut self, offset: u64, want: usize) -> Result<&[u8], StorageError> {
        let left = usize::try_from(self.end.saturating_sub(offset)).unwrap_or(usize::MAX);
        let want = want.min(left);
        let held = self.start + self.buffer.len() as u64;
        let is_held = offset >= self.start && offset <= held;
        if !is_held || offset + want as u64 > held {
            let skipped =
                if is_held { usize::try_from(offset - self.start).unwrap_or(0) } else { self.buffer.len() };
            self.buffer.drain(..skipped);
            self.start = offset;
            let kept = self.buffer.len();
            self.buffer.resize(want.max(self.block).min(left), 0);
            read_fully(&*self.storage, &self.name, offset + kept as u64, &mut self.buffer[kept..])?;
        }
        let from = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        Ok(self.buffer.get(from..).unwrap_or_default())
    }
}

/// A series as the index of a segment has it.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) labels: Labels,
    pub(super) chunks: Vec<ChunkRef>,
    /// Bytes it takes in the index.
    pub(super) index_bytes: u64,
}

/// What was found instead of a chunk.
pub(super) const BAD_SUM: &str = "the sum of a chunk does not match";
const BAD_CHUNK: &str = "the sum of a chunk matches, but it cannot be read";
const OTHER_CHUNK: &str = "a chunk has other times or another number of samples than the index says";

/// A way through a segment, whose index need not be in memory as a whole.
pub(super) struct Walk {
    index: Window,
    data: Window,
    /// Where the next series begins in the index.
    at: u64,
    before: Option<Labels>,
    /// Where its first chunk begins.
    pub(super) offset: u64,
}

impl Walk {
    pub(super) fn new(storage: &Arc<dyn Storage>, name: &str, footer: &Footer, block: usize) -> Self {
        let name: Arc<str> = name.into();
        let (begin, end) = (footer.index_offset, footer.index_offset.saturating_add(footer.index_bytes));
        let index = Window::new(storage, &name, begin, end, block);
        let data = Window::new(storage, &name, 0, begin, block);
        Self { index, data, at: begin, before: None, offset: HEADER_BYTES as u64 }
    }

    /// Whether the index is as it was written. `read` is told of bytes read.
    pub(super) fn index_is_sound(
        &mut self,
        sum: u32,
        read: &mut dyn FnMut(u64),
    ) -> Result<bool, StorageError> {
        let (mut at, mut found) = (self.at, 0);
        while at < self.index.end {
            let bytes = self.index.at(at, 1)?;
            found = crc32c_append(found, bytes);
            at += bytes.len() as u64;
            read(bytes.len() as u64);
        }
        Ok(found == sum)
    }

    /// The next series; `Err` where what is there is none.
    pub(super) fn next(&mut self) -> Result<Option<Result<Sealed, ()>>, StorageError> {
        let end = self.index.end;
        if self.at >= end {
            return Ok(None);
        }
        let mut want = ENTRY_BYTES;
        loop {
            let bytes = self.index.at(self.at, want)?;
            let mut from = Cursor::new(bytes);
            let (mut offset, mut chunks) = (self.offset, Vec::new());
            if let Some(labels) = read_series(&mut from, self.before.as_ref(), &mut offset, &mut chunks) {
                let index_bytes = (bytes.len() - from.left()) as u64;
                if self.before.as_ref().is_some_and(|before| *before >= labels) {
                    return Ok(Some(Err(())));
                }
                self.at += index_bytes;
                self.offset = offset;
                self.before = Some(labels.clone());
                return Ok(Some(Ok(Sealed { labels, chunks, index_bytes })));
            }
            let is_all = self.at + bytes.len() as u64 >= end;
            if is_all || bytes.len() > MAX_ENTRY_BYTES {
                return Ok(Some(Err(())));
            }
            want = bytes.len().max(want) * 2;
        }
    }

    /// The bytes of a chunk without their sum; as many as there are.
    pub(super) fn bytes(&mut self, at: &ChunkRef) -> Result<&[u8], StorageError> {
        let length = at.bytes as usize;
        let bytes = self.data.at(at.offset, length + SUM_BYTES)?;
        Ok(bytes.get(..length).unwrap_or(bytes))
    }

    /// A chunk, or what is wrong with it.
    pub(super) fn chunk(&mut self, at: &ChunkRef) -> Result<Result<Chunk, &'static str>, StorageError> {
        let length = at.bytes as usize;
        let mut from = Cursor::new(self.data.at(at.offset, length + SUM_BYTES)?);
        let Some((bytes, sum)) = from.take(length).zip(from.u32()) else { return Ok(Err(BAD_SUM)) };
        if crc32c(&[bytes]) != sum {
            return Ok(Err(BAD_SUM));
        }
        let Some(chunk) = Chunk::read_from(bytes) else { return Ok(Err(BAD_CHUNK)) };
        let fits = (chunk.first(), chunk.last(), chunk.count()) == (at.first, at.last, at.count);
        Ok(if fits { Ok(chunk) } else { Err(OTHER_CHUNK) })
    }
}
