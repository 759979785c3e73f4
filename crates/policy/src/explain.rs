use std::fmt;

use assurance_diagnostics::Diagnostic;
use assurance_metrics_model::Labels;
use assurance_notifier::routing::Routing;
use serde::Serialize;

use crate::intents::Intents;
use crate::{Alert, AliasError, Aliases, Meaning, Statement};

/// What is known of an id, under every namespace that has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The id as it was asked for.
    pub asked: String,
    /// Whether it means different alerts in different documents: then nothing else takes it without a namespace.
    pub ambiguous: bool,
    /// What it means, by namespace.
    pub meanings: Vec<Meaning>,
    /// The alerts that are meant.
    pub alerts: Vec<Explained>,
}

/// One alert, from all files of the pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explained {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub statement: Statement,
    /// Its rules.
    pub rules: Vec<Alert>,
    /// What is promised of it.
    pub promises: Vec<Promise>,
    /// Who is told.
    pub told: Vec<Told>,
    /// What it is called in other documents.
    pub elsewhere: Vec<Meaning>,
}

/// What an intent promises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Promise {
    /// The intent's id.
    pub intent: String,
    /// What it must catch: `event`, `state`, `count`, …
    pub kind: &'static str,
    /// From the violation to the alert.
    pub detect_within: String,
    /// From the violation to the notification.
    pub notify_within: Option<String>,
    /// From the end of the violation to the end of the alert.
    pub clear_within: Option<String>,
}

/// Who is told of a rule's alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Told {
    /// The severity.
    pub severity: String,
    /// The receiver.
    pub receiver: String,
    /// How: `slack:#incidents`, …
    pub integrations: Vec<String>,
    /// How long it waits for others of its group.
    pub group_wait: String,
    /// What is done when nobody takes it.
    pub escalation: Vec<String>,
}

/// Why nothing was explained.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// No alert is meant.
    #[error(transparent)]
    Alias(#[from] AliasError),
    /// The pack itself is flawed, which a test excludes.
    #[error("{}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Pack(Vec<Diagnostic>),
}

impl From<Vec<Diagnostic>> for ExplainError {
    fn from(flaws: Vec<Diagnostic>) -> Self {
        Self::Pack(flaws)
    }
}

impl From<Diagnostic> for ExplainError {
    fn from(flaw: Diagnostic) -> Self {
        Self::Pack(vec![flaw])
    }
}

/// Explains an id, with or without its namespace, or an alert's name.
///
/// # Errors
/// If no alert is meant. An id that is ambiguous is explained in all its meanings.
pub fn explain(asked: &str) -> Result<Explanation, ExplainError> {
    let alerts = crate::alerts()?;
    let aliases = crate::aliases()?;
    let named = alerts.iter().find(|alert| alert.name == asked);
    let (meanings, ids) = match (named, aliases.resolve(asked)) {
        (Some(alert), _) => (Vec::new(), vec![alert.id.clone()]),
        (None, Ok(id)) => {
            let meanings = aliases.meanings(asked);
            (meanings, vec![id.to_owned()])
        }
        (None, Err(AliasError::Ambiguous { meanings, .. })) => {
            let mut ids: Vec<String> = Vec::new();
            for meaning in &meanings {
                if !ids.contains(&meaning.id) {
                    ids.push(meaning.id.clone());
                }
            }
            (meanings, ids)
        }
        (None, Err(error)) => return Err(error.into()),
    };
    let intents = crate::pack_intents()?;
    let statements = crate::statements()?;
    let (routing, escalation) = (crate::routing()?, crate::escalation()?);
    let explained = ids.iter().map(|id| {
        let rules: Vec<Alert> = alerts.iter().filter(|alert| alert.id == *id).cloned().collect();
        let statement = statements.iter().find(|statement| statement.id == *id).cloned();
        let statement = statement.ok_or_else(|| AliasError::Unknown { id: id.clone(), suggestion: None })?;
        Ok::<_, AliasError>(Explained {
            id: id.clone(),
            statement,
            promises: promises(&intents, &rules),
            told: told(&routing, &escalation, &rules),
            elsewhere: elsewhere(&aliases, id),
            rules,
        })
    });
    let alerts = explained.collect::<Result<Vec<_>, _>>()?;
    Ok(Explanation { asked: asked.to_owned(), ambiguous: ids.len() > 1, meanings, alerts })
}

fn elsewhere(aliases: &Aliases, id: &str) -> Vec<Meaning> {
    aliases.elsewhere(id)
}

/// The intents of these rules: those of the same name, and whose `match` one of them has.
fn promises(intents: &Intents, rules: &[Alert]) -> Vec<Promise> {
    let of = |intent: &&crate::intents::Intent| rules.iter().any(|rule| rule.keeps(intent));
    let promise = |intent: &crate::intents::Intent| Promise {
        intent: intent.id.clone(),
        kind: intent.violation.kind(),
        detect_within: intent.detect_within.to_string(),
        notify_within: intent.notify_within.map(|d| d.to_string()),
        clear_within: intent.clear_within.map(|d| d.to_string()),
    };
    intents.intents.iter().filter(of).map(promise).collect()
}

fn told(
    routing: &Routing,
    escalation: &assurance_notifier::routing::Escalation,
    rules: &[Alert],
) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    for rule in rules {
        let labels = Labels::from_pairs(rule.fixed_labels());
        for route in routing.find(&labels) {
            let receiver = routing.receivers.iter().find(|receiver| receiver.name == route.receiver);
            let integrations = receiver.map(|r| r.integrations.as_slice()).unwrap_or_default();
            let chain = escalation.chain(&labels, &[route.receiver.as_str()]);
            let step = |step: &assurance_notifier::routing::Step| {
                format!("after {} unless {}: {}", step.after, step.unless.as_str(), step.notify)
            };
            let one = Told {
                severity: rule.severity.clone(),
                receiver: route.receiver.clone(),
                integrations: integrations.iter().map(|i| i.description.clone()).collect(),
                group_wait: route.group_wait.to_string(),
                escalation: chain.map(|c| c.steps.iter().map(step).collect()).unwrap_or_default(),
            };
            if !told.contains(&one) {
                told.push(one);
            }
        }
    }
    told
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ambiguous {
            writeln!(f, "{} means different alerts in different documents:\n", self.asked)?;
            for meaning in &self.meanings {
                let named = format!("{}:{}", meaning.namespace, meaning.alias);
                let name = self.alerts.iter().find(|a| a.id == meaning.id).map(Explained::name);
                write!(f, "  {named:<16}{:<8}{}", meaning.id, name.unwrap_or_default())?;
                match meaning.called.as_str() {
                    "" => writeln!(f)?,
                    called => writeln!(f, "  (there: {called})")?,
                }
            }
            writeln!(f, "\nWrite the namespace; without it, no other command takes this id.")?;
        }
        for (index, alert) in self.alerts.iter().enumerate() {
            if self.ambiguous || index > 0 {
                writeln!(f)?;
            }
            write!(f, "{alert}")?;
        }
        Ok(())
    }
}

impl Explained {
    fn name(&self) -> &str {
        self.rules.first().map(|rule| rule.name.as_str()).unwrap_or_default()
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.id, self.name())?;
        let mut line = |key: &str, text: &str| writeln!(f, "  {key:<9} {text}");
        line("catches", &self.statement.catches)?;
        line("fires", &self.statement.fires)?;
        line("clears", &self.statement.clears)?;
        for rule in &self.rules {
            line(&rule.severity, &rule.summary)?;
            line("", &format!("{}{}", rule.expression.replace('\n', " "), rule.timing()))?;
            line("impact", &rule.impact)?;
            line("action", &rule.action)?;
        }
        if let Some(rule) = self.rules.first() {
            line("runbook", &format!("{} {}", rule.runbook, rule.runbook_url))?;
        }
        for promise in &self.promises {
            let within = |what: &str, d: &Option<String>| d.as_ref().map(|d| format!(", {what} within {d}"));
            let notified = within("told", &promise.notify_within).unwrap_or_default();
            let cleared = within("over", &promise.clear_within).unwrap_or_default();
            let text = format!(
                "{} ({}): found within {}{notified}{cleared}",
                promise.intent, promise.kind, promise.detect_within
            );
            line("promise", &text)?;
        }
        for told in &self.told {
            let text = format!("{}: {} ({})", told.severity, told.receiver, told.integrations.join(", "));
            line("told", &text)?;
            for step in &told.escalation {
                line("", step)?;
            }
        }
        for residual in &self.statement.residuals {
            line("unseen", &residual.what)?;
            line("", &format!("Remedy: {}", residual.remedy))?;
        }
        for meaning in &self.elsewhere {
            let text =
                format!("{}:{} {} ({})", meaning.namespace, meaning.alias, meaning.called, meaning.about);
            line("alias", &text)?;
        }
        Ok(())
    }
}
