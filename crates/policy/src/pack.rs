use assurance_diagnostics::{Diagnostic, Source};
use assurance_metrics_model::Duration;
use assurance_rules::{AlertingRule, Group, Rule, RuleFile};

use crate::{MetricContract, metric_contract, rule_files};

/// The pack, loaded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pack {
    /// The groups of all rule files, in the order of the files.
    pub groups: Vec<Group>,
    /// Its alerts, in the same order.
    pub alerts: Vec<Alert>,
    /// What the scraped services promise.
    pub contract: MetricContract,
}

/// An alert of the pack, as its rule says it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alert {
    /// Its id, such as `GA-001`.
    pub id: String,
    /// Its label `alertname`.
    pub name: String,
    /// `critical`, `warning` or `info`.
    pub severity: String,
    /// What it is about: `governance`, or `monitoring` itself.
    pub component: String,
    /// The layer, `g1` to `g4`.
    pub layer: String,
    /// What happened, in one line.
    pub summary: String,
    /// Where it says what to do.
    pub runbook_url: String,
    /// The condition.
    pub expression: String,
    /// How long it must hold.
    pub hold: Duration,
    /// The rule file.
    pub file: String,
}

/// Loads the pack.
///
/// # Errors
/// If an embedded file is flawed, which a test excludes.
pub fn pack() -> Result<Pack, Vec<Diagnostic>> {
    let mut groups = Vec::new();
    for (name, text) in rule_files() {
        groups.extend(RuleFile::parse(&Source::new(*name, *text))?.groups);
    }
    let alerts = groups.iter().flat_map(alerts_of).collect();
    let contract = metric_contract().map_err(|problem| vec![problem])?;
    Ok(Pack { groups, alerts, contract })
}

/// The alerts of the pack.
///
/// # Errors
/// As [`pack`].
pub fn alerts() -> Result<Vec<Alert>, Vec<Diagnostic>> {
    pack().map(|pack| pack.alerts)
}

fn alerts_of(group: &Group) -> impl Iterator<Item = Alert> {
    group.rules.iter().filter_map(|rule| match rule {
        Rule::Alerting(rule) => Some(alert(&group.file, rule)),
        Rule::Recording(_) => None,
    })
}

fn alert(file: &str, rule: &AlertingRule) -> Alert {
    let label = |name: &str| rule.labels.get(name).map(|t| t.text().to_owned()).unwrap_or_default();
    let annotation = |name: &str| rule.annotations.get(name).map(|t| t.text().to_owned()).unwrap_or_default();
    Alert {
        id: label("alert_id"),
        name: rule.alert.clone(),
        severity: label("severity"),
        component: label("component"),
        layer: label("layer"),
        summary: annotation("summary"),
        runbook_url: annotation("runbook_url"),
        expression: rule.expression.text().to_owned(),
        hold: rule.hold,
        file: file.to_owned(),
    }
}
