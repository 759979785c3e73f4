use assurance_diagnostics::{Diagnostic, Source};
use assurance_metrics_model::Duration;
use assurance_rules::{AlertingRule, Group, Rule, RuleFile};
use serde::{Serialize, Serializer};

use crate::files::INTENTS;
use crate::intents::{Intent, Intents};
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    /// Who repairs what it tells.
    pub team: String,
    /// What happened, in one line.
    pub summary: String,
    /// What it means for those who depend on it.
    pub impact: String,
    /// What to do first.
    pub action: String,
    /// The runbook's number, such as `RB-1`.
    pub runbook: String,
    /// Where it says what to do.
    pub runbook_url: String,
    /// The condition.
    pub expression: String,
    /// How long it must hold.
    #[serde(serialize_with = "as_text")]
    pub hold: Duration,
    /// How long the alert goes on after it.
    #[serde(serialize_with = "as_text")]
    pub keep_firing_for: Duration,
    /// The rule file.
    pub file: String,
    /// The labels that the rule writes and that do not depend on what it finds.
    #[serde(skip)]
    labels: Vec<(String, String)>,
}

fn as_text<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(duration)
}

impl Alert {
    /// Labels that every alert of this rule has, its name among them: what routes can go by.
    pub fn fixed_labels(&self) -> Vec<(&str, &str)> {
        let own = self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        own.chain([("alertname", self.name.as_str())]).collect()
    }

    /// Whether the rule is one of those that an intent is about.
    pub fn keeps(&self, intent: &Intent) -> bool {
        let has =
            |(name, value): (&String, &String)| self.labels.iter().any(|(n, v)| n == name && v == value);
        intent.alert == self.name && intent.matching.iter().all(has)
    }

    /// How the rule's time is set, where it is: ` for 5m, kept 3m`.
    pub fn timing(&self) -> String {
        let mut text = String::new();
        if self.hold > Duration::ZERO {
            text += &format!(" for {}", self.hold);
        }
        if self.keep_firing_for > Duration::ZERO {
            text += &format!(", kept {}", self.keep_firing_for);
        }
        text
    }
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

/// What each alert of the pack must catch, how fast, and in which world.
///
/// # Errors
/// If the embedded file is flawed, which a test excludes.
pub fn pack_intents() -> Result<Intents, Diagnostic> {
    Intents::parse(&Source::new(INTENTS.0, INTENTS.1))
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
        team: label("team"),
        summary: annotation("summary"),
        impact: annotation("impact"),
        action: annotation("action"),
        runbook: annotation("runbook"),
        runbook_url: annotation("runbook_url"),
        expression: rule.expression.text().to_owned(),
        hold: rule.hold,
        keep_firing_for: rule.keep_firing_for,
        file: file.to_owned(),
        labels: rule
            .labels
            .iter()
            .filter(|(_, text)| text.is_plain())
            .map(|(name, text)| (name.clone(), text.text().to_owned()))
            .collect(),
    }
}
