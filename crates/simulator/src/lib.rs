//! A virtual BRAiN and one virtual clock that drive the same pipeline as production.
//!
//! **In scope:** [`World`], the BRAiN backend as a state machine: modes, preflight gates, the override
//! life-cycle, bundles, AXE trust, audit log, metrics and the bodies of its read API; it starts, stops and
//! loses its memory as the real process does. [`Simulation`], which drives it together with the pipeline that
//! runs in production, receivers and the evidence exporter on one clock that jumps from event to event.
//! [`Monitor`], which drives that pipeline over any scraped process ([`Surroundings`]).
//!
//! **Out of scope:** sockets and routes (`brain-http`), scenarios and their claims (`tabletop`), the wall
//! clock: every call is given the time.
//!
//! ```
//! use assurance_metrics_model::{Duration, Timestamp};
//! use assurance_simulator::{OverrideRequest, World, WorldConfig};
//!
//! let start = Timestamp::from_secs(1_766_672_123);
//! let mut world = World::new(WorldConfig::default(), start);
//! let created = world.create_override(
//!     start,
//!     OverrideRequest::new("INC-2025-0042: fail over to sovereign", Duration::from_minutes(60)),
//! )?;
//! assert!(world.metrics(start).contains("sovereign_override_active 1.0"));
//! world.advance(created.expires_at);
//! assert!(world.audit(1, None)[0].contains("sovereign.mode_override_expired"));
//! # Ok::<(), assurance_simulator::Refusal>(())
//! ```
//!
//! **Invariants:** the same calls at the same times give the same bytes. An audit entry is serialised once,
//! when it is written, and answered with those bytes ever after. The override gauge is 1 exactly while an
//! override is live. What [`World::stop`] forgets is what lived in the process; what is on the world's disk
//! stays.

mod agenda;
mod process;
mod simulation;
mod world;

pub use process::{
    Fate, Monitor, MonitorConfig, MonitorError, Observation, Observed, Outage, Passage, Scripted, State,
    Surroundings,
};
pub use simulation::{
    BACKEND, EXPORTER, Fault, Occurrence, Simulation, SimulationConfig, SimulationError, What,
};
pub use world::{
    ActiveBundle, AuditExport, AuditRefusal, Axe24h, AxeVerdict, BundleRefusal, BundleTrust24h, Check,
    Command, Counts, CriticalEvent, Empty, EventType, ExportRequest, Gate, GateState, GovernanceStatus,
    Health, Limits, LiveOverride, MAX_AUDIT_ENTRIES, MAX_OVERRIDE_TTL, MIN_OVERRIDE_REASON_CHARS,
    MIN_OVERRIDE_TTL, MetricsSummary, Mode, ModeGovernance24h, NaiveUtc, Outcome, OverrideRequest, Preflight,
    Profile, QuarantineCause, Refusal, Severity, Statistics, Status, SwitchRequest, Switched, Tier,
    UntrustedReason, World, WorldConfig,
};
