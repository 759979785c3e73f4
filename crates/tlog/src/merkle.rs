//! Inclusion and consistency proofs (RFC 6962, section 2.1), made and verified.

use std::convert::Infallible;

use crate::frontier::fold;
use crate::hash::{Hash, empty_root, node_hash};

/// The largest tree: 2^63 − 1 leaves.
///
/// The reference implementation counts in signed 64-bit integers, and the witness protocol allows 63 hashes a
/// proof, which is what a tree of this size needs. At a billion leaves a second it would last 292 years.
pub const MAX_TREE_SIZE: u64 = i64::MAX as u64;

/// The most hashes in any proof: the height of the largest tree.
pub const MAX_PROOF_HASHES: usize = 63;

/// A size beyond [`MAX_TREE_SIZE`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tree of {size} leaves is larger than any log may be (2^63 - 1)")]
#[non_exhaustive]
pub struct SizeError {
    /// The size.
    pub size: u64,
}

impl SizeError {
    pub(crate) fn check(size: u64) -> Result<(), Self> {
        if size > MAX_TREE_SIZE { Err(Self { size }) } else { Ok(()) }
    }
}

/// Reads the hashes of complete subtrees from wherever they are kept.
pub trait HashReader {
    /// Why a hash could not be read.
    type Error;

    /// The root of the complete subtree over the leaves `index << level .. (index + 1) << level`.
    ///
    /// Level 0 are the leaf hashes. No subtree is asked for that reaches beyond the tree a proof is made for.
    ///
    /// # Errors
    ///
    /// When the hash is not there or cannot be read.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

impl<R: HashReader + ?Sized> HashReader for &R {
    type Error = R::Error;

    fn node(&self, level: u8, index: u64) -> Result<Hash, R::Error> {
        (**self).node(level, index)
    }
}

/// Why no proof could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError<E = Infallible> {
    /// The size is beyond what a log may have.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// The leaf is not in the tree.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    Index {
        /// The leaf asked for, counted from 0.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The old tree is larger than the new one.
    #[error("a tree of {old} leaves cannot have grown to {new}")]
    Order {
        /// The size said to be the older.
        old: u64,
        /// The size said to be the newer.
        new: u64,
    },
    /// A hash could not be read.
    #[error("cannot read a hash of the tree: {0}")]
    Reader(E),
}

/// Why a proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// A size is beyond what a log may have.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// The leaf cannot be in the tree.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    Index {
        /// The leaf claimed, counted from 0.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The old tree is larger than the new one.
    #[error("a tree of {old} leaves cannot have grown to {new}")]
    Order {
        /// The size said to be the older.
        old: u64,
        /// The size said to be the newer.
        new: u64,
    },
    /// The proof has too few or too many hashes.
    #[error("the proof has {found} hashes where the sizes need {expected}")]
    Length {
        /// The hashes that the sizes determine.
        expected: usize,
        /// The hashes there are.
        found: usize,
    },
    /// The hashes lead to another root.
    #[error(
        "the proof leads to the root {computed}, not to {claimed}: what it is about is not what the log signed"
    )]
    Root {
        /// Where the proof leads.
        computed: Hash,
        /// The root it should have led to.
        claimed: Hash,
    },
}

/// The complete subtrees over `start..end` from left to right, as level and index.
///
/// `start` must be a multiple of the largest power of two in the length, as it is for every range that the
/// definitions of RFC 6962 split off.
pub(crate) fn edge_nodes(start: u64, end: u64) -> impl Iterator<Item = (u8, u64)> {
    let mut at = start;
    let length = end - start;
    (0..u64::BITS as u8).rev().filter(move |level| length >> level & 1 == 1).map(move |level| {
        let index = at >> level;
        at += 1 << level;
        (level, index)
    })
}

fn range_root<R: HashReader>(start: u64, end: u64, reader: &R) -> Result<Hash, ReadError<R::Error>> {
    let nodes = edge_nodes(start, end)
        .map(|(level, index)| reader.node(level, index))
        .collect::<Result<Vec<_>, _>>()
        .map_err(ReadError::Reader)?;
    Ok(fold(&nodes).unwrap_or_else(empty_root))
}

/// The root of the first `size` leaves.
///
/// # Errors
///
/// Whatever the reader reports, or a size beyond what a log may have.
pub fn tree_root<R: HashReader>(size: u64, reader: &R) -> Result<Hash, ReadError<R::Error>> {
    SizeError::check(size)?;
    range_root(0, size, reader)
}

/// The largest power of two below `length`, which must be at least 2: where RFC 6962 splits a tree.
fn split(length: u64) -> u64 {
    1 << (u64::BITS - 1 - (length - 1).leading_zeros())
}

/// Proves that the leaf at `index` is in the tree of the first `size` leaves; the hashes go from the leaf's
/// sibling up to the root's child.
///
/// # Errors
///
/// When there is no such leaf, or whatever the reader reports.
pub fn inclusion_proof<R: HashReader>(
    index: u64,
    size: u64,
    reader: &R,
) -> Result<Vec<Hash>, ReadError<R::Error>> {
    SizeError::check(size)?;
    if index >= size {
        return Err(ReadError::Index { index, size });
    }
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(range_root(middle, end, reader)?);
            end = middle;
        } else {
            proof.push(range_root(start, middle, reader)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// Proves that the tree of the first `old` leaves is the beginning of the tree of the first `new` leaves.
///
/// # Errors
///
/// When `old` is larger than `new`, or whatever the reader reports.
pub fn consistency_proof<R: HashReader>(
    old: u64,
    new: u64,
    reader: &R,
) -> Result<Vec<Hash>, ReadError<R::Error>> {
    SizeError::check(new)?;
    if old > new {
        return Err(ReadError::Order { old, new });
    }
    // The empty tree is the beginning of every tree; nothing needs proving.
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let (mut start, mut end) = (0, new);
    let mut proof = Vec::new();
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(range_root(middle, end, reader)?);
            end = middle;
        } else {
            proof.push(range_root(start, middle, reader)?);
            start = middle;
        }
    }
    // Whoever verifies knows the old root; only when that is not this very subtree must its hash be given.
    if start != 0 {
        proof.push(range_root(start, end, reader)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Verifies that the leaf with this hash stands at `index` in the tree of `size` leaves with this root.
///
/// # Errors
///
/// When the proof does not show that.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    SizeError::check(size)?;
    if index >= size {
        return Err(ProofError::Index { index, size });
    }
    let inner = inner_hashes(index, size);
    let border = (index >> inner).count_ones() as usize;
    check_length(proof, inner + border)?;
    let (below, above) = proof.split_at(inner);
    check_root(chain_border(chain_inner(*leaf, index, below), above), root)
}

/// Verifies that the tree of `old_size` leaves with `old_root` is the beginning of the tree of `new_size` leaves
/// with `new_root`.
///
/// # Errors
///
/// When the proof does not show that.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    SizeError::check(new_size)?;
    if old_size > new_size {
        return Err(ProofError::Order { old: old_size, new: new_size });
    }
    if new_size == 0 {
        check_root(empty_root(), new_root)?;
    }
    if old_size == 0 {
        check_length(proof, 0)?;
        return check_root(empty_root(), old_root);
    }
    if old_size == new_size {
        check_length(proof, 0)?;
        return check_root(*old_root, new_root);
    }
    // The walk starts at the largest subtree that ends with the old tree, and goes up from there.
    let shift = old_size.trailing_zeros();
    let last = old_size - 1;
    let inner = inner_hashes(last, new_size) - shift as usize;
    let border = (last >> (inner as u32 + shift)).count_ones() as usize;
    // When the old tree is that very subtree, its root is the start, and the proof does not repeat it.
    let (start, rest) = if old_size == 1 << shift {
        check_length(proof, inner + border)?;
        (*old_root, proof)
    } else {
        check_length(proof, 1 + inner + border)?;
        match proof.split_first() {
            Some((first, rest)) => (*first, rest),
            None => return Err(ProofError::Length { expected: 1 + inner + border, found: 0 }),
        }
    };
    let (below, above) = rest.split_at(inner);
    let path = last >> shift;
    let old = below
        .iter()
        .enumerate()
        .filter(|(level, _)| path >> level & 1 == 1)
        .fold(start, |hash, (_, left)| node_hash(left, &hash));
    check_root(chain_border(old, above), old_root)?;
    check_root(chain_border(chain_inner(start, path, below), above), new_root)
}

/// The hashes of an inclusion proof below the point where the leaf's path leaves the tree's right edge.
fn inner_hashes(index: u64, size: u64) -> usize {
    (u64::BITS - (index ^ (size - 1)).leading_zeros()) as usize
}

/// Up from a hash, with siblings on the side that the path's bits say.
fn chain_inner(start: Hash, path: u64, siblings: &[Hash]) -> Hash {
    siblings.iter().enumerate().fold(start, |hash, (level, sibling)| {
        if path >> level & 1 == 0 { node_hash(&hash, sibling) } else { node_hash(sibling, &hash) }
    })
}

/// Up the right edge, where every sibling is to the left.
fn chain_border(start: Hash, siblings: &[Hash]) -> Hash {
    siblings.iter().fold(start, |hash, left| node_hash(left, &hash))
}

fn check_length(proof: &[Hash], expected: usize) -> Result<(), ProofError> {
    if proof.len() == expected { Ok(()) } else { Err(ProofError::Length { expected, found: proof.len() }) }
}

fn check_root(computed: Hash, claimed: &Hash) -> Result<(), ProofError> {
    if computed == *claimed { Ok(()) } else { Err(ProofError::Root { computed, claimed: *claimed }) }
}
