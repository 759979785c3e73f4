use assurance_diagnostics::Source;
use assurance_lint::{Input, checks, lint};

/// Files of an example by what their names say they are.
pub(crate) fn input(files: &[(&str, &str)]) -> Input {
    let mut input = Input::default();
    for (name, text) in files {
        let source = Source::new(*name, *text);
        match *name {
            "prometheus.yml" => input.prometheus = Some(source),
            "contract.yml" => input.contract = Some(source),
            "alertmanager.yml" => input.notify = Some(source),
            "intents.yml" => input.intents = Some(source),
            name if name.ends_with("_test.yml") => input.tests.get_or_insert_default().push(source),
            name if name.ends_with(".md") => input.runbooks.get_or_insert_default().push(source),
            name if name.ends_with("rules.yml") => input.rules.push(source),
            name => panic!("what is {name}?"),
        }
    }
    input
}

#[test]
fn each_bad_example_has_exactly_its_finding_and_each_good_one_has_none() {
    let mut wrong = String::new();
    for check in checks() {
        let bad = lint(&input(check.bad));
        let ids: Vec<&str> = bad.findings.iter().map(|f| f.check.id).collect();
        if ids.is_empty() || ids.iter().any(|id| *id != check.id) {
            wrong += &format!("{}, bad example: {ids:?}\n{bad}\n", check.id);
        }
        let good = lint(&input(check.good));
        if !good.findings.is_empty() {
            wrong += &format!("{}, good example:\n{good}\n", check.id);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn names_of_checks_are_unique_and_of_one_form() {
    let mut ids: Vec<&str> = checks().map(|check| check.id).collect();
    let plain = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    for id in &ids {
        let (area, what) = id.split_once('/').expect("area/what");
        assert!(plain(area) && plain(what), "{id}");
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn every_finding_points_at_its_place() {
    for check in checks() {
        for finding in lint(&input(check.bad)).findings {
            assert!(finding.diagnostic.span.is_some(), "{}", finding.diagnostic);
            assert!(finding.diagnostic.help.is_some(), "{}", finding.diagnostic);
        }
    }
}
