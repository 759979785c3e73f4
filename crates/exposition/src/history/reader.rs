use std::collections::HashSet;
use std::io::{self, Read};

use assurance_metrics_model::{Labels, MetricType, Timestamp, stale_nan};

use super::input::Input;
use super::line::usual;
use super::table::Table;
use super::{dump, line};
use crate::Format;
use crate::chars::{line_end, skip_blanks};
use crate::error::{Fault, Lines, ParseError, ParseErrorKind};
use crate::limits::Limits;
use crate::parser::{Entry, Parser};
use crate::sample::Sample;
use crate::series::scan;

/// Most series, and ways to write them, of one history: what a store of ours takes by default.
const MAX_SERIES: usize = 1_000_000;

/// How a history is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryFormat {
    /// OpenMetrics with times in seconds, as `promtool tsdb create-blocks-from openmetrics` reads it.
    OpenMetrics,
    /// Text 0.0.4 with times in milliseconds.
    Text,
    /// What `promtool tsdb dump` prints: the name among the labels, times in milliseconds.
    Dump,
}

/// What is made of a NaN, which no format tells from a stale marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NanMeans {
    /// Prometheus's ordinary one.
    Number,
    /// The end of a series.
    Stale,
}

/// A sample of a history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistorySample {
    /// The series' number: they are counted from 0 as they come.
    pub series: u32,
    /// When it was taken.
    pub at: Timestamp,
    /// The value.
    pub value: f64,
    /// The line it stands in, from 1.
    pub line: u64,
}

/// How often something was met, and in which line first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// How often.
    pub count: u64,
    /// The first line; 0 where there is none.
    pub line: u64,
}

impl Noted {
    /// Counts one more.
    pub const fn note(&mut self, line: u64) {
        if self.count == 0 {
            self.line = line;
        }
        self.count += 1;
    }
}

/// What a history had that became no sample, or another one than was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryNotes {
    /// Samples that are NaN.
    pub nans: Noted,
    /// Exemplars, of which nothing is kept.
    pub exemplars: Noted,
    /// Native histograms, which only a dump has, as text that was made for people: left out.
    pub histograms: Noted,
    /// `# TYPE` lines of a family that had one before: it stands in several places, and is taken as one.
    pub split: Noted,
}

/// Why a history cannot be read on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// A line is not as its format wants it.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The stream failed.
    #[error("cannot read on after line {line}: {source}")]
    Read {
        /// The last line that was read.
        line: u64,
        /// Why.
        source: io::Error,
    },
    /// There are more series than anybody meant.
    #[error("line {line}: more than {limit} series; split the input, and import each part by itself")]
    TooManySeries {
        /// The line with one too many.
        line: u64,
        /// The bound.
        limit: usize,
    },
}

/// Reads a history line by line from a stream of any length, with the memory of its series and one line.
///
/// It asks less of a file than [`Parser`](crate::Parser) does of a body, as Prometheus's tools do: families and series
/// may stand in any order and several places, types promise nothing. But every sample must have a time, and
/// every line must be one: the first that is not ends the reading.
#[derive(Debug)]
pub struct History<R> {
    input: Input<R>,
    /// Where the next line begins in what is at hand.
    at: usize,
    format: HistoryFormat,
    nan_means: NanMeans,
    limits: Limits,
    table: Table,
    /// Lines read.
    line: u64,
    last_type: MetricType,
    families: HashSet<Box<[u8]>>,
    notes: HistoryNotes,
    eof: bool,
    failed: bool,
}

impl<R: Read> History<R> {
    /// Reads from a stream; without a format it is a dump if that is how the first line begins, and OpenMetrics
    /// otherwise.
    ///
    /// # Errors
    /// If nothing can be read.
    pub fn new(reader: R, format: Option<HistoryFormat>) -> Result<Self, HistoryError> {
        let mut input = Input::new(reader);
        let limits = Limits::DEFAULT;
        input.more(0, limits.max_line_bytes).map_err(|source| HistoryError::Read { line: 0, source })?;
        let format = format.unwrap_or_else(|| {
            let first = &input.lines()[..line_end(input.lines(), 0)];
            let name = b"__name__=\"";
            let is_dump = first.starts_with(b"{") && first.windows(name.len()).any(|part| part == name);
            if is_dump { HistoryFormat::Dump } else { HistoryFormat::OpenMetrics }
        });
        Ok(Self {
            input,
            at: 0,
            format,
            nan_means: NanMeans::Number,
            limits,
            table: Table::default(),
            line: 0,
            last_type: MetricType::Unknown,
            families: HashSet::new(),
            notes: HistoryNotes::default(),
            eof: false,
            failed: false,
        })
    }

    /// Takes NaNs for something else than numbers.
    #[must_use]
    pub const fn with_nan(mut self, means: NanMeans) -> Self {
        self.nan_means = means;
        self
    }

    /// The format that is read.
    pub const fn format(&self) -> HistoryFormat {
        self.format
    }

    /// Lines read so far.
    pub const fn lines(&self) -> u64 {
        self.line
    }

    /// Bytes taken from the stream so far.
    pub const fn bytes(&self) -> u64 {
        self.input.bytes()
    }

    /// The labels of a series that was met.
    ///
    /// # Panics
    /// If no sample had this number.
    pub fn labels(&self, series: u32) -> &Labels {
        self.table.labels(series)
    }

    /// What became no sample so far.
    pub const fn notes(&self) -> &HistoryNotes {
        &self.notes
    }

    /// The next sample; `None` after the last one, and after an error.
    ///
    /// # Errors
    /// As [`HistoryError`] lists. Nothing is read after the first.
    #[inline]
    pub fn next_sample(&mut self) -> Result<Option<HistorySample>, HistoryError> {
        if let Some(known) = self.known() {
            return Ok(Some(known));
        }
        let next = if self.failed { Ok(None) } else { self.read() };
        self.failed |= next.is_err();
        next
    }

    /// The sample of a line that begins as expected and is as usual.
    #[inline]
    fn known(&mut self) -> Option<HistorySample> {
        let body = self.input.lines();
        let expected = self.table.expected()?;
        let text = &*expected.bytes;
        if self.eof || !body[self.at..].starts_with(text) {
            return None;
        }
        let is_bare = text.last() != Some(&b'}');
        let (value, at, next) = usual(self.format, body, is_bare, self.at + text.len())?;
        let series = expected.series;
        self.at = next;
        self.line += 1;
        self.table.advance();
        Some(HistorySample { series, at, value, line: self.line })
    }

    #[cold]
    fn read(&mut self) -> Result<Option<HistorySample>, HistoryError> {
        loop {
            if self.at >= self.input.lines().len() {
                if !self.more()? {
                    self.end()?;
                    return Ok(None);
                }
                if let Some(known) = self.known() {
                    return Ok(Some(known));
                }
                continue;
            }
            let body = self.input.lines();
            match (self.format, body[self.at]) {
                (_, _) if self.eof => return Err(self.fault(Fault::new(self.at, ParseErrorKind::AfterEof))),
                (HistoryFormat::OpenMetrics, b'#') => self.metadata()?,
                (HistoryFormat::Text, b'#' | b' ' | b'\t' | b'\n') => {
                    let start = skip_blanks(body, self.at);
                    match body.get(start) {
                        Some(b'#') => self.metadata()?,
                        Some(b'\n') => self.step(start + 1),
                        _ => return self.sample(start).map(Some),
                    }
                }
                (HistoryFormat::OpenMetrics, b'\n') => {
                    return Err(self.fault(Fault::new(self.at, ParseErrorKind::BlankLine)));
                }
                (HistoryFormat::Dump, _) => {
                    if let Some(sample) = self.dumped()? {
                        return Ok(Some(sample));
                    }
                }
                _ => return self.sample(self.at).map(Some),
            }
        }
    }

    /// Reads on; says whether there is more.
    fn more(&mut self) -> Result<bool, HistoryError> {
        let limit = self.limits.max_line_bytes;
        let line = self.line;
        self.input.more(self.at, limit).map_err(|source| HistoryError::Read { line, source })?;
        self.at = 0;
        if self.input.lines().is_empty() && !self.input.at_hand().is_empty() {
            let fault = Fault::new(0, ParseErrorKind::LineTooLong { limit });
            let error = ParseError::locate(self.input.at_hand(), &Lines::new(), fault);
            return Err(self.located(error).into());
        }
        Ok(!self.input.lines().is_empty())
    }

    fn end(&self) -> Result<(), HistoryError> {
        if self.format != HistoryFormat::OpenMetrics || self.eof {
            return Ok(());
        }
        let error = ParseError::locate(b"", &Lines::new(), Fault::new(0, ParseErrorKind::MissingEof));
        Err(self.located(error).into())
    }

    /// Goes to the line that begins at `next`.
    fn step(&mut self, next: usize) {
        let lines = &self.input.lines()[self.at..next];
        self.line += memchr::memchr_iter(b'\n', lines).count() as u64;
        self.at = next;
    }

    fn located(&self, mut error: ParseError) -> ParseError {
        error.line += usize::try_from(self.line).unwrap_or(usize::MAX);
        error
    }

    fn fault(&self, fault: Fault) -> HistoryError {
        let fault = Fault { at: fault.at.saturating_sub(self.at), ..fault };
        let error = ParseError::locate(&self.input.lines()[self.at..], &Lines::new(), fault);
        self.located(error).into()
    }

    /// Reads a line that begins with `#`.
    fn metadata(&mut self) -> Result<(), HistoryError> {
        let body = self.input.lines();
        let next = line_end(body, self.at) + 1;
        let whole = &body[self.at..next];
        if self.format == HistoryFormat::OpenMetrics && whole == b"# EOF\n" {
            self.eof = true;
            self.step(next);
            return Ok(());
        }
        let format = match self.format {
            HistoryFormat::OpenMetrics => Format::OpenMetrics,
            _ => Format::Text,
        };
        let entry = match Parser::with_limits(whole, format, self.limits).next() {
            Some(Ok(entry)) => Some(entry),
            Some(Err(error)) => return Err(self.located(error).into()),
            None => None,
        };
        if let Some(Entry::Type { name, metric_type }) = entry {
            self.last_type = metric_type;
            let family = name.as_bytes();
            let is_split = self.families.contains(family);
            if is_split {
                self.notes.split.note(self.line + 1);
            } else if self.families.len() < MAX_SERIES {
                let family = family.into();
                self.families.insert(family);
            }
        }
        self.step(next);
        Ok(())
    }

    /// Reads the sample whose series begins at `start`, with all care.
    fn sample(&mut self, start: usize) -> Result<HistorySample, HistoryError> {
        let is_open = self.format == HistoryFormat::OpenMetrics;
        let body = self.input.lines();
        let scanned = if is_open {
            scan::<true>(body, start, &[], &self.limits)
        } else {
            scan::<false>(body, start, &[], &self.limits)
        };
        let span = match scanned {
            Ok(span) => span,
            // A line feed in quotes: the rest may still have to be read.
            Err(fault)
                if matches!(fault.kind, ParseErrorKind::UnterminatedQuote)
                    && !is_open
                    && !self.input.has_ended()
                    && body.len() - self.at <= self.limits.max_line_bytes =>
            {
                let into = start - self.at;
                self.more()?;
                return self.sample(into);
            }
            Err(fault) => return Err(self.fault(fault)),
        };
        let bytes = &body[start..span.end];
        let text = std::str::from_utf8(bytes).map_err(|error| {
            self.fault(Fault::new(start + error.valid_up_to(), ParseErrorKind::InvalidUtf8))
        })?;
        let format = if is_open { Format::OpenMetrics } else { Format::Text };
        let rest =
            line::careful(format, body, start, &span, self.limits).map_err(|fault| self.fault(fault))?;
        let labels = || {
            let sample = Sample {
                series: bytes,
                value: rest.value,
                timestamp: None,
                exemplar: None,
                metric_type: MetricType::Unknown,
                offset: start,
                text,
                name_len: span.name_end - start,
                brace: span.brace - start,
                last_type: self.last_type,
            };
            sample.to_labels()
        };
        let series = match self.table.find(bytes) {
            Some(series) => series,
            None if self.table.len() >= MAX_SERIES => {
                return Err(HistoryError::TooManySeries { line: self.line + 1, limit: MAX_SERIES });
            }
            None => self.table.add(bytes, labels()),
        };
        let line = self.line + 1;
        if rest.has_exemplar {
            self.notes.exemplars.note(line);
        }
        let value = self.told(rest.value, line);
        self.step(rest.next);
        Ok(HistorySample { series, at: rest.at, value, line })
    }

    /// What a value means, NaNs being counted.
    fn told(&mut self, value: f64, line: u64) -> f64 {
        if !value.is_nan() {
            return value;
        }
        self.notes.nans.note(line);
        match self.nan_means {
            NanMeans::Number => value,
            NanMeans::Stale => stale_nan(),
        }
    }

    /// Reads a line of a dump; `None` where it holds a native histogram.
    fn dumped(&mut self) -> Result<Option<HistorySample>, HistoryError> {
        let body = self.input.lines();
        let (labels, end) = dump::labels(body, self.at, &self.limits).map_err(|fault| self.fault(fault))?;
        let line = self.line + 1;
        if body[end..].starts_with(b" {") {
            let next = line_end(body, end) + 1;
            self.notes.histograms.note(line);
            self.step(next);
            return Ok(None);
        }
        let rest = line::dumped(body, end).map_err(|fault| self.fault(fault))?;
        let bytes = &body[self.at..end];
        let series = match self.table.find(bytes) {
            Some(series) => series,
            None if self.table.len() >= MAX_SERIES => {
                return Err(HistoryError::TooManySeries { line, limit: MAX_SERIES });
            }
            None => self.table.add(bytes, labels),
        };
        let value = self.told(rest.value, line);
        self.step(rest.next);
        Ok(Some(HistorySample { series, at: rest.at, value, line }))
    }
}
