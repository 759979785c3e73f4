use assurance_lint::lint;

use crate::examples::input;

const RULE: &str = "groups:\n- name: a\n  rules:\n  - alert: Orders Down\n    expr: up == 0\n    labels: {severity: warning}\n    annotations: {summary: Down, runbook_url: https://wiki/runbook}\n  - alert: Orders Late\n    expr: up == 0\n    labels: {severity: critical}\n    annotations: {summary: Late, runbook_url: https://wiki/runbook}\n";

/// What is left, and what was ignored why.
fn looked_at(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let report = lint(&input(files));
    let line = |d: &assurance_diagnostics::Diagnostic| d.line().unwrap_or_default();
    (
        report.findings.iter().map(|f| format!("{}:{}", line(&f.diagnostic), f.check.id)).collect(),
        report.ignored.iter().map(|i| format!("{}: {}", line(&i.finding.diagnostic), i.reason)).collect(),
    )
}

fn with(before: &str, comment: &str) -> String {
    assert!(RULE.contains(before));
    RULE.replacen(before, comment, 1)
}

#[test]
fn a_comment_above_a_rule_in_it_or_behind_it_covers_that_rule_alone() {
    let ignore = "# lint ignore name/alert: the tickets have it so";
    let above =
        with("  - alert: Orders Down", &format!("  # Of orders.\n  {ignore}\n  - alert: Orders Down"));
    let inside = with("    expr: up == 0\n", &format!("    {ignore}\n    expr: up == 0\n"));
    let behind = with("    expr: up == 0\n", &format!("    expr: up == 0 {ignore}\n"));
    let last = with("runbook}\n  - alert", &format!("runbook}} {ignore}\n  - alert"));
    for (text, line, left) in [(above, 6, 10), (inside, 4, 9), (behind, 4, 8), (last, 4, 8)] {
        let (findings, ignored) = looked_at(&[("rules.yml", &text)]);
        assert_eq!(findings, [format!("{left}:name/alert")], "{text}");
        assert_eq!(ignored, [format!("{line}: the tickets have it so")], "{text}");
    }
}

#[test]
fn a_comment_for_the_file_covers_all_of_it() {
    let text = format!("{RULE}# lint file ignore name/alert: all of them are old\n");
    let (findings, ignored) = looked_at(&[("rules.yml", &text)]);
    assert_eq!((findings, ignored.len()), (vec![], 2));
}

#[test]
fn a_blank_line_between_comment_and_rule_parts_them() {
    let text = with("  - alert: Orders Late", "  # lint ignore name/alert: old\n\n  - alert: Orders Late");
    let (findings, ignored) = looked_at(&[("rules.yml", &text)]);
    // It stands in front of the rule's block all the same.
    assert_eq!(findings, ["4:name/alert"]);
    assert_eq!(ignored.len(), 1);
}

#[test]
fn in_other_files_a_comment_covers_its_line_or_the_block_below() {
    let rules = RULE.replace("Orders ", "Orders");
    let notify = |route: &str| {
        format!(
            "route:\n  receiver: ops\n  routes:\n{route}receivers:\n- name: ops\n  webhook_configs: [{{url: 'http://ops/'}}]\n"
        )
    };
    let beat = "groups:\n- name: b\n  rules:\n  - {alert: Watchdog, expr: vector(1), labels: {severity: none}, annotations: {summary: x, runbook_url: https://wiki/runbook}}\n";
    let route = "  - matchers: [severity=\"loud\"] # lint ignore routing/unreached-route: for later\n";
    let (findings, ignored) =
        looked_at(&[("rules.yml", &rules), ("beat_rules.yml", beat), ("alertmanager.yml", &notify(route))]);
    assert_eq!(ignored.len(), 1, "{findings:?}");
    let route = "  # lint ignore routing/unreached-route: for later\n  - receiver: ops\n    matchers: [severity=\"loud\"]\n";
    let (findings, ignored) =
        looked_at(&[("rules.yml", &rules), ("beat_rules.yml", beat), ("alertmanager.yml", &notify(route))]);
    assert_eq!(ignored.len(), 1, "{findings:?}");
}

#[test]
fn a_comment_lets_only_its_own_check_pass() {
    let text = with("    expr: up == 0\n", "    expr: up == 0 # lint ignore runbook/none: none needed\n");
    let (findings, ignored) = looked_at(&[("rules.yml", &text)]);
    assert_eq!(findings, ["4:name/alert", "5:ignore/unused", "8:name/alert"]);
    assert!(ignored.is_empty(), "{ignored:?}");
}

#[test]
fn a_hash_in_a_text_is_no_comment() {
    let text = with("summary: Down", "summary: 'Down # lint ignore name/alert: not a comment'");
    let (findings, ignored) = looked_at(&[("rules.yml", &text)]);
    assert_eq!(findings, ["4:name/alert", "8:name/alert"]);
    assert!(ignored.is_empty(), "{ignored:?}");
}
