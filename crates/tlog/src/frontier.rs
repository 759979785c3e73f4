use crate::hash::{Hash, empty_root, node_hash};
use crate::merkle::{HashReader, MAX_TREE_SIZE, SizeError};

/// The right edge of a tree: all that is needed to append to it and to know its root.
///
/// It holds one hash for each complete subtree (for each bit set in the size), the largest first: at most 63
/// hashes for any tree.
///
/// ```
/// use assurance_tlog::{Frontier, leaf_hash};
///
/// let mut edge = Frontier::new();
/// for line in ["one", "two", "three"] {
///     edge.push(leaf_hash(line.as_bytes()))?;
/// }
/// let kept = (edge.size(), edge.hashes().to_vec());
/// assert_eq!(Frontier::from_parts(kept.0, kept.1)?.root(), edge.root());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

/// A number of hashes that no tree of the size has at its edge.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrontierError {
    /// The size is beyond what a log may have.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// There are too few or too many hashes.
    #[error(
        "a tree of {size} leaves has {expected} complete subtrees at its edge, not {found}: the kept state is damaged"
    )]
    Hashes {
        /// The size given.
        size: u64,
        /// The bits set in it.
        expected: u32,
        /// The hashes given.
        found: usize,
    },
}

impl Frontier {
    /// The edge of the empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An edge that was kept: what [`size`](Self::size) and [`hashes`](Self::hashes) gave.
    ///
    /// # Errors
    ///
    /// When number of hashes and size do not go together.
    pub fn from_parts(size: u64, hashes: Vec<Hash>) -> Result<Self, FrontierError> {
        SizeError::check(size)?;
        if hashes.len() != size.count_ones() as usize {
            return Err(FrontierError::Hashes { size, expected: size.count_ones(), found: hashes.len() });
        }
        Ok(Self { size, hashes })
    }

    /// An edge whose hashes were counted by whoever calls.
    pub(crate) fn of_complete(size: u64, hashes: Vec<Hash>) -> Self {
        debug_assert_eq!(hashes.len(), size.count_ones() as usize);
        Self { size, hashes }
    }

    /// Reads the edge of a stored tree.
    ///
    /// # Errors
    ///
    /// Whatever the reader reports, or a size beyond what a log may have.
    pub fn read<R: HashReader>(size: u64, reader: &R) -> Result<Self, crate::merkle::ReadError<R::Error>> {
        SizeError::check(size)?;
        let hashes = crate::merkle::edge_nodes(0, size)
            .map(|(level, index)| reader.node(level, index))
            .collect::<Result<_, _>>()
            .map_err(crate::merkle::ReadError::Reader)?;
        Ok(Self { size, hashes })
    }

    /// Appends a leaf, given its [hash](crate::leaf_hash).
    ///
    /// # Errors
    ///
    /// When the tree is as large as a tree may be.
    pub fn push(&mut self, leaf: Hash) -> Result<(), SizeError> {
        if self.size >= MAX_TREE_SIZE {
            return Err(SizeError { size: self.size.saturating_add(1) });
        }
        let mut hash = leaf;
        // As in binary addition, each one at the end of the size is a subtree that the leaf completes.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.hashes.push(hash);
        self.size += 1;
        Ok(())
    }

    /// The number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The complete subtrees, largest first.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold(&self.hashes).unwrap_or_else(empty_root)
    }
}

/// The root over complete subtrees, largest first.
pub(crate) fn fold(hashes: &[Hash]) -> Option<Hash> {
    hashes.iter().rev().copied().reduce(|right, left| node_hash(&left, &right))
}
