use assurance_diagnostics::Source;
use assurance_policy::{AliasError, Aliases, aliases, explain, statements};

fn known() -> Aliases {
    aliases().unwrap_or_else(|flaws| panic!("{}", flaws[0]))
}

#[test]
fn an_id_means_what_its_namespace_says() {
    let aliases = known();
    for (text, id) in [
        ("policy:GA-006", "GA-006"),
        ("seed:GA-006", "GA-009"),
        ("readme:GA-006", "GA-009"),
        ("seed:GA-007", "GA-010"),
        ("seed:GA-008", "GA-007"),
        ("readme:GA-004", "GA-008"),
        ("policy:GA-012", "GA-012"),
        // Where all namespaces agree, and where only the pack has the id, none is needed.
        ("GA-001", "GA-001"),
        ("GA-005", "GA-005"),
        ("GA-001b", "GA-001b"),
        ("GA-009", "GA-009"),
        ("GovernanceModeSwitch Flapping", "GA-008"),
        (" PreflightFailureRateHigh ", "GA-009"),
    ] {
        assert_eq!(aliases.resolve(text), Ok(id), "{text}");
    }
}

#[test]
fn an_id_is_not_guessed_at() {
    let aliases = known();
    for id in ["GA-004", "GA-006", "GA-007", "GA-008"] {
        let refused = aliases.resolve(id).unwrap_err();
        let AliasError::Ambiguous { meanings, .. } = &refused else { panic!("{refused}") };
        assert!(
            meanings.len() >= 2 && meanings[0].namespace == "policy" && meanings[0].id == id,
            "{refused}"
        );
    }
    assert_eq!(
        aliases.resolve("GA-006").unwrap_err().to_string(),
        "GA-006 means different alerts in different documents; write policy:GA-006 for GA-006, or readme:GA-006 for GA-009, or seed:GA-006 for GA-009"
    );
    for (text, message) in [
        ("GA-0012", "no alert has the id `GA-0012`; did you mean GA-001?"),
        ("seed:GA-012", "no alert has the id `seed:GA-012`"),
        ("tabletop:GA-001", "there is no namespace `tabletop`; there are policy, readme, seed"),
        ("policy:", "no alert has the id ``"),
        ("", "no alert has the id ``"),
    ] {
        let refused = aliases.resolve(text).unwrap_err().to_string();
        assert!(refused.starts_with(message), "{text}: {refused}");
    }
}

#[test]
fn flawed_aliases_are_told_at_their_place() {
    const GOOD: &str = "version: 1\nnamespaces:\n  seed:\n    about: s\n    ids: {X: {means: A, called: c}}\nnames: {old: A}\n";
    let parse = |text: &str| Aliases::parse(&Source::new("aliases.yml", text), vec!["A".to_owned()]);
    assert_eq!(parse(GOOD).unwrap().resolve("seed:X"), Ok("A"));
    for (from, to, message) in [
        ("means: A", "means: B", "aliases.yml:5:14"),
        ("old: A", "old: B", "B is no id of the pack"),
        ("seed:", "policy:", "the namespace of the pack's own ids"),
        ("version: 1", "version: 2", "version 2 of the format is not known"),
        ("called", "names", "unknown field"),
    ] {
        let flaw = parse(&GOOD.replace(from, to)).unwrap_err().to_string();
        assert!(flaw.contains(message), "{to}: {flaw}");
    }
}

#[test]
fn an_ambiguous_id_is_explained_in_all_its_meanings() {
    let explained = explain("GA-006").unwrap();
    assert!(explained.ambiguous);
    assert_eq!(explained.alerts.iter().map(|a| a.id.as_str()).collect::<Vec<_>>(), ["GA-006", "GA-009"]);
    insta::assert_snapshot!(explained);
}

#[test]
fn one_alert_is_explained_from_all_files() {
    insta::assert_snapshot!(explain("seed:GA-008").unwrap());
    assert_eq!(
        explain("GovernanceMetricsUnavailable").unwrap().alerts,
        explain("policy:GA-007").unwrap().alerts
    );
    assert!(explain("GA-099").unwrap_err().to_string().contains("no alert has the id `GA-099`"));
}

#[test]
fn everything_is_stated_of_every_alert() {
    for statement in statements().unwrap() {
        let explained = explain(&format!("policy:{}", statement.id)).unwrap().alerts.remove(0);
        let id = &statement.id;
        assert!(!explained.promises.is_empty(), "{id} has no intent");
        assert!(explained.told.iter().all(|told| !told.integrations.is_empty()), "{id} reaches nobody");
        assert!(
            explained.rules.iter().all(|rule| !rule.impact.is_empty() && !rule.action.is_empty()),
            "{id}"
        );
    }
}
