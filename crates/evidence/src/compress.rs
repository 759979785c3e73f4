//! The one way to compress: exactly one Zstandard frame that tells its content's length and checksum.

use std::io::{self, BufRead, BufReader, Read, Write};

use zstd::stream::{read, write};

/// The level of frames made now: nearly twice as fast as level 3, and no larger on lines of events. The highest level takes
/// a sixth more of what is left, and hundreds of times as long.
const LEVEL: i32 = 1;

/// The levels that versions of this program made frames with, the present one first. Which one is no part of the
/// format: it matters only to whoever makes a frame again to compare it, who tries each.
pub(crate) const LEVELS: [i32; 2] = [LEVEL, 3];

/// How much is read at a time.
const READ_BYTES: usize = 128 * 1024;

/// A frame in the making, of content of a length that is known before.
///
/// The frame depends on the content alone, however that was cut into pieces.
pub(crate) struct Frame {
    encoder: write::Encoder<'static, Vec<u8>>,
}

impl Frame {
    /// For so much content.
    pub(crate) fn new(bytes: u64) -> io::Result<Self> {
        Self::at_level(LEVEL, bytes)
    }

    fn at_level(level: i32, bytes: u64) -> io::Result<Self> {
        let mut encoder = write::Encoder::new(Vec::new(), level)?;
        encoder.include_checksum(true)?;
        encoder.include_contentsize(true)?;
        encoder.set_pledged_src_size(Some(bytes))?;
        Ok(Self { encoder })
    }

    /// Takes the next piece of the content.
    pub(crate) fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        self.encoder.write_all(piece)
    }

    /// What was made and not taken yet.
    pub(crate) fn made(&mut self) -> &mut Vec<u8> {
        self.encoder.get_mut()
    }

    /// The rest, after all of the content; another length than the one given at first is an error.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        self.encoder.finish()
    }
}

/// A frame as it is read: of content that is read for it, behind what was pushed into it before.
pub(crate) struct FrameReader<'c> {
    content: &'c mut dyn Read,
    /// Until the content has come to its end.
    frame: Option<Frame>,
    piece: Vec<u8>,
    made: Vec<u8>,
    given: usize,
}

impl<'c> FrameReader<'c> {
    pub(crate) fn new(frame: Frame, content: &'c mut dyn Read) -> Self {
        Self { content, frame: Some(frame), piece: vec![0; READ_BYTES], made: Vec::new(), given: 0 }
    }
}

impl Read for FrameReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.made.len() {
            let Some(mut frame) = self.frame.take() else { return Ok(0) };
            self.given = 0;
            self.made.clear();
            std::mem::swap(&mut self.made, frame.made());
            if self.made.is_empty() {
                let count = self.content.read(&mut self.piece)?;
                if count == 0 {
                    self.made = frame.finish()?;
                    continue;
                }
                frame.push(&self.piece[..count])?;
            }
            self.frame = Some(frame);
        }
        let count = (self.made.len() - self.given).min(into.len());
        into[..count].copy_from_slice(&self.made[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

/// Makes the frame of content of a known length, as it was made at a level.
pub(crate) fn encode(content: &mut dyn Read, level: i32, bytes: u64) -> io::Result<Vec<u8>> {
    let mut frame = Vec::new();
    FrameReader::new(Frame::at_level(level, bytes)?, content).read_to_end(&mut frame)?;
    Ok(frame)
}

/// What a frame held, and how many bytes follow it, which most readers would take for more of it.
pub(crate) struct Decoded<T> {
    pub(crate) value: T,
    pub(crate) trailing: u64,
}

/// Gives a frame's content to a reader of it, and reads both to their ends.
pub(crate) fn decode<T>(
    frame: &mut dyn Read,
    read: impl FnOnce(&mut dyn Read) -> io::Result<T>,
) -> io::Result<Decoded<T>> {
    let input = BufReader::with_capacity(READ_BYTES, frame);
    let mut decoder = read::Decoder::with_buffer(input)?.single_frame();
    let value = read(&mut decoder)?;
    io::copy(&mut decoder, &mut io::sink())?;
    let mut input = decoder.finish();
    let mut trailing = 0;
    loop {
        let count = input.fill_buf()?.len();
        if count == 0 {
            return Ok(Decoded { value, trailing });
        }
        input.consume(count);
        trailing += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(content: &[u8]) -> Vec<u8> {
        encode(&mut &content[..], LEVEL, content.len() as u64).unwrap()
    }

    fn content(frame: &[u8]) -> io::Result<(Vec<u8>, u64)> {
        let decoded = decode(&mut &frame[..], |content| {
            let mut all = Vec::new();
            content.read_to_end(&mut all)?;
            Ok(all)
        })?;
        Ok((decoded.value, decoded.trailing))
    }

    #[test]
    fn a_frame_holds_what_was_put_in_and_is_made_the_same_way_again() {
        for text in [b"".to_vec(), b"one\n".to_vec(), b"{\"a\":1}\n".repeat(100_000)] {
            let frame = framed(&text);
            assert_eq!(content(&frame).unwrap(), (text.clone(), 0));
            assert_eq!(framed(&text), frame);
        }
    }

    #[test]
    fn a_second_frame_or_anything_else_behind_it_is_no_part_of_it() {
        let mut frame = framed(b"one\n");
        frame.extend_from_slice(&framed(b"two\n"));
        let behind = framed(b"two\n").len() as u64;
        assert_eq!(content(&frame).unwrap(), (b"one\n".to_vec(), behind));
    }

    #[test]
    fn a_frame_that_is_cut_or_changed_gives_no_content() {
        let frame = framed(&b"{\"a\":1}\n".repeat(1000));
        for end in 0..frame.len() {
            assert!(content(&frame[..end]).is_err(), "cut after {end} bytes");
        }
        let mut changed = frame.clone();
        let last = changed.len() - 1;
        changed[last] ^= 1; // of the checksum
        assert!(content(&changed).is_err());
    }
}
