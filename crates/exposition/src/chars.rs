use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr3};

const METRIC_START: u8 = 1;
const METRIC: u8 = 2;
const LABEL_START: u8 = 4;
const LABEL: u8 = 8;

/// What each byte may be in a bare name.
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        if byte.is_ascii_alphabetic() || byte == b'_' {
            table[at] = METRIC_START | METRIC | LABEL_START | LABEL;
        } else if byte == b':' {
            table[at] = METRIC_START | METRIC;
        } else if byte.is_ascii_digit() {
            table[at] = METRIC | LABEL;
        }
        at += 1;
    }
    table
}

#[inline]
pub(crate) fn starts_metric_name(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & METRIC_START != 0
}

#[inline]
pub(crate) fn starts_label_name(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & LABEL_START != 0
}

#[inline]
pub(crate) fn continues_metric_name(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & METRIC != 0
}

/// Where the run of metric name bytes from `at` ends.
#[inline]
pub(crate) fn metric_name_end(body: &[u8], at: usize) -> usize {
    run_end(body, at, METRIC)
}

/// Where the run of label name bytes from `at` ends.
#[inline]
pub(crate) fn label_name_end(body: &[u8], at: usize) -> usize {
    run_end(body, at, LABEL)
}

#[inline]
fn run_end(body: &[u8], mut at: usize, class: u8) -> usize {
    while let Some(byte) = body.get(at) {
        if CLASSES[usize::from(*byte)] & class == 0 {
            break;
        }
        at += 1;
    }
    at
}

/// Where the next double quote, backslash or, where `LINE`, line feed is at or after `at` and before `until`.
///
/// Most texts in quotes are shorter than two words, for which calling memchr costs more than looking.
#[inline]
pub(crate) fn find_in_quotes<const LINE: bool>(body: &[u8], mut at: usize, until: usize) -> Option<usize> {
    const WORDS: usize = 2;
    for _ in 0..WORDS {
        let Some(word) = body.get(at..until).and_then(<[u8]>::first_chunk) else { break };
        let word = u64::from_le_bytes(*word);
        let mut hits = bytes_equal(word, b'"') | bytes_equal(word, b'\\');
        if LINE {
            hits |= bytes_equal(word, b'\n');
        }
        if hits != 0 {
            return Some(at + hits.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    find_further::<LINE>(body, at, until)
}

#[inline(never)]
fn find_further<const LINE: bool>(body: &[u8], at: usize, until: usize) -> Option<usize> {
    let rest = body.get(at..until)?;
    let next = if LINE { memchr3(b'"', b'\\', b'\n', rest) } else { memchr2(b'"', b'\\', rest) };
    next.map(|n| at + n)
}

/// Sets the highest bit of the lowest byte of `word` that equals `byte`; bits above it mean nothing.
const fn bytes_equal(word: u64, byte: u8) -> u64 {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let differing = word ^ (LOW * byte as u64);
    differing.wrapping_sub(LOW) & !differing & HIGH
}

/// Where the run of blanks (space, tab) from `at` ends.
#[inline]
pub(crate) fn skip_blanks(body: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t') = body.get(at) {
        at += 1;
    }
    at
}

/// The offset of the line feed at or after `at`, or of the end of the body.
pub(crate) fn line_end(body: &[u8], at: usize) -> usize {
    memchr(b'\n', &body[at..]).map_or(body.len(), |n| at + n)
}

/// Undoes `\\`, `\n` and `\"`; other backslashes stay, as every reader of these formats has it.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    unescape_with(text, true)
}

/// Undoes `\\` and `\n`: in the help of text 0.0.4 a quote is never escaped.
pub(crate) fn unescape_help(text: &str) -> Cow<'_, str> {
    unescape_with(text, false)
}

fn unescape_with(text: &str, quotes: bool) -> Cow<'_, str> {
    let Some(first) = memchr(b'\\', text.as_bytes()) else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut chars = text[first..].chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let rest = chars.as_str();
        match rest.as_bytes().first() {
            Some(b'\\') => out.push('\\'),
            Some(b'n') => out.push('\n'),
            Some(b'"') if quotes => out.push('"'),
            _ => {
                out.push('\\');
                continue;
            }
        }
        chars = rest[1..].chars();
    }
    Cow::Owned(out)
}

/// Appends `text` with backslash, line feed and, where `quotes`, the double quote escaped.
pub(crate) fn push_escaped(out: &mut String, text: &str, quotes: bool) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{find_in_quotes, push_escaped, unescape, unescape_help};

    #[test]
    fn what_ends_a_quoted_text_is_found_at_any_distance() {
        for length in 0..40 {
            for filler in [b'a', 0x00, 0x80, 0xff, b'"' + 1, b'"' - 1, b'\\' + 1] {
                for ending in [b'"', b'\\', b'\n'] {
                    let mut body = vec![filler; length];
                    body.extend([ending, b'"', filler]);
                    let line = ending == b'\n';
                    assert_eq!(find_in_quotes::<true>(&body, 0, body.len()), Some(length));
                    assert_eq!(
                        find_in_quotes::<false>(&body, 0, body.len()),
                        Some(length + usize::from(line))
                    );
                    assert_eq!(find_in_quotes::<true>(&body, 0, length), None);
                }
            }
        }
    }

    #[test]
    fn escapes_are_undone_from_left_to_right_and_unknown_ones_kept() {
        for (raw, plain) in [
            ("foo", "foo"),
            (r"\foo", r"\foo"),
            (r"\\n", r"\n"),
            (r"\\\n", "\\\n"),
            (r#"\""#, "\""),
            (r#"\\\"é"#, "\\\"é"),
            (r"\z\", r"\z\"),
        ] {
            assert_eq!(unescape(raw), plain, "{raw}");
        }
        assert_eq!(unescape_help(r#"a\"b\n"#), "a\\\"b\n");
    }

    #[test]
    fn escaping_is_undone_by_unescaping() {
        let text = "a\\n\n\"\\\\\"\u{e9}\r";
        let mut out = String::new();
        push_escaped(&mut out, text, true);
        assert_eq!(unescape(&out), text);
        out.clear();
        push_escaped(&mut out, text, false);
        assert_eq!(unescape_help(&out), text);
    }
}
