use std::collections::{HashMap, HashSet};

use assurance_metrics_model::{Labels, MetricType, Timestamp, Value};

use crate::Format;
use crate::error::{Fault, ParseError, ParseErrorKind};
use crate::family::{Family, FamilyExemplar, FamilySample};
use crate::limits::Limits;
use crate::parser::{Entry, Parser, text_suffixes};
use crate::sample::Sample;
use crate::strict::suffixes;

/// A whole body as families, and what was wrong with it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Parsed {
    /// The format it was read as.
    pub format: Format,
    /// The families in the order of their first lines, without what could not be read.
    pub families: Vec<Family>,
    /// What could not be read, in the order of the lines.
    pub errors: Vec<ParseError>,
    /// The line each family begins at.
    pub(crate) family_lines: Vec<usize>,
    /// What the format allows but nobody should write.
    pub(crate) oddities: Vec<Oddity>,
}

/// Something read without complaint that [`lint`](crate::lint()) complains about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Oddity {
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) kind: OddityKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OddityKind {
    RepeatedHelp,
    RepeatedType,
    MetadataAfterSamples,
    SamplesApart,
    DuplicateSeries,
}

/// Reads a whole body with the [default limits](Limits::DEFAULT).
///
/// It says yes and no exactly as [`Parser`] does, but copies everything: for lint, tests and embedding. A
/// scraper uses the parser itself.
pub fn parse(body: &[u8], format: Format) -> Parsed {
    parse_with_limits(body, format, Limits::DEFAULT)
}

/// Reads a whole body with limits of the caller's.
pub fn parse_with_limits(body: &[u8], format: Format, limits: Limits) -> Parsed {
    let mut parser = Parser::with_limits(body, format, limits);
    let mut collector = Collector::new(format);
    let mut errors = Vec::new();
    loop {
        let start = parser.at;
        match parser.next() {
            None => break,
            Some(Ok(entry)) => {
                let line = parser.entry_line();
                collector.take(entry, line);
            }
            Some(Err(_)) if errors.len() == limits.max_errors => {
                let kind = ParseErrorKind::TooManyErrors { limit: limits.max_errors };
                errors.push(ParseError::locate(body, &parser.lines, Fault::new(start, kind)));
                break;
            }
            Some(Err(error)) => errors.push(error),
        }
    }
    Parsed {
        format,
        families: collector.families,
        errors,
        family_lines: collector.lines,
        oddities: collector.oddities,
    }
}

struct Collector {
    format: Format,
    families: Vec<Family>,
    lines: Vec<usize>,
    by_name: HashMap<String, usize>,
    typed: HashSet<usize>,
    /// The family of the last sample.
    last: Option<usize>,
    series: HashSet<(Labels, Option<Timestamp>)>,
    oddities: Vec<Oddity>,
}

impl Collector {
    fn new(format: Format) -> Self {
        Self {
            format,
            families: Vec::new(),
            lines: Vec::new(),
            by_name: HashMap::new(),
            typed: HashSet::new(),
            last: None,
            series: HashSet::new(),
            oddities: Vec::new(),
        }
    }

    fn take(&mut self, entry: Entry<'_>, line: usize) {
        match entry {
            Entry::Help { name, text } => {
                let at = self.family_named(&name, line);
                self.note_late(at, line);
                if !self.families[at].metadata.help.is_empty() {
                    self.note(OddityKind::RepeatedHelp, &name, line);
                }
                self.families[at].metadata.help = text.into_owned();
            }
            Entry::Type { name, metric_type } => {
                let at = self.family_named(&name, line);
                self.note_late(at, line);
                if !self.typed.insert(at) {
                    self.note(OddityKind::RepeatedType, &name, line);
                }
                self.families[at].metadata.metric_type = metric_type;
            }
            Entry::Unit { name, unit } => {
                let at = self.family_named(&name, line);
                self.families[at].metadata.unit = unit.into_owned();
            }
            Entry::Sample(sample) => self.sample(&sample, line),
            Entry::Comment(_) | Entry::Eof => {}
        }
    }

    fn sample(&mut self, sample: &Sample<'_>, line: usize) {
        let name = sample.metric_name();
        let at = self.family_of(&name).unwrap_or_else(|| self.family_named(&name, line));
        if self.last != Some(at) && !self.families[at].samples.is_empty() {
            let family = self.families[at].name.clone();
            self.note(OddityKind::SamplesApart, &family, line);
        }
        self.last = Some(at);
        let labels = sample.to_labels();
        if !self.series.insert((labels.clone(), sample.timestamp)) {
            self.note(OddityKind::DuplicateSeries, &labels.to_string(), line);
        }
        let exemplar = sample.exemplar.map(|e| FamilyExemplar {
            labels: e.to_labels(),
            value: e.value,
            timestamp: e.timestamp,
        });
        let value = Value::Float(sample.value);
        self.families[at].samples.push(FamilySample { labels, value, timestamp: sample.timestamp, exemplar });
    }

    /// The family that has a sample of this name: one of the very name, or one to whose name the type adds the
    /// rest.
    fn family_of(&self, sample: &str) -> Option<usize> {
        let admits = |at: usize| {
            let family = &self.families[at];
            let suffix = sample.strip_prefix(family.name.as_str());
            suffix.is_some_and(|s| self.suffixes(family.metadata.metric_type).contains(&s))
        };
        const SUFFIXES: [&str; 9] =
            ["", "_total", "_bucket", "_sum", "_count", "_created", "_gcount", "_gsum", "_info"];
        SUFFIXES
            .iter()
            .filter_map(|suffix| self.by_name.get(sample.strip_suffix(suffix)?).copied())
            .find(|at| admits(*at))
    }

    fn suffixes(&self, metric_type: MetricType) -> &'static [&'static str] {
        match self.format {
            Format::Text => text_suffixes(metric_type),
            Format::OpenMetrics => suffixes(metric_type),
        }
    }

    fn family_named(&mut self, name: &str, line: usize) -> usize {
        if let Some(at) = self.by_name.get(name) {
            return *at;
        }
        let at = self.families.len();
        self.families.push(Family::new(name, MetricType::Unknown, ""));
        self.lines.push(line);
        self.by_name.insert(name.to_owned(), at);
        at
    }

    fn note_late(&mut self, at: usize, line: usize) {
        if !self.families[at].samples.is_empty() {
            let name = self.families[at].name.clone();
            self.note(OddityKind::MetadataAfterSamples, &name, line);
        }
    }

    fn note(&mut self, kind: OddityKind, name: &str, line: usize) {
        self.oddities.push(Oddity { line, name: name.to_owned(), kind });
    }
}
