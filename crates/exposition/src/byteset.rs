use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use hashbrown::HashTable;

/// A set of byte strings in one buffer: adding one costs no allocation of its own, and clearing keeps the
/// room. Hashes are keyed at random, so that no body can make them collide on purpose.
#[derive(Debug, Default)]
pub(crate) struct ByteSet {
    bytes: Vec<u8>,
    table: HashTable<(usize, usize)>,
    hasher: RandomState,
}

impl ByteSet {
    /// Adds `key`; `false` where it is already there.
    pub(crate) fn insert(&mut self, key: &[u8]) -> bool {
        let Self { bytes, table, hasher } = self;
        let hash = hasher.hash_one(key);
        if table.find(hash, |(start, end)| &bytes[*start..*end] == key).is_some() {
            return false;
        }
        let start = bytes.len();
        bytes.extend_from_slice(key);
        let bytes = &*bytes;
        table.insert_unique(hash, (start, bytes.len()), |(start, end)| hasher.hash_one(&bytes[*start..*end]));
        true
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.table.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::ByteSet;

    #[test]
    fn each_key_goes_in_once() {
        let mut set = ByteSet::default();
        for round in 0..2 {
            for n in 0..1000_u32 {
                assert!(set.insert(&n.to_le_bytes()), "{round}");
            }
            assert!(!set.insert(&7_u32.to_le_bytes()));
            assert!(set.insert(b"ab") && set.insert(b"abc") && set.insert(b"") && !set.insert(b""));
            set.clear();
        }
    }
}
