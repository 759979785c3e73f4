//! Every alert of the pack has its unit tests and its runbook.

use std::collections::BTreeSet;

use serde_yaml::Value;

use super::tree::Tree;

const RULES: &str = "crates/policy/pack/rules/";
const RUNBOOKS: &str = "docs/operations/runbooks/";
const TEST_SUFFIX: &str = "_test.yml";

pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    let mut runbooks: BTreeSet<String> = BTreeSet::new();
    for (path, text) in tree.under(RULES, ".yml").filter(|(path, _)| !path.ends_with(TEST_SUFFIX)) {
        let rules = match serde_yaml::from_str::<Value>(text) {
            Ok(rules) => rules,
            Err(error) => {
                findings.push(format!("{path}: {error}"));
                continue;
            }
        };
        let tests_path = format!("{}{TEST_SUFFIX}", path.trim_end_matches(".yml"));
        let tests = tree.files.get(&tests_path).map_or(Ok(Value::Null), |text| serde_yaml::from_str(text));
        let tests = match tests {
            Ok(tests) => expectations(&tests),
            Err(error) => {
                findings.push(format!("{tests_path}: {error}"));
                continue;
            }
        };
        for rule in alerting_rules(&rules) {
            let name = text_of(rule, "alert");
            // What always fires, as a heartbeat does, cannot be silent.
            let always = text_of(rule, "expr").trim() == "vector(1)";
            for (firing, what) in [(true, "in which it fires"), (false, "in which it stays silent")] {
                if (firing || !always) && !tests.contains(&(name.to_owned(), firing)) {
                    findings.push(format!("{path}: {name} has no unit test {what} in {tests_path}"));
                }
            }
            match rule.get("annotations").map(|a| text_of(a, "runbook_url")).and_then(page) {
                Some(page) if tree.files.contains_key(&page) => {
                    runbooks.insert(page);
                }
                Some(page) => {
                    findings.push(format!("{path}: {name} names a runbook that is not there: {page}"));
                }
                None => {
                    findings.push(format!("{path}: {name} names no runbook in its annotation runbook_url"));
                }
            }
        }
    }
    for (page, _) in tree.under(RUNBOOKS, ".md") {
        if !runbooks.contains(page) && !page.ends_with("/README.md") {
            findings.push(format!("{page}: no alert names this runbook"));
        }
    }
    findings
}

/// The page that a runbook link means: its last path segment, without fragment, in the folder of runbooks.
fn page(url: &str) -> Option<String> {
    let path = url.split('#').next()?;
    let name = path.rsplit('/').next()?.trim_end_matches(".md");
    (!name.is_empty()).then(|| format!("{RUNBOOKS}{name}.md"))
}

fn alerting_rules(file: &Value) -> impl Iterator<Item = &Value> {
    items(file, "groups").flat_map(|group| items(group, "rules")).filter(|rule| rule.get("alert").is_some())
}

/// Alert names with whether some unit test expects them to fire, or to be silent.
fn expectations(tests: &Value) -> BTreeSet<(String, bool)> {
    items(tests, "tests")
        .flat_map(|test| items(test, "alert_rule_test"))
        .map(|case| (text_of(case, "alertname").to_owned(), items(case, "exp_alerts").next().is_some()))
        .collect()
}

fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_sequence).into_iter().flatten()
}

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    annotations: {runbook_url: 'https://x/runbooks/A.md#now'}\n";
    const BOTH: &str = "tests:\n- alert_rule_test:\n  - {alertname: A, eval_time: 1m, exp_alerts: []}\n  - alertname: A\n    eval_time: 9m\n    exp_alerts: [{exp_labels: {}}]\n";
    const PAGE: (&str, &str) = ("docs/operations/runbooks/A.md", "");

    fn findings(rule: &str, test: &str, page: (&str, &str)) -> Vec<String> {
        let (rules, tests) = (format!("{RULES}a.yml"), format!("{RULES}a_test.yml"));
        check(&Tree::of(&[(&rules, rule), (&tests, test), page]))
    }

    #[test]
    fn an_alert_with_tests_and_a_runbook_is_fine() {
        assert_eq!(findings(RULE, BOTH, PAGE), [""; 0]);
    }

    #[test]
    fn an_alert_without_either_kind_of_test_is_found() {
        assert_eq!(findings(RULE, "tests: []\n", PAGE).len(), 2);
        let only_firing = BOTH.replace("exp_alerts: []", "exp_alerts: [{}]");
        let found = findings(RULE, &only_firing, PAGE);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("stays silent"), "{found:?}");
    }

    #[test]
    fn what_always_fires_needs_no_silent_test() {
        let only_firing = BOTH.replace("exp_alerts: []", "exp_alerts: [{}]");
        assert_eq!(findings(&RULE.replace("up == 0", "vector(1)"), &only_firing, PAGE), [""; 0]);
        assert_eq!(findings(&RULE.replace("up == 0", "vector(1)"), "tests: []\n", PAGE).len(), 1);
    }

    #[test]
    fn a_missing_runbook_and_one_that_nobody_names_are_found() {
        let other = ("docs/operations/runbooks/B.md", "");
        assert_eq!(findings(RULE, BOTH, other).len(), 2);
        assert_eq!(findings(&RULE.replace("runbook_url", "runbook"), BOTH, PAGE).len(), 2);
    }
}
