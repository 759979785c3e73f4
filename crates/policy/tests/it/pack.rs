use std::collections::BTreeSet;
use std::path::Path;

use assurance_policy::{Alert, files, pack, rule_files, rule_tests};

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
    for inside in ["", "rules"] {
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
        let (page, anchor) = runbook_url.split_once('#').expect(name);
        let page = page.split_once("/blob/main/").expect(name).1;
        assert_eq!(page, format!("docs/operations/runbooks/{name}.md"));
        let text = read(page);
        let heading = anchor.replace('-', " ");
        let has = |line: &str| line.strip_prefix("## ").is_some_and(|h| h.to_lowercase() == heading);
        assert!(text.lines().any(has), "{page} has no heading {anchor}");
        assert!(text.starts_with(&format!("# {name} ({id})\n\n")), "{page} begins differently");
        assert!(
            text.lines().nth(2).is_some_and(|line| line.contains(severity.as_str())),
            "{page}: {severity}"
        );
    }
}

#[test]
fn the_table_of_alerts_agrees_with_the_rules() {
    let page = read("docs/operations/alerts.md");
    let rows: BTreeSet<(String, String, String)> = page
        .lines()
        .filter(|line| line.starts_with("| GA-") && line.contains("](runbooks/"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let name = cells[2].trim_start_matches('[').split(']').next().unwrap_or_default();
            (cells[1].to_owned(), name.to_owned(), cells[3].to_owned())
        })
        .collect();
    let rules: BTreeSet<(String, String, String)> =
        alerts().into_iter().map(|alert| (alert.id, alert.name, alert.severity)).collect();
    assert_eq!(rows, rules);
}
