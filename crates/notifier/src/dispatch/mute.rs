use std::collections::{BTreeMap, BTreeSet};

use assurance_metrics_model::{Labels, Timestamp};

use super::alerts::Known;
use super::group::is_over;
use super::plan::Plan;
use super::silence::SilenceId;
use crate::routing::{InhibitRule, MutedBy};

/// Why nobody is told of an alert that fires.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suppression {
    /// Another alert fires that inhibits it.
    Inhibited {
        /// The fingerprint of that alert.
        by: u64,
    },
    /// The route is silent at this time.
    Muted(MutedBy),
    /// A silence holds.
    Silenced {
        /// It, or all of them.
        by: Vec<SilenceId>,
    },
    /// The receiver has no integrations, or is nobody.
    NobodyThere,
}

/// For each inhibition rule the alerts that can be its source, by what must be equal.
#[derive(Debug, Default)]
pub(super) struct Sources {
    rules: Vec<BTreeMap<Labels, BTreeSet<Labels>>>,
}

impl Sources {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { rules: vec![BTreeMap::new(); plan.routing().inhibit_rules.len()] }
    }

    pub(super) fn clear(&mut self) {
        self.rules.iter_mut().for_each(BTreeMap::clear);
    }

    pub(super) fn add(&mut self, plan: &Plan, labels: &Labels) {
        for (rule, sources) in plan.routing().inhibit_rules.iter().zip(&mut self.rules) {
            if rule.is_source(labels) {
                sources.entry(equal_part(rule, labels)).or_default().insert(labels.clone());
            }
        }
    }

    pub(super) fn remove(&mut self, plan: &Plan, labels: &Labels) {
        for (rule, sources) in plan.routing().inhibit_rules.iter().zip(&mut self.rules) {
            if sources.is_empty() {
                continue;
            }
            let part = equal_part(rule, labels);
            if let Some(equals) = sources.get_mut(&part) {
                equals.remove(labels);
                if equals.is_empty() {
                    sources.remove(&part);
                }
            }
        }
    }

    /// The fingerprint of an alert that fires and keeps this one quiet.
    pub(super) fn inhibitor(
        &self,
        plan: &Plan,
        alerts: &BTreeMap<Labels, Known>,
        target: &Labels,
        now: Timestamp,
    ) -> Option<u64> {
        for (rule, sources) in plan.routing().inhibit_rules.iter().zip(&self.rules) {
            if sources.is_empty() {
                continue;
            }
            let Some(side) = rule.as_target(target) else { continue };
            let Some(equals) = sources.get(&equal_part(rule, target)) else { continue };
            let firing = equals
                .iter()
                .filter_map(|source| alerts.get(source).filter(|known| !is_over(&known.alert, now)));
            if let Some(known) = firing.into_iter().find(|known| side.is_inhibited_by(&known.alert.labels)) {
                return Some(known.fingerprint);
            }
        }
        None
    }
}

/// Absent and empty are the same, as labels have no empty values.
fn equal_part(rule: &InhibitRule, labels: &Labels) -> Labels {
    Labels::from_sorted(labels.iter().filter(|(name, _)| rule.equal.iter().any(|n| n == name)))
}
