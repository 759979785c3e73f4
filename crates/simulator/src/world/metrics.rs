use std::fmt::Write as _;

use assurance_metrics_model::Timestamp;

use super::{Gate, Mode, Profile, UntrustedReason};

/// How often each thing happened: since the world began, and as original since the process started.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    pub(super) mode_switch: [u64; Mode::ALL.len()],
    pub(super) preflight_failure: [u64; Gate::ALL.len()],
    pub(super) rollback: u64,
    pub(super) override_created: u64,
    pub(super) override_usage: u64,
    pub(super) signature_failure: u64,
    pub(super) quarantine: u64,
    /// Of the tier `external`, the only one that violates anything.
    pub(super) axe: u64,
    pub(super) untrusted: [u64; UntrustedReason::ALL.len()],
    pub(super) audit_events: u64,
}

/// When each thing happened last, restarts notwithstanding; the epoch for never.
#[derive(Clone, Debug, Default)]
pub(super) struct LastTimes {
    pub(super) rollback: Timestamp,
    pub(super) override_created: Timestamp,
    pub(super) override_used: Timestamp,
    pub(super) quarantine: Timestamp,
    pub(super) axe: Timestamp,
    pub(super) untrusted: [Timestamp; UntrustedReason::ALL.len()],
}

/// What the gauges show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gauges {
    pub(super) override_expires: Option<Timestamp>,
    pub(super) bundles_quarantined: usize,
}

const MODES: &[&str] = &["online", "offline", "sovereign", "quarantine"];
const GATES: &[&str] = &["network_gate", "ipv6_gate", "dmz_gate", "bundle_trust_gate"];
const TIERS: &[&str] = &["external"];
const REASONS: &[&str] = &["key_untrusted", "origin_denied"];

/// The exposition, text format 0.0.4. As original it has seven families; as documented it has what the
/// policy's metric contract promises, no more and no less.
pub(super) fn text(profile: Profile, counters: &Counters, last: &LastTimes, gauges: Gauges) -> String {
    let mut page = Page { out: String::with_capacity(6000), lazy: profile == Profile::AsOriginal };
    let documented = profile == Profile::AsDocumented;
    page.counter(
        "sovereign_mode_switch_total",
        "Committed mode switches by target mode",
        Some(("target_mode", MODES)),
        &counters.mode_switch,
    );
    if documented {
        page.counter(
            "sovereign_mode_rollback_total",
            "Mode switches rolled back",
            None,
            &[counters.rollback],
        );
        page.last("sovereign_mode_rollback", None, &[last.rollback]);
    }
    page.counter(
        "sovereign_preflight_failure_total",
        "Preflight gates that blocked a mode switch, dry runs included",
        Some(("gate", GATES)),
        &counters.preflight_failure,
    );
    if documented {
        page.counter(
            "sovereign_override_created_total",
            "Owner overrides created",
            None,
            &[counters.override_created],
        );
        page.last("sovereign_override_created", None, &[last.override_created]);
    }
    page.counter(
        "sovereign_override_usage_total",
        "Owner overrides used for a mode switch",
        None,
        &[counters.override_usage],
    );
    if documented {
        page.last("sovereign_override_used", None, &[last.override_used]);
    }
    page.counter(
        "sovereign_bundle_signature_failure_total",
        "Bundle signatures that do not verify",
        None,
        &[counters.signature_failure],
    );
    page.counter(
        "sovereign_bundle_quarantine_total",
        "Bundles put into quarantine",
        None,
        &[counters.quarantine],
    );
    if documented {
        page.last("sovereign_bundle_quarantine", None, &[last.quarantine]);
    }
    page.counter(
        "axe_trust_violation_total",
        "Requests to the AXE blocked for their trust tier",
        Some(("trust_tier", TIERS)),
        &[counters.axe],
    );
    if documented {
        page.last("axe_trust_violation", Some(("trust_tier", TIERS)), &[last.axe]);
        page.counter(
            "sovereign_bundle_untrusted_source_total",
            "Bundles refused because their source is not trusted",
            Some(("reason", REASONS)),
            &counters.untrusted,
        );
        page.last("sovereign_bundle_untrusted_source", Some(("reason", REASONS)), &last.untrusted);
    }
    let active = f64::from(u8::from(gauges.override_expires.is_some()));
    page.gauge("sovereign_override_active", "Whether an owner override is live", active);
    if documented {
        page.gauge(
            "sovereign_override_expires_timestamp_seconds",
            "When the live owner override expires, 0 without one",
            gauges.override_expires.map_or(0.0, Timestamp::as_secs_f64),
        );
        page.gauge(
            "sovereign_bundles_quarantined",
            "Bundles in quarantine now",
            count(gauges.bundles_quarantined as u64),
        );
        page.counter("sovereign_audit_events_total", "Audit events written", None, &[counters.audit_events]);
    }
    page.out
}

/// A label and the values it takes.
type Label<'a> = Option<(&'a str, &'a [&'a str])>;

struct Page {
    out: String,
    /// Whether a labelled counter shows only once it has counted something.
    lazy: bool,
}

impl Page {
    fn counter(&mut self, name: &str, help: &str, label: Label<'_>, counts: &[u64]) {
        self.head(name, "counter", help);
        for (at, value) in counts.iter().enumerate() {
            if label.is_none() || *value > 0 || !self.lazy {
                self.sample(name, label, at, count(*value));
            }
        }
    }

    fn last(&mut self, stem: &str, label: Label<'_>, times: &[Timestamp]) {
        let name = format!("{stem}_last_timestamp_seconds");
        self.head(&name, "gauge", "When that happened last, 0 for never; kept over restarts");
        for (at, time) in times.iter().enumerate() {
            self.sample(&name, label, at, time.as_secs_f64());
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.head(name, "gauge", help);
        self.sample(name, None, 0, value);
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _infallible = writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, label: Label<'_>, at: usize, value: f64) {
        let value = python_float(value);
        // Label values come from the tables above and need no escapes.
        let _infallible = match label {
            Some((label, values)) => writeln!(self.out, "{name}{{{label}=\"{}\"}} {value}", values[at]),
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
    use super::super::Tier;
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
        assert_eq!(TIERS, [Tier::External.as_str()]);
        assert_eq!(REASONS, UntrustedReason::ALL.map(UntrustedReason::as_str));
    }
}
