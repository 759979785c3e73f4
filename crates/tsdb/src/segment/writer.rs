//! The bytes of a segment, made while they are read.

use std::io::{self, Read};

use assurance_metrics_model::{Column, Labels, Timestamp};

use super::index::{ChunkRef, IndexWriter};
use super::summary::Values;
use super::{Footer, VERSION, header};
use crate::chunk::Chunk;
use assurance_storage::crc32c;

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

impl<I: Iterator<Item = (Labels, Column)>> Content<I> {
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
            Some((labels, column)) => self.put(&labels, &column)?,
            None => self.finish(),
        }
        self.made += self.buffer.len() as u64;
        Ok(())
    }

    fn put(&mut self, labels: &Labels, column: &Column) -> io::Result<()> {
        let mut refs = Vec::new();
        let mut samples = Column::new();
        for chunk in Chunk::pieces(column) {
            samples.clear();
            chunk.read_all(&mut samples);
            let start = self.buffer.len();
            chunk.put(&mut self.buffer);
            let bytes = u32::try_from(self.buffer.len() - start)
                .map_err(|_too_long| io::Error::other("a chunk takes more than 4 GiB"))?;
            let sum = crc32c(&[&self.buffer[start..]]);
            self.buffer.extend_from_slice(&sum.to_le_bytes());
            refs.push(ChunkRef {
                offset: self.made + start as u64,
                bytes,
                first: chunk.first(),
                last: chunk.last(),
                count: chunk.count(),
                values: Values::of(&samples),
            });
        }
        let footer = &mut self.footer;
        let wrong = |_| io::Error::other("a segment has more than 2^32 series or chunks");
        footer.series = footer.series.checked_add(1).ok_or(()).map_err(wrong)?;
        footer.chunks = u32::try_from(refs.len())
            .ok()
            .and_then(|more| footer.chunks.checked_add(more))
            .ok_or(())
            .map_err(wrong)?;
        footer.samples += column.len() as u64;
        let first = column.timestamps().first().copied().unwrap_or(Timestamp::MAX);
        let last = column.timestamps().last().copied().unwrap_or(Timestamp::MIN);
        footer.first = footer.first.min(first);
        footer.last = footer.last.max(last);
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

impl<I: Iterator<Item = (Labels, Column)>> Read for Content<I> {
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
