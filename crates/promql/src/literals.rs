//! Numbers, durations and escapes that promql-parser panics on or reads as something else, found before it
//! sees them.

use std::ops::Range;

/// Longest duration given as a number, in seconds: 2^63 nanoseconds, which is Prometheus's bound too.
/// promql-parser panics at 2^64 seconds.
const MAX_DURATION_SECS: f64 = 9_223_372_036.0;

/// Where a literal cannot be handed on, and why.
pub(crate) type Fault = (Range<usize>, String);

/// Finds the first literal of `text` that cannot be handed on.
pub(crate) fn first_fault(text: &str) -> Option<Fault> {
    let mut scan = Scan { text, brackets: 0, after_offset: false };
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let length = match c {
            '"' | '\'' | '`' => match scan.string(at, c) {
                Ok(length) => length,
                Err(fault) => return Some(fault),
            },
            '#' => text[at..].find(['\n', '\r']).unwrap_or(text.len() - at),
            c if c.is_ascii_digit()
                || (c == '.' && text[at + 1..].starts_with(|d: char| d.is_ascii_digit())) =>
            {
                let length = number_length(&text[at..]);
                if let Some(fault) = scan.number(at..at + length) {
                    return Some(fault);
                }
                length
            }
            c if c == '_' || c == ':' || c.is_ascii_alphabetic() => scan.word(at),
            c => {
                scan.symbol(c);
                c.len_utf8()
            }
        };
        at += length;
    }
    None
}

struct Scan<'a> {
    text: &'a str,
    brackets: usize,
    /// Whether the next number is how far `offset` goes.
    after_offset: bool,
}

impl Scan<'_> {
    fn symbol(&mut self, c: char) {
        match c {
            '[' => self.brackets += 1,
            ']' => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
        if !(c.is_whitespace() || c == '+' || c == '-') {
            self.after_offset = false;
        }
    }

    fn word(&mut self, at: usize) -> usize {
        let is_word = |c: char| c == '_' || (c == ':' && self.brackets == 0) || c.is_ascii_alphanumeric();
        let length = self.text[at..].find(|c| !is_word(c)).unwrap_or(self.text.len() - at).max(1);
        self.after_offset = self.text[at..at + length].eq_ignore_ascii_case("offset");
        length
    }

    fn number(&mut self, span: Range<usize>) -> Option<Fault> {
        let is_duration = self.brackets > 0 || std::mem::take(&mut self.after_offset);
        let word = &self.text[span.clone()];
        if let Ok(value) = word.parse::<f64>() {
            if value.is_infinite() {
                return Some((span, format!("number {word} is out of range")));
            }
            return (is_duration && value > MAX_DURATION_SECS)
                .then(|| (span, "duration out of range".to_owned()));
        }
        // A part above 32 bits is left out by promql-parser, as if it were not written.
        let is_hex = word.starts_with("0x") || word.starts_with("0X");
        let mut parts = word.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
        (!is_hex && parts.any(|part| part.parse::<u32>().is_err()))
            .then(|| (span, "duration out of range".to_owned()))
    }

    /// The length of a string with its quotes; an unterminated one reaches to the end, and is the caller's.
    fn string(&mut self, start: usize, quote: char) -> Result<usize, Fault> {
        self.after_offset = false;
        let mut chars = self.text[start + 1..].char_indices();
        while let Some((at, c)) = chars.next() {
            if c == quote {
                return Ok(at + 2);
            }
            if c != '\\' || quote == '`' {
                continue;
            }
            let escape = start + 1 + at;
            let rest = &self.text[escape + 1..];
            chars.next();
            // Go reads these as bytes, which may be no UTF-8 or part of a longer character; promql-parser makes
            // a character of each.
            let digits = |radix, range: Range<usize>| {
                rest.get(range.clone())
                    .and_then(|d| u32::from_str_radix(d, radix).ok())
                    .map(|v| (v, range.end))
            };
            let byte = match rest.bytes().next() {
                Some(b'x') => digits(16, 1..3),
                Some(b'0'..=b'7') => digits(8, 0..3),
                _ => None,
            };
            if let Some((_, length)) = byte.filter(|(value, _)| *value >= 0x80) {
                let span = escape..escape + 1 + length;
                let message = format!(
                    "escape {} is a byte outside ASCII; write the character itself, or \\u and its code",
                    &self.text[span.clone()]
                );
                return Err((span, message));
            }
        }
        Ok(self.text.len() - start)
    }
}

/// Length of the run that looks like one number or duration: letters, digits, `.`, and an exponent's sign.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_sign = |at: usize| {
        at > 0
            && matches!(bytes[at], b'+' | b'-')
            && matches!(bytes[at - 1], b'e' | b'E')
            && bytes[..at - 1].iter().all(|b| b.is_ascii_digit() || *b == b'.')
    };
    (0..bytes.len())
        .find(|at| !(bytes[*at].is_ascii_alphanumeric() || matches!(bytes[*at], b'.' | b'_') || is_sign(*at)))
        .unwrap_or(bytes.len())
}
