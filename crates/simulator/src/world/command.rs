use std::net::IpAddr;

use assurance_metrics_model::{Duration, Timestamp};

use super::{
    AuditExport, Gate, GateState, MAX_AUDIT_ENTRIES, MAX_OVERRIDE_TTL, MIN_OVERRIDE_REASON_CHARS,
    MIN_OVERRIDE_TTL, Mode, Preflight, QuarantineCause, Tier, UntrustedReason,
};

/// What can be done to the world. Each has a method of the same name with a narrower type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Create an owner override that lives until it is used or expires.
    CreateOverride(OverrideRequest),
    /// Switch the mode.
    SwitchMode(SwitchRequest),
    /// Check the gates without switching.
    Preflight {
        /// Where to.
        target: Mode,
    },
    /// From now on a gate says this.
    SetGate {
        /// Which.
        gate: Gate,
        /// What it says.
        state: GateState,
    },
    /// A dry run in which one gate fails, whatever it said before and will say after.
    PreflightFailure {
        /// Which.
        gate: Gate,
    },
    /// The next switch fails while it is committed, and is rolled back.
    BreakNextCommit {
        /// Where it fails, in words.
        point: String,
    },
    /// A bundle arrives and is found good; one in quarantine is released.
    ValidateBundle {
        /// Its id.
        id: String,
    },
    /// A bundle is found bad and put into quarantine.
    QuarantineBundle {
        /// Its id.
        id: String,
        /// Why.
        cause: QuarantineCause,
    },
    /// A signature does not verify, and the bundle goes into quarantine for it.
    SignatureFailure {
        /// The bundle's id.
        id: String,
    },
    /// A bundle is not fetched because its source is not trusted.
    UntrustedSource {
        /// The bundle's id.
        id: String,
        /// Why.
        reason: UntrustedReason,
    },
    /// Somebody outside of every trusted tier asks the AXE for something.
    AxeViolation {
        /// From where.
        ip: IpAddr,
    },
    /// Export the audit log.
    ExportAudit(ExportRequest),
    /// The process ends; nothing answers until [`Command::Start`].
    Stop,
    /// A new process starts.
    Start,
    /// [`Command::Stop`] and [`Command::Start`] at one instant.
    Restart,
}

/// What [`Command`]s answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The override that now lives.
    OverrideCreated(LiveOverride),
    /// The switch.
    Switched(Switched),
    /// The gates.
    Preflight(Preflight),
    /// The AXE's answer.
    Axe(AxeVerdict),
    /// The export.
    Exported(AuditExport),
    /// Done; there is nothing to tell.
    Done,
}

/// What an override is asked for with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideRequest {
    /// Its id; made up from the seed when `None`.
    pub id: Option<String>,
    /// Why, in at least [`MIN_OVERRIDE_REASON_CHARS`] characters.
    pub reason: String,
    /// How long it may live.
    pub ttl: Duration,
    /// By whom.
    pub requested_by: String,
}

impl OverrideRequest {
    /// Requested by `api`, which is all that the backend knows of most callers.
    pub fn new(reason: impl Into<String>, ttl: Duration) -> Self {
        Self { id: None, reason: reason.into(), ttl, requested_by: "api".to_owned() }
    }

    /// With a given id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Requested by somebody known.
    #[must_use]
    pub fn by(mut self, who: impl Into<String>) -> Self {
        self.requested_by = who.into();
        self
    }
}

/// An override that may still be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveOverride {
    /// Its id, which is also the token that uses it.
    pub id: String,
    /// Why it was created.
    pub reason: String,
    /// By whom.
    pub requested_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it dies, itself no longer alive.
    pub expires_at: Timestamp,
}

/// What a switch is asked for with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchRequest {
    /// Where to.
    pub target: Mode,
    /// Switch even where the mode is already the target.
    pub force: bool,
    /// Why.
    pub reason: Option<String>,
    /// The bundle to run; the first validated one when `None`.
    pub bundle_id: Option<String>,
    /// If the gates block: create an override with this reason and use it at once.
    pub override_reason: Option<String>,
    /// How long that override might live.
    pub override_ttl: Duration,
    /// The id of a live override, which is used up whether or not the gates would have blocked.
    pub override_token: Option<String>,
}

impl SwitchRequest {
    /// A plain switch.
    pub fn to(target: Mode) -> Self {
        Self {
            target,
            force: false,
            reason: None,
            bundle_id: None,
            override_reason: None,
            override_ttl: Duration::from_secs(3600),
            override_token: None,
        }
    }

    /// With a reason.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// With the token of a live override.
    #[must_use]
    pub fn using(mut self, token: impl Into<String>) -> Self {
        self.override_token = Some(token.into());
        self
    }
}

/// A switch that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switched {
    /// Where from.
    pub from: Mode,
    /// Where to; equal to `from` when there was nothing to do.
    pub to: Mode,
    /// The override it used up.
    pub override_used: Option<String>,
}

/// What the AXE made of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxeVerdict {
    /// Whom it took the sender for.
    pub tier: Tier,
    /// Whether it let the request through.
    pub allowed: bool,
}

/// What an export is asked for with; both ends are inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportRequest {
    /// No entries before this.
    pub from: Option<Timestamp>,
    /// No entries after this.
    pub until: Option<Timestamp>,
    /// Only these types, by name; all when `None`.
    pub event_types: Option<Vec<String>>,
    /// Whether to hash the content.
    pub include_hash: bool,
}

/// Why the audit log could not be exported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditRefusal {
    /// The original's export and governance status await something that cannot be awaited.
    #[error("object list can't be used in 'await' expression")]
    NotAwaitable,
}

/// Why something could not be done with a bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleRefusal {
    /// There is no such bundle.
    #[error("no bundle {id:?}; validate it first")]
    Unknown {
        /// The id given.
        id: String,
    },
    /// The bundle is in quarantine.
    #[error("bundle {id:?} is in quarantine; validate it anew before it can run")]
    Quarantined {
        /// The id given.
        id: String,
    },
}

/// Why a [`Command`] was refused. Refused commands change nothing but what they name: a failed preflight is
/// counted and audited, a failed commit is audited and has spent its override.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The process is not running.
    #[error("the backend is down")]
    Down,
    /// The process is already running.
    #[error("the backend is already running")]
    Running,
    /// The log is full.
    #[error("the audit log holds {MAX_AUDIT_ENTRIES} entries, the most it may; start a new world")]
    AuditFull,
    /// The reason says too little.
    #[error("override reason has {chars} characters; give at least {MIN_OVERRIDE_REASON_CHARS}")]
    ReasonTooShort {
        /// Its length.
        chars: usize,
    },
    /// The override would live too short or too long.
    #[error("override duration {ttl} is outside {MIN_OVERRIDE_TTL} to {MAX_OVERRIDE_TTL}")]
    TtlOutOfRange {
        /// What was asked.
        ttl: Duration,
    },
    /// There is one slot, and a live override is in it.
    #[error("override {id} lives until {expires_at}; a second is refused until it is used or expires")]
    OverrideLive {
        /// The live one.
        id: String,
        /// When it dies.
        expires_at: Timestamp,
    },
    /// No live override has this token: never created, used up or expired.
    #[error("no live override {token:?}; it was never created, has been used, or has expired")]
    UnknownToken {
        /// The token given.
        token: String,
    },
    /// The original creates overrides within a switch only.
    #[error("the original backend creates an override only within a mode switch")]
    NoStandaloneOverride,
    /// Gates block the switch.
    #[error("preflight blocked: {}", .0.blocking_reasons.join("; "))]
    Blocked(Box<Preflight>),
    /// The switch was begun, failed and was taken back.
    #[error("switch to {} failed at {point} and was rolled back", target.as_str())]
    RolledBack {
        /// Where to.
        target: Mode,
        /// Where it failed.
        point: String,
    },
    /// The bundle does not allow it.
    #[error(transparent)]
    Bundle(#[from] BundleRefusal),
    /// The sender is trusted, so that this would be no violation.
    #[error("{ip} is in the {} tier; a violation needs an address outside of it", tier.as_str())]
    NotExternal {
        /// The address.
        ip: IpAddr,
        /// Its tier.
        tier: Tier,
    },
    /// The audit log could not be exported.
    #[error(transparent)]
    Audit(#[from] AuditRefusal),
}
