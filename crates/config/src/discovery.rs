use std::collections::BTreeMap;

use assurance_metrics_model::Labels;
use assurance_scrape::{FileSd, RelabelAction, RelabelRule, RelabelSpec, TargetGroup};

use crate::findings::{Findings, Place};
use crate::raw;

/// Names that file discovery reads, as in Prometheus.
const FILE_SD_ENDINGS: [&str; 3] = [".json", ".yml", ".yaml"];

/// Targets that are written down. Addresses are checked where nothing can change them.
pub(crate) fn static_targets(
    findings: &mut Findings<'_>,
    place: &Place,
    raw: Option<Vec<Option<raw::Group>>>,
    addresses_are_final: bool,
) -> Vec<TargetGroup> {
    let mut groups = Vec::new();
    for (index, group) in raw.unwrap_or_default().into_iter().enumerate() {
        let place = place.at(index);
        let Some(group) = group else {
            findings.error(&place, "the group is empty", "write targets, or remove the dash");
            continue;
        };
        let targets = group.targets.unwrap_or_default();
        for (index, target) in targets.iter().enumerate() {
            let place = place.at("targets").at(index);
            if target.is_empty() {
                findings.error(&place, "the target is empty", "write host:port");
            } else if addresses_are_final && target.contains('/') {
                findings.error(
                    &place,
                    format!("{target:?} is no address"),
                    "write host:port; the scheme and the path have keys of their own (scheme, metrics_path)",
                );
            }
        }
        let labels: BTreeMap<String, String> = group.labels.unwrap_or_default();
        findings.label_names(&place.at("labels"), labels.keys());
        groups.push(TargetGroup { labels: Labels::from_pairs(&labels), targets, source: index.to_string() });
    }
    groups
}

/// Files that list targets.
pub(crate) fn file_sd(
    findings: &mut Findings<'_>,
    place: &Place,
    raw: Option<Vec<Option<raw::FileSd>>>,
) -> Vec<FileSd> {
    let mut out = Vec::new();
    for (index, raw) in raw.unwrap_or_default().into_iter().enumerate() {
        let place = place.at(index);
        let raw = raw.unwrap_or_default();
        let files = raw.files.unwrap_or_default();
        if files.is_empty() {
            findings.error(&place, "no files are named", "name at least one in files");
        }
        for (index, file) in files.iter().enumerate() {
            let lower = file.to_ascii_lowercase();
            if !FILE_SD_ENDINGS.iter().any(|ending| lower.ends_with(ending)) || !is_pattern(file) {
                findings.error(
                    &place.at("files").at(index),
                    format!("{file:?} cannot be a list of targets"),
                    "name a file that ends in .json, .yml or .yaml; a * may stand in its last part only",
                );
            }
        }
        let mut list = FileSd::new(files.iter().map(|file| findings.path(file)).collect());
        if let Some(interval) = raw.refresh_interval.filter(|interval| !interval.0.is_zero()) {
            list.refresh_interval = interval.0;
        }
        out.push(list);
    }
    out
}

/// Whether a `*` stands in the last part of a path only.
pub(crate) fn is_pattern(path: &str) -> bool {
    path.split_once('*').is_none_or(|(_, after)| !after.contains(['*', '/']))
}

/// A list of relabelling rules.
pub(crate) fn relabel_rules(
    findings: &mut Findings<'_>,
    place: &Place,
    raw: Option<Vec<Option<raw::Relabel>>>,
) -> Vec<RelabelRule> {
    let mut rules = Vec::new();
    for (index, raw) in raw.unwrap_or_default().into_iter().enumerate() {
        let place = place.at(index);
        let Some(raw) = raw else {
            findings.error(&place, "the rule is empty", "write a rule, or remove the dash");
            continue;
        };
        let action = match raw.action.as_deref() {
            None => RelabelAction::Replace,
            Some(word) => match RelabelAction::from_word(word) {
                Some(action) => action,
                None => {
                    let words = RelabelAction::ALL.map(RelabelAction::as_str);
                    let help = match assurance_diagnostics::suggest(word, words) {
                        Some(near) => format!("did you mean {near}?"),
                        None => format!("write one of {}", words.join(", ")),
                    };
                    findings.error(&place.at("action"), format!("{word:?} is no relabelling action"), help);
                    continue;
                }
            },
        };
        let spec = RelabelSpec {
            source_labels: raw.source_labels,
            separator: raw.separator,
            target_label: raw.target_label,
            regex: raw.regex,
            modulus: raw.modulus,
            replacement: raw.replacement,
            action,
        };
        match RelabelRule::new(spec) {
            Ok(rule) => rules.push(rule),
            Err(error) => relabel_error(findings, &place, &error),
        }
    }
    rules
}

fn relabel_error(findings: &mut Findings<'_>, place: &Place, error: &assurance_scrape::RelabelError) {
    use assurance_scrape::RelabelErrorKind as K;
    let field = error.field.as_str();
    let at = place.at(field);
    match &error.kind {
        K::Missing { .. } => {
            findings.error(place, error.to_string(), format!("add {field}"));
        }
        K::Superfluous { .. } => {
            findings.key_error(&at, error.to_string(), format!("remove {field}, or choose another action"));
        }
        K::Regex { .. } => findings.error(
            &at,
            error.to_string(),
            "expressions are anchored at both ends; a literal ( [ { . * + ? needs a \\ before it",
        ),
        _ => findings.error(
            &at,
            error.to_string(),
            "label names consist of letters, digits and _, and do not begin with a digit",
        ),
    }
}
