//! The lines of a file as leaves of a tree, in one pass over it.

use std::io::{self, Read};

use assurance_tlog::Hash;
use sha2::{Digest as _, Sha256};

use crate::Digest;

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
    let (mut hasher, mut bytes) = (Sha256::new(), 0);
    let mut leaf = LeafHasher::new();
    loop {
        let count = content.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        let mut rest = &buffer[..count];
        hasher.update(rest);
        bytes += count as u64;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            if with_hashes {
                leaf.update(&rest[..end]);
                line(Some(leaf.finish()));
            } else {
                line(None);
            }
            leaf.begun = false;
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            leaf.begun = true;
            if with_hashes {
                leaf.update(rest);
            }
        }
    }
    if leaf.begun {
        line(with_hashes.then(|| leaf.finish()));
    }
    Ok((hasher.into(), bytes))
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
}
