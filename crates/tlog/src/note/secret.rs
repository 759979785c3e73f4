use std::fmt;
use std::str::FromStr;

use ed25519_dalek::Signer as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::key::{KeyError, KeyKind, KeyParts, VerifierKey, check_key_name};
use super::signed::NoteSignature;
use crate::text;

const PREFIX: &str = "PRIVATE+KEY+";
const FORM: &str = "PRIVATE+KEY+name+id+base64";

/// The secret half of a key of either kind. Wiped when dropped.
#[derive(Clone)]
pub(crate) struct Secret {
    key: ed25519_dalek::SigningKey,
    public: VerifierKey,
}

impl Secret {
    pub(crate) fn from_seed(name: &str, kind: KeyKind, seed: &[u8; 32]) -> Result<Self, KeyError> {
        check_key_name(name)?;
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let public = VerifierKey::of(name, kind, key.verifying_key());
        Ok(Self { key, public })
    }

    pub(crate) fn parse(skey: &str, expected: KeyKind) -> Result<Self, KeyError> {
        let rest = skey.strip_prefix(PREFIX).ok_or(KeyError::Parts { expected: FORM })?;
        // What looks like the name of a misspelt secret may be a part of the secret, so nothing of it is shown.
        let parts = KeyParts::split(rest, FORM).map_err(|error| match error {
            KeyError::Kind { .. } => error,
            _ => KeyError::Parts { expected: FORM },
        })?;
        let secret = Self::from_seed(parts.name, parts.kind, &parts.material)?;
        parts.check_id(&secret.public)?;
        if parts.kind != expected {
            return Err(KeyError::WrongKind { name: parts.name.to_owned(), found: parts.kind, expected });
        }
        Ok(secret)
    }

    pub(crate) fn encode(&self) -> Zeroizing<String> {
        let mut material = Zeroizing::new([self.public.kind().byte(); 33]);
        material[1..].copy_from_slice(self.key.as_bytes());
        let mut base64 = text::base64_encode(material.as_slice());
        let encoded = format!("{PREFIX}{}+{:08x}+{base64}", self.public.name(), self.public.id());
        base64.zeroize();
        Zeroizing::new(encoded)
    }

    pub(crate) fn public(&self) -> &VerifierKey {
        &self.public
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

/// A log's secret key, of type 0x01, written `PRIVATE+KEY+name+id+base64`.
///
/// It is wiped from memory when dropped, and `Debug` shows its public half only. A witness's key is another
/// type, [`CosignerKey`](crate::cosignature::CosignerKey), so that neither can be used for the other.
#[derive(Clone)]
pub struct SigningKey(Secret);

impl SigningKey {
    /// A key from 32 bytes of a cryptographic random generator.
    ///
    /// # Errors
    ///
    /// When the name is not allowed.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        Secret::from_seed(name, KeyKind::Ed25519, seed).map(Self)
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

    /// Signs a note's text.
    pub(crate) fn sign(&self, text: &str) -> NoteSignature {
        NoteSignature::of(self.0.public(), self.0.sign(text.as_bytes()).to_vec())
    }
}

impl FromStr for SigningKey {
    type Err = KeyError;

    fn from_str(skey: &str) -> Result<Self, KeyError> {
        Secret::parse(skey, KeyKind::Ed25519).map(Self)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(secret of {})", self.0.public())
    }
}
