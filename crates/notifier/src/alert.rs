use std::collections::BTreeMap;

use assurance_metrics_model::{Labels, Timestamp};

/// Whether an alert's condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlertStatus {
    /// It holds.
    Firing,
    /// It held, and no longer does.
    Resolved,
}

impl AlertStatus {
    /// `firing` or `resolved`, as receivers print it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// One state of one alert, as receivers are told of it. Its labels are its identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// `alertname`, the rule's and the series' labels, and those that tell this evaluator from others.
    pub labels: Labels,
    /// Rendered annotations.
    pub annotations: BTreeMap<String, String>,
    /// Firing or resolved.
    pub status: AlertStatus,
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When it resolved; while it fires, the time after which a receiver that hears nothing more may take it
    /// for resolved (Alertmanager's `endsAt`).
    pub ends_at: Timestamp,
    /// The value of the rule's expression at the last evaluation.
    pub value: f64,
    /// Where the expression can be looked at; empty for nowhere.
    pub generator_url: String,
}

/// A receiver that hears nothing for this long after a firing state may call it resolved: four times the
/// default resend delay of one minute, as Prometheus computes it.
const DEFAULT_VALID_SECS: i64 = 240;

impl Alert {
    /// An alert that fires from `at`, without annotations.
    pub fn firing(labels: Labels, at: Timestamp) -> Self {
        Self {
            labels,
            annotations: BTreeMap::new(),
            status: AlertStatus::Firing,
            starts_at: at,
            ends_at: at + assurance_metrics_model::Duration::from_secs(DEFAULT_VALID_SECS),
            value: 1.0,
            generator_url: String::new(),
        }
    }

    /// The same alert, resolved at `at`.
    #[must_use]
    pub fn resolved(&self, at: Timestamp) -> Self {
        Self { status: AlertStatus::Resolved, ends_at: at, ..self.clone() }
    }

    /// The alert's name, or `""`.
    pub fn name(&self) -> &str {
        self.labels.get_or_empty("alertname")
    }

    /// Whether `newer` says the same state of the same alert, so that it may stand in for `self` while that
    /// waits.
    pub fn is_superseded_by(&self, newer: &Self) -> bool {
        self.status == newer.status && self.starts_at == newer.starts_at && self.labels == newer.labels
    }
}
