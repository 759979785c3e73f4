//! The BRAiN backend as a state machine.

mod audit;
mod command;
mod kinds;
mod metrics;
mod overrides;
mod switch;
mod threats;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_metrics_model::{Duration, Timestamp};
use sha2::{Digest as _, Sha256};

use audit::{Entry, Event, Stamp};
use metrics::{Counters, Gauges, LastTimes};

pub use audit::{MAX_AUDIT_ENTRIES, NaiveUtc};
pub use command::{
    AuditRefusal, AxeVerdict, BundleRefusal, Command, ExportRequest, LiveOverride, Outcome, OverrideRequest,
    Refusal, SwitchRequest, Switched,
};
pub use kinds::{
    EventType, Gate, GateState, Mode, Profile, QuarantineCause, Severity, Tier, UntrustedReason,
};
pub use views::{
    ActiveBundle, AuditExport, Axe24h, BundleTrust24h, Check, Counts, CriticalEvent, Empty, GovernanceStatus,
    Health, Limits, MetricsSummary, ModeGovernance24h, Preflight, Statistics, Status,
};

/// Shortest reason for an override, in characters (`override_reason` in the backend's schema).
pub const MIN_OVERRIDE_REASON_CHARS: usize = 10;
/// Shortest life of an override.
pub const MIN_OVERRIDE_TTL: Duration = Duration::from_secs(60);
/// Longest life of an override: one day.
pub const MAX_OVERRIDE_TTL: Duration = Duration::from_secs(86_400);

const DAY: Duration = Duration::from_secs(86_400);

/// How a world begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldConfig {
    /// Whose behaviour it shows.
    pub profile: Profile,
    /// Where made-up ids come from.
    pub seed: u64,
    /// The mode at the start.
    pub mode: Mode,
    /// Validated bundles at the start.
    pub bundles: Vec<String>,
    /// Addresses of the DMZ's gateways.
    pub dmz: Vec<std::net::IpAddr>,
    /// What the status calls the backend's version.
    pub system_version: String,
}

impl Default for WorldConfig {
    /// As documented, online, one validated bundle, no gateways.
    fn default() -> Self {
        Self {
            profile: Profile::AsDocumented,
            seed: 1,
            mode: Mode::Online,
            bundles: vec!["bundle-core".to_owned()],
            dmz: Vec::new(),
            system_version: "simulated".to_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BundleState {
    Validated,
    Quarantined,
}

/// What survives a restart, in files or rebuilt from the audit log.
#[derive(Clone, Debug)]
struct Disk {
    mode: Mode,
    last_mode_change: Option<NaiveUtc>,
    bundles: BTreeMap<String, BundleState>,
    active_bundle: Option<String>,
    last: LastTimes,
    /// As original they are the process's: see [`World::start`].
    counters: Counters,
    slot: Option<LiveOverride>,
    audit_file: Vec<Arc<str>>,
}

/// What does not.
#[derive(Clone, Debug)]
struct Process {
    audit: Vec<Entry>,
    network_blocks: u64,
    last_network_check: Option<NaiveUtc>,
}

impl Process {
    fn new() -> Self {
        Self { audit: Vec::new(), network_blocks: 0, last_network_check: None }
    }
}

/// The BRAiN backend, its disk and what surrounds it.
///
/// Time is an argument and never runs backwards: a call with an earlier time than the last is taken to be at
/// that last time. Reading does not move the clock; call [`World::advance`] first, or an override that has
/// expired in the meantime still shows.
#[derive(Clone, Debug)]
pub struct World {
    config: WorldConfig,
    now: Timestamp,
    disk: Disk,
    /// `None` while the process is down.
    process: Option<Process>,
    gates: [GateState; Gate::ALL.len()],
    broken_commit: Option<String>,
    stamp: Stamp,
    preflights: u64,
    made_up: u64,
}

impl World {
    /// A world whose process starts now.
    pub fn new(config: WorldConfig, start: Timestamp) -> Self {
        let disk = Disk {
            mode: config.mode,
            last_mode_change: None,
            bundles: config.bundles.iter().map(|id| (id.clone(), BundleState::Validated)).collect(),
            active_bundle: None,
            last: LastTimes::default(),
            counters: Counters::default(),
            slot: None,
            audit_file: Vec::new(),
        };
        Self {
            config,
            now: start,
            disk,
            process: Some(Process::new()),
            gates: [GateState::Pass; Gate::ALL.len()],
            broken_commit: None,
            stamp: Stamp::default(),
            preflights: 0,
            made_up: 0,
        }
    }

    /// Does what a script says.
    ///
    /// # Errors
    /// As the method named like the command.
    pub fn handle(&mut self, now: Timestamp, command: Command) -> Result<Outcome, Refusal> {
        match command {
            Command::CreateOverride(request) => {
                self.create_override(now, request).map(Outcome::OverrideCreated)
            }
            Command::SwitchMode(request) => self.switch_mode(now, request).map(Outcome::Switched),
            Command::Preflight { target } => self.preflight(now, target).map(Outcome::Preflight),
            Command::SetGate { gate, state } => {
                self.gates[gate.index()] = state;
                Ok(Outcome::Done)
            }
            Command::PreflightFailure { gate } => self.preflight_failure(now, gate).map(Outcome::Preflight),
            Command::BreakNextCommit { point } => {
                self.broken_commit = Some(point);
                Ok(Outcome::Done)
            }
            Command::ValidateBundle { id } => self.validate_bundle(now, id).map(|()| Outcome::Done),
            Command::QuarantineBundle { id, cause } => {
                self.quarantine_bundle(now, id, cause).map(|()| Outcome::Done)
            }
            Command::SignatureFailure { id } => {
                self.quarantine_bundle(now, id, QuarantineCause::SignatureInvalid).map(|()| Outcome::Done)
            }
            Command::UntrustedSource { id, reason } => {
                self.untrusted_source(now, id, reason).map(|()| Outcome::Done)
            }
            Command::AxeViolation { ip } => self.axe_violation(now, ip).map(Outcome::Axe),
            Command::ExportAudit(request) => self.export_audit(now, &request).map(Outcome::Exported),
            Command::Stop => self.stop(now).map(|()| Outcome::Done),
            Command::Start => self.start(now).map(|()| Outcome::Done),
            Command::Restart => self.restart(now).map(|()| Outcome::Done),
        }
    }

    /// Lets time pass: an override whose time is up expires at that time, or at the start of the next process
    /// if none was running.
    pub fn advance(&mut self, now: Timestamp) {
        if let Some(due) = self.poll_timeout().filter(|due| *due <= now) {
            self.now = self.now.max(due);
            self.expire();
        }
        self.now = self.now.max(now);
    }

    /// When [`World::advance`] has something to do.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.process.as_ref()?;
        Some(self.disk.slot.as_ref()?.expires_at)
    }

    /// Ends the process: the list of audit entries is gone, and as original the counters are.
    ///
    /// # Errors
    /// If it is already down.
    pub fn stop(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.advance(now);
        self.process.take().map(|_gone| ()).ok_or(Refusal::Down)
    }

    /// Starts a new process, which reads from the disk what the old one had written.
    ///
    /// # Errors
    /// If one is running.
    pub fn start(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.advance(now);
        if self.process.is_some() {
            return Err(Refusal::Running);
        }
        if self.config.profile == Profile::AsOriginal {
            self.disk.counters = Counters::default();
        }
        self.process = Some(Process::new());
        self.advance(now);
        Ok(())
    }

    /// Stops and starts at one instant.
    ///
    /// # Errors
    /// If the process is down.
    pub fn restart(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.stop(now)?;
        self.start(now)
    }

    /// Whether the process runs.
    pub fn is_up(&self) -> bool {
        self.process.is_some()
    }

    /// Whose behaviour this is.
    pub fn profile(&self) -> Profile {
        self.config.profile
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.disk.mode
    }

    /// The override that may still be used.
    pub fn live_override(&self) -> Option<&LiveOverride> {
        self.disk.slot.as_ref()
    }

    /// The body of `GET …/metrics` in text format 0.0.4; empty while the process is down, when a real one
    /// would refuse the connection.
    pub fn metrics(&mut self, now: Timestamp) -> String {
        self.advance(now);
        if self.process.is_none() {
            return String::new();
        }
        let gauges = Gauges {
            override_expires: self.disk.slot.as_ref().map(|o| o.expires_at),
            bundles_quarantined: self.bundles(BundleState::Quarantined),
        };
        metrics::text(self.config.profile, &self.disk.counters, &self.disk.last, gauges)
    }

    /// The last `limit` entries of the process's list, oldest first, each as it was written. A filter takes
    /// one type by its whole name; names that no event has give no entries.
    pub fn audit(&self, limit: usize, event_type: Option<&str>) -> Vec<&str> {
        let Some(process) = &self.process else { return Vec::new() };
        let wanted = |entry: &&Entry| match (event_type, self.config.profile) {
            (None, _) => true,
            (Some(name), Profile::AsOriginal) => entry.kind.as_str() == name,
            (Some(name), Profile::AsDocumented) => EventType::from_filter(name) == Some(entry.kind),
        };
        let mut last: Vec<&str> =
            process.audit.iter().rev().filter(wanted).take(limit).map(|e| &*e.raw).collect();
        last.reverse();
        last
    }

    /// The audit log file: every entry since the world began, restarts notwithstanding.
    pub fn audit_file(&self) -> &[Arc<str>] {
        &self.disk.audit_file
    }

    /// The body of `GET …/statistics`.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            current_mode: self.disk.mode,
            total_bundles: self.disk.bundles.len(),
            validated_bundles: self.bundles(BundleState::Validated),
            quarantined_bundles: self.bundles(BundleState::Quarantined),
            network_blocks: self.process.as_ref().map_or(0, |p| p.network_blocks),
            audit_entries: self.process.as_ref().map_or(0, |p| p.audit.len()),
        }
    }

    /// The body of `GET …/status`.
    pub fn status(&self) -> Status {
        Status {
            mode: self.disk.mode,
            is_online: self.disk.mode == Mode::Online,
            is_sovereign: self.disk.mode == Mode::Sovereign,
            active_bundle: self.disk.active_bundle.clone().map(|id| ActiveBundle { id }),
            available_bundles: self.disk.bundles.len(),
            validated_bundles: self.bundles(BundleState::Validated),
            quarantined_bundles: self.bundles(BundleState::Quarantined),
            network_blocks_count: self.process.as_ref().map_or(0, |p| p.network_blocks),
            last_network_check: self.process.as_ref().and_then(|p| p.last_network_check),
            config: Limits {
                override_reason_min_length: MIN_OVERRIDE_REASON_CHARS,
                override_min_seconds: MIN_OVERRIDE_TTL.as_millis() / 1000,
                override_max_seconds: MAX_OVERRIDE_TTL.as_millis() / 1000,
            },
            system_version: self.config.system_version.clone(),
            last_mode_change: self.disk.last_mode_change,
        }
    }

    /// The body of `GET …/governance/status`, over what this process remembers of the last 24 hours.
    ///
    /// # Errors
    /// Always, as original.
    pub fn governance_status(&self) -> Result<GovernanceStatus, AuditRefusal> {
        if self.config.profile == Profile::AsOriginal {
            return Err(AuditRefusal::NotAwaitable);
        }
        let since = NaiveUtc::from(self.now - DAY);
        let recent: Vec<&Entry> =
            self.process.iter().flat_map(|p| &p.audit).filter(|e| e.at > since).collect();
        let count = |kinds: &[EventType]| recent.iter().filter(|e| kinds.contains(&e.kind)).count();

        let quarantined = self.bundles(BundleState::Quarantined);
        let validated = self.bundles(BundleState::Validated);
        let signature_failures =
            count(&[EventType::SignatureInvalid, EventType::KeyUntrusted, EventType::Unsigned]);
        let g1 = BundleTrust24h {
            status: match (quarantined, validated, signature_failures) {
                (1.., 0, _) => Health::Critical,
                (0, _, 0) => Health::Healthy,
                _ => Health::Warning,
            },
            bundles_total: self.disk.bundles.len(),
            bundles_validated: validated,
            bundles_quarantined: quarantined,
            signature_failures_24h: signature_failures,
        };
        let override_active = self.live_override().is_some();
        let preflight_failures = count(&[EventType::PreflightFailed]);
        let g2 = ModeGovernance24h {
            status: if count(&[EventType::CommitFailed]) > 0 {
                Health::Critical
            } else if override_active || preflight_failures > 0 {
                Health::Warning
            } else {
                Health::Healthy
            },
            current_mode: self.disk.mode,
            override_active,
            preflight_failures_24h: preflight_failures,
            mode_switches_24h: count(&[EventType::ModeChanged]),
        };
        let violations = count(&[EventType::TrustTierViolation]);
        let g3 = Axe24h {
            status: if violations > 0 { Health::Warning } else { Health::Healthy },
            dmz_running: self.disk.mode == Mode::Online,
            trust_violations_24h: violations,
            external_requests_blocked_24h: count(&[EventType::RequestBlocked]),
        };
        let critical = recent.iter().filter(|e| e.kind.severity() == Severity::Critical);
        Ok(GovernanceStatus {
            overall_governance: g1.status.max(g2.status).max(g3.status),
            g1_bundle_trust: g1,
            g2_mode_governance: g2,
            g3_axe_security: g3,
            critical_events_24h: critical
                .map(|e| CriticalEvent {
                    timestamp: e.at,
                    event_type: e.kind.as_str(),
                    severity: e.kind.severity(),
                    reason: e.reason.as_deref().map(str::to_owned),
                })
                .collect(),
            last_update: self.now.into(),
        })
    }

    /// The body of `GET …/metrics/summary`.
    pub fn metrics_summary(&self) -> MetricsSummary {
        let none = Counters::default();
        let counters = if self.is_up() { &self.disk.counters } else { &none };
        let lazy = self.config.profile == Profile::AsOriginal;
        let named = |names: &[&'static str], counts: &[u64]| {
            let pairs = names.iter().copied().zip(counts.iter().copied());
            Counts(pairs.filter(|(_, n)| *n > 0 || !lazy).collect())
        };
        MetricsSummary {
            mode_switches: named(&Mode::ALL.map(Mode::as_str), &counters.mode_switch),
            preflight_failures: named(&Gate::ALL.map(Gate::as_str), &counters.preflight_failure),
            override_usage_total: counters.override_usage,
            bundle_signature_failures: counters.signature_failure,
            bundle_quarantines: counters.quarantine,
            axe_trust_violations: named(&[Tier::External.as_str()], &[counters.axe]),
            override_active: self.live_override().is_some(),
            last_update: self.now.into(),
        }
    }

    /// Exports the audit list: answers its count and hash, and records that it did.
    ///
    /// # Errors
    /// If the process is down; always, as original.
    pub fn export_audit(&mut self, now: Timestamp, request: &ExportRequest) -> Result<AuditExport, Refusal> {
        self.export_audit_lines(now, request).map(|(export, _)| export)
    }

    /// Exports the audit list with its lines, for an answer that streams them.
    ///
    /// # Errors
    /// As [`export_audit`](Self::export_audit).
    pub fn export_audit_lines(
        &mut self,
        now: Timestamp,
        request: &ExportRequest,
    ) -> Result<(AuditExport, Vec<String>), Refusal> {
        self.begin(now)?;
        if self.config.profile == Profile::AsOriginal {
            return Err(AuditRefusal::NotAwaitable.into());
        }
        let from = request.from.map(NaiveUtc::from);
        let until = request.until.map(NaiveUtc::from);
        let wanted = |entry: &&Entry| {
            from.is_none_or(|from| entry.at >= from)
                && until.is_none_or(|until| entry.at <= until)
                && request
                    .event_types
                    .as_ref()
                    .is_none_or(|types| types.iter().any(|t| EventType::from_filter(t) == Some(entry.kind)))
        };
        let lines: Vec<String> = self
            .process
            .iter()
            .flat_map(|p| &p.audit)
            .filter(wanted)
            .map(|e| audit::escape_non_ascii(&e.raw))
            .collect();
        let hash = hex(&Sha256::digest(lines.join("\n")));
        let timestamp = NaiveUtc::from(self.now);
        let clock: String = Timestamp::from_secs(self.now.as_millis().div_euclid(1000))
            .to_string()
            .trim_end_matches('Z')
            .replace('T', "_")
            .replace(':', "-");
        let export = AuditExport {
            success: true,
            export_id: format!("export_{clock}_{}", &self.make_up("export")[..8]),
            event_count: lines.len(),
            format: "jsonl",
            hash_algorithm: "SHA256",
            content_hash: request.include_hash.then_some(hash),
            timestamp,
        };
        self.record(
            &Event::new(EventType::AuditExported, "api")
                .reason("Audit log exported")
                .with("export_id", export.export_id.as_str())
                .with("event_count", export.event_count)
                .with("content_hash", export.content_hash.clone()),
        );
        Ok((export, lines))
    }

    fn bundles(&self, state: BundleState) -> usize {
        self.disk.bundles.values().filter(|s| **s == state).count()
    }

    /// What every command does first: time passes, and somebody must be there to obey.
    fn begin(&mut self, now: Timestamp) -> Result<&mut Process, Refusal> {
        self.advance(now);
        if self.disk.audit_file.len() >= MAX_AUDIT_ENTRIES {
            return Err(Refusal::AuditFull);
        }
        self.process.as_mut().ok_or(Refusal::Down)
    }

    /// Writes an event to the list and to the file. Without a process there is nobody to write it.
    fn record(&mut self, event: &Event) {
        let Some(process) = &mut self.process else { return };
        let at = self.stamp.next(self.now);
        let entry = audit::entry(event, at, self.config.profile == Profile::AsOriginal);
        self.disk.audit_file.push(entry.raw.clone());
        process.audit.push(entry);
        self.disk.counters.audit_events += 1;
    }

    /// Twelve hexadecimal digits that depend on the seed, the kind of thing and how many were made before.
    fn make_up(&mut self, kind: &str) -> String {
        self.made_up += 1;
        let mut hasher = Sha256::new();
        hasher.update(self.config.seed.to_be_bytes());
        hasher.update(self.made_up.to_be_bytes());
        hasher.update(kind);
        hex(&hasher.finalize()[..6])
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}
