//! Matchers as an `alertmanager.yml`, `amtool` and silences write them.
//!
//! Two forms, tried in this order as Alertmanager does: the classic one, whose names are classic label names
//! and whose values may go without quotes, and the one in which a name may be any quoted text.

use std::ops::Range;

use assurance_metrics_model::{MatchOp, Matcher, is_legacy_metric_name};

/// A text that is no list of matchers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct MatchersError {
    /// Which bytes of the text are wrong.
    pub at: Range<usize>,
    /// What is wrong with them.
    pub reason: String,
}

impl MatchersError {
    fn new(at: Range<usize>, reason: impl Into<String>) -> Self {
        Self { at, reason: reason.into() }
    }
}

/// Reads `severity="critical"`, `{a=b, c=~"d|e"}` and the like. An empty text has no matchers.
///
/// # Errors
/// If the text is of neither form; the error is about the classic one unless a name is quoted.
pub fn parse_matchers(text: &str) -> Result<Vec<Matcher>, MatchersError> {
    classic_list(text).or_else(|error| quoted_list(text).map_err(|other| nearer(text, error, other)))
}

/// Reads one matcher; a comma is part of its value.
///
/// # Errors
/// As [`parse_matchers`], and if there is not exactly one.
pub fn parse_matcher(text: &str) -> Result<Matcher, MatchersError> {
    classic(text, 0).or_else(|error| match quoted_list(text) {
        Ok(mut matchers) if matchers.len() == 1 => Ok(matchers.remove(0)),
        Ok(_) => Err(error),
        Err(other) => Err(nearer(text, error, other)),
    })
}

/// Of two errors the one about the form that was meant.
fn nearer(text: &str, classic: MatchersError, quoted: MatchersError) -> MatchersError {
    if text.trim_start_matches(['{', ' ']).starts_with('"') { quoted } else { classic }
}

/// Splits at commas outside of quotes, as Alertmanager always has: the brackets need not be a pair.
fn classic_list(text: &str) -> Result<Vec<Matcher>, MatchersError> {
    let inner = text.strip_prefix('{').unwrap_or(text);
    let base = text.len() - inner.len();
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    let (mut quoted, mut escaped, mut start) = (false, false, 0);
    let mut parts = Vec::new();
    for (at, c) in inner.char_indices() {
        match c {
            ',' if !quoted => {
                parts.push((start, &inner[start..at]));
                start = at + 1;
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            '\\' => {
                escaped = !escaped;
                continue;
            }
            _ => {}
        }
        escaped = false;
    }
    if !inner[start..].trim().is_empty() {
        parts.push((start, &inner[start..]));
    }
    parts.into_iter().map(|(at, part)| classic(part, base + at)).collect()
}

/// One matcher of the classic form, whose text begins at byte `base` of the whole.
fn classic(text: &str, base: usize) -> Result<Matcher, MatchersError> {
    let trimmed = text.trim_start();
    let start = base + text.len() - trimmed.len();
    let trimmed = trimmed.trim_end();
    let whole = start..start + trimmed.len();
    let bad = |reason: &str| MatchersError::new(whole.clone(), reason);
    let length =
        trimmed.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':')).count();
    let (name, rest) = trimmed.split_at(length);
    if !is_legacy_metric_name(name) {
        return Err(bad("a matcher begins with a label name"));
    }
    let rest = rest.trim_start();
    let (op, rest) = take_op(rest).ok_or_else(|| bad("there is no =, !=, =~ or !~ behind the name"))?;
    let raw = rest.trim_start();
    let value = classic_value(raw).map_err(|reason| {
        let end = start + trimmed.len();
        MatchersError::new(end - raw.len()..end, reason)
    })?;
    Matcher::new(name, op, &value).map_err(|error| {
        let end = start + trimmed.len();
        MatchersError::new(end - raw.len()..end, format!("the regular expression is wrong: {}", error.reason))
    })
}

fn take_op(text: &str) -> Option<(MatchOp, &str)> {
    [("=~", MatchOp::Regex), ("!~", MatchOp::NotRegex), ("!=", MatchOp::NotEqual), ("=", MatchOp::Equal)]
        .into_iter()
        .find_map(|(word, op)| text.strip_prefix(word).map(|rest| (op, rest)))
}

fn classic_value(raw: &str) -> Result<String, &'static str> {
    let (mut open, inner) = raw.strip_prefix('"').map_or((false, raw), |inner| (true, inner));
    let mut value = String::with_capacity(inner.len());
    let mut escaped = false;
    let last = inner.len().saturating_sub(1);
    for (at, c) in inner.char_indices() {
        match c {
            'n' if escaped => value.push('\n'),
            '"' | '\\' if escaped => value.push(c),
            c if escaped => value.extend(['\\', c]),
            '\\' if at < last => {
                escaped = true;
                continue;
            }
            '"' if open && at == last => open = false,
            '"' => return Err("a double quote inside of the value needs a \\ before it"),
            c => value.push(c),
        }
        escaped = false;
    }
    if open { Err("the value's double quote is not closed") } else { Ok(value) }
}

/// The form with quoted names; unquoted words end at blanks and at any sign of the syntax.
fn quoted_list(text: &str) -> Result<Vec<Matcher>, MatchersError> {
    let mut reader = Reader { text, at: 0 };
    let braced = reader.take('{');
    let mut matchers = Vec::new();
    loop {
        reader.blanks();
        if reader.rest().is_empty() || (braced && reader.rest().starts_with('}')) {
            break;
        }
        matchers.push(reader.matcher()?);
        reader.blanks();
        if !reader.take(',') {
            break;
        }
    }
    if braced && !reader.take('}') {
        return Err(MatchersError::new(reader.here(), "the { is not closed by a }"));
    }
    reader.blanks();
    if reader.rest().is_empty() {
        Ok(matchers)
    } else {
        Err(MatchersError::new(reader.here(), "matchers are separated by commas"))
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character, for errors.
    fn here(&self) -> Range<usize> {
        self.at..self.at + self.rest().chars().next().map_or(0, char::len_utf8)
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, sign: char) -> bool {
        self.blanks();
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len_utf8();
        }
        found
    }

    fn matcher(&mut self) -> Result<Matcher, MatchersError> {
        let name_at = self.at;
        let name = self.word("a label name")?;
        if name.is_empty() {
            return Err(MatchersError::new(name_at..self.at, "a label name is not empty"));
        }
        self.blanks();
        let Some((op, rest)) = take_op(self.rest()) else {
            return Err(MatchersError::new(self.here(), "there is no =, !=, =~ or !~ behind the name"));
        };
        self.at = self.text.len() - rest.len();
        self.blanks();
        let value_at = self.at;
        let value = self.word("a value")?;
        Matcher::new(&name, op, &value).map_err(|error| {
            let reason = format!("the regular expression is wrong: {}", error.reason);
            MatchersError::new(value_at..self.at, reason)
        })
    }

    fn word(&mut self, what: &str) -> Result<String, MatchersError> {
        if self.rest().starts_with('"') {
            return self.quoted();
        }
        let sign = |c: char| c.is_whitespace() || "{}!=~,\\\"'`".contains(c);
        let length = self.rest().find(sign).unwrap_or(self.rest().len());
        if length == 0 {
            return Err(MatchersError::new(self.here(), format!("here {what} is missing")));
        }
        let word = self.rest()[..length].to_owned();
        self.at += length;
        Ok(word)
    }

    fn quoted(&mut self) -> Result<String, MatchersError> {
        let start = self.at;
        let mut value = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at = start + at + 1;
                    return Ok(value);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, 't')) => value.push('\t'),
                    Some((_, 'r')) => value.push('\r'),
                    Some((_, c @ ('"' | '\\'))) => value.push(c),
                    _ => {
                        let at = start + at;
                        let reason = "after a \\ in quotes there is one of n, t, r, \\ and \"";
                        return Err(MatchersError::new(at..at + 1, reason));
                    }
                },
                c => value.push(c),
            }
        }
        Err(MatchersError::new(start..self.text.len(), "the double quote is not closed"))
    }
}
