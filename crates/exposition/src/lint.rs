use std::fmt;

use assurance_metrics_model::{METRIC_NAME, MetricType};

use crate::Format;
use crate::family::Family;
use crate::parse::{OddityKind, Parsed};

/// Something that can be read but should not be written so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line it is about, from 1.
    pub line: usize,
    /// The metric family, or the series where only one is meant.
    pub metric: String,
    /// What it is.
    pub kind: FindingKind,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.metric, self.kind)
    }
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FindingKind {
    /// No `# HELP`.
    #[error("no help text; say in a sentence what is measured")]
    NoHelp,
    /// A counter not called so.
    #[error("a counter's name should end in _total")]
    CounterWithoutTotal,
    /// Something else called like a counter.
    #[error("only a counter's name should end in _total")]
    TotalWithoutCounter,
    /// A name that a histogram's or summary's samples have.
    #[error("the suffix {suffix} belongs to histograms and summaries")]
    ReservedSuffix {
        /// The suffix.
        suffix: &'static str,
    },
    /// A label that only a histogram or a summary has.
    #[error("the label {label} belongs to the type {owner}")]
    ReservedLabel {
        /// The label.
        label: &'static str,
        /// The type that may have it.
        owner: MetricType,
    },
    /// The type in the name.
    #[error("the name should not include the type {metric_type}")]
    TypeInName {
        /// The type.
        metric_type: MetricType,
    },
    /// A colon in the name.
    #[error("colons are for recording rules, not for metrics that are exposed")]
    Colon,
    /// A name in camelCase.
    #[error("{name} should be written in snake_case")]
    CamelCase {
        /// The metric's or the label's name.
        name: String,
    },
    /// A unit that is not a base unit.
    #[error("use the base unit {base} instead of {unit}")]
    NotBaseUnit {
        /// The unit in the name.
        unit: String,
        /// The one to convert to.
        base: &'static str,
    },
    /// A unit's abbreviation in the name.
    #[error("spell the unit out instead of writing _{abbreviation}")]
    AbbreviatedUnit {
        /// The abbreviation.
        abbreviation: &'static str,
    },
    /// A second `# HELP`.
    #[error("a second # HELP; give it once")]
    RepeatedHelp,
    /// A second `# TYPE`.
    #[error("a second # TYPE; give it once")]
    RepeatedType,
    /// Metadata after samples.
    #[error("metadata after the family's samples; write it first")]
    MetadataAfterSamples,
    /// Samples of one family with others between them.
    #[error("the family's samples are not together; keep them in one piece")]
    SamplesApart,
    /// A series twice at one time.
    #[error("the series is exposed twice; Prometheus keeps one sample and counts the rest as duplicates")]
    DuplicateSeries,
}

/// Looks for what `promtool check metrics` looks for, and for lines that stand in the wrong place.
///
/// Findings come in the order of their lines. Errors are not repeated: they are in [`Parsed::errors`].
pub fn lint(parsed: &Parsed) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (family, line) in parsed.families.iter().zip(&parsed.family_lines) {
        let metric = &family.name;
        family_findings(family, parsed.format, |kind| {
            findings.push(Finding { line: *line, metric: metric.clone(), kind });
        });
    }
    for oddity in &parsed.oddities {
        let kind = match oddity.kind {
            OddityKind::RepeatedHelp => FindingKind::RepeatedHelp,
            OddityKind::RepeatedType => FindingKind::RepeatedType,
            OddityKind::MetadataAfterSamples => FindingKind::MetadataAfterSamples,
            OddityKind::SamplesApart => FindingKind::SamplesApart,
            OddityKind::DuplicateSeries => FindingKind::DuplicateSeries,
        };
        findings.push(Finding { line: oddity.line, metric: oddity.name.clone(), kind });
    }
    findings.sort_by_key(|finding| finding.line);
    findings
}

fn family_findings(family: &Family, format: Format, mut add: impl FnMut(FindingKind)) {
    let name = family.name.as_str();
    let metric_type = family.metadata.metric_type;
    if family.metadata.help.is_empty() {
        add(FindingKind::NoHelp);
    }
    // OpenMetrics keeps `_total` out of the family's name and demands it of its samples.
    let total = name.ends_with("_total");
    if metric_type == MetricType::Counter && !total && format == Format::Text {
        add(FindingKind::CounterWithoutTotal);
    }
    let typed = metric_type != MetricType::Unknown;
    if typed && metric_type != MetricType::Counter && total {
        add(FindingKind::TotalWithoutCounter);
    }
    reserved(family, &mut add);
    for metric_type in [MetricType::Counter, MetricType::Gauge, MetricType::Histogram, MetricType::Summary] {
        if has_word(name, metric_type.as_str()) {
            add(FindingKind::TypeInName { metric_type });
        }
    }
    if name.contains(':') {
        add(FindingKind::Colon);
    }
    let mut camel: Vec<&str> = family
        .samples
        .iter()
        .flat_map(|sample| sample.labels.iter())
        .map(|(label, _)| label)
        .filter(|label| *label != METRIC_NAME)
        .chain([name])
        .filter(|name| is_camel_case(name))
        .collect();
    camel.sort_unstable();
    camel.dedup();
    for name in camel {
        add(FindingKind::CamelCase { name: name.to_owned() });
    }
    if let Some((unit, base)) = unit_in(name).filter(|(unit, base)| unit != base) {
        add(FindingKind::NotBaseUnit { unit: unit.to_owned(), base });
    }
    let lower = name.to_ascii_lowercase();
    for abbreviation in UNIT_ABBREVIATIONS {
        if has_word(&lower, abbreviation) {
            add(FindingKind::AbbreviatedUnit { abbreviation });
        }
    }
}

fn reserved(family: &Family, add: &mut impl FnMut(FindingKind)) {
    let metric_type = family.metadata.metric_type;
    let histogram = matches!(metric_type, MetricType::Histogram | MetricType::GaugeHistogram);
    let summary = metric_type == MetricType::Summary;
    if metric_type == MetricType::Unknown {
        return;
    }
    for (suffix, allowed) in
        [("_bucket", histogram), ("_count", histogram || summary), ("_sum", histogram || summary)]
    {
        if !allowed && family.name.ends_with(suffix) {
            add(FindingKind::ReservedSuffix { suffix });
        }
    }
    for (label, owner, allowed) in
        [("le", MetricType::Histogram, histogram), ("quantile", MetricType::Summary, summary)]
    {
        if !allowed && family.samples.iter().any(|sample| sample.labels.get(label).is_some()) {
            add(FindingKind::ReservedLabel { label, owner });
        }
    }
}

/// Whether `word` stands in `name` after an underscore, and before another one or at the end.
fn has_word(name: &str, word: &str) -> bool {
    name.split('_').skip(1).any(|part| part == word)
}

fn is_camel_case(name: &str) -> bool {
    name.as_bytes().windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
}

/// The first part of a name that is a unit, and the base unit for it.
fn unit_in(name: &str) -> Option<(&str, &'static str)> {
    let base = |unit: &str| UNITS.iter().find(|(known, _)| *known == unit).map(|(_, base)| *base);
    name.split('_').find_map(|part| {
        let prefixed = || UNIT_PREFIXES.iter().find_map(|prefix| base(part.strip_prefix(prefix)?));
        Some((part, base(part).or_else(prefixed)?))
    })
}

/// Units, and the base units Prometheus's naming practices want instead.
const UNITS: [(&str, &str); 22] = [
    ("amperes", "amperes"),
    ("bytes", "bytes"),
    ("celsius", "celsius"),
    ("grams", "grams"),
    ("joules", "joules"),
    ("kelvin", "kelvin"),
    ("meters", "meters"),
    ("metres", "metres"),
    ("seconds", "seconds"),
    ("volts", "volts"),
    ("minutes", "seconds"),
    ("hours", "seconds"),
    ("days", "seconds"),
    ("weeks", "seconds"),
    ("kelvins", "kelvin"),
    ("fahrenheit", "celsius"),
    ("inches", "meters"),
    ("miles", "meters"),
    ("bits", "bytes"),
    ("calories", "joules"),
    ("pounds", "grams"),
    ("ounces", "grams"),
];

const UNIT_PREFIXES: [&str; 18] = [
    "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi", "mega", "mebi",
    "giga", "gibi", "tera", "tebi", "peta", "pebi",
];

const UNIT_ABBREVIATIONS: [&str; 14] =
    ["s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"];
