//! What OpenMetrics asks of a body beyond the shape of its lines: families that keep together, types that
//! keep their promises, groups in order, histograms that add up. Checked line by line as the body is read.

use std::borrow::Cow;

use assurance_metrics_model::MetricType;

use crate::byteset::ByteSet;
use crate::error::{Fault, ParseErrorKind, shown};
use crate::number::{Instant, float};
use crate::sample::Sample;
use crate::series::{Term, Terms};

/// A fault, and whether it is this line's or one that only came to light with it.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// This line is wrong.
    Line(Fault),
    /// Something before is wrong; this line is still to be read.
    Earlier(Fault),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Line(fault)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Help,
    Type,
    Unit,
}

impl Keyword {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Help => "HELP",
            Self::Type => "TYPE",
            Self::Unit => "UNIT",
        }
    }
}

/// What a family's samples may be called after its name.
pub(crate) const fn suffixes(metric_type: MetricType) -> &'static [&'static str] {
    match metric_type {
        MetricType::Counter => &["_total", "_created"],
        MetricType::Summary => &["", "_count", "_sum", "_created"],
        MetricType::Histogram => &["_bucket", "_count", "_sum", "_created"],
        MetricType::GaugeHistogram => &["_bucket", "_gcount", "_gsum"],
        MetricType::Info => &["_info"],
        _ => &[""],
    }
}

#[derive(Debug)]
struct Family<'a> {
    name: Cow<'a, str>,
    /// Where its first line begins.
    start: usize,
    metric_type: Option<MetricType>,
    help: bool,
    unit: Option<&'a str>,
    samples: bool,
}

impl Family<'_> {
    fn suffix_of(&self, sample: &str) -> Option<&'static str> {
        let suffix = sample.strip_prefix(self.name.as_ref())?;
        let mut allowed = suffixes(self.metric_type.unwrap_or_default()).iter().copied();
        allowed.find(|s| same(s, suffix))
    }
}

/// Where the parts of a sample's line begin, for errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    pub(crate) value: usize,
    pub(crate) timestamp: usize,
    pub(crate) exemplar: usize,
}

/// The state between lines.
#[derive(Debug, Default)]
pub(crate) struct Strict<'a> {
    family: Option<Family<'a>>,
    /// Every name that a finished family claims, its samples' names included.
    names: ByteSet,
    /// The groups of this family so far.
    groups: ByteSet,
    group: Option<Option<Instant>>,
    group_key: Vec<u8>,
    /// What of the last sample's text made its key: before and after the label that tells samples apart.
    group_text: (&'a str, &'a str),
    /// The key of the sample at hand: kept for its room.
    key: Vec<u8>,
    histogram: Option<Histogram>,
    pub(crate) eof: bool,
}

impl<'a> Strict<'a> {
    /// Takes the name of a metadata line and makes it the current family.
    pub(crate) fn metadata(
        &mut self,
        keyword: Keyword,
        name: Cow<'a, str>,
        line: usize,
        name_at: usize,
    ) -> Result<(), Trouble> {
        if self.family.as_ref().is_none_or(|f| f.name != name) {
            self.begin(name, line)?;
        }
        let Some(family) = &mut self.family else { return Ok(()) };
        if family.samples {
            let family = shown(&family.name);
            return Err(Fault::new(name_at, ParseErrorKind::MetadataAfterSamples { family }).into());
        }
        let repeated = match keyword {
            Keyword::Help => std::mem::replace(&mut family.help, true),
            Keyword::Type => family.metric_type.is_some(),
            Keyword::Unit => family.unit.is_some(),
        };
        if repeated {
            let family = shown(&family.name);
            let kind = ParseErrorKind::RepeatedMetadata { keyword: keyword.as_str(), family };
            return Err(Fault::new(name_at, kind).into());
        }
        Ok(())
    }

    /// Takes the type of the current family.
    pub(crate) fn set_type(&mut self, metric_type: MetricType, at: usize) -> Result<(), Fault> {
        let Some(family) = &mut self.family else { return Ok(()) };
        family.metric_type = Some(metric_type);
        family.check_unit_allowed(at)
    }

    /// Takes the unit of the current family.
    pub(crate) fn set_unit(&mut self, unit: &'a str, at: usize) -> Result<(), Fault> {
        let Some(family) = &mut self.family else { return Ok(()) };
        family.unit = Some(unit);
        let fits = unit.is_empty() || family.name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_'));
        if !fits {
            let (family, unit) = (shown(&family.name), shown(unit));
            return Err(Fault::new(at, ParseErrorKind::UnitMismatch { family, unit }));
        }
        family.check_unit_allowed(at)
    }

    /// Takes a sample; gives the type of its family.
    pub(crate) fn sample(
        &mut self,
        sample: &Sample<'a>,
        at: Option<Instant>,
        places: Places,
    ) -> Result<MetricType, Trouble> {
        let name = sample.metric_name();
        let line = sample.offset;
        let suffix = match self.family.as_ref().and_then(|f| f.suffix_of(&name)) {
            Some(suffix) => suffix,
            None => {
                self.begin(name, line)?;
                ""
            }
        };
        let Some(family) = &self.family else { return Ok(MetricType::Unknown) };
        let metric_type = family.metric_type.unwrap_or_default();
        let own_label = own_label(&family.name, metric_type, suffix);
        let own = own_label.and_then(|label| Own::find(sample, label));
        let bound = match own_label {
            Some(label) => check_own_label(label, metric_type, own.as_ref(), line)?,
            None => 0.0,
        };
        check_value(metric_type, suffix, sample.value, places.value)?;
        if sample.exemplar.is_some() && !takes_exemplars(metric_type, suffix) {
            return Err(Fault::new(places.exemplar, ParseErrorKind::ExemplarNotAllowed).into());
        }

        let text = match &own {
            _ if metric_type == MetricType::Info => ("", ""),
            Some(own) => (&sample.text[sample.brace..own.start], &sample.text[own.end..]),
            None => (&sample.text[sample.brace..], ""),
        };
        let mut same_group =
            self.group.is_some() && same(text.0, self.group_text.0) && same(text.1, self.group_text.1);
        if !same_group {
            self.key.clear();
            if metric_type != MetricType::Info {
                write_key(&mut self.key, sample, own_label);
            }
            same_group = self.group.is_some() && same_bytes(&self.key, &self.group_key);
        }
        let is_histogram = matches!(metric_type, MetricType::Histogram | MetricType::GaugeHistogram);
        if is_histogram && !(same_group && self.group == Some(at)) {
            self.finish_histogram()?;
        }
        if same_group {
            check_time(self.group.flatten(), at, metric_type, line, places)?;
        } else {
            if !self.groups.insert(&self.key) {
                return Err(Fault::new(line, ParseErrorKind::InterleavedGroups).into());
            }
            std::mem::swap(&mut self.key, &mut self.group_key);
        }
        self.group_text = text;
        self.group = Some(at);
        if let Some(family) = &mut self.family {
            family.samples = true;
        }
        if is_histogram {
            let histogram = self.histogram.get_or_insert_with(Histogram::default);
            histogram.add(suffix, bound, sample.value, line, places)?;
        }
        Ok(metric_type)
    }

    /// A line of this family could not be read: what it held cannot be missed in the histogram around it.
    pub(crate) fn spoil(&mut self) {
        if let Some(histogram) = &mut self.histogram {
            histogram.spoiled = true;
        }
    }

    /// Ends the current family, if there is one.
    pub(crate) fn close(&mut self) -> Result<(), Trouble> {
        self.finish_histogram()?;
        let Some(family) = self.family.take() else { return Ok(()) };
        self.groups.clear();
        self.group = None;
        self.group_text = ("", "");
        let mut clash = None;
        let suffixes = suffixes(family.metric_type.unwrap_or_default());
        for suffix in suffixes.iter().chain(if suffixes.contains(&"") { &[][..] } else { &[""] }) {
            self.key.clear();
            self.key.extend_from_slice(family.name.as_bytes());
            self.key.extend_from_slice(suffix.as_bytes());
            if !self.names.insert(&self.key) && clash.is_none() {
                clash = Some(format!("{}{suffix}", shown(&family.name)));
            }
        }
        match clash {
            Some(name) => {
                Err(Trouble::Earlier(Fault::new(family.start, ParseErrorKind::ClashingName { name })))
            }
            None => Ok(()),
        }
    }

    fn begin(&mut self, name: Cow<'a, str>, start: usize) -> Result<(), Trouble> {
        self.close()?;
        self.family =
            Some(Family { name, start, metric_type: None, help: false, unit: None, samples: false });
        Ok(())
    }

    fn finish_histogram(&mut self) -> Result<(), Trouble> {
        match (self.histogram.take(), &self.family) {
            (Some(histogram), Some(family)) => histogram.finish(&family.name).map_err(Trouble::Earlier),
            _ => Ok(()),
        }
    }
}

impl Family<'_> {
    fn check_unit_allowed(&self, at: usize) -> Result<(), Fault> {
        match (self.metric_type, self.unit) {
            (Some(metric_type @ (MetricType::Info | MetricType::StateSet)), Some(unit))
                if !unit.is_empty() =>
            {
                Err(Fault::new(at, ParseErrorKind::UnitNotAllowed { metric_type }))
            }
            _ => Ok(()),
        }
    }
}

/// The label by which samples of one group differ.
fn own_label<'n>(family: &'n str, metric_type: MetricType, suffix: &str) -> Option<&'n str> {
    match (metric_type, suffix) {
        (MetricType::StateSet, _) => Some(family),
        (MetricType::Histogram | MetricType::GaugeHistogram, "_bucket") => Some("le"),
        (MetricType::Summary, "") => Some("quantile"),
        _ => None,
    }
}

/// The label by which samples of one group differ, as it stands in one of them.
struct Own<'a> {
    /// Where it begins in the series.
    start: usize,
    /// One past its end.
    end: usize,
    value: Cow<'a, str>,
}

impl<'a> Own<'a> {
    fn find(sample: &Sample<'a>, label: &str) -> Option<Self> {
        let mut terms = Terms::new(sample.text, sample.brace);
        while let Some(term) = terms.next() {
            if let Term::Label { at, name, value } = term
                && name.decode() == label
            {
                return Some(Self { start: at, end: terms.position(), value: value.decode() });
            }
        }
        None
    }
}

/// Checks the label a type needs; gives the bound of a bucket.
fn check_own_label(
    label: &str,
    metric_type: MetricType,
    own: Option<&Own<'_>>,
    line: usize,
) -> Result<f64, Fault> {
    let Some(Own { value, start, .. }) = own else {
        let kind = ParseErrorKind::MissingTypeLabel { label: shown(label), metric_type };
        return Err(Fault::new(line, kind));
    };
    let number = float(value);
    let at = line + start;
    match metric_type {
        MetricType::StateSet => Ok(0.0),
        MetricType::Summary => match number {
            Some(quantile) if (0.0..=1.0).contains(&quantile) => Ok(quantile),
            _ => Err(Fault::new(at, ParseErrorKind::BadQuantile { text: shown(value) })),
        },
        _ => match number {
            Some(bound) if !bound.is_nan() && (bound != f64::INFINITY || value == "+Inf") => Ok(bound),
            _ => Err(Fault::new(at, ParseErrorKind::BadBound { text: shown(value) })),
        },
    }
}

/// Writes into `key` the labels that tell groups apart, in the order of their names.
fn write_key(key: &mut Vec<u8>, sample: &Sample<'_>, own: Option<&str>) {
    let mut push = |name: &str, value: &str| {
        for part in [name, value] {
            key.extend_from_slice(part.as_bytes());
            // In no UTF-8 text is there such a byte.
            key.push(0xff);
        }
    };
    let labels = || sample.labels().filter(|(name, _)| own != Some(name.as_ref()));
    if labels().is_sorted_by(|a, b| a.0 <= b.0) {
        labels().for_each(|(name, value)| push(&name, &value));
    } else {
        // Few write labels in another order, and then on every line: a small price each time.
        let mut sorted: Vec<_> = labels().collect();
        sorted.sort_unstable();
        sorted.iter().for_each(|(name, value)| push(name, value));
    }
}

/// Equality that does not compare empty texts, at which some processors are slow.
fn same(a: &str, b: &str) -> bool {
    same_bytes(a.as_bytes(), b.as_bytes())
}

fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && (a.is_empty() || a == b)
}

fn check_value(metric_type: MetricType, suffix: &str, value: f64, at: usize) -> Result<(), Fault> {
    let fault = |kind| Err(Fault::new(at, kind));
    let counts = matches!(suffix, "_bucket" | "_count" | "_gcount");
    let grows = counts || matches!(suffix, "_total" | "_sum");
    if (grows || suffix == "_gsum") && value.is_nan() {
        return fault(ParseErrorKind::NotANumber);
    }
    // Also refuses infinity, which is no count.
    if counts && value.fract() != 0.0 {
        return fault(ParseErrorKind::NotWhole);
    }
    if value < 0.0 && grows {
        return fault(ParseErrorKind::Negative);
    }
    match metric_type {
        MetricType::Summary if suffix.is_empty() && value < 0.0 => fault(ParseErrorKind::NegativeQuantile),
        MetricType::StateSet if value != 0.0 && value != 1.0 => fault(ParseErrorKind::BadState),
        MetricType::Info if value != 1.0 => fault(ParseErrorKind::BadInfo),
        _ => Ok(()),
    }
}

fn takes_exemplars(metric_type: MetricType, suffix: &str) -> bool {
    matches!(
        (metric_type, suffix),
        (MetricType::Histogram | MetricType::GaugeHistogram, "_bucket") | (MetricType::Counter, "_total")
    )
}

fn check_time(
    before: Option<Instant>,
    at: Option<Instant>,
    metric_type: MetricType,
    line: usize,
    places: Places,
) -> Result<(), Fault> {
    match (before, at) {
        (Some(before), Some(at)) if before > at && metric_type != MetricType::Info => {
            Err(Fault::new(places.timestamp, ParseErrorKind::TimestampsBackwards))
        }
        (Some(_), None) | (None, Some(_)) => Err(Fault::new(line, ParseErrorKind::MixedTimestamps)),
        _ => Ok(()),
    }
}

/// What is known of one histogram: the samples of one group at one time.
#[derive(Debug, Default)]
struct Histogram {
    last_line: usize,
    bound: Option<f64>,
    in_bucket: f64,
    count: Option<f64>,
    sum: bool,
    gauge_sum: bool,
    negative_gauge_sum: bool,
    negative_buckets: bool,
    spoiled: bool,
}

impl Histogram {
    fn add(
        &mut self,
        suffix: &str,
        bound: f64,
        value: f64,
        line: usize,
        places: Places,
    ) -> Result<(), Fault> {
        match suffix {
            "_bucket" => {
                if self.bound.is_some_and(|before| bound <= before) {
                    return Err(Fault::new(line, ParseErrorKind::BoundsNotRising));
                }
                if value < self.in_bucket {
                    return Err(Fault::new(places.value, ParseErrorKind::CountsFalling));
                }
                self.bound = Some(bound);
                self.in_bucket = value;
                self.negative_buckets |= bound < 0.0;
            }
            "_count" | "_gcount" => self.count = Some(value),
            "_sum" => self.sum = true,
            "_gsum" => {
                self.gauge_sum = true;
                self.negative_gauge_sum |= value < 0.0;
            }
            _ => {}
        }
        self.last_line = line;
        Ok(())
    }

    fn finish(self, family: &str) -> Result<(), Fault> {
        if self.spoiled {
            return Ok(());
        }
        let family = || shown(family);
        let kind = if self.bound != Some(f64::INFINITY) {
            ParseErrorKind::MissingInfBucket { family: family() }
        } else if let Some(count) = self.count.filter(|c| *c != self.in_bucket) {
            ParseErrorKind::CountMismatch { family: family(), count, bucket: self.in_bucket }
        } else if self.count.is_some() != (self.sum || self.gauge_sum) {
            ParseErrorKind::SumAndCount { family: family() }
        } else if self.negative_buckets && self.sum {
            ParseErrorKind::NegativeBuckets { family: family() }
        } else if !self.negative_buckets && self.negative_gauge_sum {
            ParseErrorKind::NegativeSum { family: family() }
        } else {
            return Ok(());
        };
        Err(Fault::new(self.last_line, kind))
    }
}
