use std::collections::BTreeMap;

use assurance_metrics_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::manifest::SealedFacts;
use crate::{Day, Fact, FactKind, parse_instant};

/// Something that audit events tell, and that alerts watch for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signal {
    /// What it is called: `governance_<name>_total` and `governance_<name>_last_timestamp_seconds`.
    pub name: &'static str,
    /// What is counted.
    pub what: &'static str,
    /// Its label, with every value that it takes; the last one stands for all that are not named.
    pub label: Option<(&'static str, &'static [&'static str])>,
}

const fn signal(name: &'static str, what: &'static str) -> Signal {
    Signal { name, what, label: None }
}

const fn labelled(
    name: &'static str,
    what: &'static str,
    label: &'static str,
    values: &'static [&'static str],
) -> Signal {
    Signal { name, what, label: Some((label, values)) }
}

/// All of them, with all their values: a series is there before its first event, at 0.
pub const SIGNALS: &[Signal] = &[
    signal("override_created", "Owner overrides created"),
    signal("override_used", "Owner overrides used to pass a failed preflight"),
    signal("override_expired", "Owner overrides that expired unused"),
    signal("bundle_quarantine", "Bundles put in quarantine"),
    signal("bundle_signature_failure", "Bundle signatures that did not verify"),
    labelled(
        "bundle_untrusted_source",
        "Attempts to take a bundle from a source that is not trusted",
        "reason",
        &["key_untrusted", "origin_denied"],
    ),
    signal("axe_trust_violation", "Requests to AXE that were blocked because of their trust tier"),
    labelled(
        "mode_switch",
        "Committed switches of the operating mode",
        "target_mode",
        &["online", "offline", "sovereign", "quarantine", "other"],
    ),
    labelled(
        "preflight_failure",
        "Preflight gates that failed and blocked, dry runs included",
        "gate",
        &["network_gate", "ipv6_gate", "dmz_gate", "bundle_trust_gate", "other"],
    ),
    signal("mode_rollback", "Mode switches that failed after preflight and were rolled back"),
    signal("mode_commit_failure", "Mode switches that could not be committed"),
];

/// How often, and when last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// How often.
    pub count: u64,
    /// The latest, by the events' own timestamps, in milliseconds; 0 where it never happened.
    pub last: i64,
}

/// Counts of events and of what they tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Events.
    pub events: u64,
    /// Times that it could not be told what happened between two collections.
    pub gaps: u64,
    /// The latest timestamp of an event, in milliseconds; 0 without events.
    pub newest: i64,
    /// By the signal's name, with `/` and the label's value where it has one.
    signals: BTreeMap<String, Moment>,
}

/// What is read of an event; the rest stays bytes.
#[derive(Deserialize)]
struct Probe<'a> {
    timestamp: Option<Value>,
    event_type: Option<Value>,
    mode_after: Option<Value>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

impl Counts {
    /// Of events about which nothing else is known any more.
    pub(super) fn of_events(events: u64) -> Self {
        Self { events, ..Self::default() }
    }

    /// Of facts whose file is gone: by those that the leaf has, or, where it could not take all, by their numbers.
    pub(super) fn of_facts(day: Day, facts: &SealedFacts) -> Self {
        let mut counts = Self::default();
        // The last line is the day's summary, which no leaf repeats.
        if facts.first.len() as u64 + 1 >= facts.lines {
            facts.first.iter().for_each(|fact| counts.fact(day, fact));
        } else {
            let kinds = ["gap", "restart", "rewritten"];
            counts.gaps = kinds.iter().filter_map(|kind| facts.kinds.get(*kind)).sum();
        }
        counts
    }

    /// One signal, with the label's value where it has one.
    pub fn signal(&self, name: &str, value: Option<&str>) -> Moment {
        let found = match value {
            None => self.signals.get(name),
            Some(value) => self.signals.get(&format!("{name}/{value}")),
        };
        found.copied().unwrap_or_default()
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.gaps += other.gaps;
        self.newest = self.newest.max(other.newest);
        for (key, moment) in &other.signals {
            let own = self.signals.entry(key.clone()).or_default();
            own.count += moment.count;
            own.last = own.last.max(moment.last);
        }
    }

    /// Counts an event. What is no event any more is counted as one: it was one when it was collected.
    pub(super) fn event(&mut self, line: &[u8]) {
        self.events += 1;
        let Ok(probe) = serde_json::from_slice::<Probe<'_>>(line) else { return };
        let at = probe.timestamp.as_ref().and_then(Value::as_str).and_then(parse_instant);
        let at = at.map_or(0, Timestamp::as_millis);
        self.newest = self.newest.max(at);
        let mut add = |name: &str, value: &str| {
            let Some(signal) = SIGNALS.iter().find(|signal| signal.name == name) else { return };
            let key = match signal.label {
                None => name.to_owned(),
                Some((_, values)) => {
                    let value =
                        if values.contains(&value) { value } else { values.last().copied().unwrap_or(value) };
                    format!("{name}/{value}")
                }
            };
            let own = self.signals.entry(key).or_default();
            own.count += 1;
            own.last = own.last.max(at);
        };
        match probe.event_type.as_ref().and_then(Value::as_str).unwrap_or_default() {
            "sovereign.mode_override_created" | "sovereign.governance_override_created" => {
                add("override_created", "");
            }
            "sovereign.mode_override_used" => add("override_used", ""),
            "sovereign.mode_override_expired" => add("override_expired", ""),
            "sovereign.bundle_quarantined" => add("bundle_quarantine", ""),
            "sovereign.bundle_signature_invalid" => add("bundle_signature_failure", ""),
            "sovereign.bundle_key_untrusted" => add("bundle_untrusted_source", "key_untrusted"),
            "sovereign.connector_blocked" => add("bundle_untrusted_source", "origin_denied"),
            "axe.trust_tier_violation" => add("axe_trust_violation", ""),
            "sovereign.mode_changed" => {
                add("mode_switch", probe.mode_after.as_ref().and_then(Value::as_str).unwrap_or_default());
            }
            "sovereign.mode_preflight_failed" => {
                gates(probe.metadata).iter().for_each(|gate| add("preflight_failure", gate));
            }
            "sovereign.mode_rollback" => add("mode_rollback", ""),
            "sovereign.mode_commit_failed" => add("mode_commit_failure", ""),
            _ => {}
        }
    }

    /// Counts a fact in the file of a day. One that may be true of several days stands in the files of all of them,
    /// and counts in that of the day on which it was noticed.
    pub(super) fn fact(&mut self, day: Day, fact: &Fact) {
        if let FactKind::Gap { .. } | FactKind::Restart { .. } | FactKind::Rewritten { .. } = fact.kind
            && Day::of(fact.at) <= day
        {
            self.gaps += 1;
        }
    }
}

/// The gates that blocked. The backend nests its metadata once more under `metadata`; where it names no gate, one
/// failed all the same.
fn gates(metadata: Option<&RawValue>) -> Vec<String> {
    let metadata: Value = metadata.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let inner = metadata.get("metadata").filter(|inner| inner.is_object()).unwrap_or(&metadata);
    let named = inner.get("blocking_gates").and_then(Value::as_array);
    let names: Vec<String> =
        named.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    if names.is_empty() { vec!["other".to_owned()] } else { names }
}
