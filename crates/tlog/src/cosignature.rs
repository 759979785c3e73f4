//! What witnesses say of checkpoints (c2sp.org/tlog-cosignature, version 1): seen, consistent, at this time.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::checkpoint::Checkpoint;
use crate::note::{KeyError, KeyKind, NoteSignature, Secret, SignedNote, VerifierKey, VerifyError};

/// A witness's secret key, of type 0x04, written `PRIVATE+KEY+name+id+base64`.
///
/// Wiped when dropped; `Debug` shows its public half only.
#[derive(Clone)]
pub struct CosignerKey(Secret);

impl CosignerKey {
    /// A key from 32 bytes of a cryptographic random generator.
    ///
    /// # Errors
    ///
    /// When the name is not allowed.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        Secret::from_seed(name, KeyKind::CosignatureV1, seed).map(Self)
    }

    /// The secret as text, to be stored where only its owner reads. Wiped when dropped.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<String> {
        self.0.encode()
    }

    /// The public half.
    #[must_use]
    pub fn verifier_key(&self) -> &VerifierKey {
        self.0.public()
    }
}

impl FromStr for CosignerKey {
    type Err = KeyError;

    fn from_str(skey: &str) -> Result<Self, KeyError> {
        Secret::parse(skey, KeyKind::CosignatureV1).map(Self)
    }
}

impl fmt::Debug for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosignerKey(secret of {})", self.0.public())
    }
}

/// Cosigns a checkpoint; `time` is in seconds since 1970.
///
/// Whoever calls has verified that the log signed it and that it is consistent with all that was cosigned
/// before: [`witness`](crate::witness) does both.
#[must_use]
pub fn sign(key: &CosignerKey, checkpoint: &Checkpoint, time: u64) -> NoteSignature {
    let signature = key.0.sign(message(&checkpoint.to_string(), time).as_bytes());
    let mut bytes = time.to_be_bytes().to_vec();
    bytes.extend_from_slice(&signature);
    NoteSignature::of(key.0.public(), bytes)
}

/// Verifies the cosignatures of one witness on a note, and gives the time of the latest.
///
/// # Errors
///
/// When the key is none of a witness, has not cosigned, or a cosignature said to be its own is false.
pub fn verify(note: &SignedNote, key: &VerifierKey) -> Result<u64, CosignatureError> {
    let key = key.clone().expect_kind(KeyKind::CosignatureV1)?;
    let verified = crate::note::verify(note, &[key])?;
    // Every signature of such a key has a time.
    Ok(verified.iter().filter_map(|signature| signature.time).max().unwrap_or_default())
}

/// Why there is no cosignature of a witness.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CosignatureError {
    /// The key is no witness's.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The witness has not cosigned, or falsely.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

/// The time of the cosignature, if these bytes are one by this key of this text.
pub(crate) fn verify_bytes(text: &str, key: &VerifierKey, bytes: &[u8]) -> Option<u64> {
    let (time, signature) = bytes.split_first_chunk::<8>()?;
    let time = u64::from_be_bytes(*time);
    // A witness speaks of checkpoints only; another text that it signed would be no statement about a log.
    text.parse::<Checkpoint>().ok()?;
    key.signed(message(text, time).as_bytes(), signature).then_some(time)
}

fn message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}
