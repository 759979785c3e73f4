use assurance_diagnostics::Severity::{Error, Info, Warning};

use super::shared::alert;
use crate::Check;

pub(super) const IDS: &[&Check] = &[
    &NAME_ALERT,
    &ID_OTHER_ALERT,
    &ID_OTHER_THRESHOLD,
    &ID_TWO_IDS,
    &RULE_DUPLICATE,
    &RULE_NO_TEST,
    &RULE_NO_INTENT,
    &INTENT_NO_RULE,
    &INTENT_CONTRADICTS,
    &LABEL_NO_SEVERITY,
    &LABEL_EXTERNAL,
    &ANNOTATION_NO_SUMMARY,
];

/// A rule file with one alert that has an id.
macro_rules! known_as {
    ($id:literal, $name:literal, $expr:literal) => {
        concat!(
            "groups:\n- name: orders\n  rules:\n  - alert: ", $name, "\n    expr: ", $expr, "\n",
            "    labels: {severity: warning, alert_id: ", $id, "}\n",
            "    annotations: {summary: More than 5 in an hour, runbook_url: https://wiki.example/runbook/orders}\n"
        )
    };
}

pub(crate) static NAME_ALERT: Check = Check {
    id: "name/alert",
    severity: Warning,
    title: "alert name that is no plain identifier",
    why: "Routes, silences, URLs, file names and shell commands are made from it. A blank in `alertname=` ends the word.",
    remedy: "use letters, digits and _ only, as in OrdersFailing",
    bad: &[("rules.yml", alert!("Orders Down"; "expr: up{job=\"orders\"} == 0"; "Orders is down"))],
    good: &[("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Orders is down"))],
};

pub(crate) static ID_OTHER_ALERT: Check = Check {
    id: "id/other-alert",
    severity: Error,
    title: "one id for two alerts",
    why: "Runbooks, tickets and reports speak of the id. Whoever is told of O-1 opens the wrong page.",
    remedy: "give the newer alert an id of its own, or make them one alert",
    bad: &[
        ("a_rules.yml", known_as!("O-1", "OrdersFailing", "increase(orders_failed_total[1h]) > 5.5")),
        ("b_rules.yml", known_as!("O-1", "OrdersLate", "increase(orders_late_total[1h]) > 5.5")),
    ],
    good: &[
        ("a_rules.yml", known_as!("O-1", "OrdersFailing", "increase(orders_failed_total[1h]) > 5.5")),
        ("b_rules.yml", known_as!("O-2", "OrdersLate", "increase(orders_late_total[1h]) > 5.5")),
    ],
};

pub(crate) static ID_OTHER_THRESHOLD: Check = Check {
    id: "id/other-threshold",
    severity: Error,
    title: "one alert with two conditions, in rules that no label tells apart",
    why: "Two files each claim to be the alert. Which of them is deployed decides what is noticed.",
    remedy: "keep one of them, or tell them apart by a label such as severity",
    bad: &[
        ("a_rules.yml", known_as!("O-1", "OrdersFailing", "increase(orders_failed_total[1h]) > 5.5")),
        (
            "b_rules.yml",
            "groups:\n- name: orders\n  rules:\n  - alert: OrdersFailing\n    expr: sum(increase(orders_failed_total[1h])) > 50.5\n    labels: {severity: warning, alert_id: O-1, team: a}\n    annotations: {summary: More than 50 in an hour, runbook_url: https://wiki.example/runbook/orders}\n",
        ),
    ],
    good: &[
        ("a_rules.yml", known_as!("O-1", "OrdersFailing", "increase(orders_failed_total[1h]) > 5.5")),
        (
            "b_rules.yml",
            "groups:\n- name: orders\n  rules:\n  - alert: OrdersFailing\n    expr: sum(increase(orders_failed_total[1h])) > 50.5\n    labels: {severity: critical, alert_id: O-1}\n    annotations: {summary: More than 50 in an hour, runbook_url: https://wiki.example/runbook/orders}\n",
        ),
    ],
};

pub(crate) static ID_TWO_IDS: Check = Check {
    id: "id/two-ids",
    severity: Warning,
    title: "one alert under two ids",
    why: "Counting and searching by id finds half of it.",
    remedy: "give rules of one name one id",
    bad: &[
        ("a_rules.yml", known_as!("O-1", "OrdersFailing", "increase(orders_failed_total[1h]) > 5.5")),
        ("b_rules.yml", known_as!("O-2", "OrdersFailing", "sum(increase(orders_failed_total[1h])) > 5.5")),
    ],
    good: &[("a_rules.yml", known_as!("O-1", "OrdersFailing", "increase(orders_failed_total[1h]) > 5.5"))],
};

pub(crate) static RULE_DUPLICATE: Check = Check {
    id: "rule/duplicate",
    severity: Warning,
    title: "the same rule twice",
    why: "The same alert is made twice, or two rules write the same series and the second is refused.",
    remedy: "remove one of the two, or tell them apart by a label",
    bad: &[
        ("a_rules.yml", known_as!("O-1", "OrdersFailing", "increase(orders_failed_total[1h]) > 5.5")),
        ("b_rules.yml", known_as!("O-1", "OrdersFailing", "increase(orders_failed_total[1h]) > 5.5")),
    ],
    good: &[("a_rules.yml", known_as!("O-1", "OrdersFailing", "increase(orders_failed_total[1h]) > 5.5"))],
};

pub(crate) static RULE_NO_TEST: Check = Check {
    id: "rule/no-test",
    severity: Warning,
    title: "alert that no unit test names",
    why: "An alert that nobody ever saw fire may be one that cannot.",
    remedy: "write a test in which it fires and one in which it just does not",
    bad: &[
        ("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Orders is down")),
        ("rules_test.yml", "rule_files: [rules.yml]\ntests: []\n"),
    ],
    good: &[
        ("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Orders is down")),
        (
            "rules_test.yml",
            "rule_files: [rules.yml]\ntests:\n- input_series: [{series: 'up{job=\"orders\"}', values: 1 1}]\n  alert_rule_test: [{eval_time: 1m, alertname: OrdersDown}]\n",
        ),
    ],
};

const INTENTS_OF_NONE: &str = "version: 1\nintents: []\n";

const INTENTS: &str = "version: 1\nintents:\n- {id: O-1, alert: OrdersDown, violation: {kind: absence, of: 'job:orders', for: 2m}, detect_within: 4m}\n";

pub(crate) static RULE_NO_INTENT: Check = Check {
    id: "rule/no-intent",
    severity: Warning,
    title: "alert of which no intent says what it must catch",
    why: "Without an intent nothing can prove the alert, and nobody knows when it would be wrong.",
    remedy: "say in the intents what must be caught, and how fast",
    bad: &[
        ("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Orders is down")),
        ("intents.yml", INTENTS_OF_NONE),
    ],
    good: &[
        ("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Orders is down")),
        ("intents.yml", INTENTS),
    ],
};

pub(crate) static INTENT_NO_RULE: Check = Check {
    id: "intent/no-rule",
    severity: Error,
    title: "intent that no rule keeps",
    why: "What was promised is caught by nothing.",
    remedy: "name the alert that keeps it, or write the rule",
    bad: &[
        ("rules.yml", alert!("OrdersWatchdog"; "expr: vector(1)"; "Alerting works")),
        ("intents.yml", INTENTS),
    ],
    good: &[
        ("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Orders is down")),
        ("intents.yml", INTENTS),
    ],
};

pub(crate) static INTENT_CONTRADICTS: Check = Check {
    id: "intent/contradicts-rule",
    severity: Error,
    title: "intent that its rule cannot keep",
    why: "What is promised of an alert and what its rule does are two things: another severity, a `for` that is longer than the deadline, a label that the expression drops, another runbook.",
    remedy: "change the rule, or the promise",
    bad: &[
        ("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0", "for: 15m"; "Orders is down")),
        ("intents.yml", INTENTS),
    ],
    good: &[
        ("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0", "for: 2m"; "Orders is down")),
        ("intents.yml", INTENTS),
    ],
};

pub(crate) static LABEL_NO_SEVERITY: Check = Check {
    id: "label/no-severity",
    severity: Warning,
    title: "alert without a severity",
    why: "Routes decide by it who is woken.",
    remedy: "add `severity` under `labels:`",
    bad: &[(
        "rules.yml",
        "groups:\n- name: orders\n  rules:\n  - alert: OrdersDown\n    expr: up{job=\"orders\"} == 0\n    annotations: {summary: Orders is down, runbook_url: https://wiki.example/runbook/orders}\n",
    )],
    good: &[("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Orders is down"))],
};

pub(crate) static LABEL_EXTERNAL: Check = Check {
    id: "label/external-conflict",
    severity: Warning,
    title: "rule that hides an external label",
    why: "The external label tells which server an alert comes from. A label of the rule takes its place, and routes and silences by it miss the alert.",
    remedy: "give the rule's label another name",
    bad: &[
        ("prometheus.yml", "global: {external_labels: {site: a}}\n"),
        (
            "rules.yml",
            "groups:\n- name: orders\n  rules:\n  - alert: OrdersDown\n    expr: increase(orders_failed_total[1h]) > 5.5\n    labels: {severity: warning, site: b}\n    annotations: {summary: Orders fail, runbook_url: https://wiki.example/runbook/orders}\n",
        ),
    ],
    good: &[
        ("prometheus.yml", "global: {external_labels: {site: a}}\n"),
        (
            "rules.yml",
            "groups:\n- name: orders\n  rules:\n  - alert: OrdersDown\n    expr: increase(orders_failed_total[1h]) > 5.5\n    labels: {severity: warning, shop: b}\n    annotations: {summary: Orders fail, runbook_url: https://wiki.example/runbook/orders}\n",
        ),
    ],
};

pub(crate) static ANNOTATION_NO_SUMMARY: Check = Check {
    id: "annotation/no-summary",
    severity: Info,
    title: "alert without a summary",
    why: "The message then consists of a name and labels.",
    remedy: "add `summary` under `annotations:`, one line of what happened",
    bad: &[(
        "rules.yml",
        "groups:\n- name: orders\n  rules:\n  - alert: OrdersDown\n    expr: up{job=\"orders\"} == 0\n    labels: {severity: warning}\n    annotations: {runbook_url: https://wiki.example/runbook/orders}\n",
    )],
    good: &[("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Orders is down"))],
};
