use assurance_lint::lint;

use crate::examples::input;

const RULES: &str = "groups:
- name: a
  rules:
  - alert: HostDown
    expr: up == 0
    labels: {severity: critical, team: base}
    annotations: {summary: x, runbook_url: https://wiki/runbook}
  - alert: OrdersDown
    expr: sum by (job) (up{job=\"orders\"}) == 0
    labels: {severity: warning, team: '{{ $labels.job }}'}
    annotations: {summary: x, runbook_url: https://wiki/runbook}
  - alert: Watchdog
    expr: vector(1)
    labels: {severity: none}
    annotations: {summary: x, runbook_url: https://wiki/runbook}
";

/// The checks that find something in a route tree and inhibitions, in order.
fn found(routes: &str, inhibit: &str) -> Vec<String> {
    let notify = format!(
        "route:\n  receiver: ops\n  routes: [{routes}]\nreceivers:\n- name: ops\n  webhook_configs: [{{url: 'http://ops/'}}]\ninhibit_rules: [{inhibit}]\n"
    );
    let report = lint(&input(&[("rules.yml", RULES), ("alertmanager.yml", &notify)]));
    report.findings.iter().map(|f| f.check.id.to_owned()).collect()
}

#[test]
fn routes_are_followed_as_far_as_labels_are_known() {
    for (routes, wanted) in [
        // The template may give anything.
        ("{matchers: [team=\"orders\"]}", &[][..]),
        ("{matchers: [team=\"orders\", alertname=\"HostDown\"]}", &["routing/unreached-route"]),
        // A label that only the series have.
        ("{matchers: [instance=\"a\"]}", &[]),
        ("{matchers: [instance=\"a\", alertname=\"OrdersDown\"]}", &["routing/unreached-route"]),
        // What one route takes surely, a later one never sees.
        ("{matchers: [team=~\".+\"]}, {matchers: [alertname=\"HostDown\"]}", &["routing/unreached-route"]),
        ("{matchers: [team=~\".+\"], continue: true}, {matchers: [alertname=\"HostDown\"]}", &[]),
        // Only the outermost of what is not reached is told.
        (
            "{matchers: [team=\"x\", severity=\"none\"], routes: [{matchers: [job=\"a\"]}]}",
            &["routing/unreached-route"],
        ),
        ("{matchers: [alertname=~\"Host.*\"]}", &[]),
        ("{matchers: [alertname!=\"Hostdown\"]}", &[]),
        ("{matchers: [alertname=\"Hostdown\"]}", &["routing/unknown-alert", "routing/unreached-route"]),
    ] {
        let mut told = found(routes, "");
        // Alerts whose severity no route asks for are another matter.
        told.retain(|id| id != "routing/default-only");
        told.sort_unstable();
        assert_eq!(told, wanted, "{routes}");
    }
}

#[test]
fn continuing_is_useless_where_no_later_route_can_match() {
    let useless = |routes| found(routes, "").contains(&"routing/useless-continue".to_owned());
    assert!(useless("{matchers: [severity=\"critical\"], continue: true}"));
    assert!(useless(
        "{matchers: [severity=\"critical\"], continue: true}, {matchers: [severity=~\"warning|none\"]}"
    ));
    assert!(!useless(
        "{matchers: [severity=\"critical\"], continue: true}, {matchers: [severity=~\"warning|critical\"]}"
    ));
    assert!(!useless("{matchers: [severity=\"critical\"], continue: true}, {matchers: [team=\"base\"]}"));
}

#[test]
fn inhibitions_that_can_never_inhibit_are_found() {
    let side = "source_matchers: [alertname=\"HostDown\"], target_matchers: [alertname=\"OrdersDown\"]";
    for (equal, useless) in [
        ("", false),
        (", equal: [job]", false),
        // Critical and warning.
        (", equal: [severity]", true),
        // The template may give the same.
        (", equal: [team]", false),
        // Neither has it, which is the same nothing.
        (", equal: [alertname_of_old]", false),
    ] {
        let told = found("", &format!("{{{side}{equal}}}"));
        assert_eq!(told.contains(&"routing/useless-inhibition".to_owned()), useless, "{equal}: {told:?}");
    }
}
