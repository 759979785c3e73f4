use assurance_diagnostics::Source;
use assurance_lint::{Input, lint};

/// The pack's files as they are embedded, so that what is shipped is what is looked at.
#[test]
fn the_governance_pack_has_no_finding_without_a_reason() {
    let mut input = Input::default();
    for (name, text) in assurance_policy::files() {
        let source = Source::new(name, text);
        let last = name.rsplit('/').next().unwrap_or(name);
        match last {
            "metrics.yml" => input.contract = Some(source),
            "alertmanager.yml" => input.notify = Some(source),
            "escalation.yml" => input.escalation = Some(source),
            "intents.yml" => input.intents = Some(source),
            "prometheus.yml" => input.prometheus = Some(source),
            name if name.ends_with("_test.yml") => input.tests.get_or_insert_default().push(source),
            name if name.ends_with(".md") && name.starts_with("RB-") => {
                input.runbooks.get_or_insert_default().push(source);
            }
            _ if name.starts_with("rules/") => input.rules.push(source),
            _ => {}
        }
    }
    let whole = input.contract.is_some()
        && input.notify.is_some()
        && input.escalation.is_some()
        && input.intents.is_some()
        && input.prometheus.is_some()
        && input.tests.is_some()
        && input.runbooks.is_some();
    assert!(input.rules.len() > 3 && whole, "the pack's files have other names now: {input:?}");
    let report = lint(&input);
    assert!(report.findings.is_empty(), "{report}");
}
