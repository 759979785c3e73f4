//! What the tests of a file prove of its rules.

use assurance_metrics_model::{METRIC_NAME, MatchOp};
use assurance_promql as promql;
use hashbrown::{HashMap, HashSet};

use crate::{Expression, Group, Manager, Phase, Rule, RuleId};

/// What tests say of one rule, from nothing to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proof {
    /// No test names it.
    Unnamed,
    /// Tests name it, but none that passes makes its alert fire, or makes it write series.
    Named,
    /// A test that passes expects what it gives; or it feeds a rule of which one does.
    Proven,
}

impl Proof {
    /// In words, of a rule.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unnamed => "no test names it",
            Self::Named => "no test that passes makes it give anything",
            Self::Proven => "proven",
        }
    }
}

/// What tests prove of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleProof {
    /// The rule.
    pub rule: RuleId,
    /// Whether it makes alerts.
    pub alerting: bool,
    /// Its line in its file, from 1.
    pub line: usize,
    /// What they prove.
    pub proof: Proof,
}

/// The metrics that a selector names, and the alert where it reads `ALERTS`.
fn names_in(tree: &promql::Expr) -> Vec<(&str, Option<&str>)> {
    let equal = |selector: &'_ promql::VectorSelector, name: &str| -> Option<usize> {
        selector.matchers.iter().position(|m| m.name() == name && m.op() == MatchOp::Equal)
    };
    let mut names = Vec::new();
    for selector in tree.selectors() {
        if let Some(metric) = equal(selector, METRIC_NAME) {
            let alert = equal(selector, "alertname").map(|at| selector.matchers[at].value());
            names.push((selector.matchers[metric].value(), alert));
        }
    }
    names
}

/// Collects proofs while tests run.
pub(super) struct Coverage<'a> {
    rules: Vec<(&'a Group, &'a Rule, Proof)>,
    alerts: HashMap<&'a str, Vec<usize>>,
    records: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Coverage<'a> {
    pub(super) fn new(groups: &'a [Group]) -> Self {
        let mut all = Self { rules: Vec::new(), alerts: HashMap::new(), records: HashMap::new() };
        for group in groups {
            for rule in &group.rules {
                let map = if rule.is_alerting() { &mut all.alerts } else { &mut all.records };
                map.entry(rule.name()).or_default().push(all.rules.len());
                all.rules.push((group, rule, Proof::Unnamed));
            }
        }
        all
    }

    /// A test expects something of an alert; `met` if it is firing as expected.
    pub(super) fn alert(&mut self, name: &str, met: bool, manager: &Manager) {
        let Some(rules) = self.alerts.get(name) else { return };
        let firing: HashSet<usize> = if met {
            let all = manager.groups().flat_map(|group| group.rules).enumerate();
            let fires = |(at, rule): (usize, crate::RuleStatus<'_>)| {
                (rules.contains(&at) && rule.phase() == Phase::Firing).then_some(at)
            };
            all.filter_map(fires).collect()
        } else {
            HashSet::new()
        };
        for rule in rules {
            let proof = if firing.contains(rule) { Proof::Proven } else { Proof::Named };
            self.rules[*rule].2 = self.rules[*rule].2.max(proof);
        }
    }

    /// A test expects something of a query; `met` if it gives what is expected, and that is not nothing.
    pub(super) fn query(&mut self, expression: &Expression, met: bool, manager: &Manager) {
        for (metric, alert) in names_in(expression.tree()) {
            if let ("ALERTS" | "ALERTS_FOR_STATE", Some(alert)) = (metric, alert) {
                self.alert(alert, met, manager);
            }
            let Some(rules) = self.records.get(metric) else { continue };
            let gives: Vec<bool> =
                manager.groups().flat_map(|group| group.rules).map(|rule| rule.results > 0).collect();
            for rule in rules {
                let proof = if met && gives[*rule] { Proof::Proven } else { Proof::Named };
                self.rules[*rule].2 = self.rules[*rule].2.max(proof);
            }
        }
    }

    /// What is proven in the end: what a proven rule reads is proven with it.
    pub(super) fn finish(mut self) -> Vec<RuleProof> {
        let mut open: Vec<usize> = (0..self.rules.len()).collect();
        while let Some(at) = open.pop() {
            let (_, rule, proof) = self.rules[at];
            for (metric, _) in names_in(rule.expression().tree()) {
                for fed in self.records.get(metric).into_iter().flatten() {
                    if self.rules[*fed].2 < proof {
                        self.rules[*fed].2 = proof;
                        open.push(*fed);
                    }
                }
            }
        }
        let proof = |(group, rule, proof): (&Group, &Rule, Proof)| RuleProof {
            rule: RuleId {
                file: group.file.as_str().into(),
                group: group.name.as_str().into(),
                rule: rule.name().into(),
            },
            alerting: rule.is_alerting(),
            line: rule.line(),
            proof,
        };
        self.rules.into_iter().map(proof).collect()
    }
}
