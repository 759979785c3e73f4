/// Names, relative to the pack's folder, and texts.
type Files = &'static [(&'static str, &'static str)];

macro_rules! embed {
    ($($name:literal),+ $(,)?) => { &[$(($name, include_str!(concat!("../pack/", $name)))),+] };
}

pub(crate) const METRICS: (&str, &str) = ("metrics.yml", include_str!("../pack/metrics.yml"));

const RULES: Files = embed![
    "rules/axe.yml",
    "rules/bundles.yml",
    "rules/evidence.yml",
    "rules/modes.yml",
    "rules/monitoring.yml",
    "rules/overrides.yml",
];

const TESTS: Files = embed![
    "rules/axe_test.yml",
    "rules/bundles_test.yml",
    "rules/evidence_test.yml",
    "rules/modes_test.yml",
    "rules/monitoring_test.yml",
    "rules/overrides_test.yml",
];

/// The rule files: names relative to the pack's folder, and texts.
pub fn rule_files() -> &'static [(&'static str, &'static str)] {
    RULES
}

/// The unit tests of the rules, in promtool's format; each names the rule file beside it.
pub fn rule_tests() -> &'static [(&'static str, &'static str)] {
    TESTS
}

/// Every file of the pack, for whoever wants to write it out.
pub fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
    RULES.iter().chain(TESTS).copied().chain([METRICS])
}
