use serde::{Deserialize, Serialize};

/// Whose behaviour the world shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// The backend that the documents describe and the alerts need: overrides are created, audited and live
    /// until they are used or expire; label values exist from the start; counters and last-event times survive
    /// restarts.
    #[default]
    AsDocumented,
    /// The backend as its first published code behaves, defects included: an override lives within one call,
    /// labelled counters appear with their first event, bundle events are never audited, the export and the
    /// governance status always fail.
    AsOriginal,
}

/// What the backend may talk to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Everything.
    #[default]
    Online,
    /// Nothing outside.
    Offline,
    /// Its own bundles only.
    Sovereign,
    /// Nothing at all.
    Quarantine,
}

impl Mode {
    /// Every mode, in the order in which the metrics show them.
    pub const ALL: [Self; 4] = [Self::Online, Self::Offline, Self::Sovereign, Self::Quarantine];

    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Sovereign => "sovereign",
            Self::Quarantine => "quarantine",
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// What must hold before the mode may be switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Gate {
    /// The network is as the target mode needs it.
    #[serde(rename = "network_gate")]
    Network,
    /// IPv6 is blocked or firewalled.
    #[serde(rename = "ipv6_gate")]
    Ipv6,
    /// The DMZ is up or down as the target mode needs it.
    #[serde(rename = "dmz_gate")]
    Dmz,
    /// The bundle to run is trusted.
    #[serde(rename = "bundle_trust_gate")]
    BundleTrust,
}

impl Gate {
    /// Every gate, in the order in which they are checked.
    pub const ALL: [Self; 4] = [Self::Network, Self::Ipv6, Self::Dmz, Self::BundleTrust];

    /// As the API and the metrics write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network_gate",
            Self::Ipv6 => "ipv6_gate",
            Self::Dmz => "dmz_gate",
            Self::BundleTrust => "bundle_trust_gate",
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// What a gate says when it is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GateState {
    /// The condition holds.
    #[default]
    Pass,
    /// It holds, with a remark.
    Warning,
    /// It does not hold; the switch is blocked.
    Fail,
}

/// How far the AXE trusts the sender of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// The machine itself.
    Local,
    /// A gateway on the allow-list.
    Dmz,
    /// Anyone else: blocked and counted.
    External,
}

impl Tier {
    /// As the API and the metrics write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Dmz => "dmz",
            Self::External => "external",
        }
    }
}

/// Why a bundle was put into quarantine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineCause {
    /// Its signature does not verify.
    #[default]
    SignatureInvalid,
    /// It is signed by a key that is not in the keyring.
    KeyUntrusted,
    /// It is not signed, and the policy is strict.
    Unsigned,
    /// Its content has another hash than its manifest says.
    HashMismatch,
}

impl QuarantineCause {
    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Self::SignatureInvalid => "Bundle signature does not verify",
            Self::KeyUntrusted => "Bundle is signed by a key outside of the keyring",
            Self::Unsigned => "Bundle is not signed and the policy is strict",
            Self::HashMismatch => "Bundle content differs from the hash in its manifest",
        }
    }

    /// The event that says why, before the one that says that.
    pub(crate) const fn event(self) -> Option<EventType> {
        match self {
            Self::SignatureInvalid => Some(EventType::SignatureInvalid),
            Self::KeyUntrusted => Some(EventType::KeyUntrusted),
            Self::Unsigned => Some(EventType::Unsigned),
            Self::HashMismatch => None,
        }
    }
}

/// Why a bundle was not fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UntrustedReason {
    /// The source signs with a key outside of the keyring.
    KeyUntrusted,
    /// The source's address is not on the allow-list.
    OriginDenied,
}

impl UntrustedReason {
    /// Every reason, in the order in which the metrics show them.
    pub const ALL: [Self; 2] = [Self::KeyUntrusted, Self::OriginDenied];

    /// As the metrics write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyUntrusted => "key_untrusted",
            Self::OriginDenied => "origin_denied",
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// How much an audit event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For the record.
    Info,
    /// Somebody should know.
    Warning,
    /// Something was refused or failed.
    Error,
    /// Somebody must act.
    Critical,
}

/// What an audit event records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the documentation: as_str gives what the log carries")]
pub enum EventType {
    OverrideCreated,
    OverrideUsed,
    OverrideExpired,
    ModeChanged,
    CommitFailed,
    Rollback,
    PreflightOk,
    PreflightWarning,
    PreflightFailed,
    BundleQuarantined,
    SignatureInvalid,
    KeyUntrusted,
    Unsigned,
    ConnectorBlocked,
    TrustTierViolation,
    RequestBlocked,
    AuditExported,
}

impl EventType {
    /// Every type.
    pub const ALL: [Self; 17] = [
        Self::OverrideCreated,
        Self::OverrideUsed,
        Self::OverrideExpired,
        Self::ModeChanged,
        Self::CommitFailed,
        Self::Rollback,
        Self::PreflightOk,
        Self::PreflightWarning,
        Self::PreflightFailed,
        Self::BundleQuarantined,
        Self::SignatureInvalid,
        Self::KeyUntrusted,
        Self::Unsigned,
        Self::ConnectorBlocked,
        Self::TrustTierViolation,
        Self::RequestBlocked,
        Self::AuditExported,
    ];

    /// The name in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OverrideCreated => "sovereign.mode_override_created",
            Self::OverrideUsed => "sovereign.mode_override_used",
            Self::OverrideExpired => "sovereign.mode_override_expired",
            Self::ModeChanged => "sovereign.mode_changed",
            Self::CommitFailed => "sovereign.mode_commit_failed",
            Self::Rollback => "sovereign.mode_rollback",
            Self::PreflightOk => "sovereign.mode_preflight_ok",
            Self::PreflightWarning => "sovereign.mode_preflight_warning",
            Self::PreflightFailed => "sovereign.mode_preflight_failed",
            Self::BundleQuarantined => "sovereign.bundle_quarantined",
            Self::SignatureInvalid => "sovereign.bundle_signature_invalid",
            Self::KeyUntrusted => "sovereign.bundle_key_untrusted",
            Self::Unsigned => "sovereign.bundle_unsigned",
            Self::ConnectorBlocked => "sovereign.connector_blocked",
            Self::TrustTierViolation => "axe.trust_tier_violation",
            Self::RequestBlocked => "axe.request_blocked",
            Self::AuditExported => "sovereign.governance_audit_exported",
        }
    }

    /// The part after the last dot: what ids begin with.
    pub fn short(self) -> &'static str {
        let name = self.as_str();
        name.rsplit_once('.').map_or(name, |(_, short)| short)
    }

    /// The severity the backend gives it.
    pub const fn severity(self) -> Severity {
        match self {
            Self::OverrideExpired | Self::ModeChanged | Self::PreflightOk | Self::AuditExported => {
                Severity::Info
            }
            Self::OverrideCreated
            | Self::OverrideUsed
            | Self::Rollback
            | Self::PreflightWarning
            | Self::Unsigned
            | Self::ConnectorBlocked
            | Self::RequestBlocked => Severity::Warning,
            Self::PreflightFailed
            | Self::SignatureInvalid
            | Self::KeyUntrusted
            | Self::TrustTierViolation => Severity::Error,
            Self::CommitFailed | Self::BundleQuarantined => Severity::Critical,
        }
    }

    /// Whether the event reports that something went as asked.
    pub const fn is_success(self) -> bool {
        matches!(
            self,
            Self::OverrideCreated
                | Self::OverrideUsed
                | Self::ModeChanged
                | Self::Rollback
                | Self::PreflightOk
                | Self::PreflightWarning
                | Self::AuditExported
        )
    }

    /// The type a filter means: its name, or one of the names that the documents use for the creation of an
    /// override, which the first code had no event for.
    pub fn from_filter(text: &str) -> Option<Self> {
        match text {
            "sovereign.governance_override_created"
            | "mode_override_created"
            | "MODE_OVERRIDE_CREATED"
            | "GOVERNANCE_OVERRIDE_CREATED" => Some(Self::OverrideCreated),
            _ => Self::ALL.into_iter().find(|e| e.as_str() == text),
        }
    }
}
