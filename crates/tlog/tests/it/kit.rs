//! What several tests need: keys from fixed seeds, leaves, and the definitions of RFC 6962 written down naively.

use std::collections::HashMap;

use assurance_tlog::cosignature::CosignerKey;
use assurance_tlog::note::SigningKey;
use assurance_tlog::{Hash, Tree, empty_root, leaf_hash, node_hash};

pub(crate) const ORIGIN: &str = "example.com/evidence";

pub(crate) fn log_key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[1; 32]).expect("a sound name")
}

pub(crate) fn witness_key(number: u8) -> CosignerKey {
    CosignerKey::from_seed(&format!("witness.example/w{number}"), &[100 + number; 32]).expect("a sound name")
}

pub(crate) fn entries(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|place| format!("entry {place}").into_bytes()).collect()
}

pub(crate) fn tree(size: usize) -> Tree {
    entries(size).iter().map(|entry| leaf_hash(entry)).collect()
}

/// RFC 6962, section 2.1, word by word.
pub(crate) struct Definition {
    leaves: Vec<Hash>,
    known: HashMap<(usize, usize), Hash>,
}

impl Definition {
    pub(crate) fn new(leaves: Vec<Hash>) -> Self {
        Self { leaves, known: HashMap::new() }
    }

    /// MTH(D[start:end]).
    pub(crate) fn root(&mut self, start: usize, end: usize) -> Hash {
        if let Some(hash) = self.known.get(&(start, end)) {
            return *hash;
        }
        let hash = match end - start {
            0 => empty_root(),
            1 => self.leaves[start],
            n => {
                let k = split(n);
                node_hash(&self.root(start, start + k), &self.root(start + k, end))
            }
        };
        self.known.insert((start, end), hash);
        hash
    }

    /// PATH(m, D[start:end]).
    pub(crate) fn path(&mut self, m: usize, start: usize, end: usize) -> Vec<Hash> {
        let n = end - start;
        if n == 1 {
            return Vec::new();
        }
        let k = split(n);
        let (mut path, other) = if m < k {
            (self.path(m, start, start + k), self.root(start + k, end))
        } else {
            (self.path(m - k, start + k, end), self.root(start, start + k))
        };
        path.push(other);
        path
    }

    /// SUBPROOF(m, D[start:end], complete).
    pub(crate) fn subproof(&mut self, m: usize, start: usize, end: usize, complete: bool) -> Vec<Hash> {
        let n = end - start;
        if m == n {
            return if complete { Vec::new() } else { vec![self.root(start, end)] };
        }
        let k = split(n);
        let (mut proof, other) = if m <= k {
            (self.subproof(m, start, start + k, complete), self.root(start + k, end))
        } else {
            (self.subproof(m - k, start + k, end, false), self.root(start, start + k))
        };
        proof.push(other);
        proof
    }
}

/// The largest power of two smaller than n.
fn split(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

pub(crate) fn flipped(hash: &Hash) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[13] ^= 0x10;
    Hash::new(bytes)
}
