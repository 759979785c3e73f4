mod checks;
mod raw;

use std::collections::BTreeMap;
use std::ops::Range;

use assurance_diagnostics::yaml::{self, PathSegment};
use assurance_diagnostics::{Diagnostic, Severity, Source};
use assurance_metrics_model::Duration;

use assurance_promql as promql;

use crate::Group;
pub(crate) use raw::Text;

/// A rule file: its groups, and what is odd about it without keeping it from being used.
#[derive(Clone, Debug)]
pub struct RuleFile {
    /// Its groups, in order.
    pub groups: Vec<Group>,
    /// What works but is probably not meant, in the order of the lines.
    pub warnings: Vec<Diagnostic>,
}

/// The code of findings about rules of one name and the same labels, as promtool's `--lint` names them.
pub const DUPLICATE_RULES: &str = "duplicate-rules";

/// How a rule file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// Whether keys that no rule file has are passed over. A server refuses them.
    pub ignore_unknown_fields: bool,
    /// The parts of PromQL that expressions may use.
    pub features: promql::Features,
}

impl RuleFile {
    /// Reads a rule file as Prometheus does: an unknown key, an expression that is no PromQL and a template
    /// that is no template are errors.
    ///
    /// # Errors
    /// All problems that were found, in the order of the lines, warnings among them; at least one is an error.
    /// If the text is no YAML or has an unknown key, that is the only one.
    pub fn parse(source: &Source) -> Result<Self, Vec<Diagnostic>> {
        Self::parse_with(source, Reading::default())
    }

    /// As [`RuleFile::parse`], but as `reading` says.
    ///
    /// # Errors
    /// As [`RuleFile::parse`].
    pub fn parse_with(source: &Source, reading: Reading) -> Result<Self, Vec<Diagnostic>> {
        let file: Result<raw::File, _> = match reading.ignore_unknown_fields {
            true => yaml::parse::<raw::lenient::File>(source).map(Into::into),
            false => yaml::parse(source),
        };
        let file = file.map_err(|found| vec![explain(found)])?;
        let mut reader = Reader::new(source, reading.features);
        let groups = checks::groups(&mut reader, file.groups.unwrap_or_default());
        let mut found = reader.found;
        found.sort_by_key(|d| (d.span.as_ref().map(|s| s.start), std::cmp::Reverse(d.severity)));
        // A label of a group is read once for each of its rules.
        found.dedup();
        if found.iter().any(|d| d.severity == Severity::Error) {
            return Err(found);
        }
        Ok(Self { groups, warnings: found })
    }
}

/// Keys that belong elsewhere, and where.
const MISPLACED: [(&str, &str); 13] = [
    ("summary", "`summary` belongs under `annotations:`"),
    ("description", "`description` belongs under `annotations:`"),
    ("message", "`message` belongs under `annotations:`"),
    ("runbook", "`runbook` belongs under `annotations:`"),
    ("runbook_url", "`runbook_url` belongs under `annotations:`"),
    ("dashboard", "`dashboard` belongs under `annotations:`"),
    ("severity", "`severity` belongs under `labels:`"),
    ("team", "`team` belongs under `labels:`"),
    ("partial_response_strategy", "this is a key of Thanos; remove it"),
    ("eval_offset", "this is a key of vmalert; to query older data use `query_offset:` in the group"),
    ("concurrency", "this is a key of vmalert; remove it"),
    ("debug", "this is a key of vmalert; remove it"),
    ("source_tenants", "this is a key of Mimir; remove it"),
];

/// Says where a key belongs, where the mere name of a similar key would not help.
fn explain(found: Diagnostic) -> Diagnostic {
    let known = found.message.strip_prefix("unknown field `").and_then(|rest| rest.strip_suffix('`'));
    let help = MISPLACED.iter().find(|(key, _)| Some(*key) == known).map(|(_, help)| *help);
    match help {
        Some(help) => found.with_help(help),
        None if found.help.is_none() && found.message.contains("whole number") => {
            found.with_help("write a whole number without quotes, such as 10")
        }
        None if found.help.is_none() => found.with_help(SHAPE),
        None => found,
    }
}

/// What a rule file looks like, for those that look otherwise.
const SHAPE: &str = "a rule file is `groups:` with a list of groups, each with `name:` and a list `rules:`; each rule \
                     has `alert:` or `record:`, `expr:`, and maybe `for:`, `labels:`, `annotations:`";

/// A place in the file, as a path of keys and indices.
#[derive(Clone, Debug)]
struct At(Vec<PathSegment>);

impl At {
    fn group(index: usize) -> Self {
        Self(vec!["groups".into(), index.into()])
    }

    fn then(&self, segment: impl Into<PathSegment>) -> Self {
        let mut path = self.0.clone();
        path.push(segment.into());
        Self(path)
    }

    fn rule(&self, index: usize) -> Self {
        self.then("rules").then(index)
    }
}

/// Collects what is found, each at its place.
struct Reader<'a> {
    source: &'a Source,
    features: promql::Features,
    /// Where each line ends.
    line_ends: Vec<usize>,
    found: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a Source, features: promql::Features) -> Self {
        let line_ends = source.text().match_indices('\n').map(|(at, _)| at).collect();
        Self { source, features, line_ends, found: Vec::new() }
    }

    fn value(&self, at: &At) -> Option<Range<usize>> {
        yaml::locate(self.source, &at.0)
    }

    fn key(&self, at: &At) -> Option<Range<usize>> {
        yaml::locate_key(self.source, &at.0)
    }

    /// A part of a text value, or the whole of it where the part cannot be found.
    fn within(&self, at: &At, part: &Range<usize>) -> Option<Range<usize>> {
        yaml::locate_within(self.source, &at.0, part.start, part.len()).or_else(|| self.value(at))
    }

    fn error(&mut self, span: Option<Range<usize>>, message: impl Into<Box<str>>, help: impl Into<Box<str>>) {
        self.found.push(Diagnostic::error(self.source, span, message).with_help(help));
    }

    fn warning(
        &mut self,
        span: Option<Range<usize>>,
        message: impl Into<Box<str>>,
        help: impl Into<Box<str>>,
    ) {
        self.found.push(Diagnostic::warning(self.source, span, message).with_help(help));
    }

    fn line(&self, span: Option<&Range<usize>>) -> usize {
        let start = span.map_or(0, |s| s.start);
        self.line_ends.partition_point(|end| *end < start) + 1
    }

    /// A line without its end, and where it begins.
    fn text_of_line(&self, line: usize) -> (usize, &'a str) {
        let start =
            line.checked_sub(2).and_then(|before| self.line_ends.get(before)).map_or(0, |end| end + 1);
        (start, self.source.text()[start..].lines().next().unwrap_or_default())
    }

    /// A duration, `None` where it is absent or wrong.
    fn duration(&mut self, at: &At, text: Option<&Text>) -> Option<Duration> {
        let text = text?;
        match text.0.parse() {
            Ok(duration) => Some(duration),
            Err(error) => {
                let key = match at.0.last() {
                    Some(PathSegment::Key(key)) => key.clone(),
                    _ => "value".to_owned(),
                };
                let help = match text.0.parse::<f64>() {
                    Ok(_) => format!("write a unit, such as `{key}: {}s`", text.0),
                    Err(_) => {
                        "whole numbers with the units y, w, d, h, m, s, ms, such as 90s or 1h30m".to_owned()
                    }
                };
                let message = match &error {
                    assurance_metrics_model::DurationError::TooLong { .. } => error.to_string(),
                    _ => format!("`{key}` is not a duration: {:?}", text.0),
                };
                self.error(self.value(at), message, help);
                None
            }
        }
    }

    fn texts(map: Option<BTreeMap<String, Text>>) -> BTreeMap<String, String> {
        map.unwrap_or_default().into_iter().map(|(name, text)| (name, text.0)).collect()
    }
}
