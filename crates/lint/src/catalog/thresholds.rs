use assurance_diagnostics::Severity::{Error, Warning};

use super::shared::{COMPANION, CONTRACT, alert};
use crate::Check;

pub(super) const THRESHOLDS: &[&Check] = &[
    &THRESHOLD_TEXT,
    &THRESHOLD_EXTRAPOLATED,
    &THRESHOLD_UNSTATED,
    &THRESHOLD_WINDOW,
    &THRESHOLD_FOR,
    &TOTAL_PER_LABEL,
];

pub(crate) static THRESHOLD_TEXT: Check = Check {
    id: "threshold/contradicts-text",
    severity: Error,
    title: "threshold that is not what the comment or the annotation says",
    why: "Rates are written per second and meant per hour; 10/3600 rounded to four digits is 9.72 an hour, which fires at ten although the text promises more than ten. Whoever is woken reads the text.",
    remedy: "write the threshold as the text has it, with increase() over the window that the text names",
    bad: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: rate(orders_failed_total[1h]) > 0.0027 # ~10/hour"; "Orders fail"),
    )],
    good: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: increase(orders_failed_total[1h]) > 10.5 # more than 10/hour"; "Orders fail"),
    )],
};

pub(crate) static THRESHOLD_EXTRAPOLATED: Check = Check {
    id: "threshold/extrapolated",
    severity: Warning,
    title: "whole number as the threshold of an extrapolated count",
    why: "increase() and rate() extrapolate to the whole window: five events are 5.0 for a counter that began at 0 and 5.04 for one that is older. Whether five are more than 5 depends on that.",
    remedy: "put the threshold halfway between two counts",
    bad: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: increase(orders_failed_total[1h]) > 5"; "More than 5 orders failed in an hour"),
    )],
    good: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: increase(orders_failed_total[1h]) > 5.5"; "More than 5 orders failed in an hour"),
    )],
};

pub(crate) static THRESHOLD_UNSTATED: Check = Check {
    id: "threshold/unstated",
    severity: Warning,
    title: "rate per second whose meaning no text gives",
    why: "`> 0.1` over five minutes is thirty events. A reader takes it for a small number, and nobody notices that the alert cannot fire for what its name says.",
    remedy: "say in the summary how many in which time, or write it as increase() over that time",
    bad: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: rate(orders_failed_total[5m]) > 0.1"; "Orders fail"),
    )],
    good: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: increase(orders_failed_total[5m]) > 30.5"; "More than 30 orders failed in 5 minutes"),
    )],
};

pub(crate) static THRESHOLD_WINDOW: Check = Check {
    id: "threshold/other-window",
    severity: Warning,
    title: "window that is not the one the text speaks of",
    why: "Ten within an hour and a rate of ten an hour over five minutes are different alerts: the second fires at a single event and ends minutes after it.",
    remedy: "look at the time that the text names",
    bad: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: increase(orders_failed_total[5m]) > 0.875"; "More than 10 orders failed within an hour"),
    )],
    good: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: increase(orders_failed_total[1h]) > 10.5"; "More than 10 orders failed within an hour"),
    )],
};

pub(crate) static THRESHOLD_FOR: Check = Check {
    id: "threshold/contradicts-for",
    severity: Warning,
    title: "summary that names another time than the rule",
    why: "Who reads \"for 30 minutes\" counts back from it to find the cause.",
    remedy: "write the same time in both",
    bad: &[(
        "rules.yml",
        alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0", "for: 5m"; "Orders is down for more than 30 minutes"),
    )],
    good: &[(
        "rules.yml",
        alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0", "for: 30m"; "Orders is down for more than 30 minutes"),
    )],
};

pub(crate) static TOTAL_PER_LABEL: Check = Check {
    id: "total/per-label",
    severity: Error,
    title: "count that each label value must reach alone, where the text counts all",
    why: "Without an aggregation every series is compared alone. Nine failures at each of four gates are 36, and none of them is more than ten.",
    remedy: "sum over the label, or say in the text that each is counted alone",
    bad: &[
        CONTRACT,
        (
            "rules.yml",
            alert!("OrdersFailing"; "expr: increase(orders_failed_total[1h]) > 10.5"; "More than 10 orders failed in an hour"),
        ),
        COMPANION,
    ],
    good: &[
        CONTRACT,
        (
            "rules.yml",
            alert!("OrdersFailing"; "expr: sum without (shop) (increase(orders_failed_total[1h])) > 10.5"; "More than 10 orders failed in an hour"),
        ),
        COMPANION,
    ],
};
