//! SHA-256 of a file and of its lines, side by side.
//!
//! A processor that has instructions for SHA-256 spends most of its time waiting: each of a hash's rounds needs the
//! one before. Where the blocks of two hashes alternate, it works on one while the other waits, and two hashes take
//! hardly longer than one. Every byte of a day goes into two: the file's, and its line's.

use assurance_tlog::Hash;
use sha2::block_api::compress256;

/// What is hashed in one go (FIPS 180-4, section 5.2.1).
type Block = [u8; BLOCK];

const BLOCK: usize = 64;

/// What every hash begins with (FIPS 180-4, section 5.3.3).
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Behind the content: a bit that is set, and the content's length in bits.
const END: usize = 1 + size_of::<u64>();

/// The longest line that is hashed beside its file: its blocks are laid out in memory first. Events are some hundred
/// bytes; for the ones that are longer, waiting does not matter.
pub(crate) const MAX_LINE: usize = 64 * 1024;

/// The hash of a file that comes in pieces, and beside it those of lines in it.
pub(crate) struct FileHasher {
    state: [u32; 8],
    /// How much came so far.
    bytes: u64,
    /// What came behind the last full block, and how much that is.
    rest: Block,
    held: usize,
    /// The blocks of a line.
    line: Vec<Block>,
}

impl FileHasher {
    pub(crate) fn new() -> Self {
        Self { state: START, bytes: 0, rest: [0; BLOCK], held: 0, line: Vec::new() }
    }

    /// How much came so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes the next piece of the file. Its hash is known to be up to date once [`end`](Self::end) took what this
    /// gives, of which [`leaf`](Self::leaf) may take some before.
    pub(crate) fn begin<'p>(&mut self, mut piece: &'p [u8]) -> Piece<'p> {
        self.bytes += piece.len() as u64;
        if self.held > 0 {
            let count = piece.len().min(BLOCK - self.held);
            self.rest[self.held..self.held + count].copy_from_slice(&piece[..count]);
            self.held += count;
            piece = &piece[count..];
            if self.held == BLOCK {
                compress256(&mut self.state, &[self.rest]);
                self.held = 0;
            }
        }
        let (blocks, rest) = piece.as_chunks();
        Piece { blocks, rest }
    }

    /// The hash of a line of at most [`MAX_LINE`] bytes as a leaf (RFC 6962, section 2.1).
    pub(crate) fn leaf(&mut self, line: &[u8], piece: &mut Piece<'_>) -> Hash {
        lay(line, &mut self.line);
        let mut state = START;
        let shared = self.line.len().min(piece.blocks.len());
        let (beside, later) = piece.blocks.split_at(shared);
        let (together, alone) = self.line.split_at(shared);
        for (mine, files) in together.iter().zip(beside) {
            compress256(&mut state, std::slice::from_ref(mine));
            compress256(&mut self.state, std::slice::from_ref(files));
        }
        compress256(&mut state, alone);
        piece.blocks = later;
        Hash::new(bytes_of(state))
    }

    /// Takes what is left of a piece.
    pub(crate) fn end(&mut self, piece: &Piece<'_>) {
        compress256(&mut self.state, piece.blocks);
        if !piece.rest.is_empty() {
            // Nothing is held then: a piece that does not fill the block held has nothing left.
            self.held = piece.rest.len();
            self.rest[..self.held].copy_from_slice(piece.rest);
        }
    }

    /// The hash of everything.
    pub(crate) fn finish(mut self) -> [u8; 32] {
        pad(&self.rest[..self.held], self.bytes, &mut self.line);
        compress256(&mut self.state, &self.line);
        bytes_of(self.state)
    }
}

/// What is not hashed yet of a piece.
pub(crate) struct Piece<'p> {
    blocks: &'p [Block],
    rest: &'p [u8],
}

/// The blocks of a leaf: a zero, the line, and the end.
fn lay(line: &[u8], blocks: &mut Vec<Block>) {
    let bytes = 1 + line.len();
    blocks.clear();
    blocks.resize((bytes + END).div_ceil(BLOCK), [0; BLOCK]);
    let flat = blocks.as_flattened_mut();
    flat[1..bytes].copy_from_slice(line);
    close(flat, bytes, bytes as u64);
}

/// The last blocks of content of so many bytes, of which these are left.
fn pad(rest: &[u8], bytes: u64, blocks: &mut Vec<Block>) {
    blocks.clear();
    blocks.resize((rest.len() + END).div_ceil(BLOCK), [0; BLOCK]);
    let flat = blocks.as_flattened_mut();
    flat[..rest.len()].copy_from_slice(rest);
    close(flat, rest.len(), bytes);
}

/// Ends content that ends at a place in zeros (FIPS 180-4, section 5.1.1).
fn close(flat: &mut [u8], at: usize, bytes: u64) {
    flat[at] = 0x80;
    let last = flat.len() - size_of::<u64>();
    flat[last..].copy_from_slice(&(bytes * 8).to_be_bytes());
}

fn bytes_of(state: [u32; 8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (into, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *into = word.to_be_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use assurance_tlog::leaf_hash;
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn hashes_are_those_of_everybody_else_however_the_pieces_fall() {
        let content: Vec<u8> = (0..1500_u32).map(|number| (number * 7 % 251) as u8).collect();
        for length in 0..300 {
            for cut in [1, 7, 63, 64, 65, 128, 200, 1000] {
                let mut hasher = FileHasher::new();
                for piece in content[..length].chunks(cut) {
                    let begun = hasher.begin(piece);
                    hasher.end(&begun);
                }
                assert_eq!(hasher.bytes(), length as u64);
                assert_eq!(hasher.finish()[..], Sha256::digest(&content[..length])[..], "{length} by {cut}");
            }
        }
    }

    #[test]
    fn a_line_beside_its_file_has_its_own_hash_and_leaves_the_files_alone() {
        let content: Vec<u8> = (0..1500_u32).map(|number| (number * 7 % 251) as u8).collect();
        for length in 0..400 {
            // With more, fewer and no blocks of the file left.
            for taken in [0, 30, 64, 200, 1500] {
                let mut hasher = FileHasher::new();
                let begun = hasher.begin(&content[..13]);
                hasher.end(&begun);
                let mut begun = hasher.begin(&content[13..taken.max(13)]);
                for line in [&content[..length], &content[content.len() - length..]] {
                    assert_eq!(hasher.leaf(line, &mut begun), leaf_hash(line), "{length} beside {taken}");
                }
                hasher.end(&begun);
                assert_eq!(hasher.finish()[..], Sha256::digest(&content[..taken.max(13)])[..]);
            }
        }
    }
}
