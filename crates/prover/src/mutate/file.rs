//! Rules as a file again.

use std::fmt::Write as _;

use assurance_rules::{Group, Rule};

/// Groups of one file as its text. Comments are gone, and labels of groups are among those of the rules already.
pub fn rule_file(groups: &[Group]) -> String {
    let mut out = "groups:\n".to_owned();
    // Writing to a String cannot fail.
    for group in groups {
        let _infallible = writeln!(out, "- name: {}", text(&group.name));
        if let Some(interval) = group.interval {
            let _infallible = writeln!(out, "  interval: {interval}");
        }
        if let Some(offset) = group.query_offset {
            let _infallible = writeln!(out, "  query_offset: {offset}");
        }
        if group.limit > 0 {
            let _infallible = writeln!(out, "  limit: {}", group.limit);
        }
        out.push_str("  rules:\n");
        for rule in &group.rules {
            write_rule(rule, &mut out);
        }
    }
    out
}

fn write_rule(rule: &Rule, out: &mut String) {
    let key = if rule.is_alerting() { "alert" } else { "record" };
    let _infallible =
        writeln!(out, "  - {key}: {}\n    expr: {}", text(rule.name()), text(rule.expression().text()));
    match rule {
        Rule::Recording(rule) => {
            map("labels", rule.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())), out)
        }
        Rule::Alerting(rule) => {
            for (key, length) in [("for", rule.hold), ("keep_firing_for", rule.keep_firing_for)] {
                let _infallible = writeln!(out, "    {key}: {length}");
            }
            map("labels", rule.labels.iter().map(|(n, v)| (n.as_str(), v.text())), out);
            map("annotations", rule.annotations.iter().map(|(n, v)| (n.as_str(), v.text())), out);
        }
    }
}

fn map<'a>(key: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>, out: &mut String) {
    let pairs: Vec<String> =
        pairs.map(|(name, value)| format!("      {}: {}\n", text(name), text(value))).collect();
    if !pairs.is_empty() {
        let _infallible = write!(out, "    {key}:\n{}", pairs.concat());
    }
}

/// In YAML's double quotes, whose escapes are those of JSON.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _infallible = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use assurance_diagnostics::Source;
    use assurance_rules::RuleFile;

    use super::*;

    #[test]
    fn a_file_that_is_written_reads_as_the_same_rules() {
        for (name, given) in assurance_policy::rule_files() {
            let read = |text: String| RuleFile::parse(&Source::new(*name, text)).unwrap().groups;
            let lines_of = |groups: Vec<Group>| {
                let shown = groups.into_iter().map(|group| {
                    let rules: Vec<String> = group
                        .rules
                        .iter()
                        .map(|rule| match rule {
                            Rule::Alerting(rule) => {
                                format!("{:?}", assurance_rules::AlertingRule { line: 0, ..rule.clone() })
                            }
                            Rule::Recording(rule) => {
                                format!("{:?}", assurance_rules::RecordingRule { line: 0, ..rule.clone() })
                            }
                        })
                        .collect();
                    (group.name, group.interval, rules)
                });
                shown.collect::<Vec<_>>()
            };
            let groups = read((*given).to_owned());
            assert_eq!(lines_of(read(rule_file(&groups))), lines_of(groups), "{name}");
        }
    }
}
