use std::collections::BTreeSet;

use assurance_diagnostics::{Source, yaml};
use serde::Deserialize;

use super::Bench;
use crate::catalog;
use crate::found::{Found, words};

/// As much of promtool's format as names alerts; the rest is the business of `test rules`.
#[derive(Debug, Default, Deserialize)]
struct File {
    #[serde(default)]
    tests: Option<Vec<Test>>,
}

#[derive(Debug, Deserialize)]
struct Test {
    #[serde(default)]
    alert_rule_test: Option<Vec<AlertTest>>,
    #[serde(default)]
    promql_expr_test: Option<Vec<QueryTest>>,
}

#[derive(Debug, Deserialize)]
struct AlertTest {
    #[serde(default)]
    alertname: String,
}

#[derive(Debug, Deserialize)]
struct QueryTest {
    #[serde(default)]
    expr: String,
}

/// Alerts that nobody ever saw fire.
pub(super) fn check(bench: &Bench<'_>, found: &mut Found) {
    if let Some(tests) = &bench.input.tests {
        let named: BTreeSet<String> = tests.iter().flat_map(|source| names(source, found)).collect();
        for (subject, alert) in bench.alerts() {
            if !named.contains(&alert.alert) {
                let message = format!("no unit test names {}", alert.alert);
                found.rule(&catalog::RULE_NO_TEST, subject, subject.name(), words(message, "", ""));
            }
        }
    }
}

fn names(source: &Source, found: &mut Found) -> Vec<String> {
    let file: File = match yaml::parse(source) {
        Ok(file) => file,
        Err(problem) => {
            found.refused(source, vec![problem]);
            return Vec::new();
        }
    };
    let mut out = Vec::new();
    for test in file.tests.unwrap_or_default() {
        out.extend(test.alert_rule_test.unwrap_or_default().into_iter().map(|t| t.alertname));
        for query in test.promql_expr_test.unwrap_or_default() {
            let Ok(tree) = assurance_promql::parse(&query.expr) else { continue };
            for selector in tree.selectors() {
                let name = selector.matchers.iter().find(|m| m.name() == "alertname");
                out.extend(name.map(|m| m.value().to_owned()));
            }
        }
    }
    out
}
