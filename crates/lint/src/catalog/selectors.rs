use assurance_diagnostics::Severity::{Error, Warning};

use super::shared::{COMPANION, CONTRACT, PROMETHEUS, alert};
use crate::Check;

pub(super) const SELECTORS: &[&Check] = &[
    &SELECTOR_NO_JOB,
    &SELECTOR_UNKNOWN_METRIC,
    &SELECTOR_UNKNOWN_LABEL,
    &SELECTOR_IMPOSSIBLE_VALUE,
    &SELECTOR_PLAIN_REGEX,
    &VECTOR_NO_MATCH,
    &VECTOR_FRAGILE,
    &VECTOR_DIVISION,
    &VECTOR_SAMPLED,
    &VECTOR_STARTUP,
];

pub(crate) static SELECTOR_NO_JOB: Check = Check {
    id: "selector/no-job",
    severity: Error,
    title: "selector asks for a job that no scrape configuration has",
    why: "The rule finds nothing, ever, and looks exactly like a rule that has nothing to tell. A job that was renamed, or `_` where the job has `-`, is enough.",
    remedy: "write the job as `job_name` has it, or add the job",
    bad: &[
        PROMETHEUS,
        ("rules.yml", alert!("OrdersDown"; "expr: up{job=\"order\"} == 0"; "Orders is down")),
        COMPANION,
    ],
    good: &[
        PROMETHEUS,
        ("rules.yml", alert!("OrdersDown"; "expr: up{job=\"orders\"} == 0"; "Orders is down")),
        COMPANION,
    ],
};

pub(crate) static SELECTOR_UNKNOWN_METRIC: Check = Check {
    id: "selector/unknown-metric",
    severity: Error,
    title: "selector asks for a metric that the contract does not have",
    why: "Nobody promised the metric, so nobody will notice when it is renamed or was never there.",
    remedy: "correct the name, or add the metric to the contract with its source",
    bad: &[
        CONTRACT,
        ("rules.yml", alert!("OrdersStuck"; "expr: min_over_time(orders_opened[5m]) > 0"; "Orders wait")),
        COMPANION,
    ],
    good: &[
        CONTRACT,
        ("rules.yml", alert!("OrdersStuck"; "expr: min_over_time(orders_open[5m]) > 0"; "Orders wait")),
        COMPANION,
    ],
};

pub(crate) static SELECTOR_UNKNOWN_LABEL: Check = Check {
    id: "selector/unknown-label",
    severity: Error,
    title: "selector asks for a label that the metric does not have",
    why: "A label that is not there counts as empty, so the condition holds for no series.",
    remedy: "name a label of the metric, or take the condition out",
    bad: &[
        CONTRACT,
        (
            "rules.yml",
            alert!("OrdersStuck"; "expr: min_over_time(orders_open{shop=\"north\"}[5m]) > 0"; "Orders wait"),
        ),
        COMPANION,
    ],
    good: &[
        CONTRACT,
        ("rules.yml", alert!("OrdersStuck"; "expr: min_over_time(orders_open[5m]) > 0"; "Orders wait")),
        COMPANION,
    ],
};

pub(crate) static SELECTOR_IMPOSSIBLE_VALUE: Check = Check {
    id: "selector/impossible-value",
    severity: Error,
    title: "selector asks for a value that the label never takes",
    why: "The rule was written for an event that is counted under another value, and will never see it.",
    remedy: "write one of the values, or add the value to the contract",
    bad: &[
        CONTRACT,
        (
            "rules.yml",
            alert!("OrdersFailing"; "expr: sum(increase(orders_failed_total{shop=\"west\"}[1h])) > 5.5"; "More than 5 orders failed in an hour"),
        ),
        COMPANION,
    ],
    good: &[
        CONTRACT,
        (
            "rules.yml",
            alert!("OrdersFailing"; "expr: sum(increase(orders_failed_total{shop=\"south\"}[1h])) > 5.5"; "More than 5 orders failed in an hour"),
        ),
        COMPANION,
    ],
};

pub(crate) static SELECTOR_PLAIN_REGEX: Check = Check {
    id: "selector/plain-regex",
    severity: Warning,
    title: "regular expression that says no more than a text does",
    why: "Prometheus compares the whole value, so anchors do nothing and a text without special characters is just a slower `=`. Readers look for the variation that is not there.",
    remedy: "compare with `=` or `!=`, and leave the anchors out",
    bad: &[("rules.yml", alert!("OrdersDown"; "expr: up{job=~\"orders\"} == 0"; "Orders is down"))],
    good: &[("rules.yml", alert!("OrdersDown"; "expr: up{job=~\"orders|invoices\"} == 0"; "Orders is down"))],
};

pub(crate) static VECTOR_NO_MATCH: Check = Check {
    id: "vector/no-match",
    severity: Error,
    title: "two vectors are joined by a label that only one of them has",
    why: "Vectors are matched by all of their labels unless told otherwise. Where one side was aggregated and the other was not, nothing matches and the result is empty without an error.",
    remedy: "name the labels to match by `on (…)` or `ignoring (…)`",
    bad: &[
        CONTRACT,
        (
            "rules.yml",
            alert!("OrdersFailing"; "expr: sum by (shop) (increase(orders_failed_total[1h])) / sum(max_over_time(orders_open[1h])) > 0.5"; "Half of the orders failed"),
        ),
        COMPANION,
    ],
    good: &[
        CONTRACT,
        (
            "rules.yml",
            alert!("OrdersFailing"; "expr: sum(increase(orders_failed_total[1h])) / sum(max_over_time(orders_open[1h])) > 0.5"; "Half of the orders failed"),
        ),
        COMPANION,
    ],
};

pub(crate) static VECTOR_FRAGILE: Check = Check {
    id: "vector/fragile",
    severity: Warning,
    title: "one side of a join drops labels by name, the other has all of them",
    why: "The join holds as long as the dropped labels are the only ones that differ. The next label that a metric gets ends the match, and the alert with it.",
    remedy: "aggregate both sides `by` the same labels, or match `on (…)`",
    bad: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: increase(orders_failed_total[1h]) / sum without (code) (increase(orders_total[1h])) > 0.5"; "Half of the orders failed"),
    )],
    good: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: sum by (shop) (increase(orders_failed_total[1h])) / sum by (shop) (increase(orders_total[1h])) > 0.5"; "Half of the orders failed"),
    )],
};

pub(crate) static VECTOR_DIVISION: Check = Check {
    id: "vector/division",
    severity: Warning,
    title: "sum or average of quotients whose divisor may be 0",
    why: "0/0 is no number, and a sum with it is none either: one idle series takes all others with it, and no comparison holds.",
    remedy: "leave the zeros out: `a / (b > 0)`; or divide the sums",
    bad: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: avg(increase(orders_failed_total[1h]) / increase(orders_total[1h])) > 0.5"; "Half of the orders failed"),
    )],
    good: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: avg(increase(orders_failed_total[1h]) / (increase(orders_total[1h]) > 0)) > 0.5"; "Half of the orders failed"),
    )],
};

pub(crate) static VECTOR_SAMPLED: Check = Check {
    id: "vector/sampled",
    severity: Warning,
    title: "alert on the largest, the smallest or some of the series",
    why: "Which series are among them changes from one evaluation to the next. Alerts end and begin while nothing changed, and `for` starts anew.",
    remedy: "compare all series, and leave the choice to the dashboard",
    bad: &[("rules.yml", alert!("OrdersWaiting"; "expr: topk(3, orders_open) > 100"; "Orders wait"))],
    good: &[("rules.yml", alert!("OrdersWaiting"; "expr: orders_open > 100"; "Orders wait"))],
};

pub(crate) static VECTOR_STARTUP: Check = Check {
    id: "vector/startup",
    severity: Warning,
    title: "aggregations of two jobs set against each other without a `for`",
    why: "Scrapes are spread over an interval. After a start there is a moment in which one job is complete and the other is not, and the quotient is anything.",
    remedy: "add a `for` of one scrape or more",
    bad: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: sum(increase(orders_failed_total{job=\"orders\"}[1h])) / sum(increase(visits_total{job=\"web\"}[1h])) > 0.5"; "Half of the visits failed"),
    )],
    good: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: sum(increase(orders_failed_total{job=\"orders\"}[1h])) / sum(increase(visits_total{job=\"web\"}[1h])) > 0.5", "for: 2m"; "Half of the visits failed"),
    )],
};
