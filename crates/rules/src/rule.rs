use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels};
use assurance_template::Template;

/// An expression as it was written and as it was understood.
#[derive(Clone)]
pub struct Expression {
    text: Arc<str>,
    tree: Arc<promql::Expr>,
    canonical: Arc<str>,
}

use assurance_promql as promql;

impl Expression {
    /// Reads an expression, in the language that needs no feature to be enabled.
    ///
    /// # Errors
    /// If it is no PromQL, or uses a construct that cannot be evaluated.
    pub fn parse(text: &str) -> Result<Self, promql::ParseError> {
        Self::parse_with(text, promql::Features::default())
    }

    /// As [`Expression::parse`], in the language with these features.
    ///
    /// # Errors
    /// As [`Expression::parse`].
    pub fn parse_with(text: &str, features: promql::Features) -> Result<Self, promql::ParseError> {
        let tree = promql::parse_with(text, features)?;
        let canonical = tree.to_string();
        Ok(Self { text: text.into(), tree: Arc::new(tree), canonical: canonical.into() })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// As it was understood, in the canonical form that the API shows.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The syntax tree.
    pub fn tree(&self) -> &promql::Expr {
        &self.tree
    }
}

/// Equal in text.
impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

/// A list of rules that are evaluated one after the other, at the same instants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name, unique in its file.
    pub name: String,
    /// The file, as the user wrote the path.
    pub file: String,
    /// How often it is evaluated; `None` for the server's default.
    pub interval: Option<Duration>,
    /// Most series or alerts that a rule of it may give; 0 for no limit.
    pub limit: usize,
    /// How far in the past its queries look, for data that arrive late; `None` for the server's default.
    pub query_offset: Option<Duration>,
    /// Labels of all of its rules, as written; the rules have them among their own already.
    pub labels: BTreeMap<String, String>,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Writes the result of an expression as new series.
    Recording(RecordingRule),
    /// Makes an alert of every element of an expression's result.
    Alerting(AlertingRule),
}

/// Writes the result of an expression as new series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingRule {
    /// The metric name of the result.
    pub record: String,
    /// What is evaluated.
    pub expression: Expression,
    /// Labels of the result, which override those of the expression.
    pub labels: BTreeMap<String, String>,
    /// The line in its file, from 1.
    pub line: usize,
}

/// Makes an alert of every element of an expression's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertingRule {
    /// The alert's name, its label `alertname`.
    pub alert: String,
    /// The condition.
    pub expression: Expression,
    /// How long the condition must hold before the alert fires (`for`).
    pub hold: Duration,
    /// How long the alert goes on firing after the condition has ended.
    pub keep_firing_for: Duration,
    /// Labels, as templates; they identify the alert.
    pub labels: BTreeMap<String, Template>,
    /// Annotations, as templates; they describe it.
    pub annotations: BTreeMap<String, Template>,
    /// The line in its file, from 1.
    pub line: usize,
}

impl Rule {
    /// Its name: the alert's or the recorded metric's.
    pub fn name(&self) -> &str {
        match self {
            Self::Recording(rule) => &rule.record,
            Self::Alerting(rule) => &rule.alert,
        }
    }

    /// What it evaluates.
    pub fn expression(&self) -> &Expression {
        match self {
            Self::Recording(rule) => &rule.expression,
            Self::Alerting(rule) => &rule.expression,
        }
    }

    /// The line in its file, from 1.
    pub fn line(&self) -> usize {
        match self {
            Self::Recording(rule) => rule.line,
            Self::Alerting(rule) => rule.line,
        }
    }

    /// Its labels as written: what, with its kind and name, makes it the same rule after a change of its file.
    pub fn label_texts(&self) -> Labels {
        match self {
            Self::Recording(rule) => Labels::from_pairs(&rule.labels),
            Self::Alerting(rule) => Labels::from_pairs(rule.labels.iter().map(|(n, t)| (n, t.text()))),
        }
    }

    /// Whether it makes alerts.
    pub fn is_alerting(&self) -> bool {
        matches!(self, Self::Alerting(_))
    }
}
