use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::text;

/// A SHA-256 hash of a leaf, of a subtree, or of a whole tree.
///
/// Shown and read in base64, as checkpoints and proofs write it; hexadecimal is for people and file names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash([u8; Hash::BYTES]);

impl Hash {
    /// The length of a SHA-256 hash.
    pub const BYTES: usize = 32;

    /// A hash that was computed elsewhere.
    #[must_use]
    pub fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// Lower-case hexadecimal, as `sha256sum` prints it.
    #[must_use]
    pub fn to_hex(&self) -> String {
        use fmt::Write as _;
        self.0.iter().fold(String::with_capacity(2 * Self::BYTES), |mut hex, byte| {
            // Writing into a `String` cannot fail.
            write!(hex, "{byte:02x}").ok();
            hex
        })
    }

    /// Reads lower-case hexadecimal.
    ///
    /// # Errors
    ///
    /// When the text is anything but 64 lower-case hexadecimal digits.
    pub fn from_hex(hex: &str) -> Result<Self, HashError> {
        let error = || HashError { text: text::excerpt(hex), notation: "64 lower-case hexadecimal digits" };
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(error()),
        };
        if hex.len() != 2 * Self::BYTES {
            return Err(error());
        }
        let mut bytes = [0; Self::BYTES];
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

/// A text that is no hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a SHA-256 hash in {notation}")]
#[non_exhaustive]
pub struct HashError {
    /// What was read, cut where it is long.
    pub text: String,
    /// What was expected.
    pub notation: &'static str,
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::base64_encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(base64: &str) -> Result<Self, HashError> {
        // The length is looked at first so that a megabyte of base64 is not decoded only to be refused.
        (base64.len() == 44)
            .then(|| text::base64_decode(base64))
            .flatten()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| HashError { text: text::excerpt(base64), notation: "base64 (44 characters)" })
    }
}

impl From<[u8; Hash::BYTES]> for Hash {
    fn from(bytes: [u8; Hash::BYTES]) -> Self {
        Self(bytes)
    }
}

/// The hash of a leaf with this content.
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Hash {
    // The prefixes of leaf and node differ, so that no leaf can pass for a node.
    Hash(Sha256::new().chain_update([0x00]).chain_update(data).finalize().into())
}

/// The hash of a node over two subtrees.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut input = [0x01; 1 + 2 * Hash::BYTES];
    input[1..=Hash::BYTES].copy_from_slice(&left.0);
    input[1 + Hash::BYTES..].copy_from_slice(&right.0);
    Hash(Sha256::digest(input).into())
}

/// The root of a tree without leaves.
#[must_use]
pub fn empty_root() -> Hash {
    sha256(b"")
}

/// A plain SHA-256, for files and names.
#[must_use]
pub fn sha256(data: &[u8]) -> Hash {
    Hash(Sha256::digest(data).into())
}
