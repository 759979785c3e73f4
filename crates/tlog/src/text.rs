//! The few notations that all formats of this room share: decimals, base64 and lines, each in one spelling only.
//!
//! A second spelling of the same value would let two files differ that mean the same, and a signature covers
//! spellings, not meanings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A decimal number without sign or leading zeroes.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || (text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0'));
    // An empty text ends in the error of `parse`.
    if canonical { text.parse().ok() } else { None }
}

/// Standard base64 with padding; other alphabets, missing padding and stray bits are refused.
pub(crate) fn base64_decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The one spelling that [`base64_decode`] takes.
pub(crate) fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A text as an error may show it: escaped, and cut so that hostile input cannot flood a log.
pub(crate) fn excerpt(text: &str) -> String {
    /// A key name with its origin fits, a line of base64 is recognisable.
    const SHOWN: usize = 80;
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
