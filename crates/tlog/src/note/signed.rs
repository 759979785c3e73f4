use std::fmt;
use std::str::FromStr;

use super::key::{KeyKind, VerifierKey, check_key_name};
use super::secret::SigningKey;
use crate::{cosignature, text};

/// The largest note that is read: a checkpoint with a hundred post-quantum signatures of 5 kB in base64 is
/// 680 kB.
pub const MAX_NOTE_BYTES: usize = 1_000_000;

/// The most signatures of one note; sixteen must be accepted, and Go's implementation stops at a hundred too.
pub const MAX_SIGNATURES: usize = 100;

/// Begins a line of signature: em dash and space.
const DASH: &str = "— ";

/// A signature as a note carries it, verified or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    name: String,
    id: u32,
    bytes: Vec<u8>,
}

/// A text with its signatures, none of them verified yet.
///
/// Nothing of the text may be believed before [`verify`] named a key that is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// A text that is no signed note, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{kind}", .line.map(|line| format!("line {line}: ")).unwrap_or_default())]
#[non_exhaustive]
pub struct NoteError {
    /// The line, counted from 1, where one is at fault.
    pub line: Option<usize>,
    /// What is wrong.
    pub kind: NoteErrorKind,
}

/// What is wrong with a note.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteErrorKind {
    /// It is too long.
    #[error("a note of {bytes} bytes is more than the {MAX_NOTE_BYTES} that are read")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It has a control character.
    #[error("the control character U+{:04X} is not allowed in a note", *.0 as u32)]
    Control(char),
    /// Its last line is cut off.
    #[error("the last line must end in a line feed: the note is cut off")]
    Unterminated,
    /// There is no blank line, so no signatures.
    #[error("there is no blank line followed by signatures")]
    NoSignatures,
    /// The text is empty or does not end in a line feed.
    #[error("the text of a note must end in a line feed")]
    Text,
    /// There are too many signatures.
    #[error("there are more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// A line is no signature.
    #[error("\"{0}\" is no signature line (\"— name base64\")")]
    Signature(String),
}

impl From<NoteErrorKind> for NoteError {
    fn from(kind: NoteErrorKind) -> Self {
        Self { line: None, kind }
    }
}

impl NoteSignature {
    pub(crate) fn of(key: &VerifierKey, bytes: Vec<u8>) -> Self {
        Self { name: key.name().to_owned(), id: key.id(), bytes }
    }

    /// The name of the key that is said to have signed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of that key.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What follows the key's id; its form depends on the key's kind.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn is_by(&self, key: &VerifierKey) -> bool {
        self.id == key.id() && self.name == key.name()
    }

    /// Whether the key signed the text, and when, if the signature tells.
    fn verify(&self, text: &str, key: &VerifierKey) -> Option<Option<u64>> {
        match key.kind() {
            KeyKind::Ed25519 => key.signed(text.as_bytes(), &self.bytes).then_some(None),
            KeyKind::CosignatureV1 => cosignature::verify_bytes(text, key, &self.bytes).map(Some),
        }
    }
}

impl fmt::Display for NoteSignature {
    /// Without the line feed that ends the line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.id.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.bytes);
        write!(f, "{DASH}{} {}", self.name, text::base64_encode(&bytes))
    }
}

impl FromStr for NoteSignature {
    type Err = NoteError;

    /// Reads one line, without its line feed.
    fn from_str(line: &str) -> Result<Self, NoteError> {
        let parse = || {
            let (name, base64) = line.strip_prefix(DASH)?.split_once(' ')?;
            check_key_name(name).ok()?;
            let bytes = text::base64_decode(base64)?;
            let (id, rest) = bytes.split_first_chunk::<4>()?;
            // A signature of no bytes is none.
            (!rest.is_empty()).then(|| Self {
                name: name.to_owned(),
                id: u32::from_be_bytes(*id),
                bytes: rest.to_vec(),
            })
        };
        parse().ok_or_else(|| NoteErrorKind::Signature(text::excerpt(line)).into())
    }
}

impl SignedNote {
    /// Reads a note.
    ///
    /// # Errors
    ///
    /// When it is not exactly of the form that c2sp.org/signed-note describes, or beyond the bounds of this room.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        check_characters(note)?;
        if !note.ends_with('\n') {
            return Err(NoteErrorKind::Unterminated.into());
        }
        // The text may have blank lines itself: the last one ends it.
        let blank = note.rfind("\n\n").ok_or(NoteErrorKind::NoSignatures)?;
        let (text, signatures) = (&note[..=blank], &note[blank + 2..]);
        if signatures.is_empty() {
            return Err(NoteErrorKind::NoSignatures.into());
        }
        let before = text.matches('\n').count() + 1;
        let mut parsed = Vec::new();
        for (line, signature) in signatures.split_terminator('\n').enumerate() {
            let at = |error: NoteError| NoteError { line: Some(before + line + 1), ..error };
            if line == MAX_SIGNATURES {
                return Err(at(NoteErrorKind::TooManySignatures.into()));
            }
            parsed.push(signature.parse().map_err(at)?);
        }
        Ok(Self { text: text.to_owned(), signatures: parsed })
    }

    /// Signs a text with the keys of one or more logs.
    ///
    /// # Errors
    ///
    /// When the text cannot be a note's, or there are no keys.
    pub fn sign(text: &str, keys: &[&SigningKey]) -> Result<Self, NoteError> {
        if keys.is_empty() {
            return Err(NoteErrorKind::NoSignatures.into());
        }
        check_characters(text)?;
        if !text.ends_with('\n') {
            return Err(NoteErrorKind::Text.into());
        }
        let mut note = Self { text: text.to_owned(), signatures: Vec::new() };
        for key in keys {
            note.add(key.sign(text))?;
        }
        Ok(note)
    }

    /// Adds a signature, such as a witness's, at the end.
    ///
    /// The same signature is not added twice.
    ///
    /// # Errors
    ///
    /// When the note would have too many signatures or become too long to be read again.
    pub fn add(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(NoteErrorKind::TooManySignatures.into());
        }
        self.signatures.push(signature);
        let bytes = self.to_string().len();
        if bytes > MAX_NOTE_BYTES {
            self.signatures.pop();
            return Err(NoteErrorKind::TooLong { bytes }.into());
        }
        Ok(())
    }

    /// What is signed, with its final line feed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, in the note's order.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }
}

fn check_characters(note: &str) -> Result<(), NoteError> {
    if note.len() > MAX_NOTE_BYTES {
        return Err(NoteErrorKind::TooLong { bytes: note.len() }.into());
    }
    match note.find(|c: char| c < ' ' && c != '\n') {
        None => Ok(()),
        Some(at) => Err(NoteError {
            line: Some(note[..at].matches('\n').count() + 1),
            kind: NoteErrorKind::Control(note[at..].chars().next().unwrap_or_default()),
        }),
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl FromStr for SignedNote {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        Self::parse(note)
    }
}

/// A signature that was found to be a known key's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedSignature {
    /// Which of the known keys, by its place in the list that [`verify`] was given.
    pub key: usize,
    /// The key's name.
    pub name: String,
    /// The key's id.
    pub id: u32,
    /// When it was made, in seconds since 1970, for cosignatures: as the witness says.
    pub time: Option<u64>,
}

/// Why a note may not be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// No key that is known has signed.
    #[error("none of the known keys has signed; the note is signed by {}", list(.signers))]
    Unsigned {
        /// The names of the keys that have, unverified.
        signers: Vec<String>,
    },
    /// A signature is said to be a known key's and is not.
    #[error("the signature of {name}+{id:08x} is false: text or signature was changed")]
    False {
        /// The key's name.
        name: String,
        /// The key's id.
        id: u32,
    },
}

fn list(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().map(|name| text::excerpt(name)).collect();
    shown.join(", ")
}

/// Finds which of the keys signed the note, in the order of its signatures.
///
/// Signatures of other keys are skipped, as the specification asks; a line that stands there twice counts once.
///
/// # Errors
///
/// When none of the keys has signed, or one signature of a known key is false: then nothing of the note may be
/// believed, not even if other signatures are good.
pub fn verify(note: &SignedNote, keys: &[VerifierKey]) -> Result<Vec<VerifiedSignature>, VerifyError> {
    let mut verified = Vec::new();
    for (place, signature) in note.signatures.iter().enumerate() {
        let Some(key) = keys.iter().position(|key| signature.is_by(key)) else { continue };
        if note.signatures[..place].contains(signature) {
            continue;
        }
        let (name, id) = (signature.name.clone(), signature.id);
        match signature.verify(&note.text, &keys[key]) {
            Some(time) => verified.push(VerifiedSignature { key, name, id, time }),
            None => return Err(VerifyError::False { name, id }),
        }
    }
    if verified.is_empty() {
        let signers = note.signatures.iter().map(|signature| signature.name.clone()).collect();
        return Err(VerifyError::Unsigned { signers });
    }
    Ok(verified)
}
