use assurance_diagnostics::Severity::{Error, Warning};

use super::shared::{COMPANION, CONTRACT, PROMETHEUS, alert};
use crate::Check;

pub(super) const TEMPLATES: &[&Check] = &[
    &TEMPLATE_PRINTS_QUERY,
    &TEMPLATE_PRINTS_STRUCTURE,
    &TEMPLATE_FAILS,
    &TEMPLATE_UNROUNDED,
    &TEMPLATE_DROPPED_LABEL,
    &TEMPLATE_UNKNOWN_LABEL,
    &TEMPLATE_VALUE_IN_LABEL,
    &TEMPLATE_EXTERNAL_LABEL,
];

pub(crate) static TEMPLATE_PRINTS_QUERY: Check = Check {
    id: "template/prints-query",
    severity: Error,
    title: "result of a query printed as it is",
    why: "A query gives a list of samples. Prometheus prints their addresses in memory, others at every evaluation.",
    remedy: "print the value of the first sample: `{{ with query \"…\" }}{{ . | first | value }}{{ end }}`",
    bad: &[(
        "rules.yml",
        alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Orders is down, {{ query \"sum(orders_open)\" }} wait"),
    )],
    good: &[(
        "rules.yml",
        alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Orders is down, {{ with query \"sum(orders_open)\" }}{{ . | first | value }}{{ end }} wait"),
    )],
};

pub(crate) static TEMPLATE_PRINTS_STRUCTURE: Check = Check {
    id: "template/prints-structure",
    severity: Warning,
    title: "labels or the alert printed as a structure",
    why: "`map[instance:a job:b]` is Go's notation, not a sentence.",
    remedy: "name the labels that are meant",
    bad: &[("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Down {{ $labels }}"))],
    good: &[(
        "rules.yml",
        alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Down {{ $labels.instance }}"),
    )],
};

pub(crate) static TEMPLATE_FAILS: Check = Check {
    id: "template/fails",
    severity: Error,
    title: "template that cannot be rendered",
    why: "The alert is sent with an error message in the place of its text.",
    remedy: "correct the marked action",
    bad: &[(
        "rules.yml",
        alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Down {{ .labels.instance }}"),
    )],
    good: &[(
        "rules.yml",
        alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Down {{ .Labels.instance }}"),
    )],
};

pub(crate) static TEMPLATE_UNROUNDED: Check = Check {
    id: "template/unrounded",
    severity: Warning,
    title: "extrapolated value printed with all of its digits",
    why: "One event prints as 1.1722466666666667, and the reader wonders what a sixth of an event is.",
    remedy: "round it: `{{ $value | printf \"%.0f\" }}`",
    bad: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: increase(orders_failed_total[1h]) > 5.5"; "More than 5 orders failed in an hour, {{ $value }}"),
    )],
    good: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: increase(orders_failed_total[1h]) > 5.5"; "More than 5 orders failed in an hour, {{ $value | humanize }}"),
    )],
};

pub(crate) static TEMPLATE_DROPPED_LABEL: Check = Check {
    id: "template/dropped-label",
    severity: Error,
    title: "label in a template that the expression drops",
    why: "It prints as nothing: \"orders of  fail\".",
    remedy: "keep the label in the aggregation, or take it out of the text",
    bad: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: sum by (region) (increase(orders_failed_total[1h])) > 5.5"; "Orders of {{ $labels.shop }} fail"),
    )],
    good: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: sum by (shop) (increase(orders_failed_total[1h])) > 5.5"; "Orders of {{ $labels.shop }} fail"),
    )],
};

pub(crate) static TEMPLATE_UNKNOWN_LABEL: Check = Check {
    id: "template/unknown-label",
    severity: Error,
    title: "label in a template that no series of the expression has",
    why: "It prints as nothing. Labels that the rule itself adds are not in `$labels` either.",
    remedy: "name a label of the series",
    bad: &[
        CONTRACT,
        (
            "rules.yml",
            alert!("OrdersStuck"; "expr: min_over_time(orders_open[5m]) > 0"; "Orders of {{ $labels.shop }} wait"),
        ),
        COMPANION,
    ],
    good: &[
        CONTRACT,
        (
            "rules.yml",
            alert!("OrdersStuck"; "expr: min_over_time(orders_open[5m]) > 0"; "Orders on {{ $labels.instance }} wait"),
        ),
        COMPANION,
    ],
};

pub(crate) static TEMPLATE_VALUE_IN_LABEL: Check = Check {
    id: "template/value-in-label",
    severity: Error,
    title: "value in a label",
    why: "Labels are what an alert is known by. One that changes with the value ends one alert and begins another at every evaluation, and `for` never passes.",
    remedy: "put the value into an annotation",
    bad: &[(
        "rules.yml",
        "groups:\n- name: orders\n  rules:\n  - alert: OrdersStuck\n    expr: orders_open > 100\n    labels: {severity: warning, open: '{{ $value }}'}\n    annotations: {summary: Orders wait, runbook_url: https://wiki.example/runbook/orders}\n",
    )],
    good: &[(
        "rules.yml",
        "groups:\n- name: orders\n  rules:\n  - alert: OrdersStuck\n    expr: orders_open > 100\n    labels: {severity: warning}\n    annotations: {summary: '{{ $value }} orders wait', runbook_url: https://wiki.example/runbook/orders}\n",
    )],
};

pub(crate) static TEMPLATE_EXTERNAL_LABEL: Check = Check {
    id: "template/external-label",
    severity: Error,
    title: "external label that the configuration does not have",
    why: "It prints as nothing.",
    remedy: "add it under `global.external_labels`, or take it out of the text",
    bad: &[
        PROMETHEUS,
        (
            "rules.yml",
            alert!("OrdersWaiting"; "expr: orders_open{job=\"orders\"} > 100"; "Orders wait at {{ $externalLabels.site }}"),
        ),
        COMPANION,
    ],
    good: &[
        PROMETHEUS,
        (
            "rules.yml",
            alert!("OrdersWaiting"; "expr: orders_open{job=\"orders\"} > 100"; "Orders wait at {{ $labels.instance }}"),
        ),
        COMPANION,
    ],
};
