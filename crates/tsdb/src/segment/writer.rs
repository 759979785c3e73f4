//! The bytes of a segment, made while they are read.

use std::io::{self, Read};

use assurance_metrics_model::{Column, Labels, Timestamp};

use super::index::{ChunkRef, IndexWriter};
use super::summary::Values;
use super::{Footer, VERSION, header};
use crate::bytes::Cursor;
use crate::chunk::Chunk;
use assurance_storage::crc32c;

/// The samples of a series, as they stand in a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Made {
    /// Chunks, each with its sum.
    pub(crate) bytes: Vec<u8>,
    /// What the index says of them; offsets count from the first.
    pub(crate) refs: Vec<ChunkRef>,
}

/// What can be written.
pub(crate) trait Samples {
    fn made(self) -> io::Result<Made>;
}

impl Samples for Made {
    fn made(self) -> io::Result<Made> {
        Ok(self)
    }
}

impl Samples for Column {
    fn made(self) -> io::Result<Made> {
        let mut made = Made::default();
        made.add(&self)?;
        Ok(made)
    }
}

impl Made {
    /// Appends samples, which rise in time, as chunks of their own.
    pub(crate) fn add(&mut self, column: &Column) -> io::Result<()> {
        let mut samples = Column::new();
        for chunk in Chunk::pieces(column) {
            samples.clear();
            chunk.read_all(&mut samples);
            let start = self.bytes.len();
            chunk.put(&mut self.bytes);
            let bytes = u32::try_from(self.bytes.len() - start)
                .map_err(|_too_long| io::Error::other("a chunk takes more than 4 GiB"))?;
            let sum = crc32c(&[&self.bytes[start..]]);
            self.bytes.extend_from_slice(&sum.to_le_bytes());
            self.refs.push(ChunkRef {
                offset: start as u64,
                bytes,
                first: chunk.first(),
                last: chunk.last(),
                count: chunk.count(),
                values: Values::of(&samples),
            });
        }
        Ok(())
    }

    pub(crate) fn samples(&self) -> u64 {
        self.refs.iter().map(|chunk| u64::from(chunk.count)).sum()
    }

    /// Appends the samples to a column, chunk by chunk.
    pub(crate) fn read(&self, into: &mut Column) {
        let mut from = Cursor::new(&self.bytes);
        for at in &self.refs {
            let chunk = from.take(at.bytes as usize).and_then(Chunk::read_from);
            debug_assert!(chunk.is_some(), "what was made here reads back");
            if let Some(chunk) = chunk {
                chunk.read_all(into);
            }
            let _sum = from.u32();
        }
    }
}

/// Gives the bytes of a segment with these series, which come in the order of their labels.
pub(crate) struct Content<I> {
    /// `None` when the end has been written.
    series: Option<I>,
    index: IndexWriter,
    footer: Footer,
    buffer: Vec<u8>,
    at: usize,
    /// Bytes made so far.
    made: u64,
}

impl<S: Samples, I: Iterator<Item = (Labels, S)>> Content<I> {
    pub(crate) fn new(series: I) -> Self {
        let buffer = header(VERSION).to_vec();
        let made = buffer.len() as u64;
        let (index, footer) = (IndexWriter::default(), Footer::default());
        Self { series: Some(series), index, footer, buffer, at: 0, made }
    }

    fn more(&mut self) -> io::Result<()> {
        self.buffer.clear();
        self.at = 0;
        let Some(series) = &mut self.series else { return Ok(()) };
        match series.next() {
            Some((labels, samples)) => self.put(&labels, &samples.made()?)?,
            None => self.finish(),
        }
        self.made += self.buffer.len() as u64;
        Ok(())
    }

    fn put(&mut self, labels: &Labels, made: &Made) -> io::Result<()> {
        let start = self.made + self.buffer.len() as u64;
        self.buffer.extend_from_slice(&made.bytes);
        let moved = |chunk: &ChunkRef| ChunkRef { offset: start + chunk.offset, ..*chunk };
        let refs: Vec<ChunkRef> = made.refs.iter().map(moved).collect();
        let footer = &mut self.footer;
        let wrong = |_| io::Error::other("a segment has more than 2^32 series or chunks");
        footer.series = footer.series.checked_add(1).ok_or(()).map_err(wrong)?;
        footer.chunks = u32::try_from(refs.len())
            .ok()
            .and_then(|more| footer.chunks.checked_add(more))
            .ok_or(())
            .map_err(wrong)?;
        footer.samples += made.samples();
        footer.first = footer.first.min(refs.first().map_or(Timestamp::MAX, |chunk| chunk.first));
        footer.last = footer.last.max(refs.last().map_or(Timestamp::MIN, |chunk| chunk.last));
        self.index.put(labels, &refs);
        Ok(())
    }

    fn finish(&mut self) {
        self.series = None;
        let index = std::mem::take(&mut self.index).finish();
        self.footer.index_offset = self.made;
        self.footer.index_bytes = index.len() as u64;
        self.footer.index_sum = crc32c(&[&index]);
        self.buffer = index;
        self.buffer.extend_from_slice(&self.footer.bytes());
    }
}

impl<S: Samples, I: Iterator<Item = (Labels, S)>> Read for Content<I> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.buffer.len() && self.series.is_some() {
            self.more()?;
        }
        let count = into.len().min(self.buffer.len() - self.at);
        into[..count].copy_from_slice(&self.buffer[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
