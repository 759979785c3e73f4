use assurance_diagnostics::Severity::{Error, Warning};

use super::shared::{COMPANION, CONTRACT, PROMETHEUS, alert};
use crate::Check;

pub(super) const COUNTERS: &[&Check] = &[
    &COUNTER_BORN_LATE,
    &COUNTER_RESTART_HIDES,
    &COUNTER_BARE,
    &COUNTER_DELTA,
    &COUNTER_RATE_OF_GAUGE,
    &COUNTER_RATE_OF_SUM,
    &WINDOW_TOO_SHORT,
    &WINDOW_BEYOND_RETENTION,
];

pub(crate) static COUNTER_BORN_LATE: Check = Check {
    id: "counter/born-late",
    severity: Error,
    title: "increase or rate of a counter whose series begin with their first event",
    why: "A series that begins at 1, or at 50, has not increased: increase() compares two samples. The first event of every label value is lost, and it is often the only one.",
    remedy: "have the source create every label value at 0 when it starts, or export the time of the last event",
    bad: &[
        CONTRACT,
        (
            "rules.yml",
            alert!("OrdersFlood"; "expr: sum(increase(orders_imported_total[1h])) > 20.5"; "More than 20 orders in an hour"),
        ),
        COMPANION,
    ],
    good: &[
        CONTRACT,
        (
            "rules.yml",
            alert!("OrdersFailing"; "expr: sum(increase(orders_failed_total[1h])) > 20.5"; "More than 20 orders failed in an hour"),
        ),
        COMPANION,
    ],
};

pub(crate) static COUNTER_RESTART_HIDES: Check = Check {
    id: "counter/restart-hides",
    severity: Error,
    title: "any event counts, but the counter forgets at a restart",
    why: "A counter in memory that stood at 1, is 0 after a restart and 1 again before the next scrape shows 1, 1: no increase. An event that repeats at every start is never seen.",
    remedy: "have the source keep the time of the last event over restarts, and compare it with time()",
    bad: &[
        CONTRACT,
        (
            "rules.yml",
            alert!("OrderFailed"; "expr: sum(increase(orders_failed_total[5m])) > 0"; "An order failed"),
        ),
        COMPANION,
    ],
    good: &[
        CONTRACT,
        (
            "rules.yml",
            alert!("OrderFailed"; "expr: time() - max_over_time(orders_failed_last_timestamp_seconds[5m]) < 300 or sum(increase(orders_failed_total[5m])) > 0"; "An order failed"),
        ),
        COMPANION,
    ],
};

pub(crate) static COUNTER_BARE: Check = Check {
    id: "counter/bare",
    severity: Warning,
    title: "counter compared as it stands",
    why: "A counter grows until its process ends. The alert fires by the age of the process, and does not end.",
    remedy: "ask for the increase over a window",
    bad: &[("rules.yml", alert!("OrdersFailing"; "expr: orders_failed_total > 100"; "Orders fail"))],
    good: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: increase(orders_failed_total[1h]) > 100.5"; "Orders fail"),
    )],
};

pub(crate) static COUNTER_DELTA: Check = Check {
    id: "counter/delta",
    severity: Error,
    title: "delta, deriv or predict_linear of a counter",
    why: "They do not know of restarts: a counter that falls to 0 is a fall of its whole value, and hides what happened before and after.",
    remedy: "use increase() or rate()",
    bad: &[("rules.yml", alert!("OrdersFailing"; "expr: delta(orders_failed_total[1h]) > 5"; "Orders fail"))],
    good: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: increase(orders_failed_total[1h]) > 5.5"; "Orders fail"),
    )],
};

pub(crate) static COUNTER_RATE_OF_GAUGE: Check = Check {
    id: "counter/rate-of-gauge",
    severity: Error,
    title: "increase or rate of what is no counter",
    why: "Every fall of the value is taken for a restart and added again, so that a gauge that goes up and down has increased without end.",
    remedy: "use delta() or deriv(), or compare the value itself",
    bad: &[
        CONTRACT,
        ("rules.yml", alert!("OrdersStuck"; "expr: increase(orders_open[1h]) > 5.5"; "Orders wait")),
        COMPANION,
    ],
    good: &[
        CONTRACT,
        ("rules.yml", alert!("OrdersStuck"; "expr: delta(orders_open[1h]) > 5"; "Orders wait")),
        COMPANION,
    ],
};

pub(crate) static COUNTER_RATE_OF_SUM: Check = Check {
    id: "counter/rate-of-sum",
    severity: Error,
    title: "increase or rate of a sum",
    why: "The restart of one instance is a fall of the sum, and what the others counted is taken for new.",
    remedy: "take the rate first, then sum",
    bad: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: increase(sum(orders_failed_total)[1h:1m]) > 5.5"; "Orders fail"),
    )],
    good: &[(
        "rules.yml",
        alert!("OrdersFailing"; "expr: sum(increase(orders_failed_total[1h])) > 5.5"; "Orders fail"),
    )],
};

pub(crate) static WINDOW_TOO_SHORT: Check = Check {
    id: "window/too-short",
    severity: Warning,
    title: "window of fewer than four scrapes (two, for a value)",
    why: "increase() needs two samples in its window. With fewer than four scrapes, two lost ones leave it without, and the alert is silent or ends.",
    remedy: "make the window four scrapes or longer; two where only the latest value counts",
    bad: &[
        PROMETHEUS,
        (
            "rules.yml",
            alert!("OrdersFailing"; "expr: increase(orders_failed_total{job=\"orders\"}[1m]) > 5.5"; "Orders fail"),
        ),
        COMPANION,
    ],
    good: &[
        PROMETHEUS,
        (
            "rules.yml",
            alert!("OrdersFailing"; "expr: increase(orders_failed_total{job=\"orders\"}[2m]) > 5.5"; "Orders fail"),
        ),
        COMPANION,
    ],
};

const RETENTION: (&str, &str) = (
    "prometheus.yml",
    "\
global: {scrape_interval: 30s, evaluation_interval: 30s}
storage: {tsdb: {retention: {time: 15d}}}
scrape_configs:
- job_name: orders
  static_configs: [{targets: ['orders:8000']}]
",
);

pub(crate) static WINDOW_BEYOND_RETENTION: Check = Check {
    id: "window/beyond-retention",
    severity: Warning,
    title: "query that looks back further than samples are kept",
    why: "What is older is not there: an `offset` gives nothing, and a window is silently shorter than it says.",
    remedy: "look at a shorter time, or keep samples longer",
    bad: &[
        RETENTION,
        (
            "rules.yml",
            alert!("OrdersFailing"; "expr: increase(orders_failed_total{job=\"orders\"}[30d]) > 5.5"; "Orders fail"),
        ),
        COMPANION,
    ],
    good: &[
        RETENTION,
        (
            "rules.yml",
            alert!("OrdersFailing"; "expr: increase(orders_failed_total{job=\"orders\"}[7d]) > 5.5"; "Orders fail"),
        ),
        COMPANION,
    ],
};
