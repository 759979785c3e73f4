//! What each group and rule must be, and what is told about those that are not.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use assurance_diagnostics::{Diagnostic, suggest};
use assurance_metrics_model::{Duration, METRIC_NAME, is_legacy_label_name, is_legacy_metric_name};
use assurance_promql as promql;
use assurance_template::{ParseErrorKind, Template, function_names};

use super::{At, DUPLICATE_RULES, Reader, raw};
use crate::{AlertingRule, Expression, Group, RecordingRule, Rule};

pub(super) fn groups(reader: &mut Reader<'_>, raw: Vec<Option<raw::Group>>) -> Vec<Group> {
    let mut lines: HashMap<String, usize> = HashMap::new();
    let mut groups = Vec::new();
    for (index, group) in raw.into_iter().enumerate() {
        let at = At::group(index);
        let Some(group) = group else {
            let span = reader.value(&at);
            reader.error(
                span,
                "empty entry in the list of groups",
                "remove the `-`, or write the group's `name:`",
            );
            continue;
        };
        let name = group.name.clone().unwrap_or_default().0;
        let name_at = at.then("name");
        let span = reader.value(&name_at).or_else(|| head(reader, &at, &["interval", "rules", "labels"]));
        if name.is_empty() {
            reader.error(
                span.clone(),
                "group has no name",
                "add `name:` with a name that is unique in this file",
            );
        } else if let Some(line) = lines.get(&name) {
            reader.error(
                span.clone(),
                format!("group name {name:?} is used twice in this file"),
                format!("rename this group or move its rules to the first one, in line {line}"),
            );
        } else {
            lines.insert(name.clone(), reader.line(span.as_ref()));
        }
        groups.push(one_group(reader, &at, name, group, span));
    }
    warn_of_duplicates(reader, &groups);
    groups
}

fn one_group(
    reader: &mut Reader<'_>,
    at: &At,
    name: String,
    raw: raw::Group,
    span: Option<Range<usize>>,
) -> Group {
    let interval = reader.duration(&at.then("interval"), raw.interval.as_ref());
    let query_offset = reader.duration(&at.then("query_offset"), raw.query_offset.as_ref());
    let limit = raw.limit.unwrap_or(0);
    if limit < 0 {
        let span = reader.value(&at.then("limit"));
        reader.warning(
            span,
            "a negative `limit` limits nothing",
            "remove it, or write the most series wanted",
        );
    }
    let labels = Reader::texts(raw.labels);
    label_names(reader, &at.then("labels"), labels.keys());
    let raw_rules = raw.rules.unwrap_or_default();
    if raw_rules.is_empty() {
        reader.warning(
            span,
            format!("group {name:?} has no rules"),
            "add rules under `rules:`, or remove the group",
        );
    }
    let mut rules = Vec::new();
    for (index, rule) in raw_rules.into_iter().enumerate() {
        let at = at.rule(index);
        match rule {
            Some(rule) => rules.extend(one_rule(reader, &at, rule, &labels)),
            None => {
                let span = reader.value(&at);
                let help = "remove the `-`, or write `alert:` or `record:` after it";
                reader.error(span, "empty entry in the list of rules", help);
            }
        }
    }
    Group {
        name,
        file: reader.source.name().to_owned(),
        // An interval of 0 is the same as none, as in Prometheus.
        interval: interval.filter(|interval| !interval.is_zero()),
        limit: usize::try_from(limit).unwrap_or(0),
        query_offset,
        labels,
        rules,
    }
}

fn one_rule(
    reader: &mut Reader<'_>,
    at: &At,
    raw: raw::Rule,
    group_labels: &BTreeMap<String, String>,
) -> Option<Rule> {
    let text = |text: Option<&raw::Text>| text.map(|t| t.0.clone()).filter(|t| !t.is_empty());
    let (record, alert) = (text(raw.record.as_ref()), text(raw.alert.as_ref()));
    let span = head(reader, at, &["alert", "record", "expr", "for", "labels", "annotations"]);
    let expression = expression(reader, at, text(raw.expr.as_ref()), span.clone());
    let line = reader.line(span.as_ref());
    let own = Reader::texts(raw.labels.clone());
    label_names(reader, &at.then("labels"), own.keys());
    match (record, alert) {
        (Some(_), Some(_)) => {
            let span = reader.key(&at.then("record"));
            let help = "make it two rules: one that records, one that alerts";
            reader.error(span, "a rule has either `record` or `alert`, not both", help);
            None
        }
        (None, None) => {
            let help = "add `alert:` with the alert's name, or `record:` with the name of the new metric";
            reader.error(span, "rule has neither `alert` nor `record`", help);
            None
        }
        (Some(record), None) => {
            recording(reader, at, &record, &raw, &own);
            let mut labels = group_labels.clone();
            labels.extend(own);
            Some(Rule::Recording(RecordingRule { record, expression: expression?, labels, line }))
        }
        (None, Some(alert)) => {
            if !is_legacy_metric_name(&alert) {
                let span = reader.value(&at.then("alert"));
                let help =
                    "use letters, digits and _ only: receivers, routes and file names are made from it";
                reader.warning(span, format!("alert name {alert:?} is no plain identifier"), help);
            }
            let hold = reader.duration(&at.then("for"), raw.hold.as_ref());
            let keep = reader.duration(&at.then("keep_firing_for"), raw.keep_firing_for.as_ref());
            let mut labels = BTreeMap::new();
            for (name, text) in group_labels {
                let group = At(at.0[..2].to_vec()).then("labels").then(name.as_str());
                if !own.contains_key(name) {
                    labels.extend(template(reader, &group, "label", name, text).map(|t| (name.clone(), t)));
                }
            }
            for (name, text) in &own {
                let at = at.then("labels").then(name.as_str());
                overwritten(reader, &at, name);
                labels.extend(template(reader, &at, "label", name, text).map(|t| (name.clone(), t)));
            }
            let mut annotations = BTreeMap::new();
            for (name, text) in Reader::texts(raw.annotations) {
                let at = at.then("annotations").then(name.as_str());
                if name.is_empty() {
                    let span = reader.key(&at);
                    reader.error(span, "annotation without a name", "write a name before the `:`");
                }
                annotations.extend(template(reader, &at, "annotation", &name, &text).map(|t| (name, t)));
            }
            Some(Rule::Alerting(AlertingRule {
                alert,
                expression: expression?,
                hold: hold.unwrap_or_default(),
                keep_firing_for: keep.unwrap_or_default(),
                labels,
                annotations,
                line,
            }))
        }
    }
}

/// The place to point at where a key is missing: the value of the first key that is there.
fn head(reader: &Reader<'_>, at: &At, keys: &[&str]) -> Option<Range<usize>> {
    let first = keys.iter().find_map(|key| {
        let at = at.then(*key);
        match *key {
            "labels" | "annotations" | "rules" => reader.key(&at),
            _ => reader.value(&at),
        }
    });
    first.or_else(|| reader.value(at))
}

fn recording(
    reader: &mut Reader<'_>,
    at: &At,
    record: &str,
    raw: &raw::Rule,
    labels: &BTreeMap<String, String>,
) {
    let at_record = at.then("record");
    if record.contains(['{', '}']) {
        let span = reader.value(&at_record);
        let help =
            "write only the new metric's name, its labels under `labels:`, and the query under `expr:`";
        reader.error(span, format!("braces in the name of a recording rule: {record:?}"), help);
    } else if !is_legacy_metric_name(record) {
        let span = reader.value(&at_record);
        let help = "use letters, digits, _ and :, or every query must quote it";
        reader.warning(span, format!("recorded metric name {record:?} is no plain identifier"), help);
    }
    let hold = reader.duration(&at.then("for"), raw.hold.as_ref());
    let keep = reader.duration(&at.then("keep_firing_for"), raw.keep_firing_for.as_ref());
    let has_annotations = raw.annotations.as_ref().is_some_and(|a| !a.is_empty());
    let set = |duration: Option<Duration>| duration.is_some_and(|d| !d.is_zero());
    for (key, is_set) in
        [("for", set(hold)), ("keep_firing_for", set(keep)), ("annotations", has_annotations)]
    {
        if is_set {
            let span = reader.key(&at.then(key));
            let help = "remove it, or make this an alert with `alert:` in place of `record:`";
            reader.error(span, format!("`{key}` in a recording rule"), help);
        }
    }
    for (name, value) in labels {
        if value.contains("{{") {
            let span = reader.value(&at.then("labels").then(name.as_str()));
            let help = "use label_replace() in `expr:`, or write the value out";
            reader.warning(
                span,
                "labels of recording rules are no templates; this is stored as it stands",
                help,
            );
        }
    }
}

fn expression(
    reader: &mut Reader<'_>,
    at: &At,
    text: Option<String>,
    rule: Option<Range<usize>>,
) -> Option<Expression> {
    let at = at.then("expr");
    let Some(text) = text else {
        let span = reader.key(&at).or(rule);
        reader.error(span, "rule has no `expr`", "add `expr:` with the PromQL query");
        return None;
    };
    let expression = match Expression::parse_with(&text, reader.features) {
        Ok(expression) => expression,
        Err(error) => {
            let span = reader.within(&at, &error.span);
            let help = error.help().unwrap_or_else(|| "correct the marked place in `expr:`".to_owned());
            reader.error(span, error.to_string(), help);
            return None;
        }
    };
    let (what, help) = match expression.tree().value_type() {
        promql::ValueType::Vector | promql::ValueType::Scalar => return Some(expression),
        promql::ValueType::Matrix => (
            "a range of samples",
            "remove the `[…]`, or put a function around it, such as rate() or max_over_time()",
        ),
        promql::ValueType::String => ("a string", "write a query that gives series"),
    };
    let span = reader.value(&at);
    reader.error(span, format!("the expression of a rule must give a vector, but this gives {what}"), help);
    None
}

fn label_names<'n>(reader: &mut Reader<'_>, at: &At, names: impl Iterator<Item = &'n String>) {
    for name in names {
        let at = at.then(name.as_str());
        let span = reader.key(&at);
        if name == METRIC_NAME {
            let help =
                "it is the metric's name; an alert is named by `alert:`, a recorded metric by `record:`";
            reader.error(span, format!("label {METRIC_NAME} cannot be set"), help);
        } else if name.is_empty() {
            reader.error(span, "label without a name", "write a name before the `:`");
        } else if !is_legacy_label_name(name) {
            let help = "use letters, digits and _ only, or every query must quote it";
            reader.warning(span, format!("label name {name:?} is no plain identifier"), help);
        }
    }
}

fn overwritten(reader: &mut Reader<'_>, at: &At, name: &str) {
    let help = match name {
        "alertname" => "the alert is named by `alert:`; remove this label",
        "alertstate" => {
            "the series ALERTS has a label of this name that says pending or firing; use another name"
        }
        _ => return,
    };
    let span = reader.key(at);
    reader.warning(span, format!("label {name:?} is overwritten"), help);
}

/// Reads a template, tells what is wrong with it at its place, and what its queries are.
fn template(reader: &mut Reader<'_>, at: &At, what: &str, name: &str, text: &str) -> Option<Template> {
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => {
            let span = reader.within(at, &error.span);
            let help = match &error.kind {
                ParseErrorKind::UnknownFunction { name } => match suggest(name, function_names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "see the functions at https://prometheus.io/docs/prometheus/latest/configuration/template_reference/".to_owned(),
                },
                ParseErrorKind::UnknownVariable { name } => {
                    let known = ["$labels", "$value", "$externalLabels", "$externalURL"];
                    match suggest(name, known) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("set it first by `{{{{ {name} := … }}}}`"),
                    }
                }
                ParseErrorKind::TooLong { .. } => "shorten it, and link to the details".to_owned(),
                _ => "actions look like `{{ $labels.instance }}`; blocks are closed by `{{ end }}`".to_owned(),
            };
            reader.error(span, format!("{what} {name:?}: {}", error.kind), help);
            return None;
        }
    };
    for finding in template.findings() {
        let span = reader.within(at, &finding.span);
        let help = finding.kind.help().unwrap_or("see the marked action").to_owned();
        reader.warning(span, format!("{what} {name:?} {}", finding.kind), help);
    }
    for query in template.queries() {
        if let Err(error) = Expression::parse_with(&query.expression, reader.features) {
            let start = query.span.start + error.span.start;
            let span = reader.within(at, &(start..start + error.span.len()));
            let help = "every rendering will fail; correct the query".to_owned();
            reader.warning(span, format!("query in {what} {name:?}: {error}"), help);
        }
    }
    Some(template)
}

/// Rules of one name and the same labels write the same series, or make the same alerts.
fn warn_of_duplicates(reader: &mut Reader<'_>, groups: &[Group]) {
    let mut seen: HashMap<(bool, &str, assurance_metrics_model::Labels), usize> = HashMap::new();
    for group in groups {
        for rule in &group.rules {
            let key = (rule.is_alerting(), rule.name(), rule.label_texts());
            if let Some(line) = seen.get(&key) {
                let (start, text) = reader.text_of_line(rule.line());
                let indent = text.len() - text.trim_start().len();
                let span = start + indent..start + text.trim_end().len();
                let what = if rule.is_alerting() { "alert" } else { "recorded metric" };
                let message =
                    format!("{what} {:?} has the same labels as another rule of this file", rule.name());
                let help = format!("tell them apart by a label, or remove one; the first is in line {line}");
                let found = Diagnostic::warning(reader.source, Some(span), message);
                reader.found.push(found.with_code(DUPLICATE_RULES).with_help(help));
            } else {
                seen.insert(key, rule.line());
            }
        }
    }
}
