/// Names, relative to the pack's folder, and texts.
type Files = &'static [(&'static str, &'static str)];

macro_rules! embed {
    ($($name:literal),+ $(,)?) => { &[$(($name, include_str!(concat!("../pack/", $name)))),+] };
}

pub(crate) const METRICS: (&str, &str) = ("metrics.yml", include_str!("../pack/metrics.yml"));
pub(crate) const INTENTS: (&str, &str) = ("intents.yml", include_str!("../pack/intents.yml"));
pub(crate) const POLICY: (&str, &str) = ("policy.yml", include_str!("../pack/policy.yml"));
pub(crate) const ALIASES: (&str, &str) = ("aliases.yml", include_str!("../pack/aliases.yml"));
pub(crate) const ALERTMANAGER: (&str, &str) = ("alertmanager.yml", include_str!("../pack/alertmanager.yml"));
pub(crate) const ESCALATION: (&str, &str) = ("escalation.yml", include_str!("../pack/escalation.yml"));

const RULES: Files = embed![
    "rules/axe.yml",
    "rules/bundles.yml",
    "rules/evidence.yml",
    "rules/modes.yml",
    "rules/monitoring.yml",
    "rules/overrides.yml",
    "rules/recording.yml",
];

const TESTS: Files = embed![
    "rules/axe_test.yml",
    "rules/bundles_test.yml",
    "rules/evidence_test.yml",
    "rules/modes_test.yml",
    "rules/monitoring_test.yml",
    "rules/overrides_test.yml",
    "rules/recording_test.yml",
];

const RUNBOOKS: Files = embed![
    "runbooks/RB-1.md",
    "runbooks/RB-2.md",
    "runbooks/RB-3.md",
    "runbooks/RB-4.md",
    "runbooks/RB-5.md",
    "runbooks/RB-6.md",
    "runbooks/RB-7.md",
    "runbooks/RB-8.md",
    "runbooks/RB-9.md",
    "runbooks/RB-10.md",
];

const REST: Files = &[METRICS, INTENTS, POLICY, ALIASES, ALERTMANAGER, ESCALATION, PROMETHEUS, README];

const PROMETHEUS: (&str, &str) = ("prometheus.yml", include_str!("../pack/prometheus.yml"));
const README: (&str, &str) = ("README.md", include_str!("../pack/README.md"));

/// The rule files: names relative to the pack's folder, and texts.
pub fn rule_files() -> &'static [(&'static str, &'static str)] {
    RULES
}

/// The unit tests of the rules, in promtool's format; each names the rule file beside it.
pub fn rule_tests() -> &'static [(&'static str, &'static str)] {
    TESTS
}

/// The runbooks, RB-1 first.
pub fn runbooks() -> &'static [(&'static str, &'static str)] {
    RUNBOOKS
}

/// Every file of the pack, for whoever wants to write it out.
pub fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
    RULES.iter().chain(TESTS).chain(RUNBOOKS).chain(REST).copied()
}
