//! What follows the series on a line.

use assurance_metrics_model::Timestamp;

use super::reader::HistoryFormat;
use crate::Format;
use crate::chars::{line_end, skip_blanks};
use crate::error::{Fault, ParseErrorKind, found, shown};
use crate::limits::Limits;
use crate::number::{Instant, float_prefix};
use crate::parser::{Parser, text_rest, value};
use crate::series::Span;

/// Digits of whole seconds that are read the short way: to the year 5138.
const SECONDS_DIGITS: usize = 11;

/// Digits of milliseconds that fit any [`Timestamp`].
const MILLIS_DIGITS: usize = 18;

/// Value, time and the next line's beginning, where `at` is past the series and everything is as usual: a finite
/// number, a time, nothing after it. Otherwise `None`, and the line is to be read with care.
#[inline]
pub(crate) fn usual(
    format: HistoryFormat,
    body: &[u8],
    is_bare: bool,
    mut at: usize,
) -> Option<(f64, Timestamp, usize)> {
    if format == HistoryFormat::Text {
        let start = at;
        at = skip_blanks(body, at);
        if is_bare && (at == start || body.get(at) == Some(&b'{')) {
            return None;
        }
    } else {
        at = after(body, at, b' ')?;
    }
    let (value, length) = float_prefix(&body[at..])?;
    if !value.is_finite() {
        return None;
    }
    at = after(body, at + length, b' ')?;
    let (millis, at) = match format {
        HistoryFormat::OpenMetrics => seconds(body, at)?,
        HistoryFormat::Text | HistoryFormat::Dump => millis(body, at)?,
    };
    Some((value, Timestamp::from_millis(millis), after(body, at, b'\n')?))
}

#[inline]
fn after(body: &[u8], at: usize, byte: u8) -> Option<usize> {
    (body.get(at) == Some(&byte)).then_some(at + 1)
}

#[inline]
fn digits(body: &[u8], start: usize, most: usize) -> Option<(i64, usize)> {
    let (mut number, mut at) = (0_i64, start);
    while let Some(byte @ b'0'..=b'9') = body.get(at) {
        if at - start == most {
            return None;
        }
        number = number * 10 + i64::from(byte - b'0');
        at += 1;
    }
    (at > start).then_some((number, at))
}

#[inline]
fn millis(body: &[u8], at: usize) -> Option<(i64, usize)> {
    digits(body, at, MILLIS_DIGITS)
}

/// Seconds with or without a fraction, of which what is below a millisecond is cut.
#[inline]
fn seconds(body: &[u8], at: usize) -> Option<(i64, usize)> {
    let (seconds, mut at) = digits(body, at, SECONDS_DIGITS)?;
    let mut millis = seconds * 1000;
    if body.get(at) == Some(&b'.') {
        at += 1;
        let mut unit = 100;
        while let Some(byte @ b'0'..=b'9') = body.get(at) {
            millis += i64::from(byte - b'0') * unit;
            unit /= 10;
            at += 1;
        }
    }
    Some((millis, at))
}

/// What follows a series.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(crate) value: f64,
    pub(crate) at: Timestamp,
    pub(crate) has_exemplar: bool,
    /// Where the next line begins.
    pub(crate) next: usize,
}

/// Reads what follows a series in OpenMetrics or text, whatever it is.
pub(crate) fn careful(
    format: Format,
    body: &[u8],
    start: usize,
    span: &Span,
    limits: Limits,
) -> Result<Rest, Fault> {
    let end = line_end(body, span.end);
    let (value, at, has_exemplar) = match format {
        Format::OpenMetrics => {
            let tail = Parser::of_parts(body, format, limits).open_metrics_tail(start, span)?;
            (tail.value, tail.instant.map(Instant::to_timestamp), tail.exemplar.is_some())
        }
        Format::Text => {
            let after = skip_blanks(body, span.end);
            if after == span.end && span.brace == span.end {
                let kind = ParseErrorKind::UnexpectedInName { found: found(body, after) };
                return Err(Fault::new(after, kind));
            }
            let (value, at, _) = text_rest(body, after)?;
            (value, at, false)
        }
    };
    let at = at.ok_or_else(|| Fault::new(end, ParseErrorKind::MissingTime))?;
    Ok(Rest { value, at, has_exemplar, next: end + 1 })
}

/// Reads what follows the labels in a dump.
pub(crate) fn dumped(body: &[u8], end: usize) -> Result<Rest, Fault> {
    let space = |at: usize| match body.get(at) {
        Some(b' ') => Ok(at + 1),
        _ => Err(Fault::new(at, ParseErrorKind::ExpectedSpace { found: found(body, at) })),
    };
    let (value, at) = value(body, space(end)?)?;
    let at = space(at)?;
    let (text, end) = (at, line_end(body, at));
    let millis = std::str::from_utf8(&body[text..end]).ok().and_then(|text| text.parse().ok());
    let millis: i64 = millis.ok_or_else(|| {
        let text = shown(&String::from_utf8_lossy(&body[text..end]));
        Fault::new(at, ParseErrorKind::BadMilliseconds { text })
    })?;
    Ok(Rest { value, at: Timestamp::from_millis(millis), has_exemplar: false, next: end + 1 })
}
