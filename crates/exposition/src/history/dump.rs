//! Labels as `promtool tsdb dump` writes them: Go's own quotes, the name among the others.

use std::borrow::Cow;

use assurance_metrics_model::Labels;

use crate::chars::{label_name_end, starts_label_name};
use crate::error::{Fault, ParseErrorKind, found, shown};
use crate::limits::Limits;

/// The labels between the brace at `start` and the closing one, and one past that.
pub(crate) fn labels(body: &[u8], start: usize, limits: &Limits) -> Result<(Labels, usize), Fault> {
    if body.get(start) != Some(&b'{') {
        return Err(Fault::new(start, ParseErrorKind::UnexpectedStart { found: found(body, start) }));
    }
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    let mut at = start + 1;
    while body.get(at) != Some(&b'}') {
        let term = at;
        let name = match body.get(at) {
            Some(b'"') => {
                let (name, end) = quoted(body, at, limits.max_name_bytes)?;
                at = end;
                name
            }
            Some(byte) if starts_label_name(*byte) => {
                at = label_name_end(body, at + 1);
                text(body, term, at)?
            }
            _ => {
                return Err(Fault::new(at, ParseErrorKind::ExpectedLabelName { found: found(body, at) }));
            }
        };
        if name.len() > limits.max_name_bytes {
            return Err(Fault::new(term, ParseErrorKind::NameTooLong { limit: limits.max_name_bytes }));
        }
        if body.get(at) != Some(&b'=') {
            return Err(Fault::new(at, ParseErrorKind::ExpectedEqual { found: found(body, at) }));
        }
        let (value, end) = quoted(body, at + 1, limits.max_label_value_bytes)?;
        if pairs.iter().any(|(held, _)| *held == name) {
            return Err(Fault::new(term, ParseErrorKind::DuplicateLabel { name: shown(&name) }));
        }
        if pairs.len() == limits.max_labels {
            return Err(Fault::new(term, ParseErrorKind::TooManyLabels { limit: limits.max_labels }));
        }
        pairs.push((name, value));
        at = match (body.get(end), body.get(end + 1)) {
            (Some(b','), Some(b' ')) => end + 2,
            (Some(b','), _) => end + 1,
            (Some(b'}'), _) => end,
            _ => return Err(Fault::new(end, ParseErrorKind::ExpectedComma { found: found(body, end) })),
        };
    }
    let labels = Labels::from_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
    if labels.is_empty() {
        return Err(Fault::new(start, ParseErrorKind::MissingName));
    }
    Ok((labels, at + 1))
}

fn text(body: &[u8], from: usize, to: usize) -> Result<Cow<'_, str>, Fault> {
    match std::str::from_utf8(&body[from..to]) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(error) => Err(Fault::new(from + error.valid_up_to(), ParseErrorKind::InvalidUtf8)),
    }
}

/// What `strconv.Quote` made of a text, and one past its closing quote.
fn quoted(body: &[u8], open: usize, limit: usize) -> Result<(Cow<'_, str>, usize), Fault> {
    if body.get(open) != Some(&b'"') {
        return Err(Fault::new(open, ParseErrorKind::ExpectedQuote { found: found(body, open) }));
    }
    let unterminated = || Fault::new(open, ParseErrorKind::UnterminatedQuote);
    let start = open + 1;
    let mut end = start;
    let mut escaped = false;
    loop {
        match body.get(end).ok_or_else(unterminated)? {
            b'"' => break,
            b'\n' => return Err(unterminated()),
            b'\\' => {
                escaped = true;
                end += 2;
            }
            _ => end += 1,
        }
    }
    if end - start > limit {
        return Err(Fault::new(open, ParseErrorKind::LabelValueTooLong { limit }));
    }
    if !escaped {
        return Ok((text(body, start, end)?, end + 1));
    }
    let bad = |at| Fault::new(at, ParseErrorKind::BadEscape { found: found(body, at + 1) });
    let mut out = Vec::with_capacity(end - start);
    let mut at = start;
    while at < end {
        if body[at] != b'\\' {
            out.push(body[at]);
            at += 1;
            continue;
        }
        let number = |digits: usize, radix| {
            let from = at + 2 - usize::from(radix == 8);
            let text = body.get(from..from + digits).filter(|_| from + digits <= end)?;
            u32::from_str_radix(std::str::from_utf8(text).ok()?, radix).ok().map(|n| (n, from + digits))
        };
        let (number, next, is_byte) = match body[at + 1] {
            b'x' => number(2, 16).map(|(n, next)| (n, next, true)),
            b'u' => number(4, 16).map(|(n, next)| (n, next, false)),
            b'U' => number(8, 16).map(|(n, next)| (n, next, false)),
            b'0'..=b'7' => number(3, 8).map(|(n, next)| (n, next, true)),
            other => simple(other).map(|byte| (u32::from(byte), at + 2, true)),
        }
        .ok_or_else(|| bad(at))?;
        if is_byte {
            out.push(u8::try_from(number).map_err(|_too_large| bad(at))?);
        } else {
            let c = char::from_u32(number).ok_or_else(|| bad(at))?;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        at = next;
    }
    let text = String::from_utf8(out).map_err(|_no_text| Fault::new(open, ParseErrorKind::InvalidUtf8))?;
    Ok((Cow::Owned(text), end + 1))
}

fn simple(letter: u8) -> Option<u8> {
    Some(match letter {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'\\' | b'"' | b'\'' => letter,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::labels;
    use crate::Limits;

    fn read(text: &str) -> Result<String, String> {
        match labels(text.as_bytes(), 0, &Limits::DEFAULT) {
            Ok((labels, end)) => Ok(format!("{labels} {end}")),
            Err(fault) => Err(format!("{}: {}", fault.at, fault.kind)),
        }
    }

    #[test]
    fn quotes_are_gos() {
        let escaped = r#"{__name__="x", a="\"\\\t\x7f\u00a0\U0001f600é\001"}"#;
        let (read, end) = labels(escaped.as_bytes(), 0, &Limits::DEFAULT).expect("as Go writes it");
        assert_eq!(read.get("a"), Some("\"\\\t\u{7f}\u{a0}\u{1f600}é\u{1}"));
        assert_eq!(end, escaped.len());
    }

    #[test]
    fn names_may_be_quoted_and_stand_anywhere() {
        assert_eq!(read(r#"{"a.b"="1", __name__="x"} 1"#), Ok(r#"x{"a.b"="1"} 25"#.to_owned()));
        assert_eq!(read(r#"{Zone="1",__name__="x"}"#), Ok(r#"x{Zone="1"} 23"#.to_owned()));
    }

    #[test]
    fn what_is_wrong_is_said_where_it_is() {
        for (text, place) in [
            ("{}", 0),
            ("x", 0),
            (r#"{a="b""#, 6),
            (r#"{a="b"#, 3),
            (r#"{a="\q"}"#, 4),
            (r#"{a="\x4"}"#, 4),
            (r#"{a="\ud800"}"#, 4),
            (r#"{a="\xff"}"#, 3),
            (r#"{a="\"#, 3),
            (r#"{a=b}"#, 3),
            (r#"{a}"#, 2),
            (r#"{a="1", a="2"}"#, 8),
            (r#"{1="1"}"#, 1),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.starts_with(&format!("{place}: ")), "{text}: {error}");
        }
    }
}
