//! Labels that come out the same at every evaluation, made once.

use assurance_metrics_model::{Labels, METRIC_NAME};
use hashbrown::HashMap;

use crate::{AlertState, Phase};

/// The series of alerts and of when they became active.
const ALERTS: &str = "ALERTS";
const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";
const ALERT_STATE: &str = "alertstate";

/// Entries that may be left over before a cache is emptied.
const SLACK: usize = 64;

/// What a rule makes of the labels of its expression's results.
#[derive(Debug, Default)]
pub(crate) struct LabelCache(HashMap<Labels, Labels>);

impl LabelCache {
    pub(crate) fn get(&mut self, from: &Labels, make: impl FnOnce() -> Labels) -> Labels {
        if let Some(known) = self.0.get(from) {
            return known.clone();
        }
        let made = make();
        self.0.insert(from.clone(), made.clone());
        made
    }

    /// Forgets series that come and go, once there are more of them than of those in use.
    pub(crate) fn trim(&mut self, used: usize) {
        if self.0.len() > used * 2 + SLACK {
            self.0.clear();
        }
    }
}

/// The two series of an alert.
#[derive(Debug)]
pub(crate) struct AlertSeries {
    phase: Phase,
    pub(crate) state: Labels,
    pub(crate) since: Labels,
}

impl AlertSeries {
    fn of(alert: &AlertState) -> Self {
        let mut state = alert.labels.to_builder();
        state.set(METRIC_NAME, ALERTS).set(ALERT_STATE, alert.phase.as_str());
        let mut since = alert.labels.to_builder();
        since.set(METRIC_NAME, ALERTS_FOR_STATE);
        Self { phase: alert.phase, state: state.build(), since: since.build() }
    }
}

/// The series of a rule's alerts.
#[derive(Debug, Default)]
pub(crate) struct SeriesCache(HashMap<Labels, AlertSeries>);

impl SeriesCache {
    pub(crate) fn get(&mut self, alert: &AlertState) -> &AlertSeries {
        let known = self.0.entry(alert.labels.clone()).or_insert_with(|| AlertSeries::of(alert));
        if known.phase != alert.phase {
            *known = AlertSeries::of(alert);
        }
        known
    }

    /// As [`LabelCache::trim`].
    pub(crate) fn trim(&mut self, used: usize) {
        if self.0.len() > used * 2 + SLACK {
            self.0.clear();
        }
    }
}
