//! The shape of `name{label="value",…}`: found once by [`scan`], walked again by [`Terms`] when somebody wants
//! the labels.

use std::borrow::Cow;

use crate::chars::{
    continues_metric_name, find_in_quotes, label_name_end, metric_name_end, skip_blanks, starts_label_name,
    starts_metric_name, unescape,
};
use crate::error::{Fault, ParseErrorKind, found, shown};
use crate::limits::Limits;

/// Names compared as they come; a sample with more labels than this, or with escaped names, is checked for
/// duplicates on its own, slower way.
const NAMES_ON_STACK: usize = 16;

/// Where a series lies in the body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// One past its last byte.
    pub(crate) end: usize,
    /// One past the bare name; the start where the name is inside the braces.
    pub(crate) name_end: usize,
    /// The opening brace; `end` where there is none.
    pub(crate) brace: usize,
}

/// Finds the end of the series at `start` and checks everything about it.
///
/// `OPEN` reads as OpenMetrics: no blanks, one comma between labels and none after them, quotes end on their
/// line. Otherwise as Prometheus reads text: blanks anywhere, commas optional, line feeds in quotes.
///
/// `likely` is a bare name to try first, such as that of the line before.
pub(crate) fn scan<const OPEN: bool>(
    body: &[u8],
    start: usize,
    likely: &[u8],
    limits: &Limits,
) -> Result<Span, Fault> {
    let after_likely = start + likely.len();
    let name_end = match body.get(start) {
        _ if !likely.is_empty()
            && body[start..].starts_with(likely)
            && !matches!(body.get(after_likely), Some(byte) if continues_metric_name(*byte)) =>
        {
            after_likely
        }
        Some(byte) if starts_metric_name(*byte) => metric_name_end(body, start + 1),
        Some(b'{') => start,
        Some(b'\r') => return Err(Fault::new(start, ParseErrorKind::CarriageReturn)),
        _ => return Err(unexpected(body, start, |found| ParseErrorKind::UnexpectedStart { found })),
    };
    if name_end - start > limits.max_name_bytes {
        return Err(Fault::new(start, ParseErrorKind::NameTooLong { limit: limits.max_name_bytes }));
    }
    let brace = if OPEN { name_end } else { skip_blanks(body, name_end) };
    if body.get(brace) != Some(&b'{') {
        return Ok(Span { end: name_end, name_end, brace: name_end });
    }
    let (end, named) = scan_labels::<OPEN>(body, brace, name_end > start, limits)?;
    if !named {
        return Err(Fault::new(brace, ParseErrorKind::MissingName));
    }
    Ok(Span { end, name_end, brace })
}

/// Reads from the opening brace to past the closing one; tells whether the metric has a name by then.
pub(crate) fn scan_labels<const OPEN: bool>(
    body: &[u8],
    brace: usize,
    mut named: bool,
    limits: &Limits,
) -> Result<(usize, bool), Fault> {
    let blanks = |at| if OPEN { at } else { skip_blanks(body, at) };
    let mut names: [&[u8]; NAMES_ON_STACK] = [&[]; NAMES_ON_STACK];
    let mut labels = 0;
    let mut escaped_names = false;
    let mut at = blanks(brace + 1);
    let end = loop {
        let term = at;
        let name = match body.get(at) {
            Some(b'}') => break at + 1,
            Some(b'"') => {
                let (end, escaped) = quoted_end::<OPEN>(body, at, limits.max_name_bytes, |limit| {
                    ParseErrorKind::NameTooLong { limit }
                })?;
                let name = &body[at + 1..end - 1];
                at = blanks(end);
                if name.is_empty() {
                    return Err(Fault::new(term, ParseErrorKind::EmptyName));
                }
                if let Some(b',' | b'}') = body.get(at) {
                    if named {
                        return Err(Fault::new(term, ParseErrorKind::NameTwice));
                    }
                    named = true;
                    if body[at] == b',' {
                        at = after_comma::<OPEN>(body, at)?;
                    }
                    continue;
                }
                escaped_names |= escaped;
                name
            }
            Some(byte) if starts_label_name(*byte) => {
                at = label_name_end(body, at + 1);
                let name = &body[term..at];
                if name.len() > limits.max_name_bytes {
                    return Err(Fault::new(
                        term,
                        ParseErrorKind::NameTooLong { limit: limits.max_name_bytes },
                    ));
                }
                at = blanks(at);
                name
            }
            _ => return Err(unexpected(body, at, |found| ParseErrorKind::ExpectedLabelName { found })),
        };
        if body.get(at) != Some(&b'=') {
            return Err(unexpected(body, at, |found| ParseErrorKind::ExpectedEqual { found }));
        }
        if name.starts_with(b"__") {
            check_reserved::<OPEN>(name, term)?;
        }
        at = blanks(at + 1);
        if body.get(at) != Some(&b'"') {
            return Err(unexpected(body, at, |found| ParseErrorKind::ExpectedQuote { found }));
        }
        let (end, _) = quoted_end::<OPEN>(body, at, limits.max_label_value_bytes, |limit| {
            ParseErrorKind::LabelValueTooLong { limit }
        })?;
        if let Some(slot) = names.get_mut(labels) {
            *slot = name;
            if names[..labels].contains(&name) {
                return Err(duplicate(name, term));
            }
        }
        labels += 1;
        if labels > limits.max_labels {
            return Err(Fault::new(term, ParseErrorKind::TooManyLabels { limit: limits.max_labels }));
        }
        at = blanks(end);
        match body.get(at) {
            Some(b',') => at = after_comma::<OPEN>(body, at)?,
            Some(b'}') => {}
            _ if OPEN => {
                return Err(unexpected(body, at, |found| ParseErrorKind::ExpectedComma { found }));
            }
            _ => {}
        }
    };
    if escaped_names || labels > NAMES_ON_STACK {
        check_duplicates(body, brace, end)?;
    }
    Ok((end, named))
}

/// A fault about what stands at `at`.
#[cold]
fn unexpected(body: &[u8], at: usize, kind: fn(String) -> ParseErrorKind) -> Fault {
    Fault::new(at, kind(found(body, at)))
}

fn after_comma<const OPEN: bool>(body: &[u8], comma: usize) -> Result<usize, Fault> {
    if !OPEN {
        return Ok(skip_blanks(body, comma + 1));
    }
    match body.get(comma + 1) {
        Some(b'}') => Err(Fault::new(comma, ParseErrorKind::TrailingComma)),
        _ => Ok(comma + 1),
    }
}

fn check_reserved<const OPEN: bool>(name: &[u8], at: usize) -> Result<(), Fault> {
    if name == b"__name__" {
        return Err(Fault::new(at, ParseErrorKind::NameLabel));
    }
    if OPEN {
        let name = shown(&String::from_utf8_lossy(name));
        return Err(Fault::new(at, ParseErrorKind::ReservedLabel { name }));
    }
    Ok(())
}

#[cold]
fn duplicate(name: &[u8], at: usize) -> Fault {
    Fault::new(at, ParseErrorKind::DuplicateLabel { name: shown(&String::from_utf8_lossy(name)) })
}

/// The way for many labels, or for names that may be the same only once unescaped.
#[cold]
fn check_duplicates(body: &[u8], brace: usize, end: usize) -> Result<(), Fault> {
    let Ok(text) = std::str::from_utf8(&body[brace..end]) else {
        // The caller refuses it for that.
        return Ok(());
    };
    let mut names: Vec<(Cow<'_, str>, usize)> = Terms::new(text, 0)
        .filter_map(|term| match term {
            Term::Label { name, at, .. } => Some((name.decode(), at)),
            Term::Name(_) => None,
        })
        .collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(duplicate(pair[1].0.as_bytes(), brace + pair[1].1)),
        None => Ok(()),
    }
}

/// One past the closing quote of the text whose opening quote stands at `open`, and whether it has escapes.
fn quoted_end<const OPEN: bool>(
    body: &[u8],
    open: usize,
    limit: usize,
    too_long: impl Fn(usize) -> ParseErrorKind,
) -> Result<(usize, bool), Fault> {
    let until = body.len().min(open.saturating_add(limit).saturating_add(2));
    let mut escaped = false;
    let mut at = open + 1;
    loop {
        let Some(next) = find_in_quotes::<OPEN>(body, at, until) else {
            let kind = if until < body.len() { too_long(limit) } else { ParseErrorKind::UnterminatedQuote };
            return Err(Fault::new(open, kind));
        };
        if body[next] == b'"' {
            return Ok((next + 1, escaped));
        }
        at = next + 2;
        if body[next] == b'\n' || matches!(body.get(next + 1), None | Some(b'\n')) {
            return Err(Fault::new(open, ParseErrorKind::UnterminatedQuote));
        }
        if at > until {
            return Err(Fault::new(open, too_long(limit)));
        }
        escaped = true;
    }
}

/// Reads a quoted text that stands alone, as the name in metadata: its raw inside and one past its end.
pub(crate) fn quoted<const OPEN: bool>(
    body: &[u8],
    open: usize,
    limits: &Limits,
) -> Result<(usize, usize, usize), Fault> {
    let (end, _) =
        quoted_end::<OPEN>(body, open, limits.max_name_bytes, |limit| ParseErrorKind::NameTooLong { limit })?;
    Ok((open + 1, end - 1, end))
}

/// A text between quotes, or a bare name: as written, and whether there are escapes in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw<'a> {
    pub(crate) text: &'a str,
    escaped: bool,
}

impl<'a> Raw<'a> {
    #[inline]
    pub(crate) fn decode(self) -> Cow<'a, str> {
        if self.escaped { unescape(self.text) } else { Cow::Borrowed(self.text) }
    }
}

/// One part between the braces.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Term<'a> {
    /// A quoted metric name.
    Name(Raw<'a>),
    /// A label.
    Label {
        /// Where it begins.
        at: usize,
        name: Raw<'a>,
        value: Raw<'a>,
    },
}

/// Walks what [`scan_labels`] accepted. On any other text it ends early.
#[derive(Clone, Debug)]
pub(crate) struct Terms<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Terms<'a> {
    /// The terms in `text` after the brace at `brace`.
    pub(crate) const fn new(text: &'a str, brace: usize) -> Self {
        Self { text, at: brace.saturating_add(1) }
    }

    /// One past the end of the last term.
    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    /// The text whose opening quote stands at `open`, and one past its closing quote.
    #[inline(always)]
    fn quoted(&self, open: usize) -> Option<(Raw<'a>, usize)> {
        let bytes = self.text.as_bytes();
        let start = open + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            let next = find_in_quotes::<false>(bytes, at, bytes.len())?;
            if bytes[next] == b'"' {
                return Some((Raw { text: self.text.get(start..next)?, escaped }, next + 1));
            }
            escaped = true;
            at = next + 2;
        }
    }
}

impl<'a> Iterator for Terms<'a> {
    type Item = Term<'a>;

    #[inline]
    fn next(&mut self) -> Option<Term<'a>> {
        let bytes = self.text.as_bytes();
        let mut start = self.at;
        // At most one comma, or the text would not have been accepted.
        while let Some(b',' | b' ' | b'\t') = bytes.get(start) {
            start += 1;
        }
        let (name, at) = match bytes.get(start)? {
            b'"' => self.quoted(start)?,
            byte if starts_label_name(*byte) => {
                let end = label_name_end(bytes, start + 1);
                (Raw { text: self.text.get(start..end)?, escaped: false }, end)
            }
            _ => return None,
        };
        let at = skip_blanks(bytes, at);
        if bytes.get(at) != Some(&b'=') {
            self.at = at;
            return Some(Term::Name(name));
        }
        let at = skip_blanks(bytes, at + 1);
        if bytes.get(at) != Some(&b'"') {
            return None;
        }
        let (value, at) = self.quoted(at)?;
        self.at = at;
        Some(Term::Label { at: start, name, value })
    }
}
