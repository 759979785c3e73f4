use std::borrow::Cow;
use std::iter::FusedIterator;

use assurance_metrics_model::{MetricType, Timestamp};

use crate::Format;
use crate::chars::{line_end, metric_name_end, skip_blanks, starts_metric_name, unescape, unescape_help};
use crate::error::{Fault, Lines, ParseError, ParseErrorKind, found, shown};
use crate::limits::Limits;
use crate::number::{float_prefix, go_refuses};
use crate::sample::Sample;
use crate::series::{quoted, scan};
use crate::strict::{Strict, Trouble};

/// One line of a body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Entry<'a> {
    /// `# HELP`.
    Help {
        /// The family.
        name: Cow<'a, str>,
        /// The text, unescaped.
        text: Cow<'a, str>,
    },
    /// `# TYPE`.
    Type {
        /// The family.
        name: Cow<'a, str>,
        /// Its type.
        metric_type: MetricType,
    },
    /// `# UNIT`, in OpenMetrics.
    Unit {
        /// The family.
        name: Cow<'a, str>,
        /// Its unit.
        unit: Cow<'a, str>,
    },
    /// Any other line that begins with `#`, whole, in text; bytes that are not UTF-8 appear as U+FFFD.
    Comment(Cow<'a, str>),
    /// A sample.
    Sample(Sample<'a>),
    /// `# EOF`, in OpenMetrics.
    Eof,
}

/// What is new on the line of a series that is known: [`Parser::next_known`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// The value, a finite one.
    pub value: f64,
    /// When it was taken, where the body says so.
    pub timestamp: Option<Timestamp>,
}

/// Reads a body line by line and borrows from it.
///
/// An error ends its line, not the parser: what follows is still read, so that a report can name every fault.
/// Whether a body with errors is worth anything is the caller's to decide; Prometheus discards it.
#[derive(Debug)]
pub struct Parser<'a> {
    pub(crate) body: &'a [u8],
    /// The body again where all of it is UTF-8, which saves checking it piece by piece.
    pub(crate) text: Option<&'a str>,
    pub(crate) limits: Limits,
    pub(crate) at: usize,
    /// Where the last entry began.
    entry: usize,
    pub(crate) lines: Lines,
    pub(crate) last_type: MetricType,
    /// The bare name of the last sample: the next one's is often the same.
    pub(crate) last_name: &'a [u8],
    /// The family of the last `# TYPE`, in text.
    family: Cow<'a, str>,
    /// In OpenMetrics.
    strict: Option<Box<Strict<'a>>>,
    started: bool,
    finished: bool,
}

impl<'a> Parser<'a> {
    /// A parser with the [default limits](Limits::DEFAULT).
    pub fn new(body: &'a [u8], format: Format) -> Self {
        Self::with_limits(body, format, Limits::DEFAULT)
    }

    /// A parser with limits of the caller's.
    pub fn with_limits(body: &'a [u8], format: Format, limits: Limits) -> Self {
        let text = if body.len() <= limits.max_body_bytes { std::str::from_utf8(body).ok() } else { None };
        Self {
            body,
            text,
            limits,
            at: 0,
            entry: 0,
            lines: Lines::new(),
            last_type: MetricType::Unknown,
            last_name: &[],
            family: Cow::Borrowed(""),
            strict: (format == Format::OpenMetrics).then(Box::default),
            started: false,
            finished: false,
        }
    }

    /// For reading parts of a body: nothing is looked at beforehand.
    pub(crate) fn of_parts(body: &'a [u8], format: Format, limits: Limits) -> Self {
        let empty = Self::with_limits(&[], format, limits);
        Self { body, text: None, ..empty }
    }

    /// Line and column, both from 1, of an offset in the body, such as [`Sample::offset`]. Counts line feeds,
    /// so it is for messages and not for every sample.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let (line, start) = self.lines.locate(self.body, offset);
        let before = &self.body[start..offset.clamp(start, self.body.len())];
        (line, String::from_utf8_lossy(before).chars().count() + 1)
    }

    /// The line of the last entry.
    pub(crate) fn entry_line(&mut self) -> usize {
        if self.strict.is_none() {
            // Text counts lines only when asked, so keep what is counted now.
            self.lines.advance(self.body, self.entry);
        }
        self.lines.locate(self.body, self.entry).0
    }

    /// The next line's number, where the line is a sample of exactly the series `expected`; otherwise, or where
    /// anything about the line is unusual, `None`, and the parser stands where it stood.
    ///
    /// For a caller that knows the order of series from the last time: labels are compared and not looked at
    /// again. `expected` must be the [`Sample::series`] of a sample that a parser of the same format gave. Works
    /// in text; OpenMetrics has to look at every label anyway.
    #[inline]
    pub fn next_known(&mut self, expected: &[u8]) -> Option<Known> {
        // Until the first line is read nobody has looked at the length of the body.
        if expected.is_empty()
            || !self.started
            || self.finished
            || self.text.is_none()
            || self.strict.is_some()
        {
            return None;
        }
        let (body, line) = (self.body, self.at);
        if !body[line..].starts_with(expected) {
            return None;
        }
        let end = line + expected.len();
        let mut at = skip_blanks(body, end);
        // A bare name must end here, and no braces may follow.
        if !expected.ends_with(b"}") && (at == end || body.get(at) == Some(&b'{')) {
            return None;
        }
        let (value, length) = float_prefix(&body[at..])?;
        if !value.is_finite() {
            return None;
        }
        at += length;
        let mut timestamp = None;
        if let Some(b' ' | b'\t') = body.get(at) {
            at = skip_blanks(body, at);
            if body.get(at).is_some_and(u8::is_ascii_digit) {
                let (millis, end) = milliseconds(body, at).ok()?;
                timestamp = Some(Timestamp::from_millis(millis));
                at = skip_blanks(body, end);
            }
        }
        let next = match body.get(at) {
            None => at,
            Some(b'\n') => at + 1,
            Some(_) => return None,
        };
        if next - line > self.limits.max_line_bytes {
            return None;
        }
        self.entry = line;
        self.at = next;
        Some(Known { value, timestamp })
    }

    fn error(&self, fault: Fault) -> ParseError {
        ParseError::locate(self.body, &self.lines, fault)
    }

    // text

    fn next_text(&mut self) -> Option<Result<Entry<'a>, ParseError>> {
        loop {
            let line = self.at;
            self.entry = line;
            let start = skip_blanks(self.body, line);
            let read = match self.body.get(start) {
                None => {
                    self.finished = true;
                    return None;
                }
                Some(b'\n') => {
                    self.at = start + 1;
                    continue;
                }
                Some(b'#') => self.text_comment(line, start),
                Some(_) => match self.text_sample(line, start) {
                    Ok(sample) => return Some(Ok(Entry::Sample(sample))),
                    Err(fault) => Err(fault),
                },
            };
            return Some(read.map_err(|fault| self.recover(line, fault)));
        }
    }

    #[cold]
    fn recover(&mut self, line: usize, fault: Fault) -> ParseError {
        self.lines.advance(self.body, line);
        // An entry may reach over several lines; what follows the fault is not read as lines of their own.
        self.at = self.at.max(self.after_line(fault.at.max(line)));
        self.error(fault)
    }

    /// Checks the length of the entry from `line` to before `next`.
    #[inline]
    pub(crate) fn check_length(&self, line: usize, next: usize) -> Result<(), Fault> {
        let limit = self.limits.max_line_bytes;
        if next - line > limit {
            return Err(Fault::new(line, ParseErrorKind::LineTooLong { limit }));
        }
        Ok(())
    }

    /// Where the line after the one at `at` begins.
    pub(crate) fn after_line(&self, at: usize) -> usize {
        self.body.len().min(line_end(self.body, at) + 1)
    }

    #[inline(always)]
    fn text_sample(&mut self, line: usize, start: usize) -> Result<Sample<'a>, Fault> {
        let body = self.body;
        let span = scan::<false>(body, start, self.last_name, &self.limits)?;
        self.last_name = &body[start..span.name_end];
        let after = skip_blanks(body, span.end);
        if after == span.end
            && span.brace == span.end
            && !matches!(body.get(after), None | Some(b'\n' | b'\r'))
        {
            return Err(unexpected_in_name(body, after));
        }
        let text = self.slice(start, span.end)?;
        let (value, timestamp, next) = text_rest(body, after)?;
        self.at = next;
        self.check_length(line, self.at)?;
        let mut sample = Sample {
            series: &body[start..span.end],
            value,
            timestamp,
            exemplar: None,
            metric_type: MetricType::Unknown,
            offset: start,
            text,
            name_len: span.name_end - start,
            brace: span.brace - start,
            last_type: self.last_type,
        };
        if belongs(&self.family, self.last_type, &sample) {
            sample.metric_type = self.last_type;
        }
        Ok(sample)
    }

    fn text_comment(&mut self, line: usize, start: usize) -> Result<Entry<'a>, Fault> {
        let body = self.body;
        let end = line_end(body, start);
        let next = self.after_line(start);
        self.check_length(line, next)?;
        let comment = || Entry::Comment(String::from_utf8_lossy(&body[start..end]));
        let word = skip_blanks(body, start + 1);
        let keyword = match body[word..end].get(..4) {
            Some(b"HELP") if word > start + 1 => "HELP",
            Some(b"TYPE") if word > start + 1 => "TYPE",
            _ => {
                self.at = next;
                return Ok(comment());
            }
        };
        let name_at = skip_blanks(body, word + 4);
        if name_at == word + 4 {
            self.at = next;
            return Ok(comment());
        }
        let (name, after) = match body.get(name_at) {
            Some(b'"') => {
                let (from, to, after) = quoted::<true>(body, name_at, &self.limits)?;
                if from == to {
                    return Err(Fault::new(name_at, ParseErrorKind::EmptyName));
                }
                (unescape(self.slice(from, to)?), after)
            }
            Some(byte) if starts_metric_name(*byte) => {
                let after = metric_name_end(body, name_at + 1);
                (Cow::Borrowed(self.slice(name_at, after)?), after)
            }
            _ => return Err(Fault::new(name_at, ParseErrorKind::BadMetadata { keyword })),
        };
        if name.len() > self.limits.max_name_bytes {
            return Err(Fault::new(
                name_at,
                ParseErrorKind::NameTooLong { limit: self.limits.max_name_bytes },
            ));
        }
        if after < end && !matches!(body[after], b' ' | b'\t') {
            // Prometheus takes what follows for the text of a shorter name. It is not; nor is it an error there.
            if keyword == "HELP" {
                self.at = next;
                return Ok(comment());
            }
            return Err(Fault::new(after, ParseErrorKind::UnexpectedInName { found: found(body, after) }));
        }
        let from = end.min(after + 1);
        let entry = if keyword == "HELP" {
            Entry::Help { name, text: unescape_help(self.slice(from, end)?) }
        } else {
            let metric_type = text_type(&body[from..end]).ok_or_else(|| bad_type(&body[from..end], from))?;
            self.last_type = metric_type;
            self.family = name.clone();
            Entry::Type { name, metric_type }
        };
        self.at = next;
        Ok(entry)
    }

    /// A part of the body as text.
    #[inline]
    pub(crate) fn slice(&self, start: usize, end: usize) -> Result<&'a str, Fault> {
        match self.text.and_then(|text| text.get(start..end)) {
            Some(text) => Ok(text),
            None => std::str::from_utf8(&self.body[start..end])
                .map_err(|error| Fault::new(start + error.valid_up_to(), ParseErrorKind::InvalidUtf8)),
        }
    }

    // OpenMetrics

    fn next_open_metrics(&mut self, strict: &mut Strict<'a>) -> Option<Result<Entry<'a>, ParseError>> {
        let line = self.at;
        self.entry = line;
        let read = match self.open_metrics_line(strict) {
            Ok(entry) => {
                if entry.is_some() {
                    self.lines.step(self.body, self.at);
                }
                entry.map(Ok)
            }
            Err(Trouble::Earlier(fault)) => Some(Err(self.error(fault))),
            Err(Trouble::Line(fault)) => {
                let error = self.error(fault);
                strict.spoil();
                self.at = self.after_line(line);
                self.lines.step(self.body, self.at);
                Some(Err(error))
            }
        };
        self.finished |= read.is_none();
        read
    }

    pub(crate) fn finish(&mut self) {
        self.finished = true;
    }
}

impl<'a> Iterator for Parser<'a> {
    type Item = Result<Entry<'a>, ParseError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        if !self.started {
            self.started = true;
            if self.body.len() > self.limits.max_body_bytes {
                self.finished = true;
                let (bytes, limit) = (self.body.len(), self.limits.max_body_bytes);
                return Some(Err(self.error(Fault::new(0, ParseErrorKind::BodyTooLong { bytes, limit }))));
            }
        }
        // Taken out for the time of one line, so that the parser stays whole while it is lent.
        match self.strict.take() {
            None => self.next_text(),
            Some(mut strict) => {
                let read = self.next_open_metrics(&mut strict);
                self.strict = Some(strict);
                read
            }
        }
    }
}

impl FusedIterator for Parser<'_> {}

/// Whether a sample is one of the family of the last `# TYPE`.
fn belongs(family: &str, metric_type: MetricType, sample: &Sample<'_>) -> bool {
    if family.is_empty() || metric_type == MetricType::Unknown {
        return false;
    }
    let name = sample.metric_name();
    match name.strip_prefix(family) {
        None => false,
        // Not compared with an empty text: some processors are slow at that.
        Some("") => metric_type != MetricType::Histogram,
        Some(suffix) => text_suffixes(metric_type).iter().any(|s| !s.is_empty() && *s == suffix),
    }
}

/// What the samples of a family in text may be called after its name.
pub(crate) const fn text_suffixes(metric_type: MetricType) -> &'static [&'static str] {
    match metric_type {
        MetricType::Histogram => &["_bucket", "_sum", "_count"],
        MetricType::Summary => &["", "_sum", "_count"],
        _ => &[""],
    }
}

fn text_type(word: &[u8]) -> Option<MetricType> {
    Some(match word {
        b"counter" => MetricType::Counter,
        b"gauge" => MetricType::Gauge,
        b"histogram" => MetricType::Histogram,
        b"summary" => MetricType::Summary,
        b"untyped" => MetricType::Unknown,
        _ => return None,
    })
}

#[cold]
pub(crate) fn bad_type(word: &[u8], at: usize) -> Fault {
    if word.is_empty() {
        return Fault::new(at, ParseErrorKind::BadMetadata { keyword: "TYPE" });
    }
    if word.ends_with(b"\r") {
        return Fault::new(at + word.len() - 1, ParseErrorKind::CarriageReturn);
    }
    Fault::new(at, ParseErrorKind::BadType { text: shown(&String::from_utf8_lossy(word)) })
}

/// The number at `at` and where it ends, which must be at a blank or at the end of the line.
#[inline]
pub(crate) fn value(body: &[u8], at: usize) -> Result<(f64, usize), Fault> {
    if let Some((value, length)) = float_prefix(&body[at..]) {
        match body.get(at + length) {
            None | Some(b' ' | b'\n' | b'\t') => return Ok((value, at + length)),
            Some(b'\r') => return Err(Fault::new(at + length, ParseErrorKind::CarriageReturn)),
            Some(_) => {}
        }
    }
    Err(bad_value(body, at))
}

/// Value, time and where the line ends, in text.
#[inline(always)]
pub(crate) fn text_rest(body: &[u8], start: usize) -> Result<(f64, Option<Timestamp>, usize), Fault> {
    let (value, end) = value(body, start)?;
    if !value.is_finite() && go_refuses(&body[start..end], value) {
        return Err(refused_number(body, start, value));
    }
    let mut at = skip_blanks(body, end);
    let mut timestamp = None;
    if body.get(at).is_some_and(u8::is_ascii_digit) {
        let (millis, end) = milliseconds(body, at)?;
        timestamp = Some(Timestamp::from_millis(millis));
        at = skip_blanks(body, end);
    }
    match body.get(at) {
        None => Ok((value, timestamp, at)),
        Some(b'\n') => Ok((value, timestamp, at + 1)),
        Some(_) => Err(after_text_sample(body, at, timestamp.is_some())),
    }
}

#[cold]
fn unexpected_in_name(body: &[u8], at: usize) -> Fault {
    Fault::new(at, ParseErrorKind::UnexpectedInName { found: found(body, at) })
}

/// What a number is that this crate can read and Go cannot.
#[cold]
fn refused_number(body: &[u8], at: usize, value: f64) -> Fault {
    let text = token(body, at);
    let kind = if value.is_infinite() {
        ParseErrorKind::BeyondRange { text }
    } else {
        ParseErrorKind::BadValue { text }
    };
    Fault::new(at, kind)
}

/// What is wrong with something after a value, and perhaps a timestamp, in text.
#[cold]
fn after_text_sample(body: &[u8], at: usize, timestamped: bool) -> Fault {
    let kind = match body[at] {
        b'\r' => ParseErrorKind::CarriageReturn,
        b'#' => ParseErrorKind::ExemplarInText,
        _ if timestamped => ParseErrorKind::TrailingText { found: found(body, at) },
        _ => ParseErrorKind::BadMilliseconds { text: token(body, at) },
    };
    Fault::new(at, kind)
}

#[cold]
fn bad_value(body: &[u8], at: usize) -> Fault {
    match body.get(at) {
        None | Some(b'\n') => Fault::new(at, ParseErrorKind::MissingValue),
        Some(b'\r') => Fault::new(at, ParseErrorKind::CarriageReturn),
        Some(_) => Fault::new(at, ParseErrorKind::BadValue { text: token(body, at) }),
    }
}

/// The word at `at`, for a message.
fn token(body: &[u8], at: usize) -> String {
    let rest = &body[at..line_end(body, at)];
    let end = rest.iter().position(|b| matches!(b, b' ' | b'\t')).unwrap_or(rest.len());
    shown(&String::from_utf8_lossy(&rest[..end]))
}

fn milliseconds(body: &[u8], at: usize) -> Result<(i64, usize), Fault> {
    let mut end = at;
    let mut millis: Option<i64> = Some(0);
    while let Some(byte @ b'0'..=b'9') = body.get(end) {
        millis = millis.and_then(|m| m.checked_mul(10)?.checked_add(i64::from(byte - b'0')));
        end += 1;
    }
    match millis {
        Some(millis) if matches!(body.get(end), None | Some(b' ' | b'\t' | b'\n' | b'\r')) => {
            Ok((millis, end))
        }
        _ => Err(Fault::new(at, ParseErrorKind::BadMilliseconds { text: token(body, at) })),
    }
}
