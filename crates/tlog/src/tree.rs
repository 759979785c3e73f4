use crate::frontier::Frontier;
use crate::hash::{Hash, node_hash};
use crate::merkle::HashReader;

/// A whole tree in memory, from which any proof can be made: 64 bytes a leaf.
///
/// It is for trees of one file, such as the lines of a day; a log keeps its tree in [tiles](crate::tiles).
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The complete subtrees of each level, leaves first.
    levels: Vec<Vec<Hash>>,
}

/// A subtree that the tree has not grown to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tree of {size} leaves has no complete subtree {index} at level {level}")]
#[non_exhaustive]
pub struct MissingNode {
    /// Its level, 0 for leaves.
    pub level: u8,
    /// Its index in the level.
    pub index: u64,
    /// The leaves there are.
    pub size: u64,
}

impl Tree {
    /// The empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a leaf, given its [hash](crate::leaf_hash).
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let row = &mut self.levels[level];
            row.push(hash);
            let [.., left, right] = row.as_slice() else { return };
            if row.len() % 2 == 1 {
                return;
            }
            hash = node_hash(left, right);
        }
    }

    /// The number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier().root()
    }

    /// The edge of the tree, to go on appending with less memory.
    #[must_use]
    pub fn frontier(&self) -> Frontier {
        // A level with an odd number of subtrees ends in one that no larger subtree holds.
        let loose = self.levels.iter().rev().filter(|row| row.len() % 2 == 1);
        Frontier::of_complete(self.size(), loose.filter_map(|row| row.last()).copied().collect())
    }
}

impl FromIterator<Hash> for Tree {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut tree = Self::new();
        leaves.into_iter().for_each(|leaf| tree.push(leaf));
        tree
    }
}

impl HashReader for Tree {
    type Error = MissingNode;

    fn node(&self, level: u8, index: u64) -> Result<Hash, MissingNode> {
        self.levels
            .get(usize::from(level))
            .zip(usize::try_from(index).ok())
            .and_then(|(row, index)| row.get(index))
            .copied()
            .ok_or(MissingNode { level, index, size: self.size() })
    }
}
