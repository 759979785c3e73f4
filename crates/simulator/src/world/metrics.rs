use std::fmt::Write as _;

use assurance_metrics_model::Timestamp;

use super::{Gate, Mode, Profile, Tier, UntrustedReason};

/// How often each thing happened since the process started.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    pub(super) mode_switch: [u64; Mode::ALL.len()],
    pub(super) preflight_failure: [u64; Gate::ALL.len()],
    pub(super) override_created: u64,
    pub(super) override_usage: u64,
    pub(super) signature_failure: u64,
    pub(super) quarantine: u64,
    pub(super) axe: [u64; Tier::ALL.len()],
    pub(super) untrusted: [u64; UntrustedReason::ALL.len()],
    pub(super) audit_events: u64,
}

/// When each thing happened last, restarts notwithstanding; the epoch for never.
#[derive(Clone, Debug, Default)]
pub(super) struct LastTimes {
    pub(super) mode_switch: [Timestamp; Mode::ALL.len()],
    pub(super) preflight_failure: [Timestamp; Gate::ALL.len()],
    pub(super) override_created: Timestamp,
    pub(super) override_usage: Timestamp,
    pub(super) signature_failure: Timestamp,
    pub(super) quarantine: Timestamp,
    pub(super) axe: [Timestamp; Tier::ALL.len()],
    pub(super) untrusted: [Timestamp; UntrustedReason::ALL.len()],
}

/// What the gauges show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gauges {
    pub(super) override_expires: Option<Timestamp>,
    pub(super) bundles_quarantined: usize,
    pub(super) process_start: Timestamp,
}

const MODES: [&str; 4] = ["online", "offline", "sovereign", "quarantine"];
const GATES: [&str; 4] = ["network_gate", "ipv6_gate", "dmz_gate", "bundle_trust_gate"];
const TIERS: [&str; 3] = ["local", "dmz", "external"];
const REASONS: [&str; 2] = ["key_untrusted", "origin_denied"];

/// The exposition, text format 0.0.4.
pub(super) fn text(profile: Profile, counters: &Counters, last: &LastTimes, gauges: Gauges) -> String {
    let mut page = Page { out: String::with_capacity(6000), profile };
    page.counters(
        "sovereign_mode_switch",
        "Committed mode switches by target mode",
        Some(("target_mode", &MODES)),
        &counters.mode_switch,
        &last.mode_switch,
    );
    page.counters(
        "sovereign_preflight_failure",
        "Preflight gates that blocked a mode switch, dry runs included",
        Some(("gate", &GATES)),
        &counters.preflight_failure,
        &last.preflight_failure,
    );
    if profile == Profile::AsDocumented {
        page.counters(
            "sovereign_override_created",
            "Owner overrides created",
            None,
            &[counters.override_created],
            &[last.override_created],
        );
    }
    page.counters(
        "sovereign_override_usage",
        "Owner overrides used for a mode switch",
        None,
        &[counters.override_usage],
        &[last.override_usage],
    );
    page.counters(
        "sovereign_bundle_signature_failure",
        "Bundles whose signature could not be trusted",
        None,
        &[counters.signature_failure],
        &[last.signature_failure],
    );
    page.counters(
        "sovereign_bundle_quarantine",
        "Bundles put into quarantine",
        None,
        &[counters.quarantine],
        &[last.quarantine],
    );
    page.counters(
        "axe_trust_violation",
        "Requests to the AXE blocked for their trust tier",
        Some(("trust_tier", &TIERS)),
        &counters.axe,
        &last.axe,
    );
    if profile == Profile::AsDocumented {
        page.counters(
            "sovereign_bundle_untrusted_source",
            "Bundles not fetched because their source is not trusted",
            Some(("reason", &REASONS)),
            &counters.untrusted,
            &last.untrusted,
        );
    }
    let active = f64::from(u8::from(gauges.override_expires.is_some()));
    page.single("sovereign_override_active", "gauge", "Whether an owner override is live", active);
    if profile == Profile::AsDocumented {
        page.single(
            "sovereign_override_expires_timestamp_seconds",
            "gauge",
            "When the live owner override expires, 0 without one",
            gauges.override_expires.map_or(0.0, Timestamp::as_secs_f64),
        );
        page.single(
            "sovereign_bundles_quarantined",
            "gauge",
            "Bundles in quarantine now",
            count(gauges.bundles_quarantined as u64),
        );
        page.single(
            "sovereign_audit_events_total",
            "counter",
            "Audit events written by this process",
            count(counters.audit_events),
        );
        page.single(
            "process_start_time_seconds",
            "gauge",
            "When the process started",
            gauges.process_start.as_secs_f64(),
        );
    }
    page.out
}

struct Page {
    out: String,
    profile: Profile,
}

impl Page {
    /// One counter family and, as documented, the family of its last-event times.
    fn counters(
        &mut self,
        stem: &str,
        help: &str,
        label: Option<(&str, &[&str])>,
        counts: &[u64],
        last: &[Timestamp],
    ) {
        let lazy = self.profile == Profile::AsOriginal;
        self.head(&format!("{stem}_total"), "counter", help);
        for (at, value) in counts.iter().enumerate() {
            if label.is_none() || *value > 0 || !lazy {
                self.sample(
                    &format!("{stem}_total"),
                    label.map(|(name, values)| (name, values[at])),
                    count(*value),
                );
            }
        }
        if lazy {
            return;
        }
        let name = format!("{stem}_last_timestamp_seconds");
        self.head(&name, "gauge", &format!("{help}: when last, 0 for never, kept over restarts"));
        for (at, time) in last.iter().enumerate() {
            self.sample(&name, label.map(|(name, values)| (name, values[at])), time.as_secs_f64());
        }
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.head(name, kind, help);
        self.sample(name, None, value);
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _infallible = writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, label: Option<(&str, &str)>, value: f64) {
        let value = python_float(value);
        // Label values come from the tables above and need no escapes.
        let _infallible = match label {
            Some((label, text)) => writeln!(self.out, "{name}{{{label}=\"{text}\"}} {value}"),
            None => writeln!(self.out, "{name} {value}"),
        };
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 events")]
fn count(value: u64) -> f64 {
    value as f64
}

/// A float as Python's `repr` prints it: at least one decimal, and an exponent of two digits with its sign
/// from 1e16 on and below 1e-4.
pub(super) fn python_float(value: f64) -> String {
    let shortest = format!("{value:?}");
    match shortest.split_once('e') {
        None => shortest,
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(rest) => ('-', rest),
                None => ('+', exponent),
            };
            let digits = digits.strip_suffix(".0").unwrap_or(digits);
            format!("{digits}e{sign}{exponent:0>2}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_python_prints_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (-2.5, "-2.5"),
            (1_766_672_123.456, "1766672123.456"),
            (9_007_199_254_740_993.0, "9007199254740992.0"),
            (1e16, "1e+16"),
            (1.5e22, "1.5e+22"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (1e100, "1e+100"),
        ] {
            assert_eq!(python_float(value), text);
        }
    }

    #[test]
    fn the_label_tables_are_those_of_the_kinds() {
        assert_eq!(MODES, Mode::ALL.map(Mode::as_str));
        assert_eq!(GATES, Gate::ALL.map(Gate::as_str));
        assert_eq!(TIERS, Tier::ALL.map(Tier::as_str));
        assert_eq!(REASONS, UntrustedReason::ALL.map(UntrustedReason::as_str));
    }
}
