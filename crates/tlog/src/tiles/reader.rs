use crate::frontier::fold;
use crate::hash::{Hash, node_hash};
use crate::merkle::{HashReader, SizeError, edge_nodes};

use super::path::{TilePath, TileRow};

/// Where the files of a log are read from.
pub trait TileSource {
    /// Why a file could not be read.
    type Error;

    /// The content of a tile or bundle.
    ///
    /// A source whose partial tiles are cleared away may give the [full](TilePath::full) one in their place.
    ///
    /// # Errors
    ///
    /// When it is not there or cannot be read.
    fn tile(&self, path: &TilePath) -> Result<Vec<u8>, Self::Error>;
}

impl<S: TileSource + ?Sized> TileSource for &S {
    type Error = S::Error;

    fn tile(&self, path: &TilePath) -> Result<Vec<u8>, S::Error> {
        (**self).tile(path)
    }
}

/// Why a hash cannot be taken from tiles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TilesError<E> {
    /// The source failed.
    #[error("cannot read {path}: {error}")]
    Source {
        /// The tile.
        path: TilePath,
        /// Why.
        error: E,
    },
    /// A tile has another length than its width says.
    #[error("{path} has {found} bytes where its width needs {expected}: it is damaged")]
    Length {
        /// The tile.
        path: TilePath,
        /// 32 bytes for each hash.
        expected: usize,
        /// The bytes there are.
        found: usize,
    },
    /// The tree of this size has no such subtree.
    #[error("a tree of {size} leaves has no complete subtree {index} at level {level}")]
    Node {
        /// The subtree's level, 0 for leaves.
        level: u8,
        /// Its index in the level.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
}

/// Reads the hashes of a tree from its tiles.
///
/// Nothing is believed: a proof made from tiles is worth what its verification against a signed root says. It
/// asks for the same tiles again and again, so a source that reads files should remember the last few.
#[derive(Clone, Debug)]
pub struct TileReader<S> {
    size: u64,
    source: S,
}

impl<S: TileSource> TileReader<S> {
    /// A reader of the tree of `size` leaves: it decides which partial tiles are asked for.
    ///
    /// # Errors
    ///
    /// When the size is beyond what a log may have.
    pub fn new(size: u64, source: S) -> Result<Self, SizeError> {
        SizeError::check(size)?;
        Ok(Self { size, source })
    }

    /// The hashes of one tile, as wide as it is in this tree.
    pub(super) fn hashes(&self, path: &TilePath) -> Result<Vec<Hash>, TilesError<S::Error>> {
        let bytes = self.source.tile(path).map_err(|error| TilesError::Source { path: *path, error })?;
        let expected = usize::from(path.width()) * Hash::BYTES;
        let full = usize::from(path.full().width()) * Hash::BYTES;
        if bytes.len() != expected && bytes.len() != full {
            return Err(TilesError::Length { path: *path, expected, found: bytes.len() });
        }
        let (chunks, _) = bytes.as_chunks::<{ Hash::BYTES }>();
        Ok(chunks.iter().copied().map(Hash::new).take(usize::from(path.width())).collect())
    }

    pub(super) fn source(&self) -> &S {
        &self.source
    }
}

impl<S: TileSource> HashReader for TileReader<S> {
    type Error = TilesError<S::Error>;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let missing = || TilesError::Node { level, index, size: self.size };
        // Eight levels of the tree are in one level of tiles: the node is the root over some hashes of a tile.
        let within = u32::from(level % 8);
        let row = TileRow::Level(level / 8);
        let first = index.checked_shl(within).filter(|first| first >> within == index).ok_or_else(missing)?;
        let path = TilePath::in_tree(row, first / 256, self.size).ok_or_else(missing)?;
        let hashes = self.hashes(&path)?;
        let start = (first % 256) as usize;
        let subtree = hashes.get(start..start + (1 << within)).ok_or_else(missing)?;
        Ok(root_of(subtree))
    }
}

/// The root over a power of two of hashes.
pub(super) fn root_of(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => crate::empty_root(),
        [one] => *one,
        more => {
            let (left, right) = more.split_at(more.len() / 2);
            node_hash(&root_of(left), &root_of(right))
        }
    }
}

/// The root over the hashes of partial tiles, highest level first, and each decomposed into complete subtrees.
pub(super) fn edge_of(tiles: &[Vec<Hash>]) -> Vec<Hash> {
    tiles
        .iter()
        .rev()
        .flat_map(|hashes| {
            edge_nodes(0, hashes.len() as u64).map(|(level, index)| {
                let start = (index << level) as usize;
                root_of(&hashes[start..start + (1 << level)])
            })
        })
        .collect()
}

/// The root over such tiles.
pub(super) fn root_over(tiles: &[Vec<Hash>]) -> Hash {
    fold(&edge_of(tiles)).unwrap_or_else(crate::empty_root)
}
