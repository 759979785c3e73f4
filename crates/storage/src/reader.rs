use std::io::{self, Read};

use crate::Storage;

/// Reads a file of a [`Storage`] from an offset to its end, or to a bound, as a stream.
#[derive(Debug)]
pub struct Reader<'s> {
    storage: &'s dyn Storage,
    name: &'s str,
    offset: u64,
    end: u64,
}

impl<'s> Reader<'s> {
    /// From the beginning to the end.
    pub fn new(storage: &'s dyn Storage, name: &'s str) -> Self {
        Self::range(storage, name, 0, u64::MAX)
    }

    /// From byte `start` up to but not including byte `end`, or to the file's end where that comes first.
    pub fn range(storage: &'s dyn Storage, name: &'s str, start: u64, end: u64) -> Self {
        Self { storage, name, offset: start, end }
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        if wanted == 0 {
            return Ok(0); // so that an empty range of a file that was never written is just empty
        }
        let got =
            self.storage.read_at(self.name, self.offset, &mut buffer[..wanted]).map_err(io::Error::other)?;
        self.offset += got as u64;
        Ok(got)
    }
}
