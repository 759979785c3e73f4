//! Whether every block of a template is closed: the engine's reader stops at a stray `{{ end }}` and does not
//! miss one that is lacking, and both would drop text without a word.

use std::ops::Range;

use crate::error::ParseErrorKind;

/// Checks the nesting of `if`, `with`, `range`, `define` and `block` with their `end`. Text that is not even
/// tokens is left to the reader, which says so.
pub(crate) fn check(text: &str) -> Result<(), (Range<usize>, ParseErrorKind)> {
    let refuse = |span, message: String| Err((span, ParseErrorKind::Syntax { message }));
    let mut open: Vec<(&str, Range<usize>)> = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find("{{").map(|found| at + found) {
        let Some(end) = end_of_action(text, start + 2) else { return Ok(()) };
        let word = first_word(&text[start + 2..end - 2]);
        let span = start..end;
        match word {
            "if" | "with" | "range" | "define" | "block" => open.push((word, span)),
            "else" => match open.last() {
                Some(("if" | "with" | "range", _)) => {}
                _ => return refuse(span, "unexpected {{else}}".to_owned()),
            },
            "end" if open.pop().is_none() => {
                return refuse(span, "unexpected {{end}}: no block is open".to_owned());
            }
            _ => {}
        }
        at = end;
    }
    match open.pop() {
        Some((word, span)) => refuse(span, format!("{{{{{word}}}}} is never closed by {{{{end}}}}")),
        None => Ok(()),
    }
}

/// Behind the `}}` of an action that begins before `at`; quotes and comments may hold braces.
fn end_of_action(text: &str, at: usize) -> Option<usize> {
    let inner = &text[at..];
    let body = inner.strip_prefix("- ").unwrap_or(inner).trim_start();
    if body.starts_with("/*") {
        let close = inner.find("*/")?;
        return inner[close..].find("}}").map(|found| at + close + found + 2);
    }
    let bytes = inner.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'}' if bytes.get(i + 1) == Some(&b'}') => return Some(at + i + 2),
            quote @ (b'"' | b'`' | b'\'') => {
                i += 1;
                while *bytes.get(i)? != quote {
                    i += if bytes[i] == b'\\' && quote != b'`' { 2 } else { 1 };
                }
                i += 1;
            }
            _ => i += 1,
        }
    }
    None
}

fn first_word(action: &str) -> &str {
    let action = action.strip_prefix('-').unwrap_or(action).trim_start();
    let end = action.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(action.len());
    &action[..end]
}
