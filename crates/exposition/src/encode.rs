use std::fmt::Write as _;
use std::sync::Arc;

use assurance_metrics_model::{
    Histogram, Labels, METRIC_NAME, MetricType, Timestamp, Value, is_legacy_label_name, is_legacy_metric_name,
};

use crate::Format;
use crate::chars::push_escaped;
use crate::classic::buckets;
use crate::family::{Family, FamilyExemplar, FamilySample};
use crate::number::{push_canonical_float, push_float, push_seconds};
use crate::parser::text_suffixes;
use crate::strict::suffixes;

/// Writes families as a body.
///
/// Series keep their names in both formats. Where a format has no word for something, the nearest is
/// written: text has `gauge` for infos and state sets, and OpenMetrics `unknown` for a counter whose samples
/// are not called `…_total`. Only OpenMetrics carries units and exemplars. What Prometheus cannot read in
/// text, a timestamp before 1970, is written all the same.
pub fn encode(families: &[Family], format: Format) -> String {
    let mut encoder = Encoder::new(format);
    for family in families {
        encoder.family(family);
    }
    encoder.finish()
}

/// Writes a body family by family.
#[derive(Clone, Debug)]
pub struct Encoder {
    format: Format,
    out: String,
}

impl Encoder {
    /// An empty body.
    pub const fn new(format: Format) -> Self {
        Self { format, out: String::new() }
    }

    /// Appends a family. Its samples are written in their order; in OpenMetrics, those of one label set must
    /// stand together.
    pub fn family(&mut self, family: &Family) -> &mut Self {
        let (name, metric_type) = self.told_as(family);
        let unit = self.unit_to_tell(family, &name, metric_type);
        self.metadata(&name, metric_type, &family.metadata.help, unit);
        let mut apart: Vec<&FamilySample> = Vec::new();
        for sample in &family.samples {
            if self.belongs(&name, metric_type, sample) {
                self.sample(sample, metric_type);
            } else {
                apart.push(sample);
            }
        }
        while let Some(first) = apart.first() {
            let name = first.labels.metric_name();
            self.metadata(name, self.type_apart(name), "", None);
            apart.retain(|sample| {
                let own = sample.labels.metric_name() == name;
                if own {
                    self.sample(sample, MetricType::Unknown);
                }
                !own
            });
        }
        self
    }

    /// The body; in OpenMetrics with its last line.
    pub fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }

    /// The name and type that the format wants to be told of a family.
    fn told_as(&self, family: &Family) -> (String, MetricType) {
        let suffix = match family.metadata.metric_type {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            metric_type => return (family.name.clone(), metric_type),
        };
        let bare = family.name.strip_suffix(suffix).unwrap_or(&family.name);
        let full = format!("{bare}{suffix}");
        let suffixed = family.samples.iter().any(|s| s.labels.metric_name() == full);
        match self.format {
            Format::Text if suffixed => (full, family.metadata.metric_type),
            Format::OpenMetrics if suffixed || family.samples.is_empty() => {
                (bare.to_owned(), family.metadata.metric_type)
            }
            Format::Text => (family.name.clone(), family.metadata.metric_type),
            Format::OpenMetrics => (family.name.clone(), MetricType::Unknown),
        }
    }

    fn belongs(&self, name: &str, metric_type: MetricType, sample: &FamilySample) -> bool {
        let Some(suffix) = sample.labels.metric_name().strip_prefix(name) else { return false };
        if matches!(sample.value, Value::Histogram(_)) {
            return suffix.is_empty();
        }
        match self.format {
            Format::Text => text_suffixes(text_type(metric_type)).contains(&suffix),
            Format::OpenMetrics => suffixes(metric_type).contains(&suffix),
        }
    }

    fn type_apart(&self, name: &str) -> MetricType {
        let gauge = ["_created", "_gcount", "_gsum"].iter().any(|suffix| name.ends_with(suffix));
        if self.format == Format::Text && gauge { MetricType::Gauge } else { MetricType::Unknown }
    }

    fn unit_to_tell<'f>(&self, family: &'f Family, name: &str, metric_type: MetricType) -> Option<&'f str> {
        let unit = family.metadata.unit.as_str();
        let fits = name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_'));
        let allowed = !matches!(metric_type, MetricType::Info | MetricType::StateSet);
        (self.format == Format::OpenMetrics && !unit.is_empty() && fits && allowed).then_some(unit)
    }

    fn metadata(&mut self, name: &str, metric_type: MetricType, help: &str, unit: Option<&str>) {
        let open = self.format == Format::OpenMetrics;
        let mut line = |keyword: &str, text: &str, escape: bool| {
            self.out.push_str(keyword);
            if is_legacy_metric_name(name) {
                self.out.push_str(name);
            } else {
                push_quoted(&mut self.out, name);
            }
            self.out.push(' ');
            if escape {
                push_escaped(&mut self.out, text, open);
            } else {
                self.out.push_str(text);
            }
            self.out.push('\n');
        };
        if !help.is_empty() {
            line("# HELP ", help, true);
        }
        let word = match (self.format, metric_type) {
            (Format::OpenMetrics, metric_type) => metric_type.as_str(),
            (Format::Text, metric_type) => match text_type(metric_type) {
                MetricType::Unknown => "untyped",
                known => known.as_str(),
            },
        };
        line("# TYPE ", word, false);
        if let Some(unit) = unit {
            line("# UNIT ", unit, false);
        }
    }

    fn sample(&mut self, sample: &FamilySample, metric_type: MetricType) {
        match &sample.value {
            Value::Histogram(histogram) => self.histogram(sample, histogram, metric_type),
            Value::Float(value) => {
                let exemplar = sample.exemplar.as_ref();
                self.line(
                    sample.labels.metric_name(),
                    &sample.labels,
                    None,
                    *value,
                    sample.timestamp,
                    exemplar,
                );
            }
            // A kind of value this version does not know: the sample stays, without a number.
            _ => {
                let name = sample.labels.metric_name();
                self.line(name, &sample.labels, None, f64::NAN, sample.timestamp, None);
            }
        }
    }

    fn histogram(&mut self, sample: &FamilySample, histogram: &Arc<Histogram>, metric_type: MetricType) {
        let (labels, at) = (&sample.labels, sample.timestamp);
        let base = labels.metric_name();
        let gauge = self.format == Format::OpenMetrics && metric_type == MetricType::GaugeHistogram;
        let name = format!("{base}_bucket");
        let buckets = buckets(histogram);
        let mut text = String::new();
        for (bound, count) in &buckets {
            text.clear();
            push_canonical_float(&mut text, *bound);
            self.line(&name, labels, Some(&text), *count, at, None);
        }
        self.line(&name, labels, Some("+Inf"), histogram.count, at, sample.exemplar.as_ref());
        let negative = buckets.first().is_some_and(|(bound, _)| *bound < 0.0);
        if self.format == Format::OpenMetrics && negative && !gauge {
            // OpenMetrics forbids a sum that can fall, and a count without a sum.
            return;
        }
        let (count, sum) = if gauge { ("_gcount", "_gsum") } else { ("_count", "_sum") };
        self.line(&format!("{base}{count}"), labels, None, histogram.count, at, None);
        self.line(&format!("{base}{sum}"), labels, None, histogram.sum, at, None);
    }

    fn line(
        &mut self,
        name: &str,
        labels: &Labels,
        bound: Option<&str>,
        value: f64,
        at: Option<Timestamp>,
        exemplar: Option<&FamilyExemplar>,
    ) {
        let out = &mut self.out;
        let bare = is_legacy_metric_name(name);
        if bare {
            out.push_str(name);
        }
        let rest = labels.iter().filter(|(n, _)| *n != METRIC_NAME).chain(bound.map(|b| ("le", b)));
        push_labels(out, (!bare).then_some(name), rest);
        out.push(' ');
        match self.format {
            Format::Text => {
                push_float(out, value);
                if let Some(at) = at {
                    let _infallible = write!(out, " {}", at.as_millis());
                }
            }
            Format::OpenMetrics => {
                push_canonical_float(out, value);
                if let Some(at) = at {
                    out.push(' ');
                    push_seconds(out, at);
                }
                if let Some(exemplar) = exemplar {
                    out.push_str(" # ");
                    let start = out.len();
                    push_labels(out, None, exemplar.labels.iter());
                    if out.len() == start {
                        out.push_str("{}");
                    }
                    out.push(' ');
                    push_canonical_float(out, exemplar.value);
                    if let Some(at) = exemplar.timestamp {
                        out.push(' ');
                        push_seconds(out, at);
                    }
                }
            }
        }
        out.push('\n');
    }
}

/// The nearest type that text knows.
const fn text_type(metric_type: MetricType) -> MetricType {
    match metric_type {
        MetricType::Info | MetricType::StateSet => MetricType::Gauge,
        MetricType::GaugeHistogram => MetricType::Histogram,
        other => other,
    }
}

fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    push_escaped(out, text, true);
    out.push('"');
}

/// Appends `{"name",a="b"}`; nothing where there is neither name nor label.
fn push_labels<'l>(out: &mut String, name: Option<&str>, labels: impl Iterator<Item = (&'l str, &'l str)>) {
    let mut separator = '{';
    if let Some(name) = name {
        out.push(separator);
        push_quoted(out, name);
        separator = ',';
    }
    for (name, value) in labels {
        out.push(separator);
        separator = ',';
        if is_legacy_label_name(name) {
            out.push_str(name);
        } else {
            push_quoted(out, name);
        }
        out.push('=');
        push_quoted(out, value);
    }
    if separator == ',' {
        out.push('}');
    }
}
