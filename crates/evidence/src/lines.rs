//! The lines of a file as leaves of a tree, in one pass over it.

use std::io::{self, Read};

use assurance_tlog::{Frontier, Hash};
use sha2::{Digest as _, Sha256};

use crate::Digest;
use crate::twin::{FileHasher, MAX_LINE};

/// How much is read at a time.
const READ_BYTES: usize = 256 * 1024;

/// Hashes content, and calls back for every line, with its leaf hash where that is wanted. What follows the last
/// line feed is a line, too. However long lines are, they are never held.
pub(crate) fn each_line(
    content: &mut dyn Read,
    with_hashes: bool,
    mut line: impl FnMut(Option<Hash>),
) -> io::Result<(Digest, u64)> {
    let mut buffer = vec![0; READ_BYTES];
    let mut pass = Pass::new(with_hashes);
    loop {
        let count = content.read(&mut buffer)?;
        if count == 0 {
            return Ok(pass.finish(line));
        }
        pass.update(&buffer[..count], &mut line);
    }
}

/// The leaf hashes of content's lines, one after the other, as they are read: a day's worth is never held.
///
/// The content must have the checksum that is expected of it, or the last read fails: what is published from this
/// is then published of the right content, or not at all.
pub(crate) struct LineHashes<'c> {
    content: &'c mut dyn Read,
    expected: Digest,
    buffer: Vec<u8>,
    pass: Option<Pass>,
    /// Hashes that were not read yet.
    ready: Vec<u8>,
    given: usize,
    edge: Frontier,
    lines: u64,
    bytes: u64,
    changed: bool,
}

impl<'c> LineHashes<'c> {
    pub(crate) fn new(content: &'c mut dyn Read, expected: Digest) -> Self {
        Self {
            content,
            expected,
            buffer: vec![0; READ_BYTES],
            pass: Some(Pass::new(true)),
            ready: Vec::new(),
            given: 0,
            edge: Frontier::new(),
            lines: 0,
            bytes: 0,
            changed: false,
        }
    }

    /// Whether the content was other than expected.
    pub(crate) fn is_changed(&self) -> bool {
        self.changed
    }

    /// The content's length, its lines and the root of their tree; after everything was read.
    pub(crate) fn summary(&self) -> (u64, u64, Hash) {
        (self.bytes, self.lines, self.edge.root())
    }

    fn refill(&mut self) -> io::Result<()> {
        self.given = 0;
        self.ready.clear();
        while self.ready.is_empty()
            && let Some(mut pass) = self.pass.take()
        {
            let count = self.content.read(&mut self.buffer)?;
            let (edge, lines, ready) = (&mut self.edge, &mut self.lines, &mut self.ready);
            let mut line = |hash: Option<Hash>| {
                let Some(hash) = hash else { return };
                *lines += 1;
                // Cannot fail: no file has so many lines.
                edge.push(hash).ok();
                ready.extend_from_slice(hash.as_bytes());
            };
            if count > 0 {
                pass.update(&self.buffer[..count], &mut line);
                self.pass = Some(pass);
                continue;
            }
            let (digest, bytes) = pass.finish(&mut line);
            self.bytes = bytes;
            if digest != self.expected {
                self.changed = true;
                return Err(io::Error::new(io::ErrorKind::InvalidData, "it has another checksum"));
            }
        }
        Ok(())
    }
}

impl Read for LineHashes<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            self.refill()?;
        }
        let count = (self.ready.len() - self.given).min(into.len());
        into[..count].copy_from_slice(&self.ready[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

/// One pass over content: its checksum, and its lines.
struct Pass {
    file: FileHasher,
    with_hashes: bool,
    /// Of a line that is not whole in one piece, or long.
    leaf: LeafHasher,
}

impl Pass {
    fn new(with_hashes: bool) -> Self {
        Self { file: FileHasher::new(), with_hashes, leaf: LeafHasher::new() }
    }

    fn update(&mut self, piece: &[u8], line: &mut impl FnMut(Option<Hash>)) {
        let mut unhashed = self.file.begin(piece);
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            if !self.with_hashes {
                line(None);
            } else if self.leaf.begun || end > MAX_LINE {
                self.leaf.update(&rest[..end]);
                line(Some(self.leaf.finish()));
            } else {
                line(Some(self.file.leaf(&rest[..end], &mut unhashed)));
            }
            self.leaf.begun = false;
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            self.leaf.begun = true;
            if self.with_hashes {
                self.leaf.update(rest);
            }
        }
        self.file.end(&unhashed);
    }

    fn finish(mut self, mut line: impl FnMut(Option<Hash>)) -> (Digest, u64) {
        if self.leaf.begun {
            line(self.with_hashes.then(|| self.leaf.finish()));
        }
        let bytes = self.file.bytes();
        (Digest::new(self.file.finish()), bytes)
    }
}

/// The hash of a leaf that comes in pieces (RFC 6962, section 2.1).
struct LeafHasher {
    hasher: Sha256,
    /// Whether a line has begun and not ended.
    begun: bool,
}

impl LeafHasher {
    fn new() -> Self {
        Self { hasher: Sha256::new_with_prefix([0]), begun: false }
    }

    fn update(&mut self, piece: &[u8]) {
        self.hasher.update(piece);
    }

    fn finish(&mut self) -> Hash {
        let hasher = std::mem::replace(&mut self.hasher, Sha256::new_with_prefix([0]));
        Hash::new(hasher.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use assurance_tlog::leaf_hash;

    use super::*;

    fn hashes(content: &[u8]) -> Vec<Hash> {
        let mut hashes = Vec::new();
        let (digest, bytes) = each_line(&mut &content[..], true, |hash| hashes.extend(hash)).unwrap();
        assert_eq!((digest, bytes), (Digest::of(content), content.len() as u64));
        hashes
    }

    #[test]
    fn every_line_is_a_leaf_without_its_line_feed() {
        assert_eq!(hashes(b""), []);
        assert_eq!(hashes(b"\n"), [leaf_hash(b"")]);
        assert_eq!(hashes(b"one\n\ntwo"), [leaf_hash(b"one"), leaf_hash(b""), leaf_hash(b"two")]);
        let long = [vec![b'x'; 3 * READ_BYTES + 1], b"\nend\n".to_vec()].concat();
        assert_eq!(hashes(&long), [leaf_hash(&long[..long.len() - 5]), leaf_hash(b"end")]);
        let exact = [vec![b'y'; READ_BYTES - 1], b"\n".to_vec()].concat();
        assert_eq!(hashes(&exact), [leaf_hash(&exact[..exact.len() - 1])]);
    }

    #[test]
    fn hashes_are_given_as_they_are_made_and_only_of_the_content_that_is_expected() {
        for content in [&b""[..], b"one", b"one\ntwo\n", &b"a line\n".repeat(100_000)] {
            let mut reader = content;
            let mut given = Vec::new();
            let mut made = LineHashes::new(&mut reader, Digest::of(content));
            made.read_to_end(&mut given).unwrap();
            let wanted = hashes(content);
            assert_eq!(given, wanted.iter().flat_map(|hash| hash.as_bytes().to_vec()).collect::<Vec<u8>>());
            let mut edge = Frontier::new();
            for hash in &wanted {
                edge.push(*hash).unwrap();
            }
            assert_eq!(made.summary(), (content.len() as u64, wanted.len() as u64, edge.root()));
            let mut other = content;
            let mut other = LineHashes::new(&mut other, Digest::of(b"other"));
            assert!(other.read_to_end(&mut Vec::new()).is_err() && other.is_changed());
        }
    }
}
