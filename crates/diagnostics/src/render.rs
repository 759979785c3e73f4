use std::fmt;
use std::ops::Range;

use unicode_width::UnicodeWidthChar;

use crate::Diagnostic;

/// Columns of source shown on one line: a terminal of 120, less the gutter.
const MAX_COLUMNS: usize = 110;

/// Columns shown before the carets where a line is cut at its left.
const LEAD_COLUMNS: usize = 30;

/// The first line of a place, made ready to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
    /// The line as shown: cut to fit, tabs widened, control characters replaced.
    shown: String,
    /// Columns before the carets.
    indent: usize,
    /// How many carets; at least one.
    carets: usize,
    /// The place goes on after this line.
    continues: bool,
}

impl Excerpt {
    /// `span` must lie inside `text`, on character boundaries.
    pub(crate) fn cut(text: &str, span: &Range<usize>) -> Self {
        let line_start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[span.start..].find('\n').map_or(text.len(), |at| span.start + at);
        let line = text[..line_start].bytes().filter(|b| *b == b'\n').count() + 1;
        let column = text[line_start..span.start].chars().count() + 1;
        let here = text[line_start..line_end].trim_end_matches('\r');
        let first = (span.start - line_start).min(here.len());
        let last = (span.end.min(line_end) - line_start).clamp(first, here.len());
        let continues = text[span.start..span.end].trim_end().contains('\n');
        let lead = width(&here[..first]);
        let marked = width(&here[first..last]).max(1);
        let total = width(here).max(lead + marked);
        let (shown, indent, carets) = match secret_from(here) {
            Some(secret) => hidden(here, secret, first, lead, marked),
            None if total <= MAX_COLUMNS => (visible(here), lead, marked),
            None => window(here, first, lead, marked),
        };
        Self { line, column, shown, indent, carets, continues }
    }

    /// The same place, without the text of its line.
    pub(crate) fn hide(&mut self) {
        HIDDEN.clone_into(&mut self.shown);
        (self.indent, self.carets) = (0, HIDDEN.len());
    }
}

/// Stands for text that must not be printed.
const HIDDEN: &str = "<hidden>";

/// Parts of key names whose values are secrets, also with a letter missing.
const SECRET_WORDS: [&str; 6] = ["passw", "pasw", "word", "secret", "token", "credential"];

/// Where the value of a key that holds a secret begins: findings end up in logs and answers, secrets must not.
fn secret_from(line: &str) -> Option<usize> {
    line.match_indices(':').map(|(at, _)| at).find_map(|at| {
        let after = &line[at + 1..];
        let is_key = after.is_empty() || after.starts_with([' ', '\t']);
        let before = line[..at].trim_end_matches(['"', '\'', ' ']);
        let start =
            before.rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).map_or(0, |n| n + 1);
        // The character found may be longer than one byte.
        let key = before.get(start..)?.to_ascii_lowercase();
        let is_secret = SECRET_WORDS.iter().any(|word| key.contains(word)) && !key.ends_with("_file");
        (is_key && is_secret && !after.trim().is_empty()).then_some(at + 1)
    })
}

fn hidden(here: &str, secret: usize, first: usize, lead: usize, marked: usize) -> (String, usize, usize) {
    let shown = format!("{} {HIDDEN}", visible(&here[..secret]));
    if first < secret {
        return (shown, lead, marked.min(width(&here[first..secret])).max(1));
    }
    (shown, width(&here[..secret]) + 1, HIDDEN.len())
}

/// The part of a long line around the carets, with `…` where it was cut.
fn window(here: &str, first: usize, lead: usize, marked: usize) -> (String, usize, usize) {
    let mut start = 0;
    if lead + marked > MAX_COLUMNS {
        let mut back = 0;
        start = first;
        for (at, c) in here[..first].char_indices().rev() {
            back += char_width(c);
            if back > LEAD_COLUMNS {
                break;
            }
            start = at;
        }
    }
    let mut shown = String::new();
    let mut columns = 0;
    if start > 0 {
        shown.push('…');
        columns = 1;
    }
    let indent = columns + width(&here[start..first]);
    let mut cut = false;
    for c in here[start..].chars() {
        if columns + char_width(c) > MAX_COLUMNS - 1 {
            cut = true;
            break;
        }
        columns += char_width(c);
        push_visible(&mut shown, c);
    }
    if cut {
        shown.push('…');
        columns += 1;
    }
    (shown, indent, marked.min(columns.saturating_sub(indent)).max(1))
}

/// A tab is shown as this many blanks.
const TAB: usize = 4;

fn char_width(c: char) -> usize {
    match c {
        '\t' => TAB,
        c if c.is_control() => 1,
        c => c.width().unwrap_or(0),
    }
}

fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Control characters could steer the reader's terminal, so none is printed.
fn push_visible(out: &mut String, c: char) {
    match c {
        '\t' => out.extend(std::iter::repeat_n(' ', TAB)),
        c if c.is_control() => out.push('\u{fffd}'),
        // Characters that reorder what stands around them would make carets and text disagree.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
        c => out.push(c),
    }
}

fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        push_visible(&mut out, c);
    }
    out
}

pub(crate) fn write(
    f: &mut fmt::Formatter<'_>,
    diagnostic: &Diagnostic,
    excerpt: Option<&Excerpt>,
) -> fmt::Result {
    f.write_str(diagnostic.severity.as_str())?;
    if let Some(code) = diagnostic.code {
        write!(f, "[{code}]")?;
    }
    writeln!(f, ": {}", visible(&diagnostic.message))?;
    let file = visible(&diagnostic.file);
    let mut gutter = 1;
    if let Some(e) = excerpt {
        let number = e.line.to_string();
        gutter = number.len();
        writeln!(f, "{:gutter$}--> {file}:{}:{}", "", e.line, e.column)?;
        writeln!(f, "{:gutter$} |", "")?;
        writeln!(f, "{}", format!("{number} | {}", e.shown).trim_end())?;
        write!(f, "{:gutter$} | {:indent$}{}", "", "", "^".repeat(e.carets), indent = e.indent)?;
        if e.continues {
            f.write_str("...")?;
        }
        if let Some(label) = &diagnostic.label {
            write!(f, " {}", visible(label))?;
        }
        f.write_str("\n")?;
    } else {
        writeln!(f, "{:gutter$}--> {file}", "")?;
    }
    let note = diagnostic.label.as_deref().filter(|_| excerpt.is_none());
    if note.is_some() || diagnostic.help.is_some() {
        writeln!(f, "{:gutter$} |", "")?;
    }
    for (word, text) in [("note", note), ("help", diagnostic.help.as_deref())] {
        let Some(text) = text else { continue };
        for (at, line) in text.lines().enumerate() {
            if at == 0 {
                writeln!(f, "{:gutter$} = {word}: {}", "", visible(line))?;
            } else {
                writeln!(f, "{:gutter$}         {}", "", visible(line))?;
            }
        }
    }
    Ok(())
}
