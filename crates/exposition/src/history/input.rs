//! A stream in pieces that end with a line.

use std::io::{self, ErrorKind, Read};

/// What is asked of the stream at once: few calls, and little enough to stay in the processor's cache.
const BLOCK_BYTES: usize = 256 << 10;

/// The lines at hand, and where the rest comes from.
#[derive(Debug)]
pub(crate) struct Input<R> {
    reader: R,
    buffer: Vec<u8>,
    /// One past the last line feed.
    complete: usize,
    /// Bytes that were taken from the stream.
    bytes: u64,
    ended: bool,
}

impl<R: Read> Input<R> {
    pub(crate) const fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), complete: 0, bytes: 0, ended: false }
    }

    /// Whole lines.
    #[inline]
    pub(crate) fn lines(&self) -> &[u8] {
        &self.buffer[..self.complete]
    }

    /// Everything at hand.
    pub(crate) fn at_hand(&self) -> &[u8] {
        &self.buffer
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Forgets the bytes before `from` and reads on until one line more is whole, or more than `limit` bytes wait
    /// for the end of one, or the stream ends: its last line gets the line feed that it may lack.
    pub(crate) fn more(&mut self, from: usize, limit: usize) -> io::Result<()> {
        self.buffer.drain(..from);
        let waiting = self.buffer.len();
        self.complete = self.complete.saturating_sub(from);
        while !self.ended && self.buffer.len() - waiting <= limit {
            let old = self.buffer.len();
            self.buffer.resize(old + BLOCK_BYTES, 0);
            let read = loop {
                match self.reader.read(&mut self.buffer[old..]) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    read => break read,
                }
            };
            self.buffer.truncate(old + read.as_ref().map_or(0, |count| *count));
            let count = read?;
            self.bytes += count as u64;
            if count == 0 {
                self.ended = true;
                if self.buffer.last().is_some_and(|last| *last != b'\n') {
                    self.buffer.push(b'\n');
                }
                self.complete = self.buffer.len();
            } else if let Some(last) = memchr::memrchr(b'\n', &self.buffer[old..]) {
                self.complete = old + last + 1;
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use super::Input;

    /// Gives a few bytes at a time.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn pieces_end_with_lines_however_the_stream_is_cut() {
        let text = b"a 1\nbcdef 2\n\n# EOF";
        for drops in 1..text.len() {
            let mut input = Input::new(Drops(text, drops));
            let (mut seen, mut at) = (Vec::new(), 0);
            while !input.has_ended() {
                input.more(at, 100).expect("nothing fails");
                seen.extend_from_slice(input.lines());
                assert!(input.lines().is_empty() || input.lines().ends_with(b"\n"), "{drops}");
                at = input.lines().len();
            }
            assert_eq!(seen, b"a 1\nbcdef 2\n\n# EOF\n", "{drops}");
            assert_eq!(input.bytes(), text.len() as u64);
        }
    }

    #[test]
    fn a_line_without_end_is_not_waited_for() {
        let endless = io::repeat(b'x');
        let mut input = Input::new(endless);
        input.more(0, 1000).expect("nothing fails");
        assert!(input.lines().is_empty());
        assert!(input.at_hand().len() > 1000 && input.at_hand().len() < 1 << 20);
    }
}
