use std::fmt;
use std::str::FromStr;

use ed25519_dalek::VerifyingKey;

use crate::hash::sha256;
use crate::text;

/// The longest key name: host and path of a log or witness, with room to spare.
pub const MAX_KEY_NAME_BYTES: usize = 1024;

/// What a key signs, and how: the signature types of c2sp.org/signed-note that this room knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyKind {
    /// 0x01: an Ed25519 signature of the note's text.
    Ed25519,
    /// 0x04: a witness's Ed25519 cosignature of a checkpoint, with the time it was made.
    CosignatureV1,
}

impl KeyKind {
    /// The byte that stands for it in keys and key ids.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::CosignatureV1),
            _ => None,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "Ed25519 (type 0x01)",
            Self::CosignatureV1 => "cosignature (type 0x04)",
        })
    }
}

/// A public key with its name, written `name+id+base64`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    kind: KeyKind,
    key: VerifyingKey,
}

/// Why a text is no key. The texts of secret keys are never repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The three parts are not there.
    #[error(
        "such a key is written {expected}: id in eight lower-case hexadecimal digits, base64 of a type byte and 32 bytes"
    )]
    Parts {
        /// The form expected.
        expected: &'static str,
    },
    /// The name is empty, too long, or has characters that no name may have.
    #[error(
        "\"{name}\" is no key name: it must be 1 to {MAX_KEY_NAME_BYTES} bytes without spaces, plus or control characters"
    )]
    Name {
        /// The name, cut where it is long.
        name: String,
    },
    /// The key id is not eight lower-case hexadecimal digits.
    #[error("key {name}: the id must be eight lower-case hexadecimal digits")]
    Id {
        /// Whose key.
        name: String,
    },
    /// The material is not base64 of a type byte and 32 bytes.
    #[error("key {name}: the material must be base64 of a type byte and 32 bytes of key")]
    Material {
        /// Whose key.
        name: String,
    },
    /// The type is not known here.
    #[error(
        "key {name}: signature type 0x{byte:02x} is not supported (0x01 Ed25519 and 0x04 cosignature are)"
    )]
    Kind {
        /// Whose key.
        name: String,
        /// The type byte.
        byte: u8,
    },
    /// The type is known, but another was needed.
    #[error("key {name} is of type {found}; {expected} is needed here")]
    WrongKind {
        /// Whose key.
        name: String,
        /// Its type.
        found: KeyKind,
        /// The type needed.
        expected: KeyKind,
    },
    /// The bytes are no point of the curve, or a weak one for which anyone can make signatures.
    #[error("key {name}: the 32 bytes are no sound Ed25519 public key")]
    Point {
        /// Whose key.
        name: String,
    },
    /// The id is not that of name and key: one of the three was mistyped or exchanged.
    #[error("key {name}: the id {found:08x} does not belong to name and key, whose id is {expected:08x}")]
    IdMismatch {
        /// Whose key.
        name: String,
        /// The id written.
        found: u32,
        /// The id computed.
        expected: u32,
    },
}

/// Holds a name to the rules for key names.
///
/// # Errors
///
/// When it is empty, too long, or has spaces (Unicode's too), a plus, or control characters.
pub fn check_key_name(name: &str) -> Result<(), KeyError> {
    let forbidden = |c: char| c.is_whitespace() || c == '+' || c.is_ascii_control();
    if name.is_empty() || name.len() > MAX_KEY_NAME_BYTES || name.contains(forbidden) {
        return Err(KeyError::Name { name: text::excerpt(name) });
    }
    Ok(())
}

/// The first four bytes of SHA-256 over name, line feed, type and public key.
fn key_id(name: &str, kind: KeyKind, public: &[u8; 32]) -> u32 {
    let mut input = Vec::with_capacity(name.len() + 34);
    input.extend_from_slice(name.as_bytes());
    input.push(b'\n');
    input.push(kind.byte());
    input.extend_from_slice(public);
    let hash = sha256(&input);
    let [a, b, c, d, ..] = *hash.as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

impl VerifierKey {
    /// A public key under a name.
    ///
    /// # Errors
    ///
    /// When the name is not allowed, or the bytes are no sound key.
    pub fn new(name: &str, kind: KeyKind, public: &[u8; 32]) -> Result<Self, KeyError> {
        check_key_name(name)?;
        let point = |_| KeyError::Point { name: name.to_owned() };
        let key = VerifyingKey::from_bytes(public).map_err(point)?;
        if key.is_weak() {
            return Err(KeyError::Point { name: name.to_owned() });
        }
        Ok(Self::of(name, kind, key))
    }

    pub(crate) fn of(name: &str, kind: KeyKind, key: VerifyingKey) -> Self {
        Self { name: name.to_owned(), id: key_id(name, kind, key.as_bytes()), kind, key }
    }

    /// Whose key it is.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The short number by which signatures name it: an identifier, no fingerprint.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What it signs.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The Ed25519 public key.
    #[must_use]
    pub fn public_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// This key, if it is of the kind needed.
    ///
    /// # Errors
    ///
    /// When it is of another kind.
    pub fn expect_kind(self, expected: KeyKind) -> Result<Self, KeyError> {
        if self.kind == expected {
            Ok(self)
        } else {
            Err(KeyError::WrongKind { name: self.name, found: self.kind, expected })
        }
    }

    /// Whether the 64 bytes are this key's Ed25519 signature of the message.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        // The strict check refuses what different implementations judge differently.
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut material = [self.kind.byte(); 33];
        material[1..].copy_from_slice(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.id, text::base64_encode(&material))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(vkey: &str) -> Result<Self, KeyError> {
        let parts = KeyParts::split(vkey, "name+id+base64")?;
        let key = Self::new(parts.name, parts.kind, &parts.material)?;
        parts.check_id(&key)?;
        Ok(key)
    }
}

/// What public and secret keys have in common as texts.
pub(crate) struct KeyParts<'a> {
    pub(crate) name: &'a str,
    id: u32,
    pub(crate) kind: KeyKind,
    pub(crate) material: zeroize::Zeroizing<[u8; 32]>,
}

impl<'a> KeyParts<'a> {
    pub(crate) fn split(key: &'a str, expected: &'static str) -> Result<Self, KeyError> {
        // Names have no plus, but base64 may.
        let mut parts = key.splitn(3, '+');
        let (Some(name), Some(id), Some(base64)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Parts { expected });
        };
        check_key_name(name)?;
        let owned = || name.to_owned();
        let hexadecimal = id.len() == 8 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let id = u32::from_str_radix(id, 16).ok().filter(|_| hexadecimal);
        let id = id.ok_or_else(|| KeyError::Id { name: owned() })?;
        let bytes = (base64.len() == 44).then(|| text::base64_decode(base64)).flatten();
        let bytes = zeroize::Zeroizing::new(bytes.unwrap_or_default());
        let [byte, material @ ..] = bytes.as_slice() else {
            return Err(KeyError::Material { name: owned() });
        };
        let kind = KeyKind::from_byte(*byte).ok_or_else(|| KeyError::Kind { name: owned(), byte: *byte })?;
        let Ok(material) = <[u8; 32]>::try_from(material).map(zeroize::Zeroizing::new) else {
            return Err(KeyError::Material { name: owned() });
        };
        Ok(Self { name, id, kind, material })
    }

    pub(crate) fn check_id(&self, key: &VerifierKey) -> Result<(), KeyError> {
        if self.id == key.id {
            return Ok(());
        }
        Err(KeyError::IdMismatch { name: self.name.to_owned(), found: self.id, expected: key.id })
    }
}
