use std::collections::BTreeSet;
use std::path::Path;

use assurance_metrics_model::METRIC_NAME;
use assurance_policy::{Alert, files, pack, rule_files, rule_tests, runbooks};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn alerts() -> Vec<Alert> {
    pack().unwrap_or_else(|problems| panic!("{}", problems[0])).alerts
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_file_of_the_pack_is_embedded_and_every_rule_file_has_its_tests() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pack");
    let mut there = BTreeSet::new();
    for inside in ["", "rules", "runbooks"] {
        for entry in std::fs::read_dir(folder.join(inside)).expect("the pack is there") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                there.insert(path.strip_prefix(&folder).expect("inside").display().to_string());
            }
        }
    }
    let embedded: BTreeSet<String> = files().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(embedded, there);
    for ((rules, _), (tests, text)) in rule_files().iter().zip(rule_tests()) {
        let rules = rules.strip_prefix("rules/").expect("in the folder of rules");
        assert_eq!(*tests, format!("rules/{}", rules.replace(".yml", "_test.yml")));
        assert!(text.starts_with(&format!("rule_files: [{rules}]\n")), "{tests} tests another file");
    }
}

#[test]
fn the_pack_has_the_alerts_of_the_policy() {
    let shown: Vec<String> = alerts()
        .iter()
        .map(|a| format!("{} {} {} {} {} for {}", a.id, a.name, a.severity, a.component, a.layer, a.hold))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn every_alert_says_what_happened_and_where_it_says_what_to_do() {
    for alert in alerts() {
        let Alert { id, name, severity, layer, summary, runbook_url, .. } = &alert;
        assert!(id.starts_with("GA-"), "{name}");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{name}");
        assert!(["critical", "warning", "info"].contains(&severity.as_str()), "{name}: {severity}");
        assert!(["g1", "g2", "g3", "g4"].contains(&layer.as_str()), "{name}: {layer}");
        assert!(
            !summary.is_empty() && !summary.contains("{{"),
            "{name}: a summary groups alerts, so it is constant"
        );
        assert!(["security", "platform"].contains(&alert.team.as_str()), "{name}: {}", alert.team);
        for (what, text) in [("impact", &alert.impact), ("action", &alert.action)] {
            assert!(text.len() > 40 && !text.contains("{{"), "{name}: its {what} says too little: {text}");
        }
        let (page, anchor) = runbook_url.split_once('#').expect(name);
        let page = page.split_once("/blob/main/").expect(name).1;
        assert_eq!(page, format!("docs/operations/runbooks/{}.md", alert.runbook));
        let text = read(page);
        let heading = anchor.replace('-', " ");
        let has = |line: &str| line.strip_prefix("## ").is_some_and(|h| h.to_lowercase() == heading);
        assert!(text.lines().any(has), "{page} has no heading {anchor}");
        let alerts = text.lines().find(|line| line.starts_with("Alert")).expect(page);
        assert!(alerts.contains(&format!("{id} `{name}`")), "{page} does not say that it is for {id} {name}");
    }
}

/// What an alert in a hurry needs, in this order.
const HEADINGS: [&str; 6] = ["Meaning", "First five minutes", "Decide", "Recover", "Verify", "Document"];

#[test]
fn every_runbook_has_the_same_form_and_an_alert() {
    let alerts = alerts();
    for (at, (name, text)) in runbooks().iter().enumerate() {
        let number = format!("RB-{}", at + 1);
        assert_eq!(*name, format!("runbooks/{number}.md"));
        assert!(text.starts_with(&format!("# {number}: ")), "{name}");
        let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings, HEADINGS, "{name}");
        assert!(alerts.iter().any(|alert| alert.runbook == number), "no alert names {number}");
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap_or_default()) {
            let page = link.split('#').next().unwrap_or_default();
            assert!(runbooks().iter().any(|(n, _)| n.ends_with(&format!("/{page}"))), "{name}: {link}");
        }
    }
}

/// Events by the names that the audit log has, and metrics by those of the contract.
#[test]
fn runbooks_name_events_and_metrics_that_exist() {
    let pack = pack().unwrap_or_else(|problems| panic!("{}", problems[0]));
    let mut recorded = BTreeSet::new();
    for group in &pack.groups {
        recorded.extend(group.rules.iter().map(assurance_rules::Rule::name));
    }
    let events: BTreeSet<&str> =
        pack.contract.metrics.iter().flat_map(|m| m.source.split(", ")).chain(OTHER_EVENTS).collect();
    for (name, text) in runbooks() {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "_.:".contains(c)));
        for word in words.map(|word| word.trim_end_matches(['.', ':'])) {
            let is_event = ["sovereign.", "axe."].iter().any(|p| word.starts_with(p));
            assert!(!is_event || events.contains(word), "{name}: there is no event {word}");
            let is_metric = ["sovereign_", "axe_", "governance_"].iter().any(|p| word.starts_with(p));
            assert!(!is_metric || pack.contract.metric(word).is_some(), "{name}: there is no metric {word}");
            assert!(
                !word.starts_with("instance") || !word.contains(':') || recorded.contains(word),
                "{name}: {word}"
            );
        }
        // There is no call for it.
        assert!(!text.to_lowercase().contains("revoke the override"), "{name}");
    }
}

/// Events that move no metric.
const OTHER_EVENTS: [&str; 8] = [
    "sovereign.mode_override_expired",
    "sovereign.mode_commit_failed",
    "sovereign.mode_preflight_ok",
    "sovereign.mode_preflight_warning",
    "sovereign.bundle_unsigned",
    "sovereign.governance_audit_exported",
    "axe.request_blocked",
    "axe.request_received",
];

/// GA-007b counts them: one more in the contract's use, and it would be blind to one missing.
#[test]
fn the_number_of_series_that_alerts_read_is_the_one_that_ga_007b_expects() {
    let pack = pack().unwrap_or_else(|problems| panic!("{}", problems[0]));
    let mut read = BTreeSet::new();
    for rule in pack.groups.iter().flat_map(|group| &group.rules) {
        let is_count = matches!(rule, assurance_rules::Rule::Recording(_)) || rule.name() == INCOMPLETE;
        for selector in rule.expression().tree().selectors().into_iter().filter(|_| !is_count) {
            read.extend(
                selector.matchers.iter().filter(|m| m.name() == METRIC_NAME).map(|m| m.value().to_owned()),
            );
        }
    }
    let series = |name: &String| {
        let metric = pack.contract.metric(name).filter(|metric| metric.job == "brain-governance")?;
        Some(metric.labels.values().map(Vec::len).product::<usize>())
    };
    assert_eq!(read.iter().filter_map(series).sum::<usize>(), 19);
    let rule =
        pack.groups.iter().flat_map(|group| &group.rules).find(|rule| rule.name() == INCOMPLETE).unwrap();
    let tree = rule.expression().tree();
    let selectors = tree.selectors();
    let counted = |name: &str| {
        selectors[0].matchers.iter().filter(|m| m.name() == METRIC_NAME).all(|m| m.matches(name))
    };
    for metric in pack.contract.metrics.iter().filter(|m| m.job == "brain-governance") {
        assert_eq!(counted(&metric.name), read.contains(&metric.name), "{}", metric.name);
    }
    assert!(rule.expression().text().ends_with("< 18.5"));
}

const INCOMPLETE: &str = "GovernanceMetricsIncomplete";
