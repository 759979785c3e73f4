//! A scenario file as it is written, before anything in it means something.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawScenario {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    #[serde(default)]
    pub(crate) severity: Option<String>,
    pub(crate) clock: RawClock,
    #[serde(default)]
    pub(crate) environment: RawEnvironment,
    #[serde(default)]
    pub(crate) roles: Vec<RawRole>,
    #[serde(default)]
    pub(crate) objectives: Vec<String>,
    pub(crate) world: Vec<RawStep>,
    #[serde(default)]
    pub(crate) injects: Vec<RawInject>,
    pub(crate) claims: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawClock {
    pub(crate) t0: String,
    pub(crate) startex: String,
    pub(crate) endex: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawEnvironment {
    pub(crate) lead_in: String,
    pub(crate) exporter: bool,
    pub(crate) lost_scrapes: Vec<RawLostScrapes>,
    pub(crate) refused_deliveries: Vec<RawSpan>,
}

impl Default for RawEnvironment {
    fn default() -> Self {
        Self {
            lead_in: "5m".to_owned(),
            exporter: true,
            lost_scrapes: Vec::new(),
            refused_deliveries: Vec::new(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLostScrapes {
    pub(crate) job: String,
    pub(crate) from: String,
    pub(crate) until: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSpan {
    pub(crate) from: String,
    pub(crate) until: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRole {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) part: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawInject {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) at: Option<String>,
    #[serde(default)]
    pub(crate) on: Option<String>,
    #[serde(default)]
    pub(crate) delay: Option<String>,
    pub(crate) to: String,
    #[serde(default)]
    pub(crate) from: Option<String>,
    pub(crate) via: String,
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) expect: Option<String>,
}

/// One key a kind of action, so that a wrong one is found where it stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStep {
    pub(crate) at: String,
    #[serde(default)]
    pub(crate) refused: bool,
    #[serde(rename = "override.create", default)]
    pub(crate) override_create: Option<RawCreate>,
    #[serde(rename = "override.use", default)]
    pub(crate) override_use: Option<RawUse>,
    #[serde(rename = "override.expire", default)]
    pub(crate) override_expire: Option<RawId>,
    #[serde(rename = "mode.switch", default)]
    pub(crate) mode_switch: Option<RawSwitch>,
    #[serde(rename = "mode.preflight", default)]
    pub(crate) mode_preflight: Option<RawTarget>,
    #[serde(rename = "gate.set", default)]
    pub(crate) gate_set: Option<RawGate>,
    #[serde(rename = "gate.fail_once", default)]
    pub(crate) gate_fail_once: Option<RawGateName>,
    #[serde(rename = "commit.break_next", default)]
    pub(crate) commit_break_next: Option<RawPoint>,
    #[serde(rename = "bundle.validate", default)]
    pub(crate) bundle_validate: Option<RawId>,
    #[serde(rename = "bundle.quarantine", default)]
    pub(crate) bundle_quarantine: Option<RawQuarantine>,
    #[serde(rename = "bundle.refuse", default)]
    pub(crate) bundle_refuse: Option<RawRefuse>,
    #[serde(rename = "axe.violation", default)]
    pub(crate) axe_violation: Option<RawIp>,
    #[serde(rename = "audit.export", default)]
    pub(crate) audit_export: Option<RawNothing>,
    #[serde(rename = "backend.stop", default)]
    pub(crate) backend_stop: Option<RawNothing>,
    #[serde(rename = "backend.start", default)]
    pub(crate) backend_start: Option<RawNothing>,
    #[serde(rename = "backend.restart", default)]
    pub(crate) backend_restart: Option<RawNothing>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCreate {
    pub(crate) id: String,
    pub(crate) reason: String,
    pub(crate) ttl: String,
    #[serde(default = "api")]
    pub(crate) by: String,
}

fn api() -> String {
    "api".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawUse {
    pub(crate) id: String,
    pub(crate) target: assurance_simulator::Mode,
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawId {
    pub(crate) id: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSwitch {
    pub(crate) target: assurance_simulator::Mode,
    #[serde(default)]
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) force: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTarget {
    pub(crate) target: assurance_simulator::Mode,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGate {
    pub(crate) gate: assurance_simulator::Gate,
    pub(crate) state: assurance_simulator::GateState,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGateName {
    pub(crate) gate: assurance_simulator::Gate,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPoint {
    pub(crate) point: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawQuarantine {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) cause: assurance_simulator::QuarantineCause,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRefuse {
    pub(crate) id: String,
    pub(crate) reason: assurance_simulator::UntrustedReason,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawIp {
    pub(crate) ip: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawNothing {}
