use assurance_lint::{lint, shared_files};

use crate::examples::input;

/// The checks of some areas that find something in one alert, with the shared contract and configuration.
fn found(expr: &str, summary: &str, areas: &[&str]) -> Vec<&'static str> {
    let rules = format!(
        "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: {expr}\n    labels: {{severity: warning}}\n    annotations:\n      summary: {summary}\n      runbook_url: https://wiki/runbook\n"
    );
    let mut files = shared_files().to_vec();
    files.push(("rules.yml", &rules));
    let report = lint(&input(&files));
    let own = report.findings.iter().filter(|f| f.rule.as_deref() == Some("A"));
    own.map(|f| f.check.id).filter(|id| areas.iter().any(|area| id.starts_with(area))).collect()
}

const DIFFERENCE: &str =
    "sum(last_over_time(orders_failed_total[5m]) - min_over_time(orders_failed_total[1h]))";

#[test]
fn thresholds_are_held_to_what_the_text_says() {
    let text: &[&str] = &["threshold/contradicts-text"];
    let near: &[&str] = &["threshold/extrapolated"];
    let none: &[&str] = &[];
    let x = "sum(increase(orders_failed_total";
    let rate = "sum(rate(orders_failed_total";
    for (expr, summary, wanted) in [
        (format!("{x}[1h])) > 5.5"), "More than 5 orders an hour", none),
        (format!("{x}[1h])) > 5.5"), "At least 6 orders an hour", none),
        (format!("{x}[1h])) > 5.5"), "At least 5 orders an hour", text),
        (format!("{x}[1h])) > 5.5"), "~5/hour", none),
        (format!("{x}[1h])) > 5.5"), "Fewer than 9 an hour would be well", none),
        (format!("5.5 < {x}[1h]))"), "More than 5 orders an hour", none),
        (format!("{x}[1h])) > 5"), "More than 5 orders an hour", near),
        // Extrapolation only adds: five never become six.
        (format!("{x}[1h])) >= 6"), "At least 6 orders an hour", none),
        (format!("{x}[1h])) > 36.5"), "More than 5 orders an hour", text),
        (format!("{x}[30m])) > 2.5"), "More than 5 orders per hour", none),
        (format!("{rate}[1h])) > 0.0014"), "More than 5 orders an hour", near),
        (format!("{rate}[1h])) > 0.00153"), "More than 5 orders an hour", none),
        (format!("{rate}[1h])) * 3600 > 5.5"), "More than 5 orders an hour", none),
        (format!("{rate}[1h])) * 60 > 5.5"), "More than 5 orders an hour", text),
        (format!("{rate}[5m])) > 3"), "More than 3 orders/second", none),
        (format!("{rate}[5m])) > 2"), "Orders fail", &["threshold/unstated"]),
        (format!("{rate}[5m])) > 0"), "Orders fail", none),
        // What is no extrapolation may stand at a whole number.
        (DIFFERENCE.to_owned() + " > 5", "More than 5 orders an hour", none),
        (DIFFERENCE.to_owned() + " > 6", "More than 5 orders an hour", text),
        // What agrees shows what is meant; the other number is about something else.
        (format!("{x}[1h])) > 5.5"), "More than 5 orders an hour, 200 an hour are made", none),
        (format!("{x}[1h])) > 10.5"), "More than 10 orders within an hour", none),
        (
            format!("{x}[10m])) > 10.5"),
            "More than 10 orders within an hour",
            &["threshold/other-window", "threshold/contradicts-text"],
        ),
    ] {
        assert_eq!(found(&expr, summary, &["threshold"]), wanted, "{expr} # {summary}");
    }
}

#[test]
fn a_count_of_each_is_no_count_of_all() {
    let each = "increase(orders_failed_total[1h])";
    for (expr, summary, wanted) in [
        (format!("{each} > 5.5"), "More than 5 orders an hour", true),
        (format!("{each} > 5.5"), "More than 5 orders an hour per shop", false),
        (format!("{each} > 5.5"), "More than 5 orders of one shop an hour", false),
        (format!("{each} > 5.5"), "'More than 5 orders an hour. Shop: {{ $labels.shop }}'", true),
        (format!("{each} > 5.5"), "Orders of {{ $labels.shop }} fail", false),
        (format!("{each} > 5.5"), "Orders fail", true),
        (format!("sum({each}) > 5.5"), "More than 5 orders an hour", false),
        (format!("sum without (shop) ({each}) > 5.5"), "More than 5 orders an hour", false),
        (format!("sum without (instance) ({each}) > 5.5"), "More than 5 orders an hour", true),
        (format!("sum by (job) ({each}) > 5.5"), "More than 5 orders an hour", false),
        (format!("sum by (shop) ({each}) > 5.5"), "More than 5 orders an hour", true),
        (
            "increase(orders_failed_total{shop=\"north\"}[1h]) > 5.5".to_owned(),
            "More than 5 orders an hour",
            false,
        ),
        // Any event of any shop is an event.
        (format!("{each} > 0"), "An order failed", false),
    ] {
        assert_eq!(!found(&expr, summary, &["total"]).is_empty(), wanted, "{expr} # {summary}");
    }
}

#[test]
fn labels_are_followed_through_the_expression() {
    let (dropped, unknown): (&[&str], &[&str]) = (&["template/dropped-label"], &["template/unknown-label"]);
    let none: &[&str] = &[];
    for (expr, label, wanted) in [
        ("increase(orders_failed_total[1h]) > 5.5", "shop", none),
        ("increase(orders_failed_total[1h]) > 5.5", "region", unknown),
        ("sum by (job) (increase(orders_failed_total[1h])) > 5.5", "shop", dropped),
        ("sum without (shop) (increase(orders_failed_total[1h])) > 5.5", "shop", dropped),
        ("sum without (shop) (increase(orders_failed_total[1h])) > 5.5", "instance", none),
        ("sum(orders_open) > 5.5", "instance", dropped),
        ("topk(1, orders_open) > 5.5", "instance", none),
        ("orders_open + on (job) orders_failed_total > 5.5", "instance", dropped),
        ("orders_failed_total * on (job) group_left (owner) owners > 5.5", "owner", none),
        ("orders_failed_total * on (job) group_left () owners > 5.5", "shop", none),
        ("label_replace(orders_open, \"region\", \"$1\", \"instance\", \"(.*)\") > 5.5", "region", none),
        ("absent(orders_open{job=\"orders\"})", "job", none),
        ("absent(orders_open{job=\"orders\"})", "instance", unknown),
        // One side of the `or` has it.
        ("orders_open > 5.5 or absent(orders_open)", "instance", none),
        ("orders_open > 5.5 and sum(orders_open) > 7.5", "instance", none),
        ("count_values(\"open\", orders_open) > 1", "open", none),
        ("time() - orders_failed_last_timestamp_seconds > 5", "instance", none),
        ("vector(1) > 0", "instance", unknown),
        // Nothing is known of it.
        ("somebody_elses_total > 5.5", "anything", none),
    ] {
        let told = found(&format!("'{expr}'"), &format!("'{{{{ $labels.{label} }}}}'"), &["template"]);
        assert_eq!(told, wanted, "{expr}: {label}");
    }
}

#[test]
fn no_difference_sees_a_late_birth() {
    for (metric, wanted) in
        [("orders_imported_total", &["counter/born-late"][..]), ("orders_failed_total", &[])]
    {
        for form in [
            "sum(last_over_time(M[5m]) - min_over_time(M[1h]))",
            "sum(increase(M[1h]))",
            "sum(changes(M[1h]))",
        ] {
            let expr = form.replace('M', metric) + " > 5.5";
            assert_eq!(found(&expr, "More than 5 orders an hour", &["counter"]), wanted, "{expr}");
        }
    }
    assert!(found("max_over_time(orders_imported_total[1h]) >= 0", "Orders", &["counter/born"]).is_empty());
}
