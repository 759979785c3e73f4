use serde::Serialize;

use super::{Gate, GateState, Mode, NaiveUtc, Severity};

/// The body of `GET …/status`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// The mode now.
    pub mode: Mode,
    /// Whether that is online.
    pub is_online: bool,
    /// Whether that is sovereign.
    pub is_sovereign: bool,
    /// The bundle in use.
    pub active_bundle: Option<ActiveBundle>,
    /// Bundles known.
    pub available_bundles: usize,
    /// Of these, trusted.
    pub validated_bundles: usize,
    /// Of these, in quarantine.
    pub quarantined_bundles: usize,
    /// Connections refused by the network guard.
    pub network_blocks_count: u64,
    /// When the network was last looked at.
    pub last_network_check: Option<NaiveUtc>,
    /// The limits in force.
    pub config: Limits,
    /// The backend's version.
    pub system_version: String,
    /// When the mode last changed.
    pub last_mode_change: Option<NaiveUtc>,
}

/// The bundle in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActiveBundle {
    /// Its id.
    pub id: String,
}

/// The limits in force, as the status shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Shortest reason for an override.
    pub override_reason_min_length: usize,
    /// Shortest life of an override.
    pub override_min_seconds: i64,
    /// Longest life of an override.
    pub override_max_seconds: i64,
}

/// The body of `GET …/statistics`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// The mode now.
    pub current_mode: Mode,
    /// Bundles known.
    pub total_bundles: usize,
    /// Of these, trusted.
    pub validated_bundles: usize,
    /// Of these, in quarantine.
    pub quarantined_bundles: usize,
    /// Connections refused by the network guard.
    pub network_blocks: u64,
    /// Length of the audit list in memory.
    pub audit_entries: usize,
}

/// How well one area, or all, is governed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Nothing to do.
    Healthy,
    /// Somebody should look.
    Warning,
    /// Somebody must act.
    Critical,
}

/// The body of `GET …/governance/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GovernanceStatus {
    /// The worst of the three areas.
    pub overall_governance: Health,
    /// Bundles.
    pub g1_bundle_trust: BundleTrust24h,
    /// Modes.
    pub g2_mode_governance: ModeGovernance24h,
    /// The AXE.
    pub g3_axe_security: Axe24h,
    /// Critical events of the last 24 hours that this process remembers, oldest first.
    pub critical_events_24h: Vec<CriticalEvent>,
    /// When this was put together.
    pub last_update: NaiveUtc,
}

/// Area G1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BundleTrust24h {
    /// Critical when bundles are quarantined and none is left, warning when some are or signatures failed.
    pub status: Health,
    /// Bundles known.
    pub bundles_total: usize,
    /// Of these, trusted.
    pub bundles_validated: usize,
    /// Of these, in quarantine.
    pub bundles_quarantined: usize,
    /// Signature failures in the last 24 hours.
    pub signature_failures_24h: usize,
}

/// Area G2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModeGovernance24h {
    /// Critical after a rolled-back switch, warning while an override is live or when gates failed.
    pub status: Health,
    /// The mode now.
    pub current_mode: Mode,
    /// Whether an override is live.
    pub override_active: bool,
    /// Preflights that failed in the last 24 hours.
    pub preflight_failures_24h: usize,
    /// Switches committed in the last 24 hours.
    pub mode_switches_24h: usize,
}

/// Area G3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Axe24h {
    /// Warning when trust was violated.
    pub status: Health,
    /// Whether the DMZ is up: only online.
    pub dmz_running: bool,
    /// Trust violations in the last 24 hours.
    pub trust_violations_24h: usize,
    /// Requests blocked in the last 24 hours.
    pub external_requests_blocked_24h: usize,
}

/// One line of [`GovernanceStatus::critical_events_24h`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CriticalEvent {
    /// When it was written.
    pub timestamp: NaiveUtc,
    /// Its type.
    pub event_type: &'static str,
    /// Its severity.
    pub severity: Severity,
    /// Its reason.
    pub reason: Option<String>,
}

/// The body of `GET …/metrics/summary`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricsSummary {
    /// Switches by target mode.
    pub mode_switches: Counts,
    /// Blocking gates.
    pub preflight_failures: Counts,
    /// Overrides used.
    pub override_usage_total: u64,
    /// Signature failures.
    pub bundle_signature_failures: u64,
    /// Bundles put into quarantine.
    pub bundle_quarantines: u64,
    /// Trust violations by tier.
    pub axe_trust_violations: Counts,
    /// Whether an override is live.
    pub override_active: bool,
    /// When this was put together.
    pub last_update: NaiveUtc,
}

/// Names with counts, in the order of the metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(pub Vec<(&'static str, u64)>);

impl Serialize for Counts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// The outcome of a preflight: the body of `POST …/mode/preflight`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preflight {
    /// Where to.
    pub target_mode: Mode,
    /// Where from.
    pub current_mode: Mode,
    /// Every gate.
    pub checks: Vec<Check>,
    /// The worst of the gates.
    pub overall_status: GateState,
    /// Why the switch is blocked.
    pub blocking_reasons: Vec<String>,
    /// Remarks.
    pub warnings: Vec<String>,
    /// Whether the switch may go ahead.
    pub can_proceed: bool,
    /// Whether it may go ahead only with an override.
    pub override_required: bool,
    /// What the log calls this preflight.
    pub request_id: String,
    /// When.
    pub timestamp: NaiveUtc,
    /// By whom.
    pub checked_by: &'static str,
}

/// One gate of a [`Preflight`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which.
    pub gate_name: Gate,
    /// What it said.
    pub status: GateState,
    /// Whether the target mode needs it.
    pub required: bool,
    /// Whether it blocks now.
    pub blocking: bool,
    /// In words.
    pub reason: String,
    /// What went wrong, if it failed.
    pub error: Option<String>,
    /// Nothing more is known of a gate.
    pub metadata: Empty,
    /// When it was checked.
    pub checked_at: NaiveUtc,
}

/// `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Empty {}

/// The body of `POST …/audit/export`: what was exported, not the content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditExport {
    /// Always true: a failed export is a refusal.
    pub success: bool,
    /// Name of the export.
    pub export_id: String,
    /// Entries hashed.
    pub event_count: usize,
    /// `jsonl`.
    pub format: &'static str,
    /// `SHA256`.
    pub hash_algorithm: &'static str,
    /// Over the entries joined by line feeds, each compact and with non-ASCII characters escaped; `None`
    /// when no hash was asked for.
    pub content_hash: Option<String>,
    /// When.
    pub timestamp: NaiveUtc,
}
