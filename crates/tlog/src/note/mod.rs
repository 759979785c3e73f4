//! Signed notes (c2sp.org/signed-note): text, a blank line, and a line for each signature.

mod key;
mod secret;
mod signed;

pub use key::{KeyError, KeyKind, MAX_KEY_NAME_BYTES, VerifierKey, check_key_name};
pub(crate) use secret::Secret;
pub use secret::SigningKey;
pub use signed::{
    MAX_NOTE_BYTES, MAX_SIGNATURES, NoteError, NoteErrorKind, NoteSignature, SignedNote, VerifiedSignature,
    VerifyError, verify,
};
