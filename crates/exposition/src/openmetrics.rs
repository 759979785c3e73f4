//! The lines of OpenMetrics: single spaces, metadata of three kinds, exemplars, `# EOF`.

use std::borrow::Cow;

use assurance_metrics_model::MetricType;

use crate::chars::{line_end, metric_name_end, starts_metric_name, unescape};
use crate::error::{Fault, ParseErrorKind, found, shown};
use crate::number::Instant;
use crate::parser::{Entry, Parser, bad_type, value};
use crate::sample::{Exemplar, Sample};
use crate::series::{Span, quoted, scan, scan_labels};
use crate::strict::{Keyword, Places, Strict, Trouble};

/// The most an exemplar's names and values may have together, in characters (OpenMetrics 1.0, §Exemplars).
const MAX_EXEMPLAR_CHARS: usize = 128;

/// What follows a series.
#[derive(Debug)]
pub(crate) struct Tail<'a> {
    pub(crate) value: f64,
    pub(crate) instant: Option<Instant>,
    pub(crate) exemplar: Option<Exemplar<'a>>,
    places: Places,
}

impl<'a> Parser<'a> {
    /// Reads the line at hand; `None` once all has been read.
    pub(crate) fn open_metrics_line(
        &mut self,
        strict: &mut Strict<'a>,
    ) -> Result<Option<Entry<'a>>, Trouble> {
        let (body, line) = (self.body, self.at);
        let Some(first) = body.get(line) else {
            if !strict.eof {
                strict.close()?;
                self.finish();
                return Err(Trouble::Earlier(Fault::new(line, ParseErrorKind::MissingEof)));
            }
            return Ok(None);
        };
        if strict.eof {
            self.finish();
            return Err(Fault::new(line, ParseErrorKind::AfterEof).into());
        }
        let end = line_end(body, line);
        self.check_length(line, body.len().min(end + 1))?;
        let entry = match first {
            b'\n' => return Err(Fault::new(line, ParseErrorKind::BlankLine).into()),
            b'#' => self.open_metrics_metadata(strict, line, end)?,
            _ => Entry::Sample(self.open_metrics_sample(strict, line)?),
        };
        self.at = body.len().min(end + 1);
        Ok(Some(entry))
    }

    fn open_metrics_metadata(
        &mut self,
        strict: &mut Strict<'a>,
        line: usize,
        end: usize,
    ) -> Result<Entry<'a>, Trouble> {
        let body = self.body;
        let keyword = match &body[line..end] {
            b"# EOF" => {
                strict.close()?;
                strict.eof = true;
                return Ok(Entry::Eof);
            }
            text if text.starts_with(b"# HELP") => Keyword::Help,
            text if text.starts_with(b"# TYPE") => Keyword::Type,
            text if text.starts_with(b"# UNIT") => Keyword::Unit,
            _ => return Err(Fault::new(line, ParseErrorKind::Comment).into()),
        };
        let incomplete = |at| Fault::new(at, ParseErrorKind::BadMetadata { keyword: keyword.as_str() });
        let name_at = match body.get(line + 6) {
            Some(b' ') => line + 7,
            None | Some(b'\n') => return Err(incomplete(end).into()),
            Some(_) => return Err(Fault::new(line, ParseErrorKind::Comment).into()),
        };
        let (name, after) = match body.get(name_at) {
            Some(b'"') => {
                let (from, to, after) = quoted::<true>(body, name_at, &self.limits)?;
                if from == to {
                    return Err(Fault::new(name_at, ParseErrorKind::EmptyName).into());
                }
                (unescape(self.slice(from, to)?), after)
            }
            Some(byte) if starts_metric_name(*byte) => {
                let after = metric_name_end(body, name_at + 1);
                (Cow::Borrowed(self.slice(name_at, after)?), after)
            }
            _ => return Err(incomplete(name_at).into()),
        };
        if name.len() > self.limits.max_name_bytes {
            let limit = self.limits.max_name_bytes;
            return Err(Fault::new(name_at, ParseErrorKind::NameTooLong { limit }).into());
        }
        match body.get(after) {
            Some(b' ') => {}
            None | Some(b'\n') => return Err(incomplete(after).into()),
            Some(_) => {
                let kind = ParseErrorKind::UnexpectedInName { found: found(body, after) };
                return Err(Fault::new(after, kind).into());
            }
        }
        let from = after + 1;
        let text = self.slice(from, end)?;
        strict.metadata(keyword, name.clone(), line, name_at)?;
        Ok(match keyword {
            Keyword::Help => Entry::Help { name, text: unescape(text) },
            Keyword::Type => {
                let metric_type = open_metrics_type(text).ok_or_else(|| bad_type(text.as_bytes(), from))?;
                strict.set_type(metric_type, from)?;
                self.last_type = metric_type;
                Entry::Type { name, metric_type }
            }
            Keyword::Unit => {
                strict.set_unit(text, from)?;
                Entry::Unit { name, unit: Cow::Borrowed(text) }
            }
        })
    }

    fn open_metrics_sample(&mut self, strict: &mut Strict<'a>, line: usize) -> Result<Sample<'a>, Trouble> {
        let body = self.body;
        let span = scan::<true>(body, line, self.last_name, &self.limits)?;
        self.last_name = &body[line..span.name_end];
        let text = self.slice(line, span.end)?;
        let Tail { value, instant, exemplar, places } = self.open_metrics_tail(line, &span)?;
        let mut sample = Sample {
            series: &body[line..span.end],
            value,
            timestamp: instant.map(Instant::to_timestamp),
            exemplar,
            metric_type: MetricType::Unknown,
            offset: line,
            text,
            name_len: span.name_end - line,
            brace: span.brace - line,
            last_type: self.last_type,
        };
        sample.metric_type = strict.sample(&sample, instant, places)?;
        Ok(sample)
    }

    /// Reads from past the series to the end of the line.
    pub(crate) fn open_metrics_tail(&self, line: usize, span: &Span) -> Result<Tail<'a>, Fault> {
        let body = self.body;
        match body.get(span.end) {
            Some(b' ') => {}
            None | Some(b'\n') => return Err(Fault::new(span.end, ParseErrorKind::MissingValue)),
            Some(b'\r') => return Err(Fault::new(span.end, ParseErrorKind::CarriageReturn)),
            Some(_) => {
                let found = found(body, span.end);
                let bare = span.brace == span.end;
                let kind = if bare {
                    ParseErrorKind::UnexpectedInName { found }
                } else {
                    ParseErrorKind::ExpectedSpace { found }
                };
                return Err(Fault::new(span.end, kind));
            }
        }
        let mut places = Places { value: span.end + 1, timestamp: line, exemplar: line };
        let (value, mut at) = spaced_value(body, places.value)?;
        let mut instant = None;
        if body.get(at) == Some(&b' ') && body.get(at + 1) != Some(&b'#') {
            places.timestamp = at + 1;
            let (time, end) = seconds(body, at + 1)?;
            instant = Some(time);
            at = end;
        }
        let mut exemplar = None;
        match body.get(at) {
            None | Some(b'\n') => {}
            Some(b' ') if body.get(at + 1) == Some(&b'#') => {
                places.exemplar = at + 1;
                exemplar = Some(self.exemplar(at + 1)?);
            }
            Some(_) => {
                return Err(Fault::new(at, ParseErrorKind::TrailingText { found: found(body, at) }));
            }
        }
        Ok(Tail { value, instant, exemplar, places })
    }

    /// Reads from the `#` of an exemplar to the end of its line.
    fn exemplar(&self, hash: usize) -> Result<Exemplar<'a>, Fault> {
        let body = self.body;
        let malformed = |at| Fault::new(at, ParseErrorKind::BadExemplar { found: found(body, at) });
        if body.get(hash + 1) != Some(&b' ') {
            return Err(malformed(hash + 1));
        }
        let brace = hash + 2;
        if body.get(brace) != Some(&b'{') {
            return Err(malformed(brace));
        }
        // As if named, so that a quoted name alone is refused.
        let (labels_end, _) =
            scan_labels::<true>(body, brace, true, &self.limits).map_err(|fault| match fault.kind {
                ParseErrorKind::NameTwice => malformed(fault.at),
                _ => fault,
            })?;
        let text = self.slice(brace, labels_end)?;
        if body.get(labels_end) != Some(&b' ') {
            return Err(malformed(labels_end));
        }
        let (number, at) = spaced_value(body, labels_end + 1)?;
        let mut timestamp = None;
        let mut end = at;
        if body.get(at) == Some(&b' ') {
            let (time, after) = seconds(body, at + 1)?;
            timestamp = Some(time.to_timestamp());
            end = after;
        }
        if !matches!(body.get(end), None | Some(b'\n')) {
            return Err(Fault::new(end, ParseErrorKind::TrailingText { found: found(body, end) }));
        }
        let exemplar = Exemplar { value: number, timestamp, text };
        let characters =
            exemplar.labels().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
        if characters > MAX_EXEMPLAR_CHARS {
            return Err(Fault::new(brace, ParseErrorKind::ExemplarTooLong { characters }));
        }
        Ok(exemplar)
    }
}

fn open_metrics_type(word: &str) -> Option<MetricType> {
    // `untyped` is the older format's word.
    if word == "untyped" { None } else { word.parse().ok() }
}

/// The number at `at`, which ends at a space or at the end of the line.
fn spaced_value(body: &[u8], at: usize) -> Result<(f64, usize), Fault> {
    if let Some(b' ' | b'\t') = body.get(at) {
        return Err(Fault::new(
            at,
            ParseErrorKind::ExpectedSpace { found: format!("also {}", found(body, at)) },
        ));
    }
    let (number, end) = value(body, at)?;
    if body.get(end) == Some(&b'\t') {
        return Err(Fault::new(end, ParseErrorKind::ExpectedSpace { found: found(body, end) }));
    }
    Ok((number, end))
}

/// The time at `at`, which ends at a space or at the end of the line.
fn seconds(body: &[u8], at: usize) -> Result<(Instant, usize), Fault> {
    let rest = &body[at..];
    let length = rest.iter().position(|b| matches!(b, b' ' | b'\n')).unwrap_or(rest.len());
    if length == 0 {
        return Err(Fault::new(at - 1, ParseErrorKind::TrailingText { found: found(body, at - 1) }));
    }
    match Instant::parse(&rest[..length]) {
        Some(time) => Ok((time, at + length)),
        None => {
            let text = shown(&String::from_utf8_lossy(&rest[..length]));
            Err(Fault::new(at, ParseErrorKind::BadSeconds { text }))
        }
    }
}
