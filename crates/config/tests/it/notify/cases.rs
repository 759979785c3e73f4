use assurance_config::load_cases;
use assurance_diagnostics::Source;
use assurance_notifier::routing::Escalation;

use super::good;
use crate::fixtures::source;

#[test]
fn the_cases_beside_the_configuration_hold() {
    let cases =
        load_cases(&source("notifier", "cases.yml")).unwrap_or_else(|problems| panic!("{}", problems[0]));
    let results = cases.run(&good("governance-like.yml").routing, &Escalation::default());
    assert_eq!(results.len(), 7);
    for result in results {
        assert!(result.mismatches.is_empty(), "{}", result.mismatches[0]);
    }
}

/// Each expectation of each case, turned round, fails at its line.
#[test]
fn what_is_expected_wrongly_is_told_at_its_line() {
    let text = source("notifier", "cases.yml").text().to_owned();
    let routing = good("governance-like.yml").routing;
    let wrong = text
        .replace("receivers: [pagers]", "receivers: [security]")
        .replace("severity: critical}\n  - name: one", "severity: warning}\n  - name: one")
        .replace("[security, security-phone]", "[security-phone, security]")
        .replace("muted: true", "muted: false")
        .replace("muted: false}\n  - name: inf", "muted: true}\n  - name: inf")
        .replace("muted: [everyone]", "muted: []")
        .replace("inhibited: true", "inhibited: no")
        .replace("inhibited: false", "inhibited: yes");
    let cases =
        load_cases(&Source::new("cases.yml", wrong)).unwrap_or_else(|problems| panic!("{}", problems[0]));
    let told: String = cases
        .run(&routing, &Escalation::default())
        .iter()
        .flat_map(|result| &result.mismatches)
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!("cases_mismatches", told);
}

#[test]
fn cases_that_say_nothing_are_refused() {
    let problems = load_cases(&source("notifier", "cases-bad.yml")).expect_err("nothing is right");
    let told: String = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!("cases_bad", told);
    assert!(load_cases(&Source::new("cases.yml", "")).is_err());
}
