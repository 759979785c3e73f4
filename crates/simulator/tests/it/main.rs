//! The virtual BRAiN, by behaviour.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, in helper functions too")]

mod as_original;
mod audit;
mod metrics;
mod overrides;
mod process;
mod restarts;
mod simulation;
mod switches;
mod threats;

use assurance_metrics_model::{Duration, Timestamp};
use assurance_simulator::{OverrideRequest, Profile, World, WorldConfig};

/// 2025-12-25T14:15:23Z.
const T0: Timestamp = Timestamp::from_secs(1_766_672_123);

const REASON: &str = "INC-2025-0042: fail over to sovereign mode";

fn secs(secs: i64) -> Timestamp {
    T0 + Duration::from_secs(secs)
}

fn world() -> World {
    World::new(WorldConfig::default(), T0)
}

fn original() -> World {
    World::new(WorldConfig { profile: Profile::AsOriginal, ..WorldConfig::default() }, T0)
}

fn an_override() -> OverrideRequest {
    OverrideRequest::new(REASON, Duration::from_secs(3600)).with_id("ovr_a1b2c3d4e5f6")
}

/// The types of all entries in the list, oldest first.
fn types(world: &World) -> Vec<String> {
    world.audit(1000, None).iter().map(|raw| field(raw, "event_type")).collect()
}

fn json(raw: &str) -> serde_json::Value {
    serde_json::from_str(raw).expect("entries are JSON")
}

fn field(raw: &str, name: &str) -> String {
    json(raw)[name].as_str().expect("a text").to_owned()
}

/// The value of a sample, by its whole name and labels.
fn sample(world: &mut World, now: Timestamp, series: &str) -> Option<f64> {
    let page = world.metrics(now);
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(line.parse().expect("a number"))
}
